"""Songs cut into excerpts of up to 32 bars: the rows of a corpus.

An excerpt stands for itself. It holds all its parts, its bars, tempo and chords, and for each
instrument that can be taken out of it the words that ask for it back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from subtractive.arrangement import Arrangement, ChordSymbol, KeySignature, Metre, Tempo, bars
from subtractive.arrays import NOTE, ArrayPart, ArraySong, Notes, resampled, to_arrangement
from subtractive.facts import Facts, measure
from subtractive.instruments import INSTRUMENTS, role, roles

TICKS = 480  # to a quarter note, in every excerpt
EXCERPT_BARS = 32
LEAST_BARS = 8  # a shorter rest of a song goes to the excerpt before it
LEAST_NOTES = 8  # that an instrument must play for its return to be a lesson


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of a song besides its notes.

    Attributes
    ----------
    source : str
        "mma", "folder" or "gmd".
    style : str
        Family, as `subtractive.styles` names them; empty where unknown.
    label : str
        What a musician called the style: a groove, a drummer's word.
    description : str
    chart : str
        The chord chart as one line.
    key : str
        Such as "F# minor".
    seed : int
        -1 where nothing was drawn.
    """

    source: str
    style: str = ""
    label: str = ""
    description: str = ""
    chart: str = ""
    key: str = ""
    seed: int = -1


@dataclass(frozen=True, eq=False, slots=True)
class Song:
    """A song of a corpus: its name there, its music, its labels.

    `group` names what must not be split over training and validation; empty if the music decides.
    """

    name: str
    group: str
    music: ArraySong
    labels: Labels


@dataclass(frozen=True, slots=True)
class Example:
    """One instrument that can be taken out: what it plays, measured, and words that ask for it."""

    instrument: str
    words: str
    facts: Facts


@dataclass(frozen=True, eq=False, slots=True)
class Excerpt:
    """Some bars of a song.

    Attributes
    ----------
    song : str
    labels : Labels
    first_bar, bar_total : int
        Its place in the song, and the song's length.
    music : ArraySong
        In `TICKS`, from the excerpt's start; `barlines` are written out, parts without notes left
        out.
    examples : tuple of Example
    """

    song: str
    labels: Labels
    first_bar: int
    bar_total: int
    music: ArraySong
    examples: tuple[Example, ...] = ()

    @property
    def bar_count(self) -> int:
        """Number of bars."""
        return len(self.music.barlines) - 1

    @property
    def arrangement(self) -> Arrangement:
        """The excerpt as an arrangement."""
        return to_arrangement(self.music)


TickedT = TypeVar("TickedT", Tempo, Metre, KeySignature, ChordSymbol)


def in_force(events: Sequence[TickedT], low: int, high: int) -> tuple[TickedT, ...]:
    """Return the events in force from tick `low` up to `high`, counted from `low`."""
    first = max(0, bisect_right(events, low, key=lambda event: event.tick) - 1)
    last = bisect_right(events, high - 1, key=lambda event: event.tick)
    return tuple(
        event._replace(tick=max(0, event.tick - low))
        for event in events[first:last]
        if event.tick < high
    )


def cut(music: ArraySong, barlines: Sequence[int]) -> ArraySong:
    """Return the bars between the first and the last of `barlines` as music of its own.

    A note belongs to the bar in which it begins; one that sounds on ends with the cutting.
    """
    low, high = barlines[0], barlines[-1]

    def of_part(part: ArrayPart) -> ArrayPart:
        edges = np.searchsorted(part.notes["onset"], (low, high))
        notes = part.notes[slice(*edges)].copy()
        notes["onset"] -= low
        notes["duration"] = np.minimum(notes["duration"], high - low - notes["onset"])
        return replace(part, notes=notes)

    parts = tuple(of_part(part) for part in music.parts)
    return ArraySong(
        music.ticks_per_beat,
        tuple(part for part in parts if len(part.notes)),
        in_force(music.tempos, low, high),
        in_force(music.metres, low, high),
        in_force(music.keys, low, high),
        in_force(music.chords, low, high),
        tuple(line - low for line in barlines),
    )


def excerpts(song: Song) -> Iterator[Excerpt]:
    """Yield a song's excerpts in order, together all its bars, without examples."""
    music = resampled(song.music, TICKS)
    # A bass among sopranos is a voice, also where the sopranos rest: only a voice stays one.
    music = replace(
        music,
        parts=tuple(
            replace(part, sung=part.sung or (its_role == "other" != role(part)))
            for part, its_role in zip(music.parts, roles(music.parts), strict=True)
        ),
    )
    table = bars(music)
    lines = [*(bar.onset for bar in table), table[-1].end]
    count = len(table)
    starts = list(range(0, max(1, count - LEAST_BARS + 1), EXCERPT_BARS))
    for first, last in zip(starts, [*starts[1:], count], strict=True):
        yield Excerpt(song.name, song.labels, first, count, cut(music, lines[first : last + 1]))


def main_notes(music: ArraySong, instrument: str) -> Notes:
    """Return the notes of the part that stands for an instrument [shape=(note,)].

    As `subtractive.example.main_part` chooses it; none if nobody plays the instrument.
    """
    playing = [part.notes for part in music.parts if role(part) == instrument]
    if not playing:
        return music.parts[0].notes[:0] if music.parts else np.zeros(0, dtype=NOTE)
    if instrument != "drums":
        return max(playing, key=len)
    merged = np.unique(np.concatenate(playing))
    return merged[np.lexsort((merged["pitch"], merged["onset"]))]


def playable(excerpt: Excerpt) -> Iterator[tuple[str, Facts]]:
    """Yield each instrument that can be taken out of the excerpt, with what it plays.

    It needs `LEAST_NOTES` notes, and somebody else who plays; drums may be alone.
    """
    music = excerpt.music
    tempo = 6e7 / (music.tempos[0].microseconds if music.tempos else 500_000)
    table = bars(music)
    beats = np.array([bar.beat for bar in table])
    for instrument in INSTRUMENTS:
        notes = main_notes(music, instrument)
        others = any(role(part) != instrument for part in music.parts)
        if len(notes) >= LEAST_NOTES and (others or instrument == "drums"):
            lines = np.array(music.barlines)
            yield instrument, measure(notes, lines, beats, instrument, tempo)
