"""A corpus on disk: rows come back as they were, streamed, by any Parquet reader."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from subtractive import dataset
from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError
from subtractive.example import add
from subtractive.excerpts import Excerpt, Labels, Song, excerpts
from subtractive.facts import Facts
from subtractive.workers import song_rows, with_examples
from tests.test_arrangement import arrangements
from tests.test_excerpts import as_song
from tests.test_lessons import long_song


def write_corpus(folder: Path, songs: dict[str, Arrangement], split: str = "train") -> Path:
    """Write songs as one shard of a corpus."""
    (folder / split).mkdir(parents=True, exist_ok=True)
    rows = [row for name, music in songs.items() for row in song_rows(as_song(music, name), 0)]
    dataset.write_shard(folder / split / "00000.parquet", dataset.table_of(rows))
    return folder


def same(one: Excerpt, other: Excerpt) -> bool:
    facts = [
        np.array_equal(
            list(map(str, asdict(a.facts).values())), list(map(str, asdict(b.facts).values()))
        )
        for a, b in zip(one.examples, other.examples, strict=True)
    ]
    return (
        all(facts)
        and one.arrangement == other.arrangement
        and (one.song, one.labels, one.first_bar, one.bar_total)
        == (other.song, other.labels, other.first_bar, other.bar_total)
        and [(a.instrument, a.words) for a in one.examples]
        == [(b.instrument, b.words) for b in other.examples]
    )


def as_stored(excerpt: Excerpt) -> Excerpt:
    """The excerpt with its facts in the precision of the disk."""

    def rounded(facts: Facts) -> Facts:
        values: dict[str, Any] = {
            name: float(np.float32(value)) if isinstance(value, float) else value
            for name, value in asdict(facts).items()
        }
        return Facts(**values)

    return replace(
        excerpt,
        examples=tuple(replace(each, facts=rounded(each.facts)) for each in excerpt.examples),
    )


@settings(max_examples=25, deadline=None)
@given(arrangements())
def test_a_row_comes_back_as_it_was(music: Arrangement) -> None:
    labels = Labels("mma", "latin", "stdlib/samba:Samba", "fast", "Am | F", "A minor", 5)
    song = replace(as_song(music), labels=labels, group="stdlib/samba")
    for excerpt in excerpts(song):
        full = with_examples(excerpt, 3)
        (row,) = dataset.table_of([dataset.to_row(full, song.group)]).to_pylist()
        assert same(dataset.from_row(row), as_stored(full))
        assert row["group"] == "stdlib/samba"


def test_a_corpus_streams_back(tmp_path: Path, song: Arrangement) -> None:
    folder = write_corpus(tmp_path, {"a": song, "b": long_song(song, 10)})
    found = list(dataset.stream(folder, "train"))
    assert [(each.song, each.first_bar, each.bar_count) for each in found] == [
        ("a", 0, 8),
        ("b", 0, 32),
        ("b", 32, 32),
        ("b", 64, 16),
    ]
    assert found[0].arrangement.parts == tuple(replace(part, origin=None) for part in song.parts)


def test_every_example_obeys_the_law(tmp_path: Path, song: Arrangement) -> None:
    folder = write_corpus(tmp_path, {"a": song})
    whole = next(dataset.stream(folder, "train")).arrangement
    found = list(dataset.examples(folder, "train"))
    assert [each.instruction.instrument for each in found] == ["drums", "bass", "guitar"]
    assert all(add(each) == whole and each.target for each in found)
    assert all(each.instruction.words for each in found)


def test_equal_corpora_have_one_digest(tmp_path: Path, song: Arrangement) -> None:
    songs = {"a": song, "b": long_song(song, 10)}
    one = dataset.digest(write_corpus(tmp_path / "one", songs))
    two = dataset.digest(write_corpus(tmp_path / "two", dict(reversed(songs.items()))))
    assert one == two
    (kept,) = write_corpus(tmp_path / "two", {"a": song}).glob("train/*")
    assert kept.is_file()
    assert dataset.digest(tmp_path / "two") != one
    assert dataset.digest(write_corpus(tmp_path / "three", songs, "valid")) != one


def test_what_is_no_corpus_is_told(tmp_path: Path, song: Arrangement) -> None:
    with pytest.raises(FileFormatError, match=r"no corpus with a split 'train': build one"):
        list(dataset.stream(tmp_path, "train"))
    (tmp_path / "valid").mkdir()
    with pytest.raises(FileFormatError, match="no excerpt in its split 'valid': hold songs out"):
        list(dataset.stream(tmp_path, "valid"))
    folder = write_corpus(tmp_path, {"a": song})
    table = pq.read_table(folder / "train" / "00000.parquet").replace_schema_metadata({})
    pq.write_table(table, folder / "train" / "00000.parquet")
    with pytest.raises(FileFormatError, match="schema version none, this program reads 1"):
        list(dataset.stream(folder, "train"))


def test_the_schema_is_plain_arrow(tmp_path: Path, song: Arrangement) -> None:
    """Any reader opens it: the notes of a part are lists of whole numbers of one length."""
    (tmp_path / "valid").mkdir()
    with pytest.raises(FileFormatError, match="no excerpt in its split 'valid': hold songs out"):
        list(dataset.stream(tmp_path, "valid"))
    folder = write_corpus(tmp_path, {"a": song})
    table = pq.read_table(folder / "train")
    assert table.schema.equals(dataset.SCHEMA)
    parts = pa.array(table["parts"].to_pylist()[0], dataset.SCHEMA.field("parts").type.value_type)
    for part in parts.to_pylist():
        lengths = {len(part[name]) for name in ("onset", "duration", "pitch", "velocity")}
        assert len(lengths) == 1


STREAM = """
import os, sys, warnings
warnings.simplefilter("ignore")
import datasets
found = datasets.load_dataset(
    "parquet", data_files=sys.argv[1], split="train", streaming=True, cache_dir=sys.argv[2]
)
rows = list(found)
print(len(rows), rows[0]["examples"][0]["instrument"], len(rows[0]["parts"]), flush=True)
# the library's reading threads may outlive the interpreter on a busy machine, and abort it
os._exit(0)
"""


def test_hugging_face_datasets_streams_it(tmp_path: Path, song: Arrangement) -> None:
    pytest.importorskip("datasets", reason="the library datasets is not installed")
    folder = write_corpus(tmp_path / "corpus", {"a": song, "b": long_song(song, 10)})
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(folder / "train" / "*.parquet"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": ""},
    )
    assert done.stdout.split() == ["4", "drums", "4"]


def test_labels_say_nothing_of_the_machine(song: Arrangement) -> None:
    (row,) = song_rows(Song("a", "g", as_song(song).music, Labels("folder")), 0)
    assert str(Path.cwd()) not in repr(row)
