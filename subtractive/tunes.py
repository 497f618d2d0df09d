"""Plans tunes for MMA: grooves, form, chords, key, tempo and melody, all from one seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subtractive import melody
from subtractive.arrangement import Note
from subtractive.grooves import Groove
from subtractive.mma import EDITION, TICKS, Chart, Passage
from subtractive.progressions import BarChords, Chord, chord, idioms_of, moved, progression

# Letters are sections; one that returns brings back its chords, its groove and its melody.
_FORMS: dict[int, tuple[str, ...]] = {
    4: ("AABBAABB", "ABACABAC", "AABAAABA", "AABBCCBB", "ABABABAB", "AAAABBAABB"),
    8: ("AABA", "ABAB", "AAB", "ABAC", "AABB", "ABABC", "AABAB", "ABCAB"),
    12: ("AA", "AAA", "AAAA", "ABA"),
}
_MAJOR_KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_MINOR_KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
# No groove says how fast it goes; its file's name does. In beats of the metre a minute.
_TEMPI = (
    (r"slow|hymn|spiritual", 72),
    (r"ballad|lullaby", 80),
    (r"reggae", 84),
    (r"hiphop", 92),
    (r"fast|bebop|bluegrass|polka|quickstep", 176),
    (r"metal|punk|twist|jive", 152),
    (r"swing|jazz|bigband|dixie|charleston|foxtrot", 140),
    (r"techno|trance|boneym", 126),
    (r"waltz", 120),
    (r"march", 116),
    (r"blues", 104),
    (r"rhumba|beguine|bolero|folk", 100),
)
_VALID_SHARE = 0.1
_LONGEST_INTRO, _LONGEST_END = 8, 4  # bars


@dataclass(frozen=True, slots=True)
class Tune:
    """One tune to make, and what the index tells of it."""

    number: int
    seed: int
    grooves: tuple[str, ...]
    form: str
    chart: Chart

    @property
    def style(self) -> str:
        """The groove file and the groove of the first section, such as "stdlib/ska:Ska1"."""
        return f"{self.chart.file}:{self.grooves[0]}"

    @property
    def bars(self) -> int:
        """Length of the tune."""
        return sum(len(passage.bars) for passage in self.chart.passages)

    @property
    def path(self) -> str:
        """Path of its MIDI file inside the corpus; another chart never has the same."""
        digest = hashlib.sha256(f"{EDITION} {self.chart}".encode()).hexdigest()[:10]
        stem = self.chart.file.replace("/", "-")
        return f"midi/{self.number // 1000:03d}/{self.number:06d}-{stem}-{digest}.mid"


@dataclass(frozen=True, slots=True)
class _Song:
    """Form and harmony, in the key that sounds."""

    form: str
    sections: dict[str, tuple[BarChords, ...]]
    key: int
    minor: bool

    def chord(self, name: str) -> Chord:
        """Return a chord written in C, moved to the song's key."""
        return chord(name).transposed(self.key)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bars in one groove; `letter` is empty where the melody rests, `first` counts in a section."""

    letter: str
    first: int
    groove: str
    bars: tuple[BarChords, ...]


def split_of(group: str) -> str:
    """Return "train" or "valid" for a group, by its hash alone: about one in ten is held out."""
    digest = hashlib.sha256(group.encode()).digest()
    return "valid" if int.from_bytes(digest[:8], "big") < _VALID_SHARE * 2**64 else "train"


def plan(grooves: Sequence[Groove], seed: int, number: int) -> Tune:
    """Return tune `number` of the corpus of `seed`.

    The groove *file* is drawn uniformly, so that rare styles count as much as those with many
    variants.

    Parameters
    ----------
    grooves : sequence of Groove
        At least one of them a complete main groove.
    seed, number : int
    """
    rng = np.random.default_rng([seed, number])
    kin, variants = _choose(rng, grooves)
    first = variants[0]
    song = _harmony(rng, first.file)
    stretches = _arrange(rng, kin, variants, song)
    notes, voice = _sing(rng, stretches, first, song)
    names = _MINOR_KEYS if song.minor else _MAJOR_KEYS
    spelling = (song.key + 3) % 12 if song.minor else song.key
    beats = _beats(first)
    chart = Chart(
        file=first.file,
        beats=first.beats,
        metre=first.metre,
        tempo=round(_pace(rng, first) * 4 * first.metre[0] / first.metre[1] / beats, 2),
        key=f"{names[song.key]} {'minor' if song.minor else 'major'}",
        seed=int(rng.integers(1, 2**31)),
        passages=tuple(
            Passage(each.groove, tuple(tuple(c.name(spelling) for c in bar) for bar in each.bars))
            for each in stretches
        ),
        melody=notes,
        melody_program=voice,
    )
    others = sorted({each.groove for each in stretches} - {first.name})
    return Tune(number, seed, (first.name, *others), song.form, chart)


def _choose(
    rng: np.random.Generator, grooves: Sequence[Groove]
) -> tuple[list[Groove], list[Groove]]:
    """Return all grooves that fit one another, and three main ones for sections A, B and C."""
    mains = [each for each in grooves if each.complete and each.place == "main"]
    file = str(rng.choice(sorted({each.file for each in mains})))
    of_file = [each for each in mains if each.file == file]
    guitars = [each for each in of_file if "guitar" in each.roles]
    pool = guitars if guitars and rng.random() < 0.75 else of_file
    first = pool[int(rng.integers(len(pool)))]
    fitting = (first.beats, first.metre)
    kin = [each for each in grooves if each.file == file and (each.beats, each.metre) == fitting]
    others = [each for each in of_file if each in kin and each != first]
    picked = [others[int(place)] for place in rng.permutation(len(others))[:2]]
    return kin, ([first, *picked] * 3)[:3]


def _harmony(rng: np.random.Generator, file: str) -> _Song:
    idiom = str(rng.choice(idioms_of(file)))
    length = 12 if idiom == "blues" else 4 if rng.random() < 0.3 else 8
    form = str(rng.choice(_FORMS[length]))
    minor = idiom == "minor" or (idiom == "grown" and bool(rng.random() < 0.4))
    sections: dict[str, tuple[BarChords, ...]] = {}
    for letter in sorted(set(form)):
        # a bridge may be plainer than the rest, but not of another mode
        own = idiom if letter == "A" or minor or rng.random() < 0.75 else "pop"
        bars = length if letter == "A" else min(length, 8)
        sections[letter] = progression(rng, own, bars, minor)
    minor = minor or sections["A"][0][0].minor_tonic
    key = int(rng.integers(12))
    return _Song(form, {name: moved(bars, key) for name, bars in sections.items()}, key, minor)


def _arrange(
    rng: np.random.Generator, kin: list[Groove], variants: list[Groove], song: _Song
) -> list[_Stretch]:
    """Return intro, sections with fills, and ending, as far as the groove file has them."""
    result: list[_Stretch] = []
    intro = _one_of(rng, kin, "intro", _LONGEST_INTRO, 0.6)
    if intro:
        result.append(_Stretch("", 0, intro.name, (song.sections["A"] * 2)[: intro.bars]))
    fill = _one_of(rng, [each for each in kin if "drums" in each.roles], "fill", 8, 0.8)
    groove_of = dict(zip("ABC", (each.name for each in variants), strict=True))
    for place, letter in enumerate(song.form):
        bars = song.sections[letter]
        changes = song.form[place + 1 : place + 2] != letter
        if fill and (changes or len(bars) > 4):
            last = len(bars) - 1
            result.append(_Stretch(letter, 0, groove_of[letter], bars[:last]))
            result.append(_Stretch(letter, last, fill.name, bars[last:]))
        else:
            result.append(_Stretch(letter, 0, groove_of[letter], bars))
    end = _one_of(rng, kin, "end", _LONGEST_END, 0.85)
    home = (song.chord("Cm" if song.minor else "C"),)
    if not end:
        result.append(_Stretch("", 0, result[-1].groove, (home,)))
        return result
    approach = ((song.chord("Fm" if song.minor else "F"),), (song.chord("G7"),))
    walk_home = (*approach[-(end.bars // 2) :], *[home] * end.bars)[: end.bars]
    bars = walk_home if end.bars > 1 and rng.random() < 0.5 else (home,) * end.bars
    result.append(_Stretch("", 0, end.name, bars))
    return result


def _one_of(
    rng: np.random.Generator, kin: list[Groove], place: str, longest: int, chance: float
) -> Groove | None:
    fitting = [each for each in kin if each.place == place and each.bars <= longest]
    wanted = rng.random() < chance
    return fitting[int(rng.integers(len(fitting)))] if fitting and wanted else None


def _beats(groove: Groove) -> int:
    """Return the beats that a listener counts in a bar: two in 6/8."""
    numerator, denominator = groove.metre
    return numerator // 3 if denominator == 8 and numerator % 3 == 0 else numerator


def _pace(rng: np.random.Generator, groove: Groove) -> float:
    """Return beats a minute, within 15 % of what suits the groove's name."""
    usual = next((tempo for words, tempo in _TEMPI if re.search(words, groove.file)), 114)
    if groove.metre[1] == 8:
        usual = min(usual, 90)
    return float(usual * rng.uniform(0.85, 1.15))


def _sing(
    rng: np.random.Generator, stretches: list[_Stretch], groove: Groove, song: _Song
) -> tuple[tuple[Note, ...], int]:
    """Return the melody over the sections and its program; no notes for one tune in eight."""
    pulse = melody.Pulse.of(groove.metre, groove.beats * TICKS, groove.swing)
    voice = int(rng.choice(melody.PROGRAMS))
    silent = str(rng.choice(["", "", "", "", "", "", "B", "ABC"]))
    velocity = int(rng.integers(72, 104))
    tunes = {
        letter: melody.tune(rng, bars, pulse, song.key, song.minor)
        for letter, bars in song.sections.items()
    }
    notes: list[Note] = []
    bar = 0
    for each in stretches:
        if each.letter and each.letter not in silent:
            sung = tunes[each.letter][each.first : each.first + len(each.bars)]
            notes += melody.sounding(sung, pulse, bar, velocity)
        bar += len(each.bars)
    return tuple(sorted(notes)), voice
