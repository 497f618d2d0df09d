"""What can be said of a part: each term with the numbers that make it true or refute it.

`said` names the terms that are true of `Facts`, with a margin, and `refuted` those that are not.
The words for a term are in ``lexicon.toml``.

Where the thresholds of `TERMS` come from: 4,734 excerpts of up to 16 bars: 220 game songs, 1,113
human drum performances and 700 tunes of MMA, each source weighed alike. A term that compares
(sparse, loud, low) holds from about the 20th or 80th percentile and is refuted beyond the median;
one that names a manner (walking, backbeat) holds where most of the music is in it. Measured::

    20th, 50th, 80th             drums               bass                guitar
    attacks_per_quarter     2.25  3.54  5.38    0.62  1.00  2.00    0.50  1.03  1.95
    attacks_per_second      4.62  6.95  10.2    1.23  2.17  4.65    1.07  2.18  4.38
    mean_velocity             60    79    95      76    95   104      64    81   100
    velocity_range            10    37    73       0     5    22       0    11    22
    median_pitch                                  33    38    41      49    58    66
    range_semitones                               7     11    14       9    12    19
    articulation_ratio                          0.50  0.88  1.00    0.80  1.00  1.05
    steady_share            0.33  0.80  0.93    0.87  0.93  1.00    0.79  0.93  1.00
    syncopation_share       0.00  0.04  0.18    0.00  0.01  0.14    0.00  0.01  0.13
    crashes_per_bar         0.00  0.00  0.33
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from subtractive.facts import Facts


class Bound(NamedTuple):
    """What one number must be for a term: at least `said` if that is above `refuted`, else at most.

    Between the two the term is neither true nor false; of nan nothing is.
    """

    field: str
    said: float
    refuted: float

    def holds(self, facts: Facts) -> bool:
        """Whether the number is beyond `said`."""
        value: float = getattr(facts, self.field)
        return value >= self.said if self.said > self.refuted else value <= self.said

    def fails(self, facts: Facts) -> bool:
        """Whether the number is beyond `refuted`."""
        value: float = getattr(facts, self.field)
        return value < self.refuted if self.said > self.refuted else value > self.refuted


Bounds = tuple[Bound, ...]


def _bounds(text: str) -> Bounds:
    """Return the bounds written as "field said refuted, field said refuted"."""
    triples = (each.split() for each in text.split(","))
    return tuple(Bound(field, float(said), float(refuted)) for field, said, refuted in triples)


def _table(text: str) -> dict[str, Bounds]:
    lines = (line.split(":") for line in text.strip().splitlines())
    return {term.strip(): _bounds(bounds) for term, bounds in lines}


_EVERY = """
slow: tempo_qpm 85 105
medium: tempo_qpm 95 85, tempo_qpm 125 140
fast: tempo_qpm 145 120
straight: swing_ratio 1.12 1.3
light_swing: swing_ratio 1.2 1.1, swing_ratio 1.65 1.85
swung: swing_ratio 1.5 1.25
hard_swing: swing_ratio 1.85 1.6
"""
_DRUMS = """
sparse: attacks_per_quarter 2.25 3.54
busy: attacks_per_quarter 5.38 3.54
soft: mean_velocity 60 79
loud: mean_velocity 95 79
even: velocity_range 10 37
dynamic: velocity_range 73 37
steady: steady_share 0.93 0.75
varied: steady_share 0.33 0.75
syncopated: syncopation_share 0.18 0.04
backbeat: backbeat_share 0.85 0.4
half_time: halftime_share 0.75 0.3
one_drop: onedrop_share 0.6 0.2
four_floor: floor_share 0.9 0.7
quarters: hats_per_quarter 0.9 0.6, hats_per_quarter 1.1 1.5, rides_per_quarter 0.1 0.5
eighths: hats_per_quarter 1.8 1.4, hats_per_quarter 2.2 2.7, rides_per_quarter 0.1 0.5
sixteenths: hats_per_quarter 3.4 2.6
ride: rides_per_quarter 1 0.25, hats_per_quarter 0.5 1.5
toms: tom_share 0.2 0.05
crashes: crashes_per_bar 0.5 0.1
no_crashes: crashes_per_bar 0 0.05
fills: fills_per_bar 0.12 0.01
no_fills: fills_per_bar 0 0.01
phrase_fills: phrase_fills 1 0.5
ghosts: ghost_share 0.3 0.05
side_stick: stick_share 0.6 0.2
hand_drums: hand_share 0.15 0.03
shakers: shaker_share 0.15 0.03
cowbell: cowbell_share 0.06 0.01
claps: claps_per_bar 1 0.2
busy_kick: kicks_per_quarter 1.75 1.2
punchy: backbone_velocity 98 80, backbeat_share 0.6 0.3
laid_back: attacks_per_second 5.8 8.4, tempo_qpm 105 125, mean_velocity 89 100
lively: attacks_per_second 10.2 7, tempo_qpm 105 90
driving: attacks_per_second 8.4 6, steady_share 0.8 0.5, mean_velocity 79 65
energetic: attacks_per_second 10.2 7, mean_velocity 89 70
mellow: mean_velocity 69 82, attacks_per_second 7 9.5
aggressive: mean_velocity 95 85, attacks_per_second 8.4 6
gentle: mean_velocity 60 75, attacks_per_second 5.8 8.4
"""
_BASS = """
sparse: attacks_per_quarter 0.62 1
busy: attacks_per_quarter 2 1
soft: mean_velocity 76 95
loud: mean_velocity 104 95
even: velocity_range 0 8
dynamic: velocity_range 22 8
steady: steady_share 0.98 0.85
varied: steady_share 0.7 0.9
syncopated: syncopation_share 0.14 0.03
on_beat: offbeat_share 0.03 0.15, syncopation_share 0 0.05, sixteenth_share 0.03 0.15
low: median_pitch 33 38
high: median_pitch 42 38
staccato: articulation_ratio 0.5 0.8
legato: articulation_ratio 0.97 0.85
sustained: attacks_per_quarter 0.55 0.9, articulation_ratio 0.85 0.7
walking: quarter_share 0.75 0.5, repeat_share 0.25 0.5
two_feel: half_share 0.65 0.3
quarters: quarter_share 0.8 0.5
eighths: eighth_share 0.75 0.5
sixteenths: sixteenth_share 0.6 0.3
octaves: octave_share 0.2 0.05
repeated: repeat_share 0.75 0.4
leaping: skip_share 0.75 0.45
stepwise: step_share 0.45 0.2
wide: range_semitones 16 11
narrow: range_semitones 5 11
punchy: mean_velocity 100 90, articulation_ratio 0.7 0.9
laid_back: attacks_per_second 1.6 2.8, tempo_qpm 105 125, mean_velocity 100 110
lively: attacks_per_second 4.6 2.2, tempo_qpm 105 90
driving: eighth_share 0.75 0.5, steady_share 0.9 0.7, mean_velocity 95 85
energetic: attacks_per_second 4.6 2.2, mean_velocity 100 88
mellow: mean_velocity 85 97, attacks_per_second 2.2 3.4
aggressive: mean_velocity 104 95, attacks_per_second 3.4 2
gentle: mean_velocity 76 90, attacks_per_second 1.6 2.8
"""
_GUITAR = """
sparse: attacks_per_quarter 0.5 1.03
busy: attacks_per_quarter 1.95 1.03
soft: mean_velocity 64 81
loud: mean_velocity 100 81
even: velocity_range 0 11
dynamic: velocity_range 22 11
steady: steady_share 0.98 0.85
varied: steady_share 0.64 0.87
syncopated: syncopation_share 0.13 0.03
on_beat: offbeat_share 0.03 0.15, syncopation_share 0 0.05, sixteenth_share 0.03 0.15
low: median_pitch 49 58
high: median_pitch 66 58
staccato: articulation_ratio 0.5 0.85
ringing: articulation_ratio 1.05 0.95
sustained: attacks_per_quarter 0.5 0.9, articulation_ratio 0.85 0.7
strummed: chord_share 0.75 0.4, power_share 0.25 0.5
power_chords: power_share 0.75 0.4
arpeggio: chord_share 0.1 0.3, skip_share 0.6 0.35, repeat_share 0.25 0.5
single_line: notes_per_attack 1.1 1.4
off_beats: offbeat_share 0.75 0.45, chord_share 0.5 0.3
two_four: backbeat_attack_share 0.75 0.45, chord_share 0.5 0.3
quarters: quarter_share 0.8 0.5
eighths: eighth_share 0.75 0.5
sixteenths: sixteenth_share 0.6 0.3
wide: range_semitones 21 12
narrow: range_semitones 8 12
punchy: mean_velocity 98 85, articulation_ratio 0.7 0.9
laid_back: attacks_per_second 1.7 2.8, tempo_qpm 105 125, mean_velocity 90 102
lively: attacks_per_second 4.4 2.3, tempo_qpm 105 90
driving: eighth_share 0.75 0.5, steady_share 0.9 0.7, mean_velocity 85 72
energetic: attacks_per_second 4.4 2.3, mean_velocity 90 75
mellow: mean_velocity 73 86, attacks_per_second 2.3 3.4
aggressive: mean_velocity 98 85, attacks_per_second 3.2 2
gentle: mean_velocity 64 78, attacks_per_second 1.7 2.8
"""
TERMS: dict[str, dict[str, Bounds]] = {
    "drums": _table(_EVERY.strip() + _DRUMS),
    "bass": _table(_EVERY.strip() + _BASS),
    "guitar": _table(_EVERY.strip() + _GUITAR),
}
"""For each instrument the terms that can be said of it, each true where all its bounds hold."""


def said(facts: Facts) -> tuple[str, ...]:
    """Return the terms that are true of a part, in the order of `TERMS`."""
    return tuple(_where(facts, all_bounds=True))


def refuted(facts: Facts) -> tuple[str, ...]:
    """Return the terms that are false of a part, in the order of `TERMS`."""
    return tuple(_where(facts, all_bounds=False))


def _where(facts: Facts, *, all_bounds: bool) -> Iterator[str]:
    # a part without notes has no manner
    for term, bounds in TERMS[facts.instrument].items() if facts.notes_per_bar else ():
        if all_bounds and all(bound.holds(facts) for bound in bounds):
            yield term
        if not all_bounds and any(bound.fails(facts) for bound in bounds):
            yield term
