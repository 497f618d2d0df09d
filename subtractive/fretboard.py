"""Can a bassist or a guitarist play it: grips on strings and frets, and a hand that must get there.

A *grip* is a chord on a fretboard: each note on a string of its own, fretted notes within the
stretch of a hand, at most four fingers. A finger may hold several strings at one fret (a barre)
unless a string between them sounds at a lower one.

The hand is where its index finger is. A part is followed attack by attack with all places where the
hand can be (dynamic programming over positions): between two attacks it moves as fast as it can; a
note that sounds on keeps its finger, so the hand stays where that note can be held, and the next
chord must be gripped beside it. Two approximations keep the state small: a held note may change
between strings that the hand reaches at one place (open strings, and G against B), and whoever
misses an attack lets go of what was held.

Where the limits come from
--------------------------
A guitarist's hand spans five frets at the nut (of a 648 mm scale: 126 mm), so a bassist's spans
four (of 864 mm: 130 mm). The hand moves 30 frets a second: an octave on the neck, 324 mm onto a
fret 15 mm wide, in 0.4 s. That is 5.4 bits in the sense of Fitts (The information capacity of the
human motor system, 1954), at 13.5 bits a second, a little above the 10 to 12 that he measured. It
rules out the impossible, not the uncomfortable: of the bass and guitar parts in Freedoom's training
split, 0.002 % and 0.07 % of the attacks are missed for lack of time. Notes that overlap the next
one by less than a tenth of a second are legato, no double stop. Picking speed is not limited.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise, permutations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.arrays import Notes

Grip = tuple[int, ...]
"""The fret on each string, lowest string first: 0 is open, -1 silent."""

SILENT = -1
FINGERS = 4
SHIFT_FRETS_PER_SECOND = 30
STRUM_SECONDS = 0.03  # strings of one chord follow each other this closely
LEGATO_SECONDS = 0.1  # of overlap that nobody takes for two voices
_CACHED = 1 << 16


class Fretboard(NamedTuple):
    """An instrument with strings.

    Attributes
    ----------
    strings : tuple of int
        MIDI pitches of the open strings, lowest first.
    frets : int
    stretch : int
        Frets between the lowest and the highest fretted note that a hand can hold.
    """

    strings: tuple[int, ...]
    frets: int
    stretch: int

    @property
    def anywhere(self) -> int:
        """All places of the hand as bits: bit 0 has the index finger at the first fret."""
        return (1 << self.frets) - 1


BASS = Fretboard((28, 33, 38, 43), 24, 3)
GUITAR = Fretboard((40, 45, 50, 55, 59, 64), 24, 4)
FRETBOARDS = {"bass": BASS, "guitar": GUITAR}


class Handwork(NamedTuple):
    """What came of following a part: attacks in all, and those that could not be played.

    Attributes
    ----------
    attacks : int
        Moments at which something is struck; a strum is one.
    out_of_range : int
        With a note that the fretboard does not have.
    without_grip : int
        In range, but no hand can grip the chord.
    over_held : int
        No hand can grip the chord beside the notes that still sound.
    out_of_reach : int
        The hand does not get there in time: the fewest that must be missed.
    """

    attacks: int = 0
    out_of_range: int = 0
    without_grip: int = 0
    over_held: int = 0
    out_of_reach: int = 0

    @property
    def failed(self) -> int:
        """Attacks that could not be played."""
        return self.out_of_range + self.without_grip + self.over_held + self.out_of_reach


def finger_count(grip: Grip) -> int:
    """Return the fewest fingers that hold a grip."""
    count = 0
    for place, fret in enumerate(grip):
        if fret <= 0:
            continue
        # a barre from a lower string reaches here unless something lower sounds in between
        for below in reversed(grip[:place]):
            if below == fret:
                break
            if SILENT < below < fret:
                count += 1
                break
        else:
            count += 1
    return count


@lru_cache
def _placements(strings: int, notes: int) -> npt.NDArray[np.int64]:
    """Return all ways to put notes on strings of their own [shape=(way, note)]."""
    return np.array(list(permutations(range(strings), notes)), dtype=np.int64).reshape(-1, notes)


@lru_cache(_CACHED)
def _grips(board: Fretboard, pitches: tuple[int, ...]) -> tuple[Grip, ...]:
    if len(pitches) > len(board.strings):
        return ()
    strings = _placements(len(board.strings), len(pitches))
    frets = np.array(pitches, dtype=np.int64) - np.array(board.strings)[strings]
    low, high = np.where(frets > 0, frets, 127).min(axis=1), frets.max(axis=1)
    held = (frets >= 0).all(axis=1) & (high <= board.frets) & (high - low <= board.stretch)
    found = np.full((np.count_nonzero(held), len(board.strings)), SILENT)
    np.put_along_axis(found, strings[held], frets[held], axis=1)
    return tuple(grip for grip in map(tuple, found.tolist()) if finger_count(grip) <= FINGERS)


def grips(board: Fretboard, pitches: Iterable[int]) -> tuple[Grip, ...]:
    """Return all ways to grip a chord; none if there is no way.

    Parameters
    ----------
    board : Fretboard
    pitches : iterable of int
        MIDI pitches in any order. A pitch that comes twice is one note.
    """
    chord = tuple(sorted({int(pitch) for pitch in pitches}))
    return _grips(board, chord) if chord else ((SILENT,) * len(board.strings),)


@lru_cache(_CACHED)
def _regions(board: Fretboard, pitches: tuple[int, ...]) -> tuple[int, ...]:
    """Return the places of the hand, as bits, at which each grip of a chord can be held."""
    found = set()
    for grip in _grips(board, pitches):
        frets = [fret for fret in grip if fret > 0]
        if not frets:
            found.add(board.anywhere)
        else:
            found.add((1 << min(frets)) - (1 << max(0, max(frets) - board.stretch - 1)))
    return tuple(found)


@lru_cache(_CACHED)
def _places(board: Fretboard, pitches: tuple[int, ...]) -> int:
    """Return the places of the hand, as bits, at which a chord can be gripped."""
    return _union(_regions(board, pitches))


def _union(regions: Iterable[int]) -> int:
    places = 0
    for region in regions:
        places |= region
    return places


@lru_cache(_CACHED)
def _near(places: int, frets: int, anywhere: int) -> int:
    """Return the places at most so many frets from some `places`."""
    for _ in range(min(frets, anywhere.bit_length())):
        places |= places << 1 | places >> 1
    return places & anywhere


def _moved(layers: list[int], frets: int, regions: tuple[int, ...], anywhere: int) -> list[int]:
    """Return where the hand can be after a move; held notes keep it within a region of theirs."""
    if not regions:
        return [_near(layer, frets, anywhere) for layer in layers]
    moved = []
    for layer in layers:
        # a hand outside has missed the held notes, and is free
        places = _near(layer & ~_union(regions), frets, anywhere)
        for region in regions:
            places |= _near(layer & region, frets, anywhere) & region
        moved.append(places)
    return moved


def _struck(layers: list[int], fits: int, anywhere: int) -> list[int]:
    """Return where the hand can be after an attack that fits some places; the first may be 0.

    Layer k holds the places that k more misses than the fewest can lead to; the last is anywhere.
    """
    missed = [0, *layers]
    played = [*(layer & fits for layer in layers), anywhere]
    after = [hit | miss for hit, miss in zip(played, missed, strict=True)]
    while len(after) > 1 and after[-2] == anywhere:
        after.pop()
    return after


def follow(notes: Notes, ticks_per_beat: int, tempo_qpm: float, board: Fretboard) -> Handwork:
    """Return how far a hand can follow a part.

    Parameters
    ----------
    notes : array of NOTE [shape=(note,)]
        In any order.
    ticks_per_beat : int
        Ticks to a quarter note.
    tempo_qpm : float
        Quarter notes a minute, for the whole part.
    board : Fretboard

    Returns
    -------
    Handwork
        Nothing failed: the part can be played, and then it still can with any notes taken away.
    """
    if not len(notes):
        return Handwork()
    notes = notes[np.lexsort((notes["pitch"], notes["onset"]))]
    second = 60.0 / (tempo_qpm * ticks_per_beat)
    onset = notes["onset"] * second
    end = (onset + notes["duration"] * second).tolist()
    # what is left of a strum without one of its strings is still within one grip
    starts = np.flatnonzero(np.diff(onset, prepend=-np.inf) > STRUM_SECONDS)
    edges = [*starts.tolist(), len(notes)]
    clock = np.floor(onset * SHIFT_FRETS_PER_SECOND + 1e-6).astype(np.int64).tolist()
    now, pitch = onset.tolist(), notes["pitch"].tolist()

    out_of_range = without_grip = over_held = out_of_reach = 0
    lowest, highest = board.strings[0], board.strings[-1] + board.frets
    anywhere, layers = board.anywhere, [board.anywhere]
    held: dict[int, float] = {}  # until when each pitch sounds
    since = clock[0]
    for first, last in pairwise(edges):
        struck = pitch[first:last]
        chord = tuple(sorted(set(struck)))
        if not _places(board, chord):
            inside = lowest <= chord[0] and chord[-1] <= highest
            without_grip += inside
            out_of_range += not inside
            continue
        held = {each: till for each, till in held.items() if till > now[first] + LEGATO_SECONDS}
        regions = _regions(board, tuple(sorted(held))) if held else ()
        fits = _places(board, tuple(sorted({*chord, *held})) if held else chord)
        layers = _moved(layers, clock[first] - since, regions, anywhere)
        since = clock[last - 1]
        if not fits:
            over_held, held = over_held + 1, {}
        else:
            layers = _struck(layers, fits, anywhere)
            if not layers[0]:
                out_of_reach, held = out_of_reach + 1, {}
                layers = layers[1:]
        for each, till in zip(struck, end[first:last], strict=True):
            held[each] = max(till, held.get(each, 0.0))
    return Handwork(len(starts), out_of_range, without_grip, over_held, out_of_reach)
