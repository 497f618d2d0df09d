"""Beside other programs: agreement where a metric is the same, and rows where a program is not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import metrics
from benchmarks.peers import __main__ as peers
from benchmarks.peers import measuring
from benchmarks.peers.installed import missing
from benchmarks.peers.measuring import Case, cases, disturbed
from benchmarks.peers.writers import song_without_bass, time_midigpt, time_ours
from subtractive.arrangement import Arrangement, bars, order
from subtractive.files.midi import read_midi, write_midi

Row = dict[str, Any]
NO_MIR_EVAL = "needs mir_eval: pip install mir_eval"


def still() -> None:
    """Stand for a progress bar."""


def job(program: str, needs: tuple[str, ...], measure: Callable[..., Row]) -> peers.Job:
    return peers.Job("parsing", program, needs, 1, measure)


def fails(_tick: object) -> Row:
    raise ValueError("another version")


def test_a_program_that_is_not_there_is_told_how_to_get() -> None:
    assert missing("json", "numpy") == ""
    assert missing("no_such_module", "json") == "not installed: pip install no_such_module"
    assert missing("no_such_module=its-name") == "not installed: pip install its-name"


def test_a_missing_peer_gives_a_row_with_the_reason_and_is_not_measured() -> None:
    row = peers.row_of(job("another", ("no_such_module=its-name",), fails), still)
    assert row == {
        "measured": "parsing",
        "program": "another",
        "reason": "not installed: pip install its-name",
    }
    assert "pip install its-name" in peers.table([row])


def test_a_peer_that_fails_gives_a_row_and_we_do_not() -> None:
    row = peers.row_of(job("numpy", ("numpy",), fails), still)
    assert row["version"] == np.__version__
    assert row["reason"] == "failed: ValueError: another version"
    with pytest.raises(ValueError, match="another version"):
        peers.row_of(job(peers.OURS, (), fails), still)


def test_files_that_a_program_refuses_are_counted(tmp_path: Path, song: Arrangement) -> None:
    whole, torn = tmp_path / "whole.mid", tmp_path / "torn.mid"
    whole.write_bytes(write_midi(song))
    torn.write_bytes(b"MThd")
    ticks: list[int] = []
    row = peers.time_parsing(
        [whole, torn, whole],
        lambda path: read_midi(path.read_bytes(), path.name),
        lambda: ticks.append(1),
    )
    assert (row["n"], row["refused"], len(ticks)) == (3, 1, 3)
    assert row["value"] > 0


def test_every_parser_reads_the_same_file(tmp_path: Path, song: Arrangement) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(write_midi(song))
    rows = [peers.row_of(each, still) for each in peers.parsing([path])]
    read = [row for row in rows if "reason" not in row]
    assert len(rows) == 4 and len(read) >= 2
    assert all(row["refused"] == 0 and row["unit"] == "songs/s" for row in read)


def test_a_disturbed_part_is_near_but_not_equal(
    song: Arrangement, rng: np.random.Generator
) -> None:
    (first, *_) = cases([song], rng)
    notes = first.part.notes
    assert list(notes) == sorted(notes, key=order)
    assert 0.5 * len(first.truth.notes) < len(notes) < len(first.truth.notes)
    assert all(note.onset >= 0 and 0 <= note.pitch <= 127 for note in notes)
    again = disturbed(first.truth, 120, np.random.default_rng(1))
    assert again == disturbed(first.truth, 120, np.random.default_rng(1))


def test_our_metrics_are_those_of_mir_eval(song: Arrangement) -> None:
    pytest.importorskip("mir_eval", reason=NO_MIR_EVAL)
    scored = [case for seed in range(5) for case in cases([song], np.random.default_rng(seed))]
    row = measuring.agreement(scored, still)
    assert row["agrees"] and row["value"] <= 1e-9
    assert set(row["by_metric"]) == {"onset_f1", "note_f1", "note_f1_near", "kick_f1"}
    assert row["n"] == 3 * len(scored) + 5  # the kick of the drums alone


def test_a_part_without_notes_scores_0_with_both(song: Arrangement) -> None:
    pytest.importorskip("mir_eval", reason=NO_MIR_EVAL)
    (one, *_) = cases([song], np.random.default_rng(0))
    silent = Case(
        one.instrument, type(one.part)("", 0, one.part.is_drums, ()), one.truth, one.context
    )
    assert set(measuring.mir_eval_scores(silent).values()) == {0.0}
    assert measuring.agreement([silent], still)["agrees"]


def test_a_metric_that_differs_is_found(song: Arrangement, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mir_eval", reason=NO_MIR_EVAL)
    true = metrics.evaluate

    def wrong(*inputs: Any) -> dict[str, float]:
        return {name: value + 1e-3 for name, value in true(*inputs).items()}

    monkeypatch.setattr(metrics, "evaluate", wrong)
    row = measuring.agreement(cases([song], np.random.default_rng(0)), still)
    assert not row["agrees"]
    assert row["value"] == pytest.approx(1e-3)


def test_metrics_are_timed_on_every_part(song: Arrangement) -> None:
    scored = cases([song], np.random.default_rng(0))
    row = measuring.time_ours(scored, still)
    assert row["n"] == 3 and row["value"] > 0
    muspy = peers.row_of(peers.scoring(scored)[1], still)
    assert muspy.get("n") == 3 or "muspy" in muspy["reason"]


def test_our_writer_fills_the_bars_of_the_song() -> None:
    song = song_without_bass(4, seed=0)
    row = time_ours(song, seed=0, takes=1, tick=still)
    assert row["n"] == len(bars(song)) == 4
    assert row["notes_per_bar"] > 0 and row["weights"] > 1e6
    assert math.isclose(row["notes_per_second"], row["value"] * row["notes_per_bar"])


def test_midigpt_writes_as_many_notes_as_it_may() -> None:
    pytest.importorskip("midigpt", reason="needs midigpt: pip install midigpt")
    row = time_midigpt(song_without_bass(4, seed=0), seed=0, cap=3, tick=still)
    assert row["n"] == 4 and 0 < row["notes_per_bar"] <= 3
    assert "random weights" in row["remark"]


def test_the_command_keeps_the_table_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "peers.json"
    assert peers.main(["--only", "writing", "--bars", "1", "--out", str(out)]) == 0
    kept = json.loads(out.read_text())
    assert {"command", "commit", "date", "seconds", "machine", "seed", "rows"} == set(kept)
    printed = capsys.readouterr().out
    assert all(row["program"] in printed for row in kept["rows"])


def test_without_music_the_command_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SUBTRACTIVE_DATA", raising=False)
    assert peers.main(["--only", "parsing"]) == 2
    assert "SUBTRACTIVE_DATA" in capsys.readouterr().err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        peers.main(["--help"])
    assert "python -m benchmarks.peers --only parsing" in capsys.readouterr().out


@pytest.mark.data
def test_real_parts_agree_with_mir_eval(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mir_eval", reason=NO_MIR_EVAL)
    del data
    few = ["--only", "metrics", "--songs", "2", "--json", "--out", str(tmp_path / "peers.json")]
    assert peers.main(few) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    (same,) = [row for row in rows if row["measured"] == "same metric"]
    assert same["agrees"] and same["n"] > 20
