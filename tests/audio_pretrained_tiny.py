"""Tiny pipelines of the same classes as the pretrained ones, made without any download."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderOobleck,
    CosineDPMSolverMultistepScheduler,
    PNDMScheduler,
    StableAudioDiTModel,
    StableAudioPipeline,
    StableAudioProjectionModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

WORDS = ("add", "drums", "bass", "guitar", "rock", "jazzy", "a", "soft")
LATENTS = 4
FRAMES = 32
HOP = 16
RATE = 2_000


def stable_audio(folder: Path, frames: int = FRAMES) -> Path:
    """Save a Stable Audio whose window is some frames of 16 samples, at 2 kHz."""
    torch.manual_seed(1)
    vocabulary = [(token, 0.0) for token in ("<pad>", "</s>", "<unk>", "▁")]
    vocabulary += [(f"▁{word}", -1.0) for word in WORDS]
    tokenizer = T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=8)
    text = T5Config(
        vocab_size=len(vocabulary), d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2
    )
    with warnings.catch_warnings():
        # diffusers builds it by an older function of torch
        warnings.filterwarnings("ignore", "`torch.nn.utils.weight_norm`", FutureWarning)
        autoencoder = AutoencoderOobleck(
            encoder_hidden_size=2 * LATENTS,
            downsampling_ratios=[4, 4],
            decoder_channels=8,
            decoder_input_channels=LATENTS,
            audio_channels=2,
            channel_multiples=[1, 2],
            sampling_rate=RATE,
        )
    pipeline = StableAudioPipeline(
        vae=autoencoder,
        text_encoder=T5EncoderModel(text),
        projection_model=StableAudioProjectionModel(
            text_encoder_dim=8, conditioning_dim=8, min_value=0, max_value=32
        ),
        tokenizer=tokenizer,
        transformer=StableAudioDiTModel(
            sample_size=frames,
            in_channels=LATENTS,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            num_key_value_attention_heads=2,
            out_channels=LATENTS,
            cross_attention_dim=16,
            time_proj_dim=16,
            global_states_input_dim=16,
            cross_attention_input_dim=8,
        ),
        scheduler=CosineDPMSolverMultistepScheduler(),
    )
    pipeline.save_pretrained(folder)
    return folder


def riffusion(folder: Path) -> Path:
    """Save a Stable Diffusion of 512 x 512 pixels, 64 x 64 latents."""
    torch.manual_seed(1)
    # without merges words are spelled, and a word's last letter is one of its own
    letters = [letter + end for letter in "abcdefghijklmnopqrstuvwxyz" for end in ("", "</w>")]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters]
    tokenizer = CLIPTokenizer(
        vocab={token: place for place, token in enumerate(tokens)}, merges=[], model_max_length=20
    )
    text = CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=20,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=[4, 4, 4, 4],
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            latent_channels=LATENTS,
            layers_per_block=1,
            norm_num_groups=2,
            mid_block_add_attention=False,
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            sample_size=64,
            in_channels=LATENTS,
            out_channels=LATENTS,
            cross_attention_dim=8,
            attention_head_dim=2,
            norm_num_groups=4,
        ),
        scheduler=PNDMScheduler(beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder
