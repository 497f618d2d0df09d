"""All metrics of a part at once, and the grids that they stand on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import metrics
from benchmarks.metrics import overlap
from benchmarks.metrics.grid import Surroundings, f1, sixteenths
from benchmarks.metrics.played import Played
from subtractive.instruments import INSTRUMENTS
from subtractive.kit import DRUM_CLASSES
from tests.metric_laws import (
    BAR,
    BARS,
    BEAT,
    PIANO,
    bass_of,
    context_of,
    drums_of,
    drums_on_the_beat,
    finer,
    finer_song,
    guitar_of,
    strumming_guitar,
    surroundings_of,
    transposed,
    walking_bass,
)

PLAYERS = {"bass": walking_bass, "guitar": strumming_guitar, "drums": drums_on_the_beat}
SONG = context_of(PIANO, drums_of((0, 36)))
REGISTER = {"median_pitch", "out_of_range"}

some_notes = st.lists(
    st.tuples(st.integers(0, BARS * BAR - 1), st.integers(0, 3 * BEAT), st.integers(28, 67)),
    min_size=1,
    max_size=30,
)


@given(some_notes)
def test_a_part_against_itself_is_perfect(notes: list[tuple[int, int, int]]) -> None:
    part = bass_of(*notes)
    scores = metrics.evaluate(part, part, surroundings_of(SONG), "bass")
    assert scores["chroma_f1"] == scores["onset_f1"] == 1
    assert scores["out_of_range"] == 0


def test_every_score_can_be_read_and_every_measure_is_scored(rng: np.random.Generator) -> None:
    scored: set[str] = set()
    for instrument, play in PLAYERS.items():
        part = play(rng)
        scored |= metrics.evaluate(part, part, surroundings_of(SONG), instrument).keys()
    # novelty needs an index of training songs
    asked_elsewhere = {measure.name for measure in metrics.novelty.MEASURES}
    assert scored == metrics.MEASURES.keys() - asked_elsewhere


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_transposing_everything_changes_no_score(instrument: str, rng: np.random.Generator) -> None:
    part, truth = PLAYERS[instrument](rng), PLAYERS[instrument](rng)

    def scores(semitones: int) -> dict[str, float]:
        song = SONG.with_parts(tuple(transposed(each, semitones) for each in SONG.parts))
        written, taken = transposed(part, semitones), transposed(truth, semitones)
        found = metrics.evaluate(written, taken, Surroundings.of(song), instrument)
        return {name: value for name, value in found.items() if name not in REGISTER}

    for semitones in (-5, 3):
        assert scores(semitones) == pytest.approx(scores(0), nan_ok=True)


@given(some_notes, some_notes, st.integers(2, 40))
def test_a_finer_clock_changes_no_score(
    notes: list[tuple[int, int, int]], others: list[tuple[int, int, int]], factor: int
) -> None:
    def scores(scale: int) -> dict[str, float]:
        part, truth = (finer(bass_of(*of), scale) for of in (notes, others))
        around = Surroundings.of(finer_song(SONG, scale))
        return metrics.evaluate(part, truth, around, "bass")

    assert scores(factor) == pytest.approx(scores(1), nan_ok=True)


def test_harmony_is_not_asked_of_drums() -> None:
    drums = drums_of((0, 36))
    scores = metrics.evaluate(drums, drums, surroundings_of(SONG), "drums")
    assert "chord_tone_rate" not in scores
    assert "chroma_f1" not in scores


def test_chroma_f1_by_hand() -> None:
    truth = bass_of((0, 2 * BEAT, 36), (2 * BEAT, BEAT, 43))  # C, C, G in three beats
    part = bass_of((0, BEAT, 48), (2 * BEAT, BEAT, 41))  # C, -, F: 1 of 3 met by 1 of 2
    around = surroundings_of(SONG)
    found = overlap.chroma_f1(Played.of(part, around), Played.of(truth, around))
    assert found == pytest.approx(2 * 1 / (3 + 2))


def test_onset_f1_ignores_pitch_and_chords() -> None:
    truth = bass_of((0, BEAT, 36), (0, BEAT, 40), (BEAT, BEAT, 36))
    part = bass_of((1, BEAT, 50), (2 * BEAT, BEAT, 36))
    around = surroundings_of(SONG)
    found = overlap.onset_f1(Played.of(part, around), Played.of(truth, around))
    assert found == pytest.approx(2 * 1 / (2 + 2))


def test_drum_classes_are_judged_one_by_one() -> None:
    truth = drums_of((0, 36), (BEAT, 38), (2 * BEAT, 35), (0, 42))
    part = drums_of((0, 35), (BEAT, 40), (2 * BEAT, 38), (12, 46))
    scores = metrics.evaluate(part, truth, surroundings_of(SONG), "drums")
    assert scores["kick_f1"] == pytest.approx(2 * 1 / (2 + 1))
    assert scores["snare_f1"] == pytest.approx(2 * 1 / (1 + 2))
    assert scores["hats_f1"] == 0
    assert np.isnan(scores["toms_f1"])


def test_no_drum_key_is_in_two_classes() -> None:
    keys = [key for of_class in DRUM_CLASSES.values() for key in of_class]
    assert len(keys) == len(set(keys))


def test_drums_and_pitched_parts_cannot_be_compared() -> None:
    around = surroundings_of(SONG)
    drums, bass = Played.of(drums_of((0, 36)), around), Played.of(bass_of((0, 1, 36)), around)
    with pytest.raises(ValueError, match="drums can only"):
        overlap.onset_f1(drums, bass)


def test_onsets_fall_on_the_nearest_sixteenth() -> None:
    # a 16th is 6 ticks: 2 is early, 3 is half way and goes up, 9 too; 8 and 7 both go to 6
    assert sixteenths(np.array([0, 2, 3, 7, 8, 9]), BEAT).tolist() == [0, 1, 2]
    part = guitar_of(*((onset, 1, 60) for onset in (0, 2, 3, 7, 8, 9)))
    assert Played.of(part, surroundings_of(SONG)).slots.tolist() == [0, 1, 2]


@given(st.sets(st.integers(0, 50), min_size=1), st.sets(st.integers(0, 50), min_size=1))
def test_f1_is_the_harmonic_mean_and_symmetric(one: set[int], other: set[int]) -> None:
    reference, estimate = np.array(sorted(one)), np.array(sorted(other))
    found = f1(reference, estimate)
    matched = len(one & other)
    if matched:
        precision, recall = matched / len(other), matched / len(one)
        assert found == pytest.approx(2 * precision * recall / (precision + recall))
    else:
        assert found == 0
    assert found == f1(estimate, reference)


def test_f1_of_an_empty_reference_is_undefined_whatever_was_written() -> None:
    nothing, something = np.array([], dtype=np.int64), np.array([1])
    assert np.isnan(f1(nothing, something))
    assert np.isnan(f1(nothing, nothing))
    assert f1(something, nothing) == 0


def test_the_surroundings_know_what_each_beat_sounds() -> None:
    around = Surroundings.of(replace(SONG, parts=SONG.parts[:1]))
    assert around.bar_count == BARS
    assert around.sounding[:8, [0, 4, 7]].all()
    assert around.sounding.sum() == 8 * 3
    assert (around.chord_root[:8] == 0).all()
    assert len(around.kick_slots) == 0
