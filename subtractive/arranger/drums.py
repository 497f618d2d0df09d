"""The drums: kick with the bass, the backbeat, a time on hat or ride, crashes and fills."""

from __future__ import annotations

import numpy as np

from subtractive.arrangement import Note
from subtractive.arranger.chart import QUARTER, SIXTEENTH, TRIPLET, Flags, Ints
from subtractive.arranger.form import INTRO_BARS, LONG_PHRASE_BARS
from subtractive.arranger.learned import FIRST_KEY, DrumPattern
from subtractive.arranger.rhythm import Lock, Score, loudness, strikes, willingness
from subtractive.arranger.styles import Cells

KICK, STICK, SNARE, HAT, PEDAL, CRASH, RIDE = 36, 37, 38, 42, 44, 49, 51
KICK_LOCKS = (Lock("bass", 3, 1.5), Lock("riff", 1.5, 0.5), Lock("other", 0.5, 0))
TIME_LOCKS = (Lock("anyone", 3, 1.5),)
GAP_S = 0.07
PEDAL_CELLS: Cells = {"D": "....", "B": "9...", "M": "....", "W": "9..."}

# How often a fill ends a section, a phrase of eight bars, one of four.
SECTION_FILL, LONG_FILL, SHORT_FILL = 0.8, 0.35, 0.12
LONG_FILL_SHARE = 0.3  # of fills that take two pulses, not one
# Fills by the number of strokes a quarter, over two pulses; one pulse has their second half. Signs:
# Snare, High, Mid and Low tom, Kick; "." leaves out.
FILLS = {
    QUARTER // SIXTEENTH: ("S.SSHHLL", "S.SSS.SS", "S.H.HMLL", "S.K.SSHL", "S.SSS.SL"),
    QUARTER // TRIPLET: ("S.SSML", "S.SSSS", "SHHSML"),
}
_SIGNS = {"S": SNARE, "H": 48, "M": 47, "L": 43, "K": KICK}


def rests(score: Score) -> Flags:
    """Return the bars in which the drums rest [shape=(bar,)]: pauses that are no intro."""
    pause = score.form.pause.copy()
    first = int(np.flatnonzero(~pause)[0]) if not pause.all() else 0
    if 1 < first <= INTRO_BARS:
        pause[:first] = False
    return pause


def write(score: Score, rng: np.random.Generator) -> list[Note]:
    """Return the strokes of the drums."""
    if score.feel.drums is not None:
        return _asked(score, score.feel.drums, rng)
    style = score.feel.style
    silent = rests(score)
    fills = _fills(score, silent, rng)
    filled = _covered(score, fills)
    off = silent[score.chart.bar_of]

    def steps(cells: Cells, locks: tuple[Lock, ...], off: Flags) -> Ints:
        worth = willingness(score, cells, locks)
        worth[off] = 0.0
        return strikes(score, worth, GAP_S)

    kick = steps(style.kick, KICK_LOCKS, off)
    snare = steps(style.snare, (), off)
    time = steps(style.time, TIME_LOCKS, off | filled)
    crash = _crashes(score, silent)
    kit = [
        (KICK, np.union1d(kick, crash), 100),
        (STICK if style.stick else SNARE, snare, 104),
        (RIDE if style.ride else HAT, np.setdiff1d(time, crash), 78),
        (CRASH, crash, 106),
    ]
    if style.ride:
        kit.append((PEDAL, steps(PEDAL_CELLS, (), off | filled), 70))
    kit += [(key, np.array([step]), 96) for step, key in _rolled(score, fills, rng)]
    short = max(1, score.chart.ticks_per_beat // 8)
    strokes = {
        (int(score.band.tick[step]), key): velocity
        for key, struck, usual in kit
        for step, velocity in zip(
            struck.tolist(), loudness(score, struck, usual).tolist(), strict=True
        )
    }
    return [Note(onset, short, key, velocity) for (onset, key), velocity in strokes.items()]


def _asked(score: Score, pattern: DrumPattern, rng: np.random.Generator) -> list[Note]:
    """Return strokes in a learned pattern: two bars of it, in every section the same."""
    chart = score.chart
    silent = rests(score)
    fills = _fills(score, silent, rng)
    filled = _covered(score, fills)
    pair = [pattern.bar(rng, score.asked.eagerness) for _ in range(2)]
    crash = _crashes(score, silent)
    strokes = {(int(step), CRASH): 106 for step in crash}
    for bar in np.flatnonzero(~silent).tolist():
        first, length = int(chart.first[bar]), int(chart.first[bar + 1] - chart.first[bar])
        struck = pair[int(score.form.place[bar]) % 2]
        for key, step in np.argwhere(struck[:, :length]).tolist():
            at, pitch = first + step, FIRST_KEY + key
            if filled[at] and pitch != KICK:
                continue
            strokes.setdefault((at, pitch), round(float(pattern.velocity[key, step])))
    strokes |= dict.fromkeys(_rolled(score, fills, rng), 96)
    short = max(1, chart.ticks_per_beat // 8)
    return [
        Note(int(score.band.tick[step]), short, key, min(127, max(1, velocity)))
        for (step, key), velocity in strokes.items()
    ]


def _crashes(score: Score, silent: Flags) -> Ints:
    """Return the steps of crashes: where a section begins that is not quiet."""
    bars = np.flatnonzero(score.form.opens & ~silent & ~score.form.quiet)
    return score.chart.first[bars]


def _fills(score: Score, silent: Flags, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return the fills' first steps and ends: they close phrases, the longer the likelier."""
    chart, form = score.chart, score.form
    found = []
    for bar in np.flatnonzero(form.phrase_end).tolist():
        is_long = form.place[bar] % LONG_PHRASE_BARS == LONG_PHRASE_BARS - 1
        chance = SECTION_FILL if form.left[bar] == 0 else LONG_FILL if is_long else SHORT_FILL
        played = rng.random() < chance * score.asked.fills
        two = rng.random() < LONG_FILL_SHARE
        beats = chart.pulses(bar)
        last = bar == len(chart.bars) - 1
        if not played or silent[bar] or form.quiet[bar] or last or len(beats) < 2:
            continue
        start = int(chart.first[bar]) + beats[-2 if two and len(beats) > 2 else -1].first
        found.append((start, int(chart.first[bar + 1])))
    return found


def _covered(score: Score, fills: list[tuple[int, int]]) -> Flags:
    """Return the steps that fills take [shape=(step,)]."""
    filled = np.zeros(score.chart.steps, dtype=np.bool_)
    for start, end in fills:
        filled[start:end] = True
    return filled


def _rolled(
    score: Score, fills: list[tuple[int, int]], rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Return step and drum of the strokes of the fills."""
    unit = TRIPLET if score.band.triplet else SIXTEENTH
    cells = FILLS[QUARTER // unit]
    strokes = []
    for start, end in fills:
        cell = cells[int(rng.integers(len(cells)))]
        count = -(-(end - start) // unit)
        signs = cell[-count:].rjust(count, "S")
        strokes += [
            (start + number * unit, _SIGNS[sign])
            for number, sign in enumerate(signs)
            if sign != "."
        ]
    return strokes
