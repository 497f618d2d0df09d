"""The token scheme as a MidiTok tokenizer: where vocabulary and grammar are decided.

MidiTok gives the vocabulary's conventions (note tokens, duration and velocity bins), checks
sequences against the type graph (`tokens_errors`) and trains BPE. `python -m scoretokens.scheme`
writes the table that everything else reads; a test holds the two together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from miditok import MusicTokenizer, TokenizerConfig, TokSequence
from symusic import Note, Score, Track

from scoretokens.grid import LONGEST, MAX_BAR, TICKS_PER_BEAT
from scoretokens.vocabulary import TABLE

LOWEST_PITCH, HIGHEST_PITCH = 21, 100
REPEATS = range(1, 9)
VELOCITY_BINS = 8
PROGRAMS = range(24, 40)  # guitars and basses; drums need none


class ScoreTokens(MusicTokenizer):  # type: ignore[misc]  # MidiTok carries no types
    """One part, bar by bar: REMI (Huang & Yang 2020) with a token that repeats an earlier bar.

    ``Instrument Program? (Bar (Repeat | (Position Note+)*))*``, where a note is ``Pitch Duration
    Velocity`` and a drum stroke ``PitchDrum Velocity``.
    """

    def __init__(self) -> None:
        quarters = LONGEST // TICKS_PER_BEAT
        super().__init__(
            TokenizerConfig(
                pitch_range=(LOWEST_PITCH, HIGHEST_PITCH + 1),
                beat_res={(0, 4): TICKS_PER_BEAT, (4, quarters): 1},
                num_velocities=VELOCITY_BINS,
                special_tokens=["PAD"],
                use_pitchdrum_tokens=True,
                drums_pitch_range=(27, 88),
            )
        )

    def _create_base_vocabulary(self) -> list[str]:
        tokens = [f"Instrument_{name}" for name in ("drums", "bass", "guitar")]
        tokens += [f"Program_{program}" for program in PROGRAMS]
        tokens += ["Bar_None", *(f"Repeat_{back}" for back in REPEATS)]
        tokens += [f"Position_{tick}" for tick in range(MAX_BAR)]
        tokens += [f"Pitch_{pitch}" for pitch in range(*self.config.pitch_range)]
        tokens += [f"PitchDrum_{key}" for key in range(*self.config.drums_pitch_range)]
        tokens += [f"Duration_{_ticks(duration)}" for duration in self.durations]
        tokens += [f"Velocity_{velocity}" for velocity in self.velocities]
        return tokens

    def _create_token_types_graph(self) -> dict[str, set[str]]:
        return {
            "Instrument": {"Program", "Bar"},
            "Program": {"Bar"},
            "Bar": {"Bar", "Repeat", "Position"},
            "Repeat": {"Bar"},
            "Position": {"Pitch", "PitchDrum"},
            "Pitch": {"Duration"},
            "Duration": {"Velocity"},
            "PitchDrum": {"Velocity"},
            "Velocity": {"Pitch", "PitchDrum", "Position", "Bar"},
        }

    def _add_time_events(self, events: list[Any], time_division: int) -> list[Any]:
        """Return the events as they are: `scoretokens.codec` places them in time."""
        del time_division
        return events

    def _tokens_to_score(
        self,
        tokens: TokSequence | list[TokSequence],
        programs: list[tuple[int, bool]] | None = None,
    ) -> Score:
        """Return one part in common time, for MidiTok's own tools; real metres: `codec.decode`."""
        from scoretokens.codec import decode  # noqa: PLC0415  # the codec reads this class's table

        sequence = tokens[0] if isinstance(tokens, list) else tokens
        bar_onsets = [
            4 * TICKS_PER_BEAT * bar for bar in range(sequence.tokens.count("Bar_None") + 1)
        ]
        ids = [self.vocab[token] for token in sequence.tokens]
        score, track = Score(TICKS_PER_BEAT), Track()
        track.is_drum = bool(programs and programs[0][1])
        for note in decode(ids, bar_onsets).tolist():
            track.notes.append(Note(*note))
        score.tracks.append(track)
        return score


def _ticks(duration: tuple[int, int, int]) -> int:
    beats, rest, resolution = duration
    return beats * TICKS_PER_BEAT + rest * TICKS_PER_BEAT // resolution


def table() -> dict[str, Any]:
    """Return vocabulary and grammar as plain data."""
    scheme = ScoreTokens()
    ids: dict[str, int] = scheme.vocab
    tokens = [token for token, _ in sorted(ids.items(), key=lambda entry: entry[1])]
    return {
        "tokens": tokens,
        # MidiTok lets its padding follow and precede anything; a part's grammar knows no padding.
        "follows": {
            kind: sorted(after - {"PAD", "PAD_None"})
            for kind, after in scheme.tokens_types_graph.items()
            if kind != "PAD"
        },
    }


if __name__ == "__main__":
    path = Path(__file__).with_name(TABLE)
    path.write_text(json.dumps(table(), indent=0) + "\n", "utf-8")
    print(f"wrote {path}")
