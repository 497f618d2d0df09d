"""Parts as they were written, kept so that a stopped run goes on and new metrics need no new parts.

A song on which a writer fails is a result too: it is kept with the reason, and counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

from rich.progress import Progress

from benchmarks.journal import Journal, Row
from benchmarks.writers import Job, WriteParts
from subtractive.arrangement import Note, Part
from subtractive.instruments import instrument as known_instrument


class Written(NamedTuple):
    """What came of one job.

    Attributes
    ----------
    part : Part or None
        None if the writer failed.
    failed : str
        Why; empty if it did not.
    seconds : float
        The share of this part in the time that its batch took.
    """

    part: Part | None
    failed: str
    seconds: float


def key_of(job: Job) -> str:
    """Return the job's name: the same in every run on the same music, whole or cut alike."""
    one, seed = job
    music = crc32(repr((one.context, one.truth)).encode())
    return f"{one.key}:{music:08x}:{seed}"


def _row(job: Job, written: Written) -> Row:
    notes = [list(note) for note in written.part.notes] if written.part else []
    return {"key": key_of(job), "notes": notes, "seconds": round(written.seconds, 3)}


def _written(row: Row, instrument: str) -> Written:
    known = known_instrument(instrument)
    notes = tuple(Note(*values) for values in row["notes"])
    part = Part(known.title, known.program, instrument == "drums", notes)
    return Written(part, "", row["seconds"])


def _batches(jobs: Sequence[Job], size: int) -> Iterator[Sequence[Job]]:
    """Yield the jobs in batches, songs of like length together, so that none waits for another."""
    in_order = sorted(jobs, key=lambda job: (job[0].instrument, job[0].around.bar_count))
    for start in range(0, len(in_order), size):
        yield in_order[start : start + size]


def attempt(write_parts: WriteParts, jobs: Sequence[Job]) -> list[Written]:
    """Write the jobs together; where that fails one by one, so that one song fails and not all."""
    started = time.perf_counter()
    try:
        parts = write_parts(jobs)
    except Exception as error:
        # whatever goes wrong in whoever's system: the song failed, and that is the result
        if len(jobs) > 1:
            return [written for job in jobs for written in attempt(write_parts, [job])]
        return [Written(None, f"{type(error).__name__}: {error}", time.perf_counter() - started)]
    seconds = (time.perf_counter() - started) / len(jobs)
    return [Written(part, "", seconds) for part in parts]


def write_all(
    name: str,
    jobs: Sequence[Job],
    opened: Callable[[], WriteParts],
    journal: Journal | None,
    progress: Progress,
    batch: int,
) -> list[Written]:
    """Write what the journal does not hold yet; return the parts of all jobs, in their order.

    Parameters
    ----------
    name : str
        Of the writer, for the progress bar.
    jobs : sequence of Job
    opened : callable
        Returns the writer; called only if there is something left to write.
    journal : Journal or None
        None: nothing is kept. Failures never are, so that they are tried again.
    progress : rich.progress.Progress
        Counts bars.
    batch : int
        Number of parts written together, and then kept.
    """
    kept = journal.rows if journal else {}
    keys = [key_of(job) for job in jobs]
    known = {
        key: _written(kept[key], job[0].instrument)
        for key, job in zip(keys, jobs, strict=True)
        if key in kept
    }
    left = [job for job, key in zip(jobs, keys, strict=True) if key not in known]
    if left:
        write_parts = opened()
        task = progress.add_task(name, total=sum(one.around.bar_count for one, _ in left))
        for some in _batches(left, batch):
            parts = attempt(write_parts, some)
            if journal:
                pairs = zip(some, parts, strict=True)
                journal.add(_row(job, part) for job, part in pairs if not part.failed)
            known |= {key_of(job): part for job, part in zip(some, parts, strict=True)}
            progress.advance(task, sum(one.around.bar_count for one, _ in some))
    return [known[key] for key in keys]
