"""The corpus: what is kept of a folder, what counts as the same music, and the command."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from subtractive import dataset
from subtractive.arrangement import Arrangement, Note, Part
from subtractive.build import app
from subtractive.excerpts import Excerpt
from subtractive.files.midi import write_midi
from subtractive.sources import SongFolder
from subtractive.tunes import split_of

BEAT = 480


def random_part(seed: int, program: int = 33, low: int = 36, notes: int = 64) -> Part:
    rng = np.random.default_rng(seed)
    onsets = np.cumsum(rng.choice([BEAT // 2, BEAT, BEAT // 4], notes))
    pitches = rng.integers(low, low + 12, notes)
    played = (
        Note(int(onset), BEAT // 4, int(pitch), 90)
        for onset, pitch in zip(onsets, pitches, strict=True)
    )
    return Part(f"part {seed}", program, is_drums=False, notes=tuple(played))


def drum_part(beats: int = 48) -> Part:
    notes = tuple(Note(beat * BEAT, 60, 36 if beat % 2 else 38, 100) for beat in range(beats))
    return Part("kit", 0, is_drums=True, notes=notes)


def song(seed: int) -> Arrangement:
    return Arrangement(BEAT, (drum_part(), random_part(seed), random_part(seed + 1000, 0, 60)))


def changed(music: Arrangement, semitones: int = 0, times: int = 1) -> Arrangement:
    """Transpose all but the drums, and multiply all times."""

    def moved(part: Part) -> Part:
        shift = 0 if part.is_drums else semitones
        notes = tuple(
            Note(note.onset * times, note.duration * times, note.pitch + shift, note.velocity)
            for note in part.notes
        )
        return replace(part, notes=notes)

    return music.with_parts(tuple(moved(part) for part in music.parts))


def dropped_of(out: Path) -> dict[str, str]:
    lines = map(json.loads, (out / "dropped.jsonl").read_text(encoding="utf-8").splitlines())
    return {line["song"]: line["reason"] for line in lines}


def build_folder(songs: Path, out: Path, *options: str) -> dict[str, object]:
    """Run the command and return its counts."""
    asked = ["folder", str(songs), "--out", str(out), "--json", *options]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    counts: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return counts


def splits_of(out: Path) -> dict[str, str]:
    """The split of each group; each has one."""
    found: dict[str, str] = {}
    for split in dataset.SPLITS:
        for shard in (out / split).glob("*.parquet"):
            for group in pq.read_table(shard, columns=["group"])["group"].to_pylist():
                assert found.setdefault(group, split) == split
    return found


def test_a_folder_is_indexed_without_copies_and_without_touching_it(tmp_path: Path) -> None:
    songs, out = tmp_path / "songs", tmp_path / "corpus" / "of songs"
    (songs / "live").mkdir(parents=True)
    fuller = song(1).with_parts((*song(1).parts, random_part(5, 26, 52)))
    files = {
        "a.mid": write_midi(song(1)),
        "b.MID": write_midi(song(1)),
        "live/c.midi": write_midi(changed(fuller, 3)),
        "d.mid": write_midi(song(2)),
        "solo.mid": write_midi(song(3).with_parts((drum_part(),))),
        "torn.mid": write_midi(song(4))[:200],
        "notes.txt": b"no music",
    }
    for name, content in files.items():
        (songs / name).write_bytes(content)
    counts = build_folder(songs, out)
    dropped = dropped_of(out)
    assert dropped["a.mid"] == dropped["b.MID"] == "the same music as live/c.midi"
    assert "damaged" in dropped["torn.mid"]
    assert set(dropped) == {"a.mid", "b.MID", "solo.mid", "torn.mid"}
    assert counts["songs"] == 2
    kept = {
        row["song"]
        for split in dataset.SPLITS
        if list((out / split).iterdir())
        for row in dataset.rows(out, split)
    }
    assert kept == {"d.mid", "live/c.midi"}
    assert {p.relative_to(songs).as_posix(): p.read_bytes() for p in songs.rglob("*.*")} == files


def test_moving_and_renaming_files_moves_no_song_between_train_and_valid(tmp_path: Path) -> None:
    splits = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        for seed in range(30):
            name = f"{seed}.mid" if folder == "here" else f"{100 - seed} moved.mid"
            (tmp_path / folder / name).write_bytes(write_midi(song(seed)))
        build_folder(tmp_path / folder, tmp_path / f"{folder} corpus")
        splits.append(splits_of(tmp_path / f"{folder} corpus"))
    assert splits[0] == splits[1]
    assert set(splits[0].values()) == {"train", "valid"}


def test_a_published_split_is_kept(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    lines = ["path,split"]
    for seed in range(6):
        (tmp_path / "songs" / f"{seed}.mid").write_bytes(write_midi(song(seed)))
        lines.append(f"{seed}.mid,{'valid' if seed == 4 else 'train'}")
    (tmp_path / "split.csv").write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "out"
    build_folder(tmp_path / "songs", out, "--splits", str(tmp_path / "split.csv"))
    assert [row["song"] for row in dataset.rows(out, "valid")] == ["4.mid"]


def test_one_group_in_ten_is_held_out() -> None:
    held_out = sum(split_of(f"group {number}") == "valid" for number in range(5000))
    assert 400 < held_out < 600


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "a.mid").write_bytes(write_midi(song(1)))
    (tmp_path / "songs" / os.fsdecode(b"caf\xe9.mid")).write_bytes(write_midi(song(2)))
    assert build_folder(tmp_path / "songs", tmp_path / "out")["songs"] == 1
    assert list(dropped_of(tmp_path / "out").values()) == ["its name is not UTF-8: rename it"]


def test_a_title_is_no_style_but_a_folder_is(tmp_path: Path) -> None:
    for name in ("Rock the Boat.mid", "Reggae/Swing Low.mid"):
        (tmp_path / "songs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "songs" / name).write_bytes(write_midi(song(len(name))))
    source = SongFolder(tmp_path / "songs")
    assert [source.read(name).labels.style for name in source.names] == ["reggae and ska", ""]


def test_other_songs_of_the_same_names_are_another_corpus(tmp_path: Path) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    (songs / "a.mid").write_bytes(write_midi(song(1)))
    before = SongFolder(songs).stamp
    (songs / "a.mid").write_bytes(write_midi(song(2)))
    assert SongFolder(songs).stamp != before


def test_scores_are_songs_too(tmp_path: Path) -> None:
    """MusicXML is read by its own reader, chord symbols and all."""
    (tmp_path / "songs").mkdir()
    score = tmp_path / "songs" / "score.musicxml"
    score.write_text(SCORE, encoding="utf-8")
    out = tmp_path / "out"
    counts = build_folder(tmp_path / "songs", out)
    assert counts["songs"] == 1
    (excerpt,) = [each for s in dataset.SPLITS for each in streamed(out, s)]
    assert [symbol.text for symbol in excerpt.music.chords] == ["Am"]
    assert {example.instrument for example in excerpt.examples} == {"bass"}


def streamed(out: Path, split: str) -> list[Excerpt]:
    return list(dataset.stream(out, split)) if list((out / split).iterdir()) else []


def measures(pitch: str, octave: int, chord: str = "") -> str:
    note = "<note><pitch><step>{}</step><octave>{}</octave></pitch><duration>1</duration></note>"
    head = "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type>"
    found = []
    for number in range(1, 13):
        first = f"{head}</time></attributes>{chord}" if number == 1 else ""
        notes = note.format(pitch, octave) * 3 + note.format("CDEFGAB"[number % 7], octave)
        found.append(f'<measure number="{number}">{first}{notes}</measure>')
    return "".join(found)


HARMONY = "<harmony><root><root-step>A</root-step></root><kind>minor</kind></harmony>"
SCORE = f"""<?xml version="1.0"?>
<score-partwise version="4.0"><part-list>
<score-part id="P1"><part-name>Flute</part-name></score-part>
<score-part id="P2"><part-name>Bass</part-name><midi-instrument id="P2-I1">
<midi-program>34</midi-program></midi-instrument></score-part>
</part-list><part id="P1">{measures("A", 5, HARMONY)}</part>
<part id="P2">{measures("A", 2)}</part></score-partwise>"""


@pytest.mark.parametrize("command", ["mma", "folder", "gmd"])
def test_help_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert f"Example: python -m subtractive.build {command} " in result.stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["folder", "nowhere", "--out", "out"], "nowhere is not a folder"),
        (["folder", "empty", "--out", "out"], "no song was found"),
        (["folder", "songs", "--out", "songs/a.mid"], "cannot be made"),
        (["folder", "songs", "--out", "out", "--splits", "no.csv"], "no.csv cannot be opened"),
        (["folder", "songs", "--out", "out", "--splits", "bad.csv"], "columns path and split"),
        (["folder", "songs", "--out", "out", "--splits", "odd.csv"], "names the split 'test'"),
        (["folder", "songs", "--out", "out", "--splits", "latin.csv"], "no CSV file in UTF-8"),
        (["folder", "songs", "--out", "out", "--llm-url", "ftp://host"], "address must be like"),
        (["gmd", "empty", "--out", "out"], "no song was found"),
        (["mma", "--out", "out"], "the program mma"),
    ],
)
def test_a_users_error_is_one_sentence_and_exit_code_2(
    asked: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # where there is no mma
    (tmp_path / "empty").mkdir()
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "a.mid").write_bytes(write_midi(song(1)))
    (tmp_path / "bad.csv").write_text("file\n", encoding="utf-8")
    (tmp_path / "odd.csv").write_text("path,split\na.mid,test\n", encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes(b"path,split\ncaf\xe9.mid,train\n")
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out" / "corpus.json").exists()
