"""The training songs that retrieval copies from, shelved once and kept on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from glob import escape
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks.journal import cache_folder, fingerprint, module_files
from benchmarks.retrieval.shelf import Shelf, Volume, fill
from benchmarks.retrieval.traits import Hearing
from benchmarks.songs import freedoom_files
from subtractive.arrays import ArraySong, to_arrays
from subtractive.files.midi import read_midi
from subtractive.instruments import INSTRUMENTS

EXCERPTS = 2000  # of a corpus: about 60,000 bars, which a song is compared with in a second
_SEED = 440  # which excerpts those are


def freedoom_training(folder: Path) -> Iterator[tuple[str, ArraySong]]:
    """Yield name and music of the training songs of ``freedoom``, named as `Song.key` is."""
    for collection, name, path in freedoom_files(folder, ("train",)):
        yield f"{collection}/{name}", to_arrays(read_midi(path.read_bytes(), name))


def corpus_training(corpus: Path, limit: int) -> Iterator[tuple[str, ArraySong]]:
    """Yield name and music of at most `limit` training excerpts of a corpus.

    Which ones is drawn with a fixed seed, without replacement; they come in the corpus's order.

    Raises
    ------
    FileFormatError
        If the folder holds no corpus.
    """
    # pyarrow: without corpora nothing needs it
    import pyarrow.parquet as pq  # noqa: PLC0415

    from subtractive.dataset import from_row, rows, shards  # noqa: PLC0415

    total = sum(pq.read_metadata(shard).num_rows for shard in shards(corpus, "train"))
    rng = np.random.default_rng(_SEED)
    chosen = set(rng.permutation(total)[:limit].tolist())
    for place, row in enumerate(rows(corpus, "train")):
        if place in chosen:
            excerpt = from_row(row)
            yield f"{corpus.name}/{excerpt.song}:{excerpt.first_bar}", excerpt.music


def stocked(
    folder: Path, corpora: Sequence[Path], limit: int, cache_at: Path | None
) -> dict[str, Shelf]:
    """Return the shelves of all training songs; parameters as in `retrieval.training_library`."""
    files = freedoom_files(folder, ("train",))
    state = fingerprint(
        [
            *module_files("benchmarks.retrieval.training"),
            *(f"{path.parent}/{escape(path.name)}" for _, _, path in files),
            *(str(corpus.resolve() / "train" / "*.parquet") for corpus in corpora),
        ],
        str(limit),
    )
    path = (cache_at or cache_folder()) / f"library-{state}.npz"
    if not path.exists():
        songs = chain(
            freedoom_training(folder), *(corpus_training(corpus, limit) for corpus in corpora)
        )
        save(path, fill(_heard(songs), INSTRUMENTS))
    return load(path)


def _heard(songs: Iterable[tuple[str, ArraySong]]) -> Iterator[Volume]:
    return ((name, song, Hearing.of(song)) for name, song in songs)


def save(path: Path, shelves: dict[str, Shelf]) -> None:
    """Write shelves to one file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    arrays = {
        f"{instrument}.{name}": array
        for instrument, shelf in shelves.items()
        for name, array in shelf.as_arrays().items()
    }
    with draft.open("wb") as file:
        # numpy's own stub takes any keyword for its flag
        np.savez(file, **arrays)  # type: ignore[arg-type]
    draft.replace(path)


def load(path: Path) -> dict[str, Shelf]:
    """Return the shelves that `save` wrote."""
    with np.load(path) as stored:
        return {
            instrument: Shelf(
                **{field.name: stored[f"{instrument}.{field.name}"] for field in fields(Shelf)}
            )
            for instrument in sorted({name.partition(".")[0] for name in stored.files})
        }
