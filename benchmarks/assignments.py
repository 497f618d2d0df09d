"""What is to be written: an instrument of a song, given the whole rest of it or some roles only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.metrics.grid import Surroundings
from benchmarks.songs import Song
from benchmarks.windows import MINIMUM_NOTES
from subtractive.arrangement import Arrangement, Part
from subtractive.example import main_part, subtract
from subtractive.instruction import Instruction
from subtractive.instruments import roles

WHOLE_SONG = "song"


class Case(NamedTuple):
    """One case of the paper: which roles are left in the context, and what is written to them."""

    given: tuple[str, ...]
    instrument: str

    @property
    def title(self) -> str:
        """How tables call the case."""
        return f"{' + '.join(self.given)} -> {self.instrument}"


# The paper's page shows six; "bass + drums -> guitar" and "drums + bass -> guitar" are one.
CASES: tuple[Case, ...] = (
    Case(("bass", "drums"), "guitar"),
    Case(("guitar",), "bass"),
    Case(("drums", "guitar"), "bass"),
    Case(("guitar", "bass"), "drums"),
    Case(("drums",), "guitar"),
)


@dataclass(frozen=True, eq=False)
class Assignment:
    """A part to be written: the context, and the true part to compare with.

    Attributes
    ----------
    song : Song
    instrument : str
    case : str
        `WHOLE_SONG` if all of the song is given, otherwise the title of a `Case`.
    context : Arrangement
    truth : Part
    around : Surroundings
        Of `context`.
    """

    song: Song
    instrument: str
    case: str
    context: Arrangement
    truth: Part
    around: Surroundings

    @property
    def key(self) -> str:
        """Name of the assignment, the same in every run."""
        return f"{self.song.key}:{self.instrument}:{self.case}"


def whole_song(song: Song, instrument: str) -> Assignment | None:
    """Return the assignment to write `instrument` to the rest of a song.

    Returns
    -------
    Assignment or None
        None where the song says nothing of the instrument: fewer than 16 notes, or no other part
        (for bass and guitar: no other pitched part) with notes.
    """
    example = subtract(song.music, Instruction(instrument))
    if not example.target:
        return None
    truth = main_part(example)
    others = any(part.notes and not part.is_drums for part in example.context.parts)
    if instrument == "drums":
        others = any(part.notes for part in example.context.parts)
    if len(truth.notes) < MINIMUM_NOTES or not others:
        return None
    around = Surroundings.of(example.context)
    return Assignment(song, instrument, WHOLE_SONG, example.context, truth, around)


def of_case(song: Song, case: Case) -> Assignment | None:
    """Return the assignment of one case of the paper.

    Returns
    -------
    Assignment or None
        None where one of the roles has fewer than 16 notes.
    """
    example = subtract(song.music, Instruction(case.instrument))
    its_roles = roles(example.context.parts)
    given = tuple(
        part
        for part, its_role in zip(example.context.parts, its_roles, strict=True)
        if its_role in case.given
    )
    notes = dict.fromkeys(case.given, 0)
    for part, its_role in zip(example.context.parts, its_roles, strict=True):
        if its_role in notes:
            notes[its_role] += len(part.notes)
    if not example.target or min(notes.values()) < MINIMUM_NOTES:
        return None
    truth = main_part(example)
    if len(truth.notes) < MINIMUM_NOTES:
        return None
    context = example.context.with_parts(given)
    around = Surroundings.of(context)
    return Assignment(song, case.instrument, case.title, context, truth, around)


def assignments(
    songs: Iterable[Song], instruments: Sequence[str], cases: Sequence[Case] = ()
) -> list[Assignment]:
    """Return all assignments of some songs: whole songs, or the cases where any are given.

    Parameters
    ----------
    songs : iterable of Song
    instruments : sequence of str
        Only these are written.
    cases : sequence of Case
    """
    found: list[Assignment | None] = []
    for song in songs:
        if cases:
            found += [of_case(song, case) for case in cases if case.instrument in instruments]
        else:
            found += [whole_song(song, instrument) for instrument in instruments]
    return [assignment for assignment in found if assignment is not None]
