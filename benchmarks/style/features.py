"""What the style classifier hears of one part: where in the bar what is struck, and in what manner.

Nothing here changes if the part is transposed, written in other ticks, played louder or at another
tempo: the first two say nothing of style, and the last two are asked for by other controls. So a
style is never recognised by the tempo of a song that the writer was given. The metre is heard, for
notes lie in bars: a waltz is known by its three beats alone.
"""

from __future__ import annotations

from math import nan
from typing import get_type_hints

import numpy as np
import numpy.typing as npt

from subtractive.arrays import Notes
from subtractive.facts import Facts, measure
from subtractive.kit import ELSE, KIND
from subtractive.placed import EARLY, QUARTER, Ints

Features = npt.NDArray[np.float32]

VERSION = 1  # of the features: parameters fit theirs alone
STEPS_PER_QUARTER = 12  # holds 16ths and triplets alike
QUARTERS = 4  # of a bar; a longer one goes on from the beginning
STEPS = STEPS_PER_QUARTER * QUARTERS
_STRUM = 45  # ticks between two strings of one chord, as in `subtractive.facts`

_OPEN_HAT, _PEDAL_HAT = ELSE + 1, ELSE + 2
DRUM_KINDS = ELSE + 3
_KIND = KIND.copy()
_KIND[[26, 46]] = _OPEN_HAT
_KIND[44] = _PEDAL_HAT

# What depends on tempo, loudness or register, and what is no number.
_UNHEARD = {"instrument", "bars", "tempo_qpm", "attacks_per_second", "mean_velocity"} | {
    *("backbone_velocity", "velocity_range", "ghost_share", "median_pitch"),
}
FACTS = tuple(name for name in get_type_hints(Facts) if name not in _UNHEARD)


def to_quarters_of_480(notes: Notes, barlines: Ints, ticks_per_beat: int) -> tuple[Notes, Ints]:
    """Return notes and barlines in ticks of 480 to a quarter, from the first barline on."""
    scale = QUARTER / ticks_per_beat
    lines = np.rint(np.asarray(barlines, dtype=np.float64) * scale).astype(np.int64)
    scaled = notes[np.lexsort((notes["pitch"], notes["onset"]))]
    onset = np.rint(scaled["onset"] * scale)
    end = np.rint((scaled["onset"] + scaled["duration"].astype(np.int64)) * scale)
    scaled["onset"], scaled["duration"] = onset - lines[0], end - onset
    return scaled, lines - lines[0]


def _histogram(row: Ints, step: Ints, rows: int, steps: int, bars: int) -> Features:
    """Return the root of the share of bars in which (row, step) is struck [shape=(rows * steps,)].

    Of shares the root is compared (Hellinger's distance), so that rare strokes count too.
    """
    counts = np.bincount(row * steps + step, minlength=rows * steps)
    return np.sqrt(np.minimum(counts / bars, 1.0)).astype(np.float32)


def part_features(notes: Notes, barlines: Ints, ticks_per_beat: int, instrument: str) -> Features:
    """Return the features of one part.

    Parameters
    ----------
    notes : array of NOTE [shape=(note,)]
    barlines : array of int [shape=(bar + 1,)]
        Onsets of the bars and the end of the last one, in ticks.
    ticks_per_beat : int
        Ticks to a quarter note.
    instrument : str

    Returns
    -------
    array of float [shape=(feature,)]
        Rhythm (how often each step of a bar is struck, by kind of drum or by the harmonic role of
        the note), then `FACTS`, nan where a fact makes no sense.
    """
    notes, lines = to_quarters_of_480(notes, barlines, ticks_per_beat)
    inside = (notes["onset"] >= -EARLY) & (notes["onset"] < lines[-1])
    notes = notes[inside]
    bars = len(lines) - 1
    onset = notes["onset"].astype(np.int64)
    bar = np.clip(np.searchsorted(lines, onset + EARLY, side="right") - 1, 0, bars - 1)
    step = np.rint((onset - lines[bar]) * STEPS_PER_QUARTER / QUARTER).astype(np.int64)
    step = np.maximum(step, 0) % STEPS
    if instrument == "drums":
        kind = _KIND[notes["pitch"] & 127]
        rhythm = _histogram(kind, step, DRUM_KINDS, STEPS, bars)
    else:
        rhythm = _pitched(notes, bar, step, bars)
    # the tempo is not heard: any will do
    beats = np.full(bars, QUARTER)
    facts = measure(notes, lines, beats, instrument, 120.0)
    manner = [float(getattr(facts, name)) if len(notes) else nan for name in FACTS]
    return np.concatenate([rhythm, np.array(manner, dtype=np.float32)])


def _pitched(notes: Notes, bar: Ints, step: Ints, bars: int) -> Features:
    """Return attacks by step, tones above the bar's first note by beat, and steps of the line."""
    onset, pitch = notes["onset"].astype(np.int64), notes["pitch"].astype(np.int64)
    first = np.diff(onset, prepend=-2 * _STRUM) > _STRUM
    attacks = _histogram(np.zeros_like(step[first]), step[first], 1, STEPS, bars)
    # a long note is another accompaniment than a short one on the same step
    length = np.minimum(notes["duration"].astype(np.int64) // (QUARTER // 4), 7)
    lengths = _histogram(length[first] // 2, step[first] // 3, 4, STEPS // 3, bars)
    head = np.searchsorted(bar, np.arange(bars))
    head = np.minimum(head, max(len(notes) - 1, 0))
    above = (pitch - pitch[head[bar]]) % 12
    tones = _histogram(above, step // STEPS_PER_QUARTER, 12, QUARTERS, bars)
    line = np.clip(np.diff(pitch[first]), -12, 12) + 12
    moves = np.bincount(line, minlength=25) / max(len(line), 1)
    return np.concatenate([attacks, lengths, tones, moves.astype(np.float32)])
