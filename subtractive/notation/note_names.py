"""The note name of each pitch of a part, by key, chords and where its lines go."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

from subtractive.arrangement import ChordSymbol
from subtractive.notation.lines import Line
from subtractive.notation.paper import MeasureFrame
from subtractive.notation.spelling import Spelled, spelled
from subtractive.notation.symbols import Symbol

Place: TypeAlias = tuple[int, int, Fraction]  # measure, voice, onset


def note_names(
    written: Sequence[Sequence[Line]],
    frames: Sequence[MeasureFrame],
    chords: Sequence[Sequence[tuple[Fraction, ChordSymbol]]],
) -> dict[Place, dict[int, Spelled]]:
    """Return for each chord of each voice how its pitches are written.

    Parameters
    ----------
    written : sequence of sequences of Line
        Of each measure.
    frames : sequence of MeasureFrame
    chords : sequence of sequences
        The chord symbols of each measure and their places; may be empty.

    Returns
    -------
    dict of (int, int, Fraction) to dict of int to Spelled
        Index of the measure, voice, onset -> pitch -> name. Tied notes keep their name.
    """
    symbols = [
        (place, offset, chord) for place, measure in enumerate(chords) for offset, chord in measure
    ]
    starts = [(place, offset) for place, offset, _ in symbols]
    result: dict[Place, dict[int, Spelled]] = {}
    for voice in sorted({line.voice for measure in written for line in measure}):
        known: dict[int, Spelled] = {}
        stream = [*_stream(written, voice), None]
        for here, after in pairwise(stream):
            assert here is not None  # only the last one is
            measure, symbol = here
            in_force = bisect_right(starts, (measure, symbol.onset)) - 1
            chord = symbols[in_force][2] if in_force >= 0 else None
            following = None if after is None else _single(after[1])
            alone = _single(symbol) is not None
            for note in symbol.notes:
                if not (note.tied_back and note.pitch in known):
                    known[note.pitch] = spelled(
                        note.pitch, frames[measure].key, chord, following if alone else None
                    )
            result[measure, voice, symbol.onset] = {
                note.pitch: known[note.pitch] for note in symbol.notes
            }
    return result


def _stream(written: Sequence[Sequence[Line]], voice: int) -> Iterator[tuple[int, Symbol]]:
    """Yield what a voice plays all through the part, rests left out."""
    for place, measure in enumerate(written):
        for line in measure:
            if line.voice == voice:
                yield from ((place, symbol) for symbol in line.symbols if symbol.notes)


def _single(symbol: Symbol) -> int | None:
    return symbol.notes[0].pitch if len(symbol.notes) == 1 else None
