"""How a part shall be in numbers: what is asked, and what is done about it after writing."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoretokens.grid import TICKS_PER_BEAT
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, Tempo
from subtractive.errors import OptionError
from subtractive.facts import Facts
from subtractive.instruments import INSTRUMENTS
from subtractive.instruments import instrument as known_instrument
from subtractive.terms import TERMS
from symbolic.manner import (
    ANY,
    Manner,
    Range,
    density_of,
    like,
    loudened,
    name_of,
    near,
    of_words,
    on_chords,
    register_of,
    second_eighth,
    swung,
)

BAR = 4 * TICKS_PER_BEAT
BARS = np.arange(0, 9 * BAR, BAR)
HAT, KICK = 42, 36


def notes_of(onsets: list[int], pitch: int = HAT) -> np.ndarray:
    return np.array([[onset, 2, pitch, 80] for onset in onsets], dtype=np.int64).reshape(-1, 4)


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.floats(0.1, 50))
def test_the_nearest_number_is_inside_and_no_other_is_nearer(a: float, b: float, x: float) -> None:
    wanted = Range(min(a, b), max(a, b))
    found = wanted.nearest(x)
    assert wanted.low <= found <= wanted.high
    assert (wanted.octaves_away(x) == 0) == (wanted.low <= x <= wanted.high)


def test_opposite_words_ask_for_ranges_that_do_not_meet() -> None:
    for instrument in INSTRUMENTS:
        sparse, busy, soft, loud, straight, swing = (
            of_words(f"{word} {instrument}", instrument, 120)
            for word in ("sparse", "busy", "soft", "loud", "straight", "swung")
        )
        assert sparse.density.high < busy.density.low
        assert soft.velocity.high < loud.velocity.low
        assert straight.swing.high < swing.swing.low


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_word_asks_for_what_the_corpus_means_by_it(instrument: str) -> None:
    for word, field in (("busy", "attacks_per_quarter"), ("sparse", "attacks_per_quarter")):
        (bound,) = TERMS[instrument][word]
        assert bound.field == field
        wanted = of_words(f"Add {word} {instrument}", instrument, 100).density
        assert bound.said in (wanted.low, wanted.high)


def test_lively_means_strokes_a_second() -> None:
    slow, fast = (of_words("lively drums", "drums", tempo).density for tempo in (60, 120))
    assert slow.low == pytest.approx(2 * fast.low)


def test_what_is_denied_and_what_is_not_said_is_not_asked() -> None:
    assert of_words("Add drums", "drums", 120) == Manner()
    assert of_words("Add jazz drums", "drums", 120) == Manner()


def test_a_number_counts_before_a_word() -> None:
    told = of_words("Add busy, soft drums", "drums", 120)
    asked = Manner(density=near(2.0)).over(told)
    assert asked.density == near(2.0)
    assert asked.velocity == told.velocity != ANY


@pytest.mark.parametrize(
    ("text", "expected"),
    [("E1-G3", (28, 55)), ("28-55", (28, 55)), ("c4 - C5", (60, 72)), ("Bb-1-C#0", (10, 13))],
)
def test_registers_are_read(text: str, expected: tuple[int, int]) -> None:
    assert register_of(text) == expected


@given(st.integers(12, 107), st.integers(0, 20))
def test_names_of_pitches_are_read_back(low: int, size: int) -> None:
    assert register_of(f"{name_of(low)}-{name_of(low + size)}") == (low, low + size)


@pytest.mark.parametrize("text", ["", "E1", "E1-", "high", "H1-C3", "G3-E1", "28-155", "C4-C11"])
def test_what_is_no_register_is_told(text: str) -> None:
    with pytest.raises(OptionError, match="--register"):
        register_of(text)


@pytest.mark.parametrize(
    ("manner", "instrument", "said"),
    [
        (Manner(register=(28, 55)), "drums", "drums have no register"),
        (Manner(strict=True), "drums", "no chords"),
        (Manner(register=(28, 36)), "bass", "less than an octave"),
        (Manner(register=(90, 120)), "bass", "within E1-G4"),
        (Manner(polyphony=0), "guitar", "leaves no note"),
    ],
)
def test_what_an_instrument_cannot_do_is_told(manner: Manner, instrument: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        manner.checked(instrument)


@given(
    st.lists(st.integers(1, 127), min_size=1, max_size=60),
    st.floats(20, 110),
)
def test_the_mean_velocity_is_met(velocities: list[int], low: float) -> None:
    wanted = Range(low, low + 4)
    found = loudened(np.array(velocities), wanted)
    assert found.min() >= 1
    assert found.max() <= 127
    assert wanted.low - 1 <= found.mean() <= wanted.high + 1


def test_dynamics_survive_a_change_of_loudness() -> None:
    found = loudened(np.array([40, 60, 80]), Range(80, 90))
    assert found.tolist() == [60, 80, 100]


@pytest.mark.parametrize(
    ("ratio", "tick"), [(1.0, 6), (0.9, 6), (1.4, 7), (1.6, 7), (2.0, 8), (2.6, 8)]
)
def test_the_second_eighth_stands_where_the_ratio_says(ratio: float, tick: int) -> None:
    assert second_eighth(Range(ratio, ratio)) == tick


def test_swing_moves_second_eighths_and_nothing_else() -> None:
    notes = notes_of([place for bar in range(8) for place in range(bar * BAR, bar * BAR + BAR, 6)])
    found = swung(notes, BARS, Range(1.5, 2.2), drums=True)
    assert (found[::2] == notes[::2]).all()
    assert (found[1::2, 0] - notes[1::2, 0] == 2).all()
    assert (swung(found, BARS, Range(0.8, 1.1), drums=True) == notes).all()


def test_a_hat_on_sixteenths_becomes_swung_eighths_and_a_kick_moves_along() -> None:
    sixteenths = list(range(0, BAR, 3))
    notes = np.concatenate([notes_of(sixteenths), notes_of([9], KICK)])
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    found = swung(notes, BARS, Range(1.9, 2.2), drums=True)
    hats = found[found[:, 2] == HAT, 0]
    assert sorted(hats % 12) == [0] * 4 + [8] * 4
    assert found[found[:, 2] == KICK, 0].tolist() == [8]


def test_nothing_asked_nothing_moved() -> None:
    notes = notes_of([0, 3, 6, 8, 9])
    assert swung(notes, BARS, ANY, drums=True) is notes


def song(*chords: tuple[int, tuple[int, ...]]) -> Arrangement:
    symbols = tuple(ChordSymbol(tick, "", tones[0], tones, None) for tick, tones in chords)
    holds = Part("keys", 0, False, (Note(0, 4 * 480 * 2, 60, 80),))
    return Arrangement(480, (holds,), (Tempo(0, 500_000),), (Metre(0, 4, 4),), chords=symbols)


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(28, 67)), max_size=30))
def test_strong_beats_have_chord_tones_alone_and_the_rest_is_left(
    drawn: list[tuple[int, int]],
) -> None:
    context = song((0, (0, 4, 7)), (4 * 480, (9, 0, 4)))
    notes = tuple(Note(slot * 240, 200, pitch, 80) for slot, pitch in sorted(set(drawn)))
    found = on_chords(notes, context, 28, 67)
    for note in found:
        assert 28 <= note.pitch <= 67
        if note.onset % 960 == 0:
            assert note.pitch % 12 in ((0, 4, 7) if note.onset < 1920 else (9, 0, 4))
    weak = [note for note in notes if note.onset % 960]
    assert [note for note in found if note.onset % 960] == weak
    assert {note.onset for note in found} == {note.onset for note in notes}
    assert on_chords(found, context, 28, 67) == found


def test_the_nearest_chord_tone_is_taken() -> None:
    context = song((0, (0, 4, 7)))
    (found,) = on_chords((Note(0, 100, 41, 80),), context, 28, 67)
    assert found.pitch == 40


def test_density_counts_chords_once_and_strokes_each() -> None:
    onsets = np.array([0, 0, 0, 12, 24, 36])
    assert density_of(onsets, 4, drums=False) == 1.0
    assert density_of(onsets, 4, drums=True) == 1.5


def test_playing_like_a_part_is_as_dense_loud_and_swung() -> None:
    facts = Facts("bass", 8, 120, 8, 2.0, 4.0, swing_ratio=2.0, mean_velocity=70)
    manner = like(facts)
    assert manner.density.octaves_away(2.0) == 0
    assert manner.velocity.nearest(70) == 70
    assert second_eighth(manner.swing) == 8
    straight = like(Facts("bass", 8, 120, 8, 2.0, 4.0, swing_ratio=nan))
    assert second_eighth(straight.swing) == 6
    assert straight.velocity == ANY


def test_registers_leave_every_instrument_an_octave_of_its_own() -> None:
    for name in ("bass", "guitar"):
        known = known_instrument(name)
        manner = Manner(register=(known.lowest, known.lowest + 12))
        assert manner.checked(name) is manner
