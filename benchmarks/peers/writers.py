"""How fast a part is written, beside MIDI-GPT: the same song, one thread, models loaded before.

MIDI-GPT (Pasquier et al. 2025) comes from the package index without weights: it is built at its
default size with random ones. How long a token takes does not depend on what the weights are, but
how many notes are written does; so its notes are capped at what a bass plays, and notes a second
are told beside bars a second. What it writes says nothing about the model, and is not scored.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.speed import synthetic_song
from subtractive.arrangement import Arrangement, bars
from subtractive.files.midi import write_midi

Row = dict[str, Any]
Tick = Callable[[], object]

CAPS = (2, 8)  # notes a bar: a calm bass, and one of eighths; real ones play 7 in the mean
_BASS = 33
# The vocabulary of its released models as far as its documentation tells it: name and size.
_DOMAINS = {
    "PieceStart": 2, "Track": 2, "TrackEnd": 1, "Bar": 1, "BarEnd": 1, "TimeSig": 36,
    "Instrument": 128, "NumBars": 2, "NoteOnset": 128, "NoteDuration": 96, "TimeAbsolutePos": 192,
    "VelocityLevel": 32, "FillInPlaceholder": 1, "FillInStart": 1, "FillInEnd": 1,
}  # fmt: skip


def song_without_bass(bar_count: int, seed: int) -> Arrangement:
    """Return a song of piano, flute and drums, as `benchmarks.speed` makes it."""
    return synthetic_song(bar_count, np.random.default_rng(seed))


def _row(song: Arrangement, seconds: float, notes: int, weights: int, remark: str) -> Row:
    bar_count = len(bars(song))
    return {
        "value": bar_count / seconds,
        "unit": "bars/s",
        "n": bar_count,
        "notes_per_bar": notes / bar_count,
        "notes_per_second": notes / seconds,
        "weights": weights,
        "remark": f"{notes / bar_count:.1f} notes a bar, {notes / seconds:.1f} notes/s, "
        f"{weights / 1e6:.1f} M weights; {remark}",
    }


def time_ours(song: Arrangement, seed: int, takes: int | None, tick: Tick) -> Row:
    """Return how many bars of bass a second the shipped writer writes.

    Parameters
    ----------
    song : Arrangement
    seed : int
    takes : int or None
        As of `symbolic.request.Request`.
    tick : callable
        Called once, at the end.
    """
    torch: Any = import_module("torch")
    asking: Any = import_module("symbolic.request")
    torch.set_num_threads(1)
    writer = import_module("symbolic.writer").load_writer()
    chosen = takes or import_module("symbolic.preparation").TAKES
    writer.write([asking.Request(song_without_bass(1, seed), "bass", seed, takes=1)])  # warm
    started = time.perf_counter()
    (part,) = writer.write([asking.Request(song, "bass", seed, takes=takes)])
    seconds = time.perf_counter() - started
    tick()
    remark = f"trained, the best of {chosen} takes" if chosen > 1 else "trained, one take"
    # query, key and value are kept a second time side by side
    held = {name: weight for name, weight in writer.model.weights.items() if "qkv" not in name}
    weights = sum(weight.numel() for weight in held.values())
    return _row(song, seconds, len(part.notes), weights, remark)


def time_midigpt(song: Arrangement, seed: int, cap: int, tick: Tick) -> Row:
    """Return how many bars of bass a second MIDI-GPT writes, with random weights.

    Parameters
    ----------
    song : Arrangement
        Of four bars at least, the shortest that it takes.
    seed : int
    cap : int
        Most notes in a bar; random weights write as many in most.
    tick : callable
        Called once, at the end.
    """
    torch: Any = import_module("torch")
    midigpt: Any = import_module("midigpt")
    inference: Any = import_module("midigpt.inference")
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    engine, weights = _random_engine()
    bar_count = len(bars(song))
    score = midigpt.Score.from_bytes(write_midi(song))
    score.tracks.append(midigpt.Track([midigpt.Bar() for _ in range(bar_count)], _BASS))
    given = [inference.TrackPrompt(id=place, bars=[]) for place in range(len(song.parts))]
    wanted = inference.TrackPrompt(id=len(song.parts), bars=list(range(bar_count)))
    request = inference.GenerationRequest(
        tracks=[*given, wanted],
        config=inference.InferenceConfig(seed=seed, mask_mode="attention", density_hard_limit=cap),
    )
    started = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):  # its own progress bar
        result = engine.session(score, request).run()
    seconds = time.perf_counter() - started
    tick()
    notes = sum(len(bar.notes) for bar in result.tracks[-1].bars)
    remark = f"random weights, capped at {cap} notes a bar: speed only"
    return _row(song, seconds, notes, weights, remark)


def _random_engine() -> tuple[Any, int]:
    """Return an engine of MIDI-GPT's default size, ready to write, and its number of weights."""
    core: Any = import_module("midigpt._core")
    model_of: Any = import_module("midigpt.inference.model")
    tokenizer_of: Any = import_module("midigpt.tokenizer.tokenizer")
    analyzer_of: Any = import_module("midigpt.attributes.base")
    engine_of: Any = import_module("midigpt.inference")
    config = core.EncoderConfig.from_json(
        json.dumps(
            {
                "token_domains": [
                    {"type": name, "domain_size": size} for name, size in _DOMAINS.items()
                ],
                "resolution": 12,
                "decode_resolution": 480,
                "supports_infill": True,
                "velocity_levels": 32,
                "num_bars_map": [4, 8],
                "time_signatures": ["4/4", "3/4"],
            }
        )
    )
    analyzer = analyzer_of.AttributeAnalyzer.from_config(config)
    tokenizer = tokenizer_of.Tokenizer(config, analyzer)
    size = model_of.GPT2Config(vocab_size=tokenizer.vocab_size())
    model = model_of.GPT2LMHeadModel(size).eval()
    engine = engine_of.InferenceEngine(model, tokenizer, analyzer)
    engine.warmup()
    return engine, sum(weight.numel() for weight in model.parameters())
