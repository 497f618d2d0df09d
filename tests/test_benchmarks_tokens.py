"""Token schemes side by side: what comes back, what a bar costs, what a model makes of it."""

from __future__ import annotations

import json
import warnings
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import tokens
from benchmarks.token_schemes.lines import Floats, Line, cut_lines, lines_of
from benchmarks.token_schemes.round_trip import lengths_changed, lost, matched, measure
from benchmarks.token_schemes.schemes import NAMES, ScoreTokens, scheme_named
from subtractive.arrangement import Arrangement, Metre, Note, Part, order

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # x-transformers uses what torch deprecates
    from benchmarks.token_schemes.models import (
        BUDGET,
        TinyWriter,
        Window,
        encoded,
        nats_per_bar,
        train,
    )

BEAT = 480
TWELFTH = BEAT // 12
UNTRAINED = [name for name in NAMES if "BPE" not in name]


def line(notes: list[Note], *, instrument: str = "bass", metre: tuple[int, int] = (4, 4)) -> Line:
    is_drums = instrument == "drums"
    part = Part("", 0 if is_drums else 33, is_drums, tuple(sorted(notes, key=order)))
    return Line(instrument, Arrangement(BEAT, (part,), metres=(Metre(0, *metre),)))


def twice_two_notes() -> Line:
    """Two equal bars of 4/4, a half note on their first and third beat."""
    onsets = (0, 2, 4, 6)
    return line([Note(beat * BEAT, 2 * BEAT, 40 + beat % 4, 95) for beat in onsets])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (7, 8)])
@pytest.mark.parametrize("instrument", ["bass", "drums"])
def test_music_on_the_grid_comes_back_whole(
    name: str, metre: tuple[int, int], instrument: str
) -> None:
    lengths = (TWELFTH, 4 * TWELFTH, BEAT, 3 * BEAT)
    notes = [
        Note(place * 8 * TWELFTH, lengths[place % 4], 36 + place % 5, 63) for place in range(40)
    ]
    own = line(notes, instrument=instrument, metre=metre)
    scheme = scheme_named(name, [own])
    told = scheme.decode(scheme.encode(scheme.prepare(own)), own)
    assert lost(own.notes, told, 12) == lost(own.notes, told, 24) == 0
    assert len(told) == len(notes)
    if instrument != "drums":
        assert lengths_changed(own.notes, told, 12) == 0


grid_notes = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 48), st.integers(28, 80)),
    min_size=1,
    max_size=20,
    unique_by=lambda note: (note[0], note[2]),
)


@given(grid_notes, st.booleans(), st.booleans())
def test_our_tokens_lose_nothing_that_is_on_their_grid(
    notes: list[tuple[int, int, int]], repeats: bool, folded: bool
) -> None:
    own = line([Note(at * TWELFTH, long * TWELFTH, pitch, 80) for at, long, pitch in notes])
    scheme = ScoreTokens(repeats=repeats, folded=folded)
    told = scheme.decode(scheme.encode(own), own)
    assert lost(own.notes, told, 24) == lengths_changed(own.notes, told, 24) == 0


@pytest.mark.parametrize(
    ("name", "per_bar"),
    [
        ("score tokens", 9.0),  # Bar, twice Position Pitch Duration Velocity
        ("score tokens, bar repeats", 5.5),  # the second bar is Bar Repeat
        ("score tokens, folded", 5.0),  # Bar, twice Position Pitch
        ("score tokens, folded, bar repeats", 3.5),
        ("MidiTok REMI", 10.0),  # and the metre at each bar
        ("MidiTok TSD", 8.0),  # one metre, four times Pitch Velocity Duration, three shifts
    ],
)
def test_a_bar_costs_what_counting_says(name: str, per_bar: float) -> None:
    cost: Any = measure(scheme_named(name), [twice_two_notes()])
    assert cost["tokens_per_bar"] == {"bass": per_bar, "all": per_bar}
    assert cost["lost"] == {"12": 0.0, "24": 0.0}
    assert cost["notes_per_second"] > 0


def test_a_note_between_two_ticks_is_lost_on_the_finer_grid_alone() -> None:
    own = line([Note(BEAT // 24, BEAT, 40, 80), Note(BEAT, BEAT, 40, 80)])
    cost: Any = measure(scheme_named("score tokens"), [own])
    assert cost["lost"] == {"12": 0.0, "24": 0.5}


def test_notes_that_fall_together_are_lost_but_for_one() -> None:
    own = line([Note(0, BEAT, 40, 80), Note(1, BEAT, 40, 80), Note(0, BEAT, 43, 80)])
    cost: Any = measure(scheme_named("score tokens"), [own])
    assert cost["lost"]["12"] == pytest.approx(1 / 3)


def test_no_parts_cost_nothing() -> None:
    cost: Any = measure(scheme_named("score tokens"), [])
    assert cost["tokens_per_bar"] == {"all": 0.0}


places = st.lists(st.tuples(st.integers(0, 40), st.just(0), st.integers(60, 62)), max_size=25).map(
    lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 3) / [10, 1, 1]
)


@given(places, places)
def test_as_many_notes_match_as_mir_eval_finds(notes: Floats, told: Floats) -> None:
    util = pytest.importorskip("mir_eval.util", reason="needs mir_eval: pip install mir_eval")
    expected = sum(
        len(util.match_events(*(each[each[:, 2] == pitch, 0] for each in (notes, told)), 0.125))
        for pitch in (60, 61, 62)
    )
    pairs = matched(notes, told, 4)
    assert len(pairs) == expected
    assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs)


@given(places)
def test_what_is_equal_is_never_lost(notes: Floats) -> None:
    assert lost(notes, notes[::-1], 12) == 0
    assert lost(notes, notes[:0], 12) == len(notes)


def test_a_song_gives_a_line_of_each_instrument(song: Arrangement) -> None:
    found = lines_of(song)
    assert {one.instrument for one in found} == {"drums", "bass", "guitar"}
    assert all(len(one.music.parts) == 1 for one in found)
    assert lines_of(song.with_parts(())) == []


def test_windows_hold_each_note_once(song: Arrangement) -> None:
    long = line([Note(bar * 4 * BEAT, BEAT, 40, 80) for bar in range(40)])
    windows = cut_lines([long])
    assert [window.bar_count for window in windows] == [16, 16, 8]
    assert sum(len(window.notes) for window in windows) == 40
    assert len(cut_lines([long], 8)) == 5


def test_the_grid_loss_of_four_notes() -> None:
    onsets = (0, BEAT // 24, BEAT, BEAT + 1)
    own = line([Note(onset, BEAT, 40, 80) for onset in onsets])
    found = tokens.grid_loss([own.music], 12)
    assert found["moved"] == 0.25
    assert found["shift"] == pytest.approx((1 / 24 + 1 / 480) / 4)
    assert found["merged"] == 0.5
    assert tokens.grid_loss([], 12) == {"moved": 0.0, "shift": 0.0, "merged": 0.0}


@pytest.mark.parametrize("choices", [(334,), (1000,), (266, 61, 9)])
def test_every_scheme_gets_as_many_weights(choices: tuple[int, ...]) -> None:
    weights = sum(weight.numel() for weight in TinyWriter(choices).parameters())
    assert weights == pytest.approx(BUDGET, rel=0.01)


@torch.no_grad()
def test_the_chances_of_all_sequences_add_up_to_one() -> None:
    torch.manual_seed(3)
    model = TinyWriter((2,), 700_000)
    every = torch.tensor(list(product(range(3), repeat=3)))[..., None]
    nats = model(every, torch.zeros(len(every), dtype=torch.long))
    assert float(torch.exp(-nats).sum()) == pytest.approx(1.0, abs=1e-4)


@torch.no_grad()
def test_a_length_is_told_its_pitch_and_not_itself() -> None:
    torch.manual_seed(3)
    model = TinyWriter((2, 4), 700_000)
    every = torch.tensor([[[pitch, length]] for pitch in range(3) for length in range(4)])
    nats = model(every, torch.zeros(len(every), dtype=torch.long)).view(3, 4)
    # length 0 says nothing and costs nothing; what is left for it is never more than all
    shares = torch.exp(nats[:, :1] - nats)[:, 1:].sum(dim=1)
    assert bool(((shares > 0) & (shares < 1)).all())
    assert float(torch.exp(-nats[:, 0]).sum()) == pytest.approx(1.0, abs=1e-4)


def test_padding_and_company_change_no_likelihood() -> None:
    torch.manual_seed(3)
    model = TinyWriter((5,), 700_000)
    windows = [Window("bass", np.arange(length)[:, None] % 5, 2) for length in (1, 4, 9)]
    alone = [nats_per_bar(model, [window])["all"] for window in windows]
    assert nats_per_bar(model, windows)["all"] == pytest.approx(sum(alone) / 3, rel=1e-4)


def test_a_pattern_is_learned_the_longer_the_better() -> None:
    windows = encoded(ScoreTokens(repeats=False, folded=True), cut_lines([twice_two_notes()] * 8))
    nats = []
    for seconds in (1, 5, 25):
        clock = map(float, count()).__next__  # one second a step
        model, steps = train(
            windows, (266, 61, 9), seconds / 60, np.random.default_rng(0), clock=clock
        )
        assert steps == seconds
        nats.append(nats_per_bar(model, windows)["all"])
    assert nats[0] > nats[1] > 2 * nats[2]


def test_a_scheme_that_is_not_there_is_a_row_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "missing", lambda module: f"not installed: pip install {module}")
    rows = tokens.compare(["MidiTok REMI", "score tokens"], [twice_two_notes()], [])
    assert rows[0] == {"scheme": "MidiTok REMI", "reason": "not installed: pip install miditok"}
    assert rows[1]["tokens_per_bar"]["bass"] == 9.0


def test_without_music_the_command_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SUBTRACTIVE_DATA", raising=False)
    assert tokens.main([]) == 2
    assert "SUBTRACTIVE_DATA" in capsys.readouterr().err


@pytest.mark.data
def test_the_command_writes_rows_of_both_kinds(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del data
    few = ["--songs", "1", "--songs-to-learn", "1", "--json", "--scheme", "score tokens, folded"]
    out = tmp_path / "tokens.json"
    assert tokens.main([*few, "--out", str(out)]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == json.loads(out.read_text())
    (row,) = json.loads(out.read_text())["schemes"]
    assert 0 <= row["lost"]["12"] <= row["lost"]["24"] < 0.5
    assert tokens.main([*few, "--train-minutes", "0.01", "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text())["learning"]
    assert row["nats_per_bar"]["all"] > 0
