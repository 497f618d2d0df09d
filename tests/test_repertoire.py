"""The index of training parts: read from corpora, written, read back, damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as save_tensors

from benchmarks.novelty import SHIPPED, main
from benchmarks.repertoires import gather, read_all
from subtractive.arrangement import Arrangement
from subtractive.arrays import to_arrays
from subtractive.dataset import table_of, to_row, write_shard
from subtractive.errors import FileFormatError, OptionError
from subtractive.excerpts import Labels, Song, excerpts
from subtractive.instruments import INSTRUMENTS
from subtractive.novelty import BITS, LENGTHS, Known
from subtractive.repertoire import coded, decoded, load_repertoire
from tests.test_novelty import moves, repertoire, walk


def corpus(folder: Path, song: Arrangement, seed: int) -> Path:
    """A corpus of two songs to learn from and one held out, each with a bass line of its own."""
    rng = np.random.default_rng(seed)
    for split, names in (("train", ("one", "two")), ("valid", ("three",))):
        (folder / split).mkdir(parents=True)
        rows = []
        for name in names:
            music = to_arrays(song)
            lines = walk(rng, 60)
            music.parts[2].notes[:] = lines[: len(music.parts[2].notes)]
            own = Song(name, "", music, Labels("folder", label="Rock 8"))
            rows += [to_row(excerpt, "") for excerpt in excerpts(own)]
        write_shard(folder / split / "00000.parquet", table_of(rows))
    return folder


def same(one: Known, other: Known) -> bool:
    """Whether two instruments' indices are the same."""
    return np.array_equal(one.owners, other.owners) and all(
        one.sets[length].bound == other.sets[length].bound
        and np.array_equal(one.sets[length].values, other.sets[length].values)
        for length in LENGTHS
    )


def test_a_corpus_is_read_whole_and_told(tmp_path: Path, song: Arrangement) -> None:
    folders = [corpus(tmp_path / name, song, seed) for seed, name in enumerate(("a", "b"))]
    heard = read_all(folders, processes=1)
    own = gather(folders, processes=1, remark="mine")
    assert (own.remark, own.songs) == ("mine", heard.songs)
    assert own.songs == ["a: one (Rock 8)", "a: two (Rock 8)", "b: one (Rock 8)", "b: two (Rock 8)"]
    assert [(each["name"], each["songs"], each["parts"]) for each in own.corpora] == [
        ("a", 2, 6),
        ("b", 2, 6),
    ]
    assert sum(each["notes"] for each in own.corpora) == sum(
        len(part) for parts in heard.parts.values() for part in parts
    )
    again = gather(folders, processes=2)
    assert again.corpora == own.corpora
    for name in INSTRUMENTS:
        assert same(again.of(name), own.of(name))
        for place, part in enumerate(heard.parts[name]):
            found = own.of(name).copied(part)
            assert all(found[length].all() for length in LENGTHS)
            if name == "bass":  # drums and guitar are the same in every song
                near = own.nearest(part, name)
                assert near is None or near.song == own.songs[place]


def test_corpora_of_one_name_or_none_are_refused(tmp_path: Path, song: Arrangement) -> None:
    one, other = (corpus(tmp_path / name / "own", song, 0) for name in ("a", "b"))
    with pytest.raises(OptionError, match="a name of its own"):
        gather([one, other])
    with pytest.raises(FileFormatError, match="holds no corpus"):
        gather([tmp_path / "nowhere"])


def test_a_file_holds_all(tmp_path: Path, rng: np.random.Generator) -> None:
    own = repertoire(*(moves(walk(rng, 100), "drums") for _ in range(5)), instrument="drums")
    own.save(tmp_path / "index")
    again = load_repertoire(tmp_path / "index")
    assert (again.songs, again.corpora) == (own.songs, own.corpora)
    assert all(same(again.of(name), own.of(name)) for name in INSTRUMENTS)
    again.save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "index").read_bytes()


@given(st.sets(st.integers(0, 2**36), max_size=50), st.integers(0, 2**36))
def test_numbers_are_packed_without_loss(told: set[int], beyond: int) -> None:
    numbers = np.array(sorted(told), dtype=np.int64)
    bound = max(told, default=0) + 1 + beyond
    packed = coded(numbers, bound)
    assert decoded(packed.tobytes(), len(numbers), bound).tolist() == numbers.tolist()


def test_numbers_take_hardly_more_than_their_bits(rng: np.random.Generator) -> None:
    numbers = np.unique(rng.integers(0, 10_000 << 6, 10_000))
    assert len(coded(numbers, 10_000 << 6)) * 8 < 7.7 * len(numbers)


def test_the_file_holds_hashes_and_no_notes(tmp_path: Path, rng: np.random.Generator) -> None:
    part = moves(walk(rng, 5000))
    own = repertoire(part)
    own.save(tmp_path / "index")
    stored = load_file(tmp_path / "index")
    assert {name.partition(".")[2] for name in stored} == {"", "4", "8", "16", "owners"}
    known = own.of("bass")
    # nothing but ascending hashes, which tell no order, and too few bits to tell a passage
    assert sum(each.nbytes for name, each in stored.items() if name != "songs") * 8 < 5000 * sum(
        [2 + BITS[length] for length in LENGTHS] + [3]
    )
    assert all((np.diff(known.sets[length].values.astype(int)) > 0).all() for length in LENGTHS)
    content = (tmp_path / "index").read_bytes()
    assert all(part[at : at + 4].tobytes() not in content for at in range(len(part) - 3))
    # the same passages in another order, each in a part of its own, make the same file
    places = rng.permutation(len(part) - 15)
    pieces = [part[at : at + 16] for at in places.tolist()]
    mixed = repertoire(*pieces, songs=[0] * len(pieces))
    assert same(mixed.of("bass"), known)


def test_a_damaged_file_is_told_in_a_sentence(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "index"
    repertoire(*(moves(walk(rng, 100)) for _ in range(5))).save(path)
    whole = path.read_bytes()
    for content in (b"", b"not an index", whole[:-1], whole[: len(whole) // 2], whole + b"!"):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="damaged"):
            load_repertoire(path)
    for place in rng.integers(8, len(whole), 100).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with pytest.raises(FileFormatError, match="copy it again"):
            load_repertoire(path)


def test_other_files_are_no_index(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there is no novelty index"):
        load_repertoire(tmp_path / "nowhere")
    (tmp_path / "weights").write_bytes(save_tensors({"a": np.zeros(3)}))
    with pytest.raises(FileFormatError, match="no novelty index of the format"):
        load_repertoire(tmp_path / "weights")


def test_the_file_states_how_often_it_is_wrong(tmp_path: Path) -> None:
    repertoire().save(tmp_path / "index")
    with safe_open(tmp_path / "index", "numpy") as opened:
        told = json.loads(opened.metadata()["repertoire"])
    assert told["false_positive_rate"] == {"4": 1 / 256, "8": 1 / 64, "16": 1 / 16}


def test_the_build_command_writes_an_index(
    tmp_path: Path, song: Arrangement, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = corpus(tmp_path / "own", song, 3), tmp_path / "index"
    arguments = ["build", "--corpus", str(folder), "--out", str(out), "--remark", "mine", "--json"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    own = load_repertoire(out)
    assert (own.remark, told["bytes"], told["corpora"]) == ("mine", out.stat().st_size, own.corpora)
    assert main(["build", "--corpus", str(tmp_path), "--out", str(out)]) == 2
    assert "holds no corpus" in capsys.readouterr().err


@pytest.mark.skipif(not SHIPPED.is_file(), reason="no index lies beside the weights")
def test_the_shipped_index_is_small_and_names_its_corpora(rng: np.random.Generator) -> None:
    assert SHIPPED.stat().st_size <= 10_000_000
    own = load_repertoire(SHIPPED)
    assert own.remark
    for name in INSTRUMENTS:
        foreign = own.of(name).copied(moves(walk(rng, 1000, steps=(7, 8, 11)), name))
        assert not foreign[16].any()
        assert foreign[8].mean() < 0.01
        assert all(len(each.values) for each in own.of(name).sets.values())
        assert own.of(name).song_count == len(own.songs)
    assert sum(each["songs"] for each in own.corpora) == len(own.songs)
