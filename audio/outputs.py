"""The files that `audio.add` writes, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audio.tasks import Addition, Song
from subtractive.errors import OutputError
from subtractive.files.recordings import StoredSound, check_sound_name, write_sound
from subtractive.waveform import Recording


class Outputs(NamedTuple):
    """The files of one result: a stem for each instrument."""

    mix: Path
    stems: tuple[Path, ...]
    picture: Path | None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.mix, *self.stems, *(() if self.picture is None else (self.picture,)))

    @classmethod
    def named(
        cls,
        mix: Path,
        stem: Path | None,
        picture: Path | None,
        instruments: Sequence[str],
        variation: int | None,
    ) -> Outputs:
        """Return the names for one of several variations (None: the only one)."""

        def numbered(path: Path) -> Path:
            if variation is None:
                return path
            return path.with_name(f"{path.stem}.{variation}{path.suffix}")

        mix = numbered(mix)
        if len(instruments) > 1:
            stems = [f"{mix.stem}.stem.{name}{mix.suffix}" for name in instruments]
        else:
            stems = [f"{mix.stem}.stem{mix.suffix}"]
        return cls(
            mix,
            tuple(mix.with_name(name) for name in stems) if stem is None else (numbered(stem),),
            None if picture is None else numbered(picture),
        )


def check_names(outputs: Outputs, sound: StoredSound) -> None:
    """Make sure that the sound can be written to files of these names.

    Raises
    ------
    OutputError
    """
    for path in (outputs.mix, *outputs.stems):
        check_sound_name(path, sound)
    if outputs.picture is not None and outputs.picture.suffix.lower() != ".png":
        raise OutputError(
            f"--picture {outputs.picture.name} must end in .png: nothing else is written"
        )


def hand_over(song: Song, additions: Sequence[Addition], outputs: Outputs) -> dict[str, Any]:
    """Write the files of a result and return what is to be said about them.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    out = additions[-1].insertion.out
    write_sound(outputs.mix, out)
    for path, added in zip(outputs.stems, additions, strict=True):
        write_sound(path, added.insertion.stem)
    if outputs.picture is not None:
        from audio.picture import draw  # noqa: PLC0415  # matplotlib is slow

        stem = Recording(
            np.sum([added.insertion.stem.recording.samples for added in additions], axis=0),
            out.sample_rate,
        )
        draw(song.sound.recording, stem, out.recording, outputs.picture, song.grid, song.span)
    heard = out.recording.seconds
    levels = [_level_db(added.insertion.stem, song.sound) for added in additions]
    return {
        "input": str(song.path),
        "output": str(outputs.mix),
        "picture": None if outputs.picture is None else str(outputs.picture),
        "seconds": round(heard, 3),
        "tempo": None if song.grid is None else round(song.grid.tempo_bpm, 2),
        "stems": [
            {
                "instrument": added.instrument,
                "output": str(path),
                "level_db": level,
                "turned_down_db": round(added.insertion.turned_down_db, 2),
            }
            for path, added, level in zip(outputs.stems, additions, levels, strict=True)
        ],
        "notices": _notices(song, additions),
        "summary": ", ".join(
            f"{added.instrument} ({'silent' if level is None else f'{level:+.1f} dB'} to the mix)"
            for added, level in zip(additions, levels, strict=True)
        ),
    }


def _level_db(stem: StoredSound, mix: StoredSound) -> float | None:
    """Return how loud a stem is beside the mix, both as a whole; None if either is silent."""
    powers = [
        float(np.mean(np.square(sound.recording.samples, dtype=np.float64)))
        for sound in (stem, mix)
    ]
    return round(10 * np.log10(powers[0] / powers[1]), 2) if min(powers) > 0 else None


def _notices(song: Song, additions: Sequence[Addition]) -> list[str]:
    """Return what the owner of a song should know of its sum."""
    notices = []
    if song.sound.decoded_from:
        notices.append(
            f"{song.path.name} is {song.sound.decoded_from}, which loses a little each time it is "
            "encoded: the decoded sound and what was added to it are written as WAV"
        )
    for name, insertion in additions:
        if insertion.turned_down_db > 0.05:
            notices.append(
                f"the {name} stem was turned down by {insertion.turned_down_db:.1f} dB so that the "
                "sum stays within full scale"
            )
        if insertion.yielded:
            notices.append(
                f"the {name} stem gives way to the mix in {insertion.yielded} samples that would "
                "be beyond full scale"
            )
        if insertion.stem.subtype != insertion.out.subtype:
            notices.append(
                f"the {name} stem is in floating point of 64 bits: with fewer, the output "
                "minus the stem would not be the mix to the last bit"
            )
        if insertion.inexact:
            notices.append(
                f"in {insertion.inexact} samples floating point cannot hold both the mix and "
                f"the {name}: there the output minus the stem is off by less than -310 dB"
            )
    return notices
