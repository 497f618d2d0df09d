"""Harmony by hand, and against a count tick by tick."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import harmony
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, ChordSymbol, Part, bars
from tests.metric_laws import (
    BAR,
    BARS,
    BEAT,
    PIANO,
    SIXTEENTH,
    bass_of,
    context_of,
    drums_of,
    guitar_of,
    surroundings_of,
)

SONG = context_of(PIANO)
C, G7 = ChordSymbol(0, "C", 0, (0, 4, 7), 0), ChordSymbol(BAR, "G7/B", 7, (7, 11, 2, 5), 11)
CHARTED = replace(SONG, chords=(C, G7, ChordSymbol(2 * BAR, "N.C.", None, (), None)))

some_notes = st.lists(
    st.tuples(st.integers(0, BARS * BAR - 1), st.integers(0, 3 * BEAT), st.integers(28, 67)),
    min_size=1,
    max_size=30,
)


def on(song: Arrangement, part: Part) -> Played:
    return Played.of(part, surroundings_of(song))


def piano_of(*notes: tuple[int, int, int]) -> Part:
    return replace(guitar_of(*notes), program=0)


@given(some_notes)
def test_octaves_do_not_matter_to_the_chord_tone_rate(notes: list[tuple[int, int, int]]) -> None:
    lower = bass_of(*((onset, length, pitch - 12) for onset, length, pitch in notes))
    rate = harmony.chord_tone_rate(on(SONG, bass_of(*notes)))
    assert harmony.chord_tone_rate(on(SONG, lower)) == pytest.approx(rate)


@given(some_notes, some_notes)
def test_chord_tone_rate_equals_a_count_tick_by_tick(
    notes: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    part, other = bass_of(*notes), piano_of(*others)
    context = context_of(other)
    end = bars(context)[-1].end
    sounding: list[set[int]] = [set() for _ in range(-(-end // BEAT))]
    for note in other.notes:
        for tick in range(note.onset, min(end, note.onset + max(1, note.duration))):
            sounding[tick // BEAT].add(note.pitch % 12)
    hits = ticks = 0
    for note in part.notes:
        for tick in range(note.onset, min(end, note.onset + max(1, note.duration))):
            ticks += 1
            hits += note.pitch % 12 in sounding[tick // BEAT]
    assert harmony.chord_tone_rate(on(context, part)) == pytest.approx(float(Fraction(hits, ticks)))


def test_chord_tone_rate_by_hand() -> None:
    # C for a beat (chord tone), D for a beat (not), E for two beats of which one is after the piano
    part = bass_of((0, BEAT, 36), (BEAT, BEAT, 38), (7 * BEAT, 2 * BEAT, 40))
    assert harmony.chord_tone_rate(on(SONG, part)) == pytest.approx(2 / 4)


def test_a_rate_without_harmony_is_undefined() -> None:
    only_drums = on(context_of(drums_of((0, 36))), bass_of((0, BEAT, 36)))
    assert all(np.isnan(value) for value in harmony.evaluate(only_drums).values())
    assert np.isnan(
        harmony.root_on_downbeat_rate(
            on(replace(SONG, chords=(CHARTED.chords[2],)), bass_of((0, BEAT, 36)))
        )
    )


def test_chord_symbols_are_asked_beat_by_beat() -> None:
    # C over C, F over C, F over G7, C over N.C., each for as many beats
    part = bass_of(
        (0, BEAT, 36), (BEAT, 2 * BEAT, 41), (BAR, 3 * BEAT, 41), (2 * BAR, 4 * BEAT, 36)
    )
    assert harmony.chord_symbol_rate(on(CHARTED, part)) == pytest.approx((1 + 3) / 10)


def test_the_key_is_that_of_the_context() -> None:
    scale = [57, 59, 60, 62, 64, 65, 68, 69]  # harmonic minor on A
    minor = piano_of((0, 8 * BEAT, 57), (0, 8 * BEAT, 60), (0, 8 * BEAT, 64))
    around = surroundings_of(context_of(minor))
    assert (around.tonic, around.is_minor) == (9, True)

    def rate(*pitches: int) -> float:
        notes = ((place * BEAT, BEAT, pitch) for place, pitch in enumerate(pitches))
        return harmony.in_key_rate(Played.of(bass_of(*notes), around))

    assert rate(*scale) == 1
    assert rate(67) == 1  # the natural seventh
    assert rate(66) == rate(70) == rate(61) == rate(63) == 0
    assert rate(57, 58) == pytest.approx(1 / 2)
    assert harmony.in_key_rate(on(SONG, bass_of((0, BEAT, 44)))) == 0  # G sharp in C major


def test_a_clash_lasts_longer_than_a_sixteenth() -> None:
    def rate(*notes: tuple[int, int, int]) -> float:
        return harmony.clash_rate(on(SONG, bass_of(*notes)))

    assert rate((0, BEAT, 37)) == 1  # C sharp below C
    assert rate((0, BEAT, 35)) == 1  # B
    assert rate((0, BEAT, 38)) == rate((0, BEAT, 42 + 3)) == 0  # a whole tone, a fourth
    assert rate((0, SIXTEENTH, 37)) == 0
    assert rate((0, SIXTEENTH + 1, 37)) == 1
    # the piano ends with beat 8: half of two beats
    assert rate((7 * BEAT, 2 * BEAT, 37)) == pytest.approx(1 / 2)
    assert rate((0, BEAT, 37), (BEAT, 3 * BEAT, 36)) == pytest.approx(1 / 4)


def test_a_tone_of_the_chord_never_clashes() -> None:
    seventh = piano_of((0, BAR, 60), (0, BAR, 64), (0, BAR, 67), (0, BAR, 71))
    root = bass_of((0, BAR, 36))
    chord = ChordSymbol(0, "Cmaj7", 0, (0, 4, 7, 11), 0)
    assert harmony.clash_rate(on(replace(context_of(seventh), chords=(chord,)), root)) == 0
    assert harmony.clash_rate(on(replace(context_of(seventh), chords=(G7._replace(tick=0),)), root))


@given(some_notes, some_notes)
def test_clash_rate_equals_a_count_tick_by_tick(
    notes: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    part, context = bass_of(*notes), context_of(piano_of(*others))
    around = surroundings_of(context)
    sounding = np.zeros((12, (BARS + 4) * BAR), dtype=np.bool_)
    for note in context.parts[0].notes:
        sounding[note.pitch % 12, note.onset : note.onset + max(1, note.duration)] = True
    clashing = total = 0
    for note in part.notes:
        span = slice(note.onset, note.onset + max(1, note.duration))
        beside = sounding[(note.pitch + 1) % 12, span] | sounding[(note.pitch - 1) % 12, span]
        total += len(beside)
        if beside.sum() > SIXTEENTH and not around.chord_tones[note.onset // BEAT, note.pitch % 12]:
            clashing += beside.sum()
    assert harmony.clash_rate(on(context, part)) == pytest.approx(clashing / total)


def test_the_root_is_asked_of_the_lowest_note_on_each_downbeat_with_a_chord() -> None:
    def rate(*notes: tuple[int, int, int]) -> float:
        return harmony.root_on_downbeat_rate(on(CHARTED, bass_of(*notes)))

    assert rate((0, BEAT, 36), (BAR, BEAT, 43)) == 1  # C and G; the third bar has no chord
    assert rate((0, BEAT, 36), (BAR, BEAT, 35)) == 1  # the bass under the slash
    assert rate((0, BEAT, 36), (BAR, BEAT, 41)) == pytest.approx(1 / 2)  # F under G7/B
    assert rate((0, BEAT, 36)) == pytest.approx(1 / 2)  # a rest is a miss
    assert rate((0, BEAT, 36), (0, BEAT, 40), (BAR, 1, 43)) == 1  # E above C; staccato
    assert rate((0, BEAT, 36), (0, BEAT, 28)) == 0  # E below C
    assert rate((3, 1, 36), (BAR - 3, 1, 43)) == 1  # a 32nd late, a 32nd early
    assert rate((4, 1, 36), (BAR - 4, 1, 43)) == 0
    assert rate((BEAT, 4 * BEAT, 43)) == pytest.approx(1 / 2)  # tied over the barline
    # C is let go just after the barline: it does not sound there
    assert rate((BEAT, 3 * BEAT + 2, 36), (BAR, BEAT, 43)) == pytest.approx(1 / 2)


@given(some_notes)
def test_the_lowest_note_at_a_place_is_the_lowest_of_all_that_cover_it(
    notes: list[tuple[int, int, int]],
) -> None:
    first, length, pitch = np.array(notes).T
    found = harmony.lowest_at(first, first + length, pitch, BARS * BAR + 3 * BEAT)
    for place in range(0, len(found), 7):
        covering = pitch[(first <= place) & (place < first + length)]
        assert found[place] == min(covering, default=harmony.SILENT)
