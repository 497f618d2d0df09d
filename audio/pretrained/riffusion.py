"""Riffusion as InstructPix2Pix: an image of the mix without the stem, repainted as the words ask.

The first convolution is widened from 4 to 8 channels. The target is the full mix, as the paper's
was, or the stem alone on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import DDIMScheduler, StableDiffusionInstructPix2PixPipeline
from torch import Tensor, nn

from audio.pretrained import riffusion_image as images
from audio.pretrained.folders import load_pipeline, save_pipeline
from audio.pretrained.lessons import Lesson
from audio.pretrained.model import (
    OVERLAP,
    Condition,
    Guidance,
    Report,
    Sampling,
    dropped,
    fitted,
    for_guidance,
    gain_of,
    generator_of,
    guided,
    heard_by,
    noise_like,
    share_of,
    widened,
    window_starts,
)
from subtractive.errors import OptionError

TARGETS = ("mix", "stem")
_OVERLAP = round(OVERLAP * images.FRAMES)


class Riffusion:
    """A Stable Diffusion pipeline, pretrained on spectrograms, that inserts stems.

    Parameters
    ----------
    pipeline : StableDiffusionInstructPix2PixPipeline
        Pretrained, or widened before.
    target : str
        What it paints: one of `TARGETS`.
    """

    sample_rate = images.RATE
    channels = 1
    samples = images.FRAMES * images.HOP
    guidance = Guidance(words=10.0, context=1.5)

    def __init__(self, pipeline: Any, target: str) -> None:
        if target not in TARGETS:
            raise OptionError(f"--target {target!r} is unknown: choose {' or '.join(TARGETS)}")
        self.pipeline, self._target = pipeline, target
        # its latents keep their variance at every step, so a known part can be put in
        self._scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
        self._scale: float = pipeline.vae.config.scaling_factor
        self._latents: int = pipeline.vae.config.latent_channels
        pipeline.vae.requires_grad_(False)
        pipeline.text_encoder.requires_grad_(False)
        pipeline.vae.enable_slicing()

    @classmethod
    def load(cls, folder: Path, target: str) -> Riffusion:
        """Load it from a local folder: of a plain Stable Diffusion, or one that was widened."""
        pipeline = load_pipeline(
            StableDiffusionInstructPix2PixPipeline,
            folder,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        return cls(pipeline, target)

    @property
    def denoiser(self) -> nn.Module:
        """The U-Net."""
        return cast(nn.Module, self.pipeline.unet)

    @property
    def is_widened(self) -> bool:
        """Whether it takes a context."""
        return bool(self.pipeline.unet.config.in_channels == 2 * self._latents)

    def widen(self) -> None:
        """Give the first layer zero columns for the context."""
        model, wide = self.pipeline.unet, 2 * self._latents
        narrow = model.conv_in
        layer = nn.Conv2d(wide, narrow.out_channels, narrow.kernel_size, padding=narrow.padding)
        layer.load_state_dict(
            {"weight": widened(narrow.weight, *layer.weight.shape), "bias": narrow.bias}
        )
        model.conv_in = layer.to(model.device)
        model.register_to_config(in_channels=wide)

    def to(self, device: torch.device) -> None:
        """Bring all of it to a device."""
        self.pipeline.to(device)

    @torch.no_grad()
    def encode(
        self, lessons: Sequence[Lesson], generator: torch.Generator
    ) -> tuple[Tensor, Condition]:
        """Return the latents of the pictures to paint, and what is told of them."""
        contexts, targets = [], []
        for lesson in lessons:
            gain = gain_of(lesson.context)
            context, stem = (
                fitted(heard_by(sound, self)[0] * gain, self.samples).to(self.pipeline.device)
                for sound in (lesson.context, lesson.stem)
            )
            contexts.append(_picture(images.spectrogram(context)))
            target = context + stem if self._target == "mix" else stem
            targets.append(_picture(images.spectrogram(target)))
        latent = self.pipeline.vae.encode(torch.stack(targets)).latent_dist.sample(generator)
        condition = self._condition(torch.stack(contexts), [lesson.words for lesson in lessons])
        return latent * self._scale, condition

    def _condition(self, contexts: Tensor, words: Sequence[str]) -> Condition:
        latent = self.pipeline.vae.encode(contexts).latent_dist.mode()
        said, silent = self._said(words), self._said([""] * len(words))
        return Condition(latent, said, silent, {})

    def _said(self, words: Sequence[str]) -> Tensor:
        tokenizer = self.pipeline.tokenizer
        tokens = tokenizer(
            list(words),
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        return cast(Tensor, self.pipeline.text_encoder(tokens.to(self.pipeline.device))[0])

    def _predicted(
        self, denoiser: nn.Module, noisy: Tensor, time: Tensor, condition: Condition
    ) -> Tensor:
        (predicted,) = denoiser(
            torch.cat([noisy, condition.context], dim=1),
            time,
            encoder_hidden_states=condition.words,
            return_dict=False,
        )
        return cast(Tensor, predicted)

    def loss(
        self,
        denoiser: nn.Module,
        target: Tensor,
        condition: Condition,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the mean squared error, at noise levels drawn evenly."""
        noise = noise_like(target, generator)
        condition = dropped(condition, generator)
        last = self._scheduler.config.num_train_timesteps
        time = torch.randint(last, (len(target),), generator=generator).to(target.device)
        noisy = self._scheduler.add_noise(target, noise, time)
        kind = self._scheduler.config.prediction_type
        wanted = target if kind == "sample" else noise
        if kind == "v_prediction":
            wanted = self._scheduler.get_velocity(target, noise, time)
        predicted = self._predicted(denoiser, noisy, time, condition)
        return nn.functional.mse_loss(predicted.float(), wanted)

    @torch.no_grad()
    def insert(self, context: Tensor, sampling: Sampling, report: Report) -> Tensor:
        """Return a stem for a context of any length [shape=(1, sample)].

        Pictures overlap; what the next one shares with the one before is kept. All of them are one
        long spectrogram before phases are sought, so there is no seam. Where a full mix is painted,
        the stem is estimated band by band: the magnitude painted less that of the context, which
        went through the autoencoder too.
        """
        device = self.pipeline.device
        given = images.spectrogram(context[0].to(device))
        starts = window_starts(given.shape[1], images.FRAMES, _OVERLAP)
        painted = given.new_zeros(images.MELS, starts[-1] + images.FRAMES)
        fade = torch.linspace(0, 1, _OVERLAP, device=device)
        known = given.new_zeros(1, self._latents, 0, 0)
        for number, start in enumerate(starts):
            condition = self._condition(_picture(given[:, start:])[None], [sampling.words])
            latent = self._sampled(
                condition,
                known,
                sampling,
                generator_of(sampling.seed, number),
                share_of(report, number, len(starts)),
            )
            known = latent[..., -round(OVERLAP * latent.shape[-1]) :]
            magnitudes = self._shown(latent / self._scale)
            if self._target == "mix":
                magnitudes = (magnitudes - self._shown(condition.context)).clamp(min=0)
            if number:
                magnitudes[:, :_OVERLAP] *= fade
                painted[:, start : start + _OVERLAP] *= 1 - fade
            painted[:, start : start + images.FRAMES] += magnitudes
        painted = painted[:, : given.shape[1]]
        sound = images.to_sound(painted, context.shape[1], generator_of(sampling.seed, len(starts)))
        return sound[None].cpu()

    def _shown(self, latent: Tensor) -> Tensor:
        """Return the magnitudes [shape=(MELS, FRAMES)] of a picture's latent."""
        picture = self.pipeline.vae.decode(latent).sample[0].float().mean(0)
        return images.from_image(picture / 2 + 0.5)

    def _sampled(
        self,
        condition: Condition,
        known: Tensor,
        sampling: Sampling,
        generator: torch.Generator,
        report: Report,
    ) -> Tensor:
        """Return a picture's latent whose left side is `known`."""
        scheduler = self._scheduler
        scheduler.set_timesteps(sampling.steps, device=condition.context.device)
        latent = noise = noise_like(condition.context, generator)
        three = for_guidance(condition)
        done = known.shape[-1]
        for place, time in enumerate(scheduler.timesteps):
            if done:
                begun = scheduler.add_noise(known, noise[..., :done], time[None])
                latent = torch.cat([begun, latent[..., done:]], dim=-1)
            noisy = scheduler.scale_model_input(latent, time).expand(3, -1, -1, -1)
            predicted = self._predicted(self.denoiser, noisy, time.expand(3), three)
            predicted = guided(predicted, sampling.guidance)
            latent = scheduler.step(predicted, time, latent).prev_sample
            report((place + 1) / len(scheduler.timesteps))
        return torch.cat([known, latent[..., done:]], dim=-1) if done else latent

    def save(self, folder: Path) -> None:
        """Save all of it; `diffusers` loads it as an InstructPix2Pix pipeline."""
        save_pipeline(self.pipeline, folder, {"target": self._target})


def _picture(magnitudes: Tensor) -> Tensor:
    """Return a spectrogram as an image for the autoencoder [shape=(3, MELS, FRAMES)]."""
    whole = fitted(magnitudes, images.FRAMES)
    return images.to_image(whole).expand(3, -1, -1) * 2 - 1
