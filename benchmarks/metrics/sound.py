"""The question: does a finished recording add the right thing, in time, and keep what was given.

A clip is three sounds: the *context* that was given, the *target* (the true full mix) and the
*output* (the full mix that a system made).

Conventions
-----------
- Sound is float, [shape=(channel, sample)], at 44,100 Hz (`sound_spectrum.RATE`). All metrics but
  SI-SDR are taken from mel spectrograms: 128 bands up to 16 kHz, windows of 46 ms every 10 ms, the
  mean of the channels' powers. They know no phase, since many systems keep none.
- A volume knob is no difference. Before it is compared with the target, an output's spectrogram is
  brought to the same total power. Before it is compared with the context, it is brought to the
  context's level: the level between two spectrograms is the median difference in dB over the cells
  of the context within 40 dB of its loudest. Most of these sound on unchanged in a full mix, so an
  added part does not move the median.
- What was *added* is the power of the output that is above twice (3 dB) the power of the context
  at its level, the largest within 10 ms. On rendered songs the onsets found in it agree with the
  notes of the drums that were added to F 0.97, phase kept or lost.

Metrics
-------
- `log_mel_db`: mean absolute difference to the target in dB, over all cells; both are cut off 80 dB
  below the target's loudest cell.
- `onset_f1`: onsets of what was added against those of what the target adds, within 50 ms.
- `mix_onset_f1`: the same of the whole mixes; the context's own onsets count.
- `context_beat_f1`: beats tracked in what was added against beats tracked in the context, within
  70 ms. Where no beat is found it is 0.
- `grid_beat_f1`: the same against beats that are known; nan where they aren't.
- `si_sdr_db`: scale-invariant signal-to-distortion ratio of the context in the output. It asks for
  the waveform, so a system that keeps no phase fails it. What was added counts as distortion too:
  the true mix's value is the mark, not infinity.
- `context_loss_db`: mean of max(0, context - output) in dB at the context's level, over the cells
  of the context within 40 dB of its loudest. What was added costs nothing, what was taken does.
- `edit_db`: energy of the difference of the magnitudes of output and context, by the context's.
- `no_edit`: 1 if `edit_db` is below -15 dB. Drums added to 40 rendered songs read as -13 dB and up,
  32 copies whose phase was found again by 32 iterations of Griffin-Lim as -15.3 dB and below, exact
  copies as -60 dB. A part much quieter than that can't be told from a copy.
- `real_time_factor`: seconds that making the output took by seconds of sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.metrics import sound_beats, sound_spectrum
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.sound_beats import BEAT_WINDOW, ONSET_WINDOW, beats, f_measure, onsets
from benchmarks.metrics.sound_spectrum import Array, decibels

FLOOR_DB = 80.0
AUDIBLE_DB = 40.0
ADDED_RATIO = 2.0
NO_EDIT_DB = -15.0
LIMIT_DB = 60.0  # ratios beyond it are as good as infinite

MEASURES = (
    Measure("onset_f1", "withheld", "higher", 0.0),
    Measure("mix_onset_f1", "withheld", "higher", 0.0),
    Measure("log_mel_db", "withheld", "lower", FLOOR_DB),
    Measure("context_beat_f1", "context", "higher", 0.0),
    Measure("grid_beat_f1", "context", "higher", 0.0),
    Measure("si_sdr_db", "context", "higher", -LIMIT_DB),
    Measure("context_loss_db", "context", "lower", FLOOR_DB),
    Measure("edit_db", "context", "nearer", 2 * LIMIT_DB),
    Measure("no_edit", "context", "lower", 1.0),
)


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording and what is heard in it, computed once for all that it is compared with.

    Attributes
    ----------
    samples : array [shape=(channel, sample)]
        At 44,100 Hz.
    """

    samples: npt.NDArray[np.floating]

    def __post_init__(self) -> None:
        sound_spectrum.validate(self.samples)

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(self.samples.shape[1] / sound_spectrum.RATE)

    @cached_property
    def power(self) -> Array:
        """Its mel spectrogram [shape=(frame, mel)]."""
        return sound_spectrum.mel_power(self.samples)

    @cached_property
    def strength(self) -> Array:
        """Its onset strength [shape=(frame,)]."""
        return sound_beats.onset_strength(self.power)

    @cached_property
    def beats(self) -> Array:
        """Its beats, in seconds."""
        return beats(self.strength)

    def fitted(self, length: int) -> Sound:
        """Return it cut to `length` samples, or with silence up to there."""
        short = max(0, length - self.samples.shape[1])
        if self.samples.shape[1] == length:
            return self
        return Sound(np.pad(self.samples[:, :length], ((0, 0), (0, short))))


def validate(output: Sound, target: Sound, context: Sound) -> None:
    """Check that the sounds of a clip are of one length.

    Raises
    ------
    ValueError
        If they aren't: bring them to one length with `Sound.fitted` first.
    """
    lengths = {sound.samples.shape[1] for sound in (output, target, context)}
    if len(lengths) > 1:
        raise ValueError(f"the sounds of a clip have one length, not {sorted(lengths)} samples")


def level_db(power: Array, reference: Array) -> float:
    """Return how much louder one mel spectrogram is than another: see the conventions above.

    Parameters
    ----------
    power, reference : arrays [shape=(frame, mel)]

    Returns
    -------
    float
        In dB, within 60 dB to each side; 0 if either is silent.
    """
    loudest = float(reference.max(initial=0))
    if loudest <= 0 or not power.any():
        return 0.0
    audible = reference > loudest * 10 ** (-AUDIBLE_DB / 10)
    ratio = 10 * np.log10(np.maximum(power[audible] / reference[audible], 1e-12))
    return float(np.clip(np.median(ratio), -LIMIT_DB, LIMIT_DB))


def at_level_of(power: Array, reference: Array) -> Array:
    """Return a mel spectrogram brought to the level of another."""
    return np.asarray(power * 10 ** (-level_db(power, reference) / 10))


def log_mel_db(output: Sound, target: Sound) -> float:
    """Return the mean absolute difference in dB over all cells, 0 to 80."""
    return distance_db(output.power, target.power)


def distance_db(output: Array, target: Array) -> float:
    """Return `log_mel_db` of two mel spectrograms [shape=(frame, mel)]."""
    loudest, total = float(target.max(initial=0)), float(output.sum())
    if loudest <= 0:
        return 0.0 if not output.any() else FLOOR_DB
    gain = float(target.sum()) / total if total else 0.0
    there, true = (decibels(power, loudest, FLOOR_DB) for power in (output * gain, target))
    return float(np.minimum(np.abs(there - true), FLOOR_DB).mean())


def added(output: Sound, context: Sound) -> Array:
    """Return the mel power of what the output adds to the context [shape=(frame, mel)]."""
    given = np.pad(context.power, ((1, 1), (0, 0)))
    given = np.maximum(np.maximum(given[:-2], given[1:-1]), given[2:])
    there = at_level_of(output.power, context.power)
    return np.maximum(there - ADDED_RATIO * given, 0)


def si_sdr_db(context: Sound, output: Sound) -> float:
    """Return the scale-invariant signal-to-distortion ratio of the context in the output.

    With s the context, x the output and a = <x, s> / <s, s>: 10 log10(|a s|^2 / |a s - x|^2), after
    Le Roux, Wisdom, Erdogan & Hershey, "SDR: half-baked or well done?" (2019). No mean is taken
    off. The channels of a sound are one long signal; sounds of different numbers of channels are
    mixed to one channel.

    Returns
    -------
    float
        In dB; infinite for a copy, and minus infinite if one has nothing of the other.
    """
    given, there = context.samples.astype(np.float64), output.samples.astype(np.float64)
    if len(given) != len(there):
        given, there = given.mean(axis=0), there.mean(axis=0)
    given, there = given.ravel(), there.ravel()
    energy = float(given @ given)
    if energy == 0:
        return -np.inf
    kept = (float(there @ given) / energy) * given
    distortion = kept - there
    signal, noise = float(kept @ kept), float(distortion @ distortion)
    if signal == 0:
        return -np.inf
    return 10 * float(np.log10(signal / noise)) if noise else np.inf


def context_loss_db(output: Sound, context: Sound) -> float:
    """Return by how many dB what is audible in the context has got quieter, 0 to 80."""
    loudest = float(context.power.max(initial=0))
    if loudest <= 0:
        return 0.0
    audible = context.power > loudest * 10 ** (-AUDIBLE_DB / 10)
    there = decibels(at_level_of(output.power, context.power), loudest, FLOOR_DB)
    lost = np.maximum(decibels(context.power, loudest, FLOOR_DB) - there, 0)
    return float(lost[audible].mean())


def edit_db(output: Sound, context: Sound) -> float:
    """Return the energy of the difference of magnitudes by the context's, within 60 dB of 0."""
    given = context.power
    there = at_level_of(output.power, given)
    energy, change = given.sum(), ((np.sqrt(there) - np.sqrt(given)) ** 2).sum()
    if change == 0:
        return -LIMIT_DB
    if energy == 0:
        return LIMIT_DB
    return float(np.clip(10 * np.log10(change / energy), -LIMIT_DB, LIMIT_DB))


def real_time_factor(seconds: float, sound: Sound) -> float:
    """Return seconds of work by seconds of sound: below 1 is faster than listening."""
    return seconds / sound.seconds


def evaluate(
    output: Sound, target: Sound, context: Sound, grid: Array | None = None
) -> dict[str, float]:
    """Return all metrics of one output.

    Parameters
    ----------
    output, target, context : Sound
        Of one length.
    grid : array, optional
        The true beats in seconds, ascending.

    Returns
    -------
    dict of str to float
        By the names in `MEASURES`. nan where the question makes no sense for the clip: the target
        adds no onset, or the beats aren't known.
    """
    validate(output, target, context)
    new, wanted = (sound_beats.onset_strength(added(one, context)) for one in (output, target))
    tracked, truth, whole = beats(new), onsets(wanted), onsets(target.strength)
    change = edit_db(output, context)
    ratio = float(np.clip(si_sdr_db(context, output), -LIMIT_DB, LIMIT_DB))
    nothing = float("nan")
    return {
        "onset_f1": f_measure(truth, onsets(new), ONSET_WINDOW) if len(truth) else nothing,
        "mix_onset_f1": f_measure(whole, onsets(output.strength), ONSET_WINDOW)
        if len(whole)
        else nothing,
        "log_mel_db": log_mel_db(output, target),
        "context_beat_f1": f_measure(context.beats, tracked, BEAT_WINDOW),
        "grid_beat_f1": nothing if grid is None else f_measure(grid, tracked, BEAT_WINDOW),
        "si_sdr_db": ratio,
        "context_loss_db": context_loss_db(output, context),
        "edit_db": change,
        "no_edit": float(change < NO_EDIT_DB),
    }


def failed() -> Mapping[str, float]:
    """Return the scores of an output that isn't there: the worst of each metric."""
    return {measure.name: measure.worst for measure in MEASURES}
