"""From a context to the part that was missing, in an arrangement's own ticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from subtractive.arrangement import Part
from subtractive.errors import OptionError
from symbolic.cached import CachedWriter
from symbolic.checkpoint import load_weights
from symbolic.finishing import finished
from symbolic.preparation import prepared
from symbolic.request import Request, manner_of
from symbolic.sampling import write_notes


class PartWriter:
    """A trained writer, ready to write parts; made by `load_writer`."""

    def __init__(self, model: CachedWriter) -> None:
        self.model = model

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
        ready = [prepared(request) for request in requests]
        write_notes(self.model, [job for job, _ in ready], report=report)
        return [
            finished(request, job, shift)
            for request, (job, shift) in zip(requests, ready, strict=True)
        ]


def load_writer(weights: Path | None = None, device: str = "auto") -> PartWriter:
    """Return a writer with the shipped weights, or those of a folder.

    Parameters
    ----------
    weights : Path, optional
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU where there is one.

    Raises
    ------
    OptionError
        If the device is unknown or not there.
    FileFormatError
        If the folder holds no weights.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise OptionError(f"unknown device {device!r}: choose auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("no CUDA device is there: take --device auto or cpu")
    place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    config, tensors = load_weights(weights)
    on_device = {name: tensor.to(place) for name, tensor in tensors.items()}
    return PartWriter(CachedWriter(config, on_device))
