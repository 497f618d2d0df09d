"""Sound as frozen values: recordings, stems, and mixes that are the sum of their stems.

Samples are float32 [shape=(channel, sample)], full scale is 1. They are shared, not copied: nobody
writes to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.errors import InstrumentError, OptionError

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Recording:
    """Sound at one sample rate; two are equal when every sample is.

    Attributes
    ----------
    samples : array of float32 [shape=(channel, sample)]
    sample_rate : int
        In Hz.
    """

    samples: Samples
    sample_rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32 or not len(self.samples):
            raise ValueError(
                "a recording is float32 (channel, sample) with at least one channel, not "
                f"{self.samples.dtype} {self.samples.shape}"
            )
        if self.sample_rate < 1:
            raise ValueError(f"a sample rate is at least 1 Hz, not {self.sample_rate}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recording):
            return NotImplemented
        return self.sample_rate == other.sample_rate and np.array_equal(self.samples, other.samples)

    def __hash__(self) -> int:
        return hash((self.sample_rate, self.samples.shape))

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return float(self.samples.shape[1] / self.sample_rate)

    def mono(self) -> Samples:
        """Return the mean of the channels [shape=(sample,)]."""
        if len(self.samples) == 1:
            return np.asarray(self.samples[0])
        return np.asarray(self.samples.mean(axis=0, dtype=np.float32))

    def resampled(self, sample_rate: int) -> Recording:
        """Return the recording at another sample rate in Hz, without aliases.

        It has ``round(samples * sample_rate / self.sample_rate)`` samples.
        """
        if sample_rate == self.sample_rate:
            return self
        import soxr  # noqa: PLC0415  # not needed by who stays at one rate

        length = round(self.samples.shape[1] * sample_rate / self.sample_rate)
        # the filter's own length is rounded otherwise now and then
        found = soxr.resample(self.samples.T, self.sample_rate, sample_rate).T[:, :length]
        short = length - found.shape[1]
        return Recording(np.ascontiguousarray(np.pad(found, ((0, 0), (0, short)))), sample_rate)

    def cut(self, start_seconds: float, stop_seconds: float) -> Recording:
        """Return what sounds between two times, as far as there is any."""
        start, stop = (
            max(0, round(seconds * self.sample_rate)) for seconds in (start_seconds, stop_seconds)
        )
        return Recording(self.samples[:, start : max(start, stop)], self.sample_rate)


@dataclass(frozen=True, slots=True)
class Stem:
    """What one player plays.

    Attributes
    ----------
    name : str
        As the song's own files call it.
    instrument : str
        "drums", "bass", "guitar" or "other".
    recording : Recording
    """

    name: str
    instrument: str
    recording: Recording


class PlacedStem(NamedTuple):
    """A stem and its place among all stems, so that adding it back restores the order."""

    place: int
    stem: Stem


@dataclass(frozen=True, slots=True)
class AudioMix:
    """A song as the stems it is the sum of.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    shape : tuple of int
        (channel, sample); every stem has it.
    stems : tuple of Stem
        May be empty: then the mix is silent.
    """

    sample_rate: int
    shape: tuple[int, int]
    stems: tuple[Stem, ...] = ()

    def __post_init__(self) -> None:
        for stem in self.stems:
            found = stem.recording
            if found.sample_rate != self.sample_rate:
                raise OptionError(
                    f"the stem {stem.name!r} is at {found.sample_rate} Hz, the mix at "
                    f"{self.sample_rate} Hz: bring all stems to one sample rate first"
                )
            if found.samples.shape != self.shape:
                channels, samples = found.samples.shape
                raise OptionError(
                    f"the stem {stem.name!r} has {channels} channels of {samples} samples, the mix "
                    f"{self.shape[0]} of {self.shape[1]}: bring all stems to one length first"
                )

    @classmethod
    def of(cls, stems: Sequence[Stem]) -> AudioMix:
        """Return the mix of stems of one sample rate and shape; there must be at least one."""
        if not stems:
            raise InstrumentError("a mix needs at least one stem: none was given")
        first = stems[0].recording
        channels, samples = first.samples.shape
        return cls(first.sample_rate, (channels, samples), tuple(stems))

    @property
    def sound(self) -> Recording:
        """The sum of the stems."""
        total = np.zeros(self.shape, np.float32)
        for stem in self.stems:
            total += stem.recording.samples
        return Recording(total, self.sample_rate)

    def with_stems(self, stems: tuple[Stem, ...]) -> AudioMix:
        """Return a mix of other stems, at the same rate and as long."""
        return replace(self, stems=stems)

    def split(self, instrument: str) -> tuple[AudioMix, tuple[PlacedStem, ...]]:
        """Return the mix without `instrument`, and the stems taken out (see `example.Mix`)."""
        placed = tuple(PlacedStem(place, stem) for place, stem in enumerate(self.stems))
        taken = tuple(each for each in placed if each.stem.instrument == instrument)
        kept = tuple(each.stem for each in placed if each.stem.instrument != instrument)
        return self.with_stems(kept), taken

    def join(self, stems: tuple[PlacedStem, ...]) -> AudioMix:
        """Return the mix with `stems` put in at their places (see `example.Mix`)."""
        joined = list(self.stems)
        for placed in sorted(stems, key=lambda placed: placed.place):
            joined.insert(placed.place, placed.stem)
        return self.with_stems(tuple(joined))
