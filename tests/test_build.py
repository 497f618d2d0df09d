"""The corpus: what is kept of a folder, what counts as the same music, and the command."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from subtractive import duplicates
from subtractive.arrangement import Arrangement, Note, Part
from subtractive.build import app
from subtractive.corpus import build_folder, unfit
from subtractive.files.midi import write_midi
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


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@given(st.integers(0, 10_000), st.integers(-12, 12), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_neither_key_nor_speed_changes_what_a_song_is(
    seed: int, semitones: int, times: int
) -> None:
    music = song(seed)
    assert duplicates.sketch(changed(music, semitones, times)) == duplicates.sketch(music)


def test_drums_do_not_count_in_what_a_song_is() -> None:
    music = song(1)
    assert duplicates.sketch(music.with_parts(music.parts[1:])) == duplicates.sketch(music)
    assert duplicates.sketch(music.with_parts(music.parts[:1])) == frozenset()


def test_copies_of_copies_are_one_group_and_other_songs_are_not() -> None:
    music = song(1)
    retouched = music.with_parts((*music.parts[:2], random_part(7, 0, 60)))
    songs = [song(2), music, changed(music, 5), song(3), retouched, Arrangement(BEAT, ())]
    assert duplicates.groups([duplicates.sketch(each) for each in songs]) == [0, 1, 1, 3, 1, 5]


def test_a_part_of_one_repeated_note_makes_no_two_songs_alike() -> None:
    drone = Part("drone", 48, False, tuple(Note(i * BEAT, BEAT, 60, 80) for i in range(64)))
    songs = [Arrangement(BEAT, (drone, random_part(seed))) for seed in (1, 2)]
    assert duplicates.groups([duplicates.sketch(each) for each in songs]) == [0, 1]


def test_what_a_song_needs_to_teach_anything() -> None:
    good = song(1)
    assert unfit(good) == ""
    assert "fewer than 8" in unfit(good.with_parts((drum_part(28), random_part(1, notes=20))))
    assert "no drums, bass or guitar" in unfit(good.with_parts(good.parts[2:] * 2))
    assert "nobody else" in unfit(good.with_parts(good.parts[:1]))


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
    rows = read_rows(out / "index.csv")
    dropped = {row["path"]: row["reason"] for row in read_rows(out / "dropped.csv")}
    assert [row["path"] for row in rows] == ["d.mid", "live/c.midi"]
    assert dropped["a.mid"] == "the same music as live/c.midi"
    assert dropped["b.MID"] == "a copy of a.mid"
    assert set(dropped) == {"a.mid", "b.MID", "solo.mid", "torn.mid"}
    assert counts["songs"] == counts["train"] + counts["valid"] == 2
    assert {p.relative_to(songs).as_posix(): p.read_bytes() for p in songs.rglob("*.*")} == files


def test_moving_and_renaming_files_moves_no_song_between_train_and_valid(tmp_path: Path) -> None:
    splits = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        for seed in range(30):
            name = f"{seed}.mid" if folder == "here" else f"{100 - seed} moved.mid"
            (tmp_path / folder / name).write_bytes(write_midi(song(seed)))
        build_folder(tmp_path / folder, tmp_path / f"{folder} index")
        rows = read_rows(tmp_path / f"{folder} index" / "index.csv")
        splits.append({row["group"]: row["split"] for row in rows})
    assert splits[0] == splits[1]
    assert set(splits[0].values()) == {"train", "valid"}


def test_one_group_in_ten_is_held_out() -> None:
    held_out = sum(split_of(f"group {number}") == "valid" for number in range(5000))
    assert 400 < held_out < 600


def test_the_command_ends_with_the_counts_as_json(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "a.mid").write_bytes(write_midi(song(1)))
    asked = ["folder", str(tmp_path / "songs"), "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[-1])["songs"] == 1


@pytest.mark.parametrize("command", ["mma", "folder"])
def test_help_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert f"Example: python -m subtractive.build {command} " in result.stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["folder", "nowhere", "--out", "out"], "nowhere is not a folder"),
        (["folder", "empty", "--out", "out"], "0 MIDI files under empty"),
        (["folder", "songs", "--out", "songs/a.mid"], "cannot be made"),
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
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out" / "index.csv").exists()
