"""The local page: `python -m symbolic.serve`, then open the address that it prints.

Drop a MIDI or MusicXML file on the page, choose an instrument, listen, keep, download. Nothing
leaves the machine.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from subtractive.errors import MusicError, OptionError

if TYPE_CHECKING:
    from symbolic.writer import PartWriter

NEEDED = ("fastapi", "uvicorn", "verovio")
EXAMPLES = """examples:
  python -m symbolic.serve --open
  python -m symbolic.serve --port 0 --json        any free port; the address as JSON
"""


def parser() -> argparse.ArgumentParser:
    """Return what reads the command's options."""
    options = argparse.ArgumentParser(
        prog="python -m symbolic.serve",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--host", default="127.0.0.1", help="address to listen on [%(default)s]")
    options.add_argument("--port", type=int, default=8765, help="0: any free one [%(default)s]")
    options.add_argument("--open", action="store_true", help="open the page in the browser")
    options.add_argument(
        "--allow-remote",
        action="store_true",
        help="let --host be reached by other machines: whoever reaches it can use it",
    )
    options.add_argument("--device", default="auto", help="auto, cpu or cuda [%(default)s]")
    options.add_argument("--weights", type=Path, help="folder of weights [the shipped ones]")
    options.add_argument("--writer", default="transformer", help="or diffusion [%(default)s]")
    options.add_argument("--json", action="store_true", help="print the address as JSON")
    return options


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that the port is known before the server runs.

    Raises
    ------
    OptionError
        If it cannot listen there.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with ExitStack() as closed_unless_bound:
            listener = closed_unless_bound.enter_context(socket.socket(family))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen()  # who reads the address may call at once
            closed_unless_bound.pop_all()
    except (OSError, OverflowError) as error:
        raise OptionError(
            f"nothing can listen on {host}:{port} ({error}): name another --port, or --port 0 for "
            "any free one"
        ) from error
    return listener


def run(arguments: argparse.Namespace) -> None:
    """Serve until interrupted.

    Raises
    ------
    MusicError
        If an option cannot be used, or a library is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise OptionError(
            f"the page needs {', '.join(missing)}: pip install 'subtractive-music[page]'"
        )
    import uvicorn  # noqa: PLC0415  # optional

    from symbolic.serve.app import create_app  # noqa: PLC0415  # optional too
    from symbolic.serve.guard import is_loopback  # noqa: PLC0415

    host = arguments.host
    if not is_loopback(host) and not arguments.allow_remote:
        raise OptionError(
            f"{host} can be reached by other machines: say --allow-remote if that is meant, or "
            "leave --host out"
        )

    def make_writer(check: Callable[[], None]) -> PartWriter:
        # torch takes seconds: the page is there before it
        from symbolic.serve.interruptible import interruptible  # noqa: PLC0415
        from symbolic.writer import load_writer  # noqa: PLC0415

        writer = load_writer(arguments.weights, arguments.device, arguments.writer)
        return interruptible(writer, check)

    listener = listening(host, arguments.port)
    app = create_app(make_writer, host, lambda: server.should_exit)
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listener.getsockname()[1]}/"
    print(json.dumps({"status": "ok", "url": url}) if arguments.json else url, flush=True)
    if arguments.open:
        threading.Timer(0.5, webbrowser.open, [url]).start()
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=1, server_header=False
    )
    server = uvicorn.Server(config)
    server.run([listener])


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 2 after a mistake that one sentence on stderr explains."""
    arguments = parser().parse_args(argv)
    try:
        run(arguments)
    except MusicError as error:
        print(error, file=sys.stderr)
        if arguments.json:
            print(json.dumps({"status": "error", "message": str(error)}))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
