"""An arranger made of rules: what a skilled programmer writes without any learning.

It reads the chart (chords, bars, pulses), listens to the band (who strikes where), finds form and
feel, and lets a player of its own write each instrument: a style's small table of patterns,
weighed at every step against what the others play there.
"""

from __future__ import annotations

import numpy as np

from subtractive.arrangement import Arrangement, Note, Part, order
from subtractive.arranger import bass, drums, guitar
from subtractive.arranger.asked import NOTHING, Asked
from subtractive.arranger.rhythm import Score
from subtractive.instruments import instrument as known_instrument

_PLAYERS = {"bass": bass.write, "drums": drums.write, "guitar": guitar.write}
_HEAVY_GUITAR, _UPRIGHT_BASS = 30, 32  # programs


def arrange(
    context: Arrangement,
    instrument: str,
    rng: np.random.Generator,
    asked: Asked = NOTHING,
) -> Part:
    """Return the part that a skilled arranger's rules write to a context.

    Parameters
    ----------
    context : Arrangement
        All that the others play; chords are read from its symbols, or heard in its notes.
    instrument : str
        "drums", "bass" or "guitar".
    rng : numpy.random.Generator
        For variation only: the same generator gives the same part.
    asked : Asked
        What is asked for besides.

    Returns
    -------
    Part
        Notes in order, in the instrument's range, none beyond the end of the context's last bar.

    Raises
    ------
    InstrumentError
        If the instrument is unknown.
    """
    known = known_instrument(instrument)
    score = Score.of(context, asked)
    notes = _PLAYERS[instrument](score, rng)
    program = known.program
    if instrument == "guitar" and score.feel.heavy:
        program = _HEAVY_GUITAR
    if instrument == "bass" and score.feel.style.name == "swing":
        program = _UPRIGHT_BASS
    return Part(
        known.title, program, instrument == "drums", _playable(notes, score.chart.bars[-1].end)
    )


def _playable(notes: list[Note], last: int) -> tuple[Note, ...]:
    """Return the notes in order, each key let go before it is struck again and at the end."""
    once = {(note.onset, note.pitch): note for note in sorted(notes, key=order)}
    next_onset: dict[int, int] = {}
    result = []
    for note in reversed(once.values()):
        end = min(note.end, next_onset.get(note.pitch, last))
        result.append(note._replace(duration=end - note.onset))
        next_onset[note.pitch] = note.onset
    return tuple(reversed(result))
