"""One part as a musician writes it, as MusicXML to be put into a score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from lxml import etree

from subtractive.arrangement import ChordSymbol, Part
from subtractive.files import musicxml_part_signs as signs
from subtractive.files.musicxml_part_entry import part_entry
from subtractive.files.musicxml_part_notes import NoteWriter
from subtractive.files.musicxml_splice import PartXml
from subtractive.fretboard import FRETBOARDS, Fretboard
from subtractive.instruments import role
from subtractive.notation.dynamics import dynamic_marks
from subtractive.notation.frets import fingering
from subtractive.notation.lines import Line, lines, on_tablature
from subtractive.notation.note_names import Place, note_names
from subtractive.notation.paper import MeasureFrame, WrittenNote
from subtractive.notation.spelling import Spelled
from subtractive.notation.staves import Clef, clefs, with_tablature
from subtractive.notation.swing import straightened, swings
from subtractive.notation.symbols import Symbol


def part_xml(
    part: Part,
    measures: Sequence[Sequence[WrittenNote]],
    frames: Sequence[MeasureFrame],
    identity: str,
    *,
    chords: Sequence[Sequence[tuple[Fraction, ChordSymbol]]] = (),
    swing: bool | None = None,
    tablature: bool = False,
    channel: int | None = None,
) -> PartXml:
    """Return a part as MusicXML: its entry in the part list, and its measures.

    Every voice of every measure is exactly as long as the measure. Where notes lie on no usual
    division of a beat they are moved to the nearest one that is read easily.

    Parameters
    ----------
    part : Part
        Who plays; its notes are not looked at.
    measures : sequence of sequences of WrittenNote
        What is played in each measure.
    frames : sequence of MeasureFrame
        As many.
    identity : str
        The id of the part.
    chords : sequence of sequences of (Fraction, ChordSymbol)
        Chord symbols to write over the staff, with their places in each measure; or nothing.
    swing : bool or None
        Whether to write swung eighths as plain ones under the word "Swing"; None: if the part
        swings all through.
    tablature : bool
        Whether a bass or guitar has a second staff with strings and frets.
    channel : int or None
        MIDI channel, 0 to 15, of what is no kit; None: that which the part came on, or any.
    """
    own_role = role(part)
    swung = swings(measures) if swing is None else swing
    if swung:
        measures = [straightened(notes) for notes in measures]
    staves = clefs(own_role, part.program, measures)
    written = lines(measures, frames, role=own_role, staves=len(staves))
    names = {} if part.is_drums else note_names(written, frames, chords)
    board = FRETBOARDS.get(own_role) if tablature and len(staves) == 1 else None
    frets = {} if board is None else _frets(written, board)
    if board is not None:
        staves = with_tablature(staves[0])
    divisions = _divisions(written, frames, chords)
    pitches = {note.pitch for measure in written for note in _notes(measure)}
    keys = frozenset(pitches if part.is_drums else ())
    page = _Page(
        NoteWriter(identity, keys, divisions, int(staves[0].written_up), len(staves)),
        tuple(frames),
        staves,
        board,
        written,
        names,
        frets,
        chords,
        dynamic_marks(measures, signs.dynamic_velocities()),
        swung,
    )
    element = etree.Element("part", id=identity)
    element.extend(page.measure(place) for place in range(len(frames)))
    return PartXml(part_entry(part, own_role, identity, keys, channel), element)


@dataclass(frozen=True, slots=True)
class _Page:
    """A part laid out: what its measures show.

    Attributes
    ----------
    writer : NoteWriter
    frames : tuple of MeasureFrame
    staves : tuple of Clef
    board : Fretboard or None
        What the last staff is a tablature for, if it is one.
    written : sequence of tuples of Line
    names : mapping of Place to mapping of int to Spelled
    frets : mapping of (int, Fraction) to mapping of int to (int, int)
        Index of the measure and onset -> pitch -> string and fret.
    chords : sequence of sequences of (Fraction, ChordSymbol)
    marks : mapping of int to str
        Dynamic marks by the index of the measure.
    swung : bool
    """

    writer: NoteWriter
    frames: tuple[MeasureFrame, ...]
    staves: tuple[Clef, ...]
    board: Fretboard | None
    written: Sequence[tuple[Line, ...]]
    names: Mapping[Place, Mapping[int, Spelled]]
    frets: Mapping[tuple[int, Fraction], Mapping[int, tuple[int, int]]]
    chords: Sequence[Sequence[tuple[Fraction, ChordSymbol]]]
    marks: Mapping[int, str]
    swung: bool

    def measure(self, place: int) -> etree._Element:
        """Return one measure."""
        frame = self.frames[place]
        element = etree.Element("measure", number=frame.number)
        if frame.implicit:
            element.set("implicit", "yes")
        element.extend(signs.barline(each) for each in frame.barlines if each.location == "left")
        divisions = None if place else self.writer.divisions
        said = signs.attributes(frame, divisions, self.staves, self.board)
        if said is not None:
            element.append(said)
        if self.swung and not place:
            element.append(signs.swing())
        for count, line in enumerate(self.written[place]):
            if count:
                element.append(self.writer.backup(frame.length))
            element.extend(self._line(place, line, first=not count))
        if self.board is not None:
            for line in self.written[place]:
                element.append(self.writer.backup(frame.length))
                element.extend(self._tablature(place, line))
        element.extend(signs.barline(each) for each in frame.barlines if each.location == "right")
        return element

    def _line(self, place: int, line: Line, *, first: bool) -> Iterator[etree._Element]:
        """Yield a line's notes; the first line of a measure carries chords and dynamics."""
        waiting = list(self.chords[place]) if first and self.chords else []
        mark = self.marks.get(place) if first else None
        marked = min(line.symbols, key=lambda symbol: not symbol.notes, default=None)
        for count, symbol in enumerate(line.symbols):
            while waiting and (symbol.end > waiting[0][0] or symbol is line.symbols[-1]):
                offset, chord = waiting.pop(0)
                yield signs.harmony(chord, self.writer.time(offset - symbol.onset))
            if mark is not None and symbol is marked:
                yield signs.dynamic(mark)
            names = self.names.get((place, line.voice, symbol.onset), {})
            yield from self.writer.elements(line, count, names)

    def _tablature(self, place: int, line: Line) -> Iterator[etree._Element]:
        """Yield a line once more, on the staff of the tablature."""
        for count, symbol in enumerate(line.symbols):
            names = self.names.get((place, line.voice, symbol.onset), {})
            frets = self.frets.get((place, symbol.onset), {})
            yield from self.writer.elements(on_tablature(line), count, names, frets)


def _notes(measure: Sequence[Line]) -> Iterator[WrittenNote]:
    for line in measure:
        for symbol in line.symbols:
            yield from symbol.notes


def _frets(
    written: Sequence[Sequence[Line]], board: Fretboard
) -> dict[tuple[int, Fraction], dict[int, tuple[int, int]]]:
    """Return string and fret of each pitch, what begins together being one grip."""
    struck: dict[tuple[int, Fraction], set[int]] = {}
    for place, measure in enumerate(written):
        for note in _notes(measure):
            struck.setdefault((place, note.onset), set()).add(note.pitch)
    places = sorted(struck)
    grips = fingering([tuple(sorted(struck[each])) for each in places], board)
    return dict(zip(places, grips, strict=True))


def _divisions(
    written: Sequence[Sequence[Line]],
    frames: Sequence[MeasureFrame],
    chords: Sequence[Sequence[tuple[Fraction, ChordSymbol]]],
) -> int:
    """Return the smallest number of divisions of a quarter note that all times are whole in."""
    times = [frame.length for frame in frames]
    symbols: list[Symbol] = [
        each for measure in written for line in measure for each in line.symbols
    ]
    times += [each.duration for each in symbols]
    times += [offset for measure in chords for offset, _ in measure]
    return lcm(*(time.denominator for time in times))
