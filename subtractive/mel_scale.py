"""Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27


def mel_of(hz: Array) -> Array:
    """Return frequencies on Slaney's mel scale (Auditory Toolbox, 1998)."""
    above = _BREAK_HZ / _LINEAR_HZ + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ, above)


def hz_of(mel: Array) -> Array:
    """Return the frequencies in Hz at some places of the mel scale."""
    corner = _BREAK_HZ / _LINEAR_HZ
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, corner) - corner))
    return np.where(mel < corner, mel * _LINEAR_HZ, above)


@lru_cache(maxsize=8)
def mel_filters(rate: int, fft: int, count: int, highest_hz: float, *, same_area: bool) -> Array:
    """Return triangular filters, evenly spread over the mel scale.

    Parameters
    ----------
    rate : int
        In Hz.
    fft : int
        Samples of a window.
    count : int
    highest_hz : float
        The filters reach from 0 Hz up to here.
    same_area : bool
        Of all filters, as Slaney has it: powers per Hz. If not, their peaks are 1 and they add up
        to 1 everywhere: powers of bands, so that a cymbal counts for what it is.

    Returns
    -------
    array [shape=(count, fft // 2 + 1)]
        Not to be written to: it is kept.
    """
    bins = np.arange(fft // 2 + 1) * rate / fft
    edges = hz_of(np.linspace(0, float(mel_of(np.array(highest_hz))), count + 2))
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    filters = np.maximum(triangles, 0) * (2 / (high - low) if same_area else 1)
    filters.flags.writeable = False
    return filters


def centres(count: int, highest_hz: float) -> Array:
    """Return the middles in Hz of bands that are evenly spread up to `highest_hz`."""
    return hz_of(np.linspace(0, float(mel_of(np.array(highest_hz))), count + 2))[1:-1]
