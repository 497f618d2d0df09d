"""Paraphrases from a real server on this machine, which answers well, badly, slowly or not."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from subtractive.arrays import NOTE
from subtractive.errors import OptionError
from subtractive.facts import Facts, measure
from subtractive.paraphrase import KEY_VARIABLE, NoAnswerError, Paraphraser, cleaned, paraphrased

KEY = "sk-only-for-this-test-7f3a"
TEXT, FAMILIES = "Add a sparse reggae bass", {"reggae and ska"}


@dataclass
class Model:
    """A server that gives its replies in turn, the last one for ever."""

    url: str = ""
    replies: list[Any] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def model() -> Iterator[Model]:
    state = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append((self.path, dict(self.headers), body))
            reply = state.replies[0] if len(state.replies) == 1 else state.replies.pop(0)
            status, content = 200, b""
            if isinstance(reply, int):
                status, content = reply, f"denied: {self.headers['Authorization']}".encode()
            elif isinstance(reply, float):
                time.sleep(reply)
            elif isinstance(reply, bytes):
                content = reply
            else:
                content = json.dumps({"choices": [{"message": {"content": reply}}]}).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{state.url}/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def facts() -> Facts:
    """A bass that plays one short, low note a bar."""
    notes = np.array([(bar * 1920, 300, 33, 80) for bar in range(8)], dtype=NOTE)
    return measure(notes, np.arange(9) * 1920, np.full(8, 480), "bass", 80)


def asking(model: Model, **more: Any) -> Paraphraser:
    return Paraphraser(model.url, "any", pause_seconds=0.01, **{"timeout_seconds": 5.0, **more})


def test_a_good_answer_is_kept(model: Model, facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    model.replies = ["Give this tune an uncluttered reggae bassline"]
    verdicts: Counter[str] = Counter()
    found = paraphrased(TEXT, "bass", facts, FAMILIES, asking(model), 7, verdicts)
    assert found == ("Give this tune an uncluttered reggae bassline", "kept")
    assert verdicts == {"kept": 1}
    path, headers, body = model.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["seed"], body["messages"][-1]["content"]) == ("any", 7, TEXT)


def test_without_a_key_none_is_sent(
    model: Model, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    model.replies = [TEXT]
    assert asking(model)(TEXT, 0) == TEXT
    assert "Authorization" not in model.requests[0][1]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Add a sparse reggae guitar", "instrument"),
        ("Add some reggae to this", "instrument"),
        ("Add a sparse reggae bass to go with the drums", "instrument"),
        ("Add a sparse bass", "style"),
        ("Add a sparse metal bass", "style"),
        ("Add a busy reggae bass", "fact"),
        ("Add a high-pitched reggae bass", "fact"),
        ("Add a reggae bass that is not sparse", "fact"),
        ("", "empty"),
        (' "" ', "empty"),
        ("Add a reggae bass " + "very " * 30 + "slowly", "too long"),
        ("Add a reggae bass\nAdd a sparse reggae bass", "several lines"),
        ("I'm sorry, but I can't help with a reggae bass", "apology"),
        (500, "no answer"),
        (b"<html>", "no answer"),
        (b'{"choices": []}', "no answer"),
        (b'{"choices": [{"message": {"content": null}}]}', "no answer"),
        (b"[]", "no answer"),
    ],
)
def test_a_bad_answer_is_counted_and_the_template_stands(
    model: Model, facts: Facts, reply: Any, verdict: str
) -> None:
    model.replies = [reply]
    verdicts: Counter[str] = Counter()
    found = paraphrased(TEXT, "bass", facts, FAMILIES, asking(model), 0, verdicts)
    assert found == (TEXT, verdict)
    assert verdicts == {verdict: 1}


@pytest.mark.parametrize(
    "answer",
    [
        '"Add a spare reggae bassline."',
        "Sure, here is a rewording:\n\n“Add a spare reggae bassline”",
        "Here's one: Add a spare reggae bassline!",
        "1. add a spare reggae bassline",
        "- **Add a spare reggae bassline**",
        "<think>the bass, then</think>\nAdd a spare  reggae bassline",
    ],
)
def test_wrapping_is_taken_off(answer: str) -> None:
    assert cleaned(answer) == ("Add a spare reggae bassline", "")


def test_cleaning_a_clean_text_changes_nothing() -> None:
    assert cleaned(TEXT) == (TEXT, "")


def test_a_failing_server_is_asked_again(model: Model) -> None:
    model.replies = [503, 429, b"not json", TEXT]
    assert asking(model, retries=3)(TEXT, 0) == TEXT
    assert len(model.requests) == 4


def test_a_refusal_is_final(model: Model) -> None:
    model.replies = [401]
    with pytest.raises(NoAnswerError, match="401"):
        asking(model)(TEXT, 0)
    assert len(model.requests) == 1


def test_a_slow_server_is_not_waited_for(model: Model) -> None:
    model.replies = [1.0]
    start = time.monotonic()
    with pytest.raises(NoAnswerError, match=r"0\.1 seconds"):
        asking(model, timeout_seconds=0.1, retries=1)(TEXT, 0)
    assert time.monotonic() - start < 0.9
    assert len(model.requests) == 2


def test_nobody_listens(facts: Facts) -> None:
    nobody = Paraphraser("http://127.0.0.1:9/v1", "any", retries=0)
    verdicts: Counter[str] = Counter()
    assert paraphrased(TEXT, "bass", facts, FAMILIES, nobody, 0, verdicts).text == TEXT
    assert verdicts == {"no answer": 1}


@pytest.mark.parametrize("reply", [401, 500, 302, b"{}", 1.0])
def test_the_key_is_never_told(
    model: Model,
    reply: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    model.replies = [reply]
    ask = asking(model, retries=0, timeout_seconds=0.3)
    with caplog.at_level(0), pytest.raises(NoAnswerError) as caught:
        ask(TEXT, 0)
    told = "".join(traceback.format_exception(caught.value))
    assert caught.value.__suppress_context__
    output = capfd.readouterr()
    assert all(KEY not in text for text in (told, repr(ask), output.out, output.err, caplog.text))
    # a redirect would have taken it along
    assert [path for path, _, _ in model.requests] == ["/v1/chat/completions"]


@pytest.mark.parametrize("url", ["", "host/v1", "file:///etc/passwd", f"https://me:{KEY}@host/v1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(OptionError, match="address") as caught:
        Paraphraser(url, "any")
    assert KEY not in str(caught.value)
