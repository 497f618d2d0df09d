"""What the program MMA makes of a chart; skipped where it is not installed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from subtractive import dataset
from subtractive.arrangement import bars
from subtractive.build import app
from subtractive.charts import QUALITIES, ChordChart, Section, scale
from subtractive.chord_symbols import parse_chord
from subtractive.errors import OptionError
from subtractive.files.midi import read_midi
from subtractive.grooves import LIBRARIES, Groove, catalogue, names, probe
from subtractive.instruments import roles
from subtractive.mma import Chart, Passage, RenderError, library_folder, render, run, slots
from subtractive.progressions import Chord, idioms_of, phrase, progression
from subtractive.sources import MmaTunes
from subtractive.tunes import plan
from tests.test_assembly import is_alive, workers_of

pytestmark = pytest.mark.program("mma")
# One groove for each way in which MMA counts a bar.
METRES = (
    ("stdlib/8beat", "8Beat"),
    ("stdlib/jazzwaltz", "JazzWaltz"),
    ("stdlib/jazz-54", "Jazz54"),
    ("stdlib/68march", "68March"),
    ("stdlib/afro-cuban", "Afro-Cuban"),
    ("stdlib/ballad68", "Ballad68"),
    ("stdlib/blues68", "Blues68"),
)


def build(out: Path) -> dict[str, object]:
    """Make six tunes of the smallest library by the command."""
    asked = ["mma", "--tunes", "6", "--libraries", "alexis", "--out", str(out), "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    counts: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return counts


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    build(out)
    return out


@pytest.mark.parametrize(("file", "name"), METRES)
def test_a_tune_is_as_long_as_planned_in_bars_of_its_metre(file: str, name: str) -> None:
    groove = probe(file, name, "", 4)
    planned = plan([groove], 0, 1)
    music = read_midi(render(planned.chart))
    assert [(m.numerator, m.denominator) for m in music.metres] == [groove.metre]
    # nothing rings far over the last bar, and the last bar is not empty
    length = bars(music)[0].length
    last_onset = max(note.onset for part in music.parts for note in part.notes)
    assert last_onset // length == planned.bars - 1
    assert 60e6 / music.tempos[0].microseconds == pytest.approx(planned.chart.tempo, rel=1e-4)


@pytest.mark.parametrize(("file", "name"), METRES)
def test_the_beats_of_the_metre_are_the_beats_that_are_played(file: str, name: str) -> None:
    groove = probe(file, name, "", 4)
    music = read_midi(render(plan([groove], 0, 1).chart))
    length = bars(music)[0].length
    drums = [n for part in music.parts if part.is_drums for n in part.notes]
    beats = groove.metre[0] // 3 if groove.metre[1] == 8 else groove.metre[0]
    grid = length / beats
    near = sum(min(n.onset % grid, -n.onset % grid) < 0.05 * length for n in drums)
    assert near > len(drums) / 3


def test_the_accompaniment_plays_the_charts_chords() -> None:
    chart = ("Cm7", "F7", "Bb/D", "EbM7", "A7b9", "Dm7b5", "G7sus4", "Cm")
    tune = Chart(
        "stdlib/8beat",
        4,
        (4, 4),
        120.0,
        "C minor",
        1,
        (Passage("8Beat", tuple((c,) for c in chart)),),
    )
    music = read_midi(render(tune))
    length = bars(music)[0].length
    inside = total = 0
    for part, role in zip(music.parts, roles(music.parts), strict=True):
        for note in part.notes if role == "other" else ():
            symbol = parse_chord(chart[min(7, (note.onset + length // 16) // length)])
            inside += note.pitch % 12 in (*symbol.pitch_classes, symbol.bass)
            total += 1
    assert total > 16
    assert inside > 0.9 * total


def test_a_slash_bass_is_played_by_the_bass() -> None:
    passages = (Passage("8Beat", (("C/E",),) * 4),)
    music = read_midi(render(Chart("stdlib/8beat", 4, (4, 4), 120.0, "C major", 1, passages)))
    bass = next(
        part for part, role in zip(music.parts, roles(music.parts), strict=True) if role == "bass"
    )
    length = bars(music)[0].length
    downbeats = {n.pitch % 12 for n in bass.notes if (n.onset + 30) % length < 60}
    assert downbeats == {4}


def test_mma_knows_every_chord_that_is_written_for_it() -> None:
    written = set()
    for seed in range(60):
        for idiom in ("pop", "minor", "jazz", "blues", "modal", "rock", "grown"):
            made = progression(np.random.default_rng(seed), idiom, 12, minor=bool(seed % 2))
            written |= {each.quality for bar in made for each in bar}
    assert {"", "m", "7", "m7b5", "5", "dim7", "add9", "7sus4"} <= written
    chart = "\n".join(f"C{quality}" for quality in sorted(written))
    run(f"Use stdlib/8beat\nGroove 8Beat\n{chart}\n")


def test_mma_knows_every_name_of_a_chart_and_plays_every_bass_under_it() -> None:
    names = [Chord(0, each, bass).name(0) for each in QUALITIES for bass in scale(each)]
    chart = "\n".join(slots((name,), 4) for name in names)
    said = run(f"Use stdlib/8beat\nGroove 8Beat\n{chart}\n")[1]
    assert len(names) > 200
    assert "not in chord or scale" not in " ".join(said.split())


def pitches_at(
    chart: tuple[str, ...], metre: tuple[int, int], beats: int, groove: str
) -> list[set[int]]:
    """What all but drums and bass play, for each chord of a bar that comes four times."""
    passages = (Passage(groove, (chart,) * 4),)
    file = "stdlib/8beat" if metre == (4, 4) else "stdlib/waltz"
    music = read_midi(render(Chart(file, beats, metre, 120.0, "C major", 1, passages)))
    length = bars(music)[0].length
    found: list[set[int]] = [set() for _ in chart]
    for part, role in zip(music.parts, roles(music.parts), strict=True):
        for note in part.notes if role == "other" else ():
            # a player who is a little early means the chord that comes
            place = (note.onset + length // 32) % length * len(chart) // length
            found[place].add(note.pitch % 12)
    return found


@pytest.mark.parametrize(
    ("names", "metre", "beats", "groove"),
    [
        (("C", "C", "C", "F#7"), (4, 4), 4, "8Beat"),
        (("C", "Dbm", "D", "Eb"), (4, 4), 4, "8Beat"),
        (("C", "F#", "F#"), (3, 4), 3, "Waltz"),
        (("Bdim", "Bdim", "C", "Ab"), (4, 4), 4, "8Beat"),
    ],
)
def test_many_chords_in_a_bar_sound_on_their_beats(
    names: tuple[str, ...], metre: tuple[int, int], beats: int, groove: str
) -> None:
    found = pitches_at(names, metre, beats, groove)
    assert any(found)
    for name, heard in zip(names, found, strict=True):
        assert heard <= {*parse_chord(name).pitch_classes}


@pytest.mark.parametrize(("file", "name"), METRES)
def test_a_tune_over_a_chart_is_as_long_as_planned(file: str, name: str) -> None:
    groove = probe(file, name, "", 4)
    written = phrase("C | Am7/G | F Dm | G7 C/E Fdim G | C7/Bb") * 4
    metre = (12, 8) if groove.metre == (6, 8) else groove.metre
    chart = ChordChart("made", metre, (Section("A", "verse", written, 0),), 0)
    planned = plan([groove], 0, 1, [chart])
    assert planned.chart_name == "made"
    assert planned.bars == len(written) * (2 if metre == (12, 8) else 1) + 1
    music = read_midi(render(planned.chart))
    length = bars(music)[0].length
    last = max(note.onset for part in music.parts for note in part.notes)
    assert last // length == planned.bars - 1


def test_a_groove_that_does_not_exist_fails_with_mmas_words() -> None:
    with pytest.raises(RenderError, match="NOSUCHGROOVE"):
        run("Groove NoSuchGroove\nC\n")


def test_a_probed_groove_knows_its_band() -> None:
    described = {name: (file, name, text, size) for file, name, text, size in names("pflib/rock1")}
    made = probe(*described["rock1A"])
    assert made.roles == ("bass", "drums", "guitar", "other")
    assert (made.beats, made.metre, made.place, made.swing) == (4, (4, 4), "main", False)
    assert probe("stdlib/swing", "Swing", "", 4).swing


def test_an_unknown_library_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"'polka': choose from alexis, .*stdlib"):
        catalogue(["polka"], tmp_path / "grooves.json")
    assert all((library_folder() / library).is_dir() for library in LIBRARIES)


def test_tunes_become_rows_with_all_that_is_known_of_them(corpus: Path) -> None:
    rows = [
        row
        for split in dataset.SPLITS
        if list((corpus / split).iterdir())
        for row in dataset.rows(corpus, split)
    ]
    assert {row["song"] for row in rows} == {f"mma/0/{number:06d}" for number in range(6)}
    for row in rows:
        assert (row["source"], row["label"].partition(":")[0]) == ("mma", row["group"])
        assert row["style"] in {"hip hop", "disco and dance"}
        assert row["description"] and row["key"] and row["seed"] > 0
        # the chart's first chord stands at the first bar, as a symbol
        first = row["chart"].split("|")[0].split()[0]
        if row["first_bar"] == 0:
            assert (row["chords"][0]["tick"], row["chords"][0]["text"]) == (0, first)
        assert {example["instrument"] for example in row["examples"]} >= {"bass", "drums"}


def test_a_tune_that_fails_is_told_and_does_not_stop_the_others(
    corpus: Path, tmp_path: Path
) -> None:
    stored = json.loads((corpus / "grooves.json").read_text(encoding="utf-8"))
    for each in stored["grooves"]:
        if each["file"] == "alexis/hiphop":
            each["name"] = "Gone" + each["name"]
    (tmp_path / "grooves.json").write_text(json.dumps(stored), encoding="utf-8")
    counts = build(tmp_path)
    lines = (tmp_path / "dropped.jsonl").read_text(encoding="utf-8").splitlines()
    failed = [json.loads(line) for line in lines]
    assert counts["songs"] == 6 - len(failed) < 6
    assert all("GONE" in each["reason"] for each in failed)


def test_human_tunes_are_the_same_notes_a_little_astray(corpus: Path) -> None:
    grooves, _ = catalogue(["alexis"], corpus / "grooves.json")
    plain, human = (MmaTunes(grooves, 0, 6, human=amount).read("mma/0/000002") for amount in (0, 1))
    for one, other in zip(plain.music.parts, human.music.parts, strict=True):
        assert sorted(one.notes["pitch"]) == sorted(other.notes["pitch"])
    moved = [
        (one.notes["onset"] != other.notes["onset"]).mean()
        for one, other in zip(plain.music.parts, human.music.parts, strict=True)
    ]
    assert np.mean(moved) > 0.3


def test_the_catalogue_is_kept_and_read_back_equal(corpus: Path, tmp_path: Path) -> None:
    kept, failures = catalogue(["alexis"], corpus / "grooves.json")
    fresh, again = catalogue(["alexis"], tmp_path / "grooves.json")
    assert kept == fresh
    assert failures == again
    assert all(isinstance(each, Groove) for each in kept)
    assert idioms_of("alexis/hiphop")[0] == "modal"


@pytest.mark.long
def test_a_killed_build_of_500_tunes_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    """The command is killed midway, its workers die with it, and the same command ends it."""

    def command(out: Path) -> list[str]:
        asked = ["mma", "--tunes", "500", "--libraries", "alexis,kara,pflib", "--out", str(out)]
        return [sys.executable, "-m", "subtractive.build", *asked]

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    build = subprocess.Popen(command(killed), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while len(list(killed.glob("unfinished/0*.json"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = workers_of(build.pid)
    build.kill()
    build.wait()
    time.sleep(5)
    assert len(workers) >= 2
    assert not any(map(is_alive, workers))
    stamps = {path: path.stat().st_mtime_ns for path in killed.glob("unfinished/0*.parquet")}
    assert 4 <= len(list(killed.glob("unfinished/0*.json"))) < 10
    for out in (killed, whole):
        subprocess.run(command(out), check=True, stderr=subprocess.DEVNULL)
    assert stamps
    assert json.loads((killed / "corpus.json").read_text())["songs"] == 500
    assert dataset.digest(killed) == dataset.digest(whole)
