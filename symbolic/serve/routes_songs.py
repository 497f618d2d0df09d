"""Songs over HTTP: given, seen, heard, kept, fetched and closed."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from subtractive.errors import OutputError
from subtractive.files.midi import write_midi, write_part_only
from subtractive.files.music import encoded
from subtractive.files.output import write_whole
from subtractive.files.sound import render_wav
from symbolic.serve import shapes
from symbolic.serve.engraver import Engraver
from symbolic.serve.hearing import NO_SYNTHESIZER, check_length, stems
from symbolic.serve.jobs import Jobs
from symbolic.serve.pictures import bar_lines, notes_in_seconds
from symbolic.serve.store import Song, Store, View, keep_newest

MOST_BYTES = 20 * 2**20  # of a file that is sent

router = APIRouter(
    prefix="/api/songs",
    tags=["songs"],
    responses={status: {"model": shapes.ErrorShape} for status in (403, 404, 422)},
)


def _store(request: Request) -> Store:
    return cast(Store, request.app.state.store)


def _jobs(request: Request) -> Jobs:
    return cast(Jobs, request.app.state.jobs)


def _engraver(request: Request) -> Engraver:
    return cast(Engraver, request.app.state.engraver)


def _song(request: Request, song: Annotated[str, Path(description="its id")]) -> Song:
    return _store(request).song(song)


TheSong = Annotated[Song, Depends(_song)]
TheStore = Annotated[Store, Depends(_store)]
TheJobs = Annotated[Jobs, Depends(_jobs)]
TheEngraver = Annotated[Engraver, Depends(_engraver)]
Variation = Annotated[
    str | None, Query(description="id of a variation to look at; without it, the song as kept")
]


def _view(song: TheSong, store: TheStore, variation: Variation = None) -> View:
    with store.lock:
        return song.view(variation)


TheView = Annotated[View, Depends(_view)]


async def _body(request: Request) -> bytes:
    """Return what was sent, but never hold more of it than is allowed."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise HTTPException(
                413, f"the file has more than {MOST_BYTES >> 20} MiB: send a smaller one"
            )
    return bytes(content)


@router.post(
    "",
    status_code=201,
    responses={413: {"model": shapes.ErrorShape}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def open_song(
    request: Request,
    store: TheStore,
    jobs: TheJobs,
    name: Annotated[str, Query(max_length=400, description="of the file, such as song.mid")],
) -> shapes.SongShape:
    """Send the bytes of a MIDI, MusicXML, ABC, Humdrum, MEI or MuseScore file as the body.

    The song stays open for four hours after its last use, or until the server ends.
    """
    content = await _body(request)
    song = await run_in_threadpool(store.open, name, content)
    return await run_in_threadpool(shapes.song_shape, song, jobs)


@router.get("/{song}")
def song(song: TheSong, jobs: TheJobs) -> shapes.SongShape:
    """Tell what a song is, with all that was kept and all variations that are there."""
    return shapes.song_shape(song, jobs)


@router.delete("/{song}", status_code=204)
def close_song(song: TheSong, store: TheStore, jobs: TheJobs) -> None:
    """Cancel what is being written for a song, and remove it from the server."""
    for job in jobs.of(song):
        jobs.cancel(job)
    store.close(song.token)


@router.post("/{song}/jobs", status_code=202, tags=["jobs"])
def write(song: TheSong, jobs: TheJobs, wanted: shapes.Wanted) -> shapes.JobShape:
    """Ask for one or more variations of a part; they are written when those before are done."""
    return shapes.job_shape(jobs, jobs.add(song, wanted.task(), wanted.variations))


@router.post("/{song}/variations/{variation_id}/keep")
def keep(song: TheSong, store: TheStore, jobs: TheJobs, variation_id: str) -> shapes.SongShape:
    """Let a variation belong to the song: what is written next hears it.

    Of the variations of one job one can be kept; another one leaves the song.
    """
    with store.lock:
        song.keep(variation_id)
        return shapes.song_shape(song, jobs)


@router.delete("/{song}/variations/{variation_id}")
def discard(song: TheSong, store: TheStore, jobs: TheJobs, variation_id: str) -> shapes.SongShape:
    """Forget a variation; if it was kept, it leaves the song, and what it replaced returns."""
    with store.lock:
        song.discard(variation_id)
        return shapes.song_shape(song, jobs)


@router.get("/{song}/score", response_model=shapes.ScoreShape)
def score(
    song: TheSong, view: TheView, engraver: TheEngraver, variation: Variation = None
) -> Response:
    """Engrave the score; of music from MIDI too."""
    path = song.path.parent / f"{_fingerprint(song, variation)}.score.json"
    if not path.is_file():
        pages, notices = engraver.pages(view)
        shape = shapes.ScoreShape(pages=pages, notices=list(notices))
        write_whole(path, shape.model_dump_json().encode())
        keep_newest(path.parent, "*.score.json")
    return FileResponse(path, media_type="application/json")


@router.get("/{song}/roll")
def roll(view: TheView) -> shapes.RollShape:
    """List all notes in seconds, as they are played."""
    music = view.music
    return shapes.RollShape(
        seconds=round(music.seconds_at(music.end), 3),
        bars=[shapes.BarShape(**line._asdict()) for line in bar_lines(music)],
        parts=[
            shapes.RollPart(**part.model_dump(), events=events)
            for part, events in zip(shapes.part_shapes(view), notes_in_seconds(music), strict=True)
        ],
    )


@router.get(
    "/{song}/sound/{stem}",
    response_class=FileResponse,
    responses={200: {"content": {"audio/wav": {}}}},
)
def sound(
    song: TheSong, view: TheView, stem: Literal["rest", "new"], variation: Variation = None
) -> FileResponse:
    """Play the music without its new part (`rest`), or this part alone (`new`).

    The two sum to the mix, and last the same time.
    """
    both = stems(view, song.path.parent, _fingerprint(song, variation))
    return FileResponse(getattr(both, stem), media_type="audio/wav")


@router.get(
    "/{song}/files/{kind}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def fetch(
    song: TheSong,
    view: TheView,
    kind: Literal["midi", "part", "musicxml", "wav"],
    variation: Variation = None,
) -> Response:
    """Fetch the music as MIDI, MusicXML or WAV, or the new part alone as MIDI (`part`)."""
    added = [shape.instrument for shape in shapes.part_shapes(view) if shape.origin != "given"]
    stem = ".".join([song.path.stem, *dict.fromkeys(added)])
    if kind == "wav":
        check_length(view.music)
        path = song.path.parent / f"{_fingerprint(song, variation)}.mix.wav"
        if not path.is_file() and render_wav(write_midi(view.music), path) is None:
            raise OutputError(NO_SYNTHESIZER)
        return FileResponse(path, media_type="audio/wav", filename=f"{stem}.wav")
    if kind == "midi":
        return _file(write_midi(view.music), "audio/midi", f"{stem}.mid")
    if kind == "part":
        if not view.apart:
            raise OutputError("there is no new part yet: write one first")
        return _file(write_part_only(view.music, view.apart), "audio/midi", f"{stem}.part.mid")
    content = encoded(view.music, f"{stem}.musicxml").content
    return _file(content, "application/vnd.recordare.musicxml+xml", f"{stem}.musicxml")


def _fingerprint(song: Song, variation: str | None) -> str:
    """Return what names the sound of one view of a song."""
    return hashlib.sha256(repr((variation, song.kept)).encode()).hexdigest()[:16]


def _file(content: bytes, kind: str, name: str) -> Response:
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=kind, headers={"content-disposition": disposition})
