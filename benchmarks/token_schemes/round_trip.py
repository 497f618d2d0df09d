"""What a token scheme costs, and what of a part comes back when its tokens are read again."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.token_schemes.lines import Floats, Line
from benchmarks.token_schemes.schemes import Scheme
from subtractive.instruments import INSTRUMENTS

GRIDS = (12, 24)
# a note that lies in the middle between two ticks may go to either
_ROUNDING = 1e-6


def matched(notes: Floats, told: Floats, ticks: int) -> npt.NDArray[np.int64]:
    """Return which notes came back, and as what.

    A note came back if one of its pitch begins within half a tick of it; each note told back stands
    for one note only. Per pitch the earliest are matched first, which on a line matches as many as
    can be (as in `mir_eval.util.match_events`, found there by a search for augmenting paths).

    Parameters
    ----------
    notes, told : array [shape=(note, 3)]
        Onset and length in quarter notes, and pitch.
    ticks : int
        Ticks of the grid in a quarter note.

    Returns
    -------
    array of int [shape=(pair, 2)]
        Indices into `notes` and `told`.
    """
    near = 0.5 / ticks + _ROUNDING
    ways = [np.lexsort((table[:, 0], table[:, 2])) for table in (notes, told)]
    one, other = (table[way] for table, way in zip((notes, told), ways, strict=True))
    ours = list(zip(one[:, 2].tolist(), one[:, 0].tolist(), strict=True))
    theirs = list(zip(other[:, 2].tolist(), other[:, 0].tolist(), strict=True))
    pairs, here, there = [], 0, 0
    while here < len(ours) and there < len(theirs):
        (pitch, onset), (told_pitch, told_onset) = ours[here], theirs[there]
        if pitch == told_pitch and abs(onset - told_onset) <= near:
            pairs.append((ways[0][here], ways[1][there]))
            here, there = here + 1, there + 1
        elif (pitch, onset) < (told_pitch, told_onset):
            here += 1
        else:
            there += 1
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def lost(notes: Floats, told: Floats, ticks: int) -> int:
    """Return how many notes did not come back on a grid of `ticks` to the quarter note."""
    return len(notes) - len(matched(notes, told, ticks))


def lengths_changed(notes: Floats, told: Floats, ticks: int) -> int:
    """Return how many of the notes that came back are longer or shorter by more than a tick."""
    pairs = matched(notes, told, ticks)
    change = np.abs(notes[pairs[:, 0], 1] - told[pairs[:, 1], 1])
    return int((change > 1 / ticks + _ROUNDING).sum())


def measure(scheme: Scheme, lines: Sequence[Line]) -> dict[str, object]:
    """Return what a scheme costs and loses on some lines.

    Returns
    -------
    dict
        "tokens_per_bar" of each instrument and of all lines together, in steps of a model; "lost":
        share of notes that no longer begin within half a tick of where they did, by grid;
        "lengths_changed": share of pitched notes longer or shorter by more than a tick of 12;
        "notes_per_second": encoded by one process, from the parsed file to ids.
    """
    steps, bar_count = dict.fromkeys(INSTRUMENTS, 0), dict.fromkeys(INSTRUMENTS, 0)
    gone = dict.fromkeys(GRIDS, 0)
    notes = pitched = changed = 0
    seconds = 0.0
    for line in lines:
        prepared = scheme.prepare(line)
        started = time.perf_counter()
        said = scheme.encode(prepared)
        seconds += time.perf_counter() - started
        steps[line.instrument] += len(said)
        bar_count[line.instrument] += line.bar_count
        true, told = line.notes, scheme.decode(said, line)
        notes += len(true)
        for ticks in GRIDS:
            gone[ticks] += lost(true, told, ticks)
        if line.instrument != "drums":
            pitched += len(true)
            changed += lengths_changed(true, told, GRIDS[0])
    per_bar = {name: steps[name] / bar_count[name] for name in INSTRUMENTS if bar_count[name]}
    return {
        "scheme": scheme.name,
        "vocabulary": list(scheme.choices),
        "tokens_per_bar": {**per_bar, "all": sum(steps.values()) / max(1, sum(bar_count.values()))},
        "lost": {str(ticks): gone[ticks] / max(1, notes) for ticks in GRIDS},
        "lengths_changed": changed / max(1, pitched),
        "notes_per_second": round(notes / max(seconds, 1e-9)),
    }
