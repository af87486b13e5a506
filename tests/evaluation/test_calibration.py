import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import ConfigError, DataError
from wenlu.evaluation import calibration_error, reliability_bins, selective_accuracy

answers = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80).map(
    lambda rows: (np.array([c for c, _ in rows]), np.array([r for _, r in rows]))
)


@given(answers, st.integers(1, 20))
def test_bins_hold_every_text_once(both: tuple[np.ndarray, np.ndarray], count: int) -> None:
    confidence, correct = both
    bins = reliability_bins(confidence, correct, count)
    assert sum(each.count for each in bins) == len(confidence)
    assert sum(each.correct for each in bins) == correct.sum()
    assert 0 <= calibration_error(bins) <= 1 + 1e-12
    for each in bins:
        if each.count:
            assert each.low - 1e-9 <= each.confidence <= each.high + 1e-9


def test_calibration_error_of_one_bin_is_the_gap() -> None:
    bins = reliability_bins(
        np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, False, False]), 1
    )
    assert calibration_error(bins) == pytest.approx(0.75 - 0.25)


def test_a_confidence_on_the_edge_belongs_to_the_bin_below() -> None:
    bins = reliability_bins(np.array([0.0, 0.5, 1.0]), np.array([True, True, True]), 2)
    assert [each.count for each in bins] == [2, 1]


@given(answers)
def test_selective_accuracy_by_enumeration(both: tuple[np.ndarray, np.ndarray]) -> None:
    confidence, correct = both
    reached = selective_accuracy(confidence, correct)
    assert reached[-1] == pytest.approx(correct.mean())
    for k, value in enumerate(reached):
        limit = np.sort(confidence)[::-1][k]
        assert value == pytest.approx(correct[confidence >= limit].mean())


def test_messages() -> None:
    with pytest.raises(ConfigError, match="got 0"):
        reliability_bins(np.array([0.5]), np.array([True]), 0)
    with pytest.raises(DataError, match="got none"):
        reliability_bins(np.array([]), np.array([], dtype=bool))
    with pytest.raises(DataError, match="from 0 to 1"):
        reliability_bins(np.array([1.5]), np.array([True]))
