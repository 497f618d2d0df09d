"""The songs that are open on the page: each with its variations, in memory, and one folder."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from threading import RLock

from subtractive.arrangement import Arrangement, Part, bars
from subtractive.errors import FileFormatError, InstrumentError, MusicError, OptionError
from subtractive.files.music import own_suffix, read
from symbolic.tasks import Opened, Result, Task, open_task, without_busiest

MOST_BARS = 3000
MOST_VARIATIONS = 24  # of one song
MOST_SONGS = 16
MOST_FILES = 8  # of one song and one kind, that are made from it
IDLE_SECONDS = 4 * 3600.0
_NAME_LENGTH = 60


class UnknownError(MusicError):
    """What was asked for is not, or no longer, there."""


def fresh_token() -> str:
    """Return a name that cannot be guessed."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class Variation:
    """One part that was written for a song.

    Attributes
    ----------
    token, job : str
        Its own name, and that of the job that wrote it.
    task : Task
        What was asked for, with this variation's seed.
    number : int
        By which it is called, among those of its instrument.
    part : Part
    replaced : tuple of Part
        The parts that leave the song when this one comes in.
    frame : Arrangement
        The music it was written to, with the tempo and the chords that were asked for.
    """

    token: str
    job: str
    task: Task
    number: int
    part: Part
    replaced: tuple[Part, ...]
    frame: Arrangement


@dataclass(frozen=True, slots=True)
class View:
    """Music as it is shown and played.

    The last `written` of its parts were written here; the last `new` of these, one or none, is the
    variation that is looked at, and not kept yet.
    """

    music: Arrangement
    new: int
    written: int

    @property
    def apart(self) -> tuple[Part, ...]:
        """The parts that one hears the music with and without: the new one, or all written."""
        return self.music.parts[len(self.music.parts) - (self.new or self.written) :]

    @property
    def rest(self) -> Arrangement:
        """The music without them."""
        count = len(self.music.parts) - len(self.apart)
        return self.music.with_parts(self.music.parts[:count])


@dataclass(slots=True)
class Song:
    """A file that was given, and what was written for it. Its methods return new values.

    `kept` are tokens of variations, in the order they were kept in.
    """

    token: str
    path: Path
    original: Arrangement
    variations: dict[str, Variation] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    used: float = field(default_factory=time.monotonic)

    def variation(self, token: str) -> Variation:
        """Return a variation.

        Raises
        ------
        UnknownError
        """
        found = self.variations.get(token)
        if found is None:
            raise UnknownError("this variation is no longer there: choose another, or write anew")
        return found

    def view(self, token: str | None = None) -> View:
        """Return the song with all that was kept, or with one more variation as the new part.

        In place of a kept variation of the same job, if there is one.
        """
        shown = [self.variations[each] for each in self.kept]
        if token is None:
            return _joined(self.original, shown, 0)
        chosen = self.variation(token)
        others = [each for each in shown if each.job != chosen.job]
        return _joined(self.original, [*others, chosen], 1)

    def keep(self, token: str) -> None:
        """Let a variation belong to the song; another one of the same job leaves it."""
        chosen = self.variation(token)
        others = [each for each in self.kept if self.variations[each].job != chosen.job]
        self.kept = (*others, token)

    def discard(self, token: str) -> None:
        """Take a variation out of the song if it is in, and forget it."""
        self.variation(token)
        self.kept = tuple(each for each in self.kept if each != token)
        del self.variations[token]

    def open(self, task: Task) -> Opened:
        """Return the song as it is now, ready for a task of one instrument.

        Raises
        ------
        MusicError
            As `symbolic.tasks.open_task` does.
        """
        (name,) = task.instruments
        wishes = task.wishes
        for token in reversed(self.kept):  # a tempo or chords once given hold on
            earlier = self.variations[token].task.wishes
            wishes = replace(
                wishes,
                tempo=wishes.tempo if wishes.tempo is not None else earlier.tempo,
                chords=wishes.chords if wishes.chords is not None else earlier.chords,
            )
        opened = open_task(self.path, replace(task, wishes=wishes, replace=False, beside=True))
        music = opened.music.with_parts(self.view().music.parts)
        context, taken = music.split(name)
        if not taken or task.beside:
            return replace(opened, music=music)
        if not task.replace:
            raise InstrumentError(
                f"the music has {name} already: choose to replace it, or to write one more"
            )
        if wishes.bars is None:
            return replace(opened, music=context)
        music, busiest = without_busiest(context, taken)
        return replace(opened, music=music, kept={name: busiest})

    def add(self, job: str, task: Task, result: Result, before: View) -> Variation:
        """Remember what was written to the song as it was `before`, and return it."""
        (part,) = result.added
        gone = tuple(each for each in before.music.parts if each not in result.music.parts)
        alike = [
            one for one in self.variations.values() if one.task.instruments == task.instruments
        ]
        number = 1 + max((one.number for one in alike), default=0)
        variation = Variation(fresh_token(), job, task, number, part, gone, result.music)
        self.variations[variation.token] = variation
        return variation


def _joined(original: Arrangement, variations: list[Variation], new: int) -> View:
    frame = variations[-1].frame if variations else original
    parts = list(original.parts)
    for each in variations:
        parts = [part for part in parts if part not in each.replaced]
        parts.append(each.part)
    written = sum(any(part is each.part for each in variations) for part in parts)
    return View(frame.with_parts(tuple(parts)), new, written)


class Store:
    """All songs, and the folder that is removed with them.

    Parameters
    ----------
    clock : callable
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = TemporaryDirectory(prefix="subtractive-page-")
        self._clock = clock
        self._songs: dict[str, Song] = {}
        self.lock = RLock()

    def open(self, name: str, content: bytes) -> Song:
        """Read a file that was sent, and keep it.

        Parameters
        ----------
        name : str
            As the sender calls it; only its last part counts.
        content : bytes

        Raises
        ------
        FileFormatError
            If it is no music that can be read.
        """
        token = fresh_token()
        folder = Path(self._folder.name, token)
        folder.mkdir()
        path = folder / plain_name(name)
        try:
            path.write_bytes(content)
            music = read(path)
            if music.source is not None and music.source.content != content:
                # converted once, not at each reading
                path = path.with_suffix(own_suffix(path))
                path.write_bytes(music.source.content)
            count = len(bars(music))
            if count > MOST_BARS:
                raise FileFormatError(
                    f"{path.name} has {count} bars, and up to {MOST_BARS} are shown: cut it up"
                )
        except BaseException:
            shutil.rmtree(folder)
            raise
        song = Song(token, path, music, used=self._clock())
        with self.lock:
            self.sweep()
            self._songs[token] = song
            if len(self._songs) > MOST_SONGS:
                self.close(min(self._songs.values(), key=lambda one: one.used).token)
        return song

    def song(self, token: str) -> Song:
        """Return a song.

        Raises
        ------
        UnknownError
        """
        with self.lock:
            song = self._songs.get(token)
            if song is None:
                raise UnknownError("this song is no longer open: give its file again")
            song.used = self._clock()
            return song

    def close(self, token: str) -> None:
        """Forget a song, and remove its files."""
        with self.lock:
            song = self._songs.pop(token, None)
        if song is not None:
            shutil.rmtree(song.path.parent, ignore_errors=True)

    def sweep(self) -> None:
        """Close the songs that nobody used for long."""
        with self.lock:
            late = self._clock() - IDLE_SECONDS
            for song in [song for song in self._songs.values() if song.used < late]:
                self.close(song.token)

    def remove(self) -> None:
        """Forget all songs, and remove all files."""
        with self.lock:
            self._songs.clear()
        self._folder.cleanup()

    def check_room(self, song: Song, count: int) -> None:
        """Make sure that a song may have `count` more variations.

        Raises
        ------
        OptionError
        """
        if len(song.variations) + count > MOST_VARIATIONS:
            raise OptionError(
                f"{len(song.variations)} variations are there, and up to {MOST_VARIATIONS} are "
                "held: discard some first"
            )


def keep_newest(folder: Path, pattern: str) -> None:
    """Remove old files that are made anew when they are asked for again."""
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
    for path in found[:-MOST_FILES]:
        path.unlink(missing_ok=True)


def plain_name(name: str) -> str:
    """Return a file's name that is safe in any folder: its last part, in plain signs, not long."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = re.sub(r"[^\w .,()&'+-]", "_", last).strip(" .")
    stem, dot, suffix = plain.rpartition(".")
    if not dot or not re.fullmatch(r"[A-Za-z0-9]{1,8}", suffix):
        stem, dot, suffix = plain, "", ""
    return f"{stem[:_NAME_LENGTH].strip(' .') or 'song'}{dot}{suffix}"
