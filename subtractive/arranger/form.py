"""The road map: sections, phrases, how full each bar is, and where a player rests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subtractive.arranger.band import VOICES, Band
from subtractive.arranger.chart import QUARTER, Array, Chart, Flags, Ints

PHRASE_BARS, LONG_PHRASE_BARS = 4, 8
INTRO_BARS = 8  # of silence at the start that drums may play into
_NEW = 0.45  # how different two stretches of four bars sound where a section begins
QUIET = 0.6  # times the usual fullness: below it a bar is quiet
_MOSTLY = 0.5  # share of bars that a voice plays in a song that has it


@dataclass(frozen=True, eq=False)
class Form:
    """What a player marks on the chart before playing.

    Attributes
    ----------
    section : array of int [shape=(bar,)]
        Number of the section that each bar is in.
    place : array of int [shape=(bar,)]
        Number of the bar in its section, from 0.
    left : array of int [shape=(bar,)]
        Bars that follow in its section; 0 in the last one.
    fullness : array [shape=(bar,)]
        How much the band plays there, as a multiple of the usual in the piece.
    pause : array of bool [shape=(bar,)]
        The others all rest, or play a pick-up, and so does a player who is written now.
    """

    section: Ints
    place: Ints
    left: Ints
    fullness: Array
    pause: Flags

    @property
    def opens(self) -> Flags:
        """Bars that begin a section."""
        result: Flags = self.place == 0
        return result

    @property
    def phrase_end(self) -> Flags:
        """Last bars of sections, and of their phrases of four bars."""
        result: Flags = (self.left == 0) | (self.place % PHRASE_BARS == PHRASE_BARS - 1)
        return result

    @property
    def quiet(self) -> Flags:
        """Bars in which the band holds back."""
        result: Flags = self.fullness < QUIET
        return result

    @classmethod
    def of(cls, chart: Chart, band: Band) -> Form:
        """Return the form that the context has."""
        count = len(chart.bars)
        pick_up = _pick_up(chart)
        starts = _section_starts(_picture(chart, band), pick_up)
        section = np.searchsorted(starts, np.arange(count), side="right") - 1
        ends = np.append(starts[1:], count)
        bar = np.arange(count)
        pause = ~band.sounding if band.sounding.any() else np.zeros(count, dtype=np.bool_)
        pause[:pick_up] = True
        return cls(
            section=section,
            place=bar - starts[section],
            left=ends[section] - 1 - bar,
            fullness=_fullness(chart, band),
            pause=pause,
        )


def _pick_up(chart: Chart) -> int:
    """Return how many bars come before the first whole one: 1 after a pick-up, or 0."""
    length = np.diff(chart.first)
    return int(len(length) > 1 and length[0] < length[1])


def _onsets_per_quarter(chart: Chart, band: Band) -> Array:
    """Return how densely each voice strikes in each bar [shape=(bar, voice)]."""
    quarters = np.diff(chart.first)[:, None] / QUARTER
    counts = [np.add.reduceat(band.struck[v].astype(float), chart.first[:-1]) for v in VOICES]
    result: Array = np.stack(counts, axis=1) / quarters
    return result


def _picture(chart: Chart, band: Band) -> Array:
    """Return each bar as numbers between 0 and 1: who plays, how densely, how loud."""
    density = np.minimum(_onsets_per_quarter(chart, band), 4.0) / 4.0
    loudness = band.loudness[:, None] / 127.0
    return np.concatenate([band.present.T.astype(float), density, loudness], axis=1)


def _section_starts(picture: Array, first: int) -> Ints:
    """Return the first bars of the sections.

    A section begins where the four bars that follow differ most from the four before, by the sum
    of the mean picture's differences, and by more than `_NEW`; after Foote (2000), with means in
    place of a similarity matrix.
    """
    count = len(picture)
    total = np.concatenate([np.zeros((1, picture.shape[1])), np.cumsum(picture, axis=0)])
    bar = np.arange(count)
    before = np.maximum(bar - PHRASE_BARS, 0)
    after = np.minimum(bar + PHRASE_BARS, count)
    past = (total[bar] - total[before]) / np.maximum(bar - before, 1)[:, None]
    next_ = (total[after] - total[bar]) / (after - bar)[:, None]
    novelty = np.abs(next_ - past).sum(axis=1)
    novelty[: first + 2] = 0.0
    starts = [0, first] if first else [0]
    while (best := int(novelty.argmax())) and novelty[best] > _NEW:
        starts.append(best)
        novelty[max(0, best - PHRASE_BARS + 1) : best + PHRASE_BARS] = 0.0
    return np.array(sorted(starts))


def _fullness(chart: Chart, band: Band) -> Array:
    """Return how much is played: strikes a quarter of all parts times loudness, over the usual."""
    strikes = np.add.reduceat(band.players, chart.first[:-1]) * QUARTER / np.diff(chart.first)
    amount = strikes * band.loudness
    smooth = np.convolve(np.pad(amount, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    usual = float(np.median(smooth[smooth > 0])) if (smooth > 0).any() else 1.0
    result: Array = smooth / usual if (smooth > 0).any() else np.ones(len(smooth))
    return result


def tacet(voice: str, chart: Chart, band: Band) -> Flags:
    """Return the bars in which a voice rests that plays in most of the piece [shape=(bar,)]."""
    plays = band.plays(voice, chart)
    if plays.mean() < _MOSTLY:
        return np.zeros(len(plays), dtype=np.bool_)
    # a rest of a single bar is part of what is played
    near = np.pad(plays, 1, mode="constant")
    return ~(plays | (near[:-2] & near[2:]))
