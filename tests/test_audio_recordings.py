"""Sound files: every number that is read is written again."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from subtractive.errors import FileFormatError, OutputError
from subtractive.files.recordings import (
    BITS,
    FLOATS,
    Numbers,
    StoredSound,
    own_suffix,
    read_sound,
    write_sound,
)

SUFFIXES = {"WAV": ".wav", "WAVEX": ".wav", "FLAC": ".flac", "AIFF": ".aiff", "CAF": ".caf"}
KINDS = [
    *(("WAV", kind) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    *(("WAVEX", kind) for kind in ("PCM_16", "PCM_24", "FLOAT")),
    *(("FLAC", kind) for kind in ("PCM_S8", "PCM_16", "PCM_24")),
    *(("AIFF", kind) for kind in ("PCM_16", "PCM_24", "FLOAT")),
    ("CAF", "PCM_24"),
]


def numbers_of(subtype: str, shape: tuple[int, int], seed: int = 1) -> Numbers:
    """All that a kind of file can hold, its extremes among them."""
    rng = np.random.default_rng(seed)
    if subtype in FLOATS:
        numbers: Numbers = rng.normal(0, 0.5, shape).astype(FLOATS[subtype])
        numbers[0, :3] = [-1.5, 1.0, 0.0]
        return numbers
    top = 2 ** (BITS[subtype] - 1)
    whole = rng.integers(-top, top, shape).astype(np.int32)
    whole[0, :3] = [-top, top - 1, 0]
    return whole


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_what_is_written_is_read(
    tmp_path: Path, container: str, subtype: str, channels: int
) -> None:
    sound = StoredSound(numbers_of(subtype, (channels, 501)), 37_800, container, subtype)
    path = tmp_path / f"song{SUFFIXES[container]}"
    write_sound(path, sound)
    found = read_sound(path)
    assert np.array_equal(found.numbers, sound.numbers)
    assert found.numbers.dtype == sound.numbers.dtype
    assert (found.sample_rate, found.container, found.subtype) == (37_800, container, subtype)
    assert found.decoded_from == ""


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st_numpy.arrays(np.int16, st.tuples(st.just(2), st.integers(1, 40))),
    st.sampled_from([".wav", ".flac", ".aiff"]),
)
def test_sixteen_bits_are_those_that_another_reader_finds(
    tmp_path: Path, samples: np.ndarray, suffix: str
) -> None:
    path = tmp_path / f"song{suffix}"
    container = {".wav": "WAV", ".flac": "FLAC", ".aiff": "AIFF"}[suffix]
    write_sound(path, StoredSound(samples.astype(np.int32), 44_100, container, "PCM_16"))
    if suffix == ".wav":
        with wave.open(str(path)) as file:
            found = np.frombuffer(file.readframes(-1), "<i2").reshape(-1, 2).T
    else:
        found = soundfile.read(path, dtype="int16")[0].T
    assert np.array_equal(found, samples)


def test_24_bits_in_a_file_made_by_another_writer(tmp_path: Path) -> None:
    values = numbers_of("PCM_24", (1, 400))[0]
    path = tmp_path / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 3, 22_050, 0, "NONE", ""))
        file.writeframes(b"".join(int(v).to_bytes(3, "little", signed=True) for v in values))
    sound = read_sound(path)
    assert np.array_equal(sound.numbers[0], values)
    assert np.array_equal(sound.recording.samples[0], values / 2**23)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_numbers_and_samples_are_each_other_s_inverse(subtype: str) -> None:
    sound = StoredSound(numbers_of(subtype, (2, 300)), 44_100, "WAV", subtype)
    assert np.array_equal(sound.stored(sound.scaled()), sound.numbers)
    assert np.array_equal(sound.scaled(slice(7, 20)), sound.scaled()[:, 7:20])
    assert np.allclose(sound.recording.samples, sound.scaled(), rtol=1e-7, atol=0)


@pytest.mark.parametrize(
    ("suffix", "kind"), [(".ogg", "VORBIS"), (".ogg", "OPUS"), (".mp3", "MPEG_LAYER_III")]
)
def test_lossy_files_are_decoded_to_what_sums_exactly(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    path = tmp_path / f"song{suffix}"
    tone = 0.7 * np.sin(np.arange(24_000) / 17)[:, np.newaxis] * [1, 0.5]
    soundfile.write(path, tone, 48_000, format=suffix[1:].upper(), subtype=kind)
    sound = read_sound(path)
    assert (sound.container, sound.subtype, sound.numbers.shape) == ("WAV", "FLOAT", (2, 24_000))
    assert kind.replace("_", " ").lower() in sound.decoded_from
    steps = sound.scaled() * 2**23
    assert np.array_equal(steps, np.rint(steps))
    assert np.abs(sound.numbers - soundfile.read(path)[0].T).max() <= 2**-24
    assert own_suffix(path) == ".wav"


def test_a_telephone_s_wav_is_lossy_too(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    soundfile.write(path, np.sin(np.arange(800) / 9), 8000, subtype="ULAW")
    assert read_sound(path).subtype == "FLOAT"


@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_the_same_sound_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    # libsndfile dates floating point, which whoever writes within one second does not see
    container = {".wav": "WAV", ".aiff": "AIFF"}[suffix]
    sound = StoredSound(numbers_of("FLOAT", (2, 90)), 44_100, container, "FLOAT")
    write_sound(tmp_path / f"a{suffix}", sound)
    content = (tmp_path / f"a{suffix}").read_bytes()
    dated = io.BytesIO()
    soundfile.write(dated, sound.numbers.T, 44_100, format=container, subtype="FLOAT")
    at = content.index(b"PEAK") + 12
    assert content[at : at + 4] == bytes(4) != dated.getvalue()[at : at + 4]
    assert content[:at] + content[at + 4 :] == dated.getvalue()[:at] + dated.getvalue()[at + 4 :]


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def spoilt(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(range(256)) * 8 + content[middle + 2048 :]


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [(".flac", truncated), (".flac", spoilt), (".mp3", truncated), (".ogg", spoilt)],
)
def test_damaged_files_are_told_in_one_sentence(
    tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"song{suffix}"
    noise = np.random.default_rng(0).normal(0, 0.1, (44_100, 2))
    soundfile.write(path, noise, 44_100)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileFormatError, match=rf"^song{suffix} is .*damaged.*$"):
        read_sound(path)


@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0\0\0\2\0" + bytes(256)])
def test_an_mp3_that_does_not_tell_its_length_is_read_to_its_end(
    tmp_path: Path, tag: bytes
) -> None:
    path = tmp_path / "song.mp3"
    noise = np.random.default_rng(0).normal(0, 0.1, (44_100, 2))
    # a first frame of many bits, by which the rest is guessed to be shorter than it is
    soundfile.write(path, noise * np.linspace(1, 0, 44_100)[:, np.newaxis] ** 3, 44_100)
    content = path.read_bytes()
    assert content[:3] == b"\xff\xfb\x90"  # 128 kbit/s at 44.1 kHz: 417 bytes
    assert b"Xing" in content[:417] or b"Info" in content[:417]
    whole = read_sound(path).numbers
    path.write_bytes(tag + content[417:])
    assert soundfile.info(path).frames < 40_000
    found = read_sound(path).numbers
    # the decoder's own delay is no longer taken off
    assert 44_100 <= found.shape[1] <= 44_100 + 3 * 1152
    piece = whole[0, 20_000:21_000]
    place = int(np.argmax(np.correlate(found[0, 20_000:25_000], piece, "valid")))
    assert np.corrcoef(found[0, 20_000 + place :][:1000], piece)[0, 1] > 0.99


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not sound that can be read"),
        (b"MThd\0\0\0\6\0\1\0\1\1\xe0", "is not sound that can be read"),
        (b"all the words in the world" * 40, "ffmpeg -i song.wav song.wav"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "is not sound that can be read"),
    ],
)
def test_what_is_no_sound_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=words):
        read_sound(path)


def test_no_samples_and_no_numbers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros((0, 2)), 44_100)
    with pytest.raises(FileFormatError, match="is empty"):
        read_sound(path)
    soundfile.write(path, np.array([0.0, np.nan]), 44_100, subtype="FLOAT")
    with pytest.raises(FileFormatError, match="no numbers"):
        read_sound(path)
    with pytest.raises(FileFormatError, match="cannot be opened"):
        read_sound(tmp_path / "missing.wav")
    with pytest.raises(FileFormatError, match="cannot be opened"):
        read_sound(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("song.mp3", "only what stores every sample"),
        ("song", "only what stores every sample"),
        ("song.flac", "cannot hold the sound"),
        ("missing/song.wav", "does not exist"),
    ],
)
def test_no_file_is_written_that_could_not_hold_the_sound(
    tmp_path: Path, name: str, words: str
) -> None:
    sound = StoredSound(numbers_of("FLOAT", (2, 90)), 44_100, "WAV", "FLOAT")
    with pytest.raises(OutputError, match=words):
        write_sound(tmp_path / name, sound)
    assert not any(tmp_path.iterdir())


def test_another_container_holds_the_same_numbers(tmp_path: Path) -> None:
    sound = StoredSound(numbers_of("PCM_24", (2, 90)), 44_100, "WAV", "PCM_24")
    write_sound(tmp_path / "song.FLAC", sound)
    found = read_sound(tmp_path / "song.FLAC")
    assert (found.container, found.subtype) == ("FLAC", "PCM_24")
    assert np.array_equal(found.numbers, sound.numbers)
