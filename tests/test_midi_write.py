"""New MIDI files: what is written comes back, and stands as a DAW expects it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import (
    Arrangement,
    ChordSymbol,
    KeySignature,
    Metre,
    Note,
    Part,
    Source,
    Tempo,
    bars,
)
from subtractive.errors import FileFormatError
from subtractive.files.midi import plan_channels, read_midi, write_midi, write_part_only
from subtractive.files.midi_events import number
from tests.test_midi_events import (
    END,
    chunk,
    meta,
    midi_file,
    off,
    on,
    program,
    track,
    track_chunks,
)

TICKS = st.integers(0, 5000)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)


@st.composite
def notes(draw: st.DrawFn) -> tuple[Note, ...]:
    """Notes of any kind, but none inside a longer one of its pitch, which MIDI cannot say."""
    found = []
    for pitch in draw(st.sets(st.sampled_from((0, 36, 38, 60, 61, 127)), min_size=1, max_size=4)):
        onset = end = 0
        for gap, duration in draw(
            st.lists(st.tuples(st.sampled_from((0, 1, 60, 480)), st.integers(0, 300)), min_size=1)
        ):
            onset += gap
            end = max(end, onset + duration)
            found.append(Note(onset, end - onset, pitch, draw(st.integers(1, 127))))
    return tuple(sorted(found, key=lambda note: (note.onset, note.pitch, note.end)))


PARTS = st.one_of(
    st.builds(Part, NAMES, st.integers(0, 127), st.just(False), notes()),
    st.builds(Part, NAMES, st.sampled_from((0, 8, 25)), st.just(True), notes()),
)


@st.composite
def arrangements(draw: st.DrawFn) -> Arrangement:
    def at_ticks(values: st.SearchStrategy[tuple[int, ...]]) -> list[tuple[int, ...]]:
        return sorted(
            (tick, *value)
            for tick, value in draw(st.dictionaries(TICKS, values, max_size=4)).items()
        )

    tempos = at_ticks(st.tuples(st.integers(1, 0xFFFFFF)))
    metres = at_ticks(st.tuples(st.integers(1, 255), st.sampled_from((1, 2, 4, 8, 64))))
    keys = at_ticks(st.tuples(st.integers(-7, 7), st.booleans()))
    return Arrangement(
        ticks_per_beat=draw(st.integers(1, 0x7FFF)),
        parts=tuple(draw(st.lists(PARTS, min_size=1, max_size=3))),
        tempos=tuple(Tempo(*values) for values in tempos),
        metres=tuple(Metre(*values) for values in metres),
        keys=tuple(KeySignature(tick, fifths, bool(minor)) for tick, fifths, minor in keys),
    )


def without_origins(arrangement: Arrangement) -> Arrangement:
    return arrangement.with_parts(tuple(replace(part, origin=None) for part in arrangement.parts))


def pitched(name: str, its_program: int, onset: int = 0) -> Part:
    return Part(name, its_program, False, (Note(onset, 480, 60, 64),))


@settings(max_examples=200)
@given(arrangements())
def test_an_arrangement_written_and_read_is_the_same(song: Arrangement) -> None:
    back = read_midi(write_midi(song))
    assert without_origins(back) == song
    assert [part.origin.track for part in back.parts if part.origin] == [
        place + 1 for place in range(len(song.parts))
    ]


@given(arrangements())
def test_part_only_is_the_new_part_on_the_songs_maps(song: Arrangement) -> None:
    content = write_midi(song)
    for given_song in (song, replace(song, source=Source("midi", content))):
        back = read_midi(write_part_only(given_song, song.parts[-1:]))
        assert without_origins(back) == song.with_parts(song.parts[-1:])


def test_a_new_file_is_these_bytes() -> None:
    song = Arrangement(
        ticks_per_beat=96,
        parts=(
            Part("Bass", 33, False, (Note(0, 96, 40, 90), Note(96, 96, 40, 91))),
            Part("Drums", 0, True, (Note(0, 0, 36, 100), Note(0, 9, 36, 99), Note(0, 9, 42, 98))),
        ),
        tempos=(Tempo(0, 500_000),),
        metres=(Metre(0, 3, 4), Metre(288, 12, 8)),
        keys=(KeySignature(0, -3, True),),
        chords=(ChordSymbol(96, "Cm/E♭", 0, (0, 3, 7), 3),),
        source=Source("musicxml", b"", "songs/Waltz.musicxml"),
    )
    conductor = track(
        (0, meta(0x03, b"Waltz")),
        (0, meta(0x58, bytes((3, 2, 24, 8)))),
        (0, meta(0x59, bytes((0xFD, 1)))),
        (0, meta(0x51, b"\x07\xa1\x20")),
        (96, meta(0x06, "Cm/E♭".encode())),
        (192, meta(0x58, bytes((12, 3, 24, 8)))),
    )
    bass = track(
        (0, meta(0x03, b"Bass")),
        (0, program(33)),
        (0, on(40, 0, 90)),
        (96, off(40)),  # released before it is struck again
        (0, on(40, 0, 91)),
        (96, off(40)),
    )
    drums = track(
        (0, meta(0x03, b"Drums")),
        (0, program(0, 9)),
        (0, on(36, 9, 100)),
        (0, off(36, 9)),
        (0, on(36, 9, 99)),
        (0, on(42, 9, 98)),
        (9, off(36, 9)),
        (0, off(42, 9)),
    )
    assert write_midi(song) == midi_file(conductor, bass, drums, division=96)


def test_the_conductor_lasts_as_long_as_the_music() -> None:
    song = Arrangement(480, (pitched("Flute", 73),), barlines=(0, 1920))
    assert track_chunks(write_midi(song))[0] == track(
        (0, meta(0x58, bytes((4, 2, 24, 8)))), end=number(1920) + END
    )


@st.composite
def notated(draw: st.DrawFn) -> Arrangement:
    """Music with written bars, in which some are shorter or longer than their metre."""
    lengths = draw(st.lists(st.sampled_from((480, 960, 1440, 1920, 720, 80, 1910)), min_size=1))
    lines = [0]
    for length in lengths:
        lines.append(lines[-1] + length)
    metres = tuple(
        Metre(tick, *draw(st.sampled_from(((4, 4), (3, 4), (6, 8), (2, 2)))))
        for tick in sorted(draw(st.sets(st.sampled_from(lines), max_size=3)))
    )
    part = Part("Oboe", 68, False, (Note(0, lines[-1], 60, 64),))
    return Arrangement(480, (part,), metres=metres, barlines=tuple(lines))


@given(notated())
def test_written_bars_come_back_as_metres(song: Arrangement) -> None:
    ours, theirs = bars(song), bars(read_midi(write_midi(song)))
    assert [bar.onset for bar in theirs] == [bar.onset for bar in ours]
    # no metre after the last bar cuts it short where no metre has its length
    assert 0 <= theirs[-1].end - ours[-1].end < 480 * 4 / 64


def test_a_pick_up_is_a_bar_of_its_own_and_a_plain_bar_keeps_its_metre() -> None:
    part = Part("Oboe", 68, False, (Note(0, 6000, 60, 64),))
    song = Arrangement(480, (part,), metres=(Metre(0, 4, 4),), barlines=(0, 480, 2400, 4320, 6240))
    assert read_midi(write_midi(song)).metres == (Metre(0, 1, 4), Metre(480, 4, 4))


def test_drums_play_on_channel_ten_and_no_one_else() -> None:
    parts = tuple(pitched(str(place), place) for place in range(12))
    drums = Part("Drums", 0, True, (Note(0, 9, 36, 99),))
    plans = plan_channels(Arrangement(480, (*parts, drums, drums)))
    assert [plan.channel for plan in plans] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 9, 9]
    assert not any(plan.notice for plan in plans)


def test_more_than_fifteen_parts_share_channels_by_program() -> None:
    programs = [*range(10), *range(10), 40, 41, 42, 43, 44]
    song = Arrangement(480, tuple(pitched(str(place), of) for place, of in enumerate(programs)))
    plans = plan_channels(song)
    channels: dict[int, set[int]] = {}
    for plan in plans:
        channels.setdefault(plan.channel, set()).add(plan.part.program)
    assert all(len(there) == 1 for there in channels.values())
    assert len(channels) == 15
    assert sum("same sound" in plan.notice for plan in plans) == 10
    assert without_origins(read_midi(write_midi(song))) == song


def test_more_than_fifteen_programs_still_come_back() -> None:
    song = Arrangement(480, tuple(pitched(str(of), of * 8, of * 240) for of in range(16)))
    (shared,) = (plan for plan in plan_channels(song) if plan.notice)
    assert "another sound" in shared.notice
    # the last part starts when all but its predecessor have ended
    assert shared.channel == 0
    assert without_origins(read_midi(write_midi(song))) == song


def test_a_sixteenth_program_prefers_its_own_family() -> None:
    programs = [0, 8, 16, 24, 33, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 35]
    song = Arrangement(480, tuple(pitched(str(of), of) for of in programs))
    assert plan_channels(song)[-1].channel == 4


@pytest.mark.parametrize("fifths", range(-14, 15))
def test_a_key_that_midi_cannot_spell_keeps_its_tonic(fifths: int) -> None:
    song = Arrangement(480, (pitched("Flute", 73),), keys=(KeySignature(0, fifths),))
    (back,) = read_midi(write_midi(song)).keys
    assert back.tonic == song.keys[0].tonic
    assert back.fifths == fifths or abs(fifths) > 7


@pytest.mark.parametrize(("pace", "written"), [(0, 1), (20_000_000, 0xFFFFFF)])
def test_a_tempo_beyond_three_bytes_is_the_nearest(pace: int, written: int) -> None:
    song = Arrangement(480, (pitched("Flute", 73),), tempos=(Tempo(0, pace),))
    assert read_midi(write_midi(song)).tempos == (Tempo(0, written),)


@pytest.mark.parametrize(
    "note",
    [
        Note(-1, 5, 60, 64),
        Note(0, -5, 60, 64),
        Note(0, 5, 128, 64),
        Note(0, 5, -1, 64),
        Note(0, 5, 60, 0),
        Note(0, 5, 60, 128),
    ],
)
def test_a_note_out_of_bounds_is_refused(note: Note) -> None:
    with pytest.raises(FileFormatError, match="the part 'Flute' holds"):
        write_midi(Arrangement(480, (Part("Flute", 73, False, (note,)),)))


@pytest.mark.parametrize(
    ("song", "message"),
    [
        (Arrangement(480, (), metres=(Metre(0, 4, 3),)), "metre 4/3 cannot be written"),
        (Arrangement(480, (), metres=(Metre(0, 256, 4),)), "metre 256/4 cannot be written"),
        (Arrangement(480, (), tempos=(Tempo(1 << 28, 500_000),)), "does not fit"),
        (Arrangement(0x8000, ()), "32768 ticks to a quarter note"),
    ],
)
def test_what_midi_cannot_say_is_refused(song: Arrangement, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        write_midi(song)


def test_a_part_with_an_origin_elsewhere_is_written_as_new() -> None:
    song = read_midi(midi_file(track((0, on(60)), (5, off(60)))))
    back = read_midi(write_midi(replace(song, source=None)))
    assert without_origins(back) == without_origins(song)


def test_events_stand_in_order_of_time() -> None:
    content = write_midi(Arrangement(480, (pitched("b", 1, 100), pitched("a", 2, 50))))
    assert content.startswith(chunk(b"MThd", b"\x00\x01\x00\x03\x01\xe0"))
    onsets = [part.notes[0].onset for part in read_midi(content).parts]
    assert [after - before for before, after in pairwise(onsets)] == [-50]
