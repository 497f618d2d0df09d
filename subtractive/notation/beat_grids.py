"""The grids that the beats of a piece are divided by: halves, quarters, triplets.

Each beat of each part gets the grid that tells its onsets in the fewest words: a fine grid must pay
for its precision, as must a change between straight beats and triplets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import exp, log, sqrt
from typing import NamedTuple

EARLY = 1 / 16  # quarters by which the first note of a beat may come before it

# Costs are logarithms of how unlikely a thing is. Steps in quarters: straight ones, and triplets.
_STRAIGHT = {Fraction(1, 2): 0.5, Fraction(1, 4): 1.0, Fraction(1, 8): 4.0}
_TRIPLET = {Fraction(1, 3): 1.5, Fraction(1, 6): 3.0}
_CHANGE = 1.0  # from straight beats to triplets, or back
_OUTLIER = 8.0  # the most that one onset may cost: a slip or a grace note calls for no finer grid
_OTHERS = 0.5  # weight of what the other parts play in the same beat
_OTHERS_MOST = 3.0
_SPREADS = (0.008, 0.06)  # quarters; least and most that onsets are expected to stray by
# What is expected of a part before it was seen, and how many onsets or beats that counts for.
_USUAL_SPREAD, _USUAL_COUNT = 0.03, 4
_USUAL_BEATS = 12
_ROUNDS = 3


class Beat(NamedTuple):
    """A beat, in quarters from the first barline."""

    start: Fraction
    length: Fraction


class Grid(NamedTuple):
    """How a beat is divided; a beat that is not may count among straight ones or triplets."""

    step: Fraction
    triplet: bool
    cost: float


def _choices(length: Fraction) -> list[Grid]:
    """Return the grids for a beat of so many quarters."""
    undivided = [Grid(length, triplet, 0.0) for triplet in (False, True)]
    return undivided + [
        Grid(step, triplet, cost)
        for triplet, steps in ((False, _STRAIGHT), (True, _TRIPLET))
        for step, cost in steps.items()
        if step < length and length % step == 0
    ]


def place_on(time: float, beat: Beat, step: Fraction) -> Fraction:
    """Return the place on the grid next to `time`."""
    return beat.start + step * round((time - float(beat.start)) / float(step))


def beat_at(starts: Sequence[float], time: float) -> int:
    """Return which of the beats that begin at `starts` an onset belongs to."""
    return max(0, bisect_right(starts, time + EARLY) - 1)


def beat_grids(parts: Sequence[Sequence[float]], beats: Sequence[Beat]) -> list[list[Grid]]:
    """Return the grid of each beat of each part.

    Parameters
    ----------
    parts : sequence of sequences of float
        The onsets of each part, in quarters from the first barline; a chord counts once.
    beats : sequence of Beat
    """
    starts = [float(beat.start) for beat in beats]
    choices = {length: _choices(length) for length in {beat.length for beat in beats}}
    choice = [choices[beat.length] for beat in beats]
    played: list[dict[int, list[float]]] = [defaultdict(list) for _ in parts]
    for onsets, own in zip(parts, played, strict=True):
        for time in onsets:
            own[beat_at(starts, time)].append(time)
    spreads = [_USUAL_SPREAD] * len(parts)
    habits: list[dict[Grid, float]] = [{} for _ in parts]
    grids: list[list[Grid]] = []
    for _ in range(_ROUNDS):
        costs = [
            {
                at: [
                    habit.get(grid, grid.cost) + _cost(times, beats[at], grid, spread)
                    for grid in choice[at]
                ]
                for at, times in own.items()
            }
            for own, spread, habit in zip(played, spreads, habits, strict=True)
        ]
        leanings = [{at: _leaning(cost, choice[at]) for at, cost in own.items()} for own in costs]
        together: dict[int, float] = defaultdict(float)
        for leaning in leanings:
            for at, straight in leaning.items():
                together[at] += straight
        grids = []
        for own_costs, leaning in zip(costs, leanings, strict=True):
            others = {at: total - leaning.get(at, 0.0) for at, total in together.items()}
            grids.append(_path(own_costs, others, choice))
        spreads = [_spread(own, beats, grid) for own, grid in zip(played, grids, strict=True)]
        habits = [
            _habit([grid[at] for at in own], choices.values())
            for own, grid in zip(played, grids, strict=True)
        ]
    return grids


def _cost(times: Sequence[float], beat: Beat, grid: Grid, spread: float) -> float:
    """Return how unlikely the onsets of one beat are on a grid."""
    places = log(beat.length / grid.step)
    cost = 0.0
    for time in times:
        error = (time - float(place_on(time, beat, grid.step))) / spread
        cost += min(error * error / 2, _OUTLIER) + places
    return cost


def _habit(used: Sequence[Grid], choices: Iterable[Sequence[Grid]]) -> dict[Grid, float]:
    """Return what the grids cost in a part that has used these so far."""
    counts = Counter(used)
    costs: dict[Grid, float] = {}
    for grids in choices:
        total = sum(counts[grid] for grid in grids) + _USUAL_BEATS
        usual = sum(exp(-grid.cost) for grid in grids)
        for grid in grids:
            expected = _USUAL_BEATS * exp(-grid.cost) / usual
            costs[grid] = -log((counts[grid] + expected) / total)
    return costs


def _leaning(costs: Sequence[float], grids: Sequence[Grid]) -> float:
    """Return how much better straight grids fit than triplets; negative: how much worse."""
    best = [
        min(cost for cost, grid in zip(costs, grids, strict=True) if grid.triplet is triplet)
        for triplet in (False, True)
    ]
    return _bounded(best[True] - best[False])


def _bounded(leaning: float) -> float:
    return max(-_OTHERS_MOST, min(_OTHERS_MOST, leaning))


def _path(
    costs: Mapping[int, Sequence[float]],
    others: Mapping[int, float],
    choices: Sequence[Sequence[Grid]],
) -> list[Grid]:
    """Return the cheapest grid of each beat, changes counted (Viterbi).

    Parameters
    ----------
    costs : mapping
        Of the grids of each beat in which something is struck.
    others : mapping
        How much better straight grids fit the other parts in a beat.
    choices : sequence of sequences of Grid
        Of each beat.
    """
    sums = (0.0, 0.0)  # of the cheapest way so far that ends straight, and in triplets
    back: list[tuple[tuple[Grid, bool], ...]] = []
    for at, grids in enumerate(choices):
        own = costs.get(at) or [grid.cost for grid in grids]
        straight = _OTHERS * _bounded(others.get(at, 0.0))
        ways = []
        for triplet in (False, True):
            cost, grid = min(
                (cost, grid)
                for cost, grid in zip(own, grids, strict=True)
                if grid.triplet is triplet
            )
            stayed, changed = sums[triplet], sums[not triplet] + _CHANGE
            before = triplet if stayed <= changed else not triplet
            against = max(0.0, straight if triplet else -straight)
            ways.append((min(stayed, changed) + cost + against, (grid, before)))
        sums = (ways[0][0], ways[1][0])
        back.append((ways[0][1], ways[1][1]))
    triplet = sums[True] < sums[False]
    path = []
    for steps in reversed(back):
        grid, triplet = steps[triplet]
        path.append(grid)
    return path[::-1]


def _spread(
    played: Mapping[int, Sequence[float]], beats: Sequence[Beat], grids: Sequence[Grid]
) -> float:
    """Return by how many quarters the onsets of a part stray (standard deviation)."""
    count, squares = _USUAL_COUNT, _USUAL_COUNT * _USUAL_SPREAD**2
    for at, times in played.items():
        for time in times:
            error = time - float(place_on(time, beats[at], grids[at].step))
            squares += min(abs(error), EARLY) ** 2
            count += 1
    least, most = _SPREADS
    return max(least, min(most, sqrt(squares / count)))
