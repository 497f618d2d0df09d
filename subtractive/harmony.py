"""Chords and key of a context: the score's own chord symbols, or an estimate from its notes.

Chords are found per beat by matching the sounding pitch classes with chord templates and smoothing
over time by the Viterbi algorithm, after Fujishima (1999) and Sheh & Ellis (2003). The key is found
by correlation with the key profiles of Krumhansl & Kessler (1982).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import Arrangement, ChordSymbol, KeySignature, Part, bars

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Intervals above the root; plain triads first, for of equal scores the first wins.
TEMPLATES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
    "5": (0, 7),
}
NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

# How much a chord must gain to be worth a change, in units of one beat's full match.
_CHANGE_ON_DOWNBEAT, _CHANGE_ON_BEAT = 0.5, 1.1

_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def _key_profiles() -> Array:
    rows = np.array([np.roll(p, tonic) for p in (_MAJOR, _MINOR) for tonic in range(12)])
    centred = rows - rows.mean(axis=1, keepdims=True)
    result: Array = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return result


_KEY_PROFILES = _key_profiles()


def _profiles() -> tuple[Array, Array, list[tuple[int, str]]]:
    states = [(root, kind) for kind in TEMPLATES for root in range(12)]
    inside = np.zeros((len(states), 12))
    lowest = np.zeros((len(states), 12))
    for row, (root, kind) in enumerate(states):
        tones = TEMPLATES[kind]
        for rank, interval in enumerate(tones):
            # The root and third say more than the fifth and seventh; a tone that a longer
            # template explains costs it a little where it is absent.
            inside[row, (root + interval) % 12] = (1.0, 0.9, 0.85, 0.75)[rank]
        inside[row, inside[row] == 0] = -0.6
        inside[row] -= 0.03 * len(tones)
        lowest[row, root] = 0.35
    return inside, lowest, states


_INSIDE, _LOWEST, _STATES = _profiles()


def beat_edges(bar_onsets: Ints, ticks_per_beat: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return the onsets of all beats (quarters counted from each barline) and the downbeats.

    Parameters
    ----------
    bar_onsets : array of int [shape=(bar + 1,)]
        The last one is the end of the music.
    ticks_per_beat : int

    Returns
    -------
    edges : array of int [shape=(beat + 1,)]
        The last one is the end of the music.
    downbeat : array of bool [shape=(beat,)]
    """
    steps = [np.arange(on, end, ticks_per_beat) for on, end in pairwise(bar_onsets)]
    downbeat = np.concatenate([np.arange(len(step)) == 0 for step in steps])
    return np.concatenate([*steps, bar_onsets[-1:]]), downbeat


def note_spans(parts: Sequence[Part]) -> Ints:
    """Return onset, end and pitch of all pitched notes [shape=(note, 3)]."""
    return np.array(
        [
            (note.onset, max(note.end, note.onset + 1), note.pitch)
            for part in parts
            if not part.is_drums
            for note in part.notes
        ],
        dtype=np.int64,
    ).reshape(-1, 3)


def chroma(spans: Ints, edges: Ints) -> tuple[Array, Ints]:
    """Return how much each pitch class sounds between consecutive edges, and the lowest pitch.

    Parameters
    ----------
    spans : array of int [shape=(note, 3)]
        Onset, end and pitch of each note (`note_spans`).
    edges : array of int [shape=(beat + 1,)]
        In ticks, increasing.

    Returns
    -------
    weights : array [shape=(beat, 12)]
        Sounding time of each pitch class as a share of the beat, summed over notes.
    lowest : array of int [shape=(beat,)]
        Lowest sounding pitch, 128 where nothing sounds.
    """
    count = len(edges) - 1
    weights = np.zeros((count, 12))
    lowest = np.full(count, 128)
    first = np.searchsorted(edges, spans[:, 0], side="right") - 1
    last = np.searchsorted(edges, spans[:, 1], side="left") - 1
    # A note that spans several beats is counted once for each: shift by shift, all notes at once.
    for shift in range(int((last - first).max(initial=-1)) + 1):
        beat = first + shift
        inside = (beat <= last) & (beat >= 0) & (beat < count)
        onset, end, pitch = spans[inside].T
        at = beat[inside]
        length = edges[at + 1] - edges[at]
        sounding = np.minimum(end, edges[at + 1]) - np.maximum(onset, edges[at])
        np.add.at(weights, (at, pitch % 12), sounding / length)
        # A note that only leaks into a beat does not make its bass.
        firm = sounding * 4 >= length
        np.minimum.at(lowest, at[firm], pitch[firm])
    return weights, lowest


def estimate_states(weights: Array, lowest: Ints, downbeat: npt.NDArray[np.bool_]) -> Ints:
    """Return the most likely chord of each beat, as a row of the template table (-1: silence).

    Parameters
    ----------
    weights, lowest : arrays
        As `chroma` returns them.
    downbeat : array of bool [shape=(beat,)]
    """
    # Doubled notes weigh less than their number: the fourth root of a chord tells nothing new.
    level = np.minimum(weights, 2.0) ** 0.5
    total = level.sum(axis=1, keepdims=True)
    share = np.divide(level, total, out=np.zeros_like(level), where=total > 0)
    bass = np.zeros_like(share)
    heard = lowest < 128
    bass[heard, lowest[heard] % 12] = 1.0
    match = share @ _INSIDE.T + bass @ _LOWEST.T
    silent = total[:, 0] == 0
    match[silent] = 0.0

    count, states = match.shape
    best = match[0].copy() if count else np.zeros(states)
    back = np.zeros((count, states), dtype=np.int64)
    stay = np.arange(states)
    for beat in range(1, count):
        source = int(best.argmax())
        change = best[source] - (_CHANGE_ON_DOWNBEAT if downbeat[beat] else _CHANGE_ON_BEAT) / 2
        back[beat] = np.where(best >= change, stay, source)
        best = np.maximum(best, change) + match[beat]
    path = np.zeros(count, dtype=np.int64)
    if count:
        path[-1] = int(best.argmax())
        for beat in range(count - 1, 0, -1):
            path[beat - 1] = back[beat, path[beat]]
    if silent.all():
        path[:] = -1
    return path


def state_symbol(tick: int, state: int) -> ChordSymbol:
    """Return row `state` of the template table as a chord symbol at `tick`."""
    root, kind = _STATES[state]
    tones = tuple(sorted((root + interval) % 12 for interval in TEMPLATES[kind]))
    return ChordSymbol(tick, NAMES[root] + kind, root, tones, root)


def estimate_chords(arrangement: Arrangement) -> tuple[ChordSymbol, ...]:
    """Return the chords that the pitched parts sound, one symbol for each change.

    Returns
    -------
    tuple of ChordSymbol
        The score's own symbols where it has any; empty if nothing pitched sounds.
    """
    if arrangement.chords:
        return arrangement.chords
    onsets = [bar.onset for bar in bars(arrangement)] + [bars(arrangement)[-1].end]
    edges, downbeat = beat_edges(np.array(onsets), arrangement.ticks_per_beat)
    path = estimate_states(*chroma(note_spans(arrangement.parts), edges), downbeat)
    return tuple(
        state_symbol(int(edges[beat]), int(state))
        for beat, state in enumerate(path)
        if state >= 0 and (beat == 0 or path[beat - 1] != state)
    )


def chord_at(chords: Sequence[ChordSymbol], tick: int) -> ChordSymbol | None:
    """Return the chord in force at `tick`; None before the first one."""
    place = bisect_right(chords, tick, key=lambda chord: chord.tick) - 1
    return chords[place] if place >= 0 else None


def key_of_chroma(weights: Array) -> tuple[int, bool]:
    """Return tonic and mode of the key whose profile fits best.

    Parameters
    ----------
    weights : array [shape=(12,)]
        Sounding time of each pitch class.

    Returns
    -------
    tonic : int
        Pitch class.
    is_minor : bool
    """
    if weights.sum() == 0 or np.ptp(weights) == 0:
        return 0, False
    # Correlation needs no scale: the best of 24 centred profiles of equal norm.
    scores = (_KEY_PROFILES @ (weights - weights.mean())).reshape(2, 12)
    mode, tonic = np.unravel_index(np.argmax(scores), (2, 12))
    return int(tonic), bool(mode)


def estimate_key(arrangement: Arrangement) -> KeySignature:
    """Return the key that the notes and chord symbols are in (C major for drums alone).

    Key signatures of MIDI files are not asked: most are the sequencer's default.
    """
    edges = np.array([0, max(arrangement.end, 1)])
    weights = chroma(note_spans(arrangement.parts), edges)[0][0]
    ends = [chord.tick for chord in arrangement.chords[1:]] + [arrangement.end]
    for chord, end in zip(arrangement.chords, ends, strict=False):
        for tone in chord.pitch_classes:
            weights[tone] += max(0, end - chord.tick) / edges[1]
    tonic, is_minor = key_of_chroma(weights)
    return key_signature(tonic, is_minor)


def key_signature(tonic: int, is_minor: bool) -> KeySignature:
    """Return the signature of a key, with at most six flats or sharps."""
    major = (tonic + 3) % 12 if is_minor else tonic
    fifths = (major * 7 + 5) % 12 - 5
    return KeySignature(0, fifths, is_minor)
