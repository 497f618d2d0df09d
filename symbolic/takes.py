"""Takes: each window is written several times over, and one of them goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from scoretokens.grid import TICKS_PER_BEAT
from symbolic.consensus import most_agreed
from symbolic.density import corrected, good_ones, misses, spread
from symbolic.job import Job
from symbolic.manner import ANY, density_of


def taken(job: Job) -> list[Job]:
    """Return copies of a job, one for each take of its next window."""
    rngs = job.rng.spawn(job.takes)
    if job.density == ANY:
        return [replace(job, rng=rng) for rng in rngs]
    eagerness = spread(job.eagerness, job.takes, first=not job.eagerness)
    pairs = zip(rngs, eagerness, strict=True)
    return [replace(job, rng=rng, eagerness=each) for rng, each in pairs]


def keep_best(job: Job, takes: Sequence[Job]) -> None:
    """Hand a job the take of its last window that agrees most with the others.

    If a density is wanted, only of those takes that come nearest to it.
    """
    drums = job.instrument == "drums"
    start, end = job.bar_onsets[[job.next_bar, takes[0].next_bar]].tolist()
    fresh = [take.notes[len(job.notes) :] for take in takes]
    able = list(range(len(takes)))
    if job.density != ANY:
        able = good_ones(misses(fresh, end - start, job.density, drums=drums))
    chosen = able[most_agreed([fresh[place] for place in able], start, end, drums=drums)]
    best = takes[chosen]
    job.notes, job.next_bar, job.program = best.notes, best.next_bar, best.program
    job.eagerness = best.eagerness
    if job.density != ANY and len(takes) == 1:
        found = density_of(fresh[chosen][:, 0], (end - start) / TICKS_PER_BEAT, drums=drums)
        job.eagerness = corrected(job.eagerness, found, job.density)


def by_windows(
    jobs: Sequence[Job],
    batch: int,
    write: Callable[[Sequence[Sequence[Job]]], None],
    report: Callable[[int], None] | None,
) -> None:
    """Write jobs to their end, window after window, and keep the best take of each.

    Parameters
    ----------
    jobs : sequence of Job
    batch : int
        Takes written side by side, at most, but for a job of more.
    write : callable
        Writes the next window of each take; given the takes of each of some jobs.
    report : callable or None
        Called with the number of bars finished since the last call.
    """
    waiting = list(jobs)
    while waiting:
        group = waiting[: max(1, batch // max(job.takes for job in waiting))]
        before = sum(job.next_bar for job in group)
        takes = [taken(job) for job in group]
        write(takes)
        for job, each in zip(group, takes, strict=True):
            keep_best(job, each)
        if report is not None:
            report(sum(job.next_bar for job in group) - before)
        waiting = [job for job in waiting if job.next_bar < job.end]
