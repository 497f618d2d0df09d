"""A fine-tuned pretrained model as an engine: `--engine pretrained --model FOLDER`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from audio.engine import Samples, StemRequest
from audio.pretrained.folders import open_model
from audio.pretrained.model import Sampling, fitted, gain_of, heard_by
from subtractive.errors import OptionError
from subtractive.instruments import instrument as known_instrument
from subtractive.waveform import Recording

STEPS = 100


class PretrainedEngine:
    """Makes stems by Stable Audio Open or Riffusion, after `python -m audio.pretrained.finetune`.

    It hears the whole mix and follows words; beats and notes it is not told.

    Parameters
    ----------
    folder : Path
        What the fine-tuning exported.
    device : str
        As torch calls it, such as "cpu" or "cuda".

    Raises
    ------
    OptionError
        If the folder holds no model, or one that was not fine-tuned.
    FileFormatError
        If a file of it is missing or damaged.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self._model = open_model(folder)
        if not self._model.is_widened:
            raise OptionError(
                f"the model in {folder} has not learned to hear a mix: fine-tune it by "
                "python -m audio.pretrained.finetune and give the folder that it exports"
            )
        self._model.denoiser.eval()
        self._model.to(torch.device(device))

    def stem(self, request: StemRequest, report: Callable[[float], None] | None = None) -> Samples:
        """Make the stem: see `audio.engine.Engine`.

        `guidance` is that towards the words; towards the context it is the model's own.
        """
        known_instrument(request.instrument)
        if request.notes is not None:
            raise OptionError(
                "a pretrained model cannot be led by notes: leave them out, or choose the engine "
                "guided or symbolic"
            )
        model, mix = self._model, request.mix
        guidance = model.guidance
        if request.guidance is not None:
            guidance = guidance._replace(words=request.guidance)
        sampling = Sampling(
            request.words or f"Add {request.instrument}",
            request.steps or STEPS,
            guidance,
            request.seed,
        )
        gain = gain_of(mix)
        made = model.insert(heard_by(mix, model) * gain, sampling, report or (lambda _: None))
        stereo = made if len(made) == 2 else made.mean(0, keepdim=True).expand(2, -1)
        found = Recording(np.ascontiguousarray(stereo.numpy() / gain), model.sample_rate)
        samples = torch.from_numpy(found.resampled(mix.sample_rate).samples)
        return fitted(samples, mix.samples.shape[1]).numpy()
