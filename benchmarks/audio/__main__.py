"""Score finished recordings of any system, beside floors, ceilings and the true mixes.

    python -m benchmarks.audio --files my-system/
    python -m benchmarks.audio --files my-system/ --target stem --quick
    SUBTRACTIVE_DATA=... python -m benchmarks.audio --files paper_triplets

benchmarks/audio/clips.py tells how the folder is laid out, benchmarks/metrics/sound.py what is
measured. A run that was stopped goes on where it was, clip by clip.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.audio.clips import Clip, find_clips, partners
from benchmarks.audio.rows import OUTPUT, PARTNERS, Task, key_of, score
from benchmarks.audio.tables import draw, report, scores_of, set_distances, summary
from benchmarks.journal import ROOT, Journal, Row, cache_folder, fingerprint, module_files
from benchmarks.metrics.sound_spectrum import RATE
from benchmarks.results_file import measured
from benchmarks.songs import data_folder
from subtractive.errors import OptionError

if TYPE_CHECKING:
    from benchmarks.metrics.musicnn import Musicnn

QUICK_CLIPS, QUICK_SECONDS = 8, 10.0
_RESULTS = ROOT / "benchmarks" / "results"


def _folder(named: Path) -> Path:
    """Return the folder of clips: as it is named, or one below the folder of outside music."""
    if named.is_dir() or named.is_absolute() or len(named.parts) > 1:
        return named
    try:
        inside = data_folder() / named
    except OptionError:
        return named
    return inside if inside.is_dir() else named


def _network() -> Musicnn | str:
    """Return the network that embeds sound, or why there is none."""
    # torch and the weights: only distances of embeddings need them
    from benchmarks.metrics.musicnn import load  # noqa: PLC0415

    try:
        return load()
    except OptionError as error:
        return str(error)


def _state(every: Sequence[Clip], options: argparse.Namespace, *, embedded: bool) -> str:
    """Return a name for everything that rows depend on."""
    files = [path for clip in every for path in (clip.context, clip.target, clip.output)]
    files += [path for clip in every for path in (clip.beats, clip.seconds)]
    stats = [(path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()]
    asked = (options.target, options.seed, options.quick, embedded)
    code = module_files("benchmarks.audio.rows")
    return fingerprint(code, *map(str, (*(path.resolve() for path in files), *stats, *asked)))


def rows_of(
    every: Sequence[Clip], options: argparse.Namespace, network: Musicnn | None
) -> dict[str, Row]:
    """Return the rows of all clips; what the journal holds is not measured again.

    Raises
    ------
    MusicError
        If a context or target can't be read.
    """
    state = _state(every, options, embedded=network is not None)
    journal = Journal(cache_folder() / f"audio-{state}.jsonl")
    longest = QUICK_SECONDS if options.quick else None
    pairing = partners(len(every), PARTNERS, np.random.default_rng(options.seed))
    for clip, places in track(
        list(zip(every, pairing, strict=True)), "clips", console=Console(stderr=True)
    ):
        if key_of(clip.name, OUTPUT) in journal.rows:
            continue
        others = [every[place] for place in places]
        journal.add(score(Task(clip, others, options.target, longest, options.seed), network))
    return journal.rows


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Score the clips of a folder and return the result as JSON.

    Raises
    ------
    MusicError
        If the folder holds no clips, or the context or target of one can't be read.
    """
    folder = _folder(options.files)
    every = find_clips(folder)[: QUICK_CLIPS if options.quick else None]
    names = [clip.name for clip in every]
    network = "not asked for" if options.quick else _network()
    found = network if isinstance(network, str) else None
    rows = rows_of(every, options, None if isinstance(network, str) else network)
    outputs = [rows[key_of(name, OUTPUT)] for name in names]
    made = [row["made_in"] / row["sound_seconds"] for row in outputs if row["made_in"] is not None]
    return {
        "system": options.name or folder.resolve().name,
        "clips": len(every),
        "seed": options.seed,
        "target": options.target,
        "sample_rate_hz": RATE,
        "metrics": summary(scores_of(rows, names), options.seed),
        "embeddings": found or set_distances(rows, names, options.seed),
        "failures": {row["clip"]: row["failure"] for row in outputs if row["failure"]},
        "real_time_factor": float(np.mean(made)) if made else None,
        "metrics_real_time_factor": _pace(outputs, "measured_in"),
        "embedding_real_time_factor": None if found else _pace(outputs, "embedded_in"),
    }


def _pace(rows: Sequence[Row], what: str) -> float:
    return float(sum(row[what] for row in rows) / sum(row["sound_seconds"] for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audio",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "--files", type=Path, required=True, help="a folder of clips, or one in SUBTRACTIVE_DATA"
    )
    parser.add_argument("--name", help="of the system in tables; default: the folder's name")
    parser.add_argument(
        "--target", choices=["mix", "stem"], default="mix", help="what target.wav holds"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random pairings and intervals")
    parser.add_argument("--quick", action="store_true", help="8 clips, 10 s of each, no embeddings")
    parser.add_argument(
        "--out",
        type=Path,
        default=_RESULTS / "audio.json",
        help="table and picture are written beside it",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    return measured(
        "benchmarks.audio",
        argv,
        options.out,
        partial(run, options),
        as_json=options.json,
        table=report,
        picture=draw,
    )


if __name__ == "__main__":
    sys.exit(main())
