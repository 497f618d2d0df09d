"""Terms: true beyond one bound, refuted beyond another, open between the two."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from subtractive.arrays import NOTE
from subtractive.facts import Facts, measure
from subtractive.lexicon import TOPICS
from subtractive.terms import TERMS, Bound, refuted, said

EVERY_BOUND = [
    pytest.param(instrument, term, bound, id=f"{instrument}-{term}-{bound.field}-{bound.said}")
    for instrument, table in TERMS.items()
    for term, bounds in table.items()
    for bound in bounds
]


def facts_with(instrument: str, **numbers: float) -> Facts:
    """Facts of a part that plays, of which nothing is known but `numbers`."""
    known = {"tempo_qpm": nan, "attacks_per_quarter": nan, "attacks_per_second": nan} | numbers
    return Facts(instrument, 8, notes_per_bar=4, **known)


def test_nothing_is_said_of_nothing() -> None:
    for instrument in TERMS:
        notes = np.zeros(0, dtype=NOTE)
        facts = measure(notes, np.arange(9) * 1920, np.full(8, 480), instrument, 120)
        assert facts.notes_per_bar == 0
        assert said(facts) == refuted(facts) == ()


def test_an_unmeasured_number_decides_nothing() -> None:
    for instrument in TERMS:
        assert said(facts_with(instrument)) == refuted(facts_with(instrument)) == ()


@pytest.mark.parametrize(("instrument", "term", "bound"), EVERY_BOUND)
def test_a_bound_has_a_margin_and_names_a_number(instrument: str, term: str, bound: Bound) -> None:
    assert bound.field in Facts.__slots__
    assert bound.said != bound.refuted
    between = facts_with(instrument, **{bound.field: (bound.said + bound.refuted) / 2})
    assert not bound.holds(between) and not bound.fails(between)
    # past what refutes it, a term is refuted whatever else is true
    beyond = inf if bound.said < bound.refuted else -inf
    assert term in refuted(facts_with(instrument, **{bound.field: beyond}))


@pytest.mark.parametrize("instrument", [*TERMS])
def test_a_term_is_true_where_all_its_bounds_hold(instrument: str) -> None:
    for term, bounds in TERMS[instrument].items():
        numbers: dict[str, float] = {}
        for bound in bounds:
            numbers.setdefault(bound.field, bound.said)
        assert term in said(facts_with(instrument, **numbers))
        for field in numbers:
            assert term not in said(facts_with(instrument, **(numbers | {field: nan})))


@pytest.mark.parametrize("instrument", [*TERMS])
def test_of_two_opposites_one_refutes_the_other(instrument: str) -> None:
    opposites = [("sparse", "busy"), ("soft", "loud"), ("slow", "fast"), ("straight", "hard_swing")]
    for one, other in opposites:
        for true, false in ((one, other), (other, one)):
            numbers = {bound.field: bound.said for bound in TERMS[instrument][true]}
            assert false in refuted(facts_with(instrument, **numbers))
        assert TOPICS[one, instrument] == TOPICS[other, instrument]
