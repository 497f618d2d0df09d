"""Metrics of a written part, one module per question.

Against the part that was taken out:

- `overlap`: how near is it, note by note, onset by onset, pitch class by pitch class?
- `chord_accuracy`: does it spell the same chords?
- `similarity`: is it of the same kind: groove, scale, articulation, dynamics?

With the other players:

- `harmony`: does it fit the chords that the others play?
- `rhythm`: does it lock with the rhythm of the others, and does it keep time?

Of the part:

- `density`: how much does it play, how high, how loud?
- `form`: does it rest and repeat as a musician's part does?
- `playability`: can a person play it?
- `novelty`: how much of it was copied from the training songs? (It needs their index, so
  `benchmarks.scores` asks.)

Besides: `controls` (was done what was asked for), and for recordings `sound` and `frechet`.

Each module has the face of mir_eval: ``validate``, the metric functions and ``evaluate``, which
returns a dictionary of floats, and ``MEASURES``, which says how to read them. A value is ``nan``
where the question makes no sense for the song (never because of what the writer wrote, so that all
writers are compared on the same songs); a part without notes takes the worst value of what is
compared, and the best of errors: read those beside its density.
"""

from __future__ import annotations

from benchmarks.metrics import (
    chord_accuracy,
    density,
    form,
    harmony,
    novelty,
    overlap,
    playability,
    rhythm,
    similarity,
)
from benchmarks.metrics.grid import Surroundings
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played
from subtractive.arrangement import Part

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for module in (
        overlap,
        chord_accuracy,
        similarity,
        harmony,
        rhythm,
        density,
        form,
        playability,
        novelty,
    )
    for measure in module.MEASURES
}


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
        By the names in `MEASURES`; for drums without the harmonic metrics.
    """
    written, taken = Played.of(part, around), Played.of(truth, around)
    scores = {
        **overlap.evaluate(written, taken),
        **chord_accuracy.evaluate(written, taken, instrument),
        **similarity.evaluate(written, taken),
    }
    if instrument != "drums":
        scores |= harmony.evaluate(written)
    return {
        **scores,
        **rhythm.evaluate(written, instrument),
        **density.evaluate(written, taken),
        **form.evaluate(written, taken, instrument),
        **playability.evaluate(written, instrument),
    }
