from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from wenlu.nn import Attention, Block, Causal, FeedForward, LayerNorm, PostNormBlock, PreNormBlock
from wenlu.nn.places import in_order

Randomise = Callable[[nn.Module], nn.Module]
KINDS = [PostNormBlock, PreNormBlock]


def make(kind: type[Block], randomised: Randomise) -> Block:
    attention = Attention(8, 2)
    half = FeedForward(8, 16, F.gelu)
    return randomised(kind(attention, half, width=8, norm=LayerNorm(1e-5), dropout=0.1))


def norm(module: nn.LayerNorm, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    deviation = (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    return centred / deviation * module.weight + module.bias


def test_post_norm_norms_each_sum(randomised: Randomise) -> None:
    block, x = make(PostNormBlock, randomised), torch.randn(2, 5, 8).double()
    middle = norm(block.attention_norm, x + block.attention(x, x, Causal(), in_order(5)))
    expected = norm(block.feed_forward_norm, middle + block.feed_forward(middle))
    torch.testing.assert_close(block(x, Causal(), in_order(5)), expected)


def test_pre_norm_norms_what_each_half_is_given(randomised: Randomise) -> None:
    block, x = make(PreNormBlock, randomised), torch.randn(2, 5, 8).double()
    normed = norm(block.attention_norm, x)
    middle = x + block.attention(normed, normed, Causal(), in_order(5))
    expected = middle + block.feed_forward(norm(block.feed_forward_norm, middle))
    torch.testing.assert_close(block(x, Causal(), in_order(5)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_on_both_halves_and_only_in_training(
    kind: type[Block], randomised: Randomise
) -> None:
    block, x = make(kind, randomised), torch.randn(2, 5, 8).double()
    still = block(x, None, in_order(5))
    torch.testing.assert_close(block(x, None, in_order(5)), still, rtol=0, atol=0)
    block.train()
    assert not torch.allclose(block(x, None, in_order(5)), still)
