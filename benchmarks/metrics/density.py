"""The question: does a part play as much, as high, as long and as loud as a musician's.

Conventions
-----------
All are numbers of the part alone, defined whatever was written: a part without notes scores 0.
Neither more nor less is better, so tables show the distance to the true part's number. Register,
dynamics and swing are those of `subtractive.facts`, by which parts are also asked for in words.

Metrics
-------
- `notes_per_bar`, and its ratio to that of the true part.
- `notes_per_onset`: notes by 16ths on which any note begins: 1 for single notes, 3 for triads, of
  drums the mean number of drums struck together.
- `polyphony`: mean number of notes sounding while any sounds, which is sounding time summed over
  notes, by the time in which something sounds. As in MusPy (Dong et al. 2020), but in ticks, not
  time steps. Not of drums, whose notes have no length.
- `median_pitch` (MIDI pitch) and `pitch_spread` (semitones between the 10th and the 90th
  percentile): the register. Not of drums.
- `note_length_ratio`: mean length of a note by that of the true part. Not of drums.
- `mean_velocity` and `velocity_spread` (between the 10th and the 90th percentile): dynamics, in
  MIDI velocity.
- `swing_ratio`: length of the first eighth of a beat of two by that of the second, at the median:
  1 is straight, 2 is triplets (the beat-upbeat ratio of Friberg & Sundstrom 2002). Beats divided
  further do not count. A part with fewer than 8 beats of two has nothing to swing and counts as
  straight.
"""

from __future__ import annotations

from math import isnan

import numpy as np

from benchmarks.metrics.grid import Ints
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.overlap import validate
from benchmarks.metrics.played import Played
from subtractive.facts import Facts, measure
from subtractive.placed import QUARTER

# A failed song counts what is about the most that real parts are apart, so never less than silence.
MEASURES = (
    Measure("notes_per_bar", "part", "nearer", 64.0),
    Measure("notes_per_bar_ratio", "part", "nearer", 1.0, median=True),
    Measure("notes_per_onset", "part", "nearer", 6.0),
    Measure("polyphony", "part", "nearer", 6.0),
    Measure("median_pitch", "part", "nearer", 127.0),
    Measure("pitch_spread", "part", "nearer", 48.0),
    Measure("note_length_ratio", "part", "nearer", 1.0, median=True),
    Measure("mean_velocity", "part", "nearer", 127.0),
    Measure("velocity_spread", "part", "nearer", 127.0),
    Measure("swing_ratio", "part", "nearer", 2.0),
)


def notes_per_bar(part: Played) -> float:
    """Return the mean number of notes in a bar."""
    return len(part) / part.around.bar_count


def notes_per_bar_ratio(part: Played, truth: Played) -> float:
    """Return the number of notes by that of `truth`; nan if `truth` has none."""
    return len(part) / len(truth) if len(truth) else float("nan")


def notes_per_onset(part: Played) -> float:
    """Return the mean number of notes on a 16th on which any begins; 0 without notes."""
    return len(part) / len(part.slots) if len(part) else 0.0


def polyphony(part: Played) -> float:
    """Return the mean number of notes that sound while any sounds; 0 without notes."""
    if not len(part):
        return 0.0
    end = np.maximum(part.end, part.onset + 1)
    last = np.maximum.accumulate(end)
    # each note adds to the time in which something sounds what no earlier note has covered
    covered = np.concatenate([part.onset[:1], last[:-1]])
    sounding = np.maximum(end - np.maximum(part.onset, covered), 0).sum()
    return float((end - part.onset).sum() / sounding)


def note_length_ratio(part: Played, truth: Played) -> float:
    """Return the mean length of a note by that of `truth`; nan if `truth` has no notes."""
    if not len(truth):
        return float("nan")
    return _mean_length(part) / _mean_length(truth) if len(part) else 0.0


def _mean_length(part: Played) -> float:
    return float(np.maximum(part.end - part.onset, 1).mean())


def _rounded(ticks: Ints, ticks_per_beat: int) -> Ints:
    """Return ticks in those of the facts; in integers, so that halves always go up."""
    return (2 * QUARTER * ticks + ticks_per_beat) // (2 * ticks_per_beat)


def facts_of(part: Played) -> Facts:
    """Return what `subtractive.facts` measures on a part; one without notes has nan for most."""
    quarter = part.around.ticks_per_beat
    notes = part.notes.copy()
    bars = _rounded(part.around.bar_edges, quarter)
    # one in the last half tick stays inside the music
    notes["onset"] = np.minimum(_rounded(part.onset, quarter), bars[-1] - 1)
    notes["duration"] = _rounded(part.end - part.onset, quarter)
    # the metre's own beat only matters to syncopation, which is not asked for
    beats = np.full(part.around.bar_count, QUARTER)
    name = "drums" if part.is_drums else "guitar"
    return measure(notes, bars, beats, name, part.around.tempo_qpm)


def evaluate(part: Played, truth: Played) -> dict[str, float]:
    """Return density, register, length, dynamics and swing; ratios are nan if `truth` is empty."""
    validate(part, truth)
    facts = facts_of(part)

    def found(value: float) -> float:
        return value if len(part) else 0.0

    scores = {
        "notes_per_bar": notes_per_bar(part),
        "notes_per_bar_ratio": notes_per_bar_ratio(part, truth),
        "notes_per_onset": notes_per_onset(part),
        "mean_velocity": found(facts.mean_velocity),
        "velocity_spread": found(facts.velocity_range),
        "swing_ratio": found(1.0 if isnan(facts.swing_ratio) else facts.swing_ratio),
    }
    if part.is_drums:
        return scores
    return scores | {
        "polyphony": polyphony(part),
        "median_pitch": found(facts.median_pitch),
        "pitch_spread": found(facts.range_semitones),
        "note_length_ratio": note_length_ratio(part, truth),
    }
