"""From a song that was recorded as stems to one window of sound: the other kind of lesson.

Notes are not known of it, and beats are those heard in the mix without the stem, as they will be
when a stem is made.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audio.beats import BeatGrid, track_beats
from audio.mel import HOP, RATE
from audio.rendering import FRAMES, LEVEL, ODDS, SECONDS, SILENT, Window
from audio.words import heard
from subtractive.errors import MusicError
from subtractive.stem_folders import StemSong, lessons
from subtractive.waveform import Recording


def recorded(song: StemSong, rng: np.random.Generator) -> Window | None:
    """Return a window of a song, anywhere in it.

    Returns
    -------
    Window or None
        None if no instrument is heard beside others there.

    Raises
    ------
    FileFormatError
        If a stem cannot be read.
    """
    start = float(rng.uniform(0, max(song.seconds - SECONDS, 0)))
    found = list(lessons(song.mix(start, start + SECONDS), song.style, rng))
    if not found:
        return None
    odds = np.array([ODDS[lesson.instruction.instrument] for lesson in found])
    lesson = found[int(rng.choice(len(found), p=odds / odds.sum()))]
    target = lesson.context.with_stems(tuple(placed.stem for placed in lesson.target))
    context, stem = (_mono(mix.sound) for mix in (lesson.context, target))
    gain = LEVEL / max(float(np.sqrt((context**2).mean())), SILENT)
    return Window(
        context=(context * gain).astype(np.float32),
        stem=(stem * gain).astype(np.float32),
        instrument=lesson.instruction.instrument,
        notes=None,
        grid=_beats(context, lesson.instruction.words),
        concepts=tuple(heard(lesson.instruction.words, lesson.instruction.instrument)),
        song=song.name,
        source="stems",
    )


def _mono(sound: Recording) -> npt.NDArray[np.float32]:
    samples = sound.resampled(RATE).mono()[: FRAMES * HOP]
    return np.pad(samples, (0, FRAMES * HOP - len(samples)))


def _beats(context: npt.NDArray[np.float32], words: str) -> BeatGrid | None:
    try:
        return track_beats(Recording(context[np.newaxis], RATE), words=words)
    except MusicError:
        return None
