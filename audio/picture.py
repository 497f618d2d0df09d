"""Seeing what was added: spectrograms of before, the stem and after, as a PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audio.bars import bar_lines
from subtractive.files.output import write_whole
from subtractive.waveform import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from audio.beats import BeatGrid

Levels = npt.NDArray[np.float32]

# inches
WIDTH, ROW, LEFT, RIGHT, HEADER, FOOTER, GAP = 15.0, 2.4, 0.75, 0.95, 0.25, 0.5, 0.28
DOTS_PER_INCH = 110
COLUMNS = 1600  # at most: a column keeps the loudest of its frames, so that strokes are seen
RANGE_DB = 75.0  # below the loudest band
MARGIN_BARS = 1  # beside the bars that are shown
HERTZ = (100, 500, 1000, 2000, 5000, 10_000)
NUMBERS = 24  # of bar lines at most

INK, GREY, LINE = "#22262e", "#6b717b", "#ffffff"


def draw(
    before: Recording,
    stem: Recording,
    after: Recording,
    path: Path,
    grid: BeatGrid | None = None,
    span: tuple[float, float] | None = None,
) -> None:
    """Draw three recordings of one length, one below the other, into the PNG file `path`.

    Parameters
    ----------
    before, stem, after : Recording
    path : Path
    grid : BeatGrid, optional
        Its bar lines are drawn, and numbered.
    span : tuple of float, optional
        Begin and end in seconds of some bars: only these are drawn, and a bar on either side.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    # both take seconds: only who wants a picture waits for them
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    lines = np.zeros(0) if grid is None else bar_lines(grid, before.seconds)
    start, stop = 0.0, before.seconds
    if span is not None and len(lines) > 1:
        bar = float(np.median(np.diff(lines))) * MARGIN_BARS
        start, stop = max(0.0, span[0] - bar), min(stop, span[1] + bar)
    rows = [("before", before), ("stem", stem), ("after", after)]
    levels = [_levels(recording.cut(start, stop)) for _, recording in rows]
    top = max(float(each.max()) for each in levels)
    height = HEADER + 3 * (ROW + GAP) + FOOTER - GAP
    figure = Figure((WIDTH, height), DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    for number, ((name, _), level) in enumerate(zip(rows, levels, strict=True)):
        bottom = FOOTER + (2 - number) * (ROW + GAP)
        axes = figure.add_axes(
            (LEFT / WIDTH, bottom / height, 1 - (LEFT + RIGHT) / WIDTH, ROW / height)
        )
        shown = axes.imshow(
            level, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
            vmin=top - RANGE_DB, vmax=top, extent=(start, stop, -0.5, len(level) - 0.5),
        )  # fmt: skip
        axes.text(
            0.006, 0.95, name, transform=axes.transAxes, fontsize=10, fontweight="bold",
            color=LINE, va="top", bbox={"facecolor": INK, "edgecolor": "none", "alpha": 0.7},
        )  # fmt: skip
        _mark_bands(axes)
        _mark_bars(axes, lines, start, stop)
        axes.tick_params(labelsize=8, color=GREY, labelcolor=GREY, labelbottom=number == 2)
    axes.set_xlabel("seconds", fontsize=9, color=GREY)
    bar_axes = figure.add_axes(
        (1 - 0.75 * RIGHT / WIDTH, FOOTER / height, 0.12 / WIDTH, ROW / height)
    )
    figure.colorbar(shown, cax=bar_axes)
    bar_axes.tick_params(labelsize=8, color=GREY, labelcolor=GREY)
    bar_axes.set_title("dB", fontsize=8, color=GREY)
    whole = io.BytesIO()
    figure.savefig(whole, format="png", metadata={"Software": None})
    write_whole(path, whole.getvalue())


def _levels(recording: Recording) -> Levels:
    """Return the power of the mel bands in dB [shape=(band, column)]."""
    import torch  # noqa: PLC0415

    from audio.mel import RATE, log_mel  # noqa: PLC0415

    found: Levels = log_mel(torch.from_numpy(recording.resampled(RATE).mono())).numpy()
    frames = found.shape[1]
    edges = np.unique(np.linspace(0, frames, min(frames, COLUMNS) + 1).astype(np.int64))
    return np.maximum.reduceat(found, edges[:-1], axis=1)


def _mark_bands(axes: Axes) -> None:
    """Write which frequencies the bands are."""
    from audio.mel import FFT, RATE, filters  # noqa: PLC0415

    weights = filters().numpy()
    centres = weights @ np.arange(weights.shape[1]) / weights.sum(axis=1) * RATE / FFT
    words = [f"{hertz // 1000} kHz" if hertz >= 1000 else f"{hertz} Hz" for hertz in HERTZ]
    axes.set_yticks(np.interp(HERTZ, centres, np.arange(len(centres))), words)


def _mark_bars(axes: Axes, lines: npt.NDArray[np.float64], start: float, stop: float) -> None:
    """Draw and number the bar lines; where they are many, every second one, or third, or so."""
    shown = [(bar, at) for bar, at in enumerate(lines, start=1) if start <= at < stop]
    shown = shown[:: max(1, -(-len(shown) // NUMBERS))]
    across, times = axes.get_xaxis_transform(), [at for _, at in shown]
    axes.vlines(times, 0, 1, transform=across, color=LINE, linewidth=0.6, alpha=0.45)
    for bar, at in shown:
        axes.annotate(
            str(bar), (at, 1), (1, 2), xycoords=across, textcoords="offset points",
            fontsize=7, color=GREY,
        )  # fmt: skip
