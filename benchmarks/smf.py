"""What a splice did to a MIDI file, judged by a reader of its own.

The product's reader and writer are not asked: a fault of theirs must not hide itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

# Metas that only describe the notes of their track; a chunk of nothing else may be left out.
_DESCRIPTIONS = (0x03, 0x04, 0x08, 0x09, 0x20, 0x21, 0x2F)
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


class Taken(NamedTuple):
    """A note that was to leave its track chunk."""

    track: int
    channel: int
    onset: int
    pitch: int


class Spliced(NamedTuple):
    """What became of the chunks: how many are the same, lost something, are gone, and are new."""

    same: int
    reduced: int
    dropped: int
    new: int


class SpliceError(AssertionError):
    """The splice changed something that it had no right to change."""


def chunks(content: bytes) -> list[bytes]:
    """Return the track chunks of a MIDI file."""
    found = []
    at = 8 + int.from_bytes(content[4:8])
    while content[at : at + 4].isalnum() and content[at : at + 4] != b"MThd":
        stop = at + 8 + int.from_bytes(content[at + 4 : at + 8])
        if content[at : at + 4] == b"MTrk":
            found.append(content[at:stop])
        at = stop
    return found


def _number(chunk: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        value = value << 7 | chunk[at] & 0x7F
        at += 1
        if chunk[at - 1] < 0x80:
            return value, at


def events(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tick and bytes of each event of a track chunk, with its status written out."""
    at, tick, running = 8, 0, 0
    while at < len(chunk):
        delta, at = _number(chunk, at)
        tick += delta
        status = chunk[at] if chunk[at] > 0x7F else running
        at += chunk[at] > 0x7F
        start = at
        if status < 0xF0:
            running = status
            at += _DATA_BYTES[status & 0xF0]
        elif status in (0xF0, 0xF7, 0xFF):
            length, at = _number(chunk, at + (status == 0xFF))
            at += length
        else:
            at += _SYSTEM_DATA_BYTES.get(status, 0)
        yield tick, bytes((status,)) + chunk[start:at]
        if chunk[start - 1 : start + 1] == b"\xff\x2f":
            return


def _is_stroke(event: bytes) -> bool:
    return event[0] & 0xF0 == 0x90 and event[2] > 0


def _is_note(event: bytes) -> bool:
    return event[0] & 0xE0 == 0x80


def check_splice(before: bytes, after: bytes, taken: Collection[Taken]) -> Spliced:
    """Check that a file lost `taken` and nothing else, and that what is new stands at its end.

    Parameters
    ----------
    before, after : bytes
        MIDI files.
    taken : collection of Taken
        Notes of `before`.

    Returns
    -------
    Spliced

    Raises
    ------
    SpliceError
        If a chunk without notes of `taken` differs by a byte, or a chunk with some has lost or
        gained any other event.
    """
    old, new = chunks(before), chunks(after)
    touched = {note.track for note in taken}
    left_on = _channels_with_notes_left(old, taken)
    place = reduced = dropped = 0
    for track, chunk in enumerate(old):
        here = new[place] if place < len(new) else b""
        if track not in touched:
            if here != chunk:
                raise SpliceError(f"track chunk {track} holds nothing of it, and was changed")
            place += 1
            continue
        mine = [note for note in taken if note.track == track]
        if _kept_rest(chunk, here, mine, left_on):
            reduced += 1
            place += 1
        elif track > 0 and _only_describes(chunk, mine, left_on):
            dropped += 1
        else:
            raise SpliceError(f"track chunk {track} lost or gained events of another part")
    same = len(old) - reduced - dropped
    return Spliced(same, reduced, dropped, len(new) - place)


def _channels_with_notes_left(old: Sequence[bytes], taken: Collection[Taken]) -> set[int]:
    leaving = Counter(taken)
    left = Counter(
        Taken(track, event[0] & 0x0F, tick, event[1])
        for track, chunk in enumerate(old)
        for tick, event in events(chunk)
        if _is_stroke(event)
    )
    return {note.channel for note in left - leaving}


def _lost_rightly(
    lost: Counter[tuple[int, bytes]], mine: Sequence[Taken], left_on: set[int]
) -> bool:
    """Whether lost events are the strokes of `mine`, their ends, or settings of silent channels."""
    found: Counter[tuple[int, int, int]] = Counter()
    for (tick, event), count in lost.items():
        if _is_stroke(event):
            found[event[0] & 0x0F, tick, event[1]] += count
    channels = {note.channel for note in mine}
    return found == Counter((note.channel, note.onset, note.pitch) for note in mine) and all(
        event[0] < 0xF0
        and event[0] & 0x0F in channels
        and (_is_note(event) or event[0] & 0x0F not in left_on)
        for _, event in lost
    )


def _kept_rest(chunk: bytes, here: bytes, mine: Sequence[Taken], left_on: set[int]) -> bool:
    if not here:
        return False
    was, is_now = Counter(events(chunk)), Counter(events(here))
    if is_now - was:
        return False
    return _lost_rightly(was - is_now, mine, left_on)


def _only_describes(chunk: bytes, mine: Sequence[Taken], left_on: set[int]) -> bool:
    described = Counter(
        (tick, event)
        for tick, event in events(chunk)
        if event[0] == 0xFF and event[1] in _DESCRIPTIONS
    )
    return _lost_rightly(Counter(events(chunk)) - described, mine, left_on)
