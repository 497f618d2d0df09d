"""The question: does the rhythm of a part lock with that of the others, and does it keep time.

Conventions
-----------
Onsets are sets of 16ths, counted from the start of the music; two notes on one 16th count once.
The pulse is what a drummer counts: the quarter, or the dotted quarter where a bar is made of them.
Nothing in the surroundings tells 6/8 from 3/4 or 12/8 from 6/4, so the notes of the context decide:
such bars are counted in dotted quarters if more notes begin a dotted quarter into each group of
three quarters than, on average, on its second and third quarter. 9/8 is always counted in three.

Metrics with the others
-----------------------
- `bass_kick_f1`: onsets of a bass against those of the song's own kick drum.
- `kick_bass_f1`: the same from the other side: strokes of the drums' kick against the onsets of the
  bass that is heard. That is the lowest voice, whoever plays it: notes below E3 under which nothing
  sounds as they begin.
- `onset_lock`: Pearson's correlation, over all 16ths, of whether a note of the part begins and of
  how strongly the others strike, the root of the number of their notes. 1 is all and only where
  they accent, 0 is chance. (The plain share of the part's onsets that somebody else shares is about
  0.85 even for a part of another song: a busy band strikes nearly everywhere.)

Metrics of the drums alone
--------------------------
- `backbeat_rate`: of the backbeats, the share with a snare, side stick or clap within a 32nd.
  Backbeats are the 2nd, 4th ... pulse of a bar; of a bar of three the 2nd and the 3rd; so 6/8 has
  one.
- `half_time_rate`: of the bars of four pulses, the share with a snare on 3 and none on 2 and 4.
- `hat_subdivision`: mean over beats of the number of parts into which hi-hat or ride divide the
  beat: 0 (not played), 1 (quarter), 2 (eighth), 3 (triplet), 4 (16th). The finest counts, to the
  nearest 12th of a beat, and late or early eighths count as eighths.
- `hat_triplet_rate`: share of beats in which that is a triplet (a shuffle is).
- `phrase_fill_rate`, `other_fill_rate`: share of bars that are fills, of the last bars of phrases
  of four bars (counted from the start of the music), and of all others. A fill is a bar in whose
  second half there are at least 3 strokes more on toms and snare than in that of the median bar.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from benchmarks.metrics.grid import Array, Flags, Ints, Surroundings, f1, sixteenths
from benchmarks.metrics.harmony import lowest_at
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played
from subtractive.kit import CLAP, HAT, KICKS, KIND, RIDE, SIDE_STICK, SNARE, TOM

BASS_BELOW = 52  # E3
PHRASE_BARS = 4
FILL_STROKES = 3

# The number of parts that a stroke at each 12th of a beat divides the beat into.
_DIVISION = np.array([1, 1, 4, 4, 3, 2, 2, 2, 3, 4, 4, 1])
_TRIPLETS = 3

MEASURES = (
    Measure("bass_kick_f1", "context", "nearer", 1.0),
    Measure("kick_bass_f1", "context", "nearer", 1.0),
    Measure("onset_lock", "context", "nearer", 1.0),
    Measure("backbeat_rate", "part", "nearer", 1.0),
    Measure("half_time_rate", "part", "nearer", 1.0),
    Measure("hat_subdivision", "part", "nearer", 4.0),
    Measure("hat_triplet_rate", "part", "nearer", 1.0),
    Measure("phrase_fill_rate", "part", "nearer", 1.0),
    Measure("other_fill_rate", "part", "nearer", 1.0),
)


def validate(part: Played) -> None:
    """Check that a part is drums.

    Raises
    ------
    ValueError
        If it is pitched.
    """
    if not part.is_drums:
        raise ValueError("a pitched part has no backbeat and no hi-hat: pass drums")


class Pulses(NamedTuple):
    """Where drummers count, in every bar.

    Attributes
    ----------
    backbeats : array of int [shape=(backbeat,)]
        In ticks.
    middles : array of int [shape=(bar of four, 3)]
        Second, third and fourth pulse of the bars of four pulses, in ticks.
    """

    backbeats: Ints
    middles: Ints


class Band(NamedTuple):
    """What the rhythm of the others is, once for a song.

    Attributes
    ----------
    bass : array of int [shape=(onset,)]
        16ths on which the lowest voice begins a note.
    strokes : array [shape=(16th,)]
        Root of the number of their notes that begin there.
    pulses : Pulses
    """

    bass: Ints
    strokes: Array
    pulses: Pulses


@lru_cache(maxsize=1024)
def band_of(around: Surroundings) -> Band:
    """Return the rhythm of the others."""
    quarter = around.ticks_per_beat
    onsets = np.concatenate([around.spans[:, 0], around.strokes[:, 0]])
    count = max(int(sixteenths(around.bar_edges[-1:], quarter)[0]), 1)
    # what is rounded up to the end of the music belongs to its last 16th
    slot = np.clip((8 * onsets + quarter) // (2 * quarter), 0, count - 1)
    return Band(
        bass=sixteenths(_bass_onsets(around.spans), quarter),
        strokes=np.sqrt(np.bincount(slot, minlength=count)),
        pulses=_pulses(around, onsets),
    )


def _bass_onsets(spans: Ints) -> Ints:
    """Return the onsets of the notes under which nothing sounds as they begin."""
    onset, end, pitch = spans.T
    moments = np.unique(onset)
    first = np.searchsorted(moments, onset)
    lowest = lowest_at(first, np.searchsorted(moments, end), pitch, len(moments))
    found: Ints = onset[(pitch == lowest[first]) & (pitch < BASS_BELOW)]
    return found


def _pulses(around: Surroundings, onsets: Ints) -> Pulses:
    quarter = around.ticks_per_beat
    starts, lengths = around.bar_edges[:-1], np.diff(around.bar_edges)
    bar = np.searchsorted(around.bar_edges, onsets, side="right") - 1
    bar = np.clip(bar, 0, around.bar_count - 1)
    in_threes = (lengths % (3 * quarter) == 0)[bar]
    slot = (8 * (onsets - starts[bar]) + quarter) // (2 * quarter) % 12
    dotted = in_threes & (slot == 6)
    plain = in_threes & ((slot == 4) | (slot == 8))
    compound = np.count_nonzero(dotted) * 2 > np.count_nonzero(plain)
    halved = 2 * lengths % (3 * quarter) == 0
    pulse = np.where(halved & (compound | (lengths % (3 * quarter) > 0)), 3 * quarter, 2 * quarter)
    count = -(-2 * lengths // pulse)
    number = np.arange(int(count.max()))
    weak = (number % 2 == 1) | ((count == 3)[:, None] & (number == 2))
    places = starts[:, None] + number * pulse[:, None] // 2
    weak &= number < count[:, None]
    return Pulses(places[weak], places[count == 4][:, 1:4])


def bass_kick_f1(part: Played) -> float:
    """Return the F1 of the bass's onsets against the kick's; nan if nobody strikes a kick."""
    return f1(part.around.kick_slots, part.slots)


def kick_bass_f1(part: Played) -> float:
    """Return the F1 of the kick's strokes against the onsets of the bass; nan if there is none."""
    validate(part)
    return f1(band_of(part.around).bass, np.unique(part.slot[np.isin(part.pitch, KICKS)]))


def onset_lock(part: Played) -> float:
    """Return the correlation of the part's onsets and the others' strokes over all 16ths.

    Pearson's r of x and y with, for each 16th, x = 1 where a note of the part begins and 0
    elsewhere, and y the square root of the number of notes that the others begin.

    Returns
    -------
    float
        -1 to 1; 0 for a part that strikes nothing or everything, nan if the others strike every
        16th alike (as they do if they strike none).
    """
    strokes = band_of(part.around).strokes
    spread = strokes.std()
    if spread == 0:
        return float("nan")
    own = np.zeros(len(strokes))
    own[np.minimum(part.slots, len(own) - 1)] = 1.0
    mean = own.mean()
    if mean in (0.0, 1.0):
        return 0.0
    covariance = own @ strokes / len(own) - mean * strokes.mean()
    return float(covariance / (spread * np.sqrt(mean * (1 - mean))))


def _struck_near(part: Played, kinds: tuple[int, ...], places: Ints) -> Flags:
    """Return whether a drum of `kinds` is struck within a 32nd of each place, in ticks."""
    strokes = 8 * part.onset[np.isin(KIND[part.pitch & 127], kinds)]
    quarter = part.around.ticks_per_beat
    before = np.searchsorted(strokes, 8 * places - quarter, side="left")
    after = np.searchsorted(strokes, 8 * places + quarter, side="right")
    return after > before


def backbeat_rate(part: Played) -> float:
    """Return the share of backbeats that are struck; nan if no bar of the song has one."""
    validate(part)
    places = band_of(part.around).pulses.backbeats
    if not len(places):
        return float("nan")
    return float(_struck_near(part, (SNARE, SIDE_STICK, CLAP), places).mean())


def half_time_rate(part: Played) -> float:
    """Return the share of bars of four pulses in half-time; nan if the song has none."""
    validate(part)
    places = band_of(part.around).pulses.middles
    if not len(places):
        return float("nan")
    two, three, four = _struck_near(part, (SNARE, SIDE_STICK, CLAP), places).T
    return float((three & ~two & ~four).mean())


def hat_divisions(part: Played) -> Ints:
    """Return into how many parts hi-hat or ride divide each beat [shape=(beat,)]; 0 where none."""
    validate(part)
    quarter = part.around.ticks_per_beat
    edges = part.around.beat_edges
    onset = part.onset[np.isin(KIND[part.pitch & 127], (HAT, RIDE))]
    # the last half of a 12th before a beat is the beat itself
    beat = np.searchsorted(24 * edges, 24 * onset + quarter, side="right") - 1
    beat = np.clip(beat, 0, len(edges) - 2)
    step = (24 * (onset - edges[beat]) + quarter) // (2 * quarter)
    divisions = np.zeros(len(edges) - 1, dtype=np.int64)
    np.maximum.at(divisions, beat, _DIVISION[np.clip(step, 0, 11)])
    return divisions


def fill_rates(part: Played) -> tuple[float, float]:
    """Return the share of fills among the last bars of phrases, and among all other bars.

    Returns
    -------
    at_phrase_end, elsewhere : float
        0 to 1; the first is nan if the music has no phrase of four bars.
    """
    validate(part)
    edges = part.around.bar_edges
    rolled = np.isin(KIND[part.pitch & 127], (SNARE, TOM))
    bar = part.bar[rolled]
    past_middle = 2 * (part.onset[rolled] - edges[bar]) - np.diff(edges)[bar]  # in half ticks
    late = 12 * past_middle >= -part.around.ticks_per_beat  # up to a 24th of a beat early
    count = np.bincount(bar[late], minlength=part.around.bar_count)
    fill = count >= float(np.median(count)) + FILL_STROKES
    ends = np.arange(1, len(fill) + 1) % PHRASE_BARS == 0
    at_phrase_end = float(fill[ends].mean()) if ends.any() else float("nan")
    return at_phrase_end, float(fill[~ends].mean())


def evaluate(part: Played, instrument: str) -> dict[str, float]:
    """Return the rhythmic metrics that `instrument` has."""
    scores = {"onset_lock": onset_lock(part)}
    if instrument == "bass":
        scores["bass_kick_f1"] = bass_kick_f1(part)
    if not part.is_drums:
        return scores
    divisions = hat_divisions(part)
    at_phrase_end, elsewhere = fill_rates(part)
    return scores | {
        "kick_bass_f1": kick_bass_f1(part),
        "backbeat_rate": backbeat_rate(part),
        "half_time_rate": half_time_rate(part),
        "hat_subdivision": float(divisions.mean()),
        "hat_triplet_rate": float((divisions == _TRIPLETS).mean()),
        "phrase_fill_rate": at_phrase_end,
        "other_fill_rate": elsewhere,
    }
