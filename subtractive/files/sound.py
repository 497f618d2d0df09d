"""Hearing an arrangement: a standard MIDI file's bytes played to a WAV file.

FluidSynth plays it where the system has the program; where not, TinySoundFont does, if its Python
package is installed. Both play the SoundFont that pretty_midi carries, or another one on request.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from symusic import Score

from subtractive.arrangement import DRUM_CHANNEL, Arrangement, Tempo
from subtractive.errors import OptionError, OutputError
from subtractive.files.output import write_whole

SOUNDFONT_VARIABLE = "SUBTRACTIVE_SOUNDFONT"
NO_SYNTHESIZER = "no synthesizer found: MIDI and PNG were written without sound; install fluidsynth"
TAIL_SECONDS = 3.0  # lets the last cymbal ring; the last of these seconds fades out
PEAK = 0.89  # of full scale, 1 dB below it
QUIETEST = 1e-3  # what is below this stays quiet: silence, with a reverb's numerical noise in it

Samples = NDArray[np.float32]


class Synthesizer(NamedTuple):
    """A way to play MIDI.

    `play` takes MIDI bytes, a SoundFont, a sample rate in Hz and a number of frames, and returns
    float samples (frame, channel) of any loudness, with two channels.
    """

    name: str
    play: Callable[[bytes, Path, int, int], Samples]


def synthesizers() -> tuple[Synthesizer, ...]:
    """Return the synthesizers that can be used here, the better one first; maybe none."""
    found = []
    if shutil.which("fluidsynth"):
        found.append(Synthesizer("FluidSynth", _play_fluidsynth))
    if find_spec("tinysoundfont"):
        found.append(Synthesizer("TinySoundFont", _play_tinysoundfont))
    return tuple(found)


def default_soundfont() -> Path:
    """Return the SoundFont that previews are played with.

    It is the one named by the environment variable SUBTRACTIVE_SOUNDFONT, or else the General
    MIDI set in pretty_midi's folder, which is found without importing that package.

    Raises
    ------
    OptionError
        If there is none.
    """
    if chosen := os.environ.get(SOUNDFONT_VARIABLE):
        return Path(chosen)
    spec = find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for soundfont in sorted(Path(folder).glob("*.sf2")):
            return soundfont
    raise OptionError(
        f"no SoundFont found: set {SOUNDFONT_VARIABLE} to a .sf2 file, or install pretty_midi, "
        "which carries one"
    )


def render_wav(
    midi: bytes,
    path: Path,
    sample_rate: int = 44_100,
    soundfont: Path | None = None,
    synthesizer: Synthesizer | None = None,
) -> str | None:
    """Play `midi` into a 16-bit stereo WAV file at `path`.

    The same bytes in give the same bytes out, for one version of one synthesizer. The file lasts
    `TAIL_SECONDS` longer than the last note and its loudest sample is at `PEAK`.

    Parameters
    ----------
    midi : bytes
        A standard MIDI file.
    path : Path
    sample_rate : int
        In Hz.
    soundfont : Path, optional
        See `default_soundfont`.
    synthesizer : Synthesizer, optional
        The best one here if None.

    Returns
    -------
    str or None
        Name of the synthesizer; None if there is none here, and then nothing is written.

    Raises
    ------
    OptionError
        If the SoundFont does not exist or is none.
    OutputError
        If the file cannot be written, or the synthesizer fails.
    """
    player = synthesizer or next(iter(synthesizers()), None)
    if player is None:
        return None
    font = checked_soundfont(soundfont or default_soundfont())
    frames = round((_last_note_seconds(midi) + TAIL_SECONDS) * sample_rate)
    samples = _fade_out(player.play(midi, font, sample_rate, frames), sample_rate)
    write_whole(path, _wav(samples, sample_rate))
    return player.name


def _last_note_seconds(midi: bytes) -> float:
    """Return when the last note ends."""
    score = Score.from_midi(midi)
    # counted by our own tempo map: symusic's seconds go wrong where a tick carries two tempos
    tempos = tuple(Tempo(tempo.time, tempo.mspq) for tempo in score.tempos)
    notes = [track.notes.numpy() for track in score.tracks]
    end = max((int((its["time"] + its["duration"]).max(initial=0)) for its in notes), default=0)
    return Arrangement(score.ticks_per_quarter, (), tempos).seconds_at(end)


def checked_soundfont(soundfont: Path) -> Path:
    """Return `soundfont` if it is one: synthesizers play silence from what is none."""
    if not soundfont.is_file():
        raise OptionError(f"the SoundFont {soundfont} does not exist: name a .sf2 file")
    with soundfont.open("rb") as file:
        start = file.read(12)
    if start[:4] + start[8:] != b"RIFFsfbk":
        raise OptionError(f"{soundfont} is not a SoundFont: name a .sf2 file")
    if soundfont.stat().st_size < 8 + int.from_bytes(start[4:8], "little"):
        raise OptionError(f"the SoundFont {soundfont} is cut short: fetch it again")
    return soundfont


def _play_fluidsynth(midi: bytes, soundfont: Path, sample_rate: int, frames: int) -> Samples:
    """Play by FluidSynth's own program: it reads every MIDI event, and cannot take us down."""
    with tempfile.TemporaryDirectory() as name:
        song, sound = Path(name) / "song.mid", Path(name) / "song.raw"
        song.write_bytes(midi)
        # an empty configuration keeps the machine's own settings out of the sound
        command = ["fluidsynth", "-q", "-n", "-i", "-f", os.devnull, "-r", str(sample_rate)]
        command += ["-T", "raw", "-O", "float", "-E", "cpu", "-F", str(sound)]
        command += [str(soundfont.resolve()), str(song)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode or not sound.is_file():
            words = done.stderr.decode(errors="replace").strip() or "it gave no reason"
            raise OutputError(f"FluidSynth could not play the music: {words.splitlines()[-1]}")
        played = np.fromfile(sound, np.float32, count=2 * frames).reshape(-1, 2)
    # some versions stop at the last event, others let the sound die away
    return np.pad(played, ((0, frames - len(played)), (0, 0)))


def _play_tinysoundfont(midi: bytes, soundfont: Path, sample_rate: int, frames: int) -> Samples:
    """Play by TinySoundFont, each event at its own sample."""
    import tinysoundfont  # noqa: PLC0415  # optional
    from tinysoundfont.midi import load_memory  # noqa: PLC0415

    synth = tinysoundfont.Synth(samplerate=sample_rate)
    font = synth.sfload(str(soundfont))
    for channel in range(16):
        synth.program_select(channel, font, 0, 0, channel == DRUM_CHANNEL)
    sequencer = tinysoundfont.Sequencer(synth)
    samples = np.zeros((frames, 2), np.float32)
    here = 0
    # the sequencer's own clock rounds up at each event, and so would fall behind the music
    for event in load_memory(midi):
        onset = min(round(event.t * sample_rate), frames)
        if onset > here:
            synth.generate_simple(onset - here, samples[here:onset].data.cast("B"))
            here = onset
        sequencer.send(event)
    if frames > here:
        synth.generate_simple(frames - here, samples[here:].data.cast("B"))
    return samples


def _fade_out(samples: Samples, frames: int) -> Samples:
    """Return `samples` with the last `frames` of them fading to silence."""
    fade = np.linspace(1, 0, frames, dtype=np.float32)[:, np.newaxis]
    return np.concatenate([samples[:-frames], samples[-frames:] * fade])


def _wav(samples: Samples, sample_rate: int) -> bytes:
    """Return the WAV file of `samples`, the loudest of them at `PEAK`."""
    loudest = max(float(np.abs(samples).max(initial=0)), QUIETEST)
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.rint(samples * (32767 * PEAK / loudest)).astype("<i2").tobytes())
    return whole.getvalue()
