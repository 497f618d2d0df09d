"""Music as structured arrays: what building and measuring work on.

The frozen `Note` is the public face; arrays hold the same music, converted once at the edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import (
    Arrangement,
    ChordSymbol,
    KeySignature,
    Metre,
    Note,
    Part,
    Tempo,
)

NOTE = np.dtype([("onset", "<i4"), ("duration", "<i4"), ("pitch", "u1"), ("velocity", "u1")])
"""One note: onset and duration in ticks, MIDI pitch (or drum key), velocity."""

Notes = npt.NDArray[np.void]  # of dtype NOTE [shape=(note,)]


@dataclass(frozen=True, eq=False, slots=True)
class ArrayPart:
    """What `Part` is, with its notes as an array.

    Attributes
    ----------
    name, program, is_drums, sung
        As in `Part`.
    notes : array of NOTE [shape=(note,)]
        In order of onset, then pitch.
    """

    name: str
    program: int
    is_drums: bool
    notes: Notes
    sung: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class ArraySong:
    """What `Arrangement` is, with arrays of notes in its parts."""

    ticks_per_beat: int
    parts: tuple[ArrayPart, ...]
    tempos: tuple[Tempo, ...] = ()
    metres: tuple[Metre, ...] = ()
    keys: tuple[KeySignature, ...] = ()
    chords: tuple[ChordSymbol, ...] = ()
    barlines: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """Tick at which the music ends, as in `Arrangement`."""
        ends = [
            int((part.notes["onset"] + part.notes["duration"]).max())
            for part in self.parts
            if len(part.notes)
        ]
        return max([self.barlines[-1] if self.barlines else 0, *ends])


def notes_array(notes: tuple[Note, ...]) -> Notes:
    """Return notes as an array of `NOTE`, in the same order."""
    return np.array(list(notes), dtype=NOTE)


def notes_tuple(notes: Notes) -> tuple[Note, ...]:
    """Return an array of `NOTE` as notes, in the same order."""
    return tuple(Note(*values) for values in notes.tolist())


def to_arrays(arrangement: Arrangement) -> ArraySong:
    """Return the arrangement with arrays of notes; where it was read from is forgotten."""
    return ArraySong(
        arrangement.ticks_per_beat,
        tuple(
            ArrayPart(part.name, part.program, part.is_drums, notes_array(part.notes), part.sung)
            for part in arrangement.parts
        ),
        arrangement.tempos,
        arrangement.metres,
        arrangement.keys,
        arrangement.chords,
        arrangement.barlines,
    )


def to_arrangement(song: ArraySong) -> Arrangement:
    """Return the song as an arrangement: the inverse of `to_arrays`, but for parts' origins."""
    return Arrangement(
        song.ticks_per_beat,
        tuple(
            Part(part.name, part.program, part.is_drums, notes_tuple(part.notes), sung=part.sung)
            for part in song.parts
        ),
        song.tempos,
        song.metres,
        song.keys,
        song.chords,
        song.barlines,
    )


def resampled(song: ArraySong, ticks_per_beat: int) -> ArraySong:
    """Return the song in other ticks, each onset and end rounded to the nearest.

    Notes keep at least one tick if they had any.
    """
    if ticks_per_beat == song.ticks_per_beat:
        return song
    scale = ticks_per_beat / song.ticks_per_beat

    def at(tick: int) -> int:
        return round(tick * scale)

    def part_at(part: ArrayPart) -> ArrayPart:
        notes = part.notes.copy()
        start = np.rint(part.notes["onset"] * scale)
        end = np.rint((part.notes["onset"] + part.notes["duration"].astype(np.int64)) * scale)
        notes["onset"] = start
        notes["duration"] = np.maximum(end - start, np.minimum(part.notes["duration"], 1))
        return replace(part, notes=notes[np.lexsort((notes["pitch"], notes["onset"]))])

    return ArraySong(
        ticks_per_beat,
        tuple(part_at(part) for part in song.parts),
        tuple(each._replace(tick=at(each.tick)) for each in song.tempos),
        tuple(each._replace(tick=at(each.tick)) for each in song.metres),
        tuple(each._replace(tick=at(each.tick)) for each in song.keys),
        tuple(each._replace(tick=at(each.tick)) for each in song.chords),
        tuple(at(each) for each in song.barlines),
    )
