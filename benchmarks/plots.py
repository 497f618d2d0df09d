"""Tables as a picture: what each writer reaches, and where a system is above the baselines."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.assignments import WHOLE_SONG
from benchmarks.bootstrap import Interval
from benchmarks.summary import POOLED, SILENCE, TRUE, Summary, pairs_of
from benchmarks.tables import GOALS, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOTS_PER_INCH = 110
_BETTER, _WORSE, _EQUAL = "#1b7f5c", "#b5432a", "#8a9099"
_ROW, _WIDTH, _MARGIN = 0.26, 12.0, 1.1  # inches


def _colour(gain: Interval) -> str:
    if not gain.excludes_zero():
        return _EQUAL
    return _BETTER if gain.low > 0 else _WORSE


def _dots(axes: Axes, rows: Sequence[tuple[str, Interval, str]], title: str) -> None:
    """Draw intervals with their names, the first row on top."""
    for place, (_, found, colour) in enumerate(rows):
        axes.plot([found.low, found.high], [place, place], color=colour, linewidth=2)
        axes.plot([found.value], [place], "o", color=colour, markersize=5)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_title(title, loc="left", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.grid(axis="x", color="#e3e5e8")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _rank_rows(summary: Summary) -> list[tuple[str, Interval, str]]:
    systems = {one for one, _ in pairs_of(summary.failures)}
    ranked = sorted(summary.ranks.items(), key=lambda entry: entry[1].value)
    return [(name, rank, _BETTER if name in systems else _EQUAL) for name, rank in ranked]


def _gain_rows(summary: Summary) -> list[tuple[str, Interval, str]]:
    rows = []
    for metric in GOALS:
        for pair, gain in summary.gains.get(metric, {}).items():
            rows.append((f"{plain(metric)}: {pair}", gain, _colour(gain)))
    return rows


def _value_rows(summary: Summary) -> list[tuple[str, Interval, str]]:
    """Return the values that goals are set on, where no system is compared."""
    return [
        (f"{plain(metric)}: {name}", value, _EQUAL)
        for metric in GOALS
        for name, value in summary.values.get(metric, {}).items()
        if name not in (TRUE, SILENCE)
    ]


def draw(found: Sequence[Summary]) -> bytes:
    """Return a PNG: on the left the mean ranks of distance, on the right the gains.

    One row of panels for each instrument of whole songs, all collections pooled, or where only
    cases were measured for each case. Dots are means, lines 95 % intervals; green is better, red
    worse, grey undecided.
    """
    # matplotlib takes a second to import, and only the end of a run draws
    from matplotlib.figure import Figure  # noqa: PLC0415

    pooled = [summary for summary in found if summary.collection == POOLED]
    panels = [
        (summary, _rank_rows(summary), _gain_rows(summary) or _value_rows(summary))
        for summary in pooled
    ]
    heights = [max(len(ranks), len(gains), 2) * _ROW + _MARGIN for _, ranks, gains in panels]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    axes = figure.subplots(len(panels), 2, squeeze=False, height_ratios=heights)
    for (summary, ranks, gains), (left, right) in zip(panels, axes, strict=True):
        what = summary.instrument if summary.case == WHOLE_SONG else summary.case
        _dots(left, ranks, f"{what}, {summary.songs} songs: mean rank of distance (1 is best)")
        compared = bool(pairs_of(summary.failures))
        _dots(right, gains, "gain over the baselines (right of 0: better)" if compared else "value")
        right.axvline(0, color="#22262e", linewidth=1)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
