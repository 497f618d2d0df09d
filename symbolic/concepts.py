"""What a user wants of a part, as the writer is told it: terms, families and styles.

No text reaches the model. Words are read by the lexicon, which holds what a musician may call each
term and style; what a lesson's part is truly like is measured. So a word that no lesson ever used
is understood as well as its commonest synonym.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from subtractive.claims import claims, families_named
from subtractive.excerpts import Excerpt
from subtractive.instruments import INSTRUMENTS
from subtractive.styles import FAMILIES, style_of, styles_in
from subtractive.terms import TERMS, said

_TERMS = sorted({term for table in TERMS.values() for term in table})
_STYLES = sorted({style.name for family in FAMILIES for style in family.styles})
CONCEPTS: tuple[str, ...] = (
    *(f"term:{name}" for name in _TERMS),
    *(f"family:{family.name}" for family in FAMILIES),
    *(f"style:{name}" for name in _STYLES),
    "people",
)
"""All that can be wished for; the order is that of the weights."""
_ID = {name: number for number, name in enumerate(CONCEPTS)}
PEOPLE = _ID["people"]
"""Said of all that people wrote or played, and never of what a program arranged."""
_FIRST_FAMILY, _FIRST_STYLE = len(_TERMS), len(_TERMS) + len(FAMILIES)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def true_of(excerpt: Excerpt) -> Ints:
    """Return what is true of each part that can be taken out [shape=(wish, 2)].

    The rows are pairs of an index into `INSTRUMENTS` and one into `CONCEPTS`.
    """
    style = style_of(excerpt.labels.label)
    by = "" if excerpt.labels.source == "mma" else "people"
    names = [f"family:{excerpt.labels.style}", f"style:{style.name}" if style else "", by]
    common = [_ID[name] for name in names if name in _ID]
    rows = [
        (INSTRUMENTS.index(example.instrument), concept)
        for example in excerpt.examples
        for concept in [*(_ID[f"term:{term}"] for term in said(example.facts)), *common]
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def heard(words: str, instrument: str) -> list[int]:
    """Return what words ask of an instrument, as indices into `CONCEPTS`.

    Parameters
    ----------
    words : str
        Such as "Add a laid-back reggae bass"; what is denied ("no fills") is not asked for.
    instrument : str
    """
    families = families_named(words)
    able = TERMS[instrument]
    names = [f"term:{term}" for term in sorted(claims(words).stated) if term in able]
    names += [f"family:{family}" for family in sorted(families)]
    names += [f"style:{style}" for style in sorted(styles_in(words))]
    return [_ID[name] for name in names if name in _ID]


def drawn(true: Sequence[int], share: float, rng: np.random.Generator) -> list[int]:
    """Return some of what is true of a part, as a user might say it; `PEOPLE` is never left out.

    Parameters
    ----------
    true : sequence of int
    share : float
        Of all draws that say anything.
    rng : numpy.random.Generator
    """
    chosen = [PEOPLE] if PEOPLE in true else []
    if rng.random() >= share or not true:
        return chosen
    terms = [concept for concept in true if concept < _FIRST_FAMILY]
    chosen += rng.permutation(terms)[: int(rng.integers(0, 5))].tolist()
    for concept in true:
        if concept == PEOPLE:
            continue
        if concept >= _FIRST_STYLE:
            chosen += [concept] if rng.random() < 0.4 else []
        elif concept >= _FIRST_FAMILY:
            chosen += [concept] if rng.random() < 0.8 else []
    return chosen


def marked(concepts: Collection[int]) -> Floats:
    """Return concepts as a row of zeros and ones [shape=(len(CONCEPTS),)]."""
    row = np.zeros(len(CONCEPTS), dtype=np.float32)
    row[list(concepts)] = 1
    return row


def unasked(wishes: Floats) -> Floats:
    """Return wishes without what words asked for [shape=(..., len(CONCEPTS))]."""
    kept: Floats = wishes * (np.arange(len(CONCEPTS)) == PEOPLE)
    return kept.astype(np.float32)
