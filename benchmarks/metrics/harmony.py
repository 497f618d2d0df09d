"""The question: does a pitched part fit the harmony of the others.

Conventions
-----------
A beat is a quarter note, counted from each barline. Sounding time is summed over notes: a chord of
three notes held for a beat sounds for three beats. Drums neither have nor give pitch.

Metrics
-------
- `chord_tone_rate`: share of a part's sounding time whose pitch class sounds in the other parts
  within that same beat.
- Its absolute distance to the rate of the true part: musicians play passing notes too, so a part
  can be too obedient.

It is the chord tone to non-chord tone ratio of Yeh et al., "Automatic melody harmonization with
triad chords" (2021), with the notes heard in place of chord labels, and time in place of counts: no
chord recogniser stands between the part and its context. Where the others leave a chord tone out
it is lower than a ratio against labels, so it is read beside that of the true part.
"""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.grid import Surroundings, pitch_class_shares
from subtractive.arrangement import Part


def validate(part: Part, around: Surroundings) -> None:
    """Check that the question makes sense.

    Raises
    ------
    ValueError
        If the part is drums, or the beats and the context's pitch classes differ in number.
    """
    if part.is_drums:
        raise ValueError("drums have no harmony: pass a pitched part")
    if around.sounding.shape != (len(around.beat_edges) - 1, 12):
        raise ValueError(
            f"{len(around.beat_edges) - 1} beats but pitch classes of shape "
            f"{around.sounding.shape}: one row of 12 for each beat is needed"
        )


def chord_tone_rate(part: Part, around: Surroundings) -> float:
    """Return the share of sounding time whose pitch class sounds in the context in that beat.

    With t(b, p) the time that the part sounds pitch class p within beat b, and C(b) the pitch
    classes that the context sounds within b: sum of t(b, p) over p in C(b), by the sum of t(b, p).

    Parameters
    ----------
    part : Part
    around : Surroundings

    Returns
    -------
    float
        0 to 1; 0 for a part that never sounds, nan if the context sounds no pitch at all.
    """
    validate(part, around)
    if not around.sounding.any():
        return float("nan")
    shares = pitch_class_shares([part], around.beat_edges)
    ticks = shares * np.diff(around.beat_edges)[:, None]
    total = ticks.sum()
    return float(ticks[around.sounding].sum() / total) if total else 0.0


def evaluate(part: Part, truth: Part, around: Surroundings) -> dict[str, float]:
    """Return the chord-tone rate of a part and its distance to that of the true part."""
    rate = chord_tone_rate(part, around)
    return {
        "chord_tone_rate": rate,
        "chord_tone_distance": abs(rate - chord_tone_rate(truth, around)),
    }
