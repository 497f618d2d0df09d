"""What a metric is to its tables: what it compares, which way is better, what a failure costs."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["withheld", "context", "part"]
Better = Literal["higher", "lower", "nearer"]


class Measure(NamedTuple):
    """One metric as tables know it.

    Attributes
    ----------
    name : str
        Key in what `evaluate` returns.
    kind : "withheld", "context" or "part"
        What the part is held against: the part that was taken out, the other players, or nothing.
    better : "higher", "lower" or "nearer"
        "nearer": neither more nor less is better in itself; what counts is the distance to the
        value of the true part of the same song. (A part of nothing but chord tones is no better
        than a musician's.)
    worst : float
        What a song counts on which the writer failed: of "nearer" metrics it is the distance.
    median : bool
        Ratios of densities have wild means: their median song is tabled.
    """

    name: str
    kind: Kind
    better: Better
    worst: float
    median: bool = False
