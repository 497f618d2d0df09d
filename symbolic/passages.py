"""Some bars of a part: which ones a user means, and how they join what stands around them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from subtractive.arrangement import Arrangement, Part, bars, order
from subtractive.errors import OptionError
from subtractive.files.musicxml import written_score
from subtractive.files.musicxml_tree import part_trees

_BARS = re.compile(r"\s*(m?)(\w+)\s*(?:-\s*m?(\w+)\s*)?", re.IGNORECASE)


class Span(NamedTuple):
    """A stretch of music as it is heard, in ticks; `end` is the first tick after it."""

    onset: int
    end: int


def spans_of(text: str, music: Arrangement) -> tuple[Span, ...]:
    """Return where the bars called `text` are heard: more than once where they are repeated.

    Parameters
    ----------
    text : str
        "9-16", or "9": the numbers printed in a score; bars counted from 1 in MIDI. "m9-m16"
        counts the measures of a score from the first one, whatever is printed.
    music : Arrangement

    Raises
    ------
    OptionError
        If the music has no such bars, or they are never played.
    """
    found = _BARS.fullmatch(text)
    if found is None:
        raise OptionError(f"--bars {text!r} names no bars: write such as 9-16, or 9")
    counted, first, last = found[1], found[2], found[3] or found[2]
    order_played = list(range(len(bars(music))))
    names = [str(place + 1) for place in order_played]
    if music.source is not None and music.source.kind == "musicxml":
        content, name = music.source.content, music.source.name
        order_played = list(written_score(content, name).order)
        printed = part_trees(content, name)[0].numbers
        names = [str(place + 1) for place in range(max(order_played) + 1)]
        if not counted:
            names[: len(printed)] = printed[: len(names)]
    for wanted in (first, last):
        if wanted not in names:
            raise OptionError(
                f"--bars {text}: there is no bar {wanted}; the music has bars {names[0]} to "
                f"{names[-1]}"
            )
    low, high = names.index(first), len(names) - 1 - names[::-1].index(last)
    if low > high:
        raise OptionError(f"--bars {text} ends before it begins: name the first bar first")
    wanted_bars = [low <= place <= high for place in order_played]
    played = bars(music)
    edges = [False, *wanted_bars, False]
    turns = [place for place, (a, b) in enumerate(pairwise(edges)) if a != b]
    if not turns:
        raise OptionError(f"--bars {text}: these bars are never played")
    return tuple(
        Span(played[start].onset, played[stop - 1].end)
        for start, stop in zip(turns[::2], turns[1::2], strict=True)
    )


def woven(kept: Part, fresh: Part, span: Span, *, monophonic: bool) -> Part:
    """Return `kept` with the notes that begin in `span` exchanged for those of `fresh`.

    What begins outside the span is left exactly as it was. A new note gives way to what is kept: it
    ends where its voice strikes again.

    Parameters
    ----------
    kept, fresh : Part
    span : Span
    monophonic : bool
        Whether all notes are one voice; else each pitch is one.
    """
    outside = [note for note in kept.notes if not span.onset <= note.onset < span.end]
    added = []
    for note in fresh.notes:
        if not span.onset <= note.onset < span.end:
            continue
        rivals = [other for other in outside if monophonic or other.pitch == note.pitch]
        if any(
            other.onset < note.onset < other.end and other.pitch == note.pitch for other in rivals
        ):
            continue
        until = min((other.onset for other in rivals if other.onset >= span.end), default=note.end)
        added.append(note._replace(duration=min(note.end, max(until, note.onset + 1)) - note.onset))
    return replace(kept, origin=None, notes=tuple(sorted([*outside, *added], key=order)))
