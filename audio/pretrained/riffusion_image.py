"""Sound as the picture that Riffusion paints, and back.

A mel spectrogram of 5.12 s as an image of 512 x 512: loud is dark, low is at the bottom, and the
fourth root of the magnitude is the darkness. The settings are those Riffusion was trained with, so
what it knows stays of use.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

RATE = 44_100  # Hz
HOP = 441  # samples
WINDOW = 4_410  # samples
FFT = 17_640  # samples; the window padded to four times its length
MELS = 512
HIGHEST = 10_000.0  # Hz
FRAMES = 512  # of one image
POWER = 0.25
BLACK = 1000.0  # magnitude of the darkest pixel; music at -20 dB of full scale peaks at 300 to 700
INVERSE_STEPS = 30
PHASE_STEPS = 32
MOMENTUM = 0.99

_BINS = round(HIGHEST / RATE * FFT) + 1  # those above the highest band are silent
_TINY = 1e-8


def _mel_of(hertz: float) -> float:
    return float(2595 * torch.log10(torch.tensor(1 + hertz / 700, dtype=torch.float64)))


@lru_cache(maxsize=4)
def _filters(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the bands' triangles, sparse [shape=(MELS, _BINS)], and their transpose."""
    bins = torch.arange(_BINS, dtype=torch.float64) * RATE / FFT
    mels = torch.linspace(0, _mel_of(HIGHEST), MELS + 2, dtype=torch.float64)
    edges = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise, fall = (bins - low) / (middle - low), (high - bins) / (high - middle)
    triangles = torch.minimum(rise, fall).clamp(min=0).float().to(device)
    return triangles.to_sparse(), triangles.T.to_sparse()


def spectrogram(samples: Tensor) -> Tensor:
    """Return the magnitude in each band.

    Parameters
    ----------
    samples : tensor [shape=(sample,)]
        At `RATE`.

    Returns
    -------
    tensor [shape=(MELS, 1 + sample // HOP)]
        Frame i is centred on sample i * HOP; band 0 is the lowest.
    """
    bands, _ = _filters(samples.device)
    padded = torch.nn.functional.pad(samples, (WINDOW // 2, WINDOW // 2))
    windows = padded.unfold(0, WINDOW, HOP)
    window = torch.hann_window(WINDOW, device=samples.device)
    # in blocks: the spectra of a whole song would fill the memory
    spectra = (
        torch.fft.rfft(block * window, FFT)[:, :_BINS] for block in torch.split(windows, FRAMES)
    )
    return torch.cat([torch.sparse.mm(bands, spectrum.abs().T) for spectrum in spectra], dim=1)


def to_image(magnitudes: Tensor) -> Tensor:
    """Return magnitudes [shape=(..., MELS, frame)] as pixels in [0, 1], white where it is silent.

    Louder than `BLACK` is black.
    """
    return 1 - (magnitudes / BLACK).clamp(0, 1).pow(POWER).flip(-2)


def from_image(image: Tensor) -> Tensor:
    """Return the magnitudes of pixels: the inverse of `to_image` up to `BLACK`."""
    return (1 - image).clamp(0, 1).flip(-2).pow(1 / POWER) * BLACK


def to_sound(magnitudes: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """Find sound of the given magnitudes in mel bands.

    Parameters
    ----------
    magnitudes : tensor [shape=(MELS, frame)]
    samples : int
        Length of the sound; at most one window beyond the last frame.
    generator : torch.Generator
        Draws the phases that the search starts from, on the CPU.

    Returns
    -------
    tensor [shape=(samples,)]
        At `RATE`.
    """
    blocks = [_linear(block) for block in torch.split(magnitudes, FRAMES, dim=1)]
    # Phases are sought on every fourth bin: the window has no more of its own.
    wanted = torch.cat(blocks, dim=1)[:: FFT // WINDOW]
    silent = wanted.new_zeros(WINDOW // 2 + 1 - len(wanted), wanted.shape[1])
    return _griffin_lim(torch.cat([wanted, silent]), samples, generator)


def _linear(magnitudes: Tensor) -> Tensor:
    """Return the non-negative spectrum whose bands are nearest, by multiplicative updates."""
    bands, back = _filters(magnitudes.device)
    reached: Tensor = torch.sparse.mm(back, magnitudes)
    found = reached.clone()
    for _ in range(INVERSE_STEPS):
        found *= reached / (torch.sparse.mm(back, torch.sparse.mm(bands, found)) + _TINY)
    return found


def _griffin_lim(wanted: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    window = torch.hann_window(WINDOW, device=wanted.device)
    angle = torch.rand(wanted.shape, generator=generator).to(wanted.device) * 2 * torch.pi
    phases = torch.polar(torch.ones_like(wanted), angle)
    before = torch.zeros_like(phases)
    whole = (wanted.shape[1] - 1) * HOP
    for _ in range(PHASE_STEPS):
        sound = torch.istft(wanted * phases, WINDOW, HOP, WINDOW, window, length=whole)
        rebuilt = torch.stft(
            sound, WINDOW, HOP, WINDOW, window, pad_mode="constant", return_complex=True
        )
        # fast Griffin-Lim: a step beyond what was found, in the direction it moved
        ahead = rebuilt - before * (MOMENTUM / (1 + MOMENTUM))
        phases = ahead / (ahead.abs() + _TINY)
        before = rebuilt
    found: Tensor = torch.istft(wanted * phases, WINDOW, HOP, WINDOW, window, length=samples)
    return found
