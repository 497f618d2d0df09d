"""Grooves, distributions and chords against the true part's: hand-made values, slow recounts."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import chord_accuracy, similarity
from benchmarks.metrics.played import Played
from subtractive.arrangement import Note, Part
from subtractive.harmony import TEMPLATES
from tests.metric_laws import (
    BAR,
    BEAT,
    PIANO,
    Case,
    bass_of,
    context_of,
    guitar_of,
    part_of,
    surroundings_of,
)
from tests.test_metrics_withheld import SONG, by_hand, cases

# ----------------------------------------------------------------------------------------- grooves


def test_groove_by_hand() -> None:
    # bars: the same; half the onsets; a 12th late; only the part; nobody plays
    truth = bass_of((0, 1, 36), (BAR, 1, 36), (BAR + 48, 1, 36), (2 * BAR + 48, 1, 36))
    part = bass_of((0, 9, 40), (BAR, 1, 36), (2 * BAR + 50, 1, 36), (3 * BAR, 1, 36))
    half = (4 * 4 + 1) / math.sqrt((4 * 4 + 1) * (4 * 4 + 1 + 1 + 4 * 4 + 1))
    late = (1 * 4 + 4 * 1) / (1 + 16 + 1)
    song = context_of(PIANO, count=5)
    by_hand("groove_similarity", part, truth, (1 + half + late + 0) / 4, song)


def test_an_anticipated_downbeat_belongs_to_its_bar() -> None:
    truth = bass_of((0, 1, 36), (BAR, 1, 36))
    by_hand("groove_similarity", bass_of((0, 1, 36), (BAR - 1, 1, 36)), truth, 1.0)
    # two 24ths early is the bar before: its last 12th, which does not spread over the barline
    early = (4 * 4 + 1) / math.sqrt((4 * 4 + 1) * (4 * 4 + 1 + 4 * 4 + 1))
    by_hand("groove_similarity", bass_of((0, 1, 36), (BAR - 2, 1, 36)), truth, early / 2)


def figaro_groove(part: Part, bar: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    places = [round(12 * (note.onset - bar * BAR) / BEAT) for note in part.notes]
    counts = np.bincount([place for place in places if 0 <= place < 48], minlength=48)
    smooth = np.convolve(counts, [1, 4, 1], "same")
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = smooth / np.sqrt(np.sum(smooth**2))
    return found


bar_of_steps = st.lists(st.integers(0, 47), min_size=1, max_size=9)


@given(*[st.lists(bar_of_steps, min_size=4, max_size=4)] * 2)
def test_groove_of_full_bars_is_that_of_figaro(
    one: list[list[int]], other: list[list[int]]
) -> None:
    part, truth = (
        bass_of(*((bar * BAR + 2 * step, 1, 36) for bar in range(4) for step in of[bar]))
        for of in (one, other)
    )
    cosines = [figaro_groove(part, bar) @ figaro_groove(truth, bar) for bar in range(4)]
    by_hand("groove_similarity", part, truth, float(np.mean(cosines)))


# ----------------------------------------------------------------------------------- distributions


def test_distributions_by_hand() -> None:
    # C C G against C F: shares 2/3 1/3 0 and 1/2 0 1/2
    truth = bass_of((0, BEAT, 36), (BEAT, BEAT, 48), (2 * BEAT, BEAT, 43))
    part = bass_of((0, BEAT, 36), (BEAT // 2, BEAT // 4, 41))
    by_hand("pitch_class_oa", part, truth, 1 / 2)
    by_hand("duration_oa", part, truth, 1 / 2)
    by_hand("ioi_oa", part, truth, 0.0)
    by_hand("ioi_jsd", part, truth, 1.0)
    by_hand("velocity_jsd", part, truth, 0.0)
    common = 2 / 3 * math.log2(2 / 3 / (7 / 12)) + 1 / 2 * math.log2(1 / 2 / (7 / 12))
    by_hand("pitch_class_jsd", part, truth, math.sqrt((common + 1 / 3 + 1 / 2) / 2))


def test_values_on_other_places_of_the_grid_are_different() -> None:
    # the same shape, elsewhere: with a grid for each part these could not be told apart
    soft = part_of((Note(beat * BEAT, 6, 36, 20) for beat in range(4)), bass_of())
    loud = part_of((Note(beat * BEAT, 24, 36, 100) for beat in range(4)), bass_of())
    for name in ("velocity", "duration"):
        by_hand(f"{name}_jsd", soft, loud, 1.0)
        by_hand(f"{name}_oa", soft, loud, 0.0)


def test_lengths_a_player_would_call_equal_share_a_bin() -> None:
    beats = np.array([0.01, 1 / 8, 1 / 4, 1 / 3, 0.45, 1 / 2, 2 / 3, 3 / 4, 0.9, 1, 2, 4, 8, 99])
    bins = similarity.length_bins((beats * 960).astype(np.int64), 960).tolist()
    assert bins == [0, 0, 2, 3, 4, 4, 5, 5, 6, 6, 8, 10, 12, 12]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=13).filter(any), st.integers(1, 9))
def test_equal_shares_overlap_exactly(counts: list[int], factor: int) -> None:
    one, other = np.array(counts), np.array(counts) * factor
    assert similarity.overlap_area(one, other) == 1.0
    assert similarity.overlap_area(np.array([4, 1, 2, 2, 2]), np.array([4, 1, 2, 2, 2])) == 1.0


def entropy(shares: list[float]) -> float:
    return -sum(share * math.log2(share) for share in shares if share)


histogram_pairs = st.integers(1, 9).flatmap(
    lambda bins: st.tuples(*[st.lists(st.integers(0, 9), min_size=bins, max_size=bins)] * 2)
)


@given(histogram_pairs)
def test_jensen_shannon_is_the_entropy_that_mixing_adds(pair: tuple[list[int], list[int]]) -> None:
    if not all(map(any, pair)):
        return
    p, q = ([count / sum(counts) for count in counts] for counts in pair)
    mixed = entropy([(a + b) / 2 for a, b in zip(p, q, strict=True)])
    divergence = max(0.0, mixed - (entropy(p) + entropy(q)) / 2)
    found = similarity.jensen_shannon(*map(np.array, pair))
    assert found**2 == pytest.approx(divergence, abs=1e-9)
    assert found == pytest.approx(similarity.jensen_shannon(*map(np.array, pair[::-1])))
    # Lin (1991): the divergence is at most the total variation, which the overlap area lacks of 1
    assert found**2 <= 1 - similarity.overlap_area(*map(np.array, pair)) + 1e-9


# ------------------------------------------------------------------------------------------ chords


@pytest.mark.parametrize(
    ("pitches", "expected"),
    [
        ((48, 52, 55), (0, "")),
        ((40, 47, 52, 56, 59, 64), (4, "")),  # E major as a guitar plays it, E and B doubled
        ((45, 52, 57, 60, 64), (9, "m")),
        ((43, 47, 50, 53), (7, "7")),
        ((50, 53, 57, 60), (2, "m7")),
        ((41, 45, 48, 52), (5, "maj7")),
        ((45, 50, 52), (9, "sus4")),
        ((47, 50, 53), (11, "dim")),
        ((40, 47, 52), (4, "5")),
        ((45,), (9, "5")),
        ((52, 55), (4, "m")),
    ],
)
def test_chords_as_a_player_would_name_them(
    pitches: tuple[int, ...], expected: tuple[int, str]
) -> None:
    part = guitar_of(*((0, BEAT, pitch) for pitch in pitches))
    kind, root = divmod(int(chord_accuracy.chords(Played.of(part, surroundings_of(SONG)))[0]), 12)
    assert (root, list(TEMPLATES)[kind]) == expected


def test_chord_accuracy_by_hand() -> None:
    def chord(beat: int, *pitches: int) -> list[tuple[int, int, int]]:
        return [(beat * BEAT, BEAT, pitch) for pitch in pitches]

    truth = guitar_of(*chord(0, 48, 52, 55), *chord(1, 45, 48, 52), *chord(3, 43, 47, 50))
    part = guitar_of(*chord(0, 52, 55, 60), *chord(1, 45, 49, 52), *chord(2, 45, 48, 52))
    by_hand("chord_accuracy", part, truth, 1 / 3)  # inverted; major for minor; rest; silence


def test_root_is_the_longest_then_the_first_then_the_lowest() -> None:
    def root(*notes: tuple[int, int, int]) -> int:
        return int(chord_accuracy.roots(Played.of(bass_of(*notes), surroundings_of(SONG)))[0])

    assert root((0, 6, 36), (6, 18, 43)) == 7
    assert root((0, 12, 43), (12, 12, 36)) == 7
    assert root((0, 12, 43), (0, 12, 36)) == 0
    assert root((0, 8, 36), (8, 8, 43), (16, 8, 48)) == 0


def test_what_leaks_into_a_beat_is_not_heard_there_but_a_stab_is() -> None:
    held, stab = (0, BEAT + 5, 36), (2 * BEAT, 2, 40)
    found = chord_accuracy.roots(Played.of(bass_of(held, stab), surroundings_of(SONG)))
    assert found[:4].tolist() == [0, -1, 4, -1]


@given(cases("bass"))
def test_what_is_heard_equals_a_count_tick_by_tick(case: Case) -> None:
    around = surroundings_of(case.context)
    found = chord_accuracy.heard(Played.of(case.part, around))
    edges = around.beat_edges.tolist()
    for beat, (start, end) in enumerate(pairwise(edges)):
        ticks: Counter[int] = Counter()
        for note in case.part.notes:
            span = range(note.onset, max(note.end, note.onset + 1))
            inside = sum(start <= tick < end for tick in span)
            if inside and (inside >= (end - start) / 4 or inside >= len(span) / 2):
                ticks[note.pitch % 12] += inside
        assert found.ticks[beat].tolist() == [ticks[each] for each in range(12)]
