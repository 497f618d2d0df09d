"""The table of the paper's demonstrations: one procedure, laws that hold for whoever made a mix."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from audio.beats import BeatGrid
from audio.engine import Engine, StemRequest
from audio.engines import ENGINES
from benchmarks.audio import paper
from benchmarks.audio.paper_clips import BEATS, demonstrations, draw_beats, read
from benchmarks.audio.paper_tables import NO_EDIT, PAPER, RANDOM, TARGET, report
from benchmarks.audio.systems import made, named_engines, times_on
from benchmarks.metrics.sound_percussive import (
    MEASURES,
    Percussion,
    evaluate,
    percussive,
    steady_beats,
)
from benchmarks.metrics.sound_spectrum import FRAMES_PER_SECOND, RATE
from subtractive.errors import OptionError
from subtractive.waveform import Recording

Samples = npt.NDArray[np.float32]
SECONDS = 3.0
LENGTH = round(SECONDS * RATE)
NAMES = ("rock_drums", "lively_pop", "reggae_drums", "reggae_to_jazz_drums")


def strokes(times: npt.NDArray[np.float64], seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    whole = np.zeros(LENGTH, np.float32)
    for time in times:
        start = round(float(time) * RATE)
        burst = 0.3 * rng.standard_normal(4000) * np.exp(-np.arange(4000) / 800)
        room = whole[start : start + 4000]
        room += burst[: len(room)].astype(np.float32)
    return whole


def chord(hz: float = 220.0) -> Samples:
    """A chord that swells slowly, so that it has no onsets of its own but the first."""
    t = np.arange(LENGTH) / RATE
    tones = sum(np.sin(2 * np.pi * hz * k * t) for k in (1.0, 1.26, 1.5))
    return np.asarray(0.05 * tones * (1 + 0.3 * np.sin(2 * np.pi * 0.4 * t)), np.float32)


def beats_of(name: str) -> npt.NDArray[np.float64]:
    return np.array(BeatGrid.steady(*BEATS[name], SECONDS).beats)


def write(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Clips whose drums are on the beat; the paper's come 100 ms late."""
    root = tmp_path / "clips"
    root.mkdir()
    for seed, name in enumerate(NAMES):
        beats = beats_of(name)
        context = chord(200.0 + 20 * seed)
        write(root / f"{name}_background.wav", context)
        write(root / f"{name}_target.wav", context + strokes(beats, seed))
        write(root / f"{name}_output.wav", context + strokes(beats + 0.1, seed))
    (root / "index.csv").write_text(
        "name,task,prompt\n" + "".join(f"{name},insert,Add drums to {name}\n" for name in NAMES)
    )
    return root


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def found(recording: Recording, words: str) -> BeatGrid:
        return BeatGrid.steady(110, 0.2, recording.seconds)

    monkeypatch.setattr(paper, "track_beats", found)
    monkeypatch.setattr(paper, "engine_state", lambda: "")
    monkeypatch.setattr(paper, "beats_state", lambda: "")
    monkeypatch.setattr(paper, "PARTNERS", 1)
    monkeypatch.setattr(paper, "QUICK_CLIPS", 2)


class Drummer:
    """An engine that plays on the beats of the clip that the words name, some time late."""

    def __init__(self, late: float = 0.0, gain: float = 1.0) -> None:
        self.late, self.gain = late, gain
        self.asked: list[tuple[str, int]] = []

    def stem(self, request: StemRequest, report: Callable[[float], None] | None = None) -> Samples:
        self.asked.append((request.words, request.seed))
        beats = beats_of(request.words.removeprefix("Add drums to "))
        stem = strokes(beats + self.late, NAMES.index(request.words.split()[-1]))
        return np.stack([stem, stem]) * np.float32(self.gain)


def fakes(name: str) -> Engine:
    if name == "guided":
        raise OptionError("no weights here")
    return {"symbolic": Drummer(), "diffusion": Drummer(gain=0.0)}[name]


def mix(stem: Samples) -> Percussion:
    return Percussion((chord() + stem)[None])


BEAT = np.arange(0.3, SECONDS, 0.5)


@lru_cache(maxsize=1)
def target() -> Percussion:
    return mix(strokes(BEAT))


@lru_cache(maxsize=1)
def context() -> Percussion:
    return mix(np.zeros(LENGTH, np.float32))


def scores(output: Percussion) -> dict[str, float]:
    return evaluate(output, target(), context(), BEAT)


def test_the_target_itself_is_right() -> None:
    found = scores(target())
    assert found["beat_f1"] > 0.9
    assert found["onset_f1"] == 1
    assert found["log_mel_db"] == found["no_edit"] == 0
    assert found.keys() == {measure.name for measure in MEASURES}


def test_whoever_comes_late_is_worse_the_later_the_worse() -> None:
    found = [scores(mix(strokes(BEAT + late))) for late in (0.0, 0.1, 0.2)]
    assert found[0]["rhythm_f1"] > 0.9
    assert max(found[1]["rhythm_f1"], found[2]["rhythm_f1"]) < 0.2


def test_no_edit_is_found_out_at_any_volume() -> None:
    assert scores(context())["no_edit"] == 1
    assert scores(Percussion(0.1 * context().samples))["no_edit"] == 1


def test_a_volume_knob_changes_nothing() -> None:
    made = mix(strokes(BEAT + 0.03, seed=3))
    soft = scores(Percussion(0.25 * made.samples))
    assert soft == pytest.approx(scores(made), abs=1e-3)


def test_strokes_stay_in_the_percussive_part_and_chords_do_not() -> None:
    whole, struck, held = (
        float((percussive(each[None]) ** 2).sum())
        for each in (chord() + strokes(BEAT), strokes(BEAT), chord())
    )
    assert held < 0.05 * struck
    assert whole == pytest.approx(struck, rel=0.3)


@pytest.mark.parametrize("tempo", [84.0, 120.0, 150.0])
def test_a_steady_pulse_is_found_to_the_frame(tempo: float) -> None:
    beats = np.arange(0.2, 5, 60 / tempo)
    strength = np.zeros(500)
    strength[np.rint(beats * FRAMES_PER_SECOND).astype(int)] = 1.0
    found = steady_beats(strength)
    assert len(found) == len(beats)
    assert np.abs(found - beats).max() <= 0.02


def test_nothing_struck_has_no_beats() -> None:
    assert len(steady_beats(np.zeros(400))) == 0


def test_mixes_of_different_length_are_refused() -> None:
    short = Percussion(np.zeros((1, LENGTH - 441)))
    with pytest.raises(ValueError, match="one length"):
        evaluate(short, target(), context(), BEAT)


def test_clicks_lie_on_the_grid_inside_the_clip() -> None:
    grid = BeatGrid.steady(120, 1.25, 3.0)
    assert times_on(grid, 1, 2.0) == pytest.approx([0.25, 0.75, 1.25, 1.75])
    assert times_on(grid, 2, 1.0) == pytest.approx([0.0, 0.25, 0.5, 0.75])


def test_what_is_no_stem_of_the_mix_is_a_failure() -> None:
    class Short:
        def stem(
            self, request: StemRequest, report: Callable[[float], None] | None = None
        ) -> Samples:
            return np.zeros((2, 5), np.float32)

    found = made(Short(), StemRequest(Recording(np.zeros((1, 100), np.float32), RATE), "drums"))
    assert "(2, 5)" in found.failure
    assert found.stem.shape == (2, 100)


def test_engines_are_named_or_refused() -> None:
    assert named_engines("symbolic,guided") == ["symbolic", "guided"]
    assert named_engines("none") == []
    with pytest.raises(Exception, match="unknown engine 'drums'"):
        named_engines("drums")


def test_nobody_is_given_the_stem_of_the_same_song(folder: Path) -> None:
    clips = [clip for clip, _ in demonstrations(folder)]
    for own, others in zip(clips, paper.partners(clips, np.random.default_rng(0)), strict=True):
        names = {other.name for other in others}
        assert names
        assert own.name not in names
        assert own.name not in NAMES[2:] or not names & {*NAMES[2:]}


def test_the_table_puts_everybody_in_his_place(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "paper.json"
    asked = ["--folder", str(folder), "--quick", "--json", "--out", str(out)]
    assert paper.main(asked, fakes) == 0
    result = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == result
    rhythm = {name: of["value"] for name, of in result["measures"]["rhythm_f1"]["values"].items()}
    assert rhythm["symbolic"] == pytest.approx(rhythm[TARGET], abs=0.05)
    assert rhythm[TARGET] > 0.8
    assert rhythm["quarters, true beat"] > 0.8
    for name in (PAPER, NO_EDIT, RANDOM, "diffusion", "quarters, tracked beat"):
        assert rhythm[name] < 0.5
    no_edit = {name: of["value"] for name, of in result["measures"]["no_edit"]["values"].items()}
    assert no_edit["diffusion"] == no_edit[NO_EDIT] == 1
    assert no_edit["symbolic"] == no_edit[TARGET] == 0
    assert all(result["verdicts"]["symbolic"].values())
    assert not result["verdicts"]["diffusion"]["no clip without an edit"]
    assert result["left_out"] == {"guided": "no weights here"}
    gain = result["measures"]["rhythm_f1"]["gains"]["symbolic"][PAPER]
    assert gain["low"] > 0
    assert out.with_suffix(".md").read_text() == report(result)
    assert out.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"


def test_what_was_made_is_not_made_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # one clip alone has no partner, and so no random stem
    monkeypatch.setattr(paper, "QUICK_CLIPS", 1)
    drummer = Drummer()
    asked = ["--folder", str(folder), "--quick", "--out", str(tmp_path / "a.json")]
    asked += ["--engines", "symbolic"]
    assert paper.main(asked, lambda _: drummer) == 0
    assert len(drummer.asked) == 1
    assert paper.main(asked, lambda _: drummer) == 0
    assert len(drummer.asked) == 1


def test_clips_without_a_prompt_are_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "index.csv").write_text("name,task,prompt\n")
    assert paper.main(["--folder", str(folder), "--out", str(tmp_path / "a.json")], fakes) == 2
    assert "prompt" in capsys.readouterr().err
    assert set(ENGINES) >= {"symbolic", "diffusion"}


@pytest.mark.data
def test_the_true_beats_are_those_of_the_real_targets(data: Path) -> None:
    triplets = data / "paper_triplets"
    if not triplets.is_dir():
        pytest.skip(f"{triplets} is not there")
    clips = demonstrations(triplets)
    assert [clip.name for clip, _ in clips] == sorted(BEATS)
    shown = read(*clips[-2])
    strength = np.maximum(shown.target.strength - shown.target.strength.mean(), 0)
    at = np.rint(shown.beats * FRAMES_PER_SECOND).astype(int)
    on_beat = [strength[max(place - 3, 0) : place + 4].max() for place in at]
    off_beat = [strength[max(place + 7, 0) : place + 14].max() for place in at]
    assert np.mean(on_beat) > 1.5 * np.mean(off_beat)
    assert draw_beats(shown)[:4] == b"\x89PNG"
