"""Drums as families of styles play them: learned, kept in a file, chosen, laid over a song."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.arranger import arrange, learned
from subtractive.arranger.asked import Asked, asked_by
from subtractive.arranger.band import Band
from subtractive.arranger.chart import Chart
from subtractive.arranger.learned import (
    FIRST_KEY,
    KEYS,
    DrumPattern,
    chosen,
    clarity,
    of_tensors,
    shipped,
    to_tensors,
)
from subtractive.arranger.learning import Heard, learn
from subtractive.styles import FAMILIES

SNARE, HAT, RIDE, KICK = 38, 42, 51, 36


def pattern(family: str = "rock", style: str = "rock", steps: int = 48) -> DrumPattern:
    chance, velocity = np.zeros((KEYS, steps)), np.zeros((KEYS, steps))
    chance[KICK - FIRST_KEY, 0], velocity[KICK - FIRST_KEY, 0] = 1.0, 100
    chance[HAT - FIRST_KEY, ::6], velocity[HAT - FIRST_KEY, ::6] = 0.6, 70
    return DrumPattern(family, style, 0.5, 118.0, chance, velocity)


def song(bars: int = 16, metre: tuple[int, int] = (4, 4), tempo: int = 120) -> Arrangement:
    length = 480 * 4 * metre[0] // metre[1]
    bass = tuple(Note(start, 240, 40, 80) for start in range(0, bars * length, 480 * 4 // metre[1]))
    part = Part("Bass", 33, False, bass)
    return Arrangement(480, (part,), (Tempo(0, round(6e7 / tempo)),), (Metre(0, *metre),))


def played(music: Arrangement, family: str, eagerness: float = 0.0, seed: int = 3) -> Part:
    asked = replace(asked_by(f"Add {family} drums"), eagerness=eagerness)
    return arrange(music, "drums", np.random.default_rng(seed), asked)


def test_patterns_come_back_from_the_file_as_they_were() -> None:
    put = [pattern(), pattern("waltz", "waltz", 36), pattern("latin", "samba")]
    found = of_tensors(to_tensors(put))
    assert sorted(each.family for each in found) == ["latin", "rock", "waltz"]
    for each in found:
        (was,) = (one for one in put if one.family == each.family)
        assert each.chance == pytest.approx(was.chance, abs=1 / 255)
        assert (each.velocity == was.velocity).all()
        assert each.style == was.style
        assert (each.weight, each.tempo_qpm) == (was.weight, was.tempo_qpm)


def test_a_bar_is_drawn_with_the_chances_and_eagerness_moves_their_odds() -> None:
    rng = np.random.default_rng(0)
    rates = [
        np.mean([pattern().bar(rng, each)[HAT - FIRST_KEY, ::6] for _ in range(400)])
        for each in (-1.0, 0.0, 1.0)
    ]
    odds = 0.6 / 0.4 * np.exp([-1, 0, 1])
    assert rates == pytest.approx(odds / (1 + odds), abs=0.04)
    bar = pattern().bar(rng, 3.0)
    assert bar[KICK - FIRST_KEY, 0]
    assert not bar[SNARE - FIRST_KEY].any()  # what a style never plays it does not play eagerly


def test_every_family_has_patterns_in_its_metre() -> None:
    families = {each.family for each in shipped() if each.steps == 48}
    assert families >= {family.name for family in FAMILIES} - {"waltz"}
    assert any(each.family == "waltz" and each.steps == 36 for each in shipped())
    by_style: dict[tuple[str, str, int], float] = defaultdict(float)
    for each in shipped():
        by_style[each.family, each.style, each.steps] += each.weight
        assert 0 <= each.chance.min() <= each.chance.max() <= 1
        assert (each.velocity[each.chance > 0.1] > 0).all()
    assert all(total == pytest.approx(1, abs=1e-3) for total in by_style.values())


def test_two_manners_of_a_family_are_found_apart() -> None:
    """Half of the songs strike hats on eighths, half rides on quarters: two patterns."""
    songs = []
    for number in range(20):
        chance = np.zeros((KEYS, 48))
        key, step = ((HAT, 6), (RIDE, 12))[number % 2]
        chance[key - FIRST_KEY, ::step] = 1
        songs.append(
            Heard(
                "rock", "rock", f"file {number % 2}", 100.0 + 40 * (number % 2), chance, 90 * chance
            )
        )
    every = list(learn(songs, 0))
    assert {each.style for each in every} == {"", "rock"}
    found = sorted((each for each in every if each.style), key=lambda each: each.tempo_qpm)
    assert [round(each.tempo_qpm) for each in found] == [100, 140]
    for each, (key, step) in zip(found, ((HAT, 6), (RIDE, 12)), strict=True):
        assert each.weight == pytest.approx(0.5)
        assert each.chance[key - FIRST_KEY, ::step].min() == pytest.approx(1)
        assert each.chance.sum() == pytest.approx(48 / step)
        assert each.velocity[each.chance > 0] == pytest.approx(90)


def test_swing_swings_and_a_march_does_not() -> None:
    jazz, march = (played(song(tempo=150), family) for family in ("swing", "march"))
    swung, straight = ([note.onset % 480 for note in part.notes] for part in (jazz, march))
    assert swung.count(320) > swung.count(240)
    assert straight.count(320) <= straight.count(240)


@pytest.mark.parametrize("family", ["rock", "latin", "funk", "metal"])
def test_the_eager_play_more(family: str) -> None:
    counts = [len(played(song(), family, each).notes) for each in (-2.0, 0.0, 2.0)]
    assert counts[0] < counts[1] < counts[2]


def test_a_style_is_another_than_its_family() -> None:
    """Ska strikes twice as often as reggae does."""
    reggae, ska = (played(song(tempo=140), style) for style in ("reggae", "ska"))
    assert reggae != ska


def test_sections_repeat_their_two_bars_and_seeds_differ() -> None:
    part = played(song(), "rock")
    bars = [
        {(note.onset % 1920, note.pitch) for note in part.notes if note.onset // 1920 == bar}
        for bar in range(1, 7)
    ]
    # but for a fill (the bar between ends a phrase) or a crash
    assert len(bars[0] & bars[4]) >= 0.6 * len(bars[0])
    plain = arrange(song(), "drums", np.random.default_rng(3), asked_by("Add rock drums, no fills"))
    strokes = [
        {(note.onset % 1920, note.pitch) for note in plain.notes if note.onset // 1920 == bar}
        for bar in range(1, 7)
    ]
    assert strokes[0] == strokes[2] == strokes[4]
    assert played(song(), "rock", seed=4) != part
    assert played(song(), "rock") == part


@pytest.mark.parametrize("metre", [(6, 8), (5, 4), (7, 8), (2, 4)])
def test_where_no_pattern_has_the_metre_the_tables_play(metre: tuple[int, int]) -> None:
    part = played(song(metre=metre), "ska")
    assert len(part.notes) > 16


def striking(family: str, *steps: tuple[int, int]) -> DrumPattern:
    """Return a bar of four quarters that strikes keys at steps for sure."""
    chance = np.zeros((KEYS, 48))
    for key, step in steps:
        chance[key - FIRST_KEY, step] = 1.0
    return DrumPattern(family, "", 0.5, 120.0, chance, 90 * chance)


SHARED = ((KICK, 0), (SNARE, 12), (KICK, 24), (SNARE, 36))
BELLS = tuple((56, step) for step in range(0, 48, 3))


def test_the_chance_of_each_family_is_one_at_most() -> None:
    assert set(clarity()) == set(shipped())
    assert all(np.isfinite(found) and found < 0 for found in clarity().values())


def test_what_two_families_share_tells_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    rock, latin = striking("rock", *SHARED), striking("latin", *SHARED)
    own = striking("latin", *SHARED, *BELLS)
    monkeypatch.setattr(learned, "shipped", lambda: (rock, latin, own))
    clear = clarity.__wrapped__()
    assert clear[rock] < clear[own]
    assert clear[latin] < clear[own]
    # the family of two patterns is the likelier one to have played what it shares with the other
    assert np.exp(clear[rock]) + np.exp(clear[latin]) <= 1


def test_a_style_that_is_named_is_played_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    rock, latin = striking("rock", *SHARED), striking("latin", *SHARED)
    own = replace(striking("latin", *SHARED, *BELLS), weight=0.3)
    monkeypatch.setattr(learned, "shipped", lambda: (rock, latin, own))
    monkeypatch.setattr(learned, "clarity", clarity.__wrapped__)
    context = song(8)
    chart = Chart.of(context)
    heard = Band.of(context, chart)
    assert chosen(chart, heard, Asked(frozenset({"latin"}))) is own
    assert chosen(chart, heard, Asked(frozenset({"rock"}))) is rock
