"""Playability: chords that every player knows, what no hand can do, and laws of both."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import playability
from benchmarks.metrics.playability import drum_errors, errors
from benchmarks.songs import freedoom_files
from subtractive.arrays import NOTE, Notes
from subtractive.errors import InstrumentError
from subtractive.excerpts import main_notes
from subtractive.files.midi_arrays import read_midi_arrays
from subtractive.fretboard import BASS, GUITAR, Fretboard, finger_count, follow, grips
from subtractive.limbs import unplayable_strokes
from subtractive.performances import performances, read_performance

Q = 480  # ticks

E_MAJOR = (40, 47, 52, 56, 59, 64)
F_MAJOR = tuple(pitch + 1 for pitch in E_MAJOR)
C_MAJOR = (48, 52, 55, 60, 64)
POWER_A = (45, 52, 57)
CLUSTER = (60, 61, 62, 63, 64, 65)
KICK, SNARE, HAT, PEDAL, OPEN_HAT, CRASH, TOM = 36, 38, 42, 44, 46, 49, 45


def notes_of(*notes: tuple[float, float, int]) -> Notes:
    """Notes of (onset, duration) in quarters and pitch."""
    rows = [(round(onset * Q), round(length * Q), pitch, 90) for onset, length, pitch in notes]
    return np.array(rows, dtype=NOTE)


def chords_of(*chords: tuple[int, ...], length: float = 0.9) -> Notes:
    """A chord on every quarter."""
    return notes_of(*((beat, length, each) for beat, chord in enumerate(chords) for each in chord))


def strokes_of(**keys: tuple[int, np.ndarray]) -> Notes:
    """Strokes of each key at some quarters."""
    return notes_of(*((beat, 0.1, key) for key, beats in keys.values() for beat in beats))


def failed(notes: Notes, board: Fretboard = GUITAR, tempo: float = 120) -> int:
    return follow(notes, Q, tempo, board).failed


@pytest.mark.parametrize(
    ("chord", "grip"),
    [
        (E_MAJOR, (0, 2, 2, 1, 0, 0)),
        (F_MAJOR, (1, 3, 3, 2, 1, 1)),
        (C_MAJOR, (-1, 3, 2, 0, 1, 0)),
        (POWER_A, (-1, 0, 2, 2, -1, -1)),
        (POWER_A, (5, 7, 7, -1, -1, -1)),
    ],
)
def test_known_grips_are_found(chord: tuple[int, ...], grip: tuple[int, ...]) -> None:
    assert grip in grips(GUITAR, chord)


@pytest.mark.parametrize(
    ("grip", "fingers"),
    [
        ((0, 2, 2, 1, 0, 0), 2),  # the two on the second fret are one small barre
        ((1, 3, 3, 2, 1, 1), 3),
        ((-1, 0, 2, 2, 2, 0), 1),
        ((2, 0, 2, -1, -1, -1), 2),  # no finger lies across an open string and leaves it open
        ((3, 2, 0, 0, 0, 3), 3),
        ((3, -1, 3, -1, -1, -1), 1),
        ((-1,) * 6, 0),
    ],
)
def test_fingers_of_a_grip(grip: tuple[int, ...], fingers: int) -> None:
    assert finger_count(grip) == fingers


@pytest.mark.parametrize(
    ("board", "chord"),
    [
        (GUITAR, CLUSTER),
        (GUITAR, (36,)),  # C2
        (GUITAR, (89,)),
        (GUITAR, (40, 41)),  # two notes that only the lowest string has
        (GUITAR, (40, 47, 52, 56, 59, 64, 68)),  # seven notes
        (GUITAR, (41, 88)),  # the first fret and the 24th
        (BASS, (28, 31)),
        (BASS, (27,)),
    ],
)
def test_impossible_chords_have_no_grip(board: Fretboard, chord: tuple[int, ...]) -> None:
    assert grips(board, chord) == ()
    assert failed(chords_of(chord), board) == 1


@given(st.sets(st.integers(38, 90), max_size=6))
def test_every_grip_sounds_its_chord_with_one_hand(chord: set[int]) -> None:
    for grip in grips(GUITAR, chord):
        frets = [fret for fret in grip if fret >= 0]
        fretted = [fret for fret in frets if fret]
        sounding = {s + f for s, f in zip(GUITAR.strings, grip, strict=True) if f >= 0}
        assert sounding == chord
        assert len(frets) == len(chord)
        assert not fretted or max(fretted) - min(fretted) <= GUITAR.stretch
        assert finger_count(grip) <= 4


@given(st.sets(st.integers(40, 88), min_size=1, max_size=6))
def test_a_chord_without_some_notes_stays_playable(chord: set[int]) -> None:
    if grips(GUITAR, chord):
        for size in range(1, len(chord)):
            assert all(grips(GUITAR, part) for part in combinations(chord, size))


@given(st.sets(st.integers(40, 76), min_size=1, max_size=6))
def test_a_grip_without_open_strings_goes_up_an_octave(chord: set[int]) -> None:
    here = {grip for grip in grips(GUITAR, chord) if 0 not in grip and max(grip) <= 12}
    above = grips(GUITAR, {pitch + 12 for pitch in chord})
    assert {tuple(fret + 12 if fret > 0 else fret for fret in grip) for grip in here} <= {*above}


def test_order_and_ticks_do_not_matter(rng: np.random.Generator) -> None:
    part = chords_of(*(tuple(rng.choice(np.arange(40, 76), 4)) for _ in range(40)), length=1.4)
    drums = notes_of(*((i / 8, 0.1, int(rng.choice([36, 38, 42, 46, 49]))) for i in range(99)))
    mixed = rng.permutation(part)
    finer = part.copy()
    finer["onset"] *= 2
    finer["duration"] *= 2
    assert follow(part, Q, 120, GUITAR) == follow(mixed, Q, 120, GUITAR)
    assert follow(part, Q, 120, GUITAR) == follow(finer, 2 * Q, 120, GUITAR)
    assert 0 < failed(part) < 40
    places = rng.permutation(len(drums))
    flags = unplayable_strokes(drums, Q, 200)
    assert (unplayable_strokes(drums[places], Q, 200) == flags[places]).all()


NOTE_LISTS = st.lists(
    st.tuples(st.integers(0, 48), st.sampled_from([0.05, 0.25, 0.5, 1.5]), st.integers(38, 80)),
    min_size=1,
    max_size=16,
).map(lambda notes: notes_of(*((step / 12, length, pitch) for step, length, pitch in notes)))


@given(NOTE_LISTS, st.randoms(use_true_random=False), st.sampled_from([60, 120, 240, 600]))
def test_a_playable_part_without_some_notes_stays_playable(
    notes: Notes, choice: np.random.Generator, tempo: float
) -> None:
    fewer = notes[[place for place in range(len(notes)) if choice.random() < 0.7]]
    if failed(notes, tempo=tempo) == 0:
        assert failed(fewer, tempo=tempo) == 0
    drums = notes.copy()
    drums["pitch"] = np.array([36, 38, 42, 44, 46, 49, 45])[notes["pitch"] % 7]
    if not unplayable_strokes(drums, Q, tempo).any():
        kept = drums[np.isin(drums["onset"], fewer["onset"])]
        assert not unplayable_strokes(kept, Q, tempo).any()


@given(NOTE_LISTS)
def test_parts_apart_fail_as_often_together_as_each(notes: Notes) -> None:
    later = notes.copy()
    later["onset"] += 100 * Q
    assert failed(np.concatenate([notes, later])) == 2 * failed(notes)


def test_a_part_never_fails_more_often_than_it_strikes(rng: np.random.Generator) -> None:
    for tempo in (60, 300, 2000):
        wild = notes_of(*((i / 4, 1, int(rng.integers(30, 95))) for i in range(200)))
        work = follow(wild, Q, tempo, BASS)
        assert min(work) >= 0
        assert work.failed <= work.attacks


def test_leaps_need_time() -> None:
    # F2 and A#5 have no place in common on a guitar: 13 frets at least lie between their hands
    leaps = [(41, 82)[place % 2] for place in range(8)]
    slow = notes_of(*((place, 0.5, pitch) for place, pitch in enumerate(leaps)))
    work = follow(slow, Q, 60, GUITAR)
    assert work.failed == 0
    assert follow(slow, Q, 400, GUITAR).out_of_reach == 4
    one_place = notes_of(*((place / 4, 0.2, 45 + place % 4) for place in range(32)))
    assert failed(one_place, tempo=240) == 0


def test_an_open_string_gives_time_to_move() -> None:
    fretted = notes_of((0, 0.4, 41), (1, 0.4, 42), (2, 0.4, 86))
    opened = notes_of((0, 0.4, 41), (1, 0.4, 64), (2, 0.4, 86))
    assert failed(fretted, tempo=130) == 1
    assert failed(opened, tempo=130) == 0


def test_a_note_that_sounds_on_keeps_its_string() -> None:
    # F2 and F#2 are on the lowest string alone
    assert failed(notes_of((0, 1, 41), (1, 1, 42))) == 0
    assert follow(notes_of((0, 4, 41), (1, 1, 42)), Q, 120, GUITAR).over_held == 1
    assert failed(notes_of((0, 4, 41), (1, 1, 48))) == 0
    # nor can a hand that holds the first fret reach the twentieth
    assert follow(notes_of((0, 4, 41), (1, 1, 84)), Q, 120, GUITAR).over_held == 1
    # a little overlap is legato
    assert failed(notes_of((0, 1.1, 41), (1, 1, 42))) == 0


def test_a_strum_is_one_attack() -> None:
    strum = notes_of(*((place / 100, 1, pitch) for place, pitch in enumerate(E_MAJOR)))
    assert follow(strum, Q, 120, GUITAR) == (1, 0, 0, 0, 0)


def test_what_failed_is_told_by_its_reason() -> None:
    part = chords_of(E_MAJOR, (36,), CLUSTER, F_MAJOR)
    assert follow(part, Q, 120, GUITAR) == (4, 1, 1, 0, 0)
    scores = errors(part, Q, 120, "guitar")
    assert scores == {"playability_errors": 50.0, "grip_errors": pytest.approx(100 / 3)}


EIGHTHS, BEATS = np.arange(0, 16, 0.5), np.arange(0, 16)
ROCK = {"hat": (HAT, EIGHTHS), "kick": (KICK, BEATS[::2]), "snare": (SNARE, BEATS[1::2])}


def test_a_rock_beat_is_played_at_any_tempo_of_music() -> None:
    for tempo in (50, 120, 240):
        assert drum_errors(strokes_of(**ROCK, crash=(CRASH, BEATS[::4])), Q, tempo) == 0


def test_three_hands_are_one_too_many() -> None:
    three = strokes_of(hat=(HAT, BEATS), snare=(SNARE, BEATS), tom=(TOM, BEATS))
    assert drum_errors(three, Q, 120) == pytest.approx(100 / 3)
    two_and_feet = strokes_of(
        hat=(HAT, BEATS), snare=(SNARE, BEATS), kick=(KICK, BEATS), foot=(PEDAL, BEATS)
    )
    assert drum_errors(two_and_feet, Q, 120) == 0


def test_an_open_hat_is_not_closed() -> None:
    assert drum_errors(strokes_of(open=(OPEN_HAT, BEATS), closed=(HAT, BEATS)), Q, 120) == 50
    assert drum_errors(strokes_of(open=(OPEN_HAT, BEATS), closed=(HAT, BEATS + 0.5)), Q, 120) == 0


def test_there_is_one_bass_drum() -> None:
    assert drum_errors(strokes_of(one=(35, BEATS), other=(36, BEATS)), Q, 120) == 50


@pytest.mark.parametrize(
    ("key", "notes_per_beat", "tempo", "possible"),
    [
        (KICK, 4, 180, True),  # 16ths on a double pedal
        (KICK, 8, 180, False),
        (SNARE, 8, 150, True),  # a roll in 32nds with both hands
        (SNARE, 16, 120, False),  # 64ths
        (PEDAL, 2, 240, True),
        (PEDAL, 4, 240, False),  # one foot alone
    ],
)
def test_how_fast_limbs_are(key: int, notes_per_beat: int, tempo: float, possible: bool) -> None:
    roll = strokes_of(roll=(key, np.arange(0, 16, 1 / notes_per_beat)))
    assert (drum_errors(roll, Q, tempo) == 0) == possible


def test_a_roll_is_thinned_to_what_hands_can_do() -> None:
    roll = strokes_of(roll=(SNARE, np.arange(0, 60, 1 / 24)))  # 48 strokes a second for 30 seconds
    assert drum_errors(roll, Q, 120) == pytest.approx(50, abs=1)


def test_flams_and_doubled_notes_are_no_third_hand() -> None:
    beat = strokes_of(hat=(HAT, BEATS), snare=(SNARE, BEATS), flam=(SNARE, BEATS + 0.04))
    assert drum_errors(beat, Q, 120) == 0
    assert drum_errors(np.concatenate([beat, beat]), Q, 120) == 0


def test_a_percussionist_has_hands_of_their_own() -> None:
    part = strokes_of(**ROCK, shaker=(70, EIGHTHS))
    scores = errors(part, Q, 120, "drums")
    assert scores["playability_errors"] == 0
    assert scores["solo_errors"] == pytest.approx(100 * 8 / len(part))  # with hat and snare


@pytest.mark.parametrize("instrument", ["bass", "guitar", "drums"])
def test_a_part_without_notes_has_no_errors(instrument: str) -> None:
    assert set(errors(notes_of(), Q, 120, instrument).values()) == {0.0}


def test_what_is_no_time_or_no_instrument_is_said() -> None:
    with pytest.raises(ValueError, match="no time"):
        errors(notes_of(), Q, 0, "bass")
    with pytest.raises(ValueError, match="ends before it begins"):
        errors(notes_of((0, -1, 40)), Q, 120, "bass")
    with pytest.raises(InstrumentError):
        errors(notes_of(), Q, 120, "tuba")


def test_every_error_has_a_measure() -> None:
    known = {measure.name for measure in playability.MEASURES}
    found = {name for each in ("bass", "drums") for name in errors(notes_of(), Q, 120, each)}
    assert found == known


def test_a_part_of_random_chords_cannot_be_played(rng: np.random.Generator) -> None:
    chords = [tuple(rng.choice(np.arange(40, 77), 5, replace=False)) for _ in range(200)]
    assert errors(chords_of(*chords), Q, 120, "guitar")["playability_errors"] > 50


@pytest.mark.data
def test_people_played_what_drummers_played(data: Path) -> None:
    missed = total = 0
    for take in performances(data / "gmd")[::12]:
        music = read_performance(take)
        notes = np.concatenate([part.notes for part in music.parts])
        flags = unplayable_strokes(notes, music.ticks_per_beat, take.tempo)
        missed, total = missed + int(flags.sum()), total + len(flags)
    assert total > 20_000
    assert missed < 0.003 * total


@pytest.mark.data
def test_people_could_play_what_people_wrote(data: Path) -> None:
    work = []
    for _, _, path in freedoom_files(data, ["train"])[::6]:
        song = read_midi_arrays(path.read_bytes())
        for instrument, board in (("bass", BASS), ("guitar", GUITAR)):
            work.append(follow(main_notes(song, instrument), song.ticks_per_beat, 120, board))
    attacks, out_of_range, *other = np.sum(work, axis=0)
    assert attacks > 10_000
    assert sum(other) < 0.01 * (attacks - out_of_range)
