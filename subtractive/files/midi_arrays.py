"""MIDI files read straight into arrays: the music of `read_midi` in a fraction of its time.

Where an event begins depends on all events before it. So the place after the event is worked out
for *every* byte as if one began there, all at once, and from it the place 2, 4, 8, 16 and 32 events
on; what is left to do one by one is to go from every 32nd event to the next. What this way does not
understand (damage, a file without notes, running status of one data byte: 26 of 1,669 files) is
left to `read_midi` and its errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import DRUM_CHANNEL
from subtractive.arrays import NOTE, ArrayPart, ArraySong, to_arrays
from subtractive.errors import FileFormatError
from subtractive.files.midi import read_midi
from subtractive.files.midi_events import (
    END_OF_TRACK,
    ESCAPE,
    META,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    SYSTEM,
    cut,
    is_track,
)
from subtractive.files.midi_tracks import Meta, Reading, Track

Ints = npt.NDArray[np.int64]

_HEAD_BYTES = 8
_PADDING = bytes(16)  # so that whatever an event at the last byte asks for can be looked up
_MOST_NUMBER_BYTES = 4
_DOUBLINGS = 5
_LATEST = np.iinfo(np.int32).max
_SYSTEM_DATA_BYTES = np.array([0, 1, 2, 1] + [0] * 12)  # of the statuses 0xF0 to 0xFF


@dataclass(frozen=True, slots=True)
class _Events:
    """The events of all tracks one after another [shape=(event,)], as `midi_events.Event` is."""

    tracks: tuple[Track, ...]
    track: Ints
    tick: Ints
    status: Ints
    first: Ints
    second: Ints

    @property
    def strikes(self) -> npt.NDArray[np.bool_]:
        """Which of them begin a note."""
        begins: npt.NDArray[np.bool_] = (self.status & 0xF0 == NOTE_ON) & (self.second > 0)
        return begins


def read_midi_arrays(content: bytes, name: str = "") -> ArraySong:
    """Read a MIDI file of format 0 or 1: ``to_arrays(read_midi(content, name))``, but fast.

    Parameters
    ----------
    content : bytes
    name : str
        How messages call the file.

    Returns
    -------
    ArraySong

    Raises
    ------
    FileFormatError
        As `read_midi` does, and if the music lasts longer than arrays can count.
    """
    file = cut(content, name)
    found = _events([chunk for chunk in file.chunks if is_track(chunk)])
    if found is None or not found.strikes.any():
        return _read_slowly(content, name)
    maps = Reading(found.tracks, ())
    parts = tuple(_parts(found))
    return ArraySong(file.ticks_per_beat, parts, maps.tempos, maps.metres, maps.keys)


def _read_slowly(content: bytes, name: str) -> ArraySong:
    try:
        return to_arrays(read_midi(content, name))
    except OverflowError as error:
        raise FileFormatError(
            f"{name or 'the file'} goes on past tick {_LATEST}, which no song does: it is damaged, "
            "or silent for days; copy or export it again"
        ) from error


def _events(chunks: Sequence[bytes]) -> _Events | None:
    """Return the events of track chunks, or None where something is not understood."""
    joined = b"".join(chunks)
    code = np.frombuffer(joined + _PADDING, dtype=np.uint8).astype(np.int64)
    ends = np.cumsum([len(chunk) for chunk in chunks], dtype=np.int64)
    heads = np.concatenate([[0], ends])
    width, data, stop, last_ones = _steps(code)
    places = _chains(heads, stop, last_ones)
    wide, body, data, stop = width[places], places + width[places], data[places], stop[places]
    track = np.searchsorted(ends, places, side="right")
    written = data > body
    # running status: the last one of a channel that its track has written
    sets = written & (code[body] < SYSTEM)
    last = np.maximum.accumulate(np.where(sets, np.arange(len(places)), 0))
    status = np.where(written, code[body], code[body[last]])
    is_long = status & 0xE0 != PROGRAM  # program changes and channel pressures carry one byte
    first, second = code[data], np.where(is_long, code[data + 1], 0)
    not_understood = (
        (wide > _MOST_NUMBER_BYTES)
        | (stop > ends[track])
        | ((status < SYSTEM) & ((first | second) > 0x7F))
        | (~written & (~sets[last] | (track[last] != track) | ~is_long))
    )
    passed = np.concatenate([[0], np.cumsum(_numbers(code, places, wide))])
    tick = passed[1:] - passed[np.searchsorted(places, heads)][track]
    if not_understood.any() or not len(tick) or tick.max() > _LATEST:
        return None
    metas: list[list[Meta]] = [[] for _ in chunks]
    (told,) = np.nonzero(status == META)
    payload = data[told] + 1 + width[data[told] + 1]
    columns = (track[told], tick[told], first[told], payload, stop[told])
    for its_track, at, kind, begin, end in zip(*(each.tolist() for each in columns), strict=True):
        metas[its_track].append(Meta(at, kind, joined[begin:end]))
    tracks = tuple(Track(chunk, [], its) for chunk, its in zip(chunks, metas, strict=True))
    return _Events(tracks, track, tick, status, first, second)


def _steps(code: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return, for each place, the event that begins there if one does.

    Returns
    -------
    width, data, stop : array of int [shape=(place,)]
        Bytes of its delta time (5: too many), where its data begins, where the next event begins.
    last_ones : array of int
        The places whose event ends a track.
    """
    goes_on = code > 0x7F
    width = np.ones(len(code), dtype=np.int64)
    run = goes_on
    for after in range(1, _MOST_NUMBER_BYTES + 1):
        width += run
        run = run & np.concatenate([goes_on[after:], np.zeros(after, dtype=bool)])
    size = len(code) - len(_PADDING)
    body = np.arange(size) + width[:size]
    status = code[body]
    data = body + goes_on[body]
    stop = data + 2 - (status & 0xE0 == PROGRAM)
    (system,) = np.nonzero(status >= SYSTEM)
    kind = status[system]
    at = data[system] + (kind == META)
    wide = width[at]
    # a length of more than four bytes is damage: past every end
    length = np.where(wide > _MOST_NUMBER_BYTES, len(code), wide + _numbers(code, at, wide))
    has_length = (kind == META) | (kind == SYSTEM) | (kind == ESCAPE)
    stop[system] = at + np.where(has_length, length, _SYSTEM_DATA_BYTES[kind & 0x0F])
    ends_track = (kind == META) & (code[data[system]] == END_OF_TRACK)
    return width, data, stop, system[ends_track]


def _numbers(code: Ints, at: Ints, width: Ints) -> Ints:
    """Return the variable-length numbers that begin at some places, `width` bytes long."""
    value = code[at] & 0x7F
    for place in range(1, _MOST_NUMBER_BYTES):
        value = np.where(width > place, value << 7 | code[at + place] & 0x7F, value)
    return value


def _chains(heads: Ints, stop: Ints, last_ones: Ints) -> Ints:
    """Return in order where the events of all tracks begin; `heads` are their chunks' places."""
    size = len(stop)
    # a chain ends in a place that leads to itself: an end-of-track event, or the next chunk's head
    jump = np.append(np.minimum(stop, size), size)
    jump[last_ones] = last_ones
    jump[heads] = heads
    jumps = [jump]
    for _ in range(_DOUBLINGS):
        jumps.append(jumps[-1][jumps[-1]])
    far, anchors = jumps.pop(), []
    for place in (heads[:-1] + _HEAD_BYTES).tolist():
        anchors.append(place)
        while (after := int(far[anchors[-1]])) != anchors[-1]:
            anchors.append(after)
    places = np.array(anchors, dtype=np.int64)
    for jump in reversed(jumps):
        places = np.concatenate([places, jump[places]])
    reached = np.zeros(size + 1, dtype=bool)
    reached[places] = True
    reached[heads] = False
    return np.flatnonzero(reached)


def _parts(found: _Events) -> Iterator[ArrayPart]:
    """Yield the parts in order of track, then channel, then first appearance."""
    on, end = _paired(found)
    program = _programs(found, on)
    place = found.track[on] << 4 | found.status[on] & 0x0F
    keys, first, part = np.unique(place << 7 | program, return_index=True, return_inverse=True)
    order = np.lexsort((first, keys >> 7))
    rank = np.argsort(order)[part]
    onset = found.tick[on]
    # one key to sort by; notes of one onset and pitch stay as they stand in the file
    sorting = np.argsort(rank << 38 | onset << 7 | found.first[on], kind="stable")
    notes = np.empty(len(on), dtype=NOTE)
    notes["onset"], notes["duration"] = onset, end - onset
    notes["pitch"], notes["velocity"] = found.first[on], found.second[on]
    cuts = np.cumsum(np.bincount(rank, minlength=len(keys)))[:-1]
    for key, own in zip(keys[order].tolist(), np.split(notes[sorting], cuts), strict=True):
        is_drums = key >> 7 & 0x0F == DRUM_CHANNEL
        yield ArrayPart(found.tracks[key >> 11].name, key & 0x7F, is_drums, own)


def _paired(found: _Events) -> tuple[Ints, Ints]:
    """Return the indices of the note-ons in order, and the ticks at which their notes end.

    Of each track, channel and pitch the first to begin is the first to end; one never released
    ends with its track; a note-off of nothing is passed over.
    """
    kind = found.status & 0xF0
    strikes = found.strikes
    (events,) = np.nonzero((kind == NOTE_ON) | (kind == NOTE_OFF))
    string = found.track[events] << 11 | (found.status[events] & 0x0F) << 7 | found.first[events]
    # sorted as one number, which takes a third of the time of a stable argsort
    packed = np.sort(string << 32 | events)
    events, string = packed & 0xFFFF_FFFF, packed >> 32
    begins = strikes[events]
    is_start = np.diff(string, prepend=-1) != 0
    starts, group = np.flatnonzero(is_start), np.cumsum(is_start) - 1
    # Notes that sound after each event, if every note-off ended one; each new low below zero is a
    # note-off of nothing. Groups are set apart by more than a count can reach.
    count = np.cumsum(np.where(begins, 1, -1))
    count -= np.append(0, count)[starts][group]
    apart = group * 2 * (len(events) + 1)
    low = np.minimum.accumulate(np.minimum(count, 0) - apart) + apart
    ends = ~begins & (low == np.where(is_start, 0, np.roll(low, 1)))
    (ons,), (offs,) = np.nonzero(begins), np.nonzero(ends)
    # the k-th note of a group ends with its k-th note-off
    number = np.arange(len(ons)) - np.searchsorted(ons, starts)[group[ons]]
    off = np.searchsorted(offs, starts)[group[ons]] + number
    off = np.append(offs, -1)[np.minimum(off, len(offs))]
    released = (off >= 0) & (group[off] == group[ons])
    last = np.searchsorted(found.track, np.arange(len(found.tracks)), side="right") - 1
    end = np.empty(len(strikes), dtype=np.int64)
    end[events[ons]] = found.tick[np.where(released, events[off], last[found.track[events[ons]]])]
    on = np.flatnonzero(strikes)
    return on, end[on]


def _programs(found: _Events, on: Ints) -> Ints:
    """Return the program in force at each of the note-ons (see `midi_tracks`)."""
    is_change = found.status & 0xF0 == PROGRAM
    changes = np.flatnonzero(is_change)
    place = found.track << 4 | found.status & 0x0F
    both = np.sort(np.concatenate([changes, on]))
    both = both[np.argsort(place[both], kind="stable")]
    last = np.maximum.accumulate(np.where(is_change[both], np.arange(len(both)), -1))
    is_own = (last >= 0) & (place[both[last]] == place[both])
    program = np.zeros(len(place), dtype=np.int64)
    program[both] = found.first[both[last]]
    without = both[~is_own]
    for each in np.unique(place[without]).tolist():
        notes = without[place[without] == each]
        program[notes] = _borrowed(found, changes, int(notes[0]))
    return program[on]


def _borrowed(found: _Events, changes: Ints, note: int) -> int:
    """Return the program that all tracks have set on a note's channel by its onset, or 0."""
    ports = np.array([track.port for track in found.tracks])
    fits = ports[found.track[changes]] == ports[found.track[note]]
    fits &= found.status[changes] & 0x0F == found.status[note] & 0x0F
    fits &= found.tick[changes] <= found.tick[note]
    heard = changes[fits]
    if not len(heard):
        return 0
    latest = heard[found.tick[heard] == found.tick[heard].max()][-1]
    return int(found.first[latest])
