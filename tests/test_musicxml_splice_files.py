"""Parts put into whole MusicXML files: archives, timewise scores, the files of many programs."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_splice import insert_parts, remove_parts
from subtractive.files.musicxml_tree import part_trees, score_xml
from tests.test_musicxml_notes import note
from tests.test_musicxml_splice import Layout, cut_by_search, layouts, new_part, new_parts


def zipped(files: dict[str, bytes], comment: bytes = b"") -> bytes:
    """Return an archive in which every second file is packed, and nothing has permissions."""
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w") as archive:
        archive.comment = comment
        for place, (name, content) in enumerate(files.items()):
            info = zipfile.ZipInfo(name, (1999, 12, 31, 23, 59, 2 * place))
            info.compress_type = zipfile.ZIP_DEFLATED if place % 2 else zipfile.ZIP_STORED
            archive.writestr(info, content)
            info.external_attr = 0
    return store.getvalue()


def listed(archive: bytes) -> list[tuple[object, ...]]:
    """Return all that an archive says of its files, and what they hold, except for the score."""
    score = score_xml(archive, "")
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        held = [(each, opened.read(each)) for each in opened.infolist()]
        return [(opened.comment,)] + [
            (
                *(each.filename, each.date_time, each.compress_type, each.external_attr),
                *(each.comment, each.extra, each.create_system),
                "score" if content == score else content,
            )
            for each, content in held
        ]


@settings(max_examples=40)
@given(layouts(), st.dictionaries(st.text("abcé.", min_size=1), st.binary()), st.binary(max_size=9))
def test_an_archive_keeps_its_other_files(
    layout: Layout, others: dict[str, bytes], comment: bytes
) -> None:
    container = b'<container><rootfile full-path="a/score.xml"/></container>'
    files = {"mimetype": b"application/vnd.recordare.musicxml", "META-INF/container.xml": container}
    files |= {"Pictures/": b"", "a/score.xml": layout.score(2)} | others
    content = zipped(files, comment)
    result = insert_parts(content, [new_part("P3")]).content
    assert listed(result) == listed(content)
    assert result[30:38] == b"mimetype"
    assert score_xml(result, "") == insert_parts(layout.score(2), [new_part("P3")]).content
    restored = remove_parts(result, [2])
    assert listed(restored) == listed(content)
    assert score_xml(restored, "") == layout.score(2)


def timewise(newline: str) -> str:
    """Return a score of two parts, of which the second one lacks the second measure."""
    head = '<?xml version="1.0" encoding="ISO-8859-1"?><!-- é --><!DOCTYPE score-timewise PUBLIC '
    head += '"-//Recordare//DTD MusicXML 4.0 Timewise//EN" "http://www.musicxml.org/dtds/timewise'
    head += '.dtd" [<!ENTITY e "x">]>'
    parts = '<score-part id="P1"><part-name>é</part-name></score-part><score-part id="P2"/>'
    body = f"<score-timewise>{newline}<part-list>{parts}</part-list>"
    for number, notes in enumerate([("C4", "E3"), ("D4",), ("E4", "G3")]):
        body += f'<measure number="{number}" implicit="{"no" if number else "yes"}">'
        body += "".join(
            f'<part id="P{k}">{note(name, 4)}</part>' for k, name in enumerate(notes, 1)
        )
        body += "</measure>" + newline
    return f"{head}{newline}{body}</score-timewise>{newline}<!-- end -->"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_timewise_score_is_written_partwise_and_says_so(newline: str) -> None:
    content = timewise(newline).encode("iso-8859-1")
    result, notices = insert_parts(content, [new_part("P3", measures=3)])
    assert notices == ("the score was timewise; it was written partwise",)
    text = result.decode("iso-8859-1")
    head = timewise(newline).partition("<score-")[0]
    assert text.startswith(head.replace("timewise", "partwise").replace("Timewise", "Partwise"))
    assert text.endswith(f"</score-partwise>{newline}<!-- end -->")
    assert set(re.findall(r"\r\n?|\n", text.replace("two\nlines", ""))) == {newline}
    before, after = read_musicxml(content), read_musicxml(result)
    assert after.parts[:2] == before.parts and after.barlines == before.barlines
    measures = etree.fromstring(result).findall("part[2]/measure")
    assert [(each.get("implicit"), len(each)) for each in measures] == [
        ("yes", 1),
        ("no", 0),
        ("no", 1),
    ]


def test_files_of_many_programs_keep_all_they_hold() -> None:
    folder = Path(pytest.importorskip("music21", reason="needs music21's corpus").__file__).parent
    paths = sorted(
        path for kind in ("xml", "mxl", "musicxml") for path in folder.rglob(f"*.{kind}")
    )
    # one of each folder, that is of each composer, and some that are written to be difficult
    chosen = {path.parent: path for path in paths if path.stat().st_size < 30_000}.values()
    for path in [*chosen, *[each for each in paths if "lilypondTestSuite" in each.parts][::8]]:
        content = path.read_bytes()
        count = len(part_trees(content, path.name))
        added = new_parts(content, 2)
        result = insert_parts(content, added, path.name).content
        xml, spliced = score_xml(content, ""), score_xml(result, "")
        codec = "utf-16" if xml.startswith(b"\xff\xfe") else "latin-1"
        assert cut_by_search(spliced, codec, added) == xml, path
        assert canonical(spliced, 2) == canonical(xml, 0), path
        restored = remove_parts(result, [count, count + 1], path.name)
        assert score_xml(restored, "") == xml, path
        if path.suffix == ".mxl":
            assert listed(result) == listed(content), path


def canonical(xml: bytes, added: int) -> str:
    """Return a score as canonical XML without white space, less its last parts."""
    root = etree.fromstring(xml.lstrip(), etree.XMLParser(load_dtd=False, no_network=True))
    for path in ("part-list/score-part", "part"):
        for each in root.findall(path)[len(root.findall(path)) - added :]:
            parent = each.getparent()
            assert parent is not None
            parent.remove(each)
    return str(etree.canonicalize(etree.tostring(root, encoding="unicode"), strip_text=True))
