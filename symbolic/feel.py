"""How people play drums in time: a little early or late, each drum and each step in its own way.

A written stroke is on the grid. A drummer's is beside it: by a habit of that drum at that place of
the beat, and by chance that drifts on from stroke to stroke. Both were measured on performances of
the Groove MIDI Dataset (after Gillick et al., "Learning to groove with inverse sequence
transformations", 2019, who found that a table of means by step already sounds human):

    python -m symbolic.feel CORPUS --out symbolic/weights/feel.safetensors
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save

from subtractive.arrangement import Arrangement, Part, order
from subtractive.arrays import notes_array
from subtractive.errors import OptionError
from subtractive.excerpts import TICKS, Excerpt, main_notes
from subtractive.files.output import write_whole
from subtractive.kit import ELSE, KIND
from subtractive.placed import aimed_at
from symbolic.passages import Span
from symbolic.sketches import tempo_of

FILE = Path(__file__).with_name("weights") / "feel.safetensors"
KINDS, STEPS = ELSE + 1, 12  # kinds of drums, twelfths of a quarter
MOST = 2.0  # times as people play
_LEAST_STROKES = 200  # by which a drum's habit at a step is told
_FARTHEST_MS = 40.0  # beside the grid; beyond, another place was meant

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Strokes(NamedTuple):
    """Strokes in order: kind of drum, step in the quarter, and how late they are in ms."""

    kind: Ints
    step: Ints
    late_ms: Array


@dataclass(frozen=True, eq=False)
class Feel:
    """How drummers are beside the grid.

    Attributes
    ----------
    habit_ms : array [shape=(KINDS, STEPS)]
        Mean lateness of a drum at a step of the quarter.
    spread_ms : float
        Standard deviation around the habits.
    drift : float
        Correlation of that from one stroke to the next, 0 to 1.
    """

    habit_ms: Array
    spread_ms: float
    drift: float

    @classmethod
    def learned(cls, players: Sequence[Strokes]) -> Self:
        """Return what performances have in common; each player's own mean is left out."""
        total, count = np.zeros((KINDS, STEPS)), np.zeros((KINDS, STEPS))
        centred = [each._replace(late_ms=each.late_ms - each.late_ms.mean()) for each in players]
        for each in centred:
            np.add.at(total, (each.kind, each.step), each.late_ms)
            np.add.at(count, (each.kind, each.step), 1)
        habit = np.where(count >= _LEAST_STROKES, total / np.maximum(count, 1), 0.0)
        rest = [each.late_ms - habit[each.kind, each.step] for each in centred]
        variance = float(np.mean(np.concatenate(rest) ** 2))
        product = np.concatenate([each[1:] * each[:-1] for each in rest])
        drift = float(np.clip(product.mean() / variance, 0, 0.99))
        return cls(habit, variance**0.5, drift)

    def to_bytes(self) -> bytes:
        """Return the content of the file that `load` reads."""
        numbers = np.array([self.spread_ms, self.drift], np.float32)
        return save({"habit_ms": self.habit_ms.astype(np.float32), "numbers": numbers})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `to_bytes` wrote."""
        kept = load_file(path)
        spread, drift = kept["numbers"].tolist()
        return cls(kept["habit_ms"].astype(np.float64), spread, drift)

    def late_ms(self, kind: Ints, step: Ints, rng: np.random.Generator) -> Array:
        """Return how late somebody plays strokes, given in order [shape=(stroke,)]."""
        noise = rng.normal(0, self.spread_ms * (1 - self.drift**2) ** 0.5, len(kind))
        wander = np.zeros(len(kind))
        now = rng.normal(0, self.spread_ms)
        for place, each in enumerate(noise.tolist()):
            now = self.drift * now + each
            wander[place] = now
        return np.asarray(self.habit_ms[kind, step] + wander)


@cache
def shipped() -> Feel:
    """Return the feel that comes with the package."""
    return Feel.load(FILE)


def checked(amount: float | None) -> float:
    """Return an amount of feel.

    Raises
    ------
    OptionError
        If it is not within 0 to 2.
    """
    if amount is None:
        return 0.0
    if not 0 <= amount <= MOST:
        raise OptionError(
            f"--feel {amount:g} is not within 0 (none) to {MOST:g} (1: as people play)"
        )
    return amount


def humanised(
    part: Part,
    music: Arrangement,
    amount: float,
    rng: np.random.Generator,
    span: Span | None = None,
) -> Part:
    """Return drums as somebody plays them; other parts, and drums without feel, stay as they are.

    Parameters
    ----------
    part : Part
    music : Arrangement
        Gives tempo and ticks.
    amount : float
        1 is as people play, 0 on the grid.
    rng : numpy.random.Generator
    span : Span, optional
        In which all strokes stay; None: from the first tick on.
    """
    if not part.is_drums or not amount or not part.notes:
        return part
    in_order = tuple(sorted(part.notes, key=order))
    notes = notes_array(in_order)
    onset = notes["onset"].astype(np.int64)
    quarter = music.ticks_per_beat
    step = np.rint(onset % quarter * STEPS / quarter).astype(np.int64) % STEPS
    late_s = amount * shipped().late_ms(KIND[notes["pitch"] & 127], step, rng) / 1000
    second = tempo_of(music) * quarter / 60
    first, end = span or (0, max(music.end, int(onset[-1]) + 1))
    moved = np.clip(np.rint(onset + late_s * second).astype(np.int64), first, end - 1)
    # a key that two strokes would strike in one tick is struck once
    fresh = {
        (tick, note.pitch): note._replace(onset=tick)
        for note, tick in zip(in_order, moved.tolist(), strict=True)
    }
    return replace(part, notes=tuple(sorted(fresh.values(), key=order)))


def strokes_of(excerpt: Excerpt) -> Strokes | None:
    """Return the strokes of a performance; None of what a program played."""
    notes = main_notes(excerpt.music, "drums")
    if excerpt.labels.source != "gmd" or len(notes) < _LEAST_STROKES:
        return None
    onset = notes["onset"].astype(np.float64) * STEPS / TICKS
    aimed = aimed_at(onset)
    ms = 60_000 / STEPS / (6e7 / excerpt.music.tempos[0].microseconds)  # of a twelfth
    late = (onset - aimed) * ms
    kept = np.abs(late) <= _FARTHEST_MS
    kind = KIND[notes["pitch"] & 127]
    return Strokes(kind[kept], aimed[kept] % STEPS, late[kept])


def _performances(corpus: Path) -> Iterator[Strokes]:
    # pyarrow: whoever only plays does without it
    from subtractive.dataset import stream  # noqa: PLC0415

    for excerpt in stream(corpus, "train"):
        found = strokes_of(excerpt)
        if found is not None:
            yield found


def main(argv: Sequence[str] | None = None) -> int:
    """Learn the feel of performances."""
    parser = argparse.ArgumentParser(prog="python -m symbolic.feel", description=main.__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args(argv)
    players = list(_performances(options.corpus))
    feel = Feel.learned(players)
    write_whole(options.out, feel.to_bytes())
    print(
        f"{sum(len(each.kind) for each in players)} strokes: {feel.spread_ms:.1f} ms around the "
        f"habits, drift {feel.drift:.2f}: {options.out}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
