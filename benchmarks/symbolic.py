"""Measure whoever writes parts, on any songs, beside floors, baselines and the true parts.

    python -m benchmarks.symbolic --quick
    python -m benchmarks.symbolic --full --instrument bass
    python -m benchmarks.symbolic --writer transformer,arranger --split freedoom-valid --seeds 5
    python -m benchmarks.symbolic --quick --split my-songs/ --files answers-of-another-system/

A run that was stopped goes on where it was: finished parts are kept in the user's cache for as
long as the code and the weights that made them stay the same. docs/evaluation.md tells more.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    track,
)

from benchmarks.assignments import CASES, Assignment, assignments
from benchmarks.finished import finished_files, write_contexts
from benchmarks.journal import ROOT, Journal, cache_folder
from benchmarks.plots import draw
from benchmarks.results_file import command_line, keep, positive
from benchmarks.scores import Row, score
from benchmarks.songs import SPLITS, Mode, load_songs
from benchmarks.summary import TRUE, Summary, summaries
from benchmarks.tables import closest_table, failure_table, goals, report
from benchmarks.writers import (
    WRITERS,
    Job,
    WriteParts,
    Writer,
    WriterOptions,
    state_of,
    writer_named,
)
from benchmarks.written import Written, write_all
from subtractive.errors import MusicError, OptionError, OutputError
from subtractive.files.output import write_whole
from subtractive.instruments import INSTRUMENTS
from subtractive.repertoire import Repertoire, load_repertoire

SEEDS: dict[Mode, int] = {"quick": 5, "full": 1}
RESULTS = ROOT / "benchmarks" / "results"
SHIPPED_INDEX = ROOT / "symbolic" / "weights" / "novelty.safetensors"
CLOSEST = 3
_CONSOLE = Console(stderr=True)


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes
    ----------
    summaries : list of Summary
    absent : list of str
        Writers that can't write here, each with the reason.
    reasons : dict of writer to (dict of str to int)
        Why parts failed, and how many.
    writing_seconds : float
        That all writers took for all parts, those of earlier runs too.
    closest : list of dict
        For each system and instrument the parts that share most of their figures of 8 notes with
        one training song.
    """

    summaries: list[Summary]
    absent: list[str]
    reasons: dict[str, dict[str, int]]
    writing_seconds: float
    closest: list[dict[str, Any]]


def _assignments(options: argparse.Namespace) -> list[Assignment]:
    mode: Mode = "quick" if options.quick else "full"
    every = assignments(
        load_songs(options.split or SPLITS, mode, options.limit),
        options.instrument or INSTRUMENTS,
        CASES if options.cases else (),
    )
    keys = Counter(one.key for one in every)
    if keys and max(keys.values()) > 1:
        raise OptionError(
            f"{max(keys, key=lambda key: keys[key])} is there twice: give the folders different "
            "names, or measure one after the other"
        )
    if not every:
        raise OptionError(
            "no song has a part to take out: a song needs the instrument with 16 notes or more, "
            "and somebody else who plays"
        )
    return every


def _writers(options: argparse.Namespace) -> Iterator[Writer]:
    """Yield the writers of the run; the true parts always, since distances are taken to them."""
    names = dict.fromkeys(options.writer.split(",") if options.writer else WRITERS)
    for name in names:
        if name != TRUE:
            yield writer_named(name)
    taken = set(WRITERS)
    for folder in options.files:
        writer = finished_files(folder)
        if writer.name in taken:
            raise OptionError(
                f"{folder}: another writer is called {writer.name}: rename the folder"
            )
        taken.add(writer.name)
        yield writer
    yield writer_named(TRUE)


def _jobs(writer: Writer, every: Sequence[Assignment], seeds: Sequence[int]) -> list[Job]:
    return [(one, seed) for one in every for seed in (seeds if writer.draws else seeds[:1])]


def run(options: argparse.Namespace) -> Outcome:
    """Let all writers that the options name write, and score what they wrote.

    Raises
    ------
    MusicError
        If songs are missing, or a writer that was named.
    """
    writers = list(_writers(options))
    every = _assignments(options)
    count = options.seeds or SEEDS["quick" if options.quick else "full"]
    seeds = range(options.seed, options.seed + count)
    asked = WriterOptions(
        options.weights, options.device, options.temperature, options.takes, tuple(options.corpus)
    )
    learned = load_repertoire(index) if (index := options.novelty or _shipped_index()) else None
    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn())
    written: list[tuple[str, list[Job], list[Written]]] = []
    absent: list[str] = []
    with Progress(
        *columns, TextColumn("bars"), TimeRemainingColumn(), console=_CONSOLE
    ) as progress:
        for writer in writers:
            jobs = _jobs(writer, every, seeds)
            state = state_of(writer, asked)
            path = cache_folder() / f"parts-{writer.name}-{state}.jsonl"
            journal = Journal(path) if writer.is_kept else None

            def opened(writer: Writer = writer) -> WriteParts:
                return writer.open(every, asked)

            try:
                parts = write_all(writer.name, jobs, opened, journal, progress, options.batch)
            except OptionError as error:
                # the whole table is still worth something without a program that few have
                if options.writer:
                    raise
                absent.append(f"{writer.name}: {error}")
                continue
            written.append((writer.name, jobs, parts))
    rows = _scored(written, learned)
    spent = sum(row.seconds for row in rows)
    return Outcome(summaries(rows), absent, _reasons(rows), round(spent), _closest(rows))


def _shipped_index() -> Path | None:
    return SHIPPED_INDEX if SHIPPED_INDEX.exists() else None


def _reasons(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    failed = [row for row in rows if row.failed]
    return {
        writer: dict(Counter(row.failed for row in failed if row.writer == writer))
        for writer in dict.fromkeys(row.writer for row in failed)
    }


def _closest(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the parts of each system that share most with one training song."""
    systems = {row.writer for row in rows} - {
        name for name, writer in WRITERS.items() if writer.is_baseline
    }
    found = []
    for system, instrument in product(sorted(systems), INSTRUMENTS):
        of_these = [
            row
            for row in rows
            if (row.writer, row.instrument) == (system, instrument) and row.shared
        ]
        for row in sorted(of_these, key=lambda row: -row.shared)[:CLOSEST]:
            named = {"writer": system, "instrument": instrument, "song": row.song_key}
            found.append({**named, "nearest": row.nearest, "shared": round(row.shared, 3)})
    return found


def _scored(
    written: Sequence[tuple[str, list[Job], list[Written]]], learned: Repertoire | None
) -> list[Row]:
    every = [
        (name, job, part)
        for name, jobs, parts in written
        for job, part in zip(jobs, parts, strict=True)
    ]
    return [score(*one, learned) for one in track(every, "scoring", console=_CONSOLE)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.symbolic",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--quick", action="store_true", help="windows of 32 bars, five seeds")
    mode.add_argument("--full", action="store_true", help="whole songs, one seed")
    parser.add_argument(
        "--split",
        action="append",
        help="freedoom-valid, freedoom-train, real-songs, a folder of MIDI files, or\n"
        "CORPUS:valid; may be repeated; default: freedoom-valid and real-songs",
    )
    parser.add_argument("--limit", type=positive, help="at most so many songs of each split")
    parser.add_argument(
        "--instrument", action="append", choices=INSTRUMENTS, help="may be repeated"
    )
    parser.add_argument("--cases", action="store_true", help="the paper's cases, not whole songs")
    parser.add_argument("--seeds", type=positive, help="how many; default: 5, in full 1")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--writer", help=f"some of {','.join(WRITERS)};\ndefault: all there are")
    parser.add_argument(
        "--files", action="append", type=Path, default=[], help="finished files of another system"
    )
    parser.add_argument("--contexts", type=Path, help="only write the contexts to this folder")
    parser.add_argument(
        "--corpus", action="append", type=Path, default=[], help="where retrieval looks too"
    )
    parser.add_argument(
        "--novelty", type=Path, help="index of training songs; default: that of the shipped weights"
    )
    parser.add_argument("--weights", type=Path, help="a folder of weights; default: the shipped")
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--temperature", type=float, help="of the model; default: its own")
    parser.add_argument("--takes", type=positive, help="of each window; default: the model's own")
    parser.add_argument("--batch", type=positive, default=32, help="parts written together")
    parser.add_argument("--out", type=Path, help="JSON; table and picture go beside it")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def _results(outcome: Outcome) -> dict[str, Any]:
    return {
        "absent": outcome.absent,
        "reasons": outcome.reasons,
        "writing_seconds": outcome.writing_seconds,
        "closest": outcome.closest,
        "goals": [goal._asdict() for goal in goals(outcome.summaries)],
        "summaries": [summary.as_json() for summary in outcome.summaries],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(arguments)
    started = time.perf_counter()
    name = f"{'quick' if options.quick else 'full'}{'-cases' if options.cases else ''}"
    out = options.out or RESULTS / f"{name}.json"
    command = command_line("benchmarks.symbolic", arguments)
    try:
        if not out.parent.is_dir():
            raise OutputError(f"{out.parent} is no folder: make it, or name another by --out")
        if options.contexts:
            count = write_contexts(_assignments(options), options.contexts)
            print(f"{count} contexts are in {options.contexts}")
            return 0
        outcome = run(options)
        text = report(outcome.summaries)
        if outcome.closest:
            text += "\n### Nearest training songs\n\n" + closest_table(outcome.closest) + "\n"
        if outcome.reasons:
            text += "\n### Failed parts\n\n" + failure_table(outcome.reasons) + "\n"
        if outcome.absent:
            text += "\n".join(["", "Left out:", *outcome.absent, ""])
        heading = f"`python -m {command}`\n\n"
        write_whole(out.with_suffix(".md"), (heading + text).encode())
        write_whole(out.with_suffix(".png"), draw(outcome.summaries))
        seconds = time.perf_counter() - started
        results = _results(outcome)
        keep(out, results, command=command, seconds=seconds, as_json=options.json, shown=text)
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
