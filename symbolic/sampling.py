"""Writing parts with a trained writer: window after window, many songs side by side.

A song of any length is written in windows of 16 bars, of which the first eight are what was
written before: cost grows linearly with bars, memory does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from scoretokens.codec import decode
from scoretokens.vocabulary import vocabulary
from subtractive.instruments import INSTRUMENTS
from symbolic.cached import Cache, CachedWriter, Steps
from symbolic.concepts import unasked
from symbolic.density import hastened, unlike
from symbolic.frames import WIDTH
from symbolic.job import Job, window_of
from symbolic.lean import Lean
from symbolic.manner import ANY
from symbolic.pen import Pen, Step, choose, flat
from symbolic.rows import Rows, ids_of
from symbolic.takes import by_windows

Ints = npt.NDArray[np.int64]
ROOM = 256  # rows by which a cache grows

_V = vocabulary()
_PITCHED = range(_V.span("Pitch").start, _V.span("PitchDrum").stop)
_KEYS = _V.span("PitchDrum")
_PROGRAM = _V.span("Program")
_BAR = _V.id("Bar_None")


def _stack(groups: Sequence[Sequence[Step]], device: torch.device) -> Steps:
    """Return rows of several sequences side by side, padded at the end."""
    length = max(1, *(len(group) for group in groups))
    table = np.zeros((6, len(groups), length))
    mask = np.zeros((len(groups), length), dtype=bool)
    for index, group in enumerate(groups):
        if group:
            table[:, index, : len(group)] = np.array(group).T
            mask[index, : len(group)] = True
    whole = torch.from_numpy(table[:5].astype(np.int64)).to(device)
    place = torch.from_numpy(table[5].astype(np.float32)).to(device)
    main, duration, velocity, frame, position = whole
    return Steps(
        main, duration, velocity, frame, position, place, torch.from_numpy(mask).to(device)
    )


def _steps(rows: Rows) -> list[Step]:
    columns = (rows.main, rows.duration, rows.velocity, rows.frame, rows.position, rows.place)
    return [Step(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


# What follows a barline is form: colder, or cut to the likeliest, bars are repeated without end.
FORM_TEMPERATURE, FORM_TOP_P = 1.0, 1.0


def _draw(
    job: Job,
    logits: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_] | None = None,
    *,
    form: bool = False,
) -> int:
    temperature, top_p = (FORM_TEMPERATURE, FORM_TOP_P) if form else (job.temperature, job.top_p)
    return choose(logits, mask, temperature, top_p, float(job.rng.random()))


class _Desk:
    """One window of each of several jobs, written in lock step, each as often as it has takes."""

    def __init__(self, writer: CachedWriter, takes: Sequence[Sequence[Job]]) -> None:
        self.writer, self.jobs = writer, [take for each in takes for take in each]
        # The takes of a job share their window: its context and the bars before are read once.
        self.sheet = [row for row, each in enumerate(takes) for _ in each]  # each job's window
        firsts = [each[0] for each in takes]
        prepared = [window_of(job) for job in firsts]
        self.windows = [window for window, _, _ in prepared]
        self.before = [rows for _, rows, _ in prepared]
        self.leans = [
            Lean(job.draft, window, job.pull, drums=job.instrument == "drums")
            for job, window in zip(firsts, self.windows, strict=True)
        ]
        self.pens = [
            Pen(
                self.windows[sheet],
                job.limits,
                self.before[sheet],
                needs_program=job.program is None and job.instrument != "drums",
            )
            for job, sheet in zip(self.jobs, self.sheet, strict=True)
        ]
        self.order = list(range(len(self.jobs)))  # which job each row of the batch belongs to
        spans = [span for _, _, span in prepared]
        seen = [job.frames.values[span] for job, span in zip(firsts, spans, strict=True)]
        asked = [job.wishes for job in firsts]
        wordless = [unasked(of) for of in asked]
        # Guidance writes everything several times side by side: in full, without the context, and
        # without the words.
        self.sides, self.without_context, self.without_words = 1, 0, 0
        wishes = list(asked)
        in_full = list(seen)
        if any(job.guidance != 1 for job in firsts):
            self.without_context, self.sides = self.sides, self.sides + 1
            seen += [job.alone[span] for job, span in zip(firsts, spans, strict=True)]
            wishes += asked
        if any(
            job.insistence != 1 and (of != less).any()
            for job, of, less in zip(firsts, asked, wordless, strict=True)
        ):
            self.without_words, self.sides = self.sides, self.sides + 1
            seen += in_full
            wishes += wordless
        frames = torch.zeros(len(seen), max(len(values) for values in seen), WIDTH)
        mask = torch.zeros(frames.shape[:2], dtype=torch.bool)
        for index, values in enumerate(seen):
            frames[index, : len(values)] = torch.from_numpy(values)
            mask[index, : len(values)] = True
        named = [INSTRUMENTS.index(job.instrument) for job in firsts] * self.sides
        device = writer.device
        instrument = torch.tensor(named, device=device)
        told = torch.from_numpy(np.stack(wishes)).to(device)
        self.heard = writer.encode(frames.to(device), mask.to(device), instrument, told)
        # Frame and position of the last rows fed.
        self.frame = torch.zeros(len(seen), 1, dtype=torch.long, device=device)
        self.position = self.frame
        self.guidance = torch.tensor([[job.guidance] for job in self.jobs], device=device)
        self.insistence = torch.tensor([[job.insistence] for job in self.jobs], device=device)

    def guided(self, state: Tensor) -> Tensor:
        """Return the main logits of each job, guided if there are sides [shape=(job, MAIN)]."""
        logits = self.writer.main_logits(state[:, None], self.heard, self.frame, self.position)
        logits = logits[:, 0]
        if self.sides == 1:
            return logits
        sides = logits.log_softmax(dim=-1).chunk(self.sides)
        in_full = result = sides[0]
        if self.without_words:
            wordless = sides[self.without_words]
            result = (wordless + self.insistence * (in_full - wordless)).log_softmax(dim=-1)
        if not self.without_context:
            return result
        # Pitches are guided among themselves: what is played leans on the context, when it is
        # played stays as likely as it was (guided too, parts thin out).
        pitch = slice(_PITCHED.start, _KEYS.start)
        seen, unseen = in_full[:, pitch], sides[self.without_context][:, pitch]
        total = result[:, pitch].logsumexp(dim=-1, keepdim=True)
        guided = unseen + self.guidance * (seen - unseen) + (result[:, pitch] - seen)
        result[:, pitch] = guided.log_softmax(dim=-1) + total
        return result

    def first_steps(self) -> list[list[Step]]:
        """Return what is fed of each window before anything is sampled.

        What stands there, and a barline; the pens write it too.
        """
        groups = [_steps(rows) for rows in self.before]
        for pen, sheet in zip(self.pens, self.sheet, strict=True):
            if pen.state == "Program":
                line = pen.write(_BAR)
                if len(groups[sheet]) == len(self.before[sheet].main):
                    groups[sheet].append(line)
        return groups

    def run(self) -> None:
        """Write until every pen has filled its window."""
        groups = self.first_steps()
        ends = [len(group) - 1 for group in groups] * self.sides
        room = max(ends) + 1 + ROOM
        cache = Cache(self.writer.config, len(ends), room, self.writer.device)
        steps = _stack(groups * self.sides, self.writer.device)
        hidden = self.writer.feed(steps, self.heard, cache)
        rows = self._rows(self.sheet, len(groups))
        last = rows, torch.tensor(ends, device=rows.device)[rows]
        state = hidden[last]
        self.frame, self.position = steps.frame[last][:, None], steps.position[last][:, None]
        cache.keep(rows)
        self.heard = self.heard.rows(rows)
        while not all(pen.done for pen in self.pens):
            state = self._advance(self._dismissed(state, cache), cache)

    def _rows(self, chosen: Sequence[int], count: int) -> Tensor:
        """Return the chosen ones of `count` rows, on each side."""
        rows = [side * count + row for side in range(self.sides) for row in chosen]
        return torch.tensor(rows, device=self.writer.device)

    def _dismissed(self, state: Tensor, cache: Cache) -> Tensor:
        """Return the state without the finished pens once they are a fifth of those at the desk."""
        busy = [row for row, index in enumerate(self.order) if not self.pens[index].done]
        if 5 * len(busy) > 4 * len(self.order):
            return state
        rows = self._rows(busy, len(self.order))
        cache.keep(rows)
        self.heard = self.heard.rows(rows)
        self.frame, self.position = self.frame[rows], self.position[rows]
        self.guidance = self.guidance[rows[: len(busy)]]
        self.insistence = self.insistence[rows[: len(busy)]]
        self.order = [self.order[row] for row in busy]
        return state[rows]

    def _advance(self, state: Tensor, cache: Cache) -> Tensor:
        """Sample one row for every pen that is not done, feed them, and return the new state."""
        logits = self.guided(state).cpu().numpy()
        active = [row for row, index in enumerate(self.order) if not self.pens[index].done]
        main = np.full(len(self.order), _BAR)
        for row in active:
            index = self.order[row]
            pen = self.pens[index]
            leaned = self.leans[self.sheet[index]].leaned(logits[row], pen)
            allowed, eagerness = pen.allowed(), self.jobs[index].eagerness
            if eagerness and pen.state in ("Bar", "Note"):
                leaned = hastened(leaned, allowed, eagerness)
            if pen.state == "Bar" and self.jobs[index].density != ANY:
                leaned = unlike(leaned, pen, self.jobs[index].density)
            form = pen.state == "Bar"
            main[row] = _draw(self.jobs[index], leaned, allowed, form=form)
        duration, velocity = self._attributes(state, main, active)
        fed: list[list[Step]] = [[] for _ in self.order]
        for row in active:
            pen = self.pens[self.order[row]]
            step = pen.write(int(main[row]), int(duration[row]), int(velocity[row]))
            if not pen.done:
                fed[row].append(step)
        cache.make_room(ROOM)
        steps = _stack(fed * self.sides, self.writer.device)
        self.frame, self.position = steps.frame[:, -1:], steps.position[:, -1:]
        return self.writer.feed(steps, self.heard, cache)[:, -1]

    def _attributes(self, state: Tensor, main: Ints, active: Sequence[int]) -> tuple[Ints, Ints]:
        """Sample duration and velocity of the notes among the tokens just chosen."""
        duration, velocity = (
            np.zeros(len(main), dtype=np.int64),
            np.zeros(len(main), dtype=np.int64),
        )
        notes = [row for row in active if main[row] in _PITCHED]
        if not notes:
            return duration, velocity
        states = state[notes]
        pitch = torch.from_numpy(main[notes]).to(state.device)
        logits = self.writer.duration_logits(states, pitch)[:, 1:].cpu().numpy()
        for place, row in enumerate(notes):
            if main[row] not in _KEYS:
                duration[row] = 1 + _draw(self.jobs[self.order[row]], logits[place])
        known = torch.from_numpy(duration[notes]).to(state.device)
        logits = self.writer.velocity_logits(states, pitch, known)[:, 1:].cpu().numpy()
        for place, row in enumerate(notes):
            velocity[row] = 1 + _draw(self.jobs[self.order[row]], logits[place])
        return duration, velocity

    def hand_in(self) -> None:
        """Add what was written to the jobs."""
        for job, sheet, pen in zip(self.jobs, self.sheet, self.pens, strict=True):
            window, rows = self.windows[sheet], self.before[sheet]
            fresh = flat(pen.steps)
            ids = ids_of(rows.main, rows.duration, rows.velocity) + ids_of(*fresh)
            chosen = [token for token in ids if token in _PROGRAM]
            if chosen:
                job.program = int(_V.values("Program")[chosen[0] - _PROGRAM.start])
            notes = decode(ids, window.bar_onsets.tolist())
            fresh_notes = notes[notes[:, 0] >= window.bar_onsets[window.start]]
            job.notes = np.concatenate([job.notes, fresh_notes])
            job.next_bar += len(window.bar_onsets) - 1 - window.start


@torch.inference_mode()
def write_notes(
    writer: CachedWriter,
    jobs: Sequence[Job],
    batch: int = 48,
    report: Callable[[int], None] | None = None,
) -> None:
    """Write all jobs to their end; the notes stand in each job's `notes`.

    Each window is written several times over, and the take that agrees most with the others is
    kept: what follows goes on from it.

    Parameters
    ----------
    writer : CachedWriter
    jobs : sequence of Job
    batch : int
        Takes written side by side; what is written does not depend on it.
    report : callable, optional
        Called with the number of bars finished since the last call.
    """

    def write(takes: Sequence[Sequence[Job]]) -> None:
        desk = _Desk(writer, takes)
        desk.run()
        desk.hand_in()

    # One step of a small model is too short to be shared: threads would only wait for each other.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        by_windows(jobs, batch, write, report)
    finally:
        torch.set_num_threads(threads)
