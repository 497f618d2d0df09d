"""The floors play what their rules say, in any metre and on any clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.baselines import Donor, random_pairing, rule_based, silence
from benchmarks.metrics import form, harmony, rhythm
from benchmarks.metrics.grid import Surroundings
from benchmarks.metrics.played import Played
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, bars
from subtractive.instruments import INSTRUMENTS, instrument, role


def without(song: Arrangement, name: str) -> Arrangement:
    return song.split(name)[0]


def silent(beat: int, numerator: int, denominator: int, count: int = 2) -> Arrangement:
    """Return bars without notes."""
    length = beat * 4 * numerator // denominator
    lines = tuple(range(0, (count + 1) * length, length))
    return Arrangement(beat, (), metres=(Metre(0, numerator, denominator),), barlines=lines)


def onsets(part: Part, *keys: int) -> list[int]:
    return [note.onset for note in part.notes if note.pitch in keys]


def test_rules_write_the_instrument_asked_for_in_its_range(
    song: Arrangement, rng: np.random.Generator
) -> None:
    for name in INSTRUMENTS:
        part = rule_based(without(song, name), name, rng, ())
        known = instrument(name)
        assert role(part) == name
        assert part.notes == tuple(sorted(part.notes, key=lambda note: (note.onset, note.pitch)))
        assert all(known.lowest <= note.pitch <= known.highest for note in part.notes)
        assert part.end <= bars(song)[-1].end


def test_rule_bass_plays_the_root_on_every_kick(
    song: Arrangement, rng: np.random.Generator
) -> None:
    context = without(song, "bass")
    bass = rule_based(context, "bass", rng, ())
    played = Played.of(bass, Surroundings.of(context))
    assert rhythm.bass_kick_f1(played) == 1
    assert {note.pitch % 12 for note in bass.notes} == {0, 7}
    # in the bars of G7 guitar and melody leave the root to the bass
    assert harmony.chord_tone_rate(played) == 0.5


def test_rule_bass_without_a_kick_plays_half_bars(
    song: Arrangement, rng: np.random.Generator
) -> None:
    context = without(without(song, "bass"), "drums")
    bass = rule_based(context, "bass", rng, ())
    half = 2 * context.ticks_per_beat
    assert [note.onset for note in bass.notes] == list(range(0, 16 * half, half))


def test_rules_keep_silent_through_no_chord(song: Arrangement, rng: np.random.Generator) -> None:
    bar = 4 * song.ticks_per_beat
    rest = ChordSymbol(2 * bar, "N.C.", None, (), None)
    context = replace(without(song, "guitar"), chords=(song.chords[0], rest, song.chords[3]))
    guitar = rule_based(context, "guitar", rng, ())
    begin = {note.onset // bar for note in guitar.notes}
    assert begin == {0, 1, 6, 7}


def test_rule_guitar_strums_whole_chords(song: Arrangement, rng: np.random.Generator) -> None:
    guitar = rule_based(without(song, "guitar"), "guitar", rng, ())
    first = [note.pitch for note in guitar.notes if note.onset == 0]
    assert first == [48, 52, 55]
    assert len({note.onset for note in guitar.notes}) == 32


@pytest.mark.parametrize(
    ("numerator", "denominator", "kicks", "snares"),
    [
        (4, 4, [0, 2], [1, 3]),
        (3, 4, [0], [1, 2]),
        (2, 4, [0], [1]),
        (5, 4, [0, 2, 4], [1, 3]),
        (2, 2, [0, 2], [1, 3]),
        (6, 8, [0], [1.5]),
        (12, 8, [0, 3], [1.5, 4.5]),
        (9, 8, [0], [1.5, 3]),
    ],
)
def test_rock_beat_in_many_metres(
    numerator: int,
    denominator: int,
    kicks: list[float],
    snares: list[float],
    rng: np.random.Generator,
) -> None:
    beat = 24
    context = silent(beat, numerator, denominator, count=1)
    drums = rule_based(context, "drums", rng, ())
    assert onsets(drums, 36) == [int(at * beat) for at in kicks]
    assert onsets(drums, 38) == [int(at * beat) for at in snares]
    assert onsets(drums, 42) == list(range(0, context.end, beat // 2))


def test_silence_is_a_part_without_notes(song: Arrangement, rng: np.random.Generator) -> None:
    for name in INSTRUMENTS:
        part = silence(without(song, name), name, rng, ())
        assert part.notes == ()
        assert role(part) == name


def donor_of(beat: int, count: int) -> Donor:
    """Return a donor whose bar k holds one note of pitch 40 + k on its second beat."""
    context = silent(beat, 4, 4, count)
    notes = tuple(Note((4 * k + 1) * beat, beat, 40 + k, 80) for k in range(count))
    return Donor("other", Part("Bass", 33, False, notes), bars(context), beat)


def test_random_pairing_maps_bar_on_bar_and_starts_again(rng: np.random.Generator) -> None:
    context = silent(480, 3, 4, count=5)
    part = random_pairing(context, "bass", rng, [donor_of(beat=96, count=3)])
    expected = [((3 * bar + 1) * 480, 480, 40 + bar % 3) for bar in range(5)]
    assert [(note.onset, note.duration, note.pitch) for note in part.notes] == expected


def test_random_pairing_leaves_out_what_a_shorter_bar_has_no_room_for(
    rng: np.random.Generator,
) -> None:
    part = random_pairing(silent(480, 1, 4), "bass", rng, [donor_of(beat=96, count=3)])
    assert part.notes == ()


def test_random_pairing_with_the_song_itself_gives_the_song(
    song: Arrangement, rng: np.random.Generator
) -> None:
    for name in INSTRUMENTS:
        truth = next(part for part in song.parts if role(part) == name)
        donor = Donor("same", truth, bars(song), song.ticks_per_beat)
        part = random_pairing(without(song, name), name, rng, [donor])
        assert sorted(part.notes) == sorted(truth.notes)
        assert form.out_of_range(Played.of(truth, Surroundings.of(song)), name) == 0


def test_random_pairing_depends_on_the_seed_alone(song: Arrangement) -> None:
    pool = [donor_of(beat=96, count=count) for count in range(1, 9)]
    parts = [random_pairing(song, "bass", np.random.default_rng(seed), pool) for seed in range(9)]
    assert parts[3] == random_pairing(song, "bass", np.random.default_rng(3), pool)
    assert len({part.notes for part in parts}) > 3
    with pytest.raises(ValueError, match="pool is empty"):
        random_pairing(song, "bass", np.random.default_rng(0), [])
