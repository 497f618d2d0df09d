"""Between the notes of a part on the grid and token ids; exact both ways on that grid.

``decode(encode(notes, ...).ids, ...) == normalise(notes, ...)`` for any notes and any bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scoretokens.vocabulary import vocabulary

Ints = npt.NDArray[np.int64]
BarNotes = tuple[tuple[int, int, int, int], ...]  # position, pitch id, duration id, velocity id

DRUM_TICKS = 3  # a stroke has no length; it is written as a sixteenth
_V = vocabulary()
_BAR = _V.id("Bar_None")
_POSITION, _REPEAT = _V.span("Position").start, _V.span("Repeat")
_PITCHES, _KEYS = _V.span("Pitch"), _V.span("PitchDrum")
_LOWEST_PITCH, _LOWEST_KEY = int(_V.values("Pitch")[0]), int(_V.values("PitchDrum")[0])
_DURATION, _VELOCITY = _V.span("Duration").start, _V.span("Velocity").start
_DURATIONS, _VELOCITIES = _V.values("Duration"), _V.values("Velocity")
_DURATION_INDEX = {int(ticks): index for index, ticks in enumerate(_DURATIONS)}


class Encoded(NamedTuple):
    """Token ids and the musical time of each, in grid ticks [shape=(token,)]."""

    ids: Ints
    ticks: Ints


def normalise(notes: Ints, *, is_drums: bool, transposition: int = 0) -> Ints:
    """Return notes as the vocabulary can say them [shape=(note, 4)].

    Pitches beyond the vocabulary move by octaves (drum keys beyond it are left out), velocities go
    to the nearest bin, drum strokes get one length.

    Parameters
    ----------
    notes : array of int [shape=(note, 4)]
        On the grid (`grid.grid_notes`).
    is_drums : bool
    transposition : int
        Semitones to add; ignored for drums.
    """
    notes = notes.copy()
    if is_drums:
        key = notes[:, 2] - _LOWEST_KEY
        notes = notes[(key >= 0) & (key < len(_KEYS))]
        notes[:, 1] = DRUM_TICKS
    else:
        pitch = notes[:, 2] + transposition - _LOWEST_PITCH
        top = pitch - (len(_PITCHES) - 1)
        pitch += 12 * (np.maximum(-pitch + 11, 0) // 12) - 12 * (np.maximum(top + 11, 0) // 12)
        notes[:, 2] = pitch + _LOWEST_PITCH
    nearest = np.abs(notes[:, 3][:, None] - _VELOCITIES).argmin(axis=1)
    notes[:, 3] = _VELOCITIES[nearest]
    _, first = np.unique(notes[:, 0] * 128 + notes[:, 2], return_index=True)
    return notes[first]


def bar_notes(notes: Ints, bar_onsets: Sequence[int], *, is_drums: bool) -> list[BarNotes]:
    """Return, for each bar, its normalised notes as tuples of ids that compare and hash."""
    lowest, start = (_LOWEST_KEY, _KEYS.start) if is_drums else (_LOWEST_PITCH, _PITCHES.start)
    edges = np.searchsorted(notes[:, 0], bar_onsets)
    velocity = np.searchsorted(_VELOCITIES, notes[:, 3]) + _VELOCITY
    pitch = notes[:, 2] - lowest + start
    rows = list(
        zip(
            notes[:, 0].tolist(),
            pitch.tolist(),
            notes[:, 1].tolist(),
            velocity.tolist(),
            strict=True,
        )
    )
    return [
        tuple(
            (at - onset, key, _DURATION + _DURATION_INDEX[length], loud)
            for at, key, length, loud in rows[low:high]
        )
        for onset, low, high in zip(bar_onsets, edges, edges[1:], strict=False)
    ]


def repeat_of(contents: Sequence[BarNotes], lengths: Sequence[int], bar: int) -> int:
    """Return how many bars back the nearest equal bar lies, 0 if none within reach or if empty."""
    if not contents[bar]:
        return 0
    for back in range(1, min(bar, len(_REPEAT)) + 1):
        if contents[bar - back] == contents[bar] and lengths[bar - back] == lengths[bar]:
            return back
    return 0


def encode(
    notes: Ints,
    bar_onsets: Sequence[int],
    *,
    instrument: str,
    program: int | None = None,
    repeats: bool = True,
) -> Encoded:
    """Return the tokens of a part over some bars.

    Parameters
    ----------
    notes : array of int [shape=(note, 4)]
        Normalised; notes outside of the bars are left out.
    bar_onsets : sequence of int [bar + 1]
        In grid ticks.
    instrument : str
    program : int or None
        General MIDI program; left out where the vocabulary has none, as for drums.
    repeats : bool
        Whether a bar equal to one of the eight before it is said by one token.
    """
    contents = bar_notes(notes, bar_onsets, is_drums=instrument == "drums")
    lengths = np.diff(bar_onsets).tolist()
    ids, ticks = [_V.id(f"Instrument_{instrument}")], [bar_onsets[0]]
    if instrument != "drums" and f"Program_{program}" in _V.tokens:
        ids.append(_V.id(f"Program_{program}"))
        ticks.append(bar_onsets[0])
    for bar, content in enumerate(contents):
        onset, position = bar_onsets[bar], -1
        ids.append(_BAR)
        ticks.append(onset)
        back = repeat_of(contents, lengths, bar) if repeats else 0
        if back:
            ids.append(_REPEAT.start + back - 1)
            ticks.append(onset)
            continue
        for at, pitch, duration, velocity in content:
            said = [] if at == position else [_POSITION + at]
            said += [pitch, velocity] if instrument == "drums" else [pitch, duration, velocity]
            position = at
            ids += said
            ticks += [onset + at] * len(said)
    return Encoded(np.array(ids), np.array(ticks))


def decode(ids: Sequence[int], bar_onsets: Sequence[int]) -> Ints:
    """Return the notes that tokens say [shape=(note, 4)], inverse of `encode`.

    Parameters
    ----------
    ids : sequence of int
        A sequence that the grammar allows; an unfinished last note is left out.
    bar_onsets : sequence of int
        One onset for each Bar token, in grid ticks, and the end.
    """
    written: list[list[tuple[int, int, int, int]]] = []
    position, pitch, duration = 0, 0, DRUM_TICKS
    for token in ids:
        kind = _V.kind(int(token))
        if kind == "Bar":
            written.append([])
        elif kind == "Repeat":
            written[-1] = list(written[len(written) - 2 - (int(token) - _REPEAT.start)])
        elif kind == "Position":
            position = int(token) - _POSITION
        elif kind == "Pitch":
            pitch = int(token) - _PITCHES.start + _LOWEST_PITCH
        elif kind == "PitchDrum":
            pitch, duration = int(token) - _KEYS.start + _LOWEST_KEY, DRUM_TICKS
        elif kind == "Duration":
            duration = int(_DURATIONS[int(token) - _DURATION])
        elif kind == "Velocity":
            written[-1].append(
                (position, duration, pitch, int(_VELOCITIES[int(token) - _VELOCITY]))
            )
    notes = [
        (onset + at, length, key, loud)
        for onset, content in zip(bar_onsets, written, strict=False)
        for at, length, key, loud in content
    ]
    return np.array(notes, dtype=np.int64).reshape(-1, 4)
