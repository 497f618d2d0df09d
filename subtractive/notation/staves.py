"""On which staves, under which clefs, a part stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from subtractive.notation.paper import WrittenNote

_MIDDLE_C = 60
_TREBLE_FROM = 57  # median pitch
# Players with two hands or many: keyboards, harp, string and voice ensembles, pads.
_WIDE = frozenset({*range(9), *range(16, 24), 46, *range(48, 55), *range(88, 96)})
_LOW, _HIGH = 53, 64  # beyond both, one staff would be all ledger lines
_HAND = 12  # semitones that one hand holds


class Clef(NamedTuple):
    """A clef.

    Attributes
    ----------
    sign : str
        As MusicXML calls it.
    line : int
    octaves : int
        From what it would be without a figure below it.
    written_up : bool
        Whether an octave above what sounds is written, without any figure.
    """

    sign: str
    line: int
    octaves: int = 0
    written_up: bool = False


TREBLE, BASS, PERCUSSION, TABLATURE = (
    Clef("G", 2),
    Clef("F", 4),
    Clef("percussion", 2),
    Clef("TAB", 5),
)
# as MuseScore writes these instruments
BASS_GUITAR, GUITAR = Clef("F", 4, written_up=True), Clef("G", 2, -1)


def clefs(role: str, program: int, measures: Sequence[Sequence[WrittenNote]]) -> tuple[Clef, ...]:
    """Return the clefs of a part, one for each staff, from the top.

    Parameters
    ----------
    role : {"drums", "bass", "guitar", "other"}
    program : int
        General MIDI program.
    measures : sequence of sequences of WrittenNote
    """
    pitches = sorted(note.pitch for notes in measures for note in notes)
    # what plays high on the sound of a bass is no bass line
    low = bool(pitches) and pitches[len(pitches) // 2] < _TREBLE_FROM
    if role in {"drums", "guitar"} or (role == "bass" and (low or not pitches)):
        return ({"drums": PERCUSSION, "bass": BASS_GUITAR, "guitar": GUITAR}[role],)
    few = len(pitches) // 20
    if program in _WIDE and pitches and pitches[few] < _LOW and pitches[-1 - few] > _HIGH:
        return TREBLE, BASS
    return (BASS if low else TREBLE,)


def with_tablature(clef: Clef) -> tuple[Clef, Clef]:
    """Return the clefs of a part that stands on a second staff as tablature."""
    # programs look on the strings for what is written, and must find what sounds
    return clef._replace(octaves=-1, written_up=False), TABLATURE


def shared(
    notes: Sequence[WrittenNote], staves: int, tied: Mapping[int, int]
) -> list[list[WrittenNote]]:
    """Return the notes of each staff.

    On two staves, what one hand can hold stays together, above or below middle C; wider chords are
    divided there.

    Parameters
    ----------
    notes : sequence of WrittenNote
        In order of onset.
    staves : int
        1 or 2.
    tied : mapping of int to int
        Pitch -> index of the staff, of what is tied into this measure.
    """
    if staves == 1:
        return [list(notes)]
    result: list[list[WrittenNote]] = [[], []]
    for _, group in groupby(notes, key=lambda note: note.onset):
        chord = list(group)
        low, high = (each(note.pitch for note in chord) for each in (min, max))
        middle = _MIDDLE_C
        if high - low <= _HAND:
            middle = low if low + high >= 2 * _MIDDLE_C else high + 1
        for note in chord:
            staff = int(note.pitch < middle)
            result[tied.get(note.pitch, staff) if note.tied_back else staff].append(note)
    return result
