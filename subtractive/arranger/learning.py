"""Learn how drums go in each family of styles: makes the file that `learned` reads.

    python -m subtractive.arranger.learning CORPUS ... --out drum_patterns.safetensors

Each song tells how often it strikes each drum at each step of its bars. Songs of a family, and of
each of its styles, are gathered metre by metre around a few centres (weighted k-means on the roots
of those shares: Hellinger's distance), where every groove file or drummer weighs the same.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import save
from sklearn.cluster import KMeans

from subtractive.arranger.chart import QUARTER, Array
from subtractive.arranger.learned import FILE, FIRST_KEY, KEYS, DrumPattern, to_tensors
from subtractive.dataset import from_row, rows
from subtractive.excerpts import TICKS, Excerpt, main_notes
from subtractive.files.output import write_whole
from subtractive.placed import aimed_at
from subtractive.styles import style_of

PATTERNS = 16  # of a family or a style in one metre; and no more than groove files and drummers
LEAST_BARS = 4
LEAST_CHANCE = 0.15  # of a stroke that is kept: drawn once it would come back every two bars
_SAME = {35: 36, 40: 38, 57: 49, 59: 51}  # a second kick, snare, crash and ride are the first


class Heard(NamedTuple):
    """The drums of one excerpt: style, who plays, how fast, and the strokes by key and step."""

    family: str
    style: str
    group: str
    tempo_qpm: float
    chance: Array
    loudness: Array  # sum of velocities, per bar


def heard(excerpt: Excerpt, group: str) -> Heard | None:
    """Return what the drums of an excerpt do in its usual bar; None without a family or drums.

    Parameters
    ----------
    excerpt : Excerpt
    group : str
        Its groove file or drummer.
    """
    notes = main_notes(excerpt.music, "drums")
    metres = {(metre.numerator, metre.denominator) for metre in excerpt.music.metres}
    style = style_of(excerpt.labels.label)
    if style is None or not len(notes) or len(metres) != 1 or min(metres)[1] != 4:
        return None
    steps = min(metres)[0] * QUARTER
    lines = np.asarray(excerpt.music.barlines, dtype=np.int64)
    at = aimed_at(notes["onset"].astype(np.int64) * QUARTER / TICKS)
    bar = np.searchsorted(lines[1:] * QUARTER // TICKS, at, side="right")
    step = at - lines[np.minimum(bar, len(lines) - 1)] * QUARTER // TICKS
    key = np.array([_SAME.get(pitch, pitch) for pitch in notes["pitch"].tolist()]) - FIRST_KEY
    kept = (key >= 0) & (key < KEYS) & (step < steps) & (step >= 0) & (bar < len(lines) - 1)
    played = len(np.unique(bar[kept]))
    if played < LEAST_BARS:
        return None
    struck = np.zeros((len(lines) - 1, KEYS, steps))
    struck[bar[kept], key[kept], step[kept]] = notes["velocity"][kept]
    tempo = 6e7 / excerpt.music.tempos[0].microseconds
    chance, loudness = (struck > 0).sum(axis=0) / played, struck.sum(axis=0) / played
    return Heard(style.family, style.name, group, tempo, chance, loudness)


def learn(songs: Sequence[Heard], seed: int) -> Iterator[DrumPattern]:
    """Yield the patterns of all families and of all styles, metre by metre.

    Those of a family (`style` is empty) are what is common in it: of a style with few files, what
    those files do.
    """
    shelves: dict[tuple[str, str, int], list[Heard]] = defaultdict(list)
    for song in songs:
        for style in (song.style, ""):
            shelves[song.family, style, song.chance.shape[1]].append(song)
    for (family, style, _), some in sorted(shelves.items()):
        of_group = Counter(song.group for song in some)
        weight = np.array([1 / of_group[song.group] for song in some])
        weight /= weight.sum()
        flat = np.sqrt(np.stack([song.chance.ravel() for song in some]))
        count = min(PATTERNS, len(of_group), len(np.unique(flat, axis=0)))
        found = KMeans(count, n_init=4, random_state=seed).fit(flat, sample_weight=weight)
        for place in range(count):
            mine = np.flatnonzero(found.labels_ == place)
            share = weight[mine] / weight[mine].sum()
            chance = np.tensordot(share, np.stack([some[one].chance for one in mine]), 1)
            loudness = np.tensordot(share, np.stack([some[one].loudness for one in mine]), 1)
            tempo = np.exp(share @ np.log([some[one].tempo_qpm for one in mine]))
            velocity = np.divide(loudness, chance, out=np.zeros_like(chance), where=chance > 0)
            chance = np.where(chance < LEAST_CHANCE, 0.0, np.minimum(chance, 1.0))
            portion = float(weight[mine].sum())
            yield DrumPattern(family, style, portion, float(tempo), chance, velocity)


def main(argv: Sequence[str] | None = None) -> int:
    """Learn drum patterns from the training splits of corpora."""
    parser = argparse.ArgumentParser(prog="subtractive.arranger.learning", description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    songs = [
        found
        for corpus in options.corpus
        for row in rows(corpus, "train")
        if (found := heard(from_row(row), row["group"])) is not None
    ]
    patterns = list(learn(songs, options.seed))
    write_whole(options.out, save(to_tensors(patterns)))
    print(f"{len(patterns)} patterns of {len(songs)} excerpts in {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
