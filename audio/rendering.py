"""From an excerpt of notes to one window of sound: a context, the stem that is missing, its words.

So that a model does not learn one synthesizer, everything that is no music is drawn: the SoundFont,
the kit, levels, which other parts play, tempo, key, and the room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from audio.beats import BeatGrid
from audio.mel import HOP, RATE
from audio.words import sounds
from subtractive.arrangement import Part
from subtractive.excerpts import Excerpt
from subtractive.instruments import INSTRUMENTS, roles
from subtractive.synthesis import Samples, SoundFontPlayer, Strokes, strokes
from symbolic.concepts import true_of

FRAMES = 640
SECONDS = FRAMES * HOP / RATE
PRE_ROLL_SECONDS = 2.0  # what was struck before the window sounds on in it
LEVEL = 0.1  # root mean square of a context: -20 dB of full scale
SILENT = 1e-4  # root mean square of what is none
ODDS = {"drums": 0.5, "bass": 0.25, "guitar": 0.25}  # of the instrument that is taken out
# General MIDI kits by what words call them, and how often each is drawn
_KITS: tuple[tuple[int, float, tuple[str, ...]], ...] = (
    (0, 0.3, ("acoustic",)),
    (8, 0.15, ("acoustic",)),
    (16, 0.2, ("power kit",)),
    (24, 0.1, ("electronic",)),
    (25, 0.1, ("electronic", "808")),
    (32, 0.08, ("acoustic",)),
    (40, 0.07, ("brushes", "acoustic")),
)
# programs whose parts may be swapped: the same music on another instrument
_KIN = ((0, 8), (16, 24), (32, 40), (24, 32), (48, 56), (80, 96))


@dataclass(frozen=True, eq=False)
class Window:
    """One lesson of sound.

    Attributes
    ----------
    context, stem : array [shape=(sample,)]
        At `audio.mel.RATE`, the context at `LEVEL`, the stem at the same gain.
    instrument : str
    notes : Strokes or None
        The stem's, from the window's start; None where nobody knows them.
    grid : BeatGrid or None
        The beats in seconds from the window's start; they may lie outside of it.
    concepts : tuple of int
        What is true of the stem, as indices into `audio.words.CONCEPTS`.
    song, source : str
    """

    context: npt.NDArray[np.float32]
    stem: npt.NDArray[np.float32]
    instrument: str
    notes: Strokes | None
    grid: BeatGrid | None
    concepts: tuple[int, ...]
    song: str
    source: str


def window(
    excerpt: Excerpt, players: Sequence[SoundFontPlayer], rng: np.random.Generator
) -> Window | None:
    """Render a window of an excerpt, everything else drawn.

    Returns
    -------
    Window or None
        None if no instrument can be taken out here, or what is drawn is silent.
    """
    wanted = [example.instrument for example in excerpt.examples]
    if not wanted:
        return None
    odds = np.array([ODDS[name] for name in wanted])
    instrument = wanted[int(rng.choice(len(wanted), p=odds / odds.sum()))]
    music = excerpt.arrangement
    pace = float(rng.uniform(0.88, 1.14))
    grid = BeatGrid.of_arrangement(music)
    latest = grid.beats[-1] * pace - SECONDS / 2
    start = float(rng.uniform(-0.5, max(latest, 0.0)))
    taken: list[Part] = []
    others: list[Part] = []
    for part, its_role in zip(music.parts, roles(music.parts), strict=True):
        (taken if its_role == instrument else others).append(part)
    kept = [part for part in others if rng.random() < 0.8] or others
    key = int(rng.integers(-5, 7))
    player = players[int(rng.integers(len(players)))]
    kit, kit_words = _kit(player, rng)

    def of(part: Part) -> Strokes:
        notes = strokes(music, part)
        pitch = notes.pitch if part.is_drums else np.clip(notes.pitch + key, 0, 127)
        return Strokes(notes.onset * pace, notes.end * pace, pitch, notes.velocity)

    def sound(part: Part) -> Samples:
        program = kit if part.is_drums else _swapped(part.program, its_own=part in taken, rng=rng)
        notes = of(part).within(start - PRE_ROLL_SECONDS, start + SECONDS)
        return _played(player, notes, program, is_drums=part.is_drums)

    stems = [sound(part) * _gain(rng, 4.0) for part in kept]
    length = FRAMES * HOP
    context = np.sum(stems, axis=0) if stems else np.zeros(length, np.float32)
    stem = np.sum([sound(part) for part in taken], axis=0) * _gain(rng, 3.0)
    context, _ = _in_a_room(context, rng)
    stem, room_words = _in_a_room(stem, rng)
    loudness = float(np.sqrt((context**2).mean()))
    own = float(np.sqrt((stem**2).mean()))
    if own < SILENT or (loudness < SILENT and others):
        return None
    gain = LEVEL / (loudness if others else own) * float(_gain(rng, 2.0))
    main = max(taken, key=lambda part: len(part.notes))
    merged = taken if instrument == "drums" else [main]
    notes = _merged([of(part).within(start, start + SECONDS) for part in merged])
    words = [*room_words, *(kit_words if instrument == "drums" else ())]
    known = true_of(excerpt)
    concepts = known[known[:, 0] == INSTRUMENTS.index(instrument), 1].tolist()
    return Window(
        context=(context * gain).astype(np.float32),
        stem=(stem * gain).astype(np.float32),
        instrument=instrument,
        notes=notes,
        grid=replace(grid, beats=tuple((np.array(grid.beats) * pace - start).tolist())),
        concepts=tuple(concepts + sounds(words)),
        song=excerpt.song,
        source=excerpt.labels.source,
    )


def _kit(player: SoundFontPlayer, rng: np.random.Generator) -> tuple[int, tuple[str, ...]]:
    able = [row for row in _KITS if player.has(row[0], is_drums=True)]
    odds = np.array([row[1] for row in able])
    number, _, words = able[int(rng.choice(len(able), p=odds / odds.sum()))]
    return number, words


def _swapped(program: int, *, its_own: bool, rng: np.random.Generator) -> int:
    """Return a program of the same kind, now and then; of a stem, a program of its instrument."""
    if rng.random() < 0.6:
        return program
    for low, high in _KIN:
        if low <= program < high:
            return int(rng.integers(low, high))
    return program if its_own else int(rng.integers(0, 104))


def _gain(rng: np.random.Generator, deviation_db: float) -> np.float32:
    return np.float32(10 ** (np.clip(rng.normal(0, deviation_db), -9, 9) / 20))


def _played(
    player: SoundFontPlayer, notes: Strokes, program: int, *, is_drums: bool
) -> npt.NDArray[np.float32]:
    """Return a part's sound in one channel [shape=(sample,)], after its pre-roll."""
    before = round(PRE_ROLL_SECONDS * RATE)
    sound = player.play(notes, program, before + FRAMES * HOP, is_drums=is_drums)
    return np.asarray(sound[:, before:].mean(axis=0))


def _in_a_room(
    sound: npt.NDArray[np.float32], rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], list[str]]:
    """Return the sound in a room of dying noise (or in none), and words for it."""
    if rng.random() < 0.5:
        return sound, ["dry"]
    reverberation = float(rng.uniform(0.15, 1.2))  # seconds down to -60 dB
    count = round(reverberation * RATE)
    decay = np.exp(-6.9 * np.arange(count) / count)
    noise = rng.standard_normal(count) * decay
    # air and walls take the highs first
    noise = np.convolve(noise, np.ones(3) / 3, mode="same")
    delay = round(float(rng.uniform(0.002, 0.03)) * RATE)
    response = np.concatenate([np.zeros(delay), noise / np.sqrt((noise**2).sum())])
    wet = float(rng.uniform(0.05, 0.5))
    reflected = fftconvolve(sound, response)[: len(sound)]
    words = ["roomy"] if wet * reverberation > 0.2 else []
    return (sound + wet * reflected).astype(np.float32), words


def _merged(every: Sequence[Strokes]) -> Strokes:
    columns = [np.concatenate(column) for column in zip(*every, strict=True)]
    order = np.lexsort((columns[2], columns[0]))
    return Strokes(*(column[order] for column in columns))
