"""Songs to rows, chunk by chunk, in a pool of processes here or on a Ray cluster.

A chunk is the unit of work and of resuming: what a finished one leaves on disk is never made
again. Both kinds of workers run the same function on the same source.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from subtractive import duplicates
from subtractive.dataset import Row, table_of, to_row, write_shard
from subtractive.errors import MusicError, OptionError, OutputError
from subtractive.excerpts import Example, Excerpt, Song, excerpts, playable
from subtractive.files.output import write_whole
from subtractive.mma import RenderError
from subtractive.paraphrase import Paraphraser, paraphrased
from subtractive.styles import style_words_in, synonyms
from subtractive.words import instruction

_WATCH_SECONDS = 1.0


class Source(Protocol):
    """Where songs come from."""

    @property
    def names(self) -> Sequence[str]:
        """Names of all songs, in the order in which they are worked through."""

    def read(self, name: str) -> Song:
        """Return a song.

        Raises
        ------
        MusicError, RenderError
            Whose message is the reason why it is left out.
        """


@dataclass(frozen=True, slots=True)
class Kept:
    """What is told of a song that became rows.

    Attributes
    ----------
    name, group : str
    notes : int
    bars : int
    style : str
    sketch : list of str
        Its fingerprint in hexadecimal (see `duplicates`); empty where the group is known.
    """

    name: str
    group: str
    notes: int
    bars: int
    style: str
    sketch: list[str]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some songs of a source, the files that they are written to, and who words the examples.

    `seed` is that of the templates; `ask` puts their words to a language model, if there is one.
    """

    number: int
    names: tuple[str, ...]
    folder: Path
    seed: int
    ask: Paraphraser | None = None

    @property
    def rows(self) -> Path:
        """The rows of its songs, as Parquet."""
        return self.folder / f"{self.number:05d}.parquet"

    @property
    def report(self) -> Path:
        """What became of each song, as JSON; there once all is done."""
        return self.folder / f"{self.number:05d}.json"


def example_rng(seed: int, excerpt: Excerpt, instrument: str) -> np.random.Generator:
    """Return the dice for the words of one example: of nothing but what it is."""
    name = f"{excerpt.song} {excerpt.first_bar} {instrument}"
    return np.random.default_rng([seed, *name.encode()])


def with_examples(
    excerpt: Excerpt,
    seed: int,
    ask: Callable[[str, int], str] | None = None,
    verdicts: Counter[str] | None = None,
) -> Excerpt:
    """Return the excerpt with an example for each instrument that can be taken out of it.

    Parameters
    ----------
    excerpt : Excerpt
    seed : int
    ask : callable, optional
        A language model that says the template's words in its own (see `paraphrase`).
    verdicts : Counter, optional
        Is told what came of its answers.
    """
    labels = excerpt.labels
    said = synonyms(labels.style, labels.label) if labels.style else ()
    found = []
    for instrument, facts in playable(excerpt):
        rng = example_rng(seed, excerpt, instrument)
        words = instruction(instrument, facts, said, rng)
        if ask is not None:
            told = Counter[str]() if verdicts is None else verdicts
            dice = int(rng.integers(2**31))
            families = style_words_in(words)
            words = paraphrased(words, instrument, facts, families, ask, dice, told).text
        found.append(Example(instrument, words, facts))
    return replace(excerpt, examples=tuple(found))


def song_rows(
    song: Song,
    seed: int,
    ask: Callable[[str, int], str] | None = None,
    verdicts: Counter[str] | None = None,
) -> list[Row]:
    """Return the rows of a song: its excerpts that make at least one example."""
    found = (with_examples(excerpt, seed, ask, verdicts) for excerpt in excerpts(song))
    return [to_row(excerpt, song.group) for excerpt in found if excerpt.examples]


def make(source: Source, chunk: Chunk) -> int:
    """Write the rows and the report of a chunk; return its number of songs."""
    rows: list[Row] = []
    kept: list[Kept] = []
    dropped: list[tuple[str, str]] = []
    verdicts: Counter[str] = Counter()
    for name in chunk.names:
        try:
            song = source.read(name)
        except OptionError:
            raise  # the machine's fault, such as a missing program, and not the song's
        except (MusicError, RenderError) as error:
            dropped.append((name, str(error)))
            continue
        own = song_rows(song, chunk.seed, chunk.ask, verdicts)
        if not own:
            dropped.append((name, "no excerpt in which drums, bass or guitar play beside others"))
            continue
        rows += own
        notes = sum(len(part.notes) for part in song.music.parts)
        sketch = [] if song.group else sorted(h.hex() for h in duplicates.sketch(song.music))
        bars, style = own[0]["bar_total"], song.labels.style
        kept.append(Kept(name, song.group, notes, bars, style, sketch))
    write_shard(chunk.rows, table_of(rows))
    report = {
        "kept": [asdict(each) for each in kept],
        "dropped": dropped,
        "verdicts": dict(verdicts),
    }
    write_whole(chunk.report, json.dumps(report).encode())
    return len(chunk.names)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the songs of a chunk: kept, dropped with a reason; and of paraphrases."""

    kept: list[Kept]
    dropped: list[tuple[str, str]]
    verdicts: Counter[str]


def read_report(chunk: Chunk) -> Report:
    """Return the report of a finished chunk."""
    report = json.loads(chunk.report.read_bytes())
    return Report(
        [Kept(**each) for each in report["kept"]],
        [(name, reason) for name, reason in report["dropped"]],
        Counter(report["verdicts"]),
    )


_source: Source  # of a worker process: sent once, not with every chunk


def _start(source: Source, parent: int) -> None:
    global _source  # noqa: PLW0603  # the way a process pool hands down what all its jobs share
    _source = source
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """End this worker when the build is gone, killed too hard to say so."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _make_here(chunk: Chunk) -> int:
    return make(_source, chunk)


def in_pool(source: Source, chunks: Sequence[Chunk], processes: int) -> Iterator[int]:
    """Make chunks in processes of this machine; yield each one's number of songs as it is done."""
    start = (source, os.getpid())
    with ProcessPoolExecutor(processes, initializer=_start, initargs=start) as pool:
        jobs = [pool.submit(_make_here, chunk) for chunk in chunks]
        try:
            for job in as_completed(jobs):
                yield job.result()
        except BrokenProcessPool as error:
            raise OutputError(
                "a worker was killed, perhaps for want of memory: give the same command again, "
                "with fewer --processes"
            ) from error
        except BaseException:
            # else Ctrl-C, or a full disk, would wait for all the chunks that are still to come
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def on_ray(source: Source, chunks: Sequence[Chunk], address: str) -> Iterator[int]:
    """Make chunks on a Ray cluster, all of whose machines see the corpus's folder.

    Parameters
    ----------
    source : Source
    chunks : sequence of Chunk
    address : str
        Of the cluster's head, or "local" for a cluster on this machine alone.

    Raises
    ------
    OptionError
        If Ray is not installed or the cluster cannot be reached.
    """
    try:
        import ray  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise OptionError(
            "Ray is not installed: install it by pip install 'subtractive-music[ray]', or leave "
            "out --ray to work on this machine"
        ) from error
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise OptionError(
            f"no Ray cluster answers at {address!r} ({error}): start one by ray start --head, or "
            "give --ray local for one on this machine"
        ) from error
    try:
        shared = ray.put(source)
        task = ray.remote(make)
        waiting = [task.remote(shared, chunk) for chunk in chunks]
        while waiting:
            done, waiting = ray.wait(waiting)
            for each in done:
                yield ray.get(each)
    finally:
        ray.shutdown()


Advance = Callable[[str, int, int], None]
"""Called with what is counted, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the work of a build.

    Attributes
    ----------
    processes : int
        On this machine.
    ray_address : str
        Of a Ray cluster that does it instead.
    ask : Paraphraser, optional
        A language model that says the examples' words in its own.
    """

    processes: int = 2
    ray_address: str = ""
    ask: Paraphraser | None = None


HERE = Crew()


def work_through(
    source: Source, chunks: Sequence[Chunk], advance: Advance, crew: Crew = HERE
) -> None:
    """Make all chunks that are not there yet."""
    left = [chunk for chunk in chunks if not chunk.report.exists()]
    total = sum(len(chunk.names) for chunk in chunks)
    done = total - sum(len(chunk.names) for chunk in left)
    advance("songs", done, total)
    if not left:
        return
    finished: Iterator[int]
    if crew.ray_address:
        finished = on_ray(source, left, crew.ray_address)
    else:
        finished = in_pool(source, left, crew.processes)
    for count in finished:
        done += count
        advance("songs", done, total)
