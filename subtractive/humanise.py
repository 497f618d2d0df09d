"""Human timing and velocity for music that was written on a grid.

A player is a little early or late for some beats on end, every attack misses its place by some
milliseconds, and heavy beats are louder. The notes of a chord stay nearly together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from subtractive.arrangement import Arrangement, Note, Part, Tempo, bars
from subtractive.errors import OptionError

_LAG, _JITTER, _SPREAD = 8.0, 4.0, 1.5  # standard deviations in milliseconds
_KEPT = 0.9  # of a player's lag and loudness from one beat to the next
_ACCENTS = (5.0, 1.0, -3.0)  # velocity on the first beat of a bar, on other beats, between them
_SWELL, _TOUCH = 4.0, 3.0  # standard deviations of velocity: slow, and from note to note
_QUARTER = 500_000  # microseconds where a file tells no tempo

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the beats of the music are, and how many ticks a millisecond has."""

    arrangement: Arrangement
    beats: Ints
    downbeats: Ints

    @classmethod
    def of(cls, arrangement: Arrangement) -> _Grid:
        spans = bars(arrangement)
        beats = [tick for bar in spans for tick in range(bar.onset, bar.end, bar.beat)]
        return cls(arrangement, np.array(beats), np.array([bar.onset for bar in spans]))

    def ticks(self, milliseconds: Floats, onsets: Ints) -> Floats:
        """Return times in ticks, by the tempo in force at each onset."""
        tempos = self.arrangement.tempos or (Tempo(0, _QUARTER),)
        at = np.searchsorted([tempo.tick for tempo in tempos], onsets, side="right") - 1
        # before the first tempo mark the first one is as good as any
        quarter = np.array([tempo.microseconds for tempo in tempos])[np.maximum(at, 0)]
        ticks: Floats = milliseconds * 1000 * self.arrangement.ticks_per_beat / quarter
        return ticks

    def accents(self, onsets: Ints) -> Floats:
        """Return what the metre adds to the velocity of a note at each onset."""
        first, other, between = _ACCENTS
        on_beat = np.where(np.isin(onsets, self.beats), other, between)
        return np.where(np.isin(onsets, self.downbeats), first, on_beat)

    def drift(self, rng: np.random.Generator, onsets: Ints) -> Floats:
        """Return a slow wander of standard deviation 1, from beat to beat, at each onset."""
        steps = rng.normal(0, np.sqrt(1 - _KEPT**2), len(self.beats))
        steps[0] = rng.normal()
        for beat in range(1, len(steps)):
            steps[beat] += _KEPT * steps[beat - 1]
        wander: Floats = np.interp(onsets, self.beats, steps)
        return wander


def humanised(
    arrangement: Arrangement, rng: np.random.Generator, amount: float = 1.0
) -> Arrangement:
    """Return the arrangement as players would play it.

    Parameters
    ----------
    arrangement : Arrangement
    rng : numpy.random.Generator
    amount : float
        0 changes nothing, 1 is a careful player; attacks miss by about 9 ms.

    Returns
    -------
    Arrangement
        With the same notes in the same order; no onset is negative, no duration less than a tick,
        and a note that ended before its pitch was struck again still does.

    Raises
    ------
    OptionError
        If `amount` is negative.
    """
    if amount < 0:
        raise OptionError(f"players are human by {amount}: give 0 (exactly as written) or more")
    if not amount or not any(part.notes for part in arrangement.parts):
        return arrangement
    grid = _Grid.of(arrangement)
    return arrangement.with_parts(
        tuple(
            _played(part, grid, rng, amount) if part.notes else part for part in arrangement.parts
        )
    )


def _played(part: Part, grid: _Grid, rng: np.random.Generator, amount: float) -> Part:
    onset, duration, pitch, velocity = np.array(part.notes, dtype=np.int64).T
    new = _moved_onsets(onset, grid, rng, amount)
    end = _ends(onset, onset + duration, pitch, new)
    loud = grid.accents(onset) + _SWELL * grid.drift(rng, onset)
    loud += rng.normal(0, _TOUCH, len(onset))
    new_velocity = np.clip(np.rint(velocity + amount * loud), 1, 127).astype(np.int64)
    columns = (new, np.maximum(end - new, 1), pitch, new_velocity)
    return replace(part, notes=tuple(Note(*row) for row in np.stack(columns, axis=1).tolist()))


def _moved_onsets(onset: Ints, grid: _Grid, rng: np.random.Generator, amount: float) -> Ints:
    """Return the onsets moved, none past half the way to the attack before or after it."""
    attacks, chord = np.unique(onset, return_inverse=True)
    late = _LAG * grid.drift(rng, attacks) + rng.normal(0, _JITTER, len(attacks))
    spread = np.abs(rng.normal(0, _SPREAD, len(onset)))
    # within a chord the higher note comes later, so that a part stays sorted by onset and pitch
    spread = spread[np.lexsort((spread, chord))]
    wanted = onset + np.rint(grid.ticks(amount * (late[chord] + spread), onset)).astype(np.int64)
    gap = (np.diff(attacks) - 1) // 2
    earliest = attacks - np.concatenate([attacks[:1], gap])
    latest = attacks + np.concatenate([gap, [np.iinfo(np.int32).max]])
    return np.clip(wanted, earliest[chord], latest[chord])


def _ends(onset: Ints, end: Ints, pitch: Ints, new: Ints) -> Ints:
    """Return where the notes end: as long as before, but never into their own pitch's next."""
    moved = end + new - onset
    line = np.lexsort((onset, pitch))
    before, after = line[:-1], line[1:]
    apart = (pitch[before] == pitch[after]) & (end[before] <= onset[after])
    apart &= new[before] < new[after]
    moved[before] = np.where(apart, np.minimum(moved[before], new[after]), moved[before])
    return moved
