"""Ties that hold: each has a note at both its ends, and only barlines lie between them."""

from __future__ import annotations

from collections.abc import Sequence

from subtractive.notation.paper import WrittenNote


def mended_ties(
    measures: Sequence[Sequence[WrittenNote]], *, drums: bool
) -> list[list[WrittenNote]]:
    """Return the measures with notes tied only over barlines, and only where both notes are there.

    Notes tied within a measure become one. A note that says it is tied to something missing is a
    note by itself.

    Parameters
    ----------
    measures : sequence of sequences of WrittenNote
    drums : bool
        Strokes are not tied: what is tied back to one is left out.
    """
    if drums:
        return [
            [note._replace(tied_on=False) for note in notes if not note.tied_back]
            for notes in measures
        ]
    whole = [_joined(notes) for notes in measures]
    result: list[list[WrittenNote]] = []
    tied: set[int] = set()
    for place, notes in enumerate(whole):
        after = whole[place + 1] if place + 1 < len(whole) else []
        awaited = {note.pitch for note in after if note.tied_back and note.onset <= 0}
        result.append(
            [
                note._replace(
                    tied_back=note.tied_back and note.onset <= 0 and note.pitch in tied,
                    tied_on=note.tied_on and note.pitch in awaited,
                )
                for note in notes
            ]
        )
        tied = {note.pitch for note in result[-1] if note.tied_on}
    return result


def _joined(notes: Sequence[WrittenNote]) -> list[WrittenNote]:
    """Return the notes of a measure, those tied to each other in it as one."""
    result: list[WrittenNote] = []
    open_ends: dict[int, int] = {}
    for note in sorted(notes, key=lambda note: (note.onset, not note.tied_back)):
        place = open_ends.get(note.pitch)
        before = None if place is None else result[place]
        if (
            place is not None
            and before is not None
            and note.tied_back
            and before.onset + before.duration == note.onset
        ):
            result[place] = before._replace(
                duration=before.duration + note.duration, tied_on=note.tied_on
            )
        else:
            place = len(result)
            result.append(note)
        if note.tied_on:
            open_ends[note.pitch] = place
        else:
            open_ends.pop(note.pitch, None)
    return result
