"""A fine-tuning run: its steps, its state on disk, and what it exports."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import nn
from torch.utils.data import DataLoader, Dataset

from audio.pretrained.lessons import Lesson, Lessons
from audio.pretrained.model import Pretrained, generator_of
from subtractive.command import progress
from subtractive.errors import MusicError, OptionError

BETAS = (0.9, 0.999)
WEIGHT_DECAY = 1e-2
AVERAGE = 0.9999  # of the moving average of weights, per step: it is what is exported
LONGEST_GRADIENT = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is fine-tuned.

    Attributes
    ----------
    steps : int
        Of the whole run, counted from its start.
    batch : int
        Lessons of a step, on each process and of each accumulation.
    learning_rate : float
    warmup : int
        Steps over which the learning rate rises from nothing; then it stays.
    accumulation : int
        Batches whose gradients make one step.
    seed : int
    every : int
        Steps between saved states.
    workers : int
        Processes that make lessons, beside each process that learns.
    """

    steps: int
    batch: int = 4
    learning_rate: float = 1e-4
    warmup: int = 500
    accumulation: int = 1
    seed: int = 0
    every: int = 1000
    workers: int = 0


@dataclass
class Run:
    """A run and where it stands; `save` and `resume` keep all of it."""

    accelerator: Accelerator
    model: Pretrained
    settings: Settings
    state: Path
    step: int = 0
    denoiser: nn.Module = field(init=False)
    optimizer: Any = field(init=False)
    average: EMAModel = field(init=False)

    def __post_init__(self) -> None:
        self.model.to(self.accelerator.device)
        bare = self.model.denoiser.train()
        optimizer = torch.optim.AdamW(
            bare.parameters(), self.settings.learning_rate, BETAS, weight_decay=WEIGHT_DECAY
        )
        self.average = EMAModel(bare.parameters(), AVERAGE)
        self.denoiser, self.optimizer = self.accelerator.prepare(bare, optimizer)
        self.accelerator.register_for_checkpointing(self.average)

    def saved(self) -> list[int]:
        """Return the steps at which a whole state was saved, in order."""
        found = [path.name.removeprefix("step-") for path in self.state.glob("step-*")]
        return sorted(int(name) for name in found if name.isdigit())

    def save(self) -> None:
        """Save the whole state, then drop older ones: a stop at any moment loses no saved one."""
        draft, place = self.state / f"step-{self.step}.part", self.state / f"step-{self.step}"
        self.accelerator.save_state(str(draft))
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            shutil.rmtree(place, ignore_errors=True)
            draft.rename(place)
            for step in self.saved()[:-1]:
                shutil.rmtree(self.state / f"step-{step}")
        self.accelerator.wait_for_everyone()

    def resume(self) -> None:
        """Take over the last saved state.

        Raises
        ------
        OptionError
            If there is none, or it is that of another model.
        """
        steps = self.saved()
        if not steps:
            raise OptionError(f"{self.state} holds no run to resume: leave out --resume")
        self.step = steps[-1]
        try:
            self.accelerator.load_state(str(self.state / f"step-{self.step}"))
        except (RuntimeError, ValueError, OSError) as error:
            raise OptionError(
                f"the run in {self.state} is that of another model, or is damaged: resume it with "
                "the --model it began with, or name another --state"
            ) from error
        self.average.to(self.accelerator.device)

    def learn(self, batches: Iterator[list[Lesson]]) -> float:
        """Take one step and return its mean loss."""
        settings, process = self.settings, self.accelerator.process_index
        rate = settings.learning_rate * min(1.0, (self.step + 1) / max(1, settings.warmup))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        total = torch.zeros((), device=self.accelerator.device)
        for part in range(settings.accumulation):
            # Noise is a function of seed and step, so that a resumed run repeats nothing.
            generator = generator_of(settings.seed, self.step, part, process)
            target, condition = self.model.encode(next(batches), generator)
            with self.accelerator.accumulate(self.denoiser):
                loss = self.model.loss(self.denoiser, target, condition, generator)
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients:
                    self.accelerator.clip_grad_norm_(self.denoiser.parameters(), LONGEST_GRADIENT)
                self.optimizer.step()
                self.optimizer.zero_grad()
            total += loss.detach() / settings.accumulation
        self.average.step(self.accelerator.unwrap_model(self.denoiser).parameters())
        self.step += 1
        return float(self.accelerator.reduce(total, "mean"))

    def batches(self, lessons: Lessons) -> Iterator[list[Lesson]]:
        """Yield this process's lessons from where the run stands to its end."""
        settings, processes = self.settings, self.accelerator.num_processes
        size = settings.batch * settings.accumulation
        numbers = [
            (step * processes + self.accelerator.process_index) * size + each
            for step in range(self.step, settings.steps)
            for each in range(size)
        ]
        loader: DataLoader[Lesson | MusicError] = DataLoader(
            _Tried(lessons),
            batch_size=settings.batch,
            sampler=numbers,
            num_workers=settings.workers,
            collate_fn=list,
        )
        for batch in loader:
            for each in batch:
                if isinstance(each, MusicError):
                    raise each
            yield batch

    def export(self, folder: Path) -> None:
        """Save the model with averaged weights as a `diffusers` folder."""
        if self.accelerator.is_main_process:
            weights = list(self.model.denoiser.parameters())
            self.average.store(weights)
            self.average.copy_to(weights)
            self.model.save(folder)
            self.average.restore(weights)
        self.accelerator.wait_for_everyone()


class _Tried(Dataset[Lesson | MusicError]):
    """Lessons, or why there is none: an error that leaves a worker loses its one sentence."""

    def __init__(self, lessons: Lessons) -> None:
        self._lessons = lessons

    def __getitem__(self, number: int) -> Lesson | MusicError:
        try:
            return self._lessons[number]
        except MusicError as error:
            return error


def finetune(run: Run, lessons: Lessons) -> float:
    """Learn until the run has its steps, saving its state; return the last step's loss.

    Every step's loss is written to ``loss.csv`` in the state's folder.
    """
    chief = run.accelerator.is_main_process
    log, loss = run.state / "loss.csv", float("nan")
    if chief:
        run.state.mkdir(parents=True, exist_ok=True)
        _write(log, [row for row in _read(log) if int(row[0]) <= run.step])
    batches = run.batches(lessons)
    bar = progress()
    bar.disable |= not chief
    with bar:
        task = bar.add_task("learning", total=run.settings.steps, completed=run.step)
        rows: list[list[str]] = []
        while run.step < run.settings.steps:
            loss = run.learn(batches)
            rows.append([str(run.step), f"{loss:.6f}"])
            bar.update(task, completed=run.step, description=f"step {run.step}: loss {loss:.4f}")
            if run.step % run.settings.every == 0 or run.step == run.settings.steps:
                if chief:
                    _write(log, [*_read(log), *rows])
                    rows.clear()
                run.save()
    return loss


def _read(log: Path) -> list[list[str]]:
    if not log.is_file():
        return []
    with log.open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))[1:]


def _write(log: Path, rows: list[list[str]]) -> None:
    with log.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([["step", "loss"], *rows])
