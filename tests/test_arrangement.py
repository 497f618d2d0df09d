"""Musical time: bars of any metre, tempo maps in seconds; parts taken out and put back."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import (
    Arrangement,
    KeySignature,
    Metre,
    Note,
    Part,
    PlacedPart,
    Source,
    Tempo,
    bars,
    order,
)
from subtractive.errors import FileFormatError
from subtractive.files.midi import write_midi
from subtractive.instruments import INSTRUMENTS, roles

BEAT = 480

METRES = ((4, 4), (3, 4), (2, 4), (5, 4), (6, 8), (7, 8), (12, 8), (2, 2), (3, 8), (12, 4), (5, 16))
NAMES = ("", "Bass", "E-Bass", "Guitar 2", "Soprano", "Tenor", "Lead", "Bass Clarinet")


def notes_of(pitches: st.SearchStrategy[int], longest: int) -> st.SearchStrategy[tuple[Note, ...]]:
    note = st.builds(
        Note, st.integers(0, longest), st.integers(0, longest // 4), pitches, st.integers(1, 127)
    )
    return st.lists(note, max_size=12).map(lambda found: tuple(sorted(found, key=order)))


@st.composite
def metre_maps(draw: st.DrawFn, longest: int, *, on_grid: int = 1) -> tuple[Metre, ...]:
    """Up to four metres, some of them at one tick, the first not always at the start."""
    ticks = sorted(draw(st.lists(st.integers(0, longest // on_grid), max_size=4)))
    return tuple(Metre(tick * on_grid, *draw(st.sampled_from(METRES))) for tick in ticks)


@st.composite
def arrangements(draw: st.DrawFn, ticks_per_beat: int = BEAT) -> Arrangement:
    """A few bars of up to five parts of every role, in any metres and tempos."""
    longest = draw(st.sampled_from((4, 17, 40))) * ticks_per_beat
    part = st.builds(
        Part,
        name=st.sampled_from(NAMES),
        program=st.sampled_from((0, 25, 33, 43, 52, 80)),
        is_drums=st.booleans(),
        notes=notes_of(st.integers(0, 127), longest),
        sung=st.sampled_from((False, False, True)),
    )
    paces = st.integers(200_000, 2_000_000)
    tempos = draw(st.dictionaries(st.integers(0, longest), paces, max_size=4))
    return Arrangement(
        ticks_per_beat=ticks_per_beat,
        parts=tuple(draw(st.lists(part, max_size=5))),
        tempos=tuple(Tempo(tick, tempos[tick]) for tick in sorted(tempos)),
        metres=draw(metre_maps(longest)),
        keys=(KeySignature(0, draw(st.integers(-6, 6)), draw(st.booleans())),),
    )


def music(
    length: int, *metres: Metre, barlines: tuple[int, ...] = (), beat: int = BEAT
) -> Arrangement:
    part = Part("Lead", 80, is_drums=False, notes=(Note(0, length, 60, 80),))
    return Arrangement(beat, (part,), metres=metres, barlines=barlines)


def lengths(arrangement: Arrangement) -> list[Fraction]:
    """The bars' lengths in quarter notes."""
    return [Fraction(bar.length, arrangement.ticks_per_beat) for bar in bars(arrangement)]


@settings(max_examples=40, deadline=None)
@given(arrangements(), st.sampled_from(INSTRUMENTS))
def test_what_is_split_off_joins_to_the_same_music(song: Arrangement, instrument: str) -> None:
    context, taken = song.split(instrument)
    assert context.join(taken) == song
    assert len(context.parts) + len(taken) == len(song.parts)
    assert all(song.parts[placed.place] is placed.stem for placed in taken)
    found = roles(song.parts)
    assert tuple(placed.place for placed in taken) == tuple(
        place for place, role in enumerate(found) if role == instrument
    )
    # all but the parts is shared: tempo, metre, key, chords, barlines, source
    assert replace(context, parts=song.parts) == song


@settings(max_examples=40, deadline=None)
@given(arrangements(), st.permutations(range(5)))
def test_stems_may_be_joined_in_any_order(song: Arrangement, shuffled: list[int]) -> None:
    stems = [PlacedPart(place, part) for place, part in enumerate(song.parts)]
    mixed = tuple(stems[place] for place in shuffled if place < len(stems))
    assert song.with_parts(()).join(mixed) == song


def test_equality_is_of_music_not_of_the_file_it_came_from(song: Arrangement) -> None:
    assert replace(song, source=Source("midi", b"MThd")) == song
    assert hash(replace(song, source=Source("midi", b"MThd"))) == hash(song)


@settings(max_examples=40, deadline=None)
@given(arrangements())
def test_bars_cover_the_music_without_gaps(song: Arrangement) -> None:
    found = bars(song)
    assert found[0].onset == 0
    assert all(bar.length > 0 and bar.beat > 0 for bar in found)
    assert all(bar.end == after.onset for bar, after in pairwise(found))
    assert found[-1].onset < max(song.end, 1) <= found[-1].end


@settings(max_examples=40, deadline=None)
@given(arrangements())
def test_every_metre_change_within_the_music_begins_a_bar(song: Arrangement) -> None:
    onsets = {bar.onset for bar in bars(song)}
    assert {metre.tick for metre in song.metres if metre.tick < song.end} <= onsets


@settings(max_examples=40, deadline=None)
@given(arrangements(), st.integers(2, 7))
def test_bars_do_not_depend_on_the_ticks_they_are_counted_in(song: Arrangement, times: int) -> None:
    finer = replace(
        song,
        ticks_per_beat=song.ticks_per_beat * times,
        parts=tuple(
            replace(
                part,
                notes=tuple(
                    note._replace(onset=note.onset * times, duration=note.duration * times)
                    for note in part.notes
                ),
            )
            for part in song.parts
        ),
        metres=tuple(metre._replace(tick=metre.tick * times) for metre in song.metres),
    )
    assert lengths(finer) == lengths(song)


@pytest.mark.parametrize(
    ("numerator", "denominator", "quarters", "beat"),
    [(4, 4, 4, 1), (3, 4, 3, 1), (6, 8, 3, 0.5), (7, 8, 3.5, 0.5), (2, 2, 4, 2), (12, 8, 6, 0.5)],
)
def test_a_bar_is_as_long_as_its_metre_says(
    numerator: int, denominator: int, quarters: float, beat: float
) -> None:
    song = music(int(4 * quarters * BEAT), Metre(0, numerator, denominator))
    assert lengths(song) == [quarters] * 4
    assert {bar.beat for bar in bars(song)} == {beat * BEAT}


def test_without_a_metre_bars_are_in_common_time() -> None:
    assert lengths(music(9 * BEAT)) == [4, 4, 4]
    # before a late first metre, too
    assert lengths(music(14 * BEAT, Metre(8 * BEAT, 3, 4))) == [4, 4, 3, 3]


def test_silence_has_one_bar() -> None:
    assert lengths(Arrangement(BEAT, ())) == [4]
    assert lengths(Arrangement(BEAT, (), metres=(Metre(0, 3, 4),))) == [3]


def test_a_metre_change_cuts_a_bar_short() -> None:
    song = music(13 * BEAT, Metre(0, 4, 4), Metre(6 * BEAT, 3, 4))
    assert lengths(song) == [4, 2, 3, 3, 3]


def test_of_metres_at_one_tick_the_last_counts() -> None:
    song = music(6 * BEAT, Metre(0, 4, 4), Metre(0, 3, 4))
    assert lengths(song) == [3, 3]
    # written twice, as files do: nothing is cut
    assert lengths(music(8 * BEAT, Metre(0, 4, 4), Metre(4 * BEAT, 4, 4))) == [4, 4]


def test_a_pick_up_of_a_sequencer_is_a_short_metre() -> None:
    song = music(9 * BEAT, Metre(0, 1, 4), Metre(BEAT, 4, 4))
    assert lengths(song) == [1, 4, 4]


def test_written_barlines_rule_over_the_metre() -> None:
    """A pick-up of one beat, and a bar split by a repeat sign into 3 + 1."""
    written = tuple(beat * BEAT for beat in (0, 1, 5, 8, 9, 13))
    song = music(13 * BEAT, Metre(0, 4, 4), barlines=written)
    assert lengths(song) == [1, 4, 3, 1, 4]
    assert {bar.beat for bar in bars(song)} == {BEAT}


def test_after_the_last_written_barline_the_metre_counts_on() -> None:
    song = music(10 * BEAT, Metre(0, 3, 4), barlines=(0, BEAT, 4 * BEAT))
    assert lengths(song) == [1, 3, 3, 3]


def test_written_rests_at_the_end_belong_to_the_music() -> None:
    song = music(BEAT, Metre(0, 4, 4), barlines=(0, 4 * BEAT, 8 * BEAT))
    assert song.end == 8 * BEAT
    assert lengths(song) == [4, 4]


def test_a_written_bar_takes_its_beat_from_the_metre_at_its_onset() -> None:
    song = music(7 * BEAT, Metre(0, 4, 4), Metre(4 * BEAT, 6, 8), barlines=(0, 1920, 3360))
    assert [bar.beat for bar in bars(song)] == [BEAT, BEAT // 2]


def test_music_ends_with_its_last_sound() -> None:
    long, late = Note(0, 9 * BEAT, 60, 80), Note(2 * BEAT, BEAT, 62, 80)
    part = Part("Lead", 80, is_drums=False, notes=(long, late))
    assert (late.end, part.end, Arrangement(BEAT, (part,)).end) == (3 * BEAT, 9 * BEAT, 9 * BEAT)
    assert Part("Lead", 80, is_drums=False, notes=()).end == 0


def test_seconds_by_hand() -> None:
    """120 a minute, then 60 from beat 4, then 240 from beat 6."""
    tempos = (Tempo(0, 500_000), Tempo(4 * BEAT, 1_000_000), Tempo(6 * BEAT, 250_000))
    song = replace(music(BEAT), tempos=tempos)
    at = {0: 0, 2: 1, 4: 2, 5: 3, 6: 4, 8: 4.5}
    assert {beat: song.seconds_at(beat * BEAT) for beat in at} == at
    assert [song.tempo_at(beat * BEAT) for beat in (0, 3, 4, 7)] == [
        500_000,
        500_000,
        1_000_000,
        250_000,
    ]


def test_before_the_first_tempo_a_minute_has_120_beats() -> None:
    late = replace(music(BEAT), tempos=(Tempo(4 * BEAT, 1_000_000),))
    assert late.tempo_at(0) == music(BEAT).tempo_at(0) == 500_000
    assert late.seconds_at(4 * BEAT) == music(BEAT).seconds_at(4 * BEAT) == 2
    assert late.seconds_at(5 * BEAT) == 3


@settings(max_examples=40, deadline=None)
@given(arrangements(), st.lists(st.integers(0, 40 * BEAT), min_size=1, max_size=8))
def test_seconds_are_those_of_pretty_midi(song: Arrangement, ticks: list[int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports what is deprecated
        other = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(song)))
    assert [song.seconds_at(tick) for tick in ticks] == pytest.approx(
        [other.tick_to_time(tick) for tick in ticks], abs=1e-6
    )


@settings(max_examples=40, deadline=None)
@given(arrangements(), st.lists(st.integers(0, 60 * BEAT), min_size=2))
def test_time_never_runs_backwards(song: Arrangement, ticks: list[int]) -> None:
    seconds = [song.seconds_at(tick) for tick in sorted(ticks)]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(
    ("fifths", "major", "minor"),
    [
        (0, "C", "A"),
        (1, "G", "E"),
        (-1, "F", "D"),
        (3, "A", "F#"),
        (-3, "Eb", "C"),
        (6, "F#", "Eb"),
    ],
)
def test_a_signature_names_a_major_key_and_its_relative_minor(
    fifths: int, major: str, minor: str
) -> None:
    classes = {"C": 0, "D": 2, "Eb": 3, "E": 4, "F": 5, "F#": 6, "G": 7, "A": 9}
    assert KeySignature(0, fifths).tonic == classes[major]
    assert KeySignature(0, fifths, is_minor=True).tonic == classes[minor]


@pytest.mark.parametrize("ticks", [0, -1, -480])
def test_a_quarter_note_has_at_least_one_tick(ticks: int) -> None:
    with pytest.raises(FileFormatError, match="at least 1"):
        Arrangement(ticks, ())
