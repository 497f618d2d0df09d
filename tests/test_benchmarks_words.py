"""Whether words move the notes: what is asked of a song, and how answers are counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.assignments import Assignment, whole_song
from benchmarks.songs import Song
from benchmarks.style.model import load
from benchmarks.words import (
    DIRECTIONS,
    FAMILIES_EACH,
    asked_of,
    heard_family,
    in_four,
    judged,
    main,
    written_by_rules,
)
from subtractive.arrangement import Arrangement, Metre, Note, Part, Tempo
from subtractive.claims import families_named
from subtractive.files.midi import write_midi
from subtractive.styles import FAMILIES

CLASSIFIER = load()
BAR = 1920


def song(bars: int = 8, metre: tuple[int, int] = (4, 4)) -> Arrangement:
    bass = tuple(Note(place, 400, 40, 80) for place in range(0, bars * BAR, 480))
    keys = tuple(Note(bar * BAR, BAR, pitch, 70) for bar in range(bars) for pitch in (60, 64, 67))
    drums = tuple(
        Note(place, 60, key, velocity)
        for place in range(0, bars * BAR, 480)
        for key, velocity in ((36, 100), (42, 70))
    )
    parts = (
        Part("Bass", 33, False, bass),
        Part("Keys", 0, False, keys),
        Part("Drums", 0, True, drums),
    )
    return Arrangement(480, parts, (Tempo(0, 500_000),), (Metre(0, *metre),))


def assignment() -> Assignment:
    found = whole_song(Song("tests", "one", song()), "drums")
    assert found is not None
    return found


def test_other_families_than_the_songs_own_are_asked_for_in_words_that_name_them() -> None:
    one = assignment()
    asked = list(asked_of(one, CLASSIFIER, 0))
    families = [each.family for each in asked if each.family]
    assert len(families) == len(set(families)) == FAMILIES_EACH
    assert heard_family(one, CLASSIFIER) not in families
    for each in asked:
        assert families_named(each.words) == ({each.family} if each.family else set())
    assert asked == list(asked_of(one, CLASSIFIER, 0))


def test_over_many_seeds_every_family_but_the_waltz_is_asked_for() -> None:
    one = assignment()
    asked = {each.family for seed in range(60) for each in asked_of(one, CLASSIFIER, seed)}
    own = heard_family(one, CLASSIFIER)
    assert asked - {""} == {family.name for family in FAMILIES} - {"waltz", own}


@pytest.mark.parametrize(("metre", "expected"), [((4, 4), True), ((3, 4), False), ((6, 8), False)])
def test_only_songs_in_four_quarters_count(metre: tuple[int, int], expected: bool) -> None:
    found = whole_song(Song("tests", "one", song(metre=metre)), "drums")
    assert found is not None
    assert in_four(found) == expected


def test_a_pair_counts_in_the_direction_that_the_words_name() -> None:
    one = assignment()
    asked = list(asked_of(one, CLASSIFIER, 0))
    loudness = {"aggressive": 110, "soft": 40}

    def answer(words: str) -> Part:
        velocity = next((value for word, value in loudness.items() if word in words), 80)
        return Part(
            "Drums", 0, True, tuple(note._replace(velocity=velocity) for note in one.truth.notes)
        )

    parts = {each.key(0): answer(each.words) for each in asked}
    found = judged(asked, parts, CLASSIFIER, 0, with_directions=True)
    assert found["louder"][one.key] == [1.0]
    assert found["busier"][one.key] == [0.5]  # nothing moved
    assert len(found["recognised"][one.key]) == FAMILIES_EACH
    # the part is the same with words and without
    assert found["recognised"] == found["without words"]


def test_rules_that_play_the_family_are_recognised_more_often_than_those_that_do_not() -> None:
    one = assignment()
    shares = []
    for question in ("recognised", "without words"):
        values = []
        for seed in range(12):
            asked = [
                each for each in asked_of(one, CLASSIFIER, seed) if each.family or not each.words
            ]
            parts = written_by_rules(asked, seed)
            found = judged(asked, parts, CLASSIFIER, seed, with_directions=False)
            values += found[question][one.key]
        shares.append(np.mean(values))
    assert shares[0] > shares[1] + 0.2


def test_the_command_keeps_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    songs = tmp_path / "songs"
    songs.mkdir()
    (songs / "one.mid").write_bytes(write_midi(song()))
    out = tmp_path / "words.json"
    words = ["--split", str(songs), "--instrument", "drums", "--out", str(out), "--json"]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    of = result["instruments"]["drums"]["transformer"]
    assert set(of) == {"recognised", "without words", *DIRECTIONS}
    assert all(0 <= of[name]["share"][0] <= 1 for name in of)
    assert "| drums | transformer | 1 |" in out.with_suffix(".md").read_text(encoding="utf-8")


def test_songs_in_other_metres_alone_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "waltz.mid").write_bytes(write_midi(song(metre=(3, 4))))
    out = str(tmp_path / "words.json")
    assert main(["--split", str(tmp_path), "--instrument", "drums", "--out", out]) == 2
    assert "no song in four quarters has drums" in capsys.readouterr().err
