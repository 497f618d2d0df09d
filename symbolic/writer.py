"""From a context to the part that was missing, in an arrangement's own ticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from subtractive.arrangement import Part
from subtractive.errors import OptionError
from symbolic import sampling, unmasking
from symbolic.cached import CachedWriter
from symbolic.checkpoint import SHIPPED, load_weights
from symbolic.diffusion import Diffusion
from symbolic.finishing import finished
from symbolic.preparation import prepared, prepared_to_draw
from symbolic.request import Request, manner_of

WRITERS = ("transformer", "diffusion")
MOST_STEPS = 64


class PartWriter:
    """A trained writer, ready to write parts; made by `load_writer`.

    Parameters
    ----------
    model : CachedWriter or Diffusion
    steps : int
        In which the diffusion writer draws a window; the other one takes a step for each note.
    """

    def __init__(self, model: CachedWriter | Diffusion, steps: int = unmasking.STEPS) -> None:
        self.model, self.steps = model, steps

    def write(
        self, requests: Sequence[Request], report: Callable[[int], None] | None = None
    ) -> list[Part]:
        """Write the parts asked for; each depends on its own request alone.

        Parameters
        ----------
        requests : sequence of Request
        report : callable, optional
            Called now and then with the number of bars written since the last call.

        Returns
        -------
        list of Part
            In the ticks of each request's context.

        Raises
        ------
        InstrumentError
            If an instrument is unknown, or its context is empty.
        OptionError
            If the temperature is not above 0, or a program or the takes out of their limits.
        """
        # words are read once: from here on all that they say in numbers is in the manner
        requests = [replace(request, manner=manner_of(request)) for request in requests]
        draws = isinstance(self.model, Diffusion)
        prepare = prepared_to_draw if draws else prepared
        ready = [prepare(request) for request in requests]
        jobs = [job for job, _ in ready]
        if isinstance(self.model, Diffusion):
            unmasking.write_notes(self.model, jobs, self.steps, report=report)
        else:
            sampling.write_notes(self.model, jobs, report=report)
        return [
            finished(request, job, shift)
            for request, (job, shift) in zip(requests, ready, strict=True)
        ]


def load_writer(
    weights: Path | None = None,
    device: str = "auto",
    kind: str = "transformer",
    steps: int | None = None,
) -> PartWriter:
    """Return a writer with the shipped weights, or those of a folder.

    Parameters
    ----------
    weights : Path, optional
        They tell their own kind.
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU where there is one.
    kind : {"transformer", "diffusion"}
        Which of the shipped ones.
    steps : int, optional
        See `PartWriter`.

    Raises
    ------
    OptionError
        If the device is unknown or not there, the kind is unknown, or the steps are out of their
        limits.
    FileFormatError
        If the folder holds no weights.
    """
    if kind not in WRITERS:
        raise OptionError(f"unknown writer {kind!r}: choose {' or '.join(WRITERS)}")
    if steps is not None and not 1 <= steps <= MOST_STEPS:
        raise OptionError(f"{steps} steps are not within 1 to {MOST_STEPS}")
    if device not in ("auto", "cpu", "cuda"):
        raise OptionError(f"unknown device {device!r}: choose auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("no CUDA device is there: take --device auto or cpu")
    place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    folder = weights if weights is not None or kind == "transformer" else SHIPPED / kind
    config, tensors = load_weights(folder)
    if config.kind == "diffusion":
        model = Diffusion(config)
        model.load_state_dict(tensors)
        return PartWriter(model.to(place).eval(), steps or unmasking.STEPS)
    on_device = {name: tensor.to(place) for name, tensor in tensors.items()}
    return PartWriter(CachedWriter(config, on_device))
