"""Notes to stems of sound that sum to the mix.

Every part is played alone, by TinySoundFont without effects, each event on a grid of 64 samples:
the synthesizer works in such blocks, and an event inside of one would be moved by what the other
parts do. So a mix is the sum of its stems to below -120 dB, and what is subtracted is exactly what
was added.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.arrangement import Arrangement, Part
from subtractive.errors import OptionError
from subtractive.files.sound import checked_soundfont

BLOCK = 64  # samples
FLUSH_SECONDS = 0.1  # after which a voice that was cut off is silent
PERCUSSION_BANK = 128

Samples = npt.NDArray[np.float32]
Seconds = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Strokes(NamedTuple):
    """The notes of a part in seconds; arrays of one length, in order of onset.

    Attributes
    ----------
    onset, end : array of float [shape=(note,)]
        In seconds.
    pitch, velocity : array of int [shape=(note,)]
        As in MIDI.
    """

    onset: Seconds
    end: Seconds
    pitch: Ints
    velocity: Ints

    def within(self, start: float, stop: float) -> Strokes:
        """Return the notes that sound between two times in seconds, counted from the first."""
        heard = (self.end > start) & (self.onset < stop)
        return Strokes(
            self.onset[heard] - start,
            self.end[heard] - start,
            self.pitch[heard],
            self.velocity[heard],
        )


def strokes(arrangement: Arrangement, part: Part) -> Strokes:
    """Return the notes of one of an arrangement's parts, by its tempo map."""
    notes = np.array(list(part.notes), dtype=np.int64).reshape(-1, 4)
    return Strokes(
        seconds_at(arrangement, notes[:, 0]),
        seconds_at(arrangement, notes[:, 0] + notes[:, 1]),
        notes[:, 2],
        notes[:, 3],
    )


def seconds_at(arrangement: Arrangement, ticks: npt.ArrayLike) -> Seconds:
    """Return the times of some ticks: `Arrangement.seconds_at` for many."""
    wanted = np.asarray(ticks, dtype=np.float64)
    changes = [0, *(tempo.tick for tempo in arrangement.tempos if tempo.tick > 0)]
    paces = np.array([arrangement.tempo_at(tick) for tick in changes]) / 1e6
    paces /= arrangement.ticks_per_beat  # seconds a tick
    begins = np.concatenate([[0.0], np.cumsum(np.diff(changes) * paces[:-1])])
    place = np.searchsorted(changes, wanted, side="right") - 1
    place = np.maximum(place, 0)
    return np.asarray(begins[place] + (wanted - np.array(changes)[place]) * paces[place])


class SoundFontPlayer:
    """A SoundFont that was loaded once and plays any number of stems.

    Parameters
    ----------
    soundfont : Path
        A .sf2 or .sf3 file.
    sample_rate : int
        In Hz.

    Raises
    ------
    OptionError
        If there is no such SoundFont, or TinySoundFont is not installed.
    """

    def __init__(self, soundfont: Path, sample_rate: int = 44_100) -> None:
        try:
            import tinysoundfont  # noqa: PLC0415  # optional: it is installed without PyAudio
        except ImportError as error:
            raise OptionError(
                "stems are played by TinySoundFont, which is not installed: "
                "pip install --no-deps tinysoundfont"
            ) from error
        self.sample_rate = sample_rate
        self._synth = tinysoundfont.Synth(samplerate=sample_rate)
        self._font = self._synth.sfload(str(checked_soundfont(soundfont)))

    def has(self, program: int, *, is_drums: bool = False) -> bool:
        """Whether the SoundFont has the program, or the kit of that number."""
        bank = PERCUSSION_BANK if is_drums else 0
        return bool(self._synth.sfpreset_name(self._font, bank, program))

    def play(
        self, notes: Strokes, program: int, samples: int, *, is_drums: bool = False
    ) -> Samples:
        """Return the sound of some notes from time 0 on.

        Parameters
        ----------
        notes : Strokes
            What begins before 0 is played from 0; what ends later than the sound is cut there.
        program : int
            General MIDI program; of drums the kit: 0 is the standard one.
        samples : int
            Length of the sound.
        is_drums : bool

        Returns
        -------
        array [shape=(2, samples)]
            Full scale is 1; several loud parts may well be beyond it.
        """
        channel = 9 if is_drums else 0
        self._synth.program_select(channel, self._font, 0, program, is_drums)
        events = self._events(notes, samples)
        sound = np.zeros((samples, 2), np.float32)
        here = 0
        for at, kind, pitch, velocity in events:
            if at > here:
                self._synth.generate_simple(at - here, sound[here:at].data.cast("B"))
                here = at
            if kind:
                self._synth.noteon(channel, pitch, velocity)
            else:
                self._synth.noteoff(channel, pitch)
        if samples > here:
            self._synth.generate_simple(samples - here, sound[here:].data.cast("B"))
        self._synth.sounds_off(channel)
        self._synth.generate_simple(round(FLUSH_SECONDS * self.sample_rate))
        return np.ascontiguousarray(sound.T)

    def _events(self, notes: Strokes, samples: int) -> list[tuple[int, int, int, int]]:
        """Return (sample, 1 for on and 0 for off, pitch, velocity) in order, ends first."""
        on, off = (on_grid(times, self.sample_rate) for times in (notes.onset, notes.end))
        off = np.maximum(off, on + BLOCK)
        events = []
        for begin, end, pitch, velocity in zip(
            on.tolist(), off.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True
        ):
            if begin < samples:
                events.append((begin, 1, pitch, velocity))
                events.append((min(end, samples), 0, pitch, velocity))
        return sorted(events)


def on_grid(times: Seconds, sample_rate: int) -> Ints:
    """Return the samples of some times, in whole blocks.

    The rounding keeps clear of ties, which a last bit of the time would throw either way: then an
    event would fall in one block in the mix and in the next in the stem.
    """
    blocks = np.floor(np.round(times, 6) * sample_rate / BLOCK + 0.3)
    return np.asarray(np.maximum(blocks, 0) * BLOCK, dtype=np.int64)


def mixed(stems: Sequence[Samples]) -> Samples:
    """Return the sum of stems of one length [shape=(channel, sample)]."""
    return np.asarray(np.sum(np.stack(stems), axis=0, dtype=np.float32))
