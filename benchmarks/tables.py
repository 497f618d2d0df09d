"""Results as people read them: Markdown tables, and what was asked for beside what was reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.assignments import CASES, WHOLE_SONG
from benchmarks.bootstrap import Interval
from benchmarks.summary import POOLED, Summary
from benchmarks.writers import WRITERS

GAP_TO_CLOSE = 0.7
DENSITY_RATIO = (0.5, 2.0)


class Goal(NamedTuple):
    """One thing that the model is asked to reach, and whether it does."""

    text: str
    found: str
    reached: bool


def _cell(found: Interval | None) -> str:
    if found is None:
        return "–"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goal_table(reached: Iterable[Goal]) -> str:
    """Return what was asked for beside what was found."""
    rows = [[goal.text, goal.found, "yes" if goal.reached else "NO"] for goal in reached]
    return markdown_table(["goal", "found", "reached"], rows)


def instrument_table(summary: Summary) -> str:
    """Return all metrics of an instrument, a column for each writer and each difference."""
    writers = [name for name in WRITERS if any(name in of for of in summary.values.values())]
    pairs = list(dict.fromkeys(pair for of in summary.differences.values() for pair in of))
    rows = [
        [metric.replace("_", " ")]
        + [_cell(summary.values[metric].get(writer)) for writer in writers]
        + [_cell(summary.differences[metric].get(pair)) for pair in pairs]
        for metric in summary.values
    ]
    text = f"### {summary.instrument}, {summary.collection}: {summary.songs} songs\n\n"
    text += markdown_table(["", *writers, *pairs], rows)
    if summary.gap_closed is not None:
        text += (
            f"\n\nGap from random to true closed on chord-tone rate: {_cell(summary.gap_closed)}"
        )
    return text


def case_table(found: Sequence[Summary]) -> str:
    """Return the cases of the paper, a row for each metric of each case, on the pooled songs."""
    chosen = {summary.case: summary for summary in found if summary.collection == POOLED}
    writers = [
        name
        for name in WRITERS
        if any(name in of for summary in chosen.values() for of in summary.values.values())
    ]
    rows = []
    for case in CASES:
        if case.title in chosen:
            summary = chosen[case.title]
            for place, metric in enumerate(summary.values):
                head = [case.title, str(summary.songs)] if place == 0 else ["", ""]
                cells = [_cell(summary.values[metric].get(writer)) for writer in writers]
                rows.append([*head, metric.replace("_", " "), *cells])
    note = (
        "bass + drums -> guitar stands for two of the paper's six cases, which it names in "
        "different order. Where only drums are given there is no chord to follow: the chord-tone "
        "rate is undefined."
    )
    return markdown_table(["given -> written", "songs", "", *writers], rows) + f"\n\n{note}"


def _beats(summary: Summary, metric: str, other: str) -> Goal | None:
    difference = summary.differences.get(metric, {}).get(f"model - {other}")
    if difference is None:
        return None
    text = f"{summary.instrument}: {metric.replace('_', ' ')} above {other}"
    return Goal(text, _cell(difference), difference.low > 0)


def goals(found: Iterable[Summary]) -> Iterator[Goal]:
    """Yield what the model is asked to reach on whole songs of both collections pooled.

    A difference counts if its 95 % interval excludes zero.
    """
    for summary in found:
        if summary.collection != POOLED or summary.case != WHOLE_SONG:
            continue
        onsets = ("onset_f1", "kick_f1", "snare_f1", "hats_f1")
        for metric in ("chord_tone_rate", "chroma_f1", "bass_kick_f1", *onsets):
            yield from filter(None, [_beats(summary, metric, "random")])
        for metric in ("chroma_f1", *onsets):
            yield from filter(None, [_beats(summary, metric, "rule")])
        if summary.gap_closed is not None:
            gap = summary.gap_closed
            text = f"{summary.instrument}: {GAP_TO_CLOSE:.0%} of the gap in chord-tone rate closed"
            yield Goal(text, _cell(gap), gap.value >= GAP_TO_CLOSE)
        ratio = summary.values.get("notes_per_bar_ratio", {}).get("model")
        if ratio is not None:
            text = f"{summary.instrument}: notes per bar of the median song, of the true part's"
            reached = DENSITY_RATIO[0] <= ratio.value <= DENSITY_RATIO[1]
            yield Goal(text, _cell(ratio), reached)
        outside = summary.values.get("out_of_range", {}).get("model")
        if outside is not None:
            text = f"{summary.instrument}: no notes out of range (mean number in a part)"
            yield Goal(text, _cell(outside), outside.value == 0)


def report(found: Sequence[Summary]) -> str:
    """Return everything as one Markdown text."""
    blocks = [instrument_table(summary) for summary in found if summary.case == WHOLE_SONG]
    reached = list(goals(found))
    if reached:
        blocks.insert(0, "### Goals\n\n" + goal_table(reached))
    if any(summary.case != WHOLE_SONG for summary in found):
        blocks.append("### By what is given\n\n" + case_table(found))
    return "\n\n".join(blocks) + "\n"
