"""The styles: for each, small tables of patterns, and how to tell from the band which one it is.

A pattern gives a cell for each pulse of a bar, by its role: Down, Back, Mid, Weak. A cell's signs
are its 16ths, or its triplets where the beat is divided in three; digits say how willing a player
is to strike there: 9 nearly always, 5 if nothing speaks against it, below only if others strike
too, "." never. `rhythm.strikes` weighs them against what the band plays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cells = dict[str, str]
DISTORTED = frozenset({29, 30})  # guitars
JAZZ = frozenset({11, 26, 32})  # vibraphone, jazz guitar, upright bass


@dataclass(frozen=True)
class Style:
    """How a band plays.

    Attributes
    ----------
    name : str
    kick, snare, time : dict of role to cell
        Of the drums; `time` is the hat's or the ride's.
    bass : dict of role to cell
    line : dict of role to str
        What the bass plays on the pulse, and after it: R root, 5 fifth, 8 octave, 3 third, A
        approach to the next chord's root.
    guitar : dict of role to cell
    way : "strum" or "pick"
        How the guitar plays its grips where it plays no power chords.
    hold : float
        Longest note of bass and guitar, in quarters.
    ride : bool
        Whether the ride keeps the time and the foot plays the hat, not the hand the hat.
    stick : bool
        Whether the snare is a side stick.
    driven : bool
        Whether it takes a heavy band (`feel.is_heavy`).
    halves : bool
        Whether its backbeat can go at half the pace.
    divided : "two", "three" or "six"
        Whether a quarter has straight eighths, triplets or swing, or the pulse is three eighths.
    pulses : tuple of int
        Bars of how many pulses it is played in.
    tempo_qpm : tuple of float
        Where it is usual, in quarters a minute: from, up to.
    programs : frozenset of int
        Sounds of other players that belong to it.
    families : tuple of str
        The families (`subtractive.styles`) whose words ask for it.
    """

    name: str
    kick: Cells
    snare: Cells
    time: Cells
    bass: Cells
    line: Cells
    guitar: Cells
    way: Literal["strum", "pick"] = "strum"
    hold: float = 1.0
    ride: bool = False
    stick: bool = False
    driven: bool = False
    halves: bool = False
    divided: Literal["two", "three", "six"] = "two"
    pulses: tuple[int, ...] = ()
    tempo_qpm: tuple[float, float] = (0.0, 0.0)
    programs: frozenset[int] = frozenset()
    families: tuple[str, ...] = ()


def same(cell: str) -> Cells:
    """Return a pattern that has one cell on all pulses."""
    return dict.fromkeys("DBMW", cell)


_ROOTS = same("RR")
_BACKBEAT = {"D": "....", "B": "9...", "M": "....", "W": "...."}

STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style(
            "rock",
            kick={"D": "9.53", "B": "3.53", "M": "7353", "W": "5.5."},
            snare=_BACKBEAT,
            time=same("9.5."),
            bass=same("8.7."),
            line=_ROOTS,
            guitar=same("7.5."),
            driven=True,
            halves=True,
            tempo_qpm=(100, 180),
            programs=DISTORTED,
            families=("rock",),
        ),
        Style(
            "heavy",
            kick={"D": "9354", "B": "3353", "M": "7354", "W": "5353"},
            snare=_BACKBEAT,
            time=same("9262"),
            bass=same("8474"),
            line=_ROOTS,
            guitar=same("7353"),
            driven=True,
            halves=True,
            tempo_qpm=(120, 240),
            programs=DISTORTED,
            families=("metal",),
        ),
        Style(
            "pop",
            kick={"D": "9..2", "B": "..4.", "M": "8.2.", "W": "...."},
            snare=_BACKBEAT,
            time=same("9.6."),
            bass={"D": "9.44", "B": "4.4.", "M": "7.4.", "W": "5.4."},
            line={"D": "RR", "B": "RR", "M": "R5", "W": "5A"},
            guitar={"D": "7.4.", "B": "8.4.", "M": "7.4.", "W": "7.4."},
            tempo_qpm=(80, 130),
            families=("pop",),
        ),
        Style(
            "sixteen",
            kick={"D": "9.43", "B": "..44", "M": "6354", "W": "..4."},
            snare={"D": "....", "B": "9..2", "M": ".2..", "W": "...."},
            time=same("9262"),
            bass={"D": "9.44", "B": "4.45", "M": "6.44", "W": "4.45"},
            line={"D": "RR", "B": "88", "M": "R5", "W": "5A"},
            guitar=same("6.54"),
            tempo_qpm=(70, 115),
            families=("funk and soul", "hip hop"),
        ),
        Style(
            "ballad",
            kick={"D": "9...", "B": "..4.", "M": "7.3.", "W": "...."},
            snare=_BACKBEAT,
            time=same("9.6."),
            bass={"D": "9.3.", "B": "3.4.", "M": "7.3.", "W": "3.3."},
            line={"D": "RR", "B": "55", "M": "R5", "W": "5A"},
            guitar=same("8.5."),
            way="pick",
            hold=4.0,
            stick=True,
            tempo_qpm=(40, 85),
            families=("ballad",),
        ),
        Style(
            "two",
            kick={"D": "9.3.", "B": "..3.", "M": "8.3.", "W": "..3."},
            snare=_BACKBEAT,
            time=same("9.4."),
            bass={"D": "9.3.", "B": "3.3.", "M": "8.3.", "W": "3.3."},
            line={"D": "RR", "B": "5A", "M": "55", "W": "5A"},
            guitar={"D": "7.3.", "B": "8.3.", "M": "7.3.", "W": "8.3."},
            pulses=(2, 4),
            tempo_qpm=(90, 240),
            families=("country and folk", "march"),
        ),
        Style(
            "bossa",
            kick={"D": "9...", "B": "..3.", "M": "7.3.", "W": "..3."},
            snare={"D": "4..4", "B": "6...", "M": "..4.", "W": "6..."},
            time=same("8.7."),
            bass={"D": "9.3.", "B": "3.6.", "M": "8.3.", "W": "3.6."},
            line={"D": "RR", "B": "55", "M": "55", "W": "RA"},
            guitar={"D": "8.4.", "B": "7.5.", "M": "7.5.", "W": "7.4."},
            stick=True,
            pulses=(2, 4),
            programs=frozenset({24, 32}),
            families=("latin",),
        ),
        Style(
            "floor",
            kick=same("9..."),
            snare=_BACKBEAT,
            time=same("7.9."),
            bass=same("6.7."),
            line=same("R8"),
            guitar=same("7.7."),
            pulses=(2, 4),
            tempo_qpm=(110, 140),
            families=("disco and dance",),
        ),
        Style(
            "skank",
            kick={"D": "3...", "B": "..3.", "M": "9...", "W": "...."},
            snare={"D": "....", "B": "3...", "M": "6...", "W": "3..."},
            time=same("9.6."),
            bass={"D": "7.4.", "B": "4.5.", "M": "6.4.", "W": "4.4."},
            line={"D": "RR", "B": "35", "M": "R5", "W": "3A"},
            guitar=same("..9."),
            hold=0.5,
            stick=True,
            tempo_qpm=(60, 100),
            families=("reggae and ska",),
        ),
        Style(
            "waltz",
            kick={"D": "9...", "B": "....", "M": "5...", "W": "...."},
            snare={"D": "....", "B": "7...", "M": "....", "W": "7..."},
            time=same("8.4."),
            bass={"D": "9.3.", "B": "4.3.", "M": "6.3.", "W": "4.3."},
            line={"D": "RR", "B": "5A", "M": "55", "W": "35"},
            guitar={"D": "4...", "B": "8...", "M": "5...", "W": "8..."},
            hold=2.0,
            stick=True,
            pulses=(3,),
            tempo_qpm=(60, 240),
            families=("waltz",),
        ),
        Style(
            "swing",
            kick={"D": "6..", "B": "3..", "M": "5..", "W": "3.."},
            snare={"D": "...", "B": "7..", "M": "...", "W": "7.."},
            time={"D": "9..", "B": "9.8", "M": "9..", "W": "9.8"},
            bass=same("8.3"),
            line={"D": "RR", "B": "35", "M": "5R", "W": "AA"},
            guitar=same("8.2"),
            ride=True,
            divided="three",
            programs=JAZZ,
            tempo_qpm=(100, 300),
            families=("jazz and swing",),
        ),
        Style(
            "shuffle",
            kick={"D": "9.3", "B": "2.4", "M": "7.4", "W": "3.3"},
            snare={"D": "...", "B": "9..", "M": "...", "W": "..."},
            time=same("9.7"),
            bass=same("8.4"),
            line={"D": "RR", "B": "35", "M": "5R", "W": "5A"},
            guitar=same("7.5"),
            divided="three",
            tempo_qpm=(60, 140),
            programs=DISTORTED,
            families=("blues",),
        ),
        Style(
            "six",
            kick={"D": "9.3.3.", "B": "..3.4.", "M": "7.3.3.", "W": "3.3.3."},
            snare={"D": "......", "B": "9.....", "M": "......", "W": "......"},
            time=same("9.7.7."),
            bass={"D": "9.3.4.", "B": "5.3.4.", "M": "7.3.4.", "W": "5.3.4."},
            line={"D": "R5", "B": "R5", "M": "R5", "W": "5A"},
            guitar=same("8.6.6."),
            way="pick",
            hold=1.5,
            divided="six",
        ),
    )
}
