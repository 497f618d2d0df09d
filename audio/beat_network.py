"""A small network that hears beats and downbeats in a log-mel spectrogram.

Three layers of convolution over bands and frames, then a temporal convolutional network (after
Davies & Böck, "Temporal convolutional networks for musical audio beat tracking", 2019) at a quarter
of the frame rate, whose dilations double up to a view of half a minute.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from subtractive.styles import FAMILIES
from symbolic.checkpoint import load_module

POOLED = 2  # bands of the spectrogram that are heard as one
LOUD, RANGE_DB = 0.98, 70.0  # the quantile of levels that counts as full scale, and what is heard
STRIDE = 4  # frames of the spectrogram to a frame of the temporal network
KERNEL = 5
OUTPUTS = 2  # beat, downbeat


@dataclass(frozen=True)
class BeatNetworkConfig:
    """Sizes of the network.

    Attributes
    ----------
    width : int
        Channels of the temporal network.
    depth : int
        Its layers; each sees twice as far as the one before.
    dropout : float
    families : tuple of str
        Families of styles that it can be told of, as `subtractive.styles` names them.
    """

    width: int = 64
    depth: int = 7
    dropout: float = 0.1
    families: tuple[str, ...] = tuple(family.name for family in FAMILIES)

    def marked(self, families: Collection[str]) -> Tensor:
        """Return families as a row of zeros and ones [shape=(len(families),)]."""
        return torch.tensor([float(name in families) for name in self.families])


def features(level: Tensor) -> Tensor:
    """Return a spectrogram as the network wants it, whatever its loudness.

    Parameters
    ----------
    level : tensor [shape=(..., band, frame)]
        `audio.mel.log_mel`, in dB.

    Returns
    -------
    tensor [shape=(..., band // POOLED, frame)]
        0 for what is `RANGE_DB` below the loud, 1 for the loud.
    """
    bands, frames = level.shape[-2:]
    power = 10 ** (level.reshape(*level.shape[:-2], bands // POOLED, POOLED, frames) / 10)
    pooled = 10 * power.mean(dim=-2).log10()
    # every 7th value is enough for a quantile, and a long song has millions
    loud = pooled.flatten(-2)[..., ::7].quantile(LOUD, dim=-1)[..., None, None]
    heard: Tensor = ((pooled - loud) / RANGE_DB + 1).clamp(0, 1.3)
    return heard


class _Layer(nn.Module):
    """A dilated convolution and what it adds to its input."""

    def __init__(self, config: BeatNetworkConfig, dilation: int) -> None:
        super().__init__()
        width = config.width
        self.see = nn.Conv1d(
            width, width, KERNEL, dilation=dilation, padding=dilation * (KERNEL // 2), bias=False
        )
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout1d(config.dropout)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, heard: Tensor) -> Tensor:
        seen = functional.elu(self.norm(self.see(heard)))
        added: Tensor = self.mix(self.drop(seen))
        return heard + added


class BeatNetwork(nn.Module):
    """Log-mel features to the log-odds of a beat and of a downbeat in each frame.

    It may be told the style: what a guitar chops between the beats in reggae is on them in rock.
    """

    def __init__(self, config: BeatNetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or BeatNetworkConfig()
        width = self.config.width
        self.front = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(16),
            nn.ELU(),
            nn.Conv2d(16, 32, 5, stride=(3, 2), padding=2, bias=False),
            nn.BatchNorm2d(32),
            nn.ELU(),
            nn.Conv2d(32, width, (11, 1)),
        )
        self.style = nn.Linear(len(self.config.families), width, bias=False)
        self.layers = nn.ModuleList(
            _Layer(self.config, 2**place) for place in range(self.config.depth)
        )
        self.out = nn.Conv1d(width, OUTPUTS * STRIDE, 1)

    def forward(self, heard: Tensor, style: Tensor | None = None) -> Tensor:
        """Return log-odds.

        Parameters
        ----------
        heard : tensor [shape=(batch, band, frame)]
            As `features` returns it.
        style : tensor [shape=(batch, family)], optional
            As `BeatNetworkConfig.marked` returns it; zeros, or None, say nothing.

        Returns
        -------
        tensor [shape=(batch, 2, frame)]
            Of a beat, of a downbeat.
        """
        frames = heard.shape[-1]
        inner = self.front(functional.pad(heard, (0, -frames % STRIDE))[:, None])[:, :, 0]
        if style is not None:
            inner = inner + self.style(style)[..., None]
        for layer in self.layers:
            inner = layer(inner)
        found: Tensor = self.out(inner)
        apart = found.reshape(len(found), OUTPUTS, STRIDE, -1)
        return apart.transpose(2, 3).flatten(2)[..., :frames]

    def save(self, path: Path) -> None:
        """Write weights in half precision, with the sizes they belong to."""
        tensors = {
            name: value.half() if value.is_floating_point() else value
            for name, value in self.state_dict().items()
        }
        save_file(tensors, path, metadata={"config": json.dumps(asdict(self.config))})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote, ready to listen.

        Raises
        ------
        FileFormatError
            If the file is missing or holds something else.
        """
        return load_module(
            path,
            lambda told: cls(BeatNetworkConfig(**told | {"families": tuple(told["families"])})),
            "the beat network",
            "audio.train_beats",
        )
