"""What a text states about music: the lexicon, read in the other direction.

`claims` hears the instruments and the terms of a sentence in plain English, and `contradictions`
holds them against the facts.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

from subtractive.facts import Facts
from subtractive.lexicon import LEXICON
from subtractive.styles import style_words_in
from subtractive.terms import TERMS, refuted, said


@dataclass(frozen=True, slots=True)
class Claims:
    """What a text states.

    Attributes
    ----------
    instruments : frozenset of str
        "drums", "bass", "guitar", and "other" for any other one.
    stated, denied : frozenset of str
        Terms of `subtractive.terms.TERMS`; denied are those after "no", "not", "without".
    """

    instruments: frozenset[str]
    stated: frozenset[str]
    denied: frozenset[str]


# The longest name stands first: a bass clarinet is no bass, a bass drum and a bass guitar are not
# what they begin with. What is called "" is a style that holds names of instruments.
_NAMES = (
    ("", r"drum (?:and|n|&) bass|steel drums?"),
    (
        "other",
        r"bass (?:clarinet|trombone|flute|sax)|pianos?|keys|keyboards?|organs?|synths?(?! bass)|"
        r"violins?|cellos?|string (?:section|quartet)|orchestra|horns?|brass|sax(?:ophone)?s?|"
        r"trumpets?|trombones?|flutes?|clarinets?|harmonicas?|accordions?|banjos?|mandolins?|"
        r"ukuleles?|vocals?|singers?|choirs?",
    ),
    ("drums", r"(?:bass |hand )?drums?|drumming|drummers?|drumbeats?|drumkits?|percussion"),
    ("bass", r"bass guitars?|bass(?:es)?|basslines?|bassists?"),
    ("guitar", r"guitars?|guitarists?"),
)
# sound like styles
_FEELS = frozenset({"straight", "light_swing", "swung", "hard_swing", "one_drop"})
# these name the drums only where no instrument is named: a bass may have a steady beat
_HINTS = re.compile(r"\b(?:beats?|percussive|snares?|kicks?|hi hats?|cymbals?)\b")
_IDLE = ("low key", "hi hats?", "high hats?")  # hold words that mean something else alone
_DENIAL = (
    r"\b(?:no|not|without|never|nor|avoid|avoiding)(?: (?:any|too|much|a|an|the|overly|very))*"
)


def _pattern(form: str) -> str:
    return re.sub(r"\\\{(e?s)\\\}", r"(?:\1)?", re.escape(form.replace("-", " ")))


def _forms() -> tuple[dict[str, str], re.Pattern[str]]:
    """Return the term of each spoken form, and a pattern that finds the longest forms."""
    term_of: dict[str, str] = {}
    patterns = [(each, each) for each in _IDLE]
    for entry in LEXICON:
        for form in entry.forms:
            # an article in front adds nothing that must be heard
            core = re.sub(r"^(?:a|an|the) ", "", form)
            patterns.append((core, _pattern(core)))
            for ending in ("", "s", "es"):
                plain = re.sub(r"\{e?s\}", ending, core).replace("-", " ")
                term_of[plain] = entry.term
    patterns.sort(key=lambda pair: -len(pair[0]))
    found = "|".join(dict.fromkeys(pattern for _, pattern in patterns))
    return term_of, re.compile(rf"(?P<denial>{_DENIAL} )??\b(?P<form>{found})\b")


_TERM_OF, _FORM = _forms()
_NAMED = re.compile(
    rf"\b(?:{'|'.join(rf'(?P<{name or chr(95)}>{names})' for name, names in _NAMES)})\b"
)


def _plain(text: str) -> str:
    """Return a text in lower case, hyphens as spaces, signs apart from words."""
    spoken = re.findall(r"[^\W_]+(?:[&'/][^\W_]+)*|[.,;:!?]", text.lower().replace("’", "'"))
    return " ".join(spoken).replace("rock'n'roll", "rock and roll")


def words_of_names() -> frozenset[str]:
    """Return all words that stand in the names of instruments, and in what hints at drums."""
    patterns = " ".join((*(names for _, names in _NAMES), _HINTS.pattern, *_IDLE))
    # "cymbals?" is a cymbal or cymbals; "\\b" is no word
    stems = re.findall(r"[a-z]+", re.sub(r"\\.", " ", patterns))
    return frozenset((*stems, *(f"{stem}s" for stem in stems)))


def claims(text: str) -> Claims:
    """Return what a text in plain English states, as far as the lexicon goes.

    Parameters
    ----------
    text : str

    Returns
    -------
    Claims
    """
    plain = _plain(text)
    named = {match.lastgroup or "" for match in _NAMED.finditer(plain)}
    instruments = named - {"_"} or ({"drums"} if _HINTS.search(plain) else set())
    stated: set[str] = set()
    denied: set[str] = set()
    for match in _FORM.finditer(plain):
        term = _TERM_OF.get(match["form"], "")
        (denied if match["denial"] else stated).add(term)
    return Claims(frozenset(instruments), frozenset(stated - {""}), frozenset(denied - {""}))


def _without_feel(form: re.Match[str]) -> str:
    """Return a form, or nothing if it is a feel: "a light swing" makes no jazz."""
    return " " if _TERM_OF.get(form["form"]) in _FEELS else form[0]


def families_named(text: str) -> set[str]:
    """Return the style families that a text speaks of, its feel aside.

    `style_words_in` hears jazz in "a light swing" and reggae in "a one-drop pattern"; a part can be
    asked for in either manner without being of that style.
    """
    return style_words_in(_FORM.sub(_without_feel, _plain(text)))


def contradictions(
    text: str,
    instrument: str,
    facts: Facts,
    families: Set[str],
) -> tuple[str, ...]:
    """Return what is wrong in a text that asks for a part.

    Parameters
    ----------
    text : str
    instrument : str
    facts : Facts
        Of the part.
    families : set of str
        Style families that the text must speak of, and no others; empty if it may speak of none.

    Returns
    -------
    tuple of str
        Each as "kind: what", the kinds being "instrument", "fact" and "style"; empty if all holds.
    """
    heard = claims(text)
    true, false = {*said(facts)}, {*refuted(facts)}
    wrong = [f"instrument: names {name}" for name in sorted(heard.instruments - {instrument})]
    if instrument not in heard.instruments:
        wrong.append(f"instrument: does not name {instrument}")
    for term in sorted(heard.stated):
        if term not in TERMS[instrument]:
            wrong.append(f"fact: says {term}, which is nothing that {instrument} can be")
        elif term in false:
            wrong.append(f"fact: says {term}")
    wrong += [f"fact: denies {term}" for term in sorted(heard.denied & true)]
    wrong += [f"style: loses {family}" for family in sorted(families - style_words_in(text))]
    wrong += [f"style: names {family}" for family in sorted(families_named(text) - families)]
    return tuple(wrong)
