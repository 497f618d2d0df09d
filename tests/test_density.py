"""More or fewer notes: the odds of striking moved, and what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoretokens.vocabulary import vocabulary
from symbolic.density import corrected, good_ones, hastened, misses, spread
from symbolic.manner import Range, near
from symbolic.rows import MAIN

V = vocabulary()
BAR, POSITION = V.id("Bar_None"), V.span("Position")
AMOUNTS = st.floats(-4, 4)


def chances(logits: np.ndarray, ids: np.ndarray) -> np.ndarray:
    powers = np.exp(logits[ids].astype(np.float64))
    return np.asarray(powers / powers.sum())


def scene(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, MAIN).astype(np.float32)
    allowed = np.zeros(MAIN, dtype=bool)
    places = POSITION.start + np.sort(rng.choice(48, 12, replace=False))
    allowed[[*places, BAR]] = True
    return logits, allowed, np.append(places, BAR)


@given(st.integers(0, 10_000), AMOUNTS)
def test_each_position_is_stopped_at_with_odds_moved_by_the_same(seed: int, amount: float) -> None:
    logits, allowed, ids = scene(seed)
    before, after = (chances(each, ids) for each in (logits, hastened(logits, allowed, amount)))
    assert after.sum() == pytest.approx(1)
    for place in range(len(ids) - 1):
        odds = [each[place] / each[place + 1 :].sum() for each in (before, after)]
        assert np.log(odds[1] / odds[0]) == pytest.approx(amount, abs=1e-3)


@given(st.integers(0, 10_000), AMOUNTS)
def test_what_is_moved_can_be_moved_back(seed: int, amount: float) -> None:
    logits, allowed, ids = scene(seed)
    back = hastened(hastened(logits, allowed, amount), allowed, -amount)
    assert back[ids] == pytest.approx(logits[ids], abs=1e-2)


@given(st.integers(0, 10_000))
def test_the_eager_reach_the_bar_line_less_often(seed: int) -> None:
    logits, allowed, ids = scene(seed)
    ends = [chances(hastened(logits, allowed, each), ids)[-1] for each in (-2.0, 0.0, 2.0)]
    assert ends[0] > ends[1] > ends[2]


def test_without_a_choice_nothing_is_moved() -> None:
    logits = np.zeros(MAIN, np.float32)
    allowed = np.zeros(MAIN, dtype=bool)
    allowed[BAR] = True
    assert hastened(logits, allowed, 3.0)[BAR] == 0


def test_takes_are_spread_around_what_served() -> None:
    assert spread(1.5, 1, first=True) == [1.5]
    assert np.mean(spread(1.5, 6, first=True)) == pytest.approx(1.5)
    wide, narrow = (np.ptp(spread(0.0, 6, first=first)) for first in (True, False))
    assert wide > narrow > 0


def test_takes_near_the_wish_are_as_good_as_the_nearest() -> None:
    takes = [np.zeros((count, 4), dtype=np.int64) for count in (2, 8, 9, 30)]
    missed = misses(takes, 4 * 12, near(2.0), drums=True)
    assert missed[1] == 0
    assert missed[0] > missed[2]
    assert good_ones(missed) == [1, 2]


def test_a_single_take_that_played_too_little_is_followed_by_an_eager_one() -> None:
    wanted = Range(4, 5)
    assert corrected(0.0, 1.0, wanted) > 0 > corrected(0.0, 20.0, wanted)
    assert corrected(0.7, 4.5, wanted) == 0.7
