"""Chunks and events; and the tools with which all tests of MIDI assemble files by hand."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.errors import FileFormatError
from subtractive.files.midi_events import LONGEST_DELTA, cut, events, is_track, number

END = b"\xff\x2f\x00"
Delayed = tuple[int, bytes]  # ticks after the event before, and the event


def on(pitch: int, channel: int = 0, velocity: int = 64) -> bytes:
    return bytes((0x90 | channel, pitch, velocity))


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes((0x80 | channel, pitch, 0))


def program(value: int, channel: int = 0) -> bytes:
    return bytes((0xC0 | channel, value))


def meta(kind: int, payload: bytes) -> bytes:
    return bytes((0xFF, kind)) + number(len(payload)) + payload


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body)) + body


def track(*delayed: Delayed, end: bytes = b"\x00" + END) -> bytes:
    return chunk(b"MTrk", b"".join(number(delta) + event for delta, event in delayed) + end)


def midi_file(
    *chunks: bytes, form: int = 1, tracks: int | None = None, division: int = 480
) -> bytes:
    count = sum(is_track(each) for each in chunks) if tracks is None else tracks
    return chunk(b"MThd", struct.pack(">HHH", form, count, division)) + b"".join(chunks)


def track_chunks(content: bytes) -> list[bytes]:
    return [each for each in cut(content).chunks if is_track(each)]


_DATA = st.integers(0, 127)
_SYSTEM_DATA = st.lists(_DATA, max_size=3).map(bytes)
_PITCHES = st.sampled_from((36, 38, 60, 61, 127))


def _channel_events(channels: Sequence[int]) -> st.SearchStrategy[bytes]:
    channel = st.sampled_from(channels)
    velocity = st.sampled_from((0, 1, 64, 127))
    return st.one_of(
        st.builds(on, _PITCHES, channel, velocity),
        st.builds(on, _PITCHES, channel),
        st.builds(off, _PITCHES, channel),
        st.builds(program, st.sampled_from((0, 33)), channel),
        st.builds(lambda c, a, b: bytes((0xB0 | c, a, b)), channel, _DATA, _DATA),
        st.builds(lambda c, a: bytes((0xD0 | c, a)), channel, _DATA),
        st.builds(lambda c, a, b: bytes((0xE0 | c, a, b)), channel, _DATA, _DATA),
    )


_OTHER_EVENTS = st.one_of(
    st.builds(meta, st.sampled_from((0x01, 0x03, 0x05, 0x06, 0x07, 0x7F)), st.binary(max_size=4)),
    st.builds(lambda pace: meta(0x51, pace.to_bytes(3)), st.integers(1, 0xFFFFFF)),
    st.builds(lambda n, d: meta(0x58, bytes((n, d, 24, 8))), st.integers(0, 9), st.integers(0, 9)),
    st.builds(lambda key: meta(0x59, bytes((key % 256, 0))), st.integers(-7, 7)),
    st.builds(lambda body: b"\xf0" + number(len(body) + 1) + body + b"\xf7", _SYSTEM_DATA),
)


@st.composite
def delayed_events(
    draw: st.DrawFn, channels: Sequence[int] = (0, 1, 9), most: int = 24
) -> list[Delayed]:
    """Channel events of several channels, metas and system exclusives, in any mixture."""
    kinds = st.one_of(_channel_events(channels), _channel_events(channels), _OTHER_EVENTS)
    deltas = st.sampled_from((0, 0, 1, 10, 127, 128, 20_000))
    return draw(st.lists(st.tuples(deltas, kinds), max_size=most))


@st.composite
def tracks(
    draw: st.DrawFn,
    channels: Sequence[int] = (0, 1, 9),
    before: Sequence[Delayed] = (),
    released: bool = False,
) -> bytes:
    """A track chunk in which running status is used here and there.

    `before` stands first; where `released`, every note is released in the end.
    """
    delayed = [*before, *draw(delayed_events(channels))]
    if released:
        struck = [event for _, event in delayed if event[0] & 0xF0 == 0x90 and event[2]]
        delayed += [(1, off(event[1], event[0] & 0x0F)) for event in struck]
    pieces: list[bytes] = []
    running = 0
    for delta, event in delayed:
        runs = event[0] == running and draw(st.booleans())
        pieces += number(delta), event[1:] if runs else event
        running = event[0] if event[0] < 0xF0 else 0
    end = b"\x00" + END if draw(st.booleans()) or not pieces else b""
    return chunk(b"MTrk", b"".join(pieces) + end)


@st.composite
def midi_files(draw: st.DrawFn, channels: Sequence[int] = (0, 1, 9)) -> bytes:
    """A file of format 0 or 1 with at least one note, perhaps with unknown chunks between."""
    sure = track((3, on(60, channels[0])), (5, off(60, channels[0])))
    form = draw(st.integers(0, 1))
    more = draw(st.lists(tracks(channels), min_size=form, max_size=3 if form else 0))
    unknown = st.sampled_from(([], [chunk(b"XFIH", b"\x00\x01\x02")]))
    chunks = [part for each in (*more, sure) for part in (each, *draw(unknown))]
    return midi_file(*chunks, form=form, division=draw(st.sampled_from((1, 96, 480, 0x7FFF))))


@pytest.mark.parametrize(
    ("value", "coded"),
    # the table of the Standard MIDI Files specification
    [
        (0x00, "00"),
        (0x40, "40"),
        (0x7F, "7f"),
        (0x80, "8100"),
        (0x2000, "c000"),
        (0x3FFF, "ff7f"),
        (0x4000, "818000"),
        (0x1FFFFF, "ffff7f"),
        (0x200000, "81808000"),
        (LONGEST_DELTA, "ffffff7f"),
    ],
)
def test_variable_length_numbers_are_those_of_the_specification(value: int, coded: str) -> None:
    assert number(value).hex() == coded
    assert events(track((value, on(60))))[0].tick == value


@pytest.mark.parametrize("value", [-1, LONGEST_DELTA + 1])
def test_a_number_that_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(FileFormatError, match="does not fit"):
        number(value)


@given(midi_files(), st.binary(max_size=12))
def test_a_file_cut_into_chunks_and_joined_is_the_same(content: bytes, junk: bytes) -> None:
    with_junk = content + b"\x00" + junk
    assert cut(content).content == content
    assert cut(with_junk).content == with_junk
    assert track_chunks(with_junk) == track_chunks(content)


@given(tracks())
def test_events_are_those_that_mido_reads(whole: bytes) -> None:
    found = events(whole)
    ended = whole if whole.endswith(END) else chunk(b"MTrk", whole[8:] + b"\x00" + END)
    theirs = mido.MidiFile(file=io.BytesIO(midi_file(ended))).tracks[0]
    ours = [event for event in found if event.status != 0xFF or event.first != 0x2F]
    messages = [message for message in theirs if message.type != "end_of_track"]
    ticks = [sum(each.time for each in theirs[: place + 1]) for place in range(len(messages))]
    assert [event.tick for event in ours] == ticks
    for event, message in zip(ours, messages, strict=True):
        if event.status < 0xF0:
            coded = bytes(message.bytes())
            assert coded == bytes((event.status, event.first, event.second))[: len(coded)]
        elif event.status == 0xFF:
            payload = whole[event.second : event.stop]
            if message.type not in ("time_signature", "key_signature"):
                coded = bytes(message.bytes())
                assert coded == meta(event.first, payload)


@given(tracks())
def test_events_follow_one_another_without_gap(whole: bytes) -> None:
    found = events(whole)
    starts = [event.start for event in found]
    assert [8, *(event.stop for event in found)] == [*starts, len(whole)]
    assert all(event.start < event.body < event.stop for event in found)


def test_running_status_goes_on_after_a_meta() -> None:
    found = events(track((0, on(60)), (5, meta(0x01, b"a")), (1, bytes((60, 0)))))
    assert [event.status for event in found] == [0x90, 0xFF, 0x90, 0xFF]


def test_misplaced_system_messages_are_stepped_over() -> None:
    stray = [(0, b"\xf8"), (1, b"\xf3\x05"), (0, b"\xf2\x01\x02"), (2, b"\xf7\x02\xf8\xf8")]
    found = events(track(*stray, (0, on(60))))
    assert (found[-2].tick, found[-2].status, found[-2].first) == (3, 0x90, 60)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<?xml version='1.0'?>", "not a MIDI file"),
        (b"RIFF\x20\x00\x00\x00RMIDdata", r"RIFF \(\.rmi\)"),
        (midi_file(track())[:13], "header is cut short"),
        (midi_file(track(), form=2), "format 2"),
        (midi_file(track(), division=0xE728), r"SMPTE frames \(25 a second\)"),
        (midi_file(track(), division=0), "0 ticks to a quarter"),
        (midi_file(track((0, on(60))))[:-1], "ends inside chunk 1"),
        (midi_file(track(), tracks=2) + b"MTr", "ends inside chunk 2"),
        (midi_file(track()) + track((0, on(60)))[:-1], "ends inside chunk 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(
    content: bytes, message: str
) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        cut(content, "song.mid")
    assert str(caught.value).startswith("song.mid ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\x00\x90\x3c", "breaks off"),
        (b"\x00\xff\x03\x05abc", "breaks off"),
        (b"\x00", "breaks off"),
        (b"\x81", "breaks off"),
        (b"\x00\x3c\x40", "impossible byte"),
        (b"\x00\x90\x3c\xc8", "impossible byte"),
        (b"\x80\x80\x80\x80\x00\x90\x3c\x40", "impossible byte"),
    ],
)
def test_a_damaged_track_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        events(chunk(b"MTrk", body))
