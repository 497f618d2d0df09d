"""The check of a splice finds every kind of damage, and passes what the product writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import robust
from benchmarks.baselines import rule_based
from benchmarks.robust import Trial, attempt, check, trials
from benchmarks.smf import SpliceError, check_splice, chunks, events
from subtractive.arrangement import Arrangement, Part
from subtractive.files.midi import write_midi
from subtractive.instruments import INSTRUMENTS


def new_part(trial: Trial) -> Part:
    return rule_based(trial.context, trial.instrument, np.random.default_rng(0), ())


def one_track(content: bytes) -> bytes:
    """Return a file of format 0: all tracks of `content` merged into one chunk."""
    merged = sorted(
        (tick, event[0] & 0xE0 == 0x80, event)  # at one tick, settings before notes
        for chunk in chunks(content)
        for tick, event in events(chunk)
        if event[:2] not in (b"\xff\x2f", b"\xff\x03")
    )
    body, here = b"", 0
    for tick, _, event in merged:
        delta = tick - here
        body += bytes((delta >> 7 | 0x80, delta & 0x7F)) + event
        here = tick
    body += b"\0\xff\x2f\0"
    return content[:8] + b"\0\0\0\1" + content[12:14] + b"MTrk" + len(body).to_bytes(4) + body


@pytest.fixture(params=[0, 1])
def content(song: Arrangement, request: pytest.FixtureRequest) -> bytes:
    """A file of format 0, and one of a conductor, melody, guitar, bass and drums."""
    file = write_midi(song)
    return file if request.param else one_track(file)


def test_what_the_product_writes_passes(content: bytes) -> None:
    tracks = len(chunks(content))
    for trial in trials("own", "song.mid", content):
        found = check(trial, new_part(trial))
        kept = {"same": 4, "dropped": 1} if tracks == 5 else {"same": 0, "dropped": 0, "reduced": 1}
        assert found == {"reduced": 0, "new": 1} | kept


def test_a_file_that_nothing_was_done_to_passes(content: bytes) -> None:
    spliced = check_splice(content, content, [])
    assert spliced == (len(chunks(content)), 0, 0, 0)


def damaged(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return the file that was written for a new bass, with its first chunk with notes changed."""
    trial = next(t for t in trials("own", "song.mid", content) if t.instrument == "bass")
    written = write_midi(trial.context.with_parts((*trial.context.parts, new_part(trial))))
    victim = next(chunk for chunk in chunks(written) if any(e[0] == 0x90 for _, e in events(chunk)))
    assert written.count(victim) == 1
    return written.replace(victim, change(victim))


@pytest.mark.parametrize(
    "change",
    [
        lambda chunk: chunk.replace(b"\x43", b"\x44", 1),  # another pitch
        lambda chunk: chunk[:-4] + b"\x01" + chunk[-3:],  # a later end
        lambda chunk: b"",  # all of it gone
        lambda chunk: chunk + chunk,  # twice
    ],
)
def test_damage_to_another_part_is_found(content: bytes, change: Callable[[bytes], bytes]) -> None:
    bass = next(t for t in trials("own", "song.mid", content) if t.instrument == "bass")
    try:
        new_chunks = check_splice(content, damaged(content, change), bass.taken).new
    except SpliceError:
        return
    assert new_chunks != 1


def test_an_instrument_that_was_not_taken_out_is_found(content: bytes) -> None:
    bass = next(t for t in trials("own", "song.mid", content) if t.instrument == "bass")
    with pytest.raises(SpliceError):
        check_splice(content, content, bass.taken)


def test_a_failure_is_put_down_to_its_song(content: bytes) -> None:
    every = [t for name in "ab" for t in trials("own", name, content) if t.instrument == "bass"]
    sizes: list[int] = []

    def write(contexts: Sequence[Arrangement], instrument: str) -> list[Part]:
        sizes.append(len(contexts))
        if len(sizes) in (1, 3):  # the batch, and then the second song alone
            raise ArithmeticError("no idea")
        return [new_part(every[0])]

    rows = attempt(every, write)
    assert sizes == [2, 1, 1]
    assert [row["key"] for row in rows] == ["own/a:bass", "own/b:bass"]
    assert [row["failure"] for row in rows] == [None, "ArithmeticError: no idea"]


def test_the_command_tries_every_song(
    song: Arrangement,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("freedoom", "real_songs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.mid").write_bytes(write_midi(song))
        (tmp_path / name / "index.csv").write_text("path,split\n1.mid,train\n", encoding="utf-8")
    monkeypatch.setenv("SUBTRACTIVE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    arguments = ["--writer", "plain", "--out", str(tmp_path / "robust.json")]
    assert robust.main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["songs"], first["parts"], first["failures"]) == (2, 2 * len(INSTRUMENTS), {})
    # a second run finds everything done, and a song that fails is told by its name
    (journal,) = (tmp_path / "cache").rglob("robust-*.jsonl")
    spoiled = journal.read_text(encoding="utf-8").replace("null", '"SpliceError: why"', 1)
    journal.write_text(spoiled, encoding="utf-8")
    assert robust.main(arguments) == 1
    assert json.loads(capsys.readouterr().out)["failures"] == {
        "freedoom/1.mid:drums": "SpliceError: why"
    }
