"""What a written part has in common with the parts that a writer learned from.

A part is told by its *moves*. Onsets are rounded to a 12th of a quarter note, half a 12th goes up;
at one onset each pitch counts once, from low to high. A move of a pitched part is the step in time
and the interval to the next note, so neither key nor tempo nor ticks count. Drums are told by the
kind of drum (`subtractive.kit`) and the step to the next stroke; nobody transposes them.
Durations and velocities say nothing: a copy played otherwise is a copy.

So n notes are n - 1 moves, of drums with the kind of the last stroke. A passage of 4, 8 or 16 notes
is *copied* if the same moves follow each other somewhere in one excerpt of the training corpora:
what a writer saw in one piece.

No moves are kept, but short hashes of the passages, in no order of the music: a `Known` answers
whether it holds a passage, and has none to show. Different passages share a hash, so that it says
yes too often: to one foreign passage in 256, 64 and 16, by length, and to these only if all shorter
passages in them are known. It never says no to what it learned.

Hashes can't be undone, but whoever guesses a passage can ask. The figures of 4 notes can be found
by trying all, which gives a vocabulary and no music; a patient search that lengthens them note by
note finds longer ones too, without keys, durations and songs. An index is no safe for secrets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subtractive.arrays import Notes
from subtractive.instruments import instrument
from subtractive.kit import KIND

Moves = npt.NDArray[np.uint16]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

STEPS = 12  # to a quarter note
LONGEST_STEP = 254  # 21 quarter notes; a longer rest counts as this one
END = 0xFFFE  # no move: the last note of a pitched part
LENGTHS = (4, 8, 16)  # notes of the passages that are looked up
# Of a hash beyond what tells the passages of a corpus apart: one foreign passage in 2^bits is taken
# for a known one. Long passages are many and asked for last, so that few bits do for them.
BITS = {4: 8, 8: 6, 16: 4}
GRAM = 8  # notes of the passages by which songs are told,
SAMPLED = 8  # one in so many of them
_NO_STEP = 255
_SEMITONES = 128  # that are added to an interval
_ODD = 0x9E37_79B9_7F4A_7C15  # 2^64 by the golden ratio


def moves_of(notes: Notes, ticks_per_beat: int, instrument_name: str) -> Moves:
    """Return the moves of a part, one for each of its notes; see the module's description.

    Parameters
    ----------
    notes : array of NOTE [shape=(note,)]
        In any order, from the start of the music: it is from there that onsets are rounded.
    ticks_per_beat : int
        Ticks in a quarter note.
    instrument_name : str
        One of `subtractive.instruments.INSTRUMENTS`.

    Returns
    -------
    array of uint16 [shape=(note,)]
        Notes that fall together on the grid are one. Pitched: step << 8 | 128 + interval, and `END`
        for the last note. Drums: kind << 8 | step, with 255 for the step of the last stroke.

    Raises
    ------
    InstrumentError
        If there is no such instrument.
    """
    is_drums = instrument(instrument_name).name == "drums"
    places = (2 * STEPS * notes["onset"].astype(np.int64) + ticks_per_beat) // (2 * ticks_per_beat)
    pitch = KIND[notes["pitch"]] if is_drums else notes["pitch"].astype(np.int64)
    places, pitch = np.divmod(np.unique(places * 128 + pitch), 128)
    if not len(pitch):
        return np.zeros(0, dtype=np.uint16)
    steps = np.minimum(np.diff(places), LONGEST_STEP)
    if is_drums:
        moves = pitch << 8 | np.append(steps, _NO_STEP)
    else:
        moves = np.append(steps << 8 | _SEMITONES + np.diff(pitch), END)
    return np.asarray(moves, dtype=np.uint16)


class Passages:
    """Hashes of all passages of some parts, of any length.

    A passage is the sum of its hashed moves times powers of an odd number (Karp and Rabin,
    Efficient randomized pattern-matching algorithms, 1987): the difference of two running sums,
    divided by the power that it begins with. Different passages have one hash of 64 bits by a
    chance that is never met.

    Parameters
    ----------
    parts : sequence of array of uint16 [shape=(note,)]
        As `moves_of` returns them.
    is_drums : bool
    """

    def __init__(self, parts: Sequence[Moves], *, is_drums: bool) -> None:
        moves = np.concatenate([np.zeros(0, dtype=np.uint16), *parts])
        counts = np.array([len(part) for part in parts], dtype=np.int64)
        self.part = np.repeat(np.arange(len(parts)), counts)  # of each note
        self._left = np.cumsum(counts)[self.part] - np.arange(len(moves))  # notes of the part
        mixed = _mixed(moves.astype(np.uint64) + np.uint64(1))
        self._sums = np.append(np.uint64(0), np.cumsum(mixed * _powers(_ODD, len(moves))))
        self._divisors = _powers(pow(_ODD, -1, 2**64), len(moves))
        self._kinds = _mixed((moves >> 8).astype(np.uint64) + np.uint64(1)) if is_drums else None

    def places(self, length: int) -> Ints:
        """Return the notes from which on there are `length` notes, 1 or more, in one part."""
        return np.flatnonzero(self._left >= length)

    def of(self, length: int) -> Hashes:
        """Return a hash of the `length` notes from each of `places(length)` on."""
        places = self.places(length)
        last = places + length - 1
        hashes = _mixed((self._sums[last] - self._sums[places]) * self._divisors[places])
        if self._kinds is not None:  # of the last stroke the kind is enough
            hashes = _mixed(hashes + self._kinds[last])
        return hashes


@dataclass(frozen=True, eq=False)
class HashSet:
    """A set of hashes that were cut short.

    Attributes
    ----------
    values : array of uint32 [shape=(value,)]
        Ascending, below `bound`.
    bound : int
    """

    values: npt.NDArray[np.uint32]
    bound: int

    @classmethod
    def of(cls, hashes: Hashes, bits: int) -> HashSet:
        """Return the set of some hashes, with at most one false yes in 2^bits."""
        distinct = np.unique(hashes)
        bound = min(len(distinct) << bits, 1 << 32)
        return cls(np.unique(_cut(distinct, bound)), bound)

    def cut(self, hashes: Hashes) -> npt.NDArray[np.uint32]:
        """Return hashes cut as short as those of the set."""
        return _cut(hashes, self.bound)

    def holds(self, hashes: Hashes) -> Bools:
        """Return which hashes the set may hold; none that it holds is missed."""
        if not len(self.values):
            return np.zeros(len(hashes), dtype=np.bool_)
        wanted = self.cut(hashes)
        place = np.searchsorted(self.values, wanted)
        there = self.values[np.minimum(place, len(self.values) - 1)]
        return np.asarray(there == wanted)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the training parts of one instrument.

    Songs are told by passages of `GRAM` notes, of which those with the least hashes are sampled
    (FracMinHash: Irber et al., Lightweight compositional analysis of metagenomes with FracMinHash
    and minimum metagenome covers, 2022).

    Attributes
    ----------
    sets : mapping of int to HashSet
        Of the passages of each of `LENGTHS`.
    owners : array of int [shape=(pair,)]
        Which song holds which sampled passage: the passage's place in its set times `song_count`,
        and the song; ascending.
    song_count : int
    is_drums : bool
    """

    sets: Mapping[int, HashSet]
    owners: Ints
    song_count: int
    is_drums: bool

    @classmethod
    def of(
        cls, parts: Sequence[Moves], songs: Sequence[int], song_count: int, *, is_drums: bool
    ) -> Known:
        """Return what is known of some parts; `songs` tells which song each part is of."""
        passages = Passages(parts, is_drums=is_drums)
        sets = {length: HashSet.of(passages.of(length), BITS[length]) for length in LENGTHS}
        values = sets[GRAM].cut(passages.of(GRAM))
        owner = np.array(songs, dtype=np.int64)[passages.part[passages.places(GRAM)]]
        sampled = values < sets[GRAM].bound // SAMPLED
        place = np.searchsorted(sets[GRAM].values, values[sampled])
        return cls(sets, np.unique(place * song_count + owner[sampled]), song_count, is_drums)

    def copied(self, part: Moves) -> dict[int, Bools]:
        """Return which passages of a part are known.

        Parameters
        ----------
        part : array of uint16 [shape=(note,)]
            As `moves_of` returns it.

        Returns
        -------
        dict of int to array of bool [shape=(passage,)]
            For each of `LENGTHS`, the passages from each note on. A passage is known if its hash is
            and all shorter passages in it are, so that few are taken for known wrongly.
        """
        passages = Passages([part], is_drums=self.is_drums)
        found: dict[int, Bools] = {}
        shorter = 0
        for length in LENGTHS:
            found[length] = self.sets[length].holds(passages.of(length))
            if shorter:
                found[length] &= _all_of(found[shorter], length - shorter + 1)
            shorter = length
        return found

    def songs_with(self, part: Moves) -> tuple[Ints, int]:
        """Return how many of a part's different sampled passages each song holds.

        Returns
        -------
        array of int [shape=(song,)], int
            And how many different ones the part has.
        """
        its_set = self.sets[GRAM]
        values = its_set.cut(Passages([part], is_drums=self.is_drums).of(GRAM))
        sampled = values < its_set.bound // SAMPLED
        known = np.unique(values[sampled & self.copied(part)[GRAM]])
        place = np.searchsorted(its_set.values, known)
        ends = np.searchsorted(self.owners, (place[:, None] + [0, 1]) * self.song_count)
        held = [self.owners[start:end] % self.song_count for start, end in ends.tolist()]
        held.append(np.zeros(0, dtype=np.int64))
        shared = np.bincount(np.concatenate(held), minlength=self.song_count)
        return shared, len(np.unique(values[sampled]))


def longest_bound(copied: Mapping[int, Bools]) -> int:
    """Return the longest run of copied notes that a part can have.

    Parameters
    ----------
    copied : mapping of int to array of bool [shape=(passage,)]
        As `Known.copied` returns it.

    Returns
    -------
    int
        An upper bound. Where each of k notes in a row begins a known passage of 16 notes, k + 15
        notes may be copied in one piece, or pieces that overlap by 15 notes may follow each other.
        Without any, passages of 8 notes tell, then of 4. Below 4 notes nothing counts as a copy: 0.
    """
    most = max((len(each) + length for length, each in copied.items()), default=0)
    for length in sorted(copied, reverse=True):
        edges = np.diff(copied[length].astype(np.int8), prepend=0, append=0)
        chains = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
        if len(chains):
            return int(min(chains.max() + length - 1, most))
        most = min(most, length - 1)
    return 0


def _all_of(found: Bools, count: int) -> Bools:
    """Return where `count` in a row are true [shape=(len(found) - count + 1,)], or nothing."""
    total = np.append(0, np.cumsum(found))
    return np.asarray(total[count:] - total[: max(0, len(total) - count)] == count)


def _cut(hashes: Hashes, bound: int) -> npt.NDArray[np.uint32]:
    """Return numbers below `bound`, which is 2^32 at most."""
    return ((hashes >> np.uint64(32)) * np.uint64(bound) >> np.uint64(32)).astype(np.uint32)


def _powers(base: int, count: int) -> Hashes:
    """Return 1, base, base^2, ... modulo 2^64 [shape=(count,)]."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)


def _mixed(values: Hashes) -> Hashes:
    """Return hashes in which every bit depends on all bits (the finisher of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return values ^ (values >> np.uint64(31))
