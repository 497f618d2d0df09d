"""The second writer: masked discrete diffusion, which writes all bars at once, step by step.

A part is a canvas of cells (`symbolic.canvas`). While it learns, the model sees a random share of
the cells, and names the others (absorbing-state diffusion: Austin et al. 2021, "Structured
denoising diffusion models in discrete state-spaces"; Sahoo et al. 2024, "Simple and effective
masked diffusion language models"; for counterpoint already Huang et al. 2017, "Counterpoint by
convolution"). So it fills in any bars, with what is known before and after them in view, and what
is locked stays. A chord is one cell; within it pitches are named one by one, from the lowest up.

One module trains and samples: it is plain torch, which loads fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention
from torch import Tensor, nn

from symbolic.canvas import CHORD, LOWEST, PITCHES, PLAYERS, ROW_OF_KEY, ROWS
from symbolic.concepts import CONCEPTS
from symbolic.config import WriterConfig
from symbolic.frames import DRUM_CLASS, FRAME, WIDTH
from symbolic.rows import DURATIONS, VELOCITIES
from symbolic.tones import FEATURES, INTERVALS, above_root, standing, strikes_of, tones_of

_TURN = 10000.0  # longest wave of the rotary embedding, in frames

_CLASS_OF_PITCH = (torch.arange(PITCHES) - 1 + LOWEST) % 12
# The drum class, as frames know it, of most keys of each row.
_CLASS_OF_ROW = torch.tensor(
    [int(DRUM_CLASS[row == ROW_OF_KEY][0]) for row in range(ROWS)], dtype=torch.long
)


@dataclass(frozen=True)
class Sheet:
    """Canvases side by side, padded at the end, and which of their cells a model sees.

    Attributes
    ----------
    frames : Tensor [shape=(batch, frame, WIDTH)]
    frame_mask : Tensor of bool [shape=(batch, frame)]
        True where there is a frame.
    instrument : Tensor of int [shape=(batch,)]
    wishes : Tensor [shape=(batch, len(CONCEPTS))]
    written : Tensor of bool [shape=(batch, frame)]
        True for the frames of bars that are written; what lies beyond is context alone.
    strikes, chords, durations, velocities : Tensors of int
        As in `canvas.Canvas`, [shape=(batch, frame, FRAME, ...)].
    strikes_known : Tensor of bool [shape=(batch, frame, FRAME, ROWS)]
    chords_known : Tensor of bool [shape=(batch, frame, FRAME)]
    weights : Tensor [shape=(batch, 2)]
        One over the share of strikes, and of chords, that is hidden: with it what is lost bounds
        the likelihood of the whole.
    """

    frames: Tensor
    frame_mask: Tensor
    instrument: Tensor
    wishes: Tensor
    written: Tensor
    strikes: Tensor
    chords: Tensor
    durations: Tensor
    velocities: Tensor
    strikes_known: Tensor
    chords_known: Tensor
    weights: Tensor


class Seen(NamedTuple):
    """What is heard of a context, once for all steps.

    Attributes
    ----------
    hidden : Tensor [shape=(batch, frame, dim)]
    tones : Tensor [shape=(batch, frame, 12, feature)]
    strikes : Tensor [shape=(batch, frame, DRUM_CLASSES)]
    drums : Tensor of bool [shape=(batch,)]
    mask : Tensor of bool [shape=(batch, frame)]
    """

    hidden: Tensor
    tones: Tensor
    strikes: Tensor
    drums: Tensor
    mask: Tensor


def _rotated(x: Tensor) -> Tensor:
    """Return queries or keys turned by their frame's number [shape=(batch, head, frame, dim)]."""
    half = x.shape[-1] // 2
    speeds = _TURN ** -(torch.arange(half, device=x.device) / half)
    angle = torch.arange(x.shape[-2], device=x.device)[:, None] * speeds
    cos, sin = angle.cos().to(x), angle.sin().to(x)
    low, high = x[..., :half], x[..., half:]
    return torch.cat([low * cos - high * sin, high * cos + low * sin], dim=-1)


class Block(nn.Module):
    """Attention over all frames, then a layer for each: both added to what was there."""

    def __init__(self, config: WriterConfig) -> None:
        super().__init__()
        dim = config.dim
        self.head_dim = config.head_dim
        self.before_attention, self.before_layer = nn.RMSNorm(dim), nn.RMSNorm(dim)
        self.asked = nn.Linear(dim, 3 * dim, bias=False)
        self.told = nn.Linear(dim, dim, bias=False)
        self.widened = nn.Linear(dim, 4 * dim, bias=False)
        self.narrowed = nn.Linear(4 * dim, dim, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the frames after the block [shape=(batch, frame, dim)]."""
        batch, length, dim = x.shape
        heads = self.asked(self.before_attention(x)).view(batch, length, 3, -1, self.head_dim)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(
            _rotated(query), _rotated(key), value, attn_mask=mask[:, None, None]
        )
        x = x + self.told(found.transpose(1, 2).reshape(batch, length, dim))
        result: Tensor = x + self.narrowed(F.relu(self.widened(self.before_layer(x))).square())
        return result


class Diffusion(nn.Module):
    """Names the hidden cells of a canvas, given its context and the cells that are known."""

    def __init__(self, config: WriterConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.frame_in = nn.Linear(WIDTH, dim)
        self.raw = nn.Linear(WIDTH, dim, bias=False)
        self.instrument = nn.Embedding(3, dim)
        self.wish = nn.Linear(len(CONCEPTS), 2 * dim, bias=False)
        self.encoder = nn.ModuleList([Block(config) for _ in range(config.encoder_depth)])
        self.decoder = nn.ModuleList([Block(config) for _ in range(config.depth)])
        self.over = nn.RMSNorm(dim)
        self.struck_in = nn.Linear(2 * FRAME * ROWS, dim, bias=False)  # drums: struck, known
        self.begun_in = nn.Linear(3 * FRAME, dim, bias=False)  # begun, known, its chord known
        self.chord_in = nn.EmbeddingBag(FRAME * PITCHES, dim, mode="sum", padding_idx=0)
        self.standing_in = nn.Linear(len(FEATURES) + INTERVALS, dim, bias=False)
        self.struck = nn.Linear(dim, FRAME * ROWS)
        self.begun = nn.Linear(dim, FRAME)
        self.follows = nn.Linear(dim, ROWS)  # how far each sound follows the rules' draft
        self.tick = nn.Embedding(FRAME, dim)
        self.below = nn.Embedding(PITCHES, dim)
        self.place = nn.Embedding(CHORD, dim)
        self.chord_hidden = nn.Linear(dim, dim)
        self.pitch = nn.Linear(dim, PITCHES)
        self.leaning = nn.Linear(dim, len(FEATURES) + INTERVALS)
        self.player = nn.Embedding(ROWS + PITCHES, dim)
        self.duration_hidden = nn.Linear(dim, dim)
        self.duration = nn.Linear(dim, DURATIONS)
        self.velocity = nn.Linear(dim, VELOCITIES)
        for each in (self.instrument, self.chord_in, self.tick, self.below, self.place):
            nn.init.normal_(each.weight, std=0.02)
        nn.init.normal_(self.player.weight, std=0.02)
        for fresh in (self.leaning, self.follows, self.wish, self.standing_in):
            nn.init.zeros_(fresh.weight)
        # most cells are empty
        nn.init.constant_(self.struck.bias, -3.0)
        nn.init.constant_(self.begun.bias, -1.5)

    def hear(self, frames: Tensor, mask: Tensor, instrument: Tensor, wishes: Tensor) -> Seen:
        """Return what is heard of a context."""
        before, after = self.wish(wishes)[:, None].chunk(2, dim=-1)
        x = self.frame_in(frames) + self.instrument(instrument)[:, None] + before
        for block in self.encoder:
            x = block(x, mask)
        hidden = x + self.raw(frames) + self.instrument(instrument)[:, None] + after
        return Seen(hidden, tones_of(frames), strikes_of(frames), instrument == 0, mask)

    def hidden(
        self,
        seen: Seen,
        strikes: Tensor,
        strikes_known: Tensor,
        chords: Tensor,
        chords_known: Tensor,
    ) -> Tensor:
        """Return the state of each frame, given the cells that are known.

        Its shape is (batch, frame, dim).
        """
        struck = ((strikes > 0) & strikes_known).to(seen.hidden)
        known = strikes_known.to(seen.hidden)
        of_drums = self.struck_in(torch.cat([struck, known], dim=-1).flatten(2))
        told = [struck[..., 0], known[..., 0], chords_known.to(seen.hidden)]
        shown = chords * chords_known[..., None]
        spans = torch.arange(FRAME, device=chords.device)[:, None] * PITCHES
        bags = torch.where(shown > 0, shown + spans, 0).flatten(2)
        of_pitches = self.begun_in(torch.cat(told, dim=-1))
        of_pitches = of_pitches + self.chord_in(bags.flatten(0, 1)).view_as(seen.hidden)
        classes = F.one_hot(_CLASS_OF_PITCH.to(shown.device)[shown], 12) * (shown > 0)[..., None]
        sounding = classes.flatten(2, 3).amax(dim=2).to(seen.hidden)
        of_pitches = of_pitches + self.standing_in(standing(sounding, seen.tones))
        x = seen.hidden + torch.where(seen.drums[:, None, None], of_drums, of_pitches)
        x = F.dropout(x, self.config.dropout, self.training)
        for block in self.decoder:
            x = block(x, seen.mask)
        state: Tensor = self.over(x)
        return state

    def strike_logits(self, hidden: Tensor, seen: Seen) -> Tensor:
        """Return the log-odds of each strike [shape=(batch, frame, FRAME, ROWS)].

        Of pitched parts only the first row means something.
        """
        shape = (*hidden.shape[:2], FRAME, ROWS)
        drafted = seen.strikes[..., _CLASS_OF_ROW.to(hidden.device)]
        drums = self.struck(hidden).view(shape) + (self.follows(hidden) * drafted)[..., None, :]
        pitched = self.begun(hidden)[..., None].expand(shape)
        return torch.where(seen.drums[:, None, None, None], drums, pitched)

    def pitch_logits(self, hidden: Tensor, tones: Tensor, lower: Tensor, place: int) -> Tensor:
        """Return the logits of a chord's next pitch, those below it being known [(..., PITCHES)].

        Parameters
        ----------
        hidden : Tensor [shape=(chord, dim)]
            Of the chord's frame and tick (see `at_ticks`).
        tones : Tensor [shape=(chord, 12, feature)]
        lower : Tensor [shape=(chord, dim)]
            The sum of `below` over the chord's lower pitches.
        place : int
            Number of the note in its chord.
        """
        x = self.chord_hidden(hidden + lower + self.place.weight[place])
        x = hidden + F.relu(x).square()
        classes = above_root(self.leaning(x), tones)
        logits: Tensor = self.pitch(x) + classes[..., _CLASS_OF_PITCH.to(hidden.device)]
        return logits

    def at_ticks(self, hidden: Tensor, which: tuple[Tensor, ...]) -> Tensor:
        """Return the state at some ticks, given by batch, frame and tick [shape=(tick, dim)]."""
        row, frame, tick = which
        result: Tensor = hidden[row, frame] + self.tick(tick)
        return result

    def note_logits(self, hidden: Tensor, note: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of durations and velocities of notes.

        Parameters
        ----------
        hidden : Tensor [shape=(note, dim)]
            Of each note's tick.
        note : Tensor of int [shape=(note,)]
            A drum's row, or `ROWS` + a pitch's index.
        """
        x = hidden + F.relu(self.duration_hidden(hidden + self.player(note))).square()
        return self.duration(x), self.velocity(x)

    def forward(self, sheet: Sheet) -> Tensor:
        """Return nats lost on each lesson: strikes, chords, attributes [shape=(batch, 3)]."""
        seen = self.hear(sheet.frames, sheet.frame_mask, sheet.instrument, sheet.wishes)
        hidden = self.hidden(
            seen, sheet.strikes, sheet.strikes_known, sheet.chords, sheet.chords_known
        )
        asked = sheet.written[..., None, None] & ~sheet.strikes_known
        asked = asked & (
            seen.drums[:, None, None, None] | (torch.arange(ROWS, device=hidden.device) == 0)
        )
        odds = self.strike_logits(hidden, seen).float()
        missed = F.binary_cross_entropy_with_logits(odds, sheet.strikes.float(), reduction="none")
        strikes = (missed * asked).sum((1, 2, 3)) * sheet.weights[:, 0]
        return torch.stack(
            [strikes, self._chords(sheet, seen, hidden), self._attributes(sheet, seen, hidden)], 1
        )

    def _chords(self, sheet: Sheet, seen: Seen, hidden: Tensor) -> Tensor:
        """Return nats lost on the hidden chords of which it is known that they begin."""
        known = (
            (sheet.strikes[..., 0] > 0) & sheet.strikes_known[..., 0] & ~seen.drums[:, None, None]
        )
        which = (known & ~sheet.chords_known & sheet.written[..., None]).nonzero(as_tuple=True)
        total = torch.zeros(len(hidden), device=hidden.device)
        if not len(which[0]):
            return total
        state, tones = self.at_ticks(hidden, which), seen.tones[which[0], which[1]]
        wanted = sheet.chords[which]
        lower = torch.zeros_like(state)
        open_ones = torch.ones(len(state), dtype=torch.bool, device=hidden.device)
        for place in range(CHORD):
            if not open_ones.any():
                break
            logits = self.pitch_logits(state, tones, lower, place).float()
            missed = F.cross_entropy(logits, wanted[:, place], reduction="none") * open_ones
            total = total.index_add(0, which[0], missed)
            open_ones = open_ones & (wanted[:, place] > 0)
            lower = lower + self.below(wanted[:, place])
        return total * sheet.weights[:, 1]

    def _attributes(self, sheet: Sheet, seen: Seen, hidden: Tensor) -> Tensor:
        """Return nats lost on durations and velocities of the notes that are known."""
        there = F.pad(sheet.chords > 0, (0, PLAYERS - CHORD)) & sheet.chords_known[..., None]
        struck = F.pad((sheet.strikes > 0) & sheet.strikes_known, (0, PLAYERS - ROWS))
        there = torch.where(seen.drums[:, None, None, None], struck, there)
        row, frame, tick, place = (there & sheet.written[..., None, None]).nonzero(as_tuple=True)
        total = torch.zeros(len(hidden), device=hidden.device)
        if not len(row):
            return total
        pitch = sheet.chords[row, frame, tick, place.clamp(max=CHORD - 1)]
        note = torch.where(seen.drums[row], place, ROWS + pitch)
        state = self.at_ticks(hidden, (row, frame, tick))
        duration, velocity = self.note_logits(state, note)
        at = (row, frame, tick, place)
        missed = F.cross_entropy(velocity.float(), sheet.velocities[at], reduction="none")
        lasting = F.cross_entropy(duration.float(), sheet.durations[at], reduction="none")
        return total.index_add(0, row, missed + lasting * ~seen.drums[row])
