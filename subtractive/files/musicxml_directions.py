"""What single elements of a MusicXML measure say: tempo, loudness, key, metre, repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from lxml import etree

from subtractive.arrangement import KeySignature, Metre, Tempo
from subtractive.files.musicxml_repeats import RepeatMarks
from subtractive.files.musicxml_tree import number, number_in

MF = 80  # velocity where nothing is said
# Velocities of dynamic marks, as MuseScore plays them. Accents such as sfz hold for one note only
# and are left out.
_VELOCITIES = {
    "pppppp": 1,
    "ppppp": 5,
    "pppp": 10,
    "ppp": 16,
    "pp": 33,
    "p": 49,
    "mp": 64,
    "mf": MF,
    "f": 96,
    "ff": 112,
    "fff": 126,
    "ffff": 127,
    "fffff": 127,
    "ffffff": 127,
}
_FORTE = 90  # the velocity that 100 % means in MusicXML
_BEAT_UNITS = {
    "long": Fraction(16),
    "breve": Fraction(8),
    "whole": Fraction(4),
    "half": Fraction(2),
    "quarter": Fraction(1),
    "eighth": Fraction(1, 2),
    "16th": Fraction(1, 4),
    "32nd": Fraction(1, 8),
}
_SLOWEST = 0xFFFFFF  # microseconds a beat that MIDI can write
_MOST_PASSES = 100

_DA_CAPO = re.compile(r"(d\.\s?c\b|dc\b|da\s+capo\b)", re.IGNORECASE)
_DAL_SEGNO = re.compile(r"(d\.\s?s\b|ds\b|dal\s+segno\b)", re.IGNORECASE)
_TO_CODA = re.compile(r"(to|alla)\s+coda\b", re.IGNORECASE)
_FINE = re.compile(r"fine\.?", re.IGNORECASE)


def tempo_of(direction: etree._Element, sound: etree._Element | None) -> Tempo | None:
    """Return the tempo that is played, else the one that is printed, else None."""
    told = None if sound is None else number(sound.get("tempo"), "tempo")
    if told is not None and told > 0:
        return _tempo(told)
    metronome = direction.find("direction-type/metronome")
    if metronome is None:
        return None
    unit = _BEAT_UNITS.get(metronome.findtext("beat-unit", "").strip())
    # free text such as "c. 120" stands here too; "quarter = half" names no number at all
    digits = re.search(r"\d+([.,]\d+)?", metronome.findtext("per-minute") or "")
    if unit is None or digits is None:
        return None
    dots = len(metronome.findall("beat-unit-dot"))
    per_minute = Fraction(digits[0].replace(",", ".")) * unit * (2 - Fraction(1, 2**dots))
    return _tempo(per_minute) if per_minute > 0 else None


def _tempo(beats_per_minute: Fraction) -> Tempo:
    return Tempo(0, min(_SLOWEST, max(1, round(60_000_000 / beats_per_minute))))


def velocity_of(percent: Fraction) -> int:
    """Return the velocity that a percentage of MusicXML's forte means."""
    return min(127, max(1, round(percent * _FORTE / 100)))


def dynamics_of(direction: etree._Element, sound: etree._Element | None) -> int | None:
    """Return the velocity from here on that is played, else the one that is printed, else None."""
    share = None if sound is None else number(sound.get("dynamics"), "dynamics")
    # some programs write -1.11 where they mean nothing
    if share is not None and share >= 0:
        return velocity_of(share)
    marks = [mark.tag for mark in direction.iterfind("direction-type/dynamics/*")]
    return next((_VELOCITIES[mark] for mark in marks if mark in _VELOCITIES), None)


def key_of(key: etree._Element) -> KeySignature | None:
    """Return the key as written; None for one that is no circle-of-fifths key."""
    fifths = number_in(key, "fifths")
    if fifths is None:
        return None
    sharps = round(fifths)
    if abs(sharps) > 7:
        sharps = (sharps + 5) % 12 - 5
    return KeySignature(0, sharps, key.findtext("mode", "").strip() in {"minor", "aeolian"})


def metre_of(time: etree._Element) -> Metre | None:
    """Return the metre, several added up; None where there is none that could be counted."""
    try:
        beats = [
            sum(map(int, each.text.split("+"))) for each in time.iterfind("beats") if each.text
        ]
        units = [int(each.text) for each in time.iterfind("beat-type") if each.text]
    except ValueError:
        return None
    # thirds and sixths of a whole note exist in print, but the barlines alone must tell them
    if not beats or len(beats) != len(units) or any(unit.bit_count() != 1 for unit in units):
        return None
    finest = max(units)
    numerator = sum(count * (finest // unit) for count, unit in zip(beats, units, strict=True))
    return Metre(0, numerator, finest) if 1 <= numerator <= 255 else None


def direction_marks(direction: etree._Element, sound: etree._Element | None) -> RepeatMarks:
    """Return what a direction says about the order of playing; its words, if its sound does not."""
    texts = (words.text or "" for words in direction.iterfind("direction-type/words"))
    printed = " ".join(" ".join(texts).split())
    lowered = printed.lower()
    until = (
        ""
        if ("coda" in lowered) == ("fine" in lowered)
        else ("coda" if "coda" in lowered else "fine")
    )
    told = sound if sound is not None else etree.Element("sound")
    marks = RepeatMarks(
        forward=told.get("forward-repeat") == "yes",
        segno=told.get("segno", ""),
        coda=told.get("coda", ""),
        to_coda=told.get("tocoda", ""),
        dal_segno=told.get("dalsegno", ""),
        da_capo=told.get("dacapo") == "yes",
        fine=bool(told.get("fine")),
    )
    if marks == RepeatMarks():
        to_coda = bool(_TO_CODA.match(printed))
        marks = RepeatMarks(
            segno=_sign(direction, "segno"),
            coda="" if to_coda else _sign(direction, "coda"),
            to_coda="coda" if to_coda else "",
            dal_segno="segno" if _DAL_SEGNO.match(printed) else "",
            da_capo=bool(_DA_CAPO.match(printed)),
            fine=bool(_FINE.fullmatch(printed)),
        )
    return marks._replace(until=until) if marks.da_capo or marks.dal_segno else marks


def _sign(direction: etree._Element, tag: str) -> str:
    return tag if direction.find(f"direction-type/{tag}") is not None else ""


def barline_marks(barline: etree._Element) -> Iterator[tuple[int, RepeatMarks]]:
    """Yield what a barline says, each with the measure: 0 this one, 1 the next, -1 the one before.

    A mark is about the measures on that side of the barline to which it points.
    """
    left = barline.get("location", "right") == "left"
    after, before = (0, -1) if left else (1, 0)
    for repeat in barline.iterfind("repeat"):
        if repeat.get("direction") == "forward":
            yield after, RepeatMarks(forward=True)
        else:
            times = number(repeat.get("times"), "times")
            again = repeat.get("after-jump") == "yes"
            yield before, RepeatMarks(times=max(1, int(times or 2)), after_jump=again)
    for ending in barline.iterfind("ending"):
        if ending.get("type") == "start":
            yield after, RepeatMarks(ending=_passes(ending.get("number", "")))
        else:
            yield before, RepeatMarks(ending_stops=True)
    for sign in ("segno", "coda"):
        label = barline.get(sign) or (sign if barline.find(sign) is not None else "")
        yield after, RepeatMarks(segno=label) if sign == "segno" else RepeatMarks(coda=label)


def _passes(text: str) -> frozenset[int]:
    """Return the passes that an ending's number names, such as "1, 2" or "1-3"."""
    passes: set[int] = set()
    for first, last in re.findall(r"(\d{1,3})(?:\.?\s*-\s*(\d{1,3}))?", text):
        passes.update(range(int(first), min(int(last or first), _MOST_PASSES) + 1))
    return frozenset(passes - {0})
