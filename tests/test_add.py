"""The command: what a user gets, and one clear sentence for every mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from subtractive.arrangement import Arrangement, Part, Tempo
from subtractive.files.midi import read_midi, write_midi
from subtractive.files.music import read, write
from subtractive.instruments import INSTRUMENTS, role, roles
from symbolic.add import main
from symbolic.api import add_part
from symbolic.writer import load_writer
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


@pytest.fixture
def run(weights: Path) -> Run:
    """The command with a toy's weights."""

    def command(*words: str | Path, toy: bool = True) -> int:
        options = ("--weights", weights, "--device", "cpu") if toy else ()
        return main([str(word) for word in (*words, *options)])

    return command


def plain(song: Arrangement, *places: int) -> bytes:
    """Some parts of a song as a MIDI file."""
    return write_midi(replace(song, parts=tuple(song.parts[place] for place in places), chords=()))


@pytest.fixture
def tune(tmp_path: Path, song: Arrangement) -> Path:
    """Melody and guitar."""
    path = tmp_path / "tune.mid"
    path.write_bytes(plain(song, 0, 1))
    return path


@pytest.fixture
def band(tmp_path: Path, song: Arrangement) -> Path:
    """Melody, guitar, bass and drums."""
    path = tmp_path / "band.mid"
    path.write_bytes(plain(song, 0, 1, 2, 3))
    return path


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


# --- mistakes: one sentence, exit code 2, nothing written ---------------------------------------


def refused(
    capsys: pytest.CaptureFixture[str], folder: Path, code: Callable[[], int], *words: str
) -> None:
    before = files(folder)
    capsys.readouterr()
    assert code() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (sentence,) = printed.err.splitlines()
    assert len(sentence) > 20
    assert "Traceback" not in sentence
    for word in words:
        assert word in sentence
    assert files(folder) == before


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "no MIDI": (b"This is a letter, not a song.\n" * 20, "MIDI"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "MIDI"),
    "a header alone": (midi_file(), "no notes"),
    "no notes": (midi_file(track()), "no notes"),
    "half a header": (b"MThd\x00\x00", ""),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_music(
    run: Run, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content, word = BROKEN[kind]
    path = tmp_path / "broken.mid"
    path.write_bytes(content)
    refused(capsys, tmp_path, lambda: run("--instrument", "bass", path), "broken.mid", word)


@pytest.mark.parametrize("length", [10, 14, 20, 30, 100, -1])
def test_a_truncated_file(
    run: Run, tune: Path, length: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tune.write_bytes(tune.read_bytes()[:length])
    refused(capsys, tune.parent, lambda: run("--instrument", "bass", tune), "tune.mid")


@pytest.mark.parametrize("name", ["letter.txt", "letter.xml", "letter.mxl", "letter"])
def test_a_file_of_another_kind(
    run: Run, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text("<letter>Dear Sir</letter>" if name.endswith("xml") else "Dear Sir", "utf-8")
    refused(capsys, tmp_path, lambda: run("--instrument", "bass", path), name)


def test_a_file_that_is_not_there(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "nowhere.mid", tmp_path):
        refused(capsys, tmp_path, lambda path=path: run("--instrument", "bass", path), path.name)  # type: ignore[misc]


@pytest.mark.parametrize("flag", [(), ("--replace",), ("--beside",)])
@pytest.mark.parametrize(("instrument", "place"), [("guitar", 1), ("bass", 2), ("drums", 3)])
def test_nothing_but_the_instrument_asked_for(
    run: Run,
    tmp_path: Path,
    song: Arrangement,
    capsys: pytest.CaptureFixture[str],
    instrument: str,
    place: int,
    flag: tuple[str, ...],
) -> None:
    path = tmp_path / "solo.mid"
    path.write_bytes(plain(song, place))
    code = lambda: run("--instrument", instrument, path, *flag)  # noqa: E731
    refused(capsys, tmp_path, code, "solo.mid", f"nothing but {instrument}")


@pytest.mark.parametrize(("instrument", "track_name"), [("bass", "Bass"), ("drums", "Drums")])
def test_an_instrument_that_is_there_already(
    run: Run, band: Path, capsys: pytest.CaptureFixture[str], instrument: str, track_name: str
) -> None:
    code = lambda: run("--instrument", instrument, band)  # noqa: E731
    refused(capsys, band.parent, code, "band.mid", track_name, "--replace", "--beside")


def test_an_output_that_is_an_input(
    run: Run, tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tune.parent
    (folder / "sub").mkdir()
    (folder / "link.mid").symlink_to(tune)
    for target in (tune, folder / "sub" / ".." / tune.name, folder / "link.mid"):
        code = lambda target=target: run("--instrument", "bass", tune, "-o", target)  # noqa: E731
        refused(capsys, folder, code, "input")
    for option in ("--plot", "--preview"):
        code = lambda option=option: run("--instrument", "bass", tune, option, tune)  # noqa: E731
        refused(capsys, folder, code, "input")


@pytest.mark.parametrize("option", ["-o", "--preview", "--plot"])
def test_a_folder_that_is_missing(
    run: Run, tune: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    missing = tune.parent / "missing"
    path = missing / {"-o": "a.mid", "--preview": "a.wav", "--plot": "a.png"}[option]
    refused(
        capsys, tune.parent, lambda: run("--instrument", "bass", tune, option, path), str(missing)
    )
    code = lambda: run("--instrument", "bass", tune, "--out-dir", missing)  # noqa: E731
    refused(capsys, tune.parent, code, str(missing))


@pytest.mark.parametrize("option", ["-o", "--preview", "--plot"])
def test_an_output_that_is_a_folder(
    run: Run, tune: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    folder = tune.parent / "folder.mid"
    folder.mkdir()
    code = lambda: run("--instrument", "bass", tune, option, folder)  # noqa: E731
    refused(capsys, tune.parent, code, "folder.mid")


@pytest.mark.parametrize("name", ["song.wav", "song", "song.musicxml", "song.mid.gz"])
def test_an_output_of_another_kind(
    run: Run, tune: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    target = tune.parent / name
    code = lambda: run("--instrument", "bass", tune, "-o", target)  # noqa: E731
    refused(capsys, tune.parent, code, name, ".mid")


WRONG_OPTIONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("--instrument", "banjo"), "drums, bass, guitar"),
    (("--instrument", "Bass"), "drums, bass, guitar"),
    ((), "--instrument"),
    (("--instrument", "bass", "--instrument", "bass"), "twice"),
    (("--instrument", "bass", "--replace", "--beside"), "--beside"),
    (("--instrument", "bass", "--tempo", "100"), "tempo"),
    (("--instrument", "bass", "--tempo", "3"), "10 to 1000"),
    (("--instrument", "bass", "--tempo", "fast"), "--tempo"),
    (("--instrument", "bass", "--tempo", "nan"), "10 to 1000"),
    (("--instrument", "bass", "--key", "H"), "key"),
    (("--instrument", "bass", "--key", ""), "key"),
    (("--instrument", "bass", "--chords", "C | Xyz"), "Xyz"),
    (("--instrument", "bass", "--chords", ""), "no chord"),
    (("--instrument", "bass", "--program", "128"), "127"),
    (("--instrument", "bass", "--instrument", "drums", "--program", "3"), "--program"),
    (("--instrument", "bass", "--temperature", "0"), "temperature"),
    (("--instrument", "bass", "--temperature", "-1"), "temperature"),
    (("--instrument", "bass", "--seed", "-1"), "seed"),
    (("--instrument", "bass", "--seed", "x"), "seed"),
    (("--instrument", "bass", "--device", "tpu"), "cuda"),
    (("--instrument", "bass", "--loud"), "--loud"),
)


@pytest.mark.parametrize(("words", "told"), WRONG_OPTIONS)
def test_an_option_that_makes_no_sense(
    tune: Path,
    weights: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    code = lambda: main([*words, "--weights", str(weights), str(tune)])  # noqa: E731
    refused(capsys, tune.parent, code, told)


def test_no_song_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, tmp_path, lambda: main(["--instrument", "bass"]), "songs")


@pytest.mark.parametrize("option", ["-o", "--preview", "--plot"])
def test_one_name_for_several_songs(
    run: Run, tune: Path, band: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    path = tune.parent / "one.mid"
    code = lambda: run("--instrument", "bass", tune, band, option, path)  # noqa: E731
    refused(capsys, tune.parent, code, "--out-dir")


def test_songs_of_one_name_would_overwrite_each_other(
    run: Run, tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tune.parent / "other" / tune.name
    other.parent.mkdir()
    other.write_bytes(tune.read_bytes())
    code = lambda: run("--instrument", "bass", tune, other, "--out-dir", tune.parent)  # noqa: E731
    refused(capsys, tune.parent, code, "twice")


def test_one_bad_song_among_good_ones_stops_all(
    run: Run, tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tune.with_name("bad.mid")
    bad.write_bytes(b"MThd")
    refused(capsys, tune.parent, lambda: run("--instrument", "bass", tune, bad), "bad.mid")


def test_weights_that_are_not_there(
    tune: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--instrument", "bass", str(tune), "--weights"]
    refused(capsys, tmp_path, lambda: main([*words, str(tmp_path / "none")]), "no weights in")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("writer.safetensors", b""),
        ("writer.safetensors", b"garbage"),
    ],
)
def test_weights_that_are_damaged(
    tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    folder = toy_weights(tmp_path / "damaged")
    (folder / name).write_bytes(content)
    words = ["--instrument", "bass", str(tune), "--weights", str(folder)]
    refused(capsys, tmp_path, lambda: main(words), "weights")


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
