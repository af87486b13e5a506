import pytest
import torch
from torch.nn import Parameter

from wenlu.optim import AVERAGINGS, AccumulatingSGD

from .drive import drive, group_means, parameters, random_gradients, state_bytes


def test_worked_numbers() -> None:
    weight = Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = AccumulatingSGD([weight], lr=0.1, momentum=0.9, accumulate=2)
    found = []
    for gradient in (1.0, 3.0, 5.0, 7.0):
        drive(optimizer, [weight], [[torch.full_like(weight, gradient)]])
        found.append((optimizer.state[weight]["momentum_buffer"].item(), weight.item()))
    expected = [(0.05, 0.0), (0.2, -0.02), (0.43, -0.02), (0.78, -0.098)]
    assert found == [pytest.approx(pair, abs=1e-15) for pair in expected]


@pytest.mark.parametrize("k", [2, 3, 4, 16])
def test_it_is_exactly_momentum_on_the_means_of_groups(k: int) -> None:
    """C.f. a loop with a second buffer, in the notation of the paper."""
    ours, theirs = parameters(), parameters()
    gradients = random_gradients(5 * k, ours)
    seen = drive(AccumulatingSGD(ours, lr=0.1, momentum=0.9, accumulate=k), ours, gradients)
    momenta = [torch.zeros_like(parameter) for parameter in theirs]
    for update, row in enumerate(group_means(gradients, k), 1):
        for index, mean in enumerate(row):
            momenta[index] = 0.9 * momenta[index] + 0.1 * mean
            theirs[index].data -= 0.1 * momenta[index]
        torch.testing.assert_close(
            seen[update * k - 1], [p.detach() for p in theirs], rtol=0, atol=2e-15
        )


@pytest.mark.parametrize("averaging", AVERAGINGS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_alone_it_is_that_of_torch_at_another_rate(averaging: str, momentum: float) -> None:
    ours, theirs = parameters(), parameters()
    gradients = random_gradients(20, ours)
    drive(AccumulatingSGD(ours, lr=0.5, momentum=momentum, averaging=averaging), ours, gradients)
    rate = 0.5 * (1 - momentum)
    drive(torch.optim.SGD(theirs, lr=rate, momentum=momentum), theirs, gradients)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-14)


def test_spread_decay_comes_close_and_closer_with_slower_momentum() -> None:
    far = []
    for momentum in (0.5, 0.9, 0.99):
        exact, close = parameters((50,)), parameters((50,))
        gradients = random_gradients(40 * 4, exact)
        settings = {"lr": 0.1 / (1 - momentum), "momentum": momentum, "accumulate": 4}
        drive(AccumulatingSGD(exact, **settings), exact, gradients)
        drive(AccumulatingSGD(close, **settings, averaging="spread"), close, gradients)
        start, first, second = (p.detach() for p in (*parameters((50,)), *exact, *close))
        far.append(float((first - second).norm() / (first - start).norm()))
    assert far == sorted(far, reverse=True)
    assert far[1] < 0.1


def test_no_more_is_kept_than_by_torch() -> None:
    ours, theirs = parameters(), parameters()
    first = AccumulatingSGD(ours, lr=0.1, accumulate=4)
    second = torch.optim.SGD(theirs, lr=0.1, momentum=0.9)
    drive(first, ours, random_gradients(6, ours))
    drive(second, theirs, random_gradients(6, theirs))
    count = 4 * len(ours)  # a number of micro-steps for each
    assert state_bytes(first) - count == state_bytes(second)
