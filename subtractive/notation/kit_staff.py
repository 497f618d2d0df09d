"""Where drums stand on five lines, with which heads: the one table to write and to read them by.

After Weinberg, "Guidelines for drumset notation" (1994), as the notation programs do it. Places are
named as a treble clef would name them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

_STEPS = "CDEFGAB"
FEET = frozenset((35, 36, 44))


class Drum(NamedTuple):
    """How a drum is written.

    Attributes
    ----------
    step, octave : str, int
    head : str
        As MusicXML calls it.
    name : str
        As General MIDI calls it.
    """

    step: str
    octave: int
    head: str
    name: str


def _table(*rows: tuple[int, str, str, str]) -> dict[int, Drum]:
    return {key: Drum(at[0], int(at[1]), head, name) for key, at, head, name in rows}


KIT: dict[int, Drum] = _table(
    (35, "E4", "normal", "Acoustic Bass Drum"),
    (36, "F4", "normal", "Bass Drum 1"),
    (37, "C5", "x", "Side Stick"),
    (38, "C5", "normal", "Acoustic Snare"),
    (39, "C5", "circle-x", "Hand Clap"),
    (40, "C5", "slashed", "Electric Snare"),
    (41, "G4", "normal", "Low Floor Tom"),
    (42, "G5", "x", "Closed Hi-Hat"),
    (43, "A4", "normal", "High Floor Tom"),
    (44, "D4", "x", "Pedal Hi-Hat"),
    (45, "B4", "normal", "Low Tom"),
    (46, "G5", "circle-x", "Open Hi-Hat"),
    (47, "B4", "slashed", "Low-Mid Tom"),
    (48, "D5", "normal", "Hi-Mid Tom"),
    (49, "A5", "x", "Crash Cymbal 1"),
    (50, "E5", "normal", "High Tom"),
    (51, "F5", "x", "Ride Cymbal 1"),
    (52, "C6", "x", "Chinese Cymbal"),
    (53, "F5", "diamond", "Ride Bell"),
    (54, "D5", "triangle", "Tambourine"),
    (55, "B5", "circle-x", "Splash Cymbal"),
    (56, "E5", "triangle", "Cowbell"),
    (57, "B5", "x", "Crash Cymbal 2"),
    (58, "C6", "diamond", "Vibraslap"),
    (59, "F5", "circle-x", "Ride Cymbal 2"),
    (60, "D5", "slashed", "Hi Bongo"),
    (61, "C5", "back slashed", "Low Bongo"),
    (62, "E5", "circle-x", "Mute Hi Conga"),
    (63, "E5", "slashed", "Open Hi Conga"),
    (64, "D5", "back slashed", "Low Conga"),
    (65, "A4", "slashed", "High Timbale"),
    (66, "G4", "slashed", "Low Timbale"),
    (67, "G5", "triangle", "High Agogo"),
    (68, "F5", "triangle", "Low Agogo"),
    (69, "A5", "diamond", "Cabasa"),
    (70, "G5", "diamond", "Maracas"),
    (71, "B5", "triangle", "Short Whistle"),
    (72, "B5", "inverted triangle", "Long Whistle"),
    (73, "C5", "diamond", "Short Guiro"),
    (74, "D5", "diamond", "Long Guiro"),
    (75, "C6", "triangle", "Claves"),
    (76, "B4", "triangle", "Hi Wood Block"),
    (77, "A4", "triangle", "Low Wood Block"),
    (78, "B4", "x", "Mute Cuica"),
    (79, "B4", "diamond", "Open Cuica"),
    (80, "A5", "triangle", "Mute Triangle"),
    (81, "A5", "inverted triangle", "Open Triangle"),
)
_FIRST = {35: 36, 40: 38, 47: 45, 57: 49, 59: 51}
_OTHER = Drum("D", 5, "x", "Percussion")

# What else a place means in a part that does not name its drums, by head: crosses, all others.
_CROSSES = (44, 37, 51, 42, 49, 57, 52)
_PLAIN = (35, 36, 41, 43, 45, 38, 48, 50)
_CROSS_SHAPES = frozenset({"x", "cross", "circle-x", "diamond", "slashed", "back slashed"})
_COWBELL, _OPEN_HAT, _CLOSED_HAT = 56, 46, 42


def drum(key: int, used: Collection[int] = ()) -> Drum:
    """Return how a General MIDI drum key is written.

    Parameters
    ----------
    key : int
    used : collection of int
        All keys of the part: the second drum of a kind is written like the first one where that
        one is not among them.
    """
    own = KIT.get(key, _OTHER)
    first = _FIRST.get(key)
    if first is None or not used or first in used:
        return own
    return KIT[first]._replace(name=own.name)


def staff_place(step: str, octave: int) -> int:
    """Return a place on the staff as the number of steps above C0."""
    return 7 * octave + _STEPS.index(step)


def drum_key_at(place: int, head: str) -> int:
    """Return the drum key of a place on the staff, or of the nearest one in use.

    Parameters
    ----------
    place : int
        As `staff_place` counts it, in a treble clef.
    head : str
        As MusicXML calls it; empty for a plain one.
    """
    if (key := _BY_LOOK.get((place, head))) is not None:
        return key
    if head == "triangle":
        return _COWBELL
    known = {
        staff_place(KIT[key].step, KIT[key].octave): key
        for key in (_CROSSES if head in _CROSS_SHAPES else _PLAIN)
    }
    key = known[min(known, key=lambda each: (abs(each - place), each))]
    return _OPEN_HAT if key == _CLOSED_HAT and head == "circle-x" else key


_BY_LOOK = {(staff_place(each.step, each.octave), each.head): key for key, each in KIT.items()}
