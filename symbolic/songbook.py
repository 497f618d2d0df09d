"""Corpora in memory: folders of MIDI files with an index, read once and kept on the grid.

A corpus is a folder with an `index.csv` whose columns `path` and `split` name its files and say
which are for training (`train`) and which for validation (`valid`).
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scoretokens.grid import GridPart, GridSong, to_grid
from subtractive.errors import FileFormatError, MusicError
from subtractive.files.midi import read_midi

INDEX = "index.csv"


@dataclass(frozen=True)
class Entry:
    """One line of a corpus's index."""

    path: Path
    split: str


def entries(folder: Path) -> list[Entry]:
    """Return the files a corpus names.

    Raises
    ------
    FileFormatError
        If the folder has no index, or one without the two columns.
    """
    index = folder / INDEX
    if not index.is_file():
        raise FileFormatError(
            f"{folder} has no {INDEX}: build a corpus with python -m subtractive.build first"
        )
    with index.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if rows and not {"path", "split"} <= rows[0].keys():
        raise FileFormatError(
            f"{index} needs the columns path and split, as subtractive.build writes"
        )
    return [Entry(folder / row["path"], row["split"]) for row in rows]


def _read(path: Path) -> GridSong | None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"{path} stands in {INDEX} but cannot be opened ({error.strerror}): build the corpus "
            "again with python -m subtractive.build"
        ) from error
    try:
        return to_grid(read_midi(content, path.name))
    except MusicError:
        return None


def load_songs(
    folder: Path, split: str, cache: Path | None = None, processes: int = 2
) -> list[GridSong]:
    """Return the songs of one split of a corpus, on the grid.

    Parameters
    ----------
    folder : Path
    split : str
        "train" or "valid".
    cache : Path, optional
        Folder in which the songs are kept as arrays, so that the next call reads one file.
    processes : int
        That read MIDI files side by side.

    Raises
    ------
    FileFormatError
        If no file of the split can be read.
    """
    paths = [entry.path for entry in entries(folder) if entry.split == split]
    stored = None
    if cache is not None:
        stamp = hashlib.sha256((folder / INDEX).read_bytes() + split.encode()).hexdigest()[:16]
        stored = cache / f"{stamp}.npz"
        if stored.is_file():
            return _unpack(stored)
    with ProcessPoolExecutor(processes) as workers:
        songs = [song for song in workers.map(_read, paths, chunksize=16) if song is not None]
    if not songs:
        raise FileFormatError(f"{folder} has no readable song in its split {split!r}")
    if stored is not None:
        stored.parent.mkdir(parents=True, exist_ok=True)
        _pack(stored, songs)
    return songs


def _pack(path: Path, songs: Iterable[GridSong]) -> None:
    """Write songs as a few long arrays: thousands of small ones are slow to read."""
    columns: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _FLAT}
    sizes, roles = [], []
    for song in songs:
        sizes.append((song.bar_count, len(song.parts), len(song.chords)))
        for name in ("bar_onsets", "bar_beats", "bar_tempos", "chords"):
            columns[name].append(getattr(song, name))
        for part in song.parts:
            roles.append((part.role, str(part.program), str(len(part.notes))))
            columns["notes"].append(part.notes)
    arrays = {name: np.concatenate(parts) for name, parts in columns.items() if parts}
    new = path.with_suffix(f".{os.getpid()}.npz")
    arrays |= {"sizes": np.array(sizes), "roles": np.array(roles)}
    np.savez(new, allow_pickle=False, **arrays)
    new.replace(path)


_FLAT = ("bar_onsets", "bar_beats", "bar_tempos", "chords", "notes")


def _unpack(path: Path) -> list[GridSong]:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in (*_FLAT, "sizes", "roles")}
    at = dict.fromkeys(_FLAT, 0)

    def take(name: str, length: int) -> npt.NDArray[Any]:
        at[name] += length
        piece: npt.NDArray[Any] = arrays[name][at[name] - length : at[name]]
        return piece

    songs, part = [], 0
    for bars, parts, chords in arrays["sizes"].tolist():
        onsets, beats = take("bar_onsets", bars + 1), take("bar_beats", bars)
        tempos, symbols = take("bar_tempos", bars), take("chords", chords)
        named = arrays["roles"][part : part + parts].tolist()
        part += parts
        held = tuple(
            GridPart(role, int(program), take("notes", int(size))) for role, program, size in named
        )
        songs.append(GridSong(onsets, beats, tempos, held, symbols))
    return songs
