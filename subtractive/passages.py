"""Passages: eight bars of bass and drums together, by which a split is shown not to leak.

Two excerpts that share a passage share music, whatever their names and groups say.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from subtractive.arrays import ArraySong, Notes
from subtractive.excerpts import TICKS, main_notes

PASSAGE_BARS = 8
LEAST_NOTES = 64
_GRID = TICKS // 12  # twelfths of a quarter hold sixteenths and triplets

Hashes = npt.NDArray[np.int64]


def _hash(columns: npt.NDArray[np.int32]) -> int:
    digest = hashlib.blake2b(np.ascontiguousarray(columns).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _columns(notes: Notes, pitch: npt.NDArray[np.int32], kind: int) -> npt.NDArray[np.int32]:
    onset = (notes["onset"].astype(np.int32) + _GRID // 2) // _GRID
    order = np.lexsort((pitch, onset))
    kinds = np.full(len(notes), kind, np.int32)
    return np.stack([onset, kinds, pitch.astype(np.int32)], axis=1)[order]


def passages(music: ArraySong) -> tuple[Hashes, Hashes]:
    """Return a hash of each eight bars of bass and drums together, and of the drums alone.

    Onsets count in twelfths of a quarter from the first bar line, bass pitches from the first of
    the passage: a transposed or otherwise fast passage is the same. Passages of fewer than 64 notes
    say nothing and are left out, as are those without any bass (without any drums).

    Parameters
    ----------
    music : ArraySong
        In `TICKS`, with written bar lines.

    Returns
    -------
    joint, drums : arrays of int [shape=(passage,)]
        Sorted, each hash once.
    """
    bass, drums = main_notes(music, "bass"), main_notes(music, "drums")
    joint: set[int] = set()
    alone: set[int] = set()
    lines = music.barlines
    for low, high in zip(lines, lines[PASSAGE_BARS:], strict=False):
        low_part = bass[slice(*np.searchsorted(bass["onset"], (low, high)))].copy()
        beat_part = drums[slice(*np.searchsorted(drums["onset"], (low, high)))].copy()
        low_part["onset"] -= low
        beat_part["onset"] -= low
        beats = _columns(beat_part, beat_part["pitch"], 1)
        if len(beats) >= LEAST_NOTES:
            alone.add(_hash(beats))
        if len(low_part) and len(beats) and len(low_part) + len(beats) >= LEAST_NOTES:
            pitch = low_part["pitch"].astype(np.int32) - int(low_part["pitch"][0])
            joint.add(_hash(np.concatenate([_columns(low_part, pitch, 0), beats])))
    return np.array(sorted(joint), dtype=np.int64), np.array(sorted(alone), dtype=np.int64)
