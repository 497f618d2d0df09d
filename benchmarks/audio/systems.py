"""The engines as rows of tables: asked for a stem, timed, and their failures kept."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audio.beats import BeatGrid
from audio.engine import Engine, Samples, StemRequest
from audio.engines import ENGINES, engine
from benchmarks.bootstrap import Array
from benchmarks.journal import fingerprint, module_files
from subtractive.errors import MusicError

Load = Callable[[str], Engine]
"""Loads an engine by its name."""

METRONOMES = {"quarters": 1, "8ths": 2, "16ths": 4}  # clicks a beat


class Made(NamedTuple):
    """What an engine made of a request.

    Attributes
    ----------
    stem : array [shape=(2, sample)]
        Silence where it failed.
    seconds : float
        That it took.
    failure : str
        Why there is no stem; empty if there is one.
    """

    stem: Samples
    seconds: float
    failure: str


def made(engine: Engine, request: StemRequest) -> Made:
    """Ask an engine for a stem; one that is no sound of the mix's length is a failure too."""
    length = request.mix.samples.shape[1]
    started = time.perf_counter()
    try:
        stem = engine.stem(request)
        failure = ""
        if stem.shape != (2, length) or not np.isfinite(stem).all():
            failure = f"it returned {stem.shape} samples, or some that are no finite number"
    except MusicError as error:
        failure = str(error)
    seconds = time.perf_counter() - started
    if failure:
        stem = np.zeros((2, length), np.float32)
    return Made(np.asarray(stem, np.float32), seconds, failure)


def loaded(name: str, soundfont: Path | None = None) -> Engine:
    """Load one of the project's engines for the machine at hand, and what it plays notes with."""
    return engine(name, soundfont=soundfont)[1]


def engines_of(names: Sequence[str], load: Load) -> tuple[dict[str, Engine], dict[str, str]]:
    """Return the engines that can be loaded, and why the others cannot."""
    found: dict[str, Engine] = {}
    left_out: dict[str, str] = {}
    for name in names:
        try:
            found[name] = load(name)
        except MusicError as error:
            left_out[name] = str(error)
    return found, left_out


def engine_state() -> str:
    """Return a name for the code and the weights that stems depend on."""
    weights = ["audio/weights/*.safetensors", "symbolic/weights/*.safetensors"]
    return fingerprint([*module_files("audio.engines"), *weights])


def beats_state() -> str:
    """Return a name for the code and the weights that tracked beats depend on."""
    return fingerprint([*module_files("audio.beats"), "audio/weights/beat*.safetensors"])


def codec_state() -> str:
    """Return a name for the code and the weights that a stem's way through latents depends on."""
    code = module_files("audio.autoencoder", "audio.vocoder")
    return fingerprint([*code, "audio/weights/*coder*.safetensors"])


def times_on(grid: BeatGrid, per_beat: int, seconds: float) -> Array:
    """Return the times of evenly spaced clicks on a grid from 0 up to some seconds."""
    first, last = (float(grid.beat_of(time)) for time in (0.0, seconds))
    places = np.arange(np.ceil(first * per_beat - 1e-6), np.ceil(last * per_beat - 1e-6))
    return np.maximum(grid.at(places / per_beat), 0.0)


def named_engines(text: str) -> list[str]:
    """Return the engines that an option names, separated by commas; "none" for none.

    Raises
    ------
    argparse.ArgumentTypeError
        If one is unknown.
    """
    names = [] if text == "none" else text.split(",")
    for name in names:
        if name not in ENGINES:
            raise argparse.ArgumentTypeError(
                f"unknown engine {name!r}: choose of {', '.join(ENGINES)}, or none"
            )
    return names
