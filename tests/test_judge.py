"""The judge of candidates: what it sees, what it learns, what it says of a card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from scoretokens.grid import to_grid
from subtractive.arrangement import Arrangement, ChordSymbol, Metre, Note, Part, Tempo
from subtractive.errors import FileFormatError
from subtractive.instruments import INSTRUMENTS
from symbolic.frames import SLICES, WIDTH
from symbolic.judge import PART, Judge, JudgeConfig, compatibility, drawn
from symbolic.manner import PLAIN, Manner, Range, near
from symbolic.scorecard import Scorecard, best, harmony, playable, scorecard, with_kick
from symbolic.train_judge import Shelf, accuracy, example, stranger, train

BAR = 1920
CHORDS = ((0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2))


def song(shift: int = 0, bars: int = 16, rhythm: int = 480, start: int = 0) -> Arrangement:
    """Keys hold a chord for each bar, a bass strikes its roots with the kick."""
    keys, bass, drums = [], [], []
    for bar in range(bars):
        tones = [(tone + shift) % 12 for tone in CHORDS[(bar + start) % 4]]
        keys += [Note(bar * BAR, BAR, 60 + tone, 80) for tone in sorted(tones)]
        for place in range(0, BAR, rhythm):
            bass.append(Note(bar * BAR + place, 240, 36 + tones[0], 90))
            drums.append(Note(bar * BAR + place, 60, 36, 100))
    parts = (
        Part("Keys", 0, False, tuple(keys)),
        Part("Bass", 33, False, tuple(bass)),
        Part("Drums", 0, True, tuple(drums)),
    )
    return Arrangement(480, parts, (Tempo(0, 500_000),), (Metre(0, 4, 4),))


def bass_of(music: Arrangement) -> Part:
    return music.parts[1]


def test_a_part_is_drawn_beside_the_context_and_only_there() -> None:
    context, _ = song().split("bass")
    with_part = drawn(context, bass_of(song()), "bass")
    other = drawn(context, bass_of(song(rhythm=960)), "bass")
    assert with_part.shape == other.shape == (16 * 16, WIDTH)
    outside = np.ones(WIDTH, dtype=bool)
    outside[PART] = False
    assert (with_part[:, outside] == other[:, outside]).all()
    struck = SLICES["draft_struck"]
    assert with_part[:, struck].sum() == 2 * other[:, struck].sum() == 64


def test_the_key_of_song_and_part_together_changes_nothing() -> None:
    """All is seen in C: a song in another key with its part looks the same."""
    seen = [drawn(song(shift).split("bass")[0], bass_of(song(shift)), "bass") for shift in (0, 3)]
    for name in ("chord_root", "chord_tones", "draft_struck", "draft_sounding"):
        assert (seen[0][:, SLICES[name]] == seen[1][:, SLICES[name]]).all()


def test_weights_come_back_and_what_is_none_is_told(tmp_path: Path) -> None:
    torch.manual_seed(0)
    judge = Judge(JudgeConfig(width=8, depth=2)).eval()
    path = tmp_path / "judge.safetensors"
    judge.save(path)
    again = Judge.load(path)
    frames, named = torch.rand(2, 40, WIDTH), torch.tensor([0, 1])
    assert torch.allclose(judge(frames, named), again(frames, named), atol=0.05)
    path.write_bytes(b"no weights")
    with pytest.raises(FileFormatError, match="holds no weights of the judge"):
        Judge.load(path)


def test_it_learns_that_a_bass_plays_the_chords_of_its_song(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose bass it is shows in context and part together."""
    monkeypatch.setattr("symbolic.train_judge.BATCH", 16)
    rng = np.random.default_rng(0)
    made = []
    for number in range(60):
        music = song(number % 12, 8, 240 * 2 ** (number % 3), number // 3 % 4)
        found = example(to_grid(music), "bass", rng)
        if found is not None:
            made.append(found)
    assert len(made) > 40
    shelf = Shelf(made)
    found_right = train(shelf, shelf, 0.25, tmp_path / "judge.safetensors", 0)
    assert found_right > 0.8  # one stranger in twelve is the same part
    untrained = accuracy(Judge(), shelf, 20, np.random.default_rng(0))
    assert abs(untrained - 0.5) < 0.25


def test_a_stranger_has_another_part_and_the_same_context() -> None:
    rng = np.random.default_rng(1)
    own = example(to_grid(song()), "bass", rng)
    other = example(to_grid(song(rhythm=240)), "bass", rng)
    assert own is not None
    assert other is not None
    outside = np.ones(WIDTH, dtype=bool)
    outside[PART] = False
    for _ in range(20):
        strange = stranger(own, [other], rng)
        assert (strange[:, outside] == own.frames[:, outside]).all()
        assert (strange[:, PART] != own.frames[:, PART]).any()


def test_the_shipped_judge_prefers_the_part_of_the_song() -> None:
    music = song()
    context, _ = music.split("bass")
    wrong = bass_of(song(shift=6))
    assert compatibility(context, bass_of(music), "bass") > compatibility(context, wrong, "bass")


def test_harmony_counts_tones_of_the_chord_in_force() -> None:
    context = Arrangement(
        480,
        (),
        (Tempo(0, 500_000),),
        (Metre(0, 4, 4),),
        chords=(ChordSymbol(0, "C", 0, (0, 4, 7), 0),),
    )
    notes = tuple(Note(place * 480, 240, pitch, 80) for place, pitch in enumerate((36, 40, 41, 43)))
    assert harmony(context, Part("Bass", 33, False, notes)) == 0.75
    assert harmony(context, Part("Drums", 0, True, notes)) is None


def test_the_kick_and_the_bass_meet_whichever_of_them_is_written() -> None:
    music = song()
    without_bass, without_drums = music.split("bass")[0], music.split("drums")[0]
    assert with_kick(without_bass, music.parts[1], "bass") == 1.0
    assert with_kick(without_drums, music.parts[2], "drums") == 1.0
    half = bass_of(song(rhythm=960))
    assert with_kick(without_bass, half, "bass") == pytest.approx(2 / 3)
    assert with_kick(without_bass, half, "guitar") is None
    assert with_kick(without_bass.with_parts(without_bass.parts[:1]), half, "bass") is None


def test_hands_that_cannot_play_are_counted() -> None:
    chord = tuple(Note(0, 480, pitch, 80) for pitch in (28, 29, 30, 31))
    assert (
        playable(Part("Bass", 33, False, (*chord, Note(960, 240, 36, 80))), "bass", 480, 120) == 0.5
    )
    assert playable(Part("Drums", 0, True, ()), "drums", 480, 120) == 1.0


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_card_is_within_its_limits_and_reads_as_a_line(instrument: str) -> None:
    music = song()
    context, taken = music.split(instrument)
    part = taken[0].stem if taken else Part("Guitar", 25, False, music.parts[0].notes)
    card = scorecard(context, part, instrument, PLAIN)
    shares = (card.fit, card.harmony, card.kick, card.playable, card.novel)
    assert all(share is None or 0 <= share <= 1 for share in shares)
    assert card.asked is None
    assert f"playable {card.playable:.0%}" in card.line()
    assert set(card.as_json()) == set(Scorecard.__dataclass_fields__)


def test_what_was_asked_counts_in_the_rank() -> None:
    music = song()
    context, _ = music.split("bass")
    asked = Manner(density=near(1.0), velocity=Range(88, 92))
    met, missed = (
        scorecard(context, bass_of(music), "bass", manner)
        for manner in (asked, Manner(density=near(4.0)))
    )
    assert met.asked == pytest.approx(1)
    assert missed.asked is not None
    assert missed.asked < 0.5
    assert missed.merit < met.merit
    assert best([missed, met, met]) == 1
