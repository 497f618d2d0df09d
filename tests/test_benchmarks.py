"""What a benchmark stands on: cutting songs, assignments, intervals, journals, tables."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import speed
from benchmarks.assignments import CASES, assignments, of_case, whole_song
from benchmarks.bootstrap import Interval, gap_closed, interval
from benchmarks.journal import Journal, fingerprint, module_files
from benchmarks.metrics import evaluate
from benchmarks.songs import SPLITS, Song, load_songs
from benchmarks.windows import best_window, cut
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, Tempo, bars
from subtractive.files.midi import read_midi, write_midi
from subtractive.instruments import INSTRUMENTS, roles

BEAT = 12

metre_maps = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 12), st.sampled_from([2, 4, 8])), max_size=4
)


def long_song(metres: list[tuple[int, int, int]]) -> Arrangement:
    notes = tuple(Note(tick, 30, 40 + tick % 20, 80) for tick in range(0, 1500, 7))
    strokes = tuple(Note(tick, 30, 36, 80) for tick in range(0, 1500, 11))
    return Arrangement(
        BEAT,
        (Part("Bass", 33, False, notes), Part("Drums", 0, True, strokes)),
        tempos=(Tempo(0, 500_000), Tempo(700, 400_000)),
        metres=tuple(Metre(beat * BEAT, upper, lower) for beat, upper, lower in sorted(metres)),
        chords=(ChordSymbol(0, "C", 0, (0, 4, 7), 0), ChordSymbol(900, "G", 7, (7, 11, 2), 7)),
    )


@given(metre_maps, st.data())
def test_cutting_keeps_the_bars(metres: list[tuple[int, int, int]], data: st.DataObject) -> None:
    song = long_song(metres)
    every = bars(song)
    first = data.draw(st.integers(0, len(every) - 1))
    last = data.draw(st.integers(first + 1, len(every)))
    window = cut(song, first, last)
    start = every[first].onset
    assert bars(window) == tuple(bar._replace(onset=bar.onset - start) for bar in every[first:last])
    end = every[last - 1].end
    assert window.tempo_at(0) == song.tempo_at(start)
    assert window.tempo_at(end - start - 1) == song.tempo_at(end - 1)
    for before, after in zip(song.parts, window.parts, strict=True):
        begun = [note for note in before.notes if start <= note.onset < end]
        assert {(n.onset - start, n.pitch) for n in begun} <= {
            (n.onset, n.pitch) for n in after.notes
        }
        assert after.end <= end - start
        leaks = [note for note in before.notes if note.onset < start < note.end]
        assert len(after.notes) == len(begun) + len([] if before.is_drums else leaks)


@given(metre_maps)
def test_cutting_in_two_steps_is_cutting_in_one(metres: list[tuple[int, int, int]]) -> None:
    song = long_song(metres)
    assert cut(cut(song, 1, 5), 1, 3) == cut(song, 2, 4)


def test_only_bars_that_are_there_can_be_cut(song: Arrangement) -> None:
    for first, last in ((0, 9), (-1, 2), (3, 3)):
        with pytest.raises(ValueError, match="cannot be cut"):
            cut(song, first, last)


def test_best_window_is_where_the_whole_band_plays() -> None:
    bar = 4 * BEAT
    drums = Part("Drums", 0, True, tuple(Note(tick, 1, 36, 80) for tick in range(0, 80 * bar, 3)))
    bass_notes = tuple(Note(tick, 1, 40, 80) for tick in range(41 * bar, 60 * bar, BEAT))
    song = Arrangement(BEAT, (drums, Part("Bass", 33, False, bass_notes)))
    assert best_window(song) == 28  # the first of those that hold all of the bass
    assert best_window(replace(song, parts=(drums,))) == 0
    assert best_window(cut(song, 0, 3)) == 0


def test_a_song_is_shared_out_to_every_instrument(song: Arrangement) -> None:
    every = assignments([Song("own", "song", song)], INSTRUMENTS)
    assert [one.instrument for one in every] == ["drums", "bass", "guitar"]
    for one in every:
        assert one.instrument not in roles(one.context.parts)
        assert one.truth in song.parts
        scores = evaluate(one.truth, one.truth, one.around, one.instrument)
        assert scores["onset_f1"] == scores["notes_per_bar_ratio"] == 1


def test_a_song_says_nothing_of_an_instrument_without_notes_or_company(song: Arrangement) -> None:
    bass_and_drums = song.with_parts(song.parts[2:])
    alone = Song("own", "alone", bass_and_drums)
    assert whole_song(alone, "bass") is None  # no pitched part to follow
    assert whole_song(alone, "drums") is not None
    assert whole_song(alone, "guitar") is None
    thin = replace(song.parts[2], notes=song.parts[2].notes[:15])
    few = song.with_parts((song.parts[0], thin))
    assert whole_song(Song("own", "few", few), "bass") is None


def test_a_case_gives_exactly_its_roles(song: Arrangement) -> None:
    for case in CASES:
        one = of_case(Song("own", "song", song), case)
        assert one is not None
        assert set(roles(one.context.parts)) == set(case.given)
        assert one.case == case.title
    no_guitar = song.with_parts((song.parts[0], *song.parts[2:]))
    found = assignments([Song("own", "no guitar", no_guitar)], INSTRUMENTS, CASES)
    assert found == []


@settings(max_examples=20)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30), st.integers(0, 99))
def test_an_interval_holds_its_value_and_shifts_with_it(values: list[float], seed: int) -> None:
    array = np.array(values)
    found = interval(array, np.random.default_rng(seed), resamples=500)
    assert found.low <= found.value + 1e-9
    assert found.value <= found.high + 1e-9
    assert found == interval(array, np.random.default_rng(seed), resamples=500)
    moved = interval(array + 3, np.random.default_rng(seed), resamples=500)
    assert moved == pytest.approx([bound + 3 for bound in found])


def test_intervals_cover_the_truth_about_as_often_as_they_say(rng: np.random.Generator) -> None:
    covered = 0
    for _ in range(200):
        found = interval(rng.normal(1.0, 1.0, size=40), rng, resamples=400)
        covered += found.low <= 1.0 <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_gap_closed_of_floor_and_ceiling_themselves(rng: np.random.Generator) -> None:
    floor, ceiling = rng.uniform(0, 0.4, 30), rng.uniform(0.6, 1, 30)
    assert gap_closed(floor, floor, ceiling, rng) == Interval(0, 0, 0)
    assert gap_closed(ceiling, floor, ceiling, rng) == Interval(1, 1, 1)
    half = gap_closed((floor + ceiling) / 2, floor, ceiling, rng)
    assert half == pytest.approx((0.5, 0.5, 0.5))


def test_a_journal_goes_on_after_a_cut_off_line(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "run.jsonl"
    journal = Journal(path)
    journal.add([{"key": "a", "value": 1}, {"key": "b", "value": 2}])
    with path.open("a", encoding="utf-8") as file:
        file.write('{"key": "c", "val')
    again = Journal(path)
    assert set(again.rows) == {"a", "b"}
    again.add([{"key": "c", "value": 3}])
    assert [row["value"] for row in Journal(path).rows.values()] == [1, 2, 3]


def test_a_fingerprint_changes_with_what_a_result_depends_on(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"1")
    before = fingerprint([str(weights)], "cpu")
    assert before == fingerprint([str(weights)], "cpu")
    assert before != fingerprint([str(weights)], "cuda")
    weights.write_bytes(b"2")
    assert before != fingerprint([str(weights)], "cpu")


def test_the_song_that_speed_is_measured_on_can_be_read_back() -> None:
    song = speed.synthetic_song(16, np.random.default_rng(0))
    assert set(roles(song.parts)) == {"drums", "other"}
    again = read_midi(write_midi(song))
    assert [part.notes for part in again.parts] == [part.notes for part in song.parts]
    assert len(bars(again)) == 16


def test_speed_goals_follow_the_timings() -> None:
    def timed(seconds_per_bar: float, last: float = 0.0) -> list[speed.Timing]:
        return [
            speed.Timing(count, 2 + seconds_per_bar * count + last * (count == 292), 600.0)
            for count in speed.BARS
        ]

    assert all(goal.reached for goal in speed.goals(timed(0.05)))
    slow = [goal.reached for goal in speed.goals(timed(0.2, last=60.0))]
    assert slow == [True, False, True, False]


def test_a_timed_process_reports_its_own_memory_and_failure() -> None:
    # in a process of its own: a child counts what its parent held when it was started
    script = (
        "from benchmarks.speed import time_command as t;"
        "print(t(['python3', '-c', 'x = b\"x\" * 300_000_000'], 1).peak_mb,"
        "t(['python3', '-c', 'pass'], 1).peak_mb)"
    )
    printed = subprocess.check_output([sys.executable, "-c", script], text=True)
    large, small = map(float, printed.split())
    assert large > 300 > small
    with pytest.raises(RuntimeError, match="out of tune"):
        speed.time_command(["python3", "-c", "raise SystemExit('out of tune')"], 1)


def test_a_writer_depends_on_all_that_it_imports() -> None:
    names = {Path(path).name for path in module_files("benchmarks.writers")}
    assert {"writers.py", "baselines.py", "harmony.py", "songs.py", "arrangement.py"} <= names
    assert "writer.py" in names  # imported inside a function alone
    assert "vocabulary.py" in {Path(path).name for path in module_files("scoretokens.codec")}
    assert not {"speed.py", "tables.py"} & names


@pytest.mark.data
def test_the_songs_are_those_that_results_speak_of(data: Path) -> None:
    del data
    songs = list(load_songs(SPLITS, "quick"))
    assert [song.collection for song in songs].count("freedoom") == 27
    assert [song.collection for song in songs].count("real_songs") == 30
    assert all(len(bars(song.music)) <= 32 for song in songs)
    for one in assignments(songs[:6], INSTRUMENTS):
        scores = evaluate(one.truth, one.truth, one.around, one.instrument)
        assert scores["onset_f1"] == 1
        assert scores["notes_per_bar_ratio"] == 1
