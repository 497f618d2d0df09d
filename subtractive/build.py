"""``python -m subtractive.build``: make a corpus of arrangements to learn from.

The result is ``index.csv``, a row a song, with its split into train and valid.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subtractive.corpus import build_folder, build_mma
from subtractive.errors import MusicError
from subtractive.grooves import LIBRARIES, Advance

app = typer.Typer(no_args_is_help=True, add_completion=False)

Out = Annotated[Path, typer.Option(help="Folder that the corpus is written to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Last line on stdout: the counts as JSON.")]


@app.callback()
def main() -> None:
    """Make a corpus of arrangements to learn from: index.csv, and for MMA the tunes."""


@app.command("mma")
def mma_command(
    out: Out,
    tunes: Annotated[int, typer.Option(min=1, help="How many tunes.")] = 6000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same tunes.")] = 0,
    libraries: Annotated[str, typer.Option(help="Groove libraries, between commas.")] = ",".join(
        LIBRARIES
    ),
    processes: Annotated[int, typer.Option(min=1, help="Tunes made at once.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Make tunes with the program MMA; a second run goes on where the first was stopped.

    Example: python -m subtractive.build mma --tunes 6000 --seed 0 --out corpus/
    """
    chosen = [each.strip() for each in libraries.split(",") if each.strip()]
    _report(lambda tell: build_mma(out, tunes, seed, chosen, processes, tell), out, as_json)


@app.command("folder")
def folder_command(
    songs: Annotated[Path, typer.Argument(help="Folder of MIDI files; searched through.")],
    out: Out,
    as_json: AsJson = False,
) -> None:
    """Index a folder of MIDI files, without duplicates; copies nothing.

    Example: python -m subtractive.build folder songs/ --out corpus/
    """
    _report(lambda tell: build_folder(songs, out, tell), out, as_json)


def _report(build: Callable[[Advance], dict[str, int]], out: Path, as_json: bool) -> None:
    """Run `build` under a progress bar and say what came of it; exit with 2 on a user's error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            task = progress.add_task("getting ready", total=None)
            counts = build(
                lambda what, done, total: progress.update(
                    task, description=what, completed=done, total=total
                )
            )
    except MusicError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        whole = (
            f"{counts['songs']} songs in {counts['groups']} groups, {counts['train']} to train on, "
            f"{counts['valid']} held out; left out: {counts['left_out']}"
        )
        typer.echo(f"{whole}; see {out}")


if __name__ == "__main__":
    app()
