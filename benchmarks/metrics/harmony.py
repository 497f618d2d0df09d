"""The question: does a pitched part fit the harmony of the others.

Conventions
-----------
A beat is a quarter note, counted from each barline. Sounding time is summed over notes: a chord of
three notes held for a beat sounds for three beats. Drums neither have nor give pitch. The chord is
the one in force on a beat: the context's own symbol, or the estimate from its notes. All metrics
are rates from 0 to 1, nan only where the context has no harmony to ask about. A part that never
sounds scores 0; its clash rate is 1, for silence is no consonance.

Metrics
-------
- `chord_tone_rate`: share of sounding time whose pitch class sounds in the other parts within that
  same beat. It is the chord tone to non-chord tone ratio of Yeh et al., "Automatic melody
  harmonization with triad chords" (2021), with the notes heard in place of chord labels, and time
  in place of counts: no chord recogniser stands between the part and its context. Where the others
  leave a chord tone out it is lower than a ratio against labels.
- `chord_symbol_rate`: the same against the tones of the chord in force, as Yeh et al. have it. It
  does not reward doubling another player's passing note. Where the score has no symbols it is as
  good as the estimate of them.
- `in_key_rate`: share of sounding time inside the scale of the context's key, which is found by the
  profiles of Krumhansl & Kessler (1982). A major key has its major scale; a minor key natural minor
  and the leading note, eight pitch classes. The scale consistency of MusPy (Dong et al. 2020) takes
  the best of all scales for the part itself, which hides that a part is in another key than the
  band. One key stands for the whole song: where a song modulates, true parts score lower too.
- `clash_rate`: share of sounding time in a clash. A note clashes while the context sounds a pitch
  class a semitone above or below it (minor second, major seventh, minor ninth, in any octave), if
  that lasts longer than a 16th in all: passing 16ths are free, an eighth against the band is not.
  Tones of the chord in force never clash: the root below the major seventh of Cmaj7 is no mistake.
  (Consonance measures such as those of Yeh et al. take intervals alone. With them, or with clashes
  longer than an eighth only, true parts and parts of other songs are harder to tell apart.)
- `root_on_downbeat_rate`: of the bars with a chord, the share on whose downbeat the part's lowest
  note is the chord's root or the bass under its slash. A note counts if it begins within a 32nd of
  the downbeat or sounds through it; a bar without one counts as a miss.

Musicians play passing notes too, so a part can be too obedient: tables show the distance to the
true part's rate.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchmarks.metrics.grid import Array, Flags, Ints, Surroundings
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.played import Played

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10, 11)
SILENT = 128  # above every pitch

MEASURES = (
    Measure("chord_tone_rate", "context", "nearer", 1.0),
    Measure("chord_symbol_rate", "context", "nearer", 1.0),
    Measure("in_key_rate", "context", "nearer", 1.0),
    Measure("clash_rate", "context", "nearer", 1.0),
    Measure("root_on_downbeat_rate", "context", "nearer", 1.0),
)


def validate(part: Played) -> None:
    """Check that the question makes sense.

    Raises
    ------
    ValueError
        If the part is drums.
    """
    if part.is_drums:
        raise ValueError("drums have no harmony: pass a pitched part")


def _share_inside(part: Played, inside: Flags) -> float:
    """Return the share of sounding time `inside` a set for each beat [shape=(beat, 12)]."""
    validate(part)
    if not inside.any():
        return float("nan")
    ticks = part.shares * np.diff(part.around.beat_edges)[:, None]
    total = ticks.sum()
    return float((ticks * inside).sum() / total) if total else 0.0


def chord_tone_rate(part: Played) -> float:
    """Return the share of sounding time whose pitch class sounds in the context in that beat.

    With t(b, p) the time that the part sounds pitch class p within beat b, and C(b) the pitch
    classes that the context sounds within b: sum of t(b, p) over p in C(b), by the sum of t(b, p).

    Returns
    -------
    float
        0 to 1; 0 for a part that never sounds, nan if the context sounds no pitch at all.
    """
    return _share_inside(part, part.around.sounding)


def chord_symbol_rate(part: Played) -> float:
    """Return the share of sounding time on tones of the chord in force; nan without any chord."""
    return _share_inside(part, part.around.chord_tones)


def in_key_rate(part: Played) -> float:
    """Return the share of sounding time in the scale of the context's key; nan without a key."""
    around = part.around
    scale = np.zeros((1, 12), dtype=np.bool_)
    if around.tonic >= 0:
        steps = np.array(MINOR_SCALE if around.is_minor else MAJOR_SCALE)
        scale[0, (around.tonic + steps) % 12] = True
    return _share_inside(part, scale)


@lru_cache(maxsize=1024)
def _neighbours(around: Surroundings) -> tuple[int, Array, Array]:
    """Return how long the context has sounded a semitone beside each pitch class.

    The twelve classes lie one after the other on a single line of time, so that one interpolation
    answers for all notes at once. Made once for a song, whoever writes to it.

    Returns
    -------
    lap : int
        Ticks on the line from one class to the next.
    places, ticks : arrays
        Of the line, and the clashing ticks up to there.
    """
    onset, end, pitch = np.concatenate([around.spans, around.spans]).T
    pitch = pitch + np.repeat([11, 1], len(around.spans))
    lap = max(int(around.bar_edges[-1]), int(end.max())) + 1
    start, stop = pitch % 12 * lap + onset, pitch % 12 * lap + end
    order = np.argsort(start, kind="stable")
    start, stop = start[order], np.maximum.accumulate(stop[order])
    # spans that overlap or touch are one: time beside two notes at once is not counted twice
    first = np.flatnonzero(np.concatenate([[True], start[1:] > stop[:-1]]))
    start, stop = start[first], stop[np.append(first[1:], len(stop)) - 1]
    after = np.cumsum(stop - start)
    ticks = np.stack([after - (stop - start), after], axis=1).ravel().astype(np.float64)
    return lap, np.stack([start, stop], axis=1).ravel().astype(np.float64), ticks


def clash_rate(part: Played) -> float:
    """Return the share of sounding time that clashes with the context.

    With c(n) the time within note n in which the context sounds a pitch class a semitone from it,
    and l(n) its length: sum of c(n) over the notes with c(n) above a 16th that are no tone of the
    chord in force at their onset, by the sum of l(n).

    Returns
    -------
    float
        0 to 1; 1 for a part that never sounds, nan if the context sounds no pitch at all.
    """
    validate(part)
    around = part.around
    if not len(around.spans):
        return float("nan")
    if not len(part):
        return 1.0
    lap, places, ticks = _neighbours(around)
    end = np.maximum(part.end, part.onset + 1)
    line = part.pitch % 12 * lap
    clashing = np.interp(line + np.minimum(end, lap - 1), places, ticks)
    clashing -= np.interp(line + np.minimum(part.onset, lap - 1), places, ticks)
    beat = np.searchsorted(around.beat_edges, part.onset, side="right") - 1
    in_chord = around.chord_tones[np.clip(beat, 0, len(around.chord_tones) - 1), part.pitch % 12]
    counted = (4 * clashing > around.ticks_per_beat) & ~in_chord
    return float(clashing[counted].sum() / (end - part.onset).sum())


def lowest_at(first: Ints, stop: Ints, pitch: Ints, count: int) -> Ints:
    """Return the lowest pitch at each of `count` places, `SILENT` where there is none.

    Parameters
    ----------
    first, stop : arrays of int [shape=(note,)]
        Each note is at the places from `first` up to, not including, `stop`.
    pitch : array of int [shape=(note,)]
    count : int
    """
    lengths = np.maximum(stop - first, 0)
    behind = np.cumsum(lengths) - lengths
    place = np.arange(lengths.sum()) + np.repeat(first - behind, lengths)
    lowest = np.full(count, SILENT)
    np.minimum.at(lowest, place, np.repeat(pitch, lengths))
    return lowest


def root_on_downbeat_rate(part: Played) -> float:
    """Return in how many of the bars with a chord the lowest note on the downbeat is its root.

    Returns
    -------
    float
        0 to 1; nan if no downbeat has a chord.
    """
    validate(part)
    around = part.around
    asked = np.flatnonzero(around.downbeat & (around.chord_root >= 0))
    if not len(asked):
        return float("nan")
    # in 8ths of a tick, for a 32nd need not be whole ticks
    latest = 8 * around.beat_edges[asked] + around.ticks_per_beat
    first = np.searchsorted(latest, 8 * part.onset, side="left")
    stop = np.searchsorted(latest, 8 * part.end, side="left")
    # a note that is over within the 32nd, as staccato is, still began on the downbeat
    earliest = np.append(latest - 2 * around.ticks_per_beat, 2**62)
    begins = 8 * part.onset >= earliest[first]
    lowest = lowest_at(first, np.maximum(stop, first + begins), part.pitch, len(asked))
    tones = np.stack([around.chord_root[asked], around.chord_bass[asked]])
    return float(((lowest < SILENT) & (lowest % 12 == tones).any(axis=0)).mean())


def evaluate(part: Played) -> dict[str, float]:
    """Return how a pitched part fits the harmony."""
    return {
        "chord_tone_rate": chord_tone_rate(part),
        "chord_symbol_rate": chord_symbol_rate(part),
        "in_key_rate": in_key_rate(part),
        "clash_rate": clash_rate(part),
        "root_on_downbeat_rate": root_on_downbeat_rate(part),
    }
