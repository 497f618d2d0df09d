"""Rows of rendered windows as results and tables: by kind of song, by SoundFont, as clouds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.audio.comparison import compared, gain_table, value_table
from benchmarks.audio.pieces import SECONDS
from benchmarks.audio.rendered_rows import TRUE, unpacked
from benchmarks.audio.stem_scores import MEASURES
from benchmarks.audio.tables import HALVES, distances
from benchmarks.bootstrap import Array
from benchmarks.journal import Row
from benchmarks.metrics.frechet import FEWEST, UNBIASED_FROM
from benchmarks.tables import markdown_table

DIMENSIONS = 200  # of an embedding by musicnn
SHOWN = 5  # reasons of failures


def result_of(
    rows: Sequence[Row], systems: Sequence[str], engines: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return everything that is known of some rows, as JSON.

    Parameters
    ----------
    rows : sequence of Row
        With "window", "song", "kind" and "font" beside what `rendered_rows.score` returns.
    systems : sequence of str
    engines : sequence of str
        Whose rows are compared with all others.
    seed : int
        Of bootstrap and random halves.
    """
    sets: dict[str, list[Row]] = {"all": list(rows)}
    for what in ("kind", "font"):
        names = sorted({row[what] for row in rows})
        if len(names) > 1:
            sets |= {name: [row for row in rows if row[what] == name] for name in names}
    heads = [name for name in systems if name.partition(",")[0] in engines]
    failures = Counter((row["system"], row["failure"]) for row in rows if row["failure"])
    return {
        "systems": list(systems),
        "engines": heads,
        "sizes": {
            name: {
                "windows": len({row["window"] for row in of}),
                "songs": len({row["song"] for row in of}),
            }
            for name, of in sets.items()
        },
        "sets": {
            name: compared(by_song(of, systems), MEASURES, heads, TRUE, seed)
            for name, of in sets.items()
        },
        "embeddings": clouds(rows, systems, seed),
        "real_time_factors": {
            name: round(float(np.mean(seconds)) / SECONDS, 4)
            for name in heads
            for seconds in [[row["seconds"] for row in rows if row["system"] == name]]
        },
        "failures": [
            {"system": system, "windows": count, "why": why}
            for (system, why), count in failures.most_common()
        ],
    }


def by_song(rows: Sequence[Row], systems: Sequence[str]) -> dict[str, dict[str, Array]]:
    """Return by measure and system one value a song, the mean over its windows."""
    values: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        for name, value in row["scores"].items():
            if value is not None:
                values[name, row["system"], row["song"]].append(value)
    songs = sorted({row["song"] for row in rows})
    return {
        measure.name: {
            system: np.array(
                [np.mean(values.get((measure.name, system, song), [np.nan])) for song in songs]
            )
            for system in systems
        }
        for measure in MEASURES
    }


def clouds(rows: Sequence[Row], systems: Sequence[str], seed: int) -> dict[str, Any] | None:
    """Return how far the embeddings of stems and mixes lie from the true ones; None without any."""
    if "stem" not in rows[0]:
        return None
    windows = sorted({row["window"] for row in rows})
    halves = np.random.default_rng(seed).permutation(len(windows))
    found: dict[str, Any] = {}
    for what in ("stem", "mix"):
        held = {(row["system"], row["window"]): unpacked(row[what], DIMENSIONS) for row in rows}
        true = np.concatenate([held[TRUE, window] for window in windows])
        rng = np.random.default_rng(seed)
        of = {
            system: distances(np.concatenate([held[system, each] for each in windows]), true, rng)
            for system in systems
            if system != TRUE
        }
        half = [
            np.concatenate([held[TRUE, windows[i]] for i in part])
            for part in (halves[::2], halves[1::2])
            if len(part)
        ]
        if len(half) == 2 and min(map(len, half)) >= FEWEST:
            of[HALVES] = distances(half[0], half[1], rng)
        found[what] = of
    return found


HOW_TO_READ = (
    "{windows} windows of {songs} songs, {instrument}. Values are means over songs with 95 % "
    "bootstrap intervals; in brackets the mean distance to the true stem's value, of measures of "
    "which neither more nor less is better. Gains are taken song by song, above 0 where the engine "
    "is better, in bold where the interval leaves out 0. What a stem plays is heard in it, so the "
    "true stem does not reach 1. benchmarks/audio/stem_scores.py defines every column, "
    "benchmarks/audio/rendered.py every row."
)


def report(result: Mapping[str, Any]) -> str:
    """Return a result as a Markdown text."""
    whole = result["sizes"]["all"]
    blocks = [HOW_TO_READ.format(**whole, instrument=result["instrument"]), _style_note(result)]
    for name, found in result["sets"].items():
        size = result["sizes"][name]
        blocks.append(f"### {name}: {size['windows']} windows of {size['songs']} songs")
        blocks.append(value_table(found, result["systems"]))
        blocks += [gain_table(found, head) for head in result["engines"]]
    blocks += _cloud_tables(result)
    if result["engines"]:
        blocks.append(_speed_table(result))
    blocks += [f"{name} is left out: {why}" for name, why in result["left_out"].items()]
    blocks += [
        f"{each['system']} failed on {each['windows']} windows: {each['why']}"
        for each in result["failures"][:SHOWN]
    ]
    return "\n\n".join(blocks) + "\n"


def _style_note(result: Mapping[str, Any]) -> str:
    told = result["style_ear"]
    if isinstance(told, str):
        return f"No style is told: {told}."
    return (
        f"Style is told among {told['families']} families by a classifier of sound that learned "
        f"from {told['windows']} true stems of training songs; of {told['held_out_windows']} of "
        f"songs that it did not learn from it tells {told['accuracy']} right (chance "
        f"{told['chance']})."
    )


def _cloud_tables(result: Mapping[str, Any]) -> list[str]:
    if result["embeddings"] is None:
        return [f"No distances of embeddings: {result['embeddings_left_out']}."]
    blocks = [
        f"Embeddings of musicnn, against those of the truth. Below {UNBIASED_FROM} windows the "
        "Fréchet distance is mostly bias: read it beside the last line, or the kernel distance."
    ]
    for what, of in result["embeddings"].items():
        rows = [
            [
                name,
                str(entry["windows"]),
                f"{entry['frechet']:.2f}",
                "–" if entry["frechet_infinity"] is None else f"{entry['frechet_infinity']:.2f}",
                f"{entry['kernel']:.4f}",
            ]
            for name, entry in of.items()
        ]
        heads = [what, "windows of 3 s", "Fréchet", "at endless windows", "kernel"]
        blocks.append(markdown_table(heads, rows))
    return blocks


def _speed_table(result: Mapping[str, Any]) -> str:
    rows = []
    for name in result["engines"]:
        grown = result["peak_memory"].get(name)
        megabytes = f"{grown['megabytes']:.0f}" if grown else "–"
        rows.append([name, f"{result['real_time_factors'][name]:.3f}", megabytes])
    return markdown_table(["", "seconds of work by seconds of sound", "peak memory, MB"], rows)
