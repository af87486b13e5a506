"""The interval of an F1, where the lines of the run allow to work out that score again.

A benchmark's own F1 may count in its own way. So each way of counting that is known here is
tried, and only one that arrives at the run's score, rounding aside, may say how sure it is.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64

from wenlu.evaluation.predictions import (
    AnswerPrediction,
    AnyPrediction,
    Span,
    SpanPrediction,
    Triple,
    TriplePrediction,
)
from wenlu.evaluation.resampling import Score, bootstrap_interval

Counts = Float64[np.ndarray, "n c"]
Piece = Span | Triple


def resampled_interval(
    metric: str, value: float, predictions: Sequence[AnyPrediction], labels: Sequence[str]
) -> tuple[float, float] | None:
    """95 % interval of a score over the dev examples, or None where it cannot be worked out.

    Args:
        metric: name of the score.
        value: the score that the run states.
        predictions: of the examples with a gold answer.
        labels: the label set.
    """
    for counts, score in _ways(metric, predictions, labels):
        again = float(score(counts.sum(0, keepdims=True))[0])
        if abs(again - value) < 1e-6 or round(again, 4) == value:  # lines may be rounded as well
            return bootstrap_interval(counts, score)
    return None


def _ways(
    metric: str, predictions: Sequence[AnyPrediction], labels: Sequence[str]
) -> Iterator[tuple[Counts, Score]]:
    answers = [each for each in predictions if isinstance(each, AnswerPrediction)]
    if answers and all(metric in each.scores for each in answers):
        yield np.array([[each.scores[metric], 1.0] for each in answers]), _mean
    examples = [each for each in predictions if isinstance(each, SpanPrediction | TriplePrediction)]
    if not examples or "f1" not in metric:
        return
    met = {
        piece.label for each in examples for piece in (*(each.gold or ()), *each.predicted)
    } | set(labels)
    for where in (_by_place, _by_text):
        counts = _counts(examples, sorted(met), where)
        flat = counts.reshape(len(examples), -1, 3).sum(1)
        ways = (_macro_of_all, _macro_of_met) if "macro" in metric else ()
        yield from ((counts, score) for score in ways)
        yield flat, _micro


def _by_place(piece: Piece) -> Hashable:
    return piece.place


def _by_text(piece: Piece) -> Hashable:
    return piece.text if isinstance(piece, Span) else piece.place


def _counts(
    examples: Sequence[SpanPrediction | TriplePrediction],
    labels: Sequence[str],
    where: Callable[[Piece], Hashable],
) -> Counts:
    """Found, gold and predicted pieces of every label in every example."""
    at = {label: 3 * k for k, label in enumerate(labels)}
    counts = np.zeros((len(examples), 3 * len(labels)))
    for row, each in zip(counts, examples, strict=True):
        gold = {(piece.label, where(piece)) for piece in each.gold or ()}
        said = {(piece.label, where(piece)) for piece in each.predicted}
        for column, pieces in enumerate((gold & said, gold, said)):
            for label, _ in pieces:
                row[at[label] + column] += 1
    return counts


def _mean(sums: Counts) -> Float64[np.ndarray, " n"]:
    return sums[:, 0] / sums[:, 1]


def _f1(sums: Float64[np.ndarray, "... 3"]) -> Float64[np.ndarray, "..."]:
    found, gold, predicted = sums[..., 0], sums[..., 1], sums[..., 2]
    return 2 * found / np.maximum(gold + predicted, 1)


def _micro(sums: Counts) -> Float64[np.ndarray, " n"]:
    return _f1(sums)


def _macro_of_all(sums: Counts) -> Float64[np.ndarray, " n"]:
    return _f1(sums.reshape(len(sums), -1, 3)).mean(1)


def _macro_of_met(sums: Counts) -> Float64[np.ndarray, " n"]:
    parts = sums.reshape(len(sums), -1, 3)
    met = parts.any(2)
    return (_f1(parts) * met).sum(1) / np.maximum(met.sum(1), 1)
