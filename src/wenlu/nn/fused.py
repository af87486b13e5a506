"""PyTorch's fused attention kernels, with the log-sum-exp that they compute on the way.

`scaled_dot_product_attention` does not return it, and the operators behind it return it without a
gradient. Its gradient is one term more in the backward kernel: with weights p, gradients g of the
output and c of the log-sum-exp, the gradient of a score is p·(g·value - g·output + c). So a
component is added to the value (0), to the output (-c) and to its gradient (1), and the same kernel
computes it. Neither way is a matrix of all the scores in memory.

Axes: b batch, h head, q query, k key, d head width.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.autograd.function import once_differentiable

from wenlu.nn.passes import Key, LogSumExp, Mixed, Query, Value

_ALIGNED = 8
"""Widths of heads are multiples of this, which the kernels for GPUs want."""


def has_kernel(query: Tensor) -> bool:
    """Whether there is a fused kernel that returns the log-sum-exp for such queries."""
    if query.device.type == "cpu":
        return True
    return query.device.type == "cuda" and query.dtype != torch.float64


def fused_attention(
    query: Query,
    key: Key,
    value: Value,
    bias: Tensor | None,
    *,
    scale: float,
    causal: bool = False,
    dropout: float = 0.0,
) -> tuple[Mixed, LogSumExp]:
    """softmax(query·key·scale + bias)·value, and the log-sum-exp of each query's scores.

    Args:
        query: queries.
        key: keys.
        value: values, of any width.
        bias: is added to the scores; of the queries' type, and of a shape that broadcasts to
            (b h q k). Every query must be left some key.
        scale: scores are multiplied by it.
        causal: query i sees the keys up to i.
        dropout: rate at which weights are dropped; on GPUs only.
    """
    width = value.shape[3]
    recorded = torch.is_grad_enabled() and any(x.requires_grad for x in (query, key, value))
    # The gradient of the log-sum-exp needs room for one more component.
    size = -(-(max(query.shape[3], width) + recorded) // _ALIGNED) * _ALIGNED
    query, key, value = (_widened(x, size) for x in (query, key, value))
    mixed, lse = _Fused.apply(query, key, value, bias, scale, causal, dropout)
    return mixed[..., :width], lse


def _widened(x: Tensor, size: int) -> Tensor:
    return x if x.shape[3] == size else F.pad(x, (0, size - x.shape[3]))


class _Forward(NamedTuple):
    mixed: Tensor
    lse: Tensor
    random: tuple[Tensor, ...]
    """State of the random numbers that dropped weights, for the backward pass."""


def _forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None,
    scale: float,
    causal: bool,
    dropout: float,
) -> _Forward:
    if query.device.type == "cpu":
        mixed, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, causal, attn_mask=bias, scale=scale
        )
        return _Forward(mixed, lse, ())
    mixed, lse, seed, offset = torch.ops.aten._scaled_dot_product_efficient_attention(
        query, key, value, bias, True, dropout, causal, scale=scale
    )
    return _Forward(mixed, lse, (seed, offset))


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bias: Tensor | None,
        scale: float,
        causal: bool,
        dropout: float,
    ) -> tuple[Tensor, Tensor]:
        if bias is not None and query.device.type == "cuda":
            bias = _aligned(bias, (*query.shape[:3], key.shape[2]))
        mixed, lse, random = _forward(query, key, value, bias, scale, causal, dropout)
        ctx.save_for_backward(query, key, value, bias, mixed, lse, *random)
        ctx.options = scale, causal, dropout
        ctx.set_materialize_grads(False)
        return mixed, lse[:, :, : query.shape[2]]  # GPUs round its length up

    @staticmethod
    @once_differentiable  # second derivatives would be wrong without a word
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        query, key, value, bias, mixed, lse, *random = ctx.saved_tensors
        scale, causal, dropout = ctx.options
        gradient, of_lse = gradients
        gradient = torch.zeros_like(mixed) if gradient is None else gradient
        if of_lse is not None:
            last = mixed.shape[3] - 1  # the component that was added, 0 in all of them
            gradient, mixed = gradient.clone(), mixed.clone()
            gradient[..., last] = 1.0
            mixed[..., last] = -of_lse
        if query.device.type == "cpu":
            found = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
                gradient, query, key, value, mixed, lse, 0.0, causal, attn_mask=bias, scale=scale
            )
        else:
            needed = [True, True, True, False]
            found = torch.ops.aten._scaled_dot_product_efficient_attention_backward(
                *(gradient, query, key, value, bias, mixed, lse, *random),
                *(dropout, needed, causal),
                scale=scale,
            )
        return *found[:3], None, None, None, None


def _aligned(bias: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The bias at full size, its rows a multiple of eight apart: what the GPU kernel wants."""
    keys = shape[3]
    room = bias.new_empty(*shape[:3], -(-keys // _ALIGNED) * _ALIGNED)
    room[..., :keys] = bias
    return room[..., :keys]
