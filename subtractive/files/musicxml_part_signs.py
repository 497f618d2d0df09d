"""What a new part shows besides notes: clefs, keys, metres, barlines, chords, dynamics."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from subtractive.arrangement import ChordSymbol
from subtractive.chord_symbols import KINDS, Degree, chord_symbol, kind_tones
from subtractive.files.musicxml_directions import dynamics_of
from subtractive.fretboard import Fretboard
from subtractive.notation.paper import Barline, MeasureFrame
from subtractive.notation.staves import TABLATURE, Clef

_NAME = r"[A-G][#b♯♭]?"
_SYMBOL = re.compile(rf"({_NAME})(.*?)(?:/({_NAME}))?")
_CHANGE = re.compile(r"\((no|add)?([#b]*)(\d+)\)")
_ALTERS = {"#": 1, "♯": 1, "b": -1, "♭": -1}
_MARKS = ("pp", "p", "mp", "mf", "f", "ff")


def attributes(
    frame: MeasureFrame,
    divisions: int | None,
    clefs: Sequence[Clef],
    board: Fretboard | None,
) -> etree._Element | None:
    """Return the <attributes> of a measure; None if it says nothing new.

    Parameters
    ----------
    frame : MeasureFrame
    divisions : int or None
        Of a quarter note, for the first measure: it says everything. None for later ones.
    clefs : sequence of Clef
        One for each staff.
    board : Fretboard or None
        What the tablature is for, if there is one.
    """
    first = divisions is not None
    result = etree.Element("attributes")
    if first:
        etree.SubElement(result, "divisions").text = str(divisions)
    if (first or frame.key_stated) and clefs[0].sign != "percussion":
        key = etree.SubElement(result, "key")
        etree.SubElement(key, "fifths").text = str(frame.key.fifths)
        etree.SubElement(key, "mode").text = "minor" if frame.key.is_minor else "major"
    if first or frame.metre_stated:
        time = etree.SubElement(result, "time")
        etree.SubElement(time, "beats").text = str(frame.metre.numerator)
        etree.SubElement(time, "beat-type").text = str(frame.metre.denominator)
    if first:
        if len(clefs) > 1:
            etree.SubElement(result, "staves").text = str(len(clefs))
        for number, clef in enumerate(clefs, 1):
            _add_clef(result, clef, number if len(clefs) > 1 else None)
        if board is not None:
            _add_strings(result, board, clefs.index(TABLATURE) + 1)
        if clefs[0].written_up:
            transpose = etree.SubElement(result, "transpose")
            for tag, value in (("diatonic", 0), ("chromatic", 0), ("octave-change", -1)):
                etree.SubElement(transpose, tag).text = str(value)
    return result if len(result) else None


def _add_clef(result: etree._Element, clef: Clef, number: int | None) -> None:
    element = etree.SubElement(result, "clef")
    if number is not None:
        element.set("number", str(number))
    etree.SubElement(element, "sign").text = clef.sign
    etree.SubElement(element, "line").text = str(clef.line)
    if clef.octaves:
        etree.SubElement(element, "clef-octave-change").text = str(clef.octaves)


def _add_strings(result: etree._Element, board: Fretboard, staff: int) -> None:
    details = etree.SubElement(result, "staff-details", number=str(staff))
    etree.SubElement(details, "staff-lines").text = str(len(board.strings))
    for line, pitch in enumerate(board.strings, 1):
        tuning = etree.SubElement(details, "staff-tuning", line=str(line))
        # open strings are natural notes
        etree.SubElement(tuning, "tuning-step").text = "C D EF G A B"[pitch % 12]
        etree.SubElement(tuning, "tuning-octave").text = str(pitch // 12 - 1)


def barline(line: Barline) -> etree._Element:
    """Return a barline; repeats are in every part, or playback breaks."""
    element = etree.Element("barline", location=line.location)
    if line.style:
        etree.SubElement(element, "bar-style").text = line.style
    if line.repeat:
        repeat = etree.SubElement(element, "repeat", direction=line.repeat)
        if line.times is not None:
            repeat.set("times", str(line.times))
    return element


def harmony(chord: ChordSymbol, offset: str) -> etree._Element:
    """Return a chord symbol as a <harmony>, which `musicxml_chords` reads back the same.

    Parameters
    ----------
    chord : ChordSymbol
    offset : str
        From where it is put to where it stands, as MusicXML counts time.
    """
    element = etree.Element("harmony")
    _add_chord(element, chord)
    if offset != "0":
        etree.SubElement(element, "offset").text = offset
    return element


def _add_chord(element: etree._Element, chord: ChordSymbol) -> None:
    name = _SYMBOL.fullmatch(chord.text)
    if chord.root is None or name is None:
        # something must stand before the kind; a root, even one without text, would be printed
        etree.SubElement(element, "function")
        etree.SubElement(element, "kind", text="N.C.").text = "none"
        return
    _add_name(etree.SubElement(element, "root"), "root", name[1])
    kind, degrees = _kind(chord, name[1], name[2], name[3])
    etree.SubElement(element, "kind", text=name[2]).text = kind
    if name[3]:
        _add_name(etree.SubElement(element, "bass"), "bass", name[3])
    for degree in degrees:
        # the text of the kind says it already
        change = etree.SubElement(element, "degree")
        change.set("print-object", "no")
        etree.SubElement(change, "degree-value").text = str(degree.value)
        etree.SubElement(change, "degree-alter").text = str(degree.alter)
        etree.SubElement(change, "degree-type").text = degree.change


def _add_name(element: etree._Element, tag: str, name: str) -> None:
    etree.SubElement(element, f"{tag}-step").text = name[0]
    if name[1:]:
        etree.SubElement(element, f"{tag}-alter").text = str(_ALTERS[name[1:]])


def _kind(
    chord: ChordSymbol, root: str, suffix: str, bass: str | None
) -> tuple[str, tuple[Degree, ...]]:
    """Return kind and degrees of a chord; "other" where only its text says it."""
    for kind, (stem, _) in KINDS.items():
        changes = list(_CHANGE.finditer(suffix, len(stem)))
        if not suffix.startswith(stem) or stem + "".join(each[0] for each in changes) != suffix:
            continue
        present = frozenset(degree for degree, _ in kind_tones(kind))
        # "(#4)" alters the fourth of one kind, and is added to another that has a #4 already
        for altered in (present, frozenset[int]()):
            degrees = tuple(_degree(change, altered) for change in changes)
            if chord_symbol(root, kind, degrees, bass, chord.tick) == chord:
                return kind, degrees
    return "other", ()


def _degree(change: re.Match[str], altered: frozenset[int]) -> Degree:
    value = int(change[3])
    if change[1] == "no":
        return Degree(value, 0, "subtract")
    alter = change[2].count("#") - change[2].count("b")
    # the scale that degrees are counted in has the minor seventh
    alter += value == 7 and alter < 0
    if value in altered and not change[1]:
        return Degree(value, alter, "alter")
    return Degree(value, alter, "add")


def dynamic(mark: str) -> etree._Element:
    """Return a dynamic mark such as "mf"."""
    direction = etree.Element("direction", placement="below")
    kind = etree.SubElement(direction, "direction-type")
    etree.SubElement(etree.SubElement(kind, "dynamics"), mark)
    return direction


def dynamic_velocities() -> dict[str, int]:
    """Return the marks in use, and how loud our own reader takes each to be."""
    heard = {mark: dynamics_of(dynamic(mark), None) for mark in _MARKS}
    return {mark: velocity for mark, velocity in heard.items() if velocity is not None}


def swing() -> etree._Element:
    """Return the mark that off-beats are played on the third triplet."""
    direction = etree.Element("direction", placement="above")
    kind = etree.SubElement(direction, "direction-type")
    etree.SubElement(kind, "words").text = "Swing"
    ratio = etree.SubElement(etree.SubElement(direction, "sound"), "swing")
    for tag, value in (("first", "2"), ("second", "1"), ("swing-type", "eighth")):
        etree.SubElement(ratio, tag).text = value
    return direction
