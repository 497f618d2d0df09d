"""Pretrained models in local folders, as `diffusers` saves them; nothing is fetched."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, Protocol

from audio.pretrained.model import Pretrained
from subtractive.errors import FileFormatError, OptionError, OutputError

CARD = "subtractive.json"  # beside the model: what it was fine-tuned to


class _Loads(Protocol):
    @staticmethod
    def from_pretrained(folder: Path, **options: Any) -> Any:
        """Load from a folder."""


def load_pipeline(pipeline: _Loads, folder: Path, **options: Any) -> Any:
    """Load a pipeline of `diffusers` from a local folder alone.

    Raises
    ------
    FileFormatError
        If a file is missing or damaged.
    """
    try:
        with warnings.catch_warnings():
            # the autoencoder of diffusers is built by an older function of torch
            warnings.filterwarnings("ignore", "`torch.nn.utils.weight_norm`", FutureWarning)
            return pipeline.from_pretrained(folder, local_files_only=True, **options)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileFormatError(
            f"the model in {folder} cannot be loaded ({reason}): fetch the whole folder again"
        ) from error


def open_model(folder: Path, target: str | None = None) -> Pretrained:
    """Load a pretrained or fine-tuned model on the CPU.

    Parameters
    ----------
    folder : Path
        Of Stable Audio Open or Riffusion, by `diffusers`, or one that `save` wrote.
    target : str, optional
        What Riffusion paints, "mix" or "stem"; None: what it was fine-tuned to, or "mix".

    Raises
    ------
    OptionError
        If there is no such folder, it holds another kind of model, or another target.
    FileFormatError
        If a file is missing or damaged.
    """
    index = folder / "model_index.json"
    if not index.is_file():
        raise OptionError(
            f"{folder} is no model folder, it has no model_index.json: give the local folder of "
            "Stable Audio Open or Riffusion in the layout of diffusers"
        )
    try:
        kind = json.loads(index.read_text(encoding="utf-8")).get("_class_name", "unknown")
        card = folder / CARD
        known = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    except ValueError as error:
        raise FileFormatError(
            f"the model in {folder} cannot be loaded (damaged JSON): fetch the whole folder again"
        ) from error
    _hush()
    if kind == "StableAudioPipeline":
        if target == "mix":
            raise OptionError("Stable Audio makes the stem: leave out --target, or use Riffusion")
        from audio.pretrained.stable_audio import StableAudio  # noqa: PLC0415  # takes seconds

        return StableAudio.load(folder)
    if kind.startswith("StableDiffusion"):
        from audio.pretrained.riffusion import Riffusion  # noqa: PLC0415  # takes seconds

        made_for = known.get("target")
        if target and made_for and target != made_for:
            raise OptionError(
                f"{folder} was fine-tuned to paint the {made_for}: leave out --target, or start "
                "from Riffusion itself"
            )
        return Riffusion.load(folder, target or made_for or "mix")
    raise OptionError(
        f"{folder} holds a {kind}: give the folder of a StableAudioPipeline or of Riffusion, a "
        "StableDiffusionPipeline"
    )


def _hush() -> None:
    """Keep the libraries' bars, and their advice on what is not used here, out of commands."""
    import transformers  # noqa: PLC0415  # takes seconds
    from diffusers.utils import logging  # noqa: PLC0415  # takes seconds

    logging.disable_progress_bar()
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()


def save_pipeline(pipeline: Any, folder: Path, card: dict[str, str]) -> None:
    """Save a pipeline and what it was fine-tuned to.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    try:
        pipeline.save_pretrained(folder)
        (folder / CARD).write_text(json.dumps(card) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"the model cannot be saved to {folder} ({error.strerror or error}): name another "
            "folder with --export"
        ) from error
