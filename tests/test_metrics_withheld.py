"""Metrics against the part that was taken out: hand-made values, laws, and other people's code."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics import chord_accuracy, overlap, similarity
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, Note, Part
from subtractive.kit import DRUM_CLASSES
from tests.metric_laws import (
    BEAT,
    PIANO,
    SIXTEENTH,
    Case,
    Metric,
    Rung,
    added,
    bass_of,
    context_of,
    drops,
    drums_of,
    drums_on_the_beat,
    equals,
    falls,
    guitar_of,
    ignores_order,
    ignores_the_clock,
    ignores_transposition,
    itself_is_best,
    ladder,
    nothing_is_worst,
    part_of,
    shifts,
    strumming_guitar,
    surroundings_of,
    undefined_by_the_song_alone,
    walking_bass,
    wrong_pitches,
    wrong_touch,
)

SONG = context_of(PIANO)
SONGS = [SONG, context_of(PIANO, metre=(3, 4)), context_of(PIANO, metre=(7, 8), count=5)]
FIRST_END = 4 * 3 * BEAT  # every song is at least so long
PLAYERS = {"bass": walking_bass, "guitar": strumming_guitar, "drums": drums_on_the_beat}
LIKE = {"bass": bass_of(), "guitar": guitar_of(), "drums": drums_of()}
MEASURES = {
    measure.name: measure
    for module in (overlap, similarity, chord_accuracy)
    for measure in module.MEASURES
}
NAN = float("nan")


@lru_cache(maxsize=1000)
def scores(part: Part, truth: Part, context: Arrangement, instrument: str) -> dict[str, float]:
    around = surroundings_of(context)
    both = Played.of(part, around), Played.of(truth, around)
    return {
        **overlap.evaluate(*both),
        **similarity.evaluate(*both),
        **chord_accuracy.evaluate(*both, instrument),
    }


def score(name: str, instrument: str) -> Metric:
    return lambda part, truth, context: scores(part, truth, context, instrument)[name]


def metrics_of(instrument: str) -> dict[Measure, Metric]:
    silent = LIKE[instrument]
    names = scores(silent, silent, SONG, instrument)
    return {MEASURES[name]: score(name, instrument) for name in names}


def notes(instrument: str) -> st.SearchStrategy[list[Note]]:
    lowest, highest = (35, 60) if instrument == "drums" else (30, 64)
    return st.lists(
        st.builds(
            Note,
            st.integers(0, FIRST_END - 1),
            st.integers(0, 3 * BEAT),
            st.integers(lowest, highest),
            st.integers(1, 127),
        ),
        max_size=25,
    )


@st.composite
def cases(draw: st.DrawFn, instrument: str) -> Case:
    """Two parts of which one half may be the same, in a song of some metre."""
    shared, one, other = (draw(notes(instrument)) for _ in range(3))
    like = LIKE[instrument]
    song = draw(st.sampled_from(SONGS))
    return Case(part_of(shared + one, like), part_of(shared + other, like), song)


some_case = st.sampled_from(sorted(PLAYERS)).flatmap(
    lambda name: st.tuples(st.just(name), cases(name))
)


# -------------------------------------------------------------------------------- laws of them all


def test_every_metric_is_tabled_and_every_measure_is_computed() -> None:
    computed = [measure.name for name in PLAYERS for measure in metrics_of(name)]
    assert set(computed) == set(MEASURES)
    assert all(measure.kind == "withheld" for measure in MEASURES.values())


@settings(max_examples=50)
@given(some_case)
def test_the_true_part_is_best_and_none_is_worst(drawn: tuple[str, Case]) -> None:
    instrument, case = drawn
    for measure, metric in metrics_of(instrument).items():
        undefined_by_the_song_alone(metric, case)
        if math.isnan(metric(*case)):
            continue
        itself_is_best(metric, case, 1.0 - measure.worst)
        nothing_is_worst(metric, case, measure.worst)
        assert 0.0 <= metric(*case) <= 1.0


@settings(max_examples=50)
@given(some_case, st.integers(-11, 11), st.integers(2, 40), st.integers(0, 99))
def test_key_clock_and_order_change_nothing(
    drawn: tuple[str, Case], semitones: int, factor: int, seed: int
) -> None:
    instrument, case = drawn
    for metric in metrics_of(instrument).values():
        ignores_transposition(metric, case, semitones)
        ignores_the_clock(metric, case, factor)
        ignores_order(metric, case, np.random.default_rng(seed))


def test_without_a_true_part_nothing_is_asked() -> None:
    for instrument, like in LIKE.items():
        played = PLAYERS[instrument](np.random.default_rng(1))
        for metric in metrics_of(instrument).values():
            equals(metric, Case(played, like, SONG), NAN)


COSTS: dict[str, tuple[Rung, ...]] = {
    "note_f1": (wrong_pitches, shifts, drops, added),
    "note_f1_near": (wrong_pitches, shifts, drops, added),
    "onset_f1": (shifts, drops, added),
    "chroma_f1": (wrong_pitches, drops, added),
    "groove_similarity": (shifts, drops, added),
    "chord_accuracy": (wrong_pitches, drops),
    "root_accuracy": (wrong_pitches, drops),
    "pitch_class_jsd": (wrong_pitches, added),
    "pitch_class_oa": (wrong_pitches, added),
    "drum_class_jsd": (added,),
    "drum_class_oa": (added,),
    "duration_jsd": (wrong_touch,),
    "duration_oa": (wrong_touch,),
    "velocity_jsd": (wrong_touch, added),
    "velocity_oa": (wrong_touch, added),
    "ioi_jsd": (added,),
    "ioi_oa": (added,),
    **{f"{name}_f1": (shifts, drops) for name in DRUM_CLASSES},
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("instrument", PLAYERS)
def test_every_step_of_spoiling_costs(instrument: str, seed: int) -> None:
    truth = PLAYERS[instrument](np.random.default_rng(seed))
    for measure, metric in metrics_of(instrument).items():
        for rung in COSTS[measure.name]:
            # Drums rise above a change that only another class of drums suffers.
            if instrument == "drums" and rung is wrong_pitches:
                continue
            falls(
                metric,
                ladder(truth, rung, seed=seed),
                SONG,
                lower_is_better=measure.better == "lower",
                strictly=measure.name.removesuffix("_f1") not in DRUM_CLASSES,
            )


# ------------------------------------------------------------------------------------ note by note


def by_hand(name: str, part: Part, truth: Part, expected: float, song: Arrangement = SONG) -> None:
    instrument = "drums" if part.is_drums else part.name.lower()
    equals(score(name, instrument), Case(part, truth, song), expected)


def test_notes_match_one_to_one_on_the_same_sixteenth() -> None:
    truth = bass_of((0, BEAT, 36), (0, BEAT, 36), (BEAT, BEAT, 40), (2 * BEAT, BEAT, 41))
    part = bass_of((2, 1, 36), (BEAT - 2, BEAT, 40), (2 * BEAT, BEAT, 53))
    by_hand("note_f1", part, truth, 2 * 2 / (4 + 3))
    by_hand("note_f1", replace(part, notes=part.notes[:1] * 3), truth, 2 * 2 / (4 + 3))


def test_near_notes_may_be_a_sixteenth_off_and_no_more() -> None:
    truth = bass_of((BEAT, BEAT, 36))
    for late, expected in ((-SIXTEENTH, 1), (SIXTEENTH, 1), (SIXTEENTH + 1, 0)):
        by_hand("note_f1_near", bass_of((BEAT + late, BEAT, 36)), truth, expected)
        by_hand("note_f1", bass_of((BEAT + late, BEAT, 36)), truth, 0)
    by_hand("note_f1_near", bass_of((BEAT, BEAT, 37)), truth, 0)


def test_near_notes_are_paired_so_that_most_are() -> None:
    # the first written note could take either true one; only the earlier leaves one for the other
    truth = bass_of((0, 1, 36), (SIXTEENTH, 1, 36), (3 * SIXTEENTH, 1, 36))
    part = bass_of((SIXTEENTH, 1, 36), (2 * SIXTEENTH, 1, 36))
    by_hand("note_f1_near", part, truth, 2 * 2 / (3 + 2))


@given(cases("guitar"))
def test_exact_notes_are_near_notes(case: Case) -> None:
    found = scores(*case, "guitar")
    assert not found["note_f1"] > found["note_f1_near"]


def test_onsets_and_drum_classes_by_hand() -> None:
    truth = drums_of((0, 36), (BEAT, 38), (2 * BEAT, 35), (0, 42))
    part = drums_of((0, 35), (BEAT, 40), (2 * BEAT, 38), (12, 46))
    for name, expected in (
        ("onset_f1", 2 * 3 / (3 + 4)),
        ("kick_f1", 2 * 1 / (2 + 1)),
        ("snare_f1", 2 * 1 / (1 + 2)),
        ("hats_f1", 0.0),
        ("toms_f1", NAN),
        ("cymbals_f1", NAN),
        ("note_f1", 0.0),
    ):
        by_hand(name, part, truth, expected)


def test_chroma_by_hand() -> None:
    truth = bass_of((0, 2 * BEAT, 36), (2 * BEAT, BEAT, 43))  # C, C, G in three beats
    part = bass_of((0, BEAT, 48), (2 * BEAT, BEAT, 41))  # C, -, F: 1 of 3 met by 1 of 2
    by_hand("chroma_f1", part, truth, 2 * 1 / (3 + 2))


def test_drums_and_pitched_parts_cannot_be_compared() -> None:
    for name in ("note_f1", "groove_similarity"):
        with pytest.raises(ValueError, match="drums can only"):
            score(name, "bass")(bass_of((0, 1, 36)), drums_of((0, 36)), SONG)
    drums = Played.of(drums_of((0, 36)), surroundings_of(SONG))
    with pytest.raises(ValueError, match="drums spell no chords"):
        chord_accuracy.chord_accuracy(drums, drums)


# --------------------------------------------------------------------------------------- mir_eval


SECONDS_PER_TICK = 0.01


@given(cases("guitar"))
def test_notes_agree_with_mir_eval(case: Case) -> None:
    transcription = pytest.importorskip("mir_eval.transcription")
    if not case.part.notes or not case.truth.notes:
        return

    def theirs(unit: int, tolerance: float) -> float:
        sides = []
        for part in (case.truth, case.part):
            onset = np.array([(note.onset + unit // 2) // unit * unit for note in part.notes])
            hertz = 440 * 2 ** ((np.array([note.pitch for note in part.notes]) - 69) / 12)
            sides += [np.stack([onset, onset + 1], axis=1) * SECONDS_PER_TICK, hertz]
        found = transcription.precision_recall_f1_overlap(
            *sides, onset_tolerance=tolerance, offset_ratio=None
        )
        return float(found[2])

    ours = scores(*case, "guitar")
    assert ours["note_f1"] == pytest.approx(theirs(SIXTEENTH, SECONDS_PER_TICK / 2), abs=1e-9)
    near = theirs(1, SIXTEENTH * SECONDS_PER_TICK)
    assert ours["note_f1_near"] == pytest.approx(near, abs=1e-9)


@given(cases("drums"))
def test_onsets_agree_with_mir_eval(case: Case) -> None:
    onset = pytest.importorskip("mir_eval.onset")
    if not case.part.notes or not case.truth.notes:
        return
    around = surroundings_of(case.context)
    sides = [Played.of(part, around).slots / 8 for part in (case.truth, case.part)]
    theirs = onset.f_measure(*sides, window=1 / 16)[0]
    assert scores(*case, "drums")["onset_f1"] == pytest.approx(theirs, abs=1e-9)


@given(*[st.lists(st.integers(0, 60), min_size=1, max_size=25)] * 2, st.integers(1, 5))
def test_one_walk_pairs_as_many_as_a_search_in_the_graph(
    one: list[int], other: list[int], tolerance: int
) -> None:
    util = pytest.importorskip("mir_eval.util")
    theirs = util.match_events(np.sort(one), np.sort(other), tolerance)
    assert overlap.matches(np.array(one), np.array(other), tolerance) == len(theirs)
