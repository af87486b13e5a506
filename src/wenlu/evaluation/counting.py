"""A score, and what each example adds to it: intervals and comparisons are computed from this.

Axes: n examples, c counts of each, r sets of examples, of which the counts are summed.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from jaxtyping import Float64
from scipy.sparse import csr_array

from wenlu.errors import DataError
from wenlu.evaluation.metrics import wilson_interval
from wenlu.evaluation.resampling import Score, bootstrap_interval

Sums = Float64[np.ndarray, "r c"]
Values = Float64[np.ndarray, " r"]


@dataclass(frozen=True, slots=True)
class Counted:
    """A score of a set of examples.

    Args:
        formula: a name from `FORMULAS`, which makes the score from the sums of the counts.
        counts: what each example adds to these sums; sparse where most counts are 0.
    """

    formula: str
    counts: Float64[np.ndarray, "n c"] | csr_array

    @property
    def value(self) -> float:
        """The score of all the examples."""
        if isinstance(self.counts, csr_array):
            sums = np.asarray(self.counts.sum(0))
        else:
            # One after the other, as the benchmarks' scripts add: the same to the last digit.
            sums = np.add.accumulate(self.counts, 0)[-1] if len(self.counts) else _nothing(self)
        return float(self.of(sums[None])[0])

    @property
    def of(self) -> Score:
        """From sums of the counts to scores."""
        return FORMULAS[self.formula]

    @property
    def share(self) -> tuple[int, int] | None:
        """How many examples are right, and of how many; None if the score is no such share."""
        counts = self.counts
        if self.formula != "ratio" or isinstance(counts, csr_array) or not len(counts):
            return None
        if not np.isin(counts[:, 0], (0, 1)).all() or (counts[:, 1] != 1).any():
            return None
        return int(counts[:, 0].sum()), len(counts)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson's interval of a share of the examples, the bootstrap's of any other score."""
        if self.share is not None:
            return wilson_interval(*self.share, confidence)
        return bootstrap_interval(self.counts, self.of, confidence=confidence)


def values(scores: Mapping[str, Counted]) -> dict[str, float]:
    """The scores alone."""
    return {name: score.value for name, score in scores.items()}


def mean_score(worths: Sequence[float]) -> Counted:
    """The mean of what the examples are worth, such as the share of right ones."""
    if not worths:
        raise DataError("a score needs at least one labelled example; got none")
    return Counted("ratio", np.array([[worth, 1.0] for worth in worths], np.float64))


def piece_scores(
    gold: Sequence[Collection[Hashable]], predicted: Sequence[Collection[Hashable]]
) -> dict[str, Counted]:
    """F1, precision and recall over the pieces of all texts; in a text each piece counts once."""
    pairs = zip(map(set, gold), map(set, predicted), strict=True)
    rows = [(len(wanted & said), len(wanted), len(said)) for wanted, said in pairs]
    return three_scores(np.array(rows, np.float64).reshape(-1, 3))


def three_scores(counts: Float64[np.ndarray, "n 3"]) -> dict[str, Counted]:
    """F1, precision and recall.

    Args:
        counts: of each text what was found, how much is there, how much was predicted.
    """
    return {
        "f1": Counted("f1", counts),
        "precision": Counted("ratio", counts[:, [0, 2]]),
        "recall": Counted("ratio", counts[:, [0, 1]]),
    }


def macro_f1_score(
    gold: Sequence[Collection[tuple[str, Hashable]]],
    predicted: Sequence[Collection[tuple[str, Hashable]]],
    labels: Sequence[str] | None = None,
) -> Counted:
    """The mean of the F1 of each label; the pieces of a text are given as (label, piece).

    Args:
        gold: the pieces of each text, each of which counts once.
        predicted: those that were predicted.
        labels: those to average over. By default, all that occur (in each set of examples).
    """
    met = {label for pieces in (*gold, *predicted) for label, _ in pieces}
    place = {label: 3 * at for at, label in enumerate(labels or sorted(met))}
    cells = [
        (row, place[label] + column)
        for row, (wanted, said) in enumerate(zip(map(set, gold), map(set, predicted), strict=True))
        for column, pieces in enumerate((wanted & said, wanted, said))
        for label, _ in pieces
        if label in place
    ]
    rows, columns = np.array(cells, np.int64).reshape(-1, 2).T
    shape = len(gold), 3 * len(place)
    counts = csr_array((np.ones(len(cells)), (rows, columns)), shape=shape)
    return Counted("macro_f1_of_seen" if labels is None else "macro_f1", counts)


def _nothing(score: Counted) -> Float64[np.ndarray, " c"]:
    return np.zeros(score.counts.shape[1])


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """A ratio, 0 where nothing stands below."""
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def _ratio(sums: Sums) -> Values:
    return _over(sums[:, 0], sums[:, 1])


def _f1(sums: Sums) -> Values:
    return _over(2 * sums[:, 0], sums[:, 2] + sums[:, 1])


def _label_f1(sums: Sums) -> Float64[np.ndarray, "r labels"]:
    return _f1(sums.reshape(-1, 3)).reshape(len(sums), -1)


def _macro_f1(sums: Sums) -> Values:
    return _label_f1(sums).mean(1)


def _macro_f1_of_seen(sums: Sums) -> Values:
    seen = (sums.reshape(-1, 3) > 0).any(1).reshape(len(sums), -1)
    rows = zip(_label_f1(sums), seen.tolist(), strict=True)
    return np.array([fmean(row[of].tolist()) if any(of) else 0.0 for row, of in rows])


def _f1_of_ratios(sums: Sums) -> Values:
    precision, recall = _over(sums[:, 0], sums[:, 1]), _over(sums[:, 2], sums[:, 3])
    return _over(2 * precision * recall, precision + recall)


FORMULAS: dict[str, Score] = {
    "ratio": _ratio,
    "f1": _f1,
    "macro_f1": _macro_f1,
    "macro_f1_of_seen": _macro_f1_of_seen,
    "f1_of_ratios": _f1_of_ratios,
}
"""How a score is made of sums.

- ratio: worth, number
- f1: found, gold, predicted
- macro_f1: as f1, for each label; the mean over all labels
- macro_f1_of_seen: the mean over the labels that are in gold or predicted
- f1_of_ratios: right, predicted, recalled, gold; precision and recall count different things
"""
