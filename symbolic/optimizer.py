"""How fast weights move: the schedule of the learning rates, and two optimizers as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Schedule:
    """Learning rates: constant after a warm-up, falling to nothing over the last minutes.

    Attributes
    ----------
    matrix_rate, rate : float
        For the layers' matrices (Muon, Jordan et al. 2024) and for everything else (AdamW).
    warmup : int
        Steps.
    minutes, decay_minutes : float
        Length of this sitting, and of the fall at its end (0: stay constant).
    """

    minutes: float
    decay_minutes: float
    matrix_rate: float = 0.01
    rate: float = 2e-3
    warmup: int = 50

    def factor(self, step: int, minutes: float) -> float:
        """Return what the rates are multiplied by."""
        rise = min(1.0, (step + 1) / self.warmup)
        left = self.minutes - minutes
        fall = min(1.0, max(0.01, left / self.decay_minutes)) if self.decay_minutes > 0 else 1.0
        return rise * fall


class Optimizer:
    """Muon for the layers' matrices, AdamW for embeddings, heads and gains: one face for both."""

    def __init__(self, model: nn.Module, schedule: Schedule) -> None:
        named = list(model.named_parameters())
        matrices = [
            p for name, p in named if p.ndim == 2 and name.split(".")[0] in ("encoder", "decoder")
        ]
        chosen = {id(p) for p in matrices}
        others = [p for _, p in named if id(p) not in chosen]
        self.members: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(
                matrices, lr=schedule.matrix_rate, weight_decay=0.2, adjust_lr_fn="original"
            ),
            torch.optim.AdamW(others, lr=schedule.rate, betas=(0.9, 0.95), weight_decay=0.01),
        )
        self.rates = (schedule.matrix_rate, schedule.rate)

    def step(self, factor: float) -> None:
        """Move the weights once, at `factor` times the rates, and forget the gradients."""
        for member, rate in zip(self.members, self.rates, strict=True):
            for group in member.param_groups:
                group["lr"] = rate * factor
            member.step()
            member.zero_grad(set_to_none=True)

    def state(self) -> list[dict[str, Any]]:
        """Return what `restore` needs."""
        return [member.state_dict() for member in self.members]

    def restore(self, state: Iterable[dict[str, Any]]) -> None:
        """Take over a saved state."""
        for member, saved in zip(self.members, state, strict=True):
            # A sitting's own decay counts, not the one that was saved.
            decays = [group["weight_decay"] for group in member.param_groups]
            member.load_state_dict(saved)
            for group, decay in zip(member.param_groups, decays, strict=True):
                group["weight_decay"] = decay
