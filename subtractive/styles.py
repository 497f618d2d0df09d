"""Styles of music, in fourteen families: what plays them, and how musicians call them.

The table is ``styles.toml``, beside this file: it says of every groove file of MMA and of every
drum style of the Groove MIDI Dataset which style it is, or why it is none.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from subtractive.grooves import LIBRARIES

_HELD_OUT = 10  # of so many groove files, about one is held out


@dataclass(frozen=True, slots=True)
class Style:
    """A style as musicians tell it apart, such as bossa nova or slow blues.

    Attributes
    ----------
    name, family : str
    nouns : tuple of str
        What it is truly called, before an instrument or alone: "a ska bass", "in ska style". The
        names of its family follow, where they are true of it.
    adjectives : tuple of str
        All that is true before an instrument: the nouns, and words such as "jazzy".
    heard : tuple of str
        Other words that mean it in a text, though they would not be true of all that it covers.
    grooves, drums : tuple of str
        MMA's groove files as "library/name", and drum styles of the Groove MIDI Dataset.
    """

    name: str
    family: str
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    heard: tuple[str, ...]
    grooves: tuple[str, ...]
    drums: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Styles whose rhythm sections play alike.

    `nouns`, `adjectives` and `heard` are as in `Style`, and true of every style but those that
    stand apart: nobody would call ska reggae, so reggae and ska have no word in common.
    """

    name: str
    nouns: tuple[str, ...]
    adjectives: tuple[str, ...]
    heard: tuple[str, ...]
    styles: tuple[Style, ...]


def _unique(*words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _family(name: str, table: dict[str, Any]) -> Family:
    nouns, adjectives = table.get("words", []), table.get("adjectives", [])
    styles = []
    for key, row in table.items():
        if isinstance(row, dict):
            shared = ([], []) if row.get("apart") else (nouns, adjectives)
            own, only = [key, *row.get("words", [])], row.get("adjectives", [])
            styles.append(
                Style(
                    name=key,
                    family=name,
                    nouns=_unique(*own, *shared[0]),
                    adjectives=_unique(*own, *only, *shared[0], *shared[1]),
                    heard=tuple(row.get("heard", [])),
                    grooves=tuple(row.get("grooves", "").split()),
                    drums=tuple(row.get("drums", "").split()),
                )
            )
    heard = tuple(table.get("heard", []))
    return Family(name, tuple(nouns), _unique(*nouns, *adjectives), heard, tuple(styles))


def _plain(text: str) -> str:
    """Return words in lower case between single spaces, without accents, hyphens, apostrophes."""
    # "BossaNova" and "jazz-waltz" are the words that a musician would write apart
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("&", " and ")
    letters = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z]+|\d+s\b|\d+", letters.lower()))


_TABLE = tomllib.loads((files("subtractive") / "styles.toml").read_text(encoding="utf-8"))
LEFT_OUT: dict[str, str] = {
    **_TABLE["left-out"]["grooves"],
    **_TABLE["left-out"]["drums"],
}
"""Groove files and drum styles of no family, each with the reason."""

WITHOUT_BAND = frozenset(_TABLE["without-band"]["grooves"].split())
"""Groove files of the careful libraries in which drums, bass or guitar never play with others."""

KIN = frozenset(_TABLE["kin"]["grooves"].split())
"""Groove files that were made from one another: they are never held out."""

FAMILIES: tuple[Family, ...] = tuple(
    _family(name, rows)
    for name, rows in _TABLE.items()
    if name not in ("left-out", "without-band", "kin", "not-a-style")
)
_FAMILY = {family.name: family for family in FAMILIES}
STYLES: tuple[Style, ...] = tuple(style for family in FAMILIES for style in family.styles)
_OF_GROOVE = {file: style for style in STYLES for file in style.grooves}
_OF_DRUMS = {each: style for style in STYLES for each in style.drums}


def _phrases() -> dict[str, tuple[str, str]]:
    """Return what each phrase means: family and style, two empty texts if it is no style."""
    listed = [(phrase, ("", "")) for phrase in _TABLE["not-a-style"]["phrases"]]
    listed += [(style.name, (style.family, style.name)) for style in STYLES]
    for family in FAMILIES:
        listed += [(word, (family.name, "")) for word in (*family.adjectives, *family.heard)]
    for style in STYLES:
        own = style.family, style.name
        listed += [(word, own) for word in (*style.adjectives, *style.heard)]
    # the first of the list rules: what styles share means their family, or the first of them
    meaning = dict(reversed(listed))
    # "RnB" is taken apart at its capitals, "rnb" is not
    return {form: found for word, found in meaning.items() for form in _forms(word)}


def _forms(word: str) -> tuple[str, str]:
    return _plain(word), _plain(word.lower())


_PHRASES = _phrases()
# longest first: of alternatives that fit, an expression takes the first, not the longest
_PATTERN = re.compile(
    r"(?<!\S)(?:" + "|".join(sorted(map(re.escape, _PHRASES), key=len, reverse=True)) + r")(?!\S)"
)


def _meanings(text: str) -> Iterator[tuple[str, str]]:
    for match in _PATTERN.finditer(_plain(text)):
        family, style = _PHRASES[match[0]]
        if family:
            yield family, style


def style_words_in(text: str) -> set[str]:
    """Return the names of the families whose words occur in `text` as whole words.

    Where phrases overlap the longest counts alone: "folk rock" is rock and nothing else, and
    "rhythm and blues" no blues. Phrases that only sound like styles ("with a twist") count for
    nothing.
    """
    return {family for family, _ in _meanings(text)}


def styles_in(text: str) -> set[str]:
    """Return the names of the styles that `text` speaks of, or of families where it says no more.

    Finer than `style_words_in`: a samba that was rewritten as a bossa nova is another style of
    the same family.
    """
    return {style or family for family, style in _meanings(text)}


def style_of(label: str, file: str = "") -> Style | None:
    """Return the style that the table gives a groove file or a drum style; None if it has none.

    Parameters
    ----------
    label : str
        A groove's name, a groove file, a file and a groove ("stdlib/ska:Ska1"), or a drum style.
    file : str
        The groove file, "library/name"; decides alone where it is given.
    """
    file = file or label.partition(":")[0]
    # four drummers played the same ten beats, which are named "soul-groove3" and the like
    return _OF_GROOVE.get(file) or _OF_DRUMS.get(re.sub(r"-groove\d+$", "", file))


def family_of(label: str, file: str = "") -> str:
    """Return the name of the family that a label means, or nothing.

    Parameters
    ----------
    label : str
        As in `style_of`, or a user's words: "jazzy", "lively Latin flair". The last style that
        they name counts, as in "a jazzy waltz".
    file : str
        The groove file, if `label` is a groove's name; that name counts only if the table does
        not know the file.
    """
    style = style_of(label, file)
    if style:
        return style.family
    if (file or label.partition(":")[0]) in LEFT_OUT:
        return ""
    return next((family for family, _ in reversed([*_meanings(label)])), "")


def synonyms(family: str, label: str, file: str = "") -> tuple[str, ...]:
    """Return words that truly describe what a label names, each to stand before an instrument.

    Parameters
    ----------
    family : str
        Name of a family; an unknown one has no words.
    label, file : str
        As in `style_of`. Where they name no style of the family, the words are those that are
        true of nearly all of it; there may be none.

    Returns
    -------
    tuple of str
        The closest first: "bossa nova", "bossa", "Brazilian", "Latin".
    """
    style = style_of(label, file)
    if style and style.family == family:
        return style.adjectives
    return _FAMILY[family].adjectives if family in _FAMILY else ()


def _order(file: str) -> bytes:
    return hashlib.sha256(file.encode()).digest()


def _held_out(grooves: set[str]) -> list[str]:
    """Return the groove files of one family that are held out.

    Careful libraries are shared out by themselves, so that both sides have what the weights that
    are given away may learn from; what other libraries hold moves nothing among them.
    """
    careful = {
        file for file in grooves if file.split("/")[0] in LIBRARIES and file not in WITHOUT_BAND
    }
    others = grooves - careful
    held = _drawn(careful, at_least=len(careful) > 1)
    return held + _drawn(others, at_least=not held and len(grooves) > 1)


def _drawn(grooves: set[str], at_least: int) -> list[str]:
    """Return about one file in ten by the hash of its name, each of another style."""
    backwards = sorted(grooves - KIN, key=_order, reverse=True)
    # two twists would stand for all of rock
    of_style = {_OF_GROOVE[file].name: file for file in backwards}
    return sorted(of_style.values(), key=_order)[: max(round(len(grooves) / _HELD_OUT), at_least)]


_VALID = frozenset(
    file
    for family in FAMILIES
    for file in _held_out({file for style in family.styles for file in style.grooves})
)


def split_of_groove_file(file: str) -> Literal["train", "valid"]:
    """Return the side on which a groove file is, by the table alone.

    Of each family about one file in ten is held out, at least one of two or more; files of no
    family and files that the table does not know are learned from.
    """
    return "valid" if file in _VALID else "train"
