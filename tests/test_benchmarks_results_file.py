"""What every benchmark command writes beside its numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.results_file import keep, machine, measured
from subtractive.errors import OptionError, OutputError

_COMMAND = "benchmarks.tokens --songs 3"


def _keep(out: Path, result: dict[str, object], *, as_json: bool = False) -> None:
    keep(out, result, command=_COMMAND, seconds=1.26, as_json=as_json)


def test_the_file_holds_the_numbers_and_where_they_came_from(tmp_path: Path) -> None:
    out = tmp_path / "tokens.json"
    _keep(out, {"songs": 3, "per_bar": {"bass": 4.5}})
    kept = json.loads(out.read_text())
    assert set(kept) == {
        "command", "commit", "date", "seconds", "machine", "songs", "per_bar",
    }  # fmt: skip
    assert kept["command"] == "python -m benchmarks.tokens --songs 3"
    assert kept["seconds"] == 1.3
    assert kept["per_bar"] == {"bass": 4.5}


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_printed_is_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    out = tmp_path / "result.json"
    _keep(out, {"songs": 3}, as_json=as_json)
    printed = capsys.readouterr().out
    assert json.loads(printed) == json.loads(out.read_text())
    assert (printed.count("\n") == 1) == as_json


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_json_has_no_word_for_is_refused(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError):
        _keep(tmp_path / "result.json", {"songs": number})
    assert not list(tmp_path.iterdir())


def test_a_result_cannot_claim_its_own_commit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="commit"):
        _keep(tmp_path / "result.json", {"commit": "0"})


def test_a_missing_folder_is_told_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        _keep(tmp_path / "nowhere" / "result.json", {})


def test_the_machine_is_named_even_where_the_system_tells_nothing(tmp_path: Path) -> None:
    told = machine(tmp_path / "missing")
    assert told["cpu"]
    assert told["cores"] >= 1
    assert told["memory_gb"] is None or told["memory_gb"] > 0.1


def test_the_processor_is_read_as_linux_writes_it(tmp_path: Path) -> None:
    names = tmp_path / "cpuinfo"
    names.write_text("processor\t: 0\nmodel name\t: Fast: 9 @ 3 GHz\nmodel name\t: Other\n")
    assert machine(names)["cpu"] == "Fast: 9 @ 3 GHz"


def test_a_command_keeps_what_it_measured_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.json"
    told = measured(
        "benchmarks.some", ["--seed", "1"], out, lambda: {"found": 3}, as_json=False, table=str
    )
    assert told == 0
    assert json.loads(out.read_text())["command"] == "python -m benchmarks.some --seed 1"
    assert out.with_suffix(".md").read_text() == "{'found': 3}\n"
    assert not out.with_suffix(".png").exists()
    before = out.read_bytes()
    capsys.readouterr()

    def fail() -> dict[str, int]:
        raise OptionError("there are no songs: name some")

    assert measured("benchmarks.some", [], out, fail, as_json=True) == 2
    assert capsys.readouterr() == ("", "there are no songs: name some\n")
    assert out.read_bytes() == before
