"""MusicXML out: new parts are spliced into the user's own score, anything else is a new score."""

from __future__ import annotations

import io
import zipfile
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle

from subtractive.arrangement import Arrangement, ChordSymbol, Part
from subtractive.files.musicxml import WrittenScore, read_musicxml, written_score
from subtractive.files.musicxml_frame import measure_frames
from subtractive.files.musicxml_part import part_xml
from subtractive.files.musicxml_part_entry import PITCHED_CHANNELS
from subtractive.files.musicxml_score import tempo_mark, whole_score
from subtractive.files.musicxml_splice import PartXml, Spliced, fresh_part_ids, respliced
from subtractive.files.musicxml_tree import score_root, score_xml
from subtractive.harmony import estimate_chords
from subtractive.instruments import role
from subtractive.notation.folding import folded
from subtractive.notation.paper import MeasureFrame

Symbols = tuple[tuple[Fraction, ChordSymbol], ...]

_CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container><rootfiles>
<rootfile full-path="score.musicxml" media-type="application/vnd.recordare.musicxml+xml"/>
</rootfiles></container>
"""


def write_musicxml(
    arrangement: Arrangement, *, zipped: bool = False, tablature: bool = False
) -> Spliced:
    """Return an arrangement as MusicXML, and what its owner should know of it.

    If it was read from MusicXML, that score is the result, byte for byte, but for the parts that
    the arrangement no longer has, which leave it, and those that are new, which come last: once
    for each written measure, however often that is played. Anything else becomes a new score.

    Parameters
    ----------
    arrangement : Arrangement
    zipped : bool
        Whether to write an .mxl archive; one that was read keeps its other files.
    tablature : bool
        Whether new basses and guitars have a second staff with strings and frets.

    Raises
    ------
    FileFormatError
        If nothing can be written into the score, or the arrangement has no notes.
    InstrumentError
        If no part would be left.
    """
    source = arrangement.source
    if source is None or source.kind != "musicxml":
        xml = Spliced(whole_score(arrangement, tablature=tablature), ())
        return xml._replace(content=_archive(xml.content)) if zipped else xml
    title = source.name
    here = source.content
    is_archive = here.startswith(b"PK")
    if is_archive and not zipped:
        here = score_xml(here, title)
    gone, new = _changes(arrangement, read_musicxml(here, title).parts)
    xml = Spliced(here, ())
    if gone or new:
        xml = respliced(here, gone, _new_parts(arrangement, here, new, tablature), title)
    return xml._replace(content=_archive(xml.content)) if zipped and not is_archive else xml


def _changes(arrangement: Arrangement, before: Sequence[Part]) -> tuple[list[int], list[Part]]:
    """Return the places of the parts that are gone, and the parts that are new."""
    gone: list[int] = []
    waiting = list(arrangement.parts)
    for place, part in enumerate(before):
        if part in waiting:
            waiting.remove(part)
        else:
            gone.append(place)
    return gone, waiting


def _new_parts(
    arrangement: Arrangement, content: bytes, new: Sequence[Part], tablature: bool
) -> list[PartXml]:
    """Return new parts laid out on the measures of a score."""
    if not new:
        return []
    title = arrangement.source.name if arrangement.source else ""
    score, frames = written_score(content, title), measure_frames(content, title)
    swing = False if _writes_triplets(score) else None
    result = []
    channels = cycle(_free_channels(content, title))
    for part, identity in zip(new, fresh_part_ids(content, len(new), title), strict=True):
        ticks = arrangement.ticks_per_beat
        result.append(
            part_xml(
                part,
                folded(part, score, ticks),
                frames,
                identity,
                chords=_chords(arrangement, score) if role(part) == "guitar" else (),
                swing=swing,
                tablature=tablature,
                channel=None if part.is_drums else next(channels),
            )
        )
    if arrangement.tempos and not _says_tempo(score):
        _add_tempo(result[0], arrangement.tempos[0].microseconds, frames[0])
    return result


def _free_channels(content: bytes, title: str) -> list[int]:
    """Return the channels that no part of a score plays on; all of them if none is free."""
    said = score_root(score_xml(content, title), title).iterfind(
        "part-list/score-part/midi-instrument/midi-channel"
    )
    taken = {int(each.text or 0) - 1 for each in said if (each.text or "").strip().isdecimal()}
    return [channel for channel in PITCHED_CHANNELS if channel not in taken] or [*PITCHED_CHANNELS]


def _writes_triplets(score: WrittenScore) -> bool:
    """Return whether the score spells swing, or anything else, out in thirds of a beat."""
    return any(
        note.onset.denominator % 3 == 0
        for part in score.parts
        for measure in part.measures
        for note in measure.notes
    )


def _says_tempo(score: WrittenScore) -> bool:
    return any(measure.tempos for part in score.parts for measure in part.measures)


def _add_tempo(part: PartXml, microseconds: int, frame: MeasureFrame) -> None:
    """Let a part say the tempo that the score does not."""
    measure = part.part[0]
    first = next(place for place, child in enumerate(measure) if child.tag == "note")
    measure.insert(first, tempo_mark(microseconds, frame, shown=True))


def _chords(arrangement: Arrangement, score: WrittenScore) -> tuple[Symbols, ...]:
    """Return chord symbols for each written measure; nothing where the score has its own.

    They are those that were given by hand, or else estimated; a measure that is played often
    has those of its first pass.
    """
    if any(measure.chords for part in score.parts for measure in part.measures):
        return ()
    chords = estimate_chords(arrangement)
    ticks, quarter = [chord.tick for chord in chords], arrangement.ticks_per_beat
    measures: list[Symbols] = [()] * len(score.lengths)
    passed: set[int] = set()
    for start, place in zip(score.onsets, score.order, strict=False):
        if place in passed:
            continue
        passed.add(place)
        tick, end = round(start * quarter), round((start + score.lengths[place]) * quarter)
        measures[place] = tuple(
            (Fraction(chord.tick - tick, quarter), chord)
            for chord in chords[bisect_left(ticks, tick) : bisect_left(ticks, end)]
        )
    return tuple(measures)


def _archive(score: bytes) -> bytes:
    """Return a score as an .mxl archive; the same score gives the same bytes."""
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("META-INF/container.xml", _CONTAINER), ("score.musicxml", score)):
            entry = zipfile.ZipInfo(name)  # dated 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return store.getvalue()
