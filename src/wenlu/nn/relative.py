"""NEZHA's functional relative positions: fixed sinusoids added to keys and to values.

Paper: "NEZHA: Neural Contextualized Representation for Chinese Language Understanding".
Axes: b batch, h head, q query, k key, d head width, r distinct distances.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wenlu.errors import ConfigError
from wenlu.nn.dot_product import Key, Mixed, Query, Value, attention_weights, scores
from wenlu.nn.masks import Mask
from wenlu.nn.parts import AttentionShape
from wenlu.nn.places import Places
from wenlu.nn.position import PositionPart


@dataclass(frozen=True, slots=True)
class Relative(PositionPart):
    """Keys and values carry a fixed sinusoid of their distance from the query (NEZHA)."""

    reach: int = 64
    """Largest distance told apart, on either side."""

    def __post_init__(self) -> None:
        if not 1 <= self.reach <= 4_096:
            raise ConfigError(
                f"reach of relative positions must be from 1 to 4096; got {self.reach}"
            )

    def build(self, shape: AttentionShape) -> "RelativeForm":
        if shape.key_size != shape.head_size:
            raise ConfigError(
                "relative positions enter keys and values: key_size must be head_size; got "
                f"{shape.key_size} and {shape.head_size}"
            )
        return RelativeForm(shape.key_size, self.reach)


class RelativeForm(nn.Module):
    """Attention in which every key and value carries a vector for its distance from the query.

    Score (q·k + q·r)·scale and output Σ a(v + r), r the sinusoid of the clipped distance. No
    vector is built for each of the q x k pairs: scores against all r are looked up by distance,
    and weights are summed by distance before they meet r.

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
        self.register_buffer("table", sinusoids(2 * reach + 1, head_size), persistent=False)

    def forward(
        self,
        query: Query,
        key: Key,
        value: Value,
        mask: Mask | None,
        *,
        places: Places,
        scale: float,
        dropout: float = 0.0,
    ) -> Mixed:
        table = self.table.to(query.dtype)
        index = places.distance.clamp(-self.reach, self.reach)[:, None] + self.reach  # (b 1 q k)
        index = index.expand(*query.shape[:3], key.shape[2])
        raw = scores(query, key, scale)
        raw = raw + (query * scale @ table.T).gather(-1, index)
        allowed = None if mask is None else mask.dense(places)
        weights = attention_weights(raw, allowed, dropout=dropout)  # (b h q k)
        by_distance = weights.new_zeros(*weights.shape[:3], len(table))  # (b h q r)
        return weights @ value + by_distance.scatter_add(-1, index, weights) @ table


def sinusoids(rows: int, width: int) -> Float[Tensor, "r d"]:
    """Row r holds sin(r/10000^(2i/width)) and cos of the same, interleaved."""
    angle = torch.arange(rows, dtype=torch.float64)[:, None] / 10_000 ** (
        torch.arange(0, width, 2, dtype=torch.float64) / width
    )
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1).float()
