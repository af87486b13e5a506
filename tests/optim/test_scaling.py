import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter

from wenlu.errors import ConfigError
from wenlu.optim import LR_SCALES, AccumulatingSGD, lr_scale

from .drive import drive


@given(accumulate=st.integers(1, 10_000))
def test_the_rules(accumulate: int) -> None:
    assert lr_scale("none", accumulate) == 1.0
    assert lr_scale("sqrt", accumulate) == pytest.approx(math.sqrt(accumulate))
    assert lr_scale("linear", accumulate) == accumulate


@pytest.mark.parametrize("rule", LR_SCALES)
def test_without_accumulation_nothing_is_scaled(rule: str) -> None:
    assert lr_scale(rule, 1) == 1.0


def test_linear_keeps_what_sgd_moves_per_sample() -> None:
    ends = []
    for accumulate in (1, 4):
        weight = Parameter(torch.zeros(1, dtype=torch.float64))
        rate = 0.1 * lr_scale("linear", accumulate)
        optimizer = AccumulatingSGD([weight], lr=rate, momentum=0.0, accumulate=accumulate)
        drive(optimizer, [weight], [[torch.ones_like(weight)]] * 8)
        ends.append(weight.item())
    assert ends == pytest.approx([-0.8, -0.8])


def test_an_unknown_rule_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match="no rule 'squirt' to scale the learning rate; there are"):
        lr_scale("squirt", 2)
