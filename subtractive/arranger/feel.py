"""Which style the band is in, and where its backbeat goes at half the pace.

Each style's own patterns are held against what the band plays: the style that explains it best is
the one to play in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subtractive.arranger.asked import NOTHING, Asked
from subtractive.arranger.band import Band
from subtractive.arranger.chart import EIGHTH, QUARTER, Array, Chart, Flags, Ints
from subtractive.arranger.learned import DrumPattern, chosen
from subtractive.arranger.patterns import digits
from subtractive.arranger.styles import DISTORTED, STYLES, Style

# What of a style is held against which voice.
_COMPARED = (
    ("kick", "kick"),
    ("snare", "snare"),
    ("time", "hats"),
    ("bass", "bass"),
    ("guitar", "riff"),
    ("guitar", "other"),
)
_TEMPO, _SOUND = 0.3, 0.3  # what a usual tempo, or a sound that belongs to the style, adds
_DRIVEN = 0.6  # what a style for heavy bands gets on top in one
_DENSE = 1.2  # strikes a quarter of a bass or kick that drives
_HALF_TIME_QPM, _HALF_TIME_STRIKES = 100.0, 1.6  # faster, and fewer strikes a quarter, go in half


@dataclass(frozen=True, eq=False)
class Feel:
    """What is felt in the whole piece.

    Attributes
    ----------
    style : Style
    heavy : bool
        Whether the guitar's power chords are at home here.
    half_time : array of bool [shape=(bar,)]
        Where the backbeat comes once a bar, on the third of four beats.
    drums : DrumPattern or None
        How the drums go where a family of styles was asked for.
    """

    style: Style
    heavy: bool
    half_time: Flags
    drums: DrumPattern | None = None

    @classmethod
    def of(cls, chart: Chart, band: Band, section: Ints, asked: Asked = NOTHING) -> Feel:
        """Return the feel of a context, given the section that each bar is in.

        Of the families of styles, where any are asked for, the likeliest is played; those that the
        metre cannot carry (a waltz in four) are passed over.
        """
        able = [style for style in STYLES.values() if set(style.families) & asked.families]
        heavy = is_heavy(chart, band)
        style = _likeliest(chart, band, heavy, able)
        if able:
            heavy = style.driven and (heavy or style.name == "heavy")
        struck = np.add.reduceat(band.struck["anyone"].astype(float), chart.first[:-1])
        quarters = np.diff(chart.first) / QUARTER
        density = np.bincount(section, struck) / np.bincount(section, quarters)
        sparse = (density < _HALF_TIME_STRIKES)[section] & (struck > 0)
        half = sparse & style.halves & (chart.tempo_qpm >= _HALF_TIME_QPM)
        return cls(style, heavy, half, chosen(chart, band, asked) if asked.families else None)


def is_heavy(chart: Chart, band: Band) -> bool:
    """Return whether the band drives: distorted guitars, or a dense bass or kick and no chart.

    Written chord symbols ask for whole chords; a riff band plays without any.
    """
    if band.programs & DISTORTED:
        return True

    def density(voice: str) -> float:
        steps = int(band.plays(voice, chart)[chart.bar_of].sum())
        return int(band.struck[voice].sum()) * QUARTER / steps if steps else 0.0

    return not chart.written and max(density("bass"), density("kick")) >= _DENSE


def _likeliest(chart: Chart, band: Band, heavy: bool, asked: Sequence[Style] = ()) -> Style:
    """Return the style whose patterns are most like what the band plays in its usual bars."""
    lengths, counts = np.unique(np.diff(chart.first), return_counts=True)
    usual = np.diff(chart.first) == lengths[counts.argmax()]
    beats = chart.pulses(int(np.flatnonzero(usual)[0]))
    divided = "six" if beats[0].length == 3 * EIGHTH else "three" if band.triplet else "two"
    heard = {voice: _profile(band.struck[voice], chart, usual) for _, voice in _COMPARED}

    def likeness(style: Style) -> float:
        low, high = style.tempo_qpm
        return (
            sum(
                _cosine(digits(beats, getattr(style, kind), len(heard[voice])), heard[voice])
                for kind, voice in _COMPARED
            )
            + _TEMPO * (low <= chart.tempo_qpm < high)
            + _SOUND * bool(style.programs & band.programs)
            + _DRIVEN * style.driven
        )

    playable = [style for style in asked if not style.pulses or len(beats) in style.pulses]
    if playable:
        return max(playable, key=likeness)
    fitting = [
        style
        for style in STYLES.values()
        if style.divided == divided
        and (not style.pulses or len(beats) in style.pulses)
        and (heavy or not style.driven)
    ]
    return max(fitting, key=likeness)


def _profile(struck: Flags, chart: Chart, usual: Flags) -> Array:
    """Return how often a voice strikes at each step of a usual bar, of the bars it plays in."""
    rows = struck[usual[chart.bar_of]].reshape(int(usual.sum()), -1)
    rows = rows[rows.any(axis=1)]
    result: Array = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    return result


def _cosine(one: Array, other: Array) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0
