"""Finished clips of any system, and the floors and ceilings that they are scored beside.

A folder of clips holds a folder for each clip:

    my-system/
        first-song/
            context.wav     what was given
            target.wav      the true full mix, or with ``--target stem`` the part that was taken out
            output.wav      the full mix that the system made
            beats.txt       optional: the true beats, in seconds, one a line
            seconds.txt     optional: how long making the output took

or, as the paper's authors publish theirs, NAME_background.wav, NAME_target.wav and NAME_output.wav
side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from benchmarks.audio.recordings import read_wav, resample
from benchmarks.metrics.sound import ADDED_RATIO, Sound, level_db, si_sdr_db
from benchmarks.metrics.sound_spectrum import RATE, Array, istft, stft
from subtractive.errors import FileFormatError, OptionError

TargetKind = Literal["mix", "stem"]

# Below it the context's waveform isn't in the target: then phases were lost, and what the target
# adds is told from magnitudes. A part 15 dB louder than all the others would be a solo.
COHERENT_DB = -15.0
CLICK_SECONDS = 0.05
CLICK_DB = -6.0  # energy of the metronome by the context's


@dataclass(frozen=True)
class Clip:
    """Where the files of one clip lie.

    Attributes
    ----------
    name : str
    context, target, output : Path
        The output may be missing: then the system failed on this clip.
    beats, seconds : Path
        May be missing.
    """

    name: str
    context: Path
    target: Path
    output: Path
    beats: Path
    seconds: Path


def find_clips(folder: Path) -> list[Clip]:
    """Return the clips of a folder, by name.

    Raises
    ------
    OptionError
        If there are none, or a clip lacks its context or target.
    """
    if not folder.is_dir():
        raise OptionError(f"{folder} is no folder: name one that holds clips")
    found = [
        Clip(
            inside.name,
            inside / "context.wav",
            inside / "target.wav",
            inside / "output.wav",
            inside / "beats.txt",
            inside / "seconds.txt",
        )
        for inside in sorted(folder.iterdir())
        if any((inside / f"{name}.wav").is_file() for name in ("context", "target", "output"))
    ]
    for path in sorted(folder.glob("*_background.wav")):
        name = path.name.removesuffix("_background.wav")
        ends = ("background.wav", "target.wav", "output.wav", "beats.txt", "seconds.txt")
        found.append(Clip(name, *(folder / f"{name}_{end}" for end in ends)))
    if not found:
        raise OptionError(
            f"{folder} holds no clips: each is a folder with context.wav, target.wav and output.wav"
        )
    for clip in found:
        for path in (clip.context, clip.target):
            if not path.is_file():
                raise OptionError(f"the clip {clip.name} has no {path.name}: add it, or remove it")
    return found


def read_sound(path: Path, longest: float | None = None) -> Sound:
    """Return a WAV file as sound at `RATE`, its first `longest` seconds.

    Raises
    ------
    FileFormatError
        If it can't be read.
    """
    samples, rate = read_wav(path)
    end = None if longest is None else round(longest * rate)
    return Sound(resample(samples[:, :end], rate, RATE))


def read_times(path: Path) -> Array | None:
    """Return the numbers of a text file, one a line, ascending; None if there is no file.

    Raises
    ------
    FileFormatError
        If it holds anything else.
    """
    if not path.is_file():
        return None
    try:
        times = np.array([float(word) for word in path.read_text(encoding="utf-8").split()])
    except ValueError as error:
        raise FileFormatError(f"{path} holds something that is no number of seconds") from error
    if not np.isfinite(times).all():
        raise FileFormatError(f"{path} holds something that is no number of seconds")
    return np.sort(times)


@dataclass(frozen=True, eq=False)
class Given:
    """A clip without its output, read: what every row of the table shares.

    Attributes
    ----------
    name : str
    context, target : Sound
        Of one length, the target's; both are full mixes.
    grid : array or None
        The true beats in seconds.
    """

    name: str
    context: Sound
    target: Sound
    grid: Array | None


def read_given(clip: Clip, kind: TargetKind, longest: float | None) -> Given:
    """Read the context and target of a clip.

    Parameters
    ----------
    clip : Clip
    kind : "mix" or "stem"
        What the target is.
    longest : float or None
        Seconds that are read of each file.

    Raises
    ------
    FileFormatError
        If one can't be read: unlike a missing output this is no failure of the system.
    """
    target = read_sound(clip.target, longest)
    context = read_sound(clip.context, longest).fitted(target.samples.shape[1])
    if kind == "stem":
        target = Sound(together(context.samples, target.samples))
    return Given(clip.name, context, target, read_times(clip.beats))


def together(
    one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]
) -> npt.NDArray[np.float32]:
    """Return two sounds at once; the shorter is as long as the first, and mono is spread."""
    length = one.shape[1]
    other = np.pad(other[:, :length], ((0, 0), (0, max(0, length - other.shape[1]))))
    if len(one) != len(other) and 1 not in (len(one), len(other)):
        one, other = one.mean(axis=0, keepdims=True), other.mean(axis=0, keepdims=True)
    return np.asarray(one + other, dtype=np.float32)


def added_stem(given: Given) -> Sound:
    """Return what the target adds to the context, at the context's level.

    Where the waveform of the context is in the target, it is taken off. Where it isn't (files that
    were made from spectrograms), magnitudes are: |target| - |context|, kept where the target's
    power is above twice the context's, with the target's phases (Boll 1979).
    """
    context, target = given.context, given.target
    if si_sdr_db(context, target) > COHERENT_DB:
        mono = len(context.samples) != len(target.samples)
        first, whole = (
            sound.samples.mean(axis=0, keepdims=True) if mono else sound.samples
            for sound in (context, target)
        )
        gain = float((first * whole).sum() / (first * first).sum())
        return Sound((whole / gain - first).astype(np.float32))
    scale = 10 ** (-level_db(target.power, context.power) / 20)
    there = stft(target.samples.mean(axis=0, keepdims=True) * scale)
    here = np.abs(stft(context.samples.mean(axis=0, keepdims=True)))
    size = np.abs(there)
    kept = np.where(size**2 > ADDED_RATIO * here**2, size - here, 0)
    stem = istft(there / np.maximum(size, 1e-12) * kept, context.samples.shape[1])
    return Sound(stem.astype(np.float32))


def with_stem(given: Given, stem: Sound) -> Sound:
    """Return the context with a stem, which is repeated or cut to its length."""
    length = given.context.samples.shape[1]
    times = -(-length // stem.samples.shape[1])
    return Sound(together(given.context.samples, np.tile(stem.samples, (1, times))[:, :length]))


def with_clicks(given: Given, per_beat: int, rng: np.random.Generator) -> Sound:
    """Return the context with a metronome on the beats tracked in it.

    Parameters
    ----------
    given : Given
    per_beat : int
        Clicks a beat, evenly spaced.
    rng : numpy.random.Generator
        A click is 50 ms of dying noise.
    """
    beats = given.context.beats
    if len(beats) > 1:
        places = np.arange((len(beats) - 1) * per_beat + 1) / per_beat
        beats = np.interp(places, np.arange(len(beats)), beats)
    context = given.context.samples
    return Sound(together(context, clicks(beats, context, rng)))


def clicks(
    times: Array, context: npt.NDArray[np.floating], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return a metronome `CLICK_DB` beside a context at `RATE`, as long as it [shape=(1, sample)].

    Parameters
    ----------
    times : array
        In seconds.
    context : array [shape=(channel, sample)]
    rng : numpy.random.Generator
        A click is 50 ms of dying noise.
    """
    length = context.shape[1]
    click = np.exp(-np.linspace(0, 8, round(CLICK_SECONDS * RATE)))
    click *= rng.standard_normal(len(click))
    track = np.zeros((1, length + len(click)), np.float32)
    for onset in np.rint(times * RATE).astype(np.int64):
        if 0 <= onset < length:
            track[0, onset : onset + len(click)] += click
    track = track[:, :length]
    energy, wanted = float((track**2).mean()), float((context**2).mean())
    if energy > 0:
        track *= np.float32(np.sqrt(wanted / energy) * 10 ** (CLICK_DB / 20))
    return track


def partners(count: int, each: int, rng: np.random.Generator) -> list[Sequence[int]]:
    """Return for each clip the places of some other clips, drawn without replacement."""
    return [
        rng.permutation([place for place in range(count) if place != own])[:each].tolist()
        for own in range(count)
    ]
