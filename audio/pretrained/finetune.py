r"""Fine-tune a pretrained model to insert stems.

    python -m audio.pretrained.finetune --model stable-audio-open-1.0/ --corpus corpus/ \
        --soundfont FluidR3_GM.sf2 --state runs/first --steps 50000 --export stem-model/

Stopped and called again with --resume, a run goes on exactly as if it had not been stopped. On
several GPUs: `accelerate launch -m audio.pretrained.finetune ...`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from accelerate import Accelerator

from audio.pretrained.folders import open_model
from audio.pretrained.lessons import Lessons, RenderedLessons, StemLessons
from audio.pretrained.model import Pretrained
from audio.pretrained.run import Run, Settings, finetune
from subtractive import stem_folders
from subtractive.command import run as run_app
from subtractive.errors import OptionError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Precision(StrEnum):
    """Of the denoiser's arithmetic."""

    NO = "no"
    FP16 = "fp16"
    BF16 = "bf16"


class Target(StrEnum):
    """What Riffusion paints."""

    MIX = "mix"
    STEM = "stem"


# ruff counts options as arguments; a command line has as many as its users need.
@app.command()
def command(  # noqa: PLR0913, PLR0917
    model: Annotated[
        Path, typer.Option(help="folder of Stable Audio Open or Riffusion, by diffusers")
    ],
    state: Annotated[Path, typer.Option(help="folder that holds the run")],
    steps: Annotated[int, typer.Option(min=1, help="of the whole run")],
    corpus: Annotated[
        list[Path] | None, typer.Option(help="corpus of notes to render lessons from")
    ] = None,
    soundfont: Annotated[list[Path] | None, typer.Option(help="SoundFont that plays them")] = None,
    songs: Annotated[
        list[Path] | None, typer.Option(help="folder of songs with stems, in place of a corpus")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="folder to save the fine-tuned model to at the end")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --state")] = False,
    target: Annotated[
        Target | None, typer.Option(help="what Riffusion paints [mix, as the paper's did]")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="lessons of a step, per process")] = 4,
    lr: Annotated[float, typer.Option(min=0.0, help="learning rate after the warm-up")] = 1e-4,
    warmup: Annotated[int, typer.Option(min=0, help="steps of rising learning rate")] = 500,
    accumulation: Annotated[int, typer.Option(min=1, help="batches that make one step")] = 1,
    precision: Annotated[Precision, typer.Option(help="of the arithmetic")] = Precision.NO,
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="less memory, a third more time")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="steps between saved states")] = 1000,
    workers: Annotated[int, typer.Option(min=0, help="processes that render lessons")] = 0,
    seed: int = 0,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable last line")] = False,
) -> None:
    """Fine-tune a pretrained text-to-audio model to insert stems.

    Which model it is the folder says. Example: python -m audio.pretrained.finetune --model
    riffusion-model-v1/ --corpus corpus/ --soundfont FluidR3_GM.sf2 --state runs/first --steps 10000
    """
    settings = Settings(steps, batch, lr, warmup, accumulation, seed, every, workers)
    pretrained = open_model(model, target)
    if not pretrained.is_widened:
        pretrained.widen()
    if checkpointing:
        # torch leaves the methods that diffusers adds to a module untyped
        pretrained.denoiser.enable_gradient_checkpointing()  # type: ignore[operator]
    lessons = _lessons(pretrained, corpus or [], soundfont or [], songs or [], seed)
    accelerator = Accelerator(mixed_precision=precision, gradient_accumulation_steps=accumulation)
    run = Run(accelerator, pretrained, settings, state)
    if resume:
        run.resume()
    elif run.saved():
        raise OptionError(
            f"{state} holds a run at step {run.saved()[-1]}: give --resume to go on with it, or "
            "name another --state"
        )
    if run.step >= steps:
        raise OptionError(f"the run in {state} has {run.step} steps already: give more --steps")
    loss = finetune(run, lessons)
    if export is not None:
        run.export(export)
    if accelerator.is_main_process:
        result = {"step": run.step, "loss": round(loss, 4)}
        print(json.dumps(result) if as_json else f"step {run.step}: loss {loss:.4f}")
    accelerator.end_training()


def _lessons(
    model: Pretrained,
    corpora: Sequence[Path],
    soundfonts: Sequence[Path],
    folders: Sequence[Path],
    seed: int,
) -> Lessons:
    """Return lessons of one kind."""
    if bool(corpora) == bool(folders):
        raise OptionError("lessons come from notes or from stems: give --corpus, or else --songs")
    seconds = model.samples / model.sample_rate
    if corpora:
        return RenderedLessons(corpora, soundfonts, seconds, model.sample_rate, seed)
    songs = [song for folder in folders for song in stem_folders.songs(folder)]
    return StemLessons([song for song in songs if song.split == "train"], seconds, seed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return run_app(app, "python -m audio.pretrained.finetune", argv)


if __name__ == "__main__":
    sys.exit(main())
