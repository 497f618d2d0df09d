"""Drum performances by people, laid out as in the Groove MIDI Dataset.

A file is named by what was played: ``drummer7/session2/12_funk_96_beat_4-4.mid`` is the twelfth
take of a session, a funk beat in 4/4 at 96 quarter notes a minute, played to a click. Velocities
and timing are the player's and stay so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import numpy as np

from subtractive.arrangement import Metre, Tempo
from subtractive.arrays import ArrayPart, ArraySong, Notes, resampled
from subtractive.errors import FileFormatError, OptionError
from subtractive.excerpts import TICKS
from subtractive.files.midi_arrays import read_midi_arrays
from subtractive.tunes import split_of

# Drum keys that a Roland TD-11 sends and General MIDI lacks, or takes for another instrument. Its
# pads tell the edge of a cymbal and the rim of a drum apart; in General MIDI key 58 is a
# vibraslap, 55 a splash, 52 a china, and 47 and 50 are toms of their own. Every other key that
# it sends means the same in both: kick 36, cross-stick 37, snare 38 and its rim shot 40 (there:
# another, sharper snare), toms 48, 45 and 43, hi-hat 42, 44 and 46, crash 49 and 57, ride 51, its
# bell 53 and its edge 59 (there: a second ride).
GENERAL_MIDI = {
    22: 42,  # closed hi-hat, edge
    26: 46,  # open hi-hat, edge
    50: 48,  # first tom, rim
    47: 45,  # second tom, rim
    58: 43,  # third tom, rim
    55: 49,  # first crash, edge
    52: 57,  # second crash, edge
}
_KEYS = np.array([GENERAL_MIDI.get(key, key) for key in range(128)], dtype="u1")

_NAME = re.compile(r"\d+_(?P<style>[^_]+)_(?P<tempo>\d+)_(?P<kind>beat|fill)_(\d+)-(\d+)")
_SLOWEST, _FASTEST = 20, 400  # quarter notes a minute that anybody can drum to


@dataclass(frozen=True, slots=True)
class Performance:
    """One take of one drummer.

    Attributes
    ----------
    name : str
        From the drummer's folder on: "drummer7/session2/12_funk_96_beat_4-4.mid".
    drummer, style : str
        "drummer7"; the style as the drummer calls it, such as "latin-brazilian-baiao".
    tempo : int
        Quarter notes a minute.
    is_fill : bool
        Whether it is a fill alone and no beat.
    metre : tuple of int
        Numerator and denominator.
    path : path
        Where it lies on this machine; of no account when performances are compared.
    """

    name: str
    drummer: str
    style: str
    tempo: int
    is_fill: bool
    metre: tuple[int, int]
    path: Path = field(compare=False, repr=False)


def read_performance(performance: Performance) -> ArraySong:
    """Return what was played, `TICKS` to the quarter, on the drum keys of General MIDI.

    Where the file states no tempo or metre, its name does.

    Raises
    ------
    FileFormatError
        If the file cannot be read or holds no drums.
    """
    name = performance.name
    try:
        content = performance.path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{name} cannot be opened ({error.strerror})") from error
    song = read_midi_arrays(content, name)
    parts = tuple(_on_general_midi(part) for part in song.parts if part.is_drums)
    if not parts:
        raise FileFormatError(f"{name} holds no drums: they belong on MIDI channel 10")
    tempos = song.tempos or (Tempo(0, round(60e6 / performance.tempo)),)
    metres = song.metres or (Metre(0, *performance.metre),)
    return resampled(replace(song, parts=parts, tempos=tempos, metres=metres), TICKS)


def _on_general_midi(part: ArrayPart) -> ArrayPart:
    notes = part.notes.copy()
    notes["pitch"] = _KEYS[notes["pitch"]]
    return replace(part, notes=_struck_once(notes))


def _struck_once(notes: Notes) -> Notes:
    """Return the notes in order; of several on one key at one tick only the loudest.

    Bow and edge of a cymbal may both answer to one stroke.
    """
    loudest_first = np.lexsort((-notes["velocity"].astype(int), notes["pitch"], notes["onset"]))
    ordered = notes[loudest_first]
    again = (np.diff(ordered["onset"]) == 0) & (ordered["pitch"][1:] == ordered["pitch"][:-1])
    kept: Notes = ordered[np.append(True, ~again)]
    return kept


def performances(folder: Path) -> tuple[Performance, ...]:
    """Return the performances under a folder, in order of their names; no file is opened.

    MIDI files whose names say too little are passed over; `performance` tells why.

    Raises
    ------
    OptionError
        If `folder` is no folder.
    """
    if not folder.is_dir():
        raise OptionError(
            f"{folder} is not a folder: name the one that holds drummer1, drummer2 and so on"
        )
    found = []
    for path in folder.rglob("*.mid"):
        try:
            found.append(performance(folder, path.relative_to(folder).as_posix()))
        except FileFormatError:
            continue
    return tuple(sorted(found, key=lambda each: each.name))


def performance(folder: Path, name: str) -> Performance:
    """Return what the place and the name of the file `name` under `folder` say of it.

    Raises
    ------
    FileFormatError
        If they do not say who plays what, how fast and in which metre.
    """
    path = folder / name
    # the folder given may be one drummer's own
    folders = (folder.name, *PurePath(name).parts[:-1])
    place = next((i for i, each in enumerate(folders) if re.fullmatch(r"drummer\d+", each)), None)
    if place is None:
        raise FileFormatError(
            f"{name} lies in no drummer's folder: put it into one named drummer1, drummer2 or so"
        )
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise FileFormatError(
            f"{name} does not say what is played: name it number_style_tempo_beat_metre, or fill "
            "for beat, such as 12_funk_96_beat_4-4.mid"
        )
    tempo, beats, unit = int(match["tempo"]), int(match[4]), int(match[5])
    if not _SLOWEST <= tempo <= _FASTEST:
        raise FileFormatError(
            f"{name} names a tempo of {tempo}; {_SLOWEST} to {_FASTEST} quarter notes a minute "
            "can be: correct the name"
        )
    if not 1 <= beats <= 32 or unit not in (2, 4, 8, 16):
        raise FileFormatError(
            f"{name} names a metre of {beats}/{unit}; 1 to 32 halves, quarters, 8ths or 16ths can "
            "be: correct the name"
        )
    whole = "/".join((*folders[place:], path.name))
    is_fill = match["kind"] == "fill"
    return Performance(whole, folders[place], match["style"], tempo, is_fill, (beats, unit), path)


def split_of_drummer(drummer: str) -> str:
    """Return "train" or "valid" for a drummer, by the hash of the name alone.

    Of the data set's ten drummers the third is held out: beats and fills of rock, jazz and hip
    hop, and none of the ten beats that four others were all asked to play.
    """
    return split_of(f"gmd/{drummer}")
