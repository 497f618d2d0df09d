"""The autoregressive writer: a decoder that sees the context at its own musical time.

The context's frames pass a small bidirectional encoder. At every step the decoder is given, beside
the token, the encoded and the raw frame of that step's moment, so that it need not search the
context by attention. Attention rotates by musical time (in sixteenths) instead of by index: what
was played one bar ago lies at the same angle whatever the number of notes between.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention
from torch import Tensor, nn
from x_transformers.x_transformers import AttentionLayers

from scoretokens.grid import MAX_BAR
from symbolic.concepts import CONCEPTS
from symbolic.config import WriterConfig
from symbolic.frames import WIDTH
from symbolic.rows import DURATIONS, MAIN, VELOCITIES
from symbolic.tones import (
    FEATURES,
    INTERVALS,
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

FORGOTTEN = 0.1  # share of rows whose token the decoder is not told while training


@dataclass(frozen=True)
class Batch:
    """Lessons side by side, padded at the end.

    Attributes
    ----------
    frames : Tensor [shape=(batch, frame, WIDTH)]
    frame_mask : Tensor of bool [shape=(batch, frame)]
        True where there is a frame.
    instrument : Tensor of int [shape=(batch,)]
    wishes : Tensor [shape=(batch, len(CONCEPTS))]
        As `symbolic.concepts.marked` makes them; all zero where nothing is said.
    main, duration, velocity, frame, position : Tensors of int [shape=(batch, row)]
        As in `rows.Rows`; padding is -1 in `main` and 0 elsewhere.
    place : Tensor of float [shape=(batch, row)]
    """

    frames: Tensor
    frame_mask: Tensor
    instrument: Tensor
    wishes: Tensor
    main: Tensor
    duration: Tensor
    velocity: Tensor
    frame: Tensor
    position: Tensor
    place: Tensor


def _layers(config: WriterConfig, depth: int, *, causal: bool) -> AttentionLayers:
    return AttentionLayers(
        dim=config.dim,
        depth=depth,
        heads=config.dim // config.head_dim,
        causal=causal,
        attn_dim_head=config.head_dim,
        attn_flash=True,
        ff_dropout=config.dropout,
        rotary_pos_emb=True,
        rotary_emb_dim=config.head_dim,
        use_rmsnorm=True,
        ff_relu_squared=True,
        ff_no_bias=True,
    )


def _at(values: Tensor, frame: Tensor) -> Tensor:
    """Return the values of each row's frame [shape=(batch, row, ...)]."""
    table = values.flatten(2)
    own = table.gather(1, frame[..., None].expand(-1, -1, table.shape[-1]))
    return own.view(*frame.shape, *values.shape[2:])


class Writer(nn.Module):
    """Encoder over frames, decoder over rows, and one head for each attribute of a step."""

    def __init__(self, config: WriterConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.frame_in = nn.Linear(WIDTH, dim)
        self.encoder = _layers(config, config.encoder_depth, causal=False)
        self.raw = nn.Linear(WIDTH, dim, bias=False)
        self.instrument = nn.Embedding(3, dim)
        self.wish = nn.Linear(len(CONCEPTS), 2 * dim, bias=False)
        self.main = nn.Embedding(MAIN, dim)
        self.duration = nn.Embedding(DURATIONS, dim)
        self.velocity = nn.Embedding(VELOCITIES, dim)
        self.position = nn.Embedding(MAX_BAR, dim)
        self.told = nn.Linear(len(FEATURES) + INTERVALS, dim, bias=False)
        self.decoder = _layers(config, config.depth, causal=True)
        self.main_head = nn.Linear(dim, MAIN)
        self.leaning = nn.Linear(dim, len(FEATURES) + INTERVALS)
        self.striking = nn.Linear(dim, 1)
        self.when_query = nn.Linear(dim, config.head_dim)
        self.when_key = nn.Linear(dim, config.head_dim, bias=False)
        self.duration_hidden = nn.Linear(dim, dim)
        self.duration_head = nn.Linear(dim, DURATIONS)
        self.velocity_head = nn.Linear(dim, VELOCITIES)
        for embedding in (self.instrument, self.main, self.duration, self.velocity, self.position):
            nn.init.normal_(embedding.weight, std=0.02)
        # What is added to a writer's logits and inputs begins at nothing.
        for fresh in (self.told, self.leaning, self.striking, self.when_query, self.wish):
            nn.init.zeros_(fresh.weight)

    def encode(self, frames: Tensor, mask: Tensor, instrument: Tensor, wishes: Tensor) -> Tensor:
        """Return what the decoder is given of each frame [shape=(batch, frame, dim)]."""
        before, after = self.wish(wishes)[:, None].chunk(2, dim=-1)
        hidden = self.frame_in(frames) + self.instrument(instrument)[:, None] + before
        seen: Tensor = self.encoder(hidden, mask=mask) + self.raw(frames) + after
        return seen

    def hidden(self, batch: Batch, seen: Tensor) -> Tensor:
        """Return the decoder's state after each row [shape=(batch, row, dim)]."""
        said = (
            self.main(batch.main.clamp(min=0))
            + self.duration(batch.duration)
            + self.velocity(batch.velocity)
            + self.told(told_of(batch.main, _at(tones_of(batch.frames), batch.frame)))
        )
        # A writer that forgets now and then what it said must listen to the context.
        if self.training:
            said = said * (torch.rand(*said.shape[:2], 1) >= FORGOTTEN)
        x = said + self.position(batch.position) + _at(seen, batch.frame)
        x = F.dropout(x, self.config.dropout, self.training)
        states: Tensor = self.decoder(x, pos=batch.place)
        return states

    def attribute_logits(
        self, hidden: Tensor, main: Tensor, duration: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the logits of a note's duration and velocity, its pitch token being known."""
        known = self.duration_hidden(hidden) + self.main(main)
        return (
            self.duration_head(F.relu(known).square()),
            self.velocity_head(F.relu(known + self.duration(duration)).square()),
        )

    def when(self, hidden: Tensor, seen: Tensor, frame: Tensor, position: Tensor) -> Tensor:
        """Return what is added to the logit of each position [shape=(batch, row, position)].

        Each row's state is asked how well it goes with what is seen at each frame of its bar:
        a writer looks ahead to where the others strike.
        """
        scores = self.when_query(hidden) @ self.when_key(seen).transpose(1, 2)
        places, there = bar_places(frame, position, seen.shape[1])
        return by_position(scores.gather(2, places) * there)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of each next row: main, duration, velocity.

        The duration's logits are given the true next token, the velocity's the true duration too.
        Each has shape (batch, row - 1, choices).
        """
        seen = self.encode(batch.frames, batch.frame_mask, batch.instrument, batch.wishes)
        hidden = self.hidden(batch, seen)[:, :-1]
        following = batch.main[:, 1:].clamp(min=0)
        main = self.main_head(hidden)
        frame, position = batch.frame[:, :-1], batch.position[:, :-1]
        tones, strikes = _at(tones_of(batch.frames), frame), _at(strikes_of(batch.frames), frame)
        main[..., PITCH.start : PITCH.stop] += leaning(self.leaning(hidden), tones)
        main[..., KEYS.start : KEYS.stop] += striking(self.striking(hidden), strikes)
        main[..., POSITIONS.start : POSITIONS.stop] += self.when(hidden, seen, frame, position)
        return main, *self.attribute_logits(hidden, following, batch.duration[:, 1:])


def losses(logits: tuple[Tensor, Tensor, Tensor], batch: Batch) -> Tensor:
    """Return the negative log likelihood in nats of each next row [shape=(batch, row - 1)].

    Padding counts nothing, nor do attributes of steps that have none.
    """
    main, duration, velocity = logits
    total = F.cross_entropy(
        main.float().transpose(1, 2), batch.main[:, 1:], ignore_index=-1, reduction="none"
    )
    for scores, target in ((duration, batch.duration[:, 1:]), (velocity, batch.velocity[:, 1:])):
        total = total + F.cross_entropy(
            scores.float().transpose(1, 2), target, ignore_index=0, reduction="none"
        )
    return total
