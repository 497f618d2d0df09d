"""Who may speak to the server: pages that it served itself, and programs on this machine.

A page of another site can send requests to any address, this one too. It cannot forge the Host
that a browser says, nor Origin and Sec-Fetch-Site, nor set a header of its own without asking
first, which is never granted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_address
from socket import gethostname

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN_HEADER = "x-subtractive"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_HEADERS = {
    # verovio's pictures carry their own style and, for the notes within words, their own font
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src data:; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches `host`."""
    if host in LOOPBACK:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def allowed_host(bound: str) -> Callable[[str], bool]:
    """Return what tells whether a Host header's name is the server's own.

    Parameters
    ----------
    bound : str
        Where the server listens. If that is every address ("0.0.0.0", "::"), any address in
        numbers and the machine's name are its own: a name that somebody made to point here, which
        is how another site's page would come in, is not.
    """
    own = LOOPBACK | {bound.lower()}
    everywhere = bound in ("0.0.0.0", "::")  # compared, not bound to

    def allowed(name: str) -> bool:
        if name in own:
            return True
        return everywhere and (_is_address(name) or name == gethostname().lower())

    return allowed


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def host_name(authority: str) -> str:
    """Return the name in "name:port", in lower case and without an IPv6 address's brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower()


def refusal(method: str, path: str, headers: Headers, allowed: Callable[[str], bool]) -> str | None:
    """Return in one sentence why a request is refused; None if it is not."""
    host = headers.get("host", "")
    if not allowed(host_name(host)):
        return (
            f"this server is not called {host or 'by no name'}: open the address that it printed "
            "when it started"
        )
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        return f"a page of {origin} asked, and only the server's own page may: open http://{host}"
    # a link from elsewhere may open the page, but nothing behind it
    if path != "/" and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return f"another site's page asked, and only the server's own may: open http://{host}"
    if method not in _SAFE_METHODS and OWN_HEADER not in headers:
        return "this request changes something: send it with the header X-Subtractive: 1"
    return None


class Guard:
    """ASGI middleware that refuses what `refusal` does, and tells browsers to be strict.

    Parameters
    ----------
    app : ASGI application
        What it guards.
    bound : str
        Where the server listens, see `allowed_host`.
    """

    def __init__(self, app: ASGIApp, bound: str) -> None:
        self.app = app
        self._allowed = allowed_host(bound)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with 403 and a sentence."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        why = refusal(scope["method"], scope["path"], Headers(scope=scope), self._allowed)
        if why is None:
            await self.app(scope, receive, strict)
            return
        body = json.dumps({"error": why}).encode()
        start = {
            "type": "http.response.start",
            "status": 403,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
            ],
        }
        await strict(start)
        await send({"type": "http.response.body", "body": body})
