"""How a part shall be in numbers: how much it plays, how loud, how swung, how high, how thick.

Words are read by `subtractive.terms`: "busy" means of drums 5.38 strokes a quarter or more in any
song, as it does where corpora are described. What a user gives as a number counts before words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scoretokens.grid import TICKS_PER_BEAT
from subtractive.arrangement import Arrangement, Note, bars
from subtractive.claims import claims
from subtractive.errors import OptionError
from subtractive.facts import Facts
from subtractive.harmony import chord_at, estimate_chords
from subtractive.instruments import instrument as known_instrument
from subtractive.kit import DRUM_CLASSES
from subtractive.terms import TERMS, Bound

Ints = npt.NDArray[np.int64]

LEAST_REGISTER = 12  # semitones: within an octave every chord has all its tones
_TOLERANCE = 1.05  # a number is met within 5 %
_LOUDNESS_TOLERANCE = 2.0  # MIDI velocity
_HALF = TICKS_PER_BEAT // 2  # where the second eighth of a beat is
# where the second eighth may stand, and the ratio of the first to the second that this makes
_SECOND_EIGHTHS = {tick: tick / (TICKS_PER_BEAT - tick) for tick in (6, 7, 8)}
_IN_THREE = 2 * TICKS_PER_BEAT // 3
_FURTHER, _LOUDER = 1.5, 18.0  # times, and MIDI velocities, beyond what a word asks at least
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_PITCH = re.compile(r"([A-Ga-g])([#b]?)(-?\d)|(\d{1,3})")


class Range(NamedTuple):
    """What a number shall be: from, up to."""

    low: float = -inf
    high: float = inf

    def both(self, other: Range) -> Range:
        """Return what both ask for; if they contradict each other, what the other asks for."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Range(low, high) if low <= high else other

    def nearest(self, value: float) -> float:
        """Return the number in the range that is nearest to a value."""
        return min(max(value, self.low), self.high)

    def octaves_away(self, value: float) -> float:
        """Return how far a positive value is outside, as the size of a logarithm."""
        return abs(log(max(value, 1e-3) / max(self.nearest(value), 1e-3)))


ANY = Range()


def near(value: float) -> Range:
    """Return the range that counts as a number met."""
    return Range(value / _TOLERANCE, value * _TOLERANCE)


@dataclass(frozen=True, slots=True)
class Manner:
    """What is asked of a part in numbers.

    Attributes
    ----------
    density : Range
        Attacks a quarter: a chord is one, and so is each stroke on a drum.
    velocity : Range
        Mean MIDI velocity.
    swing : Range
        Length of the first eighth of a beat over the second.
    register : tuple of int or None
        Lowest and highest MIDI pitch.
    polyphony : int or None
        Notes struck at once, at most.
    strict : bool
        Whether strong beats have chord tones alone.
    """

    density: Range = ANY
    velocity: Range = ANY
    swing: Range = ANY
    register: tuple[int, int] | None = None
    polyphony: int | None = None
    strict: bool = False

    @property
    def in_three(self) -> bool | None:
        """Whether beats shall be divided in three, or in two; None: as the band does."""
        return None if self.swing == ANY else second_eighth(self.swing) == _IN_THREE

    def checked(self, instrument: str) -> Manner:
        """Return the manner if the instrument can play so.

        Raises
        ------
        OptionError
            If it cannot.
        """
        known = known_instrument(instrument)
        if instrument == "drums" and (self.register is not None or self.strict):
            raise OptionError(
                "drums have no register and play no chords: leave --register and --strict out"
            )
        if self.polyphony is not None and self.polyphony < 1:
            raise OptionError(f"--polyphony {self.polyphony} leaves no note: give 1 or more")
        if self.density != ANY and not 0 < self.density.nearest(1.0) <= 32:
            raise OptionError("--density must be above 0, and at most 32 attacks a quarter note")
        if self.register is not None:
            low, high = self.register
            if min(high, known.highest) - max(low, known.lowest) < LEAST_REGISTER:
                raise OptionError(
                    f"--register {name_of(low)}-{name_of(high)} leaves {instrument} less than an "
                    f"octave: give one within {name_of(known.lowest)}-{name_of(known.highest)}"
                )
        return self

    def over(self, other: Manner) -> Manner:
        """Return this manner, and in what it says nothing of the other one."""
        return Manner(
            self.density if self.density != ANY else other.density,
            self.velocity if self.velocity != ANY else other.velocity,
            self.swing if self.swing != ANY else other.swing,
            self.register or other.register,
            self.polyphony or other.polyphony,
            self.strict or other.strict,
        )


PLAIN = Manner()


def of_words(words: str, instrument: str, tempo_qpm: float) -> Manner:
    """Return what words ask for in numbers.

    Parameters
    ----------
    words : str
        Such as "Add sparse, soft drums".
    instrument : str
    tempo_qpm : float
        Quarters a minute: "lively" and "laid back" mean strokes a second.
    """
    asked = {"density": ANY, "velocity": ANY, "swing": ANY}
    for term in sorted(claims(words).stated & TERMS[instrument].keys()):
        for bound in TERMS[instrument][term]:
            value = _asked(bound)
            if bound.field == "attacks_per_second":
                value = Range(*(each * 60 / tempo_qpm for each in value))
            name = _FIELDS.get(bound.field)
            if name:
                asked[name] = asked[name].both(value)
    return Manner(asked["density"], asked["velocity"], asked["swing"])


def _asked(bound: Bound) -> Range:
    """Return what a bound asks for: to be beyond it, and not absurdly far."""
    upwards = bound.said > bound.refuted
    if bound.field == "mean_velocity":
        further = bound.said + (_LOUDER if upwards else -_LOUDER)
    else:
        further = bound.said * (_FURTHER if upwards else 1 / _FURTHER)
    return Range(min(bound.said, further), max(bound.said, further))


_FIELDS = {
    "attacks_per_quarter": "density",
    "attacks_per_second": "density",
    "mean_velocity": "velocity",
    "swing_ratio": "swing",
}


def like(facts: Facts) -> Manner:
    """Return the manner of a part that was measured: as dense, as loud, as swung."""
    swing = 1.0 if isnan(facts.swing_ratio) else facts.swing_ratio
    loud = facts.mean_velocity
    return Manner(
        near(max(facts.attacks_per_quarter, 0.05)),
        ANY if isnan(loud) else Range(loud - _LOUDNESS_TOLERANCE, loud + _LOUDNESS_TOLERANCE),
        Range(swing, swing),
    )


def name_of(pitch: int) -> str:
    """Return a pitch's name, middle C being C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def register_of(text: str) -> tuple[int, int]:
    """Read a register: "E1-G3", or MIDI pitches as "28-55".

    Raises
    ------
    OptionError
        If it is none.
    """
    joined = re.sub(r"\s", "", text)
    found = [_pitch_of(each) for each in re.split(r"(?<=\d)-", joined, maxsplit=1)]
    if len(found) != 2 or None in found:
        raise OptionError(
            f"--register {text!r} names no two pitches: write such as E1-G3 (C4 is middle C), "
            "or MIDI pitches as 28-55"
        )
    low, high = (each for each in found if each is not None)
    if low > high:
        raise OptionError(
            f"--register {text} ends below its beginning: the lower pitch comes first"
        )
    return low, high


def _pitch_of(text: str) -> int | None:
    found = _PITCH.fullmatch(text)
    if found is None:
        return None
    if found[4]:
        return int(found[4]) if int(found[4]) <= 127 else None
    pitch = _LETTERS[found[1].upper()] + {"#": 1, "b": -1, "": 0}[found[2]]
    pitch += 12 * (int(found[3]) + 1)
    return pitch if 0 <= pitch <= 127 else None


def density_of(onsets: Ints, quarters: float, *, drums: bool) -> float:
    """Return the attacks a quarter of notes on the grid."""
    return (len(onsets) if drums else len(np.unique(onsets))) / max(quarters, 1e-9)


def loudened(velocities: Ints, wanted: Range) -> Ints:
    """Return velocities moved all alike, until their mean is within a range."""
    result = velocities
    if not len(velocities):
        return result
    # what is cut off at the ends is made up for by the rest
    for _ in range(8):
        mean = float(result.mean())
        gap = wanted.nearest(mean) - mean
        if abs(gap) < 0.5:
            break
        result = np.clip(result + int(np.copysign(np.ceil(abs(gap)), gap)), 1, 127)
    return result


def second_eighth(wanted: Range) -> int:
    """Return the tick of a beat on which the second eighth comes nearest to a ratio."""
    return min(_SECOND_EIGHTHS, key=lambda tick: (wanted.octaves_away(_SECOND_EIGHTHS[tick]), tick))


def swung(notes: Ints, bar_onsets: Ints, wanted: Range, *, drums: bool) -> Ints:
    """Return notes with the second eighth of each beat early or late.

    What subdivides a beat further moves along, or is left out where only time is kept: a hat on
    each sixteenth is a hat on swung eighths.

    Parameters
    ----------
    notes : array of int [shape=(note, 4)]
        Onset, duration, pitch and velocity on the grid.
    bar_onsets : array of int [shape=(bar + 1,)]
    wanted : Range
        Of the ratio of the first eighth to the second.
    drums : bool
    """
    if wanted == ANY or not len(notes):
        return notes
    target = second_eighth(wanted)
    bar = np.searchsorted(bar_onsets[1:-1], notes[:, 0], side="right")
    phase = (notes[:, 0] - bar_onsets[bar]) % TICKS_PER_BEAT
    moved = phase.copy()
    second = (phase > 5 * TICKS_PER_BEAT // 12) & (phase <= 8 * TICKS_PER_BEAT // 12)
    moved[second] = target
    kept = np.ones(len(notes), dtype=np.bool_)
    if target == _HALF:
        moved[phase == TICKS_PER_BEAT // 3] = TICKS_PER_BEAT // 4
        moved[phase == 5 * TICKS_PER_BEAT // 6] = 3 * TICKS_PER_BEAT // 4
    else:
        further = np.isin(phase, (TICKS_PER_BEAT // 4, 3 * TICKS_PER_BEAT // 4))
        timekeeper = np.isin(notes[:, 2], _TIMEKEEPERS) & drums
        kept = ~(further & timekeeper)
        moved[phase == TICKS_PER_BEAT // 4] = TICKS_PER_BEAT // 3
        moved[phase == 3 * TICKS_PER_BEAT // 4] = target
    result = notes.copy()
    result[:, 0] += moved - phase
    end = bar_onsets[bar + 1]
    kept &= result[:, 0] < end
    result = result[kept]
    _, first = np.unique(result[:, [0, 2]], axis=0, return_index=True)
    return result[np.sort(first)]


_TIMEKEEPERS = (*DRUM_CLASSES["hats"], 51, 53, 59, 54, 69, 70, 82)


def on_chords(notes: Sequence[Note], context: Arrangement, low: int, high: int) -> tuple[Note, ...]:
    """Return notes of which those on strong beats are tones of the chord in force.

    Strong are the first beat of a bar and, in a bar of four quarters or another even number above,
    the one in its middle. A wrong tone goes to the nearest right one, downwards in doubt; two notes
    that meet there are one.

    Parameters
    ----------
    notes : sequence of Note
    context : Arrangement
        Gives bars and chords: its symbols, or else what its notes sound.
    low, high : int
        MIDI pitches within which tones are looked for.
    """
    quarter = context.ticks_per_beat
    strong = set()
    for bar in bars(context):
        strong.add(bar.onset)
        if bar.length % (2 * quarter) == 0 and bar.length >= 4 * quarter:
            strong.add(bar.onset + bar.length // 2)
    chords = estimate_chords(context)
    result: dict[tuple[int, int], Note] = {}
    for note in notes:
        chord = chord_at(chords, note.onset) if note.onset in strong else None
        pitch = note.pitch
        if chord is not None and chord.pitch_classes and pitch % 12 not in chord.pitch_classes:
            able = [each for each in range(low, high + 1) if each % 12 in chord.pitch_classes]
            pitch = min(able, key=lambda each: (abs(each - note.pitch), each), default=pitch)
        result.setdefault((note.onset, pitch), note._replace(pitch=pitch))
    return tuple(result.values())
