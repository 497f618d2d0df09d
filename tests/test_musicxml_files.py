"""MusicXML as files: encodings, archives, the two orders of a score, and everything broken."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError
from subtractive.files.musicxml import read_musicxml
from tests.test_musicxml_chords import harmony
from tests.test_musicxml_notes import attributes, note, score

PLAIN = score(
    [attributes("<divisions>2</divisions>") + harmony("Bb") + note("C4", 8), note("D4", 8)],
    [note("C3", 4), note("D3", 4)],
    entries=["<part-name>Flöte</part-name>", "<part-name>Bass</part-name>"],
)
TEXT = PLAIN.decode()
CONTAINER = (
    '<container><rootfiles><rootfile full-path="{}"/><rootfile full-path="a.pdf" '
    'media-type="application/pdf"/></rootfiles></container>'
)


def zipped(files: dict[str, bytes | str]) -> bytes:
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return store.getvalue()


@pytest.fixture(scope="module")
def plain() -> Arrangement:
    return read_musicxml(PLAIN)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1"])
def test_the_encoding_does_not_matter(encoding: str, plain: Arrangement) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding.removesuffix("-le")
    content = f'<?xml version="1.0" encoding="{declared}"?>{TEXT}'.encode(encoding)
    assert read_musicxml(content) == plain
    assert plain.parts[0].name == "Flöte"


@pytest.mark.parametrize(
    "content",
    [
        f"\n  {TEXT}\n".encode(),
        f'<?xml version="1.0"?><!-- </part-list> -->{TEXT}'.encode(),
        b'<?xml version="1.0"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 '
        b'Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">' + PLAIN,
        TEXT.replace("<score-partwise ", '<score-partwise xmlns="urn:any" ').encode(),
        TEXT.replace("<note>", "<?page turn?><!-- note --><note>").encode(),
        TEXT.replace("><", ">\r\n<").encode(),
    ],
)
def test_what_surrounds_the_score_does_not_matter(content: bytes, plain: Arrangement) -> None:
    assert read_musicxml(content) == plain


def test_timewise_scores_are_read_as_partwise_ones() -> None:
    head, body = TEXT.split("</part-list>")
    measures = [part.split("</measure>")[:2] for part in body.split("<part id=")[1:]]
    insides = [[each.partition('">')[2] for each in part] for part in measures]
    insides[0][0] = insides[0][0].partition('<measure number="1">')[2]
    insides[1][0] = insides[1][0].partition('<measure number="1">')[2]
    timewise = head.replace("score-partwise", "score-timewise") + "</part-list>"
    for place in (0, 1):
        timewise += f'<measure number="{place + 1}">'
        for part in (0, 1):
            timewise += f'<part id="P{part + 1}">{insides[part][place]}</part>'
        timewise += "</measure>"
    assert read_musicxml(f"{timewise}</score-timewise>".encode()) == read_musicxml(PLAIN)


def test_a_part_may_be_absent_from_a_timewise_measure() -> None:
    content = (
        '<score-timewise><part-list><score-part id="A"/><score-part id="B"/></part-list>'
        f'<measure><part id="A">{note("C4", 4)}</part></measure>'
        f'<measure><part id="A">{note("C4", 4)}</part><part id="B">{note("E4", 4)}</part></measure>'
        "</score-timewise>"
    )
    parts = read_musicxml(content.encode()).parts
    assert [note.onset // 480 for note in parts[1].notes] == [4]


@pytest.mark.parametrize(
    "files",
    [
        {"META-INF/container.xml": CONTAINER.format("deep/s.xml"), "deep/s.xml": PLAIN},
        {"other.xml": "<no/>", "META-INF/container.xml": CONTAINER.format("s.xml"), "s.xml": PLAIN},
        {"META-INF/container.xml": CONTAINER.format("missing.xml"), "s.musicxml": PLAIN},
        {"META-INF/container.xml": "", "s.musicxml": PLAIN},
        {"META-INF/container.xml": "no xml", "s.musicxml": PLAIN},
        {"s.xml": PLAIN},
    ],
)
def test_archives_lead_to_their_score(files: dict[str, bytes | str], plain: Arrangement) -> None:
    content = zipped(files)
    music = read_musicxml(content, "s.mxl")
    assert music == plain
    assert music.source is not None
    assert (music.source.kind, music.source.content, music.source.name) == (
        "musicxml",
        content,
        "s.mxl",
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"MThd\0\0\0\6", "is not MusicXML: it is no XML"),
        (b"\x89PNG\r\n", "is not MusicXML: it is no XML"),
        (b"{}", "is not MusicXML: it is no XML"),
        (PLAIN[:-5], "is damaged or cut short"),
        (b"<museScore/>", "root is <museScore>, and must be <score-partwise> or <score-timewise>"),
        (b"<opus/>", "is a MusicXML opus, a list of scores: open one of the scores"),
        (b"<score-partwise/>", "has no parts"),
        (b"<score-timewise/>", "has no parts"),
        (score([]), "has no measures"),
        (score([note("", 4)]), "holds no notes and no chord symbols"),
        (zipped({"readme.txt": "hello"}), "is a zip archive without a MusicXML score"),
        (zipped({"s.xml": PLAIN})[:-40], r"is a damaged or cut off \.mxl archive"),
        (zipped({"s.xml": "<html/>"}), "root is <html>"),
        (score([attributes("<divisions>0</divisions>")]), "<divisions> must be above 0"),
        (score([note("C4", 10**9)]), "longer than 1000 quarter notes"),
        (score([note("C4", 4).replace(">C<", ">K<")]), "a note has the pitch 'K'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(FileFormatError, match=sentence) as caught:
        read_musicxml(content, "tune.xml")
    message = str(caught.value)
    assert message.startswith("tune.xml")
    assert "\n" not in message
    with pytest.raises(FileFormatError, match=r"^the file"):
        read_musicxml(content)


def test_a_score_cut_anywhere_is_refused() -> None:
    end = PLAIN.rindex(b">")
    for length in range(0, end, 5):
        with pytest.raises(FileFormatError):
            read_musicxml(PLAIN[:length])


def test_an_archive_cut_anywhere_is_refused() -> None:
    content = zipped({"META-INF/container.xml": CONTAINER.format("s.xml"), "s.xml": PLAIN})
    for length in range(0, len(content) - 22, 3):
        with pytest.raises(FileFormatError):
            read_musicxml(content[:length])


@settings(deadline=None)
@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_one_wrong_byte_is_read_or_refused_but_never_worse(place: int, byte: int) -> None:
    content = PLAIN[:place] + bytes([byte]) + PLAIN[place + 1 :]
    try:
        music = read_musicxml(content)
    except FileFormatError:
        return
    assert all(0 <= each.pitch <= 127 for part in music.parts for each in part.notes)


def test_an_archive_that_swells_is_refused() -> None:
    bomb = zipped({"s.xml": b"<score-partwise>" + b" " * (130 * 2**20)})
    assert len(bomb) < 2**20
    with pytest.raises(FileFormatError, match="more than 128 MiB of XML"):
        read_musicxml(bomb)


def test_nothing_outside_the_file_is_read_and_no_entity_swells(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    kinds = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    for declared, used in (
        (f'<!ENTITY x SYSTEM "{secret.as_uri()}">', "&x;"),
        (f'<!ENTITY e0 "ha">{kinds}', "&e11;"),
    ):
        content = f"<!DOCTYPE score-partwise [{declared}]>{TEXT.replace('Flöte', used)}"
        try:
            music = read_musicxml(content.encode())
        except FileFormatError:
            continue
        assert music.parts[0].name == ""
