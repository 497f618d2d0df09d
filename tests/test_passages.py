"""Some bars of a part: named as a score prints them, written anew, and joined to what stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Metre, Note, Part, bars, order
from subtractive.errors import OptionError
from subtractive.files.music import read, write
from subtractive.files.musicxml import read_musicxml
from symbolic.add import main
from symbolic.passages import Span, spans_of, woven
from tests.test_sampling import toy_weights

BEAT = 480
BAR = 4 * BEAT


def score(*measures: tuple[str, str]) -> Arrangement:
    """A melody of whole notes in measures of a printed number, and what else they hold."""
    note = "<note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration></note>"
    divisions = "<attributes><divisions>1</divisions></attributes>"
    body = "".join(
        f'<measure number="{number}">{divisions}{extra}{note}</measure>'
        for number, extra in measures
    )
    xml = (
        "<score-partwise><part-list><score-part id='P1'><part-name>Voice</part-name></score-part>"
        f"</part-list><part id='P1'>{body}</part></score-partwise>"
    )
    return read_musicxml(xml.encode())


def midi_like(count: int) -> Arrangement:
    voice = Part("Voice", 52, False, tuple(Note(bar * BAR, BAR, 72, 90) for bar in range(count)))
    return Arrangement(BEAT, (voice,), metres=(Metre(0, 4, 4),))


@pytest.mark.parametrize(
    ("text", "first", "last"), [("3-4", 3, 4), ("8", 8, 8), (" 1 - 8 ", 1, 8), ("m3-m4", 3, 4)]
)
def test_bars_of_midi_are_counted_from_one(text: str, first: int, last: int) -> None:
    music = midi_like(8)
    assert spans_of(text, music) == (Span((first - 1) * BAR, last * BAR),)


def test_a_score_calls_its_bars_as_printed_or_as_counted() -> None:
    music = score(("0", ""), ("1", ""), ("2", ""), ("2a", ""), ("3", ""))
    assert spans_of("2", music) == (Span(2 * BAR, 3 * BAR),)
    assert spans_of("2-2a", music) == spans_of("m3-m4", music) == (Span(2 * BAR, 4 * BAR),)
    with pytest.raises(OptionError, match=r"no bar 7.*0 to 3"):
        spans_of("1-7", music)


def test_a_repeated_bar_is_written_wherever_it_is_heard() -> None:
    repeat = "<barline location='right'><repeat direction='backward'/></barline>"
    music = score(("1", ""), ("2", ""), ("3", repeat), ("4", ""))
    assert len(bars(music)) == 7
    assert spans_of("2", music) == (Span(BAR, 2 * BAR), Span(4 * BAR, 5 * BAR))
    # bars that follow one another in playing are one stretch
    assert spans_of("1-3", music) == (Span(0, 6 * BAR),)
    assert spans_of("3-4", music) == (Span(2 * BAR, 3 * BAR), Span(5 * BAR, 7 * BAR))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "names no bars"), ("four to six", "names no bars"), ("5-3", "ends before it begins")],
)
def test_what_names_no_bars_is_told(text: str, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        spans_of(text, midi_like(8))


note_lists = st.lists(
    st.tuples(st.integers(0, 8 * BAR - 1), st.integers(1, BAR), st.integers(40, 44)).map(
        lambda row: Note(*row, 80)
    ),
    max_size=30,
    unique_by=lambda note: (note.onset, note.pitch),
).map(lambda notes: tuple(sorted(notes, key=order)))


@given(note_lists, note_lists, st.integers(0, 7), st.integers(1, 8), st.booleans())
def test_nothing_outside_the_bars_is_touched(
    kept: tuple[Note, ...], fresh: tuple[Note, ...], first: int, count: int, monophonic: bool
) -> None:
    span = Span(first * BAR, (first + count) * BAR)
    old, new = (Part("Bass", 33, False, notes) for notes in (kept, fresh))
    result = woven(old, new, span, monophonic=monophonic).notes
    outside = [note for note in kept if not span.onset <= note.onset < span.end]
    assert [note for note in result if not span.onset <= note.onset < span.end] == outside
    inside = [note for note in result if span.onset <= note.onset < span.end]
    begun = {(note.onset, note.pitch) for note in fresh}
    for note in inside:
        assert (note.onset, note.pitch) in begun
        assert note.duration >= 1
        later = [o.onset for o in outside if o.onset >= span.end and o.pitch == note.pitch]
        assert note.end <= min(later, default=note.end)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_weights(tmp_path_factory.mktemp("weights"), 3, "busy")


@pytest.mark.parametrize("name", ["bass", "drums", "guitar"])
def test_the_command_writes_the_named_bars_anew_and_keeps_the_others(
    band: Path, weights: Path, tmp_path: Path, name: str
) -> None:
    target = tmp_path / "out.mid"
    before = [placed.stem for placed in read(band).split(name)[1]]
    span = spans_of("2-3", read(band))[0]
    words = ["--instrument", name, str(band), "-o", str(target), "--weights", str(weights)]
    assert main([*words, "--replace", "--bars", "2-3", "--seed", "4"]) == 0
    after = [placed.stem for placed in read(target).split(name)[1]]
    assert len(after) == len(before) == 1

    def outside(part: Part) -> list[Note]:
        return [note for note in part.notes if not span.onset <= note.onset < span.end]

    assert outside(after[0]) == outside(before[0])
    assert after[0].notes != before[0].notes
    assert after[0].program == before[0].program


def test_a_new_part_can_play_in_some_bars_alone(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "song.mid", tmp_path / "out.mid"
    write(midi_like(12), source)
    words = ["--instrument", "bass", str(source), "-o", str(target), "--weights", str(weights)]
    assert main([*words, "--bars", "5-8", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "ok"
    notes = read(target).parts[-1].notes
    assert notes
    assert all(4 * BAR <= note.onset < 8 * BAR for note in notes)
    assert main([*words, "--bars", "13"]) == 2
    assert "no bar 13" in capsys.readouterr().err
