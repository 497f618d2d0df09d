"""Tablature: on which string and fret each note of a line of chords is gripped."""

from __future__ import annotations

from collections.abc import Sequence

from subtractive.fretboard import SILENT, Fretboard, Grip, grips


def fingering(
    chords: Sequence[tuple[int, ...]], board: Fretboard
) -> tuple[dict[int, tuple[int, int]], ...]:
    """Return string and fret of each pitch of each chord, with as little moving as can be.

    Parameters
    ----------
    chords : sequence of tuples of int
        Pitches struck together, in order of time.
    board : Fretboard

    Returns
    -------
    tuple of dict of int to (int, int)
        For each chord: pitch -> number of the string, 1 for the highest, and fret. What no hand can
        grip has the strings that are free, from the highest note down; what no string has is left
        out.
    """
    ways = [grips(board, chord) or (_reached(board, chord),) for chord in chords]
    # the cheapest path through the grips (Viterbi): for each grip its cost and the one before it
    costs: list[list[tuple[float, int]]] = []
    for place, options in enumerate(ways):
        layer = []
        for grip in options:
            before = [
                (cost + _move(earlier, grip), index)
                for index, ((cost, _), earlier) in enumerate(
                    zip(costs[-1], ways[place - 1], strict=True) if costs else ()
                )
            ]
            cost, index = min(before, default=(0.0, 0))
            layer.append((cost + _effort(grip), index))
        costs.append(layer)
    result: list[dict[int, tuple[int, int]]] = []
    index = min(range(len(costs[-1])), key=lambda each: costs[-1][each]) if costs else 0
    for options, layer in zip(reversed(ways), reversed(costs), strict=True):
        grip = options[index]
        result.append(
            {
                board.strings[low] + fret: (len(grip) - low, fret)
                for low, fret in enumerate(grip)
                if fret != SILENT
            }
        )
        index = layer[index][1]
    return tuple(reversed(result))


def _position(grip: Grip) -> int | None:
    return min((fret for fret in grip if fret > 0), default=None)


def _move(before: Grip, after: Grip) -> float:
    here, there = _position(before), _position(after)
    return 0.0 if here is None or there is None else abs(here - there)


def _effort(grip: Grip) -> float:
    """Return how far up the neck a grip is, and how wide."""
    fretted = [fret for fret in grip if fret > 0]
    return 0.3 * max(fretted) + 0.2 * (max(fretted) - min(fretted)) if fretted else 0.0


def _reached(board: Fretboard, chord: tuple[int, ...]) -> Grip:
    grip = [SILENT] * len(board.strings)
    free = set(range(len(grip)))
    for pitch in sorted(chord, reverse=True):
        fitting = [low for low in free if 0 <= pitch - board.strings[low] <= board.frets]
        if fitting:
            string = max(fitting)
            grip[string] = pitch - board.strings[string]
            free.discard(string)
    return tuple(grip)
