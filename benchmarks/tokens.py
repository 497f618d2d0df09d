"""What the grid loses and what the tokens cost, measured on real songs.

    python -m benchmarks.tokens

For each candidate grid: the share of onsets that it moves by more than a 64th triplet (one tick of
24 to the quarter), the mean shift, and the notes that fall together. For the tokens: how many a bar
takes, flat and folded into steps, with and without the token that repeats a bar.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from benchmarks.songs import data_folder, song_files
from scoretokens.codec import encode, normalise
from scoretokens.grid import to_grid
from subtractive.arrangement import Arrangement
from subtractive.errors import MusicError
from subtractive.files.midi import read_midi
from subtractive.files.output import write_whole
from subtractive.instruments import INSTRUMENTS
from symbolic.lessons import target_part
from symbolic.rows import MAIN

GRIDS = (12, 24)
_TOLERANCE = 1 / 24  # quarter notes


def grid_loss(songs: Iterable[Arrangement], ticks: int) -> dict[str, float]:
    """Return what is lost on a grid of `ticks` to the quarter note.

    Returns
    -------
    dict
        "moved": share of onsets moved by more than 1/24 quarter; "shift": mean shift in quarters;
        "merged": share of notes that fall on another one of their part and pitch.
    """
    shifts: list[npt.NDArray[np.float64]] = []
    notes = kept = 0
    for song in songs:
        for part in song.parts:
            table = np.array([(note.onset, note.pitch) for note in part.notes])
            exact = table[:, 0] * ticks / song.ticks_per_beat
            shifts.append(np.abs(np.rint(exact) - exact) / ticks)
            before = len(np.unique(table, axis=0))
            notes += before
            table[:, 0] = np.rint(exact)
            kept += len(np.unique(table, axis=0))
    every = np.concatenate(shifts)
    return {
        "moved": float((every > _TOLERANCE / 2).mean()),
        "shift": float(every.mean()),
        "merged": 1 - kept / notes,
    }


def tokens_per_bar(songs: Iterable[Arrangement]) -> dict[str, dict[str, float]]:
    """Return mean tokens and steps a bar of each instrument, with and without repeats."""
    counts = {name: np.zeros(4) for name in INSTRUMENTS}
    bar_count = dict.fromkeys(INSTRUMENTS, 0)
    for song in songs:
        grid = to_grid(song)
        for name in INSTRUMENTS:
            part = target_part(grid, name)
            if part is None:
                continue
            notes = normalise(part.notes, is_drums=part.is_drums)
            bar_count[name] += grid.bar_count
            for place, repeats in enumerate((False, True)):
                ids = encode(notes, grid.bar_onsets.tolist(), instrument=name, repeats=repeats).ids
                counts[name][2 * place] += len(ids)
                counts[name][2 * place + 1] += int((ids < MAIN).sum())
    kinds = ("flat", "folded", "flat with repeats", "folded with repeats")
    return {
        name: dict(zip(kinds, (counts[name] / max(1, bar_count[name])).tolist(), strict=True))
        for name in INSTRUMENTS
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the numbers; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tokens",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--songs", type=int, default=60, help="how many songs of each collection")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/tokens.json"))
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    try:
        found: dict[str, list[Arrangement]] = {}
        files = list(song_files(data_folder()))
        for collection, name, path in track(files, "reading", console=Console(stderr=True)):
            held = found.setdefault(collection, [])
            if len(held) < options.songs:
                held.append(read_midi(path.read_bytes(), name))
        songs = [song for held in found.values() for song in held]
        result = {
            "songs": len(songs),
            "grids": {str(ticks): grid_loss(songs, ticks) for ticks in GRIDS},
            "per_bar": tokens_per_bar(songs),
        }
        write_whole(options.out, (json.dumps(result, indent=1) + "\n").encode())
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result) if options.json else json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
