"""Instructions said anew by a language model, and held against the facts before they are used.

The model is asked through the protocol that hosted services and local servers share:
``POST {url}/chat/completions``. Its key comes from the environment alone and is never printed.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from subtractive.claims import contradictions
from subtractive.errors import OptionError
from subtractive.facts import Facts

KEY_VARIABLE = "SUBTRACTIVE_LLM_KEY"
LONGEST = 30  # words
_LARGEST_ANSWER = 1 << 20  # bytes
_SYSTEM = (
    "You reword requests that musicians give to an arranger. Answer with one imperative sentence "
    "of at most 20 words and nothing else. Name the same instrument and no other. Keep the style. "
    "Say nothing about the music that the request does not say."
)
_CHATTER = re.compile(
    r"(?:sure|certainly|of course|okay|ok|absolutely|here(?: is|'s| are)|rephrased|paraphrased?)"
    r"\b[^\n:\"]*:\s*",
    re.IGNORECASE,
)
_APOLOGY = re.compile(r"\b(?:sorry|apologi[sz]e|as an ai|language model|i can(?:no|')t)\b")
_QUOTES = "\"'“”‘’«»`*"


class NoAnswerError(Exception):
    """The language model gave no answer; the message never holds what was sent or received."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect would take the key to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, *_: Any
    ) -> None:
        """Return nothing, which makes the redirect an error."""


_OPENER = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True)
class Paraphraser:
    """A language model behind a server; call it with a text and a seed.

    Attributes
    ----------
    url : str
        Up to the version: "https://host/v1", or "http://localhost:8000/v1" for a local server.
    model : str
        As the server calls it.
    timeout_seconds : float
    retries : int
        After no answer, a full queue (429) or a failing server (5xx).
    pause_seconds : float
        Before the first retry; doubled for each further one.
    """

    url: str
    model: str
    timeout_seconds: float = 30
    retries: int = 2
    pause_seconds: float = 1

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            # the address is not repeated: it may hold a password
            raise OptionError(
                "the language model's address must be like https://host/v1 or "
                f"http://localhost:8000/v1, without a user name; keys belong in {KEY_VARIABLE}"
            )

    def __call__(self, text: str, seed: int) -> str:
        """Return the model's raw answer.

        Raises
        ------
        NoAnswerError
            If there is none after all retries.
        """
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(self.pause_seconds * 2 ** (attempt - 1))
            try:
                return self._asked(text, seed)
            except urllib.error.HTTPError as error:
                reason = f"status {error.code}"
                error.close()
                if error.code != http.HTTPStatus.TOO_MANY_REQUESTS and error.code < 500:
                    break
            except TimeoutError:
                reason = f"nothing within {self.timeout_seconds:g} seconds"
            except (OSError, http.client.HTTPException) as error:
                reason = f"no connection ({type(error).__name__})"
            except (ValueError, LookupError, TypeError):
                reason = "an answer of another form"
        # without its cause, whose traceback would show the request
        raise NoAnswerError(f"the language model gave {reason}: check address and model") from None

    def _asked(self, text: str, seed: int) -> str:
        body = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": _SYSTEM},
                {"role": "user", "content": text},
            ],
            "temperature": 0.9,
            "max_tokens": 100,
            "seed": seed,
        }
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if key:
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers
        )
        with _OPENER.open(request, timeout=self.timeout_seconds) as response:
            answer = json.loads(response.read(_LARGEST_ANSWER))["choices"][0]["message"]["content"]
        if not isinstance(answer, str):
            raise TypeError("no text")
        return answer


class Paraphrase(NamedTuple):
    """A text to use, and "kept", or why the template's own text stands instead."""

    text: str
    verdict: str


def cleaned(answer: str) -> tuple[str, str]:
    """Return an answer without what models wrap it in, and what is wrong with it, if anything.

    Parameters
    ----------
    answer : str

    Returns
    -------
    text : str
        One sentence without quotes, numbering and full stop.
    fault : str
        "empty", "apology", "several lines", "too long", or "" for none.
    """
    text = re.sub(r"<think>.*?</think>", "", answer, flags=re.DOTALL).strip()
    text = _CHATTER.sub("", text, count=1) if _CHATTER.match(text) else text
    lines = [line.strip(_QUOTES + " \t\r") for line in text.splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        return "", "empty"
    text = re.sub(r"^(?:[-•]|\d+[.)])\s+", "", lines[0]).strip(_QUOTES + " ")
    text = re.sub(r"\s+", " ", text).rstrip(".!").strip(_QUOTES + " ")
    if _APOLOGY.search(text.lower().replace("’", "'")):
        return text, "apology"
    if len(lines) > 1:
        return text, "several lines"
    if len(text.split()) > LONGEST:
        return text, "too long"
    return (text[0].upper() + text[1:], "") if text else ("", "empty")


def paraphrased(
    text: str,
    instrument: str,
    facts: Facts,
    families: Set[str],
    ask: Callable[[str, int], str],
    seed: int,
    verdicts: Counter[str],
) -> Paraphrase:
    """Return an instruction in a model's words, or as it was if those are not true.

    Parameters
    ----------
    text : str
        An instruction of `subtractive.words.instruction`.
    instrument : str
    facts : Facts
        Of the part that is asked for.
    families : set of str
        Style families that the text speaks of.
    ask : callable
        Such as a `Paraphraser`: returns the answer to a text and a seed.
    seed : int
    verdicts : Counter
        Is told the verdict: "kept", "no answer", "empty", "apology", "several lines", "too long",
        "instrument", "fact" or "style".

    Returns
    -------
    Paraphrase
    """
    try:
        answer, verdict = cleaned(ask(text, seed))
    except NoAnswerError:
        answer, verdict = "", "no answer"
    if not verdict:
        wrong = contradictions(answer, instrument, facts, families)
        verdict = wrong[0].partition(":")[0] if wrong else "kept"
    verdicts[verdict] += 1
    return Paraphrase(answer if verdict == "kept" else text, verdict)
