"""Chord symbols: as text, and as the <harmony> of MusicXML."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import ChordSymbol
from subtractive.chord_symbols import KINDS, Degree, chord_symbol, no_chord, parse_chord
from subtractive.errors import OptionError
from subtractive.files.musicxml import read_musicxml
from tests.test_musicxml_notes import attributes, direction, move, note, read, score

FUNCTIONAL = {"Neapolitan", "Italian", "French", "German", "pedal", "Tristan"}


def harmony(root: str, kind: str = "major", inside: str = "", text: str = "") -> str:
    alter = root.count("#") - root.count("b")
    return (
        f"<harmony><root><root-step>{root[0]}</root-step><root-alter>{alter}</root-alter></root>"
        f'<kind text="{text}">{kind}</kind>{inside}</harmony>'
    )


def degree(value: int, alter: int, change: str) -> str:
    return (
        f"<degree><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>"
        f"<degree-type>{change}</degree-type></degree>"
    )


def only_chord(written: str, before: str = "") -> ChordSymbol:
    (chord,) = read(before + written + note("C4", 4)).chords
    return chord


@pytest.mark.parametrize(
    ("text", "root", "tones", "bass"),
    [
        ("C", 0, {0, 4, 7}, 0),
        ("Am7/G", 9, {9, 0, 4, 7}, 7),
        ("Bb", 10, {10, 2, 5}, 10),
        ("F#dim", 6, {6, 9, 0}, 6),
        ("Csus4", 0, {0, 5, 7}, 0),
        ("C7sus4", 0, {0, 5, 7, 10}, 0),
        ("Csus2", 0, {0, 2, 7}, 0),
        ("G7b9", 7, {7, 11, 2, 5, 8}, 7),
        ("Cmaj7", 0, {0, 4, 7, 11}, 0),
        ("CM7", 0, {0, 4, 7, 11}, 0),
        ("CΔ", 0, {0, 4, 7, 11}, 0),
        ("C-7", 0, {0, 3, 7, 10}, 0),
        ("Cm(maj7)", 0, {0, 3, 7, 11}, 0),
        ("Cø", 0, {0, 3, 6, 10}, 0),
        ("Bm7(b5)", 11, {11, 2, 5, 9}, 11),
        ("Co7", 0, {0, 3, 6, 9}, 0),
        ("C+", 0, {0, 4, 8}, 0),
        ("C7#5", 0, {0, 4, 8, 10}, 0),
        ("C6/9", 0, {0, 2, 4, 7, 9}, 0),
        ("C6/9/E", 0, {0, 2, 4, 7, 9}, 4),
        ("Cadd9", 0, {0, 2, 4, 7}, 0),
        ("Cmadd9", 0, {0, 2, 3, 7}, 0),
        ("C5", 0, {0, 7}, 0),
        ("C2", 0, {0, 2, 4, 7}, 0),
        ("C7(b9,#11)", 0, {0, 1, 4, 6, 7, 10}, 0),
        ("C7alt", 0, {0, 1, 3, 4, 6, 8, 10}, 0),
        ("C(no3)", 0, {0, 7}, 0),
        ("C13", 0, {0, 2, 4, 5, 7, 9, 10}, 0),
        ("Abb5", 8, {8, 0, 2}, 8),
        ("D/F#", 2, {2, 6, 9}, 6),
    ],
)
def test_names_that_musicians_write(text: str, root: int, tones: set[int], bass: int) -> None:
    assert parse_chord(text, 96) == ChordSymbol(96, text, root, tuple(sorted(tones)), bass)


@pytest.mark.parametrize("text", ["N.C.", "NC", "n.c.", "N.C", "no chord", "(N.C.)"])
def test_no_chord_has_no_tones(text: str) -> None:
    assert parse_chord(text, 5) == no_chord(5) == ChordSymbol(5, "N.C.", None, (), None)


@pytest.mark.parametrize(
    "text", ["", "H", "c", "Cfoo", "C77", "C/", "C/H", "Am7//G", "hello", "A B"]
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"is no chord symbol: write one such as"):
        parse_chord(text)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(set(KINDS) - FUNCTIONAL)),
    st.lists(
        st.builds(
            Degree,
            st.integers(1, 13),
            st.integers(-2, 2),
            st.sampled_from(["add", "alter", "subtract"]),
        ),
        max_size=3,
    ),
    st.sampled_from(["C", "Db", "F#", "B"]),
)
def test_the_text_of_any_chord_reads_back_to_the_same_chord(
    kind: str, degrees: list[Degree], bass: str
) -> None:
    written = chord_symbol("Eb", kind, degrees, bass)
    assert parse_chord(written.text) == written


@given(st.text(max_size=12))
def test_any_text_is_a_chord_or_refused(text: str) -> None:
    try:
        chord = parse_chord(text)
    except OptionError:
        return
    assert chord.pitch_classes == tuple(sorted(set(chord.pitch_classes)))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_kinds_agree_with_music21(kind: str) -> None:
    harmony21 = pytest.importorskip("music21.harmony")
    other_names = {
        "half-diminished": "half-diminished-seventh",
        "dominant": "dominant-seventh",
        "major-minor": "minor-major-seventh",
    }
    theirs = harmony21.ChordSymbol(root="E-", kind=other_names.get(kind, kind))
    ours = chord_symbol("Eb", kind)
    assert set(ours.pitch_classes) == {pitch.pitchClass for pitch in theirs.pitches}


def test_degrees_add_alter_and_subtract_as_the_standard_says() -> None:
    changes = degree(9, -1, "add") + degree(5, 1, "alter") + degree(3, 0, "subtract")
    chord = only_chord(harmony("C", "dominant", changes))
    assert chord.pitch_classes == (0, 1, 8, 10)
    # added degrees are those of a dominant chord, whatever the chord
    assert only_chord(harmony("C", "major", degree(7, 0, "add"))).pitch_classes == (0, 4, 7, 10)
    # an altered degree that the chord does not have is an added one
    assert only_chord(harmony("C", "major", degree(11, 1, "alter"))).pitch_classes == (0, 4, 6, 7)


def test_the_bass_stands_under_the_slash_and_not_in_the_chord() -> None:
    below = "<bass><bass-step>B</bass-step><bass-alter>-1</bass-alter></bass>"
    assert only_chord(harmony("C", inside=below)) == ChordSymbol(0, "C/Bb", 0, (0, 4, 7), 10)


@pytest.mark.parametrize(("inversion", "bass"), [(0, 0), (1, 4), (2, 7), (3, 10)])
def test_an_inversion_puts_its_tone_lowest(inversion: int, bass: int) -> None:
    inside = f"<inversion>{inversion}</inversion>"
    assert only_chord(harmony("C", "dominant-ninth", inside)).bass == bass


def test_chords_of_a_transposing_part_sound_with_its_notes() -> None:
    in_b_flat = attributes("<transpose><chromatic>-2</chromatic></transpose>")
    below = "<bass><bass-step>F</bass-step><bass-alter>1</bass-alter></bass>"
    chord = only_chord(harmony("D", "dominant", below), before=in_b_flat)
    assert chord == ChordSymbol(0, "C7/E", 0, (0, 4, 7, 10), 4)


@pytest.mark.parametrize(
    "written",
    [
        "<harmony><root><root-step>C</root-step></root><kind>none</kind></harmony>",
        harmony("C", "major", text="N.C."),
        direction("<words>N.C.</words>"),
    ],
)
def test_no_chord_is_told_by_kind_by_text_or_by_words(written: str) -> None:
    assert only_chord(written) == no_chord()


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("<function>V</function><kind>dominant</kind>", 9),
        ("<function>bVII</function><kind>major</kind>", 0),
        ("<numeral><numeral-root>2</numeral-root></numeral><kind>minor</kind>", 4),
        (
            "<numeral><numeral-root>6</numeral-root><numeral-key><numeral-fifths>0"
            "</numeral-fifths><numeral-mode>minor</numeral-mode></numeral-key></numeral>"
            "<kind>major</kind>",
            5,
        ),
    ],
)
def test_degrees_of_the_key_have_roots(written: str, root: int) -> None:
    in_d = attributes("<key><fifths>2</fifths></key>")
    assert only_chord(f"<harmony>{written}</harmony>", before=in_d).root == root


def test_functions_that_name_no_degree_are_left_out() -> None:
    music = read("<harmony><function>Ger</function><kind>German</kind></harmony>" + note("C4", 4))
    assert music.chords == ()


def test_kinds_outside_the_standard_are_read_from_their_names() -> None:
    assert only_chord(harmony("C", "other", text="7sus4")).pitch_classes == (0, 5, 7, 10)
    assert only_chord(harmony("C", "min")).pitch_classes == (0, 3, 7)
    stack = degree(5, 0, "add") + degree(9, 0, "add")
    assert only_chord(harmony("C", "other", stack)).pitch_classes == (0, 2, 7)


def test_chords_stand_where_the_cursor_and_their_offset_put_them() -> None:
    moved = harmony("F", inside="<offset>1</offset>")
    music = read(
        attributes("<divisions>2</divisions>")
        + harmony("C")
        + note("C4", 4)
        + moved
        + note("C4", 4),
        note("C4", 8) + move("backup", 4) + harmony("G"),
    )
    assert [(chord.tick / 480, chord.text) for chord in music.chords] == [
        (0, "C"),
        (2.5, "F"),
        (6, "G"),
    ]


def test_several_chords_over_one_note_share_its_time() -> None:
    music = read(harmony("D", "minor") + harmony("G", "dominant") + note("C4", 4), note("C4", 4))
    assert [(chord.tick // 480, chord.text) for chord in music.chords] == [(0, "Dm"), (2, "G7")]


def test_at_each_place_the_first_part_with_a_chord_counts() -> None:
    music = read_musicxml(
        score(
            [note("C4", 4), harmony("F") + note("C4", 4)],
            [harmony("C") + note("C4", 2) + harmony("A", "minor") + note("C4", 2), harmony("G")],
        )
    )
    assert [(chord.tick // 480, chord.text) for chord in music.chords] == [
        (0, "C"),
        (2, "Am"),
        (4, "F"),
    ]


def test_a_chart_of_chords_without_notes_is_a_score() -> None:
    music = read(harmony("C"), harmony("A", "minor") + harmony("D", "minor"), harmony("G"))
    assert music.barlines == (0, 1920, 3840, 5760)
    assert [(chord.tick // 480, chord.text) for chord in music.chords] == [
        (0, "C"), (4, "Am"), (6, "Dm"), (8, "G"),
    ]  # fmt: skip
