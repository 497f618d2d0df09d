"""MusicXML as independent programs read it: music21 on its corpus, MuseScore by what it plays."""

from __future__ import annotations

import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from subtractive.arrangement import Arrangement, bars
from subtractive.files.musicxml import read_musicxml, written_score
from tests.test_musicxml_order import musescore_notes

FOSTER = "leadSheet/fosterBrownHair.mxl"
# With repeats, ties, two staves, triplets, grace notes, cues, several voices, transposition.
CORPUS = [
    FOSTER,
    "demos/voices_with_chords.xml",
    "demos/two-parts.xml",
    "bach/bwv8.6.mxl",
    "webern/webern_dormi_jesu_op_16_no_2.mxl",
]
SUITE = [
    "03c-Rhythm-DivisionChange",
    "23d-Tuplets-Nested",
    "24a-GraceNotes",
    "33i-Ties-NotEnded",
    "42b-MultiVoice-MidMeasureClefChange",
    "45b-RepeatWithAlternatives",
    "46d-PickupMeasure-ImplicitMeasures",
    "72a-TransposingInstruments",
    "72b-TransposingInstruments-Full",
    "72c-TransposingInstruments-Change",
]
Sounding = Counter[tuple[Fraction, int]]


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(pytest.importorskip("music21").__file__).parent


@pytest.fixture(scope="module")
def foster(folder: Path) -> Arrangement:
    return read_musicxml((folder / "corpus" / FOSTER).read_bytes(), FOSTER)


def sounding(music: Arrangement) -> list[Sounding]:
    ticks = music.ticks_per_beat
    return [
        Counter((Fraction(note.onset, ticks), note.pitch) for note in part.notes)
        for part in music.parts
    ]


def sounding_in_music21(path: Path) -> list[Sounding]:
    """Return onsets and pitches of each part, staves of one part together."""
    from music21 import chord, converter, harmony, note

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        heard = converter.parse(str(path), forceSource=True).toSoundingPitch()
        parts: dict[str, Sounding] = {}
        for part in heard.parts:
            name = str(part.id).partition("-Staff")[0]
            elements: list[Any] = list(part.expandRepeats().stripTies().flatten().notes)
            parts.setdefault(name, Counter()).update(
                (Fraction(element.offset).limit_denominator(960), pitch.midi)
                for element in elements
                if isinstance(element, (note.Note, chord.Chord))
                and not isinstance(element, harmony.Harmony)
                and not element.duration.isGrace
                for pitch in element.pitches
            )
    return list(parts.values())


@pytest.mark.parametrize("name", [f"corpus/{name}" for name in CORPUS] + SUITE)
def test_notes_sound_where_music21_has_them(name: str, folder: Path) -> None:
    path = folder / name if "/" in name else folder / f"musicxml/lilypondTestSuite/{name}.xml"
    assert sounding(read_musicxml(path.read_bytes(), name)) == sounding_in_music21(path)


@pytest.mark.parametrize(
    "name",
    [
        "corpus/demos/ComprehensiveChordSymbolsTestFile.mxl",
        "musicxml/lilypondTestSuite/71a-Chordnames.xml",
        "musicxml/testChordOffset.xml",
        "musicxml/testNC.xml",
    ],
)
def test_chord_symbols_hold_the_tones_that_music21_finds(name: str, folder: Path) -> None:
    from music21 import converter, harmony

    music = read_musicxml((folder / name).read_bytes(), name)
    theirs = converter.parse(str(folder / name), forceSource=True).flatten()
    symbols = list(theirs.getElementsByClass(harmony.Harmony))
    assert len(music.chords) == len(symbols)
    for ours, symbol in zip(music.chords, symbols, strict=True):
        if ours.text in {"Dm(maj7)", "FTristan"}:  # of these music21 keeps the root alone
            continue
        bass = set() if ours.bass is None else {ours.bass}
        assert {*ours.pitch_classes} | bass == {tone.pitchClass for tone in symbol.pitches}
        # music21 moves a symbol with an offset, we too
        assert ours.tick == symbol.offset * music.ticks_per_beat


def test_foster_has_his_chords_his_silences_and_both_endings(
    foster: Arrangement, folder: Path
) -> None:
    score = written_score((folder / "corpus" / FOSTER).read_bytes())
    (part,) = score.parts
    written = [chord.text for measure in part.measures for _, chord in measure.chords]
    assert len(written) - written.count("N.C.") == 40
    assert written.count("N.C.") == 4
    # 35 measures: the repeat goes from the 33rd to the 2nd, and then past the first ending
    assert score.order == (*range(33), *range(1, 31), 33, 34)
    assert len(bars(foster)) == len(score.order)
    assert foster.end == foster.barlines[-1] == 260 * 480
    silences = [chord.tick for chord in foster.chords if chord.root is None]
    assert silences == [960, 35 * 480, 99 * 480, 131 * 480, 163 * 480, 227 * 480]
    assert foster.parts[0].sung
    assert not foster.tempos


@pytest.mark.program("mscore3")
def test_musescore_plays_foster_note_for_note(
    foster: Arrangement, folder: Path, tmp_path: Path
) -> None:
    from zipfile import ZipFile

    with ZipFile(folder / "corpus" / FOSTER) as archive:
        content = archive.read("fosterBrownHair.xml")
    played = musescore_notes(content, tmp_path)
    ours = [[(note.onset / 480, note.pitch) for note in part.notes] for part in foster.parts]
    assert ours == played


@pytest.mark.data
def test_a_rich_score_is_read_whole(data: Path) -> None:
    music = read_musicxml((data / "scores/rich.musicxml").read_bytes())
    assert music.barlines[-1] == 53 * music.ticks_per_beat
    assert music.barlines[1] == music.ticks_per_beat  # the pick-up
    assert written_score((data / "scores/rich.musicxml").read_bytes()).order == (
        0, 1, 2, 3, 1, 2, 4, 5, 6, 7, 8, 5, 6, 7, 9,
    )  # fmt: skip
    by_name = {part.name: part for part in music.parts}
    assert {part.name: part.program for part in music.parts if not part.is_drums} == {
        "Voice": 52, "Clarinet in Bb": 71, "Guitar": 25, "Piano": 0,
    }  # fmt: skip
    assert by_name["Drums"].is_drums
    assert {note.pitch for note in by_name["Drums"].notes} <= {36, 38, 42, 44, 46, 49}
    assert by_name["Voice"].sung
    assert {chord.text for chord in music.chords} == {"Cmaj7", "Am/G"}
    assert [metre.numerator for metre in music.metres] == [4, 3, 4, 3, 4]
    assert [round(60e6 / tempo.microseconds) for tempo in music.tempos] == [120, 92, 92]


@pytest.mark.data
@pytest.mark.program("mscore3")
def test_musescore_plays_the_rich_score_note_for_note(data: Path, tmp_path: Path) -> None:
    content = (data / "scores/rich.musicxml").read_bytes()
    music = read_musicxml(content)
    ticks = music.ticks_per_beat
    ours = [sorted((note.onset / ticks, note.pitch) for note in part.notes) for part in music.parts]
    theirs = musescore_notes(content, tmp_path)
    # MuseScore writes a track for each staff of the piano
    theirs[3:5] = [sorted(theirs[3] + theirs[4])]
    assert ours == theirs
