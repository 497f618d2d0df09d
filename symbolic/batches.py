"""Endless batches of lessons, each a function of seed, worker and number alone.

So a training run that stops anywhere goes on with the very batch it would have seen next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from scoretokens.grid import GridSong
from subtractive.instruments import INSTRUMENTS
from symbolic.frames import WIDTH
from symbolic.lessons import WINDOW, Lesson, lesson
from symbolic.transformer import Batch

BatchT = TypeVar("BatchT")
Length = Callable[[Lesson], int]
Collate = Callable[[Sequence[Lesson], np.random.Generator], BatchT]

POOL = 48  # lessons drawn at once and sorted by length, so that a batch has little padding
LONGEST = 1400  # rows; denser windows are rare and would fill a batch alone


@dataclass(frozen=True)
class Corpus:
    """Songs that are drawn from with one weight, however many they are."""

    songs: Sequence[GridSong]
    weight: float


def collate(lessons: Sequence[Lesson]) -> Batch:
    """Return lessons as one padded batch."""
    rows = max(len(one.rows) for one in lessons)
    frames = max(len(one.frames) for one in lessons)
    size = len(lessons)
    values = torch.zeros(size, frames, WIDTH)
    mask = torch.zeros(size, frames, dtype=torch.bool)
    columns = {
        name: torch.zeros(size, rows, dtype=torch.long)
        for name in ("main", "duration", "velocity", "frame", "position")
    }
    columns["main"].fill_(-1)
    place = torch.zeros(size, rows)
    for index, one in enumerate(lessons):
        values[index, : len(one.frames)] = torch.from_numpy(one.frames)
        mask[index, : len(one.frames)] = True
        for name, column in columns.items():
            column[index, : len(one.rows)] = torch.from_numpy(getattr(one.rows, name))
        place[index, : len(one.rows)] = torch.from_numpy(one.rows.place)
    instrument = torch.tensor([INSTRUMENTS.index(one.instrument) for one in lessons])
    wishes = torch.from_numpy(np.stack([one.wishes for one in lessons]))
    return Batch(values, mask, instrument, wishes, place=place, **columns)


def draw(corpora: Sequence[Corpus], rng: np.random.Generator) -> Lesson:
    """Return one random lesson of a random instrument from a random song."""
    weights = np.array([corpus.weight for corpus in corpora])
    while True:
        corpus = corpora[rng.choice(len(corpora), p=weights / weights.sum())]
        song = corpus.songs[int(rng.integers(len(corpus.songs)))]
        instrument = INSTRUMENTS[int(rng.integers(len(INSTRUMENTS)))]
        first = int(rng.integers(max(1, song.bar_count - WINDOW // 2)))
        one = lesson(song, instrument, first, rng)
        if one is not None and len(one.rows) <= LONGEST:
            return one


def pool(
    corpora: Sequence[Corpus], rng: np.random.Generator, budget: int, length: Length
) -> list[list[Lesson]]:
    """Return `POOL` lessons in batches of similar length, at most `budget` padded steps each."""
    lessons = sorted((draw(corpora, rng) for _ in range(POOL)), key=length)
    batches: list[list[Lesson]] = [[]]
    for one in lessons:
        if batches[-1] and length(one) * (len(batches[-1]) + 1) > budget:
            batches.append([])
        batches[-1].append(one)
    return [batches[index] for index in rng.permutation(len(batches))]


class Place(NamedTuple):
    """Where an endless stream of batches stands: the pool's number and the batch in it."""

    pool: int
    batch: int


START = Place(0, 0)


# ruff counts arguments; each of these is one thing that a stream depends on.
def batches(
    corpora: Sequence[Corpus],
    seed: int,
    worker: int,
    budget: int,
    length: Length,
    collate: Collate[BatchT],
    start: Place = START,
) -> Iterator[tuple[BatchT, Place]]:
    """Yield batches without end, each with the place at which the next one stands.

    Parameters
    ----------
    corpora : sequence of Corpus
    seed, worker : int
        Each pair sees an order of its own.
    budget : int
        Most steps of a batch, padding included.
    length, collate : callable
        As in `symbolic.kinds.Kind`.
    start : Place
        Where to go on.
    """
    for number in count(start.pool):
        group = pool(corpora, np.random.default_rng([seed, worker, number]), budget, length)
        for index in range(start.batch if number == start.pool else 0, len(group)):
            rng = np.random.default_rng([seed, worker, number, index])
            yield collate(group[index], rng), Place(number, index + 1)


def validation_lessons(songs: Sequence[GridSong], seed: int, per_song: int = 1) -> list[Lesson]:
    """Return fixed windows of every instrument of every song, nothing of the context left out."""
    rng = np.random.default_rng(seed)
    found = []
    for song in songs:
        for instrument in INSTRUMENTS:
            for _ in range(per_song):
                first = int(rng.integers(max(1, song.bar_count - WINDOW)))
                one = lesson(song, instrument, first, None)
                if one is not None and len(one.rows) <= LONGEST:
                    found.append(one)
    return found
