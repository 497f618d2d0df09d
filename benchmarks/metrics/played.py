"""A part as the metrics see it: arrays of its notes, with their places on the grids of the song."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.metrics.grid import EARLY_BEATS, Array, Ints, Surroundings, place_in
from subtractive.arrangement import Part
from subtractive.arrays import Notes, notes_array
from subtractive.harmony import chroma


@dataclass(frozen=True, eq=False)
class Played:
    """The notes of a part, and where they fall.

    Attributes
    ----------
    notes : array of NOTE [shape=(note,)]
        In order of onset, then pitch.
    is_drums : bool
    around : Surroundings
        Of the song that it was written to.
    onset, end, pitch, velocity : array of int [shape=(note,)]
        Onset and end in ticks.
    """

    notes: Notes
    is_drums: bool
    around: Surroundings
    onset: Ints
    end: Ints
    pitch: Ints
    velocity: Ints

    @classmethod
    def of(cls, part: Part, around: Surroundings) -> Played:
        """Return the part on the grids of its song."""
        notes = notes_array(part.notes)
        notes = notes[np.lexsort((notes["pitch"], notes["onset"]))]
        onset = notes["onset"].astype(np.int64)
        return cls(
            notes=notes,
            is_drums=part.is_drums,
            around=around,
            onset=onset,
            end=onset + notes["duration"],
            pitch=notes["pitch"].astype(np.int64),
            velocity=notes["velocity"].astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.notes)

    @cached_property
    def slot(self) -> Ints:
        """16th from the start of the music that each onset is nearest to [shape=(note,)]."""
        quarter = self.around.ticks_per_beat
        return (8 * self.onset + quarter) // (2 * quarter)

    @cached_property
    def slots(self) -> Ints:
        """16ths on which any note begins, each once, in order [shape=(slot,)]."""
        return np.unique(self.slot)

    @cached_property
    def bar(self) -> Ints:
        """Bar that each note belongs to [shape=(note,)]; one a little early anticipates its bar."""
        early = round(self.around.ticks_per_beat * EARLY_BEATS)
        return place_in(self.onset, self.around.bar_edges, early)

    @cached_property
    def shares(self) -> Array:
        """How long each pitch class sounds within each beat, in beats [shape=(beat, 12)].

        Summed over notes: two notes of one class sound twice as long. All zero for drums.
        """
        spans = np.stack([self.onset, np.maximum(self.end, self.onset + 1), self.pitch], axis=1)
        return chroma(spans[:0] if self.is_drums else spans, self.around.beat_edges)[0]
