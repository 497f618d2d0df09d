"""Ways to say one part in tokens, side by side under one face: ours and MidiTok's.

All say the same: 12 places to the beat, velocity in 8 bins, no length of drum strokes. MidiTok says
the metre at every bar, which score tokens are given with the bars of the song.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.token_schemes.lines import Floats, Line
from scoretokens.codec import decode, encode, normalise
from scoretokens.grid import TICKS_PER_BEAT, to_grid
from scoretokens.vocabulary import vocabulary
from symbolic.rows import DURATIONS, MAIN, VELOCITIES, ids_of, rows_of

Ints = npt.NDArray[np.int64]

NAMES = (
    "score tokens",
    "score tokens, bar repeats",
    "score tokens, folded",
    "score tokens, folded, bar repeats",
    "MidiTok REMI",
    "MidiTok TSD",
    "MidiTok REMI + BPE",
)
BPE_VOCABULARY = 1000
_VELOCITY_BINS = 8
# A drum stroke has no length here either. MidiTok writes drums so, but reads them back (3.1.0) only
# by way of a pitched program that has no lengths: this one, which no line is given.
_WITHOUT_LENGTH = 127
_METRES = {2: [2, 3, 4], 4: list(range(1, 9)), 8: list(range(1, 16))}


class Scheme(Protocol):
    """A way to say a part in tokens.

    Attributes
    ----------
    name : str
    choices : tuple of int
        How many ids each column of the steps has. One column: one token after the other. More: a
        step says several things at once, id 0 of the further columns says nothing.
    """

    name: str

    @property
    def choices(self) -> tuple[int, ...]:
        """See above."""

    def prepare(self, line: Line) -> Any:
        """Return the line as the scheme reads it; no part of the encoding."""

    def encode(self, prepared: Any) -> Ints:
        """Return the steps [shape=(step, column)]."""

    def decode(self, steps: Ints, line: Line) -> Floats:
        """Return the notes that steps say, as `Line.notes`; of the line only the bars are used."""


class ScoreTokens:
    """The project's own tokens (see `scoretokens.codec`), flat or folded into steps.

    Parameters
    ----------
    repeats : bool
        Whether a bar that repeats another is one token.
    folded : bool
        Whether a note is one step (see `symbolic.rows`).
    """

    def __init__(self, *, repeats: bool, folded: bool) -> None:
        self.name = "score tokens" + (", folded" if folded else "")
        self.name += ", bar repeats" if repeats else ""
        self.choices: tuple[int, ...] = (len(vocabulary()),)
        if folded:
            self.choices = (MAIN, DURATIONS, VELOCITIES)
        self._repeats, self._folded = repeats, folded

    def prepare(self, line: Line) -> Line:
        """Return the line itself."""
        return line

    def encode(self, prepared: Line) -> Ints:
        """Return the steps without the first token, which names the instrument."""
        grid = to_grid(prepared.music)
        notes = normalise(grid.parts[0].notes, is_drums=prepared.instrument == "drums")
        onsets = grid.bar_onsets
        encoded = encode(
            notes, onsets.tolist(), instrument=prepared.instrument, repeats=self._repeats
        )
        if not self._folded:
            return encoded.ids[1:, None]
        rows = rows_of(encoded, onsets, np.zeros(len(onsets), dtype=np.int64))
        return np.stack([rows.main, rows.duration, rows.velocity], axis=1)[1:]

    def decode(self, steps: Ints, line: Line) -> Floats:
        """Return the notes in quarter notes."""
        ids = ids_of(*steps.T) if self._folded else steps[:, 0].tolist()
        notes = decode(ids, to_grid(line.music).bar_onsets.tolist())
        return notes[:, :3] / [TICKS_PER_BEAT, TICKS_PER_BEAT, 1]


class MidiTok:
    """One of MidiTok's schemes (Fradet et al. 2021), with BPE over it once trained.

    Parameters
    ----------
    kind : str
        "REMI" (Huang & Yang 2020) or "TSD", which says time as shifts.
    """

    def __init__(self, kind: str) -> None:
        # MidiTok and what it draws in take seconds to import, and only these schemes need it
        import miditok  # noqa: PLC0415

        config = miditok.TokenizerConfig(
            pitch_range=(0, 127),
            beat_res={(0, 4): TICKS_PER_BEAT, (4, 16): 1},
            num_velocities=_VELOCITY_BINS,
            special_tokens=["PAD"],
            use_time_signatures=True,
            time_signature_range=_METRES,
            use_pitchdrum_tokens=True,
            drums_pitch_range=(27, 88),
            use_note_duration_programs=list(range(_WITHOUT_LENGTH)),
        )
        self._tokenizer = getattr(miditok, kind)(config)
        self.name = f"MidiTok {kind}"

    @property
    def choices(self) -> tuple[int, ...]:
        """Size of the vocabulary: grows when BPE is trained."""
        return (len(self._tokenizer),)

    def train(self, lines: Sequence[Line]) -> None:
        """Learn by byte pair encoding (Sennrich et al. 2016) which tokens to join into one."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{place}.mid" for place in range(len(lines))]
            for path, line in zip(paths, lines, strict=True):
                self.prepare(line).dump_midi(path)
            self._tokenizer.train(vocab_size=BPE_VOCABULARY, model="BPE", files_paths=paths)
        self.name += " + BPE"

    def prepare(self, line: Line) -> Any:
        """Return the line as a `symusic.Score`."""
        import symusic  # noqa: PLC0415  # as above

        score = symusic.Score(line.music.ticks_per_beat)
        for tick, numerator, denominator in line.music.metres:
            score.time_signatures.append(symusic.TimeSignature(tick, numerator, denominator))
        part = line.music.parts[0]
        track = symusic.Track(part.name, 0, part.is_drums)
        columns = np.array(part.notes, dtype=np.int32).reshape(-1, 4)
        track.notes = symusic.Note.from_numpy(
            columns[:, 0],
            columns[:, 1],
            columns[:, 2].astype(np.int8),
            columns[:, 3].astype(np.int8),
        )
        score.tracks.append(track)
        return score

    def encode(self, prepared: Any) -> Ints:
        """Return the ids of the only track [shape=(token, 1)]; none if MidiTok drops all notes."""
        sequences = self._tokenizer.encode(prepared)
        ids = sequences[0].ids if sequences else []
        return np.array(ids, dtype=np.int64).reshape(-1, 1)

    def decode(self, steps: Ints, line: Line) -> Floats:
        """Return the notes in quarter notes."""
        is_drums = line.instrument == "drums"
        programs = [(_WITHOUT_LENGTH if is_drums else 0, is_drums)]
        score = self._tokenizer.decode([steps[:, 0].tolist()], programs=programs)
        notes = [
            (note.time, note.duration, note.pitch) for track in score.tracks for note in track.notes
        ]
        table = np.array(sorted(notes), dtype=np.float64).reshape(-1, 3)
        ticks = int(score.ticks_per_quarter)
        return table / [ticks, ticks, 1]


def scheme_named(name: str, lines: Sequence[Line] = ()) -> Scheme:
    """Return a scheme.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    lines : sequence of Line
        What byte pair encoding is trained on, for the scheme that has it.

    Raises
    ------
    ImportError
        If MidiTok is asked for and not installed.
    """
    if name.startswith("score tokens"):
        return ScoreTokens(repeats="repeats" in name, folded="folded" in name)
    kind, _, pairs = name.removeprefix("MidiTok ").partition(" + ")
    scheme = MidiTok(kind)
    if pairs:
        scheme.train(lines)
    return scheme
