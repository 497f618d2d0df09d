"""The metrics of parts beside those of mir_eval and muspy, on the same windows of real songs."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks import metrics
from benchmarks.metrics.grid import Surroundings
from subtractive.arrangement import Arrangement, Part, order
from subtractive.example import main_part, subtract
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS
from subtractive.kit import KICKS

Row = dict[str, Any]
Tick = Callable[[], object]

_DROPPED, _MOVED, _REPITCHED = 0.2, 0.2, 0.2  # shares of the notes
_SIXTEENTHS = 0.1  # as a tolerance on whole 16ths: none


@dataclass(frozen=True, eq=False)
class Case:
    """A part to score: what it was made from, what was taken out, and the rest of the song."""

    instrument: str
    part: Part
    truth: Part
    context: Arrangement


def disturbed(part: Part, sixteenth_ticks: int, rng: np.random.Generator) -> Part:
    """Return a part that a metric should find near, but not equal: some notes gone, moved, changed.

    Parameters
    ----------
    part : Part
    sixteenth_ticks : int
        Notes come early by up to two of these, not only by whole ones.
    rng : numpy.random.Generator
    """
    notes = []
    for note in part.notes:
        dropped, moved, changed = rng.random(3) < (_DROPPED, _MOVED, _REPITCHED)
        earlier = int(rng.integers(0, 2 * sixteenth_ticks + 1)) if moved else 0
        higher = int(rng.integers(-2, 3)) if changed else 0
        if not dropped:
            onset, pitch = max(0, note.onset - earlier), min(127, max(0, note.pitch + higher))
            notes.append(note._replace(onset=onset, pitch=pitch))
    return replace(part, notes=tuple(sorted(notes, key=order)))


def cases(songs: Iterable[Arrangement], rng: np.random.Generator) -> list[Case]:
    """Return the drums, bass and guitar of songs, each with a disturbed copy to score."""
    found = []
    for song in songs:
        for name in INSTRUMENTS:
            example = subtract(song, Instruction(name))
            truth = main_part(example) if example.target else None
            if truth is not None and truth.notes:
                part = disturbed(truth, max(1, song.ticks_per_beat // 4), rng)
                found.append(Case(name, part, truth, example.context))
    return found


def time_ours(scored: Sequence[Case], tick: Tick) -> Row:
    """Return how many parts a second all our metrics take, the context's harmony included."""
    for case in scored[:1]:
        metrics.evaluate(case.part, case.truth, Surroundings.of(case.context), case.instrument)
    started = time.perf_counter()
    count = 0
    for case in scored:
        around = Surroundings.of(case.context)
        count += len(metrics.evaluate(case.part, case.truth, around, case.instrument))
        tick()
    seconds = time.perf_counter() - started
    return {
        "value": len(scored) / max(seconds, 1e-9),
        "unit": "parts/s",
        "n": len(scored),
        "remark": f"{count / max(1, len(scored)):.0f} metrics a part, most against the context",
    }


def agreement(scored: Sequence[Case], tick: Tick) -> Row:
    """Return the largest difference between our metrics and those of mir_eval that mean the same.

    Times are given to mir_eval in 16ths in place of seconds, for its tolerance is absolute and ours
    musical. "onset_f1" and "kick_f1" are `mir_eval.onset.f_measure` of the 16ths that are struck,
    "note_f1" and "note_f1_near" `mir_eval.transcription.precision_recall_f1_overlap` without
    offsets, of onsets on whole 16ths and of exact ones.
    """
    largest: dict[str, float] = {}
    count = 0
    seconds = 0.0
    for case in scored:
        ours = metrics.evaluate(
            case.part, case.truth, Surroundings.of(case.context), case.instrument
        )
        started = time.perf_counter()
        theirs = mir_eval_scores(case)
        seconds += time.perf_counter() - started
        for name in theirs.keys() & ours.keys():
            if not math.isnan(ours[name]):  # where mir_eval gives 0
                difference = abs(ours[name] - theirs[name])
                largest[name] = max(largest.get(name, 0.0), difference)
                count += 1
        tick()
    if not largest:
        return {"n": 0, "reason": "no metric is shared with mir_eval"}
    return {
        "value": max(largest.values()),
        "unit": "largest difference",
        "n": count,
        "by_metric": largest,
        "agrees": max(largest.values()) <= 1e-9,
        "remark": f"{', '.join(sorted(largest))}; mir_eval alone scores "
        f"{len(scored) / max(seconds, 1e-9):.0f} parts/s",
    }


def mir_eval_scores(case: Case) -> dict[str, float]:
    """Return what mir_eval calls our metrics of the same name (see `agreement`)."""
    onset: Any = import_module("mir_eval.onset")
    transcription: Any = import_module("mir_eval.transcription")
    quarter = case.context.ticks_per_beat

    def table(part: Part) -> Any:
        return np.array([(note.onset, note.pitch) for note in part.notes]).reshape(-1, 2)

    def slots(ticks: Any) -> Any:
        return np.floor(ticks * 4 / quarter + 0.5)

    def notes(rows: Any, *, rounded: bool) -> tuple[Any, Any]:
        starts = slots(rows[:, 0]) if rounded else rows[:, 0] * 4 / quarter
        # the length plays no part, but mir_eval wants one; 440 Hz is MIDI pitch 69
        return np.stack([starts, starts + 1], axis=1), 440 * 2 ** ((rows[:, 1] - 69) / 12)

    def note_score(*, rounded: bool, tolerance: float) -> float:
        score = transcription.precision_recall_f1_overlap
        true, written = notes(truth, rounded=rounded), notes(part, rounded=rounded)
        return float(score(*true, *written, onset_tolerance=tolerance, offset_ratio=None)[2])

    def onset_score(keys: Sequence[int] | None = None) -> float:
        struck = [
            np.unique(slots(rows[np.isin(rows[:, 1], keys)] if keys else rows)[:, 0])
            for rows in (truth, part)
        ]
        return float(onset.f_measure(*struck, window=_SIXTEENTHS)[0])

    truth, part = table(case.truth), table(case.part)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts without notes
        scores = {
            "onset_f1": onset_score(),
            "note_f1": note_score(rounded=True, tolerance=_SIXTEENTHS),
            "note_f1_near": note_score(rounded=False, tolerance=1.0),
        }
        if case.instrument == "drums":
            scores["kick_f1"] = onset_score(KICKS)
    return scores


_MUSPY = (
    "pitch_range",
    "n_pitches_used",
    "n_pitch_classes_used",
    "polyphony",
    "polyphony_rate",
    "pitch_entropy",
    "pitch_class_entropy",
    "scale_consistency",
    "empty_beat_rate",
)
_MUSPY_OF_BARS = ("groove_consistency", "empty_measure_rate")


def time_muspy(scored: Sequence[Case], tick: Tick) -> Row:
    """Return how many parts a second the metrics of muspy take; it looks at the part alone."""
    muspy: Any = import_module("muspy")
    of_music = [getattr(muspy, name) for name in _MUSPY]
    of_bars = [getattr(muspy, name) for name in _MUSPY_OF_BARS]
    seconds = 0.0
    for case in scored:
        notes = [muspy.Note(n.onset, n.pitch, n.duration, n.velocity) for n in case.part.notes]
        track = muspy.Track(program=case.part.program, is_drum=case.part.is_drums, notes=notes)
        quarter = case.context.ticks_per_beat
        music = muspy.Music(resolution=quarter, tracks=[track])
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # divisions by 0 in parts without pitched notes
            for metric in of_music:
                metric(music)
            for metric in of_bars:
                metric(music, 4 * quarter)
        seconds += time.perf_counter() - started
        tick()
    return {
        "value": len(scored) / max(seconds, 1e-9),
        "unit": "parts/s",
        "n": len(scored),
        "remark": f"{len(of_music) + len(of_bars)} metrics a part, none against the context",
    }
