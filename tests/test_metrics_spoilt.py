"""What is spoilt on purpose costs score, and metrics that are broken on purpose are caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.metrics import form, harmony, rhythm
from benchmarks.metrics.grid import f1, sixteenths
from benchmarks.metrics.played import Played
from subtractive.arrangement import Part
from tests.metric_laws import (
    BEAT,
    PIANO,
    Case,
    Metric,
    Rung,
    against_truth,
    bass_of,
    caught,
    context_of,
    drums_of,
    drums_on_the_beat,
    falls,
    ignores_the_clock,
    ignores_transposition,
    ladder,
    of_part,
    part_of,
    shifts,
    undefined_by_the_song_alone,
    walking_bass,
    wrong_pitches,
)
from tests.test_metrics_context import KICKS, LONG_PIANO, metrics_of

Rate = Callable[[Played], float]

# ------------------------------------------------------------------- what is spoilt must show


# the root of the piano's C on every beat
ROOTS = bass_of(*((beat * BEAT, BEAT, 36) for beat in range(16)))
ON_KICKS = {
    "bass": bass_of(*((note.onset, BEAT, 36) for note in KICKS.notes)),
    "drums": part_of(KICKS.notes, drums_of()),
}
# the bass and the kick strike together, and the piano with them
TOGETHER = context_of(
    replace(
        LONG_PIANO, notes=tuple(note for note in LONG_PIANO.notes if not note.onset % (2 * BEAT))
    ),
    ON_KICKS["bass"],
    KICKS,
)


@pytest.mark.parametrize(
    "name", ["chord_tone_rate", "chord_symbol_rate", "in_key_rate", "root_on_downbeat_rate"]
)
def test_wrong_notes_cost_harmony_step_by_step(name: str) -> None:
    metric, song = metrics_of("bass")[name], context_of(LONG_PIANO)
    rungs = ladder(ROOTS, wrong_pitches)
    # few of the notes are downbeats: a step may spoil none of them
    falls(metric, rungs, song, strictly=name != "root_on_downbeat_rate")


@pytest.mark.parametrize("seed", range(5))
def test_wrong_notes_clash_step_by_step(seed: int) -> None:
    rungs = ladder(ROOTS, wrong_pitches, seed=seed)
    falls(metrics_of("bass")["clash_rate"], rungs, context_of(LONG_PIANO), lower_is_better=True)


@pytest.mark.parametrize(
    ("instrument", "name"),
    [
        ("bass", "bass_kick_f1"),
        ("bass", "onset_lock"),
        ("drums", "kick_bass_f1"),
        ("drums", "onset_lock"),
    ],
)
def test_late_notes_cost_the_lock_step_by_step(instrument: str, name: str) -> None:
    falls(metrics_of(instrument)[name], ladder(ON_KICKS[instrument], shifts), TOGETHER)


def test_late_snares_cost_the_backbeat_step_by_step(rng: np.random.Generator) -> None:
    snares = part_of((n for n in drums_on_the_beat(rng).notes if n.pitch == 38), drums_of())
    falls(of_part(rhythm.backbeat_rate), ladder(snares, shifts), TOGETHER)


def with_bars_in_disorder(part: Part, share: float, rng: np.random.Generator) -> Part:
    """A share of the bars swapped among themselves."""
    bar = 4 * BEAT
    count = max(note.onset for note in part.notes) // bar + 1
    moved = rng.permutation(count)[: round(share * count)]
    new_place = dict(zip(moved.tolist(), np.roll(moved, 1).tolist(), strict=True))
    return part_of(
        (
            note._replace(
                onset=new_place.get(note.onset // bar, note.onset // bar) * bar + note.onset % bar
            )
            for note in part.notes
        ),
        part,
    )


def a_form(rng: np.random.Generator, letters: str) -> Part:
    """A bar of walking bass for each letter, the same one for the same letter."""
    of_letter = {letter: walking_bass(rng, bars=1) for letter in sorted(set(letters))}
    return part_of(
        (
            note._replace(onset=note.onset + place * 4 * BEAT)
            for place, letter in enumerate(letters)
            for note in of_letter[letter].notes
        ),
        bass_of(),
    )


def similarities_in_disorder(metric: Metric) -> list[float]:
    """The mean score of 30 disorders at each step: one swap alone may put like for like."""
    song = context_of(PIANO, count=32)
    truth = a_form(np.random.default_rng(2), "AAABAAACDDDEDDDEAAABAAACFFGGAABC")
    rungs = [ladder(truth, with_bars_in_disorder, seed=seed) for seed in range(30)]
    found = np.array([[metric(part, truth, song) for part in each] for each in rungs])
    return [float(mean) for mean in found.mean(axis=0)]


def falls_in_disorder(metric: Metric) -> None:
    """Law: the more bars are in disorder, the lower the score."""
    found = similarities_in_disorder(metric)
    assert all(one - other > 1e-9 for one, other in pairwise(found)), found


def test_bars_in_disorder_cost_self_similarity_step_by_step() -> None:
    falls_in_disorder(against_truth(form.self_similarity))


def test_a_similarity_that_forgets_where_bars_are_is_caught() -> None:
    def broken(part: Played, truth: Played) -> float:
        one, other = (np.sort(form.bar_similarity(each), axis=None) for each in (part, truth))
        return 1 - float(np.abs(one - other).mean())

    with caught():
        falls_in_disorder(against_truth(broken))


# --------------------------------------------------------- broken metrics, caught by the same laws


def key_of_the_part(part: Played) -> float:
    """MusPy's scale consistency: the best of all scales, whatever key the band is in."""
    around = part.around
    keys = [
        replace(around, tonic=tonic, is_minor=minor)
        for tonic in range(12)
        for minor in (False, True)
    ]
    return max(harmony.in_key_rate(replace(part, around=key)) for key in keys)


def wrong_key(part: Part, share: float, rng: np.random.Generator) -> Part:
    """All of it in the keys of C, G, D, A, E and B in turn."""
    del rng
    return part_of((n._replace(pitch=n.pitch + round(5 * share) * 7) for n in part.notes), part)


SCALE = bass_of(*((beat * BEAT, BEAT, 36 + (0, 2, 4, 5, 7, 9, 11)[beat % 7]) for beat in range(16)))


def on_every_drum(part: Played) -> float:
    """The kick's F1, with every drum taken for a kick."""
    return f1(rhythm.band_of(part.around).bass, part.slots)


def on_the_snare(part: Part, share: float, rng: np.random.Generator) -> Part:
    """Kicks from some stroke on played on the snare."""
    del rng
    kept = round((1 - share) * len(part.notes))
    return part_of(
        (n._replace(pitch=36 if k < kept else 38) for k, n in enumerate(part.notes)), part
    )


def share_of_company(part: Played) -> float:
    """The share of onsets that somebody else shares, which a busy band makes easy."""
    others = sixteenths(part.around.spans[:, 0], part.around.ticks_per_beat)
    return float(np.isin(part.slots, others).mean())


def on_weak_beats(part: Part, share: float, rng: np.random.Generator) -> Part:
    """Notes from the strong beats to the weak ones, where a single player strikes."""
    order = rng.permutation(len(part.notes))[: round(share * len(part.notes))]
    return part_of(
        (
            n._replace(onset=n.onset + BEAT) if place in order else n
            for place, n in enumerate(part.notes)
        ),
        part,
    )


@pytest.mark.parametrize(
    ("sound", "broken", "rung", "part"),
    [
        (harmony.in_key_rate, key_of_the_part, wrong_key, SCALE),
        (rhythm.kick_bass_f1, on_every_drum, on_the_snare, ON_KICKS["drums"]),
        (rhythm.onset_lock, share_of_company, on_weak_beats, ON_KICKS["bass"]),
    ],
)
def test_a_broken_metric_does_not_fall(sound: Rate, broken: Rate, rung: Rung, part: Part) -> None:
    song = context_of(LONG_PIANO, ON_KICKS["bass"], KICKS)
    falls(of_part(sound), ladder(part, rung), song, strictly=False)
    with caught():
        falls(of_part(broken), ladder(part, rung), song, strictly=False)


def test_a_tolerance_in_ticks_is_caught_by_the_clock() -> None:
    def broken(part: Played) -> float:
        return float((part.onset % part.around.ticks_per_beat < 4).mean())

    part = drums_of(*((beat * BEAT + 1, 38) for beat in range(16)))
    with caught():
        ignores_the_clock(of_part(broken), Case(part, part, TOGETHER), 10)
    ignores_the_clock(of_part(rhythm.backbeat_rate), Case(part, part, TOGETHER), 10)


def test_a_chord_tone_rate_without_octaves_is_caught_by_transposition() -> None:
    def broken(part: Played) -> float:
        return float(np.isin(part.pitch % 12, (0, 4, 7)).mean())

    case = Case(SCALE, SCALE, TOGETHER)
    with caught():
        ignores_transposition(of_part(broken), case, 1)
    ignores_transposition(of_part(harmony.chord_tone_rate), case, 1)


def test_a_score_that_is_nan_for_what_was_written_is_caught() -> None:
    def broken(part: Played) -> float:
        return f1(part.slots, part.around.kick_slots)

    case = Case(SCALE, SCALE, TOGETHER)
    with caught():
        undefined_by_the_song_alone(of_part(broken), case)
    undefined_by_the_song_alone(of_part(rhythm.bass_kick_f1), case)
