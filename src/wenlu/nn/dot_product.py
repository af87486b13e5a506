"""Scaled dot-product attention, the ordinary form ("Attention is all you need").

Axes: b batch, h head, q query, k key, d head width.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float
from torch import Tensor

from wenlu.nn.dropout import dropout as drop
from wenlu.nn.dropped_attention import dropped_attention
from wenlu.nn.masks import Causal, Mask
from wenlu.nn.places import Places

Query = Float[Tensor, "b h q dk"]
Key = Float[Tensor, "b h k dk"]
Value = Float[Tensor, "b h k dv"]
Mixed = Float[Tensor, "b h q dv"]
Allowed = Bool[Tensor, "#b 1 #q #k"]


def dot_product(
    query: Query,
    key: Key,
    value: Value,
    mask: Mask | None,
    *,
    places: Places,
    scale: float,
    dropout: float = 0.0,
) -> Mixed:
    """Mix the values by softmax(query·key·scale); a query that may see no key gives zeros.

    Always PyTorch's fused kernel, except for training with dropout on a CPU, where that kernel
    does not exist.
    """
    if dropout and query.device.type == "cpu":
        if mask is None:
            return dropped_attention(query, key, value, None, scale, dropout)
        allowed, empty = without_empty_rows(mask.dense(places))
        mixed = dropped_attention(query, key, value, ~allowed, scale, dropout)
        return mixed if empty is None else mixed.masked_fill(empty, 0.0)
    all_in_order = places.counted and query.shape[2] == key.shape[2]
    if mask is None or (type(mask) is Causal and all_in_order):
        return F.scaled_dot_product_attention(
            query, key, value, dropout_p=dropout, is_causal=mask is not None, scale=scale
        )
    allowed, empty = without_empty_rows(mask.dense(places))
    mixed = F.scaled_dot_product_attention(
        query, key, value, attn_mask=allowed, dropout_p=dropout, scale=scale
    )
    return mixed if empty is None else mixed.masked_fill(empty, 0.0)


def dot_product_with_lse(
    query: Query, key: Key, value: Value, mask: Mask | None, *, places: Places, scale: float
) -> tuple[Mixed, Float[Tensor, "b h q"]]:
    """As `dot_product`, and the log-sum-exp of each query's scores, by which passes merge exactly.

    A query that may see no key has output 0 and log-sum-exp -inf.
    """
    raw = scores(query, key, scale)
    allowed = None if mask is None else mask.dense(places)
    # Not exp(raw - lse): that is off by the rounding of the lse, a hundredth at scores of 10^6.
    mixed = attention_weights(raw, allowed) @ value
    if allowed is not None:
        raw = raw.masked_fill(~allowed, -torch.inf)
    if raw.dtype in (torch.float16, torch.bfloat16):
        raw = raw.float()
    return mixed, raw.logsumexp(-1)


def merge(
    first: Mixed,
    first_lse: Float[Tensor, "b h q"],
    second: Mixed,
    second_lse: Float[Tensor, "b h q"],
) -> tuple[Mixed, Float[Tensor, "b h q"]]:
    """One attention over two disjoint sets of keys, from the attentions over each of them."""
    lse = torch.logaddexp(first_lse, second_lse)
    difference = torch.where(lse == -torch.inf, 0.0, first_lse - second_lse)[..., None]
    first_share, second_share = difference.sigmoid(), (-difference).sigmoid()
    return first * first_share.to(first.dtype) + second * second_share.to(second.dtype), lse


def scores(query: Query, key: Key, scale: float) -> Float[Tensor, "b h q k"]:
    """All scores, for forms that must see them."""
    return (query * scale) @ key.transpose(-1, -2)


def attention_weights(
    raw: Float[Tensor, "b h q k"], allowed: Allowed | None, *, dropout: float = 0.0
) -> Float[Tensor, "b h q k"]:
    """The softmax of the allowed scores, with dropout; a query that may see no key gives zeros."""
    if allowed is None:
        return drop(raw.softmax(-1), dropout)
    allowed, empty = without_empty_rows(allowed)
    weights = drop(raw.masked_fill(~allowed, -torch.inf).softmax(-1), dropout)
    return weights if empty is None else weights.masked_fill(empty, 0.0)


def without_empty_rows(allowed: Allowed) -> tuple[Allowed, Bool[Tensor, "#b 1 #q 1"] | None]:
    """Let queries without any key see all keys, so that softmax is finite, and say which they are.

    On a CPU, where looking costs nothing, the second is None if there are none.
    """
    empty = ~allowed.any(-1, keepdim=True)
    if empty.device.type == "cpu" and not empty.any():
        return allowed, None
    return allowed | empty, empty
