"""A small network that tells how the power of a band is spread over its bins.

A band above 1 kHz is many bins wide, and below it two low notes share one. What stands in the
neighbouring bands and frames tells where in a band the partials lie, and how noisy it is. The
network sees 19 frames and returns a gain for each bin over an even spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from torch import Tensor, nn

from audio.checkpoint import load, shipped
from audio.mel import FFT, MELS

WEIGHTS = "vocoder.safetensors"
REACH = 9  # frames to each side that the network sees, with 3 layers
_MIDDLE_DB, _RANGE_DB = -50.0, 25.0
_LARGEST = 7.0  # natural logarithm of a gain


@dataclass(frozen=True)
class MagnitudeConfig:
    """Sizes of the network."""

    channels: int = 256
    layers: int = 3
    kernel: int = 5  # frames

    def __post_init__(self) -> None:
        assert 1 + self.layers * (self.kernel // 2) <= REACH


class _Layer(nn.Module):
    """A convolution over frames for each channel, then a small network for each frame."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.over_frames = nn.Conv1d(
            channels, channels, kernel, padding=kernel // 2, groups=channels
        )
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 2 * channels)
        self.narrow = nn.Linear(2 * channels, channels)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, frames: Tensor) -> Tensor:
        seen = self.over_frames(frames.transpose(1, 2)).transpose(1, 2)
        found: Tensor = self.narrow(nn.functional.gelu(self.widen(self.norm(seen))))
        return frames + found


class MagnitudeNetwork(nn.Module):
    """From log-mel spectrogram to the logarithm of each bin's gain over an even spread."""

    def __init__(self, config: MagnitudeConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv1d(MELS, config.channels, 3, padding=1)
        self.layers = nn.ModuleList(
            _Layer(config.channels, config.kernel) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.leave = nn.Linear(config.channels, FFT // 2 + 1)
        nn.init.normal_(self.leave.weight, std=0.01)
        nn.init.zeros_(self.leave.bias)

    def forward(self, log_mel_db: Tensor) -> Tensor:
        """Return log gains of amplitude.

        Parameters
        ----------
        log_mel_db : tensor [shape=(batch, MELS, frame)]

        Returns
        -------
        tensor [shape=(batch, FFT // 2 + 1, frame)]
        """
        frames = self.enter((log_mel_db - _MIDDLE_DB) / _RANGE_DB).transpose(1, 2)
        for layer in self.layers:
            frames = layer(frames)
        found: Tensor = self.leave(self.norm(frames))
        return found.transpose(1, 2).clamp(-_LARGEST, _LARGEST)


def load_network(weights: Path) -> MagnitudeNetwork:
    """Return a trained network, ready to use.

    Raises
    ------
    FileFormatError
        If the file holds none.
    """
    config, tensors = load(weights, MagnitudeConfig)
    network = MagnitudeNetwork(config)
    network.load_state_dict(tensors)
    return network.eval()


@lru_cache(maxsize=2)
def shipped_network(device: str) -> MagnitudeNetwork:
    """Return the network that comes with the package."""
    return load_network(shipped(WEIGHTS)).to(device)
