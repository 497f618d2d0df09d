r"""Whether words move the notes: the same song and seed, other words.

    SUBTRACTIVE_DATA=... python -m benchmarks.words
    SUBTRACTIVE_DATA=... python -m benchmarks.words --instrument drums --limit 10 --json

Each window of the quick table in four quarters is written to without words, and then

- in two families of styles that the true part is not in, as `benchmarks.style` hears it ("Add jazz
  drums"): is the family recognised? The floor is the same song's part without words, the ceiling
  what true parts reach that the classifier did not learn from, of known grooves and of new ones;
- by three pairs of opposite words ("aggressive" and "soft", "busy" and "sparse", "swung" and
  "straight"): is the first louder, busier, more swung (`benchmarks.metrics.controls.direction`)?

Rows are the writer and, for families alone, the rules behind it. Intervals are over songs.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.assignments import Assignment, assignments
from benchmarks.bootstrap import Array, interval
from benchmarks.journal import ROOT, Journal, cache_folder, fingerprint, module_files
from benchmarks.metrics.controls import Wish as Direction
from benchmarks.metrics.controls import direction, style_probability
from benchmarks.metrics.played import Played
from benchmarks.results_file import measured, positive
from benchmarks.songs import SPLITS, load_songs
from benchmarks.style.model import StyleClassifier, load
from benchmarks.tables import markdown_table
from subtractive.arrangement import Note, Part, bars
from subtractive.arranger import arrange
from subtractive.arranger.asked import asked_by
from subtractive.errors import OptionError
from subtractive.instruments import INSTRUMENTS
from subtractive.instruments import instrument as known_instrument
from subtractive.styles import FAMILIES

FAMILIES_EACH = 2
DIRECTIONS: dict[Direction, tuple[str, str]] = {
    "louder": ("aggressive", "soft"),
    "busier": ("busy", "sparse"),
    "more swung": ("swung", "straight"),
}
RULES = "arranger"
TOGETHER = 32  # parts written side by side
LEARNED = (
    "symbolic/weights/writer.safetensors",
    "symbolic/weights/diffusion/writer.safetensors",
    "subtractive/arranger/drum_patterns.safetensors",
)
_CONSOLE = Console(stderr=True)


class Wish(NamedTuple):
    """One part to write: an assignment, and words; `family` is the one that they name."""

    one: Assignment
    words: str
    family: str = ""

    def key(self, seed: int) -> str:
        """Return the part's name, the same in every run."""
        return f"{self.one.key}|{self.words}|{seed}"


def heard_family(one: Assignment, classifier: StyleClassifier) -> str:
    """Return the family that the true part is heard in."""
    part = Played.of(one.truth, one.around)
    edges, ticks = one.around.bar_edges, one.around.ticks_per_beat
    found = classifier.probabilities(part.notes, edges, ticks, one.instrument)
    return classifier.families[int(found.argmax())]


def families_for(
    one: Assignment, classifier: StyleClassifier, rng: np.random.Generator
) -> list[str]:
    """Return families that can be recognised, in four quarters, and are not the song's own."""
    known = classifier.regressions[one.instrument].bias
    able = [
        family
        for family, bias in zip(classifier.families, known.tolist(), strict=True)
        if np.isfinite(bias) and family not in ("waltz", heard_family(one, classifier))
    ]
    return [able[place] for place in rng.permutation(len(able))[:FAMILIES_EACH]]


def in_four(one: Assignment) -> bool:
    """Return whether most bars have four quarters."""
    quarter = one.context.ticks_per_beat
    return float(np.mean([bar.length == 4 * quarter for bar in bars(one.context)])) > 0.5


def asked_of(one: Assignment, classifier: StyleClassifier, seed: int) -> Iterator[Wish]:
    """Yield all that is asked for in one song."""
    yield Wish(one, "")
    rng = np.random.default_rng([seed, crc32(one.key.encode())])
    noun = {each.name: (*each.nouns, each.styles[0].name)[0] for each in FAMILIES}
    for family in families_for(one, classifier, rng):
        yield Wish(one, f"Add {noun[family]} {one.instrument}", family)
    for pair in DIRECTIONS.values():
        for word in pair:
            yield Wish(one, f"Add {word} {one.instrument}")


def written_by_rules(asked: Sequence[Wish], seed: int) -> dict[str, Part]:
    """Return what the rules write to each wish, by key."""
    return {
        each.key(seed): arrange(
            each.one.context,
            each.one.instrument,
            np.random.default_rng([seed, crc32(each.one.key.encode())]),
            asked_by(each.words),
        )
        for each in asked
    }


def written_by_model(
    asked: Sequence[Wish], seed: int, kind: str, guidance: float | None
) -> dict[str, Part]:
    """Return what a shipped writer writes to each wish, by key; what was written is kept."""
    # torch: whoever asks for help does without it
    from symbolic.request import Request  # noqa: PLC0415
    from symbolic.writer import load_writer  # noqa: PLC0415

    state = fingerprint([*module_files("symbolic.writer"), *LEARNED])
    told = "" if guidance is None else f"-{guidance:g}"
    journal = Journal(cache_folder() / f"words-{kind}{told}-{state}.jsonl")
    left = [each for each in asked if each.key(seed) not in journal.rows]
    writer = load_writer(device="cpu", kind=kind) if left else None
    groups = [left[start : start + TOGETHER] for start in range(0, len(left), TOGETHER)]
    for group in track(groups, "writing", console=_CONSOLE):
        assert writer is not None
        requests = [
            Request(
                each.one.context,
                each.one.instrument,
                crc32(f"{each.one.key}:{seed}".encode()),
                words=each.words,
                guidance=guidance,
            )
            for each in group
        ]
        pairs = zip(group, writer.write(requests), strict=True)
        journal.add(
            {"key": each.key(seed), "notes": [list(note) for note in part.notes]}
            for each, part in pairs
        )
    return {each.key(seed): _part(journal.rows[each.key(seed)], each.one) for each in asked}


def _part(row: Mapping[str, Any], one: Assignment) -> Part:
    known = known_instrument(one.instrument)
    notes = tuple(Note(*values) for values in row["notes"])
    return Part(known.title, known.program, one.instrument == "drums", notes)


def judged(
    asked: Sequence[Wish],
    parts: Mapping[str, Part],
    classifier: StyleClassifier,
    seed: int,
    *,
    with_directions: bool,
) -> dict[str, dict[str, list[float]]]:
    """Return by question the values of each song."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    of_song: dict[str, dict[str, Played]] = defaultdict(dict)
    for each in asked:
        of_song[each.one.key][each.words] = Played.of(parts[each.key(seed)], each.one.around)
    for each in asked:
        heard = of_song[each.one.key]
        if each.family:
            name = each.one.instrument
            for question, words in (("recognised", each.words), ("without words", "")):
                right, _ = style_probability(heard[words], name, each.family, classifier)
                found[question][each.one.key].append(right)
        elif not each.words and with_directions:
            for wish, (more, less) in DIRECTIONS.items():
                low, high = (heard[f"Add {word} {each.one.instrument}"] for word in (less, more))
                found[wish][each.one.key].append(direction(low, high, wish))
    return found


def _summary(values: Mapping[str, list[float]], seed: int) -> dict[str, Any]:
    of_songs: Array = np.array([np.nanmean(each) for each in values.values()])
    found = interval(of_songs, np.random.default_rng(seed))
    return {"songs": len(of_songs), "share": list(found)}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Ask, and return the result as JSON.

    Raises
    ------
    MusicError
        If songs are missing, or none is in four quarters.
    """
    classifier = load()
    songs = list(load_songs(options.split or SPLITS, "quick", options.limit))
    results: dict[str, Any] = {}
    for name in options.instrument or INSTRUMENTS:
        ones = [one for one in assignments(songs, [name]) if in_four(one)]
        if not ones:
            raise OptionError(f"no song in four quarters has {name}: name other songs by --split")
        asked = [each for one in ones for each in asked_of(one, classifier, options.seed)]
        named = [each for each in asked if each.family or not each.words]
        # the rules are asked for families alone
        written = {
            RULES: (named, written_by_rules(named, options.seed)),
            options.writer: (
                asked,
                written_by_model(asked, options.seed, options.writer, options.guidance),
            ),
        }
        found = {
            writer: judged(wishes, parts, classifier, options.seed, with_directions=writer != RULES)
            for writer, (wishes, parts) in written.items()
        }
        report = classifier.report.get(name, {})
        results[name] = {
            writer: {question: _summary(of, options.seed) for question, of in questions.items()}
            for writer, questions in found.items()
        } | {
            "true parts": {
                kind: report[kind]["accuracy"] for kind in ("known_files", "unseen_files")
            }
        }
    return {
        "seed": options.seed,
        "writer": options.writer,
        "guidance": options.guidance,
        "instruments": results,
    }


def table(result: Mapping[str, Any]) -> str:
    """Return a result as Markdown."""
    questions = ["recognised", "without words", *DIRECTIONS]
    rows = []
    for name, of in result["instruments"].items():
        for writer in (RULES, result["writer"]):
            cells = []
            for question in questions:
                found = of[writer].get(question)
                value = "{:.2f} [{:.2f}, {:.2f}]".format(*found["share"]) if found else "–"
                cells.append(value)
            ceiling = "{known_files:.2f} / {unseen_files:.2f}".format(**of["true parts"])
            songs = str(of[writer]["recognised"]["songs"])
            rows.append([name, writer, songs, *cells[:2], ceiling, *cells[2:]])
    heads = [
        "instrument", "writer", "songs", "family recognised", "the same without words",
        "true parts: known / new grooves",
        *(f"{wish}: {more} over {less}" for wish, (more, less) in DIRECTIONS.items()),
    ]  # fmt: skip
    return markdown_table(heads, rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.words",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--split", action="append", help="as benchmarks.symbolic takes it")
    parser.add_argument("--limit", type=positive, help="at most so many songs of each split")
    parser.add_argument("--instrument", action="append", choices=INSTRUMENTS)
    parser.add_argument("--writer", choices=("transformer", "diffusion"), default="transformer")
    parser.add_argument("--guidance", type=float, help="on words, as symbolic.add takes it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=str, default=str(ROOT / "benchmarks/results/words.json"))
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    return measured(
        "benchmarks.words",
        argv,
        ROOT / options.out,
        partial(run, options),
        as_json=options.json,
        table=table,
    )


if __name__ == "__main__":
    sys.exit(main())
