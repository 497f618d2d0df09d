"""Arrays and excerpts: the same music as the frozen notes, cut without losing any of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Metre, Note, Part, bars, order
from subtractive.arrays import (
    ArraySong,
    notes_array,
    notes_tuple,
    resampled,
    to_arrangement,
    to_arrays,
)
from subtractive.example import main_part, subtract
from subtractive.excerpts import (
    EXCERPT_BARS,
    LEAST_BARS,
    TICKS,
    Labels,
    Song,
    cut,
    excerpts,
    main_notes,
    playable,
)
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS, role, roles
from subtractive.passages import passages
from tests.conftest import BAR, BEAT
from tests.test_arrangement import arrangements
from tests.test_lessons import long_song

LIGHT = settings(max_examples=40, deadline=None)


def as_song(music: Arrangement, name: str = "a") -> Song:
    return Song(name, "", to_arrays(music), Labels("folder"))


@LIGHT
@given(arrangements())
def test_arrays_hold_the_same_music(music: Arrangement) -> None:
    assert to_arrangement(to_arrays(music)) == music
    assert to_arrays(music).end == music.end
    assert bars(to_arrays(music)) == bars(music)
    assert roles(to_arrays(music).parts) == roles(music.parts)


@LIGHT
@given(arrangements(), st.sampled_from((2, 3, 10)))
def test_finer_ticks_lose_nothing(music: Arrangement, times: int) -> None:
    finer = resampled(to_arrays(music), times * music.ticks_per_beat)
    assert to_arrangement(resampled(finer, music.ticks_per_beat)) == music
    for part, old in zip(finer.parts, music.parts, strict=True):
        assert [note.onset for note in notes_tuple(part.notes)] == [
            note.onset * times for note in old.notes
        ]


@LIGHT
@given(arrangements(ticks_per_beat=BEAT))
def test_excerpts_together_are_the_song(music: Arrangement) -> None:
    """Every bar is in one excerpt, and every note, but for what sounds over an excerpt's end."""
    table = bars(music)
    found = list(excerpts(as_song(music)))
    assert sum(each.bar_count for each in found) == len(table) == found[0].bar_total
    assert [each.first_bar for each in found] == list(range(0, len(found) * 32, 32))
    notes, wanted = [], []
    for each in found:
        start = table[each.first_bar].onset
        lengths = [bar.length for bar in table[each.first_bar :][: each.bar_count]]
        assert np.diff(each.music.barlines).tolist() == lengths
        end = start + sum(lengths)
        for part in each.arrangement.parts:
            notes += [note._replace(onset=note.onset + start) for note in part.notes]
        for note in (note for part in music.parts for note in part.notes):
            if start <= note.onset < end:
                wanted.append(note._replace(duration=min(note.duration, end - note.onset)))
    assert sorted(notes) == sorted(wanted)
    # a note without length on the last barline lies in no bar
    last = table[-1].end
    assert len(notes) == sum(note.onset < last for part in music.parts for note in part.notes)
    whole = dict(zip(map(id, music.parts), roles(music.parts), strict=True))
    played = {(part.name, part.program, whole[id(part)]) for part in music.parts if part.notes}
    assert {
        (part.name, part.program, role(part)) for each in found for part in each.music.parts
    } <= played


@LIGHT
@given(arrangements(ticks_per_beat=BEAT), st.data())
def test_what_is_in_force_at_a_bar_is_in_force_in_its_cut(
    music: Arrangement, data: st.DataObject
) -> None:
    table = bars(music)
    first = data.draw(st.integers(0, len(table) - 1))
    last = data.draw(st.integers(first, len(table) - 1))
    lines = [bar.onset for bar in table[first : last + 1]] + [table[last].end]
    piece = to_arrangement(cut(to_arrays(music), lines))
    for tick in range(0, lines[-1] - lines[0], 60):
        assert piece.tempo_at(tick) == music.tempo_at(tick + lines[0])
    assert [bar.beat for bar in bars(piece)] == [bar.beat for bar in table[first : last + 1]]


def test_a_short_rest_of_a_song_stays_with_the_excerpt_before_it() -> None:
    for count in (1, 8, 32, 39, 40, 64, 71, 72, 100):
        part = Part("Lead", 80, False, (Note(0, BEAT, 60, 80), Note(count * BAR - 1, 1, 60, 80)))
        sizes = [each.bar_count for each in excerpts(as_song(Arrangement(BEAT, (part,))))]
        assert sum(sizes) == count
        assert all(size == EXCERPT_BARS for size in sizes[:-1])
        assert len(sizes) == 1 or LEAST_BARS <= sizes[-1] < EXCERPT_BARS + LEAST_BARS


@LIGHT
@given(arrangements(ticks_per_beat=BEAT), st.sampled_from(INSTRUMENTS))
def test_the_main_notes_are_those_of_the_main_part(music: Arrangement, instrument: str) -> None:
    (first, *_) = excerpts(as_song(music))
    example = subtract(first.arrangement, Instruction(instrument))
    found = notes_tuple(main_notes(first.music, instrument))
    wanted = main_part(example).notes if example.target else ()
    # of notes struck together at one pitch none comes first
    assert sorted(found) == sorted(wanted)
    assert list(map(order, found)) == list(map(order, wanted))


def test_a_voice_stays_a_voice_where_the_choir_rests() -> None:
    def sung(name: str, first_bar: int) -> Part:
        notes = tuple(Note(first_bar * BAR + beat * BEAT, BEAT, 48, 80) for beat in range(64))
        return Part(name, 0, False, notes)

    choir = Arrangement(BEAT, (sung("Soprano", 0), sung("Bass", 40)))
    assert roles(choir.parts) == ("other", "other")
    *_, last = excerpts(as_song(choir))
    assert [role(part) for part in last.music.parts if part.name == "Bass"] == ["other"]


def test_what_can_be_taken_out_needs_others_who_play_but_drums(song: Arrangement) -> None:
    (whole,) = excerpts(as_song(song))
    found = dict(playable(whole))
    assert set(found) == set(INSTRUMENTS)
    assert found["bass"].notes_per_bar == 3
    for place, instrument in ((1, "guitar"), (2, "bass")):
        (alone,) = excerpts(as_song(song.with_parts((song.parts[place],))))
        assert instrument in {role(part) for part in alone.music.parts}
        assert not list(playable(alone))
    (drums,) = excerpts(as_song(song.with_parts(song.parts[3:])))
    assert [name for name, _ in playable(drums)] == ["drums"]


def busy(music: Arrangement) -> Arrangement:
    """Sixteen bars with enough bass and drums for passages."""
    return long_song(music, 2)


def transposed(music: Arrangement, semitones: int) -> Arrangement:
    return music.with_parts(
        tuple(
            part
            if part.is_drums
            else replace(
                part,
                notes=tuple(note._replace(pitch=note.pitch + semitones) for note in part.notes),
            )
            for part in music.parts
        )
    )


@pytest.mark.parametrize("semitones", [-5, 3, 12])
def test_passages_are_the_same_in_every_key_and_at_any_ticks(
    song: Arrangement, semitones: int
) -> None:
    (here,) = excerpts(as_song(busy(song)))
    other = resampled(to_arrays(transposed(busy(song), semitones)), 96)
    (there,) = excerpts(Song("b", "", other, Labels("folder")))
    joint, drums = passages(here.music)
    assert len(joint) and len(drums)
    assert [found.tolist() for found in passages(there.music)] == [joint.tolist(), drums.tolist()]


def test_a_passage_ends_with_its_bars(song: Arrangement) -> None:
    """Another bass in one bar changes the passages that hold the bar, and no drums."""
    music = busy(song)
    bass = music.parts[2]
    played = tuple(
        note._replace(pitch=note.pitch + 1) if note.onset // BAR == 15 else note
        for note in bass.notes
    )
    other = music.with_parts((*music.parts[:2], replace(bass, notes=played), *music.parts[3:]))
    (one,), (two,) = excerpts(as_song(music)), excerpts(as_song(other))
    (joint, drums), (changed, same) = passages(one.music), passages(two.music)
    assert drums.tolist() == same.tolist()
    assert len(set(joint.tolist()) - set(changed.tolist())) <= 1
    assert len(set(joint.tolist()) ^ set(changed.tolist())) >= 1


def test_too_little_to_tell_is_no_passage(song: Arrangement) -> None:
    (one,) = excerpts(as_song(song.with_parts(song.parts[:3])))
    joint, drums = passages(one.music)
    assert len(joint) == len(drums) == 0
    thin = song.with_parts((song.parts[2], replace(song.parts[3], notes=song.parts[3].notes[:30])))
    (two,) = excerpts(as_song(thin))
    assert len(passages(two.music)[0]) == 0


def test_a_metre_of_its_own_has_passages_of_its_own(song: Arrangement) -> None:
    (common,) = excerpts(as_song(busy(song)))
    (waltz,) = excerpts(as_song(replace(busy(song), metres=(Metre(0, 3, 4),))))
    assert not set(passages(common.music)[0].tolist()) & set(passages(waltz.music)[0].tolist())


def test_notes_come_back_from_arrays() -> None:
    notes = (Note(0, 0, 127, 1), Note(3, 70_000, 0, 127))
    assert notes_tuple(notes_array(notes)) == notes
    assert notes_tuple(notes_array(())) == ()
    assert ArraySong(TICKS, ()).end == 0
