"""How words that the lexicon has not are understood: `python -m benchmarks.nearby`.

Words that a user may say, by what a musician hears in them, stand in ``nearby_words.toml`` with
words that ask for nothing. At each likeness from which a word counts as another, a share of the
former is read rightly, a share wrongly, and a share of the latter is read as anything at all. Every
second word chooses the likeness, the others tell how good it is.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.journal import ROOT
from benchmarks.results_file import measured
from benchmarks.tables import markdown_table
from subtractive.claims import claims, families_named
from subtractive.nearby import LEAST_LIKENESS, understood

_WORDS = Path(__file__).with_name("nearby_words.toml")
LIKENESSES = (0.4, 0.45, 0.5, 0.55, 0.6)


class Case(NamedTuple):
    """A word, and what may be heard in it; nothing, if it asks for nothing."""

    word: str
    means: frozenset[str]


def cases() -> list[Case]:
    """Return the words that the lexicon does not know by itself, in the order of the file."""
    table = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
    asked = [(word, row["means"]) for row in table["asked"] for word in row["words"]]
    listed = [Case(word, frozenset(means)) for word, means in asked]
    listed += [Case(word, frozenset()) for word in table["neutral"]["words"]]
    return [case for case in listed if not _heard(case.word)]


def _heard(text: str) -> set[str]:
    return {*claims(text).stated, *families_named(text)}


def shares(of: Sequence[Case], least_likeness: float) -> dict[str, float]:
    """Return the shares of asked words read rightly and wrongly, of neutral ones read at all."""
    asked: list[tuple[bool, bool]] = []
    neutral: list[bool] = []
    for case in of:
        told = understood(case.word, least_likeness=least_likeness)
        heard = _heard(told.text)
        if case.means:
            asked.append((bool(heard & case.means), bool(heard) and not heard & case.means))
        else:
            neutral.append(bool(told.readings))
    right, wrong = np.mean(asked, axis=0)
    return {
        "asked": float(len(asked)),
        "right": round(float(right), 3),
        "wrong": round(float(wrong), 3),
        "neutral": float(len(neutral)),
        "read into": round(float(np.mean(neutral)), 3),
    }


def run() -> dict[str, Any]:
    """Read all words at each likeness."""
    listed = cases()
    halves = {"to choose by": listed[::2], "to tell by": listed[1::2]}
    return {
        "shipped": LEAST_LIKENESS,
        "halves": {
            name: {str(least): shares(half, least) for least in LIKENESSES}
            for name, half in halves.items()
        },
    }


def table(result: Mapping[str, Any]) -> str:
    """Return a result as Markdown."""
    rows = [
        [name, least, *(f"{found[key]:.2f}" for key in ("right", "wrong", "read into"))]
        for name, half in result["halves"].items()
        for least, found in half.items()
    ]
    heads = ["words", "least likeness", "read rightly", "read wrongly", "neutral words read into"]
    return markdown_table(heads, rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.nearby",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0, help="nothing is drawn: changes nothing")
    parser.add_argument("--out", type=str, default=str(ROOT / "benchmarks/results/nearby.json"))
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    return measured(
        "benchmarks.nearby", argv, ROOT / options.out, run, as_json=options.json, table=table
    )


if __name__ == "__main__":
    sys.exit(main())
