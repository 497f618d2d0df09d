"""What must be true of a score that parts were put into, seen without the code that put them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction

from lxml import etree

from subtractive.arrangement import Arrangement, Part
from subtractive.files.musicxml_tree import score_xml

_WINDOW = 24 * 16  # four bars of 4/4
_ENOUGH = 8  # strokes that tell anything


def is_unaltered(before: bytes, after: bytes) -> bool:
    """Return whether a score holds all bytes of the one before it, and what came in between.

    Parameters
    ----------
    before, after : bytes
        XML or .mxl; the text may be longer at two places, by entries and by parts.
    """
    old, new = score_xml(before, "before"), score_xml(after, "after")
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return old[start : len(old) - end] in new[start : len(new) - end]


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts begin with in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def uneven_measures(score: bytes, new: int) -> int:
    """Return how many measures of the last parts are not as long as the other parts' longest.

    Parameters
    ----------
    score : bytes
        Partwise.
    new : int
        How many of the parts, at the end, are looked at.
    """
    root = etree.fromstring(score_xml(score, "score"), etree.XMLParser(huge_tree=True))
    parts = root.findall("{*}part")
    own = [_lengths(part) for part in parts[:-new]]
    uneven = 0
    for part in parts[-new:]:
        for place, voices in enumerate(_lengths(part)):
            others = [
                length
                for lengths in own
                if place < len(lengths)
                for length in lengths[place].values()
            ]
            longest = max(others, default=Fraction(0))
            uneven += any(length != longest for length in voices.values()) if longest else 0
    return uneven


def _lengths(part: etree._Element) -> list[dict[str, Fraction]]:
    """Return for each measure where each voice ends, in quarter notes."""
    divisions = Fraction(1)
    result = []
    for measure in part.iterfind("{*}measure"):
        ends: defaultdict[str, Fraction] = defaultdict(Fraction)
        here = Fraction(0)
        for child in measure:
            tag = etree.QName(child).localname if isinstance(child.tag, str) else ""
            stated = child.findtext("{*}divisions") if tag == "attributes" else None
            divisions = Fraction(stated.strip()) if stated else divisions
            if tag in {"note", "forward", "backup"} and child.find("{*}chord") is None:
                move = Fraction((child.findtext("{*}duration") or "0").strip()) / divisions
                here += -move if tag == "backup" else move
                if tag != "backup":
                    voice = child.findtext("{*}voice") or "1"
                    ends[voice] = max(ends[voice], here)
        result.append(dict(ends))
    return result


def in_the_same_order(ours: Counter[tuple[int, int]], theirs: Counter[tuple[int, int]]) -> bool:
    """Return whether two programs play the measures of a score in the same order.

    Ornaments make small differences everywhere; where another measure is played, nearly all of
    what is struck is different for a while.

    Parameters
    ----------
    ours, theirs : Counter
        What the score's own parts strike, as `struck` returns it.
    """
    all_, met = Counter[int](), Counter[int]()
    for place, pitch in ours.keys() | theirs.keys():
        window = place // _WINDOW
        all_[window] += 1
        met[window] += (place, pitch) in ours and (place, pitch) in theirs
    return all(2 * met[window] >= count for window, count in all_.items() if count >= _ENOUGH)


def struck(music: Arrangement, part: Part) -> Counter[tuple[int, int]]:
    """Return what a part strikes where, in 24ths of a quarter note."""
    return Counter(_places(music, part))


def _places(music: Arrangement, part: Part) -> Iterator[tuple[int, int]]:
    for note in part.notes:
        yield round(Fraction(24 * note.onset, music.ticks_per_beat)), note.pitch
