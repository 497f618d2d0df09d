"""A written part is as loud as the rules would play it, and as even or uneven as it was."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic.dynamics import with_dynamics

BARS = np.arange(5) * 48
Ints = npt.NDArray[np.int64]


def strokes(*rows: tuple[int, int, int]) -> Ints:
    """Return notes of one tick from onset, pitch and velocity."""
    return np.array([(onset, 1, pitch, loud) for onset, pitch, loud in rows]).reshape(-1, 4)


KICK, SNARE, HAT = 36, 38, 42
DRAFT = strokes(
    *((bar * 48, KICK, 100 + 10 * (bar == 2)) for bar in range(4)),
    *((bar * 48 + 12, SNARE, 80 + 10 * (bar == 2)) for bar in range(4)),
)


def test_what_the_draft_plays_is_as_loud_as_there() -> None:
    notes = DRAFT.copy()
    notes[:, 3] = 64
    assert (with_dynamics(notes, DRAFT, BARS, drums=True) == DRAFT[:, 3]).all()


def test_other_strokes_are_as_loud_as_their_drum_and_their_bar() -> None:
    notes = strokes((24, KICK, 64), (36, SNARE, 64), (2 * 48 + 24, KICK, 64), (24, 40, 64))
    loud = with_dynamics(notes, DRAFT, BARS, drums=True)
    assert loud[0] > loud[1]  # a kick over a snare
    assert loud[2] == loud[0] + 10  # the third bar is louder
    assert loud[3] == loud[1]  # an electric snare is one


def test_ones_own_accents_stay() -> None:
    notes = strokes((0, 40, 60), (48, 40, 80))
    even = strokes((0, 40, 90), (48, 40, 90))
    assert with_dynamics(notes, even, BARS, drums=False).tolist() == [80, 100]


@pytest.mark.parametrize("drums", [True, False])
def test_without_a_draft_nothing_changes(*, drums: bool) -> None:
    nothing = strokes()
    assert (with_dynamics(DRAFT, nothing, BARS, drums=drums) == DRAFT[:, 3]).all()
    assert len(with_dynamics(nothing, DRAFT, BARS, drums=drums)) == 0


ROWS = st.lists(
    st.tuples(st.integers(0, 191), st.integers(35, 81), st.integers(1, 127)), min_size=1, max_size=9
)


@given(ROWS, ROWS, st.integers(-20, 20))
def test_a_louder_draft_makes_a_part_as_much_louder(
    mine: list[tuple[int, int, int]], draft: list[tuple[int, int, int]], louder: int
) -> None:
    notes = strokes(*((onset, pitch, 64) for onset, pitch, _ in mine))
    quiet = strokes(*((onset, pitch, 55 + loud % 8) for onset, pitch, loud in draft))
    loud = quiet + np.array([0, 0, 0, louder])
    for drums in (True, False):
        before, after = (with_dynamics(notes, each, BARS, drums=drums) for each in (quiet, loud))
        assert (np.abs(after - before - louder) <= 1).all()
