"""Measure the symbolic writer on real songs, beside two floors and the ceiling.

    python -m benchmarks.symbolic --quick
    python -m benchmarks.symbolic --full --instrument bass --seeds 0
    python -m benchmarks.symbolic --quick --cases

A run that was stopped goes on where it was: finished parts are kept in the user's cache for as
long as the code and the weights that made them stay the same.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import metrics
from benchmarks.assignments import CASES, assignments
from benchmarks.journal import ROOT, Journal, Row, cache_folder, commit
from benchmarks.songs import Mode, data_folder, load_songs
from benchmarks.summary import Summary, summaries
from benchmarks.tables import goals, report
from benchmarks.writers import (
    WRITERS,
    WRITERS_WITH_SEEDS,
    Job,
    ModelOptions,
    WriteParts,
    open_writer,
    state_of,
)
from subtractive.arrangement import Part
from subtractive.errors import MusicError
from subtractive.files.output import write_whole
from subtractive.instruments import INSTRUMENTS

SEEDS: dict[Mode, tuple[int, ...]] = {"quick": (0, 1, 2, 3, 4), "full": (0,)}
RESULTS = ROOT / "benchmarks" / "results"


def _key(job: Job) -> str:
    return f"{job[0].key}:{job[1]}"


def _row(name: str, job: Job, part: Part) -> Row:
    one, seed = job
    scores = metrics.evaluate(part, one.truth, one.around, one.instrument)
    return {
        "key": _key(job),
        "collection": one.song.collection,
        "song": one.song.name,
        "instrument": one.instrument,
        "case": one.case,
        "writer": name,
        "seed": seed,
        "scores": {key: None if math.isnan(value) else value for key, value in scores.items()},
    }


def _batches(jobs: Sequence[Job], size: int) -> Iterator[Sequence[Job]]:
    """Yield the jobs in batches, songs of like length together, so that none waits for another."""
    in_order = sorted(jobs, key=lambda job: (job[0].instrument, job[0].around.bar_count))
    for start in range(0, len(in_order), size):
        yield in_order[start : start + size]


def measure(
    name: str,
    jobs: Sequence[Job],
    opened: Callable[[], WriteParts],
    journal: Journal,
    progress: Progress,
    batch: int,
) -> list[Row]:
    """Write and score the jobs that the journal does not hold yet; return the rows of all.

    Parameters
    ----------
    name : str
        Of the writer.
    jobs : sequence of Job
    opened : callable
        Returns the writer; called only if there is something left to write.
    journal : Journal
    progress : rich.progress.Progress
        Counts bars.
    batch : int
        Number of parts written together, and then kept.
    """
    left = [job for job in jobs if _key(job) not in journal.rows]
    if left:
        write_parts = opened()
        task = progress.add_task(name, total=sum(one.around.bar_count for one, _ in left))
        for some in _batches(left, batch):
            parts = write_parts(some)
            journal.add(_row(name, job, part) for job, part in zip(some, parts, strict=True))
            progress.advance(task, sum(one.around.bar_count for one, _ in some))
    return [journal.rows[_key(job)] for job in jobs]


def run(options: argparse.Namespace) -> list[Summary]:
    """Measure all writers that the options name, and summarize.

    Raises
    ------
    MusicError
        If the songs or a writer are missing.
    """
    mode: Mode = "quick" if options.quick else "full"
    model = ModelOptions(options.weights, options.device, options.temperature, options.takes)
    every = assignments(
        load_songs(data_folder(), mode),
        options.instrument or INSTRUMENTS,
        CASES if options.cases else (),
    )
    seeds = options.seeds or SEEDS[mode]
    rows: list[Row] = []
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TextColumn("bars"), TimeRemainingColumn(), console=console) as progress:
        for name in options.writers.split(","):
            jobs = [
                (one, seed)
                for one in every
                for seed in (seeds if name in WRITERS_WITH_SEEDS else seeds[:1])
            ]
            journal = Journal(cache_folder() / f"{mode}-{name}-{state_of(name, model)}.jsonl")

            def opened(name: str = name) -> WriteParts:
                return open_writer(name, every, model)

            rows += measure(name, jobs, opened, journal, progress, options.batch)
    return summaries(rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.symbolic", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--quick", action="store_true", help="57 windows of 32 bars, seeds 0 to 4")
    mode.add_argument("--full", action="store_true", help="327 whole songs, seed 0")
    parser.add_argument(
        "--instrument", action="append", choices=INSTRUMENTS, help="may be given more than once"
    )
    parser.add_argument("--cases", action="store_true", help="the paper's cases, not whole songs")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: 0 1 2 3 4, in full 0")
    parser.add_argument("--writers", default=",".join(WRITERS), help="default: %(default)s")
    parser.add_argument("--weights", type=Path, help="a folder of weights; default: the shipped")
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--temperature", type=float, help="of the model; default: its own")
    parser.add_argument("--takes", type=int, help="of each window; default: the model's own")
    parser.add_argument("--batch", type=int, default=32, help="parts written together")
    parser.add_argument("--out", type=Path, help="JSON; the tables go beside it as .md")
    parser.add_argument("--json", action="store_true", help="print the JSON, not the tables")
    return parser


def as_json(found: Sequence[Summary], command: str, seconds: float) -> dict[str, Any]:
    """Return the results with what made them: command, commit and date."""
    return {
        "command": command,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "goals": [goal._asdict() for goal in goals(found)],
        "summaries": [summary.as_json() for summary in found],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(arguments)
    started = time.perf_counter()
    name = f"symbolic-{'quick' if options.quick else 'full'}{'-cases' if options.cases else ''}"
    out = options.out or RESULTS / f"{name}.json"
    command = shlex.join(["python", "-m", "benchmarks.symbolic", *arguments])
    try:
        found = run(options)
        results = as_json(found, command, time.perf_counter() - started)
        text = json.dumps(results, indent=1, allow_nan=False) + "\n"
        heading = f"`{command}` at {results['commit']}, {results['date']}\n\n"
        write_whole(out, text.encode())
        write_whole(out.with_suffix(".md"), (heading + report(found)).encode())
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    print(text if options.json else report(found), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
