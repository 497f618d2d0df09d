"""How large an engine grows: one stem of a window's length, made in a fresh process."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.speed import time_command

_ONE_STEM = """
import sys
import numpy as np
from audio.beats import BeatGrid
from audio.engine import StemRequest
from audio.engines import engine
from subtractive.waveform import Recording
rate, seconds = 44100, 10.24
t = np.arange(round(rate * seconds)) / rate
chord = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 277.2, 329.6)) * np.exp(-4 * (t % 0.5))
mix = Recording(np.stack([chord, chord]).astype(np.float32) * 0.05, rate)
engine(sys.argv[1])[1].stem(StemRequest(mix, sys.argv[2], grid=BeatGrid.steady(120, 0, seconds)))
"""


def footprints(engines: Sequence[str], instrument: str) -> dict[str, dict[str, float]]:
    """Return for each engine what one stem of 10.24 s takes from a cold start.

    Returns
    -------
    dict
        By engine: "megabytes" at the peak, and "seconds" with loading.
    """
    found = {}
    for name in engines:
        timing = time_command([sys.executable, "-c", _ONE_STEM, name, instrument], 0)
        found[name] = {
            "megabytes": round(timing.peak_mb, 1),
            "seconds": round(timing.seconds, 2),
        }
    return found
