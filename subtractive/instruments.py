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


def _words(text: str) -> frozenset[str]:
    """Return the words of a name in lower case without numbers: "5-String SynthBass" has three."""
    # signs that join two instruments count as words, which no table holds
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    return frozenset(re.findall(r"[^\W\d_]+|[&+/]", apart))


_NUMBERING = _words(
    "i ii iii iv v vi a b c d l r s st nd rd th no main left right middle track tab part line"
)
_SORTS = _NUMBERING | _words(
    "e el elec electr electric electrical elektrisch elektrischer ac acoustic akustik upright "
    "double string str fretless fretted finger fingered fingerstyle fingerpicked pick picked slap "
    "slapped muted mute palm walking synth synthesizer clean dist distortion distorted overdriven "
    "overdrive crunch fuzz wah hard heavy power harmonics rhythm rhythmic lead solo backing riff "
    "intro outro fill sus hit hits low high sub deep nylon steel slide lap jazz rock funk acid "
    "moog saw precision classical spanish flamenco hawaiian"
)
_GUITARS = _words(
    "guitar guitars gtr gtrs git gt gitarre guitare guitarra chitarra egitarre eguitar"
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the product knows of an instrument it can write.

    Attributes
    ----------
    name : str
    programs : range
        General MIDI programs that are this instrument whatever the part is called.
    names, sorts : frozenset of str
        A part on an undecided program is this instrument if its *whole* name is made of these
        words, at least one of them from `names`: "Bass Guitar" is, "Bass Clarinet" is not.
    lowest, highest : int
        Range in MIDI pitches (for drums: the General MIDI drum keys).
    program : int
        Program of a new part.
    title : str
        Name of a new part.
    """

    name: str
    programs: range
    names: frozenset[str]
    sorts: frozenset[str]
    lowest: int
    highest: int
    program: int
    title: str


TABLE: tuple[Instrument, ...] = (
    Instrument("drums", range(0), frozenset(), frozenset(), 35, 81, 0, "Drums"),
    Instrument(
        "bass",
        range(32, 40),
        _words(
            "bass bs bassline bassguitar bassgitarre ebass synthbass slapbass subbass bajo walk"
        ),
        _SORTS | _GUITARS,
        28,
        67,
        33,
        "Bass",
    ),
    Instrument("guitar", range(24, 32), _GUITARS, _SORTS | {"pedal"}, 40, 88, 25, "Guitar"),
)
INSTRUMENTS: tuple[str, ...] = tuple(instrument.name for instrument in TABLE)

# Programs that say nothing of the player: the piano (what a file without programs plays), and
# synthesizers and effects, on which files write any instrument; bowed bass and tuba, on which they
# write the plucked one.
_UNDECIDED = frozenset({0, *range(80, 104), 43, 58})
_VOICES = _words(
    "soprano sopranos sopran alto altos alt tenor tenors baritone bariton mezzo treble"
)
_SINGING = _NUMBERING | _words("solo voice voices choir chorus")


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
            if _is_phrase(part.name, candidate.names, candidate.sorts):
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
    choir = any(_is_phrase(part.name, _VOICES, _SINGING) for part in parts)
    return tuple(
        "other"
        if choir
        and part.program in _UNDECIDED
        and not part.is_drums
        and _is_phrase(part.name, _words("bass basses"), _SINGING)
        else role(part)
        for part in parts
    )


def _is_phrase(name: str, names: frozenset[str], sorts: frozenset[str]) -> bool:
    """Return whether a whole name, numbers aside, is said in words of two kinds."""
    words = _words(name)
    return bool(words & names) and words <= names | sorts
