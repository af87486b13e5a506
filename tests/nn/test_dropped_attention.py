import pytest
import torch
from torch import Tensor

from wenlu.nn.dropped_attention import dropped_attention


def inputs(kind: torch.dtype = torch.float64) -> list[Tensor]:
    sizes = ((5, 4), (6, 4), (6, 3))
    return [torch.randn(2, 3, *size, dtype=kind, requires_grad=True) for size in sizes]


def forbidden() -> Tensor:
    return torch.rand(2, 1, 5, 6) < 0.3


def dropped_weights(query: Tensor, key: Tensor, hidden: Tensor | None, rate: float) -> Tensor:
    """What a seed makes of the weights; as values, the identity turns out the weights."""
    torch.manual_seed(3)
    identity = torch.eye(6, dtype=query.dtype).expand(2, 3, 6, 6)
    return dropped_attention(query, key, identity, hidden, 0.5, rate)


def explicit(
    query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None, kept: Tensor, scale: float
) -> Tensor:
    """The same by separate operations, all followed by autograd."""
    scores = query @ key.mT * 0.5
    if hidden is not None:
        scores = scores.masked_fill(hidden, -torch.inf)
    return (scores.softmax(-1) * kept * scale) @ value


@pytest.mark.parametrize("rate", [0.0001, 0.25, 0.7])
@pytest.mark.parametrize("masked", [False, True])
def test_output_and_gradients_are_those_of_separate_operations(rate: float, masked: bool) -> None:
    query, key, value = inputs()
    hidden = forbidden() if masked else None
    kept = dropped_weights(query, key, hidden, rate) != 0
    exact = round(rate * 65_536) / 65_536
    expected = explicit(query, key, value, hidden, kept, 1 / (1 - exact))
    torch.manual_seed(3)
    found = dropped_attention(query, key, value, hidden, 0.5, rate)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    weights = torch.randn_like(expected)
    ours, theirs = (
        torch.autograd.grad((mixed * weights).sum(), [query, key, value])
        for mixed in (found, expected)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_second_derivatives_are_refused() -> None:
    given = inputs()
    mixed = dropped_attention(*given, None, 0.5, 0.25)
    first = torch.autograd.grad(mixed.square().sum(), given, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first[0].sum().backward()


def test_as_many_weights_are_dropped_as_the_rate_says() -> None:
    query, key = torch.randn(2, 3, 400, 4), torch.randn(2, 3, 400, 4)
    identity = torch.eye(400).expand(2, 3, 400, 400)
    dropped = float((dropped_attention(query, key, identity, None, 0.5, 0.1) == 0).double().mean())
    assert abs(dropped - 0.1) < 4 * (0.1 * 0.9 / 960_000) ** 0.5 + 1e-5


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_near_float32(kind: torch.dtype) -> None:
    given = inputs(torch.float32)
    torch.manual_seed(3)
    expected = dropped_attention(*given, None, 0.5, 0.25)
    half = [x.detach().to(kind).requires_grad_() for x in given]
    torch.manual_seed(3)
    found = dropped_attention(*half, None, 0.5, 0.25)
    assert found.dtype == kind
    torch.testing.assert_close(found.float(), expected, rtol=0.05, atol=0.05)
    ours, theirs = (
        torch.autograd.grad(mixed.sum(), parts)
        for mixed, parts in ((found, half), (expected, given))
    )
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == kind
        torch.testing.assert_close(mine.float(), other, rtol=0.1, atol=0.1)
