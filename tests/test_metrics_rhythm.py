"""Rhythm by hand: kick and bass, lock with the band, backbeat, hi-hat and fills in any metre."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import rhythm
from benchmarks.metrics.grid import Surroundings
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, Part
from tests.metric_laws import (
    BAR,
    BEAT,
    PIANO,
    SIXTEENTH,
    bass_of,
    context_of,
    drums_of,
    guitar_of,
    surroundings_of,
)

SNARE, HAT, TOM = 38, 42, 45
SONG = context_of(PIANO)


def on(song: Arrangement, part: Part) -> Played:
    return Played.of(part, surroundings_of(song))


def snares(song: Arrangement, *beats: float) -> Played:
    return on(song, drums_of(*((round(beat * BEAT), SNARE) for beat in beats)))


def test_bass_on_the_kick() -> None:
    song = context_of(PIANO, drums_of((0, 36), (2 * BEAT, 35), (BEAT, SNARE)))
    on_the_kick = bass_of((0, BEAT, 36), (2 * BEAT, BEAT, 36))
    assert rhythm.bass_kick_f1(on(song, on_the_kick)) == 1
    assert rhythm.bass_kick_f1(on(song, bass_of((0, BEAT, 36)))) == pytest.approx(2 / 3)
    assert rhythm.bass_kick_f1(on(song, bass_of())) == 0
    assert np.isnan(rhythm.bass_kick_f1(on(SONG, on_the_kick)))


def test_the_kick_is_held_against_the_lowest_voice() -> None:
    low = guitar_of((0, 2 * BEAT, 40), (BEAT, BEAT, 47), (2 * BEAT, BEAT, 45), (3 * BEAT, BEAT, 52))
    song = context_of(PIANO, low)
    # B on beat 2 has E below it, and the E on beat 4 is too high for a bass: 1 and 3 are left
    assert rhythm.kick_bass_f1(on(song, drums_of((0, 36), (2 * BEAT, 35)))) == 1
    assert rhythm.kick_bass_f1(on(song, drums_of((0, 36), (BEAT, SNARE)))) == pytest.approx(2 / 3)
    assert rhythm.kick_bass_f1(on(song, drums_of((BEAT, 36), (3 * BEAT, 36)))) == 0
    assert np.isnan(rhythm.kick_bass_f1(on(SONG, drums_of((0, 36)))))  # the piano is high


@given(st.sets(st.integers(0, 63)), st.sets(st.tuples(st.integers(0, 63), st.integers(50, 60))))
def test_onset_lock_is_the_correlation_of_two_rows(
    own: set[int], others: set[tuple[int, int]]
) -> None:
    song = context_of(guitar_of(*((slot * SIXTEENTH, 1, pitch) for slot, pitch in others)))
    found = rhythm.onset_lock(on(song, bass_of(*((slot * SIXTEENTH, 1, 36) for slot in own))))
    mine = np.isin(np.arange(64), sorted(own)).astype(float)
    theirs = np.sqrt(np.bincount([slot for slot, _ in others] or [0], minlength=64))
    if not others or np.ptp(theirs) == 0:
        assert np.isnan(found)
    elif np.ptp(mine) == 0:
        assert found == 0
    else:
        assert found == pytest.approx(np.corrcoef(mine, theirs)[0, 1])


def test_whoever_strikes_everywhere_locks_with_nobody() -> None:
    drums = context_of(drums_of(*((beat * BEAT, 36) for beat in range(16))))
    every_beat, every_16th = (
        guitar_of(*((step * length, length, 60) for step in range(16 * BEAT // length)))
        for length in (BEAT, SIXTEENTH)
    )
    off_beat = guitar_of(*((beat * BEAT + BEAT // 2, 1, 60) for beat in range(16)))
    assert rhythm.onset_lock(on(drums, every_beat)) == pytest.approx(1)
    assert rhythm.onset_lock(on(drums, every_16th)) == 0
    assert rhythm.onset_lock(on(drums, off_beat)) < 0


def test_the_backbeat_of_four_is_two_and_four() -> None:
    assert rhythm.backbeat_rate(snares(SONG, *range(1, 16, 2))) == 1
    assert rhythm.backbeat_rate(snares(SONG, *range(0, 16, 2))) == 0
    assert rhythm.backbeat_rate(snares(SONG, 1, 3, 5, 5.02)) == pytest.approx(3 / 8)
    assert rhythm.backbeat_rate(snares(SONG, 1 - 1 / 8, 3 + 1 / 8)) == pytest.approx(2 / 8)
    assert rhythm.backbeat_rate(snares(SONG, 1 - 1 / 6, 3 + 1 / 6)) == 0
    claps = drums_of((BEAT, 39), (3 * BEAT, 37), (5 * BEAT, 36))
    assert rhythm.backbeat_rate(on(SONG, claps)) == pytest.approx(2 / 8)


def test_half_time_has_the_snare_on_three_alone() -> None:
    assert rhythm.half_time_rate(snares(SONG, 2, 6, 10, 14)) == 1
    assert rhythm.half_time_rate(snares(SONG, 2, 3, 6)) == pytest.approx(1 / 4)
    assert rhythm.half_time_rate(snares(SONG, *range(1, 16, 2))) == 0
    assert np.isnan(rhythm.half_time_rate(snares(context_of(PIANO, metre=(3, 4)), 1)))


def chords_on(*beats: float) -> Part:
    return guitar_of(*((round(beat * BEAT), 2, pitch) for beat in beats for pitch in (60, 64)))


@pytest.mark.parametrize(
    ("metre", "accents", "backbeats"),
    [
        ((2, 4), (), (1,)),
        ((3, 4), (0, 1, 2), (1, 2)),
        ((3, 4), (0, 0.5, 1, 1.5, 2, 2.5), (1, 2)),
        ((6, 8), (0, 1.5), (1.5,)),
        ((6, 8), (0, 1, 1.5), (1.5,)),
        ((5, 4), (), (1, 3)),
        ((6, 4), (0, 1, 2, 3, 4, 5), (1, 3, 5)),
        ((7, 8), (), (1, 3)),
        ((9, 8), (), (1.5, 3)),
        ((12, 8), (0, 1.5, 3, 4.5), (1.5, 4.5)),
    ],
)
def test_backbeats_of_other_metres(
    metre: tuple[int, int], accents: tuple[float, ...], backbeats: tuple[float, ...]
) -> None:
    length = metre[0] * 4 / metre[1]
    every = [bar * length + accent for bar in range(4) for accent in accents]
    song = context_of(chords_on(*every), metre=metre)
    found = rhythm.band_of(surroundings_of(song)).pulses.backbeats
    expected = [(bar * length + beat) * BEAT for bar in range(4) for beat in backbeats]
    assert found.tolist() == expected


def test_bars_of_one_pulse_have_no_backbeat() -> None:
    assert np.isnan(rhythm.backbeat_rate(snares(context_of(PIANO, metre=(3, 8)), 1)))


def hats(*beats: float) -> Played:
    return on(SONG, drums_of(*((round(beat * BEAT), HAT) for beat in beats)))


@pytest.mark.parametrize(
    ("strokes", "parts"),
    [
        ((), 0),
        ((0,), 1),
        ((0, 1 / 2), 2),
        ((0, 13 / 24), 2),
        ((0, 1 / 3, 2 / 3), 3),
        ((0, 2 / 3), 3),
        ((0, 1 / 4, 1 / 2, 3 / 4), 4),
        ((3 / 4,), 4),
        ((1 / 3, 3 / 4), 4),
    ],
)
def test_the_finest_hat_divides_the_beat(strokes: tuple[float, ...], parts: int) -> None:
    assert rhythm.hat_divisions(hats(*(2 + stroke for stroke in strokes))).tolist() == (
        [0, 0, parts] + 13 * [0]
    )


def test_a_hat_just_before_the_beat_is_on_the_beat() -> None:
    assert rhythm.hat_divisions(hats(1 - 1 / BEAT))[:2].tolist() == [0, 1]


def test_subdivision_is_the_mean_over_beats_and_triplets_a_share() -> None:
    shuffle = [beat + third for beat in range(4) for third in (0, 2 / 3)]
    scores = rhythm.evaluate(hats(*shuffle, 4, 4.5, 5, 5.25), "drums")
    assert scores["hat_subdivision"] == pytest.approx((4 * 3 + 2 + 4) / 16)
    assert scores["hat_triplet_rate"] == pytest.approx(4 / 16)


def fill(bar: int) -> list[tuple[int, int]]:
    return [(bar * BAR + 3 * BEAT + step * SIXTEENTH, TOM) for step in range(4)]


def test_fills_are_counted_at_the_ends_of_phrases_and_elsewhere() -> None:
    song = context_of(PIANO, count=8)
    beat = [(bar * BAR + beat * BEAT, SNARE) for bar in range(8) for beat in (1, 3)]
    two_snares = [(5 * BAR + 7 * SIXTEENTH * 2, SNARE), (5 * BAR + 15 * SIXTEENTH, SNARE)]
    part = on(song, drums_of(*{*beat, *fill(3), *fill(1), *two_snares}))
    assert rhythm.fill_rates(part) == pytest.approx((1 / 2, 1 / 6))
    early = [(3 * BAR + step * SIXTEENTH, TOM) for step in range(4)]
    assert rhythm.fill_rates(on(song, drums_of(*{*beat, *early}))) == (0, 0)
    # a drummer who always rolls never fills
    always = [stroke for bar in range(8) for stroke in fill(bar)]
    assert rhythm.fill_rates(on(song, drums_of(*always))) == (0, 0)
    assert np.isnan(rhythm.fill_rates(on(context_of(PIANO, count=3), drums_of((0, TOM))))[0])


def test_what_the_band_is_is_found_once_for_a_song() -> None:
    around = Surroundings.of(SONG)
    assert rhythm.band_of(around) is rhythm.band_of(around)
