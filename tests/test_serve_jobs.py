"""The line of jobs: one is written at a time, and each can be ended."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("fastapi", reason="needs the extra [page]")
pytest.importorskip("verovio", reason="needs the extra [page]")

from symbolic.serve.jobs import MOST_WAITING
from symbolic.serve.store import MOST_VARIATIONS
from tests.test_serve import Desk, Quick, desk, given, until

__all__ = ["desk", "given"]


def test_jobs_wait_for_each_other_and_are_cancelled_at_once(desk: Desk, given: bytes) -> None:
    desk.writer.gate.clear()
    song = desk.open(given)
    first, second, third = (desk.begin(song, instrument="bass") for _ in range(3))
    until(lambda: desk.state(first) == "writing")
    assert [desk.ask("GET", f"/api/jobs/{job['id']}")["ahead"] for job in (second, third)] == [1, 2]
    assert desk.ask("GET", f"/api/songs/{song['id']}")["jobs"] == [
        job["id"] for job in (first, second, third)
    ]
    fourth = desk.begin(song, instrument="bass")
    began = time.monotonic()
    for job in (second, first):
        assert desk.ask("DELETE", f"/api/jobs/{job['id']}")["state"] == "cancelled"
    until(lambda: desk.state(third) == "writing")
    assert time.monotonic() - began < 1
    assert desk.state(fourth) == "waiting"
    desk.writer.gate.set()
    until(lambda: desk.state(fourth) == "done")
    assert desk.writer.most_at_work == 1
    variations = desk.ask("GET", f"/api/songs/{song['id']}")["variations"]
    assert [each["job"] for each in variations] == [third["id"], fourth["id"]]


def test_a_mistake_of_the_writer_ends_its_job_alone(
    desk: Desk, given: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    song = desk.open(given)
    with monkeypatch.context() as patch:
        patch.setattr(Quick, "_part", lambda *_: 1 // 0)
        last = desk.events(desk.begin(song, instrument="bass"))[-1]
    assert last["state"] == "failed"
    assert "mistake of this program" in last["error"]
    assert "ZeroDivisionError" in capsys.readouterr().err
    desk.write(song, instrument="bass")


def test_neither_the_line_nor_a_song_grows_for_ever(desk: Desk, given: bytes) -> None:
    desk.writer.gate.clear()
    song = desk.open(given)
    running = desk.begin(song, instrument="bass")
    until(lambda: desk.state(running) == "writing")
    for _ in range(MOST_WAITING):
        desk.begin(song, instrument="drums")
    jobs = f"/api/songs/{song['id']}/jobs"
    full = desk.ask("POST", jobs, 422, json={"instrument": "bass"})
    assert "jobs are waiting already" in full["error"]
    desk.ask("DELETE", f"/api/songs/{song['id']}", 204)
    assert desk.state(running) == "cancelled"
    desk.writer.gate.set()
    other = desk.open(given)
    while len(desk.ask("GET", f"/api/songs/{other['id']}")["variations"]) < MOST_VARIATIONS:
        desk.write(other, instrument="bass", variations=8)
    full = desk.ask("POST", f"/api/songs/{other['id']}/jobs", 422, json={"instrument": "bass"})
    assert full["error"].endswith("discard some first")
