"""Chords and keys: known progressions in all twelve keys, and what the ear would say of silence."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part
from subtractive.harmony import (
    NAMES,
    TEMPLATES,
    beat_edges,
    chord_at,
    chroma,
    estimate_chords,
    estimate_key,
    key_of_chroma,
    key_signature,
    note_spans,
)

BEAT = 480
BAR = 4 * BEAT
KEYS = pytest.mark.parametrize("tonic", range(12))

# degrees in semitones above the tonic, and the chord's kind
POP = ((0, ""), (7, ""), (9, "m"), (5, ""))
DOO_WOP = ((0, ""), (9, "m"), (5, ""), (7, "7"))
ANDALUSIAN = ((9, "m"), (7, ""), (5, ""), (4, ""))
JAZZ = ((2, "m7"), (7, "7"), (0, "maj7"), (0, "maj7"))
BLUES = tuple((degree, "7") for degree in (0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7))
Progression = tuple[tuple[int, str], ...]


def strummed(chords: Progression, tonic: int = 0, metre: tuple[int, int] = (4, 4)) -> Arrangement:
    """One bar a chord: the root below, the chord struck above on every beat."""
    bar = BEAT * 4 * metre[0] // metre[1]
    bass, hands = [], []
    for number, (degree, kind) in enumerate(chords):
        root = (tonic + degree) % 12
        bass.append(Note(number * bar, bar, 36 + root, 80))
        for onset in range(number * bar, (number + 1) * bar, BEAT):
            hands += [
                Note(onset, min(BEAT, (number + 1) * bar - onset), 60 + (root + interval) % 12, 80)
                for interval in TEMPLATES[kind]
            ]
    parts = (Part("Bass", 33, False, tuple(bass)), Part("Piano", 0, False, tuple(hands)))
    return Arrangement(BEAT, parts, metres=(Metre(0, *metre),))


def named(chords: tuple[ChordSymbol, ...]) -> list[tuple[int, str]]:
    return [(chord.tick, chord.text) for chord in chords]


def expected(chords: Progression, tonic: int, bar: int) -> list[tuple[int, str]]:
    symbols = [NAMES[(tonic + degree) % 12] + kind for degree, kind in chords]
    return [
        (number * bar, symbol)
        for number, symbol in enumerate(symbols)
        if number == 0 or symbols[number - 1] != symbol
    ]


@KEYS
@pytest.mark.parametrize("chords", [POP, DOO_WOP, ANDALUSIAN, JAZZ, BLUES])
def test_a_known_progression_is_heard_in_every_key(chords: Progression, tonic: int) -> None:
    assert named(estimate_chords(strummed(chords, tonic))) == expected(chords, tonic, BAR)


@KEYS
@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_kind_of_chord_is_heard_on_every_root(kind: str, tonic: int) -> None:
    (chord,) = estimate_chords(strummed(((0, kind), (0, kind)), tonic))
    assert (chord.tick, chord.text) == (0, NAMES[tonic] + kind)
    assert (chord.root, chord.bass) == (tonic, tonic)
    assert set(chord.pitch_classes) == {(tonic + interval) % 12 for interval in TEMPLATES[kind]}


@pytest.mark.parametrize("metre", [(3, 4), (5, 4), (6, 8), (7, 8), (2, 2)])
def test_chords_change_with_the_bars_of_any_metre(metre: tuple[int, int]) -> None:
    bar = BEAT * 4 * metre[0] // metre[1]
    assert named(estimate_chords(strummed(POP, 2, metre))) == expected(POP, 2, bar)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 11), st.sampled_from(("", "m", "7", "m7", "maj7"))), min_size=1
    ),
    st.integers(0, 11),
)
def test_chords_of_moving_roots_are_heard_whatever_they_are(
    steps: list[tuple[int, str]], tonic: int
) -> None:
    roots = np.cumsum([step for step, _ in steps]) % 12
    chords = tuple((int(root), kind) for root, (_, kind) in zip(roots, steps, strict=True))
    assert named(estimate_chords(strummed(chords, tonic))) == expected(chords, tonic, BAR)


def test_a_tune_over_a_chord_does_not_change_it(song: Arrangement) -> None:
    heard = estimate_chords(replace(song, chords=()))
    assert [(chord.tick // BAR, chord.root) for chord in heard] == [(0, 0), (2, 7), (4, 0), (6, 7)]


def test_drums_have_no_harmony(song: Arrangement) -> None:
    without = song.with_parts(song.parts[:3])
    assert estimate_chords(replace(song, chords=())) == estimate_chords(replace(without, chords=()))
    drummer = replace(song.with_parts(song.parts[3:]), chords=())
    assert estimate_chords(drummer) == ()
    assert estimate_key(drummer).tonic == 0


def test_silence_has_no_chords() -> None:
    assert estimate_chords(Arrangement(BEAT, ())) == ()
    assert estimate_key(Arrangement(BEAT, ())) == key_signature(0, is_minor=False)


def test_the_scores_own_symbols_are_believed(song: Arrangement) -> None:
    wrong = tuple(replace_root(chord) for chord in song.chords)
    assert estimate_chords(replace(song, chords=wrong)) is wrong


def replace_root(chord: ChordSymbol) -> ChordSymbol:
    return chord._replace(root=1, pitch_classes=(1, 5, 8))


def test_a_rest_within_a_chord_changes_nothing() -> None:
    whole = strummed(POP)
    rested = whole.with_parts(
        tuple(
            replace(part, notes=tuple(note for note in part.notes if note.onset % BAR != BEAT))
            for part in whole.parts
        )
    )
    assert estimate_chords(rested) == estimate_chords(whole)


def test_the_chord_in_force() -> None:
    chords = estimate_chords(strummed(POP))
    late = tuple(chord._replace(tick=chord.tick + BEAT) for chord in chords)
    assert chord_at(late, 0) is None
    assert chord_at((), 0) is None
    assert [chord_at(chords, tick) for tick in (0, BAR - 1, BAR, 99 * BAR)] == [
        chords[0],
        chords[0],
        chords[1],
        chords[-1],
    ]


@KEYS
@pytest.mark.parametrize(
    ("chords", "degree", "is_minor"),
    [(POP, 0, False), (JAZZ, 0, False), (DOO_WOP, 0, False), (ANDALUSIAN, 9, True)],
)
def test_the_key_of_a_known_progression(
    chords: Progression, degree: int, is_minor: bool, tonic: int
) -> None:
    key = estimate_key(strummed(chords, tonic))
    assert (key.tonic, key.is_minor) == ((tonic + degree) % 12, is_minor)


@KEYS
def test_chord_symbols_alone_have_a_key(tonic: int) -> None:
    played = strummed(POP, tonic)
    symbols = replace(played, chords=estimate_chords(played)).with_parts(())
    silent = replace(symbols, barlines=(*range(0, played.end, BAR), played.end))
    assert estimate_key(silent).tonic == tonic


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=12, max_size=12), st.integers(0, 11))
def test_transposing_commutes_with_finding_the_key(weights: list[int], by: int) -> None:
    heard = np.array(weights, dtype=float)
    tonic, is_minor = key_of_chroma(heard)
    moved = key_of_chroma(np.roll(heard, by))
    if np.ptp(heard) == 0:
        assert moved == (0, False)
    elif clear(heard):
        assert moved == ((tonic + by) % 12, is_minor)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=12, max_size=12))
def test_the_key_is_the_profile_of_highest_correlation(weights: list[int]) -> None:
    heard = np.array(weights, dtype=float)
    if np.ptp(heard) == 0 or not clear(heard):
        return
    mode, tonic = np.unravel_index(np.argmax(correlations(heard)), (2, 12))
    assert key_of_chroma(heard) == (int(tonic), bool(mode))


def correlations(heard: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Pearson's, with the profiles that Krumhansl and Kessler (1982) measured."""
    major = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
    minor = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
    rolled = [np.roll(profile, tonic) for profile in (major, minor) for tonic in range(12)]
    return np.array([np.corrcoef(heard, profile)[0, 1] for profile in rolled])


def clear(heard: npt.NDArray[np.float64]) -> bool:
    """Whether one key fits better than all others."""
    if np.ptp(heard) == 0:
        return False
    second, first = np.sort(correlations(heard))[-2:]
    return bool(first - second > 1e-9)


@KEYS
@pytest.mark.parametrize("is_minor", [False, True])
def test_a_signature_has_its_tonic_and_few_accidentals(tonic: int, is_minor: bool) -> None:
    key = key_signature(tonic, is_minor)
    assert (key.tonic, key.is_minor) == (tonic, is_minor)
    assert -6 <= key.fifths <= 6


def test_the_beats_of_a_bar_of_seven_eighths() -> None:
    edges, downbeat = beat_edges(np.array([0, 7 * 240, 14 * 240]), BEAT)
    assert edges.tolist() == [0, 480, 960, 1440, 1680, 2160, 2640, 3120, 3360]
    assert downbeat.tolist() == [True, False, False, False] * 2


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20), st.integers(30, 90)), max_size=12),
    st.lists(st.integers(0, 45), min_size=2, max_size=6, unique=True).map(sorted),
)
def test_chroma_is_the_share_of_time_that_each_class_sounds(
    notes: list[tuple[int, int, int]], edges: list[int]
) -> None:
    part = Part("", 0, False, tuple(Note(on, length, key, 80) for on, length, key in notes))
    weights, lowest = chroma(note_spans([part]), np.array(edges))
    for beat, (start, end) in enumerate(pairwise(edges)):
        shares = np.zeros(12)
        firm = [128]
        for onset, length, key in notes:
            # a note without length sounds for a tick
            ticks = len(range(max(onset, start), min(onset + max(length, 1), end)))
            shares[key % 12] += ticks / (end - start)
            firm += [key] * (4 * ticks >= end - start)
        assert weights[beat] == pytest.approx(shares)
        assert lowest[beat] == min(firm)
