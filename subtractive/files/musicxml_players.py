"""Who plays a MusicXML part: its name, its General MIDI program, its drum keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from subtractive.files.musicxml_tree import PartTree, number_in
from subtractive.notation.kit_staff import drum_key_at, staff_place

# Standard sounds of MusicXML, by the start of their names -> General MIDI program. Only what
# decides a part's role is told apart: the product never plays the other parts itself.
_SOUNDS = {
    "voice": 52,
    "pluck.bass.acoustic": 32,
    "pluck.bass.fretless": 35,
    "pluck.bass.synth": 38,
    "pluck.bass": 33,
    "pluck.guitar.electric": 27,
    "pluck.guitar.acoustic": 25,
    "pluck.guitar": 24,
    "strings.contrabass": 43,
}
_VOICE = 52
_LOW_TOM = 45


@dataclass(frozen=True, slots=True)
class Player:
    """What a part list says of one part.

    Attributes
    ----------
    name : str
    program : int
        General MIDI program, 0 to 127.
    is_drums, sung : bool
    drum_keys : mapping of str to int
        Instrument identity -> General MIDI drum key.
    """

    name: str
    program: int
    is_drums: bool
    sung: bool
    drum_keys: Mapping[str, int] = field(default_factory=dict)

    def drum_key(self, note: etree._Element, steps_up: int) -> int | None:
        """Return the drum key that a note of a drum part strikes, if it strikes one.

        Parameters
        ----------
        note : element
        steps_up : int
            Steps from where the note is written to where a treble clef would have it.
        """
        instrument = note.find("instrument")
        if instrument is not None and instrument.get("id", "") in self.drum_keys:
            return self.drum_keys[instrument.get("id", "")]
        step = note.findtext("unpitched/display-step", "").strip()
        octave = number_in(note, "unpitched/display-octave")
        if step and step in "CDEFGAB" and octave is not None:
            place = staff_place(step, int(octave)) + steps_up
            return drum_key_at(place, note.findtext("notehead", "").strip())
        # a percussion staff of one line needs no place: the middle of the staff
        return None if note.find("unpitched") is None else _LOW_TOM


def sound_name(program: int) -> str:
    """Return the standard sound of MusicXML for a General MIDI program; empty for most."""
    return next((sound for sound, own in _SOUNDS.items() if own == program), "")


def player(tree: PartTree) -> Player:
    """Return who plays a part: what its entry says, and what its notes show."""
    entry = tree.entry if tree.entry is not None else etree.Element("score-part")
    name = " ".join((entry.findtext("part-name") or "").split())
    if not name:
        name = " ".join((entry.findtext("score-instrument/instrument-name") or "").split())
    midi = {each.get("id", ""): each for each in entry.iterfind("midi-instrument")}
    drum_keys = {}
    for identity, instrument in midi.items():
        number = number_in(instrument, "midi-unpitched")
        if number is not None and 1 <= number <= 128:
            drum_keys[identity] = int(number) - 1
    sung = any(
        (text.text or "").strip()
        for each in tree.measures
        for text in each.iterfind("note/lyric/text")
    )
    return Player(
        name, _program(entry, tree, sung), _is_drums(tree, midi, drum_keys), sung, drum_keys
    )


def _is_drums(
    tree: PartTree, midi: Mapping[str, etree._Element], drum_keys: Mapping[str, int]
) -> bool:
    pitched = sum(len(measure.findall("note/pitch")) for measure in tree.measures)
    unpitched = sum(len(measure.findall("note/unpitched")) for measure in tree.measures)
    channels = {number_in(each, "midi-channel") for each in midi.values()}
    if 10 in channels and pitched and not drum_keys:
        # programs that number the channels by part give the tenth one, say a cello, channel 10
        signs = {sign.text for each in tree.measures for sign in each.iter("sign")}
        return unpitched > pitched or "percussion" in signs
    return unpitched > pitched or 10 in channels


def _program(entry: etree._Element, tree: PartTree, sung: bool) -> int:
    """Return the program of the first instrument that plays."""
    played = (note for each in tree.measures for note in each.iterfind("note/instrument"))
    first = next((note.get("id", "") for note in played), None)
    instruments = entry.findall("midi-instrument")
    instruments.sort(key=lambda each: each.get("id") != first)
    for instrument in instruments:
        number = number_in(instrument, "midi-program")
        if number is not None and 1 <= number <= 128:
            return int(number) - 1
    sounds = entry.findall("score-instrument")
    sounds.sort(key=lambda each: each.get("id") != first)
    for sound in (each.findtext("instrument-sound") for each in sounds):
        if sound:
            return next((_SOUNDS[start] for start in _SOUNDS if sound.startswith(start)), 0)
    return _VOICE if sung else 0
