"""The measures of a score as they stand on paper, and the notes in them.

Time is counted in exact fractions of a quarter note from the beginning of the measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from subtractive.arrangement import KeySignature, Metre


class WrittenNote(NamedTuple):
    """A note as written: in quarter notes from the beginning of its measure, at sounding pitch."""

    onset: Fraction
    duration: Fraction
    pitch: int
    velocity: int
    tied_back: bool
    tied_on: bool


class Barline(NamedTuple):
    """A barline that is more than a thin line.

    Attributes
    ----------
    location : {"left", "right", "middle"}
    style : str
        As MusicXML calls it ("light-heavy"); empty: not said.
    repeat : {"", "forward", "backward"}
    times : int or None
        How often a backward repeat is played in all, where the score says so.
    """

    location: Literal["left", "right", "middle"]
    style: str = ""
    repeat: Literal["", "forward", "backward"] = ""
    times: int | None = None


@dataclass(frozen=True, slots=True)
class MeasureFrame:
    """What all parts of a score have in common in one written measure.

    Attributes
    ----------
    number : str
        As printed; "X1" and empty ones exist.
    implicit : bool
        True where the number is not printed: pick-ups and the second half of a split measure.
    length : Fraction
        What the measure really holds, in quarter notes; of a pick-up less than its metre says.
    metre : Metre
        In force at its beginning (tick 0 in it).
    metre_stated : bool
        Whether the score prints the metre here.
    key : KeySignature
        In force at its beginning, at sounding pitch (tick 0 in it).
    key_stated : bool
        Whether the score prints a key here.
    barlines : tuple of Barline
        Those that every part must repeat, or playback breaks.
    """

    number: str
    implicit: bool
    length: Fraction
    metre: Metre
    metre_stated: bool
    key: KeySignature
    key_stated: bool
    barlines: tuple[Barline, ...] = ()
