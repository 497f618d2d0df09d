"""The model that draws a stem: diffusion over its latents, told the mix, the beat, notes and words.

The noise is taken off by a diffusion transformer (`diffusers.StableAudioDiTModel`). At the time of
each latent it is given the latent of the mix, where in the beat and the bar that time lies, and, if
they are known, the notes that the stem plays there; words are attended to. Whatever may be missing
when it is used is left out now and then when it learns, so one model serves the paper's task (a mix
and words) and notes that want to be heard.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from audio.checkpoint import load, shipped
from audio.roll import ROWS
from audio.words import CONCEPTS
from subtractive.instruments import INSTRUMENTS

if TYPE_CHECKING:
    from audio.beats import BeatGrid

with warnings.catch_warnings():
    # diffusers' own imports warn of parts of torch that are to go
    warnings.simplefilter("ignore")
    from diffusers.models.embeddings import get_1d_rotary_pos_embed
    from diffusers.models.transformers.stable_audio_transformer import StableAudioDiTModel

WEIGHTS = "diffusion.safetensors"
BEAT_ROWS = 9
_NOTHING = len(CONCEPTS)  # said where no more is said


@dataclass(frozen=True)
class DiffusionConfig:
    """Sizes of the model.

    Attributes
    ----------
    latent, stride : int
        Of the autoencoder.
    width, layers : int
        Of the transformer; heads are 64 wide.
    words : int
        Width of what words are told as.
    notes : int
        Numbers that a latent's notes are told as.
    """

    latent: int = 96
    stride: int = 4
    width: int = 256
    layers: int = 6
    words: int = 128
    notes: int = 48


class Conditions(NamedTuple):
    """What the model is told about a batch of stems.

    Attributes
    ----------
    context : tensor [shape=(batch, latent, time)]
        Latents of the mix.
    has_context : tensor of bool [shape=(batch,)]
    beats : tensor [shape=(batch, BEAT_ROWS, time)]
        See `beat_rows`; zeros where no beat is known.
    roll : tensor [shape=(batch, ROWS, time * stride)]
        See `audio.roll`.
    has_roll : tensor of bool [shape=(batch,)]
    words : tensor [shape=(batch, word)] of int, or [shape=(batch, word, width)]
        Concepts (`word_rows`), or the states of a text encoder of the model's width.
    instrument : tensor of int [shape=(batch,)]
    """

    context: Tensor
    has_context: Tensor
    beats: Tensor
    roll: Tensor
    has_roll: Tensor
    words: Tensor
    instrument: Tensor


def beat_rows(grid: BeatGrid | None, frames: int, seconds_per_frame: float, start: float) -> Tensor:
    """Return where in the beat and the bar each latent's middle lies [shape=(BEAT_ROWS, frames)].

    Sine and cosine of one, two and four times the phase of the beat and of that of the bar, and
    a row of ones; all zeros where `grid` is None.
    """
    if grid is None:
        return torch.zeros(BEAT_ROWS, frames)
    times = start + (torch.arange(frames, dtype=torch.float64).numpy() + 0.5) * seconds_per_frame
    beat, bar = torch.from_numpy(grid.beat_phase(times)), torch.from_numpy(grid.bar_phase(times))
    angles = 2 * math.pi * torch.stack([beat, 2 * beat, 4 * beat, bar])
    return torch.cat([angles.sin(), angles.cos(), torch.ones(1, frames)]).float()


def word_rows(said: list[list[int]]) -> Tensor:
    """Return concepts as a table, at least one column, filled up with nothing."""
    longest = max(1, *(len(each) for each in said))
    return torch.tensor([each + [_NOTHING] * (longest - len(each)) for each in said])


class StemDiffusion(nn.Module):
    """The model; `forward` predicts v = a * noise - s * stem at x = a * stem + s * noise."""

    def __init__(self, config: DiffusionConfig) -> None:
        super().__init__()
        self.config = config
        self.concept = nn.Embedding(_NOTHING + 1, config.words)
        self.player = nn.Embedding(len(INSTRUMENTS), config.words)
        self.no_context = nn.Parameter(torch.zeros(config.latent, 1))
        self.roll = nn.Sequential(
            nn.Conv1d(ROWS, 64, 3, padding=1),
            nn.GELU(),
            nn.Conv1d(64, config.notes, config.stride, stride=config.stride),
        )
        self.transformer = StableAudioDiTModel(
            sample_size=1,
            in_channels=2 * config.latent + config.notes + BEAT_ROWS + 2,
            num_layers=config.layers,
            attention_head_dim=64,
            num_attention_heads=config.width // 64,
            num_key_value_attention_heads=config.width // 64,
            out_channels=config.latent,
            cross_attention_dim=config.words,
            time_proj_dim=128,
            global_states_input_dim=config.words,
            cross_attention_input_dim=config.words,
        )
        for layer in (
            self.transformer.preprocess_conv,
            self.transformer.postprocess_conv,
            self.transformer.proj_out,
        ):
            nn.init.zeros_(layer.weight)

    def forward(self, noisy: Tensor, time: Tensor, told: Conditions) -> Tensor:
        """Return v.

        Parameters
        ----------
        noisy : tensor [shape=(batch, latent, time)]
        time : tensor [shape=(batch,)]
            0 (no noise) to 1: a = cos(time * pi / 2), s = sin(time * pi / 2).
        told : Conditions

        Returns
        -------
        tensor [shape=(batch, latent, time)]
        """
        has_context, has_roll = told.has_context[:, None, None], told.has_roll[:, None, None]
        context = torch.where(has_context, told.context, self.no_context)
        flags = torch.cat([has_context, has_roll], 1).to(noisy.dtype).expand(-1, -1, noisy.shape[2])
        drawn = self.roll(told.roll) * has_roll
        hidden = torch.cat([noisy, context, drawn, told.beats, flags], 1)
        words = told.words if told.words.is_floating_point() else self.concept(told.words)
        places = get_1d_rotary_pos_embed(
            32, noisy.shape[2] + 1, use_real=True, repeat_interleave_real=False
        )
        out: Tensor
        (out,) = self.transformer(
            hidden,
            time,
            encoder_hidden_states=words,
            global_hidden_states=self.player(told.instrument)[:, None],
            rotary_embedding=places,
            return_dict=False,
        )
        return out


def noised(stem: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the noisy stem and the v that belongs to it (Salimans & Ho 2022)."""
    angle = (time * math.pi / 2)[:, None, None]
    a, s = angle.cos(), angle.sin()
    return a * stem + s * noise, a * noise - s * stem


def load_diffusion(weights: Path | None = None, device: str = "cpu") -> StemDiffusion:
    """Return a trained model, ready to use: the shipped one, or that of a file.

    Raises
    ------
    FileFormatError
        If the file holds none.
    """
    config, tensors = load(weights or shipped(WEIGHTS), DiffusionConfig)
    model = StemDiffusion(config)
    model.load_state_dict(tensors)
    return model.to(device).eval()
