"""In which order written measures are played: repeats, endings, D.C., D.S., coda and fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from subtractive.errors import FileFormatError

_MOST_BARS = 20_000  # ten hours of music; more is a mistake, or a trap


class RepeatMarks(NamedTuple):
    """What a written measure says about the order of playing.

    Attributes
    ----------
    forward : bool
        A repeat begins with this measure.
    times : int
        A repeat ends with this measure, and is played so often in all; 0: none ends.
    after_jump : bool
        That repeat is taken again after a D.C. or D.S.
    ending : frozenset of int
        An ending begins, for these passes.
    ending_stops : bool
        An ending ends with this measure.
    segno, coda : str
        The label of a sign at the beginning of this measure; "" for none.
    to_coda, dal_segno : str
        At the end of this measure: the label of the sign to go to; "" for none.
    da_capo, fine : bool
        At the end of this measure.
    until : str
        What a D.C. or D.S. is played to: "fine", "coda" or "" for whichever comes first.
    """

    forward: bool = False
    times: int = 0
    after_jump: bool = False
    ending: frozenset[int] = frozenset()
    ending_stops: bool = False
    segno: str = ""
    coda: str = ""
    to_coda: str = ""
    dal_segno: str = ""
    da_capo: bool = False
    fine: bool = False
    until: str = ""

    def merged(self, other: RepeatMarks) -> RepeatMarks:
        """Return the marks of both; where both say something, those of `self`."""
        return RepeatMarks._make(mine or theirs for mine, theirs in zip(self, other, strict=True))


def played_order(marks: Sequence[RepeatMarks]) -> tuple[int, ...]:
    """Return the written measures, by index, in the order in which they are played.

    After a D.C. or D.S. the repeats are not taken again and the last ending is played, as
    musicians do; they are taken again beyond the place of the jump, and in the coda. A jump is
    made once. A repeat without a beginning goes back to the end of the one before.

    Parameters
    ----------
    marks : sequence of RepeatMarks
        One for each written measure.

    Raises
    ------
    FileFormatError
        If that makes more than 20,000 bars.
    """
    walk = _Walk(marks)
    order: list[int] = []
    at = 0
    while at < len(marks):
        if len(order) >= _MOST_BARS:
            raise FileFormatError(
                f"the repeats make more than {_MOST_BARS:,} bars: correct the number of times"
            )
        if walk.enters(at):
            order.append(at)
            at = walk.after(at)
        else:
            at += 1
    return tuple(order)


@dataclass(frozen=True, slots=True)
class _Section:
    """Measures that one repeat goes over, and their first and last pass."""

    start: int
    first: int
    last: int
    after_jump: bool


class _Walk:
    """What is to be remembered on the way through a score."""

    def __init__(self, marks: Sequence[RepeatMarks]) -> None:
        self.marks = marks
        self.endings = _endings(marks)
        self.sections = _sections(marks, self.endings)
        self.passes: dict[int, int] = {}  # start of a section -> the pass that is played
        self.jumps: set[int] = set()  # already made
        self.jumped_from = -1
        self.until = ""
        self.going_back = False

    def enters(self, at: int) -> bool:
        """Return whether a measure is played, now that it is reached."""
        section = self.sections[at]
        if at == section.start and not self.going_back:
            self.passes[at] = section.first
        self.going_back = False
        return not self.endings[at] or self._pass(section) in self.endings[at]

    def after(self, at: int) -> int:
        """Return the measure to go to from the end of one that is played."""
        here, section, replayed = self.marks[at], self.sections[at], self.jumped_from >= 0
        if replayed and here.fine and self.until != "coda":
            return len(self.marks)
        now = self._pass(section)
        if here.times and now < section.last:
            self.passes[section.start] = now + 1
            self.going_back = True
            return section.start
        if replayed and here.to_coda and self.until != "fine":
            coda = self._coda(here.to_coda, at)
            if coda is not None:
                self.jumped_from = -1
                return coda
        if (here.da_capo or here.dal_segno) and at not in self.jumps:
            self.jumps.add(at)
            self.jumped_from, self.until = at, here.until
            return 0 if here.da_capo else self._segno(here.dal_segno, at)
        if at == self.jumped_from:
            self.jumped_from = -1
        return at + 1

    def _pass(self, section: _Section) -> int:
        if self.jumped_from >= 0 and not section.after_jump:
            return section.last
        return self.passes.get(section.start, section.first)

    def _coda(self, wanted: str, after: int) -> int | None:
        """Return the first place behind with the sign wanted, else with any coda sign."""
        places = [place for place in range(after + 1, len(self.marks)) if self.marks[place].coda]
        same = [place for place in places if self.marks[place].coda == wanted]
        return next(iter(same or places), None)

    def _segno(self, wanted: str, before: int) -> int:
        """Return the last place with the sign wanted, else with any segno, else the beginning."""
        places = [place for place in range(before + 1) if self.marks[place].segno]
        same = [place for place in places if self.marks[place].segno == wanted]
        return (same or places or [0])[-1]


def _endings(marks: Sequence[RepeatMarks]) -> list[frozenset[int]]:
    """Return the passes in which each measure is played; empty for all."""
    result: list[frozenset[int]] = []
    current: frozenset[int] = frozenset()
    for mark in marks:
        current = mark.ending or (frozenset() if mark.forward else current)
        result.append(current)
        if mark.ending_stops or mark.times:
            current = frozenset()
    return result


def _sections(marks: Sequence[RepeatMarks], endings: Sequence[frozenset[int]]) -> list[_Section]:
    """Return the section of each measure."""
    starts = [0]
    for place in range(1, len(marks)):
        closed = marks[place - 1].times > 0 or endings[place - 1]
        if marks[place].forward or (closed and not endings[place]):
            starts.append(place)
    result: list[_Section] = []
    for start, end in zip(starts, [*starts[1:], len(marks)], strict=True):
        inside = [(marks[place], endings[place]) for place in range(start, end)]
        numbers = {number for _, ending in inside for number in ending}
        times = max(mark.times for mark, _ in inside)
        first, last = 1, max(numbers, default=max(1, times))
        if numbers and any(mark.times and last in ending for mark, ending in inside):
            # an ending that goes back once more calls for a pass without it
            last += end < len(marks)
        elif numbers and not times and 1 not in numbers:
            first = last  # an excerpt that begins with a second ending
        again = any(mark.after_jump for mark, _ in inside)
        result += [_Section(start, first, last, again)] * (end - start)
    return result
