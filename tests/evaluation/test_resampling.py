import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import ConfigError, DataError
from wenlu.evaluation import bootstrap_interval, wilson_interval


def share(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def rows(right: int, total: int) -> np.ndarray:
    return np.array([[float(k < right), 1.0] for k in range(total)])


@pytest.mark.parametrize(("right", "total"), [(300, 600), (540, 600), (60, 600)])
def test_of_a_share_it_is_near_wilsons(right: int, total: int) -> None:
    found, known = bootstrap_interval(rows(right, total), share), wilson_interval(right, total)
    assert found == pytest.approx(known, abs=0.01)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_it_holds_what_can_come_and_is_the_same_again(values: list[int]) -> None:
    counts = np.array([[float(value), 1.0] for value in values])
    low, high = bootstrap_interval(counts, share, resamples=60)
    assert min(values) <= low <= high <= max(values)
    assert bootstrap_interval(counts, share, resamples=60) == (low, high)


def test_it_agrees_with_drawing_one_example_after_the_other() -> None:
    chance = np.random.default_rng(5)
    counts = chance.integers(0, 4, size=(120, 2)) + np.array([0.0, 1.0])
    means = sorted(
        share(counts[chance.integers(0, 120, 120)].sum(0, keepdims=True))[0] for _ in range(2000)
    )
    low, high = bootstrap_interval(counts, share)
    assert (low, high) == pytest.approx((means[50], means[1949]), abs=0.02)


def test_bad_arguments() -> None:
    with pytest.raises(ConfigError, match=r"between 0 and 1, e\.g\. 0\.95; got 95"):
        bootstrap_interval(rows(1, 2), share, confidence=95)
    with pytest.raises(DataError, match="needs at least one example"):
        bootstrap_interval(rows(0, 0).reshape(0, 2), share)
