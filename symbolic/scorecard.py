"""What is said of a candidate: harmony, the kick, playability, novelty, what was asked, and fit.

Candidates are ranked by the judge's log-odds that the part belongs to the music, less what cannot
be played and less what was asked for and is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from subtractive.arrangement import Arrangement, Part
from subtractive.arrays import notes_array
from subtractive.fretboard import FRETBOARDS, follow
from subtractive.harmony import chord_at, estimate_chords
from subtractive.instruments import roles
from subtractive.kit import KICKS
from subtractive.limbs import unplayable_strokes
from subtractive.novelty import GRAM, moves_of
from subtractive.repertoire import Repertoire, load_repertoire
from symbolic.judge import compatibility
from symbolic.manner import ANY, Manner, density_of
from symbolic.sketches import tempo_of

LEARNED = Path(__file__).with_name("weights") / "novelty.safetensors"
# Log-odds for a part of which nothing can be played, and for an octave beside a wish.
_UNPLAYABLE, _UNASKED = 10.0, 4.0
_SIXTEENTHS = 4  # to a quarter


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What is known of a part.

    Attributes
    ----------
    fit : float
        Probability that a part like this is the music's own and no stranger's, 0 to 1.
    harmony : float or None
        Share of the notes that begin on a tone of the chord in force; None for drums, and where no
        chord is known.
    kick : float or None
        F1 of the sixteenths struck by the bass and by the kick (of the part and the context); None
        where one of them does not play.
    playable : float
        Share of attacks that hands and feet can play, 0 to 1.
    novel : float or None
        Share of the part's figures of 8 notes that no training song holds; None if it has none.
    asked : float or None
        1 if density and loudness are as asked, less the further they are off; None if neither is.
    merit : float
        What candidates are ranked by.
    """

    fit: float
    harmony: float | None
    kick: float | None
    playable: float
    novel: float | None
    asked: float | None
    merit: float

    def line(self) -> str:
        """Return the card as a line of text."""
        told = {
            "fit": self.fit,
            "harmony": self.harmony,
            "with the kick": self.kick,
            "playable": self.playable,
            "novel": self.novel,
            "as asked": self.asked,
        }
        return ", ".join(f"{name} {value:.0%}" for name, value in told.items() if value is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the card as JSON, rounded."""
        return {
            name: None if value is None else round(value, 4) for name, value in asdict(self).items()
        }


@lru_cache(maxsize=1)
def _learned() -> Repertoire | None:
    return load_repertoire(LEARNED) if LEARNED.exists() else None


def harmony(context: Arrangement, part: Part) -> float | None:
    """Return the share of notes that begin on a tone of the chord in force there."""
    chords = estimate_chords(context)
    found = []
    for note in () if part.is_drums else part.notes:
        chord = chord_at(chords, note.onset)
        if chord is not None and chord.pitch_classes:
            found.append(note.pitch % 12 in chord.pitch_classes)
    return float(np.mean(found)) if found else None


def with_kick(context: Arrangement, part: Part, instrument: str) -> float | None:
    """Return the F1 of the sixteenths that kick and bass strike; None where one is missing."""
    if instrument == "guitar":
        return None
    parts = (*context.parts, part)
    its_roles = [*roles(context.parts), instrument]
    kick, bass = set[int](), set[int]()
    for each, role in zip(parts, its_roles, strict=True):
        slots = {
            round(note.onset * _SIXTEENTHS / context.ticks_per_beat)
            for note in each.notes
            if role == "bass" or (each.is_drums and note.pitch in KICKS)
        }
        if role == "bass":
            bass |= slots
        else:
            kick |= slots
    return 2 * len(kick & bass) / (len(kick) + len(bass)) if kick and bass else None


def playable(part: Part, instrument: str, ticks_per_beat: int, tempo_qpm: float) -> float:
    """Return the share of attacks that can be played."""
    notes = notes_array(part.notes)
    if instrument in FRETBOARDS:
        work = follow(notes, ticks_per_beat, tempo_qpm, FRETBOARDS[instrument])
        return 1 - work.failed / max(work.attacks, 1)
    if not len(notes):
        return 1.0
    return 1 - float(unplayable_strokes(notes, ticks_per_beat, tempo_qpm).mean())


def scorecard(context: Arrangement, part: Part, instrument: str, manner: Manner) -> Scorecard:
    """Return what is to be said of a part.

    Parameters
    ----------
    context : Arrangement
        Without the part.
    part : Part
    instrument : str
    manner : Manner
        That was asked for.
    """
    ticks = context.ticks_per_beat
    log_odds = compatibility(context, part, instrument)
    able = playable(part, instrument, ticks, tempo_of(context))
    notes = notes_array(part.notes)
    learned = _learned()
    novel = None
    if learned is not None and len(notes) >= GRAM:
        copied = learned.of(instrument).copied(moves_of(notes, ticks, instrument))[GRAM]
        novel = 1 - float(np.mean(copied)) if len(copied) else None
    missed = _missed(context, part, manner)
    return Scorecard(
        fit=1 / (1 + exp(-log_odds)),
        harmony=harmony(context, part),
        kick=with_kick(context, part, instrument),
        playable=able,
        novel=novel,
        asked=None if missed is None else exp(-missed),
        merit=log_odds - _UNPLAYABLE * (1 - able) - _UNASKED * (missed or 0.0),
    )


def _missed(context: Arrangement, part: Part, manner: Manner) -> float | None:
    """Return by how many octaves density and loudness together miss what was asked."""
    found = []
    onsets = np.array([note.onset for note in part.notes], dtype=np.int64)
    if manner.density != ANY:
        quarters = context.end / context.ticks_per_beat
        density = density_of(onsets, quarters, drums=part.is_drums)
        found.append(manner.density.octaves_away(density))
    if manner.velocity != ANY and len(onsets):
        loud = float(np.mean([note.velocity for note in part.notes]))
        found.append(manner.velocity.octaves_away(loud))
    return sum(found) if found else None


def best(cards: Sequence[Scorecard]) -> int:
    """Return the index of the candidate with the most merit; of equals the first."""
    return max(range(len(cards)), key=lambda place: (cards[place].merit, -place))
