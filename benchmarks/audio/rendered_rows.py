"""From rendered windows to rows of scores: engines, floors, ceilings."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from audio.beats import BeatGrid, track_beats
from audio.engine import Engine, StemRequest
from benchmarks.audio.clips import clicks, together
from benchmarks.audio.pieces import SECONDS, Rendered, Samples
from benchmarks.audio.recordings import resample
from benchmarks.audio.rows import LOUDNESS
from benchmarks.audio.stem_scores import Judge, failed
from benchmarks.audio.systems import METRONOMES, made, times_on
from benchmarks.journal import Row
from benchmarks.metrics.sound_spectrum import RATE
from subtractive.errors import MusicError
from subtractive.waveform import Recording

if TYPE_CHECKING:
    from torch import Tensor

    from benchmarks.metrics.musicnn import Musicnn

RANDOM, SILENCE, TRUE = "random stem", "silence", "true stem"
THROUGH_MEL, THROUGH_LATENTS = "true stem through mel", "true stem through latents"
SHUFFLED = "shuffled context"  # an engine that hears another song, on this one's beats
TRACKED = ", tracked"
EMBEDDED_STEP = 3  # of windows of 3 s that begin every second: those that don't overlap

Embeddings = npt.NDArray[np.float32]


class Stem(NamedTuple):
    """A stem, the seconds that an engine took for it, and why it failed."""

    samples: Samples
    seconds: float = 0.0
    failure: str = ""


Maker = Callable[[], Stem]


@dataclass(frozen=True, eq=False)
class Task:
    """A window and what its rows need.

    Attributes
    ----------
    truth : Rendered
    other : Rendered
        Of another song: whose stem is the random one and whose context the shuffled one.
    instrument : str
    engines : mapping of str to Engine
    seed : int
    """

    truth: Rendered
    other: Rendered
    instrument: str
    engines: Mapping[str, Engine]
    seed: int


def systems(engines: Sequence[str]) -> list[str]:
    """Return the names of all rows in the order of tables."""
    return [
        *(name + where for name in engines for where in ("", TRACKED)),
        *(f"{name}, {SHUFFLED}" for name in engines if name == "diffusion"),
        RANDOM,
        *(name + where for name in METRONOMES for where in ("", TRACKED)),
        SILENCE,
        THROUGH_LATENTS,
        THROUGH_MEL,
        TRUE,
    ]


def makers(task: Task) -> dict[str, Maker]:
    """Return what makes the stem of each row; nothing is made before it is asked for.

    Engines and metronomes are given the true beats, or, where ", tracked" is added, none: then the
    engine hears them itself and the metronome clicks on those that `audio.beats` hears.
    """
    truth = task.truth
    heard: list[BeatGrid] = []

    def of_engine(name: str, context: Samples, grid: BeatGrid | None) -> Stem:
        request = StemRequest(
            Recording(context, RATE), task.instrument, truth.piece.words, task.seed, grid
        )
        return Stem(*made(task.engines[name], request))

    def clicked(per_beat: int, is_tracked: bool) -> Stem:
        try:
            if is_tracked and not heard:
                heard.append(track_beats(Recording(truth.context, RATE), words=truth.piece.words))
        except MusicError as error:
            return Stem(np.zeros_like(truth.stem), 0.0, str(error))
        times = times_on(heard[0] if is_tracked else truth.grid, per_beat, SECONDS)
        track = clicks(times, truth.context, np.random.default_rng(task.seed))
        return Stem(np.repeat(track, 2, axis=0))

    found: dict[str, Maker] = {}
    for name in task.engines:
        found[name] = partial(of_engine, name, truth.context, truth.grid)
        found[name + TRACKED] = partial(of_engine, name, truth.context, None)
        found[f"{name}, {SHUFFLED}"] = partial(of_engine, name, task.other.context, truth.grid)
    for name, per_beat in METRONOMES.items():
        found[name] = partial(clicked, per_beat, False)
        found[name + TRACKED] = partial(clicked, per_beat, True)
    found[RANDOM] = lambda: Stem(task.other.stem)
    found[SILENCE] = lambda: Stem(np.zeros_like(truth.stem))
    found[THROUGH_MEL] = lambda: _through(truth.stem, with_latents=False, seed=task.seed)
    found[THROUGH_LATENTS] = lambda: _through(truth.stem, with_latents=True, seed=task.seed)
    found[TRUE] = lambda: Stem(truth.stem)
    return found


def _through(stem: Samples, *, with_latents: bool, seed: int) -> Stem:
    """Return a stem that went through the mel spectrogram, and the latents, and back."""
    # torch, diffusion's own tools: other rows do without them
    import torch  # noqa: PLC0415

    from audio.autoencoder import load_autoencoder  # noqa: PLC0415
    from audio.mel import RATE as MEL_RATE  # noqa: PLC0415
    from audio.mel import log_mel  # noqa: PLC0415
    from audio.vocoder import to_sound  # noqa: PLC0415

    def compressed(mel: Tensor) -> Tensor:
        coder = load_autoencoder()
        return coder.decode(coder.encode(mel[None]))[0][..., : mel.shape[-1]]

    mono = Recording(stem.mean(axis=0, keepdims=True), RATE).resampled(MEL_RATE).samples
    try:
        with torch.inference_mode():
            mel = log_mel(torch.from_numpy(mono[0]))
            sound = to_sound(compressed(mel) if with_latents else mel, seed=seed)
    except MusicError as error:
        return Stem(np.zeros_like(stem), 0.0, str(error))
    back = Recording(sound.numpy()[None].astype(np.float32), MEL_RATE).resampled(RATE).samples
    whole = np.zeros_like(stem)
    length = min(back.shape[1], stem.shape[1])
    whole[:, :length] = back[:, :length]
    return Stem(whole)


def score(make: Maker, judge: Judge, network: Musicnn | None) -> Row:
    """Return the row of one stem, without its key and its system.

    A failure is a row too: "failure" says why, and "scores" are the worst there are.
    """
    stem = make()
    scores = failed() if stem.failure else judge.scores(stem.samples)
    row: Row = {
        "scores": {name: None if math.isnan(value) else value for name, value in scores.items()},
        "seconds": stem.seconds,
        "failure": stem.failure,
    }
    if network is not None:
        row["stem"] = packed(embed(stem.samples, network))
        row["mix"] = packed(embed(together(judge.truth.context, stem.samples), network))
    return row


def embed(samples: Samples, network: Musicnn) -> Embeddings:
    """Return the embeddings of a sound at one loudness, a row for each 3 s."""
    # torch: sound is measured without it
    from benchmarks.metrics.musicnn import RATE as NETWORK_RATE  # noqa: PLC0415
    from benchmarks.metrics.musicnn import log_mel, windows  # noqa: PLC0415

    loudness = float(np.sqrt((samples.astype(np.float64) ** 2).mean()))
    even = samples * np.float32(LOUDNESS / loudness) if loudness > 0 else samples
    heard = log_mel(resample(np.asarray(even, np.float32), RATE, NETWORK_RATE))
    return network(windows(heard)[::EMBEDDED_STEP])[0]


def packed(embeddings: Embeddings) -> str:
    """Return embeddings as text."""
    return base64.b64encode(embeddings.astype("<f2").tobytes()).decode()


def unpacked(text: str, dimensions: int) -> npt.NDArray[np.float64]:
    """Return embeddings from text [shape=(window, dimension)]."""
    flat = np.frombuffer(base64.b64decode(text), "<f2")
    return flat.reshape(-1, dimensions).astype(np.float64)
