"""The guitar: power chords on the riff in heavy bands, else grips that are strummed or picked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from subtractive.arrangement import Note
from subtractive.arranger.band import SILENT
from subtractive.arranger.chart import EIGHTH, Chart, Flags, Ints
from subtractive.arranger.form import tacet
from subtractive.arranger.phrasing import Stroke, strokes
from subtractive.arranger.rhythm import Lock, Score
from subtractive.arranger.voicings import Grip, nearest, power_chord, tones_of

RIFF_LOCKS = (Lock("bass", 4, 2), Lock("kick", 1, 0.5), Lock("other", 1, 0.5))
COMP_LOCKS = (Lock("bass", 1, 0.5), Lock("other", 1, 0.5), Lock("snare", 2, 1))
GAP_S, VELOCITY = 0.09, 84
DOWNBEAT, UP_STROKE = 4, 3  # strings that are struck on barlines, and between pulses
# The strings of a picked grip, eighth by eighth, from its lowest (0): thumb, then fingers.
PICKED = (0, 2, 3, 2, 1, 3, 2, 3)


def rests(score: Score) -> Flags:
    """Return the bars in which the guitar rests [shape=(bar,)].

    Pauses, and where a kick, snare or bass rests that plays elsewhere: thin bars stay empty.
    """
    thin = [tacet(voice, score.chart, score.band) for voice in ("kick", "snare", "bass")]
    result: Flags = score.form.pause | np.logical_or.reduce(thin)
    return result


def write(score: Score, rng: np.random.Generator) -> list[Note]:
    """Return the notes of the guitar."""
    del rng  # a player's choices are in the style and in the band
    style, chart = score.feel.style, score.chart
    heavy = score.feel.heavy
    locks = RIFF_LOCKS if heavy else COMP_LOCKS
    played = strokes(score, style.guitar, locks, rests(score), gap_s=GAP_S, velocity=VELOCITY)
    if heavy:
        return [note for stroke in played for note in _chug(score, stroke)]
    notes: list[Note] = []
    grip: Grip | None = None
    ringing = _ringing(score)
    for number, stroke in enumerate(played):
        chord = chart.chord(stroke.step)
        if grip is None or chord is not chart.chord(played[number - 1].step):
            grip = nearest(tones_of(chord), grip)
        if style.way == "pick" or score.form.quiet[chart.bar_of[stroke.step]]:
            ring = stroke._replace(end=max(stroke.end, int(ringing[stroke.step])))
            notes += _chord(ring, _string(chart, stroke.step, grip))
        else:
            notes += _chord(stroke, _strum(chart, stroke.step, grip))
    return notes


def _ringing(score: Score) -> Ints:
    """Return the tick until which a picked string rings: the barline or the next chord's onset."""
    chart = score.chart
    new = np.diff(chart.chord_of, prepend=-1) != 0
    new[chart.first[:-1]] = True
    starts = np.append(np.flatnonzero(new), chart.steps)
    after = starts[np.searchsorted(starts, np.arange(chart.steps), side="right")]
    result: Ints = np.append(score.band.tick[:-1], chart.bars[-1].end)[after]
    return result


def _chug(score: Score, stroke: Stroke) -> Iterator[Note]:
    """Yield a power chord on the bass's note, or on the root; the root alone between eighths."""
    chart = score.chart
    bass = int(score.band.lowest["bass"][stroke.step])
    root = bass % 12 if bass < SILENT else chart.chord(stroke.step).root or 0
    between = chart.place(stroke.step) % EIGHTH
    yield from _chord(stroke, power_chord(root)[: 1 if between else 2])


def _strum(chart: Chart, step: int, grip: Grip) -> tuple[int, ...]:
    """Return what a stroke strikes: much on a barline, the whole chord on pulses, less between."""
    if chart.place(step) == 0:
        return grip.pitches[:DOWNBEAT]
    return highest_whole(grip.pitches) if chart.on_pulse(step) else grip.pitches[-UP_STROKE:]


def highest_whole(pitches: tuple[int, ...]) -> tuple[int, ...]:
    """Return the fewest neighbouring strings that sound the whole chord, of equals the highest."""
    whole = len({pitch % 12 for pitch in pitches})
    for count in range(whole, len(pitches)):
        for start in range(len(pitches) - count, -1, -1):
            part = pitches[start : start + count]
            if len({pitch % 12 for pitch in part}) == whole:
                return part
    return pitches


def _string(chart: Chart, step: int, grip: Grip) -> tuple[int, ...]:
    """Return the string that is picked, on barlines with the top one."""
    string = PICKED[chart.place(step) // EIGHTH % len(PICKED)]
    picked = grip.pitches[min(string, len(grip.pitches) - 1)]
    return (picked, grip.pitches[-1]) if chart.place(step) == 0 else (picked,)


def _chord(stroke: Stroke, pitches: tuple[int, ...]) -> list[Note]:
    length = stroke.end - stroke.onset
    return [Note(stroke.onset, length, pitch, stroke.velocity) for pitch in pitches]
