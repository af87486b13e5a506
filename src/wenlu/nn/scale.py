"""What scores are multiplied by, and the table that names it in configurations.

Axes: b batch, q query.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from wenlu.errors import ConfigError
from wenlu.nn.masks import Mask
from wenlu.nn.parts import AttentionShape, Table
from wenlu.nn.places import Places
from wenlu.nn.settings import shown

Scale = Callable[[Mask | None, Places], float | Tensor]
"""(mask, places) -> one factor for all scores, or one for each query (#b 1 #q 1)"""


class ScalePart(ABC):
    """What scores are multiplied by; it may depend on how many keys a query may see."""

    @abstractmethod
    def build(self, shape: AttentionShape) -> Scale:
        """The function of mask and places."""


@dataclass(frozen=True, slots=True)
class InverseRoot(ScalePart):
    """1/√d for keys of width d (paper "Attention Is All You Need")."""

    def build(self, shape: AttentionShape) -> Scale:
        return ConstantScale(shape.key_size**-0.5)


@dataclass(frozen=True, slots=True)
class ConstantScale:
    """One factor, whatever a query may see."""

    factor: float

    def __call__(self, mask: Mask | None, places: Places) -> float:
        del mask, places
        return self.factor


@dataclass(frozen=True, slots=True)
class EntropyInvariant(ScalePart):
    """log n/(log n₀·√d) for a query that may see n keys, at least `least`.

    Weights stay as sharp on long texts as on short ones. Sources: "Attention scaling from entropy
    invariance", "Entropy-invariant attention from the JL lemma".
    """

    usual: int = 512
    """n₀, the number of keys at which it is 1/√d."""
    least: int = 16
    """Queries that see fewer keys are scaled as if they saw so many."""

    def __post_init__(self) -> None:
        if self.usual < 2 or self.least < 2:
            raise ConfigError(
                f"usual and least must be at least 2; got {shown(self.usual)}, {shown(self.least)}"
            )

    def build(self, shape: AttentionShape) -> Scale:
        return EntropyInvariantScale(shape.key_size**-0.5 / math.log(self.usual), least=self.least)


@dataclass(frozen=True, slots=True)
class EntropyInvariantScale:
    """`factor`·log n for a query that may see n keys, at least `least`."""

    factor: float
    least: int

    def __call__(self, mask: Mask | None, places: Places) -> float | Float[Tensor, "#b 1 #q 1"]:
        if mask is None:
            return self.factor * math.log(max(places.key.shape[1], self.least))
        seen = mask.count(places).clamp(min=self.least)
        exact = torch.float32 if seen.device.type == "mps" else torch.float64
        return self.factor * seen.to(exact).log()[:, None, :, None]


SCALES: Table[ScalePart] = Table(
    "scale",
    ScalePart,
    {
        "inverse_root": (InverseRoot, "1/√d for keys of width d"),
        "entropy_invariant": (
            EntropyInvariant,
            "log n/(log 512·√d) for a query that may see n keys: as sharp on long texts",
        ),
    },
)
