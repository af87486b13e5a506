import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import ConfigError
from wenlu.optim import AVERAGINGS
from wenlu.optim.averaging import MovingAverage, moving_average

betas = st.floats(0.0, 0.9999)
counts = st.integers(1, 32)


def weights(average: MovingAverage, steps: int) -> list[float]:
    """How much of the gradient of each of `steps` micro-steps is in the average after them."""
    found: list[float] = []
    for step in range(steps):
        keep = average.keep(step, step + 1)
        found = [keep * weight for weight in found] + [average.weight]
    return found


@pytest.mark.parametrize(
    ("beta", "k", "each", "group"),
    [
        (0.9, 2, 0.95, 0.9025),
        (0.9, 4, 0.975, 0.90369),
        (0.9, 16, 0.99375, 0.90455),
        (0.999, 4, 0.99975, 0.99900037),
    ],
)
def test_spread_decay_comes_close_to_beta_in_a_group(
    beta: float, k: int, each: float, group: float
) -> None:
    average = moving_average("spread", beta, k)
    assert average.keep(0, 1) == pytest.approx(each, abs=1e-12)
    assert average.weight == pytest.approx(1 - each, abs=1e-12)
    digits = 5e-9 if beta > 0.99 else 5e-6
    assert average.keep(0, k) == pytest.approx(group, abs=digits)


@given(beta=betas, k=counts, groups=st.integers(1, 4), averaging=st.sampled_from(list(AVERAGINGS)))
def test_the_total_is_the_sum_of_the_weights(
    beta: float, k: int, groups: int, averaging: str
) -> None:
    average = moving_average(averaging, beta, k)
    steps = groups * k
    assert average.total(steps) == pytest.approx(sum(weights(average, steps)), abs=1e-9)


@given(beta=betas, k=counts)
def test_once_weighs_a_group_like_one_gradient(beta: float, k: int) -> None:
    found = weights(moving_average("once", beta, k), 3 * k)
    plain = [(1 - beta) / k * beta**age for age in (2, 1, 0) for _ in range(k)]
    assert found == pytest.approx(plain, abs=1e-12)


@given(beta=betas, averaging=st.sampled_from(list(AVERAGINGS)))
def test_groups_of_one_are_all_the_same(beta: float, averaging: str) -> None:
    average, once = moving_average(averaging, beta, 1), moving_average("once", beta, 1)
    assert average.keep(6, 7) == pytest.approx(once.keep(6, 7), abs=1e-12)
    assert average.weight == pytest.approx(once.weight)
    assert average.total(7) == pytest.approx(once.total(7))


@pytest.mark.parametrize("averaging", AVERAGINGS)
def test_micro_steps_can_be_taken_at_once(averaging: str) -> None:
    average = moving_average(averaging, 0.7, 4)
    apart = average.keep(8, 9) * average.keep(9, 10) * average.keep(10, 11)
    assert average.keep(8, 11) == pytest.approx(apart)


def test_an_unknown_averaging_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match="no averaging 'spreads' of gradients; there are spread"):
        moving_average("spreads", 0.9, 4)
