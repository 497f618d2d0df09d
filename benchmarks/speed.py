"""Measure the command as a user meets it: a fresh process, a file in, a file out.

    python -m benchmarks.speed
    python -m benchmarks.speed --instrument drums --repeats 5 --json

The songs are made here, so that anyone can run this. How fast others are: benchmarks.peers.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.journal import ROOT
from benchmarks.results_file import command_line, keep
from benchmarks.tables import Goal, goal_table, markdown_table
from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.errors import MusicError
from subtractive.files.midi import write_midi
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_score import whole_score
from subtractive.files.musicxml_write import write_musicxml
from subtractive.instruments import INSTRUMENTS

CORES = 2
BARS = (1, 16, 64, 128, 292)
_TICKS_PER_BEAT = 480
_PROGRESSION = ((0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2))  # C Am F G
_KICK, _SNARE, _HAT = 36, 38, 42


@dataclass(frozen=True)
class Timing:
    """One run of the command.

    Attributes
    ----------
    bars : int
        Length of the song.
    seconds : float
        Wall time from the start of the process to its end.
    peak_mb : float
        Largest resident memory of the process, in 10^6 bytes.
    """

    bars: int
    seconds: float
    peak_mb: float


def synthetic_song(bars: int, rng: np.random.Generator) -> Arrangement:
    """Return a song of piano, flute and drums in 4/4, without bass and guitar.

    Parameters
    ----------
    bars : int
    rng : numpy.random.Generator
        Chooses the melody.
    """
    beat, bar = _TICKS_PER_BEAT, 4 * _TICKS_PER_BEAT
    piano, flute, drums = [], [], []
    for number in range(bars):
        start = number * bar
        tones = _PROGRESSION[number % len(_PROGRESSION)]
        for onset in (start, start + 2 * beat):
            piano += [Note(onset, 2 * beat, 60 + tone, 70) for tone in tones]
        for eighth in range(8):
            onset = start + eighth * beat // 2
            drums.append(Note(onset, beat // 2, _HAT, 60))
            if eighth % 2 == 0:
                drums.append(Note(onset, beat // 2, _SNARE if eighth % 4 else _KICK, 90))
            if rng.random() < 0.6:
                flute.append(Note(onset, beat // 2, 72 + int(rng.choice(tones)), 80))
    parts = (
        Part("Piano", 0, is_drums=False, notes=_in_order(piano)),
        Part("Flute", 73, is_drums=False, notes=_in_order(flute)),
        Part("Drums", 0, is_drums=True, notes=_in_order(drums)),
    )
    playing = tuple(part for part in parts if part.notes)
    return Arrangement(beat, playing, tempos=(Tempo(0, 500_000),), metres=(Metre(0, 4, 4),))


def _in_order(notes: Sequence[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))


def time_command(command: Sequence[str], bars: int) -> Timing:
    """Run a command in a fresh process and return how long it took and how large it grew.

    Raises
    ------
    RuntimeError
        If the command fails; the message is what it printed.
    """
    with tempfile.TemporaryFile() as printed:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
        # wait4, since getrusage would give the largest of all children so far
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            printed.seek(0)
            raise RuntimeError(f"{shlex.join(command)} failed: {printed.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Timing(bars, seconds, usage.ru_maxrss * unit / 1e6)


def time_songs(instrument: str, repeats: int, seed: int = 0) -> list[Timing]:
    """Return the run of median length for a song of each length.

    Parameters
    ----------
    instrument : str
        Which part is written; if the song has it, it is taken out first.
    repeats : int
        Runs of each.
    seed : int
        Of the songs.
    """
    timings = []
    with tempfile.TemporaryDirectory() as folder:
        for bars in BARS:
            song = synthetic_song(bars, np.random.default_rng([seed, bars]))
            context, _ = song.split(instrument)
            path, out = Path(folder) / f"{bars}.mid", Path(folder) / f"{bars}.out.mid"
            path.write_bytes(write_midi(context))
            command = [sys.executable, "-m", "symbolic.add", "--instrument", instrument]
            command += [str(path), "-o", str(out), "--device", "cpu"]
            runs = [time_command(command, bars) for _ in range(repeats)]
            timings.append(sorted(runs, key=lambda run: run.seconds)[len(runs) // 2])
    return timings


def goals(timings: Sequence[Timing]) -> list[Goal]:
    """Return what is asked of the command, and whether it does it."""
    by_bars = {timing.bars: timing for timing in timings}
    first, song = by_bars[1].seconds, by_bars[64].seconds
    peak = max(timing.peak_mb for timing in timings)
    pace = (by_bars[128].seconds - by_bars[16].seconds) / (128 - 16)
    expected = by_bars[128].seconds + pace * (292 - 128)
    ratio = by_bars[292].seconds / expected
    return [
        Goal("start to the first bar in less than 4 s", f"{first:.2f} s", first < 4),
        Goal("a part for a song of 64 bars in 10 s, start included", f"{song:.2f} s", song <= 10),
        Goal("memory below 1.2 GB", f"{peak / 1000:.2f} GB", peak < 1200),
        Goal(
            "time linear up to 292 bars: no more than 1.2 times what 16 and 128 bars foretell",
            f"{ratio:.2f} times, {1000 * pace:.0f} ms a bar",
            ratio <= 1.2,
        ),
    ]


def score_goal(seed: int = 0) -> Goal:
    """Time a score of 100 bars and 6 parts being read, and written with a seventh part in it."""
    song = synthetic_song(100, np.random.default_rng(seed))
    score = whole_score(song.with_parts((*song.parts, *song.parts)))
    started = time.perf_counter()
    music = read_musicxml(score)
    write_musicxml(music.with_parts((*music.parts, replace(song.parts[-1], name="New"))))
    seconds = time.perf_counter() - started
    text = "a score of 100 bars and 6 parts read, and written with one more, in less than 1 s"
    return Goal(text, f"{seconds:.2f} s", seconds < 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--instrument", choices=INSTRUMENTS, default="bass")
    parser.add_argument("--repeats", type=int, default=3, help="the median run counts")
    parser.add_argument("--seed", type=int, default=0, help="of the songs")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "speed.json")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    timings = time_songs(options.instrument, options.repeats, options.seed)
    reached = [*goals(timings), score_goal(options.seed)]
    rows = [[str(run.bars), f"{run.seconds:.2f}", f"{run.peak_mb:.0f}"] for run in timings]
    tables = [markdown_table(["bars", "seconds", "MB"], rows), goal_table(reached)]
    try:
        keep(
            options.out,
            {
                "cores": CORES,
                "goals": [goal._asdict() for goal in reached],
                "timings": [asdict(timing) for timing in timings],
            },
            command=command_line("benchmarks.speed", argv),
            seconds=time.perf_counter() - started,
            as_json=options.json,
            shown="\n\n".join(tables),
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
