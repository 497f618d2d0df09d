"""The question: is a stem what a rendered song lacks, its true notes and beats being known.

Conventions
-----------
Sound, spectrograms and onsets are those of `benchmarks.metrics.sound`. Beats are those of
`sound_percussive.steady_beats`: on true stems of 24 windows of MMA's held-out styles and 23 of
Freedoom's held-out tunes they agree with the grid to F 0.89 and 0.65 for drums (0.80 and 0.58 with
`sound_beats.beats`). What is known of the truth is taken from the notes; what a stem plays is heard
in it, for nobody knows the notes of a generated stem: so the true stem itself does not reach 1. A
volume knob changes `level_db` and `no_edit` alone.

Metrics
-------
- `beat_f1`: beats tracked in the stem against the song's true beats, within 70 ms.
- `onset_f1`: onsets heard in the stem against those of the true notes, within 50 ms.
- `low_f1`, `middle_f1`, `high_f1`: onsets heard below 150 Hz (of drums: the kick), up to 2.5 kHz
  (snare and toms) and above 5 kHz (hats and cymbals), against those heard there in the true stem.
- `log_mel_db`: mean absolute difference of the stem's spectrogram to the true stem's in dB, at
  equal loudness.
- `style`: 1 if the stem is heard as the style family that the song is in (see `StyleEar`).
- `level_db`: the stem's level beside the context's.
- `no_edit`: 1 if the stem is more than 40 dB below the context, where nobody would hear it.
"""

from __future__ import annotations

import numpy as np

from audio.beats import BeatGrid
from benchmarks.audio.pieces import Rendered, Samples
from benchmarks.audio.style_ear import StyleEar, heard_in
from benchmarks.bootstrap import Array
from benchmarks.metrics import sound_beats
from benchmarks.metrics.measure import Measure
from benchmarks.metrics.sound import FLOOR_DB, LIMIT_DB, Sound, log_mel_db
from benchmarks.metrics.sound_beats import BEAT_WINDOW, ONSET_WINDOW, f_measure
from benchmarks.metrics.sound_percussive import steady_beats
from benchmarks.metrics.sound_spectrum import HIGHEST_HZ, MELS
from subtractive.mel_scale import centres

BANDS = {"low": (0.0, 150.0), "middle": (150.0, 2500.0), "high": (5000.0, HIGHEST_HZ)}  # Hz
_CENTRES = centres(MELS, HIGHEST_HZ)
INAUDIBLE_DB = -40.0  # beside the context; of 20 true stems of drums the softest is at -25 dB
QUIET_DB = 50.0  # below the loudest moment of a stem: what is quieter in a band is no stroke

MEASURES = (
    Measure("beat_f1", "context", "higher", 0.0),
    Measure("onset_f1", "withheld", "higher", 0.0),
    *(Measure(f"{band}_f1", "withheld", "higher", 0.0) for band in BANDS),
    Measure("log_mel_db", "withheld", "lower", FLOOR_DB),
    Measure("style", "context", "higher", 0.0),
    Measure("level_db", "context", "nearer", 2 * LIMIT_DB),
    Measure("no_edit", "context", "lower", 1.0),
)


def band_onsets(power: Array, band: str) -> Array:
    """Return the onsets in one band of a mel spectrogram, in seconds.

    Parameters
    ----------
    power : array [shape=(frame, mel)]
    band : str
        One of `BANDS`.
    """
    low, high = BANDS[band]
    inside = power[:, (low <= _CENTRES) & (high > _CENTRES)]
    quiet = float(power.sum(axis=1).max(initial=0)) * 10 ** (-QUIET_DB / 10)
    return sound_beats.onsets(sound_beats.onset_strength(inside + quiet / max(inside.shape[1], 1)))


def onset_rate(power: Array, seconds: float) -> float:
    """Return how many onsets are heard a second."""
    return len(sound_beats.onsets(sound_beats.onset_strength(power))) / seconds


def level_beside(stem: Samples, context: Samples) -> float:
    """Return a stem's level beside its context's in dB, within 60 dB to each side."""
    own, other = (float((each.astype(np.float64) ** 2).mean()) for each in (stem, context))
    if own == 0 or other == 0:
        return -LIMIT_DB if own == 0 else LIMIT_DB
    return float(np.clip(10 * np.log10(own / other), -LIMIT_DB, LIMIT_DB))


class Judge:
    """Scores stems of one window.

    Parameters
    ----------
    truth : Rendered
    ear : StyleEar or None
        Without it no stem has a `style`.
    """

    def __init__(self, truth: Rendered, ear: StyleEar | None = None) -> None:
        self.truth = truth
        self.ear = ear
        self._true = Sound(truth.stem)
        self._bands = {band: band_onsets(self._true.power, band) for band in BANDS}

    def scores(self, stem: Samples) -> dict[str, float]:
        """Return all metrics of one stem [shape=(2, sample)], by the names in `MEASURES`.

        nan where the question makes no sense for the window: nothing is struck in a band, or its
        style is unknown.
        """
        own = Sound(stem)
        found = {
            "beat_f1": f_measure(self.truth.beats, steady_beats(own.strength), BEAT_WINDOW),
            "onset_f1": f_measure(
                self.truth.onsets, sound_beats.onsets(own.strength), ONSET_WINDOW
            ),
        }
        for band, true in self._bands.items():
            heard = band_onsets(own.power, band)
            found[f"{band}_f1"] = f_measure(true, heard, ONSET_WINDOW) if len(true) else np.nan
        found["log_mel_db"] = log_mel_db(own, self._true)
        found["style"] = self._style(own, self.truth.grid)
        found["level_db"] = level_beside(stem, self.truth.context)
        found["no_edit"] = float(found["level_db"] < INAUDIBLE_DB)
        return found

    def _style(self, stem: Sound, grid: BeatGrid) -> float:
        family = self.truth.piece.family
        if self.ear is None or family not in self.ear.families:
            return np.nan
        return float(self.ear.family(heard_in(stem.power, grid)) == family)


def failed() -> dict[str, float]:
    """Return the scores of a stem that isn't there: the worst of each metric."""
    worst = {measure.name: measure.worst for measure in MEASURES}
    return worst | {"level_db": -LIMIT_DB}
