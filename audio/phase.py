"""Phases for magnitudes: phase-gradient heap integration, then Griffin-Lim held to the bands.

How a phase turns from frame to frame and from bin to bin can be read from the magnitudes beside it
(Průša, Balazs and Søndergaard, 2017, for Gaussian windows; here for the Hann window, exactly for a
tone and for an impulse). These slopes are integrated from the loudest bin outwards.

Griffin-Lim usually restores fixed magnitudes after every step. Here only the power of each band is
known, so each step keeps the magnitudes that it finds and scales them to the bands.
"""

from __future__ import annotations

import heapq
import math

import numba
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audio.mel import FFT, HOP, filters

Floats = npt.NDArray[np.float32]

_QUIETEST = 1e-5  # of the loudest magnitude; the phases of what is below may be anything
_MOMENTUM = 0.99
_OVERSHOOT = 1.5  # exponent: scaling converges faster than with 1
_SILENCE = 1e-14  # power; keeps quotients finite


def slopes(magnitude: Tensor) -> tuple[Tensor, Tensor]:
    """Return how the phase moves from frame to frame and from bin to bin, in radians.

    Parameters
    ----------
    magnitude : tensor [shape=(FFT // 2 + 1, frame)]

    Returns
    -------
    along_time : tensor [shape=(FFT // 2 + 1, frame)]
    along_frequency : tensor [shape=(FFT // 2 + 1, frame)]
        As `torch.stft` counts phases, which is from the beginning of each window.
    """
    here = magnitude.clamp(min=1e-9 * float(magnitude.max()) + _SILENCE)
    bins = torch.arange(len(magnitude), device=magnitude.device)
    advance = 2 * math.pi / FFT * ((bins * HOP) % FFT)
    along_time = 2 * math.pi * HOP / FFT * _bins_above(here) + advance[:, None]
    along_frequency = math.pi - 2 * math.pi / FFT * _samples_after(here)
    return along_time, along_frequency


def _bins_above(magnitude: Tensor) -> Tensor:
    """Return how many bins higher than its bin the tone is that each bin belongs to.

    A tone d bins above bin k has magnitudes in the ratios (1 - d) / (2 + d) : 1 : (1 + d) / (2 - d)
    in the bins k - 1, k and k + 1, as long as it is no more than a bin away.
    """
    below, above = torch.zeros_like(magnitude), torch.zeros_like(magnitude)
    below[1:], above[:-1] = magnitude[:-1] / magnitude[1:], magnitude[1:] / magnitude[:-1]
    tilt = above - below
    # 6 d / (4 - d * d) == tilt, solved for d without a quotient of zeros
    near = 4 * tilt / (3 + torch.sqrt(9 + 4 * tilt**2))
    steep = torch.maximum(above, below)
    far = torch.sign(tilt) * (2 * steep - 1) / (1 + steep)
    return torch.where(tilt.abs() > 2, far, near)


def _samples_after(magnitude: Tensor) -> Tensor:
    """Return how many samples after its frame's middle the impulse is that each frame catches.

    With windows a quarter apart an impulse has magnitudes in the ratios cos(x + pi/4)^2 : cos(x)^2
    : cos(x - pi/4)^2 in three frames, where x is pi / FFT times the samples; 0 instead of the first
    or the last where the impulse lies beyond that window.
    """
    root = magnitude.sqrt()
    before, after = torch.zeros_like(root), torch.zeros_like(root)
    before[:, 1:], after[:, :-1] = root[:, :-1], root[:, 1:]
    tangent = (after - before) / (math.sqrt(2) * root)
    beyond = torch.sign(tangent) * (2 * tangent.abs() - 1)
    return FFT / math.pi * torch.atan(torch.where(tangent.abs() > 1, beyond, tangent))


def _spread_out(
    magnitude: Floats, along_time: Floats, along_frequency: Floats, phase: Floats, decided: int
) -> None:
    """Write the phases of all frames but the first `decided`, from the loudest bin outwards."""
    bins, frames = magnitude.shape
    floor = _QUIETEST * magnitude.max()
    known = magnitude <= floor
    known[:, :decided] = True
    queue = [(np.float32(0), 0, 0) for _ in range(0)]
    for here in range(bins):
        if decided > 0 and magnitude[here, decided - 1] > floor:
            heapq.heappush(queue, (-magnitude[here, decided - 1], here, decided - 1))
    loudest = np.argsort(-magnitude.ravel())
    place = 0
    while True:
        if not queue:
            while place < loudest.size and known[loudest[place] // frames, loudest[place] % frames]:
                place += 1
            if place == loudest.size:
                return
            here, now = loudest[place] // frames, loudest[place] % frames
            known[here, now] = True
        else:
            _, here, now = heapq.heappop(queue)
        for step in (-1, 1):
            there = here + step
            if 0 <= there < bins and not known[there, now]:
                slope = 0.5 * (along_frequency[here, now] + along_frequency[there, now])
                phase[there, now] = phase[here, now] + step * slope
                known[there, now] = True
                heapq.heappush(queue, (-magnitude[there, now], there, now))
            then = now + step
            if 0 <= then < frames and not known[here, then]:
                slope = 0.5 * (along_time[here, now] + along_time[here, then])
                phase[here, then] = phase[here, now] + step * slope
                known[here, then] = True
                heapq.heappush(queue, (-magnitude[here, then], here, then))


_integrate = numba.njit(cache=True)(_spread_out)


def integrated(magnitude: Tensor, phase: Tensor, decided: int) -> Tensor:
    """Return phases that fit the magnitudes.

    Parameters
    ----------
    magnitude : tensor [shape=(channel, FFT // 2 + 1, frame)]
    phase : tensor [shape=(channel, FFT // 2 + 1, frame)]
        In radians: those of the first `decided` frames stay, the others only serve where nothing
        can be heard and where islands of sound begin.
    decided : int

    Returns
    -------
    tensor [shape=(channel, FFT // 2 + 1, frame)]
    """
    # one memory layout, so that it is compiled once
    found = phase.cpu().clone(memory_format=torch.contiguous_format)
    for one, turn in zip(magnitude.cpu().contiguous(), found, strict=True):
        along_time, along_frequency = slopes(one)
        _integrate(one.numpy(), along_time.numpy(), along_frequency.numpy(), turn.numpy(), decided)
    return found.to(magnitude.device)


def scaled_to(bands: Tensor, power: Tensor) -> Tensor:
    """Return a power spectrum scaled, bin by bin, towards the power that its bands shall have.

    Parameters
    ----------
    bands : tensor [shape=(..., MELS, frame)]
    power : tensor [shape=(..., FFT // 2 + 1, frame)]
    """
    triangles = filters().to(power)
    quotient = bands / (triangles @ power + _SILENCE)
    # the lowest and the highest bin lie in no band
    mean = (triangles.T @ quotient) / triangles.sum(0).clamp(min=1e-6)[:, None]
    return power * mean**_OVERSHOOT


def consistent(spectrum: Tensor, bands: Tensor, iterations: int, decided: int) -> Tensor:
    """Return a spectrum that is nearly one of a sound and whose bands have the given power.

    Parameters
    ----------
    spectrum : tensor of complex [shape=(channel, FFT // 2 + 1, frame)]
        The start.
    bands : tensor [shape=(channel, MELS, frame)]
        Power.
    iterations : int
    decided : int
        So many frames at the beginning stay as they are.
    """
    window = torch.hann_window(FFT, device=spectrum.device)
    samples = (spectrum.shape[-1] - 1) * HOP
    found, last = spectrum, torch.zeros_like(spectrum)
    for _ in range(iterations):
        sound = torch.istft(found, FFT, HOP, window=window, length=samples)
        now = torch.stft(
            sound, FFT, HOP, window=window, center=True, pad_mode="constant", return_complex=True
        )
        moved = now + _MOMENTUM * (now - last)
        last = now
        magnitude = scaled_to(bands, now.abs() ** 2).sqrt()
        found = magnitude * moved / moved.abs().clamp(min=_SILENCE)
        found[..., :decided] = spectrum[..., :decided]
    return found
