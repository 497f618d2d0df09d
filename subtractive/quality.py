"""Which songs teach something, and which of their tracks are alive.

Rules for music of unknown origin: the songs of a folder, good ones and broken ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from subtractive.arrangement import bars
from subtractive.arrays import ArrayPart, ArraySong
from subtractive.instruments import INSTRUMENTS, role, roles

LEAST_BARS, MOST_BARS = 8, 1000
LEAST_NOTES = 16
LONGEST_BAR = 8  # quarter notes
BAR_UNIT = 12  # parts of a quarter that a bar must be made of: the models' grid
LEAST_IN_METRE = 0.5  # of the bars
# Measured on 520 songs: 8 that are played freely have 0.36 to 0.42 of their onsets on the grid,
# which is what chance gives; all others have 0.63 and more.
LEAST_ON_GRID = 0.5
_GRID = np.array([0, 3, 4, 6, 8, 9, 12]) / 12  # of a quarter: sixteenths and eighth triplets
_NEAR_GRID = 0.03  # quarters: 15 ms at 120 quarters a minute
_STUCK = 64  # quarters
MOST_STUCK = 0.1  # of the notes; a piece of long drones has 0.04
_PITCHES, _DRUM_KEYS = (21, 108), (27, 87)  # a piano's, and those that General MIDI 2 names
_CLICK_KEYS = (31, 32, 33, 34, 37, 56, 75, 76, 77)  # sticks, metronome, rim, cowbell, claves, wood
_LEAST_CLICKS = 8


def unfit(song: ArraySong) -> str:
    """Return why a song teaches nothing, in words with numbers; "" if it is fit.

    Parameters
    ----------
    song : ArraySong
        Without its dead tracks (see `living`).

    Returns
    -------
    str
        The first rule that it breaks: it needs notes that can be a song's, `LEAST_BARS`
        to `MOST_BARS` bars of a metre that the grid holds, drums, bass or guitar of `LEAST_NOTES`
        notes beside another part, and onsets on sixteenths or triplets.
    """
    return _broken(song) or _out_of_bars(song) or _alone(song) or _off_grid(song)


def living(song: ArraySong) -> ArraySong:
    """Return a song without its dead tracks.

    Dead are tracks without notes, with all notes out of any instrument's range, a click that only
    counts time, and one that doubles another in unison. Of doubles drums, bass and guitar stay:
    else their notes would still be heard after they were taken out.

    Parameters
    ----------
    song : ArraySong

    Returns
    -------
    ArraySong
        With its other parts in order.
    """
    alive = [part for part in song.parts if _sounds(part) and not _is_click(part)]
    # the first of equals stays, those that can be asked for before others
    order = sorted(range(len(alive)), key=lambda place: role(alive[place]) not in INSTRUMENTS)
    first: dict[tuple[bool, bytes, bytes], int] = {}
    for place in order:
        notes = alive[place].notes
        sound = (alive[place].is_drums, notes["onset"].tobytes(), notes["pitch"].tobytes())
        first.setdefault(sound, place)
    kept = tuple(alive[place] for place in sorted(first.values()))
    return song if len(kept) == len(song.parts) else replace(song, parts=kept)


def _broken(song: ArraySong) -> str:
    parts = [part for part in song.parts if len(part.notes)]
    if not parts:
        return "no notes"
    onsets = np.concatenate([part.notes["onset"] for part in parts])
    if len(onsets) > 1 and len(np.unique(onsets)) == 1:
        return f"all {len(onsets)} notes begin at once"
    long = _STUCK * song.ticks_per_beat
    stuck = sum(int((part.notes["duration"] > long).sum()) for part in parts if not part.is_drums)
    if stuck > MOST_STUCK * len(onsets):
        return f"{stuck} of {len(onsets)} notes are stuck: longer than {_STUCK} quarter notes"
    return ""


def _out_of_bars(song: ArraySong) -> str:
    quarters = song.end // song.ticks_per_beat
    # counted out only where there can be that few: a note that got lost may lie years ahead
    if quarters > LONGEST_BAR * MOST_BARS:
        return f"{quarters} quarter notes long, more than {MOST_BARS} bars"
    found = bars(song)
    if not LEAST_BARS <= len(found) <= MOST_BARS:
        bound = f"fewer than {LEAST_BARS}" if len(found) < LEAST_BARS else f"more than {MOST_BARS}"
        return f"{len(found)} bars, {bound}"
    unit, longest = song.ticks_per_beat, LONGEST_BAR * song.ticks_per_beat
    held = sum(bar.length * BAR_UNIT % unit == 0 and bar.length <= longest for bar in found)
    if held < LEAST_IN_METRE * len(found):
        return (
            f"{held} of {len(found)} bars have a metre that the grid holds, of whole twelfths of a "
            f"quarter and at most {LONGEST_BAR} quarters"
        )
    return ""


def _alone(song: ArraySong) -> str:
    playing = {
        its_role
        for part, its_role in zip(song.parts, roles(song.parts), strict=True)
        if len(part.notes) >= LEAST_NOTES
    }
    if not playing & {*INSTRUMENTS}:
        return f"no drums, bass or guitar of {LEAST_NOTES} notes"
    if len(playing) < 2:
        (name,) = playing
        return f"nobody else plays {LEAST_NOTES} notes beside the {name}"
    return ""


def _off_grid(song: ArraySong) -> str:
    onsets = np.concatenate([part.notes["onset"] for part in song.parts])
    place = onsets / song.ticks_per_beat % 1
    share = float((np.abs(place[:, None] - _GRID).min(axis=1) <= _NEAR_GRID).mean())
    if share < LEAST_ON_GRID:
        return (
            f"{share:.0%} of the notes begin on sixteenths or triplets, less than "
            f"{LEAST_ON_GRID:.0%}: played freely, beside the beat"
        )
    return ""


def _sounds(part: ArrayPart) -> bool:
    lowest, highest = _DRUM_KEYS if part.is_drums else _PITCHES
    pitches = part.notes["pitch"]
    return bool(((pitches >= lowest) & (pitches <= highest)).any())


def _is_click(part: ArrayPart) -> bool:
    """Return whether a track does nothing but count time: one short sound in even steps."""
    notes = part.notes
    if len(notes) < _LEAST_CLICKS or not _constant(notes["pitch"], notes["velocity"]):
        return False
    steps = np.diff(notes["onset"])
    if part.is_drums:
        # a hi-hat or a bass drum may have a track of its own, and does the same
        return _constant(steps) and notes["pitch"][0] in _CLICK_KEYS
    is_short = 2 * notes["duration"].max() <= steps[0]
    return _constant(steps) and role(part) not in INSTRUMENTS and bool(is_short)


def _constant(*columns: np.typing.NDArray[np.generic]) -> bool:
    return all(bool((column == column[0]).all()) for column in columns)
