"""Add a missing part to music: `python -m symbolic.add --instrument bass song.mid`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from subtractive.command import last_line, output_of, progress, run, tell
from subtractive.errors import OptionError
from subtractive.files.music import MIDI_SUFFIXES, own_suffix
from subtractive.instruments import INSTRUMENTS
from subtractive.instruments import instrument as known_instrument
from symbolic.outputs import Extras, check_extras, check_output, hand_over, scorecard_of
from symbolic.tasks import Task, Wishes, open_task

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

EXAMPLES = """
Examples:

  python -m symbolic.add --instrument bass song.mid

  python -m symbolic.add --instrument drums --instrument guitar song.mid -o full.mid --plot full.png

  python -m symbolic.add --instrument bass songs/*.mid --out-dir with-bass/

  python -m symbolic.add --instrument drums score.musicxml -o with-drums.mxl

  python -m symbolic.add --instrument bass --density 4 --register E1-G2 --strict song.mid
"""


# ruff counts options as arguments; a command line has as many as its users need.
@app.command(help=f"{__doc__}\n\n{EXAMPLES}")
def add(  # noqa: PLR0913, PLR0917
    songs: Annotated[
        list[Path], typer.Argument(help="MIDI, MusicXML, ABC, Humdrum, MEI or MuseScore files")
    ],
    instrument: Annotated[
        list[str], typer.Option(help=f"{', '.join(INSTRUMENTS)}; several are written in turn")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="MIDI, MusicXML or .mscz to write \\[song.bass.mid]"),
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option(help="folder for the outputs of many songs")
    ] = None,
    preview: Annotated[Path | None, typer.Option(help="WAV to write")] = None,
    plot: Annotated[Path | None, typer.Option(help="PNG of the piano roll to write")] = None,
    score: Annotated[
        Path | None, typer.Option(help=".musicxml, .mxl or .mscz to write besides")
    ] = None,
    part_only: Annotated[
        bool, typer.Option("--part-only", help="write just the new parts, for a DAW")
    ] = False,
    tablature: Annotated[
        bool, typer.Option("--tablature", help="new basses and guitars show strings and frets")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="take the instrument out first if it is there")
    ] = False,
    beside: Annotated[
        bool, typer.Option("--beside", help="write one more beside those that are there")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="another number, another part")] = 0,
    prompt: Annotated[
        str, typer.Option(help='how the part shall be: "Add a laid-back reggae bass"')
    ] = "",
    some_bars: Annotated[
        str | None,
        typer.Option(
            "--bars", help="such as 9-16: with --replace, all other bars stay as they are"
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="low: plain and sure; 1: as varied as learned \\[drums 0.7, else 1]"),
    ] = None,
    takes: Annotated[
        int | None,
        typer.Option(
            help="times each window is written; the take most like the others stays \\[6]"
        ),
    ] = None,
    tempo: Annotated[
        float | None, typer.Option(help="quarter notes a minute, for music that states none")
    ] = None,
    key: Annotated[str | None, typer.Option(help='such as "Eb" or "F# minor" [found out]')] = None,
    chords: Annotated[
        str | None, typer.Option(help='bars of chords, repeated to the end: "Am | F | C/E G"')
    ] = None,
    program: Annotated[
        int | None, typer.Option(min=0, max=127, help="General MIDI program of the part, 0 to 127")
    ] = None,
    density: Annotated[
        float | None,
        typer.Option(help="attacks a bar: a chord is one, and so is each stroke on a drum"),
    ] = None,
    register: Annotated[
        str | None, typer.Option(help="lowest and highest pitch, such as E1-G3 (C4: middle C)")
    ] = None,
    polyphony: Annotated[
        int | None, typer.Option(help="notes struck at once, at most \\[drums 4, bass 2, guitar 6]")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="nothing but chord tones on strong beats")
    ] = False,
    like: Annotated[
        Path | None, typer.Option(help="file whose part is the model: as dense, loud and swung")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="file of notes that stand in the part in any case")
    ] = None,
    feel: Annotated[
        float | None,
        typer.Option(help="timing of drums, in MIDI: 0 on the grid, 1 as people play \\[0]"),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(help="parts to write, of which the best is kept, with a scorecard beside it"),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(help="how far the writer insists on the prompt, 0 to 20 \\[1]"),
    ] = None,
    kind: Annotated[
        str, typer.Option("--writer", help="transformer, or diffusion: all bars at once")
    ] = "transformer",
    steps: Annotated[
        int | None, typer.Option(help="in which the diffusion writer draws 16 bars \\[16]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    weights: Annotated[
        Path | None, typer.Option(help="folder of weights \\[the shipped ones]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable last line")] = False,
) -> None:
    """Write the parts asked for into each song; the help text is the user's view of it."""
    began = time.monotonic()
    for name in instrument:
        known_instrument(name)
    if len(set(instrument)) < len(instrument):
        raise OptionError("an instrument is named twice: name each once")
    if replace and beside:
        raise OptionError("--replace and --beside contradict each other: choose one")
    if program is not None and len(instrument) > 1:
        raise OptionError("--program is for one instrument: add the instruments one at a time")
    extras = Extras(preview, plot, score)
    if len(songs) > 1 and (output or any(extras)):
        raise OptionError(
            "-o, --preview, --plot and --score name one file, but several songs are given: "
            "use --out-dir"
        )
    wishes = Wishes(
        seed,
        temperature,
        takes,
        tempo,
        key,
        chords,
        program,
        prompt,
        some_bars,
        density,
        register,
        polyphony,
        strict,
        like,
        keep,
        candidates,
        feel,
        guidance,
    )
    task = Task(tuple(instrument), wishes, replace, beside, part_only, tablature)
    targets = [output_of(song, instrument, own_suffix(song), output, out_dir) for song in songs]
    if feel and any(target.suffix.lower() not in MIDI_SUFFIXES for target in targets):
        raise OptionError("--feel is for MIDI: a score writes notes on the grid; leave it out")
    others = [path for path in extras if path is not None]
    if candidates is not None:
        others += [scorecard_of(target) for target in targets]
    check_output(songs, targets, others)
    check_extras(extras)
    opened = [open_task(song, task) for song in songs]
    # torch takes most of the start-up: mistakes in the files are told before it is loaded
    from symbolic.writer import load_writer  # noqa: PLC0415

    writer = load_writer(weights, device, kind, steps)
    with progress() as shown:
        bar = shown.add_task(
            "writing",
            total=sum(one.bars_to_write for one in opened) * len(instrument) * (candidates or 1),
        )
        results = task.write(writer, opened, lambda bars: shown.advance(bar, bars))
    outcomes: list[dict[str, Any]] = []
    for result, target in zip(results, targets, strict=True):
        outcomes.append(hand_over(result, target, extras))
        tell(outcomes[-1], as_json)
    if as_json:
        last_line(outcomes, began)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after a mistake that one sentence on stderr explains."""
    return run(app, "python -m symbolic.add", argv)


if __name__ == "__main__":
    sys.exit(main())
