"""A writer that can be stopped between any two notes; importing this module needs torch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from symbolic.cached import Cache, CachedWriter, Heard, Steps
from symbolic.diffusion import Diffusion, Seen
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


class _InterruptibleDiffusion(Diffusion):
    """A `Diffusion` that asks before every step whether to go on."""

    def __init__(self, model: Diffusion, check: Callable[[], None]) -> None:
        super().__init__(model.config)
        self.load_state_dict(model.state_dict(), assign=True)
        self._check = check

    def hidden(
        self,
        seen: Seen,
        strikes: Tensor,
        strikes_known: Tensor,
        chords: Tensor,
        chords_known: Tensor,
    ) -> Tensor:
        """Return the state of each frame, unless `check` raises."""
        self._check()
        return super().hidden(seen, strikes, strikes_known, chords, chords_known)


def interruptible(writer: PartWriter, check: Callable[[], None]) -> PartWriter:
    """Return a writer of the same parts that calls `check` before every note, or step.

    A window of 16 bars takes seconds, and only after each one does a writer report: whoever waits
    for it to stop should not. What `check` raises ends the writing.

    Parameters
    ----------
    writer : PartWriter
    check : callable
    """
    if isinstance(writer.model, Diffusion):
        return PartWriter(_InterruptibleDiffusion(writer.model, check).eval(), writer.steps)
    return PartWriter(_Interruptible(writer.model, check))
