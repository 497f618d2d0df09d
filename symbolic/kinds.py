"""The two kinds of writers, and what training them differs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from subtractive.errors import OptionError
from symbolic.batches import collate
from symbolic.config import WriterConfig
from symbolic.diffusion import Diffusion, Sheet
from symbolic.lessons import Lesson
from symbolic.sheets import collated
from symbolic.transformer import Batch, Writer, losses


class Kind(NamedTuple):
    """How writers of one kind are trained.

    Attributes
    ----------
    made : callable
        Returns an untrained model of given sizes.
    length : callable
        Returns how many steps of the model a lesson takes.
    collate : callable
        Returns lessons as one batch; draws at random what the model does not see.
    nats : callable
        Returns nats lost on each lesson of a batch, given the model's output for it.
    steps : callable
        Returns how many steps of a batch are no padding.
    """

    made: Callable[[WriterConfig], nn.Module]
    length: Callable[[Lesson], int]
    collate: Callable[[Sequence[Lesson], np.random.Generator], Any]
    nats: Callable[[Any, Any], Tensor]
    steps: Callable[[Any], Tensor]


def _rows(batch: Batch) -> Tensor:
    return (batch.main[:, 1:] >= 0).sum()


def _frames(sheet: Sheet) -> Tensor:
    return sheet.written.sum()


KINDS: Mapping[str, Kind] = {
    "transformer": Kind(
        Writer,
        lambda one: len(one.rows),
        lambda lessons, _: collate(lessons),
        lambda logits, batch: losses(logits, batch).sum(1),
        _rows,
    ),
    "diffusion": Kind(
        Diffusion,
        lambda one: len(one.frames),
        collated,
        lambda nats, _: nats.sum(1),
        _frames,
    ),
}


def kind_named(name: str) -> Kind:
    """Return the kind of that name.

    Raises
    ------
    OptionError
        If there is none.
    """
    if name not in KINDS:
        raise OptionError(f"unknown writer {name!r}: choose {' or '.join(KINDS)}")
    return KINDS[name]
