"""What `audio.add` does between its options and its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audio.bars import bars_named, envelope, read_beats, span_of
from audio.beats import BeatGrid, track_beats
from audio.engine import Engine, StemRequest
from audio.engines import device_of
from audio.mixing import Insertion, in_channels, in_pair, insert, without
from subtractive.errors import MusicError, OptionError
from subtractive.files.recordings import StoredSound
from subtractive.synthesis import Strokes, strokes
from subtractive.waveform import Recording, Samples
from symbolic.sketches import part_in

SEPARATORS = ("auto", "demucs", "percussive")
LOUDEST_DB = 40.0  # that --level may ask for, either way


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the stems shall be; the fields are the command's options of the same names."""

    prompt: str = ""
    bars: str | None = None
    level: float = 0.0
    tempo: float | None = None
    beats: Path | None = None
    beats_per_bar: int | None = None
    steps: int | None = None
    guidance: float | None = None

    def check(self) -> None:
        """Make sure that the wishes make sense before any sound is read.

        Raises
        ------
        OptionError
        """
        if self.bars is not None:
            bars_named(self.bars)
        if self.tempo is not None and self.beats is not None:
            raise OptionError("--tempo and --beats contradict each other: choose one")
        if self.tempo is not None and not 10 <= self.tempo <= 1000:
            raise OptionError(f"--tempo {self.tempo:g} is not within 10 to 1000 beats a minute")
        if self.beats_per_bar is not None and not 1 <= self.beats_per_bar <= 32:
            raise OptionError(f"--beats-per-bar {self.beats_per_bar} is not within 1 to 32")
        if not abs(self.level) <= LOUDEST_DB:
            raise OptionError(
                f"--level {self.level:g} is not within -{LOUDEST_DB:g} to {LOUDEST_DB:g} dB"
            )
        if self.steps is not None and not 1 <= self.steps <= 1000:
            raise OptionError(f"--steps {self.steps} is not within 1 to 1000")
        if self.guidance is not None and not 0 <= self.guidance <= 50:
            raise OptionError(f"--guidance {self.guidance:g} is not within 0 to 50")


@dataclass(frozen=True, slots=True)
class Song:
    """A recording that was read and is ready to be added to.

    Attributes
    ----------
    path : Path
    sound : StoredSound
        As it was read.
    grid : BeatGrid or None
        None where no beats can be heard.
    span : tuple of float, optional
        Begin and end in seconds of the bars that the stems sound in; None: everywhere.
    removed : mapping of str to array
        For each instrument that is replaced, what of the sound it is [shape=(channel, sample)].
    notes : Strokes or None
        What the stem shall play, if the user says it.
    """

    path: Path
    sound: StoredSound
    grid: BeatGrid | None
    span: tuple[float, float] | None
    removed: Mapping[str, Samples]
    notes: Strokes | None


class Addition(NamedTuple):
    """One stem that was added."""

    instrument: str
    insertion: Insertion


class Separation(NamedTuple):
    """How an instrument is taken out; the fields are the command's options of the same names."""

    separator: str = "auto"
    demucs_model: Path | None = None
    stems: Path | None = None

    def check(self) -> None:
        """Make sure that the options go together.

        Raises
        ------
        OptionError
        """
        if self.separator not in SEPARATORS:
            raise OptionError(
                f"unknown separator {self.separator!r}: choose {', '.join(SEPARATORS)}"
            )
        if self.separator == "demucs" and self.demucs_model is None:
            raise OptionError("--separator demucs needs its weights: name them by --demucs-model")
        if self.separator == "percussive" and self.demucs_model is not None:
            raise OptionError(
                "--separator percussive and --demucs-model contradict each other: choose one"
            )
        if self.stems is not None and (self.separator != "auto" or self.demucs_model is not None):
            raise OptionError("--stems is the separated sound itself: give no separator besides")

    def take_out(
        self, sound: StoredSound, instruments: Sequence[str], device: str
    ) -> dict[str, Samples]:
        """Return what of a sound each of some instruments is [shape=(channel, sample)].

        Raises
        ------
        MusicError
            If an instrument cannot be taken out this way.
        """
        from audio.separation import PERCUSSIVE, separate  # noqa: PLC0415  # loads torch

        how = self.stems or self.demucs_model or PERCUSSIVE
        place, recording = device_of(device), sound.recording
        return {name: separate(recording, name, how, place).stem.samples for name in instruments}


def open_song(
    path: Path,
    sound: StoredSound,
    wishes: Wishes,
    removed: Mapping[str, Samples],
    notes: Strokes | None,
) -> Song:
    """Hear the beats of a recording and find the bars that are wanted.

    Raises
    ------
    MusicError
        If the file of beats cannot be read, or there are no such bars.
    """
    recording = sound.recording
    grid = _grid(recording, wishes)
    span = None
    if wishes.bars is not None and grid is not None:
        span = span_of(wishes.bars, grid, recording.seconds)
        part = envelope(span, sound.sample_rate, recording.samples.shape[1])
        removed = {name: stem * part for name, stem in removed.items()}
    return Song(path, sound, grid, span, removed, notes)


def _grid(recording: Recording, wishes: Wishes) -> BeatGrid | None:
    if wishes.beats is not None:
        return read_beats(wishes.beats, wishes.beats_per_bar or 4)
    try:
        grid = track_beats(recording, wishes.tempo, wishes.prompt)
    except OptionError:
        raise
    except MusicError:
        # an engine may do without beats, but bars cannot be counted
        if wishes.bars is not None:
            raise
        return None
    if wishes.beats_per_bar is not None:
        return replace(grid, beats_per_bar=wishes.beats_per_bar)
    return grid


def read_notes(path: Path, instrument: str) -> Strokes:
    """Read what a stem shall play: the instrument's notes in a file, or those of its only part.

    Raises
    ------
    MusicError
        If the file cannot be read, or several parts but none of the instrument play in it.
    """
    return strokes(*part_in(path, instrument))


def make(
    song: Song,
    engine: Engine,
    instruments: Sequence[str],
    wishes: Wishes,
    seed: int,
    report: Callable[[int, float], None],
) -> tuple[Addition, ...]:
    """Make stems one after the other, each for the mix with those before it, and add them.

    Parameters
    ----------
    song : Song
    engine : Engine
    instruments : sequence of str
    wishes : Wishes
    seed : int
    report : callable
        Called with the number of stems that are done and the share of the next one.
    """
    additions: list[Addition] = []
    sound = song.sound
    for done, name in enumerate(instruments):
        if name in song.removed:
            sound = without(sound, song.removed[name])
        request = StemRequest(
            in_pair(sound.recording),
            name,
            wishes.prompt,
            seed,
            song.grid,
            song.notes,
            wishes.steps,
            wishes.guidance,
        )
        made = engine.stem(request, partial(report, done))
        additions.append(Addition(name, insert(sound, _placed(made, song, wishes.level))))
        sound = additions[-1].insertion.out
    return tuple(additions)


def _placed(made: Samples, song: Song, level_db: float) -> Samples:
    """Return a stem at its level, in its bars and in the channels of the song."""
    channels, samples = song.sound.numbers.shape
    if made.shape != (2, samples):
        raise ValueError(f"the engine made a stem of {made.shape} for {samples} samples")
    gain = np.full(samples, 10 ** (level_db / 20), np.float32)
    if song.span is not None:
        gain *= envelope(song.span, song.sound.sample_rate, samples)
    return in_channels(made * gain, channels)
