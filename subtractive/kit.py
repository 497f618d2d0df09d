"""What only drums have: which drums, on which beats, with which fills."""

from __future__ import annotations

from math import nan

import numpy as np

from subtractive.placed import EARLY, QUARTER, Bools, Ints, Placed, share

KICKS = (35, 36)
# What drums are compared in; shakers, bells and hand drums are in none of the classes.
DRUM_CLASSES: dict[str, tuple[int, ...]] = {
    "kick": KICKS,
    "snare": (37, 38, 39, 40),
    "hats": (42, 44, 46),
    "toms": (41, 43, 45, 47, 48, 50),
    "cymbals": (49, 51, 52, 53, 55, 57, 59),
}

KICK, SNARE, SIDE_STICK, HAT, RIDE, CRASH, TOM, HAND, SHAKER, COWBELL, CLAP, ELSE = range(12)
# 22 and 26 are the rims of electronic hats; pedalled hats (44) mark beats, they divide none
_KIT = {
    KICK: KICKS,
    SNARE: (38, 40),
    SIDE_STICK: (37,),
    HAT: (22, 26, 42, 46),
    RIDE: (51, 53, 59),
    CRASH: (49, 52, 55, 57),
    TOM: (41, 43, 45, 47, 48, 50),
    HAND: (60, 61, 62, 63, 64, 65, 66),
    SHAKER: (54, 69, 70, 82),
    COWBELL: (56,),
    CLAP: (39,),
}
KIND = np.full(128, ELSE)
for _kind, _keys in _KIT.items():
    KIND[list(_keys)] = _kind


def kit_facts(placed: Placed, kind: Ints) -> dict[str, float]:
    """Return the facts of drums; `kind` is each stroke's, as in `KIND`."""
    count = len(placed.bars) - 1
    total = np.bincount(kind, minlength=ELSE + 1)
    per_quarter = total / placed.quarters
    velocity = placed.notes["velocity"]
    snare, kick = kind == SNARE, kind == KICK
    backbone = velocity[snare | kick]
    loud = bool((velocity[snare] > 80).any())
    strokes = max(len(kind), 1)
    snares = total[SNARE] + total[SIDE_STICK]
    return {
        "hats_per_quarter": float(per_quarter[HAT]),
        "rides_per_quarter": float(per_quarter[RIDE]),
        "kicks_per_quarter": float(per_quarter[KICK]),
        "backbone_velocity": float(backbone.mean()) if len(backbone) else nan,
        "tom_share": float(total[TOM] / strokes),
        "ghost_share": share(velocity[snare] < 50) if loud else 0.0,
        "stick_share": float(total[SIDE_STICK] / snares) if snares else nan,
        "hand_share": float(total[HAND] / strokes),
        "shaker_share": float(total[SHAKER] / strokes),
        "cowbell_share": float(total[COWBELL] / strokes),
        "claps_per_bar": float(total[CLAP] / count),
        "crashes_per_bar": float(total[CRASH] / count),
        **_beats(placed, kind),
        **_fills(placed, (kind == TOM) | snare),
    }


def _beats(placed: Placed, kind: Ints) -> dict[str, float]:
    """Return which quarters kick and snare fall on."""
    length = np.diff(placed.bars)
    played = np.bincount(placed.bar, minlength=len(length)) > 0
    four = played & (length == 4 * QUARTER)
    kick = placed.quarters_of(kind == KICK)
    snare = placed.quarters_of((kind == SNARE) | (kind == CLAP))[four]
    beats = np.arange(4) * QUARTER < length[:, None]
    one, two, three, fourth = snare.T
    return {
        "floor_share": share(kick[played][beats[played]]),
        "backbeat_share": share(two & fourth),
        "halftime_share": share(three & ~two & ~fourth & ~one),
        "onedrop_share": share(kick[four, 2] & ~kick[four, 0]),
    }


def _fills(placed: Placed, rolled: Bools) -> dict[str, float]:
    length = np.diff(placed.bars)
    late = rolled & (placed.offset >= length[placed.bar] / 2 - EARLY)
    count = np.bincount(placed.bar[late], minlength=len(length))
    found = np.flatnonzero(count >= float(np.median(count)) + 3)
    gaps = np.diff(found)
    regular = len(found) > 1 and not (gaps % 4).any()
    return {"fills_per_bar": len(found) / len(length), "phrase_fills": float(regular)}
