"""Chord charts of real songs, read from the annotations of the McGill Billboard collection.

A chart keeps sections, bars and chords, and neither a song's title nor its artist. Bars that MMA's
grooves cannot hold (another metre, no chord at all) make their section a gap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from subtractive.chord_symbols import parse_chord, pitch_class
from subtractive.progressions import BarChords, Chord, moved

Tell = Callable[[str, str], None]
"""Called with what was left out, such as "billboard/0427", and why."""

LEAST_BARS = 16  # that a tune takes from a chart
LONGEST_RUN = 48
METRES = ((4, 4), (3, 4), (6, 8), (12, 8))  # the few songs in others would return all the time

# Harte's shorthand -> what is written after the root here.
_SHORT = {
    **{"maj": "", "min": "m", "dim": "dim", "aug": "aug", "5": "5", "1": "ped"},
    **{"7": "7", "maj7": "M7", "min7": "m7", "minmaj7": "m(maj7)", "dim7": "dim7"},
    **{"hdim7": "m7b5", "maj6": "6", "min6": "m6", "sus2": "sus2", "sus4": "sus4"},
    **{"9": "9", "maj9": "M9", "min9": "m9", "11": "11", "maj11": "maj11", "min11": "m11"},
    **{"13": "13", "maj13": "M13", "min13": "m13"},
}
# What a chord may be called: each is known to `parse_chord` and to MMA, the plainer first.
QUALITIES = (
    *("", "m", "7", "m7", "M7", "5", "sus4", "sus2", "6", "m6", "9", "m9", "M9", "add9", "m(add9)"),
    *("7sus4", "9sus4", "13sus4", "sus(add9)", "7sus2", "69", "m69", "11", "m11", "13", "m13"),
    *("M13", "dim", "dim7", "m7b5", "aug", "aug7", "aug9", "M7#5", "m(maj7)", "7(omit3)", "7b5"),
    *("7b9", "7#9", "7#11", "7b13", "7b9#11", "7#9b13", "9#11", "13#11", "M7#11", "M9#11"),
    *("M13#11", "m7(add11)", "addb9", "add#9"),
)
_DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 11}
# What a listener misses or minds: the third most, then the seventh, the fifth least.
_WEIGHTS = {3: 16, 4: 16, 10: 6, 11: 6, 5: 3, 7: 2}
_HARTE = re.compile(r"([A-G][#b]*):([^(/]*)(?:\(([^)]*)\))?(?:/([#b]*\d+))?")
_LINE = re.compile(r"[\d.e+-]+\t(.*)")
_LETTER = re.compile(r"[A-Z]'*")
_TIMES = re.compile(r"\bx(\d+)")


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a song with a name.

    Attributes
    ----------
    letter : str
        Such as "B" or "B'"; sections of one letter sound alike.
    name : str
        As written: "verse", "chorus", "intro"; may be empty.
    bars : tuple of bars of chords
        The chords of a bar share it evenly; one that lasts longer is repeated.
    tonic : int
        Pitch class.
    flaw : str
        Why it cannot be played; empty for most.
    """

    letter: str
    name: str
    bars: tuple[BarChords, ...]
    tonic: int
    flaw: str = ""

    def transposed(self, semitones: int) -> Section:
        """Return the section moved by `semitones`."""
        tonic = (self.tonic + semitones) % 12
        return replace(self, bars=moved(self.bars, semitones), tonic=tonic)


@dataclass(frozen=True, slots=True)
class ChordChart:
    """The chords of a song; `metre` is (numerator, denominator), `tonic` that of its beginning."""

    name: str
    metre: tuple[int, int]
    sections: tuple[Section, ...]
    tonic: int

    def runs(self, longest: int = LONGEST_RUN) -> tuple[tuple[Section, ...], ...]:
        """Return, for each section, what follows from it: whole sections, no gap in between.

        Parameters
        ----------
        longest : int
            Bars in all; runs of fewer than `LEAST_BARS` are left out.
        """
        found = []
        for first in range(len(self.sections)):
            run: list[Section] = []
            length = 0
            for section in self.sections[first:]:
                length += len(section.bars)
                if section.flaw or length > longest:
                    break
                run.append(section)
            if sum(len(section.bars) for section in run) >= LEAST_BARS:
                found.append(tuple(run))
        return tuple(found)

    def in_metre(self, metre: tuple[int, int]) -> ChordChart | None:
        """Return the chart in a groove's metre: two bars of 6/8 are one of 12/8. Else None."""
        if metre == self.metre:
            return self
        if (self.metre, metre) != ((12, 8), (6, 8)):
            return None
        halved = (
            replace(each, bars=tuple(half for bar in each.bars for half in _halves(bar)))
            for each in self.sections
        )
        return replace(self, metre=metre, sections=tuple(halved))


def is_minor(sections: Iterable[Section]) -> bool:
    """Return whether the tonic chord is more often minor than major."""
    balance = 0
    for section in sections:
        tonics = [each for bar in section.bars for each in bar if each.root == section.tonic]
        balance += sum((3 in each.intervals) - (4 in each.intervals) for each in tonics)
    return balance > 0


def read_charts(folder: Path, tell: Tell = lambda *_: None) -> tuple[ChordChart, ...]:
    """Return the charts of all files ``salami_chords.txt`` under a folder, in order of name.

    Parameters
    ----------
    folder : path
    tell : callable
        Told of each chart, and of each section of a chart, that cannot be played.

    Returns
    -------
    tuple of ChordChart
        Those with `LEAST_BARS` bars to play in a run of at most `LONGEST_RUN`.
    """
    charts = []
    for path in sorted(folder.rglob("salami_chords.txt")):
        name = f"billboard/{path.parent.name}"
        try:
            chart = parse_chart(path.read_text(encoding="utf-8"), name)
        except ValueError as error:
            tell(name, str(error))
            continue
        if chart.metre not in METRES:
            tell(name, "its metre is {}/{}".format(*chart.metre))
            continue
        for number, section in enumerate(chart.sections, 1):
            if section.flaw:
                tell(f"{name}, section {number}", section.flaw)
        if chart.runs():
            charts.append(chart)
        else:
            tell(
                name, f"no whole sections of {LEAST_BARS} to {LONGEST_RUN} bars that can be played"
            )
    return tuple(charts)


def parse_chart(text: str, name: str = "") -> ChordChart:
    """Return the chart that an annotation file writes.

    Raises
    ------
    ValueError
        If metre or tonic are missing, or nothing is left to play.
    """
    headers: dict[str, str] = {}
    first: dict[str, str] = {}
    sections: list[Section] = []
    for line in text.splitlines():
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            headers[key.strip()] = value.strip()
            first.setdefault(key.strip(), value.strip())
            continue
        music = _LINE.fullmatch(line)
        if music is None or "|" not in music[1]:
            continue
        if not {"metre", "tonic"} <= {*headers}:
            raise ValueError("tells no metre or no tonic before its first bar")
        before, _, rest = music[1].partition("|")
        written, _, after = rest.rpartition("|")
        times = _TIMES.search(after)
        bars, flaw = _bars(written, headers["metre"], first["metre"])
        bars *= int(times[1]) if times else 1
        letter, title = _heading(before)
        tonic = pitch_class(headers["tonic"])
        if letter or title or not sections:
            letter = letter or (sections[-1].letter if sections else "")
            sections.append(Section(letter, title, bars, tonic, flaw))
        else:
            old = sections[-1]
            sections[-1] = replace(old, bars=old.bars + bars, flaw=old.flaw or flaw)
    sections = [each for each in sections if each.bars or each.flaw]
    if not sections:
        raise ValueError("holds no bars")
    numerator, denominator = map(int, first["metre"].split("/"))
    return ChordChart(name, (numerator, denominator), tuple(sections), sections[0].tonic)


def _heading(before: str) -> tuple[str, str]:
    """Return letter and name of a section, both empty where a line goes on with the last one."""
    words = [word.strip() for word in before.split(",") if word.strip()]
    letter = next((word for word in words if _LETTER.fullmatch(word)), "")
    # "(flute" and "flute)" tell of instruments, a fade is no section
    names = [w for w in words if w != letter and not w.startswith("fade") and w[-1] != ")"]
    return letter, next((word for word in names if "(" not in word or ")" in word), "")


def _bars(written: str, metre: str, usual: str) -> tuple[tuple[BarChords, ...], str]:
    """Return the bars of a line, and why they cannot be played."""
    bars: list[BarChords] = []
    for bar in written.split("|"):
        words = bar.split()
        if words == ["&pause"]:  # time stands still for a moment: no bar
            continue
        here = metre
        if words and words[0].startswith("("):
            here = words.pop(0).strip("()")
        if here != usual:
            return (), f"a bar of {here} in {usual}"
        chords: list[Chord] = []
        for word in words:
            if word == "." and chords:
                chords.append(chords[-1])
                continue
            chord = harte(word)
            if chord is None:
                return (), f"{word!r} is no chord"
            chords.append(chord)
        if not chords:
            return (), "an empty bar"
        bars.append(_plain(tuple(chords)))
    return tuple(bars), ""


def _plain(bar: BarChords) -> BarChords:
    """Return the bar with as few chords as say the same: C C G G is C G."""
    count = len(bar)
    for fewer in range(1, count):
        each = count // fewer
        if count % fewer == 0 and all(bar[i] == bar[i // each * each] for i in range(count)):
            return bar[::each]
    return bar


def _halves(bar: BarChords) -> tuple[BarChords, BarChords]:
    doubled = tuple(each for each in bar for _ in range(2))
    return _plain(doubled[: len(bar)]), _plain(doubled[len(bar) :])


def harte(text: str) -> Chord | None:
    """Return the chord that Harte's syntax calls `text`, such as "Bb:min7/b3"; None for no chord.

    What no musician's name says exactly becomes the nearest name.
    """
    match = _HARTE.fullmatch(text)
    if match is None or match[2] not in _SHORT:
        return None
    root, bass = pitch_class(match[1][:1]) + _shift(match[1][1:]), _semitones(match[4] or "1")
    return Chord(root % 12, _nearest(match[2], match[3] or "", bass), (root + bass) % 12)


def _shift(signs: str) -> int:
    return signs.count("#") - signs.count("b")


def _semitones(degree: str) -> int:
    number = int(degree.lstrip("#b"))
    return (_DEGREES[(number - 1) % 7 + 1] + _shift(degree)) % 12


def _tones(quality: str) -> frozenset[int]:
    return frozenset(parse_chord("C" + quality).pitch_classes)


def scale(quality: str) -> frozenset[int]:
    """Return the semitones above the root that MMA plays as a bass under a chord.

    It knows a scale for each chord and ignores other basses. An altered degree is not there twice:
    under C7b9 there is no D.
    """
    tones = _tones(quality)
    minor = 3 in tones and 4 not in tones
    ninth = 1 in tones or {3, 4} <= tones
    altered = {
        2: ninth,
        4: bool(tones & {2, 5}) and not tones & {3, 4},
        5: {6, 7} <= tones,
        7: bool(tones & {6, 8}),
        8: 9 in tones,
        9: 8 in tones,
        10: bool(tones & {2, 9, 11}),
        11: ninth or bool(tones & {2, 10}),
    }
    steps = (0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11)
    return tones | {step for step in steps if not altered.get(step)}


@cache
def _nearest(short: str, degrees: str, bass: int) -> str:
    """Return the nearest of `QUALITIES` under which the bass can be played.

    So C:maj/b7 becomes C7/Bb.
    """
    wanted = _tones(_SHORT[short]) | {_semitones(each) for each in degrees.split(",") if each}

    def distance(quality: str) -> tuple[int, int]:
        tones = _tones(quality)
        # of two that are equally near, the one that adds nothing of its own
        return sum(_WEIGHTS.get(tone, 4) for tone in wanted ^ tones), len(tones - wanted)

    return min((each for each in QUALITIES if bass in scale(each)), key=distance)
