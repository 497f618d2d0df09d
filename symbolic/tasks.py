"""What the command does between its options and its files; no torch is needed to open a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subtractive.arrangement import Arrangement, Part, Tempo, bars
from subtractive.chart import chord_chart, parse_key
from subtractive.errors import InstrumentError, OptionError, OutputError
from subtractive.files.midi import plan_channels, write_midi, write_part_only
from subtractive.files.music import MIDI_SUFFIXES, read
from subtractive.files.output import write_whole
from subtractive.instruments import roles

if TYPE_CHECKING:
    from symbolic.writer import PartWriter


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the parts shall be; the fields are the command's options of the same names."""

    seed: int = 0
    temperature: float | None = None
    takes: int | None = None
    tempo: float | None = None
    key: str | None = None
    chords: str | None = None
    program: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with each song."""

    instruments: tuple[str, ...]
    wishes: Wishes
    replace: bool = False
    beside: bool = False
    part_only: bool = False

    def write(
        self,
        writer: PartWriter,
        opened: Sequence[Opened],
        report: Callable[[int], None] | None = None,
    ) -> list[Result]:
        """Write all instruments, one after the other, each hearing those before it.

        Parameters
        ----------
        writer : PartWriter
        opened : sequence of Opened
            Written side by side.
        report : callable, optional
            Called with the number of bars written since the last call.
        """
        from symbolic.writer import Request  # noqa: PLC0415  # needs torch

        wishes = self.wishes
        key = parse_key(wishes.key) if wishes.key is not None else None
        music = [one.music for one in opened]
        added: list[tuple[Part, ...]] = [() for _ in opened]
        for name in self.instruments:
            requests = [
                Request(
                    song.split(name)[0],
                    name,
                    wishes.seed,
                    wishes.temperature,
                    key,
                    wishes.program,
                    wishes.takes,
                )
                for song in music
            ]
            parts = writer.write(requests, report)
            pairs = list(zip(music, parts, strict=True))
            music = [song.with_parts((*song.parts, part)) for song, part in pairs]
            added = [(*before, part) for before, part in zip(added, parts, strict=True)]
        return [
            Result(one, song, parts, self.part_only)
            for one, song, parts in zip(opened, music, added, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Opened:
    """A song that was read and is ready to be written to."""

    path: Path
    music: Arrangement
    bar_count: int


@dataclass(frozen=True, slots=True)
class Result:
    """A song with its new parts."""

    opened: Opened
    music: Arrangement
    added: tuple[Part, ...]
    part_only: bool


def open_task(path: Path, task: Task) -> Opened:
    """Read a song and make it ready: tempo and chords set, the instrument taken out if asked for.

    Raises
    ------
    MusicError
        If the song cannot be read, an option does not fit it, or it plays the instrument already.
    """
    music = read(path)
    wishes = task.wishes
    if wishes.tempo is not None:
        if not 10 <= wishes.tempo <= 1000:
            raise OptionError(f"--tempo {wishes.tempo:g} is not within 10 to 1000 quarter notes")
        if music.tempos:
            stated = 6e7 / music.tempos[0].microseconds
            raise OptionError(
                f"{path.name} states its own tempo ({stated:.0f}): --tempo is for music without one"
            )
        music = replace(music, tempos=(Tempo(0, round(6e7 / wishes.tempo)),))
    if wishes.key is not None:
        parse_key(wishes.key)
    if wishes.chords is not None:
        music = replace(music, chords=chord_chart(wishes.chords, bars(music)))
    for name in task.instruments:
        context, taken = music.split(name)
        if taken:
            _check_context(path, context, name)
        if taken and not (task.replace or task.beside):
            tracks = ", ".join(repr(placed.stem.name or "(no name)") for placed in taken)
            raise InstrumentError(
                f"{path.name} has {name} already ({tracks}): --replace takes it out first, "
                "--beside writes one more"
            )
        if task.replace:
            music = context
    first = task.instruments[0]
    _check_context(path, music.split(first)[0], first)
    return Opened(path, music, len(bars(music)))


def _check_context(path: Path, context: Arrangement, name: str) -> None:
    if not context.chords and not any(part.notes for part in context.parts):
        raise InstrumentError(
            f"{path.name} holds nothing but {name}: the music needs at least one other part "
            "to write to"
        )


def check_output(songs: Sequence[Path], targets: Sequence[Path], others: Sequence[Path]) -> None:
    """Make sure that no output overwrites an input or another output, and that folders exist.

    Parameters
    ----------
    songs, targets, others : sequences of Path
        Inputs, MIDI outputs, and what is written beside them.

    Raises
    ------
    OutputError
    """
    inputs = {song.resolve() for song in songs}
    seen: set[Path] = set()
    for target in targets:
        if target.suffix.lower() not in MIDI_SUFFIXES:
            raise OutputError(
                f"{target.name} cannot be written: the output is MIDI, so end it in .mid"
            )
    for output in (*targets, *others):
        if output.resolve() in inputs:
            raise OutputError(f"{output} is an input too: name another output")
        if output.resolve() in seen:
            raise OutputError(f"{output} would be written twice: give the songs different names")
        seen.add(output.resolve())
        if output.is_dir():
            raise OutputError(f"{output} is a folder: name a file in it")
        if not output.parent.is_dir():
            raise OutputError(
                f"the folder {output.parent} does not exist: create it, or name an output elsewhere"
            )


def hand_over(
    result: Result, target: Path, preview: Path | None, plot: Path | None
) -> dict[str, Any]:
    """Write the files of a result and return what is to be said about them.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    midi = write_midi(result.music)
    only = write_part_only(result.music, result.added) if result.part_only else midi
    write_whole(target, only)
    plans = () if result.part_only else plan_channels(result.music)
    notices = [plan.notice for plan in plans if plan.notice]
    if preview is not None:
        from subtractive.files.sound import NO_SYNTHESIZER, render_wav  # noqa: PLC0415  # slow

        if render_wav(midi, preview) is None:
            notices.append(NO_SYNTHESIZER)
    if plot is not None:
        from subtractive.files.piano_roll import draw  # noqa: PLC0415  # matplotlib is slow

        count = len(result.music.parts)
        draw(result.music, plot, tuple(range(count - len(result.added), count)))
    named = roles(result.added)
    summary = ", ".join(
        f"{name} ({len(part.notes)} notes)" for name, part in zip(named, result.added, strict=True)
    )
    return {
        "input": str(result.opened.path),
        "output": str(target),
        "bars": result.opened.bar_count,
        "parts": [
            {"instrument": name, "notes": len(part.notes), "program": part.program}
            for name, part in zip(named, result.added, strict=True)
        ],
        "notices": notices,
        "summary": summary,
    }
