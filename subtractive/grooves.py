"""The grooves of MMA's libraries, each known by a short render."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from subtractive.arrangement import Part
from subtractive.errors import OptionError
from subtractive.files.midi import read_midi
from subtractive.files.output import write_whole
from subtractive.instruments import INSTRUMENTS, role
from subtractive.mma import EDITION, TICKS, RenderError, library_folder, program, run, say, settled

Advance = Callable[[str, int, int], None]
"""Called with what is counted, how many are done, and of how many."""

LIBRARIES = ("stdlib", "kara", "pflib", "alexis")  # written by hand for MMA


@dataclass(frozen=True, slots=True)
class Groove:
    """What is known of a groove.

    Attributes
    ----------
    file, name, description : str
        `file` is "library/name", such as "stdlib/bossanova".
    bars : int
        Length of its pattern.
    beats : int
        MMA's beats in a bar: the slots of a chord chart.
    metre : tuple of int
        Numerator and denominator as written.
    roles : tuple of str
        Sorted, of the parts that play: "bass", "drums", "guitar", "other".
    swing : bool
        Whether off-beats sound as triplets.
    """

    file: str
    name: str
    description: str
    bars: int
    beats: int
    metre: tuple[int, int]
    roles: tuple[str, ...]
    swing: bool

    @property
    def place(self) -> str:
        """Where in a tune it belongs: "intro", "fill", "end" or "main"; its name decides first."""
        name, words = self.name.lower(), self.description.lower()
        by_name = re.search(r"intro|fill|end(?=(ing)?([a-d]|\d|sus|plus|walk)*$)", name)
        by_words = re.search(r"\b(intro|fill|ending\b)", words[:40])
        found = by_name or by_words
        return found[0].removesuffix("ing") if found else "main"

    @property
    def complete(self) -> bool:
        """Whether three roles play, two of them drums, bass or guitar."""
        return len(self.roles) >= 3 and len({*self.roles} & {*INSTRUMENTS}) >= 2


def _swings(parts: Iterable[Part]) -> bool:
    """Return whether more notes begin on the last third of a beat than on its half."""
    phases = [note.onset % TICKS / TICKS for part in parts for note in part.notes]
    on_half = sum(abs(phase - 1 / 2) < 0.05 for phase in phases)
    return sum(abs(phase - 2 / 3) < 0.05 for phase in phases) > on_half


def probe(file: str, name: str, description: str, bars: int) -> Groove:
    """Return what a short render of the groove shows.

    Raises
    ------
    RenderError
        If MMA cannot play it.
    """
    head = [f"Use {file}", "RndSeed 1", f"Groove {name}", "PRINT @@ $_TIME $_TIMESIG"]
    content, said = run("\n".join([*head, *["C", "Am", "F", "G7"] * max(1, -(-bars // 4))]) + "\n")
    match = re.search(r"@@ ([\d.]+) (\d+)/(\d+)", said)
    if match is None:
        raise RenderError("tells no metre")
    played = read_midi(content, file)
    parts = settled(played.parts, played.ticks_per_beat)
    beats, metre = round(float(match[1])), (int(match[2]), int(match[3]))
    if metre[1] == 4:  # a waltz may forget to say that it is in 3/4
        metre = (beats, 4)
    found = tuple(sorted({role(part) for part in parts}))
    swing = metre[1] == 4 and _swings(parts)
    return Groove(file, name, description, bars, beats, metre, found, swing)


def names(file: str) -> list[tuple[str, str, str, int]]:
    """Return (file, groove, description, bars) of each groove that a groove file defines.

    Raises
    ------
    RenderError
        If MMA cannot read the file.
    """
    said = say([program(), "-Djs", str(library_folder() / f"{file}.mma")])
    listed = json.loads(said[said.find("[") :])
    # a name defined twice means what it was defined as last
    named = {each["groove"]: each for each in listed if "groove" in each}
    return [(file, name, each["description"], int(each["size"])) for name, each in named.items()]


def catalogue(
    libraries: Iterable[str],
    cache: Path,
    processes: int = 2,
    advance: Advance = lambda *_: None,
) -> tuple[tuple[Groove, ...], tuple[tuple[str, str], ...]]:
    """Return the grooves of some libraries, and those that fail with MMA's reason.

    Parameters
    ----------
    libraries : iterable of str
    cache : path
        A JSON file that keeps what was found for the next time.
    processes : int
        Copies of MMA that run at once.
    advance : callable
        Told of each groove that is probed.

    Raises
    ------
    OptionError
        If a library is unknown.
    """
    wanted = sorted(set(libraries))
    known = sorted(path.name for path in library_folder().iterdir() if any(path.glob("*.mma")))
    for library in wanted:
        if library not in known:
            raise OptionError(f"unknown groove library {library!r}: choose from {', '.join(known)}")
    if cache.exists():
        stored = json.loads(cache.read_text(encoding="utf-8"))
        if (stored["edition"], stored["libraries"]) == (EDITION, wanted):
            failures = tuple((name, reason) for name, reason in stored["failures"])
            return tuple(map(_restored, stored["grooves"])), failures
    found, failures = _probe_all(wanted, processes, advance)
    stored = {"edition": EDITION, "libraries": wanted, "failures": failures}
    stored["grooves"] = [asdict(each) for each in found]
    write_whole(cache, json.dumps(stored, indent=1).encode())
    return found, failures


def _restored(stored: dict[str, object]) -> Groove:
    values = {key: tuple(each) if isinstance(each, list) else each for key, each in stored.items()}
    return Groove(**values)  # type: ignore[arg-type]  # asdict wrote exactly these


def _probe_all(
    libraries: list[str], processes: int, advance: Advance
) -> tuple[tuple[Groove, ...], tuple[tuple[str, str], ...]]:
    folder = library_folder()
    files = [
        f"{library}/{path.stem}"
        for library in libraries
        for path in sorted((folder / library).glob("*.mma"))
    ]
    found: list[Groove] = []
    failures: list[tuple[str, str]] = []
    with ThreadPoolExecutor(processes) as pool:
        listings = [(file, pool.submit(names, file)) for file in files]
        probes = []
        for file, listing in listings:
            try:
                probes += [(each, pool.submit(probe, *each)) for each in listing.result()]
            except RenderError as error:
                failures.append((file, str(error)))
        for done, ((file, name, *_), waiting) in enumerate(probes, 1):
            try:
                found.append(waiting.result())
            except RenderError as error:
                failures.append((f"{file}:{name}", str(error)))
            advance("grooves", done, len(probes))
    return tuple(found), tuple(failures)
