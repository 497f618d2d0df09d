"""The pull towards the draft: without it nothing changes, with enough of it the draft is played."""

from __future__ import annotations

import numpy as np
import pytest

from scoretokens.codec import encode
from scoretokens.vocabulary import vocabulary
from symbolic.frames import DRUM_CLASS
from symbolic.lean import Lean, Pull
from symbolic.pen import Limits, Pen, Window, choose
from symbolic.rows import MAIN, rows_of

BAR, FRAME = 48, 3  # grid ticks
V = vocabulary()
ONSETS = np.arange(5) * BAR
WINDOW = Window(
    ONSETS, ONSETS // FRAME, 0, [], np.ones(4 * 16, dtype=bool), np.zeros(4 * 16, dtype=np.int64)
)
# kick and hat together, snare and hat, a lone hat off the beat; two bars that differ
BEAT = [(0, 36), (0, 42), (12, 38), (12, 42), (20, 42), (24, 36), (24, 42), (36, 38), (36, 46)]
DRAFT = np.array(
    [
        (bar * BAR + tick, 1, key, 90)
        for bar in range(4)
        for tick, key in BEAT
        if bar < 2 or key != 36
    ]
)


def fresh_pen() -> Pen:
    silence = encode(np.zeros((0, 4), dtype=np.int64), [0], instrument="drums", program=0)
    begun = rows_of(silence, ONSETS[:1], ONSETS[:1])
    return Pen(WINDOW, Limits(np.ones(MAIN, dtype=bool), 4), begun, needs_program=False)


def written(pull: Pull, logits_seed: int, draft: np.ndarray = DRAFT) -> list[tuple[int, int]]:
    """Return what a writer without any idea writes, as ticks and drum keys."""
    pen = fresh_pen()
    lean = Lean(draft, WINDOW, pull, drums=True)
    rng = np.random.default_rng(logits_seed)
    mask = np.ones(MAIN, dtype=bool)
    mask[list(V.span("Pitch"))] = False
    found: list[tuple[int, int]] = []
    tick = 0
    while not pen.done:
        logits = rng.normal(size=MAIN).astype(np.float32)
        token = choose(lean.leaned(logits, pen), pen.allowed() & mask, 1.0, 1.0, rng.random())
        pen.write(token)
        kind = V.kind(token)
        if kind == "Repeat":
            back = token - V.span("Repeat").start + 1
            found += [(t + back * BAR, k) for t, k in found if t // BAR == pen.bar - back]
        if kind == "Position":
            tick = pen.bar * BAR + pen.position
        elif kind == "PitchDrum":
            found.append((tick, int(V.values("PitchDrum")[token - V.span("PitchDrum").start])))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_without_a_pull_nothing_changes(seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=MAIN).astype(np.float32)
    assert written(Pull(0, 0), seed) == written(Pull(0, 0), seed, DRAFT[:0])
    pen = fresh_pen()
    pen.write(V.id("Bar_None"))
    lean = Lean(DRAFT, WINDOW, Pull(0, 0), drums=True)
    assert np.array_equal(lean.leaned(logits, pen), logits)


@pytest.mark.parametrize("seed", range(5))
def test_a_strong_pull_plays_the_draft(seed: int) -> None:
    """Every strike and its kind, none besides; only which key of a kind is the writer's own."""
    found = written(Pull(60, 60), seed)
    expected = [(int(tick), int(DRUM_CLASS[key])) for tick, _, key, _ in DRAFT]
    assert sorted((tick, int(DRUM_CLASS[key])) for tick, key in found) == sorted(expected)


def test_the_more_it_leans_the_more_of_the_draft_is_played() -> None:
    expected = {(int(tick), int(DRUM_CLASS[key])) for tick, _, key, _ in DRAFT}

    def f1(strength: float) -> float:
        shares = []
        for seed in range(8):
            found = {(t, int(DRUM_CLASS[k])) for t, k in written(Pull(strength, strength), seed)}
            shares.append(2 * len(found & expected) / max(1, len(found) + len(expected)))
        return float(np.mean(shares))

    none, some, much = (f1(strength) for strength in (0, 5, 20))
    assert none < some < much
    assert much > 0.98


def test_a_bar_unlike_those_around_it_pulls_more() -> None:
    """A fill in the third bar is played at a pull that leaves the other bars to the writer."""
    fill = [(24, 38), (27, 45), (30, 45), (33, 43), (36, 43), (39, 41), (42, 41), (45, 49)]
    same = [(bar * BAR + tick, 1, key, 90) for bar in range(4) for tick, key in BEAT]
    rolled = [(2 * BAR + tick, 1, key, 90) for tick, key in fill]
    usual, filled = np.array(same), np.array(sorted(same + rolled))

    def share(draft: np.ndarray) -> float:
        """Of what the draft plays in its third bar, what the part has there."""
        there = {(t, int(DRUM_CLASS[k])) for t, _, k, _ in draft if t // BAR == 2}
        found = []
        for seed in range(8):
            part = {(t, int(DRUM_CLASS[k])) for t, k in written(Pull(5, 5), seed, draft)}
            found.append(len(part & there) / len(there))
        return float(np.mean(found))

    assert share(filled) > 0.95 > share(usual)
