"""The built wheel holds what a user needs and nothing else, and runs from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from subtractive.arrangement import Arrangement
from subtractive.files.midi import read_midi, write_midi

ROOT = Path(__file__).parents[1]
WEIGHTS = sorted((ROOT / "symbolic" / "weights").glob("*.safetensors"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    run_module(*command, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's packages, as another environment would."""
    folder = tmp_path_factory.mktemp("site-packages")
    options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    run_module("pip", "install", *options, "--target", str(folder), str(wheel), folder=folder)
    return folder


def run_module(*command: str, folder: Path, packages: Path | None = None) -> str:
    """Run ``python -m`` in `folder`, with `packages` before all that is installed here."""
    paths = {"PYTHONPATH": str(packages)} if packages else {}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_our_packages_and_nothing_of_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    ours = {top for top in tops if not top.endswith(".dist-info")}
    assert (
        {"subtractive", "scoretokens", "symbolic"}
        <= ours
        <= {
            "subtractive",
            "scoretokens",
            "symbolic",
            "audio",
        }
    )
    for legal in ("LICENSE", "NOTICE"):
        assert any(name.endswith(f".dist-info/licenses/{legal}") for name in names)
    assert [name for name in names if name.endswith((".mid", ".mxl", ".wav", ".pyc"))] == []


def test_the_wheel_holds_every_file_of_its_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    here = {
        path.relative_to(ROOT / source).as_posix()
        for source, package in (
            (".", "subtractive"),
            (".", "symbolic"),
            ("tokenizers", "scoretokens"),
        )
        for path in (ROOT / source / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert here - names == set()


@pytest.mark.skipif(not WEIGHTS, reason="no weights are shipped yet")
def test_the_weights_are_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for weights in WEIGHTS:
            assert archive.read(weights.relative_to(ROOT).as_posix()) == weights.read_bytes()


@pytest.mark.skipif(
    not WEIGHTS or find_spec("symbolic.add") is None, reason="needs the command and its weights"
)
def test_the_installed_wheel_writes_a_part_from_another_folder(
    installed: Path, tmp_path: Path, song: Arrangement
) -> None:
    context, _ = song.split("bass")
    (tmp_path / "song.mid").write_bytes(write_midi(context))
    (tmp_path / "where.py").write_text("import symbolic\nprint(symbolic.__file__)\n")
    where = run_module("where", folder=tmp_path, packages=installed)
    assert Path(where.strip()).is_relative_to(installed)
    command = ["symbolic.add", "--instrument", "bass", "song.mid", "--seed", "1"]
    run_module(*command, folder=tmp_path, packages=installed)
    written = read_midi((tmp_path / "song.bass.mid").read_bytes())
    _, basses = written.split("bass")
    assert basses
    assert basses[0].stem.notes
