"""The question: is a part as playable and as repetitive as a musician's, in the same form.

Conventions
-----------
A note belongs to the bar its onset falls in; one that comes up to a 24th of a beat early belongs to
the bar it anticipates, as a player would say. For repetition, onsets are rounded to a 12th of a
beat (which holds 16ths and triplets alike), so that human timing does not hide a repeat.

Metrics
-------
- `empty_bar_rate`: share of bars in which no note begins.
- `out_of_range`: number of notes outside the range of the instrument.
- `repeat_rate`: of the bars with notes, the share that has the same onsets and pitches as one of
  the 8 bars before it. (Durations and velocities may differ.)
- `self_similarity`: does the part come back where the true part comes back, whatever it plays.
  Each part has its self-similarity matrix (Foote, "Visualizing music and audio using
  self-similarity", 1999): how alike two bars are. Here that is the Jaccard index of their contents,
  pairs of a 16th of the bar and a pitch class (of drums: a kind of drum), where Foote has the
  cosine of spectra. The score is Pearson's correlation of the two matrices over all pairs of bars,
  as distance matrices are compared (Mantel 1967). Two empty bars are alike.
"""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.grid import Array
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played
from subtractive.instruments import instrument as known_instrument
from subtractive.kit import KIND

LOOK_BACK_BARS = 8
_STEPS_PER_BEAT = 12

MEASURES = (
    Measure("empty_bar_rate", "part", "nearer", 1.0),
    Measure("out_of_range", "part", "lower", 1.0),
    Measure("repeat_rate", "part", "nearer", 1.0),
    Measure("self_similarity", "withheld", "higher", 0.0),
)


def validate(part: Played) -> None:
    """Check that all notes begin inside the music.

    Raises
    ------
    ValueError
        If one begins before its start or after its end.
    """
    last = int(part.around.bar_edges[-1])
    if len(part) and (part.onset.min() < 0 or part.onset.max() >= last):
        raise ValueError(
            f"notes begin at ticks {part.onset.min()} to {part.onset.max()}, the music has ticks "
            f"0 to {last}: cut the part first"
        )


def empty_bar_rate(part: Played) -> float:
    """Return the share of bars in which no note begins, 0 to 1."""
    return 1.0 - len(np.unique(part.bar)) / part.around.bar_count


def out_of_range(part: Played, instrument: str) -> float:
    """Return the number of notes below or above the range of `instrument`."""
    known = known_instrument(instrument)
    return float(np.count_nonzero((part.pitch < known.lowest) | (part.pitch > known.highest)))


def repeat_rate(part: Played) -> float:
    """Return the share of bars with notes that equal one of the 8 bars before; 0 without notes."""
    if len(part) == 0:
        return 0.0
    quarter = part.around.ticks_per_beat
    in_bar = part.onset - part.around.bar_edges[part.bar]
    step = (2 * _STEPS_PER_BEAT * in_bar + quarter) // (2 * quarter)
    # One row per sounding of a key; unique rows also sort, so equal bars become equal bytes.
    rows = np.unique(np.stack([part.bar, step, part.pitch], axis=1), axis=0)
    filled, first = np.unique(rows[:, 0], return_index=True)
    contents = [notes.tobytes() for notes in np.split(rows[:, 1:], first[1:])]
    last_bar_with: dict[bytes, int] = {}
    repeated = 0
    for number, content in zip(filled.tolist(), contents, strict=True):
        repeated += number - last_bar_with.get(content, -LOOK_BACK_BARS - 1) <= LOOK_BACK_BARS
        last_bar_with[content] = number
    return repeated / len(filled)


def bar_similarity(part: Played) -> Array:
    """Return how alike any two bars of a part are.

    Returns
    -------
    array [shape=(bar, bar)]
        Jaccard index of what the bars contain, 0 to 1: pairs of a 16th, counted from the barline,
        and a pitch class or kind of drum. 1 for two empty bars.
    """
    quarter = part.around.ticks_per_beat
    in_bar = part.onset - part.around.bar_edges[part.bar]
    slot = (8 * in_bar + quarter) // (2 * quarter)
    kind = KIND[part.pitch & 127] if part.is_drums else part.pitch % 12
    cells, cell = np.unique(slot * 12 + kind, return_inverse=True)
    contents = np.zeros((part.around.bar_count, len(cells)), dtype=np.float32)
    contents[part.bar, cell] = 1
    # products of zeros and ones are counts, which float32 holds exactly
    common = (contents @ contents.T).astype(np.float64)
    size = common.diagonal()
    either = size[:, None] + size - common
    return np.divide(common, either, out=np.ones_like(common), where=either > 0)


def self_similarity(part: Played, truth: Played) -> float:
    """Return the correlation of the two parts' bar-by-bar similarities.

    Returns
    -------
    float
        -1 to 1. nan if the true part has no form to follow: all pairs of its bars are equally alike
        (or there are fewer than three bars). 0 if that is so of the written part.
    """
    pairs = np.triu_indices(truth.around.bar_count, k=1)
    wanted = bar_similarity(truth)[pairs]
    if len(wanted) < 2 or np.ptp(wanted) == 0:
        return float("nan")
    found = bar_similarity(part)[pairs]
    return float(np.corrcoef(wanted, found)[0, 1]) if np.ptp(found) else 0.0


def evaluate(part: Played, truth: Played, instrument: str) -> dict[str, float]:
    """Return the metrics of form; all but `self_similarity` are of the part alone."""
    validate(part)
    return {
        "empty_bar_rate": empty_bar_rate(part),
        "out_of_range": out_of_range(part, instrument),
        "repeat_rate": repeat_rate(part),
        "self_similarity": self_similarity(part, truth),
    }
