"""A song's bars and chords as MMA's chart, and MMA's bars back in the song.

A bar of the song is one bar of the groove where both are as long. Otherwise the groove is cut or
repeated to the bar's length: 5/4 in a groove of 4/4 is a bar and the first beat of the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks.metrics.grid import EARLY_BEATS, Ints, place_in
from subtractive.arrangement import Arrangement, Bar, ChordSymbol, Note, bars
from subtractive.arrays import Notes
from subtractive.charts import QUALITIES, scale
from subtractive.chord_symbols import parse_chord
from subtractive.grooves import Groove
from subtractive.harmony import NAMES, chord_at
from subtractive.mma import TICKS

# A chord this share of a quarter after a slot begins is the chord of the slot.
_LATE_QUARTERS = 1 / 8


class Span(NamedTuple):
    """The length of a bar in quarters, and whether it counts dotted quarters (6/8, 12/8)."""

    quarters: float
    compound: bool


class Slice(NamedTuple):
    """The part of a bar that one bar of the groove plays: from `start` on, in quarters."""

    bar: Bar
    start: float


def span_of(bar: Bar, ticks_per_beat: int) -> Span:
    """Return how long a bar is and how it is counted."""
    eighths = bar.length * 2 / ticks_per_beat
    compound = bar.beat * 2 == ticks_per_beat and eighths % 3 == 0 and eighths > 3
    return Span(bar.length / ticks_per_beat, compound)


def span_of_groove(groove: Groove) -> Span:
    """Return how long a bar of the groove is and how it is counted."""
    numerator, denominator = groove.metre
    return Span(4 * numerator / denominator, denominator == 8 and numerator % 3 == 0)


@cache
def chord_name(root: int, tones: tuple[int, ...], bass: int) -> str:
    """Return a chord as MMA writes it: the quality nearest in its tones, and the bass if it can.

    Parameters
    ----------
    root, bass : int
        Pitch classes.
    tones : tuple of int
        Pitch classes, sorted.
    """
    wanted = {(tone - root) % 12 for tone in tones}
    step = (bass - root) % 12

    def distance(quality: str) -> int:
        return len(wanted ^ {*parse_chord("C" + quality).pitch_classes})

    quality = min(QUALITIES, key=distance)
    slash = f"/{NAMES[bass]}" if step and step in scale(quality) else ""
    return f"{NAMES[root]}{quality}{slash}"


def chord_line(piece: Slice, groove: Groove, chords: Sequence[ChordSymbol], quarter: int) -> str:
    """Return one bar of MMA's chart: a chord for each of its beats, "/" where it goes on.

    Parameters
    ----------
    piece : Slice
    groove : Groove
    chords : sequence of ChordSymbol
        Of the song; none means C throughout. "z" is MMA's word for N.C.
    quarter : int
        Ticks of the song in a quarter note.
    """
    slot = span_of_groove(groove).quarters / groove.beats
    names: list[str] = []
    for beat in range(groove.beats):
        offset = (piece.start + beat * slot + _LATE_QUARTERS) * quarter
        tick = piece.bar.onset + min(round(offset), piece.bar.length - 1)
        chord = (chord_at(chords, tick) or chords[0]) if chords else parse_chord("C")
        if chord.root is None:
            names.append("z")
        else:
            bass = chord.root if chord.bass is None else chord.bass
            names.append(chord_name(chord.root, chord.pitch_classes, bass))
    return " ".join(
        name if not beat or name != names[beat - 1] else "/" for beat, name in enumerate(names)
    )


def usual_span(context: Arrangement) -> Span:
    """Return the kind of bar that most of the music is in."""
    lengths: dict[Span, int] = {}
    for bar in bars(context):
        span = span_of(bar, context.ticks_per_beat)
        lengths[span] = lengths.get(span, 0) + bar.length
    return max(lengths, key=lambda span: lengths[span])


def nearest_span(span: Span, known: Sequence[Span]) -> Span:
    """Return which of the known kinds of bar one is played as."""
    by_count = Span(3, span.compound) if span.compound or span.quarters % 3 == 0 else Span(4, False)
    for wanted in (span, by_count, Span(4, False)):
        if wanted in known:
            return wanted
    return known[0]


def slices_of(context: Arrangement, groove: Groove) -> list[Slice]:
    """Return what each bar of the chart plays: a bar of the song, or as much as it can hold."""
    length = span_of_groove(groove).quarters
    slices = []
    for bar in bars(context):
        quarters = bar.length / context.ticks_per_beat
        slices += [
            Slice(bar, piece * length) for piece in range(max(1, math.ceil(quarters / length)))
        ]
    return slices


def placed(
    played: Notes, ticks: int, slices: Sequence[Slice], groove: Groove, context: Arrangement
) -> list[Note]:
    """Return notes of MMA's bars in the bars of the song; what a bar has no room for is left out.

    A note rings on into the next bar only where the song's bar is as long as the groove's.
    """
    onset = played["onset"].astype(np.int64)
    lines: Ints = np.arange(len(slices) + 1) * groove.beats * TICKS
    row = place_in(onset, lines, ticks * EARLY_BEATS)
    offsets = (onset - lines[row]) / ticks
    quarter = context.ticks_per_beat
    end = bars(context)[-1].end
    notes = []
    for number, offset, note in zip(row.tolist(), offsets.tolist(), played.tolist(), strict=True):
        bar, start = slices[number]
        here = (start + offset) * quarter
        if here < bar.length:
            first = max(0, bar.onset + min(round(here), bar.length - 1))
            as_long = abs(bar.length / quarter - span_of_groove(groove).quarters) < 1e-6
            last = min(
                bar.onset + round(here + note[1] / ticks * quarter), end if as_long else bar.end
            )
            notes.append(Note(first, max(last - first, 1), note[2], note[3]))
    return notes


def resting(notes: Sequence[Note], chords: Sequence[ChordSymbol]) -> list[Note]:
    """Return notes without what sounds through N.C."""
    ends = [chord.tick for chord in chords[1:]]
    rests = [
        (chord.tick, end)
        for chord, end in zip(chords, [*ends, math.inf], strict=False)
        if chord.root is None
    ]
    kept = []
    for note in notes:
        if not any(start <= note.onset < end for start, end in rests):
            cut = min([note.end, *(start for start, _ in rests if start > note.onset)])
            kept.append(note._replace(duration=int(cut) - note.onset))
    return kept
