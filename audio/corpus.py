r"""A corpus of sound on disk: windows rendered from a corpus of notes, as mel spectrograms.

    python -m audio.corpus --notes corpus/mma --notes corpus/band:8 --windows 12000 \
        --soundfont FluidR3_GM.sf2 --soundfont MuseScore_General.sf3 --out corpus/sound
    python -m audio.corpus --stems moisesdb/ --windows 12000 --out corpus/recorded

It is rendered from corpora of notes, cut out of songs with stems (MUSDB18, MoisesDB, Slakh2100), or
both. A corpus is a folder: ``context.npy`` and ``stem.npy`` hold spectrograms [window, band, frame]
as bytes, `STEP_DB` apart from `audio.mel.FLOOR_DB` on, and ``windows.jsonl`` what is known of each
window. Rendering that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import Progress, TimeRemainingColumn

from audio.beats import BeatGrid
from audio.mel import FLOOR_DB, MELS, RATE, log_mel
from audio.recorded import recorded
from audio.rendering import FRAMES, Window, window
from subtractive.dataset import stream
from subtractive.errors import FileFormatError, MusicError, OptionError
from subtractive.stem_folders import songs
from subtractive.synthesis import SoundFontPlayer, Strokes

STEP_DB = 0.45
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Lesson:
    """A window as it is kept: see `audio.rendering.Window`.

    Attributes
    ----------
    context, stem : array of bytes [shape=(MELS, FRAMES)]
        See `decibels`.
    """

    context: Bytes
    stem: Bytes
    instrument: str
    notes: Strokes | None
    grid: BeatGrid | None
    concepts: tuple[int, ...]
    song: str
    source: str


def as_bytes(spectrogram: torch.Tensor) -> Bytes:
    """Return a log-mel spectrogram in dB as bytes."""
    steps = torch.round((spectrogram - FLOOR_DB) / STEP_DB).clamp(0, 255)
    return steps.to(torch.uint8).numpy()


def decibels(kept: Bytes) -> torch.Tensor:
    """Return the log-mel spectrogram that was kept as bytes."""
    return torch.from_numpy(np.array(kept)).float() * STEP_DB + FLOOR_DB


class SoundCorpus:
    """A corpus that was rendered, read from disk as it is asked for.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    FileFormatError
        If the folder holds none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            lines = (folder / "windows.jsonl").read_text(encoding="utf-8").splitlines()
            self._known = [json.loads(line) for line in lines]
            shape = (len(lines), MELS, FRAMES)
            self._context, self._stem = (
                np.memmap(folder / f"{name}.npy", np.uint8, "r", shape=shape)
                for name in ("context", "stem")
            )
        except (OSError, ValueError) as error:
            raise FileFormatError(
                f"{folder} holds no corpus of sound: render one by python -m audio.corpus"
            ) from error

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, index: int) -> Lesson:
        known = self._known[index]
        return Lesson(
            context=np.asarray(self._context[index]),
            stem=np.asarray(self._stem[index]),
            instrument=known["instrument"],
            notes=_notes(known["notes"]),
            grid=_grid(known["beats"]),
            concepts=tuple(known["concepts"]),
            song=known["song"],
            source=known["source"],
        )


def _notes(rows: list[list[float]] | None) -> Strokes | None:
    if rows is None:
        return None
    onset, end, pitch, velocity = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Strokes(onset, end, pitch.astype(np.int64), velocity.astype(np.int64))


def _grid(known: dict[str, Any] | None) -> BeatGrid | None:
    if known is None:
        return None
    return BeatGrid(tuple(known["beats"]), known["downbeat"], known["beats_per_bar"])


def _rows(notes: Strokes | None) -> list[list[float]] | None:
    if notes is None:
        return None
    columns = (np.round(notes.onset, 4), np.round(notes.end, 4), notes.pitch, notes.velocity)
    rows: list[list[float]] = np.stack(columns, axis=1).tolist()
    return rows


def _known(made: Window) -> str:
    """Return what is known of a window as a line of JSON."""
    grid = made.grid
    row = {
        "song": made.song,
        "source": made.source,
        "instrument": made.instrument,
        "concepts": made.concepts,
        "beats": grid
        and {
            "beats": np.round(grid.beats, 4).tolist(),
            "downbeat": grid.downbeat,
            "beats_per_bar": grid.beats_per_bar,
        },
        "notes": _rows(made.notes),
    }
    return json.dumps(row, separators=(",", ":"))


Draw = Callable[[np.random.Generator], Window | None]


@dataclass(frozen=True)
class Sources:
    """What windows are made of.

    Attributes
    ----------
    notes : sequence of (Path, float)
        Corpora of notes, and of how many parts of all windows each gets one.
    soundfonts : sequence of Path
        That notes are played with; one is drawn for each window.
    stems : sequence of (Path, float)
        Folders of songs with stems, and their parts.
    """

    notes: Sequence[tuple[Path, float]]
    soundfonts: Sequence[Path]
    stems: Sequence[tuple[Path, float]] = ()

    def draws(self, split: str, seed: int) -> Iterator[Draw]:
        """Yield ways to draw a window, without end; those not taken cost nothing."""
        players = [SoundFontPlayer(path, RATE) for path in self.soundfonts]
        if self.notes and not players:
            raise OptionError("notes are played with a SoundFont: name one or more by --soundfont")
        every = [_rendered(folder, split, players) for folder, _ in self.notes]
        every += [_recorded(folder, split) for folder, _ in self.stems]
        weights = np.array([weight for _, weight in (*self.notes, *self.stems)])
        if not every:
            raise OptionError("nothing to make windows of: name a corpus by --notes or --stems")
        rng = np.random.default_rng([seed, 1])
        while True:
            yield next(every[int(rng.choice(len(every), p=weights / weights.sum()))])


def _rendered(folder: Path, split: str, players: Sequence[SoundFontPlayer]) -> Iterator[Draw]:
    while True:
        for excerpt in stream(folder, split):
            yield partial(window, excerpt, players)


def _recorded(folder: Path, split: str) -> Iterator[Draw]:
    chosen = [song for song in songs(folder) if song.split == split]
    if not chosen:
        raise FileFormatError(f"{folder} has no song in its split {split!r}: name another folder")
    while True:
        for song in chosen:
            yield partial(recorded, song)


def render(
    sources: Sources, out: Path, *, windows: int, split: str = "train", seed: int = 0
) -> int:
    """Render windows into a folder, those that are not there yet.

    Parameters
    ----------
    sources : Sources
    out : Path
    windows : int
    split : str
    seed : int
        Window i is drawn by (seed, i): however often rendering was stopped, the corpus is one.

    Returns
    -------
    int
        How many windows are there now.

    Raises
    ------
    MusicError
        If a corpus, a song or a SoundFont can't be read.
    """
    draws = sources.draws(split, seed)
    first = next(draws)  # mistakes are told before anything is written
    out.mkdir(parents=True, exist_ok=True)
    index, tried = _resumed(out)
    draws = islice(chain([first], draws), tried, None)
    columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn())
    with (
        (out / "context.npy").open("ab") as context,
        (out / "stem.npy").open("ab") as stem,
        (out / "windows.jsonl").open("a", encoding="utf-8") as known,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("windows", total=windows, completed=index)
        while index < windows:
            made = next(draws)(np.random.default_rng([seed, 2, tried]))
            tried += 1
            if made is not None:
                mels = log_mel(torch.from_numpy(np.stack([made.context, made.stem])))
                both = as_bytes(mels[..., :FRAMES])
                context.write(both[0].tobytes())
                stem.write(both[1].tobytes())
                known.write(_known(made) + "\n")
                index += 1
                progress.update(task, completed=index)
            if index % 200 == 0 or index == windows:
                for file in (context, stem, known):
                    file.flush()
                (out / "place.json").write_text(json.dumps([index, tried]), encoding="utf-8")
    return index


def _resumed(out: Path) -> tuple[int, int]:
    """Return the windows that are whole and the excerpts tried for them; cut off what is not."""
    try:
        index, tried = json.loads((out / "place.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        index, tried = 0, 0
    for name in ("context.npy", "stem.npy"):
        with (out / name).open("ab") as file:
            file.truncate(index * MELS * FRAMES)
    path = out / "windows.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    path.write_text("".join(lines[:index]), encoding="utf-8")
    return index, tried


def weighted(text: str) -> tuple[Path, float]:
    """Return the folder and weight that "FOLDER" or "FOLDER:WEIGHT" names.

    Raises
    ------
    OptionError
        If the weight is no number above 0.
    """
    folder, _, weight = text.rpartition(":")
    if not folder:
        return Path(text), 1.0
    try:
        number = float(weight)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise OptionError(f"{text!r}: write FOLDER:WEIGHT with a weight above 0")
    return Path(folder), number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m audio.corpus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--notes", action="append", default=[], help="a corpus of notes, FOLDER or FOLDER:WEIGHT"
    )
    parser.add_argument("--soundfont", action="append", type=Path, default=[])
    parser.add_argument(
        "--stems", action="append", default=[], help="songs with stems, FOLDER or FOLDER:WEIGHT"
    )
    parser.add_argument("--windows", type=int, default=12_000)
    parser.add_argument("--split", choices=["train", "valid"], default="train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    try:
        count = render(
            Sources(
                [weighted(text) for text in options.notes],
                options.soundfont,
                [weighted(text) for text in options.stems],
            ),
            options.out,
            windows=options.windows,
            split=options.split,
            seed=options.seed,
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({"windows": count}) if options.json else f"{count} windows: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
