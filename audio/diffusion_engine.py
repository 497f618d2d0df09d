"""The engines that draw a stem by latent diffusion, with notes that lead or without.

Without notes it is the paper's task: a mix and words. Led by notes, those that the symbolic writer
writes over what was heard in the mix (or the user's own) say what is played when, and the model
makes their sound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio.autoencoder import Autoencoder, load_autoencoder
from audio.beats import BeatGrid, track_beats
from audio.diffusion import Conditions, StemDiffusion, beat_rows, load_diffusion, word_rows
from audio.engine import Samples, StemRequest
from audio.level import levelled
from audio.mel import FRAMES_PER_SECOND, RATE, log_mel
from audio.rendering import LEVEL, SILENT
from audio.roll import ROWS, roll
from audio.sampling import Guidance, draw
from audio.text import LexiconReader, Reader, SentenceReader
from audio.vocoder import to_sound
from subtractive.instruments import INSTRUMENTS
from subtractive.instruments import instrument as known_instrument
from subtractive.synthesis import Strokes
from subtractive.waveform import Recording

STEPS = 16
GUIDANCE = Guidance()
CHUNK = 4000  # frames that are encoded and decoded at once: memory stays bounded
_MARGIN = 64  # frames on each side of a chunk that only its neighbours hear


@dataclass(frozen=True, eq=False)
class Models:
    """The networks of an engine."""

    coder: Autoencoder
    diffusion: StemDiffusion


class DiffusionEngine:
    """Latent diffusion as an `audio.engine.Engine`.

    Parameters
    ----------
    led_by_notes : bool
    device : {"cpu", "cuda"}
    text_encoder : Path, optional
        See `audio.text.SentenceReader`.
    models : Models, optional
        By default those with the shipped weights.

    Raises
    ------
    FileFormatError
        If weights or the text encoder can't be loaded.
    """

    def __init__(
        self,
        *,
        led_by_notes: bool,
        device: str = "cpu",
        text_encoder: Path | None = None,
        models: Models | None = None,
    ) -> None:
        self.led_by_notes = led_by_notes
        self.device = device
        self.reader: Reader = SentenceReader(text_encoder) if text_encoder else LexiconReader()
        self.models = models or Models(
            load_autoencoder(device=device), load_diffusion(device=device)
        )

    def stem(self, request: StemRequest, report: Callable[[float], None] | None = None) -> Samples:
        """Make the stem: see `audio.engine.Engine.stem`."""
        known_instrument(request.instrument)
        notes, grid = self._led(request)
        mix = request.mix.resampled(RATE).mono()
        drawn = self._drawn(request, mix, notes, grid, report)
        sound = to_sound(drawn, seed=request.seed)[0].numpy()
        fitted = np.zeros((1, len(mix)), np.float32)
        fitted[0, : min(len(mix), len(sound))] = sound[: len(mix)]
        # at the mix's own rate, sample for sample as long as the mix
        there = Recording(fitted, RATE).resampled(request.mix.sample_rate).samples
        length = request.mix.samples.shape[1]
        there = np.pad(there[:, :length], ((0, 0), (0, max(0, length - there.shape[1]))))
        both = np.repeat(there, 2, axis=0)
        return levelled(
            both, request.mix.samples, request.mix.sample_rate, request.instrument, request.words
        )

    def _led(self, request: StemRequest) -> tuple[Strokes | None, BeatGrid]:
        """Return the notes that lead, if any do, and the beats."""
        if not self.led_by_notes:
            return None, request.grid or track_beats(request.mix, words=request.words)
        # the writer and what hears the mix load slowly, and only this engine needs them
        from audio.notes import written_notes  # noqa: PLC0415

        written = written_notes(request, device=self.device)
        return written.strokes, written.grid

    @torch.inference_mode()
    def _drawn(
        self,
        request: StemRequest,
        mix: np.ndarray,
        notes: Strokes | None,
        grid: BeatGrid,
        report: Callable[[float], None] | None,
    ) -> Tensor:
        """Return the stem's log-mel spectrogram [shape=(1, MELS, frame)] on the CPU."""
        context = self._heard(mix)
        frames = context.shape[2]
        stride = self.models.coder.config.stride
        picture = np.zeros((ROWS, frames * stride), np.float32)
        if notes is not None:
            picture = roll(notes, frames * stride, is_drums=request.instrument == "drums")
        told = Conditions(
            context=context,
            has_context=torch.ones(1, dtype=torch.bool),
            beats=beat_rows(grid, frames, stride / FRAMES_PER_SECOND, 0.0)[None],
            roll=torch.from_numpy(picture)[None],
            has_roll=torch.tensor([notes is not None]),
            words=word_rows([self.reader.heard(request.words, request.instrument)]),
            instrument=torch.tensor([INSTRUMENTS.index(request.instrument)]),
        )
        told = Conditions(*(each.to(self.device) for each in told))
        guidance = GUIDANCE
        if request.guidance is not None:
            guidance = Guidance(GUIDANCE.context, request.guidance)
        latents = draw(
            self.models.diffusion,
            told,
            steps=request.steps or STEPS,
            guidance=guidance,
            generator=torch.Generator().manual_seed(request.seed),
            report=report,
        )
        return self._decoded(latents)

    def _heard(self, mix: np.ndarray) -> Tensor:
        """Return the latents of a mix at the level that the model knows."""
        loudness = float(np.sqrt((mix.astype(np.float64) ** 2).mean())) if len(mix) else 0.0
        gain = LEVEL / loudness if loudness > SILENT else 1.0
        mels = log_mel(torch.from_numpy(mix * np.float32(gain)))[None]
        coder, stride = self.models.coder, self.models.coder.config.stride
        pieces = []
        for first in range(0, mels.shape[2], CHUNK):
            low = max(0, first - _MARGIN)
            piece = coder.encode(mels[..., low : first + CHUNK + _MARGIN].to(self.device))
            skip = (first - low) // stride
            pieces.append(piece[..., skip : skip + CHUNK // stride])
        return torch.cat(pieces, 2)

    def _decoded(self, latents: Tensor) -> Tensor:
        """Return the spectrogram of latents."""
        coder, stride = self.models.coder, self.models.coder.config.stride
        margin, chunk = _MARGIN // stride, CHUNK // stride
        pieces = []
        for first in range(0, latents.shape[2], chunk):
            low = max(0, first - margin)
            piece = coder.decode(latents[..., low : first + chunk + margin])
            skip = (first - low) * stride
            pieces.append(piece[..., skip : skip + CHUNK].cpu())
        return torch.cat(pieces, 2)
