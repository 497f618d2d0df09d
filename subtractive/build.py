"""``python -m subtractive.build``: make a corpus of subtractive examples to learn from.

The result is a folder of Parquet shards, a card (``README.md``) and the reasons for what was left
out (``dropped.jsonl``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subtractive import assembly, styles
from subtractive.card import write_card
from subtractive.charts import ChordChart, read_charts
from subtractive.dataset import SPLITS
from subtractive.errors import MusicError, OptionError
from subtractive.grooves import LIBRARIES, catalogue
from subtractive.paraphrase import Paraphraser
from subtractive.sources import DrumPerformances, MmaTunes, SongFolder, chosen_folder
from subtractive.workers import Advance, Crew

app = typer.Typer(no_args_is_help=True, add_completion=False)

Out = Annotated[Path, typer.Option(help="Folder that the corpus is written to.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same corpus.")]
Processes = Annotated[int, typer.Option(min=1, help="Songs made at once.")]
Ray = Annotated[
    str, typer.Option("--ray", help='Address of a Ray cluster, or "local"; else this machine.')
]
LlmUrl = Annotated[
    str,
    typer.Option(
        help="OpenAI-compatible server of a language model that puts the examples' words in its "
        "own, such as http://localhost:8000/v1; its key is read from SUBTRACTIVE_LLM_KEY."
    ),
]
LlmModel = Annotated[str, typer.Option(help="Name of the model on that server.")]
AsJson = Annotated[bool, typer.Option("--json", help="Last line on stdout: the counts as JSON.")]


@app.callback()
def main() -> None:
    """Make a corpus of subtractive examples to learn from.

    A build that was stopped goes on with the same command.
    """


@app.command("mma")
def mma_command(  # noqa: PLR0913, PLR0917  # a command has as many options as its users need
    out: Out,
    tunes: Annotated[int, typer.Option(min=1, help="How many tunes.")] = 6000,
    charts: Annotated[
        Path | None, typer.Option(help="Folder of McGill Billboard annotations to play.")
    ] = None,
    seed: Seed = 0,
    libraries: Annotated[str, typer.Option(help="Groove libraries, between commas.")] = ",".join(
        LIBRARIES
    ),
    human: Annotated[
        float, typer.Option(min=0, max=2, help="How far timing and loudness stray; 1: as people's.")
    ] = 0.0,
    processes: Processes = 2,
    ray_address: Ray = "",
    llm_url: LlmUrl = "",
    llm_model: LlmModel = "default",
    as_json: AsJson = False,
) -> None:
    """Make tunes with the program MMA.

    Example: python -m subtractive.build mma --tunes 20000 --charts charts/ --seed 0 --out corpus/
    """
    chosen = sorted({each.strip() for each in libraries.split(",") if each.strip()})

    def build(advance: Advance) -> assembly.Counts:
        assembly.make_folder(out)
        grooves, broken = catalogue(chosen, out / "grooves.json", processes, advance)
        known = [each for each in grooves if styles.family_of(each.name, each.file)]
        if not any(each.complete and each.place == "main" for each in known):
            raise OptionError(f"no groove of {', '.join(chosen)} has a whole band: add stdlib")
        refused = [(f"groove {name}", reason) for name, reason in broken]
        refused += [
            (f"groove {each.file}:{each.name}", styles.LEFT_OUT.get(each.file, "of no known style"))
            for each in grooves
            if each not in known
        ]
        read: tuple[ChordChart, ...] = ()
        if charts is not None:
            folder = chosen_folder(charts, "McGill Billboard annotations")
            read = read_charts(folder, lambda name, reason: refused.append((name, reason)))
        settings = {
            "tunes": tunes,
            "seed": seed,
            "libraries": " ".join(chosen),
            "human": human,
            "charts": len(read),
            "source": "mma",
            "harmony": assembly.digest_of(read, known),
            **_asked(llm_url, llm_model),
        }
        return assembly.build(
            MmaTunes(known, seed, tunes, read, human, refused),
            out,
            settings,
            seed,
            advance,
            finish=write_card,
            crew=_crew(processes, ray_address, llm_url, llm_model),
        )

    _report(build, out, as_json)


@app.command("folder")
def folder_command(  # noqa: PLR0913, PLR0917  # a command has as many options as its users need
    songs: Annotated[Path, typer.Argument(help="Folder of MIDI and MusicXML files.")],
    out: Out,
    splits: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns path and split that holds some songs out."),
    ] = None,
    seed: Seed = 0,
    processes: Processes = 2,
    ray_address: Ray = "",
    llm_url: LlmUrl = "",
    llm_model: LlmModel = "default",
    as_json: AsJson = False,
) -> None:
    """Make a corpus of a folder of songs, without duplicates.

    Example: python -m subtractive.build folder songs/ --out corpus/
    """

    def build(advance: Advance) -> assembly.Counts:
        source = SongFolder(chosen_folder(songs, "MIDI or MusicXML files").resolve())
        given = read_splits(splits) if splits else None
        return assembly.build(
            source,
            out,
            {"source": "folder", "seed": seed, **_asked(llm_url, llm_model)},
            seed,
            advance,
            given,
            finish=write_card,
            crew=_crew(processes, ray_address, llm_url, llm_model),
        )

    _report(build, out, as_json)


@app.command("gmd")
def gmd_command(  # a command has as many options as its users need
    performances: Annotated[Path, typer.Argument(help="Folder of the Groove MIDI Dataset.")],
    out: Out,
    seed: Seed = 0,
    processes: Processes = 2,
    ray_address: Ray = "",
    llm_url: LlmUrl = "",
    llm_model: LlmModel = "default",
    as_json: AsJson = False,
) -> None:
    """Make a corpus of drum performances, laid out as the Groove MIDI Dataset is.

    Example: python -m subtractive.build gmd groove/ --out corpus/
    """

    def build(advance: Advance) -> assembly.Counts:
        source = DrumPerformances(chosen_folder(performances, "drummers' folders").resolve())
        return assembly.build(
            source,
            out,
            {"source": "gmd", "seed": seed, **_asked(llm_url, llm_model)},
            seed,
            advance,
            finish=write_card,
            crew=_crew(processes, ray_address, llm_url, llm_model),
        )

    _report(build, out, as_json)


def _asked(llm_url: str, llm_model: str) -> dict[str, object]:
    """Return the settings that a language model adds; its address is nobody's business."""
    return {"language model": llm_model} if llm_url else {}


def _crew(processes: int, ray_address: str, llm_url: str, llm_model: str) -> Crew:
    return Crew(processes, ray_address, Paraphraser(llm_url, llm_model) if llm_url else None)


def read_splits(path: Path) -> Mapping[str, str]:
    """Return the split of each song that a CSV file names.

    Raises
    ------
    OptionError
        If it cannot be read or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise OptionError(f"{path} is no CSV file in UTF-8: save it as one") from error
    except OSError as error:
        raise OptionError(
            f"{path} cannot be opened ({error.strerror}): give a CSV file with path and split"
        ) from error
    if not rows or not {"path", "split"} <= rows[0].keys():
        raise OptionError(f"{path} needs the columns path and split, and a row for a song")
    wrong = sorted({str(row["split"]) for row in rows} - {*SPLITS})
    if wrong:
        raise OptionError(f"{path} names the split {wrong[0]!r}: each must be train or valid")
    return {row["path"]: row["split"] for row in rows}


def _report(build: Callable[[Advance], assembly.Counts], out: Path, as_json: bool) -> None:
    """Run `build` under a progress bar and say what came of it; exit with 2 on a user's error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            task = progress.add_task("getting ready", total=None)
            counts = build(
                lambda what, done, total: progress.update(
                    task, description=what, completed=done, total=total
                )
            )
    except MusicError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        typer.echo(
            f"{counts['songs']} songs in {counts['groups']} groups: {counts['excerpts_train']} "
            f"excerpts to train on, {counts['excerpts_valid']} held out; left out: "
            f"{counts['left_out']}; see {out}/README.md"
        )
    if not counts["excerpts_valid"]:
        typer.echo(
            "No song was held out, so nothing of this corpus can be validated on: hold some out by "
            "--splits, or train with another corpus as --valid.",
            err=True,
        )


if __name__ == "__main__":
    app()
