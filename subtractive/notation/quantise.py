"""Music as it was played, put onto the beats and measures that a musician would write."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil
from typing import NamedTuple

from subtractive.arrangement import Arrangement, KeySignature, Metre, Note, Part, bars
from subtractive.harmony import estimate_key
from subtractive.notation.beat_grids import Beat, Grid, beat_at, beat_grids, place_on
from subtractive.notation.folding import Span, barred
from subtractive.notation.paper import Barline, MeasureFrame, WrittenNote

_CHORD = 0.08  # quarters in which the notes of one chord are struck
_NEAR = Fraction(1, 8)  # quarters by which a bar may miss what its metre says

# Of note ends, in quarters: what a place within the beat costs, and how little lengthening does.
_END_COSTS = {1: 0.0, 2: 0.05, 3: 0.1, 4: 0.15, 6: 0.2}
_LENGTHENING = 0.3
_EXACT = 0.004
_LEGATO, _LEGATO_GAP, _OVERLAP = 2 / 3, 0.5, 0.25


class Written(NamedTuple):
    """Music on paper.

    Attributes
    ----------
    frames : tuple of MeasureFrame
    ticks : tuple of int
        Where each measure begins in the arrangement.
    parts : tuple of tuples of tuples of WrittenNote
        For each part of the arrangement, the notes of each measure.
    merged : int
        Notes that fell onto another one of the same part, onset and pitch.
    """

    frames: tuple[MeasureFrame, ...]
    ticks: tuple[int, ...]
    parts: tuple[tuple[tuple[WrittenNote, ...], ...], ...]
    merged: int


class _Chord(NamedTuple):
    """Notes of a part that are struck together, at `time` (in quarters from the first barline)."""

    time: float
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Measures:
    """The measures of a piece, and where the ticks of its music fall in them."""

    ticks_per_beat: int
    ticks: tuple[int, ...]  # where each begins
    lengths: tuple[Fraction, ...]
    metres: tuple[Metre, ...]
    lines: tuple[Fraction, ...]  # where each begins, in quarters, and the end of the last one

    def beats(self) -> list[Beat]:
        """Return all beats, shorter ones where a measure ends in a beat."""
        result = []
        for (line, end), metre in zip(pairwise(self.lines), self.metres, strict=True):
            length = Fraction(12, metre.denominator) if is_compound(metre) else Fraction(1)
            for number in range(ceil((end - line) / length)):
                start = line + number * length
                result.append(Beat(start, min(length, end - start)))
        return result

    def time(self, tick: int) -> float:
        """Return a tick in quarters; what a rounded measure has no room for falls on its end."""
        bar = max(0, bisect_right(self.ticks, tick) - 1)
        offset = max(0, tick - self.ticks[bar]) / self.ticks_per_beat
        return min(float(self.lines[bar]) + offset, float(self.lines[bar + 1]))


def is_compound(metre: Metre) -> bool:
    """Return whether the beats of a metre have three parts, as in 6/8."""
    return metre.numerator % 3 == 0 and metre.denominator >= 8


def written(arrangement: Arrangement) -> Written:
    """Return an arrangement as it would be written down.

    Measures are those of `arrangement.bars`, without empty ones at the end; bars that a metre
    change cuts at odd places are rounded to sixteenths. Keys are the arrangement's; where it says
    none, or C major alone (as sequencers do without being asked) against its own notes, the key
    is estimated. Notes of one part that are struck nearly together begin together; a note is held
    to the next one where the gap is a player's breath.

    Parameters
    ----------
    arrangement : Arrangement
        As played by people or by machines; onsets are compared with its beats in ticks.
    """
    measures = _measures(arrangement)
    beats = measures.beats()
    parts = [_chords(part, measures) for part in arrangement.parts]
    grids = beat_grids([[chord.time for chord in chords] for chords in parts], beats)
    merged, result = 0, []
    for part, chords, grid in zip(arrangement.parts, parts, grids, strict=True):
        spans = _spans(chords, beats, grid, measures)
        merged += len(spans) - len({(span.onset, span.pitch) for span in spans})
        result.append(barred(spans, measures.lengths, held=not part.is_drums))
    count = len(measures.lengths)
    if not arrangement.barlines:
        count = max(
            (place + 1 for part in result for place in range(count) if part[place]), default=1
        )
    parts_written = tuple(tuple(part[:count]) for part in result)
    frames = _frames(arrangement, measures, count)
    return Written(frames, measures.ticks[:count], parts_written, merged)


def _measures(arrangement: Arrangement) -> _Measures:
    """Return the measures, at least one; those that round to no length are left out."""
    quarter = arrangement.ticks_per_beat
    changes = sorted({metre.tick: metre for metre in arrangement.metres}.items())
    ticks: list[int] = []
    lengths: list[Fraction] = []
    metres: list[Metre] = []
    counted = bars(arrangement)
    for bar in counted:
        place = bisect_right(changes, bar.onset, key=lambda change: change[0]) - 1
        metre = changes[place][1]._replace(tick=0) if place >= 0 else Metre(0, 4, 4)
        nominal = Fraction(4 * metre.numerator, metre.denominator)
        length = Fraction(bar.length, quarter)
        if abs(length - nominal) <= _NEAR and not arrangement.barlines:
            length = nominal
        elif not arrangement.barlines:
            length = Fraction(round(length * 4), 4)
        if not lengths and bar is counted[-1]:
            length = length or nominal
        if length:
            ticks.append(bar.onset)
            lengths.append(length)
            metres.append(metre)
    lines = tuple(accumulate(lengths, initial=Fraction(0)))
    return _Measures(quarter, tuple(ticks), tuple(lengths), tuple(metres), lines)


def _frames(arrangement: Arrangement, measures: _Measures, count: int) -> tuple[MeasureFrame, ...]:
    """Return what the first `count` measures say of metre and key."""
    keys = _keys(arrangement)
    frames: list[MeasureFrame] = []
    for place in range(count):
        begun = measures.ticks[place] + measures.ticks_per_beat // 2
        passed = [key for key in keys if key.tick < begun]
        key = (passed or [KeySignature(0, 0)])[-1]._replace(tick=0)
        metre = measures.metres[place]
        frames.append(
            MeasureFrame(
                str(place + 1),
                implicit=False,
                length=measures.lengths[place],
                metre=metre,
                metre_stated=not frames or frames[-1].metre != metre,
                key=key,
                key_stated=not frames or frames[-1].key != key,
                barlines=(Barline("right", "light-heavy"),) if place == count - 1 else (),
            )
        )
    return tuple(frames)


def _keys(arrangement: Arrangement) -> tuple[KeySignature, ...]:
    """Return the keys to write; C major alone is believed where the notes fit no worse into it."""
    said = arrangement.keys
    if any(key.fifths or key.is_minor for key in said):
        return said
    estimated = estimate_key(arrangement)

    def foreign(fifths: int) -> int:
        scale = {place * 7 % 12 for place in range(fifths - 1, fifths + 6)}
        pitched = (part for part in arrangement.parts if not part.is_drums)
        return sum(note.pitch % 12 not in scale for part in pitched for note in part.notes)

    return said if said and foreign(0) <= foreign(estimated.fifths) else (estimated,)


def _chords(part: Part, measures: _Measures) -> list[_Chord]:
    """Return the notes of a part in groups of those struck together."""
    notes = sorted(part.notes, key=lambda note: note.onset)
    groups: list[list[tuple[float, Note]]] = []
    for note in notes:
        timed = measures.time(note.onset), note
        if groups and timed[0] - groups[-1][0][0] < _CHORD:
            groups[-1].append(timed)
        else:
            groups.append([timed])
    return [
        _Chord(sum(time for time, _ in group) / len(group), tuple(note for _, note in group))
        for group in groups
    ]


def _spans(
    chords: Sequence[_Chord],
    beats: Sequence[Beat],
    grids: Sequence[Grid],
    measures: _Measures,
) -> list[Span]:
    """Return the notes of a part on their grids."""
    starts = [float(beat.start) for beat in beats]
    last = beats[-1].start + beats[-1].length - grids[-1].step
    places = []
    for chord in chords:
        at = beat_at(starts, chord.time)
        places.append(min(place_on(chord.time, beats[at], grids[at].step), last))
    spans = []
    for place, chord in zip(places, chords, strict=True):
        after = bisect_right(places, place)
        following = places[after] if after < len(places) else None
        for note in chord.notes:
            heard_end = measures.time(note.end)
            at = max(0, bisect_right(starts, heard_end) - 1)
            end = _end(heard_end, place, following, beats[at], grids[at])
            spans.append(Span(place, end, note.pitch, note.velocity))
    return spans


def _end(
    end: float, onset: Fraction, following: Fraction | None, beat: Beat, grid: Grid
) -> Fraction:
    """Return where a note is written to end.

    Parameters
    ----------
    end : float
        Where it ended when played.
    onset : Fraction
        Where it is written to begin.
    following : Fraction or None
        Where the next note of the part is.
    beat : Beat
        In which it ended, with the `grid` that it has.
    """
    if following is not None:
        gap = float(following) - end
        sounding = end - float(onset)
        if -_OVERLAP <= gap <= _LEGATO_GAP and sounding >= _LEGATO * float(following - onset):
            return following
    steps = (Fraction(1, 3),) if grid.triplet else (Fraction(1, 2), Fraction(1, 4))
    ends = {onset + grid.step: 6}
    for step in {beat.length, grid.step, *steps}:
        for number in range(ceil(beat.length / step) + 1):
            place = min(beat.start + number * step, beat.start + beat.length)
            parts = (place - beat.start).denominator
            ends[place] = 1 if place == beat.start + beat.length else parts
    held = end > float(following) if following is not None else False

    def cost(place: Fraction) -> float:
        error = float(place) - end
        if abs(error) < _EXACT:
            return 0.0
        return abs(error) * (_LENGTHENING if error > 0 else 1) + _END_COSTS.get(ends[place], 0.3)

    possible = [
        place
        for place in ends
        if place > onset and (following is None or held or place <= following)
    ]
    return min(possible, key=cost) if possible else following or onset + grid.step
