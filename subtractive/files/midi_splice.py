"""Parts taken out of a MIDI file, and track chunks put in, with every other byte left in place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from subtractive.arrangement import Origin
from subtractive.files.midi_chunks import meta
from subtractive.files.midi_events import (
    CHANNEL_PREFIX,
    DEVICE_NAME,
    END_OF_TRACK,
    INSTRUMENT_NAME,
    META,
    PORT,
    PROGRAM_NAME,
    SYSTEM,
    TRACK_NAME,
    MidiFile,
    is_track,
    number,
)
from subtractive.files.midi_tracks import Reading, Sounding, Track

# What only describes the notes of its track: without any, the track has nothing left to say.
_DESCRIPTIONS = frozenset(
    (
        TRACK_NAME,
        INSTRUMENT_NAME,
        PROGRAM_NAME,
        DEVICE_NAME,
        CHANNEL_PREFIX,
        PORT,
        END_OF_TRACK,
    )
)


def remove(file: MidiFile, reading: Reading, origins: Collection[Origin]) -> MidiFile:
    """Return the file without the notes of some parts.

    Their note events leave their chunks. Where no note of the whole file is left on a channel,
    the channel's other events leave these chunks too. A chunk of which only descriptions remain
    (names, ports) is dropped, but never the first one. All other chunks are the same bytes.

    Parameters
    ----------
    file : MidiFile
    reading : Reading
        The tracks of `file`.
    origins : collection of Origin
        Of the parts to take out.

    Returns
    -------
    MidiFile
    """
    still_used = {
        channel
        for track_number, heard in enumerate(reading.soundings)
        for channel, program in heard
        if Origin(track_number, channel, program) not in origins
    }
    chunks: list[bytes] = []
    track_number = -1
    for chunk in file.chunks:
        track_number += is_track(chunk)
        gone = {origin[1:] for origin in origins if origin.track == track_number}
        if not gone or not is_track(chunk):
            chunks.append(chunk)
            continue
        track, heard = reading.tracks[track_number], reading.soundings[track_number]
        indices = _indices(track, [heard[key] for key in gone if key in heard])
        silent = {channel for channel, _ in gone} - still_used
        indices.update(
            index
            for index, event in enumerate(track.events)
            if event.status < SYSTEM and event.status & 0x0F in silent
        )
        if track_number == 0 or not _only_describes(track, indices):
            chunks.append(_without(track, indices))
    return _counted(replace(file, chunks=tuple(chunks)), file)


def append(file: MidiFile, new_chunks: Sequence[bytes]) -> MidiFile:
    """Return the file with track chunks after its last one; format 0 becomes format 1.

    Parameters
    ----------
    file : MidiFile
    new_chunks : sequence of bytes
        Whole track chunks.

    Returns
    -------
    MidiFile
        Of the old bytes only format and number of tracks in the header differ.
    """
    if not new_chunks:
        return file
    last = max(place for place, chunk in enumerate(file.chunks) if is_track(chunk)) + 1
    chunks = (*file.chunks[:last], *new_chunks, *file.chunks[last:])
    return _counted(replace(file, chunks=chunks, format=1), file)


def _counted(file: MidiFile, before: MidiFile) -> MidiFile:
    """Correct the header's format and number of tracks, if there are more or fewer than before."""
    count = sum(map(is_track, file.chunks))
    if count == sum(map(is_track, before.chunks)):
        return file
    fields = file.format.to_bytes(2) + count.to_bytes(2)
    return replace(file, header=file.header[:8] + fields + file.header[12:])


def _indices(track: Track, parts: Sequence[Sequence[Sounding]]) -> set[int]:
    """Return the indices of the events that make up some notes."""
    notes = [sounding for part in parts for sounding in part]
    return {note.on for note in notes} | {note.off for note in notes if note.off is not None}


def _only_describes(track: Track, gone: Collection[int]) -> bool:
    return all(
        event.status == META and event.first in _DESCRIPTIONS
        for index, event in enumerate(track.events)
        if index not in gone
    )


def _without(track: Track, gone: Collection[int]) -> bytes:
    """Return a track's chunk without some events; what stays is heard at the same tick.

    An event is rewritten only if it must be: its delta time after a gap, and its status byte where
    it ran on from one that left.
    """
    chunk = track.chunk
    pieces: list[bytes] = []
    here = running = 0
    gap = False
    for index, event in enumerate(track.events):
        if index in gone:
            gap = True
            continue
        pieces.append(number(event.tick - here) if gap else chunk[event.start : event.body])
        if chunk[event.body] < 0x80 and event.status != running:
            pieces.append(bytes((event.status,)))
        pieces.append(chunk[event.body : event.stop])
        running = event.status if event.status < SYSTEM else 0
        here, gap = event.tick, False
    if gap:  # the track had no end of its own: its length is kept by giving it one
        pieces += number(track.events[-1].tick - here), meta(END_OF_TRACK, b"")
    body = b"".join(pieces) + chunk[track.events[-1].stop :]
    return b"MTrk" + len(body).to_bytes(4) + body
