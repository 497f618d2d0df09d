"""Corpora on the grid: excerpts read once from Parquet and kept as arrays on disk.

The arrays are mapped, not loaded: a corpus of any size can be drawn from at random by several
processes in the memory of a few songs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from scoretokens.grid import GridPart, GridSong, to_grid
from subtractive.dataset import from_row, shards
from subtractive.excerpts import Excerpt
from symbolic.concepts import CONCEPTS, true_of

_ROLES = ("drums", "bass", "guitar", "other")
# Values of one kind behind one another, whatever the song; `sizes` says where each song ends.
_FLAT: dict[str, Any] = {
    "bar_onsets": np.int32,
    "bar_beats": np.int32,
    "bar_tempos": np.float32,
    "chords": np.int32,
    "parts": np.int32,  # role, program, notes
    "notes": np.int32,
    "wishes": np.int16,
}
_WIDTHS = {"chords": 4, "parts": 3, "notes": 4, "wishes": 2}

Arrays = dict[str, npt.NDArray[Any]]


def excerpt_on_grid(excerpt: Excerpt) -> GridSong:
    """Return an excerpt on the grid; it knows its place in the song."""
    song = to_grid(excerpt.music)
    return replace(
        song,
        first_bar=excerpt.first_bar,
        bar_total=excerpt.bar_total,
        wishes=true_of(excerpt),
    )


class Songs(Sequence[GridSong]):
    """Songs on the grid, taken from mapped arrays one by one.

    Parameters
    ----------
    folder : Path
        As `pack` wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self._arrays = {name: _mapped(folder / name, name) for name in _FLAT}
        sizes = np.load(folder / "sizes.npy", allow_pickle=False)
        self._places = sizes[:, :2]
        # where each song begins in each array
        self._ends = np.concatenate([np.zeros((1, len(_FLAT)), np.int64), sizes[:, 2:].cumsum(0)])

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> GridSong: ...
    @overload
    def __getitem__(self, index: slice) -> list[GridSong]: ...
    def __getitem__(self, index: int | slice) -> GridSong | list[GridSong]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        own = {
            name: self._arrays[name][slice(*self._ends[index : index + 2, column])]
            for column, name in enumerate(_FLAT)
        }
        notes = own["notes"].astype(np.int64)
        edges = own["parts"][:, 2].cumsum()
        parts = tuple(
            GridPart(_ROLES[role], int(program), notes[end - count : end])
            for (role, program, count), end in zip(own["parts"].tolist(), edges, strict=True)
        )
        first_bar, bar_total = self._places[index].tolist()
        return GridSong(
            own["bar_onsets"].astype(np.int64),
            own["bar_beats"].astype(np.int64),
            own["bar_tempos"].astype(np.float64),
            parts,
            own["chords"].astype(np.int64),
            first_bar,
            bar_total,
            own["wishes"].astype(np.int64),
        )


def _flat(songs: Iterable[GridSong]) -> Arrays:
    """Return songs as long arrays, and their sizes [shape=(song, 2 + array)]."""
    columns: dict[str, list[npt.NDArray[Any]]] = {
        name: [np.zeros((0, _WIDTHS[name]) if name in _WIDTHS else 0, kind)]
        for name, kind in _FLAT.items()
    }
    sizes = []
    for song in songs:
        parts = [[_ROLES.index(p.role), p.program, len(p.notes)] for p in song.parts]
        own = {
            "bar_onsets": song.bar_onsets,
            "bar_beats": song.bar_beats,
            "bar_tempos": song.bar_tempos,
            "chords": song.chords,
            "parts": np.array(parts).reshape(-1, 3),
            "notes": np.concatenate([np.zeros((0, 4), np.int64), *(p.notes for p in song.parts)]),
            "wishes": song.wishes,
        }
        sizes.append([song.first_bar, song.bar_total, *(len(own[name]) for name in _FLAT)])
        for name, kind in _FLAT.items():
            columns[name].append(own[name].astype(kind))
    arrays = {name: np.concatenate(pieces) for name, pieces in columns.items()}
    return arrays | {"sizes": np.array(sizes, np.int64).reshape(-1, 2 + len(_FLAT))}


def _read_shard(shard: Path) -> Arrays:
    def songs() -> Iterator[GridSong]:
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=50):
            for row in batch.to_pylist():
                yield excerpt_on_grid(from_row(row))

    return _flat(songs())


def pack(pieces: Iterable[Arrays], folder: Path) -> None:
    """Write arrays piece after piece, whole or not at all."""
    draft = folder.with_name(f"{folder.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    sizes = []
    with ExitStack() as stack:
        files = {name: stack.enter_context((draft / name).open("wb")) for name in _FLAT}
        for piece in pieces:
            sizes.append(piece["sizes"])
            for name, file in files.items():
                file.write(piece[name].tobytes())
    np.save(draft / "sizes.npy", np.concatenate(sizes))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _mapped(path: Path, name: str) -> npt.NDArray[Any]:
    if not path.stat().st_size:  # nothing can be mapped
        return np.zeros((0, _WIDTHS[name]) if name in _WIDTHS else 0, _FLAT[name])
    whole = np.memmap(path, _FLAT[name], mode="r")
    return whole.reshape(-1, _WIDTHS[name]) if name in _WIDTHS else whole


def load_songs(folder: Path, split: str, cache: Path, processes: int = 2) -> Songs:
    """Return the excerpts of one split of a corpus, on the grid.

    Parameters
    ----------
    folder : Path
        As `subtractive.build` made it.
    split : str
        "train" or "valid".
    cache : Path
        Folder in which the songs are kept as arrays, so that the next call reads no Parquet.
    processes : int
        That read shards side by side.

    Raises
    ------
    FileFormatError
        If the folder is no corpus or has nothing in this split.
    """
    found = shards(folder, split)
    # a corpus is never changed in place, so names, sizes and times of its shards tell it
    stamps = [(shard.name, shard.stat().st_size, shard.stat().st_mtime_ns) for shard in found]
    name = hashlib.sha256(
        repr((str(folder.resolve()), split, stamps, *_FLAT, *CONCEPTS)).encode()
    ).hexdigest()[:16]
    stored = cache / name
    if not stored.is_dir():
        with ProcessPoolExecutor(processes) as workers:
            pack(workers.map(_read_shard, found), stored)
    return Songs(stored)
