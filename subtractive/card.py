"""A corpus's card: what is in it, from what, under which licence, with plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from subtractive.assembly import Counts
from subtractive.dataset import SCHEMA_VERSION, SPLITS, shards
from subtractive.files.output import write_whole
from subtractive.instruments import INSTRUMENTS

LICENCES = {
    "mma": (
        "Tunes played by MMA (Musical MIDI Accompaniment, Bob van der Poel, GPL-2.0-or-later) from "
        "the groove libraries named in the settings. Chord charts, where given: McGill Billboard "
        "annotations (Burgoyne, Wild, Fujinaga 2011), CC0. Melodies are written by rule."
    ),
    "folder": "Files of the folder that was given; their licences are those of their authors.",
    "gmd": (
        "Groove MIDI Dataset (Gillick et al., Learning to Groove with Inverse Sequence "
        "Transformations, 2019), CC-BY-4.0."
    ),
}
_COLUMNS = ["song", "style", "bar_total", "tempos", "parts", "examples"]


@dataclass
class Census:
    """Counts over one split."""

    excerpts: int = 0
    songs: set[str] = field(default_factory=set)
    styles: Counter[str] = field(default_factory=Counter)
    instruments: Counter[str] = field(default_factory=Counter)
    tempos: list[float] = field(default_factory=list)
    bars: list[int] = field(default_factory=list)
    density: dict[str, list[float]] = field(default_factory=lambda: {n: [] for n in INSTRUMENTS})
    notes: int = 0


def _count(table: pa.Table, census: Census) -> None:
    """Add the rows of a table."""
    census.excerpts += table.num_rows
    # a song counts by its first excerpt here, wherever that begins
    fresh = []
    for name in table["song"].to_pylist():
        fresh.append(name not in census.songs)
        census.songs.add(name)
    firsts = table.filter(pa.array(fresh, pa.bool_()))
    census.styles.update(style or "unknown" for style in firsts["style"].to_pylist())
    census.bars += firsts["bar_total"].to_pylist()
    census.tempos += [
        6e7 / tempos[0]["microseconds"] if tempos else 120.0
        for tempos in firsts["tempos"].to_pylist()
    ]
    parts = pc.list_flatten(table["parts"])
    census.notes += pc.sum(pc.list_value_length(pc.struct_field(parts, "onset"))).as_py() or 0
    for example in pc.list_flatten(table["examples"]).to_pylist():
        census.instruments[example["instrument"]] += 1
        census.density[example["instrument"]].append(example["facts"]["notes_per_bar"])


def census_of(folder: Path, split: str) -> Census:
    """Return the counts of a split, reading a few rows at a time."""
    census = Census()
    for shard in shards(folder, split):
        for batch in pq.ParquetFile(shard).iter_batches(batch_size=100, columns=_COLUMNS):
            _count(pa.Table.from_batches([batch]), census)
    return census


def plot(censuses: Mapping[str, Census], path: Path) -> None:
    """Draw styles, tempos, lengths and densities of both splits as one PNG."""
    # imported where it is needed: a second of start-up for a picture
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    styles = [
        name for name, _ in sum((c.styles for c in censuses.values()), Counter()).most_common()
    ]
    for offset, (split, census) in enumerate(censuses.items()):
        heights = [census.styles[name] / max(1, len(census.songs)) for name in styles]
        places = [place + 0.4 * offset for place in range(len(styles))]
        axes[0, 0].barh(places, heights, height=0.4, label=split)
    axes[0, 0].set_yticks(range(len(styles)), styles)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_xlabel("share of songs, by style")
    for split, census in censuses.items():
        for axis, values, what in (
            (axes[0, 1], census.tempos, "tempo in quarter notes a minute"),
            (axes[1, 0], census.bars, "bars of a song"),
        ):
            axis.hist(values, bins=30, density=True, histtype="step", label=split)
            axis.set_xlabel(what)
    for name in INSTRUMENTS:
        values = [each for census in censuses.values() for each in census.density[name]]
        if values:
            axes[1, 1].hist(
                values, bins=30, range=(0, 60), density=True, histtype="step", label=name
            )
    axes[1, 1].set_xlabel("notes in a bar, by instrument")
    for axis in axes.flat:
        if axis.get_legend_handles_labels()[0]:
            axis.legend()
    figure.savefig(path, dpi=80)


def _table(header: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    body = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in body)


def write_card(folder: Path, counts: Counts) -> None:
    """Write ``README.md`` and ``census.png`` into a finished corpus.

    Parameters
    ----------
    folder : Path
    counts : Counts
        Of `assembly.build`; the setting "source" says which source it is.
    """
    sizes = {"train": counts["excerpts_train"], "valid": counts["excerpts_valid"]}
    found = {split: census_of(folder, split) for split in SPLITS if sizes[split]}
    plot(found, folder / "census.png")
    header = ["", *found]
    lines: list[list[object]] = [
        ["songs", *(f"{len(each.songs):,}" for each in found.values())],
        ["excerpts of up to 32 bars", *(f"{each.excerpts:,}" for each in found.values())],
        ["notes", *(f"{each.notes:,}" for each in found.values())],
    ]
    for name in INSTRUMENTS:
        lines.append([f"examples: {name}", *(f"{c.instruments[name]:,}" for c in found.values())])
    styles = sorted({name for each in found.values() for name in each.styles})
    by_style = [[name, *(f"{each.styles[name]:,}" for each in found.values())] for name in styles]
    asked = ", ".join(f"{what} {count}" for what, count in counts["paraphrases"].items())
    text = f"""# A subtractive corpus

Excerpts of complete music; each names the instruments that can be taken out of it and the words
that ask for them back. Parquet, schema version {SCHEMA_VERSION}, 480 ticks to a quarter note;
`docs/data.md` of the project Subtractive describes every column.

{_table(header, lines)}

Left out: {counts["left_out"]} songs (`dropped.jsonl` says which and why), and
{counts["colliding"]} training excerpts that play eight bars of bass and drums of a held-out one.
{counts["drum_coincidences"]} training excerpts share eight bars of drums alone with one.
No group ({counts["groups"]} in all) lies on both sides. Answers of a
language model: {asked or "none asked"}.

## Source and licence
{LICENCES[str(counts["settings"].get("source", "folder"))]}

Settings: {", ".join(f"{name} {value}" for name, value in counts["settings"].items())}.

## Styles (songs)
{_table(header, by_style)}

![styles, tempos, lengths, densities](census.png)
"""
    write_whole(folder / "README.md", text.encode())
