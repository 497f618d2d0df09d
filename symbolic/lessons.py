"""Lessons: random subtractive examples cut from songs on the grid, as arrays that a writer learns.

A lesson is a window of bars in which one instrument was taken out. What is left is thinned at
random, down to a single part, so that a writer learns to work with whatever a user has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scoretokens.codec import encode, normalise
from scoretokens.grid import GridPart, GridSong
from subtractive.instruments import INSTRUMENTS
from symbolic.concepts import PEOPLE, drawn, marked
from symbolic.draft import draft_of
from symbolic.frames import REACH, Key, beat_chords, context_frames, cut, key_of
from symbolic.rows import Rows, rows_of

Ints = npt.NDArray[np.int64]
WINDOW = 16  # bars that are written
LOOKAHEAD = 2  # bars of context beyond them, where a fill leads to
ALONE = 0.07  # share of lessons without any context: what sampling is guided away from
# Shares of lessons that say something of the part, or show the rules' draft of it. What little
# is left of a lead sheet tells no style: there words are needed, and are learned to be followed.
SAID, SAID_OF_LEAD_SHEETS, DRAFTED = 0.55, 0.85, 0.7


@dataclass(frozen=True, eq=False)
class Lesson:
    """A window: a context, and the part that was taken out of it.

    Attributes
    ----------
    instrument : str
    frames : array of float [shape=(frame, WIDTH)]
        Of the context; they go on beyond the last bar.
    rows : Rows
        The part as steps of a model,
    notes : array of int [shape=(note, 4)]
        and as notes on the grid, normalised and in the key of the frames.
    bar_onsets : array of int [shape=(bar + 1,)]
        Grid ticks.
    wishes : array of float [shape=(len(CONCEPTS),)]
    """

    instrument: str
    frames: npt.NDArray[np.float32]
    rows: Rows
    notes: Ints
    bar_onsets: Ints
    wishes: npt.NDArray[np.float32]

    @property
    def bar_count(self) -> int:
        """Number of bars of the part."""
        return len(self.bar_onsets) - 1


def target_part(song: GridSong, instrument: str) -> GridPart | None:
    """Return the part that stands for the instrument (see `subtractive.example.main_part`)."""
    parts = [part for part in song.parts if part.role == instrument and len(part.notes)]
    if not parts:
        return None
    if instrument != "drums":
        return max(parts, key=lambda part: len(part.notes))
    notes = np.concatenate([part.notes for part in parts])
    _, first = np.unique(notes[:, 0] * 128 + notes[:, 2], return_index=True)
    return replace(parts[0], notes=notes[first])


def context_of(song: GridSong, instrument: str) -> list[GridPart]:
    """Return the parts with notes that do not play the instrument."""
    return [part for part in song.parts if part.role != instrument and len(part.notes)]


def thin(context: Sequence[GridPart], rng: np.random.Generator) -> tuple[list[GridPart], bool]:
    """Return what of the context is kept, and whether its chords are given as symbols.

    The context stays as it is, or some parts, some roles or a single part of it stay; one draw in
    five makes a lead sheet: one tune, and the chords of the whole. A few have no context at all.
    """
    draw = rng.random()
    symbols = rng.random() < 0.15
    if draw > 1 - ALONE:
        return [], False
    if draw < 0.38 or len(context) < 2:
        return list(context), symbols
    if draw < 0.54:
        kept = [part for part in context if rng.random() < 0.6]
    elif draw < 0.7:
        wanted = [role for role in INSTRUMENTS if rng.random() < 0.6]
        kept = [part for part in context if part.role in wanted]
    elif draw < 0.9:
        kept = [part for part in context if part.role == "other"]
        kept = kept and [kept[int(rng.integers(len(kept)))]]
        symbols = True
    else:
        kept = []
    return kept or [context[int(rng.integers(len(context)))]], symbols


def disguise(part: GridPart, bar_onsets: Ints, rng: np.random.Generator) -> GridPart:
    """Return a part of the context as another arrangement might have it.

    Now and then it rests for some bars, lies an octave off, or has another sound: what it tells of
    harmony and time stays, so that a writer learns to hear these and not to recognise a song.
    """
    notes, program = part.notes, part.program
    if rng.random() < 0.2:
        length = int(rng.integers(1, 9))
        first = int(rng.integers(len(bar_onsets) - 1))
        low, high = bar_onsets[first], bar_onsets[min(first + length, len(bar_onsets) - 1)]
        notes = notes[(notes[:, 0] < low) | (notes[:, 0] >= high)]
    if part.role == "other" and rng.random() < 0.25:
        program = int(rng.integers(96))
    if part.role == "other" and rng.random() < 0.25:
        notes = notes + np.array([0, 0, 12 * int(rng.choice([-1, 1])), 0])
        notes = notes[(notes[:, 2] >= 0) & (notes[:, 2] < 128)]
    return replace(part, notes=notes, program=program)


def lesson(
    song: GridSong,
    instrument: str,
    first: int,
    rng: np.random.Generator | None,
    window: int = WINDOW,
) -> Lesson | None:
    """Return the lesson of one window, or None if the instrument does not play there.

    Parameters
    ----------
    song : GridSong
    instrument : str
    first : int
        Bar at which the window starts.
    rng : Generator or None
        Draws what of the context is kept and whether its chords are given as symbols; None keeps
        everything and estimates the chords, as validation does.
    window : int
        In bars.
    """
    target = target_part(song, instrument)
    context = context_of(song, instrument)
    last = min(first + window, song.bar_count)
    # drums alone are a lesson too: people's performances, what sampling is guided away from
    if target is None or not (context or instrument == "drums"):
        return None
    low, high = song.bar_onsets[first], song.bar_onsets[last]
    playing = (target.notes[:, 0] >= low) & (target.notes[:, 0] < high)
    if playing.sum() < 4:
        return None
    if rng is not None:
        # Who asks for a part wants it played: windows in which it mostly rests teach to rest on.
        edges = np.searchsorted(target.notes[:, 0], song.bar_onsets[first : last + 1])
        if np.count_nonzero(np.diff(edges)) * 2 < last - first:
            return None
    given = False
    if rng is not None:
        context, given = thin(context, rng)
    begin, end = max(0, first - REACH), min(last + LOOKAHEAD, song.bar_count)
    if rng is not None:
        context = [disguise(part, song.bar_onsets[begin : end + 1], rng) for part in context]
    piece = cut(replace(song, parts=tuple(context)), begin, end)
    chords = None
    if given:
        whole = cut(replace(song, parts=(*context_of(song, instrument), target)), begin, end)
        pitched = [part.notes for part in whole.parts if not part.is_drums]
        if len(song.chords):
            chords = song.chords
        else:
            chords = beat_chords(np.concatenate(pitched), piece) if pitched else None
    key = key_of(context, chords) or key_of([target, *song.parts]) or Key(0, is_minor=False)
    # Another key, as an estimate may be: it keeps songs from being learned by heart.
    if rng is not None and rng.random() < 0.4:
        key = Key(int(rng.integers(-6, 6)), bool(rng.random() < 0.5))
    draft = None
    if piece.parts and (rng is None or rng.random() < DRAFTED):
        draft = draft_of(
            piece, piece.parts, instrument, rng or np.random.default_rng(first), chords
        )
    seen = context_frames(
        piece,
        piece.parts,
        key,
        chords=chords,
        draft=draft,
        first_bar=song.first_bar + begin,
        bar_total=song.bar_total or song.bar_count,
    )
    bar_frames = seen.bar_frames[first - begin :]
    notes = normalise(
        target.notes[playing],
        is_drums=target.is_drums,
        transposition=0 if target.is_drums else key.shift,
    )
    bar_onsets = song.bar_onsets[first : last + 1]
    encoded = encode(notes, bar_onsets.tolist(), instrument=instrument, program=target.program)
    rows = rows_of(encoded, bar_onsets, bar_frames[: last - first + 1] - bar_frames[0])
    own = song.wishes[:, 0] == INSTRUMENTS.index(instrument)
    true = song.wishes[own, 1].tolist()
    if rng is None:
        wishes = [concept for concept in true if concept == PEOPLE]
    else:
        share = SAID_OF_LEAD_SHEETS if given and len(context) < 2 else SAID
        wishes = drawn(true, share, rng)
    return Lesson(instrument, seen.values[bar_frames[0] :], rows, notes, bar_onsets, marked(wishes))
