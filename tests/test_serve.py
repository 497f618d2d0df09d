"""The local page's HTTP API, with a writer that plays one note a beat, at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest

pytest.importorskip("fastapi", reason="needs the extra [page]")
pytest.importorskip("verovio", reason="needs the extra [page]")

from starlette.testclient import TestClient

from subtractive.arrangement import Arrangement, Note, Part, bars
from subtractive.files.midi import read_midi, write_midi
from subtractive.files.musicxml import read_musicxml
from subtractive.files.musicxml_write import write_musicxml
from subtractive.instruments import instrument, roles
from symbolic.serve.app import create_app
from symbolic.serve.jobs import FINISHED
from symbolic.serve.shapes import Wanted
from symbolic.serve.store import Store
from tests.conftest import plain

if TYPE_CHECKING:
    from symbolic.request import Request
    from symbolic.writer import PartWriter

ADDRESS = "http://127.0.0.1:8765"
Shape = dict[str, Any]


@dataclass
class Quick:
    """Writes one note on each beat, as high as the seed says; waits before each bar for `gate`."""

    check: Callable[[], None] = lambda: None
    gate: Event = field(default_factory=Event)
    at_work: int = 0
    most_at_work: int = 0

    def write(
        self, requests: Sequence[Request], report: Callable[[int], None] | None = None
    ) -> list[Part]:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            return [self._part(request, report) for request in requests]
        finally:
            self.at_work -= 1

    def _part(self, request: Request, report: Callable[[int], None] | None) -> Part:
        wanted = instrument(request.instrument)
        notes = []
        for bar in bars(request.context):
            while not self.gate.wait(0.01):
                self.check()
            if report is not None:
                report(1)
            notes += [
                Note(onset, bar.beat, wanted.lowest + request.seed % 12, 90)
                for onset in range(bar.onset, bar.end, bar.beat)
            ]
        return Part(wanted.title, wanted.program, wanted.name == "drums", tuple(notes))


class Desk:
    """A client of a server of its own."""

    def __init__(self, client: TestClient, writer: Quick) -> None:
        self.client = client
        self.writer = writer

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.client.request(method, path, headers={"X-Subtractive": "1"}, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def open(self, content: bytes, name: str = "tune.mid") -> Shape:
        return cast(
            Shape, self.ask("POST", "/api/songs", 201, params={"name": name}, content=content)
        )

    def begin(self, song: Shape, **wanted: Any) -> Shape:
        return cast(Shape, self.ask("POST", f"/api/songs/{song['id']}/jobs", 202, json=wanted))

    def events(self, job: Shape) -> list[Shape]:
        with self.client.stream("GET", f"/api/jobs/{job['id']}/events") as answer:
            return [json.loads(line[6:]) for line in answer.iter_lines() if line[:6] == "data: "]

    def write(self, song: Shape, **wanted: Any) -> list[str]:
        last = self.events(self.begin(song, **wanted))[-1]
        assert last["state"] == "done", last
        return cast(list[str], last["variations"])

    def fetch(self, song: Shape, what: str, variation: str | None = None) -> bytes:
        answer = self.client.get(
            f"/api/songs/{song['id']}/{what}", params={"variation": variation} if variation else {}
        )
        assert answer.status_code == 200, answer.text
        return answer.content

    def folder(self, song: Shape) -> Path:
        app: Any = self.client.app
        store = cast(Store, app.app.state.store)
        return store.song(song["id"]).path.parent

    def state(self, job: Shape) -> str:
        return cast(str, self.ask("GET", f"/api/jobs/{job['id']}")["state"])


@pytest.fixture
def desk() -> Iterator[Desk]:
    writer = Quick()
    writer.gate.set()

    def make_writer(check: Callable[[], None]) -> PartWriter:
        writer.check = check
        return cast("PartWriter", writer)

    with TestClient(create_app(make_writer), base_url=ADDRESS) as client:
        yield Desk(client, writer)


@pytest.fixture
def given(song: Arrangement) -> bytes:
    """Melody and guitar."""
    return plain(song, 0, 1)


def until(true: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def test_a_song_is_described_as_it_was_read(desk: Desk, given: bytes) -> None:
    music = read_midi(given)
    song = desk.open(given, "folder/tune.mid")
    assert song["name"] == "tune.mid"
    assert song["bars"] == len(bars(music))
    assert song["seconds"] == pytest.approx(music.seconds_at(music.end), abs=1e-3)
    assert [part["instrument"] for part in song["parts"]] == list(roles(music.parts))
    assert [part["notes"] for part in song["parts"]] == [len(part.notes) for part in music.parts]
    assert {part["origin"] for part in song["parts"]} == {"given"}


def test_the_progress_grows_to_its_end_and_each_seed_is_a_variation(
    desk: Desk, given: bytes
) -> None:
    song = desk.open(given)
    told = desk.events(desk.begin(song, instrument="bass", variations=3, seed=4))
    written = [each["bars_written"] for each in told]
    assert written == sorted(written)
    assert (written[-1], told[-1]["bars_total"]) == (24, 24)
    assert [each["state"] in FINISHED for each in told] == [False] * (len(told) - 1) + [True]
    variations = desk.ask("GET", f"/api/songs/{song['id']}")["variations"]
    assert [(each["number"], each["seed"]) for each in variations] == [(1, 4), (2, 5), (3, 6)]


@pytest.mark.parametrize(
    ("prompt", "heard"), [("Add deafening bass", '"deafening"'), ("Add loud bass", "")]
)
def test_a_job_tells_what_words_were_read_as(
    desk: Desk, given: bytes, prompt: str, heard: str
) -> None:
    told = desk.events(desk.begin(desk.open(given), instrument="bass", prompt=prompt))
    assert heard in "".join(told[-1]["remarks"])
    assert bool(told[-1]["remarks"]) == bool(heard)


def test_the_new_part_subtracted_gives_back_the_file_that_was_given(
    desk: Desk, given: bytes
) -> None:
    song = desk.open(given)
    (variation,) = desk.write(song, instrument="bass")
    context, taken = read_midi(desk.fetch(song, "files/midi", variation)).split("bass")
    assert len(taken) == 1
    assert write_midi(context) == given
    assert desk.fetch(song, "files/midi") == given
    part = read_midi(desk.fetch(song, "files/part", variation))
    assert [each.notes for each in part.parts] == [taken[0].stem.notes]


def test_a_score_comes_back_as_the_same_score_with_one_part_more(
    desk: Desk, song: Arrangement
) -> None:
    score = write_musicxml(song.with_parts(song.parts[:2])).content
    opened = desk.open(score, "tune.musicxml")
    (variation,) = desk.write(opened, instrument="drums")
    assert desk.fetch(opened, "files/musicxml") == score
    before, after = (
        read_musicxml(content).parts
        for content in (score, desk.fetch(opened, "files/musicxml", variation))
    )
    assert after[: len(before)] == before
    assert [part.is_drums for part in after[len(before) :]] == [True]


def test_one_variation_of_a_job_is_kept_and_what_is_written_next_hears_it(
    desk: Desk, given: bytes
) -> None:
    song = desk.open(given)
    one, two = desk.write(song, instrument="bass", variations=2)

    def parts() -> list[tuple[str, str]]:
        now = desk.ask("GET", f"/api/songs/{song['id']}")
        return [(part["instrument"], part["origin"]) for part in now["parts"]]

    start = parts()
    for variation in (one, two):
        desk.ask("POST", f"/api/songs/{song['id']}/variations/{variation}/keep")
        assert parts() == [*start, ("bass", "kept")]
        kept = read_midi(desk.fetch(song, "files/midi")).split("bass")[1][0].stem
        assert kept.notes == read_midi(desk.fetch(song, "files/part", variation)).parts[0].notes
    (drums,) = desk.write(song, instrument="drums")
    assert roles(read_midi(desk.fetch(song, "files/midi", drums)).parts)[-2:] == ("bass", "drums")
    desk.ask("DELETE", f"/api/songs/{song['id']}/variations/{two}")
    assert parts() == start
    assert desk.fetch(song, "files/midi") == given


def test_what_is_replaced_leaves_and_returns_when_the_new_part_is_taken_out(
    desk: Desk, song: Arrangement
) -> None:
    content = plain(song, 0, 1, 2)
    opened = desk.open(content)
    jobs = f"/api/songs/{opened['id']}/jobs"
    told = desk.ask("POST", jobs, 422, json={"instrument": "bass"})
    assert told["error"] == (
        "the music has bass already: choose to replace it, or to write one more"
    )
    (beside,) = desk.write(opened, instrument="bass", existing="beside")
    assert len(read_midi(desk.fetch(opened, "files/midi", beside)).split("bass")[1]) == 2
    (replaced,) = desk.write(opened, instrument="bass", existing="replace")
    desk.ask("POST", f"/api/songs/{opened['id']}/variations/{replaced}/keep")
    assert len(read_midi(desk.fetch(opened, "files/midi")).split("bass")[1]) == 1
    desk.ask("DELETE", f"/api/songs/{opened['id']}/variations/{replaced}")
    assert desk.fetch(opened, "files/midi") == content


def test_of_a_part_that_is_there_all_other_bars_stay(desk: Desk, song: Arrangement) -> None:
    opened = desk.open(plain(song, 0, 1, 2))
    (variation,) = desk.write(opened, instrument="bass", existing="replace", bars="3-4")
    (placed,) = read_midi(desk.fetch(opened, "files/midi", variation)).split("bass")[1]
    low, high = bars(song)[2].onset, bars(song)[3].end

    def outside(part: Part) -> list[Note]:
        return [note for note in part.notes if not low <= note.onset < high]

    assert outside(placed.stem) == outside(song.parts[2])
    assert placed.stem.notes != song.parts[2].notes


def test_a_mistake_in_a_wish_is_told_in_one_sentence(desk: Desk, given: bytes) -> None:
    jobs = f"/api/songs/{desk.open(given)['id']}/jobs"
    for wanted, words in (
        ({"instrument": "tuba"}, "instrument:"),
        ({"instrument": "bass", "sed": 3}, "sed: Extra inputs are not permitted"),
        ({"instrument": "bass", "variations": 99}, "variations:"),
        ({"instrument": "bass", "bars": "70-80"}, "bars 70-80: there is no bar 70"),
        ({"instrument": "bass", "key": "H"}, "H"),
        ({"instrument": "bass", "tempo": 100}, "tempo is for music without one"),
    ):
        error = desk.ask("POST", jobs, 422, json=wanted)["error"]
        assert words in error
        assert "--" not in error


def test_a_tempo_once_given_holds_for_what_is_written_next(desk: Desk, song: Arrangement) -> None:
    bare = song.with_parts(song.parts[:1])
    content = write_midi(Arrangement(bare.ticks_per_beat, bare.parts))
    opened = desk.open(content)
    assert not opened["states_tempo"]
    (bass,) = desk.write(opened, instrument="bass", tempo=60)
    desk.ask("POST", f"/api/songs/{opened['id']}/variations/{bass}/keep")
    (drums,) = desk.write(opened, instrument="drums")
    for variation in (None, bass, drums):
        assert read_midi(desk.fetch(opened, "files/midi", variation)).tempo_at(0) == 1_000_000


def test_the_roll_says_when_each_note_sounds(desk: Desk, song: Arrangement) -> None:
    content = plain(song, 0, 3)
    music = read_midi(content)
    opened = desk.open(content)
    (variation,) = desk.write(opened, instrument="bass")
    roll = json.loads(desk.fetch(opened, "roll", variation))
    assert [part["origin"] for part in roll["parts"]] == ["given", "given", "new"]
    for part, shown in zip(music.parts, roll["parts"], strict=False):
        assert shown["events"] == [
            [
                pytest.approx(music.seconds_at(note.onset), abs=1e-3),
                pytest.approx(music.seconds_at(note.end), abs=1e-3),
                note.pitch,
                note.velocity,
            ]
            for note in part.notes
        ]
    assert [bar["start"] for bar in roll["bars"]] == pytest.approx(
        [music.seconds_at(bar.onset) for bar in bars(music)]
    )


def test_everything_that_can_be_asked_is_described(desk: Desk) -> None:
    whole = desk.ask("GET", "/api/openapi.json")
    operations = [each for path in whole["paths"].values() for each in path.values()]
    assert len(operations) == 13
    assert all(operation["description"] for operation in operations)
    assert desk.client.get("/api").status_code == 200


def test_files_are_removed_with_their_song_and_with_the_server(
    given: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def files() -> list[Path]:
        return [path for path in tmp_path.rglob("*") if path.is_file()]

    with TestClient(create_app(lambda _: cast("PartWriter", Quick())), base_url=ADDRESS) as client:
        desk = Desk(client, Quick())
        first, _ = desk.open(given), desk.open(given)
        assert len(files()) == 2
        desk.ask("POST", "/api/songs", 422, params={"name": "x.mid"}, content=b"MThd?")
        assert len(files()) == 2
        desk.ask("DELETE", f"/api/songs/{first['id']}", 204)
        assert len(files()) == 1
        told = desk.ask("GET", f"/api/songs/{first['id']}", 404)
        assert told["error"] == "this song is no longer open: give its file again"
    assert [*tmp_path.iterdir()] == []


def test_other_notation_is_converted_once_and_comes_back_as_a_score(desk: Desk) -> None:
    pytest.importorskip("music21", reason="needs the extra [notation], which reads ABC")
    tune = b"X:1\nT:Air\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|\n"
    song = desk.open(tune, "air.abc")
    assert (song["name"], song["notation"], song["bars"]) == ("air.musicxml", "musicxml", 2)
    (variation,) = desk.write(song, instrument="bass")
    score = read_musicxml(desk.fetch(song, "files/musicxml", variation))
    assert [len(part.notes) for part in score.parts] == [8, 8]


def test_numbers_go_over_the_wire_and_reach_the_writer() -> None:
    asked = {
        "instrument": "bass",
        "register": "E1-G2",
        "density": 4,
        "polyphony": 1,
        "strict": True,
    }
    wishes = Wanted.model_validate(asked).task().wishes
    assert (wishes.register, wishes.density, wishes.polyphony) == ("E1-G2", 4, 1)
    assert wishes.strict
