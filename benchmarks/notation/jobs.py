"""Many files through one start of MuseScore."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from subtractive.errors import OptionError
from subtractive.files.musescore import environment, program

_SECONDS_A_FILE = 20


def convert_all(sources: Sequence[Path], suffix: str) -> None:
    """Have MuseScore write each file in another format, beside it; what it cannot open has none.

    Where it breaks down over one of several files, each is given to it alone.

    Parameters
    ----------
    sources : sequence of Path
        In a folder that nobody else may write to.
    suffix : str
        Such as ".mid".

    Raises
    ------
    OptionError
        If MuseScore is not installed.
    """
    found = program()
    if found is None:
        raise OptionError("this needs MuseScore 3: install it, or name it in MUSESCORE")
    if sources:
        _run(found, sources, suffix)
    # it breaks down now and then over nothing, so twice
    for path in [*sources, *sources]:
        if not path.with_suffix(suffix).is_file():
            _run(found, [path], suffix)


def _run(found: Path, sources: Sequence[Path], suffix: str) -> None:
    folder = sources[0].parent
    job = folder / "job.json"
    pairs = [{"in": str(path), "out": str(path.with_suffix(suffix))} for path in sources]
    job.write_text(json.dumps(pairs))
    # what it has not written by then counts as not opened
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [found, "-j", job],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS_A_FILE * len(sources) + 60,
        )
