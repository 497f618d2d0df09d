"""Stable Audio Open, its transformer widened for the latent of the context.

It learns the stem alone, at the noise levels and in the parametrisation of its own scheduler.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import StableAudioPipeline
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from torch import Tensor, nn

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


class StableAudio:
    """A `StableAudioPipeline` that inserts stems.

    Parameters
    ----------
    pipeline : StableAudioPipeline
        Pretrained, or widened before.
    """

    guidance = Guidance(words=7.0, context=1.5)

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self.sample_rate: int = pipeline.vae.config.sampling_rate
        self.channels: int = pipeline.vae.config.audio_channels
        self._hop: int = pipeline.vae.hop_length
        self._frames: int = pipeline.transformer.config.sample_size
        self._latents: int = pipeline.transformer.config.out_channels
        pipeline.vae.requires_grad_(False)
        pipeline.text_encoder.requires_grad_(False)
        pipeline.projection_model.requires_grad_(False)
        # a lesson, and of a long song a tile, at a time: the autoencoder's first layers are wide
        pipeline.vae.enable_slicing()
        pipeline.vae.enable_tiling()

    @classmethod
    def load(cls, folder: Path) -> StableAudio:
        """Load it from a local folder."""
        return cls(load_pipeline(StableAudioPipeline, folder))

    @property
    def samples(self) -> int:
        """Length of its window."""
        return self._frames * self._hop

    @property
    def denoiser(self) -> nn.Module:
        """The diffusion transformer."""
        return cast(nn.Module, self.pipeline.transformer)

    @property
    def is_widened(self) -> bool:
        """Whether it takes a context."""
        return bool(self.pipeline.transformer.config.in_channels == 2 * self._latents)

    def widen(self) -> None:
        """Give the first two layers zero columns for the context."""
        model = self.pipeline.transformer
        wide = 2 * self._latents
        convolution = nn.Conv1d(wide, wide, 1, bias=False)
        projection = nn.Linear(wide, model.inner_dim, bias=False)
        with torch.no_grad():
            convolution.weight.copy_(widened(model.preprocess_conv.weight, wide, wide, 1))
            projection.weight.copy_(widened(model.proj_in.weight, model.inner_dim, wide))
        model.preprocess_conv = convolution.to(model.device)
        model.proj_in = projection.to(model.device)
        model.register_to_config(in_channels=wide)

    def to(self, device: torch.device) -> None:
        """Bring all of it to a device."""
        self.pipeline.to(device)

    @torch.no_grad()
    def encode(
        self, lessons: Sequence[Lesson], generator: torch.Generator
    ) -> tuple[Tensor, Condition]:
        """Return the stems' latents, and what is told of them."""
        contexts: list[Tensor] = []
        stems: list[Tensor] = []
        for lesson in lessons:
            gain = gain_of(lesson.context)
            for sounds, sound in ((contexts, lesson.context), (stems, lesson.stem)):
                sounds.append(fitted(heard_by(sound, self) * gain, self.samples))
        device = self.pipeline.device
        target = self.pipeline.vae.encode(torch.stack(stems).to(device)).latent_dist
        seconds = [lesson.context.seconds for lesson in lessons]
        condition = self._condition(
            torch.stack(contexts).to(device), [lesson.words for lesson in lessons], seconds
        )
        return target.sample(generator), condition

    def _condition(
        self, contexts: Tensor, words: Sequence[str], seconds: Sequence[float]
    ) -> Condition:
        pipeline = self.pipeline
        latent = pipeline.vae.encode(contexts).latent_dist.mode()
        said = pipeline.encode_prompt(list(words), pipeline.device, False)
        starts, ends = pipeline.encode_duration(
            [0.0] * len(words), list(seconds), pipeline.device, False, len(words)
        )
        states = torch.cat([said, starts, ends], dim=1)
        whole = torch.cat([starts, ends], dim=2)
        # the pipeline's own state of no prompt is zero, and its durations stay
        return Condition(latent, states, torch.zeros_like(states), {"global_hidden_states": whole})

    def _predicted(
        self, denoiser: nn.Module, noisy: Tensor, time: Tensor, condition: Condition
    ) -> Tensor:
        rotary = get_1d_rotary_pos_embed(
            self.pipeline.rotary_embed_dim,
            noisy.shape[2] + condition.more["global_hidden_states"].shape[1],
            use_real=True,
            repeat_interleave_real=False,
        )
        (predicted,) = denoiser(
            torch.cat([noisy, condition.context], dim=1),
            time,
            encoder_hidden_states=condition.words,
            rotary_embedding=rotary,
            return_dict=False,
            **condition.more,
        )
        return cast(Tensor, predicted)

    def loss(
        self,
        denoiser: nn.Module,
        target: Tensor,
        condition: Condition,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the mean squared error, at noise levels that sampling visits."""
        scheduler = self.pipeline.scheduler
        noise = noise_like(target, generator)
        condition = dropped(condition, generator)
        quiet, loud = math.atan(scheduler.config.sigma_min), math.atan(scheduler.config.sigma_max)
        draw = torch.rand(len(target), generator=generator).to(target.device)
        sigma = torch.tan(quiet + draw * (loud - quiet))
        level = sigma.view(-1, 1, 1)
        noisy = target + level * noise
        predicted = self._predicted(
            denoiser,
            scheduler.precondition_inputs(noisy, level),
            scheduler.precondition_noise(sigma),
            condition,
        )
        # the scheduler makes of a prediction: shift + scale * prediction; solved for the target
        shift = scheduler.precondition_outputs(noisy, torch.zeros_like(noisy), level)
        scale = scheduler.precondition_outputs(
            torch.zeros_like(noisy), torch.ones_like(noisy), level
        )
        return nn.functional.mse_loss(predicted.float(), (target - shift) / scale)

    @torch.no_grad()
    def insert(self, context: Tensor, sampling: Sampling, report: Report) -> Tensor:
        """Return a stem for a context of any length [shape=(channel, sample)].

        Windows overlap. What the next one shares with the one before is kept, the rest painted so
        that it goes on from there; the latents of all are decoded at once, so there is no seam.
        """
        overlap = round(OVERLAP * self._frames)
        length = context.shape[1]
        starts = window_starts(-(-length // self._hop), self._frames, overlap)
        whole = context.new_zeros(1, self._latents, 0).to(self.pipeline.device)
        for number, start in enumerate(starts):
            here = start * self._hop
            sound = fitted(context[:, here:], self.samples).to(self.pipeline.device)
            seconds = min(self.samples, length - here) / self.sample_rate
            condition = self._condition(sound[None], [sampling.words], [seconds])
            made = self._sampled(
                condition,
                whole[..., start:],
                sampling,
                generator_of(sampling.seed, number),
                share_of(report, number, len(starts)),
            )
            whole = torch.cat([whole[..., :start], made], dim=2)
        return fitted(self.pipeline.vae.decode(whole).sample[0].float().cpu(), length)

    def _sampled(
        self,
        condition: Condition,
        known: Tensor,
        sampling: Sampling,
        generator: torch.Generator,
        report: Report,
    ) -> Tensor:
        """Return a window's latent whose beginning is `known`."""
        scheduler = self.pipeline.scheduler
        scheduler.set_timesteps(sampling.steps, device=condition.context.device)
        noise = noise_like(condition.context, generator)
        latent = noise * scheduler.init_noise_sigma
        three = for_guidance(condition)
        done = known.shape[2]
        for place, time in enumerate(scheduler.timesteps):
            sigma = scheduler.sigmas[place].to(known)
            latent[..., :done] = known + sigma * noise[..., :done]
            noisy = scheduler.scale_model_input(latent, time)
            predicted = self._predicted(
                self.denoiser, noisy.expand(3, -1, -1), time.expand(3), three
            )
            predicted = guided(predicted, sampling.guidance)
            with warnings.catch_warnings():
                # the loudest level, rounded, lies just outside of the range it names itself
                warnings.filterwarnings("ignore", "Should have t[ab]", UserWarning)
                latent = scheduler.step(predicted, time, latent, generator=generator).prev_sample
            report((place + 1) / len(scheduler.timesteps))
        return torch.cat([known, latent[..., done:]], dim=2)

    def save(self, folder: Path) -> None:
        """Save all of it; `diffusers` loads it as a `StableAudioPipeline`."""
        save_pipeline(self.pipeline, folder, {"target": "stem"})
