"""The measures of one MusicXML part as they are written, in exact fractions of a quarter note."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias, TypeVar

from lxml import etree

from subtractive.arrangement import ChordSymbol, KeySignature, Metre, Tempo
from subtractive.chord_symbols import is_no_chord, no_chord, pitch_class
from subtractive.errors import FileFormatError
from subtractive.files.musicxml_chords import read_harmony
from subtractive.files.musicxml_directions import (
    MF,
    barline_marks,
    direction_marks,
    dynamics_of,
    key_of,
    metre_of,
    tempo_of,
    velocity_of,
)
from subtractive.files.musicxml_players import Player, player
from subtractive.files.musicxml_repeats import RepeatMarks
from subtractive.files.musicxml_tree import PartTree, number, number_in
from subtractive.notation.paper import WrittenNote

_LONGEST_BAR = 1000  # quarter notes
_C_MAJOR = KeySignature(0, 0)

EventT = TypeVar("EventT", Tempo, Metre, KeySignature, ChordSymbol)
At: TypeAlias = tuple[tuple[Fraction, EventT], ...]  # offset in the measure; tick 0 in the event


@dataclass(frozen=True, slots=True)
class WrittenMeasure:
    """One part's measure; `length` is what is written there, in quarter notes."""

    length: Fraction
    notes: tuple[WrittenNote, ...]
    tempos: At[Tempo]
    metres: At[Metre]
    keys: At[KeySignature]
    chords: At[ChordSymbol]


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """One part: who plays, the measures, and what they say about the order of playing."""

    player: Player
    measures: tuple[WrittenMeasure, ...]
    marks: dict[int, RepeatMarks]


def read_part(tree: PartTree) -> WrittenPart:
    """Read the measures of one part.

    Grace notes, cue notes, and slashes (which mark a rhythm and no pitch) are left out.

    Raises
    ------
    FileFormatError
        If a number in a measure is none.
    """
    reader = _Reader(player(tree))
    measures = []
    for place, (element, printed) in enumerate(zip(tree.measures, tree.numbers, strict=True)):
        try:
            measures.append(reader.measure(place, element))
        except FileFormatError as error:
            bar = printed or place + 1
            raise FileFormatError(f"bar {bar} of part {reader.player.name!r}: {error}") from error
    return WrittenPart(reader.player, tuple(measures), reader.marks)


@dataclass(slots=True)
class _Bar:
    """What has been read of a measure so far."""

    place: int
    cursor: Fraction = Fraction(0)
    onset: Fraction = Fraction(0)  # of the last note, for those in a chord with it
    length: Fraction = Fraction(0)
    notes: list[WrittenNote] = field(default_factory=list)
    dynamics: list[tuple[Fraction, int]] = field(default_factory=list)
    signs: list[tuple[Fraction, RepeatMarks]] = field(default_factory=list)
    tempos: dict[Fraction, Tempo] = field(default_factory=dict)
    metres: dict[Fraction, Metre] = field(default_factory=dict)
    keys: dict[Fraction, KeySignature] = field(default_factory=dict)
    chords: dict[Fraction, ChordSymbol] = field(default_factory=dict)
    waiting: list[tuple[Fraction, ChordSymbol]] = field(default_factory=list)


class _Reader:
    """What is in force while the measures of one part are read one after the other."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.bar = _Bar(0)
        self.marks: dict[int, RepeatMarks] = {}
        self.divisions = Fraction(1)
        self.semitones: dict[str, int] = {}  # staff ("" for all) -> from written to sounding
        self.written_key: KeySignature | None = None
        self.steps_up = 0  # from where the clef puts a note to where a treble clef would
        self.bar_beats = Fraction(4)
        self.velocity = MF

    def measure(self, place: int, element: etree._Element) -> WrittenMeasure:
        self.bar = bar = _Bar(place)
        for child in element:
            self._element(child)
        self._place_chords(self.bar_beats - bar.cursor)
        if bar.length > _LONGEST_BAR:
            raise FileFormatError(
                f"it is longer than {_LONGEST_BAR} quarter notes: correct its <duration>s"
            )
        for onset, marks in bar.signs:
            # a segno or coda at the end of a measure stands over the next one
            at_end = 0 < bar.length <= onset
            self._mark(place + at_end, RepeatMarks(segno=marks.segno, coda=marks.coda))
            self._mark(place, marks._replace(segno="", coda=""))
        notes = self._with_velocities()
        bar.dynamics.sort(key=lambda mark: mark[0])
        self.velocity = bar.dynamics[-1][1] if bar.dynamics else self.velocity
        return WrittenMeasure(
            bar.length,
            notes,
            _in_order(bar.tempos),
            _in_order(bar.metres),
            _in_order(bar.keys),
            _in_order(bar.chords),
        )

    def _element(self, child: etree._Element) -> None:
        match child.tag:
            case "note":
                self._note(child)
            case "backup":
                self._place_chords(self.bar_beats - self.bar.cursor)
                self.bar.cursor = max(Fraction(0), self.bar.cursor - self._beats(child))
            case "forward":
                self._place_chords(self._beats(child))
                self._advance(self._beats(child))
            case "attributes":
                self._attributes(child)
            case "direction":
                self._direction(child)
            case "sound":
                self._sound(child, child)
            case "harmony":
                key, semitones = self.written_key or _C_MAJOR, self._transposition(child)
                if (chord := read_harmony(child, key, semitones)) is not None:
                    self.bar.waiting.append((self._place_of(child), chord))
            case "barline":
                for shift, marks in barline_marks(child):
                    self._mark(self.bar.place + shift, marks)

    def _mark(self, place: int, marks: RepeatMarks) -> None:
        self.marks[place] = self.marks.get(place, RepeatMarks()).merged(marks)

    def _beats(self, element: etree._Element, path: str = "duration") -> Fraction:
        return (number_in(element, path) or Fraction(0)) / self.divisions

    def _advance(self, beats: Fraction) -> None:
        self.bar.cursor += max(Fraction(0), beats)
        self.bar.length = max(self.bar.length, self.bar.cursor)

    def _place_chords(self, beats: Fraction) -> None:
        """Take in the chord symbols before a note of so many beats.

        Several at one place, without offsets, are spread over the note: that is what they mean.
        """
        waiting, self.bar.waiting = self.bar.waiting, []
        spread = len({place for place, _ in waiting}) == 1 and beats > 0
        for count, (place, chord) in enumerate(waiting):
            later = beats * count / len(waiting) if spread else 0
            self.bar.chords[place + later] = chord

    def _place_of(self, element: etree._Element) -> Fraction:
        return max(Fraction(0), self.bar.cursor + self._beats(element, "offset"))

    def _transposition(self, element: etree._Element) -> int:
        staff = element.findtext("staff", "1").strip()
        return self.semitones.get(staff, self.semitones.get("", 0))

    def _attributes(self, attributes: etree._Element) -> None:
        divisions = number_in(attributes, "divisions")
        if divisions is not None:
            if divisions <= 0:
                raise FileFormatError("<divisions> must be above 0: export the score again")
            self.divisions = divisions
        for transpose in attributes.iterfind("transpose"):
            chromatic = number_in(transpose, "chromatic") or 0
            octaves = number_in(transpose, "octave-change") or 0
            staff = transpose.get("number", "")
            if not staff:
                self.semitones.clear()
            self.semitones[staff] = round(chromatic + 12 * octaves)
        for key in attributes.iterfind("key"):
            # of staves in several keys, the first one's counts
            if key.get("number", "1") == "1" and (written := key_of(key)) is not None:
                self.written_key = written
        changed = attributes.find("key") is not None or attributes.find("transpose") is not None
        if changed and self.written_key is not None:
            sounding = _sounding(self.written_key, self._transposition(attributes))
            self.bar.keys[self.bar.cursor] = sounding
        time = attributes.find("time")
        if time is not None and (metre := metre_of(time)) is not None:
            self.bar.metres[self.bar.cursor] = metre
            self.bar_beats = Fraction(4 * metre.numerator, metre.denominator)
        sign = attributes.findtext("clef/sign")
        if sign is not None:
            self.steps_up = 12 if sign.strip() == "F" else 0

    def _direction(self, direction: etree._Element) -> None:
        sound = direction.find("sound")
        self._sound(direction, sound)
        words = direction.iterfind("direction-type/words")
        if any(is_no_chord(each.text or "") for each in words):
            self.bar.chords.setdefault(self._place_of(direction), no_chord())

    def _sound(self, element: etree._Element, sound: etree._Element | None) -> None:
        """Take in what a direction, or a sound by itself, says about playing."""
        onset = self.bar.cursor
        if sound is not None and sound.find("offset") is not None:
            onset = self._place_of(sound)
        # any other offset moves only what is printed
        elif element.find("offset[@sound='yes']") is not None:
            onset = self._place_of(element)
        if (tempo := tempo_of(element, sound)) is not None:
            self.bar.tempos[onset] = tempo
        if (velocity := dynamics_of(element, sound)) is not None:
            self.bar.dynamics.append((onset, velocity))
        if (marks := direction_marks(element, sound)) != RepeatMarks():
            self.bar.signs.append((onset, marks))

    def _note(self, note: etree._Element) -> None:
        if note.find("grace") is not None:
            return
        beats = self._beats(note)
        if note.find("chord") is None:
            self._place_chords(beats)
            self.bar.onset = self.bar.cursor
            self._advance(beats)
        if beats <= 0 or note.find("rest") is not None or note.find("cue") is not None:
            return
        pitch = self._pitch(note)
        if pitch is None or not 0 <= pitch <= 127:
            return
        share = number(note.get("dynamics"), "dynamics")
        velocity = 0 if share is None else velocity_of(share)
        ties = {tie.get("type") for tie in note.iterfind("tie")} or {
            tied.get("type") for tied in note.iterfind("notations/tied")
        }
        self.bar.notes.append(
            WrittenNote(self.bar.onset, beats, pitch, velocity, "stop" in ties, "start" in ties)
        )

    def _pitch(self, note: etree._Element) -> int | None:
        """Return the sounding pitch or the drum key; None if the note has neither."""
        if self.player.is_drums:
            key = self.player.drum_key(note, self.steps_up)
            if key is not None:
                return key
        pitch = note.find("pitch")
        if pitch is None or (note.findtext("notehead") or "").strip() == "slash":
            return None
        step = pitch.findtext("step", "").strip()
        octave = number_in(pitch, "octave")
        if step not in set("ABCDEFG") or octave is None:
            raise FileFormatError(f"a note has the pitch {step!r}: export the score again")
        alter = number_in(pitch, "alter") or 0
        written = 12 * (int(octave) + 1) + pitch_class(step) + round(alter)
        return written + self._transposition(note)

    def _with_velocities(self) -> tuple[WrittenNote, ...]:
        """Return the notes in order, those without a velocity of their own at the one in force."""
        marks = sorted(self.bar.dynamics, key=lambda mark: mark[0])
        result = []
        for note in sorted(self.bar.notes, key=lambda note: (note.onset, not note.tied_back)):
            passed = [velocity for onset, velocity in marks if onset <= note.onset]
            in_force = passed[-1] if passed else self.velocity
            result.append(note._replace(velocity=note.velocity or in_force))
        return tuple(result)


def _in_order(events: dict[Fraction, EventT]) -> At[EventT]:
    return tuple(sorted(events.items(), key=lambda event: event[0]))


def _sounding(key: KeySignature, semitones: int) -> KeySignature:
    """Return the key that sounds where `key` is written, with at most six accidentals if moved."""
    if semitones % 12 == 0:
        return key
    return key._replace(fifths=(key.fifths + 7 * semitones + 5) % 12 - 5)
