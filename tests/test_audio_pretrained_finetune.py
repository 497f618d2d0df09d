"""Fine-tuning end to end on tiny pipelines: it learns, resumes to the bit, and exports."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from accelerate import Accelerator

from audio.engine import StemRequest
from audio.pretrained.finetune import main
from audio.pretrained.folders import open_model
from audio.pretrained.insert import PretrainedEngine
from audio.pretrained.lessons import Lesson, RenderedLessons, StemLessons
from audio.pretrained.model import Pretrained, generator_of
from audio.pretrained.run import Run, Settings, finetune
from subtractive.arrangement import Arrangement
from subtractive.dataset import table_of, write_shard
from subtractive.errors import FileFormatError, OptionError
from subtractive.files.sound import default_soundfont
from subtractive.stem_folders import songs
from subtractive.waveform import Recording
from subtractive.workers import song_rows
from tests import audio_pretrained_tiny as tiny
from tests.test_excerpts import as_song


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is equal to the bit on a CPU need not be on a GPU."""
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")


class Loop:
    """Two lessons over and over: a click train that is missing beside a low or a high tone."""

    def __init__(self, model: Pretrained) -> None:
        count, rate = model.samples, model.sample_rate
        self._lessons = []
        for number, words in enumerate(("add rock drums", "add soft drums")):
            tone = np.sin(2 * np.pi * (50 + 100 * number) * np.arange(count) / rate)
            clicks = np.where(np.arange(count) % (rate // 20) < 8, 0.4, 0.0)
            context, stem = (
                Recording(np.stack([each, each]).astype(np.float32), rate)
                for each in (0.1 * tone, clicks)
            )
            self._lessons.append(Lesson(context, stem, words))

    def __getitem__(self, number: int) -> Lesson:
        return self._lessons[number % 2]


def run_of(folder: Path, state: Path, settings: Settings) -> Run:
    model = open_model(folder)
    model.widen()
    accelerator = Accelerator(gradient_accumulation_steps=settings.accumulation)
    return Run(accelerator, model, settings, state)


def weights(run: Run) -> list[torch.Tensor]:
    learned = [*run.model.denoiser.parameters(), *run.average.shadow_params]
    return [weight.detach().clone() for weight in learned]


def error(model: Pretrained) -> float:
    """Return the loss on one batch at fixed draws of noise."""
    lessons = Loop(model)
    target, condition = model.encode([lessons[n] for n in range(2)], generator_of(1))
    with torch.no_grad():
        draws = [model.loss(model.denoiser, target, condition, generator_of(n)) for n in range(3)]
    return float(torch.stack(draws).mean())


def test_the_loss_on_a_fixed_batch_falls(tmp_path: Path) -> None:
    folder = tiny.stable_audio(tmp_path / "model")
    run = run_of(folder, tmp_path / "state", Settings(40, 2, 3e-3, warmup=5, every=100))
    before = error(run.model)
    finetune(run, Loop(run.model))
    assert error(run.model) < 0.8 * before
    with (tmp_path / "state" / "loss.csv").open(newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["step", "loss"] and [int(row[0]) for row in rows[1:]] == [*range(1, 41)]


def test_riffusion_learns_its_picture(tmp_path: Path) -> None:
    folder = tiny.riffusion(tmp_path / "model")
    run = run_of(folder, tmp_path / "state", Settings(2, 1, 1e-2, warmup=1, every=100))
    before = error(run.model)
    finetune(run, Loop(run.model))
    assert error(run.model) < 0.98 * before


@pytest.mark.parametrize(
    ("kind", "whole", "part", "accumulation"), [("stable_audio", 5, 2, 2), ("riffusion", 2, 1, 1)]
)
def test_a_run_that_was_stopped_goes_on_to_the_bit(
    tmp_path: Path, kind: str, whole: int, part: int, accumulation: int
) -> None:
    make: Callable[[Path], Path] = getattr(tiny, kind)
    folder = make(tmp_path / "model")
    settings = Settings(whole, 1, 1e-2, 4, accumulation, seed=5, every=100)
    straight = run_of(folder, tmp_path / "a", settings)
    finetune(straight, Loop(straight.model))
    first = run_of(folder, tmp_path / "b", replace(settings, steps=part))
    finetune(first, Loop(first.model))
    torch.manual_seed(123)  # what else happens in between is no matter
    second = run_of(folder, tmp_path / "b", settings)
    second.resume()
    assert second.step == part
    finetune(second, Loop(second.model))
    assert all(map(torch.equal, weights(straight), weights(second)))
    assert not all(map(torch.equal, weights(first), weights(second)))
    assert (tmp_path / "a" / "loss.csv").read_text() == (tmp_path / "b" / "loss.csv").read_text()


def test_accumulated_batches_make_the_step_of_their_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noise() -> torch.Generator:
        return generator_of(0)

    folder = tiny.stable_audio(tmp_path / "model")
    found = []
    for name, batch, accumulation in (("one", 2, 1), ("two", 2, 2)):
        settings = Settings(1, batch, 1e-2, warmup=0, accumulation=accumulation, every=100)
        run = run_of(folder, tmp_path / name, settings)
        # every part draws the noise of the first
        encode, loss = run.model.encode, run.model.loss
        monkeypatch.setattr(run.model, "encode", lambda batch, _, its=encode: its(batch, noise()))
        monkeypatch.setattr(run.model, "loss", lambda *told, its=loss: its(*told[:-1], noise()))
        finetune(run, Loop(run.model))
        found.append(weights(run))
    for one, two in zip(*found, strict=True):
        assert torch.allclose(one, two, atol=1e-5)


def test_a_stop_while_saving_leaves_the_state_before(tmp_path: Path) -> None:
    folder = tiny.stable_audio(tmp_path / "model")
    settings = Settings(2, 1, 1e-3, every=1)
    run = run_of(folder, tmp_path / "state", settings)
    finetune(run, Loop(run.model))
    assert run.saved() == [2]
    (tmp_path / "state" / "step-3.part").mkdir()
    again = run_of(folder, tmp_path / "state", settings)
    again.resume()
    assert again.step == 2 and all(map(torch.equal, weights(run), weights(again)))


def test_a_state_of_another_model_or_of_none_is_refused(tmp_path: Path) -> None:
    settings = Settings(1, 1, every=1)
    run = run_of(tiny.stable_audio(tmp_path / "one"), tmp_path / "state", settings)
    with pytest.raises(OptionError, match="holds no run"):
        run.resume()
    finetune(run, Loop(run.model))
    other = run_of(tiny.riffusion(tmp_path / "two"), tmp_path / "state", settings)
    with pytest.raises(OptionError, match="another model"):
        other.resume()


@pytest.fixture
def corpus(tmp_path: Path, song: Arrangement) -> Path:
    """A corpus of one song, eight bars of 16 seconds."""
    folder = tmp_path / "corpus"
    (folder / "train").mkdir(parents=True)
    rows = song_rows(as_song(song, "one"), 0)
    write_shard(folder / "train" / "00000.parquet", table_of(rows))
    return folder


@pytest.fixture
def soundfont() -> Path:
    pytest.importorskip("tinysoundfont", reason="needs TinySoundFont")
    return default_soundfont()


def test_rendered_lessons_sound_have_words_and_come_again(corpus: Path, soundfont: Path) -> None:
    lessons, again = (RenderedLessons([corpus], [soundfont], 2.0, 8000, seed=3) for _ in range(2))
    assert len(lessons) == 1
    seen = set()
    for number in range(8):
        lesson = lessons[number]
        assert lesson == again[number]
        for sound in (lesson.context, lesson.stem):
            assert sound.samples.shape == (2, 16_000)
            assert np.abs(sound.samples).max() > 1e-3
        assert lesson.words
        seen.add((lesson.words, lesson.stem.samples.tobytes()))
    assert len({words for words, _ in seen}) == 3  # drums, bass, guitar
    assert len(seen) == 8
    other = RenderedLessons([corpus], [soundfont], 2.0, 8000, seed=4)
    assert any(other[number] != lessons[number] for number in range(8))


def test_a_lesson_s_notes_fall_where_they_are_written(
    corpus: Path, soundfont: Path, song: Arrangement
) -> None:
    """A lesson as long as the song begins with it, at whatever note it was drawn."""
    lesson = RenderedLessons([corpus], [soundfont], 400.0, 4000)[0]
    ends = song.seconds_at(max(note.end for part in song.parts for note in part.notes))
    after = round((ends + 5) * 4000)
    assert np.abs(lesson.stem.samples[:, :after]).max() > 0
    assert np.abs(lesson.stem.samples[:, after:]).max() < 1e-3


def stems(folder: Path, seconds: float = 2.0) -> Path:
    """Write a song with two stems, the bass silent in its second half."""
    rate = 8000
    song = folder / "train" / "Rock" / "song"
    song.mkdir(parents=True)
    time = np.arange(round(seconds * rate)) / rate
    bass = np.where(time < seconds / 2, 0.3 * np.sin(2 * np.pi * 80 * time), 0)
    soundfile.write(song / "bass.wav", bass, rate, subtype="FLOAT")
    soundfile.write(song / "keys.wav", 0.2 * np.sin(2 * np.pi * 440 * time), rate, subtype="FLOAT")
    return folder


def test_lessons_from_songs_with_stems_sum_to_the_song(tmp_path: Path) -> None:
    found = list(songs(stems(tmp_path, 6.0)))
    lessons, again = (StemLessons(found, 1.0) for _ in range(2))
    whole = found[0].mix().sound.samples[0]
    for number in range(6):
        lesson = lessons[number]
        assert lesson == again[number] and "bass" in lesson.words.lower()
        total = (lesson.context.samples + lesson.stem.samples)[0]
        assert np.abs(lesson.stem.samples).max() > 0.1
        place = int(np.argmax(np.correlate(whole, total, mode="valid")))
        assert np.abs(whole[place : place + len(total)] - total).max() < 1e-5


def test_songs_in_which_nothing_can_be_taken_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no song"):
        StemLessons([], 1.0)
    folder = stems(tmp_path)
    bass = folder / "train" / "Rock" / "song" / "bass.wav"
    soundfile.write(bass, np.zeros(16_000), 8000)
    with pytest.raises(OptionError, match="is heard beside others"):
        StemLessons(list(songs(folder)), 1.0)[0]


def options(model: Path, state: Path, *more: object) -> list[str]:
    words = ["--model", model, "--state", state, "--batch", 1, "--warmup", 2, *more]
    return [str(word) for word in words]


def test_the_command_learns_resumes_exports_and_the_engine_plays(
    tmp_path: Path,
    corpus: Path,
    soundfont: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tiny.stable_audio(tmp_path / "model")
    told = ["--corpus", corpus, "--soundfont", soundfont]
    start = options(folder, tmp_path / "state", *told, "--steps", 2)
    assert main(start) == 0
    assert capsys.readouterr().out.startswith("step 2: loss ")
    assert main(start) == 2
    assert "give --resume" in capsys.readouterr().err
    assert main([*start, "--resume"]) == 2
    assert "more --steps" in capsys.readouterr().err
    end = options(folder, tmp_path / "state", *told, "--steps", 3, "--resume", "--json")
    assert main([*end, "--checkpointing", "--export", str(tmp_path / "out")]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 3
    mix = Recording(np.full((1, 900), 0.1, np.float32), 4000)
    stem = PretrainedEngine(tmp_path / "out").stem(StemRequest(mix, "drums", steps=2))
    assert stem.shape == (2, 900) and np.isfinite(stem).all() and np.abs(stem).max() > 0


def test_workers_make_the_same_lessons_and_tell_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny.stable_audio(tmp_path / "model", frames=96)  # half a second must be heard
    for count in (0, 1):
        told = ["--songs", stems(tmp_path / f"songs{count}"), "--steps", 1, "--workers", count]
        assert main(options(folder, tmp_path / f"state{count}", *told)) == 0
    logs = [(tmp_path / f"state{count}" / "loss.csv").read_text() for count in (0, 1)]
    assert logs[0] == logs[1]
    (tmp_path / "songs1" / "train" / "Rock" / "song" / "keys.wav").write_bytes(b"none")
    told = ["--songs", tmp_path / "songs1", "--steps", 1, "--workers", 1]
    capsys.readouterr()
    assert main(options(folder, tmp_path / "state", *told)) == 2
    words = capsys.readouterr().err
    assert "keys.wav" in words and words.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "give --corpus, or else --songs"),
        (("--corpus", "{corpus}"), "name one by --soundfont"),
        (("--corpus", "nowhere", "--soundfont", "{font}"), "no corpus"),
        (("--corpus", "{corpus}", "--soundfont", "none.sf2"), "does not exist"),
        (("--songs", "nowhere"), "nowhere"),
        (("--target", "mix"), "Stable Audio makes the stem"),
        (("--resume", "--corpus", "{corpus}", "--soundfont", "{font}"), "holds no run"),
    ],
)
def test_a_mistake_gives_one_sentence(
    tmp_path: Path,
    corpus: Path,
    soundfont: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    words: str,
) -> None:
    folder = tiny.stable_audio(tmp_path / "model")
    named = [word.format(corpus=corpus, font=soundfont) for word in more]
    assert main(options(folder, tmp_path / "state", "--steps", 1, *named)) == 2
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def test_nothing_to_take_out_is_said(tmp_path: Path, song: Arrangement, soundfont: Path) -> None:
    (tmp_path / "train").mkdir()
    rows = song_rows(as_song(replace(song, parts=song.parts[:1]), "one"), 0)
    write_shard(tmp_path / "train" / "00000.parquet", table_of(rows))
    with pytest.raises(FileFormatError, match="nothing can be taken out"):
        RenderedLessons([tmp_path], [soundfont], 1.0, 8000)
