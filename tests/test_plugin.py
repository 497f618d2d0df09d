"""The plugin for MuseScore 3: put in place by a command, and run by MuseScore without a window."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from subtractive.arrangement import Arrangement
from subtractive.errors import OptionError, OutputError
from subtractive.files.musicxml_score import whole_score
from symbolic.plugin import SETTINGS, install, main, uninstall

# What stands in for the interpreter: it gets the words that the plugin gives to the command.
FAKE = """#!{python}
import json, pathlib, sys
words = sys.argv[1:]
pathlib.Path({words!r}).write_text(json.dumps(words))
source, target = words[words.index("-o") - 1], words[words.index("-o") + 1]
{act}
"""
WRITES = """pathlib.Path(target).write_bytes(pathlib.Path(source).read_bytes())
print("a line that is no status")
print(json.dumps({"status": "ok", "outputs": [{"summary": "bass"}]}))"""
REFUSES = """print(json.dumps({"status": "error", "message": "no \\"bass\\" today"}))
sys.exit(2)"""
WRITES_NOTHING = """print(json.dumps({"status": "ok", "outputs": []}))"""
BREAKS = "sys.exit('Traceback')"


@pytest.fixture
def score(tmp_path: Path, song: Arrangement) -> Path:
    path = tmp_path / "a song.musicxml"
    path.write_bytes(whole_score(song.with_parts(song.parts[:2])))
    return path


def fake(folder: Path, act: str) -> Path:
    path = folder / "fake python"
    text = FAKE.format(python=sys.executable, words=str(folder / "words.json"), act=act)
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def run(tmp_path: Path, python: str, score: Path, **wishes: object) -> dict[str, Any]:
    """Run the plugin on a score, nothing asked; return what it logged."""
    folder = tmp_path / "plugins"
    plugin = install(folder, python)
    log = tmp_path / "log.json"
    settings = json.loads((folder / SETTINGS).read_text("utf-8"))
    settings["batch"] = {"instrument": "bass", "log": str(log), **wishes}
    (folder / SETTINGS).write_text(json.dumps(settings), "utf-8")
    tmp_path.chmod(0o700)
    subprocess.run(
        ["mscore3", "-p", plugin, score],
        env=os.environ
        | {
            "QT_QPA_PLATFORM": "offscreen",
            "XDG_RUNTIME_DIR": str(tmp_path),
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        check=True,
        timeout=120,
    )
    told: dict[str, Any] = json.loads(log.read_text("utf-8"))
    return told


def left_behind(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.glob("* with *")]


@pytest.mark.program("mscore3")
def test_the_result_is_opened(tmp_path: Path, score: Path) -> None:
    wishes = {"prompt": 'Add a "walking" bass', "bars": "m2-m3", "seed": 7, "existing": "replace"}
    told = run(tmp_path, str(fake(tmp_path, WRITES)), score, **wishes)
    assert told["status"] == "ok"
    assert told["staves"] == 2
    words = json.loads((tmp_path / "words.json").read_text("utf-8"))
    assert Path(words[5]).parent == tmp_path
    assert words[:5] == ["-m", "symbolic.add", "--json", "--instrument", "bass"]
    options = dict(zip(words[8:-1:2], words[9:-1:2], strict=True))
    assert options == {"--seed": "7", "--prompt": 'Add a "walking" bass', "--bars": "m2-m3"}
    assert words[-1] == "--replace"
    assert left_behind(tmp_path) == []


@pytest.mark.program("mscore3")
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (REFUSES, 'no "bass" today'),
        (WRITES_NOTHING, "wrote no score"),
        (BREAKS, "did not run to its end"),
    ],
)
def test_what_went_wrong_is_said_and_nothing_is_opened(
    tmp_path: Path, score: Path, act: str, said: str
) -> None:
    told = run(tmp_path, str(fake(tmp_path, act)), score)
    assert told["status"] == "error"
    assert said in told["message"]
    assert left_behind(tmp_path) == []


@pytest.mark.program("mscore3")
def test_a_program_that_is_not_there(tmp_path: Path, score: Path) -> None:
    told = run(tmp_path, str(tmp_path / "no python"), score)
    assert told["status"] == "error"
    assert "no python" in told["message"]


@pytest.mark.program("mscore3")
def test_the_real_command_writes_a_bass(tmp_path: Path, score: Path) -> None:
    told = run(tmp_path, sys.executable, score, seed=1)
    assert told["status"] == "ok", told
    assert told["staves"] == 3
    assert told["outputs"][0]["parts"][0]["instrument"] == "bass"
    refused = run(tmp_path, sys.executable, score, bars="99")
    assert "there is no bar 99" in refused["message"]


def test_installing_and_uninstalling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "some" / "Plugins"
    assert main(["install", "--to", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert Path(told["plugin"]) == folder / "subtractive.qml"
    python = json.loads((folder / SETTINGS).read_text("utf-8"))["python"]
    assert Path(python).is_absolute()
    assert Path(python).exists()
    install(folder)
    assert main(["uninstall", "--to", str(folder)]) == 0
    assert list(folder.iterdir()) == []
    assert main(["uninstall", "--to", str(folder)]) == 2
    assert "is not in" in capsys.readouterr().err


def test_somebody_elses_file_stays(tmp_path: Path) -> None:
    other = tmp_path / "subtractive.qml"
    other.write_text("import QtQuick 2.0", encoding="utf-8")
    with pytest.raises(OutputError, match="--force replaces it"):
        install(tmp_path)
    with pytest.raises(OptionError, match="not in"):
        uninstall(tmp_path)
    assert other.read_text("utf-8") == "import QtQuick 2.0"
    install(tmp_path, force=True)
    assert "MuseScore" in other.read_text("utf-8")
