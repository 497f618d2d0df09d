"""MMA as a writer: the program plays the song's chords in the groove that fits it best.

MMA (Musical MIDI Accompaniment, Bob van der Poel) is what people use today to get a bass, drums or
a guitar for a chord chart. Here the chart is made of the chords that the context says or sounds.
The groove is the one, of all that play the instrument in the song's metre, whose *other* parts
play the rhythms of the song's other parts; the part that is asked for is never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.journal import cache_folder, fingerprint
from benchmarks.metrics.grid import Array
from benchmarks.mma_band.chart import (
    chord_line,
    nearest_span,
    placed,
    resting,
    slices_of,
    span_of_groove,
    usual_span,
)
from benchmarks.retrieval.shelf import transposed, true_notes
from benchmarks.retrieval.traits import KIT, RHYTHMS, SLOTS, Hearing
from subtractive.arrangement import Arrangement, Note, Part, order
from subtractive.arrays import to_arrays
from subtractive.errors import FileFormatError, OptionError
from subtractive.files.midi import read_midi
from subtractive.grooves import LIBRARIES, Groove, catalogue
from subtractive.harmony import estimate_chords
from subtractive.instruments import instrument as known_instrument
from subtractive.mma import TICKS, Chart, Passage, RenderError, program, render

_PROFILE_CHORDS = ("C", "Am", "F", "G7")
_TRIES = 8  # grooves that may refuse a chart before the song is left without


def _chart(groove: Groove, lines: Sequence[str], seed: int) -> Chart:
    passage = Passage(groove.name, tuple((line,) for line in lines))
    return Chart(groove.file, groove.beats, groove.metre, 120, "C major", seed, (passage,))


def _played(chart: Chart) -> Arrangement:
    """Return what MMA plays, with its bars written out.

    Raises
    ------
    RenderError
        If MMA refuses the chart.
    FileFormatError
        If it plays no note.
    """
    music = read_midi(render(chart), chart.file)
    count = sum(len(passage.bars) for passage in chart.passages)
    length = chart.beats * TICKS
    return Arrangement(
        music.ticks_per_beat,
        music.parts,
        metres=music.metres,
        barlines=tuple(range(0, (count + 1) * length, length)),
    )


def _profile(groove: Groove) -> Array:
    """Return the rhythms of a groove; of one that MMA cannot play they are empty, and fit least."""
    count = 4 * max(1, -(-groove.bars // 4))
    chords = [_PROFILE_CHORDS[number % 4] for number in range(count)]
    try:
        music = _played(_chart(groove, chords, seed=1))
    except (RenderError, FileFormatError):
        return np.zeros((len(RHYTHMS), SLOTS))
    return rhythm_profile(Hearing.of(to_arrays(music)))


def rhythm_profile(heard: Hearing) -> Array:
    """Return in which share of the bars each of `RHYTHMS` begins a note on each 16th.

    Returns
    -------
    array [shape=(len(RHYTHMS), SLOTS)]
    """
    return np.stack([heard.rhythm[name].mean(axis=0) for name in RHYTHMS])


@dataclass(frozen=True, eq=False, slots=True)
class MmaBand:
    """The program MMA and grooves that it can play.

    Attributes
    ----------
    grooves : tuple of Groove
    profiles : array [shape=(groove, len(RHYTHMS), SLOTS)]
        Of each groove, as `rhythm_profile` returns it.
    """

    grooves: tuple[Groove, ...]
    profiles: Array

    @classmethod
    def found(
        cls,
        libraries: Sequence[str] = LIBRARIES,
        cache_at: Path | None = None,
        processes: int = 2,
    ) -> MmaBand:
        """Return the band of MMA's own libraries.

        Parameters
        ----------
        libraries : sequence of str
            They are listened to once, which takes minutes, and kept on disk.
        cache_at : Path, optional
            Folder to keep them in; by default the benchmarks' own.
        processes : int
            Copies of MMA that run at once.

        Raises
        ------
        OptionError
            If the program is missing, or a library is unknown.
        """
        try:
            program()
        except OptionError as error:
            raise OptionError(
                "MMA's own row needs the program mma (Musical MIDI Accompaniment): install it (on "
                "Debian and Ubuntu: apt install mma), or leave this writer out"
            ) from error
        folder = cache_at or cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        listed = folder / f"mma-grooves-{'-'.join(sorted(set(libraries)))}.json"
        every, _ = catalogue(libraries, listed, processes)
        grooves = [each for each in every if each.complete and each.place == "main"]
        names = [f"{each.file}:{each.name}" for each in grooves]
        code = ("subtractive/mma.py", "benchmarks/retrieval/traits.py")
        path = folder / f"mma-rhythms-{fingerprint(code, *names)}.npy"
        if path.exists():
            return cls(tuple(grooves), np.load(path))
        band = cls.of(grooves, processes)
        draft = path.with_suffix(".part.npy")
        np.save(draft, band.profiles)
        draft.replace(path)
        return band

    @classmethod
    def of(cls, grooves: Sequence[Groove], processes: int = 2) -> MmaBand:
        """Return the band of some grooves, each listened to for a few bars."""
        with ThreadPoolExecutor(processes) as pool:
            profiles = [*pool.map(_profile, grooves)]
        return cls(tuple(grooves), np.reshape(profiles, (-1, len(RHYTHMS), SLOTS)))

    def ranked(self, context: Arrangement, instrument: str) -> list[Groove]:
        """Return the grooves in the song's metre that play the instrument, the fittest first.

        Where there is none in its metre, those of the metre that it is cut or put together from:
        6/8 for 9/8 and 12/8, 3/4 for bars of three or nine beats, otherwise 4/4.

        Raises
        ------
        OptionError
            If no groove of the libraries plays the instrument.
        """
        playing = [place for place, each in enumerate(self.grooves) if instrument in each.roles]
        if not playing:
            raise OptionError(
                f"no groove of these libraries plays the {instrument}: name more libraries of MMA"
            )
        spans = [span_of_groove(self.grooves[place]) for place in playing]
        span = nearest_span(usual_span(context), spans)
        fitting = [place for place, its in zip(playing, spans, strict=True) if its == span]
        heard = rhythm_profile(Hearing.of(to_arrays(context)))
        unfit = _unfitness(heard, self.profiles[fitting], instrument, round(4 * span.quarters))
        return [self.grooves[fitting[place]] for place in np.argsort(unfit, kind="stable")]

    def write(self, context: Arrangement, instrument: str, rng: np.random.Generator) -> Part:
        """Return the part that MMA plays, bar on bar, in the ticks of `context`.

        Parameters
        ----------
        context : Arrangement
            With its own chord symbols, or they are estimated; without any harmony the chord is C.
        instrument : str
        rng : numpy.random.Generator
            Draws the seed of MMA's own dice.

        Returns
        -------
        Part
            Pitched parts are silent through N.C. Empty if MMA refuses the chart in one groove
            after another.
        """
        known = known_instrument(instrument)
        chords = estimate_chords(context)
        seed = int(rng.integers(1, 2**31))
        notes: list[Note] = []
        silent = instrument != "drums" and chords and all(each.root is None for each in chords)
        for groove in () if silent else self.ranked(context, instrument)[:_TRIES]:
            slices = slices_of(context, groove)
            lines = [chord_line(each, groove, chords, context.ticks_per_beat) for each in slices]
            try:
                music = to_arrays(_played(_chart(groove, lines, seed)))
            except (RenderError, FileFormatError):
                continue
            played = true_notes(music, instrument)
            notes = placed(played, music.ticks_per_beat, slices, groove, context)
            if notes:
                break
        if instrument != "drums":
            notes = resting(transposed(notes, 0, instrument), chords)
        in_order = tuple(sorted(notes, key=order))
        return Part(known.title, known.program, instrument == "drums", in_order)


def _unfitness(heard: Array, profiles: Array, instrument: str, slots: int) -> Array:
    """Return how far the rhythms of grooves are from those of the song [shape=(groove,)].

    For each role that plays in the song: 1 - 2 sum min(a, b) / (sum a + sum b), with a and b the
    shares of bars in which a note begins on each 16th of song and groove.
    """
    gone = {*KIT} if instrument == "drums" else {instrument}
    total = np.zeros(len(profiles))
    for place, name in enumerate(RHYTHMS):
        song = heard[place, :slots]
        if name in gone or not song.any():
            continue
        grooves = profiles[:, place, :slots]
        shared = 2 * np.minimum(song, grooves).sum(axis=1)
        total += 1 - shared / (song.sum() + grooves.sum(axis=1))
    return total
