"""Put the plugin for MuseScore 3 in place: `python -m symbolic.plugin install`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from subtractive.errors import MusicError, OptionError, OutputError
from subtractive.files.output import write_whole

SOURCE = Path(__file__).parent / "plugins" / "subtractive.qml"
SETTINGS = "subtractive.json"
_OURS = b"Subtractive for MuseScore 3"

EXAMPLE = """example:

  python -m symbolic.plugin install

Then start MuseScore 3, tick "subtractive" under Plugins > Plugin Manager, and choose
Plugins > Subtractive with a score open."""


def plugin_folder() -> Path:
    """Return where MuseScore 3 looks for the user's plugins: the same on all systems."""
    home = Path(os.environ.get("USERPROFILE", "")) if os.name == "nt" else Path.home()
    return home / "Documents" / "MuseScore3" / "Plugins"


def install(folder: Path, python: str = sys.executable, *, force: bool = False) -> Path:
    """Put the plugin and its settings into a folder, which is made if it is missing.

    Parameters
    ----------
    folder : Path
    python : str
        The interpreter that has this package; the plugin runs it.
    force : bool
        Replace a file of that name that is not ours.

    Returns
    -------
    Path
        Of the plugin.

    Raises
    ------
    OutputError
        If a file that is not ours lies there, or the folder cannot be written to.
    """
    target = folder / SOURCE.name
    if target.exists() and not force and not _is_ours(target):
        raise OutputError(
            f"{target} is not Subtractive's: --force replaces it, --to names another folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made ({error.strerror}): name another one by --to"
        ) from error
    settings = {"python": str(Path(python).absolute())}
    write_whole(folder / SETTINGS, json.dumps(settings, indent=1).encode() + b"\n")
    write_whole(target, SOURCE.read_bytes())
    return target


def uninstall(folder: Path) -> Path:
    """Take the plugin and its settings out of a folder.

    Raises
    ------
    OptionError
        If it is not there.
    """
    target = folder / SOURCE.name
    if not target.is_file() or not _is_ours(target):
        raise OptionError(f"the plugin is not in {folder}: say where it is by --to")
    target.unlink()
    (folder / SETTINGS).unlink(missing_ok=True)
    return target


def _is_ours(path: Path) -> bool:
    return path.is_file() and _OURS in path.read_bytes()[:500]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after a mistake that one sentence on stderr explains."""
    parser = argparse.ArgumentParser(
        prog="python -m symbolic.plugin",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=("install", "uninstall"))
    parser.add_argument("--to", type=Path, help="folder of plugins [MuseScore 3's own]")
    parser.add_argument("--force", action="store_true", help="replace a file that is not ours")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    folder = options.to or plugin_folder()
    try:
        if options.action == "install":
            done = install(folder, force=options.force)
            said = f'{done} is in place: tick "subtractive" in MuseScore\'s Plugin Manager'
        else:
            done = uninstall(folder)
            said = f"{done} is gone"
    except MusicError as error:
        print(error, file=sys.stderr)
        if options.json:
            print(json.dumps({"status": "error", "message": str(error)}))
        return 2
    print(json.dumps({"status": "ok", "plugin": str(done)}) if options.json else said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
