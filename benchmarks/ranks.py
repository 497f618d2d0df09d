"""Writers ranked by how near they come, and how well a metric tells true parts from wrong ones."""

from __future__ import annotations

import numpy as np

from benchmarks.bootstrap import Array, Interval, bootstrap


def mean_ranks(distances: Array) -> Array:
    """Return each writer's mean rank over the metrics, song by song.

    Rank 1 is nearest; writers at the same distance share the mean of their ranks. A metric that is
    undefined for a song (nan for every writer) is left out of that song's mean.

    Parameters
    ----------
    distances : array [shape=(metric, writer, song)]

    Returns
    -------
    array [shape=(writer, song)]
        1 to the number of writers; nan for a song on which no metric is defined.
    """
    own, other = distances[:, :, None], distances[:, None]
    nearer = (other < own).sum(axis=2)
    alike = (other == own).sum(axis=2)  # itself among them
    ranks = np.where(np.isnan(distances), np.nan, nearer + (alike + 1) / 2)
    defined = np.count_nonzero(~np.isnan(ranks), axis=0)
    total: Array = np.nansum(ranks, axis=0)
    mean: Array = np.divide(total, defined, out=np.full_like(total, np.nan), where=defined > 0)
    return mean


def area_under_curve(true: Array, other: Array) -> float:
    """Return the chance that a true part has the higher value; ties count half.

    The area under the receiver operating characteristic, which is the Mann-Whitney statistic by
    the number of pairs (Hanley & McNeil 1982). 0.5 says that the metric cannot tell the two apart;
    below 0.5 it tells them apart by lower values.

    Parameters
    ----------
    true, other : array [shape=(song,)]
    """
    above = (true[:, None] > other).mean()
    return float(above + (true[:, None] == other).mean() / 2)


def separation(true: Array, other: Array, rng: np.random.Generator) -> Interval:
    """Return the area under the curve with its bootstrap interval over songs.

    Parameters
    ----------
    true, other : array [shape=(song,)]
        In the same order of songs.
    rng : numpy.random.Generator
    """
    both = np.stack([true, other], axis=1)
    return bootstrap(both, lambda drawn: area_under_curve(*drawn.T), rng, resamples=1000)
