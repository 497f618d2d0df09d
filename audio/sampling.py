"""Drawing a stem's latents of any length: windows that are denoised together, without seams.

At every step the whole stem is cut into overlapping windows, the model looks at each of them, and
what it says of the overlaps is cross-faded (MultiDiffusion, Bar-Tal et al. 2023). Cost grows
linearly with the length; the steps are those of a second-order solver (DPM-Solver++, Lu et al.
2022).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from audio.diffusion import Conditions, StemDiffusion, word_rows

with warnings.catch_warnings():
    # diffusers' own imports warn of parts of torch that are to go
    warnings.simplefilter("ignore")
    from diffusers.schedulers.scheduling_edm_dpmsolver_multistep import (
        EDMDPMSolverMultistepScheduler,
    )

WINDOW, OVERLAP = 160, 40  # latents
BATCH = 8  # windows that the model looks at together
MOST_NOISE, LEAST_NOISE = 80.0, 0.02


@dataclass(frozen=True)
class Guidance:
    """How much further than it would by itself the model goes towards what it is told.

    1 is not at all, 0 ignores it. Two scales as in InstructPix2Pix (Brooks et al. 2023): one for
    the mix, and one for words beside it.
    """

    context: float = 2.0
    words: float = 1.5


class _Solver(EDMDPMSolverMultistepScheduler):  # type: ignore[misc]  # diffusers has no types
    """The solver with noise levels told to the model as angles from 0 to 1."""

    def precondition_noise(self, sigma: Tensor | float) -> Tensor:
        return torch.atan(torch.as_tensor(sigma)) * (2 / math.pi)


def solver(steps: int) -> _Solver:
    """Return a solver that takes `steps` steps from noise to a stem."""
    made = _Solver(
        sigma_min=LEAST_NOISE,
        sigma_max=MOST_NOISE,
        sigma_data=1.0,
        sigma_schedule="exponential",
        prediction_type="v_prediction",
        solver_order=2,
        final_sigmas_type="zero",
    )
    made.set_timesteps(steps)
    return made


@torch.inference_mode()
def draw(
    model: StemDiffusion,
    told: Conditions,
    *,
    steps: int,
    guidance: Guidance,
    generator: torch.Generator,
    report: Callable[[float], None] | None = None,
) -> Tensor:
    """Draw the latents of one stem.

    Parameters
    ----------
    model : StemDiffusion
    told : Conditions
        Of a batch of one, as long as the stem shall be.
    steps : int
    guidance : Guidance
    generator : torch.Generator
        On the CPU, so that every device draws the same noise.
    report : callable, optional
        Called with the share of the work that is done.

    Returns
    -------
    tensor [shape=(1, latent, time)]
    """
    place = told.context.device
    length = told.context.shape[2]
    plan = solver(steps)
    shape = (1, model.config.latent, length)
    noise = torch.randn(shape, generator=generator).to(place)
    stem = noise * plan.init_noise_sigma
    for done, time in enumerate(plan.timesteps):
        scaled = plan.scale_model_input(stem, time)
        v = _looked_at(model, scaled, time.to(place), told, guidance)
        (stem,) = plan.step(v, time, stem, return_dict=False)
        if report:
            report((done + 1) / steps)
    return torch.as_tensor(stem)


def spans(length: int) -> Iterator[tuple[int, int]]:
    """Yield the windows of a stem: first latent and the one after the last."""
    first = 0
    while first + WINDOW < length:
        yield first, first + WINDOW
        first += WINDOW - OVERLAP
    yield max(0, length - WINDOW), length


def _looked_at(
    model: StemDiffusion, noisy: Tensor, time: Tensor, told: Conditions, guidance: Guidance
) -> Tensor:
    """Return v of the whole stem, from what the model says of its windows."""
    length = noisy.shape[2]
    every = list(spans(length))
    total, weight = torch.zeros_like(noisy), torch.zeros(length, device=noisy.device)
    for first in range(0, len(every), BATCH):
        group = every[first : first + BATCH]
        pieces = torch.cat([noisy[..., low:high] for low, high in group])
        v = _guided(model, pieces, time, _cut(told, group, model.config.stride), guidance)
        fade = _fade(pieces.shape[2]).to(noisy.device)
        for (low, high), piece in zip(group, v, strict=True):
            total[0, :, low:high] += piece * fade
            weight[low:high] += fade
    return total / weight


def _fade(length: int) -> Tensor:
    """Return the weights of a window's latents: they rise and fall over the overlap."""
    ramp = (torch.arange(length) + 0.5) / OVERLAP
    return torch.minimum(ramp, ramp.flip(0)).clamp(max=1.0)


def _cut(told: Conditions, group: list[tuple[int, int]], stride: int) -> Conditions:
    """Return what is told of some windows, as a batch."""

    def pieces(track: Tensor, by: int = 1) -> Tensor:
        return torch.cat([track[..., low * by : high * by] for low, high in group])

    def same(value: Tensor) -> Tensor:
        return value.expand(len(group), *value.shape[1:])

    return Conditions(
        context=pieces(told.context),
        has_context=same(told.has_context),
        beats=pieces(told.beats),
        roll=pieces(told.roll, stride),
        has_roll=same(told.has_roll),
        words=same(told.words),
        instrument=same(told.instrument),
    )


def _guided(
    model: StemDiffusion, noisy: Tensor, time: Tensor, told: Conditions, guidance: Guidance
) -> Tensor:
    """Return v, further towards the mix and the words than the model by itself would go."""
    silent = word_rows([[]] * len(noisy)).to(noisy.device)
    unheard = torch.zeros_like(told.has_context)
    speechless = told._replace(words=silent.expand(-1, told.words.shape[1]))
    if told.words.is_floating_point():
        speechless = told._replace(words=torch.zeros_like(told.words))
    says_something = not torch.equal(speechless.words, told.words)
    views = [(speechless._replace(has_context=unheard), 1.0 - guidance.context)]
    if says_something:
        views += [(speechless, guidance.context - guidance.words), (told, guidance.words)]
    else:
        views += [(told, guidance.context)]
    views = [(view, weight) for view, weight in views if weight]
    times = time.expand(len(noisy))
    v = torch.zeros_like(noisy)
    for view, weight in views:
        with torch.autocast(noisy.device.type, torch.bfloat16):
            found = model(noisy, times, view)
        v += weight * found.float()
    return v
