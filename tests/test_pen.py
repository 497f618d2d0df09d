"""The pen and the draw: what may come next, where it stands, and how it is chosen."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoretokens.codec import encode
from scoretokens.vocabulary import vocabulary
from subtractive.limbs import DRUMMER, Crowd
from symbolic.frames import frame_of_tick
from symbolic.pen import Limits, Pen, Step, Window, choose
from symbolic.rows import MAIN, Rows, rows_of
from tests.test_scoretokens import parts

V = vocabulary()
NO_NOTES = np.zeros((0, 4), dtype=np.int64)
LIGHT = settings(max_examples=60, deadline=None)


@LIGHT
@given(parts(), st.none() | st.integers(24, 39), st.data())
def test_a_pen_writes_the_rows_that_training_sees(
    part: tuple[str, list[int], npt.NDArray[np.int64]], program: int | None, data: st.DataObject
) -> None:
    """Given the tokens of a true part, from any bar on, it allows each and places it alike."""
    name, lines, notes = part
    start = data.draw(st.integers(0, len(lines) - 2))
    onsets = np.array(lines)
    bar_frames = frame_of_tick(onsets)[2]
    whole = rows_of(encode(notes, lines, instrument=name, program=program), onsets, bar_frames)
    known = rows_of(
        encode(notes, lines[: start + 1], instrument=name, program=program), onsets, bar_frames
    )
    struck = notes[:, 0] if name == "drums" else np.unique(notes[:, 0])
    attacks = [int(((struck >= a) & (struck < b)).sum()) for a, b in pairwise(lines)]
    every = np.ones(bar_frames[-1], dtype=bool)
    window = Window(onsets, bar_frames, start, attacks[:start], every, np.zeros_like(every, int))
    pen = Pen(window, Limits(np.ones(MAIN, dtype=bool), 99), known, needs_program=False)
    for step in steps_of(whole)[len(known) :]:
        assert pen.allowed()[step.main]
        written = pen.write(step.main, step.duration, step.velocity)
        assert written._replace(place=float(np.float32(written.place))) == step
    assert not pen.done
    assert pen.allowed()[V.id("Bar_None")]
    pen.write(V.id("Bar_None"))
    assert pen.done
    assert pen.attacks == attacks


def steps_of(rows: Rows) -> list[Step]:
    columns = (rows.main, rows.duration, rows.velocity, rows.frame, rows.position, rows.place)
    return [Step(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


logits = st.lists(st.floats(-6, 6), min_size=2, max_size=8).map(
    lambda values: np.array(values, dtype=np.float32)
)


@settings(max_examples=30, deadline=None)
@given(logits, st.data(), st.floats(0.1, 3), st.floats(0.05, 1))
def test_a_choice_is_from_the_smallest_likely_set(
    scores: npt.NDArray[np.float32], data: st.DataObject, temperature: float, top_p: float
) -> None:
    count = len(scores)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    mask[data.draw(st.integers(0, count - 1))] = True
    chances = np.where(mask, np.exp(scores.astype(float) / temperature), 0)
    chances /= chances.sum()
    draws = np.linspace(0, 1, 501)[:-1]
    drawn = Counter(choose(scores, mask, temperature, top_p, float(draw)) for draw in draws)
    kept = sorted(drawn)
    assert mask[kept].all()
    ranked = np.sort(chances[kept])[::-1]
    # without its least likely member the set would hold less than top_p
    assert ranked[:-1].sum() < top_p + 5e-3
    assert ranked.sum() > top_p - 5e-3
    assert ranked[-1] >= np.delete(chances, kept).max(initial=0) - 1e-9
    for token in kept:
        assert drawn[token] / 500 == pytest.approx(chances[token] / ranked.sum(), abs=5e-3)
    first = choose(scores, mask, temperature, top_p, 0.0)
    assert chances[first] == pytest.approx(chances.max())


@LIGHT
@given(st.integers(0, 2**32 - 1))
def test_no_drummer_needs_a_third_hand(seed: int) -> None:
    """Whatever is drawn of what is allowed, limbs reach it; nor is one drum struck in two ways."""
    rng = np.random.default_rng(seed)
    onsets = np.array([0, 48, 96])
    bar_frames = frame_of_tick(onsets)[2]
    every = np.ones(bar_frames[-1], dtype=bool)
    window = Window(onsets, bar_frames, 0, [], every, np.zeros_like(every, int))
    crowds = tuple(rule for rule in DRUMMER if isinstance(rule, Crowd))
    before = rows_of(encode(NO_NOTES, [0], instrument="drums"), onsets, bar_frames)
    pen = Pen(window, Limits(np.ones(MAIN, dtype=bool), 99, crowds), before, needs_program=False)
    struck: list[tuple[int, int]] = []
    while not pen.done:
        allowed = np.flatnonzero(pen.allowed())
        # strokes rather than bars, or nothing would be crowded
        strokes = allowed[np.isin(allowed, V.span("PitchDrum"))]
        chosen = int(rng.choice(strokes if len(strokes) and rng.random() < 0.8 else allowed))
        pen.write(chosen, velocity=1)
        if chosen in V.span("PitchDrum"):
            struck.append((48 * pen.bar + pen.position, pen.keys[-1]))
    for tick in {tick for tick, _ in struck}:
        keys = [key for at, key in struck if at == tick]
        for crowd in crowds:
            things = [crowd.thing[key] for key in keys if key in crowd.thing]
            assert len(things) == len(set(things)) <= crowd.most
