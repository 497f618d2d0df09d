"""The laws have teeth: a metric broken on purpose is caught by a law that the true one obeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

from benchmarks.metrics import chord_accuracy, overlap, similarity
from benchmarks.metrics.grid import Ints, f1
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, Note, Part
from subtractive.kit import DRUM_CLASSES
from tests.metric_laws import (
    BAR,
    BEAT,
    PIANO,
    SIXTEENTH,
    Case,
    Metric,
    Rung,
    added,
    against_truth,
    bass_of,
    caught,
    context_of,
    drops,
    drums_of,
    equals,
    falls,
    guitar_of,
    ignores_order,
    ignores_the_clock,
    ignores_transposition,
    itself_is_best,
    ladder,
    nothing_is_worst,
    part_of,
    shifts,
    shuffled,
    strumming_guitar,
    undefined_by_the_song_alone,
    walking_bass,
    wrong_pitches,
)

SONG = context_of(PIANO)
BASS = walking_bass(np.random.default_rng(1))
GUITAR = strumming_guitar(np.random.default_rng(1))
OTHER_BASS = walking_bass(np.random.default_rng(2))
PAIR = Case(OTHER_BASS, BASS, SONG)

Law = Callable[[Metric], None]
Function = Callable[[Played, Played], float]


def spoiling_costs(rung: Rung, truth: Part = BASS, *, lower_is_better: bool = False) -> Law:
    def law(metric: Metric) -> None:
        falls(metric, ladder(truth, rung), SONG, lower_is_better=lower_is_better)

    return law


def by_hand(part: Part, truth: Part, expected: float) -> Law:
    return partial(equals, case=Case(part, truth, SONG), expected=expected)


def beats(*pitches: int) -> Part:
    """A bass of one note a beat."""
    return bass_of(*((beat * BEAT, BEAT, pitch) for beat, pitch in enumerate(pitches)))


def struck(*velocities: int) -> Part:
    """A bass of one note a beat, of such strength."""
    notes = [Note(beat * BEAT, 1, 36, velocity) for beat, velocity in enumerate(velocities)]
    return part_of(notes, bass_of())


# --------------------------------------------------------------------------- broken from outside


def pairs(played: Played) -> Ints:
    return np.unique(played.slot * 128 + played.pitch)


def precision(part: Played, truth: Played) -> float:
    return len(np.intersect1d(pairs(part), pairs(truth))) / max(1, len(pairs(part)))


def recall(part: Played, truth: Played) -> float:
    return len(np.intersect1d(pairs(part), pairs(truth))) / len(pairs(truth))


def each_on_its_own_grid(part: Played, truth: Played) -> float:
    """What mgeval does: bins from each part's own least to its own greatest value."""
    shares = [np.histogram(each.velocity, bins=8)[0] for each in (truth, part)]
    return similarity.jensen_shannon(*shares)


def any_bar_will_do(part: Played, truth: Played) -> float:
    """The groove similarity of MuseMorphose: the best of all bars."""
    written, taken = (similarity.groove(each).reshape(-1, 48) for each in (part, truth))
    units = (
        each / np.maximum(1, np.linalg.norm(each, axis=1))[:, None] for each in (written, taken)
    )
    one, other = units
    return float((one @ other.T).max(axis=0).mean())


def counting_silence_as_agreement(part: Played, truth: Played) -> float:
    return float((chord_accuracy.roots(part) == chord_accuracy.roots(truth)).mean())


def without_silent_beats(part: Played, truth: Played) -> float:
    written, taken = chord_accuracy.roots(part), chord_accuracy.roots(truth)
    both = (written >= 0) & (taken >= 0)
    return float((written == taken)[both].mean()) if both.any() else float("nan")


def hearing_everything(part: Played, truth: Played) -> float:
    """The chord accuracy of the literature: the context plays along."""
    written, taken = ((each.shares + 3 * each.around.shares).argmax(1) for each in (part, truth))
    return float((written == taken).mean())


def in_listed_order(part: Part, truth: Part, context: Arrangement) -> float:
    """Intervals between notes as they stand in the list."""
    counts = [
        np.bincount(np.abs(np.diff([note.onset for note in each.notes])) // SIXTEENTH, minlength=99)
        for each in (truth, part)
    ]
    return similarity.overlap_area(*counts)


def _fixed_clock(part: Played, truth: Played) -> float:
    return f1(np.unique(truth.onset // SIXTEENTH), np.unique(part.onset // SIXTEENTH))


def _late(part: Played) -> Played:
    return replace(part, onset=part.onset + SIXTEENTH)


def _classes(part: Played) -> Played:
    return replace(part, pitch=part.pitch % 12)


def _unpitched(part: Played) -> Played:
    return replace(part, pitch=part.pitch * 0)


def _white(part: Played, truth: Played) -> float:
    keys = [each.pitch[np.isin(each.pitch % 12, (0, 2, 4, 5, 7, 9, 11))] for each in (truth, part)]
    return similarity.overlap_area(*(np.bincount(each % 12, minlength=12) for each in keys))


def velocity(part: Played, truth: Played) -> float:
    return similarity.evaluate(part, truth)["velocity_jsd"]


class Mutant(NamedTuple):
    """A broken metric, the true one, and the law that tells them apart."""

    true: Function
    broken: Function
    law: Law


note, near, onset = overlap.note_f1, overlap.note_f1_near, overlap.onset_f1
groove, roots = similarity.groove_similarity, chord_accuracy.root_accuracy
WITH_A_REST = bass_of((0, BEAT, 36), (2 * BEAT, BEAT, 40))
A_LITTLE_LATE = bass_of((2, BEAT, 36))
A_SIXTEENTH_LATE = bass_of((SIXTEENTH, BEAT, 36))

MUTANTS = {
    "precision for F1": Mutant(note, precision, spoiling_costs(drops)),
    "recall for F1": Mutant(note, recall, spoiling_costs(added)),
    "pitch ignored": Mutant(
        note, lambda p, t: note(_unpitched(p), _unpitched(t)), spoiling_costs(wrong_pitches)
    ),
    "octaves ignored": Mutant(
        note,
        lambda p, t: note(_classes(p), _classes(t)),
        by_hand(beats(36, 40), beats(48, 40), 0.5),
    ),
    "each note counted once": Mutant(
        note,
        lambda p, t: f1(pairs(t), pairs(p)),
        by_hand(beats(36), bass_of((0, BEAT, 36), (0, BEAT, 36)), 2 / 3),
    ),
    "tolerance ignored": Mutant(near, note, by_hand(A_SIXTEENTH_LATE, beats(36), 1.0)),
    "tolerance where none is": Mutant(note, near, by_hand(A_SIXTEENTH_LATE, beats(36), 0.0)),
    "grid off by one": Mutant(
        note, lambda p, t: note(_late(p), t), partial(itself_is_best, case=PAIR, best=1.0)
    ),
    "onsets rounded down": Mutant(
        onset, _fixed_clock, by_hand(bass_of((BEAT - 1, BEAT, 36)), bass_of((BEAT, BEAT, 36)), 1.0)
    ),
    "ticks of one clock": Mutant(
        onset,
        lambda p, t: f1(np.unique(t.onset // 9), np.unique(p.onset // 9)),
        partial(ignores_the_clock, case=Case(A_LITTLE_LATE, beats(36), SONG), factor=9),
    ),
    "undefined for nothing": Mutant(
        onset,
        lambda p, t: f1(p.slots, t.slots),
        partial(undefined_by_the_song_alone, case=PAIR),
    ),
    "perfect for nothing": Mutant(
        onset,
        lambda p, t: onset(p, t) if len(p) else 1.0,
        partial(nothing_is_worst, case=PAIR, worst=0.0),
    ),
    "any bar's groove": Mutant(
        groove,
        any_bar_will_do,
        by_hand(bass_of((0, 1, 36), (BAR, 1, 36)), bass_of((0, 1, 36), (2 * BAR, 1, 36)), 1 / 3),
    ),
    "a grid for each part": Mutant(
        velocity,
        each_on_its_own_grid,
        by_hand(
            struck(9, 9),
            struck(90, 90),
            1.0,
        ),
    ),
    "white keys only": Mutant(
        lambda p, t: similarity.evaluate(p, t)["pitch_class_oa"],
        _white,
        partial(ignores_transposition, case=PAIR, semitones=1),
    ),
    "rests agree": Mutant(
        roots, counting_silence_as_agreement, by_hand(beats(36, 41), WITH_A_REST, 1 / 2)
    ),
    "what was not played is not judged": Mutant(roots, without_silent_beats, spoiling_costs(drops)),
    "the context plays along": Mutant(
        roots, hearing_everything, partial(nothing_is_worst, case=PAIR, worst=0.0)
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_metric_is_caught_and_the_true_one_is_not(name: str) -> None:
    mutant = MUTANTS[name]
    mutant.law(against_truth(mutant.true))
    with caught():
        mutant.law(against_truth(mutant.broken))


def test_a_metric_that_reads_notes_as_they_are_listed_is_caught() -> None:
    # `Played` sorts what it is given; this one does not use it.
    rng = np.random.default_rng(1)
    ignores_order(against_truth(lambda p, t: similarity.evaluate(p, t)["ioi_oa"]), PAIR, rng)
    with caught():
        ignores_order(in_listed_order, PAIR, rng)


# ------------------------------------------------------------------------------ broken from inside

once = overlap.matches
PATCHES: dict[str, tuple[Any, str, Any, Function, Law]] = {
    "a tolerance of two 16ths": (
        overlap,
        "matches",
        lambda one, other, tolerance: once(one, other, 2 * tolerance),
        near,
        spoiling_costs(shifts),
    ),
    "every note matched by all": (
        overlap,
        "matches",
        lambda one, other, tolerance: int(np.isin(other, one).sum()),
        note,
        by_hand(bass_of((0, 1, 36), (0, 2, 36)), beats(36, 40), 1 / 2),
    ),
    "a groove of 16ths": (
        similarity,
        "STEPS_PER_BEAT",
        4,
        groove,
        by_hand(bass_of((BEAT // 3, 1, 36)), bass_of((BEAT // 4, 1, 36)), 8 / 18),
    ),
    "one bin for all lengths": (
        similarity,
        "length_bins",
        lambda lengths, ticks_per_beat: np.zeros(len(lengths), dtype=np.int64),
        lambda p, t: similarity.evaluate(p, t)["ioi_jsd"],
        spoiling_costs(added, lower_is_better=True),
    ),
    "divergence for distance": (
        similarity,
        "jensen_shannon",
        lambda one, other, true=similarity.jensen_shannon: true(one, other) ** 2,
        velocity,
        by_hand(
            struck(80),
            struck(80, 9),
            float(np.sqrt((np.log2(4 / 3) + (np.log2(2 / 3) + 1) / 2) / 2)),
        ),
    ),
    "chords by their root alone": (
        chord_accuracy,
        "chords",
        lambda part, true=chord_accuracy.chords: true(part) % 12,
        chord_accuracy.chord_accuracy,
        by_hand(
            guitar_of((0, BEAT, 48), (0, BEAT, 51), (0, BEAT, 55)),
            guitar_of((0, BEAT, 48), (0, BEAT, 52), (0, BEAT, 55)),
            0.0,
        ),
    ),
    "one chord for all": (
        chord_accuracy,
        "chords",
        lambda part: np.zeros(len(part.around.downbeat), dtype=np.int64),
        chord_accuracy.chord_accuracy,
        spoiling_costs(wrong_pitches, GUITAR),
    ),
    "cymbals for kicks": (
        overlap,
        "DRUM_CLASSES",
        {**DRUM_CLASSES, "kick": DRUM_CLASSES["cymbals"]},
        lambda p, t: overlap.evaluate(p, t)["kick_f1"],
        by_hand(drums_of((0, 36), (0, 49)), drums_of((0, 36), (BEAT, 49)), 1.0),
    ),
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_metric_patched_to_be_wrong_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, wrong, function, law = PATCHES[name]
    law(against_truth(function))
    monkeypatch.setattr(module, attribute, wrong)
    with caught():
        law(against_truth(function))


def test_shuffling_does_shuffle() -> None:
    assert shuffled(BASS, np.random.default_rng(1)).notes != BASS.notes
