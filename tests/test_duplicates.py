"""What counts as the same music: laws of the fingerprint, and of the groups made by it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.duplicates import copied, shared_notes
from subtractive.arrangement import Tempo
from subtractive.arrays import NOTE, ArrayPart, ArraySong
from subtractive.duplicates import SAME, group_name, groups, likeness, sketch
from subtractive.files.midi_arrays import read_midi_arrays

BEAT = 480


def melody(seed: int, notes: int = 400, low: int = 48, program: int = 0) -> ArrayPart:
    """A random walk over two octaves in quarters, eighths and sixteenths, chords here and there."""
    rng = np.random.default_rng(seed)
    table = np.zeros(notes, dtype=NOTE)
    table["onset"] = np.cumsum(rng.choice([0, BEAT // 4, BEAT // 2, BEAT], notes))
    table["pitch"] = low + rng.integers(0, 24, notes)
    table["duration"], table["velocity"] = BEAT // 4, 90
    return ArrayPart("part", program, False, table[np.lexsort((table["pitch"], table["onset"]))])


def drums(seed: int, notes: int = 300) -> ArrayPart:
    """Strokes of a drummer who never repeats a bar."""
    rng = np.random.default_rng(seed)
    table = np.zeros(notes, dtype=NOTE)
    table["onset"] = np.cumsum(rng.choice([BEAT // 4, BEAT // 2], notes))
    table["pitch"] = rng.choice([36, 38, 42, 46], notes)
    table["duration"], table["velocity"] = 60, 100
    return ArrayPart("kit", 0, True, table)


def song(*seeds: int) -> ArraySong:
    return ArraySong(BEAT, (drums(0), *(melody(seed) for seed in seeds)))


def moved(music: ArraySong, semitones: int = 0, times: int = 1, ticks: int = BEAT) -> ArraySong:
    """Transpose all but the drums, multiply all times, and call the ticks otherwise."""

    def of_part(part: ArrayPart) -> ArrayPart:
        notes = part.notes.copy()
        notes["onset"] *= times
        notes["duration"] *= times
        notes["pitch"] += 0 if part.is_drums else semitones % 256
        return replace(part, notes=notes)

    parts = tuple(of_part(part) for part in music.parts)
    return replace(music, parts=parts, ticks_per_beat=ticks)


@given(st.integers(0, 9999), st.integers(-24, 24), st.integers(1, 7), st.sampled_from((96, 480)))
@settings(max_examples=50)
def test_neither_key_nor_ticks_nor_note_values_count(
    seed: int, semitones: int, times: int, ticks: int
) -> None:
    music = song(seed)
    # uint8 wraps, so semitones below 0 are added as 256 less them
    assert sketch(moved(music, semitones, times, ticks)) == sketch(music)
    alone = replace(music, parts=(drums(seed),))
    assert sketch(moved(alone, semitones, times, ticks)) == sketch(alone)


def test_neither_instruments_nor_their_order_nor_tempo_nor_doubles_count() -> None:
    music = song(1, 2)
    others = tuple(replace(part, program=81, name="x") for part in music.parts[::-1])
    changed = ArraySong(BEAT, (*others, music.parts[1]), (Tempo(0, 300_000),))
    assert sketch(changed) == sketch(music)


def test_drums_count_only_where_they_play_alone() -> None:
    music = song(1)
    assert sketch(replace(music, parts=music.parts[1:])) == sketch(music)
    alone = [ArraySong(BEAT, (drums(seed),)) for seed in (1, 2, 1)]
    assert groups([sketch(each) for each in alone]) == [0, 1, 0]


def test_a_fingerprint_is_these_bytes_on_every_machine() -> None:
    # integers alone decide: a change here would rename every group of every corpus
    table = np.zeros(40, dtype=NOTE)
    table["onset"] = np.cumsum([BEAT // (1 + place * place % 5) for place in range(40)])
    table["pitch"] = [40 + place * place % 23 for place in range(40)]
    own = sketch(ArraySong(BEAT, (ArrayPart("", 0, False, table),)))
    assert len(own) == 31
    assert hashlib.sha256(b"".join(sorted(own))).hexdigest()[:16] == "2731a75e579fd07b"


def test_the_share_of_common_music_is_the_likeness() -> None:
    both, one, other = (sketch(song(*seeds)) for seeds in ((1, 2), (1, 3), (4, 5)))
    assert likeness(both, both) == 1
    assert likeness(both, sketch(song(1))) > 0.9
    assert likeness(both, one) == likeness(one, both) == pytest.approx(0.5, abs=0.1)
    assert likeness(both, other) == 0


def test_short_songs_are_found_in_long_ones_whose_fingerprints_are_thinned() -> None:
    short, long = sketch(song(1)), sketch(song(1, 2, 3, 4))
    tiny = sketch(ArraySong(BEAT, (replace(melody(1), notes=melody(1).notes[:150]),)))
    assert likeness(short, long) > 0.9
    assert likeness(tiny, long) > 0.8


def test_copies_of_copies_are_one_group_and_other_songs_are_not() -> None:
    sketches = [sketch(each) for each in (song(9), song(1, 2), song(2, 3), song(8), song(3))]
    assert groups(sketches) == [0, 1, 1, 3, 1]
    assert groups([]) == []
    assert groups([frozenset()] * 3) == [0, 1, 2]


@given(st.lists(st.integers(0, 3), max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_groups_do_not_hang_on_the_order_of_songs(
    seeds: list[int], random: np.random.Generator
) -> None:
    sketches = [sketch(song(seed)) for seed in seeds]
    found = groups(sketches)
    assert found == [seeds.index(seed) for seed in seeds]
    shuffled = list(range(len(seeds)))
    random.shuffle(shuffled)
    again = groups([sketches[place] for place in shuffled])
    for (a, here), (b, there) in combinations(zip(shuffled, again, strict=True), 2):
        assert (here == there) == (found[a] == found[b])


def bass_line(jumps: Sequence[int]) -> ArraySong:
    table = np.zeros(64, dtype=NOTE)
    table["onset"] = np.arange(64) * BEAT // 2
    table["pitch"] = 40 + np.repeat(jumps, 64 // len(jumps))
    return ArraySong(BEAT, (ArrayPart("Bass", 33, False, table),))


def test_what_everybody_plays_is_nobodys_fingerprint() -> None:
    for jumps in ((0,), (0, 5), (0, 5, 7, 5), (0, 4, 7, 4) * 4):
        assert sketch(bass_line(jumps)) == frozenset()
    beat = drums(1)
    beat.notes["onset"] = np.arange(len(beat.notes)) * BEAT
    beat.notes["pitch"] = [36, 38] * (len(beat.notes) // 2)
    assert sketch(ArraySong(BEAT, (beat,))) == frozenset()
    assert sketch(ArraySong(BEAT, ())) == frozenset()


def test_the_name_of_a_group_hangs_on_its_music_alone() -> None:
    group = [sketch(song(1, 2)), sketch(song(2, 3)), sketch(song(2))]
    name = group_name(group)
    assert len(name) == 16
    assert group_name(group[::-1]) == name
    assert group_name([sketch(moved(song(1, 2), 5, 2)), *group[1:]]) == name
    assert all(bytes.fromhex(name) in each for each in group)
    assert group_name([sketch(song(7))]) != name
    assert group_name([frozenset()]) == ""


@given(st.integers(0, 9999))
@settings(max_examples=25)
def test_copies_that_lost_notes_are_found(seed: int) -> None:
    music = song(seed, seed + 1)
    copy = copied(music, np.random.default_rng(seed))
    assert likeness(sketch(copy), sketch(music)) > SAME
    assert shared_notes(copy, music) > 0.7
    assert likeness(sketch(copy), sketch(song(seed + 2))) == 0


@pytest.mark.data
def test_songs_known_to_be_the_same_are_found_and_few_others(data: Path) -> None:
    with (data / "freedoom" / "index.csv").open(newline="", encoding="utf-8") as index:
        rows = list(csv.DictReader(index))[::2]
    # the index misses these: they were compared note by note
    more = {"2eef89cd_d_dm05.mid": "dm05", "3079c63b_d_dm05.mid": "dm05"}
    more |= {"d_dm14.mid": "dm06", "25b7c763_d_dm06.mid": "dm06"}
    known = {
        path: more.get(path.name, row["group"])
        for row in rows
        for path in [data / "freedoom" / row["path"]]
    }
    for path in (data / "freedoom").rglob("*.mid"):
        if path.name in more:
            known[path] = more[path.name]
    found = groups([sketch(read_midi_arrays(path.read_bytes())) for path in known])
    names = list(known.values())
    together = {(a, b) for a, b in combinations(range(len(names)), 2) if found[a] == found[b]}
    same = {(a, b) for a, b in combinations(range(len(names)), 2) if names[a] == names[b]}
    assert len(same) >= 3
    assert same <= together
    assert len(together - same) <= 8
