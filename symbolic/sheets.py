"""Lessons of the diffusion writer: canvases of which a random share of the cells is hidden.

What is hidden is what sampling will ask for: cells here and there while a part comes into being,
in all bars or in a stretch of them beside bars that are there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from subtractive.instruments import INSTRUMENTS
from symbolic.canvas import CHORD, PLAYERS, ROWS, drawn
from symbolic.diffusion import Sheet
from symbolic.frames import FRAME, WIDTH, frame_of_tick
from symbolic.lessons import Lesson

Bools = npt.NDArray[np.bool_]
_LEAST_HIDDEN = 0.05  # share; the few cells of smaller ones would weigh too much
_WHOLE, _GOING_ON = 0.5, 0.3  # shares of lessons without any bar known, and with the first ones
_RHYTHM_FIRST = 0.5  # share of pitched lessons in which it is still open when notes begin


class Shown(NamedTuple):
    """Which cells a model sees of one canvas, and one over the shares that it does not."""

    strikes: Bools
    chords: Bools
    weights: tuple[float, float]


def open_bars(bar_count: int, rng: np.random.Generator) -> Bools:
    """Return which bars have hidden cells [shape=(bar,)]; at least one."""
    draw, result = rng.random(), np.ones(bar_count, dtype=bool)
    if bar_count < 2 or draw < _WHOLE:
        return result
    if draw < _WHOLE + _GOING_ON:
        # when a long song is written, half a window is there already
        known = bar_count // 2 if rng.random() < 0.5 else int(rng.integers(1, bar_count))
        result[:known] = False
        return result
    length = int(rng.integers(1, bar_count))
    first = int(rng.integers(bar_count - length + 1))
    result[:first] = result[first + length :] = False
    return result


def shown(open_frames: Bools, *, drums: bool, rng: np.random.Generator) -> Shown:
    """Return which cells of a canvas are seen.

    Parameters
    ----------
    open_frames : array of bool [shape=(frame,)]
        Frames of bars that are being written.
    drums : bool
    rng : numpy.random.Generator
    """
    # as many are hidden as after a random number of a sampler's steps: few cells are open for long
    share = max(float(np.cos(np.pi / 2 * rng.random())), _LEAST_HIDDEN)
    count = len(open_frames)
    closed = ~open_frames[:, None, None]
    strikes = np.ones((count, FRAME, ROWS), dtype=bool)
    chords = np.ones((count, FRAME), dtype=bool)
    if drums or rng.random() < _RHYTHM_FIRST:
        strikes = closed | (rng.random((count, FRAME, ROWS)) >= share)
        if not drums:
            # no chord is named before its time, but those that a user asked to keep
            kept = 0.3 * rng.random() if rng.random() < 0.2 else 0.0
            known = strikes[..., 0] & (rng.random((count, FRAME)) < kept)
            chords = closed[..., 0] | known
        return Shown(strikes, chords, (1 / share, 0.0))
    chords = closed[..., 0] | (rng.random((count, FRAME)) >= share)
    return Shown(strikes, chords, (0.0, 1 / share))


def collated(lessons: Sequence[Lesson], rng: np.random.Generator) -> Sheet:
    """Return lessons as one padded sheet, cells hidden at random."""
    size, length = len(lessons), max(len(one.frames) for one in lessons)
    frames = np.zeros((size, length, WIDTH), dtype=np.float32)
    mask, written = np.zeros((2, size, length), dtype=bool)
    strikes = np.zeros((size, length, FRAME, ROWS), dtype=np.int64)
    chords = np.zeros((size, length, FRAME, CHORD), dtype=np.int64)
    durations, velocities = np.zeros((2, size, length, FRAME, PLAYERS), dtype=np.int64)
    strikes_known = np.zeros((size, length, FRAME, ROWS), dtype=bool)
    chords_known = np.zeros((size, length, FRAME), dtype=bool)
    weights = np.zeros((size, 2), dtype=np.float32)
    for row, one in enumerate(lessons):
        drums = one.instrument == "drums"
        count = len(one.frames)
        canvas = drawn(one.notes, one.bar_onsets, count, drums=drums)
        _, _, bar_frames = frame_of_tick(one.bar_onsets)
        end = int(bar_frames[-1])
        open_frames = np.repeat(open_bars(one.bar_count, rng), np.diff(bar_frames))
        seen = shown(open_frames, drums=drums, rng=rng)
        frames[row, :count], mask[row, :count] = one.frames, True
        written[row, :end] = True
        strikes[row, :count], chords[row, :count] = canvas.strikes, canvas.chords
        durations[row, :count], velocities[row, :count] = canvas.durations, canvas.velocities
        # nothing is known of what comes after the last bar
        strikes_known[row, :end], chords_known[row, :end] = seen.strikes, seen.chords
        weights[row] = seen.weights
    names = torch.tensor([INSTRUMENTS.index(one.instrument) for one in lessons])
    wishes = torch.from_numpy(np.stack([one.wishes for one in lessons]))
    arrays = (written, strikes, chords, durations, velocities, strikes_known, chords_known, weights)
    tensors = [torch.from_numpy(values) for values in arrays]
    return Sheet(torch.from_numpy(frames), torch.from_numpy(mask), names, wishes, *tensors)
