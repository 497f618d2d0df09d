"""What is heard of a score, folded onto its measures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from subtractive.arrangement import Note, Part
from subtractive.files.musicxml import read_musicxml, written_score
from subtractive.notation.folding import folded, unfolded
from subtractive.notation.paper import WrittenNote
from tests.test_musicxml_notes import note as sheet_note
from tests.test_musicxml_notes import score as sheet
from tests.test_musicxml_order import BACK, FORWARD, ending

TICKS = 12
BAR = 48


@dataclass(frozen=True)
class Form:
    """Measures and the order they are played in."""

    lengths: tuple[Fraction, ...]
    order: tuple[int, ...]

    @property
    def onsets(self) -> tuple[Fraction, ...]:
        return tuple(accumulate((self.lengths[place] for place in self.order), initial=Fraction(0)))


def form(*order: int, count: int = 0) -> Form:
    return Form((Fraction(4),) * (count or max(order) + 1), order)


def bass(*notes: tuple[int, int, int]) -> Part:
    """A part from onsets, durations and pitches."""
    return Part("Bass", 33, False, tuple(Note(on, long, pitch, 80) for on, long, pitch in notes))


def struck(part: Part) -> list[tuple[int, int]]:
    return [(note.onset, note.pitch) for note in part.notes]


LENGTHS = st.sampled_from([Fraction(4), Fraction(3), Fraction(1), Fraction(7, 2), Fraction(7, 12)])


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """Any measures in any order: repeats, jumps forward and back, measures never played."""
    lengths = tuple(draw(st.lists(LENGTHS, min_size=1, max_size=6)))
    places = range(len(lengths))
    order: list[int] = []
    for start in draw(st.lists(st.sampled_from(places), min_size=1, max_size=5)):
        order += places[start : start + draw(st.integers(1, len(lengths)))]
    return Form(lengths, tuple(order))


@st.composite
def lines(draw: st.DrawFn, end: int) -> Part:
    """Notes of a grid, in up to two voices; a pitch never sounds while it sounds already."""
    notes = []
    for pitch in draw(st.sets(st.sampled_from([36, 43, 60]), max_size=2)):
        edges = sorted(draw(st.sets(st.integers(0, end), max_size=24)))
        kept = draw(st.lists(st.booleans(), min_size=24, max_size=24))
        notes += [
            Note(on, off - on, pitch, 90)
            for (on, off), keep in zip(pairwise(edges), kept, strict=False)
            if keep
        ]
    notes.sort(key=lambda note: (note.onset, note.pitch))
    return Part("Bass", 33, draw(st.booleans()), tuple(notes))


def ends(score: Form) -> int:
    return round(score.onsets[-1] * TICKS)


@given(st.data(), st.lists(LENGTHS, min_size=1, max_size=6))
def test_without_repeats_nothing_changes(data: st.DataObject, lengths: list[Fraction]) -> None:
    score = Form(tuple(lengths), tuple(range(len(lengths))))
    part = data.draw(lines(ends(score)))
    again = unfolded(folded(part, score, TICKS), score, part, TICKS)
    assert struck(again) == struck(part)
    if not part.is_drums:  # strokes on a drum end at the barline
        assert again == part


@given(st.data(), forms())
def test_what_is_played_from_paper_folds_back_onto_it(data: st.DataObject, score: Form) -> None:
    part = data.draw(lines(ends(score)))
    measures = folded(part, score, TICKS)
    assert folded(unfolded(measures, score, part, TICKS), score, TICKS) == measures


@given(st.data(), forms())
def test_every_measure_is_one_of_its_passes(data: st.DataObject, score: Form) -> None:
    part = data.draw(lines(ends(score)))
    edges = [round(onset * TICKS) for onset in score.onsets]
    for place, measure in enumerate(folded(part, score, TICKS)):
        written = {
            (round(note.onset * TICKS), note.pitch) for note in measure if not note.tied_back
        }
        passes = [
            {(on - edges[bar], pitch) for on, pitch in struck(part) if edges[bar] <= on < after}
            for bar, after in enumerate(edges[1:])
            if score.order[bar] == place
        ]
        assert written in passes if passes else not measure


@given(st.data(), forms())
def test_ties_hold_in_every_pass(data: st.DataObject, score: Form) -> None:
    measures = folded(data.draw(lines(ends(score))), score, TICKS)
    for place, measure in enumerate(measures):
        for note in measure:
            assert 0 <= note.onset < note.onset + note.duration <= score.lengths[place]
    for bar, place in enumerate(score.order):
        on = {
            note.pitch
            for note in measures[place]
            if note.tied_on and note.onset + note.duration == score.lengths[place]
        }
        following = measures[score.order[bar + 1]] if bar + 1 < len(score.order) else ()
        back = {note.pitch for note in following if note.tied_back and note.onset == 0}
        assert on == back
    assert not any(note.tied_back for note in measures[score.order[0]])


@given(st.data(), forms())
def test_equal_passes_lose_nothing_that_is_struck(data: st.DataObject, score: Form) -> None:
    part = data.draw(lines(ends(score)))
    same = unfolded(folded(part, score, TICKS), score, part, TICKS)
    again = unfolded(folded(same, score, TICKS), score, same, TICKS)
    assert again == same


def test_the_majority_of_the_passes_is_written() -> None:
    often, once = (0, 12, 40), (12, 12, 41)
    played = [often, often, once, often]
    part = bass(*((bar * BAR + on, long, pitch) for bar, (on, long, pitch) in enumerate(played)))
    ((note,),) = folded(part, form(0, 0, 0, 0), TICKS)
    assert (note.onset, note.pitch) == (Fraction(0), 40)


def test_of_equal_passes_the_first_is_written() -> None:
    part = bass((0, 12, 40), (BAR, 12, 41))
    ((note,),) = folded(part, form(0, 0), TICKS)
    assert note.pitch == 40


def test_phrases_come_from_one_pass() -> None:
    """Where the passes are equally good, no measure of one is followed by one of another."""
    first, second = ((0, 40), (BAR, 45)), ((2 * BAR, 41), (3 * BAR, 46))
    part = bass(*((on, 12, pitch) for on, pitch in (*first, *second)))
    written = folded(part, form(0, 1, 0, 1), TICKS)
    assert [note.pitch for measure in written for note in measure] == [40, 45]


def test_a_note_is_tied_where_the_measures_always_follow() -> None:
    part = bass((BAR - 12, 24, 40), (3 * BAR - 12, 24, 40))
    one, two = folded(part, form(0, 1, 0, 1), TICKS)
    assert one == (WrittenNote(Fraction(3), Fraction(1), 40, 80, False, True),)
    assert two == (WrittenNote(Fraction(0), Fraction(1), 40, 80, True, False),)


def test_a_note_ends_where_the_next_measure_differs() -> None:
    """Into a first and a second ending."""
    part = bass((BAR - 12, 24, 40), (3 * BAR - 12, 24, 40))
    shared, first, second = folded(part, form(0, 1, 0, 2), TICKS)
    assert shared == (WrittenNote(Fraction(3), Fraction(1), 40, 80, False, False),)
    assert first == second == ()


def test_an_early_note_stays_before_its_barline() -> None:
    part = bass((BAR - 1, 13, 40), (2 * BAR - 1, 1, 41))
    (measure,) = folded(part, form(0, 0), TICKS)
    assert [(note.onset, note.duration) for note in measure] == [
        (Fraction(47, 12), Fraction(1, 12))
    ]


def test_measures_never_played_are_empty() -> None:
    part = bass((0, 96, 40))
    assert folded(part, form(0, 2, count=4), TICKS)[1::2] == ((), ())


def test_a_stroke_on_a_drum_is_never_tied() -> None:
    kit = Part("Drums", 0, True, (Note(BAR - 6, 12, 36, 90),))
    one, two = folded(kit, form(0, 1), TICKS)
    assert one == (WrittenNote(Fraction(7, 2), Fraction(1, 2), 36, 90, False, False),)
    assert two == ()


def test_rounded_ticks_keep_notes_in_their_measures() -> None:
    """Barlines of odd tuplets fall between ticks."""
    score = Form((Fraction(13, 11),) * 6, (0, 1, 2, 3, 4, 5))
    part = bass(*((round(onset * TICKS), 4, 40) for onset in score.onsets[:-1]))
    for measure in folded(part, score, TICKS):
        assert [note.onset for note in measure] == [0]


def test_a_read_score_folds_back_to_what_it_says() -> None:
    """Repeat, endings and a tie: the part that was read is written as the score has it."""
    first, second = ending("1", back=True), ending("2")
    bars = [
        FORWARD + sheet_note("C4", 4, ties="start"),
        sheet_note("C4", 2, ties="stop") + sheet_note("D4", 2),
        first[0] + sheet_note("E4", 4) + first[1],
        second[0] + sheet_note("F4", 4) + second[1],
        sheet_note("G4", 4) + BACK,
    ]
    content = sheet(bars)
    written, heard = written_score(content), read_musicxml(content)
    assert len(written.order) > len(written.lengths)
    ticks = heard.ticks_per_beat
    measures = folded(heard.parts[0], written, ticks)
    assert measures == tuple(measure.notes for measure in written.parts[0].measures)
    assert unfolded(measures, written, heard.parts[0], ticks) == heard.parts[0]
