"""A <harmony> of MusicXML as a chord symbol."""

from __future__ import annotations

import re
from copy import copy
from fractions import Fraction
from typing import Literal

from lxml import etree

from subtractive.arrangement import ChordSymbol, KeySignature
from subtractive.chord_symbols import (
    KINDS,
    Degree,
    chord_symbol,
    is_no_chord,
    kind_tones,
    no_chord,
    parse_chord,
    pitch_class,
)
from subtractive.errors import OptionError
from subtractive.files.musicxml_tree import number_in
from subtractive.harmony import NAMES

# Names of kinds that some programs write, though the standard has others.
_ALIASES = {
    "dominant-seventh": "dominant",
    "minor-major": "major-minor",
    "half-diminished-seventh": "half-diminished",
    "maj": "major",
    "min": "minor",
    "dim": "diminished",
    "aug": "augmented",
}
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_ROMAN = re.compile(r"([b#♭♯]?)(iii|ii|iv|i|vii|vi|v)[°oø+]?[0-9]*", re.IGNORECASE)
_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_OPENINGS = frozenset({"root", "numeral", "function"})


def read_harmony(harmony: etree._Element, key: KeySignature, semitones: int) -> ChordSymbol | None:
    """Return the chord symbol that sounds, at tick 0.

    Parameters
    ----------
    harmony : element
        Of several chords stacked in it (V of II) the first counts.
    key : KeySignature
        As written in the part; roots given by degree are counted from it.
    semitones : int
        From the written to the sounding pitch.

    Returns
    -------
    ChordSymbol or None
        None if no root can be made out.
    """
    first = _first_chord(harmony)
    kind, text = first.findtext("kind", "other").strip(), _text_of(first)
    if kind == "none" or is_no_chord(text):
        return no_chord()
    root = _root_name(first, key)
    if root is None:
        return None
    bass_step = first.findtext("bass/bass-step")
    bass = None if bass_step is None else _name(bass_step, number_in(first, "bass/bass-alter"))
    try:
        chord = _chord(_moved(root, semitones), kind, text, _degrees(first))
        if bass is not None:
            return _over(chord, _moved(bass, semitones))
    except (OptionError, KeyError):  # a note name that is none
        return None
    inversion = number_in(first, "inversion") or 0
    return _over(chord, _inverted(chord, kind, int(inversion))) if inversion else chord


def _first_chord(harmony: etree._Element) -> etree._Element:
    """Return the harmony, cut before its second chord."""
    places = [place for place, child in enumerate(harmony) if child.tag in _OPENINGS]
    if len(places) < 2:
        return harmony
    first = copy(harmony)
    del first[places[1] :]
    return first


def _text_of(harmony: etree._Element) -> str:
    kind = harmony.find("kind")
    return "" if kind is None else kind.get("text", "").strip()


def _root_name(harmony: etree._Element, key: KeySignature) -> str | None:
    """Return the root as a note name, as written."""
    if (step := harmony.findtext("root/root-step")) is not None:
        return _name(step, number_in(harmony, "root/root-alter"))
    if (degree := number_in(harmony, "numeral/numeral-root")) is not None:
        fifths = number_in(harmony, "numeral/numeral-key/numeral-fifths")
        mode = harmony.findtext("numeral/numeral-key/numeral-mode", "")
        if fifths is not None:
            key = KeySignature(0, int(fifths), "minor" in mode)
        return _on_degree(key, int(degree), int(number_in(harmony, "numeral/numeral-alter") or 0))
    roman = _ROMAN.fullmatch(harmony.findtext("function", "").strip())
    if roman is None:
        return None
    shift = {"": 0, "b": -1, "♭": -1}.get(roman[1], 1)
    return _on_degree(key, _NUMERALS.index(roman[2].lower()) + 1, shift)


def _on_degree(key: KeySignature, degree: int, shift: int) -> str:
    scale = _MINOR if key.is_minor else _MAJOR
    return NAMES[(key.tonic + scale[(degree - 1) % 7] + shift) % 12]


def _name(step: str, alter: Fraction | None) -> str:
    shift = max(-2, min(2, round(alter or 0)))
    return step.strip() + "#" * shift + "b" * -shift


def _moved(name: str, semitones: int) -> str:
    """Return the note name moved; its own spelling where it stays."""
    return NAMES[(pitch_class(name) + semitones) % 12] if semitones % 12 else name


def _degrees(harmony: etree._Element) -> list[Degree]:
    changes: dict[str, Literal["add", "alter", "subtract"]] = {
        "add": "add",
        "alter": "alter",
        "subtract": "subtract",
    }
    return [
        Degree(
            int(value),
            max(-2, min(2, round(number_in(degree, "degree-alter") or 0))),
            changes.get(degree.findtext("degree-type", "").strip(), "add"),
        )
        for degree in harmony.iterfind("degree")
        if (value := number_in(degree, "degree-value"))
    ]


def _chord(root: str, kind: str, text: str, degrees: list[Degree]) -> ChordSymbol:
    """Return the chord over its root; a kind outside the standard is read from its names."""
    kind = _ALIASES.get(kind, kind)
    if kind in KINDS:
        return chord_symbol(root, kind, degrees)
    for suffix in filter(None, (text, kind)):
        try:
            return parse_chord(root + suffix)
        except OptionError:
            continue
    # "other": a chord that its degrees alone describe
    return chord_symbol(root, "pedal" if degrees else "major", degrees)


def _over(chord: ChordSymbol, bass: str) -> ChordSymbol:
    return chord._replace(text=f"{chord.text}/{bass}", bass=pitch_class(bass))


def _inverted(chord: ChordSymbol, kind: str, inversion: int) -> str:
    """Return the name of the tone that an inversion puts lowest: third, fifth, seventh."""
    tones = dict(kind_tones(_ALIASES.get(kind, kind)))
    return NAMES[((chord.root or 0) + tones.get(2 * inversion + 1, 0)) % 12]
