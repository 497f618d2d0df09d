"""A melody by rule over chords: real songs have one, accompaniment programs write none.

Strong beats carry chord tones, weak ones steps of the scale; rhythm comes in motives of a bar
that return, phrases end with a long note and a rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subtractive.arrangement import Note
from subtractive.progressions import BarChords, Chord

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
# General MIDI programs that sing a tune: piano, vibraphone, harmonica, violin, cello, choir, voice,
# trumpet, sax, oboe, clarinet, flute, whistle, ocarina, two synthesizer leads.
PROGRAMS = (0, 11, 22, 40, 42, 53, 54, 56, 64, 65, 66, 68, 71, 73, 78, 79, 80, 81)


@dataclass(frozen=True, slots=True)
class Pulse:
    """The grid of one bar in eighths: how many, ticks of each, which are strong, and the swing.

    Attributes
    ----------
    eighths : int
    ticks : int
        Of an eighth.
    strong : tuple of int
        Positions, in eighths, that carry chord tones.
    swing : bool
        Off-beat eighths sound a third of an eighth late.
    """

    eighths: int
    ticks: int
    strong: tuple[int, ...]
    swing: bool

    @classmethod
    def of(cls, metre: tuple[int, int], bar_ticks: int, swing: bool) -> Pulse:
        """Return the pulse of a metre, (numerator, denominator), whose bar has `bar_ticks`."""
        eighths = 8 * metre[0] // metre[1]
        # 6/8 counts in threes, 5/4 in 3 + 2
        strong = {(6, 8): (0, 3), (3, 4): (0, 4), (5, 4): (0, 6)}.get(metre, (0, eighths // 2))
        return cls(eighths, bar_ticks // eighths, strong, swing)

    def tick(self, eighth: int) -> int:
        """Return the tick, from the start of the bar, at which an eighth sounds."""
        return eighth * self.ticks + (self.ticks // 3 if self.swing and eighth % 2 else 0)


Rhythm = tuple[tuple[int, int], ...]  # (onset, duration) in eighths
TuneBar = tuple[tuple[int, int, int], ...]  # (onset, duration in eighths, pitch)


def motive(rng: np.random.Generator, pulse: Pulse, density: float) -> Rhythm:
    """Return a bar's rhythm: each strong place likely, each weak one by `density` (0 to 1)."""
    chance = [
        0.85 if place in pulse.strong else density if place % 2 == 0 else density * 0.6
        for place in range(pulse.eighths)
    ]
    onsets = [place for place in range(pulse.eighths) if rng.random() < chance[place]]
    after = [*onsets, pulse.eighths][1:]
    return tuple(
        (onset, max(1, min(end - onset, 4))) for onset, end in zip(onsets, after, strict=True)
    )


def _cadence(rhythm: Rhythm, pulse: Pulse) -> Rhythm:
    """Return the bar that ends a phrase: a few notes, the last one long, then a rest."""
    half = pulse.eighths // 2
    kept = [(onset, duration) for onset, duration in rhythm if onset < half] or [(0, half)]
    onset = kept[-1][0]
    return (*kept[:-1], (onset, max(1, pulse.eighths - 1 - onset)))


def _nearest(target: float, classes: Sequence[int], low: int, high: int) -> int:
    fitting = [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]
    return min(fitting, key=lambda pitch: (abs(pitch - target), pitch))


def _chord_at(bar: BarChords, place: int, pulse: Pulse) -> Chord:
    return bar[min(len(bar) - 1, place * len(bar) // pulse.eighths)]


def tune(
    rng: np.random.Generator, bars: Sequence[BarChords], pulse: Pulse, tonic: int, minor: bool
) -> tuple[TuneBar, ...]:
    """Return a melody over one section, bar by bar.

    Parameters
    ----------
    rng : numpy.random.Generator
    bars : sequence of bars of chords
        In the key that sounds.
    pulse : Pulse
    tonic : int
        Pitch class of the tonic.
    minor : bool

    Returns
    -------
    tuple of bars
        Each a tuple of (onset in eighths, duration in eighths, MIDI pitch).
    """
    density = float(rng.uniform(0.15, 0.75))
    first, second = (motive(rng, pulse, density) for _ in range(2))
    scale = {(tonic + step) % 12 for step in (MINOR_SCALE if minor else MAJOR_SCALE)}
    centre = int(rng.integers(64, 77))
    low, high = centre - 9, centre + 10
    pitch, lean = centre, 0.0
    result: list[TuneBar] = []
    for number, chords in enumerate(bars):
        rhythm = (first, second, first, _cadence(first, pulse))[number % 4]
        if number % 4 == 0:
            lean = float(rng.normal(0, 2.5))
        notes: list[tuple[int, int, int]] = []
        for onset, duration in rhythm:
            here = _chord_at(chords, onset, pulse)
            target = pitch + lean / 2 + rng.normal(0, 1.8) + 0.15 * (centre - pitch)
            if onset in pulse.strong or duration >= 3:
                classes = list(here.pitch_classes)
            else:
                classes = sorted(scale | set(here.pitch_classes))
            pitch = _nearest(target, classes, low, high)
            notes.append((onset, duration, pitch))
        lean = -lean if number % 2 else lean
        result.append(tuple(notes))
    return tuple(result)


def sounding(
    tune_bars: Sequence[TuneBar], pulse: Pulse, first_bar: int, velocity: int
) -> list[Note]:
    """Return the notes of a melody that starts at bar `first_bar`, in ticks."""
    notes = []
    bar_ticks = pulse.eighths * pulse.ticks
    for number, bar in enumerate(tune_bars, first_bar):
        for onset, duration, pitch in bar:
            start = number * bar_ticks + pulse.tick(onset)
            end = number * bar_ticks + pulse.tick(onset + duration)
            accent = 8 if onset in pulse.strong else 0
            notes.append(
                Note(start, max(1, end - start - pulse.ticks // 8), pitch, velocity + accent)
            )
    return notes
