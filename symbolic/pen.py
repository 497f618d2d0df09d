"""A pen: what may be written next, and where in time each step stands.

The grammar table says which token types may follow which; the pen adds what depends on the music:
time moves forward, chords are written upwards, pitches stay in the instrument's range, a repeated
bar must lie within reach and be as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scoretokens.vocabulary import vocabulary
from subtractive.limbs import Crowd
from symbolic.frames import FRAME
from symbolic.rows import MAIN, STEP, Rows

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_V = vocabulary()
_BAR = _V.id("Bar_None")
_POSITION, _REPEAT, _PROGRAM = _V.span("Position"), _V.span("Repeat"), _V.span("Program")
_TYPES = {
    kind: _V.type_mask(kind)[:MAIN]
    for kind in ("Instrument", "Program", "Bar", "Repeat", "Position")
}
_TYPES["Note"] = _V.type_mask("Velocity")[:MAIN]
_KEYS = _V.span("PitchDrum")
_DRUM_KEYS = [int(key) for key in _V.values("PitchDrum")]
_LOWEST_KEY = _DRUM_KEYS[0]
SAME_HARMONY = 0.75  # share of a bar over which the chords agree, for it to be repeated
ROWS_A_BAR = 160  # no instrument plays more; a model that will not stop is stopped here


class Step(NamedTuple):
    """One row to feed: token, its attributes, and where it stands."""

    main: int
    duration: int
    velocity: int
    frame: int
    position: int
    place: float


class Window(NamedTuple):
    """The bars a pen writes in: those before `start` are there already.

    Attributes
    ----------
    bar_onsets, bar_frames : arrays of int [shape=(bar + 1,)]
        Grid tick and frame (counted from the window's first) at which each bar begins.
    start : int
        First bar to write.
    attacks : list of int
        Of each bar before `start`: a chord is one, and so is each stroke on a drum.
    open_frames : array of bool [shape=(frame,)]
        Where a note may begin.
    harmony : array of int [shape=(frame,)]
        What must agree for a bar to be repeated: the chord's root; all equal for drums.
    """

    bar_onsets: Ints
    bar_frames: Ints
    start: int
    attacks: list[int]
    open_frames: Bools
    harmony: Ints


class Limits(NamedTuple):
    """What an instrument can play.

    Attributes
    ----------
    tokens : array of bool [shape=(MAIN,)]
        What it can play at all.
    polyphony : int
        Notes struck at once.
    crowds : tuple of Crowd
        What two hands and two feet can strike at once, see `subtractive.limbs`.
    """

    tokens: Bools
    polyphony: int
    crowds: tuple[Crowd, ...] = ()


class Pen:
    """Writes one window of one part, a step at a time.

    Parameters
    ----------
    window : Window
    limits : Limits
    before : Rows
        What was written already, from the window's first bar on; it ends before bar `start`.
    needs_program : bool
        Whether the part's program is still to be chosen.
    """

    def __init__(
        self, window: Window, limits: Limits, before: Rows, *, needs_program: bool
    ) -> None:
        self.window = window
        self.limits = limits
        self.steps: list[Step] = []
        self.attacks = list(window.attacks)
        self.bar = window.start - 1
        self.state = "Instrument" if needs_program else "Program"
        self.done = False
        self.position = self.pitch = -1
        self.struck = self.rows_in_bar = 0
        self.keys: list[int] = []  # drums struck at this position
        # Time and place of the row before: a step at the same tick stands a little after it.
        bar = int(np.searchsorted(window.bar_frames, before.frame[-1], side="right")) - 1
        self._tick = int(window.bar_onsets[bar] + before.position[-1])
        self._place = float(before.place[-1])

    def allowed(self) -> Bools:
        """Return which tokens may come next [shape=(MAIN,)]."""
        mask = _TYPES[self.state] & self.limits.tokens
        if self.state in ("Bar", "Note"):
            mask[_POSITION.start : _POSITION.stop] &= self._open_positions()
            if self.state == "Bar":
                mask[_REPEAT.start : _REPEAT.stop] = self._repeatable()
        if self.state == "Note":
            first = _V.span("Pitch").start
            full = self.struck >= self.limits.polyphony
            mask[first : MAIN if full else self.pitch + 1] = False
            mask[[_KEYS.start + key - _LOWEST_KEY for key in self._out_of_reach()]] = False
        if self.state == "Instrument":
            mask[_BAR] = False
        return mask

    def _out_of_reach(self) -> list[int]:
        """Return the drum keys that no limb is free for beside those struck just now."""
        result = []
        for crowd in self.limits.crowds if self.keys else ():
            struck = {crowd.thing[key] for key in self.keys if key in crowd.thing}
            result += [
                key
                for key in _DRUM_KEYS
                if key in crowd.thing and (len(struck) >= crowd.most or crowd.thing[key] in struck)
            ]
        return result

    def _open_positions(self) -> Bools:
        onset, end = self.window.bar_onsets[self.bar : self.bar + 2]
        result = np.zeros(len(_POSITION), dtype=bool)
        if self.rows_in_bar < ROWS_A_BAR:
            ticks = np.arange(self.position + 1, end - onset)
            result[ticks] = self.window.open_frames[
                self.window.bar_frames[self.bar] + ticks // FRAME
            ]
        return result

    def _repeatable(self) -> Bools:
        onsets, frames = self.window.bar_onsets, self.window.bar_frames
        lengths = np.diff(onsets)
        result = np.zeros(len(_REPEAT), dtype=bool)
        # A repeated bar would sound where nothing may begin: such a bar is written out instead.
        if not self.window.open_frames[frames[self.bar] : frames[self.bar + 1]].all():
            return result
        for back in range(1, min(len(_REPEAT), self.bar) + 1):
            same = lengths[self.bar - back] == lengths[self.bar]
            playable = same and self.attacks[self.bar - back] > 0
            result[back - 1] = playable and self._alike(self.bar - back) >= SAME_HARMONY
        return result

    def _alike(self, bar: int) -> float:
        """Return the share of a bar's sixteenths over which the harmony is that of this bar."""
        frames = self.window.bar_frames
        there = self.window.harmony[frames[bar] : frames[bar + 1]]
        here = self.window.harmony[frames[self.bar] : frames[self.bar + 1]]
        return float((there == here).mean())

    def write(self, main: int, duration: int = 0, velocity: int = 0) -> Step:
        """Write a token that is allowed and return the row to feed."""
        kind = _V.kind(main)
        if kind == "Bar":
            self.bar += 1
            self.done = self.bar >= len(self.window.bar_onsets) - 1
            self.position, self.rows_in_bar = -1, 0
            if not self.done:
                self.attacks.append(0)
        elif kind == "Position":
            self.position, self.struck = main - _POSITION.start, 0
            self.keys = []
        elif kind == "Repeat":
            self.attacks[self.bar] = self.attacks[self.bar - 1 - main + _REPEAT.start]
        elif kind != "Program":
            self.attacks[self.bar] += main in _KEYS or not self.struck
            self.pitch, self.struck = main, self.struck + 1
            if main in _KEYS:
                self.keys.append(_LOWEST_KEY + main - _KEYS.start)
        self.state = "Note" if kind in ("Pitch", "PitchDrum") else kind
        self.rows_in_bar += 1
        position = max(self.position, 0)
        bar = min(max(self.bar, 0), len(self.window.bar_onsets) - 2)
        tick = int(self.window.bar_onsets[bar]) + position
        start = (tick - int(self.window.bar_onsets[0])) / FRAME
        self._place = self._place + STEP if tick == self._tick else start
        self._tick = tick
        frame = int(self.window.bar_frames[bar]) + position // FRAME
        step = Step(main, duration, velocity, frame, position, self._place)
        self.steps.append(step)
        return step


def choose(
    logits: npt.NDArray[np.float32],
    mask: Bools | None,
    temperature: float,
    top_p: float,
    draw: float,
) -> int:
    """Return a token drawn from the most likely ones that together reach `top_p`.

    Nucleus sampling after Holtzman et al. (2020), by inverting the cumulative distribution at
    `draw`, a uniform number in [0, 1).

    Parameters
    ----------
    logits : array of float [shape=(choice,)]
    mask : array of bool [shape=(choice,)] or None
        What may be chosen at all; at least one.
    temperature : float
        Above 0.
    top_p : float
        Share of probability to keep.
    draw : float
    """
    candidates = np.arange(len(logits)) if mask is None else np.flatnonzero(mask)
    scaled = logits[candidates].astype(np.float64) / temperature
    chances = np.exp(scaled - scaled.max())
    order = np.argsort(-chances, kind="stable")
    cumulative = np.cumsum(chances[order])
    kept = int(np.searchsorted(cumulative, top_p * cumulative[-1])) + 1
    kept = min(kept, len(order))
    place = np.searchsorted(cumulative[:kept], draw * cumulative[kept - 1], side="right")
    return int(candidates[order[min(int(place), kept - 1)]])


def flat(steps: Sequence[Step]) -> tuple[Ints, Ints, Ints]:
    """Return main tokens, durations and velocities of steps, as `rows.ids_of` takes them."""
    table = np.array([(step.main, step.duration, step.velocity) for step in steps], dtype=np.int64)
    main, duration, velocity = table.reshape(-1, 3).T
    return main, duration, velocity
