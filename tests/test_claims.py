"""Claims: what is written is heard again, in other people's sentences too, and nothing else is."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrays import NOTE
from subtractive.claims import claims, contradictions
from subtractive.facts import Facts, measure
from subtractive.lexicon import LEXICON, SLOTS, TOPICS
from subtractive.styles import style_words_in
from subtractive.terms import TERMS, refuted, said


def random_facts(instrument: str, rng: np.random.Generator) -> Facts:
    """Of notes anywhere in eight bars, with a pitch, length and loudness that the part keeps to."""
    count = int(rng.integers(4, 200))
    notes = np.zeros(count, dtype=NOTE)
    grid = int(rng.choice(np.array([120, 160, 240, 480])))
    notes["onset"] = np.sort(rng.integers(0, 8 * 1920 // grid, count)) * grid
    notes["duration"] = rng.integers(grid // 4, grid + 1)
    notes["pitch"] = rng.integers(28, 48) + rng.integers(0, 1 + rng.integers(1, 30), count)
    notes["velocity"] = rng.integers(40, 90) + rng.integers(0, 1 + rng.integers(1, 37), count)
    lines, beats = np.arange(9) * 1920, np.full(8, 480)
    return measure(notes, lines, beats, instrument, float(rng.integers(60, 190)))


def test_every_term_can_be_said_and_every_word_has_a_term() -> None:
    written = {
        (entry.term, name) for entry in LEXICON for name in entry.only if entry.slot != "hear"
    }
    measured = {(term, name) for name, table in TERMS.items() for term in table}
    assert measured <= written
    assert {term for term, _ in written} == {term for term, _ in measured}


def test_every_row_of_the_table_is_read() -> None:
    table = tomllib.loads((files("subtractive") / "lexicon.toml").read_text(encoding="utf-8"))
    for term, row in table.items():
        for key, value in row.items():
            assert key in {*SLOTS, "topic"} or {*key.split(" and ")} <= {*TERMS}, (term, key)
            assert not isinstance(value, dict) or {*value} <= {*SLOTS, "topic"}, (term, key)
    assert all(TOPICS.values())


def test_every_form_is_heard_as_its_own_term() -> None:
    for entry in LEXICON:
        for form in entry.forms:
            for ending in ("", r"\1"):
                text = re.sub(r"\{(e?s)\}", ending, form)
                assert claims(text).stated == {entry.term}, text
                assert claims(text.upper().replace("-", " ")).stated == {entry.term}, text


@pytest.mark.parametrize(
    ("text", "instruments", "stated", "denied"),
    [
        ("Add a sparse, laid-back reggae bass", {"bass"}, {"sparse", "laid_back"}, set()),
        ("Add indie drums with punchy beats", {"drums"}, {"punchy"}, set()),
        (
            "Add aggressive rock drums with cymbal crashes",
            {"drums"},
            {"aggressive", "crashes"},
            set(),
        ),
        ("Put a walking jazz bass under this", {"bass"}, {"walking"}, set()),
        (
            "Write a strummed country guitar part with a light swing",
            {"guitar"},
            {"strummed", "light_swing"},
            set(),
        ),
        ("Generate percussion with a lively Latin flair", {"drums"}, {"lively"}, set()),
        ("Add reggae beats", {"drums"}, set(), set()),
        ("a fretless bass guitar", {"bass"}, set(), set()),
        ("rock drums, no fills please", {"drums"}, {"no_fills"}, set()),
        ("drums without any ghost notes", {"drums"}, set(), {"ghosts"}),
        ("a guitar that is not too busy", {"guitar"}, set(), {"busy"}),
        ("a bass with a steady beat", {"bass"}, {"steady"}, set()),
        ("a low-key bass", {"bass"}, set(), set()),
        ("bass drum and guitar", {"drums", "guitar"}, set(), set()),
        ("liquid drum and bass drums", {"drums"}, set(), set()),
        ("a piano with a bass clarinet", {"other"}, set(), set()),
        ("", set(), set(), set()),
    ],
)
def test_claims(text: str, instruments: set[str], stated: set[str], denied: set[str]) -> None:
    heard = claims(text)
    assert heard.instruments == instruments
    assert heard.denied == denied
    assert heard.stated == stated


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    heard = claims(text)
    known = {term for table in TERMS.values() for term in table}
    assert heard.stated | heard.denied <= known


@given(st.integers(0, 2**32), st.sampled_from([*TERMS]))
def test_what_is_refuted_is_contradicted_and_what_is_true_is_not(
    seed: int, instrument: str
) -> None:
    facts = random_facts(instrument, np.random.default_rng(seed))
    for entry in LEXICON:
        if instrument not in entry.only or entry.term not in TERMS[instrument]:
            continue
        clause = {"with": "with", "that": "that"}.get(entry.slot, "and")
        form = re.sub(r"\{(e?s)\}", r"\1", entry.forms[0])
        text = f"Add {instrument} {clause} {form}"
        wrong = contradictions(text, instrument, facts, style_words_in(text))
        if entry.term in said(facts):
            assert wrong == (), text
        if entry.term in refuted(facts):
            assert f"fact: says {entry.term}" in wrong, text


def test_contradictions_of_every_kind(rng: np.random.Generator) -> None:
    facts = replace(random_facts("bass", rng), attacks_per_quarter=0.4)
    family = {"reggae and ska"}
    assert contradictions("Add a sparse reggae bass", "bass", facts, family) == ()
    assert contradictions("Add a busy reggae bass", "bass", facts, family) == ("fact: says busy",)
    assert contradictions("A reggae bass, not sparse", "bass", facts, family) == (
        "fact: denies sparse",
    )
    assert contradictions("Add a sparse bass", "bass", facts, family) == (
        "style: loses reggae and ska",
    )
    assert contradictions("Add a metal bass", "bass", facts, set()) == ("style: names metal",)
    assert contradictions("Add a reggae guitar", "bass", facts, family) == (
        "instrument: names guitar",
        "instrument: does not name bass",
    )
    assert contradictions("Add a bass with cymbal crashes", "bass", facts, set())[0].startswith(
        "fact:"
    )


def test_a_light_swing_is_a_feel_and_no_style(rng: np.random.Generator) -> None:
    facts = replace(random_facts("guitar", rng), swing_ratio=1.4)
    text = "Write a guitar part with a light swing"
    assert contradictions(text, "guitar", facts, set()) == ()
