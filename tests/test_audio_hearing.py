"""A recording as an arrangement: on the grid, in time, with the notes that were played."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio import transcription
from audio.beats import BeatGrid
from audio.hearing import Heard, hear, quantised
from audio.transcription import HAT, KICK, SNARE, by_transform, drums_of, notes_of, pitch_activity
from scoretokens.grid import TICKS_PER_BEAT
from subtractive.arrangement import Arrangement, Tempo, bars
from subtractive.files.sound import default_soundfont
from subtractive.harmony import estimate_chords
from subtractive.synthesis import SoundFontPlayer, mixed, seconds_at, strokes
from subtractive.waveform import Recording

RATE = 22_050


@cache
def player() -> SoundFontPlayer:
    return SoundFontPlayer(default_soundfont(), RATE)


def rendered(music: Arrangement, start_seconds: float = 0.0) -> Recording:
    """Return the sound of an arrangement that begins after some silence."""
    samples = round((music.seconds_at(music.end) + start_seconds) * RATE)
    stems = []
    for part in music.parts:
        onset, end, pitch, velocity = strokes(music, part)
        moved = type(strokes(music, part))(
            onset + start_seconds, end + start_seconds, pitch, velocity
        )
        stems.append(player().play(moved, part.program, samples, is_drums=part.is_drums))
    return Recording(mixed(stems), RATE)


def without(music: Arrangement, *instruments: str) -> Arrangement:
    for name in instruments:
        music = music.split(name)[0]
    return replace(music, chords=())


def struck(music: Arrangement) -> set[tuple[int, int]]:
    """Return the 16th and the pitch class of every pitched note."""
    step = music.ticks_per_beat // 4
    return {
        (round(note.onset / step), note.pitch % 12)
        for part in music.parts
        if not part.is_drums
        for note in part.notes
    }


def f1(one: set[tuple[int, int]], other: set[tuple[int, int]]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


grids = st.builds(
    lambda first, steps, size, down: BeatGrid(
        tuple(accumulate(steps, initial=first)), down % (len(steps) + 1), size
    ),
    st.floats(0, 3),
    st.lists(st.floats(0.25, 1.2), min_size=4, max_size=12),
    st.integers(2, 5),
    st.integers(0, 20),
)


def bars_over(grid: BeatGrid, seconds: float) -> Heard:
    """Hear silence."""
    return hear(Recording(np.zeros((1, round(seconds * RATE)), np.float32), RATE), grid, "drums")


@given(grids, st.floats(1, 12))
def test_ticks_are_seconds_and_seconds_are_ticks(grid: BeatGrid, seconds: float) -> None:
    heard = bars_over(grid, seconds)
    ticks = np.arange(0, heard.arrangement.end, 5)
    assert heard.ticks_at(heard.seconds_at(ticks)) == pytest.approx(ticks, abs=1e-6)
    # the tempo map alone says the same, to a microsecond for each rounded beat at both its ends
    told = seconds_at(heard.arrangement, ticks) + float(heard.seconds_at(0))
    assert told == pytest.approx(heard.seconds_at(ticks), abs=3e-6)


@given(grids, st.floats(1, 12))
def test_bars_are_those_of_the_grid_and_cover_the_recording(grid: BeatGrid, seconds: float) -> None:
    heard = bars_over(grid, seconds)
    table = bars(heard.arrangement)
    assert {bar.length for bar in table} == {grid.beats_per_bar * TICKS_PER_BEAT}
    lines = heard.seconds_at([bar.onset for bar in table])
    phases = grid.bar_phase(lines + 1e-7)
    assert phases.max() < 1e-4
    # the recording begins in the first bar and ends in the last, or a tenth of a bar beside them
    bar, end = table[0].length, heard.arrangement.end
    assert -0.1001 * bar <= heard.ticks_at(0.0) < bar
    assert end - 1.0001 * bar <= heard.ticks_at(seconds) <= end + 0.1 * bar or end == bar


def test_the_notes_are_heard_where_they_are_played(song: Arrangement) -> None:
    music = without(song, "drums")
    heard = hear(rendered(music), BeatGrid.of_arrangement(music), "drums").arrangement
    assert f1(struck(heard), struck(music)) > 0.8
    roots = [chord.root for chord in estimate_chords(heard)]
    assert roots == [0, 7, 0, 7]


def test_a_bass_is_told_from_the_rest_but_not_where_one_is_to_be_added(song: Arrangement) -> None:
    music = without(song, "drums")
    sound, grid = rendered(music), BeatGrid.of_arrangement(music)
    bass, rest = hear(sound, grid, "drums").arrangement.parts
    assert (bass.program, rest.program) == (33, 0)
    played = {note.pitch % 12 for note in music.parts[2].notes}
    assert {note.pitch % 12 for note in bass.notes} <= played
    assert max(note.pitch for note in bass.notes) < 52
    alone, strings = hear(sound, grid, "bass").arrangement.parts
    assert (alone.program, strings.program) == (0, 48)
    assert len(alone.notes) == len(bass.notes) + len(rest.notes)


def test_who_plays_chords_is_given_those_heard(song: Arrangement) -> None:
    music = without(song, "drums", "guitar")
    strings = hear(rendered(music), BeatGrid.of_arrangement(music), "guitar").arrangement.parts[-1]
    bar = 4 * TICKS_PER_BEAT
    for at, chord in enumerate(({0, 4, 7}, {7, 11, 2}, {0, 4, 7}, {7, 11, 2})):
        tick = (2 * at + 1) * bar
        held = {note.pitch % 12 for note in strings.notes if note.onset <= tick < note.end}
        assert held >= chord - {2, 4, 11}, at
        assert min(note.pitch for note in strings.notes if note.onset <= tick < note.end) % 12 == (
            0 if at % 2 == 0 else 7
        )


def test_silence_before_the_music_changes_no_note(song: Arrangement) -> None:
    music = without(song, "drums", "bass")
    grid = BeatGrid.of_arrangement(music)
    late = BeatGrid(tuple(beat + 1.3 for beat in grid.beats), grid.downbeat, grid.beats_per_bar)
    at_once = hear(rendered(music), grid, "drums")
    later = hear(rendered(music, 1.3), late, "drums")
    # 1.3 s are less than the bar of 2 s before the first one
    assert later.first_beat == -4
    moved = {(onset - 16, tone) for onset, tone in struck(later.arrangement)}
    assert f1(moved, struck(at_once.arrangement)) > 0.95


def test_a_tempo_that_drifts_is_followed(song: Arrangement) -> None:
    paces = [round(500_000 * (1 + 0.15 * np.sin(beat / 3))) for beat in range(32)]
    music = replace(
        without(song, "drums", "bass"),
        tempos=tuple(Tempo(beat * 480, pace) for beat, pace in enumerate(paces)),
    )
    heard = hear(rendered(music), BeatGrid.of_arrangement(music), "drums").arrangement
    assert f1(struck(heard), struck(music)) > 0.75
    given_paces, told = music.tempos, heard.tempos
    assert [tempo.microseconds for tempo in told] == pytest.approx(
        [tempo.microseconds for tempo in given_paces], abs=2
    )


def test_what_is_transposed_is_heard_transposed(song: Arrangement) -> None:
    music = without(song, "drums", "bass")
    higher = music.with_parts(
        tuple(
            replace(part, notes=tuple(note._replace(pitch=note.pitch + 3) for note in part.notes))
            for part in music.parts
        )
    )
    grid = BeatGrid.of_arrangement(music)
    plain, moved = (hear(rendered(each), grid, "drums").arrangement for each in (music, higher))
    assert f1({(at, (tone + 3) % 12) for at, tone in struck(plain)}, struck(moved)) > 0.7


def test_drums_are_heard_where_there_are_some(song: Arrangement) -> None:
    music = without(song, "bass")
    heard = drums_of(rendered(music))
    true = strokes(song, song.parts[3])
    for key in (KICK, SNARE, HAT):
        wanted = np.unique(true.onset[true.pitch == key])
        found = heard.onset[heard.pitch == key]
        near = np.abs(wanted[:, None] - found).min(axis=1) < 0.03
        assert near.mean() > 0.8, key
    kept = hear(rendered(music), BeatGrid.of_arrangement(music), "bass").arrangement.parts
    assert [part.program for part in kept if not part.is_drums] == [0, 48]
    assert sum(part.is_drums for part in kept) == 1
    assert len(drums_of(rendered(without(song, "bass", "drums"))).onset) == 0


@given(st.integers(1, 8), st.data())
def test_sixteenths_played_unevenly_are_sixteenths(beats: int, data: st.DataObject) -> None:
    ticks = np.arange(0, beats * TICKS_PER_BEAT, 3)
    late = data.draw(st.lists(st.floats(-0.6, 0.6), min_size=len(ticks), max_size=len(ticks)))
    assert quantised(ticks + np.array(late)).tolist() == ticks.tolist()


@given(st.sampled_from([3, 4]), st.lists(st.integers(0, 31)))
def test_what_is_on_either_grid_stays(step: int, places: list[int]) -> None:
    ticks = step * np.array(sorted(places), dtype=np.float64)
    assert quantised(ticks).tolist() == ticks.tolist()


def test_a_shuffle_is_heard_as_triplets() -> None:
    shuffle = np.array([beat * 12 + offset for beat in range(8) for offset in (0.3, 7.6)])
    assert quantised(shuffle).tolist() == [b * 12 + o for b in range(8) for o in (0, 8)]
    straight = np.array([beat * 12 + offset for beat in range(8) for offset in (0.3, 5.7)])
    assert quantised(straight).tolist() == [b * 12 + o for b in range(8) for o in (0, 6)]
    assert len(quantised(np.zeros(0))) == 0


def test_notes_have_lengths_and_order(song: Arrangement) -> None:
    notes = notes_of(pitch_activity(rendered(without(song, "drums", "bass"))))
    assert (np.diff(notes.onset) >= 0).all()
    assert (notes.end > notes.onset).all()
    assert ((notes.velocity > 0) & (notes.velocity < 128)).all()
    for pitch in np.unique(notes.pitch):
        of_one = notes.pitch == pitch
        assert all(
            end <= onset + 0.03
            for end, onset in zip(notes.end[of_one][:-1], notes.onset[of_one][1:], strict=True)
        )


def test_without_basic_pitch_chords_are_heard_still(
    song: Arrangement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcription, "network_file", lambda: None)
    music = without(song, "drums")
    heard = hear(rendered(music), BeatGrid.of_arrangement(music), "drums").arrangement
    chords = estimate_chords(heard)
    for before, after in pairwise([chord.root for chord in chords]):
        assert before != after
    right = sum(
        next(chord.root for chord in reversed(chords) if chord.tick <= beat * TICKS_PER_BEAT)
        == (0 if beat // 8 % 2 == 0 else 7)
        for beat in range(32)
    )
    assert right >= 26


def test_silence_sounds_no_pitch() -> None:
    silence = Recording(np.zeros((2, RATE), np.float32), RATE)
    assert len(notes_of(pitch_activity(silence)).onset) == 0
    assert len(drums_of(silence).onset) == 0
    assert by_transform(np.zeros(RATE, np.float32)).struck.max() == 0
