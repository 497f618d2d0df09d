"""Which engines there are, and which one is taken where nobody chooses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from subtractive.errors import OptionError

if TYPE_CHECKING:
    from audio.engine import Engine

ENGINES = ("symbolic", "guided", "diffusion")
DEVICES = ("auto", "cpu", "cuda")
# "auto": the best that was measured on such a machine
BEST = {"cpu": "symbolic", "cuda": "symbolic"}
# steps of diffusion
QUALITIES = {"draft": 8, "normal": 16, "best": 50}


def check_engine(name: str, device: str) -> None:
    """Make sure that an engine and a device of these names exist, before anything is loaded.

    Raises
    ------
    OptionError
    """
    if name not in ("auto", *ENGINES):
        raise OptionError(f"unknown engine {name!r}: choose auto, {', '.join(ENGINES)}")
    if device not in DEVICES:
        raise OptionError(f"unknown device {device!r}: choose {', '.join(DEVICES)}")


def steps_of(quality: str) -> int:
    """Return the steps of diffusion of a quality.

    Raises
    ------
    OptionError
        If the quality is unknown.
    """
    if quality not in QUALITIES:
        raise OptionError(f"unknown quality {quality!r}: choose {', '.join(QUALITIES)}")
    return QUALITIES[quality]


def device_of(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" takes a GPU where there is one.

    Raises
    ------
    OptionError
        If a GPU is asked for and none is there.
    """
    import torch  # noqa: PLC0415  # takes seconds

    if name == "cuda" and not torch.cuda.is_available():
        raise OptionError("no CUDA device is there: take --device auto or cpu")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


def engine(
    name: str,
    device: str = "auto",
    soundfont: Path | None = None,
    text_encoder: Path | None = None,
    model: Path | None = None,
) -> tuple[str, Engine]:
    """Load an engine.

    Parameters
    ----------
    name : {"auto", "symbolic", "guided", "diffusion"}
    device : {"auto", "cpu", "cuda"}
    soundfont : Path, optional
        What notes are played with, where an engine plays notes.
    text_encoder : Path, optional
        Folder of a larger encoder of words, for diffusion.
    model : Path, optional
        Folder of a text-to-audio model that was fine-tuned by `audio.pretrained`, which then is the
        engine; the name must be "auto".

    Returns
    -------
    name : str
        Which engine it is, if it was "auto".
    engine : Engine

    Raises
    ------
    OptionError
        If there is no such engine or device.
    FileFormatError
        If its weights are missing or damaged.
    """
    check_engine(name, device)
    place = device_of(device)
    if model is not None:
        if name != "auto":
            raise OptionError(f"a model is an engine itself: leave out --engine {name}, or --model")
        from audio.pretrained.insert import PretrainedEngine  # noqa: PLC0415

        return "pretrained", PretrainedEngine(model, place)
    chosen = BEST[place] if name == "auto" else name
    if chosen == "symbolic":
        from audio.symbolic_engine import SymbolicEngine  # noqa: PLC0415

        return chosen, SymbolicEngine(soundfont=soundfont, device=place)
    from audio.diffusion_engine import DiffusionEngine  # noqa: PLC0415

    return chosen, DiffusionEngine(
        led_by_notes=chosen == "guided", device=place, text_encoder=text_encoder
    )
