"""Many systems on the same clips: means with intervals, differences clip by clip, a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.bootstrap import Array, Interval, interval
from benchmarks.metrics.measure import Measure
from benchmarks.tables import markdown_table, plain

DOTS_PER_INCH = 110

Scores = Mapping[str, Mapping[str, Array]]
"""By measure and system, one value a clip; nan where a measure makes no sense for the clip."""


def compared(
    scores: Scores,
    measures: Sequence[Measure],
    heads: Sequence[str],
    true: str,
    seed: int,
) -> dict[str, Any]:
    """Return what is known of every system, and how the heads differ from the others.

    A clip for which a measure makes no sense for the truth is left out for all systems. What has no
    value for a system alone counts as the worst there is.

    Parameters
    ----------
    scores : mapping of str to mapping of str to array
    measures : sequence of Measure
    heads : sequence of str
        The systems whose differences to all others are taken.
    true : str
        The system that is right by definition.
    seed : int
        Of the bootstrap; one for all, so that all are compared on the same draws of clips.

    Returns
    -------
    dict
        By measure: "clips", "better", "values" by system, for "nearer" measures "distances", and
        "gains" by head and other system, above 0 where the head is better.
    """
    found: dict[str, Any] = {}
    for measure in measures:
        of = scores.get(measure.name)
        if of is None:
            continue
        defined = ~np.isnan(of[true])
        if not defined.any():
            continue
        truth = of[true][defined]
        merits = {name: _merit(measure, each[defined], truth) for name, each in of.items()}
        entry: dict[str, Any] = {
            "clips": int(defined.sum()),
            "better": measure.better,
            "values": {
                name: rounded(_valued(measure, each[defined]), seed) for name, each in of.items()
            },
        }
        if measure.better == "nearer":
            entry["distances"] = {name: rounded(-merit, seed) for name, merit in merits.items()}
        entry["gains"] = {
            head: {
                name: rounded(merits[head] - merit, seed)
                for name, merit in merits.items()
                if name != head
            }
            for head in heads
            if head in merits
        }
        found[measure.name] = entry
    return found


def _valued(measure: Measure, values: Array) -> Array:
    return np.where(np.isnan(values), 0.0 if measure.better == "nearer" else measure.worst, values)


def _merit(measure: Measure, values: Array, true: Array) -> Array:
    """Return values so that more is better: "nearer" is minus the distance to the truth."""
    if measure.better == "nearer":
        distance = np.where(np.isnan(values), measure.worst, np.abs(values - true))
        return -np.minimum(distance, measure.worst)
    known = _valued(measure, values)
    return known if measure.better == "higher" else -known


def rounded(values: Array, seed: int) -> dict[str, float]:
    """Return the mean of some values and its 95 % bootstrap interval."""
    found = interval(values, np.random.default_rng(seed))
    return {name: round(value, 4) + 0.0 for name, value in found._asdict().items()}


def cell(found: Mapping[str, float], sign: str = "", digits: int = 2) -> str:
    """Return a value and its interval as text."""
    texts = [f"{found[name]:{sign}.{digits}f}" for name in ("value", "low", "high")]
    zero = f"{0:.{digits}f}"
    value, low, high = (zero if text.lstrip("+-") == zero else text for text in texts)
    return f"{value} [{low}, {high}]"


def value_table(found: Mapping[str, Any], systems: Sequence[str]) -> str:
    """Return a row for each system and a column for each measure, as Markdown.

    "nearer" measures show the mean distance to the truth in brackets.
    """
    heads = [f"{plain(name)} ({entry['better']})" for name, entry in found.items()]
    rows = []
    for system in systems:
        cells = []
        for entry in found.values():
            text = cell(entry["values"][system]) if system in entry["values"] else "–"
            if "distances" in entry and system in entry["distances"]:
                text += f" ({entry['distances'][system]['value']:.2f})"
            cells.append(text)
        rows.append([system, *cells])
    return markdown_table(["", *heads], rows)


def gain_table(found: Mapping[str, Any], head: str) -> str:
    """Return by how much a system is better than each other one, as Markdown."""
    rows = []
    others = dict.fromkeys(
        other for entry in found.values() for other in entry["gains"].get(head, {})
    )
    for other in others:
        cells = []
        for entry in found.values():
            gain = entry["gains"].get(head, {}).get(other)
            sure = gain is not None and Interval(**gain).excludes_zero()
            text = "–" if gain is None else cell(gain, "+")
            cells.append(f"**{text}**" if sure else text)
        rows.append([other, *cells])
    return markdown_table([f"{head} over", *map(plain, found)], rows)


def draw(found: Mapping[str, Any], systems: Sequence[str], heads: Sequence[str]) -> bytes:
    """Return a PNG: for each measure the means of all systems with their intervals."""
    # matplotlib takes a second to import, and only the end of a run draws
    from matplotlib.figure import Figure  # noqa: PLC0415

    columns = 3
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(14, (1 + 0.24 * len(systems)) * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    for place, (ax, (name, entry)) in enumerate(zip(axes, found.items(), strict=False)):
        for row, system in enumerate(systems):
            if system not in entry["values"]:
                continue
            bounds = Interval(**entry["values"][system])
            colour = "#1b7f5c" if system in heads else "#8a9099"
            ax.plot([bounds.low, bounds.high], [row, row], color=colour, linewidth=2)
            ax.plot([bounds.value], [row], "o", color=colour, markersize=5)
        ax.set_yticks(range(len(systems)), systems if place % columns == 0 else [""] * len(systems))
        ax.set_ylim(len(systems) - 0.5, -0.5)
        ax.set_title(f"{plain(name)} ({entry['better']} is better)", loc="left", fontsize=9)
        ax.tick_params(labelsize=8)
        ax.grid(axis="x", color="#e3e5e8")
    return png(figure)


def png(figure: Any) -> bytes:
    """Return a figure as a PNG that is the same whenever it is drawn."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
