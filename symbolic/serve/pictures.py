"""What the page draws: the score as pictures, and the notes in seconds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import verovio
from lxml import etree
from numpy.typing import NDArray

from subtractive.arrangement import Arrangement, bars
from subtractive.errors import MusicError
from subtractive.files.musicxml import written_score
from subtractive.files.musicxml_tree import make_partwise, part_trees, score_root
from subtractive.files.musicxml_write import write_musicxml
from subtractive.files.systems import ADDED
from subtractive.instruments import roles
from symbolic.serve.store import View

_OPTIONS = {
    "scale": 40,  # per cent
    "pageWidth": 3000,
    "pageHeight": 60_000,  # as high as verovio allows, then cut to what is there
    "adjustPageHeight": True,
    "svgViewBox": True,
    "footer": "none",
    "header": "none",
    "pageMarginLeft": 120,
    "spacingNonLinear": 0.55,
}


class PictureError(MusicError):
    """The score cannot be drawn."""


class Engraved(NamedTuple):
    """The pages of a score as SVG, and what its owner should know of it."""

    pages: list[str]
    notices: tuple[str, ...]


def score_pages(view: View) -> Engraved:
    """Return the score; a process does this for one view at a time, as verovio is not shared.

    The notes of the parts that were written have the colours of their instruments
    (`subtractive.files.systems.ADDED`).

    Raises
    ------
    MusicError
        If there is no score of this music.
    """
    xml = write_musicxml(view.music)
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(_OPTIONS)
    if not toolkit.loadData(_coloured(xml.content, view)):
        raise PictureError("the score cannot be drawn here: download it instead")
    pages = [toolkit.renderToSVG(page + 1) for page in range(toolkit.getPageCount())]
    return Engraved(pages, xml.notices)


def _coloured(content: bytes, view: View) -> str:
    """Return the score with the written parts, which stand last in it, in colour."""
    root = score_root(content, "the score")
    written = view.music.parts[len(view.music.parts) - view.written :]
    colours = [
        ADDED[role] for part, role in zip(written, roles(written), strict=True) if part.notes
    ]
    make_partwise(root)
    parts = root.findall("part")
    for part, colour in zip(parts[len(parts) - len(colours) :], colours, strict=True):
        for element in part.iter("note", "stem", "beam", "notehead", "words", "rehearsal"):
            element.set("color", colour)
    return etree.tostring(root, encoding="unicode")


class BarLine(NamedTuple):
    """Where a bar begins, in seconds; which written measure it is, and the number printed."""

    start: float
    measure: int
    number: str


def bar_lines(music: Arrangement) -> tuple[BarLine, ...]:
    """Return all bars as they are played."""
    played = bars(music)
    starts = seconds(music, np.array([bar.onset for bar in played]))
    order = list(range(len(played)))
    numbers = [str(place + 1) for place in order]
    if music.source is not None and music.source.kind == "musicxml":
        content, name = music.source.content, music.source.name
        order = list(written_score(content, name).order)[: len(played)]
        # bars that last beyond the last one written have no number
        order += range(max(order) + 1, max(order) + 1 + len(played) - len(order))
        printed = part_trees(content, name)[0].numbers
        numbers = [printed[place] if place < len(printed) else "" for place in order]
    return tuple(map(BarLine, starts.tolist(), order, numbers))


def seconds(music: Arrangement, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the times of many ticks at once."""
    turns = sorted({0, *(tempo.tick for tempo in music.tempos)})
    end = max(int(ticks.max(initial=0)), turns[-1]) + 1
    turns.append(end)
    times = [music.seconds_at(tick) for tick in turns]
    result: NDArray[np.float64] = np.interp(ticks, turns, times)
    return result


def notes_in_seconds(music: Arrangement) -> list[list[tuple[float, float, int, int]]]:
    """Return for each part its notes: start and end in seconds, pitch and velocity."""
    result = []
    for part in music.parts:
        ticks = np.array([(note.onset, note.end) for note in part.notes], np.int64).reshape(-1, 2)
        times = np.round(seconds(music, ticks.ravel()), 4).reshape(-1, 2).tolist()
        result.append(
            [
                (start, end, note.pitch, note.velocity)
                for (start, end), note in zip(times, part.notes, strict=True)
            ]
        )
    return result
