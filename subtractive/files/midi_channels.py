"""Which MIDI channel a new part plays on, so that it disturbs no part that is there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

from subtractive.arrangement import DRUM_CHANNEL, Part
from subtractive.files.midi_events import PROGRAM, SYSTEM
from subtractive.files.midi_tracks import Reading

_PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)


class ChannelPlan(NamedTuple):
    """Where a new part goes.

    Attributes
    ----------
    part : Part
    channel : int
        0 to 15.
    sends_program : bool
        Whether its track sets the channel's program; False where that would change the sound of
        a part that is there.
    notice : str
        One sentence for the user if the channel had to be shared, else empty.
    """

    part: Part
    channel: int
    sends_program: bool
    notice: str


class _Heard(NamedTuple):
    program: int
    onset: int
    end: int


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """What a channel is used for.

    Attributes
    ----------
    in_file : bool
        Whether the user's own file has any event on it.
    changes : frozenset of int
        The programs that the file sets on it.
    heard : tuple
        Program, onset and end of every note on it.
    """

    in_file: bool = False
    changes: frozenset[int] = frozenset()
    heard: tuple[_Heard, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether nothing at all happens on it."""
        return not self.in_file and not self.heard

    def plays_only(self, program: int) -> bool:
        """Whether it never has another sound."""
        return self.changes | {note.program for note in self.heard} == {program}

    def harm(self, part: Part) -> tuple[bool, int]:
        """Return what sharing spoils: another family of sounds, and notes that sound together.

        A family is eight General MIDI programs: pianos, organs, guitars, basses and so on.
        """
        families = {program // 8 for program in self.changes}
        families |= {note.program // 8 for note in self.heard}
        notes = sorted(part.notes)
        onsets = [note.onset for note in notes]
        ends = list(accumulate((note.end for note in notes), max))
        places = ((note.onset, bisect_left(onsets, note.end)) for note in self.heard)
        together = sum(place > 0 and ends[place - 1] > onset for onset, place in places)
        return families != {part.program // 8}, together

    def with_part(self, part: Part) -> ChannelUse:
        """Return the use with one more part."""
        more = tuple(_Heard(part.program, note.onset, note.end) for note in part.notes)
        return replace(self, heard=self.heard + more)


def channel_uses(reading: Reading | None) -> list[ChannelUse]:
    """Return what a file uses each of the 16 channels for (None: an empty file)."""
    uses = [ChannelUse()] * 16
    if reading is None:
        return uses
    changes = {
        (event.status & 0x0F, event.first)
        for track in reading.tracks
        for event in track.events
        if event.status & 0xF0 == PROGRAM
    }
    touched = {
        status & 0x0F
        for track in reading.tracks
        for status in {event.status for event in track.events}
        if status < SYSTEM
    }
    for channel in touched:
        heard = tuple(
            _Heard(program, note.onset, note.end)
            for track in reading.soundings
            for (its_channel, program), notes in track.items()
            if its_channel == channel
            for note in notes
        )
        programs = frozenset(program for its_channel, program in changes if its_channel == channel)
        uses[channel] = ChannelUse(True, programs, heard)
    return uses


def plan(parts: Sequence[Part], uses: Sequence[ChannelUse]) -> tuple[ChannelPlan, ...]:
    """Give each new part a channel.

    Drums play on channel 9, counted from 0. Others take a free channel while there is one; then
    one that plays only their own program; then one without notes; then one of the same family, of
    whose notes the fewest sound together with theirs. With too few free channels the first part
    of each program is served first, so that those that can share do.

    Parameters
    ----------
    parts : sequence of Part
    uses : sequence of ChannelUse
        What is on the 16 channels already.

    Returns
    -------
    tuple of ChannelPlan
        In the order of `parts`.
    """
    uses = list(uses)
    free = sum(uses[channel].is_free for channel in _PITCHED_CHANNELS)
    order = list(range(len(parts)))
    if sum(not part.is_drums for part in parts) > free:
        programs = [part.program for part in parts]
        order.sort(key=lambda place: programs[place] in programs[:place])
    plans: dict[int, ChannelPlan] = {}
    for place in order:
        plans[place] = _plan_one(parts[place], uses)
        channel = plans[place].channel
        uses[channel] = uses[channel].with_part(parts[place])
    return tuple(plans[place] for place in range(len(parts)))


def _plan_one(part: Part, uses: Sequence[ChannelUse]) -> ChannelPlan:
    if part.is_drums:
        return _plan_drums(part, uses[DRUM_CHANNEL])
    sharing = f"no MIDI channel is free: {part.name or 'the new part'} plays on channel"
    for channel in _PITCHED_CHANNELS:
        if uses[channel].is_free:
            return ChannelPlan(part, channel, True, "")
    for channel in _PITCHED_CHANNELS:
        if uses[channel].heard and uses[channel].plays_only(part.program):
            notice = f"{sharing} {channel + 1} with a part of the same sound"
            return ChannelPlan(part, channel, True, notice)
    silent = [channel for channel in _PITCHED_CHANNELS if not uses[channel].heard]
    if silent:
        # program changes that stand there without notes would change the new part's sound
        channel = min(silent, key=lambda channel: len(uses[channel].changes - {part.program}))
        notice = f"{sharing} {channel + 1}, where no other note sounds"
        return ChannelPlan(part, channel, True, notice)
    channel = min(_PITCHED_CHANNELS, key=lambda channel: uses[channel].harm(part))
    notice = f"{sharing} {channel + 1} with a part of another sound"
    if uses[channel].in_file:
        notice += ", which is left as it is and heard for both; give it a sound of its own in a DAW"
    return ChannelPlan(part, channel, not uses[channel].in_file, notice)


def _plan_drums(part: Part, use: ChannelUse) -> ChannelPlan:
    if not use.in_file or not use.heard or use.plays_only(part.program):
        return ChannelPlan(part, DRUM_CHANNEL, True, "")
    # program 0 is the standard kit, and what a part says that asks for no kit
    notice = f"{part.name or 'the new part'} plays the drum kit that the file has already chosen"
    return ChannelPlan(part, DRUM_CHANNEL, False, notice if part.program else "")
