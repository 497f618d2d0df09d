"""What is read from MIDI: parts, notes and maps, from clean and from ugly files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, KeySignature, Metre, Note, Tempo
from subtractive.errors import FileFormatError
from subtractive.files.midi import read_midi, write_midi
from tests.test_midi_events import (
    END,
    chunk,
    meta,
    midi_file,
    midi_files,
    off,
    on,
    program,
    track,
)

NOTE = ((0, on(60)), (5, off(60)))


def notes_of(*delayed: tuple[int, bytes]) -> tuple[Note, ...]:
    """The notes of a one-part file of these events."""
    (part,) = read_midi(midi_file(track(*delayed))).parts
    return part.notes


def origins(arrangement: Arrangement) -> list[tuple[int, int, int]]:
    found = [part.origin for part in arrangement.parts if part.origin]
    return [(origin.track, origin.channel, origin.program) for origin in found]


def test_a_part_is_a_track_a_channel_and_a_program() -> None:
    first = track(
        (0, meta(0x03, b"Rhythm")),
        (0, program(30, 2)),
        (0, on(50, 2)),
        (0, on(40, 1)),
        (5, off(50, 2)),
        (0, off(40, 1)),
        (0, program(29, 2)),
        (0, on(51, 2)),
        (5, off(51, 2)),
        (0, program(30, 2)),
        (0, on(52, 2)),
        (5, off(52, 2)),
    )
    second = track((0, meta(0x03, b"Kit")), (0, on(36, 9)), (5, off(36, 9)))
    song = read_midi(midi_file(track(), first, second))
    assert origins(song) == [(1, 1, 0), (1, 2, 30), (1, 2, 29), (2, 9, 0)]
    assert [part.name for part in song.parts] == ["Rhythm"] * 3 + ["Kit"]
    assert [part.is_drums for part in song.parts] == [False, False, False, True]
    assert [note.onset for note in song.parts[1].notes] == [0, 10]


def test_a_note_belongs_to_the_program_that_struck_it() -> None:
    held = track((0, program(33)), (0, on(40)), (5, program(25)), (5, off(40)), *NOTE)
    first, second = read_midi(midi_file(held)).parts
    assert (first.program, first.notes) == (33, (Note(0, 10, 40, 64),))
    assert (second.program, second.notes) == (25, (Note(10, 5, 60, 64),))


def test_a_track_without_program_takes_that_of_its_channel_at_its_first_note() -> None:
    setting = track((0, program(33, 1)), (10, program(25, 1)))
    playing = track(
        (0, on(40, 1)), (5, off(40, 1)), (5, on(41, 1)), (5, off(41, 1)),
        (0, program(5, 1)), (0, on(42, 1)), (5, off(42, 1)),
    )  # fmt: skip
    assert origins(read_midi(midi_file(setting, playing))) == [(1, 1, 33), (1, 1, 5)]


def test_another_port_has_channels_of_its_own() -> None:
    setting = track((0, meta(0x21, b"\x01")), (0, program(33, 1)))
    playing = track((0, meta(0x21, b"\x00")), (0, on(40, 1)), (5, off(40, 1)))
    assert origins(read_midi(midi_file(setting, playing))) == [(1, 1, 0)]


def test_equal_notes_that_overlap_end_in_the_order_in_which_they_began() -> None:
    notes = notes_of((0, on(60, 0, 10)), (10, on(60, 0, 20)), (10, off(60)), (10, off(60)))
    assert notes == (Note(0, 20, 60, 10), Note(10, 20, 60, 20))


def test_velocity_zero_releases() -> None:
    assert notes_of((0, on(60)), (7, on(60, 0, 0))) == (Note(0, 7, 60, 64),)


def test_a_note_released_at_once_has_no_length() -> None:
    assert notes_of((3, on(60)), (0, off(60))) == (Note(3, 0, 60, 64),)


def test_a_note_never_released_ends_with_its_track() -> None:
    ended = track((0, on(60)), (10, on(62)), (5, off(62)), end=b"\x64" + END)
    assert read_midi(midi_file(ended)).parts[0].notes == (Note(0, 115, 60, 64), Note(10, 5, 62, 64))
    endless = track((0, on(60)), (10, on(62)), (5, off(62)), end=b"")
    assert read_midi(midi_file(endless)).parts[0].notes[0] == Note(0, 15, 60, 64)


def test_a_release_of_nothing_is_left_alone() -> None:
    assert notes_of((0, off(60)), (5, on(60)), (5, off(60)), (5, off(60))) == (Note(5, 5, 60, 64),)


def test_notes_stand_in_order_of_onset_then_pitch() -> None:
    notes = notes_of(
        (0, on(64)), (0, on(60)), (1, on(50)), (9, off(60)), (0, off(64)), (0, off(50))
    )
    assert [(note.onset, note.pitch) for note in notes] == [(0, 60), (0, 64), (1, 50)]


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ("Бас".encode(), "Бас"),
        ("Gitarre für Jürgen".encode("latin-1"), "Gitarre für Jürgen"),
        (b"Bass\x00\x00", "Bass"),
        (b"", ""),
    ],
)
def test_names_are_read_in_the_alphabets_of_the_time(payload: bytes, name: str) -> None:
    named = track((0, meta(0x03, payload)), (0, meta(0x03, b"second name")), *NOTE)
    assert read_midi(midi_file(named)).parts[0].name == name


def test_maps_are_collected_from_all_tracks_and_the_later_one_counts() -> None:
    first = track(
        (0, meta(0x51, (500_000).to_bytes(3))),
        (0, meta(0x58, bytes((4, 2, 24, 8)))),
        (0, meta(0x59, bytes((0xFE, 1)))),
        (960, meta(0x58, bytes((6, 3, 24, 8)))),
        *NOTE,
    )
    second = track(
        (480, meta(0x51, (400_000).to_bytes(3))),
        (480, meta(0x58, bytes((3, 2, 24, 8)))),
        (0, meta(0x59, bytes((3, 0)))),
        (0, meta(0x51, (300_000).to_bytes(3))),
        (0, meta(0x51, (350_000).to_bytes(3))),
    )
    song = read_midi(midi_file(first, second))
    assert song.tempos == (Tempo(0, 500_000), Tempo(480, 400_000), Tempo(960, 350_000))
    assert song.metres == (Metre(0, 4, 4), Metre(960, 3, 4))
    assert song.keys == (KeySignature(0, -2, True), KeySignature(960, 3, False))


def test_impossible_maps_are_left_out() -> None:
    impossible = [
        meta(0x51, b"\x00\x00\x00"),
        meta(0x51, b"\x01"),
        meta(0x58, bytes((0, 2, 24, 8))),
        meta(0x58, bytes((4, 200, 24, 8))),
        meta(0x58, b""),
        meta(0x59, bytes((8, 0))),
        meta(0x59, bytes((0xF8, 0))),
        meta(0x59, bytes((1, 2))),
        meta(0x59, b"\x00"),
    ]
    song = read_midi(midi_file(track(*((0, event) for event in impossible), *NOTE)))
    assert (song.tempos, song.metres, song.keys) == ((), (), ())


@pytest.mark.parametrize("tracks", [0, 1, 2, 3, 65535])
def test_a_header_that_miscounts_its_tracks_is_tolerated(tracks: int) -> None:
    content = midi_file(track(*NOTE), track(*NOTE), tracks=tracks)
    assert origins(read_midi(content)) == [(0, 0, 0), (1, 0, 0)]


def test_unknown_chunks_and_remarks_after_the_music_are_no_tracks() -> None:
    content = midi_file(chunk(b"XFIH", b"karaoke"), track(), chunk(b"CdS1", b""), track(*NOTE))
    for junk in (b"", b"\x00", b"\x1a" * 40, b"saved with love", midi_file(track(*NOTE))):
        assert origins(read_midi(content + junk)) == [(1, 0, 0)]


def test_a_file_without_notes_is_refused() -> None:
    for content in (midi_file(), midi_file(track()), midi_file(track((0, off(60))))):
        with pytest.raises(FileFormatError, match="song holds no notes"):
            read_midi(content, "song")


def test_a_file_cut_off_anywhere_is_refused_or_still_music() -> None:
    content = midi_file(
        track((0, meta(0x03, b"Song")), (0, meta(0x51, b"\x07\xa1\x20"))),
        track((0, program(33)), *NOTE, (300, on(62)), (5, bytes((62, 0)))),
        chunk(b"XFIH", b"more"),
        track((0, b"\xf0\x02\x01\xf7"), (0, on(36, 9)), (5, off(36, 9))),
    )
    whole = read_midi(content)
    readable = []
    for length in range(len(content)):
        try:
            song = read_midi(content[:length])
        except FileFormatError:
            continue
        assert write_midi(song) == content[:length]
        assert song.parts == whole.parts[: len(song.parts)]
        readable.append(length)
    # only where a chunk ends, since the header may miscount
    assert len(readable) == 2


@settings(max_examples=300)
@given(midi_files(), st.data())
def test_any_byte_may_be_wrong_without_another_exception(
    content: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:place] + bytes((data.draw(st.integers(0, 255)),)) + content[place + 1 :]
    try:
        song = read_midi(damaged)
    except FileFormatError:
        return
    assert write_midi(song) == damaged
    try:
        write_midi(song.with_parts(song.parts[1:]))
    except FileFormatError as error:
        assert "does not fit" in str(error)  # pauses of damaged files add up
