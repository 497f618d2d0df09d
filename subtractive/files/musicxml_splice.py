"""Parts put into a MusicXML file and taken out, with every other byte left in place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lxml import etree

from subtractive.errors import InstrumentError
from subtractive.files.musicxml_splice_losses import losses
from subtractive.files.musicxml_splice_text import Edit, blank_before, xml_text
from subtractive.files.musicxml_splice_tree import (
    ScoreSpans,
    check_spliced,
    cut,
    insertions,
    score_spans,
    written_partwise,
)
from subtractive.files.musicxml_tree import (
    identified_parts,
    score_root,
    score_xml,
    with_score_xml,
)

_NUMBERED = re.compile(r"([A-Za-z_][A-Za-z_.-]*)(\d{1,4})")


class PartXml(NamedTuple):
    """A part as XML: its <score-part> for the part list, and its <part>, with the same id."""

    entry: etree._Element
    part: etree._Element


class Spliced(NamedTuple):
    """A file with other parts than before, and what its owner should know of that."""

    content: bytes
    notices: tuple[str, ...]


def insert_parts(content: bytes, parts: Sequence[PartXml], name: str = "") -> Spliced:
    """Put parts into a score, behind its last one, as `respliced` does."""
    return respliced(content, (), parts, name)


def remove_parts(content: bytes, places: Sequence[int], name: str = "") -> bytes:
    """Take parts out of a score, as `respliced` does."""
    return respliced(content, places, (), name).content


def respliced(
    content: bytes, remove: Collection[int], add: Sequence[PartXml], name: str = ""
) -> Spliced:
    """Take parts out of a score and put others in, behind its last one.

    All other bytes stay: only the <score-part> and <part> elements of these parts, and the white
    space before them, leave or come. What comes takes up the encoding, line ends, indentation and
    namespace prefix of the file. In an .mxl all other files stay as they are.

    Parameters
    ----------
    content : bytes
        Partwise XML in any encoding, or a zipped .mxl. A timewise score is rewritten partwise.
    remove : collection of int
        Places of parts, counted from 0 as `part_trees` returns them.
    add : sequence of PartXml
        Without namespaces. Their ids must be new to the file: `fresh_part_ids` finds some.
    name : str
        How messages call the file.

    Returns
    -------
    Spliced
        With a notice for what only the parts taken out had said about playing.

    Raises
    ------
    FileFormatError
        If it is no MusicXML score, is damaged, has no part list, or nothing can be written in its
        encoding.
    InstrumentError
        If no part would be left.
    """
    title = name or "the file"
    xml = score_xml(content, title)
    root = score_root(xml, title, comments=True)
    written = xml_text(xml, _encoding(root), title)
    notices = losses(content, remove, title, replaced=bool(add)) if remove else ()
    if root.tag == "score-timewise":
        xml = written_partwise(written, root)
        root = score_root(xml, title, comments=True)
        written = xml_text(xml, _encoding(root), title)
        notices += ("the score was timewise; it was written partwise",)
    spans = score_spans(written.text, title)
    identities = list(dict.fromkeys(identity for identity, _ in identified_parts(root)))
    edits = [*_removals(written.text, spans, root, {identities[place] for place in remove})]
    left = [root.find("part-list/score-part"), root.find("part")]
    if remove and not add and any(each is None for each in left):
        raise InstrumentError(
            f"{title} has no other part than what is to be taken out: keep one, or put one in"
        )
    entries, parts = [each.entry for each in add], [each.part for each in add]
    if add:
        edits += insertions(written.text, spans, entries, parts)
    result = written.edited(edits)
    check_spliced(score_root(result, title, comments=True), root, entries, parts, title)
    return Spliced(with_score_xml(content, result, title), notices)


def fresh_part_ids(content: bytes, count: int, name: str = "") -> tuple[str, ...]:
    """Return ids for new parts that a file has nowhere, in its own habit: "P7" after "P6".

    Ids of instruments may begin with them and a hyphen: those are new to the file too.

    Parameters
    ----------
    content : bytes
        The file, plain or zipped.
    count : int
        How many are needed.
    name : str
        How messages call the file.

    Raises
    ------
    FileFormatError
        If it is no MusicXML score, or is damaged.
    """
    title = name or "the file"
    root = score_root(score_xml(content, title), title)
    taken = {
        str(value)
        for element in root.iter(etree.Element)
        for key, value in element.attrib.items()
        if str(key).rpartition("}")[2] == "id"
    }
    # "P7-I36" takes "P7", and "P7-1-I36" both "P7" and "P7-1"
    taken |= {id_[: dash.start()] for id_ in taken for dash in re.finditer("-", id_)}
    listed = [entry.get("id", "") for entry in root.iterfind("part-list/score-part")]
    habits = [habit for each in listed if (habit := _NUMBERED.fullmatch(each))]
    letters, digits = habits[-1].groups() if habits else ("P", "0")
    last = max((int(habit[2]) for habit in habits if habit[1] == letters), default=0)
    fresh: list[str] = []
    while len(fresh) < count:
        last += 1
        candidate = f"{letters}{last:0{len(digits)}}"
        if candidate not in taken:
            fresh.append(candidate)
    return tuple(fresh)


def _encoding(root: etree._Element) -> str:
    return root.getroottree().docinfo.encoding or "UTF-8"


def _removals(
    text: str, spans: ScoreSpans, root: etree._Element, gone: Collection[str]
) -> Iterator[Edit]:
    """Yield the edits that take out parts by identity, and cut them out of the tree."""
    trees = identified_parts(root)
    listed = [(entry.get("id", ""), entry) for entry in root.iterfind("part-list/score-part")]
    for span, (identity, tree) in zip(spans.entries + spans.parts, listed + trees, strict=True):
        if identity in gone:
            cut(tree)
            yield Edit(blank_before(text, span.start), span.stop, "")
