r"""Stems for rendered songs that nobody trained on: engines beside floors and ceilings.

    python -m benchmarks.audio.rendered --corpus corpus-mma/ --corpus corpus-songs/ --real-songs \
        --soundfont fluid.sf2 --engine-soundfont fluid.sf2
    python -m benchmarks.audio.rendered --corpus corpus-mma/ --quick --engines none

Windows of 10.24 s of the split "valid" of corpora (and of the collection of real songs) are played
from the preview's SoundFont, which nothing was trained on, and from those of ``--soundfont`` in
turn. Every row is a stem for the same windows:

- engines, with the true beats and, ", tracked", with those that they hear themselves; diffusion
  once more on the context of another song ("shuffled context"), on the true beats;
- floors: the true stem of another song, metronomes (dying noise, 6 dB below the context) on the
  true and on the tracked beats, silence;
- ceilings: the true stem, and the true stem through the mel spectrogram and through the latents.

benchmarks/audio/pieces.py tells how windows are chosen, benchmarks/audio/stem_scores.py what is
measured. Means, intervals and differences are taken over songs. A run that was stopped goes on
where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import track

from audio.engine import Engine
from audio.engines import ENGINES
from benchmarks.audio.comparison import draw
from benchmarks.audio.footprint import footprints
from benchmarks.audio.pieces import (
    LEVEL,
    SECONDS,
    Piece,
    Rendered,
    of_corpus,
    of_real_songs,
    partners,
    render,
)
from benchmarks.audio.rendered_rows import (
    THROUGH_LATENTS,
    THROUGH_MEL,
    TRACKED,
    Task,
    makers,
    score,
    systems,
)
from benchmarks.audio.rendered_tables import report, result_of
from benchmarks.audio.stem_scores import Judge
from benchmarks.audio.style_ear import StyleEar, train
from benchmarks.audio.systems import (
    METRONOMES,
    Load,
    beats_state,
    codec_state,
    engine_state,
    engines_of,
    loaded,
    named_engines,
)
from benchmarks.journal import ROOT, Journal, Row, cache_folder, fingerprint, module_files
from benchmarks.results_file import measured, positive
from subtractive.errors import MusicError, OptionError
from subtractive.files.sound import default_soundfont
from subtractive.instruments import INSTRUMENTS
from subtractive.synthesis import SoundFontPlayer

if TYPE_CHECKING:
    from benchmarks.metrics.musicnn import Musicnn

WINDOWS, QUICK_WINDOWS = 1000, 24
PER_FAMILY, QUICK_PER_FAMILY = 80, 15
_RESULTS = ROOT / "benchmarks" / "results"


def pieces_of(options: argparse.Namespace) -> list[Piece]:
    """Return the windows to measure, of each set as many.

    Raises
    ------
    MusicError
        If a corpus or the songs can't be read, or no window holds the instrument.
    """
    sets = len(options.corpus) + options.real_songs
    if not sets:
        raise OptionError("no songs are named: give --corpus FOLDER, or --real-songs")
    count = -(-(QUICK_WINDOWS if options.quick else options.windows) // sets)
    found: list[Piece] = []
    for place, folder in enumerate(options.corpus):
        rng = np.random.default_rng([options.seed, place])
        found += of_corpus(folder, options.instrument, count, rng)
    if options.real_songs:
        rng = np.random.default_rng([options.seed, sets])
        found += of_real_songs(options.instrument, count, rng)
    if not found:
        raise OptionError(
            f"no window has {options.instrument} and another part: name corpora that have"
        )
    return found


def _network(options: argparse.Namespace) -> Musicnn | str:
    """Return the network that embeds sound, or why there is none."""
    if options.quick:
        return "not asked for"
    # torch and the weights: only distances of embeddings need them
    from benchmarks.metrics.musicnn import load  # noqa: PLC0415

    try:
        return load()
    except MusicError as error:
        return str(error)


def rows_of(
    pieces: Sequence[Piece],
    options: argparse.Namespace,
    engines: Mapping[str, Engine],
    ear: StyleEar | None,
    network: Musicnn | None,
) -> Iterator[Row]:
    """Yield the rows of all windows; what the journal holds is not made again."""
    fonts = [default_soundfont(), *options.soundfont]
    asked = (options.instrument, options.seed, network is not None, LEVEL, ear and ear.report)
    files = [f"{font.name} {font.stat().st_size}" for font in fonts]
    code = [*module_files("benchmarks.audio.stem_scores"), "benchmarks/audio/rendered_rows.py"]
    state = fingerprint(code, *map(str, asked), *files)
    journal = Journal(cache_folder() / f"audio-rendered-{state}.jsonl")
    states = dict.fromkeys(systems(list(engines)), "")
    if engines:
        ours = engine_state() + str(options.engine_soundfont or "")
        states.update({name: ours for name in states if name.partition(",")[0] in engines})
    states.update({name + TRACKED: beats_state() for name in METRONOMES})
    states.update(dict.fromkeys((THROUGH_MEL, THROUGH_LATENTS), codec_state()))
    players = [SoundFontPlayer(font) for font in fonts]
    others = partners(pieces, np.random.default_rng(options.seed))
    console = Console(stderr=True)
    for place, piece in enumerate(track(pieces, options.instrument, console=console)):
        player, font = players[place % len(fonts)], fonts[place % len(fonts)]
        keys = {
            name: f"{piece.name}, {font.name}, {name} {state}" for name, state in states.items()
        }
        missing = [name for name, key in keys.items() if key not in journal.rows]
        if missing:
            truth = render(piece, options.instrument, player)
            other = render(pieces[others[place]], options.instrument, player)
            if truth is None or other is None:
                continue
            journal.add(_made(missing, keys, Judge(truth, ear), other, options, engines, network))
        where = {"window": piece.name, "song": piece.song, "kind": piece.kind, "font": font.name}
        yield from ({**journal.rows[key], **where} for key in keys.values())


def _made(
    names: Sequence[str],
    keys: Mapping[str, str],
    judge: Judge,
    other: Rendered,
    options: argparse.Namespace,
    engines: Mapping[str, Engine],
    network: Musicnn | None,
) -> list[Row]:
    """Return the rows of one window that are not there yet."""
    make = makers(Task(judge.truth, other, options.instrument, engines, options.seed))
    return [
        {"key": keys[name], **score(make[name], judge, network), "system": name} for name in names
    ]


def run(options: argparse.Namespace, load: Load | None = None) -> dict[str, Any]:
    """Score all rows and return the result as JSON.

    Parameters
    ----------
    options : argparse.Namespace
    load : callable, optional
        Of engines by name; None: the project's own, whose memory is measured too.

    Raises
    ------
    MusicError
        If corpora or SoundFonts can't be read.
    """
    ours = partial(loaded, soundfont=options.engine_soundfont)
    engines, left_out = engines_of(options.engines, load or ours)
    pieces = pieces_of(options)
    per_family = QUICK_PER_FAMILY if options.quick else PER_FAMILY
    fonts = [default_soundfont(), *options.soundfont]
    ear = train(options.corpus, options.instrument, fonts, per_family, options.seed)
    network = _network(options)
    found = list(
        rows_of(pieces, options, engines, ear, None if isinstance(network, str) else network)
    )
    if not found:
        raise OptionError(f"{fonts[0]} plays nothing of what was asked: name another --soundfont")
    result = result_of(found, systems(list(engines)), list(engines), options.seed)
    return {
        "instrument": options.instrument,
        "seed": options.seed,
        "window_seconds": SECONDS,
        "soundfonts": {
            "unseen": fonts[0].name,
            "others": [each.name for each in options.soundfont],
        },
        "style_ear": ear.report if ear else "too few styles are known to learn from",
        "embeddings_left_out": network if isinstance(network, str) else None,
        "left_out": left_out,
        "peak_memory": footprints(list(engines), options.instrument) if load is None else {},
        **result,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audio.rendered",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "--corpus", type=Path, action="append", default=[], help="may be given several times"
    )
    parser.add_argument(
        "--real-songs", action="store_true", help="also those below SUBTRACTIVE_DATA"
    )
    parser.add_argument(
        "--soundfont", type=Path, action="append", default=[], help="seen in training; several"
    )
    parser.add_argument(
        "--engine-soundfont", type=Path, help="that engines play notes with: not the unseen one"
    )
    parser.add_argument("--instrument", choices=INSTRUMENTS, default="drums")
    parser.add_argument(
        "--engines", type=named_engines, default=list(ENGINES), help="separated by commas, or none"
    )
    parser.add_argument("--windows", type=positive, default=WINDOWS, help="of all sets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_WINDOWS} windows, no embeddings"
    )
    parser.add_argument("--out", type=Path, help="table and picture are written beside it")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None, load: Load | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    return measured(
        "benchmarks.audio.rendered",
        argv,
        options.out or _RESULTS / f"audio-{options.instrument}.json",
        partial(run, options, load),
        as_json=options.json,
        table=report,
        picture=lambda found: draw(found["sets"]["all"], found["systems"], found["engines"]),
    )


if __name__ == "__main__":
    sys.exit(main())
