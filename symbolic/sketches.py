"""Parts that a user brings along: one to play like, and notes that have to stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from subtractive.arrangement import Arrangement, Note, Part, bars, order
from subtractive.arrays import notes_array, resampled, to_arrays
from subtractive.errors import InstrumentError
from subtractive.example import main_part, subtract
from subtractive.excerpts import TICKS
from subtractive.facts import Facts, measure
from subtractive.files.music import read
from subtractive.instruction import Instruction
from subtractive.limbs import unplayable_strokes


def part_in(path: Path, instrument: str) -> tuple[Arrangement, Part]:
    """Read a file and return its music, and what plays the instrument in it, or its only part.

    Raises
    ------
    InstrumentError
        If several parts but none of the instrument play in it.
    MusicError
        If the file cannot be read.
    """
    music = read(path)
    example = subtract(music, Instruction(instrument))
    if example.target:
        return music, main_part(example)
    playing = [part for part in music.parts if part.notes]
    if len(playing) != 1:
        raise InstrumentError(
            f"{path.name} has {len(playing)} parts with notes and none of them plays the "
            f"{instrument}: give a file with the {instrument} alone"
        )
    return music, playing[0]


def facts_in(path: Path, instrument: str) -> Facts:
    """Return what is measured of the instrument's part in a file.

    Raises
    ------
    MusicError
        As `part_in` does.
    """
    music, part = part_in(path, instrument)
    song = resampled(to_arrays(music.with_parts((part,))), TICKS)
    table = bars(song)
    lines = np.array([*(bar.onset for bar in table), table[-1].end])
    beats = np.array([bar.beat for bar in table])
    return measure(song.parts[0].notes, lines, beats, instrument, tempo_of(music))


def tempo_of(music: Arrangement) -> float:
    """Return the quarters a minute of a whole piece."""
    seconds = music.seconds_at(music.end)
    return 60 * music.end / music.ticks_per_beat / seconds if seconds > 0 else 120.0


def notes_in(path: Path, instrument: str, ticks_per_beat: int) -> tuple[Note, ...]:
    """Return the notes of the instrument's part in a file, in ticks of another piece.

    Raises
    ------
    MusicError
        As `part_in` does, or if the part holds none.
    """
    music, part = part_in(path, instrument)
    if not part.notes:
        raise InstrumentError(f"{path.name} holds no notes to keep: give a file with some")
    ratio = ticks_per_beat / music.ticks_per_beat
    notes = []
    for note in part.notes:
        onset = round(note.onset * ratio)
        duration = max(1, round(note.end * ratio) - onset)
        notes.append(note._replace(onset=onset, duration=duration))
    return tuple(notes)


def with_kept(
    part: Part, kept: Sequence[Note], instrument: str, ticks_per_beat: int, tempo_qpm: float
) -> Part:
    """Return a part with notes that have to stay, exactly; the others give way.

    A bass plays one note at a time; a string, or a drum, is struck by one of two; what limbs or
    fingers cannot play beside what stays is left out.

    Parameters
    ----------
    part : Part
    kept : sequence of Note
        In the ticks of the part.
    instrument : str
    ticks_per_beat : int
    tempo_qpm : float
        Quarters a minute.
    """
    if not kept:
        return part
    fresh = list(_yielding(part.notes, kept, monophonic=instrument == "bass"))
    if part.is_drums:
        every = [*kept, *fresh]
        # rules leave out what comes second: of strokes at one moment those that stay come first
        array = notes_array(tuple(every))
        ticks = array["onset"].astype(np.int64) * 4 + (np.arange(len(every)) >= len(kept))
        array["onset"] = ticks
        at_fault = unplayable_strokes(array, ticks_per_beat * 4, tempo_qpm)
        fresh = [note for note, bad in zip(fresh, at_fault[len(kept) :], strict=True) if not bad]
    return replace(part, origin=None, notes=tuple(sorted([*kept, *fresh], key=order)))


_STRINGS = 6


def _yielding(notes: Sequence[Note], kept: Sequence[Note], *, monophonic: bool) -> Iterator[Note]:
    """Yield the notes that can stand beside kept ones, ended where those begin."""
    at_once = Counter(note.onset for note in kept)
    for note in notes:
        rivals = [each for each in kept if monophonic or each.pitch == note.pitch]
        if any(each.onset <= note.onset < each.end for each in rivals):
            continue
        if note.onset in at_once and at_once[note.onset] >= _STRINGS:
            continue
        at_once[note.onset] += 1
        until = min((each.onset for each in rivals if each.onset > note.onset), default=note.end)
        yield note._replace(duration=min(note.end, until) - note.onset)
