import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from wenlu.errors import ConfigError
from wenlu.losses.power_sigmoid import power_sigmoid, power_sigmoid_loss


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_it_is_the_cross_entropy_of_the_probability(power: int) -> None:
    logits = 3 * torch.randn(50, generator=torch.Generator().manual_seed(1)).double()
    labels = (torch.arange(50) % 3 == 0).double()
    expected = F.binary_cross_entropy(logits.sigmoid() ** power, labels, reduction="none")
    torch.testing.assert_close(power_sigmoid_loss(logits, labels, power), expected)
    torch.testing.assert_close(power_sigmoid(logits, power), logits.sigmoid() ** power)


def test_power_one_is_the_ordinary_loss() -> None:
    logits, labels = torch.linspace(-200, 200, 41), torch.arange(41).remainder(2).float()
    expected = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    torch.testing.assert_close(power_sigmoid_loss(logits, labels, 1), expected)


@pytest.mark.parametrize("power", [2, 4])
def test_loss_and_gradient_stay_finite_however_sure_the_model_is(power: int) -> None:
    logits = torch.tensor([-1e4, -100.0, 0.0, 100.0, 1e4]).repeat(2).requires_grad_()
    losses = power_sigmoid_loss(logits, torch.tensor([0.0] * 5 + [1.0] * 5), power)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    # Where it is surely wrong, the loss grows as the logit does.
    assert losses[4].item() == pytest.approx(1e4, rel=1e-3)
    assert losses[5].item() == pytest.approx(power * 1e4, rel=1e-3)


def test_a_new_layer_says_no() -> None:
    assert power_sigmoid(torch.zeros(1), 2).item() == 1 / 4
    assert power_sigmoid(torch.zeros(1), 4).item() == 1 / 16


def test_a_power_that_is_none() -> None:
    with pytest.raises(ConfigError, match="the power of a sigmoid must be at least 1; got 0"):
        power_sigmoid_loss(torch.zeros(1), torch.zeros(1), 0)
