"""The benchmark of beats tells tempo, octave and phase apart, and its clips are what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audio.beats import BeatGrid
from benchmarks import beats
from benchmarks.beat_clips import PAPER, RATE, Clip, clips, clips_of, sampled
from benchmarks.beats import Judgement, judged, summary, tempo_verdict
from benchmarks.songs import Song
from subtractive.arrangement import Arrangement, Note, Part, Tempo
from subtractive.errors import MusicError
from subtractive.files.midi import write_midi
from subtractive.files.sound import default_soundfont
from subtractive.synthesis import SoundFontPlayer
from subtractive.waveform import Recording

SECONDS = 20.0
BPM = 100.0
TRUTH = BeatGrid.steady(BPM, 0.3, SECONDS)


def clip() -> Clip:
    silence = Recording(np.zeros((1, round(SECONDS * 8000)), np.float32), 8000)
    return Clip("a/song", "a", False, silence, np.array(TRUTH.beats), np.array(TRUTH.downbeats))


def band(bars: int = 20, *, with_drums: bool = True) -> Arrangement:
    quarters = range(0, bars * 4 * 480, 480)
    piano = tuple(Note(tick, 400, 60 + tick // 480 % 5, 90) for tick in quarters)
    parts = [Part("Piano", 0, is_drums=False, notes=piano)]
    if with_drums:
        kick = tuple(Note(tick, 60, 36, 100) for tick in quarters)
        parts.append(Part("Drums", 0, is_drums=True, notes=kick))
    return Arrangement(480, tuple(parts), tempos=(Tempo(0, 600_000),))


@pytest.fixture(scope="module")
def player() -> Iterator[SoundFontPlayer]:
    pytest.importorskip("tinysoundfont", reason="stems are played by TinySoundFont")
    yield SoundFontPlayer(default_soundfont(), RATE)


def test_the_truth_is_right_in_everything() -> None:
    assert judged(clip(), TRUTH) == Judgement(1.0, 1.0, "right", "right")


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.03, "right"), (2, "double"), (0.5, "half"), (1.5, "3/2"), (2 / 3, "2/3"), (1.2, "other")],
)
def test_octaves_are_told_apart(factor: float, verdict: str) -> None:
    assert tempo_verdict(97.0, 97.0 * factor) == verdict
    found = judged(clip(), BeatGrid.steady(BPM * factor, 0.3, SECONDS))
    assert found.tempo == verdict
    assert (found.phase != "") == (verdict == "right")


@pytest.mark.parametrize(
    ("late", "verdict"),
    [(0.05, "right"), (-0.05, "right"), (0.3, "off-beat"), (-0.3, "off-beat"), (0.15, "other")],
)
def test_phases_are_told_apart(late: float, verdict: str) -> None:
    found = judged(clip(), BeatGrid.steady(BPM, 0.3 + late, SECONDS))
    assert (found.tempo, found.phase) == ("right", verdict)
    assert (found.beat_f > 0.9) == (verdict == "right")


def test_beats_right_and_bars_wrong() -> None:
    found = judged(clip(), replace(TRUTH, downbeat=1))
    assert (found.beat_f, found.downbeat_f) == (1.0, 0.0)
    unknown = judged(replace(clip(), downbeats=None), TRUTH)
    assert (unknown.beat_f, unknown.downbeat_f) == (1.0, None)


def test_no_answer_is_wrong() -> None:
    assert judged(clip(), None) == Judgement(0.0, 0.0, "other", "")


def test_shares_of_a_summary_add_up() -> None:
    rows = [
        Judgement(1.0, None, "right", "right"),
        Judgement(0.0, 0.5, "right", "off-beat"),
        Judgement(0.6, 0.0, "half", ""),
        Judgement(0.2, None, "other", ""),
    ]
    found = summary(rows, np.random.default_rng(0))
    assert found["beat_f"][0] == pytest.approx(0.45)
    assert found["downbeat_f"] == pytest.approx(0.25)
    assert sum(found["tempo"].values()) == pytest.approx(1)
    assert found["tempo"]["right"] == 0.5
    assert found["phase_where_tempo_right"] == {"right": 0.5, "off-beat": 0.5, "other": 0.0}


def test_clips_lie_on_their_beats(player: SoundFontPlayer) -> None:
    song = Song("a", "song", band())
    found = list(clips(song, player))
    assert [(each.drums, round(each.seconds, 2)) for each in found] == [
        (True, 5.11), (True, 30.0), (False, 5.11), (False, 30.0),
    ]  # fmt: skip
    loud, quiet = (np.abs(each.recording.samples).mean() for each in (found[1], found[3]))
    assert loud > 1.1 * quiet
    for each in found:
        np.testing.assert_allclose(np.diff(each.beats), 0.6, atol=1e-6)
        energy = np.abs(each.recording.mono())
        for beat in each.beats[(each.beats > 0.1) & (each.beats < each.seconds - 0.2)]:
            at = round(beat * RATE)
            assert energy[at : at + 1600].mean() > 1.5 * energy[at - 1600 : at].mean()


def test_songs_that_say_nothing_make_no_clips(player: SoundFontPlayer) -> None:
    assert not list(clips(Song("a", "short", band(5)), player))
    assert not list(clips(Song("a", "no drums", band(with_drums=False)), player))


def test_every_song_is_as_likely() -> None:
    songs = [Song("a", str(place), band(1)) for place in range(6)]
    rng = np.random.default_rng(0)
    names = [song.name for _ in range(2000) for song in sampled(iter(songs), 2, rng)]
    counts = [names.count(str(place)) for place in range(6)]
    assert min(counts) > 0.85 * 4000 / 6
    assert len(sampled(songs, 99, rng)) == 6


def test_the_command_keeps_a_table_and_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tinysoundfont", reason="stems are played by TinySoundFont")

    def deaf(recording: Recording, words: str) -> BeatGrid:
        raise MusicError(f"nothing heard in {recording.seconds} s, {words or 'nothing'} told")

    def knowing(recording: Recording, words: str) -> BeatGrid:
        assert not words
        return BeatGrid.steady(BPM, 0.0, recording.seconds)

    monkeypatch.setattr(beats, "TRACKERS", {"ours": knowing, "librosa": deaf})
    songs = tmp_path / "songs"
    songs.mkdir()
    (songs / "one.mid").write_bytes(write_midi(band()))
    out = tmp_path / "beats.json"
    assert beats.main(["--split", str(songs), "--out", str(out)]) == 0
    rows = json.loads(out.read_text())["results"]
    assert len(rows) == 8
    for row in rows:
        ours = row["tracker"] == "ours"
        assert row["tempo"]["right"] == ours
        assert row["clips"] == 1
    assert "| songs | without | 5.11 s | librosa | 1 | 0.00" in out.with_suffix(".md").read_text()
    assert "downbeat F" in capsys.readouterr().out


def test_a_split_that_is_none_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert beats.main(["--split", "nowhere", "--out", str(tmp_path / "x.json")]) == 2
    assert "unknown split" in capsys.readouterr().err


@pytest.mark.data
def test_the_papers_clips_have_beats_and_both_mixes() -> None:
    found = list(clips_of(PAPER, 1, np.random.default_rng(0)))
    assert len(found) == 16
    assert [each.drums for each in found[:2]] == [False, True]
    for each in found:
        assert each.seconds == pytest.approx(5.11, abs=0.05)
        assert len(each.beats) >= 7
        assert np.abs(each.recording.samples).max() > 0.05
