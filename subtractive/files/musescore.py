"""MuseScore's own files, in and out, by the program itself where it is installed."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from subtractive.errors import FileFormatError, MusicError, OutputError

MUSESCORE_SUFFIXES = (".mscz", ".mscx")
VARIABLE = "MUSESCORE"

_PROGRAMS = ("mscore3", "musescore3", "mscore", "musescore", "mscore4portable", "MuseScore4")
# where installers put the program without telling PATH
_PLACES = (
    "/Applications/MuseScore 3.app/Contents/MacOS/mscore",
    "/Applications/MuseScore 4.app/Contents/MacOS/mscore",
    "C:/Program Files/MuseScore 3/bin/MuseScore3.exe",
    "C:/Program Files/MuseScore 4/bin/MuseScore4.exe",
)
_PATIENCE_SECONDS = 180


def is_musescore(content: bytes) -> bool:
    """Return whether a file's content is a MuseScore score, plain or zipped."""
    if b"<museScore" in content[:1000]:
        return True
    if not content.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.lower().endswith(".mscx") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def program() -> Path | None:
    """Return MuseScore's program; None where it is not installed.

    What the environment variable MUSESCORE names counts before what is on the PATH.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        return Path(found) if found else None
    for name in (*_PROGRAMS, *_PLACES):
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


def required(title: str, error: type[MusicError] = OutputError) -> Path:
    """Return MuseScore's program; raise what says that `title` needs it, where it is missing."""
    found = program()
    if found is None:
        raise error(_missing(title))
    return found


def convert(content: bytes, suffix_in: str, suffix_out: str, name: str = "") -> bytes:
    """Have MuseScore open a file and save it in another format.

    Parameters
    ----------
    content : bytes
    suffix_in, suffix_out : str
        The formats, as file names end: ".mscz" and ".musicxml", or the other way round.
    name : str
        How messages call the file.

    Raises
    ------
    FileFormatError, OutputError
        If MuseScore is not installed, or cannot open the file or write the format; an OutputError
        where a MuseScore file was to be written.
    """
    title = name or "the file"
    wrong = OutputError if suffix_out in MUSESCORE_SUFFIXES else FileFormatError
    found = required(title, wrong)
    # MuseScore closes what it opened only when it ends: on Windows that may be a moment late
    with tempfile.TemporaryDirectory(prefix="subtractive-", ignore_cleanup_errors=True) as name_:
        folder = Path(name_)
        source, target = folder / f"score{suffix_in}", folder / f"converted{suffix_out}"
        source.write_bytes(content)
        said = _run(found, source, target, title, wrong)
        if target.is_file() and target.stat().st_size:
            return target.read_bytes()
    if "newer version" in said:
        raise wrong(
            f"{title} was saved by a newer MuseScore than {found}: install that version, or export "
            "the score as MusicXML there"
        )
    raise wrong(
        f"{title} could not be converted to {suffix_out} by {found}: see whether MuseScore opens "
        "it, and export it there"
    )


def environment(folder: Path) -> dict[str, str]:
    """Return the environment to run the program in, without a window where there is no screen.

    Parameters
    ----------
    folder : Path
        One that nobody else may write to.
    """
    result = dict(os.environ)
    if sys.platform.startswith("linux"):
        if not (result.get("DISPLAY") or result.get("WAYLAND_DISPLAY")):
            result.setdefault("QT_QPA_PLATFORM", "offscreen")
        result.setdefault("XDG_RUNTIME_DIR", str(folder))
    return result


def _missing(title: str) -> str:
    named = os.environ.get(VARIABLE)
    if named:
        return f"{title} needs MuseScore, but {VARIABLE} names {named!r}, which is no program"
    return (
        f"{title} needs MuseScore, which is not on the PATH: install it, say where it is by the "
        f"environment variable {VARIABLE}, or use MusicXML instead"
    )


def _run(found: Path, source: Path, target: Path, title: str, wrong: type[MusicError]) -> str:
    """Run the conversion; return what the program said if it came to its end."""
    try:
        done = subprocess.run(
            [found, "-o", target, source],
            env=environment(source.parent),
            cwd=source.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise wrong(
            f"MuseScore ({found}) did not convert {title} within {_PATIENCE_SECONDS} seconds: see "
            "whether it starts, and shows a question"
        ) from error
    except OSError as error:
        raise wrong(
            f"MuseScore ({found}) does not start ({error.strerror}): reinstall it"
        ) from error
    if done.returncode != 0:
        target.unlink(missing_ok=True)
    return done.stdout.decode("utf-8", errors="replace")
