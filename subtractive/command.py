"""What commands have in common: a mistake is told in one sentence, waiting is shown by a bar."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from subtractive.errors import MusicError

# what typer raises for every mistake in the words of a command; it keeps the class to itself
UsageError = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])


def run(app: typer.Typer, name: str, argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    app : typer.Typer
    name : str
        How it is called, such as "python -m symbolic.add".
    argv : sequence of str, optional
        What stands behind the name; None: what the program was started with.

    Returns
    -------
    int
        The exit code: 0, or 2 after a mistake that one sentence on stderr explains.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        app(arguments, prog_name=name, standalone_mode=False)
    except MusicError as error:
        return _fail(str(error), "--json" in arguments)
    except UsageError as error:
        return _fail(f"{error.format_message()} (see --help)", "--json" in arguments)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return 0


def _fail(sentence: str, as_json: bool) -> int:
    print(sentence, file=sys.stderr)
    if as_json:
        print(json.dumps({"status": "error", "message": sentence}))
    return 2


def progress() -> Progress:
    """Return a bar on stderr with the time that is left; it is gone when the work is done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    # into a file or a pipe it would write empty lines
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def output_of(
    song: Path, instruments: Sequence[str], suffix: str, output: Path | None, folder: Path | None
) -> Path:
    """Return the file that a song's result goes to: as it is named, or "song.bass.mid".

    Parameters
    ----------
    song : Path
    instruments : sequence of str
    suffix : str
        Of the result.
    output : Path or None
        The name that the user gave.
    folder : Path or None
        Where results go; None: beside the song.
    """
    if output is not None:
        return output
    name = f"{song.stem}.{'.'.join(instruments)}{suffix}"
    return folder / name if folder is not None else song.with_name(name)


def tell(outcome: Mapping[str, Any], as_json: bool) -> None:
    """Print what is to be said of one result: its "notices", its "output" and "summary"."""
    for notice in outcome["notices"]:
        print(notice, file=sys.stderr)
    if not as_json:
        print(f"{outcome['output']}: {outcome['summary']}")


def last_line(outcomes: Sequence[Mapping[str, Any]], began: float) -> None:
    """Print the machine-readable last line; `began` is when, by `time.monotonic`."""
    seconds = round(time.monotonic() - began, 2)
    print(json.dumps({"status": "ok", "outputs": list(outcomes), "seconds": seconds}))
