"""The floors that a model is measured above.

- `silence`: nothing at all. What it scores shows what a metric gives away.
- `random_pairing`: the true part of a random other song. It is real music, but knows nothing of
  this song: the floor.
- `rule_based`: what a simple arranger programs: chord roots on the kick, a rock beat, strummed
  chords. It knows the chords, and has no idea of its own: the floor that a model must be worth
  more than. (`subtractive.arranger` knows far more.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from subtractive.arrangement import Arrangement, Bar, ChordSymbol, Note, Part, bars
from subtractive.harmony import chord_at, estimate_chords
from subtractive.instruments import instrument as known_instrument
from subtractive.kit import KICKS

VELOCITY = 80
KICK, SNARE, CLOSED_HAT = 36, 38, 42
_LOWEST_ROOT = {"bass": 28, "guitar": 45}  # E1, and A2 for the lowest note of a strummed chord


@dataclass(frozen=True, eq=False)
class Donor:
    """A true part that random pairing can hand to another song.

    Attributes
    ----------
    song : str
        So that no song is handed its own part.
    part : Part
    bars : tuple of Bar
        Of the donor's song.
    ticks_per_beat : int
    """

    song: str
    part: Part
    bars: tuple[Bar, ...]
    ticks_per_beat: int


Baseline = Callable[[Arrangement, str, np.random.Generator, Sequence[Donor]], Part]


def _new_part(instrument: str, notes: Sequence[Note]) -> Part:
    known = known_instrument(instrument)
    in_order = tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))
    return Part(known.title, known.program, instrument == "drums", in_order)


def silence(
    context: Arrangement, instrument: str, rng: np.random.Generator, pool: Sequence[Donor]
) -> Part:
    """Return a part without notes."""
    del context, rng, pool
    return _new_part(instrument, ())


def random_pairing(
    context: Arrangement, instrument: str, rng: np.random.Generator, pool: Sequence[Donor]
) -> Part:
    """Return the part of a random donor, bar on bar, in the ticks of `context`.

    The donor starts again when it has no more bars. Where its bar is longer than the song's the
    rest is left out, where it is shorter the rest stays empty. Nothing is transposed.

    Parameters
    ----------
    context : Arrangement
    instrument : str
    rng : numpy.random.Generator
    pool : sequence of Donor
        All of `instrument`, none from this song; at least one.

    Returns
    -------
    Part

    Raises
    ------
    ValueError
        If the pool is empty.
    """
    if not pool:
        raise ValueError("random pairing needs a part of another song: the pool is empty")
    donor = pool[int(rng.integers(len(pool)))]
    scale = context.ticks_per_beat / donor.ticks_per_beat
    edges = np.array([bar.onset for bar in donor.bars])
    notes_of_bar: list[list[Note]] = [[] for _ in donor.bars]
    for note in donor.part.notes:
        notes_of_bar[int(np.searchsorted(edges, note.onset, side="right")) - 1].append(note)
    notes = []
    for number, bar in enumerate(bars(context)):
        source = number % len(donor.bars)
        for note in notes_of_bar[source]:
            offset = round((note.onset - donor.bars[source].onset) * scale)
            if offset < bar.length:
                duration = round(note.duration * scale)
                notes.append(Note(bar.onset + offset, duration, note.pitch, note.velocity))
    return _new_part(instrument, notes)


def rule_based(
    context: Arrangement, instrument: str, rng: np.random.Generator, pool: Sequence[Donor]
) -> Part:
    """Return the part that the rules of a simple arranger give.

    Bass: the chord's root at every stroke of the kick; in bars without a kick, on the beats 1, 3,
    5 ... Drums: kick on the odd and snare on the even beats, hi-hat eighths; in bars of three
    beats the snare has both weak ones. Guitar: the whole chord in close position on every beat.

    Parameters
    ----------
    context : Arrangement
        With its own chord symbols, or they are estimated; without any harmony the chord is C.
    instrument : str
    rng, pool
        Not used: rules leave nothing to chance.
    """
    del rng, pool
    if instrument == "drums":
        return _new_part(
            instrument, [note for bar in bars(context) for note in _beat(bar, context)]
        )
    chords = estimate_chords(context) or (ChordSymbol(0, "C", 0, (0, 4, 7), 0),)
    onsets = sorted(_strokes(context) if instrument == "bass" else _pulses(context))
    ends = [*onsets[1:], bars(context)[-1].end]
    notes = []
    for onset, next_onset in zip(onsets, ends, strict=True):
        # The chord of a stroke shortly before the beat is the one that it leads into.
        chord = chord_at(chords, onset + context.ticks_per_beat // 8) or chords[0]
        if chord.root is None:
            continue
        duration = min(next_onset - onset, context.ticks_per_beat)
        tones = (chord.root,) if instrument == "bass" else chord.pitch_classes
        notes += [
            Note(onset, duration, pitch, VELOCITY)
            for pitch in _close_position(chord.root, tones, _LOWEST_ROOT[instrument])
        ]
    return _new_part(instrument, notes)


def _close_position(root: int, tones: Sequence[int], lowest: int) -> list[int]:
    """Return the tones stacked above the root, which lies within an octave from `lowest`."""
    root_pitch = lowest + (root - lowest) % 12
    return sorted(root_pitch + (tone - root) % 12 for tone in tones)


def _pulse(bar: Bar, ticks_per_beat: int) -> int:
    """Return what a drummer counts: the quarter, or three eighths in 6/8, 9/8 and 12/8."""
    eighths = bar.length * 2 // ticks_per_beat
    compound = bar.beat * 2 == ticks_per_beat and eighths % 3 == 0 and eighths > 3
    return ticks_per_beat * 3 // 2 if compound else ticks_per_beat


def _beat(bar: Bar, context: Arrangement) -> Iterator[Note]:
    eighth = max(1, context.ticks_per_beat // 2)
    pulses = list(range(bar.onset, bar.end, _pulse(bar, context.ticks_per_beat)))
    for onset in range(bar.onset, bar.end, eighth):
        yield Note(onset, eighth, CLOSED_HAT, VELOCITY)
    for number, onset in enumerate(pulses):
        weak = number > 0 if len(pulses) == 3 else number % 2 == 1
        yield Note(onset, eighth, SNARE if weak else KICK, VELOCITY)


def _pulses(context: Arrangement) -> list[int]:
    quarter = context.ticks_per_beat
    return [
        onset for bar in bars(context) for onset in range(bar.onset, bar.end, _pulse(bar, quarter))
    ]


def _strokes(context: Arrangement) -> list[int]:
    """Return the onsets of the kick; in bars without one, every other pulse."""
    kicks = np.array(
        sorted(
            {
                note.onset
                for part in context.parts
                if part.is_drums
                for note in part.notes
                if note.pitch in KICKS
            }
        ),
        dtype=np.int64,
    )
    strokes: list[int] = []
    for bar in bars(context):
        inside = kicks[(kicks >= bar.onset) & (kicks < bar.end)].tolist()
        strokes += inside or range(bar.onset, bar.end, 2 * _pulse(bar, context.ticks_per_beat))
    return strokes
