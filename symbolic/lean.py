"""A pull towards the rules' draft while a part is sampled.

Writer and rules are two experts on the same part: the writer knows how parts go, the rules listen
to the band. Their product (Hinton 2002, "Training products of experts by minimizing contrastive
divergence") is what both find likely. The rules' opinion is their draft: they are for whatever it
plays, against whatever passes by a thing it plays, and of no opinion elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scoretokens.vocabulary import vocabulary
from symbolic.frames import DRUM_CLASS
from symbolic.pen import Pen, Window

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_V = vocabulary()
_BAR = _V.id("Bar_None")
_POSITION, _REPEAT = _V.span("Position"), _V.span("Repeat")
_PITCHES = slice(_V.span("Pitch").start, _V.span("PitchDrum").stop)
# what must agree: the pitch class of a note, the kind of a drum
_KIND = np.concatenate([_V.values("Pitch") % 12, 12 + DRUM_CLASS[_V.values("PitchDrum")]])
_KINDS = int(_KIND.max()) + 1
# Whether all keys of a kind lie below each pitch token [shape=(kind, pitch)]
_BELOW = np.array(
    [np.arange(len(_KIND)) > np.flatnonzero(kind == _KIND)[-1:].sum() for kind in range(_KINDS)]
)
# Drums are drawn so surely that a fill never comes by itself. Where the draft has one (so many
# strokes differ from each bar around it) it pulls so many times as much.
_CHANGED, _FILL = 4, 3.0
_MOVING_ON = np.r_[_BAR, _POSITION.start : _POSITION.stop]


class Pull(NamedTuple):
    """Log-odds for what the draft plays: on when to strike, and on what."""

    when: float
    what: float


def kinds_of(pitch: Ints, *, drums: bool) -> Ints:
    """Return the pitch class of notes, or 12 and more for the kinds of drums."""
    return 12 + DRUM_CLASS[pitch] if drums else pitch % 12


class Lean:
    """The draft in one window.

    Parameters
    ----------
    draft : array of int [shape=(note, 4)]
        Onset, duration, pitch and velocity on the grid, in the key that is written in.
    window : Window
    pull : Pull
    drums : bool
    """

    def __init__(self, draft: Ints, window: Window, pull: Pull, *, drums: bool) -> None:
        self.pull, self._drums = pull, drums
        self._onsets = window.bar_onsets
        start, end = int(self._onsets[0]), int(self._onsets[-1])
        inside = draft[(draft[:, 0] >= start) & (draft[:, 0] < end)]
        kinds = kinds_of(inside[:, 2], drums=drums)
        self._struck = np.zeros((end - start, _KINDS), dtype=bool)
        self._struck[inside[:, 0] - start, kinds] = True
        change = np.zeros((end - start + 1, _KINDS), dtype=np.int64)
        np.add.at(change, (inside[:, 0] - start, kinds), 1)
        np.add.at(change, (np.minimum(inside[:, 0] + inside[:, 1], end) - start, kinds), -1)
        self._held = change.cumsum(axis=0)[:-1] > 0
        bars = range(len(self._onsets) - 1)
        self._weight = [_FILL if drums and self._is_fill(bar) else 1.0 for bar in bars]

    def _is_fill(self, bar: int) -> bool:
        """Return whether the draft plays in a bar what it plays in none of those around it."""
        here, last = self._bar(bar), len(self._onsets) - 2
        around = (self._bar(other) for other in range(max(0, bar - 4), min(last, bar + 4) + 1))
        away = [int((here ^ there).sum()) for there in around if len(there) == len(here)]
        # one of them is the bar itself
        return len(away) > 1 and sorted(away)[1] >= _CHANGED

    def _bar(self, bar: int) -> npt.NDArray[np.bool_]:
        low, high = self._onsets[bar : bar + 2] - self._onsets[0]
        return self._struck[low:high]

    def _repeats(self, bar: int) -> Floats:
        """Return the pull on repeating each bar before: less by each strike that changed."""
        here = self._bar(bar)
        result = np.zeros(len(_REPEAT), dtype=np.float32)
        for back in range(1, min(len(_REPEAT), bar) + 1):
            there = self._bar(bar - back)
            if len(there) == len(here):
                result[back - 1] = 1 - (here ^ there).sum()
        return result

    def _when(self, pen: Pen) -> Floats:
        """Return the pull on the next bar line and on each position [shape=(1 + position,)]."""
        struck: npt.NDArray[np.bool_] = np.logical_or.reduce(self._bar(pen.bar), axis=1)
        later = struck[pen.position + 1 :]
        passed = np.concatenate([[0], later.cumsum()])
        result = np.zeros(1 + len(_POSITION), dtype=np.float32)
        result[0] = 1 - passed[-1]
        first = 1 + pen.position + 1
        result[first : first + len(later)] = later.astype(np.float32) - passed[:-1]
        return result

    def _what(self, pen: Pen, written: list[int]) -> tuple[Floats, float]:
        """Return the pull on each pitch, and on striking no more just now."""
        tick = int(self._onsets[pen.bar] - self._onsets[0]) + pen.position
        wanted = self._struck[tick].copy()
        if not wanted.any():
            held = self._held[tick] & (not self._drums)
            return held[_KIND].astype(np.float32), 0.0
        wanted[[_KIND[token - _PITCHES.start] for token in written]] = False
        pull = wanted[_KIND].astype(np.float32)
        if self._drums:
            # Keys are written upwards: whoever takes one passes by the kinds that lie below it.
            pull -= (wanted[:, None] & _BELOW).sum(axis=0)
        return pull, float(1 - wanted.sum())

    def leaned(self, logits: Floats, pen: Pen) -> Floats:
        """Return logits pulled towards the draft [shape=(MAIN,)].

        Parameters
        ----------
        logits : array of float [shape=(MAIN,)]
        pen : Pen
            That is about to write.
        """
        result = logits.astype(np.float32)
        weight = self._weight[pen.bar]
        when, what = weight * self.pull.when, weight * self.pull.what
        if pen.state == "Bar":
            result[_MOVING_ON] += when * self._when(pen)
            result[_REPEAT.start : _REPEAT.stop] += when * self._repeats(pen.bar)
        elif pen.state in ("Position", "Note"):
            written = [step.main for step in pen.steps[len(pen.steps) - pen.struck :]]
            pitches, over = self._what(pen, written)
            result[_PITCHES] += what * pitches
            if pen.state == "Note":
                # when to go on and whether to go on are two questions
                before = result[_MOVING_ON]
                after = before + when * self._when(pen)
                after += np.logaddexp.reduce(before) - np.logaddexp.reduce(after)
                result[_MOVING_ON] = after + what * over
        return result
