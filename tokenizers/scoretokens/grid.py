"""Arrangements on the grid that models read and write: 12 ticks to a quarter note.

Twelve holds sixteenths, eighth triplets and sixteenth triplets. Bars come from the arrangement's
own metre map or barlines, whatever their length; a bar longer than `MAX_BAR` is cut into equal
pieces, since a position must fit the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numpy.lib.recfunctions import structured_to_unstructured

from subtractive.arrangement import Arrangement, Bar, Note, Part, Tempo, bars, order
from subtractive.arrays import ArrayPart, ArraySong
from subtractive.instruments import roles

TICKS_PER_BEAT = 12
MAX_BAR = 96  # eight quarter notes
LONGEST = 192  # sixteen quarter notes

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GridPart:
    """One part: role, program, and notes [shape=(note, 4)] of onset, duration, pitch, velocity."""

    role: str
    program: int
    notes: Ints

    @property
    def is_drums(self) -> bool:
        """Whether the pitches are drum keys."""
        return self.role == "drums"


@dataclass(frozen=True, eq=False)
class GridSong:
    """A whole piece on the grid, as arrays.

    Attributes
    ----------
    bar_onsets : array of int [shape=(bar + 1,)]
        In grid ticks; the last one is the end of the music.
    bar_beats : array of int [shape=(bar,)]
        Length of the metre's own beat (an eighth in 6/8) in grid ticks.
    bar_tempos : array of float [shape=(bar,)]
        Quarter notes a minute at the start of each bar.
    parts : tuple of GridPart
    chords : array of int [shape=(chord, 4)]
        The score's own symbols: onset, root (-1 for N.C.), pitch classes as a 12-bit mask, bass.
    first_bar, bar_total : int
        Its place in the whole piece if it is a cutting; `bar_total` is 0 for a whole.
    wishes : array of int [shape=(wish, 2)]
        Instrument and what is true of its part, as `symbolic.concepts` numbers them.
    """

    bar_onsets: Ints
    bar_beats: Ints
    bar_tempos: npt.NDArray[np.float64]
    parts: tuple[GridPart, ...]
    chords: Ints
    first_bar: int = 0
    bar_total: int = 0
    wishes: Ints = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))

    @property
    def bar_count(self) -> int:
        """Number of bars."""
        return len(self.bar_beats)


def _grid_bars(arrangement: Arrangement | ArraySong) -> list[Bar]:
    longest = MAX_BAR * arrangement.ticks_per_beat // TICKS_PER_BEAT
    scale = TICKS_PER_BEAT / arrangement.ticks_per_beat
    pieces: list[Bar] = []
    for bar in bars(arrangement):
        count = -(-bar.length // longest)
        edges = [bar.onset + bar.length * piece // count for piece in range(count + 1)]
        pieces += [
            Bar(onset, after - onset, bar.beat)
            for onset, after in pairwise(edges)
            # a sliver whose ends round to one grid tick cannot hold a note
            if round(after * scale) > round(onset * scale)
        ]
    return pieces or [Bar(0, longest, arrangement.ticks_per_beat)]


def quantise_duration(ticks: Ints) -> Ints:
    """Return durations that the vocabulary holds: 1 to 48 exactly, then whole beats up to 192."""
    beats = np.clip((ticks + TICKS_PER_BEAT // 2) // TICKS_PER_BEAT, 4, LONGEST // TICKS_PER_BEAT)
    return np.where(ticks <= 4 * TICKS_PER_BEAT, np.maximum(ticks, 1), beats * TICKS_PER_BEAT)


def grid_notes(part: Part | ArrayPart, ticks_per_beat: int) -> Ints:
    """Return a part's notes on the grid [shape=(note, 4)], in order, each (onset, pitch) once."""
    if isinstance(part, ArrayPart):
        notes = structured_to_unstructured(part.notes, np.int64)
    else:
        notes = np.array(part.notes, dtype=np.int64).reshape(-1, 4)
    onset = np.rint(notes[:, 0] * TICKS_PER_BEAT / ticks_per_beat).astype(np.int64)
    end = np.rint((notes[:, 0] + notes[:, 1]) * TICKS_PER_BEAT / ticks_per_beat).astype(np.int64)
    notes = np.stack([onset, quantise_duration(end - onset), notes[:, 2], notes[:, 3]], axis=1)
    if not len(notes):
        return notes
    _, first = np.unique(notes[:, 0] * 128 + notes[:, 2], return_index=True)
    return notes[first]


def _tempos_at(tempos: Sequence[Tempo], ticks: Sequence[int]) -> Ints:
    """Return the microseconds of a quarter note in force at each of `ticks`."""
    paces = np.array([500_000, *(tempo.microseconds for tempo in tempos)])
    return paces[np.searchsorted([tempo.tick for tempo in tempos], ticks, side="right")]


def to_grid(arrangement: Arrangement | ArraySong) -> GridSong:
    """Return `arrangement` on the grid.

    Onsets and ends are rounded to the nearest grid tick; of several notes of one pitch that fall
    on one tick the first is kept.
    """
    scale = TICKS_PER_BEAT / arrangement.ticks_per_beat
    pieces = _grid_bars(arrangement)
    onsets = np.rint(np.array([bar.onset for bar in pieces] + [pieces[-1].end]) * scale)
    parts: Sequence[Part | ArrayPart] = arrangement.parts
    named = zip(parts, roles(parts), strict=True)
    return GridSong(
        bar_onsets=onsets.astype(np.int64),
        bar_beats=np.array([max(1, round(bar.beat * scale)) for bar in pieces]),
        bar_tempos=6e7 / _tempos_at(arrangement.tempos, [bar.onset for bar in pieces]),
        parts=tuple(
            GridPart(role, part.program, grid_notes(part, arrangement.ticks_per_beat))
            for part, role in named
        ),
        chords=np.array(
            [
                (
                    round(chord.tick * scale),
                    -1 if chord.root is None else chord.root,
                    sum(1 << tone for tone in chord.pitch_classes),
                    -1 if chord.bass is None else chord.bass,
                )
                for chord in arrangement.chords
            ],
            dtype=np.int64,
        ).reshape(-1, 4),
    )


def from_grid(notes: Ints, ticks_per_beat: int) -> tuple[Note, ...]:
    """Return grid notes [shape=(note, 4)] as notes in an arrangement's ticks, in order."""
    scale = ticks_per_beat / TICKS_PER_BEAT
    found = []
    for onset, duration, pitch, velocity in notes.tolist():
        start = round(onset * scale)
        end = max(start + 1, round((onset + duration) * scale))
        found.append(Note(start, end - start, pitch, velocity))
    return tuple(sorted(found, key=order))
