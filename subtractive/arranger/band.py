"""What the others play, laid on the chart's steps: who strikes where, how low, how loud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subtractive.arrangement import Arrangement
from subtractive.arranger.chart import (
    EIGHTH,
    QUARTER,
    SIXTEENTH,
    TRIPLET,
    Array,
    Chart,
    Flags,
    Ints,
)
from subtractive.arrays import notes_array
from subtractive.instruments import roles
from subtractive.kit import DRUM_CLASSES, KICKS

SILENT = 128  # lowest pitch where nobody strikes
LOW = 55  # a guitar whose strokes lie below G3 in the middle plays the riff, not the lead
_HATS = (*DRUM_CLASSES["hats"], 51, 53, 59)
_KIT = {"kick": KICKS, "snare": DRUM_CLASSES["snare"], "hats": _HATS}
_COARSE = {False: SIXTEENTH, True: TRIPLET // 2}  # steps between places a player aims at
VOICES = ("kick", "snare", "hats", "bass", "riff", "lead", "other")


@dataclass(frozen=True, eq=False)
class Band:
    """The context as a musician hears it.

    Attributes
    ----------
    struck : dict of voice to array of bool [shape=(step,)]
        Where each of `VOICES` strikes. "riff" is the low guitars, "lead" the high ones; "anyone"
        is all that have pitch.
    lowest : dict of voice to array of int [shape=(step,)]
        Lowest pitch struck there; `SILENT` where none is.
    players : array of int [shape=(step,)]
        How many parts strike there.
    loudness : array [shape=(bar,)]
        Mean velocity; 0 where nobody strikes.
    present : array of bool [shape=(part, bar)]
        Which parts strike in which bars.
    sounding : array of bool [shape=(bar,)]
        Whether anything is struck or held there.
    tick : array of int [shape=(step + 1,)]
        Where the band plays each step: the chart's tick, or the struck one, so that a player who
        joins in is as early or late as the others.
    triplet : bool
        Whether beats are divided in three (swing too).
    programs : frozenset of int
        Of the pitched parts that play.
    """

    struck: dict[str, Flags]
    lowest: dict[str, Ints]
    players: Ints
    loudness: Array
    present: Flags
    sounding: Flags
    tick: Ints
    triplet: bool
    programs: frozenset[int]

    def plays(self, voice: str, chart: Chart) -> Flags:
        """Return in which bars a voice strikes at all [shape=(bar,)]."""
        return np.logical_or.reduceat(self.struck[voice], chart.first[:-1])

    @classmethod
    def of(cls, context: Arrangement, chart: Chart) -> Band:
        """Return what the parts of `context` play."""
        steps, count = chart.steps, len(chart.bars)
        struck = {voice: np.zeros(steps, dtype=np.bool_) for voice in VOICES}
        lowest = {voice: np.full(steps, SILENT) for voice in VOICES}
        players = np.zeros(steps, dtype=np.int64)
        tick = chart.tick.copy()
        total, level = np.zeros(count), np.zeros(count)
        present = np.zeros((len(context.parts), count), dtype=np.bool_)
        sounding = np.zeros(count + 1, dtype=np.int64)
        edges = chart.tick[chart.first]
        notes = [notes_array(part.notes) for part in context.parts]
        triplet = _in_triplets(np.concatenate([np.zeros(0), *(n["onset"] for n in notes)]), chart)
        # drums come last, for it is their time that others keep
        order = sorted(range(len(notes)), key=lambda each: context.parts[each].is_drums)
        its_roles = roles(context.parts)
        for place in order:
            onset = notes[place]["onset"].astype(np.int64)
            pitch = notes[place]["pitch"].astype(np.int64)
            if not len(onset):
                continue
            step = _nearest(onset, chart, triplet)
            for voice in _voices(its_roles[place], pitch):
                mine = np.isin(pitch, _KIT[voice]) if voice in _KIT else np.ones(len(step), bool)
                struck[voice][step[mine]] = True
                np.minimum.at(lowest[voice], step[mine], pitch[mine])
            players[np.unique(step)] += 1
            tick[step[::-1]] = onset[::-1]
            bar = chart.bar_of[step]
            present[place, bar] = True
            np.add.at(total, bar, 1)
            np.add.at(level, bar, notes[place]["velocity"])
            end = onset + notes[place]["duration"]
            last = np.searchsorted(edges, end, side="left") - 1
            np.add.at(sounding, bar, 1)
            np.add.at(sounding, np.clip(last, bar, count - 1) + 1, -1)
        pitched = [struck[voice] for voice in ("bass", "riff", "lead", "other")]
        struck["anyone"] = np.logical_or.reduce(pitched)
        return cls(
            struck=struck,
            lowest=lowest,
            players=players,
            loudness=np.divide(level, total, out=np.zeros(count), where=total > 0),
            present=present,
            sounding=np.cumsum(sounding)[:-1] > 0,
            tick=np.clip(tick, 0, max(0, chart.bars[-1].end - 1)),
            triplet=triplet,
            programs=frozenset(
                part.program for part in context.parts if part.notes and not part.is_drums
            ),
        )


def _voices(role: str, pitch: Ints) -> tuple[str, ...]:
    """Return the voices that a part of some role is heard as."""
    if role == "drums":
        return tuple(_KIT)
    if role == "guitar":
        return ("riff",) if np.median(pitch) < LOW else ("lead",)
    return (role,)


def _fraction(onset: Array | Ints, chart: Chart) -> tuple[Ints, Array]:
    """Return the bar of each onset and how many steps it is after the barline, unrounded."""
    quarter = chart.ticks_per_beat
    edges = chart.tick[chart.first[:-1]]
    early = onset + quarter // 12
    bar = np.clip(np.searchsorted(edges, early, side="right") - 1, 0, len(edges) - 1)
    return bar, (onset - edges[bar]) * QUARTER / quarter


def _in_triplets(onset: Array, chart: Chart) -> bool:
    """Return whether triplets outnumber all that lies between the beats of straight time."""
    place = np.rint(_fraction(onset, chart)[1]).astype(np.int64) % QUARTER
    count = np.bincount(place, minlength=QUARTER)
    thirds = count[TRIPLET] + count[2 * TRIPLET]
    return bool(thirds > count[SIXTEENTH] + count[EIGHTH] + count[EIGHTH + SIXTEENTH])


def _nearest(onset: Ints, chart: Chart, triplet: bool) -> Ints:
    """Return the step that each onset aims at: the nearest on the grid that the music is in."""
    bar, offset = _fraction(onset, chart)
    coarse = _COARSE[triplet]
    step = chart.first[bar] + np.rint(offset / coarse).astype(np.int64) * coarse
    # past the barline of an odd bar is on it
    step = np.where(step > chart.first[bar + 1], chart.first[bar + 1], step)
    result: Ints = np.clip(step, 0, chart.steps - 1)
    return result
