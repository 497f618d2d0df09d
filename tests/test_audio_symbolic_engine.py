"""Notes written to a mix, played in time and at the right loudness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.beats import BeatGrid
from audio.engine import StemRequest
from audio.level import BALANCE, SILENT_MIX_LUFS, levelled, limited, loudness, wished_db
from audio.notes import written_notes
from audio.sounds import best_soundfont, program_named
from audio.symbolic_engine import SymbolicEngine, on_time
from benchmarks.metrics.sound_beats import f_measure, onset_strength, onsets
from benchmarks.metrics.sound_spectrum import RATE as HEARING_RATE
from benchmarks.metrics.sound_spectrum import mel_power
from subtractive.arrangement import Arrangement
from subtractive.errors import InstrumentError
from subtractive.files.sound import SOUNDFONT_VARIABLE, default_soundfont
from subtractive.synthesis import SoundFontPlayer, Strokes, mixed, strokes
from subtractive.waveform import Recording

RATE = 44_100


def sine(hertz: float, seconds: float, rate: int = 48_000) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)[None].astype("f4")


@pytest.fixture(scope="module")
def player() -> SoundFontPlayer:
    return SoundFontPlayer(default_soundfont(), RATE)


@pytest.fixture
def mix(song: Arrangement, player: SoundFontPlayer) -> Recording:
    """Melody, guitar and bass, with a channel each side alike."""
    samples = round(song.seconds_at(song.end) * RATE)
    stems = [
        player.play(strokes(song, part), part.program, samples)
        for part in song.parts
        if not part.is_drums
    ]
    return Recording(mixed(stems), RATE)


@pytest.fixture
def engine() -> SymbolicEngine:
    return SymbolicEngine(default_soundfont(), device="cpu")


# The standard's own reference values (ITU-R BS.1770-4, EBU Tech 3341).
@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_a_full_scale_sine_is_3_below_full_scale(rate: int) -> None:
    assert loudness(sine(997, 3, rate), rate) == pytest.approx(-3.01, abs=0.05)


def test_two_channels_are_3_louder_than_one_and_low_notes_softer() -> None:
    one = sine(997, 3)
    assert loudness(np.repeat(one, 2, axis=0), 48_000) == pytest.approx(0.0, abs=0.05)
    assert loudness(sine(40, 3), 48_000) < loudness(sine(200, 3), 48_000) < loudness(one, 48_000)
    assert loudness(sine(8000, 3), 48_000) > loudness(one, 48_000) + 2


@given(st.floats(-30, 20))
def test_loudness_follows_gain(gain_db: float) -> None:
    plain = sine(300, 1)
    turned = plain * np.float32(10 ** (gain_db / 20))
    assert loudness(turned, 48_000) - loudness(plain, 48_000) == pytest.approx(gain_db, abs=0.01)


def test_rests_do_not_count() -> None:
    played = sine(500, 4)
    rests = np.concatenate([played, np.zeros((1, 48_000 * 8), np.float32)], axis=1)
    assert loudness(rests, 48_000) == pytest.approx(loudness(played, 48_000), abs=0.4)
    assert loudness(np.zeros((2, 48_000), np.float32), 48_000) == -np.inf
    assert loudness(sine(500, 0.1), 48_000) == pytest.approx(loudness(played, 48_000), abs=0.3)


@pytest.mark.parametrize("instrument", sorted(BALANCE))
@pytest.mark.parametrize(("words", "more"), [("", 0), ("softly", -1), ("loud and aggressive", 1)])
def test_a_stem_stands_beside_the_mix_as_its_instrument_does(
    instrument: str, words: str, more: int, rng: np.random.Generator
) -> None:
    mix = rng.normal(0, 0.1, (2, RATE * 2)).astype(np.float32)
    stem = levelled(sine(200, 2, RATE) * 7, mix, RATE, instrument, words)
    beside = loudness(stem, RATE) - loudness(mix, RATE)
    assert beside == pytest.approx(BALANCE[instrument] + wished_db(words), abs=0.05)
    assert np.sign(wished_db(words)) == more
    alone = levelled(stem, mix * 0, RATE, instrument)
    assert loudness(alone, RATE) == pytest.approx(SILENT_MIX_LUFS + BALANCE[instrument], abs=0.05)
    assert not levelled(stem * 0, mix, RATE, instrument).any()


@pytest.mark.parametrize(
    ("words", "instrument", "program"),
    [
        ("", "drums", None),
        ("Add a steady beat", "drums", None),
        ("Add 808 drums", "drums", 25),
        ("an electronic dance beat", "drums", 24),
        ("Add jazzy drums", "drums", 32),
        ("soft jazz drums with brushes", "drums", 40),
        ("Add rock-style drums", "drums", 16),
        ("Add soft rock drums", "drums", 0),
        ("aggressive drums", "drums", 16),
        ("Add a rock bass", "bass", None),
        ("an upright bass", "bass", 32),
        ("a synth bass", "bass", 38),
        ("a distorted guitar", "guitar", 30),
        ("a nylon-string guitar", "guitar", 24),
        ("a sitar", "guitar", None),
    ],
)
def test_words_choose_the_sound(words: str, instrument: str, program: int | None) -> None:
    assert program_named(words, instrument) == program


def test_the_users_soundfont_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "mine.sf2"))
    assert best_soundfont() == tmp_path / "mine.sf2"
    monkeypatch.delenv(SOUNDFONT_VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".local/share/soundfonts"
    folder.mkdir(parents=True)
    (folder / "FluidR3_GM.sf2").touch()
    assert best_soundfont() == folder / "FluidR3_GM.sf2"


@pytest.mark.parametrize(("program", "pitches"), [(32, (35, 40)), (33, (33, 43)), (25, (45, 60))])
def test_slow_attacks_are_struck_earlier(
    player: SoundFontPlayer, program: int, pitches: tuple[int, ...]
) -> None:
    onset = np.arange(0.5, 4.5, 0.5)
    notes = Strokes(onset, onset + 0.3, np.resize(pitches, len(onset)), np.full(len(onset), 100))
    early = on_time(player, notes, program, is_drums=False)
    assert (early.onset <= notes.onset).all()
    assert (early.onset >= notes.onset - 0.031).all()
    sound = np.abs(player.play(early, program, 5 * RATE)).max(axis=0)
    for at in onset:
        around = sound[round((at - 0.03) * RATE) : round((at + 0.08) * RATE)]
        half = np.argmax(around >= around.max() / 2) / RATE - 0.03
        assert abs(half) < 0.012


def test_drums_fall_on_the_beats_of_the_mix(mix: Recording, engine: SymbolicEngine) -> None:
    late = 0.37  # seconds of silence first: the beats are where the music is, not at 0
    silence = np.zeros((2, round(late * RATE)), np.float32)
    mix = Recording(np.concatenate([silence, mix.samples], axis=1), RATE)
    grid = BeatGrid.steady(120, late, mix.seconds)
    done: list[float] = []
    request = StemRequest(mix, "drums", "Add rock drums", 3, grid)
    stem = engine.stem(request, done.append)
    assert stem.shape == mix.samples.shape
    assert stem.dtype == np.float32
    assert np.isfinite(stem).all()
    assert done == sorted(done)
    assert done[-1] == 1
    heard = onsets(onset_strength(mel_power(Recording(stem, RATE).resampled(HEARING_RATE).samples)))
    on_grid = np.abs(4 * grid.beat_of(heard) - np.rint(4 * grid.beat_of(heard))) / 8  # seconds
    assert np.median(on_grid) < 0.012
    written = written_notes(request, device="cpu")
    # what was written, given back, is the same stem: all is decided by the request
    assert np.array_equal(stem, engine.stem(replace(request, notes=written.strokes)))
    struck = np.unique(np.round(written.strokes.onset, 3))
    assert f_measure(struck, heard, 0.03) > 0.8
    # every beat is kept by somebody, or nearly: a rock pattern may pass by one
    beats = np.asarray(grid.beats)[:-4]
    assert (np.abs(beats[:, None] - struck).min(axis=1) < 0.02).mean() > 0.8


def test_a_bass_plays_the_chords_that_are_heard(mix: Recording, song: Arrangement) -> None:
    grid = BeatGrid.steady(120, 0.0, mix.seconds)
    heard = Recording(
        mixed([mix.samples, -_stem(song, 2, mix.samples.shape[1])]), RATE
    )  # the bass taken out
    written = written_notes(StemRequest(heard, "bass", "", 0, grid), device="cpu")
    notes = written.strokes
    assert 32 <= written.program < 40
    assert (notes.end <= heard.seconds + 1e-9).all()
    bar = (notes.onset / 2 + 0.01).astype(int)
    inside = [
        pitch % 12 in ((0, 4, 7, 9) if at % 4 < 2 else (7, 11, 2, 5))
        for at, pitch in zip(bar.tolist(), notes.pitch.tolist(), strict=True)
    ]
    assert np.mean(inside) > 0.7


def _stem(song: Arrangement, place: int, samples: int) -> np.ndarray:
    player = SoundFontPlayer(default_soundfont(), RATE)
    part = song.parts[place]
    return player.play(strokes(song, part), part.program, samples)


def test_notes_that_are_given_are_played_as_they_are(
    mix: Recording, song: Arrangement, engine: SymbolicEngine
) -> None:
    given_notes = strokes(song, song.parts[3])
    grid = BeatGrid.steady(120, 0.0, mix.seconds)
    request = StemRequest(mix, "drums", "808 drums", 0, grid, given_notes)
    written = written_notes(request)
    assert written.program == 25
    assert all(np.array_equal(*pair) for pair in zip(written.strokes, given_notes, strict=True))
    loud = engine.stem(request)
    soft = engine.stem(replace(request, words="soft 808 drums"))
    lower = loudness(soft, RATE) - loudness(loud, RATE)
    assert lower == pytest.approx(wished_db("soft 808 drums"), abs=0.1)


def test_silence_has_nothing_to_write_to(engine: SymbolicEngine) -> None:
    silence = Recording(np.zeros((1, RATE * 4), np.float32), RATE)
    request = StemRequest(silence, "bass", "", 0, BeatGrid.steady(100, 0.0, 4.0))
    with pytest.raises(InstrumentError, match=r"no notes are heard .* to write bass to"):
        engine.stem(request)


def strokes_of(sizes: list[float]) -> np.ndarray:
    """Dying noise, a stroke every quarter of a second."""
    time = np.arange(RATE // 4) / RATE
    rng = np.random.default_rng(0)
    one = rng.uniform(-1, 1, len(time)) * np.exp(-time / 0.04)
    one[0] = 1.0
    return np.concatenate([size * one for size in sizes])[np.newaxis].astype(np.float32)


def test_the_one_stroke_that_stands_out_is_turned_down_and_no_other() -> None:
    stem = strokes_of([0.2] * 15 + [1.0] + [0.2] * 4)
    found = limited(stem, RATE)
    assert np.abs(found).max() < 0.5
    begin = 15 * (RATE // 4)
    far = round(0.03 * RATE)
    assert np.array_equal(found[:, : begin - far], stem[:, : begin - far])
    assert np.array_equal(found[:, -RATE // 2 :], stem[:, -RATE // 2 :])


def test_what_is_even_is_left_as_it_is() -> None:
    stem = strokes_of([0.3, 0.25, 0.3, 0.28] * 5)
    assert np.allclose(limited(stem, RATE), stem, atol=1e-6)
    assert np.array_equal(limited(stem * 0, RATE), stem * 0)
