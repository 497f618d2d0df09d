"""Songs cut into windows of bars."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from subtractive.arrangement import Arrangement, Bar, Part, bars, order
from subtractive.excerpts import in_force
from subtractive.instruments import INSTRUMENTS, roles

QUICK_BARS = 32
MINIMUM_NOTES = 16
_WINDOW_STEP_BARS = 4


def best_window(arrangement: Arrangement, length_bars: int = QUICK_BARS) -> int:
    """Return the first bar of the window in which most of the band plays.

    Windows start every 4 bars. The one wins in which most of drums, bass and guitar have at least
    16 notes; of equals, the one in which the three have most notes together; then the earliest.
    """
    lines = [bar.onset for bar in bars(arrangement)]
    its_roles = roles(arrangement.parts)
    onsets = {
        name: sorted(
            note.onset
            for part, its_role in zip(arrangement.parts, its_roles, strict=True)
            if its_role == name
            for note in part.notes
        )
        for name in INSTRUMENTS
    }
    lines.append(arrangement.end + 1)

    def worth(first: int) -> tuple[int, int, int]:
        start, end = lines[first], lines[min(first + length_bars, len(lines) - 1)]
        counts = [bisect_left(of, end) - bisect_left(of, start) for of in onsets.values()]
        return sum(count >= MINIMUM_NOTES for count in counts), sum(counts), -first

    last_start = max(0, len(lines) - 1 - length_bars)
    return max(range(0, last_start + 1, _WINDOW_STEP_BARS), key=worth)


def cut(arrangement: Arrangement, first_bar: int, last_bar: int) -> Arrangement:
    """Return the music from `first_bar` up to, not including, `last_bar`.

    Notes are clipped to the window: one that sounds already when it starts begins with it (a drum
    stroke is left out), one that sounds on ends with it. Tempo, metre, key and chord in force at
    the start are carried over; the bars stay as they were and are written out as barlines.

    Parameters
    ----------
    arrangement : Arrangement
    first_bar, last_bar : int
        Indices into ``bars(arrangement)``, ``first_bar < last_bar``.

    Returns
    -------
    Arrangement
        Starting at tick 0; it has the same parts, some perhaps without notes, and no source.

    Raises
    ------
    ValueError
        If there are no such bars.
    """
    every_bar = bars(arrangement)
    if not 0 <= first_bar < last_bar <= len(every_bar):
        raise ValueError(
            f"bars {first_bar} to {last_bar} of {len(every_bar)} cannot be cut: the first must be "
            "0 or more and below the last, the last no more than there are"
        )
    window: Sequence[Bar] = every_bar[first_bar:last_bar]
    start, end = window[0].onset, window[-1].end
    return replace(
        arrangement,
        parts=tuple(_clip(part, start, end) for part in arrangement.parts),
        tempos=in_force(arrangement.tempos, start, end),
        metres=in_force(arrangement.metres, start, end),
        keys=in_force(arrangement.keys, start, end),
        chords=in_force(arrangement.chords, start, end),
        barlines=(*(bar.onset - start for bar in window), end - start),
        source=None,
    )


def _clip(part: Part, start: int, end: int) -> Part:
    notes = []
    for note in part.notes:
        inside = start <= note.onset < end
        leaks_in = not part.is_drums and note.onset < start < note.end
        if inside or leaks_in:
            onset = max(note.onset, start)
            notes.append(note._replace(onset=onset - start, duration=min(note.end, end) - onset))
    return replace(part, notes=tuple(sorted(notes, key=order)))
