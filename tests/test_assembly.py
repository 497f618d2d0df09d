"""Builds: resumed without a trace, their workers gone with them, no music on both sides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from subtractive import assembly, dataset
from subtractive.arrangement import Arrangement, Note, Part, order
from subtractive.arrays import to_arrays
from subtractive.card import write_card
from subtractive.errors import FileFormatError, OptionError, OutputError
from subtractive.excerpts import Labels, Song
from subtractive.workers import Chunk, Crew, work_through
from tests.conftest import BAR, BEAT


def made_up(seed: int, bar_count: int = 16) -> Arrangement:
    """A band that plays at random: no two seeds have a bar in common."""
    rng = np.random.default_rng(seed)

    def part(name: str, program: int, low: int, *, is_drums: bool = False) -> Part:
        notes = {}
        for sixteenth in range(16 * bar_count):
            if rng.random() < 0.5:
                onset = sixteenth * BEAT // 4
                notes[onset] = Note(onset, BEAT // 4, low + int(rng.integers(12)), 80)
        return Part(name, program, is_drums, tuple(sorted(notes.values(), key=order)))

    parts = (part("Piano", 0, 60), part("Bass", 33, 36), part("Kit", 0, 35, is_drums=True))
    return Arrangement(BEAT, parts)


@dataclass(frozen=True)
class Band:
    """A source of made-up songs, or those of `music`; "torn" is one that fails.

    It sleeps over each for `slow` seconds.
    """

    names: Sequence[str]
    group: str = ""
    held_out: frozenset[str] = frozenset()
    slow: float = 0.0
    music: Mapping[str, Arrangement] = field(default_factory=dict)
    refused: Sequence[tuple[str, str]] = ()

    @property
    def stamp(self) -> tuple[object, ...]:
        return tuple(self.names)

    def read(self, name: str) -> Song:
        time.sleep(self.slow)
        if name.startswith("deadly"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("torn"):
            raise FileFormatError("torn in two")
        music = self.music.get(name) or made_up(int(name.rsplit(maxsplit=1)[-1]))
        group = self.group and f"{self.group} {name}"
        return Song(name, group, to_arrays(music), Labels("folder"))

    def split_of(self, group: str) -> str:
        return "valid" if group in self.held_out else "train"


def names(count: int) -> list[str]:
    return [f"song {number}" for number in range(count)]


def build(source: Band, out: Path, **options: object) -> assembly.Counts:
    return assembly.build(source, out, {"kind": "test"}, 0, **options)  # type: ignore[arg-type]


def test_a_build_has_every_song_once_on_its_side(tmp_path: Path) -> None:
    source = Band([*names(7), "torn 1"], "group", frozenset({"group song 3"}))
    counts = build(source, tmp_path)
    assert (counts["songs_train"], counts["songs_valid"], counts["left_out"]) == (6, 1, 1)
    assert [each.song for each in dataset.stream(tmp_path, "valid")] == ["song 3"]
    kept = [each.song for each in dataset.stream(tmp_path, "train")]
    assert kept == [name for name in names(7) if name != "song 3"]
    dropped = [json.loads(line) for line in (tmp_path / "dropped.jsonl").read_text().splitlines()]
    assert dropped == [{"song": "torn 1", "reason": "torn in two"}]
    assert json.loads((tmp_path / "corpus.json").read_text())["songs"] == 7
    assert not (tmp_path / "unfinished").exists()
    write_card(tmp_path, counts)
    card = (tmp_path / "README.md").read_text()
    assert "| songs | 6 | 1 |" in card
    assert (tmp_path / "census.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OptionError, match="holds a corpus already"):
        build(source, tmp_path)


def test_the_number_of_workers_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "CHUNK_SONGS", 2)
    source = Band(names(7), "group", frozenset({"group song 3"}))
    for processes in (1, 3):
        assembly.build(source, tmp_path / str(processes), {}, 0, crew=Crew(processes))
    assert dataset.digest(tmp_path / "1") == dataset.digest(tmp_path / "3")


def moved(part: Part, semitones: int = 0, bar_count: int = 0) -> Part:
    """The part higher (never drums) and later."""
    notes = tuple(
        note._replace(
            pitch=note.pitch + (0 if part.is_drums else semitones),
            onset=note.onset + bar_count * BAR,
        )
        for note in part.notes
    )
    return replace(part, notes=notes)


def test_copies_are_left_out_and_the_fullest_stays(tmp_path: Path) -> None:
    parts = (*(moved(part, 2) for part in made_up(1).parts), made_up(100).parts[0])
    music = {"fuller": Arrangement(BEAT, parts)}
    counts = build(Band([*names(3), "fuller"], music=music), tmp_path)
    assert counts["songs"] == 3
    dropped = json.loads((tmp_path / "dropped.jsonl").read_text())
    assert dropped == {"song": "song 1", "reason": "the same music as fuller"}


def test_a_given_split_holds_out_the_whole_group(tmp_path: Path) -> None:
    counts = build(Band(names(4)), tmp_path, given={"song 2": "valid", "song 1": "train"})
    assert counts["songs_valid"] == 1
    assert [each.song for each in dataset.stream(tmp_path, "valid")] == ["song 2"]


def test_training_never_plays_eight_bars_of_what_is_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A song that hides a held-out one in its middle loses that excerpt, and says so."""
    played = []
    for own, stolen in zip(made_up(1, 96).parts, made_up(2).parts, strict=True):
        kept = [note for note in own.notes if not 36 <= note.onset // BAR < 52]
        notes = sorted([*kept, *moved(stolen, 3, 36).notes], key=order)
        played.append(replace(own, notes=tuple(notes)))
    music = {"song 1": Arrangement(BEAT, tuple(played))}
    source = Band(names(4), "group", frozenset({"group song 2"}), music=music)
    with pytest.raises(OptionError, match="1 of 5 training excerpts play eight bars"):
        build(source, tmp_path / "few")
    monkeypatch.setattr(assembly, "MOST_COLLIDING", 0.5)
    counts = build(source, tmp_path / "many")
    assert (counts["colliding"], counts["excerpts_train"]) == (1, 4)
    held_out = {
        each for row in dataset.rows(tmp_path / "many", "valid") for each in row["passages"]
    }
    trained = {each for row in dataset.rows(tmp_path / "many", "train") for each in row["passages"]}
    assert held_out
    assert not held_out & trained


def test_another_build_does_not_go_on_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="none to learn from; the first: torn in two"):
        build(Band(["torn 1"]), tmp_path)
    with pytest.raises(OptionError, match=r"unfinished build of other settings or songs .*delete"):
        build(Band(["song 1"]), tmp_path)
    with pytest.raises(OptionError, match="no song was found"):
        build(Band([]), tmp_path / "empty")
    # which leaves nothing in the way of the next try
    assert build(Band(["song 1"]), tmp_path / "empty")["songs"] == 1


def test_a_build_is_done_once_its_card_is_written(tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(Band(names(3)), tmp_path, finish=interrupted)
    assert not (tmp_path / "corpus.json").exists()
    build(Band(names(3)), tmp_path, finish=write_card)
    assert (tmp_path / "README.md").exists()
    assert not (tmp_path / "unfinished").exists()


def test_a_killed_worker_is_told_and_the_build_goes_on(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="a worker was killed"):
        build(Band([*names(2), "deadly 1"]), tmp_path)


def test_a_finished_chunk_is_not_made_again(tmp_path: Path) -> None:
    chunk = Chunk(0, ("song 1",), tmp_path, 0)
    told: list[tuple[str, int, int]] = []
    work_through(Band(names(2)), [chunk], lambda *state: told.append(state), Crew(1))
    stamp = chunk.rows.stat().st_mtime_ns
    work_through(Band(names(2)), [chunk], lambda *state: told.append(state), Crew(1))
    assert chunk.rows.stat().st_mtime_ns == stamp
    assert told == [("songs", 0, 1), ("songs", 1, 1), ("songs", 1, 1)]


SLOW_BUILD = """
import sys
from pathlib import Path
from subtractive import assembly
from tests.test_assembly import Band, names
assembly.CHUNK_SONGS = 2
assembly.build(Band(names(12), "g", slow=0.3), Path(sys.argv[1]), {}, 0)
"""


def workers_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts workers in /proc")
def test_a_killed_build_leaves_no_worker_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "killed"
    command = [sys.executable, "-c", SLOW_BUILD, str(out)]
    build = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    try:
        deadline = time.monotonic() + 60
        while len(list(out.glob("unfinished/*.json"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        workers = workers_of(build.pid)
    finally:
        os.kill(build.pid, signal.SIGKILL)
        build.wait()
    assert len(workers) >= 2
    deadline = time.monotonic() + 20
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, workers))
    finished = {path: path.stat().st_mtime_ns for path in out.glob("unfinished/0*.json")}
    assert 0 < len(finished) < 6
    monkeypatch.setattr(assembly, "CHUNK_SONGS", 2)
    source = Band(names(12), "g")
    made = []
    assembly.build(source, out, {}, 0, lambda _, done, __: made.append(done))
    assert made[0] == 2 * len(finished)
    assembly.build(source, tmp_path / "whole", {}, 0)
    assert dataset.digest(out) == dataset.digest(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_two_workers_of_a_ray_cluster_build_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setattr(assembly, "CHUNK_SONGS", 2)
    source = Band(names(6), "g", frozenset({"g song 3"}))
    monkeypatch.chdir(tmp_path)  # the workers run elsewhere
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    try:
        assembly.build(source, Path("ray"), {}, 0, crew=Crew(ray_address=cluster.address))
    finally:
        cluster.shutdown()
    assembly.build(source, tmp_path / "here", {}, 0)
    assert dataset.digest(tmp_path / "ray") == dataset.digest(tmp_path / "here")


def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    with pytest.raises(OptionError, match="no Ray cluster answers at 'nowhere'"):
        build(Band(names(1)), tmp_path, crew=Crew(ray_address="nowhere"))
