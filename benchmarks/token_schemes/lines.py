"""Single parts of songs, whole or in windows: what token schemes are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmarks.windows import cut
from subtractive.arrangement import Arrangement, bars
from subtractive.example import main_part, subtract
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS

Floats = npt.NDArray[np.float64]

WINDOW_BARS = 16


@dataclass(frozen=True, eq=False)
class Line:
    """One part of a song alone, with the song's metre.

    Attributes
    ----------
    instrument : str
        One of `subtractive.instruments.INSTRUMENTS`.
    music : Arrangement
        Of one part.
    """

    instrument: str
    music: Arrangement

    @property
    def bar_count(self) -> int:
        """Number of bars up to the end of the part."""
        return len(bars(self.music))

    @property
    def notes(self) -> Floats:
        """Onset and length in quarter notes, and pitch [shape=(note, 3)]."""
        rows = [note[:3] for note in self.music.parts[0].notes]
        beats = self.music.ticks_per_beat
        return np.array(rows, dtype=np.float64).reshape(-1, 3) / [beats, beats, 1]


def lines_of(song: Arrangement) -> list[Line]:
    """Return the song's drums, bass and guitar, those that it has, each as a line."""
    found = []
    for name in INSTRUMENTS:
        example = subtract(song, Instruction(name))
        if not example.target:
            continue
        part = main_part(example)
        if part.notes:
            found.append(Line(name, replace(song, parts=(part,), source=None)))
    return found


def cut_lines(lines: Sequence[Line], hop_bars: int = WINDOW_BARS) -> list[Line]:
    """Return windows of 16 bars, one each `hop_bars`; those without notes are left out."""
    windows = []
    for line in lines:
        for first in range(0, line.bar_count, hop_bars):
            music = cut(line.music, first, min(first + WINDOW_BARS, line.bar_count))
            if music.parts[0].notes:
                windows.append(Line(line.instrument, music))
    return windows
