"""Train the beat network on lessons: `python -m audio.train_beats LESSONS --minutes 25`.

Every time a lesson is taken it sounds different: other levels, mostly without drums, faster or
slower, in another room, through another loudspeaker, with noise, or with a stranger playing along.
All of that is done to powers of mel bands, so that nothing is played again. Lessons that are made
meanwhile are taken up.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import lfilter
from torch.nn import functional

from audio.beat_lessons import FRAMES, STEMS, STEP_DB, Lesson
from audio.beat_network import POOLED, BeatNetwork, BeatNetworkConfig, features
from audio.mel import FLOOR_DB, FRAMES_PER_SECOND, MELS

Floats = npt.NDArray[np.float32]
Steps = npt.NDArray[np.uint8]

PEAK_RATE, WARM_STEPS, WEIGHT_DECAY = 3e-3, 100, 0.02
KEPT = 0.998  # of the averaged weights from step to step
BATCH_FRAMES = 16 * 640
LENGTHS = (FRAMES // 4, FRAMES // 2, FRAMES)  # frames of an excerpt: 5, 10 and 20 s
SHARES = (0.2, 0.4, 0.4)
WIDTH_SECONDS = 0.02  # standard deviation of the bell that marks a beat
DRUMS_SHARE, STEM_SHARE = 0.35, 0.8  # how often stems are heard
TOLD_SHARE = 0.5  # how often the style is told
FAINT = 60  # steps of level below which a stem is not there
_POWER = (10 ** ((np.arange(256) * STEP_DB + FLOOR_DB) / 10)).astype(np.float32)
_POWER[0] = 0
_BANDS = MELS // POOLED


class Heard(NamedTuple):
    """A lesson as it sounded once."""

    level: Floats  # dB [shape=(band, frame)]
    marks: Floats  # of beats, of downbeats [shape=(2, frame)]
    knows_bars: bool
    family: str  # that the network is told; empty: none


def _mixed(stems: Steps, strange: Steps, rng: np.random.Generator) -> Floats:
    """Return the power of some of the stems [shape=(frame, band)]."""
    there = stems.reshape(len(STEMS), -1).max(axis=1) > FAINT
    share = np.where(np.array(STEMS) == "drums", DRUMS_SHARE, STEM_SHARE)
    heard = there & (rng.random(len(STEMS)) < share)
    if not heard.any():
        heard = there
    mix = np.zeros((stems.shape[1], _BANDS), np.float32)
    for stem in stems[heard]:
        mix += _power(stem) * np.float32(10 ** (rng.normal(0, 5) / 10))
    if rng.random() < 0.15:
        other = _power(strange[rng.integers(1, len(STEMS))])
        level = mix.sum() / max(float(other.sum()), 1e-9) * 10 ** (rng.uniform(-20, -5) / 10)
        mix += other * np.float32(level)
    return mix


def _power(stem: Steps) -> Floats:
    power = _POWER[stem]
    return np.add(power[:, ::POOLED], power[:, 1::POOLED])


def _in_a_room(power: Floats, rng: np.random.Generator) -> Floats:
    """Return the power with the tail of a room, which lasts longer at low pitches."""
    wet = 10 ** (rng.uniform(-15, 0) / 10)
    tails = []
    for half, longest in zip(np.split(power, 2, axis=1), (2.0, 1.0), strict=True):
        kept = 10 ** (-6 / (rng.uniform(0.1, longest) * FRAMES_PER_SECOND))
        tails.append(lfilter([wet * (1 - kept)], [1, -kept], half, axis=0))
    return np.asarray(power + np.concatenate(tails, axis=1), dtype=np.float32)


def _through_a_loudspeaker(level: Floats, rng: np.random.Generator) -> Floats:
    """Return dB [shape=(frame, band)] with other highs and lows, a bandwidth, less dynamics."""
    bands = np.arange(_BANDS)
    curve = np.interp(bands, np.linspace(0, _BANDS, 6), rng.normal(0, 5, 6))
    if rng.random() < 0.35:
        curve -= np.clip(bands - rng.uniform(0.45, 0.95) * _BANDS, 0, None) * rng.uniform(3, 30)
    if rng.random() < 0.25:
        curve -= np.clip(rng.uniform(0, 8) - bands, 0, None) * rng.uniform(1, 8)
    level = level + curve.astype(np.float32)
    if rng.random() < 0.4:
        loudness = level.max(axis=1)
        slow = lfilter([0.1], [1, -0.9], loudness - loudness.mean())
        level = level - (rng.uniform(0.2, 0.7) * slow[:, None]).astype(np.float32)
    return np.asarray(level)


def heard(lesson: Lesson, stranger: Lesson, frames: int, rng: np.random.Generator) -> Heard:
    """Return some frames of a lesson as it may sound.

    Parameters
    ----------
    lesson, stranger : Lesson
        What is learned, and what may play along out of time.
    frames : int
    rng : Generator
    """
    pace = np.exp(rng.uniform(-0.12, 0.12))
    start = rng.uniform(0, max(0.0, FRAMES - 1 - frames * pace))
    window = slice(int(start), int(start + frames * pace) + 2)
    power = _mixed(lesson.stems[:, window], stranger.stems[:, window], rng)
    if rng.random() < 0.4:
        power = _in_a_room(power, rng)
    loud = float(power.max()) + 1e-12
    if rng.random() < 0.5:
        power = power + np.float32(loud * 10 ** (rng.uniform(-70, -25) / 10))
    level = _through_a_loudspeaker(10 * np.log10(power / loud + 1e-10), rng)
    shift = int(rng.integers(-3, 4))
    level = level[:, np.clip(np.arange(_BANDS) + shift, 0, _BANDS - 1)]
    at = np.minimum(start % 1 + np.arange(frames) * pace, len(level) - 1.001)
    whole = at.astype(np.int64)
    part = (at - whole).astype(np.float32)[:, None]
    level = level[whole] * (1 - part) + level[whole + 1] * part
    if rng.random() < 0.3:
        first = int(rng.integers(_BANDS - 8))
        level[:, first : first + int(rng.integers(2, 12))] = level.min()
    beats = (lesson.beats * FRAMES_PER_SECOND - start) / pace / FRAMES_PER_SECOND
    marks = np.stack([_marks(beats, frames), _marks(beats[lesson.is_downbeat], frames)])
    told = lesson.family if rng.random() < TOLD_SHARE else ""
    return Heard(level.T, marks, lesson.knows_bars, told)


def _marks(beats: npt.NDArray[np.float64], frames: int) -> Floats:
    """Return a bell around each beat [shape=(frame,)]."""
    times = np.arange(frames) / FRAMES_PER_SECOND
    if not len(beats):
        return np.zeros(frames, np.float32)
    after = np.clip(np.searchsorted(beats, times), 1, max(1, len(beats) - 1))
    ends = beats[np.stack([after - 1, np.minimum(after, len(beats) - 1)])]
    away = np.abs(times - ends).min(axis=0)
    return np.asarray(np.exp(-0.5 * (away / WIDTH_SECONDS) ** 2), np.float32)


def batch(
    paths: Sequence[Path], rng: np.random.Generator, config: BeatNetworkConfig
) -> tuple[torch.Tensor, ...]:
    """Return features, styles, marks and whether bars are known, of lessons drawn at random."""
    frames = int(rng.choice(LENGTHS, p=SHARES))
    drawn = rng.choice(len(paths), BATCH_FRAMES // frames + 1, replace=False)
    lessons = [Lesson.load(paths[place]) for place in drawn]
    pairs = itertools.pairwise(lessons)
    takes = [heard(lesson, stranger, frames, rng) for lesson, stranger in pairs]
    level = torch.from_numpy(np.stack([take.level for take in takes]).astype(np.float32))
    return (
        # bands are pooled already
        features(level.repeat_interleave(POOLED, dim=1)),
        torch.stack([config.marked({take.family}) for take in takes]),
        torch.from_numpy(np.stack([take.marks for take in takes])),
        torch.tensor([take.knows_bars for take in takes]),
    )


def loss(network: BeatNetwork, taken: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return the cross-entropy of the marks; downbeats count where they are known."""
    level, style, marks, knows_bars = taken
    found = network(level, style)
    each = functional.binary_cross_entropy_with_logits(found, marks, reduction="none")
    bars = each[:, 1].mean(dim=1) * knows_bars
    return each[:, 0].mean() + bars.sum() / knows_bars.sum().clamp(min=1)


def train(lessons: Path, minutes: float, out: Path, seed: int) -> None:
    """Train for some minutes of processor time and write the averaged weights."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = BeatNetwork()
    average = deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=WEIGHT_DECAY)
    begun, step, recent = time.process_time(), 0, 0.0
    while (done := (time.process_time() - begun) / (60 * minutes)) < 1:
        if step % 100 == 0:
            paths = sorted(lessons.rglob("*.npz"))
        rate = PEAK_RATE * min(1.0, (step + 1) / WARM_STEPS, 2.0 * (1 - done) + 0.005)
        for group in optimizer.param_groups:
            group["lr"] = rate
        found = loss(network.train(), batch(paths, rng, network.config))
        optimizer.zero_grad()
        found.backward()  # type: ignore[no-untyped-call]  # torch's own
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        kept = min(KEPT, step / (step + 10))
        pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
        for mean, value in pairs:
            mean.copy_(torch.lerp(value, mean, kept) if mean.is_floating_point() else value)
        recent = 0.98 * recent + 0.02 * found.item() if step > 1 else found.item()
        if step % 50 == 0:
            print(
                f"step {step}, {100 * done:.0f} %, {len(paths)} lessons: {recent:.4f}", flush=True
            )
            average.save(out)
    average.save(out)


def main(argv: Sequence[str] | None = None) -> int:
    """Train the beat network."""
    parser = argparse.ArgumentParser(prog="audio.train_beats", description=main.__doc__)
    parser.add_argument("lessons", type=Path, help="a folder that audio.beat_lessons made")
    parser.add_argument("--minutes", type=float, default=12.0, help="of processor time")
    parser.add_argument("--out", type=Path, required=True, help="a .safetensors file")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    train(options.lessons, options.minutes, options.out, options.seed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
