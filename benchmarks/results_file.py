"""The last lines of every benchmark command: keep the numbers with how they came to be, and print.

A command ends with ``return measured("benchmarks.nearby", argv, options.out, run, ...)``, or, where
it has more to say than a table, with ``keep(out, result, command=command_line(...), ...)``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.journal import commit
from subtractive.errors import MusicError
from subtractive.files.output import write_whole

_CPU_NAMES = Path("/proc/cpuinfo")


def machine(cpu_names: Path = _CPU_NAMES) -> dict[str, Any]:
    """Return what the numbers were measured on.

    Returns
    -------
    dict
        "cpu": the processor's name; "cores": how many this process may use; "memory_gb": of the
        whole machine, in 10^9 bytes, None where the system does not say; "system"; "python".
    """
    return {
        "cpu": _cpu_name(cpu_names),
        "cores": _cores(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu_name(cpu_names: Path) -> str:
    """Return the processor's name as Linux tells it, or else as Python does."""
    try:
        lines = cpu_names.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine() or "unknown"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gb() -> float | None:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, other systems no name
        return None
    return round(total / 1e9, 1)


def command_line(module: str, argv: Sequence[str] | None) -> str:
    """Return what runs a command again, without the interpreter: "benchmarks.tokens --songs 30".

    Parameters
    ----------
    module : str
    argv : sequence of str or None
        What `main` was given; None: the process's own arguments.
    """
    return shlex.join([module, *(sys.argv[1:] if argv is None else argv)])


def positive(text: str) -> int:
    """Return a number of things as an option gives it.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no whole number above 0.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things: give 1 or more")
    return int(text)


def _on_one_line(found: re.Match[str]) -> str:
    return "[" + re.sub(r"\s*\n\s*", " ", found[1]) + "]"


def keep(
    out: Path,
    result: Mapping[str, Any],
    *,
    command: str,
    seconds: float,
    as_json: bool,
    shown: str = "",
) -> None:
    """Write a result with where it came from, and print it.

    Parameters
    ----------
    out : Path
        Replaced whole; its folder must exist.
    result : mapping of str
        What was measured; it must be JSON.
    command : str
        What runs it again, as `command_line` returns it.
    seconds : float
        How long the measurement took.
    as_json : bool
        Print one machine-readable line instead of a text with line breaks.
    shown : str
        Printed in place of the JSON where people read it: a table, say.

    Raises
    ------
    ValueError
        If a number is infinite or not a number, which JSON has no word for, or the result has a key
        that is written here.
    OutputError
        If the file cannot be written.
    """
    origin = {
        "command": f"python -m {command}",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "machine": machine(),
    }
    twice = sorted(origin.keys() & result.keys())
    if twice:
        raise ValueError(f"the result may not have {', '.join(twice)}: keep() writes that itself")
    whole = {**origin, **result}
    text = json.dumps(whole, indent=1, allow_nan=False)
    # an interval or a row of numbers belongs on one line
    text = re.sub(r"\[\s+([^][{}]*?)\s+\]", _on_one_line, text)
    write_whole(out, (text + "\n").encode())
    print(json.dumps(whole) if as_json else shown or text)


def keep_drawn(
    out: Path,
    result: Mapping[str, Any],
    *,
    command: str,
    seconds: float,
    as_json: bool,
    table: str,
    picture: bytes | None = None,
) -> None:
    """Write a result with its table, and its picture if there is one, beside it; print the table.

    Parameters
    ----------
    out, result, command, seconds, as_json
        As `keep` takes them.
    table : str
        Markdown.
    picture : bytes, optional
        A PNG.

    Raises
    ------
    ValueError, OutputError
        As `keep` raises them.
    """
    write_whole(out.with_suffix(".md"), (table.rstrip("\n") + "\n").encode())
    if picture is not None:
        write_whole(out.with_suffix(".png"), picture)
    keep(out, result, command=command, seconds=seconds, as_json=as_json, shown=table)


def measured(
    module: str,
    argv: Sequence[str] | None,
    out: Path,
    measure: Callable[[], Mapping[str, Any]],
    *,
    as_json: bool,
    table: Callable[[Any], str] | None = None,
    picture: Callable[[Any], bytes] | None = None,
) -> int:
    """Measure, keep the result and print it; return a command's exit code.

    Parameters
    ----------
    module, argv
        As `command_line` takes them.
    out, as_json
        As `keep` takes them.
    measure : callable
        Returns the result, or raises a `MusicError`: then its sentence is printed to stderr.
    table, picture : callable, optional
        Make what `keep_drawn` takes of a result; without a table the JSON alone is kept.

    Returns
    -------
    int
        0, or 2 after a `MusicError`.
    """
    started = time.perf_counter()
    command = command_line(module, argv)
    try:
        result = measure()
        seconds = time.perf_counter() - started
        if table is None:
            keep(out, result, command=command, seconds=seconds, as_json=as_json)
        else:
            keep_drawn(
                out,
                result,
                command=command,
                seconds=seconds,
                as_json=as_json,
                table=table(result),
                picture=None if picture is None else picture(result),
            )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
