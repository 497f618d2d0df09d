"""Batches and the corpora they are drawn from."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from scoretokens.grid import GridSong, to_grid
from subtractive.arrangement import Arrangement, Metre
from subtractive.dataset import stream
from subtractive.errors import FileFormatError
from subtractive.excerpts import excerpts
from subtractive.instruments import INSTRUMENTS
from symbolic.frames import cut
from symbolic.lessons import WINDOW, lesson
from symbolic.songbook import excerpt_on_grid, load_songs
from tests.test_dataset import write_corpus
from tests.test_excerpts import as_song
from tests.test_lessons import long_song

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # x-transformers uses what torch deprecates
    from symbolic.batches import Corpus, batches, collate, draw, pool, validation_lessons
    from symbolic.kinds import KINDS

ROWS = KINDS["transformer"].length, KINDS["transformer"].collate


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
    first, second = (list(islice(batches(corpora, 3, 0, 900, *ROWS), 4)) for _ in range(2))
    assert all(same(here, there) for (here, _), (there, _) in zip(first, second, strict=True))
    for seed, worker in ((4, 0), (3, 1)):
        other, _ = next(batches(corpora, seed, worker, 900, *ROWS))
        assert other.main.shape != first[0][0].main.shape or not same(other, first[0][0])


def test_a_stream_goes_on_where_it_stood(corpora: list[Corpus]) -> None:
    budget = 2500  # few batches a pool, so that one ends among them
    whole = list(islice(batches(corpora, 3, 0, budget, *ROWS), 4))
    assert {place.pool for _, place in whole} >= {0, 1}
    for index in (0, 2):
        batch, after = next(batches(corpora, 3, 0, budget, *ROWS, whole[index][1]))
        assert same(batch, whole[index + 1][0])
        assert after == whole[index + 1][1]


def test_batches_keep_to_their_budget(corpora: list[Corpus], rng: np.random.Generator) -> None:
    groups = pool(corpora, rng, 600, ROWS[0])
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
    assert len(first) == len(second) == 2 * len(INSTRUMENTS)
    for here, there in zip(first, second, strict=True):
        assert same(here.rows, there.rows)
        assert np.array_equal(here.frames, there.frames)


def same_songs(here: Iterable[GridSong], there: Iterable[GridSong]) -> bool:
    def plain(song: GridSong) -> object:
        played = [(part.role, part.program, part.notes.tolist()) for part in song.parts]
        fields = (song.bar_onsets, song.bar_beats, song.chords)
        whole = song.first_bar, song.bar_total, np.rint(song.bar_tempos).tolist()
        return played, whole, [column.tolist() for column in fields]

    return [plain(song) for song in here] == [plain(song) for song in there]


def test_a_corpus_is_read_once_and_kept(tmp_path: Path, song: Arrangement) -> None:
    waltz = replace(song.with_parts(song.parts[2:]), metres=(Metre(0, 3, 4),), chords=())
    folder = write_corpus(tmp_path / "songs", {"a": song, "b": waltz, "c": long_song(song, 10)})
    cache = tmp_path / "cache"
    fresh = load_songs(folder, "train", cache, processes=1)
    expected = [excerpt_on_grid(each) for each in stream(folder, "train")]
    assert same_songs(fresh, expected)
    assert same_songs(fresh[1:3], expected[1:3])
    assert same_songs([fresh[-1]], expected[-1:])
    assert [(each.first_bar, each.bar_total) for each in fresh] == [
        *((0, 8), (0, 11)),
        *((0, 80), (32, 80), (64, 80)),
    ]
    with pytest.raises(IndexError):
        fresh[len(fresh)]
    (kept,) = cache.iterdir()
    stamp = kept.stat().st_mtime_ns
    assert same_songs(load_songs(folder, "train", cache, processes=1), expected)
    assert kept.stat().st_mtime_ns == stamp


def test_an_excerpt_is_on_the_grid_as_the_whole_song_is(song: Arrangement) -> None:
    whole = to_grid(long_song(song, 10))
    (_, middle, _) = excerpts(as_song(long_song(song, 10)))
    piece, expected = excerpt_on_grid(middle), cut(whole, 32, 64)
    start = whole.bar_onsets[32]
    assert (piece.bar_onsets + start).tolist() == expected.bar_onsets.tolist()
    for here, there in zip(piece.parts, expected.parts, strict=True):
        notes = there.notes[(there.notes[:, 0] >= start)]
        assert (here.role, here.program) == (there.role, there.program)
        assert (here.notes + np.array([start, 0, 0, 0])).tolist() == notes.tolist()


def test_splits_are_kept_apart(tmp_path: Path, song: Arrangement) -> None:
    folder = write_corpus(tmp_path / "songs", {"a": song})
    write_corpus(folder, {"b": long_song(song)}, "valid")
    cache = tmp_path / "cache"
    (train,) = load_songs(folder, "train", cache, processes=1)
    (valid,) = load_songs(folder, "valid", cache, processes=1)
    assert (train.bar_count, valid.bar_count) == (8, 32)


def test_another_corpus_in_the_same_place_is_read_anew(tmp_path: Path, song: Arrangement) -> None:
    folder, cache = tmp_path / "songs", tmp_path / "cache"
    for music in (song, long_song(song)):
        (found,) = load_songs(write_corpus(folder, {"a": music}), "train", cache, processes=1)
        assert found.bar_count == to_grid(music).bar_count


def test_a_folder_without_shards_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"subtractive\.build"):
        load_songs(tmp_path, "train", tmp_path / "cache")


def test_drums_alone_are_a_lesson_and_other_parts_alone_are_not(song: Arrangement) -> None:
    drums, bass = (to_grid(song.with_parts((part,))) for part in (song.parts[3], song.parts[2]))
    rng = np.random.default_rng(0)
    alone = lesson(drums, "drums", 0, rng)
    assert alone is not None
    assert lesson(bass, "bass", 0, rng) is None
