"""What a bar sounds like without one instrument: the traits by which passages are compared.

A bar is a few hundred flags: which pitch classes sound in each beat, which of them is the lowest,
and on which 16ths bass, guitar, the other pitched parts, kick, snare and hi-hats begin a note.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.metrics.grid import Array, Flags, Ints, place_in
from subtractive.arrangement import bars
from subtractive.arrays import ArrayPart, ArraySong
from subtractive.harmony import beat_edges, chroma
from subtractive.instruments import roles
from subtractive.kit import DRUM_CLASSES, KICKS

Floats = npt.NDArray[np.float32]
Bits = npt.NDArray[np.uint8]

BEATS, SLOTS = 6, 24  # of a bar that are compared; what a longer bar has beyond is not looked at
PITCHED = ("bass", "guitar", "other")
KIT = {"kick": KICKS, "snare": DRUM_CLASSES["snare"], "hats": DRUM_CLASSES["hats"]}
RHYTHMS = (*PITCHED, *KIT)
# The flags of a bar, trait by trait, in the order of their bits.
WIDTHS = {"harmony": BEATS * 12, "lowest": BEATS * 12, **dict.fromkeys(RHYTHMS, SLOTS)}
_FIRM_SHARE = 1 / 8  # of a beat; what sounds for less only leaks into it


def bar_lines(song: ArraySong) -> Ints:
    """Return the onsets of the bars and the end of the last one [shape=(bar + 1,)], in ticks."""
    every_bar = bars(song)
    return np.array([*(bar.onset for bar in every_bar), every_bar[-1].end], dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Hearing:
    """A song as it is heard, bar by bar.

    Attributes
    ----------
    lines : array of int [shape=(bar + 1,)]
        Barlines in ticks.
    quarters : array [shape=(bar,)]
        Lengths of the bars in quarter notes.
    octaves : array [shape=(bar,)]
        Tempo as the logarithm to base 2 of quarters a minute: one more is twice as fast.
    shares : dict of str to array [shape=(bar, BEATS, 12)]
        For each pitched role how long each pitch class sounds, in beats.
    lowest : dict of str to array of int [shape=(bar, BEATS)]
        For each pitched role its lowest pitch, 128 where it is silent.
    rhythm : dict of str to array of bool [shape=(bar, SLOTS)]
        For each of `RHYTHMS` the 16ths on which a note begins.
    """

    lines: Ints
    quarters: Floats
    octaves: Floats
    shares: dict[str, Array]
    lowest: dict[str, Ints]
    rhythm: dict[str, Flags]

    @classmethod
    def of(cls, song: ArraySong) -> Hearing:
        """Return what is heard of `song`."""
        lines, beat = bar_lines(song), song.ticks_per_beat
        shares, lowest, rhythm = {}, {}, {}
        groups: dict[str, list[ArrayPart]] = {}
        for part, its_role in zip(song.parts, roles(song.parts), strict=True):
            groups.setdefault(its_role, []).append(part)
        for name in PITCHED:
            onset, end, pitch = _spans(groups.get(name, ()))
            spans = np.stack([onset, np.maximum(end, onset + 1), pitch], axis=1)
            shares[name], lowest[name] = _by_beat(spans, lines, beat)
            rhythm[name] = _slots(onset, lines, beat)
        onset, _, key = _spans(groups.get("drums", ()))
        for name, keys in KIT.items():
            rhythm[name] = _slots(onset[np.isin(key, keys)], lines, beat)
        quarters = np.diff(lines).astype(np.float32) / np.float32(beat)
        return cls(lines, quarters, _tempo_octaves(song, lines), shares, lowest, rhythm)

    def without(self, instrument: str) -> Bits:
        """Return the traits of each bar of the others [shape=(bar, sum of WIDTHS / 8)].

        Parameters
        ----------
        instrument : str
            Role that is not listened to.

        Returns
        -------
        array of uint8
            Flags packed into bits, in the order of `WIDTHS`.
        """
        others = [name for name in PITCHED if name != instrument]
        harmony = np.sum([self.shares[name] for name in others], axis=0) >= _FIRM_SHARE
        deepest = np.minimum.reduce([self.lowest[name] for name in others])
        lowest = (deepest % 12)[..., None] == np.arange(12)
        lowest &= (deepest < 128)[..., None]
        gone = set(KIT) if instrument == "drums" else {instrument}
        count = len(self.quarters)
        rhythms = [
            np.zeros_like(self.rhythm[name]) if name in gone else self.rhythm[name]
            for name in RHYTHMS
        ]
        flags = [harmony.reshape(count, -1), lowest.reshape(count, -1), *rhythms]
        return np.packbits(np.concatenate(flags, axis=1), axis=1)


def _spans(parts: list[ArrayPart] | tuple[ArrayPart, ...]) -> tuple[Ints, Ints, Ints]:
    """Return onset, end and pitch of all notes of some parts."""
    notes = [part.notes for part in parts]
    onset, duration, pitch = (
        np.concatenate([np.zeros(0, np.int64), *(each[field].astype(np.int64) for each in notes)])
        for field in ("onset", "duration", "pitch")
    )
    return onset, onset + duration, pitch


def _by_beat(spans: Ints, lines: Ints, ticks_per_beat: int) -> tuple[Array, Ints]:
    """Return chroma and lowest pitch in rows of bars, each of `BEATS` beats."""
    edges, downbeat = beat_edges(lines, ticks_per_beat)
    weights, deepest = chroma(spans, edges)
    bar = np.cumsum(downbeat) - 1
    place = np.arange(len(bar)) - np.flatnonzero(downbeat)[bar]
    kept = place < BEATS
    shares = np.zeros((len(lines) - 1, BEATS, 12))
    lowest = np.full((len(lines) - 1, BEATS), 128)
    shares[bar[kept], place[kept]] = weights[kept]
    lowest[bar[kept], place[kept]] = deepest[kept]
    return shares, lowest


def _slots(onsets: Ints, lines: Ints, ticks_per_beat: int) -> Flags:
    """Return the 16ths of each bar that onsets are nearest to; half a 16th goes up."""
    bar = place_in(onsets, lines, ticks_per_beat / 8)
    slot = (8 * (onsets - lines[bar]) + ticks_per_beat) // (2 * ticks_per_beat)
    struck = np.zeros((len(lines) - 1, SLOTS), dtype=np.bool_)
    kept = (slot >= 0) & (slot < SLOTS)
    struck[bar[kept], slot[kept]] = True
    return struck


def _tempo_octaves(song: ArraySong, lines: Ints) -> Floats:
    """Return the tempo in force at the start of each bar; 120 where none is."""
    ticks = np.array([tempo.tick for tempo in song.tempos], dtype=np.int64)
    micros = np.array([500_000, *(tempo.microseconds for tempo in song.tempos)])
    in_force = micros[np.searchsorted(ticks, lines[:-1], side="right")]
    octaves: Floats = np.log2(6e7 / in_force).astype(np.float32)
    return octaves
