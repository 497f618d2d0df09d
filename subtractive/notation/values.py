"""Note values: how a length is written, as one value or as several tied ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from subtractive.notation.pulse import BEAT, STRONG, Pulse, is_plain
from subtractive.notation.windows import Window

# Note values as MusicXML calls them, in quarter notes; the first is a sixteenth of a 64th.
_NAMES = (
    "1024th", "512th", "256th", "128th", "64th", "32nd", "16th",
    "eighth", "quarter", "half", "whole", "breve", "long",
)  # fmt: skip
VALUES: dict[Fraction, str] = {
    Fraction(1, 256) * 2**power: name for power, name in enumerate(_NAMES)
}
_LONGEST, _SHORTEST = max(VALUES), min(VALUES)


class Value(NamedTuple):
    """One written note value.

    Attributes
    ----------
    onset, duration : Fraction
        As it sounds, in quarter notes.
    name : str
        As MusicXML calls it; empty where no name says it.
    dots : int
    """

    onset: Fraction
    duration: Fraction
    name: str
    dots: int = 0


def named(length: Fraction) -> tuple[str, int] | None:
    """Return name and dots of a length in quarter notes; None if no single value has it."""
    if length in VALUES:
        return VALUES[length], 0
    if length * 2 / 3 in VALUES:
        return VALUES[length * 2 / 3], 1
    return None


def plain_values(start: Fraction, end: Fraction, pulse: Pulse, *, rest: bool) -> list[Value]:
    """Return the values of a stretch without tuplets: as few as show the beats.

    Parameters
    ----------
    start, end : Fraction
    pulse : Pulse
    rest : bool
        Rests hide less than notes do: they have dots only for dotted beats.
    """

    @cache  # long measures can be split at the same beats in a great many orders
    def fewest(start: Fraction, end: Fraction) -> tuple[Value, ...]:
        strength, places = pulse.between(start, end)
        value = named(end - start)
        if value is not None and _shows_beat(start, end, pulse, (strength, places), rest=rest):
            return (Value(start, end - start, *value),)
        if not places:
            return tuple(_summed(start, end - start, Fraction(1)))
        ways = (fewest(start, place) + fewest(place, end) for place in reversed(places))
        return min(ways, key=len)

    return list(fewest(start, end))


def _shows_beat(
    start: Fraction,
    end: Fraction,
    pulse: Pulse,
    inner: tuple[int, tuple[Fraction, ...]],
    *,
    rest: bool,
) -> bool:
    """Return whether one value may stand there without hiding the places within it."""
    strength, places = inner
    if not places:
        return True
    ends = pulse.strength(start), pulse.strength(end)
    if pulse.uneven and strength >= BEAT:
        # over the dotted beats of 6/8 only whole ones: a half note there would be none
        return min(ends) >= BEAT and (not rest or strength < min(ends))
    if rest:
        dotted_beat = pulse.uneven and min(ends) >= BEAT
        return strength < min(ends) and (is_plain(end - start) or dotted_beat)
    if strength <= max(ends):
        return True
    # eighth, quarter, eighth: a syncopation that is read at a glance
    return (
        len(places) == 1
        and ends == (strength - 1, strength - 1)
        and is_plain(end - start)
        and strength <= STRONG
    )


def window_values(start: Fraction, end: Fraction, window: Window, *, rest: bool) -> list[Value]:
    """Return the values of a stretch within a tuplet, as few as there can be."""
    scale = Fraction(window.actual, window.normal)
    value = named((end - start) * scale)
    if value is not None and not (rest and value[1]):
        return [Value(start, end - start, *value)]
    return list(_summed(start, end - start, scale))


def _summed(start: Fraction, length: Fraction, scale: Fraction) -> Iterator[Value]:
    """Yield values that add up to a length, longest first; what no value says has no name."""
    left, value = length * scale, _LONGEST
    while left and value >= _SHORTEST:
        if left >= value:
            yield Value(start, value / scale, VALUES[value])
            start += value / scale
            left -= value
        else:
            value /= 2
    if left:
        yield Value(start, left / scale, "")
