"""What options and words guarantee, whoever writes: a toy writer that plays anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from subtractive.arrangement import Note, Part
from subtractive.example import main_part, subtract
from subtractive.files.music import read, write
from subtractive.harmony import chord_at, estimate_chords
from subtractive.instruction import Instruction
from symbolic.add import main
from symbolic.sketches import facts_in
from tests.test_sampling import toy_weights

BAR = 1920


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_weights(tmp_path_factory.mktemp("weights"), 3, "busy")


def written(
    weights: Path, tune: Path, instrument: str, *options: str, name: str = "out.mid"
) -> Part:
    """Return the part that the command writes with some options."""
    target = tune.with_name(name)
    words = ["--instrument", instrument, "--replace", "--weights", str(weights), *options]
    assert main([*words, str(tune), "-o", str(target)]) == 0
    return main_part(subtract(read(target), Instruction(instrument)))


@pytest.mark.parametrize("instrument", ["bass", "guitar"])
@pytest.mark.parametrize("register", ["A2-A3", "E2-E3"])
def test_every_note_is_in_the_register(
    weights: Path, tune: Path, instrument: str, register: str
) -> None:
    low, high = {"A2-A3": (45, 57), "E2-E3": (40, 52)}[register]
    part = written(weights, tune, instrument, "--register", register)
    assert part.notes
    assert all(low <= note.pitch <= high for note in part.notes)


@pytest.mark.parametrize("instrument", ["drums", "guitar"])
def test_no_more_is_struck_at_once_than_asked(weights: Path, tune: Path, instrument: str) -> None:
    many = written(weights, tune, instrument)
    one = written(weights, tune, instrument, "--polyphony", "1")
    assert len({note.onset for note in many.notes}) < len(many.notes)
    assert len({note.onset for note in one.notes}) == len(one.notes) > 0


@pytest.mark.parametrize("instrument", ["bass", "guitar"])
@pytest.mark.parametrize("given", [(), ("--chords", "C | Am | F | G7")])
def test_strict_parts_have_chord_tones_on_strong_beats(
    weights: Path, tune: Path, instrument: str, given: tuple[str, ...]
) -> None:
    part = written(weights, tune, instrument, "--strict", *given)
    context, _ = read(tune).split(instrument)
    chords = estimate_chords(context)
    if given:
        tones = ((0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2, 5))
    for note in part.notes:
        if note.onset % (BAR // 2):
            continue
        chord = chord_at(chords, note.onset)
        allowed = tones[note.onset // BAR % 4] if given else chord.pitch_classes if chord else ()
        assert not allowed or note.pitch % 12 in allowed


@pytest.mark.parametrize("instrument", ["bass", "drums"])
def test_density_is_led_up_and_down(weights: Path, tune: Path, instrument: str) -> None:
    counts = [
        len({note.onset for note in written(weights, tune, instrument, "--density", each).notes})
        for each in ("2", "8")
    ]
    assert counts[0] < counts[1]


def test_kept_notes_are_in_the_part(weights: Path, tune: Path) -> None:
    sketch = written(weights, tune, "bass", "--seed", "9", name="sketch.mid")
    part = written(weights, tune, "bass", "--keep", str(tune.with_name("sketch.mid")))
    assert set(sketch.notes) <= set(part.notes)


def test_loudness_and_swing_come_from_the_part_to_play_like(weights: Path, tune: Path) -> None:
    music = read(tune)
    swung = tuple(
        Note(bar * BAR + beat * 480 + place, 100, 40, 50)
        for bar in range(8)
        for beat in range(4)
        for place in (0, 320)
    )
    model = tune.with_name("like.mid")
    write(music.with_parts((Part("Bass", 33, False, swung),)), model)
    written(weights, tune, "bass", "--like", str(model))
    facts = facts_in(tune.with_name("out.mid"), "bass")
    assert facts.mean_velocity == pytest.approx(50, abs=4)
    assert not facts.swing_ratio < 1.5  # swung, or nothing to swing


@pytest.mark.parametrize(("less", "more"), [("soft", "aggressive"), ("soft", "loud")])
def test_words_of_loudness_are_heard(weights: Path, tune: Path, less: str, more: str) -> None:
    loud = []
    for word in (less, more):
        part = written(weights, tune, "drums", "--prompt", f"Add {word} drums")
        loud.append(sum(note.velocity for note in part.notes) / len(part.notes))
    assert loud[0] < loud[1] - 10


def test_of_several_candidates_the_best_is_kept_with_its_card(weights: Path, tune: Path) -> None:
    parts, cards = [], []
    for count in ("1", "3"):
        parts.append(written(weights, tune, "bass", "--candidates", count, name=f"{count}.mid"))
        card = json.loads(tune.with_name(f"{count}.scorecard.json").read_text(encoding="utf-8"))
        cards.append(card["bass"])
    assert cards[1]["merit"] >= cards[0]["merit"]
    assert parts[0] == written(weights, tune, "bass")
    assert (parts[0] == parts[1]) == (cards[0] == cards[1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--density", "0"), "--density 0 is not within"),
        (("--density", "nan"), "--density nan is not within"),
        (("--register", "loud"), "names no two pitches"),
        (("--register", "E1-F1"), "less than an octave"),
        (("--polyphony", "0"), "leaves no note"),
        (("--candidates", "0"), "--candidates 0 is not within 1 to 32"),
        (("--candidates", "99"), "--candidates 99 is not within 1 to 32"),
        (("--like", "nowhere.mid"), "nowhere.mid"),
        (("--keep", "nowhere.mid"), "nowhere.mid"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(
    tune: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], said: str
) -> None:
    before = sorted(tune.parent.iterdir())
    assert main(["--instrument", "bass", *options, str(tune)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1
    assert sorted(tune.parent.iterdir()) == before


def test_drums_have_no_register(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--instrument", "drums", "--register", "C2-C4", str(tune)]) == 2
    assert "drums have no register" in capsys.readouterr().err
