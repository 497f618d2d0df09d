"""From mel spectrogram to sound: what each way loses, on rendered stems.

    python -m benchmarks.vocoder corpus/band --soundfont TimGM6mb.sf2 --like FluidR3_GM.sf2

Stems of drums, bass and guitar are rendered from a corpus's validation split, one of a song, and
go through `audio.mel.log_mel` and back by each of `benchmarks.vocoder_ways`.

Metrics
-------
sc2048_db, sc512_db
    Spectral convergence: the distance of the magnitudes from the true ones over these, both over
    the whole stem, in dB; windows of 64 and 16 ms, of which the short ones hear what is smeared.
mel_db
    Mean distance of the log-mel spectrograms, in dB, from 70 dB below the loudest upwards.
onset_f1
    Of onsets as librosa detects them in the sound and in the true one, within 20 ms.
pre_echo_db
    Energy from 30 to 2 ms before a note that 150 ms of no other onset precede, over the energy of
    the 30 ms from it on; the row "true" is the stem itself.
real_time_factor
    Processor seconds for a second of sound, on one thread.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from audio.mel import RATE, log_mel
from audio.vocoder import to_sound
from benchmarks.journal import ROOT
from benchmarks.metrics.sound_beats import f_measure
from benchmarks.results_file import command_line, keep_drawn, positive
from benchmarks.vocoder_ways import Stem, Way, ways
from subtractive.dataset import stream
from subtractive.errors import MusicError, OptionError
from subtractive.files.sound import default_soundfont
from subtractive.instruments import INSTRUMENTS, role
from subtractive.synthesis import SoundFontPlayer, Strokes, strokes

LEAST_NOTES = 8  # in a stem
ALONE_SECONDS = 0.15  # without an onset before one whose pre-echo is measured
BEFORE, AFTER = 0.030, 0.030  # seconds around that onset
NEAR = 0.002  # seconds before it that count as the onset itself
ONSET_WINDOW = 0.020  # seconds
ONSET_HOP = 160  # samples
RANGE_DB = 70.0
METRICS = ("sc2048_db", "sc512_db", "mel_db", "onset_f1", "pre_echo_db", "real_time_factor")

Sound = npt.NDArray[np.float32]
Found = dict[str, dict[str, dict[str, float | None]]]  # by instrument, way and metric


def stems(
    corpus: Path, players: Sequence[SoundFontPlayer], each: int, seconds: float, seed: int
) -> Iterator[Stem]:
    """Yield stems of a corpus's validation split.

    Parameters
    ----------
    corpus : Path
    players : sequence of SoundFontPlayer
        The stem's own, and the one for `Stem.like` if there are two.
    each : int
        So many of each instrument, if there are.
    seconds : float
        Length of a stem.
    seed : int
        Of where in a song it begins, and of its level.
    """
    rng = np.random.default_rng(seed)
    count = dict.fromkeys(INSTRUMENTS, 0)
    heard: set[tuple[str, str]] = set()
    for excerpt in stream(corpus, "valid"):
        for part in excerpt.arrangement.parts:
            instrument = role(part)
            if count.get(instrument, each) >= each or (excerpt.song, instrument) in heard:
                continue
            notes = strokes(excerpt.arrangement, part)
            start = float(notes.onset[rng.integers(0, max(1, len(notes.onset) // 2))]) - 0.05
            notes = notes.within(start, start + seconds)
            if len(notes.onset) < LEAST_NOTES:
                continue
            program = part.program
            if not all(player.has(program, is_drums=part.is_drums) for player in players):
                program = 0 if part.is_drums else program
            sounds = [
                player.play(notes, program, round(seconds * RATE), is_drums=part.is_drums)
                for player in players
            ]
            loudest = [float(np.abs(sound.mean(0)).max()) for sound in sounds]
            if min(loudest) < 1e-3:
                continue
            level = 10 ** (rng.uniform(-12, -1) / 20)
            mono = [
                torch.from_numpy(sound.mean(0) * (level / peak))
                for sound, peak in zip(sounds, loudest, strict=True)
            ]
            heard.add((excerpt.song, instrument))
            count[instrument] += 1
            yield Stem(instrument, notes, mono[0], mono[1] if len(mono) > 1 else None)
        if min(count.values()) >= each:
            return


def spectral_convergence_db(sound: Tensor, true: Tensor, fft: int) -> float:
    """Return the distance of two sounds' magnitudes over the true ones, in dB; -80 at least."""
    window = torch.hann_window(fft)
    size, wanted = (
        torch.stft(each, fft, fft // 4, window=window, return_complex=True).abs()
        for each in (sound, true)
    )
    return 20 * math.log10(max(float((size - wanted).norm() / wanted.norm()), 1e-4))


def mel_distance_db(sound: Tensor, true: Tensor) -> float:
    """Return the mean distance of two log-mel spectrograms in dB."""
    wanted = log_mel(true)
    floor = float(wanted.max()) - RANGE_DB
    return float((log_mel(sound).clamp(min=floor) - wanted.clamp(min=floor)).abs().mean())


def onsets(sound: Sound) -> npt.NDArray[np.float64]:
    """Return the times at which librosa hears something begin, in seconds."""
    from librosa.onset import onset_detect  # noqa: PLC0415  # takes seconds to import

    found = onset_detect(y=sound, sr=RATE, hop_length=ONSET_HOP, units="time")
    return np.asarray(found, dtype=np.float64)


def pre_echo_db(sound: Sound, notes: Strokes) -> float:
    """Return the mean level before a stem's lonely onsets, in dB of the level after; at least -60.

    NaN where no onset is alone.
    """
    found = []
    times = np.unique(np.round(notes.onset, 3))
    loudest = float(np.abs(sound).max())
    for place, when in enumerate(times):
        alone = when > ALONE_SECONDS and (place == 0 or when - times[place - 1] > ALONE_SECONDS)
        first, last = round((when - BEFORE) * RATE), round((when - NEAR) * RATE)
        begin = round(when * RATE)
        if not alone or begin >= len(sound):
            continue
        after = float(np.mean(sound[begin : begin + round(AFTER * RATE)] ** 2 + 1e-12))
        if after < 1e-3 * loudest**2:
            continue
        before = float(np.mean(sound[first:last] ** 2))
        found.append(10 * math.log10(max(before / after, 1e-6)))
    return float(np.mean(found)) if found else math.nan


def measured(back: Way, stem: Stem) -> dict[str, float]:
    """Return the metrics of one way on one stem, by the names of `METRICS`."""
    mel = log_mel(stem.samples)
    begun = time.process_time()
    sound = back(mel, stem)
    seconds = time.process_time() - begun
    true = stem.samples[: len(sound)]
    values = (
        spectral_convergence_db(sound, true, 2048),
        spectral_convergence_db(sound, true, 512),
        mel_distance_db(sound, true),
        f_measure(onsets(true.numpy()), onsets(sound.numpy()), ONSET_WINDOW),
        pre_echo_db(sound.numpy(), stem.notes),
        seconds * RATE / len(sound),
    )
    return dict(zip(METRICS, values, strict=True))


def result_of(every: Sequence[Stem], ways: Mapping[str, Way]) -> Found:
    """Return the mean of each metric, by instrument and way; None where nothing was measured."""
    kinds = list(dict.fromkeys(stem.instrument for stem in every))
    rows: dict[tuple[str, str], list[list[float]]] = {}
    for stem in track(every, "stems", console=Console(stderr=True)):
        for name, back in ways.items():
            values = measured(back, stem)
            rows.setdefault((stem.instrument, name), []).append([values[key] for key in METRICS])
    return {kind: {name: _means(np.array(rows[kind, name])) for name in ways} for kind in kinds}


def _means(values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    return {
        metric: None if np.isnan(column).all() else round(float(np.nanmean(column)), 4)
        for metric, column in zip(METRICS, values.T, strict=True)
    }


def table(found: Found) -> str:
    """Return the result as a table in Markdown."""
    lines = []
    for kind, rows in found.items():
        lines += [f"| **{kind}** | {' | '.join(METRICS)} |", "| --- |" + " --- |" * len(METRICS)]
        for name, values in rows.items():
            cells = ("" if (value := values[key]) is None else f"{value:.2f}" for key in METRICS)
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.vocoder",
        description="From mel spectrogram to sound: what each way loses.",
    )
    parser.add_argument("corpus", type=Path, help="of notes, as subtractive.build makes one")
    parser.add_argument("--soundfont", type=Path, help="that plays the stems [the previews' one]")
    parser.add_argument("--like", type=Path, metavar="SOUNDFONT", help="that plays them once more")
    parser.add_argument("--stems", type=positive, default=24, help="of each instrument [24]")
    parser.add_argument("--seconds", type=positive, default=10, help="length of a stem [10]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks" / "results" / "vocoder.json"
    )
    parser.add_argument("--json", action="store_true", help="print one machine-readable line")
    options = parser.parse_args(argv)
    begun = time.perf_counter()
    torch.set_num_threads(1)
    try:
        fonts = [
            options.soundfont or default_soundfont(),
            *([options.like] if options.like else []),
        ]
        players = [SoundFontPlayer(font, RATE) for font in fonts]
        every = list(stems(options.corpus, players, options.stems, options.seconds, options.seed))
        if not every:
            raise OptionError(f"{options.corpus} has no stem to validate with")
        with torch.inference_mode():
            to_sound(log_mel(every[0].samples), iterations=1)  # compiles
            found = result_of(every, ways(with_like=options.like is not None))
        count = {kind: sum(stem.instrument == kind for stem in every) for kind in found}
        keep_drawn(
            options.out,
            {"stems": count, "results": found},
            command=command_line("benchmarks.vocoder", argv),
            seconds=time.perf_counter() - begun,
            as_json=options.json,
            table=table(found),
        )
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
