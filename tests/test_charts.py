"""Chord charts: what the annotation files say, bar by bar, and which of it can be played."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.charts import (
    LEAST_BARS,
    METRES,
    QUALITIES,
    ChordChart,
    Section,
    harte,
    is_minor,
    parse_chart,
    read_charts,
    scale,
)
from subtractive.chord_symbols import parse_chord
from subtractive.progressions import BarChords, chord, phrase

SONG = """\
# title: Not Kept
# artist: Nobody
# metre: 4/4
# tonic: F

0.0\tsilence
0.25\tA, intro, | F:maj | Bb:maj/5 |, (flute), (violin)
4.0\tB, verse, | F:maj F:maj/b7 | D:min . . Bb:maj | x2, (voice
12.0\t| C:sus4(b7,9) | &pause | C:7 | ->, voice)
20.0\tfadeout, | F:maj |
24.0\tB', verse, | F:maj | (2/4) C:maj | F:maj |
28.0\tC, bridge, | N | F:maj |
# tonic: G
30.0\tsolo, | G:maj . D:7 . | G:maj D:7 G:maj D:7 |, guitar)
# metre: 3/4
34.0\tD, outro, | G:maj . D:7 |
40.0\tsilence
44.0\tend
"""
LETTERS = st.sampled_from("CDEFGAB")
ROOTS = st.builds(str.__add__, LETTERS, st.sampled_from(["", "#", "b"]))


def names(bars: tuple[BarChords, ...]) -> list[str]:
    return [" ".join(each.name(5) for each in bar) for bar in bars]


def timeline(bars: tuple[BarChords, ...], bar_length: Fraction) -> list[tuple[Fraction, object]]:
    """When a chord begins that is not the one before."""
    found: list[tuple[Fraction, object]] = []
    for number, bar in enumerate(bars):
        for place, each in enumerate(bar):
            if not found or found[-1][1] != each:
                found.append((bar_length * (number + Fraction(place, len(bar))), each))
    return found


def chart_of(*lengths: int, flawed: tuple[int, ...] = ()) -> ChordChart:
    sections = tuple(
        Section("A", "", phrase("C") * length, 0, "a gap" if place in flawed else "")
        for place, length in enumerate(lengths)
    )
    return ChordChart("made", (4, 4), sections, 0)


def test_a_file_is_read_section_by_section() -> None:
    chart = parse_chart(SONG, "billboard/1")
    assert (chart.name, chart.metre, chart.tonic) == ("billboard/1", (4, 4), 5)
    assert [(each.letter, each.name) for each in chart.sections] == [
        *(("A", "intro"), ("B", "verse"), ("B'", "verse"), ("C", "bridge"), ("C", "solo")),
        ("D", "outro"),
    ]
    intro, verse, *_, solo, _ = chart.sections
    assert names(intro.bars) == ["F", "Bb/F"]
    twice = ["F F7/Eb", "Dm Dm Dm Bb"] * 2
    assert names(verse.bars) == [*twice, "C9sus4", "C7", "F"]
    assert names(solo.bars) == ["G D7", "G D7 G D7"]
    assert [each.tonic for each in chart.sections] == [5, 5, 5, 5, 7, 7]
    assert "Nobody" not in repr(chart)
    assert "Kept" not in repr(chart)


def test_a_section_that_no_groove_can_play_says_why() -> None:
    flaws = [each.flaw for each in parse_chart(SONG).sections]
    assert flaws == ["", "", "a bar of 2/4 in 4/4", "'N' is no chord", "", "a bar of 3/4 in 4/4"]


@pytest.mark.parametrize("text", ["", "# metre: 4/4\n0.0\tA, verse, | C:maj |\n", "0.0\tsilence\n"])
def test_a_file_without_metre_tonic_or_bars_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no metre or no tonic|holds no bars"):
        parse_chart(text)


@given(st.lists(st.sampled_from(["C:maj", "A:min", "F:maj7", "."]), min_size=1, max_size=12))
def test_a_bar_keeps_its_chords_on_their_beats_and_is_as_short_as_can_be(beats: list[str]) -> None:
    beats = ["G:7", *beats]
    written = "# metre: 4/4\n# tonic: C\n0.0\tA, verse, | " + " ".join(beats) + " |\n"
    (bar,) = parse_chart(written).sections[0].bars
    assert len(beats) % len(bar) == 0
    sounding = ""
    for place, word in enumerate(beats):
        sounding = sounding if word == "." else word
        assert bar[place * len(bar) // len(beats)] == harte(sounding)
    for fewer in range(1, len(bar)):
        each = len(bar) / fewer
        assert len(bar) % fewer or any(
            bar[i] != bar[int(i // each * each)] for i in range(len(bar))
        )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("C:maj", "C"),
        ("Cb:maj", "B"),
        ("Bb:min7/b3", "Bbm7/Db"),
        ("G:7(#9)", "G7#9"),
        ("D:hdim7", "Dm7b5"),
        ("C:maj(9)", "Cadd9"),
        ("C:sus4(b7)", "C7sus4"),
        ("C:maj6(9)", "C69"),
        ("C:minmaj7", "Cm(maj7)"),
        ("C:dim", "Cdim"),
        ("C:5", "C5"),
        # what has no name of its own is called by the nearest
        ("C:1", "C5"),
        ("C:5(b7)", "C7(omit3)"),
        ("C:1(b3,b7)", "Cm7"),
        ("C:aug(b7)", "Caug7"),
        ("C:min(b13)", "Cm"),
        ("C:9(13)", "C13"),
        # a bass that MMA would not play under a plain chord
        ("C:maj/b7", "C7/Bb"),
        ("A:min/13", "Am6/Gb"),
        ("A:min/b7", "Am/G"),
        ("C:maj/9", "C/D"),
    ],
)
def test_chords_are_called_as_musicians_call_them(written: str, name: str) -> None:
    made = harte(written)
    assert made is not None
    assert made.name(5) == name
    assert chord(made.name(5)) == made


@pytest.mark.parametrize("text", ["N", "*", "&pause", "C", "H:maj", "C:loud", "C:maj/"])
def test_what_is_no_chord_is_none(text: str) -> None:
    assert harte(text) is None


@given(ROOTS, st.sampled_from(["maj", "min7", "7(b9)", "sus4(9)", "1(5)", "maj/3", "min/b7"]))
def test_a_chord_does_not_depend_on_its_root(root: str, rest: str) -> None:
    made, in_c = harte(f"{root}:{rest}"), harte(f"C:{rest}")
    assert made is not None
    assert in_c is not None
    assert made == in_c.transposed(made.root)


@given(st.sampled_from(["maj", "min", "7", "maj7", "5", "1"]), st.integers(1, 13))
def test_the_bass_under_the_slash_is_one_that_mma_plays(short: str, degree: int) -> None:
    for sign in ("", "b", "#"):
        made = harte(f"C:{short}/{sign}{degree}")
        assert made is not None
        assert made.bass in scale(made.quality)


def test_no_two_names_that_we_choose_from_mean_the_same() -> None:
    meant = [parse_chord("C" + quality).pitch_classes for quality in QUALITIES]
    assert len(set(meant)) == len(QUALITIES)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(16, 64), st.data())
def test_runs_are_whole_sections_in_order_without_a_gap(
    lengths: list[int], longest: int, data: st.DataObject
) -> None:
    flawed = tuple(data.draw(st.sets(st.integers(0, len(lengths) - 1), max_size=3)))
    chart = chart_of(*lengths, flawed=flawed)
    runs = chart.runs(longest)
    for run in runs:
        assert LEAST_BARS <= sum(len(each.bars) for each in run) <= longest
        first = next(place for place, each in enumerate(chart.sections) if each is run[0])
        assert chart.sections[first : first + len(run)] == run
        assert not any(each.flaw for each in run)
    long_enough = {place for place, each in enumerate(lengths) if LEAST_BARS <= each <= longest}
    assert len(runs) >= len(long_enough - set(flawed))


def test_two_bars_of_six_eighths_are_one_of_twelve() -> None:
    bars = phrase("C | C G7 | C Dm Em F | C Dm Em")
    chart = ChordChart("made", (12, 8), (Section("A", "", bars, 0),), 0)
    halved = chart.in_metre((6, 8))
    assert halved is not None
    assert halved.metre == (6, 8)
    assert timeline(bars, Fraction(12)) == timeline(halved.sections[0].bars, Fraction(6))
    assert names(halved.sections[0].bars)[:6] == ["C", "C", "C", "G7", "C Dm", "Em F"]
    assert chart.in_metre((12, 8)) == chart
    assert chart.in_metre((4, 4)) is None
    assert halved.in_metre((12, 8)) is None


@given(st.integers(0, 11), st.sampled_from(["C | F | G", "Cm | Ab | C | Cm7", "F | G", "C5 | C"]))
def test_the_mode_stays_in_every_key(semitones: int, bars: str) -> None:
    section = Section("A", "", phrase(bars), 0)
    assert is_minor([section.transposed(semitones)]) is is_minor([section]) is ("Cm" in bars)


def test_charts_are_named_by_their_folder_and_what_is_left_out_is_told(tmp_path: Path) -> None:
    bars = "| C:maj | G:7 | " * 10 + "|"
    head = "# metre: 4/4\n# tonic: C\n"
    good = f"{head}0.0\tA, verse, {bars.replace('| |', '|')}\n1.0\tB, trans, | N |\n"
    texts = {
        "0002": good,
        "0001": good,
        "0003": head + "0.0\tA, verse, | C:maj |\n",
        "0004": good.replace("4/4", "7/4"),
        "0005": "nothing",
    }
    for folder, text in texts.items():
        (tmp_path / "deep" / folder).mkdir(parents=True)
        (tmp_path / "deep" / folder / "salami_chords.txt").write_text(text, encoding="utf-8")
    told: list[tuple[str, str]] = []
    charts = read_charts(tmp_path, lambda *each: told.append(each))
    assert [each.name for each in charts] == ["billboard/0001", "billboard/0002"]
    assert [name for name, _ in told] == [
        *("billboard/0001, section 2", "billboard/0002, section 2"),
        *("billboard/0003", "billboard/0004", "billboard/0005"),
    ]
    assert charts == read_charts(tmp_path)
    assert str(tmp_path) not in repr(charts)


@pytest.mark.data
def test_of_the_whole_collection_nothing_is_lost_silently(data: Path) -> None:
    told: list[tuple[str, str]] = []
    folder = data / "billboard"
    charts = read_charts(folder, lambda *each: told.append(each))
    whole = {name for name, _ in told if ", section" not in name}
    files = {f"billboard/{path.parent.name}" for path in folder.rglob("salami_chords.txt")}
    assert {each.name for each in charts} | whole == files
    assert not {each.name for each in charts} & whole
    assert len(charts) > 0.95 * len(files)
    reasons = {reason for name, reason in told if ", section" in name}
    # every chord of the collection is understood; only its signs for none and for unclear remain
    assert {each for each in reasons if "chord" in each} == {"'N' is no chord", "'*' is no chord"}
    assert {each.metre for each in charts} == set(METRES)


@pytest.mark.data
def test_a_beat_lasts_as_long_in_one_line_as_in_the_next(data: Path) -> None:
    """The files' own clock judges how bars were counted, repeats and pauses included."""
    near = total = 0
    for path in sorted((data / "billboard").rglob("salami_chords.txt"))[:200]:
        text = path.read_text(encoding="utf-8")
        head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
        lines = [line for line in text.splitlines() if line[:1].isdigit()]
        lengths = []
        for line, after in pairwise(lines):
            if "|" not in line or "pause" in line:
                continue
            (section,) = parse_chart(head + line.replace("\t|", "\tA, |")).sections or (None,)
            if section is not None and not section.flaw:
                seconds = float(after.split("\t")[0]) - float(line.split("\t")[0])
                lengths.append(seconds / len(section.bars))
        usual = sorted(lengths)[len(lengths) // 2] if lengths else 1.0
        near += sum(abs(each / usual - 1) < 0.1 for each in lengths)
        total += len(lengths)
    assert total > 3000
    assert near > 0.93 * total
