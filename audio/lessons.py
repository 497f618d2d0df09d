"""Batches of lessons for the models of sound, drawn by (seed, step): training resumes exactly.

Whatever a user may leave out is left out here: words, the mix, the beat, the notes. Whatever a
recording may be is made here of what was rendered: brighter or darker, cut off above, louder.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audio.autoencoder import Autoencoder
from audio.corpus import Lesson, SoundCorpus, decibels
from audio.diffusion import Conditions, beat_rows, word_rows
from audio.mel import FLOOR_DB, FRAMES_PER_SECOND, MELS
from audio.rendering import FRAMES
from audio.roll import roll
from audio.words import drawn, sounds
from subtractive.instruments import INSTRUMENTS
from subtractive.synthesis import Strokes

SAID = 0.85  # of all lessons, those in which words are said
WITHOUT_CONTEXT, WITHOUT_BEATS, WITHOUT_NOTES = 0.12, 0.33, 0.5
JITTER_SECONDS = 0.012  # of known beats and notes: a tracker is no clock
TILT_DB = 7.0  # from the lowest band to the highest
NO_NOTES = Strokes(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))
_HIGH_BAND = 70  # about 3 kHz
# What a third of all stems is above or below, measured on rendered windows without their tilt:
# how much weaker the highs are than the rest, and the stem than the mix, in dB.
BRIGHT_DB = {"drums": (-10.7, -5.4), "bass": (-48.5, -41.1), "guitar": (-18.4, -8.8)}
LOUD_DB = {"drums": (-13.7, -4.6), "bass": (-5.7, 1.0), "guitar": (-7.7, 1.6)}


def louder(picture: Tensor, gain_db: float) -> Tensor:
    """Return a log-mel spectrogram after a gain; silence stays silence."""
    return (picture + gain_db).clamp(min=FLOOR_DB)


def lessons(
    corpus: SoundCorpus, coder: Autoencoder, seed: int, step: int, count: int
) -> tuple[Tensor, Conditions]:
    """Return a batch: latents of stems [shape=(count, latent, time)], and what is told of them."""
    rng = np.random.default_rng([seed, step])
    # half of the batches are of half windows, twice as many: short clips are music, too
    frames = FRAMES if step % 2 else FRAMES // 2
    picked = rng.integers(len(corpus), size=count * FRAMES // frames)
    return batch([corpus[int(index)] for index in picked], coder, frames, rng)


def batch(
    every: Sequence[Lesson], coder: Autoencoder, frames: int, rng: np.random.Generator
) -> tuple[Tensor, Conditions]:
    """Return some lessons as a batch, each in its own sound.

    Parameters
    ----------
    every : sequence of Lesson
    coder : Autoencoder
    frames : int
        Cut out of each.
    rng : numpy.random.Generator
    """
    stride = coder.config.stride
    pictures, beats, rolls, said = [], [], [], []
    for lesson in every:
        first = stride * int(rng.integers((FRAMES - frames) // stride + 1))
        context, stem = (
            decibels(kept[:, first : first + frames]) for kept in (lesson.context, lesson.stem)
        )
        stem = louder(stem + _tilt(rng), float(rng.normal(0, 2.5)))
        context = _heard(context, rng)
        told = [*lesson.concepts, *sounds(manner(stem, context, lesson.instrument))]
        said.append(drawn(told, SAID, rng))
        pictures += [context, stem]
        start = first / FRAMES_PER_SECOND
        late = float(rng.normal(0, JITTER_SECONDS))
        known = rng.random() >= WITHOUT_BEATS
        beats.append(
            beat_rows(lesson.grid if known else None, frames // stride,
                      stride / FRAMES_PER_SECOND, start + late)
        )  # fmt: skip
        moved = rng.normal(-start, JITTER_SECONDS / 2)
        notes = lesson.notes or NO_NOTES
        rolls.append(
            roll(Strokes(notes.onset + moved, notes.end + moved, notes.pitch, notes.velocity),
                 frames, is_drums=lesson.instrument == "drums")
        )  # fmt: skip
    with torch.no_grad():
        latents = coder.encode(torch.stack(pictures)).float()
    return latents[1::2], Conditions(
        context=latents[::2],
        has_context=torch.from_numpy(rng.random(len(every)) >= WITHOUT_CONTEXT),
        beats=torch.stack(beats),
        roll=torch.from_numpy(np.stack(rolls)),
        has_roll=torch.tensor(
            [lesson.notes is not None and rng.random() >= WITHOUT_NOTES for lesson in every]
        ),
        words=word_rows(said),
        instrument=torch.tensor([INSTRUMENTS.index(lesson.instrument) for lesson in every]),
    )


def manner(stem: Tensor, context: Tensor, instrument: str) -> list[str]:
    """Return how a stem sounds beside a context, by the names of `audio.words.SOUNDS`."""
    power = 10 ** (stem / 10)
    low, high = float(power[:_HIGH_BAND].sum()), float(power[_HIGH_BAND:].sum())
    bright = 10 * np.log10((high + 1e-9) / (low + 1e-9))
    mix = float((10 ** (context / 10)).sum())
    loud = 10 * np.log10((low + high + 1e-9) / (mix + 1e-9))
    names = []
    for value, (least, most), (little, much) in (
        (bright, BRIGHT_DB[instrument], ("dark", "bright")),
        (loud, LOUD_DB[instrument], ("quiet", "loud")),
    ):
        names += [little] if value < least else [much] if value > most else []
    return names


def _tilt(rng: np.random.Generator) -> Tensor:
    slope = float(np.clip(rng.normal(0, TILT_DB / 2), -TILT_DB, TILT_DB))
    return torch.linspace(-slope / 2, slope / 2, MELS)[:, None]


def _heard(context: Tensor, rng: np.random.Generator) -> Tensor:
    """Return a mix as a recording may have it: tilted, cut off above, with some noise."""
    context = context + _tilt(rng)
    if rng.random() < 0.3:
        context[int(rng.integers(85, MELS)) :] = FLOOR_DB
    hiss = float(rng.uniform(FLOOR_DB, -60)) if rng.random() < 0.3 else FLOOR_DB
    return context.clamp(min=hiss)
