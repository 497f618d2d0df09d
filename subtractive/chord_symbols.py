"""Chord symbols: the kinds that MusicXML knows, and the names that musicians write.

Degrees are counted as MusicXML counts them, in the scale of a dominant chord: 7 is the minor
seventh, #7 the major one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from subtractive.arrangement import ChordSymbol
from subtractive.errors import OptionError
from subtractive.harmony import NAMES

# Kind of MusicXML 4.0 -> what is written after the root, and the degrees.
KINDS: dict[str, tuple[str, str]] = {
    "major": ("", "1 3 5"),
    "minor": ("m", "1 b3 5"),
    "augmented": ("aug", "1 3 #5"),
    "diminished": ("dim", "1 b3 b5"),
    "dominant": ("7", "1 3 5 7"),
    "major-seventh": ("maj7", "1 3 5 #7"),
    "minor-seventh": ("m7", "1 b3 5 7"),
    "diminished-seventh": ("dim7", "1 b3 b5 b7"),
    "augmented-seventh": ("aug7", "1 3 #5 7"),
    "half-diminished": ("m7b5", "1 b3 b5 7"),
    "major-minor": ("m(maj7)", "1 b3 5 #7"),
    "major-sixth": ("6", "1 3 5 6"),
    "minor-sixth": ("m6", "1 b3 5 6"),
    "dominant-ninth": ("9", "1 3 5 7 9"),
    "major-ninth": ("maj9", "1 3 5 #7 9"),
    "minor-ninth": ("m9", "1 b3 5 7 9"),
    "dominant-11th": ("11", "1 3 5 7 9 11"),
    "major-11th": ("maj11", "1 3 5 #7 9 11"),
    "minor-11th": ("m11", "1 b3 5 7 9 11"),
    "dominant-13th": ("13", "1 3 5 7 9 11 13"),
    "major-13th": ("maj13", "1 3 5 #7 9 11 13"),
    "minor-13th": ("m13", "1 b3 5 7 9 11 13"),
    "suspended-second": ("sus2", "1 2 5"),
    "suspended-fourth": ("sus4", "1 4 5"),
    "Neapolitan": ("N6", "1 b2 3 b5"),
    "Italian": ("It+6", "1 #4 b6"),
    "French": ("Fr+6", "1 2 #4 b6"),
    "German": ("Ger+6", "1 b3 #4 b6"),
    "pedal": ("ped", "1"),
    "power": ("5", "1 5"),
    "Tristan": ("Tristan", "1 #4 #6 #9"),
}

_SCALE = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 10, 9: 14, 11: 17, 13: 21}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"#": 1, "♯": 1, "+": 1, "b": -1, "♭": -1, "-": -1}
# "Abb5" is an Ab with a flat fifth: nobody writes a power chord on A double flat
_NOTE = r"[A-G](?:##|bb(?!\d)|[#b♯♭])?"
_SYMBOL = re.compile(rf"({_NOTE})(.*?)(?:/({_NOTE}))?")
_NO_CHORD = re.compile(r"\(?(n\.?\s?c\.?|no\s?chord)\)?", re.IGNORECASE)
_SHAPE = re.compile(
    r"(?P<third>(?i:maj(?:or)?|min(?:or)?|dim|aug|dom)|ma(?!dd)|mi|[Mm°oøΔ^+-])?"
    r"(?P<seventh>(?i:maj)|ma(?!dd)|[MΔ^])?(?P<number>6/9|69|13|11|[9765])?"
)
_CHANGE = re.compile(
    r"(?P<sus>(?i:sus))(?P<place>[24]?)|(?P<alt>(?i:alt))"
    r"|(?P<verb>(?i:add|no|omit))?(?P<signs>[#b♯♭+-]*)(?P<degree>13|11|[1-79])(?:th|rd)?"
    r"|(?P<plus>\+)"
)

Tones = frozenset[tuple[int, int]]  # degree and semitones above the root


class Degree(NamedTuple):
    """A change to a chord: `alter` semitones on degree `value` (see MusicXML's degree-type)."""

    value: int
    alter: int
    change: Literal["add", "alter", "subtract"]


def pitch_class(name: str) -> int:
    """Return the pitch class of a note name such as "F#", "Bb" or "Ebb"; C is 0."""
    return (_LETTERS[name[0]] + sum(_SIGNS[sign] for sign in name[1:])) % 12


def kind_tones(kind: str) -> Tones:
    """Return degrees and semitones above the root of a kind; none for an unknown kind."""
    return _tones(KINDS[kind][1]) if kind in KINDS else frozenset()


def is_no_chord(text: str) -> bool:
    """Return whether a text over the staff says that no chord is to be played."""
    return _NO_CHORD.fullmatch(text.strip()) is not None


def no_chord(tick: int = 0) -> ChordSymbol:
    """Return the symbol N.C.: from `tick` on nobody plays a chord."""
    return ChordSymbol(tick, "N.C.", None, (), None)


def chord_symbol(
    root: str, kind: str, degrees: Iterable[Degree] = (), bass: str | None = None, tick: int = 0
) -> ChordSymbol:
    """Return the chord symbol of a root, a kind and changes to it.

    Parameters
    ----------
    root, bass : str
        Note names; a bass under the slash is not counted among the chord's pitch classes.
    kind : str
        Key of `KINDS`.
    degrees : iterable of Degree
    tick : int

    Returns
    -------
    ChordSymbol
        Its text is one that `parse_chord` reads back to the same pitch classes.
    """
    suffix, written = KINDS[kind]
    tones = _tones(written)
    for degree in degrees:
        tones, mark = _changed(tones, degree)
        suffix += mark
    return _symbol(root, suffix, tones, bass, tick)


def parse_chord(text: str, tick: int = 0) -> ChordSymbol:
    """Return the chord symbol that a musician would write as `text`.

    Parameters
    ----------
    text : str
        Such as "Am7/G", "Bb", "F#dim", "Csus4", "G7b9", "C6/9", "Bm7(b5)" or "N.C.".
    tick : int

    Raises
    ------
    OptionError
        If it is no chord symbol.
    """
    if is_no_chord(text):
        return no_chord(tick)
    match = _SYMBOL.fullmatch(text.strip())
    tones = None if match is None else _parsed(match[2])
    if match is None or tones is None:
        raise OptionError(
            f"{text!r} is no chord symbol: write one such as Am7/G, Bb, F#dim, Csus4, G7b9 or N.C."
        )
    return _symbol(match[1], match[2], tones, match[3], tick)


def _symbol(root: str, suffix: str, tones: Tones, bass: str | None, tick: int) -> ChordSymbol:
    here = pitch_class(root)
    # a double sharp or flat is read more easily as the plain note that it is
    name = root if len(root) < 3 else NAMES[here]
    classes = tuple(sorted({(here + semitones) % 12 for _, semitones in tones}))
    if bass is None:
        return ChordSymbol(tick, name + suffix, here, classes, here)
    under = pitch_class(bass)
    below = bass if len(bass) < 3 else NAMES[under]
    return ChordSymbol(tick, f"{name}{suffix}/{below}", here, classes, under)


def _tones(written: str) -> Tones:
    pairs = ((int(word.lstrip("#b")), word) for word in written.split())
    return frozenset(
        (degree, _SCALE[degree] + word.count("#") - word.count("b")) for degree, word in pairs
    )


_BY_SUFFIX = {suffix: _tones(written) for suffix, written in KINDS.values()}


def _changed(tones: Tones, degree: Degree) -> tuple[Tones, str]:
    """Return the tones after one change, and the change as it is written."""
    value = degree.value if degree.value in {9, 11, 13} else (degree.value - 1) % 7 + 1
    same = frozenset(tone for tone in tones if tone[0] == value)
    if degree.change == "subtract":
        return tones - same, f"(no{value})"
    natural = _SCALE[value]
    # an alteration counts from the tone that is there
    altered = degree.change == "alter" and bool(same)
    new = (min(same)[1] if altered else natural) + degree.alter
    kept = tones - same if altered else tones
    shift = new - natural
    verb = "" if shift and (value, natural) not in kept else "add"
    signs = "#" * shift + "b" * -(shift - 1 if value == 7 and shift < 0 else shift)
    gone = f"(no{value})" if same - kept - {(value, natural)} else ""
    return kept | {(value, new)}, f"{gone}({verb}{signs}{value})"


def _parsed(suffix: str) -> Tones | None:
    """Return the tones of what is written after the root; None if it is nothing known."""
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    plain = re.sub(r"[\s(),]", "", suffix)
    if plain[:1] in {"2", "4"}:  # "C2" and "C4" are short for a chord with that degree
        plain = ("add9" if plain[0] == "2" else "sus4") + plain[1:]
    shape = _SHAPE.match(plain)
    assert shape is not None  # every group is optional
    tones = _shaped(shape["third"] or "", bool(shape["seventh"]), shape["number"] or "")
    place = shape.end()
    while place < len(plain):
        change = _CHANGE.match(plain, place)
        if change is None or change[0].isdigit():
            return None
        tones = _modified(tones, change)
        place = change.end()
    return tones


def _shaped(third: str, major_seventh: bool, number: str) -> Tones:
    """Return the tones of a triad's name and a number, such as "min" and "9"."""
    word = third.lower() if len(third) > 1 else third
    triad = {
        **dict.fromkeys(("m", "mi", "min", "minor", "-"), "1 b3 5"),
        **dict.fromkeys(("dim", "°", "o", "ø"), "1 b3 b5"),
        **dict.fromkeys(("aug", "+"), "1 3 #5"),
    }.get(word, "1 3 5")
    if word in {"Δ", "^", "ø"} and not number:
        number = "7"
    if number == "5":
        return _tones("1 5")
    if number in {"6", "69", "6/9"}:
        return _tones(f"{triad} 6 9" if "9" in number else f"{triad} 6")
    sharp = major_seventh or word in {"M", "ma", "maj", "major", "Δ", "^"}
    seventh = "#7" if sharp else "b7" if word in {"dim", "°", "o"} else "7"
    above = {"": "", "7": seventh, "9": f"{seventh} 9", "11": f"{seventh} 9 11"}
    return _tones(f"{triad} {above.get(number, f'{seventh} 9 11 13')}")


def _modified(tones: Tones, change: re.Match[str]) -> Tones:
    if change["sus"]:
        place = int(change["place"] or 4)
        third = {tone for tone in tones if tone[0] == 3}
        return (tones - third) | {(place, _SCALE[place])}
    if change["alt"]:
        return _tones("1 3 b5 #5 7 b9 #9")
    degree = 5 if change["plus"] else int(change["degree"])
    if (change["verb"] or "").lower() in {"no", "omit"}:
        return frozenset(tone for tone in tones if tone[0] != degree)
    shift = 1 if change["plus"] else sum(_SIGNS[sign] for sign in change["signs"])
    if degree == 7 and shift < 0:  # b7 is what a musician calls the scale's own seventh
        shift += 1
    natural = (degree, _SCALE[degree])
    kept = tones - {natural} if shift and not change["verb"] else tones
    return kept | {(degree, natural[1] + shift)}
