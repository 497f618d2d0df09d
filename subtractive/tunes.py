"""Plans tunes for MMA: grooves, form, chords, key, tempo and melody, all from one seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subtractive import melody
from subtractive.arrangement import Note
from subtractive.charts import ChordChart, Section, is_minor
from subtractive.grooves import Groove
from subtractive.mma import TICKS, Chart, Passage
from subtractive.progressions import BarChords, chord, idioms_of, progression

# Letters are sections; one that returns brings back its chords, its groove and its melody.
_FORMS: dict[int, tuple[str, ...]] = {
    4: ("AABBAABB", "ABACABAC", "AABAAABA", "AABBCCBB", "ABABABAB", "AAAABBAABB"),
    8: ("AABA", "ABAB", "AAB", "ABAC", "AABB", "ABABC", "AABAB", "ABCAB"),
    12: ("AA", "AAA", "AAAA", "ABA"),
}
_MAJOR_KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_MINOR_KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
# Beats of the metre a minute, slowest and fastest. The first lines are what the groove files' own
# headers advise, or the tempo that they set; many write a dance in 2/4 as one in 4/4 and say that
# its tempo is to be doubled. The other files say nothing: there their names decide.
_TEMPI = (
    (r"/(broadway|bwmarch)$", 230, 290),
    (r"/charleston$", 200, 300),
    (r"/(fastswing|quickstep|merengue)$", 200, 250),
    (r"/(polka|samba|ska)$", 190, 240),
    (r"/dixie$", 180, 220),
    (r"/spiritual$", 120, 180),
    (r"/bebop$", 120, 150),
    (r"/fasttwist$", 130, 150),
    (r"/kbossa$", 115, 130),
    (r"/2beatp$", 110, 130),
    (r"/kfunk", 100, 125),
    (r"/teamtechno$", 90, 104),
    (r"/alexis/hiphop$", 84, 96),
    (r"/kwestballad$", 65, 100),
    (r"/(mellowjazz|nitejazz)$", 54, 66),
    (r"slow|hymn|spiritual", 61, 83),
    (r"ballad|lullaby", 68, 92),
    (r"reggae", 71, 97),
    (r"hiphop", 78, 106),
    (r"fast|bluegrass", 150, 202),
    (r"metal|punk|twist|jive", 129, 175),
    (r"swing|jazz|bigband|dixie|foxtrot", 119, 161),
    (r"trance|boneym", 107, 145),
    (r"waltz", 102, 138),
    (r"march", 99, 133),
    (r"blues", 88, 120),
    (r"rhumba|beguine|bolero|folk", 85, 115),
    (r"", 97, 131),
)
_FASTEST_COMPOUND = 103
_IN_TWO = 180  # quarters a minute from which a bar of 4/4 is felt, and sung, as one of 2/4
_VALID_SHARE = 0.1
_LONGEST_INTRO, _LONGEST_END = 8, 4  # bars
LONGEST = 64  # bars of a tune, intro and ending included


@dataclass(frozen=True, slots=True)
class Tune:
    """One tune to make, and what the index tells of it.

    `chart_name` is that of the chord chart, empty where the harmony was made by rule.
    """

    number: int
    seed: int
    grooves: tuple[str, ...]
    form: str
    chart: Chart
    chart_name: str = ""

    @property
    def style(self) -> str:
        """The groove file and the groove of the first section, such as "stdlib/ska:Ska1"."""
        return f"{self.chart.file}:{self.grooves[0]}"

    @property
    def bars(self) -> int:
        """Length of the tune."""
        return sum(len(passage.bars) for passage in self.chart.passages)


@dataclass(frozen=True, slots=True)
class _Band:
    """The grooves of a tune: one for each of three kinds of section, and those that frame them."""

    mains: tuple[Groove, Groove, Groove]
    intro: Groove | None
    fill: Groove | None
    end: Groove | None

    @property
    def room(self) -> int:
        """Bars that are left for the sections."""
        return LONGEST - (self.intro.bars if self.intro else 0) - (self.end.bars if self.end else 1)


@dataclass(frozen=True, slots=True)
class _Song:
    """Form and harmony, in the key that sounds."""

    sections: tuple[Section, ...]
    minor: bool
    name: str = ""

    @property
    def form(self) -> str:
        """The letters of the sections."""
        return "".join(section.letter for section in self.sections)

    @property
    def seats(self) -> tuple[int, ...]:
        """For each section which main groove plays it; A and A' share one."""
        letters = [section.letter.rstrip("'") for section in self.sections]
        known = list(dict.fromkeys(letters))
        return tuple(known.index(letter) % 3 for letter in letters)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bars in one groove: of section `place` from bar `first` on; no melody where `place` < 0."""

    place: int
    first: int
    groove: str
    bars: tuple[BarChords, ...]


def split_of(group: str) -> str:
    """Return "train" or "valid" for a group, by its hash alone: about one in ten is held out."""
    digest = hashlib.sha256(group.encode()).digest()
    return "valid" if int.from_bytes(digest[:8], "big") < _VALID_SHARE * 2**64 else "train"


def plan(
    grooves: Sequence[Groove], seed: int, number: int, charts: Sequence[ChordChart] = ()
) -> Tune:
    """Return tune `number` of the corpus of `seed`.

    The groove *file* is drawn uniformly, so that rare styles count as much as those with many
    variants. A tune has at most `LONGEST` bars.

    Parameters
    ----------
    grooves : sequence of Groove
        At least one of them a complete main groove.
    seed, number : int
    charts : sequence of ChordChart
        The tune takes whole sections of one in the metre of its groove. Where there is none, as
        for 5/4, or no charts at all, its harmony is made by rule.
    """
    rng = np.random.default_rng([seed, number])
    band = _choose(rng, grooves)
    first = band.mains[0]
    song = _charted(rng, band, charts) or _by_rule(rng, first.file)
    stretches = _arrange(rng, band, song)
    tempo = round(_pace(rng, first) * 4 * first.metre[0] / first.metre[1] / _beats(first), 2)
    notes, voice = _sing(rng, stretches, _pulse(first, tempo), song)
    key = song.sections[0].tonic
    names = _MINOR_KEYS if song.minor else _MAJOR_KEYS
    spelling = (key + 3) % 12 if song.minor else key
    chart = Chart(
        file=first.file,
        beats=first.beats,
        metre=first.metre,
        tempo=tempo,
        key=f"{names[key]} {'minor' if song.minor else 'major'}",
        seed=int(rng.integers(1, 2**31)),
        passages=tuple(
            Passage(each.groove, tuple(tuple(c.name(spelling) for c in bar) for bar in each.bars))
            for each in stretches
        ),
        melody=notes,
        melody_program=voice,
    )
    others = sorted({each.groove for each in stretches} - {first.name})
    return Tune(number, seed, (first.name, *others), song.form, chart, song.name)


def _choose(rng: np.random.Generator, grooves: Sequence[Groove]) -> _Band:
    """Return grooves of one file that fit one another."""
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
    a, b, c = ([first, *picked] * 3)[:3]
    return _Band(
        (a, b, c),
        _one_of(rng, kin, "intro", _LONGEST_INTRO, 0.6),
        _one_of(rng, [each for each in kin if "drums" in each.roles], "fill", 8, 0.8),
        _one_of(rng, kin, "end", _LONGEST_END, 0.85),
    )


def _one_of(
    rng: np.random.Generator, kin: list[Groove], place: str, longest: int, chance: float
) -> Groove | None:
    fitting = [each for each in kin if each.place == place and each.bars <= longest]
    wanted = rng.random() < chance
    return fitting[int(rng.integers(len(fitting)))] if fitting and wanted else None


def _charted(rng: np.random.Generator, band: _Band, charts: Sequence[ChordChart]) -> _Song | None:
    """Return a run of whole sections of a chart in any key; None if no chart fits the groove."""
    fitting = [chart for chart in charts if chart.in_metre(band.mains[0].metre)]
    for place in rng.permutation(len(fitting)):
        chart = fitting[int(place)].in_metre(band.mains[0].metre)
        runs = chart.runs(band.room) if chart else ()
        if chart and runs:
            run = runs[int(rng.integers(len(runs)))]
            semitones = int(rng.integers(12))
            sections = tuple(section.transposed(semitones) for section in run)
            return _Song(sections, is_minor(sections), chart.name)
    return None


def _by_rule(rng: np.random.Generator, file: str) -> _Song:
    idiom = str(rng.choice(idioms_of(file)))
    length = 12 if idiom == "blues" else 4 if rng.random() < 0.3 else 8
    form = str(rng.choice(_FORMS[length]))
    minor = idiom == "minor" or (idiom == "grown" and bool(rng.random() < 0.4))
    written: dict[str, tuple[BarChords, ...]] = {}
    for letter in sorted(set(form)):
        # a bridge may be plainer than the rest, but not of another mode
        own = idiom if letter == "A" or minor or rng.random() < 0.75 else "pop"
        bars = length if letter == "A" else min(length, 8)
        written[letter] = progression(rng, own, bars, minor)
    minor = minor or written["A"][0][0].minor_tonic
    key = int(rng.integers(12))
    in_c = (Section(letter, "", written[letter], 0) for letter in form)
    return _Song(tuple(section.transposed(key) for section in in_c), minor)


def _arrange(rng: np.random.Generator, band: _Band, song: _Song) -> list[_Stretch]:
    """Return intro, sections with fills, and ending, as far as the groove file has them."""
    result: list[_Stretch] = []
    opening = song.sections[0]
    if band.intro and not opening.name.startswith("intro"):
        bars = opening.bars * band.intro.bars  # more than enough, if the section is short
        result.append(_Stretch(-1, 0, band.intro.name, bars[: band.intro.bars]))
    following = [section.letter for section in song.sections[1:]]
    for place, (section, seat) in enumerate(zip(song.sections, song.seats, strict=True)):
        sung = -1 if section.name.startswith("intro") else place
        cuts = {0: band.mains[seat].name}
        if band.intro and sung < 0 and place == 0:
            cuts = {0: band.intro.name, band.intro.bars: band.mains[seat].name}
        last = len(section.bars) - 1
        changes = following[place : place + 1] != [section.letter]
        if band.fill and last and (changes or last > 3):
            cuts = {first: name for first, name in cuts.items() if first < last}
            cuts[last] = band.fill.name
        starts = [first for first in cuts if first <= last]
        for first, end in zip(starts, [*starts[1:], last + 1], strict=True):
            result.append(_Stretch(sung, first, cuts[first], section.bars[first:end]))
    name = band.end.name if band.end else band.mains[song.seats[-1]].name
    result.append(_Stretch(-1, 0, name, _close(rng, band.end, song)))
    return result


def _close(rng: np.random.Generator, end: Groove | None, song: _Song) -> tuple[BarChords, ...]:
    """Return the bars of the ending: the tonic, or the way to it."""
    names = ("Fm", "G7", "Cm") if song.minor else ("F", "G7", "C")
    *approach, home = ((chord(name).transposed(song.sections[-1].tonic),) for name in names)
    bars = end.bars if end else 1
    if bars == 1 or rng.random() < 0.5:
        return (home,) * bars
    return (*approach[-(bars // 2) :], *[home] * bars)[:bars]


def _beats(groove: Groove) -> int:
    """Return the beats that a listener counts in a bar: two in 6/8."""
    numerator, denominator = groove.metre
    return numerator // 3 if denominator == 8 and numerator % 3 == 0 else numerator


def _pace(rng: np.random.Generator, groove: Groove) -> float:
    """Return beats a minute, within what suits the groove."""
    file = "/" + groove.file.lower()
    slowest, fastest = next(range_ for words, *range_ in _TEMPI if re.search(words, file))
    pace = float(rng.uniform(slowest, fastest))
    return min(pace, _FASTEST_COMPOUND) if groove.metre[1] == 8 else pace


def _pulse(groove: Groove, tempo: float) -> melody.Pulse:
    """Return the grid that a melody moves on: quarters in place of eighths where it is fast."""
    if groove.metre == (4, 4) and tempo > _IN_TWO:
        return melody.Pulse.of((2, 4), groove.beats * TICKS, swing=False)
    return melody.Pulse.of(groove.metre, groove.beats * TICKS, groove.swing)


def _sing(
    rng: np.random.Generator, stretches: list[_Stretch], pulse: melody.Pulse, song: _Song
) -> tuple[tuple[Note, ...], int]:
    """Return the melody over the sections and its program; no notes for one tune in eight.

    A section that returns with the same chords brings its melody back.
    """
    voice = int(rng.choice(melody.PROGRAMS))
    silent = ((), (), (), (), (), (), (1,), (0, 1, 2))[int(rng.integers(8))]
    velocity = int(rng.integers(72, 104))
    known: dict[tuple[str, tuple[BarChords, ...]], tuple[melody.TuneBar, ...]] = {}
    for each in song.sections:
        if (each.letter, each.bars) not in known:
            made = melody.tune(rng, each.bars, pulse, each.tonic, song.minor)
            known[each.letter, each.bars] = made
    notes: list[Note] = []
    bar = 0
    for stretch in stretches:
        if stretch.place >= 0 and song.seats[stretch.place] not in silent:
            section = song.sections[stretch.place]
            tune = known[section.letter, section.bars]
            sung = tune[stretch.first : stretch.first + len(stretch.bars)]
            notes += melody.sounding(sung, pulse, bar, velocity)
        bar += len(stretch.bars)
    return tuple(sorted(notes)), voice
