"""The paper's eight demonstrations: what was asked, and where the true beats are.

The beats were found in the targets. Every tempo from 55 to 190 beats a minute and every phase was
laid over the target's onset strength; the best was looked at over the strength of the low, middle
and high bands and the spectrogram, and where music spoke against it, half or double the tempo was
taken: backbeats, chords and kicks are to fall on beats, and what lies between on an even or a swung
division. Then tempo and phase were fitted to the peaks within 45 ms of the beats by least squares,
and rounded. Nobody listened. ``--look FOLDER`` draws them.

- rock_drums: kick and snare in turn on the beats, residuals up to 10 ms.
- indie_drums: cymbal on a bar's first beat at 1.32 s, 16ths between; 5 ms but for a push of 29.
- reggae_drums, reggae_to_jazz_drums: one song (the files differ in phase alone); one drop at 0.61,
  2.00, 3.38 and 4.77 s, the guitar's chops on the offbeats, swung 16ths. Counted twice as fast the
  chops would be the backbeat.
- soft_acoustic_drums: quarters on cymbal and guitar, kicks on swung offbeats (2/3).
- lively_pop: snare on 2 and 4 at 0.95, 2.13, 3.31 and 4.50 s.
- soft_rock_drums: a fill into a cymbal at 1.90 s, then cymbals on each second beat; guitar and fill
  on swung offbeats (2/3). The least certain of the eight: few strokes, residuals up to 30 ms.
- soft_pop_to_reggae: hats in 8ths and some 16ths, kick on the beats; up to 5 ms.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audio.beats import BeatGrid
from benchmarks.audio.clips import Clip, find_clips, read_sound
from benchmarks.audio.comparison import png
from benchmarks.bootstrap import Array
from benchmarks.metrics.sound_beats import onset_strength, rises
from benchmarks.metrics.sound_percussive import HIGHEST_HZ, Percussion
from benchmarks.metrics.sound_spectrum import FRAMES_PER_SECOND, MELS
from subtractive.errors import OptionError
from subtractive.mel_scale import centres

FOLDER = "paper_triplets"
_BANDS = {"low": (0.0, 150.0), "middle": (150.0, 2500.0), "high": (2500.0, HIGHEST_HZ)}


class Beats(NamedTuple):
    """A constant tempo: beats a minute, and when the first beat is, in seconds."""

    bpm: float
    first: float


BEATS = {
    "rock_drums": Beats(124.8, 0.38),
    "indie_drums": Beats(97.0, 0.09),
    "reggae_drums": Beats(86.7, 0.61),
    "soft_acoustic_drums": Beats(152.3, 0.08),
    "lively_pop": Beats(101.3, 0.35),
    "soft_rock_drums": Beats(115.0, 0.34),
    "reggae_to_jazz_drums": Beats(86.7, 0.61),
    "soft_pop_to_reggae": Beats(90.1, 0.05),
}


@dataclass(frozen=True, eq=False)
class Demonstration:
    """A clip, read.

    Attributes
    ----------
    clip : Clip
    prompt : str
    context, target, output : Percussion
        Whole mixes of one length; the output is the paper's.
    grid : BeatGrid
    """

    clip: Clip
    prompt: str
    context: Percussion
    target: Percussion
    output: Percussion
    grid: BeatGrid

    @property
    def beats(self) -> Array:
        """The true beats inside the clip, in seconds."""
        beats = np.array(self.grid.beats)
        return beats[(beats >= 0) & (beats <= len(self.target.strength) / FRAMES_PER_SECOND)]


def demonstrations(folder: Path) -> list[tuple[Clip, str]]:
    """Return the clips whose beats are known, with their prompts.

    Raises
    ------
    OptionError
        If there are none, or the folder's index names no prompt for one.
    """
    index = folder / "index.csv"
    try:
        with index.open(newline="", encoding="utf-8") as file:
            prompts = {row["name"]: row["prompt"] for row in csv.DictReader(file)}
        found = [(clip, prompts[clip.name]) for clip in find_clips(folder) if clip.name in BEATS]
    except (OSError, KeyError) as error:
        raise OptionError(
            f"{index} does not give every clip's name and prompt ({error}): add what is missing"
        ) from error
    if not found:
        raise OptionError(f"{folder} holds none of the clips {', '.join(BEATS)}: name their folder")
    return found


def read(clip: Clip, prompt: str) -> Demonstration:
    """Read a clip.

    Raises
    ------
    FileFormatError
        If one of its files can't be read.
    """
    target = read_sound(clip.target)
    length = target.samples.shape[1]
    context, output = (read_sound(path).fitted(length) for path in (clip.context, clip.output))
    grid = BeatGrid.steady(*BEATS[clip.name], target.seconds)
    given, true, made = (Percussion(sound.samples) for sound in (context, target, output))
    return Demonstration(clip, prompt, given, true, made, grid)


def draw_beats(demonstration: Demonstration) -> bytes:
    """Return a PNG of the target's onset strength in three bands with the beats over it."""
    # matplotlib takes a second to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    rise = rises(demonstration.target.whole)
    hz = centres(MELS, HIGHEST_HZ)
    seconds = np.arange(len(rise)) / FRAMES_PER_SECOND
    figure = Figure(figsize=(14, 8), layout="constrained")
    axes = figure.subplots(len(_BANDS) + 1, 1, sharex=True)
    lines = {
        name: rise[:, (hz >= low) & (hz < high)].mean(axis=1)
        for name, (low, high) in _BANDS.items()
    }
    lines["percussive part"] = onset_strength(demonstration.target.power)
    for ax, (name, strength) in zip(axes, lines.items(), strict=True):
        ax.plot(seconds, strength, linewidth=0.8, color="#30343a")
        for beat in demonstration.beats:
            ax.axvline(beat, color="#1b7f5c", linewidth=0.8)
        ax.set_ylabel(name)
    tempo = f"{demonstration.grid.tempo_bpm:.1f} beats a minute from {demonstration.beats[0]:.2f} s"
    axes[0].set_title(f"{demonstration.clip.name}: {tempo}", loc="left")
    return png(figure)
