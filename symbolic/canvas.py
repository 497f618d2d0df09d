"""A canvas: a part drawn on the frames of its context, cell by cell, for a writer of whole bars.

Each frame of a sixteenth holds three ticks. Of drums every tick has a cell for each sound of the
kit: struck or not. Of basses and guitars every tick has one cell for whether something begins, and
if so a chord: up to six pitches, from the lowest up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoretokens.codec import DRUM_TICKS
from scoretokens.vocabulary import vocabulary
from symbolic.frames import FRAME, frame_of_tick

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Keys that one cell stands for; the first is written where nothing tells which.
SOUNDS: tuple[tuple[int, ...], ...] = (
    (36, 35),  # kick
    (38, 40),  # snare
    (37,),  # side stick
    (39,),  # clap
    (42,),  # closed hat
    (44,),  # pedalled hat
    (46,),  # open hat
    (43, 41),  # low tom
    (47, 45),  # middle tom
    (50, 48),  # high tom
    (49, 57, 52, 55),  # crash
    (51, 59),  # ride
    (53,),  # bell
    (54, 69, 70, 82),  # tambourine and shakers
    (56, 75, 76, 77),  # cowbell and wood
    (60, 62, 63, 65),  # high hand drum
    (64, 61, 66),  # low hand drum
)
ROWS = len(SOUNDS) + 1  # the last one: all other keys
_OTHER_KEY = 58
ROW_OF_KEY = np.full(128, ROWS - 1)
for _row, _keys in enumerate(SOUNDS):
    ROW_OF_KEY[list(_keys)] = _row
KEY_OF_ROW = np.array([*(keys[0] for keys in SOUNDS), _OTHER_KEY])

_V = vocabulary()
_PITCHES, _DURATIONS, _VELOCITIES = (_V.values(kind) for kind in ("Pitch", "Duration", "Velocity"))
LOWEST = int(_PITCHES[0])
PITCHES = len(_PITCHES) + 1  # 0: no further note
CHORD = 6  # notes struck at once, as a guitar has strings
PLAYERS = max(ROWS, CHORD)  # notes that a tick can have


@dataclass(frozen=True, eq=False)
class Canvas:
    """A part over some frames.

    Attributes
    ----------
    strikes : array of bool [shape=(frame, FRAME, ROWS)]
        Whether a sound is struck; of pitched parts the first row tells whether anything begins.
    chords : array of int [shape=(frame, FRAME, CHORD)]
        1 + index of each pitch among the vocabulary's, from the lowest; then 0. Drums: all 0.
    durations, velocities : arrays of int [shape=(frame, FRAME, PLAYERS)]
        1 + index of the note's duration and velocity among the vocabulary's, by row or by place in
        the chord; 0 where there is no note.
    """

    strikes: Bools
    chords: Ints
    durations: Ints
    velocities: Ints


def drawn(notes: Ints, bar_onsets: Ints, frame_count: int, *, drums: bool) -> Canvas:
    """Return notes as a canvas.

    Of keys that share a cell the first one counts, of chords the lowest six notes.

    Parameters
    ----------
    notes : array of int [shape=(note, 4)]
        As `scoretokens.codec.normalise` returns them, in order; what lies outside is left out.
    bar_onsets : array of int [shape=(bar + 1,)]
        Grid ticks; the first bar begins with the first frame.
    frame_count : int
        At least as many as the bars have.
    drums : bool
    """
    strikes = np.zeros((frame_count, FRAME, ROWS), dtype=bool)
    chords = np.zeros((frame_count, FRAME, CHORD), dtype=np.int64)
    durations = np.zeros((frame_count, FRAME, PLAYERS), dtype=np.int64)
    velocities = np.zeros_like(durations)
    inside = (notes[:, 0] >= bar_onsets[0]) & (notes[:, 0] < bar_onsets[-1])
    onset, duration, pitch, velocity = notes[inside].T
    frame, tick, _ = frame_of_tick(bar_onsets)
    at, sub = frame[onset - bar_onsets[0]], tick[onset - bar_onsets[0]]
    if drums:
        place = ROW_OF_KEY[pitch]
        strikes[at, sub, place] = True
    else:
        fresh = np.flatnonzero(np.diff(onset, prepend=-1))
        place = np.arange(len(onset)) - np.repeat(fresh, np.diff(np.append(fresh, len(onset))))
        kept = place < CHORD
        at, sub, place = at[kept], sub[kept], place[kept]
        duration, pitch, velocity = duration[kept], pitch[kept], velocity[kept]
        strikes[at, sub, 0] = True
        chords[at, sub, place] = pitch - LOWEST + 1
    durations[at, sub, place] = 1 + np.searchsorted(_DURATIONS, duration)
    velocities[at, sub, place] = 1 + np.searchsorted(_VELOCITIES, velocity)
    return Canvas(strikes, chords, durations, velocities)


def notes_of(canvas: Canvas, bar_onsets: Ints, keys: Ints | None = None) -> Ints:
    """Return the notes of a canvas [shape=(note, 4)], inverse of `drawn`.

    Parameters
    ----------
    canvas : Canvas
    bar_onsets : array of int [shape=(bar + 1,)]
        What lies in later frames is left out.
    keys : array of int [shape=(frame, FRAME, ROWS)], optional
        The key that is struck for each cell of drums; None: a pitched part.
    """
    _, _, bar_frames = frame_of_tick(bar_onsets)
    counts = np.diff(bar_frames)
    bar = np.repeat(np.arange(len(counts)), counts)
    start = bar_onsets[:-1][bar] + (np.arange(len(bar)) - bar_frames[:-1][bar]) * FRAME
    drums = keys is not None
    played = canvas.strikes if drums else canvas.chords > 0
    frame, sub, place = np.nonzero(played[: len(bar)])
    onset = start[frame] + sub
    # the last frame of an odd bar may be shorter than a sixteenth
    there = onset < bar_onsets[1:][bar[frame]]
    frame, sub, place, onset = frame[there], sub[there], place[there], onset[there]
    velocity = _VELOCITIES[np.maximum(canvas.velocities[frame, sub, place] - 1, 0)]
    if keys is not None:
        pitch = keys[frame, sub, place]
        duration = np.full(len(onset), DRUM_TICKS)
    else:
        pitch = canvas.chords[frame, sub, place] - 1 + LOWEST
        duration = _DURATIONS[np.maximum(canvas.durations[frame, sub, place] - 1, 0)]
    notes = np.stack([onset, duration, pitch, velocity], axis=1)
    return notes[np.lexsort((notes[:, 2], notes[:, 0]))]
