"""What every way to make a stem is asked, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from audio.beats import BeatGrid
from subtractive.synthesis import Strokes
from subtractive.waveform import Recording

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class StemRequest:
    """Which stem to make, and for which mix.

    Attributes
    ----------
    mix : Recording
        The music without the instrument.
    instrument : str
        One of `subtractive.instruments.INSTRUMENTS`.
    words : str
        How the stem should be, such as "Add rock drums with punchy beats"; may be empty.
    seed : int
        The same request and seed give the same stem.
    grid : BeatGrid or None
        The beats where they are known; None: tracked in the mix.
    notes : Strokes or None
        What the stem shall play; None: an engine that is led by notes writes them itself.
    steps : int or None
        Of diffusion; more take longer. None: the default.
    guidance : float or None
        How strictly words and mix are followed by diffusion; None: the default.
    """

    mix: Recording
    instrument: str
    words: str = ""
    seed: int = 0
    grid: BeatGrid | None = None
    notes: Strokes | None = None
    steps: int | None = None
    guidance: float | None = None


class Engine(Protocol):
    """A way to make a stem."""

    def stem(self, request: StemRequest, report: Callable[[float], None] | None = None) -> Samples:
        """Make the stem.

        Parameters
        ----------
        request : StemRequest
        report : callable, optional
            Called now and then with the share of the work that is done, 0 to 1.

        Returns
        -------
        array [shape=(2, sample)]
            At the mix's sample rate and as long as the mix, its loudness as a mixing engineer would
            set it beside the mix. A peak may be beyond full scale.

        Raises
        ------
        MusicError
            If the stem cannot be made of what was given.
        """
