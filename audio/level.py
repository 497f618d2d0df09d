"""How loud a stem stands in a mix: loudness as broadcasters measure it, one rule for each part.

Loudness follows ITU-R BS.1770-4: two filters that weigh frequencies as ears do, mean power in
blocks of 400 ms, and only those blocks that are not much quieter than the rest. So a part that
rests for half of the song is measured while it plays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import lfilter

from subtractive.claims import claims

Samples = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

# Loudness beside everything else, in LU: a bass and a guitar as one player of several, drums as
# loud as all others together, for who asked for them wants to hear them.
BALANCE = {"drums": 0.0, "bass": -5.0, "guitar": -6.0}
# What words add to it, in dB; of several the strongest counts.
_SOFTER = {"soft": -4.0, "gentle": -4.0, "mellow": -2.0, "laid_back": -1.0}
_LOUDER = {"loud": 3.0, "aggressive": 3.0, "driving": 1.5, "energetic": 1.5, "punchy": 1.5}
VELOCITY_PER_DB = 3.0  # soft strokes sound darker, too: a level alone does not make them soft
SILENT_MIX_LUFS = -20.0  # beside which a stem for a silent mix is set

# BS.1770's two filters as second-order sections: a head's shelf, and a high-pass
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_PASS_HZ, _PASS_Q = 38.13547087602444, 0.5003270373238773
_SHELF_SLOPE = 0.4996667741545416  # the exponent of the shelf's gain at its corner
_BLOCK, _STEP = 0.4, 0.1  # seconds
_REACH = 0.01  # seconds around a peak that are turned down with it
_QUIET_DB, _USUAL, _ABOVE_DB = 30.0, 0.95, 3.0
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0  # LUFS, LU
_OFFSET = -0.691  # so that a full-scale sine of 1 kHz in one channel is -3.01 LUFS


def loudness(samples: Samples, sample_rate: int) -> float:
    """Return the gated loudness of some sound.

    Parameters
    ----------
    samples : array [shape=(channel, sample)]
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        In LUFS; minus infinity for silence.
    """
    power = np.zeros(samples.shape[-1])
    for channel in np.atleast_2d(samples):
        power += _weighted(channel.astype(np.float64), sample_rate) ** 2
    step, count = round(_STEP * sample_rate), round(_BLOCK / _STEP)
    steps = np.pad(power, (0, -len(power) % step)).reshape(-1, step).sum(axis=1)
    # a sound shorter than a block is one block
    steps = np.pad(steps, (0, max(0, count - len(steps))))
    seconds = min(_BLOCK, max(len(power), 1) / sample_rate)
    blocks = np.convolve(steps, np.ones(count), mode="valid") / (seconds * sample_rate)
    heard = blocks[_lufs(blocks) > _ABSOLUTE_GATE]
    if not len(heard):
        return -np.inf
    heard = heard[_lufs(heard) > _lufs(heard.mean()) + _RELATIVE_GATE]
    return float(_lufs(heard.mean()))


def _lufs(power: npt.ArrayLike) -> Array:
    return np.asarray(_OFFSET + 10 * np.log10(np.maximum(power, 1e-20)))


def _weighted(channel: Array, sample_rate: int) -> Array:
    """Return one channel through both filters, laid out anew for its sample rate."""
    k = np.tan(np.pi * _SHELF_HZ / sample_rate)
    high = 10 ** (_SHELF_DB / 20)
    middle = high**_SHELF_SLOPE
    shelf = [high + middle * k / _SHELF_Q + k * k, 2 * (k * k - high)]
    shelf.append(high - middle * k / _SHELF_Q + k * k)
    shelved = lfilter(np.array(shelf) / _pole(k, _SHELF_Q)[1], _pole(k, _SHELF_Q)[0], channel)
    k = np.tan(np.pi * _PASS_HZ / sample_rate)
    return np.asarray(lfilter([1.0, -2.0, 1.0], _pole(k, _PASS_Q)[0], shelved))


def _pole(k: float, q: float) -> tuple[Array, float]:
    """Return the denominator of a section, beginning with 1, and what it was divided by."""
    whole = 1 + k / q + k * k
    return np.array([1.0, 2 * (k * k - 1) / whole, (1 - k / q + k * k) / whole]), whole


def wished_db(words: str) -> float:
    """Return by how many dB louder words ask a part to be; below 0: softer."""
    stated = claims(words).stated
    softer = min((_SOFTER[term] for term in stated & _SOFTER.keys()), default=0.0)
    louder = max((_LOUDER[term] for term in stated & _LOUDER.keys()), default=0.0)
    return softer + louder


def limited(stem: Samples, sample_rate: int) -> Samples:
    """Return a stem without the few peaks that stand out of all others.

    One stroke that is far louder than the rest would decide how loud the whole stem may be. What
    is more than 3 dB above the 95th percentile of the peaks is turned down, within 10 ms and on all
    channels alike.

    Parameters
    ----------
    stem : array [shape=(channel, sample)]
    sample_rate : int
        In Hz.
    """
    block = max(1, round(_REACH * sample_rate))
    size = np.abs(stem).max(axis=0)
    peaks = np.pad(size, (0, -len(size) % block)).reshape(-1, block).max(axis=1)
    heard = peaks[peaks > peaks.max(initial=0) * 10 ** (-_QUIET_DB / 20)]
    if not len(heard):
        return stem
    ceiling = float(np.quantile(heard, _USUAL)) * 10 ** (_ABOVE_DB / 20)
    gain = ceiling / np.maximum(maximum_filter1d(size, 2 * block + 1), ceiling)
    return np.asarray(stem * uniform_filter1d(gain, 2 * block + 1), dtype=np.float32)


def levelled(
    stem: Samples, mix: Samples, sample_rate: int, instrument: str, words: str = ""
) -> Samples:
    """Return a stem as loud as it should be beside a mix.

    Parameters
    ----------
    stem, mix : arrays [shape=(channel, sample)]
    sample_rate : int
        In Hz.
    instrument : str
    words : str
        May ask for more or less than usual.

    Returns
    -------
    array [shape=(channel, sample)]
        A silent stem stays silent.
    """
    stem = limited(stem, sample_rate)
    its_own = loudness(stem, sample_rate)
    if its_own == -np.inf:
        return stem
    beside = loudness(mix, sample_rate)
    if beside == -np.inf:
        beside = SILENT_MIX_LUFS
    gain_db = beside + BALANCE[instrument] + wished_db(words) - its_own
    return np.asarray(stem * np.float32(10 ** (gain_db / 20)))
