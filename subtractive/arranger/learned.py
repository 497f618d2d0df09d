"""How drums go in each family of styles, learned from a corpus: the chances of strokes in a bar.

A style's hand-written table says what nearly all of its drummers do; these patterns say how some of
them differ. `subtractive.arranger.learning` makes the file; one is chosen where words name a style.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from subtractive.arranger.asked import Asked
from subtractive.arranger.band import Band
from subtractive.arranger.chart import QUARTER, TRIPLET, Array, Chart, Flags
from subtractive.styles import FAMILIES, STYLES

FIRST_KEY, KEYS = 35, 47  # keys of General MIDI's kit
FILE = Path(__file__).with_name("drum_patterns.safetensors")
STYLE_NAMES = (
    *((family.name, "") for family in FAMILIES),
    *((style.family, style.name) for style in STYLES),
)
_KICK = 36 - FIRST_KEY
_TEMPO_OCTAVES = 0.5  # how far from its own tempo a pattern is half at home
_BASS, _DIVISION = 1.0, 0.3  # what a kick with the bass, and the band's division of beats, add
# What each nat of being mistaken for another family costs; four times in five is sure enough. Steps
# and drums go together, so that they tell less than as many free ones would: as much as one in six.
_CLARITY, _SURE, _FREE, _LEAST = 5.0, -0.2, 6, 0.02


@dataclass(frozen=True, eq=False)
class DrumPattern:
    """One bar of drums, as some of a style's drummers play it.

    Attributes
    ----------
    family, style : str
        As `subtractive.styles` names them; of what is common in a family the style is empty.
    weight : float
        Share of the family's, or the style's, music that is played so.
    tempo_qpm : float
        Where it is usual, in quarters a minute.
    chance : array [shape=(KEYS, step)]
        Of a stroke on each key from `FIRST_KEY` on, 0 to 1; steps are twelfths of a quarter.
    velocity : array [shape=(KEYS, step)]
        Mean MIDI velocity of those strokes.
    """

    family: str
    style: str
    weight: float
    tempo_qpm: float
    chance: Array
    velocity: Array

    @property
    def steps(self) -> int:
        """Length of the bar."""
        return int(self.chance.shape[1])

    def bar(self, rng: np.random.Generator, eagerness: float = 0.0) -> Flags:
        """Return the strokes of one bar as one drummer plays it [shape=(KEYS, step)].

        Eagerness moves the log-odds of every stroke that the style has.
        """
        yes = self.chance * np.exp(eagerness)
        chance = yes / np.maximum(yes + 1 - self.chance, 1e-9)
        return np.asarray(rng.random(self.chance.shape) < chance)


def to_tensors(patterns: Collection[DrumPattern]) -> dict[str, npt.NDArray[np.generic]]:
    """Return patterns as named arrays: those of one length of bar together."""
    tensors: dict[str, npt.NDArray[np.generic]] = {}
    for steps in sorted({pattern.steps for pattern in patterns}):
        some = [pattern for pattern in patterns if pattern.steps == steps]
        places = [STYLE_NAMES.index((each.family, each.style)) for each in some]
        numbers = [(each.weight, each.tempo_qpm) for each in some]
        chance, velocity = (
            np.stack([getattr(each, name) for each in some]) for name in ("chance", "velocity")
        )
        tensors[f"{steps}.style"] = np.array(places, np.uint8)
        tensors[f"{steps}.numbers"] = np.array(numbers, np.float32)
        tensors[f"{steps}.chance"] = np.rint(255 * chance).astype(np.uint8)
        tensors[f"{steps}.velocity"] = np.rint(velocity).astype(np.uint8)
    return tensors


def of_tensors(tensors: Mapping[str, npt.NDArray[np.generic]]) -> tuple[DrumPattern, ...]:
    """Return the patterns that `to_tensors` put away."""
    found = []
    for steps in sorted({int(name.partition(".")[0]) for name in tensors}):
        columns = (
            tensors[f"{steps}.{name}"] for name in ("style", "numbers", "chance", "velocity")
        )
        for place, numbers, chance, velocity in zip(*columns, strict=True):
            weight, tempo = numbers.tolist()
            family, style = STYLE_NAMES[int(place)]
            loud = velocity.astype(np.float64)
            found.append(DrumPattern(family, style, weight, tempo, chance / 255.0, loud))
    return tuple(found)


@cache
def shipped() -> tuple[DrumPattern, ...]:
    """Return the patterns that come with the package."""
    return of_tensors(load_file(FILE))


@cache
def clarity() -> dict[DrumPattern, float]:
    """Return how surely each shipped pattern is heard as its family: the log of the chance.

    By Bayes' rule among the families of its metre, whose bars are those of their patterns. Surer
    than four times in five is no better: what nobody else plays is odd, not typical.
    """
    result = {}
    for steps in {pattern.steps for pattern in shipped()}:
        some = [pattern for pattern in shipped() if pattern.steps == steps]
        common = [pattern for pattern in some if not pattern.style]
        families = np.array([pattern.family for pattern in common])
        weight = np.log([pattern.weight for pattern in common])
        flat = np.stack([pattern.chance.ravel() for pattern in common]).clip(_LEAST, 1 - _LEAST)
        struck, rested = np.log(flat), np.log1p(-flat)
        for pattern in some:
            stroke = pattern.chance.ravel()
            fit = weight + (struck @ stroke + rested @ (1 - stroke)) / _FREE
            own = np.logaddexp.reduce(fit[families == pattern.family])
            result[pattern] = min(float(own - np.logaddexp.reduce(fit)), _SURE)
    return result


def chosen(chart: Chart, band: Band, asked: Asked) -> DrumPattern | None:
    """Return the pattern asked for that goes best with a band; None if none has its metre.

    Where a style is named it is one of that style, else of its families. Usual ones are preferred,
    near the tempo at which they are played, which are not mistaken for another family's, whose kick
    goes with the bass and whose beats are divided as the band's are.
    """
    lengths, counts = np.unique(np.diff(chart.first), return_counts=True)
    steps = int(lengths[counts.argmax()])
    usual = np.flatnonzero(np.diff(chart.first) == steps)
    if any(pulse.length != QUARTER for pulse in chart.pulses(int(usual[0]))):
        return None
    bass = band.struck["bass"][np.isin(chart.bar_of, usual)].reshape(len(usual), steps).mean(axis=0)

    def merit(pattern: DrumPattern) -> float:
        away = np.log2(pattern.tempo_qpm / chart.tempo_qpm) / _TEMPO_OCTAVES
        kick = pattern.chance[_KICK]
        size = float(np.linalg.norm(kick) * np.linalg.norm(bass))
        together = float(kick @ bass) / size if size else 0.0
        alike = divided_in_three(pattern) == band.triplet
        known = np.log(pattern.weight) - away**2 + _CLARITY * clear[pattern]
        return float(known + _BASS * together + _DIVISION * alike)

    clear = clarity()
    able = [each for each in shipped() if each.family in asked.families and each.steps == steps]
    named = [each for each in able if each.style in asked.styles]
    common = [each for each in able if not each.style]
    return max(named or common, key=merit, default=None)


def divided_in_three(pattern: DrumPattern) -> bool:
    """Return whether a pattern strikes more on triplets than on what divides a beat in two."""
    place = np.arange(pattern.steps) % QUARTER
    strokes = pattern.chance.sum(axis=0)
    three = strokes[np.isin(place, (TRIPLET, 2 * TRIPLET))].sum()
    return bool(three > strokes[place % (QUARTER // 4) == 0][1:].sum() - strokes[place == 0].sum())
