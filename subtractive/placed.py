"""Notes with their places in bars: what every measurement of a part begins with."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from subtractive.arrays import Notes

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

QUARTER = 480  # ticks
EARLY = 48  # a player is this many ticks ahead of a beat and still on it
ON_BEAT = 60  # ticks on either side of a quarter that count as on it


@dataclass(frozen=True, slots=True)
class Placed:
    """Notes with their bars: index, and ticks from the barline (a little early is negative)."""

    notes: Notes
    bar: Ints
    offset: Ints
    bars: Ints
    quarters: float

    def quarters_of(self, chosen: Bools, slots: int = 4) -> Bools:
        """Return which quarters of which bars carry a chosen note [shape=(bar, slots)]."""
        offset = self.offset[chosen]
        beat = np.rint(offset / QUARTER).astype(np.int64)
        near = (np.abs(offset - beat * QUARTER) <= ON_BEAT) & (beat < slots)
        struck = np.zeros((len(self.bars) - 1, slots), dtype=np.bool_)
        struck[self.bar[chosen][near], beat[near]] = True
        return struck


def share(chosen: Bools) -> float:
    """Return the share of True; nan of nothing."""
    return float(np.count_nonzero(chosen)) / len(chosen) if len(chosen) else nan


# each twelfth of a quarter is the 16th or the triplet that was meant
_AIMED_AT = np.array([0, 0, 3, 3, 4, 6, 6, 8, 8, 9, 9, 12])


def aimed_at(twelfths: npt.NDArray[np.float64]) -> Ints:
    """Return the 16ths and triplets that people aimed at, who are early and late.

    Parameters
    ----------
    twelfths : array of float
        Onsets in twelfths of a quarter.
    """
    nearest = np.rint(twelfths).astype(np.int64)
    place = nearest % len(_AIMED_AT)
    return np.asarray(nearest - place + _AIMED_AT[place])
