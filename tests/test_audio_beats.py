"""Beat grids obey their laws; the tracker finds clicks, and music without drums, where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.beat_lessons import FRAMES, STEMS, Lesson, counted
from audio.beat_network import BeatNetwork, BeatNetworkConfig, features
from audio.beat_tracking import grid_of, log_odds
from audio.beats import BeatGrid, track_beats
from audio.mel import FRAMES_PER_SECOND, MELS, RATE, log_mel
from audio.train_beats import heard, loss
from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.errors import FileFormatError, MusicError, OptionError
from subtractive.waveform import Recording

Floats = npt.NDArray[np.float64]

grids = st.builds(
    lambda start, steps, downbeat, bar: BeatGrid(
        tuple(np.cumsum([start, *steps]).tolist()), downbeat % len(steps), bar
    ),
    st.floats(-2, 5),
    st.lists(st.floats(0.2, 2.0), min_size=1, max_size=40),
    st.integers(0, 39),
    st.integers(1, 7),
)
times = st.lists(st.floats(-20, 200), min_size=1, max_size=20).map(np.array)


def arrangement(
    metres: tuple[Metre, ...] = (),
    tempos: tuple[Tempo, ...] = (),
    barlines: tuple[int, ...] = (),
    end: int = 16 * 480,
) -> Arrangement:
    part = Part("", 0, is_drums=False, notes=(Note(0, end, 60, 80),))
    return Arrangement(480, (part,), tempos, metres, barlines=barlines)


def recording(sound: Floats, rate: int = RATE) -> Recording:
    return Recording(sound.astype(np.float32)[None], rate)


def plucked(onsets: Floats, pitches: Floats, seconds: float, rate: int = RATE) -> Floats:
    """Return decaying tones with a few harmonics: no drums."""
    sound = np.zeros(round((seconds + 2) * rate))
    t = np.arange(rate) / rate
    for onset, pitch in zip(onsets, pitches, strict=True):
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 6)) * np.exp(-4 * t)
        first = round(onset * rate)
        sound[first : first + len(t)] += 0.1 * tone * np.minimum(t / 0.005, 1)
    return sound[: round(seconds * rate)]


def strummed(bpm: float, seconds: float, first: float = 0.3) -> Recording:
    """Return a bass note and a chord in turn on quarters, a melody in eighths, drumless."""
    beats = np.arange(first, seconds, 60 / bpm)
    onsets: list[float] = []
    pitches: list[int] = []
    for place, beat in enumerate(beats):
        root = (45, 41, 48, 43)[place // 4 % 4]
        notes = (root - 12,) if place % 4 == 0 else (root + 12, root + 16, root + 19)
        onsets += [beat] * len(notes)
        pitches += notes
        if place % 2:
            onsets.append(beat + 30 / bpm)
            pitches.append(root + 24)
    return recording(plucked(np.array(onsets), np.array(pitches), seconds))


@given(grids, times)
def test_beats_and_seconds_are_inverse(grid: BeatGrid, seconds: Floats) -> None:
    np.testing.assert_allclose(grid.at(grid.beat_of(seconds)), seconds, atol=1e-6)
    np.testing.assert_allclose(grid.at(np.arange(len(grid.beats))), grid.beats, atol=1e-9)


@given(grids, times)
def test_phases_begin_on_beats_and_bars(grid: BeatGrid, seconds: Floats) -> None:
    for phase in (grid.beat_phase(seconds), grid.bar_phase(seconds)):
        assert ((phase >= 0) & (phase < 1)).all()
    in_bar = grid.bar_phase(seconds) * grid.beats_per_bar
    away = (in_bar - grid.beat_phase(seconds) + 0.5) % 1 - 0.5
    np.testing.assert_allclose(away, 0, atol=1e-6)
    wrapped = (grid.bar_phase(np.array(grid.downbeats)) + 0.5) % 1 - 0.5
    np.testing.assert_allclose(wrapped, 0, atol=1e-6)
    assert grid.beats[grid.downbeat] in grid.downbeats


@given(grids, st.floats(-10, 10))
def test_a_shift_of_the_beats_shifts_all(grid: BeatGrid, shift: float) -> None:
    moved = BeatGrid(tuple(beat + shift for beat in grid.beats), grid.downbeat, grid.beats_per_bar)
    index = np.linspace(-3, len(grid.beats) + 3, 17)
    np.testing.assert_allclose(moved.at(index), grid.at(index) + shift, atol=1e-6)


def test_a_steady_grid_goes_on_at_its_tempo() -> None:
    grid = BeatGrid.steady(120, 0.3, 10, 3)
    assert grid.tempo_bpm == pytest.approx(120)
    assert len(grid.beats) == 20
    np.testing.assert_allclose(grid.at([-2, 0, 0.5, 100]), [-0.7, 0.3, 0.55, 50.3])
    np.testing.assert_allclose(grid.downbeats[:3], [0.3, 1.8, 3.3])


def test_written_beats_follow_tempo_and_metre() -> None:
    slower = arrangement(tempos=(Tempo(0, 500_000), Tempo(4 * 480, 1_000_000)))
    grid = BeatGrid.of_arrangement(slower)
    np.testing.assert_allclose(grid.beats[:7], [0, 0.5, 1, 1.5, 2, 3, 4])
    assert (grid.downbeat, grid.beats_per_bar) == (0, 4)
    waltz = BeatGrid.of_arrangement(arrangement((Metre(0, 3, 4),)))
    assert waltz.beats_per_bar == 3
    # two dotted quarters of 0.75 s to a bar
    jig = BeatGrid.of_arrangement(arrangement((Metre(0, 6, 8),)))
    assert jig.beats_per_bar == 2
    np.testing.assert_allclose(np.diff(jig.beats), 0.75)


def test_a_pick_up_is_no_bar() -> None:
    lines = (0, 480, *(480 + 1920 * bar for bar in range(1, 5)))
    grid = BeatGrid.of_arrangement(arrangement(barlines=lines, end=lines[-1]))
    assert grid.downbeat == 1
    np.testing.assert_allclose(grid.downbeats, [0.5, 2.5, 4.5, 6.5, 8.5])


@pytest.mark.parametrize(
    ("beats", "message"),
    [((1.0,), "at least two"), ((1.0, 1.0), "later"), ((0.0, float("inf")), "later")],
)
def test_what_is_no_grid_is_refused(beats: tuple[float, ...], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        BeatGrid(beats)
    with pytest.raises(OptionError, match="no tempo"):
        BeatGrid.steady(0, 0, 1)


def odds_of(grid: BeatGrid, seconds: float, rng: np.random.Generator) -> Floats:
    """Return what a network that is fairly sure would say."""
    frames = np.arange(round(seconds * FRAMES_PER_SECOND)) / FRAMES_PER_SECOND
    rows = []
    for marks in (grid.beats, grid.downbeats):
        away = np.abs(frames[:, None] - np.array(marks)).min(axis=1)
        chance = 0.05 + 0.6 * np.exp(-0.5 * (away / 0.02) ** 2)
        rows.append(np.log(chance / (1 - chance)) + rng.normal(0, 1, len(frames)))
    return np.stack(rows)


@settings(max_examples=15, deadline=None)
@given(
    st.floats(70, 180), st.floats(0, 0.6), st.sampled_from([3, 4]), st.sampled_from([5.11, 20.0])
)
def test_the_search_finds_any_tempo_and_phase(
    bpm: float, first: float, bar: int, seconds: float
) -> None:
    truth = BeatGrid.steady(bpm, first, seconds, bar)
    found = grid_of(odds_of(truth, seconds, np.random.default_rng(0)))
    assert found.tempo_bpm == pytest.approx(bpm, rel=0.02)
    assert np.abs((truth.beat_of(found.beats) + 0.5) % 1 - 0.5).max() * 60 / bpm < 0.02
    if seconds > 10:
        assert found.beats_per_bar == bar
        assert np.abs((truth.bar_phase(found.downbeats) + 0.5) % 1 - 0.5).max() < 0.1


def test_the_search_follows_a_slow_change_of_tempo() -> None:
    pace = 0.5 * 1.004 ** np.arange(80)  # from 120 to 87 beats a minute
    truth = BeatGrid(tuple((0.2 + np.cumsum(pace)).tolist()))
    seconds = truth.beats[-1]
    found = grid_of(odds_of(truth, seconds, np.random.default_rng(0)))
    inside = np.array(found.beats)[2:-2]
    assert np.abs(inside - truth.at(np.round(truth.beat_of(inside)))).max() < 0.04
    assert len(found.beats) == pytest.approx(len(truth.beats), abs=2)


def test_a_given_tempo_leaves_only_the_phase_open() -> None:
    truth = BeatGrid.steady(100, 0.25, 20)
    odds = odds_of(truth, 20, np.random.default_rng(0))
    for factor in (1, 2, 0.5):
        found = grid_of(odds, 100 * factor)
        assert found.tempo_bpm == pytest.approx(100 * factor, rel=0.02)
        unit = min(1.0, 1 / factor)  # at half the tempo every second beat is one
        nearest = truth.at(np.round(truth.beat_of(found.beats) / unit) * unit)
        assert np.abs(np.array(found.beats) - nearest).max() < 0.03


def test_hearing_a_long_recording_in_pieces_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 12 * RATE).astype(np.float32)
    torch.manual_seed(0)
    network = BeatNetwork(BeatNetworkConfig(8, 3)).eval()
    whole = log_odds(sound, network)
    assert whole.shape == (2, 1 + len(sound) // 512)
    monkeypatch.setattr("audio.beat_tracking.PIECE_FRAMES", 100)
    np.testing.assert_allclose(log_odds(sound, network), whole, atol=1e-4)


def test_the_style_is_told_in_half_of_the_lessons() -> None:
    rng = np.random.default_rng(0)
    lesson = pulse_lesson(rng)
    told = [heard(lesson, lesson, 320, rng).family for _ in range(60)]
    assert set(told) == {"", "latin"}
    assert 15 < told.count("latin") < 45


def test_a_network_that_is_told_the_style_learns_whose_beats_fall_between(tmp_path: Path) -> None:
    """The same sound has its beats half a beat apart in two styles: only words can tell."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    network = BeatNetwork(BeatNetworkConfig(16, 3, dropout=0.0))
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    frames, period = 400, 40
    place = (np.arange(frames)[None] - rng.integers(period, size=(8, 1))) % period
    level = np.repeat((place < 3)[:, None].astype(np.float32), MELS // 2, axis=1)
    marks = [np.stack([place == off] * 2, axis=1).astype(np.float32) for off in (0, period // 2)]
    taken = (
        torch.from_numpy(np.concatenate([level, level])),
        torch.stack([network.config.marked({name}) for name in ["rock"] * 8 + ["latin"] * 8]),
        torch.from_numpy(np.concatenate(marks)),
        torch.ones(16, dtype=torch.bool),
    )
    for _ in range(80):
        found = loss(network, taken)
        optimizer.zero_grad()
        found.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()
    network.eval().save(tmp_path / "beats.safetensors")
    again = BeatNetwork.load(tmp_path / "beats.safetensors")
    for name, off in (("rock", 0), ("latin", period // 2)):
        with torch.inference_mode():
            odds = again(taken[0][:1], again.config.marked({name})[None])[0, 0].numpy()
        on, between = (odds[place[0] == where].mean() for where in (off, period // 2 - off))
        assert on > between + 1


def test_no_style_is_the_same_as_none_told() -> None:
    torch.manual_seed(0)
    network = BeatNetwork(BeatNetworkConfig(8, 3)).eval()
    level = torch.rand(1, MELS // 2, 64)
    assert torch.equal(network(level), network(level, network.config.marked(())[None]))
    assert not torch.equal(network(level), network(level, network.config.marked({"rock"})[None]))


def test_features_ignore_loudness() -> None:
    sound = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, RATE)).float()
    loud, soft = (features(log_mel(sound * gain)) for gain in (1.0, 0.1))
    assert loud.shape[0] == MELS // 2
    torch.testing.assert_close(loud, soft, atol=1e-3, rtol=0)


def test_weights_come_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = BeatNetwork(BeatNetworkConfig(8, 3)).eval()
    network.save(tmp_path / "beats.safetensors")
    again = BeatNetwork.load(tmp_path / "beats.safetensors")
    level = torch.rand(1, MELS // 2, 301)
    assert again.config == network.config
    torch.testing.assert_close(again(level), network(level), atol=0.02, rtol=0.02)
    (tmp_path / "other.safetensors").write_bytes(b"no weights")
    with pytest.raises(FileFormatError, match="no weights of the beat network"):
        BeatNetwork.load(tmp_path / "other.safetensors")


def pulse_lesson(rng: np.random.Generator) -> Lesson:
    """Return a lesson in which everything swells on the beat."""
    bpm = rng.uniform(80, 160)
    grid = BeatGrid.steady(bpm, rng.uniform(0, 0.5), FRAMES / FRAMES_PER_SECOND)
    phase = grid.beat_phase(np.arange(FRAMES) / FRAMES_PER_SECOND)
    level = np.broadcast_to((180 - 100 * phase)[None, :, None], (len(STEMS), FRAMES, MELS))
    beats = np.array(grid.beats)
    downbeats = np.arange(len(beats)) % 4 == 0
    return Lesson(level.astype(np.uint8), beats, downbeats, knows_bars=True, family="latin")


def test_a_lesson_survives_its_file_and_is_heard_on_its_beats(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lesson = pulse_lesson(rng)
    lesson.save(tmp_path / "lesson.npz")
    again = Lesson.load(tmp_path / "lesson.npz")
    for kept, told in zip(again, lesson, strict=True):
        np.testing.assert_array_equal(kept, told)
    for _ in range(5):
        take = heard(again, lesson, 640, rng)
        rise = np.diff(np.median(take.level, axis=0))
        marked = np.flatnonzero(take.marks[0] > 0.5)
        # where the level jumps there is a mark
        jumps = np.flatnonzero(rise > 0.5 * rise.max())
        assert all(np.abs(marked - jump).min() <= 2 for jump in jumps)


def test_the_loss_falls_where_bars_are_unknown_too() -> None:
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    lesson = pulse_lesson(rng)
    take = heard(lesson, lesson, 320, rng)
    level = features(torch.from_numpy(take.level)[None].float().repeat_interleave(2, dim=1))
    network = BeatNetwork(BeatNetworkConfig(8, 3, dropout=0.0))
    style = network.config.marked(set())[None]
    taken = (level, style, torch.from_numpy(take.marks)[None], torch.tensor([False]))
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(30):
        found = loss(network, taken)
        optimizer.zero_grad()
        found.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()
        losses.append(found.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(("bpm", "counted_bpm"), [(100, 100), (520, 130), (300, 150), (40, 80)])
def test_beats_are_counted_at_a_tempo_one_taps(bpm: float, counted_bpm: float) -> None:
    beats, _, knows_bars = counted(BeatGrid.steady(bpm, 0.0, 30))
    assert 60 / np.median(np.diff(beats)) == pytest.approx(counted_bpm)
    assert knows_bars == (bpm == counted_bpm)


@pytest.mark.parametrize(("bpm", "seconds"), [(84, 20), (120, 5.11), (132, 20)])
def test_plucked_music_without_drums_is_tracked(bpm: float, seconds: float) -> None:
    found = track_beats(strummed(bpm, seconds))
    # eighths without an accent may be counted as beats: nothing in this music says which
    counted_bpm = bpm * (2 if found.tempo_bpm > 1.5 * bpm else 1)
    assert found.tempo_bpm == pytest.approx(counted_bpm, rel=0.04)
    phase = BeatGrid.steady(counted_bpm, 0.3, seconds).beat_phase(np.array(found.beats))
    away = np.abs((phase + 0.5) % 1 - 0.5) * 60 / counted_bpm
    assert np.median(away) < 0.04


def test_rate_and_channels_do_not_matter() -> None:
    music = strummed(110, 8)
    stereo = Recording(np.repeat(music.resampled(44_100).samples, 2, axis=0), 44_100)
    np.testing.assert_allclose(track_beats(stereo).beats, track_beats(music).beats, atol=0.02)


def test_what_has_no_beats_is_refused() -> None:
    with pytest.raises(MusicError, match=r"lasts 3\.0 s"):
        track_beats(recording(np.ones(3 * RATE)))
    with pytest.raises(MusicError, match="silent"):
        track_beats(recording(np.zeros(6 * RATE)))
    with pytest.raises(OptionError, match="no tempo"):
        track_beats(strummed(120, 5), 5000)
