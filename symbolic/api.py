"""The product in three lines of Python.

from symbolic.api import add_part, read, write

song = read("song.mid")
song = add_part(song, "bass")
write(song, "song.bass.mid")
"""

from __future__ import annotations

from functools import cache

from subtractive.arrangement import Arrangement
from subtractive.files.music import read, write
from subtractive.nearby import understood
from symbolic.manner import PLAIN, Manner
from symbolic.request import Request
from symbolic.writer import PartWriter, load_writer

__all__ = ["Manner", "add_part", "read", "write"]


@cache
def _shipped() -> PartWriter:
    return load_writer()


def add_part(
    song: Arrangement,
    instrument: str,
    *,
    seed: int = 0,
    words: str = "",
    manner: Manner = PLAIN,
    writer: PartWriter | None = None,
) -> Arrangement:
    """Return `song` with one more part, written by the writer for this instrument.

    Parts of the instrument that are there already are left alone and not listened to; take them
    out first by ``song.split(instrument)`` to replace them.

    Parameters
    ----------
    song : Arrangement
    instrument : {"drums", "bass", "guitar"}
    seed : int
        The same song, instrument, seed and wishes give the same part.
    words : str
        How the part shall be: "Add a laid-back reggae bass".
    manner : Manner
        How it shall be in numbers, which count before words.
    writer : PartWriter, optional
        By default the one with the shipped weights, loaded once.

    Raises
    ------
    InstrumentError
        If the instrument is unknown, or nothing else plays.
    OptionError
        If the instrument cannot play in that manner.
    """
    context, _ = song.split(instrument)
    request = Request(context, instrument, seed, words=understood(words).text, manner=manner)
    part = (writer or _shipped()).write([request])[0]
    return song.with_parts((*song.parts, part))
