"""Where a player strikes: a style's pattern, weighed against what the others play."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from subtractive.arrangement import Arrangement
from subtractive.arranger.asked import NOTHING, Asked
from subtractive.arranger.band import Band
from subtractive.arranger.chart import Array, Chart, Flags, Ints
from subtractive.arranger.feel import Feel
from subtractive.arranger.form import Form
from subtractive.arranger.patterns import digits
from subtractive.arranger.styles import Cells

STRIKE = 5.0  # willingness from which a player strikes
_HELD_BACK = 1.0  # willingness less in quiet bars
_HALF_TIME = str.maketrans("BM", "WB")  # the third beat of four answers, the others are weak
_OFFBEAT, _ACCENT, _DOWNBEAT = -6, 6, 4  # velocity off the pulse, with all others, on bar lines
_USUAL_LOUDNESS, _FOLLOWED = 85.0, 0.6  # a player follows this share of the others' dynamics


@dataclass(frozen=True, eq=False)
class Score:
    """All that a player knows before the first note: chart, band, form, feel, and what is asked."""

    chart: Chart
    band: Band
    form: Form
    feel: Feel
    asked: Asked = NOTHING

    @classmethod
    def of(cls, context: Arrangement, asked: Asked = NOTHING) -> Score:
        """Return what a player knows of a context, and of what is asked for."""
        chart = Chart.of(context)
        band = Band.of(context, chart)
        if asked.in_three is not None:
            band = replace(band, triplet=asked.in_three)
        form = Form.of(chart, band)
        feel = Feel.of(chart, band, form.section, asked)
        return cls(chart, band, form, feel, asked)


class Lock(NamedTuple):
    """How much a player listens to a voice.

    `hit` is what a strike of the voice adds to the willingness to strike there, `miss` what its
    silence takes away in a bar in which it plays.
    """

    voice: str
    hit: float
    miss: float


def pattern(score: Score, cells: Cells) -> Array:
    """Return the willingness that a pattern gives each step of the piece [shape=(step,)]."""
    chart = score.chart
    bars = []
    for bar, half in enumerate(score.feel.half_time.tolist()):
        beats = chart.pulses(bar)
        if half and len(beats) >= 4:
            beats = tuple(beat._replace(role=beat.role.translate(_HALF_TIME)) for beat in beats)
        bars.append(digits(beats, cells, int(chart.first[bar + 1] - chart.first[bar])))
    return np.concatenate(bars)


def habit(struck: Flags, score: Score) -> Array:
    """Return how much a voice strikes at each step by itself and by habit [shape=(step,)].

    Half of it is the strike itself, half the share of the section's bars of the same length that
    strike at this place: a riff is what comes again.
    """
    chart = score.chart
    bar = chart.bar_of
    place = np.arange(chart.steps) - chart.first[bar]
    length = np.diff(chart.first)
    plays = np.logical_or.reduceat(struck, chart.first[:-1])
    # one number for each kind of bar: section and length
    _, kind = np.unique(score.form.section * (length.max() + 1) + length, return_inverse=True)
    slot = kind[bar] * int(length.max()) + place
    total = np.bincount(slot, weights=struck)
    count = np.bincount(slot, weights=plays[bar])
    share = np.divide(total, count, out=np.zeros(len(total)), where=count > 0)
    result: Array = (struck + share[slot]) / 2
    return result


def willingness(score: Score, cells: Cells, locks: tuple[Lock, ...]) -> Array:
    """Return how willing a player is to strike at each step [shape=(step,)].

    The pattern's digit and the eagerness asked for; for each lock whose voice plays in the bar,
    plus `hit` times its habit, less `miss` times what the habit lacks to 1; in quiet bars a little
    less. Where the pattern has no digit, and after the band's last strike, it is 0.
    """
    wish = pattern(score, cells)
    worth = wish.copy()
    for voice, hit, miss in locks:
        share = habit(score.band.struck[voice], score)
        plays = score.band.plays(voice, score.chart)[score.chart.bar_of]
        worth += plays * (hit * share - miss * (1 - share))
    worth += score.asked.eagerness - _HELD_BACK * score.form.quiet[score.chart.bar_of]
    worth[wish == 0] = 0.0
    worth[_after_the_end(score) :] = 0.0
    return worth


def _after_the_end(score: Score) -> int:
    """Return the step after the last strike of the last bar: nobody plays on alone."""
    start = int(score.chart.first[-2])
    struck = np.flatnonzero(score.band.players[start:])
    return start + int(struck[-1]) + 1 if len(struck) else score.chart.steps


def strikes(score: Score, worth: Array, gap_s: float) -> Ints:
    """Return the steps at which a player strikes, in order.

    All that are worth `STRIKE`; of two nearer than `gap_s` seconds the one that is worth less is
    left out (of equals the later one), for hands have a speed.
    """
    gap = gap_s * score.chart.tempo_qpm / 60 * score.chart.ticks_per_beat
    tick = score.band.tick
    kept: list[int] = []
    for step in np.flatnonzero(worth >= STRIKE).tolist():
        if kept and tick[step] - tick[kept[-1]] < gap:
            if worth[step] <= worth[kept[-1]]:
                continue
            kept.pop()
        kept.append(step)
    return np.array(kept, dtype=np.int64)


def loudness(score: Score, steps: Ints, usual: int) -> Ints:
    """Return velocities: with the band's dynamics, accents on barlines and where all strike.

    Parameters
    ----------
    score : Score
    steps : array of int
    usual : int
        Velocity off accents in a piece of usual loudness.
    """
    chart, band = score.chart, score.band
    bar = chart.bar_of[steps]
    place = steps - chart.first[bar]
    on_pulse = np.array([chart.on_pulse(step) for step in steps.tolist()], dtype=np.bool_)
    everyone = band.present.sum(axis=0)[bar]
    together = (everyone > 1) & (band.players[steps] >= everyone)
    level = np.where(band.loudness > 0, band.loudness, _USUAL_LOUDNESS)[bar]
    velocity = usual + _FOLLOWED * (level - _USUAL_LOUDNESS)
    velocity = velocity + _DOWNBEAT * (place == 0) + _ACCENT * together + _OFFBEAT * ~on_pulse
    result: Ints = np.clip(np.rint(velocity), 20, 127).astype(np.int64)
    return result
