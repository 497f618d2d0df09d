"""Arrangements written as MusicXML: the user's score stays, new parts come in, old ones leave."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from benchmarks.notation.checks import is_unaltered, uneven_measures
from subtractive.arrangement import Arrangement, Note, Part, Tempo
from subtractive.errors import InstrumentError, OutputError
from subtractive.files.midi import read_midi, write_midi
from subtractive.files.music import check_format, own_suffix, read, write
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_score import whole_score
from subtractive.files.musicxml_write import write_musicxml

REPEATED = """<?xml version="1.0"?>
<score-partwise version="3.1"><part-list><score-part id="P1"><part-name>Tune</part-name>
</score-part></part-list><part id="P1">
<measure number="1"><attributes><divisions>1</divisions><time><beats>4</beats>
<beat-type>4</beat-type></time></attributes>
<note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration></note></measure>
<measure number="2"><note><pitch><step>G</step><octave>5</octave></pitch><duration>4</duration>
</note><barline location="right"><repeat direction="backward"/></barline></measure>
<measure number="3"><note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration>
</note></measure></part></score-partwise>"""


@pytest.fixture
def sheet(song: Arrangement) -> Arrangement:
    """The song without its guitar, bass, drums and chord symbols, read from MusicXML."""
    melody = replace(song.with_parts(song.parts[:1]), chords=())
    return read_musicxml(whole_score(melody), "sheet.musicxml")


def played(music: Arrangement, part: Part) -> Counter[tuple[float, int]]:
    return Counter((note.onset / music.ticks_per_beat, note.pitch) for note in part.notes)


def quarters(ticks: int, *pitches: int) -> tuple[Note, ...]:
    return tuple(Note(place * ticks, ticks, pitch, 80) for place, pitch in enumerate(pitches))


def test_what_nothing_came_into_is_the_same_file(sheet: Arrangement) -> None:
    assert sheet.source is not None
    assert write_musicxml(sheet).content == sheet.source.content


def test_new_parts_come_in_and_every_other_byte_stays(
    sheet: Arrangement, song: Arrangement
) -> None:
    assert sheet.source is not None
    written = write_musicxml(sheet.with_parts((*sheet.parts, *song.parts[1:]))).content
    assert is_unaltered(sheet.source.content, written)
    assert not is_unaltered(sheet.source.content, written.replace(b"<octave>5", b"<octave>4", 1))
    again = read_musicxml(written)
    assert again.parts[: len(sheet.parts)] == sheet.parts
    assert [played(again, part) for part in again.parts] == [
        played(song, part) for part in song.parts
    ]
    assert uneven_measures(written, 3) == 0


def test_taking_a_part_out_and_putting_it_in_again(song: Arrangement) -> None:
    """The old part leaves the file and the new one comes last."""
    score = read_musicxml(whole_score(song), "song.musicxml")
    context, taken = score.split("bass")
    assert score.source is not None
    without = read_musicxml(write_musicxml(context).content)
    assert [part.name for part in without.parts] == [part.name for part in context.parts]
    moved = replace(taken[0].stem, notes=quarters(score.ticks_per_beat, 40, 41, 43))
    again = read_musicxml(write_musicxml(context.with_parts((*context.parts, moved))).content)
    assert again.parts[:-1] == context.parts
    assert played(again, again.parts[-1]) == played(score, moved)
    with pytest.raises(InstrumentError, match="keep one"):
        write_musicxml(score.with_parts(()))


def test_a_repeat_is_written_once_and_mirrored() -> None:
    tune = read_musicxml(REPEATED.encode())
    assert [bar // tune.ticks_per_beat for bar in tune.barlines] == [0, 4, 8, 12, 16, 20]
    bass = Part("Bass", 33, False, quarters(tune.ticks_per_beat, *[36, 38, 40, 41] * 5))
    written = write_musicxml(tune.with_parts((*tune.parts, bass))).content
    part = etree.fromstring(written).findall("part")[1]
    assert [len(measure.findall("note")) for measure in part] == [4, 4, 4]
    assert part[1].find("barline/repeat[@direction='backward']") is not None
    again = read_musicxml(written)
    assert played(again, again.parts[1]) == played(tune, bass)


def test_a_new_guitar_shows_chords_where_the_score_has_none(
    sheet: Arrangement, song: Arrangement
) -> None:
    guitar = song.parts[1]
    new = etree.fromstring(write_musicxml(sheet.with_parts((*sheet.parts, guitar))).content)
    roots = [each.text for each in new.findall("part")[-1].iter("root-step")]
    assert roots[:2] == ["C", "B"]  # the guitar has no root below its G7
    # those given by hand count before what is heard
    charted = replace(sheet, chords=song.chords)
    given = read_musicxml(write_musicxml(charted.with_parts((*sheet.parts, guitar))).content)
    assert [chord.text for chord in given.chords] == [chord.text for chord in song.chords]
    # and a score with its own has them once
    assert song.chords
    own = read_musicxml(whole_score(song.with_parts(song.parts[:1])))
    both = etree.fromstring(write_musicxml(own.with_parts((*own.parts, guitar))).content)
    assert both.findall("part")[-1].find(".//harmony") is None


def test_a_new_part_says_the_tempo_that_a_score_does_not() -> None:
    tune = read_musicxml(REPEATED.encode())
    bass = Part("Bass", 33, False, quarters(tune.ticks_per_beat, 36))
    paced = replace(tune, tempos=(Tempo(0, 750_000),))
    again = read_musicxml(write_musicxml(paced.with_parts((*tune.parts, bass))).content)
    assert again.tempos[0] == Tempo(0, 750_000)
    plain = write_musicxml(tune.with_parts((*tune.parts, bass))).content
    assert read_musicxml(plain).tempos == ()


def test_a_new_part_takes_a_channel_of_its_own(song: Arrangement) -> None:
    score = read_musicxml(whole_score(song))
    new = replace(song.parts[2], name="More"), replace(song.parts[1], name="Much more")
    written = etree.fromstring(write_musicxml(score.with_parts((*score.parts, *new))).content)
    entries = [
        {channel.text for channel in entry.iter("midi-channel")}
        for entry in written.iter("score-part")
    ]
    assert all(len(entry) == 1 for entry in entries)
    assert len(set.union(*entries)) == len(entries)


def test_swing_is_spelled_as_the_score_spells_it(sheet: Arrangement) -> None:
    ticks = sheet.ticks_per_beat
    swung = tuple(
        Note(beat * ticks + place, ticks // 3, 42, 80)
        for beat in range(16)
        for place in (0, 2 * ticks // 3)
    )
    drums = Part("Drums", 0, True, swung)
    straight = write_musicxml(sheet.with_parts((*sheet.parts, drums))).content
    assert b">Swing<" in straight
    assert b"time-modification" not in straight
    thirds = tuple(Note(place * ticks // 3, ticks // 3, 72, 80) for place in range(24))
    rolling = replace(sheet.with_parts((replace(sheet.parts[0], notes=thirds),)), source=None)
    spelled = read_musicxml(whole_score(rolling))
    both = write_musicxml(spelled.with_parts((*spelled.parts, drums))).content
    assert b">Swing<" not in both
    again = read_musicxml(both)
    assert played(again, again.parts[1]) == played(sheet, drums)


def test_archives_in_and_out(sheet: Arrangement, song: Arrangement) -> None:
    both = sheet.with_parts((*sheet.parts, song.parts[2]))
    plain, packed = write_musicxml(both).content, write_musicxml(both, zipped=True).content
    assert packed == write_musicxml(both, zipped=True).content
    assert read_musicxml(packed).parts == read_musicxml(plain).parts
    # an archive keeps its other files, and is unpacked where that is asked for
    store = io.BytesIO(packed)
    with zipfile.ZipFile(store, "a") as archive:
        archive.writestr("images/cover.png", b"picture")
    old = read_musicxml(store.getvalue(), "old.mxl")
    more = old.with_parts((*old.parts, song.parts[1]))
    with zipfile.ZipFile(io.BytesIO(write_musicxml(more, zipped=True).content)) as archive:
        assert archive.read("images/cover.png") == b"picture"
    unpacked = write_musicxml(more).content
    assert unpacked.startswith(b"<?xml")
    assert is_unaltered(plain, unpacked)


def test_midi_becomes_a_score_and_a_score_midi(song: Arrangement, tmp_path: Path) -> None:
    from_midi = read_midi(write_midi(song), "song.mid")
    write(from_midi, tmp_path / "song.musicxml")
    again = read(tmp_path / "song.musicxml")
    assert [played(again, part) for part in again.parts] == [
        played(song, part) for part in song.parts
    ]
    write(again, tmp_path / "back.mid")
    assert [played(song, part) for part in read(tmp_path / "back.mid").parts] == [
        played(song, part) for part in song.parts
    ]


def test_formats_are_known_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.mid", "a.MIDI", "a.musicxml", "a.xml", "a.mxl"):
        check_format(name)
    for name in ("a.wav", "a", "a.pdf"):
        with pytest.raises(OutputError, match=r"end the output in \.mid, \.musicxml or \.mxl"):
            check_format(name)
    monkeypatch.setenv("MUSESCORE", str(tmp_path / "nowhere"))
    with pytest.raises(OutputError, match=r"names .*, which is no program"):
        check_format("a.mscz")
    kept = {"a.mid": ".mid", "a.mxl": ".mxl", "a.XML": ".xml", "a.abc": ".musicxml", "a": ".mid"}
    assert {name: own_suffix(Path(name)) for name in kept} == kept
