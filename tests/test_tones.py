"""What is known of a pitch is known of it in every key."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scoretokens.vocabulary import vocabulary
from symbolic.frames import FRAME, SLICES, WIDTH
from symbolic.tones import (
    FEATURES,
    INTERVALS,
    PITCH,
    bar_places,
    leaning,
    strikes_of,
    striking,
    told_of,
    tones_of,
)

V = vocabulary()
PITCHES = torch.tensor(V.values("Pitch"))


def frames(root: int, tones: tuple[int, ...]) -> Tensor:
    """One frame in which a chord is known and sounds."""
    values = torch.zeros(1, WIDTH)
    for tone in tones:
        for name in ("sounding", "chord_tones"):
            values[0, SLICES[name].start + (root + tone) % 12] = 1
    for name in ("chord_root", "chord_bass", "lowest_class"):
        values[0, SLICES[name].start + root % 12] = 1
    return values


def token(pitch: int) -> int:
    return V.id(f"Pitch_{pitch}")


@pytest.mark.parametrize("up", range(12))
def test_a_chord_moved_up_moves_what_is_wanted_as_far(up: int) -> None:
    torch.manual_seed(up)
    wanted = torch.randn(1, len(FEATURES) + INTERVALS)
    here = leaning(wanted, tones_of(frames(0, (0, 4, 7))))[0]
    there = leaning(wanted, tones_of(frames(up, (0, 4, 7))))[0]
    by_class = {int(pitch) % 12: float(value) for pitch, value in zip(PITCHES, here, strict=True)}
    for pitch, value in zip(PITCHES, there, strict=True):
        assert float(value) == pytest.approx(by_class[(int(pitch) - up) % 12], abs=1e-5)


@pytest.mark.parametrize("interval", range(12))
def test_an_interval_is_counted_from_the_root(interval: int) -> None:
    """Wanting one interval lifts exactly the pitches that lie so far above the root."""
    wanted = torch.zeros(1, len(FEATURES) + INTERVALS)
    wanted[0, len(FEATURES) + interval] = 1
    lifted = leaning(wanted, tones_of(frames(9, (0, 3, 7))))[0]
    assert torch.equal(lifted > 0, ((PITCHES - 9) % 12).eq(interval))


def test_wanting_what_sounds_lifts_what_sounds() -> None:
    wanted = torch.zeros(1, len(FEATURES) + INTERVALS)
    wanted[0, FEATURES.index("sounding")] = 2
    lifted = leaning(wanted, tones_of(frames(7, (0, 4, 7))))[0]
    assert {int(pitch) % 12 for pitch in PITCHES[lifted == 2]} == {7, 11, 2}
    assert {float(value) for value in lifted} == {0.0, 2.0}


@pytest.mark.parametrize("root", [0, 5, 11])
def test_a_note_is_told_by_its_interval_and_by_what_sounds(root: int) -> None:
    """A fifth above the root is told alike over every chord, in any octave."""
    tones = tones_of(frames(root, (0, 4, 7)))
    told = told_of(torch.tensor([token(36 + root + 7)]), tones)[0]
    expected = torch.zeros(len(FEATURES) + INTERVALS)
    expected[[FEATURES.index("sounding"), FEATURES.index("chord_tones")]] = 1
    expected[len(FEATURES) + 7] = 1
    assert torch.equal(told, expected)
    assert torch.equal(told_of(torch.tensor([token(48 + root + 7)]), tones)[0], expected)


def test_what_is_no_pitch_is_told_nothing() -> None:
    others = [t for t in range(V.span("Duration").start) if t not in PITCH]
    tones = tones_of(frames(2, (0, 4, 7))).expand(len(others), -1, -1)
    assert not told_of(torch.tensor(others), tones).any()


def test_without_a_chord_there_is_no_interval() -> None:
    tones = tones_of(torch.zeros(1, WIDTH))
    assert not told_of(torch.tensor([token(40)]), tones).any()
    assert not leaning(torch.ones(1, len(FEATURES) + INTERVALS), tones).any()


def test_a_bar_is_found_from_any_row_in_it() -> None:
    """Rows at ticks 0, 7 and 47 of a bar that begins at frame 16; what lies beyond is not there."""
    position = torch.tensor([[0, 7, 47]])
    frame = 16 + position // FRAME
    places, there = bar_places(frame, position, 40)
    assert (places[..., 0] == 16).all()
    assert (places[there] < 40).all()
    assert there.sum(-1).tolist() == [[24, 24, 24]]


def test_the_draft_lifts_the_keys_of_the_drums_that_it_strikes() -> None:
    seen = torch.zeros(1, WIDTH)
    seen[0, SLICES["draft_drums"].start] = 1  # the kick
    lifted = striking(torch.tensor([[1.5]]), strikes_of(seen))[0]
    keys = vocabulary().values("PitchDrum")
    assert keys[np.flatnonzero(lifted.numpy())].tolist() == [35, 36]
    assert lifted.max() == 1.5
