"""Metrics of a written part, one module per question.

- `harmony`: does it fit the chords that the others play?
- `overlap`: how near is it to the part that was taken out?
- `form`: is it as dense, as playable and as repetitive as a musician's part?

Each module has the face of mir_eval: ``validate``, the metric functions and ``evaluate``, which
returns a dictionary of floats. A value is ``nan`` where the question makes no sense for the song
(never because of what the writer wrote, so that all writers are compared on the same songs); a
part without notes scores 0 wherever the question makes sense.
"""

from __future__ import annotations

from benchmarks.metrics import form, harmony, overlap
from benchmarks.metrics.grid import Surroundings
from subtractive.arrangement import Part


def evaluate(part: Part, truth: Part, around: Surroundings, instrument: str) -> dict[str, float]:
    """Return all metrics of one written part.

    Parameters
    ----------
    part : Part
        What was written.
    truth : Part
        What was taken out of the song.
    around : Surroundings
        The song without the instrument.
    instrument : str
        One of `subtractive.instruments.INSTRUMENTS`.

    Returns
    -------
    dict of str to float
        For drums without the harmonic metrics.
    """
    scores = {} if instrument == "drums" else harmony.evaluate(part, truth, around)
    return {
        **scores,
        **overlap.evaluate(part, truth, around, instrument),
        **form.evaluate(part, truth, around, instrument),
    }
