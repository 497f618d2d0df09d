"""The way from mel spectrogram to sound: laws, and what must survive it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from audio import phase, vocoder
from audio.mel import FFT, FLOOR_DB, HOP, MELS, RATE, filters, log_mel, spectrum
from audio.vocoder import band_powers, magnitudes, to_sound
from benchmarks.vocoder import (
    METRICS,
    mel_distance_db,
    onsets,
    pre_echo_db,
    spectral_convergence_db,
    table,
)
from subtractive.errors import OptionError
from subtractive.synthesis import Strokes

FRAMES = 63  # a second
SAMPLES = (FRAMES - 1) * HOP
TIME = torch.arange(SAMPLES) / RATE


def sine(hz: float, samples: int = SAMPLES) -> Tensor:
    return 0.5 * torch.sin(2 * torch.pi * hz * torch.arange(samples) / RATE)


def plucked(hz: float = 110.0) -> Tensor:
    """Three notes with eight harmonics each, every one struck and dying away."""
    sound = torch.zeros(SAMPLES)
    for place, ratio in enumerate((1, 1.5, 1.25)):
        begin = 2000 + place * 9000
        since = TIME[: SAMPLES - begin]
        for harmonic in range(1, 9):
            wave = torch.sin(2 * torch.pi * hz * ratio * harmonic * since)
            sound[begin:] += 0.2 / harmonic * wave * torch.exp(-5 * since)
    return sound


def struck() -> tuple[Tensor, list[int]]:
    """Four bursts of noise that die away in 20 ms, and where they begin."""
    noise = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(1))
    places = [4000, 11_111, 19_000, 26_000]
    sound = torch.zeros(SAMPLES)
    for begin in places:
        sound[begin:] += 0.3 * noise[begin:] * torch.exp(-TIME[: SAMPLES - begin] / 0.02)
    return sound, places


def test_as_long_as_the_frames_reach_whatever_the_leading_dimensions() -> None:
    mel = log_mel(torch.stack([sine(200), plucked(), sine(900), plucked(220)]))
    one = to_sound(mel, iterations=1)
    assert one.shape == (4, SAMPLES)
    assert to_sound(mel.reshape(2, 2, MELS, -1), iterations=1).shape == (2, 2, SAMPLES)
    assert to_sound(mel[0], iterations=1).shape == (SAMPLES,)


def test_the_same_seed_gives_the_same_sound() -> None:
    mel = log_mel(plucked())
    assert torch.equal(to_sound(mel, seed=3), to_sound(mel, seed=3))
    assert not torch.equal(to_sound(mel, seed=3), to_sound(mel, seed=4))


def test_silence_stays_silence_even_beside_sound() -> None:
    silence = torch.full((MELS, FRAMES), FLOOR_DB)
    assert not to_sound(silence).any()
    sound = torch.cat([torch.zeros(SAMPLES // 2), sine(440, SAMPLES // 2)])
    back = to_sound(log_mel(sound))
    quiet = SAMPLES // 2 - 2 * FFT
    assert back[:quiet].abs().max() < 1e-4


@pytest.mark.parametrize("hz", [82.4, 440.0, 1760.0, 6000.0])
def test_a_tone_keeps_its_pitch_and_level(hz: float) -> None:
    back = to_sound(log_mel(sine(hz)))[FFT:-FFT]
    size = torch.fft.rfft(back * torch.hann_window(len(back)), 8 * len(back)).abs()
    found = float(size.argmax()) * RATE / (8 * len(back))
    # above 1 kHz a band is wider than a semitone's tenth
    assert abs(12 * math.log2(found / hz)) < 0.5
    assert 20 * math.log10(float(back.std()) / (0.5 / math.sqrt(2))) == pytest.approx(0, abs=1.0)


def test_what_is_struck_begins_when_it_did_and_does_not_smear() -> None:
    sound, places = struck()
    back = to_sound(log_mel(sound))
    for begin in places:
        before = back[begin - 960 : begin - 160].square().mean()
        after = back[begin : begin + 960].square().mean()
        assert 10 * math.log10(float(before / after)) < -12
        around = back[begin - 640 : begin + 640].square().cumsum(0)
        rise = int((around > 0.1 * around[-1]).nonzero()[0]) - 640
        assert abs(rise) < 0.004 * RATE


def test_the_spectrogram_comes_back_nearer_with_every_iteration() -> None:
    for sound in (plucked(), struck()[0]):
        mel = log_mel(sound)
        lost = [mel_distance_db(to_sound(mel, iterations=steps), sound) for steps in (0, 4, 16, 64)]
        assert lost == sorted(lost, reverse=True)
        assert lost[2] < 1.5


def test_louder_by_6_db_is_twice_the_sound() -> None:
    mel = log_mel(plucked())
    once, twice = to_sound(mel), to_sound(mel + 20 * math.log10(2))
    audible = (once.square().mean().sqrt(), (twice - 2 * once).square().mean().sqrt())
    assert audible[1] < 0.2 * audible[0]


def test_a_sound_of_the_same_notes_helps_whatever_its_level_and_length() -> None:
    sound = plucked()
    mel = log_mel(sound)
    alone = spectral_convergence_db(to_sound(mel), sound, 2048)
    for like in (sound, sound[: SAMPLES - 300], torch.nn.functional.pad(sound / 9, (0, 5000))):
        assert spectral_convergence_db(to_sound(mel, like=like), sound, 2048) < alone - 1


def test_a_long_sound_is_decided_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    whole = phase.consistent

    def watched(start: Tensor, bands: Tensor, iterations: int, decided: int) -> Tensor:
        seen.append(start.shape[-1])
        return whole(start, bands, iterations, decided)

    monkeypatch.setattr("audio.vocoder.consistent", watched)
    monkeypatch.setattr(vocoder, "_CHUNK", 32)
    mel = log_mel(torch.cat([plucked(), plucked(), plucked()]))
    long = to_sound(mel)
    assert max(seen) <= 32 + vocoder._AHEAD + vocoder._BEFORE
    # what comes later than one looks ahead changes nothing
    short = to_sound(mel[:, : 32 + vocoder._AHEAD + 9])
    same = (32 - 2) * HOP
    assert torch.equal(long[:same], short[:same])
    assert not torch.equal(long[: len(short)], short)


@pytest.mark.parametrize("hz", [110.0, 440.0])
def test_pieces_join_without_a_seam(hz: float, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sine(hz, 6 * SAMPLES)
    mel = log_mel(sound)
    monkeypatch.setattr(vocoder, "_CHUNK", 61)
    back = to_sound(mel)
    middle = back[2 * FFT : -2 * FFT]
    level = middle.square().unfold(0, FFT // 2, FFT // 4).mean(1)
    assert 10 * math.log10(float(level.max() / level.min())) < 3
    bend = (middle[2:] - 2 * middle[1:-1] + middle[:-2]).abs()
    assert bend.max() < 2 * 0.5 * (2 * math.pi * hz / RATE) ** 2 + 0.01


def test_magnitudes_have_the_power_of_the_bands() -> None:
    bands = band_powers(log_mel(plucked()))
    size = magnitudes(bands)
    assert size.shape == (FFT // 2 + 1, FRAMES)
    assert (size >= 0).all()
    audible = bands > 1e-4 * bands.max()
    quotient = 10 * torch.log10((filters() @ size.square())[audible] / bands[audible])
    assert quotient.abs().mean() < 1


def test_a_spectrum_that_fits_its_bands_is_left_alone() -> None:
    power = spectrum(plucked()).abs().square() + 1e-6
    same = phase.scaled_to(filters() @ power, power)
    inside = slice(1, -1)  # the first and the last bin lie in no band
    assert torch.allclose(same[inside], power[inside], rtol=1e-3)


def test_integration_finds_how_a_tone_turns_and_keeps_what_is_decided() -> None:
    true = spectrum(sine(1000.0))[None, :, 2:-2]  # bin 64
    given = torch.zeros(true.shape)
    given[..., :3] = true.angle()[..., :3]
    found = phase.integrated(true.abs(), given, 3)
    assert torch.equal(found[..., :3], given[..., :3])
    off = torch.polar(torch.ones(true.shape), found - true.angle())[0, 63:66, :-1]
    assert (off - 1).abs().max() < 0.1


def test_what_is_no_mel_spectrogram_is_refused() -> None:
    with pytest.raises(OptionError, match="128 bands and at least 2 frames"):
        to_sound(torch.zeros(80, 50))
    with pytest.raises(OptionError, match="128 bands and at least 2 frames"):
        to_sound(torch.zeros(MELS, 1))
    with pytest.raises(OptionError, match="0 or more"):
        to_sound(torch.zeros(MELS, 9), iterations=-1)
    with pytest.raises(OptionError, match="2 sounds cannot lead 1 spectrograms"):
        to_sound(torch.zeros(MELS, 9), like=torch.zeros(2, 4000))


def test_the_measures_tell_a_smeared_stem_from_the_true_one() -> None:
    sound, places = struck()
    when = np.array(places) / RATE
    notes = Strokes(when, when + 0.1, np.full(4, 38), np.full(4, 100))
    smeared = torch.nn.functional.conv1d(
        sound[None, None], torch.ones(1, 1, 1001) / 30, padding=500
    )
    assert spectral_convergence_db(sound, sound, 512) == -80
    assert mel_distance_db(sound, sound) == 0
    assert spectral_convergence_db(2 * sound, sound, 2048) == pytest.approx(0, abs=1e-3)
    assert pre_echo_db(sound.numpy(), notes) == -60
    assert pre_echo_db(smeared[0, 0].numpy(), notes) > -20
    assert np.abs(onsets(sound.numpy()) - when).max() < 0.02


def test_the_table_has_a_row_for_each_way() -> None:
    values: dict[str, float | None] = dict.fromkeys(METRICS, 1.25)
    shown = table({"bass": {"shipped": values, "true": {**values, "pre_echo_db": None}}})
    assert shown.count("\n") == 3
    assert "| true | 1.25 | 1.25 | 1.25 | 1.25 |  | 1.25 |" in shown
