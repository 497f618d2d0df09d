"""What many tests share: outside music, a random source, a small song written by hand."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from subtractive.arrangement import (
    Arrangement,
    ChordSymbol,
    KeySignature,
    Metre,
    Note,
    Part,
    Tempo,
    order,
)
from subtractive.files.midi import write_midi

# A busy machine is slow, not wrong.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

DATA_VARIABLE = "SUBTRACTIVE_DATA"
BEAT = 480  # ticks
BAR = 4 * BEAT


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs outside music or a program that is not there."""
    if item.get_closest_marker("data"):
        skip_without_data()
    for marker in item.iter_markers("program"):
        for program in marker.args:
            if not shutil.which(program):
                pytest.skip(f"needs the program {program}")


def skip_without_data() -> Path:
    folder = Path(os.environ.get(DATA_VARIABLE) or os.devnull)
    if not folder.is_dir():
        pytest.skip(f"needs outside music: set {DATA_VARIABLE} to its folder")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of outside music; the test is skipped where there is none."""
    return skip_without_data()


@pytest.fixture(autouse=True)
def accelerate_forgets() -> Iterator[None]:
    """One process trains many models here; accelerate keeps the first one's settings for good."""
    yield
    if state := sys.modules.get("accelerate.state"):
        state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(440)


@pytest.fixture
def song() -> Arrangement:
    """See `eight_bars`."""
    return eight_bars()


def eight_bars() -> Arrangement:
    """Eight bars of 4/4 in C, two bars of C and two of G7 in turn: melody, guitar, bass, drums."""
    melody, guitar, bass, drums = [], [], [], []
    for bar in range(8):
        onset = bar * BAR
        chord = (60, 64, 67) if bar % 4 < 2 else (59, 62, 65)
        tune = (67, 69, 67, 64) if bar % 4 < 2 else (65, 67, 65, 62)
        root = 36 if bar % 4 < 2 else 43
        for beat, pitch in enumerate(tune):
            melody.append(Note(onset + beat * BEAT, BEAT - 20, pitch + 5 * (bar == 7), 90))
        for half in (0, 2):
            guitar += [Note(onset + half * BEAT, 2 * BEAT - 30, pitch, 70) for pitch in chord]
            bass.append(Note(onset + half * BEAT, BEAT, root, 95))
            drums.append(Note(onset + half * BEAT, 60, 36, 110))
            drums.append(Note(onset + (half + 1) * BEAT, 60, 38, 100))
        bass.append(Note(onset + 3 * BEAT + BEAT // 2, BEAT // 2, root + 7, 80))
        drums += [Note(onset + eighth * BEAT // 2, 30, 42, 70) for eighth in range(8)]
    drums.append(Note(0, 60, 49, 100))
    return Arrangement(
        ticks_per_beat=BEAT,
        parts=(
            Part("Melody", 73, False, tuple(sorted(melody, key=order))),
            Part("Guitar", 25, False, tuple(sorted(guitar, key=order))),
            Part("Bass", 33, False, tuple(sorted(bass, key=order))),
            Part("Drums", 0, True, tuple(sorted(drums, key=order))),
        ),
        tempos=(Tempo(0, 500_000),),
        metres=(Metre(0, 4, 4),),
        keys=(KeySignature(0, 0),),
        chords=tuple(
            ChordSymbol(bar * BAR, "C", 0, (0, 4, 7), 0)
            if bar % 4 == 0
            else ChordSymbol(bar * BAR, "G7", 7, (7, 11, 2, 5), 7)
            for bar in range(0, 8, 2)
        ),
    )


def plain(song: Arrangement, *places: int) -> bytes:
    """Some parts of a song as a MIDI file."""
    return write_midi(replace(song, parts=tuple(song.parts[place] for place in places), chords=()))


@pytest.fixture
def tune(tmp_path: Path, song: Arrangement) -> Path:
    """Melody and guitar."""
    path = tmp_path / "tune.mid"
    path.write_bytes(plain(song, 0, 1))
    return path


@pytest.fixture
def band(tmp_path: Path, song: Arrangement) -> Path:
    """Melody, guitar, bass and drums."""
    path = tmp_path / "band.mid"
    path.write_bytes(plain(song, 0, 1, 2, 3))
    return path
