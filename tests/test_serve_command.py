"""The command, and the real writer behind it: the same parts, and an end when it is asked for."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("fastapi", reason="needs the extra [page]")
pytest.importorskip("verovio", reason="needs the extra [page]")

import httpx2 as httpx
from starlette.testclient import TestClient

from subtractive.arrangement import Arrangement
from subtractive.files.midi import read_midi
from symbolic.request import Request
from symbolic.serve.__main__ import main, parser
from symbolic.serve.app import create_app
from symbolic.serve.interruptible import interruptible
from symbolic.serve.jobs import Cancelled
from symbolic.writer import load_writer
from tests.conftest import plain

ROOT = Path(__file__).parents[1]


@contextmanager
def serving(*arguments: str, temporary: Path | None = None) -> Iterator[httpx.Client]:
    """Run the command, and interrupt it; it must end by itself."""
    command = [sys.executable, "-m", "symbolic.serve", "--port", "0", "--json", *arguments]
    environment = os.environ | ({"TMPDIR": str(temporary)} if temporary else {})
    pipe = subprocess.PIPE
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=environment
    )
    try:
        assert server.stdout is not None
        said = json.loads(server.stdout.readline())
        assert said["status"] == "ok"
        with httpx.Client(
            base_url=said["url"], headers={"X-Subtractive": "1"}, timeout=120
        ) as client:
            yield client
        server.send_signal(signal.SIGINT)
        assert server.communicate(timeout=30)[1] == ""
    finally:
        server.kill()
        server.communicate()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("served")
    with serving("--device", "cpu", temporary=folder) as client:
        yield client
    assert [*folder.iterdir()] == []


def wait(client: httpx.Client, job: str, *states: str) -> dict[str, object]:
    end = time.monotonic() + 120
    while True:
        now: dict[str, object] = client.get(f"/api/jobs/{job}").json()
        if now["state"] in states:
            return now
        assert time.monotonic() < end, now
        time.sleep(0.02)


def test_the_shipped_weights_write_a_bass(served: httpx.Client, song: Arrangement) -> None:
    given = plain(song, 0, 1)
    opened = served.post("/api/songs?name=tune.mid", content=given).json()
    wanted = {"instrument": "bass", "takes": 1}
    job = served.post(f"/api/songs/{opened['id']}/jobs", json=wanted).json()
    told = wait(served, job["id"], "done", "failed", "cancelled")
    assert told["state"] == "done", told
    (variation,) = served.get(f"/api/songs/{opened['id']}").json()["variations"]
    midi = served.get(f"/api/songs/{opened['id']}/files/midi?variation={variation['id']}").content
    ((placed),) = read_midi(midi).split("bass")[1]
    expected = load_writer(device="cpu").write([Request(read_midi(given), "bass", takes=1)])[0]
    assert placed.stem.notes == expected.notes


def test_a_job_is_cancelled_within_a_second(served: httpx.Client, song: Arrangement) -> None:
    opened = served.post("/api/songs?name=tune.mid", content=plain(song, 0, 1, 2)).json()
    jobs = f"/api/songs/{opened['id']}/jobs"
    wanted = {"instrument": "drums", "takes": 32, "variations": 8}
    long = served.post(jobs, json=wanted).json()["id"]
    after = served.post(jobs, json=wanted).json()["id"]
    wait(served, long, "writing")
    time.sleep(0.5)
    began = time.monotonic()
    assert served.delete(f"/api/jobs/{long}").json()["state"] == "cancelled"
    wait(served, after, "writing")
    assert time.monotonic() - began < 1
    served.delete(f"/api/jobs/{after}")


def test_an_interrupt_ends_what_is_written_and_followed(song: Arrangement) -> None:
    with serving() as client:
        opened = client.post("/api/songs?name=tune.mid", content=plain(song, 0, 1)).json()
        wanted = {"instrument": "bass", "takes": 32, "variations": 8}
        job = client.post(f"/api/songs/{opened['id']}/jobs", json=wanted).json()
        wait(client, job["id"], "writing")
        # by a client of its own, which is still there when the server ends
        address = f"{client.base_url}api/jobs/{job['id']}/events"
        followed = Thread(target=httpx.get, args=(address,), kwargs={"timeout": 60})
        followed.start()
        time.sleep(0.3)
        began = time.monotonic()
    followed.join(timeout=5)
    assert time.monotonic() - began < 5


def test_a_writer_that_can_be_interrupted_writes_the_same(song: Arrangement) -> None:
    writer = load_writer(device="cpu")
    request = Request(song.split("bass")[0], "bass", takes=1)
    asked = 0
    stop_after: int | None = None

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == stop_after:
            raise Cancelled

    stoppable = interruptible(writer, check)
    assert stoppable.write([request]) == writer.write([request])
    assert asked > 8
    asked, stop_after = 0, 5
    with pytest.raises(Cancelled):
        stoppable.write([request])
    assert asked == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 can be reached by other machines: say --allow-remote"),
        (["--host", "::"], ":: can be reached by other machines"),
        (["--port", "70000"], "nothing can listen on 127.0.0.1:70000"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--json"]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert json.loads(said.out) == {"status": "error", "message": said.err.strip()}


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "name another --port" in capsys.readouterr().err


def test_weights_that_are_not_there_fail_the_job_not_the_page(
    tmp_path: Path, song: Arrangement
) -> None:
    with serving("--weights", str(tmp_path)) as client:
        opened = client.post("/api/songs?name=tune.mid", content=plain(song, 0, 1)).json()
        job = client.post(f"/api/songs/{opened['id']}/jobs", json={"instrument": "bass"}).json()
        told = wait(client, job["id"], "failed")
        assert str(tmp_path) in str(told["error"])


def test_the_document_names_every_option_and_every_path() -> None:
    text = (ROOT / "docs" / "page.md").read_text(encoding="utf-8")
    for option in set(re.findall(r"--[a-z-]+", parser().format_help())) - {"--help"}:
        assert f"`{option}" in text, option
    with TestClient(create_app(lambda _: load_writer()), base_url="http://127.0.0.1") as client:
        paths = client.get("/api/openapi.json").json()["paths"]
    for path in paths:
        end = path.rpartition("/")[2]
        kinds = {"{kind}": ("/midi", "/part", "/musicxml", "/wav"), "{stem}": ("rest", "new")}
        for word in kinds.get(end, (end.replace("variation_id", "variation"),)):
            assert word in text, path


def test_the_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "python -m symbolic.serve --open" in capsys.readouterr().out
