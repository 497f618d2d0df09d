"""A corpus of real songs: nothing crosses the split, and every instruction is true."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from subtractive import dataset
from subtractive.arrangement import bars
from subtractive.assembly import build
from subtractive.build import read_splits
from subtractive.claims import claims, contradictions, families_named
from subtractive.excerpts import Excerpt, main_notes
from subtractive.facts import measure
from subtractive.sources import DrumPerformances, SongFolder

pytestmark = pytest.mark.data

NAMES = {
    "drums": r"\b(drum|drums|percussion|beats|kit)\b|(?<!the )\bbeat\b",
    "bass": r"\b(bass|bassline)\b",
    "guitar": r"\bguitars?\b",
}


@pytest.fixture(scope="module")
def freedoom(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("freedoom")
    songs = data / "freedoom"
    build(SongFolder(songs), out, {}, 0, given=read_splits(songs / "index.csv"))
    return out


@pytest.fixture(scope="module")
def excerpts(freedoom: Path) -> dict[str, list[Excerpt]]:
    return {split: list(dataset.stream(freedoom, split)) for split in dataset.SPLITS}


def test_nothing_of_the_published_validation_is_trained_on(
    data: Path, excerpts: dict[str, list[Excerpt]]
) -> None:
    with (data / "freedoom" / "index.csv").open(newline="", encoding="utf-8") as lines:
        held_out = {row["path"] for row in csv.DictReader(lines) if row["split"] == "valid"}
    assert not held_out & {each.song for each in excerpts["train"]}
    assert {each.song for each in excerpts["valid"]} & held_out


def test_no_group_and_no_passage_crosses_the_split(freedoom: Path) -> None:
    rows = {
        split: list(dataset.rows(freedoom, split, ["group", "song", "passages"]))
        for split in dataset.SPLITS
    }
    for column in ("group", "song"):
        sides = [{row[column] for row in rows[split]} for split in dataset.SPLITS]
        assert all(sides)
        assert not sides[0] & sides[1]
    passages = [{each for row in rows[s] for each in row["passages"]} for s in dataset.SPLITS]
    assert len(passages[1]) > 200
    assert not passages[0] & passages[1]


def test_two_hundred_instructions_are_true(excerpts: dict[str, list[Excerpt]]) -> None:
    """Each names the right instrument and no other, and states nothing that the notes deny."""
    every = [
        (each, example)
        for found in excerpts.values()
        for each in found
        for example in each.examples
    ]
    rng = np.random.default_rng(200)
    for place in rng.choice(len(every), 200, replace=False):
        excerpt, example = every[place]
        named = {name for name, words in NAMES.items() if re.search(words, example.words.lower())}
        assert named == {example.instrument} == claims(example.words).instruments, example.words
        music = excerpt.music
        facts = measure(
            main_notes(music, example.instrument),
            np.array(music.barlines),
            np.array([bar.beat for bar in bars(music)]),
            example.instrument,
            6e7 / (music.tempos[0].microseconds if music.tempos else 500_000),
        )
        families = set(families_named(example.words))
        assert contradictions(example.words, example.instrument, facts, families) == ()


def test_every_drummer_is_on_one_side(data: Path, tmp_path: Path) -> None:
    counts = build(DrumPerformances(data / "gmd" / "groove"), tmp_path, {}, 0)
    sides = {
        split: {row["group"] for row in dataset.rows(tmp_path, split, ["group"])}
        for split in dataset.SPLITS
    }
    assert counts["groups"] == len(sides["train"] | sides["valid"]) == 10
    assert sides["valid"]
    assert not sides["train"] & sides["valid"]
    one = next(dataset.stream(tmp_path, "train"))
    assert [example.instrument for example in one.examples] == ["drums"]
