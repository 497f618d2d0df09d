"""What is taken out of a recording and what stays add up to it, however it was found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from librosa.decompose import hpss
from torch import Tensor

from audio import separation
from audio.separation import Separated, exact, in_pieces, separate, separator
from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError, InstrumentError, OptionError
from subtractive.files.sound import default_soundfont
from subtractive.synthesis import SoundFontPlayer, mixed, strokes
from subtractive.waveform import Recording

RATE = 22_050
Samples = npt.NDArray[np.float32]


def power_db(samples: npt.NDArray[np.floating], reference: npt.NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.sum(samples**2) / np.sum(reference**2)))


def strokes_and_tone(seconds: float = 4.0) -> tuple[Samples, Samples]:
    """Four bursts of noise a second, and a chord that is held [shape=(2, sample)]."""
    times = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.3, (2, len(times)))
    bursts = noise * np.exp(-80 * (times % 0.25))
    chord = sum(np.sin(2 * np.pi * frequency * times) for frequency in (220, 277.2, 329.6)) / 10
    return bursts.astype(np.float32), np.stack([chord, 0.5 * chord]).astype(np.float32)


def adds_up(recording: Recording, found: Separated) -> bool:
    return np.array_equal(found.context.samples + found.stem.samples, recording.samples)


estimates = arrays(np.float32, (2, 16), elements=st.floats(-1, 1, width=32))


@pytest.mark.parametrize("bits", [16, 24])
@given(data=st.data(), estimate=estimates)
def test_context_and_stem_add_up_to_what_was_recorded_in_whole_numbers(
    bits: int, data: st.DataObject, estimate: Samples
) -> None:
    highest = 2 ** (bits - 1)
    numbers = data.draw(arrays(np.int64, (2, 16), elements=st.integers(-highest, highest - 1)))
    recording = Recording((numbers / highest).astype(np.float32), RATE)
    found = exact(recording, estimate)
    assert adds_up(recording, found)
    assert np.abs(found.stem.samples - estimate).max() <= 2**-23


@given(samples=arrays(np.float32, (2, 16), elements=st.floats(-4, 4, width=32)), estimate=estimates)
def test_of_any_floating_point_the_sum_is_the_nearest_there_is(
    samples: Samples, estimate: Samples
) -> None:
    context, stem = exact(Recording(samples, RATE), estimate)
    exactly = context.samples.astype(np.float64) + stem.samples.astype(np.float64)
    assert (np.abs(exactly - samples) <= 2**-24 * np.abs(stem.samples)).all()
    between = np.abs(context.samples) <= np.abs(samples)
    assert np.array_equal(exactly[between], samples[between].astype(np.float64))


def test_strokes_go_and_tones_stay() -> None:
    bursts, chord = strokes_and_tone()
    recording = Recording(bursts + chord, RATE)
    context, stem = separate(recording, "drums")
    assert power_db(stem.samples - bursts, bursts) < -10
    assert power_db(context.samples - chord, chord) < -10
    assert context.samples.shape == stem.samples.shape == recording.samples.shape


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_any_rate_and_any_channels(rate: int, channels: int) -> None:
    numbers = np.random.default_rng(rate).integers(-(2**15), 2**15, (channels, rate // 2))
    recording = Recording((numbers / 2**15).astype(np.float32), rate)
    found = separate(recording, "drums")
    assert found.stem.sample_rate == rate
    assert adds_up(recording, found)


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_recordings_shorter_than_a_window(samples: int) -> None:
    recording = Recording(np.full((2, samples), 0.5, np.float32), RATE)
    assert adds_up(recording, separate(recording, "drums"))


def test_separation_is_the_same_at_any_level_and_in_any_order_of_channels() -> None:
    bursts, chord = strokes_and_tone(1.0)
    mix = bursts + chord
    stem = separate(Recording(mix, RATE), "drums").stem.samples
    louder = separate(Recording(4 * mix, RATE), "drums").stem.samples
    turned = separate(Recording(np.ascontiguousarray(mix[::-1]), RATE), "drums").stem.samples
    assert louder == pytest.approx(4 * stem, abs=1e-5)
    assert turned[::-1] == pytest.approx(stem, abs=1e-5)


def test_the_masks_are_those_of_librosa() -> None:
    bursts, chord = strokes_and_tone(1.0)
    mix = (bursts + chord)[:1]
    size, hop = 2048, 512  # 93 ms
    spectrum = librosa.stft(mix[0], n_fft=size, hop_length=hop, pad_mode="constant")
    kernel = (
        separation._odd(separation.HARMONIC_SECONDS * RATE / hop),
        separation._odd(separation.PERCUSSIVE_HZ * size / RATE),
    )
    _, mask = hpss(np.abs(spectrum), kernel_size=kernel, mask=True)
    expected = librosa.istft(spectrum * mask, hop_length=hop, length=mix.shape[1])
    assert separate(Recording(mix, RATE), "drums").stem.samples[0] == pytest.approx(
        expected, abs=1e-4
    )


@settings(max_examples=25)
@given(length=st.integers(0, 400))
def test_pieces_join_to_the_whole(length: int) -> None:
    samples = np.random.default_rng(length).normal(0, 1, (2, length)).astype(np.float32)
    longest = 0

    def seen(piece: Samples) -> Samples:
        nonlocal longest
        longest = max(longest, piece.shape[1])
        return piece

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separation, "PIECE", 64)
        patch.setattr(separation, "MARGIN", 16)
        assert in_pieces(samples, seen) == pytest.approx(samples, abs=1e-5)
    assert longest <= 64 + 2 * 16


def test_a_long_recording_is_separated_as_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    bursts, chord = strokes_and_tone(4.0)
    recording = Recording(bursts + chord, RATE)
    whole = separate(recording, "drums").stem.samples
    monkeypatch.setattr(separation, "PIECE", 2**15)
    monkeypatch.setattr(separation, "MARGIN", 2**13)
    assert separate(recording, "drums").stem.samples == pytest.approx(whole, abs=1e-3)


@pytest.mark.parametrize("instrument", ["bass", "guitar"])
def test_other_instruments_need_more_than_their_shape(instrument: str) -> None:
    recording = Recording(np.zeros((1, 100), np.float32), RATE)
    with pytest.raises(
        InstrumentError, match=rf"drums alone, not a {instrument}: give the weights"
    ):
        separate(recording, instrument)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    recording = Recording(np.zeros((1, 100), np.float32), RATE)
    with pytest.raises(InstrumentError, match="unknown instrument 'flute'"):
        separate(recording, "flute")
    with pytest.raises(OptionError, match="write percussive, or name"):
        separate(recording, "drums", tmp_path / "nowhere")


def test_drums_of_a_played_song_are_weaker_afterwards(song: Arrangement) -> None:
    pytest.importorskip("tinysoundfont")
    player = SoundFontPlayer(default_soundfont(), RATE)
    sounds = [
        player.play(strokes(song, part), part.program, 8 * RATE, is_drums=part.is_drums)
        for part in song.parts
    ]
    drums, music = sounds[3], mixed(sounds[:3])
    context, stem = separate(Recording(drums + music, RATE), "drums")
    assert power_db(context.samples - music, drums) < -3
    assert power_db(stem.samples - drums, music) < -3


# ------------------------------------------------------------------- stems that are given


@pytest.fixture
def mixture(tmp_path: Path) -> Recording:
    """Drums and others in 16 bits; the drums lie in the folder stems/."""
    bursts, chord = strokes_and_tone()
    drums = np.rint(bursts * 2**13) / 2**15
    others = np.rint(chord * 2**13) / 2**15
    (tmp_path / "stems").mkdir()
    for name, samples in (("drums", drums), ("keys", others), ("mixture", drums + others)):
        soundfile.write(tmp_path / "stems" / f"{name}.wav", samples.T, RATE, subtype="PCM_16")
    return Recording((drums + others).astype(np.float32), RATE)


def test_a_given_stem_is_what_is_taken_out(tmp_path: Path, mixture: Recording) -> None:
    keys, _ = soundfile.read(tmp_path / "stems" / "keys.wav", dtype="float32")
    for how in (tmp_path / "stems", str(tmp_path / "stems" / "drums.wav")):
        found = separate(mixture, "drums", how)
        assert adds_up(mixture, found)
        assert np.array_equal(found.context.samples, keys.T)


def test_a_stem_in_several_files_is_their_sum(tmp_path: Path, mixture: Recording) -> None:
    drums, _ = soundfile.read(tmp_path / "stems" / "drums.wav", dtype="int16")
    (tmp_path / "stems" / "drums.wav").unlink()
    half = len(drums) // 2
    for name, part in (
        ("kick", drums[:half]),
        ("Snare 2", np.pad(drums[half:], ((half, 0), (0, 0)))),
    ):
        soundfile.write(tmp_path / "stems" / f"{name}.flac", part, RATE)
    found = separate(mixture, "drums", tmp_path / "stems")
    assert np.array_equal(found.stem.samples, drums.T / np.float32(2**15))


def test_a_stem_at_another_rate_is_found(tmp_path: Path, mixture: Recording) -> None:
    drums, _ = soundfile.read(tmp_path / "stems" / "drums.wav", dtype="float32")
    other = Recording(np.ascontiguousarray(drums.T), RATE).resampled(44_100)
    soundfile.write(tmp_path / "drums44.wav", other.samples.T, 44_100, subtype="FLOAT")
    found = separate(mixture, "drums", tmp_path / "drums44.wav")
    # the strokes reach up to half the lower rate, where filters roll off
    assert power_db(found.stem.samples - drums.T, drums.T) < -10


Change = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda drums: np.roll(drums, -441, axis=0), "20.00 ms later in the recording"),
        (lambda drums: np.roll(drums, 2205, axis=0), "100.00 ms earlier in the recording"),
        (lambda drums: drums / 2, "6.0 dB louder in the recording"),
        (lambda drums: drums * 2, "6.0 dB quieter in the recording"),
        (lambda drums: drums * 0, "is silent"),
        (lambda drums: np.random.default_rng(7).normal(0, 0.1, drums.shape), "is not heard in"),
    ],
)
def test_a_stem_that_is_not_in_the_recording_is_refused(
    tmp_path: Path, mixture: Recording, change: Change, words: str
) -> None:
    drums, _ = soundfile.read(tmp_path / "stems" / "drums.wav")
    soundfile.write(tmp_path / "other.wav", change(drums), RATE, subtype="FLOAT")
    with pytest.raises(OptionError, match=words):
        separate(mixture, "drums", tmp_path / "other.wav")


def test_folders_and_files_without_the_stem(tmp_path: Path, mixture: Recording) -> None:
    with pytest.raises(InstrumentError, match=r"holds neither a stem bass\.wav nor Demucs"):
        separate(mixture, "bass", tmp_path / "stems")
    three = np.zeros((100, 3))
    soundfile.write(tmp_path / "three.wav", three, RATE)
    with pytest.raises(OptionError, match=r"three\.wav has 3 channels, the recording 2"):
        separate(mixture, "drums", tmp_path / "three.wav")
    (tmp_path / "text.wav").write_text("no sound", encoding="utf-8")
    with pytest.raises(FileFormatError, match="is not sound that can be read"):
        separate(mixture, "drums", tmp_path / "text.wav")


# ----------------------------------------------------------------------------------- Demucs


class Shares(torch.nn.Module):
    """A model that gives each source a share of the mix, or what a random filter leaves of it."""

    def __init__(self, sources: list[str], samplerate: int, *, random: bool = False) -> None:
        super().__init__()
        self.sources, self.samplerate, self.audio_channels = sources, samplerate, 2
        weights = torch.zeros(len(sources) * 2, 1, 9)
        weights[:, 0, 4] = torch.arange(1, len(sources) + 1).repeat_interleave(2) / 10
        if random:
            weights = torch.randn(weights.shape, generator=torch.Generator().manual_seed(0))
        self.weights = torch.nn.Parameter(weights)

    def forward(self, mix: Tensor) -> Tensor:
        batch, channels, length = mix.shape
        found = torch.nn.functional.conv1d(
            mix.repeat(1, len(self.sources), 1), self.weights, padding=4, groups=len(self.weights)
        )
        return found.reshape(batch, len(self.sources), channels, length)


def installed(
    monkeypatch: pytest.MonkeyPatch, package: str, model: torch.nn.Module | Exception
) -> list[tuple[str, Any]]:
    """Put a package with the interface of Demucs in place; return what it is asked for."""
    asked: list[tuple[str, Any]] = []

    def get_model(name: str, repo: Path | None = None) -> torch.nn.Module:
        asked.append((name, repo))
        if isinstance(model, Exception):
            raise model
        return model

    def apply_model(
        model: torch.nn.Module, mix: Tensor, shifts: int = 1, split: bool = True, device: Any = None
    ) -> Tensor:
        assert shifts == 0, "random shifts would give another stem each time"
        assert mix.ndim == 3
        assert mix.shape[:2] == (1, 2)
        found: Tensor = model(mix)
        return found

    for name in separation.DEMUCS_PACKAGES:
        for module in (name, f"{name}.apply", f"{name}.pretrained"):
            monkeypatch.setitem(sys.modules, module, None)
    for module, members in (
        (package, {}),
        (f"{package}.apply", {"apply_model": apply_model}),
        (f"{package}.pretrained", {"get_model": get_model}),
    ):
        made = ModuleType(module)
        vars(made).update(members)
        monkeypatch.setitem(sys.modules, module, made)
    return asked


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "955717e8-8726e21a.th").write_bytes(b"")
    (folder / "htdemucs.yaml").write_text("models: ['955717e8']\n", encoding="utf-8")
    return folder


SOURCES = ["drums", "bass", "other", "vocals"]


@pytest.mark.parametrize("package", separation.DEMUCS_PACKAGES)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_demucs_finds_its_share_at_any_level_and_in_any_channels(
    monkeypatch: pytest.MonkeyPatch, weights: Path, package: str, channels: int
) -> None:
    asked = installed(monkeypatch, package, Shares(SOURCES, RATE))
    bursts, _ = strokes_and_tone(1.0)
    mix = np.stack([bursts[0], bursts[1], bursts[0] / 3])[:channels] * np.float32(0.01)
    recording = Recording(mix, RATE)
    bass = separate(recording, "bass", weights)
    assert asked == [("htdemucs", weights)]
    assert bass.stem.samples == pytest.approx(0.2 * mix, abs=1e-5)


def test_demucs_hears_the_recording_at_its_own_rate(
    monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    installed(monkeypatch, "demucs_infer", Shares(SOURCES, 44_100))
    _, chord = strokes_and_tone(1.0)
    recording = Recording(chord, RATE)
    found = separate(recording, "drums", weights)
    assert found.stem.samples.shape == chord.shape
    middle = slice(1000, -1000)
    assert found.stem.samples[:, middle] == pytest.approx(0.1 * chord[:, middle], abs=1e-4)


def test_a_random_model_gives_the_same_stem_each_time(
    monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    installed(monkeypatch, "demucs_infer", Shares(SOURCES, RATE, random=True))
    numbers = np.random.default_rng(1).integers(-(2**12), 2**12, (2, RATE))
    recording = Recording((numbers / 2**15).astype(np.float32), RATE)
    first, second = (separate(recording, "drums", weights) for _ in range(2))
    assert np.array_equal(first.stem.samples, second.stem.samples)
    assert first.stem.samples.any()
    assert adds_up(recording, first)


def test_one_of_several_models_is_named(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    asked = installed(monkeypatch, "demucs_infer", Shares([*SOURCES, "guitar"], RATE))
    (weights / "htdemucs_6s.yaml").write_text("models: ['5c90dfd2']\n", encoding="utf-8")
    with pytest.raises(OptionError, match=r"several models: .*htdemucs\.yaml, htdemucs_6s\.yaml"):
        separator(weights)
    separator(weights / "htdemucs_6s.yaml")
    separator(weights / "955717e8-8726e21a.th")
    assert [name for name, _ in asked] == ["htdemucs_6s", "955717e8"]


def test_what_demucs_cannot_do_is_said(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    recording = Recording(np.zeros((2, 100), np.float32), RATE)
    installed(monkeypatch, "demucs_infer", Shares(SOURCES, RATE))
    with pytest.raises(InstrumentError, match="takes out drums, bass, other, vocals, not guitar"):
        separate(recording, "guitar", weights)
    installed(monkeypatch, "demucs_infer", RuntimeError("Invalid checksum"))
    with pytest.raises(FileFormatError, match=r"that demucs_infer can read \(Invalid checksum\)"):
        separate(recording, "drums", weights)


def test_without_its_package_demucs_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    for name in separation.DEMUCS_PACKAGES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(OptionError, match="pip install demucs-infer, or separate percussively"):
        separator(weights)
