"""A recording as an arrangement on its beats: what the symbolic writer can write a part to.

A bar of the arrangement is a bar of the grid, a beat a quarter note. Tick 0 is the downbeat at or
before the recording's start, so that a pick-up stays one. The tempo map follows every beat.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audio.beats import BeatGrid
from audio.transcription import (
    FRAMES_PER_SECOND,
    LOWEST,
    PITCHES,
    PitchActivity,
    drums_of,
    notes_of,
    pitch_activity,
)
from scoretokens.grid import TICKS_PER_BEAT
from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo, order
from subtractive.harmony import estimate_states, state_symbol
from subtractive.synthesis import Ints, Seconds, Strokes
from subtractive.waveform import Recording

Floats = npt.NDArray[np.float64]

EARLY_BARS = 0.1  # a recording that begins so little before a downbeat begins on it
BASS_BELOW = 52  # E3
# How surely a pitch sounds throughout a beat to count in its chord, and to be its bass.
_TONE, _LOWEST_TONE = 0.2, 0.3
_PAD_OCTAVE, _PAD_VELOCITY = 48, 60
_TOGETHER = 0.03  # seconds within which notes begin together
_TRIPLET_GAIN = 0.05  # beats by which triplets must fit better than 16ths, and by a fifth


class Heard(NamedTuple):
    """An arrangement and its place in time.

    Attributes
    ----------
    arrangement : Arrangement
        At `TICKS_PER_BEAT`.
    grid : BeatGrid
    first_beat : int
        Index in the grid of the beat at tick 0; below 0 if it lies before the first one.
    """

    arrangement: Arrangement
    grid: BeatGrid
    first_beat: int

    def seconds_at(self, ticks: npt.ArrayLike) -> Seconds:
        """Return when some ticks are, counted from the start of the recording."""
        return self.grid.at(self.first_beat + np.asarray(ticks) / TICKS_PER_BEAT)

    def ticks_at(self, seconds: npt.ArrayLike) -> Floats:
        """Return the ticks of some times: the inverse of `seconds_at`."""
        return (self.grid.beat_of(seconds) - self.first_beat) * TICKS_PER_BEAT


def hear(mix: Recording, grid: BeatGrid, instrument: str) -> Heard:
    """Write down what a recording plays.

    Parameters
    ----------
    mix : Recording
        The music without the instrument.
    grid : BeatGrid
        Its beats.
    instrument : str
        What will be added: the parts heard are never of this instrument.

    Returns
    -------
    Heard
        Its parts are a bass, everything else on a piano, and drums, as far as they are heard; and
        strings that hold the chords, for whom they concern.
    """
    place = _bars_of(mix.seconds, grid)
    activity = pitch_activity(mix)
    notes = notes_of(activity)
    bass = _is_bass(notes) if instrument != "bass" else np.zeros(len(notes.onset), dtype=bool)
    voices = [("Bass", 33, _some(notes, bass)), ("Piano", 0, _some(notes, ~bass))]
    parts = [
        Part(name, program, is_drums=False, notes=_on_grid(place, voice))
        for name, program, voice in voices
    ]
    if instrument != "drums":
        parts.append(Part("Drums", 0, is_drums=True, notes=_on_grid(place, drums_of(mix))))
        parts.append(Part("Strings", 48, is_drums=False, notes=_pad(place, activity)))
    music = place.arrangement.with_parts(tuple(part for part in parts if part.notes))
    return place._replace(arrangement=music)


def _bars_of(seconds: float, grid: BeatGrid) -> Heard:
    """Return bars without notes that cover a recording."""
    size = grid.beats_per_bar
    start = (float(grid.beat_of(0.0)) - grid.downbeat) / size
    first = grid.downbeat + int(np.floor(start + EARLY_BARS)) * size
    end = (float(grid.beat_of(seconds)) - first) / size
    count = max(1, int(np.ceil(end - EARLY_BARS / 2)))
    edges = np.rint(grid.at(first + np.arange(count * size + 1)) * 1e6).astype(np.int64)
    paces = np.maximum(np.diff(edges), 1)
    fresh = np.flatnonzero(np.diff(paces, prepend=0)).tolist()
    bar = size * TICKS_PER_BEAT
    music = Arrangement(
        TICKS_PER_BEAT,
        (),
        tempos=tuple(Tempo(beat * TICKS_PER_BEAT, int(paces[beat])) for beat in fresh),
        metres=(Metre(0, size, 4),),
        barlines=tuple(range(0, count * bar + 1, bar)),
    )
    return Heard(music, grid, first)


def _some(notes: Strokes, wanted: npt.NDArray[np.bool_]) -> Strokes:
    onset, end, pitch, velocity = notes
    return Strokes(onset[wanted], end[wanted], pitch[wanted], velocity[wanted])


def _is_bass(notes: Strokes) -> npt.NDArray[np.bool_]:
    """Return which notes are of the lowest voice: low ones with nothing beneath as they begin."""
    low = notes.pitch < BASS_BELOW
    for note in np.flatnonzero(low).tolist():
        at = notes.onset[note] + _TOGETHER
        beneath = (notes.onset < at) & (notes.end > at) & (notes.pitch < notes.pitch[note])
        low[note] = not beneath.any()
    return np.asarray(low)


def _on_grid(place: Heard, heard: Strokes) -> tuple[Note, ...]:
    """Return notes in ticks, of equal ones the first; what begins outside of the bars is left."""
    onset = quantised(place.ticks_at(heard.onset))
    end = np.maximum(np.rint(place.ticks_at(heard.end)).astype(np.int64), onset + 1)
    inside = (onset >= 0) & (onset < place.arrangement.end)
    notes: dict[tuple[int, int], Note] = {}
    for begin, stop, pitch, velocity in np.stack([onset, end, heard.pitch, heard.velocity], axis=1)[
        inside
    ].tolist():
        notes.setdefault((begin, pitch), Note(begin, stop - begin, pitch, velocity))
    return tuple(sorted(notes.values(), key=order))


def _pad(place: Heard, activity: PitchActivity) -> tuple[Note, ...]:
    """Return the chords that are heard, each held until the next one.

    Many of their tones sound too softly to be notes, yet all through a beat. (As chord symbols they
    would have the writer play as to a lead sheet: basses written to 15 songs then share 0.29 of
    their pitch classes with the true ones (F1), with the strings 0.46, with the notes alone 0.38.)
    """
    beats = place.arrangement.end // TICKS_PER_BEAT
    frame_seconds = np.arange(len(activity.sounding)) / FRAMES_PER_SECOND
    beat = (place.ticks_at(frame_seconds) // TICKS_PER_BEAT).astype(np.int64)
    inside = (beat >= 0) & (beat < beats)
    level = np.zeros((beats, PITCHES))
    np.add.at(level, beat[inside], activity.sounding[inside])
    level /= np.maximum(np.bincount(beat[inside], minlength=beats), 1)[:, None]
    weights = np.zeros((beats, 12))
    tone = (LOWEST + np.arange(PITCHES)) % 12
    np.add.at(weights.T, tone, np.where(level > _TONE, level, 0).T)
    firm = level > _LOWEST_TONE
    lowest = np.where(firm.any(axis=1), LOWEST + firm.argmax(axis=1), 128)
    size = place.grid.beats_per_bar
    states = estimate_states(weights, lowest, np.arange(beats) % size == 0)
    begins = np.flatnonzero(np.diff(states, prepend=-2))
    notes = []
    for begin, end in pairwise([*begins.tolist(), beats]):
        if states[begin] < 0:
            continue
        chord = state_symbol(begin * TICKS_PER_BEAT, int(states[begin]))
        root = _PAD_OCTAVE + (chord.root or 0)
        length = (end - begin) * TICKS_PER_BEAT
        notes += [
            Note(chord.tick, length, root + (pitch_class - root) % 12, _PAD_VELOCITY)
            for pitch_class in chord.pitch_classes
        ]
    return tuple(sorted(notes, key=order))


def quantised(ticks: Floats) -> Ints:
    """Return ticks on 16ths, or on triplets in those beats in which these fit clearly better.

    A beat is judged together with its neighbours: nobody swings in one beat alone.
    """
    if not len(ticks):
        return np.zeros(0, dtype=np.int64)
    straight, triplet = TICKS_PER_BEAT // 4, TICKS_PER_BEAT // 3
    grids = [np.rint(ticks / step) * step for step in (straight, triplet)]
    # a note a little early is of the beat that it means
    beat = np.maximum((ticks + 1) // TICKS_PER_BEAT, 0).astype(np.int64)
    errors = [
        np.convolve(
            np.bincount(beat, np.abs(ticks - near) / TICKS_PER_BEAT), np.ones(3), mode="same"
        )
        for near in grids
    ]
    swung = errors[1] + _TRIPLET_GAIN < 0.8 * errors[0]
    return np.where(swung[beat], grids[1], grids[0]).astype(np.int64)
