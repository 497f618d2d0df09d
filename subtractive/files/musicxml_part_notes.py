"""The notes and rests of a new part as XML, from the symbols of its lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lxml import etree

from subtractive.files.musicxml_part_entry import instrument_id
from subtractive.notation.kit_staff import Drum, drum
from subtractive.notation.lines import Line
from subtractive.notation.paper import WrittenNote
from subtractive.notation.spelling import Spelled
from subtractive.notation.symbols import Symbol
from subtractive.notation.values import VALUES

_FORTE = 90  # the velocity that 100 % means in MusicXML


@dataclass(frozen=True, slots=True)
class NoteWriter:
    """What all notes of a part have in common.

    Attributes
    ----------
    identity : str
        Of the part.
    keys : frozenset of int
        The drum keys that the part strikes; empty for pitched notes.
    divisions : int
        Of a quarter note.
    octaves_up : int
        From sounding to written pitch.
    staves : int
    """

    identity: str
    keys: frozenset[int]
    divisions: int
    octaves_up: int
    staves: int

    def time(self, quarters: Fraction) -> str:
        """Return a time as MusicXML counts it."""
        return str(int(quarters * self.divisions))

    def backup(self, quarters: Fraction) -> etree._Element:
        """Return the step back to where a measure began."""
        backup = etree.Element("backup")
        etree.SubElement(backup, "duration").text = self.time(quarters)
        return backup

    def elements(
        self,
        line: Line,
        place: int,
        names: Mapping[int, Spelled],
        frets: Mapping[int, tuple[int, int]] | None = None,
    ) -> Iterator[etree._Element]:
        """Yield the <note> elements of one symbol of a line.

        Parameters
        ----------
        line : Line
        place : int
            Of the symbol in it.
        names : mapping of int to Spelled
            The name of each pitch; of drums none.
        frets : mapping of int to (int, int) or None
            String and fret of each pitch on a staff of tablature.
        """
        symbol = line.symbols[place]
        for count, note in enumerate(symbol.notes or (None,)):
            element = etree.Element("note")
            if count:
                etree.SubElement(element, "chord")
            if note is None:
                _add_rest(element, line, symbol)
            elif self.keys:
                element.append(_unpitched(drum(note.pitch, self.keys)))
            else:
                element.append(_pitch(names[note.pitch], self.octaves_up))
            if note is not None:
                element.set("dynamics", f"{note.velocity * 100 / _FORTE:.2f}")
            etree.SubElement(element, "duration").text = self.time(symbol.duration)
            _add_ties(element, "tie", note)
            if note is not None and self.keys:
                own = instrument_id(self.identity, note.pitch)
                etree.SubElement(element, "instrument", id=own)
            etree.SubElement(element, "voice").text = str(line.voice)
            _add_value(element, symbol)
            if note is not None:
                if line.stem:
                    etree.SubElement(element, "stem").text = line.stem
                if self.keys:
                    head = drum(note.pitch, self.keys).head
                    etree.SubElement(element, "notehead").text = head
            if self.staves > 1:
                etree.SubElement(element, "staff").text = str(line.staff)
            if not count:
                for level, beam in enumerate(symbol.beams):
                    etree.SubElement(element, "beam", number=str(level + 1)).text = beam
            _add_notations(element, line, place, note, count)
            if note is not None and frets is not None and note.pitch in frets:
                _add_fret(element, frets[note.pitch])
            yield element


def _add_rest(element: etree._Element, line: Line, symbol: Symbol) -> None:
    rest = etree.SubElement(element, "rest")
    if len(line.symbols) == 1 and not symbol.name:
        rest.set("measure", "yes")


def _unpitched(own: Drum) -> etree._Element:
    unpitched = etree.Element("unpitched")
    etree.SubElement(unpitched, "display-step").text = own.step
    etree.SubElement(unpitched, "display-octave").text = str(own.octave)
    return unpitched


def _pitch(name: Spelled, octaves_up: int) -> etree._Element:
    pitch = etree.Element("pitch")
    etree.SubElement(pitch, "step").text = name.step
    if name.alter:
        etree.SubElement(pitch, "alter").text = str(name.alter)
    etree.SubElement(pitch, "octave").text = str(name.octave + octaves_up)
    return pitch


def _add_ties(element: etree._Element, tag: str, note: WrittenNote | None) -> None:
    if note is not None and note.tied_back:
        etree.SubElement(element, tag, type="stop")
    if note is not None and note.tied_on:
        etree.SubElement(element, tag, type="start")


def _add_value(element: etree._Element, symbol: Symbol) -> None:
    """Add note value, dots and tuplet; nothing to a rest that fills its measure."""
    if symbol.name:
        etree.SubElement(element, "type").text = symbol.name
    for _ in range(symbol.dots):
        etree.SubElement(element, "dot")
    window = symbol.window
    if window.actual == 1:
        return
    ratio = etree.SubElement(element, "time-modification")
    etree.SubElement(ratio, "actual-notes").text = str(window.actual)
    etree.SubElement(ratio, "normal-notes").text = str(window.normal)
    unit = VALUES.get(window.step * window.actual / window.normal, "")
    if unit and unit != symbol.name:
        etree.SubElement(ratio, "normal-type").text = unit


def _add_notations(
    element: etree._Element, line: Line, place: int, note: WrittenNote | None, count: int
) -> None:
    notations = etree.Element("notations")
    _add_ties(notations, "tied", note)
    symbol = line.symbols[place]
    if not count and symbol.tuplet:
        if symbol.tuplet != "stop":
            bracket = "no" if _is_beamed(line.symbols[place:]) else "yes"
            etree.SubElement(notations, "tuplet", type="start", number="1", bracket=bracket)
        if symbol.tuplet != "start":
            etree.SubElement(notations, "tuplet", type="stop", number="1")
    if len(notations):
        element.append(notations)


def _is_beamed(rest: Sequence[Symbol]) -> bool:
    """Return whether one beam holds the tuplet that begins here: it needs no bracket then."""
    window = rest[0].window
    inside = [symbol.beams[:1] for symbol in rest if symbol.window == window]
    return (
        inside[0] == ("begin",)
        and all(each == ("continue",) for each in inside[1:-1])
        and (inside[-1] == ("end",))
    )


def _add_fret(element: etree._Element, place: tuple[int, int]) -> None:
    notations = element.find("notations")
    if notations is None:
        notations = etree.SubElement(element, "notations")
    technical = etree.SubElement(notations, "technical")
    for tag, number in zip(("string", "fret"), place, strict=True):
        etree.SubElement(technical, tag).text = str(number)
