"""A whole MusicXML score from any arrangement, such as one read from MIDI."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import PurePath

from lxml import etree

from subtractive.arrangement import Arrangement, ChordSymbol
from subtractive.errors import FileFormatError
from subtractive.files.musicxml_part import part_xml
from subtractive.notation.paper import MeasureFrame, WrittenNote
from subtractive.notation.quantise import Written, is_compound, written
from subtractive.notation.swing import swings

_NOTICED = 0.03  # share by which a tempo must change to be printed
_HALF_BEAT = Fraction(1, 2)


def whole_score(arrangement: Arrangement, *, tablature: bool = False) -> bytes:
    """Return the arrangement as a MusicXML 4.0 score, as a musician would write it.

    Parts without notes are left out. The first part carries tempo marks and chord symbols; a
    tempo that lasts less than a bar, as in a ritardando, is played but not printed.

    Parameters
    ----------
    arrangement : Arrangement
    tablature : bool
        Whether basses and guitars have a second staff with strings and frets.

    Raises
    ------
    FileFormatError
        If it has no notes.
    """
    heard = arrangement.with_parts(tuple(part for part in arrangement.parts if part.notes))
    if not heard.parts:
        raise FileFormatError("the music holds no notes; a score needs a part with at least one")
    music = written(heard)
    swing = swings(_together(music))
    score = etree.Element("score-partwise", version="4.0")
    title = PurePath(arrangement.source.name).stem if arrangement.source else ""
    if title:
        etree.SubElement(etree.SubElement(score, "work"), "work-title").text = title
    listed = etree.SubElement(score, "part-list")
    for place, (part, measures) in enumerate(zip(heard.parts, music.parts, strict=True)):
        made = part_xml(
            part,
            measures,
            music.frames,
            f"P{place + 1}",
            chords=_chords(heard.chords, music, heard.ticks_per_beat) if place == 0 else (),
            swing=swing,
            tablature=tablature,
        )
        if place == 0:
            _add_tempos(made.part, heard, music)
        listed.append(made.entry)
        score.append(made.part)
    etree.indent(score)
    return etree.tostring(
        score,
        xml_declaration=True,
        encoding="UTF-8",
        doctype='<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">',
    )


def _together(music: Written) -> list[list[WrittenNote]]:
    """Return the measures of all parts as if one player had them."""
    return [
        sorted(note for part in music.parts for note in part[place])
        for place in range(len(music.frames))
    ]


def _place(
    tick: int, music: Written, ticks_per_beat: int, step: Fraction
) -> tuple[int, Fraction] | None:
    """Return the measure of a tick and how many quarters into it, rounded to steps.

    None where that is beyond the last measure.
    """
    measure = max(0, bisect_right(music.ticks, tick) - 1)
    offset = step * round(Fraction(max(0, tick - music.ticks[measure]), ticks_per_beat) / step)
    if offset < music.frames[measure].length:
        return measure, offset
    return (measure + 1, Fraction(0)) if measure + 1 < len(music.frames) else None


def _chords(
    chords: Sequence[ChordSymbol], music: Written, ticks_per_beat: int
) -> list[list[tuple[Fraction, ChordSymbol]]]:
    """Return the chord symbols of each measure; of several at one place the last."""
    measures: list[dict[Fraction, ChordSymbol]] = [{} for _ in music.frames]
    for chord in chords:
        found = _place(chord.tick, music, ticks_per_beat, _HALF_BEAT)
        if found is not None:
            measures[found[0]][found[1]] = chord
    return [sorted(symbols.items(), key=lambda symbol: symbol[0]) for symbols in measures]


def _add_tempos(part: etree._Element, heard: Arrangement, music: Written) -> None:
    """Put the tempos, on beats, into the measures of a part."""
    marks: dict[tuple[int, Fraction], int] = {(0, Fraction(0)): heard.tempo_at(0)}
    for tempo in heard.tempos:
        found = _place(tempo.tick, music, heard.ticks_per_beat, Fraction(1))
        if found is not None:
            marks[found] = tempo.microseconds
    measures = part.findall("measure")
    divisions = int(part.findtext("measure/attributes/divisions", "1"))
    for (place, offset), microseconds, shown in _shown(marks, music.frames):
        frame = music.frames[place]
        mark = tempo_mark(microseconds, frame, shown=shown)
        _put(mark, measures[place], int(offset * divisions), int(frame.length * divisions))


def _put(mark: etree._Element, measure: etree._Element, time: int, length: int) -> None:
    """Put a direction into a measure; times are in divisions.

    An <offset> would say the same, but MuseScore does not play it.
    """
    here = 0
    for place, child in enumerate(measure):
        if child.tag == "backup":
            break
        if child.tag in ("note", "forward") and child.find("chord") is None:
            if here == time:
                measure.insert(place, mark)
                return
            here += int(child.findtext("duration", "0"))
    moves = [etree.Element("backup"), etree.Element("forward")]
    for move in moves:
        etree.SubElement(move, "duration").text = str(length - time)
    last = [child for child in measure if child.tag in ("note", "forward")][-1]
    place = measure.index(last) + 1
    measure[place:place] = [moves[0], mark, moves[1]]


def _shown(
    marks: dict[tuple[int, Fraction], int], frames: Sequence[MeasureFrame]
) -> list[tuple[tuple[int, Fraction], int, bool]]:
    """Return the tempos that change something, in order, and whether each is printed.

    Printed are the first one, and those that last for a bar and differ from the one printed last.
    """
    lines = [Fraction(0), *accumulate(frame.length for frame in frames)]
    changes = sorted(marks.items())
    changes = changes[:1] + [new for old, new in pairwise(changes) if new[1] != old[1]]
    result = []
    printed = 0
    for count, ((place, offset), tempo) in enumerate(changes):
        until = lines[-1]
        if count + 1 < len(changes):
            (after, later), _ = changes[count + 1]
            until = lines[after] + later
        lasts = until - lines[place] - offset >= frames[place].length
        shown = not printed or (lasts and abs(tempo - printed) > _NOTICED * printed)
        printed = tempo if shown else printed
        result.append(((place, offset), tempo, shown))
    return result


def tempo_mark(microseconds: int, frame: MeasureFrame, *, shown: bool) -> etree._Element:
    """Return a tempo as a direction; in compound metres it counts dotted quarters."""
    quarters = 60e6 / microseconds
    mark = etree.Element("direction", placement="above")
    kind = etree.SubElement(mark, "direction-type")
    if shown:
        compound = is_compound(frame.metre)
        metronome = etree.SubElement(kind, "metronome")
        etree.SubElement(metronome, "beat-unit").text = "quarter"
        if compound:
            etree.SubElement(metronome, "beat-unit-dot")
        rate = quarters / 1.5 if compound else quarters
        etree.SubElement(metronome, "per-minute").text = str(round(rate))
    else:
        # without any words MuseScore would print the number
        etree.SubElement(kind, "words").text = " "
    etree.SubElement(mark, "sound", tempo=f"{quarters:.3f}".rstrip("0").rstrip("."))
    return mark
