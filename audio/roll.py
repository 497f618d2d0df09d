"""The notes of a stem drawn over time, frame by frame of the mel spectrogram.

One picture for every instrument: a row for each drum, then a row for each semitone. A drum's cell
holds the stroke's velocity in the frame it falls in; a pitch's cells hold half of the velocity
while it sounds, and all of it where it is struck, so that repeated notes are told apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audio.mel import FRAMES_PER_SECOND
from subtractive.synthesis import Strokes

# General MIDI drum keys whose sounds are alike
DRUMS: dict[str, tuple[int, ...]] = {
    "kick": (35, 36),
    "snare": (38, 40),
    "side stick": (37,),
    "clap": (39,),
    "closed hat": (42, 22),
    "pedal hat": (44,),
    "open hat": (46, 26),
    "low tom": (41, 43),
    "middle tom": (45, 47),
    "high tom": (48, 50),
    "ride": (51, 53, 59),
    "crash": (49, 52, 55, 57),
    "hand drum": (60, 61, 62, 63, 64, 65, 66),
    "shaker": (54, 69, 70, 82),
    "bell": (56, 67, 68, 76, 77, 80, 81),
}
LOWEST, HIGHEST = 24, 88  # MIDI notes: below a bass with five strings, up to a guitar's last fret
ROWS = len(DRUMS) + HIGHEST - LOWEST + 1

_ROW_OF_KEY = np.full(128, list(DRUMS).index("bell"))
for _row, _keys in enumerate(DRUMS.values()):
    _ROW_OF_KEY[list(_keys)] = _row


def roll(notes: Strokes, frames: int, *, is_drums: bool) -> npt.NDArray[np.float32]:
    """Return the picture of some notes.

    Parameters
    ----------
    notes : Strokes
        Times count from the first frame's; notes outside of the picture are left out.
    frames : int
    is_drums : bool

    Returns
    -------
    array [shape=(ROWS, frames)]
        0 to 1.
    """
    picture = np.zeros((ROWS, frames), np.float32)
    if not len(notes.onset):
        return picture
    first = np.rint(notes.onset * FRAMES_PER_SECOND).astype(np.int64)
    last = np.maximum(np.rint(notes.end * FRAMES_PER_SECOND).astype(np.int64), first + 1)
    loudness = notes.velocity.astype(np.float32) / 127
    if is_drums:
        rows = _ROW_OF_KEY[notes.pitch]
    else:
        rows = len(DRUMS) + np.clip(notes.pitch, LOWEST, HIGHEST) - LOWEST
        for row, begin, end, loud in zip(rows, first, last, loudness, strict=True):
            cells = picture[row, max(begin, 0) : max(end, 0)]
            np.maximum(cells, loud / 2, out=cells)
    inside = (first >= 0) & (first < frames)
    np.maximum.at(picture, (rows[inside], first[inside]), loudness[inside])
    return picture
