"""The songs that everything is measured on, whole or cut into windows.

Two collections of human-made songs lie below the folder ``SUBTRACTIVE_DATA``: ``freedoom`` (the
validation split of its ``index.csv``) and ``real_songs`` (never trained on).
"""

from __future__ import annotations

import csv
import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from subtractive.arrangement import Arrangement, Bar, Note, Part, bars
from subtractive.errors import OptionError
from subtractive.excerpts import in_force
from subtractive.files.midi import read_midi
from subtractive.instruments import INSTRUMENTS, roles

Mode = Literal["quick", "full"]

QUICK_BARS = 32
QUICK_REAL_SONGS = 30
MINIMUM_NOTES = 16
_WINDOW_STEP_BARS = 4


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
    with (folder / "freedoom" / "index.csv").open(newline="", encoding="utf-8") as index:
        rows = [row for row in csv.DictReader(index) if everything or row["split"] == "valid"]
    freedoom = [("freedoom", row["path"], folder / "freedoom" / row["path"]) for row in rows]
    with (folder / "real_songs" / "index.csv").open(newline="", encoding="utf-8") as index:
        names = sorted(row["path"] for row in csv.DictReader(index))
    return freedoom + [("real_songs", name, folder / "real_songs" / name) for name in names]


def load_songs(folder: Path, mode: Mode) -> Iterator[Song]:
    """Read the songs of a mode one by one.

    Parameters
    ----------
    folder : Path
        As `data_folder` returns it.
    mode : "quick" or "full"
        Quick: one window of 32 bars of each song of freedoom's validation split and of the first
        30 real songs. Full: all of both, whole.

    Yields
    ------
    Song
    """
    files = song_files(folder)
    if mode == "quick":
        real = [entry for entry in files if entry[0] == "real_songs"][:QUICK_REAL_SONGS]
        files = [entry for entry in files if entry[0] == "freedoom"] + real
    for collection, name, path in files:
        whole = read_midi(path.read_bytes(), name)
        count = len(bars(whole))
        first = best_window(whole) if mode == "quick" else 0
        last = min(count, first + QUICK_BARS) if mode == "quick" else count
        yield Song(collection, name, cut(whole, first, last))


def best_window(arrangement: Arrangement, length_bars: int = QUICK_BARS) -> int:
    """Return the first bar of the window in which most of the band plays.

    Windows start every 4 bars. The one wins in which most of drums, bass and guitar have at least
    16 notes; of equals, the one in which the three have most notes together; then the earliest.
    """
    lines = [bar.onset for bar in bars(arrangement)]
    its_roles = roles(arrangement.parts)
    onsets = {
        name: sorted(
            note.onset
            for part, its_role in zip(arrangement.parts, its_roles, strict=True)
            if its_role == name
            for note in part.notes
        )
        for name in INSTRUMENTS
    }
    lines.append(arrangement.end + 1)

    def worth(first: int) -> tuple[int, int, int]:
        start, end = lines[first], lines[min(first + length_bars, len(lines) - 1)]
        counts = [bisect_left(of, end) - bisect_left(of, start) for of in onsets.values()]
        return sum(count >= MINIMUM_NOTES for count in counts), sum(counts), -first

    last_start = max(0, len(lines) - 1 - length_bars)
    return max(range(0, last_start + 1, _WINDOW_STEP_BARS), key=worth)


def cut(arrangement: Arrangement, first_bar: int, last_bar: int) -> Arrangement:
    """Return the music from `first_bar` up to, not including, `last_bar`.

    Notes are clipped to the window: one that sounds already when it starts begins with it (a drum
    stroke is left out), one that sounds on ends with it. Tempo, metre, key and chord in force at
    the start are carried over; the bars stay as they were and are written out as barlines.

    Parameters
    ----------
    arrangement : Arrangement
    first_bar, last_bar : int
        Indices into ``bars(arrangement)``, ``first_bar < last_bar``.

    Returns
    -------
    Arrangement
        Starting at tick 0; it has the same parts, some perhaps without notes, and no source.

    Raises
    ------
    ValueError
        If there are no such bars.
    """
    every_bar = bars(arrangement)
    if not 0 <= first_bar < last_bar <= len(every_bar):
        raise ValueError(
            f"bars {first_bar} to {last_bar} of {len(every_bar)} cannot be cut: the first must be "
            "0 or more and below the last, the last no more than there are"
        )
    window: Sequence[Bar] = every_bar[first_bar:last_bar]
    start, end = window[0].onset, window[-1].end
    return replace(
        arrangement,
        parts=tuple(_clip(part, start, end) for part in arrangement.parts),
        tempos=in_force(arrangement.tempos, start, end),
        metres=in_force(arrangement.metres, start, end),
        keys=in_force(arrangement.keys, start, end),
        chords=in_force(arrangement.chords, start, end),
        barlines=(*(bar.onset - start for bar in window), end - start),
        source=None,
    )


def _clip(part: Part, start: int, end: int) -> Part:
    notes = []
    for note in part.notes:
        inside = start <= note.onset < end
        leaks_in = not part.is_drums and note.onset < start < note.end
        if inside or leaks_in:
            onset = max(note.onset, start)
            notes.append(note._replace(onset=onset - start, duration=min(note.end, end) - onset))
    return replace(part, notes=tuple(sorted(notes, key=_by_onset_and_pitch)))


def _by_onset_and_pitch(note: Note) -> tuple[int, int]:
    return note.onset, note.pitch
