r"""Whether words move the sound: the same song and seed, opposite words.

    python -m benchmarks.audio.words --corpus corpus-mma/ --corpus corpus-songs/
    python -m benchmarks.audio.words --corpus corpus-mma/ --quick --engines symbolic

Each window of `benchmarks.audio.pieces` is asked for twice by each pair of words, all else equal:

- density: "busy" and "sparse"; onsets heard a second;
- brightness: "bright" and "dark"; the stem's spectral centroid, in octaves;
- loudness: "aggressive" and "soft"; the stem's level beside the mix, in dB;
- style: two families that the window's song is not in; the difference of the log-likelihoods of
  both by `benchmarks.audio.style_ear`.

Reported are the share of pairs that move as the words say (no move at all is not one), and the mean
difference, each with its 95 % bootstrap interval over songs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from audio.engine import Engine, StemRequest
from audio.engines import ENGINES
from benchmarks.audio.comparison import cell, png, rounded
from benchmarks.audio.pieces import Rendered, of_corpus, render
from benchmarks.audio.stem_scores import level_beside, onset_rate
from benchmarks.audio.style_ear import StyleEar, heard_in, train
from benchmarks.audio.systems import (
    Load,
    Made,
    engine_state,
    engines_of,
    loaded,
    made,
    named_engines,
)
from benchmarks.bootstrap import Interval
from benchmarks.journal import ROOT, Journal, Row, cache_folder, fingerprint, module_files
from benchmarks.metrics.sound import Sound
from benchmarks.metrics.sound_spectrum import HIGHEST_HZ, MELS, RATE, Array
from benchmarks.results_file import measured, positive
from benchmarks.tables import markdown_table
from subtractive.errors import OptionError
from subtractive.files.sound import default_soundfont
from subtractive.instruments import INSTRUMENTS
from subtractive.mel_scale import centres
from subtractive.synthesis import SoundFontPlayer
from subtractive.waveform import Recording

WINDOWS, QUICK_WINDOWS = 48, 6
PER_FAMILY, QUICK_PER_FAMILY = 80, 15
STYLE = "style"
# families that lie far apart, so that nobody could take one for the other
STYLES = (("jazz and swing", "jazz"), ("metal", "metal"), ("latin", "latin"), ("march", "march"))
_RESULTS = ROOT / "benchmarks" / "results"
_CENTRES = centres(MELS, HIGHEST_HZ)


class Question(NamedTuple):
    """Two words and what the first should have more of than the second."""

    name: str
    words: tuple[str, str]
    heard: Callable[[Made], float]


def centroid_octaves(power: Array) -> float:
    """Return a spectrum's centre over log2(Hz), weighted by the root of power; nan of silence."""
    weight = np.sqrt(power).sum(axis=0)
    total = float(weight.sum())
    return float((weight * np.log2(_CENTRES)).sum() / total) if total else float("nan")


def questions(truth: Rendered, ear: StyleEar | None, place: int) -> list[Question]:
    """Return what is asked of a window.

    Parameters
    ----------
    truth : Rendered
    ear : StyleEar or None
        Without it no style is asked for.
    place : int
        Of the window: styles take turns.
    """

    def density(of: Made) -> float:
        power = Sound(of.stem).power
        return onset_rate(power, of.stem.shape[1] / RATE)

    def brightness(of: Made) -> float:
        return centroid_octaves(Sound(of.stem).power)

    def loudness(of: Made) -> float:
        return level_beside(of.stem, truth.context)

    found = [
        Question("density", ("busy", "sparse"), density),
        Question("brightness", ("bright", "dark"), brightness),
        Question("loudness", ("aggressive", "soft"), loudness),
    ]
    known = [
        (family, word)
        for family, word in STYLES
        if ear and family in ear.families and family != truth.piece.family
    ]
    if ear and len(known) > 1:
        first, second = known[place % len(known)], known[(place + 1) % len(known)]
        families = [ear.families.index(family) for family, _ in (first, second)]

        def likelier(of: Made) -> float:
            scores = ear.scores(heard_in(Sound(of.stem).power, truth.grid))
            return float(scores[families[0]] - scores[families[1]])

        found.append(Question(STYLE, (first[1], second[1]), likelier))
    return found


def rows_of(
    options: argparse.Namespace, engines: Mapping[str, Engine], ear: StyleEar | None
) -> Iterator[Row]:
    """Yield a row for each pair; what the journal holds is not made again.

    Raises
    ------
    MusicError
        If a corpus can't be read, or no window holds the instrument.
    """
    count = QUICK_WINDOWS if options.quick else options.windows
    each = -(-count // max(len(options.corpus), 1))
    pieces = [
        piece
        for place, folder in enumerate(options.corpus)
        for piece in of_corpus(
            folder, options.instrument, each, np.random.default_rng([options.seed, place])
        )
    ]
    if not pieces:
        raise OptionError(f"no window has {options.instrument}: name corpora that have by --corpus")
    font = default_soundfont()
    player = SoundFontPlayer(font)
    asked = (options.instrument, options.seed, font.name, ear and ear.report)
    state = fingerprint(module_files("benchmarks.audio.words"), *map(str, asked), engine_state())
    journal = Journal(cache_folder() / f"audio-words-{state}.jsonl")
    for place, piece in enumerate(track(pieces, "windows", console=Console(stderr=True))):
        truth = render(piece, options.instrument, player)
        if truth is None:
            continue
        for question in questions(truth, ear, place):
            for name, engine in engines.items():
                key = f"{piece.name}, {question.name}, {name}"
                if key not in journal.rows:
                    row = _asked(question, truth, options, engine)
                    journal.add([{"key": key, "engine": name, "song": piece.song, **row}])
                yield journal.rows[key]


def _asked(question: Question, truth: Rendered, options: argparse.Namespace, engine: Engine) -> Row:
    """Return what one engine does with both words."""
    heard, failure = [], ""
    for word in question.words:
        words = f"Add {word} {options.instrument}"
        mix = Recording(truth.context, RATE)
        found = made(engine, StemRequest(mix, options.instrument, words, options.seed, truth.grid))
        failure = failure or found.failure
        heard.append(question.heard(found))
    moved = heard[0] - heard[1]
    # silence has no brightness: no move
    return {
        "question": question.name,
        "words": list(question.words),
        "moved": moved if np.isfinite(moved) and not failure else 0.0,
        "failure": failure,
    }


def summary(rows: Sequence[Row], seed: int) -> dict[str, dict[str, Any]]:
    """Return by question and engine the share of pairs that move right, and the mean move."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(row["question"] for row in rows):
        for engine in dict.fromkeys(row["engine"] for row in rows):
            of = [row for row in rows if (row["question"], row["engine"]) == (name, engine)]
            songs: dict[str, list[float]] = {}
            for row in of:
                songs.setdefault(row["song"], []).append(row["moved"])
            moved = np.array([np.mean(each) for each in songs.values()])
            right = np.array([np.mean(np.array(each) > 0) for each in songs.values()])
            found.setdefault(name, {})[engine] = {
                "pairs": len(of),
                "share": rounded(right, seed),
                "difference": rounded(moved, seed),
                "failures": sum(bool(row["failure"]) for row in of),
            }
    return found


def run(options: argparse.Namespace, load: Load | None = None) -> dict[str, Any]:
    """Ask all engines and return the result as JSON.

    Raises
    ------
    MusicError
        If corpora or the SoundFont can't be read.
    """
    ours = partial(loaded, soundfont=options.engine_soundfont)
    engines, left_out = engines_of(options.engines, load or ours)
    per_family = QUICK_PER_FAMILY if options.quick else PER_FAMILY
    fonts = [default_soundfont(), *([options.engine_soundfont] if options.engine_soundfont else [])]
    ear = train(options.corpus, options.instrument, fonts, per_family, options.seed)
    rows = list(rows_of(options, engines, ear))
    return {
        "instrument": options.instrument,
        "seed": options.seed,
        "windows": len({row["key"].partition(", ")[0] for row in rows}),
        "engines": list(engines),
        "left_out": left_out,
        "style_ear": ear.report if ear else "too few styles are known to learn from",
        "questions": summary(rows, options.seed),
    }


UNITS = {"density": "onsets a second", "brightness": "octaves", "loudness": "dB", STYLE: "nats"}


def report(result: Mapping[str, Any]) -> str:
    """Return a result as a Markdown text."""
    rows = []
    for name, of in result["questions"].items():
        for engine, found in of.items():
            share, difference = cell(found["share"]), cell(found["difference"], "+")
            is_sure = Interval(**found["difference"]).low > 0
            told = f"**{difference}**" if is_sure else difference
            rows.append([name, engine, str(found["pairs"]), share, f"{told} {UNITS[name]}"])
    heads = ["what words ask", "engine", "pairs", "share moved as asked", "mean difference"]
    note = (
        f"{result['windows']} windows, {result['instrument']}; the same song and seed, opposite "
        "words. With 95 % bootstrap intervals over songs; in bold where the interval lies above 0. "
        "Half of the pairs move as asked by chance."
    )
    left_out = [f"{name} is left out: {why}" for name, why in result["left_out"].items()]
    return "\n\n".join([note, markdown_table(heads, rows), *left_out]) + "\n"


def draw(result: Mapping[str, Any]) -> bytes:
    """Return a PNG: for each question and engine the share of pairs that move as asked."""
    # matplotlib takes a second to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    questions = result["questions"]
    figure = Figure(figsize=(12, 2.6), layout="constrained")
    axes = figure.subplots(1, max(len(questions), 1), squeeze=False, sharex=True)[0]
    for ax, (name, of) in zip(axes, questions.items(), strict=False):
        for row, found in enumerate(of.values()):
            bounds = Interval(**found["share"])
            ax.plot([bounds.low, bounds.high], [row, row], color="#1b7f5c", linewidth=2)
            ax.plot([bounds.value], [row], "o", color="#1b7f5c")
        ax.axvline(0.5, color="#8a9099", linestyle=":")
        ax.set_yticks(range(len(of)), list(of) if ax is axes[0] else [""] * len(of))
        ax.set_ylim(len(of) - 0.5, -0.5)
        ax.set_xlim(-0.03, 1.03)
        ax.set_title(f"{name}: share moved as asked", loc="left", fontsize=9)
    return png(figure)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audio.words",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "--corpus", type=Path, action="append", required=True, help="may be given several times"
    )
    parser.add_argument("--instrument", choices=INSTRUMENTS, default="drums")
    parser.add_argument("--engine-soundfont", type=Path, help="that engines play notes with")
    parser.add_argument(
        "--engines", type=named_engines, default=list(ENGINES), help="separated by commas"
    )
    parser.add_argument("--windows", type=positive, default=WINDOWS, help="of all corpora")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_WINDOWS} windows")
    parser.add_argument("--out", type=Path, help="table and picture are written beside it")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None, load: Load | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    return measured(
        "benchmarks.audio.words",
        argv,
        options.out or _RESULTS / f"audio-words-{options.instrument}.json",
        partial(run, options, load),
        as_json=options.json,
        table=report,
        picture=draw,
    )


if __name__ == "__main__":
    sys.exit(main())
