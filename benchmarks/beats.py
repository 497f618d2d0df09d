"""How well beats are heard in songs whose grid is known, with and without their drums.

    SUBTRACTIVE_DATA=... python -m benchmarks.beats
    SUBTRACTIVE_DATA=... python -m benchmarks.beats --split real-songs --songs 20 --json

Songs are played by a SoundFont that nothing was trained on. From the middle of each, 5 s (as long
as the clips of the paper) and 30 s are tracked, with their drums and without. The paper's clips are
tracked too: the background has no drums, the target has, and their beats are those of
benchmarks/audio/paper_clips.py. Rows are ours, ours with the words that ask for the drums (they may
name the style), and `librosa.beat`, whose first beat stands in for a downbeat.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audio.beats import BeatGrid, track_beats
from benchmarks.beat_clips import PAPER, Clip, Floats, clips_of
from benchmarks.bootstrap import interval
from benchmarks.journal import ROOT
from benchmarks.metrics.sound_beats import BEAT_WINDOW, f_measure
from benchmarks.results_file import command_line, keep_drawn, positive
from benchmarks.tables import markdown_table
from subtractive.errors import MusicError
from subtractive.waveform import Recording

TEMPO_TOLERANCE = 0.04
OCTAVES = {"double": 2.0, "half": 0.5, "3/2": 1.5, "2/3": 2 / 3}
SPLITS = ("freedoom-valid", "real-songs", PAPER)


class Judgement(NamedTuple):
    """How well one tracker heard one clip.

    Attributes
    ----------
    beat_f, downbeat_f : float or None
        F-measure within 70 ms; None where downbeats are not known.
    tempo : str
        "right" within 4 %, one of `OCTAVES`, or "other".
    phase : str
        Where the tempo is right: "right" within 70 ms, "off-beat" for half a beat late, or "other";
        else empty.
    """

    beat_f: float
    downbeat_f: float | None
    tempo: str
    phase: str


Tracker = Callable[[Recording, str], BeatGrid]


def librosa_beats(recording: Recording, words: str = "") -> BeatGrid:
    """Return what `librosa.beat.beat_track` hears, with its defaults, without trimming.

    Raises
    ------
    MusicError
        If it hears fewer than two beats.
    """
    del words
    from librosa.beat import beat_track  # noqa: PLC0415  # slow to load, and ours does without

    sound = recording.resampled(22_050)
    _, beats = beat_track(y=sound.mono(), sr=22_050, units="time", trim=False)
    if len(beats) < 2:
        raise MusicError("librosa hears no beats: give another recording")
    return BeatGrid(tuple(beats.tolist()))


def our_beats(recording: Recording, words: str = "") -> BeatGrid:
    """Return what we hear without being told anything."""
    del words
    return track_beats(recording)


def told_beats(recording: Recording, words: str = "") -> BeatGrid:
    """Return what we hear if words may name the style."""
    return track_beats(recording, words=words)


TOLD = "ours, with words"
TRACKERS: dict[str, Tracker] = {"ours": our_beats, TOLD: told_beats, "librosa": librosa_beats}


def judged(clip: Clip, grid: BeatGrid | None) -> Judgement:
    """Compare a tracker's answer with the truth; None, for no answer, is wrong in everything."""
    if grid is None:
        return Judgement(0.0, None if clip.downbeats is None else 0.0, "other", "")
    inside = [beat for beat in grid.beats if 0 <= beat < clip.seconds]
    down = [beat for beat in grid.downbeats if 0 <= beat < clip.seconds]
    downbeat_f = None
    if clip.downbeats is not None:
        downbeat_f = f_measure(clip.downbeats, np.array(down), BEAT_WINDOW)
    tempo = tempo_verdict(float(60 / np.median(np.diff(clip.beats))), grid.tempo_bpm)
    phase = phase_verdict(clip.beats, grid) if tempo == "right" else ""
    return Judgement(f_measure(clip.beats, np.array(inside), BEAT_WINDOW), downbeat_f, tempo, phase)


def tempo_verdict(truth: float, found: float) -> str:
    """Return "right", the name of the octave that was mistaken for it, or "other"."""
    for name, factor in {"right": 1.0, **OCTAVES}.items():
        if abs(found / (truth * factor) - 1) <= TEMPO_TOLERANCE:
            return name
    return "other"


def phase_verdict(beats: Floats, grid: BeatGrid) -> str:
    """Return where the true beats lie in the found ones: "right", "off-beat" or "other"."""
    phases = np.exp(2j * np.pi * grid.beat_phase(beats))
    away = abs(float(np.angle(phases.mean()))) / (2 * np.pi)  # in beats
    if away * 60 / grid.tempo_bpm <= BEAT_WINDOW:
        return "right"
    return "off-beat" if away > 3 / 8 else "other"


class Row(NamedTuple):
    """What one tracker made of one clip: its tempo (None: no answer), and how long it took."""

    clip: Clip
    tracker: str
    bpm: float | None
    judgement: Judgement
    seconds_taken: float

    @property
    def place(self) -> dict[str, Any]:
        """The row of the table that it counts for."""
        return {
            "collection": self.clip.collection,
            "drums": self.clip.drums,
            "seconds": round(self.clip.seconds, 2),
            "tracker": self.tracker,
        }


def measured(clip: Clip, name: str, tracker: Tracker) -> Row:
    """Let a tracker hear a clip."""
    started = time.perf_counter()
    try:
        grid = tracker(clip.recording, clip.words)
    except MusicError:
        grid = None
    taken = time.perf_counter() - started
    return Row(clip, name, grid.tempo_bpm if grid else None, judged(clip, grid), taken)


def summary(rows: Sequence[Judgement], rng: np.random.Generator) -> dict[str, Any]:
    """Return means, with an interval for the F-measure of beats, and shares of mistakes."""
    count = len(rows)
    beat_f = interval(np.array([row.beat_f for row in rows]), rng)
    down = [row.downbeat_f for row in rows if row.downbeat_f is not None]
    tempo = {
        name: sum(row.tempo == name for row in rows) / count
        for name in ("right", *OCTAVES, "other")
    }
    right = max(1, sum(row.tempo == "right" for row in rows))
    phase = {
        name: sum(row.phase == name for row in rows) / right
        for name in ("right", "off-beat", "other")
    }
    return {
        "clips": count,
        "beat_f": list(beat_f),
        "downbeat_f": float(np.mean(down)) if down else None,
        "tempo": tempo,
        "phase_where_tempo_right": phase,
    }


def table(results: Iterable[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    rows = []
    for found in results:
        value, low, high = found["beat_f"]
        tempo, phase = found["tempo"], found["phase_where_tempo_right"]
        down = found["downbeat_f"]
        rows.append([
            found["collection"],
            "with" if found["drums"] else "without",
            f"{found['seconds']:g} s",
            found["tracker"],
            str(found["clips"]),
            f"{value:.2f} [{low:.2f}, {high:.2f}]",
            "–" if down is None else f"{down:.2f}",
            *(f"{100 * tempo[name]:.0f} %" for name in ("right", *OCTAVES, "other")),
            *(f"{100 * phase[name]:.0f} %" for name in ("off-beat", "other")),
        ])  # fmt: skip
    heads = [
        "songs", "drums", "length", "tracker", "clips", "beat F", "downbeat F", "tempo right",
        *(f"tempo {name}" for name in OCTAVES), "tempo other", "off-beat", "phase other",
    ]  # fmt: skip
    return markdown_table(heads, rows)


def _pace(rows: Iterable[Row], tracker: str) -> float:
    """Return the time that a tracker takes for a second of sound."""
    own = [row for row in rows if row.tracker == tracker]
    took, heard = sum(row.seconds_taken for row in own), sum(row.clip.seconds for row in own)
    return round(took / heard, 4)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.beats",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--split", action="append", help="songs, as benchmarks.songs names them")
    parser.add_argument("--songs", type=positive, default=60, help="of each split, at most")
    parser.add_argument("--seed", type=int, default=0, help="which songs")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "beats.json")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    begun = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    try:
        rows = [
            measured(clip, name, tracker)
            for split in options.split or SPLITS
            for clip in clips_of(split, options.songs, rng)
            for name, tracker in TRACKERS.items()
            if clip.words or name != TOLD
        ]
        found: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            found.setdefault(tuple(row.place.values()), []).append(row)
        results = [
            group[0].place | summary([row.judgement for row in group], rng)
            for _, group in sorted(found.items(), key=lambda entry: entry[0][:3])
        ]
        keep_drawn(
            options.out,
            {
                "results": results,
                "real_time_factor": {name: _pace(rows, name) for name in TRACKERS},
                "clips": [
                    {"song": row.clip.song, **row.place, "bpm": row.bpm, **row.judgement._asdict()}
                    for row in rows
                ],
            },
            command=command_line("benchmarks.beats", argv),
            seconds=time.perf_counter() - begun,
            as_json=options.json,
            table=table(results),
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
