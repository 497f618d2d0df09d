"""A corpus on disk: ``index.csv``, a row a song with its split, beside tables of what was left out.

Two sources: tunes that MMA plays, and a folder of MIDI files, of which nothing is copied.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from subtractive import duplicates, tunes
from subtractive.arrangement import Arrangement, bars
from subtractive.errors import FileFormatError, MusicError, OptionError, OutputError
from subtractive.files.midi import read_midi
from subtractive.files.output import write_whole
from subtractive.grooves import Advance, Groove, catalogue
from subtractive.instruments import INSTRUMENTS, roles
from subtractive.mma import RenderError, render

MMA_COLUMNS = (
    *("path", "split", "group", "source", "style", "seed", "number", "bars", "metre", "tempo"),
    *("key", "form", "roles", "grooves", "chords"),
)
FOLDER_COLUMNS = ("path", "split", "group", "source", "style", "bars", "metre", "roles", "notes")
LEAST_BARS, LEAST_NOTES = 8, 16


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless it is there.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {path} cannot be made ({error.strerror}): name another with --out"
        ) from error


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file whole."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(header)
    table.writerows(rows)
    write_whole(path, text.getvalue().encode())


_grooves: tuple[Groove, ...] = ()  # of a worker process: sent once, not with every tune


def _start(grooves: tuple[Groove, ...]) -> None:
    global _grooves  # noqa: PLW0603  # the way a process pool hands down what all its jobs share
    _grooves = grooves


def _make(out: Path, seed: int, number: int) -> tuple[tuple[object, ...], str]:
    """Make a tune unless its file is there; return its row, and why it failed or nothing."""
    tune = tunes.plan(_grooves, seed, number)
    target = out / tune.path
    try:
        if not target.exists():
            make_folder(target.parent)
            write_whole(target, render(tune.chart))
        found = roles(read_midi(target.read_bytes(), tune.path).parts)
    except (RenderError, FileFormatError) as error:
        return (tune.path,), str(error)
    chart = tune.chart
    return (
        *(tune.path, tunes.split_of(chart.file), chart.file, "mma", tune.style, seed, number),
        *(tune.bars, f"{chart.metre[0]}/{chart.metre[1]}", chart.tempo, chart.key, tune.form),
        *(" ".join(sorted(set(found))), " ".join(tune.grooves), chart.chords),
    ), ""


def build_mma(
    out: Path,
    number: int,
    seed: int,
    libraries: Sequence[str],
    processes: int = 2,
    advance: Advance = lambda *_: None,
) -> dict[str, int]:
    """Make `number` tunes in the folder `out`; those that are there already are kept.

    ``index.csv`` lists them, ``failures.csv`` the tunes and grooves that failed, with MMA's reason.

    Parameters
    ----------
    out : path
    number, seed : int
    libraries : sequence of str
    processes : int
    advance : callable
        Told of each groove that is probed and each tune that is made.

    Returns
    -------
    dict
        How many tunes, failures, groups, and tunes of each split.

    Raises
    ------
    OptionError
        If MMA is missing, a library is unknown, or none of its grooves is complete.
    OutputError
        If `out` cannot be written to.
    """
    make_folder(out)
    grooves, broken = catalogue(libraries, out / "grooves.json", processes, advance)
    if not any(each.complete and each.place == "main" for each in grooves):
        raise OptionError(f"no groove of {', '.join(libraries)} has a whole band: add stdlib")
    rows: list[tuple[object, ...]] = []
    failures: list[tuple[object, ...]] = [("groove", *each) for each in broken]
    with ProcessPoolExecutor(processes, initializer=_start, initargs=(grooves,)) as pool:
        jobs = [pool.submit(_make, out, seed, each) for each in range(number)]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                row, reason = job.result()
                if reason:
                    failures.append(("tune", *row, reason))
                else:
                    rows.append(row)
                advance("tunes", done, number)
        except BaseException:
            # else Ctrl-C, or a full disk, would wait for all the tunes that are still to come
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    rows.sort(key=str)
    write_table(out / "index.csv", MMA_COLUMNS, rows)
    write_table(out / "failures.csv", ("kind", "name", "reason"), sorted(failures, key=str))
    return _counts(rows, len(failures))


def _counts(rows: list[tuple[object, ...]], left_out: int) -> dict[str, int]:
    splits = Counter(str(row[1]) for row in rows)
    return {
        "songs": len(rows),
        "left_out": left_out,
        "groups": len({row[2] for row in rows}),
        "train": splits["train"],
        "valid": splits["valid"],
    }


@dataclass(frozen=True, slots=True)
class _Song:
    """What is kept of a song while a folder is read."""

    path: str
    sketch: frozenset[bytes]
    notes: int
    bars: int
    metre: str
    roles: str


def unfit(arrangement: Arrangement) -> str:
    """Return why a song teaches nothing, or an empty text.

    It needs `LEAST_BARS` bars, drums, bass or guitar of `LEAST_NOTES` notes, and another part.
    """
    count = len(bars(arrangement))
    if count < LEAST_BARS:
        return f"{count} bars, fewer than {LEAST_BARS}"
    playing = {
        role
        for part, role in zip(arrangement.parts, roles(arrangement.parts), strict=True)
        if len(part.notes) >= LEAST_NOTES
    }
    if not playing & {*INSTRUMENTS}:
        return f"no drums, bass or guitar of {LEAST_NOTES} notes"
    if len(arrangement.parts) < 2 or len(playing) < 2:
        return "nobody else plays"
    return ""


def build_folder(songs: Path, out: Path, advance: Advance = lambda *_: None) -> dict[str, int]:
    """Index the MIDI files under `songs`; write only tables, into `out`.

    ``index.csv`` lists the songs that are kept, by path relative to `songs`, split by group of
    duplicates; ``dropped.csv`` lists the others with the reason.

    Raises
    ------
    OptionError
        If `songs` is no folder, or no song in it can be used.
    OutputError
        If `out` cannot be written to.
    """
    if not songs.is_dir():
        raise OptionError(f"{songs} is not a folder: name one that holds MIDI files")
    make_folder(out)
    found = sorted(
        path
        for path in songs.rglob("*")
        if path.suffix.lower() in {".mid", ".midi"} and path.is_file()
    )
    dropped: list[tuple[object, ...]] = []
    kept = list(_read_all(songs, found, dropped, advance))
    if not kept:
        raise OptionError(
            f"{len(found)} MIDI files under {songs}, none to learn from: a song needs "
            f"{LEAST_BARS} bars, drums, bass or guitar, and another part"
        )
    # the fullest copy first, so that it is the one that stays
    kept.sort(key=lambda song: (-song.notes, song.path))
    rows: list[tuple[object, ...]] = []
    for song, first in zip(kept, duplicates.groups([song.sketch for song in kept]), strict=True):
        if kept[first] is not song:
            dropped.append((song.path, f"the same music as {kept[first].path}"))
            continue
        # named by the music, so that moving files about moves nothing from train to valid
        group = min(song.sketch).hex() if song.sketch else song.path
        described = (song.bars, song.metre, song.roles, song.notes)
        style = str(Path(song.path).parent)
        rows.append((song.path, tunes.split_of(group), group, "folder", style, *described))
    write_table(out / "index.csv", FOLDER_COLUMNS, sorted(rows, key=str))
    write_table(out / "dropped.csv", ("path", "reason"), sorted(dropped, key=str))
    return _counts(rows, len(dropped))


def _read_all(
    songs: Path, paths: list[Path], dropped: list[tuple[object, ...]], advance: Advance
) -> Iterator[_Song]:
    """Yield the songs that are fit; add the others to `dropped`."""
    copies: dict[bytes, str] = {}
    for done, path in enumerate(paths, 1):
        advance("files", done, len(paths))
        name = path.relative_to(songs).as_posix()
        content = path.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest in copies:
            dropped.append((name, f"a copy of {copies[digest]}"))
            continue
        copies[digest] = name
        try:
            arrangement = read_midi(content, name)
        except MusicError as error:
            dropped.append((name, str(error)))
            continue
        reason = unfit(arrangement)
        if reason:
            dropped.append((name, reason))
            continue
        metre = arrangement.metres[0][1:] if arrangement.metres else (4, 4)
        yield _Song(
            name,
            duplicates.sketch(arrangement),
            sum(len(part.notes) for part in arrangement.parts),
            len(bars(arrangement)),
            f"{metre[0]}/{metre[1]}",
            " ".join(sorted(set(roles(arrangement.parts)))),
        )
