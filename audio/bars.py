"""Beats and bars as a user gives them: a file of beats, a tempo, "9-16"."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio.beats import BeatGrid
from subtractive.errors import FileFormatError, OptionError

EARLY_SECONDS = 0.02  # a player is this much ahead of the beat and still on it
FADE_SECONDS = 0.01
_BARS = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


def read_beats(path: Path, beats_per_bar: int = 4) -> BeatGrid:
    """Read beats from a text file: seconds, one a line.

    Parameters
    ----------
    path : Path
        A second number on a line, if there is one, counts the beats of the bar: 1 begins it. Where
        none is, the first beat begins a bar. Empty lines and lines that begin with # are skipped.
    beats_per_bar : int

    Raises
    ------
    FileFormatError
        If the file cannot be opened, or a line is no time.
    OptionError
        If there are fewer than two beats, or they do not ascend.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(
            f"{path} cannot be read: name a text file of beats in seconds, one a line"
        ) from error
    seconds: list[float] = []
    downbeat = None
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            seconds.append(float(words[0]))
        except ValueError as error:
            raise FileFormatError(
                f"line {number} of {path.name} is {line.strip()[:40]!r}: write one beat in seconds "
                "a line, such as 12.48"
            ) from error
        if downbeat is None and words[1:2] == ["1"]:
            downbeat = len(seconds) - 1
    return BeatGrid(tuple(seconds), downbeat or 0, beats_per_bar)


def bar_lines(grid: BeatGrid, seconds: float) -> npt.NDArray[np.float64]:
    """Return the times at which bars begin in music of some length, and where the last one ends.

    Bar 1 is the first that begins within the music; what sounds before it is a pick-up.
    """
    # a beat or two before the first one heard may well be within the music
    early = float(grid.beat_of(-EARLY_SECONDS))
    first = math.ceil((early - grid.downbeat) / grid.beats_per_bar)
    last = math.ceil(
        (float(grid.beat_of(seconds - EARLY_SECONDS)) - grid.downbeat) / grid.beats_per_bar
    )
    bars = np.arange(first, max(first, last) + 1)
    return grid.at(grid.downbeat + bars * grid.beats_per_bar)


def span_of(text: str, grid: BeatGrid, seconds: float) -> tuple[float, float]:
    """Return when the bars called `text` begin and end, in seconds.

    Parameters
    ----------
    text : str
        "9-16", or "9", counted from 1.
    grid : BeatGrid
    seconds : float
        How long the music lasts.

    Raises
    ------
    OptionError
        If the music has no such bars.
    """
    first, last = bars_named(text)
    lines = bar_lines(grid, seconds)
    count = len(lines) - 1
    if last > count:
        raise OptionError(
            f"--bars {text}: there is no bar {last}; the music has bars 1 to {count} at "
            f"{grid.tempo_bpm:.0f} beats a minute, {grid.beats_per_bar} to the bar"
        )
    return float(lines[first - 1]), float(lines[last])


def bars_named(text: str) -> tuple[int, int]:
    """Return the first and the last bar of "9-16" or "9".

    Raises
    ------
    OptionError
        If the text names no bars.
    """
    found = _BARS.fullmatch(text)
    if found is None or int(found[1]) < 1:
        raise OptionError(f"--bars {text!r} names no bars: write such as 9-16, or 9")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise OptionError(f"--bars {text} ends before it begins: name the first bar first")
    return first, last


def envelope(span: tuple[float, float], sample_rate: int, samples: int) -> npt.NDArray[np.float32]:
    """Return 1 where a span of seconds sounds and 0 elsewhere, with short ramps between.

    Both edges lie a little before the bar lines, so that a stroke that comes early is not cut.
    Spans side by side add up to 1.
    """
    times = np.arange(samples, dtype=np.float64) / sample_rate

    def risen(at: float) -> npt.NDArray[np.float64]:
        return np.clip((times - at + EARLY_SECONDS) / FADE_SECONDS + 1, 0, 1)

    return (risen(span[0]) - risen(span[1])).astype(np.float32)
