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
    mixed: Tensor = _DroppedAttention.apply(query, key, value, forbidden, scale, rate, False)[0]
    return mixed


def dropped_attention_with_lse(
    query: Float[Tensor, "b h q dk"],
    key: Float[Tensor, "b h k dk"],
    value: Float[Tensor, "b h k dv"],
    forbidden: Bool[Tensor, "#b 1 #q #k"] | None,
    scale: float,
    rate: float,
) -> tuple[Float[Tensor, "b h q dv"], Float[Tensor, "b h q"]]:
    """As `dropped_attention`, and the log-sum-exp of each query's scores before dropout."""
    return _DroppedAttention.apply(query, key, value, forbidden, scale, rate, True)


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
        lse: bool,
    ) -> tuple[Tensor, Tensor | None]:
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
        ctx.set_materialize_grads(False)
        kept = masked(weights, keep).to(value.dtype)
        mixed = _product(kept, value, ctx.rescale).unflatten(0, heads)
        return mixed, raw.to(weights.dtype).logsumexp(-1).unflatten(0, heads) if lse else None

    @staticmethod
    @once_differentiable  # second derivatives would be wrong without a word
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        query, key, value, weights, keep = ctx.saved_tensors
        of_mixed, of_lse = gradients
        if of_mixed is None:
            of_mixed = value.new_zeros(*ctx.heads, query.shape[1], value.shape[2])
        gradient = of_mixed.flatten(0, 1)
        kept = masked(weights, keep).to(value.dtype)
        for_value = _product(kept.mT, gradient, ctx.rescale)
        for_kept = _product(gradient, value.mT, ctx.rescale).to(weights.dtype)
        for_kept = masked(for_kept, keep)
        for_raw = torch._softmax_backward_data(for_kept, weights, -1, weights.dtype)
        if of_lse is not None:
            for_raw = for_raw.addcmul(weights, of_lse.flatten(0, 1)[..., None])
        for_raw = for_raw.to(query.dtype)
        for_query = _product(for_raw, key, ctx.scale)
        for_key = _product(for_raw.mT, query, ctx.scale)
        shaped = (x.unflatten(0, ctx.heads) for x in (for_query, for_key, for_value))
        return (*shaped, None, None, None, None)


def _product(first: Tensor, second: Tensor, factor: float) -> Tensor:
    """Factor · first·second, the factor within the matrix product, where it costs nothing."""
    return torch.baddbmm(first.new_empty(()), first, second, beta=0, alpha=factor)
