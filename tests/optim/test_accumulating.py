"""What holds for every optimizer that accumulates in its averages: the clock, gaps, resuming."""

import copy
import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from wenlu.errors import ConfigError
from wenlu.optim import AVERAGINGS, Accumulating, AccumulatingAdam, AccumulatingSGD

from .drive import (
    drive,
    group_means,
    parameters,
    random_gradients,
    saved_and_restored,
    with_gaps,
)

KINDS = [AccumulatingSGD, AccumulatingAdam]
VARIANTS = [
    pytest.param(partial(kind, averaging=averaging), id=f"{kind.__name__}-{averaging}")
    for kind in KINDS
    for averaging in AVERAGINGS
]
Make = partial[Accumulating]


@pytest.mark.parametrize("make", VARIANTS)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_parameters_move_on_each_kth_step(make: Make, k: int) -> None:
    moving = parameters()
    optimizer = make(moving, lr=0.1, accumulate=k)
    assert (optimizer.updates, optimizer.moved, optimizer.accumulate) == (0, False, k)
    before = [parameter.detach().clone() for parameter in moving]
    for step, row in enumerate(random_gradients(7, moving), 1):
        (after,) = drive(optimizer, moving, [row])
        assert optimizer.moved == (step % k == 0)
        assert optimizer.updates == step // k
        assert {torch.equal(*pair) for pair in zip(before, after, strict=True)} == {step % k > 0}
        before = after


@pytest.mark.parametrize("make", VARIANTS)
def test_rate_and_weight_decay_are_read_when_an_update_is_made(make: Make) -> None:
    """Whatever they are in between."""
    gradients = random_gradients(6, parameters())
    steady, restless = parameters(), parameters()
    first = make(steady, lr=0.1, weight_decay=0.2, accumulate=3)
    second = make(restless, lr=0.1, weight_decay=0.2, accumulate=3)
    drive(first, steady, gradients)
    for step, row in enumerate(gradients, 1):
        moves = step % 3 == 0
        second.param_groups[0].update(lr=0.1, weight_decay=0.2) if moves else None
        drive(second, restless, [row])
        second.param_groups[0].update(lr=50.0 + step, weight_decay=3.0)
    assert all(torch.equal(*pair) for pair in zip(steady, restless, strict=True))


@pytest.mark.parametrize("make", VARIANTS)
def test_weight_decay_acts_once_an_update(make: Make) -> None:
    moving = parameters()
    before = [parameter.detach().clone() for parameter in moving]
    optimizer = make(moving, lr=0.1, weight_decay=0.5, accumulate=4)
    zeros = [[torch.zeros_like(parameter) for parameter in moving]] * 8
    drive(optimizer, moving, zeros)
    for parameter, old in zip(moving, before, strict=True):
        torch.testing.assert_close(parameter.detach(), old * (1 - 0.1 * 0.5) ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schedule_of_torch_counts_updates(kind: type[Any]) -> None:
    moving = parameters()
    optimizer = kind(moving, lr=1.0, accumulate=2)
    schedule = LambdaLR(optimizer, lambda update: 0.5**update)
    rates = []
    for row in random_gradients(6, moving):
        rates.append(optimizer.param_groups[0]["lr"])
        drive(optimizer, moving, [row])
        if optimizer.moved:
            schedule.step()
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("k", [2, 3])
def test_a_missing_gradient_counts_as_zero_unless_all_of_a_group_are_missing(k: int) -> None:
    """As with ordinary accumulation, after which torch leaves out what has no gradient."""
    gradients = with_gaps(random_gradients(10 * k, parameters()), 0.6)
    means = group_means(gradients, k)
    assert any(mean is None for row in means for mean in row)
    ours, theirs = parameters(), parameters()
    drive(AccumulatingSGD(ours, lr=0.3, accumulate=k), ours, gradients)
    drive(AccumulatingSGD(theirs, lr=0.3), theirs, means)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", VARIANTS)
def test_a_missing_gradient_is_one_of_zero(make: Make) -> None:
    k = 3
    gradients = with_gaps(random_gradients(8 * k, parameters()))
    filled: list[list[Tensor | None]] = []
    for start in range(0, len(gradients), k):
        group = gradients[start : start + k]
        present = [any(g is not None for g in column) for column in zip(*group, strict=True)]
        for row in group:
            zeros = (torch.zeros_like(parameter) for parameter in parameters())
            columns = zip(row, zeros, present, strict=True)
            filled.append([z if g is None and some else g for g, z, some in columns])
    ours, theirs = parameters(), parameters()
    drive(make(ours, lr=0.3, accumulate=k), ours, gradients)
    drive(make(theirs, lr=0.3, accumulate=k), theirs, filled)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", VARIANTS)
def test_a_step_without_any_gradient_does_not_count(make: Make) -> None:
    gradients = random_gradients(6, parameters())
    nothing: list[Tensor | None] = [None] * len(gradients[0])
    ours, theirs = parameters(), parameters()
    optimizer = make(ours, accumulate=2)
    drive(optimizer, ours, [nothing])
    assert not optimizer.moved
    drive(optimizer, ours, [gradients[0], nothing, *gradients[1:], nothing])
    drive(make(theirs, accumulate=2), theirs, gradients)
    assert optimizer.updates == 3
    assert all(torch.equal(*pair) for pair in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("make", VARIANTS)
@pytest.mark.parametrize("done", range(8))
def test_resuming_in_the_middle_of_a_group_changes_no_bit(
    make: Make, done: int, tmp_path: Path
) -> None:
    """`done` micro-steps, then the state of the parameters alone, through a file."""
    gradients = with_gaps(random_gradients(12, parameters(dtype=torch.float32)))
    moving = parameters(dtype=torch.float32)
    first = make(moving, lr=0.1, weight_decay=0.1, accumulate=3)
    drive(first, moving, gradients[:done])
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in moving]
    second = make(copies, lr=0.1, weight_decay=0.1, accumulate=3)
    saved_and_restored(first, second, tmp_path / "optimizer.safetensors")
    assert (second.updates, second.moved) == (first.updates, first.moved)
    assert (second.updates, second.moved) == (done // 3, done > 0 and done % 3 == 0)
    pairs = zip(
        drive(first, moving, gradients[done:]), drive(second, copies, gradients[done:]), strict=True
    )
    assert all(torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("make", VARIANTS)
def test_a_state_dict_brings_the_settings_too(make: Make) -> None:
    gradients = random_gradients(9, parameters())
    moving = parameters()
    first = make(moving, lr=0.1, accumulate=3)
    drive(first, moving, gradients[:4])
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in moving]
    second = make(copies)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert second.accumulate == 3
    drive(first, moving, gradients[4:])
    drive(second, copies, gradients[4:])
    assert all(torch.equal(*pair) for pair in zip(moving, copies, strict=True))


@pytest.mark.parametrize("make", VARIANTS)
def test_a_copy_goes_on_alike(make: Make) -> None:
    model = nn.Linear(3, 2)
    optimizer = make(model.parameters(), lr=0.1, accumulate=2)
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    for one, its in ((model, optimizer), (twin, twin_optimizer)):
        its.zero_grad()
        one(torch.ones(1, 3)).sum().backward()
        its.step()
        assert its.moved
    assert torch.equal(model.weight, twin.weight)


@pytest.mark.parametrize("make", VARIANTS)
def test_counts_do_not_take_the_type_of_the_parameters(make: Make) -> None:
    """bfloat16 cannot count beyond 256."""
    moving = parameters(dtype=torch.bfloat16)
    optimizer = make(moving, accumulate=300)
    gradients = random_gradients(1, moving) * 299
    drive(optimizer, moving, gradients)
    other = make(moving, accumulate=300)
    other.load_state_dict(optimizer.state_dict())
    assert (other.updates, other.moved) == (0, False)
    drive(other, moving, gradients[:1])
    assert (other.updates, other.moved) == (1, True)


@pytest.mark.parametrize("make", VARIANTS)
def test_groups_have_their_own_rates(make: Make) -> None:
    gradients = random_gradients(6, parameters())
    apart, together = parameters(), parameters()
    rates = [0.1, 0.2, 0.3, 0.4]
    for index, rate in enumerate(rates):
        own = make([apart[index]], lr=rate, weight_decay=rate, accumulate=2)
        drive(own, [apart[index]], [[row[index]] for row in gradients])
    groups = [
        {"params": [parameter], "lr": rate, "weight_decay": rate}
        for parameter, rate in zip(together, rates, strict=True)
    ]
    drive(make(groups, accumulate=2), together, gradients)
    assert all(torch.equal(*pair) for pair in zip(apart, together, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_all_groups_move_together(kind: type[Any]) -> None:
    first, second = ({"params": [parameter]} for parameter in parameters((2,), (3,)))
    message = "all parameters must move together; one group has accumulate=4, another 2"
    with pytest.raises(ConfigError, match=message):
        kind([first, {**second, "accumulate": 2}], accumulate=4)


def test_parameters_of_several_types_are_moved() -> None:
    moving = [*parameters((3, 2)), *parameters((4,), dtype=torch.float32)]
    optimizer = AccumulatingAdam(moving, accumulate=2)
    before = [parameter.detach().clone() for parameter in moving]
    (_, after) = drive(optimizer, moving, random_gradients(2, moving))
    assert not any(torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_a_closure_is_worked_out_with_gradients() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = AccumulatingSGD([weight], lr=1.0, momentum=0.0, accumulate=2)

    def closure() -> float:
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss.item()

    assert [optimizer.step(closure) for _ in range(3)] == [4.0, 4.0, 4.0]  # 2 - 4 = -2
    assert weight.item() == -2.0
