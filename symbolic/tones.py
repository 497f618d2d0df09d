"""How a pitch stands to the harmony: the same question asked of each of the twelve pitch classes.

A plain output layer learns for every pitch by itself that it fits a chord. Here one small set of
weights serves all twelve: what the context says of a pitch class, and the interval from the chord's
root up to it. What is learned in one chord holds in every other.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own convention
from torch import Tensor

from scoretokens.vocabulary import vocabulary
from symbolic.frames import DRUM_CLASS, FRAME, SLICES

# What a frame says of each pitch class.
FEATURES = (
    "sounding",
    "struck",
    "lowest_class",
    "highest_class",
    "bass_class",
    "chord_root",
    "chord_tones",
    "chord_bass",
    "draft_struck",
    "draft_sounding",
)
_ROOT = FEATURES.index("chord_root")
INTERVALS = 12  # semitones up from the root, 0 to 11; index 12 means none
PITCH, KEYS = vocabulary().span("Pitch"), vocabulary().span("PitchDrum")
POSITIONS = vocabulary().span("Position")
BAR_FRAMES = -(-len(POSITIONS) // FRAME)  # of the longest bar
_DRUM_CLASS = torch.tensor(DRUM_CLASS[vocabulary().values("PitchDrum")])
_CLASS = torch.tensor(vocabulary().values("Pitch") % 12)
_ABOVE = (torch.arange(12)[None] - torch.arange(12)[:, None]) % 12  # interval of [root, class]


def tones_of(frames: Tensor) -> Tensor:
    """Return what frames say of each pitch class [shape=(..., 12, feature)]."""
    return torch.stack([frames[..., SLICES[name]] for name in FEATURES], dim=-1)


def strikes_of(frames: Tensor) -> Tensor:
    """Return which drums the draft strikes [shape=(..., DRUM_CLASSES)]."""
    return frames[..., SLICES["draft_drums"]]


def striking(weight: Tensor, strikes: Tensor) -> Tensor:
    """Return what is added to the logit of each drum key [shape=(..., key)].

    Parameters
    ----------
    weight : Tensor [shape=(..., 1)]
        How much the writer wants what the draft strikes just now.
    strikes : Tensor [shape=(..., DRUM_CLASSES)]
    """
    return (weight * strikes)[..., _DRUM_CLASS.to(weight.device)]


def bar_places(frame: Tensor, position: Tensor, frame_count: int) -> tuple[Tensor, Tensor]:
    """Return the frames of each row's bar, and which of them exist [shape=(..., BAR_FRAMES)].

    Parameters
    ----------
    frame, position : Tensors of int [shape=(...,)]
        As in `rows.Rows`.
    frame_count : int
    """
    first = frame - torch.div(position, FRAME, rounding_mode="floor")
    places = first[..., None] + torch.arange(BAR_FRAMES, device=frame.device)
    return places.clamp(max=frame_count - 1), places < frame_count


def by_position(of_bar: Tensor) -> Tensor:
    """Return what is said of a bar's frames for each position [shape=(..., position)].

    Parameters
    ----------
    of_bar : Tensor [shape=(..., BAR_FRAMES)]
    """
    return of_bar.repeat_interleave(FRAME, dim=-1)[..., : len(POSITIONS)]


def _own(values: Tensor, main: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values of each row's pitch class, and whether the row is a pitch at all."""
    pitched = (main >= PITCH.start) & (main < PITCH.stop)
    place = _CLASS.to(main.device)[(main - PITCH.start).clamp(0, len(PITCH) - 1)]
    index = place[..., None, None].expand(*place.shape, 1, values.shape[-1])
    return values.gather(-2, index).squeeze(-2), pitched


def told_of(main: Tensor, tones: Tensor) -> Tensor:
    """Return what is known of the pitch that each row plays [shape=(..., feature + 12)].

    The context's features of its pitch class, and its interval above the root, one-hot; all zero
    for a row that is no pitch.

    Parameters
    ----------
    main : Tensor of int [shape=(...,)]
    tones : Tensor [shape=(..., 12, feature)]
        At each row's time.
    """
    root = tones[..., _ROOT]
    intervals = F.one_hot(_ABOVE, 12).to(tones)  # root, class, interval
    above = torch.einsum("...r,rci->...ci", root, intervals.to(tones.device))
    own, pitched = _own(torch.cat([tones, above], dim=-1), main)
    return own * pitched[..., None]


def standing(sounding: Tensor, tones: Tensor) -> Tensor:
    """Return what is known of some pitch classes together [shape=(..., feature + 12)].

    The sums over the classes that sound of what `told_of` says of one.

    Parameters
    ----------
    sounding : Tensor [shape=(..., 12)]
        1 for each pitch class that sounds.
    tones : Tensor [shape=(..., 12, feature)]
    """
    features = (sounding[..., None, :] @ tones).squeeze(-2)
    intervals = F.one_hot(_ABOVE, 12).to(tones).to(tones.device)  # root, class, interval
    above = torch.einsum("...r,...c,rci->...i", tones[..., _ROOT], sounding, intervals)
    return torch.cat([features, above], dim=-1)


def above_root(weights: Tensor, tones: Tensor) -> Tensor:
    """Return what is added to the logit of each pitch class [shape=(..., 12)].

    Parameters
    ----------
    weights : Tensor [shape=(..., feature + 12)]
        What the writer wants of a pitch just now: context features, then intervals above the root.
    tones : Tensor [shape=(..., 12, feature)]
    """
    features, intervals = weights[..., :-INTERVALS], weights[..., -INTERVALS:]
    of_class: Tensor = (tones @ features[..., None]).squeeze(-1)
    turned = intervals[..., _ABOVE.to(weights.device)]  # root, class
    return of_class + (tones[..., None, :, _ROOT] @ turned).squeeze(-2)


def leaning(weights: Tensor, tones: Tensor) -> Tensor:
    """Return what is added to the logit of each pitch token [shape=(..., pitch)].

    The arguments are those of `above_root`.
    """
    return above_root(weights, tones)[..., _CLASS.to(weights.device)]
