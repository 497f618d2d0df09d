"""Form and density by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import density, form
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, Part
from tests.metric_laws import (
    BAR,
    BARS,
    BEAT,
    PIANO,
    bass_of,
    context_of,
    drums_of,
    guitar_of,
    surroundings_of,
    transposed,
)

SONG = context_of(PIANO)

some_notes = st.lists(
    st.tuples(st.integers(0, BARS * BAR - 1), st.integers(0, 3 * BEAT), st.integers(28, 67)),
    min_size=1,
    max_size=30,
)


def on(song: Arrangement, part: Part) -> Played:
    return Played.of(part, surroundings_of(song))


def densities(part: Part, truth: Part) -> dict[str, float]:
    return density.evaluate(on(SONG, part), on(SONG, truth))


def test_form_by_hand() -> None:
    # bars: C, G, nothing, C again (a tick early, and longer)
    part = on(SONG, bass_of((0, BEAT, 36), (BAR, BEAT, 43), (3 * BAR - 1, 2 * BEAT, 36)))
    assert form.empty_bar_rate(part) == pytest.approx(1 / 4)
    assert form.repeat_rate(part) == pytest.approx(1 / 3)


def test_a_note_just_before_the_barline_belongs_to_the_bar_it_leads_into() -> None:
    part = on(SONG, bass_of(*((max(0, bar * BAR - 1), BEAT, 36) for bar in range(BARS))))
    assert form.empty_bar_rate(part) == 0
    assert form.repeat_rate(part) == pytest.approx(3 / 4)


def test_a_repeat_is_looked_for_eight_bars_back_and_no_further() -> None:
    song = context_of(PIANO, count=12)
    assert form.repeat_rate(on(song, bass_of((0, 1, 36), (8 * BAR, 1, 36)))) == pytest.approx(1 / 2)
    assert form.repeat_rate(on(song, bass_of((0, 1, 36), (9 * BAR, 1, 36)))) == 0


def test_range_is_that_of_the_instrument_table() -> None:
    part = on(SONG, bass_of((0, 1, 27), (1, 1, 28), (2, 1, 67), (3, 1, 68)))
    assert form.out_of_range(part, "bass") == 2


def test_notes_outside_the_music_are_refused() -> None:
    with pytest.raises(ValueError, match="cut the part first"):
        form.validate(on(SONG, bass_of((BARS * BAR, 1, 36))))


def lettered(letters: str, alphabet: dict[str, tuple[tuple[int, int], ...]]) -> Part:
    """A bar of (beat, pitch) for each letter."""
    return bass_of(
        *(
            (bar * BAR + beat * BEAT, BEAT, pitch)
            for bar, letter in enumerate(letters)
            for beat, pitch in alphabet[letter]
        )
    )


ONE = {"A": ((0, 36), (1, 40)), "B": ((0, 43),), "C": ((2, 45), (3, 47)), "-": ()}
OTHER = {"A": ((1, 50),), "B": ((3, 41), (0, 38)), "C": ((2, 60),), "-": ()}


def test_bars_are_alike_by_what_they_share() -> None:
    # C on 1 is half of A; G in another octave is the same; rests are alike
    part = on(SONG, bass_of((0, 9, 36), (BEAT, 9, 40), (BAR, 9, 48)))
    expected = [[1, 1 / 2, 0, 0], [1 / 2, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    assert form.bar_similarity(part) == pytest.approx(np.array(expected))


def test_drums_of_one_kind_are_alike() -> None:
    part = on(SONG, drums_of((0, 36), (BAR, 35), (2 * BAR, 38), (3 * BAR, 40)))
    pairs = np.kron(np.eye(2), np.ones((2, 2)))
    assert form.bar_similarity(part) == pytest.approx(pairs)


def test_the_same_form_of_other_music_is_the_same_form() -> None:
    song = context_of(PIANO, count=8)
    truth, other = (lettered("AABAAAB-", alphabet) for alphabet in (ONE, OTHER))
    assert form.self_similarity(on(song, other), on(song, truth)) == pytest.approx(1)
    inside_out = lettered("ABABBA-A", ONE)
    assert form.self_similarity(on(song, inside_out), on(song, truth)) < 0.5


def test_self_similarity_by_hand() -> None:
    song = context_of(PIANO, count=3)
    truth, part = lettered("AAB", OTHER), lettered("ABB", OTHER)
    # pairs (1,2), (1,3), (2,3) are (1, 0, 0) and (0, 0, 1): Pearson's r is -1/2
    assert form.self_similarity(on(song, part), on(song, truth)) == pytest.approx(-1 / 2)


def test_a_part_without_contrast_has_no_form() -> None:
    same, contrast = (on(SONG, lettered(letters, ONE)) for letters in ("AAAA", "AABA"))
    assert np.isnan(form.self_similarity(contrast, same))
    assert form.self_similarity(same, contrast) == 0
    one_bar = context_of(PIANO, count=1, metre=(32, 4))
    assert np.isnan(form.self_similarity(*2 * (on(one_bar, bass_of((0, 1, 36))),)))


@given(some_notes, some_notes, st.integers(-11, 11))
def test_self_similarity_is_symmetric_and_asks_not_what_is_played(
    notes: list[tuple[int, int, int]], others: list[tuple[int, int, int]], semitones: int
) -> None:
    one, other = on(SONG, bass_of(*notes)), on(SONG, bass_of(*others))
    there, back = form.self_similarity(one, other), form.self_similarity(other, one)
    if not np.isnan(there) and not np.isnan(back):
        assert there == pytest.approx(back)
    elsewhere = on(SONG, transposed(bass_of(*notes), semitones))
    assert form.self_similarity(elsewhere, other) == pytest.approx(there, nan_ok=True)


# ------------------------------------------------------------------------------------- density


def test_density_by_hand() -> None:
    chord = guitar_of(*((0, 2 * BEAT, pitch) for pitch in (48, 52, 55)), (4 * BEAT, BEAT, 60))
    single = guitar_of((0, 2 * BEAT, 48))
    found = densities(chord, single)
    assert found["notes_per_bar"] == pytest.approx(4 / BARS)
    assert found["notes_per_bar_ratio"] == 4
    assert found["notes_per_onset"] == pytest.approx(4 / 2)
    assert found["polyphony"] == pytest.approx((3 * 2 + 1) / 3)
    assert found["note_length_ratio"] == pytest.approx(((3 * 2 + 1) / 4) / 2)
    assert found["median_pitch"] == pytest.approx((52 + 55) / 2)
    assert found["pitch_spread"] == 12


def test_a_strummed_chord_is_one_onset() -> None:
    strum = guitar_of((0, BEAT, 48), (1, BEAT, 52), (2, BEAT, 55), (BEAT, BEAT, 60))
    assert densities(strum, strum)["notes_per_onset"] == pytest.approx(4 / 2)


@given(some_notes)
def test_polyphony_equals_a_count_tick_by_tick(notes: list[tuple[int, int, int]]) -> None:
    sounding = np.zeros((BARS + 1) * BAR, dtype=np.int64)
    for onset, duration, _ in notes:
        sounding[onset : onset + max(1, duration)] += 1
    expected = sounding[sounding > 0].mean()
    assert density.polyphony(on(SONG, bass_of(*notes))) == pytest.approx(expected)


def test_dynamics_by_hand() -> None:
    notes = bass_of(*((beat * BEAT, BEAT, 36) for beat in range(11))).notes
    loud = tuple(note._replace(velocity=50 + 5 * k) for k, note in enumerate(notes))
    found = densities(replace(bass_of(), notes=loud), bass_of())
    assert found["mean_velocity"] == pytest.approx(75)
    assert found["velocity_spread"] == 95 - 55  # the second softest and the second loudest of 11


@pytest.mark.parametrize(("second", "ratio"), [(1 / 2, 1), (2 / 3, 2), (3 / 5, 3 / 2)])
def test_swing_is_the_first_eighth_by_the_second(second: float, ratio: float) -> None:
    song = context_of(PIANO, beat=120)
    strokes = drums_of(
        *((round((beat + late) * 120), 42) for beat in range(16) for late in (0, second))
    )
    found = density.evaluate(on(song, strokes), on(song, strokes))["swing_ratio"]
    assert found == pytest.approx(ratio)


def test_who_divides_no_beat_is_straight() -> None:
    quarters = bass_of(*((beat * BEAT, BEAT, 36) for beat in range(16)))
    assert densities(quarters, quarters)["swing_ratio"] == 1


def test_drums_have_neither_register_nor_length() -> None:
    drums = drums_of((0, 36))
    assert densities(drums, drums).keys() == {
        "notes_per_bar",
        "notes_per_bar_ratio",
        "notes_per_onset",
        "mean_velocity",
        "velocity_spread",
        "swing_ratio",
    }


def test_ratios_to_nothing_are_undefined() -> None:
    found = densities(bass_of((0, BEAT, 36)), bass_of())
    assert np.isnan([found["notes_per_bar_ratio"], found["note_length_ratio"]]).all()


def test_a_note_in_the_last_tick_of_a_fine_clock_is_heard() -> None:
    song = context_of(PIANO, beat=100_000)
    part = on(song, bass_of((BARS * 400_000 - 1, 1, 40)))
    assert density.evaluate(part, part)["median_pitch"] == 40
