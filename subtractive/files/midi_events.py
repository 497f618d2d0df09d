"""Standard MIDI Files as bytes: the chunks of a file, the events of a track and their places.

Every event knows where it lies in its chunk, so that a writer can leave in place what it need not
touch. The format is that of the Standard MIDI Files 1.0 specification, read tolerantly: running
status may go on after metas, unknown chunks and whatever follows the last chunk are kept, and the
header may count the tracks wrongly.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from subtractive.errors import FileFormatError

NOTE_OFF, NOTE_ON, PROGRAM = 0x80, 0x90, 0xC0  # status bytes of channel 0
SYSTEM, ESCAPE, META = 0xF0, 0xF7, 0xFF  # from SYSTEM on, a status belongs to no channel
# types of meta events
TRACK_NAME, INSTRUMENT_NAME, MARKER, PROGRAM_NAME, DEVICE_NAME = 0x03, 0x04, 0x06, 0x08, 0x09
CHANNEL_PREFIX, PORT, END_OF_TRACK = 0x20, 0x21, 0x2F
SET_TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x51, 0x58, 0x59
LONGEST_DELTA = 0x0FFF_FFFF

# Data bytes of the other system messages, which do not belong in a file but are met there.
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_HEAD_BYTES = 8  # every chunk begins with four letters and its length


class Event(NamedTuple):
    """One event of a track chunk.

    Attributes
    ----------
    tick : int
        From the start of the track.
    start, body, stop : int
        Offsets into the chunk: where its delta time begins, the event itself, and the next one.
    status : int
        Status byte in force, whether written or running.
    first, second : int
        Data bytes (0 where there is none). Of a meta event: its type, and the offset at which its
        payload begins.
    """

    tick: int
    start: int
    body: int
    stop: int
    status: int
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class MidiFile:
    """A file cut into chunks; joined again they are the same bytes."""

    format: int
    ticks_per_beat: int
    header: bytes
    chunks: tuple[bytes, ...]
    tail: bytes

    @property
    def content(self) -> bytes:
        """The whole file."""
        return b"".join((self.header, *self.chunks, self.tail))


def is_track(chunk: bytes) -> bool:
    """Whether a chunk holds a track; others are unknown and kept as they are."""
    return chunk[:4] == b"MTrk"


def cut(content: bytes, name: str = "") -> MidiFile:
    """Cut a MIDI file into its chunks.

    Parameters
    ----------
    content : bytes
    name : str
        How messages call the file.

    Returns
    -------
    MidiFile
        `tail` is what follows the last chunk and is none: padding, remarks, another file.

    Raises
    ------
    FileFormatError
        If it is no MIDI file, is truncated, or counts time in SMPTE frames.
    """
    name = name or "the file"
    form, declared, division, at = _header(content, name)
    header = content[:at]
    chunks: list[bytes] = []
    tracks = 0
    while at < len(content) and content[at : at + 4] != b"MThd":
        stop = at + _HEAD_BYTES + int.from_bytes(content[at + 4 : at + _HEAD_BYTES])
        if max(stop, at + _HEAD_BYTES) > len(content):
            if tracks >= declared and content[at : at + 4] != b"MTrk":
                break
            raise FileFormatError(
                f"{name} is damaged: it ends inside chunk {len(chunks) + 1} at byte {len(content)},"
                f" which should go on to byte {stop}; copy or export the file again"
            )
        chunks.append(content[at:stop])
        tracks += is_track(chunks[-1])
        at = stop
    return MidiFile(form, division, header, tuple(chunks), content[at:])


def _header(content: bytes, name: str) -> tuple[int, int, int, int]:
    """Return format, declared tracks, ticks per beat, and where the header chunk ends."""
    if not content:
        raise FileFormatError(f"{name} is empty; a MIDI file with notes is needed")
    if content[:4] != b"MThd":
        wrapped = content[:4] == b"RIFF" and content[8:12] == b"RMID"
        found = "wrapped in RIFF (.rmi)" if wrapped else "not a MIDI file"
        raise FileFormatError(
            f"{name} is {found}: it begins with {content[:4]!r} instead of b'MThd'; "
            "export it as a Standard MIDI File (.mid)"
        )
    length = int.from_bytes(content[4:8])
    if len(content) < 14 or length < 6 or len(content) < _HEAD_BYTES + length:
        raise FileFormatError(
            f"{name} is damaged: its header is cut short; copy or export it again"
        )
    form, declared, division = struct.unpack_from(">HHH", content, _HEAD_BYTES)
    if form > 1:
        raise FileFormatError(
            f"{name} is a MIDI file of format {form}, whose tracks are separate pieces; "
            "formats 0 and 1 can be read: export it as one of them"
        )
    if division & 0x8000:
        raise FileFormatError(
            f"{name} counts time in SMPTE frames ({256 - (division >> 8)} a second), not in beats; "
            "export it with ticks per quarter note"
        )
    if not division:
        raise FileFormatError(
            f"{name} counts 0 ticks to a quarter note; at least 1 is needed: export it again"
        )
    return form, declared, division, _HEAD_BYTES + length


def events(chunk: bytes, name: str = "the track") -> list[Event]:
    """Read the events of a track chunk, up to its end-of-track event or its last byte.

    Parameters
    ----------
    chunk : bytes
        The whole chunk, with its head.
    name : str
        How messages call the track.

    Raises
    ------
    FileFormatError
        If an event breaks off or a byte stands where none of its kind is allowed.
    """
    found: list[Event] = []
    place = partial(tuple.__new__, Event)  # half the time of Event(...), and this loop is all time
    at, tick, running, damage = _HEAD_BYTES, 0, 0, "breaks off in the middle of an event"
    try:
        while at < len(chunk):
            start = at
            delta = byte = chunk[at]
            at += 1
            if byte > 0x7F:
                at, delta = _number(chunk, start)
            tick += delta
            body = at
            status = chunk[at]
            if status > 0x7F:
                at += 1
            else:
                status = running
            if status < SYSTEM:
                running = status
                first = chunk[at]
                # program changes and channel pressures carry one byte, all others two
                second = 0 if status & 0xE0 == PROGRAM else chunk[at + 1]
                at += 1 if status & 0xE0 == PROGRAM else 2
                if (first | second) & 0x80 or not status:
                    raise ValueError
            else:
                first, second, at = _system_event(chunk, at, status)
            found.append(place((tick, start, body, at, status, first, second)))
            if status == META and first == END_OF_TRACK:
                break
    except IndexError:
        at = len(chunk) + 1
    except ValueError:
        damage = f"holds an impossible byte near byte {at}"
    else:
        if at <= len(chunk):
            return found
    raise FileFormatError(f"{name} is damaged: it {damage}; copy or export the file again")


def _system_event(chunk: bytes, at: int, status: int) -> tuple[int, int, int]:
    """Return meta type, offset of the payload, and of the byte after the event."""
    if status == META:
        payload, length = _number(chunk, at + 1)
        return chunk[at], payload, payload + length
    if status in (SYSTEM, ESCAPE):
        payload, length = _number(chunk, at)
        return 0, payload, payload + length
    return 0, at, at + _SYSTEM_DATA_BYTES.get(status, 0)


def _number(chunk: bytes, at: int) -> tuple[int, int]:
    """Return where a variable-length number of at most four bytes ends, and its value."""
    value = 0
    for place in range(at, at + 4):
        byte = chunk[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return place + 1, value
    raise ValueError


def number(value: int) -> bytes:
    """Return `value` as a variable-length number.

    Raises
    ------
    FileFormatError
        If it does not fit into 28 bits.
    """
    if not 0 <= value <= LONGEST_DELTA:
        raise FileFormatError(
            f"a time or length of {value} does not fit into a MIDI file, which allows 0 to "
            f"{LONGEST_DELTA}; use fewer ticks to a quarter note"
        )
    coded = [value & 0x7F]
    while value := value >> 7:
        coded.append(value & 0x7F | 0x80)
    return bytes(reversed(coded))
