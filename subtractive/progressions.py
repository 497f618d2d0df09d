"""Chord progressions by rule: well-known idioms, and functional harmony grown from a table.

Everything is written in C (C major, C minor) with ordinary chord names, one bar between two
``|``, and moved to a key afterwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from subtractive.chord_symbols import parse_chord
from subtractive.errors import OptionError

SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_FLAT_KEYS = frozenset({1, 3, 5, 8, 10})
_QUALITY = re.compile(r"[A-G][#b]?([^/]*)")

_IDIOMS: dict[str, tuple[str, ...]] = {
    "pop": (
        "C | G | Am | F",
        "Am | F | C | G",
        "C | Am | F | G",
        "F | G | Em | Am",
        "C | Em | F | G",
        "C | F | Am | G",
        "F | C | G | Am",
        "C G/B | Am | F | G",
        "C | C/E | F | Fm",
        "Dm7 | G7 | C | Am7",
        "C | G/B | Am | Em/G | F | C/E | Dm7 | Gsus4 G",
        "F | G | C | C | F | G | Am | Am",
        "C | D7 | F | C",
        "Cadd9 | Gsus4 | Am7 | Fadd9",
    ),
    "minor": (
        "Cm | Ab | Eb | Bb",
        "Cm | Fm | Bb | Eb",
        "Cm | Bb | Ab | G7",
        "Cm | Gm | Ab | Bb",
        "Cm | Cm | Fm | G7",
        "Ab | Bb | Cm | Cm",
        "Cm | Eb | Bb | F",
        "Cm Cm/Bb | Ab | Fm7 | G7",
        "Cm7 | Fm7 | Bb7 | EbM7 | AbM7 | Dm7b5 | G7 | Cm",
        "Cm | Cm/B | Cm/Bb | Am7b5 | AbM7 | Fm7 | Gsus4 | G7",
    ),
    "jazz": (
        "Dm7 | G7 | CM7 | CM7",
        "CM7 A7 | Dm7 G7 | Em7 A7 | Dm7 G7",
        "CM7 | Am7 | Dm7 | G7",
        "Em7 | A7 | Dm7 | G7",
        "CM7 | C7 | FM7 | Fm6",
        "Dm7b5 | G7b9 | Cm6 | Cm6",
        "CM7 | Cm7 F7 | BbM7 | Bbm7 Eb7 | AbM7 | AbM7 | Dm7b5 | G7b9",
        "Dm7 | Db7 | CM7 | CM7",
        "C6 | C#dim7 | Dm7 | G7",
        "CM7 | D7 | Dm7 G7 | C6",
        "Bm7b5 E7 | Am7 D7 | Gm7 C7 | FM7 Bb7",
        "D9 | D9 | Dm9 | G9",
        "E7 | A7 | D7 | G7",
        "FM7 | Fm7 Bb7 | Em7 | A7 | Dm7 | G7 | CM7 | Dm7 G7",
    ),
    "blues": (
        "C7 | C7 | C7 | C7 | F7 | F7 | C7 | C7 | G7 | F7 | C7 | G7",
        "C7 | F7 | C7 | C7 | F7 | F7 | C7 | A7 | Dm7 | G7 | C7 A7 | Dm7 G7",
        "C7 | F7 | C7 | C7 | F7 | F#dim7 | C7 | A7 | D9 | G9 | C7 | G7",
        "Cm7 | Cm7 | Cm7 | Cm7 | Fm7 | Fm7 | Cm7 | Cm7 | Ab7 | G7 | Cm7 | G7",
        "C | F | C | C | F | F | C | C | G | F | C | G",
        "C7 | G7 | F7 | F7 | C7 | G7 | C7 F7 | C7 G7",
    ),
    "modal": (
        "Dm7 | Dm7 | Dm7 | Dm7",
        "Dm7 | G | Dm7 | G",
        "C | Bb | C | Bb",
        "C | Bb | F | C",
        "Cm7 | F7 | Cm7 | F7",
        "Cm7 | Db | Cm7 | Db",
        "C9 | C9 | F9 | C9",
        "Cm9 | Cm9 | Ebm9 | Ebm9",
        "C | D/C | C | D/C",
        "C7sus4 | C7sus4 | Bb/C | C7sus4",
    ),
    "rock": (
        "C5 | Bb5 | F5 | C5",
        "C5 | Eb5 | F5 | C5",
        "C5 | Ab5 | Bb5 | C5",
        "C5 | C5 | Eb5 | F5",
        "C5 | Db5 | C5 | Bb5",
        "C5 | G5 | Bb5 | F5",
        "C | F | G | F",
        "C5 Eb5 | F5 | C5 Eb5 | F5 G5",
        "Cm | Bb | Ab | Bb",
        "C | C7 | F | G",
        "C5 | F#5 | F5 | Eb5",
        "Ab | Bb | C | C",
    ),
}

# Degree -> likely next degrees (after the tables of functional harmony in any textbook: tonic
# moves freely, subdominants lead to dominants, dominants to the tonic or deceptively to VI).
_NEXT = {
    1: (4, 5, 6, 2, 3),
    2: (5, 5, 4),
    3: (6, 4, 2),
    4: (5, 1, 2, 5),
    5: (1, 1, 6, 4),
    6: (2, 4, 5),
}
_MAJOR = {
    1: ("C", "CM7"),
    2: ("Dm", "Dm7"),
    3: ("Em", "Em7"),
    4: ("F", "FM7"),
    5: ("G", "G7"),
    6: ("Am", "Am7"),
}
_MINOR = {
    1: ("Cm", "Cm7"),
    2: ("Dm7b5", "Dm7b5"),
    3: ("Eb", "EbM7"),
    4: ("Fm", "Fm7"),
    5: ("G", "G7"),
    6: ("Ab", "AbM7"),
}


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: `root` and `bass` as pitch classes, `quality` what is written after the root."""

    root: int
    quality: str
    bass: int

    @property
    def intervals(self) -> frozenset[int]:
        """Semitones above the root of its tones; the bass under a slash is not among them."""
        return _intervals(self.quality)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes of its tones, sorted."""
        return tuple(sorted((self.root + step) % 12 for step in self.intervals))

    @property
    def minor_tonic(self) -> bool:
        """Whether it is C minor, with whatever seventh or sixth."""
        return self.root == 0 and 3 in self.intervals

    def transposed(self, semitones: int) -> Chord:
        """Return the chord moved by `semitones`."""
        return Chord((self.root + semitones) % 12, self.quality, (self.bass + semitones) % 12)

    def name(self, tonic: int) -> str:
        """Return its name, spelt with flats in flat keys, such as "Bb7/F"."""
        names = FLAT_NAMES if tonic in _FLAT_KEYS else SHARP_NAMES
        slash = "" if self.bass == self.root else f"/{names[self.bass]}"
        return f"{names[self.root]}{self.quality}{slash}"


@cache
def _intervals(quality: str) -> frozenset[int]:
    return frozenset(parse_chord("C" + quality).pitch_classes)


BarChords = tuple[Chord, ...]  # one or two chords of one bar


def moved(bars: tuple[BarChords, ...], semitones: int) -> tuple[BarChords, ...]:
    """Return the bars transposed."""
    return tuple(tuple(each.transposed(semitones) for each in bar) for bar in bars)


def chord(text: str) -> Chord:
    """Return the chord called `text`, such as "Am7" or "C/E".

    Raises
    ------
    OptionError
        If it is no chord symbol.
    """
    symbol, written = parse_chord(text), _QUALITY.match(text)
    if symbol.root is None or symbol.bass is None or written is None:
        raise OptionError(f"{text!r} names no chord: write one such as Am7, Bb or C/E")
    return Chord(symbol.root, written[1], symbol.bass)


def phrase(text: str) -> tuple[BarChords, ...]:
    """Return the bars of a written phrase, such as ``"C | G/B | Am F | G"``."""
    return tuple(tuple(chord(name) for name in bar.split()) for bar in text.split("|"))


_JAZZ = (
    r"jazz|swing|bebop|bossa|evans|bigband|foxtrot|quickstep|samba|fusion|broadway|charleston|dixie"
)


def idioms_of(style: str) -> tuple[str, ...]:
    """Return the idioms that suit a style, by the words in its name; the first is the likeliest."""
    words = style.lower()
    if re.search(r"blues|bogg?ie|boogie", words):
        return ("blues", "blues", "pop", "jazz")
    if re.search(
        r"jazz|swing|bebop|bossa|evans|bigband|foxtrot|quickstep|samba|lounge|broadway|charleston|dixie",
        words,
    ):
        return ("jazz", "jazz", "jazz", "pop", "minor", "grown", "blues")
    if re.search(r"metal|rock|punk|twist|surf", words):
        return ("rock", "rock", "pop", "minor", "blues", "grown")
    if re.search(r"funk|hip|techno|reggae|ska|soul|disco|house|motown", words):
        return ("modal", "minor", "pop", "jazz", "grown", "modal")
    return ("pop", "pop", "minor", "grown", "grown", "jazz", "rock", "modal")


def progression(
    rng: np.random.Generator, idiom: str, bars: int, minor: bool
) -> tuple[BarChords, ...]:
    """Return `bars` bars of chords in C.

    Parameters
    ----------
    rng : numpy.random.Generator
    idiom : str
        "pop", "minor", "jazz", "blues", "modal", "rock", or "grown" (from the functional table).
    bars : int
    minor : bool
        Whether a grown progression is in minor.
    """
    if idiom == "grown":
        return coloured(rng, grown(rng, bars, minor))
    written = phrase(str(rng.choice(_IDIOMS[idiom])))
    if idiom != "blues":
        written = paced(rng, written)
    filled = (written * (bars // len(written) + 1))[:bars]
    return coloured(rng, filled) if idiom in {"pop", "minor"} else filled


def grown(rng: np.random.Generator, bars: int, minor: bool) -> tuple[BarChords, ...]:
    """Return a progression grown from the functional table, cadence at the end of every 8 bars."""
    table = _MINOR if minor else _MAJOR
    sevenths = rng.random() < 0.35
    two_a_bar = rng.random() < 0.25
    degree = int(rng.choice([1, 1, 1, 4, 6]))
    result: list[BarChords] = []
    for bar in range(bars):
        degrees = [degree]
        if two_a_bar and bar % 2:
            degree = int(rng.choice(_NEXT[degree]))
            degrees.append(degree)
        if bar % 8 == 7 or bar == bars - 1:
            degrees = [1] if rng.random() < 0.5 else [4, 5]
            degree = degrees[-1]
        chords = [chord(table[number][sevenths]) for number in degrees]
        result.append(tuple(chords))
        degree = int(rng.choice(_NEXT[degree])) if rng.random() < 0.85 else degree
    return tuple(result)


def paced(rng: np.random.Generator, written: tuple[BarChords, ...]) -> tuple[BarChords, ...]:
    """Return the phrase as written, at half pace (a chord holds two bars) or at double pace."""
    draw = rng.random()
    if draw < 0.15:
        return tuple(bar for bar in written for _ in range(2))
    if draw < 0.3 and len(written) % 2 == 0 and all(len(bar) == 1 for bar in written):
        return tuple((written[i][0], written[i + 1][0]) for i in range(0, len(written), 2))
    return written


def coloured(rng: np.random.Generator, bars: tuple[BarChords, ...]) -> tuple[BarChords, ...]:
    """Return the bars with now and then an added note, a suspension or an inversion.

    One draw per distinct chord, so that a chord that returns sounds the same again.
    """
    richness = rng.choice([0.0, 0.15, 0.4])
    inversions = rng.choice([0.0, 0.1, 0.25])
    richer = {"": ("add9", "M7", "6", "sus2"), "m": ("m7", "m9"), "7": ("9", "7sus4")}
    known: dict[Chord, Chord] = {}
    for old in (each for bar in bars for each in bar):
        if old in known:
            continue
        new = old
        # a major chord gets no major seventh on the dominant: G stays fit to resolve
        if rng.random() < richness and old.quality in richer and old.root != 7:
            new = replace(new, quality=str(rng.choice(richer[old.quality])))
        if rng.random() < inversions and old.bass == old.root:
            third_or_fifth = sorted(new.intervals & {3, 4, 7})
            new = replace(new, bass=(new.root + int(rng.choice(third_or_fifth))) % 12)
        known[old] = new
    return tuple(tuple(known[old] for old in bar) for bar in bars)
