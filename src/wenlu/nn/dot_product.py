"""Scaled dot-product attention, the ordinary form ("Attention is all you need").

Axes: b batch, h head, q query, k key, d head width.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn.dropped_attention import dropped_attention, dropped_attention_with_lse
from wenlu.nn.explicit import (
    attention_weights,
    log_sum_exp,
    mix,
    pass_scores,
    scores,
    without_empty_rows,
)
from wenlu.nn.fused import fused_attention, has_kernel
from wenlu.nn.masks import Causal, Mask
from wenlu.nn.passes import Key, LogSumExp, Mixed, Pass, Query, Value
from wenlu.nn.places import Places


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
    if mask is None or _is_causal(mask, places, query, key):
        return F.scaled_dot_product_attention(
            query, key, value, dropout_p=dropout, is_causal=mask is not None, scale=scale
        )
    allowed, empty = without_empty_rows(mask.dense(places))
    mixed = F.scaled_dot_product_attention(
        query, key, value, attn_mask=allowed, dropout_p=dropout, scale=scale
    )
    return mixed if empty is None else mixed.masked_fill(empty, 0.0)


def dot_product_with_lse(
    query: Query,
    key: Key,
    value: Value,
    mask: Mask | None,
    *,
    places: Places,
    scale: float,
    dropout: float = 0.0,
) -> tuple[Mixed, LogSumExp]:
    """As `dot_product`, and the log-sum-exp of each query's scores, by which passes merge exactly.

    It is that of all weights, those that were dropped too. A query that may see no key has output 0
    and log-sum-exp -inf. Also the gradient through the log-sum-exp is exact; second derivatives
    are an error.
    """
    by_all_scores = bool(dropout) and query.device.type == "cpu"
    fused = has_kernel(query) and not by_all_scores
    causal = fused and mask is not None and _is_causal(mask, places, query, key)
    allowed, empty = None, None
    if mask is not None and not causal:
        allowed, empty = without_empty_rows(mask.dense(places))
    if by_all_scores:
        forbidden = None if allowed is None else ~allowed
        mixed, lse = dropped_attention_with_lse(query, key, value, forbidden, scale, dropout)
    elif fused:
        bias = None
        if allowed is not None:
            bias = torch.zeros_like(allowed, dtype=query.dtype).masked_fill_(~allowed, -torch.inf)
        mixed, lse = fused_attention(
            query, key, value, bias, scale=scale, causal=causal, dropout=dropout
        )
    else:
        raw = scores(query, key, scale)
        mixed = attention_weights(raw, allowed, dropout=dropout) @ value
        lse = log_sum_exp(raw, allowed)
    if empty is None:
        return mixed, lse
    return mixed.masked_fill(empty, 0.0), lse.masked_fill(empty[..., 0], -torch.inf)


def _is_causal(mask: Mask, places: Places, query: Tensor, key: Tensor) -> bool:
    """Whether the kernels' own causal mask, by order of arrival, is the same."""
    return type(mask) is Causal and places.counted and query.shape[2] == key.shape[2]


def dot_product_form(
    x: Float[Tensor, "b q m"],
    pass_: Pass,
    value: Value,
    *,
    scale: float,
    dropout: float,
    lse: bool,
) -> tuple[Mixed, LogSumExp | None]:
    """The form that `DotProduct` builds; by all scores where distances enter the values."""
    del x
    if pass_.distances is not None:
        return mix(pass_scores(pass_, scale), pass_, value, dropout=dropout, lse=lse)
    query, key, mask, places = pass_[:4]
    if query is None or key is None:
        raise ConfigError("dot-product attention needs queries and keys")
    if lse:
        return dot_product_with_lse(
            query, key, value, mask, places=places, scale=scale, dropout=dropout
        )
    return dot_product(query, key, value, mask, places=places, scale=scale, dropout=dropout), None
