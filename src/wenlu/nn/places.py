"""Where queries and keys stand in their texts."""

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor


class Places(NamedTuple):
    """The positions of the queries and of the keys, each counted from 0 within its text.

    They are two because they differ: while decoding, the queries are the newest few of all keys;
    in a packed batch, positions start again at every text.
    """

    query: Int[Tensor, "#b q"]
    key: Int[Tensor, "#b k"]
    first: int = 0
    """Which of the keys the first query is; the queries are that one and those after it."""
    counted: bool = False
    """Whether positions are known to be 0, 1, 2, ..., so that later keys are those further on."""

    @property
    def of_queries(self) -> slice:
        """Which of the keys the queries are."""
        return slice(self.first, self.first + self.query.shape[1])

    @property
    def distance(self) -> Int[Tensor, "#b q k"]:
        """Key position minus query position."""
        return self.key[:, None, :] - self.query[:, :, None]


def in_order(length: int, start: int = 0, device: torch.device | None = None) -> Places:
    """`length` queries from position `start` on, which see themselves and all before them."""
    key = torch.arange(start + length, device=device)[None]
    return Places(query=key[:, start:], key=key, first=start, counted=True)
