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
    """

    instrument: str
    program: int | None = None
