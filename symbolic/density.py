"""Writing more or fewer notes on demand: a hand on the odds of striking, led by what came of it.

Where a writer moves on to, a later position or the next bar, is a race: at every position it may
stop or pass. Moving the log-odds of stopping by the same amount everywhere thins or thickens the
part and leaves the rhythm's preferences as they are (thinning of point processes, Lewis & Shedler
1979). How much is needed is found on the way: takes of a window are written with different
amounts, and those nearest to the wish go on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scoretokens.grid import TICKS_PER_BEAT
from scoretokens.vocabulary import vocabulary
from symbolic.manner import Range, density_of
from symbolic.pen import Pen

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_V = vocabulary()
_BAR = _V.id("Bar_None")
_POSITION, _REPEAT, _KEYS = _V.span("Position"), _V.span("Repeat"), _V.span("PitchDrum")
# log-odds by which the takes of the first window and those of later ones differ
FIRST_REACH, LATER_REACH = 3.0, 1.0
_GAIN = 2.0  # log-odds for each octave that a single take is off
_STROKES = 0.5  # of the eagerness goes to further drums at the same moment
_REPEATED = 10.0  # log-odds less for repeating a bar, for each octave that it is off
_AS_GOOD = 0.07  # octaves off, by which a take may be worse and is as good


def hastened(logits: Floats, allowed: Bools, eagerness: float) -> Floats:
    """Return logits with the log-odds of stopping at each position moved.

    Parameters
    ----------
    logits : array of float [shape=(MAIN,)]
    allowed : array of bool [shape=(MAIN,)]
        What may come next.
    eagerness : float
        Above 0: earlier and more.
    """
    places = _POSITION.start + np.flatnonzero(allowed[_POSITION.start : _POSITION.stop])
    result = logits.astype(np.float64)
    result[_KEYS.start : _KEYS.stop] += _STROKES * eagerness
    if len(places) and allowed[_BAR]:
        choices = np.append(places, _BAR)
        total = np.logaddexp.reduce(result[choices])
        chance = np.exp(result[choices] - total)
        left = np.maximum(chance[::-1].cumsum()[::-1][1:], 1e-30)
        odds = chance[:-1] / left * np.exp(eagerness)
        stop = odds / (1 + odds)
        passed = np.concatenate([[1.0], np.cumprod(1 - stop)])
        moved = passed * np.append(stop, 1.0)
        result[choices] = total + np.log(np.maximum(moved, 1e-30))
    return result.astype(np.float32)


def unlike(logits: Floats, pen: Pen, wanted: Range) -> Floats:
    """Return logits with less for repeating a bar the further it is from the wish.

    Parameters
    ----------
    logits : array of float [shape=(MAIN,)]
    pen : Pen
        That is about to write a bar.
    wanted : Range
        Attacks a quarter.
    """
    result = logits.copy()
    lengths = np.diff(pen.window.bar_onsets) / TICKS_PER_BEAT
    for back in range(1, min(len(_REPEAT), pen.bar) + 1):
        density = pen.attacks[pen.bar - back] / max(lengths[pen.bar - back], 1e-9)
        result[_REPEAT.start + back - 1] -= _REPEATED * wanted.octaves_away(density)
    return result


def spread(eagerness: float, takes: int, *, first: bool) -> list[float]:
    """Return the eagerness of each take of a window, around what served so far."""
    if takes == 1:
        return [eagerness]
    reach = FIRST_REACH if first else LATER_REACH
    return [eagerness + reach * each for each in np.linspace(-1, 1, takes).tolist()]


def misses(takes: Sequence[Ints], ticks: int, wanted: Range, *, drums: bool) -> list[float]:
    """Return by how many octaves the density of each take of a stretch misses the wish.

    Parameters
    ----------
    takes : sequence of array of int [shape=(note, 4)]
    ticks : int
        Length of the stretch on the grid.
    wanted : Range
        Attacks a quarter.
    drums : bool
    """
    return [
        wanted.octaves_away(density_of(notes[:, 0], ticks / TICKS_PER_BEAT, drums=drums))
        for notes in takes
    ]


def good_ones(missed: Sequence[float]) -> list[int]:
    """Return the indices of the takes that are as near to the wish as any."""
    return [place for place, each in enumerate(missed) if each <= min(missed) + _AS_GOOD]


def corrected(eagerness: float, found: float, wanted: Range) -> float:
    """Return the eagerness for the next window after a single take of some density."""
    gap = np.log(max(wanted.nearest(found), 1e-3) / max(found, 1e-3))
    return float(np.clip(eagerness + _GAIN * gap, -8, 8))
