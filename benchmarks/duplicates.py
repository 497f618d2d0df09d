"""How well copies of songs are found, and how few others are taken for copies.

    python -m benchmarks.duplicates
    python -m benchmarks.duplicates --copies 20 --json

Three measurements. Pairs of freedoom's songs against the groups in its index.csv, which were found
by another way and miss some: pairs that disagree are compared note by note, and both counts are
given. Copies made here of freedoom's songs: transposed, in other ticks, another tempo, halved or
doubled note values and other programs, without one note in twenty. And copies and pairs of
real_songs and gmd, for which hardly anything was tuned, the pairs compared note by note too.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from benchmarks.journal import ROOT
from benchmarks.results_file import measured
from benchmarks.songs import data_folder
from subtractive.arrangement import Tempo
from subtractive.arrays import ArrayPart, ArraySong
from subtractive.duplicates import LEAST_SHARED, SAME, Sketch, groups, likeness, sketch
from subtractive.files.midi_arrays import read_midi_arrays

Row = dict[str, Any]

DROPPED = 0.05
VERIFIED = 0.7  # of a passage's notes; songs that are nothing alike reach 0.66
_CONTROLS = 60  # pairs of unlike songs that are compared note by note too
_PASSAGE = 200  # notes
_FINE = 24  # places in a quarter note where notes are compared
_SEED = 8


@dataclass(frozen=True, eq=False)
class Known:
    """A song, its fingerprint, and the group that its collection puts it in."""

    name: str
    group: str
    music: ArraySong
    sketch: Sketch


def copied(song: ArraySong, rng: np.random.Generator) -> ArraySong:
    """Return a copy that a listener would know again: see the module's description."""
    stretch = float(rng.choice([0.5, 2.0]))
    ticks = int(rng.choice([96, 120, 192, 384, 960]))
    semitones = int(rng.choice([-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6]))
    scale = stretch * ticks / song.ticks_per_beat

    def of_part(part: ArrayPart) -> ArrayPart:
        notes = part.notes[rng.random(len(part.notes)) >= DROPPED].copy()
        ends = np.rint((notes["onset"] + notes["duration"].astype(np.int64)) * scale)
        notes["onset"] = np.rint(notes["onset"] * scale)
        notes["duration"] = np.maximum(ends - notes["onset"], 1)
        if not part.is_drums:
            notes["pitch"] = np.clip(notes["pitch"].astype(int) + semitones, 0, 127)
        order = np.lexsort((notes["pitch"], notes["onset"]))
        return replace(part, notes=notes[order], program=int(rng.integers(128)))

    parts = tuple(of_part(part) for part in song.parts)
    pace = Tempo(0, int(rng.integers(300_000, 900_000)))
    return ArraySong(ticks, parts, (pace,))


def shared_notes(one: ArraySong, other: ArraySong) -> float:
    """Return which share of a passage of one song the other one plays, 0 to 1.

    The passage is moved in time and pitch to where most of its notes meet notes of the other song,
    with its time halved, as it is, doubled, or scaled as the lengths of the songs are; of three
    passages from the shorter song the best counts. Nothing of this is shared with the fingerprints
    that it checks.
    """
    short, long = sorted((_places(one), _places(other)), key=len)
    if not len(short):
        return 0.0
    there = np.unique(np.rint(long), axis=0).astype(np.int64)
    spans = [float(np.ptp(each[:, 0])) for each in (long, short)]
    best = 0.0
    for first in (0, len(short) // 3, 2 * len(short) // 3):
        passage = short[first : first + _PASSAGE]
        for ratio in {0.5, 1.0, 2.0, spans[0] / max(1.0, spans[1])}:
            moved = np.unique(np.rint(passage * [ratio, 1]), axis=0).astype(np.int64)
            later = there[:, :1] - moved[:, 0]
            higher = there[:, 1:] - moved[:, 1]
            _, votes = np.unique(later << 9 | higher + 256, return_counts=True)
            best = max(best, int(votes.max()) / max(len(moved), _PASSAGE // 4))
    return min(best, 1.0)


def _places(song: ArraySong) -> npt.NDArray[np.float64]:
    """Return place in time and pitch of all pitched notes, or else of drum strokes, in order."""
    parts = [part for part in song.parts if not part.is_drums] or list(song.parts)
    notes = np.concatenate([part.notes for part in parts])
    onsets = notes["onset"] * (_FINE / song.ticks_per_beat)
    return np.unique(np.stack([onsets, notes["pitch"]], axis=1), axis=0)


def pairs(songs: Sequence[Known]) -> list[Row]:
    """Return the pairs that are found, the likest first, each compared note by note."""
    found = [
        (likeness(one.sketch, other.sketch), one, other) for one, other in combinations(songs, 2)
    ]
    found = sorted((pair for pair in found if pair[0] >= SAME), key=lambda pair: -pair[0])
    return [
        {
            "songs": [one.name, other.name],
            "likeness": round(like, 3),
            "shared_notes": round(shared_notes(one.music, other.music), 3),
            "same_group": one.group == other.group,
        }
        for like, one, other in found
    ]


def against_groups(songs: Sequence[Known]) -> Row:
    """Return precision and recall of pairs, by the collection's groups and by the notes."""
    found = pairs(songs)
    right = sum(row["same_group"] for row in found)
    by_notes = sum(row["same_group"] or row["shared_notes"] >= VERIFIED for row in found)
    known = [pair for pair in combinations(songs, 2) if pair[0].group == pair[1].group]
    unlike = [likeness(a.sketch, b.sketch) for a, b in combinations(songs, 2) if a.group != b.group]
    return {
        "songs": len(songs),
        "pairs_in_column": len(known),
        "pairs_found": len(found),
        "precision_by_column": right / max(1, len(found)),
        "precision_by_notes": by_notes / max(1, len(found)),
        "recall_by_column": right / max(1, len(known)),
        "recall_by_notes": by_notes / max(1, by_notes + len(known) - right),
        "least_likeness_in_column": min(likeness(a.sketch, b.sketch) for a, b in known),
        "greatest_likeness_not_found": max(like for like in unlike if like < SAME),
        "shared_notes_of_unlike_songs": _control(songs),
        "not_in_column": [row for row in found if not row["same_group"]],
        "not_found": [[a.name, b.name] for a, b in known if likeness(a.sketch, b.sketch) < SAME],
    }


def _control(songs: Sequence[Known]) -> Row:
    """Return how many notes songs share that are not alike: what the comparison gives by chance."""
    rng = np.random.default_rng(_SEED)
    shares = []
    for _ in track(range(_CONTROLS), "controls", console=Console(stderr=True)):
        one, other = (songs[place] for place in rng.choice(len(songs), 2, replace=False))
        if likeness(one.sketch, other.sketch) < SAME:
            shares.append(shared_notes(one.music, other.music))
    return {"median": float(np.median(shares)), "greatest": max(shares)}


def of_copies(songs: Sequence[Known], count: int, seed: int) -> Row:
    """Return how many copies made here are found, and how many other songs with them."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(songs), min(count, len(songs)), replace=False).tolist()
    group = groups([song.sketch for song in songs])
    likes, others = [], 0
    for place in track(chosen, "copies", console=Console(stderr=True)):
        own = sketch(copied(songs[place].music, rng))
        likes.append(likeness(own, songs[place].sketch))
        others += sum(
            likeness(own, song.sketch) >= SAME
            for song, its_group in zip(songs, group, strict=True)
            if its_group != group[place]
        )
    return {
        "copies": len(likes),
        "recall": float(np.mean(np.array(likes) >= SAME)),
        "least_likeness": min(likes),
        "median_likeness": float(np.median(likes)),
        "false_pairs": others,
    }


def read_all(named: Iterable[tuple[str, str, Path]], what: str) -> tuple[list[Known], float]:
    """Return songs of given names, groups and paths, and the milliseconds a fingerprint took."""
    songs, seconds = [], 0.0
    for name, group, path in track(list(named), what, console=Console(stderr=True)):
        music = read_midi_arrays(path.read_bytes(), name)
        begin = time.process_time()
        own = sketch(music)
        seconds += time.process_time() - begin
        songs.append(Known(name, group, music, own))
    return songs, 1000 * seconds / max(1, len(songs))


def measure(data: Path, copies: int, seed: int) -> Row:
    """Return all three measurements."""
    freedoom = data / "freedoom"
    with (freedoom / "index.csv").open(newline="", encoding="utf-8") as index:
        rows = [
            (row["path"], row["group"], freedoom / row["path"]) for row in csv.DictReader(index)
        ]
    songs, pace = read_all(rows, "freedoom")
    result: Row = {
        "freedoom": against_groups(songs),
        "copies": of_copies(songs, copies, seed),
        "milliseconds_a_song": {"freedoom": round(pace, 2)},
    }
    for name in ("real_songs", "gmd"):
        paths = sorted((data / name).rglob("*.mid"))
        named = ((path.relative_to(data / name).as_posix(), str(path), path) for path in paths)
        others, pace = read_all(named, name)
        result["milliseconds_a_song"][name] = round(pace, 2)
        told = [song for song in others if len(song.sketch) >= 2 * LEAST_SHARED]
        result[name] = {
            "songs": len(others),
            "too_short_to_tell": len(others) - len(told),
            "copies": of_copies(told, copies, seed),
            "pairs": pairs(others),
        }
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the numbers; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.duplicates",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    results = ROOT / "benchmarks" / "results" / "duplicates.json"
    parser.add_argument("--copies", type=int, default=50, help="how many songs to copy (50)")
    parser.add_argument("--seed", type=int, default=_SEED, help=f"of the copies ({_SEED})")
    parser.add_argument("--out", type=Path, default=results)
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    return measured(
        "benchmarks.duplicates",
        argv,
        options.out,
        lambda: {
            "seed": options.seed,
            **measure(data_folder(), options.copies, options.seed),
        },
        as_json=options.json,
    )


if __name__ == "__main__":
    sys.exit(main())
