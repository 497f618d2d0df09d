"""The notes of MusicXML: when they sound, how high, how long, how loud. With the builder of the
small scores that the other MusicXML tests are written in."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, KeySignature, Metre, Note, Part, Tempo
from subtractive.errors import FileFormatError
from subtractive.files.musicxml import read_musicxml

QUARTER = 480
HEAD = "<divisions>1</divisions>"
COMMON = "<time><beats>4</beats><beat-type>4</beat-type></time>"


def score(*parts: Sequence[str], entries: Sequence[str] = ()) -> bytes:
    """Return a partwise score; each part is the insides of its measures."""
    listed, written = "", ""
    for number, measures in enumerate(parts, 1):
        entry = entries[number - 1] if entries else f"<part-name>Part {number}</part-name>"
        listed += f'<score-part id="P{number}">{entry}</score-part>'
        inside = "".join(
            f'<measure number="{place}">{text}</measure>' for place, text in enumerate(measures, 1)
        )
        written += f'<part id="P{number}">{inside}</part>'
    return (
        f'<score-partwise version="4.0"><part-list>{listed}</part-list>{written}</score-partwise>'
    ).encode()


def note(name: str, duration: float, inside: str = "", before: str = "", ties: str = "") -> str:
    """Return a note such as ``note("C#4", 2)``; a rest where the name is empty."""
    tied = "".join(f'<tie type="{each}"/>' for each in ties.split())
    pitch = "<rest/>"
    if name:
        alter = name.count("#") - name.count("b")
        pitch = (
            f"<pitch><step>{name[0]}</step><alter>{alter}</alter>"
            f"<octave>{name[-1]}</octave></pitch>"
        )
    return f"<note>{before}{pitch}<duration>{duration}</duration>{tied}{inside}</note>"


def attributes(inside: str) -> str:
    return f"<attributes>{inside}</attributes>"


def move(where: str, duration: float) -> str:
    return f"<{where}><duration>{duration}</duration></{where}>"


def direction(inside: str, sound: str = "") -> str:
    return f"<direction><direction-type>{inside}</direction-type>{sound}</direction>"


def first(*measures: str, entry: str = "") -> Part:
    """Return the first part of a score of one part."""
    return read(*measures, entry=entry).parts[0]


def read(*measures: str, entry: str = "") -> Arrangement:
    return read_musicxml(score(measures, entries=[entry] if entry else ()))


def heard(part: Part) -> list[tuple[float, float, int]]:
    """Return onset and duration in quarters, and pitch."""
    return [(each.onset / QUARTER, each.duration / QUARTER, each.pitch) for each in part.notes]


def test_backup_and_forward_set_the_second_voice_beside_the_first() -> None:
    part = first(
        note("C5", 4) + move("backup", 4) + move("forward", 1) + note("E4", 2) + note("", 1),
        note("D5", 4),
    )
    assert heard(part) == [(0, 4, 72), (1, 2, 64), (4, 4, 74)]


def test_notes_of_a_chord_begin_together_though_their_lengths_differ() -> None:
    part = first(note("C4", 2) + note("E4", 1, before="<chord/>") + note("G4", 2))
    assert heard(part) == [(0, 2, 60), (0, 1, 64), (2, 2, 67)]


def test_grace_and_cue_notes_and_slashes_do_not_sound_and_only_graces_take_no_time() -> None:
    grace = "<note><grace/><pitch><step>B</step><octave>4</octave></pitch></note>"
    slash = note("B4", 1, "<notehead>slash</notehead>")
    part = first(grace + note("C5", 1) + note("D5", 1, before="<cue/>") + slash + note("E5", 1))
    assert heard(part) == [(0, 1, 72), (3, 1, 76)]


def test_ties_join_across_barlines_into_one_note() -> None:
    part = first(
        note("C4", 4, ties="start"), note("C4", 4, ties="stop start"), note("C4", 4, ties="stop")
    )
    assert heard(part) == [(0, 12, 60)]


def test_a_printed_tie_counts_where_no_sounding_one_is_given() -> None:
    printed = '<notations><tied type="{}"/></notations>'
    part = first(note("C4", 1, printed.format("start")) + note("C4", 1, printed.format("stop")))
    assert heard(part) == [(0, 2, 60)]


def test_tied_chords_of_two_voices_join_pitch_by_pitch() -> None:
    low = note("C4", 4, ties="start") + note("E4", 4, before="<chord/>", ties="start")
    again = note("E4", 4, ties="stop") + note("C4", 2, before="<chord/>", ties="stop")
    assert heard(first(low, again)) == [(0, 6, 60), (0, 8, 64)]


def test_a_tie_enters_both_endings_but_does_not_lead_back() -> None:
    first_ending = '<barline location="left"><ending number="1" type="start"/></barline>'
    back = (
        '<barline location="right"><ending number="1" type="stop"/>'
        '<repeat direction="backward"/></barline>'
    )
    second_ending = '<barline location="left"><ending number="2" type="start"/></barline>'
    part = first(
        note("C4", 4, ties="start"),
        first_ending + note("C4", 4, ties="stop start") + back,
        second_ending + note("C4", 4),
    )
    assert heard(part) == [(0, 8, 60), (8, 8, 60)]


def test_untied_repetitions_stay_apart() -> None:
    assert heard(first(note("C4", 2) + note("C4", 2))) == [(0, 2, 60), (2, 2, 60)]


def test_transposing_instruments_sound_where_they_sound_and_may_change() -> None:
    in_b_flat = attributes(
        "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    )
    bass = attributes(
        "<transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
    )
    part = first(in_b_flat + note("D5", 4), note("D5", 4), bass + note("D5", 4))
    assert [pitch for _, _, pitch in heard(part)] == [72, 72, 62]


def test_a_transposition_may_be_of_one_staff_only() -> None:
    lower = attributes('<transpose number="2"><chromatic>-12</chromatic></transpose>')
    part = first(
        lower
        + note("C4", 4, "<staff>1</staff>")
        + move("backup", 4)
        + note("C4", 4, "<staff>2</staff>")
    )
    assert [pitch for _, _, pitch in heard(part)] == [48, 60]


def test_the_key_is_the_one_that_sounds() -> None:
    in_a = attributes(
        "<key><fifths>0</fifths><mode>minor</mode></key><transpose><chromatic>-3</chromatic></transpose>"
    )
    (key,) = read(in_a + note("A4", 4)).keys
    assert key == KeySignature(0, 3, is_minor=True)
    assert key.tonic == 6


@pytest.mark.parametrize(
    ("fifths", "semitones"), [(fifths, moved) for fifths in (-3, 0, 4) for moved in range(-12, 13)]
)
def test_moving_the_key_moves_its_tonic(fifths: int, semitones: int) -> None:
    written = KeySignature(0, fifths)
    (key,) = read(
        attributes(
            f"<key><fifths>{fifths}</fifths></key>"
            f"<transpose><chromatic>{semitones}</chromatic></transpose>"
        )
        + note("C4", 4)
    ).keys
    assert key.tonic == (written.tonic + semitones) % 12
    assert -7 <= key.fifths <= 7


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([2, 3, 5, 6, 7, 8, 12, 16, 24, 480, 768]), min_size=1, max_size=4))
def test_divisions_of_any_kind_fill_the_bar_exactly(divisions: list[int]) -> None:
    bars = [
        attributes(f"<divisions>{count}</divisions>") + note("C4", 1) + note("D4", count - 1)
        for count in divisions
    ]
    music = read(*bars)
    ticks = music.ticks_per_beat
    assert ticks >= 480
    assert music.barlines == tuple(ticks * place for place in range(len(divisions) + 1))
    for place, count in enumerate(divisions):
        short, long = music.parts[0].notes[2 * place : 2 * place + 2]
        # every beat of every bar is cut where its own divisions cut it
        assert ticks % count == 0
        assert short == Note(place * ticks, ticks // count, 60, 80)
        assert long == Note(place * ticks + ticks // count, ticks - ticks // count, 62, 80)


def test_a_grid_too_fine_for_midi_is_rounded_to_one_that_midi_can_count() -> None:
    bars = [attributes(f"<divisions>{count}</divisions>") + note("C4", 1) for count in (1021, 1019)]
    music = read(*bars)
    assert music.ticks_per_beat == 30_240
    assert music.parts[0].notes == (Note(0, 30, 60, 80), Note(30, 29, 60, 80))


def test_the_measure_is_as_long_as_the_fullest_part() -> None:
    music = read_musicxml(
        score(
            [attributes(COMMON) + note("C4", 1), note("", 4), note("C4", 3)],
            [note("C3", 0.5), note("C3", 2), ""],
        )
    )
    assert [line // QUARTER for line in music.barlines] == [0, 1, 5, 8]


def test_an_empty_measure_is_as_long_as_its_metre() -> None:
    three = attributes("<time><beats>3</beats><beat-type>8</beat-type></time>")
    music = read(note("C4", 4), three, note("C4", 1.5))
    assert [line / QUARTER for line in music.barlines] == [0, 4, 5.5, 7]


def test_metres_add_up_and_those_that_midi_cannot_write_are_left_out() -> None:
    added = attributes("<time><beats>3+2</beats><beat-type>8</beat-type></time>")
    pair = attributes(
        "<time><beats>3</beats><beat-type>8</beat-type><beats>1</beats><beat-type>4</beat-type></time>"
    )
    free = attributes("<time><senza-misura/></time>")
    sixths = attributes("<time><beats>2</beats><beat-type>6</beat-type></time>")
    music = read(added + note("C4", 2.5), pair + note("C4", 2.5), free + note("C4", 7), sixths)
    assert music.metres == (Metre(0, 5, 8), Metre(1200, 5, 8))


def test_the_sounding_tempo_wins_over_the_printed_one() -> None:
    mark = "<metronome><beat-unit>quarter</beat-unit><per-minute>60</per-minute></metronome>"
    dotted = (
        "<metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>c. 80</per-minute></metronome>"
    )
    music = read(
        direction(mark, '<sound tempo="100"/>') + note("C4", 2) + direction(mark) + note("C4", 2),
        direction(dotted) + note("C4", 4),
        '<sound tempo="150"><offset>1</offset></sound>' + note("C4", 4),
    )
    assert music.tempos == (
        Tempo(0, 600_000),
        Tempo(2 * QUARTER, 1_000_000),
        Tempo(4 * QUARTER, 500_000),
        Tempo(9 * QUARTER, 400_000),
    )


def test_velocities_follow_the_dynamics_in_force_where_they_stand() -> None:
    soft, loud = direction("<dynamics><p/></dynamics>"), direction("<dynamics><ff/></dynamics>")
    percent = direction("<dynamics><p/></dynamics>", '<sound dynamics="100"/>')
    part = first(
        note("C5", 1) + soft + note("D5", 1) + loud + note("E5", 2)
        + move("backup", 4) + note("C3", 1) + note("D3", 1) + note("E3", 2),
        note("F5", 2) + percent + note("G5", 2),
        note("A5", 4).replace("<note>", '<note dynamics="50">'),
    )  # fmt: skip
    velocity = {each.pitch: each.velocity for each in part.notes}
    assert velocity == {72: 80, 74: 49, 76: 112, 48: 80, 50: 49, 52: 112, 77: 112, 79: 90, 81: 45}


def test_a_number_that_is_none_is_told_with_its_bar_and_part() -> None:
    with pytest.raises(FileFormatError, match=r"tune\.xml: bar 2 of part 'Part 1'.*'two'"):
        read_musicxml(score([note("C4", 4), note("C4", 1).replace(">1<", ">two<")]), "tune.xml")
