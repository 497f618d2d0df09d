"""Parts put into MusicXML files and taken out: every other byte stays, however it is built."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from subtractive.errors import FileFormatError, InstrumentError
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_splice import (
    PartXml,
    fresh_part_ids,
    insert_parts,
    remove_parts,
    respliced,
)
from subtractive.files.musicxml_tree import part_trees
from tests.test_musicxml_notes import note, score

# What a file may declare -> the codec that writes it, byte order mark and all.
ENCODINGS = {
    "UTF-8": ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"],
    "UTF-16": ["utf-16", "utf-16-le", "utf-16-be"],
    "ISO-8859-1": ["iso-8859-1"],
    "US-ASCII": ["ascii"],
    "windows-1252": ["cp1252"],
    "Shift_JIS": ["shift_jis"],
    "": ["utf-8", "utf-8-sig", "utf-16"],
}
# What a careless search for an end tag would fall into.
TRAPS = (
    "",
    "<!-- </part-list> </score-partwise> <part id='P9'> -->",
    "<?page </part-list></score-partwise> > ?>",
)
DOCTYPES = (
    "",
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">',
    "<!DOCTYPE score-partwise [ <!-- it's </part-list> ]> --> <?p ]> '?> "
    "<!ENTITY tail '</score-partwise>]>'> <!ELEMENT note ANY> ]>",
)
CDATA = "<![CDATA[</part-list></part></score-partwise> > ]]>"


class Layout(NamedTuple):
    """How a score is laid out as bytes."""

    declared: str = "UTF-8"
    codec: str = "utf-8"
    newline: str = "\n"
    indent: str | None = "  "  # None: all in one line
    prefix: str = ""
    namespace: str = ""
    trap: str = ""
    doctype: str = ""
    before_end: str = ""  # white space in end tags
    grouped: bool = False

    def score(self, parts: int, title: str = "") -> bytes:
        """Return a score of two measures with so many parts."""
        group = '<part-group type="{}" number="1"/>'
        binding = f' xmlns{":" * bool(self.prefix)}{self.prefix[:-1]}="{self.namespace}"'
        lines = [
            (0, self.doctype),
            (0, f"<score-partwise version='3.1'{binding if self.namespace else ''}>"),
            (1, f"<movement-title>{escape(title)}{CDATA}</movement-title>"),
            (1, "<part-list>"),
            *[(2, group.format("start"))] * self.grouped,
        ]
        for place in range(1, parts + 1):
            lines += (2, f'<score-part id="P{place}"  name=">">'), (3, f"{self.trap}<part-name/>")
            lines += (2, f"</score-part>{self.trap}"), (2, self.trap)
        lines += [*[(2, group.format("stop"))] * self.grouped, (1, "</part-list>")]
        for place in range(1, parts + 1):
            lines += (1, self.trap), (1, f'{self.trap}<part id="P{place}">')
            for number in (1, 2):
                lines += (2, f'<measure number="{number}">'), (3, note("C4", 4)), (2, "</measure>")
            lines += (1, "</part>"), (1, self.trap)
        lines += (0, "</score-partwise>"), (0, self.trap)
        text = "".join(
            line if self.indent is None else self.newline + self.indent * depth + line
            for depth, line in lines
            if line
        )
        text = re.sub(r"(</[a-z-]+)>", rf"\1{self.before_end}>", text)
        if self.prefix:
            text = re.sub(r"<(/?)(?=[a-z])", rf"<\1{self.prefix}", text)
        head = f'<?xml version="1.0" encoding="{self.declared}"?>' if self.declared else ""
        return (head + text if head else text.lstrip()).encode(self.codec)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    declared = draw(st.sampled_from(sorted(ENCODINGS)))
    prefix = draw(st.sampled_from(["", "", "m:"]))
    return Layout(
        declared,
        draw(st.sampled_from(ENCODINGS[declared])),
        draw(st.sampled_from(["\n", "\r\n", "\r"])),
        draw(st.sampled_from([None, "", " ", "  ", "\t"])),
        prefix,
        "urn:music" if prefix else draw(st.sampled_from(["", "urn:music"])),
        # neither would be well-formed or valid under a prefix that is put in by search
        "" if prefix else draw(st.sampled_from(TRAPS)),
        "" if prefix else draw(st.sampled_from(DOCTYPES)),
        draw(st.sampled_from(["", " ", "\n"])),
        draw(st.booleans()),
    )


TITLES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=8)
SIGNS = "Baß ♯ 低音 <&> \U0001d11e"


def new_part(identity: str, name: str = SIGNS, measures: int = 2) -> PartXml:
    entry = etree.Element("score-part", id=identity)
    etree.SubElement(entry, "part-name").text = name
    instrument = etree.SubElement(entry, "score-instrument", id=f"{identity}-I1")
    etree.SubElement(instrument, "instrument-name").text = "two\nlines "
    insides = f"<measure>{note('G2', 4)}</measure>" * measures
    return PartXml(entry, etree.fromstring(f'<part id="{identity}">{insides}</part>'))


def new_parts(content: bytes, count: int) -> list[PartXml]:
    return [new_part(each) for each in fresh_part_ids(content, count)]


def cut_by_search(content: bytes, codec: str, added: Sequence[PartXml]) -> bytes:
    """Return the file without parts, found by their ids alone, and white space before them."""
    # a byte order mark is a character like any other here
    exact = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(codec, codec)
    text = content.decode(exact)
    for identity in (each.part.get("id", "") for each in added):
        for tag in ("score-part", "part"):
            element = rf"\s*<((?:m:)?{tag}) id=\"{identity}\">.*?</\1>"
            text, count = re.subn(element, "", text, flags=re.DOTALL)
            assert count == 1
    return text.encode(exact)


@settings(max_examples=150)
@given(layouts(), st.integers(1, 3), st.integers(1, 2), TITLES)
def test_all_bytes_but_the_new_parts_stay(
    layout: Layout, parts: int, count: int, title: str
) -> None:
    content = layout.score(parts, title.encode(layout.codec, "ignore").decode(layout.codec))
    added = new_parts(content, count)
    result, notices = insert_parts(content, added)
    assert cut_by_search(result, layout.codec, added) == content
    assert remove_parts(result, range(parts, parts + count)) == content
    assert not notices
    before, after = read_musicxml(content), read_musicxml(result)
    assert after.parts[:parts] == before.parts
    assert [part.name for part in after.parts[parts:]] == [SIGNS] * count
    assert [[each.pitch for each in part.notes] for part in after.parts[parts:]] == [
        [43, 43]
    ] * count


@settings(max_examples=100)
@given(layouts(), st.integers(1, 4), st.integers(0, 2), st.data())
def test_taking_out_and_putting_in_at_once_is_doing_both(
    layout: Layout, parts: int, count: int, data: st.DataObject
) -> None:
    content = layout.score(parts)
    added = new_parts(content, count)
    places = data.draw(st.sets(st.integers(0, parts - 1), max_size=parts - (count == 0)))
    result = respliced(content, places, added).content
    kept = [f"P{place + 1}" for place in range(parts) if place not in places]
    ids = [each.part.get("id") for each in added]
    trees = part_trees(result, "")
    assert [tree.entry.get("id") for tree in trees if tree.entry is not None] == kept + ids
    if len(places) < parts:
        assert result == insert_parts(remove_parts(content, sorted(places)), added).content
        assert remove_parts(insert_parts(content, added).content, sorted(places)) == result


@given(layouts(), st.integers(1, 3))
def test_line_ends_and_indentation_of_the_file_are_taken_up(layout: Layout, parts: int) -> None:
    content = layout._replace(trap="").score(parts)
    result = insert_parts(content, new_parts(content, 1)).content
    text, original = result.decode(layout.codec), content.decode(layout.codec)
    lines = text.split(layout.newline)
    if layout.indent is None:
        # the one new line end is the name's of the instrument
        assert len(re.split(r"\r\n?|\n", text)) == len(re.split(r"\r\n?|\n", original)) + 1
        return
    depths = {"score-part": 2, "part-name": 3, "part": 1, "measure": 2, "note": 3, "step": 5}
    for tag, depth in depths.items():
        own = [line for line in lines if line.lstrip().startswith(f"<{layout.prefix}{tag}")]
        assert layout.indent * depth == own[-1][: -len(own[-1].lstrip()) or None]


def test_characters_that_the_encoding_lacks_become_references() -> None:
    content = Layout("ISO-8859-1", "iso-8859-1").score(1, "Flöte")
    result = insert_parts(content, [new_part("P2", "Bässe ♯")]).content
    assert "<part-name>Bässe &#9839;</part-name>".encode("iso-8859-1") in result


def test_a_new_part_stands_outside_all_groups() -> None:
    content = Layout(grouped=True).score(2)
    added = etree.fromstring(insert_parts(content, [new_part("P3")]).content).findall("part-list/*")
    order = [each.get("type") or each.get("id") for each in added]
    assert order == ["start", "P1", "P2", "stop", "P3"]


@pytest.mark.parametrize("space", ["", "\n  "])
@pytest.mark.parametrize("empty", ["<part-list/>", "<part-list\t/>", "<part-list>\n</part-list>"])
def test_a_part_list_may_be_empty(empty: str, space: str) -> None:
    head = f"<score-partwise>{space}"
    tail = f'{space}<part id="P1"><measure>{note("C4", 4)}</measure></part></score-partwise>'
    result = insert_parts(f"{head}{empty}{tail}".encode(), [new_part("P2")]).content.decode()
    inside = result.removeprefix(head).partition(tail.removesuffix("</score-partwise>"))[0]
    assert re.fullmatch(r"<part-list>\s*<score-part .*</score-part>\s*</part-list>", inside, re.S)
    assert read_musicxml(result.encode()).parts[1].name == SIGNS
    with pytest.raises(InstrumentError, match="keep one, or put one in"):
        remove_parts(result.encode(), [1])


def test_the_last_part_can_only_be_exchanged() -> None:
    content = Layout().score(2)
    with pytest.raises(InstrumentError, match=r"a\.xml has no other part"):
        remove_parts(content, [0, 1], "a.xml")
    exchanged = respliced(content, [0, 1], new_parts(content, 1)).content
    assert [part.name for part in read_musicxml(exchanged).parts] == [SIGNS]


def test_a_part_in_pieces_leaves_as_a_whole() -> None:
    content = Layout().score(2)
    piece = content[content.index(b'<part id="P1">') : content.index(b'<part id="P2">')]
    split = content.replace(b"</score-partwise>", piece.strip() + b"</score-partwise>")
    assert len(part_trees(split, "")) == 2
    left = etree.fromstring(remove_parts(split, [0]))
    assert [part.get("id") for part in left.iterfind("part")] == ["P2"]


TEMPO = '<sound tempo="90"/>'
FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
JUMP = '<sound dacapo="yes"/>'
HARMONY = "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
METRE = "<attributes><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"


@pytest.mark.parametrize(
    ("first", "second", "lost", "when_replaced"),
    [
        ("", "", "", ""),
        (TEMPO, "", "tempo marks", "tempo marks"),
        (TEMPO, TEMPO, "", ""),
        (HARMONY, "", "chord symbols", "chord symbols"),
        (METRE, METRE, "", ""),
        (METRE + TEMPO + JUMP, "", "tempo marks, metres and jumps", "tempo marks and jumps"),
        (FORWARD, "", "repeats", ""),
    ],
)
def test_what_is_lost_with_a_part_is_said(
    first: str, second: str, lost: str, when_replaced: str
) -> None:
    content = score([first + note("C4", 4)], [second + note("C3", 4)])

    def notices(what: str) -> tuple[str, ...]:
        return (f"with 'Part 1' the score lost its {what}: no other part has them",) if what else ()

    assert respliced(content, [0], []).notices == notices(lost)
    assert respliced(content, [0], [new_part("P3")]).notices == notices(when_replaced)
    assert respliced(content, [1], []).notices == ()


@pytest.mark.parametrize(
    ("ids", "extra", "fresh"),
    [
        (["P1", "P2"], "", ("P3", "P4")),
        (["P09", "P2", "P10"], "", ("P11", "P12")),
        (["P1", "Part_7"], "", ("Part_8", "Part_9")),
        (["P01"], "", ("P02", "P03")),
        (["violin", "cello"], "", ("P1", "P2")),
        (["Pd41d8cd98f00b204e9800998ecf8427e7"], "", ("P1", "P2")),
        (["1", "2"], "", ("P1", "P2")),
        (["P1"], '<measure id="P2"/>', ("P3", "P4")),
        (["P1"], '<note xml:id="P3-I1-a"/>', ("P2", "P4")),
        (["P1"], '<score-instrument id="P2-1-I4"/>', ("P3", "P4")),
        (["P1"], '<score-instrument ref="P2" id="P20"/>', ("P2", "P3")),
    ],
)
def test_new_ids_go_on_in_the_habit_of_the_file(
    ids: list[str], extra: str, fresh: tuple[str, ...]
) -> None:
    listed = "".join(f'<score-part id="{each}"/>' for each in ids)
    content = f"<score-partwise><part-list>{listed}</part-list>{extra}</score-partwise>"
    assert fresh_part_ids(content.encode(), 2) == fresh


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<score-partwise><part-list/></score-partwise>", r"^a\.xml has no parts: export"),
        (b"<score-partwise><part id='P1'/></score-partwise>", r"^a\.xml has no <part-list>"),
        (b"<score-partwise>", r"^a\.xml is damaged or cut short"),
        (b"PK\3\4", r"^a\.xml is a damaged or cut off \.mxl"),
        (
            "<?xml version='1.0' encoding='UTF-7'?><score-partwise><part-list/><part id='é'/>"
            "</score-partwise>".encode("utf-7").replace(b"+AOk'", b"+AOk-'"),
            r"^a\.xml is written in the encoding UTF-7, .*: export the score as UTF-8",
        ),
        (
            b"<score-partwise><part-list>&#32;</part-list><part id='P1'/></score-partwise>",
            r"^a\.xml is XML of an unusual build",
        ),
    ],
)
def test_what_cannot_be_spliced_is_said(content: bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        insert_parts(content, [new_part("P2")], "a.xml")
