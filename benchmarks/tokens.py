"""What the grid loses and what the tokens cost, ours beside MidiTok's, on the same real songs.

    python -m benchmarks.tokens
    python -m benchmarks.tokens --songs 20 --scheme "MidiTok REMI" --json
    python -m benchmarks.tokens --train-minutes 3        # nats per bar after equal training time

For each candidate grid: the share of onsets that it moves by more than a 64th triplet (one tick of
24 to the quarter), the mean shift, and the notes that fall together. For each token scheme: how
many a bar takes, the share of notes that do not come back, how fast parts are encoded, the size of
the vocabulary. With --train-minutes instead: one small model is trained on each scheme for so many
minutes of CPU time on freedoom's training split, and its nats per bar of the validation split.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import Progress, TaskID, track

from benchmarks.journal import ROOT
from benchmarks.peers.installed import missing
from benchmarks.results_file import measured
from benchmarks.songs import data_folder, freedoom_files, song_files
from benchmarks.token_schemes.lines import Line, cut_lines, lines_of
from benchmarks.token_schemes.round_trip import GRIDS, measure
from benchmarks.token_schemes.schemes import NAMES, scheme_named
from subtractive.arrangement import Arrangement
from subtractive.files.midi import read_midi

_RESULTS = ROOT / "benchmarks" / "results"
_TOLERANCE = 1 / 24  # quarter notes
_HOP_BARS = 8  # between windows to learn from

Row = dict[str, Any]


def grid_loss(songs: Iterable[Arrangement], ticks: int) -> dict[str, float]:
    """Return what is lost on a grid of `ticks` to the quarter note.

    Returns
    -------
    dict
        "moved": share of onsets moved by more than 1/24 quarter; "shift": mean shift in quarters;
        "merged": share of notes that fall on another one of their part and pitch.
    """
    shifts: list[npt.NDArray[np.float64]] = [np.zeros(0)]
    notes = kept = 0
    for song in songs:
        for part in song.parts:
            table = np.array([(note.onset, note.pitch) for note in part.notes]).reshape(-1, 2)
            exact = table[:, 0] * ticks / song.ticks_per_beat
            shifts.append(np.abs(np.rint(exact) - exact) / ticks)
            before = len(np.unique(table, axis=0))
            notes += before
            table[:, 0] = np.rint(exact)
            kept += len(np.unique(table, axis=0))
    every = np.concatenate(shifts)
    return {
        "moved": float((every > _TOLERANCE / 2).sum() / max(1, len(every))),
        "shift": float(every.sum() / max(1, len(every))),
        "merged": (notes - kept) / max(1, notes),
    }


def compare(names: Sequence[str], lines: Sequence[Line], learned: Sequence[Line]) -> list[Row]:
    """Return what each scheme costs and loses (see `round_trip.measure`).

    Parameters
    ----------
    names : sequence of str
        Of `schemes.NAMES`.
    lines : sequence of Line
        What is encoded.
    learned : sequence of Line
        What byte pair encoding is trained on.
    """
    rows: list[Row] = []
    for name in track(names, "schemes", console=Console(stderr=True)):
        absent = missing("miditok") if name.startswith("MidiTok") else ""
        if absent:
            rows.append({"scheme": name, "reason": absent})
        else:
            rows.append(measure(scheme_named(name, learned), lines))
    return rows


def train(
    names: Sequence[str], learned: Sequence[Line], valid: Sequence[Line], minutes: float, seed: int
) -> Row:
    """Return the nats per bar that one small model reaches with each scheme.

    Parameters
    ----------
    names : sequence of str
    learned, valid : sequences of Line
        Whole parts to learn from, and to measure on.
    minutes : float
        CPU time for each.
    seed : int
    """
    # torch takes seconds to import, and only this measurement needs it
    from benchmarks.token_schemes import models  # noqa: PLC0415

    train_windows, valid_windows = cut_lines(learned, _HOP_BARS), cut_lines(valid)
    rows: list[Row] = []
    with Progress(console=Console(stderr=True)) as progress:
        for name in names:
            task = progress.add_task(name, total=1.0)

            def advance(share: float, task: TaskID = task) -> None:
                progress.update(task, completed=share)

            absent = missing("miditok") if name.startswith("MidiTok") else ""
            if absent:
                rows.append({"scheme": name, "reason": absent})
                continue
            rows.append(
                models.learn(
                    scheme_named(name, learned),
                    train_windows,
                    valid_windows,
                    minutes,
                    seed,
                    told=advance,
                )
            )
    return {
        "train_minutes": minutes,
        "train_windows": len(train_windows),
        "valid_windows": len(valid_windows),
        "learning": rows,
    }


def first_of_each(files: Iterable[tuple[str, str, Path]], most: int) -> list[tuple[str, Path]]:
    """Return name and path of the first `most` songs of each collection.

    Parameters
    ----------
    files : iterable of (str, str, Path)
        Collection, name and path, as `songs.song_files` returns them.
    most : int
    """
    chosen: dict[str, list[tuple[str, Path]]] = {}
    for collection, name, path in files:
        chosen.setdefault(collection, []).append((name, path))
    return [entry for entries in chosen.values() for entry in entries[:most]]


def _read(files: Iterable[tuple[str, str, Path]], what: str, most: int) -> list[Arrangement]:
    few = track(first_of_each(files, most), what, console=Console(stderr=True))
    return [read_midi(path.read_bytes(), name) for name, path in few]


def _lines(songs: Iterable[Arrangement]) -> list[Line]:
    return [line for song in songs for line in lines_of(song)]


def _run(options: argparse.Namespace) -> Row:
    folder = data_folder()
    names = options.scheme or list(NAMES)
    learned: list[Line] = []
    if options.train_minutes or any("BPE" in name for name in names):
        files = freedoom_files(folder, ("train",))
        learned = _lines(_read(files, "reading what is learned from", options.songs_to_learn))
    if options.train_minutes:
        valid = _lines(_read(freedoom_files(folder, ("valid",)), "reading", options.songs))
        return train(names, learned, valid, options.train_minutes, options.seed)
    songs = _read(song_files(folder), "reading", options.songs)
    lines = _lines(songs)
    return {
        "songs": len(songs),
        "parts": len(lines),
        "grids": {str(ticks): grid_loss(songs, ticks) for ticks in GRIDS},
        "schemes": compare(names, lines, learned),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the numbers; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tokens",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--songs", type=int, default=60, help="how many songs of each collection")
    parser.add_argument("--songs-to-learn", type=int, default=1000, help="of freedoom's training")
    parser.add_argument("--scheme", action="append", choices=NAMES, help="one of several; all")
    parser.add_argument("--train-minutes", type=float, default=0.0, help="CPU time for each scheme")
    parser.add_argument("--seed", type=int, default=0, help="of the models")
    parser.add_argument("--out", type=Path, help="default: tokens.json or token_models.json")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    name = "token_models.json" if options.train_minutes else "tokens.json"
    return measured(
        "benchmarks.tokens",
        argv,
        options.out or _RESULTS / name,
        lambda: {"seed": options.seed, **_run(options)},
        as_json=options.json,
    )


if __name__ == "__main__":
    sys.exit(main())
