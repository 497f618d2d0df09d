"""Weights on disk: safetensors and the sizes they belong to; nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from subtractive.errors import FileFormatError
from symbolic.config import WriterConfig

SHIPPED = Path(__file__).parent / "weights"
WEIGHTS, CONFIG = "writer.safetensors", "config.json"

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def save_weights(folder: Path, config: WriterConfig, state: Mapping[str, Tensor]) -> None:
    """Write weights as bf16 and their sizes into `folder`, each file whole or not at all.

    Parameters
    ----------
    folder : Path
        Made if missing.
    config : WriterConfig
    state : mapping from name to Tensor
    """
    folder.mkdir(parents=True, exist_ok=True)
    half = {name: tensor.detach().to(torch.bfloat16).contiguous() for name, tensor in state.items()}
    new = folder / f"{WEIGHTS}.new"
    save_file(half, new)
    new.replace(folder / WEIGHTS)
    new = folder / f"{CONFIG}.new"
    new.write_text(json.dumps(config.to_dict(), indent=2) + "\n", "utf-8")
    new.replace(folder / CONFIG)


def load_weights(folder: Path | None = None) -> tuple[WriterConfig, dict[str, Tensor]]:
    """Return sizes and float32 weights from a folder, by default the shipped ones.

    Raises
    ------
    FileFormatError
        If the folder holds no weights or damaged ones, or its sizes have an unknown name.
    """
    folder = SHIPPED if folder is None else folder
    if not (folder / WEIGHTS).is_file() or not (folder / CONFIG).is_file():
        raise FileFormatError(
            f"no weights in {folder}: a folder with {WEIGHTS} and {CONFIG}, as symbolic.train "
            "exports it, is needed"
        )
    try:
        config = WriterConfig.from_dict(json.loads((folder / CONFIG).read_text("utf-8")))
        stored = load_file(folder / WEIGHTS)
    except (ValueError, TypeError, SafetensorError) as error:
        raise FileFormatError(
            f"the weights in {folder} are damaged ({error}): copy or export them again"
        ) from error
    return config, {name: tensor.float() for name, tensor in stored.items()}


def load_module(
    path: Path, made: Callable[[dict[str, Any]], ModuleT], name: str, trained_by: str
) -> ModuleT:
    """Return a network from a file that holds its weights and, as metadata, its sizes.

    Parameters
    ----------
    path : Path
        A .safetensors file with the sizes as JSON under "config".
    made : callable
        Returns an untrained network of given sizes.
    name : str
        What the user knows the network as: "the judge".
    trained_by : str
        Module that trains it: "symbolic.train_judge".

    Raises
    ------
    FileFormatError
        If the file is missing or holds something else.
    """
    try:
        with safe_open(path, "pt") as kept:
            network = made(json.loads(kept.metadata()["config"]))
            keys = list(kept.keys())
            network.load_state_dict({key: kept.get_tensor(key) for key in keys})
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise FileFormatError(
            f"{path} holds no weights of {name} ({error}): install the package again, or train "
            f"with python -m {trained_by}"
        ) from error
    return network.eval()
