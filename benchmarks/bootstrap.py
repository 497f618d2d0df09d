"""Bootstrap intervals over songs: how sure a mean of a few dozen songs is.

Percentile bootstrap after Efron (1979): songs are drawn with replacement, the statistic is taken of
each draw, and the middle 95 % of the results is the interval. Differences between two writers are
taken song by song first, so that easy and hard songs cancel out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Statistic = Literal["mean", "median"]

RESAMPLES = 10_000


class Interval(NamedTuple):
    """A value and the bounds of its interval."""

    value: float
    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Return whether all of the interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def _draws(count: int, rng: np.random.Generator, resamples: int) -> npt.NDArray[np.int64]:
    return rng.integers(count, size=(resamples, count))


def _bounds(value: float, resampled: Array, level: float) -> Interval:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def interval(
    values: Array,
    rng: np.random.Generator,
    statistic: Statistic = "mean",
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Return the statistic of `values` and its bootstrap interval.

    Parameters
    ----------
    values : array [shape=(song,)]
        One value a song, at least one.
    rng : numpy.random.Generator
    statistic : "mean" or "median"
    resamples : int
    level : float
        Share of the resampled statistics inside the interval.

    Raises
    ------
    ValueError
        If there are no values.
    """
    if len(values) == 0:
        raise ValueError("an interval needs the values of one song at least")
    take = np.mean if statistic == "mean" else np.median
    drawn = values[_draws(len(values), rng, resamples)]
    return _bounds(float(take(values)), take(drawn, axis=1), level)


def bootstrap(
    songs: Array,
    statistic: Callable[[Array], float],
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Return any statistic of rows of songs and its bootstrap interval.

    Parameters
    ----------
    songs : array [shape=(song, column)]
    statistic : callable
        Of such an array.
    rng : numpy.random.Generator
    resamples, level
        As for `interval`.
    """
    draws = _draws(len(songs), rng, resamples)
    resampled = np.array([statistic(songs[drawn]) for drawn in draws])
    return _bounds(statistic(songs), resampled, level)


def gap_closed(
    model: Array,
    floor: Array,
    ceiling: Array,
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Return how much of the way from floor to ceiling the model has gone, by means over songs.

    (mean of model - mean of floor) / (mean of ceiling - mean of floor); the songs of each draw are
    the same for all three.

    Parameters
    ----------
    model, floor, ceiling : array [shape=(song,)]
        One value a song, in the same order of songs, at least one.
    rng : numpy.random.Generator
    resamples, level
        As for `interval`.
    """
    columns = np.stack([model, floor, ceiling], axis=1)
    drawn = columns[_draws(len(columns), rng, resamples)].mean(axis=1)
    whole = columns.mean(axis=0)
    shares = (drawn[:, 0] - drawn[:, 1]) / (drawn[:, 2] - drawn[:, 1])
    return _bounds(float((whole[0] - whole[1]) / (whole[2] - whole[1])), shares, level)
