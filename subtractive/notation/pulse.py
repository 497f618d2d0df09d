"""Where the beats of a written measure lie, and how strong each place in it is."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from subtractive.arrangement import Metre
from subtractive.notation.paper import MeasureFrame

BAR, STRONG, BEAT, EIGHTH = 4, 3, 2, 1  # strengths; sixteenths are 0, thirty-seconds -1, ...
_WEAKEST = -6  # no single note value starts at such a place
_SIXTEENTH = Fraction(1, 4)


@dataclass(frozen=True, slots=True)
class Pulse:
    """The beats of one measure, in quarter notes from its beginning.

    Attributes
    ----------
    length : Fraction
    edges : tuple of Fraction
        Where beats begin: from at or before 0 (a pick-up may start within a beat) to at or after
        the end.
    strong : frozenset of Fraction
        Beats that no syncopation should hide, such as the third one of 4/4.
    bar_start : Fraction
        Where the whole bar would begin; below 0 in a pick-up.
    uneven : bool
        Whether some beats are no plain note value: dotted quarters, or beats of two lengths.
    full : bool
        Whether the measure is as long as its metre says, neither cut nor a pick-up.
    """

    length: Fraction
    edges: tuple[Fraction, ...]
    strong: frozenset[Fraction]
    bar_start: Fraction
    uneven: bool
    full: bool

    def strength(self, place: Fraction) -> int:
        """Return how strong a place is: `BAR`, `STRONG`, `BEAT`, `EIGHTH`, and so on down."""
        if place in (self.length, self.bar_start):
            return BAR
        if place in self.strong:
            return STRONG
        inside = place - self.edges[self.beat_of(place)]
        if not inside:
            return BEAT
        power = max(2, inside.denominator)
        return 3 - power.bit_length() if power.bit_count() == 1 else _WEAKEST

    def beat_of(self, place: Fraction) -> int:
        """Return the index of the beat that holds a place."""
        return min(bisect_right(self.edges, place), len(self.edges) - 1) - 1

    def between(self, start: Fraction, end: Fraction) -> tuple[int, tuple[Fraction, ...]]:
        """Return the strongest places strictly between two, and their strength.

        Returns
        -------
        strength : int
        places : tuple of Fraction
            Empty where there is none that a note value could begin at.
        """
        beats = [edge for edge in self.edges if start < edge < end]
        if strong := tuple(edge for edge in beats if edge in self.strong):
            return STRONG, strong
        if beats:
            return BEAT, tuple(beats)
        first = self.edges[self.beat_of(start)]
        step = Fraction(1)
        for strength in range(EIGHTH, _WEAKEST, -1):
            step /= 2
            count = (start - first) // step + 1
            places = []
            while (place := first + count * step) < end:
                places.append(place)
                count += 1
            if places:
                return strength, tuple(places)
        return _WEAKEST, ()

    def cells(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """Return the beats, or their parts that are plain note values, as start and length.

        They fill the measure. At most one, where the measure is cut within a sixteenth, is no
        plain note value.
        """
        result: list[tuple[Fraction, Fraction]] = []
        for start, end in pairwise(self.edges):
            low, high = max(start, Fraction(0)), min(end, self.length)
            if low >= high:
                continue
            whole = (low, high) == (start, end)
            if whole and is_plain(end - start):
                result.append((start, end - start))
            elif whole:
                third = (end - start) / 3
                result += [(start + count * third, third) for count in range(3)]
            else:
                result += _pieces(low, high, from_end=high == end)
        return tuple(result)


def is_plain(length: Fraction) -> bool:
    """Return whether a length is a note value without dot."""
    return length.numerator.bit_count() == 1 and length.denominator.bit_count() == 1


def pulse(frame: MeasureFrame, *, first: bool = False) -> Pulse:
    """Return the beats of a measure.

    Parameters
    ----------
    frame : MeasureFrame
    first : bool
        Whether it is the first one of the score: if it is short then, it is a pick-up.
    """
    metre = frame.metre
    groups, strong = _groups(metre), _strong(metre)
    nominal = Fraction(4 * metre.numerator, metre.denominator)
    upbeat = frame.length < nominal and (first or frame.implicit)
    bar_start = frame.length - nominal if upbeat else Fraction(0)
    edges, marked = [bar_start], set()
    while edges[-1] < frame.length:
        begin = edges[-1]
        marked |= {begin + place for place in strong}
        if begin > 0:
            marked.add(begin)
        for group in groups:
            edges.append(edges[-1] + group)
    first_edge = bisect_right(edges, 0) - 1
    last_edge = next(place for place, edge in enumerate(edges) if edge >= frame.length)
    return Pulse(
        frame.length,
        tuple(edges[first_edge : last_edge + 1]),
        frozenset(marked),
        bar_start,
        any(not is_plain(group) for group in groups) or len(set(groups)) > 1,
        frame.length == nominal,
    )


def _groups(metre: Metre) -> tuple[Fraction, ...]:
    """Return the lengths of the beats of a bar, in quarter notes."""
    count, unit = metre.numerator, Fraction(4, metre.denominator)
    if unit >= 1:
        return (Fraction(1),) * int(count * unit)
    if count == 1:
        return (unit,)
    if count % 3 == 0:
        sizes = [3] * (count // 3)
    elif count == 5:
        sizes = [3, 2]
    elif count % 2:
        sizes = [2] * ((count - 3) // 2) + [3]
    else:
        sizes = [2] * (count // 2)
    return tuple(size * unit for size in sizes)


def _strong(metre: Metre) -> tuple[Fraction, ...]:
    """Return the strong beats within a bar, in quarter notes."""
    count, unit = metre.numerator, Fraction(4, metre.denominator)
    if unit > 1 or (unit == 1 and count % 4 == 0):
        return tuple(Fraction(place) for place in range(2, int(count * unit), 2))
    if unit == 1 and count > 3:
        # 5/4 is 3 + 2 and 7/4 is 4 + 3
        step = 4 if count == 7 else 3
        return tuple(Fraction(place) for place in range(step, count, step))
    return (6 * unit,) if count == 12 and unit < 1 else ()


def _pieces(low: Fraction, high: Fraction, *, from_end: bool) -> list[tuple[Fraction, Fraction]]:
    """Return a part of a beat as plain note values, and what is left over at its cut side."""
    left, lengths = high - low, []
    value = Fraction(2)
    while left and value >= _SIXTEENTH:
        if left >= value:
            lengths.append(value)
            left -= value
        else:
            value /= 2
    while left and left.denominator.bit_count() == 1:
        if left >= value:
            lengths.append(value)
            left -= value
        value /= 2
    if left:
        lengths.append(left)
    if from_end:
        lengths.reverse()
    result, start = [], low
    for length in lengths:
        result.append((start, length))
        start += length
    return result
