"""Parts and maps written as new track chunks.

Events of one tick stand in the order that readers need: note-offs, then notes of no length, then
note-ons, so that a repeated pitch is released before it is struck again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter

from subtractive.arrangement import Arrangement, KeySignature, Metre, Note, Part, bars
from subtractive.errors import FileFormatError
from subtractive.files.midi_events import (
    END_OF_TRACK,
    KEY_SIGNATURE,
    MARKER,
    META,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    SET_TEMPO,
    TIME_SIGNATURE,
    TRACK_NAME,
    number,
)

Timed = tuple[int, bytes]  # a tick and the event at it

_SLOWEST_TEMPO = 0xFF_FFFF  # microseconds a quarter, in three bytes
_FINEST_DENOMINATOR = 64


def track_chunk(timed: Iterable[Timed], end: int = 0) -> bytes:
    """Return a track chunk with `timed` events, which lasts to tick `end` at least.

    Events of one tick keep their order.

    Raises
    ------
    FileFormatError
        If a pause is longer than MIDI can write.
    """
    pieces: list[bytes] = []
    here = 0
    for tick, event in sorted(timed, key=itemgetter(0)):
        pieces += number(tick - here), event
        here = tick
    pieces += number(max(0, end - here)), meta(END_OF_TRACK, b"")
    body = b"".join(pieces)
    return b"MTrk" + len(body).to_bytes(4) + body


def meta(kind: int, payload: bytes) -> bytes:
    """Return a meta event."""
    return bytes((META, kind)) + number(len(payload)) + payload


def conductor_chunk(arrangement: Arrangement, name: str = "") -> bytes:
    """Return the track chunk that leads a new file: name, maps, and chord symbols as markers."""
    title = [(0, meta(TRACK_NAME, name.encode()))] if name else []
    chords = [(chord.tick, meta(MARKER, chord.text.encode())) for chord in arrangement.chords]
    return track_chunk(title + map_events(arrangement) + chords, arrangement.end)


def map_events(arrangement: Arrangement) -> list[Timed]:
    """Return the tempo map, the metre map and the key signatures as events.

    Raises
    ------
    FileFormatError
        If a metre's denominator is no power of two.
    """
    return [
        *((metre.tick, _metre_event(metre)) for metre in written_metres(arrangement)),
        *((key.tick, _key_event(key)) for key in arrangement.keys),
        *(
            (tempo.tick, meta(SET_TEMPO, _tempo_in_bounds(tempo.microseconds).to_bytes(3)))
            for tempo in arrangement.tempos
        ),
    ]


def part_chunk(
    part: Part, channel: int, sends_program: bool = True, maps: Iterable[Timed] = ()
) -> bytes:
    """Return a part's track chunk: name, program, notes.

    Parameters
    ----------
    part : Part
    channel : int
        0 to 15.
    sends_program : bool
        Whether the chunk sets the channel's program.
    maps : iterable of (tick, event)
        Further events.

    Raises
    ------
    FileFormatError
        If a note is out of MIDI's bounds.
    """
    title = [(0, meta(TRACK_NAME, part.name.encode()))] if part.name else []
    program = [(0, bytes((PROGRAM | channel, part.program)))] if sends_program else []
    return track_chunk([*title, *maps, *program, *_note_events(part, channel)])


def _note_events(part: Part, channel: int) -> list[Timed]:
    """Return note-ons and note-offs in the order in which they must stand."""
    placed: list[tuple[int, int, int, bytes]] = []
    for order, note in enumerate(sorted(part.notes, key=lambda note: (note.onset, note.end))):
        _check_bounds(note, part.name)
        on = bytes((NOTE_ON | channel, note.pitch, note.velocity))
        off = bytes((NOTE_OFF | channel, note.pitch, 0))
        if note.duration:
            placed += (note.onset, 2, order, on), (note.end, 0, order, off)
        else:
            placed += (note.onset, 1, 2 * order, on), (note.onset, 1, 2 * order + 1, off)
    placed.sort()
    return [(tick, event) for tick, _, _, event in placed]


def _check_bounds(note: Note, name: str) -> None:
    onset, duration, pitch, velocity = note
    if onset < 0 or duration < 0 or not 0 <= pitch <= 127 or not 1 <= velocity <= 127:
        raise FileFormatError(
            f"the part {name!r} holds {note}, which MIDI cannot write: onset and duration must be "
            "at least 0, the pitch 0 to 127, the velocity 1 to 127; mend that note"
        )


def _tempo_in_bounds(microseconds: int) -> int:
    return min(max(microseconds, 1), _SLOWEST_TEMPO)


def _metre_event(metre: Metre) -> bytes:
    power = metre.denominator.bit_length() - 1
    if metre.denominator != 1 << power or not 1 <= metre.numerator <= 255:
        raise FileFormatError(
            f"the metre {metre.numerator}/{metre.denominator} cannot be written in MIDI, which "
            "allows 1 to 255 notes of 1/1, 1/2, 1/4, 1/8 and so on; write it as one of these"
        )
    # 24 MIDI clocks to a metronome click, 8 32nds to a quarter: the values every program writes
    return meta(TIME_SIGNATURE, bytes((metre.numerator, power, 24, 8)))


def _key_event(key: KeySignature) -> bytes:
    """Return the event; more than seven accidentals are respelled (G sharp major: A flat)."""
    fifths = key.fifths
    while abs(fifths) > 7:
        fifths -= 12 if fifths > 0 else -12
    return meta(KEY_SIGNATURE, bytes((fifths % 256, key.is_minor)))


def written_metres(arrangement: Arrangement) -> tuple[Metre, ...]:
    """Return the metres that give the arrangement's bars to one who reads only the MIDI file.

    Where notation writes barlines, a bar that its metre would not give (a pick-up, a bar split by
    a repeat) gets a metre of its own.
    """
    if not arrangement.barlines:
        return arrangement.metres
    written: list[Metre] = []
    exact = True
    for bar in bars(arrangement):
        metre, fits = _metre_of(bar.onset, bar.length, arrangement)
        if not written or not exact or metre[1:] != written[-1][1:]:
            written.append(metre)
        exact = fits
    return tuple(written)


def _metre_of(onset: int, length: int, arrangement: Arrangement) -> tuple[Metre, bool]:
    """Return a metre for a bar, and whether it is exactly as long; if not it is longer."""
    place = bisect_right(arrangement.metres, onset, key=lambda metre: metre.tick)
    metre = arrangement.metres[place - 1] if place else Metre(0, 4, 4)
    whole = 4 * arrangement.ticks_per_beat
    if length == whole * metre.numerator // metre.denominator:
        return Metre(onset, metre.numerator, metre.denominator), True
    denominator = metre.denominator
    while length * denominator % whole and denominator < _FINEST_DENOMINATOR:
        denominator *= 2
    # the next bar's own metre cuts a bar short that is too long by less than a 64th
    numerator = -(-length * denominator // whole)
    return Metre(onset, numerator, denominator), not length * denominator % whole
