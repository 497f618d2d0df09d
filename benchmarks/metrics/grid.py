"""Beats, bars and 16ths: the time grids on which parts are compared.

Onsets are rounded to the nearest 16th (half a 16th goes up), durations are not rounded at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import Arrangement, Part, bars
from subtractive.harmony import beat_edges, chroma, note_spans

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

KICKS = (35, 36)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the metrics need to know of the context of a part, computed once for all writers.

    Attributes
    ----------
    ticks_per_beat : int
    beat_edges : array of int [shape=(beat + 1,)]
        In ticks.
    bar_edges : array of int [shape=(bar + 1,)]
        In ticks.
    sounding : array of bool [shape=(beat, 12)]
        Pitch classes that the pitched parts of the context sound within each beat.
    kick_slots : array of int [shape=(slot,)]
        16ths at which the context's kick drum is struck.
    """

    ticks_per_beat: int
    beat_edges: Ints
    bar_edges: Ints
    sounding: Flags
    kick_slots: Ints

    @property
    def bar_count(self) -> int:
        """Number of bars."""
        return len(self.bar_edges) - 1

    @classmethod
    def of(cls, context: Arrangement) -> Surroundings:
        """Return the surroundings that `context` makes."""
        every_bar = bars(context)
        bar_edges = np.array([*(bar.onset for bar in every_bar), every_bar[-1].end])
        edges, _ = beat_edges(bar_edges, context.ticks_per_beat)
        kicks = [
            note.onset
            for part in context.parts
            if part.is_drums
            for note in part.notes
            if note.pitch in KICKS
        ]
        return cls(
            ticks_per_beat=context.ticks_per_beat,
            beat_edges=edges,
            bar_edges=bar_edges,
            sounding=pitch_class_shares(context.parts, edges) > 0,
            kick_slots=sixteenths(np.array(kicks, dtype=np.int64), context.ticks_per_beat),
        )


def pitch_class_shares(parts: Sequence[Part], beat_edges: Ints) -> Array:
    """Return how long each pitch class sounds within each beat, in beats summed over notes.

    Parameters
    ----------
    parts : sequence of Part
        Drums are left out.
    beat_edges : array of int [shape=(beat + 1,)]

    Returns
    -------
    array [shape=(beat, 12)]
    """
    return chroma(note_spans(parts), beat_edges)[0]


def sixteenths(onsets: Ints, ticks_per_beat: int) -> Ints:
    """Return the 16ths, counted from the start of the music, that `onsets` fall on.

    Parameters
    ----------
    onsets : array of int
        In ticks.
    ticks_per_beat : int

    Returns
    -------
    array of int
        Each 16th once, in order.
    """
    return np.unique((8 * onsets + ticks_per_beat) // (2 * ticks_per_beat))


def onsets_and_pitches(part: Part) -> tuple[Ints, Ints]:
    """Return the onsets in ticks and the pitches of all notes."""
    notes = np.array([(note.onset, note.pitch) for note in part.notes], dtype=np.int64)
    return notes.reshape(-1, 2)[:, 0], notes.reshape(-1, 2)[:, 1]


def f1(reference: Ints, estimate: Ints) -> float:
    """Return 2 |R and E| / (|R| + |E|) of two sets: the harmonic mean of precision and recall.

    Parameters
    ----------
    reference, estimate : arrays of int
        Sets: each element once.

    Returns
    -------
    float
        0 to 1; nan if `reference` is empty.
    """
    if len(reference) == 0:
        return float("nan")
    matched = np.intersect1d(reference, estimate, assume_unique=True).size
    return 2 * matched / (len(reference) + len(estimate))
