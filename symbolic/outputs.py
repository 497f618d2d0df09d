"""What becomes of a result: its file, and what is written beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from subtractive.errors import OutputError
from subtractive.files.midi import write_midi, write_part_only
from subtractive.files.musescore import MUSESCORE_SUFFIXES
from subtractive.files.music import MIDI_SUFFIXES, MUSICXML_SUFFIXES, check_format, encoded
from subtractive.files.output import write_whole
from subtractive.instruments import roles
from symbolic.tasks import Result


def check_output(songs: Sequence[Path], targets: Sequence[Path], others: Sequence[Path]) -> None:
    """Make sure that no output overwrites an input or another output, and that folders exist.

    Parameters
    ----------
    songs, targets, others : sequences of Path
        Inputs, outputs, and what is written beside them.

    Raises
    ------
    OutputError
    """
    inputs = {song.resolve() for song in songs}
    seen: set[Path] = set()
    for target in targets:
        check_format(target.name)
    for output in (*targets, *others):
        if output.resolve() in inputs:
            raise OutputError(f"{output} is an input too: name another output")
        if output.resolve() in seen:
            raise OutputError(f"{output} would be written twice: give the songs different names")
        seen.add(output.resolve())
        if output.is_dir():
            raise OutputError(f"{output} is a folder: name a file in it")
        if not output.parent.is_dir():
            raise OutputError(
                f"the folder {output.parent} does not exist: create it, or name an output elsewhere"
            )


class Extras(NamedTuple):
    """What is written beside the output: the sound, a piano roll, the score."""

    preview: Path | None = None
    plot: Path | None = None
    score: Path | None = None


_EXTRA_SUFFIXES = ((".wav",), (".png",), (*MUSICXML_SUFFIXES, *MUSESCORE_SUFFIXES))


def check_extras(extras: Extras) -> None:
    """Make sure that each file beside the output is named as what it will be.

    Raises
    ------
    OutputError
    """
    for option, path, suffixes in zip(Extras._fields, extras, _EXTRA_SUFFIXES, strict=True):
        if path is not None and path.suffix.lower() not in suffixes:
            raise OutputError(
                f"--{option} {path.name} must end in {' or '.join(suffixes)}: "
                "nothing else is written"
            )
    if extras.score is not None:
        check_format(extras.score.name)


def hand_over(result: Result, target: Path, extras: Extras) -> dict[str, Any]:
    """Write the files of a result and return what is to be said about them.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    content, notices = _written(result, target.name)
    notices += result.remarks
    write_whole(target, content)
    if extras.score is not None:
        score, more = _written(result, extras.score.name)
        write_whole(extras.score, score)
        notices += [notice for notice in more if notice not in notices]
    if extras.preview is not None:
        from subtractive.files.sound import NO_SYNTHESIZER, render_wav  # noqa: PLC0415  # slow

        if render_wav(write_midi(result.music), extras.preview) is None:
            notices.append(NO_SYNTHESIZER)
    if extras.plot is not None:
        from subtractive.files.piano_roll import draw  # noqa: PLC0415  # matplotlib is slow

        count = len(result.music.parts)
        draw(result.music, extras.plot, tuple(range(count - len(result.added), count)))
    named = roles(result.added)
    if result.cards:
        cards = dict(zip(named, result.cards, strict=True))
        told = {name: card.as_json() for name, card in cards.items()}
        write_whole(scorecard_of(target), (json.dumps(told, indent=1) + "\n").encode())
        notices += [f"{name}: {card.line()}" for name, card in cards.items()]
    summary = ", ".join(
        f"{name} ({len(part.notes)} notes)" for name, part in zip(named, result.added, strict=True)
    )
    return {
        "input": str(result.opened.path),
        "output": str(target),
        "bars": result.opened.bar_count,
        "parts": [
            {"instrument": name, "notes": len(part.notes), "program": part.program}
            for name, part in zip(named, result.added, strict=True)
        ],
        "scorecards": [card.as_json() for card in result.cards],
        "notices": notices,
        "summary": summary,
    }


def scorecard_of(target: Path) -> Path:
    """Return where the scorecard of an output stands: beside it."""
    return target.with_name(f"{target.stem}.scorecard.json")


def _written(result: Result, name: str) -> tuple[bytes, list[str]]:
    """Return the content of the output, and what its owner should know of it."""
    if not result.part_only:
        content, notices = encoded(result.music, name, tablature=result.tablature)
        return content, list(notices)
    if Path(name).suffix.lower() in MIDI_SUFFIXES:
        return write_part_only(result.music, result.added), []
    # without the score it came from, as the other parts would come along
    alone = replace(result.music.with_parts(result.added), source=None)
    content, notices = encoded(alone, name, tablature=result.tablature)
    return content, list(notices)
