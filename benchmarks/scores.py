"""From written parts to rows of scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks import metrics
from benchmarks.metrics import novelty
from benchmarks.writers import Job
from benchmarks.written import Written
from subtractive.arrays import notes_array
from subtractive.repertoire import Repertoire

# The index knows a sample of the figures of each song; of fewer a share says nothing.
LEAST_SAMPLE = 8


@dataclass(frozen=True)
class Row:
    """The scores of one part.

    Attributes
    ----------
    collection, song, case, instrument, writer : str
    seed : int
    failed : str
        Why there are no scores; empty if there are.
    seconds : float
        That writing took.
    scores : mapping of str to (float or None)
        None where the question makes no sense for the song.
    nearest : str
        The training song that most of the part's figures are found in; empty if there is none.
    shared : float
        The share of them.
    """

    collection: str
    song: str
    case: str
    instrument: str
    writer: str
    seed: int
    failed: str
    seconds: float
    scores: Mapping[str, float | None]
    nearest: str = ""
    shared: float = 0.0

    @property
    def song_key(self) -> str:
        """Name of the song among all songs."""
        return f"{self.collection}/{self.song}"


def score(writer: str, job: Job, written: Written, learned: Repertoire | None = None) -> Row:
    """Return the row of one written part; one that can't be measured has failed.

    Parameters
    ----------
    writer : str
    job : Job
    written : Written
    learned : Repertoire, optional
        Index of the songs that the model learned from: then copying is measured too.

    Raises
    ------
    ValueError
        If the true part can't be measured: then something is wrong with the song or a metric.
    """
    one, seed = job
    failed, scores = written.failed, {}
    nearest, shared = "", 0.0
    if written.part is not None:
        try:
            found = metrics.evaluate(written.part, one.truth, one.around, one.instrument)
            if learned is not None:
                played = notes_array(written.part.notes)
                ticks = one.around.ticks_per_beat
                found |= novelty.evaluate(played, ticks, learned, one.instrument)
                most = novelty.nearest(played, ticks, learned, one.instrument)
                if most is not None and most.total >= LEAST_SAMPLE:
                    nearest, shared = most.song, most.shared / most.total
            scores = {name: None if math.isnan(value) else value for name, value in found.items()}
        except ValueError as error:
            if writer == "true":
                raise ValueError(f"{one.key}: {error}") from error
            failed = str(error)
    return Row(
        collection=one.song.collection,
        song=one.song.name,
        case=one.case,
        instrument=one.instrument,
        writer=writer,
        seed=seed,
        failed=failed,
        seconds=written.seconds,
        scores=scores,
        nearest=nearest,
        shared=shared,
    )
