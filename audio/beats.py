"""Where the beats and the bars of a piece are, in seconds.

A beat is what one counts: a quarter note, in compound metres (6/8, 12/8) the dotted quarter. A bar
has the same number of beats all through; how long a beat lasts may change from beat to beat.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import Arrangement, Bar, bars
from subtractive.errors import OptionError
from subtractive.synthesis import seconds_at

if TYPE_CHECKING:
    from subtractive.waveform import Recording

Floats = npt.NDArray[np.float64]

EDGE = 4  # intervals between beats that the tempo beyond the first and the last beat is taken from


@dataclass(frozen=True)
class BeatGrid:
    """The beats of a piece and which of them begin a bar.

    Attributes
    ----------
    beats : tuple of float
        In seconds, ascending, at least two.
    downbeat : int
        Index in `beats` of one that begins a bar; every `beats_per_bar`-th from it does.
    beats_per_bar : int

    Raises
    ------
    OptionError
        If there are fewer than two beats, they do not ascend, or no beat has the downbeat's index.
    """

    beats: tuple[float, ...]
    downbeat: int = 0
    beats_per_bar: int = 4

    def __post_init__(self) -> None:
        if len(self.beats) < 2:
            raise OptionError(f"{len(self.beats)} beats make no tempo: give at least two")
        for before, after in pairwise(self.beats):
            if not before < after < np.inf:
                raise OptionError(
                    f"a beat at {after:g} s cannot follow one at {before:g} s: give the beats in "
                    "seconds, each later than the one before"
                )
        if self.beats_per_bar < 1 or not 0 <= self.downbeat < len(self.beats):
            raise OptionError(
                f"bars of {self.beats_per_bar} beats from beat {self.downbeat} on do not fit "
                f"{len(self.beats)} beats: count beats from 0, and at least one to a bar"
            )

    @classmethod
    def steady(
        cls, bpm: float, first_beat_seconds: float, seconds: float, beats_per_bar: int = 4
    ) -> Self:
        """Return beats at one tempo, the first of which begins a bar.

        Parameters
        ----------
        bpm : float
            Beats a minute.
        first_beat_seconds : float
        seconds : float
            Beats are laid up to here, and two in any case.
        beats_per_bar : int

        Raises
        ------
        OptionError
            If the tempo is not above 0.
        """
        if not 0 < bpm < np.inf:
            raise OptionError(f"{bpm:g} beats a minute is no tempo: give a number above 0")
        count = max(2, 1 + int(np.floor((seconds - first_beat_seconds) * bpm / 60 + 1e-9)))
        beats = first_beat_seconds + np.arange(count) * 60 / bpm
        return cls(tuple(beats.tolist()), 0, beats_per_bar)

    @classmethod
    def of_arrangement(cls, arrangement: Arrangement) -> Self:
        """Return the beats of written music by its tempos, up to the end of its last bar.

        Where metres change, bars are as long as most of them are.
        """
        table = bars(arrangement)
        ticks = [_beat_ticks(arrangement, bar) for bar in table]
        counts = [max(1, round(bar.length / beat)) for bar, beat in zip(table, ticks, strict=True)]
        usual = Counter(counts).most_common(1)[0][0]
        laid: list[int] = []
        downbeat = None
        for bar, beat, count in zip(table, ticks, counts, strict=True):
            if downbeat is None and count == usual:
                downbeat = len(laid)
            # a pick-up is counted towards the bar that follows
            start = bar.end - count * beat if not laid else bar.onset
            laid += range(max(start, 0), bar.end, beat)
        laid.append(table[-1].end)
        beats = seconds_at(arrangement, sorted(set(laid)))
        return cls(tuple(beats.tolist()), downbeat or 0, usual)

    @cached_property
    def _knots(self) -> tuple[Floats, Floats]:
        """Indices and seconds, with one more of each, far beyond either end."""
        beats = np.asarray(self.beats)
        index = np.arange(len(beats), dtype=np.float64)
        edge = min(EDGE, len(beats) - 1)
        first = (beats[edge] - beats[0]) / edge
        last = (beats[-1] - beats[-1 - edge]) / edge
        far = 1e6
        seconds = np.concatenate([[beats[0] - far * first], beats, [beats[-1] + far * last]])
        return np.concatenate([[-far], index, [index[-1] + far]]), seconds

    def at(self, beat: npt.ArrayLike) -> Floats:
        """Return when some beats are, in seconds.

        Parameters
        ----------
        beat : array of float
            Indices of beats; 1.5 lies in the middle of the second beat and the third. Before the
            first and after the last beat the tempo stays as it is there.
        """
        index, seconds = self._knots
        return np.asarray(np.interp(np.asarray(beat, np.float64), index, seconds))

    def beat_of(self, seconds: npt.ArrayLike) -> Floats:
        """Return the fractional index of the beat at some times: the inverse of `at`."""
        index, times = self._knots
        return np.asarray(np.interp(np.asarray(seconds, np.float64), times, index))

    def beat_phase(self, seconds: npt.ArrayLike) -> Floats:
        """Return how much of the beat has passed at some times, from 0 to below 1."""
        return np.asarray(self.beat_of(seconds) % 1.0)

    def bar_phase(self, seconds: npt.ArrayLike) -> Floats:
        """Return how much of the bar has passed at some times, from 0 to below 1."""
        return np.asarray((self.beat_of(seconds) - self.downbeat) / self.beats_per_bar % 1.0)

    @property
    def tempo_bpm(self) -> float:
        """Beats a minute: the median over the beats."""
        return float(60 / np.median(np.diff(self.beats)))

    @property
    def downbeats(self) -> tuple[float, ...]:
        """The beats that begin a bar, in seconds."""
        return self.beats[self.downbeat % self.beats_per_bar :: self.beats_per_bar]


def _beat_ticks(arrangement: Arrangement, bar: Bar) -> int:
    """Return the ticks of what is counted in a bar."""
    quarter = arrangement.ticks_per_beat
    eighths, rest = divmod(bar.length, max(1, bar.beat))
    if 2 * bar.beat == quarter and not rest:
        if eighths % 3 == 0 and eighths > 3:
            return 3 * bar.beat
        if eighths % 2:
            return bar.beat
    return quarter


def track_beats(recording: Recording, tempo_bpm: float | None = None, words: str = "") -> BeatGrid:
    """Hear the beats and bars of a recording.

    Parameters
    ----------
    recording : Recording
        At least 4 s; drums are not needed.
    tempo_bpm : float, optional
        Beats a minute, where they are known: then only where the beats lie is heard.
    words : str
        May name a style, as what is to be added to it does: in reggae a chord between the beats
        sounds as one on the beat does in rock.

    Raises
    ------
    MusicError
        If the recording is too short or silent.
    OptionError
        If `tempo_bpm` is no tempo that can be tracked.
    """
    from audio.beat_tracking import tracked  # noqa: PLC0415  # loads torch

    return tracked(recording, tempo_bpm, words)
