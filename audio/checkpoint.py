"""Weights of the models of sound: one safetensors file each, its configuration in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from subtractive.errors import FileFormatError
from subtractive.files.output import write_whole

ConfigT = TypeVar("ConfigT")


def shipped(name: str) -> Path:
    """Return the path of weights that come with the package."""
    return Path(str(files("audio") / "weights" / name))


def write(
    path: Path, config: Any, tensors: Mapping[str, Tensor], dtype: torch.dtype = torch.bfloat16
) -> None:
    """Write weights whole or not at all, floating ones in `dtype`.

    Parameters
    ----------
    path : Path
    config : frozen dataclass
    tensors : mapping of str to tensor
    dtype : torch.dtype

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    kept = {
        name: (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in tensors.items()
    }
    write_whole(path, save(kept, metadata={"config": json.dumps(asdict(config))}))


def load(path: Path, kind: type[ConfigT]) -> tuple[ConfigT, dict[str, Tensor]]:
    """Return the configuration and the float32 tensors of a file.

    Parameters
    ----------
    path : Path
    kind : type
        The dataclass of the configuration; what it doesn't know is an error.

    Raises
    ------
    FileFormatError
        If there is no such file, or it holds another model.
    """
    try:
        with safe_open(str(path), "pt") as file:
            known = json.loads((file.metadata() or {})["config"])
            names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
            if set(known) != names:
                raise FileFormatError(
                    f"{path} holds another model: it says {sorted(known)}, and {sorted(names)} "
                    "were expected"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise FileFormatError(f"{path} holds no weights of this model ({error})") from error
    whole = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    return kind(**known), whole
