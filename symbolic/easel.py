"""A window of a job on its canvas: what is known, what may be drawn, what limbs can play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoretokens.vocabulary import vocabulary
from symbolic.canvas import (
    CHORD,
    KEY_OF_ROW,
    LOWEST,
    PITCHES,
    ROW_OF_KEY,
    ROWS,
    Canvas,
    drawn,
)
from symbolic.frames import FRAME, frame_of_tick
from symbolic.job import OVERLAP, Job
from symbolic.lessons import LOOKAHEAD, WINDOW

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CLASS_OF_PITCH = (np.arange(PITCHES) - 1 + LOWEST) % 12
_V = vocabulary()


@dataclass(eq=False)
class Easel:
    """One window of one job, on the canvas.

    Attributes
    ----------
    job : Job
    bar_onsets : array of int [shape=(bar + 1,)]
        Grid ticks.
    start, end : int
        The first bar to write, and the one after the last.
    frames : slice
        Where the window lies in the song.
    canvas : Canvas
        What is drawn so far; hidden cells are empty.
    strikes_known, chords_known : arrays of bool
        [shape=(frame, FRAME, ROWS)] and [shape=(frame, FRAME)].
    open : array of bool [shape=(frame,)]
        Frames to write in.
    free, free_chords : arrays of bool
        Cells to draw, of the same shapes.
    drafted : array of float [shape=(frame, FRAME, ROWS)]
        1 for what the rules strike, else -1.
    drafted_classes : array of bool [shape=(frame, FRAME, 12)]
        Pitch classes that they strike.
    keys : array of int [shape=(ROWS,)]
        That the sounds are struck on.
    """

    job: Job
    bar_onsets: Ints
    start: int
    end: int
    frames: slice
    canvas: Canvas
    strikes_known: Bools
    chords_known: Bools
    open: Bools
    free: Bools
    free_chords: Bools
    drafted: Floats
    drafted_classes: Bools
    keys: Ints

    @property
    def drums(self) -> bool:
        """Whether drums are written."""
        return self.job.instrument == "drums"


def easel_of(job: Job) -> Easel:
    """Return the next window of a job, with what is known of it."""
    first = max(0, job.next_bar - OVERLAP)
    if job.after is not None:
        # what comes after a stretch is seen, too: short ones lie amid their window
        spare = WINDOW - (job.end - first)
        first = max(0, min(first, job.bar_count - WINDOW)) if spare > 0 else first
    last = min(first + WINDOW, job.bar_count if job.after is not None else job.end)
    end = min(last, job.end) - first
    onsets = job.bar_onsets[first : last + 1]
    edges = job.frames.bar_frames
    here = slice(edges[first], edges[min(last + LOOKAHEAD, job.bar_count)])
    count = here.stop - here.start
    drums, start = job.instrument == "drums", job.next_bar - first
    written, rest = job.notes, job.after if job.after is not None else job.notes[:0]
    open_ticks = (int(onsets[start]), int(onsets[end]))
    known = [
        written[written[:, 0] < open_ticks[0]],
        rest[rest[:, 0] >= open_ticks[1]],
        job.fixed[(job.fixed[:, 0] >= open_ticks[0]) & (job.fixed[:, 0] < open_ticks[1])],
    ]
    notes = np.concatenate(known)
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    canvas = drawn(notes, onsets, count, drums=drums)
    frame, tick, bar_frames = frame_of_tick(onsets)
    open_frames = np.zeros(count, dtype=bool)
    open_frames[bar_frames[start] : bar_frames[end]] = True
    bars_known = np.zeros(count, dtype=bool)
    bars_known[: bar_frames[-1]] = True
    bars_known &= ~open_frames
    strikes_known = np.repeat(bars_known, FRAME * ROWS).reshape(count, FRAME, ROWS)
    chords_known = np.repeat(bars_known, FRAME).reshape(count, FRAME)
    # the last frame of an odd bar may lack a tick; nothing begins where no chord is
    lacking = np.ones((count, FRAME), dtype=bool)
    lacking[frame, tick] = False
    strikes_known |= lacking[..., None] | ~job.open_frames[here][:, None, None]
    fixed = drawn(known[2], onsets, count, drums=drums)
    strikes_known |= fixed.strikes
    chords_known |= fixed.chords[..., 0] > 0
    draft = drawn(job.draft, onsets, count, drums=drums)
    classes = np.zeros((count, FRAME, 12), dtype=bool)
    if not drums:
        at = np.nonzero(draft.chords)
        classes[at[0], at[1], CLASS_OF_PITCH[draft.chords[at]]] = True
    return Easel(
        job,
        onsets,
        start,
        end,
        here,
        canvas,
        strikes_known,
        chords_known,
        open_frames,
        ~strikes_known & open_frames[:, None, None],
        ~chords_known & open_frames[:, None],
        np.where(draft.strikes, 1.0, -1.0),
        classes,
        _keys(job),
    )


def given(one: Easel) -> Ints:
    """Return what is above 0 for notes that have their length and loudness already."""
    return (one.canvas.durations + one.canvas.velocities)[..., : ROWS if one.drums else CHORD]


def rows_allowed(one: Easel) -> Bools:
    """Return which sounds may be struck [shape=(ROWS,)]; of pitched parts the first one may."""
    if not one.drums:
        return np.ones(ROWS, dtype=bool)
    span = _V.span("PitchDrum")
    keys = _V.values("PitchDrum")[one.job.limits.tokens[span.start : span.stop]]
    return np.isin(one.keys, keys)


def pitches_allowed(job: Job) -> Bools:
    """Return which pitches may be played [shape=(PITCHES,)], the place of none included."""
    span = _V.span("Pitch")
    return np.concatenate([[False], job.limits.tokens[span.start : span.stop]])


def _keys(job: Job) -> Ints:
    """Return the key that each sound is struck on: the draft's commonest [shape=(ROWS,)]."""
    keys = KEY_OF_ROW.copy()
    counts = np.bincount(job.draft[:, 2], minlength=128)
    for row in range(ROWS):
        own = np.flatnonzero((row == ROW_OF_KEY) & (counts[:128] > 0))
        if len(own):
            keys[row] = own[counts[own].argmax()]
    return keys


def keep_to_limbs(one: Easel, odds: Floats, fresh: Bools) -> None:
    """Take back the least likely of fresh strokes that no limb is free for."""
    job, keys = one.job, one.keys
    struck = one.canvas.strikes
    for frame, tick in np.argwhere((struck & fresh).any(axis=2) & (struck.sum(axis=2) > 1)):
        at = struck[frame, tick]
        new = at & fresh[frame, tick]
        kept = np.flatnonzero(at & ~new).tolist()
        for row in sorted(np.flatnonzero(new).tolist(), key=lambda row: -odds[frame, tick, row]):
            if len(kept) < job.limits.polyphony and not _crowded([*kept, row], keys, job):
                kept.append(row)
        at[:] = False
        at[kept] = True


def _crowded(rows: Sequence[int], keys: Ints, job: Job) -> bool:
    for crowd in job.limits.crowds:
        mine = [crowd.thing[int(keys[row])] for row in rows if int(keys[row]) in crowd.thing]
        if len(set(mine)) > crowd.most or len(mine) > len(set(mine)):
            return True
    return False
