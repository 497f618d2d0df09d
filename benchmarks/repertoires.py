"""Training corpora read: all that a writer learned from, as moves, and a `Repertoire` of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from subtractive.dataset import from_row, shards
from subtractive.errors import OptionError
from subtractive.excerpts import TICKS, Excerpt, main_notes
from subtractive.instruments import INSTRUMENTS
from subtractive.novelty import LENGTHS, Bools, Hashes, Known, Moves, Passages, moves_of
from subtractive.repertoire import Repertoire

_ROWS = 50  # of a shard in memory at a time


class ReadPart(NamedTuple):
    """The part that stands for an instrument in an excerpt: song, instrument, moves."""

    song: str
    instrument: str
    moves: Moves


def read_shard(shard: Path) -> list[ReadPart]:
    """Return the parts of a shard's excerpts that have notes."""
    return [
        part
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=_ROWS)
        for row in batch.to_pylist()
        for part in parts_of(from_row(row))
    ]


def parts_of(excerpt: Excerpt) -> list[ReadPart]:
    """Return the parts of an excerpt that have notes, one for each instrument.

    Songs are called by their names in the corpus and by what musicians call the style.
    """
    label = f" ({excerpt.labels.label})" if excerpt.labels.label else ""
    name = " ".join((excerpt.song + label).split())  # names are kept in lines
    told = (
        ReadPart(name, each, moves_of(main_notes(excerpt.music, each), TICKS, each))
        for each in INSTRUMENTS
    )
    return [part for part in told if len(part.moves)]


@dataclass(frozen=True, eq=False)
class Lessons:
    """All parts of some corpora; no index, for it is the music itself.

    Attributes
    ----------
    parts : mapping of str to sequence of array of uint16 [shape=(note,)]
        The moves of each of `subtractive.instruments.INSTRUMENTS`.
    owners : mapping of str to sequence of int
        Which of the songs each part is of.
    songs : sequence of str
    corpora : sequence of dict
        What is told of each corpus: its name and settings, how many songs, parts and notes were
        read, and a SHA-256 over songs, instruments and moves.
    """

    parts: Mapping[str, Sequence[Moves]]
    owners: Mapping[str, Sequence[int]]
    songs: Sequence[str]
    corpora: Sequence[dict[str, Any]]

    def passages(self, instrument: str) -> Passages:
        """Return the passages of all parts of an instrument."""
        return Passages(self.parts[instrument], is_drums=instrument == "drums")

    def repertoire(self, remark: str = "") -> Repertoire:
        """Return the index of the parts."""
        count = len(self.songs)
        known = {
            name: Known.of(parts, self.owners[name], count, is_drums=name == "drums")
            for name, parts in self.parts.items()
        }
        return Repertoire(known, self.songs, self.corpora, remark)


class Truth(NamedTuple):
    """The training parts of one instrument, to be searched exactly.

    Attributes
    ----------
    passages : Passages
    hashes : dict of int to array of uint64 [shape=(passage,)]
        Of each of `LENGTHS`, ascending.
    """

    passages: Passages
    hashes: dict[int, Hashes]

    @classmethod
    def of(cls, passages: Passages) -> Truth:
        """Sort the passages."""
        return cls(passages, {length: np.unique(passages.of(length)) for length in LENGTHS})

    def holds(self, hashes: Hashes, length: int) -> Bools:
        """Return which passages are there."""
        known = self.hashes[length]
        if not len(known):
            return np.zeros(len(hashes), dtype=np.bool_)
        place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        return np.asarray(known[place] == hashes)


def gather(
    folders: Sequence[Path], split: str = "train", processes: int = 2, remark: str = ""
) -> Repertoire:
    """Return the repertoire of some corpora; see `read_all`."""
    return read_all(folders, split, processes).repertoire(remark)


def read_all(folders: Sequence[Path], split: str = "train", processes: int = 2) -> Lessons:
    """Return the parts of some corpora.

    Parameters
    ----------
    folders : sequence of Path
        Folders that `subtractive.build` made.
    split : str
        "train" or "valid".
    processes : int
        Shards read at once.

    Returns
    -------
    Lessons
        The same however many processes there are.

    Raises
    ------
    FileFormatError
        If a folder is no corpus.
    OptionError
        If two folders have one name, by which songs are told.
    """
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise OptionError(
            f"the corpora are called {', '.join(names)}: give each folder a name of its own"
        )
    found = [(folder, shard) for folder in folders for shard in shards(folder, split)]
    songs: dict[str, int] = {}
    parts: dict[str, list[Moves]] = {name: [] for name in INSTRUMENTS}
    owners: dict[str, list[int]] = {name: [] for name in INSTRUMENTS}
    tallies = {folder: _Tally() for folder in folders}
    with ProcessPoolExecutor(processes) as workers:
        read = workers.map(read_shard, [shard for _, shard in found])
        shown = track(read, f"reading {split}", len(found), console=Console(stderr=True))
        for (folder, _), of_shard in zip(found, shown, strict=True):
            tallies[folder].add(of_shard)
            for part in of_shard:
                song = f"{folder.resolve().name}: {part.song}"
                parts[part.instrument].append(part.moves)
                owners[part.instrument].append(songs.setdefault(song, len(songs)))
    told = [tallies[folder].told(folder, split) for folder in folders]
    return Lessons(parts, owners, list(songs), told)


class _Tally:
    """What is told of a corpus."""

    def __init__(self) -> None:
        self._songs: set[str] = set()
        self._parts = self._notes = 0
        self._digest = hashlib.sha256()

    def add(self, read: Sequence[ReadPart]) -> None:
        for part in read:
            self._songs.add(part.song)
            self._parts += 1
            self._notes += len(part.moves)
            self._digest.update(f"{part.song}\n{part.instrument} {len(part.moves)}\n".encode())
            self._digest.update(part.moves.astype("<u2").tobytes())

    def told(self, folder: Path, split: str) -> dict[str, Any]:
        counts = folder / "corpus.json"
        kept = json.loads(counts.read_text("utf-8")) if counts.is_file() else {}
        return {
            "name": folder.resolve().name,
            "split": split,
            "settings": kept.get("settings", {}),
            "songs": len(self._songs),
            "parts": self._parts,
            "notes": self._notes,
            "sha256": self._digest.hexdigest(),
        }
