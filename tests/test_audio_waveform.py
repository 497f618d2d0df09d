"""The law, for sound: add(subtract(mix, instruction)) == mix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.errors import InstrumentError, OptionError
from subtractive.example import add, subtract
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS
from subtractive.waveform import AudioMix, Recording, Stem

RATE = 8000
SAMPLES = 64

instruments = st.sampled_from([*INSTRUMENTS, "other"])


def noise(seed: int, channels: int = 2, samples: int = SAMPLES) -> Recording:
    rng = np.random.default_rng(seed)
    return Recording(rng.normal(0, 0.2, (channels, samples)).astype(np.float32), RATE)


@st.composite
def mixes(draw: st.DrawFn) -> AudioMix:
    named = draw(st.lists(instruments, max_size=6))
    seeds = [draw(st.integers(0, 2)) for _ in named]
    stems = [
        Stem(f"stem {seed}", name, noise(seed)) for name, seed in zip(named, seeds, strict=True)
    ]
    return AudioMix(RATE, (2, SAMPLES), tuple(stems))


@settings(max_examples=30)
@given(mixes(), st.sampled_from(INSTRUMENTS))
def test_what_is_subtracted_and_added_is_the_mix(mix: AudioMix, name: str) -> None:
    example = subtract(mix, Instruction(name))
    assert all(stem.instrument != name for stem in example.context.stems)
    assert all(placed.stem.instrument == name for placed in example.target)
    assert len(example.context.stems) + len(example.target) == len(mix.stems)
    assert add(example) == mix
    assert add(example).sound == mix.sound


@settings(max_examples=30)
@given(mixes(), st.permutations(INSTRUMENTS))
def test_instruments_are_put_back_one_after_the_other(mix: AudioMix, names: list[str]) -> None:
    examples = []
    context = mix
    for name in names:
        examples.append(subtract(context, Instruction(name)))
        context = examples[-1].context
    for example in examples[::-1]:
        context = add(example)
    assert context == mix


@settings(max_examples=30)
@given(mixes(), st.sampled_from(INSTRUMENTS))
def test_context_and_stems_sound_as_the_mix(mix: AudioMix, name: str) -> None:
    context, stems = mix.split(name)
    total = context.sound.samples.astype(np.float64)
    for placed in stems:
        total += placed.stem.recording.samples
    assert np.abs(total - mix.sound.samples).max(initial=0) < 1e-6


def test_one_sample_makes_another_mix() -> None:
    mix = AudioMix.of([Stem("Kit", "drums", noise(1)), Stem("Bass", "bass", noise(2))])
    samples = noise(1).samples.copy()
    samples[1, 17] += np.float32(1e-6)
    other = AudioMix.of([Stem("Kit", "drums", Recording(samples, RATE)), mix.stems[1]])
    assert mix != other
    assert mix == AudioMix.of([Stem("Kit", "drums", noise(1)), Stem("Bass", "bass", noise(2))])
    assert hash(noise(1)) == hash(noise(1))
    assert noise(1) != Recording(noise(1).samples, 2 * RATE)


def test_stems_that_do_not_fit_are_refused() -> None:
    kit = Stem("Kit", "drums", noise(1))
    slow = Stem("Bass", "bass", Recording(noise(2).samples, 2 * RATE))
    with pytest.raises(OptionError, match=r"'Bass' is at 16000 Hz, the mix at 8000 Hz"):
        AudioMix.of([kit, slow])
    with pytest.raises(OptionError, match="one length"):
        AudioMix.of([kit, Stem("Bass", "bass", noise(2, samples=SAMPLES + 1))])
    with pytest.raises(InstrumentError, match="at least one stem"):
        AudioMix.of([])
    with pytest.raises(InstrumentError, match="unknown instrument 'kazoo'"):
        subtract(AudioMix.of([kit]), Instruction("kazoo"))


@pytest.mark.parametrize("samples", [np.zeros(5, np.float32), np.zeros((2, 5)), np.zeros((0, 5))])
def test_a_recording_is_float32_with_channels(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="channel, sample"):
        Recording(samples, RATE)


@settings(max_examples=30)
@given(
    st.sampled_from([8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000]),
    st.sampled_from([8000, 22_050, 32_000, 44_100, 48_000]),
    st.integers(1, 3),
)
def test_another_rate_keeps_a_tone(rate: int, other: int, channels: int) -> None:
    hertz, length = 440.0, round(0.5 * rate) + 7
    times = np.arange(length) / rate
    tone = np.tile(np.sin(2 * np.pi * hertz * times), (channels, 1)).astype(np.float32)
    moved = Recording(tone, rate).resampled(other)
    assert moved.sample_rate == other
    assert moved.samples.shape == (channels, round(length * other / rate))
    expected = np.sin(2 * np.pi * hertz * np.arange(moved.samples.shape[1]) / other)
    inside = slice(other // 20, -other // 20)
    assert np.abs(moved.samples[:, inside] - expected[inside]).max() < 2e-3


@settings(max_examples=30)
@given(st.floats(-1, 2), st.floats(-1, 2))
def test_a_cut_lies_within_the_recording(start: float, stop: float) -> None:
    whole = noise(3, samples=RATE)
    piece = whole.cut(start, stop)
    low = max(0, round(start * RATE))
    expected = whole.samples[:, low : max(low, round(stop * RATE), 0)]
    assert np.array_equal(piece.samples, expected)
    assert piece.seconds <= whole.seconds


def test_cuts_side_by_side_are_the_whole() -> None:
    whole = noise(4, samples=1000)
    pieces = [whole.cut(a, b).samples for a, b in [(0, 0.03), (0.03, 0.1), (0.1, 9)]]
    assert np.array_equal(np.concatenate(pieces, axis=1), whole.samples)


def test_mono_is_the_mean_of_the_channels() -> None:
    sound = noise(5)
    assert np.allclose(sound.mono(), (sound.samples[0] + sound.samples[1]) / 2, atol=1e-7)
    assert np.array_equal(noise(5, channels=1).mono(), noise(5, channels=1).samples[0])
