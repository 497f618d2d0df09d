"""The question: does a part alone spell the chords that the part that was taken out spells.

Chord accuracy as in the literature (Ren et al., "PopMAG" (2020); GETMusic; smg-metrics) recognises
chords in the whole music, with the written part and with the true one. There the other players
decide most chords, so that even a silent part scores high. Here the recogniser hears the part
alone.

Conventions
-----------
A beat is a quarter note, counted from each barline. A note is heard in a beat if it sounds for a
quarter of the beat, or for half of its own length: so the end of a held note that leaks into the
next beat is not heard there, but a short stab is. Beats in which nothing of the true part is heard
are left out; a beat in which nothing of the written part is heard counts as wrong.

Metrics
-------
- `chord_accuracy` (guitar): share of beats with the same chord, root and kind. The recogniser is
  that of Fujishima, "Realtime chord recognition of musical sound" (1999): of 96 binary templates
  (the eight kinds of `subtractive.harmony.TEMPLATES` on 12 roots) the one with the greatest cosine
  to the pitch classes' sounding times, here their square roots, for a doubled tone does not say
  twice as much. Nothing is smoothed over time, so that one beat's chord does not hide another's.
  Of equal ones that wins whose root is nearest above the lowest note, then the first kind of the
  table: C and E over C are C major, E and G over E are E minor, a note alone is a fifth without it.
- `root_accuracy` (bass): share of beats with the same root, the pitch class that sounds longest in
  the beat; of equally long ones the one that begins first, then the lower one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.metrics.grid import Array, Ints
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.overlap import validate
from benchmarks.metrics.played import Played
from subtractive.harmony import TEMPLATES

SILENT = -1

MEASURES = (
    Measure("chord_accuracy", "withheld", "higher", 0.0),
    Measure("root_accuracy", "withheld", "higher", 0.0),
)


def _templates() -> Array:
    rows = np.zeros((12, len(TEMPLATES), 12))
    for root in range(12):
        for kind, tones in enumerate(TEMPLATES.values()):
            rows[root, kind, (root + np.array(tones)) % 12] = len(tones) ** -0.5
    return rows.reshape(-1, 12)


_TEMPLATES = _templates()


class Heard(NamedTuple):
    """What is heard in each beat [shape=(beat, 12)].

    Attributes
    ----------
    ticks : array of int
        How long each pitch class sounds, summed over notes.
    first : array of int
        Ticks from the beat to where each pitch class begins in it.
    lowest : array of int
        Lowest pitch of each pitch class, 128 where it is not heard.
    """

    ticks: Ints
    first: Ints
    lowest: Ints


def heard(part: Played) -> Heard:
    """Return what of a pitched part is heard in each beat."""
    edges = part.around.beat_edges
    count = len(edges) - 1
    end = np.maximum(part.end, part.onset + 1)
    begins = np.clip(np.searchsorted(edges, part.onset, side="right") - 1, 0, count)
    stops = np.clip(np.searchsorted(edges, end, side="left"), 0, count)
    spanned = np.maximum(stops - begins, 0)
    # One row for each beat that a note sounds in.
    note = np.repeat(np.arange(len(part)), spanned)
    within = np.arange(len(note)) - np.repeat(np.cumsum(spanned) - spanned, spanned)
    beat = begins[note] + within
    start = np.maximum(part.onset[note], edges[beat])
    ticks = np.minimum(end[note], edges[beat + 1]) - start
    full = edges[beat + 1] - edges[beat]
    is_heard = (4 * ticks >= full) | (2 * ticks >= (end - part.onset)[note])
    beat, start, ticks, pitch = (
        each[is_heard] for each in (beat, start - edges[beat], ticks, part.pitch[note])
    )
    place = beat * 12 + pitch % 12
    sounding = np.bincount(place, ticks, 12 * count).astype(np.int64)
    first = np.full(12 * count, int(np.diff(edges).max()))
    np.minimum.at(first, place, start)
    lowest = np.full(12 * count, 128)
    np.minimum.at(lowest, place, pitch)
    return Heard(*(each.reshape(count, 12) for each in (sounding, first, lowest)))


def chords(part: Played) -> Ints:
    """Return the chord of each beat as 12 x kind + root; -1 where nothing is heard [shape=(beat,)].

    Raises
    ------
    ValueError
        If the part is drums.
    """
    _refuse_drums(part)
    ticks, _, lowest = heard(part)
    bass = lowest.min(axis=1) % 12
    # Seen from the lowest note, a chord looks the same in every key, to the last bit.
    above = (bass[:, None] + np.arange(12)) % 12
    level = np.sqrt(np.take_along_axis(ticks, above, axis=1))
    match = level @ _TEMPLATES.T
    norm = np.maximum(match.max(axis=1, keepdims=True), 1.0)
    # Rounded, so that equal matches are equal.
    interval, kind = np.divmod(np.argmax(np.round(match / norm, 9), axis=1), len(TEMPLATES))
    return np.where(ticks.any(axis=1), 12 * kind + (bass + interval) % 12, SILENT)


def roots(part: Played) -> Ints:
    """Return the longest pitch class of each beat; -1 where nothing is heard [shape=(beat,)].

    Raises
    ------
    ValueError
        If the part is drums.
    """
    _refuse_drums(part)
    ticks, first, lowest = heard(part)
    # Longest first, then earliest, then lowest, as one number; int64 holds it for any music.
    rank = (ticks * (1 + int(first.max(initial=0))) - first) * 256 - lowest
    return np.where(ticks.any(axis=1), np.argmax(rank, axis=1), SILENT)


def _refuse_drums(part: Played) -> None:
    if part.is_drums:
        raise ValueError("drums spell no chords: pass a pitched part")


def _agreement(written: Ints, taken: Ints) -> float:
    asked = taken != SILENT
    return float((written == taken)[asked].mean()) if asked.any() else float("nan")


def chord_accuracy(part: Played, truth: Played) -> float:
    """Return the share of beats in which both parts spell the same chord.

    Returns
    -------
    float
        0 to 1: over the beats in which `truth` is heard; nan if there is none.
    """
    validate(part, truth)
    return _agreement(chords(part), chords(truth))


def root_accuracy(part: Played, truth: Played) -> float:
    """Return the share of beats in which both parts sound the same root.

    Returns
    -------
    float
        0 to 1: over the beats in which `truth` is heard; nan if there is none.
    """
    validate(part, truth)
    return _agreement(roots(part), roots(truth))


def evaluate(part: Played, truth: Played, instrument: str) -> dict[str, float]:
    """Return the metrics that `instrument` has: of a bass its roots, of a guitar its chords."""
    if instrument == "bass":
        return {"root_accuracy": root_accuracy(part, truth)}
    return {"chord_accuracy": chord_accuracy(part, truth)} if instrument == "guitar" else {}
