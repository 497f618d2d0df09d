"""Finished files of any other system: contexts go out as MIDI, files with the part come back.

    python -m benchmarks.symbolic --quick --contexts asked/
    ... the other system writes one file for each, of the same name, to answers/ ...
    python -m benchmarks.symbolic --quick --files answers/

A file may hold the whole arrangement or the new part alone: what counts is who plays the
instrument in it. One that is missing or can't be read is a failed song.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.assignments import Assignment
from benchmarks.writers import Job, WriteParts, Writer, WriterOptions
from subtractive.arrangement import Note, Part, order
from subtractive.errors import FileFormatError, OptionError, OutputError
from subtractive.example import main_part, subtract
from subtractive.files.midi import read_midi, write_midi
from subtractive.files.output import write_whole
from subtractive.instruction import Instruction
from subtractive.instruments import instrument as known_instrument


def file_name(one: Assignment) -> str:
    """Return the name of the file in which an assignment goes out and comes back.

    Letters, digits, dots and dashes of the song's name stay; seeds make no difference.
    """
    case = "" if one.case == "song" else f".{one.case}"
    text = f"{one.song.key}{case}.{one.instrument}"
    return re.sub(r"[^A-Za-z0-9.-]+", "_", text) + ".mid"


def write_contexts(every: Sequence[Assignment], folder: Path) -> int:
    """Write the context of each assignment as a MIDI file; return how many there are.

    Raises
    ------
    OptionError
        If two assignments would have one name.
    OutputError
        If a file cannot be written.
    """
    names = [file_name(one) for one in every]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise OptionError(f"two songs would be written to {min(twice)}: rename one of them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made ({error.strerror or error}): name another folder"
        ) from error
    for one, name in zip(every, names, strict=True):
        write_whole(folder / name, write_midi(one.context))
    return len(every)


def read_part(path: Path, one: Assignment) -> Part:
    """Return the part that a finished file holds, in the ticks of the assignment.

    Notes that begin after the end of the music are left out, those that sound on are cut.

    Raises
    ------
    FileFormatError
        If there is no such file, or it can't be read.
    """
    if not path.is_file():
        raise FileFormatError(f"{path} is missing: write a file for each context")
    music = read_midi(path.read_bytes(), path.name)
    found = subtract(music, Instruction(one.instrument))
    known = known_instrument(one.instrument)
    empty = Part(known.title, known.program, one.instrument == "drums", ())
    if not found.target:
        return empty
    part = main_part(found)
    scale = one.context.ticks_per_beat / music.ticks_per_beat
    last = int(one.around.bar_edges[-1])
    notes = set()
    for note in part.notes:
        onset, end = round(note.onset * scale), round(note.end * scale)
        if onset < last:
            notes.add(Note(onset, min(end, last) - onset, note.pitch, note.velocity))
    return Part(part.name, part.program, part.is_drums, tuple(sorted(notes, key=order)))


def finished_files(folder: Path) -> Writer:
    """Return the writer whose parts are the files of a folder; it is called as the folder is.

    Raises
    ------
    OptionError
        If there is no such folder, or it holds no MIDI file.
    """
    if not any(folder.glob("*.mid")):
        raise OptionError(
            f"{folder} holds no .mid file: write the contexts by --contexts and let the other "
            "system write files of the same names to a folder"
        )

    def opened(every: Sequence[Assignment], options: WriterOptions) -> WriteParts:
        del every, options

        def write(jobs: Sequence[Job]) -> list[Part]:
            return [read_part(folder / file_name(one), one) for one, _ in jobs]

        return write

    name = folder.resolve().name
    return Writer(name, False, False, False, ("benchmarks.finished",), opened)
