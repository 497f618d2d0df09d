"""The question: how much of a written part was copied from the music that its writer learned from.

Conventions
-----------
Passages are told as `subtractive.novelty` does: by steps in time on a grid of 12 to a quarter note
and intervals, of drums by kinds of drums; durations and velocities say nothing, keys neither. A
passage is copied if a training part of the same instrument has it, in one piece. The index beside
the weights holds hashes only: no copy is missed, a few foreign passages are taken for copies
(`benchmarks/results/novelty.json` tells how few).

Much is common property. A walking bass or a rock beat is found whole, whoever wrote it, so the
numbers say something beside those of true parts that the writer never saw, hardly anything alone.

Metrics
-------
- `copied_4`, `copied_8`, `copied_16`: share of the passages of 4, 8 and 16 notes, one from each
  note on, that are copied; 0 for a part with fewer notes, for it has copied none.
- `longest_copied_run`: notes of the longest passage that is copied, at most; 0 below 4 notes.
  Pieces that overlap by 15 notes count as one, even of different songs. `exact_longest_run` is
  exact, but it needs the training parts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.metrics.measure import Measure
from subtractive.arrays import NOTE, Notes
from subtractive.instruments import instrument as instrument_of
from subtractive.novelty import LENGTHS, Bools, Hashes, Moves, Passages, longest_bound, moves_of
from subtractive.repertoire import Nearest, Repertoire

MEASURES = (
    *(Measure(f"copied_{length}", "part", "nearer", 1.0) for length in LENGTHS),
    Measure("longest_copied_run", "part", "nearer", 64.0, median=True),
)


def validate(notes: Notes, ticks_per_beat: int) -> None:
    """Check that the notes are an array of `NOTE` and the ticks make sense.

    Raises
    ------
    ValueError
        If they do not, or a note begins before the music.
    """
    if notes.dtype != NOTE:
        raise ValueError(f"notes are of type {notes.dtype}: make them by arrays.notes_array")
    if ticks_per_beat < 1:
        raise ValueError(f"{ticks_per_beat} ticks to a quarter note: it must be 1 or more")
    if len(notes) and notes["onset"].min() < 0:
        raise ValueError(f"a note begins at tick {notes['onset'].min()}: cut the part first")


def copied(found: Mapping[int, Bools], length: int) -> float:
    """Return the share of passages that are copied, 0 to 1; 0 if there are none.

    Parameters
    ----------
    found : mapping of int to array of bool [shape=(passage,)]
        Which passages of each length are copied, as `Known.copied` returns it.
    length : int
        Notes of a passage, one of `LENGTHS`.
    """
    return float(np.mean(found[length])) if len(found[length]) else 0.0


def longest_copied_run(found: Mapping[int, Bools]) -> float:
    """Return the notes of the longest copied passage, or more (see above)."""
    return float(longest_bound(found))


def evaluate(
    notes: Notes, ticks_per_beat: int, repertoire: Repertoire, instrument: str
) -> dict[str, float]:
    """Return all metrics of one written part.

    Parameters
    ----------
    notes : array of NOTE [shape=(note,)]
        In any order, from the start of the music.
    ticks_per_beat : int
        Ticks in a quarter note.
    repertoire : Repertoire
        What the writer learned from.
    instrument : str
        One of `subtractive.instruments.INSTRUMENTS`.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError
        If the notes make no sense.
    InstrumentError
        If there is no such instrument.
    """
    found = repertoire.of(instrument).copied(_moves(notes, ticks_per_beat, instrument))
    return {
        **{f"copied_{length}": copied(found, length) for length in LENGTHS},
        "longest_copied_run": longest_copied_run(found),
    }


def exact_longest_run(
    notes: Notes, ticks_per_beat: int, training: Passages, instrument: str
) -> int:
    """Return the notes of the longest copied passage, exactly; 0 below 4 notes.

    Parameters
    ----------
    notes, ticks_per_beat, instrument
        As for `evaluate`.
    training : Passages
        All training parts of the instrument.
    """
    return longest_run(_moves(notes, ticks_per_beat, instrument), training, instrument)


def longest_run(part: Moves, training: Passages, instrument: str) -> int:
    """Return what `exact_longest_run` does, of moves.

    A copy of n notes holds copies of all lengths below, so the length is found by halving.
    """
    own = Passages([part], is_drums=instrument_of(instrument).name == "drums")
    least, most = LENGTHS[0] - 1, len(part)
    while least < most:
        length = (least + most + 1) // 2
        if _share_any(own.of(length), training.of(length)):
            least = length
        else:
            most = length - 1
    return least if least >= LENGTHS[0] else 0


def _share_any(few: Hashes, many: Hashes) -> bool:
    """Return whether two sets of hashes have one in common."""
    low = np.zeros(1 << 16, dtype=np.bool_)  # a look at this table rules most of the many out
    low[few & np.uint64(0xFFFF)] = True
    return bool(np.isin(many[low[many & np.uint64(0xFFFF)]], few).any())


def nearest(
    notes: Notes, ticks_per_beat: int, repertoire: Repertoire, instrument: str
) -> Nearest | None:
    """Return the training song that holds most of the part's different passages of 8 notes.

    It is told by one passage in 8, so of a short part it is a guess. None if no song holds any of
    these. Another song may hold as many: a beat is in hundreds.
    """
    return repertoire.nearest(_moves(notes, ticks_per_beat, instrument), instrument)


def _moves(notes: Notes, ticks_per_beat: int, instrument: str) -> Moves:
    validate(notes, ticks_per_beat)
    return moves_of(notes, ticks_per_beat, instrument)
