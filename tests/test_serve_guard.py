"""Nobody else's page can drive the server, and nothing sent to it reaches other files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given as law
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="needs the extra [page]")
pytest.importorskip("verovio", reason="needs the extra [page]")

from symbolic.serve.guard import allowed_host, host_name, is_loopback
from symbolic.serve.routes_songs import MOST_BYTES
from symbolic.serve.store import IDLE_SECONDS, MOST_SONGS, Store, UnknownError, plain_name
from tests.test_serve import ADDRESS, Desk, desk, given

__all__ = ["desk", "given"]

OWN = "127.0.0.1:8765"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8765"},
        {"host": "127.0.0.1.evil.example:8765"},
        {"host": "192.168.1.7:8765"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8765"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_sites_page_is_refused(desk: Desk, given: bytes, headers: dict[str, str]) -> None:
    song = desk.open(given)["id"]
    own = {"host": OWN, "x-subtractive": "1"}
    for method, path in (
        ("GET", f"/api/songs/{song}"),
        ("GET", f"/api/songs/{song}/files/midi"),
        ("GET", "/static/page.js"),
        ("POST", f"/api/songs/{song}/jobs"),
        ("DELETE", f"/api/songs/{song}"),
    ):
        answer = desk.client.request(method, path, headers=own | headers)
        assert answer.status_code == 403, path
        assert answer.json()["error"]
    assert desk.ask("GET", f"/api/songs/{song}")["variations"] == []


def test_the_servers_own_page_is_served(desk: Desk) -> None:
    own = {"host": OWN, "origin": ADDRESS, "sec-fetch-site": "same-origin"}
    for path in ("/", "/static/page.js", "/static/page.css", "/api"):
        assert desk.client.get(path, headers=own).status_code == 200
    # a link to it from elsewhere works
    page = desk.client.get("/", headers={"sec-fetch-site": "cross-site"})
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_what_changes_something_needs_the_servers_own_header(desk: Desk, given: bytes) -> None:
    # what a form of another page could send, from a browser too old to say where it comes from
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = desk.client.post(
            "/api/songs?name=x.mid", content=given, headers={"content-type": kind}
        )
        assert answer.status_code == 403
        assert "X-Subtractive" in answer.json()["error"]
    # asked whether another page may set it, the server does not say yes
    asked = desk.client.options(
        "/api/songs",
        headers={
            "origin": "http://evil.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "x-subtractive",
        },
    )
    assert asked.status_code == 403
    assert not [name for name in asked.headers if name.startswith("access-control")]


def test_the_page_takes_nothing_from_elsewhere(desk: Desk) -> None:
    folder = Path(__file__).parents[1] / "symbolic" / "serve" / "static"
    for path in folder.iterdir():
        text = desk.client.get(f"/static/{path.name}").text
        assert text == path.read_text(encoding="utf-8")
        links = text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in links, path.name
        assert "https://" not in links, path.name


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "192.168.1.7"])
def test_a_bound_address_is_called_by_its_name_alone(bound: str) -> None:
    allowed = allowed_host(bound)
    assert allowed(bound)
    assert allowed("localhost")
    assert not allowed("evil.example")
    assert not allowed("10.0.0.1")


def test_a_server_on_all_addresses_is_called_by_numbers_not_by_made_up_names() -> None:
    allowed = allowed_host("0.0.0.0")
    assert allowed("192.168.1.7")
    assert allowed("fe80::1")
    assert not allowed("evil.example")


def test_host_names_are_read_as_browsers_write_them() -> None:
    assert host_name("LocalHost:8765") == "localhost"
    assert host_name("[::1]:8765") == "::1"
    assert host_name("127.0.0.1") == "127.0.0.1"
    assert is_loopback("127.8.8.8")
    assert not is_loopback("0.0.0.0")


@law(st.text(max_size=300))
def test_any_name_becomes_a_plain_one_in_its_folder(name: str) -> None:
    plain = plain_name(name)
    folder = Path("/folder")
    assert (folder / plain).resolve().parent == folder
    assert not plain.startswith(".")
    assert len(plain.encode()) < 255
    assert plain_name(plain) == plain


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Für Elise.mid", "Für Elise.mid"),
        ("../../etc/passwd", "passwd"),
        ("C:\\songs\\tune.MID", "tune.MID"),
        ("", "song"),
        ("..", "song"),
        ("a/.mid", "mid"),
        ("x" * 400 + ".musicxml", "x" * 60 + ".musicxml"),
    ],
)
def test_names_keep_what_is_plain_in_them(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_a_file_that_is_too_large_is_refused(desk: Desk) -> None:
    told = desk.ask(
        "POST", "/api/songs", 413, params={"name": "x.mid"}, content=b"MThd" + bytes(MOST_BYTES)
    )
    assert told["error"] == "the file has more than 20 MiB: send a smaller one"


def test_a_score_cannot_read_other_files(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("confidential")
    score = f"""<?xml version="1.0"?>
<!DOCTYPE score-partwise [<!ENTITY secret SYSTEM "{secret.as_uri()}">]>
<score-partwise version="4.0"><work><work-title>&secret;</work-title></work>
<part-list><score-part id="P1"><part-name>&secret;</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions></attributes>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration><type>whole</type></note>
</measure></part></score-partwise>"""
    song = desk.open(score.encode(), "score.musicxml")
    (variation,) = desk.write(song, instrument="bass")
    for view in (None, variation):
        for what in ("score", "roll", "files/musicxml", "files/midi"):
            assert b"confidential" not in desk.fetch(song, what, view)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/api/songs/..%2f..%2fetc/files/midi",
        "/api/songs/%2e%2e/roll",
    ],
)
def test_no_path_leads_out(desk: Desk, path: str) -> None:
    assert desk.client.get(path).status_code == 404


def test_songs_are_forgotten_when_nobody_uses_them_or_too_many_are_open(given: bytes) -> None:
    now = [0.0]
    store = Store(lambda: now[0])
    try:
        first = store.open("a.mid", given)
        now[0] = IDLE_SECONDS
        second = store.open("b.mid", given)
        assert store.song(first.token) is first
        now[0] += IDLE_SECONDS - 1
        store.song(second.token)
        now[0] += 2
        store.sweep()
        with pytest.raises(UnknownError):
            store.song(first.token)
        assert not first.path.exists()
        for _ in range(MOST_SONGS):
            now[0] += 1
            store.open("c.mid", given)
        with pytest.raises(UnknownError):
            store.song(second.token)
    finally:
        store.remove()


def test_tokens_cannot_be_guessed(desk: Desk, given: bytes) -> None:
    tokens = {desk.open(given)["id"] for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) >= 22 for token in tokens)
