"""The arranger keeps the laws of music, with any band, in any metre, on any clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, Tempo, bars, order
from subtractive.arranger import arrange
from subtractive.arranger.voicings import SPAN_FRETS, TUNING, grips, nearest, tones_of
from subtractive.chord_symbols import no_chord, parse_chord
from subtractive.harmony import TEMPLATES
from subtractive.instruments import INSTRUMENTS, instrument, role

BEAT = 480
METRES = ((4, 4), (3, 4), (2, 4), (6, 8), (12, 8), (9, 8), (5, 4), (7, 4), (7, 8), (5, 8), (3, 8))
CHARTS = ("C F G7 C/E", "Am7 Dm7 G7 Cmaj7", "Ebm Abm7 Db7 Gb6", "Bdim E7b9 Asus4 D13#11")


def lead_sheet(symbols: str, numerator: int = 4, denominator: int = 4) -> Arrangement:
    """Return a melody of one note a bar with its chord symbols, one for each bar."""
    length = BEAT * 4 * numerator // denominator
    chords = tuple(parse_chord(text, tick=length * bar) for bar, text in enumerate(symbols.split()))
    tune = tuple(Note(chord.tick, length, 72, 80) for chord in chords)
    return Arrangement(
        BEAT,
        (Part("Flute", 73, False, tune),),
        tempos=(Tempo(0, 500_000),),
        metres=(Metre(0, numerator, denominator),),
        chords=chords,
    )


def written(context: Arrangement, name: str, seed: int = 1) -> Part:
    return arrange(context, name, np.random.default_rng(seed))


def transposed(context: Arrangement, by: int) -> Arrangement:
    parts = tuple(
        part
        if part.is_drums
        else replace(part, notes=tuple(n._replace(pitch=n.pitch + by) for n in part.notes))
        for part in context.parts
    )
    chords = tuple(
        chord._replace(
            root=((chord.root or 0) + by) % 12,
            bass=((chord.bass or 0) + by) % 12,
            pitch_classes=tuple(sorted((tone + by) % 12 for tone in chord.pitch_classes)),
        )
        for chord in context.chords
    )
    return replace(context, parts=parts, chords=chords)


def hand_holds(pitches: tuple[int, ...]) -> bool:
    """Return whether a hand can hold pitches at once, each on a string of its own: any way at all.

    A search of its own, that knows nothing of how the arranger finds grips.
    """
    trials: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = [(0, tuple(range(6)), ())]
    while trials:
        number, free, stopped = trials.pop()
        if stopped and max(stopped) - min(stopped) >= SPAN_FRETS:
            continue
        if number == len(pitches):
            return True
        for string in free:
            fret = pitches[number] - TUNING[string]
            if 0 <= fret <= 19:
                left = tuple(each for each in free if each != string)
                trials.append((number + 1, left, (*stopped, fret) if fret else stopped))
    return False


def chords_struck(part: Part) -> dict[int, tuple[int, ...]]:
    at: dict[int, list[int]] = {}
    for note in part.notes:
        at.setdefault(note.onset, []).append(note.pitch)
    return {onset: tuple(sorted(pitches)) for onset, pitches in at.items()}


def assert_sound(part: Part, context: Arrangement, name: str) -> None:
    """Check what holds for every part that is ever written."""
    known = instrument(name)
    end = bars(context)[-1].end
    assert role(part) == name
    assert part.notes == tuple(sorted(part.notes, key=order))
    assert len({(note.onset, note.pitch) for note in part.notes}) == len(part.notes)
    for note in part.notes:
        assert known.lowest <= note.pitch <= known.highest
        assert 0 <= note.onset < note.end <= max(end, note.onset + 1)
        assert 1 <= note.velocity <= 127
    if name == "guitar":
        assert all(hand_holds(pitches) for pitches in chords_struck(part).values())
    if name == "bass":
        assert all(len(pitches) == 1 for pitches in chords_struck(part).values())


@pytest.mark.parametrize("by", range(-5, 7))
@pytest.mark.parametrize("name", ["bass", "drums", "guitar"])
def test_transposing_the_context_transposes_what_has_pitch_and_nothing_else(
    song: Arrangement, name: str, by: int
) -> None:
    # without its guitar: a low guitar's register says whether it is a riff
    context = song.split(name)[0].split("guitar")[0]
    here, there = written(context, name), written(transposed(context, by), name)
    if name == "drums":
        assert there == here
        return
    assert [note.onset for note in there.notes if name == "bass"] == [
        note.onset for note in here.notes if name == "bass"
    ]
    # a guitar's grips lie elsewhere in another key, but sound the same chords bar by bar

    def tones(part: Part, shift: int) -> set[tuple[int, int]]:
        return {(n.onset // (4 * BEAT), (n.pitch - shift) % 12) for n in part.notes}

    assert tones(there, by) == tones(here, 0)


@pytest.mark.parametrize("metre", METRES)
@pytest.mark.parametrize("symbols", CHARTS)
def test_bass_has_the_chord_s_bass_on_downbeats_where_no_drummer_says_otherwise(
    symbols: str, metre: tuple[int, int]
) -> None:
    context = lead_sheet(symbols, *metre)
    bass = {note.onset: note.pitch % 12 for note in written(context, "bass").notes}
    for chord in context.chords:
        assert bass[chord.tick] == chord.bass


@pytest.mark.parametrize("metre", METRES)
@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_metre_is_played_bar_by_bar(name: str, metre: tuple[int, int]) -> None:
    context = lead_sheet("C Am F G " * 2, *metre)
    part = written(context, name)
    assert_sound(part, context, name)
    starts = {note.onset for note in part.notes}
    for bar in bars(context)[:-1]:
        assert any(bar.onset <= onset < bar.end for onset in starts)
        assert name == "guitar" or bar.onset in starts


@pytest.mark.parametrize("name", ["bass", "guitar"])
def test_nobody_with_a_pitch_begins_or_holds_a_note_through_no_chord(name: str) -> None:
    context = lead_sheet("C F G C")
    bar = 4 * BEAT
    silent = no_chord(2 * bar)
    part = written(replace(context, chords=(*context.chords[:2], silent, context.chords[3])), name)
    assert part.notes
    assert all(note.end <= 2 * bar or note.onset >= 3 * bar for note in part.notes)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_the_same_generator_gives_the_same_part(song: Arrangement, name: str) -> None:
    context = song.split(name)[0]
    assert written(context, name, 5) == written(context, name, 5)


@pytest.mark.parametrize("name", INSTRUMENTS)
@pytest.mark.parametrize(
    "context",
    [
        Arrangement(480, ()),
        Arrangement(1, ()),
        Arrangement(480, (Part("Flute", 73, False, ()),), barlines=(0, 1920, 3840)),
        Arrangement(96, (Part("Flute", 73, False, (Note(0, 0, 60, 90),)),)),
        Arrangement(96, (Part("", 0, True, (Note(50, 1, 38, 90),)),)),
    ],
)
def test_next_to_nothing_is_enough_to_play_to(context: Arrangement, name: str) -> None:
    assert_sound(written(context, name), context, name)


def test_a_chart_alone_is_played() -> None:
    chart = replace(lead_sheet("C F G C"), parts=(), barlines=(0, 1920, 3840, 5760, 7680))
    for name in INSTRUMENTS:
        assert len({note.onset // 1920 for note in written(chart, name).notes}) == 4


@given(
    root=st.integers(0, 11),
    intervals=st.sets(st.integers(0, 11), max_size=7),
    before=st.integers(0, 11),
)
def test_grips_sound_the_whole_chord_from_the_root_and_fit_a_hand(
    root: int, intervals: set[int], before: int
) -> None:
    classes = tuple(sorted({(root + interval) % 12 for interval in intervals}))
    tones = tones_of(ChordSymbol(0, "", root, classes, root))
    assert tones[0] == root and set(tones) <= {root, *classes}
    assert len(tones) == min(4, len({root, *classes}))
    for grip in grips(tones):
        assert {pitch % 12 for pitch in grip.pitches} == set(tones)
        assert grip.pitches[0] % 12 == root
        assert hand_holds(grip.pitches)
    last = grips((before, (before + 7) % 12))[-1]
    assert nearest(tones, last) in grips(tones)


def test_open_chords_are_those_of_every_first_lesson() -> None:
    lessons = {"C": (-1, 3, 2, 0, 1, 0), "G": (3, 2, 0, 0, 0, 3), "E": (0, 2, 2, 1, 0, 0)}
    lessons |= {"Am": (-1, 0, 2, 2, 1, 0), "Em": (0, 2, 2, 0, 0, 0)}
    for name, frets in lessons.items():
        assert nearest(tones_of(parse_chord(name)), None).frets == frets


def test_a_fifth_is_the_first_tone_a_guitarist_leaves_out() -> None:
    ninth = parse_chord("C9")
    assert set(tones_of(ninth)) == {0, 4, 10, 2}
    assert all(len(tones_of(parse_chord("D" + kind))) <= 4 for kind in TEMPLATES)


CHORDS = st.one_of(
    st.just(no_chord()),
    st.builds(
        lambda root, tones, bass: ChordSymbol(0, "", root, tuple(sorted({root, *tones})), bass),
        st.integers(0, 11),
        st.sets(st.integers(0, 11), max_size=6),
        st.integers(0, 11),
    ),
)


@st.composite
def contexts(draw: st.DrawFn) -> Arrangement:
    """Draw any band: odd clocks and metres, careless parts, wild chords, bars that nobody plays."""
    quarter = draw(st.sampled_from((1, 4, 10, 24, 96, 480)))
    length = quarter * draw(st.integers(1, 40))
    note = st.builds(
        Note,
        st.integers(0, length),
        st.integers(0, 3 * quarter),
        st.integers(0, 127),
        st.integers(1, 127),
    )
    parts = tuple(
        Part(name, program, drums, tuple(sorted(draw(st.lists(note, max_size=12)), key=order)))
        for name, program, drums in draw(
            st.lists(
                st.sampled_from(
                    (("", 0, True), ("Bass", 33, False), ("Guitar", 30, False), ("", 48, False))
                ),
                max_size=4,
            )
        )
    )
    ticks = sorted(draw(st.sets(st.integers(0, length), max_size=4)))
    meters = st.tuples(st.integers(1, 13), st.sampled_from((2, 4, 8, 16)))
    return Arrangement(
        quarter,
        parts,
        tempos=tuple(Tempo(tick, draw(st.integers(50_000, 2_000_000))) for tick in ticks[:1]),
        metres=tuple(Metre(tick, *draw(meters)) for tick in ticks[:2]),
        chords=tuple(draw(CHORDS)._replace(tick=tick) for tick in ticks),
        barlines=draw(st.sampled_from(((), (0, quarter, 4 * quarter, 4 * quarter + 1)))),
    )


@given(context=contexts(), name=st.sampled_from(INSTRUMENTS), seed=st.integers(0, 3))
def test_whatever_the_band_plays_the_part_is_sound(
    context: Arrangement, name: str, seed: int
) -> None:
    assert_sound(written(context, name, seed), context, name)
