import torch
import torch.nn.functional as F  # noqa: N812

from wenlu.nn import FeedForward


def test_it_is_two_matrices_with_an_activation_between() -> None:
    half = FeedForward(3, 5, torch.tanh)
    x = torch.randn(2, 4, 3)
    inner = torch.tanh(F.linear(x, half.inner.weight, half.inner.bias))
    torch.testing.assert_close(half(x), F.linear(inner, half.outer.weight, half.outer.bias))


def test_each_position_is_alone() -> None:
    half = FeedForward(3, 5, torch.relu)
    x = torch.randn(1, 4, 3)
    torch.testing.assert_close(half(x.flip(1)), half(x).flip(1))
