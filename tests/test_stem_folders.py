"""Folders of songs with stems: every layout is read, and each stem lies where its music is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from subtractive.claims import claims
from subtractive.errors import FileFormatError, OptionError
from subtractive.example import add
from subtractive.instruments import INSTRUMENTS
from subtractive.stem_folders import StemSong, examples, instrument_of, is_heard, lessons, songs
from subtractive.waveform import AudioMix, Recording, Stem

RATE = 8_000
Floats = npt.NDArray[np.float64]

METADATA = """\
UUID: 1a81ae092884234f3264e2f45927f00a
normalized: true
stems:
  S00: {audio_rendered: true, inst_class: Piano, is_drum: false, program_num: 1}
  S01: {audio_rendered: true, inst_class: Bass, is_drum: false, program_num: 33}
  S02: {audio_rendered: true, inst_class: Drums, is_drum: true, program_num: 128}
  S03: {audio_rendered: false, inst_class: Ethnic, is_drum: false, program_num: 110}
  S04: {audio_rendered: true, inst_class: Guitar, is_drum: false, program_num: 27}
"""


def tone(frequency: float, seconds: float = 2.0, rate: int = RATE) -> Floats:
    """A sine that 16 bits hold exactly, and so its sums and its half."""
    wave = 0.2 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return np.asarray(np.rint(wave * 2**14) / 2**14)


def put(path: Path, samples: Floats, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")


def musdb(folder: Path) -> Path:
    tones = {"drums": 440.0, "bass": 55.0, "other": 220.0, "vocals": 330.0}
    for split in ("train", "test"):
        song = folder / split / f"Somebody - {split}ing Song"
        for name, frequency in tones.items():
            put(song / f"{name}.wav", np.stack([tone(frequency), tone(frequency) / 2], axis=1))
        every = sum(tone(frequency) for frequency in tones.values())
        put(song / "mixture.wav", np.stack([every, every / 2], axis=1))
    return folder


MOISES = (
    ("drums", "full_acoustic_drumkit", 440.0),
    ("drums", "kick drum", 60.0),
    ("percussion", "pitched percussion (mallets, glockenspiel, ...)", 700.0),
    ("percussion", "a-tonal percussion (claps, shakers, congas, cowbell etc)", 800.0),
    ("bass", "bass_guitar", 55.0),
    ("bass", "tuba (bass of brass)", 65.0),
    ("guitar", "clean electric guitar", 220.0),
    ("other_keys", "organ, electric organ", 330.0),
    ("other", "click_track", 1000.0),
)


def moisesdb(folder: Path) -> Path:
    song = folder / "moisesdb_v0.1" / "0a1b"
    stems: dict[str, list[dict[str, str]]] = {}
    for place, (stem, kind, frequency) in enumerate(MOISES):
        put(song / stem / f"id{place}.wav", tone(frequency, 1.5 + 0.1 * place))
        told = {"id": f"id{place}", "trackType": kind, "extension": "wav"}
        stems.setdefault(stem, []).append(told)
    listed = [{"stemName": name, "tracks": tracks} for name, tracks in stems.items()]
    (song / "data.json").write_text(
        json.dumps({"song": "Any", "genre": "bossa_nova", "stems": listed}), encoding="utf-8"
    )
    return folder


def slakh(folder: Path) -> Path:
    for split in ("train", "validation", "omitted"):
        song = folder / split / f"Track0000{len(split)}"
        for key, frequency in (("S00", 330.0), ("S01", 55.0), ("S02", 440.0), ("S04", 220.0)):
            put(song / "stems" / f"{key}.flac", tone(frequency))
        put(song / "mix.flac", tone(330.0) + tone(55.0) + tone(440.0) + tone(220.0))
        (song / "metadata.yaml").write_text(METADATA, encoding="utf-8")
    return folder


def pitch(samples: npt.NDArray[np.float32]) -> float:
    """The strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples[0] * np.hanning(samples.shape[1])))
    return float(np.argmax(spectrum) * RATE / samples.shape[1])


def pitches(mix: AudioMix, instrument: str) -> list[int]:
    _, taken = mix.split(instrument)
    return sorted(round(pitch(placed.stem.recording.samples) / 5) * 5 for placed in taken)


LAYOUTS = [(musdb, 2, [440]), (moisesdb, 1, [60, 440, 800]), (slakh, 2, [440])]


@pytest.mark.parametrize(("layout", "count", "drums"), LAYOUTS)
def test_every_layout_is_found_with_its_drums_and_bass(
    tmp_path: Path, layout: Callable[[Path], Path], count: int, drums: list[int]
) -> None:
    found = list(songs(layout(tmp_path)))
    assert len(found) == count
    for song in found:
        mix = song.mix()
        assert pitches(mix, "drums") == drums
        assert pitches(mix, "bass") == [55]


@pytest.mark.parametrize(("layout", "count", "drums"), LAYOUTS)
def test_what_is_subtracted_can_be_added_back(
    tmp_path: Path, layout: Callable[[Path], Path], count: int, drums: list[int]
) -> None:
    found = list(songs(layout(tmp_path)))
    seen = 0
    for song in found:
        whole = song.mix()
        for lesson in lessons(whole, song.style, np.random.default_rng(1)):
            assert add(lesson) == whole
            assert lesson.target
            instrument = lesson.instruction.instrument
            assert {placed.stem.instrument for placed in lesson.target} == {instrument}
            assert all(stem.instrument != instrument for stem in lesson.context.stems)
            seen += 1
    assert seen >= 2 * count


def test_stems_add_up_to_the_mixture_beside_them(tmp_path: Path) -> None:
    for song in songs(musdb(tmp_path / "musdb")):
        mixture, _ = soundfile.read(song.files[0].path.with_name("mixture.wav"), dtype="float32")
        assert np.array_equal(song.mix().sound.samples, mixture.T)
    for song in songs(slakh(tmp_path / "slakh")):
        mixture, _ = soundfile.read(song.files[0].path.parents[1] / "mix.flac", dtype="float32")
        assert np.array_equal(song.mix().sound.samples[0], mixture)


def test_short_stems_end_in_silence_and_no_sound_is_lost(tmp_path: Path) -> None:
    (song,) = songs(moisesdb(tmp_path))
    mix = song.mix()
    assert song.seconds == pytest.approx(1.5 + 0.1 * (len(MOISES) - 2))
    expected = np.zeros(mix.shape[1])
    for place, (_, kind, frequency) in enumerate(MOISES):
        if kind != "click_track":
            sound = tone(frequency, 1.5 + 0.1 * place)
            expected[: len(sound)] += sound
    assert mix.sound.samples[0] == pytest.approx(expected, abs=1e-6)


def test_splits_are_those_of_the_folders(tmp_path: Path) -> None:
    assert {song.split for song in songs(musdb(tmp_path / "musdb"))} == {"train", "test"}
    assert {song.split for song in songs(slakh(tmp_path / "slakh"))} == {"train", "valid"}


def test_songs_without_splits_are_divided_by_name_and_stay_so() -> None:
    found = [StemSong(f"song {number}", "", ()).split for number in range(500)]
    assert 20 < found.count("valid") < 90
    assert found.count("train") + found.count("valid") == 500


def test_windows_are_stretches_of_the_song(tmp_path: Path) -> None:
    (song, _) = songs(musdb(tmp_path))
    whole = song.mix().sound.samples
    windows = [song.mix(start, start + 0.5).sound.samples for start in (0.0, 0.5, 1.0, 1.5)]
    assert np.array_equal(np.concatenate(windows, axis=1), whole)


def test_examples_come_window_by_window(tmp_path: Path) -> None:
    (song, _) = songs(musdb(tmp_path))
    rng = np.random.default_rng(3)
    found = list(examples([song], 0.75, rng))
    assert [each.instruction.instrument for each in found] == ["drums", "bass"] * 2
    assert all(each.context.shape == (2, round(0.75 * RATE)) for each in found)


def test_stems_of_several_rates_and_channels_are_brought_together(tmp_path: Path) -> None:
    put(tmp_path / "drums.wav", tone(440.0))
    put(tmp_path / "bass.wav", np.stack([tone(55.0, rate=16_000)] * 2, axis=1), 16_000)
    (song,) = songs(tmp_path)
    mix = song.mix()
    assert (mix.sample_rate, mix.shape) == (16_000, (2, 32_000))
    (placed,) = mix.split("drums")[1]
    left, right = placed.stem.recording.samples
    assert np.array_equal(left, right)
    assert left[800:-800] == pytest.approx(tone(440.0, rate=16_000)[800:-800], abs=1e-3)


def test_words_name_the_instrument_and_the_genre_and_nothing_more(tmp_path: Path) -> None:
    (song,) = songs(moisesdb(tmp_path))
    rng = np.random.default_rng(5)
    said = [each for _ in range(20) for each in lessons(song.mix(), song.style, rng)]
    for each in said:
        heard = claims(each.instruction.words)
        assert heard.instruments == {each.instruction.instrument}
        assert not heard.stated
    assert {each.instruction.instrument for each in said} == set(INSTRUMENTS)
    assert any("latin" in each.instruction.words.lower() for each in said)


@pytest.mark.parametrize(
    ("name", "kind", "instrument"),
    [
        ("drums", "", "drums"),
        ("Drum Kit", "", "drums"),
        ("05_Snare_Top", "", "drums"),
        ("percussion", "pitched percussion (mallets, glockenspiel, ...)", "other"),
        ("bass", "bass_synthesizer_(moog_etc)", "bass"),
        ("bass", "bassoon (bass of woodwind)", "other"),
        ("Bass Guitar", "", "bass"),
        ("electric_guitar_2", "", "guitar"),
        ("vocals", "", "other"),
        ("Bass Clarinet", "", "other"),
        ("piano", "grand_piano", "other"),
    ],
)
def test_names_tell_the_instrument(name: str, kind: str, instrument: str) -> None:
    assert instrument_of(name, kind) == instrument


def half_second(stem_db: float, heard_seconds: float) -> bool:
    rng = np.random.default_rng(2)
    context = rng.normal(0, 0.1, (1, 2 * RATE)).astype(np.float32)
    stem = rng.normal(0, 0.1, (1, 2 * RATE)).astype(np.float32) * np.float32(10 ** (stem_db / 20))
    stem[:, round(heard_seconds * RATE) :] = 0
    return is_heard(stem, context + stem, RATE)


@given(level=st.floats(-60, 20), seconds=st.floats(0, 2), louder=st.floats(0, 40))
def test_a_louder_or_longer_stem_is_heard_as_well(
    level: float, seconds: float, louder: float
) -> None:
    if half_second(level, seconds):
        assert half_second(level + louder, seconds)
        assert half_second(level, min(2.0, seconds + 0.3))


def test_a_stem_counts_from_half_a_second_at_30_db_below_the_mix() -> None:
    assert half_second(-28, 0.55)
    assert not half_second(-28, 0.35)
    assert not half_second(-32, 2.0)


def test_a_silent_stem_and_a_stem_alone_teach_nothing() -> None:
    silence = Recording(np.zeros((1, RATE), np.float32), RATE)
    sound = Recording(tone(220.0, 1.0).astype(np.float32)[np.newaxis], RATE)
    rng = np.random.default_rng(4)
    alone = AudioMix.of([Stem("drums", "drums", sound), Stem("keys", "other", silence)])
    unheard = AudioMix.of([Stem("drums", "drums", silence), Stem("keys", "other", sound)])
    assert not list(lessons(alone, "", rng))
    assert not list(lessons(unheard, "", rng))
    both = AudioMix.of([Stem("drums", "drums", sound), Stem("keys", "other", sound)])
    assert len(list(lessons(both, "", rng))) == 1


def test_damaged_folders_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="is not a folder"):
        list(songs(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match=r"holds no song with stems: .*MUSDB18"):
        list(songs(tmp_path / "empty"))
    (tmp_path / "empty" / "A - B.stem.mp4").write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"A - B\.stem\.mp4 is to be unpacked"):
        list(songs(tmp_path / "empty"))

    moises = moisesdb(tmp_path / "moises")
    data = next(moises.rglob("data.json"))
    told = data.read_text(encoding="utf-8")
    for wrong in ("{", "[]", '{"stems": [{}]}', told.replace('"trackType"', '"kind"')):
        data.write_text(wrong, encoding="utf-8")
        with pytest.raises(FileFormatError, match="is not described as in MoisesDB"):
            list(songs(moises))
    data.write_text(told.replace("id0", "gone"), encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"gone\.wav is missing"):
        list(songs(moises))

    synthesized = slakh(tmp_path / "slakh")
    described = synthesized / "train" / "Track00005" / "metadata.yaml"
    for wrong in ("stems: [", "stems: 3", ""):
        described.write_text(wrong, encoding="utf-8")
        with pytest.raises(FileFormatError, match="is not described as in MoisesDB"):
            list(songs(synthesized))


def test_a_damaged_stem_is_named(tmp_path: Path) -> None:
    (song, _) = songs(musdb(tmp_path))
    song.files[0].path.write_bytes(b"RIFF nothing")
    with pytest.raises(FileFormatError, match=rf"{song.files[0].name}\.wav cannot be read"):
        song.mix()
