"""Where a corpus's songs come from: tunes that MMA plays, a folder of files, drum performances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from subtractive import humanise, performances, styles, tunes
from subtractive.arrangement import Arrangement, ChordSymbol
from subtractive.arrays import to_arrays
from subtractive.charts import ChordChart
from subtractive.chord_symbols import parse_chord
from subtractive.errors import FileFormatError, OptionError
from subtractive.excerpts import Labels, Song
from subtractive.files.midi import read_midi
from subtractive.files.midi_arrays import read_midi_arrays
from subtractive.files.music import MIDI_SUFFIXES, read
from subtractive.grooves import Groove
from subtractive.mma import Chart, chord_beats, render
from subtractive.quality import living, unfit

SCORE_SUFFIXES = (".musicxml", ".xml", ".mxl")


def symbols(chart: Chart, bar_ticks: int) -> tuple[ChordSymbol, ...]:
    """Return a chart's chords as symbols, bars of equal length one after the other."""
    found: list[ChordSymbol] = []
    bar = 0
    for passage in chart.passages:
        for names in passage.bars:
            starts = chord_beats(len(names), chart.beats)
            for beat, name in zip(starts, names, strict=True):
                tick = bar * bar_ticks + round(beat * bar_ticks / chart.beats)
                if not found or found[-1].text != name:
                    found.append(parse_chord(name, tick))
            bar += 1
    return tuple(found)


@dataclass(frozen=True)
class MmaTunes:
    """Tunes played by the program MMA.

    Attributes
    ----------
    grooves : sequence of Groove
    seed, count : int
    charts : sequence of ChordChart
        Real chord charts; without them progressions are made by rule.
    human : float
        How far velocities and onsets stray as people's do; 0 leaves them as MMA plays them.
    refused : sequence of (name, reason)
        Grooves and charts that are left out.
    """

    grooves: Sequence[Groove]
    seed: int
    count: int
    charts: Sequence[ChordChart] = ()
    human: float = 0.0
    refused: Sequence[tuple[str, str]] = ()

    @property
    def names(self) -> Sequence[str]:
        """One for each tune, by seed and number."""
        return [f"mma/{self.seed}/{number:06d}" for number in range(self.count)]

    @property
    def stamp(self) -> tuple[object, ...]:
        """What the tunes are, besides grooves and charts."""
        return self.seed, self.count, self.human

    def read(self, name: str) -> Song:
        """Plan a tune and have it played.

        Raises
        ------
        RenderError
            If MMA refuses the chart.
        """
        number = int(name.rsplit("/", 1)[1])
        tune = tunes.plan(self.grooves, self.seed, number, self.charts)
        chart = tune.chart
        played = read_midi(render(chart), name)
        if self.human:
            rng = np.random.default_rng([self.seed, number, 1])
            played = humanise.humanised(played, rng, self.human)
        label = tune.grooves[0]
        description = next(
            groove.description
            for groove in self.grooves
            if (groove.file, groove.name) == (chart.file, label)
        )
        labels = Labels(
            source="mma",
            style=styles.family_of(label, chart.file),
            label=f"{chart.file}:{label}",
            description=description,
            chart=f"{tune.chart_name}: {chart.chords}" if tune.chart_name else chart.chords,
            key=chart.key,
            seed=chart.seed,
        )
        return Song(name, chart.file, to_arrays(_with_symbols(played, chart)), labels)

    def split_of(self, group: str) -> str:
        """Return the split of a groove file."""
        return styles.split_of_groove_file(group)


def _with_symbols(played: Arrangement, chart: Chart) -> Arrangement:
    numerator, denominator = chart.metre
    bar = played.ticks_per_beat * 4 * numerator // denominator
    return replace(played, chords=symbols(chart, bar))


def _is_text(name: str) -> bool:
    """Return whether a file's name is UTF-8; Python reads others with surrogates in them."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


@dataclass(frozen=True)
class _Files:
    """Files below a folder that end in one of `suffixes`."""

    folder: Path
    suffixes: ClassVar[tuple[str, ...]]

    @cached_property
    def _found(self) -> list[str]:
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.suffix.lower() in self.suffixes and path.is_file()
        )

    @property
    def names(self) -> Sequence[str]:
        """Paths below the folder, sorted."""
        return [name for name in self._found if _is_text(name)]

    @property
    def stamp(self) -> tuple[object, ...]:
        """Name, size and time of each file: other files are another corpus."""
        told = ((name, (self.folder / name).stat()) for name in self.names)
        return tuple((name, state.st_size, state.st_mtime_ns) for name, state in told)

    @property
    def refused(self) -> Sequence[tuple[str, str]]:
        """Files that cannot be named in a corpus, and why."""
        return [
            (ascii(name), "its name is not UTF-8: rename it")
            for name in self._found
            if not _is_text(name)
        ]


@dataclass(frozen=True)
class SongFolder(_Files):
    """MIDI and MusicXML files below a folder."""

    suffixes: ClassVar[tuple[str, ...]] = (*MIDI_SUFFIXES, *SCORE_SUFFIXES)

    def read(self, name: str) -> Song:
        """Read a file, without dead tracks.

        Raises
        ------
        FileFormatError
            If it is no music, or teaches nothing (see `quality.unfit`).
        """
        path = self.folder / name
        if path.suffix.lower() in MIDI_SUFFIXES:
            try:
                music = read_midi_arrays(path.read_bytes(), path.name)
            except OSError as error:
                raise FileFormatError(f"cannot be opened ({error.strerror})") from error
        else:
            music = to_arrays(read(path))
        music = living(music)
        reason = unfit(music)
        if reason:
            raise FileFormatError(reason)
        # folders may be named by style; a title is no style: "Swing Low", "Rock the Boat"
        words = " ".join(Path(name).parent.parts)
        labels = Labels(source="folder", style=styles.family_of(words), label=words)
        return Song(name, "", music, labels)

    def split_of(self, group: str) -> str:
        """Return the split of a group of duplicates, by its hash."""
        return tunes.split_of(group)


@dataclass(frozen=True)
class DrumPerformances(_Files):
    """A folder laid out as the Groove MIDI Dataset is."""

    suffixes: ClassVar[tuple[str, ...]] = MIDI_SUFFIXES

    def read(self, name: str) -> Song:
        """Read a performance as its drummer played it.

        Raises
        ------
        FileFormatError
            If its name does not tell style, tempo and metre, or it is no music.
        """
        one = performances.performance(self.folder, name)
        labels = Labels(source="gmd", style=styles.family_of(one.style), label=one.style)
        return Song(name, one.drummer, performances.read_performance(one), labels)

    def split_of(self, group: str) -> str:
        """Return the split of a drummer."""
        return performances.split_of_drummer(group)


def chosen_folder(folder: Path, what: str) -> Path:
    """Return `folder` if it is one.

    Raises
    ------
    OptionError
        If it is not.
    """
    if not folder.is_dir():
        raise OptionError(f"{folder} is not a folder: name one that holds {what}")
    return folder
