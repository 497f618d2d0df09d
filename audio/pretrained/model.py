"""What both pretrained models have in common: the contract, levels, dropout, guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from audio.pretrained.lessons import Lesson
from subtractive.waveform import Recording

LEVEL = 0.1  # root mean square of every context a model hears: -20 dB of full scale
SILENT = 1e-4  # root mean square below which nothing is made louder
DROPOUT = 0.05  # share of lessons without words, without context, and without both
OVERLAP = 0.25  # of a window that is known from the one before

Report = Callable[[float], None]


class Guidance(NamedTuple):
    """How far beyond what it would paint anyway a model goes towards words and towards context."""

    words: float
    context: float


class Condition(NamedTuple):
    """What a denoiser is told.

    Attributes
    ----------
    context : tensor
        The latent of the mix without the stem, as large as the one to denoise.
    words, no_words : tensor [shape=(batch, token, dimension)]
        States for cross-attention, and those of no words at all.
    more : dict of str to tensor
        Further inputs by name.
    """

    context: Tensor
    words: Tensor
    no_words: Tensor
    more: dict[str, Tensor]


class Sampling(NamedTuple):
    """How a stem is drawn."""

    words: str
    steps: int
    guidance: Guidance
    seed: int


class Pretrained(Protocol):
    """A pretrained model that can be widened for a context, fine-tuned, and asked for a stem."""

    sample_rate: int
    channels: int
    guidance: Guidance

    @property
    def samples(self) -> int:
        """Length of its window."""

    @property
    def denoiser(self) -> nn.Module:
        """What is fine-tuned."""

    @property
    def is_widened(self) -> bool:
        """Whether it takes a context."""

    def widen(self) -> None:
        """Give it inputs for a context that at first change nothing."""

    def to(self, device: torch.device) -> None:
        """Bring all of it to a device."""

    def encode(
        self, lessons: Sequence[Lesson], generator: torch.Generator
    ) -> tuple[Tensor, Condition]:
        """Return the latents to learn and what is told."""

    def loss(
        self,
        denoiser: nn.Module,
        target: Tensor,
        condition: Condition,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the error at noise levels drawn for each lesson."""

    def insert(self, context: Tensor, sampling: Sampling, report: Report) -> Tensor:
        """Return a stem for a context of any length [shape=(channel, sample)]."""

    def save(self, folder: Path) -> None:
        """Save all of it as a `diffusers` folder."""


def generator_of(*numbers: int) -> torch.Generator:
    """Return a source of randomness on the CPU, its own for each list of numbers."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


def noise_like(latent: Tensor, generator: torch.Generator) -> Tensor:
    """Return normal noise, the same on every device."""
    return torch.randn(latent.shape, generator=generator).to(latent.device)


def share_of(report: Report, number: int, count: int) -> Report:
    """Return what one of several equal pieces of work reports to."""
    return lambda share: report((number + share) / count)


def gain_of(context: Recording) -> float:
    """Return what brings a context to `LEVEL`; 1 if it is silent."""
    samples = context.samples
    loudness = float(np.sqrt(np.square(samples, dtype=np.float64).sum() / max(1, samples.size)))
    return LEVEL / loudness if loudness > SILENT else 1.0


def heard_by(recording: Recording, model: Pretrained) -> Tensor:
    """Return a recording at a model's sample rate and with its channels."""
    samples = torch.from_numpy(recording.resampled(model.sample_rate).samples)
    if len(samples) == model.channels:
        return samples
    return samples.mean(0, keepdim=True).expand(model.channels, -1)


def fitted(samples: Tensor, length: int) -> Tensor:
    """Return sound [shape=(..., sample)] cut to a length, or with silence after it."""
    return nn.functional.pad(samples[..., :length], (0, max(0, length - samples.shape[-1])))


def window_starts(length: int, window: int, overlap: int) -> list[int]:
    """Return where windows begin that cover a length; each overlaps the next one."""
    return [0, *range(window - overlap, max(0, length - overlap), window - overlap)]


def dropped(condition: Condition, generator: torch.Generator) -> Condition:
    """Take the words, the context or both from some lessons.

    So the model learns what it would do without, which guidance steers away from. Of all lessons
    `DROPOUT` lose the words alone, as many the context alone, and as many both.
    """
    draw = torch.rand(len(condition.context), generator=generator).to(condition.context.device)
    silent = ((draw >= DROPOUT) & (draw < 3 * DROPOUT)).view(
        -1, *[1] * (condition.context.dim() - 1)
    )
    speechless = (draw < 2 * DROPOUT).view(-1, 1, 1)
    return condition._replace(
        context=condition.context.masked_fill(silent, 0),
        words=torch.where(speechless, condition.no_words, condition.words),
    )


def for_guidance(condition: Condition) -> Condition:
    """Return a condition three times: whole, with the context alone, with nothing."""
    context = condition.context
    return Condition(
        torch.cat([context, context, torch.zeros_like(context)]),
        torch.cat([condition.words, condition.no_words, condition.no_words]),
        torch.cat([condition.no_words] * 3),
        {name: torch.cat([state] * 3) for name, state in condition.more.items()},
    )


def guided(predicted: Tensor, guidance: Guidance) -> Tensor:
    """Return one prediction for the three of `for_guidance`."""
    whole, context, nothing = predicted.chunk(3)
    return nothing + guidance.words * (whole - context) + guidance.context * (context - nothing)


def widened(weight: Tensor, *shape: int) -> Tensor:
    """Return a weight in the corner of a larger one that is zero elsewhere."""
    wide = weight.new_zeros(shape)
    wide[tuple(slice(size) for size in weight.shape)] = weight
    return wide
