"""What the page shows and plays of a song: the engraved score, and two sounds that sum to it."""

from __future__ import annotations

import io
import json
import re
import wave
from itertools import pairwise
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given as law
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="needs the extra [page]")
pytest.importorskip("verovio", reason="needs the extra [page]")

from subtractive.arrangement import Arrangement, Tempo
from subtractive.errors import MusicError
from subtractive.files.musicxml import written_score
from subtractive.files.musicxml_write import write_musicxml
from subtractive.files.sound import Samples, synthesizers
from subtractive.files.systems import ADDED
from symbolic.serve.engraver import Engraver
from symbolic.serve.pictures import PictureError, seconds
from symbolic.serve.store import View
from tests.test_serve import Desk, desk, given

__all__ = ["desk", "given"]

needs_sound = pytest.mark.skipif(not synthesizers(), reason="needs a synthesizer: fluidsynth")


def pages(desk: Desk, song: dict[str, object], variation: str | None = None) -> str:
    return "".join(json.loads(desk.fetch(song, "score", variation))["pages"])


def coloured(svg: str, colour: str) -> int:
    return len(re.findall(rf'class="note"[^>]* color="{colour}"', svg))


def test_the_new_part_alone_is_coloured_in_the_score(desk: Desk, song: Arrangement) -> None:
    for content, name in (
        (write_musicxml(song.with_parts(song.parts[:2])).content, "tune.musicxml"),
        (write_musicxml(song.with_parts(song.parts[:2]), zipped=True).content, "tune.mxl"),
    ):
        opened = desk.open(content, name)
        before = pages(desk, opened)
        assert not any(coloured(before, colour) for colour in ADDED.values())
        (bass,) = desk.write(opened, instrument="bass")
        after = pages(desk, opened, bass)
        assert coloured(after, ADDED["bass"]) == 8 * 4
        assert after.count('class="note"') - before.count('class="note"') == 8 * 4
        desk.ask("POST", f"/api/songs/{opened['id']}/variations/{bass}/keep")
        (drums,) = desk.write(opened, instrument="drums")
        both = pages(desk, opened, drums)
        assert coloured(both, ADDED["bass"]) == coloured(both, ADDED["drums"]) == 8 * 4


def test_a_timewise_score_is_coloured_too(desk: Desk) -> None:
    measures = "".join(
        f'<measure number="{number}"><part id="P1">'
        "<attributes><divisions>1</divisions></attributes><note><pitch><step>C</step><octave>5</octave></pitch><duration>4</duration>"
        "<type>whole</type></note></part></measure>"
        for number in (1, 2)
    )
    score = (
        '<score-timewise version="4.0"><part-list><score-part id="P1"><part-name>Flute</part-name>'
        f"</score-part></part-list>{measures}</score-timewise>"
    )
    song = desk.open(score.encode(), "tune.musicxml")
    (bass,) = desk.write(song, instrument="bass")
    svg = pages(desk, song, bass)
    assert coloured(svg, ADDED["bass"]) == 2 * 4
    assert svg.count('class="note"') == 2 + 2 * 4


def test_music_from_midi_has_a_score_too(desk: Desk, given: bytes) -> None:
    opened = desk.open(given)
    (guitar,) = desk.write(opened, instrument="guitar", existing="replace")
    svg = pages(desk, opened, guitar)
    assert svg.count('class="measure"') == 8
    assert coloured(svg, ADDED["guitar"]) == 8 * 4


@pytest.mark.data
def test_each_bar_that_is_played_is_a_measure_of_the_score(desk: Desk, data: Path) -> None:
    content = (data / "scores" / "rich.musicxml").read_bytes()
    opened = desk.open(content, "rich.musicxml")
    score = written_score(content)
    played = json.loads(desk.fetch(opened, "roll"))["bars"]
    assert [bar["measure"] for bar in played] == list(score.order)
    assert pages(desk, opened).count('class="measure"') == len(score.lengths)
    assert all(bar["start"] < after["start"] for bar, after in pairwise(played))


tempos = st.lists(
    st.builds(Tempo, st.integers(0, 5000), st.integers(100_000, 2_000_000)),
    max_size=6,
    unique_by=lambda tempo: tempo.tick,
).map(lambda found: tuple(sorted(found)))


@law(tempos, st.lists(st.integers(0, 9000), max_size=20))
def test_the_times_of_many_ticks_are_those_of_each(
    found: tuple[Tempo, ...], ticks: list[int]
) -> None:
    music = Arrangement(480, (), found)
    expected = [music.seconds_at(tick) for tick in ticks]
    assert seconds(music, np.array(ticks, np.int64)).tolist() == pytest.approx(expected)


def samples(content: bytes) -> Samples:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 44_100)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return frames.reshape(-1, 2).astype(np.float32)


@needs_sound
def test_the_two_sounds_sum_to_the_mix(desk: Desk, given: bytes) -> None:
    song = desk.open(given)
    (bass,) = desk.write(song, instrument="bass")
    rest, new = (samples(desk.fetch(song, f"sound/{stem}", bass)) for stem in ("rest", "new"))
    assert rest.shape == new.shape
    assert np.abs(rest).max() > 1000
    assert np.abs(new).max() > 1000
    mix = samples(desk.fetch(song, "files/wav", bass))
    count = min(len(mix), len(rest)) - 3 * 44_100  # the download fades out
    both = (rest + new)[:count].ravel()
    whole = mix[:count].ravel()
    assert np.corrcoef(both, whole)[0, 1] > 0.98
    assert np.corrcoef(rest[:count].ravel(), whole)[0, 1] < 0.98
    loudest = 0.89 * 32767
    assert max(np.abs(each).max() for each in (rest, new, rest + new)) == pytest.approx(
        loudest, abs=3
    )


@needs_sound
def test_without_a_new_part_the_sound_is_all_of_the_music(desk: Desk, given: bytes) -> None:
    song = desk.open(given)
    assert not samples(desk.fetch(song, "sound/new")).any()
    rest = samples(desk.fetch(song, "sound/rest"))
    mix = samples(desk.fetch(song, "files/wav"))
    count = min(len(mix), len(rest)) - 3 * 44_100
    assert np.corrcoef(rest[:count].ravel(), mix[:count].ravel())[0, 1] > 0.98


@needs_sound
def test_old_sounds_make_room_for_new_ones(
    desk: Desk, given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symbolic.serve.store.MOST_FILES", 4)
    song = desk.open(given)
    variations = desk.write(song, instrument="bass", variations=4)
    sounds = [desk.fetch(song, "sound/new", variation) for variation in variations]
    folder = desk.folder(song)
    assert len([*folder.glob("*.wav")]) == 4
    assert desk.fetch(song, "sound/new", variations[0]) == sounds[0]


def test_without_a_synthesizer_all_else_works(
    desk: Desk, given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symbolic.serve.hearing.synthesizers", lambda: ())
    song = desk.open(given)
    answer = desk.ask("GET", f"/api/songs/{song['id']}/sound/rest", 422)
    assert answer["error"].startswith("no synthesizer was found")
    assert pages(desk, song)


def test_a_score_that_breaks_the_engraver_is_told_and_the_next_one_is_drawn(
    song: Arrangement,
) -> None:
    engraver = Engraver()
    try:
        view = View(song, 0, 0)
        drawn = engraver.pages(view)
        (worker,) = [one for one in active_children() if one.name == "engraver"]
        worker.kill()
        with pytest.raises(PictureError, match="download it instead"):
            engraver.pages(view)
        again = engraver.pages(view)
        assert [page.count('class="note"') for page in again.pages] == [
            page.count('class="note"') for page in drawn.pages
        ]
        with pytest.raises(MusicError, match="no notes"):
            engraver.pages(View(song.with_parts(()), 0, 0))
    finally:
        engraver.close()


def test_a_score_that_takes_too_long_is_given_up(
    song: Arrangement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symbolic.serve.engraver.MOST_SECONDS", 0.0)
    engraver = Engraver()
    with pytest.raises(PictureError, match="download it instead"):
        engraver.pages(View(song, 0, 0))
    assert not [one for one in active_children() if one.name == "engraver"]
