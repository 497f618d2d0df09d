"""The stem of an instrument, given by who has it: made sure of before it is subtracted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from subtractive.errors import InstrumentError, OptionError
from subtractive.files.recordings import read_sound
from subtractive.stem_folders import SOUND_SUFFIXES, instrument_of
from subtractive.waveform import Recording, Samples

LISTENED_SECONDS = 20.0  # of a given stem, to find it in the recording
SHIFT_SECONDS = 1.0  # by which it may be looked for beside its place
DISTINCT = 8.0  # standard deviations of chance
LEVEL_DB = 1.5


@dataclass(frozen=True)
class GivenStem:
    """The stem itself: a sound file, or the files of a folder that are called as the instrument."""

    path: Path

    def stem(self, recording: Recording, instrument: str) -> Samples:
        """Return the stem, after making sure that it is heard in the recording."""
        channels, length = recording.samples.shape
        total = np.zeros((channels, length), np.float32)
        for path in self._files(instrument):
            found = read_sound(path).recording.resampled(recording.sample_rate).samples[:, :length]
            if len(found) not in (1, channels):
                raise OptionError(
                    f"{path.name} has {len(found)} channels, the recording {channels}: give a stem "
                    "with as many"
                )
            total[:, : found.shape[1]] += found
        check_heard(recording, total, self.path.name)
        return total

    def _files(self, instrument: str) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        files = sorted(
            path for path in self.path.iterdir() if path.suffix.lower() in SOUND_SUFFIXES
        )
        named = [path for path in files if path.stem.lower() == instrument] or [
            path for path in files if instrument_of(path.stem) == instrument
        ]
        if not named:
            raise InstrumentError(
                f"{self.path} holds neither a stem {instrument}.wav nor Demucs weights: put the "
                "stem there, or name it"
            )
        return named


def check_heard(recording: Recording, stem: Samples, name: str) -> None:
    """Make sure that a stem is in a recording: at its place in time, and as loud as there.

    Raises
    ------
    OptionError
        If it is not, saying how far off it is.
    """
    rate = recording.sample_rate
    found = stem.mean(axis=0, dtype=np.float64)
    start, stop = _loudest(found, round(LISTENED_SECONDS * rate))
    # differences of neighbours weigh high notes as much as low ones, which recur in other stems
    own = np.diff(found[start:stop])
    heard = np.diff(recording.mono()[start:stop].astype(np.float64))
    if not own.any():
        raise OptionError(f"the stem {name} is silent: give one that sounds in the recording")
    reach = round(SHIFT_SECONDS * rate)
    size = 2 ** int(np.ceil(np.log2(len(own) + 2 * reach)))
    cross = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(own, size))
    # phases alone: then only the true shift stands out, not each beat of the music
    likeness = np.fft.irfft(cross / np.maximum(np.abs(cross), 1e-20))
    shifts = np.concatenate([likeness[: reach + 1], likeness[size - reach :]])
    place = int(np.argmax(shifts))
    if shifts[place] < DISTINCT * np.std(likeness):
        raise OptionError(
            f"the stem {name} is not heard in the recording: give the one that was mixed into it"
        )
    shift = place if place <= reach else place - len(shifts)
    if shift:
        raise OptionError(
            f"the stem {name} sounds {abs(shift) / rate * 1000:.2f} ms "
            f"{'later' if shift > 0 else 'earlier'} in the recording than in the file: move it by "
            "as much"
        )
    level = 20 * np.log10(max(float(heard @ own / (own @ own)), 1e-3))
    if abs(level) > LEVEL_DB:
        raise OptionError(
            f"the stem {name} is {abs(level):.1f} dB {'louder' if level > 0 else 'quieter'} in the "
            f"recording than in the file: turn it {'up' if level > 0 else 'down'} by as much"
        )


def _loudest(samples: npt.NDArray[np.float64], length: int) -> tuple[int, int]:
    """Return begin and end of the stretch of that length that holds most energy."""
    if length >= len(samples):
        return 0, len(samples)
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples))])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return start, start + length
