"""How fast one small model learns each token scheme: nats per bar after equal training time.

The model is unconditional: it is told the instrument and writes its part. Same budget of weights,
same clock (CPU time of one thread, so that other work on the machine does not count), same windows
of 16 bars. What is compared is the negative log likelihood of whole windows, which does not depend
on how many tokens a scheme cuts them into; all schemes say the same notes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention
from torch import Tensor, nn
from x_transformers.x_transformers import AttentionLayers

from benchmarks.token_schemes.lines import Line
from benchmarks.token_schemes.schemes import Scheme
from subtractive.instruments import INSTRUMENTS

Ints = npt.NDArray[np.int64]

DIM, DEPTH, HEAD = 128, 4, 32
BUDGET = 900_000  # weights
_BATCH_STEPS = 2048
_RATE, _WARMUP_STEPS = 3e-3, 20
_PADDING = -1


@dataclass(frozen=True, eq=False)
class Window:
    """Steps of some bars [shape=(step, column)], the last of which is the end."""

    instrument: str
    steps: Ints
    bar_count: int


def encoded(scheme: Scheme, lines: Sequence[Line]) -> list[Window]:
    """Return the steps of windows in a scheme, each with the end: one id more than the scheme's."""
    end = np.zeros((1, len(scheme.choices)), dtype=np.int64)
    end[0, 0] = scheme.choices[0]
    return [
        Window(
            line.instrument,
            np.concatenate([scheme.encode(scheme.prepare(line)), end]),
            line.bar_count,
        )
        for line in lines
    ]


class TinyWriter(nn.Module):
    """A causal transformer over steps, its feed-forward layers as wide as the budget allows.

    Parameters
    ----------
    choices : sequence of int
        As of `schemes.Scheme`.
    budget : int
        Number of weights, met to within one in a hundred.
    """

    def __init__(self, choices: Sequence[int], budget: int = BUDGET) -> None:
        super().__init__()
        self.begin = nn.Embedding(len(INSTRUMENTS), DIM)
        sizes = [choices[0] + 1, *choices[1:]]
        self.tables = nn.ModuleList([nn.Embedding(size, DIM) for size in sizes])
        self.further = nn.ModuleList([nn.Linear(DIM, size) for size in sizes[1:]])
        for table in (self.begin, *self.tables):
            nn.init.normal_(table.weight, std=0.02)
        narrow, wide = (_weights(_layers(width)) for width in (1.0, 2.0))
        left = budget - _weights(self) - narrow
        self.layers = _layers(max(0.1, 1.0 + left / (wide - narrow)))

    def forward(self, steps: Tensor, instrument: Tensor) -> Tensor:
        """Return the negative log likelihood of each window in nats [shape=(window,)].

        Parameters
        ----------
        steps : Tensor of int [shape=(window, step, column)]
            Padded with -1 at the end.
        instrument : Tensor of int [shape=(window,)]
        """
        known = steps.clamp(min=0)
        said = sum(table(known[..., place]) for place, table in enumerate(self.tables))
        x = torch.cat([self.begin(instrument)[:, None], said[:, :-1]], dim=1)
        hidden = self.layers(x)
        logits = hidden @ self.tables[0].weight.T
        nats = _nats(logits, steps[..., 0], _PADDING)
        # each further attribute of a step is told all before it
        for place, head in enumerate(self.further, start=1):
            hidden = hidden + self.tables[place - 1](known[..., place - 1])
            nats = nats + _nats(head(F.relu(hidden).square()), known[..., place], 0)
        return nats.sum(dim=1)


def _layers(width: float) -> AttentionLayers:
    return AttentionLayers(
        dim=DIM,
        depth=DEPTH,
        heads=DIM // HEAD,
        causal=True,
        attn_dim_head=HEAD,
        attn_flash=True,
        rotary_pos_emb=True,
        rotary_emb_dim=HEAD,
        use_rmsnorm=True,
        ff_mult=width,
        ff_relu_squared=True,
        ff_no_bias=True,
    )


def _weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def _nats(logits: Tensor, target: Tensor, ignored: int) -> Tensor:
    return F.cross_entropy(logits.transpose(1, 2), target, ignore_index=ignored, reduction="none")


def _batches(windows: Sequence[Window], rng: np.random.Generator) -> list[list[Window]]:
    """Return windows in batches of like length, each of about as many steps, in random order."""
    noise = rng.uniform(0.9, 1.1, len(windows))
    order = np.argsort([len(w.steps) * by for w, by in zip(windows, noise, strict=True)])
    batches: list[list[Window]] = []
    longest = 0
    for place in order.tolist():
        window = windows[place]
        longest = max(longest, len(window.steps))
        if not batches or (len(batches[-1]) + 1) * longest > _BATCH_STEPS:
            batches.append([])
            longest = len(window.steps)
        batches[-1].append(window)
    return [batches[place] for place in rng.permutation(len(batches)).tolist()]


def _tensors(batch: Sequence[Window]) -> tuple[Tensor, Tensor]:
    steps = nn.utils.rnn.pad_sequence(
        [torch.from_numpy(window.steps) for window in batch],
        batch_first=True,
        padding_value=_PADDING,
    )
    return steps, torch.tensor([INSTRUMENTS.index(window.instrument) for window in batch])


def train(
    windows: Sequence[Window],
    choices: Sequence[int],
    minutes: float,
    rng: np.random.Generator,
    *,
    told: Callable[[float], object] = lambda _: None,
    clock: Callable[[], float] = time.process_time,
) -> tuple[TinyWriter, int]:
    """Train on windows for some minutes of CPU time; return the model and the number of steps.

    Parameters
    ----------
    windows : sequence of Window
        At least one.
    choices : sequence of int
        As of the scheme.
    minutes : float
        CPU time; at least one step is made.
    rng : numpy.random.Generator
        Seeds the weights and orders the windows.
    told : callable
        Called after each step with the share of the time that is over.
    clock : callable
        Seconds.
    """
    torch.manual_seed(int(rng.integers(2**31)))
    model = TinyWriter(choices)
    optimizer = torch.optim.AdamW(model.parameters(), _RATE, betas=(0.9, 0.95), weight_decay=0.01)
    started, steps, share = clock(), 0, 0.0
    while share < 1:
        for batch in _batches(windows, rng):
            rise = min(1.0, (steps + 1) / _WARMUP_STEPS)
            for group in optimizer.param_groups:
                group["lr"] = _RATE * rise * 0.5 * (1 + np.cos(np.pi * share))
            padded, instrument = _tensors(batch)
            loss = model(padded, instrument).sum() / (padded[..., 0] != _PADDING).sum()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            steps += 1
            share = min(1.0, (clock() - started) / (60 * minutes))
            told(share)
            if share >= 1:
                break
    return model, steps


@torch.no_grad()
def nats_per_bar(model: TinyWriter, windows: Sequence[Window]) -> dict[str, float]:
    """Return the nats per bar of each instrument that the windows have, and of "all" together."""
    nats, bar_count = dict.fromkeys(INSTRUMENTS, 0.0), dict.fromkeys(INSTRUMENTS, 0)
    for batch in _batches(windows, np.random.default_rng(0)):
        for window, own in zip(batch, model(*_tensors(batch)).tolist(), strict=True):
            nats[window.instrument] += own
            bar_count[window.instrument] += window.bar_count
    found = {name: nats[name] / bar_count[name] for name in INSTRUMENTS if bar_count[name]}
    return {**found, "all": sum(nats.values()) / max(1, sum(bar_count.values()))}


def learn(
    scheme: Scheme,
    train_lines: Sequence[Line],
    valid_lines: Sequence[Line],
    minutes: float,
    seed: int,
    *,
    told: Callable[[float], object] = lambda _: None,
) -> dict[str, object]:
    """Train on a scheme, measure on other songs, and return the row of the table.

    Parameters
    ----------
    scheme : Scheme
    train_lines, valid_lines : sequences of Line
        Windows, as `cut_lines` returns them.
    minutes : float
        CPU time of the training alone.
    seed : int
    told : callable
        As in `train`.
    """
    torch.set_num_threads(1)
    windows = encoded(scheme, train_lines)
    started = time.perf_counter()
    rng = np.random.default_rng(seed)
    model, steps = train(windows, scheme.choices, minutes, rng, told=told)
    wall = time.perf_counter() - started
    return {
        "scheme": scheme.name,
        "weights": _weights(model),
        "steps": steps,
        "wall_minutes": round(wall / 60, 2),
        "nats_per_bar": nats_per_bar(model, encoded(scheme, valid_lines)),
    }
