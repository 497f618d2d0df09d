"""Rows and lessons: what a writer learns, and that its answer is not given away."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoretokens.codec import Encoded, decode, encode, normalise
from scoretokens.grid import GridPart, to_grid
from scoretokens.vocabulary import vocabulary
from subtractive.arrangement import Arrangement, Note, Part
from subtractive.example import main_part, subtract
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS
from symbolic.frames import FRAME, SLICES, frame_of_tick
from symbolic.lessons import LOOKAHEAD, WINDOW, Lesson, disguise, lesson, target_part, thin
from symbolic.rows import MAIN, STEP, Rows, ids_of, rows_of
from tests.test_scoretokens import parts

Ints = npt.NDArray[np.int64]
V = vocabulary()
BAR = 1920
LIGHT = settings(max_examples=40, deadline=None)


def rows(said: Encoded, lines: list[int]) -> Rows:
    onsets = np.array(lines)
    return rows_of(said, onsets, frame_of_tick(onsets)[2])


def long_song(song: Arrangement, times: int = 4) -> Arrangement:
    """The fixture several times over, its melody a step higher each time."""

    def played(part: Part) -> Part:
        return replace(
            part,
            notes=tuple(
                note._replace(
                    onset=note.onset + turn * 8 * BAR,
                    pitch=note.pitch + (2 * turn if part.name == "Melody" else 0),
                )
                for turn in range(times)
                for note in part.notes
            ),
        )

    return replace(song, parts=tuple(played(part) for part in song.parts), chords=())


@settings(max_examples=50, deadline=None)
@given(parts(), st.none() | st.integers(24, 39))
def test_rows_and_tokens_say_the_same(
    part: tuple[str, list[int], Ints], program: int | None
) -> None:
    instrument, lines, notes = part
    said = encode(notes, lines, instrument=instrument, program=program)
    folded = rows(said, lines)
    assert ids_of(folded.main, folded.duration, folded.velocity) == said.ids.tolist()
    assert (folded.main < MAIN).all()
    kinds = [V.kind(token) for token in folded.main.tolist()]
    struck = np.array([kind in ("Pitch", "PitchDrum") for kind in kinds])
    assert ((folded.velocity > 0) == struck).all()
    assert ((folded.duration > 0) == [kind == "Pitch" for kind in kinds]).all()


@settings(max_examples=50, deadline=None)
@given(parts())
def test_every_row_stands_at_its_own_time(part: tuple[str, list[int], Ints]) -> None:
    instrument, lines, notes = part
    said = encode(notes, lines, instrument=instrument)
    folded = rows(said, lines)
    ticks = said.ticks[said.ids < MAIN]
    frame, _, bar_frames = frame_of_tick(np.array(lines))
    assert folded.frame.tolist() == frame[ticks - lines[0]].tolist()
    bar = np.searchsorted(bar_frames, folded.frame, side="right") - 1
    assert folded.position.tolist() == (ticks - np.array(lines)[bar]).tolist()
    # musical time in sixteenths; of rows at one time each stands a little after the one before
    crowd = Counter(ticks.tolist())
    later = folded.place - ((ticks - lines[0]) / FRAME).astype(np.float32)
    assert (later >= 0).all()
    assert (later < STEP * max(crowd.values())).all()
    if max(crowd.values()) * STEP < 1 / FRAME:
        assert (np.diff(folded.place) > 0).all()


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_the_target_is_the_examples_main_part(song: Arrangement, instrument: str) -> None:
    few = replace(song.parts[2], name="Bass 2", notes=song.parts[2].notes[:3])
    toms = Part("Toms", 0, True, (Note(240, 60, 45, 90), Note(0, 60, 36, 90)))
    busy = song.with_parts((few, toms, *song.parts))
    expected = main_part(subtract(busy, Instruction(instrument)))
    found = target_part(to_grid(busy), instrument)
    (alone,) = to_grid(busy.with_parts((expected,))).parts
    assert found is not None
    assert found.notes[:, [0, 2]].tolist() == alone.notes[:, [0, 2]].tolist()


@pytest.mark.parametrize("first", [0, 5, 16])
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_lessons_rows_say_what_was_taken_out(
    song: Arrangement, instrument: str, first: int
) -> None:
    grid = to_grid(long_song(song))
    found = lesson(grid, instrument, first, None)
    target = target_part(grid, instrument)
    assert found is not None
    assert target is not None
    lines = grid.bar_onsets[first : first + WINDOW + 1].tolist()
    said = ids_of(found.rows.main, found.rows.duration, found.rows.velocity)
    inside = (target.notes[:, 0] >= lines[0]) & (target.notes[:, 0] < lines[-1])
    played = normalise(target.notes[inside], is_drums=target.is_drums)
    assert decode(said, lines)[:, [0, 1, 3]].tolist() == played[:, [0, 1, 3]].tolist()
    assert found.bar_count == min(WINDOW, 32 - first)
    # sixteen frames a bar; the bars after the window are seen as well
    assert len(found.frames) == 16 * min(WINDOW + LOOKAHEAD, 32 - first)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_lesson_does_not_give_its_answer_away(song: Arrangement, instrument: str) -> None:
    """Frames are the same whatever the target plays."""
    grid = to_grid(long_song(song))
    other = tuple(
        replace(part, notes=(part.notes + np.array([1, 5, 3, 0]))[::2])
        if part.role == instrument
        else part
        for part in grid.parts
    )
    here, there = (lesson(one, instrument, 4, None) for one in (grid, replace(grid, parts=other)))
    assert here is not None
    assert there is not None
    assert np.array_equal(here.frames, there.frames)
    assert len(here.rows) != len(there.rows)


@pytest.mark.parametrize("semitones", [-5, -1, 2, 4])
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_lessons_are_the_same_in_every_key(
    song: Arrangement, instrument: str, semitones: int
) -> None:
    home = to_grid(long_song(song))
    there = replace(
        home,
        parts=tuple(
            part
            if part.is_drums
            else replace(part, notes=part.notes + np.array([0, 0, semitones, 0]))
            for part in home.parts
        ),
    )
    expected, found = lesson(home, instrument, 4, None), lesson(there, instrument, 4, None)
    assert expected is not None
    assert found is not None
    # How high music lies is no matter of key; what a guitar can grip hangs on its frets.
    draft = slice(SLICES["draft_struck"].start, SLICES["draft_shape"].stop)
    height = SLICES["draft_shape"].start + 2
    free = np.r_[SLICES["extremes"], draft if instrument == "guitar" else height]
    assert np.array_equal(
        np.delete(found.frames, free, axis=1), np.delete(expected.frames, free, axis=1)
    )
    pitched = np.isin(expected.rows.main, V.span("Pitch"))
    moved = found.rows.main - expected.rows.main
    assert not moved[~pitched].any()
    # the key goes to the nearest octave
    assert set(moved[pitched].tolist()) <= {-12, 0, 12}
    assert len(set(moved[pitched].tolist())) <= 1


def test_no_lesson_where_there_is_nothing_to_learn(song: Arrangement) -> None:
    grid = to_grid(song)
    without = replace(grid, parts=tuple(part for part in grid.parts if part.role != "bass"))
    alone = replace(grid, parts=grid.parts[2:3])
    brief = replace(grid.parts[2], notes=grid.parts[2].notes[:3])
    assert lesson(grid, "bass", 0, None) is not None
    assert lesson(without, "bass", 0, None) is None
    assert lesson(alone, "bass", 0, None) is None
    assert lesson(replace(grid, parts=(*without.parts, brief)), "bass", 0, None) is None


def band(*names: str) -> list[GridPart]:
    """Parts told apart by their program."""
    empty = np.zeros((0, 4), dtype=np.int64)
    return [GridPart(name, place, empty) for place, name in enumerate(names)]


@LIGHT
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_what_is_left_of_a_context_is_some_of_it_in_order(seed: int, count: int) -> None:
    context = band(*("drums", "bass", "other", "other", "guitar")[:count])
    kept, symbols = thin(context, np.random.default_rng(seed))
    places = [part.program for part in kept]
    assert places == sorted(set(places))
    assert set(kept) <= set(context)
    # without any context there is nothing to write symbols from
    assert kept or not symbols


def test_every_way_to_thin_a_context_happens(rng: np.random.Generator) -> None:
    context = band("drums", "bass", "other", "other")
    drawn = [thin(context, rng) for _ in range(600)]
    sizes = Counter(len(kept) for kept, _ in drawn)
    assert all(sizes[size] > 20 for size in range(5))
    assert sizes[0] < 90
    # lead sheets: one tune, and symbols
    sheets = sum([part.role for part in kept] == ["other"] and given for kept, given in drawn)
    assert 40 < sheets < 180


def test_training_sees_given_chords_and_foreign_keys_now_and_then(
    song: Arrangement, rng: np.random.Generator
) -> None:
    grid = to_grid(long_song(song))
    shown = [lesson(grid, "bass", 0, rng) for _ in range(60)]
    columns = [one.frames[:, SLICES["chord_flags"]].max(axis=0).tolist() for one in shown if one]
    assert [1, 0, 1] in columns
    assert [1, 0, 0] in columns
    # drums alone have no chords
    assert [0, 0, 0] in columns
    minor = [one.frames[0, SLICES["minor"]].item() for one in shown if one]
    assert 0 < sum(minor) < 30


def test_a_part_that_mostly_rests_is_not_trained_on(
    song: Arrangement, rng: np.random.Generator
) -> None:
    grid = to_grid(long_song(song))
    bass = grid.parts[2]
    rare = replace(grid, parts=(replace(bass, notes=bass.notes[: 7 * 3]), grid.parts[0]))
    often = replace(grid, parts=(replace(bass, notes=bass.notes[: 8 * 3]), grid.parts[0]))
    assert lesson(rare, "bass", 0, rng) is None
    assert lesson(often, "bass", 0, rng) is not None
    # measured it is all the same
    assert lesson(rare, "bass", 0, None) is not None


def test_a_lesson_holds_what_its_name_says(song: Arrangement) -> None:
    found = lesson(to_grid(song), "guitar", 0, None)
    assert isinstance(found, Lesson)
    assert V.tokens[int(found.rows.main[0])] == "Instrument_guitar"
    assert V.tokens[int(found.rows.main[1])] == "Program_25"


@given(st.integers(0, 10**6))
def test_a_disguised_part_tells_the_same_harmony_in_the_same_time(seed: int) -> None:
    """It may rest, sound an octave off, or have another sound; nothing is played that was not."""
    rng = np.random.default_rng(seed)
    onsets = np.arange(0, 96 * 12, 12)
    notes = np.stack(
        [onsets, np.full(96, 12), rng.integers(36, 84, 96), rng.integers(1, 128, 96)], axis=1
    )
    bar_onsets = np.arange(0, 96 * 12 + 1, 48)
    for role in (*INSTRUMENTS, "other"):
        part = GridPart(role, 0, notes)
        found = disguise(part, bar_onsets, rng)
        assert found.role == role
        before = {onset: (duration, pitch, loud) for onset, duration, pitch, loud in notes.tolist()}
        for onset, duration, pitch, loud in found.notes.tolist():
            was = before[onset]
            assert (duration, pitch % 12, loud) == (was[0], was[1] % 12, was[2])
            assert abs(pitch - was[1]) in ((0, 12) if role == "other" else (0,))
        # it rests for one stretch of whole bars at most
        silent = sorted({*range(24)} - {int(onset) // 48 for onset in found.notes[:, 0]})
        assert len(silent) <= 8
        assert not silent or silent == list(range(silent[0], silent[-1] + 1))
        assert role == "other" or found.program == 0


def test_disguises_are_common_and_so_is_the_plain_part() -> None:
    rng = np.random.default_rng(0)
    notes = np.array([[tick, 12, 60, 80] for tick in range(0, 768, 12)])
    part = GridPart("other", 0, notes)
    found = [disguise(part, np.arange(0, 769, 48), rng) for _ in range(400)]
    plain = [one for one in found if np.array_equal(one.notes, notes) and one.program == 0]
    assert 120 < len(plain) < 240
