"""Seeing an arrangement: a piano roll in which the added parts stand out, as a PNG."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subtractive.arrangement import Arrangement, ChordSymbol, bars
from subtractive.files.output import write_whole
from subtractive.files.systems import (
    Lanes,
    System,
    Voice,
    common_lanes,
    drum_marks,
    systems_of,
    voices_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

# inches
WIDTH, LEFT, RIGHT = 15.0, 0.75, 0.25
HEADER, CHORDS, NUMBERS, DRUM_ROW, GAP = 0.85, 0.28, 0.2, 0.15, 0.14
SEMITONE, NOTE, LOWEST_LANE, HIGHEST_LANE = 0.066, 0.05, 0.9, 2.8
DOTS_PER_INCH = 110

INK, GREY, FAINT, FAINTER = "#22262e", "#6b717b", "#c9cdd4", "#eceef1"
DRUM_PAPER, NO_CHORD_PAPER = "#fafafb", "#f9efd2"


def draw(
    arrangement: Arrangement,
    path: Path,
    added: Sequence[int] = (),
    title: str | None = None,
) -> None:
    """Draw `arrangement` as a piano roll into the PNG file `path`.

    The same music gives the same bytes for one version of matplotlib.

    Parameters
    ----------
    arrangement : Arrangement
    path : Path
    added : sequence of int
        Indices of the added parts; they are drawn in colour, each instrument in its own, over the
        greys of the others.
    title : str, optional

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    # matplotlib takes most of a second: only who wants a picture waits for it
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    all_bars = bars(arrangement)
    systems, voices = systems_of(all_bars), voices_of(arrangement.parts, frozenset(added))
    lanes = common_lanes(systems, voices)
    inches = CHORDS + _pitch_inches(lanes) + DRUM_ROW * len(lanes.drum_rows) + NUMBERS + GAP
    figure = Figure((WIDTH, HEADER + len(systems) * inches), DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    whole = io.BytesIO()
    with warnings.catch_warnings():
        # a name in a script that the font lacks shows as boxes, which is no reason for noise
        warnings.filterwarnings("ignore", message="Glyph")
        _draw_header(figure, title or "", _facts(arrangement, len(all_bars)), voices)
        for place, system in enumerate(systems):
            _draw_system(figure, HEADER + place * inches, system, lanes, voices, arrangement)
        figure.savefig(whole, format="png", metadata={"Software": None})
    write_whole(path, whole.getvalue())


def _pitch_inches(lanes: Lanes) -> float:
    return min(max(SEMITONE * (lanes.highest - lanes.lowest), LOWEST_LANE), HIGHEST_LANE)


def _facts(arrangement: Arrangement, bar_count: int) -> str:
    """Return the words beside the title: length, metre, tempo."""
    metres = [*dict.fromkeys(f"{m.numerator}/{m.denominator}" for m in arrangement.metres)]
    tempo = round(60e6 / arrangement.tempo_at(0))
    plural = "" if bar_count == 1 else "s"
    return f"{bar_count} bar{plural}  ·  {', '.join(metres[:4]) or '4/4'}  ·  ♩ = {tempo}"


def _draw_header(figure: Figure, title: str, facts: str, voices: tuple[Voice, ...]) -> None:
    """Write the title, and below it which colour is which part, the added ones first."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    page = figure.add_axes((0, 0, 1, 1), frameon=False)
    page.set(xlim=(0, WIDTH), ylim=(figure.get_figheight(), 0), xticks=[], yticks=[])

    def write(left: float, height: float, words: str, **style: Any) -> float:
        usual: dict[str, Any] = {"size": 9, "color": INK, "va": "center_baseline"}
        text = page.text(left, height, words, **(usual | style), parse_math=False)
        return _span(text, page)[1]

    edge = write(LEFT, 0.35, title, size=15, weight="bold") + 0.2 if title else LEFT
    write(edge, 0.35, facts, size=10, color=GREY)
    edge = LEFT
    heard = sorted((v for v in voices if len(v.notes)), key=lambda voice: not voice.is_added)
    for place, voice in enumerate(heard):
        words = f"{voice.label} (added)" if voice.is_added else voice.label
        if edge + 0.09 * len(words) > WIDTH - 1.2:
            write(edge, 0.67, f"and {len(heard) - place} more", color=GREY)
            break
        page.add_patch(Rectangle((edge, 0.61), 0.2, 0.12, color=voice.colour))
        weight = "bold" if voice.is_added else "normal"
        edge = write(edge + 0.27, 0.67, words, weight=weight) + 0.25


def _span(text: Text, axes: Axes) -> tuple[float, float]:
    """Return where `text` begins and ends, in the coordinates of `axes`."""
    extent = axes.transData.inverted().transform(text.get_window_extent())
    return float(extent[0, 0]), float(extent[1, 0])


def _draw_system(
    figure: Figure,
    top: float,
    system: System,
    lanes: Lanes,
    voices: tuple[Voice, ...],
    arrangement: Arrangement,
) -> None:
    """Draw one system, `top` inches below the top of the page."""
    quarter = arrangement.ticks_per_beat
    height = _pitch_inches(lanes)
    lane = _lane(figure, top + CHORDS, height, system, lanes)
    lane.set_ylim(lanes.lowest, lanes.highest)
    octaves = range(12 * math.ceil(lanes.lowest / 12), lanes.highest, 12)
    lane.set_yticks([c + 0.5 for c in octaves], [f"C{c // 12 - 1}" for c in octaves])
    lane.hlines(octaves, system.onset, system.end, color=FAINT, lw=0.5, zorder=1)
    _draw_chords(lane, arrangement.chords, system, lanes)
    thickness = max(1.0, NOTE * (lanes.highest - lanes.lowest) / height)
    for voice in voices:
        if not voice.is_drums:
            _draw_notes(lane, voice, voice.notes, system, quarter, thickness)
    if lanes.drum_rows:
        count = len(lanes.drum_rows)
        lane = _lane(figure, top + CHORDS + height, DRUM_ROW * count, system, lanes)
        lane.set(ylim=(0, count), facecolor=DRUM_PAPER)
        lane.set_yticks([row + 0.5 for row in range(count)], lanes.drum_rows)
        lane.hlines(range(count), system.onset, system.end, color=FAINTER, lw=0.6, zorder=1)
        for voice in voices:
            if voice.is_drums:
                _draw_notes(lane, voice, drum_marks(voice.notes, quarter), system, quarter)
    _number_bars(lane, system, lanes)


def _lane(figure: Figure, top: float, inches: float, system: System, lanes: Lanes) -> Axes:
    """Return axes over the system's ticks, with a line at each bar and a fainter one at a beat."""
    height = figure.get_figheight()
    width = (WIDTH - LEFT - RIGHT) * (system.end - system.onset) / lanes.ticks
    axes = figure.add_axes(
        (LEFT / WIDTH, 1 - (top + inches) / height, width / WIDTH, inches / height)
    )
    axes.set(xlim=(system.onset, system.end), xticks=[])
    axes.tick_params(length=0, labelsize=7.5, labelcolor=GREY, pad=4)
    for spine in axes.spines.values():
        spine.set(color=FAINT, linewidth=0.8)
    beats = [tick for bar in system.bars for tick in range(bar.onset, bar.end, bar.beat)]
    across = axes.get_xaxis_transform()
    axes.vlines(beats, 0, 1, color=FAINTER, lw=0.5, zorder=0, transform=across)
    onsets = [bar.onset for bar in system.bars]
    axes.vlines(onsets, 0, 1, color=FAINT, lw=0.9, zorder=0.5, transform=across)
    return axes


def _number_bars(lane: Axes, system: System, lanes: Lanes) -> None:
    """Write the bars' numbers below the lowest lane, as many as have room."""
    room = 0.32 / (WIDTH - LEFT - RIGHT) * lanes.ticks
    free: float = system.onset
    for number, bar in enumerate(system.bars, start=system.number):
        if bar.onset >= free:
            place = (bar.onset, lane.get_ylim()[0])
            style: dict[str, Any] = {"size": 7.5, "color": GREY, "va": "top"}
            lane.annotate(str(number), place, (1, -4), textcoords="offset points", **style)
            free = bar.onset + room


def _draw_chords(lane: Axes, chords: tuple[ChordSymbol, ...], system: System, lanes: Lanes) -> None:
    """Write the chord symbols above the lane, those on bar lines first, as many as have room.

    A chord held from the system before is repeated in brackets. Where nobody plays a chord the
    lane's paper is another one.
    """
    ends = [*(chord.tick for chord in chords[1:]), system.end]
    here = [
        (max(chord.tick, system.onset), min(end, system.end), chord)
        for chord, end in zip(chords, ends, strict=False)
        if chord.tick < system.end and end > system.onset
    ]
    bar_lines = {bar.onset for bar in system.bars}
    margin = RIGHT / (WIDTH - LEFT - RIGHT) * lanes.ticks
    taken = [(system.end + 0.8 * margin, math.inf)]
    for onset, end, chord in sorted(here, key=lambda row: (row[0] not in bar_lines, row[0])):
        if chord.root is None:
            lane.axvspan(onset, end, color=NO_CHORD_PAPER, lw=0, zorder=-1)
        is_held = chord.tick < system.onset
        for size in (9, 7.5, 6.5, 5.5):
            text = lane.annotate(
                f"({chord.text})" if is_held else chord.text,
                (onset, lane.get_ylim()[1]),
                (1, 4),
                textcoords="offset points",
                size=size,
                color=GREY if is_held else INK,
                weight="normal" if is_held else "bold",
                parse_math=False,
            )
            left, right = _span(text, lane)
            if all(right < start or left > stop for start, stop in taken):
                taken.append((left, right + margin / 10))
                break
            text.remove()


def _draw_notes(
    lane: Axes,
    voice: Voice,
    notes: NDArray[np.int64],
    system: System,
    ticks_per_beat: int,
    thickness: float = 1.0,
) -> None:
    """Draw the notes (onset, end, height, velocity) that sound in the system, soft ones paler."""
    from matplotlib.collections import PolyCollection  # noqa: PLC0415
    from matplotlib.colors import to_rgb  # noqa: PLC0415

    sounding = (notes[:, 0] < system.end) & (notes[:, 1] >= system.onset)
    left, right, low, velocity = notes[sounding].T
    right = np.maximum(right, left + max(ticks_per_beat // 8, 1))
    # in a lane of many octaves a note is drawn thicker than its semitone, so as to be seen
    low, high = low + 0.5 - thickness / 2, low + 0.5 + thickness / 2
    corners = np.stack([left, low, left, high, right, high, right, low], axis=1).reshape(-1, 4, 2)
    depth = (0.55 + 0.45 * np.clip(velocity, 1, 127) / 127)[:, np.newaxis]
    boxes = PolyCollection(
        list(corners),
        facecolors=1 - depth * (1 - np.array(to_rgb(voice.colour))),
        # white edges keep repeated notes apart
        edgecolors="white",
        linewidths=0.5,
        zorder=3 + voice.is_added,
    )
    lane.add_collection(boxes, autolim=False)
