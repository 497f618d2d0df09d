"""What retrieval keeps of the training songs: for one instrument all bars of its true parts.

Beside each bar stand the traits of the others that play with it, so that the bar can be found by
its surroundings and copied into another song.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from benchmarks.metrics.grid import EARLY_BEATS, Ints, place_in
from benchmarks.retrieval.traits import WIDTHS, Floats, Hearing
from subtractive.arrangement import Bar, Note
from subtractive.arrays import NOTE, ArraySong, Notes
from subtractive.instruments import instrument as known_instrument
from subtractive.instruments import roles

_LEAST_NOTES = 8  # that a song must give an instrument to be worth keeping
_OCTAVES = tuple(sorted(range(-4, 5), key=abs))


@dataclass(frozen=True, eq=False, slots=True)
class Shelf:
    """All training bars of one instrument, song after song.

    Attributes
    ----------
    names : array of str [shape=(song,)]
    ticks : array of int [shape=(song,)]
        Ticks in a quarter note of each song.
    song : array of int [shape=(bar,)]
        Which song a bar is of; the bars of a song follow one another.
    bits : array of uint8 [shape=(bar, byte)]
        Traits of the other parts, as `Hearing.without` packs them.
    quarters, octaves : array [shape=(bar,)]
        Length and tempo, as in `Hearing`.
    first_note : array of int [shape=(bar + 1,)]
        Where each bar's notes begin in `notes`.
    notes : array of NOTE [shape=(note,)]
        Onsets are counted from the note's own barline, in the song's ticks; one that comes a
        little early has a negative onset.
    """

    names: npt.NDArray[np.str_]
    ticks: Ints
    song: Ints
    bits: npt.NDArray[np.uint8]
    quarters: Floats
    octaves: Floats
    first_note: Ints
    notes: Notes

    def __len__(self) -> int:
        return len(self.song)

    def as_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the fields by name, to be stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


Volume = tuple[str, ArraySong, Hearing]
"""A training song: name, music, and what is heard of it."""


def true_notes(song: ArraySong, instrument: str) -> Notes:
    """Return the notes of the part that stands for an instrument, as `main_part` chooses it."""
    playing = [
        part.notes
        for part, its_role in zip(song.parts, roles(song.parts), strict=True)
        if its_role == instrument
    ]
    if not playing:
        return np.zeros(0, dtype=NOTE)
    if instrument != "drums":
        return max(playing, key=len)
    merged = np.unique(np.concatenate(playing))
    return merged[np.lexsort((merged["pitch"], merged["onset"]))]


def fill(volumes: Iterable[Volume], instruments: Sequence[str]) -> dict[str, Shelf]:
    """Return a shelf for each instrument with every song that plays it.

    Parameters
    ----------
    volumes : iterable of (name, ArraySong, Hearing)
        Read once; none is kept.
    instruments : sequence of str
    """
    rows: dict[str, list[dict[str, npt.NDArray[np.generic]]]] = {name: [] for name in instruments}
    for name, song, heard in volumes:
        for instrument in instruments:
            notes = true_notes(song, instrument)
            if len(notes) >= _LEAST_NOTES:
                place = len(rows[instrument])
                rows[instrument].append(_of_song(name, song, heard, instrument, notes, place))
    return {instrument: _joined(songs) for instrument, songs in rows.items()}


def _of_song(
    name: str, song: ArraySong, heard: Hearing, instrument: str, notes: Notes, place: int
) -> dict[str, npt.NDArray[np.generic]]:
    count = len(heard.quarters)
    onset = notes["onset"].astype(np.int64)
    bar = place_in(onset, heard.lines, song.ticks_per_beat * EARLY_BEATS)
    own = notes.copy()
    own["onset"] = onset - heard.lines[bar]
    return {
        "names": np.array([name]),
        "ticks": np.array([song.ticks_per_beat]),
        "song": np.full(count, place),
        "bits": heard.without(instrument),
        "quarters": heard.quarters,
        "octaves": heard.octaves,
        "notes": own[np.argsort(bar, kind="stable")],
        "first_note": np.bincount(bar, minlength=count),
    }


def _joined(songs: list[dict[str, npt.NDArray[np.generic]]]) -> Shelf:
    width = sum(WIDTHS.values()) // 8
    empty = {
        "names": np.zeros(0, np.str_),
        "bits": np.zeros((0, width), np.uint8),
        "quarters": np.zeros(0, np.float32),
        "octaves": np.zeros(0, np.float32),
        "notes": np.zeros(0, NOTE),
    }
    joined = {
        field.name: np.concatenate(
            [each[field.name] for each in songs] or [empty.get(field.name, np.zeros(0, np.int64))]
        )
        for field in fields(Shelf)
    }
    joined["first_note"] = np.concatenate([[0], np.cumsum(joined["first_note"])])
    return Shelf(**joined)


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Bars of a shelf that follow one another, and where they go.

    Attributes
    ----------
    first : int
        Their first bar on the shelf.
    semitones : int
        How far they are transposed, before octaves; 0 for drums.
    bars : sequence of Bar
        Of the song that is written to, one for each bar that is borrowed.
    """

    first: int
    semitones: int
    bars: Sequence[Bar]


def copied(shelf: Shelf, run: Borrowed, ticks_per_beat: int, instrument: str) -> list[Note]:
    """Return the notes of borrowed bars, bar on bar, in the ticks of the song they go to.

    A note whose onset lies beyond the end of a shorter bar is left out; where a bar is longer its
    rest stays empty. A note may ring on into the next borrowed bar, and ends with the last one.

    Parameters
    ----------
    shelf : Shelf
    run : Borrowed
    ticks_per_beat : int
        Of the song that is written to.
    instrument : str
        Pitched parts go, by octaves, where most of their notes are in its range; what is left
        outside is folded in.
    """
    scale = ticks_per_beat / int(shelf.ticks[shelf.song[run.first]])
    notes: list[Note] = []
    for number, bar in enumerate(run.bars):
        row = run.first + number
        as_long = abs(float(shelf.quarters[row]) * ticks_per_beat - bar.length) < 1
        end = run.bars[-1].end if as_long else bar.end
        of_bar = shelf.notes[shelf.first_note[row] : shelf.first_note[row + 1]].tolist()
        for onset, duration, pitch, velocity in of_bar:
            # rounding up must not push the last onset of a bar over its end
            offset = min(round(onset * scale), bar.length - 1)
            if onset * scale < bar.length:
                start = max(0, bar.onset + offset)
                stop = min(bar.onset + round((onset + duration) * scale), end)
                notes.append(Note(start, max(stop - start, min(duration, 1)), pitch, velocity))
    return notes if instrument == "drums" else transposed(notes, run.semitones, instrument)


def transposed(notes: Sequence[Note], semitones: int, instrument: str) -> list[Note]:
    """Return notes moved by `semitones` and the octaves that bring most of them into range.

    Notes that are out of range still are folded in one by one; one that then falls on another
    of the same onset and pitch is dropped.
    """
    known = known_instrument(instrument)
    pitches = np.array([note.pitch for note in notes], dtype=np.int64) + semitones

    def outside(octave: int) -> int:
        moved = pitches + 12 * octave
        return int(np.count_nonzero((moved < known.lowest) | (moved > known.highest)))

    pitches += 12 * min(_OCTAVES, key=outside)
    below, above = known.lowest - pitches, pitches - known.highest
    folded = pitches + 12 * (-(-np.maximum(below, 0) // 12)) - 12 * (-(-np.maximum(above, 0) // 12))
    taken = {
        (note.onset, pitch)
        for note, pitch, was in zip(notes, folded.tolist(), pitches.tolist(), strict=True)
        if pitch == was
    }
    result = []
    for note, pitch, was in zip(notes, folded.tolist(), pitches.tolist(), strict=True):
        if pitch == was or (note.onset, pitch) not in taken:
            taken.add((note.onset, pitch))
            result.append(note._replace(pitch=pitch))
    return result
