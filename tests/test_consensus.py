"""The take that is kept is the one that is most like all the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from symbolic.consensus import Ints, likeness, most_agreed

START, BARS = 96, 2
END = START + BARS * 48
KICK, SNARE, HAT, CRASH = 36, 38, 42, 49


def notes(*each: tuple[int, int, int]) -> Ints:
    """Notes of (sixteenth, sixteenths, pitch), counted from the start."""
    rows = [(START + 3 * onset, 3 * length, pitch, 80) for onset, length, pitch in each]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


BEAT = notes(
    *[(n, 1, KICK) for n in (0, 8)],
    *[(n, 1, SNARE) for n in (4, 12)],
    *[(n, 1, HAT) for n in range(0, 16, 2)],
)
ROOTS = notes(*[(n, 4, 36) for n in range(0, 32, 4)])


@st.composite
def takes(draw: st.DrawFn) -> list[Ints]:
    """Some takes of up to 12 notes."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        count = draw(st.integers(0, 12))
        onset = draw(arrays.arrays(np.int64, count, elements=st.integers(START, END - 1)))
        length = draw(arrays.arrays(np.int64, count, elements=st.integers(1, 60)))
        pitch = draw(arrays.arrays(np.int64, count, elements=st.integers(35, 51)))
        found.append(np.stack([onset, length, pitch, np.full(count, 80)], axis=1))
    return found


@given(takes(), st.booleans())
def test_likeness_is_a_likeness(some: list[Ints], drums: bool) -> None:
    """Between 0 and 1, the same both ways, and to nothing more than to itself."""
    found = likeness(some, START, END, drums=drums)
    assert ((found >= 0) & (found <= 1 + 1e-9)).all()
    assert np.allclose(found, found.T)
    assert (np.diag(found)[:, None] >= found - 1e-9).all()


@given(takes(), st.booleans(), st.integers(0, 5))
def test_a_take_that_most_play_alike_is_kept(some: list[Ints], drums: bool, at: int) -> None:
    """Among n others, n + 1 equal takes are more than half: one of them wins."""
    common = BEAT if drums else ROOTS
    every = [*some, *[common] * (len(some) + 1)]
    order = np.roll(np.arange(len(every)), at)
    kept = [every[place] for place in order][
        most_agreed([every[place] for place in order], START, END, drums=drums)
    ]
    mine = likeness([kept, common], START, END, drums=drums)
    assert mine[0, 1] == pytest.approx(mine[1, 1])


@pytest.mark.parametrize("semitones", [1, 7])
def test_pitched_takes_are_alike_in_rhythm_and_in_harmony(semitones: int) -> None:
    """The same rhythm in other pitch classes is half alike; an octave makes no difference."""
    moved = ROOTS + np.array([0, 0, semitones, 0])
    octave = ROOTS + np.array([0, 0, 12, 0])
    found = likeness([ROOTS, moved, octave], START, END, drums=False)
    assert found[0, 1] == pytest.approx(0.5)
    assert found[0, 2] == pytest.approx(1)


def test_a_held_note_sounds_in_every_quarter_it_reaches() -> None:
    """Four notes of a quarter and one of four: the same harmony, a quarter of the onsets."""
    held, struck = notes((0, 16, 36)), notes(*[(n, 4, 36) for n in (0, 4, 8, 12)])
    assert likeness([held, struck], START, END, drums=False)[0, 1] == pytest.approx((1 + 0.4) / 2)


def test_a_note_may_ring_beyond_the_end() -> None:
    ringing = notes((28, 40, 36))
    within = notes((28, 4, 36))
    assert likeness([ringing, within], START, END, drums=False)[0, 1] == pytest.approx(1)


def test_drums_are_compared_class_by_class() -> None:
    """A kick where the snare was strikes at the right time, with the wrong drum."""
    turned = BEAT.copy()
    turned[:4, 2] = [SNARE, SNARE, KICK, KICK]
    found = likeness([BEAT, turned], START, END, drums=True)
    # any drum and hats agree; kick and snare do not
    assert found[0, 1] == pytest.approx(0.5)
    rim = BEAT.copy()
    rim[2:4, 2] = 37
    assert likeness([BEAT, rim], START, END, drums=True)[0, 1] == pytest.approx(1)


def test_silence_agrees_with_nothing() -> None:
    """However many takes are silent, one that plays is kept."""
    assert most_agreed([notes(), notes(), ROOTS], START, END, drums=False) == 2


def test_of_equals_the_first_is_kept() -> None:
    silence = notes()
    assert most_agreed([silence, silence, silence], START, END, drums=True) == 0
    assert most_agreed([BEAT], START, END, drums=True) == 0
