"""What is asked for: the instrument, and what the user says about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instruction:
    """A request for one part.

    Attributes
    ----------
    instrument : str
        One of `subtractive.instruments.INSTRUMENTS`.
    program : int or None
        General MIDI program of the new part; None lets the product choose.
    words : str
        How the part should be, such as "Add a laid-back reggae bass"; may be empty.
    """

    instrument: str
    program: int | None = None
    words: str = ""
