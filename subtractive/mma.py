"""Arrangements played by MMA (Musical MIDI Accompaniment), Bob van der Poel's program.

MMA turns a chord chart and a *groove*, a style written by a musician, into several tracks. Here a
chart is rendered by the program, read back, and given the melody that was written over it.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path

from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.errors import OptionError
from subtractive.files.midi import read_midi, write_midi
from subtractive.instruments import instrument, role

TICKS = 192  # MMA counts so many to its own beat
EDITION = 2  # of what probing tells of a groove: raise it when the same groove comes out otherwise
_LIMIT_SECONDS = 60
_HIGHEST_LINE, _HIGHEST_SOLO = 47, 57  # median pitches of a bass line, and of a bass at all
_BASSES = instrument("bass").programs
_JAZZ_GUITAR, _FINGERED_BASS = 26, 33


class RenderError(Exception):
    """MMA could not play this chart or groove; the message is its own."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Some bars in one groove; `bars` holds the names of chords that share a bar evenly."""

    groove: str
    bars: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is needed to play a tune.

    Attributes
    ----------
    file : str
        The groove file, "library/name".
    beats : int
        MMA's beats in a bar, not always those of the metre: its 6/8 comes in 2, 3, 4 and 6.
    metre : tuple of int
        Numerator and denominator.
    tempo : float
        Quarter notes a minute.
    key : str
        Such as "F# minor".
    seed : int
        Of the program's own dice (velocities, strumming, timing).
    passages : tuple of Passage
    melody : tuple of Note
        In MMA's ticks; may be empty.
    melody_program : int
    """

    file: str
    beats: int
    metre: tuple[int, int]
    tempo: float
    key: str
    seed: int
    passages: tuple[Passage, ...]
    melody: tuple[Note, ...] = ()
    melody_program: int = 0

    @property
    def chords(self) -> str:
        """The chart as one line: ``|`` between bars, ``||`` between passages."""
        return " || ".join(
            " | ".join(" ".join(bar) for bar in passage.bars) for passage in self.passages
        )


def program() -> str:
    """Return the path of the program MMA.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    found = shutil.which("mma")
    if found is None:
        raise OptionError(
            "the program mma (Musical MIDI Accompaniment) was not found: install it (on Debian "
            "and Ubuntu: apt install mma), or build from a folder of MIDI files instead"
        )
    return found


def library_folder() -> Path:
    """Return the folder of the groove libraries: beside the program, or where Debian puts it.

    Raises
    ------
    OptionError
        If there is none.
    """
    shares = (Path("/usr/share/mma/lib"), Path("/usr/local/share/mma/lib"))
    places = (Path(program()).resolve().parent / "lib", *shares)
    for place in places:
        if (place / "stdlib").is_dir():
            return place
    raise OptionError(
        f"MMA's groove libraries were not found in {', '.join(map(str, places))}: install MMA again"
    )


def chord_beats(count: int, beats: int) -> tuple[float, ...]:
    """Return the beat, from 0, on which each of `count` chords begins in a bar of `beats`.

    They share the bar evenly, but the second of two waits for a beat.
    """
    if count == 2 and beats > 1:
        return (0, (beats + 1) // 2)
    return tuple(place * beats / count for place in range(count))


def slots(bar: tuple[str, ...], beats: int) -> str:
    """Return a bar as MMA writes it: one slot a beat, "/" where a chord goes on.

    Where more than two chords share it, each says its beat, counted from 1: "C G7@3 Am@4".
    """
    # MMA's dim is a seventh chord, as in old song books
    bar = tuple(re.sub(r"dim(?!7)", "mb5", name) for name in bar)
    if len(bar) == 1 or (beats == 1 and len(bar) == 2):
        return bar[0]
    starts = chord_beats(len(bar), beats)
    if len(bar) > 2:
        placed = zip(starts, bar, strict=True)
        return " ".join(f"{name}@{beat + 1:g}" if beat else name for beat, name in placed)
    half = int(starts[1])
    return " ".join([bar[0], *["/"] * (half - 1), bar[1], *["/"] * (beats - half - 1)])


def text(chart: Chart) -> str:
    """Return the chart in MMA's language."""
    lines = [f"Use {chart.file}", f"RndSeed {chart.seed}", f"KeySig {chart.key}"]
    number = 1
    for passage in chart.passages:
        lines.append(f"Groove {passage.groove}")
        for bar in passage.bars:
            lines.append(f"{number} {slots(bar, chart.beats)}")
            number += 1
    return "\n".join(lines) + "\n"


def run(chart_text: str) -> tuple[bytes, str]:
    """Return the MIDI file that MMA makes of a chart, and what it printed.

    Raises
    ------
    RenderError
        With MMA's own words.
    """
    with tempfile.TemporaryDirectory() as folder:
        # the same file name each time: MMA writes it into the music as a track name
        source, target = Path(folder, "tune.mma"), Path(folder, "tune.mid")
        source.write_text(chart_text, encoding="utf-8")
        command = [program(), "-xNOCREDIT", str(source), "-f", str(target)]
        said = say(command, Path(folder))
        if not target.exists():
            raise RenderError(_reason(said))
        return target.read_bytes(), said


def say(command: list[str], folder: Path | None = None) -> str:
    """Run MMA and return what it prints.

    Raises
    ------
    RenderError
        If it fails or takes a minute.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT_SECONDS,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RenderError(f"took more than {_LIMIT_SECONDS} s") from error
    if done.returncode:
        raise RenderError(_reason(done.stdout + done.stderr))
    return done.stdout


def _reason(said: str) -> str:
    start = said.find("Error")
    return " ".join(said[start:].split()) if start >= 0 else " ".join(said.split())[-200:]


def render(chart: Chart) -> bytes:
    """Return the tune as a MIDI file: MMA's parts in its order, and the melody after them.

    Raises
    ------
    RenderError
        If MMA refuses the chart.
    """
    played = read_midi(run(text(chart))[0], chart.file)
    parts = settled(played.parts, played.ticks_per_beat)
    if chart.melody:
        parts += (Part("Melody", chart.melody_program, is_drums=False, notes=chart.melody),)
    numerator, denominator = chart.metre
    return write_midi(
        Arrangement(
            # MMA's beats are made the right part of a quarter: its 6/8 counts two dotted quarters,
            # or six quarters, to the bar that it calls 6/8
            ticks_per_beat=TICKS * chart.beats * denominator // (4 * numerator),
            parts=parts,
            tempos=(Tempo(0, round(60e6 / chart.tempo)),),
            metres=(Metre(0, numerator, denominator),),
            keys=played.keys[:1],
        )
    )


def settled(parts: tuple[Part, ...], ticks_per_beat: int) -> tuple[Part, ...]:
    """Return MMA's parts as players would share them out.

    MMA changes between "Bass" and "Walk" tracks, and a track's program between grooves; a band has
    one bassist all the while. So basses that take turns become one part, as do the programs of a
    guitar's track. Which of MMA's tracks is a bass, `_sounding_as_played` says.
    """
    groups: dict[Hashable, list[Part]] = {}
    for number, old in enumerate(parts):
        part = _sounding_as_played(replace(old, origin=None))
        players: dict[str, Hashable] = {"bass": "bass", "guitar": ("guitar", part.name)}
        groups.setdefault(players.get(role(part), number), []).append(part)
    return tuple(part for group in groups.values() for part in _merged(group, ticks_per_beat // 4))


def _sounding_as_played(part: Part) -> Part:
    """Return the part with a program and a name that say what it plays.

    In MMA "Bass" is a way of writing patterns: some are bass lines given a jazz guitar's sound,
    some are riffs of a trumpet. Measured on all grooves, lines on guitars lie at a median of 44
    and below, riffs at 49 and above.
    """
    if part.is_drums:
        return part
    middle = statistics.median(note.pitch for note in part.notes)
    if part.program in _BASSES and middle > _HIGHEST_SOLO:
        return replace(part, name="Solo", program=_JAZZ_GUITAR)
    if re.match("bass|walk", part.name, re.IGNORECASE):
        if role(part) == "guitar" and middle <= _HIGHEST_LINE:
            return replace(part, program=_FINGERED_BASS)
        if part.program not in _BASSES and middle > _HIGHEST_LINE:
            return replace(part, name="Riff")
    return part


def _merged(group: list[Part], sixteenth: int) -> list[Part]:
    """Return one part for those that take turns; the ones that double another stay beside it."""
    main, *others = sorted(group, key=lambda part: -len(part.notes))
    beside = []
    for other in others:
        taken = {note.onset // sixteenth for note in main.notes}
        shared = sum(note.onset // sixteenth in taken for note in other.notes)
        if shared > len(other.notes) / 5:
            beside.append(other)
        else:
            main = replace(main, notes=tuple(sorted({*main.notes, *other.notes})))
    return [main, *beside]
