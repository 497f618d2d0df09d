"""What bass and guitar share: where they strike, how long they hold, how loud they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subtractive.arranger.chart import QUARTER, Flags
from subtractive.arranger.rhythm import Lock, Score, loudness, strikes, willingness
from subtractive.arranger.styles import Cells


class Stroke(NamedTuple):
    """One strike of a pitched player: its step, onset and end in ticks, and velocity."""

    step: int
    onset: int
    end: int
    velocity: int


def no_chord(score: Score) -> Flags:
    """Return the steps at N.C., where nobody begins a note that has pitch [shape=(step,)]."""
    without = np.array([chord.root is None for chord in score.chart.chords])
    result: Flags = without[score.chart.chord_of]
    return result


def strokes(
    score: Score,
    cells: Cells,
    locks: tuple[Lock, ...],
    rests: Flags,
    *,
    gap_s: float,
    velocity: int,
) -> list[Stroke]:
    """Return a pitched player's strokes in order.

    Parameters
    ----------
    score : Score
    cells : dict of role to cell
        The style's pattern.
    locks : tuple of Lock
    rests : array of bool [shape=(bar,)]
        Bars in which the player rests; at N.C. it does too.
    gap_s : float
        Least seconds between two strokes.
    velocity : int
        The usual one.
    """
    chart, band, hold = score.chart, score.band, score.feel.style.hold
    silent = rests[chart.bar_of] | no_chord(score)
    worth = willingness(score, cells, locks)
    worth[silent] = 0.0
    steps = strikes(score, worth, gap_s)
    if not len(steps):
        return []
    # a note lasts until the next one, until a rest, or as long as the style holds it (the last
    # one to the end)
    rest_at = np.append(np.where(silent, np.arange(chart.steps), chart.steps), chart.steps)
    next_rest = np.minimum.accumulate(rest_at[::-1])[::-1][steps]
    longest = np.where(steps >= chart.first[-2], chart.steps, steps + round(hold * QUARTER))
    end = np.minimum(np.minimum(np.append(steps[1:], chart.steps), longest), next_rest)
    ticks = np.append(band.tick[:-1], chart.bars[-1].end)
    onset = ticks[steps]
    return [
        Stroke(*values)
        for values in zip(
            steps.tolist(),
            onset.tolist(),
            np.maximum(ticks[end], onset + 1).tolist(),
            loudness(score, steps, velocity).tolist(),
            strict=True,
        )
    ]
