"""The metrics of sound: known times, invariances, and worse sound that scores worse."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics import sound, sound_beats, sound_spectrum
from benchmarks.metrics.sound import Sound, evaluate, si_sdr_db
from benchmarks.metrics.sound_beats import beats, f_measure, onset_strength, onsets
from benchmarks.metrics.sound_spectrum import FFT, HOP, RATE, istft, mel_power, stft
from subtractive.mel_scale import hz_of, mel_of

Samples = npt.NDArray[np.floating]

SECONDS = 5
PULSE = np.arange(0.5, SECONDS, 0.5)  # 120 beats a minute

times = st.lists(st.integers(0, 400), unique=True, max_size=25).map(
    lambda found: np.array(sorted(found)) / 100
)


def strokes(at: npt.ArrayLike, seed: int = 0) -> Samples:
    """Return short bursts of dying noise, as a snare drum is."""
    rng = np.random.default_rng(seed)
    whole = np.zeros((1, SECONDS * RATE))
    for onset in np.asarray(at):
        start = round(float(onset) * RATE)
        burst = rng.standard_normal(4000) * np.exp(-np.arange(4000) / 800)
        room = whole[0, start : start + 4000]
        room += 0.3 * burst[: len(room)]
    return whole


def chord() -> Samples:
    """Return a chord that swells slowly, so that it has no onsets of its own but the first."""
    t = np.arange(SECONDS * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 277.2, 329.6))
    swell = 1 + 0.3 * np.sin(2 * np.pi * 0.4 * t)
    return 0.08 * np.asarray(tones * swell)[None]


def low_passed(samples: Samples, hz: float) -> Samples:
    spectrum = np.fft.rfft(samples)
    spectrum[:, round(hz * samples.shape[1] / RATE) :] = 0
    return np.fft.irfft(spectrum, samples.shape[1])


@pytest.fixture(scope="module")
def context() -> Sound:
    return Sound(chord())


@pytest.fixture(scope="module")
def target() -> Sound:
    return Sound(chord() + strokes(PULSE))


def test_a_pure_tone_lies_in_the_band_of_its_frequency() -> None:
    t = np.arange(RATE) / RATE
    power = mel_power(np.sin(2 * np.pi * 2000 * t)[None])
    edges = np.linspace(0, float(mel_of(np.array(16_000.0))), sound_spectrum.MELS + 2)
    assert abs(hz_of(edges[1:-1])[power.mean(axis=0).argmax()] - 2000) < 60


def test_the_mel_scale_is_undone() -> None:
    hz = np.array([0.0, 100, 999, 1000, 1001, 4000, 16_000])
    assert hz_of(mel_of(hz)) == pytest.approx(hz)


def test_a_spectrum_is_sound_again(rng: np.random.Generator) -> None:
    samples = rng.standard_normal((2, 5000))
    assert istft(stft(samples), 5000) == pytest.approx(samples, abs=1e-9)
    assert stft(samples).shape == (2, 1 + 5000 // HOP, 1 + FFT // 2)


def test_strokes_are_heard_where_they_were_struck() -> None:
    heard = onsets(onset_strength(mel_power(strokes(PULSE))))
    assert len(heard) == len(PULSE)
    assert np.abs(heard - PULSE).max() <= 0.02


def test_a_steady_pulse_is_tracked_at_its_tempo() -> None:
    for tempo in (90, 120, 150):
        pulse = np.arange(0.3, SECONDS - 0.1, 60 / tempo)
        tracked = beats(onset_strength(mel_power(strokes(pulse))))
        assert f_measure(pulse, tracked, 0.07) > 0.9, tempo


@pytest.mark.parametrize("length", [1, 2, 441, 5000])
def test_silence_has_neither_onsets_nor_beats(length: int) -> None:
    strength = onset_strength(mel_power(np.zeros((1, length))))
    assert len(onsets(strength)) == len(beats(strength)) == 0


@settings(max_examples=150)
@given(times, times, st.sampled_from([0.05, 0.07]))
def test_f_measures_are_those_of_mir_eval(
    reference: npt.NDArray[np.float64], estimate: npt.NDArray[np.float64], window: float
) -> None:
    mir_eval = pytest.importorskip("mir_eval", reason="needs mir_eval: pip install mir_eval")
    found = f_measure(reference, estimate, window)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mir_eval warns of empty lists
        as_onsets = mir_eval.onset.f_measure(reference, estimate, window=window)[0]
        as_beats = mir_eval.beat.f_measure(reference, estimate, f_measure_threshold=window)
    assert found == pytest.approx(as_onsets, abs=1e-9)
    assert found == pytest.approx(as_beats, abs=1e-9)


def test_missing_beats_count_zero() -> None:
    assert f_measure(PULSE, np.zeros(0), 0.07) == f_measure(np.zeros(0), PULSE, 0.07) == 0


def test_the_ratio_is_that_of_its_formula(rng: np.random.Generator) -> None:
    clean = rng.standard_normal((1, 4000))
    noise = rng.standard_normal((1, 4000))
    noise -= (noise * clean).sum() / (clean**2).sum() * clean  # at a right angle
    noise *= np.linalg.norm(clean) / np.linalg.norm(noise)
    for wanted in (-10.0, 0.0, 20.0):
        mixed = Sound(clean + noise * 10 ** (-wanted / 20))
        assert si_sdr_db(Sound(clean), mixed) == pytest.approx(wanted, abs=1e-9)
    assert si_sdr_db(Sound(clean), Sound(0 * clean)) == -np.inf


@given(st.floats(0.01, 100), st.booleans())
def test_no_gain_changes_how_well_the_context_is_kept(gain: float, flip: bool) -> None:
    rng = np.random.default_rng(1)
    given_, made = rng.standard_normal((2, 500)), rng.standard_normal((2, 500))
    scaled = made * (-gain if flip else gain)
    ratio = si_sdr_db(Sound(given_), Sound(made))
    assert si_sdr_db(Sound(given_), Sound(scaled)) == pytest.approx(ratio, abs=1e-6)


def test_the_true_mix_is_perfect_and_no_edit_is_found_out(context: Sound, target: Sound) -> None:
    true, nothing = (evaluate(one, target, context, PULSE) for one in (target, context))
    assert true["onset_f1"] == true["mix_onset_f1"] == 1
    assert true["log_mel_db"] == true["no_edit"] == 0
    assert true["grid_beat_f1"] > 0.9
    assert nothing["onset_f1"] == nothing["grid_beat_f1"] == nothing["context_beat_f1"] == 0
    assert nothing["no_edit"] == 1
    assert nothing["context_loss_db"] == 0
    assert nothing["si_sdr_db"] == sound.LIMIT_DB
    assert true.keys() == {measure.name for measure in sound.MEASURES} == sound.failed().keys()


def test_a_volume_knob_changes_nothing(context: Sound, target: Sound) -> None:
    made = target.samples + 0.2 * strokes(PULSE + 0.25, seed=2)
    loud = evaluate(Sound(made), target, context, PULSE)
    assert evaluate(Sound(0.25 * made), target, context, PULSE) == pytest.approx(loud, abs=1e-6)


def test_channels_do_not_cancel_out(target: Sound) -> None:
    opposite = Sound(np.concatenate([target.samples, -target.samples]))
    assert opposite.power == pytest.approx(target.power)


def test_a_silent_output_is_as_bad_as_it_gets(context: Sound, target: Sound) -> None:
    silent = evaluate(Sound(np.zeros_like(target.samples)), target, context, PULSE)
    assert silent["onset_f1"] == silent["mix_onset_f1"] == silent["grid_beat_f1"] == 0
    assert silent["si_sdr_db"] == -sound.LIMIT_DB
    assert silent["log_mel_db"] > evaluate(context, target, context)["log_mel_db"]
    assert silent["context_loss_db"] > 60


@pytest.mark.parametrize("samples", [np.zeros((1, 0)), np.zeros(9), np.full((1, 9), np.nan)])
def test_what_is_no_sound_is_refused(samples: Samples) -> None:
    with pytest.raises(ValueError, match="sound"):
        Sound(samples)


def test_silence_where_nothing_is_asked_gives_no_number_that_is_none() -> None:
    silent = Sound(np.zeros((1, 900)))
    found = evaluate(silent, silent, silent)
    assert {name for name, value in found.items() if np.isnan(value)} == {
        "onset_f1", "mix_onset_f1", "grid_beat_f1",
    }  # fmt: skip
    assert found["no_edit"] == 1


def falling(values: list[float]) -> bool:
    return all(later < earlier for earlier, later in pairwise(values))


def test_the_more_the_strokes_are_shifted_the_fewer_are_in_time(context: Sound) -> None:
    # each step takes two more strokes out of the window
    target = Sound(context.samples + strokes(PULSE))
    found = []
    for late in (0, 2, 4, 6, 8):
        moved = PULSE + np.where(np.arange(len(PULSE)) < late, 0.15, 0)
        made = Sound(context.samples + strokes(moved))
        found.append(evaluate(made, target, context)["onset_f1"])
    assert found[0] == 1
    assert falling(found)


def test_the_later_all_strokes_come_the_worse_is_the_beat(context: Sound) -> None:
    late = [
        evaluate(Sound(context.samples + strokes(PULSE + shift)), context, context, PULSE)
        for shift in (0.0, 0.1, 0.2)
    ]
    assert late[0]["grid_beat_f1"] > 0.9
    assert late[1]["grid_beat_f1"] < 0.2
    assert late[2]["grid_beat_f1"] < 0.2


def test_the_more_noise_the_worse_is_everything(context: Sound, target: Sound) -> None:
    noise = np.random.default_rng(4).standard_normal(target.samples.shape)
    found = [
        evaluate(Sound(target.samples + level * noise), target, context)
        for level in (0.001, 0.01, 0.05, 0.2, 1.0)
    ]
    assert falling([-each["log_mel_db"] for each in found])
    assert falling([each["si_sdr_db"] for each in found])
    assert found[0]["onset_f1"] >= found[-1]["onset_f1"]


def test_the_darker_the_sound_the_farther_it_is(context: Sound, target: Sound) -> None:
    found = [
        evaluate(Sound(low_passed(target.samples, hz)), target, context)["log_mel_db"]
        for hz in (12_000, 8_000, 4_000, 2_000, 1_000)
    ]
    assert falling([-each for each in found])


def test_the_more_is_taken_from_the_context_the_more_is_lost(context: Sound) -> None:
    t = np.arange(SECONDS * RATE) / RATE
    tone = 0.08 * np.sin(2 * np.pi * 220 * t)[None]
    found = [
        sound.context_loss_db(Sound(context.samples - share * tone), context)
        for share in (0, 0.2, 0.4, 0.6, 0.8)
    ]
    assert found[0] == 0
    assert falling([-each for each in found])


def test_speed_is_seconds_by_seconds(context: Sound) -> None:
    assert sound.real_time_factor(2.5, context) == pytest.approx(0.5)


def test_sounds_of_different_length_are_refused_until_fitted(target: Sound) -> None:
    short = Sound(target.samples[:, :-1000])
    with pytest.raises(ValueError, match="one length"):
        evaluate(short, target, target)
    fitted = short.fitted(target.samples.shape[1])
    assert fitted.samples.shape == target.samples.shape
    assert evaluate(fitted, target, target)["mix_onset_f1"] == 1
    assert sound_beats.f_measure(target.beats, fitted.beats, 0.07) == 1
