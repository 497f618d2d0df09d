"""ABC, Humdrum and MEI through music21, as the MusicXML that it writes, mended.

music21 is an optional library, and is only asked to read a text and to export MusicXML. What it
gets wrong there is put right, and the random identities and today's date are taken out of it, so
that the same file gives the same bytes.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

from lxml import etree

from subtractive.errors import FileFormatError
from subtractive.files.foreign_mei import PlainMei, plain_mei

# what music21 says on stderr when it leaves out a note that it cannot read
_LEFT_OUT = "Error in parsing event"
_ODDITIES_SHOWN = 80  # characters


def music21_musicxml(text: str, language: str, name: str) -> bytes:
    """Return a score as MusicXML.

    Parameters
    ----------
    text : str
    language : {"ABC", "Humdrum", "MEI"}
    name : str
        How messages call the file.

    Raises
    ------
    FileFormatError
        If music21 is not installed, or the text is damaged or holds no score or several.
    """
    try:
        from music21 import converter  # noqa: PLC0415  # optional, and slow
        from music21.musicxml.m21ToXml import GeneralObjectExporter  # noqa: PLC0415
    except ImportError as error:
        raise FileFormatError(
            f"{name} is {language}, which is read by the library music21: "
            "pip install 'subtractive-music[notation]', or export it as MusicXML"
        ) from error
    said = io.StringIO()
    mei = plain_mei(text, name) if language == "MEI" else None
    try:
        with contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parseData(mei.text if mei else text, format=language.lower())
            scores = list(score.scores) if "Opus" in score.classes else [score]
            exported = b""
            if len(scores) == 1:
                _gather_voices(scores[0])
                if mei:
                    _complete(scores[0], mei)
                exported = GeneralObjectExporter(scores[0]).parse()
    # it raises whatever it stumbles upon, an AttributeError as well as errors of its own
    except Exception as error:
        raise FileFormatError(_damaged(name, language, str(error))) from error
    if _LEFT_OUT in said.getvalue():
        raise FileFormatError(_damaged(name, language, said.getvalue().partition(":")[2]))
    if len(scores) != 1:
        raise FileFormatError(f"{name} holds {len(scores)} scores: give a file with one of them")
    return _mended(exported)


def _damaged(name: str, language: str, why: str) -> str:
    why = " ".join(why.split())
    shown = why if len(why) <= _ODDITIES_SHOWN else f"{why[:_ODDITIES_SHOWN]}..."
    return f"{name} is damaged or no {language} that can be read ({shown}): export it as MusicXML"


def _gather_voices(score: Any) -> None:
    """Let voices begin with their measure, and short measures be short.

    The export ignores where a voice begins, and fills up what is shorter than its metre says.
    """
    for measure in score.recurse().getElementsByClass("Measure"):
        for voice in list(measure.voices):
            offset = voice.getOffsetBySite(measure)
            if offset:
                voice.shiftElements(offset)
                measure.setElementOffset(voice, 0.0)
        lacking = measure.barDuration.quarterLength - measure.duration.quarterLength
        if 0 < lacking < measure.barDuration.quarterLength:
            measure.paddingRight = lacking - measure.paddingLeft


def _complete(score: Any, mei: PlainMei) -> None:
    """Put into a score what was taken out of its MEI."""
    from music21.spanner import RepeatBracket  # noqa: PLC0415  # optional, and slow
    from music21.tempo import MetronomeMark  # noqa: PLC0415

    parts = list(score.parts)
    for part, name in zip(parts, mei.names, strict=False):
        part.partName = name
    measures = list(parts[0].getElementsByClass("Measure")) if parts else []
    for ending in mei.endings:
        inside = measures[ending.first : ending.last + 1]
        parts[0].insert(0, RepeatBracket(inside, number=ending.number))
    if mei.tempo is not None and measures:
        measures[0].insert(0, MetronomeMark(number=mei.tempo))


def _mended(exported: bytes) -> bytes:
    """Return the export with identities counted from 1, undated, and with its percussion."""
    root = etree.fromstring(exported, etree.XMLParser(remove_blank_text=False))
    for dated in root.iterfind("identification/encoding"):
        for date in dated.findall("encoding-date"):
            dated.remove(date)
    identities: dict[str, str] = {}
    for count, entry in enumerate(root.iterfind("part-list/score-part"), start=1):
        identities[entry.get("id", "")] = f"P{count}"
        for number, instrument in enumerate(entry.iterfind("score-instrument"), start=1):
            identities[instrument.get("id", "")] = f"P{count}-I{number}"
    for tag in ("score-part", "part", "score-instrument", "midi-instrument", "instrument"):
        for element in root.iter(tag):
            element.set("id", identities.get(element.get("id", ""), element.get("id", "")))
    for part in root.iterfind("part"):
        if part.findtext("measure/attributes/clef/sign") == "percussion":
            _unpitch(part)
    return etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)


def _unpitch(part: etree._Element) -> None:
    """Say of the notes on a percussion staff where they stand instead of how high they sound."""
    for pitch in part.findall("measure/note/pitch"):
        pitch.tag = "unpitched"
        for element in list(pitch):
            if element.tag == "alter":
                pitch.remove(element)
            else:
                element.tag = f"display-{element.tag}"
    # Humdrum's R, unpitched, is read as the ornament that it is elsewhere
    for notations in part.findall("measure/note/notations"):
        for ornaments in notations.findall("ornaments"):
            notations.remove(ornaments)
