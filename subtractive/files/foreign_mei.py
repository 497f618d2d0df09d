"""What MEI says in more ways than music21 understands, said in the plain one.

music21 leaves out in silence what it does not know: whole endings, readings of an edition, rests of
several measures. Here these become what it knows; what cannot is an error.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from lxml import etree

from subtractive.errors import FileFormatError

NAMESPACE = "http://www.music-encoding.org/ns/mei"

# elements that only say how sure an editor is of what stands in them, or how it is played
_WRAPPERS = frozenset(("supplied", "unclear", "add", "damage", "restore", "corr", "bTrem"))
_PREFERRED = frozenset(("lem", "corr", "reg", "expan", "add"))
_UNREAD = frozenset(("mRpt", "mRpt2", "multiRpt", "beatRpt", "halfmRpt", "fTrem", "tabGrp"))
_SAID_IN = {
    "clef": {attribute: f"clef.{attribute}" for attribute in ("shape", "line", "dis", "dis.place")},
    "keySig": {"sig": "key.sig", "mode": "key.mode"},
    "meterSig": {attribute: f"meter.{attribute}" for attribute in ("count", "unit", "sym")},
    "label": {},
}
_MOST_RESTS = 999  # measures
_SYMBOLS = {"common": ("4", "4"), "cut": ("2", "2")}


class Ending(NamedTuple):
    """An ending of a repeat: its number, and the places of its first and last measure."""

    number: str
    first: int
    last: int


class PlainMei(NamedTuple):
    """A score in the part of MEI that music21 reads, and what had to be taken out of it.

    Attributes
    ----------
    text : str
    endings : tuple of Ending
    names : tuple of str
        Of the staves, in their order; empty where a staff has none.
    tempo : float or None
        Quarter notes a minute, as the score says first.
    """

    text: str
    endings: tuple[Ending, ...]
    names: tuple[str, ...]
    tempo: float | None


def plain_mei(text: str, name: str) -> PlainMei:
    """Return a score without what music21 would leave out.

    Raises
    ------
    FileFormatError
        If it is no XML, holds several scores, or abbreviates what is to be played in a way that is
        not read.
    """
    try:
        root = etree.fromstring(
            text.encode("utf-8"),
            etree.XMLParser(
                resolve_entities=False, no_network=True, remove_comments=True, encoding="utf-8"
            ),
        )
    except etree.XMLSyntaxError as error:
        raise FileFormatError(
            f"{name} is damaged or cut short ({error.msg}): export the score again"
        ) from error
    scores = len(list(root.iter(_named("score"))))
    if scores > 1:
        raise FileFormatError(f"{name} holds {scores} scores: give a file with one of them")
    _keep_one_reading(root)
    for element in list(root.iter(etree.Element)):
        tag = etree.QName(element).localname
        if tag in _UNREAD:
            raise FileFormatError(
                f"{name} holds <{tag}>, which is not read: write its notes out, or export the "
                "score as MusicXML"
            )
        if tag in _WRAPPERS:
            _replace(element, list(element))
        elif tag in {"scoreDef", "staffDef"}:
            _say_in_attributes(element)
        elif tag == "note":
            _name_place(element)
        elif tag == "measure":
            _write_out_rests(element)
    endings = tuple(_endings(root))
    for element in list(root.iter(_named("ending"))):
        _replace(element, list(element))
    names = {staff.get("n"): staff.get("label", "") for staff in root.iter(_named("staffDef"))}
    return PlainMei(
        etree.tostring(root, encoding="unicode"), endings, (*names.values(),), _tempo(root)
    )


def _named(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"


def _replace(element: etree._Element, with_: list[etree._Element]) -> None:
    parent = element.getparent()
    if parent is None:
        return
    place = parent.index(element)
    parent.remove(element)
    for count, each in enumerate(with_):
        parent.insert(place + count, each)


def _keep_one_reading(root: etree._Element) -> None:
    """Keep of each choice the lemma or the correction, or else the first reading."""
    for element in [*root.iter(_named("app"), _named("choice"), _named("subst"))]:
        readings = list(element)
        preferred = [each for each in readings if etree.QName(each).localname in _PREFERRED]
        chosen = (preferred or readings)[:1]
        _replace(element, [inside for reading in chosen for inside in reading])


def _say_in_attributes(definition: etree._Element) -> None:
    """Say in attributes what newer versions of MEI say in elements of their own."""
    for tag, attributes in _SAID_IN.items():
        child = definition.find(_named(tag))
        if child is None:
            continue
        for attribute, plain in attributes.items():
            if child.get(attribute) is not None:
                definition.set(plain, child.get(attribute, ""))
        if tag == "label":
            text = etree.tostring(child, encoding="unicode", method="text", with_tail=False)
            definition.set("label", " ".join(text.split()))
    if definition.get("keysig") is not None:
        definition.set("key.sig", definition.get("keysig", ""))
    if definition.get("meter.count") is None and definition.get("meter.sym") in _SYMBOLS:
        count, unit = _SYMBOLS[definition.get("meter.sym", "")]
        definition.set("meter.count", count)
        definition.set("meter.unit", unit)


def _name_place(note: etree._Element) -> None:
    """Name a note of a percussion staff, said by its place from the lowest line, as a pitch."""
    place = note.get("loc", "")
    if note.get("pname") is None and place.lstrip("-").isdecimal():
        octave, step = divmod(int(place) + 2, 7)
        note.set("pname", "cdefgab"[step])
        note.set("oct", str(octave + 4))


def _write_out_rests(measure: etree._Element) -> None:
    """Make as many measures of a rest that stands for several."""
    counts = [0]
    for rest in measure.iter(_named("multiRest")):
        rest.tag = _named("mRest")
        said = rest.get("num", "1")
        counts.append(min(int(said), _MOST_RESTS) if said.isdecimal() else 1)
    right = measure.get("right")
    last = measure
    for _ in range(max(counts) - 1):
        last.attrib.pop("right", "")
        last.addnext(another := deepcopy(measure))
        another.attrib.pop("left", "")
        another.attrib.pop("n", "")  # staves and layers keep theirs
        last = another
    if right is not None:
        last.set("right", right)


def _endings(root: etree._Element) -> list[Ending]:
    measures = {measure: place for place, measure in enumerate(root.iter(_named("measure")))}
    endings = []
    for count, element in enumerate(root.iter(_named("ending")), start=1):
        inside = [measures[measure] for measure in element.iter(_named("measure"))]
        if inside:
            digits = "".join(
                each for each in element.get("n", "") if each.isdecimal() or each == ","
            )
            endings.append(Ending(digits or str(count), inside[0], inside[-1]))
    return endings


def _tempo(root: etree._Element) -> float | None:
    for element in root.iter(_named("scoreDef"), _named("staffDef"), _named("tempo")):
        said = element.get("midi.bpm") or element.get("mm") or ""
        if not said.replace(".", "", 1).isdecimal() or float(said) <= 0:
            continue
        if element.get("midi.bpm"):
            return float(said)
        unit, dots = element.get("mm.unit", "4"), element.get("mm.dots", "0")
        if unit.isdecimal() and dots.isdecimal() and int(unit):
            return float(said) * 4 / int(unit) * (2 - 0.5 ** int(dots))
    return None
