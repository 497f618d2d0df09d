"""Which part is what: program and channel first, then a name read as a whole phrase."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subtractive.arrangement import Note, Part
from subtractive.errors import InstrumentError
from subtractive.instruments import INSTRUMENTS, TABLE, instrument, role, roles

PIANO, BASSOON, CHOIR, BASS_CLARINET = 0, 70, 52, 71

BASSES = """
Bass|BASS|bass 1|Bass I|Bass II|Bass #2|Bass_1|Bass 01|"Bass"|Bass:|Bass Guitar|Bass-Guitar
Bass guitar 2|Bass Gtr.|Bass Gt|E-Bass|E.Bass|E Bass|E-Bass 1|El. Bass|Elec. Bass|Electric Bass
Electric Bass Guitar|Electric Bass (finger)|Electric Bass (pick)|Electric Bass (Finger) 1
Fretless Bass|Fretless Electric Bass|Slap Bass 1|Slap Bass 2|Synth Bass 1|Synth Bass 2|SynthBass
Bass (synth)|Upright Bass|Acoustic Bass|Ac.Bass|Double Bass|String Bass|5-string bass|5-string Bass
5 String Bass|5-str. Electric Bass|5-String Electric Bass|4-string bass guitar|Bass (5-string)
Bass, Electric|Bass (Electric)|Bassline|Bass Line|Sub Bass|Finger Bass|Fingered Bass|Picked Bass
Muted Bass|Jazz Bass|Lead Bass|Walking Bass|Walk|Walk-Main|Bass-Sus|Bass-Intro|Bass-8|Bass Track
""".strip()

GUITARS = """
Guitar|Guitars|Guitar(s)|Guitar 1|Guitar-1|Guitar#1|Guitar II|Gtr|Gtr.|Gtr 1|Ac. Gtr|Guitare
Gitarre|E-Gitarre|Guitarra|Acoustic Guitar|Acoustic Guitar (nylon)|Acoustic Guitar (steel)
Electric Guitar (jazz)|Electric Guitar (clean)|Electric Guitar (muted)|Overdriven Guitar
Distortion Guitar|Dist. Guitar|Distorted Guitar|Guitar Harmonics|Guitar harmonics|Lead Guitar
Rhythm Guitar 2|Lead Guitar L|Guitar L|Guitar (left)|Left Guitar|E-Guitar|E. Guitar|Nylon Guitar
12-string Guitar|12 String Guitar|7-string Guitar|Nylon-String Guitar|Steel-string Guitar
Pedal Steel Guitar|Slide Guitar|Classical Guitar|Jazz Gtr.|Guitar Solo|Guitar Rhythm
Guitar 1 (clean)|Guitar, Electric|Clean Guitar1|Clean Guitar 2|Crunch Guitar|Palm Muted Guitar
""".strip()

NEITHER = """
Bass Clarinet|bass-clarinet|Bass_Clarinet|Bass Drum|bass_drum|Bassoon|Double Bassoon|Bass Trombone
Bass Flute|Bass Sax|Bass Recorder|Bass Tuba|Basset Horn|Bass Trumpet|Bass Viol|Bass Marimba
Bass Voice|Bass 1 voice|Bass (voice)|Bass Singer|Bass Choir|Bass-Baritone|Bass Pad|Bass Harmonica
Bass & Guitar|Bass/Guitar|Bass + Guitar|Piano Bass|Piano (bass)|Bass-Piano|Basic #3|Bass Strings
Walkman|Walking|walk this way|Walk the line|Guitarist|Guitar Hero|Air Guitar Hero|Guitarron
Steel Drums|Strings|String|Lead|Rhythm|Synth|Synth Lead|Clean|E|L|1||Left Hand
""".strip()


def names(table: str) -> list[str]:
    return [name for line in table.splitlines() for name in line.split("|")]


def part(name: str, program: int = PIANO, *, is_drums: bool = False, sung: bool = False) -> Part:
    return Part(name, program, is_drums, (Note(0, 480, 40, 80),), sung=sung)


@pytest.mark.parametrize("name", names(BASSES))
def test_what_a_bass_is_called(name: str) -> None:
    assert role(part(name)) == "bass"


@pytest.mark.parametrize("name", names(GUITARS))
def test_what_a_guitar_is_called(name: str) -> None:
    assert role(part(name)) == "guitar"


@pytest.mark.parametrize("name", names(NEITHER))
def test_a_name_counts_only_as_a_whole_phrase(name: str) -> None:
    assert role(part(name)) == "other"


@settings(deadline=None)
@given(st.sampled_from(names(f"{BASSES}\n{GUITARS}\n{NEITHER}")), st.integers(0, 127))
def test_a_program_that_names_a_player_decides_before_the_name(name: str, program: int) -> None:
    expected = "bass" if 32 <= program < 40 else "guitar" if 24 <= program < 32 else None
    if expected:
        assert role(part(name, program)) == expected
        assert role(part(name, program, sung=True)) == expected
    # pianos but the first, organs, strings, voices, winds, ethnic instruments and noises
    elif program not in {0, 43, 58} and not 80 <= program < 104:
        assert role(part(name, program)) == "other"


@settings(deadline=None)
@given(st.sampled_from(names(f"{BASSES}\n{NEITHER}")), st.integers(0, 127))
def test_the_drum_channel_decides_before_everything(name: str, program: int) -> None:
    drums = part(name, program, is_drums=True)
    assert role(drums) == "drums"
    assert roles([part("Soprano"), part("Tenor"), drums])[2] == "drums"


def test_bowed_basses_tubas_and_synthesizers_play_what_their_name_says() -> None:
    for program in (43, 58, 80, 81, 87, 103):
        assert role(part("Bass", program)) == "bass"
        assert role(part("Lead", program)) == "other"


def test_a_sung_bass_is_no_bass_guitar() -> None:
    assert role(part("Bass", sung=True)) == "other"
    assert role(part("Bass", CHOIR)) == "other"
    assert role(part("Bass 1", BASSOON)) == "other"
    assert role(part("Bass", BASS_CLARINET)) == "other"


@pytest.mark.parametrize("bass", ["Bass", "BASS", "Bass 1", "Bass II", "Basses", "Bass solo"])
@pytest.mark.parametrize("voice", ["Soprano", "Alto 1", "Tenor II", "TENORS", "Mezzo Soprano"])
def test_among_voices_a_bass_is_one(voice: str, bass: str) -> None:
    assert roles([part(voice), part(bass)]) == ("other", "other")


def test_a_choir_may_have_a_bass_player() -> None:
    choir = [part("Soprano"), part("Alto"), part("Tenor"), part("Bass")]
    assert roles([*choir, part("Bass", 33)]) == ("other", "other", "other", "other", "bass")
    assert roles([*choir, part("Bass Guitar")])[-1] == "bass"
    assert roles([*choir, part("Bass", 25)])[-1] == "guitar"


def test_saxophones_sing_in_no_choir() -> None:
    band = [part("Alto Sax", 65), part("Tenor Saxophone", 66), part("Baritone Horn", 57)]
    assert roles([*band, part("Bass")])[-1] == "bass"


@settings(deadline=None)
@given(st.lists(st.sampled_from(names(f"{BASSES}\n{GUITARS}\n{NEITHER}"))))
def test_roles_do_not_depend_on_the_order_of_parts(mixed: list[str]) -> None:
    parts = [part(name) for name in mixed]
    backwards = roles(parts[::-1])
    assert roles(parts) == backwards[::-1]


def test_the_table_is_sound() -> None:
    assert INSTRUMENTS == ("drums", "bass", "guitar")
    for row in TABLE:
        assert instrument(row.name) is row
        assert row.lowest < row.highest
        new = part(row.title, row.program, is_drums=row.name == "drums")
        assert role(new) == row.name
    # E1 to G4 of a bass, E2 to E6 of a guitar in standard tuning
    assert (instrument("bass").lowest, instrument("bass").highest) == (28, 67)
    assert (instrument("guitar").lowest, instrument("guitar").highest) == (40, 88)


@pytest.mark.parametrize("name", ["banjo", "Bass", "", "drum"])
def test_an_unknown_instrument_is_told_what_there_is(name: str) -> None:
    with pytest.raises(InstrumentError, match="drums, bass, guitar"):
        instrument(name)
