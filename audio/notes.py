"""The notes of the missing part: the mix is heard, and the symbolic writer writes to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from audio.beats import BeatGrid, track_beats
from audio.engine import StemRequest
from audio.hearing import hear
from audio.level import VELOCITY_PER_DB, wished_db
from audio.sounds import program_named
from subtractive.arrangement import bars
from subtractive.errors import InstrumentError
from subtractive.instruments import instrument
from subtractive.synthesis import Strokes
from symbolic.request import Request
from symbolic.writer import PartWriter, load_writer

# A stroke so little before the recording is on its first sample.
_EARLY_SECONDS = 0.03


class WrittenNotes(NamedTuple):
    """A part in seconds.

    Attributes
    ----------
    strokes : Strokes
        Within the mix.
    program : int
        General MIDI program; of drums the kit.
    grid : BeatGrid
        The beats it was written on.
    """

    strokes: Strokes
    program: int
    grid: BeatGrid


def written_notes(
    request: StemRequest, report: Callable[[float], None] | None = None, device: str = "auto"
) -> WrittenNotes:
    """Return the notes that a stem shall play: those given, or written to the mix.

    Parameters
    ----------
    request : StemRequest
    report : callable, optional
        Called now and then with the share of the work that is done, 0 to 1.
    device : {"auto", "cpu", "cuda"}

    Raises
    ------
    InstrumentError
        If the instrument is unknown, or nothing is heard that a part could be written to.
    MusicError
        If no beat is heard in the mix.
    """
    wanted = instrument(request.instrument)
    named = program_named(request.words, wanted.name)
    grid = track_beats(request.mix, words=request.words) if request.grid is None else request.grid
    if request.notes is not None:
        given = request.notes.within(0.0, request.mix.seconds)
        return WrittenNotes(given, wanted.program if named is None else named, grid)
    heard = hear(request.mix, grid, wanted.name)
    music = heard.arrangement
    if not music.parts:
        raise InstrumentError(
            f"no notes are heard in the recording, so there is nothing to write {wanted.name} to: "
            "take a recording in which something else plays, or give the notes by --notes"
        )
    written = 0

    def count(more: int) -> None:
        nonlocal written
        written += more
        if report is not None:
            report(min(1.0, written / len(bars(music))))

    program = named if wanted.name != "drums" else None
    asked = Request(music, wanted.name, request.seed, program=program, words=request.words)
    part = _writer(device).write([asked], count)[0]
    notes = np.array(part.notes, dtype=np.int64).reshape(-1, 4)
    touch = round(VELOCITY_PER_DB * wished_db(request.words))
    strokes = Strokes(
        heard.seconds_at(notes[:, 0]),
        heard.seconds_at(notes[:, 0] + notes[:, 1]),
        notes[:, 2],
        np.clip(notes[:, 3] + touch, 1, 127),
    )
    kit = 0 if part.is_drums else part.program
    return WrittenNotes(
        _within(strokes, request.mix.seconds), kit if named is None else named, grid
    )


def _within(strokes: Strokes, seconds: float) -> Strokes:
    """Return the notes that begin within a recording, cut at its end."""
    onset, end, pitch, velocity = strokes
    inside = (onset > -_EARLY_SECONDS) & (onset < seconds)
    return Strokes(
        np.maximum(onset[inside], 0),
        np.minimum(end[inside], seconds),
        pitch[inside],
        velocity[inside],
    )


@lru_cache(maxsize=1)
def _writer(device: str) -> PartWriter:
    return load_writer(device=device)
