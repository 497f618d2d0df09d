"""From the notes of a measure to the voices that a staff shows: chords one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from subtractive.notation.paper import WrittenNote
from subtractive.notation.pulse import Pulse
from subtractive.notation.windows import EARLY, Window, divided, window_at

_EIGHTH, _SIXTEENTH = Fraction(1, 2), Fraction(1, 4)
_FINEST = Fraction(1, 16)
_USUAL = (_FINEST, Fraction(1, 6))
_STRUM = Fraction(1, 4)  # longer ones are broken chords
_PERFORMED_SHARE = Fraction(1, 20)


class Attack(NamedTuple):
    """What one voice strikes at one place, until when; in order of pitch."""

    onset: Fraction
    end: Fraction
    notes: tuple[WrittenNote, ...]


def gathered(notes: Iterable[WrittenNote]) -> list[WrittenNote]:
    """Return the notes of a measure with each strum as one chord, and no note twice.

    Notes on different pitches, each a 24th of a beat after the one before it, are one chord; and
    so they are up to a twelfth apart if one of the two is where nothing is ever written.
    """
    groups: list[tuple[Fraction, list[WrittenNote]]] = []
    for note in sorted(notes, key=lambda note: (note.onset, note.pitch)):
        if groups:
            onset, group = groups[-1]
            before = group[-1].onset
            gap = note.onset - before
            odd = gap <= EARLY / 2 or not (_is_usual(before) and _is_usual(note.onset))
            close = not gap or (
                gap <= EARLY
                and odd
                and note.onset - group[0].onset < _STRUM
                and all(other.pitch != note.pitch for other in group)
            )
            if close:
                better = note.onset if not _is_usual(onset) and _is_usual(note.onset) else onset
                groups[-1] = better, [*group, note]
                continue
        groups.append((note.onset, [note]))
    result = []
    for onset, group in groups:
        best: dict[int, WrittenNote] = {}
        for note in group:
            moved = note._replace(
                onset=onset, duration=max(Fraction(0), note.onset + note.duration - onset)
            )
            known = best.get(note.pitch)
            best[note.pitch] = moved if known is None else _joined(known, moved)
        result += [best[pitch] for pitch in sorted(best)]
    return result


def _is_usual(onset: Fraction) -> bool:
    return any((onset / step).denominator == 1 for step in _USUAL)


def _joined(one: WrittenNote, other: WrittenNote) -> WrittenNote:
    """Return two notes of one pitch and onset as one."""
    longer = one if one.duration >= other.duration else other
    return longer._replace(
        velocity=max(one.velocity, other.velocity),
        tied_back=one.tied_back and other.tied_back,
    )


def is_performed(measures: Sequence[Sequence[WrittenNote]]) -> bool:
    """Return whether note ends are where a player let go, not where a composer put them.

    So it is if more than one in twenty ends where no usual division of a beat has a place.
    """
    ends = [note.onset + note.duration for notes in measures for note in notes]
    odd = sum(not _is_usual(end) for end in ends)
    return odd > _PERFORMED_SHARE * len(ends)


def split_voices(notes: Sequence[WrittenNote]) -> tuple[list[WrittenNote], list[WrittenNote]]:
    """Return the notes of a staff as upper and lower voice; the lower one is mostly empty.

    There are two voices where some notes are held, a beat or longer, while others are struck, all
    above them or all below, and neither those held nor the others hold over one another. What only
    rings on into the next chord is one voice, each chord until the next.
    """
    onsets = sorted({note.onset for note in notes})

    def is_held(note: WrittenNote) -> bool:
        after = bisect_right(onsets, note.onset)
        return after < len(onsets) and onsets[after] + EARLY < note.onset + note.duration

    held = [note for note in notes if is_held(note)]
    moving = [note for note in notes if not is_held(note)]
    if not held or not moving or _overlap(held) or min(note.duration for note in held) < 1:
        return list(notes), []
    # what is struck together with a held note may last as long as that one
    pairs = [
        (low.pitch, high.pitch)
        for low in held
        for high in moving
        if low.onset <= high.onset < low.onset + low.duration
    ]
    if all(low < high for low, high in pairs):
        return moving, held
    if all(low > high for low, high in pairs):
        return held, moving
    return list(notes), []


def _overlap(notes: Sequence[WrittenNote]) -> bool:
    """Return whether one of the notes sounds into a later one."""
    onsets = sorted({note.onset for note in notes})
    nexts = dict(pairwise(onsets))
    return any(
        note.onset in nexts and nexts[note.onset] + EARLY < note.onset + note.duration
        for note in notes
    )


def struck(
    notes: Sequence[WrittenNote], pulse: Pulse, *, drums: bool, performed: bool
) -> tuple[tuple[Window, ...], tuple[Attack, ...]]:
    """Return how a measure is divided for one voice, and what is struck in it.

    Parameters
    ----------
    notes : sequence of WrittenNote
        As `gathered` returns them.
    pulse : Pulse
    drums : bool
        Each stroke then lasts to the next one, or to the end of its beat.
    performed : bool
        Whether note ends say little: then small rests before the next note are left out.

    Returns
    -------
    windows : tuple of Window
    attacks : tuple of Attack
        None sounds into the next one. Only what lasts to the end of the measure is tied on.
    """
    windows, places = divided((note.onset for note in notes), pulse)
    groups: dict[Fraction, list[WrittenNote]] = {}
    for note in notes:
        groups.setdefault(places[note.onset], []).append(note)
    onsets = [*sorted(groups), pulse.length]
    attacks = []
    for onset, following in pairwise(onsets):
        group = groups[onset]
        raw = max(note.onset + note.duration for note in group)
        if drums:
            end = min(following, _beat_end(onset, windows, pulse))
        elif any(note.tied_on for note in group) and following == pulse.length:
            end = following
        else:
            end = _end(onset, raw, following, windows, performed=performed)
        heads: dict[int, WrittenNote] = {}
        for note in group:
            tied_on = note.tied_on and end == pulse.length and not drums
            tied_back = note.tied_back and onset == 0 and not drums
            head = note._replace(tied_on=tied_on, tied_back=tied_back)
            known = heads.get(note.pitch)
            heads[note.pitch] = head if known is None else _joined(known, head)
        attacks.append(Attack(onset, end, tuple(heads[pitch] for pitch in sorted(heads))))
    return windows, tuple(attacks)


def _beat_end(onset: Fraction, windows: Sequence[Window], pulse: Pulse) -> Fraction:
    """Return where the beat of a place ends, or before that a tuplet begins or ends."""
    window = window_at(windows, onset)
    beat = min(pulse.length, pulse.edges[pulse.beat_of(onset) + 1])
    while window.actual == 1 and window.end < beat:
        after = window_at(windows, window.end)
        if after.actual > 1:
            break
        window = after
    return window.end


def _end(
    onset: Fraction,
    raw: Fraction,
    following: Fraction,
    windows: Sequence[Window],
    *,
    performed: bool,
) -> Fraction:
    """Return where a note ends on paper.

    Parameters
    ----------
    onset : Fraction
    raw : Fraction
        Where it ends by its duration.
    following : Fraction
        The next onset of its voice, or the end of the measure.
    windows : sequence of Window
    performed : bool
    """
    gap = following - raw
    if gap <= 0:
        return following
    if performed and (gap <= _SIXTEENTH or (gap <= _EIGHTH and raw - onset > gap)):
        return following
    window = window_at(windows, raw)
    step = window.step
    if window.actual == 1:
        # without strokes that ask for more, rests are no finer than eighths, or sixteenths
        step = min(step, window.length, _EIGHTH if performed else _SIXTEENTH)
        exact = (raw - window.start) / _FINEST
        if not performed and exact.denominator == 1:
            step = _FINEST
    count = (raw - window.start) / step
    end = window.start + (count + _EIGHTH).__floor__() * step
    if end <= onset:
        own = window_at(windows, onset)
        end = onset + min(own.step, _EIGHTH if performed else _SIXTEENTH)
    return min(end, following)
