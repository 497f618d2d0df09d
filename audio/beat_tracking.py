"""Beats and bars of a recording: a network hears them frame by frame, a search lays the grid.

The search is dynamic programming over beats and the time from beat to beat, an explicit-duration
form of the bar pointer (Whiteley, Cemgil & Godsill, "Bayesian modelling of temporal structure in
musical audio", 2006). A grid's score is the log-likelihood that the network gives to marks on its
beats, a bell over the logarithm of its tempo, and what changes of tempo cost. Beats go on through
rests, and the bar is the one that explains the downbeats best all through.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from audio.beat_network import BeatNetwork, features
from audio.beats import BeatGrid
from audio.mel import FFT, FRAMES_PER_SECOND, HOP, RATE, log_mel
from subtractive.claims import families_named
from subtractive.errors import MusicError, OptionError
from subtractive.waveform import Recording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WEIGHTS = Path(__file__).with_name("weights") / "beats.safetensors"
LEAST_SECONDS = 4.0
SILENCE = 1e-4  # of full scale
PIECE_FRAMES = 4096  # of a long recording at once

FINER = 2  # steps of the search in a frame
STEPS_PER_SECOND = FRAMES_PER_SECOND * FINER
SLOWEST, FASTEST = 55.0, 220.0  # beats a minute


class Search(NamedTuple):
    """What the search weighs: set by hand.

    On rendered songs that no table holds, thresholds from -3 to -1.5 and a bell three times as
    heavy moved the mean F-measure of beats by 0.01.

    Attributes
    ----------
    trust : float
        In the network, whose neighbouring frames repeat each other.
    threshold : float
        Log-odds at which a beat more neither gains nor loses.
    best_tempo : float
        Beats a minute.
    octaves : float
        Standard deviation of the tempo's bell.
    bell : float
        How many beats of evidence it counts as.
    pull : float
        Standard deviation of the change of tempo from beat to beat, as a share.
    leap : float
        What a change of tempo costs at most.
    four : float
        Log-odds of four beats to a bar against three, before the music is heard.
    """

    trust: float = 0.4
    threshold: float = -1.5
    best_tempo: float = 112.0
    octaves: float = 0.45
    bell: float = 1.0
    pull: float = 0.02
    leap: float = 12.0
    four: float = 3.0


SEARCH = Search()


@lru_cache(maxsize=1)
def shipped() -> BeatNetwork:
    """Return the network that comes with the package."""
    return BeatNetwork.load(WEIGHTS)


def tracked(recording: Recording, tempo_bpm: float | None = None, words: str = "") -> BeatGrid:
    """Return the beats of a recording: see `audio.beats.track_beats`."""
    if recording.seconds < LEAST_SECONDS:
        raise MusicError(
            f"the recording lasts {recording.seconds:.1f} s: beats are heard in {LEAST_SECONDS:g} "
            "s or more; give a longer one, or its beats"
        )
    if tempo_bpm is not None and not SLOWEST / 2 <= tempo_bpm <= FASTEST * 2:
        raise OptionError(
            f"{tempo_bpm:g} beats a minute is no tempo that one counts in: give {SLOWEST / 2:g} to "
            f"{FASTEST * 2:g}"
        )
    sound = recording.resampled(RATE).mono()
    if float(np.abs(sound).max()) < SILENCE:
        raise MusicError("the recording is silent: nothing in it has beats; give another one")
    return grid_of(log_odds(sound, shipped(), families_named(words)), tempo_bpm)


def log_odds(
    sound: npt.NDArray[np.float32], network: BeatNetwork, families: Collection[str] = ()
) -> Floats:
    """Return the network's log-odds of a beat and of a downbeat in each frame.

    Parameters
    ----------
    sound : array [shape=(sample,)]
        At `audio.mel.RATE`.
    network : BeatNetwork
    families : collection of str
        Families of styles that the music is in, or that is known of none.

    Returns
    -------
    array [shape=(2, frame)]
    """
    samples = torch.from_numpy(np.ascontiguousarray(sound))
    frames, edge = 1 + len(sound) // HOP, FFT // HOP
    pieces = []
    for first in range(0, frames, PIECE_FRAMES):
        before = min(first, edge)
        stop = (min(first + PIECE_FRAMES, frames) + edge) * HOP
        piece = log_mel(samples[(first - before) * HOP : stop])
        pieces.append(piece[:, before : before + min(PIECE_FRAMES, frames - first)])
    heard, style = features(torch.cat(pieces, dim=1))[None], network.config.marked(families)[None]
    with torch.inference_mode():
        found: Floats = network(heard, style)[0].double().numpy()
    return found


def grid_of(odds: Floats, tempo_bpm: float | None = None, search: Search = SEARCH) -> BeatGrid:
    """Return the grid that explains the network's log-odds best.

    Parameters
    ----------
    odds : array [shape=(2, frame)]
        As `log_odds` returns them.
    tempo_bpm : float, optional
        Beats a minute, where they are known.
    search : Search
    """
    steps = np.arange((odds.shape[1] - 1) * FINER + 1) / FINER
    fine = np.stack([np.interp(steps, np.arange(odds.shape[1]), row) for row in odds])
    marks = _likelihood(fine[0] - search.threshold) * search.trust
    intervals = _intervals(tempo_bpm)
    tempo = STEPS_PER_SECOND * 60 / intervals
    bell = -0.5 * (np.log2(tempo / search.best_tempo) / search.octaves) ** 2
    beats = _chain(marks, intervals, bell * (search.bell if tempo_bpm is None else 0), search)
    times = _smooth(beats, fine[0]) / STEPS_PER_SECOND
    downbeat, beats_per_bar = _bars(beats, fine, search)
    return BeatGrid(tuple(times.tolist()), downbeat, beats_per_bar)


def _likelihood(odds: Floats) -> Floats:
    """Return by how much a mark on each step makes the network's answer likelier.

    The mark is a bell, as in training, so it is the log-odds under the bell.
    """
    reach = np.arange(-6 * FINER, 6 * FINER + 1) / STEPS_PER_SECOND
    bell = np.exp(-0.5 * (reach / 0.02) ** 2)
    padded = np.pad(odds, len(reach) // 2, mode="edge")
    return np.convolve(padded, bell / bell.sum(), mode="valid")


def _intervals(tempo_bpm: float | None) -> Ints:
    """Return the steps from beat to beat that are tried."""
    slowest, fastest = (SLOWEST, FASTEST) if tempo_bpm is None else (tempo_bpm, tempo_bpm)
    shortest = int(np.floor(STEPS_PER_SECOND * 60 / fastest))
    longest = int(np.ceil(STEPS_PER_SECOND * 60 / slowest))
    return np.arange(shortest, longest + 1)


def _chain(marks: Floats, intervals: Ints, bell: Floats, search: Search) -> Ints:
    """Return the steps of the best chain of beats.

    `best[t, i]` is the score of the best chain whose last beat is on step t and that goes on by
    interval i; as no interval is shorter than the first, so many steps can be found at once.
    """
    total, count, block = len(marks), len(intervals), int(intervals[0])
    change = np.log(intervals[:, None] / intervals[None, :])
    cost = np.minimum(0.5 * (change / search.pull) ** 2, search.leap)  # [from, to]
    best = np.full((total, count), -np.inf)
    before = np.zeros((total, count), dtype=np.int16)  # interval by which the last beat came
    for first in range(0, total, block):
        steps = np.arange(first, min(first + block, total))
        origin = steps[:, None] - intervals[None, :]
        arrived = np.where(
            origin >= 0, best[np.maximum(origin, 0), np.arange(count)], bell[None, :]
        )
        arrived = arrived + marks[steps, None]
        chains = arrived[:, :, None] - cost[None]
        before[steps] = chains.argmax(axis=1)
        best[steps] = chains.max(axis=1)
    # the last beat is one after which the next would be beyond the end
    step = np.arange(total)[:, None]
    ends = np.where(step + intervals[None, :] >= total, best, -np.inf)
    place, interval = np.unravel_index(int(np.argmax(ends)), ends.shape)
    chain = [int(place)]
    while True:
        interval = before[chain[-1], interval]
        if chain[-1] < intervals[interval]:
            return np.array(chain[::-1])
        chain.append(chain[-1] - int(intervals[interval]))


def _smooth(beats: Ints, odds: Floats) -> Floats:
    """Return beats between the steps: on a line through the network's peaks nearby.

    Peaks count by how sure they are, and by a bell over beats.
    """
    reach = np.arange(-4, 5)
    near = np.clip(beats[:, None] + reach, 0, len(odds) - 1)
    chance = 1 / (1 + np.exp(-odds[near]))
    peaks = (near * chance**2).sum(axis=1) / (chance**2).sum(axis=1)
    sure = chance.max(axis=1) + 0.02
    index = np.arange(len(beats))
    smooth = np.empty(len(beats))
    for here in index:
        weight = sure * np.exp(-0.5 * ((index - here) / 3.0) ** 2)
        _, level = np.polyfit(index - here, peaks, 1, w=np.sqrt(weight))
        smooth[here] = level
    return smooth


def _bars(beats: Ints, odds: Floats, search: Search) -> tuple[int, int]:
    """Return the first beat that begins a bar, and how many beats a bar has."""
    near = np.clip(beats[:, None] + np.arange(-3, 4), 0, odds.shape[1] - 1)
    beat, down = (1 / (1 + np.exp(-row[near].max(axis=1))) for row in odds)
    share = np.clip(down / np.maximum(beat, down), 0.02, 0.98)
    gain = np.log(share / (1 - share))
    scores = {
        (phase, length): gain[phase::length].sum() + (search.four if length == 4 else 0.0)
        for length in (3, 4)
        for phase in range(min(length, len(beats)))
    }
    return max(scores, key=lambda bar: scores[bar])
