"""Speed and agreement beside other programs, in one run on one machine.

    python -m benchmarks.peers
    python -m benchmarks.peers --only parsing --only metrics --songs 5 --json

Parsing beside pretty_midi and music21 on the same files, metrics beside mir_eval and muspy on the
same parts, writing beside MIDI-GPT in the same song. A program that is not installed is a row that
says how to install it: none of them is needed for anything else.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.journal import ROOT
from benchmarks.peers import measuring, writers
from benchmarks.peers.installed import missing
from benchmarks.results_file import command_line, keep, positive
from benchmarks.songs import data_folder, load_songs, song_files
from benchmarks.tables import markdown_table
from benchmarks.tokens import first_of_each
from subtractive.errors import MusicError
from subtractive.files.midi import read_midi
from subtractive.files.midi_arrays import read_midi_arrays

Row = dict[str, Any]
Tick = Callable[[], object]

KINDS = ("parsing", "metrics", "writing")
OURS = "Subtractive"
# What a program of another version than the one known here may raise.
_STRANGE = (ImportError, AttributeError, TypeError, ValueError, KeyError, IndexError, RuntimeError)


class Job(NamedTuple):
    """One row of the table, to be measured.

    Attributes
    ----------
    measured, program : str
        What is measured, and of whom.
    needs : tuple of str
        Modules, as `installed.missing` takes them; the first is the program's own.
    steps : int
        How often `measure` ticks.
    measure : callable
        Returns "value", "unit", "n" and perhaps "remark" and more.
    """

    measured: str
    program: str
    needs: tuple[str, ...]
    steps: int
    measure: Callable[[Tick], Row]


def row_of(job: Job, tick: Tick) -> Row:
    """Return the row of a job: numbers, or the reason why there are none.

    What goes wrong in another program is such a reason; our own mistakes are raised.
    """
    named = {"measured": job.measured, "program": job.program}
    absent = missing(*job.needs)
    if absent:
        return {**named, "reason": absent}
    if job.program.startswith(OURS):
        return {**named, **job.measure(tick)}
    module, _, package = job.needs[0].partition("=")
    found = dict(named)
    try:
        found["version"] = version(package or module)
        return {**found, **job.measure(tick)}
    except _STRANGE as error:
        return {**found, "reason": f"failed: {type(error).__name__}: {error}"}


def time_parsing(paths: Sequence[Path], parse: Callable[[Path], object], tick: Tick) -> Row:
    """Return how many files a second are parsed; those that a program refuses are counted."""
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of careless files
        for path in paths[:1]:
            _accepts(parse, path)  # so that imports are not timed
        started = time.perf_counter()
        for path in paths:
            refused += not _accepts(parse, path)
            tick()
        seconds = time.perf_counter() - started
    return {
        "value": len(paths) / max(seconds, 1e-9),
        "unit": "songs/s",
        "n": len(paths),
        "refused": refused,
        "remark": f"{refused} refused" if refused else "",
    }


def _accepts(parse: Callable[[Path], object], path: Path) -> bool:
    try:
        parse(path)
    except (MusicError, OSError, ValueError, KeyError, IndexError, EOFError):
        return False
    return True


def _pretty_midi(path: Path) -> object:
    return import_module("pretty_midi").PrettyMIDI(str(path))


def _music21(path: Path) -> object:
    # its cache of parsed files would be measured otherwise
    return import_module("music21.converter").parse(path, forceSource=True, storePickle=False)


def parsing(paths: Sequence[Path]) -> list[Job]:
    """Return the jobs of reading MIDI files."""
    parsers: tuple[tuple[str, tuple[str, ...], Callable[[Path], object]], ...] = (
        (f"{OURS}, as notes", (), lambda path: read_midi(path.read_bytes(), path.name)),
        (f"{OURS}, as arrays", (), lambda path: read_midi_arrays(path.read_bytes(), path.name)),
        ("pretty_midi", ("pretty_midi",), _pretty_midi),
        ("music21", ("music21",), _music21),
    )
    return [
        Job("parsing", program, needs, len(paths), partial(_parsing_job, paths, parse))
        for program, needs, parse in parsers
    ]


def _parsing_job(paths: Sequence[Path], parse: Callable[[Path], object], tick: Tick) -> Row:
    return time_parsing(paths, parse, tick)


def scoring(scored: Sequence[measuring.Case]) -> list[Job]:
    """Return the jobs of metrics."""
    count = len(scored)
    return [
        Job("metrics", OURS, (), count, partial(measuring.time_ours, scored)),
        Job("metrics", "muspy", ("muspy",), count, partial(measuring.time_muspy, scored)),
        Job("same metric", "mir_eval", ("mir_eval",), count, partial(measuring.agreement, scored)),
    ]


def writing(bar_count: int, seed: int) -> list[Job]:
    """Return the jobs of writing a bass."""
    song = writers.song_without_bass(bar_count, seed)
    time_ours, time_midigpt = writers.time_ours, writers.time_midigpt
    return [
        Job("writing", OURS, (), 1, partial(time_ours, song, seed, None)),
        Job("writing", f"{OURS}, one take", (), 1, partial(time_ours, song, seed, 1)),
        *(
            Job("writing", "midigpt", ("midigpt",), 1, partial(time_midigpt, song, seed, cap))
            for cap in writers.CAPS
        ),
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = []
    for row in rows:
        program = " ".join(filter(None, (row["program"], row.get("version", ""))))
        if "reason" in row:
            lines.append([row["measured"], program, "", "", row["reason"]])
            continue
        value = f"{row['value']:.3g} {row['unit']}"
        lines.append([row["measured"], program, value, str(row["n"]), row.get("remark", "")])
    return markdown_table(["measured", "program", "found", "n", ""], lines)


def _jobs(options: argparse.Namespace) -> list[Job]:
    kinds = options.only or KINDS
    jobs: list[Job] = []
    if "parsing" in kinds:
        files = first_of_each(song_files(data_folder()), options.songs)
        paths = [path for _, path in files]
        jobs += parsing(paths)
    if "metrics" in kinds:
        songs = load_songs(("freedoom-valid", "real-songs"), "quick", options.songs)
        rng = np.random.default_rng(options.seed)
        jobs += scoring(measuring.cases((song.music for song in songs), rng))
    if "writing" in kinds:
        jobs += writing(options.bars, options.seed)
    return jobs


def measure_all(jobs: Sequence[Job]) -> list[Row]:
    """Return the rows of all jobs, with a progress bar that tells the time left."""
    rows = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for job in jobs:
            task = progress.add_task(f"{job.measured}: {job.program}", total=job.steps)
            rows.append(row_of(job, partial(progress.advance, task)))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, and write the numbers; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=KINDS, help="one of several; all")
    parser.add_argument(
        "--songs", type=positive, default=15, help="how many songs of each collection"
    )
    parser.add_argument("--bars", type=int, default=32, help="of bass that are written")
    parser.add_argument("--seed", type=int, default=0, help="of what is random")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/peers.json")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    try:
        rows = measure_all(_jobs(options))
        keep(
            options.out,
            {"seed": options.seed, "rows": rows},
            command=command_line("benchmarks.peers", argv),
            seconds=time.perf_counter() - started,
            as_json=options.json,
            shown=table(rows),
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
