"""Riffusion's picture of sound: bands, pixels, and the way back."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from audio.pretrained import riffusion_image as images


def sine(hertz: float, seconds: float = 1.0) -> torch.Tensor:
    time = torch.arange(round(seconds * images.RATE), dtype=torch.float64) / images.RATE
    return (0.1 * torch.sin(2 * math.pi * hertz * time)).float()


@given(some.floats(1000, 9900))
def test_a_sine_lights_the_band_of_its_pitch(hertz: float) -> None:
    mels = images.spectrogram(sine(hertz, 0.3))
    loudest = int(mels[:, mels.shape[1] // 2].argmax())
    mel = 2595 * math.log10(1 + hertz / 700)
    top = 2595 * math.log10(1 + 10_000 / 700)
    # band i is centred on the (i + 1)th of 513 equal steps
    assert abs(loudest - (mel / top * 513 - 1)) <= 2


def test_bands_tile_the_spectrum_from_the_first_to_the_last_centre() -> None:
    bands, _ = images._filters(torch.device("cpu"))
    total = bands.to_dense().sum(0)
    hertz = torch.arange(len(total)) * images.RATE / images.FFT
    step = 2595 * math.log10(1 + 10_000 / 700) / 513
    inside = (hertz >= 700 * (10 ** (step / 2595) - 1)) & (
        hertz <= 700 * (10 ** (512 * step / 2595) - 1)
    )
    assert torch.allclose(total[inside], torch.ones(int(inside.sum())), atol=1e-4)


def test_pixels_hold_magnitudes_up_to_black_and_low_is_at_the_bottom() -> None:
    magnitudes = torch.rand(images.MELS, 7, generator=torch.Generator().manual_seed(0)) * 900
    image = images.to_image(magnitudes)
    assert torch.allclose(images.from_image(image), magnitudes, rtol=1e-3, atol=1e-2)
    assert image.min() >= 0 and image.max() <= 1
    low = torch.zeros(images.MELS, 1)
    low[0] = images.BLACK
    assert images.to_image(low)[-1] == 0 and images.to_image(low)[:-1].min() == 1
    assert images.to_image(low * 5).min() == 0


def test_a_full_window_is_512_pixels_wide() -> None:
    assert images.spectrogram(torch.zeros(511 * images.HOP)).shape == (512, images.FRAMES)


def test_sound_comes_back_from_its_picture() -> None:
    noise = torch.randn(images.RATE // 2, generator=torch.Generator().manual_seed(3))
    decay = torch.exp(-torch.arange(images.RATE // 2) / 3000)
    sound = sine(330, 0.5) + 0.3 * noise * decay
    wanted = images.spectrogram(sound)
    found = images.to_sound(wanted, len(sound), torch.Generator().manual_seed(0))
    assert found.shape == sound.shape
    error = (images.spectrogram(found) - wanted).norm() / wanted.norm()
    assert 20 * torch.log10(error) < -15  # dB
    again = images.to_sound(wanted, len(sound), torch.Generator().manual_seed(0))
    assert torch.equal(found, again)


def test_the_inverse_of_the_bands_is_no_negative_and_leads_back_to_them() -> None:
    mels = images.spectrogram(sine(440, 0.2) + sine(2000, 0.2))
    linear = images._linear(mels)
    bands, _ = images._filters(mels.device)
    assert linear.min() >= 0
    assert (torch.sparse.mm(bands, linear) - mels).norm() < 5e-3 * mels.norm()


def test_silence_stays_silent() -> None:
    mels = images.spectrogram(torch.zeros(10_000))
    assert images.to_image(mels).min() == 1
    assert images.to_sound(mels, 10_000, torch.Generator()).abs().max() == pytest.approx(0)
