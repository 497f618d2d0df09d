"""python -m symbolic.demo: a bass, drums and a guitar for a lead sheet that nobody here made.

Stephen Foster's "Jeanie with the Light Brown Hair" (1854) comes with music21's corpus: a melody
with chord symbols, and nothing else. The command of `symbolic.add` writes what is missing.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from subtractive.errors import MusicError, OutputError
from symbolic.add import main as add

SONG = Path("corpus", "leadSheet", "fosterBrownHair.mxl")
INSTRUMENTS = ("bass", "drums", "guitar")


def lead_sheet() -> Path:
    """Return where music21 keeps the song, without importing that large package.

    Raises
    ------
    MusicError
        If music21 is not installed, or no longer carries the song.
    """
    spec = find_spec("music21")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        song = Path(folder) / SONG
        if song.is_file():
            return song
    raise MusicError(
        f"the demo's song, {SONG.name}, comes with music21, where it was not found: "
        "pip install 'music21>=9.1'"
    )


def main(argv: list[str] | None = None) -> int:
    """Add the parts and say where the music is to be heard and seen; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m symbolic.demo", description=__doc__)
    parser.add_argument("--out-dir", type=Path, default=Path("demo"), help="folder of the results")
    parser.add_argument("--seed", type=int, default=0, help="another number, other parts")
    options = parser.parse_args(argv)
    midi, score, wav, png = (
        options.out_dir / f"jeanie.{kind}" for kind in ("mid", "musicxml", "wav", "png")
    )
    try:
        song = lead_sheet()
        try:
            options.out_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the folder {options.out_dir} cannot be made ({error.strerror}): "
                "name another one by --out-dir"
            ) from error
        # a preview of an earlier run would pass for this one's
        wav.unlink(missing_ok=True)
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    wanted = [word for name in INSTRUMENTS for word in ("--instrument", name)]
    outputs = ["-o", str(midi), "--score", str(score), "--preview", str(wav), "--plot", str(png)]
    # the sheet states no tempo; a slow song wants a slow one
    outputs += ["--tempo", "84"]
    code = add([*wanted, str(song), *outputs, "--seed", str(options.seed)])
    if code == 0:
        names = {midi: "notes", score: "score", wav: "sound", png: "piano roll"}
        for path, name in names.items():
            if path.exists():
                print(f"the {name}: {path}")
    return code


if __name__ == "__main__":
    sys.exit(main())
