"""From the scores of single parts to what is said of a writer: means, intervals, differences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.bootstrap import Array, Interval, Statistic, gap_closed, interval
from benchmarks.journal import Row

SEED = 440  # of the bootstrap, so that a table can be made again to the digit
POOLED = "pooled"

# A ratio's mean says little (one thin part makes a large one): its median song is reported.
_STATISTIC: Mapping[str, Statistic] = {"notes_per_bar_ratio": "median"}

Scores = dict[str, dict[str, dict[str, float]]]  # writer -> metric -> song -> mean over seeds


@dataclass(frozen=True)
class Summary:
    """One instrument in one case on one set of songs.

    Attributes
    ----------
    collection : str
        "freedoom", "real_songs" or "pooled".
    case : str
    instrument : str
    songs : int
    values : dict of metric to (dict of writer to Interval)
    differences : dict of metric to (dict of "model - random", "model - rule" to Interval)
    gap_closed : Interval or None
        On the chord-tone rate, from random to true.
    """

    collection: str
    case: str
    instrument: str
    songs: int
    values: dict[str, dict[str, Interval]]
    differences: dict[str, dict[str, Interval]]
    gap_closed: Interval | None

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON writes it, intervals by name."""

        def named(table: dict[str, dict[str, Interval]]) -> dict[str, dict[str, Any]]:
            return {
                metric: {who: found._asdict() for who, found in of_metric.items()}
                for metric, of_metric in table.items()
            }

        gap = self.gap_closed._asdict() if self.gap_closed else None
        tables = {"values": named(self.values), "differences": named(self.differences)}
        return {**asdict(self), **tables, "gap_closed": gap}


def _scores(rows: Iterable[Row]) -> Scores:
    """Return the mean over seeds of each writer's scores; what is undefined is left out."""
    found: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for row in rows:
        for metric, value in row["scores"].items():
            if value is not None:
                song = f"{row['collection']}/{row['song']}"
                found[row["writer"]][metric][song].append(value)
    return {
        writer: {
            metric: {song: float(np.mean(values)) for song, values in of_song.items()}
            for metric, of_song in of_metric.items()
        }
        for writer, of_metric in found.items()
    }


def _columns(scores: Scores, metric: str) -> dict[str, Array]:
    """Return each writer's values of a metric, in one order of songs.

    Raises
    ------
    ValueError
        If the writers were not measured on the same songs.
    """
    by_song = {writer: of_metric.get(metric, {}) for writer, of_metric in scores.items()}
    songs = sorted(set().union(*by_song.values()))
    for writer, values in by_song.items():
        if len(values) != len(songs):
            raise ValueError(
                f"{metric}: {writer} has {len(values)} of {len(songs)} songs; finish the run of "
                "every writer before comparing them"
            )
    return {writer: np.array([by_song[writer][song] for song in songs]) for writer in by_song}


def summarize(rows: Iterable[Row], collection: str, case: str, instrument: str) -> Summary:
    """Summarize the rows of one instrument in one case.

    Parameters
    ----------
    rows : iterable of Row
        All writers' rows of `case` and `instrument` on the songs of `collection`.
    collection, case, instrument : str

    Returns
    -------
    Summary
    """
    chosen = list(rows)
    scores = _scores(chosen)
    rng = np.random.default_rng(SEED)
    values: dict[str, dict[str, Interval]] = {}
    differences: dict[str, dict[str, Interval]] = {}
    gap = None
    for metric in dict.fromkeys(metric for row in chosen for metric in row["scores"]):
        columns = _columns(scores, metric)
        if not all(len(column) for column in columns.values()):
            continue  # undefined on every song: chord tones where no harmony is given
        statistic = _STATISTIC.get(metric, "mean")
        values[metric] = {
            writer: interval(column, rng, statistic) for writer, column in columns.items()
        }
        differences[metric] = {
            f"model - {other}": interval(columns["model"] - columns[other], rng)
            for other in ("random", "rule")
            if {"model", other} <= columns.keys()
        }
        if metric == "chord_tone_rate" and {"model", "random", "true"} <= columns.keys():
            gap = gap_closed(columns["model"], columns["random"], columns["true"], rng)
    songs = len({(row["collection"], row["song"]) for row in chosen})
    return Summary(collection, case, instrument, songs, values, differences, gap)


def summaries(rows: Iterable[Row]) -> list[Summary]:
    """Return one summary for each case and instrument, on both collections pooled and on each."""
    every = list(rows)
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for collection in dict.fromkeys([POOLED, *(row["collection"] for row in every)]):
        for row in every:
            if collection in (POOLED, row["collection"]):
                groups[collection, row["case"], row["instrument"]].append(row)
    return [summarize(group, *key) for key, group in groups.items()]
