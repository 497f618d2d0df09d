r"""Which style family a part is in, told from its notes alone; and how well that can be told.

    python -m benchmarks.style train --corpus corpus-mma/ --corpus corpus-drums/ \
        --out benchmarks/style/classifier.safetensors --seed 0
    python -m benchmarks.style test --corpus corpus-mma/ --corpus corpus-drums/ --json

A multinomial logistic regression for each instrument over `benchmarks.style.features`, learned from
the training split of corpora. Every family weighs the same, and within a family every groove file
(or drummer), so that neither rock nor a file of many grooves drowns the others.

What it reaches on true parts is the ceiling for parts that a writer was asked to write in a style.
It is reported three times. `unseen_files`: the valid split, whose groove files and drummers were
not learned from; these are few (12 to 18), one or two to a family, so chance speaks loudly.
`folds_of_files`: the training split in five folds by file, several times as many files, each told
by a classifier that never heard it. `known_files`: one song in five of the files that are learned
from, left out of learning: what a writer can reach that plays the grooves it was taught.

Features z = (x - mean) / spread, bounded by 4, 0 where a fact makes no sense; probabilities are
softmax(z W + b). W and b minimise the weighted cross-entropy + 0.01 |W|^2 (L-BFGS). This, and the
spread of the histograms, were chosen by cross-validation over the training split's groove files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from benchmarks.style.features import FACTS, Features, part_features
from benchmarks.style.model import SHIPPED, Array, Regression, StyleClassifier, load, standardised
from subtractive.errors import MusicError
from subtractive.files.output import write_whole
from subtractive.instruments import INSTRUMENTS
from subtractive.styles import FAMILIES

FAMILY_NAMES = tuple(family.name for family in FAMILIES)
MOST_PER_FILE = 120  # excerpts of one groove file or drummer in one family
LEAST_NOTES = 8
_PENALTY = 0.01
_HISTOGRAM_SPREAD = 1.0
FOLDS = 5


class Sample(NamedTuple):
    """One true part: features, family, groove file or drummer, and the song it comes from."""

    features: Features
    family: str
    file: str
    song: str

    @property
    def is_held(self) -> bool:
        """Whether its song, one in five, is left out of learning."""
        return crc32(self.song.encode()) % FOLDS == 0


def samples(
    corpora: Iterable[Path], split: str, rng: np.random.Generator, most: int
) -> dict[str, list[Sample]]:
    """Return true parts of a split by instrument, at most so many of one file in one family.

    Excerpts of no known family are passed over.
    """
    # pyarrow: whoever only loads the classifier does without it
    from subtractive.dataset import from_row, rows  # noqa: PLC0415
    from subtractive.excerpts import main_notes  # noqa: PLC0415

    found: dict[str, list[Sample]] = {name: [] for name in INSTRUMENTS}
    for corpus in corpora:
        labels = [(r["group"], r["style"]) for r in rows(corpus, split, ["group", "style"])]
        chosen = set(_chosen(labels, rng, most))
        every = enumerate(rows(corpus, split))
        progress = Console(stderr=True)
        for place, row in track(every, f"{corpus.name}:{split}", len(labels), console=progress):
            if place not in chosen:
                continue
            music = from_row(row).music
            lines = np.array(music.barlines, dtype=np.int64)
            for name in INSTRUMENTS:
                notes = main_notes(music, name)
                if len(notes) >= LEAST_NOTES:
                    features = part_features(notes, lines, music.ticks_per_beat, name)
                    found[name].append(Sample(features, row["style"], row["group"], row["song"]))
    return found


def _chosen(
    labels: Sequence[tuple[str, str]], rng: np.random.Generator, most: int
) -> Iterator[int]:
    """Yield the places of at most so many of each label; none of the family without a name."""
    order = rng.permutation(len(labels)).tolist()
    count: Counter[tuple[str, str]] = Counter()
    for place in order:
        count[labels[place]] += 1
        if labels[place][1] and count[labels[place]] <= most:
            yield place


def fit(parts: Sequence[Sample], families: Sequence[str]) -> Regression:
    """Learn the regression of one instrument.

    Raises
    ------
    ValueError
        If there is no part.
    """
    # torch: whoever only loads the classifier does without it
    import torch  # noqa: PLC0415

    if not parts:
        raise ValueError("no part to learn from: name corpora that hold some")
    features = np.stack([part.features for part in parts])
    mean, spread = _standard(features)
    of_file = Counter((part.family, part.file) for part in parts)
    files = Counter(family for family, _ in of_file)
    weights = [1 / (of_file[part.family, part.file] * files[part.family]) for part in parts]
    given = torch.from_numpy(standardised(features, mean, spread))
    family = torch.tensor([list(families).index(part.family) for part in parts])
    share = torch.tensor(weights, dtype=torch.float32) / sum(weights)
    weight = torch.zeros(features.shape[1], len(families), requires_grad=True)
    bias = torch.zeros(len(families), requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=150, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        entropy = torch.nn.functional.cross_entropy(given @ weight + bias, family, reduction="none")
        value = (entropy * share).sum() + _PENALTY * (weight**2).sum()
        value.backward()  # type: ignore[no-untyped-call]  # torch types it so
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # torch types it so
    learned = np.isin(list(families), [part.family for part in parts])
    biases = np.where(learned, bias.detach().numpy(), -np.inf).astype(np.float32)
    return Regression(mean, spread, weight.detach().numpy(), biases)


def _standard(features: Features) -> tuple[Features, Features]:
    """Return mean and spread of each feature; facts that never make sense have 0 and 1."""
    known = ~np.isnan(features)
    count = np.maximum(known.sum(axis=0), 1)
    values = np.where(known, features, 0.0)
    mean = values.sum(axis=0) / count
    spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count)
    # histograms are shares already: a step that is hardly ever struck must not count as much
    spread[: -len(FACTS)] = _HISTOGRAM_SPREAD
    return mean.astype(np.float32), np.where(spread > 1e-6, spread, 1.0).astype(np.float32)


def report_of(found: Array, parts: Sequence[Sample], families: Sequence[str]) -> dict[str, Any]:
    """Return how well true parts are told apart.

    Parameters
    ----------
    found : array of float [shape=(part, family)]
        The probabilities that were found.
    parts : sequence of Sample
        What they truly are.
    families : sequence of str

    Returns
    -------
    dict
        `parts`, `files`; `accuracy`: share of parts whose likeliest family is theirs; `recall` by
        family, every file alike (null where there is no part); `balanced`, its mean; `area`: how
        often a part of a family has a higher probability of it than one of another family, mean
        over families (area under the curve, 0.5 by chance); `files_of` each family; `confusion`,
        from true to told family, in parts.
    """
    told = found.argmax(axis=1)
    true = np.array([list(families).index(part.family) for part in parts], dtype=np.int64)
    by_file: dict[tuple[str, str], list[bool]] = {}
    for part, right in zip(parts, (told == true).tolist(), strict=True):
        by_file.setdefault((part.family, part.file), []).append(right)
    recalls: dict[str, list[float]] = {name: [] for name in families}
    for (family, _), rights in sorted(by_file.items()):
        recalls[family].append(sum(rights) / len(rights))
    recall = {name: _rounded_mean(values) for name, values in recalls.items()}
    areas = [_area(found[:, place], true == place) for place in sorted(set(true.tolist()))]
    confusion: dict[str, dict[str, int]] = {}
    for (one, other), count in sorted(
        Counter(zip(true.tolist(), told.tolist(), strict=True)).items()
    ):
        confusion.setdefault(families[one], {})[families[other]] = count
    return {
        "parts": len(parts),
        "files": len(by_file),
        "accuracy": _rounded_mean((told == true).tolist()),
        "balanced": _rounded_mean([value for value in recall.values() if value is not None]),
        "area": _rounded_mean([area for area in areas if area is not None]),
        "recall": recall,
        "files_of": {name: len(values) for name, values in recalls.items()},
        "confusion": confusion,
    }


def _rounded_mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _area(score: Array, positive: npt.NDArray[np.bool_]) -> float | None:
    """Return how often a positive scores above a negative, ties half; None without either."""
    ups, downs = np.sort(score[positive]), np.sort(score[~positive])
    if not len(ups) or not len(downs):
        return None
    below, at_most = (np.searchsorted(downs, ups, side=side).mean() for side in ("left", "right"))
    return float((below + at_most) / (2 * len(downs)))


def tell(regression: Regression, parts: Sequence[Sample]) -> Array:
    """Return the probabilities that a regression finds [shape=(part, family)]."""
    if not parts:
        return np.zeros((0, len(regression.bias)))
    return regression.probabilities(np.stack([part.features for part in parts]))


def cross_validated(parts: Sequence[Sample], families: Sequence[str]) -> Array:
    """Return what is found of each part by a regression that never heard its file."""
    files = sorted({part.file for part in parts}, key=lambda name: crc32(name.encode()))
    fold = {file: place % FOLDS for place, file in enumerate(files)}
    found = np.zeros((len(parts), len(families)))
    for number in range(FOLDS):
        held = np.array([fold[part.file] == number for part in parts])
        learned = [part for part, out in zip(parts, held, strict=True) if not out]
        if held.any() and learned:
            out_parts = [part for part, out in zip(parts, held, strict=True) if out]
            found[held] = tell(fit(learned, families), out_parts)
    return found


def train(corpora: Sequence[Path], seed: int, most: int = MOST_PER_FILE) -> StyleClassifier:
    """Learn from the training split; report on it (see `main`) and on the valid split."""
    every = samples(corpora, "train", np.random.default_rng(seed), most)
    unseen = samples(corpora, "valid", np.random.default_rng(seed), most)
    regressions, report = {}, {}
    for name, parts in every.items():
        learned = [part for part in parts if not part.is_held]
        if not learned:
            continue
        regressions[name] = fit(learned, FAMILY_NAMES)
        known = [part for part in parts if part.is_held]
        report[name] = {
            "unseen_files": report_of(
                tell(regressions[name], unseen[name]), unseen[name], FAMILY_NAMES
            ),
            "folds_of_files": report_of(
                cross_validated(learned, FAMILY_NAMES), learned, FAMILY_NAMES
            ),
            "known_files": report_of(tell(regressions[name], known), known, FAMILY_NAMES),
        }
    return StyleClassifier(FAMILY_NAMES, regressions, report)


def test(
    regressions: dict[str, Regression], corpora: Sequence[Path], seed: int, most: int
) -> dict[str, Any]:
    """Return the report on the valid split by instrument."""
    unseen = samples(corpora, "valid", np.random.default_rng(seed), most)
    return {
        name: {"unseen_files": report_of(tell(each, unseen[name]), unseen[name], FAMILY_NAMES)}
        for name, each in regressions.items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Train or test; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.style",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("action", choices=("train", "test"))
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the file to write, or to test")
    parser.add_argument("--seed", type=int, default=0, help="which excerpts are drawn")
    parser.add_argument("--most", type=int, default=MOST_PER_FILE, help="excerpts of a groove file")
    parser.add_argument("--json", action="store_true", help="machine-readable last line")
    options = parser.parse_args(argv)
    try:
        if options.action == "train":
            classifier = train(options.corpus, options.seed, options.most)
            write_whole(options.out, classifier.to_bytes())
            report = classifier.report
        else:
            held = load(options.out).regressions
            report = test(held, options.corpus, options.seed, options.most)
    except MusicError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report) if options.json else json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
