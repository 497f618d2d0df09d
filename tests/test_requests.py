"""What a part depends on: its own request, and of that only what matters in music."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from subtractive.arrangement import Arrangement, KeySignature, Note, Part
from subtractive.errors import FileFormatError, InstrumentError, OptionError
from subtractive.instruments import INSTRUMENTS, instrument
from symbolic.request import Request
from symbolic.writer import PartWriter, load_writer
from tests.test_sampling import BAR, BEAT, CONTEXTS, check, tune, without, write, writer, writers

__all__ = ["writer", "writers"]  # fixtures, found by name


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_each_part_depends_on_its_own_request_alone(
    writer: PartWriter, song: Arrangement, guidance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Side by side in one batch, or alone, guided or not: the same notes."""
    monkeypatch.setattr("symbolic.preparation.GUIDANCE", dict.fromkeys(INSTRUMENTS, guidance))
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


def test_guidance_leans_on_the_context_within_the_grammar(
    writers: dict[str, PartWriter], song: Arrangement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitches change, drums do not, and all stays playable."""
    contexts = {name: without(song, name) for name in INSTRUMENTS}
    monkeypatch.setattr("symbolic.preparation.GUIDANCE", dict.fromkeys(INSTRUMENTS, 1.0))
    plain = {name: write(writers["busy"], contexts[name], name) for name in INSTRUMENTS}
    guided_writing = {"drums": 1.0, "bass": 4.0, "guitar": 4.0}
    monkeypatch.setattr("symbolic.preparation.GUIDANCE", guided_writing)
    for name, context in contexts.items():
        guided = write(writers["busy"], context, name)
        check(guided, context, name)
        assert (guided == plain[name]) == (name == "drums")


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_guidance_by_words_leans_on_words_alone(
    writers: dict[str, PartWriter], song: Arrangement, name: str
) -> None:
    """1 is the writer's own opinion; without words there is nothing to lean on."""
    context = without(song, name)
    plain = Request(context, name)
    asked = replace(plain, words=f"Add busy {name}")
    guided = [
        replace(plain, guidance=4.0),
        replace(asked, guidance=1.0),
        replace(asked, guidance=4),
    ]
    # side by side with what is not guided, too
    written = writers["busy"].write([plain, asked, *guided])
    assert written[2] == written[0]
    assert written[3] == written[1]
    assert written[4] != written[1]
    assert writers["busy"].write(guided[-1:]) == written[4:]
    check(written[4], context, name)


def test_the_take_that_is_kept_is_the_one_most_like_the_others(
    writer: PartWriter, song: Arrangement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from outside: all takes reach the vote, and its choice is what is written."""
    votes: list[int] = []
    context = without(song, "bass")
    kept: list[Part] = []
    for place in range(3):

        def vote(takes: list[object], *_: int, drums: bool, place: int = place) -> int:
            assert not drums
            votes.append(len(takes))
            return place

        monkeypatch.setattr("symbolic.takes.most_agreed", vote)
        kept += writer.write([Request(context, "bass", takes=3)])
    assert votes == [3, 3, 3]  # the song is one window long
    assert len({part.notes for part in kept}) == 3
    monkeypatch.undo()
    (chosen,) = writer.write([Request(context, "bass", takes=3)])
    assert chosen in kept


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
