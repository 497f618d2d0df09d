"""Training: it learns, it goes on exactly where it was stopped, and it tells what is wrong."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from scoretokens.grid import to_grid
from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError, OptionError
from subtractive.instruments import INSTRUMENTS, role
from symbolic.checkpoint import load_weights
from symbolic.config import WriterConfig
from symbolic.lessons import lesson
from symbolic.request import Request
from symbolic.writer import load_writer
from tests.test_dataset import write_corpus
from tests.test_lessons import long_song

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # x-transformers and accelerate use what torch deprecates
    from accelerate import Accelerator

    from symbolic.batches import START, Corpus, batches, collate, validation_lessons
    from symbolic.kinds import KINDS
    from symbolic.optimizer import Optimizer, Schedule
    from symbolic.train import (
        AVERAGE,
        LOG_COLUMNS,
        Run,
        main,
        run_command,
        train,
        validate,
    )

TOY = WriterConfig(dim=48, depth=1, encoder_depth=1, head_dim=16, dropout=0.1)
STEADY = Schedule(minutes=0.005, decay_minutes=0.0, warmup=5)
SEED, BUDGET = 3, 400
KIND = KINDS["transformer"]
ROWS = KIND.length, KIND.collate


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums of several threads have no fixed order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def new_run(state: Path, schedule: Schedule = STEADY) -> Run:
    torch.manual_seed(0)
    model = KIND.made(TOY)
    return Run(Accelerator(cpu=True), KIND, model, Optimizer(model, schedule), state)


def weights(run: Run) -> dict[str, Tensor]:
    """The model's weights, and their average under names of its own."""
    both = run.model.state_dict() | run.average.state_dict()
    return {name: tensor.clone() for name, tensor in both.items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def corpora(song: Arrangement) -> list[Corpus]:
    return [Corpus([to_grid(song), to_grid(long_song(song, 2))], 1.0)]


def test_a_run_that_was_stopped_goes_on_exactly(corpora: list[Corpus], tmp_path: Path) -> None:
    """Two sittings, with a new process's fresh objects between them, equal one long sitting."""
    valid = validation_lessons(corpora[0].songs, 0, per_song=1)
    sitting = (corpora, valid, STEADY, BUDGET, SEED, 1.0)
    first = new_run(tmp_path / "stopped")
    assert not first.resume()
    train(first, *sitting)
    stopped_at = first.step
    second = new_run(tmp_path / "stopped")
    assert second.resume()
    assert (second.step, second.place) == (stopped_at, first.place)
    assert same(weights(second), weights(first))
    train(second, *sitting)
    assert second.step > stopped_at > 0

    whole = new_run(tmp_path / "whole")
    stream = batches(corpora, SEED, 0, BUDGET, *ROWS)
    rows = 0
    for _ in range(second.step):
        batch, whole.place = next(stream)
        rows += int(whole.learn(batch, STEADY.factor(whole.step, 0.0), SEED)[1])
    assert same(weights(whole), weights(second))
    assert (whole.place, rows) == (second.place, second.rows)
    # momentum and second moments, too: the next step is the same
    batch, _ = next(stream)
    for run in (whole, second):
        run.learn(batch, 1.0, SEED)
    assert same(weights(whole), weights(second))


def test_what_was_saved_is_not_touched_by_going_on(corpora: list[Corpus], tmp_path: Path) -> None:
    run = new_run(tmp_path / "state")
    stream = batches(corpora, SEED, 0, BUDGET, *ROWS)
    batch, run.place = next(stream)
    run.learn(batch, 1.0, SEED)
    run.save()
    saved = weights(run)
    run.learn(next(stream)[0], 1.0, SEED)
    assert not same(weights(run), saved)
    again = new_run(tmp_path / "state")
    assert again.resume()
    assert same(weights(again), saved)
    assert again.place == run.place != START
    assert not [path for path in (tmp_path / "state").iterdir() if path.suffix == ".new"]


def test_what_is_measured_is_a_moving_average(corpora: list[Corpus], tmp_path: Path) -> None:
    run = new_run(tmp_path)
    stream = batches(corpora, SEED, 0, BUDGET, *ROWS)
    run.learn(next(stream)[0], 1.0, SEED)
    expected = {name: tensor.clone() for name, tensor in run.model.named_parameters()}
    for _ in range(3):
        run.learn(next(stream)[0], 1.0, SEED)
        for name, tensor in run.model.named_parameters():
            expected[name] = AVERAGE * expected[name] + (1 - AVERAGE) * tensor.detach()
    for name, tensor in run.averaged.named_parameters():
        assert torch.allclose(tensor, expected[name], atol=1e-6)


def test_dropout_is_a_function_of_seed_and_step(corpora: list[Corpus], tmp_path: Path) -> None:
    batch, _ = next(batches(corpora, SEED, 0, BUDGET, *ROWS))
    found = []
    for seed, noise in ((1, 0), (1, 7), (2, 0)):
        run = new_run(tmp_path)
        torch.manual_seed(noise)
        found.append(float(run.learn(batch, 1.0, seed)[0]))
    assert found[0] == found[1] != found[2]


def test_a_writer_learns_a_song_by_heart(song: Arrangement, tmp_path: Path) -> None:
    """Some dozens of steps on three lessons take most of the surprise out of them."""
    shown = [lesson(to_grid(song), name, 0, None) for name in INSTRUMENTS]
    kept = [one for one in shown if one is not None]
    batch = collate(kept)
    run = new_run(tmp_path)
    before = validate(KIND, run.model, kept)
    taken = [run.learn(batch, min(1.0, (step + 1) / 5), SEED) for step in range(45)]
    losses = [float(loss / count) for loss, count in taken]
    after = validate(KIND, run.model, kept)
    assert losses[-1] < losses[0] / 3
    assert all(after[name] < before[name] / 2 for name in INSTRUMENTS)
    # nats a bar: eight bars each
    rows = sum(len(one.rows) - 1 for one in kept)
    assert before["valid"] == pytest.approx(losses[0] * rows / 24, rel=0.1)


def test_the_rates_rise_stay_and_fall() -> None:
    schedule = Schedule(minutes=100, decay_minutes=20, warmup=50)
    assert schedule.factor(0, 0) == pytest.approx(1 / 50)
    assert schedule.factor(24, 0) == pytest.approx(0.5)
    assert [schedule.factor(1000, minutes) for minutes in (1, 50, 80)] == [1, 1, 1]
    assert schedule.factor(1000, 90) == pytest.approx(0.5)
    assert schedule.factor(1000, 100) == schedule.factor(1000, 200) == pytest.approx(0.01)
    steady = replace(schedule, decay_minutes=0)
    assert [steady.factor(1000, minutes) for minutes in (0, 99, 150)] == [1, 1, 1]


def test_every_weight_has_one_optimizer(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    owned = [
        id(weight)
        for member in run.optimizer.members
        for group in member.param_groups
        for weight in group["params"]
    ]
    assert sorted(owned) == sorted(id(weight) for weight in run.model.parameters())


@pytest.fixture
def corpus(tmp_path: Path, song: Arrangement) -> Path:
    folder = write_corpus(tmp_path / "songs", {"a": song, "b": long_song(song, 2)})
    return write_corpus(folder, {"a": song}, "valid")


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_trains_resumes_and_exports(
    kind: str, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], song: Arrangement
) -> None:
    state, export = tmp_path / "run", tmp_path / "weights"
    sizes = {"writer": kind, "dim": 96, "depth": 1, "minutes": 0.005, "budget": BUDGET}
    results = []
    for _ in range(2):
        main([f"{corpus}:0.5"], state, export=export, as_json=True, **sizes)  # type: ignore[arg-type]
        printed = capsys.readouterr().out.splitlines()
        results.append((printed, json.loads(printed[-1])))
    with pytest.raises(OptionError, match="a writer of other sizes: give --writer, --dim"):
        main([str(corpus)], state, **{**sizes, "dim": 48})  # type: ignore[arg-type]
    (first, one), (second, two) = results
    assert first[0].startswith("starting")
    assert second[0].startswith(f"resuming at step {one['step']}")
    assert two["step"] > one["step"] > 0
    assert two["rows"] > one["rows"] > 0
    with (state / "log.csv").open(newline="", encoding="utf-8") as lines:
        log = list(csv.DictReader(lines))
    assert tuple(log[0]) == LOG_COLUMNS
    assert [int(line["step"]) for line in log] == [one["step"], two["step"]]
    assert all(float(line[name]) > 0 for line in log for name in LOG_COLUMNS)
    mean = sum(float(log[0][name]) for name in INSTRUMENTS) / 3
    assert float(log[0]["valid"]) == pytest.approx(mean, abs=1e-3)

    # what was exported writes a part, and a new run can start from it
    context = song.split("bass")[0]
    (part,) = load_writer(export, "cpu").write([Request(context, "bass")])
    assert role(part) == "bass"
    config, stored = load_weights(export)
    assert (config.kind, config.dim, config.depth) == (kind, 96, 1)
    fresh = tmp_path / "fresh"
    main([str(corpus)], fresh, weights=export, minutes=0.0, budget=BUDGET, export=fresh)
    assert same(load_weights(fresh)[1], stored)


def test_wrong_words_are_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="FOLDER:WEIGHT"):
        main(["songs:much"], tmp_path / "run")
    with pytest.raises(FileFormatError, match="no weights in"):
        main([str(tmp_path)], tmp_path / "run", weights=tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="no corpus with a split"):
        main([str(tmp_path)], tmp_path / "run", dim=48, depth=1)


def test_a_mistake_is_one_sentence_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["symbolic.train", "--corpus", "songs:much", "--state", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stopped:
        run_command()
    assert stopped.value.code == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "FOLDER:WEIGHT" in sentence
    assert not (tmp_path / "run").exists()
