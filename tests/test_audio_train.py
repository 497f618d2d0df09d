"""From notes to a corpus of sound to trained weights to a stem: all small, all real."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audio import train as training
from audio.autoencoder import Autoencoder, AutoencoderConfig, load_autoencoder
from audio.beats import BeatGrid
from audio.checkpoint import shipped, write
from audio.corpus import SoundCorpus, Sources, decibels, main, render, weighted
from audio.diffusion import WEIGHTS, DiffusionConfig, StemDiffusion, load_diffusion
from audio.diffusion_engine import DiffusionEngine, Models
from audio.engine import StemRequest
from audio.lessons import lessons, manner
from audio.mel import FLOOR_DB, FRAMES_PER_SECOND, MELS, RATE
from audio.rendering import FRAMES, SECONDS
from audio.roll import ROWS
from subtractive.errors import FileFormatError, OptionError
from subtractive.files.sound import default_soundfont
from subtractive.instruments import INSTRUMENTS
from subtractive.waveform import Recording
from tests.conftest import eight_bars
from tests.test_dataset import write_corpus
from tests.test_lessons import long_song

pytest.importorskip("tinysoundfont", reason="stems are played by tinysoundfont")

CODER = AutoencoderConfig(latent=8)
SMALL = DiffusionConfig(latent=8, width=64, layers=1, words=16, notes=8)


def coder() -> Autoencoder:
    return Autoencoder(CODER).eval()


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("notes"), {"one": long_song(eight_bars(), 2)})


@pytest.fixture(scope="module")
def sound(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> SoundCorpus:
    out = tmp_path_factory.mktemp("sound")
    assert render(Sources([(notes, 1.0)], [default_soundfont()]), out, windows=6) == 6
    return SoundCorpus(out)


def test_a_window_holds_the_music_it_says(sound: SoundCorpus) -> None:
    for index in range(len(sound)):
        lesson = sound[index]
        assert lesson.notes is not None
        assert lesson.grid is not None
        assert lesson.stem.shape == lesson.context.shape == (MELS, FRAMES)
        assert lesson.instrument in INSTRUMENTS
        assert ((lesson.notes.onset < SECONDS) & (lesson.notes.end > 0)).all()
        # a stroke is heard: the stem is louder in its frames than in its quietest ones
        inside = lesson.notes.onset[(lesson.notes.onset > 0.5) & (lesson.notes.onset < 9)]
        at = np.rint(inside * FRAMES_PER_SECOND).astype(int) + 2
        loudness = lesson.stem.astype(float).mean(axis=0)
        assert loudness[at].mean() > np.percentile(loudness, 25)
        # drums of the fixture play on the eighths of its grid
        if lesson.instrument == "drums":
            places = lesson.grid.beat_of(inside) * 2
            assert np.abs(places - np.rint(places)).max() < 0.05


def test_rendering_that_was_stopped_makes_the_same_corpus(
    notes: Path, sound: SoundCorpus, tmp_path: Path
) -> None:
    for windows in (3, 6):
        render(Sources([(notes, 1.0)], [default_soundfont()]), tmp_path, windows=windows)
        with (tmp_path / "stem.npy").open("ab") as file:
            file.write(b"torn")
    again = SoundCorpus(tmp_path)
    for index in range(6):
        assert np.array_equal(again[index].stem, sound[index].stem)
        assert np.array_equal(again[index].context, sound[index].context)
        assert again[index].concepts == sound[index].concepts


def test_songs_with_stems_are_lessons_too(tmp_path: Path) -> None:
    rng, time = np.random.default_rng(3), np.arange(12 * RATE) / RATE
    for name, sound in (
        ("bass", np.sin(2 * np.pi * 60 * time)),
        ("other", np.sin(2 * np.pi * 500 * time) * (time % 0.5 < 0.2)),
        ("drums", rng.standard_normal(len(time)) * np.exp(-20 * (time % 0.5))),
    ):
        folder = tmp_path / "train" / "rock song"
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{name}.wav", 0.1 * sound, RATE)
    out = tmp_path / "out"
    assert render(Sources([], [], [(tmp_path, 1.0)]), out, windows=3) == 3
    corpus = SoundCorpus(out)
    assert {corpus[index].source for index in range(3)} == {"stems"}
    assert all(corpus[index].notes is None for index in range(3))
    _, told = lessons(corpus, coder(), 0, 1, 4)
    assert not told.has_roll.any()
    with pytest.raises(FileFormatError, match="no song in its split"):
        render(Sources([], [], [(tmp_path, 1.0)]), out, windows=3, split="valid")
    with pytest.raises(OptionError, match="--soundfont"):
        render(Sources([(tmp_path, 1.0)], []), out, windows=3)


def test_mistakes_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileFormatError, match=r"audio\.corpus"):
        SoundCorpus(tmp_path)
    with pytest.raises(OptionError, match="weight above 0"):
        weighted("songs:none")
    assert weighted("songs:0.5") == (Path("songs"), 0.5)
    nothing = ["--notes", str(tmp_path), "--soundfont", "no.sf2", "--out", str(tmp_path / "out")]
    assert main(nothing) == 2
    assert "does not exist" in capsys.readouterr().err


def test_batches_are_drawn_by_seed_and_step(sound: SoundCorpus) -> None:
    stems, told = lessons(sound, coder(), 0, 1, 3)
    again, as_told = lessons(sound, coder(), 0, 1, 3)
    assert torch.equal(stems, again)
    assert all(torch.equal(one, other) for one, other in zip(told, as_told, strict=True))
    assert stems.shape == (3, CODER.latent, FRAMES // 4)
    assert told.roll.shape == (3, ROWS, FRAMES)
    # every other batch is of half windows, twice as many
    assert lessons(sound, coder(), 0, 2, 3)[0].shape == (6, CODER.latent, FRAMES // 8)


def test_manner_is_measured() -> None:
    flat = torch.full((MELS, 50), -60.0)
    slope = torch.linspace(-40, 40, MELS)[:, None]
    assert "bright" in manner(flat + slope, flat, "drums")
    assert "dark" in manner(flat - slope, flat, "drums")
    assert "loud" in manner(flat + 12, flat, "drums")
    assert "quiet" in manner(flat - 30, flat, "drums")


def arguments(folder: Path, sound: Path, *more: str) -> list[str]:
    return [
        "--corpus", str(sound), "--valid", str(sound), "--state", str(folder / "state"),
        "--batch", "2", "--json", *more,
    ]  # fmt: skip


class Clock:
    """Time that passes a minute whenever it is asked for."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 60
        return self.now


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    sound: SoundCorpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(training, "VALID_BATCHES", 1)
    monkeypatch.setattr(training, "VALID_COUNT", 2)
    write(tmp_path / "coder.safetensors", CODER, coder().state_dict())
    more = ["--autoencoder", str(tmp_path / "coder.safetensors"), "--width", "64", "--layers", "1"]

    def trained(name: str, *sittings: int) -> bytes:
        for minutes in sittings:
            monkeypatch.setattr(training, "time", Clock())
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            out = folder / "weights.safetensors"
            options = ["--minutes", str(minutes), "--every", "1", "--export", str(out), *more]
            assert training.main(arguments(folder, sound.folder, *options)) == 0
        return out.read_bytes()

    assert trained("whole", 4) == trained("twice", 1, 3)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["step"] == 4
    assert np.isfinite(last["valid"])
    log = (tmp_path / "twice" / "state" / "log.csv").read_text().splitlines()
    assert log[0] == "minutes,step,train,valid"
    assert len(log) == 5


def test_a_run_of_other_sizes_is_told_of(
    sound: SoundCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "coder.safetensors", CODER, coder().state_dict())
    given = ["--autoencoder", str(tmp_path / "coder.safetensors"), "--minutes", "0.001"]
    sizes = ["--width", "64", "--layers"]
    assert training.main(arguments(tmp_path, sound.folder, *given, *sizes, "1")) == 0
    assert training.main(arguments(tmp_path, sound.folder, *given, *sizes, "2")) == 2
    assert "other sizes" in capsys.readouterr().err


def test_learning_lowers_the_loss(sound: SoundCorpus, tmp_path: Path) -> None:
    torch.manual_seed(0)
    run = training.Run(StemDiffusion(SMALL), coder(), tmp_path, count=4, rate=2e-3, seed=0)
    run.step = training.WARM_UP
    first = run.validate(sound)
    for _ in range(30):
        run.learn(sound)
    assert run.validate(sound) < 0.9 * first


def test_the_autoencoder_is_the_best_linear_one(sound: SoundCorpus) -> None:
    pictures = [decibels(sound[index].stem) for index in range(len(sound))]
    made = [Autoencoder.fitted(AutoencoderConfig(latent=size), pictures) for size in (4, 16, 512)]
    whole = torch.stack(pictures)
    errors = [(each.decode(each.encode(whole)) - whole).square().mean() for each in made]
    assert errors[0] > 1.5 * errors[1]
    assert errors[2] < 1e-3  # as many components as there are numbers in a patch keep all
    latents = made[1].encode(whole)
    assert latents.var(dim=(0, 2)).mean().item() == pytest.approx(1, abs=0.2)
    # components say different things
    flat = latents.transpose(0, 1).flatten(1)
    assert (torch.corrcoef(flat) - torch.eye(16)).abs().max() < 0.05


def test_the_engine_makes_a_stem_as_long_as_the_mix() -> None:
    torch.manual_seed(0)
    engine = DiffusionEngine(
        led_by_notes=False, models=Models(coder(), StemDiffusion(SMALL).eval())
    )
    rng = np.random.default_rng(0)
    mix = Recording(rng.normal(0, 0.05, (2, 44_100 * 3 + 17)).astype(np.float32), 44_100)
    request = StemRequest(mix, "drums", "bright rock", 3, BeatGrid.steady(120, 0, 3), steps=2)
    seen: list[float] = []
    stem = engine.stem(request, seen.append)
    assert stem.shape == mix.samples.shape
    assert stem.dtype == np.float32
    assert np.isfinite(stem).all()
    assert seen == [0.5, 1.0]
    assert np.array_equal(stem, engine.stem(request))


@pytest.mark.skipif(not shipped(WEIGHTS).is_file(), reason="no weights of sound in this checkout")
def test_shipped_weights_are_of_one_family() -> None:
    shipped, model = load_autoencoder(), load_diffusion()
    assert shipped.config.latent == model.config.latent
    assert shipped.config.stride == model.config.stride
    silence = shipped.decode(shipped.encode(torch.full((1, MELS, 64), FLOOR_DB)))
    assert silence.max() < -70
