"""Songs that are the same music, though transposed, retouched, or in other note values.

A song is told in *shingles*: eight successive notes of a part (six of drums), each by its interval
to the note before and by the ratio of its step in time to the step before. So neither key, nor
tempo, nor ticks, nor halved or doubled note values count, nor the instruments. Drums alone are told
by their keys, which nobody transposes. Chords are told from their lowest note up.

Shingles with little in them (a repeated note, a broken chord, an even beat) belong to everybody
and are left out. Of a long song's shingles those with small hashes are kept, the same ones in every
song: so the share of one sketch that another holds estimates how much of one song is in the other
(Broder, On the resemblance and containment of documents, 1997), and notes that were added or left
out cost a copy little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from subtractive.arrays import ArraySong, Notes

Sketch = frozenset[bytes]  # hashes of 8 bytes
Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

SHINGLE_NOTES, SHINGLE_STROKES = 8, 6  # of a pitched part, of drums
LEAST_KINDS = 4  # of different moves in a shingle
WHOLE = 256  # shingles of which all are kept
THINNED = np.uint64(2**62)  # of more, one in four: the hashes below this one
# Measured by benchmarks/duplicates.py: copies share 0.46 and more, other songs at most 0.2.
SAME, LEAST_SHARED = 0.35, 8
# Steps of strummed chords and flams, as a share of the usual one. It lies between a quarter and a
# third, so that no rounding of ticks decides.
_AT_ONCE = 0.29
# Ratios of steps are told apart by half octaves. No ratio of small numbers lies near a bound.
_RATIO_BOUNDS = np.array([2.0 ** (place / 4) for place in range(-23, 24, 2)])
_ODD = 0x9E37_79B9_7F4A_7C15  # 2^64 by the golden ratio
_POWERS = np.array([pow(_ODD, place, 2**64) for place in range(SHINGLE_NOTES)], dtype=np.uint64)


def sketch(song: ArraySong) -> Sketch:
    """Return a song's fingerprint, the same on every machine.

    Parameters
    ----------
    song : ArraySong

    Returns
    -------
    frozenset of bytes
        Of all pitched parts, or of the drums if those say nothing. Empty if nothing in the song is
        its own.
    """
    played = [part for part in song.parts if len(part.notes)]
    hashes = _shingles([part.notes for part in played if not part.is_drums], is_drums=False)
    if not len(hashes):
        hashes = _shingles([part.notes for part in played if part.is_drums], is_drums=True)
    if len(hashes) > WHOLE:
        hashes = hashes[hashes < THINNED]
    coded = hashes.astype(">u8").tobytes()
    return frozenset(coded[place : place + 8] for place in range(0, len(coded), 8))


def likeness(one: Sketch, other: Sketch) -> float:
    """Return which share of the shorter song the longer one holds, 0 to 1.

    Too few shingles to tell are no likeness.
    """
    shared, least = len(one & other), _sizes([one, other])
    return float(_likeness(np.array([shared]), least[:, :1], least[:, 1:])[0])


def groups(sketches: Sequence[Sketch]) -> list[int]:
    """Return for each song the first of its group of duplicates: itself, if it is alone.

    Parameters
    ----------
    sketches : sequence of sketches
        An empty one is like no other.

    Returns
    -------
    list of int
        Places in `sketches`; duplicates of duplicates share a group.
    """
    first = list(range(len(sketches)))

    def root(place: int) -> int:
        while first[place] != place:
            place = first[place]
        return place

    sizes = _sizes(sketches)
    hashes = np.concatenate([_hashes(each) for each in sketches] or [_hashes(frozenset())])
    ends = np.cumsum([len(each) for each in sketches])
    owners = np.repeat(np.arange(len(sketches)), [len(each) for each in sketches])
    _, which, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    holders = np.split(owners[np.argsort(which, kind="stable")], np.cumsum(counts)[:-1])
    for place, own in enumerate(np.split(which, ends[:-1])):
        told = [holders[each] for each in own[counts[own] > 1].tolist()]
        if not told:
            continue
        shared = np.bincount(np.concatenate(told), minlength=place)[:place]
        like = _likeness(shared, sizes[:, place : place + 1], sizes[:, :place])
        for other in np.flatnonzero(like >= SAME).tolist():
            older, newer = sorted((root(place), root(other)))
            first[newer] = older
    return [root(place) for place in range(len(sketches))]


def group_name(sketches: Sequence[Sketch]) -> str:
    """Return a name for a group of duplicates that is a function of their music alone.

    It is the smallest of the hashes that most of them share: other copies seldom change it.

    Parameters
    ----------
    sketches : sequence of sketches
        Of all songs of the group, in any order.

    Returns
    -------
    str
        16 hexadecimal digits; "" if all sketches are empty.
    """
    held = Counter(each for own in sketches for each in own)
    return min(held, key=lambda each: (-held[each], each)).hex() if held else ""


def _hashes(own: Sketch) -> Hashes:
    return np.frombuffer(b"".join(own), dtype=">u8").astype(np.uint64)


def _sizes(sketches: Sequence[Sketch]) -> Ints:
    """Return how many hashes each holds, and how many small ones [shape=(2, sketch)]."""
    bound = int(THINNED).to_bytes(8)
    small = [sum(each < bound for each in own) for own in sketches]
    return np.array([[len(own) for own in sketches], small], dtype=np.int64).reshape(2, -1)


def _likeness(shared: Ints, one: Ints, other: Ints) -> npt.NDArray[np.float64]:
    """Return likenesses from numbers of shared hashes and sizes (see `_sizes`)."""
    # beside a sketch that was thinned only the small hashes of a whole one can be found again
    whole = (one[0] > one[1]) & (other[0] > other[1])
    size = np.where(whole, np.minimum(one[0], other[0]), np.minimum(one[1], other[1]))
    return np.where(shared >= LEAST_SHARED, shared / np.maximum(size, 1), 0.0)


def _shingles(parts: Sequence[Notes], *, is_drums: bool) -> Hashes:
    """Return the hashes of all shingles of some parts, each once, in order."""
    if not parts:
        return np.zeros(0, dtype=np.uint64)
    part = np.repeat(np.arange(len(parts)), [len(notes) for notes in parts])
    joined = np.concatenate(parts)
    steps = np.diff(joined["onset"].astype(np.int64))
    is_new_part = np.diff(part) > 0
    moving = steps[(steps > 0) & ~is_new_part]
    if not len(moving):
        return np.zeros(0, dtype=np.uint64)
    begins = np.append(True, is_new_part | (steps > _AT_ONCE * np.median(moving)))
    # the notes of a chord in order of pitch, each once
    chord_pitch = np.unique((np.cumsum(begins) - 1) << 7 | joined["pitch"])
    chord, pitch = chord_pitch >> 7, chord_pitch & 0x7F
    moves = pitch if is_drums else np.diff(pitch, prepend=0) + 0x80
    moves = moves << 8 | np.where(
        np.diff(chord, prepend=-1) > 0, _rhythm(joined["onset"][begins])[chord], 0
    )
    length = SHINGLE_STROKES if is_drums else SHINGLE_NOTES
    if len(moves) < length:
        return np.zeros(0, dtype=np.uint64)
    # the first two chords of a part have no step before their own
    chord_part = part[begins]
    number = np.arange(len(chord_part)) - np.searchsorted(chord_part, chord_part)
    start, stop = chord[: 1 - length], chord[length - 1 :]
    windows = np.lib.stride_tricks.sliding_window_view(moves, length)
    kinds = np.count_nonzero(np.diff(np.sort(windows, axis=1), axis=1), axis=1) + 1
    own = (chord_part[start] == chord_part[stop]) & (number[start] >= 2) & (kinds >= LEAST_KINDS)
    return np.unique(
        _mixed(_mixed(windows[own].astype(np.uint64) + np.uint64(1)) @ _POWERS[:length])
    )


def _rhythm(onsets: Ints) -> Ints:
    """Return a class, 1 or more, for the ratio of the step to each chord to the step before it."""
    steps = np.maximum(np.diff(onsets.astype(np.int64)), 1)
    ratios = np.concatenate([[1.0, 1.0], steps[1:] / steps[:-1]])[: len(onsets)]
    return np.searchsorted(_RATIO_BOUNDS, ratios) + 1


def _mixed(values: Hashes) -> Hashes:
    """Return hashes in which every bit depends on all bits (the finisher of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return values ^ (values >> np.uint64(31))
