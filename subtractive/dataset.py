"""A corpus on disk: Parquet shards of excerpts, written once and streamed back.

A corpus is a folder with the subfolders ``train`` and ``valid``, in each of them
``00000.parquet``, ``00001.parquet``, ... whose rows are excerpts. ``docs/data.md`` describes every
column. Any Parquet reader opens them; `datasets.load_dataset("parquet", ...)` streams them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from subtractive.arrangement import Arrangement, ChordSymbol, KeySignature, Metre, PlacedPart, Tempo
from subtractive.arrays import NOTE, ArrayPart, ArraySong
from subtractive.errors import FileFormatError, OutputError
from subtractive.example import SubtractiveExample, subtract
from subtractive.excerpts import TICKS, Example, Excerpt, Labels
from subtractive.facts import Facts
from subtractive.instruction import Instruction
from subtractive.instruments import role
from subtractive.passages import passages

SCHEMA_VERSION = 1
SPLITS = ("train", "valid")


def _struct(**columns: pa.DataType) -> pa.StructType:
    return pa.struct([pa.field(name, kind) for name, kind in columns.items()])


_OF_TYPE = {float: pa.float32(), int: pa.int32(), bool: pa.bool_(), str: pa.string()}


def _arrow_of(kind: Any) -> pa.DataType:
    """Return the Arrow type of a field of `Facts`: a plain type, or one that may be None."""
    inner = [each for each in getattr(kind, "__args__", (kind,)) if each is not type(None)]
    return _OF_TYPE[inner[0]]


_TICK = pa.int32()
_PART = _struct(
    name=pa.string(),
    role=pa.string(),
    program=pa.uint8(),
    is_drums=pa.bool_(),
    sung=pa.bool_(),
    onset=pa.list_(_TICK),
    duration=pa.list_(_TICK),
    pitch=pa.list_(pa.uint8()),
    velocity=pa.list_(pa.uint8()),
)
_CHORD = _struct(
    tick=_TICK, text=pa.string(), root=pa.int8(), tones=pa.list_(pa.uint8()), bass=pa.int8()
)
_EXAMPLE = _struct(
    instrument=pa.string(),
    words=pa.string(),
    facts=_struct(**{name: _arrow_of(kind) for name, kind in get_type_hints(Facts).items()}),
)
SCHEMA = pa.schema(
    [
        ("song", pa.string()),
        ("group", pa.string()),
        *((field.name, pa.string()) for field in fields(Labels) if field.name != "seed"),
        ("seed", pa.int64()),
        ("first_bar", pa.int32()),
        ("bar_total", pa.int32()),
        ("barlines", pa.list_(_TICK)),
        ("metres", pa.list_(_struct(tick=_TICK, numerator=pa.int16(), denominator=pa.int16()))),
        ("tempos", pa.list_(_struct(tick=_TICK, microseconds=pa.int32()))),
        ("keys", pa.list_(_struct(tick=_TICK, fifths=pa.int8(), is_minor=pa.bool_()))),
        ("chords", pa.list_(_CHORD)),
        ("parts", pa.list_(_PART)),
        ("examples", pa.list_(_EXAMPLE)),
        ("passages", pa.list_(pa.int64())),
        ("drum_passages", pa.list_(pa.int64())),
    ],
    metadata={"subtractive_schema": str(SCHEMA_VERSION), "ticks_per_beat": str(TICKS)},
)

Row = dict[str, Any]


def to_row(excerpt: Excerpt, group: str) -> Row:
    """Return an excerpt as a row of `SCHEMA`."""
    music = excerpt.music
    joint, drums = passages(music)
    return {
        "song": excerpt.song,
        "group": group,
        **asdict(excerpt.labels),
        "first_bar": excerpt.first_bar,
        "bar_total": excerpt.bar_total,
        "barlines": music.barlines,
        "metres": [each._asdict() for each in music.metres],
        "tempos": [each._asdict() for each in music.tempos],
        "keys": [each._asdict() for each in music.keys],
        "chords": [
            dict(zip(_CHORD.names, each, strict=True), tones=each.pitch_classes)
            for each in music.chords
        ],
        "parts": [
            {
                "name": part.name,
                "role": role(part),
                "program": part.program,
                "is_drums": part.is_drums,
                "sung": part.sung,
                **{name: part.notes[name] for name in NOTE.names or ()},
            }
            for part in music.parts
        ],
        "examples": [asdict(example) for example in excerpt.examples],
        "passages": joint,
        "drum_passages": drums,
    }


def _notes(part: Row) -> ArrayPart:
    notes = np.zeros(len(part["onset"]), dtype=NOTE)
    for name in NOTE.names or ():
        notes[name] = part[name]
    return ArrayPart(part["name"], part["program"], part["is_drums"], notes, part["sung"])


def from_row(row: Row) -> Excerpt:
    """Return the excerpt of a row: the inverse of `to_row`."""
    music = ArraySong(
        TICKS,
        tuple(_notes(part) for part in row["parts"]),
        tuple(Tempo(**each) for each in row["tempos"]),
        tuple(Metre(**each) for each in row["metres"]),
        tuple(KeySignature(**each) for each in row["keys"]),
        tuple(
            ChordSymbol(
                each["tick"], each["text"], each["root"], tuple(each["tones"]), each["bass"]
            )
            for each in row["chords"]
        ),
        tuple(row["barlines"]),
    )
    return Excerpt(
        row["song"],
        Labels(**{field.name: row[field.name] for field in fields(Labels)}),
        row["first_bar"],
        row["bar_total"],
        music,
        tuple(
            Example(each["instrument"], each["words"], Facts(**each["facts"]))
            for each in row["examples"]
        ),
    )


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Return rows as a table of `SCHEMA`."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def write_shard(path: Path, table: pa.Table) -> None:
    """Write a shard whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        pq.write_table(table, draft, compression="zstd", row_group_size=100)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}): make room, or name another "
            "folder with --out"
        ) from error


def shards(folder: Path, split: str) -> list[Path]:
    """Return the shards of a split in order.

    Raises
    ------
    FileFormatError
        If there are none, or they were written with another schema.
    """
    found = sorted((folder / split).glob("*.parquet"))
    if not found and (folder / split).is_dir():
        raise FileFormatError(
            f"{folder} has no excerpt in its split {split!r}: hold songs out by --splits when it "
            "is built, or name another corpus"
        )
    if not found:
        raise FileFormatError(
            f"{folder} holds no corpus with a split {split!r}: build one with "
            "python -m subtractive.build"
        )
    metadata = pq.read_schema(found[0]).metadata or {}
    version = metadata.get(b"subtractive_schema", b"none").decode()
    if version != str(SCHEMA_VERSION):
        raise FileFormatError(
            f"{folder} has schema version {version}, this program reads {SCHEMA_VERSION}: build "
            "the corpus again"
        )
    return found


def rows(folder: Path, split: str, columns: list[str] | None = None) -> Iterator[Row]:
    """Yield a split's rows, a few in memory at a time.

    Raises
    ------
    FileFormatError
        As `shards` does.
    """
    for shard in shards(folder, split):
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=50, columns=columns):
            yield from batch.to_pylist()


def stream(folder: Path, split: str) -> Iterator[Excerpt]:
    """Yield a split's excerpts, a few in memory at a time."""
    return map(from_row, rows(folder, split))


def examples(folder: Path, split: str) -> Iterator[SubtractiveExample[Arrangement, PlacedPart]]:
    """Yield a split's subtractive examples: every excerpt without each of its instruments."""
    for excerpt in stream(folder, split):
        for example in excerpt.examples:
            wanted = Instruction(example.instrument, words=example.words)
            yield subtract(excerpt.arrangement, wanted)


def digest(folder: Path) -> str:
    """Return a hash over the sorted rows of a corpus: equal for equal corpora."""
    found = []
    for split in SPLITS:
        for shard in sorted((folder / split).glob("*.parquet")):
            for batch in pq.ParquetFile(shard).iter_batches(batch_size=50):
                found += [
                    hashlib.sha256(repr((split, row)).encode()).digest()
                    for row in batch.to_pylist()
                ]
    return hashlib.sha256(b"".join(sorted(found))).hexdigest()
