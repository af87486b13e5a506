import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import AdamW

from wenlu.optim import AVERAGINGS, AccumulatingAdam

from .drive import drive, group_means, parameters, random_gradients, state_bytes

WORKED: list[list[Tensor | None]] = [
    [torch.tensor([number], dtype=torch.float64)] for number in (1.0, 3.0, 5.0, 7.0)
]


def scalar() -> Parameter:
    return Parameter(torch.zeros(1, dtype=torch.float64))


def test_worked_numbers() -> None:
    weight = scalar()
    optimizer = AccumulatingAdam(
        [weight], lr=0.1, weight_decay=0.0, accumulate=2, epsilon_inside=True
    )
    found = []
    for row in WORKED:
        drive(optimizer, [weight], [row])
        state = optimizer.state[weight]
        found.append((state["exp_avg"].item(), state["exp_avg_sq"].item(), weight.item()))
    expected = [
        (0.05, 0.0005, 0.0),
        (0.2, 0.005, -0.089442719),
        (0.43, 0.017495, -0.089442719),
        (0.78, 0.041995, -0.179009838),
    ]
    assert found == [pytest.approx(triple, abs=5e-10) for triple in expected]


def test_worked_numbers_of_true_accumulation() -> None:
    weight = scalar()
    optimizer = AccumulatingAdam([weight], lr=0.1, weight_decay=0.0, epsilon_inside=True)
    seen = drive(optimizer, [weight], group_means(WORKED, 2))
    assert [row[0].item() for row in seen] == pytest.approx([-0.1, -0.191778112], abs=5e-10)


@pytest.mark.parametrize("averaging", AVERAGINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_alone_it_is_that_of_torch(averaging: str, dtype: torch.dtype) -> None:
    ours, theirs = parameters(dtype=dtype), parameters(dtype=dtype)
    gradients = random_gradients(30, ours)
    settings: dict[str, Any] = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.1}
    drive(AccumulatingAdam(ours, **settings, averaging=averaging), ours, gradients)
    drive(AdamW(theirs, **settings), theirs, gradients)
    close = 1e-12 if dtype == torch.float64 else 1e-5
    torch.testing.assert_close(ours, theirs, rtol=close, atol=close)


def test_its_defaults_are_those_of_torch() -> None:
    ours, theirs = parameters(), parameters()
    gradients = random_gradients(5, ours)
    drive(AccumulatingAdam(ours), ours, gradients)
    drive(AdamW(theirs), theirs, gradients)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("k", [2, 5])
def test_the_mean_is_exact_and_the_square_is_that_of_micro_batches(k: int) -> None:
    ours, theirs = parameters(), parameters()
    gradients = random_gradients(6 * k, ours)
    first, second = AccumulatingAdam(ours, accumulate=k), AdamW(theirs)
    drive(first, ours, gradients)
    drive(second, theirs, group_means(gradients, k))
    squares = [[g.square() for g in row if g is not None] for row in gradients]
    square = [torch.zeros_like(parameter) for parameter in theirs]
    for row in group_means(squares, k):
        square = [0.999 * v + 0.001 * mean for v, mean in zip(square, row, strict=True)]
    for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        torch.testing.assert_close(first.state[one]["exp_avg"], second.state[other]["exp_avg"])
        torch.testing.assert_close(first.state[one]["exp_avg_sq"], square[index])


@pytest.mark.parametrize(("mean", "k"), [(0.1, 16), (0.0, 4), (1.0, 4), (3.0, 8)])
def test_steps_are_shorter_by_the_noise_that_a_group_averages_out(mean: float, k: int) -> None:
    ours, theirs = parameters((1000,)), parameters((1000,))
    generator = torch.Generator().manual_seed(3)
    first = AccumulatingAdam(ours, weight_decay=0.0, accumulate=k)
    second = AdamW(theirs, weight_decay=0.0)
    ratios = []
    for update in range(120):
        group = mean + torch.randn(k, 1000, generator=generator, dtype=torch.float64)
        before = ours[0].detach().clone(), theirs[0].detach().clone()
        drive(first, ours, [[gradient] for gradient in group])
        drive(second, theirs, [[group.mean(0)]])
        if update >= 60:
            short, full = ours[0].detach() - before[0], theirs[0].detach() - before[1]
            ratios.append(float(full.norm() / short.norm()))
    expected = math.sqrt((mean**2 + 1) / (mean**2 + 1 / k))
    assert sum(ratios) / len(ratios) == pytest.approx(expected, rel=0.02)


def test_the_worked_ratio() -> None:
    """Of the formula that the test above measures: mean 0.1, deviation 1, k = 16."""
    assert pytest.approx(13.93, abs=0.005) == 1.01 / 0.0725
    assert math.sqrt(1.01 / 0.0725) == pytest.approx(3.73, abs=0.005)


@pytest.mark.parametrize("averaging", ["spread", "unchanged"])
def test_with_decay_on_every_step_it_is_that_of_torch_standing_still_between(
    averaging: str,
) -> None:
    k = 4
    ours, theirs = parameters(), parameters()
    gradients = random_gradients(6 * k, ours)
    betas = (0.9, 0.999) if averaging == "unchanged" else (1 - 0.1 / k, 1 - 0.001 / k)
    drive(AccumulatingAdam(ours, lr=0.1, accumulate=k, averaging=averaging), ours, gradients)
    still = AdamW(theirs, lr=0.0, betas=betas)
    for step, row in enumerate(gradients, 1):
        still.param_groups[0]["lr"] = 0.1 if step % k == 0 else 0.0
        drive(still, theirs, [row])
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_where_epsilon_stands_matters_for_tiny_gradients_only() -> None:
    for size, same in ((1.0, True), (1e-5, False)):
        outside, inside = scalar(), scalar()
        gradient = torch.full((1,), size, dtype=torch.float64)
        drive(AccumulatingAdam([outside], lr=0.1), [outside], [[gradient]])
        drive(AccumulatingAdam([inside], lr=0.1, epsilon_inside=True), [inside], [[gradient]])
        assert outside.item() == pytest.approx(-0.1 * size / (size + 1e-8))
        assert inside.item() == pytest.approx(-0.1 * size / math.sqrt(size**2 + 1e-8))
        assert (outside.item() == pytest.approx(inside.item(), rel=1e-6)) == same


def test_no_more_is_kept_than_by_torch() -> None:
    ours, theirs = parameters(dtype=torch.float32), parameters(dtype=torch.float32)
    first, second = AccumulatingAdam(ours, accumulate=4), AdamW(theirs)
    drive(first, ours, random_gradients(6, ours))
    drive(second, theirs, random_gradients(6, theirs))
    assert state_bytes(first) == state_bytes(second)
