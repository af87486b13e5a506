"""Rotary positions (paper "RoFormer: Enhanced Transformer with Rotary Position Embedding").

Axes: b batch, h head, q query, k key, s either of them, d head width, p pair of components.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn.masks import Mask
from wenlu.nn.parts import AttentionShape
from wenlu.nn.passes import Pass
from wenlu.nn.places import Places
from wenlu.nn.position import Position, PositionPart


@dataclass(frozen=True, slots=True)
class Rotary(PositionPart):
    """Queries and keys are turned by angles that grow with their position (RoFormer)."""

    base: float = 10_000.0
    """Base of the frequencies when they are made; afterwards the stored ones count."""

    def __post_init__(self) -> None:
        if not self.base > 0:
            raise ConfigError(f"base of rotary positions must be more than 0; got {self.base}")

    def build(self, shape: AttentionShape) -> Position:
        return RotaryPosition(shape.key_size, self.base)


class RotaryPosition(Position):
    """Queries and keys are turned by angles that grow with their position.

    The frequencies are stored with the model: a grown model repeats them, and would not be
    lossless if they were worked out anew from its head size.

    Args:
        key_size: width of queries and keys; even.
        base: frequency p is base^(-2p/key_size).
    """

    frequencies: Float[Tensor, " p"]

    def __init__(self, key_size: int, base: float = 10_000.0) -> None:
        super().__init__()
        if key_size % 2:
            raise ConfigError(f"rotary positions turn pairs; key_size {key_size} is odd")
        exponent = torch.arange(0, key_size, 2, dtype=torch.float64) / key_size
        self.register_buffer("frequencies", (base**-exponent).float())

    def keys(self, key: Tensor, positions: Int[Tensor, "#b k"]) -> dict[str, Tensor]:
        """Keys are turned once, when they arrive, and never again."""
        return {"key": rotate(key, positions, self.frequencies)}

    def passes(
        self, query: Tensor, keys: Mapping[str, Tensor], mask: Mask | None, places: Places
    ) -> list[Pass]:
        """One, in which queries are turned."""
        return [Pass(rotate(query, places.query, self.frequencies), keys["key"], mask, places)]


def rotate(
    x: Float[Tensor, "b h s d"], positions: Real[Tensor, "#b s"], frequencies: Float[Tensor, " p"]
) -> Float[Tensor, "b h s d"]:
    """Turn each pair (2p, 2p+1) of components by position times frequency p.

    Positions may be real numbers. Angles are worked out in float64: in float32 they are off by 1e-4
    already at position 10,000. (Apple's GPUs have no float64 and make do with float32.)
    """
    exact = torch.float32 if x.device.type == "mps" else torch.float64
    angle = positions[:, None, :, None].to(exact) * frequencies.to(exact)  # (b 1 s p)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)
