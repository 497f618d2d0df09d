"""What the program MMA makes of a chart; skipped where it is not installed."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from subtractive.arrangement import bars
from subtractive.chord_symbols import parse_chord
from subtractive.corpus import build_mma
from subtractive.errors import OptionError
from subtractive.files.midi import read_midi
from subtractive.grooves import LIBRARIES, Groove, catalogue, names, probe
from subtractive.instruments import roles
from subtractive.mma import Chart, Passage, RenderError, library_folder, render, run
from subtractive.progressions import idioms_of, progression
from subtractive.tunes import plan

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


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    build_mma(out, 6, 0, ["alexis"])
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


def test_index_and_files_agree(corpus: Path) -> None:
    rows = rows_of(corpus / "index.csv")
    assert len(rows) == 6
    assert {row["path"] for row in rows} == {
        path.relative_to(corpus).as_posix() for path in corpus.rglob("*.mid")
    }
    for row in rows:
        music = read_midi((corpus / row["path"]).read_bytes())
        assert set(row["roles"].split()) == set(roles(music.parts))
        assert row["group"] == row["style"].split(":")[0]
    assert len({row["split"] for row in rows if row["group"] == rows[0]["group"]}) == 1


def test_a_second_run_makes_only_what_is_missing_and_the_same_bytes(
    corpus: Path, tmp_path: Path
) -> None:
    files = sorted(corpus.rglob("*.mid"))
    before = {path: path.read_bytes() for path in files}
    stamps = {path: path.stat().st_mtime_ns for path in files}
    index = (corpus / "index.csv").read_bytes()
    files[0].unlink()
    build_mma(corpus, 6, 0, ["alexis"], processes=1)
    assert {path: path.read_bytes() for path in sorted(corpus.rglob("*.mid"))} == before
    assert all(path.stat().st_mtime_ns == stamps[path] for path in files[1:])
    assert (corpus / "index.csv").read_bytes() == index


def test_a_tune_that_fails_is_told_and_does_not_stop_the_others(
    corpus: Path, tmp_path: Path
) -> None:
    stored = json.loads((corpus / "grooves.json").read_text(encoding="utf-8"))
    for each in stored["grooves"]:
        if each["file"] == "alexis/hiphop":
            each["name"] = "Gone" + each["name"]
    (tmp_path / "grooves.json").write_text(json.dumps(stored), encoding="utf-8")
    counts = build_mma(tmp_path, 6, 0, ["alexis"])
    failed = [row for row in rows_of(tmp_path / "failures.csv") if row["kind"] == "tune"]
    assert counts["songs"] + len(failed) == 6
    assert failed
    assert all("GONE" in row["reason"] for row in failed)
    assert all(row["group"] == "alexis/teamtechno" for row in rows_of(tmp_path / "index.csv"))


def test_the_catalogue_is_kept_and_read_back_equal(corpus: Path, tmp_path: Path) -> None:
    kept, failures = catalogue(["alexis"], corpus / "grooves.json")
    fresh, again = catalogue(["alexis"], tmp_path / "grooves.json")
    assert kept == fresh
    assert failures == again
    assert all(isinstance(each, Groove) for each in kept)
    assert idioms_of("alexis/hiphop")[0] == "modal"
