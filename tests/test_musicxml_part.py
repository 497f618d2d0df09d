"""A part written as MusicXML: nothing is lost, every measure is full, programs agree on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from subtractive.arrangement import Arrangement, ChordSymbol, KeySignature, Metre, Part
from subtractive.chord_symbols import KINDS, Degree, chord_symbol, no_chord, parse_chord
from subtractive.files.midi import read_midi
from subtractive.files.musescore import convert
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_chords import read_harmony
from subtractive.files.musicxml_part import part_xml
from subtractive.files.musicxml_part_signs import harmony
from subtractive.files.musicxml_splice import PartXml
from subtractive.notation.paper import Barline, MeasureFrame, WrittenNote

DRUMS, BASS = Part("Drums", 0, True, ()), Part("Bass", 33, False, ())
GUITAR, PIANO = Part("Guitar", 25, False, ()), Part("Piano", 0, False, ())
FLUTE = Part("Flute", 73, False, ())
PITCHES = {
    DRUMS: st.integers(35, 81),
    BASS: st.integers(28, 55),
    GUITAR: st.integers(40, 76),
    PIANO: st.integers(30, 90),
    FLUTE: st.integers(60, 90),
}
METRES = ((4, 4), (3, 4), (2, 2), (5, 4), (6, 8), (5, 8), (7, 8), (9, 8), (12, 8), (11, 16), (3, 2))
C_MAJOR = KeySignature(0, 0)
TWELFTH = Fraction(1, 12)
Measures = Sequence[Sequence[WrittenNote]]


def note(
    onset: float | Fraction, duration: float | Fraction, pitch: int, **said: bool
) -> WrittenNote:
    ties = {"tied_back": False, "tied_on": False} | said
    return WrittenNote(Fraction(onset), Fraction(duration), pitch, 80, **ties)


def frame(
    numerator: int = 4, denominator: int = 4, length: Fraction | None = None, *, first: bool = True
) -> MeasureFrame:
    metre = Metre(0, numerator, denominator)
    whole = Fraction(4 * numerator, denominator)
    return MeasureFrame("1", False, length or whole, metre, first, C_MAJOR, first)


def score(*parts: PartXml) -> bytes:
    root = etree.Element("score-partwise", version="4.0")
    listed = etree.SubElement(root, "part-list")
    for each in parts:
        listed.append(each.entry)
        root.append(each.part)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def again_of(part: Part, measures: Measures, frames: Sequence[MeasureFrame]) -> Arrangement:
    """The part as it is read back; a silent one is no file that can be read."""
    made = score(part_xml(part, measures, frames, "P1", swing=False))
    return read_musicxml(made) if any(measures) else Arrangement(480, (part,))


def starts(frames: Sequence[MeasureFrame]) -> list[Fraction]:
    return list(accumulate((each.length for each in frames), initial=Fraction(0)))


def heard(music: Arrangement, part: int = 0) -> list[tuple[Fraction, int]]:
    ticks = music.ticks_per_beat
    return sorted((Fraction(each.onset, ticks), each.pitch) for each in music.parts[part].notes)


def meant(measures: Measures, frames: Sequence[MeasureFrame]) -> list[tuple[Fraction, int]]:
    return sorted(
        {
            (start + each.onset, each.pitch)
            for start, notes in zip(starts(frames), measures, strict=False)
            for each in notes
            if not each.tied_back
        }
    )


@st.composite
def frame_lists(draw: st.DrawFn, units: Sequence[int]) -> list[MeasureFrame]:
    """Measures of any metre, some of any number of such parts of a quarter note."""
    result = []
    for place in range(draw(st.integers(1, 4))):
        metre = draw(st.sampled_from(METRES))
        odd = st.builds(Fraction, st.integers(1, 60), st.sampled_from(units))
        length = draw(st.none() | odd)
        result.append(frame(*metre, length, first=place == 0))
    return result


@st.composite
def pieces(
    draw: st.DrawFn, step: Fraction = TWELFTH, units: Sequence[int] = (1, 2, 4, 12, 5, 16)
) -> tuple[Part, Measures, list[MeasureFrame]]:
    """A part, notes anywhere on a grid in its measures, and the measures."""
    part = draw(st.sampled_from(list(PITCHES)))
    frames = draw(frame_lists(units))
    measures = []
    for each in frames:
        places = st.integers(0, max(0, (each.length / step).__ceil__() - 1))
        drawn = draw(
            st.lists(
                st.tuples(places, st.integers(0, 24), PITCHES[part], st.integers(1, 127)),
                max_size=8,
            )
        )
        measures.append(
            [
                WrittenNote(
                    place * step,
                    min(length * step, each.length - place * step),
                    pitch,
                    velocity,
                    False,
                    False,
                )
                for place, length, pitch, velocity in drawn
            ]
        )
    return part, measures, frames


@given(pieces(), st.booleans(), st.booleans())
def test_every_voice_fills_its_measure_exactly(
    piece: tuple[Part, Measures, list[MeasureFrame]], swing: bool, tablature: bool
) -> None:
    part, measures, frames = piece
    made = part_xml(part, measures, frames, "P1", swing=swing, tablature=tablature)
    divisions = int(made.part.findtext("measure/attributes/divisions", ""))
    for element, each in zip(made.part, frames, strict=True):
        lengths: defaultdict[str, int] = defaultdict(int)
        cursor = 0
        for child in element:
            duration = int(child.findtext("duration", "0"))
            if child.tag == "backup":
                assert cursor == duration
                cursor = 0
            elif child.tag == "note" and child.find("chord") is None:
                assert duration > 0
                cursor += duration
                lengths[child.findtext("voice", "")] += duration
        assert set(lengths.values()) == {each.length * divisions}


@given(pieces())
def test_no_note_gets_lost_or_moves_far(piece: tuple[Part, Measures, list[MeasureFrame]]) -> None:
    part, measures, frames = piece
    there = heard(again_of(part, measures, frames))
    wanted = meant(measures, frames)
    for some, others in ((there, wanted), (wanted, there)):
        for onset, pitch in some:
            assert any(
                pitch == other and abs(place - onset) <= Fraction(1, 4) for place, other in others
            )


@given(pieces(Fraction(1, 4), (1, 2, 4)) | pieces(Fraction(1, 2), (1, 2)))
def test_what_lies_on_sixteenths_stays_where_it_is(
    piece: tuple[Part, Measures, list[MeasureFrame]],
) -> None:
    part, measures, frames = piece
    assert heard(again_of(part, measures, frames)) == meant(measures, frames)


@st.composite
def tunes(draw: st.DrawFn) -> tuple[Measures, list[MeasureFrame]]:
    """One line over barlines, each beat in quarters, eighths, sixteenths or a triplet."""
    beats = draw(st.integers(1, 4))
    frames = [frame(beats, first=place == 0) for place in range(draw(st.integers(1, 4)))]
    onsets = {Fraction(0)}
    for beat in range(beats * len(frames)):
        parts = draw(st.sampled_from((1, 2, 3, 4)))
        struck = draw(st.sets(st.integers(0, parts - 1)))
        onsets |= {beat + Fraction(place, parts) for place in struck}
    measures: list[list[WrittenNote]] = [[] for _ in frames]
    for start, end in pairwise([*sorted(onsets), Fraction(beats * len(frames))]):
        pitch = draw(PITCHES[BASS])
        here = start
        while here < end:
            place = int(here // beats)
            until = min(end, Fraction((place + 1) * beats))
            measures[place].append(
                WrittenNote(
                    here - place * beats, until - here, pitch, 80, here > start, until < end
                )
            )
            here = until
    return measures, frames


@given(tunes(), st.sampled_from((BASS, GUITAR, FLUTE)))
def test_a_line_keeps_its_durations(tune: tuple[Measures, list[MeasureFrame]], part: Part) -> None:
    measures, frames = tune
    again = read_musicxml(score(part_xml(part, measures, frames, "P1", swing=False)))
    notes = again.parts[0].notes
    assert heard(again) == meant(measures, frames)
    ends = [each.end for each in notes]
    assert ends == [*(each.onset for each in notes[1:]), again.end]


@given(tunes(), st.integers(-7, 7), st.booleans())
def test_pitches_are_the_same_in_every_key(
    tune: tuple[Measures, list[MeasureFrame]], fifths: int, minor: bool
) -> None:
    """However a pitch is spelled, and though a bass is written an octave up."""
    measures, frames = tune
    keyed = [
        MeasureFrame(
            "1", False, each.length, each.metre, True, KeySignature(0, fifths, minor), True
        )
        for each in frames
    ]
    again = read_musicxml(score(part_xml(BASS, measures, keyed, "P1", swing=False)))
    assert heard(again) == meant(measures, frames)
    assert again.keys[0] == KeySignature(0, fifths, minor)


def beat(*hits: tuple[float, int]) -> list[WrittenNote]:
    return [note(onset, 0.25, key) for onset, key in hits]


ROCK = beat(*((place / 2, 42) for place in range(8)), (0, 36), (2, 36), (2.5, 36), (1, 38), (3, 38))


def written_voices(measure: etree._Element) -> dict[str, list[str]]:
    """The values of each voice, rests in brackets."""
    result: defaultdict[str, list[str]] = defaultdict(list)
    for each in measure.iterfind("note"):
        if each.find("chord") is None:
            name = each.findtext("type", "measure") + "." * len(each.findall("dot"))
            rest = each.find("rest") is not None
            result[each.findtext("voice", "")].append(f"({name})" if rest else name)
    return dict(result)


def test_drums_are_hands_up_and_feet_down() -> None:
    made = part_xml(DRUMS, [ROCK], [frame()], "P1")
    voices = written_voices(made.part[0])
    assert voices["1"] == ["eighth"] * 8
    assert voices["2"] == ["quarter", "(quarter)", "eighth", "eighth", "(quarter)"]
    for each in made.part.iter("note"):
        if each.find("rest") is None:
            assert each.findtext("stem") == ("up" if each.findtext("voice") == "1" else "down")
            assert each.findtext("notehead")
    assert made.part.findtext("measure/attributes/clef/sign") == "percussion"
    assert made.part.find("measure/attributes/key") is None
    assert [each.text for each in made.entry.iter("midi-unpitched")] == ["37", "39", "43"]
    assert {each.text for each in made.entry.iter("midi-channel")} == {"10"}
    assert {each.get("id") for each in made.part.iter("instrument")} == {
        each.get("id") for each in made.entry.iter("score-instrument")
    }


def test_a_silent_foot_and_a_silent_measure_leave_no_rests_behind() -> None:
    hands = [each for each in ROCK if each.pitch != 36]
    made = part_xml(DRUMS, [ROCK, hands, []], [frame()] * 3, "P1")
    assert [set(written_voices(each)) for each in made.part] == [{"1", "2"}, {"1"}, {"1"}]
    assert made.part[2].find("note/rest[@measure='yes']") is not None


@pytest.mark.parametrize(
    ("metre", "measure", "values"),
    [
        # a syncopation over the middle of the bar shows the third beat
        ((4, 4), [(0, 1), (1, 2), (3, 1)], "quarter half quarter"),
        ((4, 4), [(0, 1.5), (1.5, 1), (2.5, 1.5)], "quarter. eighth eighth quarter."),
        ((4, 4), [(0, 0.5), (0.5, 1), (1.5, 2.5)], "eighth quarter eighth half"),
        ((4, 4), [(0, 0.75), (0.75, 0.25), (1, 3)], "eighth. 16th half."),
        ((4, 4), [(1, 1)], "(quarter) quarter (half)"),
        ((4, 4), [(3, 1)], "(half) (quarter) quarter"),
        ((3, 4), [(0, 3)], "half."),
        ((6, 8), [(0, 1.5), (1.5, 1.5)], "quarter. quarter."),
        ((6, 8), [(0, 1), (1, 1), (2, 1)], "quarter eighth eighth quarter"),
        ((6, 8), [(1.5, 1.5)], "(quarter.) quarter."),
        ((7, 8), [(0, 1), (1, 1), (2, 1.5)], "quarter quarter quarter."),
        ((5, 8), [(0, 2.5)], "quarter. quarter"),
        ((12, 8), [(0, 6)], "whole."),
        ((4, 4), [(0, 1), (1, 0.5), (1.5, 2.5)], "quarter eighth eighth half"),
    ],
)
def test_values_show_the_beats(
    metre: tuple[int, int], measure: list[tuple[float, float]], values: str
) -> None:
    notes = [note(onset, duration, 40) for onset, duration in measure]
    made = part_xml(BASS, [notes], [frame(*metre)], "P1")
    assert " ".join(written_voices(made.part[0])["1"]) == values


def test_triplets_are_bracketed_unless_a_beam_holds_them() -> None:
    third = Fraction(1, 3)
    beamed = [note(place * third, third, 40) for place in range(3)]
    open_ = [note(1, 2 * third, 40), note(1 + 2 * third, third, 41)]
    made = part_xml(BASS, [[*beamed, *open_]], [frame(2)], "P1")
    begun = [
        each.get("bracket") for each in made.part.iter("tuplet") if each.get("type") == "start"
    ]
    assert begun == ["no", "yes"]
    ratios = {
        (each.findtext("actual-notes"), each.findtext("normal-notes"))
        for each in made.part.iter("time-modification")
    }
    assert ratios == {("3", "2")}
    assert [each.text for each in made.part.iter("beam")] == ["begin", "continue", "end"]


def test_a_strum_is_one_chord() -> None:
    strum = [
        note(place * Fraction(1, 24), 2, pitch) for place, pitch in enumerate((40, 47, 52, 56))
    ]
    made = part_xml(GUITAR, [strum], [frame(2)], "P1")
    assert written_voices(made.part[0]) == {"1": ["half"]}
    assert len(made.part.findall("measure/note/chord")) == 3


def test_a_bass_note_under_a_pattern_is_a_voice_and_a_ringing_chord_is_none() -> None:
    pattern = [note(place / 2, 0.5, 60 + place) for place in range(1, 8)]
    held = part_xml(GUITAR, [[note(0, 4, 40), *pattern]], [frame()], "P1")
    assert written_voices(held.part[0])["2"] == ["whole"]
    ringing = [
        note(onset, 4 - onset, pitch) for onset, pitch in ((0, 48), (0, 52), (1, 50), (2, 55))
    ]
    short = part_xml(GUITAR, [ringing], [frame()], "P1")
    assert written_voices(short.part[0]) == {"1": ["quarter", "quarter", "half"]}


def test_what_is_cut_short_does_not_go_on_after_the_barline() -> None:
    """A note that another one ended must not sound again as if it were tied."""
    first = [note(0, 4, 40, tied_on=True), note(2, 2, 45)]
    second = [note(0, 2, 40, tied_back=True), note(2, 2, 43)]
    again = read_musicxml(score(part_xml(BASS, [first, second], [frame()] * 2, "P1")))
    assert heard(again) == [(Fraction(0), 40), (Fraction(2), 45), (Fraction(6), 43)]


def test_a_bass_is_written_an_octave_up_and_a_guitar_under_an_octave_clef() -> None:
    bass = part_xml(BASS, [[note(0, 4, 28)]], [frame()], "P1")
    assert bass.part.findtext("measure/note/pitch/octave") == "2"
    assert bass.part.findtext("measure/attributes/transpose/octave-change") == "-1"
    guitar = part_xml(GUITAR, [[note(0, 4, 40)]], [frame()], "P1")
    assert guitar.part.findtext("measure/note/pitch/octave") == "2"
    assert guitar.part.findtext("measure/attributes/clef/clef-octave-change") == "-1"
    names = [
        (made.entry.findtext("part-name"), made.entry.findtext("part-abbreviation"))
        for made in (bass, guitar)
    ]
    assert names == [("Bass", "B."), ("Guitar", "Gtr.")]


def test_tablature_says_where_each_pitch_is_gripped() -> None:
    strings = {1: 64, 2: 59, 3: 55, 4: 50, 5: 45, 6: 40}
    chords = [(48, 52, 55, 60, 64), (45, 52, 57, 60, 64), (41, 48, 53, 57, 60, 65)]
    notes = [note(place, 1, pitch) for place, chord in enumerate(chords) for pitch in chord]
    made = part_xml(GUITAR, [notes], [frame(3)], "P1", tablature=True)
    shown: Counter[int] = Counter()
    for each in made.part.iter("note"):
        if each.findtext("staff") == "2":
            string = int(each.findtext("notations/technical/string", ""))
            shown[strings[string] + int(each.findtext("notations/technical/fret", ""))] += 1
    assert shown == Counter(pitch for chord in chords for pitch in chord)
    assert made.part.findtext("measure/attributes/clef[@number='2']/sign") == "TAB"


CHORDS = st.builds(
    chord_symbol,
    st.sampled_from(("C", "F#", "Bb", "Eb", "A", "G#")),
    st.sampled_from(sorted(KINDS)),
    st.lists(
        st.builds(
            Degree,
            st.sampled_from((2, 4, 5, 7, 9, 11, 13)),
            st.integers(-1, 1),
            st.sampled_from(("add", "alter", "subtract")),
        ),
        max_size=2,
        unique_by=lambda degree: degree.value,
    ),
    st.none() | st.sampled_from(("E", "Bb", "F#")),
)
TYPED = ("Am7/G", "CM7", "C-7", "Bb", "F#m7b5", "G7b9", "C6/9", "Esus", "A7#5#9", "Abb5", "D/F#")


@given(CHORDS | st.sampled_from(TYPED).map(parse_chord) | st.just(no_chord()))
@settings(max_examples=300)
def test_chord_symbols_read_back_equal(chord: ChordSymbol) -> None:
    assert read_harmony(harmony(chord, "0"), C_MAJOR, 0) == chord


def test_chords_stand_where_they_are_played() -> None:
    names = (("Dm7", 0), ("G7", 2), ("Cmaj7", 4), ("N.C.", 7))
    chords = [
        [(Fraction(at) - 4 * place, parse_chord(name)) for name, at in names if at // 4 == place]
        for place in range(2)
    ]
    measures = [[note(0, 4, 40)], [note(0, 1.5, 40), note(1.5, 2.5, 43)]]
    made = part_xml(BASS, measures, [frame()] * 2, "P1", chords=chords)
    again = read_musicxml(score(made))
    ticks = again.ticks_per_beat
    assert [(each.text, each.tick / ticks) for each in again.chords] == list(names)
    alone = part_xml(BASS, measures, [frame()] * 2, "P1")
    assert alone.part.find("measure/harmony") is None


def test_notes_keep_their_velocities_and_the_page_shows_marks_only_where_they_change() -> None:
    loud = [note(place, 1, 40)._replace(velocity=112 - place) for place in range(4)]
    soft = [each._replace(velocity=each.velocity - 60) for each in loud]
    measures = [loud] * 8 + [soft] * 8
    made = part_xml(BASS, measures, [frame()] * 16, "P1")
    again = read_musicxml(score(made))
    assert [each.velocity for each in again.parts[0].notes] == [
        each.velocity for notes in measures for each in notes
    ]
    marks = [
        (place, mark.tag)
        for place, measure in enumerate(made.part)
        for mark in measure.iterfind("direction/direction-type/dynamics/*")
    ]
    assert marks == [(0, "ff"), (8, "p")]


def test_what_swings_is_written_straight_under_the_word() -> None:
    swung = [
        note(place + off, Fraction(1, 3), 42) for place in range(4) for off in (0, Fraction(2, 3))
    ]
    made = part_xml(DRUMS, [swung], [frame()], "P1")
    assert made.part.findtext("measure/direction/direction-type/words") == "Swing"
    assert made.part.findtext("measure/direction/sound/swing/first") == "2"
    assert written_voices(made.part[0])["1"] == ["eighth"] * 8
    triplets = part_xml(DRUMS, [swung], [frame()], "P1", swing=False)
    assert triplets.part.find("measure/direction/direction-type/words") is None
    assert len(list(triplets.part.iter("time-modification"))) == 8


def test_frames_are_mirrored() -> None:
    ends = (
        Barline("left", "heavy-light", "forward"),
        Barline("right", "light-heavy", "backward", 3),
    )
    frames = [
        MeasureFrame("0", True, Fraction(1), Metre(0, 4, 4), True, C_MAJOR, True),
        MeasureFrame("X1", False, Fraction(4), Metre(0, 4, 4), False, C_MAJOR, False, ends),
        MeasureFrame(
            "2", False, Fraction(3), Metre(0, 3, 4), True, KeySignature(0, -3, True), True
        ),
    ]
    made = part_xml(FLUTE, [[], [], []], frames, "P7")
    assert [each.get("number") for each in made.part] == ["0", "X1", "2"]
    assert [each.get("implicit") for each in made.part] == ["yes", None, None]
    assert [each.tag for each in made.part[1]] == ["barline", "note", "barline"]
    assert made.part[1][0].find("repeat[@direction='forward']") is not None
    assert made.part[1][-1].find("repeat[@times='3']") is not None
    assert made.part[2].findtext("attributes/key/mode") == "minor"
    assert made.part[2].findtext("attributes/time/beats") == "3"
    assert made.entry.get("id") == made.part.get("id") == "P7"


def test_a_part_without_notes_is_rests() -> None:
    for part in (DRUMS, BASS, GUITAR, PIANO):
        made = part_xml(part, [[], []], [frame()] * 2, "P1")
        assert len(list(made.part.iter("rest"))) == len(list(made.part.iter("note"))) == 2


def test_a_piano_has_two_staves_and_chords_stay_in_one_hand() -> None:
    left = [note(place, 1, 36 + place) for place in range(4)]
    right = [note(place, 1, pitch) for place in range(4) for pitch in (57, 64, 67)]
    made = part_xml(PIANO, [[*left], [*right]], [frame()] * 2, "P1")
    assert made.part.findtext("measure/attributes/staves") == "2"
    sounding = {
        (place, each.findtext("staff"))
        for place, measure in enumerate(made.part)
        for each in measure.iterfind("note")
        if each.find("pitch") is not None
    }
    assert sounding == {(0, "2"), (1, "1")}


def band() -> tuple[bytes, list[list[tuple[Fraction, int]]]]:
    """Drums, walking bass and guitar in 4/4 with a pick-up, and what they play."""
    third, half = Fraction(1, 3), Fraction(1, 2)
    pick_up = replace(frame(length=Fraction(1)), number="0", implicit=True)
    frames = [pick_up, *[frame(first=False)] * 3]
    fill = beat(*((place / 4, key) for place, key in enumerate([38, 38, 48, 48, 45, 41, 41, 49])))
    drums = [beat((0, 38), (0.5, 38)), ROCK, [*fill, note(2, 1, 36)], ROCK]
    walk = [
        [],
        [note(place, 1, 38 + place) for place in range(4)],
        [note(0, half, 43), note(half, 1, 46), note(1.5, 2.5, 50, tied_on=True)],
        [
            note(0, 1, 50, tied_back=True),
            *(note(1 + place * third, third, 45) for place in range(3)),
        ],
    ]
    strums = [
        [],
        [note(onset, 1, pitch) for onset in (0, 1.5, 2.5) for pitch in (48, 52, 55, 60)],
        [note(0, 4, 40), *(note(place / 2, 0.5, 60 + place) for place in range(1, 8))],
        [note(0, 4, pitch) for pitch in (45, 52, 57)],
    ]
    written = [(DRUMS, drums), (BASS, walk), (GUITAR, strums)]
    made = [
        part_xml(part, measures, frames, f"P{place}", swing=False)
        for place, (part, measures) in enumerate(written, 1)
    ]
    return score(*made), [meant(measures, frames) for _, measures in written]


@pytest.mark.program("mscore3")
def test_musescore_plays_what_is_written() -> None:
    content, wanted = band()
    played = read_midi(convert(content, ".musicxml", ".mid"))
    assert [heard(played, place) for place in range(3)] == wanted
    assert [part.is_drums for part in played.parts] == [True, False, False]


@pytest.mark.filterwarnings("ignore")  # music21's own
def test_music21_reads_what_is_written() -> None:
    music21 = pytest.importorskip("music21")
    content, wanted = band()
    parsed = music21.converter.parse(content, format="musicxml")
    for place in (1, 2):
        part = parsed.parts[place].toSoundingPitch()
        assert [each.duration.quarterLength for each in part.getElementsByClass("Measure")] == [
            1,
            4,
            4,
            4,
        ]
        notes = part.stripTies().flatten().notes
        found = sorted(
            (Fraction(each.offset), pitch.midi) for each in notes for pitch in each.pitches
        )
        assert found == wanted[place]
    for measure in parsed.recurse().getElementsByClass("Measure"):
        for voice in measure.voices or [measure]:
            total = sum(each.quarterLength for each in voice.notesAndRests)
            assert total == measure.duration.quarterLength
