"""Reading weights that TensorFlow saved, without TensorFlow.

A "tensor bundle" (checkpoint of version 2) is two files. NAME.data-00000-of-00001 holds the numbers
of all tensors, one after the other. NAME.index says where each lies; it is a LevelDB table, a
sorted list of (key, value) in blocks, whose values are small protocol buffers. Only what bundles
use is read: one data file, little-endian numbers, blocks that aren't compressed.

Sources: leveldb/doc/table_format.md; tensorflow/core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from subtractive.errors import FileFormatError

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48  # bytes
_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
}


class Entry(NamedTuple):
    """Where a tensor lies in the data file: offset and size are in bytes."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    size: int


def read_bundle(prefix: str) -> dict[str, npt.NDArray[np.generic]]:
    """Return all tensors of a bundle by their names.

    Parameters
    ----------
    prefix : str
        The path up to ".index"; it may end in a slash.

    Raises
    ------
    FileFormatError
        If the files are missing, damaged, or of a kind that isn't read here.
    """
    index, numbers = Path(f"{prefix}.index"), Path(f"{prefix}.data-00000-of-00001")
    try:
        table, content = index.read_bytes(), numbers.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{prefix}: the weights can't be read ({error.strerror})") from error
    try:
        values = dict(pairs(table))
        if (1, 1, b"") not in _fields(values.pop(b"")):  # the header counts the data files
            raise ValueError("the numbers lie in more than one file")
        entries = {key.decode(): _entry(value) for key, value in values.items()}
        return {
            name: np.frombuffer(
                content, entry.dtype, int(np.prod(entry.shape)), entry.offset
            ).reshape(entry.shape)
            for name, entry in entries.items()
        }
    except (ValueError, IndexError, KeyError, struct.error) as error:
        raise FileFormatError(f"{index} is no TensorFlow checkpoint that can be read") from error


def pairs(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a LevelDB table in order.

    Raises
    ------
    ValueError
        If it is none, or compressed.
    """
    if len(table) < _FOOTER or struct.unpack("<Q", table[-8:])[0] != _MAGIC:
        raise ValueError("not a LevelDB table")
    _, place = _handle(table, len(table) - _FOOTER)  # of the metaindex, which bundles leave empty
    index, _ = _handle(table, place)
    for _, value in _block(table, *index):
        block, _ = _handle(value, 0)
        yield from _block(table, *block)


def _handle(content: bytes, place: int) -> tuple[tuple[int, int], int]:
    """Return the offset and size of a block, and where the next thing begins."""
    offset, place = _varint(content, place)
    size, place = _varint(content, place)
    return (offset, size), place


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of one block; each key is told as what differs from the key before."""
    if table[offset + size] != 0:
        raise ValueError("the table is compressed")
    block = table[offset : offset + size]
    restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 * (restarts + 1)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        own, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + length]
        place += length


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, integer and bytes of each field of a protocol buffer; one of both is empty."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield tag >> 3, value, b""
            continue
        if kind == 2:
            length, place = _varint(message, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a protocol buffer has no field of kind {kind}")
        yield tag >> 3, 0, message[place : place + length]
        place += length


def _entry(message: bytes) -> Entry:
    """Read a BundleEntryProto; a number that is 0 is not written."""
    numbers = {field: value for field, value, _ in _fields(message)}
    shapes = [content for field, _, content in _fields(message) if field == 2]
    if numbers.get(3, 0) != 0:
        raise ValueError("the numbers lie in more than one file")
    dimensions = [content for shape in shapes for field, _, content in _fields(shape) if field == 2]
    shape = tuple(
        sum(value for field, value, _ in _fields(dimension) if field == 1)
        for dimension in dimensions
    )
    entry = Entry(_TYPES[numbers[1]], shape, numbers.get(4, 0), numbers.get(5, 0))
    if entry.size != entry.dtype.itemsize * int(np.prod(shape)):
        raise ValueError("a tensor's size is not that of its shape")
    return entry
