from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.nn import Parameter

from wenlu.optim import AdaFactor

from .drive import (
    drive,
    group_means,
    parameters,
    random_gradients,
    saved_and_restored,
    state_bytes,
    with_gaps,
)

MATRICES = ((6, 4), (4, 5), (3,), (2, 5, 3))


def rms(x: Tensor) -> Tensor:
    return x.square().mean().sqrt()


def by_definition(
    start: Tensor, gradients: list[Tensor], lr: float, beta: float, clip: float
) -> Tensor:
    """The formulas of the docstring, one parameter at a time."""
    x, m, v = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    for t, g in enumerate(gradients, 1):
        beta2 = 1 - t**-0.8
        v = beta2 * v + (1 - beta2) * g**2
        u = g / (v + 1e-30).sqrt()
        u = u / max(1.0, float(rms(u)) / clip)
        m = beta * m + (1 - beta) * u
        x = x - lr * max(float(rms(x)), 1e-3) * m
    return x


@pytest.mark.parametrize("beta", [0.0, 0.9])
@pytest.mark.parametrize("clip", [0.5, 1.0])
def test_it_does_what_its_definition_says(beta: float, clip: float) -> None:
    moving = parameters()
    moving[1].data *= 1e-5  # smaller than what steps are at least relative to
    start = [parameter.detach().clone() for parameter in moving]
    gradients = random_gradients(20, moving)
    gradients[13] = [None if g is None else 100 * g for g in gradients[13]]  # to be clipped
    drive(AdaFactor(moving, lr=0.05, beta=beta, clip=clip), moving, gradients)
    for index, parameter in enumerate(moving):
        column = [row[index] for row in gradients]
        expected = by_definition(start[index], column, 0.05, beta, clip)
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-12, atol=1e-14)


def test_worked_numbers() -> None:
    """By hand: β₂ is 0, then 1 - 2**-0.8 = 0.4257; u is 1, then 1.3193 before it is clipped."""
    weight = Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = AdaFactor([weight], lr=0.1)
    drive(optimizer, [weight], [[torch.full_like(weight, 3.0)]])
    assert optimizer.state[weight]["exp_avg_sq"].item() == pytest.approx(9.0)
    assert weight.item() == pytest.approx(2.0 - 0.1 * 2.0 * 0.1)
    drive(optimizer, [weight], [[torch.full_like(weight, 300.0)]])
    assert optimizer.state[weight]["exp_avg_sq"].item() == pytest.approx(
        0.425651 * 9 + 0.574349 * 90000, rel=1e-6
    )
    assert weight.item() == pytest.approx(1.98 - 0.1 * 1.98 * 0.19)


def test_a_gradient_of_zero_moves_nothing() -> None:
    for factor_from in (None, 1):
        moving = parameters(dtype=torch.float32)
        before = [parameter.detach().clone() for parameter in moving]
        zeros = [[torch.zeros_like(parameter) for parameter in moving]]
        (after,) = drive(AdaFactor(moving, factor_from=factor_from), moving, zeros)
        assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_a_parameter_of_zeros_begins_to_move() -> None:
    bias = Parameter(torch.zeros(4))
    drive(AdaFactor([bias], lr=0.1, beta=0.0), [bias], [[torch.full((4,), 7.0)]])
    torch.testing.assert_close(bias.detach(), torch.full((4,), -0.1 * 1e-3))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_factored_and_without_momentum_it_is_that_of_transformers(weight_decay: float) -> None:
    """Which multiplies weight decay by the size of the parameter: here that is 1."""
    ours, theirs = parameters(*MATRICES), parameters(*MATRICES)
    for one, other in zip(ours, theirs, strict=True):
        one.data /= rms(one.data)
        other.data.copy_(one.data)
    steps = 1 if weight_decay else 15
    gradients = random_gradients(steps, ours)
    first = AdaFactor(ours, lr=0.01, beta=0.0, factor_from=1, weight_decay=weight_decay)
    second = transformers.Adafactor(
        theirs, lr=0.01, relative_step=False, scale_parameter=True, weight_decay=weight_decay
    )
    drive(first, ours, gradients)
    drive(second, theirs, gradients)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


def test_factored_and_without_momentum_it_is_that_of_torch_until_the_rate_falls() -> None:
    """`torch.optim.Adafactor` takes 1/√t where that is less than lr: not within 15 updates."""
    ours, theirs = parameters(*MATRICES), parameters(*MATRICES)
    gradients = random_gradients(15, ours)
    drive(AdaFactor(ours, lr=0.01, beta=0.0, factor_from=1), ours, gradients)
    drive(torch.optim.Adafactor(theirs, lr=0.01), theirs, gradients)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (2, 5, 3)])
def test_factors_are_exact_for_an_outer_product(shape: tuple[int, ...]) -> None:
    """g² = row x column has no more in it than its means over each axis."""
    whole, factored = parameters(shape), parameters(shape)
    gradient = torch.ones(shape, dtype=torch.float64)
    for axis, length in enumerate(shape):
        form = [length if place == axis else 1 for place in range(len(shape))]
        gradient = gradient * torch.arange(1.0, 1.0 + length, dtype=torch.float64).view(form)
    drive(AdaFactor(whole), whole, [[gradient]] * 3)
    drive(AdaFactor(factored, factor_from=2), factored, [[gradient]] * 3)
    torch.testing.assert_close(whole, factored)


@pytest.mark.parametrize(
    ("shape", "factor_from", "kept"),
    [
        ((6, 4), None, {"exp_avg_sq": (6, 4)}),
        ((6, 4), 5, {"exp_avg_sq": (6, 4)}),
        ((6, 4), 4, {"exp_avg_sq_row": (1, 4), "exp_avg_sq_col": (6, 1)}),
        ((4, 6), 4, {"exp_avg_sq_row": (4, 1), "exp_avg_sq_col": (1, 6)}),
        ((7, 2, 5), 5, {"exp_avg_sq_row": (1, 2, 5), "exp_avg_sq_col": (7, 2, 1)}),
        ((9,), 1, {"exp_avg_sq": (9,)}),
        ((), 1, {"exp_avg_sq": ()}),
    ],
)
def test_what_is_kept(
    shape: tuple[int, ...], factor_from: int | None, kept: dict[str, tuple[int, ...]]
) -> None:
    moving = parameters(shape)
    optimizer = AdaFactor(moving, factor_from=factor_from)
    drive(optimizer, moving, random_gradients(1, moving))
    found = {name: tuple(value.shape) for name, value in optimizer.state[moving[0]].items()}
    assert found == {**kept, "exp_avg": shape, "step": ()}


def test_by_default_no_more_is_kept_than_by_adam() -> None:
    ours, theirs = parameters(dtype=torch.float32), parameters(dtype=torch.float32)
    first, second = AdaFactor(ours), torch.optim.AdamW(theirs)
    drive(first, ours, random_gradients(2, ours))
    drive(second, theirs, random_gradients(2, theirs))
    assert state_bytes(first) == state_bytes(second)


@pytest.mark.parametrize("settings", [{}, {"factor_from": 1}, {"beta": 0.0}])
@pytest.mark.parametrize("done", [0, 1, 5])
def test_resuming_changes_no_bit(settings: dict[str, Any], done: int, tmp_path: Path) -> None:
    make = partial(AdaFactor, lr=0.1, weight_decay=0.1, **settings)
    gradients = with_gaps(random_gradients(9, parameters(dtype=torch.float32)))
    moving = parameters(dtype=torch.float32)
    first = make(moving)
    drive(first, moving, gradients[:done])
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in moving]
    second = make(copies)
    saved_and_restored(first, second, tmp_path / "optimizer.safetensors")
    drive(first, moving, gradients[done:])
    drive(second, copies, gradients[done:])
    assert all(torch.equal(*pair) for pair in zip(moving, copies, strict=True))


def test_groups_have_their_own_rates_and_weight_decay() -> None:
    fast, slow, still = parameters((3, 2), (3, 2), (3, 2))
    slow.data.copy_(fast.data)
    before = [parameter.detach().clone() for parameter in (fast, slow, still)]
    groups = [
        {"params": [fast], "lr": 0.2},
        {"params": [slow], "lr": 0.1},
        {"params": [still], "weight_decay": 0.5, "lr": 0.1},
    ]
    gradient = torch.ones(3, 2, dtype=torch.float64)
    drive(AdaFactor(groups), (fast, slow, still), [[gradient, gradient, 0 * gradient]])
    torch.testing.assert_close(fast - before[0], 2 * (slow - before[1]))
    torch.testing.assert_close(still.detach(), before[2] * (1 - 0.1 * 0.5))


def test_with_ordinary_accumulation() -> None:
    """The mean of a group's gradients, as backward passes add them up, is all it needs."""
    ours, theirs = parameters(), parameters()
    gradients = random_gradients(6, ours)
    drive(AdaFactor(theirs), theirs, group_means(gradients, 2))
    optimizer = AdaFactor(ours)
    for step, row in enumerate(gradients):
        if step % 2 == 0:
            optimizer.zero_grad()
        loss = sum((p * g).sum() for p, g in zip(ours, row, strict=True)) / 2
        loss.backward()
        if step % 2:
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_a_closure_is_worked_out_with_gradients() -> None:
    weight = Parameter(torch.tensor([2.0]))
    optimizer = AdaFactor([weight], lr=0.1, beta=0.0)

    def closure() -> float:
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 4.0
    assert weight.item() == pytest.approx(1.8)
