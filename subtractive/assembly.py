"""From finished chunks to a corpus: duplicates out, splits settled, no passage in both.

Everything here is a function of the rows, whatever order they were made in.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from subtractive.dataset import SCHEMA, SPLITS, write_shard
from subtractive.errors import OptionError, OutputError
from subtractive.files.output import write_whole
from subtractive.splits import Settled, SplitSource, settle
from subtractive.workers import HERE, Advance, Chunk, Crew, read_report, work_through

SHARD_ROWS = 1000
CHUNK_SONGS = 50
MOST_COLLIDING = 0.05  # of the training excerpts; more means that the split does not separate
_WORK, _SETTINGS, _DONE = "unfinished", "settings.json", "corpus.json"


def digest_of(*values: object) -> str:
    """Return a short hash of what rows depend on, by its representation."""
    return hashlib.sha256(repr(values).encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Counts(TypedDict):
    """What a build came to; it stands in ``corpus.json``."""

    settings: dict[str, object]
    songs: int
    groups: int
    songs_train: int
    songs_valid: int
    excerpts_train: int
    excerpts_valid: int
    colliding: int
    drum_coincidences: int
    left_out: int
    refused: int
    paraphrases: dict[str, int]


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless it is there.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {path} cannot be made ({error.strerror}): name another with --out"
        ) from error


def _batches(chunks: Sequence[Chunk], split: Mapping[str, str], side: str) -> Iterator[pa.Table]:
    """Yield the rows of one side, chunk by chunk."""
    for chunk in chunks:
        table = pq.read_table(chunk.rows, schema=SCHEMA)
        chosen = pa.array([split.get(name) == side for name in table["song"].to_pylist()])
        yield table.filter(chosen.cast(pa.bool_()))


def _shards(tables: Iterator[pa.Table], folder: Path) -> int:
    """Write tables as shards of equal length; return the number of rows."""
    folder.mkdir(parents=True)
    waiting: list[pa.Table] = []
    number = total = 0

    def flush(least: int) -> None:
        nonlocal waiting, number
        table = pa.concat_tables(waiting) if waiting else SCHEMA.empty_table()
        while table.num_rows >= least and table.num_rows:
            write_shard(folder / f"{number:05d}.parquet", table.slice(0, SHARD_ROWS))
            table, number = table.slice(SHARD_ROWS), number + 1
        waiting = [table] if table.num_rows else []

    for table in tables:
        total += table.num_rows
        waiting.append(table)
        if sum(each.num_rows for each in waiting) >= SHARD_ROWS:
            flush(SHARD_ROWS)
    flush(1)
    return total


def _regrouped(table: pa.Table, group: Mapping[str, str]) -> pa.Table:
    """Return the rows with the groups that were settled."""
    names = [group[name] for name in table["song"].to_pylist()]
    place = SCHEMA.get_field_index("group")
    return table.set_column(place, SCHEMA.field("group"), pa.array(names, pa.string()))


def _values(column: pa.ChunkedArray) -> set[int]:
    return set(pc.list_flatten(column).to_pylist())


def _touches(column: pa.ChunkedArray, held_out: set[int]) -> list[bool]:
    return [not held_out.isdisjoint(each) for each in column.to_pylist()]


def write_splits(chunks: Sequence[Chunk], settled: Settled, out: Path) -> dict[str, int]:
    """Write the shards of both splits into `out`.

    Training rows that share a passage with a held-out one are left out.

    Returns
    -------
    dict
        Excerpts of each split, `colliding` ones left out, and `drum_coincidences`: training
        excerpts whose drums alone play a passage of the held-out ones.

    Raises
    ------
    OptionError
        If more than `MOST_COLLIDING` of the training rows had to be left out.
    """
    joint: set[int] = set()
    drums: set[int] = set()

    def held_out() -> Iterator[pa.Table]:
        for table in _batches(chunks, settled.split, "valid"):
            joint.update(_values(table["passages"]))
            drums.update(_values(table["drum_passages"]))
            yield _regrouped(table, settled.group)

    counts: Counter[str] = Counter()

    def trained() -> Iterator[pa.Table]:
        for table in _batches(chunks, settled.split, "train"):
            colliding = _touches(table["passages"], joint)
            counts["colliding"] += sum(colliding)
            kept = table.filter(pa.array([not each for each in colliding], pa.bool_()))
            counts["drum_coincidences"] += sum(_touches(kept["drum_passages"], drums))
            yield _regrouped(kept, settled.group)

    valid = _shards(held_out(), out / "valid")
    train = _shards(trained(), out / "train")
    if counts["colliding"] > MOST_COLLIDING * (train + counts["colliding"]):
        raise OptionError(
            f"{counts['colliding']} of {train + counts['colliding']} training excerpts play eight "
            "bars of a held-out song, more than one in twenty: the same songs stand in the folder "
            "under other notes; remove copies, or name the split with --splits"
        )
    return {
        "train": train,
        "valid": valid,
        "colliding": counts["colliding"],
        "drum_coincidences": counts["drum_coincidences"],
    }


def _start(out: Path, settings: Mapping[str, object]) -> Path:
    """Return the folder for unfinished work, made or found as an interrupted build left it."""
    make_folder(out)
    work = out / _WORK
    if (out / _DONE).exists() or (
        not work.exists() and any((out / split).exists() for split in SPLITS)
    ):
        shutil.rmtree(work, ignore_errors=True)  # of a build that was killed after its end
        raise OptionError(f"{out} holds a corpus already: name another folder with --out")
    make_folder(work)
    written = json.dumps(settings, sort_keys=True).encode()
    stored = work / _SETTINGS
    if not stored.exists():
        write_whole(stored, written)
    elif stored.read_bytes() != written:
        raise OptionError(
            f"{out} holds an unfinished build of other settings "
            f"or songs ({stored.read_text(encoding='utf-8')}): give the same again to go on with "
            f"it, delete {work}, or name another folder with --out"
        )
    return work


def build(
    source: SplitSource,
    out: Path,
    settings: Mapping[str, object],
    seed: int,
    advance: Advance = lambda *_: None,
    given: Mapping[str, str] | None = None,
    *,
    finish: Callable[[Path, Counts], None] = lambda *_: None,
    crew: Crew = HERE,
) -> Counts:
    """Build a corpus in the folder `out`; an interrupted build goes on where it stopped.

    Parameters
    ----------
    source : SplitSource
    out : Path
    settings : mapping
        What the rows depend on: a build with other settings does not go on in this folder.
    seed : int
        For the words of the examples.
    advance : callable
        Told of songs done.
    given : mapping of str to str, optional
        Split of some songs by name.
    finish : callable
        Is given the folder and the counts before the corpus is called done: it writes the card.
    crew : Crew
        Who does the work.

    Returns
    -------
    Counts

    Raises
    ------
    OptionError
        If `out` holds another build, nothing can be learned from the source, or its split leaks.
    OutputError
        If `out` cannot be written to.
    """
    names = source.names
    if not names:
        raise OptionError("no song was found: name a folder that holds MIDI or MusicXML files")
    # other machines of a cluster have other working directories
    out = out.resolve()
    work = _start(out, {**settings, "songs": digest_of(source.stamp)})
    chunks = [
        Chunk(number, tuple(names[first : first + CHUNK_SONGS]), work, seed, crew.ask)
        for number, first in enumerate(range(0, len(names), CHUNK_SONGS))
    ]
    work_through(source, chunks, advance, crew)
    reports = [read_report(chunk) for chunk in chunks]
    kept = [each for report in reports for each in report.kept]
    dropped = [each for report in reports for each in report.dropped]
    if not kept:
        raise OptionError(f"{len(names)} songs, none to learn from; the first: {dropped[0][1]}")
    settled = settle(kept, source, given)
    draft = work / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    excerpts = write_splits(chunks, settled, draft)
    dropped += settled.dropped
    sides = Counter(settled.split.values())
    counts: Counts = {
        "settings": dict(settings),
        "songs": len(settled.split),
        "groups": len(set(settled.group.values())),
        "songs_train": sides["train"],
        "songs_valid": sides["valid"],
        "excerpts_train": excerpts["train"],
        "excerpts_valid": excerpts["valid"],
        "colliding": excerpts["colliding"],
        "drum_coincidences": excerpts["drum_coincidences"],
        "left_out": len(dropped),
        "refused": len(source.refused),
        "paraphrases": dict(sum((report.verdicts for report in reports), Counter[str]())),
    }
    _publish(draft, out, [*source.refused, *dropped])
    finish(out, counts)
    write_whole(out / _DONE, json.dumps(counts, indent=1).encode())
    shutil.rmtree(work)
    return counts


def _publish(draft: Path, out: Path, dropped: Sequence[tuple[str, str]]) -> None:
    """Move the finished shards to their place, and write what was left out."""
    lines = "".join(
        f"{json.dumps({'song': name, 'reason': why})}\n" for name, why in sorted(dropped)
    )
    write_whole(out / "dropped.jsonl", lines.encode())
    for split in SPLITS:
        # of a build that was killed just here
        shutil.rmtree(out / split, ignore_errors=True)
        (draft / split).replace(out / split)
