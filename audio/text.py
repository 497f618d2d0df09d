"""Who reads words: the lexicon, or a sentence encoder of the user's own that knows more words.

Models of sound are told concepts (`audio.words`), never text. The lexicon needs no download. A
sentence encoder from a local folder also finds what is said in words that the lexicon has not: a
concept counts as asked for if the text lies nearer to its commonest name than to nearly all others.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from audio.words import CONCEPTS, heard
from subtractive.errors import FileFormatError

if TYPE_CHECKING:
    import torch

LEAST_LIKENESS = 0.45  # cosine; two unrelated phrases of music lie at 0.1 to 0.4
MOST_FOUND = 4  # concepts beside those of the lexicon


class Reader(Protocol):
    """What tells concepts from words."""

    def heard(self, words: str, instrument: str) -> list[int]:
        """Return what words ask of a stem, as indices into `audio.words.CONCEPTS`."""


class LexiconReader:
    """The default: what the lexicon knows."""

    def heard(self, words: str, instrument: str) -> list[int]:
        """Return what the lexicon hears."""
        return heard(words, instrument)


class SentenceReader:
    """A sentence encoder in a local folder, beside the lexicon.

    Parameters
    ----------
    folder : Path
        As `transformers.AutoModel` saves it, with its tokenizer. Nothing is fetched.

    Raises
    ------
    FileFormatError
        If it can't be loaded.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415  # takes seconds

        try:
            self._tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise FileFormatError(
                f"{folder} holds no text encoder that transformers can load: name a folder with "
                "config.json, weights and tokenizer"
            ) from error
        # what nobody can ask for in words is left out
        self._asked = [i for i, name in enumerate(CONCEPTS) if ":" in name]
        names = [CONCEPTS[i].partition(":")[2].replace("_", " ") + " drums" for i in self._asked]
        self._names = self._embedded(names)

    def heard(self, words: str, instrument: str) -> list[int]:
        """Return what the lexicon hears, and the nearest concepts."""
        known = heard(words, instrument)
        if not words.strip():
            return known
        likeness = (self._names @ self._embedded([words])[0]).tolist()
        ranked = sorted(zip(likeness, self._asked, strict=True), reverse=True)[:MOST_FOUND]
        near = {concept for value, concept in ranked if value >= LEAST_LIKENESS}
        return sorted({*known, *near})

    def _embedded(self, texts: list[str]) -> torch.Tensor:
        """Return unit vectors, the mean over each text's tokens [shape=(text, width)]."""
        import torch  # noqa: PLC0415  # as above

        with torch.inference_mode():
            given = self._tokens(texts, padding=True, truncation=True, return_tensors="pt")
            states = self._model(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1)
            means = (states * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(means, dim=-1)
