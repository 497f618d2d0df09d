"""MIDI files in and out, losing nothing.

An arrangement read from MIDI keeps the bytes of its file. Writing it splices: the user's track
chunks stay byte for byte, parts no longer there leave theirs, new parts follow as new chunks::

    write_midi(read_midi(content)) == content

Two habits of files make a part differ from what the writer was given. Of two notes of one pitch
on one channel, the first to begin is taken to be the first to end (MIDI does not say which), so
a note inside a longer one of its pitch changes ends with it. A part without notes is not read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from subtractive.arrangement import Arrangement, Part, Source
from subtractive.errors import FileFormatError
from subtractive.files.midi_channels import ChannelPlan, channel_uses, plan
from subtractive.files.midi_chunks import conductor_chunk, map_events, part_chunk
from subtractive.files.midi_events import MidiFile, cut
from subtractive.files.midi_splice import append, remove
from subtractive.files.midi_tracks import Reading, read_tracks

_MOST_TICKS_PER_BEAT = 0x7FFF


def read_midi(content: bytes, name: str = "") -> Arrangement:
    """Read a MIDI file of format 0 or 1.

    There is one part per track chunk, channel and program in force, in that order. Unlike symusic,
    which drops them, notes never released end with their track; and a track that sets no program
    takes the one that other tracks have set on its channel when its first note sounds.

    Parameters
    ----------
    content : bytes
    name : str
        How messages call the file; kept with its bytes.

    Returns
    -------
    Arrangement
        With `content` as its source.

    Raises
    ------
    FileFormatError
        If the file is empty, no MIDI file, damaged, of format 2, in SMPTE time, or without notes.
    """
    file = cut(content, name)
    reading = read_tracks(file, name)
    if not any(reading.soundings):
        raise FileFormatError(
            f"{name or 'the file'} holds no notes; a MIDI file with at least one is needed"
        )
    return Arrangement(
        ticks_per_beat=file.ticks_per_beat,
        parts=reading.parts,
        tempos=reading.tempos,
        metres=reading.metres,
        keys=reading.keys,
        source=Source("midi", content, name),
    )


def write_midi(arrangement: Arrangement) -> bytes:
    """Return the arrangement as a MIDI file.

    A part that equals one of the source's keeps its bytes; a part of the source that is missing
    leaves them; every other part gets a track chunk of its own, after the others. Maps of tempo,
    metre and key that the source states stay; those it lacks stand in the first new track. Without
    a MIDI source the file is new: format 1, a conductor track, and one track per part.

    Parameters
    ----------
    arrangement : Arrangement

    Returns
    -------
    bytes

    Raises
    ------
    FileFormatError
        If something in it cannot be said in MIDI.
    """
    if arrangement.source is None or arrangement.source.kind != "midi":
        return _new_file(arrangement)
    file, reading, plans = _spliced(arrangement, arrangement.source)
    missing = replace(
        arrangement,
        tempos=() if reading.tempos else arrangement.tempos,
        metres=() if reading.metres else arrangement.metres,
        keys=() if reading.keys else arrangement.keys,
    )
    chunks = [
        part_chunk(part, channel, sends_program, map_events(missing) if place == 0 else ())
        for place, (part, channel, sends_program, _) in enumerate(plans)
    ]
    return append(file, chunks).content


def plan_channels(arrangement: Arrangement) -> tuple[ChannelPlan, ...]:
    """Return the channel that each new part of `write_midi` gets, with a notice where it shares.

    Parameters
    ----------
    arrangement : Arrangement

    Returns
    -------
    tuple of ChannelPlan
        One for each part that equals none of the source's; without a MIDI source, for each part.
    """
    if arrangement.source is None or arrangement.source.kind != "midi":
        return plan(arrangement.parts, channel_uses(None))
    return _spliced(arrangement, arrangement.source)[2]


def write_part_only(arrangement: Arrangement, parts: tuple[Part, ...]) -> bytes:
    """Return a new MIDI file of `parts` alone, with the arrangement's maps: a track for a DAW.

    Parameters
    ----------
    arrangement : Arrangement
    parts : tuple of Part

    Returns
    -------
    bytes
        Format 1, with the arrangement's ticks to a quarter note.
    """
    return _new_file(arrangement.with_parts(parts))


def _spliced(
    arrangement: Arrangement, source: Source
) -> tuple[MidiFile, Reading, tuple[ChannelPlan, ...]]:
    """Return the source's file without the parts that are gone, and plans for the new ones."""
    file = cut(source.content, source.name)
    reading = read_tracks(file, source.name)
    old = reading.parts
    asked, known = set(arrangement.parts), set(old)
    gone = {part.origin for part in old if part.origin and part not in asked}
    if gone:
        file = remove(file, reading, gone)
        reading = read_tracks(file, source.name)
    new = [part for part in arrangement.parts if part not in known]
    return file, reading, plan(new, channel_uses(reading))


def _new_file(arrangement: Arrangement) -> bytes:
    if arrangement.ticks_per_beat > _MOST_TICKS_PER_BEAT:
        raise FileFormatError(
            f"the music counts {arrangement.ticks_per_beat} ticks to a quarter note; MIDI allows "
            f"1 to {_MOST_TICKS_PER_BEAT}: use fewer divisions"
        )
    title = PurePath(arrangement.source.name).stem if arrangement.source else ""
    plans = plan(arrangement.parts, channel_uses(None))
    chunks = [conductor_chunk(arrangement, title)]
    chunks += [part_chunk(part, channel, sends) for part, channel, sends, _ in plans]
    fields = (1, len(chunks), arrangement.ticks_per_beat)
    header = b"MThd" + (6).to_bytes(4) + b"".join(field.to_bytes(2) for field in fields)
    return header + b"".join(chunks)
