"""A writer that can be stopped between any two notes; importing this module needs torch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from symbolic.cached import Cache, CachedWriter, Heard, Steps
from symbolic.writer import PartWriter


class _Interruptible(CachedWriter):
    """A `CachedWriter` that asks before every step whether to go on."""

    def __init__(self, model: CachedWriter, check: Callable[[], None]) -> None:
        super().__init__(model.config, model.weights)
        self._check = check

    def feed(self, steps: Steps, heard: Heard, cache: Cache) -> Tensor:
        """Feed steps, unless `check` raises."""
        self._check()
        return super().feed(steps, heard, cache)


def interruptible(writer: PartWriter, check: Callable[[], None]) -> PartWriter:
    """Return a writer of the same parts that calls `check` before every note.

    A window of 16 bars takes seconds, and only after each one does a writer report: whoever waits
    for it to stop should not. What `check` raises ends the writing.

    Parameters
    ----------
    writer : PartWriter
    check : callable
    """
    return PartWriter(_Interruptible(writer.model, check))
