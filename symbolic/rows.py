"""Rows: tokens folded into the steps that a model takes, each placed in musical time.

A note is one step: its pitch is predicted by the whole model, its duration and velocity by small
heads once the pitch is known. Tokens and rows say the same; `rows_of` folds, `ids_of` unfolds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoretokens.codec import Encoded
from scoretokens.vocabulary import vocabulary
from symbolic.frames import FRAME

Ints = npt.NDArray[np.int64]
_V = vocabulary()
_DURATION, _VELOCITY = _V.span("Duration"), _V.span("Velocity")
MAIN = _DURATION.start  # tokens below are steps of their own; durations and velocities are folded
DURATIONS, VELOCITIES = len(_DURATION) + 1, len(_VELOCITY) + 1  # 0: none


@dataclass(frozen=True, eq=False)
class Rows:
    """Steps of a model, arrays of int [shape=(row,)] but for `place`.

    Attributes
    ----------
    main : array
        Token id below `MAIN`.
    duration, velocity : array
        1 + index among the duration or velocity tokens; 0 where the step is no note.
    frame : array
        Index of the context frame at the step's musical time.
    position : array
        Grid ticks since the barline.
    place : array of float
        Musical time in sixteenths, steps at one time a little apart: what attention rotates by.
    """

    main: Ints
    duration: Ints
    velocity: Ints
    frame: Ints
    position: Ints
    place: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.main)


STEP = 1 / 32  # sixteenths between the places of two steps at one musical time


def rows_of(encoded: Encoded, bar_onsets: Ints, bar_frames: Ints) -> Rows:
    """Return the rows of encoded tokens.

    Parameters
    ----------
    encoded : Encoded
    bar_onsets, bar_frames : arrays of int [shape=(bar + 1,)]
        Grid tick and frame at which each bar begins.
    """
    ids, ticks = encoded
    steps = np.flatnonzero(ids < MAIN)
    duration, velocity = np.zeros(len(steps), dtype=np.int64), np.zeros(len(steps), dtype=np.int64)
    owner = np.searchsorted(steps, np.arange(len(ids)), side="right") - 1
    said = (ids >= _DURATION.start) & (ids < _DURATION.stop)
    duration[owner[said]] = ids[said] - _DURATION.start + 1
    said = (ids >= _VELOCITY.start) & (ids < _VELOCITY.stop)
    velocity[owner[said]] = ids[said] - _VELOCITY.start + 1
    at = ticks[steps]
    bar = np.clip(np.searchsorted(bar_onsets, at, side="right") - 1, 0, len(bar_onsets) - 2)
    position = at - bar_onsets[bar]
    fresh = np.flatnonzero(np.diff(at, prepend=at[0] - 1))
    rank = np.arange(len(at)) - np.repeat(fresh, np.diff(np.append(fresh, len(at))))
    return Rows(
        main=ids[steps],
        duration=duration,
        velocity=velocity,
        frame=bar_frames[bar] + position // FRAME,
        position=position,
        place=((at - bar_onsets[0]) / FRAME + rank * STEP).astype(np.float32),
    )


def ids_of(main: Ints, duration: Ints, velocity: Ints) -> list[int]:
    """Return the flat token ids of rows, inverse of the folding in `rows_of`."""
    ids: list[int] = []
    for token, length, loud in zip(
        main.tolist(), duration.tolist(), velocity.tolist(), strict=True
    ):
        ids.append(token)
        if length:
            ids.append(_DURATION.start + length - 1)
        if loud:
            ids.append(_VELOCITY.start + loud - 1)
    return ids
