"""Scores of a classifier, from gold and predicted labels.

Axes: gold, predicted (both run over the label set, in its order).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev

import numpy as np
from jaxtyping import Int64

from wenlu.errors import ConfigError, DataError, closest


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is found; a ratio without a denominator is 0."""

    precision: float
    """Of the texts given this label, the share that deserved it."""
    recall: float
    """Of the texts that deserve this label, the share that got it."""
    f1: float
    """Harmonic mean of the two."""
    support: int
    """How many texts deserve this label."""


def accuracy(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """Share of texts whose predicted label is the gold one."""
    _check_pairs(gold, predicted)
    return sum(map(str.__eq__, gold, predicted)) / len(gold)


def confusion_matrix(
    gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]
) -> Int64[np.ndarray, "gold predicted"]:
    """How often a text of one class (row) was given the label of another (column).

    Args:
        gold: the true label of each text.
        predicted: the label that each text was given.
        labels: the label set; its order is the order of rows and columns.
    """
    _check_pairs(gold, predicted)
    place = {label: index for index, label in enumerate(labels)}
    if len(place) < len(labels):
        twice = sorted({label for label in labels if list(labels).count(label) > 1})
        raise ConfigError(f"a label set needs different labels; {', '.join(twice)} came twice")
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    rows = [_place(place, label, "gold", at) for at, label in enumerate(gold, 1)]
    columns = [_place(place, label, "predicted", at) for at, label in enumerate(predicted, 1)]
    np.add.at(matrix, (rows, columns), 1)
    return matrix


def per_class(confusion: Int64[np.ndarray, "gold predicted"]) -> list[ClassScore]:
    """Precision, recall, F1 and support of every class, in the order of the matrix."""
    hits = confusion.diagonal().tolist()
    supports, guesses = confusion.sum(1).tolist(), confusion.sum(0).tolist()
    return [
        ClassScore(
            precision=hit / guessed if guessed else 0.0,
            recall=hit / support if support else 0.0,
            f1=2 * hit / (support + guessed) if hit else 0.0,
            support=support,
        )
        for hit, support, guessed in zip(hits, supports, guesses, strict=True)
    ]


def macro_f1(gold: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean F1 over the labels that occur in `gold` or in `predicted`.

    A label of the task that occurs in neither is left out of the mean; one that is only ever
    predicted counts with F1 = 0. That is `sklearn.metrics.f1_score(gold, predicted,
    average="macro", zero_division=0)`.
    """
    _check_pairs(gold, predicted)
    labels = sorted({*gold, *predicted})
    return fmean(score.f1 for score in per_class(confusion_matrix(gold, predicted, labels)))


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a share, as (low, high).

    Unlike the textbook p ± z·sqrt(p(1-p)/n), it stays inside [0, 1] and keeps its promise for
    shares near 0 or 1. Source: E. B. Wilson, *Probable Inference, the Law of Succession, and
    Statistical Inference*, JASA 22 (1927).

    Args:
        correct: how many were right.
        total: out of how many.
        confidence: how often such an interval should hold the true share.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"a confidence lies between 0 and 1, e.g. 0.95; got {confidence}")
    if total < 1 or not 0 <= correct <= total:
        raise DataError(
            f"an interval needs 0 <= correct <= total and total >= 1; got {correct} of {total}"
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = correct / total
    centre = share + z * z / (2 * total)
    reach = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = 0.0 if correct == 0 else (centre - reach) / scale
    high = 1.0 if correct == total else (centre + reach) / scale
    return low, high


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (n - 1); the deviation of one value is None."""
    if not values:
        raise DataError("a mean needs at least one value; got none")
    return fmean(values), stdev(values) if len(values) > 1 else None


def _check_pairs(gold: Sequence[str], predicted: Sequence[str]) -> None:
    if len(gold) != len(predicted):
        raise DataError(
            f"every gold label needs one predicted label; got {len(gold)} gold and "
            f"{len(predicted)} predicted"
        )
    if not gold:
        raise DataError("a score needs at least one labelled text; got none")


def _place(places: dict[str, int], label: str, kind: str, at: int) -> int:
    try:
        return places[label]
    except KeyError:
        raise DataError(
            f"{kind} label {label!r} of text {at} is not in the label set; the closest are "
            f"{closest(label, places)}"
        ) from None
