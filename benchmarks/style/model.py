"""The parameters of the style classifier: what they say of a part, and the file that holds them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from benchmarks.style.features import VERSION, Features, part_features
from subtractive.arrays import Notes
from subtractive.errors import FileFormatError
from subtractive.placed import Ints

Array = npt.NDArray[np.float64]

SHIPPED = Path(__file__).parent / "classifier.safetensors"
_TENSORS = ("mean", "spread", "weight", "bias")
_FARTHEST = 4.0


@dataclass(frozen=True, eq=False)
class Regression:
    """The parameters for one instrument; a family that was not learned has a bias of -inf."""

    mean: Features
    spread: Features
    weight: Features
    bias: Features

    def probabilities(self, features: Features) -> Array:
        """Return the probability of each family [shape=(..., family)]."""
        scores = standardised(features, self.mean, self.spread) @ self.weight + self.bias
        powers = np.exp(scores.astype(np.float64) - scores.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class StyleClassifier:
    """A regression for each instrument.

    Attributes
    ----------
    families : tuple of str
    regressions : dict of str to Regression
        By instrument; those that no training part played are missing.
    report : dict of str to dict
        What it reached on true parts, by instrument; may be empty.
    """

    families: tuple[str, ...]
    regressions: dict[str, Regression]
    report: dict[str, Any]

    def probabilities(
        self, notes: Notes, barlines: Ints, ticks_per_beat: int, instrument: str
    ) -> Array:
        """Return the probability of each family for one part; nan without notes.

        Parameters
        ----------
        notes : array of NOTE [shape=(note,)]
        barlines : array of int [shape=(bar + 1,)]
            Onsets of the bars and the end of the last one, in ticks.
        ticks_per_beat : int
            Ticks to a quarter note.
        instrument : str

        Raises
        ------
        ValueError
            If the instrument was not learned.
        """
        if instrument not in self.regressions:
            raise ValueError(f"no style was learned of {instrument!r}: train with parts of it")
        if not len(notes):
            return np.full(len(self.families), np.nan)
        features = part_features(notes, barlines, ticks_per_beat, instrument)
        return self.regressions[instrument].probabilities(features)

    def family(self, notes: Notes, barlines: Ints, ticks_per_beat: int, instrument: str) -> str:
        """Return the likeliest family; an empty text without notes."""
        found = self.probabilities(notes, barlines, ticks_per_beat, instrument)
        return "" if np.isnan(found).any() else self.families[int(found.argmax())]

    def to_bytes(self) -> bytes:
        """Return the classifier as a safetensors file."""
        tensors = {
            f"{name}.{part}": getattr(regression, part)
            for name, regression in self.regressions.items()
            for part in _TENSORS
        }
        told = {"families": self.families, "features": VERSION, "report": self.report}
        content: bytes = save(tensors, {key: json.dumps(value) for key, value in told.items()})
        return _in_order(content)


def _in_order(content: bytes) -> bytes:
    """Return a safetensors file with its head in a fixed order: the library shuffles metadata."""
    length = int.from_bytes(content[:8], "little")
    head = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True, separators=(",", ":"))
    padded = head.encode() + b" " * (-len(head.encode()) % 8)
    return len(padded).to_bytes(8, "little") + padded + content[8 + length :]


@lru_cache(maxsize=4)
def load(path: Path = SHIPPED) -> StyleClassifier:
    """Read a classifier.

    Raises
    ------
    FileFormatError
        If the file is missing or no classifier, or was trained on another version of the features.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            told = {key: json.loads(text) for key, text in (file.metadata() or {}).items()}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except (OSError, SafetensorError, ValueError) as error:
        raise FileFormatError(f"{path} is no style classifier: {error}") from error
    if told.get("features") != VERSION:
        raise FileFormatError(
            f"{path} was trained on features of version {told.get('features')}, this program has "
            f"version {VERSION}: train it again (python -m benchmarks.style train)"
        )
    names = sorted({name.partition(".")[0] for name in tensors})
    regressions = {
        name: Regression(*(tensors[f"{name}.{part}"] for part in _TENSORS)) for name in names
    }
    return StyleClassifier(tuple(told["families"]), regressions, told["report"])


def standardised(features: Features, mean: Features, spread: Features) -> Features:
    """Return features around 0, bounded; 0 for nan."""
    bounded = np.clip((features - mean) / spread, -_FARTHEST, _FARTHEST)
    around: Features = np.nan_to_num(bounded, nan=0.0).astype(np.float32)
    return around
