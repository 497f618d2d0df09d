r"""Train the diffusion model of stems on a corpus that `audio.corpus` rendered.

    python -m audio.train --corpus corpus/sound --valid corpus/sound-valid --state runs/stems \
        --minutes 120 --export runs/diffusion.safetensors

Stopped at any moment and called again with the same state, a run goes on exactly as if it had not
been stopped. The learning rate is constant after its rise; what is measured and exported is a
moving average of the weights, which does what a final decay would. By `accelerate`: one CPU, one
GPU, or many (`accelerate launch -m audio.train ...`), in bfloat16 where autocast knows how.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from audio.autoencoder import Autoencoder, load_autoencoder
from audio.checkpoint import load, write
from audio.corpus import SoundCorpus
from audio.diffusion import Conditions, DiffusionConfig, StemDiffusion, noised
from audio.lessons import lessons
from subtractive.errors import MusicError, OptionError

AVERAGE = 0.999
WARM_UP = 200  # steps
VALID_SEED, VALID_BATCHES, VALID_COUNT = 10**6, 12, 16


def loss_of(
    model: nn.Module, corpus: SoundCorpus, coder: Autoencoder, count: int, seed: int, step: int
) -> Tensor:
    """Return the mean squared error of v on one batch; noise is drawn with the batch.

    Parameters
    ----------
    model : StemDiffusion, or what wraps it
    corpus : SoundCorpus
    coder : Autoencoder
    count : int
        Windows in the batch.
    seed, step : int
    """
    stems, told = lessons(corpus, coder, seed, step, count)
    chance = torch.Generator().manual_seed(seed * 1_000_003 + step)
    noise = torch.randn(stems.shape, generator=chance)
    # most of the hearing lies in the middle; the ends are needed, but less often
    time = torch.sigmoid(1.2 * torch.randn(len(stems), generator=chance) + 0.2)
    noisy, wanted = noised(stems, noise, time)
    place = next(model.parameters()).device
    told = Conditions(*(each.to(place) for each in told))
    found = model(noisy.to(place), time.to(place), told)
    return nn.functional.mse_loss(found.float(), wanted.to(place))


_Tensors = tuple[Tensor, ...] | list[Tensor]


def _towards(averaged: _Tensors, latest: _Tensors, steps: Tensor | int) -> None:
    """Move averages towards the latest weights, the faster the fewer steps were taken."""
    kept = min(AVERAGE, (int(steps) + 1) / (int(steps) + 10))
    torch._foreach_lerp_(averaged, latest, 1 - kept)


class Run:
    """A training run and where it stands; `save` and `resume` keep all of it.

    Parameters
    ----------
    model : StemDiffusion
    coder : Autoencoder
    state : Path
    count : int
        Windows in a batch.
    rate : float
        Learning rate.
    seed : int
    """

    def __init__(
        self,
        model: StemDiffusion,
        coder: Autoencoder,
        state: Path,
        *,
        count: int,
        rate: float,
        seed: int,
    ) -> None:
        self.accelerator = Accelerator(mixed_precision="bf16")
        self.coder, self.state, self.count, self.seed = coder, state, count, seed
        self.step, self.minutes = 0, 0.0
        optimizer = torch.optim.AdamW(model.parameters(), rate, (0.9, 0.98), weight_decay=0.01)
        self.average = AveragedModel(model, multi_avg_fn=_towards)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.rate = rate

    @property
    def bare(self) -> nn.Module:
        """The model as it is trained."""
        return cast(nn.Module, self.accelerator.unwrap_model(self.model))

    @property
    def averaged(self) -> nn.Module:
        """The model with averaged weights."""
        return self.average.module

    def save(self) -> None:
        """Write the whole state, so that a stop at any moment loses nothing before it."""
        if not self.accelerator.is_main_process:
            return
        self.state.mkdir(parents=True, exist_ok=True)
        record = {
            "model": self.bare.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "minutes": self.minutes,
        }
        new = self.state / "run.pt.new"
        torch.save(record, new)
        new.replace(self.state / "run.pt")

    def resume(self) -> bool:
        """Take over a saved state if there is one.

        Raises
        ------
        OptionError
            If it is that of another model.
        """
        saved = self.state / "run.pt"
        if not saved.is_file():
            return False
        # weights_only: tensors and plain numbers, nothing that could run
        record = torch.load(saved, weights_only=True, map_location=self.accelerator.device)
        try:
            self.bare.load_state_dict(record["model"])
        except RuntimeError as error:
            raise OptionError(
                f"{saved} holds a model of other sizes: give those that run began with, or another "
                "--state"
            ) from error
        self.average.load_state_dict(record["average"])
        self.optimizer.load_state_dict(record["optimizer"])
        self.step, self.minutes = record["step"], record["minutes"]
        return True

    def learn(self, corpus: SoundCorpus) -> float:
        """Take one step and return the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1.0, (self.step + 1) / WARM_UP)
        # each process draws lessons of its own
        seed = self.seed + 1000 * self.accelerator.process_index
        with self.accelerator.autocast():
            loss = loss_of(self.model, corpus, self.coder, self.count, seed, self.step)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update_parameters(self.bare)
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def validate(self, corpus: SoundCorpus) -> float:
        """Return the averaged model's mean loss on batches that are always the same."""
        model = self.averaged.eval()
        with self.accelerator.autocast():
            found = [
                float(loss_of(model, corpus, self.coder, VALID_COUNT, VALID_SEED, step))
                for step in range(VALID_BATCHES)
            ]
        return sum(found) / len(found)


def train(run: Run, corpus: SoundCorpus, valid: SoundCorpus, minutes: float, every: float) -> float:
    """Train for some minutes; return the last validation loss.

    Parameters
    ----------
    run : Run
    corpus, valid : SoundCorpus
    minutes : float
    every : float
        Minutes between validations, each followed by saving the state.
    """
    chief = run.accelerator.is_main_process
    run.state.mkdir(parents=True, exist_ok=True)
    before, began, due, passed = run.minutes, time.monotonic(), min(every, minutes), 0.0
    recent: list[float] = []
    last = math.inf
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not chief) as progress:
        task = progress.add_task("training", total=minutes)
        run.model.train()
        while passed < minutes:
            recent.append(run.learn(corpus))
            passed = (time.monotonic() - began) / 60
            run.minutes = before + passed
            progress.update(task, completed=passed)
            if passed >= due:
                due = min(passed + every, max(minutes, passed))
                if chief:
                    last = run.validate(valid)
                    mean = sum(recent) / len(recent)
                    _log(run.state / "log.csv", [run.minutes, run.step, mean, last])
                recent.clear()
                run.save()
                run.accelerator.wait_for_everyone()
    return last


def _log(path: Path, line: Sequence[float]) -> None:
    fresh = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        if fresh:
            writer.writerow(("minutes", "step", "train", "valid"))
        writer.writerow([round(value, 5) for value in line])


def _model(options: argparse.Namespace, coder: Autoencoder) -> StemDiffusion:
    """Return a new model, or one with the weights to start from."""
    if options.weights:
        config, tensors = load(options.weights, DiffusionConfig)
        model = StemDiffusion(config)
        model.load_state_dict(tensors)
        return model
    sizes = coder.config
    return StemDiffusion(DiffusionConfig(sizes.latent, sizes.stride, options.width, options.layers))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m audio.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, required=True, help="made by audio.corpus")
    parser.add_argument("--valid", type=Path, required=True, help="another, which is measured")
    parser.add_argument("--state", type=Path, required=True, help="the same folder resumes a run")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of this sitting")
    parser.add_argument("--every", type=float, default=5.0, help="minutes between validations")
    parser.add_argument("--batch", type=int, default=16, help="windows of 10 s in a batch")
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--autoencoder", type=Path, help="weights; default: the shipped ones")
    parser.add_argument("--weights", type=Path, help="weights to start a new run from")
    parser.add_argument("--export", type=Path, help="file that weights are written to at the end")
    parser.add_argument("--threads", type=int, default=1, help="of each process on a CPU")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    try:
        coder = load_autoencoder(options.autoencoder)
        model = _model(options, coder)
        config = model.config
        run = Run(
            model,
            coder,
            options.state,
            count=options.batch,
            rate=options.rate,
            seed=options.seed,
        )
        verb = "resuming" if run.resume() else "starting"
        size = sum(each.numel() for each in model.parameters())
        print(f"{verb} at step {run.step}: {size:,} parameters", file=sys.stderr, flush=True)
        corpus, valid = SoundCorpus(options.corpus), SoundCorpus(options.valid)
        loss = train(run, corpus, valid, options.minutes, options.every)
        if options.export and run.accelerator.is_main_process:
            write(options.export, config, run.averaged.state_dict())
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    result = {"step": run.step, "minutes": round(run.minutes, 2), "valid": round(loss, 5)}
    print(json.dumps(result) if options.json else f"validation loss {loss:.4f}")
    run.accelerator.end_training()
    return 0


if __name__ == "__main__":
    sys.exit(main())
