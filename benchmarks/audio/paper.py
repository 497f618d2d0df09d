r"""The paper's eight demonstrations: its own outputs and ours, judged by one procedure.

    SUBTRACTIVE_DATA=... python -m benchmarks.audio.paper
    SUBTRACTIVE_DATA=... python -m benchmarks.audio.paper --quick --engines symbolic

Every row is a whole mix: what the paper's model made, the background with the stem of one of our
engines (3 seeds, averaged), floors (nothing, a metronome on the beats tracked in the background or
on the true beats, what the target of another song adds), and the target itself.
benchmarks/metrics/sound_percussive.py tells how they are judged, benchmarks/audio/paper_clips.py
where the true beats are. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from audio.beats import BeatGrid, track_beats
from audio.engine import StemRequest
from audio.engines import ENGINES
from benchmarks.audio.clips import Clip, added_stem, clicks, read_given, together, with_stem
from benchmarks.audio.comparison import compared, draw
from benchmarks.audio.paper_clips import (
    BEATS,
    FOLDER,
    Demonstration,
    demonstrations,
    draw_beats,
    read,
)
from benchmarks.audio.paper_tables import (
    NO_EDIT,
    PAPER,
    RANDOM,
    TARGET,
    TRACKED,
    TRUE,
    each_clip,
    report,
    scores_of,
    verdicts,
)
from benchmarks.audio.systems import (
    METRONOMES,
    Load,
    beats_state,
    engine_state,
    engines_of,
    loaded,
    made,
    named_engines,
    times_on,
)
from benchmarks.journal import ROOT, Journal, Row, cache_folder, fingerprint, module_files
from benchmarks.metrics.sound_percussive import MEASURES, Percussion, evaluate
from benchmarks.metrics.sound_spectrum import RATE
from benchmarks.results_file import command_line, keep_drawn
from benchmarks.songs import data_folder
from subtractive.errors import MusicError
from subtractive.files.output import write_whole
from subtractive.waveform import Recording

SEEDS = 3
PARTNERS = 3  # random stems for each clip
QUICK_CLIPS = 3
_RESULTS = ROOT / "benchmarks" / "results"


class Made(NamedTuple):
    """A mix, what it took to make it (0 if nothing was asked), and why it failed."""

    mix: Percussion
    seconds: float = 0.0
    failure: str = ""


Makers = Mapping[str, Sequence[Callable[[], Made]]]


def makers(
    shown: Demonstration, others: Sequence[Clip], engines: Mapping[str, Any], seeds: int, seed: int
) -> Makers:
    """Return what makes the mixes of each row, whose scores are averaged.

    Parameters
    ----------
    shown : Demonstration
    others : sequence of Clip
        Whose added stems are put on this background.
    engines : mapping of str to Engine
    seeds : int
        Stems that each engine is asked for.
    seed : int
        Of the clicks' noise.
    """
    context = np.asarray(shown.context.samples, np.float32)
    tracked: list[BeatGrid] = []

    def of_engine(name: str, number: int) -> Made:
        request = StemRequest(Recording(context, RATE), "drums", shown.prompt, number)
        found = made(engines[name], request)
        return Made(Percussion(together(context, found.stem)), found.seconds, found.failure)

    def clicked(where: str, per_beat: int) -> Made:
        try:
            if where == TRACKED and not tracked:
                tracked.append(track_beats(Recording(context, RATE), words=shown.prompt))
        except MusicError as error:
            return Made(shown.context, failure=str(error))
        grid = tracked[0] if where == TRACKED else shown.grid
        times = times_on(grid, per_beat, context.shape[1] / RATE)
        stem = clicks(times, context, np.random.default_rng(seed))
        return Made(Percussion(together(context, stem)))

    def paired(other: Clip) -> Made:
        stem = added_stem(read_given(other, "mix", None))
        given = read_given(shown.clip, "mix", None)
        return Made(Percussion(with_stem(given, stem).samples))

    return {
        PAPER: [lambda: Made(shown.output)],
        **{name: [partial(of_engine, name, number) for number in range(seeds)] for name in engines},
        **{
            f"{name}, {where}": [partial(clicked, where, per_beat)]
            for where in (TRACKED, TRUE)
            for name, per_beat in METRONOMES.items()
        },
        RANDOM: [partial(paired, other) for other in others],
        NO_EDIT: [lambda: Made(shown.context)],
        TARGET: [lambda: Made(shown.target)],
    }


def partners(clips: Sequence[Clip], rng: np.random.Generator) -> list[list[Clip]]:
    """Return for each clip some others, of other songs."""
    return [
        [clips[place] for place in rng.permutation(len(clips)) if _is_other(clip, clips[place])][
            :PARTNERS
        ]
        for clip in clips
    ]


def _is_other(one: Clip, other: Clip) -> bool:
    return BEATS[one.name] != BEATS[other.name]


def score(shown: Demonstration, make: Callable[[], Made], key: str) -> Row:
    """Return the row of one mix."""
    found = make()
    scores = evaluate(found.mix, shown.target, shown.context, shown.beats)
    if found.failure:
        scores = {measure.name: measure.worst for measure in MEASURES}
    return {
        "key": key,
        "scores": scores,
        "seconds": found.seconds,
        "sound_seconds": shown.target.samples.shape[1] / RATE,
        "failure": found.failure,
    }


def rows_of(
    shown: Sequence[tuple[Clip, str]], options: argparse.Namespace, engines: Mapping[str, Any]
) -> dict[str, dict[str, list[Row]]]:
    """Return the rows of all clips by system and clip; what the journal holds is not made again."""
    files = [path for clip, _ in shown for path in (clip.context, clip.target, clip.output)]
    stats = [f"{path.resolve()} {path.stat().st_size}" for path in files if path.is_file()]
    state = fingerprint(module_files("benchmarks.audio.paper_clips"), str(options.seed), *stats)
    journal = Journal(cache_folder() / f"audio-paper-{state}.jsonl")
    ours, heard = engine_state() if engines else "", beats_state()
    others = partners([clip for clip, _ in shown], np.random.default_rng(options.seed))
    found: dict[str, dict[str, list[Row]]] = {}
    seeds = 1 if options.quick else SEEDS
    for (clip, prompt), strangers in track(
        list(zip(shown, others, strict=True)), "clips", console=Console(stderr=True)
    ):
        demonstration = read(clip, prompt)
        every = makers(demonstration, strangers, engines, seeds, options.seed)
        for system, each in every.items():
            rows = found.setdefault(system, {}).setdefault(clip.name, [])
            # measures stay when an engine changes, and other engines when the tracker does
            state = ours if system in engines else heard if system.endswith(TRACKED) else ""
            for place, make in enumerate(each):
                key = f"{clip.name}: {system}: {place} {state}"
                if key not in journal.rows:
                    journal.add([score(demonstration, make, key)])
                rows.append(journal.rows[key])
    return found


def run(options: argparse.Namespace, load: Load = loaded) -> dict[str, Any]:
    """Judge all rows and return the result as JSON.

    Raises
    ------
    MusicError
        If the clips aren't there or can't be read.
    """
    folder = options.folder or data_folder() / FOLDER
    shown = demonstrations(folder)[: QUICK_CLIPS if options.quick else None]
    engines, left_out = engines_of(options.engines, load)
    rows = rows_of(shown, options, engines)
    found = compared(scores_of(rows), MEASURES, [*engines, PAPER], TARGET, options.seed)
    return {
        "clips": [clip.name for clip, _ in shown],
        "seed": options.seed,
        "systems": list(rows),
        "engines": list(engines),
        "left_out": left_out,
        "measures": found,
        "verdicts": verdicts(found, list(engines)),
        "each_clip": each_clip(rows),
        "real_time_factors": {
            name: round(float(np.mean([r["seconds"] / r["sound_seconds"] for r in every])), 3)
            for name in engines
            for every in [[row for each in rows[name].values() for row in each]]
        },
        "failures": sorted(
            {
                f"{system}, {clip}: {row['failure']}"
                for system, clips in rows.items()
                for clip, each in clips.items()
                for row in each
                if row["failure"]
            }
        ),
    }


def look(folder: Path, into: Path) -> Iterator[Path]:
    """Draw every target's onset strength with the true beats over it; yield the pictures."""
    for clip, prompt in demonstrations(folder):
        path = into / f"{clip.name}.png"
        write_whole(path, draw_beats(read(clip, prompt)))
        yield path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audio.paper",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, help=f"of the clips; default: {FOLDER} there")
    parser.add_argument(
        "--engines", type=named_engines, default=list(ENGINES), help="separated by commas, or none"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random stems, clicks, intervals")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_CLIPS} clips, one seed")
    parser.add_argument("--look", type=Path, help="only draw the true beats, into this folder")
    parser.add_argument(
        "--out",
        type=Path,
        default=_RESULTS / "audio-paper.json",
        help="table and picture are written beside it",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None, load: Load = loaded) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    started = time.perf_counter()
    try:
        if options.look:
            for path in look(options.folder or data_folder() / FOLDER, options.look):
                print(path)
            return 0
        result = run(options, load)
        keep_drawn(
            options.out,
            result,
            command=command_line("benchmarks.audio.paper", argv),
            seconds=time.perf_counter() - started,
            as_json=options.json,
            table=report(result),
            picture=draw(result["measures"], result["systems"], [*result["engines"], PAPER]),
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
