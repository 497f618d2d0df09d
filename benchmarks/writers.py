"""Whoever writes parts for the benchmark, by name: floors, baselines, the model, the ceiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from benchmarks.assignments import Assignment
from benchmarks.baselines import Donor, random_pairing, rule_based, silence
from benchmarks.journal import fingerprint, module_files
from benchmarks.songs import data_folder
from subtractive.arrangement import Arrangement, Part, bars
from subtractive.errors import OptionError

# our own writers, and where their shipped weights lie
MODELS = {"transformer": "symbolic/weights", "diffusion": "symbolic/weights/diffusion"}

# One part to write: the assignment and the seed.
Job = tuple[Assignment, int]
WriteParts = Callable[[Sequence[Job]], list[Part]]
WriteOne = Callable[[Arrangement, str, np.random.Generator], Part]

# What every part depends on, besides its writer.
_SONGS = ("benchmarks.songs", "benchmarks.assignments", "benchmarks.baselines")


@dataclass(frozen=True)
class WriterOptions:
    """How writers are asked to write.

    Attributes
    ----------
    weights : Path or None
        A folder, for the models whose kind they are of; None for the shipped ones.
    device : str
    temperature : float or None
        None for the model's own.
    takes : int or None
        Of each window; None for the model's own number.
    corpora : tuple of Path
        That retrieval takes its parts from, besides the training songs of the data folder.
    """

    weights: Path | None = None
    device: str = "cpu"
    temperature: float | None = None
    takes: int | None = None
    corpora: tuple[Path, ...] = ()


class Writer(NamedTuple):
    """Whoever writes parts.

    Attributes
    ----------
    name : str
    is_baseline : bool
        False for the systems that are measured against the baselines.
    draws : bool
        Whether chance plays a part: then there is one part for each seed.
    is_kept : bool
        Whether its parts are kept for the next run: those that take long are.
    modules : tuple of str
        That its parts depend on.
    open : callable
        Given all assignments of the run (some hand out their true parts) and the options, it
        returns the function that writes. Raises `OptionError` if something is missing.
    state : str
        What else its parts depend on.
    """

    name: str
    is_baseline: bool
    draws: bool
    is_kept: bool
    modules: tuple[str, ...]
    open: Callable[[Sequence[Assignment], WriterOptions], WriteParts]
    state: str = ""


def state_of(writer: Writer, options: WriterOptions) -> str:
    """Return a name for everything in code and weights that a writer's parts depend on."""
    files = module_files(*_SONGS, *writer.modules)
    if writer.name not in MODELS:
        return fingerprint(files, writer.state)
    folder = options.weights.resolve() if options.weights else Path(MODELS[writer.name])
    weights = [f"{folder}/writer.safetensors", f"{folder}/config.json"]
    more = (str(options.temperature), str(options.takes), options.device)
    return fingerprint([*files, *weights], *more)


def _rng(one: Assignment, seed: int) -> np.random.Generator:
    # Songs that shared a seed would share its luck, and no interval over songs would show it.
    return np.random.default_rng([seed, crc32(one.key.encode())])


def _each(write_one: WriteOne) -> WriteParts:
    def write(jobs: Sequence[Job]) -> list[Part]:
        return [write_one(one.context, one.instrument, _rng(one, seed)) for one, seed in jobs]

    return write


def _silence(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    del every, options
    return _each(lambda context, instrument, rng: silence(context, instrument, rng, ()))


def _random(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    del options
    pools: dict[str, dict[str, Donor]] = {}
    for one in every:
        music = one.song.music
        donor = Donor(one.song.key, one.truth, bars(music), music.ticks_per_beat)
        pools.setdefault(one.instrument, {})[one.song.key] = donor

    def write(jobs: Sequence[Job]) -> list[Part]:
        parts = []
        for one, seed in jobs:
            donors = pools[one.instrument].values()
            pool = [donor for donor in donors if donor.song != one.song.key]
            parts.append(random_pairing(one.context, one.instrument, _rng(one, seed), pool))
        return parts

    return write


def _retrieval(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    # it looks for a cache on disk
    from benchmarks.retrieval import training_library  # noqa: PLC0415

    library = training_library(data_folder(), options.corpora)
    known = {str(name) for shelf in library.shelves.values() for name in shelf.names}
    if known & {one.song.key for one in every}:
        raise OptionError(
            "retrieval would copy these songs from themselves: measure on songs that it does not "
            "draw from, such as freedoom-valid"
        )
    return _each(library.write)


def _plain(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    del every, options
    return _each(lambda context, instrument, rng: rule_based(context, instrument, rng, ()))


def _arranger(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    del every, options
    # the other writers do without it
    from subtractive.arranger import arrange  # noqa: PLC0415

    return _each(arrange)


def _mma(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    del every, options
    # it asks for a program that few have
    from benchmarks.mma_band import MmaBand  # noqa: PLC0415

    return _each(MmaBand.found().write)


def _model(kind: str, every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    del every
    # torch: the baselines do without it
    from symbolic.request import Request  # noqa: PLC0415
    from symbolic.writer import load_writer  # noqa: PLC0415

    writer = load_writer(weights=options.weights, device=options.device, kind=kind)

    def write(jobs: Sequence[Job]) -> list[Part]:
        requests = [
            Request(
                one.context,
                one.instrument,
                crc32(f"{one.key}:{seed}".encode()),
                options.temperature,
                takes=options.takes,
            )
            for one, seed in jobs
        ]
        return list(writer.write(requests))

    return write


def _true(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
    del every, options
    return lambda jobs: [one.truth for one, _ in jobs]


# In the order of the tables.
WRITERS: Mapping[str, Writer] = {
    writer.name: writer
    for writer in (
        Writer("silence", True, False, False, (), _silence),
        Writer("random", True, True, False, (), _random),
        Writer("retrieval", True, False, False, ("benchmarks.retrieval",), _retrieval),
        Writer("plain", True, False, False, (), _plain),
        Writer("arranger", True, True, True, ("subtractive.arranger",), _arranger),
        Writer("mma", True, True, True, ("benchmarks.mma_band",), _mma),
        Writer(
            "transformer", False, True, True, ("symbolic.writer",), partial(_model, "transformer")
        ),
        Writer("diffusion", False, True, True, ("symbolic.writer",), partial(_model, "diffusion")),
        Writer("true", True, False, False, (), _true),
    )
}


def writer_named(name: str) -> Writer:
    """Return the writer of that name.

    Raises
    ------
    OptionError
        If there is none.
    """
    if name not in WRITERS:
        raise OptionError(f"unknown writer {name!r}: choose some of {', '.join(WRITERS)}")
    return WRITERS[name]
