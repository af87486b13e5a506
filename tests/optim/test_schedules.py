import math

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from wenlu.errors import ConfigError
from wenlu.optim import SCHEDULES, factor

runs = st.integers(1, 200).flatmap(
    lambda steps: st.tuples(st.just(steps), st.integers(0, steps - 1))
)


@given(run=runs, name=st.sampled_from(list(SCHEDULES)))
def test_it_rises_to_one_and_never_rises_again(run: tuple[int, int], name: str) -> None:
    steps, warmup = run
    factors = [factor(name, step, steps, warmup) for step in range(steps)]
    assert all(0.0 < value <= 1.0 for value in factors)
    rise, rest = factors[:warmup], factors[warmup:]
    assert rise == [(step + 1) / warmup for step in range(warmup)]
    assert rest[0] == 1.0
    assert rest == sorted(rest, reverse=True)


@given(run=runs)
def test_linear_and_cosine_end_at_zero(run: tuple[int, int]) -> None:
    steps, warmup = run
    for name in ("linear", "cosine"):
        assert factor(name, steps, steps, warmup) == pytest.approx(0.0, abs=1e-15)
        assert factor(name, steps + 7, steps, warmup) == pytest.approx(0.0, abs=1e-15)


def test_known_values() -> None:
    assert [factor("linear", step, 10, 4) for step in range(11)] == pytest.approx(
        [0.25, 0.5, 0.75, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0]
    )
    assert factor("cosine", 60, 110, 10) == pytest.approx(0.5)  # halfway
    assert factor("cosine", 35, 110, 10) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert {factor("constant", step, 10, 3) for step in range(3, 12)} == {1.0}


@pytest.mark.parametrize(("steps", "warmup"), [(20, 0), (20, 5), (7, 6), (1, 0)])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_transformers_agrees_after_warmup_and_is_one_update_later_within(
    name: str, steps: int, warmup: int
) -> None:
    """Its first update has rate 0 and so is lost; ours begins at 1/warmup."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    make = getattr(transformers, f"get_{name}_schedule_with_warmup")
    schedule = make(optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    theirs = []
    for _ in range(steps):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    ours = [factor(name, step, steps, warmup) for step in range(steps)]
    assert ours[warmup:] == pytest.approx(theirs[warmup:])
    assert ours[:warmup] == pytest.approx(theirs[1 : warmup + 1])
    assert not warmup or theirs[0] == 0.0


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match="no learning-rate schedule 'cosin'; there are cosine"):
        factor("cosin", 0, 10, 0)
