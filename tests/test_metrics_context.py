"""Metrics with the other players and of the part itself: what all of them obey, and separation."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.assignments import Assignment, assignments
from benchmarks.baselines import Donor, random_pairing
from benchmarks.metrics import density, form, harmony, rhythm
from benchmarks.metrics.played import Played
from benchmarks.ranks import area_under_curve
from benchmarks.songs import Song
from benchmarks.windows import best_window, cut
from subtractive.arrangement import Arrangement, Part, bars
from subtractive.files.midi import read_midi
from subtractive.instruments import INSTRUMENTS
from tests.metric_laws import (
    BEAT,
    PIANO,
    Case,
    Metric,
    bass_of,
    context_of,
    drums_of,
    drums_on_the_beat,
    guitar_of,
    ignores_order,
    ignores_the_clock,
    ignores_transposition,
    strumming_guitar,
    surroundings_of,
    undefined_by_the_song_alone,
    walking_bass,
)

MEASURES = {
    measure.name: measure
    for module in (harmony, rhythm, density, form)
    for measure in module.MEASURES
}
PLAYERS = {"bass": walking_bass, "guitar": strumming_guitar, "drums": drums_on_the_beat}
LIKE = {"bass": bass_of(), "guitar": guitar_of(), "drums": drums_of()}
LONG_PIANO = replace(
    PIANO,
    notes=tuple(
        note._replace(onset=note.onset + half * 8 * BEAT) for half in (0, 1) for note in PIANO.notes
    ),
)
LOW = bass_of(*((beat * BEAT, BEAT, 36 + beat) for beat in range(0, 8, 2)))
KICKS = drums_of(*((beat * BEAT, 36) for beat in range(0, 16, 2)))
SONGS = {
    "a band": context_of(LONG_PIANO, LOW, KICKS),
    "in three": context_of(PIANO, LOW, metre=(3, 4)),
    "in seven eighths": context_of(PIANO, KICKS, metre=(7, 8), count=5),
    "drums alone": context_of(KICKS),
    "piano alone in one bar": context_of(PIANO, count=1, metre=(12, 4)),
}
Rate = Callable[[Played], float]
ABSOLUTE = {"median_pitch", "out_of_range"}  # a part a tone higher is a tone higher


def evaluate(part: Played, truth: Played, instrument: str) -> dict[str, float]:
    return {
        **({} if instrument == "drums" else harmony.evaluate(part)),
        **rhythm.evaluate(part, instrument),
        **density.evaluate(part, truth),
        **form.evaluate(part, truth, instrument),
    }


@lru_cache(maxsize=1000)
def scores(part: Part, truth: Part, context: Arrangement, instrument: str) -> dict[str, float]:
    around = surroundings_of(context)
    return evaluate(Played.of(part, around), Played.of(truth, around), instrument)


def metrics_of(instrument: str) -> dict[str, Metric]:
    def metric(name: str) -> Metric:
        return lambda part, truth, context: scores(part, truth, context, instrument)[name]

    silent = LIKE[instrument]
    return {name: metric(name) for name in scores(silent, silent, SONGS["a band"], instrument)}


def cases(instrument: str, rng: np.random.Generator) -> list[Case]:
    """A written and a true part for every song, no longer than the shortest of them."""
    play = PLAYERS[instrument]
    return [Case(play(rng, bars=3), play(rng, bars=3), song) for song in SONGS.values()]


ALL = [(instrument, name) for instrument in INSTRUMENTS for name in metrics_of(instrument)]


def test_every_measure_is_some_instruments_and_every_score_has_a_measure() -> None:
    assert {name for _, name in ALL} == MEASURES.keys()
    assert all(np.isfinite(measure.worst) for measure in MEASURES.values())


@pytest.mark.parametrize(("instrument", "name"), ALL)
def test_neither_order_nor_key_nor_clock_matter(
    instrument: str, name: str, rng: np.random.Generator
) -> None:
    metric = metrics_of(instrument)[name]
    for case in cases(instrument, rng):
        ignores_order(metric, case, rng)
        ignores_the_clock(metric, case, int(rng.integers(2, 40)))
        if name not in ABSOLUTE:
            ignores_transposition(metric, case, int(rng.integers(-4, 5)))


@pytest.mark.parametrize(("instrument", "name"), ALL)
def test_only_the_song_makes_a_score_undefined(
    instrument: str, name: str, rng: np.random.Generator
) -> None:
    metric = metrics_of(instrument)[name]
    for case in cases(instrument, rng):
        undefined_by_the_song_alone(metric, case)
        undefined_by_the_song_alone(metric, case._replace(part=_one_note(case.part)))


def _one_note(part: Part) -> Part:
    return replace(part, notes=part.notes[:1])


@pytest.mark.parametrize(("instrument", "name"), ALL)
def test_nothing_scores_zero_or_what_is_said_of_it(instrument: str, name: str) -> None:
    # the true part rests in the last bar: drums that never change have no form to follow
    truth = PLAYERS[instrument](np.random.default_rng(1), bars=3)
    found = metrics_of(instrument)[name](LIKE[instrument], truth, SONGS["a band"])
    assert found == (1 if name in {"clash_rate", "empty_bar_rate"} else 0)


@pytest.mark.parametrize("name", [measure.name for measure in harmony.MEASURES])
@pytest.mark.parametrize("instrument", ["bass", "guitar"])
def test_drums_in_the_band_have_no_say_in_harmony(
    instrument: str, name: str, rng: np.random.Generator
) -> None:
    part = PLAYERS[instrument](rng)
    metric, with_drums = metrics_of(instrument)[name], context_of(LONG_PIANO, KICKS)
    assert metric(part, part, with_drums) == metric(part, part, context_of(LONG_PIANO))


def test_drums_have_no_harmony_and_pitched_parts_no_backbeat() -> None:
    around = surroundings_of(SONGS["a band"])
    drums, bass = Played.of(KICKS, around), Played.of(LOW, around)
    for of_harmony in (harmony.chord_tone_rate, harmony.clash_rate, harmony.root_on_downbeat_rate):
        with pytest.raises(ValueError, match="pitched part"):
            of_harmony(drums)
    for of_drums in (rhythm.kick_bass_f1, rhythm.backbeat_rate, rhythm.hat_divisions):
        with pytest.raises(ValueError, match="pass drums"):
            of_drums(bass)
    with pytest.raises(ValueError, match="drums can only"):
        density.evaluate(bass, drums)


# ---------------------------------------------------------------------------------- separation


@pytest.fixture(scope="module")
def known_songs(data: Path) -> list[Assignment]:
    """Every fourth song that may be learnt from, the 32 bars in which most of the band plays."""
    songs = data / "freedoom"
    with (songs / "index.csv").open(newline="", encoding="utf-8") as index:
        names = [row["path"] for row in csv.DictReader(index) if row["split"] == "train"]
    found = []
    for name in names[::4]:
        whole = read_midi((songs / name).read_bytes(), name)
        first = best_window(whole)
        window = cut(whole, first, min(len(bars(whole)), first + 32))
        found.append(Song("freedoom", name, window))
    return assignments(found, INSTRUMENTS)


@pytest.mark.data
@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_what_is_asked_of_the_context_tells_true_parts_from_other_songs(
    known_songs: list[Assignment], instrument: str, rng: np.random.Generator
) -> None:
    chosen = [one for one in known_songs if one.instrument == instrument]
    donors = [
        Donor(one.song.key, one.truth, bars(one.song.music), one.song.music.ticks_per_beat)
        for one in chosen
    ]
    true, other = [], []
    for one in chosen:
        pool = [donor for donor in donors if donor.song != one.song.key]
        truth = Played.of(one.truth, one.around)
        true.append(evaluate(truth, truth, instrument))
        for _ in range(2):
            part = Played.of(random_pairing(one.context, instrument, rng, pool), one.around)
            other.append(evaluate(part, truth, instrument))
    asked = [name for name in true[0] if MEASURES[name].kind != "part"]
    for name in asked:
        values, others = (np.array([each[name] for each in of]) for of in (true, other))
        area = area_under_curve(values[~np.isnan(values)], others[~np.isnan(others)])
        assert abs(area - 0.5) > 0.1, f"{name}: {area}"
        assert (area < 0.5) == (name == "clash_rate"), f"{name}: {area}"
