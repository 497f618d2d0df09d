"""The question: do many recordings, taken together, sound like the true ones.

Two sets of embeddings (see `musicnn`) are compared as clouds of points, so no single clip has a
score. Fréchet distances of different embeddings, or of different numbers of windows, can't be
compared: the distance is biased upward, and the fewer the windows the more.

- `frechet_distance`: of two normal distributions fitted to the clouds (Dowson & Landau 1982; Heusel
  et al. 2017; in audio Kilgour et al. 2019).
- `frechet_infinity`: the same, extrapolated to endless windows (Chong & Forsyth 2020; Gui et al.
  2024).
- `kernel_distance`: unbiased, so it can be read at a hundred windows, and may fall below 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FEWEST = 2  # windows that have a covariance
FEWEST_TO_EXTRAPOLATE = 100
UNBIASED_FROM = 1000  # windows of 200 numbers, from which on the bias is small beside differences
_SIZES = 10
_NEGLIGIBLE = 1e-9


def validate(one: Array, other: Array, fewest: int = FEWEST) -> None:
    """Check that two sets of embeddings can be compared.

    Raises
    ------
    ValueError
        If they aren't of shape (window, dimension) with one number of dimensions, hold too few
        windows, or a number that is not finite.
    """
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1]:
        raise ValueError(
            f"embeddings have shape (window, dimension) with as many dimensions in both sets, "
            f"not {one.shape} and {other.shape}"
        )
    if min(len(one), len(other)) < fewest:
        raise ValueError(
            f"{min(len(one), len(other))} windows are too few, it takes {fewest}: take more clips"
        )
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("embeddings hold numbers that are not finite")


def gaussian_distance(mean: Array, covariance: Array, mean_2: Array, covariance_2: Array) -> float:
    """Return the squared Fréchet (2-Wasserstein) distance of two normal distributions.

    |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^(1/2) S2 S1^(1/2))^(1/2)). The matrix under the last
    root is symmetric, so its eigenvalues give the trace, also where S1 or S2 is singular; the
    square root of the product S1 S2, which others take, has none that can be trusted there.

    Parameters
    ----------
    mean, mean_2 : arrays [shape=(dimension,)]
    covariance, covariance_2 : arrays [shape=(dimension, dimension)]
        Symmetric, no eigenvalue below 0.

    Returns
    -------
    float
        0 or more.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = root @ covariance_2 @ root
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh((inner + inner.T) / 2), 0)).sum()
    total = float(np.trace(covariance) + np.trace(covariance_2))
    distance = float((mean - mean_2) @ (mean - mean_2)) + total - 2 * float(shared)
    # what rounding leaves of a distance of 0
    return distance if distance > _NEGLIGIBLE * total else 0.0


def frechet_distance(one: Array, other: Array) -> float:
    """Return the squared Fréchet distance of two sets of embeddings.

    Parameters
    ----------
    one, other : arrays [shape=(window, dimension)]
        Two windows at least; with n windows the distance is too high by about c / n.

    Returns
    -------
    float
        0 or more.

    Raises
    ------
    ValueError
        See `validate`.
    """
    validate(one, other)
    covariances = [np.atleast_2d(np.cov(each, rowvar=False)) for each in (one, other)]
    return gaussian_distance(one.mean(axis=0), covariances[0], other.mean(axis=0), covariances[1])


def frechet_infinity(one: Array, other: Array, rng: np.random.Generator) -> float:
    """Return the Fréchet distance that endless windows would have, by a line over 1 / windows.

    The distance is taken of random windows of `one`, ten sizes from half to all of them, against
    all of `other`; the line through the distances over 1 / size is read at 0.

    Parameters
    ----------
    one, other : arrays [shape=(window, dimension)]
        100 windows at least.
    rng : numpy.random.Generator

    Returns
    -------
    float
        May fall a little below 0.

    Raises
    ------
    ValueError
        See `validate`.
    """
    validate(one, other, FEWEST_TO_EXTRAPOLATE)
    sizes = np.linspace(len(one) // 2, len(one), _SIZES).astype(np.int64)
    drawn = [one[rng.permutation(len(one))[:size]] for size in sizes]
    distances = [frechet_distance(some, other) for some in drawn]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def kernel_distance(one: Array, other: Array) -> float:
    """Return the squared maximum mean discrepancy with the kernel (x . y / d + 1)^3.

    Unbiased (Gretton et al. 2012, equation 3), with the kernel of Binkowski et al. 2018; in audio
    Chung et al. 2025. Two sets of one distribution have 0 on average, at any number of windows.

    Parameters
    ----------
    one, other : arrays [shape=(window, dimension)]

    Returns
    -------
    float
        May fall below 0.

    Raises
    ------
    ValueError
        See `validate`.
    """
    validate(one, other)

    def kernel(left: Array, right: Array) -> Array:
        return np.asarray((left @ right.T / left.shape[1] + 1) ** 3)

    def within(some: Array) -> float:
        pairs = kernel(some, some)
        count = len(some)
        return float((pairs.sum() - np.trace(pairs)) / (count * (count - 1)))

    return within(one) + within(other) - 2 * float(kernel(one, other).mean())
