"""Models of sound: what they must hold to whatever they have learned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from audio.autoencoder import Autoencoder, AutoencoderConfig
from audio.beats import BeatGrid
from audio.checkpoint import load, write
from audio.corpus import as_bytes, decibels
from audio.diffusion import (
    BEAT_ROWS,
    Conditions,
    DiffusionConfig,
    StemDiffusion,
    beat_rows,
    noised,
    word_rows,
)
from audio.mel import FLOOR_DB, FRAMES_PER_SECOND, HOP, MELS, RATE, filters, log_mel
from audio.roll import DRUMS, ROWS, roll
from audio.sampling import OVERLAP, WINDOW, Guidance, draw, solver, spans
from audio.text import LexiconReader
from audio.words import CONCEPTS, heard
from subtractive.errors import FileFormatError
from subtractive.synthesis import Strokes

TINY = DiffusionConfig(latent=8, stride=4, width=64, layers=2, words=32, notes=8)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


def model() -> StemDiffusion:
    made = StemDiffusion(TINY).eval()
    for parameter in made.parameters():  # what starts at zero says nothing about the rest
        torch.nn.init.normal_(parameter, 0, 0.15)
    return made


def told(length: int, words: list[int] | None = None, *, notes: bool = True) -> Conditions:
    return Conditions(
        context=torch.randn(1, TINY.latent, length),
        has_context=torch.ones(1, dtype=torch.bool),
        beats=beat_rows(BeatGrid.steady(120, 0.1, 99), length, 0.064, 0.0)[None],
        roll=torch.rand(1, ROWS, length * TINY.stride),
        has_roll=torch.tensor([notes]),
        words=word_rows([words or []]),
        instrument=torch.tensor([0]),
    )


# --- spectrograms


def test_a_full_scale_sine_is_0_db_in_its_band() -> None:
    times = torch.arange(RATE) / RATE
    found = log_mel(torch.sin(2 * torch.pi * 1000 * times))[:, 10:-10]
    # a band's triangle and the window's main lobe hold all of its power
    total = 10 * torch.log10((10 ** (found / 10)).sum(0))
    assert total.mean().item() == pytest.approx(10 * np.log10(1.5), abs=0.1)
    assert filters()[found.mean(1).argmax()].argmax().item() * RATE / 2048 == pytest.approx(
        1000, abs=20
    )


def test_gain_is_an_offset_in_decibels() -> None:
    noise = torch.randn(RATE)
    assert torch.allclose(log_mel(noise * 0.1), log_mel(noise) - 20, atol=1e-3)
    assert (log_mel(torch.zeros(RATE)) == FLOOR_DB).all()


def test_bytes_keep_a_spectrogram_to_half_a_step() -> None:
    picture = torch.linspace(-100, 14, MELS * 20).reshape(MELS, 20)
    assert (decibels(as_bytes(picture)) - picture).abs().max() <= 0.226


# --- notes


def test_a_stroke_is_drawn_in_its_drums_row_and_frame() -> None:
    one = Strokes(np.array([0.5]), np.array([0.6]), np.array([38]), np.array([127]))
    picture = roll(one, 100, is_drums=True)
    row, frame = np.argwhere(picture > 0)[0]
    assert (picture > 0).sum() == 1
    assert list(DRUMS)[row] == "snare"
    assert frame == round(0.5 * FRAMES_PER_SECOND)


def test_a_repeated_note_is_told_from_a_long_one() -> None:
    pitch, loud = np.array([40, 40]), np.array([100, 100])
    twice = Strokes(np.array([0.0, 0.32]), np.array([0.32, 0.64]), pitch, loud)
    once = Strokes(np.array([0.0]), np.array([0.64]), pitch[:1], loud[:1])
    pictures = [roll(each, 60, is_drums=False) for each in (twice, once)]
    assert ((pictures[0] > 0) == (pictures[1] > 0)).all()
    assert (pictures[0] != pictures[1]).sum() == 1


def test_notes_outside_of_the_picture_are_left_out() -> None:
    onset = np.array([-3.0, 99.0])
    far = Strokes(onset, onset + 0.1, np.array([36, 36]), np.array([100, 100]))
    assert not roll(far, 50, is_drums=True).any()
    assert not roll(far, 50, is_drums=False).any()


# --- words


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Add rock drums with punchy beats", "family:rock"),
        ("Add soft acoustic drums to enhance emotion", "sound:quiet"),
        ("Add aggressive rock drums with cymbal crashes", "sound:bright"),
        ("808 beats", "sound:808"),
        ("a jazzy brush kit", "sound:brushes"),
    ],
)
def test_words_are_heard(text: str, concept: str) -> None:
    assert concept in [CONCEPTS[each] for each in heard(text, "drums")]


def test_what_is_denied_is_not_asked_for() -> None:
    assert heard("not too loud, no reverb", "drums") == []
    assert LexiconReader().heard("", "bass") == []


# --- autoencoder


def test_latents_decode_to_as_many_frames() -> None:
    coder = Autoencoder(AutoencoderConfig(latent=4))
    picture = torch.randn(3, MELS, 64) * 20 - 50
    latents = coder.encode(picture)
    assert latents.shape == (3, 4, 16)
    assert coder.decode(latents).shape == picture.shape
    assert coder.encode(picture[..., :61]).shape == latents.shape


def test_weights_come_back_and_strangers_are_told_of(tmp_path: Path) -> None:
    config = AutoencoderConfig(latent=4)
    coder = Autoencoder(config)
    write(tmp_path / "coder.safetensors", config, coder.state_dict(), torch.float32)
    found, tensors = load(tmp_path / "coder.safetensors", AutoencoderConfig)
    assert found == config
    assert all(torch.equal(tensors[name], kept) for name, kept in coder.state_dict().items())
    with pytest.raises(FileFormatError, match="another model"):
        load(tmp_path / "coder.safetensors", DiffusionConfig)
    (tmp_path / "torn.safetensors").write_bytes(b"\0\1")
    with pytest.raises(FileFormatError, match="no weights"):
        load(tmp_path / "torn.safetensors", AutoencoderConfig)


# --- diffusion


def test_v_and_the_noisy_stem_give_back_stem_and_noise() -> None:
    stem, noise, time = torch.randn(4, 8, 20), torch.randn(4, 8, 20), torch.rand(4)
    noisy, v = noised(stem, noise, time)
    angle = (time * torch.pi / 2)[:, None, None]
    assert torch.allclose(angle.cos() * noisy - angle.sin() * v, stem, atol=1e-5)
    assert torch.allclose(angle.sin() * noisy + angle.cos() * v, noise, atol=1e-5)


def test_the_solver_finds_the_stem_of_a_perfect_model() -> None:
    plan, stem = solver(12), torch.randn(1, 8, 40)
    x = torch.randn(1, 8, 40) * plan.init_noise_sigma
    for time in plan.timesteps:
        scaled = plan.scale_model_input(x, time)
        angle = time * torch.pi / 2
        x = plan.step((angle.cos() * scaled - stem) / angle.sin(), time, x).prev_sample
    assert torch.allclose(x, stem, atol=1e-3)


def test_what_is_not_known_is_not_listened_to() -> None:
    tiny, noisy, time = model(), torch.randn(1, 8, 20), torch.tensor([0.5])
    one, other = told(20, notes=False), told(20, notes=False)
    unheard = torch.zeros(1, dtype=torch.bool)
    with torch.no_grad():
        first = tiny(noisy, time, one._replace(has_context=unheard))
        second = tiny(noisy, time, other._replace(has_context=unheard))
        assert torch.allclose(first, second, atol=1e-6)
        assert not torch.allclose(tiny(noisy, time, one), tiny(noisy, time, other), atol=1e-4)


def test_beat_rows_tell_the_beat_and_the_bar() -> None:
    grid = BeatGrid.steady(60, 0.032, 30)
    rows = beat_rows(grid, 100, 0.064, 0.0)
    assert rows.shape == (BEAT_ROWS, 100)
    # one beat later only the bar's phase differs, one bar later nothing does
    later = beat_rows(grid, 100, 0.064, 1.0)
    assert torch.allclose(rows[:3], later[:3], atol=1e-5)
    assert not torch.allclose(rows[3], later[3], atol=1e-2)
    assert torch.allclose(rows, beat_rows(grid, 100, 0.064, 4.0), atol=1e-5)
    assert not beat_rows(None, 9, 0.064, 0.0).any()


@pytest.mark.parametrize("length", [7, WINDOW, WINDOW + 1, 3 * WINDOW + 17])
def test_windows_cover_the_stem_and_overlap(length: int) -> None:
    every = list(spans(length))
    assert every[0][0] == 0
    assert every[-1][1] == length
    for (_, end), (begin, _) in pairwise(every):
        assert end - begin >= OVERLAP
    assert all(high - low <= WINDOW for low, high in every)


def test_the_same_seed_draws_the_same_stem_and_another_another() -> None:
    tiny, wanted = model(), told(WINDOW + 30, [3])

    def drawn(seed: int) -> torch.Tensor:
        chance = torch.Generator().manual_seed(seed)
        return draw(tiny, wanted, steps=3, guidance=Guidance(), generator=chance)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.allclose(drawn(1), drawn(2))


def test_windows_join_without_a_seam() -> None:
    class Echo(torch.nn.Module):
        """Says of every latent what is known of it alone: windows must not matter."""

        config = TINY

        def forward(
            self, noisy: torch.Tensor, time: torch.Tensor, each: Conditions
        ) -> torch.Tensor:
            angle = (time * torch.pi / 2)[:, None, None]
            return (angle.cos() * noisy - each.context) / angle.sin()

    wanted = told(3 * WINDOW + 11)
    chance = torch.Generator().manual_seed(0)
    found = draw(
        Echo(),  # type: ignore[arg-type]  # it has what sampling asks for
        wanted,
        steps=8,
        guidance=Guidance(1.0, 1.0),
        generator=chance,
    )
    assert torch.allclose(found, wanted.context, atol=0.02)


def test_guidance_of_one_is_the_model_itself() -> None:
    tiny, wanted = model(), told(20, [5])
    with torch.no_grad():
        plain = [
            draw(tiny, wanted, steps=1, guidance=scale, generator=torch.Generator().manual_seed(0))
            for scale in (Guidance(1.0, 1.0), Guidance(1.0, 1.0), Guidance(1.0, 4.0))
        ]
    assert torch.equal(plain[0], plain[1])
    assert not torch.allclose(plain[0], plain[2])


def test_a_sound_is_as_long_as_its_frames_say() -> None:
    assert log_mel(torch.zeros(HOP * 10)).shape == (MELS, 11)
