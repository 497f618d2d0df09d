"""MMA plays the song's chords, bar on bar, in a groove of its metre."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.mma_band import MmaBand
from benchmarks.mma_band.chart import (
    Slice,
    Span,
    chord_line,
    chord_name,
    nearest_span,
    resting,
    slices_of,
    span_of,
)
from subtractive.arrangement import Arrangement, Bar, Metre, Note, Part, bars
from subtractive.chord_symbols import KINDS, chord_symbol, no_chord, parse_chord
from subtractive.errors import OptionError
from subtractive.grooves import Groove, probe
from subtractive.harmony import NAMES
from subtractive.instruments import INSTRUMENTS, instrument, role
from subtractive.mma import Chart, Passage, render

ROCK = Groove("stdlib/8beat", "8Beat", "", 4, 4, (4, 4), ("bass", "drums", "guitar"), swing=False)
MARCH = replace(ROCK, file="stdlib/68march", name="68March", beats=2, metre=(6, 8))
# grooves of 4/4, swung and straight, of 3/4, 6/8 and 5/4
PLAYED = (
    ("stdlib/8beat", "8Beat"),
    ("stdlib/basicrock", "BasicRock"),
    ("stdlib/swing", "Swing"),
    ("stdlib/jazzguitar", "JazzGuitar"),
    ("stdlib/jazzwaltz", "JazzWaltz"),
    ("stdlib/68march", "68March"),
    ("stdlib/jazz-54", "Jazz54"),
)


@pytest.fixture(scope="module")
def band() -> MmaBand:
    return MmaBand.of([probe(file, name, "", 4) for file, name in PLAYED])


def flute(metre: tuple[int, int], count: int, quarter: int = 480) -> Arrangement:
    """Some bars of a flute in C that plays every eighth."""
    length = quarter * 4 * metre[0] // metre[1]
    eighth = quarter // 2
    notes = tuple(
        Note(onset, eighth, pitch, 80)
        for place, onset in enumerate(range(0, count * length, eighth))
        for pitch in ((72, 76, 79)[place % 3],)
    )
    return Arrangement(quarter, (Part("Flute", 73, False, notes),), metres=(Metre(0, *metre),))


def charted(context: Arrangement, *names: str) -> Arrangement:
    """The context with a chord for each bar."""
    onsets = [bar.onset for bar in bars(context)]
    return replace(
        context,
        chords=tuple(parse_chord(name, tick) for name, tick in zip(names, onsets, strict=False)),
    )


def sounding(part: Part, start: int, end: int) -> set[int]:
    return {note.pitch % 12 for note in part.notes if start <= note.onset < end}


def test_without_the_program_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OptionError, match="apt install mma\\), or leave this writer out"):
        MmaBand.found()


def test_chords_are_written_with_the_nearest_quality() -> None:
    assert chord_name(0, (0, 4, 7), 0) == "C"
    assert chord_name(9, (0, 4, 7, 9), 9) == "Am7"
    assert chord_name(0, (0, 4, 7), 4) == "C/E"
    assert chord_name(7, (1, 2, 5, 7, 11), 7) == "G7#11"
    # MMA plays no bass outside the chord's scale
    assert chord_name(0, (0, 4, 7), 1) == "C"


def test_a_line_has_a_slot_for_each_beat_of_the_groove() -> None:
    chords = (parse_chord("C", 0), parse_chord("G7", 960), no_chord(1920), parse_chord("F", 2640))
    first, second = Bar(0, 1920, 480), Bar(1920, 1920, 480)
    assert chord_line(Slice(first, 0), ROCK, chords, 480) == "C / G7 /"
    # F comes on the last eighth but one: it is the chord of no slot before the fourth
    assert chord_line(Slice(second, 0), ROCK, chords, 480) == "z / F /"
    assert chord_line(Slice(first, 0), ROCK, (), 480) == "C / / /"
    compound = (parse_chord("C", 0), parse_chord("F", 720))
    assert chord_line(Slice(Bar(0, 1440, 240), 0), MARCH, compound, 480) == "C F"


def test_bars_without_a_groove_are_cut_from_and_put_together_of_others() -> None:
    common, waltz, six = Span(4, False), Span(3, False), Span(3, True)
    known = [common, waltz, six]
    assert nearest_span(span_of(Bar(0, 2400, 480), 480), known) == common
    assert nearest_span(span_of(Bar(0, 2880, 240), 480), known) == six
    assert nearest_span(span_of(Bar(0, 1440, 480), 480), known) == waltz
    assert nearest_span(span_of(Bar(0, 1440, 240), 480), known) == six
    assert nearest_span(span_of(Bar(0, 1680, 240), 480), known) == common
    assert nearest_span(waltz, [six]) == six
    five = replace(flute((5, 4), 2), chords=())
    assert [(each.bar.onset, each.start) for each in slices_of(five, ROCK)] == [
        (0, 0),
        (0, 4),
        (2400, 0),
        (2400, 4),
    ]
    assert [each.start for each in slices_of(flute((12, 8), 1), MARCH)] == [0, 3]
    assert len(slices_of(flute((2, 4), 5), ROCK)) == 5


def test_notes_rest_through_no_chord() -> None:
    chords = (no_chord(0), parse_chord("C", 10), no_chord(20), parse_chord("F", 30))
    notes = [Note(5, 20, 40, 80), Note(10, 30, 40, 80), Note(20, 5, 40, 80), Note(30, 9, 40, 80)]
    assert resting(notes, chords) == [Note(10, 10, 40, 80), Note(30, 9, 40, 80)]
    assert resting(notes, ()) == notes


@pytest.mark.program("mma")
def test_it_knows_every_chord_that_can_be_written() -> None:
    names = [
        chord_name(symbol.root or 0, symbol.pitch_classes, symbol.bass or 0)
        for kind in KINDS
        for symbol in (chord_symbol("F#", kind), chord_symbol("Bb", kind, bass="E"))
    ]
    names += [f"{root}m7" for root in NAMES]
    bars_of_one = tuple((name,) for name in names)
    passages = (Passage(ROCK.name, bars_of_one),)
    assert render(Chart(ROCK.file, 4, (4, 4), 120, "C major", 1, passages))


@pytest.mark.program("mma")
def test_the_part_follows_the_chords(band: MmaBand, rng: np.random.Generator) -> None:
    context = charted(flute((4, 4), 8), "C", "F#", "C", "F#", "C", "F#", "C", "F#")
    for name in ("bass", "guitar"):
        part = band.write(context, name, rng)
        assert role(part) == name
        known = instrument(name)
        assert all(known.lowest <= note.pitch <= known.highest for note in part.notes)
        for number, bar in enumerate(bars(context)):
            heard = sounding(part, bar.onset, bar.end - 480)
            # the scale of C has no tone but B and F in common with that of F#
            assert heard <= ({0, 2, 4, 5, 7, 9, 11} if number % 2 == 0 else {6, 8, 10, 11, 1, 3, 5})
            assert heard


@pytest.mark.program("mma")
def test_bass_and_guitar_rest_through_no_chord_and_the_drums_play_on(
    band: MmaBand, rng: np.random.Generator
) -> None:
    context = charted(flute((4, 4), 6), "C", "N.C.", "N.C.", "F", "F", "N.C.")
    for name in ("bass", "guitar"):
        part = band.write(context, name, rng)
        for bar in (1, 2, 5):
            assert not sounding(part, 1920 * bar, 1920 * (bar + 1))
            assert not any(note.onset < 1920 * bar < note.end for note in part.notes)
        assert all(sounding(part, 1920 * bar, 1920 * (bar + 1)) for bar in (0, 3, 4))
    drums = band.write(context, "drums", rng)
    assert {note.onset // 1920 for note in drums.notes} == set(range(6))
    silent = replace(context, chords=(no_chord(),))
    assert band.write(silent, "bass", rng).notes == ()
    assert band.write(silent, "drums", rng).notes


@pytest.mark.program("mma")
@pytest.mark.parametrize(
    ("metre", "file"),
    [
        ((4, 4), ""),
        ((2, 2), ""),
        ((3, 4), "stdlib/jazzwaltz"),
        ((5, 4), "stdlib/jazz-54"),
        ((6, 8), "stdlib/68march"),
        ((9, 8), "stdlib/68march"),
        ((12, 8), "stdlib/68march"),
        ((7, 8), ""),
        ((2, 4), ""),
        ((1, 16), ""),
        ((11, 4), ""),
    ],
)
def test_every_bar_of_any_metre_is_played_within_the_song(
    band: MmaBand, rng: np.random.Generator, metre: tuple[int, int], file: str
) -> None:
    context = flute(metre, 12)
    drums = band.write(context, "drums", rng)
    every_bar = bars(context)
    assert all(note.onset >= 0 and note.end <= every_bar[-1].end for note in drums.notes)
    assert all(note.duration > 0 for note in drums.notes)
    if metre != (1, 16):
        played = {
            number
            for number, bar in enumerate(every_bar)
            if any(bar.onset <= note.onset < bar.end for note in drums.notes)
        }
        assert len(played) == 12
    found = band.ranked(context, "drums")[0]
    assert found.file == file or (not file and found.metre == (4, 4))


@pytest.mark.program("mma")
def test_a_change_of_metre_changes_the_bars(band: MmaBand, rng: np.random.Generator) -> None:
    context = replace(
        flute((4, 4), 8),
        metres=(Metre(0, 4, 4), Metre(4 * 1920, 7, 8), Metre(4 * 1920 + 3360, 3, 4)),
    )
    part = band.write(context, "bass", rng)
    for bar in bars(context):
        assert any(abs(note.onset - bar.onset) < 40 for note in part.notes)


@pytest.mark.program("mma")
@pytest.mark.parametrize(
    "parts",
    [
        (),
        (Part("Flute", 73, False, ()),),
        (Part("Drums", 0, True, tuple(Note(k * 480, 60, 36, 90) for k in range(40))),),
    ],
)
def test_a_context_without_harmony_gets_a_part_in_c(
    band: MmaBand, rng: np.random.Generator, parts: tuple[Part, ...]
) -> None:
    for name in INSTRUMENTS:
        part = band.write(Arrangement(480, parts), name, rng)
        assert role(part) == name
        if name != "drums":
            assert {note.pitch % 12 for note in part.notes} <= {0, 2, 4, 5, 7, 9, 11}


@pytest.mark.program("mma")
def test_the_same_seed_gives_the_same_part(band: MmaBand) -> None:
    context = flute((4, 4), 8)
    first, again, other = (
        band.write(context, "drums", np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.notes != other.notes


@pytest.mark.program("mma")
def test_a_finer_clock_gets_the_same_music(band: MmaBand) -> None:
    coarse, fine = (
        band.write(flute((4, 4), 8, quarter), "bass", np.random.default_rng(3)).notes
        for quarter in (480, 4800)
    )
    assert len(coarse) == len(fine)
    for one, ten in zip(coarse, fine, strict=True):
        assert abs(10 * one.onset - ten.onset) <= 5
        assert one.pitch == ten.pitch


@pytest.mark.program("mma")
@pytest.mark.parametrize("file", ["stdlib/8beat", "stdlib/basicrock", "stdlib/swing"])
def test_a_groove_is_recognised_by_its_other_parts(band: MmaBand, file: str) -> None:
    """A song played by MMA, its bass taken out: the groove is found, and with it the bass."""
    groove = next(each for each in band.grooves if each.file == file)
    rest = flute((4, 4), 8)
    only = MmaBand.of([groove])
    parts = [only.write(rest, name, np.random.default_rng(1)) for name in ("drums", "guitar")]
    context = rest.with_parts(tuple(part for part in parts if part.notes))
    assert band.ranked(context, "bass")[0].file == file


@pytest.mark.program("mma")
def test_the_libraries_are_listened_to_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = MmaBand.found(["alexis"], tmp_path)
    monkeypatch.setattr("benchmarks.mma_band.band._profile", lambda _: 1 / 0)
    again = MmaBand.found(["alexis"], tmp_path)
    assert again.grooves == first.grooves
    assert np.array_equal(again.profiles, first.profiles)
    assert first.profiles.any(axis=(1, 2)).all()
    with pytest.raises(OptionError, match="no groove of these libraries plays the guitar"):
        first.ranked(flute((4, 4), 4), "guitar")
