"""Sound as energy over time and pitch: what all metrics of sound but one are taken from.

A spectrogram forgets phase. That is wanted: a system that makes its sound from spectrograms keeps
no phase, and nobody hears that it didn't.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from subtractive.mel_scale import mel_filters

Array = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complexfloating]

RATE = 44_100  # Hz, of everything that is compared
FFT = 2048  # 46 ms
HOP = 441  # 10 ms
FRAMES_PER_SECOND = RATE / HOP
MELS = 128
HIGHEST_HZ = 16_000.0  # few adults hear more, and many systems stop here


def validate(samples: npt.NDArray[np.floating]) -> None:
    """Check that an array is sound.

    Raises
    ------
    ValueError
        If its shape isn't (channel, sample), it holds no sample, or a sample is no finite number.
    """
    if samples.ndim != 2 or 0 in samples.shape:
        raise ValueError(f"sound has shape (channel, sample), not {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("the sound holds samples that are no finite number")


def stft(samples: npt.NDArray[np.floating], fft: int = FFT, hop: int = HOP) -> Complex:
    """Return the short-time Fourier transform with a Hann window, frames centred on their time.

    Parameters
    ----------
    samples : array [shape=(channel, sample)]
        Silence is put before and after.
    fft, hop : int
        In samples.

    Returns
    -------
    array of complex [shape=(channel, frame, fft // 2 + 1)]
        Frame i is centred on sample i * hop; there are 1 + sample // hop of them. In the precision
        of `samples`.
    """
    around = np.pad(samples, ((0, 0), (fft // 2, fft // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(around, fft, axis=1)[:, ::hop]
    return np.fft.rfft(frames * _hann(fft).astype(samples.dtype), axis=2)


def istft(spectrum: Complex, length: int, fft: int = FFT, hop: int = HOP) -> Array:
    """Return the sound whose `stft` is nearest to `spectrum` (Griffin & Lim 1984, equation 6).

    Parameters
    ----------
    spectrum : array of complex [shape=(channel, frame, fft // 2 + 1)]
    length : int
        In samples.
    fft, hop : int
        In samples.

    Returns
    -------
    array [shape=(channel, sample)]
    """
    window = _hann(fft)
    pieces = np.fft.irfft(spectrum, fft, axis=2) * window
    whole = np.zeros((len(spectrum), fft + hop * (spectrum.shape[1] - 1)))
    weight = np.zeros(whole.shape[1])
    for frame in range(spectrum.shape[1]):
        start = frame * hop
        whole[:, start : start + fft] += pieces[:, frame]
        weight[start : start + fft] += window**2
    whole /= np.maximum(weight, 1e-8)
    return whole[:, fft // 2 : fft // 2 + length]


def _hann(length: int) -> Array:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def mel_power(samples: npt.NDArray[np.floating], highest_hz: float = HIGHEST_HZ) -> Array:
    """Return the mel spectrogram of a sound at `RATE`, the mean of its channels' powers.

    Powers are averaged, not samples: what differs between channels must not cancel out.

    Parameters
    ----------
    samples : array [shape=(channel, sample)]
    highest_hz : float
        Where the highest band ends.

    Returns
    -------
    array [shape=(frame, MELS)]
        100 frames a second.
    """
    power = np.mean(np.abs(stft(samples)) ** 2, axis=0)
    return np.asarray(power @ mel_filters(RATE, FFT, MELS, highest_hz, same_area=False).T)


def decibels(power: Array, loudest: float, floor_db: float) -> Array:
    """Return powers in dB below `loudest`, no less than `-floor_db`; all of it if that is 0."""
    if loudest <= 0:
        return np.full_like(power, -floor_db)
    return np.asarray(10 * np.log10(np.maximum(power / loudest, 10 ** (-floor_db / 10))))
