"""Writing parts: whatever the weights say, what comes out is playable and fits the song."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from scoretokens.grid import to_grid
from scoretokens.vocabulary import vocabulary
from subtractive.arrangement import (
    Arrangement,
    ChordSymbol,
    Metre,
    Note,
    Part,
    bars,
    order,
)
from subtractive.chart import chord_chart
from subtractive.instruments import INSTRUMENTS, instrument, role
from symbolic.checkpoint import save_weights
from symbolic.config import WriterConfig
from symbolic.preparation import POLYPHONY
from symbolic.request import Request
from symbolic.writer import PartWriter, load_writer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # x-transformers uses what torch deprecates
    from symbolic.transformer import Writer

BEAT = 480
BAR = 4 * BEAT
C_MAJOR = ChordSymbol(0, "C", 0, (0, 4, 7), 0)
TOY = WriterConfig(dim=48, depth=2, encoder_depth=1, head_dim=16)
V = vocabulary()
LIGHT = settings(max_examples=60, deadline=None)

# what a writer of bad habits wants most of all: tokens and how much more likely they are
HABITS: dict[str, tuple[tuple[str, float], ...]] = {
    "none": (),
    "busy": (("Pitch", 6), ("PitchDrum", 6), ("Position", 5)),
    "chords without end": (("Pitch", 30), ("PitchDrum", 30)),
    "copies": (("Repeat", 1000), ("Position", 500)),
    "holds": (("Duration", 10_000),),
}


def toy_weights(folder: Path, seed: int = 0, habit: str = "none") -> Path:
    """A folder with a tiny writer of random weights."""
    torch.manual_seed(seed)
    model = Writer(TOY)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.ndim == 2:
                weights.normal_(std=0.15 if name.startswith(("encoder", "decoder")) else 0.5)
        model.main_head.bias[V.id("Bar_None")] -= 30  # who never plays shows nothing
        for kind, weight in HABITS[habit]:
            span = V.span(kind)
            model.main_head.bias[span.start : span.stop] += weight
            if kind == "Duration":
                model.duration_head.bias[-1] += weight  # sixteen quarter notes
    save_weights(folder, TOY, model.state_dict())
    return folder


def toy_writers(folder: Path) -> dict[str, PartWriter]:
    """One writer for each habit."""
    return {
        habit: load_writer(toy_weights(folder / str(number), number, habit), "cpu")
        for number, habit in enumerate(HABITS)
    }


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PartWriter]:
    return toy_writers(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def writer(writers: dict[str, PartWriter]) -> PartWriter:
    return writers["none"]


def tune(
    ticks: int, *metres: Metre, barlines: tuple[int, ...] = (), beat: int = BEAT
) -> Arrangement:
    """A melody in C up to `ticks`."""
    scale = (60, 64, 67, 65, 62, 59)
    notes = tuple(
        Note(onset, min(beat, ticks - onset), scale[number % 6], 80)
        for number, onset in enumerate(range(0, ticks, beat))
    )
    part = Part("Lead", 80, False, notes)
    return Arrangement(beat, (part,), metres=metres, barlines=barlines)


def without(song: Arrangement, name: str) -> Arrangement:
    return song.split(name)[0]


def write(writer: PartWriter, music: Arrangement, name: str, seed: int = 0) -> Part:
    (part,) = writer.write([Request(music, name, seed)])
    return part


def check(part: Part, context: Arrangement, name: str) -> None:
    """All that holds of a written part whatever the weights."""
    known = instrument(name)
    assert role(part) == name
    assert part.name == known.title
    notes = part.notes
    assert list(notes) == sorted(notes, key=order)
    assert len({order(note) for note in notes}) == len(notes)
    # the last notes may ring to the end of the bar in which the music ends, on the writer's grid
    rounding = context.ticks_per_beat / 24
    ends = [bar.end for bar in bars(context) if bar.end >= context.end - rounding]
    last_barline = ends[0] + rounding
    for note in notes:
        assert known.lowest <= note.pitch <= known.highest
        assert 1 <= note.velocity <= 127
        assert note.duration >= 1
        assert 0 <= note.onset < context.end
        assert name == "drums" or note.end <= last_barline
    together = Counter(note.onset for note in notes)
    assert max(together.values(), default=0) <= POLYPHONY[name]
    # nothing is struck anew on a string, or on MIDI's one key, before it has ended
    voices: dict[int, list[Note]] = defaultdict(list)
    for note in notes:
        voices[0 if name == "bass" else note.pitch].append(note)
    for voice in voices.values():
        onsets = sorted({note.onset for note in voice})
        following = dict(zip(onsets, [*onsets[1:], 10**9], strict=True))
        assert all(note.end <= following[note.onset] for note in voice)


BARLINES = (0, BEAT, 5 * BEAT, 9 * BEAT, 12 * BEAT, 13 * BEAT)
CONTEXTS: dict[str, Arrangement] = {
    "common time": tune(4 * BAR),
    "a waltz": tune(12 * BEAT, Metre(0, 3, 4)),
    "five": tune(15 * BEAT, Metre(0, 5, 4)),
    "seven eighths": tune(14 * BEAT, Metre(0, 7, 8)),
    "a pick-up and a split bar": tune(13 * BEAT, Metre(0, 4, 4), barlines=BARLINES),
    "bars of twelve quarters": tune(24 * BEAT, Metre(0, 12, 4)),
    "tiny bars": tune(4 * BEAT, Metre(0, 1, 16), Metre(BEAT, 3, 32), Metre(3 * BEAT, 4, 4)),
    "a metre twice, a hair apart": tune(
        3 * BAR, Metre(0, 4, 4), Metre(1944, 4, 4), Metre(1976, 4, 4)
    ),
    "one bar": tune(BAR),
    "one note": tune(1),
    "an end within a bar": tune(2 * BAR + BEAT),
    "coarse ticks": tune(16, beat=1),
    "odd ticks": tune(1600, beat=100),
    "drums alone": Arrangement(
        BEAT, (Part("Kit", 0, True, tuple(Note(b * BEAT, 30, 36, 90) for b in range(16))),)
    ),
}


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("where", CONTEXTS)
def test_any_writer_in_any_metre_writes_what_can_be_played(
    writers: dict[str, PartWriter], where: str, habit: str
) -> None:
    context = CONTEXTS[where]
    names = [name for name in INSTRUMENTS if (name, where) != ("drums", "drums alone")]
    written = writers[habit].write([Request(context, name) for name in names])
    for name, part in zip(names, written, strict=True):
        check(part, context, name)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_song_of_many_windows_is_written_to_its_end(
    writers: dict[str, PartWriter], name: str
) -> None:
    """Forty bars, of which a window holds sixteen."""
    context = tune(40 * BAR)
    reported: list[int] = []
    (part,) = writers["busy"].write([Request(context, name)], reported.append)
    check(part, context, name)
    played = {note.onset // BAR for note in part.notes}
    assert len(played) > 30
    assert max(played) > 36
    assert sum(reported) == 40
    assert len(reported) == 4  # 16 bars, and then 8 each


def test_a_writer_that_copies_copies_across_windows(writers: dict[str, PartWriter]) -> None:
    """Once a bar is filled, every later one is as it, whichever window it is written in."""
    context = replace(tune(40 * BAR), chords=(C_MAJOR,))
    for name in INSTRUMENTS:
        part = write(writers["copies"], context, name)
        contents: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for note in part.notes:
            contents[note.onset // BAR].append((note.onset % BAR, note.pitch, note.velocity))
        filled = sorted(contents)
        assert filled == list(range(filled[0], 40))
        assert filled[0] < 5
        assert all(contents[bar] == contents[filled[0]] for bar in filled)


def test_a_bar_is_copied_only_to_one_of_its_harmony(writers: dict[str, PartWriter]) -> None:
    """Of a line over four chords, what is played to a chord is played to it again; drums go on."""
    chart = chord_chart("C | F | G | Am", bars(tune(24 * BAR)))
    context = replace(tune(24 * BAR), chords=chart)
    for name in INSTRUMENTS:
        part = write(writers["copies"], context, name)
        contents = [
            [(note.onset % BAR, note.pitch) for note in part.notes if note.onset // BAR == bar]
            for bar in range(24)
        ]
        assert contents[12:] == 3 * contents[12:16]
        assert all(contents[12:16])
        assert (contents[12] == contents[13]) == (name == "drums")


def test_a_bar_is_copied_only_to_one_of_its_length(writers: dict[str, PartWriter]) -> None:
    """4/4 and 3/4 in turn, so that a copy is two bars old."""
    metres = tuple(
        Metre(bar * 7 * BEAT // 2 + bar % 2 * BEAT // 2, 3 if bar % 2 else 4, 4)
        for bar in range(12)
    )
    context = replace(tune(42 * BEAT, *metres), chords=(C_MAJOR,))
    lengths = [bar.length // BEAT for bar in bars(context)]
    assert lengths == [4, 3] * 6
    part = write(writers["copies"], context, "bass")
    contents = [
        [
            (note.onset - bar.onset, note.pitch)
            for note in part.notes
            if bar.onset <= note.onset < bar.end
        ]
        for bar in bars(context)
    ]
    assert contents[-2:] == contents[-4:-2]


@pytest.mark.parametrize("where", ["common time", "an end within a bar", "drums alone"])
def test_a_held_note_ends_with_the_next_or_with_the_last_bar(
    writers: dict[str, PartWriter], where: str
) -> None:
    """Not where the last stroke of a drum ends: a closing note would be but a blip."""
    context = CONTEXTS[where]
    part = write(writers["holds"], context, "bass")
    onsets = sorted({note.onset for note in part.notes})
    following = dict(zip(onsets, [*onsets[1:], bars(context)[-1].end], strict=True))
    assert all(
        note.end == min(following[note.onset], note.onset + 16 * BEAT) for note in part.notes
    )


@pytest.mark.parametrize("habit", HABITS)
def test_nobody_plays_a_chord_where_there_is_none(
    writers: dict[str, PartWriter], song: Arrangement, habit: str
) -> None:
    """No pitched note begins in an N.C. or sounds on into it; drums play."""
    silent = [(2 * BAR + 2 * BEAT, 4 * BAR), (6 * BAR, 7 * BAR)]
    symbols = [song.chords[0]]
    for start, end in silent:
        symbols += [
            ChordSymbol(start, "N.C.", None, (), None),
            ChordSymbol(end, "C", 0, (0, 4, 7), 0),
        ]
    music = replace(song, chords=tuple(symbols))
    for name in ("bass", "guitar"):
        part = write(writers[habit], without(music, name), name)
        check(part, without(music, name), name)
        assert part.notes
        for note in part.notes:
            assert all(note.end <= start or note.onset >= end for start, end in silent)
    drums = write(writers[habit], without(music, "drums"), "drums")
    assert any(start <= note.onset < end for note in drums.notes for start, end in silent)


def test_a_pick_up_before_the_first_symbol_has_no_chord(writers: dict[str, PartWriter]) -> None:
    lead = tune(13 * BEAT, Metre(0, 4, 4), barlines=(0, BEAT, 5 * BEAT, 9 * BEAT, 13 * BEAT))
    music = replace(lead, chords=(ChordSymbol(BEAT, "C", 0, (0, 4, 7), 0),))
    for name in ("bass", "guitar"):
        part = write(writers["busy"], music, name)
        check(part, music, name)
        assert min(note.onset for note in part.notes) >= BEAT


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_chord_symbols_alone_are_enough(writer: PartWriter, name: str) -> None:
    empty = Arrangement(BEAT, (), metres=(Metre(0, 4, 4),), barlines=tuple(range(0, 5 * BAR, BAR)))
    sheet = replace(empty, chords=chord_chart("C | Am | F G", bars(empty)))
    part = write(writer, sheet, name)
    check(part, sheet, name)
    assert part.notes


@pytest.mark.parametrize("habit", HABITS)
def test_a_bars_rows_are_bounded(writers: dict[str, PartWriter], habit: str) -> None:
    """Even a writer that would never stop fills a song."""
    part = write(writers[habit], CONTEXTS["bars of twelve quarters"], "drums")
    crowd = Counter(note.onset // (6 * BEAT) for note in part.notes)
    assert max(crowd.values(), default=0) <= 160
    assert to_grid(CONTEXTS["bars of twelve quarters"]).bar_count == 4
