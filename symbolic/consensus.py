"""Which of several takes of the same bars agrees most with all the others.

A single draw from an unsure writer is often an odd one. Of several draws the one that is most like
the rest is what the writer believes in most: minimum Bayes risk decoding (Kumar & Byrne 2004,
"Minimum Bayes-risk decoding for statistical machine translation"), with musical likeness as gain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scoretokens.grid import TICKS_PER_BEAT
from symbolic.frames import FRAME

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# kick; snare and its relatives; hats: what carries a beat
_BEAT_KEYS = ((35, 36), (37, 38, 39, 40), (42, 44, 46))


def _onsets(notes: Ints, start: int, slots: int) -> npt.NDArray[np.bool_]:
    """Return on which sixteenths a note begins [shape=(slot,)]."""
    row = np.zeros(slots, dtype=bool)
    row[(notes[:, 0] - start) // FRAME] = True
    return row


def _pitch_classes(notes: Ints, start: int, beats: int) -> npt.NDArray[np.bool_]:
    """Return the pitch classes sounding in each quarter, as one row [shape=(beat * 12,)]."""
    change = np.zeros((beats + 1, 12), dtype=np.int64)
    first = (notes[:, 0] - start) // TICKS_PER_BEAT
    last = (notes[:, 0] + notes[:, 1] - 1 - start) // TICKS_PER_BEAT + 1
    np.add.at(change, (first, notes[:, 2] % 12), 1)
    np.add.at(change, (np.minimum(last, beats), notes[:, 2] % 12), -1)
    return (change.cumsum(axis=0)[:-1] > 0).ravel()


def _f1(facts: npt.NDArray[np.bool_]) -> Floats:
    """Return the F1 of each pair of sets [shape=(take, take)]; silence agrees with nothing."""
    counted = facts.astype(np.float64)
    common = counted @ counted.T
    sizes = counted.sum(axis=1)
    total = sizes[:, None] + sizes[None]
    shares: Floats = 2 * common / np.maximum(total, 1)
    return shares


def likeness(takes: Sequence[Ints], start: int, end: int, *, drums: bool) -> Floats:
    """Return how alike each two takes are, 0 to 1 [shape=(take, take)].

    Drums: the mean F1 of the sixteenths that kick, snare, hats and any drum strike. Pitched parts:
    the mean F1 of the onsets, and of the pitch classes sounding in each quarter. What is silent in
    both counts 0: who asks for a part wants it played.

    Parameters
    ----------
    takes : sequence of array of int [shape=(note, 4)]
        Onset, duration, pitch and velocity on the grid.
    start, end : int
        Grid ticks of the stretch that all takes fill.
    drums : bool
    """
    slots, beats = -(-(end - start) // FRAME), -(-(end - start) // TICKS_PER_BEAT)
    aspects = [np.stack([_onsets(notes, start, slots) for notes in takes])]
    if drums:
        for keys in _BEAT_KEYS:
            struck = [notes[np.isin(notes[:, 2], keys)] for notes in takes]
            aspects.append(np.stack([_onsets(notes, start, slots) for notes in struck]))
    else:
        aspects.append(np.stack([_pitch_classes(notes, start, beats) for notes in takes]))
    mean: Floats = np.mean([_f1(facts) for facts in aspects], axis=0)
    return mean


def most_agreed(takes: Sequence[Ints], start: int, end: int, *, drums: bool) -> int:
    """Return the index of the take that is most like all others; of equals the first."""
    return int(likeness(takes, start, end, drums=drums).sum(axis=1).argmax())
