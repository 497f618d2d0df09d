"""What a user says of harmony by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Bar, Metre, Note, Part, bars
from subtractive.chart import chord_chart, parse_key
from subtractive.errors import OptionError
from subtractive.harmony import NAMES, chord_at

BEAT = 480


def measures(count: int, numerator: int = 4, denominator: int = 4) -> tuple[Bar, ...]:
    length = BEAT * 4 * numerator // denominator
    part = Part("Lead", 80, False, (Note(0, count * length, 60, 80),))
    return bars(Arrangement(BEAT, (part,), metres=(Metre(0, numerator, denominator),)))


def read(chart: str, *written: Bar) -> list[tuple[float, str]]:
    """Chords and the quarter notes they stand at."""
    return [(chord.tick / BEAT, chord.text) for chord in chord_chart(chart, written)]


@pytest.mark.parametrize(
    ("text", "tonic", "is_minor"),
    [
        ("C", 0, False),
        ("Eb", 3, False),
        ("E♭", 3, False),
        ("F# minor", 6, True),
        ("f♯ MINOR", 6, True),
        ("F#-minor", 6, True),
        ("Am", 9, True),
        ("am", 9, True),
        ("A min", 9, True),
        ("AM", 9, False),
        ("a", 9, False),
        ("A major", 9, False),
        ("Amaj", 9, False),
        ("B", 11, False),
        ("b", 11, False),
        ("bb", 10, False),
        ("Bbm", 10, True),
        ("  G  ", 7, False),
        ("Cb", 11, False),
    ],
)
def test_keys_as_musicians_write_them(text: str, tonic: int, is_minor: bool) -> None:
    key = parse_key(text)
    assert (key.tick, key.tonic, key.is_minor) == (0, tonic, is_minor)


@pytest.mark.parametrize("text", ["", "H", "X", "Am7", "C D", "minor", "major", "C dorian", "12"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"no key.*such as"):
        parse_key(text)


@pytest.mark.parametrize("is_minor", [False, True])
@pytest.mark.parametrize("tonic", range(12))
def test_every_key_has_a_name(tonic: int, is_minor: bool) -> None:
    key = parse_key(NAMES[tonic] + ("m" if is_minor else ""))
    assert (key.tonic, key.is_minor) == (tonic, is_minor)


def test_the_chords_of_a_bar_share_its_beats() -> None:
    found = read("Am | F C/E | G F Em D | %", *measures(4))
    assert found == [
        (0, "Am"),
        (4, "F"),
        (6, "C/E"),
        (8, "G"),
        (9, "F"),
        (10, "Em"),
        (11, "D"),
    ]


def test_a_chart_is_repeated_to_the_end() -> None:
    assert read("C | G", *measures(5)) == [(0, "C"), (4, "G"), (8, "C"), (12, "G"), (16, "C")]
    assert read("C | G | Am", *measures(2)) == [(0, "C"), (4, "G")]


@pytest.mark.parametrize("chart", ["C | % | G | %", "|C||G||", "| C |  | G | % |", "C|%|G| "])
def test_a_percent_sign_or_nothing_keeps_what_sounds(chart: str) -> None:
    written = measures(3)
    chords = chord_chart(chart, written)
    held = [chord_at(chords, bar.onset) for bar in written]
    assert [chord.text for chord in held if chord] == ["C", "C", "G"]


def test_chords_stand_on_the_beats_of_any_metre() -> None:
    assert read("C G", *measures(1, 3, 4)) == [(0, "C"), (1, "G")]
    assert read("C G", *measures(1, 6, 8)) == [(0, "C"), (1.5, "G")]
    assert read("C G", *measures(1, 2, 2)) == [(0, "C"), (2, "G")]
    assert read("C F G", *measures(2, 5, 4)) == [
        (0, "C"),
        (1, "F"),
        (3, "G"),
        (5, "C"),
        (6, "F"),
        (8, "G"),
    ]


def test_a_slash_names_the_bass_and_no_chord_names_none() -> None:
    over, nothing = chord_chart("C/E | N.C.", measures(2))
    assert (over.root, over.pitch_classes, over.bass) == (0, (0, 4, 7), 4)
    assert (nothing.root, nothing.pitch_classes, nothing.bass) == (None, (), None)


def test_more_chords_than_beats_leave_one_on_each_beat() -> None:
    found = read("C D E F G", *measures(1))
    assert [onset for onset, _ in found] == [0, 1, 2, 3]
    assert found[-1] == (3, "G")


@pytest.mark.parametrize("chart", ["", " ", "|", "% | %", "||||"])
def test_a_chart_without_a_chord_is_refused(chart: str) -> None:
    with pytest.raises(OptionError, match="holds no chord"):
        chord_chart(chart, measures(2))


@pytest.mark.parametrize("chart", ["H", "C | Xyz", "C , F", "C - F"])
def test_what_is_no_chord_is_refused(chart: str) -> None:
    with pytest.raises(OptionError, match="no chord symbol"):
        chord_chart(chart, measures(2))


names = st.builds(
    str.__add__, st.sampled_from(NAMES), st.sampled_from(("", "m", "7", "maj7", "dim"))
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(names, min_size=1, max_size=4), min_size=1, max_size=6),
    st.sampled_from(((4, 4), (3, 4), (6, 8), (5, 4), (2, 2))),
    st.integers(1, 9),
)
def test_every_bar_begins_with_its_first_chord(
    written: list[list[str]], metre: tuple[int, int], count: int
) -> None:
    many = measures(count, *metre)
    chords = chord_chart(" | ".join(" ".join(bar) for bar in written), many)
    ticks = [chord.tick for chord in chords]
    assert ticks == sorted(set(ticks))
    for number, bar in enumerate(many):
        asked = written[number % len(written)]
        inside = [chord.text for chord in chords if bar.onset <= chord.tick < bar.end]
        if len(asked) <= bar.length // bar.beat:
            assert inside == asked
        assert inside[-1] == asked[-1]
