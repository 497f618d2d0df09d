r"""Train the network that spreads the power of mel bands over bins.

    python -m audio.train_vocoder --notes corpus/mma --notes corpus/band \
        --soundfont FluidR3_GM.sf2 --soundfont MuseScore_General.sf3 --minutes 10 \
        --export audio/weights/vocoder.safetensors

Stems are rendered as `audio.rendering` draws them. A bin's error counts by the square root of its
amplitude, in logarithm; the spectral convergence of the clip is added. In half of the examples the
bands are blurred by noise, as a model that paints spectrograms will blur them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import Progress, track
from torch import Tensor

from audio.checkpoint import write
from audio.magnitude_network import MagnitudeConfig, MagnitudeNetwork
from audio.mel import FLOOR_DB, HOP, RATE, filters, spectrum
from audio.rendering import window
from audio.vocoder import band_powers, evenly_spread
from subtractive.dataset import stream
from subtractive.errors import MusicError
from subtractive.excerpts import Excerpt
from subtractive.synthesis import SoundFontPlayer

FRAMES = 96  # of an example
BATCH = 9
RATE_OF_LEARNING = 2e-3
WARM_UP = 200  # steps
NOISE_DB = 1.5
QUIETEST_DB = -30.0  # level that an example may be turned down to
KEPT = 0.995  # of the averaged weights in a step
_QUIET = 1e-5  # of the clip's loudest bin: what is below may be anything

Stems = npt.NDArray[np.int16]


def _again(folder: Path) -> Iterator[Excerpt]:
    while True:
        yield from stream(folder, "train")


def rendered(folders: Sequence[Path], fonts: Sequence[Path], count: int, seed: int) -> Stems:
    """Return stems of one length [shape=(stem, sample)], full scale 32767, by turns of a corpus."""
    players = [SoundFontPlayer(font, RATE) for font in fonts]
    rng = np.random.default_rng(seed)
    sources = cycle([_again(folder) for folder in folders])
    found: list[Stems] = []
    for _ in track(range(count), "stems", console=Console(stderr=True)):
        made = None
        while made is None:
            excerpt = next(next(sources))
            # neighbours are excerpts of one song
            made = window(excerpt, players, rng) if rng.random() < 0.25 else None
        loudest = max(float(np.abs(made.stem).max()), 1e-6)
        found.append((made.stem / loudest * 32767).astype(np.int16))
    return np.stack(found)


def examples(stems: Stems, rng: np.random.Generator) -> Iterator[Tensor]:
    """Yield batches of sounds [shape=(BATCH, sample)], each at a level of its own."""
    length = (FRAMES - 1) * HOP
    while True:
        sounds = []
        for place in rng.integers(len(stems), size=BATCH):
            begin = int(rng.integers(stems.shape[1] - length))
            level = 10 ** (rng.uniform(QUIETEST_DB, 0) / 20) / 32768
            sounds.append(stems[place, begin : begin + length].astype(np.float32) * level)
        yield torch.from_numpy(np.stack(sounds))


def losses(network: MagnitudeNetwork, sounds: Tensor, noise_db: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted error of the log magnitudes, and the spectral convergence.

    Parameters
    ----------
    network : MagnitudeNetwork
    sounds : tensor [shape=(batch, sample)]
    noise_db : tensor [shape=(batch, 1, 1)]
        Standard deviation of what is added to the bands.
    """
    true = spectrum(sounds).abs()
    power = filters() @ true**2
    level = 10 * torch.log10(power.clamp(min=10 ** (FLOOR_DB / 10)))
    level = (level + noise_db * torch.randn_like(level)).clamp(min=FLOOR_DB)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        gain = network(level)
    found = evenly_spread(band_powers(level)).sqrt() * torch.exp(gain.float())
    loudest = true.amax((1, 2), keepdim=True).clamp(min=1e-4)
    weight = (true / loudest).clamp(min=_QUIET).sqrt()
    apart = torch.log((true + _QUIET * loudest) / (found + _QUIET * loudest)).abs()
    missed = (found - true).flatten(1).norm(dim=1) / (true.flatten(1).norm(dim=1) + 1e-4)
    return (weight * apart).sum() / weight.sum(), missed.mean()


def train(stems: Stems, config: MagnitudeConfig, minutes: float, seed: int) -> MagnitudeNetwork:
    """Return a network trained for so many minutes of processor time, its weights averaged."""
    torch.manual_seed(seed)
    network, kept = MagnitudeNetwork(config), MagnitudeNetwork(config)
    kept.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), RATE_OF_LEARNING, weight_decay=0.01)
    begun = time.process_time()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("training", total=1.0)
        for step, sounds in enumerate(examples(stems, np.random.default_rng(seed))):
            share = (time.process_time() - begun) / (60 * minutes)
            if share >= 1:
                return kept.eval()
            for group in optimiser.param_groups:
                fade = 0.505 + 0.495 * math.cos(math.pi * share)
                group["lr"] = RATE_OF_LEARNING * fade * min(1, (step + 1) / WARM_UP)
            noisy = torch.rand(BATCH, 1, 1) < 0.5
            shape, missed = losses(network, sounds, noisy * NOISE_DB * torch.rand(BATCH, 1, 1))
            optimiser.zero_grad()
            (shape + missed).backward()  # type: ignore[no-untyped-call]  # torch has no type for it
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            with torch.no_grad():
                share_kept = min(KEPT, step / (step + 20))
                for average, now in zip(kept.parameters(), network.parameters(), strict=True):
                    average.lerp_(now, 1 - share_kept)
            label = f"step {step}, {float(shape.detach()):.3f} + {float(missed.detach()):.3f}"
            progress.update(task, completed=share, description=label)
    raise AssertionError("examples never end")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m audio.train_vocoder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--notes", type=Path, action="append", required=True, help="corpus")
    parser.add_argument("--soundfont", type=Path, action="append", required=True)
    parser.add_argument("--stems", type=int, default=900, help="rendered before training [900]")
    parser.add_argument("--minutes", type=float, default=10.0, help="of processor time [10]")
    parser.add_argument("--export", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    try:
        stems = rendered(options.notes, options.soundfont, options.stems, options.seed)
        network = train(stems, MagnitudeConfig(), options.minutes, options.seed)
        write(options.export, network.config, network.state_dict())
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    result = {"stems": len(stems), "minutes": options.minutes, "file": str(options.export)}
    print(json.dumps(result) if options.json else f"written: {options.export}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
