"""Batches and the corpora they are drawn from."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from scoretokens.grid import GridSong, to_grid
from subtractive.arrangement import Arrangement, Metre
from subtractive.errors import FileFormatError
from subtractive.files.midi import write_midi
from subtractive.instruments import INSTRUMENTS
from symbolic.lessons import WINDOW, lesson
from symbolic.songbook import load_songs
from tests.test_lessons import long_song

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # x-transformers uses what torch deprecates
    from symbolic.batches import Corpus, batches, collate, draw, pool, validation_lessons


@pytest.fixture
def corpora(song: Arrangement) -> list[Corpus]:
    waltz = replace(song, metres=(Metre(0, 3, 4),), chords=())
    return [
        Corpus([to_grid(song), to_grid(long_song(song))], 0.5),
        Corpus([to_grid(waltz)], 2.0),
    ]


def same(one: object, other: object) -> bool:
    return all(bool((value == getattr(other, name)).all()) for name, value in vars(one).items())


def test_batches_are_a_function_of_seed_worker_and_number(corpora: list[Corpus]) -> None:
    first, second = (list(islice(batches(corpora, 3, 0, 900), 4)) for _ in range(2))
    assert all(same(here, there) for (here, _), (there, _) in zip(first, second, strict=True))
    for seed, worker in ((4, 0), (3, 1)):
        other, _ = next(batches(corpora, seed, worker, 900))
        assert other.main.shape != first[0][0].main.shape or not same(other, first[0][0])


def test_a_stream_goes_on_where_it_stood(corpora: list[Corpus]) -> None:
    budget = 2500  # few batches a pool, so that one ends among them
    whole = list(islice(batches(corpora, 3, 0, budget), 4))
    assert {place.pool for _, place in whole} >= {0, 1}
    for index in (0, 2):
        batch, after = next(batches(corpora, 3, 0, budget, whole[index][1]))
        assert same(batch, whole[index + 1][0])
        assert after == whole[index + 1][1]


def test_batches_keep_to_their_budget(corpora: list[Corpus], rng: np.random.Generator) -> None:
    groups = pool(corpora, rng, 600)
    assert sum(len(group) for group in groups) == 48
    for group in groups:
        assert len(group) == 1 or len(group) * max(len(one.rows) for one in group) <= 600
    # lessons of like length stand together
    groups.sort(key=lambda group: len(group[0].rows))
    sizes = [len(one.rows) for group in groups for one in group]
    assert sizes == sorted(sizes)


def test_songs_are_drawn_by_weight(song: Arrangement, rng: np.random.Generator) -> None:
    never, always = Corpus([to_grid(song)], 0.0), Corpus([to_grid(long_song(song))], 1.0)
    shown = [draw([never, always], rng) for _ in range(12)]
    # windows of the long song: from half a window on to its end
    assert {one.bar_count for one in shown} <= set(range(WINDOW // 2 + 1, WINDOW + 1))
    assert {one.instrument for one in shown} == set(INSTRUMENTS)


def test_a_batch_is_its_lessons_side_by_side(song: Arrangement) -> None:
    grid = to_grid(long_song(song))
    shown = [
        one
        for one in (lesson(grid, "drums", 0, None), lesson(grid, "bass", 20, None))
        if one is not None
    ]
    batch = collate(shown)
    assert batch.instrument.tolist() == [INSTRUMENTS.index(one.instrument) for one in shown]
    for index, one in enumerate(shown):
        length, frames = len(one.rows), len(one.frames)
        assert batch.main[index, :length].tolist() == one.rows.main.tolist()
        assert (batch.main[index, length:] == -1).all()
        assert batch.place[index, :length].tolist() == one.rows.place.tolist()
        assert batch.frame[index, length:].sum() == 0
        assert np.array_equal(batch.frames[index, :frames].numpy(), one.frames)
        assert batch.frame_mask[index].tolist() == [
            frame < frames for frame in range(batch.frame_mask.shape[1])
        ]


def test_validation_is_the_same_every_time(song: Arrangement) -> None:
    songs = [to_grid(song), to_grid(long_song(song))]
    first, second = validation_lessons(songs, 5), validation_lessons(songs, 5)
    assert len(first) == len(second) == 2 * 3 * len(INSTRUMENTS)
    for here, there in zip(first, second, strict=True):
        assert same(here.rows, there.rows)
        assert np.array_equal(here.frames, there.frames)


def write_corpus(folder: Path, songs: dict[str, Arrangement], split: str = "train") -> Path:
    """Write songs and the index that names them."""
    folder.mkdir(exist_ok=True)
    for name, music in songs.items():
        (folder / name).write_bytes(write_midi(replace(music, source=None)))
    lines = ["path,split", *(f"{name},{split}" for name in songs)]
    (folder / "index.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def same_songs(here: list[GridSong], there: list[GridSong]) -> bool:
    def plain(song: GridSong) -> object:
        played = [(part.role, part.program, part.notes.tolist()) for part in song.parts]
        fields = (song.bar_onsets, song.bar_beats, song.bar_tempos, song.chords)
        return played, [column.tolist() for column in fields]

    return [plain(song) for song in here] == [plain(song) for song in there]


def test_a_corpus_is_read_once_and_kept(tmp_path: Path, song: Arrangement) -> None:
    waltz = replace(song.with_parts(song.parts[:2]), metres=(Metre(0, 3, 4),))
    folder = write_corpus(tmp_path / "songs", {"a.mid": song, "b.mid": waltz})
    fresh = load_songs(folder, "train", tmp_path / "cache", processes=1)
    expected = [to_grid(replace(music, chords=())) for music in (song, waltz)]
    assert same_songs(fresh, expected)
    for path in folder.glob("*.mid"):
        path.unlink()
    assert same_songs(load_songs(folder, "train", tmp_path / "cache", processes=1), expected)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.suffix != ".npz"]


def test_splits_are_kept_apart(tmp_path: Path, song: Arrangement) -> None:
    folder = write_corpus(tmp_path / "songs", {"a.mid": song, "b.mid": long_song(song)})
    text = (folder / "index.csv").read_text("utf-8").replace("b.mid,train", "b.mid,valid")
    (folder / "index.csv").write_text(text, "utf-8")
    cache = tmp_path / "cache"
    (train,) = load_songs(folder, "train", cache, processes=1)
    (valid,) = load_songs(folder, "valid", cache, processes=1)
    assert (train.bar_count, valid.bar_count) == (8, 32)


def test_what_cannot_be_read_is_left_out_of_a_corpus(tmp_path: Path, song: Arrangement) -> None:
    folder = write_corpus(tmp_path / "songs", {"a.mid": song, "b.mid": song})
    (folder / "b.mid").write_bytes(b"MThd")
    assert len(load_songs(folder, "train", processes=1)) == 1
    (folder / "a.mid").write_bytes(b"")
    with pytest.raises(FileFormatError, match="no readable song"):
        load_songs(folder, "train", processes=1)


def test_a_corpus_whose_songs_are_gone_is_told(tmp_path: Path, song: Arrangement) -> None:
    folder = write_corpus(tmp_path / "songs", {"a.mid": song})
    (folder / "a.mid").unlink()
    with pytest.raises(FileFormatError, match=r"a\.mid stands in index\.csv"):
        load_songs(folder, "train", processes=1)


def test_a_folder_without_an_index_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"subtractive\.build"):
        load_songs(tmp_path, "train")
    (tmp_path / "index.csv").write_text("file,part\na.mid,train\n", "utf-8")
    with pytest.raises(FileFormatError, match="columns path and split"):
        load_songs(tmp_path, "train")
