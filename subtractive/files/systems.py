"""Laying music out on a page: systems of bars, a lane for pitches and one for drums."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subtractive.arrangement import Bar, Part
from subtractive.instruments import roles

BARS_PER_SYSTEM, MOST_SYSTEMS = 16, 16

ADDED = {"bass": "#1457c8", "drums": "#c3124f", "guitar": "#ef7d00", "other": "#12885a"}
GIVEN = ("#757b85", "#a9aeb6", "#8d939c", "#bfc3c9", "#9aa0a8", "#cdd0d5")

# rows of the drum lane from bottom to top, with their General MIDI keys
DRUM_ROWS: tuple[tuple[str, frozenset[int]], ...] = (
    ("kick", frozenset({35, 36})),
    ("snare", frozenset({37, 38, 39, 40})),
    ("hi-hat", frozenset({42, 44, 46})),
    ("toms", frozenset({41, 43, 45, 47, 48, 50})),
    ("cymbals", frozenset({49, 51, 52, 53, 55, 57, 59})),
)
OTHER_PERCUSSION = "percussion"  # a row on top, drawn only where it is played


class Voice(NamedTuple):
    """A part as it is drawn; `notes` has the columns onset, end, pitch, velocity."""

    label: str
    colour: str
    is_added: bool
    is_drums: bool
    notes: NDArray[np.int64]


class System(NamedTuple):
    """The bars that stand beside one another, and the number of the first of them."""

    number: int
    bars: tuple[Bar, ...]

    @property
    def onset(self) -> int:
        """Tick of its left end."""
        return self.bars[0].onset

    @property
    def end(self) -> int:
        """Tick of its right end."""
        return self.bars[-1].end


class Lanes(NamedTuple):
    """What all systems share: ticks of the longest, the range of pitches, the rows of drums."""

    ticks: int
    lowest: int
    highest: int
    drum_rows: tuple[str, ...]


def voices_of(parts: tuple[Part, ...], added: frozenset[int]) -> tuple[Voice, ...]:
    """Return what is to be drawn: the given parts first, so that the added ones lie on top.

    Parameters
    ----------
    parts : tuple of Part
    added : frozenset of int
        Indices of the added parts, which get colours; the given ones get greys.

    Returns
    -------
    tuple of Voice
    """
    given: list[Voice] = []
    new: list[Voice] = []
    for place, (part, role) in enumerate(zip(parts, roles(parts), strict=True)):
        rows = [(note.onset, note.end, note.pitch, note.velocity) for note in part.notes]
        notes = np.array(rows, np.int64).reshape(-1, 4)
        nameless = f"Part {place + 1}" if role == "other" else role.capitalize()
        label = _on_one_line(part.name) or nameless
        if place in added:
            new.append(Voice(label, ADDED[role], True, part.is_drums, notes))
        else:
            grey = GIVEN[len(given) % len(GIVEN)]
            given.append(Voice(label, grey, False, part.is_drums, notes))
    return (*given, *new)


def _on_one_line(text: str) -> str:
    """Return `text` without line breaks and control characters, cut to 28 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 28 else line[:27] + "…"


def systems_of(all_bars: tuple[Bar, ...]) -> tuple[System, ...]:
    """Break the bars into systems, 16 bars each or more where the song is long.

    A pick-up bar has the number 0 and stands before the first system's bars; one or two bars over
    at the end join the last system.
    """
    pickup = int(len(all_bars) > 1 and all_bars[0].length < all_bars[1].length)
    count = max(BARS_PER_SYSTEM, math.ceil((len(all_bars) - pickup) / MOST_SYSTEMS))
    starts = [0, *range(count + pickup, len(all_bars) - 2, count)]
    ends = [*starts[1:], len(all_bars)]
    return tuple(
        System(start + 1 - pickup, all_bars[start:end])
        for start, end in zip(starts, ends, strict=True)
    )


def common_lanes(systems: tuple[System, ...], voices: tuple[Voice, ...]) -> Lanes:
    """Return what the systems share, so that they can be compared by eye."""
    pitches = np.concatenate(
        [np.empty(0, np.int64), *(voice.notes[:, 2] for voice in voices if not voice.is_drums)]
    )
    lowest, highest = (int(pitches.min()), int(pitches.max())) if len(pitches) else (48, 72)
    keys = {int(key) for voice in voices if voice.is_drums for key in voice.notes[:, 2]}
    names = [name for name, _ in DRUM_ROWS] if keys else []
    if keys - frozenset().union(*(row for _, row in DRUM_ROWS)):
        names.append(OTHER_PERCUSSION)
    ticks = max(system.end - system.onset for system in systems)
    return Lanes(ticks, lowest - 1, highest + 2, tuple(names))


def drum_marks(notes: NDArray[np.int64], ticks_per_beat: int) -> NDArray[np.int64]:
    """Return drum notes (onset, end, key, velocity) as marks of one length (.., .., row, ..)."""
    row_of = np.full(128, len(DRUM_ROWS))
    for row, (_, keys) in enumerate(DRUM_ROWS):
        row_of[list(keys)] = row
    onsets, _, keys, velocities = notes.T
    return np.stack([onsets, onsets + ticks_per_beat // 6, row_of[keys], velocities], axis=1)
