"""Stems of sound sum to the mix, and each note sounds when it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Note, Part, Tempo
from subtractive.errors import OptionError
from subtractive.files.sound import default_soundfont
from subtractive.synthesis import (
    BLOCK,
    SoundFontPlayer,
    Strokes,
    mixed,
    on_grid,
    seconds_at,
    strokes,
)

pytest.importorskip("tinysoundfont", reason="stems are played by tinysoundfont")

RATE = 32_000


@pytest.fixture(scope="module")
def player() -> SoundFontPlayer:
    return SoundFontPlayer(default_soundfont(), RATE)


def notes(rng: np.random.Generator, count: int, low: int, high: int) -> Strokes:
    onset = np.sort(rng.uniform(0, 3, count))
    return Strokes(
        onset, onset + rng.uniform(0.05, 0.8, count), rng.integers(low, high, count),
        rng.integers(30, 127, count),
    )  # fmt: skip


def decibels(samples: np.ndarray) -> float:
    return float(10 * np.log10((samples.astype(np.float64) ** 2).mean() + 1e-30))


def test_a_stem_is_the_same_whoever_was_played_before(player: SoundFontPlayer) -> None:
    rng = np.random.default_rng(0)
    bass, drums = notes(rng, 12, 28, 50), notes(rng, 30, 35, 51)
    first = player.play(bass, 33, 4 * RATE)
    player.play(drums, 0, 4 * RATE, is_drums=True)
    again = player.play(bass, 33, 4 * RATE)
    assert decibels(first - again) < decibels(first) - 120


def test_what_is_taken_from_the_mix_is_what_the_others_play(player: SoundFontPlayer) -> None:
    rng = np.random.default_rng(1)
    stems = [player.play(notes(rng, 9, 40, 80), program, 4 * RATE) for program in (0, 33, 48)]
    rest = mixed(stems) - stems[1]
    assert decibels(rest - mixed([stems[0], stems[2]])) < decibels(rest) - 120


@pytest.mark.parametrize("seconds", [0.5, 1.001, 2.37])
def test_a_stroke_sounds_when_it_is_written(player: SoundFontPlayer, seconds: float) -> None:
    one = Strokes(np.array([seconds]), np.array([seconds + 0.1]), np.array([37]), np.array([120]))
    sound = np.abs(player.play(one, 0, 3 * RATE, is_drums=True)).max(axis=0)
    begins = int(np.flatnonzero(sound > 1e-3)[0]) / RATE
    assert begins == pytest.approx(seconds, abs=0.008)


def test_a_louder_stroke_is_louder(player: SoundFontPlayer) -> None:
    def level(velocity: int) -> float:
        one = Strokes(np.array([0.1]), np.array([0.5]), np.array([38]), np.array([velocity]))
        return decibels(player.play(one, 0, RATE, is_drums=True))

    assert level(30) < level(70) < level(120)


@given(st.lists(st.floats(0, 600, allow_nan=False), min_size=1, max_size=20))
def test_events_lie_on_whole_blocks_near_their_times(times: list[float]) -> None:
    placed = on_grid(np.array(times), RATE)
    assert (placed % BLOCK == 0).all()
    assert np.abs(placed / RATE - np.array(times)).max() <= BLOCK / RATE + 1e-6


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(200_000, 900_000)), max_size=5),
    st.lists(st.integers(0, 9000), min_size=1, max_size=9),
)
def test_many_times_are_told_as_one_by_one(
    changes: list[tuple[int, int]], ticks: list[int]
) -> None:
    tempos = tuple(Tempo(tick, pace) for tick, pace in sorted(dict(changes).items()))
    music = Arrangement(480, (), tempos)
    found = seconds_at(music, ticks)
    assert found == pytest.approx([music.seconds_at(tick) for tick in ticks])


def test_strokes_follow_the_tempo_map() -> None:
    part = Part("Bass", 33, is_drums=False, notes=(Note(0, 480, 40, 90), Note(960, 480, 43, 80)))
    music = Arrangement(480, (part,), (Tempo(0, 500_000), Tempo(960, 1_000_000)))
    found = strokes(music, part)
    assert found.onset.tolist() == [0, 1]
    assert found.end.tolist() == [0.5, 2]
    assert found.within(0.75, 5).onset.tolist() == [0.25]


def test_no_soundfont_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not exist"):
        SoundFontPlayer(tmp_path / "none.sf2")
