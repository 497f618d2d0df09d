"""What a splice is made of, and judged by: a score's spans, new markup, trees to be equal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

from lxml import etree

from subtractive.errors import FileFormatError
from subtractive.files.musicxml_splice_text import (
    BLANK,
    Edit,
    Span,
    XmlText,
    blank_before,
    outline,
    prefixed,
)
from subtractive.files.musicxml_tree import make_partwise

_NEWLINE = re.compile(r"\r\n?|\n")


class ScoreSpans(NamedTuple):
    """Where the parts of a partwise score and their entries in its part list stand."""

    root: Span
    part_list: Span
    entries: tuple[Span, ...]
    parts: tuple[Span, ...]


def score_spans(text: str, title: str) -> ScoreSpans:
    """Return where the parts of a partwise score stand.

    Raises
    ------
    FileFormatError
        If it has no parts, or no part list.
    """
    spans = outline(text)
    parts = [span for span in spans if (span.depth, span.local_name) == (1, "part")]
    if not parts:
        raise FileFormatError(f"{title} has no parts: export the score again")
    lists = [span for span in spans if (span.depth, span.local_name) == (1, "part-list")]
    if not lists:
        raise FileFormatError(
            f"{title} has no <part-list>, which each part must stand in: export the score again"
        )
    entries = [span for span in spans if (span.depth, span.local_name) == (2, "score-part")]
    return ScoreSpans(
        spans[-1],
        lists[-1],
        tuple(each for each in entries if any(one.start < each.start < one.stop for one in lists)),
        tuple(parts),
    )


def insertions(
    text: str,
    spans: ScoreSpans,
    entries: Sequence[etree._Element],
    parts: Sequence[etree._Element],
) -> tuple[Edit, Edit]:
    """Return the edits that put in new parts, and their entries, each as the last of its kind."""
    around = _blank(text, spans.part_list)
    indent = _indent(around)
    if spans.entries:
        before_entry = _blank(text, spans.entries[-1])
        unit = _indent(before_entry).removeprefix(indent)
    else:
        before_entry, unit = around + indent, indent
    before_part = _blank(text, spans.parts[-1])
    return (
        _insertion(
            text, spans.part_list, [_markup(each, before_entry, unit, 2) for each in entries]
        ),
        _insertion(text, spans.root, [_markup(each, before_part, unit, 1) for each in parts]),
    )


def _insertion(text: str, parent: Span, markups: Sequence[str]) -> Edit:
    """Return the edit that lets an element hold more; the white space at its end stays there."""
    added = prefixed("".join(markups), parent.prefix)
    if parent.inside == parent.stop:
        opening = text[parent.start : parent.stop].removesuffix("/>").rstrip(BLANK)
        return Edit(parent.start, parent.stop, f"{opening}>{added}</{parent.name}>")
    place = max(parent.inside, blank_before(text, parent.inside_stop))
    return Edit(place, place, added)


def _blank(text: str, span: Span) -> str:
    return text[blank_before(text, span.start) : span.start]


def _indent(blank: str) -> str:
    return _NEWLINE.split(blank)[-1]


def _markup(element: etree._Element, before: str, unit: str, depth: int) -> str:
    """Return an element in the habit of the file, and the white space before it."""
    tree = bare(element)
    newline = _NEWLINE.search(before)
    if newline:
        etree.indent(tree, unit, level=depth if unit else 0)
    markup = etree.tostring(tree, encoding="unicode")
    return before + (markup.replace("\n", newline[0]) if newline else markup)


def bare(element: etree._Element) -> etree._Element:
    """Return a copy without the white space between elements."""
    result = deepcopy(element)
    for each in result.iter():
        if len(each) and not (each.text or "").strip(BLANK):
            each.text = None
        if not (each.tail or "").strip(BLANK):
            each.tail = None
    return result


def cut(element: etree._Element) -> None:
    """Take an element out of its tree, with the white space before it."""
    parent, before = element.getparent(), element.getprevious()
    assert parent is not None  # the root is never cut
    earlier = parent.text if before is None else before.tail
    joined = (earlier or "").rstrip(BLANK) + (element.tail or "") or None
    if before is None:
        parent.text = joined
    else:
        before.tail = joined
    parent.remove(element)


def check_spliced(
    root: etree._Element,
    before: etree._Element,
    entries: Sequence[etree._Element],
    parts: Sequence[etree._Element],
    title: str,
) -> None:
    """Assure that a score holds what it held before, then new parts and their entries.

    Parameters
    ----------
    root, before : element
        Of the score now, and of what it must be when the new parts are taken out again.
    entries, parts : sequence of elements
        The new ones.
    title : str
        How messages call the file.

    Raises
    ------
    FileFormatError
        If that is not so.
    """
    for path, expected in (("part-list/score-part", entries), ("part", parts)):
        found = root.findall(path)
        last = found[len(found) - len(expected) :]
        same = [_canonical(each) for each in last] == [_canonical(each) for each in expected]
        if not same:
            raise _unusual(title)
        for each in last:
            cut(each)
    if etree.tostring(root) != etree.tostring(before):
        raise _unusual(title)


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(bare(element), method="c14n", exclusive=True)


def _unusual(title: str) -> FileFormatError:
    return FileFormatError(
        f"{title} is XML of an unusual build, in which parts cannot be exchanged safely: "
        "open it in a notation program and export it again"
    )


def written_partwise(written: XmlText, root: etree._Element) -> bytes:
    """Return a timewise score rewritten partwise, its head as it was; `root` becomes partwise."""
    span = outline(written.text)[-1]
    head = written.text[: span.start]
    named = head.replace("timewise", "partwise").replace("Timewise", "Partwise")
    make_partwise(root)
    tree = bare(root)
    etree.indent(tree)
    newline = _NEWLINE.search(written.text)
    body = etree.tostring(tree, encoding="unicode").replace("\n", newline[0] if newline else "\n")
    return written.edited([Edit(0, span.stop, named + body)])
