"""Results as people read them: Markdown tables, and what was asked for beside what was reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.assignments import CASES, WHOLE_SONG
from benchmarks.bootstrap import Interval
from benchmarks.metrics import MEASURES
from benchmarks.summary import GAPS, POOLED, Summary, pairs_of

GAP_TO_CLOSE = 0.9
DENSITY_RATIO = (0.5, 2.0)
# What a system is asked to be above every baseline on.
GOALS = ("chroma_f1", "onset_f1", "kick_f1", "snare_f1", "hats_f1")


class Goal(NamedTuple):
    """One thing that a system is asked to reach, and whether it does."""

    text: str
    found: str
    reached: bool


def plain(metric: str) -> str:
    """Return a metric's name as people write it."""
    return metric.replace("_f1", " F1").replace("_", " ")


def _interval(found: Interval | None, sign: str = "") -> str:
    if found is None:
        return "–"
    value = f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}]"
    return value.replace("-0.000", "0.000").replace("+0.000", "0.000")


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goal_table(reached: Iterable[Goal]) -> str:
    """Return what was asked for beside what was found."""
    rows = [[goal.text, goal.found, "yes" if goal.reached else "NO"] for goal in reached]
    return markdown_table(["goal", "found", "reached"], rows)


def separates(area: Interval) -> bool:
    """Return whether a metric tells true parts from random ones: its interval leaves out 0.5."""
    return area.low > 0.5 or area.high < 0.5


def value_cell(summary: Summary, metric: str, writer: str, digits: int = 3) -> str:
    """Return a value, and of "nearer" metrics in brackets the mean distance to the true part's."""
    value = summary.values[metric].get(writer)
    text = f"{value.value:.{digits}f}" if value else "–"
    distance = summary.distances.get(metric, {}).get(writer)
    return f"{text} ({distance.value:.{digits}f})" if distance else text


def _value_table(summary: Summary) -> str:
    writers = list(summary.failures)
    rows = []
    for metric in summary.values:
        area = summary.separation.get(metric)
        mark = ""
        if area is not None:
            mark = f"{area.value:.2f}" + ("" if separates(area) else " does not separate")
        cells = [value_cell(summary, metric, writer) for writer in writers]
        rows.append([plain(metric), *cells, MEASURES[metric].better, mark])
    if summary.ranks:
        cells = [_interval(summary.ranks.get(writer)) for writer in writers]
        rows.append(["mean rank of distance", *cells, "lower", ""])
    rows.append(["failed parts", *(str(count) for count in summary.failures.values()), "lower", ""])
    rows.append(
        ["seconds a part", *(f"{summary.seconds[name]:.2f}" for name in writers), "lower", ""]
    )
    return markdown_table(["", *writers, "better", "AUC"], rows)


def _gain_table(summary: Summary) -> str:
    pairs = [f"{one} - {other}" for one, other in pairs_of(summary.failures)]
    rows = [
        [plain(metric), *(_interval(of.get(pair), "+") for pair in pairs)]
        for metric, of in summary.gains.items()
    ]
    if summary.rank_gains:
        rows.append(["mean rank", *(_interval(summary.rank_gains[pair], "+") for pair in pairs)])
    return markdown_table(["gain", *pairs], rows)


def instrument_table(summary: Summary) -> str:
    """Return all metrics of an instrument: values of every writer, and the systems' gains."""
    text = f"### {summary.instrument}, {summary.collection}: {summary.songs} songs\n\n"
    text += _value_table(summary)
    if pairs_of(summary.failures):
        text += "\n\n" + _gain_table(summary)
    gaps = [
        f"{plain(metric)} {system} {_interval(gap)}"
        for metric, of in summary.gaps.items()
        for system, gap in of.items()
    ]
    if gaps:
        text += f"\n\nGap from random to true closed: {'; '.join(gaps)}"
    return text


def case_table(found: Sequence[Summary]) -> str:
    """Return the cases of the paper, a row for each metric of each case, on the pooled songs."""
    chosen = {summary.case: summary for summary in found if summary.collection == POOLED}
    writers = list(dict.fromkeys(name for summary in chosen.values() for name in summary.failures))
    rows = []
    for case in CASES:
        if case.title in chosen:
            summary = chosen[case.title]
            for place, metric in enumerate(summary.values):
                head = [case.title, str(summary.songs)] if place == 0 else ["", ""]
                cells = [value_cell(summary, metric, writer) for writer in writers]
                rows.append([*head, plain(metric), *cells])
    note = (
        "bass + drums -> guitar stands for two of the paper's six cases, which it names in "
        "different order. Where only drums are given there is no chord to follow: the chord-tone "
        "rate is undefined."
    )
    return markdown_table(["given -> written", "songs", "", *writers], rows) + f"\n\n{note}"


def _above(summary: Summary, metric: str, gains: Mapping[str, Interval]) -> Iterator[Goal]:
    for one, other in pairs_of(summary.failures):
        gain = gains.get(f"{one} - {other}")
        if gain is not None:
            text = f"{summary.instrument}: {one}'s {metric} better than {other}'s"
            yield Goal(text, _interval(gain, "+"), gain.low > 0)


def goals(found: Iterable[Summary]) -> Iterator[Goal]:
    """Yield what each system is asked to reach on whole songs of all collections pooled.

    A gain counts if its 95 % interval lies above zero.
    """
    for summary in found:
        if summary.collection != POOLED or summary.case != WHOLE_SONG:
            continue
        systems = dict.fromkeys(one for one, _ in pairs_of(summary.failures))
        for metric in GOALS:
            yield from _above(summary, plain(metric), summary.gains.get(metric, {}))
        yield from _above(summary, "mean rank of distance", summary.rank_gains)
        for metric in GAPS:
            for system, gap in summary.gaps.get(metric, {}).items():
                text = f"{summary.instrument}: {GAP_TO_CLOSE:.0%} of the gap in {plain(metric)}"
                # beyond the true value is past it: the distance must be small as well
                distances = summary.distances[metric]
                others = [
                    distances[other].value
                    for one, other in pairs_of(summary.failures)
                    if one == system
                ]
                nearest = distances[system].value < min(others)
                yield Goal(
                    f"{text} closed by {system}, nearer to the true part than every baseline",
                    f"{_interval(gap)}; distance {distances[system].value:.3f}, the best "
                    f"baseline's {min(others):.3f}",
                    gap.value >= GAP_TO_CLOSE and nearest,
                )
        for system in systems:
            yield from _form(summary, system)


def _form(summary: Summary, system: str) -> Iterator[Goal]:
    ratio = summary.values.get("notes_per_bar_ratio", {}).get(system)
    if ratio is not None:
        text = f"{summary.instrument}: {system}'s notes per bar of the median song, of the true"
        reached = DENSITY_RATIO[0] <= ratio.value <= DENSITY_RATIO[1]
        yield Goal(text, _interval(ratio), reached)
    outside = summary.values.get("out_of_range", {}).get(system)
    if outside is not None:
        text = f"{summary.instrument}: no note of {system} out of range (mean number in a part)"
        yield Goal(text, _interval(outside), outside.value == 0)
    run, usual = (summary.copied_run.get(name) for name in (system, "true"))
    if run is not None and usual is not None:
        text = f"{summary.instrument}: {system}'s longest copied run, no longer than true parts'"
        yield Goal(f"{text} (95th percentile)", f"{run:g} notes; true {usual:g}", run <= usual)
    failed = summary.failures[system]
    yield Goal(f"{summary.instrument}: {system} fails on no song", str(failed), failed == 0)


def failure_table(reasons: Mapping[str, Mapping[str, int]]) -> str:
    """Return why parts failed, and how many did."""
    rows = [
        [writer, reason, str(count)]
        for writer, of in reasons.items()
        for reason, count in of.items()
    ]
    return markdown_table(["writer", "failed because", "parts"], rows)


def closest_table(found: Iterable[Mapping[str, Any]]) -> str:
    """Return the written parts that share most with one training song."""
    heads = ["writer", "instrument", "song", "nearest", "shared"]
    rows = [[*(str(row[head]) for head in heads[:-1]), f"{row['shared']:.0%}"] for row in found]
    return markdown_table([*heads[:-1], "of its figures of 8 notes"], rows)


HOW_TO_READ = (
    "Values are means over songs (ratios: the median song) of means over seeds. In brackets: the "
    "mean distance to the true part's value in the same song, for metrics of which neither more "
    "nor less is better. Gains are differences of merit song by song, above zero where the first "
    "is better, with their 95 % bootstrap interval. AUC: how well the metric tells true parts from "
    "random ones (0.5: not at all). docs/evaluation.md explains every row."
)


def report(found: Sequence[Summary]) -> str:
    """Return everything as one Markdown text."""
    blocks = [HOW_TO_READ]
    reached = list(goals(found))
    if reached:
        blocks.append("### Goals\n\n" + goal_table(reached))
    blocks += [instrument_table(summary) for summary in found if summary.case == WHOLE_SONG]
    if any(summary.case != WHOLE_SONG for summary in found):
        blocks.append("### By what is given\n\n" + case_table(found))
    return "\n\n".join(blocks) + "\n"
