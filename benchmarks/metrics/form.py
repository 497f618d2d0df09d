"""The question: is a part as dense, as playable and as repetitive as a musician's.

Conventions
-----------
A note belongs to the bar its onset falls in; one that comes up to a 24th of a beat early belongs to
the bar it anticipates, as a player would say. For repetition, onsets are rounded to a 12th of a
beat (which holds 16ths and triplets alike), so that human timing does not hide a repeat.

Metrics
-------
- `notes_per_bar`, and its ratio to that of the true part.
- `empty_bar_rate`: share of bars in which no note begins.
- `out_of_range`: number of notes outside the range of the instrument.
- `repeat_rate`: of the bars with notes, the share that has the same onsets and pitches as one of
  the 8 bars before it. (Durations and velocities may differ.)
"""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.grid import Ints, Surroundings, onsets_and_pitches
from subtractive.arrangement import Part
from subtractive.instruments import instrument as known_instrument

LOOK_BACK_BARS = 8
_STEPS_PER_BEAT = 12


def validate(part: Part, around: Surroundings) -> None:
    """Check that all notes begin inside the music.

    Raises
    ------
    ValueError
        If one begins before its start or after its end.
    """
    onsets, _ = onsets_and_pitches(part)
    last = int(around.bar_edges[-1])
    if len(onsets) and (onsets.min() < 0 or onsets.max() >= last):
        raise ValueError(
            f"notes begin at ticks {onsets.min()} to {onsets.max()}, the music has ticks 0 to "
            f"{last}: cut the part first"
        )


def _bar_of(onsets: Ints, around: Surroundings) -> Ints:
    early = onsets + around.ticks_per_beat // (2 * _STEPS_PER_BEAT)
    bar = np.searchsorted(around.bar_edges, early, side="right") - 1
    return np.minimum(bar, around.bar_count - 1)


def notes_per_bar(part: Part, around: Surroundings) -> float:
    """Return the mean number of notes in a bar."""
    return len(part.notes) / around.bar_count


def empty_bar_rate(part: Part, around: Surroundings) -> float:
    """Return the share of bars in which no note begins, 0 to 1."""
    onsets, _ = onsets_and_pitches(part)
    return 1.0 - len(np.unique(_bar_of(onsets, around))) / around.bar_count


def out_of_range(part: Part, instrument: str) -> float:
    """Return the number of notes below or above the range of `instrument`."""
    known = known_instrument(instrument)
    _, pitches = onsets_and_pitches(part)
    return float(np.count_nonzero((pitches < known.lowest) | (pitches > known.highest)))


def repeat_rate(part: Part, around: Surroundings) -> float:
    """Return the share of bars with notes that equal one of the 8 bars before; 0 without notes."""
    onsets, pitches = onsets_and_pitches(part)
    if len(onsets) == 0:
        return 0.0
    bar = _bar_of(onsets, around)
    quarter = around.ticks_per_beat
    step = (2 * _STEPS_PER_BEAT * (onsets - around.bar_edges[bar]) + quarter) // (2 * quarter)
    # One row per sounding of a key; unique rows also sort, so equal bars become equal bytes.
    rows = np.unique(np.stack([bar, step, pitches], axis=1), axis=0)
    filled, first = np.unique(rows[:, 0], return_index=True)
    contents = [notes.tobytes() for notes in np.split(rows[:, 1:], first[1:])]
    last_bar_with: dict[bytes, int] = {}
    repeated = 0
    for number, content in zip(filled.tolist(), contents, strict=True):
        repeated += number - last_bar_with.get(content, -LOOK_BACK_BARS - 1) <= LOOK_BACK_BARS
        last_bar_with[content] = number
    return repeated / len(filled)


def evaluate(part: Part, truth: Part, around: Surroundings, instrument: str) -> dict[str, float]:
    """Return the metrics of form; the ratio of densities is nan if `truth` has no notes."""
    validate(part, around)
    return {
        "notes_per_bar": notes_per_bar(part, around),
        "notes_per_bar_ratio": len(part.notes) / len(truth.notes) if truth.notes else float("nan"),
        "empty_bar_rate": empty_bar_rate(part, around),
        "out_of_range": out_of_range(part, instrument),
        "repeat_rate": repeat_rate(part, around),
    }
