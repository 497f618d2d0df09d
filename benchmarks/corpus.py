"""How fast a folder of songs becomes a corpus, beside a plain loop that only parses the files.

    python -m benchmarks.corpus
    python -m benchmarks.corpus --songs my-midi-files/ --json
    python -m benchmarks.corpus --corpus corpus/          # and how a finished one streams back

The build does all that ``python -m subtractive.build folder`` does up to finished Parquet: reading,
quality, duplicates, excerpts, facts, words, splits. The loop calls `pretty_midi.PrettyMIDI` on each
file and nothing else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pretty_midi
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import track

from benchmarks.journal import ROOT
from benchmarks.results_file import command_line, keep
from benchmarks.songs import data_folder
from benchmarks.speed import time_command
from subtractive import assembly
from subtractive.dataset import SPLITS, shards
from subtractive.errors import MusicError
from subtractive.sources import SongFolder, chosen_folder
from subtractive.workers import Crew


def time_build(songs: Path, processes: int) -> tuple[int, float]:
    """Return how many songs were built, and the seconds that it took."""
    source = SongFolder(songs.resolve())
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        assembly.build(source, Path(folder) / "corpus", {}, 0, crew=Crew(processes))
        return len(source.names), time.perf_counter() - started


def time_parsing(songs: Path) -> tuple[int, float]:
    """Return how many MIDI files pretty_midi parsed, and the seconds that it took."""
    paths = [songs / name for name in SongFolder(songs).names if name.lower().endswith("mid")]
    parsed = 0
    started = time.perf_counter()
    for path in track(paths, "parsing", console=Console(stderr=True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                pretty_midi.PrettyMIDI(str(path))
            except (OSError, ValueError, KeyError, IndexError, EOFError):
                continue  # a torn file, which the build leaves out too
        parsed += 1
    return parsed, time.perf_counter() - started


_STREAM = """
import sys
from pathlib import Path
from subtractive.dataset import SPLITS, stream
print(sum(1 for split in SPLITS for _ in stream(Path(sys.argv[1]), split)))
"""


def time_streaming(corpus: Path) -> dict[str, float]:
    """Return the seconds and the peak memory of a process that reads every excerpt of a corpus.

    Raises
    ------
    FileFormatError
        If the folder is no corpus.
    """
    excerpts = sum(pq.read_metadata(shard).num_rows for s in SPLITS for shard in shards(corpus, s))
    timing = time_command([sys.executable, "-c", _STREAM, str(corpus)], 0)
    return {
        "excerpts": excerpts,
        "excerpts_per_second": round(excerpts / timing.seconds, 1),
        "peak_mb": round(timing.peak_mb),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the numbers; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.corpus",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--songs", type=Path, help="default: freedoom of SUBTRACTIVE_DATA")
    parser.add_argument("--corpus", type=Path, help="a finished corpus to stream back")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/corpus.json")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    try:
        songs = chosen_folder(options.songs or data_folder() / "freedoom", "MIDI files")
        built, build_seconds = time_build(songs, options.processes)
        parsed, parse_seconds = time_parsing(songs)
        result: dict[str, Any] = {
            "songs": built,
            "processes": options.processes,
            "build_songs_per_second": round(built / build_seconds, 1),
            "parsing_songs_per_second": round(parsed / parse_seconds, 1),
            "ratio": round(built / build_seconds / (parsed / parse_seconds), 2),
        }
        if options.corpus:
            result["streaming"] = time_streaming(options.corpus)
        keep(
            options.out,
            result,
            command=command_line("benchmarks.corpus", argv),
            seconds=time.perf_counter() - started,
            as_json=options.json,
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
