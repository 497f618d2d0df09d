"""The command that measures writers: it resumes, counts failures, takes anybody's files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from benchmarks import symbolic
from benchmarks.assignments import CASES, assignments
from benchmarks.journal import Journal
from benchmarks.scores import score
from benchmarks.songs import load_songs
from benchmarks.writers import WRITERS, Job, writer_named
from benchmarks.written import attempt, write_all
from subtractive.arrangement import Arrangement, Note, Part
from subtractive.errors import OptionError
from subtractive.files.midi import read_midi, write_midi
from subtractive.instruments import INSTRUMENTS

CHEAP = "silence,random,plain,arranger"


@pytest.fixture
def collection(song: Arrangement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of three small songs, and a cache of its own."""
    for number, name in enumerate(("freedoom", "real_songs")):
        folder = tmp_path / name
        folder.mkdir()
        lines = ["path,split"]
        for place in range(1 + number):
            shifted = [
                replace(
                    part, notes=tuple(n._replace(pitch=n.pitch + 2 * place) for n in part.notes)
                )
                if not part.is_drums
                else part
                for part in song.parts
            ]
            (folder / f"{place}.mid").write_bytes(write_midi(song.with_parts(tuple(shifted))))
            lines.append(f"{place}.mid,valid")
        (folder / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setenv("SUBTRACTIVE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def run(folder: Path, *more: str) -> dict[str, Any]:
    out = folder / "out.json"
    assert symbolic.main(["--quick", "--writer", CHEAP, "--out", str(out), *more]) == 0
    assert out.with_suffix(".md").read_text(encoding="utf-8").count("chord tone rate") > 0
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return result


def pooled(result: dict[str, Any], instrument: str) -> dict[str, Any]:
    (found,) = (
        summary
        for summary in result["summaries"]
        if summary["instrument"] == instrument and summary["collection"] == "pooled"
    )
    assert isinstance(found, dict)
    return found


def test_the_command_goes_on_where_it_was(
    collection: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(collection)
    assert "### bass, pooled: 3 songs" in capsys.readouterr().out
    (journal,) = (collection / "cache").rglob("parts-arranger-*.jsonl")
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 3 * 3 * 5
    # stopped half way, in the middle of a line
    journal.write_text("".join(lines[:20]) + lines[20][:15], encoding="utf-8")
    second = run(collection)

    def timeless(result: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**of, "seconds": None} for of in result["summaries"]]

    assert timeless(second) == timeless(first)
    again = journal.read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["key"] for line in again) == sorted(
        json.loads(line)["key"] for line in lines
    )


def test_the_command_measures_the_cases(
    collection: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(collection, "--cases", "--seeds", "2")
    shown = capsys.readouterr().out
    assert all(case.title in shown for case in CASES)


def test_a_row_says_how_it_came_to_be(collection: Path) -> None:
    result = run(collection, "--seed", "3", "--instrument", "bass")
    assert result["command"].startswith("python -m benchmarks.symbolic --quick --writer silence")
    assert {"commit", "date", "machine", "seconds", "goals", "absent"} <= result.keys()
    assert {of["instrument"] for of in result["summaries"]} == {"bass"}
    other = run(collection, "--seed", "4", "--instrument", "bass")
    assert pooled(other, "bass")["values"] != pooled(result, "bass")["values"]


def test_files_of_another_system_are_scored_and_missing_ones_count(collection: Path) -> None:
    asked, answers = collection / "asked", collection / "answers"
    assert symbolic.main(["--quick", "--instrument", "bass", "--contexts", str(asked)]) == 0
    answers.mkdir()
    every = assignments(load_songs(["freedoom-valid", "real-songs"], "quick"), ["bass"])
    names = sorted(path.name for path in asked.iterdir())
    assert len(names) == len(every) == 3
    for one, name in zip(every, names, strict=True):
        context = read_midi((asked / name).read_bytes(), name)
        assert sum(len(part.notes) for part in context.parts) == sum(
            len(part.notes) for part in one.context.parts
        )
        (answers / name).write_bytes(write_midi(one.context.with_parts((one.truth,))))
    result = run(collection, "--files", str(answers), "--instrument", "bass")
    found = pooled(result, "bass")
    assert found["values"]["chroma_f1"]["answers"][0] == 1
    assert found["distances"]["chord_tone_rate"]["answers"][0] == 0
    assert found["gains"]["chroma_f1"]["answers - random"][1] > 0
    assert found["failures"]["answers"] == 0

    twin = collection / "twin" / "answers"
    twin.mkdir(parents=True)
    (twin / "x.mid").write_bytes(b"")
    both = ["--files", str(answers), "--files", str(twin)]
    assert symbolic.main(["--quick", "--writer", CHEAP, *both]) == 2

    (answers / names[0]).unlink()
    (answers / names[1]).write_bytes(b"no music")
    worse = pooled(run(collection, "--files", str(answers), "--instrument", "bass"), "bass")
    assert worse["failures"]["answers"] == 2
    assert worse["distances"]["chord_tone_rate"]["answers"][0] == pytest.approx(2 / 3)
    assert worse["values"]["chroma_f1"]["answers"][0] == pytest.approx(1 / 3)
    better, now = (of["gains"]["chroma_f1"]["answers - random"][0] for of in (found, worse))
    assert now == pytest.approx(better - 2 / 3, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--split", "nowhere"], "unknown split 'nowhere'"),
        (["--writer", "nobody"], "choose some of silence, random, retrieval"),
        (["--files", "nowhere"], "holds no .mid file"),
        (["--split", "real-songs", "--split", "real-songs"], "is there twice"),
        (["--out", "nowhere/out.json"], "is no folder"),
        (["--novelty", "nowhere"], "no novelty index"),
    ],
)
def test_what_cannot_be_measured_is_said(
    collection: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del collection
    assert symbolic.main(["--quick", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_without_songs_the_command_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SUBTRACTIVE_DATA", raising=False)
    assert symbolic.main(["--quick"]) == 2
    assert "set it to a folder" in capsys.readouterr().err


def test_numbers_of_things_are_above_zero(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--limit", "--seeds", "--batch"):
        with pytest.raises(SystemExit) as ended:
            symbolic.main(["--quick", option, "0"])
        assert ended.value.code == 2
        assert "give 1 or more" in capsys.readouterr().err


def test_a_folder_of_songs_is_a_split(collection: Path) -> None:
    result = run(collection, "--split", str(collection / "real_songs"), "--seeds", "1")
    assert {of["collection"] for of in result["summaries"]} == {"pooled"}
    assert all(of["songs"] == 2 for of in result["summaries"])


def jobs_of(song: Arrangement) -> list[Job]:
    from benchmarks.songs import Song

    return [(one, 0) for one in assignments([Song("own", "song", song)], INSTRUMENTS)]


def test_one_song_that_fails_does_not_take_others_along(song: Arrangement, tmp_path: Path) -> None:
    jobs = jobs_of(song)

    def write(some: object) -> list[Part]:
        assert isinstance(some, (list, tuple))
        if any(one.instrument == "bass" for one, _ in some):
            raise RuntimeError("no strings left")
        return [one.truth for one, _ in some]

    written = attempt(write, jobs)
    assert [part.failed for part in written] == ["", "RuntimeError: no strings left", ""]
    journal = Journal(tmp_path / "parts.jsonl")
    with Progress(disable=True) as progress:
        kept = write_all("own", jobs, lambda: write, journal, progress, batch=3)
        done = [jobs[0], jobs[2]]
        again = write_all("own", done, lambda: pytest.fail("opened"), journal, progress, batch=3)
    assert [part.failed for part in kept] == [part.failed for part in written]
    assert len(journal.rows) == 2  # what failed is tried again
    assert [part.part and part.part.notes for part in again] == [one.truth.notes for one, _ in done]
    rows = [score("own", job, part) for job, part in zip(jobs, kept, strict=True)]
    assert [bool(row.scores) for row in rows] == [True, False, True]


def test_a_part_outside_of_the_music_has_failed(song: Arrangement) -> None:
    job = jobs_of(song)[1]
    late = replace(job[0].truth, notes=(Note(10**6, 1, 40, 80),))
    (written,) = attempt(lambda jobs: [late for _ in jobs], [job])
    assert "cut the part first" in score("own", job, written).failed
    with pytest.raises(ValueError, match="cut the part first"):
        score("true", job, written)


def test_every_writer_is_known_by_its_name() -> None:
    assert list(WRITERS)[-1] == "true"
    assert all(writer_named(name).name == name for name in WRITERS)
    with pytest.raises(OptionError, match="unknown writer 'nobody'"):
        writer_named("nobody")
