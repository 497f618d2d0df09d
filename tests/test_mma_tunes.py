"""Tunes planned for MMA: form, harmony, melody; no program needed."""

from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive import progressions
from subtractive.arrangement import Note, Part
from subtractive.charts import ChordChart, Section
from subtractive.grooves import Groove
from subtractive.melody import Pulse, sounding, tune
from subtractive.mma import TICKS, Chart, Passage, settled, slots
from subtractive.progressions import chord, idioms_of, moved, phrase, progression
from subtractive.sources import symbols
from subtractive.tunes import LONGEST, plan

BAND = ("bass", "drums", "guitar", "other")
IDIOMS = ("pop", "minor", "jazz", "blues", "modal", "rock", "grown")


def groove(file: str, name: str, beats: int = 4, metre: tuple[int, int] = (4, 4)) -> Groove:
    bars = 1 if "Fill" in name else 2 if "End" in name else 4
    return Groove(file, name, "", bars, beats, metre, BAND, swing=False)


WHOLE = tuple(groove("lib/whole", name) for name in ("W", "W1", "W2", "WFill", "WIntro", "WEnd"))
SINGLE = (groove("lib/waltz", "Lone", 3, (3, 4)),)
COMPOUND = (groove("lib/six", "Six", 2, (6, 8)), groove("lib/six", "Five", 5, (5, 4)))
GROOVES = (*WHOLE, *SINGLE, *COMPOUND)
VERSE = phrase("C | Am | F | G C/E G7 G7 | C | Am | F | G7")
CHORUS = phrase("F | G | Em Am | Dm7 | F | G | C | C/E")
SECTIONS = (
    Section("A", "intro", phrase("C | F | C | G"), 0),
    Section("B", "verse", VERSE, 0),
    Section("C", "chorus", CHORUS, 0),
    Section("B'", "verse", VERSE[:6], 0),
    Section("C", "chorus", CHORUS, 0),
    Section("D", "bridge", moved(VERSE, 2), 2),
    Section("C", "chorus", moved(CHORUS, 2), 2),
    Section("E", "", phrase("C"), 0),
)
CHARTS = tuple(
    ChordChart(name, metre, SECTIONS, 0)
    for name, metre in (("one", (4, 4)), ("two", (3, 4)), ("three", (12, 8)))
)
numbers = st.integers(0, 10**6)


@given(numbers)
@settings(max_examples=60, deadline=None)
def test_the_same_seed_plans_the_same_tune(number: int) -> None:
    planned = plan(GROOVES, 3, number)
    assert planned == plan(GROOVES, 3, number)
    assert planned.chart != plan(GROOVES, 4, number).chart


@given(numbers)
@settings(max_examples=60, deadline=None)
def test_a_section_that_returns_brings_its_chords_and_melody_back(number: int) -> None:
    planned = plan(SINGLE, 0, number)
    chart = planned.chart
    *sections, end = chart.passages  # a groove file of one groove has no fills
    assert len(sections) == len(planned.form)
    assert len(end.bars) == 1
    seen: dict[str, tuple[object, object]] = {}
    first = 0
    for letter, passage in zip(planned.form, sections, strict=True):
        low = first * chart.beats * TICKS
        first += len(passage.bars)
        high = first * chart.beats * TICKS
        sung = [(n.onset - low, n.pitch) for n in chart.melody if low <= n.onset < high]
        assert seen.setdefault(letter, (passage.bars, sung)) == (passage.bars, sung)


def test_every_groove_file_is_drawn_equally_often_however_many_grooves_it_has() -> None:
    crowd = tuple(groove("lib/crowd", f"C{number}") for number in range(40))
    files = Counter(plan((*crowd, *SINGLE), 0, number).chart.file for number in range(600))
    assert 240 < files["lib/crowd"] < 360


@given(numbers)
@settings(max_examples=60, deadline=None)
def test_grooves_of_a_tune_share_file_and_metre_and_the_length_is_a_songs(number: int) -> None:
    planned = plan(GROOVES, 0, number)
    known = {each.name: each for each in GROOVES}
    metres = {(known[name].file, known[name].beats, known[name].metre) for name in planned.grooves}
    assert metres == {(planned.chart.file, planned.chart.beats, planned.chart.metre)}
    assert 24 <= planned.bars <= 60
    assert not {each.groove for each in planned.chart.passages[1:-1]} & {"WIntro", "WEnd"}


@given(numbers)
@settings(max_examples=60, deadline=None)
def test_a_chart_gives_whole_sections_in_one_key(number: int) -> None:
    planned = plan(GROOVES, 1, number, CHARTS)
    assert planned == plan(GROOVES, 1, number, CHARTS)
    assert planned.bars <= LONGEST
    metre = planned.chart.metre
    by_metre = {(4, 4): "one", (3, 4): "two", (6, 8): "three", (5, 4): ""}
    assert planned.chart_name == by_metre[metre]
    if metre == (5, 4):
        assert planned == plan(GROOVES, 1, number)
        return
    chart = next(each for each in CHARTS if each.name == planned.chart_name).in_metre(metre)
    assert chart is not None
    run = next(run for run in chart.runs(LONGEST) if planned.form == "".join(s.letter for s in run))
    written = [bar for section in run for bar in section.bars]
    played = [tuple(map(chord, bar)) for passage in planned.chart.passages for bar in passage.bars]
    keys = {
        (semitones, before)
        for semitones in range(12)
        for before in range(len(played) - len(written) + 1)
        if list(moved(tuple(written), semitones)) == played[before:][: len(written)]
    }
    assert keys
    assert {before for _, before in keys} & {0, 4}  # an intro groove has four bars
    assert len(played) - len(written) <= 4 + 2


@given(numbers)
@settings(max_examples=60, deadline=None)
def test_sections_of_a_chart_that_sound_alike_have_one_groove_and_one_melody(number: int) -> None:
    planned = plan(SINGLE, 1, number, CHARTS)
    chart = planned.chart
    assert {each.groove for each in chart.passages} == {"Lone"}
    *passages, end = chart.passages
    assert len(passages) == len(planned.form.replace("'", ""))
    assert len(end.bars) == 1
    known: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    first = 0
    letters = planned.form.replace("B'", "b")
    for letter, passage in zip(letters, passages, strict=True):
        low = first * chart.beats * TICKS
        first += len(passage.bars)
        sung = [
            (n.onset - low, n.pitch)
            for n in chart.melody
            if low <= n.onset < first * chart.beats * TICKS
        ]
        assert known.setdefault((letter, passage.bars), sung) == sung
        assert letter != "A" or not sung  # over an intro nobody sings


def test_intro_fill_and_ending_grooves_stand_where_their_sections_say() -> None:
    seen = Counter[str]()
    for number in range(200):
        planned = plan(WHOLE, 1, number, CHARTS)
        order = [each.groove for each in planned.chart.passages]
        seen.update(order)
        assert "WIntro" not in order[1:]
        assert "WEnd" not in order[:-1]
        # a fill is one bar and never comes twice running
        fills = [each for each in planned.chart.passages if each.groove == "WFill"]
        assert all(len(each.bars) == 1 for each in fills)
        assert all(a != b or a != "WFill" for a, b in pairwise(order))
        if "WFill" in order:
            assert all(letter != "E" for letter in planned.form[-1:]) or order[-2] != "WFill"
    assert {"W", "W1", "W2", "WFill", "WIntro", "WEnd"} == {*seen}


def test_primes_and_returns_keep_their_groove() -> None:
    for number in range(60):
        planned = plan(WHOLE, 2, number, CHARTS)
        if planned.form.startswith("BCB'C"):
            order = [p.groove for p in planned.chart.passages if p.groove in {"W", "W1", "W2"}]
            changes = [name for name, _ in groupby(order)][:4]
            assert changes[0] == changes[2] != changes[1] == changes[3]
            return
    pytest.fail("no such form was drawn")


@given(numbers)
@settings(max_examples=40, deadline=None)
def test_charts_do_not_touch_the_draw_of_the_groove_file(number: int) -> None:
    ruled, charted = plan(GROOVES, 0, number), plan(GROOVES, 0, number, CHARTS)
    assert ruled.chart.file == charted.chart.file
    assert ruled.grooves[0] == charted.grooves[0]
    assert ruled.chart_name == ""


def test_a_chart_of_gaps_is_passed_over() -> None:
    gaps = tuple(replace(each, flaw="a gap") for each in SECTIONS)
    charts = (ChordChart("gaps", (4, 4), gaps, 0), CHARTS[0])
    assert {plan(WHOLE, 0, number, charts).chart_name for number in range(40)} == {"one"}
    assert {plan(WHOLE, 0, number, charts[:1]).chart_name for number in range(40)} == {""}


def test_the_key_is_that_of_the_sections_and_all_twelve_occur() -> None:
    minor = tuple(
        replace(each, bars=phrase("Cm | Fm | Ab | G7") * 4, letter="A", name="")
        for each in SECTIONS
    )
    keys = Counter[str]()
    for number in range(200):
        planned = plan(WHOLE, 0, number, (ChordChart("minor", (4, 4), minor, 0),))
        keys[planned.chart.key] += 1
    assert len(keys) == 12
    assert all("minor" in key for key in keys)


@pytest.mark.parametrize(
    ("file", "slowest", "fastest"),
    [
        ("kara/kbossa", 115, 130),  # as its header advises
        ("stdlib/charleston", 200, 300),
        ("stdlib/spiritual", 120, 180),
        ("stdlib/slowspiritual", 55, 90),  # as its name says
        ("alexis/hiphop", 80, 100),
        ("stdlib/nothingknown", 90, 135),
    ],
)
def test_the_tempo_is_one_that_the_groove_was_written_for(
    file: str, slowest: int, fastest: int
) -> None:
    tempos = [plan([groove(file, "G")], 0, number).chart.tempo for number in range(80)]
    assert slowest <= min(tempos) < max(tempos) <= fastest
    assert max(tempos) - min(tempos) > 0.7 * (max(tempos) - slowest)


def test_over_fast_bars_the_melody_moves_in_quarters() -> None:
    fast = [plan([groove("stdlib/broadway", "G")], 0, number).chart for number in range(30)]
    assert any(each.melody for each in fast)
    assert all(note.onset % TICKS == 0 for each in fast for note in each.melody)


def test_all_keys_modes_and_metres_occur() -> None:
    tunes = [plan(GROOVES, 0, number) for number in range(300)]
    keys = {each.chart.key for each in tunes}
    assert len({key for key in keys if "major" in key}) == 12
    assert len({key for key in keys if "minor" in key}) == 12
    assert {each.chart.metre for each in tunes} == {(4, 4), (3, 4), (6, 8), (5, 4)}
    assert {len(bar) for each in tunes for p in each.chart.passages for bar in p.bars} == {1, 2}
    assert any("/" in each.chart.chords for each in tunes)


@pytest.mark.parametrize("idiom", IDIOMS)
@pytest.mark.parametrize("minor", [False, True])
def test_a_progression_is_as_long_as_asked(idiom: str, minor: bool) -> None:
    for seed in range(40):
        for bars in (4, 8, 12):
            made = progression(np.random.default_rng(seed), idiom, bars, minor)
            assert len(made) == bars
            assert all(len(bar) in (1, 2) for bar in made)


def test_grown_progressions_end_on_the_tonic_or_the_dominant() -> None:
    for seed in range(60):
        last = progressions.grown(np.random.default_rng(seed), 8, minor=False)[-1][-1]
        assert last.root in (0, 7)


def test_transposing_by_an_octave_in_steps_comes_home() -> None:
    bars = phrase("C G/B | Am7 | Dm7b5 G7b9 | Bb/C")
    once = bars
    for _ in range(12):
        once = moved(once, 1)
    assert once == bars
    assert moved(bars, 7) == moved(moved(bars, 3), 4)


def test_names_are_read_back_in_every_key() -> None:
    for idiom in IDIOMS:
        for bar in progression(np.random.default_rng(1), idiom, 12, minor=False):
            for key in range(12):
                for each in bar:
                    assert chord(each.transposed(key).name(key)) == each.transposed(key)


def test_styles_are_given_idioms_that_suit_them() -> None:
    assert idioms_of("stdlib/slowblues")[0] == "blues"
    assert idioms_of("stdlib/bossanova")[0] == "jazz"
    assert idioms_of("pflib/metal1")[0] == "rock"
    assert set(IDIOMS) >= {each for name in ("funk", "polka", "ska") for each in idioms_of(name)}


@given(numbers, st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 4)]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_melody_has_chord_tones_on_strong_beats_and_one_note_at_a_time(
    seed: int, metre: tuple[int, int], swing: bool
) -> None:
    rng = np.random.default_rng(seed)
    chords = progression(rng, "jazz", 8, minor=False)
    pulse = Pulse.of(metre, 768, swing)
    bars = tune(rng, chords, pulse, 0, minor=False)
    assert len(bars) == 8
    for bar, harmony in zip(bars, chords, strict=True):
        for onset, duration, pitch in bar:
            assert 0 <= onset < onset + duration <= pulse.eighths
            now = harmony[min(len(harmony) - 1, onset * len(harmony) // pulse.eighths)]
            allowed = {*now.pitch_classes, 0, 2, 4, 5, 7, 9, 11}
            strong = onset in pulse.strong
            assert pitch % 12 in (now.pitch_classes if strong else allowed)
    notes = sounding(bars, pulse, 2, 80)
    assert all(note.onset >= 2 * pulse.eighths * pulse.ticks for note in notes)
    assert all(a.end <= b.onset for a, b in pairwise(notes))
    assert all(48 <= note.pitch <= 90 and note.velocity <= 127 for note in notes)


def test_a_phrase_ends_with_a_rest() -> None:
    rng = np.random.default_rng(5)
    pulse = Pulse.of((4, 4), 768, swing=False)
    bars = tune(rng, phrase("C | Am | F | G | C | Am | F | C"), pulse, 0, minor=False)
    for bar in (bars[3], bars[7]):
        onset, duration, _ = bar[-1]
        assert onset + duration < pulse.eighths


def test_a_bar_of_two_chords_fills_the_slots_of_its_metre() -> None:
    assert slots(("C", "G7"), 4) == "C / G7 /"
    assert slots(("C", "G7"), 3) == "C / G7"
    assert slots(("C", "G7"), 2) == "C G7"
    assert slots(("C", "G7"), 5) == "C / / G7 /"
    assert slots(("C",), 6) == "C"


@given(st.lists(st.sampled_from(["C", "G7", "Am/E"]), min_size=3, max_size=9), st.integers(1, 6))
def test_more_chords_than_two_share_a_bar_evenly(names: list[str], beats: int) -> None:
    words = [word.partition("@") for word in slots(tuple(names), beats).split()]
    assert [name for name, *_ in words] == names
    places = [float(place or 1) for *_, place in words]
    assert places == pytest.approx(
        [1 + beats * i / len(names) for i in range(len(names))], abs=1e-4
    )
    assert places[-1] < beats + 1


def test_a_diminished_triad_is_spelt_so_that_mma_adds_no_seventh() -> None:
    assert slots(("Bdim", "Bdim7/D"), 4) == "Bmb5 / Bdim7/D /"


@pytest.mark.parametrize(
    ("name", "description", "place"),
    [
        ("SwingFill", "Ending or fill", "fill"),
        ("BossaNova2Sus", "Descending strings", "main"),
        ("DescendingJazz", "", "main"),
        ("kbossaEndingA", "", "end"),
        ("BalladSusEnd", "", "end"),
        ("RockWaltz1intro8", "", "intro"),
        ("rock1FA", "Rock 1, Section A Fill-in.", "fill"),
        ("rock1E", "Rock 1, Ending.", "end"),
        ("Trance", "", "main"),
    ],
)
def test_a_grooves_place_is_told_by_its_name_then_by_its_description(
    name: str, description: str, place: str
) -> None:
    assert Groove("lib/x", name, description, 4, 4, (4, 4), BAND, False).place == place


def line(name: str, program: int, pitch: int, beats: range) -> Part:
    notes = tuple(Note(beat * TICKS, TICKS, pitch, 90) for beat in beats)
    return Part(name, program, is_drums=False, notes=notes)


def test_a_bass_and_a_walk_that_take_turns_are_one_player() -> None:
    bass, walk = line("Bass", 33, 40, range(16)), line("Walk", 32, 43, range(16, 24))
    piano = line("Chord", 0, 60, range(24))
    settled_parts = settled((walk, piano, bass), TICKS)
    assert [part.name for part in settled_parts] == ["Bass", "Chord"]
    assert set(settled_parts[0].notes) == {*bass.notes, *walk.notes}
    assert settled(settled_parts, TICKS) == settled_parts


def test_a_bass_that_doubles_another_stays_beside_it() -> None:
    parts = (line("Bass", 33, 40, range(16)), line("Bass-Sub", 38, 28, range(12)))
    assert settled(parts, TICKS) == parts


def test_what_mma_calls_a_bass_is_judged_by_what_it_plays() -> None:
    low, riff = line("Bass", 26, 41, range(8)), line("Bass-Lead", 80, 72, range(8))
    tuba, drums = line("Bass", 58, 40, range(8, 9)), Part("Drum", 0, True, riff.notes)
    made = settled((low, riff, drums), TICKS)
    assert (made[0].program, made[0].name) == (33, "Bass")
    assert (made[1].program, made[1].name) == (80, "Riff")
    assert made[2] == drums
    assert settled((line("Arpeggio-Solo", 35, 66, range(8)),), TICKS)[0].program == 26
    assert settled((tuba,), TICKS) == (tuba,)


@pytest.mark.parametrize("beats", [2, 3, 4, 5, 6])
def test_symbols_stand_where_mma_changes_the_chord(beats: int) -> None:
    """Of two chords in three beats the second waits for the third beat, here as in its text."""
    bars = (("C", "G7"), ("Am",), ("F", "F", "G"), ("C", "Dm", "Em", "F"))
    chart = Chart("stdlib/swing", beats, (beats, 4), 120.0, "C major", 1, (Passage("Swing", bars),))
    found = symbols(chart, 12 * beats)
    written = slots(bars[0], beats).split()
    assert [symbol.tick for symbol in found[:2]] == [0, 12 * written.index("G7")]
    assert [symbol.text for symbol in found] == ["C", "G7", "Am", "F", "G", "C", "Dm", "Em", "F"]
    assert [symbol.tick for symbol in found[2:4]] == [12 * beats, 24 * beats]
    assert found[4].tick == 24 * beats + 8 * beats
