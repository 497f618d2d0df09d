"""Finished clips: every WAV is read, floors and ceilings lie where they must, failures count."""

from __future__ import annotations

import json
import wave
from argparse import Namespace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.audio import __main__ as audio
from benchmarks.audio import rows as audio_rows
from benchmarks.audio.clips import (
    COHERENT_DB,
    Given,
    added_stem,
    find_clips,
    partners,
    read_given,
    with_clicks,
    with_stem,
)
from benchmarks.audio.rows import NO_EDIT, OUTPUT, RANDOM, TRUE, WRITERS, Task, score
from benchmarks.audio.tables import HALVES, report, scores_of, set_distances, summary
from benchmarks.journal import Row
from benchmarks.metrics.sound import Sound, evaluate, si_sdr_db
from benchmarks.metrics.sound_spectrum import RATE, istft, stft
from subtractive.errors import FileFormatError, OptionError

Samples = npt.NDArray[np.floating]
SECONDS = 2
CLIPS = {"one": 0.5, "two": 0.4, "three": 0.6}  # seconds from beat to beat


def write(path: Path, samples: Samples) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(samples.T * 32767).astype("<i2").tobytes())


def music(beat: float, seed: int) -> tuple[Samples, Samples]:
    """Return a context with a note on each beat, and strokes on each half of it."""
    rng = np.random.default_rng(seed)
    t = np.arange(SECONDS * RATE) / RATE
    fade = np.exp(-4 * (t % beat))
    context = sum(0.1 * np.sin(2 * np.pi * 220 * k * t) * fade for k in (1, 2, 3, 4, 5))
    strokes = 0.2 * rng.standard_normal(len(t)) * np.exp(-60 * (t % (beat / 2)))
    return np.asarray(context)[None], strokes[None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three clips; the system shifted the first clip's strokes, copied the context, and failed."""
    root = tmp_path / "system"
    for seed, (name, beat) in enumerate(CLIPS.items()):
        context, strokes = music(beat, seed)
        write(root / name / "context.wav", context)
        write(root / name / "target.wav", context + strokes)
    context, strokes = music(CLIPS["one"], 0)
    write(root / "one" / "output.wav", context + np.roll(strokes, 3000))
    write(root / "two" / "output.wav", music(CLIPS["two"], 1)[0])
    (root / "three" / "output.wav").write_bytes(b"RIFF")
    (root / "one" / "seconds.txt").write_text("6\n")
    (root / "one" / "beats.txt").write_text("0.5\n1.0\n1.5\n")
    return root


def options(folder: Path, **more: object) -> Namespace:
    asked: dict[str, object] = {
        "files": folder, "name": None, "target": "mix", "seed": 0, "quick": True,
    }  # fmt: skip
    return Namespace(**(asked | more))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def given_of(name: str = "one", seed: int = 0) -> tuple[Given, Samples]:
    context, strokes = music(CLIPS[name], seed)
    return Given(name, Sound(context), Sound(context + strokes), None), strokes


def test_the_stem_that_was_added_is_found_again() -> None:
    given, strokes = given_of()
    assert added_stem(given).samples == pytest.approx(strokes, abs=0.02)


def test_where_phase_is_lost_the_stem_is_found_by_magnitude() -> None:
    given, strokes = given_of()
    rng = np.random.default_rng(8)
    scrambled = []
    for sound in (given.context, given.target):
        size = np.abs(stft(sound.samples))
        made = istft(size * np.exp(2j * np.pi * rng.random(size.shape)), SECONDS * RATE)
        for _ in range(8):  # Griffin and Lim's algorithm
            again = stft(made)
            made = istft(size * again / np.maximum(np.abs(again), 1e-9), SECONDS * RATE)
        scrambled.append(Sound(made))
    assert si_sdr_db(*scrambled) < COHERENT_DB
    lost = Given("one", scrambled[0], scrambled[1], None)
    stem = added_stem(lost)
    assert abs(10 * np.log10((stem.samples**2).sum() / (strokes**2).sum())) < 3


def test_a_stem_as_target_is_put_on_the_context(folder: Path, tmp_path: Path) -> None:
    context, strokes = music(CLIPS["one"], 0)
    write(folder / "one" / "target.wav", strokes)
    (clip,) = [clip for clip in find_clips(folder) if clip.name == "one"]
    given = read_given(clip, "stem", None)
    assert given.target.samples == pytest.approx(context + strokes, abs=1e-3)
    assert read_given(clip, "stem", 1.0).target.seconds == pytest.approx(1)


def test_clicks_on_the_beat_are_on_the_beat() -> None:
    given, _ = given_of()
    clicked = with_clicks(given, 1, np.random.default_rng(0))
    found = evaluate(clicked, given.target, given.context)
    assert found["context_beat_f1"] > 0.8
    energy = ((clicked.samples - given.context.samples) ** 2).sum()
    assert 10 * np.log10(energy / (given.context.samples**2).sum()) == pytest.approx(-6, abs=0.1)
    silent = Given("none", Sound(np.zeros((1, RATE))), given.target, None)
    assert not with_clicks(silent, 2, np.random.default_rng(0)).samples.any()


def test_a_short_stem_is_repeated_and_a_wide_one_mixed() -> None:
    given, _ = given_of()
    short = Sound(np.ones((2, 1000)) * [[0.1], [0.3]])
    mixed = with_stem(given, short).samples
    assert mixed.shape == (2, SECONDS * RATE)
    assert mixed[1] - given.context.samples[0] == pytest.approx(0.3, abs=1e-6)


def test_nobody_is_his_own_partner(rng: np.random.Generator) -> None:
    found = partners(6, 3, rng)
    assert all(own not in others for own, others in enumerate(found))
    assert all(len(set(others)) == 3 for others in found)
    assert partners(1, 3, rng) == [[]]


def test_floors_and_ceilings_lie_where_they_must(folder: Path) -> None:
    result = audio.run(options(folder))
    table = result["metrics"]
    onset = {name: of["value"] for name, of in table["onset_f1"]["values"].items()}
    assert list(onset) == list(WRITERS)
    assert onset[TRUE] == 1
    assert onset[NO_EDIT] == 0
    assert onset[OUTPUT] < onset[TRUE]
    assert table["no_edit"]["values"][NO_EDIT]["value"] == 1
    assert table["edit_db"]["distances"][TRUE]["value"] == 0
    assert table["log_mel_db"]["values"][TRUE]["value"] == 0
    assert table["grid_beat_f1"]["n"] == 1  # one clip's beats are known
    assert table["onset_f1"]["n"] == result["clips"] == 3
    assert result["real_time_factor"] == pytest.approx(6 / SECONDS)
    assert result["metrics_real_time_factor"] > 0
    assert all(gain["value"] <= 0 for of in table.values() for gain in [of["gains"][TRUE]])


def test_a_failed_clip_is_the_worst_and_never_missing(folder: Path) -> None:
    clips = {clip.name: clip for clip in find_clips(folder)}
    rows = {
        name: {row["key"]: row for row in score(Task(clip, (), "mix", None, 0), None)}[
            f"{name}: output"
        ]
        for name, clip in clips.items()
    }
    assert rows["one"]["failure"] == "" != rows["three"]["failure"]
    assert rows["three"]["scores"]["onset_f1"] == 0
    assert rows["three"]["scores"]["no_edit"] == 1
    for metric, worse in (("log_mel_db", 1), ("si_sdr_db", -1)):
        assert worse * rows["three"]["scores"][metric] > worse * rows["one"]["scores"][metric]
    (folder / "one" / "output.wav").unlink()
    assert sorted(audio.run(options(folder))["failures"]) == ["one", "three"]


def test_a_damaged_context_is_no_failure_of_the_system(folder: Path) -> None:
    (folder / "one" / "context.wav").write_bytes(b"RIFF")
    with pytest.raises(FileFormatError):
        audio.run(options(folder))
    (folder / "one" / "context.wav").unlink()
    with pytest.raises(OptionError, match=r"one has no context\.wav"):
        find_clips(folder)


def test_a_run_that_was_stopped_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = audio.run(options(folder))
    scored: list[str] = []
    real = audio_rows.score

    def counted(task: Task, network: None) -> list[Row]:
        scored.append(task.clip.name)
        if len(scored) == 2:
            raise KeyboardInterrupt
        return real(task, network)

    monkeypatch.setattr(audio, "score", counted)
    assert audio.run(options(folder))["metrics"] == whole["metrics"]
    assert scored == []
    with pytest.raises(KeyboardInterrupt):
        audio.run(options(folder, seed=1))
    audio.run(options(folder, seed=1))
    assert scored == ["one", "three", "three", "two"]
    write(folder / "one" / "output.wav", music(0.5, 0)[0])  # another output is another run
    audio.run(options(folder))
    assert scored[4:] == ["one", "three", "two"]


def test_the_same_seed_gives_the_same_numbers(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = audio.run(options(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    again = audio.run(options(folder))
    assert again["metrics"] == first["metrics"]


def test_one_clip_alone_has_no_random_partner(folder: Path) -> None:
    for name in ("two", "three"):
        for path in (folder / name).iterdir():
            path.unlink()
    table = audio.run(options(folder))["metrics"]
    assert RANDOM not in table["onset_f1"]["values"]


def test_the_command_writes_numbers_table_and_picture(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "audio.json"
    asked = ["--files", str(folder), "--quick", "--json", "--out", str(out)]
    assert audio.main(asked) == 0
    kept = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == kept
    assert {"command", "commit", "machine", "seed", "metrics", "clips"} <= kept.keys()
    assert kept["metrics"]["onset_f1"]["values"][OUTPUT].keys() == {"value", "low", "high"}
    assert out.with_suffix(".md").read_text() == report(kept)
    assert out.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"


def test_a_folder_without_clips_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audio.main(["--files", str(tmp_path), "--out", str(tmp_path / "a.json")]) == 2
    assert "holds no clips" in capsys.readouterr().err


def test_clouds_of_embeddings_are_compared_with_the_true_mixes(folder: Path) -> None:
    rng = np.random.default_rng(0)
    names = ["one", "two", "three"]
    rows = {
        f"{name}: {writer}": {"embeddings": (rng.standard_normal((4, 5)) + far).tolist()}
        for name in names
        for writer, far in ((OUTPUT, 3.0), (NO_EDIT, 0.0), (TRUE, 0.0))
    }
    found = set_distances(rows, names, 0)
    assert list(found) == [OUTPUT, NO_EDIT, HALVES]
    assert found[OUTPUT]["frechet"] > 3 * found[NO_EDIT]["frechet"]
    assert found[OUTPUT]["windows"] == 12
    assert found[OUTPUT]["frechet_infinity"] is None


@pytest.mark.data
def test_the_papers_own_outputs_are_no_copies(data: Path) -> None:
    triplets = data / "paper_triplets"
    if not triplets.is_dir():
        pytest.skip(f"{triplets} is not there")
    clips = find_clips(triplets)
    assert len(clips) == 8
    rows = {row["key"]: row for row in score(Task(clips[0], clips[1:2], "mix", None, 0), None)}
    table = summary(scores_of(rows, [clips[0].name]), 0)
    assert table["no_edit"]["values"][OUTPUT]["value"] == 0
    assert table["onset_f1"]["values"][OUTPUT]["value"] > 0
