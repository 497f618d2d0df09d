"""Every usual WAV file is read as it was written, and resampling moves nothing."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.audio.recordings import read_wav, resample
from benchmarks.metrics.sound_spectrum import RATE
from subtractive.errors import FileFormatError

Samples = npt.NDArray[np.floating]


def wav_bytes(
    samples: Samples, rate: int, kind: int, bits: int, *, extensible: bool = False
) -> bytes:
    """Return a WAV file written by hand."""
    frames = samples.T
    if kind == 3:
        body = frames.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        body = np.rint(frames * 127 + 128).astype("u1").tobytes()
    else:
        whole = np.ascontiguousarray(np.rint(frames * (2 ** (bits - 1) - 1)).astype("<i4"))
        body = whole.view("u1").reshape(*whole.shape, 4)[..., : bits // 8].tobytes()
    channels, block = len(samples), len(samples) * bits // 8
    told = struct.pack(
        "<HHIIHH", 0xFFFE if extensible else kind, channels, rate, rate * block, block, bits
    )
    if extensible:
        told += struct.pack("<HHIH", 22, bits, 0, kind) + bytes(14)
    chunks = (
        b"fmt " + struct.pack("<I", len(told)) + told + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    )
    chunks += b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(("kind", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
def test_every_kind_of_wav_is_read(
    tmp_path: Path, kind: int, bits: int, channels: int, extensible: bool
) -> None:
    samples = np.random.default_rng(bits).uniform(-1, 1, (channels, 101))
    path = tmp_path / "some.wav"
    path.write_bytes(wav_bytes(samples, 48_000, kind, bits, extensible=extensible))
    found = read_wav(path)
    assert found.rate == 48_000
    assert found.samples == pytest.approx(samples, abs=1.5 / 2 ** min(bits - 1, 22))


def test_samples_are_those_of_pythons_own_reader(tmp_path: Path) -> None:
    path = tmp_path / "some.wav"
    path.write_bytes(wav_bytes(np.array([[0.5, -1, 1], [0, 0.25, -0.5]]), 8000, 1, 16))
    with wave.open(str(path)) as file:
        theirs = np.frombuffer(file.readframes(3), "<i2").reshape(-1, 2).T
    assert np.array_equal(read_wav(path).samples * 2**15, theirs)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ID3\4 an MP3 file, say",
        wav_bytes(np.zeros((1, 50)), 8000, 1, 16)[:-9],
        wav_bytes(np.zeros((1, 0)), 8000, 1, 16),
        wav_bytes(np.zeros((1, 5)), 8000, 7, 16),
        wav_bytes(np.full((1, 5), np.nan), 8000, 3, 32),
        b"RIFF\0\0\0\0WAVE",
    ],
)
def test_what_is_no_wav_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.wav"
    path.write_bytes(content)
    with pytest.raises(FileFormatError):
        read_wav(path)
    with pytest.raises(FileFormatError, match="can't be read"):
        read_wav(tmp_path / "nowhere.wav")


@pytest.mark.parametrize(
    ("rate", "to"), [(48_000, RATE), (22_050, RATE), (RATE, 16_000), (32_000, RATE)]
)
def test_a_tone_keeps_its_pitch_phase_and_level(rate: int, to: int) -> None:
    def tone(at: int) -> npt.NDArray[np.float32]:
        return np.sin(2 * np.pi * 1000 * np.arange(at // 2) / at)[None].astype(np.float32)

    found = resample(tone(rate), rate, to)
    assert found.shape == (1, to // 2)
    assert np.abs(found - tone(to))[0, 500:-500].max() < 1e-3


def test_what_is_above_the_new_rate_is_gone() -> None:
    t = np.arange(RATE) / RATE
    high = np.sin(2 * np.pi * 10_000 * t)[None].astype(np.float32)
    assert np.abs(resample(high, RATE, 16_000))[0, 100:-100].max() < 1e-3
