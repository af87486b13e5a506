"""The interval of a score that is no share of items, such as F1: how far chance could move it.

Axes: n examples, c counts of each, r resamples.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.sparse import csr_array

from wenlu.errors import ConfigError, DataError

Score = Callable[[Float64[np.ndarray, "r c"]], Float64[np.ndarray, " r"]]
"""From sums of the counts over examples to the score."""

_CHUNK = 50
"""Resamples that are drawn at once: memory stays bounded."""


def bootstrap_interval(
    counts: Float64[np.ndarray, "n c"] | csr_array,
    score: Score,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> tuple[float, float]:
    """Percentile interval over examples drawn with replacement, as (low, high).

    The same counts give the same interval. Source: B. Efron, *Bootstrap Methods: Another Look at
    the Jackknife*, Annals of Statistics 7 (1979).

    Args:
        counts: what each example adds to the sums that the score is made of.
        score: the score of such sums.
        confidence: how often such an interval should hold the score on endless examples.
        resamples: how many sets of n examples are drawn.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"a confidence lies between 0 and 1, e.g. 0.95; got {confidence}")
    found = bootstrap_values(counts, score, resamples=resamples)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def bootstrap_values(
    counts: Float64[np.ndarray, "n c"] | csr_array, score: Score, *, resamples: int = 1000
) -> Float64[np.ndarray, " r"]:
    """The score of each of many sets of n examples, drawn with replacement from the n."""
    n = counts.shape[0]
    if not n:
        raise DataError("an interval needs at least one example; got none")
    chance = np.random.default_rng(0)
    found = []
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        drawn = chance.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)  # (r n)
        found.append(score(np.asarray(times @ counts, np.float64)))
    return np.concatenate(found)
