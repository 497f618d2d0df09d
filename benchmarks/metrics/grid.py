"""Beats, bars and 16ths: the time grids on which parts are compared.

Onsets are rounded to the nearest 16th (half a 16th goes up), durations are not rounded at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import Arrangement, bars
from subtractive.harmony import (
    beat_edges,
    chord_at,
    chroma,
    estimate_chords,
    key_of_chroma,
    note_spans,
)
from subtractive.kit import KICKS

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# An onset this share of a beat before a barline anticipates the bar, as a player would say.
EARLY_BEATS = 1 / 24


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the metrics need to know of the context of a part, computed once for all writers.

    Attributes
    ----------
    ticks_per_beat : int
    tempo_qpm : float
        Quarter notes a minute, over the whole of the music.
    beat_edges : array of int [shape=(beat + 1,)]
        In ticks; beats are quarters counted from each barline, the last of a bar may be short.
    bar_edges : array of int [shape=(bar + 1,)]
        In ticks.
    downbeat : array of bool [shape=(beat,)]
        Beats that begin a bar.
    shares : array [shape=(beat, 12)]
        How long the pitched parts of the context sound each pitch class within each beat, in
        beats, summed over notes.
    chord_root : array of int [shape=(beat,)]
        Pitch class of the chord's root, from the context's own symbols or estimated from its
        notes; -1 where there is no chord.
    chord_bass : array of int [shape=(beat,)]
        The same of the bass under the slash, which is the root where there is no slash.
    chord_tones : array of bool [shape=(beat, 12)]
    tonic : int
        Pitch class of the key's tonic; -1 if the context sounds no pitch.
    is_minor : bool
    spans : array of int [shape=(note, 3)]
        Onset, end and pitch of the context's pitched notes, by onset.
    strokes : array of int [shape=(stroke, 2)]
        Onset and drum key of the context's drums, by onset.
    """

    ticks_per_beat: int
    tempo_qpm: float
    beat_edges: Ints
    bar_edges: Ints
    downbeat: Flags
    shares: Array
    chord_root: Ints
    chord_bass: Ints
    chord_tones: Flags
    tonic: int
    is_minor: bool
    spans: Ints
    strokes: Ints

    @property
    def bar_count(self) -> int:
        """Number of bars."""
        return len(self.bar_edges) - 1

    @property
    def sounding(self) -> Flags:
        """Pitch classes that the context sounds within each beat [shape=(beat, 12)]."""
        return self.shares > 0

    @cached_property
    def kick_slots(self) -> Ints:
        """16ths at which the context's kick drum is struck, in order."""
        onsets, keys = self.strokes.T
        return sixteenths(onsets[np.isin(keys, KICKS)], self.ticks_per_beat)

    @classmethod
    def of(cls, context: Arrangement) -> Surroundings:
        """Return the surroundings that `context` makes."""
        every_bar = bars(context)
        bar_edges = np.array([*(bar.onset for bar in every_bar), every_bar[-1].end])
        edges, downbeat = beat_edges(bar_edges, context.ticks_per_beat)
        spans = note_spans(context.parts)
        shares = chroma(spans, edges)[0]
        chords = estimate_chords(context)
        in_force = [chord_at(chords, int(tick)) for tick in edges[:-1]]
        tones = np.zeros((len(in_force), 12), dtype=np.bool_)
        for beat, chord in enumerate(in_force):
            tones[beat, list(chord.pitch_classes) if chord else []] = True
        tonic, is_minor = key_of_chroma((shares * np.diff(edges)[:, None]).sum(axis=0))
        strokes = [
            (note.onset, note.pitch)
            for part in context.parts
            if part.is_drums
            for note in part.notes
        ]
        seconds = context.seconds_at(int(bar_edges[-1]))
        beats = (bar_edges[-1] - bar_edges[0]) / context.ticks_per_beat
        return cls(
            ticks_per_beat=context.ticks_per_beat,
            tempo_qpm=60 * float(beats) / seconds,
            beat_edges=edges,
            bar_edges=bar_edges,
            downbeat=downbeat,
            shares=shares,
            chord_root=_classes(chord.root if chord else None for chord in in_force),
            chord_bass=_classes(chord.bass if chord else None for chord in in_force),
            chord_tones=tones,
            tonic=tonic if len(spans) else -1,
            is_minor=is_minor,
            spans=spans[np.argsort(spans[:, 0], kind="stable")],
            strokes=np.array(sorted(strokes), dtype=np.int64).reshape(-1, 2),
        )


def _classes(found: Iterable[int | None]) -> Ints:
    return np.array([-1 if each is None else each for each in found], dtype=np.int64)


def place_in(onsets: Ints, edges: Ints, early: float) -> Ints:
    """Return the bar (or beat) that each onset belongs to, if it may come `early` ticks before it.

    Parameters
    ----------
    onsets : array of int
        In ticks.
    edges : array of int [shape=(span + 1,)]
        In ticks, increasing; the last one is the end of the music.
    early : float
    """
    return np.clip(np.searchsorted(edges, onsets + early, side="right") - 1, 0, len(edges) - 2)


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
