"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from subtractive.errors import OutputError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, replacing what was there only once all of it is on disk.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    content : bytes

    Raises
    ------
    OutputError
        If the folder is missing or may not be written to, or `path` is a folder.
    """
    if not path.parent.is_dir():
        raise OutputError(
            f"the folder {path.parent} does not exist: create it, or name an output elsewhere"
        )
    # a neighbour, because only within one file system is a rename one step
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(
            f"{path} cannot be written ({error.strerror}): name an output elsewhere"
        ) from error
