"""Which style family a stem is in, told from its sound on the known beats.

What is heard of a stem are three bands' onset strengths folded over the bar (24 places), and its
spectrum at equal loudness in 16 bands. Families are told apart by linear discriminant analysis with
a shrunk covariance, every family alike likely, learned from rendered windows of training songs. One
song in five is left out of learning; how often its family is told right is the ceiling for songs
with grooves that are known. In the split "valid" most grooves are new to it: there the row of the
true stems is the ceiling.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from rich.console import Console
from rich.progress import track

from audio.beats import BeatGrid
from benchmarks.audio.pieces import TUNES, Piece, excerpts_at, render, started
from benchmarks.bootstrap import Array
from benchmarks.journal import Journal, Row, cache_folder, fingerprint, module_files
from benchmarks.metrics.sound import Sound
from benchmarks.metrics.sound_beats import rises
from benchmarks.metrics.sound_spectrum import FRAMES_PER_SECOND, decibels
from subtractive.dataset import rows
from subtractive.excerpts import Excerpt
from subtractive.synthesis import SoundFontPlayer

PLACES = 24  # of the bar: both 16ths and triplets of 4/4
RHYTHM_BANDS = 3
SPECTRUM_BANDS = 16
FLOOR_DB = 60.0
SHRINKAGE = 0.2
HELD_OUT = 5  # one song in so many
LEAST = 5  # windows of a family that it is learned from


@dataclass(frozen=True, eq=False)
class StyleEar:
    """A linear classifier.

    Attributes
    ----------
    families : tuple of str
    weight : array [shape=(feature, family)]
    bias : array [shape=(family,)]
    report : dict
        "windows" that it learned from, and the "accuracy" on those of songs left out.
    """

    families: tuple[str, ...]
    weight: Array
    bias: Array
    report: dict[str, Any]

    def scores(self, features: Array) -> Array:
        """Return the log-likelihood of each family but for a constant [shape=(..., family)]."""
        return np.asarray(features @ self.weight + self.bias)

    def family(self, features: Array) -> str:
        """Return the likeliest family."""
        return self.families[int(self.scores(features).argmax())]


def heard_in(power: Array, grid: BeatGrid) -> Array:
    """Return the features of a stem.

    Parameters
    ----------
    power : array [shape=(frame, mel)]
        Its mel spectrogram.
    grid : BeatGrid
        The true beats.
    """
    seconds = np.arange(len(power)) / FRAMES_PER_SECOND
    place = np.minimum((grid.bar_phase(seconds) * PLACES).astype(np.int64), PLACES - 1)
    count = np.maximum(np.bincount(place, minlength=PLACES), 1)
    folded = []
    for band in np.array_split(rises(power), RHYTHM_BANDS, axis=1):
        strength = np.bincount(place, band.mean(axis=1), minlength=PLACES) / count
        folded.append(strength / max(float(strength.sum()), 1e-9))
    loud = np.array([band.sum() for band in np.array_split(power, SPECTRUM_BANDS, axis=1)])
    level = decibels(loud, float(loud.max(initial=0)), FLOOR_DB) / FLOOR_DB
    return np.concatenate([*folded, level])


def learned(features: Array, families: Sequence[str]) -> StyleEar:
    """Learn the families of some stems.

    Parameters
    ----------
    features : array [shape=(stem, feature)]
    families : sequence of str
        Of each stem; those with too few stems are left out.

    Raises
    ------
    ValueError
        If fewer than two families have enough stems.
    """
    of = np.array(families)
    known = tuple(name for name, many in sorted(Counter(families).items()) if many >= LEAST)
    if len(known) < 2:
        raise ValueError("fewer than two families have stems to learn from: name larger corpora")
    means = np.stack([features[of == name].mean(axis=0) for name in known])
    inside = np.isin(of, known)
    centred = features[inside] - means[[known.index(name) for name in of[inside]]]
    covariance = centred.T @ centred / len(centred)
    mean_variance = np.trace(covariance) / len(covariance)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * mean_variance * np.eye(len(covariance))
    weight = np.linalg.solve(shrunk, means.T)
    bias = -0.5 * (means * weight.T).sum(axis=1)
    return StyleEar(known, weight, bias, {"windows": int(inside.sum())})


def train(
    folders: Sequence[Path], instrument: str, fonts: Sequence[Path], per_family: int, seed: int
) -> StyleEar | None:
    """Learn from rendered windows of training songs; what was rendered before is kept.

    Parameters
    ----------
    folders : sequence of Path
        Corpora.
    instrument : str
    fonts : sequence of Path
        SoundFonts, which take turns: a style is no synthesizer.
    per_family : int
        Windows of each family, each of another song.
    seed : int

    Returns
    -------
    StyleEar or None
        None if the corpora know too few families.

    Raises
    ------
    MusicError
        If a corpus or a SoundFont can't be read.
    """
    asked = (*map(str, folders), instrument, *map(str, fonts), str(per_family), str(seed))
    state = fingerprint(module_files("benchmarks.audio.style_ear"), *asked)
    journal = Journal(cache_folder() / f"audio-style-{state}.jsonl")
    rng = np.random.default_rng(seed)
    players: dict[Path, SoundFontPlayer] = {}
    for folder in folders:
        chosen = _chosen(folder, per_family, rng)
        missing = {place for place in chosen if f"{folder.name} {place}" not in journal.rows}
        for place, excerpt in track(
            excerpts_at(folder, "train", missing),
            f"styles of {folder.name}",
            len(missing),
            console=Console(stderr=True),
        ):
            font = fonts[place % len(fonts)]
            if font not in players:
                players[font] = SoundFontPlayer(font)
            draw = np.random.default_rng([seed, place])
            row = _heard(excerpt, instrument, players[font], draw)
            journal.add([{"key": f"{folder.name} {place}", **row}] if row else [])
    return _of_rows(list(journal.rows.values()))


def _heard(
    excerpt: Excerpt, instrument: str, player: SoundFontPlayer, rng: np.random.Generator
) -> Row | None:
    """Return what is heard of the stem in a window of an excerpt; None if there is none."""
    piece = Piece(excerpt.song, excerpt.song, TUNES, excerpt.music, 0, "", excerpt.labels.style)
    for found in started(piece, instrument, 1, rng):
        made = render(found, instrument, player)
        if made is not None:
            features = heard_in(Sound(made.stem).power, made.grid)
            told = [round(float(value), 5) for value in features]
            return {"song": piece.song, "family": piece.family, "features": told}
    return None


def _chosen(folder: Path, per_family: int, rng: np.random.Generator) -> set[int]:
    """Return places of excerpts of the training split: so many of each family, of other songs."""
    labels = [(row["style"], row["song"]) for row in rows(folder, "train", ["style", "song"])]
    seen: defaultdict[str, set[str]] = defaultdict(set)
    found = set()
    for place in rng.permutation(len(labels)).tolist():
        family, song = labels[place]
        if family and song not in seen[family] and len(seen[family]) < per_family:
            seen[family].add(song)
            found.add(place)
    return found


def _of_rows(found: Sequence[Row]) -> StyleEar | None:
    """Return what is learned from all rows, with the accuracy that four fifths of them reach."""
    if not found:
        return None
    features = np.array([row["features"] for row in found])
    families = np.array([row["family"] for row in found])
    held = np.array([crc32(row["song"].encode()) % HELD_OUT == 0 for row in found], dtype=bool)
    try:
        whole = learned(features, families.tolist())
        judge = learned(features[~held], families[~held].tolist())
    except ValueError:
        return None
    told = [
        judge.family(heard) == family
        for heard, family in zip(features[held], families[held], strict=True)
        if family in judge.families
    ]
    whole.report.update(
        families=len(whole.families),
        held_out_windows=len(told),
        accuracy=round(float(np.mean(told)), 3) if told else None,
        chance=round(1 / len(whole.families), 3),
    )
    return whole
