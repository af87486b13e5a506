import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_recall_fscore_support,
)
from sklearn.metrics import confusion_matrix as sklearn_confusion

from wenlu.errors import ConfigError, DataError
from wenlu.evaluation import (
    accuracy,
    confusion_matrix,
    macro_f1,
    mean_and_deviation,
    per_class,
    wilson_interval,
)

LABELS = ["体育", "财经", "科技", "房产", "娱乐"]
pairs = st.lists(
    st.tuples(st.sampled_from(LABELS[:4]), st.sampled_from(LABELS[1:])), min_size=1, max_size=60
).map(lambda rows: tuple(map(list, zip(*rows, strict=True))))


@given(pairs)
def test_scores_agree_with_scikit_learn(both: tuple[list[str], list[str]]) -> None:
    gold, predicted = both
    matrix = confusion_matrix(gold, predicted, LABELS)
    assert accuracy(gold, predicted) == accuracy_score(gold, predicted)
    np.testing.assert_array_equal(matrix, sklearn_confusion(gold, predicted, labels=LABELS))
    theirs = precision_recall_fscore_support(gold, predicted, labels=LABELS, zero_division=0)
    ours = [(s.precision, s.recall, s.f1, s.support) for s in per_class(matrix)]
    np.testing.assert_allclose(np.array(ours).T, np.array(theirs), rtol=1e-15)
    expected = f1_score(gold, predicted, average="macro", zero_division=0)
    assert macro_f1(gold, predicted) == pytest.approx(expected, abs=1e-15)


def test_macro_f1_leaves_out_only_what_occurs_nowhere() -> None:
    assert macro_f1(["a", "a"], ["a", "a"]) == 1
    assert macro_f1(["a", "a"], ["a", "b"]) == pytest.approx((2 / 3 + 0) / 2)


@given(st.integers(1, 400), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_wilson_interval_agrees_with_scipy(total: int, share: float, confidence: float) -> None:
    correct = round(share * total)
    low, high = wilson_interval(correct, total, confidence)
    theirs = binomtest(correct, total).proportion_ci(confidence, method="wilson")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= low <= correct / total <= high <= 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_mean_and_deviation_agree_with_numpy(values: list[float]) -> None:
    mean, deviation = mean_and_deviation(values)
    assert mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9)
    if len(values) == 1:
        assert deviation is None
    else:
        assert deviation is not None
        assert math.isclose(deviation, np.std(values, ddof=1), rel_tol=1e-9, abs_tol=1e-6)


def test_messages_say_what_came() -> None:
    with pytest.raises(DataError, match="got 2 gold and 1 predicted"):
        accuracy(["a", "b"], ["a"])
    with pytest.raises(DataError, match="at least one labelled text"):
        macro_f1([], [])
    with pytest.raises(DataError, match=r"gold label '体玉' of text 2 .* closest are 体育"):
        confusion_matrix(["体育", "体玉"], ["体育", "体育"], LABELS)
    with pytest.raises(DataError, match=r"predicted label 'x' of text 1"):
        confusion_matrix(["体育"], ["x"], LABELS)
    with pytest.raises(ConfigError, match="a came twice"):
        confusion_matrix(["a"], ["a"], ["a", "b", "a"])
    with pytest.raises(ConfigError, match="got 95"):
        wilson_interval(1, 2, 95)
    with pytest.raises(DataError, match="got 3 of 2"):
        wilson_interval(3, 2)
    with pytest.raises(DataError, match="got 0 of 0"):
        wilson_interval(0, 0)
    with pytest.raises(DataError, match="got none"):
        mean_and_deviation([])
