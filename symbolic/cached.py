"""The writer for sampling: the same weights, step by step with cached keys and values.

Plain torch, since importing the training module's library costs more than writing a part. A test
holds that both give the same logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention
from torch import Tensor

from symbolic.config import WriterConfig
from symbolic.tones import (
    KEYS,
    PITCH,
    POSITIONS,
    bar_places,
    by_position,
    leaning,
    strikes_of,
    striking,
    told_of,
    tones_of,
)


@dataclass(frozen=True)
class Steps:
    """Rows to feed, one or more for each sequence of a batch.

    Attributes
    ----------
    main, duration, velocity, frame, position : Tensors of int [shape=(batch, row)]
    place : Tensor of float [shape=(batch, row)]
    mask : Tensor of bool [shape=(batch, row)]
        False where a row is padding, which no later row sees.
    """

    main: Tensor
    duration: Tensor
    velocity: Tensor
    frame: Tensor
    position: Tensor
    place: Tensor
    mask: Tensor


class Heard(NamedTuple):
    """What a decoder is given of a context, frame by frame.

    Attributes
    ----------
    seen : Tensor [shape=(batch, frame, dim)]
    tones : Tensor [shape=(batch, frame, 12, feature)]
        As `tones.tones_of` returns them.
    strikes : Tensor [shape=(batch, frame, DRUM_CLASSES)]
        As `tones.strikes_of` returns them.
    keys : Tensor [shape=(batch, frame, head_dim)]
        What is asked of the frames of a bar when the next position is chosen.
    """

    seen: Tensor
    tones: Tensor
    strikes: Tensor
    keys: Tensor

    def rows(self, rows: Tensor) -> Heard:
        """Return some sequences of the batch, in the order of `rows`."""
        return Heard(*(values[rows] for values in self))


class Cache:
    """Keys and values of what was fed, and which of it is no padding."""

    def __init__(
        self, config: WriterConfig, batch: int, capacity: int, device: torch.device | None = None
    ) -> None:
        shape = (config.depth, 2, batch, config.dim // config.head_dim, capacity, config.head_dim)
        self.pairs = torch.zeros(shape, device=device)
        self.mask = torch.zeros(batch, capacity, dtype=torch.bool, device=device)
        self.length = 0

    def make_room(self, rows: int) -> None:
        """Grow by `rows` if the cache is full."""
        if self.length == self.mask.shape[1]:
            self.pairs = F.pad(self.pairs, (0, 0, 0, rows))
            self.mask = F.pad(self.mask, (0, rows))

    def keep(self, rows: Tensor) -> None:
        """Keep only some sequences of the batch, in the order of `rows`."""
        self.pairs = self.pairs[:, :, rows]
        self.mask = self.mask[rows]


def _norm(x: Tensor, gain: Tensor) -> Tensor:
    # x-transformers keeps the gain as an offset from one, so that weight decay pulls it there.
    scaled: Tensor = F.normalize(x, dim=-1) * (x.shape[-1] ** 0.5) * (gain + 1)
    return scaled


def _rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate pairs of neighbouring features by cosine and sine [shape=(batch, 1, row, pair)]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = turn
    return torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)


class CachedWriter:
    """Encoder and decoder over weights saved by `symbolic.checkpoint`.

    Parameters
    ----------
    config : WriterConfig
    weights : mapping from name to Tensor
        As `symbolic.transformer.Writer` names them.
    """

    def __init__(self, config: WriterConfig, weights: Mapping[str, Tensor]) -> None:
        self.config = config
        self.weights = dict(weights)
        # One product for query, key and value is faster than three.
        for name in [name for name in weights if name.endswith(".to_q.weight")]:
            prefix = name.removesuffix(".to_q.weight")
            three = [weights[f"{prefix}.to_{letter}.weight"] for letter in "qkv"]
            self.weights[f"{prefix}.to_qkv.weight"] = torch.cat(three)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.weights["raw.weight"].device

    def _attend(
        self,
        x: Tensor,
        prefix: str,
        turn: tuple[Tensor, Tensor],
        mask: Tensor,
        cached: Tensor | None,
        start: int,
    ) -> Tensor:
        batch, rows, dim = x.shape
        w = self.weights
        head = self.config.head_dim
        joined = F.linear(x, w[f"{prefix}.to_qkv.weight"])
        query, key, value = joined.view(batch, rows, 3, dim // head, head).permute(2, 0, 3, 1, 4)
        query, key = _rotate(query, turn), _rotate(key, turn)
        if cached is not None:
            cached[0, :, :, start : start + rows] = key
            cached[1, :, :, start : start + rows] = value
            key, value = cached[0, :, :, : start + rows], cached[1, :, :, : start + rows]
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return F.linear(out.transpose(1, 2).reshape(batch, rows, dim), w[f"{prefix}.to_out.weight"])

    def _layers(
        self, x: Tensor, stack: str, place: Tensor, mask: Tensor, cache: Cache | None
    ) -> Tensor:
        w = self.weights
        angles = place[:, None, :, None] * w[f"{stack}.rotary_pos_emb.inv_freq"]
        turn = angles.cos(), angles.sin()
        depth = self.config.depth if cache else self.config.encoder_depth
        for layer in range(depth):
            attention, feed = f"{stack}.layers.{2 * layer}", f"{stack}.layers.{2 * layer + 1}"
            cached = cache.pairs[layer] if cache else None
            start = cache.length if cache else 0
            normal = _norm(x, w[f"{attention}.0.0.g"])
            x = x + self._attend(normal, f"{attention}.1", turn, mask, cached, start)
            hidden = F.linear(_norm(x, w[f"{feed}.0.0.g"]), w[f"{feed}.1.ff.0.0.weight"])
            x = x + F.linear(F.relu(hidden).square(), w[f"{feed}.1.ff.2.weight"])
        return _norm(x, w[f"{stack}.final_norm.g"])

    def encode(self, frames: Tensor, mask: Tensor, instrument: Tensor, wishes: Tensor) -> Heard:
        """Return what the decoder is given of each frame."""
        w = self.weights
        before, after = F.linear(wishes, w["wish.weight"])[:, None].chunk(2, dim=-1)
        x = (
            F.linear(frames, w["frame_in.weight"], w["frame_in.bias"])
            + w["instrument.weight"][instrument][:, None]
            + before
        )
        place = torch.arange(frames.shape[1], dtype=torch.float32, device=frames.device)[None]
        hidden = self._layers(x, "encoder", place, mask[:, None, None, :], None)
        seen = hidden + F.linear(frames, w["raw.weight"]) + after
        return Heard(
            seen, tones_of(frames), strikes_of(frames), F.linear(seen, w["when_key.weight"])
        )

    def feed(self, steps: Steps, heard: Heard, cache: Cache) -> Tensor:
        """Feed rows and return the decoder's state after each [shape=(batch, row, dim)].

        Parameters
        ----------
        steps : Steps
        heard : Heard
            As `encode` returns it.
        cache : Cache
            Grows by the rows fed.
        """
        w = self.weights
        batch, rows = steps.main.shape
        seen, tones = heard.seen, heard.tones
        sequence = torch.arange(batch, device=seen.device)[:, None]
        told = told_of(steps.main, tones[sequence, steps.frame])
        x = (
            w["main.weight"][steps.main]
            + w["duration.weight"][steps.duration]
            + w["velocity.weight"][steps.velocity]
            + w["position.weight"][steps.position]
            + F.linear(told, w["told.weight"])
            + seen[sequence, steps.frame]
        )
        end = cache.length + rows
        cache.mask[:, cache.length : end] = steps.mask
        # A row sees what was fed before it and itself; itself even if padding, so that the
        # softmax of a padded row is of something.
        every = torch.arange(end, device=seen.device)[None]
        now = every[0, cache.length :, None]
        causal, itself = every <= now, every == now
        mask = (cache.mask[:, None, :end] & causal) | itself
        hidden = self._layers(x, "decoder", steps.place, mask[:, None], cache)
        cache.length = end
        return hidden

    def main_logits(self, hidden: Tensor, heard: Heard, frame: Tensor, position: Tensor) -> Tensor:
        """Return the logits of the next row's token [shape=(batch, row, MAIN)].

        Parameters
        ----------
        hidden : Tensor [shape=(batch, row, dim)]
        heard : Heard
        frame, position : Tensors of int [shape=(batch, row)]
            Of the rows whose states `hidden` are.
        """
        w = self.weights
        sequence = torch.arange(len(hidden), device=hidden.device)[:, None]
        tones, strikes = heard.tones[sequence, frame], heard.strikes[sequence, frame]
        logits = F.linear(hidden, w["main_head.weight"], w["main_head.bias"])
        wanted = F.linear(hidden, w["leaning.weight"], w["leaning.bias"])
        logits[..., PITCH.start : PITCH.stop] += leaning(wanted, tones)
        wanted = F.linear(hidden, w["striking.weight"], w["striking.bias"])
        logits[..., KEYS.start : KEYS.stop] += striking(wanted, strikes)
        query = F.linear(hidden, w["when_query.weight"], w["when_query.bias"])
        places, there = bar_places(frame, position, heard.keys.shape[1])
        of_bar = (heard.keys[sequence[..., None], places] @ query[..., None])[..., 0] * there
        logits[..., POSITIONS.start : POSITIONS.stop] += by_position(of_bar)
        return logits

    def _attributes(self, hidden: Tensor, main: Tensor) -> Tensor:
        w = self.weights
        return (
            F.linear(hidden, w["duration_hidden.weight"], w["duration_hidden.bias"])
            + w["main.weight"][main]
        )

    def duration_logits(self, hidden: Tensor, main: Tensor) -> Tensor:
        """Return the logits of the next note's duration, its pitch token being known."""
        w = self.weights
        known = F.relu(self._attributes(hidden, main)).square()
        return F.linear(known, w["duration_head.weight"], w["duration_head.bias"])

    def velocity_logits(self, hidden: Tensor, main: Tensor, duration: Tensor) -> Tensor:
        """Return the logits of the next note's velocity, pitch and duration being known."""
        w = self.weights
        known = F.relu(self._attributes(hidden, main) + w["duration.weight"][duration]).square()
        return F.linear(known, w["velocity_head.weight"], w["velocity_head.bias"])
