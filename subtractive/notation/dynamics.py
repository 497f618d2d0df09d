"""Dynamic marks: how loud a part begins, and where it clearly changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median_low

from subtractive.notation.paper import WrittenNote

_SECTION = 4  # measures that a mark must hold for
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
        The first measure with notes has one; later ones only where four measures from there on are
        louder or softer by a whole mark, by the median of their notes.
    """
    result: dict[int, str] = {}
    loud = 0
    for place, notes in enumerate(measures):
        if not notes:
            continue
        section = [each.velocity for part in measures[place : place + _SECTION] for each in part]
        here = median_low(section)
        own = median_low([note.velocity for note in notes])
        # both must have changed, or the mark would come measures too early
        if not result or (abs(here - loud) >= _CLEAR and abs(own - loud) >= _CLEAR):
            mark = min(velocities, key=lambda name: abs(velocities[name] - here))
            loud = here
            if mark not in list(result.values())[-1:]:
                result[place] = mark
    return result
