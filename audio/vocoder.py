"""From the mel spectrogram back to sound.

The power of each band is spread over its bins (`magnitudes`), phases are integrated from the
magnitudes, and Griffin-Lim held to the bands makes both consistent (`audio.phase`). Long
spectrograms are decided in chunks, each going on from the decided frames before it.

Measured on 71 stems of 10 s, drums, bass and guitar (`python -m benchmarks.vocoder`; constants
were chosen on some of these stems): spectral convergence -16.4, -11.9 and -11.9 dB, where least
squares and 32 iterations of plain Griffin-Lim have -13.8, -9.6 and -8.3; log-mel spectrograms 0.29,
0.28 and 0.54 dB apart; onset F1 of drums 0.99 at 20 ms; real-time factor 0.07. Before a lonely
stroke of drums the last 30 ms are 22 dB below it (18 by plain Griffin-Lim, 37 in truth; the true
phases under our magnitudes leave 25). With the same notes by another SoundFont as `like`, bass and
guitar come to -16.4 and -15.4 dB, and drums lose 0.7. 32 iterations gain at most 0.2 dB.
"""

from __future__ import annotations

import torch
from torch import Tensor

from audio.mel import FFT, FLOOR_DB, HOP, MELS, filters, spectrum
from audio.phase import consistent, integrated, scaled_to
from subtractive.errors import OptionError

ITERATIONS = 16
_UPDATES = 16  # of the magnitudes
_DOUBT = 0.1  # share of our own guess in magnitudes that are taken from another sound
_CHUNK = 1024  # frames that are decided at once
_AHEAD = 16  # frames beyond them that are tried out
_BEFORE = 8  # frames before them that are decided already


def band_powers(log_mel_db: Tensor) -> Tensor:
    """Return the power of each band; 0 at the floor, so that silence stays silence."""
    return (10 ** (log_mel_db / 10) - 10 ** (FLOOR_DB / 10)).clamp(min=0)


def evenly_spread(bands: Tensor) -> Tensor:
    """Return the power spectrum of noise whose bands are about as strong as these.

    Parameters
    ----------
    bands : tensor [shape=(..., MELS, frame)]

    Returns
    -------
    tensor [shape=(..., FFT // 2 + 1, frame)]
    """
    triangles = filters().to(bands)
    return triangles.T @ (bands / triangles.sum(1, keepdim=True))


def magnitudes(bands: Tensor, like: Tensor | None = None) -> Tensor:
    """Return magnitudes that fit the power of bands.

    Parameters
    ----------
    bands : tensor [shape=(..., MELS, frame)]
    like : tensor [shape=(..., FFT // 2 + 1, frame)], optional
        Power spectrum of a sound whose partials lie where they should; without it the power of a
        band is spread evenly at first.

    Returns
    -------
    tensor [shape=(..., FFT // 2 + 1, frame)]
        Full scale is 1; exactly 0 where all is silent.
    """
    power = evenly_spread(bands)
    if like is not None:
        power = scaled_to(bands, like) + _DOUBT * power
    for _ in range(_UPDATES):
        power = scaled_to(bands, power)
    return power.sqrt()


@torch.no_grad()
def to_sound(
    log_mel_db: Tensor, *, like: Tensor | None = None, iterations: int | None = None, seed: int = 0
) -> Tensor:
    """Return a sound with this mel spectrogram.

    Parameters
    ----------
    log_mel_db : tensor [shape=(..., MELS, frame)]
        As `audio.mel.log_mel` returns it.
    like : tensor [shape=(..., sample)], optional
        The same notes by another instrument: its partials tell how the power of each band is
        spread. It helps what is pitched, and harms drums.
    iterations : int, optional
        Of Griffin-Lim: more are better and take longer. None: `ITERATIONS`.
    seed : int
        Of phases where there is nothing to go by.

    Returns
    -------
    tensor [shape=(..., (frame - 1) * HOP)]
        At `audio.mel.RATE`.

    Raises
    ------
    OptionError
        If it is no mel spectrogram of at least two frames, `like` has other leading dimensions, or
        there are less than 0 iterations.
    """
    steps = ITERATIONS if iterations is None else iterations
    _check(log_mel_db, like, steps)
    frames = log_mel_db.shape[-1]
    samples = (frames - 1) * HOP
    flat = log_mel_db.reshape(-1, MELS, frames).float()
    model = None if like is None else _fitted(like.reshape(-1, like.shape[-1]).float(), samples)
    window = torch.hann_window(FFT, device=flat.device)
    rng = torch.Generator().manual_seed(seed)
    sound = torch.zeros(len(flat), samples, device=flat.device)
    before = torch.zeros(len(flat), FFT // 2 + 1, 0, dtype=torch.complex64, device=flat.device)
    for begin in range(0, frames, _CHUNK):
        end = min(begin + _CHUNK, frames)
        stop = min(end + _AHEAD, frames)
        known = before.shape[-1]
        first = begin - known
        bands = band_powers(flat[..., first:stop])
        other = None if model is None else _power_between(model, first, stop)
        size = magnitudes(bands, other)
        turn = 2 * torch.pi * torch.rand(size.shape, generator=rng).to(flat.device)
        size[..., :known], turn[..., :known] = before.abs(), before.angle()
        start = torch.polar(size, integrated(size, turn, known))
        whole = consistent(start, bands, steps, known)[..., : end - first]
        piece = torch.istft(whole, FFT, HOP, window=window, length=(end - first - 1) * HOP)
        # the samples around a chunk's last frame also depend on the next one's
        left = max(begin - 2, 0) * HOP
        right = (end - 2) * HOP if end < frames else samples
        sound[:, left:right] = piece[:, left - first * HOP : right - first * HOP]
        before = whole[..., -_BEFORE:]
    gain = window.sum() / 2
    return (sound * gain).reshape(*log_mel_db.shape[:-2], samples)


def _check(log_mel_db: Tensor, like: Tensor | None, iterations: int) -> None:
    if log_mel_db.ndim < 2 or log_mel_db.shape[-2] != MELS or log_mel_db.shape[-1] < 2:
        raise OptionError(
            f"a mel spectrogram has {MELS} bands and at least 2 frames: this one is shaped "
            f"{tuple(log_mel_db.shape)}"
        )
    if like is not None and like.shape[:-1] != log_mel_db.shape[:-2]:
        raise OptionError(
            f"{like.shape[:-1].numel()} sounds cannot lead {log_mel_db.shape[:-2].numel()} "
            "spectrograms: give one for each"
        )
    if iterations < 0:
        raise OptionError(f"{iterations} iterations cannot be made: give 0 or more")


def _fitted(sound: Tensor, samples: int) -> Tensor:
    """Return a sound cut or continued with silence to a length."""
    return torch.nn.functional.pad(sound, (0, max(0, samples - sound.shape[-1])))[:, :samples]


def _power_between(sound: Tensor, begin: int, stop: int) -> Tensor:
    """Return the power spectrum of a sound's frames `begin` to `stop`."""
    first = max(begin - 2, 0)
    piece = sound[:, first * HOP : (stop + 2) * HOP]
    return spectrum(piece)[..., begin - first : stop - first].abs().square()
