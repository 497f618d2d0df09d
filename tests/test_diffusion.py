"""The diffusion writer: canvases lose nothing, hidden is hidden, and what is known stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scoretokens.codec import normalise
from scoretokens.grid import to_grid
from subtractive.arrangement import Arrangement
from subtractive.files.midi import read_midi
from subtractive.instruments import INSTRUMENTS
from symbolic.add import main
from symbolic.canvas import KEY_OF_ROW, LOWEST, ROW_OF_KEY, ROWS, drawn, notes_of
from symbolic.chances import hidden_after, picked, sharpened
from symbolic.config import WriterConfig
from symbolic.diffusion import Diffusion
from symbolic.frames import FRAME
from symbolic.lessons import Lesson, lesson
from symbolic.request import Request
from symbolic.sheets import collated, open_bars, shown
from symbolic.writer import PartWriter, load_writer
from tests.test_lessons import long_song
from tests.test_sampling import check, without

TOY = WriterConfig(kind="diffusion", dim=48, depth=2, encoder_depth=1, head_dim=16)


@pytest.fixture(scope="module")
def toy() -> Diffusion:
    torch.manual_seed(0)
    model = Diffusion(TOY).eval()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim == 2:
                weights.normal_(std=0.15)
        # who never plays shows nothing
        model.struck.bias.fill_(-1.0)
        model.begun.bias.fill_(0.0)
    return model


@pytest.fixture
def lessons(song: Arrangement) -> list[Lesson]:
    found = [lesson(to_grid(long_song(song)), name, 0, None) for name in INSTRUMENTS]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("lengths", [(48, 48), (42, 42), (13, 48)])
def test_pitched_notes_come_back_from_the_canvas(
    lengths: tuple[int, ...], rng: np.random.Generator
) -> None:
    onsets = np.concatenate([[5], 5 + np.cumsum(lengths)])
    ticks = rng.choice(np.arange(onsets[0], onsets[-1]), 9, replace=False)
    notes = np.array([[tick, 1 + tick % 40, 40 + k, 60] for tick in np.sort(ticks) for k in (0, 4)])
    notes = normalise(notes, is_drums=False)
    back = notes_of(drawn(notes, onsets, 60, drums=False), onsets)
    assert np.array_equal(back, notes)


def test_strokes_come_back_by_their_sounds(rng: np.random.Generator) -> None:
    onsets = np.array([0, 48, 96])
    cells = rng.choice(96 * ROWS, 40, replace=False)
    notes = np.array([[cell // ROWS, 3, KEY_OF_ROW[cell % ROWS], 95] for cell in cells])
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    canvas = drawn(notes, onsets, 32, drums=True)
    assert np.array_equal(
        notes_of(canvas, onsets, np.broadcast_to(KEY_OF_ROW, canvas.strikes.shape)), notes
    )
    assert (ROW_OF_KEY[KEY_OF_ROW] == np.arange(ROWS)).all()


def test_what_is_hidden_is_not_seen(toy: Diffusion, lessons: list[Lesson]) -> None:
    """Other values in hidden cells change nothing of what the model says; in known ones they do."""
    sheet = collated(lessons, np.random.default_rng(1))
    seen = toy.hear(sheet.frames, sheet.frame_mask, sheet.instrument, sheet.wishes)

    def state(strikes: torch.Tensor, chords: torch.Tensor) -> torch.Tensor:
        return toy.hidden(seen, strikes, sheet.strikes_known, chords, sheet.chords_known)

    before = state(sheet.strikes, sheet.chords)
    other = torch.where(sheet.strikes_known, sheet.strikes, 1 - sheet.strikes)
    else_where = torch.where(sheet.chords_known[..., None], sheet.chords, 7)
    assert torch.equal(state(other, else_where), before)
    moved = torch.where(sheet.strikes_known, 1 - sheet.strikes, sheet.strikes)
    assert not torch.equal(state(moved, sheet.chords), before)


def test_padding_changes_nothing(toy: Diffusion, lessons: list[Lesson]) -> None:
    short = replace(lessons[0], frames=lessons[0].frames[: 8 * 16], bar_onsets=np.arange(9) * 48)
    pair = collated([lessons[0], short], np.random.default_rng(3))
    alone = [
        tensor[1:, :128] if tensor.ndim > 2 or name in ("frame_mask", "written") else tensor[1:]
        for name, tensor in vars(pair).items()
    ]
    together = toy(pair)[1]
    assert torch.allclose(toy(type(pair)(*alone))[0], together, rtol=1e-4)


def test_lessons_hide_as_much_as_they_weigh(rng: np.random.Generator) -> None:
    for _ in range(20):
        seen = shown(np.ones(600, dtype=bool), drums=True, rng=rng)
        assert 1 / seen.weights[0] == pytest.approx((~seen.strikes).mean(), abs=0.02)
        assert seen.chords.all() or not seen.weights[1]
    opened = [open_bars(16, rng) for _ in range(200)]
    assert all(each.any() for each in opened)
    assert 0.35 < np.mean([each.all() for each in opened]) < 0.65


def test_steps_hide_less_and_less() -> None:
    shares = [hidden_after(step, 16) for step in range(16)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0.0


@pytest.mark.parametrize("temperature", [0.2, 0.7, 2.0])
def test_colder_odds_expect_as_many_strikes(temperature: float, rng: np.random.Generator) -> None:
    odds = rng.normal(-2, 2, (40, FRAME, 3))
    hidden = rng.random(odds.shape) < 0.7
    moved = sharpened(odds, hidden, temperature)
    for row in range(3):
        here = hidden[..., row]
        expected = (1 / (1 + np.exp(-odds[..., row][here]))).sum()
        assert (1 / (1 + np.exp(-moved[..., row][here]))).sum() == pytest.approx(expected, rel=0.01)
        # none overtakes another
        order = np.argsort(odds[..., row].ravel())
        assert (np.diff(moved[..., row].ravel()[order]) >= 0).all()


def test_choices_are_drawn_from_what_is_allowed(rng: np.random.Generator) -> None:
    logits = rng.normal(size=(200, 9))
    allowed = rng.random(logits.shape) < 0.4
    allowed[:, 3] = True
    chosen = picked(logits, allowed, rng.random(200))
    assert allowed[np.arange(200), chosen].all()


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_parts_are_playable_and_a_seed_decides(
    toy: Diffusion, song: Arrangement, name: str
) -> None:
    writer = PartWriter(toy, steps=4)
    context = without(song, name)
    first, again, other = (writer.write([Request(context, name, seed)])[0] for seed in (5, 5, 6))
    check(first, context, name)
    assert first.notes
    assert first == again != other


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_what_a_user_keeps_is_in_the_part(toy: Diffusion, song: Arrangement, name: str) -> None:
    own = next(stem.stem for stem in song.split(name)[1])
    kept = own.notes[:3]
    part = PartWriter(toy, steps=3).write([Request(without(song, name), name, kept=kept)])[0]
    assert set(kept) <= set(part.notes)


def test_other_bars_stay_as_they_are(song: Arrangement, tmp_path: Path) -> None:
    """By the command, with the shipped weights: bars 3 and 4 are new, all others are not."""
    from subtractive.files.midi import write_midi

    source, target = tmp_path / "song.mid", tmp_path / "out.mid"
    source.write_bytes(write_midi(song))
    options = ["--writer", "diffusion", "--steps", "4", "--replace", "--bars", "3-4"]
    assert main(["--instrument", "bass", str(source), "-o", str(target), *options]) == 0
    low, high = 2 * 4 * song.ticks_per_beat, 4 * 4 * song.ticks_per_beat
    before, after = (
        {
            note
            for placed in read_midi(path.read_bytes(), path.name).split("bass")[1]
            for note in placed.stem.notes
            if not low <= note.onset < high
        }
        for path in (source, target)
    )
    assert before == after


def test_the_shipped_weights_are_those_of_a_diffusion_writer() -> None:
    writer = load_writer(device="cpu", kind="diffusion")
    assert isinstance(writer.model, Diffusion)
    assert LOWEST == 21
