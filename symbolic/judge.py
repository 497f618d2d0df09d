"""Does a part belong to this music? A small network that was shown true parts and strangers.

It sees the context's frames with the part drawn in, as a writer sees the rules' draft, and learned
to tell a song's own part from the part of another song, or its own out of time or out of key
(contrastive, as in COCOLA, Ciranni et al. 2024, for sound). It ranks the candidates of a writer.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from scoretokens.grid import GridPart, grid_notes, to_grid
from subtractive.arrangement import Arrangement, Part
from subtractive.instruments import INSTRUMENTS
from symbolic.checkpoint import load_module
from symbolic.frames import SLICES, WIDTH, Key, context_frames, key_of

WEIGHTS = Path(__file__).with_name("weights") / "judge.safetensors"
WINDOW_FRAMES = 16 * 16  # what it learned from: 16 bars of four quarters
PART = slice(SLICES["draft_struck"].start, SLICES["draft_shape"].stop)
"""Where a part is drawn in the frames."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class JudgeConfig:
    """Sizes: channels, and layers of which each sees twice as far as the one before."""

    width: int = 64
    depth: int = 5
    dropout: float = 0.1


class Judge(nn.Module):
    """Frames with a part drawn in to the log-odds that it belongs there, frame by frame."""

    def __init__(self, config: JudgeConfig | None = None) -> None:
        super().__init__()
        self.config = config or JudgeConfig()
        width = self.config.width
        self.see = nn.Conv1d(WIDTH, 2 * width, 3, padding=1)
        self.narrow = nn.Conv1d(width, width, 1)
        self.instrument = nn.Embedding(len(INSTRUMENTS), width)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, 2 * width, 3, padding=2**place, dilation=2**place)
            for place in range(self.config.depth)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for _ in self.layers)
        self.drop = nn.Dropout1d(self.config.dropout)
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, frames: Tensor, instrument: Tensor) -> Tensor:
        """Return log-odds [shape=(batch,)], the mean over frames.

        Parameters
        ----------
        frames : tensor [shape=(batch, frame, WIDTH)]
        instrument : tensor of int [shape=(batch,)]
        """
        seen = functional.glu(self.see(self.drop(frames.transpose(1, 2))), dim=1)
        hidden = self.narrow(seen) + self.instrument(instrument)[..., None]
        for norm, layer in zip(self.norms, self.layers, strict=True):
            hidden = hidden + functional.glu(layer(norm(hidden)), dim=1)
        found: Tensor = self.out(functional.elu(hidden))[:, 0].mean(dim=1)
        return found

    def save(self, path: Path) -> None:
        """Write weights as bfloat16, with the sizes they belong to."""
        tensors = {name: value.bfloat16() for name, value in self.state_dict().items()}
        save_file(tensors, path, metadata={"config": json.dumps(asdict(self.config))})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote, ready to judge.

        Raises
        ------
        FileFormatError
            If the file is missing or holds something else.
        """
        return load_module(
            path, lambda told: cls(JudgeConfig(**told)), "the judge", "symbolic.train_judge"
        )


@lru_cache(maxsize=1)
def shipped() -> Judge:
    """Return the judge that comes with the package."""
    return Judge.load(WEIGHTS)


def drawn(context: Arrangement, part: Part, instrument: str) -> Floats:
    """Return the frames of a context with a part drawn in [shape=(frame, WIDTH)].

    The part may be in the context's own ticks alone.
    """
    song = to_grid(context)
    others = [each for each in song.parts if len(each.notes)]
    chords = song.chords if len(song.chords) else None
    key = key_of(others, chords) or Key(0, is_minor=False)
    notes = grid_notes(part, context.ticks_per_beat)
    inside = notes[(notes[:, 0] >= song.bar_onsets[0]) & (notes[:, 0] < song.bar_onsets[-1])]
    own = GridPart(instrument, part.program, inside)
    return context_frames(song, others, key, chords=chords, draft=own).values


def compatibility(
    context: Arrangement, part: Part, instrument: str, judge: Judge | None = None
) -> float:
    """Return the log-odds that a part belongs to a context: the mean over windows of 16 bars.

    Parameters
    ----------
    context : Arrangement
        Without the part.
    part : Part
        In the context's ticks.
    instrument : str
    judge : Judge, optional
        By default the shipped one.
    """
    frames = drawn(context, part, instrument)
    count = max(1, round(len(frames) / WINDOW_FRAMES))
    windows = np.array_split(frames, count)
    named = torch.tensor([INSTRUMENTS.index(instrument)])
    network = judge or shipped()
    with torch.inference_mode():
        found = [network(torch.from_numpy(each)[None], named).item() for each in windows]
    return float(np.mean(found))
