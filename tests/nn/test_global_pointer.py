import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from wenlu.losses import sparse_multilabel_loss
from wenlu.nn import EfficientGlobalPointer, GlobalPointer, WithPrior, real_tokens, rotate

HEADS = [GlobalPointer, EfficientGlobalPointer]
WIDTH, TYPES, SIZE = 12, 3, 8


def head(kind: type[nn.Module], *, bias: bool = False) -> Any:  # noqa: ANN401
    torch.manual_seed(0)
    return kind(WIDTH, TYPES, size=SIZE, bias=bias).double()


def states(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, WIDTH, generator=generator, dtype=torch.float64)


def turned(x: Tensor, position: int) -> Tensor:
    """One vector, pair by pair as a complex number."""
    angle = position * 10_000.0 ** (-torch.arange(0, SIZE, 2, dtype=torch.float64) / SIZE)
    return torch.view_as_real(
        torch.view_as_complex(x.view(-1, 2)) * torch.exp(1j * angle)
    ).flatten()


def test_numbers_of_parameters() -> None:
    def count(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    assert count(GlobalPointer(768, 10)) == 983_040
    assert count(EfficientGlobalPointer(768, 10)) == 100_864
    assert count(GlobalPointer(768, 10, bias=True)) == 983_040 + 2 * 64 * 10
    assert count(EfficientGlobalPointer(768, 10, bias=True)) == 100_864 + 2 * 64 + 2 * 10


@pytest.mark.parametrize("kind", HEADS)
def test_a_prior_is_added_to_the_scores_of_each_type(kind: type[nn.Module]) -> None:
    bare, x = head(kind), states(2, 5)
    module = WithPrior(bare, TYPES, start=-4.0)
    torch.testing.assert_close(module(x), bare(x) - 4)
    with torch.no_grad():
        module.prior[1] += 3
    torch.testing.assert_close(module(x)[:, 1], bare(x)[:, 1] - 1)
    module(x).sigmoid().sum().backward()
    assert module.prior.grad is not None
    assert (module.prior.grad > 0).all()


@pytest.mark.parametrize("bias", [True, False])
def test_global_pointer_from_its_formula(bias: bool) -> None:
    module, x = head(GlobalPointer, bias=bias), states(2, 5)
    scores = module(x)
    weight = module.projection.weight.view(2, TYPES, SIZE, WIDTH)
    shift = module.projection.bias.view(2, TYPES, SIZE) if bias else torch.zeros(2, TYPES, SIZE)
    for b in range(2):
        for t in range(TYPES):
            for i in range(5):
                for j in range(i, 5):
                    query = turned(weight[0, t] @ x[b, i] + shift[0, t].double(), i)
                    key = turned(weight[1, t] @ x[b, j] + shift[1, t].double(), j)
                    expected = query @ key / math.sqrt(SIZE)
                    torch.testing.assert_close(scores[b, t, i, j], expected)


@pytest.mark.parametrize("bias", [True, False])
def test_efficient_global_pointer_from_its_formula(bias: bool) -> None:
    module, x = head(EfficientGlobalPointer, bias=bias), states(2, 5)
    scores = module(x)
    both = module.projection(x)  # the query, then the key, of each place
    for b in range(2):
        for t in range(TYPES):
            for i in range(5):
                for j in range(i, 5):
                    inner = turned(both[b, i, :SIZE], i) @ turned(both[b, j, SIZE:], j)
                    start = module.ends.weight[t] @ both[b, i]
                    end = module.ends.weight[TYPES + t] @ both[b, j]
                    if bias:
                        start, end = start + module.ends.bias[t], end + module.ends.bias[TYPES + t]
                    expected = inner / math.sqrt(SIZE) + (start + end) / 2
                    torch.testing.assert_close(scores[b, t, i, j], expected)


@pytest.mark.parametrize("kind", HEADS)
def test_what_is_no_span_scores_minus_infinity(kind: type[nn.Module]) -> None:
    real = torch.tensor([[True] * 6, [False, True, True, False, True, False]])
    scores = head(kind)(states(2, 6), real)
    possible = real[:, None, :, None] & real[:, None, None, :] & torch.ones(6, 6).triu().bool()
    assert scores.shape == (2, TYPES, 6, 6)
    assert torch.equal(scores.isfinite(), possible.expand_as(scores))
    assert (scores[~scores.isfinite()] == -torch.inf).all()
    assert torch.equal(head(kind)(states(2, 6))[0], scores[0])


@pytest.mark.parametrize("kind", HEADS)
def test_a_padded_batch_scores_as_its_texts_alone(kind: type[nn.Module]) -> None:
    module, x = head(kind), states(3, 7)
    lengths = [7, 4, 1]
    scores = module(x, real_tokens(torch.tensor(lengths), 7))
    for row, length in enumerate(lengths):
        alone = module(x[row : row + 1, :length])
        torch.testing.assert_close(scores[row : row + 1, :, :length, :length], alone)


@pytest.mark.parametrize("kind", HEADS)
def test_only_distances_count(kind: type[nn.Module]) -> None:
    """Places before the text, which are not real, move all its positions and change no score."""
    module, x = head(kind), states(1, 5)
    moved = torch.cat([states(1, 90), x], 1)
    real = torch.arange(95)[None] >= 90
    torch.testing.assert_close(module(moved, real)[..., 90:, 90:], module(x))


def test_without_positions_all_distances_would_be_one() -> None:
    same = states(1, 1).expand(1, 9, WIDTH)
    module = head(GlobalPointer)
    row = module(same)[0, 0, 0]
    assert len(set(row.tolist())) == 9
    module.rotary.frequencies.zero_()
    torch.testing.assert_close(module(same)[0, 0, 0], row[:1].expand(9))


@pytest.mark.parametrize("kind", HEADS)
def test_gradients(kind: type[nn.Module]) -> None:
    """Only real places have one, through scores and loss."""
    module, x = head(kind), states(2, 5).requires_grad_()
    real = torch.tensor([[True] * 5, [False, True, True, True, False]])
    positives = torch.tensor([[0, 0, 1, 3], [0, 0, 1, 1], [1, 2, 1, 2]])

    def losses(x: Tensor) -> Tensor:
        return sparse_multilabel_loss(module(x, real), positives, dims=2)

    assert torch.autograd.gradcheck(losses, x)
    losses(x).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad.abs().sum(-1) > 0, real)


@pytest.mark.parametrize("kind", HEADS)
def test_under_autocast_products_are_exact(kind: type[nn.Module]) -> None:
    module, x = head(kind).float(), states(1, 6).float()
    with torch.autocast("cpu", torch.bfloat16):
        scores = module(x)
    assert scores.dtype == torch.float32
    inside = scores.isfinite()
    torch.testing.assert_close(scores[inside], module(x)[inside], rtol=0.05, atol=0.05)
    assert (scores[inside] != scores[inside].bfloat16()).any()


def test_rotation_is_that_of_the_encoder() -> None:
    module, x = head(GlobalPointer), states(1, 4)
    projected = module.projection(x).unflatten(-1, (2 * TYPES, SIZE)).transpose(1, 2)
    query, key = rotate(projected, torch.arange(4)[None], module.rotary.frequencies).chunk(2, 1)
    expected = query[0, 1, 2] @ key[0, 1, 3] / SIZE**0.5
    torch.testing.assert_close(module(x)[0, 1, 2, 3], expected)
