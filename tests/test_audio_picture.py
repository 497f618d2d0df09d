"""The spectrograms show what is where."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from audio.beats import BeatGrid
from audio.picture import draw
from subtractive.errors import OutputError
from subtractive.waveform import Recording

RATE = 22_050
SECONDS = 8


def clicks(every: float) -> Recording:
    """A short burst of noise at each of some times."""
    rng = np.random.default_rng(0)
    samples = np.zeros((2, SECONDS * RATE), np.float32)
    for at in np.arange(every / 2, SECONDS, every):
        start = round(at * RATE)
        samples[:, start : start + 400] = rng.normal(0, 0.2, (2, 400))
    return Recording(samples, RATE)


def tone(hertz: float) -> Recording:
    wave = 0.2 * np.sin(2 * np.pi * hertz * np.arange(SECONDS * RATE) / RATE)
    return Recording(np.tile(wave, (2, 1)).astype(np.float32), RATE)


def rows(path: Path) -> list[np.ndarray]:
    """Return how bright the pixels of each of three spectrograms are [shape=(height, width)]."""
    picture = matplotlib.image.imread(path)[..., :3].sum(axis=2)
    height = picture.shape[0]
    left, right = round(0.08 * picture.shape[1]), round(0.92 * picture.shape[1])
    bands = [(0.1, 0.26), (0.42, 0.58), (0.74, 0.9)]
    return [picture[round(a * height) : round(b * height), left:right] for a, b in bands]


def strokes(row: np.ndarray) -> int:
    """Return how many bright stripes a row shows from left to right."""
    bright = row.mean(axis=0) > 0.5 * row.mean(axis=0).max()
    return int(np.count_nonzero(bright[1:] & ~bright[:-1]) + bright[0])


def test_a_tone_lies_and_strokes_stand(tmp_path: Path) -> None:
    held, struck = tone(1000), clicks(1.0)
    after = Recording(held.samples + struck.samples, RATE)
    path = tmp_path / "a.png"
    draw(held, struck, after, path)
    before, stem, both = rows(path)
    # a tone is bright along one row of pixels, a stroke along one column
    assert np.ptp(before.mean(axis=1)) > 5 * np.ptp(before.mean(axis=0))
    assert np.ptp(stem.mean(axis=0)) > 5 * np.ptp(stem.mean(axis=1))
    assert strokes(stem) == pytest.approx(SECONDS * 0.91, abs=1.5)
    assert both.mean() > max(before.mean(), stem.mean())


def test_bar_lines_are_drawn_where_the_grid_has_them(tmp_path: Path) -> None:
    silence = Recording(np.full((1, SECONDS * RATE), 1e-7, np.float32), RATE)
    grid = BeatGrid.steady(60, 0.5, SECONDS, beats_per_bar=2)
    paths = [tmp_path / "without.png", tmp_path / "with.png"]
    draw(tone(1000), silence, tone(1000), paths[0])
    draw(tone(1000), silence, tone(1000), paths[1], grid)
    plain, barred = (rows(path)[1].mean(axis=0) for path in paths)
    lines = np.flatnonzero(barred - plain > 0.5)
    apart = np.diff(lines)[np.diff(lines) > 5]
    # every two seconds of eight, over the width of the axes
    assert len(apart) in (2, 3)
    assert np.ptp(apart) <= 2


def test_only_the_bars_asked_for_are_drawn(tmp_path: Path) -> None:
    grid = BeatGrid.steady(120, 0.0, SECONDS)
    struck = clicks(0.5)
    whole, some = tmp_path / "whole.png", tmp_path / "some.png"
    draw(struck, struck, struck, whole, grid)
    draw(struck, struck, struck, some, grid, (4.0, 6.0))
    # 8 s, then a bar of 2 s on either side of 2 s
    counts = [strokes(rows(path)[0]) for path in (whole, some)]
    assert counts[1] / counts[0] == pytest.approx(6 / 8, abs=0.1)


def test_the_same_music_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        draw(tone(300), clicks(2.0), tone(300), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_silence_and_a_single_sample_can_be_drawn(tmp_path: Path) -> None:
    silence = Recording(np.zeros((1, 1), np.float32), RATE)
    draw(silence, silence, silence, tmp_path / "a.png")
    assert matplotlib.image.imread(tmp_path / "a.png").shape[1] > 1000


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    sound = tone(300)
    with pytest.raises(OutputError, match="does not exist"):
        draw(sound, sound, sound, tmp_path / "missing" / "a.png")
