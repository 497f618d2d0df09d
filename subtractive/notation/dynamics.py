"""Dynamic marks: how loud a part begins, and where it clearly changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median_low

from subtractive.notation.paper import WrittenNote

_SECTION = 8  # measures that a mark must hold for
_CLEAR = 16  # velocities from one mark to the next


def dynamic_marks(
    measures: Sequence[Sequence[WrittenNote]], velocities: Mapping[str, int]
) -> dict[int, str]:
    """Return the dynamic marks of a part, by the index of the measure that begins with one.

    Parameters
    ----------
    measures : sequence of sequences of WrittenNote
    velocities : mapping of str to int
        How loud each mark in use is.

    Returns
    -------
    dict of int to str
        The first measure with notes has one; later ones only where each of eight measures from
        there on is louder, or each softer, by a whole mark, by the medians of their notes.
    """
    heard = [
        (place, median_low([note.velocity for note in notes]))
        for place, notes in enumerate(measures)
        if notes
    ]
    result: dict[int, str] = {}
    loud: int | None = None
    mark = ""
    for count, (place, _) in enumerate(heard):
        section = [velocity for _, velocity in heard[count : count + _SECTION]]
        if loud is not None:
            change = min(section) - loud if min(section) > loud else loud - max(section)
            if change < _CLEAR or len(section) < _SECTION:
                continue
        loud = median_low(section)
        before, mark = mark, _nearest(loud, velocities)
        if mark != before:
            result[place] = mark
    return result


def _nearest(velocity: int, velocities: Mapping[str, int]) -> str:
    return min(velocities, key=lambda name: abs(velocities[name] - velocity))
