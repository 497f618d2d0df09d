"""Distil the table of `subtractive.nearby` from a sentence model in a local folder.

Each whole word of the model's vocabulary is embedded in three surroundings, once and for all. The
mean over all words is taken away, as single words resemble one another more than they should, and
what remains is turned onto its 128 main axes (Tulkens and van Dongen, 2024, "Model2Vec", do so with
all pieces of words) and rounded to bytes.

The table that is shipped comes from all-MiniLM-L6-v2 (Apache-2.0; see NOTICE).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from safetensors.numpy import save

from subtractive.command import progress, run
from subtractive.errors import FileFormatError
from subtractive.files.output import write_whole

SURROUNDINGS = ("{}", "{} music", "playing in a {} way")
DIMENSIONS = 128
_BATCH = 256

Floats = npt.NDArray[np.float32]

app = typer.Typer(add_completion=False)


def principal(surroundings: Sequence[Floats], dimensions: int) -> npt.NDArray[np.int8]:
    """Return the vectors of words, made small.

    Parameters
    ----------
    surroundings : sequence of array [shape=(word, width)]
        The same words in each; each surrounding counts alike.
    dimensions : int
        Axes that are kept.

    Returns
    -------
    array [shape=(word, dimensions)] of int8
        Each scaled so that its largest number is 127: only directions matter.
    """
    total = np.zeros(surroundings[0].shape, dtype=np.float64)
    for vectors in surroundings:
        centred = vectors - vectors.mean(axis=0)
        total += centred / np.linalg.norm(centred, axis=1, keepdims=True)
    total -= total.mean(axis=0)
    _, axes = np.linalg.eigh(total.T @ total)
    kept = total @ axes[:, ::-1][:, :dimensions]
    largest = np.abs(kept).max(axis=1, keepdims=True)
    rounded: npt.NDArray[np.int8] = np.round(127 * kept / largest).astype(np.int8)
    return rounded


def _embedded(tokenizer: Any, model: Any, texts: Sequence[str]) -> Floats:
    """Return the mean of what the model makes of each text's tokens [shape=(text, width)]."""
    import torch  # noqa: PLC0415  # slow

    with torch.inference_mode():
        tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        states = model(**tokens).last_hidden_state
        there = tokens["attention_mask"][..., None]
        means = (states * there).sum(dim=1) / there.sum(dim=1)
        embedded: Floats = torch.nn.functional.normalize(means, dim=1).float().numpy()
        return embedded


@app.command(epilog="Example: python -m symbolic.distil all-MiniLM-L6-v2/ -o nearby.safetensors")
def distil(
    model: Annotated[Path, typer.Argument(help="folder of a BERT-like sentence model")],
    output: Annotated[Path, typer.Option("--output", "-o", help="table to write")],
) -> None:
    """Distil a sentence model into a table of single words; nothing is fetched."""
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415  # takes seconds

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
        network = AutoModel.from_pretrained(model, local_files_only=True).eval()
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{model} holds no sentence model that transformers can load: name a folder with "
            "config.json, weights and tokenizer"
        ) from error
    words = [word for word in tokenizer.get_vocab() if re.fullmatch("[a-z]{3,}", word)]
    words.sort()
    made: list[list[Floats]] = [[] for _ in SURROUNDINGS]
    with progress() as bar:
        waiting = bar.add_task("words", total=len(words) * len(SURROUNDINGS))
        for rows, surrounding in zip(made, SURROUNDINGS, strict=True):
            for first in range(0, len(words), _BATCH):
                texts = [surrounding.format(word) for word in words[first : first + _BATCH]]
                rows.append(_embedded(tokenizer, network, texts))
                bar.advance(waiting, len(texts))
    vectors = principal([np.concatenate(rows) for rows in made], DIMENSIONS)
    letters = np.frombuffer(" ".join(words).encode(), dtype=np.uint8)
    write_whole(output, save({"words": letters, "vectors": vectors}))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after a mistake that one sentence on stderr explains."""
    return run(app, "python -m symbolic.distil", argv)


if __name__ == "__main__":
    sys.exit(main())
