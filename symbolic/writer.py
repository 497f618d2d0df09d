"""From a context to the part that was missing, in an arrangement's own ticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from scoretokens.codec import normalise
from scoretokens.grid import TICKS_PER_BEAT, GridPart, GridSong, from_grid, grid_notes, to_grid
from scoretokens.vocabulary import vocabulary
from subtractive.arrangement import Arrangement, KeySignature, Note, Part
from subtractive.arranger.asked import asked_by
from subtractive.claims import families_named
from subtractive.errors import InstrumentError, OptionError
from subtractive.instruments import INSTRUMENTS, Instrument, instrument
from subtractive.limbs import DRUMMER, Crowd
from symbolic.cached import CachedWriter
from symbolic.checkpoint import load_weights
from symbolic.concepts import PEOPLE, heard, marked
from symbolic.density import misses
from symbolic.draft import draft_of
from symbolic.frames import (
    FRAME,
    SLICES,
    Frames,
    Key,
    beat_chords,
    context_frames,
    key_of,
    key_shift,
)
from symbolic.lean import Pull
from symbolic.manner import ANY, PLAIN, Manner, loudened, of_words, on_chords, swung
from symbolic.passages import Span
from symbolic.pen import Limits
from symbolic.rows import MAIN
from symbolic.sampling import Job, write_notes
from symbolic.sketches import tempo_of, with_kept

Ints = npt.NDArray[np.int64]

# Chosen on 40 real songs of which the quick benchmark has none. Colder drums keep the beat; colder
# basses and guitars fall into the most predictable of the styles learned, whatever the song.
TEMPERATURE = {"drums": 0.7, "bass": 1.0, "guitar": 1.0}
GUIDANCE = {"drums": 1.0, "bass": 2.0, "guitar": 2.0}
TOP_P = 0.95
# Towards what the rules would play. Drums drawn warmer that lean more are as sure and less stiff.
PULL = {"drums": Pull(2.0, 2.0), "bass": Pull(6.0, 1.0), "guitar": Pull(4.0, 1.0)}
_CROWDS = tuple(rule for rule in DRUMMER if isinstance(rule, Crowd))
# where words name a style, in which the rules then play; drums have learned how that goes
ASKED_PULL = {"drums": Pull(8.0, 8.0), "bass": Pull(4.0, 3.0), "guitar": Pull(4.0, 3.0)}
_EAGERNESS = (-4.0, -2.5, -1.5, -0.7, 0.7, 1.5, 2.5, 4.0)  # with which the rules are asked
TAKES = 6  # of each window; more of them agree on plainer music, and cost more time
MOST_TAKES = 32
# Notes struck at once: two hands and two feet, a bass's double stops, six strings.
POLYPHONY = {"drums": 4, "bass": 2, "guitar": 6}


@dataclass(frozen=True, slots=True)
class Request:
    """What to write, and for which music.

    Attributes
    ----------
    context : Arrangement
        The music without the instrument. Its chord symbols, if it has any, are followed.
    instrument : str
    seed : int
    temperature : float or None
        Above 0: low is plain and sure, 1 is as varied as the music learned from; None: the default.
    key : KeySignature or None
        None: estimated from the context.
    program : int or None
        General MIDI program of the part; None: chosen by the writer.
    takes : int or None
        How many times each window of bars is written before the take that agrees most with the
        others is kept, 1 to 32; None: the default. One take is faster, and an odd one more often.
    words : str
        How the part should be, such as "Add a laid-back reggae bass"; may be empty.
    span : Span or None
        The bars to write; None: all.
    played : Part or None
        What the instrument plays before the span: the part goes on from there.
    manner : Manner
        How the part should be in numbers; counts before the words.
    kept : tuple of Note
        What the part shall hold in any case, in the context's ticks.
    """

    context: Arrangement
    instrument: str
    seed: int = 0
    temperature: float | None = None
    key: KeySignature | None = None
    program: int | None = None
    takes: int | None = None
    words: str = ""
    span: Span | None = None
    played: Part | None = None
    manner: Manner = PLAIN
    kept: tuple[Note, ...] = ()


class PartWriter:
    """A trained writer, ready to write parts; made by `load_writer`."""

    def __init__(self, model: CachedWriter) -> None:
        self.model = model

    def write(
        self, requests: Sequence[Request], report: Callable[[int], None] | None = None
    ) -> list[Part]:
        """Write the parts asked for; each depends on its own request alone.

        Parameters
        ----------
        requests : sequence of Request
        report : callable, optional
            Called now and then with the number of bars written since the last call.

        Returns
        -------
        list of Part
            In the ticks of each request's context.

        Raises
        ------
        InstrumentError
            If an instrument is unknown, or its context is empty.
        OptionError
            If the temperature is not above 0, or a program or the takes out of their limits.
        """
        prepared = [_prepare(request) for request in requests]
        write_notes(self.model, [job for job, _ in prepared], report=report)
        return [
            _finish(request, job, shift)
            for request, (job, shift) in zip(requests, prepared, strict=True)
        ]


def load_writer(weights: Path | None = None, device: str = "auto") -> PartWriter:
    """Return a writer with the shipped weights, or those of a folder.

    Parameters
    ----------
    weights : Path, optional
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU where there is one.

    Raises
    ------
    OptionError
        If the device is unknown or not there.
    FileFormatError
        If the folder holds no weights.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise OptionError(f"unknown device {device!r}: choose auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("no CUDA device is there: take --device auto or cpu")
    place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    config, tensors = load_weights(weights)
    on_device = {name: tensor.to(place) for name, tensor in tensors.items()}
    return PartWriter(CachedWriter(config, on_device))


def _prepare(request: Request) -> tuple[Job, int]:
    """Return the job of a request, and the semitones its notes are to be moved back by."""
    wanted = instrument(request.instrument)
    if request.temperature is not None and not 0 < request.temperature <= 5:
        raise OptionError(f"temperature {request.temperature:g} is not within 0.01 to 5")
    if request.program is not None and not 0 <= request.program <= 127:
        raise OptionError(f"program {request.program} is not within 0 to 127")
    takes = TAKES if request.takes is None else request.takes
    if not 1 <= takes <= MOST_TAKES:
        raise OptionError(f"{takes} takes are not within 1 to {MOST_TAKES}")
    song = to_grid(request.context)
    parts = [part for part in song.parts if len(part.notes)]
    chords = _followed_chords(song, parts)
    if not parts and chords is None:
        raise InstrumentError(
            f"there is nothing to write a part to: besides {wanted.name}, the music needs at "
            "least one part with notes, or chord symbols"
        )
    if request.key is not None:
        key = key_shift(request.key.tonic, request.key.is_minor)
    else:
        key = key_of(parts, chords) or Key(0, is_minor=False)
    seeds = [request.seed, INSTRUMENTS.index(wanted.name)]
    families = families_named(request.words)
    manner = _manner(request)
    draft = _drafted(song, parts, wanted.name, [*seeds, 1], chords, request.words, manner)
    if request.kept:
        sketch = Part(wanted.title, draft.program, wanted.name == "drums", request.kept)
        fixed = grid_notes(sketch, request.context.ticks_per_beat)
        draft = replace(draft, notes=np.unique(np.concatenate([draft.notes, fixed]), axis=0))
    frames = context_frames(song, parts, key, chords=chords, draft=draft)
    pitched = wanted.name != "drums"
    shift = key.shift if pitched else 0
    # A lead sheet asks for what an arranger would write, a band for one more of its players.
    # (What people play is seldom of the styles that are asked for by name.)
    by = [] if len(song.chords) or families else [PEOPLE]
    # A program that the vocabulary has not is given to the part, and the writer chooses another.
    known = f"Program_{request.program}" in vocabulary().tokens
    job = Job(
        instrument=wanted.name,
        frames=frames,
        bar_onsets=song.bar_onsets,
        limits=Limits(
            _allowed_tokens(wanted, shift, manner),
            min(POLYPHONY[wanted.name], manner.polyphony or 128),
            _CROWDS if wanted.name == "drums" else (),
        ),
        open_frames=_open_frames(frames, pitched=pitched),
        harmony=_harmony(frames, pitched=pitched),
        rng=np.random.default_rng(seeds),
        temperature=TEMPERATURE[wanted.name]
        if request.temperature is None
        else request.temperature,
        top_p=TOP_P,
        guidance=GUIDANCE[wanted.name],
        alone=context_frames(song, [], key).values,
        wishes=marked([*by, *heard(request.words, wanted.name)]),
        draft=draft.notes + np.array([0, 0, shift, 0]),
        pull=ASKED_PULL[wanted.name] if families else PULL[wanted.name],
        program=request.program if known else None,
        takes=takes,
        notes=np.zeros((0, 4), dtype=np.int64),
        density=manner.density,
    )
    if request.span is not None:
        _confine(job, request, request.span, shift)
    return job, shift


def _confine(job: Job, request: Request, span: Span, shift: int) -> None:
    """Let a job write the bars of a span alone, going on from what is played before it."""
    ratio = TICKS_PER_BEAT / request.context.ticks_per_beat
    low, high = (round(tick * ratio) for tick in span)
    job.next_bar = int(np.searchsorted(job.bar_onsets[1:-1], low, side="right"))
    job.last_bar = max(job.next_bar + 1, int(np.searchsorted(job.bar_onsets[:-1], high)))
    if request.played is None:
        return
    notes = normalise(
        grid_notes(request.played, request.context.ticks_per_beat),
        is_drums=job.instrument == "drums",
        transposition=shift,
    )
    job.notes = notes[notes[:, 0] < job.bar_onsets[job.next_bar]]


def _followed_chords(song: GridSong, parts: Sequence[GridPart]) -> Ints | None:
    """Return the score's chord symbols, and what holds before the first one; None without any.

    A pick-up has no chord: up to a bar before the first symbol counts as N.C. A longer stretch is
    music that nobody wrote symbols for: there the chords are estimated.
    """
    if not len(song.chords):
        return None
    start, first = int(song.bar_onsets[0]), int(song.chords[0, 0])
    if first <= start:
        return song.chords
    opening = np.array([[start, -1, 0, -1]])
    pitched = [part.notes for part in parts if not part.is_drums]
    if first >= song.bar_onsets[min(2, song.bar_count)] and pitched:
        estimated = beat_chords(np.concatenate(pitched), song)
        opening = estimated[estimated[:, 0] < first]
    return np.concatenate([opening, song.chords])


def _manner(request: Request) -> Manner:
    """Return how a part should be: by numbers, and else by words."""
    told = of_words(request.words, request.instrument, tempo_of(request.context))
    return request.manner.over(told).checked(request.instrument)


def _drafted(
    song: GridSong,
    parts: Sequence[GridPart],
    name: str,
    seeds: Sequence[int],
    chords: Ints | None,
    words: str,
    manner: Manner,
) -> GridPart:
    """Return what the rules would play, as eagerly as comes nearest to the density wanted."""
    ticks = int(song.bar_onsets[-1] - song.bar_onsets[0])
    named = asked_by(words)

    def draft(eagerness: float) -> GridPart:
        asked = replace(named, eagerness=eagerness, in_three=manner.in_three)
        return draft_of(song, parts, name, np.random.default_rng(seeds), chords, asked)

    first = draft(0.0)
    if manner.density == ANY:
        return first
    tried = [first, *(draft(each) for each in _EAGERNESS)]
    missed = misses([each.notes for each in tried], ticks, manner.density, drums=name == "drums")
    return tried[int(np.argmin(missed))]


def _allowed_tokens(wanted: Instrument, shift: int, manner: Manner) -> npt.NDArray[np.bool_]:
    """Return which tokens the instrument may use at all [shape=(MAIN,)]."""
    table = vocabulary()
    mask = np.ones(MAIN, dtype=bool)
    pitch, key = table.values("Pitch"), table.values("PitchDrum")
    drums = wanted.name == "drums"
    low, high = _register(wanted, manner)
    within = (pitch - shift >= low) & (pitch - shift <= high)
    mask[list(table.span("Pitch"))] = within & (not drums)
    mask[list(table.span("PitchDrum"))] = (key >= wanted.lowest) & (key <= wanted.highest) & drums
    program = table.values("Program")
    mask[list(table.span("Program"))] = np.isin(program, list(wanted.programs))
    return mask


def _register(wanted: Instrument, manner: Manner) -> tuple[int, int]:
    """Return the lowest and the highest pitch that may be played."""
    low, high = manner.register or (wanted.lowest, wanted.highest)
    return max(low, wanted.lowest), min(high, wanted.highest)


def _open_frames(frames: Frames, *, pitched: bool) -> npt.NDArray[np.bool_]:
    """Return where a note may begin [shape=(frame,)]: at N.C. nobody plays a chord."""
    no_chord = frames.values[:, SLICES["chord_flags"]][:, 1] > 0
    return ~no_chord if pitched else np.ones(len(no_chord), dtype=bool)


def _harmony(frames: Frames, *, pitched: bool) -> Ints:
    """Return the root of the chord in each frame, -1 where none is known [shape=(frame,)]."""
    roots = frames.values[:, SLICES["chord_root"]]
    known = roots.any(axis=1) & pitched
    return np.where(known, roots.argmax(axis=1), -1)


def _closing_ticks(job: Job, song_end: int) -> Ints:
    """Return for each frame the grid tick at which a note begun there must end at the latest."""
    counts = np.diff(job.frames.bar_frames)
    bar = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(bar)) - job.frames.bar_frames[:-1][bar]
    onsets = job.bar_onsets[:-1][bar] + within * FRAME
    closed = np.where(job.open_frames, song_end, onsets)
    result: Ints = np.minimum.accumulate(closed[::-1])[::-1]
    return result


def _finish(request: Request, job: Job, shift: int) -> Part:
    """Return a job's notes as a part: in range, in tune, ending with the song."""
    wanted = instrument(request.instrument)
    context = request.context
    # Nothing begins when the music is over; the last notes may ring to the end of its last bar.
    # (Ticks coarser than the grid's can say only some of its onsets.)
    over = max(1, round(context.end * TICKS_PER_BEAT / context.ticks_per_beat))
    coarse = -(-TICKS_PER_BEAT // context.ticks_per_beat)
    notes = job.notes[(job.notes[:, 0] < over) & (job.notes[:, 0] % coarse == 0)]
    if request.span is not None:
        begin = request.span.onset * TICKS_PER_BEAT / context.ticks_per_beat
        notes = notes[notes[:, 0] >= np.rint(begin)]
    drums = wanted.name == "drums"
    manner = _manner(request)
    notes = swung(notes, job.bar_onsets, manner.swing, drums=drums)
    notes[:, 3] = loudened(notes[:, 3], manner.velocity)
    if not drums:
        notes[:, 2] -= shift
        song_end = int(job.bar_onsets[np.searchsorted(job.bar_onsets[:-1], over)])
        bar = np.searchsorted(job.bar_onsets[1:-1], notes[:, 0], side="right")
        frame = job.frames.bar_frames[bar] + (notes[:, 0] - job.bar_onsets[bar]) // FRAME
        end = np.minimum(notes[:, 0] + notes[:, 1], _closing_ticks(job, song_end)[frame])
        notes[:, 1] = np.maximum(end - notes[:, 0], 1)
    voice = np.zeros(len(notes)) if wanted.name == "bass" else notes[:, 2]
    notes[:, 1] = np.minimum(notes[:, 1], _until_next(notes[:, 0], voice))
    program = request.program
    if program is None:
        program = wanted.program if job.program is None else job.program
    played = from_grid(notes, context.ticks_per_beat)
    if manner.strict:
        played = on_chords(played, context, *_register(wanted, manner))
    part = Part(name=wanted.title, program=program, is_drums=drums, notes=played)
    tempo = tempo_of(context)
    return with_kept(part, request.kept, wanted.name, context.ticks_per_beat, tempo)


def _until_next(onsets: Ints, voices: npt.NDArray[np.float64] | Ints) -> Ints:
    """Return the time from each note to the next later one of its voice (large for the last).

    A string sounds one note at a time, and MIDI cannot say which of two equal pitches ends.
    """
    result = np.full(len(onsets), 1 << 20)
    for voice in np.unique(voices):
        at = np.flatnonzero(voices == voice)
        steps, place = np.unique(onsets[at], return_inverse=True)
        gaps = np.append(np.diff(steps), 1 << 20)
        result[at] = gaps[place]
    return result
