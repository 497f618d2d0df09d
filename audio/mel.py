"""The mel spectrogram that models of sound work on.

32 kHz, so that it reaches to 16 kHz, beyond the paper's 10 kHz; windows of 64 ms every 16 ms; 128
bands of Slaney's mel scale whose triangles peak at 1 and add up to 1, so that the power of a band
is the power in it. One channel: where things stand in a room is left to who mixes.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from subtractive.mel_scale import mel_filters

RATE = 32_000  # Hz
FFT = 2048  # samples of a window
HOP = 512  # samples
MELS = 128
FRAMES_PER_SECOND = RATE / HOP
FLOOR_DB = -100.0  # of full scale; what is below counts as silence


@lru_cache(maxsize=1)
def filters() -> Tensor:
    """Return the bands' triangles [shape=(MELS, FFT // 2 + 1)]; not to be written to."""
    return torch.from_numpy(mel_filters(RATE, FFT, MELS, RATE / 2, same_area=False).copy()).float()


def spectrum(samples: Tensor) -> Tensor:
    """Return the complex short-time spectrum, scaled so that a full-scale sine is 0 dB.

    Parameters
    ----------
    samples : tensor [shape=(..., sample)]
        At `RATE`.

    Returns
    -------
    tensor of complex [shape=(..., FFT // 2 + 1, frame)]
        Frame i is centred on sample i * HOP; there are 1 + sample // HOP of them.
    """
    window = torch.hann_window(FFT, device=samples.device)
    flat = samples.reshape(-1, samples.shape[-1])
    found = torch.stft(
        flat, FFT, HOP, window=window, center=True, pad_mode="constant", return_complex=True
    )
    return found.reshape(*samples.shape[:-1], *found.shape[-2:]) * (2 / window.sum())


def log_mel(samples: Tensor) -> Tensor:
    """Return the power of each band in dB of full scale, at least `FLOOR_DB`.

    Parameters
    ----------
    samples : tensor [shape=(..., sample)]
        At `RATE`.

    Returns
    -------
    tensor [shape=(..., MELS, frame)]
    """
    found = spectrum(samples)
    power = filters().to(samples.device) @ (found.real.square() + found.imag.square())
    return 10 * torch.log10(power.clamp(min=10 ** (FLOOR_DB / 10)))
