"""Train the judge of candidates: `python -m symbolic.train_judge --corpus CORPUS --minutes 15`.

Each example is a window in which a song's own part, or a strange one, is drawn into the context.
Strangers are the same instrument's part of another song of the same metre, in the same key, for
frames are all in C; or the own part some beats late, or in another key.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import track
from torch.nn import functional

from scoretokens.grid import GridSong
from subtractive.errors import MusicError
from subtractive.instruments import INSTRUMENTS
from symbolic.frames import SLICES, Key, beat_chords, context_frames, cut, key_of
from symbolic.judge import PART, WEIGHTS, Judge
from symbolic.lessons import WINDOW, context_of, disguise, target_part, thin
from symbolic.songbook import load_songs

Floats = npt.NDArray[np.float16]
BATCH, RATE, WEIGHT_DECAY = 48, 2e-3, 0.05
LATE, TRANSPOSED = 0.15, 0.15  # shares of the strangers that are the own part, moved
_CHROMATIC = ("draft_struck", "draft_sounding")
_BEAT_FRAMES = 4


class Example(NamedTuple):
    """The frames of a context with its own part drawn in, and whose part it is."""

    frames: Floats
    instrument: int


def example(song: GridSong, instrument: str, rng: np.random.Generator) -> Example | None:
    """Return a window of a song; None if the instrument does not play through it."""
    target = target_part(song, instrument)
    context = context_of(song, instrument)
    if target is None or not context:
        return None
    first = int(rng.integers(max(1, song.bar_count - WINDOW + 1)))
    last = min(first + WINDOW, song.bar_count)
    edges = np.searchsorted(target.notes[:, 0], song.bar_onsets[first : last + 1])
    if np.count_nonzero(np.diff(edges)) * 2 < last - first:
        return None
    kept, given = thin(context, rng)
    kept = [disguise(part, song.bar_onsets[first : last + 1], rng) for part in kept or context]
    piece = cut(song, first, last)
    chords = None
    if given:
        pitched = [part.notes for part in piece.parts if not part.is_drums]
        chords = song.chords if len(song.chords) else None
        if chords is None and pitched:
            chords = beat_chords(np.concatenate(pitched), piece)
    key = key_of(kept, chords) or key_of([target, *song.parts]) or Key(0, is_minor=False)
    seen = context_frames(piece, kept, key, chords=chords, draft=target)
    return Example(seen.values.astype(np.float16), INSTRUMENTS.index(instrument))


def examples(songs: Sequence[GridSong], count: int, rng: np.random.Generator) -> list[Example]:
    """Return about as many examples, of songs drawn at random, each instrument as often."""
    found = []
    for place in track(range(count), "examples", console=Console(stderr=True)):
        song = songs[int(rng.integers(len(songs)))]
        made = example(song, INSTRUMENTS[place % len(INSTRUMENTS)], rng)
        if made is not None:
            found.append(made)
    return found


def stranger(own: Example, others: Sequence[Example], rng: np.random.Generator) -> Floats:
    """Return the frames of an example with a part drawn in that does not belong there."""
    frames = own.frames.copy()
    draw = rng.random()
    if draw < LATE:
        beats = int(rng.choice([1, 2, 3, 5, 6, 7]))
        frames[:, PART] = np.roll(frames[:, PART], beats * _BEAT_FRAMES, axis=0)
    elif draw < LATE + TRANSPOSED and INSTRUMENTS[own.instrument] != "drums":
        shift = int(rng.integers(1, 12))
        for name in _CHROMATIC:
            frames[:, SLICES[name]] = np.roll(frames[:, SLICES[name]], shift, axis=1)
    else:
        other = others[int(rng.integers(len(others)))]
        frames[:, PART] = other.frames[:, PART]
    return frames


class Shelf:
    """Examples of one instrument and length, from which pairs are drawn."""

    def __init__(self, every: Sequence[Example]) -> None:
        shelves: dict[tuple[int, int], list[Example]] = defaultdict(list)
        for each in every:
            shelves[each.instrument, len(each.frames)].append(each)
        self._shelves = [some for some in shelves.values() if len(some) > 4]
        sizes = np.array([len(some) for some in self._shelves])
        self._share = sizes / sizes.sum()

    def batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return frames, instruments, and whether the part belongs there: half of them do."""
        some = self._shelves[int(rng.choice(len(self._shelves), p=self._share))]
        drawn = [some[place] for place in rng.integers(len(some), size=BATCH // 2)]
        frames = np.stack([
            *(each.frames for each in drawn), *(stranger(each, some, rng) for each in drawn)
        ])  # fmt: skip
        named = torch.tensor([each.instrument for each in drawn] * 2)
        belongs = torch.arange(len(frames)) < len(drawn)
        return torch.from_numpy(frames.astype(np.float32)), named, belongs.float()


def accuracy(judge: Judge, shelf: Shelf, batches: int, rng: np.random.Generator) -> float:
    """Return how often the own part is found likelier than a stranger in the same context."""
    right = []
    with torch.inference_mode():
        for _ in range(batches):
            frames, named, _ = shelf.batch(rng)
            own, strange = judge.eval()(frames, named).chunk(2)
            right.append((own > strange).float().mean().item())
    return float(np.mean(right))


def train(learned: Shelf, held: Shelf, minutes: float, out: Path, seed: int) -> float:
    """Train for some minutes of processor time, write the weights, and return the accuracy."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    begun, step, recent = time.process_time(), 0, 0.69
    while (done := (time.process_time() - begun) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50, 2 * (1 - done) + 0.01)
        frames, named, belongs = learned.batch(rng)
        loss = functional.binary_cross_entropy_with_logits(judge.train()(frames, named), belongs)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        torch.nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimizer.step()
        step += 1
        recent = 0.98 * recent + 0.02 * loss.item()
        if step % 200 == 0:
            found = accuracy(judge, held, 20, np.random.default_rng(seed))
            print(
                f"step {step}, {100 * done:.0f} %: loss {recent:.4f}, valid {found:.3f}", flush=True
            )
    judge.save(out)
    return accuracy(Judge.load(out), held, 100, np.random.default_rng(seed))


def main(argv: Sequence[str] | None = None) -> int:
    """Train the judge."""
    parser = argparse.ArgumentParser(
        prog="python -m symbolic.train_judge",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "subtractive-music")
    parser.add_argument("--examples", type=int, default=3000, help="of each corpus")
    parser.add_argument("--minutes", type=float, default=15.0, help="of processor time")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    rng = np.random.default_rng(options.seed)
    shelves: dict[str, list[Example]] = {"train": [], "valid": []}
    try:
        for corpus in options.corpus:
            for split, some in shelves.items():
                count = options.examples if split == "train" else options.examples // 5
                songs = load_songs(corpus, split, options.cache / "songs")
                some.extend(examples(songs, count, rng))
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    learned, held = Shelf(shelves["train"]), Shelf(shelves["valid"])
    found = train(learned, held, options.minutes, options.out, options.seed)
    print(f"the own part is found in {100 * found:.1f} % of pairs of held-out songs: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
