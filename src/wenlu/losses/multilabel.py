"""Any number of labels out of many (paper "ZLPR: A Novel Loss for Multi-label Classification").

Source: "Extending softmax + cross-entropy to multi-label classification". With scores s of a set of
cells, P the positive cells and N the others, its loss is

    log(1 + sum over P of exp(-s)) + log(1 + sum over N of exp(s))

A softmax that knows one more class, of score 0, which positives should be above and the others
below; so what scores above 0 is predicted, and neither a threshold nor a balance of the few against
the many is to be chosen. Cells that score -inf are no cells (a positive must not be one): they cost
nothing and have no gradient.

Axes: g set, n cell of a set, p positive.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from wenlu.errors import ConfigError


def multilabel_loss(
    scores: Float[Tensor, "*g n"],
    labels: Bool[Tensor, "*g n"] | Float[Tensor, "*g n"],
    mask: Bool[Tensor, "*#g n"] | None = None,
) -> Float[Tensor, "*g"]:
    """The loss of each set, from a label for every cell.

    A label y between 0 and 1 counts on both sides, exp(-s) · y and exp(s) · (1 - y), so that the
    best score of a cell alone is log(y / (1 - y)) / 2.

    Args:
        scores: of all cells.
        labels: True, or 1, where a cell is positive; constants.
        mask: False where a cell does not count.
    """
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    labels = labels.to(scores.dtype)
    if mask is not None:
        scores, labels = scores.masked_fill(~mask, -torch.inf), labels.masked_fill(~mask, 0.0)
    positive = labels.log() - scores.masked_fill(labels == 0, 0.0)
    negative = torch.log1p(-labels) + scores.masked_fill(labels == 1, 0.0)
    return _logsumexp_with_zero(positive) + _logsumexp_with_zero(negative)


def _logsumexp_with_zero(x: Float[Tensor, "*g n"]) -> Float[Tensor, "*g"]:
    return F.pad(x, (0, 1)).logsumexp(-1)


def sparse_multilabel_loss(
    scores: Float[Tensor, "..."], positives: Int[Tensor, "p i"], *, dims: int = 1
) -> Float[Tensor, "..."]:
    """The loss of each set, from the places of its positive cells alone.

    The same number as `multilabel_loss` without a tensor of labels, and the backward pass is one
    product with what the forward pass worked out. The source gets the sum over N as that over all
    cells minus that over P, which is all rounding error where one positive outweighs the rest; here
    the positives are left out of the sum. Gradients of gradients are to be had from the dense form
    alone.

    Args:
        scores: of all cells; the last `dims` dimensions are a set, those before tell sets apart.
        positives: an index into `scores` for each positive cell, such as (row, type, start, end);
            no cell twice.
        dims: number of dimensions of a set.
    """
    if not 0 < dims <= scores.dim() or positives.shape[1] != scores.dim():
        raise ConfigError(
            f"scores of {scores.dim()} dimensions, sets of {dims} and places of positives with "
            f"{positives.shape[1]} numbers do not fit; a place needs a number for each dimension"
        )
    shape = scores.shape[: scores.dim() - dims]
    sizes = torch.tensor(scores.shape, device=positives.device)
    strides = sizes.flip(0).cumprod(0).flip(0) // sizes.clamp(min=1)
    cells = (positives * strides).sum(1)
    flat = scores.reshape(shape.numel(), scores.shape[-dims:].numel())
    return _Sparse.apply(flat, cells).view(shape)


class _Sparse(torch.autograd.Function):
    """The sparse loss of scores (g n) with positives as places in the flat scores (p)."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, cells: Tensor) -> Tensor:  # noqa: ANN401
        width = scores.shape[1]
        rest = scores.to(torch.promote_types(scores.dtype, torch.float32), copy=True)
        sets = cells.div(width, rounding_mode="floor")
        against = -rest.view(-1)[cells]  # (p)
        rest.view(-1)[cells] = -torch.inf
        top = rest.amax(1, keepdim=True).clamp_(min=0.0) if width else rest.new_zeros(len(rest), 1)
        rest.sub_(top).exp_()
        total = rest.sum(1, keepdim=True) + (-top).exp()
        most = against.new_zeros(len(rest)).scatter_reduce_(0, sets, against, "amax")
        weights = (against - most[sets]).exp()
        sums = (-most).exp().index_add_(0, sets, weights)
        ctx.save_for_backward(rest, total, cells, weights / sums[sets])
        ctx.dtype = scores.dtype
        return top[:, 0] + total[:, 0].log() + most + sums.log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        rest, total, cells, shares = ctx.saved_tensors
        (gradient,) = gradients  # (g)
        found = rest * (gradient[:, None] / total)
        sets = cells.div(rest.shape[1], rounding_mode="floor")
        found.view(-1)[cells] = -shares * gradient[sets]
        return found.to(ctx.dtype), None
