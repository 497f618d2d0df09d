"""What counts as copied: laws of moves, of finding them by hashes, against a plain search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics import novelty as metric
from benchmarks.repertoires import Lessons
from subtractive.arrays import NOTE, Notes
from subtractive.errors import InstrumentError
from subtractive.instruments import INSTRUMENTS
from subtractive.novelty import (
    END,
    LENGTHS,
    Bools,
    HashSet,
    Moves,
    Passages,
    longest_bound,
    moves_of,
)
from subtractive.repertoire import Repertoire

BEAT = 480
C, E, G, KICK, SNARE, HAT = 60, 64, 67, 36, 38, 42


def notes(*told: tuple[float, int]) -> Notes:
    """Notes at beats."""
    return np.array([(round(beat * BEAT), 60, pitch, 90) for beat, pitch in told], dtype=NOTE)


def walk(rng: np.random.Generator, count: int, steps: Sequence[int] = (3, 6, 12)) -> Notes:
    """A melody of random steps, in 12ths of a beat, without chords."""
    table = np.zeros(count, dtype=NOTE)
    table["onset"] = np.cumsum(rng.choice(steps, count)) * (BEAT // 12)
    table["pitch"] = rng.integers(40, 80, count)
    table["duration"], table["velocity"] = 60, 90
    return table


def moves(part: Notes, instrument: str = "bass") -> Moves:
    return moves_of(part, BEAT, instrument)


def lessons(*parts: Moves, instrument: str = "bass", songs: Sequence[int] = ()) -> Lessons:
    """What a writer heard: some parts of one instrument, each of its own song."""
    owners = list(songs or range(len(parts)))
    return Lessons(
        {name: parts if name == instrument else () for name in INSTRUMENTS},
        {name: owners if name == instrument else () for name in INSTRUMENTS},
        [f"song {number}" for number in range(max(owners, default=-1) + 1)],
        [{"name": "own"}],
    )


def repertoire(*parts: Moves, instrument: str = "bass", songs: Sequence[int] = ()) -> Repertoire:
    """The index of what a writer heard."""
    return lessons(*parts, instrument=instrument, songs=songs).repertoire("mine")


def passages(part: Moves, length: int, *, is_drums: bool) -> list[tuple[int, ...]]:
    """Each `length` notes in a row, by the definition: their moves, and of drums the last kind."""
    return [
        (*part[at : at + length - 1].tolist(), int(part[at + length - 1]) >> 8 if is_drums else 0)
        for at in range(len(part) - length + 1)
    ]


def plainly_copied(
    part: Moves, parts: Sequence[Moves], length: int, *, is_drums: bool
) -> list[bool]:
    """Which passages are copied, by looking each up in a set."""
    known = {each for own in parts for each in passages(own, length, is_drums=is_drums)}
    return [each in known for each in passages(part, length, is_drums=is_drums)]


def plainly_longest(part: Moves, parts: Sequence[Moves], *, is_drums: bool) -> int:
    """How many notes in a row are copied, by trying all lengths."""
    lengths = range(LENGTHS[0], len(part) + 1)
    held = (n for n in lengths if any(plainly_copied(part, parts, n, is_drums=is_drums)))
    return max(held, default=0)


# parts that are much alike, so that long copies happen by chance
pitched_parts = st.lists(st.sampled_from([0x0382, 0x0680, 0x067E]), max_size=30).map(
    lambda own: np.array([*own, END], dtype=np.uint16)
)
drum_parts = st.lists(
    st.sampled_from([0x0003, 0x0103, 0x0306, 0x03FF]), min_size=1, max_size=30
).map(lambda own: np.array(own, dtype=np.uint16))
melodies = st.lists(
    st.tuples(st.integers(0, 60), st.integers(30, 90)), min_size=1, max_size=40
).map(lambda told: notes(*((place / 12, pitch) for place, pitch in told)))


def test_moves_are_steps_and_intervals_with_chords_from_low_to_high() -> None:
    part = notes((0, G), (0, C), (0, E), (1, C), (2.5, C + 1))
    expected = [0 << 8 | 132, 0 << 8 | 131, 12 << 8 | 121, 18 << 8 | 129, END]
    assert moves(part).tolist() == expected


def test_moves_of_drums_are_kinds_and_steps() -> None:
    part = notes((0, HAT), (0, KICK), (0.5, HAT), (1, SNARE))
    assert moves(part, "drums").tolist() == [0 << 8, 3 << 8 | 6, 3 << 8 | 6, 1 << 8 | 255]


def test_a_long_rest_is_a_rest() -> None:
    one, other = (moves(notes((0, C), (beats, E), (beats + 1, C))) for beats in (30, 300))
    assert one.tolist() == other.tolist()


@given(melodies, st.integers(-30, 30), st.sampled_from([96, 120, 384, 960]), st.data())
def test_key_ticks_tempo_velocity_durations_and_order_do_not_count(
    part: Notes, semitones: int, ticks: int, data: st.DataObject
) -> None:
    other = part[data.draw(st.permutations(range(len(part))))]
    other["onset"] = other["onset"] // (BEAT // 12) * (ticks // 12) + 2 * ticks
    other["pitch"] = other["pitch"].astype(int) + semitones
    other["velocity"], other["duration"] = 5, 1
    assert moves_of(other, ticks, "guitar").tolist() == moves(part, "guitar").tolist()


@given(melodies)
def test_human_timing_within_half_a_twelfth_does_not_count(part: Notes) -> None:
    late = part.copy()
    late["onset"] += BEAT // 24 - 1
    assert moves(late).tolist() == moves(part).tolist()


def test_drums_are_never_transposed() -> None:
    part = notes(*((beat / 2, (KICK, HAT, SNARE, HAT)[beat % 4]) for beat in range(16)))
    higher = part.copy()
    higher["pitch"] += 5
    own = repertoire(moves(part, "drums"), instrument="drums")
    assert metric.evaluate(part, BEAT, own, "drums")["copied_8"] == 1
    assert metric.evaluate(higher, BEAT, own, "drums")["copied_4"] == 0


def test_another_key_of_the_same_drum_is_the_same_drum() -> None:
    acoustic, electric = (notes((0, kick), (1, snare)) for kick, snare in ((35, 38), (36, 40)))
    assert moves(acoustic, "drums").tolist() == moves(electric, "drums").tolist()


@pytest.mark.parametrize(("instrument", "kind"), [("bass", pitched_parts), ("drums", drum_parts)])
def test_no_copy_is_missed_and_the_bound_is_no_less_than_the_longest(
    instrument: str, kind: st.SearchStrategy[Moves]
) -> None:
    is_drums = instrument == "drums"

    @given(st.lists(kind, max_size=5), kind)
    def holds(parts: list[Moves], part: Moves) -> None:
        found = repertoire(*parts, instrument=instrument).of(instrument).copied(part)
        for length in LENGTHS:
            there = plainly_copied(part, parts, length, is_drums=is_drums)
            assert len(found[length]) == len(there)
            assert all(said for said, known in zip(found[length], there, strict=True) if known)
        exact = plainly_longest(part, parts, is_drums=is_drums)
        training = lessons(*parts, instrument=instrument).passages(instrument)
        assert metric.longest_run(part, training, instrument) == exact
        assert exact <= longest_bound(found) <= len(part)

    holds()


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_training_parts_are_found_whole_in_any_key(
    instrument: str, rng: np.random.Generator
) -> None:
    parts = [walk(rng, int(count)) for count in rng.integers(16, 300, 20)]
    heard = lessons(*(moves(part, instrument) for part in parts), instrument=instrument)
    own, training = heard.repertoire(), heard.passages(instrument)
    for part in parts:
        moved = part.copy()
        moved["pitch"] += 0 if instrument == "drums" else 7
        scores = metric.evaluate(moved, BEAT, own, instrument)
        assert [scores[f"copied_{length}"] for length in LENGTHS] == [1, 1, 1]
        count = len(moves(part, instrument))
        assert scores["longest_copied_run"] == count
        assert metric.exact_longest_run(moved, BEAT, training, instrument) == count


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_a_set_of_hashes_misses_none_and_is_wrong_as_seldom_as_stated(
    bits: int, rng: np.random.Generator
) -> None:
    own, others = (rng.integers(0, 2**64, count, dtype=np.uint64) for count in (20_000, 200_000))
    known = HashSet.of(own, bits)
    assert known.holds(own).all()
    rate, stated = float(known.holds(others).mean()), 2.0**-bits
    assert rate < stated + 5 * np.sqrt(stated / len(others))
    assert rate > stated / 2  # no bits are wasted


@pytest.mark.parametrize("length", [2, 5, 8, 17, 63, 150])
@pytest.mark.parametrize("instrument", ["bass", "drums"])
def test_the_longest_run_of_a_splice_is_what_was_spliced(
    length: int, instrument: str, rng: np.random.Generator
) -> None:
    trained = moves(walk(rng, 400), instrument)
    # the training parts know no step of 7 or 8 twelfths, so nothing else is copied
    around = moves(walk(rng, 100, steps=(7, 8)), instrument)
    piece = trained[100 : 100 + length - 1]
    if instrument == "drums":  # the last kind with a foreign step behind it
        piece = np.append(piece, trained[99 + length] & 0xFF00 | 7)
    part = np.concatenate([around[:50], piece, around[50:]]).astype(np.uint16)
    heard = lessons(trained, instrument=instrument)
    exact = metric.longest_run(part, heard.passages(instrument), instrument)
    assert exact == (length if length >= 4 else 0)
    found = heard.repertoire().of(instrument).copied(part)
    # two foreign passages at either end may be taken for known ones, hardly more
    assert exact <= longest_bound(found) <= max(exact + 4, 5)
    assert all(found[each][50 : 50 + length - each + 1].all() for each in LENGTHS)


def test_pieces_that_overlap_far_raise_the_bound_alone(rng: np.random.Generator) -> None:
    whole = moves(walk(rng, 300))
    one = np.append(whole[:170], END).astype(np.uint16)  # notes 0 to 170
    other = whole[100:]  # notes 100 to 299
    heard = lessons(one, other)
    assert longest_bound(heard.repertoire().of("bass").copied(whole)) == 300
    assert metric.longest_run(whole, heard.passages("bass"), "bass") == 200


def test_runs_are_told_by_the_longest_passages_that_are_known() -> None:
    def hits(*told: int) -> Mapping[int, Bools]:
        found = {length: np.zeros(41 - length, dtype=np.bool_) for length in LENGTHS}
        for length, count in zip(LENGTHS, told, strict=True):
            found[length][3 : 3 + count] = True
        return found

    assert [longest_bound(hits(*told)) for told in ((0, 0, 0), (1, 0, 0), (4, 0, 0))] == [0, 4, 7]
    assert longest_bound(hits(9, 0, 0)) == 7  # with 8 notes in a row a passage of 8 were known
    assert longest_bound(hits(9, 2, 0)) == 9
    assert longest_bound(hits(20, 12, 0)) == 15
    assert longest_bound(hits(20, 16, 5)) == 20
    assert longest_bound({}) == 0


@pytest.mark.parametrize("instrument", INSTRUMENTS)
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7, 8, 15, 16])
def test_a_part_with_too_few_notes_has_copied_nothing(
    count: int, instrument: str, rng: np.random.Generator
) -> None:
    part = notes(*((beat, KICK) for beat in range(count)))
    itself = lessons(moves(part, instrument), instrument=instrument)
    other = lessons(moves(walk(rng, 50), instrument), instrument=instrument)
    for heard in (lessons(), itself, other):
        scores = metric.evaluate(part, BEAT, heard.repertoire(), instrument)
        for length in LENGTHS:
            known = heard is itself and count >= length
            assert scores[f"copied_{length}"] == known or heard is other
        assert scores["longest_copied_run"] <= (count if count >= 4 else 0)
        run = metric.exact_longest_run(part, BEAT, heard.passages(instrument), instrument)
        assert run <= scores["longest_copied_run"]
        near = metric.nearest(part, BEAT, heard.repertoire(), instrument)
        assert near is None or count >= 8


def test_notes_that_make_no_sense_are_refused() -> None:
    own = repertoire()
    with pytest.raises(ValueError, match="cut the part first"):
        metric.evaluate(notes((-1, C)), BEAT, own, "bass")
    with pytest.raises(ValueError, match="ticks"):
        metric.evaluate(notes((0, C)), 0, own, "bass")
    with pytest.raises(ValueError, match="notes_array"):
        metric.evaluate(np.zeros(3, dtype=[("onset", "<i8")]), BEAT, own, "bass")
    with pytest.raises(InstrumentError, match="kazoo"):
        metric.evaluate(notes((0, C)), BEAT, own, "kazoo")


def test_every_metric_has_its_measure() -> None:
    scores = metric.evaluate(notes((0, C)), BEAT, repertoire(), "bass")
    assert [measure.name for measure in metric.MEASURES] == list(scores)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_an_excerpt_names_its_song(instrument: str, rng: np.random.Generator) -> None:
    parts = [moves(walk(rng, 300), instrument) for _ in range(40)]
    songs = [number // 2 for number in range(40)]
    own = repertoire(*parts, instrument=instrument, songs=songs)
    for number, part in enumerate(parts):
        near = own.nearest(part[100:250], instrument)
        assert near is not None
        assert (near.song, near.shared) == (f"song {number // 2}", near.total)
        assert 4 <= near.total <= 40  # about one in 8 of 143 passages


def test_of_songs_that_hold_as_much_the_first_is_named(rng: np.random.Generator) -> None:
    part = moves(walk(rng, 200))
    near = repertoire(moves(walk(rng, 200)), part, part).nearest(part, "bass")
    assert near is not None
    assert near.song == "song 1"
    assert repertoire(part).nearest(moves(walk(rng, 200, steps=(7, 8))), "bass") is None


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 12), st.booleans())
def test_passages_have_one_hash_if_they_are_the_same(
    told: list[int], length: int, is_drums: bool
) -> None:
    part = np.array([each << 7 for each in told], dtype=np.uint16)  # kinds and steps
    hashes = Passages([part], is_drums=is_drums).of(length).tolist()
    plain = passages(part, length, is_drums=is_drums)
    assert [hashes.index(each) for each in hashes] == [plain.index(each) for each in plain]


@given(st.lists(pitched_parts, max_size=6), st.integers(1, 12))
def test_no_passage_reaches_into_another_part(parts: list[Moves], length: int) -> None:
    alone = [Passages([part], is_drums=False).of(length).tolist() for part in parts]
    together = Passages(parts, is_drums=False)
    assert together.of(length).tolist() == [each for own in alone for each in own]
    owners = together.part[together.places(length)].tolist()
    assert owners == [number for number, own in enumerate(alone) for _ in own]
