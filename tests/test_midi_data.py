"""The laws of MIDI writing on music that nobody made for these tests."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from subtractive.arrangement import Arrangement, Note, Part
from subtractive.files.midi import plan_channels, read_midi, write_midi
from subtractive.files.midi_events import cut
from subtractive.instruments import INSTRUMENTS, instrument
from tests.test_midi_differential import files
from tests.test_midi_events import midi_file, track_chunks
from tests.test_midi_splice import without_tracks
from tests.test_midi_write import pitched

SAMPLE = pytest.param(13, id="40 songs")
ALL = pytest.param(1, marks=pytest.mark.long, id="all songs")


def new_part(name: str) -> Part:
    known = instrument(name)
    notes = tuple(Note(onset, 240, known.lowest + 12, 80) for onset in range(0, 4800, 480))
    return Part(known.title, known.program, name == "drums", notes)


def check_removal(song: Arrangement, content: bytes, name: str) -> None:
    """Take an instrument out; and put a new one in its place."""
    context, taken = song.split(name)
    if not context.parts:
        return
    tracks = {placed.stem.origin.track for placed in taken if placed.stem.origin}
    whole = [each for number, each in enumerate(track_chunks(content)) if number not in tracks]
    written = write_midi(context)
    assert without_tracks(read_midi(written)) == without_tracks(context)
    both = context.with_parts((*context.parts, new_part(name)))
    rewritten = write_midi(both)
    back = read_midi(rewritten)
    assert without_tracks(back.with_parts(back.parts[:-1])) == without_tracks(context)
    assert back.parts[-1].notes == both.parts[-1].notes
    for result in (written, rewritten):
        waiting = iter(track_chunks(result))
        assert all(each in waiting for each in whole)
        assert cut(result).tail == cut(content).tail


@pytest.mark.data
@pytest.mark.parametrize("step", [SAMPLE, ALL])
def test_real_songs_lose_nothing(data: Path, step: int) -> None:
    for path in files(data, step):
        content = path.read_bytes()
        song = read_midi(content, path.name)
        assert write_midi(song) == content, path.name
        for name in INSTRUMENTS:
            new = new_part(name)
            both = song.with_parts((*song.parts, new))
            written = write_midi(both)
            back = read_midi(written)
            assert track_chunks(written)[:-1] == track_chunks(content), path.name
            assert back.with_parts(back.parts[:-1]) == song, path.name
            (plan,) = plan_channels(both)
            assert not plan.sends_program or replace(back.parts[-1], origin=None) == new, path.name
            check_removal(song, content, name)


def test_a_hundred_thousand_notes_are_read_in_time_that_nobody_notices() -> None:
    notes = tuple(Note(10 * place, 15, 30 + place % 90, 64) for place in range(10_000))
    (chunk,) = track_chunks(write_midi(Arrangement(480, (Part("Harp", 46, False, notes),))))[1:]
    content = midi_file(*[chunk] * 10)
    start = time.process_time()
    song = read_midi(content)
    # about 0.4 s here; the bound is loose, since a machine may be slow or busy
    assert time.process_time() - start < 4
    assert sum(len(part.notes) for part in song.parts) == 100_000
    assert len(write_midi(song.with_parts((*song.parts, pitched("Flute", 73))))) > len(content)
