"""What a writer sees of a context: one vector for each sixteenth.

Time runs in frames of a sixteenth, counted from each barline, so that the frame of any moment is
known and a writer can be given the context *at its own musical time*. All pitches are seen
relative to the key of the context, moved to C major or A minor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoretokens.grid import TICKS_PER_BEAT, GridPart, GridSong
from subtractive.harmony import TEMPLATES, beat_edges, chroma, estimate_states, key_of_chroma

FRAME = 3  # grid ticks: a sixteenth
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

# kick, snare, stick or clap, closed hat, open hat, tom, crash, ride, other
DRUM_CLASSES = 9
DRUM_CLASS = np.full(128, 8)
for _class, _keys in enumerate(
    [
        (35, 36),
        (38, 40),
        (37, 39),
        (42, 44),
        (46,),
        (41, 43, 45, 47, 48, 50),
        (49, 52, 55, 57),
        (51, 53, 59),
    ]
):
    DRUM_CLASS[list(_keys)] = _class

# bass, guitar, keys, sustained (strings, choir, brass, pads), lead (reeds, pipes, synths), other
CONTEXT_ROLES = 6
_PROGRAM_ROLE = np.full(128, 5)
for _role, _span in [(2, (0, 24)), (3, (40, 64)), (4, (64, 88)), (3, (88, 96))]:
    _PROGRAM_ROLE[slice(*_span)] = _role

REACH = 8  # bars back that a bar is compared with

_LAYOUT: tuple[tuple[str, int], ...] = (
    ("sounding", 12),
    ("struck", 12),
    ("lowest_class", 12),
    ("highest_class", 12),
    ("drums", DRUM_CLASSES),
    ("role_sounding", CONTEXT_ROLES),
    ("role_struck", CONTEXT_ROLES),
    ("extremes", 2),
    ("subtick", 6),
    ("bass_class", 12),
    ("chord_root", 12),
    ("chord_tones", 12),
    ("chord_bass", 12),
    ("chord_flags", 3),
    ("metre", 6),
    ("alike", REACH),
    ("loudness", 2),
    ("song", 6),
    ("minor", 1),
    ("draft_struck", 12),
    ("draft_sounding", 12),
    ("draft_drums", DRUM_CLASSES),
    ("draft_shape", 4),
)
SLICES: dict[str, slice] = {}
_at = 0
for _name, _width in _LAYOUT:
    SLICES[_name] = slice(_at, _at + _width)
    _at += _width
WIDTH = _at


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of some bars.

    Attributes
    ----------
    values : array of float [shape=(frame, WIDTH)]
    bar_frames : array of int [shape=(bar + 1,)]
        Index of each bar's first frame; the last one is the number of frames.
    """

    values: Floats
    bar_frames: Ints


@dataclass(frozen=True, slots=True)
class Key:
    """Semitones that move the context to C major or A minor, and which of the two."""

    shift: int
    is_minor: bool


def key_of(parts: Sequence[GridPart], chords: Ints | None = None) -> Key | None:
    """Return the key of some parts and chord symbols; None if nothing pitched sounds."""
    weights = np.zeros(12)
    for part in parts:
        if not part.is_drums:
            np.add.at(weights, part.notes[:, 2] % 12, np.minimum(part.notes[:, 1], 48))
    if chords is not None:
        for _, _, mask, _ in chords.tolist():
            weights += [24.0 * (mask >> tone & 1) for tone in range(12)]
    if weights.sum() == 0:
        return None
    tonic, is_minor = key_of_chroma(weights)
    return key_shift(tonic, is_minor)


def key_shift(tonic: int, is_minor: bool) -> Key:
    """Return the shift of at most six semitones that brings a key to C major or A minor."""
    major = (tonic + 3) % 12 if is_minor else tonic
    return Key((-major + 6) % 12 - 6, is_minor)


def frame_of_tick(bar_onsets: Ints) -> tuple[Ints, Ints, Ints]:
    """Return each tick's frame and its tick within that frame, and the bars' first frames."""
    lengths = np.diff(bar_onsets)
    counts = -(-lengths // FRAME)
    bar_frames = np.concatenate([[0], np.cumsum(counts)])
    bar = np.repeat(np.arange(len(lengths)), lengths)
    within = np.arange(bar_onsets[-1] - bar_onsets[0]) - (bar_onsets[:-1] - bar_onsets[0])[bar]
    return bar_frames[bar] + within // FRAME, within % FRAME, bar_frames


def beat_chords(notes: Ints, song: GridSong) -> Ints:
    """Return the estimated chord for each quarter: onset, root, tone mask, bass [shape=(beat, 4)].

    Parameters
    ----------
    notes : array of int [shape=(note, 4)]
        Pitched notes of the context.
    song : GridSong
    """
    edges, downbeat = beat_edges(song.bar_onsets, TICKS_PER_BEAT)
    spans = np.stack([notes[:, 0], notes[:, 0] + notes[:, 1], notes[:, 2]], axis=1)
    weights, lowest = chroma(spans, edges)
    states = estimate_states(weights, lowest, downbeat)
    table = [
        (root, sum(1 << (root + i) % 12 for i in tones))
        for tones in TEMPLATES.values()
        for root in range(12)
    ]
    roots, masks = np.array([*table, (-1, 0)]).T
    return np.stack([edges[:-1], roots[states], masks[states], roots[states]], axis=1)


def _chord_features(chords: Ints, onsets: Ints, values: Floats, *, given: bool, shift: int) -> None:
    """Write the chord in force at each frame's onset into `values`."""
    place = np.searchsorted(chords[:, 0], onsets, side="right") - 1
    root, mask, bass = chords[np.maximum(place, 0)][:, 1:].T
    known = (place >= 0) & ((root >= 0) | given)
    rows = np.flatnonzero(known & (root >= 0))
    values[rows, SLICES["chord_root"].start + (root[rows] + shift) % 12] = 1
    values[rows, SLICES["chord_bass"].start + (bass[rows] + shift) % 12] = 1
    for tone in range(12):
        values[rows, SLICES["chord_tones"].start + (tone + shift) % 12] = mask[rows] >> tone & 1
    flags = values[:, SLICES["chord_flags"]]
    flags[:, 0], flags[:, 1], flags[:, 2] = known, known & (root < 0), known & given


def _metre_features(
    song: GridSong, bar_frames: Ints, values: Floats, first_bar: int, bar_total: int
) -> None:
    counts = np.diff(bar_frames)
    bar = np.repeat(np.arange(len(counts)), counts)
    within = (np.arange(bar_frames[-1]) - bar_frames[:-1][bar]) * FRAME
    lengths = np.diff(song.bar_onsets)[bar]
    phase = 2 * np.pi * within / lengths
    on_beat = within % np.maximum(song.bar_beats[bar], FRAME) == 0
    metre = [
        within == 0,
        on_beat,
        np.sin(phase),
        np.cos(phase),
        lengths / 48,
        song.bar_beats[bar] / 12,
    ]
    values[:, SLICES["metre"]] = np.stack(metre, axis=1)
    number = bar + first_bar
    wave = 2 * np.pi * number / 8
    left = np.clip(bar_total - number, 0, 8) / 8
    tempo = np.log2(np.clip(song.bar_tempos[bar], 30, 300) / 120)
    place = [np.sin(wave), np.cos(wave), np.cos(2 * wave), np.minimum(number, 8) / 8, left, tempo]
    values[:, SLICES["song"]] = np.stack(place, axis=1)


def _alike(bar_frames: Ints, struck: npt.NDArray[np.bool_]) -> Floats:
    """Return how alike each bar is to the `REACH` bars before it (Jaccard) [shape=(bar, REACH)]."""
    counts = np.diff(bar_frames)
    bars = np.zeros((len(counts), int(counts.max()), struck.shape[1]), dtype=bool)
    bar = np.repeat(np.arange(len(counts)), counts)
    bars[bar, np.arange(bar_frames[-1]) - bar_frames[:-1][bar]] = struck
    flat = bars.reshape(len(counts), -1)
    result = np.zeros((len(counts), REACH), dtype=np.float32)
    for back in range(1, min(REACH, len(counts) - 1) + 1):
        both = (flat[back:] & flat[:-back]).sum(1)
        either = (flat[back:] | flat[:-back]).sum(1)
        same_length = counts[back:] == counts[:-back]
        # Two silent bars are alike as far as they tell anything: half.
        result[back:, back - 1] = (
            np.where(either > 0, both / np.maximum(either, 1), 0.5) * same_length
        )
    return result


def context_frames(
    song: GridSong,
    parts: Sequence[GridPart],
    key: Key,
    *,
    chords: Ints | None = None,
    draft: GridPart | None = None,
    first_bar: int = 0,
    bar_total: int = 0,
) -> Frames:
    """Return the frames of a context.

    Parameters
    ----------
    song : GridSong
        Gives bars and tempo; its own parts are not looked at.
    parts : sequence of GridPart
        The context.
    key : Key
    chords : array of int [shape=(chord, 4)], optional
        Chord symbols that the part shall follow; without them chords are estimated from `parts`.
    draft : GridPart, optional
        What the rules would play (see `symbolic.draft`).
    first_bar, bar_total : int
        The place of `song` in the whole piece, if it is a cutting; `bar_total` 0 means the whole.
    """
    frame, sub, bar_frames = frame_of_tick(song.bar_onsets)
    count, start = int(bar_frames[-1]), int(song.bar_onsets[0])
    values = np.zeros((count, WIDTH), dtype=np.float32)
    rolls = np.zeros((2, count + 1, 128), dtype=np.int32)  # all pitched parts; the bass alone
    struck = np.zeros((count, 12 + DRUM_CLASSES), dtype=bool)
    loud = np.zeros((count, 2))
    pitched = []
    for part in parts:
        inside = (part.notes[:, 0] < song.bar_onsets[-1]) & (
            part.notes[:, 0] + part.notes[:, 1] > start
        )
        notes = part.notes[inside]
        onset = np.maximum(notes[:, 0] - start, 0)
        begins = notes[:, 0] >= start
        at, tick = frame[onset], sub[onset]
        np.add.at(
            loud, at[begins], np.stack([notes[begins, 3] / 127, np.ones(begins.sum())], axis=1)
        )
        if part.is_drums:
            struck[at[begins], 12 + DRUM_CLASS[notes[begins, 2]]] = True
            values[at[begins], SLICES["subtick"].start + 3 + tick[begins]] = 1
            continue
        pitched.append(notes)
        values[at[begins], SLICES["subtick"].start + tick[begins]] = 1
        last = frame[np.minimum(notes[:, 0] + notes[:, 1] - start, len(frame)) - 1] + 1
        pitch = np.clip(notes[:, 2] + key.shift, 0, 127)
        struck[at[begins], pitch[begins] % 12] = True
        role = {"bass": 0, "guitar": 1}.get(part.role, int(_PROGRAM_ROLE[part.program]))
        values[at[begins], SLICES["role_struck"].start + role] = 1
        span = np.zeros(count + 1)
        np.add.at(span, at, 1)
        np.add.at(span, last, -1)
        values[:, SLICES["role_sounding"].start + role] += np.cumsum(span)[:-1]
        for roll in rolls[: 2 if role == 0 else 1]:
            np.add.at(roll, (at, pitch), 1)
            np.add.at(roll, (last, pitch), -1)
    _pitch_features(np.cumsum(rolls, axis=1)[:, :-1] > 0, values)
    np.minimum(values[:, SLICES["role_sounding"]], 1, out=values[:, SLICES["role_sounding"]])
    values[:, SLICES["struck"]] = struck[:, :12]
    values[:, SLICES["drums"]] = struck[:, 12:]
    values[:, SLICES["loudness"]] = np.stack(
        [loud[:, 0] / np.maximum(loud[:, 1], 1), loud[:, 1] / 8], axis=1
    )
    values[:, SLICES["minor"]] = key.is_minor
    given = chords is not None
    if chords is None:
        chords = beat_chords(
            np.concatenate(pitched) if pitched else np.zeros((0, 4), dtype=np.int64), song
        )
    if len(chords):
        counts = np.diff(bar_frames)
        bar = np.repeat(np.arange(len(counts)), counts)
        onsets = song.bar_onsets[:-1][bar] + (np.arange(count) - bar_frames[:-1][bar]) * FRAME
        _chord_features(chords, onsets, values, given=given, shift=key.shift)
    _metre_features(song, bar_frames, values, first_bar, bar_total or song.bar_count)
    if draft is not None:
        _draft_features(draft, song, key.shift, values)
    values[:, SLICES["alike"]] = np.repeat(_alike(bar_frames, struck), np.diff(bar_frames), axis=0)
    return Frames(values, bar_frames)


def _draft_features(draft: GridPart, song: GridSong, shift: int, values: Floats) -> None:
    """Write what a draft plays: classes struck and held, drums, how low and loud, that it is."""
    frame, _, _ = frame_of_tick(song.bar_onsets)
    start = int(song.bar_onsets[0])
    inside = (draft.notes[:, 0] >= start) & (draft.notes[:, 0] < song.bar_onsets[-1])
    onset, duration, pitch, velocity = draft.notes[inside].T
    at = frame[onset - start]
    shape = values[:, SLICES["draft_shape"]]
    shape[:, 0] = 1
    shape[at, 1] = 1
    np.maximum.at(shape[:, 3], at, velocity / 127)
    if draft.is_drums:
        values[at, SLICES["draft_drums"].start + DRUM_CLASS[pitch]] = 1
        return
    moved = (pitch + shift) % 12
    values[at, SLICES["draft_struck"].start + moved] = 1
    # of a chord its lowest note says how low
    shape[at[::-1], 2] = (pitch[::-1] - 48) / 24
    last = frame[np.minimum(onset + duration - start, len(frame)) - 1] + 1
    span = np.zeros((len(values) + 1, 12))
    np.add.at(span, (at, moved), 1)
    np.add.at(span, (last, moved), -1)
    values[:, SLICES["draft_sounding"]] = np.cumsum(span, axis=0)[:-1] > 0


def _pitch_features(rolls: npt.NDArray[np.bool_], values: Floats) -> None:
    """Write what sounds, from piano rolls of everything and of the bass [shape=(2, frame, 128)]."""
    folded = np.zeros((2, rolls.shape[1], 132), dtype=bool)
    folded[:, :, :128] = rolls
    sounding: npt.NDArray[np.bool_] = np.logical_or.reduce(folded.reshape(2, -1, 11, 12), axis=2)
    values[:, SLICES["sounding"]], values[:, SLICES["bass_class"]] = sounding
    heard = np.flatnonzero(rolls[0].any(axis=1))
    lowest = rolls[0, heard].argmax(axis=1)
    highest = 127 - rolls[0, heard, ::-1].argmax(axis=1)
    values[heard, SLICES["lowest_class"].start + lowest % 12] = 1
    values[heard, SLICES["highest_class"].start + highest % 12] = 1
    values[heard, SLICES["extremes"]] = (np.stack([lowest, highest], axis=1) - 60) / 24


def cut(song: GridSong, first: int, last: int) -> GridSong:
    """Return bars `first` up to `last` as a song; ticks go on counting from the whole's start."""
    low, high = song.bar_onsets[first], song.bar_onsets[last]
    kept = []
    for part in song.parts:
        inside = (part.notes[:, 0] < high) & (part.notes[:, 0] + part.notes[:, 1] > low)
        kept.append(GridPart(part.role, part.program, part.notes[inside]))
    return GridSong(
        song.bar_onsets[first : last + 1],
        song.bar_beats[first:last],
        song.bar_tempos[first:last],
        tuple(kept),
        song.chords,
    )
