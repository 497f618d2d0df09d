"""The question: is a written part of the same kind as the part that was taken out.

Not which notes, but how many of which: a part may share no note with the true one and yet have its
groove, its scale, its articulation and its dynamics.

Conventions
-----------
All metrics are nan where the true part gives nothing to compare with, and take their worst value
for a part that gives nothing.

Metrics
-------
- `groove_similarity`: where in the bar notes begin, bar by bar. From von Rütte et al., "FIGARO"
  (2023): counts of onsets at 12 steps a beat, smoothed within the bar by [1, 4, 1], and the cosine
  of the two bars' counts. FIGARO gives a bar without notes the flat vector 1/48, not of unit
  length, so that two empty bars score 1/48; here a bar in which neither part begins a note is left
  out and one in which only one does scores 0. Its bars are all 4/4; here a bar has its own length.
  (MuseMorphose takes the best of all bars in place of the same one, which is far more lenient.)
- `pitch_class_jsd`, `drum_class_jsd`, `duration_jsd`, `ioi_jsd`, `velocity_jsd`: Jensen-Shannon
  distance of two histograms p and q: with m = (p + q) / 2, the square root of
  (KL(p, m) + KL(q, m)) / 2 in bits (Endres & Schindelin 2003). 0 to 1, lower is nearer.
- `pitch_class_oa`, `drum_class_oa`, `duration_oa`, `ioi_oa`, `velocity_oa`: overlap area, the sum
  of min(p, q), as the PD and DD of Sheng et al., "SongMASS" (2021). 0 to 1, higher is nearer.

Both histograms are counted on one grid of bins, the same for all songs. (mgeval, of Yang & Lerch
(2020), samples each of its two densities on a grid of its own before it takes the divergence, and
so compares values of different places; FIGARO's overlap area is that of two normal curves, which
no part's durations are.)

Bins
----
- pitch class: 12. For drums the class of drum in its place: the five of `overlap`, and other.
- duration and inter-onset interval: to the nearest half octave from 1/8 of a beat to 8 beats,
  shorter and longer ones at the ends. So 16ths, eighths and quarters are two bins apart, with
  dotted values and triplets between, and a quarter held for nine tenths is a quarter. Drums have
  no duration. An interval is one between successive 16ths on which any note begins.
- velocity: to the nearest multiple of 16, which are about the marks from ppp to fff.
"""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.grid import Array, Ints
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.overlap import UNCLASSED, drum_classes, validate
from benchmarks.metrics.played import Played

STEPS_PER_BEAT = 12
SHORTEST_BEATS, LONGEST_BEATS = 1 / 8, 8

_FEATURES = ("pitch_class", "drum_class", "duration", "ioi", "velocity")
_LENGTH_BINS = 2 * round(np.log2(LONGEST_BEATS / SHORTEST_BEATS)) + 1
_VELOCITY_BINS = 9

MEASURES = (
    Measure("groove_similarity", "withheld", "higher", 0.0),
    *(Measure(f"{name}_jsd", "withheld", "lower", 1.0) for name in _FEATURES),
    *(Measure(f"{name}_oa", "withheld", "higher", 0.0) for name in _FEATURES),
)


def _steps(ticks: Ints, ticks_per_beat: int) -> Ints:
    return (2 * STEPS_PER_BEAT * ticks + ticks_per_beat) // (2 * ticks_per_beat)


def groove(part: Played) -> Array:
    """Return how much begins at each 12th of a beat, smoothed within bars [shape=(step,)].

    An onset up to a 24th of a beat early is rounded to the barline, and so to the bar that it
    anticipates. One outside the music is not counted.
    """
    around = part.around
    lines = _steps(around.bar_edges, around.ticks_per_beat)
    step = _steps(part.onset, around.ticks_per_beat)
    inside = (step >= lines[0]) & (step < lines[-1])
    counts = np.bincount(step[inside] - lines[0], minlength=int(lines[-1] - lines[0]))
    smooth: Array = counts * np.float64(4)
    earlier, later = counts[:-1].copy(), counts[1:].copy()
    # What is next to a barline does not spread over it.
    barlines = lines[1:-1] - lines[0] - 1
    barlines = barlines[(barlines >= 0) & (barlines < len(counts) - 1)]
    earlier[barlines] = later[barlines] = 0
    smooth[1:] += earlier
    smooth[:-1] += later
    return smooth


def groove_similarity(part: Played, truth: Played) -> float:
    """Return the mean cosine of the grooves of the same bar.

    Returns
    -------
    float
        0 to 1: over the bars in which a note of either part begins; nan if none of `truth` does.
    """
    validate(part, truth)
    lines = _steps(part.around.bar_edges, part.around.ticks_per_beat)
    bars = np.unique(lines[:-1][np.diff(lines) > 0]) - lines[0]
    if not len(bars):
        return float("nan")
    taken, written = groove(truth), groove(part)
    products = np.stack([taken * written, taken * taken, written * written])
    both, taken_power, written_power = np.add.reduceat(products, bars, axis=1)
    if not taken_power.any():
        return float("nan")
    norm = np.sqrt(taken_power * written_power)
    cosine = np.divide(both, norm, out=np.zeros_like(norm), where=norm > 0)
    return float(cosine.sum() / np.count_nonzero(taken_power + written_power))


def length_bins(lengths: Ints, ticks_per_beat: float) -> Ints:
    """Return the half octave of beats that each length is nearest to, 0 for the shortest."""
    beats = np.clip(lengths / ticks_per_beat, SHORTEST_BEATS, LONGEST_BEATS)
    bins: Ints = np.rint(2 * np.log2(beats / SHORTEST_BEATS)).astype(np.int64)
    return bins


def histograms(part: Played) -> dict[str, Ints]:
    """Return counts in the bins of each feature that the instrument has.

    Returns
    -------
    dict of str to array of int [shape=(bin,)]
        By feature: "pitch_class" and "duration", or "drum_class"; "ioi" and "velocity".
    """
    quarter = part.around.ticks_per_beat
    # Slots are 16ths, four to the beat.
    either = {
        "ioi": np.bincount(length_bins(np.diff(part.slots), 4), minlength=_LENGTH_BINS),
        "velocity": np.bincount(
            (np.minimum(part.velocity, 127) + 8) // 16, minlength=_VELOCITY_BINS
        ),
    }
    if part.is_drums:
        kinds = np.bincount(drum_classes(part), minlength=UNCLASSED + 1)
        return {"drum_class": kinds} | either
    lengths = length_bins(part.end - part.onset, quarter)
    return {
        "pitch_class": np.bincount(part.pitch % 12, minlength=12),
        "duration": np.bincount(lengths, minlength=_LENGTH_BINS),
    } | either


def jensen_shannon(reference: Ints, estimate: Ints) -> float:
    """Return the Jensen-Shannon distance of two histograms on the same bins.

    Parameters
    ----------
    reference, estimate : arrays of int [shape=(bin,)]
        Counts.

    Returns
    -------
    float
        0 to 1 (square root of bits); 1 if `estimate` counts nothing, nan if `reference` does.
    """
    if not reference.any() or not estimate.any():
        return 1.0 if reference.any() else float("nan")
    pair = np.stack([reference / reference.sum(), estimate / estimate.sum()])
    share = np.divide(pair, pair.mean(axis=0), out=np.ones_like(pair), where=pair > 0)
    bits = (pair * np.log2(share)).sum() / 2
    # Equal histograms may come out a rounding error below 0.
    return float(np.sqrt(np.clip(bits, 0.0, 1.0)))


def overlap_area(reference: Ints, estimate: Ints) -> float:
    """Return the sum of the smaller shares of two histograms on the same bins.

    Returns
    -------
    float
        0 to 1; 0 if `estimate` counts nothing, nan if `reference` does.
    """
    if not reference.any() or not estimate.any():
        return 0.0 if reference.any() else float("nan")
    # In whole numbers: shares that are rounded one by one may add up to more than 1.
    ours, theirs = int(reference.sum()), int(estimate.sum())
    return int(np.minimum(reference * theirs, estimate * ours).sum()) / (ours * theirs)


def evaluate(part: Played, truth: Played) -> dict[str, float]:
    """Return the metrics that the instrument has, all floats from 0 to 1 (or nan)."""
    scores = {"groove_similarity": groove_similarity(part, truth)}
    written = histograms(part)
    for name, counts in histograms(truth).items():
        scores[f"{name}_jsd"] = jensen_shannon(counts, written[name])
        scores[f"{name}_oa"] = overlap_area(counts, written[name])
    return scores
