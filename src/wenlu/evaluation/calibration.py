"""Does a classifier know how sure it may be?

Axes: n texts.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from wenlu.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Bin:
    """The texts whose confidence lies in (low, high]; the first bin also holds its low end."""

    low: float
    high: float
    count: int
    correct: int
    confidence: float
    """Mean confidence; 0 for an empty bin."""

    @property
    def accuracy(self) -> float:
        """Share of right answers; 0 for an empty bin."""
        return self.correct / self.count if self.count else 0.0


def reliability_bins(
    confidence: Float64[np.ndarray, " n"], correct: Bool[np.ndarray, " n"], bins: int = 10
) -> list[Bin]:
    """Group the texts by confidence into bins of equal width.

    Args:
        confidence: probability of the predicted label, in [0, 1].
        correct: whether that label was right.
        bins: how many bins.
    """
    if bins < 1:
        raise ConfigError(f"calibration needs one bin or more; got {bins}")
    if not len(confidence):
        raise DataError("calibration needs at least one labelled text; got none")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise DataError("a confidence is a probability, from 0 to 1; got one outside")
    home = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)  # (n)
    count = np.bincount(home, minlength=bins)
    right = np.bincount(home, weights=correct, minlength=bins).astype(int)
    mean = np.bincount(home, weights=confidence, minlength=bins) / np.maximum(count, 1)
    return [
        Bin(k / bins, (k + 1) / bins, int(count[k]), int(right[k]), float(mean[k]))
        for k in range(bins)
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error: mean |accuracy - confidence| of the bins, weighted by size.

    Source: Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017.
    """
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.accuracy - each.confidence) for each in bins) / total


def selective_accuracy(
    confidence: Float64[np.ndarray, " n"], correct: Bool[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """Accuracy on the k surest texts, for k = 1..n; equally sure texts count as one group."""
    order = np.argsort(-confidence, kind="stable")
    sure = confidence[order]
    reached = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)  # (n)
    ends = np.searchsorted(-sure, -sure, side="right") - 1  # last place of each group
    return reached[ends]
