"""The measurements of the novelty index: what it misses and makes up is seen."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.novelty import checked, chosen, excerpt, named, scored, shuffled, tightness
from benchmarks.repertoires import Truth
from subtractive.instruments import INSTRUMENTS
from subtractive.novelty import BITS, LENGTHS
from tests.test_novelty import C, lessons, moves, notes, passages, repertoire, walk


def test_foreign_passages_are_taken_for_known_ones_less_often_than_stated(
    rng: np.random.Generator,
) -> None:
    trained, others = ([moves(walk(rng, 200)) for _ in range(60)] for _ in range(2))
    truths = {name: Truth.of(lessons(*trained).passages(name)) for name in INSTRUMENTS}
    rows = checked([("bass", part) for part in others], repertoire(*trained), truths)
    known = {each for own in trained for each in passages(own, 4, is_drums=False)}
    asked = {each for own in others for each in passages(own, 4, is_drums=False)}
    assert (rows["4"]["asked"], rows["4"]["there"]) == (len(asked), len(asked & known))
    for length in LENGTHS:
        row = rows[str(length)]
        assert row["missed"] == 0
        assert row["one_look_up"] == pytest.approx(2.0 ** -BITS[length], rel=0.3)
        assert row["wrongly_found"] <= row["wrongly_looked_up"]
    assert rows["8"]["wrongly_found"] == rows["16"]["wrongly_found"] == 0  # shorter ones guard


def test_the_check_sees_what_an_index_misses_and_makes_up(rng: np.random.Generator) -> None:
    one, other = (moves(walk(rng, 100)) for _ in range(2))
    truths = {name: Truth.of(lessons(other).passages(name)) for name in INSTRUMENTS}
    row = checked([("bass", one), ("bass", other)], repertoire(one), truths)["16"]
    assert (row["asked"], row["there"], row["missed"], row["wrongly_found"]) == (170, 85, 85, 85)
    assert row["false_positive_rate"] == 1


def test_groups_of_parts_are_scored(rng: np.random.Generator) -> None:
    heard = lessons(*(moves(walk(rng, 100)) for _ in range(4)))
    own, truths = (
        heard.repertoire(),
        {name: Truth.of(heard.passages(name)) for name in INSTRUMENTS},
    )
    parts = chosen(heard, 3, rng)
    assert [name for name, _ in parts] == ["bass"] * 3
    scores = scored(parts, own, truths, "own")["bass"]
    assert (scores["copied_16"], scores["longest_share"], scores["nearest_share"]) == (1, 1, 1)
    assert scores["bound"] == tightness([(100, 100)] * 3)
    chance = scored(shuffled(parts, rng), own, truths, "shuffled")["bass"]
    assert chance["copied_8"] < 0.1
    assert chance["copied_4"] >= chance["copied_4_exact"]


def test_excerpts_of_some_bars_are_told(rng: np.random.Generator) -> None:
    part = moves(notes(*((beat / 2, C) for beat in range(64))))
    assert excerpt(part, 2, 3, is_drums=False).tolist() == part[3 : 3 + 16].tolist()
    heard = lessons(*(moves(walk(rng, 200)) for _ in range(9)))
    row = named(heard, heard.repertoire(), rng, 16)["bass"]
    assert row["excerpts"] > 0
    assert row["named"] + row["none"] == 1
