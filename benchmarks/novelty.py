"""The novelty index: build it from training corpora, and measure how far it can be trusted.

    python -m benchmarks.novelty build --corpus corpus-mma/ --corpus corpus-drums/
    python -m benchmarks.novelty report --corpus corpus-mma/ --corpus corpus-drums/ --json

The report reads the corpora anew and asks the index for passages of their held-out songs and for
shuffled ones; what it finds is held against the training parts by whole hashes. Then true parts: of
training songs, which must be found whole, of the corpora's held-out songs, and of the quick table's
songs, each beside the exact numbers. Beside them the same parts with their moves shuffled: what
chance finds. At last excerpts of training songs: does the index name the song?
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.journal import ROOT
from benchmarks.metrics.novelty import copied, longest_run
from benchmarks.repertoires import Lessons, Truth, gather, read_all
from benchmarks.results_file import command_line, keep
from benchmarks.songs import load_songs
from subtractive.arrays import to_arrays
from subtractive.errors import MusicError
from subtractive.excerpts import main_notes
from subtractive.instruments import INSTRUMENTS
from subtractive.novelty import BITS, GRAM, LENGTHS, Moves, Passages, longest_bound, moves_of
from subtractive.repertoire import FILE, Repertoire, load_repertoire

Row = dict[str, Any]
Part = tuple[str, Moves]  # instrument, moves

SHIPPED = ROOT / "symbolic" / "weights" / FILE
_LEAST_NOTES = 16
_ASKED_PARTS = 1000  # of each instrument, whose passages are looked up in two ways
_EXACT_PARTS = 40  # of each instrument and group, whose longest runs are measured exactly
_EXCERPTS = 300  # of training parts, of each instrument and length
_BAR = 48  # 12ths of a quarter note: bars of four quarters


def chosen(
    lessons: Lessons, count: int, rng: np.random.Generator, least_notes: int = _LEAST_NOTES
) -> list[Part]:
    """Return some parts of each instrument, drawn at random."""
    found: list[Part] = []
    for name in INSTRUMENTS:
        parts = [each for each in lessons.parts[name] if len(each) >= least_notes]
        places = rng.choice(len(parts), min(count, len(parts)), replace=False)
        found += [(name, parts[place]) for place in sorted(places.tolist())]
    return found


def true_parts(split: str) -> Iterator[Part]:
    """Yield the true parts of a split's quick windows."""
    for song in load_songs((split,), "quick"):
        music = to_arrays(song.music)
        for name in INSTRUMENTS:
            moves = moves_of(main_notes(music, name), music.ticks_per_beat, name)
            if len(moves) >= _LEAST_NOTES:
                yield name, moves


def shuffled(parts: Iterable[Part], rng: np.random.Generator) -> list[Part]:
    """Return parts with the moves of each in another order, but for the last."""
    return [
        (name, np.append(rng.permutation(moves[:-1]), moves[-1:]).astype(np.uint16))
        for name, moves in parts
    ]


def checked(parts: Sequence[Part], repertoire: Repertoire, truths: dict[str, Truth]) -> Row:
    """Return how often the index is wrong about the different passages of some parts.

    "one_look_up" tells of its sets alone, one hash each, which shorter passages do not guard.
    """
    keys = ("asked", "there", "missed", "wrongly_found", "wrongly_looked_up")
    rows = {length: dict.fromkeys(keys, 0) for length in LENGTHS}
    for name in INSTRUMENTS:
        own = [moves for its_name, moves in parts if its_name == name]
        known, asked = repertoire.of(name), Passages(own, is_drums=name == "drums")
        found = [known.copied(moves) for moves in own]
        for length in LENGTHS:
            hashes, first = np.unique(asked.of(length), return_index=True)
            none = np.zeros(0, dtype=np.bool_)
            said = np.concatenate([none, *(each[length] for each in found)])[first]
            there = truths[name].holds(hashes, length)
            looked_up = known.sets[length].holds(hashes)
            counts = (there | True, there, there & ~said, said & ~there, looked_up & ~there)
            for key, count in zip(keys, counts, strict=True):
                rows[length][key] += int(count.sum())
    return {
        str(length): {
            **row,
            "false_positive_rate": row["wrongly_found"] / max(1, row["asked"] - row["there"]),
            "one_look_up": row["wrongly_looked_up"] / max(1, row["asked"] - row["there"]),
            "one_look_up_stated": 2.0 ** -BITS[length],
        }
        for length, row in rows.items()
    }


def scored(
    parts: Sequence[Part], repertoire: Repertoire, truths: dict[str, Truth], what: str
) -> Row:
    """Return the mean numbers of a group of parts by instrument, and beside them the exact ones."""
    result: Row = {}
    for name in INSTRUMENTS:
        own = [moves for its_name, moves in parts if its_name == name]
        known, truth = repertoire.of(name), truths[name]
        rows: list[dict[str, float]] = []
        runs: list[tuple[int, int]] = []
        for moves in track(own, f"{what}: {name}", console=Console(stderr=True)):
            found, near = known.copied(moves), repertoire.nearest(moves, name)
            passages = Passages([moves], is_drums=name == "drums")
            exact = {length: truth.holds(passages.of(length), length) for length in LENGTHS}
            bound = longest_bound(found)
            rows.append(
                {
                    **{f"copied_{length}": copied(found, length) for length in LENGTHS},
                    **{f"copied_{length}_exact": copied(exact, length) for length in LENGTHS},
                    "longest_copied_run": bound,
                    "longest_share": bound / len(moves),
                    "nearest_share": near.shared / near.total if near else 0.0,
                }
            )
            if len(runs) < _EXACT_PARTS:
                runs.append((bound, longest_run(moves, truth.passages, name)))
        if rows:
            means = {key: round(statistics.fmean(row[key] for row in rows), 4) for key in rows[0]}
            median = statistics.median(row["longest_copied_run"] for row in rows)
            result[name] = {"parts": len(own), **means, "longest_copied_run_median": median}
            result[name]["bound"] = tightness(runs)
    return result


def tightness(runs: Sequence[tuple[int, int]]) -> Row:
    """Return how far the bounds of runs lie above the exact ones, pairs of both being given."""
    above = [bound - exact for bound, exact in runs]
    return {
        "parts": len(runs),
        "mean": round(statistics.fmean(bound for bound, _ in runs), 2),
        "exact_mean": round(statistics.fmean(exact for _, exact in runs), 2),
        "is_exact": round(statistics.fmean(each == 0 for each in above), 3),
        "least_above": min(above),
        "most_above": max(above),
    }


def excerpt(part: Moves, bars: int, start: int, *, is_drums: bool) -> Moves:
    """Return the notes of some bars of four quarters, from a note on."""
    steps = (part[start:] & 0xFF if is_drums else part[start:] >> 8).astype(np.int64)
    after = np.cumsum(steps) - steps
    return part[start : start + int(np.searchsorted(after, bars * _BAR))]


def named(lessons: Lessons, repertoire: Repertoire, rng: np.random.Generator, bars: int) -> Row:
    """Return how well excerpts of training parts are told, by instrument.

    "named": how often by their own song; "holds": what share of the excerpt's different passages
    the song that is named has truly; "none": how often no song is named.
    """
    result: Row = {}
    for name in INSTRUMENTS:
        parts, owners, is_drums = lessons.parts[name], lessons.owners[name], name == "drums"
        hits: list[bool] = []
        holds: list[float] = []
        asked: list[int] = []
        for place in rng.permutation(len(parts)).tolist():
            start = int(rng.integers(len(parts[place])))
            own = excerpt(parts[place], bars, start, is_drums=is_drums)
            if start + len(own) == len(parts[place]) or len(own) < GRAM:
                continue  # it ends before its bars do, or is too short to be told
            if len(hits) == _EXCERPTS:
                break
            near = repertoire.nearest(own, name)
            hits.append(near is not None and near.song == lessons.songs[owners[place]])
            if near is not None:
                song = lessons.songs.index(near.song)
                its = [each for each, owner in zip(parts, owners, strict=True) if owner == song]
                wanted = np.unique(Passages([own], is_drums=is_drums).of(GRAM))
                there = Passages(its, is_drums=is_drums).of(GRAM)
                holds.append(float(np.isin(wanted, there).mean()))
                asked.append(near.total)
        if holds:
            result[name] = {
                "excerpts": len(hits),
                "named": round(statistics.fmean(hits), 3),
                "holds": round(statistics.fmean(holds), 3),
                "none": round(1 - len(holds) / len(hits), 3),
                "passages_asked": round(statistics.fmean(asked), 1),
            }
    return result


def timed(repertoire: Repertoire, parts: Sequence[Part]) -> Row:
    """Return the mean milliseconds that a part takes, and its notes."""
    clocks = [time.process_time()]
    for name, moves in parts:
        repertoire.of(name).copied(moves)
    clocks.append(time.process_time())
    for name, moves in parts:
        repertoire.nearest(moves, name)
    clocks.append(time.process_time())
    evaluated, told = (1000 * np.diff(clocks) / len(parts)).round(2).tolist()
    notes = round(statistics.fmean(len(moves) for _, moves in parts))
    return {"notes": notes, "milliseconds": evaluated, "milliseconds_nearest": told}


def report(index: Path, corpora: Sequence[Path], parts: int, processes: int, seed: int) -> Row:
    """Return all measurements."""
    rng = np.random.default_rng(seed)
    started = time.process_time()
    repertoire = load_repertoire(index)
    load_seconds = time.process_time() - started
    training = read_all(corpora, "train", processes)
    held_out = read_all(corpora, "valid", processes)
    truths = {name: Truth.of(training.passages(name)) for name in INSTRUMENTS}
    unseen = {split: list(true_parts(split)) for split in ("freedoom-valid", "real-songs")}
    asked = chosen(held_out, _ASKED_PARTS, rng)
    heard = chosen(training, parts, rng)
    held = chosen(held_out, parts, rng)
    groups = {
        "training": heard,
        "held_out": held,
        **unseen,
        "held_out_shuffled": shuffled(held, rng),
        **{f"{split}_shuffled": shuffled(own, rng) for split, own in unseen.items()},
    }
    return {
        "index": {
            "bytes": index.stat().st_size,
            "corpora": repertoire.corpora,
            "remark": repertoire.remark,
            "songs": len(repertoire.songs),
            "passages": {
                name: {str(length): len(truths[name].hashes[length]) for length in LENGTHS}
                for name in INSTRUMENTS
            },
            "song_passages": {name: len(repertoire.of(name).owners) for name in INSTRUMENTS},
            "load_seconds": round(load_seconds, 2),
            "a_part": timed(repertoire, heard),
        },
        "passages": {
            "held_out": checked(asked, repertoire, truths),
            "random": checked(shuffled(asked, rng), repertoire, truths),
        },
        "parts": {name: scored(own, repertoire, truths, name) for name, own in groups.items()},
        "nearest": {str(bars): named(training, repertoire, rng, bars) for bars in (8, 16, 32)},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.novelty",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser(
        "build",
        help="read corpora into an index",
        epilog="example: python -m benchmarks.novelty build --corpus corpus-mma/ --out index",
    )
    build.add_argument("--out", type=Path, default=SHIPPED, help=f"(weights/{FILE})")
    build.add_argument("--remark", default="", help="kept in the index for whom opens it")
    measure = commands.add_parser(
        "report",
        help="measure an index",
        epilog="example: python -m benchmarks.novelty report --corpus corpus-mma/ --seed 1",
    )
    measure.add_argument("--index", type=Path, default=SHIPPED, help=f"(weights/{FILE})")
    measure.add_argument(
        "--parts", type=int, default=200, help="of each group and instrument (200)"
    )
    measure.add_argument("--seed", type=int, default=0, help="of the parts that are drawn (0)")
    measure.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/novelty.json")
    for command in (build, measure):
        command.add_argument(
            "--corpus", type=Path, action="append", required=True, help="a folder, or several"
        )
        command.add_argument("--processes", type=int, default=2, help="that read (2)")
        command.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Build or measure, print, and write; return the exit code."""
    options = _parser().parse_args(argv)
    started = time.perf_counter()
    try:
        if options.command == "build":
            built = gather(options.corpus, "train", options.processes, options.remark)
            built.save(options.out)
            told = {
                "out": str(options.out),
                "bytes": options.out.stat().st_size,
                "seconds": round(time.perf_counter() - started, 1),
                "corpora": built.corpora,
            }
            print(json.dumps(told, indent=None if options.json else 1))
        else:
            keep(
                options.out,
                report(
                    options.index, options.corpus, options.parts, options.processes, options.seed
                ),
                command=command_line("benchmarks.novelty", argv),
                seconds=time.perf_counter() - started,
                as_json=options.json,
            )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
