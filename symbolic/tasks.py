"""What the command does between its options and its files; no torch is needed to open a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from subtractive.arrangement import Arrangement, Part, PlacedPart, Tempo, bars
from subtractive.chart import chord_chart, parse_key
from subtractive.errors import InstrumentError, OptionError
from subtractive.files.music import read
from subtractive.nearby import understood
from symbolic.feel import checked
from symbolic.manner import ANY, Manner, like, near, register_of
from symbolic.passages import Span, spans_of, woven
from symbolic.request import Request, manner_of
from symbolic.sketches import facts_in, notes_in

if TYPE_CHECKING:
    from symbolic.scorecard import Scorecard
    from symbolic.writer import PartWriter


MOST_ATTACKS = 128  # a bar
MOST_CANDIDATES = 32
NEXT_SEED = 1_000_003  # from one candidate's seed to the next one's


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
    prompt: str = ""
    bars: str | None = None  # "9-16", as `symbolic.passages` reads it
    density: float | None = None  # attacks a bar
    register: str | None = None  # "E1-G3", as `symbolic.manner` reads it
    polyphony: int | None = None
    strict: bool = False
    like: Path | None = None
    keep: Path | None = None
    candidates: int | None = None
    feel: float | None = None
    guidance: float | None = None

    def manner(self, instrument: str, music: Arrangement) -> Manner:
        """Return what the options ask of an instrument in numbers.

        Raises
        ------
        MusicError
            If the instrument cannot play so, or the file to play like cannot be read.
        """
        density = ANY
        if self.density is not None:
            table = bars(music)
            usual = sorted(bar.length for bar in table)[len(table) // 2]
            if not 0 < self.density <= MOST_ATTACKS:
                raise OptionError(
                    f"--density {self.density:g} is not within 0.1 to {MOST_ATTACKS} attacks a bar"
                )
            density = near(self.density * music.ticks_per_beat / usual)
        register = register_of(self.register) if self.register is not None else None
        asked = Manner(density, ANY, ANY, register, self.polyphony, self.strict)
        if self.like is not None:
            asked = asked.over(like(facts_in(self.like, instrument)))
        return asked.checked(instrument)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with each song."""

    instruments: tuple[str, ...]
    wishes: Wishes
    replace: bool = False
    beside: bool = False
    part_only: bool = False
    tablature: bool = False

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
        told = understood(self.wishes.prompt)
        music = [one.music for one in opened]
        added: list[tuple[Part, ...]] = [() for _ in opened]
        cards: list[tuple[Scorecard, ...]] = [() for _ in opened]
        for name in self.instruments:
            requests = [self._request(name, song, told.text) for song in music]
            tried = self._parts(writer, opened, requests, report)
            parts = tried[: len(opened)]
            if self.wishes.candidates is not None:
                for place, request in enumerate(requests):
                    part, card = _best(request, tried[place :: len(opened)])
                    parts[place], cards[place] = part, (*cards[place], card)
            pairs = list(zip(music, parts, strict=True))
            music = [song.with_parts((*song.parts, part)) for song, part in pairs]
            added = [(*before, part) for before, part in zip(added, parts, strict=True)]
        return [
            Result(one, song, parts, self.part_only, self.tablature, of_it, tuple(told.remarks()))
            for one, song, parts, of_it in zip(opened, music, added, cards, strict=True)
        ]

    def _request(self, name: str, song: Arrangement, words: str) -> Request:
        """Return the request to write one instrument to the whole of a song, as words say."""
        wishes = self.wishes
        return Request(
            song.split(name)[0],
            name,
            wishes.seed,
            wishes.temperature,
            parse_key(wishes.key) if wishes.key is not None else None,
            wishes.program,
            wishes.takes,
            words,
            manner=wishes.manner(name, song),
            kept=() if wishes.keep is None else notes_in(wishes.keep, name, song.ticks_per_beat),
            feel=wishes.feel,
            guidance=wishes.guidance,
        )

    def _parts(
        self,
        writer: PartWriter,
        songs: Sequence[Opened],
        requests: Sequence[Request],
        report: Callable[[int], None] | None,
    ) -> list[Part]:
        """Write one instrument for each song: as a whole, or stretch after stretch of its bars.

        All candidates of all songs are written side by side: first those of the first seed.
        """
        count = self.wishes.candidates or 1
        whole = [
            replace(request, seed=request.seed + NEXT_SEED * candidate)
            for candidate in range(count)
            for request in requests
        ]
        opened = list(songs) * count
        name = requests[0].instrument
        parts = [one.kept.get(name) for one in opened]

        def request(place: int, span: Span | None) -> Request:
            played, program = parts[place], whole[place].program
            if program is None and played is not None and not played.is_drums:
                program = played.program
            return replace(whole[place], program=program, span=span, played=played)

        for turn in range(max(len(one.spans) for one in opened)):
            places = [place for place, one in enumerate(opened) if turn < len(one.spans)]
            spans = [opened[place].spans[turn] for place in places]
            written = writer.write(
                [request(place, span) for place, span in zip(places, spans, strict=True)], report
            )
            for place, span, part in zip(places, spans, written, strict=True):
                before = parts[place]
                if span is not None and before is not None:
                    part = woven(before, part, span, monophonic=name == "bass")  # noqa: PLW2901
                parts[place] = part
        return [part for part in parts if part is not None]


def _best(request: Request, candidates: Sequence[Part]) -> tuple[Part, Scorecard]:
    """Return the candidate with the most merit, and its card."""
    from symbolic.scorecard import best, scorecard  # noqa: PLC0415  # needs torch

    manner = manner_of(request)
    cards = [scorecard(request.context, part, request.instrument, manner) for part in candidates]
    chosen = best(cards)
    return candidates[chosen], cards[chosen]


@dataclass(frozen=True, slots=True)
class Opened:
    """A song that was read and is ready to be written to.

    Attributes
    ----------
    path : Path
    music : Arrangement
        Without what is to be replaced.
    bar_count : int
    spans : tuple of Span or None
        Where to write; None is the whole song.
    kept : mapping of str to Part
        For each instrument what it plays already: all of it outside of the spans stays.
    """

    path: Path
    music: Arrangement
    bar_count: int
    spans: tuple[Span | None, ...] = (None,)
    kept: Mapping[str, Part] = field(default_factory=dict)

    @property
    def bars_to_write(self) -> int:
        """Number of bars that each instrument is written in."""
        wanted = [span for span in self.spans if span is not None]
        if not wanted:
            return self.bar_count
        return sum(
            any(span.onset <= bar.onset < span.end for span in wanted) for bar in bars(self.music)
        )


@dataclass(frozen=True, slots=True)
class Result:
    """A song with its new parts."""

    opened: Opened
    music: Arrangement
    added: tuple[Part, ...]
    part_only: bool = False
    tablature: bool = False
    cards: tuple[Scorecard, ...] = ()
    remarks: tuple[str, ...] = ()


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
    checked(wishes.feel)
    if wishes.candidates is not None and not 1 <= wishes.candidates <= MOST_CANDIDATES:
        raise OptionError(f"--candidates {wishes.candidates} is not within 1 to {MOST_CANDIDATES}")
    if wishes.key is not None:
        parse_key(wishes.key)
    if wishes.chords is not None:
        music = replace(music, chords=chord_chart(wishes.chords, bars(music)))
    spans: tuple[Span | None, ...] = (None,)
    if wishes.bars is not None:
        spans = spans_of(wishes.bars, music)
    kept: dict[str, Part] = {}
    for name in task.instruments:
        wishes.manner(name, music)
        if wishes.keep is not None:
            notes_in(wishes.keep, name, music.ticks_per_beat)
        context, taken = music.split(name)
        if taken:
            _check_context(path, context, name)
        if taken and not (task.replace or task.beside):
            tracks = ", ".join(repr(placed.stem.name or "(no name)") for placed in taken)
            raise InstrumentError(
                f"{path.name} has {name} already ({tracks}): --replace takes it out first, "
                "--beside writes one more"
            )
        if task.replace and taken and wishes.bars is not None:
            music, kept[name] = without_busiest(context, taken)
        elif task.replace:
            music = context
    first = task.instruments[0]
    _check_context(path, music.split(first)[0], first)
    return Opened(path, music, len(bars(music)), spans, kept)


def without_busiest(context: Arrangement, taken: Sequence[PlacedPart]) -> tuple[Arrangement, Part]:
    """Return the music without the busiest of some parts, and that part.

    Some bars are of one part: if several players share the instrument, of the busiest.

    Parameters
    ----------
    context : Arrangement
    taken : sequence of PlacedPart
        What was taken out of the music to get the context; at least one.
    """
    chosen = max(taken, key=lambda placed: len(placed.stem.notes))
    others = (
        placed._replace(place=placed.place - (placed.place > chosen.place))
        for placed in taken
        if placed is not chosen
    )
    return context.join(tuple(others)), chosen.stem


def _check_context(path: Path, context: Arrangement, name: str) -> None:
    if not context.chords and not any(part.notes for part in context.parts):
        raise InstrumentError(
            f"{path.name} holds nothing but {name}: the music needs at least one other part "
            "to write to"
        )
