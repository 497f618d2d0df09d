"""Which note name a pitch has: by the chord in force, the key, and where the line goes.

Names are counted as places on the line of fifths: F is -1, C 0, G 1, up to B at 5; a sharp adds 7.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from subtractive.arrangement import ChordSymbol, KeySignature

_LINE = "FCGDAEB"
_STEPS = "CDEFGAB"
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAME = re.compile(r"([A-G])([#b♯♭]?)")
# Letters above the root of each interval in semitones; those that depend on the chord come below.
_LETTERS_UP = (0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6)


class Spelled(NamedTuple):
    """A note name: `alter` is 1 for a sharp, -1 for a flat; middle C is C in octave 4."""

    step: str
    alter: int
    octave: int

    @property
    def pitch(self) -> int:
        """The MIDI pitch."""
        return 12 * (self.octave + 1) + _NATURAL[self.step] + self.alter


def spelled(
    pitch: int, key: KeySignature, chord: ChordSymbol | None = None, following: int | None = None
) -> Spelled:
    """Return how a pitch is written.

    The tones of the chord are written as the chord has them, other tones as the key has them. What
    is in neither, and leads by a semitone, is a sharp on its way up and a flat on its way down.

    Parameters
    ----------
    pitch : int
    key : KeySignature
    chord : ChordSymbol or None
        In force there.
    following : int or None
        The next pitch of a single line.
    """
    place = _on_line(pitch % 12, key, chord, None if following is None else following - pitch)
    step, alter = _LINE[(place + 1) % 7], (place + 1) // 7
    octave = (pitch - alter - _NATURAL[step]) // 12 - 1
    return Spelled(step, alter, octave)


def _on_line(
    pitch_class: int, key: KeySignature, chord: ChordSymbol | None, move: int | None
) -> int:
    """Return the place on the line of fifths for a pitch class."""
    scale = {place * 7 % 12: place for place in range(key.fifths - 1, key.fifths + 6)}
    by_chord = None if chord is None else _in_chord(pitch_class, chord)
    if by_chord is not None and (_is_usual(by_chord) or pitch_class not in scale):
        return by_chord
    if pitch_class in scale:
        return scale[pitch_class]
    if by_chord is not None:
        return by_chord
    # in minor the sixth and seventh are raised; in major flats go down to the lowered second
    first = key.fifths - 2 if key.is_minor else key.fifths - 5
    place = first + (pitch_class * 7 - first) % 12
    if move in {1, -1}:
        sharp = place if _alter(place) > 0 else place + 12
        led = sharp if move == 1 else sharp - 12
        if _is_usual(led):
            return led
    leading = key.is_minor and place == key.fifths + 8
    # E natural, not F flat; but E sharp leads to F sharp
    return place if _is_usual(place) or leading else (place + 1) % 12 - 1


def _in_chord(pitch_class: int, chord: ChordSymbol) -> int | None:
    """Return the place on the line of a chord's tone; None if it is none, or no usual name."""
    name = _NAME.match(chord.text)
    if name is None or chord.root is None:
        return None
    above = {(tone - chord.root) % 12 for tone in chord.pitch_classes}
    interval = (pitch_class - chord.root) % 12
    if interval not in above:
        return None
    letters = _LETTERS_UP[interval]
    if interval == 6 and 7 in above:
        letters = 3  # a raised eleventh
    elif interval == 8 and 7 not in above and 4 in above:
        letters = 4  # a raised fifth
    elif interval == 9 and {3, 6} <= above and 7 not in above:
        letters = 6  # a diminished seventh
    elif interval == 3 and 4 in above:
        letters = 1  # a raised ninth
    step = _STEPS[(_STEPS.index(name[1]) + letters) % 7]
    alter = (pitch_class - _NATURAL[step] + 6) % 12 - 6
    if abs(alter) > 1:
        return None
    return _LINE.index(step) - 1 + 7 * alter


def _alter(place: int) -> int:
    return (place + 1) // 7


def _is_usual(place: int) -> bool:
    """Return whether a place is a black key or a plain white one, no E sharp or C flat."""
    alter = _alter(place)
    return alter == 0 or (abs(alter) == 1 and (place * 7) % 12 in {1, 3, 6, 8, 10})
