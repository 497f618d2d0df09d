"""Writing parts with the diffusion writer: from an empty canvas to a full one in some steps.

At each step all hidden cells are drawn at once, and then a share of all, drawn now or before, is
hidden again: less and less, along a cosine (annealed blocked Gibbs sampling: Yao et al. 2014, "On
the equivalence between deep NADE and generative stochastic networks"; Huang et al. 2017;
"remasking" in Wang et al. 2025). So what was drawn in haste is drawn anew in view of the rest. Of
basses and guitars first all cells that tell when something begins are drawn, then the chords.

What the model is surest of must not be drawn first: that is nearly always silence, and of many
silent cells it concludes that the drummer rests (measured: a fifth of the strokes of people).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from scoretokens.grid import TICKS_PER_BEAT
from subtractive.instruments import INSTRUMENTS
from symbolic.canvas import CHORD, PITCHES, ROWS, notes_of
from symbolic.chances import hidden_after, picked, sharpened
from symbolic.concepts import unasked
from symbolic.diffusion import Diffusion, Seen
from symbolic.easel import (
    CLASS_OF_PITCH,
    Easel,
    easel_of,
    given,
    keep_to_limbs,
    pitches_allowed,
    rows_allowed,
)
from symbolic.frames import FRAME, WIDTH
from symbolic.job import Job
from symbolic.manner import ANY
from symbolic.takes import by_windows

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STEPS = 16  # in which the strikes of a window are drawn; its chords take as many more


class _Studio:
    """Windows of several jobs, drawn side by side."""

    def __init__(self, model: Diffusion, jobs: Sequence[Job], steps: int) -> None:
        self.model, self.steps = model, steps
        self.easels = [easel_of(job) for job in jobs]
        device = next(model.parameters()).device
        size, length = len(jobs), max(len(one.open) for one in self.easels)
        frames, alone = np.zeros((2, size, length, WIDTH), dtype=np.float32)
        mask = np.zeros((size, length), dtype=bool)
        for row, one in enumerate(self.easels):
            count = len(one.open)
            frames[row, :count] = one.job.frames.values[one.frames]
            alone[row, :count] = one.job.alone[one.frames]
            mask[row, :count] = True
        wishes = np.stack([job.wishes for job in jobs])
        wordless = unasked(wishes)
        named = torch.tensor([INSTRUMENTS.index(job.instrument) for job in jobs], device=device)
        self.device, self.length = device, length
        # each side is heard once: as asked, without the words, without the context
        sides = [(frames, wishes)]
        self.insistence = np.array([job.insistence for job in jobs]) - 1
        self.guidance = np.array([job.guidance for job in jobs]) - 1
        self.without_words = self.without_context = 0
        if (self.insistence != 0).any() and (wishes != wordless).any():
            sides.append((frames, wordless))
            self.without_words = len(sides) - 1
        if (self.guidance != 0).any():
            sides.append((alone, wishes))
            self.without_context = len(sides) - 1
        there = torch.from_numpy(mask).to(device)
        self.sides = [
            model.hear(
                torch.from_numpy(values).to(device),
                there,
                named,
                torch.from_numpy(wanted).to(device),
            )
            for values, wanted in sides
        ]

    def _state(self, seen: Seen) -> Tensor:
        """Return the model's state given all that is known by now."""
        size = len(self.easels)
        strikes, strikes_known = np.zeros((2, size, self.length, FRAME, ROWS), dtype=np.int64)
        chords = np.zeros((size, self.length, FRAME, CHORD), dtype=np.int64)
        chords_known = np.zeros((size, self.length, FRAME), dtype=bool)
        for row, one in enumerate(self.easels):
            count = len(one.open)
            strikes[row, :count], chords[row, :count] = one.canvas.strikes, one.canvas.chords
            strikes_known[row, :count] = one.strikes_known
            chords_known[row, :count] = one.chords_known
        tensors = (strikes, strikes_known.astype(bool), chords, chords_known)
        return self.model.hidden(
            seen, *(torch.from_numpy(each).to(self.device) for each in tensors)
        )

    def _guided(self, found: Sequence[Floats], rows: Ints, *, harmony: bool) -> Floats:
        """Return what is said with words and context, enlarged by what these two make of it."""
        base = found[0]
        result = base
        wide = (slice(None), *(None,) * (base.ndim - 1))
        if self.without_words:
            result = result + self.insistence[rows][wide] * (base - found[self.without_words])
        if self.without_context and harmony:
            result = result + self.guidance[rows][wide] * (base - found[self.without_context])
        return result

    def strike(self) -> None:
        """Draw when what is struck."""
        for step in range(self.steps):
            busy = [
                row
                for row, one in enumerate(self.easels)
                if not one.strikes_known[one.open][..., : ROWS if one.drums else 1].all()
            ]
            if not busy:
                return
            # what the words make of a rhythm is guided, what the context makes of it is not
            used = self.sides[: 2 if self.without_words else 1]
            said = [
                self.model.strike_logits(self._state(seen), seen).double().cpu().numpy()
                for seen in used
            ]
            odds = self._guided(said, np.arange(len(self.easels)), harmony=False)
            for row in busy:
                self._strike(self.easels[row], odds[row], step)

    def _strike(self, one: Easel, odds: Floats, step: int) -> None:
        job = one.job
        width = ROWS if one.drums else 1
        known = one.strikes_known[..., :width]
        hidden = ~known & one.open[:, None, None]
        leaned = odds[: len(one.open), :, :width] + job.pull.when * one.drafted[..., :width]
        leaned[..., ~rows_allowed(one)[:width]] = -np.inf
        leaned = sharpened(np.clip(leaned, -30, 30), hidden, job.temperature)
        if job.density != ANY:
            leaned = leaned + _eagerness(one, leaned, hidden)
        struck = job.rng.random(leaned.shape) < 1 / (1 + np.exp(-leaned))
        cells = one.canvas.strikes[..., :width]
        cells[hidden] = struck[hidden]
        if one.drums:
            keep_to_limbs(one, leaned, hidden)
        again = one.free[..., :width] & (
            job.rng.random(cells.shape) < hidden_after(step, self.steps)
        )
        known |= hidden
        known[again], cells[again] = False, False

    def name(self) -> None:
        """Draw the chords of what begins."""
        for step in range(self.steps):
            cells = [
                np.nonzero(one.canvas.strikes[..., 0] & ~one.chords_known & one.open[:, None])
                for one in self.easels
            ]
            rows = np.repeat(np.arange(len(cells)), [len(frame) for frame, _ in cells])
            pitched = np.array([not one.drums for one in self.easels])[rows]
            frame, tick = (np.concatenate([each[axis] for each in cells]) for axis in (0, 1))
            rows, frame, tick = rows[pitched], frame[pitched], tick[pitched]
            if len(rows):
                chords = self._chords(rows, frame, tick)
            for row, one in enumerate(self.easels):
                if one.drums:
                    continue
                mine = rows == row
                if mine.any():
                    one.canvas.chords[frame[mine], tick[mine]] = chords[mine]
                one.chords_known |= one.free_chords
                draws = one.job.rng.random(one.free_chords.shape)
                again = one.free_chords & (draws < hidden_after(step, self.steps))
                one.chords_known[again], one.canvas.chords[again] = False, 0

    def _chords(self, rows: Ints, frame: Ints, tick: Ints) -> Ints:
        """Return a chord for each of some ticks [shape=(tick, CHORD)]."""
        which = tuple(torch.from_numpy(each).to(self.device) for each in (rows, frame, tick))
        at = (which[0], which[1], which[2])
        states = [self.model.at_ticks(self._state(seen), at) for seen in self.sides]
        tones = [seen.tones[at[0], at[1]] for seen in self.sides]
        jobs = [one.job for one in self.easels]
        allowed = np.stack([pitches_allowed(job) for job in jobs])[rows]
        most = np.array([job.limits.polyphony for job in jobs])[rows]
        temperature = np.array([job.temperature for job in jobs])[rows, None]
        drafted = np.stack(
            [
                self.easels[row].drafted_classes[at_frame, at_tick]
                for row, at_frame, at_tick in zip(rows, frame, tick, strict=True)
            ]
        )
        pull = np.array([job.pull.what for job in jobs])[rows, None] * drafted[:, CLASS_OF_PITCH]
        chords = np.zeros((len(rows), CHORD), dtype=np.int64)
        over = np.zeros(len(rows), dtype=bool)
        lower = [torch.zeros_like(state) for state in states]
        for place in range(CHORD):
            said = [
                self.model.pitch_logits(state, tone, below, place).double().cpu().numpy()
                for state, tone, below in zip(states, tones, lower, strict=True)
            ]
            logits = self._guided(said, rows, harmony=True)
            logits[:, 1:] += pull[:, 1:]
            able = allowed & (np.arange(PITCHES) > chords.max(axis=1)[:, None])
            able[:, 0] = place > 0
            able[over | (place >= most), 1:] = False
            able[over | (place >= most), 0] = True
            able[~able.any(axis=1), 0] = True
            draws = np.concatenate(
                [job.rng.random((rows == row).sum()) for row, job in enumerate(jobs)]
            )
            chosen = picked(logits / temperature, able, draws)
            chords[:, place] = chosen
            over |= chosen == 0
            index = torch.from_numpy(chosen).to(self.device)
            lower = [below + self.model.below(index) for below in lower]
            if over.all():
                break
        return chords

    def shape(self) -> None:
        """Draw how long and how loud each note is."""
        seen = self.sides[0]
        hidden = self._state(seen)
        for row, one in enumerate(self.easels):
            played = one.canvas.strikes if one.drums else one.canvas.chords > 0
            fresh = played & one.open[:, None, None] & (given(one) == 0)
            frame, tick, place = np.nonzero(fresh)
            if not len(frame):
                continue
            note = place if one.drums else ROWS + one.canvas.chords[frame, tick, place]
            at = tuple(
                torch.from_numpy(each).to(self.device)
                for each in (np.full(len(frame), row), frame, tick)
            )
            state = self.model.at_ticks(hidden, (at[0], at[1], at[2]))
            found = self.model.note_logits(state, torch.from_numpy(note).to(self.device))
            for logits, values in zip(
                found, (one.canvas.durations, one.canvas.velocities), strict=True
            ):
                scores = logits.double().cpu().numpy()
                able = np.ones(scores.shape, dtype=bool)
                able[:, 0] = False
                draws = one.job.rng.random(len(frame))
                values[frame, tick, place] = picked(scores / _SHAPED, able, draws)

    def hand_in(self) -> None:
        """Add what was drawn to the jobs."""
        for one in self.easels:
            job = one.job
            keys = np.broadcast_to(one.keys, one.canvas.strikes.shape) if one.drums else None
            notes = notes_of(one.canvas, one.bar_onsets, keys)
            low, high = one.bar_onsets[one.start], one.bar_onsets[one.end]
            fresh = notes[(notes[:, 0] >= low) & (notes[:, 0] < high)]
            job.notes = np.concatenate([job.notes, fresh])
            job.next_bar += one.end - one.start
            if job.program is None:
                job.program = job.draft_program


_SHAPED = 0.5  # temperature of durations and velocities


def _eagerness(one: Easel, odds: Floats, hidden: Bools) -> float:
    """Return by how much log-odds are to be moved for as many strikes as are wanted."""
    job = one.job
    width = odds.shape[-1]
    quarters = (one.bar_onsets[one.end] - one.bar_onsets[one.start]) / TICKS_PER_BEAT
    there = int(one.canvas.strikes[one.open][..., :width].sum())
    left = odds[hidden]

    def density(moved: float) -> float:
        return float((there + (1 / (1 + np.exp(-(left + moved)))).sum()) / quarters)

    wanted = job.density.nearest(density(0.0))
    low, high = -20.0, 20.0
    if not len(left) or abs(wanted - density(0.0)) < 1e-9:
        return 0.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if density(middle) < wanted else (low, middle)
    return (low + high) / 2


@torch.inference_mode()
def write_notes(
    model: Diffusion,
    jobs: Sequence[Job],
    steps: int = STEPS,
    batch: int = 24,
    report: Callable[[int], None] | None = None,
) -> None:
    """Write all jobs to their end; the notes stand in each job's `notes`.

    Parameters
    ----------
    model : Diffusion
    jobs : sequence of Job
    steps : int
        Of drawing strikes, and again of drawing chords.
    batch : int
        Takes drawn side by side.
    report : callable, optional
        Called with the number of bars finished since the last call.
    """

    def write(takes: Sequence[Sequence[Job]]) -> None:
        studio = _Studio(model, [take for each in takes for take in each], steps)
        studio.strike()
        studio.name()
        studio.shape()
        studio.hand_in()

    by_windows(jobs, batch, write, report)
