"""Taking an instrument out of a finished recording, by what the user has.

- *percussive*: harmonic-percussive separation by medians (Fitzgerald 2010). Needs nothing, knows
  drums alone, and leaves a trace of them.
- weights of Demucs in a folder of the user's own, through the package demucs-infer or demucs.
- the stem itself, as a file or in a folder of stems (`audio.given_stem`).

Whatever finds the stem, context and stem add up to the recording (see `exact`).

What *percussive* does to 10 s of songs that were played with TimGM6mb, in dB, means; drums left and
music taken are energies against those of drums and music. The other row is how it is usually set
(46 ms, 340 Hz), and in brackets are the SI-SDR of doing nothing::

                                SI-SDR of stem   of context   drums left   music taken
    25 game songs                  2.2 (-2.3)     5.5 (2.4)      -9.6         -9.1
    as usual                      -1.6            2.8            -5.4         -8.7
    14 tunes, quieter drums       -2.1 (-9.2)     9.3 (9.1)     -11.0         -9.4
    as usual                      -3.7            8.9            -7.7         -9.6

A stroke's tones are narrow, above all a kick's: long windows tell them from lines that are held,
and a short median over frequency keeps them. Margins trade the one error for the other. A bass is
not to be had this way: what is below 400 Hz and held leaves -5.7 dB of it, and the context at
1.8 dB SI-SDR, where doing nothing has 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from audio.given_stem import GivenStem
from subtractive.errors import FileFormatError, InstrumentError, OptionError
from subtractive.instruments import instrument as known_instrument
from subtractive.waveform import Recording, Samples

PERCUSSIVE = "percussive"
PIECE = 2**21  # samples that are worked on at once, 48 s at 44.1 kHz
MARGIN = 2**16  # samples on both sides in which pieces are blended

WINDOW_SECONDS = 0.093
HARMONIC_SECONDS = 0.36  # what sounds longer than half of it is no stroke
PERCUSSIVE_HZ = 70.0  # what is broader than half of it is no tone

DEMUCS_PACKAGES = ("demucs_infer", "demucs")  # the first is kept up with PyTorch


class Separated(NamedTuple):
    """A recording without an instrument, and what was taken out of it."""

    context: Recording
    stem: Recording


class Separator(Protocol):
    """A way to find an instrument in a recording."""

    def stem(self, recording: Recording, instrument: str) -> Samples:
        """Return what the instrument plays [shape=(channel, sample)].

        Raises
        ------
        MusicError
            If the instrument cannot be found this way.
        """


def separate(
    recording: Recording, instrument: str, how: str | Path = PERCUSSIVE, device: str = "cpu"
) -> Separated:
    """Take an instrument out of a recording.

    Parameters
    ----------
    recording : Recording
    instrument : str
        One of `subtractive.instruments.INSTRUMENTS`.
    how : str or Path
        See `separator`.
    device : str
        Of PyTorch, for Demucs.

    Returns
    -------
    Separated
        Context and stem, of the recording's own rate, channels and length.

    Raises
    ------
    MusicError
        If the instrument cannot be taken out this way.
    """
    known_instrument(instrument)
    return exact(recording, separator(how, device).stem(recording, instrument))


def exact(recording: Recording, stem: Samples) -> Separated:
    """Return context and stem whose sum in float32 is the recording.

    Taking the rounded context from the recording once more gives the stem its last bits. That is
    exact for all that was recorded in up to 24 bits, and where context and stem lie between the
    recording and its negative. No two numbers of float32 add up to one that has bits below the last
    of both; there, in floating point alone, the sum is off by 2**-24 of the stem.
    """
    context = recording.samples - stem
    return Separated(
        Recording(context, recording.sample_rate),
        Recording(recording.samples - context, recording.sample_rate),
    )


def separator(how: str | Path, device: str = "cpu") -> Separator:
    """Return the way to separate that is meant.

    Parameters
    ----------
    how : str or Path
        "percussive"; a folder with weights of Demucs, or one of its .yaml or .th files; a sound
        file that is the stem; or a folder with stems such as drums.wav.
    device : str

    Raises
    ------
    OptionError
        If it is none of them.
    """
    if how == PERCUSSIVE:
        return Percussive()
    path = Path(how)
    if not path.exists():
        raise OptionError(
            f"no way to take an instrument out is called {str(how)!r}: write {PERCUSSIVE}, or name "
            "a folder of Demucs weights, the stem itself, or a folder of stems"
        )
    if path.suffix in (".th", ".yaml") or (path.is_dir() and any(path.glob("*.th"))):
        return Demucs(path, device)
    return GivenStem(path)


def in_pieces(samples: Samples, stem_of: Callable[[Samples], Samples]) -> Samples:
    """Return what a function finds in sound, worked out a piece at a time, blended at the seams."""
    total = samples.shape[1]
    found = np.zeros_like(samples)
    ramp = (np.arange(2 * MARGIN, dtype=np.float32) + 0.5) / (2 * MARGIN)
    for start in range(0, total, PIECE):
        low, high = max(0, start - MARGIN), min(total, start + PIECE + MARGIN)
        weight = np.ones(high - low, np.float32)
        if low:
            weight[: 2 * MARGIN] = ramp[: high - low]
        if start + PIECE < total:
            weight[PIECE - MARGIN + start - low :] *= 1 - ramp[: high - start - PIECE + MARGIN]
        found[:, low:high] += weight * stem_of(samples[:, low:high])
    return found


class Percussive:
    """Drums by the shape of their sound: broad in frequency and short in time."""

    def stem(self, recording: Recording, instrument: str) -> Samples:
        """Return the percussive part; see `Separator`."""
        if instrument != "drums":
            raise InstrumentError(
                f"percussive separation takes out drums alone, not a {instrument}: give the "
                f"weights of Demucs (--demucs-model), or the {instrument}'s own stem (--stems)"
            )
        rate = recording.sample_rate
        return in_pieces(recording.samples, lambda samples: _percussive(samples, rate))


def _percussive(samples: Samples, sample_rate: int) -> Samples:
    """Return the percussive part of sound, one mask for all channels."""
    size = 2 ** max(6, round(np.log2(WINDOW_SECONDS * sample_rate)))
    hop = size // 4
    window = torch.hann_window(size)
    spectrum = torch.stft(
        torch.tensor(samples), size, hop, window=window, pad_mode="constant",
        return_complex=True,
    )  # fmt: skip
    magnitude = spectrum.abs().square().mean(0).sqrt().numpy()
    tones = _medians(magnitude, _odd(HARMONIC_SECONDS * sample_rate / hop))
    strokes = _medians(magnitude.T, _odd(PERCUSSIVE_HZ * size / sample_rate)).T
    mask = strokes**2 / (strokes**2 + tones**2 + np.finfo(np.float32).tiny)
    found = torch.istft(
        spectrum * torch.from_numpy(mask), size, hop, window=window, length=samples.shape[1]
    )
    return np.asarray(found.numpy())


def _odd(length: float) -> int:
    """Return the odd number at or above a length, at least 3."""
    return max(3, round(length) | 1)


def _medians(rows: Samples, length: int) -> Samples:
    """Return the running medians of each row, mirrored at its ends.

    All rows one after the other: a filter of one dimension is ten times as fast as one of two.
    """
    from scipy.ndimage import median_filter  # noqa: PLC0415  # half a second

    half = length // 2
    joined = np.pad(rows, ((0, 0), (half, half)), mode="symmetric")
    filtered = median_filter(joined.ravel(), size=length).reshape(joined.shape)
    return np.asarray(filtered[:, half : half + rows.shape[1]])


class Demucs:
    """A model of Demucs, from weights on this machine.

    Parameters
    ----------
    weights : Path
        A folder with .th files and maybe the .yaml of a bag of them, or one of these files.
    device : str

    Raises
    ------
    OptionError
        If no package for Demucs is installed, or several models lie in the folder.
    FileFormatError
        If the weights cannot be read.
    """

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        package = _demucs_package()
        self._folder, self._name = _model_name(weights)
        self._apply: Callable[..., torch.Tensor] = import_module(f"{package}.apply").apply_model
        self._device = device
        try:
            # without a folder it would ask the network
            get_model = import_module(f"{package}.pretrained").get_model
            self._model: Any = get_model(self._name, repo=self._folder)
        except (Exception, SystemExit) as error:
            raise FileFormatError(
                f"{self._folder} holds no Demucs weights {self._name} that {package} can read "
                f"({error}): fetch them again"
            ) from error
        self._model.eval()

    def stem(self, recording: Recording, instrument: str) -> Samples:
        """Return what the model hears of the instrument; see `Separator`."""
        sources = list(self._model.sources)
        if instrument not in sources:
            raise InstrumentError(
                f"the Demucs model {self._name} takes out {', '.join(sources)}, not "
                f"{instrument}: give the weights of another, or the {instrument}'s own stem "
                "(--stems)"
            )
        place = sources.index(instrument)
        heard = recording.resampled(self._model.samplerate).samples
        # a model hears two channels; others come to it one by one
        groups = [heard] if len(heard) == 2 else [each[np.newaxis] for each in heard]
        found = np.concatenate(
            [in_pieces(group, lambda samples: self._found(samples, place)) for group in groups]
        )
        back = Recording(found, self._model.samplerate).resampled(recording.sample_rate).samples
        stem = np.zeros_like(recording.samples)
        length = min(back.shape[1], stem.shape[1])
        stem[:, :length] = back[:, :length]
        return stem

    def _found(self, samples: Samples, place: int) -> Samples:
        """Return one source of some seconds, as loud as it is there."""
        pair = torch.tensor(np.broadcast_to(samples, (2, samples.shape[1])))
        mean, deviation = pair.mean(), pair.std() + 1e-8
        with torch.no_grad():
            # without random shifts the same sound gives the same stem
            every = self._apply(
                self._model, ((pair - mean) / deviation)[None], shifts=0, device=self._device
            )
        found = every[0, place].cpu() * deviation
        return np.asarray((found if len(samples) == 2 else found.mean(0, keepdim=True)).numpy())


def _demucs_package() -> str:
    """Return the name of the package that runs Demucs."""
    for package in DEMUCS_PACKAGES:
        try:
            import_module(f"{package}.apply")
        except ImportError:
            continue
        return package
    raise OptionError(
        "Demucs runs by a package that is not installed: pip install demucs-infer, or separate "
        f"percussively (--separator {PERCUSSIVE})"
    )


def _model_name(weights: Path) -> tuple[Path, str]:
    """Return the folder of a model, and what it is called there."""
    if weights.is_file():
        return weights.parent, weights.stem.partition("-")[0]
    bags = sorted(path.stem for path in weights.glob("*.yaml"))
    names = bags or sorted(path.stem.partition("-")[0] for path in weights.glob("*.th"))
    if len(names) != 1:
        files = ", ".join(sorted(path.name for path in weights.glob("*.yaml" if bags else "*.th")))
        raise OptionError(f"{weights} holds several models: name one of its files, {files}")
    return weights, names[0]
