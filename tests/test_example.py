"""The law, for notes: add(subtract(mix, instruction)) == mix."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Arrangement, Note, Part, order
from subtractive.errors import InstrumentError
from subtractive.example import add, main_part, subtract
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS, roles
from tests.test_arrangement import arrangements

instructions = st.builds(Instruction, st.sampled_from(INSTRUMENTS), st.none() | st.integers(0, 127))


@settings(deadline=None)
@given(arrangements(), instructions)
def test_what_is_subtracted_and_added_is_the_mix(
    mix: Arrangement, instruction: Instruction
) -> None:
    assert add(subtract(mix, instruction)) == mix


@settings(max_examples=40, deadline=None)
@given(arrangements(), instructions)
def test_the_context_keeps_the_order_of_its_parts(
    mix: Arrangement, instruction: Instruction
) -> None:
    example = subtract(mix, instruction)
    found = roles(mix.parts)
    others = [
        part for part, role in zip(mix.parts, found, strict=True) if role != instruction.instrument
    ]
    assert list(example.context.parts) == others
    assert len(example.target) == found.count(instruction.instrument)
    assert example.instruction is instruction


@settings(max_examples=40, deadline=None)
@given(arrangements(), st.permutations(INSTRUMENTS))
def test_instruments_are_put_back_one_after_the_other(mix: Arrangement, names: list[str]) -> None:
    examples = []
    context = mix
    for name in names:
        examples.append(subtract(context, Instruction(name)))
        context = examples[-1].context
    for example in examples[::-1]:
        assert example.context == context
        context = add(example)
    assert context == mix


@settings(max_examples=40, deadline=None)
@given(arrangements(), st.sampled_from(INSTRUMENTS), st.integers(-12, 12))
def test_transposing_commutes_with_subtracting(mix: Arrangement, name: str, by: int) -> None:
    def moved(song: Arrangement) -> Arrangement:
        return song.with_parts(tuple(transposed(part, by) for part in song.parts))

    instruction = Instruction(name)
    assert subtract(moved(mix), instruction).context == moved(subtract(mix, instruction).context)


def transposed(part: Part, semitones: int) -> Part:
    """All notes moved; drums stay."""
    if part.is_drums:
        return part
    notes = tuple(note._replace(pitch=note.pitch + semitones) for note in part.notes)
    return Part(part.name, part.program, part.is_drums, notes, part.origin, part.sung)


@pytest.mark.parametrize("name", ["banjo", "Bass", ""])
def test_an_unknown_instrument_is_refused(song: Arrangement, name: str) -> None:
    with pytest.raises(InstrumentError, match="drums, bass, guitar"):
        subtract(song, Instruction(name))


def test_nobody_plays_it_so_nothing_is_taken(song: Arrangement) -> None:
    drummer = song.with_parts(song.parts[3:])
    example = subtract(drummer, Instruction("bass"))
    assert example.target == ()
    assert example.context == drummer
    with pytest.raises(InstrumentError, match="bass"):
        main_part(example)


def test_of_several_basses_the_busiest_stands_for_all(song: Arrangement) -> None:
    bass = song.parts[2]
    doubled = song.with_parts((Part("Bass 2", 38, False, bass.notes[:5]), *song.parts))
    example = subtract(doubled, Instruction("bass"))
    assert [placed.place for placed in example.target] == [0, 3]
    assert main_part(example) == bass


@settings(max_examples=40, deadline=None)
@given(arrangements())
def test_the_drums_of_all_tracks_are_one_kit(mix: Arrangement) -> None:
    kits = [part for part in mix.parts if part.is_drums]
    if not kits:
        return
    kit = main_part(subtract(mix, Instruction("drums")))
    assert kit.is_drums
    assert set(kit.notes) == {note for part in kits for note in part.notes}
    assert list(kit.notes) == sorted(kit.notes, key=order)


def test_a_stroke_written_on_two_tracks_is_one_stroke() -> None:
    kick = Part("Kick", 0, True, (Note(0, 60, 36, 100),))
    mix = Arrangement(480, (kick, kick))
    assert main_part(subtract(mix, Instruction("drums"))).notes == kick.notes
