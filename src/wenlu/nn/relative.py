"""NEZHA's functional relative positions: fixed sinusoids added to keys and to values.

Paper: "NEZHA: Neural Contextualized Representation for Chinese Language Understanding".
Axes: b batch, h head, q query, k key, d head width, r distinct distances.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn.masks import Mask
from wenlu.nn.parts import AttentionShape
from wenlu.nn.passes import Mixed, Pass, Query
from wenlu.nn.places import Places
from wenlu.nn.position import Position, PositionPart
from wenlu.nn.settings import shown


@dataclass(frozen=True, slots=True)
class Relative(PositionPart):
    """Keys and values carry a fixed sinusoid of their distance from the query (NEZHA)."""

    reach: int = 64
    """Largest distance told apart, on either side."""

    def __post_init__(self) -> None:
        if not 1 <= self.reach <= 4_096:
            raise ConfigError(
                f"reach of relative positions must be from 1 to 4096; got {shown(self.reach)}"
            )

    def build(self, shape: AttentionShape) -> Position:
        if shape.key_size != shape.head_size:
            raise ConfigError(
                "relative positions enter keys and values: key_size must be head_size; got "
                f"{shape.key_size} and {shape.head_size}"
            )
        return RelativePosition(shape.key_size, self.reach)


class RelativePosition(Position):
    """Every key and value carries a vector for its distance from the query.

    Score (q·k + q·r)·scale and output Σ a(v + r), r the sinusoid of the clipped distance. The table
    of sinusoids is stored with the model: the stored one counts.

    Args:
        head_size: width of queries, keys and values, which must be the same.
        reach: largest distance told apart, on either side.
    """

    table: Float[Tensor, "r d"]

    def __init__(self, head_size: int, reach: int = 64) -> None:
        super().__init__()
        if head_size % 2:
            raise ConfigError(f"sinusoidal relative positions need an even width; got {head_size}")
        self.reach = reach
        self.register_buffer("table", sinusoids(2 * reach + 1, head_size))

    def passes(
        self, query: Tensor, keys: Mapping[str, Tensor], mask: Mask | None, places: Places
    ) -> list[Pass]:
        """One, with the vectors of all distances."""
        index = places.distance.clamp(-self.reach, self.reach)[:, None] + self.reach  # (b 1 q k)
        index = index.expand(*query.shape[:3], -1)
        distances = DistanceVectors(self.table.to(query.dtype), index)
        return [Pass(query, keys["key"], mask, places, distances=distances)]


class DistanceVectors(NamedTuple):
    """A vector for each distance, in keys and in values.

    No vector is built for each of the q x k pairs: scores against all r are looked up by distance,
    and weights are summed by distance before they meet r.
    """

    table: Float[Tensor, "r d"]
    row_of: Int[Tensor, "b h q k"]
    """The row of the table, for each pair."""

    def scores(self, query: Query) -> Float[Tensor, "b h q k"]:
        """query·r, of all pairs."""
        return (query @ self.table.T).gather(-1, self.row_of)

    def values(self, weights: Float[Tensor, "b h q k"]) -> Mixed:
        """Σ a·r, of all queries."""
        by_distance = weights.new_zeros(*weights.shape[:3], len(self.table))  # (b h q r)
        return by_distance.scatter_add(-1, self.row_of, weights) @ self.table


def sinusoids(rows: int, width: int) -> Float[Tensor, "r d"]:
    """Row r holds sin(r/10000^(2i/width)) and cos of the same, interleaved."""
    angle = torch.arange(rows, dtype=torch.float64)[:, None] / 10_000 ** (
        torch.arange(0, width, 2, dtype=torch.float64) / width
    )
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1).float()
