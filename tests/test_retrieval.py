"""Retrieval copies what fits: laws of likeness, of transposition, of time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.retrieval import Library, training_library
from benchmarks.retrieval.shelf import transposed
from benchmarks.retrieval.training import corpus_training, freedoom_training, load, save
from benchmarks.retrieval.traits import BEATS, WIDTHS, Hearing
from benchmarks.retrieval.unit_selection import least_path, phrase_costs, unpacked
from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo, bars
from subtractive.arrays import to_arrangement, to_arrays
from subtractive.dataset import table_of, to_row, write_shard
from subtractive.errors import InstrumentError
from subtractive.example import main_part, subtract
from subtractive.excerpts import Labels, excerpts
from subtractive.excerpts import Song as CorpusSong
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS, instrument, role


def moved(song: Arrangement, semitones: int) -> Arrangement:
    """The song with its pitched notes transposed; without chord symbols, which nobody asks."""
    return replace(
        song,
        chords=(),
        parts=tuple(
            part
            if part.is_drums
            else replace(
                part,
                notes=tuple(note._replace(pitch=note.pitch + semitones) for note in part.notes),
            )
            for part in song.parts
        ),
    )


def in_ticks(song: Arrangement, factor: int) -> Arrangement:
    """The song on a clock that is `factor` times as fine."""
    return replace(
        song,
        ticks_per_beat=song.ticks_per_beat * factor,
        chords=(),
        metres=tuple(each._replace(tick=each.tick * factor) for each in song.metres),
        parts=tuple(
            replace(
                part,
                notes=tuple(
                    note._replace(onset=note.onset * factor, duration=note.duration * factor)
                    for note in part.notes
                ),
            )
            for part in song.parts
        ),
    )


def another(song: Arrangement, seed: int) -> Arrangement:
    """A song of the same players with other notes on other 16ths."""
    rng = np.random.default_rng(seed)
    sixteenth = song.ticks_per_beat // 4
    parts = []
    for part in song.parts:
        onsets = np.sort(rng.integers(0, 128, size=60)) * sixteenth
        keys = rng.choice([36, 38, 42], size=60) if part.is_drums else rng.integers(40, 60, size=60)
        pairs = sorted(set(zip(onsets.tolist(), keys.tolist(), strict=True)))
        notes = tuple(Note(onset, sixteenth, key, 70) for onset, key in pairs)
        parts.append(replace(part, notes=notes))
    return replace(song, parts=tuple(parts), chords=())


def truth(song: Arrangement, name: str) -> Part:
    return main_part(subtract(song, Instruction(name)))


@pytest.fixture
def library(song: Arrangement) -> Library:
    songs = [(f"other{seed}", another(song, seed)) for seed in range(4)]
    return Library.of([*songs[:2], ("itself", song), *songs[2:]])


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_training_song_gets_its_own_part(
    song: Arrangement, library: Library, rng: np.random.Generator, name: str
) -> None:
    part = library.write(song.split(name)[0], name, rng)
    assert part.notes == truth(song, name).notes
    assert role(part) == name


@pytest.mark.parametrize("semitones", [-7, -2, 1, 5, 6])
@pytest.mark.parametrize("name", ["bass", "guitar"])
def test_a_transposed_context_gets_the_part_transposed(
    song: Arrangement, library: Library, rng: np.random.Generator, name: str, semitones: int
) -> None:
    own = truth(song, name).notes
    known = instrument(name)
    part = library.write(moved(song, semitones).split(name)[0], name, rng)
    assert [note.pitch % 12 for note in part.notes] == [(n.pitch + semitones) % 12 for n in own]
    assert [note[:2] for note in part.notes] == [note[:2] for note in own]
    assert all(known.lowest <= note.pitch <= known.highest for note in part.notes)


@given(semitones=st.integers(-12, 12), seed=st.integers(0, 20))
def test_the_drums_do_not_hear_a_transposition(semitones: int, seed: int) -> None:
    part = Part("Bass", 33, False, tuple(Note(12 * k * k, 12, 40 + k, 80) for k in range(12)))
    kit = Part("Drums", 0, True, tuple(Note(24 * k, 6, 36, 90) for k in range(48)))
    guitar = replace(part, program=25, name="Guitar")
    base = Arrangement(24, (part, guitar, kit))
    library = Library.of((f"{seed + k}", another(base, seed + k)) for k in range(3))
    rng = np.random.default_rng(seed)
    context = another(base, seed + 1).split("drums")[0]
    plain = library.write(context, "drums", rng)
    assert library.write(moved(context, semitones), "drums", rng) == plain


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_finer_clock_gets_the_same_music(
    song: Arrangement, library: Library, rng: np.random.Generator, name: str
) -> None:
    part = library.write(song.split(name)[0], name, rng)
    fine = library.write(in_ticks(song, 3).split(name)[0], name, rng)
    assert [(n.onset, n.duration, n.pitch) for n in fine.notes] == [
        (3 * n.onset, 3 * n.duration, n.pitch) for n in part.notes
    ]


def test_no_note_is_lost_to_a_coarse_clock(song: Arrangement, rng: np.random.Generator) -> None:
    library = Library.of([("fine", in_ticks(song, 7))])
    for name in INSTRUMENTS:
        assert len(library.write(song.split(name)[0], name, rng).notes) == len(
            truth(song, name).notes
        )


def test_an_onset_that_rounds_up_to_the_barline_stays_in_its_bar(rng: np.random.Generator) -> None:
    """7 ticks of 8 are nearer to the next 32nd of the coarse clock, which is the next bar's."""
    late = tuple(Note(k * 4000 + 3999 - 600, 1, 40, 80) for k in range(8))
    fine = Arrangement(
        1000, (Part("Bass", 33, False, late), Part("Flute", 73, False, (Note(0, 32000, 72, 80),)))
    )
    context = Arrangement(1, (Part("Flute", 73, False, (Note(0, 32, 72, 80),)),))
    part = Library.of([("fine", fine)]).write(context, "bass", rng)
    assert [note.onset for note in part.notes] == [4 * k + 3 for k in range(8)]
    assert all(note.duration == 1 for note in part.notes)


@pytest.mark.parametrize("metre", [(3, 4), (5, 4), (7, 8), (12, 8), (2, 4), (1, 16)])
def test_any_metre_is_written_within_its_bars(
    song: Arrangement, library: Library, rng: np.random.Generator, metre: tuple[int, int]
) -> None:
    odd = replace(song, metres=(Metre(0, *metre), Metre(8 * 480, 4, 4)), chords=())
    for name in INSTRUMENTS:
        context = odd.split(name)[0]
        part = library.write(context, name, rng)
        end = bars(context)[-1].end
        assert part.notes
        assert all(0 <= note.onset < end and note.end <= end for note in part.notes)


def test_bars_of_the_songs_own_length_are_preferred(
    song: Arrangement, rng: np.random.Generator
) -> None:
    waltz = replace(song, metres=(Metre(0, 3, 4),), chords=())
    library = Library.of([("common", song), ("waltz", waltz)])
    sources = library.sources(waltz.split("bass")[0], "bass")
    shelf = library.shelves["bass"]
    assert {str(shelf.names[shelf.song[bar]]) for bar, _ in sources} == {"waltz"}


def test_of_two_like_songs_the_one_in_the_tempo_is_copied(
    song: Arrangement, rng: np.random.Generator
) -> None:
    fast = replace(song, tempos=(Tempo(0, 250_000),))
    library = Library.of([("slow", song), ("fast", fast)])
    shelf = library.shelves["drums"]
    for name, asked in (("slow", song), ("fast", fast)):
        sources = library.sources(asked.split("drums")[0], "drums")
        assert {str(shelf.names[shelf.song[bar]]) for bar, _ in sources} == {name}


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (Part("Flute", 73, False, ()),),
        (Part("Flute", 73, False, (Note(0, 10, 72, 80),)),),
        (Part("Drums", 0, True, tuple(Note(k * 480, 60, 36, 90) for k in range(40))),),
    ],
)
def test_a_context_with_little_in_it_still_gets_a_part(
    library: Library, rng: np.random.Generator, parts: tuple[Part, ...]
) -> None:
    for name in INSTRUMENTS:
        context = Arrangement(480, parts)
        part = library.write(context, name, rng)
        assert all(note.end <= bars(context)[-1].end for note in part.notes)


def test_songs_left_out_are_not_copied(
    song: Arrangement, library: Library, rng: np.random.Generator
) -> None:
    context = song.split("bass")[0]
    shelf = library.shelves["bass"]
    sources = library.sources(context, "bass", without=["itself"])
    assert "itself" not in {str(shelf.names[shelf.song[bar]]) for bar, _ in sources if bar >= 0}
    with pytest.raises(InstrumentError, match="no training song plays the bass"):
        library.write(context, "bass", rng, without=[str(name) for name in shelf.names])
    with pytest.raises(InstrumentError, match="no training song"):
        Library.of([]).write(context, "bass", rng)


def test_the_same_question_has_the_same_answer(song: Arrangement, library: Library) -> None:
    context = another(song, 9).split("guitar")[0]
    answers = {library.write(context, "guitar", np.random.default_rng(s)) for s in (1, 1, 2)}
    assert len(answers) == 1


@given(
    costs=st.lists(st.lists(st.integers(0, 9), min_size=12, max_size=12), min_size=1, max_size=4),
    join=st.integers(0, 6),
)
def test_the_path_is_the_cheapest_of_all(costs: list[list[int]], join: int) -> None:
    """Against every path there is: two songs of three bars, two transpositions, phrases of one."""
    song = np.array([0, 0, 0, 1, 1, 1])
    phrases = [np.array(each, dtype=np.float32).reshape(2, 6) for each in costs]

    def price(path: list[tuple[int, int]]) -> float:
        total = sum(float(cost[state]) for cost, state in zip(phrases, path, strict=True))
        for (turn, bar), following in pairwise(path):
            goes_on = following == (turn, bar + 1) and bar not in (2, 5)
            total += 0 if goes_on else join
        return total

    found = [(int(turn), int(bar)) for turn, bar in least_path(phrases, song, 1, join)]
    states = [(turn, bar) for turn in range(2) for bar in range(6)]
    best = {state: float(phrases[0][state]) for state in states}
    for cost in phrases[1:]:
        best = {
            to: float(cost[to])
            + min(
                value + (0 if to == (turn, bar + 1) and bar not in (2, 5) else join)
                for (turn, bar), value in best.items()
            )
            for to in states
        }
    assert price(found) == min(best.values())


def test_a_passage_that_runs_over_the_end_of_its_song_is_worst_there() -> None:
    costs = (np.arange(8).reshape(2, 1, 4) / 10).astype(np.float32)
    found = phrase_costs([*costs], np.array([0, 0, 1, 1]))
    assert found[0] == pytest.approx([0.0 + 0.5, 0.1 + 1, 0.2 + 0.7, 0.3 + 1])


def test_traits_of_a_bar_written_by_hand(song: Arrangement) -> None:
    flags = unpacked(Hearing.of(to_arrays(song)).without("bass"))
    assert {name: each.shape for name, each in flags.items()} == {
        name: (8, width) for name, width in WIDTHS.items()
    }
    harmony = flags["harmony"][0].reshape(BEATS, 12)
    assert [np.flatnonzero(beat).tolist() for beat in harmony[:5]] == [
        [0, 4, 7],
        [0, 4, 7, 9],
        [0, 4, 7],
        [0, 4, 7],
        [],
    ]
    assert np.flatnonzero(flags["lowest"][0]).tolist() == [0, 12, 24, 36]
    assert not flags["bass"].any()
    assert np.flatnonzero(flags["kick"][0]).tolist() == [0, 8]
    assert np.flatnonzero(flags["snare"][0]).tolist() == [4, 12]
    assert np.flatnonzero(flags["hats"][0]).tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert np.flatnonzero(flags["guitar"][0]).tolist() == [0, 8]


@given(
    pitches=st.lists(st.integers(0, 127), min_size=1, max_size=12),
    semitones=st.integers(-5, 6),
    name=st.sampled_from(["bass", "guitar"]),
)
def test_octaves_change_and_pitch_classes_stay(
    pitches: list[int], semitones: int, name: str
) -> None:
    known = instrument(name)
    notes = [Note(place, 1, pitch, 80) for place, pitch in enumerate(pitches)]
    found = transposed(notes, semitones, name)
    assert [note.pitch % 12 for note in found] == [(p + semitones) % 12 for p in pitches]
    assert all(known.lowest <= note.pitch <= known.highest for note in found)


def test_a_note_that_folds_onto_another_is_dropped() -> None:
    chord = [Note(0, 1, pitch, 80) for pitch in (40, 52, 100)]
    assert [note.pitch for note in transposed(chord, 0, "guitar")] == [40, 52, 88]
    doubled = [Note(0, 1, pitch, 80) for pitch in (40, 52, 88, 100)]
    assert [note.pitch for note in transposed(doubled, 0, "guitar")] == [40, 52, 88]


def test_shelves_come_back_from_disk_as_they_were(
    library: Library, song: Arrangement, tmp_path: Path, rng: np.random.Generator
) -> None:
    save(tmp_path / "shelves.npz", library.shelves)
    again = Library(load(tmp_path / "shelves.npz"))
    context = another(song, 9).split("bass")[0]
    assert again.write(context, "bass", rng) == library.write(context, "bass", rng)


def test_a_corpus_gives_as_many_excerpts_as_asked_for(song: Arrangement, tmp_path: Path) -> None:
    kept = [
        excerpt
        for seed in range(5)
        for excerpt in excerpts(
            CorpusSong(f"{seed}", "g", to_arrays(another(song, seed)), Labels("folder"))
        )
    ]
    (tmp_path / "train").mkdir()
    write_shard(tmp_path / "train" / "00000.parquet", table_of(to_row(each, "g") for each in kept))
    found = list(corpus_training(tmp_path, 3))
    assert len(found) == 3
    assert [name for name, _ in found] == [name for name, _ in corpus_training(tmp_path, 3)]
    whole = dict(corpus_training(tmp_path, 99))
    assert [to_arrangement(each).parts for each in whole.values()] == [
        excerpt.arrangement.parts for excerpt in kept
    ]


@pytest.mark.data
def test_songs_of_freedoom_are_shelved_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    first = training_library(data, cache_at=tmp_path)
    monkeypatch.setattr("benchmarks.retrieval.training.freedoom_training", lambda _: 1 / 0)
    again = training_library(data, cache_at=tmp_path)
    assert [len(shelf) for shelf in again.shelves.values()] == [
        len(shelf) for shelf in first.shelves.values()
    ]
    monkeypatch.undo()
    name, music = next(freedoom_training(data))
    assert name.startswith("freedoom/")
    context = to_arrangement(music).split("drums")[0]
    own = truth(to_arrangement(music), "drums")
    assert again.write(context, "drums", rng).notes == tuple(
        sorted(own.notes, key=lambda n: n[::2])
    )
