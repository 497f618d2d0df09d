"""Drums beside the grid: what is learned of performances, and how it is put on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.errors import OptionError
from subtractive.kit import HAT, KICK, SNARE
from symbolic.add import main
from symbolic.feel import Feel, Strokes, checked, humanised, shipped
from symbolic.passages import Span

TRUE = Feel(np.zeros((12, 12)), 8.0, 0.6)
TRUE.habit_ms[HAT, 6] = 12.0
TRUE.habit_ms[SNARE, 0] = 6.0


def player(seed: int, count: int = 4000) -> Strokes:
    rng = np.random.default_rng(seed)
    kind, step = rng.choice([HAT, SNARE, KICK], count), rng.choice([0, 6], count)
    return Strokes(kind, step, TRUE.late_ms(kind, step, rng) + 5 * seed)


def song(ticks: int = 480, tempo: int = 120) -> Arrangement:
    strokes = tuple(Note(place * ticks // 2, ticks // 8, 42, 80) for place in range(64))
    drums = Part("Drums", 0, True, (*strokes, Note(0, ticks // 8, 36, 100)))
    return Arrangement(ticks, (drums,), (Tempo(0, round(6e7 / tempo)),), (Metre(0, 4, 4),))


def test_habits_spread_and_drift_of_players_are_found_whatever_their_mean() -> None:
    found = Feel.learned([player(seed) for seed in range(4)])
    own = TRUE.habit_ms[[HAT, SNARE, KICK]][:, [0, 6]]
    assert found.habit_ms[[HAT, SNARE, KICK]][:, [0, 6]] == pytest.approx(own - own.mean(), abs=1)
    assert found.spread_ms == pytest.approx(8.0, abs=0.5)
    assert found.drift == pytest.approx(0.6, abs=0.05)


def test_what_was_learned_comes_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "feel.safetensors"
    path.write_bytes(TRUE.to_bytes())
    again = Feel.load(path)
    assert again.habit_ms == pytest.approx(TRUE.habit_ms)
    assert (again.spread_ms, again.drift) == pytest.approx((8.0, 0.6))


def test_people_are_beside_the_grid_by_milliseconds() -> None:
    feel = shipped()
    assert 5 < feel.spread_ms < 25
    assert 0 <= feel.drift < 1
    assert np.abs(feel.habit_ms).max() < 40


@pytest.mark.parametrize("tempo", [60, 120, 200])
def test_lateness_is_in_seconds_whatever_tempo_and_ticks(tempo: int) -> None:
    spreads = []
    for ticks in (480, 960):
        music = song(ticks, tempo)
        part = humanised(music.parts[0], music, 1.0, np.random.default_rng(0))
        before = np.array(sorted(note.onset for note in music.parts[0].notes))
        after = np.array(sorted(note.onset for note in part.notes))
        seconds = (after - before) / ticks * 60 / tempo
        spreads.append(1000 * seconds[2:].std())
    assert spreads[0] == pytest.approx(spreads[1], rel=0.1)
    assert spreads[0] == pytest.approx(shipped().spread_ms, rel=0.35)


def test_nothing_but_onsets_changes_and_no_feel_changes_nothing() -> None:
    music = song()
    part = humanised(music.parts[0], music, 1.0, np.random.default_rng(0))
    rest = [sorted(note[1:] for note in each.notes) for each in (part, music.parts[0])]
    assert rest[0] == rest[1]
    assert min(note.onset for note in part.notes) >= 0
    assert humanised(music.parts[0], music, 0.0, np.random.default_rng(0)) is music.parts[0]
    bass = replace(music.parts[0], is_drums=False)
    assert humanised(bass, music, 1.0, np.random.default_rng(0)) is bass


def test_strokes_stay_in_the_bars_that_are_written() -> None:
    music = song()
    inside = tuple(note for note in music.parts[0].notes if 1920 <= note.onset < 3840)
    part = replace(music.parts[0], notes=inside)
    span = Span(1920, 3840)
    for seed in range(10):
        found = humanised(part, music, 2.0, np.random.default_rng(seed), span)
        assert len(found.notes) == len(inside)
        assert all(1920 <= note.onset < 3840 for note in found.notes)


def test_half_the_feel_is_half_as_late() -> None:
    music = song(ticks=9600)
    lates = []
    for amount in (0.5, 1.0):
        part = humanised(music.parts[0], music, amount, np.random.default_rng(3))
        lates.append(part.notes[20].onset - sorted(music.parts[0].notes)[20].onset)
    assert lates[1] == pytest.approx(2 * lates[0], abs=2)


@pytest.mark.parametrize("amount", [-0.1, 2.5, float("nan")])
def test_an_amount_that_makes_no_sense_is_told(amount: float) -> None:
    with pytest.raises(OptionError, match="--feel"):
        checked(amount)


def test_a_score_has_no_such_timing(
    tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.musicxml"
    words = ["--instrument", "drums", "--feel", "1", str(tune), "-o", str(target)]
    assert main(words) == 2
    assert "--feel is for MIDI" in capsys.readouterr().err
    assert not target.exists()
