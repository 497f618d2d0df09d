"""Mistakes: one sentence, exit code 2, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from subtractive.arrangement import Arrangement
from symbolic.add import main
from tests.conftest import plain
from tests.test_add import Run, command, files
from tests.test_midi_events import midi_file, track
from tests.test_sampling import toy_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def run(weights: Path) -> Run:
    return command(weights)


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


@pytest.mark.parametrize("name", ["song.wav", "song", "song.pdf", "song.mid.gz"])
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
    (("--instrument", "bass", "--takes", "0"), "0 takes are not within 1 to 32"),
    (("--instrument", "bass", "--takes", "33"), "33 takes are not within 1 to 32"),
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
