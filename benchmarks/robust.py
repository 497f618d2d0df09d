"""Write every instrument into every song, and check that nothing fails and nothing is altered.

    python -m benchmarks.robust

All songs of both collections, the instrument that is there taken out first, as ``--replace`` does;
a part is written to the first 16 bars. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.baselines import rule_based
from benchmarks.journal import ROOT, Journal, Row, cache_folder, fingerprint
from benchmarks.results_file import command_line, keep
from benchmarks.smf import SpliceError, Taken, check_splice
from benchmarks.songs import data_folder, song_files
from benchmarks.windows import cut
from benchmarks.writers import WriterOptions, state_of, writer_named
from subtractive.arrangement import Arrangement, Part, bars
from subtractive.errors import MusicError
from subtractive.files.midi import read_midi, write_midi
from subtractive.instruments import INSTRUMENTS

FIRST_BARS = 16
_SONGS_AT_ONCE = 16

WriteToContexts = Callable[[Sequence[Arrangement], str], list[Part]]


@dataclass(frozen=True, eq=False)
class Trial:
    """One song and the instrument to write into it.

    Attributes
    ----------
    key : str
        Unique in a run.
    content : bytes
        The MIDI file.
    context : Arrangement
        The song without the instrument.
    taken : tuple of Taken
        The notes that were taken out.
    instrument : str
    """

    key: str
    content: bytes
    context: Arrangement
    taken: tuple[Taken, ...]
    instrument: str


def trials(collection: str, name: str, content: bytes) -> Iterator[Trial]:
    """Yield the trials of one song, one for each instrument."""
    song = read_midi(content, name)
    for instrument in INSTRUMENTS:
        context, stems = song.split(instrument)
        taken = tuple(
            Taken(origin.track, origin.channel, note.onset, note.pitch)
            for _, part in stems
            if (origin := part.origin) is not None
            for note in part.notes
        )
        yield Trial(f"{collection}/{name}:{instrument}", content, context, taken, instrument)


def check(trial: Trial, part: Part) -> dict[str, int]:
    """Put a part into the song and return what became of the file's track chunks.

    Raises
    ------
    SpliceError
        If the file lost or gained anything but the old part and the new one.
    """
    written = write_midi(trial.context.with_parts((*trial.context.parts, part)))
    spliced = check_splice(trial.content, written, trial.taken)
    if spliced.new != 1:
        raise SpliceError(f"{spliced.new} new track chunks where one was to be written")
    heard = Counter((each.notes, each.program, each.is_drums) for each in read_midi(written).parts)
    asked = Counter((each.notes, each.program, each.is_drums) for each in trial.context.parts)
    if asked - heard:
        raise SpliceError("a part of the context reads differently in the written file")
    return spliced._asdict()


def open_writer(name: str, options: WriterOptions) -> WriteToContexts:
    """Return the function that writes a part to each of some contexts."""
    if name == "plain":
        rng = np.random.default_rng(0)
        return lambda contexts, instrument: [
            rule_based(context, instrument, rng, ()) for context in contexts
        ]
    # torch: the rules do without it
    from symbolic.request import Request  # noqa: PLC0415
    from symbolic.writer import load_writer  # noqa: PLC0415

    writer = load_writer(weights=options.weights, device=options.device)
    # Two takes: enough for a choice between takes, in a third of the time.
    return lambda contexts, instrument: list(
        writer.write([Request(context, instrument, 0, takes=2) for context in contexts])
    )


def _bars_to_write(context: Arrangement) -> int:
    """Return how many bars are written to: 16 from where the context begins to sound."""
    onsets = [bar.onset for bar in bars(context)]
    sounding = min((note.onset for part in context.parts for note in part.notes), default=0)
    return min(len(onsets), bisect_right(onsets, sounding) - 1 + FIRST_BARS)


def attempt(some: Sequence[Trial], write: WriteToContexts) -> list[Row]:
    """Write and check some trials of one instrument; what fails is a row too.

    Parameters
    ----------
    some : sequence of Trial
        All of one instrument.
    write : callable

    Returns
    -------
    list of Row
        "failure" is None, or what went wrong.
    """
    windows = [cut(trial.context, 0, _bars_to_write(trial.context)) for trial in some]
    try:
        parts = write(windows, some[0].instrument)
    except Exception as error:  # whatever it is, it is what this benchmark looks for
        if len(some) > 1:  # one by one, to find the song that is to blame
            return [row for trial in some for row in attempt([trial], write)]
        return [{"key": some[0].key, "failure": f"{type(error).__name__}: {error}"}]
    rows: list[Row] = []
    for trial, part in zip(some, parts, strict=True):
        row: Row = {"key": trial.key, "failure": None, "notes": len(part.notes)}
        try:
            row.update(check(trial, part))
        except Exception as error:
            row["failure"] = f"{type(error).__name__}: {error}"
        rows.append(row)
    return rows


def run(name: str, options: WriterOptions) -> list[Row]:
    """Try all songs that the journal does not hold yet; return the rows of all.

    Raises
    ------
    MusicError
        If the songs are missing.
    """
    files = song_files(data_folder(), everything=True)
    state = fingerprint(
        ["benchmarks/robust.py", "benchmarks/smf.py"], state_of(writer_named(name), options)
    )
    journal = Journal(cache_folder() / f"robust-{name}-{state}.jsonl")
    keys = {
        (collection, song): [f"{collection}/{song}:{instrument}" for instrument in INSTRUMENTS]
        for collection, song, _ in files
    }
    left = [one for one in files if not set(keys[one[:2]]) <= journal.rows.keys()]
    groups = [left[start : start + _SONGS_AT_ONCE] for start in range(0, len(left), _SONGS_AT_ONCE)]
    write = open_writer(name, options) if left else None
    for group in track(groups, "16 songs each", console=Console(stderr=True)):
        assert write is not None
        found = [
            trial
            for collection, song, path in group
            for trial in trials(collection, song, path.read_bytes())
        ]
        for instrument in INSTRUMENTS:
            some = [trial for trial in found if trial.instrument == instrument]
            journal.add(attempt(some, write))
    return [journal.rows[key] for of_song in keys.values() for key in of_song]


def counted(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what became of the parts and track chunks, and the failures by name."""
    counts = ("same", "reduced", "dropped", "new")
    return {
        "songs": len({row["key"].rpartition(":")[0] for row in rows}),
        "parts": len(rows),
        "without_notes": sum(row.get("notes") == 0 for row in rows),
        "chunks": {name: sum(row.get(name, 0) for row in rows) for name in counts},
        "failures": {row["key"]: row["failure"] for row in rows if row["failure"]},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0 if nothing failed, 1 if something did."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.robust",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--writer", choices=["transformer", "plain"], default="transformer")
    parser.add_argument("--weights", type=Path, help="a folder of weights; default: the shipped")
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "robust.json")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    try:
        results = counted(run(options.writer, WriterOptions(options.weights, options.device)))
        keep(
            options.out,
            results,
            command=command_line("benchmarks.robust", argv),
            seconds=time.perf_counter() - started,
            as_json=options.json,
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if results["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
