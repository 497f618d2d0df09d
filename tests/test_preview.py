"""Hearing and seeing: the WAV is the music in time and pitch, the PNG shows what was added."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import wave
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from symusic import Note, Score, Tempo, Track

from subtractive.arrangement import Arrangement, Bar, ChordSymbol, Part
from subtractive.errors import OptionError, OutputError
from subtractive.files import sound
from subtractive.files.piano_roll import draw
from subtractive.files.sound import PEAK, TAIL_SECONDS, Synthesizer, default_soundfont, render_wav
from subtractive.files.systems import systems_of

RATE = 44_100
OCARINA = 79  # the General MIDI sound nearest to a sine
FloatArray = NDArray[np.float64]


@pytest.fixture(
    params=[
        pytest.param(
            "FluidSynth",
            marks=pytest.mark.skipif(not which("fluidsynth"), reason="needs fluidsynth"),
        ),
        pytest.param(
            "TinySoundFont",
            marks=pytest.mark.skipif(
                not find_spec("tinysoundfont"), reason="needs the package tinysoundfont"
            ),
        ),
    ]
)
def synthesizer(request: pytest.FixtureRequest) -> Synthesizer:
    (found,) = [one for one in sound.synthesizers() if one.name == request.param]
    return found


def midi(
    *notes: tuple[float, float, int], program: int = OCARINA, drums: bool = False, qpm: float = 120
) -> bytes:
    """Return MIDI bytes of notes given as (onset in beats, duration in beats, pitch)."""
    score, track = Score(480), Track("", program, drums)
    score.tempos.append(Tempo(0, qpm))
    for onset, duration, pitch in notes:
        track.notes.append(Note(round(480 * onset), round(480 * duration), pitch, 100))
    score.tracks.append(track)
    content = score.dumps_midi()
    assert isinstance(content, bytes)
    return content


def heard(path: Path) -> FloatArray:
    """Return the file's frames, the two channels added up, 1 for full scale."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return np.asarray(frames.sum(axis=1) / 65536, np.float64)


def loudness(samples: FloatArray, start: float, end: float) -> float:
    """Return the root mean square from `start` to `end` in seconds."""
    return float(np.sqrt(np.mean(samples[round(start * RATE) : round(end * RATE)] ** 2)))


def test_a_wav_lasts_as_long_as_the_music_and_its_tail(
    tmp_path: Path, synthesizer: Synthesizer
) -> None:
    path = tmp_path / "song.wav"
    assert render_wav(midi((0, 4, 60), (4, 2, 64), qpm=90), path, synthesizer=synthesizer)
    assert len(heard(path)) == pytest.approx((6 * 60 / 90 + TAIL_SECONDS) * RATE, abs=2)


def test_the_loudest_sample_is_at_the_peak_however_many_play(
    tmp_path: Path, synthesizer: Synthesizer
) -> None:
    path = tmp_path / "song.wav"
    for count in (1, 40):
        crowd = [(0, 2, pitch) for pitch in range(50, 50 + count)]
        render_wav(midi(*crowd, program=48), path, synthesizer=synthesizer)
        with wave.open(str(path)) as file:
            frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert np.abs(frames.astype(int)).max() == pytest.approx(PEAK * 32767, abs=1)


def test_the_same_bytes_in_give_the_same_bytes_out(
    tmp_path: Path, synthesizer: Synthesizer
) -> None:
    first, second = tmp_path / "first.wav", tmp_path / "second.wav"
    music = midi(*((beat, 1, 50 + beat % 12) for beat in range(16)), program=25)
    render_wav(music, first, synthesizer=synthesizer)
    render_wav(music, second, synthesizer=synthesizer)
    assert first.read_bytes() == second.read_bytes()


def test_two_tempos_at_one_tick_do_not_lengthen_the_music(
    tmp_path: Path, synthesizer: Synthesizer
) -> None:
    score = Score.from_midi(midi((0, 4, 60)))
    score.tempos.extend([Tempo(0, 240), Tempo(960, 240)])
    path = tmp_path / "song.wav"
    render_wav(score.dumps_midi(), path, synthesizer=synthesizer)
    assert len(heard(path)) == pytest.approx((1 + TAIL_SECONDS) * RATE, abs=2)


@pytest.mark.parametrize("drums", [False, True])
def test_sound_comes_at_the_onset_and_a_rest_is_silent(
    tmp_path: Path, synthesizer: Synthesizer, drums: bool
) -> None:
    path = tmp_path / "song.wav"
    music = midi((2, 1, 38), (14, 1, 38), drums=drums, program=0)  # at 1 s and at 7 s
    render_wav(music, path, synthesizer=synthesizer)
    samples = heard(path)
    assert loudness(samples, 0, 0.98) < 1e-4
    assert loudness(samples, 0.99, 1.1) > 0.05
    assert loudness(samples, 5, 6.98) < 1e-3
    assert loudness(samples, 6.99, 7.1) > 0.05
    assert np.abs(samples[-10:]).max() < 1e-3


@pytest.mark.parametrize("pitch", [62, 69, 76, 81])
def test_the_pitch_heard_is_the_pitch_written(
    tmp_path: Path, synthesizer: Synthesizer, pitch: int
) -> None:
    path = tmp_path / "song.wav"
    render_wav(midi((0, 4, pitch)), path, synthesizer=synthesizer)
    part = heard(path)[RATE // 2 : RATE // 2 + RATE]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    loudest_hertz = float(np.argmax(spectrum))  # one second: a bin is a hertz
    semitones = 69 + 12 * np.log2(loudest_hertz / 440)
    assert semitones == pytest.approx(pitch, abs=0.3)


def test_music_without_notes_is_silence(tmp_path: Path, synthesizer: Synthesizer) -> None:
    path = tmp_path / "song.wav"
    render_wav(midi(), path, synthesizer=synthesizer)
    assert np.abs(heard(path)).max() < 1e-3
    assert len(heard(path)) == TAIL_SECONDS * RATE


def test_without_a_synthesizer_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    assert sound.synthesizers() == ()
    assert render_wav(midi((0, 1, 60)), tmp_path / "song.wav") is None
    assert [*tmp_path.iterdir()] == []


def test_a_soundfont_that_is_none_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synthesizer: Synthesizer
) -> None:
    text, short = tmp_path / "text.sf2", tmp_path / "short.sf2"
    text.write_text("a text\n" * 9, encoding="utf-8")
    short.write_bytes(default_soundfont().read_bytes()[:100_000])
    for font, found in ((tmp_path / "no.sf2", "does not exist"), (text, "not a"), (short, "cut")):
        monkeypatch.setenv(sound.SOUNDFONT_VARIABLE, str(font))
        with pytest.raises(OptionError, match=found):
            render_wav(midi((0, 1, 60)), tmp_path / "song.wav", synthesizer=synthesizer)
    assert {path.name for path in tmp_path.iterdir()} == {"text.sf2", "short.sf2"}


def test_a_missing_folder_is_one_sentence(tmp_path: Path, song: Arrangement) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        draw(song, tmp_path / "nowhere" / "song.png")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        draw(song, tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def picture(folder: Path, arrangement: Arrangement, added: Sequence[int] = ()) -> NDArray[np.int16]:
    """Return the drawn pixels (row, column, colour) without the header."""
    path = folder / "song.png"
    draw(arrangement, path, added)
    pixels = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"), np.int16)
    return pixels[90:]


def coloured(pixels: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return where the pixels are no greys."""
    return np.asarray(pixels.max(axis=2) - pixels.min(axis=2) > 60)


def test_only_added_parts_have_colour_each_instrument_its_own(
    tmp_path: Path, song: Arrangement
) -> None:
    assert not coloured(picture(tmp_path, song)).any()
    hues = []
    for place in (1, 2, 3):
        pixels = picture(tmp_path, song, [place])
        hues.append(np.argsort(pixels[coloured(pixels)].mean(axis=0)).tolist())
    guitar, bass, drums = hues
    assert guitar == [2, 1, 0]  # orange
    assert bass == [0, 1, 2]  # blue
    assert drums == [1, 2, 0]  # crimson


def test_later_is_further_right_and_higher_is_further_up(tmp_path: Path, song: Arrangement) -> None:
    bass = song.parts[2]

    def centre(semitones: int, beats: int) -> tuple[float, float]:
        note = bass.notes[0]
        ticks = beats * song.ticks_per_beat
        moved = note._replace(pitch=note.pitch + semitones, onset=note.onset + ticks)
        # the rest of the song holds the page still
        parts = (*song.parts, Part("Bass", 33, False, (moved,)))
        rows, columns = np.nonzero(coloured(picture(tmp_path, song.with_parts(parts), [4])))
        return float(rows.mean()), float(columns.mean())

    row, column = centre(0, 0)
    assert centre(12, 0)[0] < row - 50
    assert centre(12, 0)[1] == pytest.approx(column, abs=0.5)
    later = [centre(0, beats)[1] - column for beats in (1, 2, 12)]
    assert later[0] > 20
    assert np.allclose(later, later[0] * np.array([1, 2, 12]), atol=2)


def test_no_chord_is_shaded(tmp_path: Path, song: Arrangement) -> None:
    silent = ChordSymbol(song.chords[1].tick, "N.C.", None, (), None)
    shaded = replace(song, chords=(song.chords[0], silent, *song.chords[2:]))
    paper = (249, 239, 210)
    assert not (picture(tmp_path, song) == paper).all(axis=2).any()
    columns = np.nonzero((picture(tmp_path, shaded) == paper).all(axis=2).any(axis=0))[0]
    width = picture(tmp_path, song).shape[1]
    # bars 3 and 4 of 8, of a page with small margins
    assert 0.25 * width < columns.min() < 0.32 * width
    assert 0.48 * width < columns.max() < 0.54 * width


def test_the_same_music_gives_the_same_picture(tmp_path: Path, song: Arrangement) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    draw(song, first, [2], "A song")
    draw(song, second, [2], "A song")
    assert first.read_bytes() == second.read_bytes()


def test_odd_names_and_odd_music_are_drawn_without_a_warning(
    tmp_path: Path, song: Arrangement
) -> None:
    names = ("_$x^$", "two\nlines\x00", "日本", "long " * 40)
    parts = tuple(replace(part, name=n) for part, n in zip(song.parts, names, strict=True))
    draw(song.with_parts(parts * 3), tmp_path / "odd.png", [1], "$ \\alpha 日本")
    draw(song.with_parts(()), tmp_path / "empty.png")
    drums = tuple(part for part in song.parts if part.is_drums)
    draw(song.with_parts(drums), tmp_path / "drums.png", [0])


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 18, 19, 33, 64, 65, 256, 257, 338, 2000])
@pytest.mark.parametrize("pickup", [False, True])
def test_systems_hold_every_bar_once_in_order(count: int, pickup: bool) -> None:
    first = 480 if pickup and count > 1 else 1920
    rest = (Bar(first + 1920 * bar, 1920, 480) for bar in range(count - 1))
    all_bars = (Bar(0, first, 480), *rest)
    systems = systems_of(all_bars)
    assert sum((system.bars for system in systems), ()) == all_bars
    assert systems[0].number == (0 if first == 480 else 1)
    for before, after in pairwise(systems):
        assert after.number == before.number + len(before.bars)
        assert after.onset == before.end
    assert len(systems) <= 16
    assert all(len(system.bars) > 2 for system in systems[1:])


def test_drawing_leaves_no_global_state(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from subtractive.arrangement import Arrangement, Note, Part\n"
        "from subtractive.files.piano_roll import draw\n"
        "part = Part('Bass', 33, False, (Note(0, 480, 40, 90),))\n"
        "draw(Arrangement(480, (part,)), Path('song.png'), [0])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=os.environ)
    assert (tmp_path / "song.png").is_file()
