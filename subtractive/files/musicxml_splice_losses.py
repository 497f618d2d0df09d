"""What a score no longer says once some of its parts are taken out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain

from subtractive.files.musicxml_measures import WrittenPart, read_part
from subtractive.files.musicxml_tree import part_trees

# A new part says these as well.
_SHARED = frozenset({"metres", "repeats"})


def losses(
    content: bytes, remove: Collection[int], title: str, *, replaced: bool
) -> tuple[str, ...]:
    """Return a notice for what only parts that are taken out say about playing; maybe none.

    Parameters
    ----------
    content : bytes
        The file, plain or zipped.
    remove : collection of int
        Places of those parts.
    title : str
        How messages call the file.
    replaced : bool
        Whether a new part comes, with the metre and the repeats of the score.
    """
    parts = [read_part(tree) for tree in part_trees(content, title)]
    gone = [_sayings(part) for place, part in enumerate(parts) if place in remove]
    kept = [_sayings(part) for place, part in enumerate(parts) if place not in remove]
    kinds = [
        kind
        for kind in _sayings(parts[0])
        if set(chain(*(each[kind] for each in gone))) - set(chain(*(each[kind] for each in kept)))
        and not (replaced and kind in _SHARED)
    ]
    if not kinds:
        return ()
    names = " and ".join(
        repr(parts[place].player.name or f"Part {place + 1}") for place in sorted(remove)
    )
    *first, last = kinds
    listed = f"{', '.join(first)} and {last}" if first else last
    return (f"with {names} the score lost its {listed}: no other part has them",)


def _sayings(part: WrittenPart) -> Mapping[str, set[int]]:
    """Return what a part says that holds for all, each with the measures where it says it."""
    measures, marks = list(enumerate(part.measures)), part.marks.items()
    return {
        "tempo marks": {place for place, measure in measures if measure.tempos},
        "metres": {place for place, measure in measures if measure.metres},
        "chord symbols": {place for place, measure in measures if measure.chords},
        "repeats": {place for place, mark in marks if mark.forward or mark.times},
        "endings": {place for place, mark in marks if mark.ending or mark.ending_stops},
        "jumps": {
            place
            for place, mark in marks
            if mark.da_capo
            or mark.dal_segno
            or mark.to_coda
            or mark.segno
            or mark.coda
            or mark.fine
        },
    }
