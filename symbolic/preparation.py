"""From a request to a job on the grid: what the writer sees, may play, and leans towards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from scoretokens.codec import normalise
from scoretokens.grid import TICKS_PER_BEAT, GridPart, GridSong, grid_notes, to_grid
from scoretokens.vocabulary import vocabulary
from subtractive.arrangement import Part
from subtractive.arranger.asked import asked_by
from subtractive.claims import families_named
from subtractive.errors import InstrumentError, OptionError
from subtractive.instruments import INSTRUMENTS, Instrument, instrument
from subtractive.limbs import DRUMMER, Crowd
from symbolic.concepts import PEOPLE, heard, marked
from symbolic.density import misses
from symbolic.draft import draft_of
from symbolic.frames import (
    SLICES,
    Frames,
    Key,
    beat_chords,
    context_frames,
    key_of,
    key_shift,
)
from symbolic.job import Job, no_notes
from symbolic.lean import Pull
from symbolic.manner import ANY, Manner
from symbolic.passages import Span
from symbolic.pen import Limits
from symbolic.request import Request, register_within
from symbolic.rows import MAIN

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
# On words, where nothing else is asked for: in general, on those that name a style, and at most.
# (Families other than the song's own, 14 songs: drums recognised .68 at 1 and .75 at 3, bass .11
# and .18.)
INSISTENCE, ASKED_INSISTENCE, MOST_GUIDANCE = 1.0, 3.0, 20
# Notes struck at once: two hands and two feet, a bass's double stops, six strings.
POLYPHONY = {"drums": 4, "bass": 2, "guitar": 6}


# The diffusion writer's own (chosen on 14 of the same songs): it draws a window once, surely.
_DRAWN_TEMPERATURE = {"drums": 0.4, "bass": 0.5, "guitar": 0.5}
_DRAWN_PULL = {"drums": Pull(1.5, 1.0), "bass": Pull(4.0, 1.0), "guitar": Pull(4.0, 1.0)}


def prepared_to_draw(request: Request) -> tuple[Job, int]:
    """Return what `prepared` does, as the diffusion writer is asked."""
    job, shift = prepared(request)
    if request.temperature is None:
        job.temperature = _DRAWN_TEMPERATURE[job.instrument]
    if job.pull == PULL[job.instrument]:
        job.pull = _DRAWN_PULL[job.instrument]
    job.guidance, job.takes = 1.0, request.takes or 1
    return job, shift


def prepared(request: Request) -> tuple[Job, int]:
    """Return the job of a request, and the semitones its notes are to be moved back by.

    Its manner says all that is asked in numbers, as `manner_of` returns it.
    """
    wanted = instrument(request.instrument)
    if request.temperature is not None and not 0 < request.temperature <= 5:
        raise OptionError(f"temperature {request.temperature:g} is not within 0.01 to 5")
    if request.program is not None and not 0 <= request.program <= 127:
        raise OptionError(f"program {request.program} is not within 0 to 127")
    if request.guidance is not None and not 0 <= request.guidance <= MOST_GUIDANCE:
        raise OptionError(f"guidance {request.guidance:g} is not within 0 to {MOST_GUIDANCE}")
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
    manner = request.manner
    draft = _drafted(song, parts, wanted.name, [*seeds, 1], chords, request.words, manner)
    fixed = no_notes()
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
    insistence = ASKED_INSISTENCE if families else INSISTENCE
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
        notes=no_notes(),
        density=manner.density,
        fixed=normalise(fixed, is_drums=not pitched, transposition=shift),
        draft_program=draft.program,
        insistence=insistence if request.guidance is None else request.guidance,
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
    job.after = notes[notes[:, 0] >= job.bar_onsets[job.last_bar]]


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
    # the rules' swung basses walk in quarters, which do not swing: theirs are swung afterwards
    in_three = manner.in_three if name == "drums" else None

    def draft(eagerness: float) -> GridPart:
        asked = replace(named, eagerness=eagerness, in_three=in_three)
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
    low, high = register_within(wanted, manner)
    within = (pitch - shift >= low) & (pitch - shift <= high)
    mask[list(table.span("Pitch"))] = within & (not drums)
    mask[list(table.span("PitchDrum"))] = (key >= wanted.lowest) & (key <= wanted.highest) & drums
    program = table.values("Program")
    mask[list(table.span("Program"))] = np.isin(program, list(wanted.programs))
    return mask


def _open_frames(frames: Frames, *, pitched: bool) -> npt.NDArray[np.bool_]:
    """Return where a note may begin [shape=(frame,)]: at N.C. nobody plays a chord."""
    no_chord = frames.values[:, SLICES["chord_flags"]][:, 1] > 0
    return ~no_chord if pitched else np.ones(len(no_chord), dtype=bool)


def _harmony(frames: Frames, *, pitched: bool) -> Ints:
    """Return the root of the chord in each frame, -1 where none is known [shape=(frame,)]."""
    roots = frames.values[:, SLICES["chord_root"]]
    known = roots.any(axis=1) & pitched
    return np.where(known, roots.argmax(axis=1), -1)
