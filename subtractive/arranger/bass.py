"""The bass: what the style plays, tied to the kick and to the guitars' riff."""

from __future__ import annotations

import numpy as np

from subtractive.arrangement import ChordSymbol, Note
from subtractive.arranger.chart import Flags
from subtractive.arranger.form import tacet
from subtractive.arranger.phrasing import Stroke, strokes
from subtractive.arranger.rhythm import Lock, Score

LOWEST, COMFORT, HIGHEST = 28, 45, 67  # E1, the A2 that lines stay below, G4
LOCKS = (Lock("kick", 3, 1.5), Lock("riff", 4, 2), Lock("other", 1, 0.5), Lock("snare", 0.5, 0))
GAP_S, VELOCITY = 0.1, 92
RIFF_TOP = 52  # a guitar's stroke below E3 is a note of the riff, which the bass doubles
_LEAP = 7  # semitones that a line does not jump without need
_THIRDS, _FIFTHS = (4, 3, 5, 2), (7, 6, 8)  # intervals that can stand for them, the likeliest first


def rests(score: Score) -> Flags:
    """Return the bars in which the bass rests [shape=(bar,)]: pauses, and where the kick does."""
    return score.form.pause | tacet("kick", score.chart, score.band)


def write(score: Score, rng: np.random.Generator) -> list[Note]:
    """Return the notes of the bass."""
    played = strokes(
        score, score.feel.style.bass, LOCKS, rests(score), gap_s=GAP_S, velocity=VELOCITY
    )
    notes: list[Note] = []
    for number, stroke in enumerate(played):
        after = played[number + 1] if number + 1 < len(played) else None
        degree = _degree(score, stroke.step)
        pitch = _in_register(
            _pitch_class(score, stroke.step, degree, after, rng), notes[-1].pitch if notes else None
        )
        if degree == "8":
            pitch = LOWEST + (pitch - LOWEST) % 12 + 12
        notes.append(Note(stroke.onset, stroke.end - stroke.onset, pitch, stroke.velocity))
    return notes


def _degree(score: Score, step: int) -> str:
    """Return the sign that the style's line has here; R on barlines and where a chord begins."""
    chart = score.chart
    is_new = step == 0 or chart.chord(step - 1) is not chart.chord(step)
    if is_new or chart.place(step) == 0:
        return "R"
    pulse = chart.pulse(step)
    return score.feel.style.line[pulse.role][int(chart.place(step) > pulse.first)]


def _pitch_class(
    score: Score, step: int, degree: str, after: Stroke | None, rng: np.random.Generator
) -> int:
    """Return what the bass plays: the riff's note where there is one, or the degree."""
    riff = int(score.band.lowest["riff"][step])
    if riff <= RIFF_TOP:
        return riff % 12
    chord = score.chart.chord(step)
    root = chord.root or 0
    if degree in "R8":
        return root if chord.bass is None else chord.bass
    coming = score.chart.chord(after.step) if after else chord
    if degree == "A" and coming is not chord and coming.root is not None:
        goal = coming.root if coming.bass is None else coming.bass
        return (goal + int(rng.choice((-1, 1)))) % 12
    return (root + _tone(chord, root, _THIRDS if degree == "3" else _FIFTHS)) % 12


def _tone(chord: ChordSymbol, root: int, wanted: tuple[int, ...]) -> int:
    """Return the first of some intervals that the chord has; 0, the root, if it has none."""
    intervals = {(tone - root) % 12 for tone in chord.pitch_classes}
    return next((interval for interval in wanted if interval in intervals), 0)


def _in_register(pitch_class: int, before: int | None) -> int:
    """Return the pitch: as low as it goes, an octave up where that spares the line a leap."""
    low = LOWEST + (pitch_class - LOWEST) % 12
    if before is None or abs(low - before) <= _LEAP or low + 12 > COMFORT:
        return low
    return min(low, low + 12, key=lambda pitch: abs(pitch - before))
