"""A process that engraves scores: neither a long one nor one that breaks it holds up the server."""

from __future__ import annotations

import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Lock
from typing import NamedTuple

from subtractive.errors import MusicError
from symbolic.serve.pictures import Engraved, PictureError, score_pages
from symbolic.serve.store import View

MOST_SECONDS = 90.0
_spawn = get_context("spawn")  # a fork of a process with threads may hang


def _work(pipe: Connection) -> None:
    """Engrave what comes through the pipe until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends, and with it the pipe
    while True:
        try:
            view = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(score_pages(view))
        except MusicError as error:
            pipe.send(error)


class _Worker(NamedTuple):
    process: SpawnProcess
    pipe: Connection[View, Engraved | MusicError]


def _begun() -> _Worker:
    pipe, other = _spawn.Pipe()
    process = _spawn.Process(target=_work, args=(other,), name="engraver", daemon=True)
    process.start()
    other.close()
    return _Worker(process, pipe)


class Engraver:
    """Engraves one score after the other, in a process that is begun anew if it breaks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: _Worker | None = None

    def pages(self, view: View) -> Engraved:
        """Return the score of a view, as `symbolic.serve.pictures.score_pages` does.

        Raises
        ------
        MusicError
            If there is no score of this music, or it took too long.
        """
        with self._lock:
            try:
                self._worker = self._worker or _begun()
                self._worker.pipe.send(view)
                if not self._worker.pipe.poll(MOST_SECONDS):
                    raise TimeoutError
                answer = self._worker.pipe.recv()
            except (EOFError, OSError) as error:  # TimeoutError is one too
                self.close()
                raise PictureError("the score cannot be drawn here: download it instead") from error
        if isinstance(answer, MusicError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._worker is not None:
            self._worker.pipe.close()
            self._worker.process.kill()
            self._worker.process.join()
            self._worker = None
