"""MIDI read straight into arrays, beside the reader that it stands in for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement
from subtractive.arrays import ArraySong, to_arrangement
from subtractive.errors import FileFormatError
from subtractive.files.midi import read_midi, write_midi
from subtractive.files.midi_arrays import read_midi_arrays
from tests.test_midi_events import END, chunk, meta, midi_file, midi_files, off, on, program, track
from tests.test_midi_write import arrangements, without_origins

NOTE = ((0, on(60)), (5, off(60)))


def check_same(content: bytes, name: str = "song.mid") -> None:
    """Whatever one reader says of a file, music or a reason why it is none, the other says too."""
    try:
        expected = without_origins(read_midi(content, name))
    except FileFormatError as error:
        with pytest.raises(FileFormatError) as caught:
            read_midi_arrays(content, name)
        assert str(caught.value) == str(error)
    else:
        assert to_arrangement(read_midi_arrays(content, name)) == expected


@settings(max_examples=300)
@given(midi_files())
def test_both_readers_read_the_same_music(content: bytes) -> None:
    check_same(content)


@given(midi_files(channels=(3,)), st.data())
def test_both_readers_find_the_same_damage(content: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(14, len(content) - 1))
    byte = data.draw(st.sampled_from((0, 0x2F, 0x7F, 0x80, 0x90, 0xD3, 0xF0, 0xFF)))
    check_same(content[:place])
    check_same(content[:place] + bytes((byte,)) + content[place + 1 :])


@given(st.binary(max_size=40))
def test_both_readers_make_the_same_of_any_bytes_in_a_track(body: bytes) -> None:
    check_same(midi_file(chunk(b"MTrk", body), track(*NOTE)))


@given(arrangements())
def test_music_that_was_written_comes_back(song: Arrangement) -> None:
    assert to_arrangement(read_midi_arrays(write_midi(song))) == song


ODD: dict[str, Sequence[bytes]] = {
    "a program that another track has set": (
        track((0, program(33, 2)), (9, program(35, 2))),
        track((3, on(40, 2)), (20, off(40, 2)), (0, on(41, 2)), (5, off(41, 2))),
    ),
    "a program of another port": (
        track((0, meta(0x21, b"\x01")), (0, program(33))),
        track(*NOTE),
    ),
    "a program that comes after the first note of its tick": (
        track((0, on(60)), (0, program(33)), (5, off(60)), *NOTE),
    ),
    "equal notes that overlap, and note-offs of nothing": (
        track((0, off(60)), (1, on(60)), (1, on(60)), (1, off(60)), (1, off(60)), (1, off(60))),
        track((0, on(60)), (1, on(60)), (1, off(60)), (9, off(62))),
    ),
    "a note never released": (track((0, on(60)), *NOTE, end=b"\x64" + END),),
    "running status of one data byte": (track((0, b"\xd0\x05"), (1, b"\x06"), *NOTE),),
    "running status that no track carries into the next": (
        track((0, on(60)), (5, off(60)), end=b""),
        track((0, bytes((60, 0)))),
    ),
    "chunks between the tracks": (chunk(b"XFIH", b"\0\1"), track(), chunk(b"x", b""), track(*NOTE)),
    "events after the end of the track": (track(*NOTE, end=b"\0" + END + b"\0\x90\x3e\x40"),),
    "a time of almost 32 bits": (track(*[(0x0FFF_FFFF, on(60))] * 7, (0, off(60))),),
}


@pytest.mark.parametrize("chunks", ODD.values(), ids=ODD.keys())
def test_odd_files_are_read_as_ever(chunks: Sequence[bytes]) -> None:
    check_same(midi_file(*chunks))


def test_a_time_that_no_array_holds_is_refused_in_words() -> None:
    content = midi_file(track(*[(0x0FFF_FFFF, on(60))] * 9, (0, off(60))))
    with pytest.raises(FileFormatError, match="goes on past tick 2147483647"):
        read_midi_arrays(content, "song.mid")


def notes_of(song: ArraySong) -> int:
    return sum(len(part.notes) for part in song.parts)


def test_a_hundred_thousand_notes_take_a_third_of_the_time_at_most() -> None:
    rng = np.random.default_rng(1)
    delayed = [
        event
        for pitch in rng.integers(30, 90, 10_000).tolist()
        for event in ((10, on(pitch)), (300, off(pitch)))
    ]
    content = midi_file(*[track(*delayed)] * 10)
    begin = time.process_time()
    song = read_midi_arrays(content)
    between = time.process_time()
    assert notes_of(song) == sum(len(part.notes) for part in read_midi(content).parts) == 100_000
    assert 3 * (between - begin) < time.process_time() - between


@pytest.mark.data
@pytest.mark.parametrize("folder", ["freedoom", "gmd", "real_songs"])
def test_both_readers_read_the_same_of_real_songs(data: Path, folder: str) -> None:
    paths = sorted((data / folder).rglob("*.mid"))[::5]
    assert len(paths) > 40
    for path in paths:
        check_same(path.read_bytes(), path.name)
