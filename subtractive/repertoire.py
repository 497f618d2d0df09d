"""What is known of all that a writer learned from, in one small file beside its weights.

The file is safetensors. It holds, for each instrument, the hashes of `subtractive.novelty.Known`,
and the names of the songs, packed by LZMA. There are no notes in it. The metadata names the
corpora, the sizes, how often a foreign passage is taken for a known one, and a SHA-256 of it all.

A set is kept by the gaps between its numbers in ascending order, in the code of Golomb and Rice
(Putze, Sanders and Singler, Cache-, hash- and space-efficient Bloom filters, 2007). Of b bits that
an average gap has, the low ones are written as they are, first of all gaps the lowest; what the
rest counts is written as so many zeros and a one. It takes b + 1.6 bits for each number.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from subtractive.errors import FileFormatError, OptionError
from subtractive.files.output import write_whole
from subtractive.instruments import INSTRUMENTS, instrument
from subtractive.novelty import BITS, LENGTHS, HashSet, Ints, Known, Moves

FILE = "novelty.safetensors"
FORMAT = "subtractive-repertoire-2"
_KEY, _LENGTH_BYTES = "repertoire", 8  # of safetensors' metadata, and before its header
_RATES = {
    "false_positive_rate": {str(length): 2.0 ** -BITS[length] for length in LENGTHS},
    "false_positives": "at most, of foreign passages in which all shorter passages are known",
}


class Nearest(NamedTuple):
    """The song that shares most with a part.

    Attributes
    ----------
    song : str
    shared, total : int
        Of the different passages of 8 notes in the part, how many the song holds too, of how many.
        One in 8 is asked for, so these are small numbers.
    """

    song: str
    shared: int
    total: int


@dataclass(frozen=True, eq=False)
class Repertoire:
    """What a writer learned from.

    Attributes
    ----------
    known : mapping of str to Known
        What is known of the parts of each of `subtractive.instruments.INSTRUMENTS`.
    songs : sequence of str
        Names of the songs, as `Known.owners` counts them.
    corpora : sequence of dict
        What is known of each corpus; it must be JSON.
    remark : str
        For whom opens the file.
    """

    known: Mapping[str, Known]
    songs: Sequence[str]
    corpora: Sequence[dict[str, Any]] = ()
    remark: str = ""

    def of(self, instrument_name: str) -> Known:
        """Return what is known of an instrument's parts.

        Raises
        ------
        InstrumentError
            If there is no such instrument.
        """
        return self.known[instrument(instrument_name).name]

    def nearest(self, part: Moves, instrument_name: str) -> Nearest | None:
        """Return the song that holds most sampled passages of a part; of equals the first.

        Parameters
        ----------
        part : array of uint16 [shape=(note,)]
            As `subtractive.novelty.moves_of` returns it.
        instrument_name : str

        Returns
        -------
        Nearest or None
            None if no song holds any, or none is sampled of a short part.
        """
        shared, total = self.of(instrument_name).songs_with(part)
        if not shared.any():
            return None
        best = int(shared.argmax())
        return Nearest(self.songs[best], int(shared[best]), total)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        kept = np.frombuffer(lzma.compress(json.dumps(list(self.songs)).encode()), dtype=np.uint8)
        arrays, sizes = {"songs": kept}, {}
        for name, known in self.known.items():
            for label, (values, bound) in _numbers(known).items():
                arrays[f"{name}.{label}"] = coded(values, bound)
                sizes[f"{name}.{label}"] = (len(values), bound)
        told = {
            "format": FORMAT,
            "remark": self.remark,
            "corpora": list(self.corpora),
            "sizes": sizes,
            **_RATES,
        }
        told["sha256"] = _digest(told, {name: each.tobytes() for name, each in arrays.items()})
        # one entry, because safetensors writes several in any order
        write_whole(path, save(arrays, {_KEY: json.dumps(told)}))


def load_repertoire(path: Path) -> Repertoire:
    """Return a repertoire from its file.

    Raises
    ------
    OptionError
        If there is no such file.
    FileFormatError
        If it is no repertoire, or a damaged one.
    """
    if not path.is_file():
        raise OptionError(
            f"there is no novelty index {path}: build one with python -m benchmarks.novelty build"
        )
    content = path.read_bytes()
    try:
        stored = {name: each.tobytes() for name, each in load(content).items()}
        told = _metadata(content)
        if told.get("format") != FORMAT:
            raise FileFormatError(
                f"{path} is no novelty index of the format {FORMAT}: build one with "
                "python -m benchmarks.novelty build"
            )
        if told.pop("sha256") != _digest(told, stored):
            raise ValueError("it is not what was written")
        songs = json.loads(lzma.decompress(stored["songs"]))
        known = {name: _known(stored, told["sizes"], name, len(songs)) for name in INSTRUMENTS}
        corpora, remark = told["corpora"], told["remark"]
    except (SafetensorError, lzma.LZMAError, KeyError, ValueError) as error:
        raise FileFormatError(
            f"the novelty index {path} is damaged ({error}): copy it again, or build one with "
            "python -m benchmarks.novelty build"
        ) from error
    return Repertoire(known, songs, corpora, remark)


def _metadata(content: bytes) -> dict[str, Any]:
    """Return what is kept beside the tensors, which safetensors gives of files on disk only."""
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    kept = json.loads(content[_LENGTH_BYTES:end]).get("__metadata__", {})
    return dict(json.loads(kept.get(_KEY, "{}")))


def _digest(told: Mapping[str, Any], stored: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(stored):
        digest.update(name.encode() + stored[name])
    return digest.hexdigest()


def _numbers(known: Known) -> dict[str, tuple[Ints, int]]:
    """Return all that is kept of an instrument: ascending numbers and what they are below."""
    return {
        **{
            str(length): (each.values.astype(np.int64), each.bound)
            for length, each in known.sets.items()
        },
        "owners": (known.owners, int(known.owners[-1]) + 1 if len(known.owners) else 0),
    }


def _known(
    stored: Mapping[str, bytes], sizes: Mapping[str, Sequence[int]], name: str, song_count: int
) -> Known:
    sets = {}
    for length in LENGTHS:
        count, bound = sizes[f"{name}.{length}"]
        values = decoded(stored[f"{name}.{length}"], count, bound)
        sets[length] = HashSet(values.astype(np.uint32), bound)
    owners = decoded(stored[f"{name}.owners"], *sizes[f"{name}.owners"])
    return Known(sets, owners, song_count, is_drums=name == "drums")


def _low_bits(count: int, bound: int) -> int:
    return min(32, max(0, (bound // max(1, count)).bit_length() - 1))


def coded(values: Ints, bound: int) -> npt.NDArray[np.uint8]:
    """Return ascending numbers from 0 on, packed; `bound` is about the last one."""
    gaps = np.diff(values, prepend=0)
    low = _low_bits(len(values), bound)
    ends = np.cumsum((gaps >> low) + 1)
    counted = np.zeros(ends[-1] if len(ends) else 0, dtype=np.uint8)
    counted[ends - 1] = 1
    planes = [(gaps >> bit & 1).astype(np.uint8) for bit in range(low)]
    return np.packbits(np.concatenate([*planes, counted]))


def decoded(content: bytes, count: int, bound: int) -> Ints:
    """Return the numbers that `coded` was given, by their count and bound.

    Raises
    ------
    ValueError
        If there are not as many.
    """
    low = _low_bits(count, bound)
    bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8))
    ends = np.flatnonzero(bits[low * count :])
    if len(ends) != count:
        raise ValueError(f"{len(ends)} numbers in place of {count}")
    gaps = np.zeros(count, dtype=np.uint32)
    for bit, plane in enumerate(bits[: low * count].reshape(low, count)):
        gaps |= plane.astype(np.uint32) << np.uint32(bit)
    return np.cumsum(gaps + (np.diff(ends, prepend=-1) - 1 << low))
