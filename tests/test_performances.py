"""Drum performances: what their names say, and that nothing of the playing is lost."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.arrays import to_arrays
from subtractive.errors import FileFormatError, OptionError
from subtractive.files.midi import read_midi, write_midi
from subtractive.performances import (
    GENERAL_MIDI,
    Performance,
    performance,
    performances,
    read_performance,
    split_of_drummer,
)
from subtractive.styles import style_of

PLAYED = (Note(3, 40, 36, 101), Note(487, 30, 38, 17), Note(731, 30, 58, 90))


def take(
    folder: Path,
    name: str,
    notes: tuple[Note, ...] = PLAYED,
    tempos: tuple[Tempo, ...] = (),
    metres: tuple[Metre, ...] = (),
) -> Path:
    """Write a performance; its file states neither tempo nor metre unless it is told to."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    kit = Part("kit", 0, is_drums=True, notes=notes)
    path.write_bytes(write_midi(Arrangement(480, (kit,), tempos, metres)))
    return path


def only(folder: Path) -> Performance:
    (found,) = performances(folder)
    return found


def test_a_name_says_who_what_how_fast_and_in_which_metre(tmp_path: Path) -> None:
    name = "drummer7/session2/12_latin-brazilian-baiao_96_fill_6-8.mid"
    path = take(tmp_path, f"groove/{name}")
    assert only(tmp_path) == Performance(
        name, "drummer7", "latin-brazilian-baiao", 96, True, (6, 8), path
    )


def test_a_performance_is_called_the_same_from_any_folder(tmp_path: Path) -> None:
    take(tmp_path, "gmd/groove/drummer7/session2/1_funk_96_beat_4-4.mid")
    places = ("", "gmd", "gmd/groove", "gmd/groove/drummer7")
    found = {only(tmp_path / place) for place in places}
    assert len(found) == 1
    assert str(tmp_path) not in repr(found)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("drummer1/funk.mid", "does not say what is played"),
        ("drummer1/1_funk_96_solo_4-4.mid", "does not say what is played"),
        ("drummer1/1_funk_fast_beat_4-4.mid", "does not say what is played"),
        ("drummer1/1_funk_0_beat_4-4.mid", "tempo of 0;"),
        ("drummer1/1_funk_9999_beat_4-4.mid", "tempo of 9999;"),
        ("drummer1/1_funk_96_beat_0-4.mid", "metre of 0/4;"),
        ("drummer1/1_funk_96_beat_4-5.mid", "metre of 4/5;"),
        ("session1/1_funk_96_beat_4-4.mid", "no drummer's folder"),
    ],
)
def test_a_bad_name_gets_a_reason_and_stops_nothing(tmp_path: Path, name: str, reason: str) -> None:
    take(tmp_path, name)
    take(tmp_path, "drummer2/session1/1_rock_120_beat_4-4.mid")
    assert only(tmp_path).drummer == "drummer2"
    with pytest.raises(FileFormatError) as caught:
        performance(tmp_path, name)
    assert str(caught.value).startswith(name)
    assert reason in str(caught.value)


def test_a_folder_that_is_none_is_named() -> None:
    with pytest.raises(OptionError, match="no/such/folder is not a folder"):
        performances(Path("no/such/folder"))


def test_the_name_tells_tempo_and_metre_only_where_the_file_does_not(tmp_path: Path) -> None:
    take(tmp_path, "drummer1/1_funk_96_beat_6-8.mid")
    song = read_performance(only(tmp_path))
    assert song.tempos == (Tempo(0, 625_000),)
    assert song.metres == (Metre(0, 6, 8),)
    own = (Tempo(0, 500_000),), (Metre(0, 5, 4),)
    take(tmp_path, "drummer1/1_funk_96_beat_6-8.mid", PLAYED, *own)
    song = read_performance(only(tmp_path))
    assert (song.tempos, song.metres) == own


def test_timing_and_velocity_stay_and_rims_become_their_drums(tmp_path: Path) -> None:
    take(tmp_path, "drummer1/1_funk_96_beat_4-4.mid")
    (part,) = read_performance(only(tmp_path)).parts
    assert part.is_drums
    assert part.notes.tolist() == [*PLAYED[:2], (731, 30, 43, 90)]


def test_one_stroke_on_bow_and_edge_is_one_note_and_the_louder(tmp_path: Path) -> None:
    both = (Note(0, 30, 22, 60), Note(0, 30, 42, 80), Note(1, 30, 42, 50))
    take(tmp_path, "drummer1/1_funk_96_beat_4-4.mid", both)
    (part,) = read_performance(only(tmp_path)).parts
    assert part.notes.tolist() == [both[1], both[2]]


def test_keys_are_mapped_to_keys_that_stay() -> None:
    assert not {*GENERAL_MIDI} & {*GENERAL_MIDI.values()}
    assert all(35 <= key <= 81 for key in GENERAL_MIDI.values())


def test_a_file_without_drums_or_that_is_gone_is_said_so(tmp_path: Path) -> None:
    path = take(tmp_path, "drummer1/1_funk_96_beat_4-4.mid")
    piano = Part("piano", 0, is_drums=False, notes=PLAYED)
    path.write_bytes(write_midi(Arrangement(480, (piano,))))
    found = only(tmp_path)
    with pytest.raises(FileFormatError, match=r"4-4\.mid holds no drums"):
        read_performance(found)
    path.unlink()
    with pytest.raises(FileFormatError, match=r"4-4\.mid cannot be opened"):
        read_performance(found)


@given(st.lists(st.integers(1, 10**6), unique=True, min_size=1, max_size=5))
def test_a_drummers_side_is_the_drummers_alone(numbers: list[int]) -> None:
    sides = {number: split_of_drummer(f"drummer{number}") for number in numbers}
    assert {*sides.values()} <= {"train", "valid"}
    assert all(split_of_drummer(f"drummer{number}") == side for number, side in sides.items())


def test_of_the_ten_drummers_one_or_two_are_held_out() -> None:
    sides = [split_of_drummer(f"drummer{number}") for number in range(1, 11)]
    assert sides.count("valid") in (1, 2)
    many = [split_of_drummer(f"drummer{number}") for number in range(2000)]
    assert 0.07 < many.count("valid") / len(many) < 0.13


@pytest.mark.data
def test_the_data_sets_names_say_what_its_files_do(data: Path) -> None:
    found = performances(data / "gmd")
    assert len(found) > 1000
    assert len(found) == len([*(data / "gmd").rglob("*.mid")])
    for each in found[::25]:
        song = read_performance(each)
        assert 60e6 / song.tempos[0].microseconds == pytest.approx(each.tempo, abs=0.01)
        assert song.metres[0][1:] == each.metre


@pytest.mark.data
def test_nothing_of_the_playing_is_lost(data: Path) -> None:
    for each in performances(data / "gmd")[::25]:
        raw = to_arrays(read_midi(each.path.read_bytes()))
        # the files' own ticks are the excerpts' ticks: no onset moves at all
        assert raw.ticks_per_beat == read_performance(each).ticks_per_beat
        (before,), (after,) = raw.parts, read_performance(each).parts
        kept = np.isin(before.notes["onset"], after.notes["onset"])
        assert kept.all()
        assert len(after.notes) >= 0.99 * len(before.notes)
        assert {*after.notes["velocity"].tolist()} <= {*before.notes["velocity"].tolist()}
        assert 35 <= after.notes["pitch"].min() <= after.notes["pitch"].max() <= 81


@pytest.mark.data
def test_the_held_out_drummer_played_no_beat_that_others_played(data: Path) -> None:
    held = [
        each for each in performances(data / "gmd") if split_of_drummer(each.drummer) == "valid"
    ]
    assert held
    assert all(style_of(each.style) and "groove" not in each.style for each in held)
