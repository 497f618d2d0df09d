"""Scores of clips as people read them: means with intervals, differences, a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.audio.rows import OUTPUT, RANDOM, TRUE, WRITERS, key_of
from benchmarks.bootstrap import Array, Interval, interval
from benchmarks.journal import Row
from benchmarks.metrics import frechet
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.sound import MEASURES
from benchmarks.tables import markdown_table, plain

DOTS_PER_INCH = 110
HALVES = "true mix, half against half"

Scores = Mapping[str, Mapping[str, Array]]


def scores_of(rows: Mapping[str, Row], clips: Sequence[str]) -> dict[str, dict[str, Array]]:
    """Return the values of all metrics [shape=(clip,)], by metric and writer.

    A clip for which a metric makes no sense (the true mix has no value) is left out for all; no
    writer is left out for what it made.

    Parameters
    ----------
    rows : mapping of str to Row
        By the keys that `rows.key_of` gives.
    clips : sequence of str
        Names.
    """
    writers = [name for name in WRITERS if key_of(clips[0], name) in rows]

    def values(writer: str, metric: str) -> Array:
        found = [rows[key_of(clip, writer)]["scores"][metric] for clip in clips]
        return np.array([np.nan if value is None else value for value in found], dtype=np.float64)

    table = {}
    for measure in MEASURES:
        defined = ~np.isnan(values(TRUE, measure.name))
        if defined.any():
            table[measure.name] = {
                writer: values(writer, measure.name)[defined] for writer in writers
            }
    return table


def merit(measure: Measure, values: Array, true: Array) -> Array:
    """Return values so that more is better: of "nearer" metrics minus the distance to the truth."""
    if measure.better == "nearer":
        return -np.minimum(np.abs(values - true), measure.worst)
    return values if measure.better == "higher" else -values


def summary(scores: Scores, seed: int) -> dict[str, Any]:
    """Return means and the output's differences to the others, with 95 % bootstrap intervals.

    Parameters
    ----------
    scores : mapping
        As `scores_of` returns it.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        By metric: "n" clips, "better", "values" by writer, for "nearer" metrics "distances", and
        "gains" of the output over each other writer, above 0 where the output is better.
    """
    found: dict[str, Any] = {}
    for measure in MEASURES:
        of = scores.get(measure.name)
        if of is None:
            continue
        true = of[TRUE]
        merits = {name: merit(measure, values, true) for name, values in of.items()}
        # one seed for all: they are compared on the same draws of clips
        entry: dict[str, Any] = {
            "n": len(true),
            "better": measure.better,
            "values": {name: _interval(values, seed) for name, values in of.items()},
        }
        if measure.better == "nearer":
            entry["distances"] = {name: _interval(-each, seed) for name, each in merits.items()}
        entry["gains"] = {
            name: _interval(merits[OUTPUT] - each, seed)
            for name, each in merits.items()
            if name != OUTPUT
        }
        found[measure.name] = entry
    return found


def _interval(values: Array, seed: int) -> dict[str, float]:
    found = interval(values, np.random.default_rng(seed))
    return {name: round(value, 4) for name, value in found._asdict().items()}


def set_distances(rows: Mapping[str, Row], clips: Sequence[str], seed: int) -> dict[str, Any]:
    """Return how far the clouds of embeddings lie from that of the true mixes.

    Parameters
    ----------
    rows, clips
        As for `scores_of`; rows with embeddings.
    seed : int
        Which clips go to which half, and which windows to the extrapolation.

    Returns
    -------
    dict
        By writer: "windows", "frechet", "frechet_infinity" (from 100 windows on), "kernel". Last
        one half of the true mixes against the other: what the numbers of windows alone make.
    """

    def cloud(writer: str, names: Sequence[str]) -> Array:
        return np.concatenate([rows[key_of(name, writer)]["embeddings"] for name in names])

    rng = np.random.default_rng(seed)
    true = cloud(TRUE, clips)
    found = {
        writer: distances(cloud(writer, clips), true, rng)
        for writer in WRITERS
        if writer != TRUE and key_of(clips[0], writer) in rows
    }
    if len(clips) > 1:
        order = [clips[place] for place in rng.permutation(len(clips))]
        halves = [cloud(TRUE, order[::2]), cloud(TRUE, order[1::2])]
        if min(map(len, halves)) >= frechet.FEWEST:
            found[HALVES] = distances(halves[0], halves[1], rng)
    return found


def distances(one: Array, other: Array, rng: np.random.Generator) -> dict[str, float | int | None]:
    """Return how far two clouds of embeddings [shape=(window, dimension)] lie apart.

    Returns
    -------
    dict
        "windows", "frechet", "frechet_infinity" (None below 100 windows), "kernel".
    """
    enough = min(len(one), len(other)) >= frechet.FEWEST_TO_EXTRAPOLATE
    return {
        "windows": min(len(one), len(other)),
        "frechet": round(frechet.frechet_distance(one, other), 4),
        "frechet_infinity": round(frechet.frechet_infinity(one, other, rng), 4) if enough else None,
        "kernel": round(frechet.kernel_distance(one, other), 5),
    }


def _cell(found: Mapping[str, float], sign: str = "") -> str:
    value = f"{found['value']:{sign}.2f} [{found['low']:{sign}.2f}, {found['high']:{sign}.2f}]"
    return value.replace("-0.00", "0.00").replace("+0.00", "0.00")


def report(result: Mapping[str, Any]) -> str:
    """Return a result as a Markdown text."""
    metrics = result["metrics"]
    first = next(iter(metrics.values()))
    writers = list(first["values"])
    rows = []
    for name, entry in metrics.items():
        cells = [
            f"{_cell(entry['values'][writer])}"
            + (f" ({entry['distances'][writer]['value']:.2f})" if "distances" in entry else "")
            for writer in writers
        ]
        rows.append([plain(name), *cells, entry["better"]])
    heads = [result["system"] if writer == OUTPUT else writer for writer in writers]
    blocks = [
        HOW_TO_READ.format(clips=result["clips"], failures=len(result["failures"])),
        markdown_table(["", *heads, "better"], rows),
    ]
    others = list(first["gains"])
    rows = [
        [plain(name), *(_cell(entry["gains"][other], "+") for other in others)]
        for name, entry in metrics.items()
    ]
    blocks.append(markdown_table(["gain over", *others], rows))
    blocks.append(_set_table(result))
    speed = result["real_time_factor"]
    blocks.append(
        "Real-time factors (seconds of work by seconds of sound): "
        f"the system {'not told' if speed is None else f'{speed:.3f}'}, "
        f"measuring one output {result['metrics_real_time_factor']:.3f}."
    )
    return "\n\n".join(blocks) + "\n"


HOW_TO_READ = (
    "{clips} clips, {failures} of them failed (they count as the worst there is). Values are means "
    "over clips with their 95 % bootstrap interval; in brackets the mean distance to the true mix, "
    "of metrics of which neither more nor less is better. Gains are taken clip by clip, above 0 "
    "where the system is better. benchmarks/metrics/sound.py defines every row."
)


def _set_table(result: Mapping[str, Any]) -> str:
    found = result["embeddings"]
    if isinstance(found, str):
        return f"No distances of embeddings: {found}."
    rows = [
        [
            result["system"] if writer == OUTPUT else writer,
            str(entry["windows"]),
            f"{entry['frechet']:.2f}",
            "–" if entry["frechet_infinity"] is None else f"{entry['frechet_infinity']:.2f}",
            f"{entry['kernel']:.4f}",
        ]
        for writer, entry in found.items()
    ]
    note = (
        f"Embeddings of musicnn, against the true mixes. Below {frechet.UNBIASED_FROM} windows the "
        "Fréchet distance is mostly bias: read it beside the last line, or read the kernel "
        "distance, which has none for windows drawn independently. Here they aren't: all rows but "
        "the last have the contexts of the true mixes, which pulls both distances down. "
        f"({RANDOM}: one stem a clip.)"
    )
    table = markdown_table(["", "windows", "Fréchet", "at endless windows", "kernel"], rows)
    return f"{table}\n\n{note}"


def draw(result: Mapping[str, Any]) -> bytes:
    """Return a PNG: for each metric the means of all writers with their intervals."""
    # matplotlib takes a second to import, and only the end of a run draws
    from matplotlib.figure import Figure  # noqa: PLC0415

    metrics = result["metrics"]
    columns = 3
    lines = -(-len(metrics) // columns)
    figure = Figure(figsize=(13, 2.6 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax in axes[len(metrics) :]:
        ax.set_axis_off()
    for place, (ax, (name, entry)) in enumerate(zip(axes, metrics.items(), strict=False)):
        for row, (writer, found) in enumerate(entry["values"].items()):
            colour = "#1b7f5c" if writer == OUTPUT else "#8a9099"
            bounds = Interval(**found)
            ax.plot([bounds.low, bounds.high], [row, row], color=colour, linewidth=2)
            ax.plot([bounds.value], [row], "o", color=colour, markersize=5)
        names = [result["system"] if name == OUTPUT else name for name in entry["values"]]
        ax.set_yticks(range(len(names)), names if place % columns == 0 else [""] * len(names))
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_title(f"{plain(name)} ({entry['better']} is better)", loc="left", fontsize=9)
        ax.tick_params(labelsize=8)
        ax.grid(axis="x", color="#e3e5e8")
    figure.suptitle(f"{result['clips']} clips: means with 95 % intervals", fontsize=10)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
