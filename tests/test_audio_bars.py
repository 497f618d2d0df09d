"""Beats and bars as a user gives them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.bars import EARLY_SECONDS, bar_lines, bars_named, envelope, read_beats, span_of
from audio.beats import BeatGrid
from subtractive.errors import FileFormatError, OptionError


@settings(max_examples=60)
@given(st.floats(40, 200), st.floats(0, 3), st.integers(2, 7), st.integers(0, 6), st.floats(10, 60))
def test_bars_cover_the_music_once(
    bpm: float, first: float, beats_per_bar: int, downbeat: int, seconds: float
) -> None:
    steady = BeatGrid.steady(bpm, first, seconds, beats_per_bar)
    grid = BeatGrid(steady.beats, downbeat % len(steady.beats), beats_per_bar)
    lines = bar_lines(grid, seconds)
    bar = beats_per_bar * 60 / bpm
    assert np.allclose(np.diff(lines), bar)
    # a pick-up is shorter than a bar, and the last bar begins within the music
    assert -EARLY_SECONDS - 1e-9 <= lines[0] < bar + EARLY_SECONDS
    assert lines[-1] >= seconds - EARLY_SECONDS - 1e-9
    assert lines[-2] <= seconds
    assert np.allclose(np.minimum(grid.bar_phase(lines), 1 - grid.bar_phase(lines)), 0, atol=1e-6)


def test_the_first_bar_may_begin_before_the_first_beat_heard() -> None:
    # an intro without a pulse: the first beat that is heard is the second of bar 3
    grid = BeatGrid.steady(60, 9.0, 20.0)
    late = BeatGrid(grid.beats, 3, 4)
    assert bar_lines(late, 20.0)[0] == pytest.approx(0.0)
    assert span_of("3-4", late, 20.0) == pytest.approx((8.0, 16.0))
    assert span_of("5", late, 20.0) == pytest.approx((16.0, 20.0))
    with pytest.raises(OptionError, match="no bar 6; the music has bars 1 to 5 at 60 beats"):
        span_of("5-6", late, 20.0)


@settings(max_examples=40)
@given(st.lists(st.integers(10, 400), min_size=2, max_size=6, unique=True))
def test_spans_side_by_side_add_up_to_one(hundredths: list[int]) -> None:
    times = [at / 100 for at in sorted(hundredths)]
    parts = [envelope(span, 1000, 5000) for span in pairwise(times)]
    whole = envelope((times[0], times[-1]), 1000, 5000)
    assert np.allclose(sum(parts), whole, atol=1e-6)
    assert set(np.unique(whole)) >= {0.0, 1.0} or times[-1] - times[0] < 0.02
    sounding = np.flatnonzero(whole) / 1000
    assert times[0] - 0.031 <= sounding[0]
    assert sounding[-1] <= times[-1] - EARLY_SECONDS


@pytest.mark.parametrize(
    ("text", "bars"), [("9-16", (9, 16)), (" 3 - 4 ", (3, 4)), ("7", (7, 7)), ("1-1", (1, 1))]
)
def test_bars_are_named_as_musicians_do(text: str, bars: tuple[int, int]) -> None:
    assert bars_named(text) == bars


@pytest.mark.parametrize("text", ["", "0", "0-4", "-3", "4-", "4-2", "1.5", "verse"])
def test_what_names_no_bars_is_told(text: str) -> None:
    with pytest.raises(OptionError, match="--bars"):
        bars_named(text)


def test_beats_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "beats.txt"
    path.write_text("0.5\n1.0\n\n# half\n1.5\n")
    assert read_beats(path, 3) == BeatGrid((0.5, 1.0, 1.5), 0, 3)
    path.write_text("0.5\t2\n1.0\t3\n1.5\t1\n")
    assert read_beats(path, 3) == BeatGrid((0.5, 1.0, 1.5), 2, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"0.5\nfast\n", "line 2 of beats.txt is 'fast'"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_file_without_beats_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "beats.txt"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=words):
        read_beats(path)


@pytest.mark.parametrize("content", ["", "0.5\n", "0.5\n0.5\n", "1\n0.5\n", "0.5\nnan\n"])
def test_beats_that_make_no_tempo_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "beats.txt"
    path.write_text(content)
    with pytest.raises(OptionError, match="beat"):
        read_beats(path)
