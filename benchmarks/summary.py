"""From the scores of single parts to what is said of a writer: means, distances, gains, ranks.

A *merit* is a score turned so that more is better: of "nearer" metrics it is the negative distance
to the value of the true part of the same song. A failed part has the worst merit that the metric
knows, or the lowest of any writer on that song if that is lower. A *gain* is the mean difference of
two writers' merits, taken song by song, so that easy and hard songs cancel out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks.bootstrap import Array, Interval, Statistic, gap_closed, interval
from benchmarks.metrics import MEASURES
from benchmarks.metrics.measure import Measure
from benchmarks.ranks import mean_ranks, separation
from benchmarks.scores import Row
from benchmarks.writers import WRITERS

SEED = 440  # of the bootstrap, so that a table can be made again to the digit
POOLED = "pooled"
TRUE, RANDOM, SILENCE = "true", "random", "silence"
GAPS = ("chord_tone_rate", "in_key_rate", "bass_kick_f1")

Table = dict[str, dict[str, Interval]]


@dataclass(frozen=True)
class Summary:
    """One instrument in one case on one set of songs.

    Attributes
    ----------
    collection : str
        "freedoom", "real_songs", or "pooled" for all.
    case, instrument : str
    songs : int
    failures : dict of writer to int
        Number of failed parts.
    values : dict of metric to (dict of writer to Interval)
        Failed parts have no value; they count in `distances` and `gains`.
    distances : dict of metric to (dict of writer to Interval)
        Mean distance to the true part's value, of "nearer" metrics.
    gains : dict of metric to (dict of "system - baseline" to Interval)
    ranks : dict of writer to Interval
        Mean rank of the distances over the context metrics, 1 is best.
    rank_gains : dict of "system - baseline" to Interval
        By how many ranks the system is better.
    separation : dict of metric to Interval
        Area under the curve of true parts against random pairing, of context metrics.
    gaps : dict of metric to (dict of system to Interval)
        Share of the way from random pairing to the true part.
    seconds : dict of writer to float
        Mean time of writing a part.
    copied_run : dict of writer to float
        95th percentile, over parts, of the notes of the longest passage copied from the training
        songs.
    """

    collection: str
    case: str
    instrument: str
    songs: int
    failures: dict[str, int]
    values: Table = field(default_factory=dict)
    distances: Table = field(default_factory=dict)
    gains: Table = field(default_factory=dict)
    ranks: dict[str, Interval] = field(default_factory=dict)
    rank_gains: dict[str, Interval] = field(default_factory=dict)
    separation: dict[str, Interval] = field(default_factory=dict)
    gaps: Table = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    copied_run: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON writes it, an interval as [value, low, high]."""

        def named(found: Any) -> Any:
            if isinstance(found, Interval):
                return [float(f"{bound:.6g}") for bound in found]
            if isinstance(found, dict):
                return {name: named(inside) for name, inside in found.items()}
            return found

        # asdict would turn intervals, which are tuples, into lists
        shallow = {name: getattr(self, name) for name in asdict(self)}
        return {name: named(found) for name, found in shallow.items()}


def summary_of_json(found: Mapping[str, Any]) -> Summary:
    """Return what `Summary.as_json` was made from."""

    def back(value: Any) -> Any:
        if isinstance(value, list):
            return Interval(*value)
        if not isinstance(value, dict):
            return value
        return {name: back(inside) for name, inside in value.items()}

    return Summary(**{name: back(value) for name, value in found.items()})


@dataclass(frozen=True, eq=False)
class Scores:
    """All scores of one instrument in one case, in one order of songs.

    Attributes
    ----------
    values, merits : dict of metric to (dict of writer to array [shape=(song,)])
        Means over seeds. The songs are those for which the metric is defined.
    songs : dict of metric to list of str
    """

    values: dict[str, dict[str, Array]]
    merits: dict[str, dict[str, Array]]
    songs: dict[str, list[str]]


def _merit(measure: Measure, value: float, true: float) -> float:
    if measure.better == "nearer":
        return -abs(value - true)
    return value if measure.better == "higher" else -value


def _price(measure: Measure) -> float | None:
    """Return the value of a failed part; there is none where no value is bad in itself."""
    return None if measure.better == "nearer" else measure.worst


def _mean(values: Sequence[float | None]) -> float:
    kept = [value for value in values if value is not None]
    return float(np.mean(kept)) if kept else float("nan")


def collect(rows: Iterable[Row]) -> Scores:
    """Return the scores of rows of one instrument in one case.

    Raises
    ------
    ValueError
        If the true parts are missing, if writers were not measured on the same songs, or if one
        has no value where the true part has one.
    """
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row.writer][row.song_key].append(row)
    if TRUE not in found:
        raise ValueError("the rows of the true parts are missing: distances are taken to them")
    every_song = sorted(found[TRUE])
    for writer, of_song in found.items():
        if of_song.keys() != found[TRUE].keys():
            raise ValueError(
                f"{writer} has {len(of_song)} of {len(every_song)} songs; finish the run of "
                "every writer before comparing them"
            )
    truth = {song: of[0].scores for song, of in found[TRUE].items()}
    scores = Scores({}, {}, {})
    for metric in dict.fromkeys(name for of in truth.values() for name in of):
        measure = MEASURES[metric]
        songs = [song for song in every_song if truth[song].get(metric) is not None]
        if not songs:
            continue  # undefined on every song: chord tones where no harmony is given
        scores.songs[metric] = songs
        scores.values[metric], scores.merits[metric] = {}, {}
        lowest = {
            song: min(
                -abs(measure.worst) if measure.better != "higher" else measure.worst,
                *(
                    _merit(measure, value, truth[song][metric] or 0.0)
                    for of_song in found.values()
                    for row in of_song[song]
                    if (value := _value(row, metric)) is not None
                ),
            )
            for song in songs
        }
        for writer, of_song in found.items():
            values, merits = [], []
            for song in songs:
                of_seed = [_value(row, metric) for row in of_song[song]]
                true = truth[song][metric] or 0.0
                values.append(_mean([_price(measure) if v is None else v for v in of_seed]))
                merits.append(
                    _mean(
                        [lowest[song] if v is None else _merit(measure, v, true) for v in of_seed]
                    )
                )
            scores.values[metric][writer] = np.array(values)
            scores.merits[metric][writer] = np.array(merits)
    return scores


def _value(row: Row, metric: str) -> float | None:
    value = row.scores.get(metric)
    if value is None and not row.failed:
        raise ValueError(
            f"{row.writer} has no {metric} on {row.song_key}, where the true part has one"
        )
    return value


def pairs_of(writers: Iterable[str]) -> list[tuple[str, str]]:
    """Return which writers are compared: every system with every baseline but silence."""
    present = list(writers)
    systems = [name for name in present if name not in WRITERS or not WRITERS[name].is_baseline]
    others = [name for name in present if name not in systems and name not in (TRUE, SILENCE)]
    return [(system, other) for system in systems for other in others]


def _in_order(writers: Iterable[str]) -> list[str]:
    order = list(WRITERS)
    true = order.index(TRUE)
    place = {name: order.index(name) if name in order else true - 0.5 for name in writers}
    return sorted(place, key=lambda name: place[name])


def summarize(rows: Iterable[Row], collection: str, case: str, instrument: str) -> Summary:
    """Summarize the rows of one instrument in one case.

    Parameters
    ----------
    rows : iterable of Row
        All writers' rows of `case` and `instrument` on the songs of `collection`.
    collection, case, instrument : str
    """
    chosen = list(rows)
    scores = collect(chosen)
    writers = _in_order({row.writer for row in chosen})
    of_writer = {name: [row for row in chosen if row.writer == name] for name in writers}
    summary = Summary(
        collection,
        case,
        instrument,
        songs=len({row.song_key for row in chosen}),
        failures={name: sum(bool(row.failed) for row in of) for name, of in of_writer.items()},
        seconds={
            name: round(float(np.mean([row.seconds for row in of])), 3)
            for name, of in of_writer.items()
        },
    )
    for name, of in of_writer.items():
        runs = [run for row in of if (run := row.scores.get("longest_copied_run")) is not None]
        if runs:
            summary.copied_run[name] = round(float(np.percentile(runs, 95)), 1)
    pairs = pairs_of(writers)
    rng = np.random.default_rng(SEED)
    for metric, values in scores.values.items():
        measure, merits = MEASURES[metric], scores.merits[metric]
        statistic: Statistic = "median" if measure.median else "mean"
        summary.values[metric] = {
            name: interval(kept, rng, statistic)
            for name in writers
            if len(kept := values[name][~np.isnan(values[name])])
        }
        if measure.better == "nearer":
            summary.distances[metric] = {
                name: interval(-merits[name], rng) for name in writers if name != TRUE
            }
        summary.gains[metric] = {
            f"{one} - {other}": interval(merits[one] - merits[other], rng) for one, other in pairs
        }
        if measure.kind == "context" and RANDOM in values:
            both = ~np.isnan(values[RANDOM])
            if both.any():
                summary.separation[metric] = separation(
                    values[TRUE][both], values[RANDOM][both], rng
                )
        # where true parts are like random ones there is no way to go
        gap = interval(values[TRUE] - values[RANDOM], rng) if RANDOM in values else None
        if metric in GAPS and gap and gap.excludes_zero():
            summary.gaps[metric] = {
                system: gap_closed(values[system], values[RANDOM], values[TRUE], rng)
                for system in dict.fromkeys(one for one, _ in pairs)
                if not np.isnan(values[system]).any()
            }
    _rank(summary, scores, writers, rng)
    return summary


def _rank(
    summary: Summary, scores: Scores, writers: Sequence[str], rng: np.random.Generator
) -> None:
    """Fill in the ranks; silence is at no distance that says anything, and the truth at none."""
    ranked = [name for name in writers if name not in (TRUE, SILENCE)]
    context = [metric for metric in scores.merits if MEASURES[metric].kind == "context"]
    songs = sorted({song for metric in context for song in scores.songs[metric]})
    if not songs or len(ranked) < 2:
        return
    distances = np.full((len(context), len(ranked), len(songs)), np.nan)
    for row, metric in enumerate(context):
        places = np.searchsorted(songs, scores.songs[metric])
        for column, name in enumerate(ranked):
            distances[row, column, places] = -scores.merits[metric][name]
    ranks = dict(zip(ranked, mean_ranks(distances), strict=True))
    summary.ranks.update({name: interval(rank, rng) for name, rank in ranks.items()})
    summary.rank_gains.update(
        {
            f"{one} - {other}": interval(ranks[other] - ranks[one], rng)
            for one, other in pairs_of(writers)
        }
    )


def summaries(rows: Iterable[Row]) -> list[Summary]:
    """Return one summary for each case and instrument, on all collections pooled and on each."""
    every = list(rows)
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    collections = dict.fromkeys(row.collection for row in every)
    for collection in [POOLED, *(collections if len(collections) > 1 else ())]:
        for row in every:
            if collection in (POOLED, row.collection):
                groups[collection, row.case, row.instrument].append(row)
    return [summarize(group, *key) for key, group in groups.items()]
