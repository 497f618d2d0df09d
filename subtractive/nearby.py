"""Words that the lexicon has not, read as the nearest ones that it has.

A table holds a vector for each of 21,000 English words, distilled from a sentence model
(`symbolic.distil`). What a user writes is rewritten before anything reads it: "Marley" becomes
"reggae", "deafening" becomes "loud", "agressive" becomes "aggressive". So all that the lexicon
leads, notes and sound, follows words that nobody listed, and a user is told what was understood.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load

from subtractive.claims import claims, words_of_names
from subtractive.lexicon import LEXICON
from subtractive.styles import FAMILIES, Family, Style, styles_in

LEAST_LIKENESS = 0.45
"""Cosine from which a word counts as another; see benchmarks/results/nearby.json."""
_LEAST_SPELLED = 0.85  # share of letters that a slip of the pen leaves in their places
_SHORTEST = 4  # letters; shorter words are function words and abbreviations

# What surrounds the words that say how a part shall be. Some of them lie near a word of the lexicon
# ("sound" near "loud", "very" near "powerful") and none of them asks for it.
_IDLE = frozenset((files("subtractive") / "idle_words.txt").read_text().split())


@dataclass(frozen=True, slots=True)
class Understood:
    """A text in words that are known.

    Attributes
    ----------
    text : str
        What was written, its unknown words replaced.
    readings : tuple of (str, str)
        Each word that was replaced, and what stands for it.
    asks : bool
        Whether anything is asked for, of a style or in a manner.
    """

    text: str
    readings: tuple[tuple[str, str], ...] = ()
    asks: bool = True

    def remarks(self) -> list[str]:
        """Return sentences that tell a user what was understood; none if all was plain."""
        told = [f'"{said}" is understood as "{meant}"' for said, meant in self.readings]
        if self.text.strip() and not self.asks:
            told.append(
                f'the prompt "{self.text}" asks for nothing that is known: name a style, such as '
                '"reggae", or a manner, such as "soft" or "busy"'
            )
        return told


def _words_of_styles() -> list[str]:
    """Return all that families and their styles are called."""
    named: list[Family | Style] = []
    for family in FAMILIES:
        named += [family, *family.styles]
    return [word for each in named for word in (each.name, *each.adjectives, *each.heard)]


@cache
def _plain_words() -> tuple[str, ...]:
    """Return the single words that mean something by themselves, in the order of the tables."""
    forms = [re.sub(r"\{e?s\}", "", form) for entry in LEXICON for form in entry.forms]
    plain = [form.lower() for form in (*forms, *_words_of_styles())]
    return tuple(dict.fromkeys(form for form in plain if re.fullmatch("[a-z]+", form)))


@cache
def _known_words() -> frozenset[str]:
    """Return all words that stand in any form of the tables, whatever they mean there."""
    forms = [
        re.sub(r"\{e?s\}", ending, form)
        for entry in LEXICON
        for form in entry.forms
        for ending in ("", "s", "es")
    ]
    listed = re.findall("[a-z]+", " ".join((*forms, *_words_of_styles())).lower())
    return frozenset(listed) | words_of_names()


@cache
def _vectors() -> tuple[dict[str, int], npt.NDArray[np.float32]]:
    """Return the place of each word, and the vectors, of length 1 [shape=(word, dimension)]."""
    table = load((files("subtractive") / "nearby.safetensors").read_bytes())
    words = table["words"].tobytes().decode().split()
    vectors = table["vectors"].astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return {word: place for place, word in enumerate(words)}, vectors


def nearest(word: str, among: Collection[str]) -> tuple[str, float]:
    """Return the word of `among` that is most like another, and how alike they are.

    Parameters
    ----------
    word : str
        In lower case.
    among : collection of str

    Returns
    -------
    (str, float)
        The likeness is a cosine; -1, and no word, if the table lacks it or all of `among`.
    """
    place, vectors = _vectors()
    able = [each for each in among if each in place]
    if word not in place or not able:
        return "", -1.0
    likeness = vectors[[place[each] for each in able]] @ vectors[place[word]]
    best = int(np.argmax(likeness))
    return able[best], float(likeness[best])


def understood(
    text: str, also: Collection[str] = (), *, least_likeness: float = LEAST_LIKENESS
) -> Understood:
    """Return a text in words that the lexicon knows.

    Parameters
    ----------
    text : str
        In English, such as "Add ferocious drums".
    also : collection of str
        Words and phrases in lower case that the reader knows beside the lexicon.
    least_likeness : float
        Cosine from which an unknown word counts as its nearest one.

    Returns
    -------
    Understood
        Understood again, its text is as it was.
    """
    among = tuple(dict.fromkeys((*_plain_words(), *(each for each in also if each.isalpha()))))
    known = _known_words() | frozenset(" ".join(also).split()) | _IDLE
    readings: dict[str, str] = {}

    def read(match: re.Match[str]) -> str:
        said = match[0]
        meant = _read(said.lower(), among, known, least_likeness)
        if not meant:
            return said
        readings[said] = meant
        return meant

    # nothing within a number, a sign or a compound, such as "B2B" or "palm-muted"
    rewritten = re.sub(rf"(?<![\w&/'-])[A-Za-z]{{{_SHORTEST},}}(?![\w&/-])", read, text)
    heard = claims(rewritten)
    asked = heard.stated | heard.denied | styles_in(rewritten)
    asks = bool(asked) or any(re.search(rf"\b{each}", rewritten.lower()) for each in also)
    return Understood(rewritten, tuple(readings.items()), asks)


def _read(word: str, among: tuple[str, ...], known: frozenset[str], least_likeness: float) -> str:
    """Return what an unknown word stands for, or nothing."""
    if word in known or word.removesuffix("s") in known:
        return ""
    if word not in _vectors()[0]:
        # no word of English: a slip of the pen, if it is anything
        close = difflib.get_close_matches(word, among, n=1, cutoff=_LEAST_SPELLED)
        return close[0] if close else ""
    meant, likeness = nearest(word, among)
    return meant if likeness >= least_likeness else ""
