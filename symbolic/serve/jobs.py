"""What is to be written: one job at a time, the others wait in line."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Condition, Thread
from typing import TYPE_CHECKING, Literal, TypeAlias

from subtractive.errors import MusicError, OptionError
from symbolic.serve.store import Song, Store, fresh_token
from symbolic.tasks import Task

if TYPE_CHECKING:
    from symbolic.writer import PartWriter

MOST_WAITING = 16
MOST_REMEMBERED = 200
SWEEP_SECONDS = 60.0

State: TypeAlias = Literal["waiting", "writing", "done", "cancelled", "failed"]
FINISHED: frozenset[State] = frozenset({"done", "cancelled", "failed"})
MakeWriter: TypeAlias = "Callable[[Callable[[], None]], PartWriter]"


class Cancelled(Exception):  # noqa: N818  # it is no error, and nobody is told of one
    """Ends the writing of a job that is no longer wanted."""


@dataclass(slots=True)
class Job:
    """Some variations of one part for one song.

    `total` and `written` are bars, those of all variations together; `variations` are the tokens
    of those that are finished; `remarks` tell what words were read as.
    """

    token: str
    song: Song
    task: Task
    count: int
    total: int
    state: State = "waiting"
    written: int = 0
    variations: list[str] = field(default_factory=list)
    remarks: tuple[str, ...] = ()
    error: str | None = None


class Jobs:
    """The line of jobs, and the one thread that works on it.

    Parameters
    ----------
    store : Store
    make_writer : callable
        Called once, in the thread, and given a function that the writer must call often: it raises
        `Cancelled` when the job in hand is no longer wanted.
    """

    def __init__(self, store: Store, make_writer: MakeWriter) -> None:
        self._store = store
        self._make_writer = make_writer
        self._jobs: dict[str, Job] = {}
        self._line: list[Job] = []
        self._in_hand: Job | None = None
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._work, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to load the writer, and then to work."""
        self._thread.start()

    def close(self) -> None:
        """Cancel all jobs, and wait for the thread to end."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                self._end(job, "cancelled")
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def add(self, song: Song, task: Task, count: int) -> Job:
        """Put a job in line: `count` variations, with the seeds that follow the task's.

        Raises
        ------
        MusicError
            If the task does not fit the song, or the line is full.
        """
        self._store.check_room(song, count)
        opened = song.open(task)
        job = Job(fresh_token(), song, task, count, count * opened.bars_to_write)
        with self._changed:
            if len(self._line) >= MOST_WAITING:
                raise OptionError(
                    f"{MOST_WAITING} jobs are waiting already: cancel one, or wait for one to end"
                )
            self._line.append(job)
            self._jobs[job.token] = job
            while len(self._jobs) > MOST_REMEMBERED:
                del self._jobs[next(iter(self._jobs))]
            self._changed.notify_all()
        return job

    def job(self, token: str) -> Job | None:
        """Return a job; None if there is none of that name, or it ended long ago."""
        return self._jobs.get(token)

    def ahead(self, job: Job) -> int:
        """Return how many jobs are to end before this one begins."""
        with self._changed:
            if job not in self._line:
                return 0
            return self._line.index(job) + (self._in_hand is not None)

    def cancel(self, job: Job) -> None:
        """End a job, wherever it is; what it finished stays."""
        with self._changed:
            self._end(job, "cancelled")
            if job in self._line:
                self._line.remove(job)

    def of(self, song: Song) -> list[Job]:
        """Return the jobs of a song that are not finished, the first one first."""
        jobs = list(self._jobs.values())
        return [job for job in jobs if job.song is song and job.state not in FINISHED]

    def _end(self, job: Job, state: State) -> None:
        with self._changed:
            if job.state not in FINISHED:
                job.state = state

    def _check(self) -> None:
        if self._in_hand is None or self._in_hand.state in FINISHED:
            raise Cancelled

    def _next(self) -> Job | None:
        """Wait for a job, and take it; None when there is no more to wait for."""
        with self._changed:
            self._in_hand = None
            while not self._line and not self._closed:
                if not self._changed.wait(SWEEP_SECONDS):
                    self._store.sweep()
            if self._closed:
                return None
            self._in_hand = self._line.pop(0)
            return self._in_hand

    def _work(self) -> None:
        """Load the writer, then write job after job."""
        writer: PartWriter | None = None
        broken: str | None = None
        try:
            writer = self._make_writer(self._check)
        except MusicError as error:
            broken = str(error)
        while (job := self._next()) is not None:
            if writer is None:
                job.error = broken
                self._end(job, "failed")
                continue
            try:
                self._write(writer, job)
            except Cancelled:
                self._end(job, "cancelled")
            except MusicError as error:
                job.error = str(error)
                self._end(job, "failed")
            except Exception:  # the next job must not wait for ever
                traceback.print_exc()
                job.error = (
                    "the part could not be written, by a mistake of this program: see its log"
                )
                self._end(job, "failed")

    def _write(self, writer: PartWriter, job: Job) -> None:
        def report(bars: int) -> None:
            job.written += bars
            self._check()

        with self._changed:
            self._check()
            job.state = "writing"
        # all variations are written to the music as it is now, whatever is kept meanwhile
        with self._store.lock:
            opened, before = job.song.open(job.task), job.song.view()
        first = job.task.wishes.seed
        for seed in range(first, first + job.count):
            task = replace(job.task, wishes=replace(job.task.wishes, seed=seed))
            (result,) = task.write(writer, [opened], report)
            with self._store.lock:
                self._check()
                variation = job.song.add(job.token, task, result, before)
                job.variations.append(variation.token)
                job.remarks = result.remarks
        self._end(job, "done")
