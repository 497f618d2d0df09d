"""Words: every instruction names its instrument, tells the truth and reads like English."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrays import NOTE, Notes
from subtractive.claims import claims, contradictions
from subtractive.facts import Facts, measure
from subtractive.styles import style_words_in
from subtractive.terms import TERMS, refuted
from subtractive.words import instruction

Q, BARS = 480, 8
LINES = np.arange(BARS + 1) * 4 * Q
STYLES = {"reggae and ska": ("reggae",), "jazz and swing": ("jazz", "jazzy"), "latin": ("Latin",)}
SYNONYMS = (
    *(word for words in STYLES.values() for word in words),
    "slow blues",
    "R&B",
    "8-beat pop",
)


def random_part(instrument: str, rng: np.random.Generator) -> tuple[Notes, float]:
    """A pattern of one or two bars that returns, in a tempo, at a loudness, with some changes."""
    grid = rng.choice(np.array([0.5, 1.0, 0.25, 2.0]))
    places = np.arange(0, 4, grid)
    swing = rng.choice(np.array([0.0, 0.0, 1 / 6]))
    level, spread = int(rng.integers(40, 120)), int(rng.choice(np.array([0, 7, 35])))
    low, wide = (28, 20) if instrument == "bass" else (42, 30)
    length = rng.choice(np.array([0.3, 0.7, 1.0])) * grid
    width = int(rng.choice(np.array([1, 1, 3, 4]))) if instrument == "guitar" else 1
    keys = rng.choice(np.array([36, 38, 42, 42, 51, 45, 49, 63, 37]), size=4)
    rows: list[tuple[int, int, int, int]] = []
    for bar in range(BARS):
        pattern = np.random.default_rng(0 if rng.random() < 0.8 else bar)
        pitch = low + int(pattern.integers(wide))
        for place in places[pattern.random(len(places)) < 0.8]:
            late = swing if place % 1 == 0.5 else 0.0
            onset = round((4 * bar + place + late) * Q)
            velocity = int(np.clip(level + rng.integers(-spread, spread + 1), 1, 127))
            stack = keys if instrument == "drums" else pitch + np.arange(width) * 4
            rows += [(onset, round(length * Q), int(each), velocity) for each in stack]
            pitch = int(np.clip(pitch + pattern.integers(-7, 8), low, low + wide))
    return np.array(rows, dtype=NOTE), float(rng.integers(60, 190))


def random_facts(instrument: str, rng: np.random.Generator) -> Facts:
    notes, tempo = random_part(instrument, rng)
    return measure(notes, LINES, np.full(BARS, Q), instrument, tempo)


@pytest.mark.parametrize("instrument", [*TERMS])
def test_two_hundred_instructions_are_true(instrument: str, rng: np.random.Generator) -> None:
    for _ in range(200):
        notes, tempo = random_part(instrument, rng)
        facts = measure(notes, LINES, np.full(BARS, Q), instrument, tempo)
        families = sorted(STYLES)
        family = families[int(rng.integers(len(families)))]
        words = instruction(instrument, facts, STYLES[family], rng)
        again = measure(notes, LINES, np.full(BARS, Q), instrument, tempo)
        assert claims(words).instruments == {instrument}, words
        assert not claims(words).stated & {*refuted(again)}, words
        spoken = style_words_in(words) & {family}
        assert contradictions(words, instrument, again, spoken) == (), words


@pytest.mark.parametrize("instrument", [*TERMS])
def test_there_are_thousands_of_ways_to_ask(instrument: str, rng: np.random.Generator) -> None:
    everything = [random_facts(instrument, rng) for _ in range(60)]
    found = {
        instruction(instrument, everything[number % 60], SYNONYMS, rng).casefold()
        for number in range(2600)
    }
    assert len(found) >= 2000


@given(st.integers(0, 2**32), st.sampled_from([*TERMS]), st.lists(st.sampled_from(SYNONYMS)))
def test_good_english(seed: int, instrument: str, synonyms: list[str]) -> None:
    rng = np.random.default_rng(seed)
    words = instruction(instrument, random_facts(instrument, rng), synonyms, rng)
    tokens = words.lower().split()
    assert words[0].isupper() and not words.endswith(".")
    assert not re.search(r"\{|\}|  | ,|,$", words)
    assert all(one != other for one, other in pairwise(tokens)), words
    assert not re.search(r"\ba [aeio](?!ne)|\ba (?:8|R&B)|\ban [bcdfgjklmnpqstvwyz]", words), words
    assert not re.search(r"\b(?:drums|beats)\b[^,]* that (?:\w+ )?(?:keeps|plays|stays)", words), (
        words
    )
    assert len(tokens) <= 20


@given(st.integers(0, 2**32), st.sampled_from([*TERMS]))
def test_the_same_dice_give_the_same_words(seed: int, instrument: str) -> None:
    facts = random_facts(instrument, np.random.default_rng(seed))
    one, other = (
        instruction(instrument, facts, SYNONYMS, np.random.default_rng(seed)) for _ in range(2)
    )
    assert one == other


PARTS = r"(?:part|line|bassline|track|accompaniment)"


@given(st.integers(0, 2**32), st.sampled_from(["bass", "guitar"]))
def test_what_is_written_is_a_part_and_not_an_instrument(seed: int, instrument: str) -> None:
    rng = np.random.default_rng(seed)
    words = instruction(instrument, random_facts(instrument, rng), SYNONYMS, rng)
    if re.match(r"Write|Generate|Create|Compose|Insert|Come up with", words):
        assert re.search(rf"{instrument}(?: {PARTS}|line)\b", words), words
    if words.startswith("Play"):
        assert not re.search(r"\btrack\b(?! pop)", words), words


@given(st.integers(0, 2**32), st.sampled_from([*TERMS]))
def test_what_is_left_out_is_said_last(seed: int, instrument: str) -> None:
    rng = np.random.default_rng(seed)
    words = instruction(instrument, random_facts(instrument, rng), (), rng)
    assert not re.search(r"\bno [^,]* and ", words), words
    assert words.count(" and ") <= 1, words


def test_without_facts_or_style_the_instrument_is_asked_for(rng: np.random.Generator) -> None:
    for instrument in TERMS:
        nothing = measure(np.zeros(0, dtype=NOTE), LINES, np.full(BARS, Q), instrument, 100)
        heard = claims(instruction(instrument, nothing, (), rng))
        assert heard.instruments == {instrument} and not heard.stated
