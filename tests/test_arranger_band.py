"""The arranger listens: kick and bass lock, fills end phrases, swing swings, pauses are kept."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.assignments import whole_song
from benchmarks.baselines import rule_based
from benchmarks.metrics import overlap
from benchmarks.metrics.played import Played
from benchmarks.songs import Song
from benchmarks.windows import cut
from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo, bars, order
from subtractive.arranger import arrange
from subtractive.arranger.asked import asked_by
from subtractive.arranger.chart import EIGHTH, QUARTER, pulses
from subtractive.arranger.patterns import digits
from subtractive.arranger.rhythm import Lock, Score, habit, willingness
from subtractive.arranger.styles import STYLES, same
from subtractive.files.midi import read_midi

BEAT = 480
BAR = 4 * BEAT
KICK, SNARE, HAT, CRASH, RIDE = 36, 38, 42, 49, 51
TOMS = (41, 43, 45, 47, 48, 50)
BASS, KEYS, DRUMS = ("Bass", 33, False), ("Organ", 16, False), ("Drums", 0, True)


def playing(
    player: tuple[str, int, bool], pitches: Iterable[int], beats: Iterable[float], played: range
) -> Part:
    """Return a part that strikes all of `pitches` on `beats` (from 0) of the bars `played`."""
    notes = [
        Note(bar * BAR + round(beat * BEAT), BEAT // 4, pitch, 85)
        for bar in played
        for beat in beats
        for pitch in pitches
    ]
    return Part(*player, tuple(sorted(notes, key=order)))


def band(*parts: Part, count: int = 16, qpm: int = 120) -> Arrangement:
    lines = tuple(range(0, (count + 1) * BAR, BAR))
    tempo = (Tempo(0, 60_000_000 // qpm),)
    return Arrangement(BEAT, parts, tempo, (Metre(0, 4, 4),), barlines=lines)


def written(context: Arrangement, name: str, seed: int = 3) -> Part:
    return arrange(context, name, np.random.default_rng(seed))


def beats_of(part: Part, *keys: int, bar: int) -> list[float]:
    return sorted(
        {
            (note.onset - bar * BAR) / BEAT
            for note in part.notes
            if (not keys or note.pitch in keys) and bar * BAR <= note.onset < (bar + 1) * BAR
        }
    )


def keys_of(beats: Iterable[float] = (0, 2), played: range = range(16)) -> Part:
    return playing(KEYS, (60, 64, 67), beats, played)


def test_kick_goes_with_the_bass() -> None:
    for beats in ((0, 1.5, 2.5), (0, 2, 3.5), (0, 0.5, 2.5, 3)):
        drums = written(band(playing(BASS, (36,), beats, range(16)), keys_of()), "drums")
        kick = set(beats_of(drums, KICK, bar=5))
        off = {beat for beat in beats if beat not in (1, 3)}
        assert len(off & kick) >= len(off) - 1
        assert not kick - off - {0, 2}


def test_bass_goes_with_the_kick() -> None:
    for beats in ((0, 1.5, 2.5), (0, 2, 2.5), (0, 2, 3.5)):
        drums = playing(DRUMS, (KICK,), beats, range(16))
        bass = written(band(drums, keys_of()), "bass")
        assert set(beats) <= set(beats_of(bass, bar=5))


def test_players_keep_each_other_s_time_and_not_the_grid_s() -> None:
    late = 11  # ticks
    drums = playing(DRUMS, (KICK,), (0, 1.5, 2.5), range(16))
    lagging = replace(drums, notes=tuple(n._replace(onset=n.onset + late) for n in drums.notes))
    bass = written(band(lagging, keys_of()), "bass")
    kicks = {note.onset for note in lagging.notes}
    onsets = {note.onset for note in bass.notes}
    assert len(kicks & onsets) > 0.9 * len(kicks)


def test_a_dance_bass_jumps_octaves_over_four_on_the_floor() -> None:
    kick = playing(DRUMS, (KICK,), (0, 1, 2, 3), range(16))
    hats = playing(DRUMS, (HAT,), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), range(16))
    bass = written(band(kick, hats, keys_of((0.5, 1.5, 2.5, 3.5)), qpm=126), "bass")
    on, off = ([n.pitch for n in bass.notes if n.onset % BEAT == at] for at in (0, BEAT // 2))
    assert set(off) == {pitch + 12 for pitch in on}


def test_a_bass_doubles_a_low_guitar_riff() -> None:
    riff = [Note(bar * BAR + n * BEAT // 2, BEAT // 2, 40 + n % 4, 90)
            for bar in range(16) for n in range(8)]  # fmt: skip
    guitar = Part("Guitar", 30, False, tuple(riff))
    bass = written(band(guitar), "bass")
    played = {note.onset: note.pitch % 12 for note in bass.notes}
    heard = {note.onset: note.pitch % 12 for note in riff}
    assert played == heard


def test_a_heavy_guitar_plays_power_chords_on_the_bass_s_riff() -> None:
    bass = playing(BASS, (28,), (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5), range(16))
    drums = playing(DRUMS, (KICK,), (0, 2), range(16))
    snare = playing(DRUMS, (SNARE,), (1, 3), range(16))
    guitar = written(band(bass, drums, snare), "guitar")
    assert {note.onset for note in guitar.notes} == {note.onset for note in bass.notes}
    assert {note.pitch for note in guitar.notes} == {40, 47}


def test_swing_is_swung() -> None:
    walk = playing(("Bass", 32, False), (36,), (0, 1, 2, 3), range(16))
    comp = keys_of((2 / 3, 2, 3 + 2 / 3))
    drums = written(band(walk, comp, qpm=160), "drums")
    times = {round(beat % 1, 2) for beat in beats_of(drums, RIDE, HAT, bar=5)}
    assert times == {0, 0.67}
    assert 0.5 not in {round(note.onset / BEAT % 1, 2) for note in drums.notes}


@pytest.mark.parametrize("seed", range(8))
def test_fills_come_at_the_ends_of_phrases_only(seed: int) -> None:
    context = band(playing(BASS, (36,), (0, 2), range(32)), keys_of(played=range(32)), count=32)
    drums = written(context, "drums", seed)
    filled = {note.onset // BAR for note in drums.notes if note.pitch in TOMS}
    assert all(bar % 4 == 3 for bar in filled)
    assert 31 not in filled  # after the last bar there is nothing to lead into


def test_fills_are_played_as_often_as_asked() -> None:
    context = band(playing(BASS, (36,), (0, 2), range(32)), keys_of(played=range(32)), count=32)

    def fills(words: str) -> int:
        parts = [
            arrange(context, "drums", np.random.default_rng(seed), asked_by(words))
            for seed in range(8)
        ]
        return sum(
            len({note.onset // BAR for note in part.notes if note.pitch in TOMS}) for part in parts
        )

    assert fills("Add drums without fills") == 0
    assert fills("Add drums with fills") > 1.5 * fills("Add drums") > 0


def test_a_section_begins_with_a_crash_where_a_player_enters() -> None:
    bass = playing(BASS, (36,), (0, 2), range(16))
    organ = keys_of((0, 1, 2, 3), range(8, 16))
    lead = playing(("Trumpet", 56, False), (72,), (0, 1, 2, 3), range(8, 16))
    drums = written(band(bass, organ, lead), "drums")
    crashes = {note.onset // BAR for note in drums.notes if note.pitch == CRASH}
    assert 8 in crashes
    assert not crashes - {0, 8}
    assert all(note.onset % BAR == 0 for note in drums.notes if note.pitch == CRASH)


@pytest.mark.parametrize("name", ["bass", "drums", "guitar"])
def test_when_all_others_rest_so_does_the_player(name: str) -> None:
    organ = keys_of((0, 1, 2, 3), range(8))
    after = keys_of((0, 1, 2, 3), range(10, 16))
    context = band(replace(organ, notes=organ.notes + after.notes))
    part = written(context, name)
    assert not any(8 * BAR <= note.onset < 10 * BAR for note in part.notes)
    assert any(note.onset >= 10 * BAR for note in part.notes)


def test_drums_may_play_an_intro_and_nobody_a_pick_up() -> None:
    drums = written(band(keys_of(played=range(4, 16))), "drums")
    assert drums.notes[0].onset == 0
    upbeat = replace(
        band(Part("Flute", 73, False, tuple(Note(n * BEAT, BEAT, 72, 80) for n in range(33)))),
        barlines=(0, *range(BEAT, BEAT + 9 * BAR, BAR)),
    )
    for name in ("bass", "drums", "guitar"):
        assert written(upbeat, name).notes[0].onset == BEAT


@pytest.mark.parametrize("name", ["bass", "drums", "guitar"])
def test_nobody_plays_on_after_the_last_stroke_of_the_band(name: str) -> None:
    stop = keys_of((0, 1, 2, 3), range(15)).notes + keys_of((0,), range(15, 16)).notes
    context = band(Part(*KEYS, stop))
    part = written(context, name)
    assert max(note.onset for note in part.notes) == 15 * BAR
    if name != "drums":
        assert part.end == bars(context)[-1].end  # and the last chord is held


def test_loud_bands_get_loud_players() -> None:
    quiet = keys_of()
    loud = replace(quiet, notes=tuple(note._replace(velocity=120) for note in quiet.notes))
    for name in ("bass", "drums", "guitar"):
        pair = [written(band(part), name) for part in (quiet, loud)]
        levels = [np.mean([note.velocity for note in part.notes]) for part in pair]
        assert levels[0] < levels[1]


def test_pulses_tile_every_bar_and_begin_with_the_downbeat() -> None:
    for steps in range(1, 200):
        for beat in (3, 6, 12, 24):
            found = pulses(steps, beat)
            assert [p.first for p in found] == np.cumsum([0] + [p.length for p in found])[
                :-1
            ].tolist()
            assert sum(p.length for p in found) == steps
            assert found[0].role == "D"
    assert [p.length for p in pulses(7 * EIGHTH, EIGHTH)] == [12, 12, 18]
    assert [p.length for p in pulses(12 * EIGHTH, EIGHTH)] == [18] * 4
    assert [p.length for p in pulses(4 * QUARTER, QUARTER)] == [12] * 4


def test_digits_lie_on_their_16ths_and_triplets() -> None:
    four = digits(pulses(48, 12), {"D": "9.53", "B": "....", "M": "7...", "W": "...."}, 48)
    assert {place: int(four[place]) for place in np.flatnonzero(four)} == {0: 9, 6: 5, 9: 3, 24: 7}
    swung = digits(pulses(24, 12), same("9.8"), 24)
    assert np.flatnonzero(swung).tolist() == [0, 8, 12, 20]


def test_every_style_has_all_its_cells() -> None:
    for style in STYLES.values():
        for cells in (style.kick, style.snare, style.time, style.bass, style.guitar):
            assert set(cells) == set("DBMW")
            assert len({len(cell) for cell in cells.values()}) == 1
            assert set("".join(cells.values())) <= set(".123456789")
        assert set("".join(style.line.values())) <= set("R853A")


def test_locks_pull_to_a_voice_and_away_from_its_rests() -> None:
    score = Score.of(band(playing(BASS, (36,), (0, 1.5), range(8)), keys_of(), count=16))
    free = willingness(score, same("5555"), ())
    tied = willingness(score, same("5555"), (Lock("bass", 3, 1.5),))
    change = tied - free
    struck = np.flatnonzero(habit(score.band.struck["bass"], score))
    assert set(np.unique(change[: 8 * 48])) <= {0.0, 3.0, -1.5}
    assert change[struck].tolist() == [3.0] * len(struck)
    assert not change[8 * 48 :].any()  # where the bass rests it says nothing


@pytest.mark.data
def test_it_beats_the_plain_rules_on_songs_that_it_was_made_with(data: Path) -> None:
    with (data / "freedoom" / "index.csv").open(newline="", encoding="utf-8") as index:
        paths = [row["path"] for row in csv.DictReader(index) if row["split"] == "train"][:24:2]
    gains: dict[str, list[float]] = {}
    for path in paths:
        music = read_midi((data / "freedoom" / path).read_bytes(), path)
        song = Song("freedoom", path, cut(music, 0, min(48, len(bars(music)))))
        for name, score in (("drums", "kick_f1"), ("bass", "onset_f1"), ("guitar", "onset_f1")):
            task = whole_song(song, name)
            if task is None:
                continue
            truth = Played.of(task.truth, task.around)
            ours, plain = (
                overlap.evaluate(Played.of(part, task.around), truth)[score]
                for part in (
                    written(task.context, name),
                    rule_based(task.context, name, np.random.default_rng(0), ()),
                )
            )
            gains.setdefault(name, []).append(ours - plain)
    assert all(np.nanmean(each) > 0 for each in gains.values()), gains
