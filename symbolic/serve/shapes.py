"""What goes over the wire, as JSON."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from subtractive.instruments import roles
from symbolic.serve.jobs import Job, Jobs, State
from symbolic.serve.pictures import bar_lines
from symbolic.serve.store import Song, Variation, View
from symbolic.tasks import Task, Wishes

MOST_AT_ONCE = 8

Words = Annotated[str, StringConstraints(max_length=400, strip_whitespace=True)]


class Wanted(BaseModel):
    """What is to be written; only the instrument must be said."""

    model_config = ConfigDict(extra="forbid")

    instrument: Literal["drums", "bass", "guitar"]
    variations: int = Field(
        1, ge=1, le=MOST_AT_ONCE, description="how many, each with its own seed"
    )
    seed: int = Field(0, ge=0, le=2**53, description="of the first; the others have the next ones")
    prompt: Words = Field("", description='how it shall be: "Add a laid-back reggae bass"')
    bars: Words | None = Field(None, description='which bars, as printed: "9-16"; null: all')
    existing: Literal["refuse", "replace", "beside"] = Field(
        "refuse", description="where the instrument plays already: take it out, or write one more"
    )
    temperature: float | None = Field(None, gt=0, le=5, description="low: plain and sure")
    takes: int | None = Field(None, ge=1, le=32, description="times each window is tried")
    tempo: float | None = Field(None, description="quarter notes a minute, if the file says none")
    key: Words | None = Field(None, description='"Eb" or "F# minor"; null: found out')
    chords: Words | None = Field(None, description='"Am | F | C/E G", repeated to the end')
    program: int | None = Field(None, ge=0, le=127, description="General MIDI program, 0 to 127")
    density: float | None = Field(None, gt=0, le=128, description="attacks a bar; a chord is one")
    # pydantic keeps the plain name to itself
    pitches: Words | None = Field(
        None, alias="register", description='lowest and highest pitch: "E1-G3"'
    )
    polyphony: int | None = Field(None, ge=1, le=32, description="notes struck at once, at most")
    strict: bool = Field(False, description="nothing but chord tones on strong beats")

    def task(self) -> Task:
        """Return what the writer is to do."""
        wishes = Wishes(
            self.seed,
            self.temperature,
            self.takes,
            self.tempo,
            self.key or None,
            self.chords or None,
            self.program,
            self.prompt,
            self.bars or None,
            density=self.density,
            register=self.pitches or None,
            polyphony=self.polyphony,
            strict=self.strict,
        )
        return Task(
            (self.instrument,),
            wishes,
            replace=self.existing == "replace",
            beside=self.existing == "beside",
        )


class PartShape(BaseModel):
    """One part of the music."""

    name: str
    instrument: str = Field(description="drums, bass, guitar or other")
    notes: int
    origin: Literal["given", "kept", "new"]


class VariationShape(BaseModel):
    """A part that was written for the song."""

    id: str
    job: str
    instrument: str
    number: int = Field(description="by which it is called: Bass 2")
    seed: int
    prompt: str
    bars: str | None
    notes: int
    kept: bool


class SongShape(BaseModel):
    """A song that is open, as it is with what was kept."""

    id: str
    name: str
    bars: int
    first_bar: str
    last_bar: str
    seconds: float
    metre: str
    tempo: float = Field(description="quarter notes a minute, at the beginning")
    states_tempo: bool
    has_chords: bool
    notation: Literal["midi", "musicxml"]
    parts: list[PartShape]
    variations: list[VariationShape]
    jobs: list[str] = Field(description="those that are not finished")


class JobShape(BaseModel):
    """How far a job is."""

    id: str
    song: str
    state: State
    instrument: str
    bars_written: int
    bars_total: int
    ahead: int = Field(description="how many jobs are to end before this one begins")
    variations: list[str] = Field(description="those that are finished")
    remarks: list[str] = Field(description="what words of the prompt were read as")
    error: str | None = None


class ScoreShape(BaseModel):
    """The engraved score."""

    pages: list[str] = Field(description="SVG; written parts in colour")
    notices: list[str] = Field(description="what was changed to make the music fit on paper")


class BarShape(BaseModel):
    """A bar as it is played."""

    start: float = Field(description="seconds")
    measure: int = Field(description="place of the written measure, from 0")
    number: str = Field(description="as printed")


class RollPart(PartShape):
    """A part with its notes: start and end in seconds, pitch, velocity."""

    events: list[tuple[float, float, int, int]]


class RollShape(BaseModel):
    """All notes, for a piano roll."""

    seconds: float
    bars: list[BarShape]
    parts: list[RollPart]


class ErrorShape(BaseModel):
    """What went wrong, in one sentence."""

    error: str


def part_shapes(view: View) -> list[PartShape]:
    """Describe the parts of a view."""
    count = len(view.music.parts)
    return [
        PartShape(
            name=part.name,
            instrument=role,
            notes=len(part.notes),
            origin="new"
            if place >= count - view.new
            else "kept"
            if place >= count - view.written
            else "given",
        )
        for place, (part, role) in enumerate(
            zip(view.music.parts, roles(view.music.parts), strict=True)
        )
    ]


def song_shape(song: Song, jobs: Jobs) -> SongShape:
    """Describe a song."""
    view = song.view()
    music = view.music
    lines = bar_lines(music)
    metre = music.metres[0] if music.metres else None
    return SongShape(
        id=song.token,
        name=song.path.name,
        bars=len(lines),
        first_bar=lines[0].number,
        last_bar=next((line.number for line in reversed(lines) if line.number), ""),
        seconds=round(music.seconds_at(music.end), 3),
        metre=f"{metre.numerator}/{metre.denominator}" if metre else "4/4",
        tempo=round(6e7 / music.tempo_at(0), 2),
        states_tempo=bool(song.original.tempos),
        has_chords=bool(music.chords),
        notation=song.original.source.kind if song.original.source else "midi",
        parts=part_shapes(view),
        variations=[variation_shape(song, each) for each in song.variations.values()],
        jobs=[job.token for job in jobs.of(song)],
    )


def variation_shape(song: Song, variation: Variation) -> VariationShape:
    """Describe a variation."""
    wishes = variation.task.wishes
    return VariationShape(
        id=variation.token,
        job=variation.job,
        instrument=variation.task.instruments[0],
        number=variation.number,
        seed=wishes.seed,
        prompt=wishes.prompt,
        bars=wishes.bars,
        notes=len(variation.part.notes),
        kept=variation.token in song.kept,
    )


def job_shape(jobs: Jobs, job: Job) -> JobShape:
    """Describe a job as it is now."""
    return JobShape(
        id=job.token,
        song=job.song.token,
        state=job.state,
        instrument=job.task.instruments[0],
        bars_written=min(job.written, job.total),
        bars_total=job.total,
        ahead=jobs.ahead(job),
        variations=list(job.variations),
        remarks=list(job.remarks),
        error=page_words(job.error) if job.error else None,
    )


def page_words(sentence: str) -> str:
    """Return a sentence about a command's options as one about the page's fields."""
    return re.sub(r"--(?=[a-z])", "", sentence)
