"""Recordings as 200 numbers for each 3 s: the musicnn of Pons & Serra (2019), without TensorFlow.

The weights `MTT_musicnn` (trained to tag MagnaTagATune) are read from the user's installed package
`musicnn` 0.1.0 (ISC licence):

    pip install --no-deps musicnn

It is found but never imported, for it wants an old numpy and TensorFlow. The network is its own
`models.py` in torch, the spectrogram its `extractor.py` in numpy, but for one step: the original
rounds the mel powers to 16 bits, which overflows on loud sound.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchmarks.metrics.sound_spectrum import stft, validate
from benchmarks.metrics.tensor_bundle import read_bundle
from subtractive.errors import OptionError
from subtractive.mel_scale import mel_filters

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float32]

RATE = 16_000  # Hz
FFT, HOP, MELS = 512, 256, 96
FRAMES = 187  # of a window, 3 s
STEP = 62  # frames from window to window, 1 s
DIMENSIONS = 200
NORM_EPSILON = 1e-3
_BATCH = 16
_HOW = "install it with: pip install --no-deps musicnn"


def package_folder() -> Path:
    """Return the folder of the installed package, which is not imported.

    Raises
    ------
    OptionError
        If it isn't installed.
    """
    spec = find_spec("musicnn")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / "MTT_musicnn" / ".index").is_file():
            return Path(folder)
    raise OptionError(f"the package musicnn, which has the weights, is not installed: {_HOW}")


def tag_names(folder: Path) -> list[str]:
    """Return the 50 tags that the network was trained to tell, read from the package's source.

    Raises
    ------
    OptionError
        If they aren't there.
    """
    source = ast.parse((folder / "configuration.py").read_text(encoding="utf-8"))
    for node in source.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MTT_LABELS":
            return [str(name) for name in ast.literal_eval(node.value)]
    raise OptionError(f"{folder} has no list of tags: {_HOW}")


def log_mel(samples: Floats) -> Floats:
    """Return the spectrogram that the network listens to.

    log10(1 + 10000 m), with m the power in 96 mel bands of a Hann window of 512 samples, every 256,
    the edges mirrored. In 32 bits throughout.

    Parameters
    ----------
    samples : array [shape=(channel, sample)]
        At 16 kHz; mixed to one channel here.

    Returns
    -------
    array of float32 [shape=(frame, 96)]
    """
    validate(samples)
    mono = samples.mean(axis=0, dtype=np.float32)
    if len(mono) <= FFT // 2:
        mono = np.pad(mono, (0, FFT // 2 + 1 - len(mono)))
    # `stft` puts silence around, which only reaches frames that are cut off again
    mirrored = np.pad(mono, (FFT, FFT), mode="reflect" if len(mono) > FFT else "symmetric")
    frames = stft(mirrored[None], FFT, HOP)[0, 2:-2]
    power = np.abs(frames[: 1 + len(mono) // HOP]) ** 2
    mel = power @ mel_filters(RATE, FFT, MELS, RATE / 2, same_area=True).T.astype(np.float32)
    return np.asarray(np.log10(10_000 * mel + 1), dtype=np.float32)


def windows(spectrogram: Floats) -> Floats:
    """Return the windows of 3 s, one each second; a shorter sound is repeated to fill one.

    Parameters
    ----------
    spectrogram : array [shape=(frame, 96)]

    Returns
    -------
    array [shape=(window, 187, 96)]
    """
    short = -(-FRAMES // len(spectrogram))
    whole = np.tile(spectrogram, (short, 1))[:FRAMES] if short > 1 else spectrogram
    view = np.lib.stride_tricks.sliding_window_view(whole, FRAMES, axis=0)[::STEP]
    return np.ascontiguousarray(view.transpose(0, 2, 1))


class Musicnn:
    """The network with its weights.

    Parameters
    ----------
    weights : mapping of str to array
        As the checkpoint names them; the optimizer's are ignored.
    tags : list of str
        What its outputs mean.
    """

    def __init__(self, weights: Mapping[str, npt.NDArray[np.generic]], tags: list[str]) -> None:
        import torch  # noqa: PLC0415  # seconds, and only these distances need it

        self.tags = tags
        self._weights = {
            name: torch.from_numpy(np.array(value, dtype=np.float32))
            for name, value in weights.items()
            if "Adam" not in name
        }

    def __call__(self, batch: Floats) -> tuple[Floats, Floats]:
        """Return what the network makes of some windows.

        Parameters
        ----------
        batch : array [shape=(window, 187, 96)]

        Returns
        -------
        embeddings : array [shape=(window, 200)]
            The layer before the last one.
        tags : array [shape=(window, 50)]
            How likely each tag is, 0 to 1.
        """
        import torch  # noqa: PLC0415  # see above

        with torch.inference_mode():
            embeddings, logits = self._forward(torch.from_numpy(batch))
        return embeddings.numpy(), torch.sigmoid(logits).numpy()

    def embed(self, samples: Floats) -> tuple[Floats, Floats]:
        """Return embeddings and tags of a sound at 16 kHz, a row for each second or so."""
        every = windows(log_mel(samples))
        parts = [self(every[start : start + _BATCH]) for start in range(0, len(every), _BATCH)]
        embeddings, tags = zip(*parts, strict=True)
        return np.concatenate(embeddings), np.concatenate(tags)

    def _forward(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        import torch  # noqa: PLC0415  # see above

        # names count up in the order in which models.py builds the layers
        heard = self._norm(batch[:, None], 0)
        front = [self._timbral(heard, number) for number in (0, 1)]
        front += [self._temporal(heard, number) for number in (2, 3, 4)]
        features = torch.cat(front, dim=1)  # (window, feature, frame)
        first = self._middle(features, 5)
        second = self._middle(first, 6) + first
        third = self._middle(second, 7) + second
        every = torch.cat([features, first, second, third], dim=1)
        # largest and mean side by side for each feature, as TensorFlow flattens them
        pooled = torch.stack([every.amax(dim=2), every.mean(dim=2)], dim=2).flatten(1)
        hidden = self._dense(self._norm(pooled, 9), "dense").relu()
        embeddings = self._norm(hidden, 10)
        return embeddings, self._dense(embeddings, "dense_1")

    def _timbral(self, heard: Tensor, number: int) -> Tensor:
        """Return filters that are 7 frames long and reach over many bands: timbre."""
        from torch.nn.functional import pad  # noqa: PLC0415  # see above

        return self._convolve(pad(heard, (0, 0, 3, 3)), number).amax(dim=3)

    def _temporal(self, heard: Tensor, number: int) -> Tensor:
        """Return filters that are long and one band wide: rhythm."""
        from torch.nn.functional import pad  # noqa: PLC0415  # see above

        length = self._weights[f"conv2d_{number}/kernel"].shape[0]
        before = (length - 1) // 2  # TensorFlow's "same" puts the odd frame behind
        return self._convolve(pad(heard, (0, 0, before, length - 1 - before)), number).amax(dim=3)

    def _middle(self, features: Tensor, number: int) -> Tensor:
        """Return filters over all features and 7 frames [shape=(window, feature, frame)]."""
        from torch.nn.functional import pad  # noqa: PLC0415  # see above

        image = pad(features, (3, 3)).transpose(1, 2)[:, None]
        return self._convolve(image, number)[:, :, :, 0]

    def _convolve(self, image: Tensor, number: int) -> Tensor:
        from torch.nn.functional import conv2d  # noqa: PLC0415  # see above

        name = f"conv2d_{number}" if number else "conv2d"
        kernel = self._weights[f"{name}/kernel"].permute(3, 2, 0, 1)
        return self._norm(conv2d(image, kernel, self._weights[f"{name}/bias"]).relu(), number + 1)

    def _norm(self, values: Tensor, number: int) -> Tensor:
        from torch.nn.functional import batch_norm  # noqa: PLC0415  # see above

        name = f"batch_normalization_{number}" if number else "batch_normalization"
        mean, variance, scale, shift = (
            self._weights[f"{name}/{each}"]
            for each in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return batch_norm(values, mean, variance, scale, shift, eps=NORM_EPSILON)

    def _dense(self, values: Tensor, name: str) -> Tensor:
        return values @ self._weights[f"{name}/kernel"] + self._weights[f"{name}/bias"]


def load() -> Musicnn:
    """Return the network with the installed package's weights.

    Raises
    ------
    OptionError
        If the package isn't installed.
    FileFormatError
        If its weights are damaged.
    """
    folder = package_folder()
    return Musicnn(read_bundle(f"{folder}/MTT_musicnn/"), tag_names(folder))
