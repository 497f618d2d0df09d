"""Which passages follow a song best: costs of bars, and the path of least cost over phrases.

It is unit selection after Hunt & Black, "Unit selection in a concatenative speech synthesis
system" (1996): a target cost between the traits of two bars, a join cost wherever the source
changes, and the path of least cost by dynamic programming (Viterbi).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.metrics.grid import Flags, Ints
from benchmarks.retrieval.shelf import Shelf
from benchmarks.retrieval.traits import BEATS, RHYTHMS, WIDTHS, Bits, Floats, Hearing


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a likeness is made of.

    Attributes
    ----------
    weights : mapping of str to float
        Of each trait in `WIDTHS`, and of "tempo" and "metre".
    phrase_bars : int
        The source may change only after so many bars.
    join : float
        What a change of source costs, in bars that have nothing in common.
    """

    weights: Mapping[str, float]
    phrase_bars: int
    join: float


_FRAME = {"tempo": 0.5, "metre": 4}
_TONES = {"harmony": 4, "lowest": 3}
_RHYTHM = dict.fromkeys(RHYTHMS, 1.0)
# Chosen on songs of freedoom's training split, each written without its own group. Chords change
# from bar to bar, so pitched parts may change their source there; a beat goes on for a phrase.
TUNINGS: dict[str, Tuning] = {
    "bass": Tuning({**_TONES, **_RHYTHM, **_FRAME}, phrase_bars=1, join=0.15),
    "guitar": Tuning({**_TONES, **_RHYTHM, **_FRAME}, phrase_bars=1, join=0.15),
    # the harmony says nothing to a drummer, the bass most
    "drums": Tuning(
        {**_RHYTHM, **_FRAME, "harmony": 0, "lowest": 0, "bass": 4, "guitar": 2},
        phrase_bars=4,
        join=1,
    ),
}
# A trait that the song never shows says little: perhaps nobody was there to play it.
_ABSENT = 0.1
_BLOCK_BARS, _BLOCK_BYTES = 32, 2**27
_TONAL = ("harmony", "lowest")
_TRANSPOSITIONS = (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6)


class Traits(NamedTuple):
    """The traits of some bars, unpacked."""

    flags: dict[str, Flags]
    quarters: Floats
    octaves: Floats

    @classmethod
    def of(cls, heard: Hearing, instrument: str) -> Traits:
        """Return the traits of the bars of a song without an instrument."""
        return cls(unpacked(heard.without(instrument)), heard.quarters, heard.octaves)

    def kinds(self) -> Ints:
        """Return a number for each bar, the same for bars that are alike in everything."""
        rows = [*self.flags.values(), self.quarters[:, None], self.octaves[:, None]]
        kinds: Ints = np.unique(np.concatenate(rows, axis=1), axis=0, return_inverse=True)[1]
        return kinds.ravel()


def unpacked(bits: Bits) -> dict[str, Flags]:
    """Return the flags of each trait [shape=(bar, width)] from bits packed by `Hearing.without`."""
    flags = np.unpackbits(bits, axis=1).view(np.bool_)
    cuts = np.cumsum([*WIDTHS.values()])[:-1]
    return dict(zip(WIDTHS, np.split(flags, cuts, axis=1), strict=True))


class Likeness:
    """Costs of the bars of a shelf, as numbers that can be multiplied."""

    def __init__(self, shelf: Shelf, tuning: Tuning) -> None:
        self._shelf, self._tuning = shelf, tuning
        flags = unpacked(shelf.bits)
        self._columns = {
            name: np.ascontiguousarray(each.T, dtype=np.float32)
            for name, each in flags.items()
            if tuning.weights[name]
        }
        self._counts = {name: each.sum(axis=0) for name, each in self._columns.items()}
        self.turns = _TRANSPOSITIONS if {*_TONAL} & {*self._columns} else (0,)

    def weights(self, asked: Traits) -> dict[str, float]:
        """Return the weights that add up to 1 for the traits that a song has."""
        raw = {
            name: weight if name in _FRAME or asked.flags[name].any() else weight * _ABSENT
            for name, weight in self._tuning.weights.items()
        }
        return {name: weight / sum(raw.values()) for name, weight in raw.items()}

    def phrases(self, asked: Traits, phrase_bars: int) -> Iterator[Floats]:
        """Yield what each phrase of a song costs, played from each bar of the shelf on.

        Yields
        ------
        array [shape=(transposition, bar)]
        """
        weights, kinds, song = self.weights(asked), asked.kinds(), self._shelf.song
        # many bars are multiplied at once, alike ones together, as far as the memory goes
        fitting = _BLOCK_BYTES // (4 * len(self.turns) * len(song)) // phrase_bars
        block = phrase_bars * min(max(1, fitting), -(-_BLOCK_BARS // phrase_bars))
        for first in range(0, len(kinds), block):
            _, rows, places = np.unique(
                kinds[first : first + block], return_index=True, return_inverse=True
            )
            costs = self.costs(asked, first + rows, weights)
            for start in range(0, len(places), phrase_bars):
                yield phrase_costs([costs[k] for k in places[start : start + phrase_bars]], song)

    def costs(self, asked: Traits, rows: Ints, weights: Mapping[str, float]) -> Floats:
        """Return what each bar of the shelf costs for some bars of the song.

        Returns
        -------
        array [shape=(row, transposition, bar)]
            0 where all is alike, 1 where nothing is.
        """
        octaves = np.abs(asked.octaves[rows][:, None] - self._shelf.octaves)
        quarters = np.abs(asked.quarters[rows][:, None] - self._shelf.quarters)
        other_metre = np.where(quarters > 0, np.minimum(1, 0.5 + quarters / 8), 0)
        flat = weights["tempo"] * np.minimum(1, octaves) + weights["metre"] * other_metre
        tonal = np.zeros((len(flat), len(self.turns), flat.shape[1]), dtype=np.float32)
        # Dice's distance 1 - 2 |A and B| / (|A| + |B|), and 0 if both are silent
        for name, columns in self._columns.items():
            flags = asked.flags[name][rows]
            total = flags.sum(axis=1)[:, None] + self._counts[name]
            flat += weights[name] * (total > 0)
            each = np.float32(2 * weights[name]) / np.maximum(total, 1).astype(np.float32)
            used = flags.any(axis=0)
            if name not in _TONAL:
                flat -= each * (flags[:, used].astype(np.float32) @ columns[used])
            elif used.any():
                by_beat = flags.reshape(-1, BEATS, 12)
                # the shelf's bar goes up by a turn, or the song's goes down by it
                lowered = np.stack([np.roll(by_beat, -turn, axis=2) for turn in self.turns], axis=1)
                lowered = lowered.reshape(-1, BEATS * 12)
                used = lowered.any(axis=0)
                shared = lowered[:, used].astype(np.float32) @ columns[used]
                shared = shared.reshape(tonal.shape)
                shared *= each[:, None]
                tonal -= shared
        tonal += flat[:, None].astype(np.float32)
        return tonal


def phrase_costs(bar_costs: Sequence[Floats], song: Ints) -> Floats:
    """Return what it costs to play some bars from each bar of the shelf on.

    Parameters
    ----------
    bar_costs : sequence of array [shape=(transposition, bar)]
    song : array of int [shape=(bar,)]
        A passage that runs over the end of its song is silent there: the worst there is.

    Returns
    -------
    array [shape=(transposition, bar)]
    """
    total: Floats = bar_costs[0].copy()
    for ahead, costs in enumerate(bar_costs[1:], 1):
        left = max(0, len(song) - ahead)
        following = np.ones_like(total)
        following[:, :left] = np.where(song[ahead:] == song[:left], costs[:, ahead:], 1)
        total += following
    return total


def least_path(phrases: Iterable[Floats], song: Ints, phrase_bars: int, join: float) -> Ints:
    """Return the states of the path of least cost [shape=(phrase, 2)]: transposition and bar.

    Parameters
    ----------
    phrases : iterable of array [shape=(transposition, bar)]
        Cost of each state; infinite where it must not be.
    song : array of int [shape=(bar,)]
    phrase_bars : int
        A source that goes on has moved by so many bars.
    join : float
        Cost of any other change.
    """
    goes_on = np.zeros(len(song), dtype=np.bool_)
    goes_on[phrase_bars:] = song[phrase_bars:] == song[:-phrase_bars]
    total = np.zeros((0, 0), dtype=np.float32)
    best: list[int] = []
    jumped: list[Bits] = []
    for costs in phrases:
        if best:
            stay = np.full_like(total, np.inf)
            stay[:, phrase_bars:] = total[:, :-phrase_bars]
            stay[:, ~goes_on] = np.inf
            jump = total.flat[best[-1]] + np.float32(join)
            jumped.append(np.packbits(stay > jump))
            total = np.minimum(stay, jump) + costs
        else:
            total = costs
        best.append(int(total.argmin()))
    state = best[-1]
    path = [state]
    for back in range(len(best) - 2, -1, -1):
        leapt = jumped[back][state // 8] >> (7 - state % 8) & 1
        state = best[back] if leapt else state - phrase_bars
        path.append(state)
    return np.stack(np.unravel_index(path[::-1], total.shape), axis=1)
