"""How cells are drawn: how many are hidden again, how cold, and one choice of several."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_UNLIKELY = 0.03  # chance, relative to the likeliest


def hidden_after(step: int, steps: int) -> float:
    """Return the share of cells that are hidden again after a step, counted from 0."""
    return float(np.cos(np.pi / 2 * (step + 1) / steps)) if step + 1 < steps else 0.0


def sharpened(odds: Floats, hidden: Bools, temperature: float) -> Floats:
    """Return log-odds colder or warmer, of each sound as many strikes being expected as before.

    To divide log-odds by a temperature alone would silence whatever is struck less often than not.

    Parameters
    ----------
    odds : array of float [shape=(frame, FRAME, row)]
        Log-odds of strikes.
    hidden : array of bool
        Of the same shape: what is still to be drawn.
    temperature : float
    """
    expected = (hidden / (1 + np.exp(-odds))).sum(axis=(0, 1))
    low, high = np.full(odds.shape[2], -60.0), np.full(odds.shape[2], 60.0)
    scaled = odds / temperature
    for _ in range(30):
        middle = (low + high) / 2
        found = (hidden / (1 + np.exp(-np.clip(scaled + middle, -60, 60)))).sum(axis=(0, 1))
        low, high = (
            np.where(found < expected, middle, low),
            np.where(found < expected, high, middle),
        )
    result: Floats = scaled + (low + high) / 2
    return result


def picked(logits: Floats, allowed: Bools, draws: Floats) -> Ints:
    """Return one choice for each row, drawn from what is allowed [shape=(row,)].

    Parameters
    ----------
    logits, allowed : arrays [shape=(row, choice)]
        Of each row at least one choice is allowed.
    draws : array of float [shape=(row,)]
        Uniform in [0, 1).
    """
    scaled = np.where(allowed, logits, -np.inf)
    chances = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    # what is unlikely altogether is not drawn at all, as in nucleus sampling
    chances[chances < _UNLIKELY] = 0
    reached = chances.cumsum(axis=1)
    result: Ints = (reached <= draws[:, None] * reached[:, -1:]).sum(axis=1)
    return result
