"""Ways from a mel spectrogram back to sound, for `benchmarks.vocoder`.

A way finds magnitudes (by the pseudo-inverse of the bands' triangles, by non-negative least
squares, by scaling an even spread to the bands, or by scaling the same notes by another SoundFont),
starts from phases (random, by heap integration, or those of the other SoundFont), and improves them
by Griffin-Lim, with the magnitudes held in every bin, or held in the bands alone. The true
magnitudes and the true phases are the ceilings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from audio.mel import FFT, HOP, filters, spectrum
from audio.phase import consistent, integrated
from audio.vocoder import ITERATIONS, band_powers, magnitudes, to_sound
from subtractive.synthesis import Strokes

UPDATES = 16
SEED = 0


class Stem(NamedTuple):
    """A stem that goes through the mel spectrogram.

    Attributes
    ----------
    instrument : str
    notes : Strokes
    samples : tensor [shape=(sample,)]
    like : tensor [shape=(sample,)] or None
        The same notes by another SoundFont.
    """

    instrument: str
    notes: Strokes
    samples: Tensor
    like: Tensor | None


Way = Callable[[Tensor, Stem], Tensor]  # log-mel spectrogram to samples


def pseudo_inverse(bands: Tensor) -> Tensor:
    """Return the magnitudes nearest to the bands' power, whatever is below 0 left out."""
    power: Tensor = torch.linalg.pinv(filters()) @ bands
    return power.clamp(min=0).sqrt()


def least_squares(bands: Tensor) -> Tensor:
    """Return magnitudes by Lee and Seung's multiplicative updates (2001)."""
    triangles = filters()
    wanted = triangles.T @ bands
    power = wanted / triangles.sum(1).mean()
    for _ in range(UPDATES):
        power = power * wanted / (triangles.T @ (triangles @ power) + 1e-20)
    return power.sqrt()


_OF_BANDS: dict[str, Callable[[Tensor], Tensor]] = {
    "pseudo-inverse": pseudo_inverse,
    "least squares": least_squares,
    "scaled": magnitudes,
}


def griffin_lim(start: Tensor, iterations: int) -> Tensor:
    """Return a spectrum of fixed magnitudes after fast Griffin-Lim with momentum 0.99.

    Parameters
    ----------
    start : tensor of complex [shape=(channel, FFT // 2 + 1, frame)]
    iterations : int
    """
    window = torch.hann_window(FFT)
    magnitude, found, last = start.abs(), start, torch.zeros_like(start)
    for _ in range(iterations):
        sound = torch.istft(found, FFT, HOP, window=window)
        now = torch.stft(sound, FFT, HOP, window=window, pad_mode="constant", return_complex=True)
        moved = now + 0.99 * (now - last)
        last = now
        found = torch.polar(magnitude, moved.angle())
    return found


def way(magnitude: str, phase: str, held: str, iterations: int) -> Way:
    """Return a way back to sound, put together of parts.

    Parameters
    ----------
    magnitude : {"pseudo-inverse", "least squares", "scaled", "like", "true"}
    phase : {"random", "heap", "like", "true"}
    held : {"bins", "bands"}
        What Griffin-Lim holds the magnitudes to.
    iterations : int
    """

    def back(log_mel_db: Tensor, stem: Stem) -> Tensor:
        bands = band_powers(log_mel_db)[None]
        true = spectrum(stem.samples)[None]
        if magnitude == "true":
            size = true.abs()
        elif magnitude == "like" and stem.like is not None:
            size = magnitudes(bands, spectrum(stem.like)[None].abs().square())
        else:
            size = _OF_BANDS[magnitude](bands)
        turn = 2 * math.pi * torch.rand(size.shape, generator=torch.Generator().manual_seed(SEED))
        if phase == "heap":
            turn = integrated(size, turn, 0)
        elif phase == "true":
            turn = true.angle()
        elif phase == "like" and stem.like is not None:
            turn = spectrum(stem.like)[None].angle()
        start = torch.polar(size, turn)
        if held == "bands":
            found = consistent(start, bands, iterations, 0)
        else:
            found = griffin_lim(start, iterations)
        window = torch.hann_window(FFT)
        return torch.istft(found[0], FFT, HOP, window=window) * (window.sum() / 2)

    return back


def ways(*, with_like: bool) -> dict[str, Way]:
    """Return the ways that are compared, by name: floors first, ceilings last.

    Parameters
    ----------
    with_like : bool
        Also those that start from the same notes by another SoundFont.
    """
    found = {
        "pseudo-inverse, random phases, 32": way("pseudo-inverse", "random", "bins", 32),
        **{
            f"least squares, random phases, {steps}": way("least squares", "random", "bins", steps)
            for steps in (8, 16, 32)
        },
        "least squares, heap, 0": way("least squares", "heap", "bins", 0),
        "least squares, heap, 16": way("least squares", "heap", "bins", 16),
        "least squares, heap, held to bands, 16": way("least squares", "heap", "bands", 16),
        "scaled, random phases, held to bands, 16": way("scaled", "random", "bands", 16),
    }
    for steps in (8, 16, 32):
        name = f"to_sound (scaled, heap, held to bands), {steps}"
        found[name + (" (default)" if steps == ITERATIONS else "")] = _shipped(steps, like=False)
    if with_like:
        found["scaled, phases of the other, held to bands, 16"] = way("scaled", "like", "bands", 16)
        found["like the other, and its phases, held to bands, 16"] = way(
            "like", "like", "bands", 16
        )
        found["to_sound, like the other, 16"] = _shipped(16, like=True)
    found["scaled, true phases, 0"] = way("scaled", "true", "bins", 0)
    found["true magnitudes, random phases, 32"] = way("true", "random", "bins", 32)
    found["true"] = lambda _, stem: stem.samples
    return found


def _shipped(iterations: int, *, like: bool) -> Way:
    def back(log_mel_db: Tensor, stem: Stem) -> Tensor:
        return to_sound(log_mel_db, like=stem.like if like else None, iterations=iterations)

    return back
