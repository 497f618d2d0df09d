"""The question: was what was asked for done.

Conventions
-----------
What is asked is a number (or a style, or bars that must stay), and adherence is the distance of
what was written from it: 0 is obedience, in the unit of the number. Only what was asked is
answered. Numbers are those of `subtractive.facts`, in which corpora are described too, and are
measured over the whole of the part; a note begins in the bar that it anticipates by at most a tenth
of a beat. One tempo holds for the part.

Metrics
-------
- `density_error`: notes a bar.
- `register_error`, `range_error`: semitones, of the median pitch and of the distance from the 10th
  to the 90th percentile (pitched parts).
- `loudness_error`: MIDI velocity, of the mean.
- `swing_error`: of the ratio of the first eighth to the second. A part with fewer than eight beats
  of two eighths has nothing to swing: it counts as straight (1).
- `style_recognised`: 1 if `benchmarks.style` hears the family that was asked for, else
  0; `style_probability`: how likely it finds that family. Both are to be read beside what true
  parts reach: of the grooves that the classifier learned from, in other songs, 0.76 to 0.84 of a
  family's parts are recognised; of grooves that it never heard, 0.1 to 0.3. So it tells whether a
  writer plays the styles as the training corpora do, and little of styles played in a new way.
- `locked_bars_kept`: share of the locked bars that hold exactly the notes that they held: onsets,
  durations, pitches and velocities.
- `strong_chord_tones`: share of the notes that begin on a strong beat and belong to the chord in
  force there; where strictness was asked for it should be 1. Strong are the first beat of a bar
  and, in a bar of four quarters or another even number above, the one in its middle, each within a
  24th of a beat. (6/8 is as long as 3/4, and only its first beat counts.)

A part without notes is at a distance of what was asked from 0 notes and 0 loudness; where register
and style have no answer, it is as wrong as can be (127 semitones, 0).

Between two parts that were written to opposite wishes, `direction` tells whether they differ in the
right direction, whatever the amount: softer and louder, sparser and busier, lower and higher,
straighter and more swung. `style_direction` tells it of a style: whether the part that was asked
for it is the likelier one of two. That is the better question where single parts are hard to tell.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np

from benchmarks.metrics.density import facts_of
from benchmarks.metrics.grid import EARLY_BEATS, Flags, place_in
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played
from benchmarks.style.model import StyleClassifier, load
from subtractive.facts import Facts

Wish = Literal["louder", "busier", "higher", "more swung"]
_FIELD: dict[Wish, str] = {
    "louder": "mean_velocity",
    "busier": "notes_per_bar",
    "higher": "median_pitch",
    "more swung": "swing_ratio",
}
STRAIGHT = 1.0
FARTHEST_PITCH = 127.0

MEASURES = (
    Measure("density_error", "part", "lower", 64.0),
    Measure("register_error", "part", "lower", FARTHEST_PITCH),
    Measure("range_error", "part", "lower", FARTHEST_PITCH),
    Measure("loudness_error", "part", "lower", 127.0),
    Measure("swing_error", "part", "lower", 2.0),
    Measure("style_recognised", "part", "higher", 0.0),
    Measure("style_probability", "part", "higher", 0.0),
    Measure("locked_bars_kept", "part", "higher", 0.0),
    Measure("strong_chord_tones", "part", "higher", 0.0),
)


@dataclass(frozen=True)
class Asked:
    """What a part was asked to be; None, or nothing, where nothing was asked.

    Attributes
    ----------
    notes_per_bar, median_pitch, range_semitones, mean_velocity, swing_ratio : float or None
        As in `subtractive.facts.Facts`.
    style : str
        Name of a family of `subtractive.styles`.
    locked_bars : collection of int
        Bars, counted from 0, that must stay as they were.
    chord_tones : bool
        Whether strong beats must have chord tones alone.
    """

    notes_per_bar: float | None = None
    median_pitch: float | None = None
    range_semitones: float | None = None
    mean_velocity: float | None = None
    swing_ratio: float | None = None
    style: str = ""
    locked_bars: Collection[int] = ()
    chord_tones: bool = False


def validate(asked: Asked, part: Played, instrument: str, before: Played | None = None) -> None:
    """Check that the wishes make sense for the part.

    Raises
    ------
    ValueError
        If pitch or chord tones are asked of drums, a locked bar is not in the music, bars are
        locked without the part that they held, or drums are called something else.
    """
    if part.is_drums != (instrument == "drums"):
        raise ValueError(f"the part is {'' if part.is_drums else 'not '}drums, not {instrument}")
    pitched = (asked.median_pitch, asked.range_semitones) != (None, None) or asked.chord_tones
    if part.is_drums and pitched:
        raise ValueError("drums have no register and no chord tones: ask it of a pitched part")
    outside = [bar for bar in asked.locked_bars if not 0 <= bar < part.around.bar_count]
    if outside:
        raise ValueError(
            f"locked bars {outside} are not among the {part.around.bar_count} bars of the music"
        )
    if asked.locked_bars and before is None:
        raise ValueError("to compare locked bars, give the part as it was before")


def number(facts: Facts, field: str) -> float:
    """Return a number of the facts; where it makes no sense: straight, silent, or nan for pitch."""
    value = float(getattr(facts, field))
    if not isnan(value):
        return value
    return {"swing_ratio": STRAIGHT, "mean_velocity": 0.0}.get(field, value)


def _error(facts: Facts, field: str, wanted: float) -> float:
    error = abs(number(facts, field) - wanted)
    return FARTHEST_PITCH if isnan(error) else error


def bar_notes(part: Played, bar: int) -> list[tuple[int, int, int, int]]:
    """Return onset (from the barline), duration, pitch and velocity of a bar's notes, in order.

    A bar holds here what begins between its barlines: what is locked is locked to the tick.
    """
    low, high = part.around.bar_edges[bar : bar + 2]
    inside = (part.onset >= low) & (part.onset < high)
    columns = (part.onset - low, part.end - part.onset, part.pitch, part.velocity)
    return sorted(zip(*(column[inside].tolist() for column in columns), strict=True))


def locked_bars_kept(part: Played, before: Played, locked: Collection[int]) -> float:
    """Return the share of the locked bars whose notes are exactly those of `before`.

    Parameters
    ----------
    part, before : Played
        In the same bars and ticks.
    locked : collection of int

    Returns
    -------
    float
        0 to 1; nan if no bar is locked.
    """
    chosen = sorted(set(locked))
    if not chosen:
        return float("nan")
    kept = sum(bar_notes(part, bar) == bar_notes(before, bar) for bar in chosen)
    return kept / len(chosen)


def on_strong_beat(part: Played) -> Flags:
    """Return which notes begin on a strong beat of their bar [shape=(note,)].

    The first beat, and the middle of a bar of four quarters or another even number above.
    """
    around = part.around
    beat = around.ticks_per_beat
    near = beat * EARLY_BEATS
    length = np.diff(around.bar_edges)[part.bar]
    offset = part.onset - around.bar_edges[part.bar]
    halves = (length % (2 * beat) == 0) & (length >= 4 * beat)
    middle = halves & (np.abs(offset - length / 2) <= near)
    return np.asarray((np.abs(offset) <= near) | middle)


def strong_chord_tones(part: Played) -> float:
    """Return the share of the notes on strong beats that are tones of the chord in force.

    Returns
    -------
    float
        0 to 1; nan if the song has no chord anywhere, 0 if the part never plays on a strong beat
        that has one.
    """
    around = part.around
    tones: Flags = around.chord_tones
    if not tones.any():
        return float("nan")
    # a note a little early belongs to the beat that it anticipates
    beat = place_in(part.onset, around.beat_edges, round(around.ticks_per_beat * EARLY_BEATS))
    has_chord: Flags = np.asarray(tones.any(axis=1))
    judged = on_strong_beat(part) & has_chord[beat]
    inside = tones[beat, part.pitch % 12]
    return float(np.mean(inside, where=judged)) if judged.any() else 0.0


def style_probability(
    part: Played, instrument: str, style: str, classifier: StyleClassifier | None = None
) -> tuple[float, float]:
    """Return whether a family is recognised (0 or 1), and its probability (0 to 1).

    Raises
    ------
    ValueError
        If the classifier knows no such family.
    """
    heard = classifier or load()
    if style not in heard.families:
        known = ", ".join(heard.families)
        raise ValueError(f"unknown style family {style!r}: choose one of {known}")
    around = part.around
    found = heard.probabilities(part.notes, around.bar_edges, around.ticks_per_beat, instrument)
    if np.isnan(found).any():
        return 0.0, 0.0
    place = heard.families.index(style)
    return float(found.argmax() == place), float(found[place])


def direction(less: Played, more: Played, wish: Wish) -> float:
    """Return whether one of two parts is louder, busier, higher or more swung than the other.

    Parameters
    ----------
    less, more : Played
        Written to the opposite wish, and to the wish.
    wish : "louder", "busier", "higher" or "more swung"

    Returns
    -------
    float
        1 if `more` has the larger number, 0.5 if both have the same, 0 otherwise; nan if one of
        them has no pitch to compare.
    """
    field = _FIELD[wish]
    low, high = number(facts_of(less), field), number(facts_of(more), field)
    if isnan(low) or isnan(high):
        return float("nan")
    return 0.5 * (1.0 + float(np.sign(high - low)))


def style_direction(
    other: Played,
    asked: Played,
    instrument: str,
    style: str,
    classifier: StyleClassifier | None = None,
) -> float:
    """Return whether a style is likelier of the part that was asked for it than of another part.

    Returns
    -------
    float
        1 if it is, 0.5 if both are as likely, 0 otherwise. Its mean over true parts is the `area`
        of the classifier's report.
    """
    low, high = (
        style_probability(part, instrument, style, classifier)[1] for part in (other, asked)
    )
    return 0.5 * (1.0 + float(np.sign(high - low)))


def evaluate(
    asked: Asked,
    part: Played,
    instrument: str,
    before: Played | None = None,
    classifier: StyleClassifier | None = None,
) -> dict[str, float]:
    """Return how far a part is from what was asked; only what was asked has a value.

    Parameters
    ----------
    asked : Asked
    part : Played
    instrument : str
    before : Played or None
        The part whose bars were locked.
    classifier : StyleClassifier or None
        None is the one that comes with the benchmarks.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError
        As `validate` and `style_probability` do.
    """
    validate(asked, part, instrument, before)
    facts = facts_of(part)
    wanted = {
        "density_error": ("notes_per_bar", asked.notes_per_bar),
        "register_error": ("median_pitch", asked.median_pitch),
        "range_error": ("range_semitones", asked.range_semitones),
        "loudness_error": ("mean_velocity", asked.mean_velocity),
        "swing_error": ("swing_ratio", asked.swing_ratio),
    }
    scores = {
        name: _error(facts, field, value)
        for name, (field, value) in wanted.items()
        if value is not None
    }
    if asked.style:
        recognised, probability = style_probability(part, instrument, asked.style, classifier)
        scores |= {"style_recognised": recognised, "style_probability": probability}
    if before is not None and asked.locked_bars:
        scores["locked_bars_kept"] = locked_bars_kept(part, before, asked.locked_bars)
    if asked.chord_tones:
        scores["strong_chord_tones"] = strong_chord_tones(part)
    return scores
