"""From the notes of a part to the lines that its staves show: voices made of symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from subtractive.notation.kit_staff import FEET
from subtractive.notation.paper import MeasureFrame, WrittenNote
from subtractive.notation.pulse import Pulse, pulse
from subtractive.notation.staves import shared
from subtractive.notation.symbols import Symbol, symbols
from subtractive.notation.ties import mended_ties
from subtractive.notation.voices import (
    gathered,
    is_performed,
    split_voices,
    struck,
)

_VOICES_A_STAFF = 4  # as notation programs number them


class Line(NamedTuple):
    """One voice in one measure.

    Attributes
    ----------
    staff, voice : int
        From 1 on; the voices of the second staff are 5 and 6.
    stem : {"", "up", "down"}
        Empty where the place of each note decides.
    symbols : tuple of Symbol
    """

    staff: int
    voice: int
    stem: Literal["", "up", "down"]
    symbols: tuple[Symbol, ...]


def lines(
    measures: Sequence[Sequence[WrittenNote]],
    frames: Sequence[MeasureFrame],
    *,
    role: str,
    staves: int,
) -> list[tuple[Line, ...]]:
    """Return the lines of each measure: at least one for each staff, each as long as the measure.

    Parameters
    ----------
    measures : sequence of sequences of WrittenNote
    frames : sequence of MeasureFrame
        As many.
    role : {"drums", "bass", "guitar", "other"}
        Drums have a voice for the hands and one for the feet; a bass has one voice.
    staves : int
    """
    drums = role == "drums"
    performed = is_performed(measures)
    tied: dict[int, int] = {}  # pitch -> staff
    result = []
    for place, (notes, frame) in enumerate(
        zip(mended_ties(measures, drums=drums), frames, strict=True)
    ):
        beats = pulse(frame, first=place == 0)
        # what was cut short before the barline does not go on after it
        heard = [note for note in notes if not note.tied_back or note.pitch in tied]
        shares = shared(gathered(heard) if frame.length else (), staves, tied)
        tied = {}
        written: list[Line] = []
        for staff, share in enumerate(shares):
            for voice, (stem, shown) in enumerate(_staff(share, beats, role, performed=performed)):
                written.append(Line(staff + 1, staff * _VOICES_A_STAFF + voice + 1, stem, shown))
                last = shown[-1].notes if shown else ()
                tied |= {note.pitch: staff for note in last if note.tied_on}
        result.append(tuple(written))
    return result


def _staff(
    notes: Sequence[WrittenNote], beats: Pulse, role: str, *, performed: bool
) -> list[tuple[Literal["", "up", "down"], tuple[Symbol, ...]]]:
    """Return stems and symbols of the voices of one staff; what is silent is left out."""
    if role == "drums":
        upper = [note for note in notes if note.pitch not in FEET]
        lower = [note for note in notes if note.pitch in FEET]
    elif role == "bass":
        upper, lower = list(notes), []
    else:
        upper, lower = split_voices(notes)

    def shown(voice: Sequence[WrittenNote]) -> tuple[Symbol, ...]:
        windows, attacks = struck(voice, beats, drums=role == "drums", performed=performed)
        return symbols(windows, attacks, beats)

    if role != "drums" and not lower:
        return [("", shown(upper))]
    both: list[tuple[Literal["up", "down"], list[WrittenNote]]] = [("up", upper), ("down", lower)]
    heard = [(stem, voice) for stem, voice in both if voice] or both[:1]
    return [(stem, shown(voice)) for stem, voice in heard]


def on_tablature(line: Line) -> Line:
    """Return a line of a part on one staff as its second staff, the tablature, shows it."""
    return line._replace(staff=line.staff + 1, voice=line.voice + _VOICES_A_STAFF)
