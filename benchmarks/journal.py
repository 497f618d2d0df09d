"""What a long run has done so far, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

Row = dict[str, Any]


def cache_folder() -> Path:
    """Return the folder that journals lie in, below the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "subtractive-music" / "benchmarks"


def fingerprint(patterns: Sequence[str], *more: str) -> str:
    """Return a name for the state of some files, the same as long as nothing in them changes.

    Parameters
    ----------
    patterns : sequence of str
        Globs, from the project's folder or absolute: code and weights that results depend on.
    more : str
        Anything else that they depend on.
    """
    digest = hashlib.sha256("\0".join(more).encode())
    for pattern in patterns:
        folder, name = (ROOT / pattern).parent, Path(pattern).name
        found = sorted(folder.glob(name))
        if not found and "*" not in name:
            raise ValueError(f"{pattern} is not there: nothing can depend on it")
        for path in found:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def module_files(*names: str) -> list[str]:
    """Return the project's files that some modules are made of, themselves and all they import.

    Imports are followed by reading, not by running, so also those inside functions.

    Parameters
    ----------
    names : str
        Of modules, as "benchmarks.retrieval".
    """
    found: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if name in found or path is None:
            continue
        found[name] = path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return sorted(str(path) for path in found.values())


def _file_of(name: str) -> Path | None:
    inside = Path(*name.split("."))
    for root in (ROOT, ROOT / "tokenizers"):
        for path in (root / inside.with_suffix(".py"), root / inside / "__init__.py"):
            if path.is_file():
                return path
    return None


def commit() -> str:
    """Return the git commit of the checkout, with a plus where files differ from it."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


class Journal:
    """Rows of results, one JSON object a line, each with a unique "key".

    Parameters
    ----------
    path : Path
        Made with its folders if it isn't there. A last line that was cut off is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: dict[str, Row] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        for line in whole.splitlines():
            row = json.loads(line)
            self.rows[row["key"]] = row

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows; they are on disk when this returns."""
        new = list(rows)
        with self._path.open("a", encoding="utf-8") as journal:
            journal.writelines(json.dumps(row, allow_nan=False) + "\n" for row in new)
        self.rows.update({row["key"]: row for row in new})
