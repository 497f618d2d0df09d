"""The question: can a person play the part.

Conventions
-----------
One tempo holds for the whole part: the one that the song takes on average. Of a bass and a guitar
attacks are counted (a strum is one), of drums strokes. What a hand, two hands and two feet can do
is told in `subtractive.fretboard` and `subtractive.limbs`, with the sources of the limits. The bass
has four strings from E1, the guitar six from E2, both 24 frets; drums are played by a drummer and,
where there are congas, shakers and the like, a percussionist.

Metrics
-------
- `playability_errors`: of 100 attacks or strokes, how many must be missed so that the others can
  be played.
- `grip_errors`: the same without the attacks that are merely out of range, which five strings or a
  lower tuning would cure (bass and guitar). Of Freedoom's basses, 13 % of the attacks are.
- `solo_errors`: the same for a drummer alone, who plays the percussion too (drums).

Neither says that a part is easy. Lower is better, but true parts are not at 0: files hold chords
that two guitars play, and strokes that a computer plays.
"""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played
from subtractive.arrays import Notes
from subtractive.fretboard import FRETBOARDS, Handwork, follow
from subtractive.instruments import instrument as known_instrument
from subtractive.limbs import unplayable_strokes

MEASURES = (
    Measure("playability_errors", "part", "lower", 100.0),
    Measure("grip_errors", "part", "lower", 100.0),
    Measure("solo_errors", "part", "lower", 100.0),
)


def validate(notes: Notes, ticks_per_beat: int, tempo_qpm: float) -> None:
    """Check that the notes are notes in time.

    Raises
    ------
    ValueError
        If the tempo or the ticks are not above 0, or a note ends before it begins.
    """
    if not (ticks_per_beat > 0 and 0 < tempo_qpm < float("inf")):
        raise ValueError(
            f"{ticks_per_beat} ticks to a beat and {tempo_qpm} quarter notes a minute are no time: "
            "both must be above 0"
        )
    if len(notes) and int(notes["duration"].min()) < 0:
        raise ValueError("a note ends before it begins: give durations of 0 or more")


def handwork_errors(work: Handwork) -> float:
    """Return 100 times the failed attacks by all attacks; 0 without attacks."""
    return 100.0 * work.failed / work.attacks if work.attacks else 0.0


def grip_errors(work: Handwork) -> float:
    """Return 100 times the failed attacks in range by the attacks in range; 0 without any."""
    inside = work.attacks - work.out_of_range
    return 100.0 * (work.failed - work.out_of_range) / inside if inside else 0.0


def drum_errors(
    notes: Notes, ticks_per_beat: int, tempo_qpm: float, *, percussionist: bool = True
) -> float:
    """Return 100 times the strokes that cannot be played by all strokes; 0 without strokes."""
    missed = unplayable_strokes(notes, ticks_per_beat, tempo_qpm, percussionist=percussionist)
    return 100.0 * float(np.mean(missed)) if len(missed) else 0.0


def errors(
    notes: Notes, ticks_per_beat: int, tempo_qpm: float, instrument: str
) -> dict[str, float]:
    """Return the metrics of notes without a song around them.

    Parameters
    ----------
    notes : array of NOTE [shape=(note,)]
        In any order.
    ticks_per_beat : int
        Ticks to a quarter note.
    tempo_qpm : float
        Quarter notes a minute.
    instrument : str
        One of `subtractive.instruments.INSTRUMENTS`.

    Returns
    -------
    dict of str to float
        0 to 100, 0 for a part without notes.

    Raises
    ------
    ValueError
        As `validate` does.
    InstrumentError
        If the instrument is unknown.
    """
    validate(notes, ticks_per_beat, tempo_qpm)
    if known_instrument(instrument).name in FRETBOARDS:
        work = follow(notes, ticks_per_beat, tempo_qpm, FRETBOARDS[instrument])
        return {"playability_errors": handwork_errors(work), "grip_errors": grip_errors(work)}
    return {
        "playability_errors": drum_errors(notes, ticks_per_beat, tempo_qpm),
        "solo_errors": drum_errors(notes, ticks_per_beat, tempo_qpm, percussionist=False),
    }


def evaluate(part: Played, instrument: str) -> dict[str, float]:
    """Return the metrics of a part in its song."""
    return errors(part.notes, part.around.ticks_per_beat, part.around.tempo_qpm, instrument)
