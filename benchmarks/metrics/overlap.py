"""The question: how near is a written part to the part that was taken out, note by note.

There are many good parts for a song, so no writer reaches 1; but a part that knows the song comes
nearer than one that does not.

Conventions
-----------
All scores are F1, 2 m / (|R| + |E|) with m matches, |R| true and |E| written elements, over the
whole song at once (micro-average). They are nan where the true part has no element, and 0 for a
part without notes. Onsets are sets of 16ths, counted from the start of the music; two notes on one
16th count once.

Metrics
-------
- `note_f1`: notes of the same pitch (drums: the same key) on the same 16th, one to one. It is the
  exact note F1 of the package smg-metrics. Ou et al., "Unifying Symbolic Music Arrangement" (2025),
  average theirs over segments of four bars; here the whole song counts as one.
- `note_f1_near`: the same, the onsets a 16th apart at most. It is the note F1 of mir_eval, "onset
  only", with a tolerance in beats in place of 50 ms. Onsets are not rounded.
- `onset_f1`: onsets, pitch ignored. Unlike the onset metric of mir_eval (within 50 ms, note by
  note) it works on the grid, for its question is rhythm, not timing.
- `chroma_f1`: pitch classes sounding within each beat.
- `kick_f1`, `snare_f1`, `hats_f1`, `toms_f1`, `cymbals_f1`: onsets of each class of drums.
"""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.grid import Ints, f1
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played
from subtractive.kit import DRUM_CLASSES

UNCLASSED = len(DRUM_CLASSES)

MEASURES = (
    Measure("note_f1", "withheld", "higher", 0.0),
    Measure("note_f1_near", "withheld", "higher", 0.0),
    Measure("onset_f1", "withheld", "higher", 0.0),
    Measure("chroma_f1", "withheld", "higher", 0.0),
    *(Measure(f"{name}_f1", "withheld", "higher", 0.0) for name in DRUM_CLASSES),
)


def _class_of_key() -> Ints:
    numbers = np.full(256, UNCLASSED)
    for number, keys in enumerate(DRUM_CLASSES.values()):
        numbers[list(keys)] = number
    return numbers


_CLASS_OF_KEY = _class_of_key()


def validate(part: Played, truth: Played) -> None:
    """Check that both parts are drums, or neither.

    Raises
    ------
    ValueError
        If one is drums and the other pitched.
    """
    if part.is_drums != truth.is_drums:
        raise ValueError("drums can only be compared with drums, and pitched parts with pitched")


def drum_classes(drums: Played) -> Ints:
    """Return the place in `DRUM_CLASSES` of each stroke, `UNCLASSED` for other keys."""
    return _CLASS_OF_KEY[drums.pitch]


def matches(reference: Ints, estimate: Ints, tolerance: int) -> int:
    """Return how many pairs of points, each used once, lie at most `tolerance` apart.

    On a line, with one tolerance for all, it is best to pair the first two points that can be
    paired: the maximum matching that mir_eval searches in a graph is found in one walk.

    Parameters
    ----------
    reference, estimate : arrays of int
        Points; the same one may occur several times.
    tolerance : int
    """
    ours, theirs = np.sort(reference).tolist(), np.sort(estimate).tolist()
    count = one = other = 0
    while one < len(ours) and other < len(theirs):
        apart = theirs[other] - ours[one]
        if apart > tolerance:
            one += 1
        elif apart < -tolerance:
            other += 1
        else:
            count, one, other = count + 1, one + 1, other + 1
    return count


def _matched_f1(truth: Played, part: Played, times: tuple[Ints, Ints], tolerance: int) -> float:
    if len(truth) == 0:
        return float("nan")
    # Each pitch has a stretch of the line of its own, so far off that no other pitch is near.
    first = min(int(each.min(initial=0)) for each in times)
    last = max(int(each.max(initial=0)) for each in times)
    stretch = last - first + tolerance + 1
    taken, written = (
        played.pitch * stretch + time - first
        for played, time in zip((truth, part), times, strict=True)
    )
    return 2 * matches(taken, written, tolerance) / (len(truth) + len(part))


def note_f1(part: Played, truth: Played) -> float:
    """Return the F1 of notes of the same pitch on the same 16th.

    Returns
    -------
    float
        0 to 1; nan if `truth` has no notes.
    """
    validate(part, truth)
    return _matched_f1(truth, part, (truth.slot, part.slot), 0)


def note_f1_near(part: Played, truth: Played) -> float:
    """Return the F1 of notes of the same pitch whose onsets are at most a 16th apart.

    Returns
    -------
    float
        `note_f1` to 1; nan if `truth` has no notes.
    """
    validate(part, truth)
    times = (4 * truth.onset, 4 * part.onset)
    return _matched_f1(truth, part, times, part.around.ticks_per_beat)


def onset_f1(part: Played, truth: Played) -> float:
    """Return the F1 of the 16ths on which any note begins; nan if `truth` is silent."""
    validate(part, truth)
    return f1(truth.slots, part.slots)


def chroma_f1(part: Played, truth: Played) -> float:
    """Return the F1 of the pitch classes sounding within each beat; nan if `truth` is silent."""
    validate(part, truth)
    return f1(np.flatnonzero(truth.shares), np.flatnonzero(part.shares))


def drum_onset_f1(part: Played, truth: Played, keys: tuple[int, ...]) -> float:
    """Return the F1 of the 16ths on which one of the drum `keys` is struck.

    Returns
    -------
    float
        0 to 1; nan if `truth` never strikes one of them.
    """
    validate(part, truth)

    def struck(drums: Played) -> Ints:
        return np.unique(drums.slot[np.isin(drums.pitch, keys)])

    return f1(struck(truth), struck(part))


def evaluate(part: Played, truth: Played) -> dict[str, float]:
    """Return the metrics that the instrument has, all floats from 0 to 1 (or nan)."""
    scores = {
        "note_f1": note_f1(part, truth),
        "note_f1_near": note_f1_near(part, truth),
        "onset_f1": onset_f1(part, truth),
    }
    if part.is_drums:
        for name, keys in DRUM_CLASSES.items():
            scores[f"{name}_f1"] = drum_onset_f1(part, truth, keys)
        return scores
    return scores | {"chroma_f1": chroma_f1(part, truth)}
