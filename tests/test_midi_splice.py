"""Parts put in and taken out: what was not asked for stays, byte for byte or event for event."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, KeySignature, Metre, Note, Part, Tempo
from subtractive.files.midi import plan_channels, read_midi, write_midi
from subtractive.files.midi_events import cut, events
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
    track_chunks,
)

FLUTE = Part("Flute", 73, False, (Note(0, 480, 72, 64), Note(480, 0, 74, 64)))
DRUMS = Part("Drums", 0, True, (Note(0, 10, 36, 99),))


def played(channel: int, pitch: int = 60, its_program: int | None = None) -> bytes:
    """A track of one note."""
    sound = [] if its_program is None else [(0, program(its_program, channel))]
    return track(*sound, (0, on(pitch, channel)), (5, off(pitch, channel)))


def with_new(content: bytes, *parts: Part) -> Arrangement:
    song = read_midi(content)
    return song.with_parts(song.parts + parts)


def without(content: bytes, *places: int) -> Arrangement:
    song = read_midi(content)
    return song.with_parts(
        tuple(part for place, part in enumerate(song.parts) if place not in places)
    )


def without_tracks(song: Arrangement) -> Arrangement:
    """The same music with the numbers of its track chunks forgotten: dropped chunks shift them."""
    return song.with_parts(
        tuple(
            replace(part, origin=part.origin._replace(track=0) if part.origin else None)
            for part in song.parts
        )
    )


@given(midi_files())
def test_a_file_read_and_written_is_the_same_bytes(content: bytes) -> None:
    song = read_midi(content)
    assert write_midi(song) == content
    assert plan_channels(song) == ()


@settings(max_examples=200)
@given(midi_files(channels=range(16)), st.sampled_from((FLUTE, DRUMS)), st.binary(max_size=5))
def test_a_part_put_in_changes_nothing_else(content: bytes, new: Part, junk: bytes) -> None:
    content += b"\x00" + junk
    written = write_midi(with_new(content, new))
    old_file, new_file = cut(content), cut(written)
    assert track_chunks(written)[:-1] == track_chunks(content)
    assert [each for each in new_file.chunks if each in old_file.chunks] == [*old_file.chunks]
    assert new_file.tail == old_file.tail
    assert new_file.format == 1
    song, back = read_midi(content), read_midi(written)
    assert back.parts[:-1] == song.parts
    assert back.with_parts(song.parts) == song
    (plan,) = plan_channels(with_new(content, new))
    assert back.parts[-1].notes == new.notes
    assert back.parts[-1].is_drums == new.is_drums
    assert back.parts[-1].program == new.program or not plan.sends_program


@settings(max_examples=200)
@given(midi_files(), st.data())
def test_a_part_taken_out_leaves_all_others(content: bytes, data: st.DataObject) -> None:
    song = read_midi(content)
    places = data.draw(st.sets(st.integers(0, len(song.parts) - 1), min_size=1))
    assume(len(places) < len(song.parts))
    context = without(content, *places)
    written = write_midi(context)
    assert without_tracks(read_midi(written)) == without_tracks(context)
    shared = {part.origin.track for place, part in enumerate(song.parts) if part.origin
              and place in places}  # fmt: skip
    whole = [each for number, each in enumerate(track_chunks(content)) if number not in shared]
    waiting = iter(track_chunks(written))
    assert all(each in waiting for each in whole)
    assert cut(written).tail == cut(content).tail


def heard(content: bytes) -> list[tuple[int, int, bytes]]:
    """Tick, status and last two bytes of every event of all tracks but their ends."""
    return [
        (event.tick, event.status, each[event.body : event.stop][-2:])
        for each in track_chunks(content)
        for event in events(each)
        if not (event.status == 0xFF and event.first == 0x2F)
    ]


@given(midi_files())
def test_only_the_events_of_the_part_leave(content: bytes) -> None:
    song = read_midi(content)
    assume(len(song.parts) > 1)
    origins = [part.origin for part in song.parts if part.origin]
    written = write_midi(without(content, 0))
    waiting = iter(heard(content))
    assert all(event in waiting for event in heard(written))
    # a track that is dropped takes its names along
    assume(len(track_chunks(content)) == len(track_chunks(written)))
    gone = list((Counter(heard(content)) - Counter(heard(written))).elements())
    assert all(status & 0x0F == origins[0].channel for _, status, _ in gone)
    if origins[0].channel in {origin.channel for origin in origins[1:]}:
        struck = [status for _, status, values in gone if status & 0xF0 == 0x90 and values[1]]
        assert len(struck) == len(song.parts[0].notes)
        assert all(status & 0xF0 in (0x80, 0x90) for _, status, _ in gone)


@given(midi_files())
def test_what_was_put_in_can_be_taken_out_again(content: bytes) -> None:
    both = write_midi(with_new(content, FLUTE))
    back = write_midi(without(both, len(read_midi(both).parts) - 1))
    assert cut(back).chunks == cut(content).chunks


def test_format_0_becomes_format_1_around_the_same_chunk() -> None:
    old = track((0, on(60)), (5, bytes((60, 0))), (0, on(36, 9)), (5, off(36, 9)))
    content = midi_file(old, form=0, division=96)
    new = track((0, meta(0x03, b"Flute")), (0, program(73, 1)), (0, on(72, 1)), (480, off(72, 1)),
                (0, on(74, 1)), (0, off(74, 1)))  # fmt: skip
    assert write_midi(with_new(content, FLUTE)) == midi_file(old, new, form=1, division=96)


def test_format_0_without_a_part_stays_format_0() -> None:
    old = track((0, on(60)), (5, off(60)), (0, on(36, 9)), (5, off(36, 9)))
    left = track((5, on(36, 9)), (5, off(36, 9)))
    assert write_midi(without(midi_file(old, form=0), 0)) == midi_file(left, form=0)


def test_new_tracks_stand_before_what_follows_the_music() -> None:
    remark = chunk(b"CdS1", b"a remark")
    content = midi_file(chunk(b"XFIH", b""), played(0), remark) + b"\x1a\x1a"
    kinds = [each[:4] for each in cut(write_midi(with_new(content, FLUTE))).chunks]
    assert kinds == [b"XFIH", b"MTrk", b"MTrk", b"CdS1"]
    assert write_midi(with_new(content, FLUTE)).endswith(remark + b"\x1a\x1a")


def test_a_header_that_miscounts_is_corrected_only_with_its_tracks() -> None:
    content = midi_file(played(0), played(1), tracks=1)
    assert write_midi(with_new(content, FLUTE))[10:12] == b"\x00\x03"
    held = track((0, on(60)), (0, on(40, 1)), (5, off(60)), (0, off(40, 1)))
    assert write_midi(without(midi_file(held, tracks=7), 0))[10:12] == b"\x00\x07"


def test_pauses_add_up_and_running_status_is_written_where_it_is_needed() -> None:
    shared = track(
        (100, on(60, 0)),
        (10, bytes((64, 64))),  # runs on from the note before
        (10, on(40, 1)),
        (100, bytes((43, 64))),  # runs on from the bass, and is the bass
        (20, b"\xb0\x07\x64"),
        (30, on(60, 0, 0)),
        (40, on(40, 1, 0)),
        (0, bytes((43, 0))),
        (50, bytes((43, 5))),
        (5, bytes((43, 0))),
        (60, on(64, 0, 0)),
    )
    melody = track(
        (100, on(60, 0)),
        (10, bytes((64, 64))),
        (130, b"\xb0\x07\x64"),
        (30, on(60, 0, 0)),
        (155, on(64, 0, 0)),
    )
    bass = track(
        (120, on(40, 1)),
        (100, bytes((43, 64))),
        (90, on(40, 1, 0)),
        (0, bytes((43, 0))),
        (50, bytes((43, 5))),
        (5, bytes((43, 0))),
        end=b"\x3c" + END,
    )
    assert write_midi(without(midi_file(shared), 1)) == midi_file(melody)
    assert write_midi(without(midi_file(shared), 0)) == midi_file(bass)


def test_a_status_that_ran_on_from_a_removed_event_is_written_out() -> None:
    crossed = track((0, program(33)), (0, on(40)), (5, off(40)), (0, program(25)),
                    (0, on(50)), (5, bytes((50, 0))))  # fmt: skip
    mixed = track((0, program(33)), (0, on(40)), (0, meta(0x01, b"x")), (2, bytes((40, 0))),
                  (0, program(25)), (0, on(50)), (5, bytes((50, 0))))  # fmt: skip
    left = track((0, program(33)), (5, program(25)), (0, on(50)), (5, bytes((50, 0))))
    assert write_midi(without(midi_file(crossed), 0)) == midi_file(left)
    left = track((0, program(33)), (0, meta(0x01, b"x")), (2, program(25)), (0, on(50)),
                 (5, bytes((50, 0))))  # fmt: skip
    assert write_midi(without(midi_file(mixed), 0)) == midi_file(left)


def test_a_track_without_an_end_keeps_its_length() -> None:
    endless = track((0, on(60)), (10, on(40, 1)), (5, off(40, 1)), end=b"")
    left = track((0, on(60)), end=b"\x0f" + END)
    assert write_midi(without(midi_file(endless), 1)) == midi_file(left)


def test_one_program_of_a_channel_leaves_and_the_channel_stays() -> None:
    slapped = track((0, program(33)), (0, on(40)), (5, off(40)), (0, program(36)),
                    (0, on(41)), (5, off(41)))  # fmt: skip
    left = track((0, program(33)), (5, program(36)), (0, on(41)), (5, off(41)))
    assert write_midi(without(midi_file(slapped), 0)) == midi_file(left)


def test_a_channel_that_falls_silent_leaves_the_chunk_with_its_controllers() -> None:
    shared = track((0, program(33, 1)), (0, b"\xb1\x07\x64"), (0, on(60)), (0, on(40, 1)),
                   (5, off(60)), (0, off(40, 1)))  # fmt: skip
    assert write_midi(without(midi_file(shared), 1)) == midi_file(played(0))


def test_controllers_stay_while_another_track_plays_their_channel() -> None:
    first = track((0, program(33, 1)), (0, on(40, 1)), (5, off(40, 1)))
    left = track((0, program(33, 1)), end=b"\x05" + END)
    second = played(1, 50)
    assert write_midi(without(midi_file(first, second), 0)) == midi_file(left, second)


def test_a_track_with_nothing_left_to_say_is_dropped() -> None:
    conductor = track((0, meta(0x51, b"\x07\xa1\x20")))
    named = track((0, meta(0x03, b"Bass")), (0, meta(0x21, b"\x00")), (0, program(33, 1)),
                  (0, on(40, 1)), (5, off(40, 1)))  # fmt: skip
    content = midi_file(conductor, named, played(0))
    assert write_midi(without(content, 0)) == midi_file(conductor, played(0))


@pytest.mark.parametrize(
    "kept",
    [
        meta(0x51, b"\x07\xa1\x20"),
        meta(0x58, bytes((3, 2, 24, 8))),
        meta(0x59, bytes((1, 0))),
        meta(0x06, b"Chorus"),
        meta(0x05, b"la"),
        meta(0x7F, b"\x43"),
        meta(0x60, b"unknown"),
        b"\xf0\x02\x01\xf7",
        program(5, 2),
    ],
)
def test_a_track_that_says_more_than_its_part_stays(kept: bytes) -> None:
    shared = track((0, meta(0x03, b"Bass")), (0, on(40, 1)), (7, kept), (5, off(40, 1)))
    left = track((0, meta(0x03, b"Bass")), (7, kept), end=b"\x05" + END)
    content = midi_file(track(), shared, played(0))
    assert write_midi(without(content, 0)) == midi_file(track(), left, played(0))


def test_the_first_track_is_never_dropped() -> None:
    content = midi_file(played(1), played(0))
    left = track(end=b"\x05" + END)
    assert write_midi(without(content, 0)) == midi_file(left, played(0))


def test_a_changed_part_replaces_the_old_one() -> None:
    content = midi_file(track(), played(0, 60, 73), played(1, 40, 33))
    song = read_midi(content)
    longer = replace(song.parts[1], notes=(Note(0, 50, 43, 80),))
    back = read_midi(write_midi(song.with_parts((song.parts[0], longer))))
    assert [part.notes for part in back.parts] == [song.parts[0].notes, longer.notes]
    assert [part.program for part in back.parts] == [73, 33]


def test_maps_that_the_file_lacks_stand_in_the_first_new_track() -> None:
    tempos, metres = (Tempo(0, 400_000),), (Metre(0, 3, 4),)
    keys = (KeySignature(0, 2),)
    slow = track((0, meta(0x51, b"\x0f\x42\x40")), (0, on(60)), (5, off(60)))
    for old, tempo in ((played(0), tempos), (slow, (Tempo(0, 1_000_000),))):
        song = with_new(midi_file(old), FLUTE, DRUMS)
        song = replace(song, tempos=tempos, metres=metres, keys=keys)
        back = read_midi(write_midi(song))
        assert (back.tempos, back.metres, back.keys) == (tempo, metres, keys)
        assert track_chunks(write_midi(song))[0] == old
