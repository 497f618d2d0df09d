"""Other notation in, as MusicXML: ABC, Humdrum, MEI and MuseScore's own files.

What was converted is the source of the arrangement, so that it can be written as MusicXML too.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from subtractive.files.foreign_music21 import music21_musicxml
from subtractive.files.musescore import MUSESCORE_SUFFIXES, convert, is_musescore

Notation: TypeAlias = Literal["ABC", "Humdrum", "MEI", "MuseScore"]

FOREIGN_SUFFIXES: dict[str, Notation] = {
    ".abc": "ABC",
    ".krn": "Humdrum",
    ".mei": "MEI",
    **dict.fromkeys(MUSESCORE_SUFFIXES, "MuseScore"),
}

_BYTE_ORDER = b"\xff\xfe\xef\xbb\xbf"
_HEAD = 100_000  # bytes: editions begin with long comments
_MEI = re.compile(rb"<(?:\w+:)?mei[\s>]")
_HUMDRUM = re.compile(rb"^\*\*\w", re.MULTILINE)
_ABC = re.compile(rb"^X:\s*\d", re.MULTILINE)
# programs put the day of the export into what they export
_DATE = re.compile(rb"\s*<encoding-date>[^<]*</encoding-date>")


def foreign_notation(content: bytes, suffix: str) -> Notation | None:
    """Return which other notation a file is in; its name counts where its content tells nothing.

    Parameters
    ----------
    content : bytes
    suffix : str
        Of its name, such as ".abc".

    Returns
    -------
    {"ABC", "Humdrum", "MEI", "MuseScore"} or None
        None for MIDI, MusicXML and all that is not known.
    """
    named = FOREIGN_SUFFIXES.get(suffix.lower())
    if is_musescore(content):
        return "MuseScore"
    if content.startswith((b"MThd", b"RIFF", b"PK")):
        return "MuseScore" if content.startswith(b"PK") and named == "MuseScore" else None
    # UTF-16 is plain text too, but for its zeros and what marks the order of its bytes
    head = content[:_HEAD].lstrip(_BYTE_ORDER).replace(b"\x00", b"").replace(b"\r", b"\n")
    if b"<" in head[:200]:
        return "MEI" if _MEI.search(head) else None
    if _HUMDRUM.search(head):
        return "Humdrum"
    return "ABC" if _ABC.search(head) else named


def foreign_musicxml(content: bytes, notation: Notation, name: str) -> bytes:
    """Return a score in another notation as MusicXML.

    Parameters
    ----------
    content : bytes
    notation : {"ABC", "Humdrum", "MEI", "MuseScore"}
        As `foreign_notation` returns it.
    name : str
        How the file is called.

    Raises
    ------
    FileFormatError
        If it is damaged or empty, or needs a library or program that is not installed.
    """
    if notation == "MuseScore":
        zipped = content.startswith(b"PK")
        exported = convert(content, ".mscz" if zipped else ".mscx", ".musicxml", name)
        return _DATE.sub(b"", exported)
    return music21_musicxml(_decoded(content), notation, name)


def _decoded(content: bytes) -> str:
    """Return the text of a file, in UTF-8 or UTF-16, or else in Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
