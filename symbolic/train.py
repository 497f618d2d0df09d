"""Train a writer: `python -m symbolic.train --corpus FOLDER --state FOLDER --minutes 60`.

Stopped at any moment and called again with the same state, a run goes on exactly as if it had not
been stopped. Two single-threaded processes use two cores better than one with two threads:
`OMP_NUM_THREADS=1 torchrun --nproc_per_node 2 -m symbolic.train ...`
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from subtractive.errors import MusicError, OptionError
from subtractive.instruments import INSTRUMENTS
from symbolic.batches import START, Corpus, Place, batches, validation_lessons
from symbolic.checkpoint import load_weights, save_weights
from symbolic.config import WriterConfig
from symbolic.kinds import Kind, kind_named
from symbolic.lessons import Lesson
from symbolic.optimizer import Optimizer, Schedule
from symbolic.songbook import load_songs

AVERAGE = 0.99  # of the moving average of weights, per step: it is what is measured and exported
LOG_COLUMNS = ("minutes", "step", "rows", "train", "valid", *INSTRUMENTS)


@torch.no_grad()
def validate(kind: Kind, model: nn.Module, lessons: list[Lesson]) -> dict[str, float]:
    """Return nats per bar of each instrument and their mean under "valid".

    Of the diffusion writer the nats are an upper bound, from the same hidden cells every time.
    """
    model.eval()
    rng = np.random.default_rng(0)
    nats = dict.fromkeys(INSTRUMENTS, 0.0)
    bar_count = dict.fromkeys(INSTRUMENTS, 0)
    for first in range(0, len(lessons), 8):
        group = lessons[first : first + 8]
        batch = kind.collate(group, rng)
        with torch.autocast("cpu", torch.bfloat16):
            output = model(batch)
        for one, loss in zip(group, kind.nats(output, batch).tolist(), strict=True):
            nats[one.instrument] += loss
            bar_count[one.instrument] += one.bar_count
    model.train()
    means = {name: nats[name] / max(1, bar_count[name]) for name in INSTRUMENTS}
    return {"valid": sum(means.values()) / len(means), **means}


@dataclass
class Run:
    """A training run and where it stands; `save` and `resume` keep all of it."""

    accelerator: Accelerator
    kind: Kind
    model: nn.Module
    optimizer: Optimizer
    state: Path
    step: int = 0
    rows: int = 0
    minutes: float = 0.0
    place: Place = START
    average: AveragedModel = field(init=False)

    def __post_init__(self) -> None:
        # torch leaves this function of its own untyped
        mean = get_ema_multi_avg_fn(AVERAGE)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.model, multi_avg_fn=mean)

    @property
    def averaged(self) -> nn.Module:
        """The writer with averaged weights."""
        return self.average.module

    def _worker_file(self) -> Path:
        return self.state / f"place{self.accelerator.process_index}.json"

    def save(self) -> None:
        """Write the whole state, so that a stop at any moment loses nothing before it."""
        bare = self.accelerator.unwrap_model(self.model)
        if self.accelerator.is_main_process:
            self.state.mkdir(parents=True, exist_ok=True)
            record = {
                "model": bare.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state(),
            }
            new = self.state / "run.pt.new"
            torch.save(
                {**record, "step": self.step, "rows": self.rows, "minutes": self.minutes}, new
            )
            new.replace(self.state / "run.pt")
        self.accelerator.wait_for_everyone()
        self._worker_file().write_text(json.dumps(self.place))

    def resume(self) -> bool:
        """Take over a saved state if there is one.

        Raises
        ------
        OptionError
            If it is that of a writer of other sizes.
        """
        saved = self.state / "run.pt"
        if not saved.is_file():
            return False
        # weights_only: tensors and plain numbers, nothing that could run
        record = torch.load(saved, weights_only=True)
        bare = self.accelerator.unwrap_model(self.model)
        sizes = {name: tensor.shape for name, tensor in record["model"].items()}
        if sizes != {name: tensor.shape for name, tensor in bare.state_dict().items()}:
            raise OptionError(
                f"{saved} holds a writer of other sizes: give --writer, --dim and --depth as that "
                "run began with, or another --state"
            )
        bare.load_state_dict(record["model"])
        self.average.load_state_dict(record["average"])
        self.optimizer.restore(record["optimizer"])
        self.step, self.rows, self.minutes = record["step"], record["rows"], record["minutes"]
        if self._worker_file().is_file():
            self.place = Place(*json.loads(self._worker_file().read_text()))
        return True

    def learn(self, batch: Any, factor: float, seed: int) -> Tensor:
        """Take one step and return the summed loss and the number of steps [shape=(2,)]."""
        # Dropout is a function of seed and step, so that a resumed run repeats nothing.
        torch.manual_seed(hash((seed, self.step, self.accelerator.process_index)) % 2**63)
        with torch.autocast("cpu", torch.bfloat16):
            output = self.model(batch)
        loss = self.kind.nats(output, batch).sum()
        count = self.kind.steps(batch)
        self.accelerator.backward(loss / count)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step(factor)
        self.average.update_parameters(self.accelerator.unwrap_model(self.model))
        self.step += 1
        return torch.stack([loss.detach(), count])

    def agree(self, minutes: float) -> float:
        """Return the first process's clock to all, so that all stop and save at one step."""
        if self.accelerator.num_processes == 1:
            return minutes
        shared = torch.tensor([minutes])
        torch.distributed.broadcast(shared, src=0)
        return float(shared)


def _log(path: Path, line: dict[str, float]) -> None:
    fresh = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, LOG_COLUMNS)
        if fresh:
            writer.writeheader()
        writer.writerow({name: round(line[name], 4) for name in LOG_COLUMNS})


def train(
    run: Run,
    corpora: list[Corpus],
    valid: list[Lesson],
    schedule: Schedule,
    budget: int,
    seed: int,
    every: float,
) -> float:
    """Train for the schedule's minutes; return the last validation loss in nats per bar.

    Parameters
    ----------
    run : Run
    corpora : list of Corpus
    valid : list of Lesson
    schedule : Schedule
    budget : int
        Padded steps of a batch.
    seed : int
    every : float
        Minutes between validations, each followed by saving the state.
    """
    chief = run.accelerator.is_main_process
    run.state.mkdir(parents=True, exist_ok=True)
    worker, kind = run.accelerator.process_index, run.kind
    stream = batches(corpora, seed, worker, budget, kind.length, kind.collate, run.place)
    before, began, due = run.minutes, time.monotonic(), every
    total, last = torch.zeros(2), math.inf
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not chief) as progress:
        task = progress.add_task("training", total=schedule.minutes)
        minutes = 0.0
        while minutes < schedule.minutes:
            batch, run.place = next(stream)
            total += run.learn(batch, schedule.factor(run.step, minutes), seed)
            minutes = run.agree((time.monotonic() - began) / 60)
            run.minutes = before + minutes
            progress.update(task, completed=minutes)
            if minutes >= due or minutes >= schedule.minutes:
                due = minutes + every
                run.rows += int(total[1]) * run.accelerator.num_processes
                if chief:
                    scores = validate(kind, run.averaged, valid)
                    last = scores["valid"]
                    line = {"minutes": run.minutes, "step": run.step, "rows": run.rows, **scores}
                    _log(run.state / "log.csv", {**line, "train": float(total[0] / total[1])})
                total.zero_()
                run.save()
    return last


# ruff counts options as arguments; a command line has as many as its users need.
def main(  # noqa: PLR0913, PLR0917
    corpus: Annotated[
        list[str], typer.Option(help="corpus folder, with a weight if several: FOLDER:0.5")
    ],
    state: Annotated[
        Path, typer.Option(help="folder that holds the run; the same folder resumes it")
    ],
    valid: Annotated[
        Path | None, typer.Option(help="corpus whose valid split is measured [the first]")
    ] = None,
    minutes: Annotated[float, typer.Option(help="length of this sitting")] = 60.0,
    decay_minutes: Annotated[float, typer.Option(help="final fall of the learning rate")] = 0.0,
    weights: Annotated[
        Path | None, typer.Option(help="weights folder to start a new run from")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="folder to write weights to at the end")
    ] = None,
    writer: Annotated[str, typer.Option(help="transformer or diffusion")] = "transformer",
    dim: int = 192,
    depth: int = 4,
    budget: Annotated[int, typer.Option(help="padded steps of a batch, per process")] = 4000,
    every: Annotated[float, typer.Option(help="minutes between validations")] = 5.0,
    seed: int = 0,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable last line")] = False,
) -> None:
    """Train a writer on corpora that subtractive.build made.

    Example: python -m symbolic.train --corpus corpus/ --state runs/first --minutes 60 --export out
    """
    try:
        folders = [
            (Path(name), float(weight or 1))
            for name, _, weight in (c.partition(":") for c in corpus)
        ]
    except ValueError as error:
        raise OptionError("a corpus is FOLDER or FOLDER:WEIGHT, such as songs:0.5") from error
    if minutes < 0:
        raise OptionError(f"--minutes {minutes:g} is less than none: give 0 to export, or more")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    # a batch without drums, or without chords, leaves some weights out
    handlers = [DistributedDataParallelKwargs(find_unused_parameters=True)]
    accelerator = Accelerator(cpu=True, kwargs_handlers=handlers)
    torch.manual_seed(seed)
    config = WriterConfig(kind=writer, dim=dim, depth=depth)
    if weights is not None:
        config, tensors = load_weights(weights)
    kind = kind_named(config.kind)
    model = kind.made(config)
    if weights is not None:
        model.load_state_dict(tensors)
    schedule = Schedule(minutes, decay_minutes)
    run = Run(accelerator, kind, model, Optimizer(model, schedule), state)
    resumed = run.resume()
    run.model = accelerator.prepare(model)
    with accelerator.main_process_first():
        corpora = [
            Corpus(load_songs(path, "train", state / "songs"), weight) for path, weight in folders
        ]
        held = load_songs(valid or folders[0][0], "valid", state / "songs")
    if accelerator.is_main_process:
        size = sum(p.numel() for p in model.parameters())
        verb = f"resuming at step {run.step}" if resumed else "starting"
        print(
            f"{verb}: {size:,} parameters, {sum(len(c.songs) for c in corpora)} excerpts",
            flush=True,
        )
    loss = train(run, corpora, validation_lessons(held, seed=5), schedule, budget, seed, every)
    if accelerator.is_main_process:
        if export is not None:
            save_weights(export, config, run.averaged.state_dict())
        result = {
            "step": run.step,
            "rows": run.rows,
            "minutes": round(run.minutes, 2),
            "valid": round(loss, 3) if math.isfinite(loss) else None,
        }
        print(json.dumps(result) if as_json else f"validation: {loss:.2f} nats per bar")
    accelerator.end_training()


def run_command() -> None:
    """Run the command, turning a user's mistake into one sentence and exit code 2."""
    try:
        typer.run(main)
    except MusicError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    run_command()
