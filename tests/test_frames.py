"""What a writer sees: the context at its own musical time, in a key of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoretokens.grid import GridPart, GridSong, to_grid
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, bars
from subtractive.chart import chord_chart
from symbolic.frames import (
    FRAME,
    REACH,
    SLICES,
    WIDTH,
    Frames,
    Key,
    context_frames,
    cut,
    frame_of_tick,
    key_of,
    key_shift,
)
from tests.test_arrangement import arrangements

C_MAJOR = Key(0, is_minor=False)
BAR = 1920  # ticks of 4/4 at 480
LIGHT = settings(max_examples=40, deadline=None)
Floats = npt.NDArray[np.float32]


def column(frames: Frames, name: str) -> Floats:
    values: Floats = frames.values[:, SLICES[name]]
    return values


def all_but(frames: Frames, *names: str) -> Floats:
    """The frames with some columns blanked."""
    values = frames.values.copy()
    for name in names:
        values[:, SLICES[name]] = 0
    return values


def moved(song: GridSong, semitones: int) -> GridSong:
    """The same music higher, its drums where they were."""
    parts = tuple(
        part if part.is_drums else replace(part, notes=part.notes + np.array([0, 0, semitones, 0]))
        for part in song.parts
    )
    chords = song.chords.copy()
    for row in chords:
        if row[1] >= 0:
            row[[1, 3]] = (row[[1, 3]] + semitones) % 12
            row[2] = sum(1 << (tone + semitones) % 12 for tone in range(12) if row[2] >> tone & 1)
    return replace(song, parts=parts, chords=chords)


def within_reach(song: GridSong) -> GridSong:
    """The same music with every pitch far enough from MIDI's ends to be moved."""
    parts = tuple(
        replace(
            part,
            notes=np.column_stack(
                [part.notes[:, :2], 30 + part.notes[:, 2:3] % 60, part.notes[:, 3:]]
            ),
        )
        for part in song.parts
    )
    return replace(song, parts=parts)


def seen(
    song: GridSong,
    key: Key = C_MAJOR,
    parts: Sequence[GridPart] | None = None,
    *,
    symbols: bool = True,
) -> Frames:
    return context_frames(
        song, song.parts if parts is None else parts, key, chords=song.chords if symbols else None
    )


def test_every_column_has_one_name() -> None:
    covered = [index for place in SLICES.values() for index in range(place.start, place.stop)]
    assert covered == list(range(WIDTH))


@pytest.mark.parametrize("semitones", range(-6, 6))
def test_a_song_looks_the_same_in_every_key(song: Arrangement, semitones: int) -> None:
    """Music and key transposed together leave the frames as they are, estimated chords too."""
    home = to_grid(song)
    there = moved(home, semitones)
    for symbols in (True, False):
        expected = seen(home, C_MAJOR, symbols=symbols)
        found = seen(there, Key(-semitones, is_minor=False), symbols=symbols)
        assert np.array_equal(found.values, expected.values)


@pytest.mark.parametrize("semitones", range(-6, 6))
def test_finding_the_key_leaves_at_most_an_octave(song: Arrangement, semitones: int) -> None:
    home, there = to_grid(song), moved(to_grid(song), semitones)
    key, other = key_of(home.parts, home.chords), key_of(there.parts, there.chords)
    assert key == C_MAJOR
    assert other is not None
    expected, found = seen(home, key), seen(there, other)
    assert np.array_equal(all_but(found, "extremes"), all_but(expected, "extremes"))
    # extremes are counted in two octaves
    apart = column(found, "extremes") - column(expected, "extremes")
    assert set(np.unique(np.round(apart, 5))) in ({0.0}, {0.5}, {-0.5})


@LIGHT
@given(arrangements(), st.integers(-6, 6), st.booleans())
def test_any_music_looks_the_same_in_every_key(
    music: Arrangement, semitones: int, is_minor: bool
) -> None:
    triad = ChordSymbol(480, "C", 0, (0, 4, 7), 0)
    home = within_reach(to_grid(replace(music, chords=(triad,))))
    expected = seen(home, Key(0, is_minor))
    assert np.array_equal(
        seen(moved(home, semitones), Key(-semitones, is_minor)).values, expected.values
    )


@pytest.mark.parametrize("is_minor", [False, True])
@pytest.mark.parametrize("tonic", range(12))
def test_every_key_moves_to_c_major_or_a_minor(tonic: int, is_minor: bool) -> None:
    key = key_shift(tonic, is_minor)
    assert (tonic + key.shift) % 12 == (9 if is_minor else 0)
    assert -6 <= key.shift < 6
    assert key.is_minor == is_minor


def test_drums_alone_are_in_no_key(song: Arrangement) -> None:
    drums = to_grid(song).parts[3:]
    assert key_of(drums) is None
    assert key_of(()) is None
    cadence = chord_chart("C | F G7 | C | Am", bars(song))
    assert key_of(drums, to_grid(replace(song, chords=cadence)).chords) == C_MAJOR


@LIGHT
@given(arrangements())
def test_what_sounds_and_what_is_struck(music: Arrangement) -> None:
    """Frame by frame against a plain count, in whatever bars."""
    song = to_grid(music)
    frames = seen(song)
    starts = [
        int(onset) + step
        for onset, end in pairwise(song.bar_onsets)
        for step in range(0, int(end - onset), FRAME)
    ]
    ends = [*starts[1:], int(song.bar_onsets[-1])]
    notes = [note for part in song.parts if not part.is_drums for note in part.notes.tolist()]
    for frame, (start, end) in enumerate(zip(starts, ends, strict=True)):
        inside = [(on, pitch) for on, length, pitch, _ in notes if on < end and on + length > start]
        struck = {pitch % 12 for on, pitch in inside if on >= start}
        pitches = [pitch for _, pitch in inside]
        assert set(np.flatnonzero(column(frames, "sounding")[frame])) == {p % 12 for p in pitches}
        assert set(np.flatnonzero(column(frames, "struck")[frame])) == struck
        low, high = column(frames, "extremes")[frame] * 24 + 60
        lowest = np.flatnonzero(column(frames, "lowest_class")[frame]).tolist()
        if pitches:
            assert (round(low), round(high)) == (min(pitches), max(pitches))
            assert lowest == [min(pitches) % 12]
        else:
            assert lowest == []
            assert low == high == 60


def test_a_bar_of_a_band(song: Arrangement) -> None:
    """The first beat of the fixture: crash, kick and hat, a C chord, C in the bass, a G on top."""
    frames = seen(to_grid(song))

    def at(name: str, frame: int) -> list[int]:
        return np.flatnonzero(column(frames, name)[frame]).tolist()

    assert at("struck", 0) == at("sounding", 0) == [0, 4, 7]
    assert (at("lowest_class", 0), at("highest_class", 0)) == ([0], [7])
    assert at("bass_class", 0) == [0]
    assert at("drums", 0) == [0, 3, 6]
    assert at("drums", 2) == [3]
    assert at("drums", 4) == [1, 3]
    # bass, guitar and a flute, which leads; two beats on the bass rests
    assert at("role_struck", 0) == at("role_sounding", 0) == [0, 1, 4]
    assert at("role_struck", 1) == []
    assert at("role_sounding", 1) == [0, 1, 4]
    assert at("role_sounding", 5) == [1, 4]
    assert (at("chord_root", 0), at("chord_bass", 0), at("chord_tones", 0)) == ([0], [0], [0, 4, 7])
    assert at("chord_tones", 32) == [2, 5, 7, 11]


@LIGHT
@given(arrangements(), st.data())
def test_a_bar_is_seen_where_it_is(music: Arrangement, data: st.DataObject) -> None:
    """Notes put into a bar change its frames alone, and how the next eight resemble it."""
    song = to_grid(music)
    bar = data.draw(st.integers(0, song.bar_count - 1))
    onset, end = song.bar_onsets[bar : bar + 2]
    new = GridPart("other", 0, np.array([[onset, end - onset, 61, 100]]))
    kick = GridPart("drums", 0, np.array([[onset, 3, 36, 100]]))
    before, after = seen(song), seen(song, parts=(*song.parts, new, kick))
    changed = (before.values != after.values).any(axis=1)
    own = slice(*before.bar_frames[bar : bar + 2])
    assert changed[own.start]
    elsewhere = np.ones(len(changed), dtype=bool)
    elsewhere[own] = False
    assert np.array_equal(all_but(before, "alike")[elsewhere], all_but(after, "alike")[elsewhere])
    elsewhere[own.start : before.bar_frames[min(bar + REACH + 1, song.bar_count)]] = False
    assert not changed[elsewhere].any()


@LIGHT
@given(arrangements(), st.data())
def test_a_cutting_shows_what_the_whole_shows(music: Arrangement, data: st.DataObject) -> None:
    """But for the bars before it, which its first bars cannot be compared with."""
    song = to_grid(music)
    first = data.draw(st.integers(0, song.bar_count - 1))
    last = data.draw(st.integers(first + 1, song.bar_count))
    piece = cut(song, first, last)
    whole = seen(song)
    part = context_frames(
        piece, piece.parts, C_MAJOR, chords=song.chords, first_bar=first, bar_total=song.bar_count
    )
    place = slice(whole.bar_frames[first], whole.bar_frames[last])
    assert np.array_equal(all_but(part, "alike"), all_but(whole, "alike")[place])
    settled = whole.bar_frames[min(first + REACH, last)] - place.start
    assert np.array_equal(part.values[settled:], whole.values[place][settled:])


@LIGHT
@given(arrangements())
def test_frames_are_sixteenths_counted_from_every_barline(music: Arrangement) -> None:
    onsets = to_grid(music).bar_onsets
    frame, within, bar_frames = frame_of_tick(onsets)
    assert np.diff(bar_frames).tolist() == [-(-length // FRAME) for length in np.diff(onsets)]
    place = 0
    for bar, (onset, end) in enumerate(pairwise(onsets)):
        for tick in range(end - onset):
            assert frame[place] == bar_frames[bar] + tick // FRAME
            assert within[place] == tick % FRAME
            place += 1
    assert place == len(frame)
    metre = column(seen(to_grid(music)), "metre")
    assert np.flatnonzero(metre[:, 0]).tolist() == bar_frames[:-1].tolist()


@pytest.mark.parametrize(
    ("metre", "beats"), [((4, 4), [0, 4, 8, 12]), ((6, 8), [*range(0, 12, 2)]), ((2, 2), [0, 8])]
)
def test_beats_are_those_of_the_metre(metre: tuple[int, int], beats: list[int]) -> None:
    part = Part("", 0, False, (Note(0, 480, 60, 80),))
    frames = seen(to_grid(Arrangement(480, (part,), metres=(Metre(0, *metre),))))
    assert np.flatnonzero(column(frames, "metre")[:, 1]).tolist() == beats


def test_chords_are_given_or_estimated(song: Arrangement) -> None:
    grid = to_grid(song)
    given_, found = seen(grid), seen(grid, symbols=False)
    assert (column(given_, "chord_flags") == (1, 0, 1)).all()
    assert (column(found, "chord_flags") == (1, 0, 0)).all()
    # the fixture plays what its symbols say
    assert np.array_equal(column(given_, "chord_root"), column(found, "chord_root"))
    # an estimate hears nothing where nothing pitched sounds
    drums = context_frames(grid, grid.parts[3:], C_MAJOR)
    assert not column(drums, "chord_flags").any()
    assert not column(drums, "chord_tones").any()


def test_no_chord_is_a_chord_that_is_known_to_be_none(song: Arrangement) -> None:
    nothing = ChordSymbol(3 * BAR, "N.C.", None, (), None)
    back = ChordSymbol(5 * BAR, "F/A", 5, (5, 9, 0), 9)
    start = ChordSymbol(BAR, "C", 0, (0, 4, 7), 0)
    frames = seen(to_grid(replace(song, chords=(start, nothing, back))))
    flags = column(frames, "chord_flags")[::16]
    # before the first symbol nobody knows
    assert flags.tolist() == [
        [0, 0, 0],
        *2 * [[1, 0, 1]],
        *2 * [[1, 1, 1]],
        *3 * [[1, 0, 1]],
    ]
    silent = slice(3 * 16, 5 * 16)
    for name in ("chord_root", "chord_tones", "chord_bass"):
        assert not column(frames, name)[silent].any()
    assert np.flatnonzero(column(frames, "chord_bass")[5 * 16]).tolist() == [9]


def test_bars_that_are_alike(song: Arrangement) -> None:
    """Bars 3 and 4 play G7; bar 5 is as bar 1, but for the cymbal on the very first beat."""
    alike = column(seen(to_grid(song)), "alike")[::16]
    assert alike[0].tolist() == [0] * REACH
    assert alike[3, 0] == 1
    assert 0 < alike[4, 0] < alike[4, 3] < 1
    assert alike[5, 0] == 1
    assert alike[5, 3] == 1
    # as far back as there are bars
    assert not alike[2, 2:].any()


def test_a_song_is_seen_to_end(song: Arrangement) -> None:
    place = column(seen(to_grid(song)), "song")[::16]
    assert place[:, 4].tolist() == [bars / 8 for bars in range(8, 0, -1)]
    assert np.allclose(place[:, 5], 0)  # 120 a minute
    assert np.allclose(place[:, 0], np.sin(2 * np.pi * np.arange(8) / 8), atol=1e-6)
