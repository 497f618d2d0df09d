"""Which songs are fit to learn from, why others are not, and which tracks are dead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Metre
from subtractive.arrays import NOTE, ArrayPart, ArraySong, Notes, to_arrays
from subtractive.files.midi_arrays import read_midi_arrays
from subtractive.quality import living, unfit

BEAT = 480


@pytest.fixture
def band(song: Arrangement) -> ArraySong:
    """Melody, guitar, bass and drums, eight bars."""
    return to_arrays(song)


def track(
    onsets: list[int],
    pitch: int = 60,
    duration: int = 100,
    program: int = 0,
    *,
    drums: bool = False,
) -> ArrayPart:
    return ArrayPart("track", program, drums, notes(onsets, pitch, duration))


def notes(onsets: list[int], pitch: int, duration: int) -> Notes:
    table = np.zeros(len(onsets), dtype=NOTE)
    table["onset"], table["pitch"] = onsets, pitch
    table["duration"], table["velocity"] = duration, 80
    return table


def changed(part: ArrayPart, **columns: object) -> ArrayPart:
    table = part.notes.copy()
    for name, values in columns.items():
        table[name] = values
    return replace(part, notes=table)


def only(music: ArraySong, *places: int) -> ArraySong:
    return replace(music, parts=tuple(music.parts[place] for place in places))


def stretched(music: ArraySong, times: float) -> ArraySong:
    parts = tuple(changed(each, onset=each.notes["onset"] * times) for each in music.parts)
    return replace(music, parts=parts)


def test_a_song_with_a_band_is_fit_and_all_of_it_lives(band: ArraySong) -> None:
    assert unfit(band) == ""
    assert living(band) is band


def test_a_song_that_teaches_nothing_says_why(band: ArraySong) -> None:
    short = stretched(band, 0.5)
    assert unfit(short) == "5 bars, fewer than 8"
    assert unfit(only(band, 0)) == "no drums, bass or guitar of 16 notes"
    assert unfit(only(band, 3)) == "nobody else plays 16 notes beside the drums"
    assert unfit(only(band, 2, 3)) == ""
    assert unfit(replace(band, parts=())) == "no notes"
    few = replace(band.parts[1], notes=band.parts[1].notes[:12])
    assert "nobody else" in unfit(replace(band, parts=(few, band.parts[3])))


def test_broken_songs_are_refused_with_the_numbers(band: ArraySong) -> None:
    at_once = tuple(changed(each, onset=7) for each in band.parts)
    assert unfit(replace(band, parts=at_once)) == "all 201 notes begin at once"
    held = tuple(changed(each, duration=65 * BEAT) for each in band.parts)
    assert "of 201 notes are stuck: longer than 64 quarter notes" in unfit(
        replace(band, parts=held)
    )
    late = band.parts[0].notes.copy()
    late["onset"][-1] = 1_000_000 * BEAT
    lost = (replace(band.parts[0], notes=late), *band.parts[1:])
    assert unfit(replace(band, parts=lost)).endswith("quarter notes long, more than 1000 bars")
    fast = replace(band, metres=(Metre(0, 1, 64),))
    assert unfit(stretched(fast, 3)) == "1520 bars, more than 1000"


@pytest.mark.parametrize(
    ("metre", "held"),
    [((4, 4), True), ((7, 16), True), ((12, 8), True), ((5, 64), False), ((19, 8), False)],
)
def test_a_metre_that_no_grid_holds_is_named(
    band: ArraySong, metre: tuple[int, int], held: bool
) -> None:
    long = stretched(replace(band, metres=(Metre(0, *metre),)), 4)
    assert (unfit(long) == "") is held
    assert held or "have a metre that the grid holds" in unfit(long)


@given(st.integers(1, 20), st.sampled_from((96, 480)))
def test_songs_that_start_late_by_whole_beats_are_as_fit(beats: int, ticks: int) -> None:
    rng = np.random.default_rng(beats)
    free = np.sort(rng.integers(0, 40 * BEAT, 200)).tolist()
    strict = [place * BEAT // 4 for place in range(160)]
    for onsets, fits in ((free, False), (strict, True)):
        parts = (track(onsets, 36, drums=True), track(onsets, 40, program=33))
        late = tuple(
            changed(each, onset=each.notes["onset"] * (ticks / BEAT) + beats * ticks)
            for each in parts
        )
        reason = unfit(ArraySong(ticks, late))
        assert (reason == "") is fits
        assert fits or "played freely" in reason


def test_triplets_are_on_the_grid_and_small_human_errors_too() -> None:
    rng = np.random.default_rng(3)
    onsets = [place * BEAT // 3 + int(rng.integers(-12, 13)) for place in range(1, 160)]
    music = ArraySong(BEAT, (track(onsets, 36, drums=True), track(onsets, 40, program=33)))
    assert unfit(music) == ""


def test_dead_tracks_are_dropped_and_the_others_stay_as_they_are(band: ArraySong) -> None:
    beats = [BEAT * place for place in range(32)]
    dead = [
        track([]),
        track([0, 5, 9], 5),
        track(beats, 76, drums=True),
        track(beats, 60),
        replace(band.parts[0], name="Melody again", program=80),
        changed(band.parts[3], velocity=50),
    ]
    assert living(replace(band, parts=(dead[0], *band.parts, *dead[1:]))).parts == band.parts


def test_a_drum_or_a_drone_on_a_track_of_its_own_lives(band: ArraySong) -> None:
    beats = [BEAT * place for place in range(32)]
    alive = (
        track(beats, 42, drums=True),
        track(beats, 36, drums=True),
        track(beats, 40, program=33),
        track(beats, 52, duration=BEAT, program=48),
        track([*beats[:9], 9 * BEAT + 1], 76, drums=True),
    )
    assert living(replace(band, parts=alive)).parts == alive


def test_of_a_bass_and_its_double_the_bass_stays(band: ArraySong) -> None:
    double = replace(band.parts[2], name="Synth", program=81)
    kept = living(replace(band, parts=(double, *band.parts)))
    assert kept.parts == band.parts
    octave = changed(double, pitch=double.notes["pitch"] + 12)
    assert len(living(replace(band, parts=(octave, *band.parts))).parts) == 5


def test_what_is_dead_stays_dead(band: ArraySong) -> None:
    once = living(replace(band, parts=(*band.parts, *band.parts, track([]))))
    assert living(once) is once


@pytest.mark.data
@pytest.mark.parametrize(("folder", "most"), [("freedoom", 0.06), ("real_songs", 0.01)])
def test_few_real_songs_are_dropped(data: Path, folder: str, most: float) -> None:
    paths = sorted((data / folder).rglob("*.mid"))
    songs = [living(read_midi_arrays(path.read_bytes(), path.name)) for path in paths]
    reasons = [reason for music in songs if (reason := unfit(music))]
    assert len(paths) > 200
    assert len(reasons) <= most * len(paths), reasons
