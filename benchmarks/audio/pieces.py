"""Rendered songs that nobody trained on: which windows are measured, and how they sound.

A window is 10.24 s of a song, each part played alone from a SoundFont, so that the true stem, its
notes and its beats are known exactly. Three kinds of songs are told apart:

- "held-out styles": of a corpus's split "valid", with a label (a groove) that no song of its split
  "train" has;
- "held-out tunes": of that split, with a label that songs of "train" have;
- "real songs": of the collection of outside music.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from audio.beats import BeatGrid
from benchmarks.bootstrap import Array
from benchmarks.metrics.sound_spectrum import RATE
from benchmarks.songs import load_songs
from subtractive.arrangement import Part
from subtractive.arrays import ArraySong, to_arrangement, to_arrays
from subtractive.dataset import from_row, rows, shards
from subtractive.excerpts import Excerpt
from subtractive.instruments import roles
from subtractive.synthesis import SoundFontPlayer, Strokes, seconds_at, strokes

SECONDS = 10.24
PRE_ROLL_SECONDS = 2  # what was struck before the window sounds on in it
LEVEL = 0.1  # root mean square of a context
LEAST_NOTES = 8  # of the stem in a window
LEAST_SOUND = 1e-4  # root mean square below which nothing is heard
TRIES = 4  # starts that are tried in an excerpt
STYLES, TUNES, REAL = "held-out styles", "held-out tunes", "real songs"
TOGETHER_SECONDS = 0.03  # notes this near are one stroke

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Piece:
    """A window before it is rendered.

    Attributes
    ----------
    name : str
        Unique.
    song : str
        Windows of one song are no independent witnesses.
    kind : str
        `STYLES`, `TUNES` or `REAL`.
    music : ArraySong
    start : float
        Where the window begins, in seconds.
    words : str
    family : str
        Of style; empty where unknown.
    """

    name: str
    song: str
    kind: str
    music: ArraySong
    start: float
    words: str
    family: str


@dataclass(frozen=True, eq=False)
class Rendered:
    """A window as sound.

    Attributes
    ----------
    piece : Piece
    context, stem : array [shape=(2, sample)]
        At 44,100 Hz, the context at `LEVEL`, the stem at the same gain.
    grid : BeatGrid
        From the window's start; beats may lie outside of it.
    onsets : array
        Of the stem's notes, in seconds, `TOGETHER_SECONDS` apart at least.
    """

    piece: Piece
    context: Samples
    stem: Samples
    grid: BeatGrid
    onsets: Array

    @property
    def beats(self) -> Array:
        """The true beats inside the window, in seconds."""
        beats = np.array(self.grid.beats)
        return beats[(beats >= 0) & (beats < SECONDS)]


def kinds(folder: Path) -> list[str]:
    """Return the kind of each excerpt of a corpus's split "valid", in order.

    Raises
    ------
    FileFormatError
        If the corpus can't be read.
    """
    learned = {row["label"] for row in rows(folder, "train", ["label"])}
    return [
        TUNES if row["label"] in learned else STYLES for row in rows(folder, "valid", ["label"])
    ]


def of_corpus(
    folder: Path, instrument: str, count: int, rng: np.random.Generator
) -> Iterator[Piece]:
    """Yield windows of a corpus's held-out songs, one or more of each excerpt in turn.

    Parameters
    ----------
    folder : Path
    instrument : str
    count : int
        Of windows; fewer if the corpus has no more that the instrument plays in.
    rng : numpy.random.Generator

    Raises
    ------
    FileFormatError
        If the corpus can't be read.
    """
    known = kinds(folder)
    turns = -(-count // max(len(known), 1))
    chosen = Counter(np.tile(rng.permutation(len(known)), turns)[:count].tolist())
    for place, excerpt in excerpts_at(folder, "valid", chosen):
        yield from _windows(excerpt, known[place], instrument, chosen[place], rng)


def excerpts_at(folder: Path, split: str, places: Collection[int]) -> Iterator[tuple[int, Excerpt]]:
    """Yield some excerpts of a split with their places, in order; the others are not decoded.

    Raises
    ------
    FileFormatError
        If the corpus can't be read.
    """
    first = 0
    for shard in shards(folder, split):
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=50):
            for place in range(first, first + len(batch)):
                if place in places:
                    (row,) = batch.slice(place - first, 1).to_pylist()
                    yield place, from_row(row)
            first += len(batch)


def _windows(
    excerpt: Excerpt, kind: str, instrument: str, count: int, rng: np.random.Generator
) -> Iterator[Piece]:
    words = [each.words for each in excerpt.examples if each.instrument == instrument]
    if words:
        name = f"{excerpt.song}:{excerpt.first_bar}"
        piece = Piece(name, excerpt.song, kind, excerpt.music, 0.0, words[0], excerpt.labels.style)
        yield from started(piece, instrument, count, rng)


def of_real_songs(instrument: str, count: int, rng: np.random.Generator) -> Iterator[Piece]:
    """Yield windows of real songs, of each as many.

    Raises
    ------
    MusicError
        If the songs can't be read.
    """
    songs = list(load_songs(("real-songs",), "full" if count > 60 else "quick"))
    each = -(-count // len(songs))
    made = 0
    for song in songs:
        piece = Piece(song.key, song.key, REAL, to_arrays(song.music), 0.0, f"Add {instrument}", "")
        for found in started(piece, instrument, min(each, count - made), rng):
            made += 1
            yield found


def started(piece: Piece, instrument: str, count: int, rng: np.random.Generator) -> Iterator[Piece]:
    """Yield up to so many windows of a piece in which the instrument and somebody else play."""
    music = to_arrangement(piece.music)
    taken, others = _parts(piece.music, instrument)
    if not taken or not others:
        return
    last = float(seconds_at(music, [music.end])[0]) - SECONDS
    onsets = np.concatenate([strokes(music, part).onset for part in taken])
    for _ in range(count):
        for start in rng.uniform(0, max(last, 0), TRIES).round(2).tolist():
            if ((onsets >= start) & (onsets < start + SECONDS)).sum() >= LEAST_NOTES:
                yield replace(piece, name=f"{piece.name}+{start:.2f}", start=start)
                break


def _parts(music: ArraySong, instrument: str) -> tuple[list[Part], list[Part]]:
    """Return the parts of the instrument and the others."""
    arrangement = to_arrangement(music)
    named = list(zip(arrangement.parts, roles(arrangement.parts), strict=True))
    return (
        [part for part, its_role in named if its_role == instrument],
        [part for part, its_role in named if its_role != instrument],
    )


def render(piece: Piece, instrument: str, player: SoundFontPlayer) -> Rendered | None:
    """Play a window, every part as its file has it.

    Parameters
    ----------
    piece : Piece
    instrument : str
    player : SoundFontPlayer
        At 44,100 Hz.

    Returns
    -------
    Rendered or None
        None if the context or the stem is silent: a SoundFont may lack a kit's drums.
    """
    music = to_arrangement(piece.music)
    taken, others = _parts(piece.music, instrument)
    length, before = round(SECONDS * RATE), PRE_ROLL_SECONDS * RATE

    def sound(parts: Sequence[Part]) -> Samples:
        every = np.zeros((2, length), np.float32)
        for part in parts:
            window = (piece.start - PRE_ROLL_SECONDS, piece.start + SECONDS)
            notes = strokes(music, part).within(*window)
            program = 0 if part.is_drums else part.program
            played = player.play(notes, program, before + length, is_drums=part.is_drums)
            every += played[:, before:]
        return every

    context, stem = sound(others), sound(taken)
    loudness, own = (float(np.sqrt((each**2).mean())) for each in (context, stem))
    if min(loudness, own) < LEAST_SOUND:
        return None
    gain = np.float32(LEVEL / loudness)
    grid = BeatGrid.of_arrangement(music)
    return Rendered(
        piece,
        context * gain,
        stem * gain,
        replace(grid, beats=tuple((np.array(grid.beats) - piece.start).tolist())),
        struck([strokes(music, part) for part in taken], piece.start),
    )


def struck(every: Sequence[Strokes], start: float) -> Array:
    """Return when notes begin in the window from `start` on, notes struck together once."""
    onsets = np.sort(np.concatenate([notes.onset for notes in every])) - start
    onsets = onsets[(onsets >= 0) & (onsets < SECONDS)]
    kept: list[float] = []
    for onset in onsets.tolist():
        if not kept or onset - kept[-1] > TOGETHER_SECONDS:
            kept.append(onset)
    return np.array(kept)


def partners(pieces: Sequence[Piece], rng: np.random.Generator) -> list[int]:
    """Return for each piece the place of one of another song, of its kind if there is one."""
    found = []
    for own in pieces:
        order = rng.permutation(len(pieces)).tolist()
        strangers = [place for place in order if pieces[place].song != own.song]
        alike = [place for place in strangers if pieces[place].kind == own.kind]
        found.append((alike or strangers or order)[0])
    return found
