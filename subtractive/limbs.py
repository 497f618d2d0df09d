"""Can a drummer play it: two hands and two feet, and how fast each can be.

Two kinds of rules. A *crowd*: within one moment (`MOMENT_SECONDS`) a drummer reaches no more than
two drums with the hands, holds the hi-hat open or closed but not both, and has one bass drum. A
*pace*: strokes come at a rate that limbs can keep up, but for a short burst. Several strokes on one
drum within a moment are no crowd: flams, ruffs and bounces are played.

Where the limits come from
--------------------------
The record for a minute of single strokes is 1,208 (Tom Grosset, World's Fastest Drummer, 2013),
20 a second for both hands; double strokes bounce and go somewhat faster. Hence 24 a second for two
hands, 18 for two feet (16ths at 240 are 16), and 12.5 for one foot alone, half of what two hands
do. Moment and bursts are set so that people pass: of the 435,655 strokes of ten drummers in the
training split of the Groove MIDI Dataset, 0.08 % break a rule; no two strokes on open and closed
hi-hat come within 30 ms there. A pedalled hi-hat does sound together with an open one: that is how
a foot splash is played.

A pace of r strokes a second with a burst of b means that n strokes take at least (n - b) / r
seconds, for every n (the generic cell rate algorithm, ITU-T I.371). It is counted with one tempo
for the whole part.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.arrays import Notes

Bools = npt.NDArray[np.bool_]
Seconds = npt.NDArray[np.float64]

MOMENT_SECONDS = 0.03

KICKS = frozenset((35, 36))
PEDAL_HAT = 44
CLOSED_HATS, OPEN_HATS = frozenset((22, 42)), frozenset((26, 46))
# What people beside the drum kit play, and clicks: hand claps, tambourine, vibraslap, congas, ...
PERCUSSION = frozenset((*range(27, 35), 39, 54, 58, *range(60, 88)))
HANDS = frozenset(range(128)) - KICKS - {PEDAL_HAT}
# Keys that sound one instrument: who strikes one of them is already there for the others.
_ONE_DRUM = (frozenset((37, 38, 40)), CLOSED_HATS | OPEN_HATS, frozenset((51, 53, 59)))
_DRUM = {key: min(keys) for keys in _ONE_DRUM for key in keys}


class Crowd(NamedTuple):
    """At most so many different things among some keys within one moment."""

    thing: dict[int, int]
    most: int


class Pace(NamedTuple):
    """How fast strokes on some keys may follow: a rate, and a burst that may come at once."""

    keys: frozenset[int]
    per_second: float
    burst: int


def _hands(keys: Iterable[int]) -> tuple[Crowd, Pace]:
    """Return the rules of one person's two hands."""
    return Crowd({key: _DRUM.get(key, key) for key in keys}, 2), Pace(frozenset(keys), 24.0, 4)


_HAT_AND_FEET: tuple[Crowd | Pace, ...] = (
    Crowd({key: int(key in OPEN_HATS) for key in CLOSED_HATS | OPEN_HATS}, 1),
    Crowd({key: key for key in KICKS}, 1),
    Pace(frozenset((PEDAL_HAT,)), 12.5, 1),
    Pace(KICKS | {PEDAL_HAT}, 18.0, 3),
)
DRUMMER = (*_HAT_AND_FEET, *_hands(HANDS))
DRUMMER_AND_PERCUSSIONIST = (
    *_HAT_AND_FEET,
    *_hands(HANDS - PERCUSSION),
    *_hands(PERCUSSION),
)


def _crowded(seconds: Seconds, things: npt.NDArray[np.int64], most: int) -> Bools:
    """Return which strokes find too many others at that moment, going in order."""
    found = np.zeros(len(seconds), dtype=np.bool_)
    close = seconds[most:] - seconds[:-most] < MOMENT_SECONDS
    if not close.any():
        return found
    last: dict[int, float] = {}
    for place, (now, thing) in enumerate(zip(seconds.tolist(), things.tolist(), strict=True)):
        others = sum(now - then < MOMENT_SECONDS for what, then in last.items() if what != thing)
        if others >= most:
            found[place] = True
        else:
            last[thing] = now
    return found


def _rushed(seconds: Seconds, pace: Pace) -> Bools:
    """Return which strokes come too early; the fewest whose absence keeps the pace."""
    found = np.zeros(len(seconds), dtype=np.bool_)
    late = np.arange(len(seconds)) - pace.per_second * seconds
    # above the least that came before: how much of the burst is used up
    if (late - np.minimum.accumulate(late) <= pace.burst - 1 + 1e-6).all():
        return found
    grace, due = (pace.burst - 1) / pace.per_second + 1e-9, -np.inf
    for place, now in enumerate(seconds.tolist()):
        if now < due - grace:
            found[place] = True
        else:
            due = max(due, now) + 1 / pace.per_second
    return found


def unplayable_strokes(
    notes: Notes, ticks_per_beat: int, tempo_qpm: float, *, percussionist: bool = True
) -> Bools:
    """Return which strokes no drummer can play beside the others.

    Rule by rule and in order of time, a stroke is left out where it would break the rule together
    with those that stay. A key struck twice in one tick is one stroke.

    Parameters
    ----------
    notes : array of NOTE [shape=(note,)]
        In any order.
    ticks_per_beat : int
        Ticks to a quarter note.
    tempo_qpm : float
        Quarter notes a minute, for the whole part.
    percussionist : bool
        Whether a second person with two hands plays `PERCUSSION`. Files put the kit and the
        percussion of a band on one channel.

    Returns
    -------
    array of bool [shape=(note,)]
        In the order of `notes`; of equal strokes in one tick all or none. None are True if and
        only if the part can be played; then it still can with any of its notes taken away.
    """
    strokes, place = np.unique(
        np.stack([notes["onset"].astype(np.int64), notes["pitch"].astype(np.int64)], axis=1),
        axis=0,
        return_inverse=True,
    )
    seconds: Seconds = strokes[:, 0].astype(np.float64) * (60.0 / (tempo_qpm * ticks_per_beat))
    at_fault = np.zeros(len(strokes), dtype=np.bool_)
    for rule in DRUMMER_AND_PERCUSSIONIST if percussionist else DRUMMER:
        table = np.full(128, -1)
        if isinstance(rule, Crowd):
            table[list(rule.thing)] = list(rule.thing.values())
        else:
            table[list(rule.keys)] = 0
        thing = table[strokes[:, 1] & 127]
        chosen = np.flatnonzero((thing >= 0) & ~at_fault)
        if isinstance(rule, Crowd):
            at_fault[chosen] = _crowded(seconds[chosen], thing[chosen], rule.most)
        else:
            at_fault[chosen] = _rushed(seconds[chosen], rule)
    return at_fault[place.reshape(-1)]
