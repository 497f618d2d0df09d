"""Means, gains, ranks and what is said of them: known answers and laws."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.metrics import MEASURES
from benchmarks.plots import draw
from benchmarks.ranks import area_under_curve, mean_ranks, separation
from benchmarks.scores import Row
from benchmarks.summary import POOLED, Summary, summaries, summary_of_json
from benchmarks.tables import goals, report

tenths = st.integers(-20, 20).map(lambda value: value / 10)


def rows_of(
    writer: str, values: list[float | None], metric: str = "chroma_f1", instrument: str = "bass"
) -> list[Row]:
    """Return rows of songs; None is a song that failed."""
    return [
        Row(
            "real_songs",
            str(number),
            "song",
            instrument,
            writer,
            0,
            "out of tune" if value is None else "",
            0.1,
            {} if value is None else {metric: value},
        )
        for number, value in enumerate(values)
    ]


def pooled(rows: list[Row]) -> Summary:
    summary = summaries(rows)[0]
    assert summary.collection == POOLED
    return summary


def test_gains_are_taken_song_by_song() -> None:
    # songs differ by far more than writers: only paired differences can tell them apart
    floor: list[float | None] = [0.1, 0.5, 0.9, 0.3, 0.7]
    better = [value + 0.02 for value in floor if value is not None]
    rows = rows_of("random", floor) + rows_of("transformer", [*better])
    summary = pooled(rows + rows_of("true", [1.0] * 5))
    gain = summary.gains["chroma_f1"]["transformer - random"]
    assert gain == pytest.approx((0.02, 0.02, 0.02))
    reached = {goal.text: goal.reached for goal in goals([summary])}
    assert reached["bass: transformer's chroma F1 better than random's"]
    assert "transformer's chroma F1 better" in report([summary])


def test_of_nearer_metrics_the_distance_counts_and_not_the_height() -> None:
    true = rows_of("true", [0.8, 0.6], "chord_tone_rate")
    obedient = rows_of("plain", [1.0, 1.0], "chord_tone_rate")
    human = rows_of("transformer", [0.7, 0.6], "chord_tone_rate")
    summary = pooled(true + obedient + human)
    assert summary.distances["chord_tone_rate"]["plain"].value == pytest.approx(0.3)
    assert summary.distances["chord_tone_rate"]["transformer"].value == pytest.approx(0.05)
    assert summary.gains["chord_tone_rate"]["transformer - plain"].value == pytest.approx(0.25)
    assert summary.ranks["transformer"].value == 1
    assert summary.ranks["plain"].value == 2
    assert summary.rank_gains["transformer - plain"] == (1, 1, 1)


def test_a_failed_song_counts_as_the_worst_score() -> None:
    true = rows_of("true", [1.0, 1.0])
    summary = pooled(true + rows_of("random", [0.5, 0.5]) + rows_of("transformer", [1.0, None]))
    assert summary.failures == {"random": 0, "transformer": 1, "true": 0}
    # (1 + 0) / 2 - 0.5
    assert summary.gains["chroma_f1"]["transformer - random"].value == 0
    assert not all(goal.reached for goal in goals([summary]))
    metric = "chord_tone_rate"
    rows = rows_of("true", [0.9, 0.9], metric) + rows_of("transformer", [0.9, None], metric)
    distance = pooled(rows).distances[metric]["transformer"].value
    assert distance == MEASURES[metric].worst / 2
    # nobody gains by failing: where others were even worse, a failure costs as much
    wild = rows_of("true", [1.0], "polyphony") + rows_of("mma", [30.0], "polyphony")
    summary = pooled(wild + rows_of("transformer", [None], "polyphony"))
    assert summary.distances["polyphony"]["transformer"].value == 29
    assert summary.gains["polyphony"]["transformer - mma"].value == 0


def test_writers_measured_on_different_songs_are_not_compared() -> None:
    rows = rows_of("true", [0.1, 0.2]) + rows_of("transformer", [0.1])
    with pytest.raises(ValueError, match="transformer has 1 of 2 songs"):
        summaries(rows)
    with pytest.raises(ValueError, match="true parts are missing"):
        summaries(rows_of("transformer", [0.1]))


def test_a_value_may_not_be_missing_where_the_true_part_has_one() -> None:
    rows = rows_of("true", [0.1, 0.2]) + rows_of("transformer", [0.1, 0.2], "onset_f1")
    with pytest.raises(ValueError, match="transformer has no chroma_f1"):
        summaries(rows)


@pytest.mark.parametrize(
    ("metric", "values", "reached"),
    [
        ("out_of_range", [0.0, 0.0, 0.0], True),
        ("out_of_range", [0.0, 1.0, 0.0], False),
        ("notes_per_bar_ratio", [0.1, 1.0, 9.0], True),
        ("notes_per_bar_ratio", [0.1, 0.4, 9.0], False),
    ],
)
def test_goals_of_form(metric: str, values: list[float | None], reached: bool) -> None:
    rows = rows_of("transformer", values, metric) + rows_of("random", values, metric)
    found = goals([pooled(rows + rows_of("true", [1.0] * 3, metric))])
    assert next(found).reached is reached


@pytest.mark.parametrize(("longest", "reached"), [(40.0, True), (90.0, False)])
def test_copying_is_told_by_the_longest_of_many_parts(longest: float, reached: bool) -> None:
    metric = "longest_copied_run"
    usual: list[float | None] = [10.0] * 17
    parts = rows_of("transformer", [*usual, longest, longest, longest], metric)
    rows = parts + rows_of("random", [5.0] * 20, metric)
    summary = pooled(rows + rows_of("true", [*usual, 50.0, 50.0, 50.0], metric))
    assert summary.copied_run == {"random": 5, "transformer": longest, "true": 50}
    goal = next(goal for goal in goals([summary]) if "copied run" in goal.text)
    assert goal.reached is reached


def test_a_summary_comes_back_from_json() -> None:
    rows = rows_of("random", [0.4, 0.5]) + rows_of("transformer", [0.5, 0.8])
    summary = pooled(rows + rows_of("true", [1.0, 1.0]))
    kept = json.loads(json.dumps(summary.as_json()))
    assert summary_of_json(kept).as_json() == kept
    assert draw([summary]).startswith(b"\x89PNG")


def test_ranks_of_a_hand_made_table() -> None:
    distances = np.array([[[0.1], [0.2], [0.2], [0.9]], [[0.5], [0.4], [0.3], [0.2]]])
    assert mean_ranks(distances)[:, 0].tolist() == [2.5, 2.75, 2.25, 2.5]
    # a metric that a song does not have takes no part
    distances[1] = np.nan
    assert mean_ranks(distances)[:, 0].tolist() == [1, 2.5, 2.5, 4]


@given(arrays(np.float64, (3, 4, 5), elements=tenths))
def test_ranks_of_a_song_always_add_up(distances: np.ndarray) -> None:
    ranks = mean_ranks(distances)
    assert ranks.sum(axis=0) == pytest.approx(np.full(5, 10))
    assert mean_ranks(distances * 3 + 1) == pytest.approx(ranks)


@given(arrays(np.float64, 6, elements=tenths), arrays(np.float64, 6, elements=tenths))
def test_the_area_turns_round_when_the_sides_are_swapped(
    one: np.ndarray, other: np.ndarray
) -> None:
    assert area_under_curve(one, other) + area_under_curve(other, one) == pytest.approx(1)
    assert area_under_curve(one, one) == 0.5


def test_the_area_of_values_apart_is_one(rng: np.random.Generator) -> None:
    low, high = rng.uniform(0, 0.4, 30), rng.uniform(0.5, 1, 30)
    assert separation(high, low, rng) == (1, 1, 1)
    alike = separation(low, rng.uniform(0, 0.4, 30), rng)
    assert alike.low < 0.5 < alike.high
