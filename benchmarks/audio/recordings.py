"""Reading finished recordings: WAV files of any usual kind, brought to one sample rate."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from math import gcd
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.errors import FileFormatError

Samples = npt.NDArray[np.float32]

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
ZERO_CROSSINGS = 32  # of the resampling filter, to each side
ROLL_OFF = 0.95  # of the lower Nyquist frequency: where the filter has fallen by half
_KAISER_BETA = 12.0


class Recording(NamedTuple):
    """Samples in -1 to 1 [shape=(channel, sample)] and their rate in Hz."""

    samples: Samples
    rate: int


def read_wav(path: Path) -> Recording:
    """Read a WAV file of 8, 16, 24 or 32-bit integers, or 32 or 64-bit floats.

    Raises
    ------
    FileFormatError
        If it can't be read, is no such file, is cut short, or has no sound in it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path.name} can't be read ({error.strerror})") from error
    if content[:4] + content[8:12] != b"RIFFWAVE":
        raise FileFormatError(f"{path.name} is not a WAV file: convert it to WAV first")
    chunks = dict(_chunks(content))
    sound = chunks.get(b"data", b"")
    try:
        kind, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
        if kind == _EXTENSIBLE:
            (kind,) = struct.unpack_from("<H", chunks[b"fmt "], 24)
    except (KeyError, struct.error) as error:
        raise FileFormatError(f"{path.name} doesn't say what its samples are") from error
    if not (channels and rate and block == channels * bits // 8 and (kind, bits) in _DECODED):
        raise FileFormatError(
            f"{path.name} has {bits}-bit samples of kind {kind}: convert it to 16-bit WAV first"
        )
    frames = len(sound) // block
    if frames == 0:
        raise FileFormatError(f"{path.name} has no sound in it")
    samples = _decoded(sound[: frames * block], kind, bits).reshape(-1, channels).T
    if not np.isfinite(samples).all():
        raise FileFormatError(f"{path.name} has samples that are no finite number")
    return Recording(np.ascontiguousarray(samples), rate)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of the chunks; what was streamed may claim to be endless."""
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        if place + 8 + size > len(content) and (name != b"data" or size < 0x7FFFFFFF):
            raise FileFormatError("the WAV file is cut short: fetch it again")
        yield name, content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


_DECODED = {
    (_PCM, 8): "u1",
    (_PCM, 16): "<i2",
    (_PCM, 24): "u1",
    (_PCM, 32): "<i4",
    (_FLOAT, 32): "<f4",
    (_FLOAT, 64): "<f8",
}


def _decoded(sound: bytes, kind: int, bits: int) -> Samples:
    if bits == 24:  # read as the upper three bytes of 32 bits
        wide = np.zeros((len(sound) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(sound, np.uint8).reshape(-1, 3)
        sound, bits = wide.tobytes(), 32
    samples = np.frombuffer(sound, _DECODED[kind, bits]).astype(np.float32)
    if bits == 8:  # the one kind without sign
        samples -= 128
    return samples if kind == _FLOAT else samples / np.float32(2 ** (bits - 1))


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """Return a sound at another sample rate, by a windowed sinc in as many phases as it takes.

    Parameters
    ----------
    samples : array [shape=(channel, sample)]
    rate, to : int
        In Hz.

    Returns
    -------
    array [shape=(channel, ceil(sample * to / rate))]
        Nothing is delayed: output i is the sound at i / to seconds.
    """
    if rate == to:
        return samples
    up, down = to // gcd(rate, to), rate // gcd(rate, to)
    filters = _phases(up, down)
    reach = filters.shape[1] // 2
    length = -(-samples.shape[1] * up // down)
    around = np.pad(samples, ((0, 0), (reach, reach + down)))
    taps = np.lib.stride_tricks.sliding_window_view(around, filters.shape[1], axis=1)
    result = np.zeros((len(samples), length), np.float32)
    for first in range(min(up, length)):
        here, phase = divmod(first * down, up)
        share = result[:, first::up]
        share[:] = taps[:, here::down][:, : share.shape[1]] @ filters[phase]
    return result


@lru_cache(maxsize=8)
def _phases(up: int, down: int) -> Samples:
    """Return one filter for each place between two samples [shape=(up, tap)]."""
    cutoff = ROLL_OFF * min(1.0, up / down)  # by the Nyquist frequency of the input
    reach = int(np.ceil(ZERO_CROSSINGS / cutoff))
    taps = np.arange(-reach, reach + 1)
    distance = taps[None, :] - np.arange(up)[:, None] / up
    inside = np.sqrt(np.maximum(1 - (distance / (reach + 1)) ** 2, 0))
    window = np.i0(_KAISER_BETA * inside) / np.i0(_KAISER_BETA)
    filters = cutoff * np.sinc(cutoff * distance) * window
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), dtype=np.float32)
