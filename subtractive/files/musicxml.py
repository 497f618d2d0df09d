"""MusicXML in: the written score, and what is heard of it.

Reading is done in exact fractions of a quarter note; only the arrangement counts in ticks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from subtractive.arrangement import (
    Arrangement,
    KeySignature,
    Metre,
    Part,
    Source,
    Tempo,
)
from subtractive.chord_symbols import no_chord
from subtractive.errors import FileFormatError
from subtractive.files.musicxml_measures import At, EventT, WrittenPart, read_part
from subtractive.files.musicxml_repeats import RepeatMarks, played_order
from subtractive.files.musicxml_tree import part_trees
from subtractive.notation.folding import played_notes

_TICKS = 480
_MOST_TICKS = 0x7FFF  # to a quarter note, in MIDI
_ROUND_TICKS = 30_240  # divisible by 1 to 10, and by most of what tuplets ask for


@dataclass(frozen=True, slots=True)
class WrittenScore:
    """A score as it stands on paper, and how it is played.

    Attributes
    ----------
    parts : tuple of WrittenPart
        In the order of the file.
    lengths : tuple of Fraction
        Of the written measures, in quarter notes: what the fullest part holds.
    order : tuple of int
        The written measure of each bar that is played.
    """

    parts: tuple[WrittenPart, ...]
    lengths: tuple[Fraction, ...]
    order: tuple[int, ...]

    @property
    def onsets(self) -> tuple[Fraction, ...]:
        """Onsets of the bars played, in quarter notes, and the end of the last one."""
        onsets = [Fraction(0)]
        for place in self.order:
            onsets.append(onsets[-1] + self.lengths[place])
        return tuple(onsets)


@lru_cache(maxsize=2)  # one file is read, compared with, and written into
def written_score(content: bytes, name: str = "") -> WrittenScore:
    """Read a MusicXML file as it is written.

    Parameters
    ----------
    content : bytes
        Partwise or timewise XML in any encoding, or a zipped .mxl.
    name : str
        How messages call the file.

    Raises
    ------
    FileFormatError
        If it is no MusicXML score, is damaged, or has neither notes nor chord symbols.
    """
    title = name or "the file"
    try:
        parts = tuple(read_part(tree) for tree in part_trees(content, title))
        if not any(measure.notes or measure.chords for part in parts for measure in part.measures):
            raise FileFormatError(
                f"{title} holds no notes and no chord symbols; a score with either is needed"
            )
        count = max(len(part.measures) for part in parts)
        marks = [RepeatMarks()] * count
        for part in parts:
            for place, found in part.marks.items():
                if 0 <= place < count:
                    marks[place] = marks[place].merged(found)
        return WrittenScore(parts, _lengths(parts, count), played_order(marks))
    except FileFormatError as error:
        message = str(error)
        raise FileFormatError(
            message if message.startswith(title) else f"{title}: {message}"
        ) from error


def read_musicxml(content: bytes, name: str = "") -> Arrangement:
    """Read a MusicXML file as it is heard: repeats unfolded, at sounding pitch, ties joined.

    There is one part for each part of the score, in that order, even where it has no notes. Where
    the playing jumps back, chord symbol, tempo, metre and key are again what they were when that
    place was first played.

    Parameters
    ----------
    content : bytes
        Partwise or timewise XML in any encoding, or a zipped .mxl.
    name : str
        How messages call the file; kept with its bytes.

    Returns
    -------
    Arrangement
        With `content` as its source. A quarter note has 480 ticks or so many more that every
        onset falls on one; a score that would need more than 32767 is rounded to 30240.

    Raises
    ------
    FileFormatError
        If it is no MusicXML score, is damaged, or has neither notes nor chord symbols.
    """
    score = written_score(content, name)
    ticks = _ticks_per_beat(score)
    parts = score.parts
    # a kit has no key, whatever its staff says
    pitched = [part for part in parts if not part.player.is_drums] or parts
    tempos = [[measure.tempos for measure in part.measures] for part in parts]
    metres = [[measure.metres for measure in part.measures] for part in parts]
    keys = [[measure.keys for measure in part.measures] for part in pitched]
    chords = [[measure.chords for measure in part.measures] for part in parts]
    return Arrangement(
        ticks_per_beat=ticks,
        parts=tuple(_played_part(score, part, ticks) for part in parts),
        tempos=_played_events(score, tempos, Tempo(0, 500_000), ticks),
        metres=_played_events(score, metres, Metre(0, 4, 4), ticks),
        keys=_played_events(score, keys, KeySignature(0, 0), ticks),
        chords=_played_events(score, chords, no_chord(), ticks),
        barlines=tuple(round(onset * ticks) for onset in score.onsets),
        source=Source("musicxml", content, name),
    )


def events_in(written: Sequence[Sequence[At[EventT]]], place: int) -> dict[Fraction, EventT]:
    """Return what a measure holds in some parts, by offset; at each the first part's event counts.

    Parameters
    ----------
    written : sequence of sequences
        For each part, what each measure holds.
    place : int
        Of the measure; a part may be too short to have it.
    """
    events: dict[Fraction, EventT] = {}
    for measures in written:
        for offset, event in measures[place] if place < len(measures) else ():
            events.setdefault(offset, event)
    return events


def _lengths(parts: Sequence[WrittenPart], count: int) -> tuple[Fraction, ...]:
    """Return the length of each measure: the longest part's, or the metre's where all are empty."""
    lengths = []
    nominal = Fraction(4)
    for place in range(count):
        column = [part.measures[place] for part in parts if place < len(part.measures)]
        for _, metre in (event for measure in column for event in measure.metres):
            nominal = Fraction(4 * metre.numerator, metre.denominator)
        lengths.append(max(measure.length for measure in column) or nominal)
    return tuple(lengths)


def _ticks_per_beat(score: WrittenScore) -> int:
    """Return ticks to a quarter note such that all that is written falls on a tick."""
    times = set(score.lengths)
    for measure in (measure for part in score.parts for measure in part.measures):
        for note in measure.notes:
            times.update((note.onset, note.duration))
        for events in (measure.tempos, measure.metres, measure.keys, measure.chords):
            times.update(offset for offset, _ in events)
    exact = math.lcm(*(time.denominator for time in times))
    ticks = math.lcm(_TICKS, exact)
    if ticks > _MOST_TICKS:
        ticks = exact * -(-_TICKS // exact)
    return ticks if ticks <= _MOST_TICKS else _ROUND_TICKS


def _played_part(score: WrittenScore, part: WrittenPart, ticks: int) -> Part:
    """Return the part as it is heard: tied notes are one note, across barlines and repeats."""
    notes = played_notes([measure.notes for measure in part.measures], score, ticks)
    who = part.player
    return Part(who.name, who.program, who.is_drums, notes, sung=who.sung)


def _played_events(
    score: WrittenScore, written: Sequence[Sequence[At[EventT]]], nothing: EventT, ticks: int
) -> tuple[EventT, ...]:
    """Return the events as they are met in playing.

    Parameters
    ----------
    score : WrittenScore
    written : sequence of sequences
        For each part, what each measure holds; at each place the first part's event counts.
    nothing : event
        What is in force before the first event.
    ticks : int
        To a quarter note.
    """
    result: list[EventT] = []
    in_force: dict[int, EventT] = {}  # at the beginning of each measure when first played
    now, previous = nothing, -1
    for start, place in zip(score.onsets, score.order, strict=False):
        events = events_in(written, place)
        first = in_force.setdefault(place, now)
        if place <= previous and first != now and 0 not in events:
            events[Fraction(0)] = first
        for offset in sorted(events):
            now = events[offset]
            result.append(now._replace(tick=round((start + offset) * ticks)))
        previous = place
    return tuple(sorted(result, key=lambda event: event.tick))
