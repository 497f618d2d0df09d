"""The learned drum patterns: which of them tell a style, and that the clear ones are chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from subtractive.arranger import learned
from subtractive.arranger.asked import Asked
from subtractive.arranger.band import Band
from subtractive.arranger.chart import Chart
from subtractive.arranger.learned import KEYS, DrumPattern, chosen, clarity, shipped
from tests.test_arranger_band import BASS, band, playing


def pattern(family: str, *steps: tuple[int, int]) -> DrumPattern:
    """Return a bar of four quarters that strikes keys at steps for sure."""
    chance = np.zeros((KEYS, 48))
    for key, step in steps:
        chance[key - learned.FIRST_KEY, step] = 1.0
    return DrumPattern(family, "", 0.5, 120.0, chance, 90 * chance)


SHARED = ((36, 0), (38, 12), (36, 24), (38, 36))
BELLS = tuple((56, step) for step in range(0, 48, 3))


def test_the_chance_of_each_family_is_one_at_most() -> None:
    assert set(clarity()) == set(shipped())
    assert all(np.isfinite(found) and found < 0 for found in clarity().values())


def test_what_two_families_share_tells_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    rock, latin = pattern("rock", *SHARED), pattern("latin", *SHARED)
    own = pattern("latin", *SHARED, *BELLS)
    monkeypatch.setattr(learned, "shipped", lambda: (rock, latin, own))
    clear = clarity.__wrapped__()
    assert clear[rock] < clear[own]
    assert clear[latin] < clear[own]
    # the family of two patterns is the likelier one to have played what it shares with the other
    assert np.exp(clear[rock]) + np.exp(clear[latin]) <= 1


def test_a_style_that_is_named_is_played_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    rock, latin = pattern("rock", *SHARED), pattern("latin", *SHARED)
    own = replace(pattern("latin", *SHARED, *BELLS), weight=0.3)
    monkeypatch.setattr(learned, "shipped", lambda: (rock, latin, own))
    monkeypatch.setattr(learned, "clarity", clarity.__wrapped__)
    context = band(playing(BASS, (36,), (0, 2), range(8)))
    chart = Chart.of(context)
    heard = Band.of(context, chart)
    assert chosen(chart, heard, Asked(frozenset({"latin"}))) is own
    assert chosen(chart, heard, Asked(frozenset({"rock"}))) is rock
