"""The writer: who sees what, and the same logits from the training module and from the cache."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from scoretokens.grid import to_grid
from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError
from subtractive.instruments import INSTRUMENTS
from symbolic.cached import Cache, CachedWriter, Steps
from symbolic.checkpoint import load_weights, save_weights
from symbolic.config import WriterConfig
from symbolic.frames import WIDTH
from symbolic.lessons import Lesson, lesson
from symbolic.rows import DURATIONS, MAIN, VELOCITIES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # x-transformers uses what torch deprecates
    from symbolic.batches import collate
    from symbolic.transformer import Batch, Writer, losses

TOY = WriterConfig(dim=48, depth=2, encoder_depth=2, head_dim=16)
CLOSE = 1e-4
ROWS = ("main", "duration", "velocity", "frame", "position", "place")


@pytest.fixture
def model() -> Writer:
    """A toy with random weights of a size at which everything matters."""
    torch.manual_seed(440)
    writer = Writer(TOY).eval()
    with torch.no_grad():
        for name, weights in writer.named_parameters():
            if name.endswith(".g"):
                weights.normal_(std=0.2)  # gains, kept as offsets from one
            elif weights.ndim == 2:
                weights.normal_(std=0.3)
    return writer


@pytest.fixture
def lessons(song: Arrangement) -> list[Lesson]:
    """One of each instrument, of three different lengths."""
    found = (lesson(to_grid(song), instrument, 0, None) for instrument in INSTRUMENTS)
    return [one for one in found if one is not None]


@pytest.fixture
def batch(lessons: list[Lesson]) -> Batch:
    return collate(lessons)


def states(model: Writer, batch: Batch) -> Tensor:
    return model.hidden(
        batch, model.encode(batch.frames, batch.frame_mask, batch.instrument, batch.wishes)
    )


def gradients(
    model: Writer, batch: Batch, chosen: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """How much each row's token and each frame matters to what is chosen of the states."""
    inputs: list[Tensor] = []

    def keep(_: object, __: object, output: Tensor) -> None:
        output.retain_grad()
        inputs.append(output)

    handle = model.main.register_forward_hook(keep)
    frames = batch.frames.clone().requires_grad_()
    chosen(states(model, replace(batch, frames=frames))).sum().backward()  # type: ignore[no-untyped-call]
    handle.remove()
    tokens = inputs[0].grad
    assert tokens is not None
    assert frames.grad is not None
    return tokens.abs().sum(-1), frames.grad.abs().sum(-1)


@pytest.mark.parametrize("row", [0, 1, 17, 40])
def test_a_row_sees_itself_and_those_before_it_alone(model: Writer, batch: Batch, row: int) -> None:
    by_row, _ = gradients(model, batch, lambda hidden: hidden[0, row])
    assert (by_row[0, : row + 1] > 0).all()
    assert not by_row[0, row + 1 :].any()
    # nor does a song see another one
    assert not by_row[1:].any()


def test_every_row_sees_the_whole_context(model: Writer, batch: Batch) -> None:
    """The encoder looks both ways: what comes later in the song matters to its first row."""
    for row in (0, 30):
        _, by_frame = gradients(model, batch, lambda hidden, row=row: hidden[0, row])  # type: ignore[misc]
        assert (by_frame[0] > 0).all()
        assert not by_frame[1:].any()


def test_a_row_is_given_the_frame_of_its_own_moment(model: Writer, batch: Batch) -> None:
    """And through the rows before it those of their moments: of no other, and of no later one."""
    seen = model.encode(batch.frames, batch.frame_mask, batch.instrument, batch.wishes).detach()
    seen.requires_grad_()
    row = 30
    model.hidden(batch, seen)[0, row].sum().backward()  # type: ignore[no-untyped-call]
    assert seen.grad is not None
    given = seen.grad.abs().sum(-1)[0].nonzero()[:, 0].tolist()
    assert given == sorted(set(batch.frame[0, : row + 1].tolist()))
    assert given[-1] == batch.frame[0, row]


def test_padding_is_not_heard(model: Writer, lessons: list[Lesson], song: Arrangement) -> None:
    """A lesson alone, or beside a longer one: the same states."""
    short = lesson(to_grid(song), "bass", 0, None, window=4)
    assert short is not None
    assert len(short.frames) < len(lessons[0].frames)
    assert len(short.rows) < len(lessons[0].rows)
    beside = states(model, collate([lessons[0], short]))[1, : len(short.rows)]
    alone = states(model, collate([short]))[0]
    assert torch.allclose(alone, beside, atol=CLOSE)


def test_padding_costs_nothing(model: Writer, lessons: list[Lesson], batch: Batch) -> None:
    together = losses(model(batch), batch).sum(1)
    for one, loss in zip(lessons, together, strict=True):
        single = collate([one])
        assert torch.allclose(losses(model(single), single).sum(), loss, rtol=1e-4)


@torch.no_grad()
def test_the_loss_is_the_likelihood_of_every_attribute(model: Writer, batch: Batch) -> None:
    """Added up by hand from probabilities, for one song."""
    main, duration, velocity = (logits[2].softmax(-1) for logits in model(batch))
    expected = 0.0
    for row in range(len(main)):
        token, length, loud = (getattr(batch, name)[2, row + 1] for name in ROWS[:3])
        if token < 0:
            continue
        expected -= float(main[row, token].log())
        expected -= float(duration[row, length].log()) if length else 0
        expected -= float(velocity[row, loud].log()) if loud else 0
    assert float(losses(model(batch), batch)[2].sum()) == pytest.approx(expected, rel=1e-4)


@torch.no_grad()
def test_an_untrained_writer_knows_nothing(batch: Batch) -> None:
    """Close to a uniform choice among all tokens."""
    torch.manual_seed(0)
    fresh = Writer(TOY).eval()
    loss = float(losses(fresh(batch), batch).sum())
    notes = int((batch.velocity > 0).sum())
    lengths = int((batch.duration > 0).sum())
    steps = int((batch.main[:, 1:] >= 0).sum())
    uniform = steps * np.log(MAIN) + lengths * np.log(DURATIONS) + notes * np.log(VELOCITIES)
    assert loss == pytest.approx(uniform, rel=0.1)


@pytest.fixture
def cached(model: Writer) -> CachedWriter:
    return CachedWriter(TOY, {name: tensor.detach() for name, tensor in model.state_dict().items()})


def steps_of(batch: Batch, rows: slice) -> Steps:
    columns = {name: getattr(batch, name)[:, rows] for name in ROWS}
    known = columns["main"] >= 0
    return Steps(**{**columns, "main": columns["main"].clamp(min=0)}, mask=known)


def check_states(model: Writer, batch: Batch, fed: Tensor) -> None:
    expected = states(model, batch)
    real = batch.main >= 0
    assert float((fed - expected).abs()[real].max().detach()) < CLOSE


@torch.no_grad()
def test_the_encoder_is_the_same(
    model: Writer, cached: CachedWriter, lessons: list[Lesson]
) -> None:
    short = replace(lessons[1], frames=lessons[1].frames[:50])
    batch = collate([lessons[0], short])
    context = (batch.frames, batch.frame_mask, batch.instrument, batch.wishes)
    apart = (model.encode(*context) - cached.encode(*context).seen).abs()
    assert float(apart[batch.frame_mask].max()) < CLOSE


@torch.no_grad()
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_fed_in_any_chunks_the_states_are_those_of_training(
    model: Writer, cached: CachedWriter, batch: Batch, chunk: int
) -> None:
    """With padding, since the three songs differ in length, and with a cache that must grow."""
    heard = cached.encode(batch.frames, batch.frame_mask, batch.instrument, batch.wishes)
    count = batch.main.shape[1]
    cache = Cache(TOY, len(batch.main), min(chunk, count))
    fed = []
    for start in range(0, count, chunk):
        steps = steps_of(batch, slice(start, start + chunk))
        if cache.length:
            cache.make_room(steps.main.shape[1])
        fed.append(cached.feed(steps, heard, cache))
    assert cache.length == count
    check_states(model, batch, torch.cat(fed, dim=1))


@torch.no_grad()
def test_a_prompt_with_padding_and_then_step_by_step(
    model: Writer, cached: CachedWriter, lessons: list[Lesson]
) -> None:
    """As sampling does: prompts of different lengths side by side, then one row at a time."""
    batch = collate(lessons)
    prompts = (5, 9, 2)
    heard = cached.encode(batch.frames, batch.frame_mask, batch.instrument, batch.wishes)
    cache = Cache(TOY, len(prompts), 40)
    first = steps_of(batch, slice(0, max(prompts)))
    mask = torch.arange(max(prompts))[None] < torch.tensor(prompts)[:, None]
    hidden = cached.feed(replace(first, mask=mask), heard, cache)
    found = [[hidden[song, : prompts[song]]] for song in range(3)]
    for step in range(min(len(one.rows) for one in lessons) - max(prompts)):
        at = torch.tensor(prompts)[:, None] + step
        columns = {name: getattr(batch, name).gather(1, at) for name in ROWS}
        steps = Steps(**columns, mask=torch.ones(3, 1, dtype=torch.bool))
        hidden = cached.feed(steps, heard, cache)
        for song in range(3):
            found[song].append(hidden[song])
    expected = states(model, batch)
    for song, pieces in enumerate(found):
        rows = torch.cat(pieces)
        assert float((rows - expected[song, : len(rows)]).abs().max()) < CLOSE


@torch.no_grad()
def test_logits_of_every_attribute_are_those_of_training(
    model: Writer, cached: CachedWriter, batch: Batch
) -> None:
    main, duration, velocity = model(batch)
    heard = cached.encode(batch.frames, batch.frame_mask, batch.instrument, batch.wishes)
    cache = Cache(TOY, len(batch.main), batch.main.shape[1])
    hidden = cached.feed(steps_of(batch, slice(None)), heard, cache)[:, :-1]
    time = batch.frame[:, :-1], batch.position[:, :-1]
    following, length = batch.main[:, 1:].clamp(min=0), batch.duration[:, 1:]
    real = batch.main[:, 1:] >= 0
    for expected, found in (
        (main, cached.main_logits(hidden, heard, *time)),
        (duration, cached.duration_logits(hidden, following)),
        (velocity, cached.velocity_logits(hidden, following, length)),
    ):
        assert float((found - expected).abs()[real].max()) < CLOSE


def test_shapes(model: Writer, batch: Batch) -> None:
    main, duration, velocity = model(batch)
    size, rows = batch.main.shape
    assert batch.frames.shape[2] == WIDTH
    assert main.shape == (size, rows - 1, MAIN)
    assert duration.shape == (size, rows - 1, DURATIONS)
    assert velocity.shape == (size, rows - 1, VELOCITIES)


def test_weights_come_back_from_disk(tmp_path: Path, model: Writer, batch: Batch) -> None:
    """Rounded to bf16 once: saved again they are the same bytes."""
    folder = tmp_path / "new" / "weights"
    save_weights(folder, TOY, model.state_dict())
    config, weights = load_weights(folder)
    assert config == TOY
    assert weights.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(weights[name], tensor.to(torch.bfloat16).float())
    model.load_state_dict(weights)
    content = (folder / "writer.safetensors").read_bytes()
    save_weights(folder, config, weights)
    assert (folder / "writer.safetensors").read_bytes() == content
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "writer.safetensors"]


def test_an_unknown_size_is_an_error_never_ignored(tmp_path: Path, model: Writer) -> None:
    save_weights(tmp_path, TOY, model.state_dict())
    sizes = TOY.to_dict()
    assert WriterConfig.from_dict(sizes) == TOY
    assert set(sizes) == {field.name for field in fields(WriterConfig)}
    (tmp_path / "config.json").write_text(json.dumps({**sizes, "heads": 8, "width": 3}), "utf-8")
    with pytest.raises(FileFormatError, match="names heads, width, which this version"):
        load_weights(tmp_path)


def test_a_folder_without_weights_is_told_apart(tmp_path: Path, model: Writer) -> None:
    with pytest.raises(FileFormatError, match=r"no weights in .*symbolic\.train"):
        load_weights(tmp_path / "nowhere")
    save_weights(tmp_path, TOY, model.state_dict())
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileFormatError, match="no weights in"):
        load_weights(tmp_path)
