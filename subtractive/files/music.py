"""Reading and writing music whatever its format: the first and the last of three lines.

song = read("song.mid")
song = add_part(song, "bass")
write(song, "song.bass.mid")
"""

from __future__ import annotations

from pathlib import Path

from subtractive.arrangement import Arrangement
from subtractive.errors import FileFormatError, OutputError
from subtractive.files.midi import read_midi, write_midi
from subtractive.files.musicxml import read_musicxml
from subtractive.files.output import write_whole

MIDI_SUFFIXES = (".mid", ".midi")


def read(path: str | Path) -> Arrangement:
    """Read a MIDI or MusicXML file; its content, not its name, tells which it is.

    Parameters
    ----------
    path : str or Path
        `.mid`, `.midi`, `.musicxml`, `.xml` or `.mxl`.

    Returns
    -------
    Arrangement
        As it is heard: repeats unfolded.

    Raises
    ------
    FileFormatError
        If the file cannot be opened or is no music that can be read.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileFormatError(
            f"{path} cannot be opened ({error.strerror}): name a MIDI or MusicXML file"
        ) from error
    if content.startswith((b"MThd", b"RIFF")) or path.suffix.lower() in MIDI_SUFFIXES:
        return read_midi(content, path.name)
    if content.startswith(b"PK") or b"<" in content[:200].replace(b"\x00", b""):
        return read_musicxml(content, path.name)
    raise FileFormatError(
        f"{path.name} is neither MIDI nor MusicXML: give a .mid, .musicxml, .xml or .mxl file"
    )


def write(arrangement: Arrangement, path: str | Path) -> None:
    """Write an arrangement as MIDI, whole or not at all.

    What was read from a MIDI file keeps its bytes (see `files.midi`).

    Raises
    ------
    OutputError
        If the name does not end in `.mid` or `.midi`, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in MIDI_SUFFIXES:
        raise OutputError(f"{path.name} cannot be written: the output is MIDI, so end it in .mid")
    write_whole(path, write_midi(arrangement))
