"""A draft of the missing part by the rule-based arranger, as a writer hears it.

The rules listen to the band: where it strikes, which chord it plays, in what form. A writer is
shown what they would play, and learns when to follow them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scoretokens.grid import TICKS_PER_BEAT, GridPart, GridSong, grid_notes
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, Tempo
from subtractive.arranger import arrange
from subtractive.arranger.asked import NOTHING, Asked
from subtractive.instruments import instrument as known_instrument

Ints = npt.NDArray[np.int64]
_QUARTERS = 4  # in a whole note


def _sound(part: GridPart) -> int:
    """Return a program by which the arranger knows the part's role."""
    if part.role in ("bass", "guitar"):
        known = known_instrument(part.role)
        return part.program if part.program in known.programs else known.program
    claimed = any(part.program in known_instrument(name).programs for name in ("bass", "guitar"))
    return 0 if claimed else part.program


def _symbols(chords: Ints, start: int) -> tuple[ChordSymbol, ...]:
    return tuple(
        ChordSymbol(
            max(0, tick - start),
            "",
            None if root < 0 else root,
            tuple(tone for tone in range(12) if mask >> tone & 1),
            None if bass < 0 else bass,
        )
        for tick, root, mask, bass in chords.tolist()
    )


def arrangement_of(song: GridSong, parts: Sequence[GridPart], chords: Ints | None) -> Arrangement:
    """Return music on the grid as an arrangement in grid ticks that begins at tick 0."""
    start, end = int(song.bar_onsets[0]), int(song.bar_onsets[-1])
    played = []
    for part in parts:
        notes = part.notes[(part.notes[:, 0] < end) & (part.notes[:, 0] >= start)]
        told = tuple(
            Note(onset - start, min(duration, end - onset), pitch, velocity)
            for onset, duration, pitch, velocity in notes.tolist()
        )
        played.append(Part("", 0 if part.is_drums else _sound(part), part.is_drums, told))
    beats = song.bar_beats
    fresh = np.flatnonzero(np.diff(beats, prepend=0))
    paces = np.flatnonzero(np.diff(song.bar_tempos, prepend=0))
    onsets = (song.bar_onsets - start).tolist()
    if chords is not None:
        # of the symbols before the first bar the last one still holds
        held = max(0, int(np.searchsorted(chords[:, 0], start, side="right")) - 1)
        chords = chords[held:][chords[held:, 0] < end]
    return Arrangement(
        TICKS_PER_BEAT,
        tuple(played),
        tuple(Tempo(onsets[bar], round(6e7 / song.bar_tempos[bar])) for bar in paces.tolist()),
        tuple(
            Metre(
                onsets[bar],
                max(1, (onsets[bar + 1] - onsets[bar]) // int(beats[bar])),
                max(1, _QUARTERS * TICKS_PER_BEAT // int(beats[bar])),
            )
            for bar in fresh.tolist()
        ),
        chords=() if chords is None else _symbols(chords, start),
        barlines=tuple(onsets),
    )


def draft_of(
    song: GridSong,
    parts: Sequence[GridPart],
    instrument: str,
    rng: np.random.Generator,
    chords: Ints | None = None,
    asked: Asked = NOTHING,
) -> GridPart:
    """Return what the arranger would play to a context.

    Parameters
    ----------
    song : GridSong
        Gives bars and tempo; its own parts are not looked at.
    parts : sequence of GridPart
        The context.
    instrument : str
    rng : numpy.random.Generator
    chords : array of int [shape=(chord, 4)], optional
        Chord symbols that it shall follow; without them it hears chords in `parts`.
    asked : Asked
        What is asked for besides.
    """
    part = arrange(arrangement_of(song, parts, chords), instrument, rng, asked)
    notes = grid_notes(part, TICKS_PER_BEAT) + np.array([int(song.bar_onsets[0]), 0, 0, 0])
    return GridPart(instrument, part.program, notes)
