"""Which General MIDI sound words ask for, and which SoundFont plays it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from subtractive.claims import families_named
from subtractive.files.sound import SOUNDFONT_VARIABLE, default_soundfont

# The first that is said counts. Kits are numbered as in Roland's GS.
_SOUNDS: dict[str, tuple[tuple[str, int], ...]] = {
    "drums": (
        (r"808|trap", 25),
        (r"electronic|electro|synthetic|drum machine|909|techno|house|edm", 24),
        (r"brush(?:es|ed)?|brushwork", 40),
        (r"jazz(?:y)?|swing(?:ing)?|bebop", 32),
        (r"power(?:ful)?|hard rock|heavy|arena|stadium|aggressive", 16),
        (r"room(?:y)?|live", 8),
        (r"orchestral|symphonic", 48),
    ),
    "bass": (
        (r"upright|acoustic|double bass|contrabass|walking", 32),
        (r"fretless", 35),
        (r"slap(?:ped|ping)?|pop(?:ped|ping)", 36),
        (r"synth(?:etic|esi[sz]er)?|electronic|acid|sub", 38),
        (r"pick(?:ed)?|plectrum", 34),
        (r"finger(?:ed|style)?", 33),
    ),
    "guitar": (
        (r"nylon|classical|spanish|flamenco", 24),
        (r"distort(?:ed|ion)|heavy|metal", 30),
        (r"overdriven|overdrive|crunch(?:y)?|hard rock", 29),
        (r"muted|palm muted|chucking", 28),
        (r"jazz(?:y)?", 26),
        (r"clean|electric", 27),
        (r"acoustic|steel|folk(?:y)?|strummed", 25),
    ),
}
# Styles whose drums are seldom played on the standard kit.
_KIT_OF_FAMILY = {"metal": 16, "rock": 16, "jazz and swing": 32, "disco and dance": 24}
_SOFT_KIT = 0  # soft rock is not played on the loud one

# General MIDI sets that sound better than the small one that comes with pretty_midi, best first,
# where Linux distributions, MuseScore and users put them.
_FOLDERS = (
    "~/.local/share/soundfonts",
    "~/.local/share/sounds/sf2",
    "/usr/local/share/soundfonts",
    "/usr/share/sounds/sf3",
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
)
_SETS = (
    "FluidR3_GM.sf2",
    "MuseScore_General_Full.sf3",
    "MuseScore_General.sf2",
    "GeneralUser*.sf2",
)


def program_named(words: str, instrument: str) -> int | None:
    """Return the General MIDI program, of drums the kit, that words ask for; None: they don't.

    Parameters
    ----------
    words : str
    instrument : {"drums", "bass", "guitar"}
    """
    plain = re.sub(r"[^\w]+", " ", words.lower())
    for pattern, program in _SOUNDS[instrument]:
        if re.search(rf"\b(?:{pattern})\b", plain):
            return program
    if instrument != "drums":
        return None
    kits = [_KIT_OF_FAMILY[name] for name in families_named(words) if name in _KIT_OF_FAMILY]
    if kits and re.search(r"\b(?:soft(?:ly)?|gentle|gently|light)\b", plain):
        return _SOFT_KIT if 32 not in kits else 40
    return max(kits, default=None)


def best_soundfont() -> Path:
    """Return the SoundFont that stems are played with where the user names none.

    It is the one named by the environment variable SUBTRACTIVE_SOUNDFONT, or else a large General
    MIDI set where systems keep them, or the small one of pretty_midi.

    Raises
    ------
    OptionError
        If there is none.
    """
    if not os.environ.get(SOUNDFONT_VARIABLE):
        for name in _SETS:
            for folder in _FOLDERS:
                for found in sorted(Path(folder).expanduser().glob(name)):
                    return found
    return default_soundfont()
