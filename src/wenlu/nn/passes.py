"""Passes: the attentions that one attention is made of, each over a part of the keys.

Axes: b batch, h head, q query, k key, d head width.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wenlu.nn.masks import ALL, Mask
from wenlu.nn.places import Places

Query = Float[Tensor, "b h q dk"]
Key = Float[Tensor, "b h k dk"]
Value = Float[Tensor, "b h k dv"]
Mixed = Float[Tensor, "b h q dv"]
LogSumExp = Float[Tensor, "b h q"]


class Distances(Protocol):
    """What scores and values owe to the distance of query and key, beside the keys themselves."""

    def scores(self, query: Query) -> Float[Tensor, "b h q k"]:
        """What is added to the scores of those queries."""

    def values(self, weights: Float[Tensor, "b h q k"]) -> Mixed:
        """What is added to the mixed values."""


class Pass(NamedTuple):
    """Queries that meet a part of the keys, and who of them may see whom."""

    query: Tensor | None
    """(b h q d); None where the form needs no queries."""
    key: Tensor | None
    """(b h k d); None where the form needs no keys."""
    mask: Mask | None
    """Of these queries and keys; None if they all see each other."""
    places: Places
    """What the mask is asked with."""
    rows: slice = ALL
    """Which of the attention's queries these are."""
    columns: slice = ALL
    """Which of the attention's keys these are."""
    distances: Distances | None = None

    def allowed(self) -> Bool[Tensor, "#b 1 #q #k"] | None:
        """The mask as a tensor; None if all see each other."""
        return None if self.mask is None else self.mask.dense(self.places)


def cut(x: Tensor, axis: int, part: slice) -> Tensor:
    """That part of `x` along an axis."""
    return x if part == ALL else x[(ALL,) * axis + (part,)]


def merge(
    first: Mixed, first_lse: LogSumExp, second: Mixed, second_lse: LogSumExp
) -> tuple[Mixed, LogSumExp]:
    """One attention over two disjoint sets of keys, from the attentions over each of them."""
    lse = torch.logaddexp(first_lse, second_lse)
    difference = torch.where(lse == -torch.inf, 0.0, first_lse - second_lse)[..., None]
    first_share, second_share = difference.sigmoid(), (-difference).sigmoid()
    return first * first_share.to(first.dtype) + second * second_share.to(second.dtype), lse


def merge_passes(
    passes: Sequence[Pass], results: Sequence[tuple[Tensor, Tensor | None]], queries: int
) -> Tensor:
    """One attention for all queries (b h q dv), exactly, from passes over disjoint sets of keys.

    Args:
        passes: each with its rows. A query that is in none of them gives zeros.
        results: what the form made of each pass, with the log-sum-exp if there are several.
        queries: number of queries of the attention.
    """
    if len(passes) == 1 and passes[0].rows == ALL:
        return results[0][0]
    mixed, lse = None, None
    for pass_, (more, more_lse) in zip(passes, results, strict=True):
        assert more_lse is not None
        if mixed is None or lse is None:
            mixed = more.new_zeros(*more.shape[:2], queries, more.shape[3])
            lse = more_lse.new_full((*more.shape[:2], queries), -torch.inf)
        start, stop, _ = pass_.rows.indices(queries)
        rows = slice(start, stop)
        both, both_lse = merge(mixed[:, :, rows], lse[:, :, rows], more, more_lse)
        if (start, stop) == (0, queries):
            mixed, lse = both, both_lse
        else:
            mixed = torch.cat([mixed[:, :, :start], both, mixed[:, :, stop:]], 2)
            lse = torch.cat([lse[:, :, :start], both_lse, lse[:, :, stop:]], 2)
    assert mixed is not None
    return mixed
