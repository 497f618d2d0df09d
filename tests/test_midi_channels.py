"""The channel of a new part: nobody who is there sounds otherwise, and the user is told."""

from __future__ import annotations

from dataclasses import replace

from subtractive.files.midi import plan_channels, read_midi, write_midi
from tests.test_midi_events import midi_file, off, on, program, track, track_chunks
from tests.test_midi_splice import DRUMS, FLUTE, played, with_new, without


def test_a_new_part_takes_the_first_channel_without_any_event() -> None:
    content = midi_file(played(0), played(2), track((0, b"\xb1\x07\x64"), (0, on(40, 4))))
    (plan,) = plan_channels(with_new(content, FLUTE))
    assert (plan.channel, plan.sends_program, plan.notice) == (3, True, "")
    (plan,) = plan_channels(with_new(content, DRUMS))
    assert (plan.channel, plan.sends_program, plan.notice) == (9, True, "")


FULL = [played(channel, 60, channel) for channel in range(16)]


def test_with_all_channels_taken_a_part_of_the_same_program_is_joined() -> None:
    tracks = [*FULL[:6], played(6, 60, 73), *FULL[7:]]
    (plan,) = plan_channels(with_new(midi_file(*tracks), FLUTE))
    assert (plan.channel, plan.sends_program) == (6, True)
    assert plan.notice.startswith("no MIDI channel is free: Flute plays on channel 7 ")


def test_a_channel_that_changes_its_program_is_not_joined_as_equal() -> None:
    changing = track((0, program(73, 6)), (0, on(60, 6)), (5, off(60, 6)), (9, program(20, 6)))
    silent = track((0, program(1, 12)))
    content = midi_file(*FULL[:6], changing, *FULL[7:12], silent, *FULL[13:])
    (plan,) = plan_channels(with_new(content, FLUTE))
    assert (plan.channel, plan.sends_program) == (12, True)
    assert "channel 13, where no other note sounds" in plan.notice


def test_with_nothing_to_share_the_old_parts_keep_their_sound() -> None:
    content = midi_file(*FULL)
    song = with_new(content, FLUTE)
    (plan,) = plan_channels(song)
    assert not plan.sends_program
    assert "left as it is and heard for both" in plan.notice
    written = write_midi(song)
    assert track_chunks(written)[:-1] == FULL
    assert read_midi(written).parts[:-1] == read_midi(content).parts
    # what is read is what is heard: the sound of the channel's own part
    assert read_midi(written).parts[-1].program == plan.channel


def test_the_channel_with_the_fewest_notes_beside_the_new_ones_is_shared() -> None:
    late = track((0, program(7, 7)), (481, on(60, 7)), (5, off(60, 7)))
    (plan,) = plan_channels(with_new(midi_file(*FULL[:7], late, *FULL[8:]), FLUTE))
    assert plan.channel == 7


def test_a_channel_set_free_by_a_removed_part_is_taken_first() -> None:
    content = midi_file(track(), *FULL)
    song = without(content, 4)
    plans = plan_channels(song.with_parts((*song.parts, FLUTE)))
    assert [(plan.channel, plan.notice) for plan in plans] == [(4, "")]


def test_new_drums_leave_the_kit_that_is_there() -> None:
    content = midi_file(played(9, 36, 25))
    (plan,) = plan_channels(with_new(content, DRUMS))
    assert (plan.sends_program, plan.notice) == (False, "")
    (plan,) = plan_channels(with_new(content, replace(DRUMS, program=8)))
    assert not plan.sends_program
    assert "drum kit that the file has already chosen" in plan.notice
