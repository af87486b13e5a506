"""Attention by all its scores: for forms that must see them, and where no fused kernel is.

Axes: b batch, h head, q query, k key, d head width.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn.dropout import dropout as drop
from wenlu.nn.masks import Allowed
from wenlu.nn.passes import Key, LogSumExp, Mixed, Pass, Query, Value

Scores = Float[Tensor, "b h q k"]


def scores(query: Query, key: Key, scale: float) -> Scores:
    """query·key·scale, for all pairs."""
    return (query * scale) @ key.transpose(-1, -2)


def pass_scores(pass_: Pass, scale: float) -> Scores:
    """All scores of a pass, with what distances add to them.

    Raises:
        ConfigError: the pass has no queries and keys.
    """
    if pass_.query is None or pass_.key is None:
        raise ConfigError(
            "this form needs queries and keys; its part must not set needs_queries = False"
        )
    raw = scores(pass_.query, pass_.key, scale)
    if pass_.distances is None:
        return raw
    return raw + pass_.distances.scores(pass_.query * scale)


def mix(
    raw: Scores, pass_: Pass, value: Value, *, dropout: float = 0.0, lse: bool = False
) -> tuple[Mixed, LogSumExp | None]:
    """Mix the values by the softmax of all scores of a pass: what most forms end with.

    Scores are masked here, after whatever a form did to them. A query that may see no key has
    output 0 and log-sum-exp -inf.

    Args:
        raw: the scores.
        pass_: gives the mask, and what distances add to the values.
        value: the values of its keys.
        dropout: rate at which weights are dropped.
        lse: whether to return the log-sum-exp of each query's scores too.
    """
    allowed = pass_.allowed()
    weights = attention_weights(raw, allowed, dropout=dropout)
    mixed = weights @ value
    if pass_.distances is not None:
        mixed = mixed + pass_.distances.values(weights)
    return mixed, log_sum_exp(raw, allowed) if lse else None


def attention_weights(raw: Scores, allowed: Allowed | None, *, dropout: float = 0.0) -> Scores:
    """The softmax of the allowed scores, with dropout; a query that may see no key gives zeros."""
    if allowed is None:
        return drop(raw.softmax(-1), dropout)
    allowed, empty = without_empty_rows(allowed)
    weights = drop(raw.masked_fill(~allowed, -torch.inf).softmax(-1), dropout)
    return weights if empty is None else weights.masked_fill(empty, 0.0)


def log_sum_exp(raw: Scores, allowed: Allowed | None) -> LogSumExp:
    """Of the allowed scores of each query, in float32 at least; -inf if there are none."""
    if allowed is not None:
        raw = raw.masked_fill(~allowed, -torch.inf)
    return raw.to(torch.promote_types(raw.dtype, torch.float32)).logsumexp(-1)


def without_empty_rows(allowed: Allowed) -> tuple[Allowed, Bool[Tensor, "#b 1 #q 1"] | None]:
    """Let queries without any key see all keys, so that softmax is finite, and say which they are.

    On a CPU, where looking costs nothing, the second is None if there are none.
    """
    empty = ~allowed.any(-1, keepdim=True)
    if empty.device.type == "cpu" and not empty.any():
        return allowed, None
    return allowed | empty, empty
