"""Parts written into scores that others made, as MuseScore and music21 see them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.notation.__main__ import corpus_files, examined, summary
from benchmarks.notation.checks import is_unaltered, struck, uneven_measures
from benchmarks.notation.jobs import convert_all
from subtractive.arrangement import Arrangement, Part
from subtractive.arranger import arrange
from subtractive.files.midi import read_midi
from subtractive.files.music import read, write
from subtractive.files.musicxml import read_musicxml, written_score
from subtractive.files.musicxml_write import write_musicxml

ADDED = ("bass", "drums", "guitar")

pytestmark = pytest.mark.filterwarnings("ignore")  # music21's own


def by_rule(contexts: Sequence[Arrangement], instrument: str) -> list[Part]:
    return [arrange(each, instrument, np.random.default_rng(1)) for each in contexts]


def with_band(music: Arrangement) -> Arrangement:
    for name in ADDED:
        music = music.with_parts((*music.parts, *by_rule([music.split(name)[0]], name)))
    return music


@pytest.mark.program("mscore3")
def test_scores_of_the_corpus() -> None:
    """150 of them, spread over all; `python -m benchmarks.notation` does all of them."""
    pytest.importorskip("music21")
    outcomes = list(examined(corpus_files(150), by_rule))
    seen = summary(outcomes)
    assert seen["wrong"] == []
    assert seen["opened by MuseScore"] == seen["opened with the new parts"]
    assert sum(each.opened and each.same_form for each in outcomes) > 130


@pytest.mark.data
@pytest.mark.program("mscore3")
def test_a_hard_score(data: Path, tmp_path: Path) -> None:
    """Pick-up, voltas, 3/4, a tempo change, a transposing part, D.S. al Coda, a drum kit."""
    path = data / "scores" / "rich.musicxml"
    tmp_path.chmod(0o700)
    music = read(path)
    before, after = tmp_path / "before.musicxml", tmp_path / "after.musicxml"
    before.write_bytes(path.read_bytes())
    write(with_band(music), after)
    assert is_unaltered(before.read_bytes(), after.read_bytes())
    assert uneven_measures(after.read_bytes(), len(ADDED)) == 0
    convert_all([before, after], ".mid")
    own, both = (read_midi(each.with_suffix(".mid").read_bytes()) for each in (before, after))
    assert own.end == both.end
    count = len(own.parts)
    assert [part.notes for part in both.parts[:count]] == [part.notes for part in own.parts]
    assert [part.is_drums for part in both.parts[count:]] == [False, True, False]
    again = read(after)
    for place in range(-len(ADDED), 0):
        assert struck(both, both.parts[place]) == struck(again, again.parts[place])


@pytest.mark.parametrize("place", range(12))
def test_music21_reads_new_parts_as_we_do(place: int) -> None:
    """Pitches, onsets and durations, measure by measure as they are written."""
    music21 = pytest.importorskip("music21")
    path = [each for each in corpus_files(60) if each.suffix != ".xml"][place]
    music = read(path)
    written = write_musicxml(with_band(music)).content
    ours = written_score(written)
    theirs = music21.converter.parse(written, format="musicxml")
    for part, other in zip(ours.parts[-3:], list(theirs.parts)[-3:], strict=True):
        measures = list(other.getElementsByClass("Measure"))
        assert len(measures) == len(part.measures)
        shift = 0 if part.player.is_drums else -12 * (part is ours.parts[-3])
        for measure, mine in zip(measures, part.measures, strict=True):
            found = sorted(
                (Fraction(note.getOffsetInHierarchy(measure)).limit_denominator(96), *each)
                for note in measure.recurse().notes
                if "Harmony" not in note.classes
                for each in _pitches(note, shift)
            )
            wanted = sorted(
                (
                    note.onset,
                    0 if part.player.is_drums else note.pitch,
                    note.duration,
                )
                for note in mine.notes
            )
            assert found == wanted
    assert read_musicxml(written).parts[: len(music.parts)] == music.parts


def _pitches(note: Any, shift: int) -> list[tuple[int, Fraction]]:
    """Pitch (0 on a drum) and duration of a note, or of each note of a chord."""
    duration = Fraction(note.quarterLength).limit_denominator(96)
    members = note.notes if "ChordBase" in note.classes else [note]
    return [
        (each.pitch.midi + shift if "Note" in each.classes else 0, duration) for each in members
    ]
