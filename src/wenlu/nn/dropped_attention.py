"""Dot-product attention with dropout on its weights, for CPUs.

PyTorch's fused CPU kernel has no dropout, and its fallback keeps three matrices of all the scores
for the backward pass and goes over them a dozen times. This keeps the softmax and one byte a score,
works the rest out again, and goes over them as seldom as separate operations allow.

Axes: b batch, h head, q query, k key, d head width.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from wenlu.nn.dropout import keep_mask, levels, masked


def dropped_attention(
    query: Float[Tensor, "b h q dk"],
    key: Float[Tensor, "b h k dk"],
    value: Float[Tensor, "b h k dv"],
    forbidden: Bool[Tensor, "#b 1 #q #k"] | None,
    scale: float,
    rate: float,
) -> Float[Tensor, "b h q dv"]:
    """dropout(softmax(query·key·scale), rate)·value; every query must be allowed some key."""
    return _DroppedAttention.apply(query, key, value, forbidden, scale, rate)


class _DroppedAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        query: Tensor,
        key: Tensor,
        value: Tensor,
        forbidden: Tensor | None,
        scale: float,
        rate: float,
    ) -> Tensor:
        heads = query.shape[:2]
        query, key, value = query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1)
        raw = _product(query, key.mT, scale)  # (bh q k)
        if forbidden is not None:
            raw.unflatten(0, heads).masked_fill_(forbidden, -torch.inf)
        single = raw.dtype in (torch.bfloat16, torch.float16)
        weights = torch.softmax(raw, -1, dtype=torch.float32 if single else raw.dtype)
        dropped, ctx.rescale = levels(rate)
        keep = keep_mask(weights.shape, dropped)
        ctx.save_for_backward(query, key, value, weights, keep)
        ctx.scale, ctx.heads = scale, heads
        kept = masked(weights, keep).to(value.dtype)
        return _product(kept, value, ctx.rescale).unflatten(0, heads)

    @staticmethod
    @once_differentiable  # second derivatives would be wrong without a word
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        query, key, value, weights, keep = ctx.saved_tensors
        gradient = gradients[0].flatten(0, 1)
        kept = masked(weights, keep).to(value.dtype)
        for_value = _product(kept.mT, gradient, ctx.rescale)
        for_kept = _product(gradient, value.mT, ctx.rescale).to(weights.dtype)
        for_kept = masked(for_kept, keep)
        for_raw = torch._softmax_backward_data(for_kept, weights, -1, weights.dtype)
        for_raw = for_raw.to(query.dtype)
        for_query = _product(for_raw, key, ctx.scale)
        for_key = _product(for_raw.mT, query, ctx.scale)
        shaped = (x.unflatten(0, ctx.heads) for x in (for_query, for_key, for_value))
        return (*shaped, None, None, None)


def _product(first: Tensor, second: Tensor, factor: float) -> Tensor:
    """Factor · first·second, the factor within the matrix product, where it costs nothing."""
    return torch.baddbmm(first.new_empty(()), first, second, beta=0, alpha=factor)
