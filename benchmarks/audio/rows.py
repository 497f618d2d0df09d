"""From finished clips to rows of scores: the system's outputs, and the floors and ceilings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.audio.clips import (
    Clip,
    Given,
    TargetKind,
    added_stem,
    read_given,
    read_sound,
    read_times,
    with_clicks,
    with_stem,
)
from benchmarks.audio.recordings import resample
from benchmarks.journal import Row
from benchmarks.metrics import sound
from benchmarks.metrics.sound import Sound
from benchmarks.metrics.sound_spectrum import RATE
from subtractive.errors import MusicError

if TYPE_CHECKING:
    from benchmarks.metrics.musicnn import Musicnn

OUTPUT, NO_EDIT, RANDOM, TRUE = "output", "no edit", "random stem", "true mix"
CLICKS = {"clicks": 1, "clicks in 8ths": 2, "clicks in 16ths": 4}  # clicks a beat
WRITERS = (OUTPUT, NO_EDIT, RANDOM, *CLICKS, TRUE)
PARTNERS = 3  # random stems for each clip, whose scores are averaged
LOUDNESS = 0.1  # root mean square of what is embedded: the network hears loudness, too


@dataclass(frozen=True)
class Task:
    """One clip and how it is read.

    Attributes
    ----------
    clip : Clip
    others : sequence of Clip
        Whose added stems are put on this clip's context.
    kind : "mix" or "stem"
        What targets are.
    longest : float or None
        Seconds that are read of each file.
    seed : int
        Of the clicks' noise.
    """

    clip: Clip
    others: Sequence[Clip]
    kind: TargetKind
    longest: float | None
    seed: int


def key_of(clip: str, writer: str) -> str:
    """Return the key of the row of a clip, by its name, in the journal."""
    return f"{clip}: {writer}"


def score(task: Task, network: Musicnn | None) -> list[Row]:
    """Return the rows of one clip, one for each of `WRITERS` that there is.

    A failed output is a row too: "failure" says why, and "scores" are the worst there are.

    Parameters
    ----------
    task : Task
    network : Musicnn or None
        Without it rows have no embeddings.

    Raises
    ------
    MusicError
        If the context or target of the clip or one of the others can't be read.
    """
    started = time.perf_counter()
    given = read_given(task.clip, task.kind, task.longest)
    reading = time.perf_counter() - started
    rows = [_row(given, OUTPUT, [_reader(task, given)], network, reading)]
    rows[0]["made_in"] = _made_in(task.clip)
    rows += [_row(given, name, makers, network) for name, makers in _floors(task, given)]
    return rows


def _reader(task: Task, given: Given) -> Callable[[], Sound]:
    length = given.target.samples.shape[1]
    return lambda: read_sound(task.clip.output, task.longest).fitted(length)


def _made_in(clip: Clip) -> float | None:
    """Return how many seconds making the output took, if that is told."""
    told = read_times(clip.seconds)
    return None if told is None or len(told) == 0 else float(told[0])


def _floors(task: Task, given: Given) -> Iterator[tuple[str, list[Callable[[], Sound]]]]:
    yield NO_EDIT, [lambda: given.context]

    def paired(other: Clip) -> Sound:
        return with_stem(given, added_stem(read_given(other, task.kind, task.longest)))

    if task.others:
        yield RANDOM, [partial(paired, other) for other in task.others]
    for name, per_beat in CLICKS.items():
        rng = np.random.default_rng(task.seed)
        yield name, [partial(with_clicks, given, per_beat, rng)]
    yield TRUE, [lambda: given.target]


def _row(
    given: Given,
    writer: str,
    makers: Sequence[Callable[[], Sound]],
    network: Musicnn | None,
    reading: float = 0.0,
) -> Row:
    """Return the mean scores of what some makers make; the embeddings are the first one's."""
    started, failure = time.perf_counter(), ""
    scores: Mapping[str, float]
    try:
        made = [make() for make in makers]
        every = [sound.evaluate(one, given.target, given.context, given.grid) for one in made]
        scores = {name: float(np.mean([one[name] for one in every])) for name in every[0]}
        embedded = made[0]
    except (MusicError, ValueError) as error:
        if writer != OUTPUT:
            raise
        failure, scores = str(error), sound.failed()
        embedded = Sound(np.zeros_like(given.target.samples))
    measured = reading + (time.perf_counter() - started)
    row: Row = {
        "key": key_of(given.name, writer),
        "clip": given.name,
        "failure": failure,
        "scores": {name: None if math.isnan(value) else value for name, value in scores.items()},
        "sound_seconds": given.target.seconds,
        "measured_in": measured,
    }
    if network is not None:
        row["embeddings"] = embed(embedded, network)
        row["embedded_in"] = time.perf_counter() - started - (measured - reading)
    return row


def embed(heard: Sound, network: Musicnn) -> list[list[float]]:
    """Return the embeddings of a sound at one loudness, a row for each window."""
    # torch: sound is measured without it
    from benchmarks.metrics.musicnn import RATE as NETWORK_RATE  # noqa: PLC0415

    samples = heard.samples.astype(np.float32)
    loudness = float(np.sqrt((samples**2).mean()))
    if loudness > 0:
        samples *= LOUDNESS / loudness
    found, _ = network.embed(resample(samples, RATE, NETWORK_RATE))
    return [[round(float(value), 5) for value in window] for window in found]
