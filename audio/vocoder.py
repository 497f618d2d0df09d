"""From the mel spectrogram back to sound."""

from __future__ import annotations

import torch
from torch import Tensor

from audio.mel import FFT, FLOOR_DB, HOP, MELS, filters, spectrum
from audio.phase import consistent, integrated, scaled_to
from subtractive.errors import OptionError

ITERATIONS = 16
_UPDATES = 16  # of the magnitudes
_CHUNK = 1024  # frames that are decided at once
_AHEAD = 16  # frames beyond them that are tried out
_BEFORE = 8  # frames before them that are decided already


def band_powers(log_mel_db: Tensor) -> Tensor:
    """Return the power of each band; 0 at the floor, so that silence stays silence."""
    return (10 ** (log_mel_db / 10) - 10 ** (FLOOR_DB / 10)).clamp(min=0)


def evenly_spread(bands: Tensor) -> Tensor:
    """Return a power spectrum [shape=(..., FFT // 2 + 1, frame)] with the bands' power, no fine."""
    triangles = filters().to(bands)
    return triangles.T @ (bands / triangles.sum(1, keepdim=True))


def magnitudes(bands: Tensor) -> Tensor:
    """Return magnitudes whose bands have this power: each band's power spread evenly, then scaled.

    Parameters
    ----------
    bands : tensor [shape=(..., MELS, frame)]

    Returns
    -------
    tensor [shape=(..., FFT // 2 + 1, frame)]
        Full scale is 1; exactly 0 where all is silent.
    """
    power = evenly_spread(bands)
    for _ in range(_UPDATES):
        power = scaled_to(bands, power)
    return power.sqrt()


def to_sound(
    log_mel_db: Tensor, *, like: Tensor | None = None, iterations: int | None = None, seed: int = 0
) -> Tensor:
    """Return a sound with this mel spectrogram.

    Parameters
    ----------
    log_mel_db : tensor [shape=(..., MELS, frame)]
        As `audio.mel.log_mel` returns it.
    like : tensor [shape=(..., sample)], optional
        A sound of the same notes, whose phases are the start.
    iterations : int, optional
        More are better and take longer.
    seed : int
        Of the phases at the start.

    Returns
    -------
    tensor [shape=(..., (frame - 1) * HOP)]
        At `audio.mel.RATE`.

    Raises
    ------
    OptionError
        If it is no mel spectrogram of at least two frames.
    """
    if log_mel_db.shape[-2] != MELS or log_mel_db.shape[-1] < 2:
        raise OptionError(
            f"a mel spectrogram has {MELS} bands and at least 2 frames, this one has "
            f"{log_mel_db.shape[-2]} and {log_mel_db.shape[-1]}"
        )
    steps = ITERATIONS if iterations is None else iterations
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
        magnitude = torch.cat([before.abs(), magnitudes(bands[..., known:])], -1)
        if model is None:
            turn = 2 * torch.pi * torch.rand(magnitude.shape, generator=rng).to(flat.device)
            turn[..., :known] = before.angle()
            turn = integrated(magnitude, turn, known)
        else:
            turn = torch.cat([before.angle(), _spectrum_between(model, begin, stop).angle()], -1)
        whole = consistent(torch.polar(magnitude, turn), bands, steps, known)
        whole = whole[..., : known + end - begin]
        piece = torch.istft(whole, FFT, HOP, window=window, length=(whole.shape[-1] - 1) * HOP)
        # the samples around a chunk's last frame also depend on the next one's
        left = max(begin - 2, 0) * HOP
        right = (end - 2) * HOP if end < frames else samples
        sound[:, left:right] = piece[:, left - first * HOP : right - first * HOP]
        before = whole[..., -_BEFORE:]
    gain = window.sum() / 2
    return (sound * gain).reshape(*log_mel_db.shape[:-2], samples)


def _fitted(sound: Tensor, samples: int) -> Tensor:
    """Return a sound cut or continued with silence to a length."""
    return torch.nn.functional.pad(sound, (0, max(0, samples - sound.shape[-1])))[:, :samples]


def _spectrum_between(sound: Tensor, begin: int, stop: int) -> Tensor:
    """Return the spectrum of a sound's frames `begin` to `stop`."""
    first = max(begin - 2, 0)
    piece = sound[:, first * HOP : (stop + 2) * HOP]
    return spectrum(piece)[..., begin - first : stop - first]
