"""What the beat network learns from: pieces of a corpus, played by SoundFonts, with their beats.

A lesson keeps the log-mel spectrograms of its stems apart, so that a piece can be heard at many
levels, without drums, or through a bad loudspeaker without being played again.

    python -m audio.beat_lessons CORPUS ... --soundfont A.sf2 --soundfont B.sf3 --out lessons/
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio.beats import BeatGrid
from audio.mel import FLOOR_DB, HOP, MELS, RATE, log_mel
from subtractive.arrangement import Arrangement
from subtractive.dataset import rows, stream
from subtractive.excerpts import Excerpt
from subtractive.instruments import roles
from subtractive.synthesis import Samples, SoundFontPlayer, Strokes, strokes

Floats = npt.NDArray[np.float64]

SECONDS = 20.48
FRAMES = round(SECONDS * RATE / HOP)
STEMS = ("drums", "bass", "some others", "the rest")
STEP_DB = 0.5  # of a stored spectrogram: 255 steps reach from silence to beyond full scale
LEAD_SECONDS = 1.0  # played before, for what still sounds
LEAST_SECONDS = 8.0  # of music in a lesson

SLOWEST, FASTEST = 58.0, 215.0  # beats a minute; beyond, every second beat counts, or twice as many
PER_STYLE = 160  # excerpts of one style of one corpus, so that no style rules
MOST_PLAYS = 4.0  # of one excerpt
_KITS = (0, 0, 0, 8, 16, 24, 25, 32, 40)
_FAMILY = 8  # programs of a family of General MIDI


class Lesson(NamedTuple):
    """Some seconds of a piece.

    Attributes
    ----------
    stems : array of uint8 [shape=(stem, frame, band)]
        Levels above `audio.mel.FLOOR_DB` in steps of `STEP_DB`, stems as in `STEMS`.
    beats : array [shape=(beat,)]
        In seconds.
    is_downbeat : array of bool [shape=(beat,)]
    knows_bars : bool
        False where beats are not those of the written bars.
    family : str
        The style's family; may be empty.
    """

    stems: npt.NDArray[np.uint8]
    beats: Floats
    is_downbeat: npt.NDArray[np.bool_]
    knows_bars: bool
    family: str = ""

    def save(self, path: Path) -> None:
        """Write the lesson to a .npz file."""
        np.savez(path, **self._asdict())

    @classmethod
    def load(cls, path: Path) -> Lesson:
        """Read what `save` wrote."""
        with np.load(path) as kept:
            bars = bool(kept["knows_bars"])
            family = str(kept["family"])
            return cls(kept["stems"], kept["beats"], kept["is_downbeat"], bars, family)


class _Clock:
    """Times of the written music to times of a performance, faster or slower and wandering."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._pace = np.exp(rng.uniform(np.log(0.85), np.log(1.18)))
        sways = 2 if rng.random() < 0.5 else 0
        self._period = rng.uniform(5, 30, sways)
        self._depth = rng.uniform(0, 0.025, sways)  # of the tempo
        self._phase = rng.uniform(0, 2 * np.pi, sways)

    def at(self, seconds: Floats) -> Floats:
        """Return when something happens that is written at some seconds."""
        turn = 2 * np.pi * seconds[:, None] / self._period + self._phase
        sway = (self._depth * self._period / (2 * np.pi) * np.sin(turn)).sum(axis=1)
        return np.asarray((seconds + sway) / self._pace)


def counted(grid: BeatGrid) -> tuple[Floats, npt.NDArray[np.bool_], bool]:
    """Return the beats one would count, which of them begin bars, and whether that is known.

    Music may be written in a tempo that nobody taps.
    """
    beats = np.array(grid.beats)
    is_downbeat = (np.arange(len(beats)) - grid.downbeat) % grid.beats_per_bar == 0
    tempo = grid.tempo_bpm
    knows = grid.beats_per_bar in (2, 3, 4)
    while tempo > FASTEST and len(beats) >= 4:
        start = grid.downbeat % 2
        beats, is_downbeat, tempo, knows = beats[start::2], is_downbeat[start::2], tempo / 2, False
    if tempo < SLOWEST:
        between = (beats[:-1] + beats[1:]) / 2
        beats = np.sort(np.concatenate([beats, between]))
        is_downbeat, knows = np.zeros(len(beats), np.bool_), False
    return beats, is_downbeat, knows


def _played(notes: Strokes, clock: _Clock, rng: np.random.Generator) -> Strokes:
    """Return notes as somebody plays them: a little late or early, each at its own loudness."""
    late, loose = rng.normal(0, 0.006), rng.choice([0.0, 0.004, 0.010])
    onset = clock.at(notes.onset) + late + rng.normal(0, loose + 1e-9, len(notes.onset))
    length = clock.at(notes.end) - clock.at(notes.onset)
    touch = rng.normal(0, 6, len(onset)) + rng.uniform(-25, 10)
    velocity = np.clip(notes.velocity + touch, 20, 127).astype(np.int64)
    return Strokes(onset, onset + length * rng.uniform(0.6, 1.1), notes.pitch, velocity)


def _sound_of(program: int, rng: np.random.Generator) -> int:
    """Return the program, often another one of its family, at times any but sound effects."""
    draw = rng.random()
    if draw < 0.4:
        return program
    if draw < 0.85:
        return program // _FAMILY * _FAMILY + int(rng.integers(_FAMILY))
    return int(rng.integers(0, 112))


def _stems(
    music: Arrangement,
    clock: _Clock,
    start: float,
    players: Sequence[SoundFontPlayer],
    rng: np.random.Generator,
) -> list[Samples]:
    samples = round((SECONDS + LEAD_SECONDS) * RATE)
    stems = [np.zeros((2, samples), np.float32) for _ in STEMS]
    for part, its_role in zip(music.parts, roles(music.parts), strict=True):
        place = STEMS.index(its_role) if its_role in STEMS else int(rng.integers(2, 4))
        notes = _played(strokes(music, part), clock, rng)
        player = players[int(rng.integers(len(players)))]
        if part.is_drums:
            kit = int(rng.choice(_KITS))
            program = kit if player.has(kit, is_drums=True) else 0
        else:
            program = _sound_of(part.program, rng)
        heard = notes.within(start - LEAD_SECONDS, start + SECONDS)
        sound = player.play(heard, program, samples, is_drums=part.is_drums)
        stems[place] += sound * np.float32(10 ** (rng.uniform(-8, 4) / 20))
    return stems


def lesson(
    excerpt: Excerpt, players: Sequence[SoundFontPlayer], rng: np.random.Generator
) -> Lesson | None:
    """Return a lesson from somewhere in an excerpt, None if the excerpt is too short.

    Parameters
    ----------
    excerpt : Excerpt
    players : sequence of SoundFontPlayer
        At `audio.mel.RATE`; every part is played by one of them.
    rng : Generator
    """
    music = excerpt.arrangement
    clock = _Clock(rng)
    beats, is_downbeat, knows_bars = counted(BeatGrid.of_arrangement(music))
    beats = clock.at(beats)
    if beats[-1] < LEAST_SECONDS:
        return None
    start = rng.uniform(0, max(0.0, beats[-1] - SECONDS))
    sounds = np.stack(_stems(music, clock, start, players, rng)).mean(axis=1)
    sounds = sounds[:, round(LEAD_SECONDS * RATE) :]
    level = log_mel(torch.from_numpy(sounds))[..., :FRAMES].numpy()
    steps = np.clip(np.round((level - FLOOR_DB) / STEP_DB), 0, 255).astype(np.uint8)
    inside = (beats >= start) & (beats < start + SECONDS)
    return Lesson(
        np.ascontiguousarray(steps.transpose(0, 2, 1)).reshape(len(STEMS), FRAMES, MELS),
        beats[inside] - start,
        is_downbeat[inside],
        knows_bars,
        excerpt.labels.style,
    )


def chosen(corpus: Path, split: str, per_style: int, rng: np.random.Generator) -> Iterator[Excerpt]:
    """Yield about `per_style` excerpts of each style of a corpus, in its order.

    A style that has fewer gives them several times over, each time played otherwise.
    """
    styles = [row["style"] for row in rows(corpus, split, ["style"])]
    share = {style: per_style / count for style, count in Counter(styles).items()}
    for excerpt in stream(corpus, split):
        wanted = min(MOST_PLAYS, share[excerpt.labels.style])
        for _ in range(int(wanted) + (rng.random() < wanted % 1)):
            yield excerpt


def main(argv: Sequence[str] | None = None) -> int:
    """Make lessons from corpora."""
    parser = argparse.ArgumentParser(prog="audio.beat_lessons", description=main.__doc__)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument("--soundfont", action="append", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, help="a folder")
    parser.add_argument("--split", default="train")
    parser.add_argument("--per-style", type=int, default=PER_STYLE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    rng = np.random.default_rng(options.seed)
    players = [SoundFontPlayer(path, RATE) for path in options.soundfont]
    options.out.mkdir(parents=True, exist_ok=True)
    made = 0
    for corpus in options.corpus:
        # a corpus without styles counts for several
        styles = {row["style"] for row in rows(corpus, options.split, ["style"])}
        per_style = options.per_style * (6 if styles == {""} else 1)
        for excerpt in chosen(corpus, options.split, per_style, rng):
            made_now = lesson(excerpt, players, rng)
            if made_now is not None:
                made_now.save(options.out / f"{corpus.name}-{made:05}.npz")
                made += 1
    print(f"{made} lessons of {SECONDS:g} s in {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
