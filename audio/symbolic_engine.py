"""The engine that needs no model of sound: notes written to the mix, played by a SoundFont."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio.engine import StemRequest
from audio.level import levelled
from audio.notes import written_notes
from audio.sounds import best_soundfont
from subtractive.instruments import instrument
from subtractive.synthesis import SoundFontPlayer, Strokes, on_grid

Samples = npt.NDArray[np.float32]

_WRITTEN = 0.9  # the share of the work that is done when the notes are there
# Some samples swell: a bass sounds up to 20 ms after its key. It is heard where half of its first
# peak is reached, so each pitch is struck that much earlier.
_LISTEN_SECONDS, _PEAK_SECONDS, _LATEST_SECONDS = 0.3, 0.1, 0.03


class SymbolicEngine:
    """Hears the mix, writes notes, plays them.

    Parameters
    ----------
    soundfont : Path, optional
        By default `audio.sounds.best_soundfont`.
    device : {"auto", "cpu", "cuda"}
        Where the writer runs.
    """

    def __init__(self, soundfont: Path | None = None, device: str = "auto") -> None:
        self._soundfont = soundfont or best_soundfont()
        self._device = device

    def stem(self, request: StemRequest, report: Callable[[float], None] | None = None) -> Samples:
        """Make the stem (see `audio.engine.Engine`)."""

        def progress(share: float) -> None:
            if report is not None:
                report(share)

        player = _player(self._soundfont, request.mix.sample_rate)
        notes = written_notes(request, lambda done: progress(_WRITTEN * done), self._device)
        drums = request.instrument == "drums"
        program = _at_hand(player, notes.program, request.instrument)
        played = on_time(player, notes.strokes, program, is_drums=drums)
        length = request.mix.samples.shape[1]
        sound = player.play(played, program, length, is_drums=drums)
        stem = levelled(
            sound, request.mix.samples, request.mix.sample_rate, request.instrument, request.words
        )
        progress(1.0)
        return stem


@lru_cache(maxsize=2)
def _player(soundfont: Path, sample_rate: int) -> SoundFontPlayer:
    return SoundFontPlayer(soundfont, sample_rate)


def _at_hand(player: SoundFontPlayer, program: int, name: str) -> int:
    """Return a program, or the usual one of the instrument where the SoundFont has no such one."""
    is_drums = name == "drums"
    if player.has(program, is_drums=is_drums):
        return program
    return 0 if is_drums else instrument(name).program


def on_time(player: SoundFontPlayer, notes: Strokes, program: int, *, is_drums: bool) -> Strokes:
    """Return notes struck so much earlier that each is heard when it should be.

    Parameters
    ----------
    player : SoundFontPlayer
    notes : Strokes
    program : int
    is_drums : bool
    """
    late = np.zeros(128)
    for pitch in np.unique(notes.pitch).tolist():
        loudness = float(np.median(notes.velocity[notes.pitch == pitch]))
        late[pitch] = _attack(player, program, pitch, round(loudness), is_drums=is_drums)
    onset = np.maximum(notes.onset - late[notes.pitch], 0)
    end = np.maximum(notes.end - late[notes.pitch], onset + 0.01)
    rank = np.argsort(onset, kind="stable")
    return Strokes(onset[rank], end[rank], notes.pitch[rank], notes.velocity[rank])


def _attack(
    player: SoundFontPlayer, program: int, pitch: int, velocity: int, *, is_drums: bool
) -> float:
    """Return the seconds from the key to half of the first peak, at most `_LATEST_SECONDS`."""
    # not at 0, where what was played before may still fade
    one = Strokes(
        np.array([0.1]), np.array([0.1 + _LISTEN_SECONDS]), np.array([pitch]), np.array([velocity])
    )
    rate = player.sample_rate
    begin = int(on_grid(one.onset, rate)[0])
    samples = begin + round(_LISTEN_SECONDS * rate)
    sound = np.abs(player.play(one, program, samples, is_drums=is_drums)).max(axis=0)[begin:]
    peak = float(sound[: round(_PEAK_SECONDS * rate)].max(initial=0))
    if peak == 0:
        return 0.0
    return min(float(np.argmax(sound >= peak / 2)) / rate, _LATEST_SECONDS)
