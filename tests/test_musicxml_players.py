"""Who plays a MusicXML part: programs, kits, voices."""

from __future__ import annotations

import pytest

from subtractive.files.musicxml import read_musicxml
from subtractive.instruments import roles
from tests.test_musicxml_notes import attributes, first, note, score

KIT = (
    "<part-name>Kit</part-name>"
    '<score-instrument id="K"><instrument-name>Kick</instrument-name></score-instrument>'
    '<score-instrument id="S"><instrument-name>Snare</instrument-name></score-instrument>'
    '<midi-instrument id="K"><midi-channel>10</midi-channel><midi-program>1</midi-program>'
    "<midi-unpitched>37</midi-unpitched></midi-instrument>"
    '<midi-instrument id="S"><midi-channel>10</midi-channel><midi-unpitched>39</midi-unpitched>'
    "</midi-instrument>"
)


def strike(place: str, inside: str = "", chord: bool = False) -> str:
    return (
        f"<note>{'<chord/>' if chord else ''}<unpitched><display-step>{place[0]}</display-step>"
        f"<display-octave>{place[1]}</display-octave></unpitched><duration>1</duration>{inside}</note>"
    )


def lyric(text: str) -> str:
    return f"<lyric><text>{text}</text></lyric>"


def program(number: int) -> str:
    return (
        f'<part-name>X</part-name><score-instrument id="I"><instrument-name>X</instrument-name>'
        f'</score-instrument><midi-instrument id="I"><midi-program>{number}</midi-program>'
        "</midi-instrument>"
    )


def test_drum_instruments_are_their_keys_wherever_they_are_written() -> None:
    part = first(
        strike("C5", '<instrument id="K"/>')
        + strike("F4", '<instrument id="S"/>', chord=True)
        + strike("F4", '<instrument id="S"/>'),
        entry=KIT,
    )
    assert part.is_drums
    assert [(each.onset // 480, each.pitch) for each in part.notes] == [(0, 36), (0, 38), (1, 38)]


@pytest.mark.parametrize(
    ("place", "head", "key"),
    [
        ("F4", "normal", 36),
        ("C5", "normal", 38),
        ("G5", "x", 42),
        ("G5", "circle-x", 46),
        ("D4", "x", 44),
        ("A5", "x", 49),
        ("F5", "x", 51),
        ("C5", "x", 37),
        ("E5", "normal", 50),
        ("A4", "normal", 43),
        ("E5", "triangle", 56),
        ("B5", "normal", 50),  # nothing is written there: the nearest
    ],
)
def test_without_instruments_the_place_and_the_head_tell_the_drum(
    place: str, head: str, key: int
) -> None:
    part = first(strike(place, f"<notehead>{head}</notehead>"))
    assert part.is_drums
    assert [each.pitch for each in part.notes] == [key]


def test_a_kit_in_bass_clef_stands_a_sixth_lower_by_name() -> None:
    bass_clef = attributes("<clef><sign>F</sign><line>4</line></clef>")
    part = first(bass_clef + strike("A2") + strike("E3"))
    assert [each.pitch for each in part.notes] == [36, 38]


def test_a_cello_that_is_the_tenth_part_is_no_kit_though_its_channel_is_ten() -> None:
    channel = (
        '<part-name>Cello</part-name><midi-instrument id="I"><midi-channel>10</midi-channel>'
        "<midi-program>43</midi-program></midi-instrument>"
    )
    part = first(note("C3", 4), entry=channel)
    assert (part.is_drums, part.program) == (False, 42)


def test_programs_count_from_one_in_the_file_and_from_zero_here() -> None:
    assert first(note("C3", 4), entry=program(34)).program == 33


def test_the_instrument_that_plays_first_gives_the_program() -> None:
    two = (
        "<part-name>Reeds</part-name>"
        '<midi-instrument id="A"><midi-program>66</midi-program></midi-instrument>'
        '<midi-instrument id="B"><midi-program>74</midi-program></midi-instrument>'
    )
    part = first(
        note("C5", 2, '<instrument id="B"/>') + note("C5", 2, '<instrument id="A"/>'), entry=two
    )
    assert part.program == 73
    assert len(part.notes) == 2


def test_words_make_a_voice_unless_the_file_names_another_sound() -> None:
    sung = note("C3", 4, lyric("ah"))
    assert (first(sung).sung, first(sung).program) == (True, 52)
    assert first(sung, entry=program(5)).program == 4
    assert (first(note("C3", 4)).sung, first(note("C3", 4)).program) == (False, 0)
    named = (
        '<part-name>B</part-name><score-instrument id="I"><instrument-name>B</instrument-name>'
        "<instrument-sound>pluck.bass.electric</instrument-sound></score-instrument>"
    )
    assert first(note("C3", 4), entry=named).program == 33


def test_a_sung_bass_is_no_bass_guitar() -> None:
    entry = "<part-name>Bass</part-name>"
    parts = read_musicxml(
        score([note("C3", 4, lyric("ah"))], [note("C3", 4)], entries=[entry, entry])
    ).parts
    assert roles(parts) == ("other", "bass")


def test_every_part_of_the_score_is_a_part_even_without_notes() -> None:
    parts = read_musicxml(score([note("C4", 4)], [note("", 4)])).parts
    assert [len(part.notes) for part in parts] == [1, 0]
    assert [part.name for part in parts] == ["Part 1", "Part 2"]


def test_a_name_in_several_lines_is_one_line_here() -> None:
    part = first(note("C4", 4), entry="<part-name>Clarinet\n in Bb </part-name>")
    assert part.name == "Clarinet in Bb"
