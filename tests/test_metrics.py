"""The metrics obey music and mathematics: identity, transposition, time scale, hand-made values."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import metrics
from benchmarks.metrics import form, harmony, overlap
from benchmarks.metrics.grid import Surroundings, f1, sixteenths
from subtractive.arrangement import Arrangement, Metre, Note, Part, bars

BEAT = 24
BARS = 4

ALL_KEYS = {
    "chord_tone_rate",
    "chord_tone_distance",
    "chroma_f1",
    "onset_f1",
    "notes_per_bar",
    "notes_per_bar_ratio",
    "empty_bar_rate",
    "out_of_range",
    "repeat_rate",
}


def bass_of(*notes: tuple[int, int, int]) -> Part:
    """Return a bass of (onset, duration, pitch)."""
    return Part("Bass", 33, False, tuple(Note(*note, 80) for note in sorted(notes)))


def drums_of(*strokes: tuple[int, int]) -> Part:
    """Return drums of (onset, key)."""
    return Part("Drums", 0, True, tuple(Note(onset, 1, key, 80) for onset, key in sorted(strokes)))


def context_of(*parts: Part, beat: int = BEAT, count: int = BARS) -> Arrangement:
    lines = tuple(range(0, (count + 1) * 4 * beat, 4 * beat))
    return Arrangement(beat, parts, metres=(Metre(0, 4, 4),), barlines=lines)


PIANO = Part(
    "Piano",
    0,
    False,
    tuple(Note(beat * BEAT, BEAT, pitch, 80) for beat in range(8) for pitch in (60, 64, 67)),
)

some_notes = st.lists(
    st.tuples(st.integers(0, BARS * 4 * BEAT - 1), st.integers(0, 3 * BEAT), st.integers(28, 67)),
    min_size=1,
    max_size=30,
)


@given(some_notes)
def test_a_part_against_itself_is_perfect(notes: list[tuple[int, int, int]]) -> None:
    part = bass_of(*notes)
    around = Surroundings.of(context_of(PIANO, drums_of((0, 36))))
    scores = metrics.evaluate(part, part, around, "bass")
    assert scores.keys() == ALL_KEYS | {"bass_kick_f1"}
    assert scores["chroma_f1"] == scores["onset_f1"] == scores["notes_per_bar_ratio"] == 1
    assert scores["chord_tone_distance"] == 0
    assert scores["out_of_range"] == 0


@given(some_notes, some_notes, st.integers(-11, 11))
def test_transposing_everything_changes_no_score(
    notes: list[tuple[int, int, int]], others: list[tuple[int, int, int]], semitones: int
) -> None:
    def scores(shift: int) -> dict[str, float]:
        part, truth, piano = (
            bass_of(*((on, length, pitch + shift) for on, length, pitch in of))
            for of in (notes, others, [(n.onset, n.duration, n.pitch) for n in PIANO.notes])
        )
        around = Surroundings.of(context_of(replace(piano, program=0)))
        return metrics.evaluate(part, truth, around, "guitar") | {"out_of_range": 0}

    assert scores(semitones) == pytest.approx(scores(0))


@given(some_notes, some_notes, st.integers(2, 40))
def test_a_finer_clock_changes_no_score(
    notes: list[tuple[int, int, int]], others: list[tuple[int, int, int]], factor: int
) -> None:
    def scores(scale: int) -> dict[str, float]:
        def finer(part: Part) -> Part:
            # A note of no length sounds for one tick, of whatever size: give it a length.
            made = [
                note._replace(onset=note.onset * scale, duration=max(1, note.duration) * scale)
                for note in part.notes
            ]
            return replace(part, notes=tuple(made))

        context = context_of(finer(PIANO), drums_of((0, 36)), beat=BEAT * scale)
        part, truth = finer(bass_of(*notes)), finer(bass_of(*others))
        return metrics.evaluate(part, truth, Surroundings.of(context), "bass")

    assert scores(factor) == pytest.approx(scores(1))


@given(some_notes)
def test_octaves_do_not_matter_to_the_chord_tone_rate(notes: list[tuple[int, int, int]]) -> None:
    around = Surroundings.of(context_of(PIANO))
    lower = bass_of(*((onset, length, pitch - 12) for onset, length, pitch in notes))
    rate = harmony.chord_tone_rate(bass_of(*notes), around)
    assert harmony.chord_tone_rate(lower, around) == pytest.approx(rate)


@given(some_notes, some_notes)
def test_chord_tone_rate_equals_a_count_tick_by_tick(
    notes: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    part, other = bass_of(*notes), replace(bass_of(*others), program=0)
    context = context_of(other)
    end = bars(context)[-1].end
    sounding: list[set[int]] = [set() for _ in range(end // BEAT)]
    for note in other.notes:
        for tick in range(note.onset, min(end, note.onset + max(1, note.duration))):
            sounding[tick // BEAT].add(note.pitch % 12)
    hits = ticks = 0
    for note in part.notes:
        for tick in range(note.onset, min(end, note.onset + max(1, note.duration))):
            ticks += 1
            hits += note.pitch % 12 in sounding[tick // BEAT]
    rate = harmony.chord_tone_rate(part, Surroundings.of(context))
    assert rate == pytest.approx(float(Fraction(hits, ticks)))


def test_chord_tone_rate_by_hand() -> None:
    around = Surroundings.of(context_of(PIANO))
    # C for a beat (chord tone), D for a beat (not), E for two beats of which one is after the piano
    part = bass_of((0, BEAT, 36), (BEAT, BEAT, 38), (7 * BEAT, 2 * BEAT, 40))
    assert harmony.chord_tone_rate(part, around) == pytest.approx(2 / 4)


def test_chord_tone_rate_of_nothing_is_zero_and_without_harmony_undefined() -> None:
    assert harmony.chord_tone_rate(bass_of(), Surroundings.of(context_of(PIANO))) == 0
    only_drums = Surroundings.of(context_of(drums_of((0, 36))))
    assert np.isnan(harmony.chord_tone_rate(bass_of((0, BEAT, 36)), only_drums))


def test_drums_have_no_harmony() -> None:
    around = Surroundings.of(context_of(PIANO))
    with pytest.raises(ValueError, match="pitched part"):
        harmony.chord_tone_rate(drums_of((0, 36)), around)
    with pytest.raises(ValueError, match="one row of 12"):
        harmony.validate(bass_of(), replace(around, sounding=around.sounding[1:]))
    assert "chord_tone_rate" not in metrics.evaluate(
        drums_of((0, 36)), drums_of((0, 36)), around, "drums"
    )


def test_chroma_f1_by_hand() -> None:
    around = Surroundings.of(context_of(PIANO))
    truth = bass_of((0, 2 * BEAT, 36), (2 * BEAT, BEAT, 43))  # C, C, G in three beats
    part = bass_of((0, BEAT, 48), (2 * BEAT, BEAT, 41))  # C, -, F: 1 of 3 met by 1 of 2
    assert overlap.chroma_f1(part, truth, around) == pytest.approx(2 * 1 / (3 + 2))


def test_onsets_fall_on_the_nearest_sixteenth() -> None:
    # a 16th is 6 ticks: 2 is early, 3 is half way and goes up, 9 too; 8 and 7 both go to 6
    assert sixteenths(np.array([0, 2, 3, 7, 8, 9]), BEAT).tolist() == [0, 1, 2]


def test_onset_f1_ignores_pitch_and_chords() -> None:
    truth = bass_of((0, BEAT, 36), (0, BEAT, 40), (BEAT, BEAT, 36))
    part = bass_of((1, BEAT, 50), (2 * BEAT, BEAT, 36))
    assert overlap.onset_f1(part, truth, BEAT) == pytest.approx(2 * 1 / (2 + 2))


def test_drum_classes_are_judged_one_by_one() -> None:
    around = Surroundings.of(context_of(PIANO))
    truth = drums_of((0, 36), (BEAT, 38), (2 * BEAT, 35), (0, 42))
    part = drums_of((0, 35), (BEAT, 40), (2 * BEAT, 38), (12, 46))
    scores = metrics.evaluate(part, truth, around, "drums")
    assert scores["kick_f1"] == pytest.approx(2 * 1 / (2 + 1))
    assert scores["snare_f1"] == pytest.approx(2 * 1 / (1 + 2))
    assert scores["hats_f1"] == 0
    assert np.isnan(scores["toms_f1"])


def test_no_drum_key_is_in_two_classes() -> None:
    keys = [key for of_class in overlap.DRUM_CLASSES.values() for key in of_class]
    assert len(keys) == len(set(keys))


def test_bass_on_the_kick() -> None:
    around = Surroundings.of(context_of(PIANO, drums_of((0, 36), (2 * BEAT, 35), (BEAT, 38))))
    on_the_kick = bass_of((0, BEAT, 36), (2 * BEAT, BEAT, 36))
    assert overlap.bass_kick_f1(on_the_kick, around) == 1
    assert overlap.bass_kick_f1(bass_of(), around) == 0
    assert np.isnan(overlap.bass_kick_f1(on_the_kick, Surroundings.of(context_of(PIANO))))


@given(st.sets(st.integers(0, 50), min_size=1), st.sets(st.integers(0, 50), min_size=1))
def test_f1_is_the_harmonic_mean_and_symmetric(one: set[int], other: set[int]) -> None:
    reference, estimate = np.array(sorted(one)), np.array(sorted(other))
    found = f1(reference, estimate)
    matched = len(one & other)
    if matched:
        precision, recall = matched / len(other), matched / len(one)
        assert found == pytest.approx(2 * precision * recall / (precision + recall))
    else:
        assert found == 0
    assert found == f1(estimate, reference)


def test_f1_of_an_empty_reference_is_undefined_whatever_was_written() -> None:
    nothing, something = np.array([], dtype=np.int64), np.array([1])
    assert np.isnan(f1(nothing, something))
    assert np.isnan(f1(nothing, nothing))
    assert f1(something, nothing) == 0


def test_drums_and_pitched_parts_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="drums can only"):
        overlap.onset_f1(drums_of((0, 36)), bass_of((0, 1, 36)), BEAT)


def test_form_by_hand() -> None:
    around = Surroundings.of(context_of(PIANO))
    bar = 4 * BEAT
    # bars: C, G, nothing, C again (a tick early, and longer)
    part = bass_of((0, BEAT, 36), (bar, BEAT, 43), (3 * bar - 1, 2 * BEAT, 36))
    assert form.notes_per_bar(part, around) == pytest.approx(3 / 4)
    assert form.empty_bar_rate(part, around) == pytest.approx(1 / 4)
    assert form.repeat_rate(part, around) == pytest.approx(1 / 3)
    assert form.evaluate(part, bass_of((0, BEAT, 36)), around, "bass")["notes_per_bar_ratio"] == 3


def test_a_note_just_before_the_barline_belongs_to_the_bar_it_leads_into() -> None:
    around = Surroundings.of(context_of(PIANO))
    part = bass_of(*((max(0, bar * 4 * BEAT - 1), BEAT, 36) for bar in range(BARS)))
    assert form.empty_bar_rate(part, around) == 0
    assert form.repeat_rate(part, around) == pytest.approx(3 / 4)


def test_a_repeat_is_looked_for_eight_bars_back_and_no_further() -> None:
    around = Surroundings.of(context_of(PIANO, count=12))
    bar = 4 * BEAT
    assert form.repeat_rate(bass_of((0, 1, 36), (8 * bar, 1, 36)), around) == pytest.approx(1 / 2)
    assert form.repeat_rate(bass_of((0, 1, 36), (9 * bar, 1, 36)), around) == 0


def test_form_of_nothing() -> None:
    around = Surroundings.of(context_of(PIANO))
    scores = form.evaluate(bass_of(), bass_of((0, 1, 36)), around, "bass")
    assert scores["notes_per_bar_ratio"] == scores["repeat_rate"] == scores["out_of_range"] == 0
    assert scores["empty_bar_rate"] == 1
    assert np.isnan(form.evaluate(bass_of(), bass_of(), around, "bass")["notes_per_bar_ratio"])


def test_range_is_that_of_the_instrument_table() -> None:
    assert form.out_of_range(bass_of((0, 1, 27), (1, 1, 28), (2, 1, 67), (3, 1, 68)), "bass") == 2


def test_notes_outside_the_music_are_refused() -> None:
    around = Surroundings.of(context_of(PIANO))
    with pytest.raises(ValueError, match="cut the part first"):
        form.validate(bass_of((BARS * 4 * BEAT, 1, 36)), around)
