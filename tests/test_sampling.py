"""Writing parts: whatever the weights say, what comes out is playable and fits the song."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scoretokens.codec import encode
from scoretokens.grid import to_grid
from scoretokens.vocabulary import vocabulary
from subtractive.arrangement import (
    Arrangement,
    ChordSymbol,
    KeySignature,
    Metre,
    Note,
    Part,
    bars,
    order,
)
from subtractive.chart import chord_chart
from subtractive.errors import FileFormatError, InstrumentError, OptionError
from subtractive.instruments import INSTRUMENTS, instrument, role
from symbolic.checkpoint import save_weights
from symbolic.config import WriterConfig
from symbolic.frames import frame_of_tick
from symbolic.pen import Limits, Pen, Step, Window, choose
from symbolic.rows import MAIN, Rows, rows_of
from symbolic.writer import POLYPHONY, PartWriter, Request, load_writer
from tests.test_scoretokens import parts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # x-transformers uses what torch deprecates
    from symbolic.transformer import Writer

BEAT = 480
BAR = 4 * BEAT
TOY = WriterConfig(dim=48, depth=2, encoder_depth=1, head_dim=16)
V = vocabulary()
LIGHT = settings(max_examples=60, deadline=None)

# what a writer of bad habits wants most of all: tokens and how much more likely they are
HABITS: dict[str, tuple[tuple[str, float], ...]] = {
    "none": (),
    "busy": (("Pitch", 6), ("PitchDrum", 6), ("Position", 5)),
    "chords without end": (("Pitch", 30), ("PitchDrum", 30)),
    "copies": (("Repeat", 30), ("Position", 20)),
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
        for kind, weight in HABITS[habit]:
            span = V.span(kind)
            model.main_head.bias[span.start : span.stop] += weight
            if kind == "Duration":
                model.duration_head.bias[-1] += weight  # sixteen quarter notes
    save_weights(folder, TOY, model.state_dict())
    return folder


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PartWriter]:
    folder = tmp_path_factory.mktemp("weights")
    return {
        habit: load_writer(toy_weights(folder / str(number), number, habit), "cpu")
        for number, habit in enumerate(HABITS)
    }


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
    for name in INSTRUMENTS:
        if name == "drums" and where == "drums alone":
            continue
        check(write(writers[habit], context, name), context, name)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_song_of_many_windows_is_written_to_its_end(writer: PartWriter, name: str) -> None:
    """Forty bars, of which a window holds sixteen."""
    context = tune(40 * BAR)
    reported: list[int] = []
    (part,) = writer.write([Request(context, name)], reported.append)
    check(part, context, name)
    played = {note.onset // BAR for note in part.notes}
    assert len(played) > 30
    assert max(played) > 36
    assert sum(reported) == 40
    assert len(reported) == 4  # 16 bars, and then 8 each


def test_a_writer_that_copies_copies_across_windows(writers: dict[str, PartWriter]) -> None:
    """Once a bar is filled, every later one is as it, whichever window it is written in."""
    context = tune(40 * BAR)
    for name in INSTRUMENTS:
        part = write(writers["copies"], context, name)
        contents: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for note in part.notes:
            contents[note.onset // BAR].append((note.onset % BAR, note.pitch, note.velocity))
        filled = sorted(contents)
        assert filled == list(range(filled[0], 40))
        assert filled[0] < 5
        assert all(contents[bar] == contents[filled[0]] for bar in filled)


def test_a_bar_is_copied_only_to_one_of_its_length(writers: dict[str, PartWriter]) -> None:
    """4/4 and 3/4 in turn, so that a copy is two bars old."""
    metres = tuple(
        Metre(bar * 7 * BEAT // 2 + bar % 2 * BEAT // 2, 3 if bar % 2 else 4, 4)
        for bar in range(12)
    )
    context = tune(42 * BEAT, *metres)
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


def test_each_part_depends_on_its_own_request_alone(writer: PartWriter, song: Arrangement) -> None:
    """Side by side in one batch, or alone: the same notes."""
    requests = [
        Request(without(song, "bass"), "bass", seed=1),
        Request(without(song, "drums"), "drums", seed=2),
        Request(tune(20 * BAR), "guitar", seed=3),
        Request(CONTEXTS["seven eighths"], "bass", seed=1, temperature=0.5),
        Request(CONTEXTS["one bar"], "drums"),
    ]
    together = writer.write(requests)
    assert together == [part for request in requests for part in writer.write([request])]
    assert writer.write(requests[::-1])[::-1] == together


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_seed_decides_everything(writer: PartWriter, song: Arrangement, name: str) -> None:
    context = without(song, name)
    first = write(writer, context, name, seed=5)
    assert write(writer, context, name, seed=5) == first
    assert write(writer, context, name, seed=6) != first


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_ticks_are_only_a_way_to_count(writer: PartWriter, name: str) -> None:
    """The same music in finer ticks gets the same part in finer ticks."""
    coarse, fine = (write(writer, tune(4 * 4 * beat, beat=beat), name) for beat in (96, 480))
    assert [
        Note(note.onset * 5, note.duration * 5, note.pitch, note.velocity) for note in coarse.notes
    ] == list(fine.notes)


@pytest.mark.parametrize("semitones", [-5, 2, 4])
def test_drums_do_not_care_for_the_key(
    writer: PartWriter, song: Arrangement, semitones: int
) -> None:
    context = without(replace(song, chords=()), "drums")
    moved = context.with_parts(
        tuple(
            replace(
                part,
                notes=tuple(note._replace(pitch=note.pitch + semitones) for note in part.notes),
            )
            for part in context.parts
        )
    )
    home = writer.write([Request(context, "drums", key=KeySignature(0, 0))])
    away = KeySignature(0, (7 * semitones + 5) % 12 - 5)
    assert away.tonic == semitones % 12
    assert writer.write([Request(moved, "drums", key=away)]) == home


def test_the_octave_of_a_part_is_within_its_range_in_every_key(writer: PartWriter) -> None:
    context = tune(2 * BAR)
    keys = [KeySignature(0, fifths) for fifths in range(-5, 7)]
    for name in ("bass", "guitar"):
        for part in writer.write([Request(context, name, key=key) for key in keys]):
            check(part, context, name)


@pytest.mark.parametrize(("name", "program"), [("bass", 38), ("guitar", 30), ("bass", 87)])
def test_a_program_is_given_or_chosen(
    writer: PartWriter, song: Arrangement, name: str, program: int
) -> None:
    context = without(song, name)
    chosen = write(writer, context, name)
    assert chosen.program in instrument(name).programs
    (given_,) = writer.write([Request(context, name, program=program)])
    assert given_.program == program
    assert all(instrument(name).lowest <= note.pitch for note in given_.notes)


def test_nothing_to_write_to(writer: PartWriter) -> None:
    for nothing in (Arrangement(BEAT, ()), Arrangement(BEAT, (Part("Rest", 80, False, ()),))):
        with pytest.raises(InstrumentError, match="nothing to write a part to"):
            write(writer, nothing, "bass")


@pytest.mark.parametrize("temperature", [0.0, -1.0, 5.1, float("nan"), float("inf")])
def test_a_temperature_out_of_reason_is_refused(
    writer: PartWriter, song: Arrangement, temperature: float
) -> None:
    with pytest.raises(OptionError, match="temperature"):
        writer.write([Request(song, "bass", temperature=temperature)])


def test_an_unknown_wish_is_refused(writer: PartWriter, song: Arrangement, tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="drums, bass, guitar"):
        write(writer, song, "banjo")
    with pytest.raises(OptionError, match="program 128 is not within 0 to 127"):
        writer.write([Request(song, "bass", program=128)])
    with pytest.raises(OptionError, match="choose auto, cpu or cuda"):
        load_writer(tmp_path, "tpu")
    with pytest.raises(FileFormatError, match="no weights in"):
        load_writer(tmp_path)


@LIGHT
@given(parts(), st.none() | st.integers(24, 39), st.data())
def test_a_pen_writes_the_rows_that_training_sees(
    part: tuple[str, list[int], npt.NDArray[np.int64]], program: int | None, data: st.DataObject
) -> None:
    """Given the tokens of a true part, from any bar on, it allows each and places it alike."""
    name, lines, notes = part
    start = data.draw(st.integers(0, len(lines) - 2))
    onsets = np.array(lines)
    bar_frames = frame_of_tick(onsets)[2]
    whole = rows_of(encode(notes, lines, instrument=name, program=program), onsets, bar_frames)
    known = rows_of(
        encode(notes, lines[: start + 1], instrument=name, program=program), onsets, bar_frames
    )
    filled = [bool(((notes[:, 0] >= a) & (notes[:, 0] < b)).any()) for a, b in pairwise(lines)]
    window = Window(onsets, bar_frames, start, filled[:start], np.ones(bar_frames[-1], dtype=bool))
    pen = Pen(window, Limits(np.ones(MAIN, dtype=bool), 99), known, needs_program=False)
    for step in steps_of(whole)[len(known) :]:
        assert pen.allowed()[step.main]
        written = pen.write(step.main, step.duration, step.velocity)
        assert written._replace(place=float(np.float32(written.place))) == step
    assert not pen.done
    assert pen.allowed()[V.id("Bar_None")]
    pen.write(V.id("Bar_None"))
    assert pen.done
    assert pen.filled == filled


def steps_of(rows: Rows) -> list[Step]:
    columns = (rows.main, rows.duration, rows.velocity, rows.frame, rows.position, rows.place)
    return [Step(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


logits = st.lists(st.floats(-6, 6), min_size=2, max_size=8).map(
    lambda values: np.array(values, dtype=np.float32)
)


@settings(max_examples=30, deadline=None)
@given(logits, st.data(), st.floats(0.1, 3), st.floats(0.05, 1))
def test_a_choice_is_from_the_smallest_likely_set(
    scores: npt.NDArray[np.float32], data: st.DataObject, temperature: float, top_p: float
) -> None:
    count = len(scores)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    mask[data.draw(st.integers(0, count - 1))] = True
    chances = np.where(mask, np.exp(scores.astype(float) / temperature), 0)
    chances /= chances.sum()
    draws = np.linspace(0, 1, 501)[:-1]
    drawn = Counter(choose(scores, mask, temperature, top_p, float(draw)) for draw in draws)
    kept = sorted(drawn)
    assert mask[kept].all()
    ranked = np.sort(chances[kept])[::-1]
    # without its least likely member the set would hold less than top_p
    assert ranked[:-1].sum() < top_p + 5e-3
    assert ranked.sum() > top_p - 5e-3
    assert ranked[-1] >= np.delete(chances, kept).max(initial=0) - 1e-9
    for token in kept:
        assert drawn[token] / 500 == pytest.approx(chances[token] / ranked.sum(), abs=5e-3)
    first = choose(scores, mask, temperature, top_p, 0.0)
    assert chances[first] == pytest.approx(chances.max())


@pytest.mark.parametrize("habit", HABITS)
def test_a_bars_rows_are_bounded(writers: dict[str, PartWriter], habit: str) -> None:
    """Even a writer that would never stop fills a song."""
    part = write(writers[habit], CONTEXTS["bars of twelve quarters"], "drums")
    crowd = Counter(note.onset // (6 * BEAT) for note in part.notes)
    assert max(crowd.values(), default=0) <= 160
    assert to_grid(CONTEXTS["bars of twelve quarters"]).bar_count == 4
