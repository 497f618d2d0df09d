"""What the page plays: the music without its new parts, and these alone, to be mixed anew."""

from __future__ import annotations

import io
import wave
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from subtractive.arrangement import Arrangement
from subtractive.errors import OutputError
from subtractive.files.midi import write_midi, write_part_only
from subtractive.files.output import write_whole
from subtractive.files.sound import (
    PEAK,
    QUIETEST,
    TAIL_SECONDS,
    Samples,
    default_soundfont,
    synthesizers,
)
from symbolic.serve.store import View, keep_newest

SAMPLE_RATE = 44_100  # Hz
NO_SYNTHESIZER = "no synthesizer was found on this machine: install fluidsynth to hear the music"
MOST_MINUTES = 20
_render_lock = Lock()


class Stems(NamedTuple):
    """Two WAV files that sum to the mix, and last the same time."""

    rest: Path
    new: Path


def stems(view: View, folder: Path, name: str) -> Stems:
    """Play a view into two WAV files, unless that was done before.

    Both are as loud as they are together, where the loudest sample is at `PEAK`: with or without
    the new parts, the others sound the same.

    Parameters
    ----------
    view : View
    folder : Path
    name : str
        What the files' names begin with; the same name must mean the same music.

    Raises
    ------
    OutputError
        If there is no synthesizer, it fails, or the music is too long.
    """
    check_length(view.music)
    result = Stems(folder / f"{name}.rest.wav", folder / f"{name}.new.wav")
    with _render_lock:  # one at a time: the writer works beside it
        if not all(path.is_file() for path in result):
            music = view.music
            frames = round((music.seconds_at(music.end) + TAIL_SECONDS) * SAMPLE_RATE)
            rest = _rest(write_midi(view.rest), frames)
            new = np.zeros_like(rest)
            if view.apart:
                new = _played(write_part_only(music, view.apart), frames)
            loudest = max(float(np.abs(rest + new).max(initial=0)), QUIETEST)
            loudest = max(loudest, *(float(np.abs(each).max(initial=0)) for each in (rest, new)))
            for path, samples in zip(result, (rest, new), strict=True):
                write_whole(path, _wav(samples * (PEAK / loudest)))
            keep_newest(folder, "*.wav")
    return result


def check_length(music: Arrangement) -> None:
    """Make sure that music is not too long to be held as sound.

    Raises
    ------
    OutputError
    """
    minutes = music.seconds_at(music.end) / 60
    if minutes > MOST_MINUTES:
        raise OutputError(
            f"the music lasts {minutes:.0f} minutes, and up to {MOST_MINUTES} are played here: "
            "download the MIDI file instead"
        )


def _played(midi: bytes, frames: int) -> Samples:
    player = next(iter(synthesizers()), None)
    if player is None:
        raise OutputError(NO_SYNTHESIZER)
    return player.play(midi, default_soundfont(), SAMPLE_RATE, frames)


# all variations of a part share what they are written to
_rest = lru_cache(maxsize=1)(_played)


def _wav(samples: Samples) -> bytes:
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return whole.getvalue()
