"""Notes and maps beside those of other readers: symusic and pretty_midi.

Both drop notes that are never released, and pretty_midi those of no length; both see only the
tracks that the header counts, and programs that the same track sets.
"""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pretty_midi
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Part
from subtractive.files.midi import write_midi
from subtractive.files.midi_events import cut, is_track
from subtractive.files.midi_tracks import read_tracks
from tests.test_midi_events import midi_file, program, tracks
from tests.test_midi_write import arrangements

Heard = tuple[bool, int, int, int, int, int]  # drums, program, onset, duration, pitch, velocity


def heard_in(parts: tuple[Part, ...]) -> Counter[Heard]:
    return Counter((part.is_drums, part.program, *note) for part in parts for note in part.notes)


def symusics(content: bytes) -> Counter[Heard]:
    return Counter(
        (each.is_drum, each.program, note.time, note.duration, note.pitch, note.velocity)
        for each in symusic.Score.from_midi(content).tracks
        for note in each.notes
    )


def pretty_midis(content: bytes) -> Counter[Heard]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on tempos in later tracks, and of its own imports
        song = pretty_midi.PrettyMIDI(io.BytesIO(content))
    found: Counter[Heard] = Counter()
    for each in song.instruments:
        for note in each.notes:
            onset, end = song.time_to_tick(note.start), song.time_to_tick(note.end)
            found[each.is_drum, each.program, onset, end - onset, note.pitch, note.velocity] += 1
    return found


# every track sets all its programs and releases all its notes
PLAIN = st.lists(
    tracks(before=[(0, program(5 * channel, channel)) for channel in range(16)], released=True),
    min_size=1,
    max_size=3,
)


@given(PLAIN)
def test_notes_are_those_that_symusic_reads(chunks: list[bytes]) -> None:
    content = midi_file(*chunks)
    assert heard_in(read_tracks(cut(content)).parts) == symusics(content)


@given(arrangements())
def test_symusic_reads_the_music_that_was_written(song: Arrangement) -> None:
    content = write_midi(song)
    score = symusic.Score.from_midi(content)
    assert symusics(content) == heard_in(song.parts)
    assert score.ticks_per_quarter == song.ticks_per_beat
    assert [each.name for each in score.tracks] == [part.name for part in song.parts]
    assert [(each.time, each.mspq) for each in score.tempos] == [*song.tempos]
    assert [(each.time, each.numerator, each.denominator) for each in score.time_signatures] == [
        *song.metres
    ]
    assert [(each.time, each.key, bool(each.tonality)) for each in score.key_signatures] == [
        *song.keys
    ]


def test_pretty_midi_reads_the_music_that_was_written(song: Arrangement) -> None:
    content = write_midi(song)
    assert pretty_midis(content) == heard_in(song.parts)


def files(data: Path, step: int) -> Iterator[Path]:
    """Every `step`-th file of the outside music."""
    folders = (data / "real_songs", data / "freedoom")
    yield from [path for folder in folders for path in sorted(folder.rglob("*.mid"))][::step]


@pytest.mark.data
def test_notes_of_real_songs_are_those_that_symusic_reads(data: Path) -> None:
    compared = 0
    for path in files(data, 13):
        content = path.read_bytes()
        file = cut(content)
        assert sum(map(is_track, file.chunks)) == int.from_bytes(content[10:12])
        reading = read_tracks(file)
        released = Counter(
            (key[0] == 9, note.onset, note.end - note.onset, note.pitch, note.velocity)
            for heard in reading.soundings
            for key, notes in heard.items()
            for note in notes
            if note.off is not None
        )
        theirs: Counter[tuple[bool, int, int, int, int]] = Counter()
        for (is_drums, _, *note), count in symusics(content).items():
            theirs[is_drums, note[0], note[1], note[2], note[3]] += count
        assert released == theirs, path.name
        score = symusic.Score.from_midi(content)
        assert {(each.time, each.mspq) for each in score.tempos} >= set(reading.tempos), path.name
        compared += released.total()
    assert compared > 10_000


@pytest.mark.data
def test_onsets_of_real_songs_are_those_that_pretty_midi_reads(data: Path) -> None:
    # pretty_midi ends equal notes that overlap otherwise, so only onsets are compared
    compared = 0
    for path in files(data, 130):
        content = path.read_bytes()
        expected = {
            (note.onset, note.pitch, note.velocity)
            for heard in read_tracks(cut(content)).soundings
            for notes in heard.values()
            for note in notes
            if note.off is not None and note.end > note.onset
        }
        theirs = {
            (onset, pitch, velocity) for _, _, onset, _, pitch, velocity in pretty_midis(content)
        }
        assert theirs == expected, path.name
        compared += len(theirs)
    assert compared > 1_000
