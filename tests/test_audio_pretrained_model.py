"""Widened models: the same at first, told of the context after, guided, joined without seams."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline
from hypothesis import given
from hypothesis import strategies as some

from audio.engine import StemRequest
from audio.pretrained import riffusion_image
from audio.pretrained.folders import open_model
from audio.pretrained.insert import PretrainedEngine
from audio.pretrained.lessons import Lesson
from audio.pretrained.model import (
    LEVEL,
    Condition,
    Guidance,
    Pretrained,
    Sampling,
    dropped,
    for_guidance,
    gain_of,
    generator_of,
    guided,
    heard_by,
    window_starts,
)
from subtractive.errors import FileFormatError, InstrumentError, MusicError, OptionError
from subtractive.synthesis import Strokes
from subtractive.waveform import Recording
from tests import audio_pretrained_tiny as tiny

KINDS: tuple[Callable[[Path], Path], ...] = (tiny.stable_audio, tiny.riffusion)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained model, not widened."""
    return Path(request.param(tmp_path_factory.mktemp(request.param.__name__)))


@pytest.fixture(scope="module")
def widened(folder: Path) -> Pretrained:
    model = open_model(folder)
    model.widen()
    # so that context and words matter, as they do once it has learned
    with torch.no_grad():
        for weight in model.denoiser.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=generator_of(weight.numel())))
    return model


def noise(seconds: float, rate: int, seed: int, loudness: float = 0.1) -> Recording:
    rng = np.random.default_rng(seed)
    samples = loudness * rng.standard_normal((2, round(seconds * rate)))
    return Recording(samples.astype(np.float32), rate)


def lessons(
    model: Pretrained, words: Sequence[str] = ("add rock drums", "a soft bass")
) -> list[Lesson]:
    seconds = model.samples / model.sample_rate
    return [
        Lesson(
            noise(seconds, model.sample_rate, 2 * n),
            noise(seconds, model.sample_rate, 2 * n + 1),
            said,
        )
        for n, said in enumerate(words)
    ]


def predicted(model: Pretrained, condition: Condition, noisy: torch.Tensor) -> torch.Tensor:
    time = torch.full((len(noisy),), 0.5 if hasattr(model.denoiser, "proj_in") else 500.0)
    with torch.no_grad():
        found: torch.Tensor = model._predicted(  # type: ignore[attr-defined]  # each has its own
            model.denoiser, noisy, time, condition
        )
    return found


def test_widened_it_is_at_first_the_pretrained_model_whatever_the_context(folder: Path) -> None:
    pretrained, model = open_model(folder), open_model(folder)
    model.widen()
    assert not pretrained.is_widened and model.is_widened
    target, condition = model.encode(lessons(model), generator_of(0))
    assert condition.context.shape == target.shape and condition.context.abs().max() > 0
    nothing = condition._replace(context=condition.context[:, :0])
    assert torch.equal(predicted(model, condition, target), predicted(pretrained, nothing, target))


def test_from_the_first_step_on_it_can_learn_from_the_context(folder: Path) -> None:
    model = open_model(folder)
    model.widen()
    target, condition = model.encode(lessons(model), generator_of(0))
    loss = model.loss(model.denoiser, target, condition, generator_of(1))
    torch.autograd.backward(loss)
    channels = target.shape[1]
    layers = dict(model.denoiser.named_parameters())
    first = [layers[name] for name in ("proj_in.weight", "conv_in.weight") if name in layers]
    assert all(layer.grad is not None for layer in first)
    assert [float(layer.grad[:, channels:].abs().max()) > 0 for layer in first] == [True]  # type: ignore[index]  # asserted above


def test_what_was_fine_tuned_loads_as_it_was_saved(
    widened: Pretrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    widened.save(tmp_path)
    again = open_model(tmp_path)
    assert again.is_widened
    target, condition = widened.encode(lessons(widened), generator_of(0))
    other, told = again.encode(lessons(again), generator_of(0))
    assert torch.equal(target, other) and torch.equal(condition.words, told.words)
    assert torch.equal(predicted(widened, condition, target), predicted(again, told, other))
    index = json.loads((tmp_path / "model_index.json").read_text())
    if index["_class_name"].startswith("StableDiffusion"):
        # anyone's diffusers paints with it
        pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(
            tmp_path, local_files_only=True
        )
        assert pipeline.unet.config.in_channels == 2 * pipeline.vae.config.latent_channels


def test_a_stem_of_any_length_whose_windows_go_on_from_one_another(
    widened: Pretrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(riffusion_image, "PHASE_STEPS", 2)
    length = round(1.4 * widened.samples) + 3
    context = heard_by(noise(length / widened.sample_rate, widened.sample_rate, 5), widened)
    seen: list[float] = []
    painted: list[tuple[torch.Tensor, torch.Tensor]] = []
    sampled = widened._sampled  # type: ignore[attr-defined]  # each has its own

    def watched(condition: Condition, known: torch.Tensor, *more: object) -> torch.Tensor:
        painted.append((known, sampled(condition, known, *more)))
        return painted[-1][1]

    monkeypatch.setattr(widened, "_sampled", watched)
    sampling = Sampling("rock drums", 2, Guidance(4.0, 1.5), 7)
    stem = widened.insert(context, sampling, seen.append)
    assert stem.shape == (widened.channels, context.shape[1])
    assert seen == sorted(seen) and seen[-1] == 1 and len(seen) == 4
    assert stem.isfinite().all()
    (known, first), (shared, second) = painted
    assert known.shape[-1] == 0 and shared.shape[-1] == first.shape[-1] // 4
    assert torch.equal(first[..., -shared.shape[-1] :], shared)
    assert torch.equal(second[..., : shared.shape[-1]], shared)
    assert not torch.equal(first, second)


def test_words_context_and_seed_each_change_the_stem(
    widened: Pretrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(riffusion_image, "PHASE_STEPS", 0)
    one, other = (heard_by(noise(0.2, widened.sample_rate, seed), widened) for seed in (1, 2))
    plain = Sampling("rock drums", 2, Guidance(4.0, 1.5), 7)

    def made(context: torch.Tensor, sampling: Sampling) -> torch.Tensor:
        return widened.insert(context, sampling, lambda _: None)

    first = made(one, plain)
    assert torch.equal(first, made(one, plain))
    assert not torch.equal(first, made(other, plain))
    assert not torch.equal(first, made(one, plain._replace(words="soft jazzy drums")))
    assert not torch.equal(first, made(one, plain._replace(seed=8)))


def test_dropout_takes_words_context_and_both_as_often() -> None:
    size = 20_000
    condition = Condition(torch.ones(size, 1, 1), torch.ones(size, 1, 1), torch.zeros(1), {})
    lost = dropped(condition, generator_of(3))
    context, words = (each.flatten() == 0 for each in (lost.context, lost.words))
    for taken in (words & ~context, context & ~words, words & context):
        assert float(taken.float().mean()) == pytest.approx(0.05, abs=0.006)


@given(some.floats(0, 20), some.floats(0, 5))
def test_guidance_of_one_is_the_whole_condition_and_of_none_is_none(
    words: float, context: float
) -> None:
    three = torch.randn(3, 4, generator=generator_of(0))
    assert torch.allclose(guided(three, Guidance(1, 1)), three[:1], atol=1e-6)
    assert torch.equal(guided(three, Guidance(0, 0)), three[2:])
    # the two scales do not touch each other
    both = guided(three, Guidance(words, context))
    alone = guided(three, Guidance(words, 0)) + guided(three, Guidance(0, context)) - three[2:]
    assert torch.allclose(both, alone, atol=1e-4)


def test_guidance_compares_whole_context_alone_and_nothing() -> None:
    context, words, silence = torch.ones(1, 2, 3), torch.full((1, 2, 2), 5.0), torch.zeros(1, 2, 2)
    three = for_guidance(Condition(context, words, silence, {"more": torch.ones(1, 1)}))
    assert three.context.flatten(1).amax(1).tolist() == [1, 1, 0]
    assert three.words.flatten(1).amax(1).tolist() == [5, 0, 0]
    assert len(three.more["more"]) == 3


@given(some.integers(0, 5000), some.integers(4, 400), some.data())
def test_windows_cover_all_and_none_is_in_vain(
    length: int, window: int, data: some.DataObject
) -> None:
    overlap = data.draw(some.integers(0, window // 2))
    starts = window_starts(length, window, overlap)
    assert starts[0] == 0 and starts[-1] + window >= length
    assert all(after - before == window - overlap for before, after in pairwise(starts))
    assert all(start + overlap < length for start in starts[1:])


def test_contexts_are_heard_at_one_level() -> None:
    loud = noise(1, 2000, 0, loudness=0.6)
    assert float((loud.samples * gain_of(loud)).std()) == pytest.approx(LEVEL, rel=1e-3)
    assert gain_of(Recording(np.zeros((2, 100), np.float32), 2000)) == 1
    assert gain_of(Recording(np.zeros((2, 0), np.float32), 2000)) == 1


@pytest.fixture
def engine(widened: Pretrained, tmp_path: Path) -> PretrainedEngine:
    widened.save(tmp_path)
    return PretrainedEngine(tmp_path)


def test_the_engine_s_stem_is_as_long_as_the_mix_and_as_loud_beside_it(
    engine: PretrainedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(riffusion_image, "PHASE_STEPS", 1)
    mix = noise(0.3, 11_025, 1)
    before = mix.samples.copy()
    request = StemRequest(mix, "drums", "add rock drums", seed=3, steps=2)
    stem = engine.stem(request)
    assert stem.shape == mix.samples.shape and stem.dtype == np.float32
    assert np.array_equal(mix.samples, before)
    louder = Recording(mix.samples * np.float32(3), mix.sample_rate)
    twice = engine.stem(StemRequest(louder, "drums", "add rock drums", seed=3, steps=2))
    assert np.abs(twice - 3 * stem).max() < 1e-2 * np.abs(twice).max()
    wordless = engine.stem(StemRequest(mix, "drums", seed=3, steps=2))
    named = engine.stem(StemRequest(mix, "drums", "Add drums", seed=3, steps=2))
    assert np.array_equal(wordless, named)


def test_what_the_engine_cannot_do_it_says(engine: PretrainedEngine) -> None:
    mix = noise(0.1, 2000, 1)
    with pytest.raises(InstrumentError):
        engine.stem(StemRequest(mix, "kazoo"))
    beat = Strokes(np.zeros(1), np.ones(1), np.full(1, 36), np.full(1, 90))
    with pytest.raises(OptionError, match="led by notes"):
        engine.stem(StemRequest(mix, "drums", notes=beat))


def spoilt(folder: Path, work: Path, name: str) -> Path:
    """A model folder one of whose files is missing or nonsense."""
    copy = work / name
    if name == "missing":
        return copy
    shutil.copytree(folder, copy)
    index = copy / "model_index.json"
    if name == "empty":
        index.unlink()
    elif name == "json":
        index.write_text("{")
    elif name == "other":
        index.write_text(json.dumps({"_class_name": "FluxPipeline"}))
    else:
        for weights in copy.rglob("*.safetensors"):
            weights.unlink()
    return copy


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("missing", OptionError, "no model folder"),
        ("empty", OptionError, "no model_index.json"),
        ("other", OptionError, "FluxPipeline"),
        ("json", FileFormatError, "damaged JSON"),
        ("weights", FileFormatError, "cannot be loaded"),
    ],
)
def test_a_folder_that_cannot_serve_gives_one_sentence(
    folder: Path, tmp_path: Path, name: str, error: type[MusicError], words: str
) -> None:
    with pytest.raises(error, match=words) as told:
        open_model(spoilt(folder, tmp_path, name))
    assert "\n" not in str(told.value)


def test_a_model_that_never_learned_to_hear_a_mix_is_refused(folder: Path) -> None:
    with pytest.raises(OptionError, match="fine-tune"):
        PretrainedEngine(folder)


def test_riffusion_subtracts_the_context_from_a_full_mix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(riffusion_image, "PHASE_STEPS", 1)
    model = open_model(tiny.riffusion(tmp_path))
    model.widen()
    context = heard_by(noise(1.0, model.sample_rate, 1), model)

    def untouched(condition: Condition, *_: object) -> torch.Tensor:
        """A sampler that performs no edit: it paints the context."""
        scale: float = model._scale  # type: ignore[attr-defined]  # its own
        return condition.context * scale

    monkeypatch.setattr(model, "_sampled", untouched)
    stem = model.insert(context, Sampling("", 1, model.guidance, 0), lambda _: None)
    assert stem.abs().max() < 1e-4 * LEVEL


def test_the_target_is_remembered_and_not_confused(tmp_path: Path) -> None:
    model = open_model(tiny.riffusion(tmp_path / "start"), "stem")
    model.widen()
    model.save(tmp_path / "end")
    with pytest.raises(OptionError, match="fine-tuned to paint the stem"):
        open_model(tmp_path / "end", "mix")
    assert open_model(tmp_path / "end")._target == "stem"  # type: ignore[attr-defined]  # its own
