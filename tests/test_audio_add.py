"""The command: sound in, sound out, the sound that was given untouched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import audio.add
import audio.tasks
from audio.add import main
from audio.beats import BeatGrid
from audio.engine import StemRequest
from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError
from subtractive.files.midi import write_midi
from subtractive.files.recordings import read_sound
from subtractive.waveform import Recording

SECONDS = 6.0
BPM = 120.0
ROOT = Path(__file__).parents[1]


@dataclass
class Drummer:
    """An engine that plays a burst on every beat, another one for another seed."""

    loudness: float = 0.1
    asked: list[StemRequest] = field(default_factory=list)

    def stem(
        self, request: StemRequest, report: Callable[[float], None] | None = None
    ) -> np.ndarray:
        self.asked.append(request)
        rng = np.random.default_rng([request.seed, len(request.instrument)])
        samples, rate = request.mix.samples.shape[1], request.mix.sample_rate
        grid = request.grid or BeatGrid.steady(BPM, 0, SECONDS)
        since = grid.beat_phase(np.arange(samples) / rate)
        burst = rng.normal(0, self.loudness, (2, samples)) * np.exp(-since * 12)
        if report is not None:
            report(1.0)
        return burst.astype(np.float32)


@pytest.fixture
def drummer(monkeypatch: pytest.MonkeyPatch) -> Drummer:
    """The command with a quick engine, and beats that are known without listening."""
    engine = Drummer()
    monkeypatch.setattr(audio.add, "engine", lambda name, *_: (name, engine))

    def heard(recording: Recording, tempo_bpm: float | None = None, words: str = "") -> BeatGrid:
        if not recording.samples.any():
            raise FileFormatError("the recording is silent: there are no beats to hear")
        return BeatGrid.steady(tempo_bpm or BPM, 0.0, recording.seconds)

    monkeypatch.setattr(audio.tasks, "track_beats", heard)
    return engine


def music(rate: int, channels: int, loudness: float = 0.1, seconds: float = SECONDS) -> np.ndarray:
    """A held tone in each channel, of 24 bits [shape=(sample, channel)]."""
    times = np.arange(round(seconds * rate)) / rate
    # no sample is a millionth of a millionth of the stem's, which no floating point holds with it
    tones = [np.sin(2 * np.pi * 110 * (3 + channel) * times + 0.1) for channel in range(channels)]
    return (loudness * np.stack(tones, axis=1)).astype(np.float32)


@pytest.fixture
def song_path(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, music(22_050, 2), 22_050, subtype="PCM_16")
    return path


def numbers(path: Path) -> np.ndarray:
    """Return what is stored, in a type that differences do not overflow."""
    found = read_sound(path).numbers
    return found.astype(np.int64 if found.dtype == np.int32 else np.float64)


FILES = [
    (".wav", "PCM_16", 44_100, 2), (".wav", "PCM_16", 37_800, 1), (".wav", "PCM_24", 48_000, 2),
    (".wav", "PCM_U8", 11_025, 1), (".wav", "PCM_32", 22_050, 2), (".wav", "FLOAT", 48_000, 2),
    (".wav", "FLOAT", 8000, 1), (".wav", "DOUBLE", 22_050, 2), (".wav", "PCM_24", 48_000, 6),
    (".flac", "PCM_16", 44_100, 2), (".flac", "PCM_24", 96_000, 1), (".aiff", "PCM_16", 22_050, 2),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "subtype", "rate", "channels"), FILES)
def test_the_output_minus_the_stem_is_the_song(
    tmp_path: Path, drummer: Drummer, suffix: str, subtype: str, rate: int, channels: int
) -> None:
    path = tmp_path / f"song{suffix}"
    soundfile.write(path, music(rate, channels), rate, subtype=subtype)
    given = path.read_bytes()
    assert main(["--instrument", "drums", str(path)]) == 0
    assert path.read_bytes() == given
    out, stem = tmp_path / f"song.drums{suffix}", tmp_path / f"song.drums.stem{suffix}"
    assert np.array_equal(numbers(out) - numbers(stem), numbers(path))
    assert np.count_nonzero(numbers(stem)) > 100
    before, after = read_sound(path), read_sound(out)
    for kept in ("sample_rate", "subtype"):
        assert getattr(before, kept) == getattr(after, kept)
    assert before.numbers.shape == after.numbers.shape
    assert drummer.asked[0].mix.sample_rate == rate


@pytest.mark.parametrize(("suffix", "rate"), [(".mp3", 44_100), (".ogg", 48_000)])
def test_what_is_lossy_gets_a_wav_beside_it(
    tmp_path: Path, drummer: Drummer, capsys: pytest.CaptureFixture[str], suffix: str, rate: int
) -> None:
    path = tmp_path / f"song{suffix}"
    soundfile.write(path, music(rate, 2), rate)
    assert main(["--instrument", "drums", str(path)]) == 0
    out, stem = tmp_path / "song.drums.wav", tmp_path / "song.drums.stem.wav"
    assert np.array_equal(numbers(out) - numbers(stem), numbers(path))
    assert soundfile.info(stem).subtype == "FLOAT"
    assert "written as WAV" in capsys.readouterr().err


def test_the_request_carries_the_options(
    tmp_path: Path, drummer: Drummer, song_path: Path, song: Arrangement
) -> None:
    notes = tmp_path / "notes.mid"
    notes.write_bytes(write_midi(song))
    words = ["--prompt", "Add rock drums", "--seed", "7", "--guidance", "3", "--quality", "draft"]
    timing = ["--tempo", "90", "--beats-per-bar", "3", "--notes", str(notes)]
    assert main(["--instrument", "drums", str(song_path), *words, *timing]) == 0
    (asked,) = drummer.asked
    assert (asked.instrument, asked.words, asked.seed) == ("drums", "Add rock drums", 7)
    assert (asked.guidance, asked.steps) == (3, 8)
    assert asked.grid is not None
    assert asked.grid.tempo_bpm == pytest.approx(90)
    assert asked.grid.beats_per_bar == 3
    drums = next(part for part in song.parts if part.is_drums)
    assert asked.notes is not None
    assert list(asked.notes.pitch) == [note.pitch for note in drums.notes]
    assert asked.notes.onset[-1] == pytest.approx(song.seconds_at(drums.notes[-1].onset))


def test_notes_of_a_single_part_are_taken_whatever_plays_them(
    tmp_path: Path, drummer: Drummer, song_path: Path, song: Arrangement
) -> None:
    alone = tmp_path / "alone.mid"
    alone.write_bytes(write_midi(song.with_parts(song.parts[:1])))
    assert main(["--instrument", "bass", str(song_path), "--notes", str(alone)]) == 0
    (asked,) = drummer.asked
    assert asked.notes is not None
    assert len(asked.notes.onset) == len(song.parts[0].notes)


def test_instruments_are_made_in_turn_and_hear_each_other(
    tmp_path: Path, drummer: Drummer, song_path: Path
) -> None:
    assert main(["--instrument", "drums", "--instrument", "bass", str(song_path)]) == 0
    out = numbers(tmp_path / "song.drums.bass.wav")
    drums, bass = (
        numbers(tmp_path / f"song.drums.bass.stem.{name}.wav") for name in ("drums", "bass")
    )
    assert np.array_equal(out - bass - drums, numbers(song_path))
    first, second = (asked.mix.samples for asked in drummer.asked)
    assert np.allclose(first * 2**15, numbers(song_path))
    assert np.allclose(second * 2**15, numbers(song_path) + drums)


def test_variations_differ_and_each_is_what_its_seed_alone_gives(
    tmp_path: Path, drummer: Drummer, song_path: Path
) -> None:
    assert main(["--instrument", "drums", str(song_path), "--seed", "4", "--variations", "3"]) == 0
    stems = [numbers(tmp_path / f"song.drums.{number}.stem.wav") for number in (1, 2, 3)]
    assert not np.array_equal(stems[0], stems[1])
    assert [asked.seed for asked in drummer.asked] == [4, 5, 6]
    assert main(["--instrument", "drums", str(song_path), "--seed", "5"]) == 0
    again = (tmp_path / "song.drums.wav").read_bytes()
    assert again == (tmp_path / "song.drums.2.wav").read_bytes()


def test_only_the_bars_asked_for_sound(tmp_path: Path, drummer: Drummer, song_path: Path) -> None:
    stem_path = tmp_path / "song.drums.stem.wav"
    call = ["--instrument", "drums", str(song_path)]
    assert main(call) == 0
    whole = numbers(stem_path)
    parts = []
    for some in ("1", "2", "3"):
        assert main([*call, "--bars", some]) == 0
        parts.append(numbers(stem_path))
        assert np.array_equal(numbers(tmp_path / "song.drums.wav") - parts[-1], numbers(song_path))
    rate, bar = 22_050, 4 * 60 / BPM
    inside = slice(round((bar + 0.01) * rate), round((2 * bar - 0.04) * rate))
    assert np.array_equal(parts[1][:, inside], whole[:, inside])
    assert not parts[1][:, : round((bar - 0.04) * rate)].any()
    assert not parts[1][:, round(2 * bar * rate) :].any()
    # bars side by side are the whole, up to rounding in the ramps
    assert np.abs(sum(parts) - whole).max() <= 1


def test_level_is_in_decibels(tmp_path: Path, drummer: Drummer, song_path: Path) -> None:
    stems = []
    for level in ("0", "-6", "6"):
        assert main(["--instrument", "drums", str(song_path), "--level", level]) == 0
        stems.append(numbers(tmp_path / "song.drums.stem.wav"))
    loudness = [20 * np.log10(np.std(stem)) for stem in stems]
    assert loudness[1] - loudness[0] == pytest.approx(-6, abs=0.1)
    assert loudness[2] - loudness[0] == pytest.approx(6, abs=0.1)


def test_a_stem_that_is_too_loud_is_turned_down_and_it_is_said(
    tmp_path: Path, drummer: Drummer, song_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drummer.loudness = 0.35
    assert main(["--instrument", "drums", str(song_path), "--json"]) == 0
    shown = capsys.readouterr()
    stem = json.loads(shown.out.splitlines()[-1])["outputs"][0]["stems"][0]
    assert f"turned down by {stem['turned_down_db']:.1f} dB" in shown.err
    out = numbers(tmp_path / "song.drums.wav")
    assert np.abs(out).max() <= 2**15
    assert np.array_equal(out - numbers(tmp_path / "song.drums.stem.wav"), numbers(song_path))


def test_a_song_at_full_scale_still_gets_a_stem(tmp_path: Path, drummer: Drummer) -> None:
    path = tmp_path / "loud.wav"
    soundfile.write(path, np.clip(music(22_050, 2, 3.0), -1, 1), 22_050, subtype="PCM_16")
    assert main(["--instrument", "drums", str(path)]) == 0
    out, stem = numbers(tmp_path / "loud.drums.wav"), numbers(tmp_path / "loud.drums.stem.wav")
    assert np.array_equal(out - stem, numbers(path))
    assert np.count_nonzero(stem) > 1000


def stand_in(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Exchange what separates for something that finds half of the sound."""
    asked: list[tuple[str, Any]] = []

    def separate(recording: Recording, instrument: str, how: Any, device: str) -> Any:
        assert device == "cpu"
        asked.append((instrument, how))
        half = Recording(recording.samples * np.float32(0.5), recording.sample_rate)
        return audio.separation.Separated(half, half)

    import audio.separation

    monkeypatch.setattr(audio.separation, "separate", separate)
    return asked


@pytest.mark.parametrize(
    ("options", "how"),
    [([], "percussive"), (["--demucs-model", "weights"], Path("weights")),
     (["--stems", "stems"], Path("stems")),
     (["--separator", "percussive"], "percussive")],
)  # fmt: skip
def test_what_is_replaced_is_taken_out_first(
    tmp_path: Path,
    drummer: Drummer,
    song_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    how: str | Path,
) -> None:
    asked = stand_in(monkeypatch)
    call = ["--instrument", "drums", str(song_path), "--replace", "--device", "cpu"]
    assert main([*call, *options]) == 0
    assert asked == [("drums", how)]
    out, stem = numbers(tmp_path / "song.drums.wav"), numbers(tmp_path / "song.drums.stem.wav")
    context = out - stem
    assert np.abs(context - numbers(song_path) / 2).max() <= 1
    assert np.allclose(drummer.asked[0].mix.samples * 2**15, context)


def test_replacing_some_bars_leaves_all_others_as_they_are(
    tmp_path: Path, drummer: Drummer, song_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    call = ["--instrument", "drums", str(song_path), "--device", "cpu"]
    assert main([*call, "--replace", "--bars", "2"]) == 0
    out, given = numbers(tmp_path / "song.drums.wav"), numbers(song_path)
    rate, bar = 22_050, 4 * 60 / BPM
    start, stop = round((bar - 0.04) * rate), round(2 * bar * rate)
    assert np.array_equal(out[:, :start], given[:, :start])
    assert np.array_equal(out[:, stop:], given[:, stop:])
    assert not np.array_equal(out[:, start:stop], given[:, start:stop])


def test_beats_are_read_from_a_file(tmp_path: Path, drummer: Drummer, song_path: Path) -> None:
    beats = tmp_path / "beats.txt"
    beats.write_text("# by hand\n0.1 3\n0.6 4\n\n1.1 1\n1.65 2\n")
    assert main(["--instrument", "drums", str(song_path), "--beats", str(beats)]) == 0
    assert drummer.asked[0].grid == BeatGrid((0.1, 0.6, 1.1, 1.65), 2, 4)


def test_many_songs_go_into_a_folder(
    tmp_path: Path, drummer: Drummer, song_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.flac"
    soundfile.write(other, music(44_100, 1), 44_100)
    folder = tmp_path / "with-drums"
    folder.mkdir()
    call = ["--instrument", "drums", str(song_path), str(other), "--out-dir", str(folder)]
    assert main([*call, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["status"] == "ok"
    assert sorted(path.name for path in folder.iterdir()) == [
        "other.drums.flac", "other.drums.stem.flac", "song.drums.stem.wav", "song.drums.wav",
    ]  # fmt: skip
    assert [outcome["input"] for outcome in told["outputs"]] == [str(song_path), str(other)]
    assert told["outputs"][1]["tempo"] == BPM


def test_other_names_and_containers_can_be_chosen(
    tmp_path: Path, drummer: Drummer, song_path: Path
) -> None:
    out, stem, picture = (tmp_path / name for name in ("full.flac", "drums.wav", "seen.png"))
    call = ["--instrument", "drums", str(song_path), "-o", str(out), "--stem-output", str(stem)]
    assert main([*call, "--picture", str(picture)]) == 0
    assert soundfile.info(out).format == "FLAC"
    assert np.array_equal(numbers(out) - numbers(stem), numbers(song_path))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_silent_song_gets_a_stem_but_has_no_bars(
    tmp_path: Path, drummer: Drummer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros((22_050, 2)), 22_050)
    assert main(["--instrument", "drums", str(path)]) == 0
    assert drummer.asked[0].grid is None
    assert main(["--instrument", "drums", str(path), "--bars", "1"]) == 2
    assert "no beats to hear" in capsys.readouterr().err


MISTAKES: list[tuple[list[str], str]] = [
    (["--instrument", "kazoo"], "unknown instrument 'kazoo'"),
    (["--instrument", "drums", "--instrument", "drums"], "named twice"),
    (["--instrument", "drums", "--engine", "steam"], "unknown engine 'steam'"),
    (["--instrument", "drums", "--device", "abacus"], "unknown device 'abacus'"),
    (["--instrument", "drums", "--quality", "divine"], "unknown quality 'divine'"),
    (["--instrument", "drums", "--bars", "9-16"], "the music has bars 1 to 3"),
    (["--instrument", "drums", "--bars", "3-2"], "ends before it begins"),
    (["--instrument", "drums", "--bars", "0"], "names no bars"),
    (["--instrument", "drums", "--bars", "the chorus"], "names no bars"),
    (["--instrument", "drums", "--tempo", "3"], "not within 10 to 1000"),
    (["--instrument", "drums", "--tempo", "fast"], "(see --help)"),
    (["--instrument", "drums", "--tempo", "90", "--beats", "b.txt"], "contradict each other"),
    (["--instrument", "drums", "--beats", "missing.txt"], "missing.txt cannot be read"),
    (["--instrument", "drums", "--beats-per-bar", "0"], "not within 1 to 32"),
    (["--instrument", "drums", "--level", "nan"], "not within -40 to 40 dB"),
    (["--instrument", "drums", "--steps", "0"], "not within 1 to 1000"),
    (["--instrument", "drums", "--guidance", "-1"], "not within 0 to 50"),
    (["--instrument", "drums", "--notes", "missing.mid"], "missing.mid cannot be opened"),
    (["--instrument", "drums", "--stems", "drums.wav"], "give --replace too"),
    (["--instrument", "drums", "--replace", "--separator", "knife"], "unknown separator"),
    (["--instrument", "drums", "--replace", "--separator", "demucs"], "--demucs-model"),
    (["--instrument", "drums", "-o", "song.wav"], "is an input too"),
    (["--instrument", "drums", "-o", "out.wav", "--stem-output", "out.wav"], "written twice"),
    (["--instrument", "drums", "-o", "missing/out.wav"], "folder missing does not exist"),
    (["--instrument", "drums", "-o", "out.mp3"], "only what stores every sample"),
    (["--instrument", "drums", "--stem-output", "stem.ogg"], "only what stores every sample"),
    (["--instrument", "drums", "--picture", "out.jpg"], "must end in .png"),
    (["--instrument", "drums", "second.wav", "-o", "out.wav"], "use --out-dir"),
    (["--instrument", "drums", "--instrument", "bass", "--stem-output", "s.wav"], "one at a time"),
    ([], "Missing option '--instrument'"),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES)
def test_mistakes_are_told_in_one_sentence(
    tmp_path: Path,
    drummer: Drummer,
    song_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert main([song_path.name, *options, "--json"]) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert len(shown.err.splitlines()) == 1
    assert json.loads(shown.out) == {"status": "error", "message": shown.err.strip()}
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert drummer.asked == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.wav", None, "cannot be opened"),
        ("empty.wav", b"", "is not sound that can be read"),
        ("words.mp3", b"no sound but words " * 99, "is not sound that can be read"),
    ],
)
def test_files_without_sound_are_told(
    tmp_path: Path,
    drummer: Drummer,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    words: str,
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["--instrument", "drums", str(path)]) == 2
    assert words in capsys.readouterr().err
    assert drummer.asked == []


def test_several_parts_without_the_instrument_are_no_notes_for_it(
    tmp_path: Path,
    drummer: Drummer,
    song_path: Path,
    song: Arrangement,
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes = tmp_path / "notes.mid"
    notes.write_bytes(write_midi(song.with_parts(song.parts[:2])))
    assert main(["--instrument", "drums", str(song_path), "--notes", str(notes)]) == 2
    assert "has 2 parts with notes and none of them plays the drums" in capsys.readouterr().err


def test_the_command_imports_nothing_slow() -> None:
    code = "import sys, audio.add\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    slow = {"torch", "librosa", "diffusers", "transformers", "matplotlib", "scipy", "soundfile"}
    assert set(done.stdout.split()) & slow == set()


def test_help_shows_examples_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "python -m audio.add --instrument drums --prompt" in shown
    assert "[song.drums.wav]" in shown
