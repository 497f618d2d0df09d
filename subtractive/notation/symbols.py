"""What stands on the staff: chords and rests with values, ties, tuplets and beams."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import Literal, NamedTuple

from subtractive.notation.paper import WrittenNote
from subtractive.notation.pulse import Pulse
from subtractive.notation.values import Value, plain_values, window_values
from subtractive.notation.voices import Attack
from subtractive.notation.windows import Window, window_at

_BEAMED = ("eighth", "16th", "32nd", "64th", "128th", "256th", "512th", "1024th")
_HALF_BAR = Fraction(2)


class Symbol(NamedTuple):
    """A chord, a single note or a rest.

    Attributes
    ----------
    onset, duration : Fraction
        As they sound, in quarter notes from the beginning of the measure.
    notes : tuple of WrittenNote
        In order of pitch; empty for a rest.
    name, dots : str, int
        The note value, as `Value` has it; no name for a rest that fills its measure.
    window : Window
    tuplet : {"", "start", "stop", "both"}
        Whether the bracket of a tuplet begins or ends here.
    beams : tuple of str
        From the eighth's beam on: "begin", "continue", "end", "forward hook", "backward hook".
    """

    onset: Fraction
    duration: Fraction
    notes: tuple[WrittenNote, ...]
    name: str
    dots: int
    window: Window
    tuplet: Literal["", "start", "stop", "both"] = ""
    beams: tuple[str, ...] = ()

    @property
    def end(self) -> Fraction:
        """Where the next one begins."""
        return self.onset + self.duration


def symbols(
    windows: Sequence[Window], attacks: Sequence[Attack], pulse: Pulse
) -> tuple[Symbol, ...]:
    """Return what one voice shows in one measure; it fills the measure exactly.

    Parameters
    ----------
    windows, attacks : sequences
        As `struck` returns them.
    pulse : Pulse
    """
    if not pulse.length:
        return ()
    if not attacks and pulse.full:
        whole = Window(Fraction(0), pulse.length, pulse.length)
        return (Symbol(Fraction(0), pulse.length, (), "", 0, whole),)
    result: list[Symbol] = []
    here = Fraction(0)
    for attack in attacks:
        result += _stretch(here, attack.onset, (), windows, pulse)
        result += _stretch(attack.onset, attack.end, attack.notes, windows, pulse)
        here = attack.end
    result += _stretch(here, pulse.length, (), windows, pulse)
    return tuple(_beamed(_bracketed(result), pulse))


def _stretch(
    start: Fraction,
    end: Fraction,
    notes: tuple[WrittenNote, ...],
    windows: Sequence[Window],
    pulse: Pulse,
) -> list[Symbol]:
    """Return one note, chord or rest as symbols tied together."""
    pieces: list[tuple[Value, Window]] = []
    here = start
    while here < end:
        window = window_at(windows, here)
        until = min(end, window.end)
        if window.actual == 1:
            # plain beats are written on as one
            while until < end and window_at(windows, until).actual == 1:
                until = min(end, window_at(windows, until).end)
            values = plain_values(here, until, pulse, rest=not notes)
        else:
            values = window_values(here, until, window, rest=not notes)
        pieces += [(value, window) for value in values]
        here = until
    result = []
    for place, (value, window) in enumerate(pieces):
        first, last = place == 0, place + 1 == len(pieces)
        tied = tuple(
            note._replace(
                onset=value.onset,
                duration=value.duration,
                tied_back=note.tied_back if first else True,
                tied_on=note.tied_on if last else True,
            )
            for note in notes
        )
        result.append(Symbol(value.onset, value.duration, tied, value.name, value.dots, window))
    return result


def _bracketed(line: Sequence[Symbol]) -> list[Symbol]:
    """Return the symbols with the first and the last one of each tuplet marked."""
    result: list[Symbol] = []
    for window, group in groupby(line, key=lambda symbol: symbol.window):
        inside = list(group)
        if window.actual > 1:
            inside[0] = inside[0]._replace(tuplet="start" if len(inside) > 1 else "both")
            if len(inside) > 1:
                inside[-1] = inside[-1]._replace(tuplet="stop")
        result += inside
    return result


def _beamed(line: Sequence[Symbol], pulse: Pulse) -> list[Symbol]:
    """Return the symbols with beams: beat by beat, four eighths in one half of a 4/4 bar."""
    result: list[Symbol] = []
    for _, group in groupby(line, key=lambda symbol: _beam_group(symbol, line, pulse)):
        inside = list(group)
        flags = [_BEAMED.index(each.name) + 1 if _has_flag(each) else 0 for each in inside]
        result += [
            symbol._replace(beams=_beams(flags, place)) if flags[place] else symbol
            for place, symbol in enumerate(inside)
        ]
    return result


def _has_flag(symbol: Symbol) -> bool:
    return bool(symbol.notes) and symbol.name in _BEAMED


def _beam_group(symbol: Symbol, line: Sequence[Symbol], pulse: Pulse) -> tuple[int, Fraction]:
    if symbol.window.actual > 1:
        return 1, symbol.window.start
    half = (symbol.onset - pulse.bar_start) // _HALF_BAR * _HALF_BAR + pulse.bar_start
    if not pulse.uneven and half + _HALF_BAR in pulse.strong | {pulse.length}:
        inside = [each for each in line if half <= each.onset < half + _HALF_BAR]
        if len(inside) == 4 and all(each.notes and each.name == "eighth" for each in inside):
            return 2, half
    return 0, pulse.edges[pulse.beat_of(symbol.onset)]


def _beams(flags: Sequence[int], place: int) -> tuple[str, ...]:
    """Return the beams of one symbol of a group; `flags` counts the flags of each, 0: no beam."""
    before = flags[place - 1] if place else 0
    after = flags[place + 1] if place + 1 < len(flags) else 0
    if not before and not after:
        return ()
    result = []
    for level in range(1, flags[place] + 1):
        joins = before >= level, after >= level
        if joins == (True, True):
            result.append("continue")
        elif joins == (True, False):
            result.append("end")
        elif joins == (False, True):
            result.append("begin")
        else:
            # a hook points to where it belongs: back, but at the beginning of the group
            result.append("backward hook" if before else "forward hook")
    return tuple(result)
