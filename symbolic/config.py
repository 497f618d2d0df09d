"""Kind and sizes of the writer: one frozen value, saved beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from subtractive.errors import FileFormatError


@dataclass(frozen=True, slots=True)
class WriterConfig:
    """Kind and sizes of the writer.

    Attributes
    ----------
    kind : {"transformer", "diffusion"}
        Autoregressive over tokens, or masked diffusion over a canvas.
    dim : int
        Width of the residual stream.
    depth, encoder_depth : int
        Layers of the decoder and of the context encoder.
    head_dim : int
        Width of an attention head.
    dropout : float
        Of the decoder's input and in the feed-forward layers, while training (in attention it would
        double the cost on a CPU).
    """

    kind: str = "transformer"
    dim: int = 192
    depth: int = 4
    encoder_depth: int = 2
    head_dim: int = 48
    dropout: float = 0.15

    def to_dict(self) -> dict[str, str | float]:
        """Return kind and sizes as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, sizes: Mapping[str, Any]) -> WriterConfig:
        """Return the config of saved sizes; an unknown name is an error, never ignored.

        Raises
        ------
        FileFormatError
        """
        unknown = set(sizes) - {field.name for field in fields(cls)}
        if unknown:
            raise FileFormatError(
                f"the weights' config names {', '.join(sorted(unknown))}, which this version does "
                "not know: use the version that wrote it"
            )
        return cls(**sizes)
