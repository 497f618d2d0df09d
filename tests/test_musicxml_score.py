"""Whole scores written from what is heard."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import pytest
from lxml import etree

from subtractive.arrangement import Arrangement, Metre, Note, Part, Source, Tempo
from subtractive.errors import FileFormatError
from subtractive.files.midi import read_midi
from subtractive.files.musescore import convert
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_score import whole_score
from subtractive.notation.quantise import written
from tests.conftest import BAR, BEAT

SONGS = (3, 22, 42, 62, 82, 102, 122, 142, 182, 202, 242, 282)
BARS = 40


def beginning(music: Arrangement, bars: int = BARS) -> Arrangement:
    """The first bars of a song, as long as quarters are counted in fours."""
    end = bars * 4 * music.ticks_per_beat
    kept = (
        replace(part, notes=tuple(note for note in part.notes if note.onset < end))
        for part in music.parts
    )
    return music.with_parts(tuple(part for part in kept if part.notes))


def real(data: Path, number: int) -> Arrangement:
    path = data / "real_songs" / f"{number:03}.mid"
    return beginning(read_midi(path.read_bytes(), path.name))


def heard(part: Part, ticks: int) -> Counter[tuple[Fraction, int]]:
    return Counter((Fraction(note.onset, ticks), note.pitch) for note in part.notes)


def meant(music: Arrangement) -> list[Counter[tuple[Fraction, int]]]:
    """What the quantised parts sound, in quarters from the beginning."""
    result = written(music)
    starts = list(accumulate((frame.length for frame in result.frames), initial=Fraction(0)))
    return [
        Counter(
            (start + note.onset, note.pitch)
            for start, measure in zip(starts, part, strict=False)
            for note in measure
            if not note.tied_back
        )
        for part in result.parts
    ]


def marks(content: bytes) -> list[tuple[int, str, str]]:
    """Measure, printed rate ("" for none) and sounding tempo of each tempo mark."""
    part = etree.fromstring(content).find("part")
    assert part is not None
    return [
        (place, mark.findtext("direction-type/metronome/per-minute", ""), sound.get("tempo", ""))
        for place, measure in enumerate(part.findall("measure"))
        for mark in measure.findall("direction")
        if (sound := mark.find("sound[@tempo]")) is not None
    ]


def test_a_score_reads_back_as_it_was_heard(song: Arrangement) -> None:
    again = read_musicxml(whole_score(song))
    assert [heard(part, again.ticks_per_beat) for part in again.parts] == [
        heard(part, song.ticks_per_beat) for part in song.parts
    ]
    assert [part.is_drums for part in again.parts] == [part.is_drums for part in song.parts]
    assert [part.name for part in again.parts] == [part.name for part in song.parts]
    assert [chord.text for chord in again.chords] == [chord.text for chord in song.chords]
    assert again.keys[0].fifths == 0


def test_tempos_metres_and_their_places_read_back(song: Arrangement) -> None:
    tempos = (Tempo(0, 500_000), Tempo(2 * BAR, 400_000), Tempo(2 * BAR + 6 * BEAT, 600_000))
    metres = (Metre(0, 4, 4), Metre(2 * BAR, 3, 4))
    again = read_musicxml(whole_score(replace(song, tempos=tempos, metres=metres, chords=())))
    scale = again.ticks_per_beat // BEAT
    assert again.tempos == tuple(tempo._replace(tick=tempo.tick * scale) for tempo in tempos)
    assert again.metres == tuple(metre._replace(tick=metre.tick * scale) for metre in metres)


def test_a_ritardando_is_played_and_not_printed(song: Arrangement) -> None:
    slower = tuple(Tempo(7 * BAR + beat * BEAT, 500_000 + 50_000 * beat) for beat in range(1, 4))
    found = marks(whole_score(replace(song, tempos=(Tempo(0, 500_000), *slower))))
    assert [printed for _, printed, _ in found] == ["120", "", "", ""]
    assert [float(tempo) for *_, tempo in found] == pytest.approx([120, 109.09, 100, 92.31], 1e-3)


def test_compound_metres_count_dotted_quarters(song: Arrangement) -> None:
    content = whole_score(replace(song, metres=(Metre(0, 6, 8),), chords=()))
    assert marks(content)[0] == (0, "80", "120")
    assert b"<beat-unit-dot/>" in content


def test_the_title_is_the_files_name_and_empty_parts_stay_out(song: Arrangement) -> None:
    named = replace(
        song,
        parts=(Part("Silent", 0, False, ()), *song.parts),
        source=Source("midi", b"", "songs/My <Tune>.mid"),
    )
    root = etree.fromstring(whole_score(named))
    assert root.findtext("work/work-title") == "My <Tune>"
    assert len(root.findall("part")) == len(root.findall("part-list/score-part")) == 4
    assert len({entry.get("id") for entry in root.iter("score-part")}) == 4


def test_every_part_ends_with_a_final_barline(song: Arrangement) -> None:
    for part in etree.fromstring(whole_score(song)).findall("part"):
        assert part.findtext("measure[last()]/barline/bar-style") == "light-heavy"


def test_what_swings_swings_in_all_parts() -> None:
    """Straight eighths and one mark, or triplets everywhere: never one part against another."""
    swung = tuple(
        Note(beat * BEAT + place, 150, 60, 80) for beat in range(16) for place in (0, 320)
    )
    quarters = tuple(Note(beat * BEAT, 300, 40, 80) for beat in range(16))
    plain = whole_score(
        Arrangement(BEAT, (Part("A", 0, False, swung), Part("B", 33, False, quarters)))
    )
    assert b"time-modification" not in plain
    straight = tuple(note._replace(onset=note.onset - note.onset % BEAT // 4) for note in swung)
    mixed = whole_score(
        Arrangement(BEAT, (Part("A", 0, False, swung), Part("B", 33, False, straight)))
    )
    assert mixed.count(b"<words") == 0
    assert b"time-modification" in mixed


def test_music_without_notes_is_refused() -> None:
    with pytest.raises(FileFormatError, match="holds no notes"):
        whole_score(Arrangement(BEAT, (Part("", 0, False, ()),)))


@pytest.mark.data
@pytest.mark.parametrize("number", SONGS)
def test_real_songs_read_back_as_quantised(data: Path, number: int) -> None:
    music = real(data, number)
    again = read_musicxml(whole_score(music))
    for part, notes in zip(again.parts, meant(music), strict=True):
        assert heard(part, again.ticks_per_beat) == notes


@pytest.mark.data
@pytest.mark.program("mscore3")
@pytest.mark.parametrize("number", SONGS[:4])
def test_musescore_plays_what_was_quantised(data: Path, number: int) -> None:
    music = real(data, number)
    played = read_midi(convert(whole_score(music), ".musicxml", ".mid"))
    for part, notes in zip(played.parts, meant(music), strict=True):
        assert heard(part, played.ticks_per_beat) == notes
