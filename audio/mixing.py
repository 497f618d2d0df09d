"""A stem into a mix: level, room, rounding, so that out minus stem is the mix, sample for sample.

The mix is never altered. The stem is rounded to what the mix's file can store, and where the two
together would be beyond full scale the stem gives way: it is turned down as a whole by up to 6 dB
if that is enough. If not, its peaks are cut off, and it is turned down until what they lose is 40
dB below it, or not much more than it loses at any level because the mix alone is at full scale.

For PCM the sum is one of integers. For floating point the written sum is rounded to the mix's own
width, and the stem is what lies between the two: in 32 bits if they hold it, else in 64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.files.recordings import BITS, FLOATS, StoredSound
from subtractive.waveform import Recording, Samples

Floats = npt.NDArray[np.float64]

MOST_DB = 6  # that a stem is turned down by to spare its peaks
LOWEST_DB = 24  # and in all
AROUND = np.float32(0.7)  # how loud each further channel is in either of the first pair
LOST = 1e-4  # of the stem's energy may be cut off
BLOCK = 1 << 18  # samples that are worked on at a time


class Insertion(NamedTuple):
    """A mix with its new stem.

    Attributes
    ----------
    out, stem : StoredSound
    turned_down_db : float
        By how much the stem was turned down to stay within full scale; 0 mostly.
    yielded : int
        Samples in which it gives way besides.
    inexact : int
        Samples of floating point so much smaller than the stem's that no number has the digits of
        both: there out minus stem is off by the 53rd bit of the stem. In a mix of 32 bits these are
        168 dB below the stem, but not silent.
    """

    out: StoredSound
    stem: StoredSound
    turned_down_db: float
    yielded: int
    inexact: int


def in_pair(mix: Recording) -> Recording:
    """Return a mix in two channels at most: those beyond the first pair are heard in both."""
    if len(mix.samples) <= 2:
        return mix
    around = mix.samples[2:].sum(axis=0, dtype=np.float32) * AROUND
    return Recording(mix.samples[:2] + around, mix.sample_rate)


def in_channels(stem: Samples, channels: int) -> Samples:
    """Return a stem of two channels in as many as the mix has [shape=(channels, sample)].

    One channel is their mean; of more than two the first pair plays it, front left and right.
    """
    if channels == 1:
        return np.asarray(stem.mean(axis=0, keepdims=True, dtype=np.float32))
    silence = np.zeros((channels - 2, stem.shape[1]), np.float32)
    return np.concatenate([stem, silence])


def without(mix: StoredSound, stem: Samples) -> StoredSound:
    """Return the mix minus a stem that was found in it [shape=(channel, sample)]."""
    low, high = _limits(mix)
    kept = np.empty_like(mix.numbers)
    for where in _blocks(mix):
        rounded = np.rint(stem[:, where].astype(np.float64) / mix.step) * mix.step
        kept[:, where] = mix.stored(np.clip(mix.scaled(where) - rounded, low, high))
    return replace(mix, numbers=kept)


def insert(mix: StoredSound, stem: Samples) -> Insertion:
    """Add a stem to a mix.

    Parameters
    ----------
    mix : StoredSound
    stem : array of float32 [shape=(channel, sample)]
        With the mix's channels and length; peaks may be beyond full scale.

    Returns
    -------
    Insertion
        ``out - stem == mix`` in the numbers of the files.
    """
    limits = _limits(mix)
    gain = _gain(mix, stem, limits)
    sums, added, yielded = np.empty_like(mix.numbers), np.empty_like(mix.numbers), 0
    for where in _blocks(mix):
        here = mix.scaled(where)
        wanted = np.rint(stem[:, where].astype(np.float64) * (gain / mix.step)) * mix.step
        fitted = np.clip(wanted, *_room(here, limits))
        yielded += int(np.count_nonzero(fitted != wanted))
        sums[:, where] = mix.stored(here + fitted)
        added[:, where] = mix.stored(fitted)
    out, new = replace(mix, numbers=sums), replace(mix, numbers=added)
    turned_down = float(20 * np.log10(1 / gain))
    if mix.subtype in BITS:
        return Insertion(out, new, turned_down, yielded, 0)
    # what the rounding of the sum took or gave is the stem's
    new, inexact = _between(mix, out, mix.subtype)
    if inexact:
        new, inexact = _between(mix, out, "DOUBLE")
    return Insertion(out, new, turned_down, yielded, inexact)


def _between(mix: StoredSound, out: StoredSound, subtype: str) -> tuple[StoredSound, int]:
    """Return out minus mix in floating point, and in how many samples it is not quite that."""
    added, inexact = np.empty(mix.numbers.shape, FLOATS[subtype]), 0
    for where in _blocks(mix):
        added[:, where] = out.scaled(where) - mix.scaled(where)
        back = out.scaled(where) - added[:, where]
        inexact += int(np.count_nonzero(back != mix.numbers[:, where]))
    return replace(mix, numbers=added, subtype=subtype), inexact


def _blocks(mix: StoredSound) -> Iterator[slice]:
    samples = mix.numbers.shape[1]
    return (slice(start, start + BLOCK) for start in range(0, samples, BLOCK))


def _limits(mix: StoredSound) -> tuple[float, float]:
    """Return the lowest and highest sample; a mix of floating point may be beyond full scale."""
    if mix.subtype in BITS:
        return -1.0, 1.0 - mix.step
    peak = max(1.0, float(mix.numbers.max()), -float(mix.numbers.min()))
    return -peak, peak


def _room(mix: Floats, limits: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return how low and how high a stem can go beside a stretch of the mix."""
    low, high = limits
    return np.maximum(low, low - mix), np.minimum(high, high - mix)


def _gain(mix: StoredSound, stem: Samples, limits: tuple[float, float]) -> float:
    """Return what the stem is to be multiplied with."""
    crowded, rooms, energy = [], [], 0.0
    for where in _blocks(mix):
        wanted = stem[:, where].astype(np.float64)
        floor, ceiling = _room(mix.scaled(where), limits)
        tight = (wanted > ceiling) | (wanted < floor)
        crowded.append(np.abs(wanted[tight]))
        rooms.append(np.abs(np.where(wanted > 0, ceiling, floor)[tight]))
        energy += float(np.sum(wanted**2))
    peaks, room = np.concatenate(crowded), np.concatenate(rooms)
    gain = float((room / peaks).min(initial=1.0))
    if gain >= 10 ** (-MOST_DB / 20):
        return gain

    def lost(decibels: int) -> float:
        """Return the share of the stem's energy that is cut off."""
        tried = 10 ** (-decibels / 20)
        return float(np.sum(np.maximum(peaks - room / tried, 0) ** 2)) / energy

    # where the mix alone is at full scale, no level is low enough
    bound = LOST + 2 * lost(LOWEST_DB)
    chosen = next(level for level in range(MOST_DB, LOWEST_DB + 1) if lost(level) <= bound)
    return float(10 ** (-chosen / 20))
