"""Reading and writing music whatever its format: the first and the last of three lines.

song = read("song.mid")
song = add_part(song, "bass")
write(song, "song.bass.mid")
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError, OutputError
from subtractive.files.foreign import FOREIGN_SUFFIXES, foreign_musicxml, foreign_notation
from subtractive.files.midi import plan_channels, read_midi, write_midi
from subtractive.files.musescore import MUSESCORE_SUFFIXES, convert, required
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_write import write_musicxml
from subtractive.files.output import write_whole

MIDI_SUFFIXES = (".mid", ".midi")
MUSICXML_SUFFIXES = (".musicxml", ".xml", ".mxl")
OUTPUT_SUFFIXES = (*MIDI_SUFFIXES, *MUSICXML_SUFFIXES, *MUSESCORE_SUFFIXES)


class Encoded(NamedTuple):
    """What is to be written to a file, and what its owner should know of it."""

    content: bytes
    notices: tuple[str, ...]


def read(path: str | Path) -> Arrangement:
    """Read a piece of music; the file's content, not its name, tells what it is.

    Parameters
    ----------
    path : str or Path
        MIDI (`.mid`, `.midi`), MusicXML (`.musicxml`, `.xml`, `.mxl`), ABC (`.abc`), Humdrum
        (`.krn`), MEI (`.mei`) or, where MuseScore is installed, its own files (`.mscz`, `.mscx`).

    Returns
    -------
    Arrangement
        As it is heard: repeats unfolded. What was not MIDI has MusicXML as its source.

    Raises
    ------
    FileFormatError
        If the file cannot be opened, is no music that can be read, or needs a library or program
        that is not installed.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be opened ({error.strerror}): name a MIDI or MusicXML file"
        ) from error
    if content.startswith((b"MThd", b"RIFF")) or path.suffix.lower() in MIDI_SUFFIXES:
        return read_midi(content, path.name)
    notation = foreign_notation(content, path.suffix)
    if notation is not None:
        return read_musicxml(foreign_musicxml(content, notation, path.name), path.name)
    if content.startswith(b"PK") or b"<" in content[:200].replace(b"\x00", b""):
        return read_musicxml(content, path.name)
    raise FileFormatError(
        f"{path.name} is neither MIDI nor MusicXML: give a .mid, .musicxml, .xml or .mxl file, or "
        f"one of {', '.join(FOREIGN_SUFFIXES)}"
    )


def encoded(arrangement: Arrangement, name: str, *, tablature: bool = False) -> Encoded:
    """Return an arrangement as a file's content, in the format that its name's ending says.

    What was read from MIDI keeps its bytes in MIDI, what was read from MusicXML in MusicXML.

    Parameters
    ----------
    arrangement : Arrangement
    name : str
        Of the file.
    tablature : bool
        Whether new basses and guitars in a score have a second staff with strings and frets.

    Raises
    ------
    OutputError
        As `check_format` does.
    FileFormatError
        If there are no notes to write.
    """
    check_format(name)
    suffix = Path(name).suffix.lower()
    if suffix in MIDI_SUFFIXES:
        notices = tuple(plan.notice for plan in plan_channels(arrangement) if plan.notice)
        return Encoded(write_midi(arrangement), notices)
    xml = write_musicxml(arrangement, zipped=suffix == ".mxl", tablature=tablature)
    if suffix in MUSESCORE_SUFFIXES:
        return Encoded(convert(xml.content, ".musicxml", suffix, name), xml.notices)
    return Encoded(*xml)


def check_format(name: str) -> None:
    """Make sure that a file of this name could be written, before any work is done for it.

    Raises
    ------
    OutputError
        If it ends in none of `OUTPUT_SUFFIXES`, or in one of MuseScore's where that is missing.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in OUTPUT_SUFFIXES:
        raise OutputError(
            f"{name} cannot be written: end the output in .mid, .musicxml or .mxl, or in .mscz "
            "where MuseScore is installed"
        )
    if suffix in MUSESCORE_SUFFIXES:
        required(name)


def own_suffix(path: Path) -> str:
    """Return how to name what is written to a piece: in its own format where it can be."""
    suffix = path.suffix.lower()
    if suffix in OUTPUT_SUFFIXES:
        return suffix
    return ".musicxml" if suffix in FOREIGN_SUFFIXES else ".mid"


def write(arrangement: Arrangement, path: str | Path) -> tuple[str, ...]:
    """Write an arrangement in the format that the name says, whole or not at all.

    What was read from MIDI keeps its bytes in MIDI, what was read from MusicXML in MusicXML.

    Returns
    -------
    tuple of str
        What its owner should know, such as a channel that two parts share.

    Raises
    ------
    OutputError
        If the name ends in none of `OUTPUT_SUFFIXES`, or the file cannot be written.
    """
    path = Path(path)
    content, notices = encoded(arrangement, path.name)
    write_whole(path, content)
    return notices
