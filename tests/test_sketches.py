"""Parts that a user brings along: kept notes stand exactly, the others give way."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.arrays import notes_array
from subtractive.errors import InstrumentError
from subtractive.files.midi import write_midi
from subtractive.limbs import unplayable_strokes
from symbolic.sketches import facts_in, notes_in, part_in, with_kept

NOTES = st.lists(
    st.builds(
        Note,
        st.integers(0, 30).map(lambda slot: slot * 120),
        st.integers(1, 8).map(lambda length: length * 120),
        st.integers(30, 60),
        st.integers(1, 127),
    ),
    max_size=12,
    unique_by=lambda note: note.onset,
).map(lambda notes: tuple(sorted(notes)))


@given(NOTES, NOTES)
def test_kept_notes_stand_and_a_bass_plays_one_at_a_time_beside_them(
    fresh: tuple[Note, ...], kept: tuple[Note, ...]
) -> None:
    found = with_kept(Part("Bass", 33, False, fresh), kept, "bass", 480, 120).notes
    assert set(kept) <= set(found)
    for note in set(found) - set(kept):
        assert note.duration > 0
        assert not any(note.onset < each.end and each.onset < note.end for each in kept)


@given(NOTES, NOTES)
def test_nothing_is_added_and_without_anything_kept_nothing_changes(
    fresh: tuple[Note, ...], kept: tuple[Note, ...]
) -> None:
    part = Part("Guitar", 25, False, fresh)
    found = with_kept(part, kept, "guitar", 480, 120)
    heads = {(note.onset, note.pitch) for note in (*fresh, *kept)}
    assert {(note.onset, note.pitch) for note in found.notes} <= heads
    assert with_kept(part, (), "guitar", 480, 120) is part


def test_two_hands_strike_what_stays_and_leave_out_what_was_written() -> None:
    kept = (Note(0, 60, 38, 90), Note(0, 60, 51, 90))
    fresh = (Note(0, 60, 36, 90), Note(0, 60, 42, 90), Note(480, 60, 42, 90))
    found = with_kept(Part("Drums", 0, True, fresh), kept, "drums", 480, 120)
    assert set(kept) <= set(found.notes)
    assert Note(0, 60, 42, 90) not in found.notes
    assert {Note(0, 60, 36, 90), Note(480, 60, 42, 90)} <= set(found.notes)
    assert not unplayable_strokes(notes_array(found.notes), 480, 120).any()


def written(path: Path, *parts: Part, ticks: int = 240) -> Path:
    music = Arrangement(ticks, parts, (Tempo(0, 500_000),), (Metre(0, 4, 4),))
    path.write_bytes(write_midi(music))
    return path


BASS = Part("Bass", 33, False, tuple(Note(beat * 240, 120, 40, 70) for beat in range(16)))
KEYS = Part("Keys", 0, False, (Note(0, 960, 60, 80),))
PIPES = Part("Pipes", 75, False, (Note(0, 960, 72, 80),))


def test_notes_come_over_in_the_ticks_of_the_piece(tmp_path: Path) -> None:
    path = written(tmp_path / "bass.mid", BASS, KEYS)
    notes = notes_in(path, "bass", 480)
    assert [(note.onset, note.duration) for note in notes[:2]] == [(0, 240), (480, 240)]


def test_a_part_is_measured(tmp_path: Path) -> None:
    facts = facts_in(written(tmp_path / "bass.mid", BASS, KEYS), "bass")
    assert facts.attacks_per_quarter == pytest.approx(1.0)
    assert facts.mean_velocity == 70
    assert facts.tempo_qpm == pytest.approx(120)


def test_the_only_part_will_do_and_of_several_one_must_play_the_instrument(
    tmp_path: Path,
) -> None:
    assert part_in(written(tmp_path / "one.mid", PIPES), "bass")[1].program == 75
    with pytest.raises(InstrumentError, match=r"two\.mid has 2 parts.*none of them plays the bass"):
        part_in(written(tmp_path / "two.mid", KEYS, PIPES), "bass")
