"""Imports go one way, and the command's path stays short."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# each package, its folder, and which packages of ours it may import
ALLOWED = {
    "subtractive": ("subtractive", {"subtractive"}),
    "scoretokens": ("tokenizers/scoretokens", {"subtractive", "scoretokens"}),
    "symbolic": ("symbolic", {"subtractive", "scoretokens", "symbolic"}),
    "audio": ("audio", {"subtractive", "scoretokens", "symbolic", "audio"}),
    "benchmarks": (
        "benchmarks",
        {"subtractive", "scoretokens", "symbolic", "audio", "benchmarks"},
    ),
}
OURS = {*ALLOWED, "tests"}
PACKAGES = [name for name, (folder, _) in ALLOWED.items() if [*(ROOT / folder).glob("*.py")]]

# what takes torch along when it is imported
TORCH = {"torch", "miditok", "x_transformers", "transformers", "accelerate", "diffusers"}
# seconds that the user of a command would wait for nothing
SLOW = TORCH - {"torch"} | {"music21", "matplotlib", "pretty_midi", "pyarrow"}


def imports(package: str) -> Iterator[tuple[str, str]]:
    """Yield (file, top-level name) of every import, those inside functions too."""
    for path in sorted((ROOT / ALLOWED[package][0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [package if node.level else str(node.module)]
            for name in names:
                yield str(path.relative_to(ROOT)), name.partition(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package: str) -> None:
    allowed = ALLOWED[package][1]
    assert [(file, name) for file, name in imports(package) if name in OURS - allowed] == []


def test_the_shared_idea_imports_no_torch() -> None:
    assert [(file, name) for file, name in imports("subtractive") if name in TORCH] == []


def modules_after(statement: str) -> set[str]:
    """Return the names of all modules that a fresh Python has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.skipif(find_spec("symbolic.add") is None, reason="symbolic/add.py is not there yet")
def test_the_command_imports_nothing_slow() -> None:
    assert modules_after("import symbolic.add") & SLOW == set()


def test_seeing_and_hearing_import_nothing_slow_before_they_are_used() -> None:
    loaded = modules_after("import subtractive.files.sound, subtractive.files.piano_roll")
    assert loaded & (SLOW | TORCH) == set()
