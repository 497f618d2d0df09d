"""From the bytes of a MusicXML file to its parts and measures as XML elements."""

from __future__ import annotations

import io
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from fractions import Fraction
from typing import NamedTuple

from lxml import etree

from subtractive.errors import FileFormatError

_LIMIT_BYTES = 128 * 2**20  # the longest symphonies stay under half of it
_MOST_DIGITS = 30
_MUSICXML = "application/vnd.recordare.musicxml+xml"


class PartTree(NamedTuple):
    """One part as XML: its entry in the part list, and its measures.

    `entry` is None where the list lacks the part. `numbers` are the measures' printed numbers.
    """

    entry: etree._Element | None
    measures: tuple[etree._Element, ...]
    numbers: tuple[str, ...]


def part_trees(content: bytes, name: str) -> tuple[PartTree, ...]:
    """Return the parts of a score, partwise or timewise, plain or zipped.

    Parameters
    ----------
    content : bytes
        The file: XML in any encoding, or an .mxl archive.
    name : str
        What messages call the file.

    Raises
    ------
    FileFormatError
        If it is no MusicXML score, or is damaged.
    """
    root = score_root(score_xml(content, name), name)
    make_partwise(root)
    entries = {entry.get("id", ""): entry for entry in root.iterfind("part-list/score-part")}
    measures: dict[str, list[etree._Element]] = {}
    for identity, part in identified_parts(root):
        measures.setdefault(identity, []).extend(part.iterfind("measure"))
    if not measures:
        raise FileFormatError(f"{name} has no parts: export the score again")
    if not any(measures.values()):
        raise FileFormatError(f"{name} has no measures: export the score again")
    return tuple(
        PartTree(
            entries.get(identity),
            tuple(written),
            tuple(measure.get("number", "") for measure in written),
        )
        for identity, written in measures.items()
    )


def identified_parts(root: etree._Element) -> list[tuple[str, etree._Element]]:
    """Return each <part> of a partwise score with its identity; several may share one."""
    result: list[tuple[str, etree._Element]] = []
    known: set[str] = set()
    for part in root.iterfind("part"):
        # a part without an identity is still a part
        identity = part.get("id") or f"part {len(known) + 1}"
        known.add(identity)
        result.append((identity, part))
    return result


def make_partwise(root: etree._Element) -> None:
    """Reorder a timewise score, so that each part holds its measures; a partwise one stays."""
    if root.tag == "score-partwise":
        return
    columns = root.findall("measure")
    identities = {part.get("id", ""): None for each in columns for part in each.iterfind("part")}
    root.tag = "score-partwise"
    parts = {key: etree.SubElement(root, "part", id=key) for key in identities}
    for column in columns:
        # a part may be absent from some measures of a timewise score
        measures = {key: etree.SubElement(part, "measure") for key, part in parts.items()}
        for measure in measures.values():
            measure.attrib.update(column.attrib)
        for part in column.iterfind("part"):
            measures[part.get("id", "")].extend(part)
        root.remove(column)


def number(text: str | None, place: str) -> Fraction | None:
    """Return the number that `text` says; None if it says nothing.

    Raises
    ------
    FileFormatError
        If it says something else; `place` names where.
    """
    if text is None or not text.strip():
        return None
    plain = text.strip().replace(",", ".")
    if plain.isdecimal() and len(plain) < _MOST_DIGITS:
        return Fraction(int(plain))
    try:
        # a slash would pass as a fraction, and an exponent could fill the memory
        if "/" in plain or "e" in plain.lower() or len(plain) > _MOST_DIGITS:
            raise ValueError
        return Fraction(plain)
    except ValueError as error:
        raise FileFormatError(
            f"{place} says {plain[:40]!r}, but must be a number: export the score again"
        ) from error


def number_in(element: etree._Element, path: str) -> Fraction | None:
    """Return the number that stands in the element at `path`, as `number` does."""
    return number(element.findtext(path), f"<{path}>")


def score_root(content: bytes, name: str, *, comments: bool = False) -> etree._Element:
    """Return the root element of a score's XML, without namespaces, and without its comments.

    Parameters
    ----------
    content : bytes
        The XML.
    name : str
        What messages call the file.
    comments : bool
        Whether they are kept after all.

    Raises
    ------
    FileFormatError
        If it is no MusicXML score, or is damaged.
    """
    if not content.strip():
        raise FileFormatError(f"{name} is empty: export the score again")
    if len(content) > _LIMIT_BYTES:
        raise FileFormatError(_too_big(name))
    # nothing outside the file is ever read, and no entity is expanded
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=not comments
    )
    try:
        root = etree.fromstring(content.lstrip(b" \t\r\n"), parser)
    except etree.XMLSyntaxError as error:
        if content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] != b"<":
            raise FileFormatError(
                f"{name} is not MusicXML: it is no XML; export the score as .musicxml or .mxl"
            ) from error
        raise FileFormatError(
            f"{name} is damaged or cut short ({error.msg}): export the score again"
        ) from error
    for element in root.iter(etree.Element):
        if "}" in element.tag:
            element.tag = element.tag.rpartition("}")[2]
    if root.tag == "opus":
        raise FileFormatError(
            f"{name} is a MusicXML opus, a list of scores: open one of the scores that it names"
        )
    if root.tag not in {"score-partwise", "score-timewise"}:
        raise FileFormatError(
            f"{name} is XML but no score: its root is <{root.tag}>, and must be <score-partwise> "
            "or <score-timewise>; export the score as .musicxml or .mxl"
        )
    return root


def score_xml(content: bytes, name: str) -> bytes:
    """Return the XML of a score: the file itself, or what an .mxl archive holds.

    Raises
    ------
    FileFormatError
        If the archive is damaged, holds no score, or a far too big one.
    """
    if content[:2] != b"PK":
        return content
    with _opened(content, name) as archive:
        info = _score_file(archive, name)
        if info.file_size > _LIMIT_BYTES:
            raise FileFormatError(_too_big(name))
        # the size stated may be a lie, so no more than the limit is read
        with archive.open(info) as stream:
            score = stream.read(_LIMIT_BYTES + 1)
    if len(score) > _LIMIT_BYTES:
        raise FileFormatError(_too_big(name))
    return score


def with_score_xml(content: bytes, score: bytes, name: str) -> bytes:
    """Return the file with other XML in it; all else that an .mxl archive holds is the same.

    Its files keep their order, dates and packing. The content of each is the same bytes, but what
    is packed is packed anew.

    Raises
    ------
    FileFormatError
        If the archive is damaged.
    """
    if content[:2] != b"PK":
        return score
    store = io.BytesIO()
    with _opened(content, name) as archive, zipfile.ZipFile(store, "w") as result:
        result.comment = archive.comment
        replaced = _score_file(archive, name)
        for info in archive.infolist():
            written = copy(info)
            with archive.open(info) as source, result.open(written, "w") as target:
                shutil.copyfileobj(io.BytesIO(score) if info is replaced else source, target)
            # files without permissions are given some
            written.external_attr = info.external_attr
    return store.getvalue()


@contextmanager
def _opened(content: bytes, name: str) -> Iterator[zipfile.ZipFile]:
    """Open an .mxl archive; what is wrong with it is said in the user's words."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise FileFormatError(
            f"{name} is a damaged or cut off .mxl archive ({error}): export the score again"
        ) from error
    except (NotImplementedError, RuntimeError) as error:
        raise FileFormatError(
            f"{name} is packed in a way that cannot be read ({error}): export it as .musicxml"
        ) from error


def _score_file(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    inside = _score_name(archive)
    if inside is None:
        raise FileFormatError(
            f"{name} is a zip archive without a MusicXML score: export the score again"
        )
    return archive.getinfo(inside)


def _score_name(archive: zipfile.ZipFile) -> str | None:
    names = archive.namelist()
    if "META-INF/container.xml" in names:
        with archive.open("META-INF/container.xml") as stream:
            container = stream.read(2**20)
        for path in _rootfiles(container):
            if path in names:
                return path
    scores = (path for path in names if path.lower().endswith((".musicxml", ".xml")))
    return next((path for path in scores if not path.startswith("META-INF/")), None)


def _rootfiles(container: bytes) -> list[str]:
    """Return the scores that a container names; none if it is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        rootfiles = list(etree.fromstring(container, parser).iter("{*}rootfile"))
    except etree.XMLSyntaxError:
        return []
    return [
        rootfile.get("full-path", "")
        for rootfile in rootfiles
        if rootfile.get("media-type", _MUSICXML) == _MUSICXML
    ]


def _too_big(name: str) -> str:
    return f"{name} holds more than {_LIMIT_BYTES >> 20} MiB of XML, which no score needs"
