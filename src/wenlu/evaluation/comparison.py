"""Is one model better than another, or is the difference chance? Both answer the same examples.

Axes: n examples, c counts of each.
"""

from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.sparse import csr_array, hstack

from wenlu.errors import ConfigError, DataError
from wenlu.evaluation.counting import FORMULAS, Counted
from wenlu.evaluation.records import Record, record
from wenlu.evaluation.resampling import bootstrap_values
from wenlu.evaluation.run_files import RunFiles, read_run


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two scores of the same examples."""

    first: float
    second: float
    low: float
    high: float
    """Interval of `difference`, from the paired bootstrap."""
    p_value: float
    """How often chance alone gives a difference as large as this one, or a larger one."""
    test: str
    """What gave the p-value: "McNemar" (exact, for shares) or "bootstrap"."""

    @property
    def difference(self) -> float:
        return self.second - self.first


def compare(first: Counted, second: Counted, *, confidence: float = 0.95) -> Comparison:
    """Compare two scores of the same examples, in the same order.

    The interval is the percentile interval of the difference over examples that are drawn with
    replacement, the same for both. The p-value of shares is McNemar's exact one: of the examples
    that only one of the models has right, each has them right equally often by chance. That of
    other scores is twice the share of resamples in which the difference changes its sign.

    Sources: Q. McNemar, Psychometrika 12 (1947); B. Efron and R. Tibshirani, *An Introduction to
    the Bootstrap* (1993), chapter 15.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"a confidence lies between 0 and 1, e.g. 0.95; got {confidence}")
    if first.formula != second.formula or first.counts.shape != second.counts.shape:
        raise DataError(
            "two scores can be compared if they are the same score of the same examples; got "
            f"{first.formula} with counts {first.counts.shape} and "
            f"{second.formula} with counts {second.counts.shape}"
        )
    columns = first.counts.shape[1]

    def difference(sums: Float64[np.ndarray, "r c"]) -> Float64[np.ndarray, " r"]:
        return first.of(sums[:, columns:]) - first.of(sums[:, :columns])

    drawn = bootstrap_values(_beside(first.counts, second.counts), difference)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    if first.share and second.share:
        one, other = first.counts[:, 0], second.counts[:, 0]
        test, p_value = "McNemar", mcnemar(int((one > other).sum()), int((other > one).sum()))
    else:
        smaller = min((drawn <= 0).sum(), (drawn >= 0).sum())
        # The data itself counts as one more resample, so that no p-value is 0.
        test, p_value = "bootstrap", min(1.0, 2 * float(smaller + 1) / (len(drawn) + 1))
    return Comparison(first.value, second.value, low, high, p_value, test)


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test.

    Args:
        only_first: how many examples only the first model has right.
        only_second: how many only the second has right.
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(comb(total, k) for k in range(fewer + 1)) / 2**total)


def compare_runs(first: Path, second: Path, *, confidence: float = 0.95) -> Comparison:
    """Compare two run folders by their main metric, on the same dev set.

    Raises:
        RunError: one of them is no run folder.
        DataError: they have other examples or another metric, or do not keep counts.
    """
    ours, theirs = _counts_by_id(read_run(first)), _counts_by_id(read_run(second))
    if ours[0] != theirs[0] or ours[1].keys() != theirs[1].keys():
        raise DataError(f"{first} and {second} differ in their dev set or their main metric")
    formula, rows = ours
    pairs = [(row, theirs[1][id_]) for id_, row in rows.items()]
    if len({len(row) for pair in pairs for row in pair}) > 1:
        raise DataError(f"{first} and {second} differ in their labels, so counts do not match")
    one, other = (Counted(formula, np.array(side, np.float64)) for side in zip(*pairs, strict=True))
    return compare(one, other, confidence=confidence)


def _counts_by_id(run: RunFiles) -> tuple[str, dict[str, list[float]]]:
    """The formula of the main metric, and the counts of each dev example."""
    counted: Record = record(run.result.get("counted"))
    formula, rows = str(counted.get("formula")), run.counts
    if formula not in FORMULAS or not rows:
        raise DataError(
            "the run has no counts of each example; finish it, or train again", file=run.folder
        )
    return f"{formula}", rows


def _beside(one: np.ndarray | csr_array, other: np.ndarray | csr_array) -> np.ndarray | csr_array:
    if isinstance(one, csr_array) or isinstance(other, csr_array):
        return csr_array(hstack([csr_array(one), csr_array(other)]))
    return np.concatenate([one, other], 1)
