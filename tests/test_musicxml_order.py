"""Repeats, endings and jumps of MusicXML, unfolded as they are played."""

from __future__ import annotations

import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import Score

from subtractive.arrangement import ChordSymbol, Metre, Tempo
from subtractive.errors import FileFormatError
from subtractive.files.musicxml import read_musicxml, written_score
from subtractive.files.musicxml_repeats import RepeatMarks, played_order
from tests.test_musicxml_notes import attributes, direction, note, read, score

FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACK = '<barline location="right"><repeat direction="backward"/></barline>'
NAMES = ("C4", "C#4", "D4", "D#4", "E4", "F4", "F#4", "G4", "G#4", "A4", "A#4", "B4")


def times(count: int) -> str:
    return f'<barline location="right"><repeat direction="backward" times="{count}"/></barline>'


def ending(numbers: str, back: bool = False, stop: str = "stop") -> tuple[str, str]:
    """Return the barlines on both sides of an ending of one bar."""
    repeat = '<repeat direction="backward"/>' if back else ""
    return (
        f'<barline location="left"><ending number="{numbers}" type="start"/></barline>',
        f'<barline location="right"><ending number="{numbers}" type="{stop}"/>{repeat}</barline>',
    )


def words(text: str, sound: str) -> str:
    return direction(f"<words>{text}</words>", f"<sound {sound}/>")


DA_CAPO_AL_FINE = words("D.C. al Fine", 'dacapo="yes"')
FINE = words("Fine", 'fine="yes"')
SEGNO = direction("<segno/>", '<sound segno="s"/>')
DAL_SEGNO_AL_CODA = words("D.S. al Coda", 'dalsegno="s"')
TO_CODA = words("To Coda", 'tocoda="c"')
CODA = direction("<coda/>", '<sound coda="c"/>')

# Each bar: what stands before its note, and after it.
Bar = tuple[str, str]
PLAIN: Bar = ("", "")

FORMS: dict[str, tuple[list[Bar], list[int]]] = {
    "repeat from the beginning": ([PLAIN, ("", BACK), PLAIN], [0, 1, 0, 1, 2]),
    "repeat of the middle": ([PLAIN, (FORWARD, ""), ("", BACK), PLAIN], [0, 1, 2, 1, 2, 3]),
    "one bar three times": ([PLAIN, (FORWARD, times(3)), PLAIN], [0, 1, 1, 1, 2]),
    "two endings": (
        [(FORWARD, ""), ending("1", back=True), ending("2"), PLAIN],
        [0, 1, 0, 2, 3],
    ),
    "da capo al fine": (
        [PLAIN, (FINE, ""), (DA_CAPO_AL_FINE, "")],
        [0, 1, 2, 0, 1],
    ),
    "da capo al fine over a repeat": (
        [PLAIN, ("", BACK), (FINE, ""), (DA_CAPO_AL_FINE, "")],
        [0, 1, 0, 1, 2, 3, 0, 1, 2],
    ),
    "dal segno al coda": (
        [PLAIN, (SEGNO, ""), (TO_CODA, ""), (DAL_SEGNO_AL_CODA, ""), (CODA, ""), PLAIN],
        [0, 1, 2, 3, 1, 2, 4, 5],
    ),
    "the last ending after a dal segno": (
        [
            PLAIN,
            (SEGNO + FORWARD, ""),
            ending("1", back=True),
            ending("2"),
            (TO_CODA, ""),
            (DAL_SEGNO_AL_CODA, ""),
            (CODA, ""),
        ],
        [0, 1, 2, 1, 3, 4, 5, 1, 3, 4, 6],
    ),
}
# What musicians play and MuseScore 3 does not.
OURS: dict[str, tuple[list[Bar], list[int]]] = {
    "one ending for two passes": (
        [(FORWARD, ""), ending("1, 2", back=True), ending("3"), PLAIN],
        [0, 1, 0, 1, 0, 2, 3],
    ),
    "endings in a range": (
        [(FORWARD, ""), ending("1.-3.", back=True), ending("4")],
        [0, 1, 0, 1, 0, 1, 0, 2],
    ),
    "an ending and no second one": (
        [(FORWARD, ""), ending("1", back=True), PLAIN],
        [0, 1, 0, 2],
    ),
    "a repeat goes back to the end of the last": (
        [("", BACK), PLAIN, ("", BACK), PLAIN],
        [0, 0, 1, 2, 1, 2, 3],
    ),
    "an excerpt from a second ending on": ([ending("2"), PLAIN], [0, 1]),
    "a second ending for the da capo": (
        [PLAIN, (ending("1")[0] + DA_CAPO_AL_FINE, ending("1")[1]), ending("2")],
        [0, 1, 0, 2],
    ),
    "a repeat never closed": ([PLAIN, (FORWARD, ""), PLAIN], [0, 1, 2]),
    "repeats in the coda are taken": (
        [(SEGNO, BACK), (TO_CODA, ""), (DAL_SEGNO_AL_CODA, ""), (CODA + FORWARD, BACK)],
        [0, 0, 1, 2, 0, 1, 3, 3],
    ),
    "a repeat that says so is taken after the jump": (
        [("", BACK.replace("/></", ' after-jump="yes"/></')), (DA_CAPO_AL_FINE, ""), PLAIN],
        [0, 0, 1, 0, 0, 1, 2],
    ),
    "da capo waits for the repeat": (
        [(FINE, ""), (FORWARD + DA_CAPO_AL_FINE, BACK)],
        [0, 1, 1, 0],
    ),
    "al coda does not stop at a fine": (
        [(SEGNO, ""), (FINE, ""), (TO_CODA, ""), (DAL_SEGNO_AL_CODA, ""), (CODA, "")],
        [0, 1, 2, 3, 0, 1, 2, 4],
    ),
    "words alone, without sounds": (
        [
            (direction("<segno/>"), ""),
            (direction("<words>To Coda</words>"), ""),
            (direction("<words>D.S.  al Coda</words>"), ""),
            (direction("<coda/>"), ""),
        ],
        [0, 1, 2, 0, 1, 3],
    ),
    "two jumps, each made once": (
        [PLAIN, (words("D.C.", 'dacapo="yes"'), ""), (words("D.C.", 'dacapo="yes"'), "")],
        [0, 1, 0, 1, 2, 0, 1, 2],
    ),
    "a sign at the end of a bar stands over the next": (
        [("", SEGNO), PLAIN, (words("D.S.", 'dalsegno="s"'), "")],
        [0, 1, 2, 1, 2],
    ),
    "signs on barlines": (
        [("", '<barline><segno/></barline>'), (words("D.S.", 'dalsegno="segno"'), "")],
        [0, 1, 1],
    ),
    "signs with names": (
        [
            (direction("<segno/>", '<sound segno="a"/>'), ""),
            (direction("<segno/>", '<sound segno="b"/>'), ""),
            (words("D.S.", 'dalsegno="a"'), ""),
        ],
        [0, 1, 2, 0, 1, 2],
    ),
    "a jump to nowhere": ([PLAIN, (words("D.S.", 'dalsegno="s"'), ""), PLAIN], [0, 1, 0, 1, 2]),
    "a coda that is not there": (
        [(TO_CODA, ""), (words("D.C.", 'dacapo="yes"'), ""), PLAIN],
        [0, 1, 0, 1, 2],
    ),
}  # fmt: skip


def numbered(bars: list[Bar]) -> bytes:
    """Return a score whose pitches number its bars."""
    return score(
        [before + note(name, 4) + after for (before, after), name in zip(bars, NAMES, strict=False)]
    )


@pytest.mark.parametrize("form", [*FORMS, *OURS])
def test_forms_are_played_as_musicians_play_them(form: str) -> None:
    bars, order = (FORMS | OURS)[form]
    content = numbered(bars)
    assert list(written_score(content).order) == order
    music = read_musicxml(content)
    assert [each.pitch - 60 for each in music.parts[0].notes] == order
    assert [each.onset for each in music.parts[0].notes] == list(music.barlines[:-1])


@pytest.mark.program("mscore3")
@pytest.mark.parametrize("form", ["two endings", "the last ending after a dal segno"])
def test_musescore_plays_the_same_order(form: str, tmp_path: Path) -> None:
    bars, order = FORMS[form]
    assert musescore_pitches(numbered(bars), tmp_path) == [[60 + place for place in order]]


def musescore_pitches(content: bytes, folder: Path) -> list[list[int]]:
    return [[pitch for _, pitch in track] for track in musescore_notes(content, folder)]


def musescore_notes(content: bytes, folder: Path) -> list[list[tuple[float, int]]]:
    """Return onset in quarters and pitch of each track of the MIDI file that MuseScore makes."""
    written, played, runtime = folder / "in.musicxml", folder / "out.mid", folder / "run"
    written.write_bytes(content)
    runtime.mkdir(mode=0o700)
    subprocess.run(
        ["mscore3", "-o", str(played), str(written)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(runtime)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    midi = Score(str(played))
    return [
        sorted((each.time / midi.ticks_per_quarter, each.pitch) for each in track.notes)
        for track in midi.tracks
    ]


def test_marks_in_any_part_count_for_all() -> None:
    content = score([note("C4", 4), note("D4", 4)], [FORWARD + note("C3", 4), note("D3", 4) + BACK])
    assert written_score(content).order == (0, 1, 0, 1)


def test_what_is_in_force_is_stated_again_where_the_playing_jumps_back() -> None:
    def harmony(root: str) -> str:
        return f"<harmony><root><root-step>{root}</root-step></root><kind>major</kind></harmony>"

    music = read(
        note("C4", 4),
        harmony("F") + note("C4", 4),
        FORWARD + note("C4", 4),
        '<sound tempo="60"/>'
        + attributes("<time><beats>2</beats><beat-type>4</beat-type></time>")
        + harmony("G")
        + note("C4", 2)
        + words("D.C.", 'dacapo="yes"')
        + BACK,
    )
    assert written_order(music.barlines) == [4, 4, 4, 2, 4, 2, 4, 4, 4, 2]
    assert [(chord.tick // 480, chord.text) for chord in music.chords] == [
        (4, "F"), (12, "G"), (14, "F"), (18, "G"),
        (20, "N.C."), (24, "F"), (32, "G"),
    ]  # fmt: skip
    assert music.tempos == (
        Tempo(12 * 480, 1_000_000), Tempo(14 * 480, 500_000), Tempo(18 * 480, 1_000_000),
        Tempo(20 * 480, 500_000), Tempo(32 * 480, 1_000_000),
    )  # fmt: skip
    assert music.metres[0] == Metre(12 * 480, 2, 4)
    assert music.metres[1] == Metre(14 * 480, 4, 4)


def written_order(barlines: tuple[int, ...]) -> list[int]:
    return [(after - before) // 480 for before, after in pairwise(barlines)]


def test_a_second_ending_goes_on_with_the_chord_that_sounds() -> None:
    chord = "<harmony><root><root-step>{}</root-step></root><kind>major</kind></harmony>"
    one, two = ending("1", back=True), ending("2")
    music = read(
        FORWARD + chord.format("C") + note("C4", 4),
        one[0] + chord.format("G") + note("C4", 4) + one[1],
        two[0] + note("C4", 4) + two[1],
    )
    assert music.chords == (
        ChordSymbol(0, "C", 0, (0, 4, 7), 0),
        ChordSymbol(4 * 480, "G", 7, (2, 7, 11), 7),
        ChordSymbol(8 * 480, "C", 0, (0, 4, 7), 0),
    )


def test_repeats_beyond_reason_are_refused() -> None:
    with pytest.raises(FileFormatError, match="20,000 bars"):
        read(note("C4", 4) + times(10**9))


MARKS = st.builds(
    RepeatMarks,
    forward=st.booleans(),
    times=st.sampled_from([0, 0, 1, 2, 3]),
    after_jump=st.booleans(),
    ending=st.sampled_from([frozenset(), frozenset(), frozenset({1}), frozenset({2, 3})]),
    ending_stops=st.booleans(),
    segno=st.sampled_from(["", "s", "t"]),
    coda=st.sampled_from(["", "c"]),
    to_coda=st.sampled_from(["", "c"]),
    dal_segno=st.sampled_from(["", "", "s"]),
    da_capo=st.sampled_from([False, False, True]),
    fine=st.booleans(),
    until=st.sampled_from(["", "fine", "coda"]),
)


@settings(deadline=None)
@given(st.lists(MARKS, min_size=1, max_size=12))
def test_any_marks_come_to_an_end_within_the_score(marks: list[RepeatMarks]) -> None:
    order = played_order(marks)
    assert len(order) < 20_000
    assert all(0 <= place < len(marks) for place in order)


@given(st.integers(1, 30))
def test_a_score_without_marks_is_played_as_written(count: int) -> None:
    assert played_order([RepeatMarks()] * count) == tuple(range(count))
