"""The paper's demonstrations as people read them: means, verdicts, every clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.audio.comparison import gain_table, value_table
from benchmarks.bootstrap import Array
from benchmarks.journal import Row
from benchmarks.metrics.sound_percussive import MEASURES
from benchmarks.tables import markdown_table

PAPER, NO_EDIT, RANDOM, TARGET = "paper", "no edit", "random stem", "target"
TRACKED, TRUE = "tracked beat", "true beat"

Rows = Mapping[str, Mapping[str, Sequence[Row]]]
"""By system and clip: one row for each mix, whose scores are averaged."""


def scores_of(rows: Rows) -> dict[str, dict[str, Array]]:
    """Return by measure and system one value a clip: the mean over its mixes."""
    return {
        measure.name: {
            system: np.array(
                [np.mean([row["scores"][measure.name] for row in each]) for each in clips.values()]
            )
            for system, clips in rows.items()
            if all(clips.values())
        }
        for measure in MEASURES
    }


def verdicts(found: Mapping[str, Any], engines: Sequence[str]) -> dict[str, dict[str, bool]]:
    """Return for each engine whether it reaches what is asked of it, by means over clips."""

    def value(measure: str, system: str) -> float:
        return float(found[measure]["values"][system]["value"])

    floors = [
        name for name in found["log_mel_db"]["values"] if name.endswith(TRACKED) or name == RANDOM
    ]
    return {
        name: {
            "beat F1 as the paper's or above": value("beat_f1", name) >= value("beat_f1", PAPER),
            "onset F1 as the paper's or above": value("onset_f1", name) >= value("onset_f1", PAPER),
            "nearer the target than click loops and random stems": value("log_mel_db", name)
            < min(value("log_mel_db", floor) for floor in floors),
            "no clip without an edit": value("no_edit", name) == 0,
        }
        for name in engines
    }


def each_clip(rows: Rows) -> dict[str, dict[str, dict[str, float]]]:
    """Return by system, clip and measure the mean over a system's mixes."""
    return {
        system: {
            clip: {
                measure.name: round(float(np.mean([r["scores"][measure.name] for r in each])), 4)
                for measure in MEASURES
            }
            for clip, each in clips.items()
            if each
        }
        for system, clips in rows.items()
    }


HOW_TO_READ = (
    "{count} clips. Values are means over clips (of engines over seeds, too) with 95 % bootstrap "
    "intervals; in brackets the mean distance to the target's value, of measures of which neither "
    "more nor less is better. Gains are taken clip by clip, above 0 where the system is better, in "
    "bold where the interval leaves out 0. benchmarks/metrics/sound_percussive.py defines every "
    "column, benchmarks/audio/paper_clips.py holds the true beats."
)


def report(result: Mapping[str, Any]) -> str:
    """Return a result as a Markdown text."""
    found = result["measures"]
    blocks = [
        HOW_TO_READ.format(count=len(result["clips"])),
        value_table(found, result["systems"]),
    ]
    for name, of in result["verdicts"].items():
        told = "; ".join(f"{text}: {'yes' if is_so else 'NO'}" for text, is_so in of.items())
        blocks.append(f"**{name}** {told}. Real-time factor {result['real_time_factors'][name]}.")
    blocks += [f"{name} is left out: {why}" for name, why in result["left_out"].items()]
    blocks += [gain_table(found, head) for head in (*result["engines"], PAPER)]
    rows = [
        [system, *(_pair(result["each_clip"][system].get(clip)) for clip in result["clips"])]
        for system in result["systems"]
    ]
    blocks.append("Each clip: beat F1 / onset F1 / log-mel distance in dB.")
    blocks.append(markdown_table(["", *result["clips"]], rows))
    if result["failures"]:
        blocks.append("Failed: " + "; ".join(result["failures"]))
    return "\n\n".join(blocks) + "\n"


def _pair(scores: Mapping[str, float] | None) -> str:
    if scores is None:
        return "–"
    return f"{scores['beat_f1']:.2f} / {scores['onset_f1']:.2f} / {scores['log_mel_db']:.1f}"
