"""Control adherence: hand-made parts, each wish obeyed and missed by a known amount."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import controls
from benchmarks.metrics.controls import (
    Asked,
    direction,
    evaluate,
    locked_bars_kept,
    on_strong_beat,
    strong_chord_tones,
    style_direction,
)
from benchmarks.metrics.grid import Surroundings
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part
from subtractive.styles import FAMILIES

Q, BARS = 480, 8  # ticks, bars


def around_of(
    numerator: int = 4, denominator: int = 4, beat: int = Q, *, chords: bool = True
) -> Surroundings:
    """Eight bars, C and G7 in turn."""
    bar = numerator * 4 * beat // denominator
    symbols = tuple(
        ChordSymbol(place * bar, "C", 0, (0, 4, 7), 0)
        if place % 2 == 0
        else ChordSymbol(place * bar, "G7", 7, (7, 11, 2, 5), 7)
        for place in range(BARS)
    )
    lines = tuple(range(0, (BARS + 1) * bar, bar))
    metres = (Metre(0, numerator, denominator),)
    song = Arrangement(beat, (), metres=metres, chords=symbols if chords else (), barlines=lines)
    return Surroundings.of(song)


FOUR = around_of()


def played(
    *notes: tuple[float, int, int], around: Surroundings = FOUR, drums: bool = False
) -> Played:
    """Notes of (onset in quarters, pitch, velocity), an eighth each."""
    beat = around.ticks_per_beat
    made = [
        Note(round(onset * beat), beat // 2, pitch, velocity) for onset, pitch, velocity in notes
    ]
    return Played.of(Part("Part", 0 if drums else 33, drums, tuple(made)), around)


def walking(pitch: int = 40, velocity: int = 80, per_bar: int = 4) -> Played:
    """A line of equal steps through all bars."""
    steps = np.arange(0, 4 * BARS, 4 / per_bar)
    return played(*((float(step), pitch, velocity) for step in steps))


SILENCE = played()


def test_what_was_done_is_at_no_distance() -> None:
    part = walking(pitch=43, velocity=70)
    asked = Asked(
        notes_per_bar=4, median_pitch=43, range_semitones=0, mean_velocity=70, swing_ratio=1
    )
    assert set(evaluate(asked, part, "bass").values()) == {0.0}


@pytest.mark.parametrize(
    ("asked", "name", "distance"),
    [
        (Asked(notes_per_bar=6), "density_error", 2),
        (Asked(median_pitch=52), "register_error", 12),
        (Asked(range_semitones=7), "range_error", 7),
        (Asked(mean_velocity=60), "loudness_error", 20),
        (Asked(swing_ratio=2), "swing_error", 1),
    ],
)
def test_distances_are_in_the_unit_of_the_wish(asked: Asked, name: str, distance: float) -> None:
    assert evaluate(asked, walking(), "bass") == {name: distance}


def test_a_register_counts_the_middle_note_and_the_middle_eighty_percent() -> None:
    scale = played(*((step / 2, 40 + step % 11, 80) for step in range(55)))
    asked = Asked(median_pitch=45, range_semitones=8)
    assert evaluate(asked, scale, "bass") == {"register_error": 0, "range_error": 0}


def test_swung_eighths_are_heard_as_asked() -> None:
    swung = played(*((beat + off, 40, 80) for beat in range(32) for off in (0, 2 / 3)))
    assert evaluate(Asked(swing_ratio=2), swung, "bass")["swing_error"] == pytest.approx(0)
    straight = walking(per_bar=8)
    assert direction(straight, swung, "more swung") == 1
    assert direction(swung, straight, "more swung") == 0


def test_nothing_asked_is_nothing_answered() -> None:
    assert evaluate(Asked(), walking(), "bass") == {}


def test_every_answer_has_a_measure() -> None:
    everything = Asked(4, 40, 0, 80, 1, "rock", (0,), chord_tones=True)
    found = evaluate(everything, walking(), "bass", walking())
    assert list(found) == [measure.name for measure in controls.MEASURES]


def test_silence_is_as_far_as_can_be() -> None:
    asked = Asked(4, 40, 12, 80, 2, "rock", (), chord_tones=True)
    assert evaluate(asked, SILENCE, "bass") == {
        "density_error": 4,
        "register_error": 127,
        "range_error": 127,
        "loudness_error": 80,
        "swing_error": 1,
        "style_recognised": 0,
        "style_probability": 0,
        "strong_chord_tones": 0,
    }


@pytest.mark.parametrize(
    ("less", "more", "wish"),
    [
        (walking(velocity=50), walking(velocity=51), "louder"),
        (walking(per_bar=2), walking(per_bar=8), "busier"),
        (walking(pitch=40), walking(pitch=45), "higher"),
        (SILENCE, walking(), "louder"),
        (SILENCE, walking(), "busier"),
    ],
)
def test_directions(less: Played, more: Played, wish: controls.Wish) -> None:
    assert direction(less, more, wish) == 1
    assert direction(more, less, wish) == 0
    assert direction(more, more, wish) == 0.5


def test_silence_has_no_height() -> None:
    assert np.isnan(direction(SILENCE, walking(), "higher"))


LINE = [(beat / 2, 36 + beat % 7, 60 + beat % 9) for beat in range(8 * BARS)]


@given(
    st.integers(0, len(LINE) - 1),
    st.sampled_from(["onset", "pitch", "velocity", "gone", "twice"]),
    st.sets(st.integers(0, BARS - 1), min_size=1),
)
def test_locked_bars_are_kept_note_by_note(place: int, change: str, locked: set[int]) -> None:
    onset, pitch, velocity = LINE[place]
    other = {
        "onset": [(onset + 1 / Q, pitch, velocity)],
        "pitch": [(onset, pitch + 12, velocity)],
        "velocity": [(onset, pitch, velocity + 1)],
        "gone": [],
        "twice": [LINE[place]] * 2,
    }[change]
    before = played(*LINE)
    part = played(*LINE[:place], *other, *LINE[place + 1 :])
    touched = int(onset // 4) in locked
    assert locked_bars_kept(part, before, locked) == pytest.approx(1 - touched / len(locked))


def test_a_longer_note_is_another_note() -> None:
    before = walking()
    notes = tuple(Note(int(n["onset"]), Q // 4, 40, 80) for n in before.notes)
    shorter = Played.of(Part("Part", 33, False, notes), FOUR)
    assert locked_bars_kept(shorter, before, range(BARS)) == 0
    assert locked_bars_kept(before, before, range(BARS)) == 1


@pytest.mark.parametrize(
    ("metre", "strong"),
    [
        ((4, 4), [0, 2]),
        ((3, 4), [0]),
        ((2, 4), [0]),
        ((6, 8), [0]),
        ((12, 8), [0, 3]),
        ((5, 4), [0]),
    ],
)
def test_strong_beats_of_metres(metre: tuple[int, int], strong: list[float]) -> None:
    around = around_of(*metre)
    quarters = metre[0] * 4 / metre[1]
    eighths = np.arange(0, quarters, 0.5)
    part = played(*((float(eighth), 40, 80) for eighth in eighths), around=around)
    assert eighths[on_strong_beat(part)].tolist() == strong


def test_chord_tones_on_strong_beats() -> None:
    # C on one and three of the bars of C, and of G7, where it is none
    roots = played(*((4 * bar + beat, 36, 80) for bar in range(BARS) for beat in (0, 2)))
    assert strong_chord_tones(roots) == 0.5
    obedient = played(*((4 * bar, 36 if bar % 2 == 0 else 43, 80) for bar in range(BARS)))
    assert strong_chord_tones(obedient) == 1
    # what falls on weak beats does not count
    passing = played(
        *((4 * bar, 36 if bar % 2 == 0 else 43, 80) for bar in range(BARS)), (1, 37, 80)
    )
    assert strong_chord_tones(passing) == 1
    # a little before the barline is on the beat that follows
    early = played(
        *((4 * bar + 4 - 1 / 48, 43 if bar % 2 == 0 else 36, 80) for bar in range(BARS - 1))
    )
    assert strong_chord_tones(early) == 1


def test_a_song_without_harmony_has_no_chord_tones() -> None:
    around = around_of(chords=False)
    assert np.isnan(strong_chord_tones(played((0, 40, 80), around=around)))


def test_ticks_do_not_matter() -> None:
    asked = Asked(5, 41, 3, 70, 1.5, "jazz and swing", (), chord_tones=True)
    coarse, fine = around_of(beat=24), around_of(beat=960)
    answers = [evaluate(asked, played(*LINE, around=each), "bass") for each in (coarse, fine)]
    assert answers[0] == pytest.approx(answers[1])


def test_a_style_is_one_of_the_families() -> None:
    total = sum(
        evaluate(Asked(style=family.name), walking(), "bass")["style_probability"]
        for family in FAMILIES
    )
    recognised = [
        evaluate(Asked(style=family.name), walking(), "bass")["style_recognised"]
        for family in FAMILIES
    ]
    assert total == pytest.approx(1)
    assert sum(recognised) == 1


def test_a_style_has_a_direction() -> None:
    one, other = walking(), walking(per_bar=8)
    there = style_direction(one, other, "bass", "rock")
    back = style_direction(other, one, "bass", "rock")
    assert {there, back} == {0.0, 1.0}
    assert style_direction(one, one, "bass", "rock") == 0.5


@pytest.mark.parametrize(
    ("asked", "part", "instrument", "message"),
    [
        (Asked(median_pitch=40), played(drums=True), "drums", "no register"),
        (Asked(chord_tones=True), played(drums=True), "drums", "no chord tones"),
        (Asked(locked_bars=(BARS,)), walking(), "bass", "not among the 8 bars"),
        (Asked(locked_bars=(0,)), walking(), "bass", "as it was before"),
        (Asked(style="polka-dot"), walking(), "bass", "unknown style family"),
        (Asked(), walking(), "drums", "not drums"),
    ],
)
def test_wishes_without_sense_are_refused(
    asked: Asked, part: Played, instrument: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(asked, part, instrument)


def test_drums_are_asked_for_density_loudness_and_swing() -> None:
    beat = played(*((step / 2, 42, 90) for step in range(8 * BARS)), drums=True)
    asked = replace(Asked(), notes_per_bar=8, mean_velocity=90, swing_ratio=1)
    assert set(evaluate(asked, beat, "drums").values()) == {0.0}
