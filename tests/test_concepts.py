"""What words ask for, and what is true of a part, in the terms that the writer is told."""

from __future__ import annotations

import numpy as np
import pytest

from subtractive.styles import FAMILIES
from symbolic.concepts import CONCEPTS, drawn, heard, marked


def named(words: str, instrument: str = "drums") -> set[str]:
    return {CONCEPTS[concept] for concept in heard(words, instrument)}


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("Add rock drums", {"family:rock", "style:rock"}),
        ("Add indie drums with punchy beats", {"term:punchy", "family:rock", "style:indie rock"}),
        ("Add reggae beats", {"family:reggae and ska", "style:reggae"}),
        ("Add soft acoustic drums to enhance emotion", {"term:soft"}),
        (
            "Generate percussion with a lively Latin flair",
            {"term:lively", "family:latin", "style:Latin"},
        ),
        ("Add jazzy drums", {"family:jazz and swing"}),
        (
            "Add aggressive rock drums with cymbal crashes",
            {"term:aggressive", "term:crashes", "family:rock", "style:rock"},
        ),
    ],
)
def test_the_prompts_of_the_paper_are_understood(words: str, asked: set[str]) -> None:
    assert named(words) == asked


def test_what_is_denied_is_not_asked_for() -> None:
    assert "term:fills" not in named("Add drums without fills")


def test_a_term_that_the_instrument_has_not_is_not_heard() -> None:
    assert "term:walking" in named("Add a walking bass", "bass")
    assert "term:walking" not in named("Add walking drums", "drums")


def test_concepts_are_named_once() -> None:
    assert len(set(CONCEPTS)) == len(CONCEPTS)
    assert {f"family:{family.name}" for family in FAMILIES} <= set(CONCEPTS)


def test_only_what_is_true_is_drawn_and_now_and_then_nothing() -> None:
    true = [3, 8, 20, CONCEPTS.index("family:rock"), CONCEPTS.index("style:rock")]
    rng = np.random.default_rng(5)
    draws = [drawn(true, 0.5, rng) for _ in range(400)]
    assert all(set(draw) <= set(true) for draw in draws)
    assert {concept for draw in draws for concept in draw} == set(true)
    assert 0.4 < np.mean([bool(draw) for draw in draws]) < 0.6
    assert marked(draws[0]).sum() == len(draws[0])
