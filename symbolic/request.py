"""What to write, and for which music."""

from __future__ import annotations

from dataclasses import dataclass

from subtractive.arrangement import Arrangement, KeySignature, Note, Part
from subtractive.instruments import Instrument, instrument
from symbolic.manner import PLAIN, Manner, of_words
from symbolic.passages import Span
from symbolic.sketches import tempo_of


@dataclass(frozen=True, slots=True)
class Request:
    """What to write, and for which music.

    Attributes
    ----------
    context : Arrangement
        The music without the instrument. Its chord symbols, if it has any, are followed.
    instrument : str
    seed : int
    temperature : float or None
        Above 0: low is plain and sure, 1 is as varied as the music learned from; None: the default.
    key : KeySignature or None
        None: estimated from the context.
    program : int or None
        General MIDI program of the part; None: chosen by the writer.
    takes : int or None
        How many times each window of bars is written before the take that agrees most with the
        others is kept, 1 to 32; None: the default. One take is faster, and an odd one more often.
    words : str
        How the part should be, such as "Add a laid-back reggae bass"; may be empty.
    span : Span or None
        The bars to write; None: all.
    played : Part or None
        What the instrument plays before the span: the part goes on from there.
    manner : Manner
        How the part should be in numbers; counts before the words.
    kept : tuple of Note
        What the part shall hold in any case, in the context's ticks.
    feel : float or None
        Of drums: how far they are beside the grid, 1 as people play; None: on the grid.
    guidance : float or None
        How far the part leans away from what would be written without the words: 1 is the writer's
        own opinion of them, more insists; None: the default.
    """

    context: Arrangement
    instrument: str
    seed: int = 0
    temperature: float | None = None
    key: KeySignature | None = None
    program: int | None = None
    takes: int | None = None
    words: str = ""
    span: Span | None = None
    played: Part | None = None
    manner: Manner = PLAIN
    kept: tuple[Note, ...] = ()
    feel: float | None = None
    guidance: float | None = None


def manner_of(request: Request) -> Manner:
    """Return how a part should be: by numbers, and else by words."""
    name = instrument(request.instrument).name
    told = of_words(request.words, name, tempo_of(request.context))
    return request.manner.over(told).checked(name)


def register_within(wanted: Instrument, manner: Manner) -> tuple[int, int]:
    """Return the lowest and the highest pitch that may be played."""
    low, high = manner.register or (wanted.lowest, wanted.highest)
    return max(low, wanted.lowest), min(high, wanted.highest)
