"""A part to write, and the window of bars that comes next.

A song of any length is written in windows of 16 bars, of which the first eight are what was
written before: cost grows linearly with bars, memory does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from scoretokens.codec import encode
from symbolic.frames import Frames
from symbolic.lean import Pull
from symbolic.lessons import LOOKAHEAD, WINDOW
from symbolic.manner import ANY, Range
from symbolic.pen import Limits, Window
from symbolic.rows import Rows, rows_of

Ints = npt.NDArray[np.int64]
OVERLAP = 8  # bars already written that a window sees


def no_notes() -> Ints:
    """Return an empty part on the grid [shape=(0, 4)]."""
    return np.zeros((0, 4), dtype=np.int64)


@dataclass(eq=False)
class Job:
    """A part to write, on the grid and in the key that the frames are in.

    Attributes
    ----------
    instrument : str
    frames : Frames
        Of the whole song.
    bar_onsets : array of int [shape=(bar + 1,)]
    limits : Limits
    open_frames : array of bool [shape=(frame,)]
        Where a note may begin.
    harmony : array of int [shape=(frame,)]
        The root of the chord, -1 where none is known; all -1 for drums.
    rng : Generator
        Drawn from step by step; the result depends on no other job.
    temperature, top_p : float
    guidance : float
        How far the choice of pitches leans away from what would be written without the context: 1
        is the model's own distribution (classifier-free guidance, Ho & Salimans 2022).
    alone : array of float [shape=(frame, WIDTH)]
        The frames of the same bars without any context.
    wishes : array of float [shape=(len(CONCEPTS),)]
        What is asked for (see `symbolic.concepts.marked`).
    draft : array of int [shape=(note, 4)]
        What the rules would play.
    pull : Pull
        How far the part leans towards it.
    program : int or None
        None lets the writer choose, except for drums.
    takes : int
        How many times each window is written; the take that agrees most with the others is kept.
    notes : array of int [shape=(note, 4)]
        What is written so far: before the first bar to write, what the part plays there already.
    next_bar : int
        The bar to write next.
    last_bar : int or None
        The bar before which writing stops; None: the song's end.
    density : Range
        Wanted attacks a quarter.
    eagerness : float
        The log-odds of striking are moved by as much (see `symbolic.density`).
    fixed : array of int [shape=(note, 4)]
        Notes that a user wants to stay.
    after : array of int [shape=(note, 4)] or None
        What the part plays from `last_bar` on; None: nobody knows.
    draft_program : int
        Of the rules' draft.
    insistence : float
        How far the part leans away from what would be written without the wishes: 1 is the model's
        own distribution.
    """

    instrument: str
    frames: Frames
    bar_onsets: Ints
    limits: Limits
    open_frames: npt.NDArray[np.bool_]
    harmony: Ints
    rng: np.random.Generator
    temperature: float
    top_p: float
    guidance: float
    alone: npt.NDArray[np.float32]
    wishes: npt.NDArray[np.float32]
    draft: Ints
    pull: Pull
    program: int | None
    takes: int
    notes: Ints
    next_bar: int = 0
    last_bar: int | None = None
    density: Range = ANY
    eagerness: float = 0.0
    fixed: Ints = field(default_factory=no_notes)
    after: Ints | None = None
    draft_program: int = 0
    insistence: float = 1.0

    @property
    def bar_count(self) -> int:
        """Number of bars of the song."""
        return len(self.bar_onsets) - 1

    @property
    def end(self) -> int:
        """The bar before which writing stops."""
        return self.bar_count if self.last_bar is None else self.last_bar


def window_of(job: Job) -> tuple[Window, Rows, slice]:
    """Return the next window of a job, the rows already written in it, and where its frames are."""
    first = max(0, job.next_bar - OVERLAP)
    last = min(first + WINDOW, job.end)
    onsets = job.bar_onsets[first : last + 1]
    frames = job.frames.bar_frames
    bar_frames = frames[first : last + 1] - frames[first]
    end = frames[min(last + LOOKAHEAD, job.bar_count)]
    start = job.next_bar - first
    inside = (job.notes[:, 0] >= onsets[0]) & (job.notes[:, 0] < onsets[start])
    notes = job.notes[inside]
    said = encode(
        notes, onsets[: start + 1].tolist(), instrument=job.instrument, program=job.program
    )
    struck = notes[:, 0] if job.instrument == "drums" else np.unique(notes[:, 0])
    attacks = [
        int(((struck >= on) & (struck < end)).sum()) for on, end in pairwise(onsets[: start + 1])
    ]
    here = slice(frames[first], end)
    window = Window(onsets, bar_frames, start, attacks, job.open_frames[here], job.harmony[here])
    return window, rows_of(said, onsets, bar_frames), here
