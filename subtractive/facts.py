"""What a part is like, in numbers: how much it plays, how loud, how swung, in what manner.

`measure` turns an excerpt of a part into `Facts`; what can be said of them is `subtractive.terms`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from subtractive.arrays import Notes
from subtractive.kit import ELSE, KICK, KIND, SNARE, kit_facts
from subtractive.placed import EARLY, ON_BEAT, QUARTER, Bools, Ints, Placed, share

_STRUM = 45  # ticks between two strings of one chord
_SLOTS = 32  # sixteenths of a bar that are compared; longer bars are compared by their beginning
_UNCOUNTED = -1
_ALIKE = 0.75  # share of strokes in common (Jaccard) that makes two bars the same


@dataclass(frozen=True, slots=True)
class Facts:
    """Numbers measured on a part within its excerpt; nan where a number makes no sense there.

    An *attack* is a moment at which something is struck: a chord is one attack, and so is each
    stroke on a drum.

    Attributes
    ----------
    instrument : str
    bars : int
    tempo_qpm : float
        Quarter notes a minute.
    notes_per_bar, attacks_per_quarter, attacks_per_second : float
    notes_per_attack : float
        Polyphony: 1 for single notes (pitched parts).
    median_pitch, range_semitones : float
        MIDI pitch; distance of the 10th and 90th percentiles (pitched parts).
    syncopation_share : float
        Attacks off the beat that are followed by none on the next beat, as a share of all: the
        case of Longuet-Higgins & Lee (The rhythmic interpretation of monophonic music, 1984) at
        the level of the beat, unweighted. Of drums, kick and snare count alone.
    swing_ratio : float
        Length of the first eighth in a beat of two, over the second: 1 is straight, 2 triplets.
        nan below 8 such beats; beats divided further do not count.
    mean_velocity, velocity_range : float
        Range: distance of the 10th and 90th percentiles.
    articulation_ratio : float
        Median of sounding time over time to the next attack, of attacks within a bar of the next
        (pitched parts).
    steady_share : float
        Bars whose rhythm (of drums: on each drum) came at least three quarters alike before.
    offbeat_share, backbeat_attack_share : float
        Attacks on off-beat eighths; on the second and fourth quarters of 4/4 (pitched parts).
    half_share, quarter_share, eighth_share, sixteenth_share : float
        Attacks at that distance from the one before (pitched parts; swung eighths are eighths).
    repeat_share, step_share, skip_share, octave_share : float
        Of moves from one single note to the next: none, at most 2 semitones, 3 and more, 12.
    chord_share, power_share : float
        Attacks of three or more notes; of roots and fifths alone (guitar).
    backbeat_share, halftime_share, onedrop_share, floor_share : float
        Of bars of 4/4 played: snare on 2 and 4; on 3 alone; kick on 3 but not on 1; of quarters:
        kick on each (drums).
    hats_per_quarter, rides_per_quarter, kicks_per_quarter : float
    backbone_velocity : float
        Mean velocity of kick and snare (drums).
    tom_share, ghost_share, stick_share, hand_share, shaker_share, cowbell_share : float
        Toms, hand drums, shakers and cowbells as shares of all strokes; of the snare's: strokes
        below velocity 50 beside some above 80; side sticks (drums).
    claps_per_bar, crashes_per_bar, fills_per_bar : float
        A fill is a bar whose second half has at least 3 more tom and snare strokes than usual.
    phrase_fills : float
        1 if there are fills and all lie a multiple of four bars apart, else 0 (drums).
    """

    instrument: str
    bars: int
    tempo_qpm: float
    notes_per_bar: float
    attacks_per_quarter: float
    attacks_per_second: float
    syncopation_share: float = nan
    swing_ratio: float = nan
    mean_velocity: float = nan
    velocity_range: float = nan
    steady_share: float = nan
    notes_per_attack: float = nan
    median_pitch: float = nan
    range_semitones: float = nan
    articulation_ratio: float = nan
    offbeat_share: float = nan
    backbeat_attack_share: float = nan
    half_share: float = nan
    quarter_share: float = nan
    eighth_share: float = nan
    sixteenth_share: float = nan
    repeat_share: float = nan
    step_share: float = nan
    skip_share: float = nan
    octave_share: float = nan
    chord_share: float = nan
    power_share: float = nan
    backbeat_share: float = nan
    halftime_share: float = nan
    onedrop_share: float = nan
    floor_share: float = nan
    hats_per_quarter: float = nan
    rides_per_quarter: float = nan
    kicks_per_quarter: float = nan
    backbone_velocity: float = nan
    tom_share: float = nan
    ghost_share: float = nan
    stick_share: float = nan
    hand_share: float = nan
    shaker_share: float = nan
    cowbell_share: float = nan
    claps_per_bar: float = nan
    crashes_per_bar: float = nan
    fills_per_bar: float = nan
    phrase_fills: float = nan


def measure(notes: Notes, bars: Ints, beats: Ints, instrument: str, tempo: float) -> Facts:
    """Return the facts of a part within an excerpt.

    Parameters
    ----------
    notes : array of NOTE [shape=(note,)]
        In ticks of 480 to a quarter from the excerpt's start, in order of onset.
    bars : array of int [shape=(bar + 1,)]
        Onsets of the bars; the last one is the excerpt's end.
    beats : array of int [shape=(bar,)]
        Ticks of each metre's own beat.
    instrument : str
    tempo : float
        Quarter notes a minute.
    """
    bars = np.asarray(bars, dtype=np.int64)
    inside = (notes["onset"] >= bars[0] - EARLY) & (notes["onset"] < bars[-1])
    notes = notes[inside]
    onset = notes["onset"].astype(np.int64)
    bar = np.clip(np.searchsorted(bars, onset + EARLY, side="right") - 1, 0, len(bars) - 2)
    quarters = max(float(bars[-1] - bars[0]) / QUARTER, 1.0)
    placed = Placed(notes, bar, onset - bars[bar], bars, quarters)
    if instrument == "drums":
        attacks = len(notes)
        kind = KIND[notes["pitch"] & 127]
        values = _common(placed, beats, (kind == KICK) | (kind == SNARE), kind) | kit_facts(
            placed, kind
        )
    else:
        first = np.concatenate([[True], np.diff(onset) > _STRUM])[: len(notes)]
        attacks = int(first.sum())
        # strings after the first of a strum have no rhythm of their own
        values = _common(placed, beats, first, np.where(first, KICK, _UNCOUNTED))
        values |= _pitched(placed, first)
    count, rate = len(bars) - 1, attacks / quarters
    return Facts(instrument, count, tempo, len(notes) / count, rate, rate * tempo / 60, **values)


def _spread(values: npt.NDArray[np.generic]) -> float:
    """Return the distance of the 10th and the 90th percentile, between values that occur."""
    ranked = np.sort(values)
    last = len(ranked) - 1
    return float(ranked[round(0.9 * last)]) - float(ranked[round(0.1 * last)])


def _common(placed: Placed, beats: Ints, struck: Bools, kind: Ints) -> dict[str, float]:
    """Return what every part has; `struck` are the notes that make its rhythm."""
    if not len(placed.notes):
        return {}
    velocity = placed.notes["velocity"]
    return {
        "syncopation_share": _syncopation(placed, np.asarray(beats), struck),
        "swing_ratio": _swing(placed),
        "mean_velocity": float(velocity.mean()),
        "velocity_range": _spread(velocity),
        "steady_share": _steadiness(placed, kind),
    }


def _syncopation(placed: Placed, beats: Ints, struck: Bools) -> float:
    bar, offset = placed.bar[struck], placed.offset[struck]
    if not len(bar):
        return nan
    length = np.diff(placed.bars)
    # 6/8 and its kin count in dotted quarters, everything else in quarters
    compound = (beats == QUARTER // 2) & (length % (3 * QUARTER // 2) == 0)
    pulse = np.where(compound, 3 * QUARTER // 2, QUARTER)[bar]
    ahead = offset + EARLY
    off = ahead % pulse > EARLY + ON_BEAT
    start = placed.bars[bar] + offset
    following = placed.bars[bar] + np.minimum((ahead // pulse + 1) * pulse, length[bar])
    later = np.searchsorted(start, start, side="right")
    after = np.append(start, placed.bars[-1] + QUARTER)[later]
    return share(off & (after > following + ON_BEAT))


def _swing(placed: Placed) -> float:
    ahead = placed.offset + EARLY
    beat = placed.bar * 64 + ahead // QUARTER
    phase = (ahead % QUARTER - EARLY) / QUARTER
    second = (phase > 0.4) & (phase < 0.72)
    further = ((phase > 0.15) & (phase <= 0.4)) | (phase >= 0.72)
    divided = np.zeros(int(beat.max()) + 1, dtype=np.bool_)
    divided[beat[further]] = True
    second &= ~divided[beat]
    if len(np.unique(beat[second])) < 8:
        return nan
    middle = float(np.median(phase[second]))
    return middle / (1 - middle)


def _steadiness(placed: Placed, kind: Ints) -> float:
    slot = np.rint(4 * placed.offset / QUARTER).astype(np.int64)
    kept = (kind != _UNCOUNTED) & (slot < _SLOTS)
    rhythm = np.zeros((len(placed.bars) - 1, _SLOTS * (ELSE + 1)), dtype=np.float32)
    rhythm[placed.bar[kept], kind[kept] * _SLOTS + np.maximum(slot[kept], 0)] = 1
    count = rhythm.sum(axis=1)
    if (count > 0).sum() < 2:
        return nan
    common = rhythm @ rhythm.T
    either = count[:, None] + count - common
    alike = np.tril(common >= _ALIKE * np.maximum(either, 1), -1).any(axis=1)
    # the first bar played has nothing to repeat
    return float(alike.sum()) / float((count > 0).sum() - 1)


def _pitched(placed: Placed, first: Bools) -> dict[str, float]:
    notes = placed.notes
    if not len(notes):
        return {}
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(notes)))
    onset = notes["onset"][starts].astype(np.int64)
    end = np.maximum.reduceat(notes["onset"] + notes["duration"].astype(np.int64), starts)
    gap = np.diff(onset)
    near = gap <= 4 * QUARTER
    phase = (placed.offset[starts] + EARLY) % QUARTER - EARLY
    common_time = (np.diff(placed.bars) == 4 * QUARTER)[placed.bar[starts]]
    beat = np.rint(placed.offset[starts] / QUARTER)
    on_two_or_four = (np.abs(phase) <= ON_BEAT) & ((beat == 1) | (beat == 3))
    sounding = (end[:-1] - onset[:-1])[near] / np.maximum(gap[near], 1)
    values = {
        "notes_per_attack": len(notes) / len(starts),
        "median_pitch": float(np.median(notes["pitch"])),
        "range_semitones": _spread(notes["pitch"]),
        "articulation_ratio": float(np.median(sounding)) if len(sounding) else nan,
        "offbeat_share": share((phase > 0.4 * QUARTER) & (phase < 0.72 * QUARTER)),
        "backbeat_attack_share": share(on_two_or_four[common_time]),
        "half_share": share(np.abs(gap - 2 * QUARTER) <= ON_BEAT),
        "quarter_share": share(np.abs(gap - QUARTER) <= ON_BEAT),
        # from the short to the long side of a swung pair
        "eighth_share": share((gap > 0.3 * QUARTER) & (gap < 0.72 * QUARTER)),
        "sixteenth_share": share(gap <= 0.3 * QUARTER),
    }
    single = sizes == 1
    pitch = notes["pitch"][starts].astype(np.int64)
    move = np.abs(np.diff(pitch))[single[1:] & single[:-1]]
    if len(move) >= 4:
        values |= {
            "repeat_share": share(move == 0),
            "step_share": share((move > 0) & (move <= 2)),
            "skip_share": share(move >= 3),
            "octave_share": share(move == 12),
        }
    above = np.repeat(pitch, sizes)
    fifth = np.isin((notes["pitch"] - above) % 12, (0, 7))
    power = np.logical_and.reduceat(fifth, starts) & (sizes >= 2)
    return values | {"chord_share": share(sizes >= 3), "power_share": share(power)}
