"""Words for what is missing: "Add a sparse, laid-back reggae bass".

Every instruction is read again before it leaves (`subtractive.claims`): it names its instrument
and no other, and states nothing that was not measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from subtractive.claims import claims, families_named
from subtractive.facts import Facts
from subtractive.lexicon import LEXICON, TOPICS, Entry
from subtractive.styles import style_words_in
from subtractive.terms import said

# what an instrument is called, with the article it takes: "" is a plural, "some" a mass noun
NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "drums": (
        ("", "drums"),
        ("", "drums"),
        ("", "beats"),
        ("some", "percussion"),
        ("a", "drum part"),
        ("a", "drum track"),
        ("a", "drum beat"),
        ("a", "drum groove"),
        ("a", "beat"),
    ),
    "bass": (
        ("a", "bass"),
        ("some", "bass"),
        ("a", "bassline"),
        ("a", "bass line"),
        ("a", "bass part"),
        ("a", "bass track"),
    ),
    "guitar": (
        ("a", "guitar"),
        ("some", "guitar"),
        ("a", "guitar part"),
        ("a", "guitar track"),
        ("a", "guitar accompaniment"),
    ),
}
_FRAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Add", ("", "", "", " to this", " to the song", " to this track", " to the mix")),
    ("Write", ("", "", " for this", " for the song", " for this tune")),
    ("Generate", ("", "", " for this", " for this track")),
    ("Create", ("", " for this", " for the song")),
    ("Compose", ("", " for this", " for this piece")),
    ("Put", (" under this", " behind this", " under the song")),
    ("Play", ("", " along with this")),
    ("Lay down", ("", " under this", " for this track")),
    ("Bring in", ("",)),
    ("Insert", ("", " into this", " into the arrangement")),
    ("Come up with", ("", " for this")),
    ("Give me", ("", " for this")),
    ("Give this song", ("",)),
    ("Give the track", ("",)),
)
# one adds a bass, but writes a bass part; plays a bassline, lays down some bass, but not a bass
_PLAYERS = frozenset({"bass", "guitar"})
_FOR_PARTS = frozenset({"Write", "Generate", "Create", "Compose", "Insert", "Come up with"})
_FOR_PLAYING = frozenset({"Play", "Lay down"})
_FLAIRS = ("feel", "flair", "flavour", "touch", "vibe")
# true of most parts, so said rarely
_DULL = frozenset({"straight", "medium", "even", "steady", "no_fills", "no_crashes", "on_beat"})
_LONGEST = 20  # words
_DRAFTS = 24
# how many forms of each slot a sentence holds
_ROOM = {"be": 2, "sort": 1, "with": 2, "that": 1, "hear": 0}
_PAUSES = frozenset({"a", "an", "the", "that", "to", "of", "in", "on", "it", "this", "for", "no"})


def _with_article(words: str) -> str:
    """Return words after "a" or "an", by the sound that they begin with."""
    spelled = re.match(r"[AEFHILMNORSX](?=[A-Z&])|8|11|18", words)
    spoken = re.match(r"[aeioAEIO]|[uU](?!ni|s)", words)
    as_y_or_w = re.match(r"one|eu", words, re.IGNORECASE)
    return ("an " if spelled or (spoken and not as_y_or_w) else "a ") + words


ChoiceT = TypeVar("ChoiceT")


def _one(choices: Sequence[ChoiceT], rng: np.random.Generator) -> ChoiceT:
    return choices[int(rng.integers(len(choices)))]


def _fit(terms: Sequence[str], instrument: str, rng: np.random.Generator) -> dict[str, list[str]]:
    """Return forms of the terms by slot, as many as a sentence holds."""
    filled: dict[str, list[str]] = {slot: [] for slot in _ROOM}
    for term in terms:
        free = [
            entry
            for entry in _entries(instrument, term)
            if len(filled[entry.slot]) < _ROOM[entry.slot]
            # after "drums with fills", "that" would speak of the fills
            and not filled[{"with": "that", "that": "with"}.get(entry.slot, "hear")]
        ]
        if free:
            entry = _one(free, rng)
            filled[entry.slot].append(_one(entry.forms, rng))
    return filled


def _sentence(instrument: str, terms: Sequence[str], style: str, rng: np.random.Generator) -> str:
    """Return an instruction that says `terms` and `style` (nothing of it if empty)."""
    filled = _fit(terms, instrument, rng)
    article, noun = _one(NOUNS[instrument], rng)
    alone = filled["that"] or style.endswith(("style", "like"))
    place = "before" if alone or rng.random() < 0.7 else _one(("flair", "in"), rng)
    in_style = ""
    if style and place == "flair":
        # "a lively Latin flair" takes its adjective from before the noun
        quality = [filled["be"].pop()] if filled["be"] and rng.random() < 0.6 else []
        filled["with"].insert(0, _with_article(" ".join([*quality, style, _one(_FLAIRS, rng)])))
    elif style and place == "in":
        in_style = f" in {_with_article(style)} style"
    elif style:
        plain = style.isalpha() and not style.endswith(("y", "ing"))
        filled["sort"].append(f"{style}-style" if plain and rng.random() < 0.1 else style)
    part = " ".join(filter(None, [", ".join(filled["be"]), *filled["sort"], noun]))
    if article == "a":
        part = _with_article(part)
    elif rng.random() < (0.8 if noun in _PLAYERS else 0.2):
        part = f"some {part}"
    part += in_style
    if filled["with"]:
        # "no fills and shakers" would be heard as neither; what trails on goes last as well
        ordered = sorted(filled["with"], key=lambda form: (form[:3] == "no ", len(form.split())))
        part += " with " + " and ".join(ordered)
    for each in filled["that"]:
        part += " that " + re.sub(r"\{(e?s)\}", r"\1" if article else "", each)
    # a longer part would stand too far from what it belongs to
    tailed = not (filled["that"] or filled["with"] or in_style)
    verb, tails = _one(
        [
            (verb, tails if tailed else ("",))
            for verb, tails in _FRAMES
            if (tailed or not tails[0]) and _takes(verb, article, noun)
        ],
        rng,
    )
    return f"{verb} {part}{_one(tails, rng)}"


def _takes(verb: str, article: str, noun: str) -> bool:
    """Whether a musician would put this noun after this verb."""
    if noun in _PLAYERS:
        return verb not in _FOR_PARTS and (article == "some" or verb not in _FOR_PLAYING)
    return verb != "Play" or not noun.endswith("track")


def _entries(instrument: str, term: str) -> list[Entry]:
    return [
        entry
        for entry in LEXICON
        if entry.term == term and instrument in entry.only and entry.slot != "hear"
    ]


def _chosen(
    instrument: str, true: Sequence[str], count: int, rng: np.random.Generator
) -> list[str]:
    """Return up to `count` terms of different topics; the dull ones are rare."""
    if not true:
        return []
    weight = np.array([0.15 if term in _DULL else 1.0 for term in true])
    chosen: dict[str, str] = {}
    for place in rng.choice(len(true), size=len(true), replace=False, p=weight / weight.sum()):
        chosen.setdefault(TOPICS[true[place], instrument], true[place])
    return list(chosen.values())[:count]


def instruction(
    instrument: str, facts: Facts, style_synonyms: Sequence[str], rng: np.random.Generator
) -> str:
    """Return words that ask for a part: its instrument, some of its facts, its style, or both.

    Parameters
    ----------
    instrument : str
    facts : Facts
        Of the part that is asked for.
    style_synonyms : sequence of str
        Words for its style that stand before a noun ("reggae", "bossa nova"); empty if unknown.
    rng : numpy.random.Generator

    Returns
    -------
    str
        One sentence without a full stop.
    """
    true = said(facts)
    for _ in range(_DRAFTS):
        mode = rng.random()
        style = _one(style_synonyms, rng) if style_synonyms and mode < 0.75 else ""
        count = 0 if style and mode < 0.25 else int(rng.choice(3, p=(0.45, 0.4, 0.15))) + 1
        words = _sentence(instrument, _chosen(instrument, true, count, rng), style, rng)
        # an adjective before a style may make it another one: "mellow country swing"
        if _is_sound(words, instrument, true) and families_named(words) <= style_words_in(style):
            return words
    return f"Add {'drums' if instrument == 'drums' else 'a ' + instrument}"


def _is_sound(words: str, instrument: str, true: Sequence[str]) -> bool:
    """Whether a draft is short, says no word twice, and states only what is true."""
    heard = claims(words)
    # a backbeat is a beat
    spoken = re.findall(r"[\w&]+", words.lower().replace("backbeat", "back beat"))
    stems = [re.sub(r"(ed|ing|s|y|ly)$", "", each) for each in spoken if each not in _PAUSES]
    return (
        len(words.split()) <= _LONGEST
        and len(set(stems)) == len(stems)
        and heard.instruments == {instrument}
        and heard.stated <= {*true}
        and not heard.denied
    )
