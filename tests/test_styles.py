"""Styles: whole, true of what they name, understood in a text, and split without a leak."""

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.grooves import LIBRARIES
from subtractive.mma import library_folder
from subtractive.performances import performances
from subtractive.styles import (
    FAMILIES,
    KIN,
    LEFT_OUT,
    STYLES,
    WITHOUT_BAND,
    Family,
    Style,
    family_of,
    split_of_groove_file,
    style_of,
    style_words_in,
    styles_in,
    synonyms,
)

GROOVES = [file for style in STYLES for file in style.grooves]


def grooves_of(family: Family) -> list[str]:
    return [file for style in family.styles for file in style.grooves]


def careful(file: str) -> bool:
    return file.split("/", maxsplit=1)[0] in LIBRARIES and file not in WITHOUT_BAND


def test_there_are_fourteen_families_and_no_two_styles_of_one_name() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) == 14
    assert len({style.name for style in STYLES}) == len(STYLES)


def test_nothing_has_two_styles() -> None:
    played = GROOVES + [each for style in STYLES for each in style.drums]
    assert len(set(played)) == len(played)
    assert not {*played} & {*LEFT_OUT}


@pytest.mark.program("mma")
def test_every_groove_file_has_a_family_or_a_reason_to_have_none() -> None:
    there = {f"{path.parent.name}/{path.stem}" for path in library_folder().glob("*/*.mma")}
    assert there == {*GROOVES, *(file for file in LEFT_OUT if "/" in file)}


@pytest.mark.data
def test_every_drum_style_has_a_family_or_a_reason_to_have_none(data: Path) -> None:
    styles = {each.style for each in performances(data / "gmd")}
    assert styles
    assert {each for each in styles if not family_of(each)} == {
        each for each in LEFT_OUT if "/" not in each
    }


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_what_a_style_is_called_is_understood_as_its_family(style: Style) -> None:
    for word in (*style.adjectives, *style.heard):
        assert style_words_in(f"Add a quiet {word} bass, please") == {style.family}, word
        assert family_of(word) == style.family, word


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_a_name_names_its_style(style: Style) -> None:
    assert styles_in(f"some {style.name} drums") == {style.name}
    assert style.name in style.nouns
    assert {*style.nouns} <= {*style.adjectives}


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_what_plays_a_style_is_called_as_the_style_is(style: Style) -> None:
    for file in style.grooves:
        assert style_of("any name", file) is style
        assert style_of(f"{file}:Groove1") is style
        assert synonyms(style.family, "Groove1", file) == style.adjectives
    for drums in style.drums:
        assert synonyms(family_of(drums), drums) == style.adjectives


@given(st.sampled_from(STYLES), st.data())
def test_case_and_hyphens_mean_nothing(style: Style, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(style.adjectives))
    forms = word.upper(), word.lower(), word.title(), word.replace(" ", "-"), f"“{word}”,"
    for written in forms:
        assert style_words_in(written) == {style.family}


@given(st.sampled_from(STYLES), st.text(string.ascii_lowercase, min_size=3, max_size=5))
def test_a_word_inside_a_word_is_no_style(style: Style, letters: str) -> None:
    # capitals, signs and digits part words
    last = re.findall(r"[a-z]+", style.name.lower())[-1]
    assert style.family not in style_words_in(f"zq{letters}{last}{letters}qz")


@pytest.mark.parametrize(
    ("text", "families"),
    [
        ("a rocksteady groove", {"reggae and ska"}),
        ("rock-steady drums", {"reggae and ska"}),
        ("a folk-rock guitar", {"rock"}),
        ("folk and rock", {"rock", "country and folk"}),
        ("rhythm & blues", {"funk and soul"}),
        ("rock 'n' roll", {"rock"}),
        ("rock ’n’ roll", {"rock"}),
        ("a rock ballad", {"ballad"}),
        ("a jazzy waltz", {"waltz"}),
        ("baiao", {"latin"}),
        ("a soulful bass", {"funk and soul"}),
        ("heart and soul", set()),
        ("a rock-solid bass with a twist", set()),
        ("the most popular folks on metallica's soulmate", set()),
        ("add drum and bass to this", set()),
        ("some drum'n'bass", {"disco and dance"}),
        ("rnb, RnB or RNB", {"funk and soul"}),
        ("", set()),
    ],
)
def test_words_that_mislead(text: str, families: set[str]) -> None:
    assert style_words_in(text) == families


def test_a_finer_change_of_style_shows() -> None:
    assert style_words_in("a samba bass") == style_words_in("a bossa nova bass")
    assert styles_in("a samba bass") != styles_in("a bossa nova bass")
    assert styles_in("a bossa bass") == styles_in("a bossa nova bass")


@pytest.mark.parametrize(
    ("label", "family"),
    [
        ("jazzy", "jazz and swing"),
        ("hip-hop", "hip hop"),
        ("lively Latin flair", "latin"),
        ("latin-brazilian-baiao", "latin"),
        ("funk-purdieshuffle", "funk and soul"),
        ("soul-groove3", "funk and soul"),
        ("BossaNova1Sus", "latin"),
        ("loud", ""),
        ("stdlib/metronome", ""),
        ("highlife", ""),
    ],
)
def test_families_of_labels_and_of_free_words(label: str, family: str) -> None:
    assert family_of(label) == family


def test_the_file_decides_before_the_name() -> None:
    assert family_of("Swing1", "stdlib/samba") == "latin"
    assert family_of("Swing1", "stdlib/metronome") == ""
    assert family_of("Swing1", "mine/new") == "jazz and swing"


def test_a_word_is_not_said_of_what_it_is_not_true_of() -> None:
    assert "bossa nova" in synonyms("latin", "BossaNova", "stdlib/bossanova")
    assert "bossa nova" not in synonyms("latin", "Samba", "stdlib/samba")
    assert "reggae" not in synonyms("reggae and ska", "Ska1", "stdlib/ska")
    assert "jazz" not in synonyms("jazz and swing", "Foxtrot", "stdlib/foxtrot")
    assert "rock" in synonyms("rock", "punk")
    # a label of another family says nothing of this one
    assert synonyms("latin", "rock") == ("Latin",)
    assert synonyms("no family", "rock") == ()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_is_on_both_sides(family: Family) -> None:
    sides = [split_of_groove_file(file) for file in grooves_of(family)]
    assert {*sides} == {"train", "valid"}
    assert sides.count("valid") <= max(2, len(sides) / 7)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_careful_libraries_alone_have_both_sides_where_two_files_are(family: Family) -> None:
    files = [file for file in grooves_of(family) if careful(file)]
    expected = {"train", "valid"} if len(files) > 1 else {"train"}
    assert {split_of_groove_file(file) for file in files} == expected


def test_only_hip_hop_and_reggae_have_but_one_careful_file() -> None:
    alone = {each.name for each in FAMILIES if sum(map(careful, grooves_of(each))) < 2}
    assert alone == {"hip hop", "reggae and ska"}


def test_nothing_made_from_what_is_learned_from_is_held_out() -> None:
    assert {*GROOVES, *LEFT_OUT} >= KIN
    assert {split_of_groove_file(file) for file in (*KIN, *LEFT_OUT)} == {"train"}


def test_of_a_style_at_most_one_file_of_a_kind_of_library_is_held_out() -> None:
    for style in STYLES:
        held = [careful(file) for file in style.grooves if split_of_groove_file(file) == "valid"]
        assert len(held) == len({*held}), style.name


def test_about_one_file_in_ten_is_held_out() -> None:
    held = sum(split_of_groove_file(file) == "valid" for file in GROOVES)
    assert 0.08 < held / len(GROOVES) < 0.13
    assert split_of_groove_file("mine/new") == "train"
