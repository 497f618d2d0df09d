"""Music as frozen values: notes, parts and arrangements in integer ticks.

A *beat* is always a quarter note; a *bar* is as long as its metre says. Time is counted in ticks
from the start of the music, ``ticks_per_beat`` to the quarter. Repeats are already unfolded: an
arrangement is what is heard.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

from subtractive.errors import FileFormatError
from subtractive.instruments import roles

DRUM_CHANNEL = 9  # channel 10 as musicians count


class Note(NamedTuple):
    """One sounding note.

    Attributes
    ----------
    onset, duration : int
        In ticks, from the start of the music; `duration` may be 0 in careless files.
    pitch : int
        MIDI note number, 60 is middle C; for drums the General MIDI drum key.
    velocity : int
        1 (softest) to 127.
    """

    onset: int
    duration: int
    pitch: int
    velocity: int

    @property
    def end(self) -> int:
        """First tick at which the note no longer sounds."""
        return self.onset + self.duration


def order(note: Note) -> tuple[int, int]:
    """Return what the notes of a part are sorted by: onset, then pitch."""
    return note.onset, note.pitch


class Origin(NamedTuple):
    """Where a part came from in a MIDI file: its track chunk, channel and program in force."""

    track: int
    channel: int
    program: int


@dataclass(frozen=True, slots=True)
class Part:
    """The notes that one player plays.

    Attributes
    ----------
    name : str
        As the file calls it; may be empty.
    program : int
        General MIDI program, 0 to 127; without meaning where `is_drums`.
    is_drums : bool
        True on MIDI channel 10 and for MusicXML percussion: pitches are drum keys then.
    notes : tuple of Note
        In order of onset, then pitch.
    origin : Origin or None
        None for a part that was not read from a MIDI file.
    sung : bool
        True where the notation carries lyrics: a sung bass is no bass guitar.
    """

    name: str
    program: int
    is_drums: bool
    notes: tuple[Note, ...]
    origin: Origin | None = None
    sung: bool = False

    @property
    def end(self) -> int:
        """Tick at which the last note ends; 0 without notes."""
        return max((note.end for note in self.notes), default=0)


class PlacedPart(NamedTuple):
    """A part and its place among all parts, so that adding it back restores the order."""

    place: int
    stem: Part


class Tempo(NamedTuple):
    """From `tick` on, a quarter note lasts `microseconds`."""

    tick: int
    microseconds: int


class Metre(NamedTuple):
    """From `tick` on, a bar is `numerator` notes of 1/`denominator`."""

    tick: int
    numerator: int
    denominator: int


class KeySignature(NamedTuple):
    """From `tick` on: `fifths` sharps (negative: flats), and whether the key is minor."""

    tick: int
    fifths: int
    is_minor: bool = False

    @property
    def tonic(self) -> int:
        """Pitch class of the tonic, 0 is C."""
        return (7 * self.fifths + (9 if self.is_minor else 0)) % 12


class ChordSymbol(NamedTuple):
    """A chord symbol of the score, in force until the next one.

    `root` is None and `pitch_classes` empty for N.C. (no chord: nobody plays one). `bass` is the
    pitch class under the slash, or the root.
    """

    tick: int
    text: str
    root: int | None
    pitch_classes: tuple[int, ...]
    bass: int | None


class Bar(NamedTuple):
    """One bar: `onset` and `length` in ticks, `beat` the ticks of its metre's denominator."""

    onset: int
    length: int
    beat: int

    @property
    def end(self) -> int:
        """First tick after the bar."""
        return self.onset + self.length


@dataclass(frozen=True)
class Source:
    """The bytes an arrangement was read from, kept so that writing alters nothing of them."""

    kind: Literal["midi", "musicxml"]
    content: bytes
    name: str = ""


@dataclass(frozen=True)
class Arrangement:
    """A whole piece of music.

    Attributes
    ----------
    ticks_per_beat : int
        Ticks in a quarter note.
    parts : tuple of Part
    tempos, metres, keys, chords : tuples in order of tick
        Empty where the file says nothing; `metres` empty means 4/4, `tempos` empty 120.
    barlines : tuple of int
        Onsets of the bars, and the end of the last one, where notation writes them out (pick-ups,
        split bars); empty where the metres alone decide, as in MIDI.
    source : Source or None
        Not compared: two arrangements are equal when their music is.
    """

    ticks_per_beat: int
    parts: tuple[Part, ...]
    tempos: tuple[Tempo, ...] = ()
    metres: tuple[Metre, ...] = ()
    keys: tuple[KeySignature, ...] = ()
    chords: tuple[ChordSymbol, ...] = ()
    barlines: tuple[int, ...] = ()
    source: Source | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.ticks_per_beat < 1:
            raise FileFormatError(
                f"the music counts {self.ticks_per_beat} ticks to a quarter note; at least 1 is "
                "needed: save the file again from a notation program or a DAW"
            )

    @property
    def end(self) -> int:
        """Tick at which the music ends: the last note's end, or the last written barline."""
        last = self.barlines[-1] if self.barlines else 0
        return max([last, *(part.end for part in self.parts)])

    def with_parts(self, parts: tuple[Part, ...]) -> Arrangement:
        """Return the same music with other parts."""
        return replace(self, parts=parts)

    def split(self, instrument: str) -> tuple[Arrangement, tuple[PlacedPart, ...]]:
        """Return the music without `instrument`, and the parts taken out (see `example.Mix`)."""
        taken = tuple(
            PlacedPart(place, part)
            for place, (part, its_role) in enumerate(
                zip(self.parts, roles(self.parts), strict=True)
            )
            if its_role == instrument
        )
        gone = {placed.place for placed in taken}
        kept = tuple(part for place, part in enumerate(self.parts) if place not in gone)
        return self.with_parts(kept), taken

    def join(self, stems: tuple[PlacedPart, ...]) -> Arrangement:
        """Return the music with `stems` put in at their indices (see `example.Mix`)."""
        parts = list(self.parts)
        for placed in sorted(stems, key=lambda placed: placed.place):
            parts.insert(placed.place, placed.stem)
        return self.with_parts(tuple(parts))

    def tempo_at(self, tick: int) -> int:
        """Return the microseconds per quarter note in force at `tick` (500000 if none is)."""
        place = bisect_right(self.tempos, tick, key=lambda tempo: tempo.tick) - 1
        return self.tempos[place].microseconds if place >= 0 else 500_000

    def seconds_at(self, tick: int) -> float:
        """Return the time of `tick` in seconds from the start, by the tempo map."""
        seconds, here, pace = 0.0, 0, 500_000
        for tempo in self.tempos:
            if tempo.tick >= tick:
                break
            seconds += (tempo.tick - here) * pace / self.ticks_per_beat / 1e6
            here, pace = tempo.tick, tempo.microseconds
        return seconds + (tick - here) * pace / self.ticks_per_beat / 1e6


class Barred(Protocol):
    """What bars are counted from."""

    @property
    def ticks_per_beat(self) -> int:
        """Ticks in a quarter note."""

    @property
    def metres(self) -> tuple[Metre, ...]:
        """The metre map."""

    @property
    def barlines(self) -> tuple[int, ...]:
        """Written barlines; may be empty."""

    @property
    def end(self) -> int:
        """Tick at which the music ends."""


def bars(arrangement: Barred) -> tuple[Bar, ...]:
    """Return the bars from tick 0 to the end of the music, at least one.

    Written barlines rule where there are any; elsewhere the metre map is counted out. A metre
    change inside a bar cuts that bar short and starts a new one, as sequencers show it; of several
    metres at one tick the last counts.

    Parameters
    ----------
    arrangement : Arrangement or ArraySong

    Returns
    -------
    tuple of Bar
        Without gaps: each bar's end is the next one's onset.
    """
    metre_at: dict[int, Metre] = {metre.tick: metre for metre in arrangement.metres}
    changes = sorted(metre_at)
    quarter = arrangement.ticks_per_beat

    def beat_and_length(metre: Metre) -> tuple[int, int]:
        beat = max(1, quarter * 4 // metre.denominator)
        return beat, max(1, quarter * 4 * metre.numerator // metre.denominator)

    common = Metre(0, 4, 4)
    end = max(arrangement.end, 1)
    result: list[Bar] = []
    lines = arrangement.barlines
    for onset, after in pairwise(lines):
        place = bisect_right(changes, onset) - 1
        metre = metre_at[changes[place]] if place >= 0 else common
        result.append(Bar(onset, after - onset, beat_and_length(metre)[0]))
    tick = result[-1].end if result else 0
    while tick < end:
        place = bisect_right(changes, tick) - 1
        metre = metre_at[changes[place]] if place >= 0 else common
        beat, length = beat_and_length(metre)
        if place + 1 < len(changes):
            length = min(length, changes[place + 1] - tick)
        result.append(Bar(tick, length, beat))
        tick += length
    return tuple(result)
