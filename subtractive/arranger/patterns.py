"""A style's cells laid over the pulses of a bar."""

from __future__ import annotations

from functools import cache

import numpy as np

from subtractive.arranger.chart import SIXTEENTH, TRIPLET, Array, Pulse
from subtractive.arranger.styles import Cells


def digits(beats: tuple[Pulse, ...], cells: Cells, steps: int) -> Array:
    """Return the willingness of a pattern at each step of a bar; 0 where it never strikes.

    Parameters
    ----------
    beats : tuple of Pulse
        Of the bar.
    cells : dict of role to cell
    steps : int
        Length of the bar.
    """
    return _laid(beats, tuple(sorted(cells.items())), steps)


@cache
def _laid(beats: tuple[Pulse, ...], cells: tuple[tuple[str, str], ...], steps: int) -> Array:
    cell_of = dict(cells)
    result = np.zeros(steps)
    for pulse in beats:
        cell = cell_of[pulse.role]
        unit = TRIPLET if len(cell) == 3 else SIXTEENTH
        half = max(1, len(cell) // 2)
        for number in range(-(-pulse.length // unit)):
            # the end of a pulse that is longer than its cell is like the cell's second half
            place = number if number < len(cell) else half + (number - len(cell)) % half
            at = pulse.first + number * unit
            if at < steps and cell[place] != ".":
                result[at] = int(cell[place])
    result.flags.writeable = False
    return result
