"""Music as it is heard, folded onto the measures of a score, and played from them again.

On paper each measure stands once, however often repeats, endings and jumps have it played.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import NamedTuple, Protocol

from subtractive.arrangement import Note, Part, order
from subtractive.notation.paper import WrittenNote


class Form(Protocol):
    """What is known of a score's measures and of how they are played."""

    @property
    def lengths(self) -> Sequence[Fraction]:
        """Lengths of the written measures, in quarter notes."""

    @property
    def order(self) -> Sequence[int]:
        """The written measure of each bar that is played."""

    @property
    def onsets(self) -> Sequence[Fraction]:
        """Onsets of the bars played, in quarter notes, and the end of the last one."""


class Span(NamedTuple):
    """A note that no barline has cut yet, in quarter notes from the first barline."""

    onset: Fraction
    end: Fraction
    pitch: int
    velocity: int


class _Run(NamedTuple):
    """Written measures that are always played one after the other.

    `bars` are the places in the order of playing at which the run begins.
    """

    first: int
    length: int
    bars: tuple[int, ...]


def folded(part: Part, score: Form, ticks_per_beat: int) -> tuple[tuple[WrittenNote, ...], ...]:
    """Return a part as it is written: of each measure, one of the passes that are heard.

    Measures that are always played one after the other come from the same pass, so that phrases
    and ties stay whole: from the one whose notes have most in common with those of all passes, the
    first of several. A tie leads nowhere else: what sounds on into a measure that is also
    reached from elsewhere ends at the barline. Measures that are never played are empty.

    Parameters
    ----------
    part : Part
        As heard.
    score : WrittenScore
    ticks_per_beat : int
        Of the part's notes.
    """
    edges = [round(onset * ticks_per_beat) for onset in score.onsets]
    measures: list[tuple[WrittenNote, ...]] = [()] * len(score.lengths)
    notes = sorted(part.notes, key=order)
    onsets = [note.onset for note in notes]
    for run in _runs(score):
        passes = []
        for bar in run.bars:
            start, end = edges[bar], edges[bar + run.length]
            here = notes[bisect_left(onsets, start) : bisect_left(onsets, end)]
            passes.append(tuple(note._replace(onset=note.onset - start) for note in here))
        lines = [edge - edges[run.bars[0]] for edge in edges[run.bars[0] :][: run.length + 1]]
        lengths = score.lengths[run.first : run.first + run.length]
        spans = _spans(_most_alike(passes), lines, lengths, ticks_per_beat)
        measures[run.first : run.first + run.length] = barred(
            spans, lengths, held=not part.is_drums
        )
    return tuple(measures)


def barred(
    spans: Iterable[Span], lengths: Sequence[Fraction], *, held: bool = True
) -> list[tuple[WrittenNote, ...]]:
    """Cut notes at the barlines and tie what was cut.

    A pitch that is struck again ends there; of two equal pitches at one onset the longer stays.

    Parameters
    ----------
    spans : iterable of Span
    lengths : sequence of Fraction
        Of the measures.
    held : bool
        False: a note ends with its measure at the latest, as strokes on a drum do.
    """
    lines = [Fraction(0), *accumulate(lengths)]
    measures: list[list[WrittenNote]] = [[] for _ in lengths]
    for span in _one_at_a_time(spans):
        first = bisect_right(lines, span.onset) - 1
        for place in range(first, len(lengths) if held else min(first + 1, len(lengths))):
            if lines[place] >= span.end:
                break
            onset = max(span.onset, lines[place])
            goes_on = held and span.end > lines[place + 1] and place + 1 < len(lengths)
            measures[place].append(
                WrittenNote(
                    onset - lines[place],
                    min(span.end, lines[place + 1]) - onset,
                    span.pitch,
                    span.velocity,
                    tied_back=place > first,
                    tied_on=goes_on,
                )
            )
    return [tuple(sorted(notes, key=lambda note: (note.onset, note.pitch))) for notes in measures]


def unfolded(
    measures: Sequence[Sequence[WrittenNote]], score: Form, part: Part, ticks_per_beat: int
) -> Part:
    """Return `part` with the notes that are heard when `measures` are played.

    Parameters
    ----------
    measures : sequence of sequences of WrittenNote
        One for each written measure; those that a short part lacks are empty.
    score : WrittenScore
    part : Part
        Who plays.
    ticks_per_beat : int
        Of the result.
    """
    return replace(part, notes=played_notes(measures, score, ticks_per_beat))


def played_notes(
    measures: Sequence[Sequence[WrittenNote]], score: Form, ticks_per_beat: int
) -> tuple[Note, ...]:
    """Return what is heard: tied notes are one note, across barlines and repeats."""
    notes: list[Note] = []
    # pitch and end -> the notes that go on there, each with its place on paper
    tied: dict[tuple[int, int], list[tuple[int, tuple[int, Fraction]]]] = {}
    for start, place in zip(score.onsets, score.order, strict=False):
        for note in measures[place] if place < len(measures) else ():
            onset = round((start + note.onset) * ticks_per_beat)
            end = round((start + note.onset + note.duration) * ticks_per_beat)
            waiting = tied.get((note.pitch, onset), [])
            # files forget the end of a tie (always, in a second ending); but none leads backward
            if waiting and (note.tied_back or (place, note.onset) > waiting[-1][1]):
                here, _ = waiting.pop()
                notes[here] = notes[here]._replace(duration=end - notes[here].onset)
            else:
                here = len(notes)
                notes.append(Note(onset, end - onset, note.pitch, note.velocity))
            if note.tied_on:
                tied.setdefault((note.pitch, end), []).append((here, (place, note.onset)))
    return tuple(sorted(notes, key=order))


def _runs(score: Form) -> list[_Run]:
    """Return the runs of written measures, in order; measures never played are in none."""
    bars: dict[int, list[int]] = {}
    before: dict[int, set[int | None]] = {}
    after: dict[int, set[int | None]] = {}
    for bar, place in enumerate(score.order):
        bars.setdefault(place, []).append(bar)
    for here, there in pairwise([None, *score.order, None]):
        if here is not None:
            after.setdefault(here, set()).add(there)
        if there is not None:
            before.setdefault(there, set()).add(here)
    places = sorted(bars)
    starts = [
        place for place in places if before[place] != {place - 1} or after.get(place - 1) != {place}
    ]
    return [
        _Run(start, bisect_left(places, end) - bisect_left(places, start), tuple(bars[start]))
        for start, end in pairwise([*starts, len(score.lengths)])
    ]


def _most_alike(passes: Sequence[tuple[Note, ...]]) -> tuple[Note, ...]:
    """Return the pass that has most in common with all: in what is struck, then in how long."""
    struck: list[set[object]] = [{(note.onset, note.pitch) for note in notes} for notes in passes]
    held: list[set[object]] = [
        {(note.onset, note.pitch, note.duration) for note in notes} for notes in passes
    ]

    def likeness(at: int) -> tuple[Fraction, Fraction]:
        return _in_common(struck, at), _in_common(held, at)

    return passes[max(range(len(passes)), key=likeness)]


def _in_common(sets: Sequence[set[object]], at: int) -> Fraction:
    """Return the sum over all sets of what each shares with one of them (Dice; 1 if both empty)."""
    shares = Fraction(0)
    for other in sets:
        total = len(sets[at]) + len(other)
        shares += Fraction(2 * len(sets[at] & other), total) if total else 1
    return shares


def _spans(
    notes: Iterable[Note], lines: Sequence[int], lengths: Sequence[Fraction], ticks_per_beat: int
) -> list[Span]:
    """Return notes in quarters; counted from the barline before, as those may be rounded ticks."""
    starts = [Fraction(0), *accumulate(lengths)]

    def time(tick: int) -> Fraction:
        bar = bisect_right(lines, tick) - 1
        return starts[bar] + Fraction(tick - lines[bar], ticks_per_beat)

    return [
        Span(time(note.onset), time(note.onset + max(1, note.duration)), note.pitch, note.velocity)
        for note in notes
    ]


def _one_at_a_time(spans: Iterable[Span]) -> list[Span]:
    """Return the notes in order; none of them sounds while its pitch is struck again."""
    result: list[Span] = []
    last: dict[int, int] = {}  # pitch -> its latest note
    for span in sorted(spans, key=lambda span: (span.onset, span.pitch, -span.end)):
        place = last.get(span.pitch)
        if place is not None:
            before = result[place]
            if before.onset == span.onset:
                continue
            result[place] = before._replace(end=min(before.end, span.onset))
        last[span.pitch] = len(result)
        result.append(span)
    return result
