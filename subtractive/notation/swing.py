"""Swing: off-beats on the third triplet, which musicians write as plain eighths."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from subtractive.notation.paper import WrittenNote

_SWUNG, _STRAIGHT = Fraction(2, 3), Fraction(1, 2)
_SHARE = Fraction(9, 10)
_FEWEST = 4


def swings(measures: Sequence[Sequence[WrittenNote]]) -> bool:
    """Return whether a part swings all through.

    It does if at least four different off-beats are struck on the third triplet of their quarter
    note, and these are nine of ten of all places struck off the beat.

    Parameters
    ----------
    measures : sequence of sequences of WrittenNote
    """
    places = {(count, note.onset) for count, notes in enumerate(measures) for note in notes}
    off = [onset % 1 for _, onset in places if onset % 1]
    swung = off.count(_SWUNG)
    return swung >= _FEWEST and swung >= _SHARE * len(off)


def straightened(notes: Sequence[WrittenNote]) -> list[WrittenNote]:
    """Return a measure with its swung eighths as plain ones; beats with real triplets stay.

    Parameters
    ----------
    notes : sequence of WrittenNote
        Of one measure.
    """
    struck: dict[int, set[Fraction]] = {}
    for note in notes:
        struck.setdefault(int(note.onset), set()).add(note.onset % 1)
    plain = {beat for beat, places in struck.items() if places <= {Fraction(0), _SWUNG}}

    def moved(place: Fraction) -> Fraction:
        beat = int(place)
        swung = place % 1 == _SWUNG and (beat in plain or beat not in struck)
        return beat + _STRAIGHT if swung else place

    result = []
    for note in notes:
        onset, end = moved(note.onset), moved(note.onset + note.duration)
        result.append(note._replace(onset=onset, duration=end - onset))
    return result
