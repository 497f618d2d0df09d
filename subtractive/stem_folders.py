"""Songs whose stems lie side by side on disk: MUSDB18, MoisesDB, Slakh2100, or a folder like them.

Which layout a folder has is seen from what is in it. The sum of a song's stems is the song: a
mixture that lies beside them is not read, for it may be mastered, and then a stem that is taken
out of it leaves a trace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subtractive.arrangement import Part
from subtractive.errors import FileFormatError, OptionError
from subtractive.example import SubtractiveExample, subtract
from subtractive.facts import Facts
from subtractive.instruction import Instruction
from subtractive.instruments import INSTRUMENTS, role
from subtractive.sources import chosen_folder
from subtractive.styles import family_of, synonyms
from subtractive.tunes import split_of
from subtractive.waveform import AudioMix, PlacedStem, Recording, Samples, Stem
from subtractive.words import instruction

SOUND_SUFFIXES = (".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3")
MIXTURES = frozenset({"mixture", "mix", "mixdown", "master", "song", "full mix", "all"})
# what the table of `subtractive.instruments` leaves to a file's channel
_DRUMS = re.compile(
    r"\b(?:drums?|drum ?kit|drum machine|percussion|kick|snare|toms?|hi ?hats?|hats?|cymbals?|"
    r"overheads?|beats?)\b"
)
# kinds of tracks that are not what their group in MoisesDB is called after
_NOT_SO = re.compile(r"pitched percussion|\btuba\b|\bbassoon\b")
_CLICK = re.compile(r"\b(?:click|metronome)\b")
_SPLIT = re.compile(r"(train|valid|test)(?:ing|ation)?", re.IGNORECASE)

FRAME_SECONDS = 0.1
HEARD_DB = -30.0  # of a stem beside the mix
HEARD_SECONDS = 0.5
SILENT = 1e-3  # root mean square of a mix that is none


@dataclass(frozen=True, slots=True)
class StemFile:
    """One stem on disk; `instrument` is "drums", "bass", "guitar" or "other"."""

    name: str
    instrument: str
    path: Path


@dataclass(frozen=True, slots=True)
class StemSong:
    """A song that can be read as its stems.

    Attributes
    ----------
    name : str
        Its path below the folder of songs.
    style : str
        The genre that the data set tells, or the folders that it lies in; may be empty.
    files : tuple of StemFile
    """

    name: str
    style: str
    files: tuple[StemFile, ...]

    @property
    def split(self) -> str:
        """The split it is in: by a folder "train", "valid" or "test", else by its name's hash."""
        named = (_SPLIT.fullmatch(folder) for folder in Path(self.name).parent.parts)
        return next((each[1].lower() for each in named if each), split_of(self.name))

    @property
    def seconds(self) -> float:
        """How long its longest stem is."""
        lengths = []
        for stem in self.files:
            with _open(stem.path) as file:
                lengths.append(file.frames / file.samplerate)
        return float(max(lengths))

    def mix(self, start_seconds: float = 0.0, stop_seconds: float | None = None) -> AudioMix:
        """Read what sounds between two times, by default all of it.

        Stems that are short end in silence. The mix has the highest of the stems' sample rates, and
        as many channels as the stem with most of them; a stem of one channel sounds in all.

        Raises
        ------
        FileFormatError
            If a stem cannot be read.
        """
        stop = self.seconds if stop_seconds is None else stop_seconds
        read = [_read(file.path, start_seconds, stop) for file in self.files]
        rate = max(each.sample_rate for each in read)
        channels = max(len(each.samples) for each in read)
        samples = round((stop - start_seconds) * rate)
        return AudioMix.of(
            [
                Stem(file.name, file.instrument, _shaped(each.resampled(rate), channels, samples))
                for file, each in zip(self.files, read, strict=True)
            ]
        )


def instrument_of(name: str, kind: str = "") -> str:
    """Return the role of a stem by what its file or group is called.

    Parameters
    ----------
    name : str
        "drums", "bass", "Electric Guitar 2", "other_keys", ...
    kind : str
        A closer word for it, which may refute the name: "pitched percussion" is no drums.
    """
    plain = _plain(name)
    if _NOT_SO.search(_plain(kind)):
        return "other"
    return role(Part(plain, 0, is_drums=bool(_DRUMS.search(plain)), notes=()))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def songs(folder: Path) -> Iterator[StemSong]:
    """Yield the songs below a folder, in order of their names.

    Raises
    ------
    OptionError
        If there is no such folder.
    FileFormatError
        If it holds no song, or a song's description is damaged.
    """
    places = list(_song_folders(chosen_folder(folder, "songs with their stems")))
    if not places:
        encoded = next(folder.rglob("*.stem.mp4"), None)
        hint = f"; {encoded.name} is to be unpacked first (musdbconvert)" if encoded else ""
        raise FileFormatError(
            f"{folder} holds no song with stems: a song is a folder with drums.wav, bass.wav and "
            "the like (MUSDB18), with data.json (MoisesDB), or with stems/ and metadata.yaml "
            f"(Slakh2100){hint}"
        )
    for place in places:
        yield _song(folder, place)


def _song(folder: Path, place: Path) -> StemSong:
    """Return the song in the folder `place` below `folder`."""
    name = place.relative_to(folder).as_posix() if place != folder else place.resolve().name
    try:
        if (place / "data.json").is_file():
            style, files = _of_moisesdb(place)
        elif _is_slakh(place):
            style, files = "", _of_slakh(place)
        else:
            parents = Path(name).parent.parts
            style = " ".join(part for part in parents if not _SPLIT.fullmatch(part))
            files = _named_files(place)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{place} is not described as in MoisesDB or Slakh2100 ({error!r}): fetch it again"
        ) from error
    if not files:
        raise FileFormatError(f"{place} names no stems: fetch it again, or move it elsewhere")
    missing = [file.path for file in files if not file.path.is_file()]
    if missing:
        raise FileFormatError(f"the stem {missing[0]} is missing: fetch the song again")
    return StemSong(name, style, tuple(files))


def _song_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders that are songs, without looking further into them."""
    named = _named_files(folder)
    in_files = len(named) > 1 and any(file.instrument != "other" for file in named)
    if in_files or (folder / "data.json").is_file() or _is_slakh(folder):
        yield folder
        return
    # Slakh2100 keeps songs that it holds twice under "omitted"
    for below in sorted(folder.iterdir()):
        if below.is_dir() and below.name != "omitted" and not below.name.startswith("."):
            yield from _song_folders(below)


def _is_slakh(folder: Path) -> bool:
    # a song of one's own may have a folder of stems as well
    described = any((folder / name).is_file() for name in ("metadata.yaml", "all_src.mid"))
    return described and (folder / "stems").is_dir()


def _named_files(folder: Path) -> list[StemFile]:
    """Return the stems that lie in a folder, by the names of their files."""
    return [
        StemFile(path.stem, instrument_of(path.stem), path)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SOUND_SUFFIXES
        and path.is_file()
        and not path.name.startswith(".")
        and _plain(path.stem) not in MIXTURES
        and not _CLICK.search(_plain(path.stem))
    ]


def _of_moisesdb(place: Path) -> tuple[str, list[StemFile]]:
    """Return genre and stems by data.json: the track T of the stem S lies in S/T.wav."""
    told: Any = json.loads((place / "data.json").read_text(encoding="utf-8"))
    files = [
        StemFile(
            f"{stem['stemName']}/{track['trackType']}",
            instrument_of(stem["stemName"], track["trackType"]),
            place / stem["stemName"] / f"{track['id']}.{track['extension']}",
        )
        for stem in told["stems"]
        for track in stem["tracks"]
        if not _CLICK.search(_plain(track["trackType"]))
    ]
    return str(told.get("genre") or "").replace("_", " "), files


def _of_slakh(place: Path) -> list[StemFile]:
    """Return the stems by metadata.yaml: its stem S00 lies in stems/S00.flac."""
    try:
        import yaml  # type: ignore[import-untyped]  # noqa: PLC0415  # for Slakh2100 alone
    except ImportError as error:
        raise OptionError("Slakh2100 is described in YAML: pip install pyyaml") from error
    try:
        told: Any = yaml.safe_load((place / "metadata.yaml").read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError("metadata.yaml is no YAML") from error
    return [
        StemFile(
            f"{key} {stem['inst_class']}",
            role(Part(stem["inst_class"], stem["program_num"], stem["is_drum"], ())),
            # the data set's own tools turn FLAC into WAV
            next((place / "stems").glob(f"{key}.*"), place / "stems" / f"{key}.flac"),
        )
        for key, stem in sorted(told["stems"].items())
        if stem.get("audio_rendered", True)
    ]


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a stem for reading, its errors in the user's words."""
    import soundfile  # noqa: PLC0415  # half a second, which reading descriptions shall not take

    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except soundfile.LibsndfileError as error:
        raise FileFormatError(
            f"the stem {path} cannot be read ({error}): fetch the song again"
        ) from error


def _read(path: Path, start_seconds: float, stop_seconds: float) -> Recording:
    """Read what a file holds between two times, which may be nothing."""
    with _open(path) as file:
        rate = file.samplerate
        start, stop = (
            min(round(seconds * rate), file.frames) for seconds in (start_seconds, stop_seconds)
        )
        file.seek(start)
        found = file.read(stop - start, dtype="float32", always_2d=True)
    if len(found) < stop - start or not np.isfinite(found).all():
        raise FileFormatError(f"the stem {path} is damaged: fetch the song again")
    return Recording(np.ascontiguousarray(found.T), rate)


def _shaped(recording: Recording, channels: int, samples: int) -> Recording:
    """Return a recording with more channels, if it has one, and of that length."""
    found = recording.samples[:, :samples]
    if len(found) == 1:
        found = np.repeat(found, channels, axis=0)
    missing = (channels - len(found), samples - found.shape[1])
    return Recording(np.pad(found, [(0, each) for each in missing]), recording.sample_rate)


def is_heard(stem: Samples, mix: Samples, sample_rate: int) -> bool:
    """Whether a stem sounds: in half a second at least it is no quieter than -30 dB of the mix.

    Parameters
    ----------
    stem, mix : array [shape=(channel, sample)]
    sample_rate : int
    """
    frame = round(FRAME_SECONDS * sample_rate)

    def powers(samples: Samples) -> Samples:
        whole = samples[:, : samples.shape[1] // frame * frame]
        return np.asarray(np.square(whole.reshape(len(whole), -1, frame)).mean(axis=(0, 2)))

    stems, mixes = powers(stem), powers(mix)
    heard = (stems >= 10 ** (HEARD_DB / 10) * mixes) & (stems > SILENT**2)
    return bool(np.count_nonzero(heard) >= HEARD_SECONDS / FRAME_SECONDS)


def lessons(
    mix: AudioMix, style: str, rng: np.random.Generator
) -> Iterator[SubtractiveExample[AudioMix, PlacedStem]]:
    """Yield what a mix teaches: itself without each instrument that is heard beside others.

    Parameters
    ----------
    mix : AudioMix
        Some seconds of a song.
    style : str
        Words for the song's style; those of no known style are not said.
    rng : numpy.random.Generator
        For the words of the instructions. They name instrument and style alone: what a stem plays
        is not known without its notes.
    """
    sound = mix.sound.samples
    family = family_of(style)
    for name in INSTRUMENTS:
        context, taken = mix.split(name)
        target = mix.with_stems(tuple(placed.stem for placed in taken))
        if all(is_heard(part.sound.samples, sound, mix.sample_rate) for part in (context, target)):
            unknown = Facts(name, 0, 0.0, 0.0, 0.0, 0.0)
            words = instruction(name, unknown, synonyms(family, style), rng)
            yield subtract(mix, Instruction(name, words=words))


def examples(
    found: Iterable[StemSong], seconds: float, rng: np.random.Generator
) -> Iterator[SubtractiveExample[AudioMix, PlacedStem]]:
    """Yield the lessons of some songs, window after window, one window in memory at a time.

    Parameters
    ----------
    found : iterable of StemSong
        Such as those of `songs` whose `split` is "train".
    seconds : float
        Length of a window; what is left at a song's end is not used.
    rng : numpy.random.Generator
    """
    for song in found:
        for window in range(int(song.seconds / seconds)):
            mix = song.mix(window * seconds, (window + 1) * seconds)
            yield from lessons(mix, song.style, rng)
