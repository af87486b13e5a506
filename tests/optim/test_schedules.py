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
def test_all_that_fall_end_at_zero(run: tuple[int, int]) -> None:
    steps, warmup = run
    for name in ("linear", "cosine", "stable"):
        assert factor(name, steps, steps, warmup) == pytest.approx(0.0, abs=1e-15)
        assert factor(name, steps + 7, steps, warmup) == pytest.approx(0.0, abs=1e-15)


def test_known_values() -> None:
    assert [factor("linear", step, 10, 4) for step in range(11)] == pytest.approx(
        [0.25, 0.5, 0.75, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0]
    )
    assert factor("cosine", 60, 110, 10) == pytest.approx(0.5)  # halfway
    assert factor("cosine", 35, 110, 10) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert {factor("constant", step, 10, 3) for step in range(3, 12)} == {1.0}


def test_stable_stays_then_falls_over_the_last_updates() -> None:
    found = [factor("stable", step, 20, 4, decay=0.25) for step in range(22)]
    rise, fall = [0.25, 0.5, 0.75, 1.0], [1.0, 0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
    assert found == pytest.approx(rise + [1.0] * 11 + fall)
    found = [factor("stable", step, 10, 0) for step in range(7, 11)]
    assert found == pytest.approx([1.0, 1.0, 0.5, 0.0])


@given(run=runs, done=st.floats(0.0, 1.0), decay=st.floats(0.01, 1.0))
def test_stable_falls_in_what_warm_up_leaves(
    run: tuple[int, int], done: float, decay: float
) -> None:
    steps, warmup = run
    step = warmup + round(done * (steps - warmup))
    expected = min(1.0, (steps - step) / min(decay * steps, steps - warmup))
    assert factor("stable", step, steps, warmup, decay) == pytest.approx(expected, abs=1e-12)


@given(run=runs, done=st.floats(0.0, 1.0))
def test_stable_that_decays_all_the_time_is_linear(run: tuple[int, int], done: float) -> None:
    steps, warmup = run
    step = round(done * steps)
    found = factor("stable", step, steps, warmup, decay=1.0)
    assert found == pytest.approx(factor("linear", step, steps, warmup))


@pytest.mark.parametrize("length", [400, 1000])
def test_stable_runs_of_other_lengths_begin_alike(length: int) -> None:
    for step in range(int(0.8 * length)):
        assert factor("stable", step, length, 10) == factor("stable", step, 5000, 10)


@pytest.mark.parametrize("decay", [0.0, -0.1, 1.5])
def test_a_decay_that_is_no_share_is_refused(decay: float) -> None:
    with pytest.raises(ConfigError, match=r"decaying rate is in \(0, 1\]; got"):
        factor("stable", 0, 10, 0, decay)


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
