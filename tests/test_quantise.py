"""From played music to written: grids, measures, note values."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, KeySignature, Metre, Note, Part
from subtractive.files.midi import read_midi
from subtractive.notation.quantise import Written, written
from tests.conftest import BAR, BEAT

QUARTER = (Fraction(0),)
EIGHTHS = (Fraction(0), Fraction(1, 2))
SWING = (Fraction(0), Fraction(2, 3))
TRIPLET = (Fraction(0), Fraction(1, 3), Fraction(2, 3))
SIXTEENTHS = tuple(Fraction(place, 4) for place in range(4))
OFFBEAT = (Fraction(1, 2),)
DOTTED = (Fraction(0), Fraction(3, 4))
SILENT: tuple[Fraction, ...] = ()

# The beats that a line is made of, and the least share of its onsets that must come out right
# where they stray by 0, 5, 12 and 20 ticks of 480 (standard deviation).
STYLES: dict[str, tuple[list[tuple[Fraction, ...]], tuple[float, ...]]] = {
    "straight": ([EIGHTHS], (1, 1, 1, 0.98)),
    "swing": ([SWING], (1, 1, 0.99, 0.97)),
    "triplets": ([TRIPLET], (1, 1, 0.99, 0.97)),
    "sixteenths": ([SIXTEENTHS], (1, 1, 0.99, 0.96)),
    "funk": ([QUARTER, EIGHTHS, OFFBEAT, DOTTED, SIXTEENTHS, SILENT], (1, 1, 0.98, 0.94)),
    "mixed": ([QUARTER, EIGHTHS, SIXTEENTHS, TRIPLET, DOTTED, SILENT], (1, 1, 0.97, 0.88)),
}


def line(beats: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    return [beat + place for beat, places in enumerate(beats) for place in places]


def played(
    onsets: Sequence[Fraction], stray: float, legato: float, rng: np.random.Generator
) -> Part:
    ticks = sorted(max(0, round(float(on) * BEAT + rng.normal(0, stray))) for on in onsets)
    after = [*ticks[1:], ticks[-1] + BEAT]
    return Part(
        "Bass",
        33,
        False,
        tuple(
            Note(on, max(20, round((off - on) * legato)), 36 + place % 7, 90)
            for place, (on, off) in enumerate(zip(ticks, after, strict=True))
        ),
    )


def onsets_of(music: Written, part: int = 0) -> list[Fraction]:
    starts = accumulate((frame.length for frame in music.frames), initial=Fraction(0))
    return [
        start + note.onset
        for start, measure in zip(starts, music.parts[part], strict=False)
        for note in measure
        if not note.tied_back
    ]


def one(*notes: Note, ticks: int = BEAT, drums: bool = False, **maps: object) -> Arrangement:
    return Arrangement(ticks, (Part("", 0, drums, notes),), **maps)  # type: ignore[arg-type] # maps by name


@pytest.mark.parametrize("style", STYLES)
def test_straying_onsets_come_out_right(style: str, rng: np.random.Generator) -> None:
    beats, least = STYLES[style]
    for stray, legato, share in zip((0, 5, 12, 20), (1, 0.92, 0.85, 0.8), least, strict=True):
        right, count = 0, 0
        for _ in range(3):
            onsets = line([beats[rng.integers(len(beats))] for _ in range(48)])
            found = onsets_of(written(Arrangement(BEAT, (played(onsets, stray, legato, rng),))))
            count += len(onsets)
            right += len(set(onsets) & set(found)) - max(0, len(found) - len(onsets))
        assert right >= share * count


@given(
    st.lists(st.sampled_from([QUARTER, EIGHTHS, TRIPLET, SIXTEENTHS, DOTTED, SILENT]), min_size=1),
    st.sampled_from([24, 96, 120, 480, 960]),
)
def test_what_is_on_the_grid_stays_there(beats: list[tuple[Fraction, ...]], ticks: int) -> None:
    onsets = line(beats)
    notes = [Note(round(on * ticks), ticks // 6, 40 + n % 5, 80) for n, on in enumerate(onsets)]
    assert onsets_of(written(one(*notes, ticks=ticks))) == onsets


METRES = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(1, 13), st.sampled_from([2, 4, 8, 16])), max_size=4
)
NOTES = st.lists(
    st.tuples(st.integers(0, 6000), st.integers(0, 2500), st.integers(40, 44), st.integers(1, 127)),
    max_size=40,
)


@given(st.lists(NOTES, min_size=1, max_size=3), METRES, st.integers(1, 1000), st.booleans())
@settings(max_examples=60)
def test_anything_is_written_whole(
    parts: list[list[tuple[int, int, int, int]]],
    metres: list[tuple[int, int, int]],
    ticks: int,
    drums: bool,
) -> None:
    """Every note is there or counted; measures hold their notes; ties have two ends."""
    music = Arrangement(
        ticks,
        tuple(Part("", 0, drums, tuple(sorted(Note(*note) for note in notes))) for notes in parts),
        metres=tuple(sorted(Metre(*metre) for metre in metres)),
    )
    result = written(music)
    struck = 0
    for part in result.parts:
        assert len(part) == len(result.frames)
        waiting: set[int] = set()
        for frame, measure in zip(result.frames, part, strict=True):
            ends: dict[int, Fraction] = {}
            assert {note.pitch for note in measure if note.tied_back} == waiting
            for note in measure:
                assert ends.get(note.pitch, 0) <= note.onset < frame.length
                ends[note.pitch] = note.onset + note.duration
                assert note.onset < ends[note.pitch] <= frame.length
                assert note.onset == 0 or not note.tied_back
                assert ends[note.pitch] == frame.length or not note.tied_on
                assert not (drums and (note.tied_on or note.tied_back))
                struck += not note.tied_back
            waiting = {note.pitch for note in measure if note.tied_on}
        assert not waiting
    assert struck + result.merged == sum(len(part.notes) for part in music.parts)


@given(NOTES, st.integers(-12, 12))
def test_pitch_makes_no_difference(notes: list[tuple[int, int, int, int]], shift: int) -> None:
    music = [Note(*note) for note in sorted(notes)]
    moved = [note._replace(pitch=note.pitch + shift) for note in music]
    here, there = written(one(*music)), written(one(*moved))
    assert [
        [note._replace(pitch=note.pitch + shift) for note in measure] for measure in here.parts[0]
    ] == [list(measure) for measure in there.parts[0]]


def test_a_strummed_chord_is_one_onset() -> None:
    strum = [Note(BEAT + 9 * place, 400, pitch, 80) for place, pitch in enumerate((40, 47, 52, 56))]
    (measure,) = written(one(*strum)).parts[0]
    assert {(note.onset, note.duration) for note in measure} == {(Fraction(1), Fraction(1))}
    assert len(measure) == 4


def test_a_flam_is_one_stroke() -> None:
    result = written(one(Note(BEAT - 25, 10, 38, 60), Note(BEAT, 10, 38, 100), drums=True))
    assert result.merged == 1
    (measure,) = result.parts[0]
    assert [note.onset for note in measure] == [Fraction(1)]


def test_an_early_downbeat_stands_in_its_own_measure() -> None:
    result = written(one(Note(0, 400, 40, 80), Note(BAR - 15, 400, 43, 80)))
    assert [len(measure) for measure in result.parts[0]] == [1, 1]
    assert result.parts[0][1][0].onset == 0


@pytest.mark.parametrize(
    ("sounding", "value"),
    [(470, 1), (400, 1), (340, 1), (240, Fraction(1, 2)), (225, Fraction(1, 2))],
)
def test_a_breath_before_the_next_note_is_no_rest(sounding: int, value: Fraction) -> None:
    notes = [Note(beat * BEAT, sounding, 40 + beat, 80) for beat in range(4)]
    (measure,) = written(one(*notes)).parts[0]
    assert [note.duration for note in measure[:3]] == [value] * 3


def test_a_real_rest_is_kept() -> None:
    notes = (Note(0, 2 * BEAT - 20, 40, 80), Note(BAR, 2 * BEAT, 41, 80))
    first, second = written(one(*notes)).parts[0]
    assert first[0].duration == second[0].duration == 2


def test_a_held_note_sounds_on_under_the_others() -> None:
    notes = (Note(0, BAR, 40, 80), *(Note(beat * BEAT, BEAT, 60, 80) for beat in range(4)))
    (measure,) = written(one(*notes)).parts[0]
    assert [note.duration for note in measure if note.pitch == 40] == [4]


def test_a_lone_part_follows_the_others_into_triplets() -> None:
    """An onset between the straight and the triplet place is heard as the band plays."""
    doubtful = Part("", 0, False, tuple(Note(beat * BEAT + 280, 90, 60, 80) for beat in range(8)))
    swung, straight = (
        Part(
            "",
            0,
            False,
            tuple(
                Note(beat * BEAT + round(place * BEAT), 90, 50, 80)
                for beat in range(8)
                for place in places
            ),
        )
        for places in (TRIPLET, EIGHTHS)
    )
    for band, place in ((swung, Fraction(2, 3)), (straight, Fraction(1, 2))):
        music = written(Arrangement(BEAT, (doubtful, *[band] * 3)))
        assert {onset % 1 for onset in onsets_of(music)} == {place}


def test_compound_beats_are_dotted_quarters() -> None:
    notes = [Note(place * BEAT // 2, 200, 40, 80) for place in range(12)]
    result = written(one(*notes, metres=(Metre(0, 6, 8),)))
    assert [frame.length for frame in result.frames] == [3, 3]
    assert onsets_of(result) == [Fraction(place, 2) for place in range(12)]


def test_metre_changes_a_little_late_leave_no_splinters() -> None:
    notes = [Note(beat * BEAT, 400, 40, 80) for beat in range(16)]
    metres = (Metre(0, 4, 4), Metre(BAR + 7, 3, 4))
    result = written(one(*notes, metres=metres))
    assert [frame.length for frame in result.frames] == [4, 3, 3, 3, 3]
    assert [frame.metre_stated for frame in result.frames] == [True, True, False, False, False]
    assert onsets_of(result) == list(range(16))


@pytest.mark.parametrize("changes", [(1,), (1, 2)])
def test_metre_changes_within_the_only_note_leave_a_measure(changes: tuple[int, ...]) -> None:
    metres = tuple(Metre(tick, 1, 2) for tick in changes)
    result = written(one(Note(0, len(changes) - 1, 40, 80), ticks=16, metres=metres))
    assert [len(measure) for measure in result.parts[0]] == [1]


def test_keys_are_the_files_or_estimated(song: Arrangement) -> None:
    keys = (KeySignature(0, 2), KeySignature(2 * BAR, -1, True))
    two = Arrangement(BEAT, song.parts, keys=keys)
    frames = written(two).frames
    assert [frame.key.fifths for frame in frames[:4]] == [2, 2, -1, -1]
    assert [place for place, frame in enumerate(frames) if frame.key_stated] == [0, 2]
    up = [
        Part("", 0, False, tuple(note._replace(pitch=note.pitch + 2) for note in part.notes))
        for part in song.parts[:3]
    ]
    default = Arrangement(BEAT, tuple(up), keys=(KeySignature(0, 0),))
    assert written(default).frames[0].key.fifths == 2


def test_the_last_measure_closes_the_piece(song: Arrangement) -> None:
    result = written(song)
    assert len(result.frames) == 8
    assert [len(frame.barlines) for frame in result.frames] == [0] * 7 + [1]


@pytest.mark.data
def test_real_songs_keep_their_notes(data: Path) -> None:
    for number in (2, 62, 182):
        music = read_midi((data / "real_songs" / f"{number:03}.mid").read_bytes())
        result = written(music)
        count = sum(len(part.notes) for part in music.parts)
        assert result.merged <= 0.01 * count
        at = [onset for part in range(len(music.parts)) for onset in onsets_of(result, part)]
        assert len(at) + result.merged == count
