"""The server: the API, the page that stands on it, and what is told of mistakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from subtractive.errors import MusicError
from symbolic.serve import routes_jobs, routes_songs
from symbolic.serve.engraver import Engraver
from symbolic.serve.guard import Guard
from symbolic.serve.jobs import Jobs, MakeWriter
from symbolic.serve.shapes import page_words
from symbolic.serve.store import Store, UnknownError

STATIC = Path(__file__).parent / "static"
_ABOUT = """Writes the missing bass, drums or guitar into a piece of music.

Send a file to `/api/songs`, ask for a part at `/api/songs/{song}/jobs`, follow
`/api/jobs/{job}/events`, keep a variation, and fetch `/api/songs/{song}/files/midi`. All that
changes something needs the header `X-Subtractive: 1`. Mistakes are answered with 403, 404, 413 or
422 and `{"error": "one sentence"}`.
"""


def create_app(
    make_writer: MakeWriter,
    host: str = "127.0.0.1",
    ending: Callable[[], bool] = lambda: False,
) -> ASGIApp:
    """Return the server as an ASGI application.

    Parameters
    ----------
    make_writer : callable
        See `symbolic.serve.jobs.Jobs`; called in the background when the server starts.
    host : str
        Where it listens: requests that call it otherwise are refused.
    ending : callable
        Returns whether the server is about to end: whoever follows a job is let go then.
    """
    store = Store()
    jobs = Jobs(store, make_writer)
    engraver = Engraver()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        yield
        engraver.close()
        jobs.close()
        store.remove()

    # FastAPI's own pages of the API load scripts from elsewhere
    app = FastAPI(
        title="Subtractive",
        version=version("subtractive-music"),
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.store, app.state.jobs, app.state.engraver = store, jobs, engraver
    app.state.ending = ending
    app.include_router(routes_songs.router)
    app.include_router(routes_jobs.router)

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/api", include_in_schema=False)
    def about_the_api() -> FileResponse:
        return FileResponse(STATIC / "api.html")

    app.mount("/static", StaticFiles(directory=STATIC))

    @app.exception_handler(MusicError)
    def sentence(_: Request, error: MusicError) -> JSONResponse:
        status = 404 if isinstance(error, UnknownError) else 422
        return JSONResponse({"error": page_words(str(error))}, status)

    @app.exception_handler(RequestValidationError)
    def wrong_shape(_: Request, error: RequestValidationError) -> JSONResponse:
        told = [
            f"{'.'.join(str(step) for step in one['loc'][1:]) or 'the request'}: {one['msg']}"
            for one in error.errors()
        ]
        return JSONResponse({"error": "; ".join(told)}, 422)

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code)

    return Guard(app, host)
