"""The command: what a user gets, and one clear sentence for every mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.notation.checks import is_unaltered
from subtractive.arrangement import Arrangement, Part, Tempo
from subtractive.files.midi import read_midi
from subtractive.files.music import read, write
from subtractive.files.musicxml_score import whole_score
from subtractive.instruments import INSTRUMENTS, role, roles
from symbolic.add import main
from symbolic.api import add_part
from symbolic.writer import load_writer
from tests.conftest import plain
from tests.test_midi_events import midi_file, off, on, track, track_chunks
from tests.test_sampling import toy_weights

BEAT = 480
BAR = 4 * BEAT

LEAD_SHEET = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0">
  <part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>
  <part id="P1">{measures}</part>
</score-partwise>
"""
MEASURE = """<measure number="{number}">{attributes}
  <harmony><root><root-step>{root}</root-step></root><kind>{kind}</kind></harmony>
  <note><pitch><step>{root}</step><octave>4</octave></pitch><duration>4</duration></note>
</measure>"""
ATTRIBUTES = """<attributes><divisions>1</divisions>
  <time><beats>4</beats><beat-type>4</beat-type></time></attributes>"""

Run = Callable[..., int]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_weights(tmp_path_factory.mktemp("weights"), 3, "busy")


def command(weights: Path) -> Run:
    """The command with some weights."""
    return lambda *words: main([*map(str, words), "--weights", str(weights), "--device", "cpu"])


@pytest.fixture
def run(weights: Path) -> Run:
    return command(weights)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def new_parts(before: Path, after: Path) -> tuple[Part, ...]:
    """The parts that were added; all others are as they were."""
    old, new = read(before), read(after)
    assert new.parts[: len(old.parts)] == old.parts
    return new.parts[len(old.parts) :]


@pytest.mark.parametrize("instrument", ["bass", "drums"])
def test_a_part_is_added_and_nothing_else_changes(run: Run, tune: Path, instrument: str) -> None:
    original = tune.read_bytes()
    assert run("--instrument", instrument, tune) == 0
    assert tune.read_bytes() == original
    target = tune.with_name(f"tune.{instrument}.mid")
    assert sorted(files(tune.parent)) == sorted([tune.name, target.name])
    assert track_chunks(target.read_bytes())[:-1] == track_chunks(original)
    (part,) = new_parts(tune, target)
    assert role(part) == instrument
    assert part.notes


def test_instruments_are_written_one_after_the_other(run: Run, tune: Path, tmp_path: Path) -> None:
    """Each hears those before it: the drums are those that a second call would write."""
    both, bass, then = (tmp_path / f"{name}.mid" for name in ("both", "bass", "then"))
    assert run("--instrument", "bass", "--instrument", "drums", tune, "-o", both) == 0
    assert run("--instrument", "bass", tune, "-o", bass) == 0
    assert run("--instrument", "drums", bass, "-o", then) == 0
    assert roles(new_parts(tune, both)) == ("bass", "drums")
    assert read(both).parts == read(then).parts
    assert track_chunks(both.read_bytes())[:-2] == track_chunks(tune.read_bytes())


def test_the_same_words_give_the_same_bytes(run: Run, tune: Path, tmp_path: Path) -> None:
    first, second, other = (tmp_path / f"{number}.mid" for number in range(3))
    words = ("--instrument", "bass", tune, "--seed", "7", "-o")
    assert run(*words, first) == run(*words, second) == 0
    assert first.read_bytes() == second.read_bytes()
    assert run("--instrument", "bass", tune, "--seed", "8", "-o", other) == 0
    assert other.read_bytes() != first.read_bytes()


def test_an_existing_output_is_replaced_whole(run: Run, tune: Path, tmp_path: Path) -> None:
    fresh, used = tmp_path / "fresh.mid", tmp_path / "used.mid"
    used.write_bytes(b"something long that was here before" * 1000)
    for target in (fresh, used):
        assert run("--instrument", "bass", tune, "-o", target) == 0
    assert used.read_bytes() == fresh.read_bytes()


def test_many_songs_go_to_a_folder(run: Run, tune: Path, tmp_path: Path, song: Arrangement) -> None:
    """Side by side or one at a time: the same files."""
    other = tmp_path / "other.mid"
    other.write_bytes(plain(song, 0, 3))
    folder, alone = tmp_path / "with-bass", tmp_path / "alone"
    folder.mkdir()
    alone.mkdir()
    assert run("--instrument", "bass", tune, other, "--out-dir", folder) == 0
    for path in (tune, other):
        assert run("--instrument", "bass", path, "--out-dir", alone) == 0
    assert files(folder) == files(alone)
    assert sorted(files(folder)) == ["other.bass.mid", "tune.bass.mid"]


def test_part_only_is_the_new_part_for_a_daw(run: Run, tune: Path, tmp_path: Path) -> None:
    whole, only = tmp_path / "whole.mid", tmp_path / "only.mid"
    assert run("--instrument", "bass", tune, "-o", whole) == 0
    assert run("--instrument", "bass", tune, "-o", only, "--part-only") == 0
    (part,) = new_parts(tune, whole)
    (alone,) = read(only).parts
    assert (alone.notes, alone.program, alone.name) == (part.notes, part.program, part.name)
    assert read(only).tempos == read(tune).tempos
    assert read(only).metres == read(tune).metres
    assert read(only).ticks_per_beat == BEAT


def test_replace_takes_the_old_part_out_first(
    run: Run, band: Path, tmp_path: Path, song: Arrangement
) -> None:
    target, anew = tmp_path / "new.mid", tmp_path / "anew.mid"
    assert run("--instrument", "bass", band, "-o", target, "--replace") == 0
    old, new = read(band), read(target)
    assert [part.name for part in new.parts] == ["Melody", "Guitar", "Drums", "Bass"]
    assert new.parts[-1].notes != old.parts[2].notes
    kept = track_chunks(target.read_bytes())[:-1]
    chunks = track_chunks(band.read_bytes())
    assert kept == [chunk for place, chunk in enumerate(chunks) if place != 3]
    # the old bass was not listened to: without it the new one is the same
    without = tmp_path / "without.mid"
    without.write_bytes(plain(song, 0, 1, 3))
    assert run("--instrument", "bass", without, "-o", anew) == 0
    assert read(anew).parts[-1].notes == new.parts[-1].notes


def test_replace_with_nothing_there_is_a_plain_add(run: Run, tune: Path, tmp_path: Path) -> None:
    plainly, replaced = tmp_path / "plainly.mid", tmp_path / "replaced.mid"
    assert run("--instrument", "bass", tune, "-o", plainly) == 0
    assert run("--instrument", "bass", tune, "-o", replaced, "--replace") == 0
    assert plainly.read_bytes() == replaced.read_bytes()


def test_beside_writes_one_more(run: Run, band: Path, tmp_path: Path) -> None:
    target = tmp_path / "two.mid"
    assert run("--instrument", "bass", band, "-o", target, "--beside") == 0
    (part,) = new_parts(band, target)
    assert role(part) == "bass"
    assert track_chunks(target.read_bytes())[:-1] == track_chunks(band.read_bytes())


def test_a_tempo_is_written_where_the_music_states_none(
    run: Run, tmp_path: Path, song: Arrangement
) -> None:
    free, target = tmp_path / "free.mid", tmp_path / "paced.mid"
    free.write_bytes(
        midi_file(track((0, on(60)), (4 * BEAT, off(60)), (0, on(64)), (4 * BEAT, off(64))))
    )
    assert read(free).tempos == ()
    assert run("--instrument", "bass", free, "-o", target, "--tempo", "90") == 0
    assert read(target).tempos == (Tempo(0, 666_667),)
    assert track_chunks(target.read_bytes())[:-1] == track_chunks(free.read_bytes())


def test_chords_given_by_hand_are_followed(run: Run, tune: Path, tmp_path: Path) -> None:
    """At N.C. nobody plays."""
    target = tmp_path / "chart.mid"
    assert run("--instrument", "bass", tune, "-o", target, "--chords", "C | N.C.") == 0
    (part,) = new_parts(tune, target)
    assert {note.onset // BAR % 2 for note in part.notes} == {0}
    assert all(note.end <= (note.onset // BAR + 1) * BAR for note in part.notes)


def test_a_key_given_by_hand_is_believed(run: Run, tune: Path, tmp_path: Path) -> None:
    found, same, other = (tmp_path / f"{name}.mid" for name in ("found", "same", "other"))
    for target, words in ((found, ()), (same, ("--key", "C major")), (other, ("--key", "Eb"))):
        assert run("--instrument", "bass", tune, "-o", target, *words) == 0
    assert found.read_bytes() == same.read_bytes() != other.read_bytes()


def test_a_program_given_by_hand_is_taken(run: Run, tune: Path, tmp_path: Path) -> None:
    target = tmp_path / "synth.mid"
    assert run("--instrument", "bass", tune, "-o", target, "--program", "38") == 0
    (part,) = new_parts(tune, target)
    assert part.program == 38


def test_the_last_line_for_machines(
    run: Run, tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.mid"
    assert run("--instrument", "bass", "--instrument", "drums", tune, "-o", target, "--json") == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["status"] == "ok"
    assert said["seconds"] > 0
    (outcome,) = said["outputs"]
    assert (outcome["input"], outcome["output"]) == (str(tune), str(target))
    assert outcome["bars"] == 8
    written = [
        {"instrument": role(part), "notes": len(part.notes), "program": part.program}
        for part in new_parts(tune, target)
    ]
    assert outcome["parts"] == written
    # a mistake, too, is told to machines
    assert run("--instrument", "banjo", tune, "--json") == 2
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said == {"status": "error", "message": said["message"]}
    assert "banjo" in said["message"]


def test_the_first_line_for_people(
    run: Run, tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--instrument", "bass", tune) == 0
    printed = capsys.readouterr().out
    assert "tune.bass.mid" in printed
    assert "notes" in printed


def test_a_picture_is_drawn_when_asked_for(run: Run, tune: Path, tmp_path: Path) -> None:
    plot = tmp_path / "roll.png"
    assert run("--instrument", "bass", tune, "--plot", plot) == 0
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_lead_sheet_gets_a_band(run: Run, tmp_path: Path) -> None:
    """MusicXML in, MIDI out: melody and three new parts, none of them in the bar of N.C."""
    chords = ["C", "F", "G", "C"]
    measures = "".join(
        MEASURE.format(
            number=number + 1,
            root=root,
            kind="none" if number == 2 else "major",
            attributes="" if number else ATTRIBUTES,
        )
        for number, root in enumerate(chords)
    )
    sheet, target = tmp_path / "sheet.musicxml", tmp_path / "band.mid"
    sheet.write_text(LEAD_SHEET.format(measures=measures), "utf-8")
    wanted = [word for name in INSTRUMENTS for word in ("--instrument", name)]
    assert run(*wanted, sheet, "-o", target) == 0
    melody, *added = read(target).parts
    assert [note.pitch for note in melody.notes] == [60, 65, 67, 60]
    assert roles(added) == INSTRUMENTS
    beat = read(target).ticks_per_beat
    silent = (8 * beat, 12 * beat)
    for part in added[1:]:
        assert all(note.end <= silent[0] or note.onset >= silent[1] for note in part.notes)


def test_a_score_stays_a_score(run: Run, tmp_path: Path, song: Arrangement) -> None:
    """By default in its own format, zipped where that is asked for, and the part alone."""
    score = tmp_path / "song.musicxml"
    score.write_bytes(whole_score(song.with_parts(song.parts[:2])))
    assert run("--instrument", "drums", score) == 0
    target = tmp_path / "song.drums.musicxml"
    (drums,) = new_parts(score, target)
    assert drums.is_drums
    assert drums.notes
    assert is_unaltered(score.read_bytes(), target.read_bytes())
    packed, alone = tmp_path / "packed.mxl", tmp_path / "alone.musicxml"
    assert run("--instrument", "drums", score, "-o", packed) == 0
    assert read(packed).parts == read(target).parts
    assert run("--instrument", "drums", score, "-o", alone, "--part-only") == 0
    (only,) = read(alone).parts
    assert sorted(note.pitch for note in only.notes) == sorted(note.pitch for note in drums.notes)
    replaced = tmp_path / "replaced.musicxml"
    assert run("--instrument", "drums", target, "--replace", "--seed", "3", "-o", replaced) == 0
    assert len(read(replaced).parts) == len(read(target).parts)
    assert is_unaltered(score.read_bytes(), replaced.read_bytes())


def test_a_score_beside_the_midi(run: Run, tune: Path, tmp_path: Path) -> None:
    target, score = tmp_path / "out.mid", tmp_path / "out.mxl"
    assert run("--instrument", "bass", tune, "-o", target, "--score", score) == 0
    by_ear = [
        [{note.pitch for note in part.notes} for part in read(path).parts]
        for path in (target, score)
    ]
    assert by_ear[0] == by_ear[1]
    assert by_ear[0][-1]


def test_a_guitar_with_tablature(run: Run, tune: Path, tmp_path: Path) -> None:
    plain, shown = tmp_path / "plain.musicxml", tmp_path / "shown.musicxml"
    assert run("--instrument", "guitar", tune, "--replace", "-o", plain) == 0
    words = ("--instrument", "guitar", tune, "--replace", "--tablature")
    assert run(*words, "-o", shown) == 0
    assert b"<sign>TAB</sign>" not in plain.read_bytes()
    assert b"<sign>TAB</sign>" in shown.read_bytes()
    # the second staff shows the same notes, and does not sound twice
    heard = [
        {(note.onset, note.pitch) for note in read(path).parts[-1].notes} for path in (plain, shown)
    ]
    assert heard[0] == heard[1]


def test_three_lines_of_python_do_the_same(
    run: Run, tune: Path, tmp_path: Path, weights: Path
) -> None:
    by_command, by_hand = tmp_path / "command.mid", tmp_path / "hand.mid"
    assert run("--instrument", "bass", tune, "-o", by_command, "--seed", "2") == 0
    song = read(tune)
    song = add_part(song, "bass", seed=2, writer=load_writer(weights, "cpu"))
    write(song, by_hand)
    assert by_hand.read_bytes() == by_command.read_bytes()


def test_help_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for word in ("--instrument", "--out-dir", "--part-only", "--replace", "--seed", "--json"):
        assert word in printed


def test_a_bass_written_to_a_midi_of_format_0_leaves_its_track_alone(
    run: Run, tmp_path: Path, song: Arrangement
) -> None:
    single = tmp_path / "single.mid"
    single.write_bytes(
        midi_file(track((0, on(60)), (BAR, off(60)), (0, on(67)), (BAR, off(67))), form=0)
    )
    target = tmp_path / "out.mid"
    assert run("--instrument", "bass", single, "-o", target) == 0
    assert track_chunks(target.read_bytes())[0] == track_chunks(single.read_bytes())[0]
    assert role(read_midi(target.read_bytes()).parts[-1]) == "bass"
