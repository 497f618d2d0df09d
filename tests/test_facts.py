"""Facts: what a musician would count, on bars written by hand and under changes that keep them."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrays import NOTE, Notes
from subtractive.facts import Facts, measure
from subtractive.terms import TERMS, refuted, said

Q, BARS = 480, 8
LINES = np.arange(BARS + 1) * 4 * Q
BEATS = np.full(BARS, Q)

Stroke = tuple[float, int]  # quarters from the barline, pitch


def part(bar: list[Stroke], length: float = 0.5, velocity: int = 90) -> Notes:
    """The same bar, eight times."""
    notes = [
        (round((4 * number + beat) * Q), round(length * Q), pitch, velocity)
        for number in range(BARS)
        for beat, pitch in bar
    ]
    return np.array(sorted(notes, key=lambda note: (note[0], note[2])), dtype=NOTE)


def facts_of(notes: Notes, instrument: str, tempo: float = 120) -> Facts:
    return measure(notes, LINES, BEATS, instrument, tempo)


def terms(bar: list[Stroke], instrument: str, **more: float) -> set[str]:
    return {*said(facts_of(part(bar, **more), instrument))}  # type: ignore[arg-type]


EIGHTHS = [eighth / 2 for eighth in range(8)]
KICKS: list[Stroke] = [(0, 36), (2, 36)]
SNARES: list[Stroke] = [(1, 38), (3, 38)]
ROCK = [*KICKS, *SNARES, *((beat, 42) for beat in EIGHTHS)]


def test_a_rock_beat() -> None:
    facts = facts_of(part(ROCK), "drums")
    assert (facts.notes_per_bar, facts.backbeat_share, facts.hats_per_quarter) == (12, 1, 2)
    assert (facts.swing_ratio, facts.steady_share, facts.syncopation_share) == (1, 1, 0)
    assert {"backbeat", "eighths", "steady", "straight", "no_fills"} <= {*said(facts)}
    assert {"half_time", "swung", "fills", "four_floor", "ride"} <= {*refuted(facts)}


@pytest.mark.parametrize(
    ("bar", "term"),
    [
        ([(beat, 36) for beat in range(4)], "four_floor"),
        ([(0, 36), (2, 38), *((beat, 42) for beat in EIGHTHS)], "half_time"),
        ([(2, 36), (2, 37), *((beat, 42) for beat in EIGHTHS)], "one_drop"),
        ([(beat / 4, 42) for beat in range(16)], "sixteenths"),
        ([*SNARES, *((beat, 51) for beat in range(4))], "ride"),
        ([*ROCK, (0, 49)], "crashes"),
        ([(0, 36), (1, 37), (3, 37)], "side_stick"),
        ([*ROCK, *((beat, 63) for beat in EIGHTHS)], "hand_drums"),
        ([*ROCK, (1, 39), (3, 39)], "claps"),
        ([*KICKS, *((beat, 45) for beat in EIGHTHS)], "toms"),
        ([*ROCK, *((beat + 2 / 3, 42) for beat in range(4))], "backbeat"),
    ],
)
def test_drum_manners(bar: list[Stroke], term: str) -> None:
    assert term in terms(bar, "drums")


def test_a_fill_is_found_where_it_is_played() -> None:
    roll = [(b, 45) for b in (2, 2.25, 2.5, 2.75, 3.25, 3.5)]
    notes = part(ROCK)
    extra = part(roll)
    with_fills = np.concatenate(
        [notes, *(extra[extra["onset"] // (4 * Q) == bar] for bar in (3, 7))]
    )
    with_fills.sort(order=["onset", "pitch"])
    facts = facts_of(with_fills, "drums")
    assert facts.fills_per_bar == 2 / BARS
    assert {"fills", "phrase_fills"} <= {*said(facts)}
    assert "no_fills" in refuted(facts)


@pytest.mark.parametrize(
    ("bar", "term"),
    [
        ([(0, 36), (1, 38), (2, 40), (3, 41)], "walking"),
        ([(0, 36), (2, 43)], "two_feel"),
        ([(0, 36)], "sparse"),
        ([(beat, 36) for beat in EIGHTHS], "eighths"),
        ([(beat, 36) for beat in EIGHTHS], "repeated"),
        ([(beat, 36 + 12 * (index % 2)) for index, beat in enumerate(EIGHTHS)], "octaves"),
        ([(beat, 36) for beat in (0, 0.75, 1.5, 2.5, 3.5)], "syncopated"),
        ([(beat / 4, 36) for beat in range(16)], "busy"),
        ([(beat, 29) for beat in range(4)], "low"),
        ([(beat, 45) for beat in range(4)], "high"),
    ],
)
def test_bass_manners(bar: list[Stroke], term: str) -> None:
    assert term in terms(bar, "bass")


CHORD = (48, 52, 55, 60)


@pytest.mark.parametrize(
    ("bar", "term"),
    [
        ([(beat, pitch) for beat in range(4) for pitch in CHORD], "strummed"),
        # a strum's strings follow each other by ten ticks
        ([(beat + i / 48, p) for beat in range(4) for i, p in enumerate(CHORD)], "strummed"),
        ([(beat, pitch) for beat in EIGHTHS for pitch in (40, 47, 52)], "power_chords"),
        ([(beat, CHORD[index % 4]) for index, beat in enumerate(EIGHTHS)], "arpeggio"),
        ([(beat, 60 + index % 3) for index, beat in enumerate(EIGHTHS)], "single_line"),
        ([(beat + 0.5, pitch) for beat in range(4) for pitch in CHORD], "off_beats"),
        ([(beat, pitch) for beat in (1, 3) for pitch in CHORD], "two_four"),
    ],
)
def test_guitar_manners(bar: list[Stroke], term: str) -> None:
    assert term in terms(bar, "guitar")


@pytest.mark.parametrize(("second", "ratio"), [(0.5, 1), (0.6, 1.5), (2 / 3, 2)])
def test_the_swing_ratio_is_the_first_eighth_over_the_second(second: float, ratio: float) -> None:
    bar = [(beat + late, 36) for beat in range(4) for late in (0, second)]
    assert facts_of(part(bar), "bass").swing_ratio == pytest.approx(ratio, rel=0.01)


def test_where_beats_are_not_in_two_there_is_no_swing() -> None:
    triplets: list[Stroke] = [(beat + third / 3, 36) for beat in range(4) for third in range(3)]
    sixteenths: list[Stroke] = [(beat / 4, 36) for beat in range(16)]
    whole: list[Stroke] = [(0, 36)]
    for bar in (triplets, sixteenths, whole):
        assert isnan(facts_of(part(bar), "bass").swing_ratio)


@pytest.mark.parametrize(("length", "term"), [(0.25, "staccato"), (1.0, "legato")])
def test_touch(length: float, term: str) -> None:
    assert term in terms([(beat, 36) for beat in range(4)], "bass", length=length)


def test_in_six_eight_the_dotted_quarter_is_the_beat() -> None:
    notes = np.zeros(2 * BARS, dtype=NOTE)
    notes["onset"] = np.arange(2 * BARS) * 3 * Q // 2
    notes["duration"], notes["pitch"], notes["velocity"] = Q, 36, 80
    lines = np.arange(BARS + 1) * 3 * Q
    assert measure(notes, lines, np.full(BARS, Q // 2), "bass", 90).syncopation_share == 0
    # in 3/4 the same second note falls off the beat
    assert measure(notes, lines, np.full(BARS, Q), "bass", 90).syncopation_share > 0


@st.composite
def parts(draw: st.DrawFn) -> Notes:
    count = draw(st.integers(1, 60))
    row = st.tuples(
        st.integers(0, BARS * 4 * Q - 1),
        st.integers(0, 4 * Q),
        st.integers(0, 115),
        st.integers(1, 127),
    )
    notes = np.array(draw(st.lists(row, min_size=count, max_size=count)), dtype=NOTE)
    notes.sort(order=["onset", "pitch"])
    return notes


INSTRUMENT = st.sampled_from([*TERMS])


@given(parts(), INSTRUMENT)
def test_nothing_is_both_true_and_false(notes: Notes, instrument: str) -> None:
    facts = facts_of(notes, instrument)
    assert not {*said(facts)} & {*refuted(facts)}
    shares = {name: value for name, value in asdict(facts).items() if name.endswith("_share")}
    assert all(isnan(value) or 0 <= value <= 1 for value in shares.values()), shares


def same(one: Facts, other: Facts) -> bool:
    pairs = zip(asdict(one).items(), asdict(other).items(), strict=True)
    return all(
        a == b or (isinstance(a, float) and ((isnan(a) and isnan(b)) or abs(a - b) < 1e-9))
        for (_, a), (_, b) in pairs
    )


@given(parts(), st.integers(-10, 10), st.sampled_from(["bass", "guitar"]))
def test_transposing_moves_the_register_and_nothing_else(
    notes: Notes, semitones: int, instrument: str
) -> None:
    notes["pitch"] = notes["pitch"] // 2 + 20
    moved = notes.copy()
    moved["pitch"] = (notes["pitch"].astype(int) + semitones).astype(np.uint8)
    before, after = facts_of(notes, instrument), facts_of(moved, instrument)
    assert after.median_pitch == before.median_pitch + semitones
    assert same(replace(after, median_pitch=before.median_pitch), before)


@given(parts(), INSTRUMENT)
def test_a_faster_tempo_is_more_attacks_a_second_and_nothing_else(
    notes: Notes, instrument: str
) -> None:
    slow, fast = facts_of(notes, instrument, 60), facts_of(notes, instrument, 120)
    assert fast.attacks_per_second == pytest.approx(2 * slow.attacks_per_second)
    again = replace(fast, tempo_qpm=60, attacks_per_second=slow.attacks_per_second)
    assert same(again, slow)


@given(parts(), INSTRUMENT)
def test_played_twice_it_is_as_dense_and_steadier(notes: Notes, instrument: str) -> None:
    again = notes.copy()
    again["onset"] += LINES[-1]
    lines = np.arange(2 * BARS + 1) * 4 * Q
    once = facts_of(notes, instrument)
    twice = measure(np.concatenate([notes, again]), lines, np.full(2 * BARS, Q), instrument, 120)
    assert twice.notes_per_bar == once.notes_per_bar
    assert isnan(once.steady_share) or twice.steady_share >= once.steady_share


def test_measuring_is_quick() -> None:
    notes = part([(beat / 4, pitch) for beat in range(16) for pitch in (36, 42)][:38])
    taken = []
    for _ in range(50):
        start = time.perf_counter()
        facts_of(notes, "drums")
        taken.append(time.perf_counter() - start)
    # a millisecond is the aim; a busy machine may be five times slower
    assert min(taken) < 5e-3
