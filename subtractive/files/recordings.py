"""Sound files in and out, in the very numbers they store.

WAV, FLAC, AIFF, CAF and their like go in and out as they are: integers as integers, floating point
as floating point of the same width. OGG, MP3 and other lossy formats are decoded to 24 bits in
floating point of 32, so that peaks beyond full scale stay, and go out as such, in WAV: encoded anew
they would be another recording. What stands beside the sound in a file (titles, covers, cue points)
is not carried over.
"""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from subtractive.errors import FileFormatError, OutputError
from subtractive.files.output import write_whole
from subtractive.waveform import Recording

Numbers = npt.NDArray[Any]  # of int32, float32 or float64
Floats = npt.NDArray[np.float64]

BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATS = {"FLOAT": np.float32, "DOUBLE": np.float64}
# of 24 bits below full scale: sums of its multiples are exact in floating point of 32 bits
FLOAT_STEP = 2.0**-23
CONTAINERS = {
    ".wav": "WAV",
    ".wave": "WAV",
    ".flac": "FLAC",
    ".aif": "AIFF",
    ".aiff": "AIFF",
    ".aifc": "AIFF",
    ".caf": "CAF",
    ".w64": "W64",
    ".rf64": "RF64",
    ".au": "AU",
}
READABLE = "WAV, FLAC, OGG, MP3 or AIFF"


@dataclass(frozen=True, eq=False)
class StoredSound:
    """Sound in the numbers of a file.

    Attributes
    ----------
    numbers : array [shape=(channel, sample)]
        Of int32 for PCM, from ``-2 ** (bits - 1)`` to ``2 ** (bits - 1) - 1``; of float32 or
        float64 for floating point, and of float32 for what was decoded from a lossy format.
    sample_rate : int
        In Hz.
    container, subtype : str
        What it is written as, in the names of libsndfile: "WAV" and "PCM_24".
    decoded_from : str
        Name of the lossy format it was read from; empty for what is written as it was read.
    """

    numbers: Numbers
    sample_rate: int
    container: str
    subtype: str
    decoded_from: str = ""

    @property
    def step(self) -> float:
        """The unit that a stem is rounded to: the smallest of PCM; full scale is 1."""
        return FLOAT_STEP if self.subtype in FLOATS else 2.0 ** (1 - BITS[self.subtype])

    def scaled(self, where: slice = slice(None)) -> Floats:
        """Return a stretch exactly, full scale being 1 [shape=(channel, sample)]."""
        numbers = self.numbers[:, where].astype(np.float64)
        if self.subtype in BITS:
            numbers *= self.step
        return numbers

    def stored(self, samples: Floats) -> Numbers:
        """Return the numbers for some samples: the inverse of `scaled`.

        Parameters
        ----------
        samples : array of float [shape=(channel, sample)]
            Full scale is 1; of PCM, whole multiples of `step`.
        """
        unit = self.step if self.subtype in BITS else 1.0
        return (samples / unit).astype(self.numbers.dtype)

    @cached_property
    def recording(self) -> Recording:
        """The sound in float32, full scale being 1."""
        samples = self.numbers.astype(np.float32)
        if self.subtype in BITS:
            samples *= np.float32(self.step)
        return Recording(samples, self.sample_rate)


def read_sound(path: str | Path) -> StoredSound:
    """Read a sound file; its content, not its name, tells what it is.

    Parameters
    ----------
    path : str or Path
        Of any sample rate and number of channels.

    Raises
    ------
    FileFormatError
        If the file cannot be opened, is no sound that can be read, is damaged or empty.
    """
    import soundfile  # noqa: PLC0415  # half a second, which a mistyped option shall not take

    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be opened ({error.strerror}): name a sound file ({READABLE})"
        ) from error
    try:
        file = soundfile.SoundFile(io.BytesIO(content))
    except soundfile.LibsndfileError as error:
        raise FileFormatError(
            f"{path.name} is not sound that can be read, or its start is damaged: give {READABLE}, "
            f"or convert it (ffmpeg -i {path.name} {path.stem}.wav)"
        ) from error
    with file:
        found = _numbers(file, content, path.name)
        kept = file.subtype in BITS or file.subtype in FLOATS
        if kept:
            return StoredSound(found, file.samplerate, file.format, file.subtype)
        decoded = np.rint(found / FLOAT_STEP).astype(np.float32) * np.float32(FLOAT_STEP)
        source = f"{file.format} ({file.subtype.replace('_', ' ').lower()})"
        return StoredSound(decoded, file.samplerate, "WAV", "FLOAT", source)


def _numbers(file: Any, content: bytes, name: str) -> Numbers:
    """Return the samples of an open file, checked [shape=(channel, sample)]."""
    import soundfile  # noqa: PLC0415

    bits = BITS.get(file.subtype)
    kind = "int32" if bits else "float64" if file.subtype == "DOUBLE" else "float32"
    promised = file.frames
    try:
        if file.format == "MP3" and (frames := _unmeasured_frames(content)):
            found, promised = _streamed(frames), 0
        else:
            found = file.read(dtype=kind, always_2d=True)
    except soundfile.LibsndfileError as error:
        raise FileFormatError(f"{name} is damaged ({error}): fetch it again") from error
    if len(found) < promised:
        raise FileFormatError(
            f"{name} is damaged: {len(found) / file.samplerate:.1f} of "
            f"{promised / file.samplerate:.1f} seconds can be read; fetch it again"
        )
    if not len(found):
        raise FileFormatError(f"{name} is empty: it holds no samples of sound")
    if bits:
        # libsndfile puts fewer bits than 32 at the upper end
        found >>= 32 - bits
    elif not np.isfinite(found).all():
        raise FileFormatError(
            f"{name} holds samples that are no numbers (NaN or infinite): render it again"
        )
    numbers: Numbers = np.ascontiguousarray(found.T)
    return numbers


def _unmeasured_frames(content: bytes) -> bytes:
    """Return the frames of an MP3 that does not say how many they are; of others nothing."""
    start = 0
    if content.startswith(b"ID3"):
        # seven bits in each byte
        start = 10 + sum(byte << 7 * (9 - at) for at, byte in enumerate(content[6:10], start=6))
    first = content[start : start + 512]
    if any(table in first for table in (b"Xing", b"Info", b"VBRI")):
        return b""
    return content[start:]


def _streamed(frames: bytes) -> Numbers:
    """Return all samples of an MP3 [shape=(sample, channel)].

    Where it can seek, libsndfile guesses the length by the bit rate of the first frame, and stops
    there: so it is given a pipe.
    """
    import soundfile  # noqa: PLC0415

    outlet, inlet = os.pipe()

    def feed() -> None:
        # who reads may give up before the end
        with suppress(BrokenPipeError), os.fdopen(inlet, "wb") as pipe:
            pipe.write(frames)

    feeder = threading.Thread(target=feed)
    feeder.start()
    pieces = []
    try:
        with soundfile.SoundFile(outlet, closefd=False) as file:
            while len(piece := file.read(2**18, dtype="float32", always_2d=True)):
                pieces.append(piece)
            channels = file.channels
    finally:
        os.close(outlet)
        feeder.join()
    return np.concatenate([np.zeros((0, channels), np.float32), *pieces])


def own_suffix(path: Path) -> str:
    """Return the ending that an output beside the input `path` has."""
    return path.suffix if path.suffix.lower() in CONTAINERS else ".wav"


def check_sound_name(path: Path, sound: StoredSound) -> None:
    """Make sure that sound can be written to a file of that name as exactly as it is.

    Raises
    ------
    OutputError
        If the ending says a format that is unknown, lossy, or cannot hold such numbers.
    """
    import soundfile  # noqa: PLC0415

    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise OutputError(
            f"{path.name} does not end in {', '.join(CONTAINERS)}: only what stores every sample "
            "exactly is written"
        )
    if not soundfile.check_format(container, sound.subtype):
        raise OutputError(
            f"{path.suffix} cannot hold the sound as exactly as it is ({sound.subtype}): name a "
            ".wav file"
        )


def write_sound(path: Path, sound: StoredSound) -> None:
    """Write sound to a file, whole or not at all, in the container that the name's ending says.

    The same sound gives the same bytes.

    Raises
    ------
    OutputError
        If the file cannot be written, or is named as what cannot hold the sound.
    """
    import soundfile  # noqa: PLC0415

    check_sound_name(path, sound)
    container = CONTAINERS[path.suffix.lower()]
    if sound.container == f"{container}EX":  # a WAV file whose channels may be more than two
        container = sound.container
    numbers: Numbers = sound.numbers.T
    if sound.subtype in BITS:
        numbers = numbers.astype(np.int32) << (32 - BITS[sound.subtype])
    whole = io.BytesIO()
    with soundfile.SoundFile(
        whole, "w", sound.sample_rate, numbers.shape[1], sound.subtype, format=container
    ) as file:
        file.write(np.ascontiguousarray(numbers))
    write_whole(path, _undated(whole.getvalue()))


def _undated(content: bytes) -> bytes:
    """Return a file without the date that libsndfile puts in the peak chunk of floating point."""
    chunk = content.find(b"PEAK", 0, 512)
    if chunk < 0:
        return content
    date = chunk + 12  # after the name, the size and the version
    return content[:date] + bytes(4) + content[date + 4 :]
