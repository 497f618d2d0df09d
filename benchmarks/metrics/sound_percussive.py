"""The question: does a finished mix beat like the song it stands for, whatever else sounds in it.

Nothing is asked for but whole mixes: what a system was given, what it returned and what the song is
truly like. So one procedure serves systems that return a stem and systems that sing the song anew.

Conventions
-----------
- The *percussive part* of a mix is found by harmonic-percussive separation (Fitzgerald 2010, as
  librosa has it: windows of 2048 samples, medians over 31 frames and 31 bins, soft masks). Its mel
  spectrogram reaches up to 10 kHz, as far as systems do that work on spectrogram pictures.
- Onsets are those of `sound_beats` that rise `ABOVE_MEAN` above the mean around them.
- Beats are one steady tempo and phase, those under which the onset strength is largest: clips are
  seconds long, and the beats that they are compared with are steady too. The choice between a
  tempo and its half or double is drawn towards 120 beats a minute.

How high onsets must rise was chosen on 25 rendered windows of 5 s with known drums: from 2 to 6 dB
the onsets of the mix's percussive part agree with the drums' notes to F 0.85 to 0.86, those of the
mix *without* drums fall from 0.68 to 0.54, so 6 dB hears drums best. With the steady tempo the
true mixes of the eight clips in `benchmarks.audio.paper_clips` reach a beat F of 0.87, their
backgrounds 0.32 (with `sound_beats.beats`, which may change its tempo, 0.70 and 0.39). No setting
was chosen on the outputs of any system.

Metrics
-------
- `beat_f1`: beats of the percussive part against the song's true beats, within 70 ms.
- `onset_f1`: its onsets against those of the target's percussive part, within 50 ms.
- `rhythm_f1`: the mean of both.
- `log_mel_db`: mean absolute difference of the percussive parts' spectrograms in dB, over all
  cells; both are brought to the target's power and cut off 80 dB below its loudest cell.
- `struck_db`: by how much the percussive part is louder than the context's, both at the context's
  level, in the 50 ms after those of the target's onsets at which the target itself is 3 dB louder
  (the others are the context's own); the mean over onsets.
- `no_edit`: 1 if `struck_db` is below 3 dB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.metrics import sound_beats
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.sound import FLOOR_DB, LIMIT_DB, distance_db, level_db
from benchmarks.metrics.sound_beats import BEAT_WINDOW, ONSET_WINDOW, f_measure
from benchmarks.metrics.sound_spectrum import (
    FFT,
    FRAMES_PER_SECOND,
    HOP,
    Array,
    mel_power,
    validate,
)

KERNEL = 31  # frames and bins that the medians of the separation are taken over
HIGHEST_HZ = 10_000.0
ABOVE_MEAN = 6.0  # dB
NO_EDIT_DB = 3.0
AFTER_ONSET = 5  # frames
QUIETEST_DB = 60.0  # below the target's loudest frame: quieter strokes are as good as none

SLOWEST, FASTEST = 50.0, 220.0  # beats a minute
BEST_TEMPO, OCTAVES = 120.0, 1.0
TEMPO_STEP = 0.004  # of the tempo's logarithm
PHASE_STEP = 1.0  # frames
BLUR = 1.5  # frames: how exactly a stroke must be on the beat

MEASURES = (
    Measure("beat_f1", "context", "higher", 0.0),
    Measure("onset_f1", "withheld", "higher", 0.0),
    Measure("rhythm_f1", "withheld", "higher", 0.0),
    Measure("log_mel_db", "withheld", "lower", FLOOR_DB),
    Measure("struck_db", "context", "nearer", 2 * LIMIT_DB),
    Measure("no_edit", "context", "lower", 1.0),
)


@dataclass(frozen=True, eq=False)
class Percussion:
    """A whole mix and what is struck in it, computed once for all that it is compared with.

    Attributes
    ----------
    samples : array [shape=(channel, sample)]
        At 44,100 Hz.
    """

    samples: npt.NDArray[np.floating]

    def __post_init__(self) -> None:
        validate(self.samples)

    @cached_property
    def whole(self) -> Array:
        """Mel spectrogram of the mix [shape=(frame, mel)]."""
        return mel_power(self.samples, HIGHEST_HZ)

    @cached_property
    def power(self) -> Array:
        """Mel spectrogram of the percussive part [shape=(frame, mel)]."""
        return mel_power(percussive(self.samples), HIGHEST_HZ)

    @cached_property
    def strength(self) -> Array:
        """Onset strength of the percussive part [shape=(frame,)]."""
        return sound_beats.onset_strength(self.power)

    @cached_property
    def onsets(self) -> Array:
        """When something is struck, in seconds."""
        # `onsets` takes what is 1 dB above the mean: in units of ABOVE_MEAN that is what is wanted
        return sound_beats.onsets(self.strength / ABOVE_MEAN * sound_beats.ABOVE_MEAN)

    @cached_property
    def beats(self) -> Array:
        """Its beats, in seconds."""
        return steady_beats(self.strength)


def percussive(samples: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return the percussive part of a sound at `RATE`, mixed to one channel.

    Parameters
    ----------
    samples : array [shape=(channel, sample)]

    Returns
    -------
    array [shape=(1, sample)]
    """
    # seconds to import, and the other metrics of sound do without it
    from librosa.effects import percussive as of  # noqa: PLC0415

    mono = np.asarray(samples.mean(axis=0), np.float32)
    return np.asarray(of(mono, kernel_size=KERNEL, n_fft=FFT, hop_length=HOP))[None]


def steady_beats(strength: Array) -> Array:
    """Return the beats of the one steady tempo that fits an onset strength best.

    Of all tempos and phases that is taken for which sqrt(n) (mean of the strength on the n beats -
    mean of it everywhere) is largest, times a bell over log2(tempo).

    Parameters
    ----------
    strength : array [shape=(frame,)]

    Returns
    -------
    array
        In seconds, ascending; empty if nothing is struck.
    """
    count = len(strength)
    if count < 2 or strength.std() <= 0:
        return np.zeros(0)
    reach = np.arange(-4, 5)
    bell = np.exp(-0.5 * (reach / BLUR) ** 2)
    heard = np.convolve(strength, bell / bell.sum(), mode="same")
    heard = heard - heard.mean()
    best, beats = -np.inf, np.zeros(0)
    for tempo in np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), TEMPO_STEP)):
        period = 60 * FRAMES_PER_SECOND / tempo
        first = np.arange(0, min(period, count - 1), PHASE_STEP)
        places = first[:, None] + period * np.arange(int((count - 1) // period) + 1)
        inside = places <= count - 1
        found = np.interp(places, np.arange(count), heard) * inside
        fit = found.sum(axis=1) / np.sqrt(inside.sum(axis=1))
        fit *= np.exp(-0.5 * (np.log2(tempo / BEST_TEMPO) / OCTAVES) ** 2)
        place = int(fit.argmax())
        if fit[place] > best:
            best, beats = float(fit[place]), places[place][inside[place]]
    return beats / FRAMES_PER_SECOND


def struck_db(output: Percussion, target: Percussion, context: Percussion) -> float:
    """Return how much louder the output strikes than the context where the target adds a stroke.

    Returns
    -------
    float
        In dB, within 60 dB to each side; nan if the target strikes nowhere.
    """
    starts = np.rint(target.onsets * FRAMES_PER_SECOND).astype(np.int64)
    if len(starts) == 0:
        return float("nan")
    quietest = float(target.power.sum(axis=1).max()) * 10 ** (-QUIETEST_DB / 10)

    def louder(mix: Percussion) -> Array:
        ratios = []
        for start in starts.tolist():
            given, there = (
                part.power[start : start + AFTER_ONSET].sum() * level + quietest
                for part, level in ((context, 1.0), (mix, _gain(mix, context)))
            )
            ratios.append(10 * np.log10(there / given))
        return np.array(ratios)

    added = louder(target) >= NO_EDIT_DB
    found = louder(output)
    return float(np.clip(found[added if added.any() else ...].mean(), -LIMIT_DB, LIMIT_DB))


def _gain(mix: Percussion, context: Percussion) -> float:
    """Return what brings a mix to the context's level."""
    return float(10 ** (-level_db(mix.whole, context.whole) / 10))


def evaluate(
    output: Percussion, target: Percussion, context: Percussion, beats: Array
) -> dict[str, float]:
    """Return all metrics of one output.

    Parameters
    ----------
    output, target, context : Percussion
        Whole mixes of one length; the context is what was given.
    beats : array
        The song's true beats in seconds, ascending.

    Returns
    -------
    dict of str to float
        By the names in `MEASURES`.

    Raises
    ------
    ValueError
        If the sounds are not of one length.
    """
    lengths = {mix.samples.shape[1] for mix in (output, target, context)}
    if len(lengths) > 1:
        raise ValueError(f"the mixes of a clip have one length, not {sorted(lengths)} samples")
    beat = f_measure(beats, output.beats, BEAT_WINDOW)
    onset = f_measure(target.onsets, output.onsets, ONSET_WINDOW)
    louder = struck_db(output, target, context)
    return {
        "beat_f1": beat,
        "onset_f1": onset,
        "rhythm_f1": (beat + onset) / 2,
        "log_mel_db": distance_db(output.power, target.power),
        "struck_db": louder,
        "no_edit": float(louder < NO_EDIT_DB),
    }
