"""Lessons for a pretrained model: a context, the stem that is missing, and words for it.

Every lesson has a number and is the same whenever it is asked for, so that a run that was stopped
goes on exactly, and any number of workers make lessons side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from subtractive.arrangement import Arrangement, Part
from subtractive.dataset import from_row, shards
from subtractive.errors import FileFormatError, OptionError
from subtractive.files.sound import checked_soundfont
from subtractive.stem_folders import StemSong, lessons
from subtractive.synthesis import Samples, SoundFontPlayer, mixed, strokes
from subtractive.waveform import Recording

PRE_ROLL_SECONDS = 2.0  # what was struck before a window sounds on in it
LEVEL_DB = 4.0  # standard deviation of a part's level
SEMITONES = 3  # furthest transposition
TRIES = 50  # windows of songs, until a stem is heard in one


class Lesson(NamedTuple):
    """One thing to learn.

    Attributes
    ----------
    context, stem : Recording
        Of one sample rate and length; their sum is the full mix.
    words : str
        What a user would have asked for, such as "Add a sparse reggae bass".
    """

    context: Recording
    stem: Recording
    words: str


class Lessons(Protocol):
    """Lessons without end."""

    def __getitem__(self, number: int) -> Lesson:
        """Return a lesson; the same number gives the same one."""


def _drawn(count: int, number: int, seed: int) -> tuple[int, np.random.Generator]:
    """Return which of `count` examples a lesson is made of, and the source of all else.

    Every example comes once before any comes again.
    """
    again, place = divmod(number, count)
    order = np.random.default_rng([seed, 0, again]).permutation(count)
    return int(order[place]), np.random.default_rng([seed, 1, number])


class RenderedLessons:
    """Lessons rendered from corpora of notes, which `python -m subtractive.build` makes.

    SoundFont, levels, key and window are drawn for each.

    Parameters
    ----------
    corpora : sequence of Path
    soundfonts : sequence of Path
        One is drawn for each lesson.
    seconds : float
        Length of a lesson.
    sample_rate : int
        In Hz.
    seed : int
    split : str

    Raises
    ------
    FileFormatError
        If a folder is no corpus, or there is nothing to take out in any.
    OptionError
        If a SoundFont is missing or damaged.
    """

    def __init__(
        self,
        corpora: Sequence[Path],
        soundfonts: Sequence[Path],
        seconds: float,
        sample_rate: int,
        seed: int = 0,
        split: str = "train",
    ) -> None:
        if not soundfonts:
            raise OptionError("no SoundFont to render lessons with: name one by --soundfont")
        self._soundfonts = [checked_soundfont(path) for path in soundfonts]
        self._seconds, self._sample_rate, self._seed = seconds, sample_rate, seed
        found = pa.concat_tables(
            [pq.read_table(shard) for folder in corpora for shard in shards(folder, split)]
        )
        self._table = found.filter(pc.greater(pc.list_value_length(found["examples"]), 0))
        if not len(self):
            raise FileFormatError(
                f"nothing can be taken out of the songs in {', '.join(map(str, corpora))}: name a "
                "corpus whose songs have a bass, drums or a guitar"
            )

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, number: int) -> Lesson:
        place, rng = _drawn(len(self), number, self._seed)
        excerpt = from_row(self._table.slice(place, 1).to_pylist()[0])
        example = excerpt.examples[int(rng.integers(len(excerpt.examples)))]
        path = self._soundfonts[int(rng.integers(len(self._soundfonts)))]
        player = _player(path, self._sample_rate)
        context, taken = excerpt.arrangement.split(example.instrument)
        target = [placed.stem for placed in taken]
        start = self._start(excerpt.arrangement, target, rng)
        key = int(rng.integers(-SEMITONES, SEMITONES + 1))

        def sound(parts: Sequence[Part]) -> Recording:
            stems = [
                self._played(player, excerpt.arrangement, part, start, key)
                * np.float32(10 ** (rng.normal(0, LEVEL_DB) / 20))
                for part in parts
            ]
            length = round(self._seconds * self._sample_rate)
            silence = np.zeros((2, length), np.float32)
            return Recording(mixed([silence, *stems]), self._sample_rate)

        return Lesson(sound(context.parts), sound(target), example.words)

    def _start(self, music: Arrangement, target: Sequence[Part], rng: np.random.Generator) -> float:
        """Return where a window begins, in seconds: one of the stem's notes is struck in it."""
        onsets = np.concatenate([strokes(music, part).onset for part in target])
        struck = float(rng.choice(onsets))
        return max(0.0, struck - float(rng.uniform(0, self._seconds)))

    def _played(
        self, player: SoundFontPlayer, music: Arrangement, part: Part, start: float, key: int
    ) -> Samples:
        notes = strokes(music, part).within(start - PRE_ROLL_SECONDS, start + self._seconds)
        if not part.is_drums:
            notes = notes._replace(pitch=np.clip(notes.pitch + key, 0, 127))
        program = part.program if player.has(part.program, is_drums=part.is_drums) else 0
        before = round(PRE_ROLL_SECONDS * self._sample_rate)
        length = before + round(self._seconds * self._sample_rate)
        return player.play(notes, program, length, is_drums=part.is_drums)[:, before:]


@lru_cache(maxsize=8)
def _player(soundfont: Path, sample_rate: int) -> SoundFontPlayer:
    """Return a player, one for each process: what it holds cannot be sent to another."""
    return SoundFontPlayer(soundfont, sample_rate)


class StemLessons:
    """Lessons cut from songs with stems.

    Parameters
    ----------
    songs : sequence of StemSong
    seconds : float
        Length of a lesson.
    seed : int

    Raises
    ------
    OptionError
        If there is no song.
    """

    def __init__(self, songs: Sequence[StemSong], seconds: float, seed: int = 0) -> None:
        if not songs:
            raise OptionError("no song with stems to learn from: name a folder that holds some")
        self._songs, self._seconds, self._seed = songs, seconds, seed

    def __getitem__(self, number: int) -> Lesson:
        place, rng = _drawn(len(self._songs), number, self._seed)
        for _ in range(TRIES):
            song = self._songs[place]
            start = float(rng.uniform(0, max(0.0, song.seconds - self._seconds)))
            mix = song.mix(start, start + self._seconds)
            found = list(lessons(mix, song.style, rng))
            if found:
                example = found[int(rng.integers(len(found)))]
                taken = tuple(placed.stem for placed in example.target)
                stem = example.context.with_stems(taken).sound
                return Lesson(example.context.sound, stem, example.instruction.words)
            place = int(rng.integers(len(self._songs)))
        raise OptionError(
            f"in {TRIES} windows no bass, drums or guitar is heard beside others: name songs whose "
            "stems lie apart"
        )
