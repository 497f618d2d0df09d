"""What the tests of all metrics share: small parts, ways to spoil them, and laws of metrics.

A law is a function that takes the metric and asserts what must hold of it, so that a test can also
show that the law catches a metric that was broken on purpose: ``with caught(): law(broken, ...)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

from benchmarks.metrics.grid import Surroundings
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, Metre, Note, Part, order

BEAT = 24  # ticks
BAR = 4 * BEAT
SIXTEENTH = BEAT // 4
BARS = 4
STEPS = 5  # of a ladder
_NEAR = 1e-9


# ------------------------------------------------------------------------------------------ parts


def bass_of(*notes: tuple[int, int, int]) -> Part:
    """A bass of (onset, duration, pitch)."""
    return part_of((Note(*note, 80) for note in notes), Part("Bass", 33, False, ()))


def guitar_of(*notes: tuple[int, int, int]) -> Part:
    """A guitar of (onset, duration, pitch)."""
    return part_of((Note(*note, 80) for note in notes), Part("Guitar", 25, False, ()))


def drums_of(*strokes: tuple[int, int]) -> Part:
    """Drums of (onset, key)."""
    notes = (Note(onset, 1, key, 80) for onset, key in strokes)
    return part_of(notes, Part("Drums", 0, True, ()))


def part_of(notes: Iterable[Note], like: Part) -> Part:
    """The notes in order, as a part that is otherwise `like` another."""
    return replace(like, notes=tuple(sorted(notes, key=order)))


def context_of(
    *parts: Part, beat: int = BEAT, count: int = BARS, metre: tuple[int, int] = (4, 4)
) -> Arrangement:
    """A song of `count` bars of one metre."""
    bar = metre[0] * 4 * beat // metre[1]
    lines = tuple(range(0, (count + 1) * bar, bar))
    return Arrangement(beat, parts, metres=(Metre(0, *metre),), barlines=lines)


PIANO = Part(
    "Piano",
    0,
    False,
    tuple(Note(beat * BEAT, BEAT, pitch, 80) for beat in range(8) for pitch in (60, 64, 67)),
)


def walking_bass(rng: np.random.Generator, *, bars: int = BARS) -> Part:
    """A note of C major on every beat, of varied length and strength."""
    return part_of(
        (
            Note(
                beat * BEAT,
                int(rng.choice([BEAT // 2, BEAT])),
                int(rng.choice([36, 38, 40, 41, 43, 45, 47])),
                int(rng.integers(60, 110)),
            )
            for beat in range(4 * bars)
        ),
        bass_of(),
    )


def strumming_guitar(rng: np.random.Generator, *, bars: int = BARS) -> Part:
    """A triad of C major on every beat, of varied length and strength."""
    notes = []
    for beat in range(4 * bars):
        degree, length = int(rng.integers(6)), int(rng.choice([BEAT // 2, BEAT]))
        velocity = int(rng.integers(60, 110))
        for step in (degree, degree + 2, degree + 4):
            pitch = 48 + 12 * (step // 7) + (0, 2, 4, 5, 7, 9, 11)[step % 7]
            notes.append(Note(beat * BEAT, length, pitch, velocity))
    return part_of(notes, guitar_of())


def drums_on_the_beat(rng: np.random.Generator, *, bars: int = BARS) -> Part:
    """Hats on every beat, snare on two and four, kick on one and three; a tom, a cymbal a bar."""
    notes = []
    for beat in range(4 * bars):
        keys = [42, (36, 38)[beat % 2], *([45, 49] if beat % 4 == 3 else [])]
        notes += [Note(beat * BEAT, 1, key, int(rng.integers(60, 110))) for key in keys]
    return part_of(notes, drums_of())


# ------------------------------------------------------------------- what should change no score


def shuffled(part: Part, rng: np.random.Generator) -> Part:
    """The same notes in another order."""
    return replace(
        part, notes=tuple(part.notes[place] for place in rng.permutation(len(part.notes)))
    )


def transposed(part: Part, semitones: int) -> Part:
    """The part so many semitones higher; drums stay as they are."""
    if part.is_drums:
        return part
    return part_of((note._replace(pitch=note.pitch + semitones) for note in part.notes), part)


def finer(part: Part, factor: int) -> Part:
    """The part in ticks `factor` times as fine."""
    # A note of no length sounds for one tick, of whatever size: give it a length.
    return part_of(
        (
            note._replace(onset=note.onset * factor, duration=max(1, note.duration) * factor)
            for note in part.notes
        ),
        part,
    )


def finer_song(song: Arrangement, factor: int) -> Arrangement:
    """The song in ticks `factor` times as fine."""
    return replace(
        song,
        ticks_per_beat=song.ticks_per_beat * factor,
        parts=tuple(finer(part, factor) for part in song.parts),
        tempos=tuple(each._replace(tick=each.tick * factor) for each in song.tempos),
        metres=tuple(each._replace(tick=each.tick * factor) for each in song.metres),
        chords=tuple(each._replace(tick=each.tick * factor) for each in song.chords),
        barlines=tuple(line * factor for line in song.barlines),
    )


# ----------------------------------------------------------------- ladders: what must cost score

Rung = Callable[[Part, float, np.random.Generator], Part]
"""Return the part spoilt in a share of its strokes (all notes that begin at one time)."""

_BLACK = (1, 3, 6, 8, 10)
_OTHER_KEY = {36: 49, 38: 45, 42: 36, 45: 42, 49: 38}  # a drum of another class


def _changed(
    part: Part, share: float, rng: np.random.Generator, change: Callable[[Note], Note | None]
) -> Part:
    # The order of one seed is the same for every share: what one step spoils, the next one keeps.
    onsets = np.unique([note.onset for note in part.notes])
    spoilt = set(rng.permutation(onsets)[: round(share * len(onsets))].tolist())
    kept = (change(note) if note.onset in spoilt else note for note in part.notes)
    return part_of((note for note in kept if note), part)


def wrong_pitches(part: Part, share: float, rng: np.random.Generator) -> Part:
    """Strokes off their pitch: notes of C major to the next black key, drums to another class."""

    def wrong(note: Note) -> Note:
        if part.is_drums:
            return note._replace(pitch=_OTHER_KEY[note.pitch])
        step = 1 if (note.pitch + 1) % 12 in _BLACK else -1
        return note._replace(pitch=note.pitch + step)

    return _changed(part, share, rng, wrong)


def shifts(part: Part, share: float, rng: np.random.Generator) -> Part:
    """Strokes an eighth late: for a part on the beats, a 16th too far even with tolerance."""
    return _changed(part, share, rng, lambda note: note._replace(onset=note.onset + BEAT // 2))


def drops(part: Part, share: float, rng: np.random.Generator) -> Part:
    """Strokes not played."""
    return _changed(part, share, rng, lambda note: None)


def wrong_touch(part: Part, share: float, rng: np.random.Generator) -> Part:
    """Strokes far too soft, and far too short."""
    return _changed(part, share, rng, lambda note: note._replace(velocity=10, duration=2))


def added(part: Part, share: float, rng: np.random.Generator) -> Part:
    """Wrong notes between the beats, as many as a share of the part's strokes."""
    onsets = np.unique([note.onset for note in part.notes])
    places = rng.permutation(onsets)[: round(share * len(onsets))] + BEAT // 2
    key = 56 if part.is_drums else 54  # a cowbell, or F sharp
    wrong = [Note(int(place), BEAT // 2, key, 10) for place in places]
    return part_of([*part.notes, *wrong], part)


def ladder(
    part: Part, rung: Rung, *, seed: int = 440, steps: int = STEPS, most: float = 1.0
) -> list[Part]:
    """The part itself, then spoilt step by step, up to the share `most` of its strokes."""
    shares = most * np.arange(1, steps + 1) / steps
    return [part, *(rung(part, share, np.random.default_rng(seed)) for share in shares)]


# ------------------------------------------------------------------------------------------- laws

Metric = Callable[[Part, Part, Arrangement], float]
"""The score of a written part (first) where another was taken out (second) of a song (third)."""


class Case(NamedTuple):
    """A written part, the true part, and the song without it."""

    part: Part
    truth: Part
    context: Arrangement


@lru_cache(maxsize=64)
def surroundings_of(context: Arrangement) -> Surroundings:
    """What `Surroundings.of` returns, remembered: laws score many parts of one song."""
    return Surroundings.of(context)


def against_truth(function: Callable[[Played, Played], float]) -> Metric:
    """The metric that a function of a written and a true part computes."""

    def metric(part: Part, truth: Part, context: Arrangement) -> float:
        around = surroundings_of(context)
        return function(Played.of(part, around), Played.of(truth, around))

    return metric


def of_part(function: Callable[[Played], float]) -> Metric:
    """The metric that a function of a written part and its context computes."""
    return against_truth(lambda part, truth: function(part))


def caught() -> Any:
    """What a law on a broken metric runs in: it must fail."""
    return pytest.raises(AssertionError)


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, abs_tol=_NEAR) or (math.isnan(one) and math.isnan(other))


def equals(metric: Metric, case: Case, expected: float) -> None:
    """Law: the score is the one found by hand."""
    found = metric(*case)
    assert _same(found, expected), f"{found}, by hand {expected}"


def itself_is_best(metric: Metric, case: Case, best: float) -> None:
    """Law: the true part scores the best value."""
    equals(metric, case._replace(part=case.truth), best)


def nothing_is_worst(metric: Metric, case: Case, worst: float) -> None:
    """Law: a part without notes scores the worst value."""
    equals(metric, case._replace(part=replace(case.part, notes=())), worst)


def undefined_by_the_song_alone(metric: Metric, case: Case) -> None:
    """Law: whether the score is nan does not depend on what was written."""
    nothing = metric(replace(case.part, notes=()), case.truth, case.context)
    assert math.isnan(metric(*case)) == math.isnan(nothing)


def ignores_order(metric: Metric, case: Case, rng: np.random.Generator) -> None:
    """Law: the order in which notes are listed changes nothing."""
    other = case._replace(part=shuffled(case.part, rng), truth=shuffled(case.truth, rng))
    equals(metric, other, metric(*case))


def ignores_transposition(metric: Metric, case: Case, semitones: int) -> None:
    """Law: in another key the score is the same."""
    around = tuple(transposed(part, semitones) for part in case.context.parts)
    other = Case(
        transposed(case.part, semitones),
        transposed(case.truth, semitones),
        case.context.with_parts(around),
    )
    equals(metric, other, metric(*case))


def ignores_the_clock(metric: Metric, case: Case, factor: int) -> None:
    """Law: in finer ticks the score is the same."""
    other = Case(
        finer(case.part, factor), finer(case.truth, factor), finer_song(case.context, factor)
    )
    equals(metric, other, metric(finer(case.part, 1), finer(case.truth, 1), case.context))


def falls(
    metric: Metric,
    rungs: list[Part],
    context: Arrangement,
    *,
    lower_is_better: bool = False,
    strictly: bool = True,
) -> None:
    """Law: each step down the ladder costs score (not `strictly`: never gains, and costs in all).

    The first rung is the true part.
    """
    sign = -1 if lower_is_better else 1
    scores = [sign * metric(rung, rungs[0], context) for rung in rungs]
    least = _NEAR if strictly else -_NEAR
    assert all(one - other > least for one, other in pairwise(scores)), scores
    assert scores[0] - scores[-1] > _NEAR, scores
