"""From the notes on the grid to a part: in range, in tune, as asked, ending with the song."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scoretokens.grid import TICKS_PER_BEAT, from_grid
from subtractive.arrangement import Part
from subtractive.instruments import instrument
from symbolic.dynamics import with_dynamics
from symbolic.feel import checked, humanised
from symbolic.frames import FRAME
from symbolic.job import Job
from symbolic.manner import loudened, on_chords, swung
from symbolic.request import Request, register_within
from symbolic.sketches import tempo_of, with_kept

Ints = npt.NDArray[np.int64]


def _closing_ticks(job: Job, song_end: int) -> Ints:
    """Return for each frame the grid tick at which a note begun there must end at the latest."""
    counts = np.diff(job.frames.bar_frames)
    bar = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(bar)) - job.frames.bar_frames[:-1][bar]
    onsets = job.bar_onsets[:-1][bar] + within * FRAME
    closed = np.where(job.open_frames, song_end, onsets)
    result: Ints = np.minimum.accumulate(closed[::-1])[::-1]
    return result


def finished(request: Request, job: Job, shift: int) -> Part:
    """Return a job's notes as a part: in range, in tune, ending with the song."""
    wanted = instrument(request.instrument)
    context = request.context
    # Nothing begins when the music is over; the last notes may ring to the end of its last bar.
    # (Ticks coarser than the grid's can say only some of its onsets.)
    over = max(1, round(context.end * TICKS_PER_BEAT / context.ticks_per_beat))
    coarse = -(-TICKS_PER_BEAT // context.ticks_per_beat)
    notes = job.notes[(job.notes[:, 0] < over) & (job.notes[:, 0] % coarse == 0)]
    if request.span is not None:
        begin = request.span.onset * TICKS_PER_BEAT / context.ticks_per_beat
        notes = notes[notes[:, 0] >= np.rint(begin)]
    drums = wanted.name == "drums"
    manner = request.manner
    notes[:, 3] = with_dynamics(notes, job.draft, job.bar_onsets, drums=drums)
    there = request.played.notes if request.span is not None and request.played is not None else ()
    if len(notes) and there:
        # new bars of a part that is there are as loud as its others
        loud = np.mean([note.velocity for note in there])
        notes[:, 3] = np.clip(np.rint(notes[:, 3] + loud - notes[:, 3].mean()), 1, 127)
    notes = swung(notes, job.bar_onsets, manner.swing, drums=drums)
    notes[:, 3] = loudened(notes[:, 3], manner.velocity)
    if not drums:
        notes[:, 2] -= shift
        song_end = int(job.bar_onsets[np.searchsorted(job.bar_onsets[:-1], over)])
        bar = np.searchsorted(job.bar_onsets[1:-1], notes[:, 0], side="right")
        frame = job.frames.bar_frames[bar] + (notes[:, 0] - job.bar_onsets[bar]) // FRAME
        end = np.minimum(notes[:, 0] + notes[:, 1], _closing_ticks(job, song_end)[frame])
        notes[:, 1] = np.maximum(end - notes[:, 0], 1)
    voice = np.zeros(len(notes)) if wanted.name == "bass" else notes[:, 2]
    notes[:, 1] = np.minimum(notes[:, 1], _until_next(notes[:, 0], voice))
    program = request.program
    if program is None:
        program = wanted.program if job.program is None else job.program
    played = from_grid(notes, context.ticks_per_beat)
    if manner.strict:
        played = on_chords(played, context, *register_within(wanted, manner))
    part = Part(name=wanted.title, program=program, is_drums=drums, notes=played)
    rng = np.random.default_rng([request.seed, 2])
    part = humanised(part, context, checked(request.feel), rng, request.span)
    tempo = tempo_of(context)
    return with_kept(part, request.kept, wanted.name, context.ticks_per_beat, tempo)


def _until_next(onsets: Ints, voices: npt.NDArray[np.float64] | Ints) -> Ints:
    """Return the time from each note to the next later one of its voice (large for the last).

    A string sounds one note at a time, and MIDI cannot say which of two equal pitches ends.
    """
    result = np.full(len(onsets), 1 << 20)
    for voice in np.unique(voices):
        at = np.flatnonzero(voices == voice)
        steps, place = np.unique(onsets[at], return_inverse=True)
        gaps = np.append(np.diff(steps), 1 << 20)
        result[at] = gaps[place]
    return result
