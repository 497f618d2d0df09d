"""Write a bass and drums into every MusicXML file of music21's corpus, and see what becomes of it.

    python -m benchmarks.notation                                    # all of them: half an hour
    python -m benchmarks.notation --files 10 --writer transformer

What is asked of each score that MuseScore opens: its own parts play the same notes as before, its
bytes are the same but for what came in, every measure of the new parts is as long as the others'
measures, and MuseScore plays of them what our own reader hears. The rule-based arranger writes the
parts unless told otherwise, since this is about notation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.journal import ROOT
from benchmarks.notation.checks import in_the_same_order, is_unaltered, struck, uneven_measures
from benchmarks.notation.jobs import convert_all
from benchmarks.results_file import command_line, keep, positive
from subtractive.arrangement import Arrangement, Part
from subtractive.errors import FileFormatError, MusicError, OptionError
from subtractive.files.midi import read_midi
from subtractive.files.music import read
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_write import write_musicxml

ADDED = ("bass", "drums")
_AT_ONCE = 25
_RETRIES = 4

Writer = Callable[[Sequence[Arrangement], str], list[Part]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen of one score; empty sentences mean that nothing is wrong.

    Attributes
    ----------
    name : str
    unread : str
        Why we do not read it.
    opened, opened_after : bool
        Whether MuseScore opens it before and after the parts came in.
    altered : bool
        Whether any byte but for the insertions changed.
    uneven : int
        Measures of the new parts that are longer or shorter than the score's.
    own_notes_kept : bool
        Whether its own tracks play the same notes after as before.
    same_form : bool
        Whether MuseScore plays repeats and jumps as we do: after a da capo it may not.
    new_notes_agree : bool
        Whether MuseScore plays of the new parts what our reader hears.
    """

    name: str
    unread: str = ""
    opened: bool = False
    opened_after: bool = False
    altered: bool = False
    uneven: int = 0
    own_notes_kept: bool = False
    same_form: bool = False
    new_notes_agree: bool = False

    @property
    def is_right(self) -> bool:
        """Whether all is as it should be, if MuseScore opens the score at all."""
        agreed = self.new_notes_agree or not self.same_form
        sound = self.opened_after and self.own_notes_kept and agreed
        return not self.opened or (not self.unread and sound and not (self.altered or self.uneven))


def corpus_files(count: int | None = None) -> list[Path]:
    """Return the MusicXML files of music21's corpus; of a count, evenly spread over all.

    Raises
    ------
    OptionError
        If music21 is not installed.
    """
    spec = find_spec("music21")
    folders = (
        [Path(each) / "corpus" for each in (spec.submodule_search_locations or [])] if spec else []
    )
    files = sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in {".xml", ".mxl", ".musicxml"}
    )
    if not files:
        raise OptionError(
            "the scores come with music21, which is not installed: pip install music21"
        )
    if count is None or count >= len(files):
        return files
    return [files[place * len(files) // count] for place in range(count)]


def examined(paths: Sequence[Path], writer: Writer) -> Iterator[Outcome]:
    """Yield what is seen of each score; MuseScore opens them many at a time."""
    for first in range(0, len(paths), _AT_ONCE):
        some = paths[first : first + _AT_ONCE]
        with tempfile.TemporaryDirectory(prefix="subtractive-") as name:
            folder = Path(name)
            folder.chmod(0o700)
            unread = {
                path: _write_both(path, place, folder, writer) for place, path in enumerate(some)
            }
            convert_all(sorted(folder.iterdir()), ".mid")
            for place, path in enumerate(some):
                outcome = _outcome(path, place, folder, unread[path])
                # MuseScore plays some scores a bar longer one time than another
                for _ in range(_RETRIES):
                    if not outcome.is_right:
                        pair = sorted(folder.glob(f"{place}.*{path.suffix}"))
                        for each in pair:
                            each.with_suffix(".mid").unlink(missing_ok=True)
                        convert_all(pair, ".mid")
                        outcome = _outcome(path, place, folder, unread[path])
                yield outcome


def _write_both(path: Path, place: int, folder: Path, writer: Writer) -> str:
    """Put a score before and after into a folder; return why it cannot be read."""
    before = folder / f"{place}.before{path.suffix}"
    before.write_bytes(path.read_bytes())
    try:
        music = read(path)
        for name in ADDED:
            context, _ = music.split(name)
            music = music.with_parts((*music.parts, *writer([context], name)))
        after = write_musicxml(music, zipped=path.suffix == ".mxl").content
    except FileFormatError as error:
        return str(error)
    (folder / f"{place}.after{path.suffix}").write_bytes(after)
    return ""


def _outcome(path: Path, place: int, folder: Path, unread: str) -> Outcome:
    played = folder / f"{place}.before.mid"
    if unread or not played.is_file():
        return Outcome(path.name, unread, played.is_file())
    before, after = (
        (folder / f"{place}.{when}{path.suffix}").read_bytes() for when in ("before", "after")
    )
    uneven = uneven_measures(after, len(ADDED))
    altered = not is_unaltered(before, after)
    sound = folder / f"{place}.after.mid"
    if not sound.is_file():
        return Outcome(path.name, "", True, False, altered, uneven)
    own, both = read_midi(played.read_bytes()), read_midi(sound.read_bytes())
    here = both.parts[: len(own.parts)]
    kept = [part.notes for part in own.parts] == [part.notes for part in here]
    heard = read_musicxml(after)
    new = len(ADDED)
    same_form = in_the_same_order(
        sum((struck(heard, part) for part in heard.parts[:-new]), Counter()),
        sum((struck(both, part) for part in here), Counter()),
    )
    agree = all(
        struck(heard, heard.parts[place]) == struck(both, both.parts[place])
        for place in range(-len(ADDED), 0)
    )
    return Outcome(path.name, "", True, True, altered, uneven, kept, same_form, agree)


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return counts over all scores, and by name those where anything is wrong."""
    seen = [each for each in outcomes if each.opened and not each.unread]
    return {
        "scores": len(outcomes),
        "opened by MuseScore": sum(each.opened for each in outcomes),
        "of these read by us": len(seen),
        "opened with the new parts": sum(each.opened_after for each in seen),
        "bytes outside of the insertions identical": sum(not each.altered for each in seen),
        "all measures of the new parts exact": sum(not each.uneven for each in seen),
        "own parts play the same notes": sum(each.own_notes_kept for each in seen),
        "repeats and jumps played as we do": sum(each.same_form for each in seen),
        "new parts of these play as we read them": sum(
            each.new_notes_agree for each in seen if each.same_form
        ),
        "wrong": [asdict(each) for each in outcomes if not each.is_right],
    }


def _arranger(seed: int) -> Writer:
    from subtractive.arranger import arrange  # noqa: PLC0415  # only one of the writers is used

    def write(contexts: Sequence[Arrangement], instrument: str) -> list[Part]:
        return [arrange(each, instrument, np.random.default_rng(seed)) for each in contexts]

    return write


def _transformer(seed: int) -> Writer:
    from symbolic.request import Request  # noqa: PLC0415  # torch is slow to load
    from symbolic.writer import load_writer  # noqa: PLC0415  # torch is slow to load

    writer = load_writer()

    def write(contexts: Sequence[Arrangement], instrument: str) -> list[Part]:
        return writer.write([Request(each, instrument, seed) for each in contexts])

    return write


WRITERS = {"arranger": _arranger, "transformer": _transformer}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.notation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--files", type=positive, help="so many, spread over the corpus [all]")
    parser.add_argument("--writer", choices=sorted(WRITERS), default="arranger")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks" / "results" / "notation.json"
    )
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    started = time.perf_counter()
    try:
        paths = corpus_files(options.files)
        outcomes = list(
            track(
                examined(paths, WRITERS[options.writer](options.seed)),
                "scores",
                len(paths),
                console=Console(stderr=True),
            )
        )
        keep(
            options.out,
            summary(outcomes),
            command=command_line("benchmarks.notation", argv),
            seconds=time.perf_counter() - started,
            as_json=options.json,
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if all(each.is_right for each in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
