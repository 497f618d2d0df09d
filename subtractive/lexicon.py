"""The words for each term, read from ``lexicon.toml`` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from subtractive.terms import TERMS

SLOTS = ("be", "sort", "with", "that", "hear")
"""Places in a sentence, as ``lexicon.toml`` explains them; what stands in "hear" is not written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The forms of one term in one slot; `only` holds the instruments they are written for.

    In a form "{s}" and "{es}" are the endings of a verb in the singular.
    """

    term: str
    topic: str
    only: tuple[str, ...]
    slot: str
    forms: tuple[str, ...]


def _entries(table: dict[str, dict[str, Any]]) -> Iterator[Entry]:
    for term, row in table.items():
        able = tuple(name for name in TERMS if term in TERMS[name])
        yield from _of_slots(term, row.get("topic", ""), able, row)
        for names, own in row.items():
            if isinstance(own, dict):
                topic = own.get("topic", row.get("topic", ""))
                yield from _of_slots(term, topic, tuple(names.split(" and ")), own)


def _of_slots(term: str, topic: str, only: tuple[str, ...], row: dict[str, Any]) -> Iterator[Entry]:
    for slot in SLOTS:
        if slot in row:
            yield Entry(term, topic, only, slot, tuple(row[slot]))


LEXICON: tuple[Entry, ...] = tuple(
    _entries(tomllib.loads((files("subtractive") / "lexicon.toml").read_text(encoding="utf-8")))
)
"""All that is said and heard, in the order of the table."""

TOPICS = {(entry.term, name): entry.topic for entry in LEXICON for name in entry.only}
"""What a term speaks of, such as "density", by term and instrument."""
