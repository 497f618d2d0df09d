"""ABC, Humdrum, MEI and MuseScore's files read as music, and as MusicXML to write into."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest

from subtractive.arrangement import Arrangement, Part
from subtractive.errors import FileFormatError, OutputError
from subtractive.files import musescore
from subtractive.files.foreign import foreign_notation
from subtractive.files.music import read, write
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_score import whole_score
from subtractive.files.musicxml_write import write_musicxml

ABC = """X:1
T:The Missing Bass
M:4/4
L:1/8
Q:1/4=120
K:G
D2|"G"GABc d2d2|"C"e2dc "D7"BAF2|1"G"G4 G2:|2"Em"E4 "Am7"A2z2|]
"""
KERN = """**kern\t**kern
*clefF4\t*clefG2
*M3/4\t*M3/4
=1\t=1
2.GG\t4d
.\t4g
.\t4b
=2\t=2
2.C\t4.cc
.\t8e-
.\t4r
==\t==
*-\t*-
"""
MEI = """<?xml version="1.0"?><mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="4.0.1">
<music><body><mdiv><score><scoreDef meter.count="4" meter.unit="4" key.sig="1s"><staffGrp>
<staffDef n="1" lines="5" clef.shape="G" clef.line="2" label="Violin"/></staffGrp></scoreDef>
<section><measure n="1"><staff n="1"><layer n="1"><note pname="g" oct="4" dur="4"/>
<note pname="f" oct="4" dur="4" accid.ges="s"/><note pname="e" oct="4" dur="2"/></layer></staff>
</measure></section></score></mdiv></body></music></mei>"""

pytestmark = pytest.mark.filterwarnings("ignore")  # music21's own


@pytest.fixture(autouse=True)
def _music21() -> None:
    pytest.importorskip("music21")


def kept(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def tune(music: Arrangement, part: Part) -> list[tuple[Fraction, int]]:
    return [(Fraction(note.onset, music.ticks_per_beat), note.pitch) for note in part.notes]


def at(*pairs: tuple[float, int]) -> list[tuple[Fraction, int]]:
    return [(Fraction(onset), pitch) for onset, pitch in pairs]


def test_abc_with_a_pick_up_a_repeat_and_two_endings(tmp_path: Path) -> None:
    music = read(kept(tmp_path, "tune.abc", ABC))
    scale = at((1, 67), (1.5, 69), (2, 71), (2.5, 72), (3, 74), (4, 74))
    notes = tune(music, music.parts[0])
    assert notes[:7] == [(Fraction(0), 62), *scale]
    # the second time begins at quarter 12 with the pick-up
    assert [(onset - 12, pitch) for onset, pitch in notes if onset >= 12][:7] == notes[:7]
    assert notes[-2:] == at((21, 64), (23, 69))
    chords = [(chord.tick // music.ticks_per_beat, chord.text) for chord in music.chords]
    assert chords[:4] == [(1, "G"), (5, "C"), (7, "D7"), (9, "G")]
    assert chords[-2:] == [(21, "Em"), (23, "Am7")]
    assert music.keys[0].fifths == 1
    assert music.tempos[0].microseconds == 500_000


def test_humdrum_spines_are_parts(tmp_path: Path) -> None:
    music = read(kept(tmp_path, "piece.krn", KERN))
    high = at((0, 62), (1, 67), (2, 71), (3, 72), (4.5, 63))
    assert sorted(tune(music, part) for part in music.parts) == sorted([high, at((0, 43), (3, 48))])
    assert music.metres[0].numerator == 3


def test_mei(tmp_path: Path) -> None:
    music = read(kept(tmp_path, "piece.mei", MEI))
    assert tune(music, music.parts[0]) == at((0, 67), (1, 66), (2, 64))
    assert music.parts[0].name == "Violin"


@pytest.mark.parametrize(("name", "text"), [("a.abc", ABC), ("a.krn", KERN), ("a.mei", MEI)])
def test_a_part_can_be_written_into_what_was_read(tmp_path: Path, name: str, text: str) -> None:
    music = read(kept(tmp_path, name, text))
    same = read(tmp_path / name)
    assert music.source is not None
    assert same.source is not None
    assert music.source.content == same.source.content
    bass = Part("Bass", 33, False, music.parts[0].notes)
    write(music.with_parts((*music.parts, bass)), tmp_path / "out.musicxml")
    again = read(tmp_path / "out.musicxml")
    assert again.parts[:-1] == music.parts
    assert tune(again, again.parts[-1]) == tune(music, bass)


def test_content_counts_before_the_name(tmp_path: Path) -> None:
    assert foreign_notation(ABC.encode(), ".txt") == "ABC"
    assert foreign_notation(KERN.encode("utf-16"), ".abc") == "Humdrum"
    assert foreign_notation(MEI.encode(), ".xml") == "MEI"
    assert foreign_notation(b"MThd", ".abc") is None
    assert foreign_notation(b"<score-partwise/>", ".mei") is None
    assert read(kept(tmp_path, "tune.txt", ABC)).parts[0].notes


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("two.abc", ABC + "\n" + ABC.replace("X:1", "X:2"), "2 scores"),
        ("empty.abc", "", "damaged|holds no notes"),
        ("cut.mei", MEI[:300], "damaged"),
        ("bad.krn", "**kern\n4c\n*-\t*-\n", "damaged"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(FileFormatError, match=said) as found:
        read(kept(tmp_path, name, text))
    assert name in str(found.value)


def test_without_music21_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(FileFormatError, match=r"pip install 'subtractive-music\[notation\]'"):
        read(kept(tmp_path, "tune.abc", ABC))


@pytest.mark.program("mscore3")
def test_musescore_files_go_in_and_out(tmp_path: Path, song: Arrangement) -> None:
    music = read_musicxml(whole_score(song), "song.musicxml")
    path = tmp_path / "song.mscz"
    write(music, path)
    again = read(path)
    assert [tune(again, part) for part in again.parts] == [tune(song, part) for part in song.parts]
    assert again.source is not None
    assert again.source.content == write_musicxml(again).content
    assert foreign_notation(path.read_bytes(), ".zip") == "MuseScore"


@pytest.mark.program("mscore3")
def test_a_damaged_musescore_file(tmp_path: Path) -> None:
    path = kept(tmp_path, "bad.mscx", '<?xml version="1.0"?><museScore version="3.01"><Score><P')
    with pytest.raises(FileFormatError, match=r"bad\.mscx"):
        read(path)


def test_without_musescore_the_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSESCORE", str(tmp_path / "nowhere"))
    assert musescore.program() is None
    with pytest.raises(FileFormatError, match="is no program"):
        read(kept(tmp_path, "song.mscx", "<museScore/>"))
    monkeypatch.delenv("MUSESCORE")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(musescore, "_PLACES", ())
    with pytest.raises(OutputError, match="not on the PATH: install it"):
        musescore.convert(b"", ".musicxml", ".mscz", "song.mscz")
