"""Grips on a guitar in standard tuning: what one hand can hold, and which is nearest to the last.

A grip has its bass on its lowest string and stays within four frets; open strings ring beside it.
Movable shapes are found once for a kind of chord and shifted along the neck; open chords are looked
for in the first position, root by root.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import NamedTuple

from subtractive.arrangement import ChordSymbol
from subtractive.fretboard import GUITAR

TUNING = GUITAR.strings
SPAN_FRETS = 4  # the fingers reach this many neighbouring frets
_TOP_FRET = 12  # of the lowest finger
_BASS_STRINGS = range(4)
_SHAPES_KEPT = 3  # of each bass string
_DROPPED = (7, 5, 2, 9, 8, 1, 6)  # of tones too many the first of these intervals is left out
_NOTE, _FRET, _MOVE = 1.0, 0.5, 0.5  # worth of a note more, a fret lower, a move less


class Grip(NamedTuple):
    """Frets from the lowest string up (-1: not played)."""

    frets: tuple[int, ...]

    @property
    def pitches(self) -> tuple[int, ...]:
        """What sounds, from the lowest string up."""
        return tuple(TUNING[string] + fret for string, fret in enumerate(self.frets) if fret >= 0)

    @property
    def position(self) -> int:
        """Lowest stopped fret; 0 if all strings are open."""
        return min((fret for fret in self.frets if fret > 0), default=0)


@cache
def _shapes(intervals: tuple[int, ...], bass: int) -> tuple[Grip, ...]:
    """Return movable shapes: frets counted from the bass note's, which is at `SPAN_FRETS`.

    Parameters
    ----------
    intervals : tuple of int
        Above the root; all of them sound.
    bass : int
        The interval on the lowest string.
    """
    kept: list[Grip] = []
    for lowest in _BASS_STRINGS:
        found: dict[Grip, None] = {}
        for low in range(1, SPAN_FRETS + 1):
            window = range(low, low + SPAN_FRETS)
            choices = []
            for string in range(lowest + 1, len(TUNING)):
                above = TUNING[string] - TUNING[lowest] - SPAN_FRETS + bass
                stopped = [fret for fret in window if (above + fret) % 12 in intervals]
                choices.append([*stopped, -1])
            for frets in product(*choices):
                grip = Grip((*[-1] * lowest, SPAN_FRETS, *frets))
                sounding = {
                    (pitch - TUNING[lowest] - SPAN_FRETS + bass) % 12 for pitch in grip.pitches
                }
                if sounding.issuperset(intervals) and _in_order(grip):
                    found[grip] = None
        # the fullest first, and of those the ones without a silent string in the middle
        kept += sorted(found, key=lambda grip: _gaps(grip) - len(grip.pitches))[:_SHAPES_KEPT]
    return tuple(kept)


def _in_order(grip: Grip) -> bool:
    return all(low < high for low, high in pairwise(grip.pitches))


def _gaps(grip: Grip) -> int:
    played = [string for string, fret in enumerate(grip.frets) if fret >= 0]
    return played[-1] - played[0] + 1 - len(played)


def tones_of(chord: ChordSymbol) -> tuple[int, ...]:
    """Return the pitch classes that a guitarist plays of a chord, root first.

    As many as a movable shape can hold: four at most; the fifth is the first to be left out.
    """
    root = chord.root or 0
    intervals = sorted({(tone - root) % 12 for tone in chord.pitch_classes} | {0})
    unneeded = [interval for interval in _DROPPED if interval in intervals]
    rest = [interval for interval in intervals if interval and interval not in unneeded]
    for interval in (*unneeded, *rest[::-1]):
        if len(intervals) <= 4 and _shapes(tuple(intervals), 0):
            break
        intervals.remove(interval)
    return tuple((root + interval) % 12 for interval in intervals)


@cache
def grips(tones: tuple[int, ...]) -> tuple[Grip, ...]:
    """Return grips that sound every one of `tones`, the first of them lowest; at least one.

    Parameters
    ----------
    tones : tuple of int
        Pitch classes, as `tones_of` returns them.
    """
    root = tones[0]
    found = []
    for shape in _shapes(tuple((tone - root) % 12 for tone in tones), 0):
        lowest = next(string for string, fret in enumerate(shape.frets) if fret >= 0)
        for at in range((root - TUNING[lowest]) % 12, _TOP_FRET + SPAN_FRETS, 12):
            shift = at - SPAN_FRETS
            frets = tuple(fret + shift if fret >= 0 else -1 for fret in shape.frets)
            if all(fret >= 0 or was < 0 for fret, was in zip(frets, shape.frets, strict=True)):
                found.append(Grip(frets))
    opened = (_open_grip(tones, lowest) for lowest in _BASS_STRINGS)
    return tuple(dict.fromkeys([*found, *(grip for grip in opened if grip)]))


def _open_grip(tones: tuple[int, ...], lowest: int) -> Grip | None:
    """Return the grip of the first three frets, each string at its lowest tone; None without."""

    def first(string: int, wanted: tuple[int, ...]) -> int | None:
        return next((f for f in range(SPAN_FRETS) if (TUNING[string] + f) % 12 in wanted), None)

    frets = [-1] * lowest
    missing = set(tones)
    for string in range(lowest, len(TUNING)):
        fret = first(string, tones[:1] if string == lowest else tuple(missing) or tones)
        if fret is None:
            fret = first(string, tones)
        if fret is None or (string == lowest and (TUNING[string] + fret) % 12 != tones[0]):
            return None
        frets.append(fret)
        missing.discard((TUNING[string] + fret) % 12)
    grip = Grip(tuple(frets))
    return grip if not missing and _in_order(grip) else None


def nearest(tones: tuple[int, ...], before: Grip | None) -> Grip:
    """Return the grip to go to: full, low on the neck, the hand and the top note moving little."""

    def cost(grip: Grip) -> float:
        move = 0
        if before is not None:
            move = abs(grip.position - before.position)
            move += abs(grip.pitches[-1] - before.pitches[-1])
        return _FRET * max(grip.frets) + _MOVE * move - _NOTE * len(grip.pitches)

    return min(grips(tones), key=cost)


def power_chord(pitch_class: int) -> tuple[int, int]:
    """Return root and fifth on the two lowest strings, the root from E2 to Eb3."""
    root = TUNING[0] + (pitch_class - TUNING[0]) % 12
    return root, root + 7
