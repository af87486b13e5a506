import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wenlu.errors import ConfigError
from wenlu.nn import Dropout, dropout

MILLION = 1_000_000


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 1 / 65_536, 0.37])
def test_as_many_are_dropped_as_the_rate_says(rate: float) -> None:
    exact = round(rate * 65_536) / 65_536
    dropped = int((dropout(torch.ones(MILLION), rate) == 0).sum())
    deviation = (MILLION * exact * (1 - exact)) ** 0.5
    assert abs(dropped - MILLION * exact) < 4 * deviation


def test_neighbours_are_dropped_independently() -> None:
    """Four elements share one random number: none of the 16 patterns may be favoured."""
    kept = (dropout(torch.ones(4 * MILLION // 4), 0.3) != 0).view(-1, 4)
    pattern = kept.long() @ torch.tensor([1, 2, 4, 8])
    found = torch.bincount(pattern, minlength=16).double()
    exact = round(0.3 * 65_536) / 65_536
    ones = torch.tensor([bin(number).count("1") for number in range(16)])
    expected = len(kept) * (1 - exact) ** ones.double() * exact ** (4 - ones.double())
    statistic = float(((found - expected).square() / expected).sum())
    assert statistic < 44.3  # chi-square, 15 degrees of freedom, one in ten thousand
    for step in (1, 2, 4, 1000):
        both = float((kept.flatten()[step:] & kept.flatten()[:-step]).double().mean())
        assert both == pytest.approx((1 - exact) ** 2, abs=2.5e-3)


@settings(deadline=None)
@given(
    rate=st.floats(0.0, 0.999_99, exclude_max=True),
    shape=st.lists(st.integers(0, 7), max_size=3),
    kind=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    seed=st.integers(0, 2**32),
)
def test_what_is_kept_is_scaled_by_exactly_what_was_dropped(
    rate: float, shape: list[int], kind: torch.dtype, seed: int
) -> None:
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=kind) + 3.0
    y = dropout(x, rate)
    assert (y.dtype, y.shape) == (x.dtype, x.shape)
    scale = 65_536 / (65_536 - round(rate * 65_536))
    kept = y != 0
    assert torch.equal(y[kept], x[kept] * scale)


def test_the_gradient_has_the_same_mask() -> None:
    x = torch.ones(1000, dtype=torch.float64, requires_grad=True)
    y = dropout(x, 0.4)
    weights = torch.randn(1000, dtype=torch.float64)
    (y * weights).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, weights * y.detach())


def test_a_seed_decides_what_is_dropped() -> None:
    first, second, third = (_drawn(seed) for seed in (7, 7, 8))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def _drawn(seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return dropout(torch.ones(100), 0.5)


def test_successive_calls_differ() -> None:
    assert not torch.equal(dropout(torch.ones(100), 0.5), dropout(torch.ones(100), 0.5))


def test_rate_zero_and_evaluation_change_nothing() -> None:
    x = torch.randn(100)
    assert dropout(x, 0.0) is x
    module = Dropout(0.5)
    assert module.eval()(x) is x
    assert (module.train()(x) == 0).any()
    assert "rate=0.5" in repr(module)


def test_a_rate_next_to_one_still_keeps_some_expectation() -> None:
    y = dropout(torch.ones(MILLION), 1 - 1e-9)
    assert set(y.unique().tolist()) <= {0.0, 65_536.0}


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ConfigError, match=r"dropout must be in \[0, 1\); got"):
        Dropout(rate)
