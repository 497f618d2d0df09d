"""Whoever writes parts for the benchmark: the floors, the model and the ceiling, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from benchmarks.assignments import Assignment
from benchmarks.baselines import Donor, random_pairing, rule_based, true_part
from benchmarks.journal import fingerprint
from subtractive.arrangement import Part, bars
from subtractive.errors import OptionError

# In the order of the tables.
WRITERS = ("random", "rule", "model", "true")
# Rules and the truth leave nothing to chance: one seed says it all.
WRITERS_WITH_SEEDS = frozenset({"random", "model"})

# What a result depends on: where one of these files changes, parts are written and measured anew.
_CODE = (
    "subtractive/*.py",
    "subtractive/files/midi*.py",
    "benchmarks/metrics/*.py",
    "benchmarks/songs.py",
    "benchmarks/assignments.py",
    "benchmarks/baselines.py",
)
_MODEL_CODE = ("symbolic/*.py", "tokenizers/scoretokens/*.py")

# One part to write: the assignment and the seed.
Job = tuple[Assignment, int]
WriteParts = Callable[[Sequence[Job]], list[Part]]


@dataclass(frozen=True)
class ModelOptions:
    """How the model is asked to write.

    Attributes
    ----------
    weights : Path or None
        A folder; None for the shipped ones.
    device : str
    temperature : float or None
        None for the writer's own.
    takes : int or None
        Of each window; None for the writer's own number.
    """

    weights: Path | None = None
    device: str = "cpu"
    temperature: float | None = None
    takes: int | None = None


def state_of(name: str, options: ModelOptions) -> str:
    """Return a name for everything in the code and the weights that a writer's parts depend on."""
    if name != "model":
        return fingerprint(_CODE)
    weights = f"{options.weights.resolve()}/*" if options.weights else "symbolic/weights/*"
    more = (str(options.temperature), str(options.takes), options.device)
    return fingerprint([*_CODE, *_MODEL_CODE, weights], *more)


def open_writer(name: str, every: Sequence[Assignment], options: ModelOptions) -> WriteParts:
    """Return the function that writes parts as the writer `name` does.

    Parameters
    ----------
    name : str
        One of `WRITERS`.
    every : sequence of Assignment
        All assignments of the run: random pairing hands out their true parts.
    options : ModelOptions

    Raises
    ------
    OptionError
        If there is no writer of that name.
    """
    if name == "random":
        return _random_writer(every)
    if name == "model":
        return _model_writer(options)
    if name == "rule":
        rng = np.random.default_rng(0)
        return lambda jobs: [rule_based(one.context, one.instrument, rng, ()) for one, _ in jobs]
    if name == "true":
        return lambda jobs: [true_part(one.truth) for one, _ in jobs]
    raise OptionError(f"unknown writer {name!r}: choose some of {', '.join(WRITERS)}")


def _random_writer(every: Sequence[Assignment]) -> WriteParts:
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
            rng = np.random.default_rng([seed, crc32(one.key.encode())])
            parts.append(random_pairing(one.context, one.instrument, rng, pool))
        return parts

    return write


def _model_writer(options: ModelOptions) -> WriteParts:
    # torch: the baselines do without it
    from symbolic.writer import Request, load_writer  # noqa: PLC0415

    writer = load_writer(weights=options.weights, device=options.device)

    def write(jobs: Sequence[Job]) -> list[Part]:
        # Songs that shared a seed would share its luck, and no interval over songs would show it.
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
