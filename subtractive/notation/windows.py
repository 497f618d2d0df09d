"""How each beat is divided: plainly, in three, six, five or seven, by what is struck in it.

Places that no usual division has are moved to the nearest of one that fits the beat, with a penalty
for divisions that are harder to read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from subtractive.notation.pulse import Pulse, is_plain

# Penalties in quarter notes of error; thirty-seconds only where nothing else holds all strokes.
_PENALTIES = {
    1: Fraction(0),
    2: Fraction(1, 50),
    4: Fraction(1, 20),
    3: Fraction(3, 50),
    6: Fraction(1, 8),
    8: Fraction(1, 3),
}
# What is written exactly is kept if one of these holds it: simplest first.
_EXACT = (1, 2, 4, 3, 6, 8, 5, 7, 16)
_NORMAL = {3: 2, 6: 4, 5: 4, 7: 4}  # notes that a tuplet stands in the place of
_SIXTEENTH = Fraction(1, 4)
EARLY = Fraction(1, 12)  # this much before a beat can mean the beat


class Window(NamedTuple):
    """A stretch of a measure that is divided in one way.

    Attributes
    ----------
    start, length : Fraction
        In quarter notes.
    step : Fraction
        From one of its places to the next.
    actual, normal : int
        The tuplet: so many notes in the time of so many; 1 and 1 where it is none.
    """

    start: Fraction
    length: Fraction
    step: Fraction
    actual: int = 1
    normal: int = 1

    @property
    def end(self) -> Fraction:
        """Where the next one begins."""
        return self.start + self.length


def window_at(windows: Sequence[Window], place: Fraction) -> Window:
    """Return the window that holds a place; the last one for the end of the measure."""
    found = bisect_left(windows, place, key=lambda window: window.end)
    if found < len(windows) and windows[found].end == place:
        found += 1
    return windows[min(found, len(windows) - 1)]


def divided(
    onsets: Iterable[Fraction], pulse: Pulse
) -> tuple[tuple[Window, ...], dict[Fraction, Fraction]]:
    """Return how a measure is divided for some onsets, and the place of each onset.

    Returns
    -------
    windows : tuple of Window
        They fill the measure.
    places : dict of Fraction to Fraction
        For each onset; the same wherever a usual division holds it. In the same order as the
        onsets, and each its own wherever the beat has so many.
    """
    waiting = sorted({max(Fraction(0), onset) for onset in onsets})
    result: list[Window] = []
    places: dict[Fraction, Fraction] = {}
    cells = pulse.cells()
    at = 0
    while at < len(cells):
        start, length = cells[at]
        wide = _over_beats(cells, at, waiting, pulse)
        if wide is not None:
            inside = [onset for onset in waiting if start <= onset < wide.end]
            places.update((onset, onset) for onset in inside)
            result.append(wide)
            at += int(wide.length)
            continue
        end = start + length
        inside = [onset for onset in waiting if onset not in places and (start <= onset < end)]
        if at + 1 == len(cells):
            inside += [onset for onset in waiting if onset >= end]
        taken = start in places.values()
        onward = at + 1 < len(cells) and not any(end <= onset <= end + EARLY for onset in waiting)
        windows, found = _cell(start, length, inside, taken=taken, onward=onward)
        result += windows
        places.update(zip(inside, found, strict=True))
        at += 1
    return tuple(result), places


def _over_beats(
    cells: Sequence[tuple[Fraction, Fraction]], at: int, onsets: Sequence[Fraction], pulse: Pulse
) -> Window | None:
    """Return the triplet over two or four quarter notes that begins at a cell, if there is one."""
    start = cells[at][0]
    for count in (4, 2):
        over = cells[at : at + count]
        if len(over) < count or any(length != 1 for _, length in over) or pulse.uneven:
            continue
        third = Fraction(count, 3)
        inner = {onset - start for onset in onsets if start < onset < start + count}
        if inner == {third, 2 * third} and (start - pulse.bar_start) % count == 0:
            return Window(start, Fraction(count), third, 3, 2)
    return None


def _cell(
    start: Fraction, length: Fraction, onsets: Sequence[Fraction], *, taken: bool, onward: bool
) -> tuple[list[Window], list[Fraction]]:
    """Return how one cell is divided, and the place of each onset in it.

    Parameters
    ----------
    start, length : Fraction
    onsets : sequence of Fraction
        In order.
    taken : bool
        Whether something from before was moved to its beginning.
    onward : bool
        Whether its end is free for what comes a little early.
    """
    if not is_plain(length):
        odd = length.denominator
        while odd % 2 == 0:
            odd //= 2
        normal = 1 << (odd.bit_length() - 1)
        return [Window(start, length, length, odd, normal)], [start] * len(onsets)
    offsets = [onset - start for onset in onsets]
    if not taken:
        for count in _EXACT:
            if all((offset * count / length).denominator == 1 for offset in offsets):
                if count == 6 and (halves := _halves(start, length, offsets)):
                    return halves, list(onsets)
                if count in {5, 6, 7} and length < 1:
                    continue
                return [_window(start, length, count)], list(onsets)
        if halves := _halves(start, length, offsets):
            return halves, list(onsets)
    best: tuple[Fraction, int, tuple[Fraction, ...]] | None = None
    for count, penalty in _PENALTIES.items():
        # six in an eighth note would be a sextuplet of thirty-seconds
        if length * 8 < count or (count == 6 and length < 1):
            continue
        grid = [length * place / count for place in range(int(taken), count + int(onward))]
        for chosen in combinations(grid, len(offsets)):
            pairs = zip(chosen, offsets, strict=True)
            cost = penalty + sum((abs(place - offset) for place, offset in pairs), Fraction(0))
            if best is None or cost < best[0]:
                best = cost, count, chosen
    if best is None:
        # more strokes than places: those nearest to one place share it
        count = 8 if length == 1 else max(1, int(length * 8))
        step = length / count
        shared = [start + min(count - 1, round(offset / step)) * step for offset in offsets]
        return [_window(start, length, count)], shared
    _, count, chosen = best
    return [_window(start, length, count)], [start + place for place in chosen]


def _window(start: Fraction, length: Fraction, count: int) -> Window:
    normal = _NORMAL.get(count)
    if normal is None:
        return Window(start, length, length / count)
    return Window(start, length, length / count, count, normal)


def _halves(start: Fraction, length: Fraction, offsets: Sequence[Fraction]) -> list[Window]:
    """Return a beat of which one half is a triplet, the other plain; nothing if it is none."""
    half = length / 2
    if half < _SIXTEENTH * 2 or half not in offsets:
        return []
    result = []
    for begin in (Fraction(0), half):
        inside = [offset - begin for offset in offsets if begin <= offset < begin + half]
        counts = [
            count
            for count in (1, 2, 3)
            if all((offset * count / half).denominator == 1 for offset in inside)
        ]
        if not counts:
            return []
        result.append(_window(start + begin, half, counts[0]))
    return result if any(window.actual == 1 for window in result) else []
