"""What words ask of a stem of sound: the concepts of the notes' half, and those of sound itself.

No text reaches the model. What is said is read by the lexicon and the table below as a list of
concepts, and what lessons are truly like is measured or known from how they were rendered. So it
needs no download, and a word no lesson used is understood as well as its commonest synonym.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from subtractive.claims import claims
from symbolic.concepts import CONCEPTS as OF_NOTES
from symbolic.concepts import drawn as drawn_of_notes
from symbolic.concepts import heard as heard_in_notes

# what a text may call each manner of sound
_SOUNDS: dict[str, str] = {
    "bright": r"bright(?:er|ly)?|crisp|sparkling|shiny|airy|sizzling|cymbal crashes|brilliant",
    "dark": r"dark(?:er)?|warm(?:er)?|muffled|dull|mellow|muted|lo fi|lofi|dusty|round",
    "loud": r"loud(?:er|ly)?|aggressive(?:ly)?|hard hitting|heavy|powerful|punchy|pounding|huge",
    "quiet": r"quiet(?:er|ly)?|soft(?:er|ly)?|gentle|gently|subtle|delicate|in the background",
    "roomy": r"roomy|big room|reverb|reverberant|spacious|ambient|distant|echo(?:ing|ey)?|live",
    "dry": r"dry|close|tight|dead|studio",
    "electronic": r"electronic|electro|synthetic|machine|808|909|programmed|edm|house|techno|trap",
    "808": r"808|trap",
    "brushes": r"brush(?:es|ed)?|brushwork",
    "power kit": r"power|arena|stadium|rock",
    "acoustic": r"acoustic|natural|unplugged|organic",
}
SOUNDS = tuple(_SOUNDS)
CONCEPTS: tuple[str, ...] = (*OF_NOTES, *(f"sound:{name}" for name in SOUNDS))
"""All that can be asked for; the order is that of the weights."""

# the phrases of the table, endings aside: "bright(?:er|ly)?" is told as "bright"
KNOWN: tuple[str, ...] = tuple(
    form for each in _SOUNDS.values() for form in re.sub(r"\(\?:[^)]*\)\??", "", each).split("|")
)
"""What is understood of sound beside the lexicon."""
_PATTERNS = {name: re.compile(rf"\b(?:{pattern})\b") for name, pattern in _SOUNDS.items()}
_DENIED = re.compile(r"\b(?:no|not|without|less|never)(?: (?:too|any|so|much|very))? \w+")
# terms of playing that one hears in the sound as well
_ALSO = {"loud": "loud", "aggressive": "loud", "soft": "quiet", "gentle": "quiet"}


def sounds(names: Sequence[str]) -> list[int]:
    """Return manners of sound as indices into `CONCEPTS`."""
    return [len(OF_NOTES) + SOUNDS.index(name) for name in names]


def heard(words: str, instrument: str) -> list[int]:
    """Return what words ask of a stem, as indices into `CONCEPTS`, ascending.

    Parameters
    ----------
    words : str
        Such as "Add bright 808 drums"; what is denied ("not too loud") is not asked for.
    instrument : str
    """
    plain = " ".join(re.findall(r"[a-z0-9]+", words.lower()))
    plain = _DENIED.sub(" ", plain)
    found = {name for name, pattern in _PATTERNS.items() if pattern.search(plain)}
    found |= {_ALSO[term] for term in claims(words).stated if term in _ALSO}
    return sorted({*heard_in_notes(words, instrument), *sounds(sorted(found))})


def drawn(true: Sequence[int], share: float, rng: np.random.Generator) -> list[int]:
    """Return some of what is true of a stem, as a user might say it.

    Parameters
    ----------
    true : sequence of int
        Indices into `CONCEPTS`.
    share : float
        Of all draws that say anything of the notes, and of those that say anything of the sound.
    rng : numpy.random.Generator
    """
    notes = [concept for concept in true if concept < len(OF_NOTES)]
    said = drawn_of_notes(notes, share, rng)
    if rng.random() < share:
        said += [each for each in true if each >= len(OF_NOTES) and rng.random() < 0.6]
    return said
