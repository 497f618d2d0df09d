"""Stems of rendered songs: floors and ceilings lie where they must, words move the sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from audio.beats import BeatGrid
from audio.engine import Engine, StemRequest
from benchmarks.audio import rendered, rendered_rows, words
from benchmarks.audio.clips import clicks
from benchmarks.audio.comparison import compared
from benchmarks.audio.pieces import (
    LEVEL,
    SECONDS,
    STYLES,
    TUNES,
    Piece,
    Rendered,
    kinds,
    partners,
    render,
    started,
    struck,
)
from benchmarks.audio.rendered_rows import (
    RANDOM,
    SHUFFLED,
    SILENCE,
    TRUE,
    Task,
    makers,
    packed,
    systems,
    unpacked,
)
from benchmarks.audio.rendered_tables import by_song, clouds, report
from benchmarks.audio.stem_scores import MEASURES, Judge, failed
from benchmarks.audio.style_ear import heard_in, learned
from benchmarks.audio.systems import times_on
from benchmarks.audio.words import centroid_octaves, summary
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.sound import Sound
from benchmarks.metrics.sound_spectrum import RATE
from subtractive.arrangement import Arrangement, Note
from subtractive.arrays import notes_array, to_arrays
from subtractive.dataset import SPLITS, table_of, to_row, write_shard
from subtractive.errors import OptionError
from subtractive.excerpts import Example, Excerpt, Labels
from subtractive.facts import measure
from subtractive.files.sound import default_soundfont
from subtractive.synthesis import SoundFontPlayer, Strokes
from subtractive.waveform import Recording

Samples = npt.NDArray[np.float32]
FAMILIES = {"jazz and swing": 2, "metal": 4}  # strokes a beat
BEAT, BAR = 480, 1920  # ticks


@pytest.fixture(scope="module")
def player() -> SoundFontPlayer:
    return SoundFontPlayer(default_soundfont())


def piece_of(song: Arrangement, name: str = "song", family: str = "") -> Piece:
    return Piece(name, name, TUNES, to_arrays(song), 1.0, "Add rock drums", family)


@pytest.fixture
def truth(song: Arrangement, player: SoundFontPlayer) -> Rendered:
    found = render(piece_of(song), "drums", player)
    assert found is not None
    return found


def late(stem: Samples, seconds: float) -> Samples:
    return np.roll(stem, round(seconds * RATE), axis=1)


def test_a_window_is_its_context_and_its_stem(
    song: Arrangement, player: SoundFontPlayer, truth: Rendered
) -> None:
    assert truth.context.shape == truth.stem.shape == (2, round(SECONDS * RATE))
    assert np.sqrt((truth.context**2).mean()) == pytest.approx(LEVEL, rel=1e-3)
    assert truth.onsets[:4] == pytest.approx([0, 0.25, 0.5, 0.75])  # 8ths at 120
    assert truth.beats[:3] == pytest.approx([0, 0.5, 1.0])
    parts = tuple(part for part in song.parts if not part.is_drums)
    alone = render(replace(piece_of(song.with_parts(parts))), "drums", player)
    assert alone is None


def test_notes_struck_together_count_once() -> None:
    onset = np.array([0.5, 0.51, 1.0, 30.0])
    notes = Strokes(onset, onset + 0.1, np.full(4, 38), np.full(4, 90))
    assert struck([notes], 0.25) == pytest.approx([0.25, 0.75])


def test_windows_lie_where_the_instrument_plays(song: Arrangement) -> None:
    found = list(started(piece_of(song), "drums", 3, np.random.default_rng(0)))
    assert len(found) == 3
    assert all(0 <= each.start <= 16 - SECONDS for each in found)
    drums = tuple(part for part in song.parts if part.is_drums)
    alone = piece_of(song.with_parts(drums))
    assert list(started(alone, "drums", 3, np.random.default_rng(0))) == []


def test_the_true_stem_is_right_and_late_strokes_are_wrong(truth: Rendered) -> None:
    judge = Judge(truth)
    right, wrong = judge.scores(truth.stem), judge.scores(late(truth.stem, 0.1))
    assert right["onset_f1"] > 0.95
    assert right["beat_f1"] > 0.9
    assert right["low_f1"] == right["middle_f1"] == right["high_f1"] == 1
    assert right["log_mel_db"] == right["no_edit"] == 0
    assert wrong["onset_f1"] < 0.1
    assert wrong["beat_f1"] < 0.2
    assert max(wrong["low_f1"], wrong["middle_f1"], wrong["high_f1"]) < 0.2
    assert wrong["log_mel_db"] > right["log_mel_db"]
    assert right.keys() == {measure.name for measure in MEASURES} == failed().keys()


def test_a_volume_knob_changes_only_the_level(truth: Rendered) -> None:
    judge = Judge(truth)
    loud, soft = judge.scores(truth.stem), judge.scores(0.5 * truth.stem)
    assert soft.pop("level_db") == pytest.approx(loud.pop("level_db") - 6.02, abs=0.01)
    assert soft == pytest.approx(loud, abs=1e-6, nan_ok=True)


def test_what_nobody_hears_is_no_edit(truth: Rendered) -> None:
    assert Judge(truth).scores(0.001 * truth.stem)["no_edit"] == 1


def test_silence_is_no_edit(truth: Rendered) -> None:
    found = Judge(truth).scores(np.zeros_like(truth.stem))
    assert found["no_edit"] == 1
    assert found["onset_f1"] == found["beat_f1"] == found["high_f1"] == 0
    assert found["level_db"] == -60


class Band:
    """An engine that returns the true stem, some time late; it knows the words busy and soft."""

    def __init__(self, stem: Samples, seconds: float = 0.0) -> None:
        self.stems = stem
        self.seconds = seconds
        self.asked: list[StemRequest] = []

    def stem(self, request: StemRequest, report: Callable[[float], None] | None = None) -> Samples:
        self.asked.append(request)
        made = late(self.stems, self.seconds)
        if "busy" in request.words:
            made = made + late(self.stems, 0.125)
        return made * np.float32(0.3 if "soft" in request.words else 1)


def test_every_row_is_what_it_says(
    truth: Rendered, monkeypatch: pytest.MonkeyPatch, player: SoundFontPlayer, song: Arrangement
) -> None:
    def found(recording: Recording, words: str) -> BeatGrid:
        return BeatGrid.steady(120, 0.25, recording.seconds)

    monkeypatch.setattr(rendered_rows, "track_beats", found)
    other = replace(truth, context=truth.context[::-1].copy(), stem=late(truth.stem, 0.2))
    band = Band(truth.stem)
    make = makers(Task(truth, other, "drums", {"diffusion": band}, 3))
    assert set(systems(["diffusion"])) <= set(make)
    assert np.array_equal(make["diffusion"]().samples, truth.stem)
    make["diffusion, tracked"]()
    make[f"diffusion, {SHUFFLED}"]()
    known, heard, shuffled = band.asked
    assert known.grid == shuffled.grid == truth.grid
    assert heard.grid is None
    assert np.array_equal(shuffled.mix.samples, other.context)
    assert {request.seed for request in band.asked} == {3}
    judge = Judge(truth)
    assert judge.scores(make["quarters"]().samples)["beat_f1"] > 0.9
    assert judge.scores(make["quarters, tracked"]().samples)["beat_f1"] < 0.2
    assert judge.scores(make["8ths"]().samples)["onset_f1"] > 0.95
    assert judge.scores(make[SILENCE]().samples)["no_edit"] == 1
    assert np.array_equal(make[RANDOM]().samples, other.stem)


@pytest.fixture
def corpus(tmp_path: Path, song: Arrangement) -> Path:
    """Songs of two families, told apart by how often the drums strike; one label is held out."""
    folder = tmp_path / "corpus"
    lines = tuple(range(0, 9 * BAR, BAR))
    for split in SPLITS:
        shard = []
        for family, per_beat in FAMILIES.items():
            step = BEAT // per_beat
            notes = tuple(
                Note(tick, 60, 42 if tick % BEAT else 36, 100) for tick in range(0, 8 * BAR, step)
            )
            drums = replace(song.parts[3], notes=notes)
            music = replace(song, parts=(*song.parts[:3], drums), chords=(), barlines=lines)
            facts = measure(
                notes_array(notes), np.array(lines), np.full(8, BEAT), "drums", tempo=120
            )
            for number in range(10 if split == "train" else 1):
                label = "lib/new" if (split, family) == ("valid", "metal") else f"lib/{family}"
                shard.append(
                    Excerpt(
                        f"{split}/{family}/{number}",
                        Labels("mma", family, label),
                        0,
                        8,
                        to_arrays(music),
                        (Example("drums", f"Add {family} drums", facts),),
                    )
                )
        (folder / split).mkdir(parents=True)
        rows = [to_row(each, each.song) for each in shard]
        write_shard(folder / split / "00000.parquet", table_of(rows))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(rendered, "QUICK_PER_FAMILY", 10)
    monkeypatch.setattr(rendered, "QUICK_WINDOWS", 2)
    monkeypatch.setattr(words, "QUICK_PER_FAMILY", 10)
    monkeypatch.setattr(words, "QUICK_WINDOWS", 2)

    def found(recording: Recording, words: str) -> BeatGrid:
        return BeatGrid.steady(120, 0.1, recording.seconds)

    def through(stem: Samples, *, with_latents: bool, seed: int) -> rendered_rows.Stem:
        return rendered_rows.Stem(stem)

    for name in ("engine_state", "beats_state", "codec_state"):
        monkeypatch.setattr(rendered, name, lambda: "")
    monkeypatch.setattr(words, "engine_state", lambda: "")
    # a network for beats and a vocoder are not what is tested here
    monkeypatch.setattr(rendered_rows, "track_beats", found)
    monkeypatch.setattr(rendered_rows, "_through", through)


def test_labels_tell_which_songs_have_a_style_that_nobody_learned(corpus: Path) -> None:
    assert kinds(corpus) == [TUNES, STYLES]


def band_of(name: str) -> Engine:
    """An engine that strikes 8ths at 120, from the first beat that it is given."""
    if name == "guided":
        raise OptionError("no weights here")

    class Eighths:
        def stem(
            self, request: StemRequest, report: Callable[[float], None] | None = None
        ) -> Samples:
            grid = request.grid or BeatGrid.steady(120, 0.1, SECONDS)
            per_beat = 4 if "busy" in request.words else 2
            stem = clicks(
                times_on(grid, per_beat, SECONDS), request.mix.samples, np.random.default_rng(0)
            )
            if "dark" in request.words:
                stem = (np.cumsum(stem, axis=1) / 20).astype(np.float32)
            return np.repeat(stem * np.float32(0.5 if "soft" in request.words else 1), 2, axis=0)

    return Eighths()


def test_the_table_puts_everybody_in_his_place(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drums.json"
    asked = ["--corpus", str(corpus), "--quick", "--json", "--out", str(out)]
    assert rendered.main(asked, band_of) == 0
    result = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == result
    assert result["left_out"] == {"guided": "no weights here"}
    assert result["sizes"] == {
        "all": {"windows": 2, "songs": 2},
        TUNES: {"windows": 1, "songs": 1},
        STYLES: {"windows": 1, "songs": 1},
    }
    found = result["sets"]["all"]
    onset = {name: of["value"] for name, of in found["onset_f1"]["values"].items()}
    assert onset[TRUE] > 0.9
    assert onset["symbolic"] == pytest.approx(onset["8ths"], abs=0.05)
    assert onset["symbolic"] > onset["symbolic, tracked"]
    assert onset[SILENCE] == 0
    assert found["style"]["values"][TRUE]["value"] == 1
    assert result["style_ear"]["families"] == 2
    assert result["embeddings"] is None
    assert "not asked for" in out.with_suffix(".md").read_text()
    assert out.with_suffix(".md").read_text() == report(result)
    assert out.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"


def test_songs_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert rendered.main(["--engines", "none"]) == 2
    assert "--corpus FOLDER" in capsys.readouterr().err


def test_words_are_seen_to_move_the_sound(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "words.json"
    asked = ["--corpus", str(corpus), "--quick", "--engines", "symbolic", "--out", str(out)]
    assert words.main(asked, band_of) == 0
    found = json.loads(out.read_text())["questions"]
    for name in ("density", "brightness", "loudness"):
        assert found[name]["symbolic"]["share"]["value"] == 1
        assert found[name]["symbolic"]["difference"]["low"] > 0
    assert found["loudness"]["symbolic"]["difference"]["value"] == pytest.approx(6.02, abs=0.01)
    assert found["density"]["symbolic"]["difference"]["value"] == pytest.approx(4, abs=0.5)
    assert found["density"]["symbolic"]["pairs"] == 2


def test_no_move_is_none_in_the_named_direction() -> None:
    rows = [
        {"question": "density", "engine": "e", "song": str(song), "moved": moved, "failure": ""}
        for song, moved in enumerate((0.0, 1.0, -3.0, 2.0))
    ]
    found = summary(rows, 0)["density"]["e"]
    assert found["share"]["value"] == 0.5
    assert found["difference"]["value"] == 0


def test_brightness_is_counted_in_octaves(rng: np.random.Generator) -> None:
    t = np.arange(RATE) / RATE
    low, high = (
        centroid_octaves(Sound(np.sin(2 * np.pi * hz * t)[None]).power) for hz in (500.0, 2000.0)
    )
    assert high - low == pytest.approx(2, abs=0.3)
    assert np.isnan(centroid_octaves(np.zeros((4, 128))))


def test_families_that_sound_apart_are_told_apart(rng: np.random.Generator) -> None:
    means = {"rock": 0.0, "jazz": 2.0, "waltz": 4.0}
    families = [name for name in means for _ in range(20)]
    features = np.array([means[name] + rng.standard_normal(5) for name in families])
    ear = learned(features, [*families[:-1], "rare"])
    assert ear.families == ("jazz", "rock", "waltz")
    told = [ear.family(row) for row in features]
    assert np.mean([one == other for one, other in zip(told, families, strict=True)]) > 0.9
    with pytest.raises(ValueError, match="two families"):
        learned(features[:5], ["rock"] * 5)


def test_a_style_is_heard_at_any_volume_and_from_any_bar(truth: Rendered) -> None:
    power = Sound(truth.stem).power
    one = heard_in(power, truth.grid)
    assert heard_in(0.01 * power, truth.grid) == pytest.approx(one)
    moved = replace(truth.grid, downbeat=4)
    assert heard_in(power, moved) == pytest.approx(one)
    shifted = heard_in(power, replace(truth.grid, downbeat=1))
    assert np.abs(shifted - one).max() > 0.05


def test_partners_are_of_another_song_and_of_the_same_kind(song: Arrangement) -> None:
    pieces = [
        replace(piece_of(song, f"{kind}{number}"), kind=kind)
        for kind in (TUNES, STYLES)
        for number in range(3)
    ]
    found = partners(pieces, np.random.default_rng(0))
    assert all(own != other for own, other in enumerate(found))
    assert all(pieces[other].kind == pieces[own].kind for own, other in enumerate(found))


HIGHER = Measure("onset_f1", "withheld", "higher", 0.0)
NEARER = Measure("level_db", "context", "nearer", 120.0)


def test_differences_are_taken_clip_by_clip() -> None:
    hard = np.array([0.1, 0.5, 0.9, 0.3])
    table = {"true": np.ones(4), "ours": hard + 0.05, "floor": hard}
    found = compared({"onset_f1": table}, [HIGHER], ["ours"], "true", 0)["onset_f1"]
    gain = found["gains"]["ours"]["floor"]
    assert gain == {"value": 0.05, "low": 0.05, "high": 0.05}
    assert found["gains"]["ours"]["true"]["value"] < 0
    assert list(found["gains"]) == ["ours"]


def test_what_makes_no_sense_for_the_truth_is_left_out_for_all() -> None:
    table = {"true": np.array([1, np.nan, 1]), "ours": np.array([0.5, 0.9, np.nan])}
    found = compared({"onset_f1": table}, [HIGHER], ["ours"], "true", 0)["onset_f1"]
    assert found["clips"] == 2
    assert found["values"]["ours"]["value"] == 0.25  # a missing score is the worst


def test_of_levels_the_nearer_is_the_better() -> None:
    true = np.array([-6.0, -3.0])
    table = {"true": true, "loud": true + 9, "soft": true - 1}
    found = compared({"level_db": table}, [NEARER], ["soft"], "true", 0)["level_db"]
    assert found["distances"]["loud"]["value"] == 9
    assert found["gains"]["soft"]["loud"]["value"] == 8


def test_windows_of_one_song_are_one_witness() -> None:
    rows = [
        {"system": TRUE, "song": song, "scores": {"onset_f1": value}}
        for song, value in (("a", 0.0), ("a", 1.0), ("b", 1.0), ("b", None))
    ]
    assert by_song(rows, [TRUE])["onset_f1"][TRUE].tolist() == [0.5, 1.0]


def test_clouds_of_stems_and_mixes_are_compared_with_the_truth(rng: np.random.Generator) -> None:
    rows = [
        {
            "system": system,
            "window": str(number),
            **{
                what: packed((rng.standard_normal((3, 200)) + far).astype(np.float32))
                for what in ("stem", "mix")
            },
        }
        for system, far in (("ours", 2.0), ("floor", 0.0), (TRUE, 0.0))
        for number in range(6)
    ]
    found = clouds(rows, ["ours", "floor", TRUE], 0)
    assert found is not None
    assert found["stem"]["ours"]["frechet"] > 2 * found["stem"]["floor"]["frechet"]
    assert found["mix"]["ours"]["windows"] == 18
    assert clouds([{"system": TRUE, "window": "0"}], [TRUE], 0) is None


def test_embeddings_are_kept_as_text(rng: np.random.Generator) -> None:
    some = rng.standard_normal((3, 200)).astype(np.float32)
    assert unpacked(packed(some), 200) == pytest.approx(some, abs=2e-3)
