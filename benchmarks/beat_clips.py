"""Pieces of songs whose beats are known, as sound with drums and without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio.beat_lessons import counted
from audio.beats import BeatGrid
from benchmarks.audio.paper_clips import BEATS, FOLDER, demonstrations
from benchmarks.audio.recordings import read_wav
from benchmarks.songs import Song, data_folder, load_songs
from subtractive.files.sound import default_soundfont
from subtractive.synthesis import SoundFontPlayer, strokes
from subtractive.waveform import Recording

Floats = npt.NDArray[np.float64]

RATE = 32_000  # Hz
SHORT_SECONDS, LONG_SECONDS = 5.11, 30.0
LEAD_SECONDS = 1.0  # played before, for what still sounds
QUIET = 1e-3  # of full scale: a clip that is never louder is left out
LEAST_BEATS = 4  # in a clip
PAPER = "paper"


@dataclass(frozen=True, eq=False)
class Clip:
    """A piece of a song and its true beats.

    Attributes
    ----------
    song, collection : str
    drums : bool
        Whether they are heard.
    recording : Recording
    beats : array
        In seconds.
    downbeats : array or None
        None where the written bars are not those that one counts.
    words : str
        What is asked for beside it, where anything is: it may name the style.
    """

    song: str
    collection: str
    drums: bool
    recording: Recording
    beats: Floats
    downbeats: Floats | None
    words: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.recording.seconds


def clips(song: Song, player: SoundFontPlayer) -> Iterator[Clip]:
    """Yield 5 s and 30 s of the middle of a song, with drums and without.

    Songs without drums, or with nothing but drums, have none; nor have songs shorter than 30 s.
    """
    music = song.music
    beats, is_downbeat, knows_bars = counted(BeatGrid.of_arrangement(music))
    kinds = {part.is_drums for part in music.parts if part.notes}
    if len(kinds) < 2 or beats[-1] < LONG_SECONDS:
        return
    start = (beats[-1] - LONG_SECONDS) / 2
    lead = round(min(LEAD_SECONDS, start) * RATE)
    samples = lead + round(LONG_SECONDS * RATE)
    sound = {kind: np.zeros((2, samples), np.float32) for kind in kinds}
    for part in music.parts:
        notes = strokes(music, part).within(start - lead / RATE, start + LONG_SECONDS)
        program = 0 if part.is_drums else part.program
        sound[part.is_drums] += player.play(notes, program, samples, is_drums=part.is_drums)
    for drums in (True, False):
        mix = sound[False] + sound[True] if drums else sound[False]
        whole = Recording(mix[:, lead:], RATE)
        for seconds in (SHORT_SECONDS, LONG_SECONDS):
            skipped = (LONG_SECONDS - seconds) / 2
            recording = whole.cut(skipped, skipped + seconds)
            inside = (beats >= start + skipped) & (beats < start + skipped + seconds)
            if np.abs(recording.samples).max() < QUIET or inside.sum() < LEAST_BEATS:
                continue
            here = beats[inside] - start - skipped
            downbeats = here[is_downbeat[inside]] if knows_bars else None
            yield Clip(song.key, song.collection, drums, recording, here, downbeats)


def paper_clips(folder: Path) -> Iterator[Clip]:
    """Yield the backgrounds and the targets of the paper's demonstrations."""
    for demonstration, prompt in demonstrations(folder):
        for drums, path in ((False, demonstration.context), (True, demonstration.target)):
            read = read_wav(path)
            recording = Recording(read.samples.astype(np.float32), read.rate)
            tempo = BEATS[demonstration.name]
            grid = BeatGrid.steady(tempo.bpm, tempo.first, recording.seconds)
            beats = np.array(grid.beats)
            yield Clip(
                f"{PAPER}/{demonstration.name}", PAPER, drums, recording, beats, None, prompt
            )


def sampled(songs: Iterable[Song], count: int, rng: np.random.Generator) -> list[Song]:
    """Return `count` songs of a stream, each as likely as any other (reservoir sampling)."""
    kept: list[Song] = []
    for place, song in enumerate(songs):
        if place < count:
            kept.append(song)
        elif (chosen := int(rng.integers(place + 1))) < count:
            kept[chosen] = song
    return kept


def clips_of(split: str, count: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield the clips of some songs of a split: "paper", or as `benchmarks.songs` names it.

    Raises
    ------
    MusicError
        If there is no such split, or a file of it can't be read.
    """
    if split == PAPER:
        yield from paper_clips(data_folder() / FOLDER)
        return
    player = SoundFontPlayer(default_soundfont(), RATE)
    for song in sampled(load_songs([split], "full"), count, rng):
        yield from clips(song, player)
