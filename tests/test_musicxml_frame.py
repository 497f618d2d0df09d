"""The frame that a MusicXML score gives to a new part, and that playing does not change by it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from subtractive.arrangement import KeySignature, Metre
from subtractive.files.musicxml import written_score
from subtractive.files.musicxml_frame import measure_frames
from subtractive.files.musicxml_splice import PartXml, fresh_part_ids, insert_parts, respliced
from subtractive.notation.paper import Barline, MeasureFrame
from tests.test_musicxml_judges import CORPUS, SUITE
from tests.test_musicxml_notes import attributes, note, score
from tests.test_musicxml_order import (
    BACK,
    FORMS,
    FORWARD,
    OURS,
    ending,
    musescore_notes,
    numbered,
    times,
)

DIVISIONS = 10_080
PERCUSSION = "<clef><sign>percussion</sign></clef>"
UNPITCHED = "<note><unpitched/><duration>4</duration></note>"
DOUBLE = "<barline><bar-style>light-light</bar-style></barline>"
END = '<barline location="right"><bar-style>light-heavy</bar-style></barline>'


def metre(beats: int, unit: int = 4) -> str:
    return attributes(f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>")


def key(fifths: int, mode: str = "major", transpose: int = 0) -> str:
    moved = f"<transpose><chromatic>{transpose}</chromatic></transpose>" if transpose else ""
    return attributes(f"<key><fifths>{fifths}</fifths><mode>{mode}</mode></key>{moved}")


def mirrored(frames: Sequence[MeasureFrame], identity: str, pitch: str = "C2") -> PartXml:
    """Return a part of one long note in each measure, with the barlines of its frame."""
    entry = etree.fromstring(f'<score-part id="{identity}"><part-name>New</part-name></score-part>')
    part = etree.Element("part", id=identity)
    for place, frame in enumerate(frames):
        measure = etree.SubElement(part, "measure", number=frame.number)
        if frame.implicit:
            measure.set("implicit", "yes")
        lines = {"left": "", "right": ""}
        for each in frame.barlines:
            style = f"<bar-style>{each.style}</bar-style>" if each.style else ""
            count = f' times="{each.times}"' if each.times else ""
            repeat = f'<repeat direction="{each.repeat}"{count}/>' if each.repeat else ""
            lines[each.location] += f'<barline location="{each.location}">{style}{repeat}</barline>'
        says = f"<divisions>{DIVISIONS}</divisions>" if place == 0 else ""
        if frame.key_stated:
            mode = "minor" if frame.key.is_minor else "major"
            says += f"<key><fifths>{frame.key.fifths}</fifths><mode>{mode}</mode></key>"
        if frame.metre_stated:
            beats, unit = frame.metre.numerator, frame.metre.denominator
            says += f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>"
        sounds = note(pitch, int(frame.length * DIVISIONS))
        text = f"<all>{lines['left']}{attributes(says)}{sounds}{lines['right']}</all>"
        measure.extend(etree.fromstring(text))
    return PartXml(entry, part)


def with_mirror(content: bytes) -> bytes:
    frames = measure_frames(content)
    return insert_parts(content, [mirrored(frames, *fresh_part_ids(content, 1))]).content


def test_numbers_lengths_and_what_is_stated() -> None:
    first = [
        metre(3) + key(-1, "minor") + note("D4", 1),
        note("D4", 3),
        metre(3) + note("D4", 1) + metre(2) + key(2) + note("D4", 1),
        note("D4", 2),
        note("D4", 2) + key(0),
        note("D4", 2),
        "",
    ]
    content = score(first).replace(b'<measure number="1">', b'<measure number="0" implicit="yes">')
    content = content.replace(b'number="5"', b'number="X1"').replace(b' number="7"', b"")
    frames = measure_frames(content)
    assert [frame.number for frame in frames] == ["0", "2", "3", "4", "X1", "6", ""]
    assert [frame.implicit for frame in frames] == [True] + [False] * 6
    assert [frame.length for frame in frames] == [1, 3, 2, 2, 2, 2, 2]
    assert [frame.metre for frame in frames] == [Metre(0, 3, 4)] * 3 + [Metre(0, 2, 4)] * 4
    stated = [frame.metre_stated for frame in frames]
    assert stated == [True, False, True, True, False, False, False]
    d_minor, d_major, c_major = KeySignature(0, -1, True), KeySignature(0, 2), KeySignature(0, 0)
    assert [frame.key for frame in frames] == [d_minor] * 3 + [d_major] * 2 + [c_major] * 2
    assert [frame.key_stated for frame in frames] == [True, False, False, True, False, True, False]


def test_nothing_said_is_common_time_in_c_and_not_stated() -> None:
    plain = MeasureFrame("1", False, Fraction(4), Metre(0, 4, 4), False, KeySignature(0, 0), False)
    assert measure_frames(score([note("C4", 4)])) == (plain,)


def test_a_number_may_stand_in_a_longer_part_only() -> None:
    content = score([note("C4", 4)], [note("C3", 4), note("D3", 3)])
    frames = measure_frames(content)
    assert [frame.number for frame in frames] == ["1", "2"]
    assert [frame.length for frame in frames] == [4, 3]


CLARINET = key(-4, transpose=-2) + note("C4", 4)  # sounds in G flat, or F sharp
FLUTE = key(-6) + note("C4", 4)
KIT = attributes(PERCUSSION + "<key><fifths>0</fifths></key>") + UNPITCHED


@pytest.mark.parametrize(
    ("parts", "fifths"),
    [
        ([CLARINET, FLUTE], -6),
        ([CLARINET], 6),
        ([key(3, transpose=-9) + note("C4", 4)], 0),
        ([key(2, transpose=-12) + note("C4", 4), FLUTE], 2),
        ([KIT, CLARINET, FLUTE], -6),
        ([KIT, FLUTE], -6),
        ([KIT], 0),
    ],
)
def test_the_key_is_the_one_that_sounds(parts: list[str], fifths: int) -> None:
    (frame,) = measure_frames(score(*[[each] for each in parts]))
    assert (frame.key.fifths, frame.key_stated) == (fifths, True)


def styled(style: str, location: str = "right", inside: str = "") -> str:
    return f'<barline location="{location}"><bar-style>{style}</bar-style>{inside}</barline>'


@pytest.mark.parametrize(
    ("first", "second", "barlines"),
    [
        ("", "", ()),
        (FORWARD, "", (Barline("left", "", "forward"),)),
        ("", BACK, (Barline("right", "", "backward"),)),
        (FORWARD, times(3), (Barline("left", "", "forward"), Barline("right", "", "backward", 3))),
        ("", END, (Barline("right", "light-heavy"),)),
        (END, BACK, (Barline("right", "light-heavy", "backward"),)),
        (styled("regular"), END, (Barline("right", "light-heavy"),)),
        (styled("regular"), "", ()),
        (styled("dashed", "middle"), "", ()),
        ("", DOUBLE, (Barline("right", "light-light"),)),
        ("".join(ending("1", back=True)), "", (Barline("right", "", "backward"),)),
        ("".join(ending("2")), "<barline><segno/></barline>", ()),
    ],
)
def test_barlines_are_those_of_all_parts_without_endings(
    first: str, second: str, barlines: tuple[Barline, ...]
) -> None:
    content = score([note("C4", 4) + first], [second + note("C3", 4)])
    assert measure_frames(content)[0].barlines == barlines


@pytest.mark.parametrize("form", [*FORMS, *OURS])
def test_a_part_in_the_frame_is_played_in_the_same_order(form: str) -> None:
    bars, order = (FORMS | OURS)[form]
    content = numbered(bars)
    result = with_mirror(content)
    assert list(written_score(result).order) == order
    assert measure_frames(result) == measure_frames(content)


BARLINES = ["", FORWARD, BACK, times(3), END, styled("dotted", "left"), *ending("1"), *ending("2")]
SIGNS = [metre(3), metre(6, 8), key(3), key(-2, "minor"), key(1, transpose=-5), ""]


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(SIGNS), st.sampled_from([1, 2, 3]), st.sampled_from(BARLINES)
            ),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_a_score_with_a_part_in_its_frame_has_the_same_frame(
    parts: list[list[tuple[str, int, str]]],
) -> None:
    content = score(
        *[[sign + note("C4", beats) + line for sign, beats, line in part] for part in parts]
    )
    frames = measure_frames(content)
    lengths = [
        max(part[place][1] for part in parts if place < len(part)) for place in range(len(frames))
    ]
    assert [frame.length for frame in frames] == lengths
    result = with_mirror(content)
    assert measure_frames(result) == frames
    # what the new part says holds by itself: the others may leave
    alone = respliced(result, range(len(parts)), [mirrored(frames, "P99")]).content
    assert measure_frames(alone) == frames


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(pytest.importorskip("music21", reason="compares with music21").__file__).parent


def paths(folder: Path) -> list[Path]:
    suite = folder / "musicxml" / "lilypondTestSuite"
    return [folder / "corpus" / name for name in CORPUS] + [suite / f"{each}.xml" for each in SUITE]


def test_real_scores_keep_frame_and_order(folder: Path) -> None:
    for path in paths(folder):
        content = path.read_bytes()
        result = with_mirror(content)
        before, after = written_score(content), written_score(result)
        assert (after.order, after.lengths) == (before.order, before.lengths), path
        assert after.parts[:-1] == before.parts, path
        assert measure_frames(result) == measure_frames(content), path


@pytest.mark.parametrize("name", CORPUS)
def test_music21_finds_the_same_metres_and_barlines(folder: Path, name: str) -> None:
    from music21 import bar, converter

    path = folder / "corpus" / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = converter.parse(str(path), forceSource=True).parts[0]
    measures = list(part.getElementsByClass("Measure"))
    frames = measure_frames(path.read_bytes())
    assert len(measures) == len(frames)
    metre = None
    for measure, frame in zip(measures, frames, strict=True):
        metre = measure.timeSignature or metre
        if metre is not None:
            assert (metre.numerator, metre.denominator) == frame.metre[1:]
        repeats = {
            (side, "forward" if line.direction == "start" else "backward")
            for side, line in (("left", measure.leftBarline), ("right", measure.rightBarline))
            if isinstance(line, bar.Repeat)
        }
        assert repeats == {(each.location, each.repeat) for each in frame.barlines if each.repeat}


@pytest.mark.program("mscore3")
@pytest.mark.parametrize("form", ["two endings", "the last ending after a dal segno"])
def test_musescore_plays_all_parts_in_the_old_order(form: str, tmp_path: Path) -> None:
    bars, order = FORMS[form]
    old, new = musescore_notes(with_mirror(numbered(bars)), tmp_path)
    assert [pitch for _, pitch in old] == [60 + place for place in order]
    assert [onset for onset, _ in new] == [onset for onset, _ in old]


@pytest.mark.data
@pytest.mark.program("mscore3")
def test_musescore_plays_a_rich_score_as_before(data: Path, tmp_path: Path) -> None:
    content = (data / "scores" / "rich.musicxml").read_bytes()
    folders = [tmp_path / name for name in ("before", "after")]
    for each in folders:
        each.mkdir()
    before = musescore_notes(content, folders[0])
    after = musescore_notes(with_mirror(content), folders[1])
    assert after[: len(before)] == before
    score = written_score(content)
    onsets = [float(onset) for onset in score.onsets[:-1]]
    assert [onset for onset, _ in after[-1]] == pytest.approx(onsets, abs=0.01)
