"""Which part is drums, bass, guitar or something else: one table, one function.

Channel and program decide before the name, for a name is free text: files call a synthesizer
"Guitar 2", a choir voice "Bass" and a bassoon "Bass 1".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from subtractive.errors import InstrumentError


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the product knows of an instrument it can write.

    Attributes
    ----------
    name : str
    programs : range
        General MIDI programs that are this instrument whatever the part is called.
    phrases : str
        Regular expression; a part on an undecided program is this instrument if its *whole* name
        matches, so "Bass Guitar" does and "Bass Clarinet" does not.
    lowest, highest : int
        Range in MIDI pitches (for drums: the General MIDI drum keys).
    program : int
        Program of a new part.
    title : str
        Name of a new part.
    """

    name: str
    programs: range
    phrases: str
    lowest: int
    highest: int
    program: int
    title: str


_NUMBERING = (
    r"[\s_.#-]*(\d+|[ivx]+|[a-d]|l|r|left|right|main|track|tab|part|line|clean|finger(ed)?)?"
)
_SORT = (
    r"((electric|elec|el|e|acoustic|ac|upright|double|string|synth|slap|picked?|pick|finger(ed)?|"
    r"fretless|walking|muted?|clean|dist(ortion)?|distorted|overdriven|overdrive|rhythm|lead|"
    r"nylon|steel|jazz|classical|12[\s-]string|sub)[\s._-]*)*"
)

TABLE: tuple[Instrument, ...] = (
    Instrument("drums", range(0), r"", 35, 81, 0, "Drums"),
    Instrument(
        "bass",
        range(32, 40),
        _SORT
        + r"(bass|bs)([\s._-]*(guitar|gtr|git|gt))?"
        + _NUMBERING
        + r"|walk([\s_-].*)?|bass[-_].*",
        28,
        67,
        33,
        "Bass",
    ),
    Instrument(
        "guitar",
        range(24, 32),
        _SORT + r"(guitars?|gtr|git|gitarre|guitare|guitarra|gt)" + _NUMBERING,
        40,
        88,
        25,
        "Guitar",
    ),
)
INSTRUMENTS: tuple[str, ...] = tuple(instrument.name for instrument in TABLE)

# Programs that say nothing of the player: the piano (what a file without programs plays), and
# synthesizers and effects, on which files write any instrument.
_UNDECIDED = frozenset({0, *range(80, 104), 43, 58})
_VOICES = re.compile(r"\s*(soprano|alto|tenor|baritone|mezzo|treble)\b.*", re.IGNORECASE)


class PartLike(Protocol):
    """What the table looks at."""

    @property
    def name(self) -> str:
        """Name of the part."""

    @property
    def program(self) -> int:
        """General MIDI program."""

    @property
    def is_drums(self) -> bool:
        """Whether it plays drum keys."""

    @property
    def sung(self) -> bool:
        """Whether it carries lyrics."""


def instrument(name: str) -> Instrument:
    """Return the instrument called `name`.

    Raises
    ------
    InstrumentError
        If there is none of that name.
    """
    for candidate in TABLE:
        if candidate.name == name:
            return candidate
    raise InstrumentError(f"unknown instrument {name!r}: choose one of {', '.join(INSTRUMENTS)}")


def role(part: PartLike) -> str:
    """Return "drums", "bass", "guitar" or "other" for one part, seen alone."""
    if part.is_drums:
        return "drums"
    for candidate in TABLE:
        if part.program in candidate.programs:
            return candidate.name
    if part.program in _UNDECIDED and not part.sung:
        for candidate in TABLE:
            if candidate.phrases and re.fullmatch(
                candidate.phrases, part.name.strip(), re.IGNORECASE
            ):
                return candidate.name
    return "other"


def roles(parts: Sequence[PartLike]) -> tuple[str, ...]:
    """Return the role of each part; among soprano, alto or tenor a "Bass" is a voice.

    Parameters
    ----------
    parts : sequence of parts

    Returns
    -------
    tuple of str
        One of "drums", "bass", "guitar", "other" for each part.
    """
    choir = any(_VOICES.fullmatch(part.name) for part in parts)
    return tuple(
        "other"
        if choir
        and part.program not in range(32, 40)
        and re.fullmatch(r"\s*bass\W*\d*\s*", part.name, re.I)
        and not part.is_drums
        else role(part)
        for part in parts
    )
