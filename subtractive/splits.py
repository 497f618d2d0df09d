"""Where every song of a corpus goes: copies out, the others to training or validation by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from subtractive import duplicates
from subtractive.workers import Kept, Source


class SplitSource(Source, Protocol):
    """A source that knows on which side of the split a group lies."""

    @property
    def stamp(self) -> tuple[object, ...]:
        """What the songs are, so that a build is not resumed with others."""

    @property
    def refused(self) -> Sequence[tuple[str, str]]:
        """What was left out before there were songs, such as grooves, and why."""

    def split_of(self, group: str) -> str:
        """Return "train" or "valid"."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Where every song goes.

    Attributes
    ----------
    split, group : mapping of str to str
        Of each song that stays.
    dropped : list of (name, reason)
    """

    split: Mapping[str, str]
    group: Mapping[str, str]
    dropped: list[tuple[str, str]]


def settle(
    kept: Sequence[Kept], source: SplitSource, given: Mapping[str, str] | None = None
) -> Settled:
    """Return the split and group of each song, and the songs that are copies of others.

    Of several copies the fullest stays. Songs whose group is known keep it; the others are grouped
    by their music. A group with a song that `given` holds out is held out.

    Parameters
    ----------
    kept : sequence of Kept
    source : SplitSource
    given : mapping of str to str, optional
        Split of some songs by name.
    """
    group = {each.name: each.group for each in kept if each.group}
    unknown = sorted(
        (each for each in kept if not each.group), key=lambda each: (-each.notes, each.name)
    )
    sketches = [frozenset(map(bytes.fromhex, each.sketch)) for each in unknown]
    members: dict[int, list[int]] = {}
    for place, first in enumerate(duplicates.groups(sketches)):
        members.setdefault(first, []).append(place)
    dropped: list[tuple[str, str]] = []
    sides: dict[str, set[str]] = {}
    for first, alike in members.items():
        fullest = unknown[first].name
        own = duplicates.group_name([sketches[place] for place in alike]) or fullest
        group[fullest] = own
        names = [unknown[place].name for place in alike]
        # two groups may share a name, and then a side
        sides.setdefault(own, set()).update(
            given[name] for name in names if given and name in given
        )
        dropped += [(name, f"the same music as {fullest}") for name in names if name != fullest]

    def side(own: str) -> str:
        settled = sides.get(own)
        return max(settled) if settled else source.split_of(own)  # "valid" rules over "train"

    return Settled({name: side(own) for name, own in group.items()}, group, dropped)
