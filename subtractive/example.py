"""The idea of the whole product: take one instrument out, learn to put it back.

The law, for notes and for sound alike::

    add(subtract(mix, instruction)) == mix
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

from subtractive.arrangement import Arrangement, Part, PlacedPart, order
from subtractive.errors import InstrumentError
from subtractive.instruction import Instruction
from subtractive.instruments import instrument as known_instrument

if TYPE_CHECKING:
    from subtractive.waveform import AudioMix, PlacedStem

StemT = TypeVar("StemT")


class Mix(Protocol[StemT]):
    """Complete music, of notes or of sound, from which an instrument can be taken.

    `join` undoes `split`: ``context.join(stems) == mix`` for ``context, stems = mix.split(name)``.
    A stem knows its place, so that the order of the parts comes back too.
    """

    def split(self, instrument: str) -> tuple[Self, tuple[StemT, ...]]:
        """Return the mix without `instrument`, and the stems that were taken out."""

    def join(self, stems: tuple[StemT, ...]) -> Self:
        """Return the mix with `stems` put in at their places."""


MixT = TypeVar("MixT", bound=Mix)  # type: ignore[type-arg]  # a bound cannot be generic itself


@dataclass(frozen=True, slots=True)
class SubtractiveExample(Generic[MixT, StemT]):
    """One lesson: the context that is given, the target to write, and the words for it."""

    context: MixT
    target: tuple[StemT, ...]
    instruction: Instruction


@overload
def subtract(
    mix: Arrangement, instruction: Instruction
) -> SubtractiveExample[Arrangement, PlacedPart]: ...
@overload
def subtract(
    mix: AudioMix, instruction: Instruction
) -> SubtractiveExample[AudioMix, PlacedStem]: ...
def subtract(mix: Arrangement | AudioMix, instruction: Instruction) -> SubtractiveExample[Any, Any]:
    """Take the instruction's instrument out of `mix`.

    Parameters
    ----------
    mix : Arrangement or AudioMix
    instruction : Instruction

    Returns
    -------
    SubtractiveExample
        `target` is empty if nobody plays the instrument.

    Raises
    ------
    InstrumentError
        If the instrument is unknown.
    """
    known_instrument(instruction.instrument)
    context, target = mix.split(instruction.instrument)
    return SubtractiveExample(context, target, instruction)


def add(example: SubtractiveExample[MixT, StemT]) -> MixT:
    """Put the target back: the inverse of `subtract`."""
    joined: MixT = example.context.join(example.target)
    return joined


def main_part(example: SubtractiveExample[Arrangement, PlacedPart]) -> Part:
    """Return the one part that stands for the target: what a model learns and is measured against.

    Drums are merged, since files spread one kit over several tracks. Of several basses or guitars
    the one with the most notes counts, since the others double it or play a second role.

    Raises
    ------
    InstrumentError
        If the target is empty.
    """
    parts = [placed.stem for placed in example.target]
    if not parts:
        raise InstrumentError(f"no part plays the {example.instruction.instrument}")
    if example.instruction.instrument != "drums":
        return max(parts, key=lambda part: len(part.notes))
    notes = tuple(sorted({note for part in parts for note in part.notes}, key=order))
    return Part(parts[0].name, parts[0].program, is_drums=True, notes=notes)
