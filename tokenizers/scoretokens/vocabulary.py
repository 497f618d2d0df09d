"""The vocabulary and its grammar as a table, loaded from `scoretokens.json`.

The table is written by `scoretokens.scheme` with MidiTok; reading it needs neither MidiTok nor
torch, so that a command starts quickly. Which token may follow which is data here (`follows`), and
the same table masks a model's logits and checks its output.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

TABLE = "scoretokens.json"


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Tokens as strings ``Type_Value``, their ids, and the types that may follow each type.

    Attributes
    ----------
    tokens : tuple of str
        The id of a token is its index.
    follows : dict
        From a token type to the types that may come next.
    """

    tokens: tuple[str, ...]
    follows: dict[str, frozenset[str]]

    def __len__(self) -> int:
        return len(self.tokens)

    def id(self, token: str) -> int:
        """Return the id of a token; `KeyError` if the vocabulary has it not."""
        return _ids(self.tokens)[token]

    def span(self, kind: str) -> range:
        """Return the ids of all tokens of one type, which stand side by side."""
        return _spans(self.tokens)[kind]

    def kind(self, token_id: int) -> str:
        """Return the type of the token with this id."""
        return self.tokens[token_id].split("_", 1)[0]

    def values(self, kind: str) -> npt.NDArray[np.int64]:
        """Return the whole-number values of all tokens of a type, in order of id."""
        return np.array([int(self.tokens[i].split("_", 1)[1]) for i in self.span(kind)])

    def type_mask(self, previous: str) -> npt.NDArray[np.bool_]:
        """Return which ids may follow a token of type `previous` [shape=(token,)]."""
        mask = np.zeros(len(self.tokens), dtype=bool)
        for kind in self.follows[previous]:
            mask[list(self.span(kind))] = True
        return mask


@cache
def _ids(tokens: tuple[str, ...]) -> dict[str, int]:
    return {token: index for index, token in enumerate(tokens)}


@cache
def _spans(tokens: tuple[str, ...]) -> dict[str, range]:
    kinds = [token.split("_", 1)[0] for token in tokens]
    return {
        kind: range(kinds.index(kind), len(kinds) - kinds[::-1].index(kind)) for kind in set(kinds)
    }


@cache
def vocabulary() -> Vocabulary:
    """Return the shipped vocabulary."""
    table = json.loads((resources.files("scoretokens") / TABLE).read_text("utf-8"))
    return Vocabulary(
        tuple(table["tokens"]),
        {kind: frozenset(after) for kind, after in table["follows"].items()},
    )
