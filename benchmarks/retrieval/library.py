"""Retrieval: the part of the nearest training context, the floor of what copying alone can do.

For each phrase of the song the training passage is found whose other parts are most like the
song's, at the best transposition, and its true part is copied. It is real music and knows the
song, but it makes nothing up: a model that writes no better has only learned by heart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.metrics.grid import Ints
from benchmarks.retrieval.shelf import Borrowed, Shelf, copied, fill
from benchmarks.retrieval.training import EXCERPTS, stocked
from benchmarks.retrieval.traits import Floats, Hearing
from benchmarks.retrieval.unit_selection import (
    TUNINGS,
    Likeness,
    Traits,
    Tuning,
    least_path,
)
from subtractive.arrangement import Arrangement, Bar, Part, bars, order
from subtractive.arrays import ArraySong, to_arrays
from subtractive.errors import InstrumentError
from subtractive.instruments import INSTRUMENTS
from subtractive.instruments import instrument as known_instrument


class Library:
    """Training music that parts are copied from.

    Parameters
    ----------
    shelves : mapping of str to Shelf
        By instrument.
    tunings : mapping of str to Tuning
        By instrument.
    """

    def __init__(
        self, shelves: Mapping[str, Shelf], tunings: Mapping[str, Tuning] = TUNINGS
    ) -> None:
        self.shelves = dict(shelves)
        self._tunings = dict(tunings)
        self._likeness: dict[str, Likeness] = {}

    @classmethod
    def of(
        cls,
        songs: Iterable[tuple[str, Arrangement | ArraySong]],
        instruments: Sequence[str] = INSTRUMENTS,
    ) -> Library:
        """Return the library of some training songs, each with its name; they are read once."""
        arrays = (
            (name, to_arrays(song) if isinstance(song, Arrangement) else song)
            for name, song in songs
        )
        volumes = ((name, song, Hearing.of(song)) for name, song in arrays)
        return cls(fill(volumes, instruments))

    def write(
        self,
        context: Arrangement,
        instrument: str,
        rng: np.random.Generator,
        without: Collection[str] = (),
    ) -> Part:
        """Return the part of the nearest training passages, in the ticks of `context`.

        Parameters
        ----------
        context : Arrangement
        instrument : str
        rng
            Not used: the nearest passage leaves nothing to chance.
        without : collection of str
            Names of training songs that nothing is copied from.

        Returns
        -------
        Part
            In the range of the instrument. Drums are never transposed.

        Raises
        ------
        InstrumentError
            If no training song that may be used plays the instrument.
        """
        del rng
        known = known_instrument(instrument)
        every_bar = bars(context)
        sources = self.sources(context, instrument, without)
        shelf = self.shelves[instrument]
        runs = _runs(sources, shelf.song, every_bar)
        notes = [
            note for run in runs for note in copied(shelf, run, context.ticks_per_beat, instrument)
        ]
        in_order = tuple(sorted(notes, key=order))
        return Part(known.title, known.program, instrument == "drums", in_order)

    def sources(
        self, context: Arrangement, instrument: str, without: Collection[str] = ()
    ) -> list[tuple[int, int]]:
        """Return for each bar of the song its bar on the shelf (-1: silence) and transposition.

        Parameters and errors are those of `write`.
        """
        shelf = self.shelves.get(instrument)
        barred = np.isin(shelf.names, list(without))[shelf.song] if shelf else np.ones(1, bool)
        if shelf is None or barred.all():
            raise InstrumentError(
                f"no training song plays the {instrument}: build the library with songs that do"
            )
        tuning = self._tunings[instrument]
        if instrument not in self._likeness:
            self._likeness[instrument] = Likeness(shelf, tuning)
        likeness = self._likeness[instrument]
        asked = Traits.of(Hearing.of(to_arrays(context)), instrument)
        count, length = len(asked.quarters), tuning.phrase_bars

        def phrases() -> Iterator[Floats]:
            for costs in likeness.phrases(asked, length):
                costs[:, barred] = np.inf
                yield costs

        path = least_path(phrases(), shelf.song, length, tuning.join)
        found = []
        for number in range(count):
            turn, first = path[number // length]
            bar = int(first) + number % length
            inside = bar < len(shelf) and shelf.song[bar] == shelf.song[first]
            found.append((bar if inside else -1, likeness.turns[turn]))
        return found


def _runs(
    sources: Sequence[tuple[int, int]], song: Ints, every_bar: Sequence[Bar]
) -> Iterator[Borrowed]:
    """Yield runs of bars that follow one another in their source as they do in the song."""
    start = 0
    for number in range(1, len(sources) + 1):
        bar, turn = sources[number - 1]
        goes_on = number < len(sources) and bar >= 0 and sources[number] == (bar + 1, turn)
        if not (goes_on and song[bar] == song[bar + 1]):
            first, semitones = sources[start]
            if first >= 0:
                yield Borrowed(first, semitones, every_bar[start:number])
            start = number


def training_library(
    folder: Path,
    corpora: Sequence[Path] = (),
    limit: int = EXCERPTS,
    cache_at: Path | None = None,
) -> Library:
    """Return the library of the training songs at hand; it is made once and kept on disk.

    Parameters
    ----------
    folder : Path
        As `data_folder` returns it: the songs of the training split of ``freedoom``.
    corpora : sequence of Path
        Folders of Parquet corpora, whose training splits are added.
    limit : int
        At most so many excerpts of each corpus, drawn with a fixed seed.
    cache_at : Path, optional
        Folder to keep it in; by default the benchmarks' own.

    Raises
    ------
    MusicError
        If a song or corpus cannot be read.
    """
    return Library(stocked(folder, corpora, limit, cache_at))
