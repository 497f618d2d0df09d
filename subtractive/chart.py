"""What a user says of harmony by hand: a chart of chords, a key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle

from subtractive.arrangement import Bar, ChordSymbol, KeySignature
from subtractive.chord_symbols import parse_chord, pitch_class
from subtractive.errors import OptionError
from subtractive.harmony import key_signature

_KEY = re.compile(r"\s*([A-Ga-g][#b♯♭]?)\s*-?\s*(m|min|minor|maj|major|)\s*", re.IGNORECASE)


def parse_key(text: str) -> KeySignature:
    """Return the key called `text`, such as "Eb", "F# minor" or "Am"; "a" alone is A major.

    Raises
    ------
    OptionError
        If it names no key.
    """
    found = _KEY.fullmatch(text)
    if found is None:
        raise OptionError(f"{text!r} is no key: write one such as C, Eb, Am or F# minor")
    note, mode = found.groups()
    is_minor = mode.lower().startswith("mi") or mode == "m"
    return key_signature(pitch_class(note[0].upper() + note[1:]), is_minor)


def chord_chart(text: str, bars: Sequence[Bar]) -> tuple[ChordSymbol, ...]:
    """Return chord symbols for all bars from a chart that is repeated to the end.

    Parameters
    ----------
    text : str
        Bars between "|"; the chords of a bar share it evenly, on its beats; an empty bar or "%"
        keeps what sounds: "Am | F C/E | G | %".
    bars : sequence of Bar
        The bars to fill.

    Raises
    ------
    OptionError
        If a chord cannot be read, or there is none.
    """
    written = [bar.split() for bar in text.strip().strip("|").split("|")]
    if not any(name != "%" for bar in written for name in bar):
        raise OptionError('the chart holds no chord: write bars such as "Am | F | C/E G"')
    symbols: list[ChordSymbol] = []
    for bar, names in zip(bars, cycle(written), strict=False):
        beats = max(1, -(-bar.length // bar.beat))
        for place, name in enumerate(names):
            onset = bar.onset + place * beats // len(names) * bar.beat
            if name != "%":
                symbol = parse_chord(name, onset)
                if symbols and symbols[-1].tick == onset:
                    symbols.pop()
                symbols.append(symbol)
    return tuple(symbols)
