"""Human timing and velocity: what it may change, and what it may not."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo, order
from subtractive.errors import OptionError
from subtractive.humanise import humanised

notes = st.builds(
    Note, st.integers(0, 6000), st.integers(0, 900), st.integers(35, 90), st.integers(1, 127)
)
parts = st.lists(notes, max_size=60).map(
    lambda each: Part("any", 0, False, tuple(sorted(each, key=order)))
)
songs = st.builds(
    Arrangement,
    st.sampled_from([24, 144, 480]),
    st.lists(parts, max_size=3).map(tuple),
    st.sampled_from([(), (Tempo(0, 400_000), Tempo(900, 1_200_000)), (Tempo(50, 300_000),)]),
    st.sampled_from([(), (Metre(0, 6, 8),), (Metre(0, 3, 4), Metre(1440, 4, 4))]),
)
amounts = st.floats(0, 20)


def played(song: Arrangement, seed: int, amount: float = 1.0) -> Arrangement:
    return humanised(song, np.random.default_rng(seed), amount)


def pairs(a: Arrangement, b: Arrangement) -> Iterable[tuple[Note, Note]]:
    for old, new in zip(a.parts, b.parts, strict=True):
        yield from zip(old.notes, new.notes, strict=True)


@given(songs, st.integers(0, 99), amounts)
def test_no_note_is_lost_or_out_of_order_or_before_the_music(
    song: Arrangement, seed: int, amount: float
) -> None:
    made = played(song, seed, amount)
    assert made == replace(song, parts=made.parts)
    for old, new in zip(song.parts, made.parts, strict=True):
        assert replace(new, notes=old.notes) == old
        assert [note.pitch for note in new.notes] == [note.pitch for note in old.notes]
        assert [*new.notes] == sorted(new.notes, key=order)
    for old_note, note in pairs(song, made):
        assert note.onset >= 0
        assert note.duration >= min(1, old_note.duration)
        assert 1 <= note.velocity <= 127


@given(songs, st.integers(0, 99), amounts)
def test_attacks_that_were_apart_stay_apart(song: Arrangement, seed: int, amount: float) -> None:
    for old, new in zip(song.parts, played(song, seed, amount).parts, strict=True):
        for (a, x), (b, y) in pairwise(zip(old.notes, new.notes, strict=True)):
            assert x.onset < y.onset if a.onset < b.onset else x.onset <= y.onset


@given(songs, st.integers(0, 99))
def test_no_amount_is_the_music_as_written(song: Arrangement, seed: int) -> None:
    assert played(song, seed, 0) == song


@given(songs, st.integers(0, 99))
def test_the_same_dice_play_alike(song: Arrangement, seed: int) -> None:
    assert played(song, seed) == played(song, seed)


@given(st.integers(0, 99), amounts)
def test_a_string_struck_again_was_let_go_before(seed: int, amount: float) -> None:
    line = tuple(Note(each * 60, 60, 40, 90) for each in range(64))
    made = played(Arrangement(480, (Part("Bass", 33, False, line),)), seed, amount)
    assert all(a.end <= b.onset for a, b in pairwise(made.parts[0].notes))


def strum(microseconds: int) -> Arrangement:
    chords = tuple(
        Note(beat * 480, 400, pitch, 80) for beat in range(400) for pitch in (52, 55, 59, 64)
    )
    return Arrangement(480, (Part("Guitar", 25, False, chords),), (Tempo(0, microseconds),))


def misses(song: Arrangement, made: Arrangement) -> np.ndarray:
    """How late each note is, in milliseconds; rows are chords."""
    late = [new.onset - old.onset for old, new in pairs(song, made)]
    return np.array(late).reshape(-1, 4) * song.tempos[0].microseconds / 480 / 1000


@pytest.mark.parametrize("microseconds", [300_000, 1_000_000])
def test_lateness_is_counted_in_milliseconds_at_any_tempo(microseconds: int) -> None:
    song = strum(microseconds)
    late = misses(song, played(song, 1))
    assert 5 < late.std() < 14
    assert np.abs(late).max() < 60


def test_the_notes_of_a_chord_stay_together_and_neighbours_lean_the_same_way() -> None:
    song = strum(500_000)
    late = misses(song, played(song, 2))
    within = late.max(axis=1) - late.min(axis=1)
    assert within.max() < 12
    assert np.median(within) < late.mean(axis=1).std() / 2
    first = late[:, 0]
    assert np.corrcoef(first[:-1], first[1:])[0, 1] > 0.4


def test_twice_the_amount_is_twice_as_late_and_accented() -> None:
    song = strum(500_000)
    once, twice = (misses(song, played(song, 3, amount)) for amount in (1, 2))
    assert np.abs(2 * once - twice).max() < 3.2  # rounding to ticks of about a millisecond
    loud = [
        np.array([note.velocity for note in played(song, 3, amount).parts[0].notes]) - 80
        for amount in (1, 2)
    ]
    assert np.abs(2 * loud[0] - loud[1]).max() <= 2


def test_the_first_beat_is_louder_than_the_others_and_those_louder_than_what_lies_between() -> None:
    hat = tuple(Note(eighth * 240, 60, 42, 80) for eighth in range(1600))
    made = played(Arrangement(480, (Part("Kit", 0, True, hat),)), 4)
    loud = np.array([note.velocity for note in made.parts[0].notes]).reshape(-1, 8)
    assert loud[:, 0].mean() > loud[:, 2::2].mean() + 2 > loud[:, 1::2].mean() + 4


def test_players_do_not_lean_alike() -> None:
    one = strum(500_000)
    band = replace(one, parts=one.parts * 2)
    both = misses(band, played(band, 5)).reshape(2, -1)
    assert abs(np.corrcoef(both)[0, 1]) < 0.5


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="give 0"):
        played(strum(500_000), 0, -1)
