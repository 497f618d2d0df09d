"""The rules' draft as a writer hears it: the same music on the grid, features where it strikes."""

from __future__ import annotations

import numpy as np
import pytest

from scoretokens.grid import TICKS_PER_BEAT, GridPart, to_grid
from subtractive.arrangement import Arrangement, bars
from subtractive.arranger import arrange
from subtractive.instruments import INSTRUMENTS, role
from symbolic.draft import arrangement_of, draft_of
from symbolic.frames import FRAME, SLICES, Key, context_frames, cut, frame_of_tick


def context_parts(song: Arrangement, instrument: str) -> list[GridPart]:
    return [part for part in to_grid(song).parts if part.role != instrument]


def test_on_the_grid_the_music_keeps_its_bars_roles_and_notes(song: Arrangement) -> None:
    grid = to_grid(song)
    told = arrangement_of(grid, grid.parts, None)
    assert told.ticks_per_beat == TICKS_PER_BEAT
    assert [role(part) for part in told.parts] == [part.role for part in grid.parts]
    assert [bar.onset for bar in bars(told)] == grid.bar_onsets[:-1].tolist()
    assert [len(part.notes) for part in told.parts] == [len(part.notes) for part in grid.parts]


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_the_draft_is_what_the_arranger_plays(song: Arrangement, instrument: str) -> None:
    grid, parts = to_grid(song), context_parts(song, instrument)
    draft = draft_of(grid, parts, instrument, np.random.default_rng(7))
    played = arrange(arrangement_of(grid, parts, None), instrument, np.random.default_rng(7))
    assert draft.role == instrument
    assert draft.notes[:, 0].tolist() == [note.onset for note in played.notes]
    assert draft.notes[:, 2].tolist() == [note.pitch for note in played.notes]


def test_a_cutting_is_drafted_in_its_own_place(song: Arrangement) -> None:
    piece = cut(to_grid(song), 1, to_grid(song).bar_count)
    draft = draft_of(piece, context_parts(song, "drums"), "drums", np.random.default_rng(7))
    assert len(draft.notes)
    assert draft.notes[:, 0].min() >= piece.bar_onsets[0]
    assert draft.notes[:, 0].max() < piece.bar_onsets[-1]


@pytest.mark.parametrize("shift", [-3, 0, 5])
def test_features_say_where_and_what_the_draft_strikes(song: Arrangement, shift: int) -> None:
    grid = to_grid(song)
    start = int(grid.bar_onsets[0])
    draft = GridPart("bass", 33, np.array([[start, 6, 40, 90], [start + 12, 3, 47, 127]]))
    seen = context_frames(grid, [], Key(shift, is_minor=False), draft=draft).values
    struck, shape = seen[:, SLICES["draft_struck"]], seen[:, SLICES["draft_shape"]]
    at = frame_of_tick(grid.bar_onsets)[0][[0, 12]]
    assert np.argwhere(struck).tolist() == [
        [at[0], (40 + shift) % 12],
        [at[1], (47 + shift) % 12],
    ]
    assert np.flatnonzero(shape[:, 1]).tolist() == at.tolist()
    assert shape[:, 0].all()
    assert shape[at, 3] == pytest.approx([90 / 127, 1])
    held = seen[:, SLICES["draft_sounding"].start + (40 + shift) % 12]
    assert held.sum() == 6 / FRAME
    assert not seen[:, SLICES["draft_drums"]].any()


def test_without_a_draft_nothing_is_said_of_one(song: Arrangement) -> None:
    seen = context_frames(to_grid(song), [], Key(0, is_minor=False)).values
    assert not seen[:, SLICES["draft_struck"].start :].any()
