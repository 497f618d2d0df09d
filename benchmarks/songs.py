"""The songs that everything is measured on, whole or cut into windows.

A split is named "freedoom-valid", "freedoom-train" or "real-songs", which lie below the folder
``SUBTRACTIVE_DATA`` (`real_songs` is never trained on), or by a folder of MIDI files, or by the
folder of a corpus and one of its splits, "my-corpus:valid".
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from benchmarks.windows import QUICK_BARS, best_window, cut
from subtractive.arrangement import Arrangement, bars
from subtractive.errors import OptionError
from subtractive.files.midi import read_midi

Mode = Literal["quick", "full"]

QUICK_REAL_SONGS = 30
FULL_REAL_SONGS = 100
# How warm each instrument is sampled was chosen on these real songs: no table holds them.
CHOSEN_ON = range(30, 70)
SPLITS = ("freedoom-valid", "real-songs")


@dataclass(frozen=True, eq=False)
class Song:
    """A song, or its window.

    Attributes
    ----------
    collection : str
        "freedoom" or "real_songs".
    name : str
        Path inside the collection.
    music : Arrangement
        Starts at tick 0; its bars are written out as barlines.
    """

    collection: str
    name: str
    music: Arrangement

    @property
    def key(self) -> str:
        """Name of the song among all songs."""
        return f"{self.collection}/{self.name}"


def data_folder() -> Path:
    """Return the folder that ``SUBTRACTIVE_DATA`` names.

    Raises
    ------
    OptionError
        If the variable is unset or names no folder.
    """
    named = os.environ.get("SUBTRACTIVE_DATA", "")
    if not named or not Path(named).is_dir():
        raise OptionError(
            f"SUBTRACTIVE_DATA is {named or 'not set'}: set it to a folder that holds "
            "freedoom/ and real_songs/, each with its songs and an index.csv"
        )
    return Path(named)


def song_files(folder: Path, *, everything: bool = False) -> list[tuple[str, str, Path]]:
    """Return collection, name and path of the songs to measure on, in a fixed order.

    Parameters
    ----------
    folder : Path
        As `data_folder` returns it.
    everything : bool
        Also the songs of ``freedoom`` that are trained on.
    """
    splits = ("valid", "train") if everything else ("valid",)
    return [*freedoom_files(folder, splits), *_real_songs(folder)]


def freedoom_files(folder: Path, splits: Collection[str]) -> list[tuple[str, str, Path]]:
    """Return collection, name and path of the songs of some splits of ``freedoom``."""
    rows = [row for row in _index(folder / "freedoom") if row["split"] in splits]
    return [("freedoom", row["path"], folder / "freedoom" / row["path"]) for row in rows]


def _index(folder: Path) -> list[dict[str, str]]:
    try:
        with (folder / "index.csv").open(newline="", encoding="utf-8") as index:
            return list(csv.DictReader(index))
    except OSError as error:
        raise OptionError(
            f"{folder} holds no index.csv that can be read ({error.strerror}): name a folder of "
            "music by SUBTRACTIVE_DATA, or songs by --split"
        ) from error


def _real_songs(folder: Path) -> list[tuple[str, str, Path]]:
    names = sorted(row["path"] for row in _index(folder / "real_songs"))
    return [("real_songs", name, folder / "real_songs" / name) for name in names]


def _split_files(split: str, mode: Mode) -> list[tuple[str, str, Path]]:
    if split == "real-songs":
        every = _real_songs(data_folder())
        held = [entry for place, entry in enumerate(every) if place not in CHOSEN_ON]
        return held[: QUICK_REAL_SONGS if mode == "quick" else FULL_REAL_SONGS]
    if split in ("freedoom-valid", "freedoom-train"):
        return freedoom_files(data_folder(), (split.removeprefix("freedoom-"),))
    folder = Path(split)
    if not folder.is_dir():
        raise OptionError(
            f"unknown split {split!r}: choose freedoom-valid, freedoom-train, real-songs, a folder "
            "of MIDI files, or a corpus and its split as CORPUS:valid"
        )
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if not found:
        raise OptionError(f"{folder} holds no MIDI file: name a folder that holds some")
    return [(folder.resolve().name, path.relative_to(folder).as_posix(), path) for path in found]


def load_songs(splits: Iterable[str], mode: Mode, limit: int | None = None) -> Iterator[Song]:
    """Read the songs of some splits one by one.

    Parameters
    ----------
    splits : iterable of str
    mode : "quick" or "full"
        Quick: one window of 32 bars of each song, and of the real songs the first 30. Full: whole
        songs, and of the real songs 100.
    limit : int or None
        At most so many songs of each split.

    Yields
    ------
    Song

    Raises
    ------
    MusicError
        If a split is unknown or a file of a named folder is no MIDI file.
    """
    for split in splits:
        for collection, name, whole in islice(_whole_songs(split, mode), limit):
            if mode == "full":
                yield Song(collection, name, cut(whole, 0, len(bars(whole))))
            else:
                first = best_window(whole)
                last = min(len(bars(whole)), first + QUICK_BARS)
                yield Song(collection, name, cut(whole, first, last))


def _whole_songs(split: str, mode: Mode) -> Iterator[tuple[str, str, Arrangement]]:
    folder, colon, part = split.rpartition(":")
    if colon and Path(folder).is_dir():
        # pyarrow: songs in files do without it
        from subtractive.dataset import stream  # noqa: PLC0415

        for excerpt in stream(Path(folder), part):
            name = f"{excerpt.song}:{excerpt.first_bar}"
            yield Path(folder).resolve().name, name, excerpt.arrangement
        return
    for collection, name, path in _split_files(split, mode):
        yield collection, name, read_midi(path.read_bytes(), name)
