"""Distances of clouds of points, and the network whose embeddings they are taken of."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.metrics import frechet, musicnn, tensor_bundle
from benchmarks.metrics.frechet import frechet_distance, frechet_infinity, kernel_distance
from benchmarks.metrics.musicnn import Musicnn, log_mel, package_folder, windows
from benchmarks.metrics.tensor_bundle import read_bundle
from subtractive.errors import FileFormatError, OptionError

Array = npt.NDArray[np.float64]


@pytest.fixture
def cloud(rng: np.random.Generator) -> Array:
    return rng.standard_normal((400, 12)) @ rng.standard_normal((12, 12))


def turn(rng: np.random.Generator, dimensions: int) -> Array:
    return np.linalg.qr(rng.standard_normal((dimensions, dimensions)))[0]


def test_a_cloud_is_at_no_distance_from_itself(cloud: Array) -> None:
    assert frechet_distance(cloud, cloud) == 0


def test_a_shifted_cloud_is_as_far_as_the_shift_squared(cloud: Array) -> None:
    shift = np.arange(12) / 4
    assert frechet_distance(cloud, cloud + shift) == pytest.approx(float(shift @ shift))


def test_independent_dimensions_have_a_closed_form() -> None:
    spread, other = np.array([1.0, 2, 0]), np.array([3.0, 1, 5])
    found = frechet.gaussian_distance(
        np.zeros(3), np.diag(spread**2), np.ones(3), np.diag(other**2)
    )
    assert found == pytest.approx(3 + float(((spread - other) ** 2).sum()))


def test_one_dimension_will_do(rng: np.random.Generator) -> None:
    points = rng.standard_normal((50, 1))
    spread = float(points.std(ddof=1))
    assert frechet_distance(points, 3 * points) == pytest.approx(
        (2 * spread) ** 2 + (2 * float(points.mean())) ** 2
    )


def test_turning_both_clouds_changes_nothing(cloud: Array, rng: np.random.Generator) -> None:
    other, turned = 0.5 * cloud[::-1] + rng.standard_normal(cloud.shape), turn(rng, 12)
    for distance in (frechet_distance, kernel_distance):
        whole = distance(cloud, other)
        assert distance(cloud @ turned, other @ turned) == pytest.approx(whole)
        assert distance(other, cloud) == pytest.approx(whole)


def test_the_trace_is_that_of_the_matrix_root(cloud: Array, rng: np.random.Generator) -> None:
    # by the eigenvalues of the product, which is well conditioned here
    other = rng.standard_normal((300, 12)) @ rng.standard_normal((12, 12))
    one, two = np.cov(cloud, rowvar=False), np.cov(other, rowvar=False)
    shared = np.sqrt(np.linalg.eigvals(one @ two).real).sum()
    apart = cloud.mean(axis=0) - other.mean(axis=0)
    expected = apart @ apart + np.trace(one) + np.trace(two) - 2 * shared
    assert frechet_distance(cloud, other) == pytest.approx(float(expected))


def test_fewer_windows_than_dimensions_still_have_a_distance(rng: np.random.Generator) -> None:
    few, more = rng.standard_normal((8, 50)), rng.standard_normal((9, 50))
    assert np.isfinite(frechet_distance(few, more))
    assert frechet_distance(few, few) == 0


def test_the_bias_falls_with_the_windows_and_the_line_removes_most_of_it() -> None:
    rng = np.random.default_rng(3)
    true = rng.standard_normal((4000, 30))
    few, many = frechet_distance(true[:100], true), frechet_distance(true[:1000], true)
    assert few > 5 * many > 0
    fresh = rng.standard_normal((400, 30))
    assert abs(frechet_infinity(fresh, true, rng)) < 0.25 * frechet_distance(fresh, true)


def test_the_kernel_distance_of_one_distribution_is_zero_on_average() -> None:
    rng = np.random.default_rng(5)
    found = [kernel_distance(*rng.standard_normal((2, 20, 10))) for _ in range(300)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    apart = kernel_distance(rng.standard_normal((20, 10)), 1 + rng.standard_normal((20, 10)))
    assert apart > 10 * error


@pytest.mark.parametrize(
    "other", [np.zeros((1, 3)), np.zeros((5, 4)), np.zeros(3), np.full((5, 3), np.inf)]
)
def test_what_cannot_be_compared_is_refused(other: Array) -> None:
    with pytest.raises(ValueError, match=r"embeddings|too few"):
        frechet_distance(np.ones((5, 3)), other)


def test_too_few_windows_are_not_extrapolated(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="too few"):
        frechet_infinity(np.zeros((99, 3)), np.zeros((200, 3)), rng)


# A bundle written by hand: one block, keys told as what differs from the key before.


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def block(pairs: dict[bytes, bytes]) -> bytes:
    body, before = b"", b""
    for key, value in pairs.items():
        shared = next(
            (at for at, (a, b) in enumerate(zip(key, before, strict=False)) if a != b),
            min(len(key), len(before)),
        )
        body += varint(shared) + varint(len(key) - shared) + varint(len(value))
        body += key[shared:] + value
        before = key
    return body + struct.pack("<II", 0, 1)


def write_bundle(
    prefix: Path, tensors: dict[str, npt.NDArray[np.generic]], packing: int = 0
) -> None:
    entries, numbers = {b"": b"\x08\x01"}, b""
    for name, tensor in sorted(tensors.items()):
        shape = b"".join(
            b"\x12" + varint(len(size)) + size
            for size in (b"\x08" + varint(length) for length in tensor.shape)
        )
        kind = {"f": 1, "i": 3}[tensor.dtype.kind]
        entries[name.encode()] = (
            b"\x08" + varint(kind) + b"\x12" + varint(len(shape)) + shape
            + b"\x20" + varint(len(numbers)) + b"\x28" + varint(tensor.nbytes)
            + b"\x35" + bytes(4)
        )  # fmt: skip
        numbers += tensor.tobytes()
    content = block(entries)
    table = content + bytes([packing]) + bytes(4)
    index = block({b"z": varint(0) + varint(len(content))})
    footer = varint(0) * 2 + varint(len(table)) + varint(len(index))
    table += index + bytes(5) + footer.ljust(40, b"\0") + struct.pack("<Q", tensor_bundle._MAGIC)
    Path(f"{prefix}.index").write_bytes(table)
    Path(f"{prefix}.data-00000-of-00001").write_bytes(numbers)


def test_a_bundle_is_read_as_it_was_written(tmp_path: Path, rng: np.random.Generator) -> None:
    tensors: dict[str, npt.NDArray[np.generic]] = {
        "conv2d/kernel": rng.standard_normal((3, 2, 1, 200)).astype("<f4"),
        "conv2d/bias": rng.standard_normal(200).astype("<f4"),
        "conv2d_1/bias": np.arange(7, dtype="<i4"),
        "step": np.array(1234, dtype="<i4"),
    }
    write_bundle(tmp_path / "tiny", tensors)
    found = read_bundle(str(tmp_path / "tiny"))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert np.array_equal(found[name], tensor)


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    write_bundle(tmp_path / "tiny", {"bias": np.zeros(3, "<f4")})
    index = tmp_path / "tiny.index"
    whole = index.read_bytes()
    write_bundle(tmp_path / "packed", {"bias": np.zeros(3, "<f4")}, packing=1)
    packed = (tmp_path / "packed.index").read_bytes()
    for broken in (b"", whole[:-1], whole[9:], packed):
        index.write_bytes(broken)
        with pytest.raises(FileFormatError):
            read_bundle(str(tmp_path / "tiny"))
    index.write_bytes(whole)
    (tmp_path / "tiny.data-00000-of-00001").write_bytes(bytes(8))
    with pytest.raises(FileFormatError):
        read_bundle(str(tmp_path / "tiny"))
    with pytest.raises(FileFormatError, match="can't be read"):
        read_bundle(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("seconds", [0.001, 1.0, 3.0, 7.3])
def test_windows_are_three_seconds_whatever_is_heard(seconds: float) -> None:
    heard = windows(log_mel(np.ones((2, max(1, round(seconds * musicnn.RATE))), np.float32)))
    assert heard.shape[1:] == (musicnn.FRAMES, musicnn.MELS)
    assert len(heard) == max(1, 1 + int(seconds - 2.99))


def test_loud_sound_does_not_overflow() -> None:
    loud = np.sign(np.sin(np.arange(16_000) / 9))[None].astype(np.float32)
    assert np.isfinite(log_mel(loud)).all()


def test_a_missing_package_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicnn, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match="pip install --no-deps musicnn"):
        package_folder()


@pytest.fixture(scope="module")
def network() -> Musicnn:
    try:
        return musicnn.load()
    except OptionError as error:
        pytest.skip(str(error))


def tone(hz: float, decay: float) -> npt.NDArray[np.float32]:
    """Return four struck tones, with overtones, at 16 kHz."""
    t = np.arange(musicnn.RATE) / musicnn.RATE
    one = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 8)) * np.exp(-t * decay)
    return np.tile(0.1 * np.asarray(one), 4)[None].astype(np.float32)


def test_the_network_hears_drums_as_drums(network: Musicnn, rng: np.random.Generator) -> None:
    t = np.arange(4000) / musicnn.RATE
    kick = np.sin(2 * np.pi * 60 * t) * np.exp(-20 * t)
    snare = 0.5 * rng.standard_normal(4000) * np.exp(-30 * t)
    beat = np.tile(np.concatenate([kick, 0.2 * snare, snare, 0.2 * snare]), 4)
    embeddings, tags = network.embed(0.5 * beat[None].astype(np.float32))
    assert embeddings.shape == (2, musicnn.DIMENSIONS)
    best = {network.tags[place] for place in tags.mean(axis=0).argsort()[::-1][:8]}
    assert best & {"drums", "beat", "beats"}
    assert not best & {"piano", "harp", "violin", "cello"}


def test_the_network_hears_sound_that_is_alike_as_near(network: Musicnn) -> None:
    low, higher, long = (network.embed(tone(*each))[0] for each in ((220, 3), (233, 3), (220, 0)))
    near, far = np.linalg.norm(low - higher), np.linalg.norm(low - long)
    assert near < far


def test_windows_do_not_hear_each_other(network: Musicnn) -> None:
    batch = windows(log_mel(np.concatenate([tone(220, 3), tone(440, 0)], axis=1)))
    alone = np.concatenate([network(batch[place : place + 1])[0] for place in range(len(batch))])
    assert len(batch) > 3
    assert network(batch)[0] == pytest.approx(alone, abs=1e-4)
