"""A stem into a mix: out - stem == mix, and nothing is beyond full scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from audio.mixing import in_channels, in_pair, insert, without
from subtractive.files.recordings import BITS, FLOATS, StoredSound
from subtractive.waveform import Recording

SHAPE = (2, 6)
PCM = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32"]

levels = st.floats(-1, 1, width=32)
# not far below the stem
loud = st.floats(2**-27, 1, width=32) | st.floats(-1, -(2**-27), width=32)
stems = st_numpy.arrays(np.float32, SHAPE, elements=st.floats(-1.5, 1.5, width=32))


def stored(samples: np.ndarray, subtype: str) -> StoredSound:
    """Return samples as a file of that kind holds them."""
    if subtype in FLOATS:
        return StoredSound(samples.astype(FLOATS[subtype]), 44_100, "WAV", subtype)
    top = 2 ** (BITS[subtype] - 1)
    numbers = np.clip(np.rint(samples.astype(np.float64) * top), -top, top - 1).astype(np.int32)
    return StoredSound(numbers, 44_100, "WAV", subtype)


@settings(max_examples=60)
@given(st_numpy.arrays(np.float32, SHAPE, elements=levels), stems, st.sampled_from(PCM))
def test_out_minus_stem_is_the_mix_in_integers(
    samples: np.ndarray, stem: np.ndarray, subtype: str
) -> None:
    mix = stored(samples, subtype)
    done = insert(mix, stem)
    top = 2 ** (BITS[subtype] - 1)
    for sound in (done.out, done.stem):
        assert sound.subtype == subtype
        assert sound.numbers.min() >= -top
        assert sound.numbers.max() < top
    assert np.array_equal(done.out.numbers.astype(np.int64) - done.stem.numbers, mix.numbers)
    assert done.inexact == 0


@settings(max_examples=60)
@given(st_numpy.arrays(np.float32, SHAPE, elements=levels), stems, st.sampled_from(PCM))
def test_the_stem_is_what_was_asked_for_where_there_is_room(
    samples: np.ndarray, stem: np.ndarray, subtype: str
) -> None:
    mix = stored(samples * np.float32(0.4), subtype)
    done = insert(mix, stem * np.float32(0.35))
    assert (done.turned_down_db, done.yielded) == (0, 0)
    wanted = stem.astype(np.float64) * np.float32(0.35)
    assert np.abs(done.stem.scaled() - wanted).max() <= mix.step * 0.5 + 1e-7


@settings(max_examples=60)
@given(
    st_numpy.arrays(np.float32, SHAPE, elements=loud),
    stems,
)
def test_out_minus_stem_is_a_mix_of_32_bit_floating_point(
    samples: np.ndarray, stem: np.ndarray
) -> None:
    mix = stored(samples, "FLOAT")
    done = insert(mix, stem)
    assert done.out.numbers.dtype == np.float32
    # the stem's own width decides in which the difference is taken
    assert np.array_equal(done.out.numbers - done.stem.numbers, mix.numbers)
    assert done.inexact == 0
    assert np.abs(done.out.numbers).max() <= 1


@settings(max_examples=60)
@given(st_numpy.arrays(np.int32, SHAPE, elements=st.integers(-(2**23), 2**23)), stems)
def test_a_mix_of_24_bits_in_floating_point_needs_no_wider_stem(
    steps: np.ndarray, stem: np.ndarray
) -> None:
    mix = stored(steps / 2**23, "FLOAT")
    done = insert(mix, stem)
    assert done.stem.numbers.dtype == np.float32
    assert np.array_equal(done.out.numbers - done.stem.numbers, mix.numbers)


@settings(max_examples=60)
@given(
    st_numpy.arrays(np.float64, SHAPE, elements=st.floats(-1, 1)), stems,
    st.sampled_from(["FLOAT", "DOUBLE"]),
)  # fmt: skip
def test_what_no_floating_point_holds_is_counted_and_tiny(
    samples: np.ndarray, stem: np.ndarray, subtype: str
) -> None:
    mix = stored(samples, subtype)
    done = insert(mix, stem)
    back = done.out.numbers.astype(np.float64) - done.stem.numbers
    assert np.count_nonzero(back != mix.numbers) == done.inexact
    assert np.abs(back - mix.numbers).max() <= 2.0**-53
    # at least as loud as the stem is always loud enough
    louder = np.abs(mix.numbers) >= np.abs(done.stem.numbers)
    assert np.array_equal(back[louder], mix.numbers[louder])
    silent = mix.numbers == 0
    assert np.array_equal(done.out.numbers[silent], done.stem.numbers[silent])


@settings(max_examples=60)
@given(
    st_numpy.arrays(np.float32, SHAPE, elements=levels), stems,
    st.sampled_from([*PCM, "FLOAT", "DOUBLE"]),
)  # fmt: skip
def test_what_is_taken_out_and_put_back_is_the_mix(
    samples: np.ndarray, stem: np.ndarray, subtype: str
) -> None:
    mix = stored(samples * np.float32(0.4), subtype)
    found = stem * np.float32(0.3)
    again = insert(without(mix, found), found).out
    if subtype in BITS:
        assert np.array_equal(again.numbers, mix.numbers)
    else:
        assert np.abs(again.numbers - mix.numbers).max() <= 2.0**-24
    silence = np.zeros(SHAPE, np.float32)
    assert np.array_equal(without(mix, silence).numbers, mix.numbers)
    assert np.array_equal(insert(mix, silence).out.numbers, mix.numbers)


def music(seed: int, loudness: float, samples: int = 20_000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, loudness, (2, samples)).clip(-1, 1).astype(np.float32)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_sum_that_would_clip_turns_the_stem_down_by_as_much_as_is_needed(subtype: str) -> None:
    mix = stored(np.full(SHAPE, 0.5, np.float32), subtype)
    stem = np.zeros(SHAPE, np.float32)
    stem[0, 3], stem[1, 5] = 0.8, -0.3
    done = insert(mix, stem)
    assert done.turned_down_db == pytest.approx(20 * np.log10(0.8 / 0.5), abs=1e-3)
    assert (done.yielded, done.inexact) == (0, 0)
    assert done.out.scaled().max() == pytest.approx(1, abs=1e-4)
    assert done.stem.scaled()[1, 5] == pytest.approx(-0.3 * 0.5 / 0.8, abs=1e-4)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_mix_at_full_scale_leaves_the_stem_heard(subtype: str) -> None:
    # a master that is limited hard: one sample in six is at full scale
    mix = stored(music(1, 0.7), subtype)
    stem = music(2, 0.1)
    done = insert(mix, stem)
    back = done.out.numbers.astype(np.float64) - done.stem.numbers
    assert np.array_equal(back, mix.numbers)
    assert np.abs(done.out.scaled()).max() <= 1
    assert 6 <= done.turned_down_db <= 24
    assert done.yielded > 0
    gain = 10 ** (-done.turned_down_db / 20)
    assert np.corrcoef(done.stem.scaled().ravel(), stem.ravel())[0, 1] > 0.9
    assert np.std(done.stem.scaled()) == pytest.approx(gain * np.std(stem), rel=0.2)


def test_few_peaks_at_full_scale_cost_the_stem_little() -> None:
    samples = music(3, 0.1)
    samples[:, ::500] = 1
    done = insert(stored(samples, "PCM_16"), music(4, 0.1))
    assert done.turned_down_db <= 7
    assert 0 < done.yielded <= 2 * 40


def test_a_square_wave_at_full_scale_lets_a_stem_in() -> None:
    samples = np.where(np.arange(2000) // 50 % 2, 1.0, -1.0)[np.newaxis].repeat(2, 0)
    done = insert(stored(samples, "PCM_16"), music(5, 0.1, 2000))
    assert np.count_nonzero(done.stem.numbers) > 1000
    assert np.array_equal(done.out.numbers - done.stem.numbers, stored(samples, "PCM_16").numbers)


def test_floating_point_beyond_full_scale_stays() -> None:
    samples = music(6, 0.2)
    samples[0, 7] = 1.4
    mix = stored(samples, "FLOAT")
    done = insert(mix, music(7, 0.1))
    assert np.array_equal(done.out.numbers.astype(np.float64) - done.stem.numbers, mix.numbers)
    assert np.abs(done.out.numbers).max() <= np.float32(1.4)


def test_blocks_leave_no_seams() -> None:
    mix, stem = stored(music(8, 0.1, 600_000), "PCM_24"), music(9, 0.1, 600_000)
    whole = insert(mix, stem)
    expected = np.rint(stem * 2.0**23).astype(np.int32)
    assert whole.turned_down_db == 0
    assert np.array_equal(whole.stem.numbers, expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_a_stem_of_two_channels_goes_into_any_number(channels: int) -> None:
    stem = music(10, 0.1, 50)
    placed = in_channels(stem, channels)
    assert placed.shape == (channels, 50)
    if channels == 1:
        assert np.allclose(placed[0], stem.mean(axis=0), atol=1e-7)
    else:
        assert np.array_equal(placed[:2], stem)
        assert not placed[2:].any()


def test_what_is_around_is_heard_in_both_ears() -> None:
    samples = np.zeros((6, 4), np.float32)
    samples[0, 0], samples[1, 1], samples[4, 2] = 0.5, 0.5, 0.5
    heard = in_pair(Recording(samples, 48_000)).samples
    assert np.allclose(heard, [[0.5, 0, 0.35, 0], [0, 0.5, 0.35, 0]])
    pair = Recording(samples[:2], 48_000)
    assert in_pair(pair) is pair
