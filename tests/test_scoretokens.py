"""The token scheme: exact both ways on its grid, in any bars, by a grammar that is data."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoretokens.codec import DRUM_TICKS, bar_notes, decode, encode, normalise, repeat_of
from scoretokens.grid import (
    LONGEST,
    MAX_BAR,
    TICKS_PER_BEAT,
    from_grid,
    quantise_duration,
    to_grid,
)
from scoretokens.vocabulary import vocabulary
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, Tempo, bars, order
from subtractive.instruments import INSTRUMENTS, roles
from tests.test_arrangement import arrangements, metre_maps

Ints = npt.NDArray[np.int64]
V = vocabulary()
COMMON = 48  # grid ticks of a bar of 4/4


@st.composite
def barlines(draw: st.DrawFn) -> list[int]:
    """Bars of any length that the vocabulary holds, from anywhere on."""
    usual = st.sampled_from((COMMON, 36, 42, MAX_BAR, 1))
    lengths = draw(st.lists(usual | st.integers(1, MAX_BAR), min_size=1, max_size=14))
    start = draw(st.sampled_from((0, 480)))
    return [start + int(line) for line in np.cumsum([0, *lengths])]


@st.composite
def grid_notes(draw: st.DrawFn, lines: list[int], *, is_drums: bool) -> Ints:
    """Notes as the grid holds them, those of some bars copied to others."""
    pitches = st.sampled_from((36, 38, 42)) if is_drums else st.sampled_from((28, 40, 43, 47))
    note = st.tuples(
        st.integers(0, lines[-1] - lines[0] - 1),
        st.integers(0, LONGEST),
        pitches | st.integers(0, 127),
        st.integers(1, 127),
    )
    notes = np.array(draw(st.lists(note, max_size=20)), dtype=np.int64).reshape(-1, 4)
    notes[:, 0] += lines[0]
    for source, target in draw(
        st.lists(st.tuples(*2 * [st.integers(0, len(lines) - 2)]), max_size=4)
    ):
        copied = notes[(notes[:, 0] >= lines[source]) & (notes[:, 0] < lines[source + 1])].copy()
        copied[:, 0] += lines[target] - lines[source]
        outside = (notes[:, 0] < lines[target]) | (notes[:, 0] >= lines[target + 1])
        notes = np.concatenate([notes[outside], copied[copied[:, 0] < lines[target + 1]]])
    notes[:, 1] = quantise_duration(notes[:, 1])
    return notes[np.lexsort((notes[:, 2], notes[:, 0]))]


@st.composite
def parts(draw: st.DrawFn) -> tuple[str, list[int], Ints]:
    """An instrument, barlines, and normalised notes within them."""
    instrument, lines = draw(st.sampled_from(INSTRUMENTS)), draw(barlines())
    is_drums = instrument == "drums"
    return (
        instrument,
        lines,
        normalise(draw(grid_notes(lines, is_drums=is_drums)), is_drums=is_drums),
    )


programs = st.none() | st.integers(0, 127)


@settings(max_examples=80, deadline=None)
@given(parts(), programs, st.booleans())
def test_decoding_undoes_encoding(
    part: tuple[str, list[int], Ints], program: int | None, repeats: bool
) -> None:
    instrument, lines, notes = part
    said = encode(notes, lines, instrument=instrument, program=program, repeats=repeats)
    assert decode(said.ids.tolist(), lines).tolist() == notes.tolist()


@settings(max_examples=40, deadline=None)
@given(parts(), programs)
def test_the_grammar_allows_every_encoded_sequence(
    part: tuple[str, list[int], Ints], program: int | None
) -> None:
    instrument, lines, notes = part
    ids, ticks = encode(notes, lines, instrument=instrument, program=program)
    assert V.tokens[ids[0]] == f"Instrument_{instrument}"
    for before, after in pairwise(ids.tolist()):
        assert V.type_mask(V.kind(before))[after]
    assert (np.diff(ticks) >= 0).all()
    bar_onsets = ticks[ids == V.id("Bar_None")]
    assert bar_onsets.tolist() == lines[:-1]
    # drums have no program, nor has what is neither guitar nor bass
    said = instrument != "drums" and 24 <= (program or 0) < 40
    assert V.tokens[ids[1]] == (f"Program_{program}" if said else "Bar_None")


@settings(max_examples=40, deadline=None)
@given(parts())
def test_a_repeated_bar_is_said_by_one_token(part: tuple[str, list[int], Ints]) -> None:
    instrument, lines, notes = part
    brief = encode(notes, lines, instrument=instrument)
    long = encode(notes, lines, instrument=instrument, repeats=False)
    assert len(brief.ids) <= len(long.ids)
    assert not np.isin(long.ids, V.span("Repeat")).any()
    contents = bar_notes(notes, lines, is_drums=instrument == "drums")
    lengths = np.diff(lines).tolist()
    alike = [repeat_of(contents, lengths, bar) for bar in range(len(lengths))]
    for bar, back in enumerate(alike):
        same = [
            bar - earlier
            for earlier in range(max(0, bar - 8), bar)
            if contents[earlier] == contents[bar] and lengths[earlier] == lengths[bar]
        ]
        assert back == (min(same) if same and contents[bar] else 0)
    assert np.isin(brief.ids, V.span("Repeat")).sum() == np.count_nonzero(alike)


@settings(max_examples=40, deadline=None)
@given(parts(), st.data())
def test_a_broken_off_sequence_says_the_notes_it_finished(
    part: tuple[str, list[int], Ints], data: st.DataObject
) -> None:
    instrument, lines, notes = part
    ids = encode(notes, lines, instrument=instrument, repeats=False).ids.tolist()
    cut = data.draw(st.integers(1, len(ids)))
    finished = sum(V.kind(token) == "Velocity" for token in ids[:cut])
    assert decode(ids[:cut], lines).tolist() == notes[:finished].tolist()


@settings(max_examples=40, deadline=None)
@given(parts())
def test_miditok_finds_no_error_in_what_is_encoded(part: tuple[str, list[int], Ints]) -> None:
    instrument, lines, notes = part
    ids = encode(notes, lines, instrument=instrument, program=33).ids.tolist()
    assert tokenizer().tokens_errors([ids]) == [0]
    # and would find one: a part cannot begin twice
    assert tokenizer().tokens_errors([[*ids, ids[0]]])[0] > 0


@cache
def tokenizer():  # type: ignore[no-untyped-def]  # noqa: ANN201  # MidiTok carries no types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports and defaults
        from scoretokens.scheme import ScoreTokens

        return ScoreTokens()


def test_the_saved_table_is_the_schemes() -> None:
    tokenizer()
    from scoretokens.scheme import table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = table()
    assert tuple(made["tokens"]) == V.tokens
    assert {kind: frozenset(after) for kind, after in made["follows"].items()} == V.follows


def test_miditok_hears_the_same_notes_in_common_time() -> None:
    notes = normalise(np.array([[0, 12, 40, 90], [6, 6, 43, 90], [60, 24, 40, 50]]), is_drums=False)
    ids = encode(notes, [0, 48, 96], instrument="bass").ids.tolist()
    (track,) = tokenizer().decode([ids]).tracks
    heard = [(note.time, note.duration, note.pitch, note.velocity) for note in track.notes]
    assert sorted(heard) == [tuple(note) for note in notes.tolist()]


def test_every_type_of_token_stands_together_and_leads_somewhere() -> None:
    assert len(set(V.tokens)) == len(V)
    for token_id, token in enumerate(V.tokens):
        assert V.id(token) == token_id
        assert token_id in V.span(V.kind(token_id))
    kinds = {V.kind(token_id) for token_id in range(len(V))} - {"PAD"}
    assert set(V.follows) == kinds
    assert frozenset().union(*V.follows.values()) == kinds - {"Instrument"}
    assert V.values("Pitch").tolist() == list(range(21, 101))
    assert V.values("Position").tolist() == list(range(MAX_BAR))
    assert V.values("Repeat").tolist() == list(range(1, 9))


@settings(max_examples=40, deadline=None)
@given(barlines().flatmap(lambda lines: grid_notes(lines, is_drums=False)), st.integers(-6, 6))
def test_normalising_keeps_time_and_pitch_class(notes: Ints, shift: int) -> None:
    found = normalise(notes, is_drums=False, transposition=shift)
    assert normalise(found, is_drums=False).tolist() == found.tolist()
    assert ((found[:, 2] >= 21) & (found[:, 2] <= 100)).all()
    wanted = {(note[0], (note[2] + shift) % 12) for note in notes.tolist()}
    assert {(note[0], note[2] % 12) for note in found.tolist()} == wanted
    untouched = [note for note in notes.tolist() if 21 <= note[2] + shift <= 100]
    assert {(note[0], note[2] + shift) for note in untouched} <= {
        (note[0], note[2]) for note in found.tolist()
    }
    assert np.isin(found[:, 3], V.values("Velocity")).all()
    assert np.isin(found[:, 1], V.values("Duration")).all()
    pairs = found[:, [0, 2]].tolist()
    assert pairs == sorted(pairs)
    assert len({tuple(pair) for pair in pairs}) == len(pairs)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(-6, 6))
def test_transposing_commutes_with_encoding(data: st.DataObject, shift: int) -> None:
    """Within the vocabulary's range the tokens of pitches move, all others stay."""
    lines = data.draw(barlines())
    notes = data.draw(grid_notes(lines, is_drums=False))
    notes[:, 2] = 40 + notes[:, 2] % 24
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    here = encode(normalise(notes, is_drums=False), lines, instrument="guitar").ids
    there = encode(
        normalise(notes, is_drums=False, transposition=shift), lines, instrument="guitar"
    ).ids
    pitches = np.isin(here, V.span("Pitch"))
    assert (there - here).tolist() == (pitches * shift).tolist()


@settings(max_examples=40, deadline=None)
@given(barlines().flatmap(lambda lines: grid_notes(lines, is_drums=True)), st.integers(-11, 11))
def test_drums_never_transpose(notes: Ints, shift: int) -> None:
    moved = normalise(notes, is_drums=True, transposition=shift)
    assert moved.tolist() == normalise(notes, is_drums=True).tolist()
    assert set(moved[:, 2].tolist()) == {key for key in notes[:, 2].tolist() if 27 <= key < 88}
    assert (moved[:, 1] == DRUM_TICKS).all()


@given(st.integers(1, 127))
def test_a_velocity_goes_to_the_nearest_of_eight(velocity: int) -> None:
    (found,) = normalise(np.array([[0, 12, 60, velocity]]), is_drums=False)[:, 3]
    bins = V.values("Velocity")
    assert len(bins) == 8
    assert abs(int(found) - velocity) == np.abs(bins - velocity).min()


def test_durations_are_exact_to_a_bar_and_then_whole_beats() -> None:
    short = np.arange(1, 49)
    assert quantise_duration(short).tolist() == short.tolist()
    assert quantise_duration(np.array([0, -5, 53, 54, 191, 192, 500])).tolist() == [
        *(1, 1, 48, 60),
        *(192, 192, 192),
    ]
    every = quantise_duration(np.arange(600))
    assert set(every.tolist()) == set(V.values("Duration").tolist())


@pytest.mark.parametrize("figure", [2, 3, 4, 6, 12])
@pytest.mark.parametrize("ticks_per_beat", [12, 24, 96, 120, 480, 960])
def test_the_grid_holds_eighths_sixteenths_and_their_triplets(
    figure: int, ticks_per_beat: int
) -> None:
    step = ticks_per_beat // figure
    run = tuple(Note(place * step, step, 60 + place % 12, 80) for place in range(4 * figure))
    song = Arrangement(ticks_per_beat, (Part("Run", 0, False, run),))
    (part,) = to_grid(song).parts
    assert np.diff(part.notes[:, 0]).tolist() == [TICKS_PER_BEAT // figure] * (len(run) - 1)
    assert from_grid(part.notes, ticks_per_beat) == run


@settings(max_examples=40, deadline=None)
@given(
    barlines().flatmap(lambda lines: grid_notes(lines, is_drums=False)),
    st.sampled_from((13, 24, 96, 100, 120, 192, 384, 480, 1000, 1024)),
)
def test_what_is_on_the_grid_comes_back_from_any_ticks(notes: Ints, ticks_per_beat: int) -> None:
    notes = normalise(notes, is_drums=False)
    played = from_grid(notes, ticks_per_beat)
    assert list(played) == sorted(played, key=order)
    (part,) = to_grid(Arrangement(ticks_per_beat, (Part("", 33, False, played),))).parts
    assert part.notes.tolist() == notes.tolist()


@settings(max_examples=40, deadline=None)
@given(arrangements())
def test_onsets_move_by_half_a_grid_tick_at_most(song: Arrangement) -> None:
    scale = song.ticks_per_beat / TICKS_PER_BEAT
    found = to_grid(song)
    assert [part.role for part in found.parts] == list(roles(song.parts))
    for part, played in zip(found.parts, song.parts, strict=True):
        near = {(round(note.onset / scale), note.pitch) for note in played.notes}
        assert {(int(onset), int(pitch)) for onset, _, pitch, _ in part.notes} == near
        assert len(part.notes) == len(near)
        assert (part.notes[:, 1] >= 1).all()


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from((24, 96, 480)))
def test_bars_are_the_musics_own(data: st.DataObject, ticks_per_beat: int) -> None:
    longest = 40 * ticks_per_beat
    metres = data.draw(metre_maps(longest, on_grid=ticks_per_beat // 12))
    part = Part("", 0, False, (Note(0, longest, 60, 80),))
    song = Arrangement(ticks_per_beat, (part,), metres=metres)
    found = to_grid(song)
    onsets = found.bar_onsets.tolist()
    written = [bar.onset * TICKS_PER_BEAT // ticks_per_beat for bar in bars(song)]
    assert set(written) <= set(onsets)
    assert onsets[-1] == bars(song)[-1].end * TICKS_PER_BEAT // ticks_per_beat
    lengths = np.diff(onsets)
    assert ((lengths > 0) & (lengths <= MAX_BAR)).all()
    # only what is longer than the vocabulary's longest bar is cut
    assert len(lengths) == sum(
        -(-bar.length * 12 // (MAX_BAR * ticks_per_beat)) for bar in bars(song)
    )


def test_a_bar_of_twelve_quarters_is_cut_in_two() -> None:
    note = Note(0, 24 * 480, 60, 80)
    song = Arrangement(480, (Part("", 0, False, (note,)),), metres=(Metre(0, 12, 4),))
    assert to_grid(song).bar_onsets.tolist() == [0, 72, 144, 216, 288]


def test_a_bar_whose_ends_round_to_one_tick_is_left_out() -> None:
    note = Note(0, 4 * 480, 60, 80)
    metres = (Metre(0, 4, 4), Metre(341, 3, 4), Metre(362, 4, 4))  # on ticks 8.5 and 9.05
    song = Arrangement(480, (Part("", 0, False, (note,)),), metres=metres)
    assert to_grid(song).bar_onsets.tolist() == [0, 9, 57]


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from((24, 96, 480)))
def test_no_metre_map_makes_an_empty_bar(data: st.DataObject, ticks_per_beat: int) -> None:
    """Changes anywhere, off the grid too."""
    longest = 8 * ticks_per_beat
    metres = data.draw(metre_maps(longest))
    song = Arrangement(
        ticks_per_beat, (Part("", 0, False, (Note(0, longest, 60, 80),)),), metres=metres
    )
    found = to_grid(song)
    lengths = np.diff(found.bar_onsets)
    assert found.bar_onsets[0] == 0
    assert ((lengths > 0) & (lengths <= MAX_BAR)).all()
    assert len(lengths) == found.bar_count == len(found.bar_beats) == len(found.bar_tempos)


def test_metre_and_tempo_of_each_bar() -> None:
    note = Note(0, 10 * 480, 60, 80)
    song = Arrangement(
        480,
        (Part("", 0, False, (note,)),),
        tempos=(Tempo(0, 500_000), Tempo(4 * 480, 1_000_000)),
        metres=(Metre(0, 4, 4), Metre(4 * 480, 6, 8)),
    )
    found = to_grid(song)
    assert found.bar_count == 3
    assert found.bar_beats.tolist() == [12, 6, 6]
    assert found.bar_tempos.tolist() == [120, 60, 60]


def test_chord_symbols_keep_their_tones(song: Arrangement) -> None:
    silent = ChordSymbol(9 * 480, "N.C.", None, (), None)
    over = ChordSymbol(10 * 480, "C/E", 0, (0, 4, 7), 4)
    found = to_grid(replace(song, chords=(*song.chords[:1], silent, over))).chords
    triad = 1 | 1 << 4 | 1 << 7
    assert found.tolist() == [[0, 0, triad, 0], [108, -1, 0, -1], [120, 0, triad, 4]]
