"""Add a missing stem to a recording: `python -m audio.add --instrument drums song.wav`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from audio.engines import DEVICES, ENGINES, QUALITIES, check_engine, engine, steps_of
from audio.outputs import Outputs, check_names, hand_over
from audio.tasks import SEPARATORS, Separation, Wishes, make, open_song, read_notes
from audio.words import KNOWN
from subtractive.command import last_line, output_of, progress, run, tell
from subtractive.errors import OptionError
from subtractive.files.recordings import own_suffix, read_sound
from subtractive.instruments import INSTRUMENTS
from subtractive.instruments import instrument as known_instrument
from subtractive.nearby import Understood, understood
from symbolic.outputs import check_output

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

# a bracket is escaped, as help is written in rich's markup
EXAMPLES = """
The recording is never altered: the output minus the stem is the recording, sample for sample.
Titles, covers and cue points of the file do not come along.

Examples:

  python -m audio.add --instrument drums --prompt "Add rock drums with punchy beats" song.wav

  python -m audio.add --instrument drums --prompt "Add jazzy drums" --replace song.flac

  python -m audio.add --instrument bass --engine symbolic --bars 9-16 --variations 3 song.mp3

  python -m audio.add --instrument drums songs/*.wav --out-dir with-drums/
"""


# ruff counts options as arguments; a command line has as many as its users need.
@app.command(help=f"{__doc__}\n\n{EXAMPLES}")
def add(  # noqa: PLR0913, PLR0917
    songs: Annotated[
        list[Path], typer.Argument(help="WAV, FLAC, OGG, MP3 or AIFF files; any rate and channels")
    ],
    instrument: Annotated[
        list[str], typer.Option(help=f"{', '.join(INSTRUMENTS)}; several are made in turn")
    ],
    prompt: Annotated[
        str, typer.Option(help='how the stem shall be: "Add rock drums with punchy beats"')
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="file to write \\[song.drums.wav]")
    ] = None,
    stem_output: Annotated[
        Path | None, typer.Option(help="file for the stem alone \\[song.drums.stem.wav]")
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option(help="folder for the outputs of many songs")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="PNG to write: spectrograms of before, stem and after")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="take the instrument out first")
    ] = False,
    separator: Annotated[
        str, typer.Option(help=f"with --replace: {', '.join(SEPARATORS)}")
    ] = "auto",
    demucs_model: Annotated[
        Path | None, typer.Option(help="with --replace: folder of Demucs weights")
    ] = None,
    stems: Annotated[
        Path | None,
        typer.Option(
            help="with --replace: the instrument's own sound, a file or a folder of stems"
        ),
    ] = None,
    engine_name: Annotated[
        str, typer.Option("--engine", help=f"auto, {', '.join(ENGINES)}")
    ] = "auto",
    quality: Annotated[
        str, typer.Option(help=f"{', '.join(QUALITIES)}: how long diffusion takes")
    ] = "normal",
    steps: Annotated[int | None, typer.Option(help="of diffusion, instead of --quality")] = None,
    guidance: Annotated[
        float | None, typer.Option(help="how strictly diffusion follows words and mix")
    ] = None,
    level: Annotated[float, typer.Option(help="decibels: louder or softer than it would be")] = 0.0,
    tempo: Annotated[float | None, typer.Option(help="beats a minute \\[heard]")] = None,
    beats: Annotated[
        Path | None, typer.Option(help="text file of the beats in seconds, one a line \\[heard]")
    ] = None,
    beats_per_bar: Annotated[int | None, typer.Option(help="beats in a bar \\[heard]")] = None,
    some_bars: Annotated[
        str | None, typer.Option("--bars", help="such as 9-16: the stem sounds only there")
    ] = None,
    notes: Annotated[
        Path | None, typer.Option(help="MIDI file of what the stem shall play, from the start on")
    ] = None,
    variations: Annotated[
        int, typer.Option(min=1, max=100, help="how many to make: song.drums.1.wav and so on")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="another number, another stem")] = 0,
    soundfont: Annotated[
        Path | None, typer.Option(help=".sf2 or .sf3 that notes are played with")
    ] = None,
    text_encoder: Annotated[
        Path | None, typer.Option(help="folder of a larger encoder of words, for diffusion")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="instead of --engine: folder of a model fine-tuned by audio.pretrained"),
    ] = None,
    device: Annotated[str, typer.Option(help=", ".join(DEVICES))] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable last line")] = False,
) -> None:
    """Make the stems asked for for each song; the help text is the user's view of it."""
    began = time.monotonic()
    for name in instrument:
        known_instrument(name)
    if len(set(instrument)) < len(instrument):
        raise OptionError("an instrument is named twice: name each once")
    if len(instrument) > 1 and (notes or stem_output or stems):
        raise OptionError(
            "--notes, --stems and --stem-output are for one instrument: add the instruments one "
            "at a time"
        )
    separation = Separation(separator, demucs_model, stems)
    separation.check()
    if not replace and separation != Separation():
        raise OptionError(
            "--separator, --demucs-model and --stems say how to take the instrument out: give "
            "--replace too"
        )
    if len(songs) > 1 and (output or stem_output or picture or beats or notes or stems):
        raise OptionError(
            "-o, --stem-output, --picture, --beats, --notes and --stems are for one song, but "
            "several are given: use --out-dir, and leave them out"
        )
    wanted_steps = steps_of(quality) if steps is None else steps
    # a larger encoder of the user's reads the words as they stand
    told = Understood(prompt) if text_encoder else understood(prompt, KNOWN)
    wishes = Wishes(
        told.text, some_bars, level, tempo, beats, beats_per_bar, wanted_steps, guidance
    )
    wishes.check()
    check_engine(engine_name, device)
    numbers = range(1, variations + 1) if variations > 1 else [None]
    named = [
        [Outputs.named(mix, stem_output, picture, instrument, number) for number in numbers]
        for mix in (
            output_of(song, instrument, own_suffix(song), output, out_dir) for song in songs
        )
    ]
    inputs = [path for path in (*songs, beats, notes, stems) if path is not None]
    check_output(inputs, [], [path for each in named for one in each for path in one.paths])
    outcomes: list[dict[str, Any]] = []
    loaded = None
    with progress() as bar:
        waiting = bar.add_task("reading", total=len(songs) * variations * len(instrument))
        for turn, (path, outputs) in enumerate(zip(songs, named, strict=True)):
            sound = read_sound(path)
            check_names(outputs[0], sound)
            played = None if notes is None else read_notes(notes, instrument[0])
            removed = separation.take_out(sound, instrument, device) if replace else {}
            bar.update(waiting, description="hearing the beats")
            song = open_song(path, sound, wishes, removed, played)
            loaded = loaded or engine(engine_name, device, soundfont, text_encoder, model)
            for number, files in enumerate(outputs):
                before = (turn * variations + number) * len(instrument)

                def report(done: int, share: float, before: int = before) -> None:
                    bar.update(waiting, completed=before + done + share)

                bar.update(waiting, description=f"making {' and '.join(instrument)}")
                made = make(song, loaded[1], instrument, wishes, seed + number, report)
                outcomes.append(
                    hand_over(song, made, files) | {"engine": loaded[0], "seed": seed + number}
                )
    outcomes[0]["notices"][:0] = told.remarks()
    for outcome in outcomes:
        tell(outcome, as_json)
    if as_json:
        last_line(outcomes, began)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after a mistake that one sentence on stderr explains."""
    return run(app, "python -m audio.add", argv)


if __name__ == "__main__":
    sys.exit(main())
