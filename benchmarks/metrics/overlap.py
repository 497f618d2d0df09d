"""The question: how near is a written part to the part that was taken out.

There are many good parts for a song, so no writer reaches 1; but a part that knows the song comes
nearer than one that does not.

Conventions
-----------
Onsets are sets of 16ths, counted from the start of the music; two notes on one 16th count once.
All scores are F1: 2 |R and E| / (|R| + |E|), over the whole song at once (micro-average).

Metrics
-------
- `chroma_f1`: pitch classes sounding within each beat.
- `onset_f1`: onsets, pitch ignored. Unlike the note onset metric of mir_eval (within 50 ms, note by
  note) it works on the grid, for its question is rhythm, not timing.
- `drum_onset_f1`: onsets of each class of drums.
- `bass_kick_f1`: onsets of a bass against those of the song's own kick drum.
"""

from __future__ import annotations

import numpy as np

from benchmarks.metrics.grid import (
    KICKS,
    Ints,
    Surroundings,
    f1,
    onsets_and_pitches,
    pitch_class_shares,
    sixteenths,
)
from subtractive.arrangement import Part

# General MIDI drum keys; shakers, bells and hand drums are in none of the classes.
DRUM_CLASSES: dict[str, tuple[int, ...]] = {
    "kick": KICKS,
    "snare": (37, 38, 39, 40),
    "hats": (42, 44, 46),
    "toms": (41, 43, 45, 47, 48, 50),
    "cymbals": (49, 51, 52, 53, 55, 57, 59),
}


def validate(part: Part, truth: Part) -> None:
    """Check that both parts are drums, or neither.

    Raises
    ------
    ValueError
        If one is drums and the other pitched.
    """
    if part.is_drums != truth.is_drums:
        raise ValueError("drums can only be compared with drums, and pitched parts with pitched")


def _pitch_classes(part: Part, around: Surroundings) -> Ints:
    return np.flatnonzero(pitch_class_shares([part], around.beat_edges))


def chroma_f1(part: Part, truth: Part, around: Surroundings) -> float:
    """Return the F1 of the pitch classes sounding within each beat; nan if `truth` is silent."""
    validate(part, truth)
    return f1(_pitch_classes(truth, around), _pitch_classes(part, around))


def onset_f1(part: Part, truth: Part, ticks_per_beat: int) -> float:
    """Return the F1 of the 16ths on which any note begins; nan if `truth` is silent."""
    validate(part, truth)
    return f1(
        sixteenths(onsets_and_pitches(truth)[0], ticks_per_beat),
        sixteenths(onsets_and_pitches(part)[0], ticks_per_beat),
    )


def drum_onset_f1(part: Part, truth: Part, ticks_per_beat: int, keys: tuple[int, ...]) -> float:
    """Return the F1 of the 16ths on which one of the drum `keys` is struck.

    Returns
    -------
    float
        0 to 1; nan if `truth` never strikes one of them.
    """
    validate(part, truth)

    def struck(drums: Part) -> Ints:
        onsets, pitches = onsets_and_pitches(drums)
        return sixteenths(onsets[np.isin(pitches, keys)], ticks_per_beat)

    return f1(struck(truth), struck(part))


def bass_kick_f1(part: Part, around: Surroundings) -> float:
    """Return the F1 of the bass's onsets against the kick's; nan if nobody strikes a kick."""
    onsets, _ = onsets_and_pitches(part)
    return f1(around.kick_slots, sixteenths(onsets, around.ticks_per_beat))


def evaluate(part: Part, truth: Part, around: Surroundings, instrument: str) -> dict[str, float]:
    """Return the metrics that `instrument` has, all floats from 0 to 1 (or nan)."""
    scores = {"onset_f1": onset_f1(part, truth, around.ticks_per_beat)}
    if instrument == "drums":
        for name, keys in DRUM_CLASSES.items():
            scores[f"{name}_f1"] = drum_onset_f1(part, truth, around.ticks_per_beat, keys)
        return scores
    scores["chroma_f1"] = chroma_f1(part, truth, around)
    if instrument == "bass":
        scores["bass_kick_f1"] = bass_kick_f1(part, around)
    return scores
