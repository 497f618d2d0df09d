"""The entry of a new part in the part list: its names, and the sounds that play it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lxml import etree

from subtractive.arrangement import DRUM_CHANNEL, Part
from subtractive.files.musicxml_players import sound_name
from subtractive.instruments import TABLE
from subtractive.notation.kit_staff import drum

_ABBREVIATIONS = {"drums": "Dr.", "bass": "B.", "guitar": "Gtr."}
_SILENT_KIT = 36
PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)


def part_entry(
    part: Part, role: str, identity: str, keys: Collection[int], channel: int | None = None
) -> etree._Element:
    """Return the <score-part> of a part.

    Parameters
    ----------
    part : Part
    role : {"drums", "bass", "guitar", "other"}
    identity : str
        Its id, and what the ids of its instruments begin with.
    keys : collection of int
        The drum keys that it strikes: programs would draw others in the wrong place.
    channel : int or None
        MIDI channel, 0 to 15, for what is no kit; None: that which the part came on, or any.
    """
    title = next((known.title for known in TABLE if known.name == role), "")
    entry = etree.Element("score-part", id=identity)
    etree.SubElement(entry, "part-name").text = part.name or title
    if role in _ABBREVIATIONS:
        etree.SubElement(entry, "part-abbreviation").text = _ABBREVIATIONS[role]
    if part.is_drums:
        _add_drums(entry, identity, sorted(keys) or [_SILENT_KIT])
    else:
        _add_instrument(entry, part, part.name or title, identity, channel)
    return entry


def instrument_id(identity: str, key: int | None = None) -> str:
    """Return the id of a part's instrument, or of one drum of it."""
    return f"{identity}-I{1 if key is None else key}"


def _add_drums(entry: etree._Element, identity: str, keys: Sequence[int]) -> None:
    for key in keys:
        instrument = etree.SubElement(entry, "score-instrument", id=instrument_id(identity, key))
        etree.SubElement(instrument, "instrument-name").text = drum(key).name
    for key in keys:
        midi = _midi(entry, instrument_id(identity, key), DRUM_CHANNEL, 0)
        etree.SubElement(midi, "midi-unpitched").text = str(key + 1)


def _add_instrument(
    entry: etree._Element, part: Part, name: str, identity: str, channel: int | None
) -> None:
    own = instrument_id(identity)
    instrument = etree.SubElement(entry, "score-instrument", id=own)
    etree.SubElement(instrument, "instrument-name").text = name
    if sound := sound_name(part.program):
        etree.SubElement(instrument, "instrument-sound").text = sound
    _midi(entry, own, _channel(part, identity) if channel is None else channel, part.program)


def _midi(entry: etree._Element, identity: str, channel: int, program: int) -> etree._Element:
    midi = etree.SubElement(entry, "midi-instrument", id=identity)
    etree.SubElement(midi, "midi-channel").text = str(channel + 1)
    etree.SubElement(midi, "midi-program").text = str(program + 1)
    return midi


def _channel(part: Part, identity: str) -> int:
    """Return the channel that a part came on, else one by its number."""
    if part.origin is not None and part.origin.channel != DRUM_CHANNEL:
        return part.origin.channel
    number = int("0" + "".join(filter(str.isdecimal, identity))[-4:])
    return PITCHED_CHANNELS[(number - 1) % len(PITCHED_CHANNELS)]
