"""The chart on the music stand: bars, pulses, a grid of steps, and the chord of each step.

A *step* is a twelfth of a quarter, so that 16ths (3 steps) and triplets (4) both fall on one. Steps
are counted through the whole piece; every bar begins on one. A *pulse* is what the foot taps: a
quarter, three eighths in compound metres, two and three eighths in 5/8 or 7/8.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import Arrangement, Bar, ChordSymbol, bars
from subtractive.harmony import estimate_chords

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

QUARTER, EIGHTH, SIXTEENTH, TRIPLET = 12, 6, 3, 4  # in steps
SLACK_BEATS = 1 / 8  # a note this much before a chord or barline belongs to what it leads into

# What a pulse is in its bar: Down, Back (answers with the snare), Mid (half a bar), Weak.
_ROLES = {1: "D", 2: "DB", 3: "DWB", 4: "DBMB", 5: "DBMWB", 6: "DBMBMB", 7: "DBMBMWB"}
NO_HARMONY = ChordSymbol(0, "C5", 0, (0, 7), 0)


class Pulse(NamedTuple):
    """First step in its bar, length in steps, and role: "D", "B", "M" or "W"."""

    first: int
    length: int
    role: str


@cache
def pulses(steps: int, beat: int) -> tuple[Pulse, ...]:
    """Return the pulses of a bar.

    Parameters
    ----------
    steps : int
        Length of the bar.
    beat : int
        Steps of the metre's denominator.
    """
    eighths, rest = divmod(steps, EIGHTH)
    if beat >= QUARTER or rest or eighths < 3:
        lengths = [QUARTER] * (steps // QUARTER)
        lengths += [steps % QUARTER] if steps % QUARTER else []
    elif eighths % 3 == 0:
        lengths = [3 * EIGHTH] * (eighths // 3)
    else:
        lengths = [QUARTER] * (eighths // 2)
        lengths[-1] += EIGHTH * (eighths % 2)
    names = _ROLES.get(len(lengths)) or "D" + "BM" * len(lengths)
    onsets = np.cumsum([0, *lengths[:-1]]).tolist()
    return tuple(map(Pulse, onsets, lengths, names))


@dataclass(frozen=True, eq=False)
class Chart:
    """What every player reads.

    Attributes
    ----------
    ticks_per_beat : int
    bars : tuple of Bar
    first : array of int [shape=(bar + 1,)]
        Step on which each bar begins; the last one is the number of steps.
    tick : array of int [shape=(step + 1,)]
        Where each step is; the last one is the end of the music.
    chords : tuple of ChordSymbol
        At least one.
    chord_of : array of int [shape=(step,)]
        Index into `chords`.
    written : bool
        Whether the chords are the score's own.
    tempo_qpm : float
        Quarters a minute, over the whole piece.
    """

    ticks_per_beat: int
    bars: tuple[Bar, ...]
    first: Ints
    tick: Ints
    chords: tuple[ChordSymbol, ...]
    chord_of: Ints
    written: bool
    tempo_qpm: float

    @property
    def steps(self) -> int:
        """Number of steps in the piece."""
        return int(self.first[-1])

    def pulses(self, bar: int) -> tuple[Pulse, ...]:
        """Return the pulses of a bar, as the function of this name does."""
        length = int(self.first[bar + 1] - self.first[bar])
        beat = round(self.bars[bar].beat * QUARTER / self.ticks_per_beat)
        return pulses(length, beat)

    def chord(self, step: int) -> ChordSymbol:
        """Return the chord in force at a step."""
        return self.chords[int(self.chord_of[step])]

    def place(self, step: int) -> int:
        """Return how many steps a step is after its barline."""
        return step - int(self.first[self.bar_of[step]])

    def pulse(self, step: int) -> Pulse:
        """Return the pulse of its bar that a step is in."""
        place = self.place(step)
        beats = self.pulses(int(self.bar_of[step]))
        return next(pulse for pulse in reversed(beats) if pulse.first <= place)

    def on_pulse(self, step: int) -> bool:
        """Return whether a pulse begins on a step."""
        return self.pulse(step).first == self.place(step)

    @cached_property
    def bar_of(self) -> Ints:
        """Bar that each step is in [shape=(step,)]."""
        return np.repeat(np.arange(len(self.bars)), np.diff(self.first))

    @classmethod
    def of(cls, context: Arrangement) -> Chart:
        """Return the chart of a context: chords from its symbols, or heard in its notes."""
        every_bar = bars(context)
        quarter = context.ticks_per_beat
        lengths = [max(1, -(-bar.length * QUARTER // quarter)) for bar in every_bar]
        first = np.cumsum([0, *lengths])
        ticks = [
            bar.onset + np.minimum(np.arange(count) * quarter // QUARTER, max(0, bar.length - 1))
            for bar, count in zip(every_bar, lengths, strict=True)
        ]
        tick = np.concatenate([*ticks, [every_bar[-1].end]])
        chords = estimate_chords(context) or (NO_HARMONY,)
        starts = np.array([chord.tick for chord in chords])
        place = np.searchsorted(starts, tick[:-1] + round(quarter * SLACK_BEATS), side="right") - 1
        seconds = context.seconds_at(every_bar[-1].end)
        return cls(
            ticks_per_beat=quarter,
            bars=every_bar,
            first=first,
            tick=tick,
            chords=chords,
            # before its first symbol a piece stands in the first chord
            chord_of=np.maximum(place, 0),
            written=bool(context.chords),
            tempo_qpm=60 * every_bar[-1].end / quarter / seconds if seconds > 0 else 120.0,
        )
