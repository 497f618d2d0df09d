"""Write the README's tables from the results, so that no number in them is typed by hand.

    python -m benchmarks.readme            # writes README.md
    python -m benchmarks.readme --check    # exit code 1 if it would change

A table stands between two comments, ``<!-- quick -->`` and ``<!-- end of quick -->``, and says by
itself which results it shows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.assignments import CASES
from benchmarks.journal import ROOT
from benchmarks.summary import POOLED, SILENCE, Summary, pairs_of, summary_of_json
from benchmarks.tables import plain, value_cell
from subtractive.errors import MusicError, OptionError
from subtractive.files.output import write_whole

RESULTS = ROOT / "benchmarks" / "results"
# What the README shows of some fifty metrics, in this order; all of them stand in results/*.md.
ROWS = (
    "chroma_f1",
    "onset_f1",
    "kick_f1",
    "snare_f1",
    "hats_f1",
    "chord_tone_rate",
    "in_key_rate",
    "clash_rate",
    "bass_kick_f1",
    "self_similarity",
    "notes_per_bar_ratio",
    "playability_errors",
    "out_of_range",
)
_CASE_METRIC = {"bass": "chord_tone_rate", "guitar": "chord_tone_rate", "drums": "onset_f1"}


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heads(summaries: Sequence[Summary]) -> list[str]:
    every = dict.fromkeys(name for summary in summaries for name in summary.failures)
    return [name for name in every if name != SILENCE]


def _marked(text: str, chosen: bool) -> str:
    return f"**{text}**" if chosen else text


def _verdict(summary: Summary, gains: Mapping[str, Any]) -> str:
    """Say in words which baselines the first system is above, level with, or below."""
    systems = list(dict.fromkeys(one for one, _ in pairs_of(summary.failures)))
    found: dict[str, list[str]] = {"above": [], "level with": [], "below": []}
    for one, other in pairs_of(summary.failures):
        if one == systems[0] and f"{one} - {other}" in gains:
            gain = gains[f"{one} - {other}"]
            where = "above" if gain.low > 0 else "below" if gain.high < 0 else "level with"
            found[where].append(other)
    return "; ".join(f"{where} {', '.join(names)}" for where, names in found.items() if names)


def _rows_of(summary: Summary, writers: Sequence[str]) -> Iterator[str]:
    systems = {one for one, _ in pairs_of(summary.failures)}
    title = f"**{summary.instrument} ({summary.songs} songs)**"
    yield _line([title, *([""] * (len(writers) + 1))])
    for metric in ROWS:
        if metric in summary.values:
            cells = [
                _marked(value_cell(summary, metric, name, digits=2), name in systems)
                for name in writers
            ]
            verdict = _verdict(summary, summary.gains[metric])
            yield _line([plain(metric), *cells, verdict])
    if summary.ranks:
        cells = [
            _marked(f"{summary.ranks[name].value:.2f}", name in systems)
            if name in summary.ranks
            else ""
            for name in writers
        ]
        yield _line(["mean rank of distance", *cells, _verdict(summary, summary.rank_gains)])


def _origin(results: Mapping[str, Any], name: str) -> str:
    links = f"[table](benchmarks/results/{name}.md), [picture](benchmarks/results/{name}.png)"
    return f"(`{results['command']}`, {links})"


def songs_table(results: Mapping[str, Any], name: str) -> str:
    """Return the table of whole songs or windows, all collections pooled."""
    found = [summary_of_json(each) for each in results["summaries"]]
    pooled = [summary for summary in found if summary.collection == POOLED]
    writers = _heads(pooled)
    systems = {one for summary in pooled for one, _ in pairs_of(summary.failures)}
    lines = [
        _line(["", *(_marked(writer, writer in systems) for writer in writers), "Subtractive is"]),
        _line(["---"] * (len(writers) + 2)),
    ]
    for summary in pooled:
        lines += _rows_of(summary, writers)
    reached = sum(goal["reached"] for goal in results["goals"])
    closing = f"{reached} of {len(results['goals'])} goals of the table are reached."
    return "\n".join([*lines, "", _origin(results, name), closing])


def cases_table(results: Mapping[str, Any], name: str) -> str:
    """Return the cases of the paper, one metric each."""
    found = [summary_of_json(each) for each in results["summaries"]]
    pooled = {summary.case: summary for summary in found if summary.collection == POOLED}
    writers = _heads(list(pooled.values()))
    lines = [_line(["given → written", "songs", "", *writers]), _line(["---"] * (len(writers) + 3))]
    for case in CASES:
        if case.title not in pooled:
            continue
        summary, metric = pooled[case.title], _CASE_METRIC[case.instrument]
        # where drums alone are given there is no harmony to fit
        metric = metric if metric in summary.values else "onset_f1"
        cells = [value_cell(summary, metric, writer, digits=2) for writer in writers]
        title = case.title.replace("->", "→")
        lines.append(_line([title, str(summary.songs), plain(metric), *cells]))
    return "\n".join([*lines, "", _origin(results, name)])


TABLES: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "quick": songs_table,
    "full": songs_table,
    "quick-cases": cases_table,
}


def with_tables(text: str, results: Path) -> str:
    """Return the README's text with every table that it asks for made anew.

    Parameters
    ----------
    text : str
    results : Path
        The folder of quick.json and the others.

    Raises
    ------
    OptionError
        If the results of a table are missing, or are not those of this program.
    """
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if begin not in text:
            continue
        path = results / f"{name}.json"
        try:
            made = table(json.loads(path.read_text(encoding="utf-8")), name)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise OptionError(
                f"{path} cannot be shown ({error!r}): run python -m benchmarks.symbolic again"
            ) from error
        block = f"{begin}\n{made}\n{end}"
        before, found, after = text.partition(begin)
        _, closed, rest = after.partition(end)
        if not found or not closed:
            raise OptionError(f"the README has no line {end}: put it where the table ends")
        text = f"{before}{block}{rest}"
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.readme",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    try:
        before = options.readme.read_text(encoding="utf-8")
        after = with_tables(before, options.results)
        if not options.check:
            write_whole(options.readme, after.encode())
    except (MusicError, OSError, UnicodeDecodeError) as error:
        print(f"{options.readme}: {error}", file=sys.stderr)
        return 2
    changed = before != after
    said = "is up to date" if not changed else "is out of date" if options.check else "was written"
    line = json.dumps({"readme": str(options.readme), "changed": changed})
    print(line if options.json else f"{options.readme} {said}")
    return int(changed and options.check)


if __name__ == "__main__":
    sys.exit(main())
