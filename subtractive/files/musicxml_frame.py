"""What a new part must share with a MusicXML score: its measures, metres, keys and barlines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal, TypeVar

from lxml import etree

from subtractive.arrangement import KeySignature, Metre
from subtractive.files.musicxml import events_in, written_score
from subtractive.files.musicxml_measures import At, WrittenPart
from subtractive.files.musicxml_tree import PartTree, number, number_in, part_trees
from subtractive.notation.paper import Barline, MeasureFrame

SignT = TypeVar("SignT", Metre, KeySignature)
_PLAIN = frozenset({"", "regular"})


def measure_frames(content: bytes, name: str = "") -> tuple[MeasureFrame, ...]:
    """Return one frame for each written measure of a score.

    Number and what is implicit are those of the first part that has the measure, the metre is the
    first part's that says one. The key is read from parts that sound as they are written, as far
    as there are any, and never from drums where anything else plays. A metre or key that changes
    within a measure counts as stated at the beginning of the next one. Barlines are those of all
    parts together, without their endings: notation programs take those from the parts that are
    there, but would lose repeats that a part lacks.

    Parameters
    ----------
    content : bytes
        Partwise or timewise XML in any encoding, or a zipped .mxl.
    name : str
        How messages call the file.

    Raises
    ------
    FileFormatError
        If it is no MusicXML score, is damaged, or has neither notes nor chord symbols.
    """
    score = written_score(content, name)
    trees = part_trees(content, name or "the file")
    keyed = _keyed(score.parts, trees)
    metres = [[measure.metres for measure in part.measures] for part in score.parts]
    keys = [[measure.keys for measure in part.measures] for part in keyed]
    count = len(score.lengths)
    frames = []
    for place, length, (metre, metre_stated), (key, key_stated) in zip(
        range(count),
        score.lengths,
        _in_force(metres, Metre(0, 4, 4), count),
        _in_force(keys, KeySignature(0, 0), count),
        strict=True,
    ):
        column = [tree.measures[place] for tree in trees if place < len(tree.measures)]
        numbered = next((measure for measure in column if measure.get("number")), column[0])
        frames.append(
            MeasureFrame(
                numbered.get("number", ""),
                numbered.get("implicit") == "yes",
                length,
                metre,
                metre_stated,
                key,
                key_stated,
                _barlines(column),
            )
        )
    return tuple(frames)


def _keyed(parts: Sequence[WrittenPart], trees: Sequence[PartTree]) -> Sequence[WrittenPart]:
    """Return the parts whose key counts: a kit has none, a moved one may be spelled otherwise."""
    pitched = [each for each in zip(parts, trees, strict=True) if not each[0].player.is_drums]
    return (
        [part for part, tree in pitched if not _transposes(tree)]
        or [part for part, _ in pitched]
        or parts
    )


def _transposes(tree: PartTree) -> bool:
    moves = (
        transpose
        for measure in tree.measures
        for transpose in measure.iterfind("attributes/transpose")
    )
    return any((number_in(each, "chromatic") or 0) % 12 for each in moves)


def _in_force(
    written: Sequence[Sequence[At[SignT]]], nothing: SignT, count: int
) -> Iterator[tuple[SignT, bool]]:
    """Yield what is in force at the beginning of each measure, and whether it is stated there.

    Parameters
    ----------
    written : sequence of sequences
        For each part, what each measure holds.
    nothing : metre or key
        What is in force before the first one.
    count : int
        Of measures.
    """
    now, changed = nothing, False
    for place in range(count):
        events = events_in(written, place)
        first = events.get(Fraction(0), now)
        yield first, changed or 0 in events
        now = events[max(events)] if events else now
        # a new part cannot say it within the measure, so it says it at the next one
        changed = now != first


def _barlines(column: Sequence[etree._Element]) -> tuple[Barline, ...]:
    """Return the barlines around a measure of several parts; what the first says of one counts."""
    marked = [each for measure in column for each in measure.iterfind("barline")]
    merged = (_merged(marked, "left"), _merged(marked, "right"))
    return tuple(each for each in merged if each.repeat or each.style not in _PLAIN)


def _merged(barlines: Sequence[etree._Element], location: Literal["left", "right"]) -> Barline:
    result = Barline(location)
    for each in barlines:
        if each.get("location", "right") != location:
            continue
        if result.style in _PLAIN:
            result = result._replace(style=each.findtext("bar-style", "").strip())
        repeat = each.find("repeat")
        if repeat is not None and not result.repeat:
            forward = repeat.get("direction") == "forward"
            times = number(repeat.get("times"), "times")
            result = result._replace(
                repeat="forward" if forward else "backward",
                times=None if times is None else int(times),
            )
    return result
